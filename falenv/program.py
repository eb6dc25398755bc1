"""By which words a user can run this program, whether it will stay, and its link on PATH."""

from __future__ import annotations

import os
import sys

from falenv import paths
from falenv.masking import as_path

#: How messages spell a command of falenv: these two words, then the subcommand.
_SPELLED = "fal profile "

#: The function by which the shell that shows our messages calls this program, if it is integrated.
#: `__main__` sets it.
function = ""

#: The commands that only an integrated shell runs.
_HOOKED = (["refresh"], ["start"], ["dotenv"])

#: uv's cache has one folder of each kind. `--cache-dir` can put the cache anywhere.
_UV_FOLDERS = ("archive-v", "builds-v", "environments-v")


def function_of_shell(arguments: list[str]) -> str:
    """Return the function by which the shell that runs this command line can call this program.

    It is `fal`, or what the shell says. Unset the variable that says it. Return an empty string if
    the shell is not integrated.
    """
    name = os.environ.pop("__falenv_command", "fal")
    is_integrated = "__falenv_shell" in os.environ or arguments[1:2] in _HOOKED
    return name if is_integrated else ""


def runnable(text: str) -> str:
    """Return a text with commands that work for its reader.

    Messages spell a command as `fal profile …`. Outside of an integrated shell, `fal` may be the
    official CLI, or nothing.
    """
    if _SPELLED not in text:
        return text
    words = command()
    for before in " (`":
        text = text.replace(f"{before}{_SPELLED}", f"{before}{words} profile ")
    return text


def command() -> str:
    """Return the words before `profile` that run this program where its output is read."""
    if function:
        return function
    exe = paths.program()
    # uvx and pipx run put their folder on PATH, but only for this process.
    words = {"uv": "uvx falenv", "pipx": "pipx run falenv"}.get(fate(exe))
    if words:
        return words
    for name in ("fal", "falenv"):
        if is_ours(next(paths.which(name), "")):
            return name
    if os.access(exe, os.X_OK):
        return as_path(exe)
    for name in ("python", "python3"):
        if next(paths.which(name), "") == sys.executable:
            return f"{name} -m falenv"
    return f"{as_path(sys.executable)} -m falenv"


def is_ours(script: str) -> bool:
    """Return True if a script starts falenv."""
    return b"falenv.__main__" in beginning(script)


def beginning(path: str) -> bytes:
    """Return the first bytes of a script, which say what it starts."""
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError:
        return b""


def fate(exe: str) -> str:
    """Return what will delete a program by itself: `uv`, `pipx`, `temporary`, or an empty string.

    uvx, `uv run --with` and `pipx run` keep an environment in a cache, and clean it later.
    """
    for path in map(os.path.realpath, (exe, sys.prefix, paths.package())):
        if any(part.rstrip("0123456789") in _UV_FOLDERS for part in path.split("/")):
            return "uv"
        for kind, folder in paths.cleaned_folders():
            if paths.holds(folder, path):
                return kind
    return ""


# --- The link on PATH ----------------------------------------------------------------------------


def link_wanted() -> str:
    """Return the path at which a link would put `falenv` on PATH, or an empty string.

    Return an empty string if `falenv` is on PATH, if ~/.local/bin is not, or if a file has the
    name. Our own link to a program that is gone may be replaced.
    """
    path = paths.link()
    folder = os.path.dirname(path)
    entries = [os.path.realpath(entry) for entry in filter(os.path.isabs, os.get_exec_path())]
    if next(paths.which("falenv"), "") or os.path.realpath(folder) not in entries:
        return ""
    return path if path == paths.link_made() or not os.path.lexists(path) else ""
