"""`.fal-profile` files, and which of them count.

Such a file has one line, a profile's name. It comes with a folder that anyone may have made, so it
counts only after the user has allowed this path with this name. The nearest file that counts gives
the folder its profile; files that do not count are passed over.
"""

from __future__ import annotations

import errno
import os

from falenv import files, paths
from falenv.errors import FolderError, as_owner
from falenv.masking import masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    Verdict = Literal["allowed", "changed", "denied", "unknown", "unfit"]

FILE = ".fal-profile"
LONGEST = 512  # bytes; a name has 64 characters at the most
UNCHANGED = "nothing was changed; fix this and try again"
_NOT_A_LINE = "has more in it than one line with a profile's name"


class Link:
    """A `.fal-profile` file: its path, the name in it, and the user's verdict on it.

    `changed`: the user has allowed the path, but with another name. `unknown`: the user has said
    nothing. `unfit`: it is not a file with a name, and `problem` says why.
    """

    __slots__ = ("name", "path", "problem", "verdict")

    def __init__(self, path: str, name: str, verdict: Verdict, problem: str = "") -> None:
        self.path = path
        self.name = name
        self.verdict = verdict
        self.problem = problem


def chain() -> list[Link]:
    """Return the `.fal-profile` files in the current folder and above, nearest first.

    The list ends with the file that decides, which is allowed or changed, if there is one.
    """
    found = []
    for path in above(here()):
        found.append(_judge(path))
        if found[-1].verdict in {"allowed", "changed"}:
            break
    return found


def deciding() -> Link | None:
    """Return the `.fal-profile` that decides in the current folder: an allowed or a changed one."""
    found = chain()
    return found[-1] if found and found[-1].verdict in {"allowed", "changed"} else None


def nearest() -> Link | None:
    """Return the `.fal-profile` nearest to the current folder, whether it counts or not."""
    return next(map(_judge, above(here())), None)


def above(folder: str) -> Iterator[str]:
    """Yield the path of each `.fal-profile` in a folder and above it, nearest first.

    A link that leads nowhere is no file, unless the user has allowed a file there.
    """
    while folder:
        path = os.path.join(folder, FILE)
        if os.path.exists(path) or (os.path.islink(path) and _verdict(path)[0] == "allowed"):
            yield path
        parent = os.path.dirname(folder)
        folder = parent if parent != folder else ""


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


def read(path: str) -> str:
    """Return the name in a `.fal-profile` file.

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
        raise FolderError(path, "seems to have a key in it, not a profile's name")
    return name


def _judge(path: str) -> Link:
    verdict, allowed = _verdict(path)
    name = problem = ""
    try:
        name = read(path)
    except FolderError as error:
        problem = str(error)
    if verdict == "denied":
        return Link(path, name, "denied", problem)
    if verdict == "allowed":
        return Link(path, name, "allowed" if name == allowed else "changed", problem)
    return Link(path, name, "unfit" if problem else "unknown", problem)


def allow(path: str, name: str) -> None:
    """Let a `.fal-profile` count, as long as it names this profile; raise FolderError."""
    record(paths.verdict(path), path, "allowed", name)


def deny(path: str) -> None:
    """Ignore a `.fal-profile` silently, whatever its content; raise FolderError."""
    record(paths.verdict(path), path, "denied", "")


def version() -> int:
    """Return a number that changes with every verdict that is added, changed or deleted."""
    try:
        return os.stat(paths.verdicts()).st_mtime_ns
    except OSError:
        return 0


def forget(path: str) -> None:
    """Delete the verdict on a path."""
    try:
        os.unlink(paths.verdict(path))
    except FileNotFoundError:
        return


def rename(old: str, new: str) -> list[Link]:
    """Write the new name of a profile into each `.fal-profile` that the user has allowed for it.

    Return these files. A file that now names another profile stays as it is and is left out. A file
    that could not be written has a `problem`.
    """
    found = []
    for path in sorted(_allowed(old)):
        link = _judge(path)
        if link.verdict != "allowed" or link.name != old:
            continue
        try:
            write(path, new)
            allow(path, new)
        except FolderError as error:
            link.problem = str(error)
        found.append(link)
    return found


def _allowed(name: str) -> Iterator[str]:
    """Yield the path of each `.fal-profile` that the user has allowed to name this profile."""
    try:
        notes = os.listdir(paths.verdicts())
    except OSError:
        return
    for note in notes:
        try:
            content = files.read(os.path.join(paths.verdicts(), note), private=False)
        except OSError:
            continue
        path = content.decode("utf-8", "surrogateescape").partition("\n")[2].partition("\n")[2][:-1]
        if note == os.path.basename(paths.verdict(path)) and _verdict(path) == ("allowed", name):
            yield path


def note_new_name(store_path: str, old: str, new: str) -> None:
    """Note that a profile has a new name, for the shells that are pinned to the old one."""
    # Of the name that a profile has now, an older note would lead elsewhere.
    files.remove(paths.renamed(store_path, new))
    if old.isprintable() and old == masked(old):
        try:
            record(paths.renamed(store_path, old), f"{store_path}/{old}", "renamed", new)
        except FolderError:
            return  # the shells then say that the profile is gone


def new_name(store_path: str, old: str) -> str:
    """Return the name that a profile of a store has now, if `fal profile rename` has changed it.

    Return an empty string for a profile that was not renamed.
    """
    name, seen = old, {old}
    while True:
        word, following = noted(paths.renamed(store_path, name), f"{store_path}/{name}")
        if word != "renamed" or following in seen:
            return "" if name == old else name
        name = following
        seen.add(name)


def is_news(link: Link) -> bool:
    """Return True if the user was not told yet about this file as it is, and note that now.

    These notes are apart from the verdicts, whose folder tells the shells that a verdict is new.
    """
    if link.verdict not in {"unknown", "unfit"}:
        return False
    what = link.name or link.problem
    if noted(paths.notice(link.path), link.path) == ("noticed", what):
        return False
    try:
        record(paths.notice(link.path), link.path, "noticed", what)
    except FolderError:
        return True  # the note could not be written
    return True


def _verdict(path: str) -> tuple[str, str]:
    """Return the user's verdict on a path and the name that it is about; else empty strings."""
    return noted(paths.verdict(path), path)


def noted(note: str, path: str) -> tuple[str, str]:
    """Return the word and the name in a note on a path, or empty strings.

    Ignore a note in a folder of another user, one that another user owns, and one on another path:
    someone may have renamed it.
    """
    try:
        folder = os.path.dirname(note)
        if not (files.is_ours(os.path.dirname(folder)) and files.is_ours(folder)):
            return "", ""
        content = files.read(note, private=False)
    except OSError:
        return "", ""
    word, _, rest = content.decode("utf-8", "surrogateescape").partition("\n")
    name, _, about = rest.partition("\n")
    return (word, name) if about == f"{path}\n" else ("", "")


def write(path: str, name: str) -> None:
    """Write a `.fal-profile` file that names a profile; raise FolderError, with the file as it was.

    Other users may read it, as far as the umask lets them: it has no secret in it.
    """
    if os.path.lexists(path):
        read(path)  # refuses to replace a file of another kind
    try:
        files.replace(path, f"{name}\n".encode(), mode=files.usual_mode())
    except OSError as error:
        raise FolderError(path, f"could not be written: {error.strerror}", UNCHANGED) from None


def record(note: str, path: str, word: str, name: str, *, mtime_ns: int | None = None) -> None:
    """Write a note on a path: a word and the name that it is about; raise FolderError."""
    try:
        files.make_folder(os.path.dirname(note))
        content = f"{word}\n{name}\n{path}\n".encode("utf-8", "surrogateescape")
        files.replace(note, content, mtime_ns=mtime_ns)
    except OSError as error:
        what = f"could not be {word}: {error.strerror} ({os.path.dirname(note)})"
        cure = as_owner(error, note)
        raise FolderError(
            path, what, f"nothing was changed; {cure}" if cure else UNCHANGED
        ) from None
