"""bash beside other tools: PROMPT_COMMAND, DEBUG traps, ble.sh, odd options, fixed variables."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, copied_programs
from driver import KINDS, notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell, Trace

    Start = Callable[..., Shell]

BASH = KINDS["bash"]
OURS = BASH.eval_line()
DECLARE = "declare -p PROMPT_COMMAND 2>/dev/null"


# --- Text joined to PROMPT_COMMAND ---------------------------------------------------------------

#: What a start-up file does below our line. It adds one hook.
JOINED = {
    "behind, no separator": "PROMPT_COMMAND+='hook a'",
    "in front, no separator": 'PROMPT_COMMAND="hook a$PROMPT_COMMAND"',
    "assignment behind": "PROMPT_COMMAND+='x=1 hook a'",
    "semicolon behind": 'PROMPT_COMMAND="$PROMPT_COMMAND; hook a"',
    "tight semicolon behind": "PROMPT_COMMAND+=';hook a'",
    "semicolon in front": 'PROMPT_COMMAND="hook a; $PROMPT_COMMAND"',
    "line behind": "PROMPT_COMMAND+=$'\\nhook a'",
    "both sides": 'PROMPT_COMMAND="hook a; $PROMPT_COMMAND; :"',
    "and behind": "PROMPT_COMMAND+='&& :; hook a'",
    "in an if": 'PROMPT_COMMAND="if true; then $PROMPT_COMMAND; hook a; fi"',
}
BEFORE = {
    "unset": "",
    "function": "PROMPT_COMMAND='hook b'",
    "semicolon": "PROMPT_COMMAND='hook b;'",
    "inline": "PROMPT_COMMAND='ran+=\"b\"'",
    "array": "PROMPT_COMMAND=('hook b' 'ran+=\"c\"')",
    "comment": "PROMPT_COMMAND='hook b # why'",
}
#: Without us too, these would be other commands, or none.
SENSELESS = {
    (before, how)
    for before in BEFORE
    for how in JOINED
    if before != "unset" and "no separator" in how
} | {
    ("function", "assignment behind"),
    ("inline", "assignment behind"),
    ("array", "assignment behind"),
    ("comment", "assignment behind"),
    ("semicolon", "semicolon behind"),
    ("semicolon", "tight semicolon behind"),
    ("semicolon", "and behind"),
    ("semicolon", "both sides"),
    ("semicolon", "in an if"),
    *(("comment", how) for how in JOINED if how not in {"line behind", "semicolon in front"}),
} - {("semicolon", "behind, no separator")}
TOGETHER = [(before, how) for before in BEFORE for how in JOINED if (before, how) not in SENSELESS]


@pytest.mark.parametrize("ends", ["off", "gone"])
@pytest.mark.parametrize(("before", "how"), TOGETHER, ids=map(", ".join, TOGETHER))
def test_cases_72_and_81_text_on_either_side_of_ours_runs_with_us_and_without(
    home: Home, start: Start, before: str, how: str, ends: str
) -> None:
    home.profiles("a", "b", default="a")
    program = copied_programs(home)
    rc = f"hook() {{ ran+=$1; }}\n{BEFORE[before]}\n{OURS}\n{JOINED[how]}"
    shell = start("bash", rc)
    assert shell.greeting == ""
    expected = {"unset": "", "array": "bc"}.get(before, "b")

    def check(*, has_failed: bool) -> None:
        shell.define("ran", "")
        # The prompt after this, and the one after `get`.
        assert shell.talk("(exit 7)" if has_failed else ":") == ""
        ran = shell.get("ran")
        assert sorted(ran) == sorted(("a" + expected) * 2), ran

    for has_failed in (False, True, True):
        check(has_failed=has_failed)
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "(fal:b) ")
    if ends == "off":
        assert shell.talk("fal profile off") == ""
    else:
        program.unlink()
        (program.parent / "fal").unlink()
        notice(shell.prompts(), "is gone")
    for has_failed in (False, True):
        check(has_failed=has_failed)
    assert "falenv" not in shell.stdout(DECLARE)


@pytest.mark.parametrize("replaced", ["in the start-up file", "by hand", "by a script"])
def test_case_86_the_next_command_puts_a_lost_hook_back_and_says_so_once(
    home: Home, start: Start, replaced: str
) -> None:
    home.profiles("a", "b", default="a")
    assign = "PROMPT_COMMAND='hook a'"
    (home.path / "tool").write_text(f"{assign}\n")
    is_early = replaced == "in the start-up file"
    rc = f"hook() {{ ran+=$1; }}\n{OURS}\n{assign if is_early else ''}"
    shell = start("bash", rc)
    line = ". ./tool" if replaced == "by a script" else assign
    if not is_early:
        assert shell.talk(line) == ""
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    said, name = shell.talk("fal profile current --name").splitlines()
    notice(said, "PROMPT_COMMAND")
    assert name == "a"  # the account that pays until the next prompt
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "(fal:b) ")
    # Every time, but silently from then on. `falenv` is the same command.
    assert shell.talk(line) == ""
    assert shell.talk("falenv profile current --name") == "b"
    home.fal("set", "a")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    shell.define("ran", "")
    assert shell.get("ran") == "a"


def test_case_86_a_hook_that_runs_from_elsewhere_is_not_lost(home: Home, start: Start) -> None:
    """VS Code, for one, keeps the hooks in a variable of its own and runs them from a function."""
    home.profiles("a", "b", default="a")
    moved = 'kept=$PROMPT_COMMAND; tool() { eval "$kept"; }; PROMPT_COMMAND=tool'
    shell = start("bash", f"{OURS}\n{moved}")
    for line in ("fal profile current --name", "for i in 1; do fal profile current --name; done"):
        assert shell.talk(line) == "a"
        assert shell.prompts() == ""
    assert shell.get("PROMPT_COMMAND") == "tool"


# --- DEBUG traps ---------------------------------------------------------------------------------

#: A timer: the trap starts it, unless it runs. The last hook stops it, and notes what started it.
TIMER = """
began=
timer_start() { began=${began:-$BASH_COMMAND}; }
timer_stop() { echo "$? $began" >> timed; began=; }
hook() { :; }
trap timer_start DEBUG
"""
TIMERS = {
    "alone": "PROMPT_COMMAND=timer_stop",
    "with a semicolon": "PROMPT_COMMAND='timer_stop; '",
    "behind another": "PROMPT_COMMAND='hook; timer_stop'",
    "with words": "PROMPT_COMMAND='hook \"a b\" && hook; timer_stop now'",
    "in a line of its own": "PROMPT_COMMAND=$'hook \"a\"\\ntimer_stop\\n'",
    "in an array": "PROMPT_COMMAND=('hook a' timer_stop)",
    "inline": "PROMPT_COMMAND='echo \"$? $began\" >> timed; unset began'",
    "set up below": "OURS\nPROMPT_COMMAND=\"${PROMPT_COMMAND-}\"$'\\n'timer_stop",
}


@pytest.mark.parametrize("timer", TIMERS)
def test_case_73_a_timer_measures_what_it_measures_without_us(
    home: Home, start: Start, timer: str
) -> None:
    home.profiles("a", "b", default="a")
    timed = home.path / "timed"
    lines = (":", "", "false | true | (exit 3)", "(exit 7)", "", "PS1=$PS1", "hook", "true; false")
    text = f"{TIMER}{TIMERS[timer]}\n{'' if 'OURS' in TIMERS[timer] else 'OURS'}"
    seen = []
    for ours in ("", OURS):
        timed.unlink(missing_ok=True)
        shell = start("bash", text.replace("OURS", ours))
        for line in lines:
            assert shell.talk(line) == ""
        # Where no command was typed, the hooks start the timer, and the trap sees our text.
        noted = timed.read_text().replace('${__falenv_after+"$__falenv_after"} ', "")
        noted = noted.replace('"${__falenv_run:-:}"', "timer_stop")
        # The first prompt's note is about the start-up file.
        seen.append(noted.splitlines()[-len(lines) :])
    assert seen[0] == seen[1]
    assert len(seen[0]) == len(lines)
    assert shell.segment == "(fal:a) "
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.segment == "(fal:b) "
    declared = shell.stdout(DECLARE)
    assert shell.talk("fal profile off") == ""
    if "OURS" not in TIMERS[timer]:
        plain = start("bash", text.replace("OURS", ""))
        assert shell.stdout(DECLARE) == plain.stdout(DECLARE) != declared


def test_case_73_the_last_hook_finds_the_pipe_status(home: Home, start: Start) -> None:
    home.profiles("a", default="a")
    last = 'last() { echo "$? ${PIPESTATUS[*]}" >> noted; }; PROMPT_COMMAND=last'
    shell = start("bash", f"{last}\n{OURS}")
    assert shell.talk("(exit 1) | (exit 2) | (exit 3)") == ""
    assert shell.talk("(exit 7)") == ""
    assert (home.path / "noted").read_text().splitlines()[1:] == ["3 1 2 3", "7 7"]


#: A stand-in for bash-preexec 0.5 and 0.6 (github.com/rcaloras/bash-preexec). It re-enacts where
#: bash-preexec hooks in, and how it tells a typed command from a hook. To test with the real one,
#: name its file in FALENV_BASH_PREEXEC.
PREEXEC = r"""
__bp_install_string='__bp_install "$_"'
__bp_mode=
__bp_interactive_mode() { __bp_mode=on; }
__bp_in_prompt_command() {
    local parts part IFS=$'\n;'
    read -rd '' -a parts <<<"${PROMPT_COMMAND[*]:-}"
    for part in "${parts[@]}"; do
        part=${part#"${part%%[![:space:]]*}"}
        part=${part%"${part##*[![:space:]]}"}
        [[ $part != "$1" ]] || return 0
    done
    return 1
}
__bp_debug() {
    [[ -n $__bp_mode ]] || return 0
    __bp_mode=
    ! __bp_in_prompt_command "$BASH_COMMAND" || return 0
    preexec "$(HISTTIMEFORMAT='' builtin history 1 | sed 's/^ *[0-9]*[* ] //')"
}
__bp_precmd_invoke_cmd() {
    local status=$?
    (exit "$status")
    precmd
    return "$status"
}
__bp_install() {
    local i status=$?
    trap '__bp_debug' DEBUG
    for i in "${!PROMPT_COMMAND[@]}"; do
        PROMPT_COMMAND[i]=${PROMPT_COMMAND[i]/"$__bp_install_string"/:}
        # Trimmed, and without what does nothing.
        PROMPT_COMMAND[i]=${PROMPT_COMMAND[i]%"${PROMPT_COMMAND[i]##*[! $'\n']}"}
        PROMPT_COMMAND[i]=${PROMPT_COMMAND[i]%$'\n:'}
        [[ ${PROMPT_COMMAND[i]} != : ]] || unset "PROMPT_COMMAND[$i]"
    done
    PROMPT_COMMAND='__bp_precmd_invoke_cmd "$_"'${PROMPT_COMMAND:+$'\n'$PROMPT_COMMAND}
    PROMPT_COMMAND+=(__bp_interactive_mode)
    (exit "$status")
    __bp_precmd_invoke_cmd
    __bp_interactive_mode
}
declare -ft __bp_install
PROMPT_COMMAND+=("$__bp_install_string")
"""


@pytest.mark.parametrize("hooks", ["", "PROMPT_COMMAND='hook a'", "PROMPT_COMMAND=('hook a')"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_case_73_bash_preexec_calls_what_it_calls_without_us(
    home: Home, start: Start, order: str, hooks: str
) -> None:
    home.profiles("a", "b", default="a")
    real = os.environ.get("FALENV_BASH_PREEXEC")
    (home.path / "preexec").write_text(Path(real).read_text() if real else PREEXEC)
    noted = home.path / "noted"
    common = (
        'preexec() { echo "exec $1" >> noted; }\nprecmd() { echo "cmd $?" >> noted; }\n'
        f"hook() {{ :; }}\n{hooks}\n"
    )
    both = {"before": ". ./preexec\nOURS", "after": "OURS\n. ./preexec"}[order]
    # `ours` evaluates our line again, at a prompt.
    lines = ("echo hi", "", "false", "hook; true", "ours", "", "sh -c 'exit 7'", "echo again")
    seen = []
    for ours in (":", OURS):
        noted.unlink(missing_ok=True)
        shell = start("bash", common + both.replace("OURS", ours) + f"\nours() {{ {ours}; }}")
        answers = [shell.talk(line) for line in lines]
        assert [answer for answer in answers if answer] == ["hi", "again"]
        seen.append(noted.read_text())
    assert seen[0] == seen[1]
    assert seen[0].count("exec ") == len([line for line in lines if line])
    assert shell.segment == "(fal:a) "
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "(fal:b) ")
    assert shell.talk("fal profile off") == ""
    noted.unlink()
    assert [shell.talk(line) for line in ("echo hi", "", "false")] == ["hi", "", ""]
    assert noted.read_text() == "exec echo hi\ncmd 0\ncmd 0\nexec false\ncmd 1\n"


# --- ble.sh --------------------------------------------------------------------------------------

#: A stand-in for ble.sh 0.4 (github.com/akinomyoga/ble.sh), which takes seconds to load. It has
#: hooks of its own, and once it is attached it takes PROMPT_COMMAND away from the shell.
BLE = """
BLE_VERSION=0.4.0-devel4
ble_hooks=()
blehook() {
    local hook=${1#*=}
    case $1 in
        PRECMD!=*) ble_hooks+=("$hook") ;;
        PRECMD-=*) ble_hooks=("${ble_hooks[@]/#"$hook"}") ;;
    esac
}
ble_prompt() { local hook; for hook in "${ble_hooks[@]}"; do $hook; done; eval "$ble_kept"; }
ble-attach() { ble_kept=${PROMPT_COMMAND-}; PROMPT_COMMAND=ble_prompt; }
"""


@pytest.mark.parametrize("order", ["above", "below"])
def test_case_82_in_ble_sh_the_hook_is_one_of_its_own(home: Home, start: Start, order: str) -> None:
    home.profiles("a", "b", default="a")
    (home.path / ".bashrc").write_text(f"{BLE}\n{'' if order == 'above' else 'ble-attach'}\n")
    assert home.fal("install", "bash", "--yes").returncode == 0
    # To re-enact it: what is there at the end is not called once it is attached.
    late = "ble-attach" if order == "above" else "PROMPT_COMMAND=ble_prompt"
    shell = start("bash", f". ~/.bashrc\n{late}")
    assert shell.greeting == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.segment == "(fal:a) "
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "(fal:b) ")
    assert shell.talk(OURS) == ""
    assert shell.talk("fal profile current --name") == "b"
    assert shell.stdout('printf %s "${PROMPT_COMMAND[*]}"') == "ble_prompt"
    assert shell.talk("fal profile off") == ""
    assert "falenv" not in shell.stdout('printf "<%s>" "${ble_hooks[@]}"')


# --- Options and fixed variables -----------------------------------------------------------------


def test_case_74_set_k_prints_nothing_of_the_environment(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '{KEYS['c']}'\n")
    shell = start("bash", f"set -k\nPS1='$(falenv_prompt)ready> '\n{OURS}\n{OURS}")
    assert (shell.greeting, shell.segment) == ("", "(fal:a) ")
    flags = shell.stdout("printf %s $-")
    for line, key in (
        ("fal profile use b", "b"),
        ("fal profile use odd", "c"),
        ("fal profile use -", "b"),
        ("fal profile use --default", "a"),
        (BASH.eval_line("b --shell bash"), "b"),
        (BASH.eval_line("odd --exports-only --shell bash"), "c"),
        (BASH.eval_line("a --exports-only --shell sh"), "a"),
        ("fal profile use b", "b"),
    ):
        assert shell.talk(line) == "", line
        assert shell.talk("(exit 7)") == ""
        assert shell.status() == 7
        assert shell.exported()["FAL_KEY"] == KEYS[key], line
    shell.type("fal profile use o\t")
    shell.wait(lambda: shell.screen().endswith("fal profile use odd"), "TAB", 10)
    shell.type("\x15")
    assert shell.stdout("printf %s $-") == flags
    assert shell.talk("PS1='ready> '; fal profile off") == ""
    assert "FAL_KEY" not in shell.exported()


@pytest.mark.parametrize("how", ["rbash", "set -r"])
def test_case_74_a_restricted_shell_keeps_its_account_and_says_so_once(
    home: Home, start: Start, how: str
) -> None:
    home.profiles("a", "b", default="a")
    prefix = ("sh", "-c", 'exec "$@" -r', "sh") if how == "rbash" else ()
    shell = start("bash", f"shopt -q restricted_shell && echo R\n{OURS}", prefix=prefix)
    if how == "rbash":
        first, said = shell.greeting.splitlines()
        assert first == "R"
    else:
        assert shell.segment == "(fal:a) "
        said = shell.talk(how)
    notice(said, "restricted")
    assert shell.segment == ""
    home.fal("set", "b")
    assert shell.prompts(3) == ""
    assert shell.talk("false") == ""
    assert shell.talk("echo $?; echo $FAL_KEY") == f"1\n{KEYS['a']}"
    assert shell.talk(OURS) == ""
    assert shell.prompts(2) == ""
    assert shell.talk("echo $FAL_KEY $FALENV_PROFILE") == f"{KEYS['a']} a"
    # The script on PATH, which says how it is.
    assert shell.talk("falenv profile current --name") in {"a", "b"}


def test_case_74_a_read_only_ps1_gets_no_segment(home: Home, start: Start, trace: Trace) -> None:
    home.profiles("a", "b", default="a")
    shell = start("bash", f"readonly PS1\n{OURS}", prefix=trace.prefix)
    assert (shell.greeting, shell.segment) == ("", "")
    home.fal("set", "b")
    assert shell.prompts(2) == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "")
    assert shell.talk("fal profile off") == ""
    # With our segment in it already, that goes on.
    shell = start("bash")
    assert shell.talk("readonly PS1") == ""
    home.fal("set", "a")
    assert shell.prompts() == ""
    assert shell.segment == "(fal:a) "
    assert shell.talk("fal profile off") == ""
    assert shell.prompts() == ""
    assert shell.segment == ""


FIXED = ["FAL_KEY", "FALENV_PROFILE", "FALENV_MARK", "FALENV_KEY_ID", "FAL_HOST", "FAL_PROFILE"]


@pytest.mark.parametrize("name", [*FIXED, "FAL_KEY_ID"])
@pytest.mark.parametrize("value", ["", "=x"], ids=["unset", "set"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_case_74_a_read_only_variable_of_ours_keeps_the_account(
    home: Home, start: Start, name: str, value: str, when: str
) -> None:
    home.profiles("a", "b", default="a")
    fix = f"readonly {name}{value}"
    shell = start("bash", f"{fix}\n{OURS}" if when == "before" else OURS)
    said = shell.greeting
    if when == "after":
        if name in {"FAL_KEY", "FALENV_PROFILE", "FALENV_KEY_ID"} and value:
            fix = f"readonly {name}"  # with the value that falenv has set
        said = shell.talk(fix) + shell.prompts(2)
    home.fal("set", "b")
    said += shell.prompts(3)
    assert "FAL_KEY=" not in said
    if said:
        notice(said, name, "read-only")
    assert shell.talk("fal profile use b") != ""  # it is asked for, so it answers each time
    assert shell.prompts(2) == ""
    # No name without the key that belongs to it.
    key, shown = shell.get("FAL_KEY"), shell.segment
    mark = "!" if "!" in shown else ""
    assert shown in {"", f"(fal:a{mark}) "}
    if shown == "(fal:a) ":
        assert key == KEYS["a"]
    shell.talk("fal profile off")
    assert shell.segment == ""


# --- promptvars ----------------------------------------------------------------------------------


def test_case_85_without_promptvars_the_segment_is_text(
    home: Home, start: Start, trace: Trace
) -> None:
    odd = "$(touch pwned)`touch pwned`\\u\\$!&${PWD}"
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"['{odd}']\nkey = \"odd:key\"\ncolor = 'red'\n")
    shell = start("bash", f"shopt -u promptvars\n{OURS}", prefix=trace.prefix)
    shell.segments = ".*"
    assert shell.segment == "(fal:a) "
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "(fal:b*) "
    shell.export("FAL_KEY", "x:y")
    assert shell.segment == "(fal:b!) "
    assert shell.talk(f"fal profile use -- {BASH.quote(odd)}") == ""
    shown = "(fal:?(touch pwned)?touch pwned?\\u\\?!&?{PWD}*) "
    assert shell.segment == shown
    row, _ = shell.cursor
    assert shell.cell(row, 1).fg == "red"
    # Another hook turns it on behind ours, so that bash expands what stands there.
    assert shell.talk("shopt -s promptvars") == ""
    assert shell.segment == shown
    assert shell.talk("set -o posix; shopt -u promptvars") == ""
    assert shell.prompts() == ""
    assert shell.segment == shown
    assert shell.talk("set +o posix; fal profile use --default") == ""
    for line in ("shopt -s promptvars", "shopt -u promptvars"):
        assert shell.talk(line) == ""
        assert shell.segment == "(fal:a) "
    # A tool that draws its prompt again and again, as liquidprompt does.
    assert (
        shell.talk("draw() { PS1='new ready> '; }; PROMPT_COMMAND=\"draw;$PROMPT_COMMAND\"") == ""
    )
    assert shell.segment == "(fal:a) new "
    trace.begin()
    assert shell.prompts(5) == ""
    assert trace.processes() == []
    assert shell.talk(OURS) == ""
    assert shell.segment == "(fal:a) new "
    assert shell.talk("fal profile off") == ""
    assert shell.segment == "new "
    assert not (home.path / "pwned").exists()


def test_case_85_a_segment_in_text_costs_no_process(home: Home, start: Start, trace: Trace) -> None:
    home.profiles("a", "b", default="a")
    shell = start("bash", f"shopt -u promptvars\n{OURS}", prefix=trace.prefix)
    assert shell.prompts(2) == ""
    trace.begin()
    assert shell.prompts(5) == ""
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.segment == "(fal:b) "
    assert trace.processes() == []
