"""The package as a user gets it: sdist and wheel, in an environment with nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from hashlib import sha256
from inspect import cleandoc
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, REPOSITORY
from driver import needs

from falenv import __version__, assets
from falenv.commands import profile
from falenv.integration import without_comments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Kind, Shell


#: What a build by the same sources has the same, whatever the time.
EPOCH = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
#: What git knows, but a user of the sdist does not need.
NOT_SENT = (".ci/", ".editorconfig")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation",
            "-w", folder, REPOSITORY,
        ],
        env=EPOCH,
        check=True,
    )  # fmt: skip
    (built,) = folder.glob("falenv-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of an empty venv with the wheel; its path has a space and a quote."""
    folder = tmp_path_factory.mktemp("in") / "it's here"
    venv.create(folder, with_pip=True)
    subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "-q", wheel], check=True)
    return folder / "bin"


def test_the_wheel_has_the_shell_code_and_nothing_besides(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = {name.removeprefix("falenv/_data/") for name in names if "/_data/" in name}
    expected = {
        f"{folder}/{file.name}"
        for folder in ("shell", "completions")
        for file in (REPOSITORY / folder).iterdir()
    }
    assert data == expected
    assert {name.split("/")[0].split("-")[0] for name in names} == {"falenv"}


def test_the_sdist_is_what_git_knows_and_builds_the_same_again(wheel: Path, tmp_path: Path) -> None:
    def build(source: Path, *targets: str) -> list[Path]:
        """Build, as a user with another umask and another time zone."""
        out = tmp_path / f"of {source.name}"
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", *targets, "-d", out],
            cwd=source, env={**EPOCH, "TZ": "Asia/Tokyo"}, umask=0o077, check=True,
            capture_output=True,
        )  # fmt: skip
        return sorted(out.iterdir())

    def digests(files: list[Path]) -> dict[str, str]:
        return {file.name: sha256(file.read_bytes()).hexdigest() for file in files}

    (sdist,) = build(REPOSITORY, "-t", "sdist")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = tmp_path / f"falenv-{__version__}"
    names = {str(file.relative_to(unpacked)) for file in unpacked.rglob("*") if file.is_file()}
    known = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout.splitlines()  # fmt: skip
    expected = {name for name in known if not name.startswith(NOT_SENT)}
    assert names == expected | {"PKG-INFO"}
    assert digests(build(unpacked)) == digests([sdist, wheel])


def test_only_one_place_has_the_version(wheel: Path) -> None:
    assert wheel.name == f"falenv-{__version__}-py3-none-any.whl"
    for folder, ending in (("falenv", ".py"), (".", ".toml")):
        for file in (REPOSITORY / folder).glob(f"**/*{ending}" if folder != "." else f"*{ending}"):
            found = f'"{__version__}"' in file.read_text()
            assert found == (file == REPOSITORY / "falenv" / "__init__.py"), file


SHARED = {
    "bash-completion/completions/fal": "fal.bash",
    "bash-completion/completions/falenv": "fal.bash",
    "zsh/site-functions/_fal": "_fal",
    "fish/vendor_completions.d/fal.fish": "fal.fish",
    "fish/vendor_completions.d/falenv.fish": "fal.fish",
}
LOOKS = {
    "bash": ". /usr/share/bash-completion/bash_completion",
    "zsh": 'fpath=("$SHARE/zsh/site-functions" $fpath); autoload -Uz compinit; compinit -D',
    "fish": "",
}


def test_the_wheel_puts_completions_where_the_shells_look(
    home: Home, installed: Path, start: Callable[..., Shell], kind: Kind
) -> None:
    share = installed.parent / "share"
    found = {str(file.relative_to(share)) for file in share.rglob("*") if file.is_file()}
    assert found >= set(SHARED)
    for name, source in SHARED.items():
        assert (share / name).read_bytes() == (REPOSITORY / "completions" / source).read_bytes()
    home.profiles("a", "comfy", default="a")
    for command in ("falenv", "fal"):  # each in a shell that has loaded neither
        shell = start(
            kind, LOOKS[kind.name],
            PATH=f"{installed}:/usr/bin:/bin", SHARE=str(share),
            XDG_DATA_DIRS=f"{share}:/usr/local/share:/usr/share",
        )  # fmt: skip
        shell.type(f"{command} profile use com\tX")
        wanted = f"ready> {command} profile use comfy X"
        shell.wait(lambda: shell.screen().endswith(wanted), wanted)  # noqa: B023


def test_the_wheel_in_an_empty_environment_brings_a_shell_its_key(
    home: Home, installed: Path, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    show = kind.show("FAL_KEY")
    done = home.run(
        *kind.script(f"{kind.eval_line()}; {show}; fal profile set b; {show}"),
        PATH=f"{installed}:/usr/bin:/bin",
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout == f"<{KEYS['a']}>Default profile set to b.\n<{KEYS['b']}>"


def test_a_command_of_the_official_cli_without_it_says_how_to_get_it(
    home: Home, installed: Path
) -> None:
    done = home.run(str(installed / "fal"), "app", "list", PATH=f"{installed}:/usr/bin:/bin")
    assert done.returncode == 127
    assert done.stdout == ""
    assert "pip install fal" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_wheel_has_a_man_page_for_each_command(home: Home, installed: Path) -> None:
    pages = sorted((installed.parent / "share" / "man" / "man1").iterdir())
    commands = [one for one in profile.commands.values() if not one.hidden]
    names = {"fal-profile", *(f"fal-profile-{one.name}" for one in commands)}
    assert {page.stem for page in pages} == names
    done = home.run(
        needs("man"), "--warnings", "--no-hyphenation", *map(str, pages),
        MANWIDTH="80", LC_ALL="C.UTF-8",
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    shown = " ".join(done.stdout.split())
    for command in (profile, *commands):
        for line in cleandoc(command.help or "").replace("\b", "").split("\n"):
            assert " ".join(line.split()) in shown, line


LISTS = {
    "bash": "declare -f",
    "zsh": "functions",
    "mksh": "typeset -f",
    "fish": "for name in (functions -an); functions $name; end | string match -rv '^ *#|^$'",
}


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("bash", "shell/core.sh shell/falenv.bash"),
        ("zsh", "shell/core.sh shell/falenv.zsh"),
        ("zsh", "completions/_fal"),
        ("mksh", "shell/falenv.sh"),
        ("fish", "shell/falenv.fish"),
        ("fish", "shell/prompt.fish"),
        ("fish", "shell/command.fish"),
    ],
)
def test_without_its_comments_a_file_is_the_same_to_its_shell(
    home: Home, name: str, files: str
) -> None:
    text = "".join(assets.read(*file.split("/")) for file in files.split())
    found = []
    for code in (text, without_comments(text)):
        (home.path / "code").write_text(code)
        done = home.script(name, f". ./code; {LISTS[name]}")
        found.append((done.stdout, done.stderr))
    assert found[0] == found[1]
    assert found[0][0].count("__falenv_") > 20
