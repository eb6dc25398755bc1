"""The files that falenv relies on: their owner, a guarded read, a replace, a write in place."""

from __future__ import annotations

import errno
import os
import stat
import time

from falenv import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

#: No file that falenv reads is larger. Its own are at most a tenth of this size.
LARGEST = 2 * 1024 * 1024
#: The name of a temporary file begins with this. The `*` of a shell skips it.
_NEW = ".falenv-new-"
#: An older temporary file belongs to a process that was killed.
_LEFT_SECONDS = 60

#: How `replace` fails if only the file itself can be written: a mount of this one file, a folder
#: that takes no new files, a file system without `rename`.
IRREPLACEABLE = {
    errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EROFS, errno.ENOSYS, errno.EOPNOTSUPP
}  # fmt: skip
#: TOML allows this character nowhere, so every reader refuses a file that `overwrite` left.
MARK = b"\1"
_NOTE = b"falenv is writing this file. If falenv was interrupted, run: falenv profile list\n"
#: How often `overwrite` looks for another mtime. The coarsest clock, FAT's, ticks in 2 seconds.
_TICK_TRIES = 500
#: How often it asks whether other programs have closed the file.
_LEASE_TRIES = 200
_TRY_SECONDS = 0.005
#: How often a process that waits for a lock tries again, in seconds.
_LOCK_POLL = 0.02


#: Linux's name for an access control list, and the tags of its entries (linux/posix_acl.h).
_ACL = "system.posix_acl_access"
_ACL_USER, _ACL_GROUP_OBJ, _ACL_GROUP, _ACL_MASK = 0x02, 0x04, 0x08, 0x10


class UnfitError(OSError):
    """A file was refused for what it is. `strerror` says why: "is a folder"."""


class HalfWrittenError(OSError):
    """`overwrite` could neither complete nor undo its work. `repair` may be able to, later."""


def is_ours(path: str) -> bool:
    """Return True if a file or folder, and the link at its path, belong to this user."""
    return all(status.st_uid == os.geteuid() for status in (os.lstat(path), os.stat(path)))


def make_folder(folder: str) -> None:
    """Create a folder, if it is missing, in which no other user can add, change or swap a file.

    `folder` is in the state folder or beside the store, whose own folder is the user's affair.
    Where others may write to ours, take that right away. Errors: OSError, and PermissionError for
    a folder that belongs to another user.
    """
    for path in (os.path.dirname(folder), folder):
        make_folders(path)
        open_to_others = os.stat(path).st_mode & 0o022
        if open_to_others and path in {folder, paths.state()} and is_ours(path):
            os.chmod(path, 0o700)
        _check(path)


def make_folders(folder: str) -> None:
    """Create a folder and its missing parents, all of them private. Errors: OSError.

    `os.makedirs` leaves the mode of the parents to the umask, which may let anyone write there.
    """
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if parent != folder:
        make_folders(parent)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:  # another process was quicker; or it is not a folder
        if not os.path.isdir(folder):
            raise


def check_folder(folder: str) -> None:
    """Raise PermissionError if another user could have written to a folder or to its parent.

    Errors: also any other OSError.
    """
    for path in (os.path.dirname(folder), folder):
        _check(path)


def _check(folder: str) -> None:
    if not is_ours(folder):
        raise PermissionError(errno.EPERM, f"{folder} belongs to another user", folder)
    reason = strangers(folder)
    if reason:
        raise PermissionError(errno.EPERM, f"{folder} {reason}", folder)


def strangers(place: str | int, status: os.stat_result | None = None) -> str:
    """Return why users other than this one and root could have written a file, or to a folder.

    Return an empty string if they could not. `place` is a path or a descriptor, and `status` its
    state, if the caller knows it.

    The rule is OpenSSH's for its config file (`read_config_file_depth`). As in Debian's OpenSSH, a
    group that no other user is in may write, because the official CLI makes such files under a
    umask of 002. In a folder with the sticky bit nobody can replace a file of someone else.
    """
    status = status or os.stat(place)
    if status.st_uid not in {0, os.geteuid()}:
        return f"belongs to another user (uid {status.st_uid})"
    mode = status.st_mode
    if stat.S_ISDIR(mode) and mode & stat.S_ISVTX:
        return ""
    if mode & stat.S_IWOTH or (mode & stat.S_IWGRP and _others_write(place, status.st_gid)):
        return "can be written by other users"
    return ""


def _others_write(place: str | int, group: int) -> bool:
    """Return True if another user can write a file whose mode has the group's write bit.

    With an access control list that bit is the list's mask (acl(5)), and the list says who.
    """
    acl = _acl(place)
    writers = _acl_writers(acl) if acl else [(_ACL_GROUP_OBJ, 0)]
    return any(
        number not in {0, os.geteuid()}
        if tag == _ACL_USER
        else not _is_own_group(number if tag == _ACL_GROUP else group)
        for tag, number in writers
    )


def _acl(place: str | int) -> bytes:
    """Return the access control list of a file or folder; empty if it has none."""
    try:
        return os.getxattr(place, _ACL)
    except (AttributeError, OSError):  # another system, or a file system without lists
        return b""


def _acl_writers(acl: bytes) -> list[tuple[int, int]]:
    """Return the tag and the number of each user or group that an access control list lets write.

    The form is Linux's `struct posix_acl_xattr_header` and `posix_acl_xattr_entry`.
    """
    import struct

    entries = list(struct.iter_unpack("<HHI", acl[4:]))
    mask = next((rights for tag, rights, _ in entries if tag == _ACL_MASK), 0o7)
    named = {_ACL_USER, _ACL_GROUP_OBJ, _ACL_GROUP}
    return [(tag, number) for tag, rights, number in entries if tag in named and rights & mask & 2]


def _is_own_group(number: int) -> bool:
    """Return True if a group has this user's name, and no other user is in it.

    pam_umask's rule (`usergroups`) tells such a group. A user whose primary group it is does not
    appear among its members, so ask for all users too.
    """
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    if group.gr_name != user or not set(group.gr_mem) <= {user}:
        return False
    return all(one.pw_uid == os.geteuid() for one in pwd.getpwall() if one.pw_gid == number)


def open_file(
    path: str, *, follow: bool = False, largest: int = LARGEST
) -> tuple[BinaryIO, os.stat_result]:
    """Open a regular file for reading; return the file object and its state.

    Follow a link only with `follow`. Errors: OSError, and UnfitError for a folder, a link, a FIFO
    or device (which never blocks us), and a file of more than `largest` bytes.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        if not follow and os.path.islink(path):
            raise UnfitError(error.errno, "is a symbolic link", path) from None
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kind = "is a folder" if stat.S_ISDIR(status.st_mode) else "is not a regular file"
            raise UnfitError(errno.EINVAL, kind, path)
        if status.st_size > largest:
            raise UnfitError(errno.EFBIG, f"is larger than {largest // 1024**2} MiB", path)
        return open(descriptor, "rb"), status  # the caller closes it
    except OSError:
        os.close(descriptor)
        raise


def lock(path: str, seconds: float) -> int:
    """Take the lock that file `path` stands for; return a descriptor, whose closing releases it.

    Create the file, for this user alone. Raise TimeoutError if another process still has the lock
    after `seconds`, and OSError if the file cannot be opened.
    """
    import fcntl

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    end = time.monotonic() + seconds
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise TimeoutError(errno.ETIMEDOUT, "is locked", path) from None
                time.sleep(_LOCK_POLL)
            else:
                return descriptor
    except BaseException:
        os.close(descriptor)
        raise


def read(
    path: str, *, private: bool = True, mtime_ns: int | None = None, largest: int = LARGEST
) -> bytes:
    """Return the content of a file that belongs to this user, and is not a link.

    With `private`, no other user may be able to write it. With `mtime_ns`, the file must have that
    mtime. Errors: OSError, and UnfitError as for `open_file` and for what breaks these rules.
    """
    file, status = open_file(path, largest=largest)
    with file:
        if status.st_uid != os.geteuid():
            raise UnfitError(errno.EPERM, "belongs to another user", path)
        reason = strangers(file.fileno(), status) if private else ""
        if reason:
            raise UnfitError(errno.EPERM, reason, path)
        if mtime_ns not in {None, status.st_mtime_ns}:
            raise UnfitError(errno.EPERM, "was changed", path)
        content = file.read(largest + 1)
    if len(content) > largest:
        raise UnfitError(errno.EFBIG, "is growing", path)
    return content


def contains(path: str, content: bytes, mtime_ns: int | None) -> bool:
    """Return True if `read` would return just this content, for that mtime."""
    try:
        return read(path, mtime_ns=mtime_ns) == content
    except OSError:
        return False


def replace(  # noqa: PLR0913 - what a new file may differ in
    path: str,
    content: bytes,
    *,
    temporary: str = "",
    like: str = "",
    mode: int = 0o600,
    mtime_ns: int | None = None,
    durable: bool = False,
    condition: Callable[[], bool] = lambda: True,
) -> os.stat_result | None:
    """Replace a file in one step, or create it; return the state of the new file.

    The new file is private until its content is complete. Only then it gets its owner and rights:
    those of the file `like`, else `mode`. With `durable`, it is on the disk before it takes the
    place of the old one. `temporary` is its path until then: by default a new name in the same
    folder.

    Keep the old file and return None if the file system rounds `mtime_ns`, or if `condition()` is
    false at the last moment. Errors: OSError; the old file stays.
    """
    temporary = temporary or new_name(os.path.dirname(path))
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(temporary, flags, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(descriptor)
            _give_rights(descriptor, like, mode)
            status = os.fstat(descriptor)
        if mtime_ns is not None:  # after the close, which may set the time on a network
            os.utime(temporary, ns=(mtime_ns, mtime_ns))
            status = os.stat(temporary)
        if mtime_ns not in {None, status.st_mtime_ns} or not condition():
            return None
        os.replace(temporary, path)
    finally:
        remove(temporary)
    return status


def overwrite(path: str, old: bytes, new: bytes) -> os.stat_result | None:
    """Write a text into a file that cannot be replaced; return the new state of the file.

    The texts are TOML. The inode and the owner stay. The file becomes private. Return None if its
    text is not `old` any more. Errors: OSError if the text stays as it was, else HalfWrittenError.

    The file is its own journal. A journal beside it would get lost with the container in which
    only the file is a mount. Each step is on the disk before the next one begins:

    1. Append marks up to the length of the new text, then a record: the note, the old text, the
       new text and a hash, with a mark before each. A crash leaves the old text and a part of this.
    2. Write the new text over the beginning. A crash leaves each byte before the record as it is in
       the old text, in the new text, or a mark.
    3. Cut off the rest. A crash leaves the file as it was before this step or after it.

    So a file without a mark is whole, and `_recovered` finds the text of a file with marks. A full
    disk stops only the first step, which is undone by cutting off what it appended.
    """
    filling = MARK * max(len(new) - len(old), 0)
    record = MARK.join([filling, _NOTE, old, new, _hash(old, new)])
    if len(old) + len(record) > LARGEST:
        what = "the file is too large to be written in place; mount its folder instead"
        raise UnfitError(errno.EFBIG, what, path)
    with _open_alone(path) as file:
        descriptor = file.fileno()
        before = os.fstat(descriptor)
        if before.st_nlink == 0:
            what = "the mounted file was deleted or replaced outside; mount its folder instead"
            raise UnfitError(errno.ESTALE, what, path)
        if file.read() != old:
            return None
        if before.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
        try:
            _write_at(descriptor, record, len(old))
            os.fsync(descriptor)
            _renew_mtime(descriptor, before.st_mtime_ns)
        except BaseException:
            _finish(path, descriptor, b"", len(old))
            raise
        try:
            _finish(path, descriptor, new, len(new))
        except (HalfWrittenError, KeyboardInterrupt) as error:
            _finish(path, descriptor, new, len(new))  # once more; the record is on the disk
            if isinstance(error, KeyboardInterrupt):
                raise
        return os.fstat(descriptor)


def is_unfinished(content: bytes) -> bool:
    """Return True if `overwrite` is writing a file of this content, or was interrupted."""
    if MARK not in content:
        return False
    return MARK + _NOTE in content or _recovered(content) is not None


def repair(path: str) -> bool:
    """Complete or undo an `overwrite` that was interrupted.

    Return False if that is impossible because another program has changed the file since. Errors:
    OSError, HalfWrittenError.
    """
    with _open_alone(path) as file:
        content = file.read()
        text = _recovered(content)
        if text is None:
            return not is_unfinished(content)
        os.fsync(file.fileno())  # the record, before the text that it protects
        missing = b"" if content.startswith(text) else text
        _finish(path, file.fileno(), missing, len(text))
    return True


def _recovered(content: bytes) -> bytes | None:
    """Return the text of a file that `overwrite` has left with marks; None for any other file."""
    body, *record = content.rsplit(MARK, 4)
    if len(record) == 4 and record[0] == _NOTE and record[3] == _hash(*record[1:3]):  # noqa: PLR2004
        _, old, new, _ = record
        filled = [text.ljust(len(body), MARK) for text in (old, new)]
        fits = len(body) == max(len(old), len(new))
        return new if fits and all(map(_is_either, body, *filled)) else None
    old, mark, rest = content.partition(MARK)
    rest = rest.lstrip(MARK)
    start = MARK.join([_NOTE, old, b""])
    return old if mark and (rest.startswith(start) or start.startswith(rest)) else None


def _is_either(byte: int, old: int, new: int) -> bool:
    return byte in {old, new, MARK[0]}


def _hash(old: bytes, new: bytes) -> bytes:
    import hashlib

    return hashlib.sha256(MARK.join([old, new])).hexdigest().encode()


def _open_alone(path: str) -> BinaryIO:
    """Open a file for `overwrite`, and make every other program that opens it wait for the close.

    Wait a second for programs that have the file open. Linux alone can do this, with a lease
    (`fcntl(2)`, F_SETLEASE), and only on some file systems. Elsewhere just open the file.
    """
    import fcntl
    import signal

    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    for _ in range(_LEASE_TRIES):
        try:
            # If a program waits, the kernel sends this process a signal: one that does nothing.
            fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            break
        except BlockingIOError:
            time.sleep(_TRY_SECONDS)
        except (AttributeError, OSError):
            break
    return open(descriptor, "rb")  # the caller closes it


def _renew_mtime(descriptor: int, before_ns: int) -> None:
    """Make sure that a file which was just written has another mtime than before.

    The shells tell versions apart by the mtime, and the inode stays the same. Errors: OSError.
    """
    for _ in range(_TICK_TRIES):
        if os.fstat(descriptor).st_mtime_ns != before_ns:
            return
        time.sleep(_TRY_SECONDS)
        os.utime(descriptor)
    raise OSError(errno.EIO, "the file system does not record when the file changes")


def _write_at(descriptor: int, content: bytes, offset: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, offset)
        content, offset = content[written:], offset + written


def _finish(path: str, descriptor: int, text: bytes, length: int) -> None:
    """Write a text over the beginning of a file, and cut the file off. Error: HalfWrittenError."""
    try:
        if text:
            _write_at(descriptor, text, 0)
            os.fsync(descriptor)
        os.ftruncate(descriptor, length)
        os.fsync(descriptor)
    except OSError as error:
        raise HalfWrittenError(error.errno, error.strerror, path) from None


def _give_rights(descriptor: int, like: str, mode: int) -> None:
    """Give a new file the owner, access control list and mode of the file `like`, else `mode`."""
    created = os.fstat(descriptor)
    acl = b""
    if like:
        wanted = os.stat(like)
        mode, acl = stat.S_IMODE(wanted.st_mode), _acl(like)
        if (wanted.st_uid, wanted.st_gid) != (created.st_uid, created.st_gid):
            os.fchown(descriptor, wanted.st_uid, wanted.st_gid)
    if acl:
        os.setxattr(descriptor, _ACL, acl)
    elif _acl(descriptor):  # from the folder's default list, whose users the mode would let in
        os.removexattr(descriptor, _ACL)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        os.fchmod(descriptor, mode)


def usual_mode() -> int:
    """Return the mode of a new file that is not private: what the user's umask leaves.

    No other user may write the file, whatever the umask.
    """
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o644 & ~mask


def sync_folder(folder: str) -> None:
    """Write a folder to the disk, which makes the renames in it durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def new_name(folder: str) -> str:
    """Return a path in a folder for a temporary file, which the caller removes.

    Remove the temporary files of processes that were killed.
    """
    try:
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.startswith(_NEW) and time.time() - os.lstat(path).st_ctime > _LEFT_SECONDS:
                remove(path)
    except OSError:  # the folder cannot be listed, or another process was quicker
        pass
    return os.path.join(folder, f"{_NEW}{os.getpid()}-{time.time_ns()}")


def remove(path: str) -> None:
    """Delete a file, if it exists and can be deleted."""
    try:
        os.unlink(path)
    except OSError:
        return
