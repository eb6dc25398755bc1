"""The folder's own profile: `.fal-profile`, and whose word counts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from conftest import ANOTHER, KEYS, give_away
from driver import UNSET, Kind, Shell, notice, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Trace


@pytest.fixture
def folder(home: Home) -> Path:
    """Return a folder with a subfolder, in a home with profiles a, b and c; b is the default."""
    home.profiles("a", "b", "c", default="b")
    path = home.path / "project %n"
    (path / "sub" / "sub").mkdir(parents=True)
    return path


def cd(shell: Shell, path: Path) -> str:
    """Go to a folder; return what the prompt there said."""
    return shell.talk(f"cd {shell.kind.quote(str(path))}")


def test_case_32_a_folder_that_was_not_allowed_is_spoken_of_once_and_not_followed(
    folder: Path, start: Callable[..., Shell], kind: Kind
) -> None:
    (folder / ".fal-profile").write_text("a\n")
    shell = start(kind)
    notice(cd(shell, folder), "you have not allowed it")
    assert shell.prompts(3) == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert cd(shell, folder / "sub") + cd(shell, folder) + shell.prompts(2) == ""
    one_line(shell.talk("fal profile allow"))
    assert shell.get("FAL_KEY") == KEYS["a"]
    # Another text has to be allowed again. Until then the shell has no key, not the default's.
    (folder / ".fal-profile").write_text("c\n")
    notice(shell.prompts(3), "has changed since you allowed it")
    assert shell.get("FAL_KEY") == UNSET
    one_line(shell.talk("fal profile deny"))
    assert shell.get("FAL_KEY") == KEYS["b"]


def test_case_32_allowed_it_is_followed_in_subfolders_and_left_again(
    home: Home, folder: Path, start: Callable[..., Shell], kind: Kind
) -> None:
    shell = start(kind)
    assert cd(shell, folder) == ""
    shell.talk("fal profile link a")
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.exported()["FALENV_PROFILE"] == "a"
    assert "FAL_PROFILE" not in shell.exported()
    assert shell.segment == "(fal:a/) "
    assert cd(shell, folder / "sub" / "sub") == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    for default in ("c", "b"):
        assert home.fal("set", default).returncode == 0
        assert shell.prompts() == ""
        assert shell.get("FAL_KEY") == KEYS["a"]  # the folder's, whatever the default is
        assert cd(shell, home.path) == ""
        assert shell.get("FAL_KEY") == KEYS[default]
        assert shell.segment == f"(fal:{default}) "
        assert cd(shell, folder / "sub") == ""
        assert shell.get("FAL_KEY") == KEYS["a"]
    assert "named by" in shell.talk("fal profile current")
    assert cd(shell, folder) == ""
    shell.talk("fal profile unlink")
    assert shell.get("FAL_KEY") == KEYS["b"]


def test_a_pin_beats_the_folder(folder: Path, start: Callable[..., Shell], kind: Kind) -> None:
    shell = start(kind)
    assert cd(shell, folder) == ""
    shell.talk("fal profile link a")
    assert shell.talk("fal profile use c") == ""
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert cd(shell, folder / "sub") == ""
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert shell.talk("fal profile use --default") == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_a_shell_that_starts_in_the_folder_is_on_its_profile(
    folder: Path, start: Callable[..., Shell], kind: Kind
) -> None:
    (folder / ".fal-profile").write_text("c")
    shell = shell_in(folder, start, kind)
    notice(shell.greeting, "you have not allowed it")
    assert shell.get("FAL_KEY") == KEYS["b"]
    one_line(shell.talk("fal profile allow"))
    again = shell_in(folder, start, kind)
    assert again.greeting == ""
    assert again.get("FAL_KEY") == KEYS["c"]


def shell_in(folder: Path, start: Callable[..., Shell], kind: Kind) -> Shell:
    """Start a shell whose integration is read in `folder`."""
    return start(kind, f"cd {kind.quote(str(folder))}\n{kind.eval_line()}")


def test_the_links_file_is_noticed_when_it_comes_and_goes(
    folder: Path, start: Callable[..., Shell], kind: Kind
) -> None:
    shell = start(kind)
    assert cd(shell, folder) == ""
    shell.talk("fal profile link a")
    aside = folder / "aside"
    (folder / ".fal-profile").rename(aside)
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    aside.rename(folder / ".fal-profile")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_nothing_is_started_in_a_linked_folder_while_nothing_changes(
    folder: Path, start: Callable[..., Shell], kind: Kind, trace: Trace
) -> None:
    shell = start(kind, prefix=trace.prefix)
    assert cd(shell, folder) == ""
    shell.talk("fal profile link a")
    assert shell.prompts(2) == ""
    trace.begin()
    assert shell.prompts(30) == ""
    assert cd(shell, folder / "sub") == ""
    assert cd(shell, folder / "sub" / "sub") == ""
    assert shell.prompts(30) == ""
    assert trace.processes() == []


HOSTILE = {
    "commands": b"$(touch ran)\n`touch ran`\n",
    "one command": b"$(touch ran)\n",
    "escapes": b"\x1b]0;owned\x07\x1b[2J\n",
    "a megabyte": b"a" * 1024 * 1024,
    "nothing": b"",
    "not text": b"\xff\xfe\x00a\n",
    "two names": b"a\nb\n",
}


@pytest.mark.parametrize("what", [*HOSTILE, "fifo", "link", "folder", "dangling", "other's"])
def test_a_hostile_file_is_one_line_and_nothing_else(
    home: Home, folder: Path, start: Callable[..., Shell], kind: Kind, what: str
) -> None:
    path = folder / ".fal-profile"
    if what == "fifo":
        os.mkfifo(path)
    elif what == "link":
        (folder.parent / "outside").write_text("a\n")
        path.symlink_to(folder.parent / "outside")
    elif what == "dangling":
        path.symlink_to("nowhere")
    elif what == "folder":
        path.mkdir()
    elif what == "other's":
        path.write_text("a\n")
        give_away(path, ANOTHER)
    else:
        path.write_bytes(HOSTILE[what])
    shell = start(kind)
    said = cd(shell, folder)
    if what == "dangling":  # that one is not there
        assert said == ""
    else:
        assert notice(said).isprintable()
    assert shell.prompts(2) == ""
    assert "\x1b]0;owned" not in shell.output
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert not (folder / "ran").exists()
    if what != "one command":  # a name is a name: it may be allowed, and is then no profile
        refused = home.run("sh", "-c", 'cd "$1" && exec fal profile allow', "sh", str(folder))
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1


def test_a_linked_name_that_is_no_profile_fails_closed(
    folder: Path, start: Callable[..., Shell], kind: Kind
) -> None:
    (folder / ".fal-profile").write_text("typo\n")
    shell = start(kind)
    notice(cd(shell, folder), "you have not allowed it")
    *_, line = shell.talk("fal profile allow").split("\n")
    notice(line, "'typo'")
    assert shell.prompts(3) == ""
    assert "FAL_KEY" not in shell.exported()


def test_trust_is_kept_private_and_bound_to_the_path(folder: Path, home: Home) -> None:
    (folder / ".fal-profile").write_text("a\n")
    allowed = home.run("sh", "-c", 'cd "$1" && exec fal profile allow', "sh", str(folder))
    assert allowed.returncode == 0, allowed.stderr
    notes = home.path / ".local" / "state" / "falenv" / "folders"
    (note,) = notes.iterdir()
    assert note.stat().st_mode & 0o777 == 0o600
    assert notes.stat().st_mode & 0o777 == 0o700
    folder.rename(folder.parent / "elsewhere")
    moved = home.run(
        "sh", "-c", 'cd "$1" && exec fal profile current --name', "sh",
        str(folder.parent / "elsewhere"),
    )  # fmt: skip
    assert moved.stdout == "b\n"


def test_what_is_allowed_in_one_shell_holds_in_the_others(
    folder: Path, start: Callable[..., Shell], kind: Kind
) -> None:
    (folder / ".fal-profile").write_text("a\n")
    shell, other = start(kind), start("bash")
    for one in (shell, other):
        cd(one, folder)
        assert one.get("FAL_KEY") == KEYS["b"]
    for word, expected in (("allow", "a"), ("deny", "b")):
        other.talk(f"fal profile {word}")
        assert shell.prompts() == ""
        assert shell.get("FAL_KEY") == KEYS[expected]


def test_a_shell_that_does_not_follow_is_told_of_its_key(folder: Path, home: Home) -> None:
    (folder / ".fal-profile").write_text("a\n")
    for words, key in (("allow", "b"), ("deny", "a"), ("link c", "b"), ("unlink", "c")):
        done = home.run(
            "sh", "-c", f'cd "$1" && fal profile {words}', "sh", str(folder), FAL_KEY=KEYS[key]
        )
        assert done.returncode == 0, done.stderr
        assert "this shell still has another FAL_KEY" in done.stderr, words
        assert done.stderr.count("\n") == 1


def test_a_linked_folder_says_why_it_does_not_follow_the_default(folder: Path, home: Home) -> None:
    def here(command: str) -> str:
        """Run a command in the folder; return what it says, which must be one line."""
        script = f'cd "$1" && fal profile {command}'
        said = home.run("sh", "-c", script, "sh", str(folder)).stderr
        assert said.count("\n") == 1
        return said

    assert home.run("sh", "-c", 'cd "$1" && fal profile link a', "sh", str(folder)).stderr == ""
    stays = "falenv: this folder stays on 'a', because its .fal-profile names it\n"
    assert here("set c") == stays
    gone = "falenv: this folder's .fal-profile still names 'a', but no such profile exists; "
    assert here("delete a").startswith(gone)
    assert here("set b").startswith(gone)


def test_a_folder_whose_name_is_no_text_is_spoken_of_once_too(home: Home) -> None:
    home.profiles("a", default="a")
    odd = home.path / os.fsdecode(b"\xff")
    odd.mkdir()
    (odd / ".fal-profile").write_text("two\nlines\n")
    go = 'cd "$1" && fal profile env --shell bash >/dev/null'
    said = [home.run("sh", "-c", go, "sh", str(odd)).stderr for _ in range(2)]
    assert "has more in it than one line with a profile's name" in said[0]
    assert said[0].count("\n") == 1
    assert said[1] == ""
