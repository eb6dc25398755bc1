#!/usr/bin/env python3
"""The README's picture: two real shells on terminals, side by side; a switch in one, both follow.

    tests/picture.py

Writes .github/picture.svg. A test checks that the file is what the shells show today. Run it with
the Python of tests/.venv, which tests/run makes.
"""

from __future__ import annotations

import sys
import tempfile
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from conftest import REPOSITORY, Home
from driver import KINDS

if TYPE_CHECKING:
    from driver import Shell

PICTURE = REPOSITORY / ".github" / "picture.svg"
STORE = """\
[__internal__]
profile = "me"

[me]
key = "7c1e-me:fake"
color = "cyan"

[comfy]
key = "b04d-comfy:fake"
color = "green"
"""
COLUMNS, ROWS = 42, 8
#: In pixels: a character, a line, and the space around and between the terminals.
WIDTH, HEIGHT, SPACE = 8.4, 20, 16
PANE = COLUMNS * WIDTH + 2 * SPACE
TALL = ROWS * HEIGHT + 2 * SPACE
BACKGROUND, TEXT, TITLE = "#1e1e2e", "#cdd6f4", "#7f849c"
COLOURS = {"default": TEXT, "cyan": "#89dceb", "green": "#a6e3a1"}


def play(home: Home) -> list[Shell]:
    """Return two shells after the session that the picture shows. The caller closes them."""
    home.write(STORE)
    prompt = "\u276f "
    left, right = (
        home.shell(
            kind, f"PS1='{prompt}'\n{KINDS[kind].eval_line()}", prompt=prompt, columns=COLUMNS
        )
        for kind in ("bash", "zsh")
    )
    right.talk("echo $FAL_KEY")
    left.talk("echo $FAL_KEY")
    left.talk("fal profile set comfy")
    left.talk("echo $FAL_KEY")
    right.talk("")
    right.talk("echo $FAL_KEY")
    right.talk("fal profile use me")
    return [left, right]


def draw(shells: list[Shell]) -> str:
    """Return what the shells show, as an SVG."""
    wide = len(shells) * (PANE + SPACE) - SPACE
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:g} {TALL:g}" '
            'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" role="img">'
        ),
        "<title>A switch in one terminal: both prompts follow</title>",
    ]
    for number, shell in enumerate(shells):
        x = number * (PANE + SPACE)
        size = f'width="{PANE:g}" height="{TALL:g}"'
        parts.append(f'<rect x="{x:g}" {size} rx="8" fill="{BACKGROUND}"/>')
        lines = shell.screen().split("\n")
        if len(lines) >= ROWS:
            raise SystemExit(f"the picture has no room for {len(lines)} lines")
        middle = f'x="{x + PANE / 2:g}" y="{SPACE + 0.75 * HEIGHT:g}" text-anchor="middle"'
        parts.append(f'<text {middle} fill="{TITLE}">{shell.kind.name}</text>')
        for row, line in enumerate(lines):
            y = SPACE + (row + 1.75) * HEIGHT
            cells = [(shell.cell(row, column).fg, text) for column, text in enumerate(line)]
            runs = [
                (COLOURS[colour], escape("".join(text for _, text in run)))
                for colour, run in groupby(cells, key=lambda cell: cell[0])
            ]
            spans = [f'<tspan fill="{colour}">{text}</tspan>' for colour, text in runs]
            start = f'<text x="{x + SPACE:g}" y="{y:g}" xml:space="preserve">'
            parts.append(f"{start}{''.join(spans)}</text>")
    return "\n".join([*parts, "</svg>", ""])


def picture(folder: Path) -> str:
    """Play the session in a home in `folder`, and return the picture of it."""
    home = Home(folder / "home")
    home.path.mkdir()
    shells = play(home)
    try:
        return draw(shells)
    finally:
        for shell in shells:
            shell.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PICTURE.write_text(picture(Path(folder)))
    print(f"wrote {PICTURE.relative_to(REPOSITORY)}", file=sys.stderr)
