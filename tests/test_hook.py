"""The manners of the hook: it costs nothing, says nothing, and changes nothing of the user's."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, LONG, unprivileged
from driver import KINDS, UNSET, Kind, needs, notice, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell, Trace

    Start = Callable[..., Shell]


# --- What it costs -------------------------------------------------------------------------------

PROMPTS = 1000 if LONG else 200


@pytest.mark.fire
def test_case_21_prompts_start_no_process(
    home: Home, start: Start, kind: Kind, trace: Trace
) -> None:
    home.profiles("a", "b", default="a")
    count = home.path / "count"
    rc = f"{kind.hook_line('echo >> count')}\n{kind.eval_line()}"
    shell = start(kind, rc, prefix=trace.prefix)
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.prompts(2) == ""
    before = count.stat().st_size
    trace.begin()
    assert shell.prompts(PROMPTS) == ""
    assert count.stat().st_size - before == PROMPTS
    assert trace.processes() == []
    # The trace does see what is started, and the hook does look.
    home.profiles("a", "b", default="b")
    assert shell.prompts() == ""
    assert trace.processes() != []
    assert shell.get("FAL_KEY") == KEYS["b"]


@pytest.mark.parametrize("state", ["no-default", "no-store", "no-key", "broken", "by-hand", "pin"])
def test_case_21_no_process_whatever_the_state(
    home: Home, start: Start, kind: Kind, trace: Trace, state: str
) -> None:
    home.profiles("a", "b", default=None if state == "no-default" else "a")
    if state == "no-store":
        shutil.rmtree(home.path / ".fal")
    elif state == "no-key":
        home.write('[__internal__]\nprofile = "a"\n[a]\n')
    shell = start(kind, prefix=trace.prefix)
    if state == "broken":
        home.write("= =")
    elif state == "by-hand":
        shell.export("FAL_KEY", "x:y")
        home.profiles("a", "b", default="b")
    elif state == "pin":
        shell.export("FAL_PROFILE", "typo")
    shell.prompts(2)
    trace.begin()
    assert shell.prompts(5) == ""
    assert trace.processes() == []


@pytest.mark.parametrize("by_hand", [False, True], ids=["plain", "case_78_by_hand"])
def test_a_switch_in_an_integrated_shell_starts_no_process(
    home: Home,
    start: Start,
    kind: Kind,
    trace: Trace,
    by_hand: bool,  # noqa: FBT001
) -> None:
    home.profiles("a", "b", default="a")
    if by_hand:
        text = re.sub(r"\[(a|b)\]", r"[ '\1' ]\t# mine", home.store.read_text())
        home.write(re.sub(r'key = "(.*)"', r"\tkey='\1' # \"x\"", text))
    shell = start(kind, prefix=trace.prefix)
    shell.prompts()
    trace.begin()
    for words, expected in (("b", "b"), ("a", "a"), ("-", "b"), ("--default", "a")):
        assert shell.talk(f"fal profile use {words}") == ""
        assert shell.get("FAL_KEY") == KEYS[expected]
    assert trace.processes() == []
    # Nor does following one that was made elsewhere, by ourselves.
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert trace.processes() == []


def test_a_command_that_switches_starts_python_once(
    home: Home, start: Start, kind: Kind, trace: Trace
) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f'[hosted]\nkey = "{KEYS["c"]}"\nhost = "api.fal.ai"\n')
    shell = start(kind, prefix=trace.prefix)
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
        assert "falenv: " not in shell.talk(f"fal profile {words}"), words
        # The script may start Python by way of /bin/sh, where its path has a blank.
        programs = [
            call for call in trace.processes() if re.search(r'execve\("[^"]*/falenv"', call)
        ]
        assert len(programs) == 1, words
        assert shell.exported().get("FAL_KEY", UNSET) == expected, words


#: What a profile's table has in it, under the header ["NAME"] if it brings none, and whether the
#: shell must ask the program.
ODD = {
    "plain": ('key = "ID:it\'s$(>pwned)"', False),
    "single-quoted": ('key = \'ID:"s"#\' # "x"', False),
    "backslash": (r'key = "ID:back\\slash\u0041"', True),
    "single backslash": (r"key = 'ID:back\slash'", False),
    "host": ('key = "ID:h"\nhost = "api.fal.ai"', False),
    "host first": ('host = "api.alpha.fal.ai"\ncolor = "red"\nkey = "ID:f"', False),
    "host alone": ('host = "api.fal.ai"', True),
    "single host": ('host = \'api.fal.ai\' # "\nkey = "ID:q"', False),
    "like a host": ('hostess = "me"\nkey = "ID:l"\nhosts = "x.y"', False),
    "no host": ('host = ""\nkey = "ID:n"', False),
    "no key": ("", False),
    "empty key": ('key = ""\ncolor = "red"', False),
    "like a key": ('keyed = "no"\nkey = "ID:2"\nkeys = "no"\nhost = "api.fal.ai"', False),
    "spaced": ('  key="ID:i"\n\thost  =  "api.fal.ai" # x', False),
    "colored": ('color = "#ff8800"\nkey = "ID:c"', False),
    "tight": ('key="ID:t"  # "comment"', False),
    "multi-line": ('key = """ID:m"""', True),
    "quoted setting": ('"key" = "ID:w"', True),
    "unclean": ('key = " ID:u"', True),
    "commented": ("[commented]  # personal ['no']\nkey = 'ID:p'", False),
    "in-single-quotes": ("['in-single-quotes']# x\nkey = 'ID:1'", False),
    "spaced header": ('\t[ \t"spaced header" ]\nkey = "ID:3"', False),
    "escaped header": ('["escaped\\u0020header"]\nkey = "ID:4"', True),
    "crlf": ("[crlf]\r\nkey = 'ID:r'\r\nhost = 'api.fal.ai'\r", False),
    "d.ot": ('[d.ot]\nkey = "ID:no"\n["d.ot"]\nkey = "ID:5"', False),
    "]": ('["]"]\nkey = "ID:6"', False),
    "after a text": ('text = """\n[plain]\nkey = "ID:no"\n"""\nkey = "ID:7"', True),
    "before a text": ("key = \"ID:8\"\ntext = '''\n[plain]\nkey = 'ID:no'\n'''", False),
    "last": ('[last]\nkey = "ID:9"', False),  # without a line break
}


def test_the_shell_reads_what_a_process_tells_it(
    home: Home, start: Start, kind: Kind, trace: Trace
) -> None:
    """A switch by builtins ends where one by a process does, and asks a process where needed."""
    tables = [
        text if text.lstrip().startswith("[") else f'["{name}"]\n{text}'
        for name, (text, _) in ODD.items()
    ]
    home.write("\n".join(['[__internal__]\nprofile = "plain"', *tables]))
    shell = start(kind, prefix=trace.prefix)
    names = ("FAL_KEY", "FAL_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST", "FALENV_PROFILE")
    shown = kind.show(*names)
    for name, (_, asks) in ODD.items():
        trace.begin()
        assert shell.talk(f"fal profile use '{name}'") == "", name
        assert bool(trace.processes()) == asks, name
        told = home.script(kind, f"{kind.eval_line(repr(name) + ' --exports-only')}; {shown}")
        assert (shell.stdout(shown), told.stderr) == (told.stdout, ""), name
        assert shell.get("FALENV_PROFILE") == name
        assert shell.segment == shell.stdout("fal profile prompt") == f"(fal:{name}*) "
    assert not (home.path / "pwned").exists()


# --- What it leaves alone ------------------------------------------------------------------------


def test_case_17_the_status_of_the_last_command_survives(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    prompt = kind.live_prompt_line(f"[{kind.status}]ready> ")
    shell = start(kind, f"{prompt}\n{kind.eval_line()}")
    shell.segments = ".*"
    for name in ("a", "b"):
        assert shell.talk("sh -c 'exit 7'") == ""
        assert shell.segment == f"(fal:{name}) [7]"
        assert shell.status() == 7
        assert shell.get("FAL_KEY") == KEYS[name]
        home.profiles("a", "b", default="b")  # the same with a refresh


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_case_17_hooks_before_and_behind_ours_find_the_status(
    home: Home, start: Start, name: str
) -> None:
    home.profiles("a", default="a")
    kind = KINDS[name]
    before, behind = {
        "bash": (
            "before() { local code=$?; echo $code > before; return $code; }; PROMPT_COMMAND=before",
            "PROMPT_COMMAND+=';echo $? > behind'",
        ),
        "zsh": (
            "before() { echo $? > before }; precmd_functions+=(before)",
            "behind() { echo $? > behind }; precmd_functions+=(behind)",
        ),
        "fish": (
            "function before --on-event fish_prompt; echo $status > before; end",
            "function behind --on-event fish_prompt; echo $status > behind; end",
        ),
    }[name]
    shell = start(kind, f"{before}\n{kind.eval_line()}")
    assert shell.talk(behind) == ""
    assert shell.talk("sh -c 'exit 7'") == ""
    for file in ("before", "behind"):
        assert (home.path / file).read_text() == "7\n"


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
    rc = f"hook() {{ ran+=$1; }}\n{before}\nwas=$({declare})\n{KINDS['bash'].eval_line()}"
    shell = start("bash", rc)

    def check() -> None:
        shell.define("ran", "")
        shell.prompts()
        assert shell.get("ran") == expected * 2

    check()
    once = shell.stdout(declare)
    for _ in range(2):
        assert shell.talk(shell.kind.eval_line()) == ""
        check()
    assert shell.stdout(declare) == once
    home.profiles("a", "b", default="b")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile off") == ""
    if form != "empty":  # it means the same as none
        assert shell.stdout(declare).strip() == shell.get("was")
    check()


def test_case_18_a_read_only_prompt_command(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    rc = f"hook() {{ ran+=$1; }}\nreadonly PROMPT_COMMAND='hook a'\n{KINDS['bash'].eval_line()}"
    shell = start("bash", rc)
    assert "read-only" in notice(shell.greeting)
    shell.define("ran", "")
    assert shell.get("ran") == "a"
    assert shell.talk("fal profile set b") == "Default profile set to b."
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile off") == ""
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == UNSET


def test_case_18_an_exported_prompt_command_does_no_harm_to_a_child(
    home: Home, start: Start
) -> None:
    home.profiles("a", default="a")
    eval_line = KINDS["bash"].eval_line()
    shell = start("bash", f"export PROMPT_COMMAND='true' PS1\nset -a\n{eval_line}\nset +a")
    shell.segments = ".*"  # bash hands PS1 to a child, with our part in it or without
    assert shell.talk("PS1='ready> ' bash --norc -i") == ""
    assert shell.prompts(2) == ""
    assert shell.talk("exit") == "exit"


def test_case_19_a_start_up_file_that_is_read_three_times(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    (home.path / "rc").write_text(f"{kind.prompt_line()}\n{kind.eval_line()}\n")
    plain = start(kind, "")
    once = start(kind, ". ./rc")
    thrice = start(kind, ". ./rc\n. ./rc\n. ./rc")
    for shell in (once, thrice):
        assert (shell.greeting, shell.segment) == ("", "(fal:a) ")
    hooks = once.stdout(kind.hooks)
    assert plain.stdout(kind.hooks) != hooks
    assert thrice.stdout(kind.hooks) == hooks
    assert thrice.talk("fal profile set b") == "Default profile set to b."
    assert thrice.talk(". ./rc") == ""
    assert (thrice.segment, thrice.stdout(kind.hooks)) == ("(fal:b) ", hooks)
    assert thrice.talk("fal profile off") == ""
    assert (thrice.segment, thrice.stdout(kind.hooks)) == ("", plain.stdout(kind.hooks))


NO_UNSET = "setopt no_unset warn_create_global err_return"
OPTIONS = [
    ("bash", "set -euo pipefail"),
    ("bash", "set -o posix"),
    (
        "bash",
        "set -aCfET; shopt -s failglob nocasematch extglob localvar_inherit; IFS=_0123456789f",
    ),
    ("bash", "shopt -u expand_aliases; set +h; set +o histexpand; shopt -s lastpipe compat43"),
    ("zsh", "setopt ksh_arrays sh_word_split"),
    ("zsh", NO_UNSET),
    ("zsh", "setopt extended_glob no_clobber glob_subst null_glob"),
    ("zsh", "setopt err_exit pipe_fail rc_quotes all_export csh_null_glob ksh_glob"),
    ("zsh", "setopt posix_builtins posix_identifiers interactive_comments sh_nullcmd prompt_subst"),
    ("zsh", "emulate sh"),
    ("zsh", "emulate ksh"),
    ("fish", "set -gx fish_trace; set -g argv a b; set -g status_x 1"),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS, ids=[options for _, options in OPTIONS])
def test_case_20_alive_and_silent_under_any_options(
    home: Home, start: Start, name: str, options: str
) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '''{KEYS['c']}'''\n")
    kind = KINDS[name]
    shell = start(kind, f"{options}\n{kind.eval_line()}\n{kind.eval_line()}", TERM="dumb")
    assert shell.greeting == ""
    flags = shell.stdout("printf %s $-") if kind.has_flags else ""

    def check(expected: str, *lines: str, answer: str = "") -> None:
        for line in lines:
            assert shell.talk(line) == answer, line
        assert shell.prompts(2) == ""
        assert shell.exported()["FAL_KEY"] == KEYS[expected]

    check("a")
    assert shell.prompts(5) == ""
    check("b", "fal profile use b")
    check("c", "fal profile use odd")
    check("b", "fal profile use -")
    check("a", "fal profile use --default")
    home.fal("set", "b")
    check("b")
    home.write(home.store.read_text().replace('profile = "b"', 'profile = "a"'))
    check("a")
    check("b", "fal profile set b", answer="Default profile set to b.")
    assert shell.talk("mkdir linked linked/sub; cd linked") == ""
    one_line(shell.talk("fal profile link odd"), "odd")
    check("c")
    check("c", "cd sub")
    check("b", "cd ../..")
    check("c", "cd linked/sub")
    check("b", "cd ../..")
    if kind.has_flags:
        assert shell.stdout("printf %s $-") == flags
    assert shell.talk("fal profile off") == ""
    assert "FAL_KEY" not in shell.exported()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("option", [0, 1], ids=["-x", "-v"])
def test_case_22_no_key_in_a_trace(home: Home, start: Start, name: str, option: int) -> None:
    home.profiles("a", "b", "c", default="a")
    home.write(home.store.read_text() + "[odd]\nkey = '''odd:fakeodd'''\n")
    kind = KINDS[name]
    if option >= len(kind.traces):
        pytest.skip("fish has one kind of trace")
    shell = start(kind)
    shell.is_traced = True
    shell.talk(kind.traces[option])
    assert "echo traced" in shell.talk("echo traced").replace("'", "")
    shown = ""
    for words in ("use b", "use odd", "use -", "set c", "use --default", "list", "nonsense"):
        shown += shell.talk(f"fal profile {words}") + shell.prompts()
    home.fal("set", "b")
    shown += shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]
    home.profiles("a", "b", default="a")
    shown += shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["a"]
    shown += shell.talk("fal profile off") + shell.prompts()
    assert "fal profile" in shown
    assert re.findall("fake[abco].*", shown) == []


def test_case_23_no_key_anywhere_but_in_fal_key(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", "c", default="a")
    home.write(home.store.read_text() + "[odd]\nkey = '''odd:fakeodd'''\n")
    shell = start(kind)
    for words in ("use b", "use odd", "use -", "set c", "list", "use a", "use --default"):
        shell.talk(f"fal profile {words}")
    shell.export("FAL_PROFILE", "b")
    shell.unset("FAL_PROFILE")
    home.fal("set", "b")
    if not kind.has_hook:
        shell.talk("fal profile use --default")
    shell.prompts()

    def found() -> set[str]:
        """Return the lines with a key in all that the shell holds, and in what others see."""
        text = "".join(shell.stdout(command) for command in kind.everything)
        text += home.run("ps", "axww", "-o", "args").stdout
        history = [file.read_text(errors="replace") for file in home.path.glob(".*history*")]
        lines = (text + "".join(history)).splitlines()
        return {line for line in lines if re.search("fake[abco]", line)}

    held = {re.sub(r"^(declare -x|typeset -x|export) ", "", line) for line in found()}
    assert {re.split("[= ]", line)[0] for line in held} == {"FAL_KEY"}
    assert {line for line in held if KEYS["b"] not in line} == set()
    assert shell.talk("fal profile off") == ""
    assert found() == set()


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_case_24_the_users_traps_are_unchanged(home: Home, start: Start, name: str) -> None:
    home.profiles("a", "b", default="a")
    kind = KINDS[name]
    failed = "ERR" if name == "bash" else "ZERR"
    traps = f"trap 'n=$((n+1))' INT; trap 'echo bye > bye' EXIT; trap 'e=$((e+1))' {failed}"
    if name == "bash":
        traps += "; trap 'd=$((d+1))' DEBUG"
    shell = start(kind, f"n=0 e=0 d=0\n{traps}\n{kind.eval_line()}")
    before = shell.stdout("trap")
    shell.define("e", "0")
    assert shell.prompts(3) == ""
    assert shell.talk("fal profile use b") == ""
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.talk("fal profile use --default") == ""
    home.profiles("a", "b", default="a")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.stdout("trap") == before
    assert shell.get("e") == "0"  # the hook is no failed command
    shell.talk("false")
    shell.prompts(2)
    assert shell.get("e") == "1"
    assert shell.talk("fal profile off") == ""
    assert shell.stdout("trap") == before
    shell.type("exit\r")
    shell.wait((home.path / "bye").exists, "the EXIT trap")


class SlowProgram:
    """A Python that the hook of a shell starts instead of its own, and that can be slow once."""

    def __init__(self, home: Home) -> None:
        self.started = home.path / "started"
        self._exe = home.path / "slow python"
        self._slow = home.path / "slow"
        self._exe.write_text(
            f'#!/bin/sh\n[ -e "$HOME/slow" ] || exec {shlex.quote(sys.executable)} "$@"\n'
            'rm "$HOME/slow"; echo > "$HOME/started"; sleep 20\n'
        )
        self._exe.chmod(0o755)

    def serve(self, shell: Shell) -> None:
        """Let a shell start it."""
        assert shell.define(shell.kind.own("python"), str(self._exe)) == ""

    def arm(self) -> None:
        """Let the next run say that it has started, and sleep."""
        self._slow.touch()
        self.started.unlink(missing_ok=True)


@pytest.mark.parametrize("has_trap", [False, True], ids=["plain", "with-trap"])
def test_case_24_ctrl_c_in_a_refresh(
    home: Home,
    start: Start,
    kind: Kind,
    has_trap: bool,  # noqa: FBT001
) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '''{KEYS['c']}'''\n")
    program = SlowProgram(home)
    noted = home.path / "noted"
    # A hook before ours notes what each prompt finds.
    note = "printenv FAL_KEY FAL_PROFILE FALENV_PROFILE | tr '\\n' ' ' >> noted; echo >> noted"
    rc = f"{kind.function('note', note)}\n{kind.hook_line('note')}"
    if has_trap:
        rc += f"\n{kind.on_interrupt}"
    shell = start(kind, f"{rc}\n{kind.eval_line()}")
    program.serve(shell)
    flags = shell.stdout("printf %s $-") if kind.has_flags else ""

    def interrupt(line: str) -> list[str]:
        program.arm()
        noted.unlink(missing_ok=True)
        assert shell.interrupt(line, program.started.exists) == ""
        assert shell.prompts(2) == ""
        return noted.read_text().splitlines()

    # In a switch: nothing has happened.
    assert set(interrupt("fal profile use odd")) == {f"{KEYS['a']} a "}
    # In the hook: the old environment until a later prompt, which tries again.
    home.profiles("a", "b", default="b")
    lines = interrupt("")
    assert lines[:2] == [f"{KEYS['a']} a "] * 2
    assert lines[-1] == f"{KEYS['b']} b "
    if kind.has_flags:
        assert shell.stdout("printf %s $-") == flags
    assert shell.talk("fal profile use a") == ""
    assert shell.exported()["FAL_PROFILE"] == "a"


def test_case_24_no_phantom_job_message(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    begun = shell.talk("sleep 9 &")
    assert re.fullmatch(r"(\[1\]\s+\d+)?", begun), begun
    assert shell.prompts(3) == ""
    home.profiles("a", "b", default="b")
    assert shell.prompts(2) == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.stdout("jobs").count("sleep 9") == 1
    shell.talk("kill %1")


# --- Where it keeps out --------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", "set -eu; ", "set -euo pipefail; "])
def test_case_26_not_interactive(home: Home, kind: Kind, options: str) -> None:
    home.profiles("a", default="a")
    if not kind.has_flags:
        options = ""
    text = (
        f"{options}{kind.hook_line('echo users')}; {kind.eval_line()}; printenv FAL_KEY;"
        f" {kind.run_hooks}; fal profile current --name"
    )
    result = home.script(kind, text)
    # Only the user's own hook is there, and the function is.
    assert result.stdout.splitlines() == [KEYS["a"], "users", "a"]
    assert (result.stderr, result.returncode) == ("", 0)
    script = home.path / "script"
    script.write_text(f"{options}{kind.eval_line()}\n{kind.eval_line()}\nfal profile use a\n")
    result = home.run(needs(kind.name), str(script))
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)


def test_case_27_no_home(home: Home, start: Start, kind: Kind) -> None:
    # The store is named, since without HOME it would be that of the user who runs the tests.
    home.profiles("a", "b", default="a")
    named = {"FAL_CONFIG_PATH": str(home.store), "XDG_STATE_HOME": str(home.path / "s")}
    shell = start(kind, **named)
    assert shell.unset("HOME") == ""
    assert shell.prompts(3) == ""
    home.fal("set", "b")
    assert shell.prompts(2) == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    if kind.starts_without_home:
        none = start(kind, HOME=None, **named)
        assert none.greeting + none.prompts() == ""
        assert none.get("FAL_KEY") == KEYS["b"]


def test_case_27_a_home_that_cannot_be_written(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, "", prefix=unprivileged())
    home.store.parent.chmod(0o500)
    home.path.chmod(0o500)
    try:
        assert "denied" in shell.talk("touch denied").lower()
        assert shell.talk(kind.eval_line()) == ""
        assert shell.prompts(2) == ""
        assert shell.talk("fal profile use b") == ""
        assert shell.prompts() == ""
        assert shell.talk(f"echo {kind.words_of('FAL_KEY')}") == KEYS["b"]
    finally:
        home.path.chmod(0o700)
        home.store.parent.chmod(0o700)


def test_case_27_a_current_folder_that_was_deleted(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    (home.path / "gone").mkdir()
    shell.talk("cd gone")
    (home.path / "gone").rmdir()
    assert shell.prompts(2) == ""
    home.profiles("a", "b", default="b")
    assert shell.prompts(2) == ""
    assert shell.talk(kind.eval_line()) == ""
    assert shell.prompts() == ""
    assert shell.talk("fal profile use a") == ""
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


@pytest.mark.parametrize(
    "variables",
    [{"TERM": "dumb"}, {"NO_COLOR": "1"}, {"LANG": "C", "LC_ALL": "C", "TERM": "dumb"}],
    ids=["dumb", "no-color", "c-locale"],
)
def test_case_28_plain_text_where_it_is_wanted(
    home: Home, start: Start, kind: Kind, variables: dict[str, str]
) -> None:
    home.profiles("a", "b", default="a")
    # p10k's instant prompt would complain about anything that is said here.
    shell = start(kind, f"{kind.block(kind.eval_line())} > said 2>&1", **variables)
    assert (home.path / "said").read_text() == ""
    assert shell.greeting == ""
    home.write("= =")
    said = [notice(shell.prompts(2))]
    home.profiles("a", "b", default="b")
    assert shell.prompts() == ""
    assert shell.talk("fal profile use a") == ""
    said.append(notice(shell.talk("fal profile use nope")))
    for line in said:
        assert line.isascii()
        # As it came: without a colour.
        assert line in shell.output
    assert shell.segment == "(fal:a*) "
    row, _ = shell.cursor
    cells = [shell.cell(row, column) for column in range(len("(fal:a*) "))]
    assert {(cell.fg, cell.bold) for cell in cells} == {("default", False)}
    assert "\x1b[2m(" not in shell.output  # dim, which fish uses for itself
    if "LC_ALL" in variables:
        home.write('[__internal__]\nprofile = "né\u202e"\n["né\u202e"]\nkey = "i:s"\n')
        assert shell.talk("fal profile use --default") == ""
        assert shell.get("FALENV_PROFILE") == "né\\u202e"  # fit for a terminal
        assert sys.getfilesystemencoding() == "utf-8"
