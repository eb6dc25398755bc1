"""Every system call of a write, killed and failing: the store is the old one or the new one.

The calls are those about anything in the home: the store, its lock, the file that will replace it,
the index. The short form tries each command and each fault once, at all calls that make or take
away a file and at some of the others; the long form tries all calls of all commands with all
faults.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from conftest import KEYS, LONG, SCRIPTS, Home, MountedHome, can_mount
from driver import needs

from falenv import files as falenv_files
from falenv.paths import PROTOCOL

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

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
    "protect": ["protect", "b"],
    "command": ["key", "b", "--yes", "--command", "printf", "%s:%s", *KEYS["c"].split(":")],
    "rename": ["rename", "a", "c"],
    "rename with a link": ["rename", "a", "c"],
    "import": ["import", "-", "c"],
    "edit": ["edit"],
    "verify": ["verify", "--all"],
    "env": ["env", "--shell", "bash"],
    "export": ["export", "a", "--output", ".kept/out.toml"],
}  # fmt: skip
#: Those that leave the store as it is.
READERS = ("env", "export")
#: What `rename` says about the link in `.kept`.
LINKED = re.compile(r"^falenv: .*\.kept.*\.fal-profile.*\n", re.MULTILINE)
#: falenv with an answer of fal's to each key, since no server is asked here.
ANSWERED = """
import sys
from falenv import __main__, verify
def ask(questions):
    for number, _ in enumerate(questions):
        answer = verify.Answer("valid")
        answer.name = answer.account = answer.account_id = f"account{number}"
        yield answer
verify.ask = ask
sys.exit(__main__.main())
"""
SYNCED = re.compile(r"fsync\(.*/\.fal(/\.config\.toml\.falenv)?>|rename\(.*/\.fal/")
TURNING = re.compile(r"O_CREAT|O_TRUNC|rename|unlink")
SIGNALS = ["KILL", "INT"]
ERRORS = ["ENOSPC", "EIO", "EACCES", "EROFS", "EINTR"]
#: With a mount of a single file: what is on the disk before the next step.
WRITTEN_IN_PLACE = re.compile(
    r"(fsync|pwrite64|ftruncate)\(\d+<.*/\.fal(/config\.toml)?>|rename\(.*/\.fal/"
)
SHORT_IN_PLACE = [("set", "KILL"), ("delete", "INT"), ("key", "ENOSPC"), ("create", "EIO")]
SHORT = [
    ("set", "KILL"), ("create", "INT"), ("key", "ENOSPC"), ("host", "EIO"), ("delete", "EACCES"),
    ("key", "EROFS"), ("set", "EINTR"), ("env", "EIO"), ("export", "ENOSPC"),
]  # fmt: skip


class Victim:
    """A home whose store one command is to change, again and again, under strace."""

    def __init__(self, path: Path, command: str, *, mounted: bool = False) -> None:
        self.path = path
        self.kind = MountedHome if mounted else Home
        self.arguments = COMMANDS[command]
        self.links = command == "rename with a link"
        self.program = [str(SCRIPTS / "falenv")]
        if command == "verify":
            self.program = [str(SCRIPTS / "python"), "-c", ANSWERED]
        # strace counts the calls of each process, so leave out those of a key command.
        self.follow = ("-f",) * (command != "command")
        self.writes = command not in READERS
        # What the editor does is its own affair.
        self.alone = ["-b", "execve"] if command == "edit" else []
        self.calls = self.measure()

    def run(self, *strace: str) -> tuple[Home, subprocess.CompletedProcess[str]]:
        """Run the command on a fresh store."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir()
        home = self.kind(self.path)
        home.write(STORE)
        (self.path / ".kept").mkdir()
        if self.links:
            before = os.getcwd()
            os.chdir(self.path / ".kept")
            with mock.patch.dict(home.variables, FAL_CONFIG_PATH=str(home.store)):
                home.here("profile", "link", "a")
            os.chdir(before)
        # Just changed, for as long as can be: only then it is asked who has it open.
        soon = time.time_ns() + 900_000_000
        os.utime(home.store, ns=(soon, soon))
        done = home.run(
            needs("strace"), *self.follow, "-qq", "-y", *self.alone, "-o", str(self.path / "trace"),
            *strace, *self.program, "profile", *self.arguments,
            stdin=f"FAL_KEY={KEYS['c']}", PYTHONHASHSEED="0",
            EDITOR=f"{needs('sed')} -i s/mine/theirs/;s/my/your/",
        )  # fmt: skip
        done.stderr = LINKED.sub("", done.stderr)
        return home, done

    def traced(self) -> list[tuple[str, str]]:
        """Return the calls of the last run, each as its name and its line."""
        lines = (self.path / "trace").read_text(errors="replace").splitlines()
        found = (re.match(r"(?:\d+ +)?(\w+)\(", line) for line in lines)
        return [(call[1], call.string) for call in found if call]

    def measure(self) -> list[tuple[str, int]]:
        """Return each call there is when nothing goes wrong, as name and how manieth of that name.

        Keep what the store is then, and which calls make, move or take away a file.
        """
        home, done = self.run()
        assert done.returncode == 0, done.stderr
        self.new = home.store.read_text()
        self.printed = done.stdout.splitlines()
        assert (self.new != STORE) == self.writes
        counts: dict[str, int] = {}
        calls, lines = [], []
        for name, line in self.traced():
            counts[name] = counts.get(name, 0) + 1
            if f"{self.path}/." in line:
                calls.append((name, counts[name]))
                lines.append(line)
        self.turning = {at for at, line in enumerate(lines) if TURNING.search(line)}
        names = [name for name, _ in calls]
        # `export` does not write the index.
        assert {"openat", "write", "rename"} <= set(names)
        assert ("utimensat" in names) == (self.arguments[0] != "export")
        # The index's, and the store's. `rename` also writes a note for shells, the link and the
        # verdict on it, and `edit` a copy.
        more = {"rename": 1, "edit": 1}.get(self.arguments[0], 0) + 2 * self.links
        assert names.count("rename") == 1 + self.writes + more
        # What a power failure could undo: first the file is on the disk, then its name.
        synced = SYNCED if self.kind is Home else WRITTEN_IN_PLACE
        order = [line.split("(")[0].split()[-1] for line in lines if synced.search(line)]
        if self.kind is Home:
            assert order == ["fsync", "rename", "fsync"] * self.writes
        else:
            steps = ["pwrite64", "fsync", "pwrite64", "fsync", "ftruncate", "fsync"]
            assert order == ["rename", *steps, "fsync"]
            if not LONG:
                self.turning = {at for at, line in enumerate(lines) if synced.search(line)}
        assert ("flock" in names) == self.writes
        self.kept = self.in_kept()
        return calls

    def in_kept(self) -> dict[str, tuple[str, int]]:
        """Return what is in the folder of `export` and of `rename`'s link, each with its mode."""
        found = (self.path / ".kept").iterdir()
        return {path.name: (path.read_text(), path.stat().st_mode & 0o777) for path in found}

    def inject(self, at: int, fault: str) -> subprocess.CompletedProcess[str]:
        """Let one call meet a fault, and make sure that it did."""
        kind = "signal" if fault in SIGNALS else "error"
        # With its filter in the kernel strace delivers no signals, but else is twice as quick.
        is_one = bool(self.follow) and not self.alone
        quick = ["--seccomp-bpf"] if fault in ERRORS and is_one else []
        for _ in range(20):
            name, number = self.calls[at]
            inject = f"inject={name}:{kind}={fault}:when={number}"
            self.home, done = self.run(*quick, "-e", f"trace={name}", "-e", inject)
            met = [line for _, line in self.traced()][number - 1 : number]
            if met and f"{self.path}/." in met[0]:
                assert fault != "KILL" or done.returncode in {-9, 137}, met
                return done
            # Other calls came before: Python's cache has changed, or time has passed.
            self.calls = self.measure()
        raise AssertionError(self.calls[at])

    def is_whole(self, printed: str) -> bool:
        """Tell whether a command printed all that it does when nothing goes wrong, and no key more.

        The index, which `env` names, may have to be kept elsewhere.
        """
        if self.writes:
            return "fakefake" not in printed
        lines = printed.splitlines()
        ends = [[text[0], text[-1], len(text)] for text in (lines, self.printed) if text]
        keys = [[line for line in text if "fakefake" in line] for text in (lines, self.printed)]
        return ends[1:] == ends[:1] and keys[0] == keys[1]

    def check(self, what: str) -> None:
        store = self.home.store
        if self.kind is not Home:
            # A read completes or undoes what was killed.
            read = self.home.fal("list")
            assert (read.returncode, read.stderr) == (0, ""), what
        assert store.read_text() in (STORE, self.new), what
        assert store.stat().st_mode & 0o777 == 0o600, what
        # The lock is free, and what was left lying is gone after the next write.
        after = self.home.fal("create", "later")
        assert after.returncode == 0, (what, after.stderr)
        left = {path.name for path in (self.path / ".fal").iterdir()}
        assert left - {f".config.toml.index-{PROTOCOL}"} == {
            "config.toml", ".config.toml.lock"
        }, what  # fmt: skip
        assert 'key = "00000000-0000-4000-8000-000000000001:fake' in store.read_text()
        # Beside what a killed process has left, each file is whole. A link is not private.
        modes = {0o600, *(mode for _, mode in self.kept.values())}
        for name, (text, mode) in self.in_kept().items():
            if name.startswith(".falenv-new-"):
                assert mode in modes, what
            else:
                old = [("a\n", mode)] if name == ".fal-profile" else []
                assert (text, mode) in [self.kept[name], *old], what

    def left(self) -> list[str]:
        """Return the hidden files that are neither the user's nor meant to stay."""
        copies = self.path / ".local" / "state" / "falenv" / "edit"
        found = [
            path.name for path in [*self.path.rglob(".*"), *copies.rglob("*")] if path.is_file()
        ]
        return [name for name in found if name not in {".config.toml.lock", ".fal-profile"}]


@pytest.mark.fire
@pytest.mark.parametrize(
    ("command", "fault"),
    [(command, fault) for command in COMMANDS for fault in SIGNALS + ERRORS] if LONG else SHORT,
)
def test_case_38_a_fault_at_every_system_call(
    tmp_path: Path, command: str, fault: str, figure: Callable[[str], None]
) -> None:
    inject_everywhere(Victim(tmp_path / "home", command), command, fault, figure)


@pytest.mark.fire
@pytest.mark.parametrize(
    ("command", "fault"),
    [
        (command, fault)
        for command in COMMANDS
        if command not in READERS
        for fault in SIGNALS + ERRORS
    ]
    if LONG
    else SHORT_IN_PLACE,
)
def test_case_75_a_fault_at_every_system_call_of_a_write_in_place(
    tmp_path: Path, command: str, fault: str, figure: Callable[[str], None]
) -> None:
    can_mount()
    victim = Victim(tmp_path / "home", command, mounted=True)
    inject_everywhere(victim, f"{command} in place", fault, figure)


def inject_everywhere(victim: Victim, name: str, fault: str, figure: Callable[[str], None]) -> None:
    """Let a fault meet each call of a command, or in short some of them, each on a new store."""
    numbers = range(len(victim.calls))
    # In short another sixth for each fault; with a mount only the steps of the write in place.
    some = numbers[(SIGNALS + ERRORS).index(fault) % 6 :: 6] if victim.kind is Home else ()
    tried = sorted({*(numbers if LONG else some), *victim.turning})
    codes: list[int] = []
    for at in tried:
        done = victim.inject(at, fault)
        what = f"{fault} at {victim.calls[at]}: {done.returncode} {done.stderr}"
        codes.append(done.returncode)
        assert "Traceback" not in done.stderr, what
        assert "fakefake" not in done.stderr, what
        # What is to be evaled is all there, or nothing is.
        whole = victim.is_whole(done.stdout)
        assert whole or not done.stdout, what
        if fault == "INT":
            assert (done.returncode, done.stderr) in {(130, ""), (-2, ""), (0, "")}, what
        elif fault in ERRORS:
            assert done.returncode in (0, 1), what
            assert done.stderr.count("\n") == done.returncode, what
            assert done.stderr[:8] == "falenv: "[: 8 * done.returncode], what
        if done.returncode == 0:
            assert whole, what
            assert victim.home.store.read_text() == victim.new, what
            assert name != "export" or victim.in_kept() == victim.kept, what
        if fault != "KILL":
            assert victim.left() == [], what
            assert victim.home.store.read_text() in (STORE, victim.new), what
        victim.check(what)
    refused = len(codes) - codes.count(0)
    if fault != "EINTR":  # which Python mends itself, as a rule (PEP 475)
        # A write in place mends more: it tries the steps again that follow its record. Links are
        # only told of, when the profile has its new name.
        least = (6 if victim.kind is Home else 8) + 3 * victim.links
        assert refused >= (len(tried) // least if victim.writes else 0)
    figure(
        f"fault injection: {name}, {fault} at {len(tried)} of {len(numbers)} calls: "
        f"{refused} ended early, nothing lost"
    )


@pytest.mark.fire
def test_ctrl_c_is_quiet_from_the_first_import_on(
    home: Home, figure: Callable[[str], None]
) -> None:
    home.write(STORE)
    log = home.path / "trace"
    listing = [str(SCRIPTS / "falenv"), "profile", "list"]

    def traced(*inject: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        strace = [needs("strace"), "-qq", "-o", str(log), "-e", "trace=openat", *inject]
        done = home.run(*strace, *listing, PYTHONHASHSEED="0")
        return done, [line for line in log.read_text().splitlines() if line.startswith("openat(")]

    done, calls = traced()
    assert done.returncode == 0
    whole = done.stdout
    ours = max(at for at, line in enumerate(calls) if "__main__" in line)
    numbers = range(ours + 2, len(calls) + 1)  # strace counts from 1; the next file after ours
    tried = numbers if LONG else numbers[::8]
    for number in tried:
        done, calls = traced("-e", f"inject=openat:signal=INT:when={number}")
        # So late that all was said already, it ends as if nothing had come.
        expected = (0, whole, "") if done.returncode == 0 else (130, "", "")
        assert (done.returncode, done.stdout, done.stderr) == expected, calls[-1]
    figure(f"fault injection: list, Ctrl-C at {len(tried)} of {len(numbers)} opened files: quiet")


@pytest.mark.parametrize("line", ["set b", "link b", "install bash --yes", "env --shell bash"])
def test_ctrl_c_just_when_a_file_was_made_leaves_none(
    home: Home, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.path)
    home.write(STORE)
    made: list[str] = []
    open_file, open_descriptor = open, os.open

    def interrupted(path: str, mode: str = "r", *rest: Any, **options: Any) -> Any:
        file = open_file(path, mode, *rest, **options)
        if "x" not in mode:
            return file
        file.close()
        made.append(path)
        raise KeyboardInterrupt

    def interrupted_too(path: str, flags: int, *rest: Any, **options: Any) -> int:
        descriptor = open_descriptor(path, flags, *rest, **options)
        if not flags & os.O_EXCL or path.endswith(".lock"):
            return descriptor
        os.close(descriptor)
        made.append(path)
        raise KeyboardInterrupt

    with mock.patch("builtins.open", interrupted), mock.patch("os.open", interrupted_too):
        code, _, stderr = home.here("profile", *line.split())
    assert (code, stderr) == (130, "")
    assert len(made) == 1
    assert not os.path.lexists(made[0])


@pytest.mark.parametrize("line", ["set b", "link b", "install bash --yes"])
def test_what_the_killed_left_goes_with_a_later_write(
    home: Home, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.path)
    home.write(STORE)
    state = home.path / ".local" / "state" / "falenv"
    index = state / f"{PROTOCOL}{str(home.store).replace('/', '%-')}"
    (state / "folders").mkdir(parents=True)
    index.mkdir()
    left = {
        "set b": index / ".falenv-new-1-1",
        "link b": state / "folders" / ".falenv-new-1-1",
        "install bash --yes": home.path / ".falenv-new-1-1",
    }[line]
    left.touch()
    assert home.here("profile", *line.split())[0] == 0
    assert left.exists()  # it may not be finished
    if line.startswith("install"):
        home.here("profile", "uninstall", "--yes")
    monkeypatch.setattr(falenv_files, "_LEFT_SECONDS", -1)
    home.write(STORE)
    assert home.here("profile", *line.split())[0] == 0
    assert not left.exists()


@pytest.mark.parametrize("line", ["set b", "link b", "install bash --yes"])
def test_case_38_a_full_disk_is_left_as_it_was(home: Home, line: str) -> None:
    home.write(STORE)
    (home.path / ".bashrc").write_text("echo mine\n")
    limited = [needs("bash"), "-c", 'ulimit -f 0; exec "$@"', "bash", str(SCRIPTS / "fal")]
    done = home.run(*limited, "profile", *line.split())
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "File too large" in done.stderr
    files = {path.name: path.read_text() for path in home.path.rglob("*") if path.is_file()}
    files.pop(".config.toml.lock", None)
    assert files == {"config.toml": STORE, ".bashrc": "echo mine\n"}
