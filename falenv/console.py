"""Write to stderr (`say`) and stdout (`echo`, `emit`), and keep the standard streams usable."""

from __future__ import annotations

import os
import sys

from falenv.masking import message
from falenv.program import runnable


def say(text: str) -> None:
    """Print one line of talk on stderr, without a key and without terminal escapes.

    A command in it (`fal profile …`) is spelled as it works for the reader.
    """
    print(message(runnable(f"falenv: {text}")), file=sys.stderr)


def echo(text: str, *, end: str = "\n") -> None:
    """Write a text for people to stdout, at once, so that it stays in order with stderr."""
    print(text, end=end, flush=True)


def emit(code: str) -> None:
    """Write shell code to stdout. Surrogates in paths and values become their bytes again."""
    sys.stdout.flush()
    sys.stdout.buffer.write(code.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def can_ask() -> bool:
    """Return True if a user can read a question and answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def terminal_width() -> int | None:
    """Return the columns of the terminal that stdout is; None if it is none."""
    if not sys.stdout.isatty():
        return None
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdecimal() and given != "0" else os.get_terminal_size(1).columns


def is_utf8() -> bool:
    """Return True if stdout takes any character."""
    return sys.stdout.encoding.lower().startswith("utf")


def open_streams() -> None:
    """Connect each standard stream that was closed before Python started to /dev/null.

    Python sets such a stream to None. With stderr None, print() would write to stdout, which a
    shell evals.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # The stream stays open until the process ends.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):  # escapes a name that the locale cannot encode
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def drop_output() -> None:
    """Connect stdout to /dev/null, so that Python does not repeat a failed write at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
