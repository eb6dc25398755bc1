"""What falenv prints acts on nobody: no terminal, no log of a CI service, no status line."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS
from test_values import toml

from falenv.masking import as_json, message, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Kind, Shell

#: Names that act on a terminal, on GitHub's and Azure's logs, and on tmux.
NAMES = {
    "ESC": "a\x1b]0;title\x07",
    "CSI": "a\x9b31m",
    "newline": "a\n::error::x",
    "carriage return": "a\rb",
    "bidi": "a\u202eb",
    "workflow command": "::debug::x",
    "workflow command after blanks": "  ::debug::x",
    "old workflow command": "a ##[add-path]/tmp/evil",
    "Azure's command": "a ##vso[task.prependpath]/tmp/evil",
    "tmux format": "#{pane_current_path}",
    "tmux style": "#[bg=red]x",
    "tmux job": "#(touch PWN)",
    "doubled tmux format": "##{host} ###(touch PWN)",
}


def acts(text: str) -> list[str]:
    """Return the parts of an output that act on the one who reads it."""
    found = re.findall(r"^\s*::.*|##\[.*|##vso\[.*|#[\[({].*", text, re.MULTILINE)
    return found + [repr(char) for char in text if not (char.isprintable() or char == "\n")]


def store_of(home: Home, name: str) -> None:
    home.write(f'[__internal__]\nprofile = {toml(name)}\n[{toml(name)}]\nkey = "{KEYS["a"]}"\n')


@pytest.mark.parametrize("what", NAMES)
def test_no_command_prints_a_name_that_acts(home: Home, what: str) -> None:
    name = NAMES[what]
    store_of(home, name)
    assert acts(name)
    for words in (
        ["current", "--name"], ["current"], ["current", "--json"], ["list"], ["list", "--json"],
        ["prompt"], ["set", name], ["use", name], ["link", name], ["delete", "nosuch"],
    ):  # fmt: skip
        done = home.fal(*words, FALENV_PROMPT="{name}")
        assert acts(done.stdout + done.stderr) == [], words
        (home.path / ".fal-profile").unlink(missing_ok=True)
    shown = home.fal("current", "--name").stdout
    assert shown.count("\n") == 1
    assert json.loads(home.fal("list", "--json").stdout)["profiles"][0]["profile"] == name
    assert json.loads(home.fal("current", "--json").stdout)["profile"] == name


@pytest.mark.parametrize("what", NAMES)
def test_falenv_profile_is_fit_for_a_terminal(home: Home, kind: Kind, what: str) -> None:
    name = NAMES[what]
    store_of(home, name)
    evals = 'eval "$(fal profile env)"; fal profile use -- "$NAME"; printf %s "$FALENV_PROFILE"'
    done = home.script(kind.name, evals, NAME=name)
    assert done.stdout == printable(name), done.stderr
    assert acts(done.stdout) == []
    done = home.script(kind.name, "fal profile exec -- $NAME printenv FALENV_PROFILE")
    assert acts(done.stdout + done.stderr) == []


def test_a_path_that_acts_is_escaped(home: Home) -> None:
    folder = home.path / "a\x1b[31m\n::error::b"
    folder.mkdir()
    store = folder / "config.toml"
    done = home.fal("current", FAL_CONFIG_PATH=str(store))
    assert done.stdout.startswith("No profile is active: ")
    assert acts(done.stdout + done.stderr) == []
    assert done.stdout.count("\n") == 1


def test_plain_names_stay_as_they_are() -> None:
    for name in ("me", "client#1", "a::b", "a#b", "#1", "$(x)", "%F{red}", "日本", "a ## b"):
        assert printable(name) == name
    assert json.loads(as_json({"#": "##[x]"})) == {"#": "##[x]"}
    assert message("see https://fal.ai/x and /a:b/c") == "see https://fal.ai/x and /a:b/c"


@pytest.mark.parametrize("what", ["ESC", "newline", "tmux job"])
def test_the_prompt_shows_no_name_that_acts(
    home: Home, start: Callable[..., Shell], kind: Kind, what: str
) -> None:
    store_of(home, NAMES[what])
    shell = start(kind)
    shell.prompts()
    assert f"(fal:{printable(NAMES[what])}) ready>" in shell.screen()
    assert "title" not in re.sub(r"fal:[^)]*", "", shell.screen())
