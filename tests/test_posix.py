"""dash, ksh93 and mksh: what needs no hook, and what dash does at the next command of ours."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, POSIX_SHELLS, SCRIPTS, copied_programs
from driver import KINDS, UNSET, Kind, Trace, needs, notice, one_line

# Collected here too, with the shells of this file's `kind`.
from test_hook import test_case_23_no_key_anywhere_but_in_fal_key  # noqa: F401
from test_live import (  # noqa: F401
    HAND,
    HOSTS,
    check_shadowed,
    test_case_05_in_a_script_that_began_with_the_eval,
    test_case_08_use_goes_back_and_forth,
    test_case_12_off_gives_back_what_was_there,
    test_case_29_off_leaves_nothing_of_ours,
)
from test_values import hostile_pairs, nothing_ran, write

from falenv.masking import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]

EVAL = 'eval "$(fal profile env)"'
#: The folder of our programs, as a word of a shell.
OURS = shlex.quote(str(SCRIPTS))
#: In dash this is what a prompt is in a shell that has a hook.
NEXT = "fal profile current --name > /dev/null"


@pytest.fixture(params=POSIX_SHELLS)
def kind(request: pytest.FixtureRequest) -> Kind:
    needs(request.param)
    return KINDS[request.param]


def lines(*commands: str) -> str:
    return "\n".join(commands) + "\n"


def test_case_01_keys_and_names_through_eval(home: Home, kind: Kind) -> None:
    pairs = hostile_pairs()
    if kind.name != "dash":  # most of them take a process
        pairs = pairs[::4]
    write(home, pairs)
    show = 'printf \'%s\\0\' "$FAL_KEY" "$FALENV_PROFILE" "$FAL_PROFILE"'
    switches = [f"fal profile use -- {kind.quote(name)}; {show}" for name, _ in pairs]
    (home.path / "script").write_text(lines(EVAL, *switches))
    result = home.run("sh", "-c", f"{needs(kind.name)} script > out")
    assert result.stderr == ""
    found = (home.path / "out").read_bytes().split(b"\0")[:-1]
    assert found == [text.encode() for name, key in pairs for text in (key, printable(name), name)]
    (home.path / "out").unlink()
    (home.path / "script").unlink()
    nothing_ran(home)


def test_case_03_paths_with_a_space_a_quote_and_a_substitution(home: Home, kind: Kind) -> None:
    folder = home.path / "a \"b\" 'c' $(touch pwned) `touch pwned` \\"
    folder.mkdir()
    (folder / "falenv").symlink_to(SCRIPTS / "falenv")
    store = folder / "it's a %store$(touch pwned).toml"
    store.write_text(f'[a]\nkey = "{KEYS["a"]}"\n[b]\nkey = "{KEYS["b"]}"\n')
    store.chmod(0o600)
    result = home.script(
        kind,
        'eval "$(falenv profile env)"; fal profile use a; echo $FAL_KEY; fal profile use b;'
        ' echo $FAL_KEY; echo "$' + kind.own("exe") + '"',
        PATH=f"{folder}:/usr/bin:/bin",
        FAL_CONFIG_PATH=str(store),
        XDG_STATE_HOME=str(folder / "st'ate"),
    )
    assert result.stdout.splitlines() == [KEYS["a"], KEYS["b"], str(folder / "falenv")]
    assert result.stderr == ""
    assert not (home.path / "pwned").exists()


def test_a_switch_starts_no_process(
    home: Home,
    start: Start,
    kind: Kind,
    trace: Trace,
) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '''{KEYS['c']}'''\n")
    # Neither splitting nor patterns are the user's here.
    shell = start(kind, f"{EVAL}\nset -f; IFS=_0fl", prefix=trace.prefix)
    shell.prompts()  # ksh starts tput at its first line
    trace.begin()
    for words, expected in (("b", "b"), ("a", "a"), ("-", "b"), ("--default", "a")):
        assert shell.talk(f"fal profile use {words}") == ""
        assert shell.get("FAL_KEY") == KEYS[expected]
    assert trace.processes() == []
    assert shell.talk("fal profile use odd") == ""
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert trace.processes() != []


def test_a_shell_whose_tests_are_coarse_asks_a_process(home: Home) -> None:
    """For busybox, what changed within a second has not changed."""
    home.profiles("b", "a")
    (home.path / "swapped").write_bytes(home.store.read_bytes())
    home.profiles("a", "b")
    change = (
        f'store={shlex.quote(str(home.store))}; touch -r "$store" swapped;'
        ' cat swapped > "$store"; touch -r swapped "$store"'
    )
    use = 'fal profile use a; echo "$FAL_KEY"'
    text = f'eval "$(fal profile env --shell sh)"; {use}; {change}; {use}'
    result = home.run(needs("busybox"), "sh", "-c", text)
    assert (result.stdout.splitlines(), result.stderr) == ([KEYS["a"], KEYS["a"]], "")


@pytest.mark.parametrize("words", [("busybox", "sh"), ("yash",), ("posh",)], ids=" ".join)
def test_other_shells_switch_and_leave_nothing(home: Home, words: tuple[str, ...]) -> None:
    """posh has neither -nt nor -O, and says so on stderr where a script uses them."""
    home.profiles("a", "b", default="a")
    (home.path / "folder").mkdir()
    (home.path / "script").write_text("""
        show() { printf '%s:%s ' "${FALENV_PROFILE-none}" "$FAL_KEY"; }
        eval "$(fal profile env --shell sh)"; show
        fal profile use b; show; fal profile use -; show; fal profile set b >said; show
        cd folder; fal profile link a >said; show; fal profile use b; show; cd ..
        fal profile off; show; set | grep '^_*falenv_'
    """)
    done = home.run(needs(words[0]), *words[1:], "script")
    keys = "".join(f"{name}:{KEYS[name]} " for name in "ababab")
    assert (done.stdout, done.stderr) == (f"{keys}none: ", "")


def test_case_14_the_hosts_come_and_go_together(home: Home, kind: Kind) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\n'
        f'[b]\nkey = "{KEYS["b"]}"\nhost = "api.alpha.fal.ai"\n'
    )
    show = "; echo " + " ".join(f"${{{name}-{UNSET}}}" for name in ("FAL_KEY", *HOSTS)) + "; "
    without = f"{KEYS['a']} {UNSET} {UNSET} {UNSET}"
    with_host = f"{KEYS['b']} api.alpha.fal.ai fal.run queue.fal.run"
    words = ["use b", "use a", "use -", "use --default", "set b", "set a"]
    text = EVAL + show + "".join(f"fal profile {word} 2>said{show}" for word in words)
    found = home.script(kind, text).stdout.splitlines()
    found = [line for line in found if not line.startswith("Default")]
    assert found == [without, with_host, without, with_host, without, with_host, without]


def test_case_15_no_false_claim_from_a_subshell(home: Home, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    # What a subshell sets is not seen here, and nobody says that it were.
    forms = ("{} | cat", "({})", "{} & wait", 'echo "$({})"')
    tries = [form.format("fal profile set b 2>>said") for form in forms]
    tries = [f"{line}; echo $FAL_KEY; fal profile set a; echo $FAL_KEY" for line in tries]
    result = home.script(kind, "; ".join([EVAL, *tries]))
    keys = [line for line in result.stdout.splitlines() if line in KEYS.values()]
    assert keys == [KEYS["a"]] * 8
    said = (home.path / "said").read_text().splitlines()
    assert len(said) == 4
    for line in said:
        notice(line, "still has another FAL_KEY")
    result = home.script(kind, f"{EVAL}; fal profile set a 2>said; echo $FAL_KEY")
    assert (home.path / "said").read_text() == ""


def test_case_20_alive_and_silent_under_any_options(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '''{KEYS['c']}'''\n")
    shell = start(kind, f"set -aefuC; IFS=_0fl\n{EVAL}\n{EVAL}")
    assert shell.greeting == ""
    (home.path / ".fal-profile").write_text("b\n")
    home.fal("allow")
    assert shell.talk(NEXT) == ""
    flags = shell.stdout("echo $-")

    def check(expected: str, line: str = "", *words: str) -> None:
        answer = shell.talk(line)
        assert (answer == "") if not words else one_line(answer, *words), answer
        assert shell.prompts(2) == ""
        assert shell.exported()["FAL_KEY"] == KEYS[expected]

    check("b", "" if kind.has_hook else "fal profile use --default")
    check("a", "fal profile use a")
    check("c", "fal profile use odd")
    check("a", "fal profile use -")
    check("b", "fal profile use --default")
    check("a", "fal profile link a", "a")
    check("a", "fal profile unlink", "unlinked")
    check("b", "fal profile set b", "Default profile set to b.")
    check("a", "fal profile set a", "Default profile set to a.")
    assert shell.stdout("echo $-") == flags
    assert shell.talk("fal profile off") == ""
    assert "FAL_KEY" not in shell.exported()
    assert not any(name.startswith("__falenv") for name in shell.exported())


def test_case_22_no_key_in_a_trace(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", "c", default="a")
    home.write(home.store.read_text() + "[odd]\nkey = '''odd:fakeodd'''\n")
    shell = start(kind)
    shell.is_traced = True
    shell.talk("set -xv")
    assert "echo traced" in shell.talk("echo traced")
    shown = ""
    for words in ("use b", "use odd", "use -", "set c", "use --default", "list", "nonsense"):
        shown += shell.talk(f"fal profile {words}") + shell.prompts()
    follow = NEXT if kind.has_hook else "fal profile use --default"
    home.fal("set", "b")
    shown += shell.talk(follow) + shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]
    home.profiles("a", "b", default="a")
    shown += shell.talk(follow) + shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["a"]
    shown += shell.talk("fal profile off") + shell.prompts()
    assert "fal profile" in shown
    assert re.findall("fake[abco].*", shown) == []


def test_case_25_aliases_and_functions_of_the_users(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    words = ("cd", "printf", "test", "command", "read", "eval", "set", "fal")
    aliases = lines(*(f"alias {word}='echo MINE-{word}'" for word in words))
    shell = start(kind, f'{aliases}\\eval "$({OURS}/falenv profile env)"')
    check_shadowed(home, shell)
    assert shell.stdout("fal").strip() == "MINE-fal"
    functions = "cd() { echo MINE-cd; }; printf() { echo MINE-printf; }; fal() { echo MINE-fal; }"
    shell = start(kind, f'{functions}\neval "$({OURS}/fal profile env)"')
    home.profiles("a", "b", default="a")
    # dash cannot copy a function, so that there it stays.
    program = "fal" if kind.has_readable_functions else "falenv"
    assert shell.talk(f"{program} profile use b") == ""
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    assert shell.talk(f"{program} profile off") == ""
    assert shell.talk("fal > mine") == ""
    assert (home.path / "mine").read_text() == "MINE-fal\n"


@pytest.mark.parametrize("options", ["", "set -eu; "])
def test_case_26_not_interactive(home: Home, kind: Kind, options: str) -> None:
    home.profiles("a", default="a")
    show = 'printenv FAL_KEY; echo "${PS1-}"; fal profile current --name'
    result = home.script(kind, f"PS1=mine; {options}{EVAL}; {show}", ENV="/nowhere")
    assert result.stdout.splitlines() == [KEYS["a"], "mine", "a"]
    assert (result.stderr, result.returncode) == ("", 0)
    (home.path / "script").write_text(f"{options}{EVAL}\n{EVAL}\nfal profile use a\n")
    result = home.run(needs(kind.name), "script")
    assert (result.stdout, result.stderr, result.returncode) == ("", "", 0)
    failed = home.script(kind, f"{options}{EVAL}; fal profile use nope || echo code $?")
    assert failed.stdout == "code 1\n"


def test_the_shell_is_recognized(home: Home, kind: Kind) -> None:
    home.profiles("a", default="a")
    # Behind two others, for which it must not be taken.
    inner = f"{kind} -c 'fal profile env; :'"
    found = home.run("bash", "-c", f"zsh -fc {shlex.quote(inner + '; :')}; :").stdout
    for name in ("sh", "dash", "ksh", "mksh"):
        assert home.fal("env", "--shell", name).stdout == found
    for name in ("bash", "zsh", "fish"):
        assert home.fal("env", "--shell", name).stdout != found


# --- dash, which has no hook ---------------------------------------------------------------------


def test_dash_stays_until_a_switch_is_typed(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    shell = start("dash")

    def check(expected: str, *lines: str) -> None:
        for line in lines:
            assert shell.talk(line) == "", line
        assert shell.exported().get("FAL_KEY", UNSET) == KEYS.get(expected, expected)

    home.fal("set", "b")
    check("a", "", NEXT)
    assert shell.segment == "(fal:a) "
    said = shell.talk("fal profile list").splitlines()[0]
    notice(said, "stays on profile 'a'", "'b' is active", "fal profile use --default")
    check("b", "fal profile use --default")
    assert shell.segment == "(fal:b) "
    home.profiles("a", "b", default="a")  # an editor
    check("b", NEXT)
    check("a", "fal profile use --default")
    check("b", "fal profile use b")
    home.fal("set", "b")
    home.fal("set", "a")
    check("b", NEXT)  # the pin holds
    check("a", "fal profile use --default")
    check(HAND, f"export FAL_KEY={HAND}")
    home.fal("set", "b")
    check(HAND, NEXT)
    check("b", "fal profile use --default")
    home.fal("delete", "b")
    check("b", NEXT)
    check(UNSET, "fal profile use --default")


def test_dash_keeps_the_last_good_environment(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    shell = start("dash")
    home.write(b"= =\n")
    notice(shell.talk("fal profile use --default"), str(home.store))
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    home.profiles("a", "b", default="b")
    assert shell.talk("fal profile use --default") == ""
    assert shell.exported()["FAL_KEY"] == KEYS["b"]


def test_dash_follows_the_folder_when_it_is_told_to(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="b")
    (home.path / "one" / "sub").mkdir(parents=True)
    (home.path / "one" / ".fal-profile").write_text("a\n")
    shell = start("dash")
    notice(shell.talk("cd one; fal profile use --default"), "you have not allowed it")
    assert shell.get("FAL_KEY") == KEYS["b"]
    one_line(shell.talk("fal profile allow"))
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.talk("cd ..; fal profile use --default") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("cd one/sub; fal profile use --default") == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["a"], "(fal:a/) ")
    (home.path / "one" / ".fal-profile").write_text("b" * 2_000 + "\n")
    notice(shell.talk("fal profile use --default"), "has changed since you allowed it")
    # A switch that fails changes nothing.
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_dash_goes_on_without_our_program(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    folder = copied_programs(home).parent
    shell = start("dash", PATH=f"{folder}:/usr/bin:/bin")
    assert shell.get("FAL_KEY") == KEYS["a"]
    shutil.rmtree(folder)
    line, *rest = f"{shell.talk('fal profile use b')}\n{shell.talk('fal app')}".split("\n")
    notice(line, "gone")
    for text in rest:
        assert text.endswith("fal: not found")
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    assert [line for line in shell.snapshot() if "__falenv" in line] == []
    assert shell.segment == ""


def test_off_takes_out_each_function(home: Home) -> None:
    """dash lists no functions; mksh, which reads the same code, says what to ask dash about."""
    home.profiles("a", default="a")
    needs("mksh")
    names = home.script("mksh", f"{EVAL}; typeset +f").stdout.split()
    assert "fal" in names
    ask = (
        "for name in " + " ".join(names) + '; do type "$name"; done 2>/dev/null | grep -c function'
    )
    found = home.script("dash", f"{EVAL}; {ask}; fal profile off; {ask}")
    assert found.stdout.split() == [str(len(names)), "0"]
