"""The index, through which the shells follow the store with builtins.

falenv reads the index too, since parsing TOML takes as long as all the rest of `env`.

Each store has a folder with one small file and no secrets. The file's name is the version: the
store's stamp and the version of the notes on folders. Its first line is the default profile, behind
`@` if the default has a host, else behind `=`. Then comes a line for each profile: the line of the
store by which a reader has seen the key, the colour in the prompt, the host, the name:

    1790000000123456789-412-8391-0
        = comfy
        5 me
        8;31 comfy
        12@api.alpha.fal.ai work
        0 new           there is no key
        - odd           a shell must ask a process: there is no such line, the profile is unusable
                        or protected, or its key is for `exec` alone; all these come last

Its mtime equals the store's. So a shell that has followed this file is up to date while the file
exists and the store is neither newer nor older (`-nt`, `-ot`): four calls of stat. Names that a
line of text cannot hold are left out. If the default is such a name, or no text, `-` stands for it.
The stamp of a missing store is `none`. For a store that cannot be read the default is `!`.

Two writes within one unit of a clock have the same mtime (git calls such a file racily clean). So
the mtime counts only once that unit is over. For most file systems the unit is a tick of the
kernel's clock, which this process waits for. Where a file system records whole seconds, nobody can
wait that long: until the second is over, the index has an mtime that no store has, so shells ask
the program.

Some shells compare whole seconds on any file system. They use a copy of the index in the folder
`.seconds`. The program writes the copy when such a shell asks, and the second of the store's mtime
is over. So these shells ask until then, and the other shells do not.
"""

from __future__ import annotations

import os
import time

from falenv import files, links, paths
from falenv.errors import SettingError
from falenv.masking import masked, printable
from falenv.profile import Profile
from falenv.segment import DIM
from falenv.store import stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from falenv.errors import StoreError, UnusableProfileError
    from falenv.store import Store

#: With more lines, in either file, a process is quicker than a shell's `read` in a loop.
LAST_LINE = 300
LONGEST_KEY = 1024
#: What a shell leaves out around a name, and the quotes of TOML.
_BLANKS = " \t"
_QUOTES = ('"', "'")
#: Characters with which a header without quotes around it has two names, or is that of an array.
_NOT_BARE = (".", "[", *_QUOTES)
#: Stands for the line of a profile that has no key.
NO_KEY = "0"
#: Stands for a default that the index cannot hold, and for a profile without a line.
ASK = "-"
BROKEN = "!"
#: What stands before the default: whether it has a host, which the official CLI then uses.
WITH_HOST, WITHOUT_HOST = "@", "="
#: The clock of a file system may stand still, or lag, this long. A kernel tick is at most 10 ms.
TICK_NS = 12_000_000
SECOND_NS = 1_000_000_000
#: An mtime that no store has, so a shell that sees it asks a process. FAT too can record it.
NEVER_NS = 500_000_000 * SECOND_NS
#: FAT records even seconds only, so it rounds this mtime.
_ODD_NS = NEVER_NS + SECOND_NS
#: In the folder of an index: the folder with the copy for shells that compare whole seconds.
SECONDS = ".seconds"


class Indexed:
    """What the index says about a store: the default, and the profiles with a line or no key.

    `path` is the path of the index. Only the store itself tells what is wrong with a profile.
    """

    __slots__ = ("default", "default_error", "default_has_host", "path", "profiles", "unusable")

    def __init__(self, path: str, text: str, store_text: str) -> None:
        first, *entries = text.split("\n")[:-1]
        flag, _, self.default = first.partition(" ")
        self.path = path
        self.default_has_host = flag == WITH_HOST
        self.profiles = _profiles(entries, store_text)
        self.default_error: StoreError | None = None
        self.unusable: dict[str, UnusableProfileError] = {}

    @property
    def names(self) -> list[str]:
        """The names of all profiles that the index has a line for."""
        return list(self.profiles)


def from_index(store_path: str, text: str, status: os.stat_result | None) -> Indexed | None:
    """Return what the index says about the store, whose text and state the caller has just read.

    Return None if there is no index of this version, if others may have written it, or if its form
    is wrong. As in the shells, a key comes only from the store, from below its profile's header.
    """
    if status is None:
        return None
    version = _version(stamp(status))
    for folder in paths.index_candidates(store_path):
        path = os.path.join(folder, version)
        try:
            files.check_folder(folder)
            content = files.read(path, mtime_ns=status.st_mtime_ns)
            return Indexed(path, content.decode("utf-8"), text)
        except (OSError, LookupError, ValueError, SettingError):  # also if it is not UTF-8
            continue
    return None


def _profiles(entries: list[str], text: str) -> dict[str, Profile]:
    """Return the profiles that the entries of an index find in the text of the store.

    Errors: LookupError, ValueError and SettingError for entries that are malformed or wrong.
    """
    seen = {number: what for number, *what in _seen(text)}
    found = {}
    for entry in entries:
        place, _, name = entry.partition(" ")
        place, _, host = place.partition("@")
        line, _, sgr = place.partition(";")
        if line == ASK:
            break
        if not set(sgr) <= set("0123456789;"):
            raise ValueError(sgr)
        settings = {}
        if line != NO_KEY:
            owner, settings["key"], settings["host"] = seen[int(line)]
            if owner != name or settings["host"] != host:
                raise ValueError(line)
        found[name] = Profile(name, settings)
        found[name].sgr = sgr or DIM
    return found


def update(store: Store | Indexed, *, for_seconds: bool = False) -> str:
    """Write the index of a store; return its path, or an empty string if no place takes it.

    With `for_seconds`, also write the copy for shells that compare whole seconds.
    """
    if isinstance(store, Indexed):
        return store.path
    lines = {tuple(what): number for number, *what in _seen(store.text)}
    default = store.default if _fits(store.default) or not store.default else ASK
    if store.default_error:
        default = ASK
    entries = [
        f"{_place(lines, store.profiles.get(name))} {name}" for name in store.names if _fits(name)
    ]
    entries.sort(key=lambda entry: entry.startswith(ASK))
    entries[LAST_LINE:] = [f"{ASK} {entry.partition(' ')[2]}" for entry in entries[LAST_LINE:]]
    seen_ns = _settle(store)
    flag = WITH_HOST if store.default_has_host else WITHOUT_HOST
    content = [f"{flag} {default}", *entries]
    return _write(
        store.path, store.stamp, content, store.mtime_ns, seen_ns, for_seconds=for_seconds
    )


def recall(store_path: str, version: str | None) -> bytes:
    """Return what the index of a version says, whether it counts or not; empty if it is gone."""
    for folder in paths.index_candidates(store_path) if version else ():
        try:
            return files.read(os.path.join(folder, os.path.basename(version or "")))
        except OSError:
            continue
    return b""


def update_broken(store_path: str, seen_ns: int, *, for_seconds: bool = False) -> str:
    """Write an index which says that the store cannot be read; return as `update`.

    `seen_ns` is the time before the caller tried to read the store.
    """
    try:
        status = os.stat(store_path)
    except OSError:
        status = None
    mtime_ns = status.st_mtime_ns if status else None
    lines = [f"{WITHOUT_HOST} {BROKEN}"]
    return _write(store_path, stamp(status), lines, mtime_ns, seen_ns, for_seconds=for_seconds)


def clock_probe() -> tuple[str, str]:
    """Return two files, the second newer by half a second; empty strings if that fails.

    They show a shell whether its `-nt` is exact. busybox compares whole seconds, and so does every
    shell where the file system records whole seconds.
    """
    folder = paths.state()
    probes = os.path.join(folder, ".older"), os.path.join(folder, ".newer")
    try:
        files.make_folder(folder)
        for path, time_ns in zip(probes, (10**18, 10**18 + 500_000_000), strict=True):
            if files.contains(path, b"", time_ns):
                continue
            if files.replace(path, b"", mtime_ns=time_ns) is None:
                files.replace(path, b"", mtime_ns=time_ns - time_ns % SECOND_NS)
    except OSError:
        return "", ""
    return probes


def _settle(store: Store) -> int:
    """Wait for the next tick of the clock, then look at the store again.

    Return the time of that look; 0 if the store was changed since the caller read or wrote it.
    """
    if store.mtime_ns is None:
        return time.time_ns()
    age = time.time_ns() - store.mtime_ns
    if 0 <= age < TICK_NS:
        time.sleep((TICK_NS - age) / SECOND_NS)
    seen_ns = time.time_ns()
    try:
        file, status = files.open_file(store.path, follow=True)
        with file:
            is_same = stamp(status) == store.stamp and file.read() == store.text.encode()
    except OSError:
        return 0
    return seen_ns if is_same else 0


def _is_over(mtime_ns: int, unit_ns: int, seen_ns: int) -> bool:
    """Return True if a write at `seen_ns` or later cannot get this mtime.

    The clock that gives mtimes has this unit. A server's clock may be ahead by as much.
    """
    start_ns, rest_ns = mtime_ns - mtime_ns % unit_ns, unit_ns - 1
    return not start_ns - rest_ns <= seen_ns < start_ns + rest_ns + TICK_NS


def _unit(folder: str, mtime_ns: int, seen_ns: int) -> int:
    """Return the unit of the clock that gave a file in `folder` its mtime, in nanoseconds.

    A whole second hints at a file system that records whole seconds (ext2, HFS+, some NFS), and an
    even one also at FAT, which records every other second. Only for a store that was changed just
    now try which it is.
    """
    if mtime_ns % SECOND_NS:
        return 1
    twice = 2 * SECOND_NS
    if mtime_ns % twice or not _is_over(mtime_ns, SECOND_NS, seen_ns):
        return SECOND_NS
    if _is_over(mtime_ns, twice, seen_ns):
        return SECOND_NS
    probe = files.new_name(folder)
    try:
        is_odd = files.replace(probe, b"", mtime_ns=_ODD_NS) is not None
    except OSError:
        return twice
    files.remove(probe)
    return SECOND_NS if is_odd else twice


def _fits(name: str) -> bool:
    """Return True if `read` gives a shell this name unchanged, and it does not look like a key."""
    return (
        bool(name)
        and name.isprintable()
        and name == name.strip()
        and name[0] not in ASK + BROKEN
        and name == printable(masked(name))
    )


def _place(lines: dict[tuple[str, ...], int], profile: Profile | None) -> str:
    """Return what stands before a profile's name in the index: line, colour and host.

    `profile` is None for an unusable one. A key that is not clean is in no line as it is used. A
    process has to decide about a profile that commands ask about, or that gives a shell no key.
    """
    if profile is None or profile.is_protected or profile.suffix:
        return ASK
    what = (profile.name, profile.key or "", profile.host or "")
    if profile.key and what in lines:
        place = str(lines[what])
    elif profile.key or profile.host:
        return ASK
    else:
        place = NO_KEY
    color = "" if profile.sgr == DIM else f";{profile.sgr}"
    return "@".join([place + color, *profile.hosts[:1]])


def _seen(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield number, profile, key and host for each line of the store with a key or a host.

    Profile, key and host are what a reader has seen up to there. All shells read like this, and
    look only at how a line begins: `[` for a header, and `key` or `host`, then a blank or `=`.
    Whatever the index says, a shell takes a key only from below the header of its profile, and only
    with the index's host.
    """
    name = key = host = ""
    for number, line in enumerate(text.split("\n", LAST_LINE)[:LAST_LINE], 1):
        plain = line.lstrip(_BLANKS)
        if plain.startswith("["):
            name, key, host = _named(plain), "", ""
        elif plain.startswith(("key ", "key\t", "key=")):
            key = _quoted(plain)
        elif plain.startswith(("host ", "host\t", "host=")):
            host = _quoted(plain)
        else:
            continue
        if len(key) <= LONGEST_KEY:
            yield number, name, key, host


def _named(header: str) -> str:
    """Return the name in a table header; empty if the header is not one name, or has an escape.

    What is behind the closing bracket does not matter: TOML allows only a comment there.
    """
    rest = header[1:].lstrip(_BLANKS)
    quote = rest[:1]
    if quote in _QUOTES:
        name, _, rest = rest[1:].partition(quote)
        if quote == '"' and "\\" in name:
            return ""
    else:
        name = rest.partition("]")[0].partition(" ")[0].partition("\t")[0]
        rest = rest[len(name) :]
        if any(char in name for char in _NOT_BARE):
            return ""
    return name if rest.lstrip(_BLANKS).startswith("]") else ""


def _quoted(line: str) -> str:
    """Return the text from the first quote, of either kind, to the next one of the same kind."""
    for at, char in enumerate(line):
        if char in _QUOTES:
            text, closing, _ = line[at + 1 :].partition(char)
            return text if closing else ""
    return ""


def _write(  # noqa: PLR0913 - what an index says, and when that was true
    store_path: str,
    store_stamp: str,
    lines: list[str],
    mtime_ns: int | None,
    seen_ns: int,
    *,
    for_seconds: bool,
) -> str:
    """Write the index to the first place that takes it, with the store's mtime.

    `seen_ns` is the time at which the store was found to be what the lines say. If a later write
    could give the store the same mtime, the index gets another one. With `for_seconds`, also write
    the copy for shells that compare whole seconds, if the second of the mtime is over.
    """
    content = "".join(line + "\n" for line in lines).encode("utf-8", "surrogateescape")
    version = _version(store_stamp)
    marked_ns = mtime_ns
    if mtime_ns is not None:
        unit_ns = _unit(os.path.dirname(os.path.realpath(store_path)), mtime_ns, seen_ns)
        if not seen_ns or not _is_over(mtime_ns, unit_ns, seen_ns):
            marked_ns = NEVER_NS
        for_seconds = (
            for_seconds
            and marked_ns == mtime_ns
            and _is_over(mtime_ns, max(unit_ns, SECOND_NS), seen_ns)
        )
    for folder in paths.index_candidates(store_path):
        path = os.path.join(folder, version)
        try:
            files.make_folder(folder)
        except OSError:
            continue  # read-only, or owned by another user
        if files.contains(path, content, marked_ns) or _put(path, content, marked_ns):
            copy = os.path.join(folder, SECONDS, version)
            try:
                _delete_others(copy)
                if for_seconds and not files.contains(copy, content, marked_ns):
                    files.make_folder(os.path.dirname(copy))
                    files.replace(copy, content, mtime_ns=marked_ns)
            except OSError:
                pass  # without the copy, the shells ask the program
            return path
    return ""


def _version(store_stamp: str) -> str:
    """Return the name of the index of a store with this stamp."""
    return f"{store_stamp}-{links.version()}"


def _is_version(name: str) -> bool:
    """Return True if a file may be an index by its name; no other file is deleted."""
    return name.removeprefix("none").replace("-", "").isdigit()


def _put(path: str, content: bytes, mtime_ns: int | None) -> bool:
    """Replace the index and delete its older versions; return True if it has that mtime."""
    try:
        new = files.replace(path, content, mtime_ns=mtime_ns)
        _delete_others(path)
    except OSError:
        return False  # read-only, full: the caller tries the next place
    return new is not None


def _delete_others(path: str) -> None:
    """Delete all other versions of an index. Errors: OSError, but not if there is no folder."""
    folder, version = os.path.split(path)
    for entry in os.listdir(folder) if os.path.isdir(folder) else ():
        if entry != version and _is_version(entry):
            try:
                os.unlink(os.path.join(folder, entry))
            except FileNotFoundError:
                continue  # another process was quicker
