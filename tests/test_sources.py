"""Keys that are not in the store: from a command, or from the keyring of the system."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from conftest import KEYS, LONG, POSIX_SHELLS, REPOSITORY, SCRIPTS, SHELLS, Home
from driver import KINDS, Shell, needs
from test_fast import imported, imported_by_python_alone

from falenv import sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: In short, one shell stands for those that share core.sh, and one for those that share falenv.sh.
NAMES = [*SHELLS, *POSIX_SHELLS] if LONG else ["zsh", "dash"]
#: What a command prints that must be shown nowhere.
HIDDEN = "hidden-output"
KEY_ID = KEYS["b"].partition(":")[0]
#: A command that notes that it ran, and where, and prints b's key.
SCRIPT = f"""\
#!/bin/sh
{{ pwd; tty <&0; env; printf 'argument %s\\n' "$@"; }} >>"$HOME/ran"
echo {HIDDEN} >&2
echo '{KEYS["b"]}'
"""


def script(home: Home, body: str, name: str = "get-key") -> Path:
    """Put a program into a folder of PATH."""
    folder = home.path / "tools"
    folder.mkdir(exist_ok=True)
    home.variables["PATH"] = f"{folder}:{SCRIPTS}:/usr/local/bin:/usr/bin:/bin"
    path = folder / name
    path.write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def with_command(home: Home, *words: str, more: str = "", default: str = "a") -> None:
    """Write a store whose profile b has a key command."""
    home.write(
        f'[__internal__]\nprofile = "{default}"\n[a]\nkey = "{KEYS["a"]}"\n'
        f"[b]  # theirs\nkey_command = {json.dumps(words)}\n{more}"
    )


def runs(home: Home) -> int:
    """Return how often SCRIPT has run."""
    file = home.path / "ran"
    return file.read_text().count("argument") if file.exists() else 0


def refused(home: Home) -> str:
    """Ask for b's key in vain; return what falenv says behind its beginning."""
    done = home.fal("key", "b", "--print")
    start = "falenv: could not get the key of profile 'b': "
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(start), done.stderr
    assert done.stderr.count("\n") == 1
    assert HIDDEN not in done.stderr
    return done.stderr.removeprefix(start).rstrip("\n")


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# --- The command ---------------------------------------------------------------------------------

WHY = "; to see why, run the key_command of that profile in a terminal"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (f"echo {HIDDEN}; echo {HIDDEN} >&2; exit 3", "'get-key' failed with exit code 3"),
        (f"echo '{KEYS['b']}'; kill -9 $$", "signal 9 ended 'get-key'"),
        (f"echo '{KEYS['b']}'; echo {HIDDEN}", "'get-key' printed more than one line"),
        (f"printf '%s\\r%s' '{KEYS['b']}' {HIDDEN}", "'get-key' printed more than one line"),
        (f"echo '{HIDDEN}'", "'get-key' printed something else than a key"),
        (f"echo 'export FAL_KEY={KEYS['b']}'", "'get-key' printed something else than a key"),
        (f"echo '{KEYS['b']} {HIDDEN}'", "'get-key' printed something else than a key"),
        (f"echo '{KEYS['b']}:{HIDDEN}'", "'get-key' printed something else than a key"),
        ("printf '\\377:\\376'", "'get-key' printed something else than a key"),
        ("true", "'get-key' printed nothing"),
        (f"yes {HIDDEN}", "'get-key' printed more than a key"),
        (f"exec cat /dev/zero; echo {HIDDEN}", "'get-key' printed more than a key"),
    ],
)
def test_what_is_no_key_is_refused_and_never_shown(home: Home, body: str, said: str) -> None:
    script(home, body)
    with_command(home, "get-key")
    assert refused(home) == said + WHY
    if body == "true":
        # Nothing starts without the key: neither the command of `exec` nor the official CLI.
        assert home.fal("exec", "b", "--", "touch", "started").returncode == 1
        done = home.run(str(SCRIPTS / "fal"), "app", "list", FAL_PROFILE="b")
        assert (done.returncode, done.stdout) == (1, "")
        assert not (home.path / "started").exists()


def test_a_command_that_hangs_is_ended(home: Home) -> None:
    script(home, 'trap "" TERM; echo $$ >"$HOME/pid"; while :; do sleep 0.1; done')
    with_command(home, "get-key")
    with mock.patch.multiple(sources, SECONDS=0.5, _GRACE_SECONDS=0.2):
        code, out, err = home.here("profile", "key", "b", "--print")
    said = "falenv: could not get the key of profile 'b': 'get-key' took more than 0.5 seconds"
    assert (code, out, err) == (1, "", f"{said}{WHY}\n")
    assert not is_running(int((home.path / "pid").read_text()))


def test_a_daemon_that_stays_does_not_hold_up(home: Home) -> None:
    script(home, f"sleep 5 & echo '{KEYS['b']}'")
    with_command(home, "get-key")
    assert home.fal("key", "b", "--print").stdout == KEYS["b"] + "\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["no-such-tool"],
            "'no-such-tool' was not found on PATH; install it, or write its whole path",
        ),
        (["./get-key"], "'./get-key' is neither a name nor an absolute path; write its whole path"),
        (["get-here"], "'get-here' was not found on PATH; install it, or write its whole path"),
    ],
)
def test_no_program_comes_from_the_current_folder(home: Home, words: list[str], said: str) -> None:
    script(home, SCRIPT)
    shutil.copy2(home.path / "tools/get-key", home.path / "get-key")
    shutil.copy2(home.path / "tools/get-key", home.path / "get-here")
    home.variables["PATH"] = f".::{home.variables['PATH']}"
    with_command(home, *words)
    assert refused(home) == said
    assert runs(home) == 0


def test_what_a_command_gets(home: Home) -> None:
    path = script(home, SCRIPT)
    for words in (["get-key", "two words", "$(touch X)"], [str(path), "it's"]):
        with_command(home, *words)
        (home.path / "ran").unlink(missing_ok=True)
        (home.path / "elsewhere").mkdir(exist_ok=True)
        done = home.run(
            "sh", "-c", 'cd elsewhere && exec "$@"', "sh",
            str(SCRIPTS / "fal"), "profile", "key", "b", "--print",
            FAL_KEY=KEYS["a"], FALENV_PROFILE="x", PYTHONUTF8="1", MINE="yes",
            PATH=f".:{home.variables['PATH']}:",
        )  # fmt: skip
        assert (done.stdout, done.stderr) == (KEYS["b"] + "\n", "")
        lines = (home.path / "ran").read_text().splitlines()
        assert lines[:2] == [str(home.path), "not a tty"]
        assert "MINE=yes" in lines
        assert f"PATH={home.variables['PATH']}" in lines
        odd = [line for line in lines if line.startswith(("FAL_", "PYTHON", "__falenv"))]
        assert odd == []
        assert lines[-len(words) + 1 :] == [f"argument {word}" for word in words[1:]]


def test_a_command_that_needs_itself_ends(home: Home) -> None:
    with_command(home, str(SCRIPTS / "falenv"), "profile", "key", "b", "--print")
    assert refused(home) == "'falenv' failed with exit code 1" + WHY


def test_the_id_is_noted_in_the_store(home: Home) -> None:
    script(home, SCRIPT)
    with_command(home, "get-key", "x", more=f'key_id = "{KEYS["a"].partition(":")[0]}"  # last\n')
    assert home.fal("exec", "b", "--", "printenv", "FAL_KEY").stdout == KEYS["b"] + "\n"
    assert f'[b]  # theirs\nkey_command = ["get-key", "x"]\nkey_id = "{KEY_ID}"  # last\n' in (
        home.store.read_text()
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('key_command = "op read x"', "the key_command of profile 'b' is not a list of words; "),
        ("key_command = []", "the key_command of profile 'b' is not a list of words; "),
        ('key_command = ["op", 1]', "the key_command of profile 'b' is not a list of words; "),
        ('keyring = "yes"', "the keyring of profile 'b' is neither true nor false; "),
        (
            f'key_command = ["op"]\nkey = "{KEYS["c"]}"',
            "the key_command of profile 'b' is not the only source of the key; keep one of them\n",
        ),
    ],
)
def test_a_source_of_another_kind_fails_closed(home: Home, line: str, said: str) -> None:
    home.write(f"[a]\nkey = '{KEYS['a']}'\n[b]\n{line}\n")
    done = home.fal("exec", "b", "--", "true")
    assert done.returncode == 1
    assert f"config.toml, line 4: {said}" in done.stderr
    assert home.fal("exec", "a", "--", "true").returncode == 0


#: What each password manager documents: the words behind its name, with what the user fills in.
DOCUMENTED = {
    "op": ["read", "op://VAULT/ITEM/FIELD"],  # op read --help: a secret reference
    "pass": ["show", "NAME"],  # pass(1)
    "bw": ["get", "password", "NAME"],  # bw get --help
    "security": ["find-generic-password", "-s", "NAME", "-w"],  # security(1): only the password
    "secret-tool": ["lookup", "NAME", "NAME"],  # secret-tool(1): attribute and value
}


def test_the_lines_of_the_guide_are_what_the_password_managers_take(home: Home) -> None:
    """Each stand-in prints the key only if its words are those of the vendor's own manual."""
    guide = (REPOSITORY / ".github" / "GUIDE.md").read_text()
    lines = [
        shlex.split(line) for line in re.findall(r"`fal profile (key \w+ --command .+)`", guide)
    ]
    assert [line[3] for line in lines] == list(DOCUMENTED)
    for line in lines:
        program, words = line[3], line[4:]
        patterns = [re.sub("[A-Z]+", "[A-Za-z/-]+", word) for word in DOCUMENTED[program]]
        assert all(re.fullmatch(*pair) for pair in zip(patterns, words, strict=True)), line
        # bw asks for its password on stderr, which falenv hides, so it has to be unlocked.
        needed = '[ -n "$BW_SESSION" ] && ' if program == "bw" else ""
        joined = shlex.quote("".join(f"{word}|" for word in words))
        given = f"""{needed}[ "$(printf '%s|' "$@")" = {joined} ]"""
        script(home, f"{given} && echo '{KEYS['b']}'", program)
        home.write("[comfy]\n")
        home.variables["BW_SESSION"] = "unlocked"
        code, out, err = home.here("profile", *line)
        assert (code, out) == (0, f"The key of comfy now comes from '{program}'.\n"), err
        assert home.here("profile", "key", "comfy", "--print")[1] == KEYS["b"] + "\n"


# --- Trust ---------------------------------------------------------------------------------------


def test_only_the_own_store_or_an_allowed_one_names_commands(home: Home) -> None:
    script(home, SCRIPT)
    with_command(home, "get-key", "x", more='host = "api.fal.ai"\n')
    text = home.store.read_text()
    cloned = home.path / "cloned" / "config.toml"
    cloned.parent.mkdir()
    cloned.write_text(text)
    home.variables["FAL_CONFIG_PATH"] = str(cloned)
    said = (
        f"you have not allowed {cloned} to say where keys come from; "
        "to see and allow that: fal profile allow --store"
    )
    assert (refused(home), runs(home)) == (said, 0)
    done = home.fal("allow", "--store")
    assert done.stdout == f"b: get-key x, for api.fal.ai\nAllowed the key sources of {cloned}.\n"
    assert home.fal("key", "b", "--print").stdout == KEYS["b"] + "\n"
    # falenv has noted the id, and the official CLI may write the store.
    cloned.write_text("# mine\n" + cloned.read_text())
    assert home.fal("key", "b", "--print").stdout == KEYS["b"] + "\n"
    # Another command, another host, another profile with a command: none of that was allowed.
    for old, new, name in (
        ('"x"', '"y"', "b"),
        ("api.fal.ai", "api.evil.fal.ai", "b"),
        ("[b]", "[b2]", "b2"),
    ):
        cloned.write_text(text.replace(old, new))
        ran = runs(home)
        assert home.fal("key", name, "--print").returncode == 1
        assert runs(home) == ran
    cloned.write_text(text)
    assert home.fal("deny", "--store").returncode == 0
    assert refused(home) == said
    # The same path in the environment is the user's own store.
    home.variables["FAL_CONFIG_PATH"] = "~/.fal/config.toml"
    assert home.fal("key", "b", "--print").stdout == KEYS["b"] + "\n"


def test_what_the_user_adds_to_a_store_is_allowed_but_nothing_beside_it(home: Home) -> None:
    script(home, SCRIPT)
    home.profiles("a", "b")
    other = home.path / "other.toml"
    shutil.copy2(home.store, other)
    home.variables["FAL_CONFIG_PATH"] = str(other)
    assert home.fal("key", "b", "--command", "get-key", "x").returncode == 0
    assert home.fal("key", "b", "--print").stdout == KEYS["b"] + "\n"
    # An edit by falenv keeps the permission.
    assert home.fal("host", "api.fal.ai", "--profile", "b").returncode == 0
    assert home.fal("key", "b", "--print").stdout == KEYS["b"] + "\n"
    other.write_text(other.read_text() + '[c]\nkey_command = ["get-key"]\n')
    assert home.fal("key", "a", "--yes", "--command", "get-key", "y").returncode == 0
    assert home.fal("key", "c", "--print").returncode == 1


# --- In a shell ----------------------------------------------------------------------------------


@pytest.mark.fire
@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_user_types_fetches(
    home: Home, start: Callable[..., Shell], name: str
) -> None:
    script(home, SCRIPT)
    with_command(home, "get-key", "x", default="b")
    shell = start(name)
    kind = KINDS[name]
    # A new shell, a prompt, another's change, `set` and what only reads: no key, and a lock.
    assert (shell.segment, shell.exported().get("FAL_KEY")) == ("(fal:b locked) ", None)
    home.write(home.store.read_text() + "[new]\n")
    shell.prompts(2)
    said = shell.talk("fal profile set b")
    assert said.endswith("to get it in this shell: fal profile use --default")
    shell.talk("fal profile list; fal profile current --name")
    assert (shell.segment, runs(home)) == ("(fal:b locked) ", 0)
    # `use` fetches it, and the terminal is its standard input.
    assert shell.talk("fal profile use b") == ""
    held = shell.exported()
    assert (held["FAL_KEY"], held["FALENV_KEY_ID"], runs(home)) == (KEYS["b"], KEY_ID, 1)
    assert (home.path / "ran").read_text().splitlines()[1] == "/dev/tty"
    assert shell.segment == "(fal:b*) "
    # Another's change and a prompt leave the key; so does a child shell, which knows its id.
    home.write(home.store.read_text() + "[newer]\n")
    shell.prompts(2)
    assert shell.segment == "(fal:b*) "
    (home.path / "rc").write_text(f"{kind.eval_line()}\nprintenv FAL_KEY FALENV_MARK")
    # Without a start-up file, which would have loaded falenv already.
    words = {"bash": "bash --norc", "zsh": "zsh -f", "fish": "fish --no-config"}.get(name, name)
    assert shell.talk(f"{words} rc") == f"{KEYS['b']}\n*"
    assert runs(home) == 1
    # A foreign key stays, and is marked.
    given = KEYS["c"]
    assert shell.talk(f"env FAL_KEY={given} {words} rc").splitlines()[0] == given
    # A command that fails leaves the shell as it was, without a key if it had none.
    script(home, f"echo {HIDDEN}; exit 1")
    shell.talk("fal profile use a")
    assert shell.talk("fal profile use b").startswith("falenv: could not get the key of profile")
    assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:a*) ", KEYS["a"])
    script(home, SCRIPT)
    assert shell.talk("fal profile use --default") == ""
    assert (shell.segment, shell.exported()["FAL_KEY"], runs(home)) == ("(fal:b) ", KEYS["b"], 2)
    assert shell.talk("fal profile off") == ""
    assert shell.exported().get("FAL_KEY") is None


def test_a_child_shell_marks_a_foreign_key(home: Home, start: Callable[..., Shell]) -> None:
    script(home, SCRIPT)
    with_command(home, "get-key", "x", more=f'key_id = "{KEY_ID}"\n', default="b")
    variables = {"FALENV_PROFILE": "b", "FALENV_KEY_ID": KEY_ID}
    for name in SHELLS:
        shell = start(name, FAL_KEY=KEYS["c"], **variables)
        assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:b!) ", KEYS["c"])
        shell = start(name, FAL_KEY=KEYS["b"], **variables)
        assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:b) ", KEYS["b"])
    assert runs(home) == 0


def test_hand_over_fetches_but_not_for_help_or_tab(home: Home) -> None:
    script(home, SCRIPT)
    script(home, '#!/bin/sh\nprintf "%s\\n" "${FAL_KEY-none}" "$FAL_PROFILE"\n', "fal")
    home.variables["PATH"] = f"{SCRIPTS}:{home.variables['PATH']}"
    with_command(home, "get-key", "x", default="b")
    fal = str(SCRIPTS / "fal")
    assert home.run(fal, "--version").stdout == "none\nb\n"
    assert home.run(fal, "app", _ARGCOMPLETE="1").stdout == "none\nb\n"
    assert runs(home) == 0
    assert home.run(fal, "app", "list").stdout == f"{KEYS['b']}\nb\n"
    assert home.run(fal, "app", "list", FAL_KEY=KEYS["a"]).stdout.startswith(KEYS["a"])
    assert runs(home) == 1


@pytest.mark.fire
@pytest.mark.parametrize("name", ["bash", "fish"] if LONG else ["fish"])
def test_ctrl_c_ends_the_command(home: Home, start: Callable[..., Shell], name: str) -> None:
    script(home, 'trap "" INT; echo $$ >"$HOME/pid"; while :; do sleep 0.1; done')
    with_command(home, "get-key")
    shell = start(name)
    pid = home.path / "pid"
    shell.interrupt("fal profile use b", lambda: pid.exists() and pid.read_text().strip() != "")
    assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:a) ", KEYS["a"])
    shell.wait(lambda: not is_running(int(pid.read_text())), "the end of the command")


@pytest.mark.parametrize(
    "words",
    [["env", "--shell", "bash"], ["refresh", "--shell", "fish", "--was", "b"], ["prompt"]],
    ids=" ".join,
)
def test_nothing_is_imported_for_a_source_that_nobody_uses(home: Home, words: list[str]) -> None:
    with_command(home, "get-key", default="b")
    found = imported(home, "profile", *words) - imported_by_python_alone()
    assert found & {"falenv.sources", "subprocess", "keyring", "click", "tomlkit"} == set()


# --- Moving a key --------------------------------------------------------------------------------


def test_a_key_moves_to_a_command_and_back(home: Home) -> None:
    script(home, SCRIPT)
    home.profiles("a", "b", default="a")
    text = home.store.read_text()
    # The dry run fails, so nothing changes.
    assert home.fal("key", "b", "--command", "false").returncode == 1
    assert home.store.read_text() == text
    done = home.fal("key", "b", "--command", "get-key", "-x", "--yes")
    assert (done.stdout, done.stderr) == ("The key of b now comes from 'get-key'.\n", "")
    moved = f'[b]\nkey_command = ["get-key", "-x", "--yes"]\nkey_id = "{KEY_ID}"\n'
    assert home.store.read_text().endswith(moved)
    assert KEYS["b"] not in home.store.read_text()
    assert home.fal("key", "b", "--inline").stdout == "The key of b is in the store now.\n"
    assert home.store.read_text() == text
    # Another key than the one in the store is a replacement.
    done = home.fal("key", "a", "--command", "get-key")
    assert done.returncode == 1
    assert done.stderr.endswith("; to replace it, add --yes\n")
    assert home.store.read_text() == text
    # A key that is set takes the place of a command.
    assert home.fal("key", "b", "--command", "get-key", "x").returncode == 0
    assert home.fal("key", "b", "--stdin", stdin=KEYS["b"]).returncode == 0
    assert home.store.read_text() == text


def test_a_key_that_is_set_meanwhile_is_not_lost(home: Home) -> None:
    home.profiles("a", "b", default="a")
    text = home.store.read_text().replace(KEYS["b"], KEYS["c"])
    script(home, f"printf '%s' '{text}' >\"$HOME/.fal/config.toml\"; echo '{KEYS['b']}'")
    done = home.fal("key", "b", "--command", "get-key")
    assert done.returncode == 1
    assert done.stderr == (
        "falenv: the key of profile 'b' has just changed in the store; "
        "nothing was changed; try again\n"
    )
    assert home.store.read_text() == text


def test_a_key_among_the_words_of_a_command_is_refused(home: Home) -> None:
    home.profiles("a")
    done = home.fal("key", "a", "--command", "echo", KEYS["b"])
    assert (done.returncode, KEYS["b"] in done.stderr) == (1, False)
    assert done.stderr.startswith("falenv: a key is never an argument")


def test_list_and_current_say_where_a_key_works(home: Home) -> None:
    with_command(home, "get-key", more=f'key_id = "{KEY_ID}"\n', default="b")
    profile = json.loads(home.fal("list", "--json").stdout)["profiles"][1]
    assert (profile["key_source"], profile["key_id"]) == ("command", KEY_ID)
    row = home.fal("list").stdout.splitlines()[4]
    assert row.rstrip("│ ").endswith(
        "│ (key from a command: in the official CLI only through falenv)"
    )
    line = home.fal("current").stdout.splitlines()[1]
    assert line == (
        f"key   {KEY_ID}:******** (from a command, so the official CLI has it only through falenv; "
        "not in this shell; to get it: fal profile use b)"
    )


def test_export_verify_and_python_fetch_and_explain_and_doctor_do_not(home: Home) -> None:
    script(home, SCRIPT)
    with_command(home, "get-key", "x", more=f'key_id = "{KEY_ID}"\n', default="b")
    official = next(
        one
        for one in json.loads(home.fal("current", "--explain", "--json").stdout)["clients"]
        if one["client"] == "official CLI"
    )
    if official["source"] != "refused":  # it is installed
        assert (official["source"], official["key_id"], official["profile"]) == (
            "command", KEY_ID, "b",
        )  # fmt: skip
        assert official["because"] == "falenv fetches it from a command"
    rows = json.loads(home.fal("doctor", "--json", "--network").stdout)["findings"]
    what = "the key of profile 'b' comes from a command, and this shell has not fetched it"
    (found,) = [row for row in rows if row["check"] == "key"]
    assert (found["level"], found["message"]) == ("note", what)
    assert "so fal was not asked" in rows[-1]["message"]
    done = home.fal("verify")
    assert done.stdout == (
        "b  not asked: its key comes from a command; to fetch it and ask: fal profile verify b\n"
    )
    assert runs(home) == 0
    assert home.fal("export", "b").stdout == f'[b]\nkey = "{KEYS["b"]}"\n'
    assert home.fal("env", "b", "--format", "json").stdout.count(KEYS["b"]) == 1
    code = "import falenv; print(falenv.key('b'), falenv.use('b'))"
    python = str(SCRIPTS / "python")
    assert home.run(python, "-c", code).stdout == f"{KEYS['b']} b\n"
    done = home.fal("exec", "[ab]", "--", "printenv", "FAL_KEY")
    assert done.stdout == f"{KEYS['a']}\n{KEYS['b']}\n"
    assert runs(home) == 5


def test_print_writes_to_no_terminal(home: Home, start: Callable[..., Shell]) -> None:
    home.profiles("a", default="a")
    assert home.fal("key", "a", "--print").stdout == KEYS["a"] + "\n"
    assert home.fal("key", "--print").stdout == KEYS["a"] + "\n"
    shell = start("bash")
    assert shell.talk("fal profile key a --print") == (
        "falenv: a key is not printed to a terminal; send it to a program or a file"
    )
    assert (
        shell.talk('k=$(fal profile key a --print); [ "$k" = "$FAL_KEY" ] && echo same') == "same"
    )


@pytest.mark.fire
def test_a_real_password_store(home: Home) -> None:
    if not LONG:
        pytest.skip("in the long form")
    gpg, store = needs("gpg"), needs("pass")
    home.variables["GNUPGHOME"] = str(home.path / "gnupg")
    (home.path / "gnupg").mkdir(mode=0o700)
    made = home.run(gpg, "--batch", "--passphrase", "", "--quick-gen-key", "me@example.org")
    assert made.returncode == 0, made.stderr
    assert home.run(store, "init", "me@example.org").returncode == 0
    assert home.run(store, "insert", "-e", "fal/b", stdin=KEYS["b"] + "\n").returncode == 0
    home.profiles("a", "b", default="a")
    done = home.fal("key", "b", "--command", "pass", "show", "fal/b")
    assert (done.stdout, done.stderr) == ("The key of b now comes from 'pass'.\n", "")
    assert home.fal("exec", "b", "--", "printenv", "FAL_KEY").stdout == KEYS["b"] + "\n"
    subprocess.run([needs("gpgconf"), "--kill", "all"], env=home.variables, check=False)


# --- The keyring ---------------------------------------------------------------------------------


def with_keyring(home: Home, backend: str = "keyrings.alt.file.PlaintextKeyring") -> Path:
    """Configure a keyring of files, as the user of the package keyring does; return its file."""
    folder = home.path / ".config" / "python_keyring"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring={backend}\n")
    return home.path / ".local" / "share" / "python_keyring" / "keyring_pass.cfg"


def test_a_key_moves_to_the_keyring_and_back(home: Home) -> None:
    home.profiles("a", "b", default="a")
    text, file = home.store.read_text(), with_keyring(home)
    # A variable chooses no keyring: neither one that keeps nothing nor one of someone's own.
    home.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
    home.variables["KEYRING_PROPERTY_FILE_PATH"] = str(home.path / "stolen")
    done = home.fal("key", "b", "--keyring")
    assert (done.stdout, done.stderr) == ("The key of b is in the keyring now.\n", "")
    assert home.store.read_text().endswith(f'[b]\nkeyring = true\nkey_id = "{KEY_ID}"\n')
    assert KEYS["b"] not in home.store.read_text()
    assert not (home.path / "stolen").exists()
    kept = file.read_text().split()
    # A process that the key is given to has the variables as they were.
    done = home.fal("exec", "b", "--", "printenv", "FAL_KEY", "PYTHON_KEYRING_BACKEND")
    assert done.stdout == f"{KEYS['b']}\nkeyring.backends.null.Keyring\n"
    done = home.fal("key", "b", "--inline")
    assert (done.stdout, home.store.read_text()) == ("The key of b is in the store now.\n", text)
    assert file.read_text().split() != kept
    # A key that is typed or piped goes to where the key is.
    assert home.fal("key", "b", "--keyring").returncode == 0
    assert home.fal("key", "b", "--stdin", stdin=KEYS["c"]).returncode == 0
    assert KEYS["c"] not in home.store.read_text()
    assert home.fal("key", "b", "--print").stdout == KEYS["c"] + "\n"
    assert home.fal("key", "b", "--stdin", stdin=KEYS["b"]).returncode == 0
    assert file.read_text().split() == kept
    # `delete` deletes the key too, if no other profile has it.
    home.write(home.store.read_text() + f'[b2]\nkeyring = true\nkey_id = "{KEY_ID}"\n')
    assert home.fal("delete", "b").returncode == 0
    assert home.fal("key", "b2", "--print").stdout == KEYS["b"] + "\n"
    assert home.fal("delete", "b2").returncode == 0
    assert file.read_text().split() != kept


def test_a_keyring_that_fails_loses_no_key(home: Home) -> None:
    home.profiles("a", "b", default="a")
    text = home.store.read_text()
    start = "falenv: could not get the key of profile 'b': "
    for backend, said in (
        ("keyring.backends.fail.Keyring", "the keyring refused (NoKeyringError); unlock"),
        ("keyring.backends.null.Keyring", "the keyring did not keep it; nothing was changed"),
        ("no_such.module.Keyring", "the package keyring is not installed; install it: pip"),
    ):
        with_keyring(home, backend)
        done = home.fal("key", "b", "--keyring")
        assert (done.returncode, done.stdout, home.store.read_text()) == (1, "", text)
        assert done.stderr.startswith(start + said), done.stderr
    # Without a configured one, keys go to no keyring that keeps them as they are.
    (home.path / ".config/python_keyring/keyringrc.cfg").unlink()
    done = home.fal("key", "b", "--keyring", DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere")
    assert (done.returncode, home.store.read_text()) == (1, text)
    assert done.stderr.startswith(f"{start}the system has no keyring, such as"), done.stderr
    # A store that cannot be written leaves nothing in the keyring.
    file = with_keyring(home)
    code = (
        "import sys\nfrom falenv import edits\nfrom falenv.__main__ import main\n"
        "def refuse(*_):\n    raise OSError(28, 'No space left on device')\n"
        "edits.put = refuse\nsys.exit(main())\n"
    )
    done = home.run(
        str(SCRIPTS / "python"), "-c", code, "profile", "key", "b", "--keyring"
    )  # fmt: skip
    assert done.returncode == 1
    assert KEY_ID.replace("-", "_2D") not in file.read_text()


def test_a_key_that_the_keyring_lacks_is_an_error(home: Home) -> None:
    with_keyring(home)
    home.write(f'[b]\nkeyring = true\nkey_id = "{KEY_ID}"\n[c]\nkeyring = true\n')
    assert refused(home) == (
        f"the keyring has no key with the id {KEY_ID}; "
        "to set the key again: fal profile key b --keyring"
    )
    assert home.fal("exec", "c", "--", "true").returncode == 1
    # A store that someone else has made takes no key out of the keyring, to whatever host.
    other = home.path / "other.toml"
    other.write_text(home.store.read_text())
    home.variables["FAL_CONFIG_PATH"] = str(other)
    assert refused(home).startswith(f"you have not allowed {other} to say where keys come from; ")


def test_a_shell_on_a_key_in_the_keyring(home: Home, start: Callable[..., Shell]) -> None:
    with_keyring(home)
    home.profiles("a", "b", default="b")
    assert home.fal("key", "b", "--keyring").returncode == 0
    for name in ("bash", "zsh"):  # for fish the test configures another folder
        shell = start(name)
        assert (shell.segment, shell.exported().get("FAL_KEY")) == ("(fal:b locked) ", None)
        assert shell.talk("fal profile use --default") == ""
        assert (shell.segment, shell.exported()["FAL_KEY"]) == ("(fal:b) ", KEYS["b"])


@pytest.mark.fire
def test_a_real_secret_service(home: Home) -> None:
    if not LONG:
        pytest.skip("in the long form")
    home.profiles("a", "b", default="a")
    fal = str(SCRIPTS / "fal")
    lines = (
        f"printf x | {needs('gnome-keyring-daemon')} --unlock --components=secrets >/dev/null\n"
        f"'{fal}' profile key b --keyring && '{fal}' profile key b --print\n"
    )
    done = home.run(needs("dbus-run-session"), "--", needs("sh"), "-c", lines)
    assert done.stdout == f"The key of b is in the keyring now.\n{KEYS['b']}\n", done.stderr
    assert KEYS["b"] not in home.store.read_text()
