"""Detect which shell runs falenv."""

from __future__ import annotations

import os
import sys

from falenv.dialects import DIALECTS, POSIX_NAMES
from falenv.errors import UsageError


def in_envrc() -> bool:
    """Return True if direnv runs this process from an `.envrc`.

    direnv's bash is not the user's shell. It needs exports and nothing else.
    """
    return bool(os.environ.get("DIRENV_IN_ENVRC"))


def set_by_direnv(*names: str, unchanged: bool = False) -> str:
    """Return the file by which direnv has set one of these variables here, or an empty string.

    With `unchanged`, the variable must still have direnv's value.
    Source: direnv's gzenv. DIRENV_DIFF is URL-safe base64 of zlib of JSON; `n` has the new values.
    DIRENV_DIR is the folder behind a `-`. Newer versions of direnv also set DIRENV_FILE.
    """
    diff = os.environ.get("DIRENV_DIFF")
    if not diff:
        return ""
    import base64
    import json
    import zlib

    try:
        text = zlib.decompress(base64.urlsafe_b64decode(diff))
        new = json.loads(text)["n"]
        values = [(new[name], os.environ.get(name)) for name in names if name in new]
    except (ValueError, zlib.error, KeyError, TypeError):
        return ""  # from another version of direnv
    folder = os.environ.get("DIRENV_DIR", "").removeprefix("-")
    file = os.environ.get("DIRENV_FILE") or os.path.join(folder, ".envrc")
    return file if any(not unchanged or one == other for one, other in values) else ""


def shell() -> str:
    """Return the name of the shell that runs this process; raise UsageError if unknown.

    Look at the parent processes, not at `$SHELL`, which is the login shell. bash reads an
    `.envrc`, whatever the login shell is.
    """
    if in_envrc():
        return "bash"
    return _parent() or _ancestor()


def _parent() -> str:
    """Return the name of the parent process if /proc shows a shell that falenv knows, else "".

    shellingham looks there too, but takes `$SHELL` for a login shell, and its import takes a third
    of the time that Python needs to start.
    """
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
            program = os.fsdecode(file.read().partition(b"\0")[0])
    except OSError:
        return ""
    name = os.path.basename(program.removeprefix("-"))
    return name if name in DIALECTS or name in POSIX_NAMES else ""


def _ancestor() -> str:
    """Return the name of the nearest shell among the ancestors; raise UsageError."""
    import shellingham

    # shellingham skips a shell whose name it does not know, and returns the shell above it.
    known = getattr(sys.modules.get("shellingham._core"), "SHELL_NAMES", None)
    if isinstance(known, set):
        known.update(POSIX_NAMES)
    try:
        name: str = shellingham.detect_shell()[0]
    except (shellingham.ShellDetectionFailure, RuntimeError, OSError):
        raise UsageError(
            "could not detect your shell; name it: fal profile env --shell bash"
        ) from None
    return name
