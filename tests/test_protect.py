"""`protected = true`, about which commands ask, and `env = "exec"`, whose key enters no shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, LONG, POSIX_SHELLS, SCRIPTS, SHELLS, Home
from driver import KINDS, Shell, needs

from falenv.paths import PROTOCOL

if TYPE_CHECKING:
    from collections.abc import Callable

#: In short, one shell stands for those that share falenv.sh.
NAMES = [*SHELLS, *POSIX_SHELLS] if LONG else ["bash", "fish"]
REFUSED = (
    "falenv: profile 'b' is protected, and there is no terminal to ask on; "
    "nothing was changed; to answer yes, add --yes\n"
)
#: Each command that asks about profile b: its words, the end of the question, what is on stdin.
ASKING = (
    (["set", "b"], "Make it the default?", ""),
    (["rename", "b", "c"], "Rename it to c?", ""),
    (["link", "b"], "Use it in this folder and below?", ""),
    (["exec", "b", "--", "touch", "ran"], "Run this command with it?", ""),
    (["host", "api.fal.ai", "--profile", "b"], "Change its host?", ""),
    (["protect", "b", "--off"], "Change that?", ""),
    (["protect", "b", "--exec-only"], "Change that?", ""),
    (["key", "b", "--stdin"], "", KEYS["c"]),
    (["delete", "b"], "", ""),
)
#: What a line has of its profile.
VARIABLES = ["FAL_KEY", "FAL_HOST", "FAL_PROFILE", "FALENV_MARK"]
STORE = f"""\
[__internal__]
profile = "a"

[a]  # mine
key = "{KEYS["a"]}"

[b]
key = "{KEYS["b"]}"  # the client's
"""


@pytest.fixture(autouse=True)
def store(home: Home) -> None:
    home.write(STORE)


def with_setting(home: Home, line: str) -> None:
    home.write(STORE.replace("[b]\n", f"[b]\n{line}\n"))


def files(home: Home) -> dict[str, str]:
    """Return the user's own files, with their text."""
    found = [home.store, home.path / ".fal-profile", home.path / "ran"]
    return {path.name: path.read_text() for path in found if path.exists()}


@pytest.mark.parametrize(("words", "_question", "stdin"), ASKING, ids=str)
def test_without_a_terminal_a_protected_profile_needs_yes(
    home: Home, words: list[str], _question: str, stdin: str
) -> None:
    with_setting(home, "protected = true")
    before = files(home)
    assert ran(home, words, stdin) == (1, REFUSED)
    assert files(home) == before
    with_yes = [*words, "--yes"] if words[0] != "exec" else ["exec", "--yes", *words[1:]]
    code, said = ran(home, with_yes, stdin)
    assert (code, "protected, and" in said) == (0, False), said
    assert files(home) != before
    home.write(STORE)
    assert ran(home, words, stdin)[0] == 0


def ran(home: Home, words: list[str], stdin: str) -> tuple[int, str]:
    """Run a command without a terminal, in this process if it can; return exit code and stderr."""
    if words[0] in {"exec", "link"}:  # one replaces the process, the other needs the folder
        done = home.fal(*words, stdin=stdin)
        return done.returncode, done.stderr
    code, _, said = home.here("profile", *words, stdin=stdin)
    return code, said


def test_unset_asks_about_the_default(home: Home) -> None:
    home.write(
        STORE.replace('profile = "a"', 'profile = "b"').replace("[b]", "[b]\nprotected=true")
    )
    assert home.fal("unset").stderr == REFUSED
    assert home.fal("unset", "--yes").returncode == 0
    assert "profile =" not in home.store.read_text()


def test_exec_takes_yes_on_either_side_of_the_name(home: Home) -> None:
    with_setting(home, "protected = true")
    for words in (["--yes", "b"], ["b", "--yes"]):
        done = home.fal("exec", *words, "--", "printenv", "FAL_KEY")
        assert (done.stdout, done.stderr) == (KEYS["b"] + "\n", "")


def test_edit_import_and_a_pattern_ask_about_what_they_change(home: Home) -> None:
    editor = f"{needs('sed')} -i s/{KEYS['b']}/{KEYS['c']}/"
    for words, stdin in (
        (["edit"], ""),
        (["import", "-", "b", "--replace"], f"FAL_KEY={KEYS['c']}\n"),
    ):
        with_setting(home, "protected = true")
        before = files(home)
        done = home.fal(*words, stdin=stdin, EDITOR=editor)
        assert (done.returncode, done.stderr) == (1, REFUSED)
        assert files(home) == before
        assert home.fal(*words, "--yes", stdin=stdin, EDITOR=editor).returncode == 0
        assert files(home)["config.toml"] == before["config.toml"].replace(KEYS["b"], KEYS["c"])
    with_setting(home, "protected = true")
    done = home.fal("exec", "[ab]", "--", "printenv", "FAL_KEY")
    assert (done.returncode, done.stdout) == (1, KEYS["a"] + "\n")
    assert REFUSED in done.stderr
    done = home.fal("exec", "--yes", "[ab]", "--", "printenv", "FAL_KEY")
    assert (done.returncode, done.stdout) == (0, f"{KEYS['a']}\n{KEYS['b']}\n")


def answer(shell: Shell, line: str, question: str, reply: str) -> str:
    """Type a line, wait for the question, reply; return what is shown."""
    asked = shell.screen().count(question)
    shell.type(f"{line}\r")
    shell.wait(lambda: shell.screen().count(question) > asked, question)
    return shell.press(f"{reply}\r")


def test_on_a_terminal_each_command_asks(home: Home, start: Callable[..., Shell]) -> None:
    with_setting(home, "protected = true")
    shell = start("bash", columns=140)
    before = files(home)
    for words, question, _ in ASKING:
        if question:
            asked = f"Profile b is protected. {question} [y/N]: "
            shell.clear()
            answer(shell, "fal profile " + " ".join(words), asked.rstrip(), "n")
            assert shell.status() == 1
            assert files(home) == before, words
    shell.clear()
    answer(shell, "fal profile key b", "Profile b is protected. It has a key id ", "n")
    assert shell.status() == 1
    shell.clear()
    answer(shell, "fal profile delete b", "Profile b is protected. Delete it and its key?", "n")
    assert files(home) == before
    shell.clear()
    answer(shell, "fal profile exec b -- touch ran", "Run this command with it? [y/N]:", "y")
    assert shell.status() == 0
    assert (home.path / "ran").exists()


@pytest.mark.fire
@pytest.mark.parametrize("name", NAMES)
def test_use_asks_and_the_prompt_is_coloured(
    home: Home, start: Callable[..., Shell], name: str
) -> None:
    with_setting(home, "protected = true")
    shell = start(name)
    question = "Profile b is protected. Use it in this shell? [y/N]:"
    answer(shell, "fal profile use b", question, "n")
    assert shell.talk("echo $FAL_KEY") == KEYS["a"]
    answer(shell, "fal profile use b", question, "y")
    assert shell.segment == "(fal:b*) "
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    if name in SHELLS:
        assert shell.cell(shell.cursor[0], 1).fg == "red"
    assert (
        shell.talk("fal profile use --yes a; fal profile use b --yes; echo $FAL_KEY") == KEYS["b"]
    )
    # The hook follows a default without a question, and a new shell starts on one.
    assert home.fal("set", "b", "--yes").returncode == 0
    assert shell.talk("fal profile use a; fal profile use --default --yes") == ""
    assert shell.segment == "(fal:b) "


@pytest.mark.parametrize("name", ["zsh", "dash"])
def test_use_in_a_script_needs_yes(home: Home, name: str) -> None:
    with_setting(home, "protected = true")
    code = (
        f"{KINDS[name].eval_line()}\nfal profile use b; fal profile use --yes b; printenv FAL_KEY"
    )
    done = home.script(name, code)
    assert (done.stdout, done.stderr) == (KEYS["b"] + "\n", REFUSED)


@pytest.mark.fire
@pytest.mark.parametrize("name", NAMES)
def test_the_key_of_an_exec_only_profile_never_enters_a_shell(
    home: Home, start: Callable[..., Shell], name: str
) -> None:
    with_setting(home, 'env = "exec"')
    shell = start(name)
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "(fal:b* exec) "
    held = shell.exported()
    assert (held.get("FAL_KEY"), held.get("FALENV_KEY_ID")) == (None, None)
    assert (held["FALENV_PROFILE"], held["FALENV_MARK"]) == ("b", "* exec")
    assert shell.talk("fal profile exec b -- printenv FAL_KEY") == KEYS["b"]
    said = shell.talk("fal profile current")
    assert said.splitlines()[1].endswith(" (only for exec and for fal, not in this shell)")
    # A child shell, also one that `exec` has given the key to, has none.
    file = home.path / "child"
    file.write_text(f"{KINDS[name].eval_line()}\nprintenv FAL_KEY FALENV_PROFILE\n")
    words = "bash --norc" if name == "bash" else "zsh -f" if name == "zsh" else name
    assert shell.talk(f"fal profile exec b -- {words} child") == "b"
    # A new default, a start and `env NAME`, too.
    assert home.fal("set", "b").returncode == 0
    assert shell.talk("fal profile use --default") == ""
    assert (shell.segment, shell.exported().get("FAL_KEY")) == ("(fal:b exec) ", None)
    assert shell.talk("fal profile use a") == ""
    assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:a*) ", KEYS["a"])
    assert KEYS["b"] not in home.fal("env", "b", "--shell", name).stdout


@pytest.mark.fire
@pytest.mark.parametrize("name", [*NAMES, "dash"] if not LONG else NAMES)
def test_the_rest_of_the_line_has_what_was_changed(
    home: Home, start: Callable[..., Shell], name: str
) -> None:
    with_setting(home, "protected = true")
    (home.path / "a").mkdir()
    (home.path / "new").write_text(KEYS["c"])
    home.run(needs("bash"), "-c", f"cd a && {SCRIPTS}/fal profile link a")
    shell = start(name)
    shell.talk("fal profile use b --yes")
    names = str(VARIABLES).replace("'", '"')
    now = f"{SCRIPTS}/python -c 'import os; print(*map(os.environ.get, {names}))'"
    # In a folder that is linked to another profile, and after a switch by another shell.
    said = shell.talk(f"cd a; fal profile key b --yes --stdin <../new; {now}; cd ..").splitlines()
    assert (said[0], said[-1]) == ("Key set for profile b.", f"{KEYS['c']} None b *")
    assert shell.segment == "(fal:b*) "
    assert home.fal("set", "b", "--yes").returncode == 0
    shell.talk("fal profile use --default --yes")
    assert shell.segment == "(fal:b) "
    home.fal("set", "a")
    host = f"fal profile host api.fal.ai --profile b --yes; {now}"
    said = shell.talk(host).splitlines()
    assert said[0] == "Fal host set to api.fal.ai."
    assert said[-1] == f"{KEYS['c']} api.fal.ai None None"
    if shell.kind.has_hook:
        assert shell.segment == "(fal:a) "
    # A key leaves the shell at once, and comes back.
    shell.talk("fal profile use b --yes")
    said = shell.talk(f"fal profile protect b --exec-only --yes; {now}").splitlines()
    assert said[-1] == "None api.fal.ai b * exec"
    said = shell.talk(f"fal profile protect b --exec-only --off --yes; {now}").splitlines()
    assert said[-1] == f"{KEYS['c']} api.fal.ai b *"


def test_hand_over_gets_the_key_of_an_exec_only_profile(home: Home) -> None:
    home.write(
        STORE.replace('"a"', '"b"', 1).replace("[b]\n", '[b]\nenv = "exec"\nprotected=true\n')
    )
    folder = home.path / "theirs"
    folder.mkdir()
    (folder / "fal").write_text('#!/bin/sh\nprintf "%s\\n" "$FAL_KEY" "$FAL_PROFILE"\n')
    (folder / "fal").chmod(0o755)
    path = f"{SCRIPTS}:{folder}:/usr/bin:/bin"
    done = home.run(str(SCRIPTS / "fal"), "app", "list", PATH=path)
    assert (done.stdout, done.stderr) == (f"{KEYS['b']}\nb\n", "")
    # So it does from an integrated shell, whose environment has no key.
    shell = f"{KINDS['bash'].eval_line()}\nfal app list; echo ${{FAL_KEY-none}}"
    done = home.run(needs("bash"), "-c", shell, PATH=path)
    assert (done.stdout, done.stderr) == (f"{KEYS['b']}\nb\nnone\n", "")


def test_exec_without_a_command_refuses_an_exec_only_profile(home: Home) -> None:
    with_setting(home, 'env = "exec"')
    done = home.fal("exec", "b")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("falenv: profile 'b' gives its key to commands, not to a shell;")


def test_the_index_leaves_these_profiles_to_a_process(home: Home) -> None:
    for line, mark in (("# plain", "9"), ("protected = true", "-"), ('env = "exec"', "-")):
        with_setting(home, line)
        assert home.fal("env", "--shell", "bash").returncode == 0
        (index,) = (home.path / ".local/state/falenv").glob(f"{PROTOCOL}*/*")
        assert f"{mark} b" in index.read_text().splitlines()


def test_protect_edits_only_its_own_line(home: Home) -> None:
    assert home.fal("protect", "b").stdout == "Profile b is protected.\n"
    assert home.store.read_text() == STORE + "protected = true\n"
    assert (
        home.fal("protect", "b", "--off", "--yes").stdout == "Profile b is no longer protected.\n"
    )
    assert home.store.read_text() == STORE
    assert home.fal("protect", "b", "--exec-only").stdout == "The key of b stays out of shells.\n"
    assert home.store.read_text() == STORE + 'env = "exec"\n'
    done = home.fal("protect", "b", "--exec-only", "--off")
    assert (done.stdout, home.store.read_text()) == ("The key of b enters shells again.\n", STORE)
    assert home.fal("protect", "nope").returncode == 1


def test_list_says_so_but_has_no_such_settings(home: Home) -> None:
    with_setting(home, 'protected = true\nenv = "exec"')
    (profile,) = json.loads(home.fal("list", "--json").stdout)["profiles"][1:]
    assert (profile["is_protected"], profile["env"]) == (True, "exec")
    assert profile["settings"] == ["protected", "env", "key"]
    row = home.fal("list").stdout.splitlines()[4]
    assert row.rstrip("│ ").endswith("│ key (protected; only for exec and for fal)")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'protected = "yes"',
            "the protected of profile 'b' is neither true nor false; write it as",
        ),
        ("env = [1]", "the env of profile 'b' is not one that falenv knows; write it as"),
    ],
)
def test_a_setting_of_another_kind_fails_closed(home: Home, line: str, said: str) -> None:
    with_setting(home, line)
    done = home.fal("exec", "b", "--", "true")
    assert done.returncode == 1
    assert f"config.toml, line 8: {said}" in done.stderr
    assert home.fal("exec", "a", "--", "true").returncode == 0
