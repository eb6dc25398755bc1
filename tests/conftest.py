"""What the tests stand on: an empty home with an awkward name, and shells on a real terminal."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pexpect
import pyte
import pytest

from falenv.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parent.parent
#: The scripts of the environment that the tests run in: our `fal` and `falenv`.
SCRIPTS = Path(sys.executable).parent
SHELLS = ("bash", "zsh", "fish")
#: The shells that share falenv.sh; the hook is in the latter two.
POSIX_SHELLS = ("dash", "ksh", "mksh")

#: Plainly fake, but for the first: the seed's example, which is no longer valid.
SEED_KEY = "112f05b4-6ee8-4d06-bdb1-7ba38789ef8e:954285993fa8e651dac37a03ea2efbc9"
KEYS = {
    name: f"00000000-0000-4000-8000-{number:012d}:{'fake' + name:0<32}"
    for number, name in enumerate(("me", "comfy", "example", "a", "b", "c"), 1)
}
UNSET = "<unset>"
ANOTHER = 12345  # another user, or group

#: Takes the store's lock, says so, and makes its edit when a line comes.
HOLD = """
import sys
from falenv import store
def change(data):
    print("holding", flush=True)
    sys.stdin.readline()
    data["held"] = {}
store.edit(sys.argv[1], change)
"""

#: With FALENV_LONG=1, as tests/fire sets it, the tests under fire make thousands of tries.
LONG = bool(os.environ.get("FALENV_LONG"))


def seed(short: int) -> int:
    """Return where chance begins: FALENV_SEED; else `short`, or anywhere in a long form."""
    return int(os.environ.get("FALENV_SEED") or (random.randrange(2**32) if LONG else short))


def needs(program: str) -> str:
    """Return a program's path. Without it a test is skipped on a laptop, and fails in CI."""
    found = shutil.which(program)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing")
        pytest.skip(f"{program} is missing")
    return found


def give_away(path: Path, user: int = ANOTHER, group: int = ANOTHER) -> None:
    """Make a file another's, with its times as they are; a link itself, not what it leads to."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file away")
    os.chown(path, user, group, follow_symlinks=False)


class Home:
    """An empty home, the environment that a program started there gets, and ways to start it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.variables = {
            "HOME": str(path),
            "PATH": f"{SCRIPTS}:/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TERM": "xterm",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @property
    def store(self) -> Path:
        return self.path / ".fal" / "config.toml"

    def write(self, text: str | bytes, mode: int = 0o600) -> Path:
        """Write the store as another program would: in place."""
        self.store.parent.mkdir(mode=0o700, exist_ok=True)
        self.store.write_bytes(text.encode() if isinstance(text, str) else text)
        self.store.chmod(mode)
        return self.store

    def profiles(self, *names: str, default: str | None = None) -> None:
        """Write a store of these profiles with their test keys, in the official CLI's layout."""
        tables = [f"[{name}]\nkey = {json.dumps(KEYS[name])}\n" for name in names]
        internal = f'[__internal__]\nprofile = "{default}"\n' if default else ""
        self.write("\n".join([internal, *tables]))

    def run(
        self, *command: str, stdin: str | bytes = "", **variables: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, without a terminal; a variable given as None is unset."""
        return subprocess.run(
            command,
            input=stdin if isinstance(stdin, str) else stdin.decode(),
            env=self.with_variables(variables),
            cwd=self.path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def with_variables(self, variables: dict[str, str | None]) -> dict[str, str]:
        merged = {**self.variables, **variables}
        return {name: value for name, value in merged.items() if value is not None}

    def fal(
        self, *arguments: str, stdin: str | bytes = "", **variables: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run `fal profile …` to its end, without a terminal."""
        return self.run(str(SCRIPTS / "fal"), "profile", *arguments, stdin=stdin, **variables)

    def python(
        self, code: str, *arguments: object, program: str | Path = sys.executable
    ) -> subprocess.Popen[str]:
        """Start a Python of its own that runs code; the caller sees to its end."""
        return subprocess.Popen(
            [str(program), "-c", code, *map(str, arguments)],
            env=self.variables,
            cwd=self.path,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def here(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        """Run `falenv …` in this process, which is a hundred times quicker.

        Return its exit code, stdout and stderr.
        """
        contents = [io.BytesIO(stdin.encode()), io.BytesIO(), io.BytesIO()]
        streams = [io.TextIOWrapper(content, "utf-8") for content in contents]
        with (
            mock.patch.dict(os.environ, self.variables, clear=True),
            mock.patch("sys.argv", ["falenv", *arguments]),
            mock.patch("sys.stdin", streams[0]),
            mock.patch("sys.stdout", streams[1]),
            mock.patch("sys.stderr", streams[2]),
        ):
            code = main()
        for stream in streams:
            stream.flush()
        return code, contents[1].getvalue().decode(), contents[2].getvalue().decode()

    def script(
        self, shell: str, text: str, **variables: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a script in a shell that is not interactive, without any start-up file."""
        flags = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
        return self.run(needs(shell), *flags, "-c", text, stdin="", **variables)


class Shell:
    """An interactive shell on a real terminal.

    Lines are typed. What a shell holds is read through files that it writes, never from the
    screen, which a line editor repaints at will; what a user sees is read from the screen.
    """

    def __init__(  # noqa: PLR0913 - what `start` takes
        self,
        home: Home,
        name: str,
        rc: str,
        columns: int,
        *,
        prefix: tuple[str, ...],
        variables: dict[str, str | None],
    ) -> None:
        self.name = name
        self.home = home
        self._files = home.path / f".shell-{time.monotonic_ns()}"
        self._files.mkdir()
        self._count = 0
        environment = home.with_variables(variables)
        if name == "bash":
            (self._files / "rc").write_text(f"PS1='ready> '\n{rc}\n")
            command = ["--noprofile", "--rcfile", str(self._files / "rc"), "-i"]
        elif name == "zsh":
            (self._files / ".zshrc").write_text(f"PROMPT='ready> '\n{rc}\n")
            environment["ZDOTDIR"] = str(self._files)
            command = ["-d", "-i"]
        elif name in POSIX_SHELLS:
            (self._files / "rc").write_text(f"PS1='ready> '\n{rc}\n")
            # All but mksh expand ENV, though not the value of a variable that it names.
            rc = str(self._files / "rc")
            environment |= {"ENV": rc if name == "mksh" else "$RC", "RC": rc}
            command = ["-i"]
        else:
            (self._files / "fish").mkdir()
            # Without it the first shell goes through all manual pages in the background.
            generated = home.path / ".local" / "share" / "fish" / "generated_completions"
            generated.mkdir(parents=True, exist_ok=True)
            greeting = "set -g fish_greeting\nfunction fish_prompt; echo -n 'ready> '; end\n"
            (self._files / "fish" / "config.fish").write_text(f"{greeting}{rc}\n")
            environment["XDG_CONFIG_HOME"] = str(self._files)
            command = ["-i"]
        self.output = ""
        self._screen = pyte.Screen(columns, 40)
        self._stream = pyte.Stream(self._screen)
        words = [*prefix, needs(name), *command]
        self.child: Any = pexpect.spawn(
            words[0],
            words[1:],
            env=environment,
            cwd=str(home.path),
            dimensions=(40, columns),
            encoding="utf-8",
            codec_errors="replace",
            timeout=30,
        )
        # pexpect's own delays would be most of the time that the tests take.
        self.child.delaybeforesend = None
        self.child.delayafterclose = self.child.ptyproc.delayafterclose = 0.02
        self.child.delayafterterminate = self.child.ptyproc.delayafterterminate = 0.02
        self.run("")  # the first prompt was shown

    def read(self, seconds: float = 0.02) -> None:
        """Take in what the terminal shows by now."""
        try:
            while True:
                text = self.child.read_nonblocking(65536, seconds)
                self.output += text
                self._stream.feed(text)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return

    def type(self, text: str) -> None:
        """Type without return."""
        self.child.send(text)

    def run(self, line: str, seconds: float = 30) -> str:
        """Type a line, wait until it and the prompt after it are done; return what was shown."""
        before = len(self.output)
        if line:
            self.child.send(line + "\r")
        self._finish(line, "", seconds)
        return self.output[before:]

    def _finish(self, what: str, before: str, seconds: float = 30) -> None:
        """Type a line, which begins with `before`, and wait until it is done."""
        self._count += 1
        mark = self._files / f"done-{self._count}"
        self.child.send(f" {before}echo > {shlex.quote(str(mark))}\r")
        self.wait(mark.exists, f"{what!r} to end", seconds)
        self.read()

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            self.read()
            ended = time.monotonic() > end or not self.child.isalive()
            if ended and not condition():
                raise AssertionError(f"waited in vain for {what}; shown:\n{self.output[-3000:]}")

    def stdout(self, command: str) -> str:
        """Run a command and return what it writes to stdout."""
        self._count += 1
        file = self._files / f"out-{self._count}"
        self._finish(command, f"{command} > {shlex.quote(str(file))}; ")
        return file.read_text(errors="surrogateescape")

    def get(self, variable: str) -> str:
        """Return what a variable of the shell holds, exported or not; UNSET where it is unset."""
        if self.name == "fish":
            return self.stdout(
                f"if set -q {variable}; printf %s ${variable}; else; printf %s '{UNSET}'; end"
            )
        write = "print -rn --" if self.name == "mksh" else "printf %s"  # each the builtin
        return self.stdout(f'{write} "${{{variable}-{UNSET}}}"')

    def prompts(self, count: int = 1) -> str:
        """Let so many prompts come and be done with; return what was shown."""
        # What the first line ends at is the prompt that stands there; its own is the next one.
        return "".join(self.run("") for _ in range(count + 1))

    def export(self, variable: str, value: str) -> str:
        """Set and export a variable by hand; return what was shown."""
        word = shlex.quote(value)
        if self.name == "fish":
            return self.run(f"set -gx {variable} {word}")
        return self.run(f"export {variable}={word}")

    def unset(self, variable: str) -> str:
        """Unset a variable by hand; return what was shown."""
        return self.run(f"{'set -e -g' if self.name == 'fish' else 'unset'} {variable}")

    def exported(self) -> dict[str, str]:
        """Return the environment that a program started by this shell gets."""
        text = self.stdout("env -0")
        return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)

    def screen(self) -> str:
        """Return what stands on the screen, without the blanks at line ends."""
        self.read()
        return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def cell(self, row: int, column: int) -> Any:
        """Return a character of the screen, with `data`, `fg` (the colour), `bold` and so on."""
        self.read()
        return self._screen.buffer[row][column]

    @property
    def cursor(self) -> tuple[int, int]:
        """The cursor's row and column on the screen, from 0."""
        self.read()
        return self._screen.cursor.y, self._screen.cursor.x

    def close(self) -> None:
        try:
            self.child.close(force=True)
        except pexpect.ExceptionPexpect:  # killed, and on a busy machine not gone yet
            self.child.ptyproc.wait()


class Trace:
    """What a shell that runs under strace starts, from a moment on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.prefix = (
            needs("strace"),
            "-f",
            "--seccomp-bpf",
            "-e",
            "trace=fork,vfork,clone,clone3,execve",
            "-e",
            "signal=none",
            "-o",
            str(file),
        )

    def begin(self) -> None:
        self._start = len(self._file.read_text())

    def processes(self) -> list[str]:
        """Return the calls since `begin` that made a process. A thread is none."""
        lines = self._file.read_text()[self._start :].splitlines()
        return [
            line
            for line in lines
            if re.search(r"\b(v?fork|clone3?|execve)\(", line) and "CLONE_THREAD" not in line
        ]


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note a line of figures, which is printed at the end of the run."""
    return lambda text: request.node.user_properties.append(("figure", text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for found in terminalreporter.stats.values() for report in found]
    figures = [
        str(value)
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "figure"
    ]
    if figures:
        terminalreporter.section("figures")
        terminalreporter.write("".join(f"{line}\n" for line in sorted(figures)))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    # `$(here)` would run, and the quote would end a string, if a path were not quoted.
    path = tmp_path / "it's $(here)"
    path.mkdir()
    return Home(path)


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., Shell]]:
    """Start interactive shells: `start("bash")`, with further lines for the start-up file."""
    shells: list[Shell] = []

    def begin(
        name: str,
        rc: str = 'eval "$(fal profile env)"',
        columns: int = 120,
        prefix: tuple[str, ...] = (),
        **variables: str | None,
    ) -> Shell:
        shell = Shell(home, name, rc, columns, prefix=prefix, variables=variables)
        shells.append(shell)
        return shell

    yield begin
    for shell in shells:
        shell.close()


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return Trace(tmp_path / "strace")


@pytest.fixture(params=SHELLS)
def shell_name(request: pytest.FixtureRequest) -> str:
    needs(request.param)
    return str(request.param)


@pytest.fixture(scope="session")
def official() -> Path:
    """Return the bin folder of a venv with the real official CLI, made by tests/run."""
    folder = REPOSITORY / "tests" / ".official" / "bin"
    if not (folder / "fal").exists():
        if os.environ.get("CI"):
            pytest.fail("the official CLI is missing; tests/run installs it")
        pytest.skip("the official CLI is missing; tests/run installs it")
    return folder
