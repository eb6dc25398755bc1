"""`use` and `set` without a name: a choice on the terminal, and never without one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS
from driver import KINDS, Shell, needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home

    Start = Callable[..., Shell]


@pytest.fixture(autouse=True)
def profiles(home: Home) -> None:
    home.profiles("a", "b", default="a")
    text = home.store.read_text()
    home.write(f'{text}\n["$(touch X)"]\nkey = "odd:key"\n["es\\u001bc"]\n')
    # All programs but fzf.
    scripts, _, folders = home.variables["PATH"].partition(":")
    (home.path / "bin").mkdir()
    for folder in folders.split(":"):
        for program in os.scandir(folder):
            if program.name != "fzf" and not os.path.lexists(home.path / "bin" / program.name):
                (home.path / "bin" / program.name).symlink_to(program.path)
    home.variables["PATH"] = f"{scripts}:{home.path / 'bin'}"


def choose(shell: Shell, line: str, *answers: str) -> str:
    """Type a line that asks, and answer; return all that is shown before the next prompt."""
    shell.type(f"{line}\r")
    for answer in answers[:-1]:
        shell.wait(lambda: shell.screen().endswith("]:"), "the question")
        shell.type(f"{answer}\r")
        shell.wait(lambda: "Type a number" in shell.screen(), "the answer")
    shell.wait(lambda: shell.screen().endswith("]:"), "the question")
    return shell.press(answers[-1])


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "dash"])
def test_a_number_chooses_and_the_active_one_is_preselected(
    home: Home, start: Start, name: str
) -> None:
    shell = start(needs(name) and name)
    assert choose(shell, "fal profile use", "9", "2\r") == ""
    shown = shell.screen().splitlines()[1:]
    assert shown[:3] == ["*  1  a  (active here, the default)", "   2  b", "   3  $(touch X)"]
    assert "es" not in shown[3]
    assert shown[3:6] == ["Profile [1]: 9", "Type a number from 1 to 3, or a name.",
                          "Profile [1]: 2"]  # fmt: skip
    assert (shell.segment, shell.get("FAL_KEY")) == ("(fal:b*) ", KEYS["b"])
    choose(shell, "fal profile use", "3\r")
    assert (shell.get("FAL_PROFILE"), shell.get("FAL_KEY")) == ("$(touch X)", "odd:key")
    # Enter means the preselected one, which is the active one.
    said = choose(shell, "fal profile set", "b\r").splitlines()
    assert said[0] == "Default profile set to b."
    assert said[1].startswith("falenv: this shell stays on '$(touch X)'")
    assert choose(shell, "fal profile use", "\r") == ""
    assert shell.get("FAL_PROFILE") == "$(touch X)"
    text = choose(shell, "fal profile use", "\x03")
    assert text.strip() in {"falenv: cancelled; nothing was changed", ""}
    assert shell.get("FAL_PROFILE") == "$(touch X)"
    assert not (home.path / "X").exists()


def test_fzf_chooses(home: Home, start: Start) -> None:
    (home.path / "bin" / "fzf").symlink_to(needs("fzf"))
    shell = start("bash", FZF_DEFAULT_OPTS="--multi")
    shell.type("fal profile use\r")
    shell.wait(lambda: "3/3" in shell.screen(), "fzf")
    assert "> a  (active here, the default)" in shell.screen()
    shell.type("b")
    shell.wait(lambda: "1/3" in shell.screen(), "the choice")
    # Our screen does not forget what fzf has drawn on another one.
    shell.type("\r")
    shell.wait(lambda: shell.output.endswith("ready> "), "the prompt")
    shell.clear()
    assert (shell.segment, shell.get("FAL_KEY")) == ("(fal:b*) ", KEYS["b"])
    shell.type("fal profile set\r")
    shell.wait(lambda: "3/3" in shell.screen(), "fzf")
    shell.type("\x1b")
    shell.wait(lambda: "falenv: cancelled; nothing was changed" in shell.output, "the end")
    shell.clear()
    assert 'profile = "a"' in home.store.read_text()


def test_nothing_is_asked_without_a_terminal(home: Home) -> None:
    for words in (["use"], ["set"], ["pick"]):
        code, out, err = home.here("profile", *words)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
    for name in ("bash", "fish"):
        line = home.script(name, f"{KINDS[name].eval_line()}; fal profile use")
        assert (line.returncode, line.stdout) == (2, "")
        assert line.stderr == (
            "falenv: give one of NAME, -, --default or --none; see: fal profile use --help\n"
        )
