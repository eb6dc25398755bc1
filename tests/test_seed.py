"""The seed's transcript on a real terminal, word for word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SEED_KEY, SHELLS
from driver import KINDS, needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell

PROMPT = "ready> "
#: falenv's table has the seed's columns and two more.
HEADINGS = ["Default", "Profile", "Key ID", "Active here", "Settings"]
INTEGRATION = {
    "alone": "",
    **{shell: KINDS[shell].eval_line("--no-prompt") for shell in SHELLS},
}


class Transcript:
    """What a user sees who types at a prompt, as lines."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def ask(self, line: str) -> None:
        """Type a line at a prompt that stands on an empty screen."""
        self.shell.clear()
        self.shell.type(line + "\r")

    def sees(self, *lines: str, then: str = PROMPT) -> None:
        """Wait until exactly these lines stand between what was asked and `then`."""
        wanted = [*lines, then.rstrip()]
        self.shell.wait(lambda: self._seen()[1:] == wanted, f"{wanted}", seconds=10)

    def _seen(self) -> list[str]:
        lines = self.shell.screen().split("\n")
        asked = [number for number, line in enumerate(lines) if line.startswith(f"{PROMPT}fal")]
        return lines[asked[-1] :] if asked else []

    def table(self) -> list[list[str]]:
        """Return the cells of `fal profile list`, in the three columns that the seed has."""
        self.ask("fal profile list")
        self.shell.wait(lambda: self._seen()[1:][-1:] == [PROMPT.rstrip()], "the table", seconds=10)
        lines = [line.replace("┃", "│") for line in self._seen()]
        rows = [line.split("│")[1:-1] for line in lines if "│" in line]
        assert [cell.strip() for cell in rows[0]] == HEADINGS
        return [[row[column].strip() for column in (0, 1, 4)] for row in rows]


@pytest.mark.parametrize("where", ["alone", *SHELLS])
def test_the_seeds_transcript(home: Home, start: Callable[..., Shell], where: str) -> None:
    name = "bash" if where == "alone" else where
    needs(name)
    home.profiles("me", "comfy", default="me")
    shell = start(name, INTEGRATION[where])
    user = Transcript(shell)

    user.ask("fal profile set example")
    user.sees(
        "Default profile set to example.",
        "No key set for profile. Use fal profile key to set a key.",
    )

    # Unlike in the seed's picture, the question names the profile, and the terminal does not show
    # what is typed.
    asked = "Enter the key for example: "
    invalid = "Invalid key. The key must be in the format key:value."
    user.ask("fal profile key")
    user.sees(then=asked)
    shell.type("invalid\r")
    user.sees(asked.rstrip(), invalid, then=asked)
    shell.type(f"{SEED_KEY}\r")
    user.sees(asked.rstrip(), invalid, asked.rstrip(), "Key set for profile example.")
    assert SEED_KEY.partition(":")[2] not in shell.output

    heading = ["Default", "Profile", "Settings"]
    me, comfy, example = (["", name, "key"] for name in ("me", "comfy", "example"))
    assert user.table() == [heading, me, comfy, ["*", "example", "key"]]

    user.ask("fal profile set comfy")
    user.sees("Default profile set to comfy.")
    assert user.table() == [heading, me, ["*", "comfy", "key"], example]

    user.ask("fal profile delete example")
    user.sees("Profile example deleted.")
    assert user.table() == [heading, me, ["*", "comfy", "key"]]

    if where != "alone":
        assert shell.exported()["FAL_KEY"] == KEYS["comfy"]
