"""What the tests stand on: an empty home with an awkward name, and shells on a real terminal."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from driver import COLUMNS, KINDS, PROMPT, Kind, Shell, Trace, needs

from falenv.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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


# `tests/run &` in a script, nohup and some CI start us with these ignored, and what we start would
# ignore them too. With a handler of ours, a program that we start has the default.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _name in (signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_name) == signal.SIG_IGN:
        signal.signal(_name, lambda *_: None)


def seed(short: int) -> int:
    """Return where chance begins: FALENV_SEED; else `short`, or anywhere in a long form."""
    return int(os.environ.get("FALENV_SEED") or (random.randrange(2**32) if LONG else short))


def give_away(path: Path, user: int = ANOTHER, group: int = ANOTHER) -> None:
    """Make a file another's, with its times as they are; a link itself, not what it leads to."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a file away")
    os.chown(path, user, group, follow_symlinks=False)


def unprivileged(*, reads_all: bool = True) -> tuple[str, ...]:
    """Return what to start a program with, so that file modes count for root too.

    As a rule root still reads everything, since the clone may be in another user's folder.
    """
    if os.geteuid() != 0:
        return ()
    drop = "-dac_override" if reads_all else "-dac_override,-dac_read_search"
    prefix = (needs("setpriv"), f"--bounding-set={drop}", f"--inh-caps={drop}")
    reaches_us(prefix)
    return prefix


def reaches_us(prefix: Sequence[str]) -> None:
    """Skip a test whose other user, whom `prefix` makes, cannot reach this clone or its Python."""
    command = [*prefix, str(SCRIPTS / "python"), "-c", "import falenv"]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip(f"{prefix[0]} does not work here, or the clone is in a private folder")


def copied_programs(home: Home) -> Path:
    """Put copies of our programs first on a home's PATH; return the copy of `falenv`."""
    folder = home.path / "bin"
    folder.mkdir()
    for name in ("fal", "falenv"):
        shutil.copy2(SCRIPTS / name, folder / name)
    home.variables["PATH"] = f"{folder}:{home.variables['PATH']}"
    return folder / "falenv"


def copied_package(home: Home, *, is_checkout: bool = False) -> Path:
    """Put a copy of the package into a home, and its programs first on PATH; return `falenv`.

    The copy is as pip installs it, or a checkout.
    """
    folder = home.path / "lib"
    shutil.copytree(REPOSITORY / "falenv", folder / "falenv", ignore=shutil.ignore_patterns("_*c*"))
    for name in ("shell", "completions"):
        data = folder if is_checkout else folder / "falenv" / "_data"
        shutil.copytree(REPOSITORY / name, data / name)
    exe = copied_programs(home)
    for program in (exe, exe.with_name("fal")):
        path = f"import sys\nsys.path.insert(0, {str(folder)!r})\n"
        start = "from falenv.__main__ import main\nsys.exit(main())\n"
        program.write_text(f"#!{sys.executable}\n{path}{start}")
    return exe


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
        self, kind: Kind | str, text: str, **variables: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Run a script in a shell that is not interactive, without any start-up file."""
        kind = KINDS[kind] if isinstance(kind, str) else kind
        return self.run(*kind.script(text), stdin="", **variables)

    def shell(self, kind: Kind | str, rc: str, **options: Any) -> Shell:
        """Start an interactive shell; the caller closes it. The options are those of Shell."""
        variables = options.pop("variables", {})
        return Shell(kind, self.path, self.with_variables(variables), rc, **options)


class MountedHome(Home):
    """A home in whose `.fal` only the store is a mount, as by docker's `-v file:file`.

    `store` is the file from outside. What `run` and `fal` start sees the mount.
    """

    @property
    def store(self) -> Path:
        return self.path / "outside" / "config.toml"

    @property
    def prefix(self) -> tuple[str, ...]:
        """What to start a program with, so that it sees the mount."""
        mount = """mkdir -p -m 700 ~/.fal && touch ~/.fal/config.toml &&
            mount --bind ~/outside/config.toml ~/.fal/config.toml && exec "$@" """
        return (needs("unshare"), "-rm", needs("bash"), "-c", mount, "bash")

    def run(
        self, *command: str, stdin: str | bytes = "", **variables: str | None
    ) -> subprocess.CompletedProcess[str]:
        return super().run(*self.prefix, *command, stdin=stdin, **variables)


def can_mount() -> None:
    """Skip a test where the system lets nobody mount a file."""
    tried = [needs("unshare"), "-rm", "sh", "-c", 'mount --bind "$0" "$0"', __file__]
    if subprocess.run(tried, check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here, to mount a file in")
    reaches_us(tried[:2])


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Note a line of figures, which is printed at the end of the run."""
    return lambda text: request.node.user_properties.append(("figure", text))


#: Tests that take long in each shell. In short they run in one shell for each file of shell/: zsh
#: shares core.sh with bash, and dash and mksh run the file of ksh.
HEAVY = {
    "test_case_20_alive_and_silent_under_any_options",
    "test_case_31_20_times_in_and_out_of_linked_folders",
    "test_case_36_the_official_cli_completes",
    "test_case_50_a_line_keeps_the_account_of_its_prompt",
    "test_case_51_a_command_without_a_name_refuses_another_profile",
    "test_case_55_what_is_set_by_hand_is_marked",
    "test_case_56_asked_of_the_real_clients",
    "test_case_60_delete_asks_about_a_profile_in_use",
    "test_case_78_each_shell_cuts_a_store_as_the_program_does",
    "test_case_79_a_live_shell_gets_the_clean_key_or_none",
    "test_case_93_a_key_never_meets_the_defaults_host_or_key",
    "test_case_94_no_credentials_at_all",
    "test_case_97_use_means_what_it_says",
    "test_case_98_a_file_system_that_records_whole_seconds",
}
SIBLINGS = ("zsh", "dash", "mksh")
#: In these files mksh takes part only under fire. tests/test_posix.py has it always.
TWINS = {"test_account.py", "test_attacks.py", "test_envfiles.py", "test_ksh.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the siblings of what runs anyway to tests/fire."""

    def is_extra(item: pytest.Item) -> bool:
        name, _, parameters = item.name.partition("[")
        is_sibling = any(shell in parameters for shell in SIBLINGS)
        is_twin = item.path.name in TWINS and "mksh" in parameters
        return is_twin or (name in HEAVY and is_sibling)

    extra = [item for item in items if is_extra(item)]
    for item in extra:
        item.add_marker(pytest.mark.fire)
    if not LONG:
        items[:] = [item for item in items if item not in extra]
        config.hook.pytest_deselected(items=extra)


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
    """Start interactive shells: `start(kind)`, integrated, or with other lines to start with."""
    shells: list[Shell] = []

    def begin(  # noqa: PLR0913, PLR0917 - as Shell
        kind: Kind | str,
        rc: str | None = None,
        columns: int = COLUMNS,
        prefix: tuple[str, ...] = (),
        prompt: str = PROMPT,
        seconds: float = 30,
        **variables: str | None,
    ) -> Shell:
        if rc is None:
            rc = (KINDS[kind] if isinstance(kind, str) else kind).eval_line()
        shell = home.shell(
            kind,
            rc,
            columns=columns,
            prefix=prefix,
            prompt=prompt,
            seconds=seconds,
            variables=variables,
        )
        shells.append(shell)
        return shell

    yield begin
    for shell in shells:
        shell.close()


@pytest.fixture
def trace(tmp_path: Path) -> Trace:
    return Trace(tmp_path / "strace")


@pytest.fixture(params=SHELLS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Return each of the shells with the whole integration, in turn."""
    needs(request.param)
    return KINDS[request.param]


@pytest.fixture(scope="session")
def official() -> Path:
    """Return the bin folder of a venv with the real official CLI, made by tests/run."""
    folder = REPOSITORY / "tests" / ".official" / "bin"
    if not (folder / "fal").exists():
        if os.environ.get("CI"):
            pytest.fail("the official CLI is missing; tests/run installs it")
        pytest.skip("the official CLI is missing; tests/run installs it")
    return folder
