"""`.env` files: whose key they give to the programs that load them.

Most loaders (python-dotenv, Next.js and others) keep a variable that is already set, so the shell's
FAL_KEY comes before the file's. falenv says so, and never uses the file's key. Only the id of the
key leaves this module.
"""

from __future__ import annotations

import errno
import os

from falenv import files, links, paths
from falenv.errors import FolderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

#: The files that are looked at, in the current folder only. The shells know these names too.
NAMES = (".env", ".env.local")
LARGEST = 64 * 1024  # bytes

_QUOTES = ("'", '"')
_LONGEST_ID = 64  # characters; a UUID has 36
#: What an id and a secret may contain, beside letters and digits. A value with anything else may be
#: a reference to another variable, or text that only one of the loaders reads as a key.
_MARKS = "-_.+/="


def other_keys(folder: str, own: str) -> list[tuple[str, str]]:
    """Return path and key id of each `.env` file in a folder that has another key than id `own`.

    A file that cannot be read, or belongs to another user, counts as one without a key.
    """
    found = []
    for path in [os.path.join(folder, name) for name in NAMES if folder]:
        try:
            owner, _ = read(path)
        except OSError:
            continue
        if owner not in {"", own}:
            found.append((path, owner))
    return found


def is_news(path: str, own: str) -> str:
    """Return the id of the key in an `.env` file if it is not `own` and the user was not told yet.

    Otherwise return an empty string. Note the result for the shells. A note has the mtime of the
    file that it is about, so it is about this version only. The word in it is `noticed` if the user
    has been told, else `seen`.
    """
    mtime_ns: int | None
    try:
        owner, mtime_ns = read(path)
    except OSError:
        owner, mtime_ns = "", _mtime_ns(path)
    note = paths.notice(path)
    if links.noted(note, path) == ("noticed", owner) and _mtime_ns(note) == mtime_ns:
        return ""
    is_other = owner not in {"", own}
    try:
        links.record(note, path, "noticed" if is_other else "seen", owner, mtime_ns=mtime_ns)
    except FolderError:  # the shell then remembers by itself
        return owner if is_other else ""
    return owner if is_other else ""


def read(path: str) -> tuple[str, int]:
    """Return the id of the key in an `.env` file, or an empty string, and the file's mtime.

    Follow a link, as the loaders do. Errors: OSError, also for a file of another user, one of more
    than LARGEST bytes, and anything but a regular file.
    """
    file, status = files.open_file(path, follow=True, largest=LARGEST)
    with file:
        if status.st_uid != os.geteuid():
            raise files.UnfitError(errno.EPERM, "belongs to another user", path)
        content = file.read(LARGEST)
    return key_id_in(content.decode("utf-8", "replace")), status.st_mtime_ns


def key_id_in(text: str) -> str:
    """Return the id of the key that the text of an `.env` file sets, or an empty string.

    As in fal_client, FAL_KEY comes before FAL_KEY_ID and FAL_KEY_SECRET. Where loaders disagree
    about a value, or one of them would expand a variable in it, the file counts as one without a
    key.
    """
    found = {name: value for name, value, _ in assignments(text)}
    key = found.get("FAL_KEY", "")
    if not key and found.get("FAL_KEY_ID") and found.get("FAL_KEY_SECRET"):
        key = f"{found['FAL_KEY_ID']}:{found['FAL_KEY_SECRET']}"
    owner, _, secret = key.partition(":")
    rest = (owner + secret).translate(dict.fromkeys(map(ord, _MARKS)))
    is_plain = rest.isascii() and rest.isalnum()
    is_address = secret.startswith("//")
    is_key = owner and secret and is_plain and not is_address and len(owner) <= _LONGEST_ID
    return owner if is_key else ""


def assignments(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield name, value and quote of each assignment in the text of an `.env` file.

    A value that is not understood stays as it is, with its quotes, and so do escapes in a value.
    Source: python-dotenv's `parser.py`. A quoted value may have several lines, which are not
    assignments.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n") + "\n"
    at = 0
    while at < len(text):
        end = text.index("\n", at)
        name, equals, value = text[at:end].partition("=")
        words = name.split()
        value = value.lstrip()
        if equals and words and not words[0].startswith("#"):
            start, quote = end - len(value), ""
            close = _closing(text, start) if value.startswith(_QUOTES) else -1
            if close > 0:
                end = text.index("\n", close)
                rest = text[close + 1 : end].strip()
                is_whole = not rest or rest.startswith("#")
                quote = text[start] if is_whole else ""
                value = text[start + 1 : close] if is_whole else text[start:end]
            else:
                value = _without_comment(value)
            if words[0] == "export":
                del words[0]
            if len(words) == 1:
                yield words[0], value, quote
        at = end + 1


def _closing(text: str, start: int) -> int:
    """Return the place of the quote that closes the one at `start`, or -1."""
    at = start + 1
    while at < len(text):
        if text[at] == text[start]:
            return at
        at += 2 if text[at] == "\\" else 1
    return -1


def _without_comment(value: str) -> str:
    """Return a value without quotes up to a `#` at its beginning or behind a blank."""
    at = value.find("#")
    while at > 0 and not value[at - 1].isspace():
        at = value.find("#", at + 1)
    return (value if at < 0 else value[:at]).strip()


def _mtime_ns(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None
