"""The real direnv: `.envrc` files, and its hook beside ours."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS
from driver import UNSET, Kind, Shell, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home

DIRENV = {
    "bash": 'eval "$(direnv hook bash)"',
    "zsh": 'eval "$(direnv hook zsh)"',
    "fish": "direnv hook fish | source",
}


def project(home: Home, text: str, name: str = "project") -> Path:
    """Make a folder with an allowed `.envrc`.

    Beside the home, whose awkward name direnv itself runs as code.
    """
    folder = home.path.parent / name
    folder.mkdir()
    (folder / ".envrc").write_text(text)
    done = home.run(needs("direnv"), "allow", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("first", [True, False], ids=["ours first", "direnv first"])
def test_case_31_envrc_pins_inside_and_the_shell_has_its_own_outside(
    home: Home, start: Callable[..., Shell], kind: Kind, *, first: bool
) -> None:
    home.profiles("a", "b", "c", default="b")
    folder = project(home, 'eval "$(fal profile env a)"\n')
    hooks = [kind.eval_line(), DIRENV[kind.name]]
    # The login shell is fish wherever we are: an .envrc is bash all the same.
    shell = start(
        kind,
        "\n".join(hooks if first else hooks[::-1]),
        SHELL="/usr/bin/fish",
        DIRENV_LOG_FORMAT="",
    )
    assert shell.get("FAL_KEY") == KEYS["b"]
    for default in ("b", "c", "b"):
        home.fal("set", default)
        shell.talk(f"cd {folder}")
        shell.prompts()
        inside = shell.exported()
        assert inside["FAL_KEY"] == KEYS["a"]
        assert (inside["FAL_PROFILE"], inside["FALENV_PROFILE"]) == ("a", "a")
        assert "(fal:a*)" in shell.screen()
        shell.talk("cd ~")
        shell.prompts()
        outside = shell.exported()
        assert outside["FAL_KEY"] == KEYS[default]
        assert outside["FALENV_PROFILE"] == default
        assert "FAL_PROFILE" not in outside


def test_case_31_the_key_is_right_at_the_first_prompt_after_leaving(
    home: Home, start: Callable[..., Shell], kind: Kind
) -> None:
    home.profiles("a", "b", default="b")
    folder = project(home, 'eval "$(fal profile env a)"\n')
    rc = f"{kind.eval_line()}\n{DIRENV[kind.name]}"
    shell = start(kind, rc, DIRENV_LOG_FORMAT="")
    shell.talk(f"cd {folder}")
    assert shell.get("FAL_KEY") == KEYS["a"]
    shell.talk("cd ~")
    assert shell.get("FAL_KEY") == KEYS["b"]


def test_case_31_envrc_gets_exports_only_and_in_bash_syntax(home: Home) -> None:
    home.profiles("a", default="a")
    folder = project(home, 'eval "$(fal profile env a)"\ndeclare -F > functions\n')
    done = home.run(
        needs("direnv"), "exec", str(folder), "env", SHELL="/usr/bin/fish", DIRENV_LOG_FORMAT=""
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert f"FAL_KEY={KEYS['a']}" in done.stdout.splitlines()
    assert "falenv" not in (folder / "functions").read_text()


def test_case_31_direnv_reloads_when_the_store_changes(
    home: Home, start: Callable[..., Shell]
) -> None:
    home.profiles("a", "b", default="b")
    folder = project(home, 'eval "$(fal profile env a)"\n')
    shell = start("bash", DIRENV["bash"], DIRENV_LOG_FORMAT="")  # direnv alone
    shell.talk(f"cd {folder}")
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    time.sleep(1.1)  # direnv compares whole seconds
    changed = home.fal("key", "a", "--stdin", stdin=KEYS["c"])
    assert changed.returncode == 0, changed.stderr
    shell.prompts()
    assert shell.exported()["FAL_KEY"] == KEYS["c"]


def link(home: Home, folder: Path, name: str) -> None:
    """Make a profile that of a folder, from outside."""
    done = home.run("sh", "-c", f'cd "$1" && exec fal profile link {name}', "sh", str(folder))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", [True, False], ids=["ours first", "direnv first"])
def test_case_31_20_times_in_and_out_of_linked_folders(
    home: Home, start: Callable[..., Shell], kind: Kind, *, first: bool
) -> None:
    home.profiles("a", "b", "c", "me", "comfy", default="me")
    linked = home.path.parent / "linked"
    linked.mkdir()
    both = project(home, 'eval "$(fal profile env)"\n', "both")
    link(home, linked, "a")
    link(home, both, "c")
    hooks = [kind.eval_line(), DIRENV[kind.name]]
    if not first:
        hooks.reverse()
    shell = start(kind, "\n".join(hooks), DIRENV_LOG_FORMAT="", FAL_KEY="by:hand")
    # All of it typed at once: what counts is what each prompt, with both hooks, leaves.
    program = kind.quote(f"{SCRIPTS}/falenv")
    default, place, wanted = "me", "~", ""
    for number in range(20):
        lines = [f"cd {(linked, both)[number % 2]}", "cd ~"]
        # Another process switches the default, out there, or while we are in the folder.
        if number % 3 == 0:
            lines.insert(1 + number // 6 % 2, "switch")
        for line in lines:
            if line == "switch":
                default = "comfy" if default == "me" else "me"
                shell.type(f" {program} profile set {default} > ~/said\r")
            else:
                place = line.removeprefix("cd ")
                shell.type(f" {line}\r")
            shell.type(" printenv FAL_KEY FALENV_PROFILE >> ~/log\r")
            name = {str(linked): "a", str(both): "c"}.get(place, default)
            wanted += f"{KEYS[name]}\n{name}\n"
    shell.talk("", 120)
    shell.prompts()
    assert (home.path / "log").read_text() == wanted
    assert shell.talk("fal profile off") == ""
    shell.talk(f"cd {linked}")
    shell.talk("cd ~")
    exported = shell.exported()
    assert exported["FAL_KEY"] == "by:hand"
    assert not {"FALENV_PROFILE", "FAL_PROFILE"} & set(exported)


def test_case_31_direnv_reloads_when_the_folders_profile_changes(
    home: Home, start: Callable[..., Shell]
) -> None:
    home.profiles("a", "b", "c", default="b")
    folder = project(home, 'eval "$(fal profile env)"\n')
    shell = start("bash", DIRENV["bash"], DIRENV_LOG_FORMAT="")  # direnv alone

    def key() -> str:
        shell.prompts()
        return str(shell.exported().get("FAL_KEY", UNSET))

    shell.talk(f"cd {folder}")
    assert key() == KEYS["b"]
    link(home, folder, "a")  # there was none
    assert key() == KEYS["a"]
    time.sleep(1.1)  # direnv compares whole seconds
    (folder / ".fal-profile").write_text("c\n")
    assert key() == UNSET  # another text, which was not allowed
    time.sleep(1.1)
    shell.talk("fal profile allow")
    assert key() == KEYS["c"]
    shell.talk("fal profile unlink")
    assert key() == KEYS["b"]


@pytest.mark.parametrize("words", ["b", "--default"])
def test_use_in_a_direnv_folder_says_what_it_does_not(
    home: Home, start: Callable[..., Shell], kind: Kind, words: str
) -> None:
    home.profiles("a", "b", "c", default="b")
    pins = project(home, 'eval "$(fal profile env a)"\n', "pins")
    other = project(home, "export OTHER=1\n", "other")
    rc = f"{kind.eval_line()}\n{DIRENV[kind.name]}"
    shell = start(kind, rc, DIRENV_LOG_FORMAT="")
    shell.talk(f"cd {other}")
    assert shell.get("OTHER") == "1"
    assert shell.talk(f"fal profile use {words}") + shell.prompts() == ""
    assert shell.talk("fal profile use --default") == ""
    shell.talk(f"cd {pins}")
    assert shell.get("FAL_KEY") == KEYS["a"]
    notice(
        shell.talk(f"fal profile use {words}"), "lasts until direnv reloads or you leave the folder"
    )
    assert shell.prompts(2) == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    shell.talk("cd ~")
    assert shell.get("FAL_KEY") == KEYS["b"]
    shell.talk(f"cd {pins}")
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_a_name_in_envrc_that_is_none_leaves_no_key(home: Home) -> None:
    home.profiles("a", default="a")
    folder = project(home, 'eval "$(fal profile env typo)"\n')
    done = home.run(
        needs("direnv"), "exec", str(folder), "env", FAL_KEY="other:key", DIRENV_LOG_FORMAT=""
    )
    notice(done.stderr.rstrip("\n"), "typo")
    assert not [line for line in done.stdout.splitlines() if line.startswith("FAL_KEY=")]


# --- use fal -------------------------------------------------------------------------------------


@pytest.fixture
def use_fal(home: Home) -> Home:
    """A home where direnv knows `use fal`, with another FAL_KEY outside."""
    home.profiles("a", "b", default="b")
    done = home.fal("install", "direnv", "--yes")
    assert done.returncode == 0, done.stderr
    assert "use fal NAME" in done.stderr
    home.variables |= {"DIRENV_LOG_FORMAT": "", "FAL_KEY": "other:key"}
    home.variables["PATH"] = "/usr/local/bin:/usr/bin:/bin"  # it knows where we are
    return home


def inside(home: Home, text: str) -> tuple[dict[str, str], str]:
    """Return the variables that a folder with this .envrc has, and what was said."""
    folder = project(home, text)
    done = home.run(needs("direnv"), "exec", str(folder), "env", "-0")
    pairs = (entry.partition("=") for entry in done.stdout.split("\0"))
    return {name: value for name, _, value in pairs}, done.stderr


def test_use_fal_gives_a_folder_its_profile(use_fal: Home) -> None:
    found, said = inside(use_fal, "use fal a\n")
    assert (found["FAL_KEY"], found["FAL_PROFILE"], said) == (KEYS["a"], "a", "")


def test_use_fal_alone_follows_the_default(use_fal: Home) -> None:
    found, said = inside(use_fal, "use fal\n")
    assert (found["FAL_KEY"], said) == (KEYS["b"], "")
    assert "FAL_PROFILE" not in found
    assert not [name for name in found if name.startswith("__falenv")]


def test_use_fal_with_a_name_that_is_none_leaves_no_key(use_fal: Home) -> None:
    found, said = inside(use_fal, "use fal typo\nexport LATER=yes\n")
    assert "FAL_KEY" not in found
    assert found["LATER"] == "yes"
    notice(said.rstrip("\n"), "typo")


@pytest.mark.parametrize("is_on_path", [True, False])
def test_use_fal_where_the_program_has_moved(use_fal: Home, *, is_on_path: bool) -> None:
    lib = use_fal.path / ".config" / "direnv" / "lib" / "use_fal.sh"
    lib.write_text(lib.read_text().replace(str(SCRIPTS), "/nowhere"))
    assert "/nowhere/falenv" in lib.read_text()
    if is_on_path:
        use_fal.variables["PATH"] = f"{SCRIPTS}:{use_fal.variables['PATH']}"
    found, _ = inside(use_fal, "use fal a\n")
    assert found.get("FAL_KEY") == (KEYS["a"] if is_on_path else None)


def test_direnv_reloads_a_folder_that_uses_fal(use_fal: Home, start: Callable[..., Shell]) -> None:
    folder = project(use_fal, "use fal\n")
    shell = start("bash", DIRENV["bash"])
    shell.talk(f"cd {folder}")
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    time.sleep(1.1)  # direnv compares whole seconds
    assert use_fal.run(f"{SCRIPTS}/falenv", "profile", "set", "a").returncode == 0
    shell.prompts()
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    shell.talk("cd ~")
    shell.prompts()
    assert shell.exported()["FAL_KEY"] == "other:key"


def test_a_key_that_direnv_has_loaded_again_is_the_profiles(
    home: Home, start: Callable[..., Shell], kind: Kind
) -> None:
    """direnv's hook runs first, so that falenv sees another key than the one that it has set."""
    home.profiles("a", "b", default="b")
    os.utime(home.store, (1, 1))  # direnv compares whole seconds
    folder = project(home, 'eval "$(fal profile env a)"\n')
    shell = start(kind, f"{DIRENV[kind.name]}\n{kind.eval_line()}", DIRENV_LOG_FORMAT="")
    # Inside and outside: there direnv puts back the key that was a's before.
    for pin, segment in (("", "(fal:b) "), ("a", "(fal:a*) ")):
        shell.export("FAL_PROFILE", pin)
        shell.talk(f"cd {folder}")
        assert shell.segment == "(fal:a*) "
        key = KEYS["c" if pin else "comfy"]
        assert home.fal("key", "a", "--stdin", stdin=key).returncode == 0
        assert shell.prompts() == ""
        assert (shell.get("FAL_KEY"), shell.segment) == (key, "(fal:a*) ")
        shell.talk("cd ~")
        expected = key if pin else KEYS["b"]
        assert (shell.get("FAL_KEY"), shell.segment) == (expected, segment)
