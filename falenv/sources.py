"""Where a key comes from that is not in the store: a command, or the keyring of the system.

Nothing imports this before such a key is needed: not a start, not a prompt, not a follow. A store
that someone else has made could name any program, or this user's keys and another host. So its
sources count only in the user's own `~/.fal/config.toml`, or in a store that the user has allowed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import signal
import subprocess
import time

from falenv import edits, links, paths
from falenv.errors import FalenvError, InvalidKeyError, KeySourceError
from falenv.masking import as_path, as_word, key_id, masked, printable, shown
from falenv.pasted import clean_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any

    from keyring.backend import KeyringBackend

    from falenv.profile import Profile
    from falenv.store import Store

#: Under this name the keyring has the keys, each with its id as the user's name.
_SERVICE = "falenv"
#: How long a command may take. A person may have to unlock a password manager meanwhile.
SECONDS = 60.0
_LONGEST = 4096  # bytes that a command may print; keys have 69 characters
#: How long a command has to end by itself, and how often to look whether it has.
_GRACE_SECONDS = 1.0
_LOOK_SECONDS = 0.05
#: Tells a falenv below a key command that it must not start another one.
_GUARD = "FALENV_FETCHING"
#: A command's environment has no variable that begins with one of these.
_NOT_PASSED = ("FAL_", "FALENV_", "PYTHON", "__falenv_")
_RUN = "to see why, run the key_command of that profile in a terminal"


def fetch(found: Store, profile: Profile) -> str:
    """Return the key of a profile that has a source. Errors: KeySourceError."""
    if not is_trusted(found):
        raise KeySourceError(
            profile.name,
            f"you have not allowed {found.path} to say where keys come from",
            "to see and allow that: fal profile allow --store",
        )
    if profile.is_in_keyring:
        return _from_keyring(profile.name, profile.known_id)
    return run(profile.name, profile.command)


def unlock(found: Store, profile: Profile) -> Store:
    """Fetch the key of a profile that has a source, if nobody has yet; note its id in the store.

    Return the store, which another falenv may have changed. Errors: KeySourceError. A store that
    cannot be written does no harm: without the id, a child shell asks for the key again.
    """
    if not profile.has_source or profile.key:
        return found
    profile.key = fetch(found, profile)
    own = key_id(profile.key)
    if own == profile.known_id:
        return found
    try:
        before, after = edits.put(profile.name, {"key_id": own})
    except FalenvError:
        return found
    keep_trust(before, after)
    return after


# --- Trust ---------------------------------------------------------------------------------------


def is_trusted(found: Store) -> bool:
    """Return True if the sources in a store count."""
    allowed = links.noted(paths.allowed_store(found.path), found.path)
    return _is_own(found) or not listed(found) or allowed == ("allowed", _digest(found))


def trust(found: Store) -> None:
    """Let the sources in a store count, as long as they stay as they are; raise FolderError."""
    if listed(found) and not _is_own(found):
        note = paths.allowed_store(found.path)
        links.record(note, found.path, "allowed", _digest(found))


def keep_trust(before: Store, after: Store) -> None:
    """Let the sources of a store count after an edit by the user, if they did before."""
    if is_trusted(before):
        trust(after)


def _is_own(found: Store) -> bool:
    return found.path == os.path.abspath(os.path.expanduser("~/.fal/config.toml"))


def distrust(found: Store) -> None:
    """Let the sources in a store count no more."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(paths.allowed_store(found.path))


def listed(found: Store) -> list[str]:
    """Return a line for each profile with a source, for the user to read."""
    lines = []
    for name, table in found.data.items():
        if isinstance(table, dict) and _sources(table):
            words = table.get("key_command")
            where = f"the keyring, id {table.get('key_id')}"
            if isinstance(words, list):
                where = " ".join(as_path(masked(str(word))) for word in words)
            host = f", for {masked(str(table['host']))}" if "host" in table else ""
            lines.append(printable(f"{masked(name)}: {where}{host}"))
    return lines


def _sources(table: dict[str, Any]) -> list[Any]:
    """Return what says where a profile's key comes from; nothing for a key in the store.

    The id chooses the key in the keyring. That of a command's key decides nothing.
    """
    if table.get("keyring"):
        return [table["keyring"], table.get("key_id")]
    return [table["key_command"]] if table.get("key_command") else []


def _digest(found: Store) -> str:
    """Return a digest of all sources, and of what decides where their keys go."""
    facts = [
        [name, _sources(table), str(table.get("host", ""))]
        for name, table in sorted(found.data.items())
        if isinstance(table, dict) and _sources(table)
    ]
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()


# --- The keyring ---------------------------------------------------------------------------------


def to_keyring(name: str, key: str, old: str) -> tuple[Store, Store]:
    """Move the key of a profile to the keyring; return the store before and after.

    `old` is the key that the store has now, or an empty string.

    First try the keyring without changing anything. Then write the key, read it back, and only then
    let the store go without it. Errors: KeySourceError, and those of `edits.put`.
    """
    own = key_id(key)
    with _keyring(name) as ring:
        had = ring.get_password(_SERVICE, own)
        ring.set_password(_SERVICE, own, key)
        if ring.get_password(_SERVICE, own) != key:
            raise KeySourceError(name, "the keyring did not keep it", "nothing was changed")
    settings = {"key": None, "key_command": None, "keyring": True, "key_id": own}
    try:
        return edits.put(name, settings, only_key=old)
    except BaseException:
        if had is None:
            forget(name, own)
        raise


def forget(name: str, own: str) -> None:
    """Delete the key with an id from the keyring. Errors: KeySourceError."""
    with _keyring(name) as ring:
        if ring.get_password(_SERVICE, own) is not None:
            ring.delete_password(_SERVICE, own)


def _from_keyring(name: str, own: str) -> str:
    cure = f"to set the key again: fal profile key {as_word(name)} --keyring"
    if not own:
        raise KeySourceError(name, "the profile has no key_id, which names it in the keyring", cure)
    with _keyring(name) as ring:
        key = ring.get_password(_SERVICE, own)
    if key is None:
        raise KeySourceError(name, f"the keyring has no key with the id {own}", cure)
    if key_id(key) != own or not _is_key(key):
        raise KeySourceError(name, f"the keyring has something else under the id {own}", cure)
    return str(key)


@contextlib.contextmanager
def _keyring(name: str) -> Iterator[KeyringBackend]:
    """Yield the keyring that the system or the user's config of the package keyring names.

    A variable must not lead a key elsewhere, so leave out those that choose or change a keyring. A
    keyring that stores keys as they are counts only if the user has configured it. Turn each of its
    errors into KeySourceError, without the text, in which the keyring may repeat anything.
    """
    aside = {
        variable: os.environ.pop(variable)
        for variable in list(os.environ)
        if variable.startswith(("PYTHON_KEYRING", "KEYRING_PROPERTY"))
    }
    install = "install it: pip install 'falenv[keyring]'"
    try:
        yield _backend(name)
    except ImportError:
        raise KeySourceError(name, "the package keyring is not installed", install) from None
    except FalenvError:
        raise
    except Exception as error:  # noqa: BLE001 - each backend has errors of its own
        what = f"the keyring refused ({type(error).__name__})"
        raise KeySourceError(name, what, "unlock the keyring and try again") from None
    finally:
        os.environ.update(aside)


def _backend(name: str) -> KeyringBackend:
    from keyring import core

    configured = core.load_config()
    if configured is not None:
        return configured
    ring = core.get_keyring()
    if ring.priority < 1:
        what = "the system has no keyring, such as the Secret Service or the Keychain"
        raise KeySourceError(name, what, "start one, or use a key command")
    return ring


# --- A command -----------------------------------------------------------------------------------


def run(name: str, command: list[str]) -> str:
    """Return the key that a command prints for profile `name`; raise KeySourceError.

    No shell is involved. The command runs in the home, with the terminal as its standard input. Its
    output has to be one line with a well-formed key, and is never shown.
    """
    if os.environ.get(_GUARD):
        what = "a key command must not need the key of another key command"
        raise KeySourceError(name, what, "use a program that is not falenv")
    program = _program(name, command[0])
    word = shown(os.path.basename(program))
    try:
        code, output = _output([program, *command[1:]])
    except TimeoutError:
        what = f"{word} took more than {SECONDS:g} seconds"
        raise KeySourceError(name, what, _RUN) from None
    except OSError as error:
        raise KeySourceError(name, f"{word}: {error.strerror}", "fix that and try again") from None
    if code:
        what = (
            f"signal {-code} ended {word}" if code < 0 else f"{word} failed with exit code {code}"
        )
        raise KeySourceError(name, what, _RUN)
    if len(output) > _LONGEST:
        raise KeySourceError(name, f"{word} printed more than a key", _RUN)
    text = output.decode("utf-8", "replace").strip()
    if not text:
        raise KeySourceError(name, f"{word} printed nothing", _RUN)
    if len(text.splitlines()) > 1:
        raise KeySourceError(name, f"{word} printed more than one line", _RUN)
    if not _is_key(text):
        raise KeySourceError(name, f"{word} printed something else than a key", _RUN)
    return text


def _is_key(text: str) -> bool:
    try:
        return clean_key(text) == text
    except InvalidKeyError:
        return False


def _program(name: str, word: str) -> str:
    """Return the absolute path of a command's program; raise KeySourceError."""
    if "/" not in word:
        found = next(paths.which(word), "")
        what, cure = f"{shown(word)} was not found on PATH", "install it, or write its whole path"
    else:
        found = word if os.path.isabs(word) else ""
        what, cure = f"{shown(word)} is neither a name nor an absolute path", "write its whole path"
    if not found:
        raise KeySourceError(name, what, cure)
    return found


def _output(words: list[str]) -> tuple[int, bytes]:
    """Run a program; return its exit code and what it printed, cut off behind the longest output.

    Errors: OSError, and TimeoutError for a program that does not end in time. No error and no
    Ctrl-C leaves the program running.
    """
    with _terminal() as terminal, _started(words, terminal) as process:
        assert process.stdout  # noqa: S101 - for mypy
        output, end = b"", time.monotonic() + SECONDS
        while len(output) <= _LONGEST:
            if time.monotonic() > end:
                raise TimeoutError
            if select.select([process.stdout], [], [], _LOOK_SECONDS)[0]:
                part = os.read(process.stdout.fileno(), _LONGEST)
                output += part
                if not part:
                    break
            elif process.poll() is not None:
                break  # a daemon that the program left holds the pipe
        if len(output) > _LONGEST:
            return 0, output
        try:
            return process.wait(max(_LOOK_SECONDS, end - time.monotonic())), output
        except subprocess.TimeoutExpired:
            raise TimeoutError from None


@contextlib.contextmanager
def _started(words: list[str], terminal: IO[bytes] | int) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, and end it if it still runs when the caller is done."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(_NOT_PASSED)
    }
    environment["PATH"] = os.pathsep.join(filter(os.path.isabs, os.get_exec_path()))
    environment[_GUARD] = "1"
    interrupted: list[int] = []
    former = signal.getsignal(signal.SIGINT)
    if former is signal.default_int_handler:
        # Ctrl-C while Popen waits for the start would leave a program that nobody ends.
        signal.signal(signal.SIGINT, lambda number, _: interrupted.append(number))
    try:
        process = subprocess.Popen(
            words,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.path.expanduser("~"),
            env=environment,
        )
    finally:
        signal.signal(signal.SIGINT, former)
    try:
        if interrupted:
            raise KeyboardInterrupt
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if process.stdout:
            process.stdout.close()
        process.wait()


@contextlib.contextmanager
def _terminal() -> Iterator[IO[bytes] | int]:
    """Yield the terminal of this process, or what stands for no input."""
    try:
        terminal = open("/dev/tty", "rb", buffering=0)  # noqa: SIM115 - closed below
    except OSError:
        yield subprocess.DEVNULL
        return
    with terminal:
        yield terminal
