"""A store that can be written but not replaced: a mount of a single file, a closed folder."""

from __future__ import annotations

import itertools
import os
import random
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from conftest import KEYS, SCRIPTS, Home, MountedHome, can_mount, seed, unprivileged

from falenv import files, store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Kind

FAL = str(SCRIPTS / "fal")
OLD = b'[__internal__]\nprofile = "a"\n\n[a]\nkey = "1:a"\n\n[b]\nkey = "2:b"\n'
#: Longer, shorter, of the same size, and nothing at all.
TEXTS = {
    "longer": OLD + b'\n[c]\nkey = "3:c"\nhost = "api.fal.ai"\n',
    "shorter": OLD[: OLD.index(b"\n[b]")],
    "same": OLD.replace(b'profile = "a"', b'profile = "b"'),
    "empty": b"",
}
PAIRS = [(OLD, new) for new in TEXTS.values()] + [(new, OLD) for new in TEXTS.values()]


@pytest.fixture
def mounted(tmp_path: Path) -> MountedHome:
    can_mount()
    path = tmp_path / "it's $(here)"
    path.mkdir()
    return MountedHome(path)


@pytest.fixture
def states(tmp_path: Path) -> Callable[[bytes, bytes], list[bytes]]:
    """Return what the file is before and after each byte that `overwrite` writes, in order."""

    def found(old: bytes, new: bytes) -> list[bytes]:
        steps: list[tuple[bytes, int]] = []
        path = tmp_path / "states"
        path.write_bytes(old)
        path.chmod(0o600)

        def pwrite(_: int, text: bytes, offset: int) -> int:
            steps.append((text, offset))
            return len(text)

        with (
            mock.patch("os.pwrite", pwrite),
            mock.patch("os.ftruncate", lambda _, size: steps.append((b"", size))),
            mock.patch("falenv.files._renew_mtime"),
        ):
            files.overwrite(str(path), old, new)
        path.unlink()
        contents = [old]
        for text, offset in steps:
            now = contents[-1]
            if not text:
                contents.append(now[:offset])
            contents += [
                now[:offset] + text[:end] + now[offset + end :] for end in range(1, len(text) + 1)
            ]
        assert contents[-1] == new
        return contents

    return found


def second_step(states: list[bytes]) -> list[bytes]:
    """Return the states in which the record is complete and still there."""
    longest = max(map(len, states))
    return [state for state in states if len(state) == longest]


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_case_75_whatever_a_crash_leaves_the_next_read_repairs(
    home: Home, old: bytes, new: bytes, states: Callable[[bytes, bytes], list[bytes]]
) -> None:
    path = home.write(old)
    found = []
    with mock.patch("os.fsync"):
        for state in states(old, new):
            path.write_bytes(state)
            os.utime(path, (1, 1))  # long ago, so nobody is asked who has the file open
            assert files.is_unfinished(state) == (state not in {old, new})
            found.append(store.read(str(path)).text.encode())
            assert path.read_bytes() == found[-1]
    # First the old text, then the new one, and never back.
    assert [text for text, _ in itertools.groupby(found)] == list(dict.fromkeys([old, new]))
    assert set(os.listdir(path.parent)) == {"config.toml", ".config.toml.lock"}


@pytest.mark.parametrize(("old", "new"), PAIRS)
def test_case_75_a_disk_may_have_taken_any_part_of_a_step(
    home: Home, old: bytes, new: bytes, states: Callable[[bytes, bytes], list[bytes]]
) -> None:
    chance = random.Random(seed(75))
    written = second_step(states(old, new))
    before, after = written[0], written[-1]
    for _ in range(50):
        size = chance.choice([1, 7, 16])
        places = range(0, len(before), size)
        parts = [chance.choice([before, after])[at : at + size] for at in places]
        path = home.write(b"".join(parts))
        assert store.read(str(path)).text.encode() == new
        assert path.read_bytes() == new


def test_case_75_the_next_edit_repairs_too(
    home: Home, states: Callable[[bytes, bytes], list[bytes]]
) -> None:
    for state in second_step(states(OLD, TEXTS["longer"]))[::10]:
        home.write(state)
        assert home.here("profile", "set", "b")[::2] == (0, "")
        assert home.store.read_bytes() == TEXTS["longer"].replace(b'= "a"', b'= "b"')


@pytest.mark.parametrize("change", ["beginning", "record", "end"])
def test_case_75_a_text_that_someone_changed_since_is_kept(
    home: Home, change: str, states: Callable[[bytes, bytes], list[bytes]]
) -> None:
    written = second_step(states(OLD, TEXTS["longer"]))
    state = written[len(written) * 3 // 4]
    changed = {
        "beginning": state.replace(b"1:a", b"9:z", 1),
        "record": state.replace(b"3:c", b"9:z"),
        "end": state[:-1],
    }[change]
    assert changed != state
    home.write(changed)
    for line in ("list", "set b", "env --shell bash"):
        code, stdout, stderr = home.here("profile", *line.split())
        assert (code, stdout) == (1, "")
        number = changed[: changed.index(b"\1")].count(b"\n") + 1
        assert stderr == (
            f"falenv: {home.store}, line {number}: an edit was interrupted, and another program "
            "has changed the store since; in an editor, keep one of the texts that ^A (Ctrl-A) "
            "characters separate\n"
        )
        assert home.store.read_bytes() == changed


def test_case_75_a_stray_character_is_no_interrupted_edit(home: Home) -> None:
    home.write(b"\1" + OLD)
    code, stdout, stderr = home.here("profile", "list")
    assert (code, stdout) == (1, "")
    assert "the store is not valid TOML" in stderr
    assert home.store.read_bytes() == b"\1" + OLD
    assert os.listdir(home.store.parent) == ["config.toml"]


def test_case_75_the_official_cli_uses_no_unfinished_store(
    home: Home, official: Path, states: Callable[[bytes, bytes], list[bytes]]
) -> None:
    written = second_step(states(OLD, TEXTS["longer"]))
    state = home.write(written[len(written) // 2]).read_bytes()
    for line in ("list", "set b"):
        ended = home.run(str(official / "fal"), "profile", *line.split())
        assert ended.returncode != 0
        assert home.store.read_bytes() == state
    # Before it gets anything to do from falenv, falenv reads the store.
    path = f"{official}:{home.variables['PATH']}"
    ended = home.run(str(SCRIPTS / "falenv"), "--help", PATH=path)
    ended = home.run(str(SCRIPTS / "falenv"), "app", "--help", PATH=path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert home.store.read_bytes() == TEXTS["longer"]


def test_case_75_no_repair_where_nothing_can_be_written(
    mounted: MountedHome, states: Callable[[bytes, bytes], list[bytes]]
) -> None:
    written = second_step(states(OLD, TEXTS["longer"]))
    state = mounted.write(written[len(written) // 2]).read_bytes()
    read_only = 'mount -o remount,bind,ro ~/.fal/config.toml && exec "$@"'
    for line in ("list", "env --shell bash"):
        ended = mounted.run("bash", "-c", read_only, "bash", FAL, "profile", *line.split())
        assert (ended.returncode, ended.stdout[:1]) == (1, "")
        assert ended.stderr == (
            f"falenv: {mounted.path}/.fal/config.toml: an edit of the store was interrupted, and "
            "completing it failed: Read-only file system; when the store and its folder can be "
            "written, run: fal profile list\n"
        )
    assert mounted.store.read_bytes() == state


@pytest.mark.parametrize(
    "line", ["set b", "create c", "key b --stdin", "host api.alpha.fal.ai", "delete b", "unset"]
)
def test_case_75_a_mounted_file_is_written_in_place(mounted: MountedHome, line: str) -> None:
    text = f'# mine\n[__internal__]\nprofile = "a"\n\n[a]\nkey = "{KEYS["a"]}"\n\n[b]\n'
    store_file = mounted.write(text, mode=0o644)
    before = store_file.stat()
    ended = mounted.fal(*line.split(), stdin=KEYS["c"])
    usual = Home(mounted.path.parent / "usual")
    usual.path.mkdir()
    usual.write(text)
    expected = usual.fal(*line.split(), stdin=KEYS["c"])
    assert (ended.returncode, ended.stdout) == (0, expected.stdout)
    store_path = mounted.path / ".fal" / "config.toml"
    notice = f"falenv: other users could access {store_path}; it is private now\n"
    assert ended.stderr == notice + expected.stderr
    assert store_file.read_text() == usual.store.read_text() != text
    after = store_file.stat()
    assert (after.st_ino, after.st_uid, after.st_mode & 0o777) == (
        before.st_ino, before.st_uid, 0o600
    )  # fmt: skip
    assert sorted(os.listdir(store_path.parent)) == [".config.toml.lock", "config.toml"]


def test_case_75_shells_follow_a_mounted_file(
    mounted: MountedHome, kind: Kind, states: Callable[[bytes, bytes], list[bytes]]
) -> None:
    mounted.profiles("a", "b", default="a")
    shell = mounted.shell(kind, kind.eval_line(), prefix=mounted.prefix)
    try:
        assert shell.get("FAL_KEY") == KEYS["a"]
        inode = mounted.store.stat().st_ino
        for name in "babab":  # of the same size each time
            assert mounted.fal("set", name).returncode == 0
            shell.talk("")
            assert shell.get("FAL_KEY") == KEYS[name]
        shell.talk("fal profile set a")
        assert shell.get("FAL_KEY") == KEYS["a"]
        old = mounted.store.read_bytes()
        written = second_step(states(old, old.replace(b'profile = "a"', b'profile = "b"')))
        mounted.write(written[len(written) // 2])
        shell.talk("")
        assert shell.get("FAL_KEY") == KEYS["b"]
        assert b"\1" not in mounted.store.read_bytes()
        assert mounted.store.stat().st_ino == inode
    finally:
        shell.close()


def test_case_75_a_folder_that_takes_no_new_file(home: Home) -> None:
    home.profiles("a", "b", default="a")
    assert home.fal("set", "b").returncode == 0  # which makes the lock file
    inode = home.store.stat().st_ino
    home.store.parent.chmod(0o500)
    try:
        ended = home.run(*unprivileged(), FAL, "profile", "set", "a")
    finally:
        home.store.parent.chmod(0o700)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert 'profile = "a"' in home.store.read_text()
    assert home.store.stat().st_ino == inode


def test_case_75_a_folder_that_takes_no_lock_file(mounted: MountedHome) -> None:
    mounted.profiles("a", "b", default="a")
    before = mounted.store.read_text()
    mount = """mount -t tmpfs none ~/.fal && cp ~/outside/config.toml ~/.fal &&
        mount --bind ~/outside/config.toml ~/.fal/config.toml &&
        mount -o remount,ro ~/.fal && : >>~/.fal/config.toml && exec "$@" """
    ended = mounted.run("bash", "-c", mount, "bash", FAL, "profile", "set", "b")
    folder = mounted.path / ".fal"
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"falenv: {folder}/config.toml: could not write the store: Read-only file system "
        f"({folder}/.config.toml.lock); nothing was changed; make that folder writable, or if only "
        "the store is mounted, mount its folder\n"
    )
    assert mounted.store.read_text() == before


def test_case_75_a_mounted_file_that_was_replaced_outside(mounted: MountedHome) -> None:
    mounted.profiles("a", "b", default="a")
    before = mounted.store.read_text()
    replace = 'cp ~/outside/config.toml ~/new && mv ~/new ~/outside/config.toml && exec "$@"'
    ended = mounted.run("bash", "-c", replace, "bash", FAL, "profile", "set", "b")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"falenv: {mounted.path}/.fal/config.toml: could not write the store: the mounted file was "
        "deleted or replaced outside; mount its folder instead; nothing was changed; fix this and "
        "try again\n"
    )
    assert mounted.store.read_text() == before


def test_case_75_a_full_disk_below_the_mount(mounted: MountedHome) -> None:
    mounted.write(b"")
    ended = mounted.run(
        "bash", "-c",
        f"""mkdir ~/small && mount -t tmpfs -o size=16k none ~/small || exit 99
        printf '[me]\\nkey = "{KEYS["me"]}"\\n# %05000d\\n' 0 > ~/small/config.toml
        mount --bind ~/small/config.toml ~/.fal/config.toml || exit 99
        cp ~/small/config.toml ~/before; cat /dev/zero > ~/small/fill 2>/dev/null
        "{FAL}" profile create new; echo "exit $?"; cmp ~/small/config.toml ~/before && ls -A ~/.fal
        """,
    )  # fmt: skip
    assert ended.stdout.split("\n") == ["exit 1", ".config.toml.lock", "config.toml", ""]
    assert "could not write the store: No space left on device" in ended.stderr
    assert ended.stderr.count("\n") == 1


def busy(*_: object) -> None:
    raise OSError(16, "Device or resource busy")


def test_case_75_a_store_that_is_too_large(home: Home) -> None:
    home.profiles("a", "b", default="a")
    with mock.patch("os.replace", busy), mock.patch("falenv.files.LARGEST", 400):
        code, stdout, stderr = home.here("profile", "set", "b")
    assert (code, stdout) == (1, "")
    assert "the file is too large to be written in place; mount its folder instead" in stderr
    assert 'profile = "a"' in home.store.read_text()


def test_case_75_a_device_that_fails_half_way(home: Home) -> None:
    home.profiles("a", "b", default="a")
    pwrite = os.pwrite

    def failing(descriptor: int, text: bytes, offset: int) -> int:
        if offset == 0:
            raise OSError(5, "Input/output error")
        return pwrite(descriptor, text, offset)

    with mock.patch("os.replace", busy), mock.patch("os.pwrite", failing):
        code, stdout, stderr = home.here("profile", "set", "b")
    assert (code, stdout) == (1, "")
    assert stderr == (
        f"falenv: {home.store}: an edit of the store was interrupted, and completing it failed: "
        "Input/output error; when the store and its folder can be written, run: fal profile list\n"
    )
    assert home.here("profile", "current", "--name") == (0, "b\n", "")
    assert "\1" not in home.store.read_text()


def test_case_75_a_write_in_place_within_one_tick_is_seen(home: Home) -> None:
    """Every write gets the time of the last tick of a slow clock."""
    home.write(OLD)

    def ticking(function: Callable[..., Any]) -> Callable[..., Any]:
        def called(descriptor: int, *rest: Any) -> Any:
            result = function(descriptor, *rest)
            now = time.time_ns() // 10**8 * 10**8
            utime(descriptor, ns=(now, now))
            return result

        return called

    utime = os.utime
    times = []
    texts = [OLD, TEXTS["same"]] * 4
    with (
        mock.patch("os.pwrite", ticking(os.pwrite)),
        mock.patch("os.ftruncate", ticking(os.ftruncate)),
        mock.patch("os.utime", ticking(lambda _: None)),
    ):
        for old, new in itertools.pairwise(texts):
            status = files.overwrite(str(home.store), old, new)
            assert status
            times.append(status.st_mtime_ns)
    assert len(set(times)) == len(times)
    assert home.store.stat().st_mtime_ns == times[-1]


#: Writes the file in place again and again, as the official CLI does, until a line comes.
RIVAL = """
import os, select, sys, time
texts = ["# rival %d\\n" % number * 300 for number in range(2)]
count = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.002)[0]:
    with open(sys.argv[1], "w") as file:
        time.sleep(0.002)
        file.write(texts[count % 2])
    count += 1
print(count)
"""


def test_case_75_another_program_that_writes_in_place_waits(home: Home) -> None:
    home.write(b"")
    rival = home.python(RIVAL, home.store)
    assert rival.stdout
    assert rival.stdout.readline() == "ready\n"
    mine = OLD * 20
    theirs = [b"# rival %d\n" % number * 300 for number in range(2)]
    written = 0
    until = time.monotonic() + 2
    while time.monotonic() < until:
        for text in theirs:
            written += files.overwrite(str(home.store), text, mine) is not None
        content = home.store.read_bytes()  # half of theirs is empty
        assert content in {b"", mine, *theirs}
    stdout, stderr = rival.communicate("\n", timeout=30)
    assert stderr == ""
    assert int(stdout) > 20
    assert written > 5


#: Lets no file be replaced, and edits the store until a line comes: each time another default.
EDITOR = """
import errno, fcntl, itertools, os, select, sys
from falenv import store
def busy(old, new):
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
def no_lease(*_):
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
os.replace = busy
if sys.argv[2] == "no lease":
    fcntl.fcntl = no_lease
print("ready", flush=True)
for count in itertools.count():
    def change(data):
        data["__internal__"]["profile"] = "ab"[count % 2]
    store.edit(sys.argv[1], change)
    if select.select([sys.stdin], [], [], 0.005)[0]:
        break
print(count)
"""


@pytest.mark.parametrize("lease", ["lease", "no lease"])
def test_case_75_a_reader_sees_only_whole_stores(home: Home, lease: str) -> None:
    home.write(OLD)
    editor = home.python(EDITOR, home.store, lease)
    assert editor.stdout
    assert editor.stdout.readline() == "ready\n"
    texts = [OLD.decode(), TEXTS["same"].decode()]
    found = set()
    refused = mock.patch("fcntl.fcntl", side_effect=OSError(22, "Invalid argument"))
    until = time.monotonic() + 2
    with refused if lease == "no lease" else nullcontext():
        while time.monotonic() < until:
            found.add(store.read(str(home.store)).text)
    stdout, stderr = editor.communicate("\n", timeout=30)
    assert stderr == ""
    assert int(stdout) > 5
    assert found == set(texts)
