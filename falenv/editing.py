"""A private copy of the store for the user's editor, and what is wrong with the result."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys

from falenv import files, paths
from falenv.errors import CannotRunError, FalenvError, InvalidNameError, StoreError
from falenv.masking import masked, shown
from falenv.profile import INTERNAL, check_name
from falenv.store import Store, lenient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def private_folder() -> Iterator[str]:
    """Yield a new folder in the state folder that nobody else can enter; delete it at the end.

    Backups and swap files of an editor go there too. Also delete what a process has left that was
    killed. Errors: OSError.
    """
    parent = os.path.join(paths.state(), "edit")
    files.make_folder(parent)
    for name in os.listdir(parent):
        if not _is_running(name):
            shutil.rmtree(os.path.join(parent, name), ignore_errors=True)
    folder = os.path.join(parent, str(os.getpid()))
    os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_running(name: str) -> bool:
    """Return True if a process has this number, and is not this one."""
    if not name.isdigit() or int(name) == os.getpid():
        return False
    try:
        os.kill(int(name), 0)
    except ProcessLookupError:
        return False
    except (OverflowError, OSError):
        return True
    return True


def edited(folder: str, text: str, words: list[str]) -> str:
    """Let the user edit a text in a file of a private folder; return the new text.

    `words` are the editor and its arguments. Errors: FalenvError if the editor fails, or if the
    result is not UTF-8.
    """
    path = os.path.join(folder, "config.toml")
    files.replace(path, text.encode())
    variables = {name: value for name, value in os.environ.items() if name[:9] != "__falenv_"}
    # Ctrl-C in the editor is the editor's own.
    former = {number: signal.signal(number, signal.SIG_IGN) for number in _KEYS}
    try:
        done = subprocess.run([*words, path], env=variables, check=False, preexec_fn=_default)
    except OSError as error:
        raise CannotRunError(words[0], error) from None
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    if done.returncode:
        raise FalenvError(f"the editor {shown(words[0])} failed, so nothing was changed")
    try:
        return files.read(path, private=False).decode()
    except UnicodeDecodeError:
        raise FalenvError("the edited text is not UTF-8, so nothing was changed") from None


def keep(folder: str, text: str) -> str:
    """Write a text beside the copy, to look at while editing again; return its path."""
    path = os.path.join(folder, "yours.toml")
    files.replace(path, text.encode())
    return path


_KEYS = (signal.SIGINT, signal.SIGQUIT)


def _default() -> None:
    for number in _KEYS:
        signal.signal(number, signal.SIG_DFL)


def editor() -> list[str]:
    """Return the user's editor and its arguments: VISUAL, EDITOR, or else vi. Errors: FalenvError.

    The words are split as a shell does, but no shell runs. Never find a program in the current
    folder.
    """
    line = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not line and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise FalenvError("an editor needs a terminal; without one, set EDITOR to a command")
    try:
        words = shlex.split(line or "vi")
    except ValueError:
        words = []
    if not words:
        raise FalenvError("VISUAL or EDITOR is not a command; set EDITOR, for example to nano")
    if "/" not in words[0]:
        found = next(paths.which(words[0]), "")
        if not found:
            raise FalenvError(f"the editor {shown(words[0])} was not found; set EDITOR")
        words[0] = found
    return words


def problems(path: str, before: Store, text: str) -> list[str]:
    """Return what is wrong with a text that is to become the store, and was not wrong before."""
    try:
        after = Store(path, text, None)
    except StoreError as error:
        return [str(error)]
    found = [str(error) for name, error in after.unusable.items() if _is_new(before, after, name)]
    if after.default_error:
        found.append(str(after.default_error))
    for name in after.names:
        if name not in before.data:
            try:
                check_name(name)
            except InvalidNameError as error:
                found.append(str(error))
    if after.default and after.default not in after.names and after.default != before.default:
        found.append(f"{path}: the default is {shown(after.default)}, but no such profile exists")
    elif after.default and after.default in before.names and after.default not in after.names:
        found.append(f"{path}: the default {shown(after.default)} is gone; choose another there")
    return found


def changed_protected(before: Store, text: str) -> list[str]:
    """Return the protected profiles that another text of the store changes."""
    after = Store("", text, None)
    return [
        name
        for name in before.names
        if before.is_protected(name) and before.data[name] != after.data.get(name)
    ]


def _is_new(before: Store, after: Store, name: str) -> bool:
    return name not in before.unusable or before.data[name] != after.data[name]


def differences(before: str, after: str) -> list[str]:
    """Return the names of the tables and settings that differ between two texts of a store.

    Show no value, since it may be a key.
    """
    tables = [lenient("", text, None).data for text in (before, after)]
    found = []
    for name in dict.fromkeys([*tables[0], *tables[1]]):
        old, new = (table.get(name) for table in tables)
        if old == new:
            continue
        settings = [one if isinstance(one, dict) else {} for one in (old, new)]
        what = [
            one
            for one in {**settings[0], **settings[1]}
            if settings[0].get(one) != settings[1].get(one)
        ]
        how = "added" if old is None else "deleted" if new is None else "changed"
        shown_name = "the default" if name == INTERNAL else shown(name)
        listed = (
            f": {', '.join(map(masked, what))}" if how == "changed" and name != INTERNAL else ""
        )
        found.append(f"{shown_name} {how}{listed}")
    return found or ["comments or layout"]
