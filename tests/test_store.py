"""The store under fire: killed writers, full disks, many writers, odd files, the official CLI."""

from __future__ import annotations

import json
import os
import random
import signal
import stat
import subprocess
import time
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import tomlkit
from conftest import HOLD, KEYS, LONG, SCRIPTS, reaches_us, seed, unprivileged
from driver import needs

from falenv.paths import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home

FAL = str(SCRIPTS / "fal")
SECRET = "fakeme"  # of the key in every store here

#: A store as people write them. Every byte that no edit is about has to stay.
WRITTEN = f"""\
# my accounts
check_updates = false  # a global

[__internal__]
team = "acme"
profile = "me"    # where I work

# the company's
[me]
key = "{KEYS["me"]}" # rotated in May
region = 'eu'

# for pictures
[comfy]
key   = '{KEYS["comfy"]}'
[comfy.limits]
daily = 5

# the end
"""


def modes(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- Writing -------------------------------------------------------------------------------------

EDIT_FOR_EVER = """
import sys
from falenv import store
number = 0
while True:
    number += 1
    def change(data):
        data["me"]["count"] = number
    store.edit(sys.argv[1], change)
    if number == 1:
        print("going", flush=True)
"""


@pytest.mark.fire
def test_case_38_a_killed_writer_leaves_the_old_store_or_the_new(
    home: Home, figure: Callable[[str], None]
) -> None:
    home.write(WRITTEN)
    rest = WRITTEN.replace("region = 'eu'\n", "region = 'eu'\ncount = {}\n")
    chance = random.Random(seed(38))
    tries = 1000 if LONG else 12
    edits = 0
    for _ in range(tries):
        writer = home.python(EDIT_FOR_EVER, home.store)
        with writer:
            assert writer.stdout
            assert writer.stdout.readline() == "going\n"
            time.sleep(chance.uniform(0, 0.03))
            writer.kill()
        text = home.store.read_text()
        count = text.partition("count = ")[2].partition("\n")[0]
        assert text == rest.format(int(count))
        edits += int(count)
    # A leftover of the killed hinders nobody, and is gone with the next edit.
    assert home.fal("set", "comfy").returncode == 0
    assert {path.name for path in home.store.parent.iterdir()} <= {
        "config.toml",
        ".config.toml.lock",
        f".config.toml.index-{PROTOCOL}",
    }
    figure(f"killed writers: {tries}, after {edits} edits, each store whole")


@pytest.mark.parametrize(
    "arguments", [("set", "comfy"), ("create", "new"), ("key", "me", "--stdin"), ("delete", "me")]
)
def test_case_38_a_file_size_limit_leaves_the_old_store(
    home: Home, arguments: tuple[str, ...]
) -> None:
    text = WRITTEN + "#" * 1024
    home.write(text)
    limited = ["-c", 'ulimit -f 1; exec "$@"', "bash", FAL, "profile", *arguments]
    ended = home.run(needs("bash"), *limited, stdin=KEYS["a"])
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(
        f"falenv: {home.store}: could not write the store: File too large; "
    )
    assert ended.stderr.count("\n") == 1
    assert home.store.read_text() == text
    assert [path.name for path in home.store.parent.glob(".config.toml.falenv")] == []


def test_case_38_a_full_disk_leaves_the_old_store(home: Home) -> None:
    reaches_us([needs("unshare"), "-rm"])
    unshare = [needs("unshare"), "-rm", needs("bash"), "-c"]
    home.store.parent.mkdir()
    mount = 'mount -t tmpfs -o size=16k none "$HOME/.fal" || exit 99; '
    if home.run(*unshare, mount).returncode:
        pytest.skip("no user namespaces here, to mount a small disk in")
    ended = home.run(
        *unshare,
        f"""{mount} printf '[me]\\nkey = "{KEYS["me"]}"\\n# {"x" * 5000}\\n' > ~/.fal/config.toml
        cp ~/.fal/config.toml ~/before; cat /dev/zero > ~/.fal/fill 2>/dev/null
        "{FAL}" profile create new; echo "exit $?"; cmp ~/.fal/config.toml ~/before && ls -A ~/.fal
        """,
    )
    assert ended.stdout.split("\n") == ["exit 1", ".config.toml.lock", "config.toml", "fill", ""]
    assert "could not write the store: No space left on device" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_case_38_a_read_only_folder_leaves_the_old_store(home: Home) -> None:
    home.write(WRITTEN)
    home.store.parent.chmod(0o500)
    try:
        ended = home.run(*unprivileged(), FAL, "profile", "set", "comfy")
    finally:
        home.store.parent.chmod(0o700)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "could not write the store: Permission denied" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert home.store.read_text() == WRITTEN


def test_case_38_no_permission_to_read(home: Home) -> None:
    home.write(WRITTEN, mode=0)
    for arguments in (("list",), ("set", "comfy"), ("env", "--shell", "bash")):
        ended = home.run(*unprivileged(reads_all=False), FAL, "profile", *arguments)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert f"{home.store}: could not read the store: Permission denied; " in ended.stderr
        assert ended.stderr.count("\n") == 1
    home.store.chmod(0o600)
    assert home.store.read_text() == WRITTEN


WRITERS = """
import os, sys
from falenv import store
path, count = sys.argv[1], int(sys.argv[2])
ready, go = os.pipe()
children = []
for number in range(count):
    child = os.fork()
    if not child:
        os.close(go)
        os.read(ready, 1)  # until all are there
        def change(data):
            data[f"p{number}"] = {"key": f"id{number}:fake"}
        store.edit(path, change)
        os._exit(0)
    children.append(child)
os.close(ready), os.close(go)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


def test_case_39_fifty_writers_at_once_lose_nothing(home: Home) -> None:
    home.write(WRITTEN)
    writers = home.python(WRITERS, home.store, "50")
    _, stderr = writers.communicate(timeout=60)
    assert (writers.returncode, stderr) == (0, "")
    listed = json.loads(home.fal("list", "--json").stdout)["profiles"]
    names = {profile["profile"] for profile in listed}
    assert names == {"me", "comfy", *(f"p{number}" for number in range(50))}
    assert home.store.read_text().startswith(WRITTEN)


def test_case_39_eight_command_lines_at_once_lose_nothing(home: Home) -> None:
    started = [
        subprocess.Popen(
            [FAL, "profile", "create", f"p{number}"],
            env=home.variables,
            cwd=home.path,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(8)
    ]
    ends = [(process.communicate(timeout=60)[1], process.returncode) for process in started]
    assert ends == [("", 0)] * 8
    listed = json.loads(home.fal("list", "--json").stdout)["profiles"]
    assert {profile["profile"] for profile in listed} == {f"p{number}" for number in range(8)}


IMPATIENT = """
import sys
from falenv import store
from falenv.__main__ import main
store.LOCK_SECONDS = 0.4
sys.exit(main())
"""


def test_case_39_a_held_lock_is_waited_for_and_its_holder_named(home: Home) -> None:
    home.write(WRITTEN)
    with home.python(HOLD, home.store) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "holding\n"

        begin = time.monotonic()
        impatient = home.python(IMPATIENT, "profile", "create", "new")
        stdout, stderr = impatient.communicate(timeout=30)
        assert time.monotonic() - begin > 0.4
        assert (impatient.returncode, stdout) == (1, "")
        assert stderr == (
            f"falenv: {home.store}: process {holder.pid} has locked the store for more than "
            "0.4 seconds; wait until that process ends, then try again\n"
        )
        assert home.store.read_text() == WRITTEN
        assert home.fal("list").returncode == 0  # reading needs no lock

        patient = subprocess.Popen([FAL, "profile", "create", "new"], env=home.variables)
        time.sleep(0.5)
        assert patient.poll() is None
        holder.communicate("\n\n", timeout=30)
        assert (patient.wait(30), holder.returncode) == (0, 0)
    listed = json.loads(home.fal("list", "--json").stdout)["profiles"]
    assert [profile["profile"] for profile in listed] == ["me", "comfy", "held", "new"]


def test_case_39_a_queue_that_moves_is_waited_for(home: Home) -> None:
    home.write(WRITTEN)
    with home.python(HOLD, home.store) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with home.python(IMPATIENT, "profile", "create", "new") as impatient:
            for _ in range(20):
                time.sleep(0.1)
                home.store.with_name(".config.toml.lock").touch()  # as each who takes it does
            assert impatient.poll() is None
            holder.communicate("\n", timeout=30)
            assert impatient.communicate(timeout=30)[1] == ""
    assert (holder.returncode, impatient.returncode) == (0, 0)


def test_case_39_a_killed_holder_holds_nothing(home: Home) -> None:
    home.write(WRITTEN)
    with home.python(HOLD, home.store) as holder:
        assert holder.stdout
        holder.stdout.readline()
        holder.send_signal(signal.SIGKILL)
    begin = time.monotonic()
    assert home.fal("set", "comfy").returncode == 0
    assert time.monotonic() - begin < 5


def test_case_40_the_store_is_made_private(home: Home) -> None:
    ended = home.run(needs("bash"), "-c", 'umask 0; exec "$@"', "bash", FAL, "profile", "set", "me")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (modes(home.store), modes(home.store.parent)) == (0o600, 0o700)
    assert {modes(path) for path in home.store.parent.iterdir()} == {0o600}


def test_case_40_a_store_open_to_others_is_closed_with_one_notice(home: Home) -> None:
    home.write(WRITTEN, mode=0o644)
    first, second = home.fal("set", "comfy"), home.fal("set", "me")
    assert modes(home.store) == 0o600
    assert first.stderr == (f"falenv: other users could access {home.store}; it is private now\n")
    assert second.stderr == ""


def test_case_40_a_store_open_to_others_is_closed_by_an_edit_that_changes_nothing(
    home: Home,
) -> None:
    home.write(WRITTEN, mode=0o644)
    assert "it is private now" in home.fal("set", "me").stderr
    assert modes(home.store) == 0o600
    assert home.store.read_text() == WRITTEN


def test_case_40_a_symlinked_store_stays_a_symlink(home: Home) -> None:
    dotfiles = home.path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "fal.toml").write_text(WRITTEN)
    (dotfiles / "fal.toml").chmod(0o600)
    home.store.parent.mkdir()
    home.store.symlink_to("../dotfiles/fal.toml")
    assert home.fal("set", "comfy").returncode == 0
    assert home.store.readlink().as_posix() == "../dotfiles/fal.toml"
    changed = WRITTEN.replace('profile = "me"', 'profile = "comfy"')
    assert (dotfiles / "fal.toml").read_text() == changed
    assert home.fal("list").stderr == ""


def test_case_40_a_symlink_to_a_store_that_is_not_there_yet(home: Home) -> None:
    home.store.parent.mkdir()
    home.store.symlink_to("../dotfiles/fal.toml")
    assert home.fal("set", "me").returncode == 0
    assert home.store.is_symlink()
    assert modes(home.path / "dotfiles" / "fal.toml") == 0o600


@pytest.mark.parametrize(
    ("arguments", "old", "new"),
    [
        (("set", "comfy"), 'profile = "me"    #', 'profile = "comfy"    #'),
        (("unset",), 'profile = "me"    # where I work\n', ""),
        (("key", "--stdin"), KEYS["me"], KEYS["a"]),
        (("key", "comfy", "--stdin"), f"'{KEYS['comfy']}'", f'"{KEYS["a"]}"'),
        (
            ("host", "api.fal.ai"),
            "region = 'eu'\n",
            "region = 'eu'\nhost = \"api.fal.ai\"\n",
        ),
        (
            ("delete", "comfy"),
            f"# for pictures\n[comfy]\nkey   = '{KEYS['comfy']}'\n[comfy.limits]\ndaily = 5\n\n",
            "",
        ),
        (("set", "new"), None, "\n[new]\n"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_case_41_an_edit_keeps_all_that_it_is_not_about(
    home: Home, arguments: tuple[str, ...], old: str | None, new: str, end: str
) -> None:
    home.write(WRITTEN.replace("\n", end))
    ended = home.fal(*arguments, stdin=KEYS["a"])
    assert (ended.returncode, ended.stderr) == (0, "")
    if old is None:
        wanted = WRITTEN.replace('profile = "me"', 'profile = "new"') + new
    else:
        assert WRITTEN.count(old) == 1
        wanted = WRITTEN.replace(old, new)
    assert home.store.read_bytes().decode() == wanted.replace("\n", end)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_case_41_a_last_line_that_nothing_ends(home: Home, end: str) -> None:
    text = f'[__internal__]\nprofile = "me"\n[me]\n{KEY}x.y.z = 1  # the end'.replace("\n", end)
    home.write(text)
    ended = home.fal("host", "api.fal.ai")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert home.store.read_bytes().decode() == f'{text}{end}host = "api.fal.ai"'


def test_case_41_an_edit_that_went_wrong_is_not_written(home: Home) -> None:
    written = WRITTEN.replace("\n", "\r\n")  # for tomlkit
    home.write(written)
    dumps = tomlkit.dumps

    def wrong(document: tomlkit.TOMLDocument) -> str:
        text = dumps(document)
        return text.replace(KEYS["me"], KEYS["comfy"]) if 'profile = "comfy"' in text else text

    with mock.patch("tomlkit.dumps", wrong):
        code, stdout, stderr = home.here("profile", "set", "comfy")
    assert (code, stdout) == (1, "")
    assert "falenv cannot edit this store" in stderr
    assert home.store.read_bytes().decode() == written


def test_case_41_a_text_that_looks_like_a_table_is_not_edited(home: Home) -> None:
    text = f'about = """\n[me]\n{KEY}"""\n[__internal__]\nprofile = "me"\n\n[me]\n{KEY}'
    home.write(text)
    assert home.fal("key", "--stdin", stdin=KEYS["a"]).returncode == 0
    head, _, tail = text.rpartition(KEYS["me"])
    assert home.store.read_text() == f"{head}{KEYS['a']}{tail}"


def test_case_41_an_unset_host_takes_only_its_line(home: Home) -> None:
    home.write(WRITTEN.replace("region", 'host = "api.fal.ai" # ours\nregion'))
    assert home.fal("host", "--unset").returncode == 0
    assert home.store.read_text() == WRITTEN
    assert home.fal("host", "--unset").returncode == 0


@pytest.mark.parametrize(
    "text",
    [
        'me.key = "{key}"\n[other]\n',
        'me = {{ key = "{key}" }}  # inline\n[other]\n',
        '[other]\n[me.sub]\nx = 1\n[me]\nkey = "{key}"\n',
        '[me]\nkey = "{key}"\n[other]\n[me.sub]\nx = 1\n',
        '["me"]\n"key" = """{key}"""\n[[other]]\n[other.sub]\n',
        '[ me ]\n  key = "{key}"\n\n\n  # x\n  [other]\n',
        '__internal__.profile = "me"\n[me]\nkey = "{key}"',
        '__internal__ = {{profile = "me"}}\n[me]\nkey = "{key}"\n[other]',
    ],
)
def test_case_41_toml_in_all_its_spellings(home: Home, text: str) -> None:
    home.write(text.format(key=KEYS["me"]))
    for arguments in (("set", "me"), ("key", "--stdin"), ("host", "api.fal.ai"), ("create", "new")):
        ended = home.fal(*arguments, stdin=KEYS["a"])
        assert (ended.returncode, ended.stderr) == (0, "")
    profiles = {
        profile["profile"]: profile
        for profile in json.loads(home.fal("list", "--json").stdout)["profiles"]
    }
    assert profiles["me"]["host"] == "api.fal.ai"
    assert profiles["new"]["is_default"] is True
    assert ("other" in profiles) == ("[other]" in text.replace("[[other]]", ""))
    assert ("x = 1" in text) == ("x = 1" in home.store.read_text())
    ran = home.run(FAL, "profile", "exec", "me", "--", "printenv", "FAL_KEY")
    assert ran.stdout == f"{KEYS['a']}\n"
    assert home.fal("delete", "me").returncode == 0
    assert KEYS["a"] not in home.store.read_text()


# --- Odd stores ----------------------------------------------------------------------------------

KEY = f'key = "{KEYS["me"]}"\n'
ODD: dict[str, tuple[str | bytes, str]] = {
    "no TOML": (f"[me]\n{KEY}oops\n", "(at line 3, column 5)"),
    "an open string": (f"[me]\n{KEY.rstrip()[:-1]}\n", "(at line 2, column "),
    "twice": (f"[me]\n{KEY}[me]\n", "line 3"),
    "conflict": (f"<<<<<<< HEAD\n[me]\n{KEY}", "(at line 1, column 1)"),
    "byte order mark": (b"\xef\xbb\xbf[me]\n" + KEY.encode(), "line 1: the store begins with a"),
    "not UTF-8": (b"[me]\n" + KEY.encode() + b"x = '\xe9'\n", "line 3: the store is not UTF-8"),
    "UTF-16": (f"[me]\n{KEY}".encode("utf-16"), "line 1: the store is not UTF-8"),
    "NULs": (f"[me]\n{KEY}\0\0\0\n", "line 3"),
    "a long number": (f"[me]\n{KEY}x = {'9' * 5000}\n", "a number in the store is too long"),
    "deep": (f"[me]\n{KEY}x = {'[' * 5000}\n", "nested too deeply"),
}
EVERY_COMMAND = (
    ("list",),
    ("list", "--json"),
    ("set", "me"),
    ("set", "new"),
    ("unset",),
    ("key", "--stdin"),
    ("key", "me", "--stdin"),
    ("host", "api.fal.ai"),
    ("create", "new"),
    ("delete", "me"),
    ("env", "--shell", "bash"),
    ("env", "me", "--shell", "fish", "--exports-only"),
    ("current",),
    ("current", "--name"),
    ("exec", "me", "--", "true"),
)


def refused(home: Home, *arguments: str) -> str:
    """Run a command that must fail in one clear line; return the line."""
    ended = home.run(FAL, "profile", *arguments, stdin=KEYS["a"])
    assert ended.returncode == 1, arguments
    assert ended.stdout == "", arguments
    assert ended.stderr.count("\n") == 1, arguments
    assert ended.stderr.startswith(f"falenv: {home.store}"), arguments
    assert "; " in ended.stderr, "the cure is missing"
    assert SECRET not in ended.stderr
    assert KEYS["a"] not in ended.stderr
    return ended.stderr


@pytest.mark.parametrize("odd", ODD)
def test_case_42_an_odd_store_is_explained_and_left_alone(home: Home, odd: str) -> None:
    content, said = ODD[odd]
    home.write(content)
    os.utime(home.store, (1, 1))  # nobody is just writing it
    before = home.store.read_bytes()
    # Each command on a few of them, so that all pairs of any two tests cover every command.
    commands = EVERY_COMMAND if odd == "no TOML" else EVERY_COMMAND[2:11:3]
    for arguments in commands:
        assert said in refused(home, *arguments)
    assert home.store.read_bytes() == before
    assert home.store.stat().st_mtime == 1


@pytest.mark.parametrize("kind", ["folder", "fifo", "device", "loop", "below a file"])
def test_case_42_something_else_in_the_stores_place(home: Home, kind: str) -> None:
    if kind == "below a file":
        home.store.parent.write_text("")
    else:
        home.store.parent.mkdir()
    if kind == "folder":
        home.store.mkdir()
    elif kind == "fifo":
        os.mkfifo(home.store)
    elif kind == "device":
        home.store.symlink_to("/dev/null")
    elif kind == "loop":
        home.store.symlink_to(home.store)
    said = {
        "folder": ": the store is a folder; ",
        "fifo": ": the store is not a regular file",
        "device": ": the store is not a regular file",
        "loop": "Too many levels of symbolic links",
        "below a file": ("Not a directory", "File exists"),
    }[kind]
    for arguments in EVERY_COMMAND:
        line = refused(home, *arguments)
        assert any(words in line for words in ([said] if isinstance(said, str) else said))
    if kind == "below a file":
        assert home.store.parent.read_text() == ""
    else:
        assert stat.S_IFMT(home.store.lstat().st_mode) == {
            "folder": stat.S_IFDIR,
            "fifo": stat.S_IFIFO,
        }.get(kind, stat.S_IFLNK)


IN_PLACE = """
import sys, time
path, source = sys.argv[1:]
text = open(source).read()  # not an argument, which tests elsewhere see in `ps`
print("going", flush=True)
while True:
    with open(path, "wb") as file:  # as the official CLI does it: it is empty for a moment
        file.write(text.encode())
    time.sleep(0.001)
"""
READ = """
import sys
from falenv import store
for _ in range(2000):
    assert list(store.read(sys.argv[1]).profiles) == ["me", "comfy"]
"""


def test_case_42_a_store_that_is_being_written_in_place_is_read_whole(home: Home) -> None:
    home.write(WRITTEN)
    (home.path / "written").write_text(WRITTEN)
    with home.python(IN_PLACE, home.store, home.path / "written") as writer:
        assert writer.stdout
        writer.stdout.readline()
        reader = home.python(READ, home.store)
        _, stderr = reader.communicate(timeout=60)
        writer.kill()
    assert (reader.returncode, stderr) == (0, "")


# --- The official CLI, and where the store lies --------------------------------------------------


@pytest.mark.fire
def test_case_43_the_official_cli_and_ours_take_turns(home: Home, official: Path) -> None:
    home.write(f'check_updates = false\n[__internal__]\nprofile = "me"\nteam = "acme"\n[me]\n{KEY}')

    def theirs(*arguments: str) -> str:
        # With a team and a key it would ask the network for the team's name, at import.
        ended = home.run(str(official / "fal"), "profile", *arguments, FAL_FORCE_AUTH_BY_USER="1")
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout

    def ours(*arguments: str) -> str:
        ended = home.fal(*arguments, stdin=KEYS["a"])
        assert ended.returncode == 0
        return ended.stdout

    names = ["me"]
    turns = 10 if LONG else 4
    for turn in range(turns):
        theirs("create", f"theirs{turn}")
        assert f"theirs{turn}" in ours("list")
        ours("create", f"ours{turn}")
        ours("key", "--stdin")
        names += [f"theirs{turn}", f"ours{turn}"]
        if turn % 3 == 0:  # each takes a second
            listed = json.loads(theirs("list", "--json"))["profiles"]
            assert [profile["profile"] for profile in listed] == names
            assert listed[-1] == {"profile": f"ours{turn}", "is_set": True, "settings": ["key"]}
    assert json.loads(ours("list", "--json"))["profiles"][-1]["is_default"] is True
    text = home.store.read_text()
    assert 'team = "acme"' in text
    assert "check_updates = false" in text
    assert text.count(KEYS["a"]) == turns
    assert KEYS["me"] in text


def test_fal_config_path_with_a_tilde(home: Home) -> None:
    ended = home.fal("set", "me", FAL_CONFIG_PATH="~/else where/fal.toml")
    assert ended.returncode == 0
    assert "[me]" in (home.path / "else where" / "fal.toml").read_text()
    assert not home.store.exists()
    ended = home.fal("current", FAL_CONFIG_PATH="~/else where/fal.toml")
    assert ended.stdout.startswith(f"me (the default in {home.path}/else where/fal.toml)\n")


def test_an_empty_fal_config_path_counts_as_none(home: Home) -> None:
    assert home.fal("set", "me", FAL_CONFIG_PATH="").returncode == 0
    assert home.store.exists()


def test_a_deleted_current_folder(home: Home) -> None:
    home.profiles("a", default="a")
    gone = 'mkdir gone; cd gone; rmdir ../gone; "$@"; echo "exit $?"'
    for arguments in (("list",), ("set", "a"), ("current",)):
        ended = home.run(needs("bash"), "-c", gone, "bash", FAL, "profile", *arguments)
        assert ended.stdout.endswith("exit 0\n")
        assert "Traceback" not in ended.stderr
    relative = home.run(
        needs("bash"), "-c", gone, "bash", FAL, "profile", "set", "a", FAL_CONFIG_PATH="fal.toml"
    )
    assert relative.stdout == "exit 1\n"
    assert relative.stderr.count("\n") == 1
    assert "Traceback" not in relative.stderr
