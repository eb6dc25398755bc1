"""`.fal-profile` files, and which of them count.

Such a file has one line, a profile's name. It comes with a folder that anyone may have made, so it
counts only after the user has allowed this path with this name.
"""

from __future__ import annotations

import errno
import os

from falenv import files, paths
from falenv.errors import FolderError
from falenv.masking import masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Verdict = Literal["allowed", "denied", "unknown", "unfit"]

FILE = ".fal-profile"
LONGEST = 512  # bytes; a name has 64 characters at the most
_NOT_A_LINE = "is more than one line with a profile's name"


class Link:
    """A `.fal-profile` file: its path, the name in it, and the user's verdict on it.

    An `unfit` file has no name. Its `problem` is a message.
    """

    __slots__ = ("name", "path", "problem", "verdict")

    def __init__(self, path: str, name: str, verdict: Verdict, problem: str = "") -> None:
        self.path = path
        self.name = name
        self.verdict = verdict
        self.problem = problem


def nearest() -> Link | None:
    """Return the `.fal-profile` nearest to the current folder, fit or unfit, or None."""
    path = find()
    if path is None:
        return None
    try:
        return read(path)
    except FolderError as error:
        verdict: Verdict = "denied" if _said(path)[:1] == ["denied"] else "unfit"
        return Link(path, "", verdict, str(error))


def find(folder: str | None = None) -> str | None:
    """Return the path of the nearest `.fal-profile`, in `folder` or above it, or None.

    By default `folder` is the current one.
    """
    folder = folder or here()
    while folder:
        path = os.path.join(folder, FILE)
        if os.path.exists(path):
            return path
        parent = os.path.dirname(folder)
        folder = parent if parent != folder else ""
    return None


def here() -> str:
    """Return the path of the current folder, or an empty string if it was deleted.

    If the user got there through a link, the path goes through that link, as PWD does, which
    POSIX has every shell keep. The folders above are then the same for the shell and for us.
    """
    named = os.environ.get("PWD", "")
    try:
        if os.path.isabs(named) and os.path.samefile(named, "."):
            return os.path.normpath(named)
        return os.getcwd()
    except OSError:
        return ""


def read(path: str) -> Link:
    """Return the link in a `.fal-profile` file.

    Errors: FolderError for a file that nobody should follow.
    """
    try:
        content = files.read(path, private=False, largest=LONGEST)
    except files.UnfitError as error:
        too_long = error.errno == errno.EFBIG
        raise FolderError(path, _NOT_A_LINE if too_long else str(error.strerror)) from None
    except OSError as error:
        raise FolderError(path, f"could not be read: {error.strerror}") from None
    lines = content.decode("utf-8", "replace").split("\n")
    name = lines[0].strip()
    if any(line.strip() for line in lines[1:]):
        raise FolderError(path, _NOT_A_LINE)
    if not name or not name.isprintable() or "\ufffd" in name:
        raise FolderError(path, "has no profile's name in it")
    if name != masked(name):
        raise FolderError(path, "has what looks like a key in it, not a profile's name")
    return Link(path, name, _verdict(path, name))


def allow(link: Link) -> None:
    """Let a `.fal-profile` count, as long as it names this profile; raise FolderError."""
    _record(link.path, "allowed", link.name)


def deny(path: str) -> None:
    """Ignore a `.fal-profile` silently, whatever its content; raise FolderError."""
    _record(path, "denied", "")


def version() -> int:
    """Return a number that changes with every note that is added, changed or deleted."""
    try:
        return os.stat(paths.folder_notes()).st_mtime_ns
    except OSError:
        return 0


def forget(path: str) -> None:
    """Delete the note on a path."""
    try:
        os.unlink(paths.folder_note(path))
    except FileNotFoundError:
        return


def is_news(link: Link) -> bool:
    """Return True if the user was not told yet about this file as it is, and note that now."""
    if link.verdict not in {"unknown", "unfit"}:
        return False
    what = link.name or link.problem
    if _said(link.path) == ["noticed", what]:
        return False
    try:
        _record(link.path, "noticed", what)
    except FolderError:
        return True  # the note could not be written
    return True


def _verdict(path: str, name: str) -> Verdict:
    match _said(path):
        case ["denied", _]:
            return "denied"
        case ["allowed", allowed] if allowed == name:
            return "allowed"
    return "unknown"


def _said(path: str) -> list[str]:
    """Return the word and the name that are noted for a path, or an empty list.

    Ignore notes in a folder of another user, and files there that another user owns.
    """
    note = paths.folder_note(path)
    try:
        folder = os.path.dirname(note)
        if not (files.is_ours(os.path.dirname(folder)) and files.is_ours(folder)):
            return []
        content = files.read(note, private=False)
    except OSError:
        return []
    return content.decode("utf-8", "surrogateescape").split("\n")[:2]


def write(path: str, name: str) -> None:
    """Write a `.fal-profile` file that names a profile; raise FolderError, with the file as it was.

    Other users may read it, as far as the umask lets them: it has no secret in it.
    """
    if os.path.lexists(path):
        read(path)  # refuses to replace a file of another kind
    try:
        files.replace(path, f"{name}\n".encode(), mode=files.usual_mode())
    except OSError as error:
        raise FolderError(path, f"could not be written: {error.strerror}") from None


def _record(path: str, word: str, name: str) -> None:
    note = paths.folder_note(path)
    try:
        files.make_folder(os.path.dirname(note))
        files.replace(note, f"{word}\n{name}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        what = f"could not be remembered: {error.strerror} ({os.path.dirname(note)})"
        raise FolderError(path, what) from None
