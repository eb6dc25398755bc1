"""Questions to the user on the terminal: a hidden answer, or yes or no.

No answer is shown while it is typed, since it may be a key that was pasted too early. An answer
ends when the terminal has been quiet for a moment, so that the rest of a paste of several lines
stays with it. Otherwise the shell would run that rest as its next command.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import termios
import time

from falenv.errors import CancelledError, ProtectedError
from falenv.masking import label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    class Ask(Protocol):
        """The function that `hidden` yields."""

        def __call__(self, question: str, *shown: str) -> list[str]:
            """Print a question; return the lines of the answer that have text.

            Show the answer if it is one of `shown`. Errors: CancelledError.
            """


#: How long the terminal is quiet after an answer. A terminal sends a paste in one go.
_QUIET_SECONDS = 0.2
#: The end of a paste that the terminal has marked may come later, for example through ssh.
_PASTE_SECONDS = 1.0
_LONGEST_SECONDS = 5.0
#: How a terminal marks a paste (xterm's mode 2004), if a program has left that mode on.
_PASTE, _PASTED = b"\x1b[200~", b"\x1b[201~"


def has_terminal() -> bool:
    """Return True if a user can answer: standard input is a terminal."""
    return sys.stdin.isatty()


@contextlib.contextmanager
def hidden() -> Iterator[Ask]:
    """Turn off the terminal's echo, and yield the function that asks.

    The function raises CancelledError at the end of input and on Ctrl-C. When the echo is on
    again, nothing that was typed or pasted is left for the shell.
    """
    with contextlib.ExitStack() as stack:
        source, sink = _streams(stack)
        before = termios.tcgetattr(source)
        silent = termios.tcgetattr(source)
        silent[3] &= ~termios.ECHO
        stack.callback(termios.tcsetattr, source, termios.TCSAFLUSH, before)
        termios.tcsetattr(source, termios.TCSAFLUSH, silent)
        stack.enter_context(_stopping(source, before, silent))

        def ask(question: str, *shown: str) -> list[str]:
            lines: list[str] = []
            try:
                _write(sink, question)
                lines = _lines(_read(source, silent))
            except (EOFError, KeyboardInterrupt):
                raise CancelledError from None
            finally:
                _write(sink, f"{lines[0] if lines in [[word] for word in shown] else ''}\n")
            return lines

        yield ask


@contextlib.contextmanager
def _stopping(source: int, before: list[Any], silent: list[Any]) -> Iterator[None]:
    """Give the terminal its echo back while Ctrl-Z stops this process. dash does not do that."""

    def stop(*_: object) -> None:
        termios.tcsetattr(source, termios.TCSANOW, before)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, stop)

    def resume(*_: object) -> None:
        termios.tcsetattr(source, termios.TCSANOW, silent)

    former = {signal.SIGCONT: signal.signal(signal.SIGCONT, resume)}
    if signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL:  # a shell without jobs ignores it
        former[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, stop)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def agrees(ask: Ask, question: str) -> bool:
    """Ask until the answer is yes or no; return True for yes. No text means no."""
    words = ("y", "yes", "n", "no", "Y", "N")
    asked = question
    while True:
        answer = ask(f"{asked} [y/N]: ", *words) or ["n"]
        if len(answer) == 1 and answer[0] in words:
            return answer[0] in {"y", "yes", "Y"}
        asked = f"Answer y or n. {question}"


def allow_protected(name: str, question: str, *, yes: bool) -> None:
    """Ask before a command uses or changes a protected profile, unless `yes` is the answer already.

    Errors: CancelledError for no, ProtectedError without a terminal.
    """
    if yes:
        return
    if not has_terminal():
        raise ProtectedError(name)
    with hidden() as ask:
        if not agrees(ask, f"Profile {label(name)} is protected. {question}"):
            raise CancelledError


def _streams(stack: contextlib.ExitStack) -> tuple[int, int]:
    """Return the descriptors to read the answer from and to write the question to."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:  # standard input is a terminal, but not the one that controls this process
        return sys.stdin.fileno(), sys.stderr.fileno()
    stack.callback(os.close, terminal)
    return terminal, terminal


def _write(sink: int, text: str) -> None:
    os.write(sink, text.encode("utf-8", "backslashreplace"))


def _lines(answer: bytes) -> list[str]:
    for mark in (_PASTE, _PASTED):
        answer = answer.replace(mark, b"")
    text = answer.decode("utf-8", "surrogateescape").replace("\r", "\n")
    return [line for line in text.split("\n") if line.strip()]


def _read(source: int, silent: list[Any]) -> bytes:
    """Return an answer: the first line with text, and what follows without a pause.

    Return an empty answer for a line break that nothing follows. Raise EOFError for Ctrl-D.
    """
    answer = b""
    while not answer.replace(_PASTE, b"").strip():
        if answer and not _has_more(source, answer):
            return b""
        line = os.read(source, 4096)
        if not line:
            raise EOFError
        answer += line
    # A line without its end is only readable in this mode.
    raw = [*silent]
    raw[3] &= ~termios.ICANON
    termios.tcsetattr(source, termios.TCSANOW, raw)
    end = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < end and _has_more(source, answer):
        answer += os.read(source, 4096)
    termios.tcsetattr(source, termios.TCSANOW, silent)
    return answer


def _has_more(source: int, answer: bytes) -> bool:
    """Return True if more of the answer comes within a moment."""
    is_open = answer.rfind(_PASTE) > answer.rfind(_PASTED)
    seconds = _PASTE_SECONDS if is_open else _QUIET_SECONDS
    return bool(select.select([source], [], [], seconds)[0])
