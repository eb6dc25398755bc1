"""`use NAME --for 30m`: the shell goes back at the first prompt after that time."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, LONG, POSIX_SHELLS, SCRIPTS, SHELLS, Home
from driver import KINDS, Kind, Shell, Trace, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

#: In short, one shell stands for those that share falenv.sh.
NAMES = [*SHELLS, *(POSIX_SHELLS if LONG else ["dash"])]
OVER = "falenv: the time of use --for is over"


@pytest.fixture(autouse=True)
def store(home: Home) -> None:
    home.profiles("a", "b", "c", default="a")


def let_end(shell: Shell) -> str:
    """Let the time end, as the clock does; return what the next prompts or commands show."""
    shell.export("FALENV_UNTIL", "1")
    if not shell.kind.has_hook:
        return shell.talk("fal profile current --name")
    # The first prompt came with the export. What it showed is above this one.
    return shell.prompts()


@pytest.mark.fire
@pytest.mark.parametrize("name", NAMES)
def test_a_shell_goes_back(home: Home, start: Callable[..., Shell], name: str) -> None:
    shell, kind = start(name), KINDS[name]
    shell.talk("fal profile use c")
    assert shell.talk("fal profile use b --for 30m") == ""
    assert re.fullmatch(r"\(fal:b\* until \d\d:\d\d\) ", shell.segment)
    held = shell.exported()
    assert (held["FAL_KEY"], held["FAL_PROFILE"], held["FALENV_AFTER"]) == (KEYS["b"], "b", "c")
    assert abs(int(held["FALENV_UNTIL"]) - time.time() - 1800) < 60
    said = shell.talk("fal profile current")
    assert re.match(r"b \(pinned by FAL_PROFILE until \d\d:\d\d\)\n", said)
    # A change elsewhere leaves it as it is.
    home.write(home.store.read_text() + "[new]\n")
    shell.prompts(2)
    assert shell.exported()["FALENV_UNTIL"] == held["FALENV_UNTIL"]
    # A child shell honours the time: it is on b, or if the time has come, on c and untimed.
    (home.path / "rc").write_text(
        f"{kind.eval_line()}\necho $FAL_KEY $FAL_PROFILE $FALENV_UNTIL $FALENV_AFTER\n"
    )
    words = {"bash": "bash --norc", "zsh": "zsh -f", "fish": "fish --no-config"}.get(name, name)
    said = shell.talk(f"{words} rc")
    assert said == f"{KEYS['b']} b {held['FALENV_UNTIL']} c"
    assert shell.talk(f"env FALENV_UNTIL=1 {words} rc").strip() == f"{KEYS['c']} c"
    # Nothing in the environment runs as an expression.
    shell.talk(f"env FALENV_UNTIL='a[$(touch X)]' {words} rc")
    assert not (home.path / "X").exists()
    # A pin of another hand has no end.
    said = shell.talk(f"env FAL_PROFILE=a FALENV_UNTIL=1 {words} rc")
    assert said.split() == [KEYS["a"], "a"]
    # What `exec` starts has no end either.
    assert shell.talk("fal profile exec a -- printenv FALENV_UNTIL FALENV_AFTER") == ""
    before = shell.output
    assert let_end(shell) in {"", f"{OVER}\nc"}
    assert shell.output[len(before) :].count(OVER) == 1
    assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:c*) ", KEYS["c"])
    assert {"FALENV_UNTIL", "FALENV_AFTER"} & set(shell.exported()) == set()


@pytest.mark.fire
@pytest.mark.parametrize("name", NAMES if LONG else ["bash"])
def test_a_time_ends_in_what_held_before(start: Callable[..., Shell], name: str) -> None:
    shell = start(name)
    # After a time within a time, what held before both: the default.
    shell.talk("fal profile use b --for 2h; fal profile use --for=90s c")
    assert re.fullmatch(r"\(fal:c\* until \d\d:\d\d:\d\d\) ", shell.segment)
    let_end(shell)
    assert (shell.segment, shell.exported().get("FAL_PROFILE")) == ("(fal:a) ", None)
    # Another choice has no end.
    shell.talk("fal profile use b --for 2h; fal profile use c")
    assert "FALENV_UNTIL" not in shell.exported()
    # No credentials before are no credentials afterwards.
    shell.talk("fal profile use --none")
    shell.talk("fal profile use b --for 2h")
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    let_end(shell)
    held = shell.exported()
    assert (held.get("FAL_KEY"), held["FALENV_NONE"]) == (None, "1")
    # What cannot be timed, and what is no time.
    for words in ("--default --for 1h", "--none --for 1h", "- --for 1h", "--for 1h"):
        one_line(shell.talk(f"fal profile use {words}"), "see: fal profile use --help")
    one_line(shell.talk("fal profile use b --for"), "option '--for' requires an argument")
    for words in ("1d", "0m", "h", "1.5h", "-3m", "999999999h", "x", "''", "--for="):
        said = shell.talk(f"fal profile use b --for {words}")
        one_line(said, "is not a time of up to a week")
    shell.talk("fal profile use b --for 2h")
    shell.talk("fal profile off")
    assert [word for word in shell.exported() if word.startswith("FALENV")] == []


@pytest.mark.fire
@pytest.mark.parametrize("kind", SHELLS if LONG else ["zsh"], indirect=True)
def test_no_prompt_starts_a_process_while_the_time_runs(
    start: Callable[..., Shell], kind: Kind, trace: Trace
) -> None:
    shell = start(kind, prefix=trace.prefix)
    shell.talk("fal profile use b --for 2h")
    shell.prompts()
    trace.begin()
    shell.prompts(3)
    assert trace.processes() == []


@pytest.mark.fire
@pytest.mark.parametrize("kind", SHELLS if LONG else ["fish"], indirect=True)
def test_a_pin_by_hand_ends_the_time(start: Callable[..., Shell], kind: Kind) -> None:
    shell = start(kind)
    shell.talk("fal profile use b --for 2h")
    shell.export("FAL_PROFILE", "c")
    shell.prompts()
    assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:c*) ", KEYS["c"])
    assert "FALENV_UNTIL" not in shell.exported()


def test_an_old_bash_asks_date(start: Callable[..., Shell]) -> None:
    """bash 3.2 has no clock. Here a newer bash takes 3.2 for its own version."""
    line = KINDS["bash"].eval_line()
    old = line.replace(')"', ' --shell bash | sed s/BASH_VERSINFO/old_version/g)"')
    shell = start("bash", f"old_version=(3 2 57)\n{old}")
    shell.talk("fal profile use b --for 1h")
    assert re.fullmatch(r"\(fal:b\* until \d\d:\d\d\) ", shell.segment)
    assert shell.prompts() == ""
    assert let_end(shell) in {"", OVER}
    assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:a) ", KEYS["a"])


def test_fish_asks_its_own_clock(start: Callable[..., Shell]) -> None:
    shell = start("fish", f"function path; printf '%s\\n' $PATH; end\n{KINDS['fish'].eval_line()}")
    shell.talk("fal profile use b --for 2h")
    assert shell.prompts() == ""
    assert re.fullmatch(r"\(fal:b\* until \d\d:\d\d\) ", shell.segment)


def test_what_falenv_starts_has_no_end(home: Home) -> None:
    variables = {"FALENV_UNTIL": "9999999999", "FALENV_AFTER": "c", "FAL_PROFILE": "a"}
    for words in (["b"], ["[b]"], ["--none"]):
        done = home.fal("exec", *words, "--", "printenv", *variables, **variables)
        assert [line for line in done.stdout.split() if line in {"9999999999", "c"}] == [], words
    code = "import falenv, os; falenv.use('b'); print(*(set(os.environ) & {'FALENV_UNTIL'}))"
    done = home.run(str(SCRIPTS / "python"), "-c", code, **variables)
    assert (done.stdout, done.stderr) == ("\n", "")
