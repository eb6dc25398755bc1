"""Find the official CLI and hand over to it: it runs in our place, so all it does is its own."""

from __future__ import annotations

import os
import sys

from falenv.errors import CannotRunError, NoOfficialError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from falenv.environment import Environment

#: Counts how often we have handed over in one chain of processes. Where a wrapper on PATH leads
#: back to us it would grow for ever; a program run by the official CLI may well call us once more.
_GUARD = "FALENV_HANDED_OVER"
_MOST = 5

#: `python -m fal`, but without the entry that -c has for the current folder, the first argument,
#: and with that folder last if PYTHONPATH names it: a folder `fal` there is not ours to run.
_RUN_MODULE = (
    "import sys; here = sys.argv.pop(1); "
    "sys.path[:] = sorted(filter(None, sys.path), key=here.__eq__); "
    "import runpy; runpy.run_module('fal', run_name='__main__', alter_sys=True)"
)


def hand_over(arguments: list[str], changes: Environment) -> NoReturn:
    """Become the official CLI with these arguments; raise NoOfficialError where there is none."""
    from falenv import environment

    given = os.environ.get(_GUARD, "")
    count = len(given) if given.strip("+") == "" else 0
    command = find() if count < _MOST else None
    if command is None:
        raise NoOfficialError(" ".join(["fal", *arguments[:1]]))
    become([*command, *arguments], environment.apply(changes | {_GUARD: "+" * (count + 1)}))


def become(command: list[str], variables: dict[str, str]) -> NoReturn:
    """Replace this process by a program; raise CannotRunError."""
    import signal

    sys.stdout.flush()
    sys.stderr.flush()
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # ignored by Python, and so by its heirs
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, variables)
    except OSError as error:
        raise CannotRunError(command[0], error) from None


def find() -> list[str] | None:
    """Return the words that start the official CLI, or None.

    The module `fal` beside us (found, never imported), else the next `fal` on PATH that is not
    ours. It does not matter whose script `fal` beside us is: the last one installed wins there.
    """
    from importlib.machinery import PathFinder

    try:
        here = os.getcwd()
    except OSError:  # it was deleted
        here = ""
    found = PathFinder.find_spec("fal", [entry for entry in sys.path if entry not in {"", here}])
    # Any folder named `fal` is found, as a namespace: that has no origin.
    if found and found.origin and found.submodule_search_locations:
        return [sys.executable, "-c", _RUN_MODULE, here]
    for folder in filter(os.path.isabs, os.get_exec_path()):
        path = os.path.join(folder, "fal")
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
