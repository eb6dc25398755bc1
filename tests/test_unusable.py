"""A profile with an odd table or an unclean key affects only itself."""

from __future__ import annotations

import json
import re
import stat
from typing import TYPE_CHECKING

import pytest
import tomli
from conftest import KEYS, POSIX_SHELLS, SCRIPTS, SHELLS, Home
from driver import KINDS, UNSET, Kind, Trace, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Shell

    Start = Callable[..., Shell]

FAL = str(SCRIPTS / "fal")
HEAD, SECRET = KEYS["c"].split(":")

#: A store with two good profiles and an odd one, whose table is to follow.
GOOD = f"""\
check_updates = false
[__internal__]
profile = "a"

[a]
key = "{KEYS["a"]}"

[b]
key = "{KEYS["b"]}"

"""
#: The table of the odd profile; what the message says; the command that repairs it.
ODD = {
    "key is a number": ("[odd]\nkey = 123\n", "line 12: the key of profile 'odd' is not text; "),
    "key is a list": (
        f"[odd]\n  key = ['{KEYS['c']}']\n",
        "line 12: the key of profile 'odd' is not text; ",
    ),
    "key is inline": (
        f"odd = {{ key = ['{KEYS['c']}'] }}\n",
        "line 1: the key of profile 'odd' is not text; ",
    ),
    "dotted key": ("odd.key = 1\n", "line 1: the key of profile 'odd' is not text; "),
    "key is a table": (
        "[odd]\nkey.x = 1\n",
        "line 12: the key of profile 'odd' is not text; ",
    ),
    "host is a list": (
        f'[odd]\nkey = "{KEYS["c"]}"\nhost = []\n',
        "line 13: the host of profile 'odd' is not text; ",
    ),
    "host crashes the official CLI": (
        f'[odd]\nkey = "{KEYS["c"]}"\nhost = "rest.fal.ai"\n',
        "line 13: the host of profile 'odd' cannot be used: ",
    ),
    "a zero-width space": (
        f'[odd]\nkey = "{HEAD}:\u200b{SECRET}"\n',
        "line 12: the key of profile 'odd' has U+200B (ZERO WIDTH SPACE) in it, as character 38; ",
    ),
}


def put(home: Home, odd: str, default: str = "a") -> str:
    """Write the store with an odd profile; return what falenv says about the profile."""
    table, said = ODD[odd]
    text = GOOD.replace('profile = "a"', f'profile = "{default}"')
    home.write(text + table if table.startswith("[") else table + text)
    return f"falenv: {home.store}, {said}"


def refused(home: Home, *arguments: str, **variables: str) -> str:
    """Run a command that must fail in one line, with no key on stdout; return the line."""
    ended = home.run(FAL, *arguments, stdin=KEYS["c"], **variables)
    assert ended.returncode == 1, arguments
    assert not re.search(r'^export "?FAL_KEY', ended.stdout, re.MULTILINE), arguments
    assert ended.stderr.count("\n") == 1, (arguments, ended.stderr)
    assert not any(key in ended.stdout + ended.stderr for key in KEYS.values())
    assert SECRET not in ended.stdout + ended.stderr
    assert "; " in ended.stderr, "the cure is missing"
    return ended.stderr


def settings(home: Home) -> dict[str, str]:
    """Return the column Settings of `list`, by profile."""
    rows = home.fal("list").stdout.replace("┃", "│").splitlines()
    cells = [[cell.strip() for cell in row.split("│")[1:-1]] for row in rows if "│" in row]
    return {row[1]: row[4] for row in cells[1:]}


# --- Case 59: an odd table -----------------------------------------------------------------------


@pytest.mark.parametrize("odd", ODD)
def test_case_59_commands_on_all_other_profiles_work(home: Home, odd: str) -> None:
    put(home, odd)
    table = tomli.loads(home.store.read_text())["odd"]
    for arguments in (
        ("list",), ("list", "--json"), ("current",), ("current", "--name"), ("prompt",),
        ("env", "--shell", "zsh"), ("env", "b", "--shell", "fish"), ("set", "b"), ("set", "new"),
        ("key", "new", "--stdin"), ("key", "--stdin"), ("host", "api.fal.ai", "--profile", "b"),
        ("unset",), ("create", "more"), ("delete", "new"), ("link", "b"), ("unlink",),
    ):  # fmt: skip
        ended = home.fal(*arguments, stdin=KEYS["example"])
        assert ended.returncode == 0, (arguments, ended.stderr)
        assert "odd" not in ended.stderr, (arguments, ended.stderr)
    data = tomli.loads(home.store.read_text())
    assert data["odd"] == table
    assert data["check_updates"] is False
    assert data["__internal__"] == {"profile": "more"}
    assert data["b"] == {"key": KEYS["b"], "host": "api.fal.ai"}
    ran = home.fal("exec", "b", "--", "printenv", "FAL_KEY")
    assert (ran.stdout, ran.stderr) == (f"{KEYS['b']}\n", "")
    assert stat.S_IMODE(home.store.stat().st_mode) == 0o600


@pytest.mark.parametrize("odd", ODD)
def test_case_59_using_the_odd_one_fails_closed(home: Home, odd: str) -> None:
    said = put(home, odd)
    before = home.store.read_bytes()
    for arguments in (
        ("env", "odd", "--shell", "bash"),
        ("env", "odd", "--shell", "fish", "--exports-only"),
        ("exec", "odd", "--", "echo", "ran"),
        ("use", "odd"),
        ("set", "odd"),
        ("link", "odd"),
    ):
        assert refused(home, "profile", *arguments).startswith(said), arguments
    for words in (
        "profile env --shell zsh --exports-only",
        "profile current",
        "profile current --json",
        "profile current --name",
        "profile prompt",
        "app list",
    ):
        assert refused(home, *words.split(), FAL_PROFILE="odd").startswith(said), words
    assert "already exists" in refused(home, "profile", "create", "odd")
    assert home.store.read_bytes() == before
    put(home, odd, default="odd")
    for words in ("profile env --shell bash --exports-only", "profile current", "app list"):
        assert refused(home, *words.split()).startswith(said), words


@pytest.mark.parametrize("odd", ODD)
def test_case_59_the_odd_setting_can_be_repaired_or_deleted(home: Home, odd: str) -> None:
    put(home, odd)
    if "host" in odd:
        repaired = home.fal("host", "api.fal.ai", "--profile", "odd")
        assert repaired.stdout == "Fal host set to api.fal.ai.\n"
        wanted = {"key": KEYS["c"], "host": "api.fal.ai"}
    else:
        repaired = home.fal("key", "odd", "--stdin", stdin=KEYS["c"])
        assert repaired.stdout == "Key set for profile odd.\n"
        wanted = {"key": KEYS["c"]}
    assert (repaired.returncode, repaired.stderr) == (0, "")
    assert tomli.loads(home.store.read_text())["odd"] == wanted
    ran = home.fal("exec", "odd", "--", "printenv", "FAL_KEY")
    assert (ran.stdout, ran.stderr) == (f"{KEYS['c']}\n", "")
    put(home, odd)
    gone = home.fal("delete", "odd")
    assert (gone.returncode, gone.stdout, gone.stderr) == (0, "Profile odd deleted.\n", "")
    assert "odd" not in tomli.loads(home.store.read_text())
    assert tomli.loads(home.store.read_text())["a"] == {"key": KEYS["a"]}


def test_case_59_a_repair_of_one_setting_says_what_is_left(home: Home) -> None:
    home.write(f"{GOOD}[odd]\nkey = 1\nhost = []\n")
    ended = home.fal("key", "odd", "--stdin", stdin=KEYS["c"])
    assert (ended.returncode, ended.stdout) == (0, "Key set for profile odd.\n")
    assert ended.stderr == (
        f"falenv: {home.store}, line 13: the host of profile 'odd' is not text; "
        'write it as host = "api.alpha.fal.ai", or run: '
        "fal profile host HOST --profile odd\n"
    )
    assert home.fal("host", "--unset", "--profile", "odd").stderr == ""
    assert tomli.loads(home.store.read_text())["odd"] == {"key": KEYS["c"]}


def test_case_59_without_a_name_the_active_odd_profile_is_repaired(home: Home) -> None:
    put(home, "key is a number", default="odd")
    # The prompt of a shell that shows another profile is what the user saw.
    refused(home, "profile", "key", "--stdin", FALENV_PROFILE="a")
    assert home.fal("key", "--stdin", stdin=KEYS["c"]).stdout == "Key set for profile odd.\n"
    assert tomli.loads(home.store.read_text())["odd"] == {"key": KEYS["c"]}


def test_case_59_list_shows_the_odd_ones(home: Home) -> None:
    home.write(f"{GOOD}[odd]\ncolor = 1\nkey = 123\n[far]\nhost = 1\n")
    assert settings(home) == {
        "a": "key",
        "b": "key",
        "odd": "unusable: the key is not text, line 13",
        "far": "unusable: the host is not text, line 15",
    }
    listed = json.loads(home.fal("list", "--json").stdout)["profiles"]
    assert [profile["problem"] for profile in listed[:2]] == [None, None]
    assert listed[2] == {
        "profile": "odd",
        "is_set": False,
        "settings": ["color", "key"],
        "is_default": False,
        "is_protected": False,
        "env": None,
        "key_source": None,
        "key_id": None,
        "host": None,
        "account": None,
        "problem": f"{home.store}, line 13: the key of profile 'odd' is not text; "
        'write it as key = "ID:SECRET", or run: fal profile key odd',
        "note": None,
    }
    assert home.fal("list", "--names").stdout == "a\nb\nodd\nfar\n"
    missing = refused(home, "profile", "env", "nope", "--shell", "sh")
    assert "(profiles: a, b, odd, far); " in missing


def test_list_json_has_the_official_shape_for_odd_profiles_too(home: Home, official: Path) -> None:
    home.write(f'{GOOD}[odd]\nkey = 123\n[blank]\nkey = " {KEYS["c"]}"\n')
    theirs = json.loads(home.run(str(official / "fal"), "profile", "list", "--json").stdout)
    ours = json.loads(home.fal("list", "--json").stdout)
    for our, their in zip(ours["profiles"], theirs["profiles"], strict=True):
        assert {field: our[field] for field in their} == their


def test_case_59_ten_thousand_odd_profiles_take_one_look(home: Home) -> None:
    tables = "".join(f"[p{number}]\nkey = {number}\n" for number in range(10_000))
    home.write(GOOD + tables)
    assert settings(home)["p9999"] == "unusable: the key is not text, line 20010"


@pytest.mark.parametrize("name", [*SHELLS, *POSIX_SHELLS])
def test_case_59_an_open_shell_and_an_odd_profile(home: Home, start: Start, name: str) -> None:
    needs(name)
    kind = KINDS[name]
    said = put(home, "key is a number")
    shell = start(kind)
    assert shell.greeting == ""
    for words, key in (("use b", "b"), ("use -", "a"), ("use b", "b"), ("use --default", "a")):
        assert shell.talk(f"fal profile {words}") == ""
        assert shell.get("FAL_KEY") == KEYS[key]
    # A switch that fails leaves the shell as it was.
    assert shell.talk("fal profile use b") == ""
    notice(shell.talk("fal profile use odd"), said)
    assert shell.status() == 1
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["b"], "b")
    assert shell.talk("fal profile use --default") == ""
    notice(shell.talk("fal profile set odd"), said)
    assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS["a"], "a")
    assert shell.talk("fal profile set b") == "Default profile set to b."
    assert shell.get("FAL_KEY") == KEYS["b"]
    if not kind.has_hook:
        return
    # Elsewhere the odd one becomes the default, and then it is repaired.
    put(home, "key is a number", default="odd")
    notice(shell.prompts(), said)
    assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (UNSET, UNSET)
    assert shell.prompts(2) == ""
    assert home.fal("key", "odd", "--stdin", stdin=KEYS["c"]).returncode == 0
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["c"]


def test_case_59_the_profile_of_an_open_shell_becomes_odd(
    home: Home, start: Start, kind: Kind
) -> None:
    home.write(f'{GOOD}[odd]\nkey = "{KEYS["c"]}"\n')
    follower, pinned, linked = start(kind), start(kind), start(kind)
    assert follower.talk("fal profile set odd") == "Default profile set to odd."
    assert pinned.talk("fal profile use odd") == ""
    folder = home.path / "project"
    folder.mkdir()
    linked.talk("cd project")
    linked.talk("fal profile link odd")
    said = put(home, "key is a number", default="odd")
    for shell in (follower, pinned, linked):
        notice(shell.prompts(3), said)
        assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (UNSET, UNSET)
        assert shell.prompts(2) == ""
    # It still exists, so a shell that leaves it says nothing of a loss.
    put(home, "key is a number", default="b")
    assert follower.prompts(3) == ""
    assert follower.get("FAL_KEY") == KEYS["b"]


def test_case_59_switches_beside_an_odd_profile_start_no_process(
    home: Home, start: Start, kind: Kind, trace: Trace
) -> None:
    put(home, "host is a list")
    shell = start(kind, prefix=trace.prefix)
    trace.begin()
    for words, key in (("use b", "b"), ("use a", "a"), ("use --default", "a")):
        assert shell.talk(f"fal profile {words}") == ""
        assert shell.get("FAL_KEY") == KEYS[key]
    assert trace.processes() == []


# --- An odd default ------------------------------------------------------------------------------

DEFAULTS = {
    "a number": ("[__internal__]\nprofile = 1\n", "line 2: the default profile is not text; "),
    "a list": ('[__internal__]\nprofile = ["a"]\n', "line 2: the default profile is not text; "),
    "no table": ("__internal__ = 1\n", "line 1: __internal__ is not a table; "),
    "an array": ("[[__internal__]]\n", "line 1: __internal__ is not a table; "),
}
REST = f'[a]\nkey = "{KEYS["a"]}"\n[b]\nkey = "{KEYS["b"]}"\n'


@pytest.mark.parametrize("odd", DEFAULTS)
def test_case_42_an_odd_default_leaves_names_and_pins(home: Home, odd: str) -> None:
    before, what = DEFAULTS[odd]
    home.write(before + REST)
    said = f"falenv: {home.store}, {what}"
    for arguments in (("env", "--shell", "bash"), ("current",), ("key", "--stdin")):
        assert refused(home, "profile", *arguments).startswith(said)
    assert refused(home, "app", "list").startswith(said)
    listed = home.fal("list", "--json")
    assert listed.stderr.startswith(said)
    assert [one["is_default"] for one in json.loads(listed.stdout)["profiles"]] == [False, False]
    assert list(settings(home)) == ["a", "b"]
    ran = home.fal("exec", "b", "--", "printenv", "FAL_KEY")
    assert (ran.stdout, ran.stderr) == (f"{KEYS['b']}\n", "")
    pinned = home.fal("env", "--exports-only", "--shell", "sh", FAL_PROFILE="b")
    assert (f"export \"FAL_KEY\"='{KEYS['b']}'\n" in pinned.stdout, pinned.stderr) == (True, "")
    assert home.fal("key", "a", "--stdin", stdin=KEYS["c"]).returncode == 0
    assert home.fal("delete", "b").returncode == 0
    assert tomli.loads(home.store.read_text()) == {
        **tomli.loads(before),
        "a": {"key": KEYS["c"]},
    }
    # What can be repaired by a choice, is. Anything else is left to the user.
    for arguments in (("unset",), ("set", "a")):
        home.write(before + REST)
        if before.startswith("[__internal__]"):
            assert home.fal(*arguments).returncode == 0
            kept = {"profile": "a"} if "set" in arguments else {}
            assert tomli.loads(home.store.read_text())["__internal__"] == kept
        else:
            assert refused(home, "profile", *arguments).startswith(said)
            assert home.store.read_text() == before + REST


def test_case_42_a_shell_under_an_odd_default(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    follower, pinned = start(kind), start(kind)
    assert pinned.talk("fal profile use b") == ""
    home.write(DEFAULTS["a number"][0] + REST)
    notice(follower.prompts(3), "line 2: the default profile is not text")
    assert follower.get("FAL_KEY") == UNSET
    assert pinned.prompts(3) == ""
    assert pinned.get("FAL_KEY") == KEYS["b"]
    assert follower.talk("fal profile use a") == ""
    assert follower.get("FAL_KEY") == KEYS["a"]
    notice(pinned.talk("fal profile use --default"), "the default profile is not text")
    assert pinned.get("FAL_KEY") == KEYS["b"]
    assert follower.talk("fal profile use -").startswith("falenv: ")
    assert home.fal("set", "b").returncode == 0
    assert pinned.talk("fal profile use --default") == ""
    assert pinned.get("FAL_KEY") == KEYS["b"]


# --- Case 79: a key that is not clean ------------------------------------------------------------

KEY = KEYS["c"]
#: A key as the store has it, as TOML; what `list` says about it.
CLEANED = {
    "blanks": (f'"  {KEY} "', "white space"),
    "a tab": (f'"\\t{KEY}"', "white space"),
    "a carriage return": (f'"{KEY}\\r"', "white space"),
    "a line end": (f'"{KEY}\\r\\n"', "white space"),
    "a no-break space": (f'"{KEY}\u00a0"', "white space"),
    "a byte order mark": (f'"\ufeff{KEY}"', "white space"),
    "quotes": (f"'\"{KEY}\"'", "quotes"),
    "escaped quotes": (f'"\\"{KEY}\\""', "quotes"),
    "single quotes": (f"\"'{KEY}'\"", "quotes"),
    "curly quotes": (f'"\u201c{KEY}\u201d"', "quotes"),
    "blanks and quotes": (f"\" '{KEY}' \"", "white space and quotes"),
    "blanks in quotes": (f"\"' {KEY} '\"", "white space and quotes"),
    "a multi-line string": (f'"""\n{KEY}\n"""', "white space"),
}
#: A key as the store has it, as TOML; what is wrong with it.
UNUSABLE = {
    "a blank": (f'"{HEAD}: {SECRET}"', "has a blank in it, as character 38"),
    "a tab": (f'"{HEAD}\\t:{SECRET}"', "has a tab in it, as character 37"),
    "a line break": (f'"{HEAD}:\\n{SECRET}"', "has a line break in it, as character 38"),
    "a carriage return": (
        f'"{HEAD}:\\r{SECRET}"',
        "has a carriage return in it, as character 38",
    ),
    "behind blanks": (f'" {HEAD}: {SECRET}"', "has a blank in it, as character 39"),
    "zero width": (
        f'"{KEY}\u200b"',
        f"has U+200B (ZERO WIDTH SPACE) in it, as character {len(KEY) + 1}",
    ),
    "a joiner": (f'"\u2060{KEY}"', "has U+2060 (WORD JOINER) in it, as character 1"),
    "a variation selector": (
        f'"{HEAD}:\ufe0f{SECRET}"',
        "has U+FE0F (VARIATION SELECTOR-16) in it, as character 38",
    ),
    "a filler": (
        f'"{HEAD}:\u3164{SECRET}"',
        "has U+3164 (HANGUL FILLER) in it, as character 38",
    ),
    "an escape": (
        f'"{HEAD}:\\u001b{SECRET}"',
        "has U+001B (a control character) in it, as character 38",
    ),
    "half a pair of quotes": (f'"\'{KEY}"', "has ' (APOSTROPHE) in it, as character 1"),
    "two pairs of quotes": (f"\"''{KEY}''\"", "has ' (APOSTROPHE) in it, as character 2"),
    "nothing else": ("\" '' \"", "has nothing but white space and quotes in it"),
}


def unclean(home: Home, key: str) -> int:
    """Write a store whose default has this key; return its line."""
    home.write(f'[__internal__]\nprofile = "z"\n[a]\nkey = "{KEYS["a"]}"\n[z]\nkey = {key}\n')
    return 6


@pytest.mark.parametrize("stored", CLEANED)
def test_case_79_what_surrounds_a_key_is_left_out_and_said(home: Home, stored: str) -> None:
    key, what = CLEANED[stored]
    line = unclean(home, key)
    exports = home.fal("env", "--exports-only", "--shell", "bash")
    assert (f"export \"FAL_KEY\"='{KEY}'\n" in exports.stdout, exports.stderr) == (True, "")
    ran = home.fal("exec", "z", "--", "printenv", "FAL_KEY")
    assert (ran.stdout, ran.stderr) == (f"{KEY}\n", "")
    current = home.fal("current", FAL_KEY=KEY)
    where = "" if stored == "a multi-line string" else f", line {line}"
    assert current.stdout == f"z (the default in {home.store})\nkey   {HEAD}:********\n"
    assert current.stderr == (
        f"falenv: {home.store}{where}: the key of profile 'z' has {what} around it; falenv leaves "
        "that out, but the official CLI does not, so remove it\n"
    )
    assert settings(home)["z"] == f"key (the key has {what} around it{where})"
    listed = json.loads(home.fal("list", "--json").stdout)["profiles"]
    assert [one["problem"] for one in listed] == [None, None]
    assert [one["note"] for one in listed] == [None, f"the key has {what} around it{where}"]
    assert listed[1]["key_id"] == HEAD
    assert SECRET not in home.fal("list", "--json").stdout + current.stdout + current.stderr


@pytest.mark.parametrize("stored", UNUSABLE)
def test_case_79_a_key_with_something_hidden_in_it_is_not_exported(home: Home, stored: str) -> None:
    key, what = UNUSABLE[stored]
    line = unclean(home, key)
    cure = "" if stored == "nothing else" else "remove it, or "
    said = (
        f"falenv: {home.store}, line {line}: the key of profile 'z' {what}; "
        f"{cure}set the key again: fal profile key z\n"
    )
    for arguments in (("env", "--shell", "bash"), ("current",), ("exec", "z", "--", "env")):
        assert refused(home, "profile", *arguments) == said
    assert settings(home)["z"] == f"unusable: the key {what}, line {line}"
    assert settings(home)["a"] == "key"


@pytest.mark.parametrize("name", [*SHELLS, *POSIX_SHELLS])
def test_case_79_a_live_shell_gets_the_clean_key_or_none(
    home: Home, start: Start, name: str
) -> None:
    needs(name)
    kind = KINDS[name]
    clean = {f"c{at}": key for at, (key, _) in enumerate(CLEANED.values())}
    hidden = {f"u{at}": key for at, (key, _) in enumerate(UNUSABLE.values())}
    tables = "".join(f"[{name}]\nkey = {key}\n" for name, key in (clean | hidden).items())
    home.write(GOOD + tables)
    shell = start(kind)
    for profile in clean:
        assert shell.talk(f"fal profile use {profile}") == ""
        assert shell.get("FAL_KEY") == KEY, CLEANED
        assert shell.get("FALENV_PROFILE") == profile
    for profile in hidden:
        notice(shell.talk(f"fal profile use {profile}"), f"the key of profile '{profile}' has ")
    assert shell.get("FAL_KEY") == KEY
    # A new shell, which reads the index that the first one has written.
    for profile, expected in (("c0", KEY), ("c6", KEY), ("u0", UNSET)):
        other = start(kind, f"{kind.export('FAL_PROFILE', profile)}\n{kind.eval_line()}")
        assert other.get("FAL_KEY") == expected
        assert bool(other.greeting) == (expected == UNSET)


def test_case_79_the_official_cli_stores_such_keys(home: Home, official: Path) -> None:
    home.profiles("a", default="a")
    fal = str(official / "fal")
    assert home.run(fal, "profile", "create", "z").returncode == 0
    ended = home.run(fal, "profile", "key", stdin=f"'{KEY} '\n")
    assert ended.returncode == 0, ended.stderr
    stored = tomli.loads(home.store.read_text())["z"]["key"]
    assert stored != KEY, "the official CLI cleans keys now"
    ran = home.fal("exec", "z", "--", "printenv", "FAL_KEY")
    assert (ran.stdout, ran.stderr) == (f"{KEY}\n", "")


# --- list ----------------------------------------------------------------------------------------


def test_list_says_what_is_active_here_and_why(home: Home) -> None:
    home.profiles("a", "b", "c", default="a")
    (home.path / "project").mkdir()
    home.run("sh", "-c", "cd project && exec fal profile link c")

    def active(where: str = ".", **variables: str) -> dict[str, str]:
        ended = home.run("sh", "-c", f"cd {where} && exec fal profile list", **variables)
        rows = ended.stdout.replace("┃", "│").splitlines()
        cells = [[cell.strip() for cell in row.split("│")[1:-1]] for row in rows if "│" in row]
        assert cells[0] == ["Default", "Profile", "Key ID", "Active here", "Settings"]
        assert [row[0] for row in cells[1:]] == ["*", "", ""]
        assert [row[2] for row in cells[1:]] == [KEYS[row[1]].split(":")[0] for row in cells[1:]]
        return {row[1]: row[3] for row in cells[1:] if row[3]}

    assert active() == {"a": "default"}
    assert active("project") == {"c": "folder"}
    assert active("project", FAL_PROFILE="b") == {"b": "pin"}
    assert active(FAL_PROFILE="nope") == {}


@pytest.mark.parametrize("name", SHELLS)
def test_list_fits_a_terminal_of_80_columns(home: Home, start: Start, name: str) -> None:
    needs(name)
    home.write(
        f'{GOOD}[odd]\nkey = 123\n[blank]\nkey = "{KEYS["c"]} "\nhost = "api.alpha.fal.ai"\n'
    )
    shell = start(KINDS[name], columns=80)
    lines = shell.talk("fal profile list").split("\n")
    assert {len(line) for line in lines} == {80}
    assert (
        "│ *       │ a       │ 00000000… │ default     │ key                            │" in lines
    )
    assert (
        "│         │ odd     │           │             │ unusable: the key is not text, │" in lines
    )
