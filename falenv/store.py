"""The store: the official CLI's TOML file, read with tomli, replaced whole.

The official CLI writes the file in place, without a lock and world-readable, so a reader can
meet half of it; what is written here is locked, complete or not at all, and private.
"""

from __future__ import annotations

import os
import stat
import time

from falenv import files
from falenv.errors import StoreError, StoreNotWrittenError
from falenv.masking import shown
from falenv.profile import Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any

    #: What an edit does to the file: a function of the parsed document, which it changes.
    Change = Callable[[MutableMapping[str, Any]], None]

INTERNAL = "__internal__"  # the official CLI's own table (SETTINGS_SECTION in fal/config.py)
#: 10,000 profiles take half of it; an edit of much more would take minutes, and the lock as long.
LARGEST = 2 * 1024 * 1024
_ELSEWHERE = "move it away, or name another file in FAL_CONFIG_PATH"

# A file that another program is just writing in place, as the official CLI does, is empty, then
# some lines long, which may well be TOML. It is waited for until it was left alone for so long.
_JUST_NOW = 1_000_000_000  # nanoseconds: where a program has it open for writing
_MOMENT = 50_000_000  # where that cannot be told
_SETTLE_TRIES = 200
_SETTLE_SECONDS = 0.005
#: How often an edit begins anew since another program wrote the file meanwhile.
_TRIES_EDIT = 20


class Store:
    """The store as it was when read.

    `stamp` identifies the file's content for the index (`none` where there is no file), `mtime_ns`
    is its time of last change; `data` is the whole document, `profiles` and `default` what we
    understand of it.
    """

    __slots__ = ("data", "default", "mode", "mtime_ns", "path", "profiles", "stamp", "text")

    def __init__(self, path: str, text: str, status: os.stat_result | None) -> None:
        self.path = path
        self.text = text
        self.stamp = stamp(status)
        self.mtime_ns = status.st_mtime_ns if status else None
        self.mode = stat.S_IMODE(status.st_mode) if status else None
        self.data = _parse(path, text)
        self.default, self.profiles = _understand(path, text, self.data)

    @property
    def is_open_to_others(self) -> bool:
        """Whether the file's mode lets others than its owner read or write it."""
        return bool(self.mode and self.mode & 0o077 and os.name != "nt")


def stamp(status: os.stat_result | None) -> str:
    """Return what tells one version of the file from another; `none` for no file."""
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}" if status else "none"


def read(path: str) -> Store:
    """Read the store; a missing file is an empty store. Errors: StoreError, never a traceback."""
    return Store(path, *load(path))


def edit(path: str, change: Change) -> tuple[Store, Store]:
    """Change the store under its lock; return it as it was and as it is.

    The lock does not keep the official CLI out: where it wrote in the meantime, `change` is made
    once more, to what it wrote. Errors: StoreError and StoreBusyError, with the file as it was;
    whatever `change` raises, likewise.
    """
    import tomlkit  # noqa: F401 - here, not under the lock, for which others wait

    from falenv.lock import hold

    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        _refuse_strangers(path, folder)
    except OSError as error:
        raise StoreNotWrittenError(path, error, folder) from None
    with hold(path, target):
        before, after = _replace(path, target, change)
        try:
            if after is not before:
                _sync_folder(folder)
        except OSError as error:
            what = f"was changed, but the folder could not be synced: {error.strerror}"
            raise StoreError(path, what, "check it after a power failure") from None
        return before, after


def load(path: str) -> tuple[str, os.stat_result | None]:
    """Return the text of the store, whole, and the state of the file that it was read from.

    Errors: StoreError, as for `read`.
    """
    content, status = _load(path)
    return _decode(path, content), status


def _load(path: str) -> tuple[bytes, os.stat_result | None]:
    for _ in range(_SETTLE_TRIES):
        try:
            # A FIFO in its place must not block us.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            return b"", None
        except OSError as error:
            raise _unreadable(path, error) from None
        status = os.fstat(descriptor)
        is_file, is_folder = stat.S_ISREG(status.st_mode), stat.S_ISDIR(status.st_mode)
        if not is_file or status.st_size > LARGEST:
            os.close(descriptor)
            limit = f"is larger than {LARGEST // 1024**2} MiB"
            what = limit if is_file else "is not a regular file"
            raise StoreError(path, "is a folder" if is_folder else what, _ELSEWHERE)
        try:
            with open(descriptor, "rb") as file:
                _refuse_strangers(path, path, status)
                _refuse_strangers(path, os.path.dirname(path))
                content = file.read(LARGEST + 1)
                if not _is_being_written(descriptor, status, len(content)):
                    break
        except OSError as error:
            raise _unreadable(path, error) from None
        time.sleep(_SETTLE_SECONDS)
    return content, status


def _is_being_written(descriptor: int, before: os.stat_result, length: int) -> bool:
    """Tell whether so much, read from a file of that state, may not be all of it.

    Linux refuses a read lease on a file that is open for writing (`fcntl(2)`, F_SETLEASE).
    """
    age = abs(time.time_ns() - before.st_mtime_ns)
    if age < _JUST_NOW:
        import fcntl
        import signal

        try:
            # Whoever opens it for writing meanwhile waits, and we are told, which kills.
            kept = signal.signal(signal.SIGIO, signal.SIG_IGN)
            try:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            finally:
                signal.signal(signal.SIGIO, kept)
        except BlockingIOError:
            return True
        except (AttributeError, OSError):  # another system, or file system
            if age < _MOMENT:
                return True
    after = os.fstat(descriptor)
    return stamp(after) != stamp(before) or after.st_size != length


def _refuse_strangers(path: str, place: str, status: os.stat_result | None = None) -> None:
    """Raise StoreError where another user can put keys, or hosts for ours, into the store.

    `place` is the store or its folder; its state is asked for where it is not given.
    """
    reason = files.strangers(status or os.stat(place))
    if reason:
        what = reason if place == path else f"its folder {place} {reason}"
        cure = f"chmod go-w {place}" if "written" in reason else f"chown it: {place}"
        raise StoreError(
            path, f"{what}, so its keys are not used", f"if what it says is yours, then: {cure}"
        )


def _decode(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StoreError(path, "is not UTF-8 text", "save it as UTF-8", line) from None


def _unreadable(path: str, error: OSError) -> StoreError:
    return StoreError(path, f"could not be read: {error.strerror}", f"try: ls -l {path}")


def _parse(path: str, text: str) -> dict[str, Any]:
    import tomli

    if text.startswith("\ufeff"):
        raise StoreError(
            path, "begins with a byte order mark, which TOML does not allow", "save it without", 1
        )
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        # tomli's message has line and column, and none of the values.
        raise StoreError(path, f"is not valid TOML: {error}", "mend that line") from None
    except ValueError:  # from Python: a number of more digits than it reads
        raise StoreError(path, "has a number that is too long", "mend it") from None
    except RecursionError:
        raise StoreError(path, "is nested too deeply", "mend it") from None


def _understand(path: str, text: str, data: dict[str, Any]) -> tuple[str, dict[str, Profile]]:
    """Return the default (empty: none) and the profiles; raise StoreError for odd types."""
    internal = data.get(INTERNAL, {})
    if not isinstance(internal, dict):
        line = line_of(text, None, INTERNAL)
        raise StoreError(path, f"{INTERNAL} is not a table", f"make it [{INTERNAL}]", line)
    default = internal.get("profile", "")
    if not isinstance(default, str):
        line = line_of(text, INTERNAL, "profile")
        cure = 'write it as profile = "NAME"'
        raise StoreError(path, "the default profile is not text", cure, line)
    profiles = {}
    for name, table in data.items():
        if name == INTERNAL or not isinstance(table, dict):
            continue  # top-level scalars are the official CLI's global settings
        for setting, form in (("key", "ID:SECRET"), ("host", "api.alpha.fal.ai")):
            if not isinstance(table.get(setting, ""), str):
                what = f"the {setting} of profile {shown(name)} is not text"
                cure = f'write it as {setting} = "{form}"'
                raise StoreError(path, what, cure, line_of(text, name, setting))
        profiles[name] = Profile(name, table)
    return default, profiles


def line_of(text: str, table: str | None, setting: str) -> int | None:
    """Return the line (from 1) that sets `setting` in `table`, for messages; None if not found."""
    import tomli

    header = ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            header = line
        if setting not in line:
            continue
        try:
            found: Any = tomli.loads(line if line == header else f"{header}\n{line}")
        except (ValueError, RecursionError):  # no line of its own, but part of another
            continue
        if table is not None:
            found = found.get(table)
        if isinstance(found, dict) and setting in found:
            return number
    return None


def _replace(path: str, target: str, change: Change) -> tuple[Store, Store]:
    """Put the changed store in its place in one step that survives a crash at any point.

    Return it as it was and as it is: the same one where it can stay.
    """
    from falenv import tomledit

    # Under the lock there is one writer, so one name does, and a leftover of a killed writer is
    # taken away by the next.
    temporary = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.falenv")
    files.remove(temporary)
    for _ in range(_TRIES_EDIT):
        before = read(path)
        text = tomledit.edited(before.text, change)
        if text is None:
            raise StoreError(path, "is written in a way that we cannot edit", "edit it by hand")
        if text == before.text and before.mtime_ns is not None and not before.is_open_to_others:
            return before, before
        try:
            status = _write(temporary, text)
            if _load(path)[0] == before.text.encode():
                os.replace(temporary, target)
                # Not read again: the official CLI may have been there since.
                return before, Store(path, text, status)
        finally:
            files.remove(temporary)
    what = "is being written by another program, again and again"
    raise StoreError(path, what, "try again when that has ended")


def _write(path: str, text: str) -> os.stat_result:
    """Write a new private file, down to the disk; return its state."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    descriptor = os.open(path, flags, 0o600)
    with open(descriptor, "wb") as file:
        file.write(text.encode("utf-8"))
        file.flush()
        os.fsync(descriptor)
        return os.fstat(descriptor)


def _sync_folder(folder: str) -> None:
    """Make the rename itself durable, where the system lets a folder be synced."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
