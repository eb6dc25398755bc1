"""The store's lock: one writer at a time, of ours. The official CLI knows of none."""

from __future__ import annotations

import contextlib
import os

import filelock

from falenv.errors import StoreBusyError, StoreNotWrittenError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK_SECONDS = 10.0


@contextlib.contextmanager
def hold(path: str, target: str) -> Iterator[None]:
    """Hold the lock of store `path`, which is the file `target`. It names its holder.

    Errors: StoreBusyError, and StoreNotWrittenError for what the system refuses here or meanwhile.
    """
    name = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.lock")
    lock = filelock.FileLock(name, timeout=LOCK_SECONDS, mode=0o600)
    while True:
        taken = _last_taken(name)
        try:
            lock.acquire()
            break
        except filelock.Timeout:
            if _last_taken(name) == taken:  # else it is a long queue, but moves
                raise StoreBusyError(path, _holder(name), LOCK_SECONDS) from None
        except OSError as error:
            raise StoreNotWrittenError(path, error, name) from None
    try:
        descriptor = os.open(name, os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0))
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(f"{os.getpid()}\n")
        yield
    except OSError as error:
        raise StoreNotWrittenError(path, error) from None
    finally:
        lock.release()


def _last_taken(name: str) -> int:
    """Return when somebody last took a lock, by the name that he left in it; 0 for never."""
    try:
        return os.stat(name).st_mtime_ns
    except OSError:
        return 0


def _holder(name: str) -> str:
    """Return who holds a lock, as words for a message."""
    try:
        with open(name, encoding="ascii", errors="replace") as file:
            process = file.read(16).strip()
    except OSError:
        process = ""
    return f"process {process}" if process.isdigit() else "another process"
