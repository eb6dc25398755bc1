"""The profile commands: what they say, where, with which exit code, and what they never say."""

from __future__ import annotations

import json
import os
import re
import subprocess
from importlib import import_module
from typing import TYPE_CHECKING

import pexpect
import pytest
import tomli
from conftest import KEYS, POSIX_SHELLS, SCRIPTS, SEED_KEY, SHELLS
from driver import KINDS, Kind, needs, notice

from falenv.commands import FILES, profile
from falenv.masking import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from conftest import Home
    from driver import Shell

FAL = str(SCRIPTS / "fal")
EVAL = 'eval "$(fal profile env)"'
NO_KEY = "No key set for profile. Use fal profile key to set a key.\n"


@pytest.fixture
def terminal(home: Home) -> Callable[..., Any]:
    """Run `fal profile …` on a terminal of its own."""

    def spawn(*arguments: str, **variables: str | None) -> Any:
        return pexpect.spawn(
            FAL,
            ["profile", *arguments],
            env=home.with_variables(variables),
            cwd=str(home.path),
            encoding="utf-8",
            timeout=20,
            dimensions=(40, 200),
        )

    return spawn


def rest(child: Any) -> str:
    """Return what is shown until the program ends, and wait for its exit code."""
    child.expect(pexpect.EOF)
    child.close()
    return str(child.before).replace("\r\n", "\n")


def internal(home: Home) -> str:
    return home.store.read_text().partition("[__internal__]\n")[2].partition("\n")[0]


# --- The official seven --------------------------------------------------------------------------


def test_set_creates_then_sets_and_says_so(home: Home) -> None:
    first = home.fal("set", "a")
    assert (first.returncode, first.stdout, first.stderr) == (
        0,
        f"Default profile set to a.\n{NO_KEY}",
        "",
    )
    key = home.fal("key", "--stdin", stdin=KEYS["a"])
    assert (key.returncode, key.stdout, key.stderr) == (0, "Key set for profile a.\n", "")
    again = home.fal("set", "a")
    assert (again.returncode, again.stdout, again.stderr) == (0, "Default profile set to a.\n", "")
    assert internal(home) == 'profile = "a"'


def test_create(home: Home) -> None:
    made = home.fal("create", "a")
    assert (made.returncode, made.stdout) == (
        0,
        f"Profile a created. Setting it as default profile...\nDefault profile set to a.\n{NO_KEY}",
    )
    before = home.store.read_bytes()
    again = home.fal("create", "a")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "falenv: profile 'a' already exists; to make it the default: fal profile set a\n"
    )
    assert home.store.read_bytes() == before


def test_unset_and_delete(home: Home) -> None:
    home.profiles("a", "b", default="a")
    assert home.fal("unset").stdout == "Default profile unset.\n"
    assert home.fal("current").stdout.startswith("No profile is active")
    assert home.fal("unset").returncode == 0
    home.fal("set", "a")
    gone = home.fal("delete", "a")
    assert (gone.returncode, gone.stdout) == (0, "Profile a deleted.\n")
    assert gone.stderr == "falenv: 'a' was the default; choose another: fal profile set NAME\n"
    assert KEYS["a"] not in home.store.read_text()
    assert "profile =" not in home.store.read_text()
    again = home.fal("delete", "a")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == (
        "falenv: profile 'a' does not exist (profiles: b); to see all profiles: fal profile list\n"
    )


def test_profiles_is_the_same_as_profile(home: Home) -> None:
    home.profiles("a", default="a")
    for arguments in (["list"], ["current", "--name"], ["env", "--shell", "bash"], ["oops"]):
        one = home.run(FAL, "profile", *arguments)
        other = home.run(FAL, "profiles", *arguments)
        assert (one.returncode, one.stdout, one.stderr) == (
            other.returncode,
            other.stdout,
            other.stderr,
        )


def test_list_json_has_the_official_shape(home: Home, official: Path) -> None:
    home.write(
        f"""check_updates = false
        [__internal__]
        profile = "b"
        [a]
        key = "{KEYS["a"]}"
        host = "api.alpha.fal.ai"
        region = "eu"
        [b]
        key = "{KEYS["b"]}"
        ["c d"]
        """
    )
    for pin in (None, "a", "none such"):
        variables: dict[str, Any] = {"FAL_PROFILE": pin}
        ended = home.run(str(official / "fal"), "profile", "list", "--json", **variables)
        theirs = json.loads(ended.stdout)
        for arguments in (["--json"], ["--output", "json"]):
            ours_ended = home.run(FAL, "profile", "list", *arguments, **variables)
            assert ours_ended.stderr == ""
            ours = json.loads(ours_ended.stdout)
            assert ours.keys() == theirs.keys()
            assert len(ours["profiles"]) == len(theirs["profiles"]) == 3
            for our, their in zip(ours["profiles"], theirs["profiles"], strict=True):
                assert {field: our[field] for field in their} == their
        assert [profile["is_default"] for profile in ours["profiles"]] == [False, True, False]
        assert all(key not in ours_ended.stdout for key in KEYS.values())
        assert ours["profiles"][0]["key_id"] == KEYS["a"].partition(":")[0]


def test_list_says_that_the_shell_is_pinned(home: Home) -> None:
    home.profiles("a", "b", default="a")
    ended = home.fal("list", FAL_PROFILE="b")
    assert ended.stderr == "falenv: FAL_PROFILE pins this shell to 'b'\n"


@pytest.mark.parametrize("text", [None, "", "# nothing here\n", "check_updates = false\n"])
def test_no_store_and_an_empty_one(home: Home, text: str | None) -> None:
    if text is not None:
        home.write(text)
    listed = home.fal("list")
    assert (listed.returncode, listed.stdout) == (0, "")
    assert (
        listed.stderr == "falenv: there are no profiles yet; to create one: fal profile set NAME\n"
    )
    assert home.fal("list", "--json").stdout == '{"profiles": []}\n'
    assert home.fal("current").stdout == f"No profile is active: {home.store} sets no default.\n"
    assert home.fal("current", "--name").stdout == ""
    assert json.loads(home.fal("current", "--json").stdout)["profile"] is None
    for arguments in (["key", "--stdin"], ["host", "api.fal.ai"]):
        ended = home.fal(*arguments, stdin=KEYS["a"])
        assert (ended.returncode, ended.stdout, ended.stderr) == (
            1,
            "",
            "falenv: no profile is active; choose one: fal profile set NAME\n",
        )
    env = home.fal("env", "--shell", "bash", "--exports-only")
    assert (env.returncode, env.stderr) == (0, "")
    assert env.stdout == ""  # the shell belongs to the user
    assert home.store.exists() == (text is not None)
    made = home.fal("set", "a")
    assert (made.returncode, made.stderr) == (0, "")
    assert home.store.read_text().startswith(text or "")


def test_a_default_that_names_no_profile_fails_closed(home: Home) -> None:
    home.profiles("a", default="gone")
    message = (
        "falenv: the default is 'gone', but no such profile exists (profiles: a); "
        "choose another: fal profile set NAME\n"
    )
    for arguments in (
        ["current"],
        ["current", "--name"],
        ["key", "--stdin"],
        ["host", "api.fal.ai"],
    ):
        ended = home.fal(*arguments, stdin=KEYS["b"])
        assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", message)
    env = home.fal("env", "--shell", "bash", "--exports-only")
    assert (env.returncode, env.stdout, env.stderr) == (1, "", message)
    assert home.fal("list").returncode == 0
    assert home.fal("set", "a").returncode == 0


def test_a_pin_that_names_no_profile_fails_closed(home: Home, kind: Kind) -> None:
    home.profiles("a", default="a")
    pinned = {"FAL_PROFILE": "typo", "FAL_KEY": KEYS["b"]}
    code = home.run(FAL, "profile", "env", "--shell", kind.name, **pinned)
    assert code.returncode == 1
    assert code.stderr == (
        "falenv: FAL_PROFILE names 'typo', but no such profile exists (profiles: a); "
        "unset FAL_PROFILE, or set it to another profile\n"
    )
    ran = home.script(kind, f"{kind.block(kind.eval_line())} 2>/dev/null; env", **pinned)
    assert "FAL_KEY=" not in ran.stdout
    assert "FAL_PROFILE=typo" in ran.stdout
    passed_on = home.run(FAL, "app", "list", FAL_PROFILE="typo")
    assert (passed_on.returncode, passed_on.stderr) == (1, code.stderr)


@pytest.mark.parametrize("name", [*SHELLS, *POSIX_SHELLS])
def test_case_61_an_unknown_name_for_use_is_not_blamed_on_the_pin(home: Home, name: str) -> None:
    needs(name)
    kind = KINDS[name]
    home.profiles("a", default="a")
    for pin in (None, "a", "gone"):
        ended = home.script(
            kind,
            f"{kind.block(kind.eval_line())} 2>/dev/null; fal profile use typo",
            FAL_PROFILE=pin,
        )
        assert (ended.returncode, ended.stdout) == (1, "")
        assert ended.stderr == (
            "falenv: profile 'typo' does not exist (profiles: a); "
            "to create it as the default: fal profile create typo\n"
        )


def test_an_unknown_name_for_env_fails_closed(home: Home) -> None:
    home.profiles("a", default="a")
    ended = home.fal("env", "typo", "--shell", "bash", "--exports-only")
    assert ended.returncode == 1
    assert "unset FAL_KEY\n" in ended.stdout
    assert "profile 'typo' does not exist (profiles: a)" in ended.stderr


def test_set_asks_before_it_creates_a_likely_slip(home: Home, terminal: Callable[..., Any]) -> None:
    home.profiles("comfy", default="comfy")
    before = home.store.read_bytes()
    question = "Profile comfi does not exist, but comfy does. Create comfi? [y/N]: "
    for answer in ("n", "", pexpect.spawn.__name__):
        child = terminal("set", "comfi")
        child.expect_exact(question)
        child.sendline(answer) if answer in {"n", ""} else child.sendeof()
        assert "cancelled; nothing was changed" in rest(child)
        assert child.exitstatus == 1
        assert home.store.read_bytes() == before
    child = terminal("set", "comfi")
    child.expect_exact(question)
    child.sendline("y")
    assert "Default profile set to comfi." in rest(child)
    assert child.exitstatus == 0
    child = terminal("set", "other")  # close to nothing: the seed's way
    assert rest(child) == f"Default profile set to other.\n{NO_KEY}"
    # Not on a terminal nothing is asked.
    assert home.fal("set", "comfj").returncode == 0


# --- What a change means for the shell -----------------------------------------------------------


def test_case_16_a_stale_key_in_the_shell_is_told_of_with_the_cure(home: Home) -> None:
    home.profiles("a", "b", default="a")
    ended = home.fal("set", "b", FAL_KEY=KEYS["a"])
    assert ended.stdout == "Default profile set to b.\n"
    assert ended.stderr == (
        f"falenv: this shell still has another FAL_KEY (id {KEYS['a'].partition(':')[0]}), which "
        f"overrides the profile; to switch this shell: {EVAL}\n"
    )
    assert home.fal("set", "b", FAL_KEY=KEYS["b"]).stderr == ""
    assert home.fal("set", "b", FAL_KEY="").stderr == ""
    secret = home.fal("set", "b", FAL_KEY="nocolonallsecret")
    assert "nocolonallsecret" not in secret.stderr
    assert "(id -)" in secret.stderr


def test_set_in_a_pinned_shell_says_that_it_stays(home: Home) -> None:
    home.profiles("a", "b", default="a")
    ended = home.fal("set", "b", FAL_PROFILE="a")
    assert ended.stderr == (
        "falenv: this shell stays on 'a', because FAL_PROFILE pins it; "
        "to follow the default: unset FAL_PROFILE\n"
    )
    assert internal(home) == 'profile = "b"'
    gone = home.fal("delete", "a", FAL_PROFILE="a")
    assert gone.stdout == "Profile a deleted.\n"
    assert "FAL_PROFILE still names 'a', but no such profile exists; " in gone.stderr


# --- current -------------------------------------------------------------------------------------


def test_current(home: Home) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "api.fal.ai"\n[b]\n'
    )
    head = KEYS["a"].partition(":")[0]
    text = home.fal("current", FAL_KEY=KEYS["a"])
    assert (text.returncode, text.stderr) == (0, "")
    assert text.stdout == (
        f"a (the default in {home.store})\nkey   {head}:********\nhost  api.fal.ai\n"
    )
    pinned = home.fal("current", FAL_PROFILE="b")
    assert pinned.stdout == "b (pinned by FAL_PROFILE)\nkey   none\n"
    assert home.fal("current", "--name", FAL_PROFILE="b").stdout == "b\n"
    shown = home.fal("current", "--json", FAL_KEY=KEYS["b"])
    assert (shown.returncode, shown.stderr) == (0, "")
    assert json.loads(shown.stdout) == {
        "profile": "a",
        "why": "default",
        "until": None,
        "next": "a",
        "store": str(home.store),
        "folder": None,
        "default": "a",
        "key": f"{head}:********",
        "key_source": "inline",
        "host": "api.fal.ai",
        "shell": {
            "key": f"{KEYS['b'].partition(':')[0]}:********",
            "is_active": False,
            "rivals": [],
        },
        "dotenv": [],
    }


def test_current_says_whether_the_shell_has_that_key(home: Home) -> None:
    home.profiles("a", default="a")
    unset = home.fal("current")
    assert unset.stderr == f"falenv: FAL_KEY is not set in this shell; to set it: {EVAL}\n"
    other = home.fal("current", FAL_KEY=KEYS["b"])
    assert "FAL_KEY in this shell is not the profile's key: " in other.stderr
    assert f"{KEYS['b'].partition(':')[0]}:********" in other.stderr
    none = home.fal("current", FAL_CONFIG_PATH="none.toml", FAL_KEY="nocolonallsecret")
    assert none.stderr == (
        "falenv: there are no profiles yet, so this shell keeps its own FAL_KEY; to save it as a "
        "profile: fal profile set NAME, then: fal profile key --from-env\n"
    )


# --- Names ---------------------------------------------------------------------------------------

ODD_NAMES = [
    "$(touch X)",
    "`touch X`",
    "[/]",
    "",
    "-x",
    "--help",
    "a b",
    "it's",
    'say "hi"',
    "\x1b[31mred\x1b]0;t\x07",
    "two\nlines",
    "tab\t",
    "%n%{",
    "\\u@",
    "a:b",
    "ñ·日本",
    "a" * 80,
    "\u202eevil",
    "a=b",
    "- x",
]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_case_02_names_that_we_would_not_give_can_be_listed_used_and_deleted(
    home: Home, name: str
) -> None:
    home.write(f'[plain]\nkey = "{KEYS["b"]}"\n[{json.dumps(name)}]\nkey = "{KEYS["a"]}"\n')
    table = home.fal("list")
    assert (table.returncode, table.stderr) == (0, "")
    assert table.stdout.isprintable() is False  # the line ends
    assert all(line.isprintable() for line in table.stdout.split("\n"))
    if name.isprintable():
        assert name in table.stdout
    listed = json.loads(home.fal("list", "--json").stdout)["profiles"]
    assert [profile["profile"] for profile in listed] == ["plain", name]

    if name:
        chosen = home.fal("set", "--", name)
        assert chosen.returncode == 0
        assert home.fal("current", "--name").stdout == f"{printable(name)}\n"
        env = home.script("bash", 'eval "$(fal profile env --shell bash)"; printf %s "$FAL_KEY"')
        assert (env.stdout, env.stderr) == (KEYS["a"], "")
    assert home.fal("key", "--stdin", "--", name, stdin=KEYS["c"]).returncode == 0
    ran = home.fal("exec", "--", name, "--", "printenv", "FAL_KEY")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{KEYS['c']}\n", "")
    gone = home.fal("delete", "--", name)
    assert gone.returncode == 0
    assert all(line.isprintable() for line in gone.stdout.split("\n"))
    assert list(tomli.loads(home.store.read_text()).keys() - {"__internal__"}) == ["plain"]
    assert not (home.path / "X").exists()


REFUSED_NAMES = {
    "": "it is empty",
    "__internal__": "the official CLI keeps its own settings under it",
    "check_updates": "the store has a global setting of that name",
    "-x": "it begins with -, like an option",
    "a b": "it contains ' '",
    "a\n": "it contains '\\n'",
    "$(touch X)": "it contains '$'",
    "a:b": "it contains ':'",
    "\x1b[31m": "it contains '\\x1b'",
    "a\u202eb": "it contains '\\u202e'",
    "x" * 65: "it is longer than 64 characters",
}


@pytest.mark.parametrize("name", REFUSED_NAMES, ids=ascii)
def test_names_that_are_not_given(home: Home, name: str) -> None:
    before = home.write("check_updates = false\n[plain]\n").read_bytes()
    for command in ("set", "create"):
        ended = home.fal(command, "--", name)
        assert (ended.returncode, ended.stdout) == (1, "")
        assert REFUSED_NAMES[name] in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert ended.stderr.rstrip("\n").isprintable()
        assert home.store.read_bytes() == before


@pytest.mark.parametrize("name", ["a", "team-a/dev@me.org", "x_1.2+3", "ñ", "日本", "9", "x" * 64])
def test_names_that_are_given(home: Home, name: str) -> None:
    assert home.fal("set", name).returncode == 0
    assert home.fal("current", "--name").stdout == f"{printable(name)}\n"


def test_a_name_in_bytes_that_are_not_utf8(home: Home) -> None:
    home.profiles("a")
    for command in ("set", "delete", "env --shell=sh"):
        ended = subprocess.run(
            [FAL.encode(), b"profile", *command.encode().split(), b"\xff"],
            env=home.variables,
            capture_output=True,
            check=False,
        )
        assert ended.returncode == 1
        assert ended.stderr.count(b"\n") == 1
        assert b"Traceback" not in ended.stderr


def test_a_terminal_that_cannot_show_a_name(home: Home) -> None:
    home.write('["日本…"]\n')
    for arguments in (("list",), ("set", "日本…"), ("current",), ("delete", "日本…")):
        ended = home.fal(*arguments, PYTHONIOENCODING="latin-1")
        assert ended.returncode == 0
        assert "Traceback" not in ended.stderr
        assert "\\u65e5\\u672c\\u2026" in ended.stdout


# --- Hosts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("rest.fal.ai", "host 'rest.fal.ai' would crash the official CLI"),
        ("api.evil.com", "outside fal's own domains (fal.ai, fal.run) and would receive"),
        ("api.fal.ai.evil.com", "outside fal's own domains"),
        ("apifal.ai", "outside fal's own domains"),
        ("https://api.fal.ai", "a host has no scheme and no path; "),
        ("api.fal.ai/x", "a host has no scheme and no path; "),
        ("api.fal.ai:x", "is not a host name"),
        ("api.fal.ai:99999", "is not a host name"),
        ("api.fal.ai:", "is not a host name"),
        ("me@api.fal.ai", "is not a host name"),
        ("api..fal.ai", "is not a host name"),
        ("api.fal.ai\n", None),
        ("api $(x).fal.ai", "is not a host name"),
        ("", "is not a host name"),
        (SEED_KEY, "'112f05b4-6ee8-4d06-bdb1-7ba38789ef8e:********' is not a host name"),
    ],
)
def test_hosts_that_are_refused(home: Home, host: str, said: str | None) -> None:
    home.profiles("a", default="a")
    before = home.store.read_bytes()
    ended = home.fal("host", host)
    if said is None:  # white space around it is taken off
        assert ended.stdout == "Fal host set to api.fal.ai.\n"
        return
    assert (ended.returncode, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert SEED_KEY.partition(":")[2] not in ended.stderr
    assert home.store.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [("api.alpha.fal.ai",), ("api.fal.ai:443",), ("api.fal.ai",), ("api.evil.com", "--force")],
)
def test_hosts_that_are_taken(home: Home, arguments: tuple[str, ...]) -> None:
    home.profiles("a", "b", default="a")
    ended = home.fal("host", *arguments, "--profile", "b")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == f"Fal host set to {arguments[0]}.\n"
    assert home.store.read_text().endswith(f'host = "{arguments[0]}"\n')
    env = home.fal("env", "b", "--shell", "bash", "--exports-only").stdout
    assert f"export \"FAL_HOST\"='{arguments[0]}'\n" in env
    assert home.fal("host", "--unset", "--profile", "b").stdout == "Fal host unset.\n"
    assert "host" not in home.store.read_text()


def test_a_host_that_bricks_the_official_cli_can_be_repaired_here(
    home: Home, official: Path
) -> None:
    home.write(f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "rest.fal.ai"\n')
    assert home.run(str(official / "fal"), "profile", "list").returncode == 1
    env = home.fal("env", "--shell", "bash", "--exports-only")
    assert (env.returncode, env.stdout) == (1, "")
    assert "the host of profile 'a' cannot be used: " in env.stderr
    assert "fal profile host HOST --profile a" in env.stderr
    assert home.fal("list").returncode == 0
    assert home.fal("host", "api.fal.ai").returncode == 0
    assert home.run(str(official / "fal"), "profile", "list").returncode == 0


# --- Keys ----------------------------------------------------------------------------------------


def test_case_44_a_typed_key_is_not_shown(home: Home, terminal: Callable[..., Any]) -> None:
    home.profiles("me", default="me")
    for arguments in ((), ("--stdin",)):
        child = terminal("key", *arguments, "--yes")
        question = "Enter the key for me (replaces key id 00000000…): "
        child.expect_exact(question)
        child.sendline("\udcff".encode("utf-8", "surrogateescape").decode("latin-1") + "x")
        child.expect_exact("Invalid key. The key must be in the format key:value.")
        child.expect_exact(question)
        child.sendline(SEED_KEY)
        shown = rest(child)
        assert shown == "\nKey set for profile me.\n"
        assert child.exitstatus == 0
        assert SEED_KEY in home.store.read_text()
        home.profiles("me", default="me")


@pytest.mark.parametrize("key", ["\x04", "\x03"], ids=["end", "Ctrl-C"])
def test_case_44_end_of_input_changes_nothing(
    home: Home, terminal: Callable[..., Any], key: str
) -> None:
    home.write('[__internal__]\nprofile = "me"\n[me]\n')
    before = home.store.read_bytes()
    child = terminal("key")
    child.expect_exact("Enter the key for me: ")
    child.send(key)
    assert rest(child).removeprefix("^C") == "\nfalenv: cancelled; nothing was changed\n"
    assert child.exitstatus == 1
    assert home.store.read_bytes() == before


@pytest.mark.parametrize(
    "piped",
    [
        SEED_KEY,
        f"{SEED_KEY}\n",
        f"{SEED_KEY}\r\n",
        f"\ufeff{SEED_KEY}\n",
        f'"{SEED_KEY}"',
        f"'{SEED_KEY}'\n",
        f"  {SEED_KEY}\t\n",
        f"export FAL_KEY={SEED_KEY}\n",
        f'FAL_KEY="{SEED_KEY}"\n',
        f"\n{SEED_KEY}\n\n",
        f"\u201c{SEED_KEY}\u201d",
    ],
    ids=ascii,
)
def test_case_44_a_piped_key_is_cleaned(home: Home, piped: str) -> None:
    home.profiles("me", default="me")
    ended = home.fal("key", "--stdin", stdin=piped)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Key set for profile me.\n", "")
    assert f'key = "{SEED_KEY}"' in home.store.read_text()


@pytest.mark.parametrize(
    ("piped", "said"),
    [
        ("secretwithoutcolon", "Invalid key. The key must be in the format key:value."),
        ("a:secret:x", "Invalid key."),
        (":secret", "Invalid key."),
        ("secret:", "Invalid key."),
        ("secret: ", "Invalid key."),
        (" :secret", "Invalid key."),
        ("se cret:x", "Invalid key."),
        ("secret:\x1bx", "Invalid key."),
        ("secret:'x'", "Invalid key."),
        ("", "must have one line"),
        ("\n", "must have one line"),
        ("secret:a\nsecret:b\n", "must have one line"),
        ("secret:\0", "Invalid key."),
        ("secret:\u200bx", "Invalid key."),
    ],
    ids=ascii,
)
def test_case_44_what_is_no_key_is_refused_and_not_repeated(
    home: Home, piped: str, said: str
) -> None:
    home.profiles("me", default="me")
    before = home.store.read_bytes()
    ended = home.fal("key", "--stdin", stdin=piped)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "secret" not in ended.stderr
    assert home.store.read_bytes() == before


def test_case_44_a_key_in_another_encoding(home: Home) -> None:
    home.profiles("me", default="me")
    ended = subprocess.run(
        [FAL, "profile", "key", "--stdin"],
        input=SEED_KEY.encode("utf-16"),
        env=home.variables,
        capture_output=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        b"falenv: Invalid key. The key must be in the format key:value. The text is not UTF-8.\n"
    )


def test_case_44_a_key_from_the_environment(home: Home) -> None:
    home.profiles("me", default="me")
    ended = home.fal("key", "--from-env", FAL_KEY=f"'{SEED_KEY}'\r")
    assert (ended.returncode, ended.stdout) == (0, "Key set for profile me.\n")
    assert SEED_KEY in home.store.read_text()
    none = home.fal("key", "--from-env")
    assert (none.returncode, none.stderr) == (
        1,
        "falenv: FAL_KEY is not set, so there is no key to take; nothing was changed\n",
    )


def test_case_44_a_key_as_an_argument_is_refused_and_not_repeated(home: Home) -> None:
    home.profiles("me", default="me")
    before = home.store.read_bytes()
    secret = SEED_KEY.partition(":")[2]
    lines = [
        ["key", SEED_KEY],
        ["key", "me", SEED_KEY],
        ["key", secret],
        ["key", "me", secret],
        ["set", SEED_KEY],
        ["create", SEED_KEY],
        ["delete", SEED_KEY],
        ["env", SEED_KEY],
        ["env", "--shell", "bash", SEED_KEY, SEED_KEY],
        ["host", SEED_KEY],
        ["host", "--profile", SEED_KEY],
        ["use", SEED_KEY],
        ["exec", SEED_KEY, "--", "true"],
        ["list", SEED_KEY],
        ["current", SEED_KEY],
        ["unset", SEED_KEY],
        [SEED_KEY],
        ["key", f"--stdin={SEED_KEY}"],
        [f"--{SEED_KEY}"],
    ]
    for arguments in lines:
        ended = home.fal(*arguments)
        assert ended.returncode in {1, 2}, arguments
        assert ended.stderr.count("\n") == 1, arguments
        assert secret not in ended.stdout + ended.stderr, arguments
        assert home.store.read_bytes() == before
    assert "a key is never an argument" in home.fal("key", SEED_KEY).stderr


def test_case_45_no_command_shows_a_key(home: Home) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\n'
        '[odd]\nkey = "nocolonallsecret"\n'
    )
    lines = [
        ["list"],
        ["list", "--json"],
        ["current"],
        ["current", "--json"],
        ["set", "odd"],
        ["set", "a"],
        ["create", "a"],
        ["use", "a"],
        ["off"],
        ["env", "--unset", "--shell", "bash"],
        ["host", "api.fal.ai"],
        ["host", "--unset"],
        ["unset"],
        ["--help"],
        ["key", "--help"],
    ]
    for pin in ("a", "odd"):
        for key in (KEYS["b"], "bareothersecret"):
            variables: dict[str, Any] = {"FAL_PROFILE": pin, "FAL_KEY": key}
            for arguments in lines[:4] if key != KEYS["b"] else lines:
                ended = home.run(FAL, "profile", *arguments, **variables)
                shown = ended.stdout + ended.stderr
                assert "fakea" not in shown, arguments
                assert "fakeb" not in shown, arguments
                assert "secret" not in shown, arguments
    json_list = json.loads(home.fal("list", "--json").stdout)["profiles"]
    assert [profile["key_id"] for profile in json_list] == [KEYS["a"].partition(":")[0], "-"]


def test_case_45_a_key_without_a_colon_still_works(home: Home) -> None:
    home.write('[__internal__]\nprofile = "odd"\n[odd]\nkey = "nocolonallsecret"\n')
    assert home.fal("current", FAL_KEY="nocolonallsecret").stderr == ""
    env = home.script("bash", f'{EVAL}; printf %s "$FAL_KEY"')
    assert (env.stdout, env.stderr) == ("nocolonallsecret", "")


def test_case_45_no_object_shows_its_key(home: Home) -> None:
    from falenv import active, store

    home.profiles("a", default="a")
    found = store.read(str(home.store))
    shown = repr([found, found.profiles, active.resolve(found, "a").profile])
    assert "fakea" not in shown


# --- env, and exit codes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--shell", "bash"), 'eval "$(fal profile env)"'),
        (("--shell", "zsh"), 'eval "$(fal profile env)"'),
        (("--shell", "fish"), "fal profile env | source"),
        (("a", "--shell", "bash"), 'eval "$(fal profile env a)"'),
        (
            ("it's $(touch X)", "--shell", "bash"),
            "eval \"$(fal profile env 'it'\\''s $(touch X)')\"",
        ),
        (
            ("it's $(touch X)", "--shell", "fish"),
            "fal profile env 'it'\"'\"'s $(touch X)' | source",
        ),
        (("a", "--exports-only", "--shell", "bash"), 'eval "$(fal profile env a)"'),
    ],
)
def test_case_46_on_a_terminal_env_shows_the_line_and_no_key(
    home: Home, terminal: Callable[..., Any], arguments: tuple[str, ...], line: str
) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\n'
        '["it\'s $(touch X)"]\nkey = "x:y"\n'
    )
    child = terminal("env", *arguments)
    assert rest(child) == (
        f"falenv: the output contains your key, so it is not printed to a terminal; use: {line}\n"
    )
    assert child.exitstatus == 1


def test_case_46_on_a_terminal_a_name_that_is_none_is_said_to_be(
    home: Home, terminal: Callable[..., Any]
) -> None:
    home.profiles("a")
    child = terminal("env", SEED_KEY, "--shell", "bash")
    shown = rest(child)
    assert "does not exist" in shown
    assert SEED_KEY.partition(":")[2] not in shown
    assert child.exitstatus == 1


def test_case_46_in_a_real_shell_too(home: Home, start: Callable[..., Shell]) -> None:
    home.profiles("a", default="a")
    shell = start("bash", "")
    notice(shell.talk("fal profile env"), f"use: {EVAL}")
    assert KEYS["a"] not in shell.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("env", "--shell", "tcsh9"),
        ("env", "--shell"),
        ("env", "--shell", ""),
        ("env", "a", "b"),
        ("env", "--nonsense"),
        ("oops",),
        ("set",),
        ("set", "a", "b"),
        ("create",),
        ("delete",),
        ("host",),
        ("host", "api.fal.ai", "--unset"),
        ("key", "a", "b", "c"),
        ("key",),
        ("key", "--stdin", "--from-env"),
        ("list", "--output", "yaml"),
        ("list", "x"),
        ("exec",),
        ("exec", "a"),
        ("exec", "a", "--"),
        ("use",),
        ("use", "a", "b"),
        ("use", "a", "--default"),
    ],
)
def test_misuse_is_exit_2_and_one_line(home: Home, arguments: tuple[str, ...]) -> None:
    home.profiles("a", "b", default="a")
    before = home.store.read_bytes()
    ended = home.fal(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("falenv: ")
    assert ended.stderr.count("\n") == 1
    assert home.store.read_bytes() == before


def test_misuse_is_explained_in_plain_text(home: Home) -> None:
    for arguments, said in (
        (["oops"], "no such command 'oops'"),
        (["set"], "missing argument 'NAME'"),
        (["completion"], "missing argument 'SHELL'. Choose from: bash, fish, zsh"),
        (["completion", "ksh"], "'ksh' is not one of 'bash', 'fish', 'zsh'"),
        (["install", "ksh"], "'ksh' is not one of 'bash', 'direnv', 'fish', 'nu', 'zsh'"),
    ):
        ended = home.fal(*arguments)
        assert ended.stderr.startswith("falenv: ")
        assert said in ended.stderr
        assert "--help" in ended.stderr
        assert not {"*", "\\", "\t"} & set(ended.stderr)


def test_a_shell_that_cannot_be_told_or_is_unknown(home: Home) -> None:
    home.profiles("a", default="a")
    unknown = home.fal("env", "--shell", "tcsh9")
    assert "the shell 'tcsh9' is not supported; supported shells: " in unknown.stderr
    for dialect in ("bash", "fish", "zsh"):
        assert dialect in unknown.stderr


def test_outside_an_integrated_shell_the_shells_own_commands_say_how_to_get_there(
    home: Home,
) -> None:
    home.profiles("a", default="a")
    use = f"falenv: only the shell function fal can switch this shell; to load it: {EVAL}\n"
    off = (
        "falenv: only the shell function fal can remove falenv; "
        "a shell without it has nothing to remove\n"
    )
    for arguments in (["use", "a"], ["use", "-"], ["use", "--default"], ["off"]):
        ended = home.fal(*arguments)
        said = off if arguments == ["off"] else use
        assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", said)


def test_help_and_version(home: Home) -> None:
    for arguments in ([FAL, "profile"], [FAL, "profile", "--help"], [FAL, "profile", "-h"]):
        ended = home.run(*arguments)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("Usage: fal profile ")
    falenv = str(SCRIPTS / "falenv")
    for command in ([falenv], [falenv, "--help"]):
        ended = home.run(*command)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("Usage: falenv ")
    assert home.run(falenv, "--version").stdout.startswith("falenv, version ")
    assert home.run(falenv, "profile", "list").returncode == 0


def test_the_help_of_each_command_has_a_short_line_an_example_and_80_columns(home: Home) -> None:
    for name, command in profile.commands.items():
        if command.hidden:
            continue
        code, text, _ = home.here("profile", name, "--help")
        lines = text.splitlines()
        assert code == 0
        assert max(map(len, lines)) <= 80
        first = lines[2].strip()
        assert len(first) <= 60
        assert first.endswith(".")
        assert re.search(rf"^      .*\bfal profile {name}\b", text, re.MULTILINE), name


# --- Streams that are closed, full or gone -------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["list", "--json"],
        ["env", "--shell", "bash"],
        ["current"],
        ["set", "b"],
        ["current", "--name"],
        ["exec", "a", "--", "true"],
        ["key", "--stdin"],
        ["oops"],
    ],
)
def test_closed_streams(home: Home, arguments: list[str]) -> None:
    home.profiles("a", "b", default="a")
    expected = home.run(FAL, "profile", *arguments)
    for closed in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        command = f'"$@" {closed}; echo "exit $?" >&3'
        ended = subprocess.run(
            [needs("bash"), "-c", f"exec 3>&1; {command}", "bash", FAL, "profile", *arguments],
            env=home.variables,
            cwd=home.path,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=20,
        )
        assert "Traceback" not in ended.stderr
        assert f"exit {expected.returncode}\n" in ended.stdout
        if closed == "2>&-":  # what would have been talk must not be evaluated
            assert "falenv:" not in ended.stdout.replace(expected.stdout, "")


def test_a_full_stdout_is_said(home: Home) -> None:
    home.profiles("a", default="a")
    for arguments in (
        ["list"],
        ["list", "--json"],
        ["current", "--name"],
        ["env", "--shell", "bash"],
    ):
        ended = home.run(
            needs("bash"), "-c", '"$@" > /dev/full', "bash", FAL, "profile", *arguments
        )
        assert ended.returncode == 1
        assert ended.stderr == "falenv: could not continue: No space left on device\n"


def test_a_reader_that_goes_away_is_no_fault(home: Home) -> None:
    home.write("".join(f'[p{number}]\nkey = "x:y"\n' for number in range(3000)))
    for arguments in (["list"], ["list", "--json"], ["env", "--shell", "bash"]):
        read, write = os.pipe()
        os.close(read)
        ended = subprocess.run(
            [FAL, "profile", *arguments],
            env=home.variables,
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
        os.close(write)
        assert (ended.returncode, ended.stderr) == (141, b"")


def test_each_command_is_in_the_file_that_is_imported_for_it() -> None:
    for file, names in FILES.items():
        module = import_module(f"falenv.commands.{file}")
        assert tuple(command.name for command in module.COMMANDS) == names
