"""Many at once: writers, readers, the official CLI in between, and one that stopped half-way."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from conftest import HOLD, LONG, SCRIPTS

from falenv import store
from falenv.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path
    from typing import Any

    from conftest import Home

WRITERS, EDITS, READERS = (50, 20, 4) if LONG else (10, 6, 2)
#: More than one buffer of a program that writes in place.
BYSTANDERS = {f"bystander{number}": f"id{number}:{'fake':0<60}" for number in range(120)}
STORE = '[__internal__]\nprofile = "bystander0"\n' + "".join(
    f'\n[{name}]\nkey = "{key}"\n' for name, key in BYSTANDERS.items()
)


def keys(found: store.Store) -> dict[str, str | None]:
    return {name: profile.key for name, profile in found.profiles.items()}


def end(process: subprocess.Popen[str]) -> str:
    """Let a process come to its end, which must be a good one; return what it printed."""
    stdout, stderr = process.communicate("", timeout=600)
    assert (process.returncode, stderr) == (0, "")
    return stdout


#: The profile `p3` counts up, for ever or to a number. Another profile's change must never be lost.
WRITE = """
import sys
from falenv import store
path, name, edits = sys.argv[1], sys.argv[2], int(sys.argv[3])
for number in range(1, edits + 1):
    def change(data):
        table = data.setdefault(name, {})
        assert table.get("key", "0:fake") == f"{number - 1}:fake", (name, number, table)
        table["key"] = f"{number}:fake"
    store.edit(path, change)
"""

#: Reads until the end of standard input; what it reads must be whole, and never older than before.
READ = """
import select, sys
from falenv import store
path, least = sys.argv[1], int(sys.argv[2])
reads, seen = 0, {}
while not select.select([sys.stdin], [], [], 0.002)[0]:
    profiles = store.read(path).profiles
    reads += 1
    bystanders = [name for name in profiles if name.startswith("bystander")]
    assert len(bystanders) == least, (reads, len(bystanders), len(profiles))
    counts = {
        name: int(profile.key.partition(":")[0])
        for name, profile in profiles.items()
        if name.startswith("p")
    }
    if sys.argv[3] == "ours":
        for name, count in seen.items():
            assert counts.get(name, 0) >= count, (name, count, counts.get(name))
        seen = counts
print(reads)
"""


@pytest.mark.fire
def test_case_39_writers_and_readers(home: Home, figure: Callable[[str], None]) -> None:
    home.write(STORE)
    readers = [home.python(READ, home.store, len(BYSTANDERS), "ours") for _ in range(READERS)]
    writers = [home.python(WRITE, home.store, f"p{number}", EDITS) for number in range(WRITERS)]
    for writer in writers:
        end(writer)
    reads = sum(int(end(reader)) for reader in readers)
    wanted = {f"p{number}": f"{EDITS}:fake" for number in range(WRITERS)}
    assert keys(store.read(str(home.store))) == BYSTANDERS | wanted
    assert home.store.read_text().startswith(STORE)
    figure(
        f"concurrency: {WRITERS} writers x {EDITS} edits, none lost; "
        f"{READERS} readers, {reads} reads, all whole"
    )


#: The official CLI's own code, as each of its commands runs it: read, change, write in place.
OFFICIAL = """
import os, random, sys, time
os.environ["FAL_CONFIG_PATH"] = sys.argv[1]
from fal.config import Config
print("ready", flush=True)
done = 0
for number in range(int(sys.argv[2])):
    with Config(profile="theirs").edit() as config:
        config.set("key", f"{number}:fake")
    done += 1
    time.sleep(random.uniform(0, 0.1))
print(done)
"""


@pytest.mark.fire
def test_case_43_the_official_cli_writes_in_between(
    home: Home, official: Path, figure: Callable[[str], None]
) -> None:
    # It neither locks nor replaces: of two changes at one moment the first may be lost, ours or
    # its own. What must not be lost is all the rest: no half store may be taken for a whole one.
    home.write(STORE + '\n[theirs]\nkey = "0:fake"\n')
    times = 1000 if LONG else 60
    theirs = home.python(OFFICIAL, home.store, times, program=official / "python")
    assert theirs.stdout
    assert theirs.stdout.readline() == "ready\n"
    readers = [home.python(READ, home.store, len(BYSTANDERS), "theirs too") for _ in range(READERS)]
    edits = losses = refused = 0
    while theirs.poll() is None:

        def change(data: MutableMapping[str, Any], key: str = f"{edits}:fake") -> None:
            data.setdefault("p", {})["key"] = key

        try:
            before, _ = store.edit(str(home.store), change)
        except StoreError as error:
            assert "another program keeps writing the store" in str(error)  # noqa: PT017 - not always
            refused += 1
            continue
        mine = before.profiles.get("p")
        losses += edits > 0 and (mine is None or mine.key != f"{edits - 1}:fake")
        edits += 1
    assert end(theirs) == f"{times}\n"
    reads = sum(int(end(reader)) for reader in readers)
    found = keys(store.read(str(home.store)))
    assert {name: key for name, key in found.items() if name in BYSTANDERS} == BYSTANDERS
    assert set(found) - set(BYSTANDERS) <= {"theirs", "p"}
    assert "theirs" in found
    assert edits
    figure(
        f"concurrency: the official CLI's {times} writes in place beside {edits} of our edits "
        f"({losses} overwritten, {refused} refused) and {reads} reads: "
        "every other profile kept, every read whole"
    )


def test_case_43_a_change_made_during_an_edit_is_kept(home: Home) -> None:
    home.write(STORE)
    tries: list[int] = []

    def change(data: MutableMapping[str, Any]) -> None:
        data["ours"] = {"key": "1:fake"}
        tries.append(1)
        if len(tries) == 1:
            home.store.write_text(STORE.replace("[bystander5]", "[bystander5]\nnew = 1"))

    store.edit(str(home.store), change)
    text = home.store.read_text()
    assert "[bystander5]\nnew = 1\n" in text
    assert '[ours]\nkey = "1:fake"\n' in text


def test_case_43_half_a_store_is_not_taken_for_the_whole(home: Home) -> None:
    half = STORE[:8192].rpartition("\n[")[0]  # TOML, as far as it goes
    for begun in ("", half):
        home.write(STORE)
        with home.store.open("w") as file:
            file.write(begun)
            file.flush()
            reader = home.python(READ, home.store, len(BYSTANDERS), "ours")
            editor = home.python(WRITE, home.store, "p1", 1)
            time.sleep(0.5)  # the writer is held up
            file.write(STORE[len(begun) :])
        end(editor)
        assert int(end(reader)) > 0
        assert keys(store.read(str(home.store))) == BYSTANDERS | {"p1": "1:fake"}


def test_case_39_a_stopped_holder_is_named_and_others_do_not_wait_for_ever(home: Home) -> None:
    home.write(STORE)
    holder = home.python(HOLD, home.store)
    assert holder.stdout
    assert holder.stdout.readline() == "holding\n"
    holder.send_signal(signal.SIGSTOP)
    waiting = [
        subprocess.Popen(
            [SCRIPTS / "fal", "profile", *arguments],
            env=home.variables, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for arguments in (["set", "bystander1"], ["delete", "bystander1"])
    ]  # fmt: skip
    assert home.fal("current", "--name").stdout == "bystander0\n"  # reading waits for nobody
    for process in waiting:
        stdout, stderr = process.communicate(timeout=600)
        assert (process.returncode, stdout) == (1, "")
        assert stderr == (
            f"falenv: {home.store}: process {holder.pid} has locked the store for more than "
            "10 seconds; wait until that process ends, then try again\n"
        )
    assert home.store.read_text() == STORE
    os.kill(holder.pid, signal.SIGCONT)
    end(holder)
    assert home.fal("set", "bystander1").returncode == 0
