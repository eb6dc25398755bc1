"""Where files live. The only reader of the variables that say so.

All paths are absolute. They are `str`, since pathlib costs more at import than the fast path may
take. Bytes that are not UTF-8 are surrogates (PEP 383).
"""

from __future__ import annotations

import os
import sys

from falenv.errors import StoreError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def store() -> str:
    """Return the path of the store: `FAL_CONFIG_PATH` with `~` expanded, else the official default.

    Source: `fal/config.py` of the official CLI. An empty variable counts as unset. Raise
    StoreError if the home is unknown, since `~` would then be a folder in the current one.
    """
    named = os.environ.get("FAL_CONFIG_PATH") or "~/.fal/config.toml"
    path = os.path.expanduser(named)
    if path.startswith("~"):
        cure = "set HOME, or set FAL_CONFIG_PATH to an absolute path"
        raise StoreError(path, "your home folder is unknown", cure)
    try:
        return os.path.abspath(path)
    except FileNotFoundError:  # the current folder was deleted, and the path is relative
        return path


#: The number of the protocol between the program and the shells (shell/README.md). A shell with
#: the integration of another number finds no index, and gets a new integration from `refresh`.
PROTOCOL = 2


def where() -> str:
    """Return the text by which a shell knows that the store is still at the same path.

    A shell compares it with its own variables (`__falenv_where`). If the path depends on the
    current folder, return an empty string, which never matches.
    """
    named = os.environ.get("FAL_CONFIG_PATH", "")
    if named and not os.path.isabs(os.path.expanduser(named)):
        return ""
    return f"{named}:{os.environ.get('HOME', '')}"


def state() -> str:
    """Return the folder for the index and the notes: platformdirs' state folder."""
    return _user_folder("state", "~/.local/state")


def cache() -> str:
    """Return the folder for files that can be made again: platformdirs' cache folder."""
    return _user_folder("cache", "~/.cache")


def _user_folder(kind: str, default: str) -> str:
    """Return falenv's folder of one kind.

    On Linux and similar systems this is one line of the XDG base directory specification. It is
    repeated here because importing platformdirs would double the time of the fast path. As the
    specification says, ignore a relative path. Without a home the result is not absolute.
    """
    if sys.platform == "darwin" or "ANDROID_DATA" in os.environ:
        import platformdirs

        folder: str = getattr(platformdirs, f"user_{kind}_dir")("falenv", appauthor=False)
        return folder
    base = os.environ.get(f"XDG_{kind.upper()}_HOME", "").strip()
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser(default), "falenv")


#: Behind the path of a copy: the file with the time of the newest file of a checkout.
NEWEST = ".newest"


def cached(exe: str, shell: str) -> str:
    """Return the path of the cached integration that program `exe` writes for a shell.

    The program is part of the name, since two versions may be in use. The name ends in `.SHELL`.
    """
    return os.path.join(cache(), f"{_flat(exe)}.{shell}")


def _flat(path: str) -> str:
    """Return a path as the name of one file. Different paths have different names.

    The shells build the same names (`__falenv_choose`).
    """
    name = path.replace("%", "%%").replace("/", "%-")
    if len(os.fsencode(name)) <= 200:  # noqa: PLR2004 - file names end at 255 bytes
        return name
    import hashlib

    return hashlib.sha256(os.fsencode(path)).hexdigest()


def verdicts() -> str:
    """Return the folder for the verdicts: what the user said about `.fal-profile` files."""
    return os.path.join(state(), "folders")


def verdict(path: str) -> str:
    """Return the path of the verdict on the `.fal-profile` at `path`."""
    return os.path.join(verdicts(), _flat(path))


def notices() -> str:
    """Return the folder for the notes on what the user was told about files in a folder."""
    return os.path.join(state(), "noticed")


def notice(path: str) -> str:
    """Return the path of the note on the `.fal-profile` or `.env` file at `path`."""
    return os.path.join(notices(), _flat(path))


def allowed_store(path: str) -> str:
    """Return the path of the note that says which key commands of a store the user has allowed."""
    return os.path.join(state(), "stores", _flat(path))


def renamed(store_path: str, name: str) -> str:
    """Return the path of the note which says that profile `name` of a store has a new name."""
    return os.path.join(state(), "renamed", _flat(f"{store_path}/{name}"))


def empty_home() -> str:
    """Return the folder that takes the place of the one with the login token (FAL_HOME_DIR)."""
    return os.path.join(state(), "empty")


def index_candidates(store_path: str) -> list[str]:
    """Return the folders for the index of a store: in the state folder, then beside the store.

    The second serves if the home is read-only, or if the state folder's file system rounds times
    differently from the store's.
    """
    target = os.path.realpath(store_path)
    beside = f".{os.path.basename(target)}.index-{PROTOCOL}"
    found = (
        os.path.join(state(), f"{PROTOCOL}{_flat(store_path)}"),
        os.path.join(os.path.dirname(target), beside),
    )
    return [path for path in found if os.path.isabs(path)]


def program() -> str:
    """Return the path by which a shell can run this program again.

    It is the script `falenv`, since the official CLI may overwrite `fal`. A link into another
    folder (pipx, uv tool) is not resolved, so that it survives an upgrade.
    """
    # The script is beside the one that runs, beside Python (a venv), or where pip puts scripts
    # for the folder that the package is in (PREFIX/lib/pythonX/site-packages).
    prefix = os.path.dirname(os.path.dirname(os.path.dirname(package())))
    beside = os.path.dirname(os.path.abspath(sys.argv[0]))
    for folder in (beside, os.path.dirname(sys.executable), os.path.join(prefix, "bin")):
        path = os.path.join(folder, "falenv")
        if os.access(path, os.X_OK) and os.path.isfile(path):
            # The link that `install` made ends with `uninstall`, and its target stays.
            return os.readlink(path) if path == link_made() else path
    return os.path.abspath(sys.argv[0])


def package() -> str:
    """Return the folder that holds the package: site-packages, or a checkout."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main() -> str:
    """Return the file that a shell runs with `python -I`, for what it starts by itself."""
    return os.path.join(package(), "falenv", "__main__.py")


def which(program: str) -> Iterator[str]:
    """Yield the path of each program of that name on PATH, without its relative entries.

    A relative entry, or an empty one, would find a program in the current folder.
    """
    for folder in filter(os.path.isabs, os.get_exec_path()):
        path = os.path.join(folder, program)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            yield path


def tool_folders() -> list[str]:
    """Return the folders in which uv and pipx keep an environment for each tool."""
    home = os.path.expanduser("~")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    found = (
        os.environ.get("UV_TOOL_DIR") or os.path.join(data, "uv", "tools"),
        os.path.join(os.environ.get("PIPX_HOME") or os.path.join(data, "pipx"), "venvs"),
        os.path.join(home, ".local", "pipx", "venvs"),
    )
    return [path for path in found if os.path.isabs(path)]


def cleaned_folders() -> list[tuple[str, str]]:
    """Return the folders whose content disappears by itself, each after what cleans it.

    A temporary folder that holds the home is left out: what is in it lasts as long as the home.
    """
    home = os.path.expanduser("~")
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    library = os.path.join(home, "Library")
    found = [
        ("uv", os.environ.get("UV_CACHE_DIR", "")),
        ("uv", os.path.join(cache, "uv")),
        ("pipx", os.path.join(os.environ.get("PIPX_HOME") or os.path.join(data, "pipx"), ".cache")),
        ("pipx", os.path.join(home, ".local", "pipx", ".cache")),
        ("pipx", os.path.join(cache, "pipx")),
        ("pipx", os.path.join(library, "Caches", "pipx")),
        ("pipx", os.path.join(library, "Application Support", "pipx", ".cache")),
    ]
    named = [os.environ.get(name, "") for name in ("TMPDIR", "TEMP", "TMP", "XDG_RUNTIME_DIR")]
    found += [
        ("temporary", folder)
        for folder in (*named, "/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - only compared
        if os.path.isabs(folder)
        and not os.path.realpath(home).startswith(f"{os.path.realpath(folder)}/")
    ]
    return [(kind, folder) for kind, folder in found if os.path.isabs(folder)]


def holds(folder: str, path: str) -> bool:
    """Return True if a path without links is below a folder."""
    return path.startswith(os.path.realpath(folder).rstrip("/") + "/")


def link() -> str:
    """Return the path of the link by which `install` puts `falenv` on PATH."""
    return os.path.join(os.path.expanduser("~"), ".local", "bin", "falenv")


def link_note() -> str:
    """Return the path of the file that says where the link leads that `install` made."""
    return os.path.join(state(), "link")


def link_made() -> str:
    """Return the path of the link that `install` made, if nobody has changed it since."""
    path = link()
    try:
        with open(link_note(), "rb") as file:
            return path if os.readlink(path) == os.fsdecode(file.read()) else ""
    except OSError:
        return ""


def missing_note(exe: str) -> str:
    """Return the path of the file that says that the user knows that program `exe` is missing.

    It is not empty while the program is missing. A shell's start-up block writes it.
    """
    return os.path.join(state(), "missing", _flat(exe))


def rc_files(shell: str) -> list[str]:
    """Return the start-up files of a shell; for bash then those of a login shell, in its order."""
    match shell:
        case "bash":
            names = (".bashrc", ".bash_profile", ".bash_login", ".profile")
            return [os.path.join(os.path.expanduser("~"), name) for name in names]
        case "zsh":
            return [os.path.join(_zsh_folder(), ".zshrc")]
        case "fish":
            return [os.path.join(_config(), "fish", "conf.d", "falenv.fish")]
        case "nu":
            return [os.path.join(_nushell_folder(), "autoload", "falenv.nu")]
        case _:
            folder = os.environ.get("DIRENV_CONFIG") or os.path.join(_config(), "direnv")
            return [os.path.join(folder, "lib", "use_fal.sh")]


def _nushell_folder() -> str:
    """Return nushell's configuration folder, as nushell finds it (the crate dirs)."""
    if sys.platform == "darwin" and not os.environ.get("XDG_CONFIG_HOME"):
        return os.path.expanduser("~/Library/Application Support/nushell")
    return os.path.join(_config(), "nushell")


def variable_files() -> list[str]:
    """Return the files in which variables of shells may be set, as far as they exist.

    The shells' own files come first, in the order in which a shell reads them.
    """
    home, config, zsh = os.path.expanduser("~"), _config(), _zsh_folder()
    names = (".bashrc", ".bash_profile", ".bash_login", ".profile", ".kshrc", ".mkshrc", ".shrc")
    found = [os.path.join(home, name) for name in names]
    for name in (".zshenv", ".zprofile", ".zshrc", ".zlogin"):
        found += [os.path.join(folder, name) for folder in (home, zsh)]
    fish = os.path.join(config, "fish")
    for folder, end in ((os.path.join(fish, "conf.d"), ".fish"), (fish, ".fish")):
        found += _named(folder, end)
    found += [os.path.join(fish, "fish_variables"), os.environ.get("ENV", "")]
    found += _named(os.path.join(config, "environment.d"), ".conf")
    found += [os.path.join(home, ".pam_environment"), os.path.join(home, ".xprofile")]
    found += ["/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/zsh/zshenv"]
    found += _named("/etc/profile.d", ".sh")
    return [path for path in dict.fromkeys(found) if os.path.isabs(path) and os.path.isfile(path)]


def _named(folder: str, end: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.endswith(end)]


def login_token() -> str:
    """Return the path of the token that `fal auth login` writes (fal/auth/local.py)."""
    folder = os.environ.get("FAL_HOME_DIR") or "~/.fal"
    return os.path.join(os.path.expanduser(folder), "auth0_token")


def _zsh_folder() -> str:
    """Return the user's ZDOTDIR.

    Ask zsh, since ~/.zshenv often sets the variable without exporting it. An editor may start zsh
    with a temporary ZDOTDIR of its own. VS Code and its relatives note the user's in USER_ZDOTDIR.
    """
    import subprocess

    if os.environ.get("ZDOTDIR"):
        for name in ("ZDOTDIR", "USER_ZDOTDIR"):
            folder = os.environ.get(name, "")
            if folder and not _is_temporary(folder):
                return folder
    folder, zsh = "", next(which("zsh"), "")
    if zsh:
        ask = [zsh, "-c", 'print -rn -- "/:$ZDOTDIR"']
        environment = {name: value for name, value in os.environ.items() if name != "ZDOTDIR"}
        try:
            said = subprocess.run(
                ask,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=10,
                check=False,
                env=environment,
            )
            folder = os.fsdecode(said.stdout).rpartition("/:")[2]
        except (OSError, subprocess.SubprocessError):  # a .zshenv that hangs
            folder = ""
    return folder or os.path.expanduser("~")


def _is_temporary(path: str) -> bool:
    temporary = (folder for kind, folder in cleaned_folders() if kind == "temporary")
    return any(holds(folder, os.path.realpath(path)) for folder in temporary)


def _config() -> str:
    return os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
