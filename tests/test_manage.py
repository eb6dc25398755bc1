"""Housekeeping: rename, import, export, the output formats, edit, `key --print`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, Home
from driver import Shell, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Shell]

# --- rename --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "ksh"])
def test_rename_reaches_the_default_the_pins_and_the_links_of_open_shells(
    home: Home, start: Start, name: str
) -> None:
    needs(name)
    home.profiles("a", "b", default="a")
    (home.path / "p").mkdir()
    one, pinned = start(name), start(name)
    assert pinned.talk("fal profile use a") == ""
    one.talk("cd p; fal profile link a")
    assert one.talk("fal profile rename a work") == (
        f"Profile a renamed to work.\nfalenv: {home.path}/p/.fal-profile names 'work' now"
    )
    # Of what a file can hold, a renamed one differs in the name only.
    assert (home.path / "p" / ".fal-profile").read_text() == "work\n"
    assert (one.segment, one.get("FAL_KEY")) == ("(fal:work/) ", KEYS["a"])
    assert pinned.prompts() == "falenv: profile 'a' is named 'work' now"
    assert (pinned.segment, pinned.get("FAL_PROFILE")) == ("(fal:work*) ", "work")
    assert pinned.prompts() == ""
    # In the shell that is pinned, and followed by one that follows the default.
    one.talk("cd ..")
    assert one.segment == "(fal:work) "
    assert pinned.talk("fal profile rename work w2").splitlines()[0] == (
        "Profile work renamed to w2."
    )
    assert (pinned.segment, pinned.exported()["FAL_PROFILE"]) == ("(fal:w2*) ", "w2")
    assert one.prompts() == "falenv: profile 'work' is named 'w2' now"
    assert (one.segment, one.get("FAL_KEY")) == ("(fal:w2) ", KEYS["a"])
    assert one.talk("cd p") == ""
    assert one.segment == "(fal:w2/) "


def test_rename_never_leads_a_pin_to_another_account(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="b")
    shell = start("bash")
    shell.talk("fal profile use a")
    assert home.fal("rename", "a", "c").returncode == 0
    assert home.fal("key", "c", "--stdin", stdin=KEYS["example"]).returncode == 0
    said = notice(shell.prompts(), "FAL_PROFILE names 'a', but no such profile exists")
    assert said.endswith(": it is named 'c' now; use that name")
    assert shell.get("FAL_KEY") == "<unset>"


def test_what_still_has_the_old_name_is_told_the_new_one(home: Home) -> None:
    home.profiles("a", "b", default="a")
    assert home.here("profile", "rename", "a", "c")[0] == 0
    now = "does not exist: it is named 'c' now; use that name\n"
    for words in (["exec", "a", "--", "true"], ["env", "a", "--shell", "bash"], ["use", "a"]):
        done = home.fal(*words)
        assert (done.returncode, done.stderr) == (1, f"falenv: profile 'a' {now}"), words
    # Only as long as that is so.
    home.fal("rename", "c", "d")
    assert "it is named 'd' now" in home.fal("use", "a").stderr
    home.fal("rename", "d", "a")
    assert home.fal("exec", "a", "--", "true").returncode == 0
    home.fal("delete", "a")
    assert "named" not in home.fal("use", "a").stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('# top\n[ "a" ]  # mine\nkey = "k:1"\n# end\n\n# b\'s\n[b]\n[a.deep.er]\nx=1', None),
        ('a.key = "k:1"\na.host = ""\n[b]\n', None),
        ("[[a]]\nx=1\n[b]\n", None),
        ("[a]\r\nkey='k:1'\r\n[a.s]\r\ny=2", None),
        ("a = {key = 'k:1'}\n", "\"n@w\"= {key = 'k:1'}\n"),
    ],
)
def test_rename_changes_headers_only(home: Home, before: str, after: str | None) -> None:
    home.write(before)
    code, _, said = home.here("profile", "rename", "a", "n@w")
    if before.startswith("[["):
        assert (code, home.store.read_text()) == (1, before), said
        return
    assert (code, said) == (0, "")
    expected = after or before.replace('[ "a" ]', '["n@w"]').replace("[a", '["n@w"').replace(
        "a.", '"n@w".'
    )
    assert home.store.read_bytes().decode() == expected


def test_rename_refuses_and_then_changes_nothing(home: Home) -> None:
    home.profiles("a", "b", default="a")
    home.store.write_text(f"check = 1\n{home.store.read_text()}")
    before = home.store.read_bytes()
    form = "use letters, digits and any of . _ - @ + /"
    taken = "the store has a global setting of that name"
    cure = "to see all profiles: fal profile list"
    for words, said in (
        (["a", "b"], "profile 'b' already exists; choose another name"),
        (["a", "a"], "profile 'a' already exists; choose another name"),
        (["a", "x y"], f"'x y' cannot be a profile's name: it contains ' '; {form}"),
        (["a", "check"], f"'check' cannot be a profile's name: {taken}; {form}"),
        (["no", "c"], f"profile 'no' does not exist (profiles: a, b); {cure}"),
    ):
        assert home.here("profile", "rename", *words) == (1, "", f"falenv: {said}\n")
    assert home.store.read_bytes() == before


def test_rename_in_folders_that_say_something_else_or_cannot_be_written(home: Home) -> None:
    home.profiles("a", "b", default="b")
    paths = {}
    for name in ("other", "gone", "linked", "denied", "mine"):
        (home.path / name).mkdir()
        paths[name] = home.path / name / ".fal-profile"
        home.run("sh", "-c", f"cd {name} && fal profile link a")
    paths["other"].write_text("b\n")
    paths["gone"].unlink()
    paths["linked"].rename(home.path / "moved")
    paths["linked"].symlink_to(home.path / "moved")
    home.run("sh", "-c", "cd denied && fal profile deny")
    done = home.fal("rename", "a", "c", "--json")
    assert json.loads(done.stdout) == {
        "command": "rename", "profile": "c", "was": "a", "links": [str(paths["mine"])],
        "default": "b", "store": str(home.store),
    }  # fmt: skip
    assert done.stderr == f"falenv: {paths['mine']} names 'c' now\n"
    texts = {name: path.read_text() for name, path in paths.items() if name != "gone"}
    assert texts == {"other": "b\n", "linked": "a\n", "denied": "a\n", "mine": "c\n"}
    # Outside of an integrated shell nothing changes FAL_PROFILE.
    done = home.fal("rename", "c", "d", FAL_PROFILE="c")
    assert done.stderr.splitlines()[-1] == (
        "falenv: FAL_PROFILE still names 'c'; set it to the new name"
    )
