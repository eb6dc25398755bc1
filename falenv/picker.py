"""Let the user pick a profile: with fzf, or else by number. The active one is preselected."""

from __future__ import annotations

import os
import sys

from falenv import paths
from falenv.console import can_ask
from falenv.errors import CancelledError, FalenvError, UsageError
from falenv.masking import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store


def pick(found: Store, active: str, usage: str) -> str:
    """Return the name of the profile that the user picks. `active` is preselected.

    Errors: CancelledError, FalenvError if there are no profiles, and without a terminal UsageError
    with the text `usage`.
    """
    if not can_ask():
        raise UsageError(usage)
    # A name with a control character would not survive a shell's $(…).
    names = [name for name in found.names if name.isprintable()]
    if not names:
        raise FalenvError("there are no profiles yet; to create one: fal profile set NAME")
    lines = [_line(found, name, active) for name in names]
    fzf = next(paths.which("fzf"), "")
    at = _by_fzf(fzf, lines, names, active) if fzf else _by_number(lines, names, active)
    return names[at]


def _line(found: Store, name: str, active: str) -> str:
    notes = ["active here"] * (name == active) + ["the default"] * (name == found.default)
    notes += ["unusable"] * (name in found.unusable)
    return label(name) + (f"  ({', '.join(notes)})" if notes else "")


def _by_fzf(fzf: str, lines: list[str], names: list[str], active: str) -> int:
    """Return the place of the line that the user picks in fzf, which selects its first line."""
    import subprocess

    order = sorted(range(len(lines)), key=lambda at: names[at] != active)
    text = "".join(f"{at}\t{lines[at]}\n" for at in order)
    words = [fzf, "--delimiter=\t", "--with-nth=2..", "--no-multi", "--no-preview"]
    variables = {name: value for name, value in os.environ.items() if name[:9] != "__falenv_"}
    done = subprocess.run(
        words, input=text.encode(), stdout=subprocess.PIPE, env=variables, check=False
    )
    number = done.stdout.decode("utf-8", "replace").partition("\t")[0]
    if done.returncode or not number.isdigit() or int(number) >= len(names):
        raise CancelledError
    return int(number)


def _by_number(lines: list[str], names: list[str], active: str) -> int:
    """Return the place of the line whose number, or name, the user types."""
    preselected = names.index(active) if active in names else None
    for at, line in enumerate(lines):
        print(f"{'*' if at == preselected else ' '} {at + 1:2}  {line}", file=sys.stderr)
    asked = "Profile: " if preselected is None else f"Profile [{preselected + 1}]: "
    while True:
        print(asked, end="", file=sys.stderr, flush=True)
        try:
            answer = sys.stdin.readline()
        except KeyboardInterrupt:
            print(file=sys.stderr)
            raise CancelledError from None
        word = answer.strip()
        if not answer:
            print(file=sys.stderr)
            raise CancelledError
        if not word and preselected is not None:
            return preselected
        if word in names:
            return names.index(word)
        if word.isascii() and word.isdigit() and 0 < int(word[:9]) <= len(names):
            return int(word) - 1
        print(f"Type a number from 1 to {len(names)}, or a name.", file=sys.stderr)
