"""The live session: a switch reaches the shell in front of the user, and every other one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conftest import KEYS, UNSET

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home, Shell

def test_case_05_a_switch_takes_effect_on_the_same_line(
    home: Home, start: Callable[..., Shell], shell_name: str
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(shell_name)
    assert shell.get("FAL_KEY") == KEYS["a"]
    out = shell.stdout("fal profile set b; printf %s $FAL_KEY")
    assert KEYS["b"] in out or shell.get("FAL_KEY") == KEYS["b"]


def test_case_06_another_shell_follows_at_its_next_prompt(
    home: Home, start: Callable[..., Shell], shell_name: str
) -> None:
    home.profiles("a", "b", default="a")
    one, other = start(shell_name), start(shell_name)
    one.run("fal profile set b")
    other.run("")  # its next prompt
    assert other.get("FAL_KEY") == KEYS["b"]
    assert other.exported()["FALENV_PROFILE"] == "b"
    assert "FAL_PROFILE" not in other.exported()
    assert other.get("FAL_PROFILE") == UNSET
