"""One line, one account: lines are typed while another process switches the default in a loop."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest
import tomli
from conftest import LONG, SCRIPTS, SHELLS
from driver import needs, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import Home
    from driver import Shell

LINES = 500 if LONG else 20
HOSTS = {"a": "api.a.fal.ai", "b": "api.b.fal.ai"}


class Switcher(threading.Thread):
    """Another terminal, which runs `falenv profile set` without a pause."""

    def __init__(self, home: Home) -> None:
        super().__init__()
        self._home = home
        self._ends = threading.Event()
        #: How many switches are complete.
        self.count = 0
        self.failures: list[str] = []

    def run(self) -> None:
        while not self._ends.is_set():
            name = "ab"[self.count % 2]
            done = subprocess.run(
                [str(SCRIPTS / "falenv"), "profile", "set", name],
                env=self._home.variables, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if (done.returncode, done.stdout) != (0, f"Default profile set to {name}.\n"):
                self.failures.append(done.stdout + done.stderr)
            self.count += 1

    def wait(self) -> None:
        """Wait until another switch is complete."""
        seen, end = self.count, time.monotonic() + 60
        while self.count == seen and time.monotonic() < end:
            time.sleep(0.002)
        assert self.count > seen

    def end(self) -> None:
        self._ends.set()
        self.join()


@pytest.fixture
def switcher(home: Home) -> Iterator[Switcher]:
    found = Switcher(home)
    yield found
    found.end()


def key_of(name: str, number: int) -> str:
    return f"{number:08d}-0000-4000-8000-{name:0>12}:{'fake' + name:0<32}"


def account(profile: str, key: str, host: str) -> str:
    """Return what the stand-in for the official CLI prints in an environment."""
    return f"{key} {host} {profile}"


@pytest.fixture
def accounts(home: Home) -> dict[str, tuple[str, str]]:
    """Write a store with two accounts, and put a stand-in for the official CLI on PATH."""
    found = {name: (key_of(name, 0), host) for name, host in HOSTS.items()}
    tables = (
        f"[{name}]\nkey = {json.dumps(key)}\nhost = {json.dumps(host)}\n"
        for name, (key, host) in found.items()
    )
    home.write('[__internal__]\nprofile = "b"\n' + "".join(tables))
    other = home.path / "other"
    other.mkdir()
    (other / "fal").write_text('#!/bin/sh\necho "$FAL_KEY $FAL_HOST $FAL_PROFILE"\n')
    (other / "fal").chmod(0o755)
    home.variables["PATH"] += f":{other}"
    return found


def in_store(home: Home) -> dict[str, tuple[str, str]]:
    """Return the key and the host that each profile of the store has."""
    tables = tomli.loads(home.store.read_text())
    return {name: (tables[name]["key"], tables[name]["host"]) for name in HOSTS}


def edit(shell: Shell, home: Home, number: int, profile: str) -> list[str]:
    """Type an edit without NAME; return the key and host of the profile then, if it was changed.

    Whatever happens, only the profile in the prompt may have changed.
    """
    before = in_store(home)
    key, host = before[profile]
    if number % 8:
        key = key_of(profile, number)
        (home.path / "key").write_text(key)
        command, cure = "key --stdin < key", "fal profile key {} --stdin"
        done = f"Key set for profile {profile}."
    else:
        host = f"api.{profile}{number}.fal.ai"
        command, cure = f"host {host}", f"fal profile host {host} --profile {{}}"
        done = f"Fal host set to {host}."
    first, *rest = shell.talk(f"fal profile {command}; fal app list").splitlines()
    possible = [[account(profile, *before[profile])]]
    if first == done:
        assert in_store(home) == before | {profile: (key, host)}, (number, profile)
        # The shell has them at its next prompt, if a switch comes between the edit and the shell's
        # look at the store.
        possible.append([account(profile, key, host)])
    else:
        other = "ab".replace(profile, "")
        one_line(first, f"this shell uses '{profile}'", cure.format(other))
        assert in_store(home) == before, (number, profile)
    assert rest in possible, (number, profile)
    return [key, host] if first == done else []


@pytest.mark.fire
@pytest.mark.parametrize("name", [*SHELLS, "ksh", "mksh"])
def test_case_50_a_line_keeps_the_account_of_its_prompt(  # noqa: PLR0913, PLR0917 - fixtures
    home: Home,
    start: Callable[..., Shell],
    accounts: dict[str, tuple[str, str]],
    switcher: Switcher,
    figure: Callable[[str], None],
    name: str,
) -> None:
    needs(name)
    shell = start(name)
    switcher.start()
    lines = written = refused = waited = during = number = 0
    # With two accounts, an outdated prompt may show the right one again.
    while number < LINES or (not refused and number < 10 * LINES):
        number += 1
        segment = shell.segment
        profile = segment.removeprefix("(fal:").removesuffix(") ")
        assert profile in accounts, segment
        # Every third prompt is outdated. In other lines a switch comes at any time.
        if number % 3 == 0:
            switcher.wait()
            waited += 1
        before = switcher.count
        if number % 4:
            said = shell.talk("fal app list; printenv FAL_KEY; fal app list").splitlines()
            key, host = accounts[profile]
            expected = account(profile, key, host)
            assert said == [expected, key, expected], (number, profile)
            lines += 1
        elif changed := edit(shell, home, number, profile):
            accounts[profile] = (changed[0], changed[1])
            written += 1
        else:
            refused += 1
        during += switcher.count > before
    switcher.end()
    assert switcher.failures == []
    assert refused
    assert not LONG or written
    assert not LONG or during
    figure(
        f"race, {name}: {switcher.count} switches beside {number} lines, {waited} of them typed at "
        f"an outdated prompt, {during} meeting a switch; {lines} lines of three programs on the "
        f"account of their prompt; {written} edits of the profile shown, {refused} refused"
    )


#: Another terminal that has just taken the store's lock to make `a` the default.
SWITCH = """
import sys
from falenv import store
def change(data):
    print("holding", flush=True)
    sys.stdin.readline()
    data["__internal__"]["profile"] = "a"
store.edit(sys.argv[1], change)
"""


@pytest.mark.parametrize("name", ["", " b"])
@pytest.mark.usefixtures("accounts")
def test_case_51_unset_keeps_a_default_that_was_set_meanwhile(
    home: Home, start: Callable[..., Shell], name: str
) -> None:
    shell = start("bash")
    other = home.python(SWITCH, home.store)
    assert other.stdout
    assert other.stdout.readline() == "holding\n"
    shell.type(f"fal profile unset{name}\r")
    # Wait until the command has read the store and waits for the lock.
    time.sleep(1)
    other.communicate("\n", timeout=60)
    refusal = "falenv: nothing was changed: the default is 'a', not 'b'"
    shell.wait(lambda: refusal in shell.screen(), "the refusal")
    assert tomli.loads(home.store.read_text())["__internal__"]["profile"] == "a"
