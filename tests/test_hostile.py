"""Hostile stores: whatever stands in the store's place, every command answers in one clear line."""

from __future__ import annotations

import os
import random
import re
import shutil
import socket
import stat
import sys
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from conftest import ANOTHER, KEYS, LONG, SCRIPTS, give_away, seed

from falenv import index, store
from falenv.commands import profile
from falenv.dialects import DIALECTS
from falenv.errors import StoreError
from falenv.paths import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from conftest import Home

#: What each command is called with. A command that is missing here is a failure.
ARGUMENTS: dict[str, list[list[str]]] = {
    "list": [[], ["--json"], ["--names"]],
    "set": [["me"], ["new"]],
    "unset": [[]],
    "key": [["me", "--stdin"], ["--stdin"]],
    "host": [["api.fal.ai"], ["--unset", "--profile", "me"]],
    "create": [["new"]],
    "delete": [["me"]],
    "protect": [["me"], ["me", "--exec-only"]],
    "rename": [["me", "new"]],
    "edit": [[]],
    "import": [["-", "new"]],
    "export": [["me", "--output", "out.toml"]],
    "pick": [[]],
    "env": [
        *(["--shell", name] for name, dialect in sorted(DIALECTS.items()) if dialect.has_eval),
        ["me", "--shell", "bash", "--exports-only"],
    ],
    "start": [["--shell", "bash", "--cache", "cached"]],
    "refresh": [["--shell", "bash", "--was", "me", "--protocol", str(PROTOCOL)]],
    "dotenv": [["/nowhere/.env"]],
    "use": [["me"], ["-"], ["--default"]],
    "prompt": [[]],
    "link": [["me"]],
    "unlink": [[]],
    "allow": [[]],
    "deny": [[]],
    "install": [["bash", "--dry-run"]],
    "uninstall": [["bash"]],
    "off": [[]],
    "on": [[]],
    "current": [[], ["--json"], ["--name"], ["--explain"]],
    "verify": [["nope"]],  # asks nobody
    "doctor": [[], ["--json"]],
    "exec": [["me", "--", "true"]],
    "completion": [["bash"]],
}
LINES = [[name, *words] for name, lines in ARGUMENTS.items() for words in lines]
#: What does not read the store, or is silent by design where it cannot.
DEAF = [
    line
    for line in LINES
    if line[0]
    in {
        "on",
        "off",
        "completion",
        "prompt",
        "unlink",
        "allow",
        "deny",
        "install",
        "uninstall",
        "dotenv",
        "doctor",
        "edit",
    }
    or line in (["list", "--names"], ["use", "-"], ["use", "--default"])
]

SECRET = "fakeme"
#: A header that has become a name with less than 16 characters of the key behind a colon. Rule 2 of
#: masking.py shows such a name.
SHORT_NAME = re.compile(rb"\[[^\n]*:fakeme0{0,9}[^0\n]*\]")
GOOD = f'[__internal__]\nprofile = "me"\n\n[me]\nkey = "{KEYS["me"]}"\n'
MEMORY = 512 * 1024 * 1024
#: A child that is held to so much memory; it is what a command is run through.
HELD = f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY})); "
HELD += "os.execv(sys.argv[1], sys.argv[1:])"


def test_the_table_has_every_command() -> None:
    assert set(ARGUMENTS) == set(profile.commands)


def state(path: Path) -> tuple[object, ...]:
    """Return what a refused command must leave as it is."""
    try:
        found = path.lstat()
    except OSError as error:
        return (error.errno,)
    content = path.read_bytes() if stat.S_ISREG(found.st_mode) else b""
    return found.st_mode, found.st_ino, found.st_mtime_ns, found.st_uid, content


def check(line: list[str], code: int, stdout: str, stderr: str) -> None:
    """What holds for every command on every store."""
    what = (line, code, stdout[-300:], stderr[-1000:])
    assert code in {0, 1, 2}, what
    assert "Traceback" not in stderr, what
    assert SECRET not in stderr, what
    assert KEYS["a"] not in stderr, what
    talk = stderr.splitlines()
    assert all(text.startswith("falenv: ") for text in talk), what
    assert all(text.isprintable() for text in talk), what
    if code:
        assert len(talk) == (line[0] != "doctor"), what
        # Fail closed: code that takes the variables away may come with an error; no key may.
        speaks = {"env", "start", "refresh", "on", "doctor"}
        assert not stdout or line[0] in speaks or "--explain" in line, what
        assert SECRET not in stdout, what


# --- Through real processes ----------------------------------------------------------------------

STORES: dict[str, str | bytes] = {
    "empty": "",
    "no TOML": f"{GOOD}oops\n",
    "an open string": f'{GOOD}x = "',
    "key is a number": f"{GOOD}[b]\nkey = 123\n",
    "host is a table": f"{GOOD}[b]\n[b.host]\nx = 1\n",
    "default is a list": f'[__internal__]\nprofile = ["me"]\n[me]\nkey = "{KEYS["me"]}"\n',
    "internal is text": f'__internal__ = "me"\n[me]\nkey = "{KEYS["me"]}"\n',
    "duplicate names": f'{GOOD}[me]\nkey = "x:{SECRET}"\n',
    "duplicate keys": f'{GOOD}key = "x:{SECRET}"\n',
    "a key in the wrong place": f"{KEYS['me']}\n{GOOD}",
    "a key as a name": f'[__internal__]\nprofile = "{KEYS["me"]}"\n["{KEYS["me"]}"]\nx = 1\n',
    "the default is no profile": f'[__internal__]\nprofile = "{KEYS["me"]}"\n',
    "10 MB": GOOD + "# filled up\n" * 900_000,
    "10 MB on one line": GOOD + "#" * 10_000_000,
    "deep arrays": f"{GOOD}x = {'[' * 100_000}{']' * 100_000}\n",
    "deep tables": f"{GOOD}[{'a.' * 50_000}a]\n",
    "deep dotted keys": f"{GOOD}{'a.' * 500}a = 1\n",
    "deep inline tables": f"{GOOD}x = {'{a=' * 100_000}1{'}' * 100_000}\n",
    "10,000 profiles": GOOD
    + "".join(f'\n[p{number}]\nkey = "{number}:{"fake":0<32}"\n' for number in range(10_000)),
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "CRLF": GOOD.replace("\n", "\r\n"),
    "lone CR": GOOD.replace("\n", "\r"),
    "NUL": f"{GOOD}\0",
    "NUL in a key": GOOD.replace(SECRET, "\\u0000" + SECRET),
    "a newline in a key": GOOD.replace(SECRET, "\\n" + SECRET),
    "ESC in a name": f'{GOOD}["\\u001b]0;x\\u0007"]\nkey = "a:{SECRET}"\n',
    "not UTF-8": GOOD.encode() + b"x = '\xff'\n",
    "UTF-16": GOOD.encode("utf-16"),
    "random bytes": random.Random(1).randbytes(5000),
    "nan and dates": f"{GOOD}x = [nan, -inf, 1e400, 0x10, 1979-05-27T07:32:00Z, 07:32:00]\n",
    "a long number": f"{GOOD}x = {'9' * 5000}\n",
    "odd names": f'{GOOD}[""]\nkey="a:b"\n["-x"]\n["[/]"]\n["$(touch X)"]\n["é\\u200b\\n"]\n',
    "host of another's": GOOD + 'host = "evil.example"\n',
}
#: What is a store after all, so that some commands succeed.
FINE = {
    "empty", "a key as a name", "the default is no profile", "CRLF", "NUL in a key",
    "key is a number", "host is a table", "default is a list", "internal is text",
    "deep dotted keys", "10,000 profiles",
    "a newline in a key", "ESC in a name", "nan and dates", "odd names", "host of another's",
    "dangling", "gone",
}  # fmt: skip


def store_of(mode: int, user: int = 0, group: int = 0) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(GOOD)
        path.chmod(mode)
        if user or group:
            give_away(path, user, group)

    return make


def in_folder_of(mode: int, user: int = 0, group: int = 0) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(GOOD)
        path.chmod(0o600)
        path.parent.chmod(mode)
        if user or group:
            give_away(path.parent, user, group)

    return make


def below_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(path.parent, os.O_RDONLY)  # its own path is too long for a socket
        server.bind(f"/proc/self/fd/{folder}/{path.name}")
        os.close(folder)


def linked_to_anothers(path: Path) -> None:
    store_of(0o600, ANOTHER)(path.with_name("other"))
    path.symlink_to("other")


#: What is put into the store's place, where nothing is, in a private folder.
PLACES: dict[str, Callable[[Path], object]] = {
    "gone": lambda _: None,
    "folder": lambda path: path.mkdir(),
    "fifo": os.mkfifo,
    "socket": bound,
    "/dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "/dev/full": lambda path: path.symlink_to("/dev/full"),
    "/dev/null": lambda path: path.symlink_to("/dev/null"),
    "dangling": lambda path: path.symlink_to("../dotfiles/fal.toml"),
    "symlink loop": lambda path: path.symlink_to(path),
    "below a file": below_a_file,
    "another's": store_of(0o600, ANOTHER),
    "link to another's": linked_to_anothers,
    "group-writable": store_of(0o660, 0, ANOTHER),
    "world-writable": store_of(0o666),
    "in another's folder": in_folder_of(0o700, ANOTHER),
    "in a group-writable folder": in_folder_of(0o770, 0, ANOTHER),
    "in a world-writable folder": in_folder_of(0o777),
}
KINDS = [*STORES, *PLACES]


def put(home: Home, kind: str) -> None:
    """Make the folder of the store anew, with something hostile in the store's place."""
    folder = home.store.parent
    if folder.is_file():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    if kind in STORES:
        home.write(STORES[kind])
    else:
        PLACES[kind](home.store)


@pytest.mark.fire
@pytest.mark.parametrize("kind", KINDS)
def test_every_command_on_a_hostile_store(
    home: Home, kind: str, figure: Callable[[str], None]
) -> None:
    lines = LINES if LONG else LINES[KINDS.index(kind) % 9 :: 9]
    refused = 0
    for line in lines:
        put(home, kind)
        before = state(home.store)
        command = [sys.executable, "-c", HELD, str(SCRIPTS / "falenv"), "profile", *line]
        # The path once as it is by default, once given.
        given = str(home.store) if refused % 2 else None
        done = home.run(*command, stdin=KEYS["a"], FAL_CONFIG_PATH=given, EDITOR="true")
        check(line, done.returncode, done.stdout, done.stderr)
        if done.returncode:
            refused += 1
            assert state(home.store) == before, line
        if kind in FINE or line in DEAF:
            continue
        assert done.returncode == 1, (line, done.stderr)
        assert "FAL_KEY" not in done.stdout, line
        assert not done.stdout or line[0] == "refresh", line
        assert done.stderr.startswith(f"falenv: {home.store}"), (line, done.stderr)
        assert "; " in done.stderr, "the cure is missing"
    if LONG:
        figure(f"hostile stores: {kind}: {len(lines)} command lines, {refused} refused")


@pytest.mark.fire
def test_devices_named_by_fal_config_path(home: Home) -> None:
    for device in ("/dev/zero", "/dev/full", "/dev/null", "/dev/tty", "/dev/stdin", "/"):
        for line in LINES if LONG else LINES[:: len(LINES) // 3]:
            done = home.fal(*line, stdin=KEYS["a"], FAL_CONFIG_PATH=device, EDITOR="true")
            check(line, done.returncode, done.stdout, done.stderr)
            assert done.returncode == 1 or line in DEAF


# --- Mutated, in this process, for speed; FALENV_SEED repeats some -------------------------------

SEEDS = [
    GOOD,
    f"""# mine
check_updates = false
[__internal__]
team = "acme"
profile = "b"    # where I work

[me]
key = "{KEYS["me"]}" # rotated
x = [1, nan, "a", {{ b = 1 }}]  # y
[b]
key   = '{KEYS["me"]}'
host = "api.fal.ai"
[b.limits]
daily = 5

# the end""",
    f'me = {{ key = "{KEYS["me"]}", host = "api.fal.ai" }}\n__internal__.profile = "me"\n[[x]]\n',
    f"""key = "no:no"
[ me ]  # personal ["b"]
keyed = "no:no"
key='{KEYS["me"]}'# "b"
hosts = 'api.no'
[ 'b' ]\r
host = 'api.fal.ai'
key = "{KEYS["b"]}" # it's\r
[b.me]
key = "no:no\"""",
    f'["me"]\n"key" = """{KEYS["me"]}"""\ntext = \'\'\'\n[new]\n\'\'\'\n["a b"]\n[x.y]\n[[x.z]]\n',
]
PIECES = [
    *'[]{}=.,"#\n\r\t\\\0\'', '"""', "'''", "[[", "]]", "nan", "-inf", "1e9", "0x", "true",
    "\r\n", "[me]\n", "[__internal__]\n", "[__internal__.x]\n", 'profile = "me"\n', "key = 1\n",
    'key = ""\n', 'host = "x"\n', "me = 1\n", "new = 1\n", "[[me]]\n", "[me.key]\n",
    "me.key = 1\n", "[b]  # x\n", "[ 'b' ]\n", '["me"]\n', "key = 'x:y'\n", 'keyed = "x:y"\n',
    "host = 'api.x'\n", "key.x = 1\n", "[me.x]\n", "\ufeff", "é", "\u2028", "\ud800",
    "1979-05-27", "[" * 999,
]  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """Return a store with a few accidents."""
    text = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 3)):
        at, to = sorted(chance.choices(range(len(text) + 1), k=2))
        match chance.randrange(6):
            case 0:
                text = text[:at]
            case 1:
                text = text[:at] + text[to:]
            case 2:
                text = text[:to] + text[at:to] + text[to:]
            case 3:
                lines = text.splitlines(keepends=True)
                chance.shuffle(lines)
                text = "".join(lines)
            case _:
                text = text[:at] + chance.choice(PIECES) + text[at:]
    content = bytearray(text.encode("utf-8", "surrogatepass"))
    if content and chance.random() < 0.1:
        content[chance.randrange(len(content))] = chance.randrange(256)
    return bytes(content)


@pytest.mark.fire
def test_mutated_stores(
    home: Home, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    monkeypatch.chdir(home.path)
    # `exec` would replace this process, `on` looks for the shell that started it, and `edit` starts
    # an editor.
    lines = [line for line in LINES if line[0] not in {"exec", "on", "edit"}]
    tries = 20_000 if LONG else 600
    first = seed(0)
    refused = readable = 0
    for number in range(first, first + tries):
        chance = random.Random(number)
        content = mutated(chance)
        line = chance.choice(lines)
        if SHORT_NAME.search(content):
            continue
        home.write(content)
        os.utime(home.store, (number, number))
        before = state(home.store)
        code, stdout, stderr = home.here("profile", *line, stdin=KEYS["a"])
        try:
            check(line, code, stdout, stderr)
            if code:
                refused += 1
                assert state(home.store) == before
            try:
                store.read(str(home.store))
                readable += 1
            except StoreError:
                assert home.store.read_bytes() == content
        except AssertionError as error:
            raise AssertionError(f"try {number}: {line} on {content!r}") from error
    assert readable > tries / 10
    figure(
        f"hostile stores: {tries} mutated stores, {readable} of them stores after all, "
        f"{refused} commands refused, nothing rewritten by them "
        f"(seed {first})"
    )


@pytest.mark.fire
def test_the_index_of_a_mutated_store_says_what_the_store_says(
    home: Home, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    monkeypatch.chdir(home.path)
    tries = 10_000 if LONG else 300
    first = seed(0)
    asked = read = 0
    indexes = home.path / ".local" / "state" / "falenv"
    recall = index.from_index

    def counted(*arguments: Any) -> index.Indexed | None:
        nonlocal read
        found = recall(*arguments)
        read += found is not None
        return found

    for number in range(first, first + tries):
        chance = random.Random(number)
        home.write(mutated(chance))
        os.utime(home.store, (number, number))
        shutil.rmtree(indexes, ignore_errors=True)
        whole = ["profile", "env", "--shell", "bash"]
        lines = [["profile", "env", name, *whole[2:], "--exports-only"] for name in ("me", "b")]
        told = [home.here(*line) for line in [*lines, whole]]  # the last leaves an index
        with mock.patch("falenv.index.from_index", counted):
            again = [home.here(*line) for line in [*lines, whole]]
        assert again == told, (number, home.store.read_bytes())
        asked += len(again)
    assert read > asked / 10
    figure(
        f"hostile stores: {tries} mutated stores and their indexes, asked {asked} times: "
        f"{read} indexes read, the same said (seed {first})"
    )
