"""A new version of the program under installed start-up lines: the next new shell has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from typing import TYPE_CHECKING

from conftest import REPOSITORY, copied_package
from driver import KINDS
from test_install import KEY, _quiet_fish, install, is_active, programs  # noqa: F401

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Home
    from driver import Kind


def mark(folder: Path, word: str) -> None:
    """Let the shell files in a folder define is_version."""
    for name, line in (("core.sh", "is_version={}"), ("falenv.fish", "set -g is_version {}")):
        with (folder / name).open("a") as file:
            file.write(f"{line.format(word)}\n")


def package(home: Home, version: str, word: str) -> Path:
    """Install a version, as a package manager that gives the time 1 to all files."""
    for name in ("lib", "bin"):
        shutil.rmtree(home.path / name, ignore_errors=True)
    path = home.variables["PATH"]
    exe = copied_package(home)
    home.variables["PATH"] = path if str(exe.parent) in path else home.variables["PATH"]
    folder = home.path / "lib" / "falenv"
    text = (folder / "__init__.py").read_text()
    head = text[: text.index("__version__")]
    (folder / "__init__.py").write_text(f'{head}__version__ = "{version}"\n')
    mark(folder / "_data" / "shell", word)
    for file in (exe, exe.with_name("fal"), *folder.rglob("*")):
        os.utime(file, (1, 1))
    return exe


def check(home: Home, kind: Kind, word: str, processes: int) -> None:
    """Start a shell, which has this version after that many processes, then one without any."""
    ask = f"{KEY}; {kind.show('is_version')}"
    for expected in (processes, 0):
        found, started = programs(home, kind.name, "-ic", ask)
        assert found == f"{is_active('a')}<{word}>"
        assert len(started) == expected, started


def test_an_upgrade_and_a_downgrade_with_equal_times(home: Home, kind: Kind) -> None:
    home.profiles("a", default="a")
    package(home, "1.0", "one")
    install(home, kind.name)
    check(home, kind, "one", 0)
    for version, word in (("1.1", "two"), ("1.0", "one"), ("1.0.post1", "three")):
        package(home, version, word)
        check(home, kind, word, 1)


def test_a_package_that_leads_to_another_folder(home: Home, kind: Kind) -> None:
    """As with Homebrew and Nix: each version has a folder of its own, with its own Python."""
    home.profiles("a", default="a")
    links = home.path / "links"
    links.mkdir()
    home.variables["PATH"] = f"{links}:{home.variables['PATH']}"
    roots = [home.path.parent / version for version in ("1.0", "1.1", "1.2")]
    for root, word in zip(roots, ("one", "two", "three"), strict=True):
        venv.create(root)
        (site,) = root.glob("lib/python*/site-packages")
        (site / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        package(home, root.name, word)
        (home.path / "lib" / "falenv").rename(site / "falenv")
        program = root / "bin" / "falenv"
        start = "import sys\nfrom falenv.__main__ import main\nsys.exit(main())\n"
        program.write_text(f"#!{root / 'bin' / 'python'}\n{start}")
        program.chmod(0o755)
        os.utime(program, (1, 1))
        shutil.rmtree(home.path / "bin")
        (links / "falenv").unlink(missing_ok=True)
        (links / "falenv").symlink_to(program)
        if word == "one":
            install(home, kind.name)
        elif word == "three":
            shutil.rmtree(roots[0])
            shutil.rmtree(roots[1])
        check(home, kind, word, 0 if word == "one" else 1)


def wheel(folder: Path, version: str) -> Path:
    """Build a wheel of this checkout with another version, which its shell files say too."""
    source = folder / f"source-{version}"
    source.mkdir()
    for name in ("falenv", "shell", "completions"):
        shutil.copytree(REPOSITORY / name, source / name)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(REPOSITORY / name, source / name)
    text = (source / "falenv" / "__init__.py").read_text()
    head = text[: text.index("__version__")]
    (source / "falenv" / "__init__.py").write_text(f'{head}__version__ = "{version}"\n')
    mark(source / "shell", version)
    words = ["wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(source)]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    (built,) = folder.glob(f"falenv-{version}-*.whl")
    return built


def test_pip_upgrades_the_next_new_shell(home: Home, tmp_path: Path) -> None:
    """With the time 1 on all files, as on Nix and in some images."""
    home.profiles("a", default="a")
    root = tmp_path / "it's pip's"
    venv.create(root)
    (packages,) = root.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    home.variables["PATH"] = f"{root / 'bin'}:{home.variables['PATH']}"
    for version in ("7.1", "7.2", "7.1"):
        found = list(tmp_path.glob(f"falenv-{version}-*.whl")) or [wheel(tmp_path, version)]
        # Our own falenv, in the other folder, stays as it is.
        words = ["install", "-q", "--upgrade", "--no-deps", "--no-index", "--force-reinstall"]
        pip = [sys.executable, "-m", "pip", "--python", str(root / "bin" / "python")]
        (packages / "others.pth").unlink(missing_ok=True)
        subprocess.run([*pip, *words, str(found[0])], check=True)
        (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        for file in (*packages.rglob("*"), *(root / "bin").glob("fal*")):
            os.utime(file, (1, 1))
        if not (home.path / ".bashrc").exists():
            install(home, "bash")
            check(home, KINDS["bash"], version, 0)
        else:
            check(home, KINDS["bash"], version, 1)


def test_an_edit_in_a_checkout(home: Home, kind: Kind) -> None:
    home.profiles("a", default="a")
    copied_package(home, is_checkout=True)
    folder = home.path / "lib"
    mark(folder / "shell", "one")
    install(home, kind.name)
    check(home, kind, "one", 0)
    mark(folder / "shell", "two")
    check(home, kind, "two", 1)
    # The newest file again, then an older one.
    mark(folder / "shell", "three")
    check(home, kind, "three", 1)
    for name in ("falenv/notices.py", "completions/_fal"):
        (folder / name).touch()
        check(home, kind, "three", 1)
