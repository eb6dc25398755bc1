"""Every system call of a write, killed and failing: the store is the old one or the new one.

`FALENV_LONG=1` tries each command with each error; otherwise each command is tried with SIGKILL and
one error. The figures are printed at the end of a run with `-s`.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS, Home, needs

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

STORE = """\
# my accounts
check_updates = false

[__internal__]
profile = "a"  # at work

[a]
key = "00000000-0000-4000-8000-000000000001:fakefakefakefakefakefakefakefake"
host = "api.fal.ai"

[b]
key = "00000000-0000-4000-8000-000000000002:fakefakefakefakefakefakefakefake"
"""
COMMANDS = {
    "set": ["set", "b"],
    "create": ["create", "c"],
    "key": ["key", "b", "--stdin"],
    "host": ["host", "api.alpha.fal.ai"],
    "delete": ["delete", "b"],
}
ERRORS = ["ENOSPC", "EIO", "EACCES", "EROFS", "EINTR"]
LONG = bool(os.environ.get("FALENV_LONG"))


class Victim:
    """A home whose store one command is to change, again and again, under strace."""

    def __init__(self, path: Path, command: str) -> None:
        self.path = path
        self.arguments = COMMANDS[command]
        self.tries = 0

    def run(self, *strace: str) -> tuple[Home, subprocess.CompletedProcess[str]]:
        """Run the command on a fresh store; only calls about the store are traced."""
        self.tries += 1
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        home = Home(self.path)
        home.write(STORE)
        folder = home.store.parent
        watched = [
            folder, home.store, folder / ".config.toml.lock", folder / ".config.toml.falenv"
        ]  # fmt: skip
        paths = [word for path in watched for word in ("-P", str(path))]
        done = home.run(
            needs("strace"), "-f", "-qq", "-o", str(self.path / "trace"), *paths, *strace,
            str(SCRIPTS / "falenv"), "profile", *self.arguments, stdin=KEYS["c"],
        )  # fmt: skip
        return home, done

    def calls(self) -> list[tuple[str, int]]:
        """Return each call there is when nothing goes wrong, as name and how manieth of that name.

        Keep what the store is then.
        """
        home, done = self.run()
        assert done.returncode == 0, done.stderr
        self.new = home.store.read_text()
        assert self.new != STORE
        names = re.findall(r"^\d+ +(\w+)\(", (self.path / "trace").read_text(), re.MULTILINE)
        assert "fsync" in names
        assert {"rename", "renameat", "renameat2"} & set(names)
        return [(name, names[: at + 1].count(name)) for at, name in enumerate(names)]

    def check(self, home: Home, what: str) -> None:
        assert home.store.read_text() in (STORE, self.new), what
        # The lock is free, and what was left lying is gone after the next write.
        after = home.fal("create", "later")
        assert after.returncode == 0, (what, after.stderr)
        assert {path.name for path in home.store.parent.iterdir()} == {
            "config.toml", ".config.toml.lock"
        }, what  # fmt: skip
        assert 'key = "00000000-0000-4000-8000-000000000001:fake' in home.store.read_text()


@pytest.mark.parametrize("command", COMMANDS if LONG else ["set"])
def test_case_38_killed_at_every_system_call(tmp_path: Path, command: str) -> None:
    victim = Victim(tmp_path / "home", command)
    calls = victim.calls()
    for name, number in calls:
        home, done = victim.run("-e", f"inject={name}:signal=KILL:when={number}")
        assert done.returncode in (-9, 137), (name, number)
        victim.check(home, f"killed at {name} {number}")
    print(f"\n{command}: killed at each of {len(calls)} calls, nothing lost")


@pytest.mark.parametrize("error", ERRORS if LONG else ["ENOSPC"])
@pytest.mark.parametrize("command", COMMANDS if LONG else ["key"])
def test_case_38_every_system_call_failing(tmp_path: Path, command: str, error: str) -> None:
    victim = Victim(tmp_path / "home", command)
    calls = victim.calls()
    refused = 0
    for name, number in calls:
        home, done = victim.run("-e", f"inject={name}:error={error}:when={number}")
        what = f"{error} at {name} {number}: {done.stderr}"
        assert done.returncode in (0, 1), what
        assert "Traceback" not in done.stderr, what
        assert "fakefake" not in done.stdout + done.stderr, what
        if done.returncode:
            refused += 1
            assert done.stderr.startswith("falenv: "), what
            assert done.stderr.count("\n") == 1, what
        else:
            assert home.store.read_text() == victim.new, what
        victim.check(home, what)
    assert refused > len(calls) / 4
    print(f"\n{command}: {error} at {len(calls)} calls, refused {refused} times, nothing lost")
