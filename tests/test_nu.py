"""nushell: the whole integration in the real nu, on a terminal and in scripts."""

from __future__ import annotations

import json
import re
import shutil
import time
from typing import TYPE_CHECKING, Any
from unittest import mock

import click
import pexpect
import pyte
import pytest
from conftest import KEYS, REPOSITORY, SEED_KEY, copied_programs
from driver import Trace, default_signals, needs, notice
from test_values import HOSTILE

from falenv import commands, dialects, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import Home

    Start = Callable[..., "Nu"]

ROWS, COLUMNS = 40, 500
PROMPT = "ready> "
CONFIG = """
$env.config.show_banner = false
$env.PROMPT_COMMAND = {|| "ready" }
$env.PROMPT_COMMAND_RIGHT = ""
"""


@pytest.fixture(scope="session")
def program() -> str:
    """Return the nu that tests/run installed, or another one on PATH."""
    own = REPOSITORY / "tests" / ".npm" / "nu"
    return str(own) if own.exists() else needs("nu")


class _Screen(pyte.Screen):
    def __init__(self, answer: Callable[[str], None]) -> None:
        super().__init__(COLUMNS, ROWS)
        self._answer = answer

    def write_process_input(self, data: str) -> None:
        """Answer a question about the cursor."""
        self._answer(data)


class Nu:
    """A nu on a terminal. Unlike the driver's screen, this one is as tall as nu believes.

    nu's editor asks where the cursor is, and draws there.
    """

    def __init__(self, words: list[str], variables: dict[str, str], folder: Path) -> None:
        self.child: Any = pexpect.spawn(
            words[0],
            words[1:],
            env=variables,
            cwd=str(folder),
            dimensions=(ROWS, COLUMNS),
            encoding="utf-8",
            preexec_fn=default_signals,
        )
        self.child.delaybeforesend = None
        self._screen = _Screen(self.child.send)
        self._stream = pyte.Stream(self._screen)
        self._wait(lambda: self._row().endswith(PROMPT), "the first prompt")
        #: All that was shown before the first prompt.
        self.greeting = "\n".join(self._rows()[:-1])

    def talk(self, line: str) -> str:
        """Type a line on an empty screen; return what is shown between it and the next prompt."""
        self.child.send("\x0c")
        self._wait(lambda: self._screen.cursor.y == 0 and self._row().endswith(PROMPT), "a screen")
        self.child.send(f"{line}\r")
        self._wait(lambda: self._screen.cursor.y > 0 and self._row().endswith(PROMPT), line)
        return "\n".join(self._rows()[1:-1])

    def type(self, text: str) -> None:
        """Type, without return, and wait until the line shows it."""
        self.child.send(text)
        self._wait(lambda: self._row().endswith(PROMPT + text), text)

    def tab(self, typed: str, wanted: str) -> None:
        """Type, press TAB, and wait for what the line becomes; clear the line."""
        self.type(typed)
        self.child.send("\t")
        self._wait(lambda: self._row().endswith(f"{PROMPT}{wanted}"), wanted)
        self.child.send("\x15")
        self._wait(lambda: self._row().endswith(PROMPT), "an empty line")

    @property
    def segment(self) -> str:
        """Return what stands before the prompt's own text."""
        return self._row().removesuffix(PROMPT)

    def exported(self) -> dict[str, str]:
        """Return those variables of a program started here that concern falenv."""
        lines = self.talk("^env | lines | where $it =~ '(?i)^(__)?fal' | str join (char newline)")
        return dict(line.partition("=")[::2] for line in lines.splitlines())

    def _row(self) -> str:
        """Return what stands before the cursor. The whole `display` takes 50 times as long."""
        row = self._screen.buffer[self._screen.cursor.y]
        return "".join(row[column].data for column in range(self._screen.cursor.x))

    def _rows(self) -> list[str]:
        return [row.rstrip() for row in self._screen.display[: self._screen.cursor.y + 1]]

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + 30
        quiet = 0
        # nu draws a line more than once. It is done when nothing more comes.
        while quiet < 2:
            quiet = quiet + 1 if condition() else 0
            assert time.monotonic() < end, (what, self._rows())
            try:
                self._stream.feed(self.child.read_nonblocking(65536, 0.03))
                quiet = 0
            except pexpect.TIMEOUT:
                continue

    def close(self) -> None:
        self.child.close(force=True)


@pytest.fixture
def begin(home: Home, program: str) -> Iterator[Start]:
    """Start a nu whose autoload folder has falenv, and which has these lines in its config."""
    shells: list[Nu] = []

    def start(config: str = "", prefix: tuple[str, ...] = (), **variables: str) -> Nu:
        folder = home.path / ".config" / "nushell"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.nu").write_text(CONFIG + config)
        done = home.fal("install", "nu", "--yes")
        assert done.stderr == "falenv: every new shell loads falenv" or not done.returncode, done
        shells.append(Nu([*prefix, program], {**home.variables, **variables}, home.path))
        return shells[-1]

    yield start
    for shell in shells:
        shell.close()


def ours(name: str, mark: str = "", **more: str) -> dict[str, str]:
    """Return what a program started on a profile gets."""
    own = {"FAL_KEY": KEYS[name], "FALENV_KEY_ID": KEYS[name].partition(":")[0]}
    return own | {"FALENV_PROFILE": name} | ({"FALENV_MARK": mark} if mark else {}) | more


def test_a_session(home: Home, begin: Start) -> None:
    home.profiles("a", "b", default="a")
    mine = {"FAL_KEY": SEED_KEY, "FAL_KEY_ID": "rival"}
    kept = {"FALENV_KEPT_ID": SEED_KEY.partition(":")[0]}
    shell = begin(**mine)
    assert shell.greeting == "falenv: set aside while a profile is active: FAL_KEY_ID"
    assert (shell.segment, shell.exported()) == ("(fal:a) ", ours("a", **kept))

    # Switches typed here work on the same line.
    assert shell.talk("fal profile use b; print $env.FAL_KEY") == KEYS["b"]
    assert shell.segment == "(fal:b*) "
    assert shell.exported() == ours("b", "*", FAL_PROFILE="b", **kept)
    assert shell.talk("fal profile use -; print $env.FAL_KEY ($env.FAL_PROFILE? == null)") == (
        f"{KEYS['a']}\ntrue"
    )
    assert shell.talk("fal profile set b; print $env.FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile set a") == "Default profile set to a."
    assert shell.talk("falenv profile use b") == ""
    assert shell.talk("fal profile use --default") == ""
    assert (shell.segment, shell.exported()) == ("(fal:a) ", ours("a", **kept))
    assert shell.talk(
        "fal profile list --json | from json | get profiles.profile | str join :"
    ) == ("a:b")
    notice(shell.talk("fal profile use nosuch"), "profile 'nosuch' does not exist")
    assert shell.talk("$env.LAST_EXIT_CODE") == "1"
    assert (shell.segment, shell.exported()) == ("(fal:a) ", ours("a", **kept))

    # No credentials at all, and back.
    assert shell.talk("fal profile use --none") == ""
    none = shell.exported()
    assert (shell.segment, none.pop("FAL_HOME_DIR")[-6:], none.pop("FAL_PROFILE")) == (
        "", "/empty", "__internal__",
    )  # fmt: skip
    assert none == {"FALENV_NONE": "1", **kept}
    assert shell.talk("fal profile use a") == ""
    assert shell.exported() == ours("a", "*", FAL_PROFILE="a", **kept)

    # What the user sets is left alone and marked.
    assert shell.talk("fal profile use --default; $env.FAL_KEY = 'my:own'") == ""
    assert shell.segment == "(fal:a!) "
    assert shell.talk("fal profile use --default") == ""
    assert shell.segment == "(fal:a) "

    # A change elsewhere is followed at the next prompt, which keeps the exit code.
    home.profiles("a", "b", default="b")
    assert shell.talk("^sh -c 'exit 3'; print never") == ""
    assert (shell.segment, shell.talk("$env.LAST_EXIT_CODE")) == ("(fal:b) ", "3")
    assert home.fal("set", "a").returncode == 0
    assert shell.talk("print $env.FAL_KEY") == KEYS["b"]  # one line, one account
    assert shell.segment == "(fal:a) "
    home.write("[broken")
    notice(shell.talk(""), "not valid TOML")
    assert (shell.talk(""), shell.segment) == ("", "(fal:a) ")
    home.profiles("a", default="a")
    assert (shell.talk(""), shell.segment) == ("", "(fal:a) ")

    # An own key is stored from what the shell had before.
    assert shell.talk("fal profile set new; fal profile key --from-env") == (
        "Key set for profile new."
    )
    assert shell.talk("print $env.FAL_KEY") == SEED_KEY
    assert shell.segment == "(fal:new) "
    assert (
        shell.talk(f"'{KEYS['b']}' | fal profile key --stdin --yes; print $env.FAL_KEY")
        == (KEYS["b"])
    )

    assert shell.talk("fal profile off") == ""
    assert (shell.segment, shell.exported()) == ("", mine)
    assert shell.talk("$env.config.hooks.pre_prompt | length") == "0"
    assert shell.talk("print (view source $env.PROMPT_COMMAND)") == '{|| "ready" }'


def test_case_21_an_idle_prompt_starts_no_process(home: Home, begin: Start, trace: Trace) -> None:
    home.profiles("a", default="a")
    (home.path / ".env").write_text("FAL_KEY=other:key\n")
    shell = begin(prefix=trace.prefix)
    assert shell.segment == "(fal:a) "
    trace.begin()
    for _ in range(10):
        assert shell.talk("") == ""
    assert trace.processes() == []
    shell.talk("^true")
    assert len(trace.processes()) == 2  # a fork and its exec


def test_folders(home: Home, begin: Start) -> None:
    home.profiles("a", "b", default="a")
    folder = home.path / "project"
    (folder / "deep").mkdir(parents=True)
    (folder / ".fal-profile").write_text("b\n")
    shell = begin()
    notice(shell.talk("cd project/deep"), "names profile 'b', but you have not allowed it")
    assert (shell.talk(""), shell.segment) == ("", "(fal:a) ")
    assert shell.talk("fal profile allow out> /dev/null") == ""
    assert (shell.segment, shell.exported()) == ("(fal:b/) ", ours("b", "/"))
    # A folder inside a line changes nothing before the next prompt.
    assert shell.talk("cd ../..; print $env.FAL_KEY") == KEYS["b"]
    assert shell.segment == "(fal:a) "
    assert shell.talk("cd project") == ""
    assert shell.segment == "(fal:b/) "
    (folder / ".fal-profile").write_text("a\n")
    notice(shell.talk(""), "has changed")
    assert (shell.segment, shell.exported()) == ("", {})


def test_a_shell_below_an_integrated_one(home: Home, begin: Start) -> None:
    home.profiles("a", "b", default="a")
    # What came from falenv is not the user's.
    shell = begin(**ours("b", "*", FAL_PROFILE="b"))
    assert shell.segment == "(fal:b*) "
    assert shell.talk("fal profile off") == ""
    assert shell.exported() == {}
    # A key in front of the shell is.
    shell = begin(**ours("b") | {"FAL_KEY": "my:own"})
    assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:a!) ", "my:own")
    assert shell.talk("fal profile use b") == ""
    assert shell.exported() == ours("b", "*", FAL_PROFILE="b")
    assert shell.talk("fal profile off") == ""
    assert shell.exported() == {"FAL_KEY": "my:own"}


def test_read_twice_beside_hooks_and_a_command_of_the_users(home: Home, begin: Start) -> None:
    home.profiles("a", default="a")
    config = """
        alias open = ^false
        def fal [...words] { print $"MINE ($words | str join ' ')" }
        $env.config.hooks.pre_prompt = [{|| print before }]
    """
    file = ".config/nushell/autoload/falenv.nu"
    shell = begin(config)
    assert shell.talk(f"source {file}") == "before"
    assert shell.segment == "(fal:a) "
    assert shell.talk("$env.config.hooks.pre_prompt | length") == "2\nbefore"
    assert shell.talk("$env.config.hooks.env_change.PWD | length") == "1\nbefore"
    assert shell.talk("fal app list") == "MINE app list\nbefore"
    assert shell.talk("$env.PROMPT_COMMAND = {|| $'ready' }; fal profile off") == "before"
    assert shell.talk("fal app list") == "MINE app list\nbefore"


def test_case_35_tab(home: Home, begin: Start) -> None:
    home.write('[a]\nkey = "a:b"\n["it\'s me"]\n[comfy]\n')
    shell = begin()
    shell.tab("fal profile use com", "fal profile use comfy")
    shell.tab("fal profile key it", 'fal profile key "it\'s me"')
    shell.tab("fal profile exe", "fal profile exec")
    shell.tab("falenv profile host --pro", "falenv profile host --profile")
    shell.tab("fal profile install fi", "fal profile install fish")


def test_the_tables_have_clicks_commands_and_options() -> None:
    text = (REPOSITORY / "shell" / "falenv.nu").read_text()
    with click.Context(commands.profile) as context:
        declared = {
            name: command
            for name in commands.profile.list_commands(context)
            if (command := commands.profile.get_command(context, name)) and not command.hidden
        }
        names = {name: command.get_short_help_str(99) for name, command in declared.items()}
        options = {
            (name, option, str(parameter.help).rstrip("."))
            for name, command in declared.items()
            for parameter in command.params
            if isinstance(parameter, click.Option) and not parameter.hidden
            for option in parameter.opts
        }
    table = re.search(r"const __falenv_commands = \[(.*?)\n\]", text, re.DOTALL)
    rows = re.findall(r"\[(\S+) '([^']*)'\]", table[1]) if table else []
    assert dict(rows) == {name: words.rstrip(".") for name, words in names.items()}
    found = re.findall(r"""\[(\S+) '(-\S+)' (?:'([^']*)'|"([^"]*)")\]""", text)
    assert {(name, option, one or other) for name, option, one, other in found} == options


def test_case_01_values_reach_nu_byte_for_byte(home: Home, program: str) -> None:
    values = [*HOSTILE, "r#'x'#", "#", "x # y", "\x1b[2J", "\u202e", "\U0001f600", "\x7f", "-- x"]
    dialect = dialects.find("nu")
    code = "".join(
        f"{dialect.assign('v', value)}print --raw ({{code: $v, data: ({dialect.quote(line)}"
        " | from json | get 2)} | to json --raw)\n"
        for value in values
        for line in [dialect.state.render({"FAL_KEY": value})]
    )
    (home.path / "values.nu").write_text(code)
    ran = home.run(program, "-n", "values.nu")
    assert ran.stderr == ""
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert said == [{"code": value, "data": value} for value in values]
    assert not (home.path / "pwned").exists()


def test_case_01_a_hostile_profile(home: Home, program: str) -> None:
    name, key = 'it\'s $(touch pwned) `x` "q" #r', "i'd$(touch-pwned)#`\"r#:'#;"
    home.write(f"[__internal__]\nprofile = {json.dumps(name)}\n[{json.dumps(name)}]\n")
    with home.store.open("a") as file:
        file.write(f"key = {json.dumps(key)}\n")
    (home.path / "own.nu").write_text(home.fal("env", "--shell", "nu").stdout)
    ran = home.run(
        program, "-n", "-c", "source own.nu; print --raw $env.FAL_KEY; ^printenv FALENV_PROFILE"
    )
    assert (ran.stderr, ran.stdout) == ("", f"{key}\n{name}\n")
    assert not (home.path / "pwned").exists()


def test_a_script_pins_itself_and_shows_no_key(home: Home, program: str) -> None:
    home.profiles("a", "b", default="a")
    code = home.fal("env", "b", "--shell", "nu").stdout
    assert not any(key in code for key in KEYS.values())
    (home.path / "own.nu").write_text(code)
    script = "source own.nu; print $env.FAL_KEY; fal profile off; print ($env.FAL_KEY? == null)"
    assert home.run(program, "-n", "-c", script).stdout == f"{KEYS['b']}\ntrue\n"
    exports = home.fal("env", "b", "--shell", "nu", "--exports-only").stdout
    (home.path / "exports.nu").write_text(exports)
    ran = home.run(program, "-n", "-c", "source exports.nu; print $env.FAL_KEY", FAL_HOST="old")
    assert (ran.stdout, ran.stderr) == (f"{KEYS['b']}\n", "")


def test_install_an_upgrade_and_uninstall(home: Home, program: str) -> None:
    home.profiles("a", default="a")
    file = home.path / ".config" / "nushell" / "autoload" / "falenv.nu"
    with mock.patch("falenv.rcfiles.__version__", "0.0.0"), mock.patch.object(paths, "PROTOCOL", 0):
        assert home.here("profile", "install", "nu", "--yes")[0] == 0
    old = file.read_text()
    # A shell of the other protocol says so, and the program renews the file.
    line = f"source {dialects.find('nu').quote(str(file))}; print ($env.FAL_KEY? == null)"
    ran = home.run(program, "-n", "-c", line)
    assert ran.stdout == "true\n"
    notice(ran.stderr.removesuffix("\n"), "was upgraded", "open a new shell")
    assert file.read_text() != old
    ran = home.run(program, "-n", "-c", line)
    assert (ran.stdout, ran.stderr) == ("false\n", "")
    assert home.fal("install", "nu", "--yes").stdout == f"Already installed in {file}.\n"
    assert home.fal("uninstall", "--yes").stdout.splitlines()[-1] == f"Removed {file}."
    assert not file.exists()


def test_case_65_a_missing_program_is_reported_once(home: Home, program: str) -> None:
    home.profiles("a", default="a")
    exe = copied_programs(home)
    assert home.run(str(exe), "profile", "install", "nu", "--yes").returncode == 0
    file = home.path / ".config" / "nushell" / "autoload" / "falenv.nu"
    line = f"source {dialects.find('nu').quote(str(file))}; print ($env.FAL_KEY? == null)"
    away = exe.rename(home.path / "away")
    for said in ("is missing or cannot run", ""):
        ran = home.run(program, "-n", "-i", "-c", line)
        assert ran.stdout == "true\n"
        assert said in ran.stderr
        assert ran.stderr.count("\n") == bool(said)
    away.rename(exe)
    ran = home.run(program, "-n", "-i", "-c", line)
    assert (ran.stdout, ran.stderr) == ("false\n", "")


@pytest.mark.parametrize("name", ["elvish", "xonsh", "tcsh", "pwsh"])
def test_a_shell_without_an_integration_is_told_what_works(home: Home, name: str) -> None:
    home.profiles("a", "b", default="a")
    shell = home.path / name
    shutil.copy(needs("bash"), shell)
    said = (
        f"falenv: falenv has no integration for {name}; these commands work there too: "
        "fal profile exec NAME -- COMMAND, fal profile env NAME --format json\n"
    )
    for words in ("install", "env", f"env --shell {name}"):
        ran = home.run(str(shell), "-c", f"fal profile {words}; :")
        assert (ran.stdout, ran.stderr) == ("", said)
    for words in ("use b", "set b", "current"):
        ran = home.run(str(shell), "-c", f"fal profile {words}; :", FAL_KEY="x:y")
        assert said[8:-1] in ran.stderr
        assert "eval" not in ran.stderr
