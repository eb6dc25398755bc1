"""Where files live, and whether others can write there. The only reader of the path variables.

All paths are absolute and are `str`: pathlib costs more at import than the hot path may take.
Bytes that are not UTF-8 are carried as surrogates (PEP 383).
"""

from __future__ import annotations

import os
import stat
import sys

from falenv.errors import StoreError


def store() -> str:
    """Return the path of the store: `FAL_CONFIG_PATH` with `~` expanded, else the official default.

    Source: `fal/config.py` of the official CLI. An empty variable counts as unset. Where there is
    no such home, `~` would be a folder of that name, wherever we are: StoreError.
    """
    named = os.environ.get("FAL_CONFIG_PATH") or "~/.fal/config.toml"
    path = os.path.expanduser(named)
    if path.startswith("~"):
        cure = "set HOME, or FAL_CONFIG_PATH to a path from /"
        raise StoreError(path, "the home folder in it is not known", cure)
    try:
        return os.path.abspath(path)
    except FileNotFoundError:  # the current folder was deleted, and the path is relative
        return path


def state() -> str:
    """Return the folder for what may be lost at any time: platformdirs' state folder.

    On Linux and its like the rule is one line of the XDG base directory specification, spelled
    out here because importing platformdirs would double the time of the hot path. By the same
    specification a relative path does not count. Without a home the result is not absolute.
    """
    if sys.platform in {"darwin", "win32"} or "ANDROID_DATA" in os.environ:
        import platformdirs

        return platformdirs.user_state_dir("falenv", appauthor=False)
    base = os.environ.get("XDG_STATE_HOME", "").strip()
    home = os.path.expanduser("~/.local/state")
    return os.path.join(base if os.path.isabs(base) else home, "falenv")


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
    return [path for path in (os.path.join(state(), name), beside) if os.path.isabs(path)]


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
