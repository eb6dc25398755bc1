"""No key where it does not belong: every command and every shell, in many states, searched.

Each key has a mark in it, plainly fake. A mark may be in the store, in the FAL_KEY of what runs
with that profile, and in what `env` prints. The long form runs every command in every state, and
interrupts at hundreds of moments.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from conftest import LONG, SCRIPTS, Home, unprivileged
from driver import KINDS, Kind, Shell, needs

from falenv import dialects
from falenv.commands import profile as group
from falenv.paths import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., Shell]

MARK = re.compile(r"fakemark(\w+?)0")


def fake(name: str) -> str:
    """Return a key whose secret part begins with its mark."""
    return f"00000000-0000-4000-8000-000000000000:{'fakemark' + name:0<32}"


def printing(text: str) -> list[str]:
    """Return a command that prints a text, without the mark of the text in its words."""
    return ["sh", "-c", 'echo "$1$0"', text[42:], text[:42]]


def marks(text: str) -> set[str]:
    return set(MARK.findall(text))


STORE = f"""\
[__internal__]
profile = "a"

[a]
key = "{fake("a")}"

[b]
key = "{fake("b")}"

[odd]
key = '''{fake("odd")}'''

[far]
key = "{fake("far")}"
host = "api.fal.ai"

[whole]
key = "fakemarkwhole000000000000000000"

[cmd]
key_command = {json.dumps(printing(fake("cmd")))}

[bad]
env = "exec"
key_command = {json.dumps(printing(fake("bad") + " x"))}

[ring]
keyring = true
key_id = "00000000-0000-4000-8000-000000000000"
protected = true
"""


# --- The commands --------------------------------------------------------------------------------

PASTED = fake("pasted")
#: The secret alone, by which no colon tells that it is one.
HALF = PASTED.partition(":")[2]

#: Every command, with the arguments to try; `<` stands before what comes on standard input.
ARGUMENTS: dict[str, list[list[str]]] = {
    "list": [[], ["--json"], ["--output", "json"], ["--names"], [PASTED],
             [HALF]],
    "set": [["b"], ["new"], [PASTED], ["--", PASTED], ["b", PASTED], ["b", HALF]],
    "unset": [[], [PASTED]],
    "key": [
        ["b", "--stdin", "<", fake("typed")],
        ["--stdin", "<", f"{fake('typed')}:no"],
        ["--stdin", "<", f"{fake('typed')}\n{fake('typed')}"],
        *(["--stdin", "<", f"{fake('typed')}{end}"] for end in (";", "\u200b", "***", " x", "é")),
        ["--stdin", "<", f"https://{fake('typed')}"],
        ["--stdin", "<", f'"FAL_KEY": "{fake("typed")}",'],
        ["b", "--from-env"],
        ["b", "--yes", "--command", *printing(fake("typed"))],
        ["b", "--yes", "--command", *printing(fake("typed") + " x")],
        ["b", "--command", "echo", PASTED],
        ["b", "--keyring"],
        ["cmd", "--inline"],
        ["bad", "--inline"],
        ["bad", "--print"],
        ["b"],
        [PASTED],
        ["b", PASTED],
        [f"--key={PASTED}"],
    ],
    "host": [["api.alpha.fal.ai"], ["--unset"], [PASTED], [HALF], ["--force", PASTED],
             ["--profile", PASTED, "api.fal.ai"]],
    "create": [["new"], ["a"], [PASTED]],
    "delete": [["b"], ["b", "--yes"], ["nope"], [PASTED], [HALF]],
    "rename": [["b", "new"], ["b", "a"], [PASTED, "new"], [HALF, "new"], ["b", PASTED],
               ["b", PASTED, "--json"]],
    "edit": [[], ["--json"], [PASTED], [HALF]],
    "import": [
        ["env", "new", "<", ""], ["-", "new", "<", f"FAL_KEY={fake('typed')}"], ["-", PASTED],
        ["-", "b", "<", f"FAL_KEY={fake('typed')}"], [PASTED], [HALF], ["-", HALF, "--json"],
        ["-", "new", "<", f"FAL_KEY={fake('typed')};"], ["-", "<", f"[x]\nkey = {fake('typed')}"],
        ["-", "<", f"[x]\nkey = ['{fake('typed')}']"], ["--from-env", "new", "--json"],
        ["-", "new", "<", f"FAL_KEY=i:s\nFAL_HOST={fake('typed')}"],
    ],
    "export": [
        ["--no-keys"], [PASTED], [HALF], ["--format", PASTED], ["--json"],
        ["--no-keys", "--output", "/nowhere/x"], ["--format", "github"],
        ["a", "--output", "/nowhere/x"], ["nosuch", "--output", PASTED, "--json"],
    ],
    "env": [
        ["--format", PASTED],
        [],
        *(["--shell", shell] for shell in sorted(dialects.DIALECTS)),
        ["--shell", "bash", "--exports-only"],
        ["--shell", "bash", "b"],
        ["--shell", "bash", PASTED],
        ["--shell", "bash", HALF],
        ["--shell", PASTED],
        ["--unset", "--shell", "bash"],
    ],
    "start": [["--shell", "bash", "--cache", "cached"], ["--shell", PASTED], [PASTED]],
    "refresh": [
        ["--shell", "bash", "--protocol", str(PROTOCOL), "--was", "b"],
        ["--shell", "bash", "--protocol", str(PROTOCOL), "--was", PASTED],
        ["--shell", "bash", "--protocol", PASTED],
        ["--shell", "bash", "--protocol", str(PROTOCOL), "--use"],
        [HALF],
    ],
    "dotenv": [["/nowhere/.env"], [PASTED], [HALF]],
    "use": [["b"], ["-"], ["--default"], [PASTED], [HALF], ["b", PASTED], ["b", "--for", PASTED]],
    "pick": [[], [PASTED]],
    "off": [[], [PASTED]],
    "on": [[]],
    "current": [[], ["--json"], ["--name"], ["--explain"], ["--explain", "--json"], [PASTED],
                [HALF]],
    # tests/test_verify.py has those that ask a server.
    "verify": [[PASTED], [HALF], ["b", PASTED]],
    "doctor": [[], ["--json"], ["--fix"], [PASTED], [HALF]],
    "exec": [["b", "--", "true"], ["cmd", "--", "true"], ["bad", "--", "true"],
             ["ring", "--", "true"], ["--yes", "ring", "--", "true"],
             ["odd", "--", "no-such-program"], [PASTED, "--", "true"],
             [HALF, "--", "true"], ["b"], ["[ab]", "--", "true"], [f"{PASTED}*", "--", "true"],
             ["-e", f"*{HALF}", "--", "true"]],
    "prompt": [[]],
    "completion": [["bash"], [PASTED], [HALF]],
    "protect": [["b"], ["b", "--exec-only"], ["b", "--off"], [PASTED], [HALF]],
    "link": [["b"], [PASTED], [HALF]],
    "unlink": [[]],
    "allow": [[], ["--store"]],
    "deny": [[], ["--store"]],
    "install": [["bash", "zsh", "fish", "direnv", "--yes"], ["bash"], [PASTED], [HALF]],
    "uninstall": [[], [PASTED]],
}  # fmt: skip

#: Texts that someone may paste in the place of anything else: a key, its secret half, a short key,
#: one with a slash.
PASTES = [PASTED, HALF, "id:fakemarkshort0", "id/x:fakemarkslash0/abcdefghijklmnop",
          f"export FAL_KEY={PASTED}"]  # fmt: skip

#: The commands whose stdout is for an eval.
PRINTS = ("env", "start", "refresh", "on")


def test_every_command_is_in_the_table() -> None:
    assert set(group.commands) == set(ARGUMENTS)


# --- The states ----------------------------------------------------------------------------------


class State(NamedTuple):
    """What there is before a command runs."""

    store: str | None = STORE
    variables: dict[str, str | None] = {}  # noqa: RUF012 - not changed
    link: str = ""
    #: What is done to the store: nothing, or one of `trouble`'s.
    trouble: str = ""
    slow: bool = False


NAMED = f'["{fake("name")}"]\nkey = "{fake("a")}"\n'
STATES = {
    "fine": State(),
    "no store": State(None),
    "broken in the line of the key": State(STORE + f'[z]\nkey = "{fake("z")}\n'),
    "broken behind the key": State(STORE + f'[z]\nkey = "{fake("z")}" "{fake("z")}"\n'),
    "a key without quotes": State(STORE + f"[z]\nkey = {fake('z')}\n"),
    "a table twice": State(f"{STORE}{NAMED}{NAMED}"),
    "a table of a short name twice": State(STORE + '["id:fakemarkshort0"]\n' * 2),
    "a table of a secret twice": State(STORE + '["fakemarkhalf0 fakemarkhalf0"]\n' * 2),
    "a table of a name with a slash twice": State(STORE + '["i/d:fakemarkslash0"]\n' * 2),
    "a value that is a table": State(f'{STORE}x = {{"fakemarkhalf0" = 1, "fakemarkhalf0" = 2}}\n'),
    "not UTF-8": State(STORE + f'[z]\nkey = "{fake("z")}\udcff"\n'),
    "a key that is a list": State(STORE + f'[z]\nkey = ["{fake("z")}"]\n'),
    "a table that is a key": State(f'__internal__ = "{fake("z")}"\n'),
    "a default that is a list": State(f'[__internal__]\nprofile = ["{fake("z")}"]\n'),
    "a profile that is a key": State(f'x = "{fake("z")}"\na = "{fake("a")}"\n'),
    "a default that is a key": State(STORE.replace('profile = "a"', f'profile = "{fake("name")}"')),
    "a name that is a key": State(STORE + NAMED),
    "and is the default": State(f'[__internal__]\nprofile = "{fake("name")}"\n{NAMED}'),
    "a default from a command": State(STORE.replace('profile = "a"', 'profile = "cmd"')),
    "a default from a bad command": State(STORE.replace('profile = "a"', 'profile = "bad"')),
    "a setting that is a key": State(STORE.replace("[a]\n", f'[a]\n"{fake("name")}" = 1\n')),
    "a host that is a key": State(STORE.replace("[a]\n", f'[a]\nhost = "{fake("name")}"\n')),
    "a key without a colon": State(STORE.replace('profile = "a"', 'profile = "whole"')),
    "a key with an odd name": State(STORE.replace("[a]", '["$(x) \\u001b[0m"]')),
    "a color that is a key": State(STORE.replace("[a]\n", f'[a]\ncolor = "{fake("name")}"\n')),
    "FAL_KEY by hand": State(variables={"FAL_KEY": fake("hand")}),
    "FAL_KEY by hand, and a mistake": State("= =", variables={"FAL_KEY": fake("hand")}),
    "FAL_PROFILE is a key": State(variables={"FAL_PROFILE": fake("pin")}),
    "FAL_PROFILE is odd": State(variables={"FAL_PROFILE": "odd"}),
    "a format that is a key": State(variables={"FALENV_PROMPT": "{name}"}),
    "a folder's key": State(link=fake("folder")),
    "a folder's two lines": State(link=f"b\n{fake('folder')}"),
    "full": State(trouble="full"),
    "read-only": State(trouble="read-only"),
    "unreadable": State(trouble="unreadable"),
    "locked": State(trouble="locked", slow=True),
}


@contextlib.contextmanager
def trouble(home: Home, kind: str) -> Iterator[tuple[str, ...]]:
    """Make trouble for whoever writes, or reads, the store; yield what to start a program with."""
    folder = home.store.parent
    if kind == "full":
        # Even less than a disk has: no file can become longer than nothing.
        yield ("bash", "-c", 'ulimit -f 0; exec "$@"', "bash")
    elif kind in {"read-only", "unreadable"}:
        folder.chmod(0o500)
        home.store.chmod(0o400 if kind == "read-only" else 0)
        try:
            yield unprivileged(reads_all=kind == "read-only")
        finally:
            folder.chmod(0o700)
            home.store.chmod(0o600)
    elif kind == "locked":
        with (folder / ".config.toml.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield ()
    else:
        yield ()


# --- Where a mark may be -------------------------------------------------------------------------

EXECVE = re.compile(r'execve\((".*?"), \[(.*?)\], \[(.*)\]\) = 0')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


class Process(NamedTuple):
    """A program that was started, with all that `ps` and `/proc` show of it."""

    argv: list[str]
    environment: dict[str, str]


def processes(trace: Path) -> list[Process]:
    """Return what strace saw being started."""
    found = []
    for line in trace.read_text(errors="surrogateescape").splitlines():
        match = EXECVE.search(line)
        if match:
            entries = STRING.findall(match[3])
            environment = dict(entry.split("=", 1) for entry in entries if "=" in entry)
            found.append(Process(STRING.findall(match[2]), environment))
    return found


def strace(trace: Path) -> tuple[str, ...]:
    return (
        needs("strace"), "-f", "-qq", "-v", "-s", "65535", "-e", "trace=execve", "-e",
        "signal=none", "--seccomp-bpf", "-o", str(trace),
    )  # fmt: skip


def in_files(home: Home, *but: Path) -> list[str]:
    """Return the files under the home, and their names, in which there is a mark."""
    found = []
    for path in home.path.rglob("*"):
        if path in but or path == home.store:
            continue
        if marks(path.name):
            found.append(path.name)
        if path.is_file() and marks(path.read_text(errors="replace")):
            found.append(f"{path}: {path.read_text(errors='replace')}")
    return found


class Case(NamedTuple):
    command: str
    words: list[str]
    stdin: str

    @classmethod
    def of(cls, command: str, words: list[str]) -> Case:
        if "<" in words:
            at = words.index("<")
            return cls(command, words[:at], words[at + 1])
        return cls(command, words, "")


def cases() -> list[Case]:
    return [Case.of(command, words) for command in ARGUMENTS for words in ARGUMENTS[command]]


def check(home: Home, state: State, case: Case, trace: Path, prefix: tuple[str, ...]) -> None:
    """Run a command and look everywhere."""
    given = state.variables
    done = home.run(
        *strace(trace), *prefix, str(SCRIPTS / "fal"), "profile", case.command, *case.words,
        stdin=case.stdin, TMPDIR=str(home.path / "tmp"), EDITOR="true", **given,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2, 126, 127), done
    assert "Traceback" not in done.stderr
    assert marks(done.stderr) == set(), done.stderr
    # What the caller has given is his own affair.
    pasted = marks("".join(case.words))
    if case.command in PRINTS:
        code = "\n".join(
            line for line in done.stdout.splitlines()
            if not re.match(r'(export "?FAL_KEY"?=|set -gx FAL_KEY )', line)
        )  # fmt: skip
        expected = {"b"} if case.command == "env" and case.words[-1:] == ["b"] else None
        in_key = marks(done.stdout)
        assert len(in_key) <= 1, in_key
        assert expected is None or in_key <= expected
        assert marks(code) == set(), code
    else:
        assert marks(done.stdout) == set(), done.stdout
    runs = processes(trace)
    assert runs
    for process in runs:
        assert marks("".join(process.argv)) <= pasted, process.argv
        held = {name for name, value in process.environment.items() if marks(value)}
        program = process.argv[0]
        if program == "true":
            assert held == {"FAL_KEY"}
            both = {"a"} if case.words[:1] == ["[ab]"] else set()
            assert marks(process.environment["FAL_KEY"]) <= {"b", "name", "cmd"} | both
        else:
            assert held <= set(given), (program, held)
    assert in_files(home, trace, home.path / ".fal-profile") == []


@pytest.mark.parametrize(
    ("words", "printed", "written"),
    [
        (["key", "b", "--print"], {"b"}, set()),
        (["key", "cmd", "--print"], {"cmd"}, set()),
        (["env", "cmd", "--format", "docker"], {"cmd"}, set()),
        (["export", "b", "cmd"], {"b", "cmd"}, set()),
        (["export", "b", "cmd", "--output", "out", "--json"], set(), {"b", "cmd"}),
        (["export", "b", "--format", "dotenv", "--output", "out"], set(), {"b"}),
    ],
)
def test_what_has_to_give_a_key_gives_no_other(
    home: Home, words: list[str], printed: set[str], written: set[str]
) -> None:
    home.write(STORE)
    trace, out = home.path / "trace", home.path / "out"
    done = home.run(*strace(trace), str(SCRIPTS / "fal"), "profile", *words)
    assert done.returncode == 0, done.stderr
    assert (marks(done.stdout), marks(done.stderr)) == (printed, set())
    assert marks(out.read_text() if out.exists() else "") == written
    assert not out.exists() or out.stat().st_mode & 0o777 == 0o600
    assert in_files(home, trace, out) == []
    for process in processes(trace):
        assert marks("".join(process.argv)) | marks(str(process.environment)) == set(), process


def wanted(name: str, case: Case) -> bool:
    """In short: all commands in a fine state, and in each state those that read and write most."""
    few: tuple[tuple[str, list[str]], ...] = (
        ("list", []), ("current", []), ("set", ["b"]), ("env", ["--shell", "bash"]),
    )  # fmt: skip
    return LONG or name == "fine" or (case.command, case.words) in few


@pytest.mark.fire
@pytest.mark.parametrize("name", [name for name in STATES if LONG or not STATES[name].slow])
def test_no_command_shows_a_key(tmp_path: Path, name: str, figure: Callable[[str], None]) -> None:
    state = STATES[name]
    tried = 0
    for number, case in enumerate(case for case in cases() if wanted(name, case)):
        if state.slow and case.command not in {"set", "key", "list"}:
            continue
        home = Home(tmp_path / str(number))
        (home.path / "tmp").mkdir(parents=True)
        if state.store is not None:
            home.write(state.store.encode("utf-8", "surrogateescape"))
        if state.link:
            (home.path / ".fal-profile").write_text(state.link + "\n")
        with trouble(home, state.trouble) as prefix:
            check(home, state, case, home.path / "trace", prefix)
        tried += 1
    assert tried
    figure(f"leaks: {name}: {tried} commands, no key out of place")


def positions() -> list[list[str]]:
    """Return every command line with each paste in each position, also in front of all."""
    bases = [[], ["profile"]]
    for command, lines in ARGUMENTS.items():
        words = {tuple(word for word in Case.of(command, line).words if not marks(word))
                 for line in lines}  # fmt: skip
        bases += [["profile", command, *line] for line in sorted(words)]
    return [
        [*base[:at], paste, *base[at:]]
        for base in bases
        for at in range(len(base) + 1)
        for paste in PASTES
    ]


def is_name(line: list[str]) -> bool:
    """Return True if a line makes a secret half the name of a profile, since it can be one."""
    return line[1:2] in (["set"], ["create"], ["rename"]) and HALF in line


@pytest.mark.fire
def test_no_message_repeats_a_key_from_any_position(
    home: Home, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    monkeypatch.chdir(home.path)

    def missing(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    # A program that is to run in this process's place is one that cannot be found.
    monkeypatch.setattr(os, "execvpe", missing)
    lines = positions()
    lines = lines if LONG else lines[::3]
    home.variables["EDITOR"] = "true"
    for line in lines:
        home.write(STORE)
        _, out, err = home.here(*line, stdin=fake("typed"))
        assert marks(err) == set(), (line, err)
        assert "pasted" not in marks(out) or is_name(line), (line, out)
        assert marks(out) <= {"a", "b", "pasted"}, (line, out)
        assert not marks(out) & {"a", "b"} or line[1] in {*PRINTS, "start", "refresh"}, (line, out)
        for path in (".fal-profile", ".bashrc", ".zshrc"):
            (home.path / path).unlink(missing_ok=True)
    figure(f"leaks: a key in each position of {len(lines)} command lines, no message repeats it")


def test_the_search_finds_what_is_there(home: Home, tmp_path: Path) -> None:
    """Each of the searches fails where there is something to be found."""
    trace = tmp_path / "trace"
    leak = f"export OTHER={fake('a')}; echo {fake('b')} > tmp; /bin/echo {fake('c')} >&2; true"
    done = home.run(*strace(trace), "bash", "-c", f"{leak}; exec env -u x true", stdin="")
    assert marks(done.stderr) == {"c"}
    assert len(in_files(home)) == 1
    argv = {mark for process in processes(trace) for mark in marks("".join(process.argv))}
    held = {mark for process in processes(trace) for mark in marks(str(process.environment))}
    assert (argv, held) == ({"a", "b", "c"}, {"a"})


# --- Accidents -----------------------------------------------------------------------------------

#: A module that every Python reads first: something breaks that nobody foresaw, where the key is
#: at hand, and tracebacks show variables, as those of rich and better_exceptions do.
BREAK = """\
import os, sys

def show(kind, value, trace):
    while trace:
        print("Traceback", trace.tb_frame.f_locals, file=sys.stderr)
        trace = trace.tb_next
    print(kind, value, file=sys.stderr)

sys.excepthook = show

def fail(*arguments, **options):
    raise LookupError({what!r}, "fakemarkhalf0")

import {module}
{module}.{function} = fail
"""

BROKEN = {
    "tomli": "loads",
    "falenv.environment": "environment",
    "falenv.index": "update",
    "falenv.integration": "start_state",
    "tomlkit": "parse",
    "falenv.tomledit": "edited",
    "fcntl": "flock",
    "falenv.sources": "run",
    "falenv.outgoing": "as_store",
    "falenv.envtext": "render",
}


#: What else to try where a module breaks that few commands need.
GIVING = {
    "falenv.sources": [["key", "cmd", "--print"], ["exec", "cmd", "--", "true"]],
    "falenv.outgoing": [["export", "b"]],
    "falenv.envtext": [["env", "b", "--format", "json"]],
}


@pytest.mark.parametrize("module", BROKEN)
def test_what_nobody_foresaw_is_one_line(home: Home, module: str) -> None:
    function = BROKEN[module]
    folder = home.path / "site"
    folder.mkdir()
    text = BREAK.format(module=module, function=function, what=fake("what"))
    (folder / "sitecustomize.py").write_text(text)
    variables: dict[str, str | None] = {
        "PYTHONPATH": str(folder), "PYTHONDEVMODE": "1", "PYTHONWARNINGS": "ignore",
        "PYTHONFAULTHANDLER": "1",
    }  # fmt: skip
    broke = 0
    for words, stdin in (
        (["env", "--shell", "bash"], ""),
        (["key", "b", "--stdin"], fake("typed")),
        (["list"], ""),
        (["exec", "b", "--", "true"], ""),
        (["delete", "b"], ""),
        *((words, "") for words in GIVING.get(module, [])),
    ):
        home.write(STORE)
        done = home.fal(*words, stdin=stdin, **variables)
        assert marks(done.stderr) == set(), done.stderr
        assert "Traceback" not in done.stderr
        assert marks(done.stdout) <= ({"a"} if words[0] == "env" else set())
        if done.returncode:
            broke += 1
            assert done.stdout == ""
            assert done.stderr.count("\n") == 1, done.stderr
            assert "falenv: " in done.stderr
    assert broke


@pytest.mark.fire
def test_no_key_however_it_is_interrupted(home: Home, figure: Callable[[str], None]) -> None:
    """Ctrl-C and an abort, at moments from the first to the last."""
    tries = 300 if LONG else 16
    chance = random.Random(22)
    variables: dict[str, str | None] = {"PYTHONFAULTHANDLER": "1", "PYTHONDEVMODE": "1"}
    ended: dict[int, int] = {}
    for number in range(tries):
        home.write(STORE)
        words = chance.choice((["key", "b", "--stdin"], ["env", "--shell", "bash"], ["set", "b"]))
        how = chance.choice((signal.SIGINT, signal.SIGINT, signal.SIGABRT, signal.SIGTERM))
        with subprocess.Popen(
            [str(SCRIPTS / "fal"), "profile", *words],
            env=home.with_variables(variables), cwd=home.path, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            assert process.stdin
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(fake("typed"))
                process.stdin.close()
                process.stdin = None
            time.sleep(chance.uniform(0, 0.4))
            process.send_signal(how)
            out, err = process.communicate()
        ended[process.returncode] = ended.get(process.returncode, 0) + 1
        assert marks(err) == set(), (number, err)
        assert marks(out) <= ({"a"} if words[0] == "env" else set())
        beside = home.store.with_name(".config.toml.falenv")
        assert in_files(home, beside) == [], number
        if beside.exists():  # of one that was killed: as private as the store
            assert beside.stat().st_mode & 0o777 == 0o600
            assert how != signal.SIGINT
            beside.unlink()
    figure(f"leaks: {tries} interruptions, no key out of place; ended with {ended}")


# --- The shells ----------------------------------------------------------------------------------

TRACES = {
    "bash": ["", "set -x", "set -v", "set -xv; set -T", "set -a", "trap ': ${BASH_COMMAND}' DEBUG"],
    "zsh": ["", "set -x", "set -v", "setopt all_export", "setopt xtrace ksh_arrays"],
    "fish": ["", "set -g fish_trace 1", "set -gx fish_trace 1"],
}


@pytest.mark.fire
@pytest.mark.parametrize(
    ("kind", "option"),
    [
        (KINDS[name], option)
        for name, options in TRACES.items()
        for option in (options if LONG else options[1:2])
    ],
)
def test_no_shell_shows_a_key(
    home: Home, start: Start, kind: Kind, option: str, figure: Callable[[str], None]
) -> None:
    home.write(STORE.replace("[odd]", f'["{fake("name")}"]\nkey = "k:never"\n[odd]'))
    temporary = home.path / "tmp"
    temporary.mkdir()
    trace = home.path / "trace"
    shell = start(kind, prefix=strace(trace), FAL_KEY=fake("hand"), TMPDIR=str(temporary))
    shell.is_traced = bool(option)
    if option:
        shell.talk(option)
    before = len(shell.output)
    for words in (
        "use cmd", "use bad --yes", "use --yes ring", "use b --for 1h", "exec cmd -- true",
        "use b", "use odd", "use far", "use whole", "use -", "use nope", "set b", "use --default",
        "list", "current", "create new", "unset", "set a", "nonsense", "exec b -- true",
    ):  # fmt: skip
        shell.talk(f"fal profile {words}")
        shell.prompts()
    home.fal("set", "far")
    shell.prompts()
    good = home.store.read_text().replace('profile = "far"', 'profile = "odd"')
    for text in (good, good + f'[z]\nkey = "{fake("z")}\n', good):
        home.write(text)
        shell.prompts()
    shell.talk("mkdir linked; cd linked")
    shell.talk("fal profile link b")
    shell.prompts()
    shell.talk("cd ..")
    # TAB, twice, in a line that is then given up.
    for line in ("fal profile use ", "fal profile ", "fal "):
        shell.type(f"{line}\t\t")
        shell.read(0.3)
        shell.press("\x03")
        shell.prompts()
    shell.talk(kind.eval_line() if not option else "")
    shown = shell.output[before:]
    assert marks(shown) == set(), re.findall(f".*{MARK.pattern}.*", shown)
    assert "fal profile" in shown
    held = {}
    for command in kind.everything:
        text = shell.stdout(command)
        for line in text.splitlines():
            for mark in marks(line):
                word = re.sub(r"^\W*(declare|typeset|export)( -[\w-]+)* ", "", line)
                held[re.split("[= ]", word)[0]] = mark
    # What the user had is kept, to be given back.
    assert held.pop("FAL_KEY") == "odd"
    assert list(held.values()) == ["hand"]
    assert marks(shell.screen()) == set()
    runs = processes(trace)
    assert len(runs) > 10
    for process in runs[1:]:
        assert marks("".join(process.argv)) == set(), process.argv
        names = {name for name, value in process.environment.items() if marks(value)}
        assert names <= {"FAL_KEY"}, process
        assert marks(process.environment.get("FAL_KEY", "")) <= {
            "hand", "a", "b", "odd", "far", "whole", "cmd"
        }  # fmt: skip
    by = [next(iter(marks(process.environment.get("FAL_KEY", ""))), "") for process in runs[1:]]
    figure(
        f"leaks: {kind}, {option or 'no trace'}: {len(runs)} processes, "
        f"FAL_KEY {sorted(set(by))}, no leak"
    )
    shell.talk("fal profile off")
    shell.prompts()
    assert shell.get("FAL_KEY") == fake("hand")
    assert in_files(home, trace, *home.path.glob(".shell-*/out-*")) == []


def test_the_json_of_a_key_in_the_wrong_place_is_still_json(home: Home) -> None:
    home.write(STATES["and is the default"].store or "")
    for words in (["list", "--json"], ["current", "--json"]):
        done = home.fal(*words)
        assert json.loads(done.stdout)
        assert "00000000-0000-4000-8000-000000000000:********" in done.stdout
