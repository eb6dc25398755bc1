"""Which shell is asking."""

from __future__ import annotations

import os
import sys

from falenv.dialects import DIALECTS, POSIX_NAMES
from falenv.errors import UsageError


def in_envrc() -> bool:
    """Tell whether direnv is running us from an `.envrc`.

    Its bash is not the user's shell: it wants exports and nothing else.
    """
    return bool(os.environ.get("DIRENV_IN_ENVRC"))


def set_by_direnv(*names: str) -> bool:
    """Tell whether direnv has set one of these variables for the folder that its shell is in.

    Source: direnv's gzenv; DIRENV_DIFF is URL-safe base64 of zlib of JSON, `n` the new values.
    """
    import base64
    import json
    import zlib

    try:
        text = zlib.decompress(base64.urlsafe_b64decode(os.environ.get("DIRENV_DIFF", "")))
        new = json.loads(text)["n"]
        return any(name in new for name in names)
    except (ValueError, zlib.error, KeyError, TypeError):
        return False  # another version's form


def shell() -> str:
    """Return the name of the shell that runs us; raise UsageError where it cannot be told.

    By the parent processes, not by `$SHELL`, which is the login shell. An `.envrc` is read by
    bash whatever the login shell is.
    """
    if in_envrc():
        return "bash"
    return _parent() or _ancestor()


def _parent() -> str:
    """Return the name of the shell that is our parent, where /proc tells that it is one of ours.

    shellingham goes by the same, but takes `$SHELL` for a login shell, and importing it takes as
    long as a third of Python's start. Empty otherwise.
    """
    try:
        with open(f"/proc/{os.getppid()}/cmdline", "rb") as file:
            program = os.fsdecode(file.read().partition(b"\0")[0])
    except OSError:
        return ""
    name = os.path.basename(program.removeprefix("-"))
    return name if name in DIALECTS or name in POSIX_NAMES else ""


def _ancestor() -> str:
    """Return the name of the nearest shell above us; raise UsageError."""
    import shellingham

    # A shell that it has no name of is passed over for the one that shell was started in.
    known = getattr(sys.modules.get("shellingham._core"), "SHELL_NAMES", None)
    if isinstance(known, set):
        known.update(POSIX_NAMES)
    try:
        name: str = shellingham.detect_shell()[0]
    except (shellingham.ShellDetectionFailure, RuntimeError, OSError):
        raise UsageError(
            "could not tell which shell is asking; name it: fal profile env --shell bash"
        ) from None
    return name
