"""Profiles that go elsewhere: the text of a store for other people, and the file that holds it."""

from __future__ import annotations

import os

from falenv import files, paths
from falenv.errors import FalenvError, as_owner
from falenv.incoming import TAKEN
from falenv.masking import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store

#: What says where a key is that is not in the store.
SOURCES = ("key_command", "keyring", "key_id")
#: What a template for a team has. A setting that falenv does not know may hold a secret.
_OF_A_TEAM = tuple(setting for setting in TAKEN if setting != "key")
_TEMPLATE = """\
# Profiles without keys. To add them to your own: fal profile import FILE
# Then set each key: fal profile key NAME

"""


def as_store(found: Store, names: list[str], *, keys: bool) -> str:
    """Return profiles as the text of a store without a default, with or without their keys."""
    import tomlkit

    tables = {}
    for name in names:
        table = dict(found.data[name])
        profile = found.profiles.get(name)
        if profile and profile.key:
            for setting in SOURCES:  # no import takes one
                table.pop(setting, None)
            table["key"] = profile.key  # clean
        if not keys:
            table = {setting: table[setting] for setting in _OF_A_TEAM if setting in table}
        tables[name] = table
    return ("" if keys else _TEMPLATE) + tomlkit.dumps(tables)


def write(path: str, text: str, *, is_secret: bool, replace: bool) -> str:
    """Write a private file; return its path without links.

    Never write a secret into a git tree, unless git ignores the file. Replace a file only with
    `replace`. Errors: FalenvError; a file that exists stays as it was.
    """
    target = os.path.realpath(path)
    if os.path.isdir(target):
        raise FalenvError(f"{shown(path)} is a folder; name a file")
    if target == os.path.realpath(paths.store()):
        raise FalenvError(f"{shown(path)} is the store itself; name another file")
    if os.path.exists(target) and not os.path.isfile(target):
        raise FalenvError(f"{shown(path)} is not a regular file; name another file")
    if os.path.lexists(target) and not replace:
        raise FalenvError(f"{shown(path)} exists already; to replace it, add --replace")
    tree = _git_tree(os.path.dirname(target)) if is_secret else ""
    if tree and not _is_ignored(target):
        raise FalenvError(
            f"nothing was written: {shown(path)} would be in the git tree {tree}, where the key "
            f"could be committed; add the file to .gitignore, or write it elsewhere"
        )
    try:
        files.replace(target, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        cure = as_owner(error, target)
        what = f"{shown(path)} could not be written: {error.strerror}"
        raise FalenvError(f"{what}; {cure}" if cure else what) from None
    return target


def _git_tree(folder: str) -> str:
    """Return the top of the git tree that a folder is in, or an empty string."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return ""
        folder = parent
    return folder


def _is_ignored(path: str) -> bool:
    """Return True if git ignores a file. Without git, nobody knows."""
    import subprocess

    git = next(paths.which("git"), "")
    if not git:
        return False
    folder, name = os.path.split(path)
    # Neither the caller's repository nor the program that this one names for a quicker status.
    variables = {name: value for name, value in os.environ.items() if name[:4] != "GIT_"}
    words = [git, "-C", folder, "-c", "core.fsmonitor=false", "check-ignore", "-q", "--", name]
    try:
        done = subprocess.run(
            words, env=variables, stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0
