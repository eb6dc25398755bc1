"""The manners of the hook: it costs nothing, says nothing, and changes nothing of the user's."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS, UNSET, needs

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home, Shell, Trace

    Start = Callable[..., Shell]

EVAL = 'eval "$(fal profile env)"'
STATUS = {"bash": "$?", "zsh": "$?", "fish": "$status"}


def talk(shown: str) -> list[str]:
    """Return the lines of falenv's in what a terminal showed."""
    return [line for line in shown.splitlines() if "falenv: " in line and "echo >" not in line]


# --- What it costs -------------------------------------------------------------------------------


COUNTER = {
    "bash": "PROMPT_COMMAND='count=$((count+1))'",
    "zsh": "count() { ((count++)) }; precmd_functions+=(count)",
    "fish": "set -g count 0; function count_prompts --on-event fish_prompt;"
    " set -g count (math $count + 1); end",
    "ksh": "count=0; tally() { count=$((count+1)); }; PS1='${ tally;}ready> '",
    "mksh": "count=0; tally() { count=$((count+1)); }; PS1='${|tally;}ready> '",
}


def test_case_21_a_thousand_prompts_start_no_process(
    home: Home, start: Start, shell_name: str, trace: Trace
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(shell_name, f"{COUNTER[shell_name]}\n{EVAL}", prefix=trace.prefix)
    assert shell.get("FAL_KEY") == KEYS["a"]
    shell.prompts(2)
    before = int(shell.get("count"))
    trace.begin()
    for _ in range(50):
        shell.type("\r" * 20)
        shell.run("")
    assert int(shell.get("count")) - before >= 1000
    assert trace.processes() == []
    # The trace does see what is started, and the hook does look.
    home.profiles("a", "b", default="b")
    shell.prompts()
    assert trace.processes() != []
    assert shell.get("FAL_KEY") == KEYS["b"]


@pytest.mark.parametrize("state", ["no-default", "no-store", "no-key", "broken", "by-hand", "pin"])
def test_case_21_no_process_whatever_the_state(
    home: Home, start: Start, shell_name: str, trace: Trace, state: str
) -> None:
    home.profiles("a", "b", default=None if state == "no-default" else "a")
    if state == "no-store":
        shutil.rmtree(home.path / ".fal")
    elif state == "no-key":
        home.write('[__internal__]\nprofile = "a"\n[a]\n')
    shell = start(shell_name, prefix=trace.prefix)
    if state == "broken":
        home.write("= =")
    elif state == "by-hand":
        shell.export("FAL_KEY", "x:y")
        home.profiles("a", "b", default="b")
    elif state == "pin":
        shell.export("FAL_PROFILE", "typo")
    shell.prompts(2)
    trace.begin()
    shell.prompts(5)
    assert trace.processes() == []


def test_a_switch_in_an_integrated_shell_starts_no_process(
    home: Home, start: Start, shell_name: str, trace: Trace
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(shell_name, prefix=trace.prefix)
    shell.prompts()
    trace.begin()
    for words, expected in (("b", "b"), ("a", "a"), ("-", "b"), ("--default", "a")):
        shell.run(f"fal profile use {words}")
        assert shell.get("FAL_KEY") == KEYS[expected]
    assert trace.processes() == []
    # Nor does following one that was made elsewhere, by ourselves.
    home.fal("set", "b")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert trace.processes() == []


def test_a_command_that_switches_starts_python_once(
    home: Home, start: Start, shell_name: str, trace: Trace
) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f'[hosted]\nkey = "{KEYS["c"]}"\nhost = "api.fal.ai"\n')
    shell = start(shell_name, prefix=trace.prefix)
    for words, expected in (
        ("set b", KEYS["b"]),
        ("set hosted", KEYS["c"]),
        ("create new", UNSET),
        ("link a", KEYS["a"]),
        ("deny", UNSET),
        ("allow", KEYS["a"]),
        ("unlink", UNSET),
        ("set third", UNSET),
        ("set a", KEYS["a"]),
        ("unset", UNSET),
    ):
        trace.begin()
        shell.run(f"fal profile {words}")
        programs = [call for call in trace.processes() if "execve(" in call]
        assert len(programs) == 1, words
        assert shell.exported().get("FAL_KEY", UNSET) == expected, words


ODD = {
    "plain": ('key = "ID:it\'s $(touch pwned)"', False),
    "single-quoted": ("key = 'ID:s'", True),
    "backslash": (r'key = "ID:back\\slash\u0041"', True),
    "host": ('key = "ID:h"\nhost = "api.fal.ai"', False),
    "host first": ('host = "api.alpha.fal.ai"\ncolor = "red"\nkey = "ID:f"', False),
    "host alone": ('host = "api.fal.ai"', True),
    "odd host": ("host = 'api.fal.ai'\nkey = \"ID:q\"", True),
    "like a host": ('hostess = "me"\nkey = "ID:l"\nhosts = "x.y"', True),
    "no host": ('host = ""\nkey = "ID:n"', False),
    "no key": ("", False),
    "empty key": ('key = ""\ncolor = "red"', False),
    "two like keys": ('key = "ID:2"\nkeyed = "ID:no"', False),
    "spaced": ('  key="ID:i"\n\thost  =  "api.fal.ai" # x', False),
    "colored": ('color = "#ff8800"\nkey = "ID:c"', False),
    "tight": ('key="ID:t"  # "comment"', False),
    "multi-line": ('key = """ID:m"""', True),
}


def test_the_shell_reads_what_a_process_tells_it(
    home: Home, start: Start, shell_name: str, trace: Trace
) -> None:
    """`__falenv_apply` does what `__falenv_state` says, or leaves it to that."""
    tables = "\n".join(f'["{name}"]\n{text}' for name, (text, _) in ODD.items())
    home.write(f'[__internal__]\nprofile = "plain"\n{tables}\n')
    shell = start(shell_name, prefix=trace.prefix)
    names = (
        "FAL_KEY",
        "FAL_HOST",
        "FAL_RUN_HOST",
        "FAL_QUEUE_RUN_HOST",
        "FALENV_PROFILE",
        "__falenv_name",
        "__falenv_shown",
        "__falenv_why",
        "__falenv_sgr",
        "__falenv_id",
        "__falenv_index",
    )

    def held() -> list[str]:
        return shell.stdout("printf '%s\\n' " + " ".join(f'"${name}"' for name in names)).split(
            "\n"
        )

    apply = (
        "__falenv_state '{}' | source"
        if shell_name == "fish"
        else "eval \"$(__falenv_state '{}')\""
    )
    for name, (_, asks) in ODD.items():
        trace.begin()
        shell.run(f"fal profile use '{name}'")
        assert bool(trace.processes()) == asks, name
        by_us = held()
        assert by_us[4] == name
        shell.run(apply.format(name))
        assert held() == by_us, name
    assert not (home.path / "pwned").exists()


# --- What it leaves alone ------------------------------------------------------------------------


def test_case_17_the_status_of_the_last_command_survives(
    home: Home, start: Start, shell_name: str
) -> None:
    home.profiles("a", "b", default="a")
    rc = {
        "bash": "first() { local status=$?; first=$status; return $status; }; PROMPT_COMMAND=first",
        "zsh": "PROMPT='%? ready> '",
        "fish": "function fish_prompt; set -g first $status; echo -n 'ready> '; end",
    }[shell_name]
    shell = start(shell_name, f"{rc}\n{EVAL}")
    if shell_name == "bash":
        shell.run("PROMPT_COMMAND+=';second=$?'")

    def check() -> None:
        assert shell.stdout(f"echo {STATUS[shell_name]}").strip() == "7"

    seven = f"{shell_name} -c 'exit 7'"
    shell.type(f"{seven}\r")
    check()
    home.profiles("a", "b", default="b")  # the same with a refresh
    shell.type(f"{seven}\r")
    check()
    assert shell.get("FAL_KEY") == KEYS["b"]
    # Hooks and prompts before and behind ours find it too.
    if shell_name != "zsh":
        shell.type(f"{seven}\r")
        names = ("first", "second") if shell_name == "bash" else ("first",)
        seen = shell.stdout("printf '%s ' " + " ".join("$" + name for name in names))
        assert seen.split() == ["7"] * len(names)
    else:
        shell.type(f"{seven}\r")
        shell.wait(lambda: "7 ready>" in shell.output, "the status in the prompt")


HOOKS = {
    "unset": ("unset PROMPT_COMMAND", ""),
    "string": ("PROMPT_COMMAND='hook a'", "a"),
    "semicolon": ("PROMPT_COMMAND='hook a; '", "a"),
    "two": ("PROMPT_COMMAND='hook a; hook b;'", "ab"),
    "comment": ("PROMPT_COMMAND='hook a # why'", "a"),
    "array": ("PROMPT_COMMAND=('hook a' 'hook b')", "ab"),
    "array, first empty": ("PROMPT_COMMAND=('' 'hook a;')", "a"),
    "array with a gap": ("PROMPT_COMMAND=([3]='hook a' [7]='hook b')", "ab"),
    "empty": ("PROMPT_COMMAND=", ""),
    "exported": ("export PROMPT_COMMAND='hook a'", "a"),
}


@pytest.mark.parametrize("form", HOOKS)
def test_case_18_every_old_hook_of_bash_runs_once_and_in_order(
    home: Home, start: Start, form: str
) -> None:
    home.profiles("a", "b", default="a")
    before, expected = HOOKS[form]
    declare = "declare -p PROMPT_COMMAND 2>/dev/null"
    shell = start("bash", f"hook() {{ ran+=$1; }}\n{before}\nwas=$({declare})\n{EVAL}")

    def check() -> None:
        shell.run("ran=")  # `run` makes two prompts
        assert shell.get("ran") == expected * 2

    for _ in range(2):
        check()
        shell.run(EVAL)
    home.profiles("a", "b", default="b")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.stdout(declare).count("__falenv") == 1
    shell.run("fal profile off")
    if form != "empty":  # it means the same as none
        assert shell.stdout(declare).strip() == shell.get("was")
    check()


def test_case_18_a_read_only_prompt_command(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    shell = start("bash", f"hook() {{ ran+=$1; }}\nreadonly PROMPT_COMMAND='hook a'\n{EVAL}")
    (line,) = talk(shell.output)
    assert "read-only" in line
    shell.run("ran=")
    assert shell.get("ran") == "aa"
    assert talk(shell.run("fal profile set b") + shell.prompts()) == []
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert "readonly" not in shell.run("fal profile off") + shell.run("")
    assert shell.get("FAL_KEY") == UNSET


def test_case_18_an_exported_prompt_command_does_no_harm_to_a_child(
    home: Home, start: Start
) -> None:
    home.profiles("a", default="a")
    shell = start("bash", f"export PROMPT_COMMAND='true'\nset -a\n{EVAL}\nset +a")
    shown = shell.run("bash --norc -i") + shell.prompts(2) + shell.run("exit")
    assert "not found" not in shown
    assert "error" not in shown


def test_case_19_a_start_up_file_that_is_read_three_times(
    home: Home, start: Start, shell_name: str
) -> None:
    home.profiles("a", "b", default="a")
    prompt = "function fish_prompt; echo -n 'ready> '; end\n" if shell_name == "fish" else ""
    rc = home.path / "rc"
    rc.write_text(f"{prompt}{EVAL}\n")
    shell = start(shell_name, "source ./rc\nsource ./rc\nsource ./rc", TERM="dumb")
    shell.run("fal profile set b")
    shown = shell.run("source ./rc") + shell.prompts()
    assert "(fal:b) (fal:b)" not in shown
    assert "(fal:b) ready>" in shown
    if shell_name == "bash":
        assert shell.get("PROMPT_COMMAND").count("__falenv") == 1
    elif shell_name == "zsh":
        assert shell.stdout("print -r -- $precmd_functions").split() == ["__falenv_hook"]
    else:
        assert shell.stdout("functions --handlers").count("__falenv") == 1
    shell.run("fal profile off")
    assert "fal:" not in shell.prompts()
    kind = "functions -q fal; or echo none" if shell_name == "fish" else "type fal"
    assert "function" not in shell.stdout(kind)


OPTIONS = [
    ("bash", "set -euo pipefail"),
    ("bash", "set -o posix"),
    ("bash", "set -aCfET; shopt -s failglob nocasematch extglob localvar_inherit; IFS=_0f"),
    ("bash", "shopt -u expand_aliases; set +h; set +o histexpand; shopt -s lastpipe compat43"),
    ("zsh", "setopt ksh_arrays sh_word_split"),
    ("zsh", "setopt no_unset warn_create_global err_return"),
    ("zsh", "setopt extended_glob no_clobber glob_subst null_glob"),
    ("zsh", "setopt err_exit pipe_fail rc_quotes all_export csh_null_glob ksh_glob"),
    ("zsh", "setopt posix_builtins posix_identifiers interactive_comments sh_nullcmd prompt_subst"),
    ("zsh", "emulate sh"),
    ("zsh", "emulate ksh"),
    ("fish", "set -gx fish_trace; set -g argv a b; set -g status_x 1"),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=[words for _, words in OPTIONS])
def test_case_20_alive_and_silent_under_any_options(
    home: Home, start: Start, name: str, options: str
) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '{KEYS['c']}'\n")
    shell = start(name, f"{options}\n{EVAL}\n{EVAL}", TERM="dumb")

    def check(expected: str, shown: str) -> None:
        assert re.findall(r"(?i)unbound|not found|error|invalid|bad|no match|falenv:", shown) == []
        assert shell.exported()["FAL_KEY"] == KEYS[expected]

    check("a", shell.output)
    check("a", shell.prompts(5))
    check("b", shell.run("fal profile use b") + shell.prompts())
    check("c", shell.run("fal profile use odd") + shell.prompts())
    check("b", shell.run("fal profile use -") + shell.prompts())
    check("a", shell.run("fal profile use --default") + shell.prompts())
    home.fal("set", "b")
    check("b", shell.prompts(2))
    home.write(home.store.read_text().replace('profile = "b"', 'profile = "a"'))
    check("a", shell.prompts(2))
    check("b", shell.run("fal profile set b") + shell.prompts())
    shell.run("mkdir linked linked/sub; cd linked")
    check("c", shell.run("fal profile link odd") + shell.prompts())
    check("c", shell.run("cd sub") + shell.prompts())
    check("b", shell.run("cd ../..") + shell.prompts())
    check("c", shell.run("cd linked/sub") + shell.prompts(2))
    check("b", shell.run("cd ../..") + shell.prompts())
    if name == "bash" and "-eu" in options:
        assert {"e", "u"} <= set(shell.stdout("printf %s $-"))
    shell.run("fal profile off")
    assert "FAL_KEY" not in shell.exported()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("option", ["-x", "-v"])
def test_case_22_no_key_in_a_trace(home: Home, start: Start, name: str, option: str) -> None:
    home.profiles("a", "b", "c", default="a")
    home.write(home.store.read_text() + "[odd]\nkey = 'odd:fakeodd'\n")
    shell = start(name)
    if name == "fish":
        if option == "-v":
            pytest.skip("fish has one kind of trace")
        shell.run("set -g fish_trace 1")
    else:
        shell.run(f"set {option}")
    shown = ""
    for words in ("use b", "use odd", "use -", "set c", "use --default", "list", "nonsense"):
        shown += shell.run(f"fal profile {words}") + shell.prompts()
    home.fal("set", "b")
    shown += shell.prompts()
    home.profiles("a", "b", default="a")
    shown += shell.prompts()
    shown += shell.run("fal profile off") + shell.run("")
    assert "fal profile" in shown
    assert re.findall("fake[abco].*", shown) == []


def test_case_23_no_key_anywhere_but_in_fal_key(home: Home, start: Start, shell_name: str) -> None:
    home.profiles("a", "b", "c", default="a")
    home.write(home.store.read_text() + "[odd]\nkey = 'odd:fakeodd'\n")
    shell = start(shell_name)
    for words in ("use b", "use odd", "use -", "set c", "list", "use a", "use --default"):
        shell.run(f"fal profile {words}")
    shell.export("FAL_PROFILE", "b")
    shell.unset("FAL_PROFILE")
    home.fal("set", "b")
    shell.run("fal profile list" if shell_name == "dash" else "")  # which has no hook
    shell.prompts()
    everything = {
        "bash": ["set", "typeset -p", "declare -f", "history", "export -p", "trap", "alias"],
        "zsh": ["set", "typeset -p", "functions", "fc -l 1", "export -p", "trap", "alias"],
        "fish": ["set --long", "functions -a -n", "history", "functions fal", "complete"],
        "dash": ["set", "export -p", "trap", "alias"],
        "ksh": ["set", "typeset -p", "typeset -f", "fc -l 1", "export -p", "trap", "alias"],
        "mksh": ["set", "typeset -p", "typeset -f", "fc -l 1", "export -p", "trap", "alias"],
    }[shell_name]

    def found() -> set[str]:
        text = "".join(shell.stdout(command) for command in everything)
        assert "__falenv" in text or "FAL_KEY" not in text
        text += home.run("ps", "axww", "-o", "args").stdout
        history = [file.read_text(errors="replace") for file in home.path.glob(".*history*")]
        lines = (text + "".join(history)).splitlines()
        return {line for line in lines if re.search("fake[abco]", line)}

    held = {re.sub(r"^(declare -x|typeset -x|export) ", "", line) for line in found()}
    assert {re.split("[= ]", line)[0] for line in held} == {"FAL_KEY"}
    assert {line for line in held if KEYS["b"] not in line} == set()
    shell.run("fal profile off")
    assert found() == set()


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_case_24_the_users_traps_are_unchanged(home: Home, start: Start, name: str) -> None:
    home.profiles("a", "b", default="a")
    failed = "ERR" if name == "bash" else "ZERR"
    traps = f"trap 'n=$((n+1))' INT; trap 'echo bye > bye' EXIT; trap 'e=$((e+1))' {failed}"
    if name == "bash":
        traps += "; trap 'd=$((d+1))' DEBUG"
    shell = start(name, f"n=0 e=0 d=0\n{traps}\n{EVAL}")
    before = shell.stdout("trap")
    shell.run("e=0")
    shell.prompts(3)
    shell.run("fal profile use b")
    home.fal("set", "b")
    shell.prompts()
    shell.run("fal profile use --default")
    home.profiles("a", "b", default="a")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.stdout("trap") == before
    assert shell.get("e") == "0"  # the hook is no failed command
    shell.type("false\r")
    shell.prompts(2)
    assert shell.get("e") == "1"
    shell.run("fal profile off")
    assert shell.stdout("trap") == before
    shell.type("exit\r")
    shell.wait((home.path / "bye").exists, "the EXIT trap")


@pytest.mark.parametrize("has_trap", [False, True], ids=["plain", "with-trap"])
def test_case_24_ctrl_c_in_a_refresh(
    home: Home,
    start: Start,
    shell_name: str,
    has_trap: bool,  # noqa: FBT001
) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '{KEYS['c']}'\n")
    # A hook before ours notes what each prompt finds.
    note = "printenv FAL_KEY FAL_PROFILE FALENV_PROFILE | tr '\\n' ' ' >> noted; echo >> noted"
    rc = {
        "bash": f'PROMPT_COMMAND="{note}"',
        "zsh": f"note() {{ {note} }}; precmd_functions+=(note)",
        "fish": f"function note --on-event fish_prompt; {note}; end",
    }[shell_name]
    if has_trap:
        rc += "\n" + (
            "function interrupted --on-signal INT; end"
            if shell_name == "fish"
            else "trap ': interrupted' INT"
        )
    shell = start(shell_name, f"{rc}\n{EVAL}")
    flags = shell.get("-") if shell_name == "bash" else ""
    started, noted = home.path / "started", home.path / "noted"
    slow = home.path / "slow exe"  # slow once
    slow.write_text(
        f'#!/bin/sh\n[ -e started ] && exec {SCRIPTS}/python "$@"\necho > started\nsleep 20\n'
    )
    slow.chmod(0o755)
    if shell_name == "fish":
        shell.run(f"set -g __falenv_python (pwd)/{shlex.quote(slow.name)}")
    else:
        shell.run(f"__falenv_python=$PWD/{shlex.quote(slow.name)}")

    def interrupt(line: str) -> str:
        started.unlink(missing_ok=True)
        noted.unlink(missing_ok=True)
        shell.type(f"{line}\r")
        shell.wait(started.exists, "the refresh to start")
        shell.type("\x03")
        shell.prompts(2)
        found = noted.read_text()
        assert found
        return found

    # In a switch: nothing has happened.
    assert set(interrupt("fal profile use odd").splitlines()) == {f"{KEYS['a']} a "}
    # In the hook: the old environment until a later prompt, which tries again.
    home.profiles("a", "b", default="b")
    lines = interrupt("").splitlines()
    assert lines[:2] == [f"{KEYS['a']} a "] * 2
    assert lines[-1] == f"{KEYS['b']} b "
    if shell_name == "bash":
        assert shell.get("-") == flags
    shell.run("fal profile use a")
    assert shell.exported()["FAL_PROFILE"] == "a"


def test_case_24_no_phantom_job_message(home: Home, start: Start, shell_name: str) -> None:
    home.profiles("a", "b", default="a")
    shell = start(shell_name)
    shown = shell.run("sleep 9 &") + shell.prompts(3)
    home.profiles("a", "b", default="b")
    shown += shell.prompts(2)
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert re.findall(r"\]\s+[+-]?\s*(?:Done|done|Exit|exit|Term|term)|has ended", shown) == []
    assert shell.stdout("jobs").count("sleep 9") == 1
    shell.run("kill %1")


# --- Where it keeps out --------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", "set -eu; ", "set -euo pipefail; "])
def test_case_26_not_interactive(home: Home, shell_name: str, options: str) -> None:
    home.profiles("a", default="a")
    if shell_name == "fish":
        options = ""
    hooks = {
        "bash": "echo ${PROMPT_COMMAND-none}",
        "zsh": "echo ${precmd_functions-none}",
        "fish": "functions --handlers | string match '*falenv*'; echo none",
    }[shell_name]
    kind = "type -t fal" if shell_name != "zsh" else "whence -w fal"
    text = f"{options}{EVAL}; printenv FAL_KEY; {kind}; {hooks}"
    result = home.script(shell_name, text)
    assert result.stdout.splitlines() == [
        KEYS["a"],
        "fal: function" if shell_name == "zsh" else "function",
        "none",
    ]
    assert (result.stderr, result.returncode) == ("", 0)
    script = home.path / "script"
    script.write_text(f"{options}{EVAL}\n{EVAL}\nfal profile use a\n")
    result = home.run(needs(shell_name), str(script))
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_case_27_no_home(home: Home, start: Start, shell_name: str) -> None:
    # The store is named, since without HOME it would be that of the user who runs the tests.
    home.profiles("a", "b", default="a")
    shell = start(shell_name, FAL_CONFIG_PATH=str(home.store), XDG_STATE_HOME=str(home.path / "s"))
    shown = shell.unset("HOME") + shell.prompts(3)
    home.fal("set", "b")
    shown += shell.prompts(2)
    assert talk(shown) == []
    assert re.findall("(?i)error|unbound|not found", shown) == []
    assert shell.get("FAL_KEY") == KEYS["b"]
    if shell_name != "fish":  # it does not start without a home itself
        none = start(
            shell_name,
            HOME=None,
            FAL_CONFIG_PATH=str(home.store),
            XDG_STATE_HOME=str(home.path / "s"),
            PATH=home.variables["PATH"],
        )
        assert talk(none.output + none.prompts()) == []
        assert none.get("FAL_KEY") == KEYS["b"]


def test_case_27_a_home_that_cannot_be_written(home: Home, start: Start, shell_name: str) -> None:
    home.profiles("a", "b", default="a")
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:  # root may write anywhere, unless it gives that up
        drop = "-dac_override,-dac_read_search"
        prefix = (needs("setpriv"), f"--bounding-set={drop}", f"--inh-caps={drop}")
    shell = start(shell_name, "", prefix=prefix)
    home.store.parent.chmod(0o500)
    home.path.chmod(0o500)
    try:
        shell.type("touch denied || echo no'pe'\r")
        shell.wait(lambda: "nope" in shell.output, "the denial")
        before = len(shell.output)
        shell.type(f"{EVAL}\r\r\r")
        shell.type(" fal profile use b\r\r printf '<%s>' $FAL_KEY\r")
        shell.wait(lambda: f"<{KEYS['b']}>" in shell.output, "the key")
        assert talk(shell.output[before:]) == []
        assert re.findall("(?i)denied|error", shell.output[before:]) == []
    finally:
        home.path.chmod(0o700)
        home.store.parent.chmod(0o700)


def test_case_27_a_current_folder_that_was_deleted(
    home: Home, start: Start, shell_name: str
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(shell_name)
    (home.path / "gone").mkdir()
    shell.run("cd gone")
    (home.path / "gone").rmdir()
    shown = shell.prompts(2)
    home.profiles("a", "b", default="b")
    shown += shell.prompts(2)
    shown += shell.run(EVAL) + shell.prompts()
    shown += shell.run("fal profile use a") + shell.prompts()
    assert talk(shown) == []
    assert re.findall("(?i)error|cannot|no such|traceback", shown) == []
    assert shell.get("FAL_KEY") == KEYS["a"]


@pytest.mark.parametrize(
    "variables",
    [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"LANG": "C", "LC_ALL": "C", "TERM": "dumb"}],
    ids=["dumb", "no-color", "c-locale"],
)
def test_case_28_plain_text_where_it_is_wanted(
    home: Home, start: Start, shell_name: str, variables: dict[str, str]
) -> None:
    home.profiles("a", "b", default="a")
    block = "begin; {}; end > said 2>&1" if shell_name == "fish" else "{{ {}; }} > said 2>&1"
    shell = start(shell_name, block.format(EVAL), **variables)
    # p10k's instant prompt would complain.
    assert (home.path / "said").read_text() == ""
    home.write("= =")
    shown = shell.prompts(2)
    home.profiles("a", "b", default="b")
    shell.prompts()
    shown += shell.run("fal profile use a") + shell.run("fal profile use nope") + shell.prompts()
    assert len(talk(shown)) == 2
    # The shells' own prompts are full of escapes; ours say what they say in ASCII.
    for line in talk(shown):
        message = line[line.index("falenv: ") :]
        assert message.isascii()
        assert "\x1b" not in message
    segments = re.findall(r".{0,8}\(fal:a\*?\)", shown)
    assert segments
    assert not any("[2m" in segment for segment in segments)
    if "LC_ALL" in variables:
        home.write('[__internal__]\nprofile = "né\u202e"\n["né\u202e"]\nkey = "i:s"\n')
        shell.run("fal profile use --default")
        assert shell.get("FALENV_PROFILE") == "né\u202e"
        assert sys.getfilesystemencoding() == "utf-8"
