"""The index: written here, read by the shells, which follow the store through it with builtins.

A folder for each store, with one small file in it, without secrets. The file's name is the version:
the store's stamp, and that of the user's word on folders. Its first line is the default profile;
then each profile with the line of the store where its key stands, and its colour in the prompt:

    1790000000123456789-412-8391-0
        comfy
        5 me
        8;31 comfy
        - odd           there is no such line: a shell must ask a process; all these come last

Its mtime is set equal to the store's. So a shell that has followed this file is up to date as long
as it is there and the store is neither newer nor older (`-nt`, `-ot`): four calls of stat. Names
that a line of text cannot hold are left out; in the place of the default such a name is a lone `-`.
The stamp of a missing store is `none`; a store that cannot be read has `!` for a default.
"""

from __future__ import annotations

import contextlib
import os
import time

from falenv import paths, private, trust
from falenv.errors import masked
from falenv.segment import sgr
from falenv.store import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.profile import Profile
    from falenv.store import Store

#: Beyond so many lines a process is quicker than a shell's `read` in a loop.
LAST_LINE = 300
LONGEST_KEY = 1024
#: Stands for a default that the index cannot hold, and for a profile without a line.
ASK = "-"
BROKEN = "!"
#: A file system's clock may stand still for so long (a kernel tick is 10 ms at the most).
TICK_NS = 12_000_000
#: An mtime that no store has: whoever sees it asks a process.
NEVER_NS = 1


def update(store: Store) -> str:
    """Make the index say what the store says; return its path, empty where it cannot be."""
    lines = _key_lines(store.text)
    default = store.default if _fits(store.default) or not store.default else ASK
    entries = [
        f"{_place(lines, profile)} {name}"
        for name, profile in store.profiles.items()
        if _fits(name)
    ]
    entries.sort(key=lambda entry: entry.startswith(ASK))
    mtime_ns = store.mtime_ns if _is_settled(store) else NEVER_NS
    return _write(store.path, store.stamp, [default, *entries], mtime_ns)


def update_broken(store_path: str) -> str:
    """Make the index say that the store, as it is now, cannot be read; return as `update`."""
    try:
        status = os.stat(store_path)
    except OSError:
        status = None
    return _write(store_path, stamp(status), [BROKEN], status.st_mtime_ns if status else None)


def neighbours() -> tuple[str, str]:
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


def _is_settled(store: Store) -> bool:
    """Wait until a later change must give the store another mtime; tell whether none came so far.

    Two writes within one tick of the clock have the same mtime, by which shells tell versions
    apart (git calls such a file racily clean). A store without a file cannot be racy.
    """
    if store.mtime_ns is None:
        return True
    age = time.time_ns() - store.mtime_ns
    if 0 <= age < TICK_NS:
        time.sleep((TICK_NS - age) / 1e9)
    try:
        return stamp(os.stat(store.path)) == store.stamp
    except OSError:
        return False


def _fits(name: str) -> bool:
    """Tell whether a line can hold a name so that `read` gives it back as it is.

    Nor is what looks like a key kept here.
    """
    return (
        bool(name)
        and name.isprintable()
        and name == name.strip()
        and name[0] not in ASK + BROKEN
        and name == masked(name)
    )


def _place(lines: dict[tuple[str, str | None], int], profile: Profile) -> str:
    """Return what the index says of a profile: the line of its key, and its colour.

    A profile with a host needs more than its key, and goes through a process.
    """
    place = ASK
    for header in (f"[{profile.name}]", f'["{profile.name}"]'):
        if not profile.host and (header, profile.key) in lines:
            place = str(lines[header, profile.key])
    return f"{place};{sgr(profile.color)}" if profile.color else place


def _key_lines(text: str) -> dict[tuple[str, str | None], int]:
    """Return on which line which table has which key.

    The key is cut out as a shell does it, the text between a line's first two double quotes, and
    the header above it is given as it is spelled. A shell takes a key from no other table than
    the one that is asked for, whatever the index says.
    """
    found: dict[tuple[str, str | None], int] = {}
    header = ""
    for number, line in enumerate(text.split("\n")[:LAST_LINE], 1):
        plain = line.strip(" \t")
        parts = line.split('"', 2)
        if plain.startswith("["):
            header = plain
        elif len(parts) == 3 and line.startswith("key") and len(parts[1]) <= LONGEST_KEY:  # noqa: PLR2004
            found[header, parts[1]] = number
    return found


def _write(store_path: str, store_stamp: str, lines: list[str], mtime_ns: int | None) -> str:
    """Write the index to the first place that takes it, with the store's time."""
    content = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
    version = f"{store_stamp}-{trust.version()}"
    for folder in paths.index_candidates(store_path):
        path = os.path.join(folder, version)
        try:
            private.make_folder(folder)
        except OSError:
            continue  # read-only, or another user's
        if _current(path, content, mtime_ns) or _put(path, content, mtime_ns):
            return path
    return ""


def _is_version(name: str) -> bool:
    """Tell whether a file may be an index by its name; nothing else is taken away."""
    return name.removeprefix("none").replace("-", "").isdigit()


def _current(path: str, content: bytes, mtime_ns: int | None) -> bool:
    """Tell whether the index says just this already, as it does at most starts of a shell."""
    try:
        if os.path.islink(path) or not private.is_ours(path):
            return False
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            same = mtime_ns in {None, status.st_mtime_ns} and not private.strangers(status)
            return same and file.read(len(content) + 1) == content
    except OSError:
        return False


def _put(path: str, content: bytes, mtime_ns: int | None) -> bool:
    """Put the index in the place of its former version; tell whether it could have that time."""
    folder, version = os.path.split(path)
    try:
        kept = private.put(path, content, mtime_ns)
        for entry in os.listdir(folder):
            if entry != version and _is_version(entry):
                with contextlib.suppress(FileNotFoundError):  # another of us was quicker
                    os.unlink(os.path.join(folder, entry))
    except OSError:
        return False  # read-only, full: the caller tries the next place
    return kept
