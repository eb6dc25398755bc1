"""Find the official CLI and run it in this process's place (exec)."""

from __future__ import annotations

import os
import sys

from falenv.errors import CannotRunError, NoOfficialError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from falenv.environment import Environment

#: Counts the handovers in one chain of processes, to end a loop: a wrapper on PATH may lead back
#: to falenv. A few are legal, since a program that the official CLI runs may call `fal` again.
_GUARD = "FALENV_HANDED_OVER"
_MOST = 5

#: Runs `python -m fal`, but never ./fal from the current folder, which is the first argument. Its
#: entry in sys.path is dropped (that of -c is empty), or moved to the end if PYTHONPATH names it.
_RUN_MODULE = (
    "import sys; here = sys.argv.pop(1); "
    "sys.path[:] = sorted(filter(None, sys.path), key=here.__eq__); "
    "import runpy; runpy.run_module('fal', run_name='__main__', alter_sys=True)"
)


def hand_over(arguments: list[str], changes: Environment) -> NoReturn:
    """Run the official CLI in this process's place; raise NoOfficialError if there is none."""
    from falenv import environment

    given = os.environ.get(_GUARD, "")
    count = len(given) if given.strip("+") == "" else 0
    command = find() if count < _MOST else None
    if command is None:
        raise NoOfficialError(" ".join(["fal", *arguments[:1]]))
    become([*command, *arguments], environment.apply(changes | {_GUARD: "+" * (count + 1)}))


def become(command: list[str], variables: dict[str, str]) -> NoReturn:
    """Run a program in this process's place; raise CannotRunError."""
    import signal

    sys.stdout.flush()
    sys.stderr.flush()
    try:
        for number in (
            signal.SIGPIPE,
            signal.SIGXFSZ,
        ):  # Python ignores them, and programs inherit that
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, variables)
    except OSError as error:
        raise CannotRunError(command[0], error) from None


def find() -> list[str] | None:
    """Return the words that start the official CLI, or None.

    First choice is the module `fal` in this environment, which is found but not imported. Then
    comes the first `fal` on PATH that does not start falenv.
    """
    from importlib.machinery import PathFinder

    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        here = ""
    found = PathFinder.find_spec("fal", [entry for entry in sys.path if entry not in {"", here}])
    # A mere folder named `fal` is found too, as a namespace package. Only a module has an origin.
    if found and found.origin and found.submodule_search_locations:
        return [sys.executable, "-c", _RUN_MODULE, here]
    for folder in filter(os.path.isabs, os.get_exec_path()):
        path = os.path.join(folder, "fal")
        if os.path.isfile(path) and os.access(path, os.X_OK) and not _is_ours(path):
            return [path]
    return None


def _is_ours(path: str) -> bool:
    """Return True if a script starts falenv, in this environment or another."""
    try:
        with open(path, "rb") as file:
            return b"falenv.__main__" in file.read(4096)
    except OSError:
        return False
