"""Find the official CLI and run it in this process's place (exec)."""

from __future__ import annotations

import os
import sys

from falenv import paths, program
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
    "import os, sys; here = sys.argv.pop(1); "
    "sys.path[:] = sorted(filter(None, sys.path), key=lambda p: os.path.realpath(p) == here); "
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
    variables = environment.apply(changes | {_GUARD: "+" * (count + 1)})
    if "_ARGCOMPLETE" in variables:
        # A shell starts this at a TAB, not the user, so Python's variables must not name code.
        variables = {name: value for name, value in variables.items() if name[:6] != "PYTHON"}
    become([*command, *arguments], variables)


def become(command: list[str], variables: dict[str, str]) -> NoReturn:
    """Run a program in this process's place; raise CannotRunError."""
    import signal

    sys.stdout.flush()
    sys.stderr.flush()
    # What a shell has told this process is not meant for the program.
    variables = {name: variables[name] for name in variables if name[:9] != "__falenv_"}
    try:
        # Python ignores these two, and programs would inherit that.
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, variables)
    except OSError as error:
        raise CannotRunError(command[0], error) from None


def find() -> list[str] | None:
    """Return the words that start the official CLI, or None.

    It is the one that the user would get without falenv: the first `fal` on PATH. A script `fal` of
    falenv's stands for the module `fal` in the same environment, or is passed over if there is
    none. After PATH come the folders of uv and pipx, and last the module beside falenv.
    """
    in_tools = (os.path.join(folder, "fal", "bin", "fal") for folder in paths.tool_folders())
    for script in (*paths.which("fal"), *filter(os.path.isfile, in_tools)):
        content = program.beginning(script)
        ours, theirs = b"falenv.__main__" in content, b"fal.cli" in content
        command = _module(os.path.dirname(script)) if ours or theirs else None
        if command or not ours:
            return command or [script]
    return _module(os.path.dirname(sys.executable))


def is_beside() -> bool:
    """Return True if the official package is in the environment that falenv runs in."""
    return _module(os.path.dirname(sys.executable)) is not None


def version(command: list[str]) -> str:
    """Return the version of the official CLI that these words start, if a package says it."""
    folder = os.path.dirname(command[0])
    if len(command) == 1:  # a script, perhaps by way of a link that uv or pipx made
        folder = os.path.dirname(os.path.realpath(command[0]))
    library = os.path.join(os.path.dirname(folder), "lib")
    for python in _listed(library):
        for packages in ("site-packages", "dist-packages"):
            for name in _listed(os.path.join(library, python, packages)):
                if name.startswith("fal-") and name.endswith(".dist-info"):
                    return name[len("fal-") : -len(".dist-info")]
    return ""


def _module(scripts: str) -> list[str] | None:
    """Return the words that start the module `fal` of the environment with this folder of scripts.

    Unlike the script, they never run ./fal. Return None if the environment has no such module.
    """
    python = os.path.join(scripts, "python")
    if not os.access(python, os.X_OK):  # `pip install --user` puts none beside its scripts
        python = sys.executable
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:  # the current folder was deleted
        here = ""
    is_here = os.path.dirname(sys.executable) == os.path.dirname(python)
    found = _is_importable(here) if is_here else _is_installed(scripts)
    return [python, "-c", _RUN_MODULE, here] if found else None


def _is_importable(here: str) -> bool:
    """Return True if this Python finds a module `fal`, but not in the current folder."""
    from importlib.machinery import PathFinder

    entries = [entry for entry in sys.path if entry and os.path.realpath(entry) != here]
    found = PathFinder.find_spec("fal", entries)
    # A mere folder named `fal` is found too, as a namespace package. Only a module has an origin.
    return bool(found and found.origin and found.submodule_search_locations)


def _is_installed(scripts: str) -> bool:
    """Return True if the environment with this folder of scripts has a package `fal`."""
    library = os.path.join(os.path.dirname(scripts), "lib")
    return any(
        os.path.isfile(os.path.join(library, version, packages, "fal", "__main__.py"))
        for version in _listed(library)
        for packages in ("site-packages", "dist-packages")
    )


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
