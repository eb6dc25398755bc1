"""Files that we rely on: made at once, and never with another user's hand in them."""

from __future__ import annotations

import errno
import os
import stat
import time

from falenv import paths

#: What is to replace a file begins with this, which a shell's `*` passes over.
_NEW = ".falenv-new-"
#: What we keep is a tenth of it.
_LARGEST = 2 * 1024 * 1024
#: Nobody writes for so long: whose file is older was killed.
_LEFT_SECONDS = 60


def is_ours(path: str) -> bool:
    """Tell whether a file or folder, and any link that leads to it, is this user's own."""
    if os.name == "nt":  # a profile's folders are private there
        return True
    return all(status.st_uid == os.geteuid() for status in (os.lstat(path), os.stat(path)))


def make_folder(folder: str) -> None:
    """Make a folder for what we rely on, where no other user can put, change or swap a file.

    It lies in the state folder, or beside the store, whose folder is the user's affair. What is
    open to others is closed. Errors: OSError, among them PermissionError for what is another's.
    """
    for path in (os.path.dirname(folder), folder):
        os.makedirs(path, mode=0o700, exist_ok=True)
        open_to_others = os.stat(path).st_mode & 0o022 and os.name != "nt"
        if open_to_others and path in {folder, paths.state()} and is_ours(path):
            os.chmod(path, 0o700)
        _check(path)


def check_folder(folder: str) -> None:
    """Raise PermissionError where others can have written what is in a folder; OSError likewise."""
    for path in (os.path.dirname(folder), folder):
        _check(path)


def _check(folder: str) -> None:
    if not is_ours(folder):
        raise PermissionError(errno.EPERM, f"{folder} belongs to another user", folder)
    reason = strangers(os.stat(folder))
    if reason:
        raise PermissionError(errno.EPERM, f"{folder} {reason}", folder)


def strangers(status: os.stat_result) -> str:
    """Return why others than us and root could have written a file, or into a folder; else "".

    OpenSSH's rule for its config file (`read_config_file_depth`). As in Debian's OpenSSH, a group
    that is the user's alone may write, since with a umask of 002 all that the official CLI makes
    is so; how to know such a group is pam_umask's rule (`usergroups`). In a folder with the
    sticky bit nobody can replace what is another's.
    """
    if os.name == "nt":
        return ""
    if status.st_uid not in {0, os.geteuid()}:
        return f"belongs to another user (uid {status.st_uid})"
    mode = status.st_mode
    if stat.S_ISDIR(mode) and mode & stat.S_ISVTX:
        return ""
    if mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_own_group(status.st_gid)):
        return "can be written by other users"
    return ""


def _is_own_group(number: int) -> bool:
    """Tell whether a group has no member but us: it bears our name, and lists nobody else."""
    import grp
    import pwd

    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}


def content(path: str, mtime_ns: int | None = None) -> bytes:
    """Return the content of a file that is ours alone and has that mtime, if one is given.

    Errors: OSError, among them PermissionError for any other file.
    """
    # A FIFO in its place must not block us.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        status = os.fstat(file.fileno())
        ours = stat.S_ISREG(status.st_mode) and is_ours(path)
        if not ours or strangers(status) or mtime_ns not in {None, status.st_mtime_ns}:
            raise PermissionError(errno.EPERM, "not a file of ours, as it was", path)
        return file.read(_LARGEST)


def put(path: str, content: bytes, mtime_ns: int | None = None) -> bool:
    """Replace a file at once by one that is private to the user, with that mtime if one is given.

    Tell whether it could have that time, since a file system may round it; else the old one stays.
    Errors: OSError.
    """
    temporary = new_name(os.path.dirname(path))
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
        if mtime_ns is not None:
            os.utime(temporary, ns=(mtime_ns, mtime_ns))
        kept = mtime_ns in {None, os.stat(temporary).st_mtime_ns}
        if kept:
            os.replace(temporary, path)
    finally:
        remove(temporary)
    return kept


def new_name(folder: str) -> str:
    """Return a path in a folder for what is to replace a file there; the caller takes it away.

    What those who were killed could not take away goes now.
    """
    try:
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            if name.startswith(_NEW) and time.time() - os.lstat(path).st_ctime > _LEFT_SECONDS:
                remove(path)
    except OSError:  # not to be listed, or another of us was quicker
        pass
    return os.path.join(folder, f"{_NEW}{os.getpid()}-{time.time_ns()}")


def remove(path: str) -> None:
    """Delete a file, if it is there and can be."""
    try:
        os.unlink(path)
    except OSError:
        return
