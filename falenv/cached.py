"""The file that start-up files read: the integration, kept so that no process has to print it."""

from __future__ import annotations

import os

from falenv import files, paths
from falenv.integration import integration, start_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.dialects import Dialect


def write(path: str, dialect: Dialect, store_path: str, index_path: str) -> None:
    """Write the file for shells of one kind, if it does not say the same already; never fail.

    It has no key in it. Its mtime is set equal to the program's: any other program, newer or
    older, and any other writer of the file, makes the two differ, and a shell then asks us again.
    """
    code = integration(dialect, start_state(dialect, store_path, index_path), show_segment=True)
    content = code.encode("utf-8", "surrogateescape")
    try:
        mtime_ns = os.stat(paths.program()).st_mtime_ns
        if not files.contains(path, content, mtime_ns):
            _put(path, content, mtime_ns)
    except OSError:
        return  # no place for it: the shells ask each time


def _put(path: str, content: bytes, mtime_ns: int) -> None:
    """Replace the file at once, private to the user, in a folder that nobody else can write to."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.stat(folder)
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        return
    files.replace(path, content, mtime_ns=mtime_ns)
