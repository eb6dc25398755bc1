"""Help in groups that fits a terminal, an example for each command, and hints for near misses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from falenv.commands import GROUPS, HINTS, profile

if TYPE_CHECKING:
    from conftest import Home

VISIBLE = {name: command for name, command in profile.commands.items() if not command.hidden}


def test_each_command_is_in_one_group(home: Home) -> None:
    grouped = [name for names in GROUPS.values() for name in names if name in VISIBLE]
    assert sorted(grouped) == sorted(VISIBLE)
    home.variables["COLUMNS"] = "80"
    code, out, err = home.here("profile", "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    titles = [line[:-1] for line in out.splitlines() if line[:1].isalpha() and line.endswith(":")]
    assert titles == ["Options", *GROUPS]
    listed = [line.split()[0] for line in out.partition("Everyday:")[2].splitlines()
              if line[:2] == "  " and line[2] != " "]  # fmt: skip
    assert listed == grouped
    assert "..." not in out.partition("Everyday:")[2]


@pytest.mark.parametrize("name", VISIBLE)
def test_help_fits_and_has_an_example(home: Home, name: str) -> None:
    home.variables["COLUMNS"] = "80"
    code, out, err = home.here("profile", name, "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert f" profile {name}" in out.partition("\n\n")[2], out


def test_near_misses_get_a_hint(home: Home) -> None:
    see = "see: fal profile --help\n"
    for word, hint in {**HINTS, "lst": "list", "exprot": "export", "renmae": "rename"}.items():
        assert word not in VISIBLE
        assert hint.split()[0] in VISIBLE
        code, out, err = home.here("profile", word, "x")
        assert (code, out) == (2, "")
        assert err == f"falenv: no such command '{word}'; did you mean: fal profile {hint}; {see}"
    code, out, err = home.here("profile", "xyzzy")
    assert (code, out, err) == (2, "", f"falenv: no such command 'xyzzy'; {see}")


def test_a_mistyped_profile_gets_a_hint_and_is_still_handed_over(home: Home) -> None:
    fal = home.path / "fal"
    fal.write_text('#!/bin/sh\necho "official: $*"; exit 2\n')
    fal.chmod(0o755)
    home.variables["PATH"] += f":{home.path}"
    for word in ("profle", "proflie", "profilee", "prifile", "porfile"):
        done = home.run("fal", word, "list")
        assert (done.returncode, done.stdout) == (2, f"official: {word} list\n")
        assert done.stderr == "falenv: did you mean: fal profile\n"
    for word in ("app", "prof", "process", "run"):
        done = home.run("fal", word)
        assert (done.returncode, done.stderr) == (2, "")
