"""Where files live. The only reader of the variables that say so.

All paths are absolute and are `str`: pathlib costs more at import than the fast path may take.
Bytes that are not UTF-8 are carried as surrogates (PEP 383).
"""

from __future__ import annotations

import os
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


def where() -> str:
    """Return what tells a shell that the store is still where it was (`__falenv_where`).

    Empty, which no shell ever has, where the store depends on the current folder too.
    """
    named = os.environ.get("FAL_CONFIG_PATH", "")
    if named and not os.path.isabs(os.path.expanduser(named)):
        return ""
    return f"{named}:{os.environ.get('HOME', '')}"


def state() -> str:
    """Return the folder for what may be lost at any time: platformdirs' state folder."""
    return _user_folder("state", "~/.local/state")


def cache() -> str:
    """Return the folder for what can be made again: platformdirs' cache folder."""
    return _user_folder("cache", "~/.cache")


def _user_folder(kind: str, default: str) -> str:
    """Return our folder of one kind.

    On Linux and its like the rule is one line of the XDG base directory specification, spelled
    out here because importing platformdirs would double the time of the fast path. By the same
    specification a relative path does not count. Without a home the result is not absolute.
    """
    if sys.platform == "darwin" or "ANDROID_DATA" in os.environ:
        import platformdirs

        folder: str = getattr(platformdirs, f"user_{kind}_dir")("falenv", appauthor=False)
        return folder
    base = os.environ.get(f"XDG_{kind.upper()}_HOME", "").strip()
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser(default), "falenv")


def cached(exe: str, shell: str) -> str:
    """Return where a shell's start-up file finds what program `exe` has written for it.

    Named after the program, since two of different versions may be in use. It ends in `.SHELL`.
    """
    return os.path.join(cache(), f"{_flat(exe)}.{shell}")


def _flat(path: str) -> str:
    """Return a file's name made from a path, in vim's way of naming swap files.

    The shells do the same.
    """
    name = path.replace("%", "%%").replace("/", "%")
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
    target = os.path.realpath(store_path)
    beside = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.index")
    found = (os.path.join(state(), _flat(store_path)), beside)
    return [path for path in found if os.path.isabs(path)]


def program() -> str:
    """Return the path by which a shell can call us again later.

    Always the script `falenv`, never `fal`: the official CLI may overwrite that one. A link into
    another folder (pipx, uv tool) is kept as it is, so that an upgrade behind it does no harm.
    """
    scripts = os.path.dirname(sys.executable)
    for folder in (os.path.dirname(os.path.abspath(sys.argv[0])), scripts):
        path = os.path.join(folder, "falenv")
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return os.path.abspath(sys.argv[0])


def rc_files(shell: str) -> list[str]:
    """Return the start-up files of a shell; of bash, those of a login shell follow in its order."""
    match shell:
        case "bash":
            names = (".bashrc", ".bash_profile", ".bash_login", ".profile")
            return [os.path.join(os.path.expanduser("~"), name) for name in names]
        case "zsh":
            return [os.path.join(_zsh_folder(), ".zshrc")]
        case "fish":
            return [os.path.join(_config(), "fish", "conf.d", "falenv.fish")]
        case _:
            folder = os.environ.get("DIRENV_CONFIG") or os.path.join(_config(), "direnv")
            return [os.path.join(folder, "lib", "use_fal.sh")]


def _zsh_folder() -> str:
    """Return ZDOTDIR, which is often set in ~/.zshenv and not exported; so zsh itself is asked."""
    import subprocess

    folder = os.environ.get("ZDOTDIR", "")
    if not folder:
        ask = ["zsh", "-c", 'print -rn -- "/:$ZDOTDIR"']
        try:
            said = subprocess.run(
                ask, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
            )
            folder = os.fsdecode(said.stdout).rpartition("/:")[2]
        except (OSError, subprocess.SubprocessError):  # no zsh, or a .zshenv that does not end
            folder = ""
    return folder or os.path.expanduser("~")


def _config() -> str:
    return os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
