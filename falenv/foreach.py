"""One command with several profiles, one after the other: `exec 'client-*' -- COMMAND`."""

from __future__ import annotations

import fnmatch
import signal
import subprocess
import sys

from falenv import questions, sources
from falenv.active import resolve
from falenv.console import say
from falenv.environment import apply, environment, with_credentials_again
from falenv.errors import CannotRunError, FalenvError, NoKeyError
from falenv.masking import label, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store


def matching(found: Store, pattern: str) -> list[str]:
    """Return the profiles whose names match a pattern of `*`, `?` and `[…]`."""
    return [name for name in found.names if fnmatch.fnmatchcase(name, pattern)]


def run(found: Store, names: list[str], command: list[str], *, stops: bool, yes: bool) -> int:
    """Run a command with each profile in turn, with a heading, and print a summary at the end.

    With `stops`, end at the first failure. Ask about a protected profile, unless `yes` is the
    answer already. Return 0 if all succeeded, else 1. After Ctrl-C return 130. A profile that
    cannot be used counts as a failure.
    """
    failed: list[str] = []
    code, done = 0, 0
    for name in names:
        sys.stdout.flush()
        print(f"== {label(name)}", file=sys.stderr, flush=True)
        code = _run_one(found, name, command, yes=yes)
        done += 1
        if code:
            failed.append(f"{shown(name)} ({_described(code)})")
        if code == _INTERRUPTED or (code and stops):
            break
    left = f", {len(names) - done} not started" if done < len(names) else ""
    what = f"; failed: {', '.join(failed)}" if failed else ""
    say(f"{done - len(failed)} of {len(names)} succeeded{left}{what}")
    return _INTERRUPTED if code == _INTERRUPTED else int(bool(failed))


_INTERRUPTED = 128 + signal.SIGINT


def _run_one(found: Store, name: str, command: list[str], *, yes: bool) -> int:
    """Run the command with one profile; return its exit code, 128 more than a signal's number."""
    try:
        active = resolve(found, name)
        if found.is_protected(name):
            questions.allow_protected(name, "Run this command with it?", yes=yes)
        if active.profile:
            found = sources.unlock(found, active.profile)
        variables = environment(active, found)
        if variables["FAL_KEY"] is None:
            raise NoKeyError(name)
        return _wait(command, apply(with_credentials_again() | variables))
    except FalenvError as error:
        say(str(error))
        return error.exit_code


def _wait(command: list[str], variables: dict[str, str]) -> int:
    variables = {name: variables[name] for name in variables if name[:9] != "__falenv_"}
    try:
        process = subprocess.Popen(command, env=variables)
    except OSError as error:
        raise CannotRunError(command[0], error) from None
    with process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            process.wait()
            return _INTERRUPTED
    return 128 - code if code < 0 else code


def _described(code: int) -> str:
    if code > 128:  # noqa: PLR2004 - as a shell counts a signal (POSIX, 2.8.2)
        try:
            return signal.Signals(code - 128).name
        except ValueError:
            pass
    return f"exit code {code}"
