"""Find the official CLI and hand over to it: it runs in our place, so all it does is its own."""

from __future__ import annotations

import os
import sys

from falenv.errors import CannotRunError, NoOfficialError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from falenv.environment import Environment

#: Holds our process id while the official CLI runs. Where a wrapper on PATH leads back to us by
#: exec, the id is the same and we see the circle.
_GUARD = "FALENV_HANDED_OVER"

#: `python -m fal`, but not with the current folder on the path: a folder `fal` there is not ours
#: to run. (-P would do, from Python 3.11.)
_RUN_MODULE = (
    "import sys; sys.path[0] or sys.path.pop(0); import runpy; "
    "runpy.run_module('fal', run_name='__main__', alter_sys=True)"
)


def hand_over(arguments: list[str], changes: Environment) -> NoReturn:
    """Become the official CLI with these arguments; raise NoOfficialError where there is none."""
    from falenv import environment

    command = None if os.environ.get(_GUARD) == str(os.getpid()) else find()
    if command is None:
        raise NoOfficialError(" ".join(["fal", *arguments[:1]]))
    become([*command, *arguments], environment.apply(changes | {_GUARD: str(os.getpid())}))


def become(command: list[str], variables: dict[str, str]) -> NoReturn:
    """Replace this process by a program; raise CannotRunError."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        if os.name == "nt":  # exec there leaves the caller's terminal to two programs at once
            import subprocess

            sys.exit(subprocess.run(command, env=variables, check=False).returncode)
        os.execvpe(command[0], command, variables)
    except OSError as error:
        raise CannotRunError(command[0], error) from None


def find() -> list[str] | None:
    """Return the words that start the official CLI, or None.

    The module `fal` beside us (found, never imported), else the next `fal` on PATH that is not
    ours. It does not matter whose script `fal` beside us is: the last one installed wins there.
    """
    import importlib.util

    if importlib.util.find_spec("fal"):
        return [sys.executable, "-c", _RUN_MODULE]
    names = ("fal.exe", "fal.cmd", "fal") if os.name == "nt" else ("fal",)
    for folder in os.get_exec_path():
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and os.access(path, os.X_OK) and not _is_ours(path):
                return [path]
    return None


def _is_ours(path: str) -> bool:
    """Tell whether a script starts falenv, from whatever environment it was installed in."""
    try:
        with open(path, "rb") as file:
            return b"falenv.__main__" in file.read(4096)
    except OSError:
        return False
