"""Environment, dialect and shell files → the code that a shell is to eval."""

from __future__ import annotations

import os

from falenv import assets, paths, segment
from falenv.dialects import POSIX
from falenv.environment import VARIABLES
from falenv.errors import masked, printable
from falenv.profile import key_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.active import Active
    from falenv.dialects import Dialect
    from falenv.environment import Environment


def integration(dialect: Dialect, state: str, *, show_segment: bool) -> str:
    """Return all that makes a shell follow: a prelude of assignments, the shell's files, `state`.

    The files go out as they stand; what varies is assigned before them, so that no value ever
    lands inside other code.
    """
    prelude = (
        dialect.assign("__falenv_exe", paths.program())
        + dialect.assign("__falenv_vars", " ".join(VARIABLES))
        + dialect.assign("__falenv_notes", paths.folder_notes())
        + dialect.assign("__falenv_segment_off", "" if show_segment else "yes")
        + dialect.assign("__falenv_format", segment.FORMAT)
        + dialect.assign("__falenv_mark_pin", segment.MARKS["pin"])
        + dialect.assign("__falenv_mark_folder", segment.MARKS["folder"])
    )
    if dialect is POSIX:
        elder, younger = _neighbours()
        prelude += dialect.assign("__falenv_elder", elder)
        prelude += dialect.assign("__falenv_younger", younger)
    completion = ""
    if dialect.name == "zsh":  # which registers them as soon as compinit has run
        completion = assets.read("completions", dialect.completion)
    elif dialect.completion:  # bash and fish read them at the first TAB
        path = assets.path("completions", dialect.completion)
        prelude += dialect.assign("__falenv_completions", path)
    return prelude + assets.read("shell", dialect.script) + completion + state


def _neighbours() -> tuple[str, str]:
    """Return two files of which the second is newer by half a second; empty where there are none.

    For a shell to see whether its `-nt` tells that. busybox's compares whole seconds: to it a store
    that was written twice within one is the same, and a line of it may be another profile's by now.
    """
    folder = paths.state()
    files = os.path.join(folder, ".elder"), os.path.join(folder, ".younger")
    try:
        for path, time_ns in zip(files, (10**18, 10**18 + 500_000_000), strict=True):
            if not os.path.exists(path):
                os.makedirs(folder, mode=0o700, exist_ok=True)
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            if os.stat(path).st_mtime_ns != time_ns:
                os.utime(path, ns=(time_ns, time_ns))
    except OSError:
        return "", ""
    return files


def state(
    dialect: Dialect, active: Active, environment: Environment, store_path: str, index_path: str
) -> str:
    """Return what a shell has to do to be on an environment, and to know that it is.

    Also what the shell's refresh evals. The shell is told the key's id, never the key.
    """
    profile = active.profile
    return (
        dialect.render(environment)
        + dialect.assign("__falenv_name", masked(active.name))
        + dialect.assign("__falenv_shown", printable(masked(active.name)))
        + dialect.assign("__falenv_why", "pin" if active.why == "argument" else active.why)
        + dialect.assign("__falenv_sgr", segment.sgr(profile.color if profile else ""))
        + dialect.assign("__falenv_id", key_id(environment["FAL_KEY"]))
        + bookkeeping(dialect, store_path, index_path)
    )


def beginning(dialect: Dialect, store_path: str, index_path: str) -> str:
    """Return what stands in the place of a state in a file that later shells will read.

    No key and no profile: a shell reads those from the store, which it is told the way to.
    """
    # Not this version of the index, but where its later ones are found.
    indexes = index_path[: index_path.rfind("/") + 1]
    return (
        dialect.assign("__falenv_store", store_path)
        + dialect.assign("__falenv_index", indexes)
        + dialect.assign("__falenv_where", paths.where())
        + "__falenv_begin\n"
    )


def bookkeeping(dialect: Dialect, store_path: str, index_path: str) -> str:
    """Return the part of the state that only says which version of the store was looked at."""
    return (
        dialect.assign("__falenv_store", store_path)
        + dialect.assign("__falenv_index", index_path)
        + "__falenv_settle\n"
    )
