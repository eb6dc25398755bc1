"""The store, which is the official CLI's TOML file: read it with tomli, replace it as a whole.

The official CLI writes the file in place, without a lock and world-readable, so a reader may find
half of it. falenv writes it under a lock, completely or not at all, and keeps it private.
A store that cannot be replaced, such as a mount of a single file, is written in place
(`files.overwrite`).
"""

from __future__ import annotations

import os
import stat
import time

from falenv import files
from falenv.errors import (
    SettingError,
    StoreBusyError,
    StoreChangedError,
    StoreError,
    StoreNotWrittenError,
    UnusableProfileError,
    as_owner,
)
from falenv.masking import as_path, without_names
from falenv.profile import INTERNAL, Profile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from falenv.tomledit import Change


LOCK_SECONDS = 10.0
#: What a line has that a message may be about. `key` is also the start of other settings.
_IN_MESSAGES = ("key", "host", "profile", "team", "env", "protected", INTERNAL)
_ELSEWHERE = "move it away, or set FAL_CONFIG_PATH to another file"

# The official CLI writes the store in place. Until it is done the file is empty, or has only some
# of its lines, which may be valid TOML. So wait until the file has been unchanged this long.
_JUST_NOW = 1_000_000_000  # nanoseconds: if a lease tells who has the file open for writing
_MOMENT = 50_000_000  # if nothing tells
_SETTLE_TRIES = 200
_SETTLE_SECONDS = 0.005
#: How often an edit starts again because another program has written the file in between.
_EDIT_TRIES = 20


class Store:
    """The store as it was when it was read.

    `stamp` identifies the version of the file, and `mtime_ns` is its last change. `data` is the
    whole document. `profiles` and `default` are the parts of it that falenv uses. `unusable` has
    the error for each profile with an odd table, and `default_error` the one for an odd default.
    """

    __slots__ = (
        "_lines",
        "data",
        "default",
        "default_error",
        "mode",
        "mtime_ns",
        "path",
        "profiles",
        "stamp",
        "text",
        "unusable",
    )

    def __init__(self, path: str, text: str, status: os.stat_result | None) -> None:
        self.path = path
        self.text = text
        self.stamp = stamp(status)
        self.mtime_ns = status.st_mtime_ns if status else None
        self.mode = stat.S_IMODE(status.st_mode) if status else None
        self.data = _parse(path, text)
        self._lines: dict[tuple[str, str], int] | None = None
        self.default, self.default_error = self._read_default()
        self.profiles: dict[str, Profile] = {}
        self.unusable: dict[str, UnusableProfileError] = {}
        for name, table in self.data.items():
            if name == INTERNAL or not isinstance(table, dict):
                continue  # top-level scalars are the official CLI's global settings
            try:
                self.profiles[name] = Profile(name, table)
            except SettingError as error:
                line = self.line_of(name, error.setting)
                self.unusable[name] = UnusableProfileError(path, name, error, line)

    @property
    def names(self) -> list[str]:
        """The names of all profiles, usable or not, in the order of the file."""
        return [name for name in self.data if name in self.profiles or name in self.unusable]

    def line_of(self, table: str, setting: str) -> int | None:
        """Return the line (from 1) that has a setting of a table, for messages; None if not found.

        An empty `table` stands for the top level.
        """
        if self._lines is None:
            self._lines = _lines(self.text)
        return self._lines.get((table, setting))

    def _read_default(self) -> tuple[str, StoreError | None]:
        """Return the default, or an empty string, and what is wrong with it."""
        internal = self.data.get(INTERNAL, {})
        if not isinstance(internal, dict):
            what, cure = f"{INTERNAL} is not a table", f"write it as [{INTERNAL}]"
            return "", StoreError(self.path, what, cure, self.line_of("", INTERNAL))
        default = internal.get("profile", "")
        if not isinstance(default, str):
            what, cure = "the default profile is not text", "choose one: fal profile set NAME"
            return "", StoreError(self.path, what, cure, self.line_of(INTERNAL, "profile"))
        return default, None

    @property
    def default_has_host(self) -> bool:
        """Whether the store gives a host to its default, which the official CLI then uses."""
        table = self.data.get(self.default)
        return isinstance(table, dict) and bool(table.get("host"))

    def is_protected(self, name: str) -> bool:
        """Return True if the store says so of a profile, even of one that cannot be used."""
        table = self.data.get(name)
        return isinstance(table, dict) and bool(table.get("protected"))

    @property
    def names_by_id(self) -> dict[str, str]:
        """Key id → profile, to say whose a key is."""
        return {one.id: one.name for one in self.profiles.values() if one.id}

    @property
    def is_open_to_others(self) -> bool:
        """Whether the file's mode lets others than its owner read or write it."""
        return bool(self.mode and self.mode & 0o077)


def stamp(status: os.stat_result | None) -> str:
    """Return a text that differs between two versions of the store file; `none` for no file."""
    return f"{status.st_mtime_ns}-{status.st_size}-{status.st_ino}" if status else "none"


def read(path: str, *, is_locked: bool = False) -> Store:
    """Read the store. A missing file is an empty store. Errors: StoreError.

    `is_locked` says that the caller holds the lock.
    """
    return Store(path, *load(path, is_locked=is_locked))


def edit(path: str, change: Change) -> tuple[Store, Store]:
    """Change the store under its lock; return the store before and after.

    The lock does not stop the official CLI. If it writes in between, apply `change` again, to
    the new content. Errors: StoreError and StoreBusyError, and any error of `change`; the file
    stays as it was.
    """
    from falenv import tomledit

    def make(text: str) -> str:
        edited = tomledit.edited(text, change)
        if edited is None:
            what = "falenv cannot edit this store without changing other parts of it"
            raise StoreError(path, what, "edit it by hand")
        return edited

    return _write(path, make)


def write(path: str, base: str, text: str) -> tuple[Store, Store]:
    """Replace the whole text of the store under its lock; return the store before and after.

    The old text may be invalid. Then the store before is empty. Errors: StoreChangedError if the
    store no longer has the text `base`, StoreError and StoreBusyError; the file stays as it was.
    """

    def make(now: str) -> str:
        if now != base:
            raise StoreChangedError(path)
        return text

    return _write(path, make, read=lenient)


def lenient(path: str, text: str, status: os.stat_result | None) -> Store:
    """Return the store of a text, or an empty one if the text is invalid."""
    try:
        return Store(path, text, status)
    except StoreError:
        return Store(path, "", status)


def _write(
    path: str,
    make: Callable[[str], str],
    *,
    read: Callable[[str, str, os.stat_result | None], Store] | None = None,
) -> tuple[Store, Store]:
    """Write the text that `make` makes of the old one; return the store before and after.

    `read` makes a store of the old text, by default one that refuses an invalid text.
    """
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    try:
        files.make_folders(folder)
        _refuse_strangers(path, folder)
    except OSError as error:
        raise StoreNotWrittenError(path, error, folder) from None
    lock = _take_lock(path, target)
    try:
        _sign_lock(lock)
        before, after = _replace(path, target, make, read or Store)
        if after is not before:
            _sync_folder(path, folder)
    except files.HalfWrittenError as error:
        raise _half_written(path, error) from None
    except OSError as error:
        raise StoreNotWrittenError(path, error) from None
    finally:
        os.close(lock)
    return before, after


def load(path: str, *, is_locked: bool = False) -> tuple[str, os.stat_result | None]:
    """Return the text of the store, once it is complete, and the state of its file.

    If an edit in place was interrupted, complete or undo it. Errors: StoreError, as for `read`.
    """
    content, status = _load(path)
    while files.is_unfinished(content):
        _repair(path, content, is_locked=is_locked)
        content, status = _load(path)
    return _decode(path, content), status


def _repair(path: str, content: bytes, *, is_locked: bool) -> None:
    """Complete or undo the `files.overwrite` that has left the store with this content.

    If another process is just writing the store, wait until that process releases the lock.
    """
    target = os.path.realpath(path)
    try:
        lock = None if is_locked else _take_lock(path, target)
        try:
            is_possible = files.repair(target)
        finally:
            if lock is not None:
                os.close(lock)
    except (OSError, StoreNotWrittenError) as error:
        raise _half_written(path, error) from None
    if not is_possible:
        line = content.count(b"\n", 0, content.index(files.MARK)) + 1
        what = "an edit was interrupted, and another program has changed the store since"
        cure = "in an editor, keep one of the texts that ^A (Ctrl-A) characters separate"
        raise StoreError(path, what, cure, line)


def _half_written(path: str, error: OSError | StoreNotWrittenError) -> StoreError:
    what = f"an edit of the store was interrupted, and completing it failed: {error.strerror}"
    cure = "when the store and its folder can be written, run: fal profile list"
    return StoreError(path, what, cure)


def _load(path: str) -> tuple[bytes, os.stat_result | None]:
    for tries_left in reversed(range(_SETTLE_TRIES)):
        try:
            file, status = files.open_file(path, follow=True)
            with file:
                _refuse_strangers(path, file.fileno())
                _refuse_strangers(path, os.path.dirname(path))
                content = file.read(files.LARGEST + 1)
                if not _is_being_written(file.fileno(), status, len(content)):
                    break
        except FileNotFoundError:
            return b"", None
        except files.UnfitError as error:
            raise StoreError(path, f"the store {error.strerror}", _ELSEWHERE) from None
        except BlockingIOError:  # a lease of `files.overwrite`
            if not tries_left:
                what = "another process is writing the store"
                raise StoreError(path, what, "try again") from None
        except OSError as error:
            raise _unreadable(path, error) from None
        time.sleep(_SETTLE_SECONDS)
    return content, status


def _is_being_written(descriptor: int, before: os.stat_result, length: int) -> bool:
    """Return True if another program may still be writing the file.

    `before` is the state of the file before `length` bytes were read from it. Linux refuses a
    read lease on a file that is open for writing (`fcntl(2)`, F_SETLEASE).
    """
    age = abs(time.time_ns() - before.st_mtime_ns)
    if age < _JUST_NOW:
        import fcntl
        import signal

        try:
            # While the lease is held, a program that opens the file for writing waits, and the
            # kernel sends this process a SIGIO, which would kill it.
            kept = signal.signal(signal.SIGIO, signal.SIG_IGN)
            try:
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
                fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            finally:
                signal.signal(signal.SIGIO, kept)
        except BlockingIOError:
            return True
        except (AttributeError, OSError):  # another system, or a file system without leases
            if age < _MOMENT:
                return True
    after = os.fstat(descriptor)
    return stamp(after) != stamp(before) or after.st_size != length


def _refuse_strangers(path: str, place: str | int) -> None:
    """Raise StoreError if another user can write keys or hosts into the store.

    `place` is the descriptor of the store, or the path of a folder that it is in.
    """
    reason = files.strangers(place)
    if not reason:
        return
    what = f"the folder {place}" if isinstance(place, str) else "the store"
    if "written" not in reason:
        cure = "run this command as that user" if os.geteuid() == 0 else _ELSEWHERE
    elif isinstance(place, str):
        cure = f"if its content is yours, run: chmod go-w {as_path(place)}"
    else:
        # Not chmod: a program that opened the file before can still write it. So replace the file.
        target = os.path.realpath(path)
        old, new = as_path(target), as_path(f"{target}.new")
        cure = f"if its content is yours, run: install -m 600 {old} {new} && mv {new} {old}"
    raise StoreError(path, f"{what} {reason}, so falenv does not use its keys", cure)


def _decode(path: str, content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StoreError(path, "the store is not UTF-8 text", "save it as UTF-8", line) from None


def _unreadable(path: str, error: OSError) -> StoreError:
    what = f"could not read the store: {error.strerror}"
    cure = as_owner(error, path) or f"check its owner and mode: ls -l {as_path(path)}"
    return StoreError(path, what, cure)


def _parse(path: str, text: str) -> dict[str, Any]:
    import tomli

    if text.startswith("\ufeff"):
        raise StoreError(
            path,
            "the store begins with a byte order mark, which TOML does not allow",
            "save it without one",
            1,
        )
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        what = f"the store is not valid TOML: {without_names(str(error))}"
        raise StoreError(path, what, "fix that line") from None
    except ValueError:  # from Python: the number has more digits than int() reads
        raise StoreError(path, "a number in the store is too long", "shorten it") from None
    except RecursionError:
        raise StoreError(path, "the store is nested too deeply", "remove some levels") from None


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the line of each setting that a message may be about, by table and setting.

    Parse each line on its own, below the header that it is under.
    """
    import tomli

    found: dict[tuple[str, str], int] = {}
    header = ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("["):
            header = line
        if not any(setting in line for setting in _IN_MESSAGES):
            continue
        try:
            data = tomli.loads(line if line == header else f"{header}\n{line}")
        except (ValueError, RecursionError):  # the line is only a part of something
            continue
        for name, value in data.items():
            found.setdefault(("", name), number)
            for setting in value if isinstance(value, dict) else ():
                found.setdefault((name, setting), number)
    return found


def _take_lock(path: str, target: str) -> int:
    """Take the lock of the store at `path`, the file `target`; return its descriptor.

    Closing the descriptor releases the lock. Wait for LOCK_SECONDS, and longer while other
    processes take it in turn. Errors: StoreBusyError and StoreNotWrittenError.
    """
    name = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.lock")
    while True:
        taken = _last_taken(name)
        try:
            return files.lock(name, LOCK_SECONDS)
        except TimeoutError:
            if _last_taken(name) == taken:
                raise StoreBusyError(path, _holder(name), LOCK_SECONDS) from None
        except OSError as error:
            raise StoreNotWrittenError(path, error, name) from None


def _sign_lock(lock: int) -> None:
    """Write this process's number into the lock file, for the message of a process that waits."""
    os.ftruncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())


def _last_taken(name: str) -> int:
    """Return when a process last signed the lock file, in nanoseconds; 0 if it is missing."""
    try:
        return os.stat(name).st_mtime_ns
    except OSError:
        return 0


def _holder(name: str) -> str:
    """Return the process that holds a lock, as words for a message."""
    try:
        with open(name, encoding="ascii", errors="replace") as file:
            process = file.read(16).strip()
    except OSError:
        process = ""
    return f"process {process}" if process.isdigit() else "another process"


def _replace(
    path: str,
    target: str,
    make: Callable[[str], str],
    read: Callable[[str, str, os.stat_result | None], Store],
) -> tuple[Store, Store]:
    """Replace the store, or else overwrite it; return the store before and after.

    A crash at any point leaves the old store or the new one. Return the same store twice if the
    file can stay as it is.
    """
    # Only the holder of the lock writes here, so one name is enough. The next writer removes the
    # temporary file of a writer that was killed.
    temporary = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.falenv")
    files.remove(temporary)
    for _ in range(_EDIT_TRIES):
        old, state = load(path, is_locked=True)
        before = read(path, old, state)
        text = make(old)
        if text == old and before.mtime_ns is not None and not before.is_open_to_others:
            return before, before
        content = old.encode()
        try:
            status = files.replace(
                target,
                text.encode(),
                temporary=temporary,
                durable=True,
                condition=lambda content=content: _load(path)[0] == content,  # type: ignore[misc]
            )
        except OSError as error:
            if error.errno not in files.IRREPLACEABLE or before.mtime_ns is None:
                raise
            status = files.overwrite(target, content, text.encode())
        finally:
            files.remove(temporary)  # which Ctrl-C may have prevented in `replace`
        if status:
            # Do not read the file again: the official CLI may have written it since.
            return before, Store(path, text, status)
    what = "another program keeps writing the store"
    raise StoreError(path, what, "try again when that program has finished")


def _sync_folder(path: str, folder: str) -> None:
    """Make the replacement of the store durable."""
    try:
        files.sync_folder(folder)
    except OSError as error:
        what = f"the store was changed, but its folder could not be synced: {error.strerror}"
        raise StoreError(path, what, "after a power failure, check the store") from None
