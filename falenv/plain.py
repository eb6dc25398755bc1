"""Plain lines of everyday commands, run without click, which takes longer than all the rest."""

from __future__ import annotations

import sys


def dispatch(arguments: list[str]) -> bool:
    """Run a `fal profile …` command line if it is a plain one; return True if so.

    `commands/` declares the same commands for click, for their options, help and questions.
    """
    match arguments:
        case ["list"] | ["list", "--json"]:
            from falenv import listing

            listing.show(as_json=len(arguments) > 1)
        case ["current"] | ["current", "--json"]:
            from falenv import current

            current.show(as_json=len(arguments) > 1)
        case ["set", name] if not name.startswith("-"):
            from falenv import outcome

            return outcome.set_known(name)
        case ["key", name, "--stdin"] if not (name.startswith("-") or sys.stdin.isatty()):
            from falenv import outcome

            return outcome.set_piped_key(name)
        case _:
            return False
    return True
