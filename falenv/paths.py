"""Where files live. The only reader of the variables that say so.

All paths are absolute and are `str`: pathlib costs more at import than the hot path may take.
Bytes that are not UTF-8 are carried as surrogates (PEP 383).
"""

from __future__ import annotations

import errno
import os
import sys


def store() -> str:
    """Return the path of the store: `FAL_CONFIG_PATH` with `~` expanded, else the official default.

    Source: `fal/config.py` of the official CLI. An empty variable counts as unset.
    """
    named = os.environ.get("FAL_CONFIG_PATH") or "~/.fal/config.toml"
    path = os.path.expanduser(named)
    try:
        return os.path.abspath(path)
    except FileNotFoundError:  # the current folder was deleted, and the path is relative
        return path


def state() -> str:
    """Return the folder for what may be lost at any time: platformdirs' state folder.

    On Linux and its like the rule is one line of the XDG base directory specification, spelled
    out here because importing platformdirs would double the time of the hot path.
    """
    if sys.platform in {"darwin", "win32"} or "ANDROID_DATA" in os.environ:
        import platformdirs

        return platformdirs.user_state_dir("falenv", appauthor=False)
    base = os.environ.get("XDG_STATE_HOME", "").strip()
    if not os.path.isabs(base):  # to be ignored, says the specification
        base = os.path.expanduser("~/.local/state")
    return os.path.join(base, "falenv")


def is_ours(path: str) -> bool:
    """Tell whether a file or folder, and any link that leads to it, is this user's own."""
    if os.name == "nt":  # a profile's folders are private there
        return True
    return all(status.st_uid == os.geteuid() for status in (os.lstat(path), os.stat(path)))


def make_private(folder: str) -> None:
    """Make a folder for what we rely on, where no other user can put, change or swap a file.

    It lies in the state folder, or beside the store, whose folder is the user's affair. What is
    open to others is closed. Errors: OSError, among them PermissionError for what is another's.
    """
    parent = os.path.dirname(folder)
    for path in (parent, folder):
        os.makedirs(path, mode=0o700, exist_ok=True)
        if not is_ours(path):
            raise PermissionError(errno.EPERM, f"{path} belongs to another user", path)
        if path in {folder, state()} and os.name != "nt" and os.stat(path).st_mode & 0o022:
            os.chmod(path, 0o700)


def _flat(path: str) -> str:
    """Return a file's name made from a path, in vim's way of naming swap files.

    The shells do the same (`__falenv_choose`), but for what only Windows has.
    """
    name = path.replace("%", "%%").replace("/", "%")
    if os.name == "nt":
        name = name.replace("\\", "%").replace(":", "%")
    if len(os.fsencode(name)) <= 200:  # noqa: PLR2004 - file names end at 255 bytes
        return name
    import hashlib

    return hashlib.sha256(os.fsencode(path)).hexdigest()


def folder_notes() -> str:
    """Return the folder of the files in which we keep what the user said of `.fal-profile`s."""
    return os.path.join(state(), "folders")


def folder_note(path: str) -> str:
    """Return such a file, for the `.fal-profile` at `path`."""
    return os.path.join(folder_notes(), _flat(path))


def index_candidates(store_path: str) -> list[str]:
    """Return the folders in which the index of a store may lie, the best place first.

    In the state folder; else beside the store, where a file system that rounds times
    differently, or a read-only home, cannot come between the two.
    """
    name = _flat(store_path)
    target = os.path.realpath(store_path)
    beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.index")
    return [os.path.join(state(), name), beside]


def program() -> str:
    """Return the path by which a shell can call us again later.

    Always the script `falenv`, never `fal`: the official CLI may overwrite that one. A link into
    another folder (pipx, uv tool) is kept as it is, so that an upgrade behind it does no harm.
    """
    scripts = os.path.dirname(sys.executable)
    for folder in (os.path.dirname(os.path.abspath(sys.argv[0])), scripts):
        for name in ("falenv", "falenv.exe"):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and os.path.isfile(path):
                return path
    return os.path.abspath(sys.argv[0])
