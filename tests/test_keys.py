"""Keys as people paste them, and the questions before a key or a profile is lost."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pexpect
import pytest
from conftest import HOLD, KEYS, SCRIPTS, SEED_KEY
from driver import KINDS, Kind, needs

from falenv.errors import InvalidKeyError
from falenv.pasted import clean_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from conftest import Home
    from driver import Shell

SEED_ID = SEED_KEY.partition(":")[0]
FORM = "Invalid key. The key must be in the format key:value."
CREATE = "https://fal.ai/dashboard/keys"
CANCELLED = "falenv: cancelled; nothing was changed"


@pytest.fixture
def terminal(home: Home) -> Callable[..., Any]:
    """Run `fal profile …` on a terminal of its own."""

    def spawn(*arguments: str, **variables: str | None) -> Any:
        return pexpect.spawn(
            str(SCRIPTS / "fal"),
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


# --- The key in a pasted line ---------------------------------------------------------------------

#: `%` stands for the key.
LINES = [
    "%",
    "FAL_KEY=%",
    "export FAL_KEY=%",
    "export  FAL_KEY=%",
    "export\tFAL_KEY='%'",
    "FAL_API_KEY=%",
    'NEXT_PUBLIC_FAL_KEY="%"',
    "FAL_KEY = %",
    'key = "%"',
    "declare -x FAL_KEY=%",
    "set -x FAL_KEY %",
    "set  -gx  FAL_KEY '%'",
    "set --export --global FAL_KEY %",
    "setenv FAL_KEY %",
    "set FAL_KEY=%",
    '$env:FAL_KEY = "%"',
    "ENV FAL_KEY=%",
    "ENV FAL_KEY %",
    "-e FAL_KEY=%",
    "- FAL_KEY=%",
    "# FAL_KEY=%",
    "$ export FAL_KEY=%",
    "\u276f export FAL_KEY=%",
    "FAL_KEY: %",
    "  FAL_KEY : '%'",
    '"FAL_KEY": "%",',
    '"FAL_KEY":"%"',
    'os.environ["FAL_KEY"] = "%"',
    "process.env.FAL_KEY = '%'",
    "Key %",
    "Authorization: Key %",
    "authorization:  key %",
    '"Authorization": "Key %",',
    '-H "Authorization: Key %" \\',
    "'FAL_KEY=%'",
    "\u201c%\u201d",
    "export FAL_KEY=\u2018%\u2019",
    "`%`",
    "''%''",
    "\ufeffFAL_KEY=%\r",
    "\u00a0% \t",
]


@pytest.mark.parametrize("line", LINES, ids=ascii)
def test_case_77_a_pasted_line_gives_its_key(line: str) -> None:
    for key in (SEED_KEY, "a:b", "x1+/.-_~!@#$^&()?|:y"):
        assert clean_key(line.replace("%", key)) == key


REFUSED = {
    "invalid": FORM,
    "": FORM,
    ":b": FORM,
    "a:": FORM,
    "FAL_KEY=": FORM,
    "a:b:c": f"{FORM} Character 4 is a second colon.",
    "FAL_KEY=a:b:c": f"{FORM} Character 12 is a second colon.",
    "a:b\nc:d": f"{FORM} The text has more than one line.",
    f"a:{'b' * 2000}": f"{FORM} The text has more than 1024 characters.",
    CREATE: f"Invalid key. This is an address. Create a key at {CREATE}",
    "FAL_KEY=http://a:b": f"Invalid key. This is an address. Create a key at {CREATE}",
    "FAL_KEY=op://Private/fal/credential": "Invalid key. This is a reference to a key in "
    "1Password. To read the key from there, run: op read REFERENCE | fal profile key NAME --stdin",
    **dict.fromkeys(
        (
            "<id>:<secret>",
            "<your-key>",
            "{id}:{secret}",
            "[id]:[secret]",
            "key:value",
            "id: secret",
            "ID:SECRET",
            "key_id:key_secret",
            "YOUR_KEY_ID:YOUR_KEY_SECRET",
            "export FAL_KEY=your-fal-key",
            "$FAL_KEY",
            "${FAL_KEY_ID}:${FAL_KEY_SECRET}",
            "%FAL_KEY%",
            "xxxxxxxx-xxxx:xxxxxxxx",
        ),
        f"Invalid key. This is a placeholder from an example. Create a key at {CREATE}",
    ),
    **dict.fromkeys(
        ("abc:********", "abc:***4", "abc:\u2022\u2022\u2022", "abc:12\u2026", "abc:12..."),
        f"Invalid key. The secret is hidden. fal shows a key only once; create another at {CREATE}",
    ),
    **{
        text: f"Invalid key. Character {place} is {what}, which no key contains."
        for text, place, what in (
            ("a:b;", 4, "; (SEMICOLON)"),
            ("export FAL_KEY='a:b';", 21, "; (SEMICOLON)"),
            ("a:b,", 4, ", (COMMA)"),
            ("a:b=", 4, "= (EQUALS SIGN)"),
            ('"a:b', 1, '" (QUOTATION MARK)'),
            ("a:'b'", 5, "' (APOSTROPHE)"),
            ("a:b'c", 4, "' (APOSTROPHE)"),
            ("a b:c", 2, "a blank"),
            ("FAL_KEY=a:b python job.py", 12, "a blank"),
            ("a:\tb", 3, "a tab"),
            ("a:b\u200bc", 4, "U+200B (ZERO WIDTH SPACE)"),
            ("\u200ba:b", 1, "U+200B (ZERO WIDTH SPACE)"),
            ("FAL_KEY=a:b\u200d", 12, "U+200D (ZERO WIDTH JOINER)"),
            ("a:b\ufeff", 4, "U+FEFF (ZERO WIDTH NO-BREAK SPACE)"),
            ("a:\u00adb", 3, "U+00AD (SOFT HYPHEN)"),
            ("a:\u202eb", 3, "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
            ("a:\u2028b", 3, "U+2028 (LINE SEPARATOR)"),
            ("a:\u00a0b", 3, "U+00A0 (NO-BREAK SPACE)"),
            ("a:\x1bb", 3, "U+001B (a control character)"),
            ("a:b\0", 4, "U+0000 (a control character)"),
            ("a:\udcff", 3, "a byte that is not UTF-8"),
            ("\u0430:b", 1, "U+0430 (CYRILLIC SMALL LETTER A)"),
        )
    },
}


@pytest.mark.parametrize("text", REFUSED, ids=ascii)
def test_case_77_what_is_not_a_key_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        clean_key(text)
    assert str(caught.value) == REFUSED[text]


def test_case_77_no_reason_repeats_the_text() -> None:
    for line in LINES:
        for end in (";", "\u200b", "=", "'", " x", ":x", "*"):
            with pytest.raises(InvalidKeyError) as caught:
                clean_key(line.replace("%", "fakeid:fakesecret" + end))
            assert "fake" not in str(caught.value)


def test_case_77_no_text_takes_long() -> None:
    begin = time.monotonic()
    for part in ("a", "a.", "<", "- ", "%a", "$ ", "key ", "-x ", "'", "[", "a=", "a: ", "xxx"):
        for length in (1000, 60_000):
            with pytest.raises(InvalidKeyError):
                clean_key((part * length)[:length])
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "", "\n\n \n"])
def test_case_77_piped(home: Home, end: str) -> None:
    home.profiles("me", default="me")
    done = home.fal("key", "--stdin", stdin=f'\n  "FAL_KEY": "{SEED_KEY}",{end}')
    assert (done.returncode, done.stdout, done.stderr) == (0, "Key set for profile me.\n", "")
    assert f'key = "{SEED_KEY}"' in home.store.read_text()


# --- A paste at the hidden prompt -----------------------------------------------------------------


@pytest.fixture(params=["bash", "zsh", "fish", "dash"])
def any_kind(request: pytest.FixtureRequest) -> Kind:
    needs(request.param)
    return KINDS[request.param]


@pytest.mark.parametrize(
    "text",
    [
        f"\r\r{SEED_KEY}\r",
        f"\n  \n{SEED_KEY}\n\n",
        f"\x1b[200~\rexport FAL_KEY={SEED_KEY}\r\x1b[201~",
        f"\x1b[200~{SEED_KEY}\x1b[201~\r",
    ],
    ids=["line breaks first", "blank lines around it", "bracketed", "bracketed, one line"],
)
def test_case_77_a_paste_may_begin_with_a_line_break(
    home: Home, start: Callable[..., Shell], any_kind: Kind, text: str
) -> None:
    home.write('[__internal__]\nprofile = "me"\n[me]\n')
    shell = start(any_kind)
    shell.type("fal profile key\r")
    shell.wait(lambda: shell.screen().endswith("Enter the key for me:"), "the question", 10)
    answer = shell.press(text)
    assert answer == "Key set for profile me."
    assert f'key = "{SEED_KEY}"' in home.store.read_text()
    assert SEED_ID not in shell.output


@pytest.mark.parametrize(
    "more",
    ["touch PWN\r", "touch PWN", "\x1b[201~touch PWN\r", "\r\rtouch PWN\rtouch PWN2\r"],
    ids=["a line", "no line break", "bracketed", "lines"],
)
def test_case_77_the_rest_of_a_paste_is_neither_run_nor_shown(
    home: Home, start: Callable[..., Shell], any_kind: Kind, more: str
) -> None:
    home.write('[__internal__]\nprofile = "me"\n[me]\n')
    before = home.store.read_bytes()
    shell = start(any_kind)
    shell.type("fal profile key\r")
    question = "Enter the key for me:"
    shell.wait(lambda: shell.screen().endswith(question), "the question", 10)
    shell.type(f"{SEED_KEY}\r{more}")
    refused = f"{question}\n{FORM} The text has more than one line.\n{question}"
    shell.wait(lambda: shell.screen().endswith(refused), "the second question", 10)
    assert home.store.read_bytes() == before
    assert shell.press("\x03").endswith(CANCELLED)
    shell.prompts(2)
    assert "touch" not in shell.output
    assert list(home.path.glob("PWN*")) == []


def test_case_77_a_reason_is_shown_at_the_prompt(home: Home, terminal: Callable[..., Any]) -> None:
    home.write('[__internal__]\nprofile = "me"\n[me]\n')
    child = terminal("key")
    question = "Enter the key for me: "
    for text, said in (
        ("", FORM),
        ("invalid", FORM),
        ("a:b\u200b", REFUSED["a:b\u200bc"]),
        (CREATE, REFUSED[CREATE]),
    ):
        child.expect_exact(question)
        child.send(f"{text}\r")
        child.expect_exact(f"\r\n{said}\r\n")
        assert child.before == ""
    child.expect_exact(question)
    child.send(f"{SEED_KEY}\r")
    assert rest(child) == "\nKey set for profile me.\n"


def test_ctrl_z_gives_the_echo_back_and_fg_takes_it_away(
    home: Home, start: Callable[..., Shell], any_kind: Kind
) -> None:
    home.write('[__internal__]\nprofile = "me"\n[me]\n')
    shell = start(any_kind, "")
    shell.type("fal profile key\r")
    shell.wait(lambda: shell.screen().endswith("Enter the key for me:"), "the question", 10)
    shell.press("\x1a")
    assert shell.talk("echo seen") == "seen"
    # Some shells restore the terminal at `fg`. Others leave it to the program.
    shell.type("stty echo; fg\r")
    shell.read(1)
    assert shell.press(f"{SEED_KEY}\r").endswith("Key set for profile me.")
    assert SEED_ID not in shell.output


def test_case_77_the_rest_of_a_paste_may_come_late(
    home: Home, start: Callable[..., Shell], any_kind: Kind
) -> None:
    home.write('[__internal__]\nprofile = "me"\n[me]\n')
    shell = start(any_kind)
    shell.type("fal profile key\r")
    shell.wait(lambda: shell.screen().endswith("Enter the key for me:"), "the question", 10)
    with home.python(HOLD, home.store) as holder:  # so that the edit has to wait
        assert holder.stdout
        assert holder.stdout.readline() == "holding\n"
        shell.type(f"{SEED_KEY}\r")
        shell.read(1)
        shell.type("touch PWN\r")
        shell.read(0.5)
        holder.communicate("\n")
    shell.wait(lambda: "Key set for profile me." in shell.screen(), "the end", 10)
    shell.prompts(2)
    assert "touch" not in shell.output
    assert list(home.path.glob("PWN")) == []


# --- Before a key is replaced ---------------------------------------------------------------------

REPLACE = "Profile me has a key id 00000000…, and fal shows each key only once. Replace it? [y/N]: "
ENTER = "Enter the key for me (replaces key id 00000000…): "


def test_case_60_key_asks_before_it_replaces_a_key(
    home: Home, terminal: Callable[..., Any]
) -> None:
    home.profiles("me", "a", default="me")
    before = home.store.read_bytes()
    for answer in ("n\r", "no\r", "\r", "\x03", "\x04"):
        child = terminal("key")
        child.expect_exact(REPLACE)
        child.send(answer)
        assert rest(child).endswith(CANCELLED + "\n")
        assert child.exitstatus == 1
        assert home.store.read_bytes() == before
    child = terminal("key")
    child.expect_exact(REPLACE)
    child.send("y\r")
    child.expect_exact(f"y\r\n{ENTER}")
    child.send(f"{SEED_KEY}\r")
    assert rest(child) == "\nKey set for profile me.\n"
    assert home.store.read_text().count(SEED_KEY) == 1


def test_case_60_a_key_pasted_at_the_first_question_is_not_shown(
    home: Home, terminal: Callable[..., Any]
) -> None:
    home.profiles("me", default="me")
    before = home.store.read_bytes()
    child = terminal("key")
    child.expect_exact(REPLACE)
    child.send(f"{SEED_KEY}\r")
    child.expect_exact(f"\r\nAnswer y or n. {REPLACE}")
    assert child.before == ""
    child.send("y\rn\r")  # falenv takes no answer from a paste of two lines
    child.expect_exact(f"\r\nAnswer y or n. {REPLACE}")
    assert child.before == ""
    child.send("n\r")
    assert rest(child) == f"n\n{CANCELLED}\n"
    assert home.store.read_bytes() == before


def test_case_60_yes_and_no_terminal_ask_nothing(home: Home, terminal: Callable[..., Any]) -> None:
    home.profiles("me", default="me")
    child = terminal("key", "--yes")
    child.expect_exact(ENTER)
    assert child.before == ""
    child.send(f"{SEED_KEY}\r")
    assert rest(child) == "\nKey set for profile me.\n"
    home.profiles("me", default="me")
    done = home.fal("key", "--stdin", stdin=SEED_KEY)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Key set for profile me.\n", "")
    home.profiles("me", default="me")
    done = home.fal("key", "--from-env", FAL_KEY=SEED_KEY)
    assert (done.returncode, done.stdout) == (0, "Key set for profile me.\n")
    assert SEED_KEY in home.store.read_text()


def test_case_60_from_env_asks_only_if_the_key_is_another(
    home: Home, terminal: Callable[..., Any]
) -> None:
    home.profiles("me", default="me")
    child = terminal("key", "--from-env", FAL_KEY=KEYS["me"])
    assert rest(child) == "Key set for profile me.\n"
    child = terminal("key", "--from-env", FAL_KEY=SEED_KEY)
    child.expect_exact(REPLACE)
    child.send("n\r")
    assert rest(child) == f"n\n{CANCELLED}\n"
    assert KEYS["me"] in home.store.read_text()


def test_case_60_a_key_that_was_set_meanwhile_is_asked_about(
    home: Home, terminal: Callable[..., Any]
) -> None:
    home.write('[__internal__]\nprofile = "me"\n[me]\n')
    child = terminal("key")
    child.expect_exact("Enter the key for me: ")
    assert home.fal("key", "--stdin", stdin=KEYS["me"]).returncode == 0
    child.send(f"{SEED_KEY}\r")
    child.expect_exact(REPLACE)
    child.send("n\r")
    assert rest(child) == f"n\n{CANCELLED}\n"
    assert KEYS["me"] in home.store.read_text()


@pytest.mark.parametrize(
    ("key", "note"),
    [("short:secret", " id short"), ("nocolonsecret", ""), ("a\x1b[31m:secret", " id a\\x1b[31m")],
)
def test_the_question_shows_no_more_than_the_id(
    home: Home, terminal: Callable[..., Any], key: str, note: str
) -> None:
    escaped = key.replace("\x1b", "\\u001b")
    home.write(f'[__internal__]\nprofile = "me"\n[me]\nkey = "{escaped}"\n')
    child = terminal("key")
    child.expect_exact(f"Profile me has a key{note}, and fal")
    child.send("y\r")
    child.expect_exact(f"Enter the key for me (replaces key{note}): ")
    child.send("\x04")
    assert "secret" not in child.before + rest(child)


# --- Before a profile is deleted ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "why", "variables"),
    [
        ("a", "active here and the default", {}),
        ("a", "the default", {"FAL_PROFILE": "b"}),
        ("b", "active here", {"FAL_PROFILE": "b"}),
        ("b", "active here", {"FALENV_PROFILE": "b"}),
        ("c", "protected", {}),
        ("c", "active here and protected", {"FAL_PROFILE": "c"}),
    ],
)
def test_case_60_delete_asks_about_a_profile_in_use(
    home: Home, terminal: Callable[..., Any], name: str, why: str, variables: dict[str, str]
) -> None:
    home.profiles("a", "b", "c", default="a")
    home.write(f"{home.store.read_text()}protected = true\n")
    before = home.store.read_bytes()
    question = f"Profile {name} is {why}. Delete it and its key? [y/N]: "
    for answer in ("n\r", "\r", "\x03", "\x04"):
        child = terminal("delete", name, **variables)
        child.expect_exact(question)
        child.send(answer)
        assert rest(child).endswith(CANCELLED + "\n")
        assert child.exitstatus == 1
        assert home.store.read_bytes() == before
    child = terminal("delete", name, **variables)
    child.expect_exact(question)
    child.send("y\r")
    assert f"Profile {name} deleted.\n" in rest(child)
    assert child.exitstatus == 0
    assert f"[{name}]" not in home.store.read_text()


def test_case_60_delete_asks_nothing_else(home: Home, terminal: Callable[..., Any]) -> None:
    text = '[__internal__]\nprofile = "a"\n[a]\nprotected = true\n[b]\nprotected = false\n[c]\n'
    home.write(text)
    assert rest(terminal("delete", "b")) == "Profile b deleted.\n"
    assert rest(terminal("delete", "c")) == "Profile c deleted.\n"
    child = terminal("delete", "a", "--yes")
    assert "Profile a deleted.\n" in rest(child)
    home.write(text)
    assert home.fal("delete", "a").returncode == 1
    assert home.store.read_text() == text
    assert home.fal("delete", "a", "--yes").returncode == 0
    assert "[a]" not in home.store.read_text()


def test_case_60_the_official_cli_keeps_the_protection(home: Home, official: Any) -> None:
    home.write('[__internal__]\nprofile = "a"\n[a]\nprotected = true\n[b]\n')
    done = home.run(str(official / "fal"), "profile", "set", "b")
    assert done.returncode == 0
    assert re.search(r"\[a\]\nprotected = true\n", home.store.read_text())


# --- The key of the environment -------------------------------------------------------------------

PAIR = {"FAL_KEY_ID": " 'pair' ", "FAL_KEY_SECRET": "secret\r"}
OWN = {"FAL_KEY": KEYS["comfy"], "FALENV_KEY_ID": KEYS["comfy"].partition(":")[0]}


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({"FAL_KEY": SEED_KEY, **PAIR}, SEED_KEY),
        ({"FAL_KEY": "", **PAIR}, "pair:secret"),
        (PAIR, "pair:secret"),
        ({**OWN, **PAIR}, "pair:secret"),
        ({**OWN, "FAL_KEY": SEED_KEY, **PAIR}, SEED_KEY),
        ({"FAL_KEY": SEED_KEY, "FALENV_KEY_ID": ""}, SEED_KEY),
    ],
)
def test_case_57_from_env_takes_the_users_own_key(
    home: Home, variables: dict[str, str], key: str
) -> None:
    home.profiles("me", "comfy", default="me")
    done = home.fal("key", "--from-env", **variables)
    assert (done.returncode, done.stdout) == (0, "Key set for profile me.\n")
    assert f'key = "{key}"' in home.store.read_text()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "FAL_KEY is not set, so there is no key to take; nothing was changed"),
        (
            OWN,
            (
                "FAL_KEY is the key of profile 'comfy', which falenv has exported, so it was not "
                "taken; to type a key: fal profile key"
            ),
        ),
        (
            {"FAL_KEY": "gone:secret", "FALENV_KEY_ID": "gone"},
            (
                "FAL_KEY is a key, which falenv has exported, so it was not taken; "
                "to type a key: fal profile key"
            ),
        ),
        (
            {"FAL_KEY_ID": "pair"},
            (
                "FAL_KEY_ID is set, but FAL_KEY_SECRET is not, so there is no key to take; "
                "nothing was changed"
            ),
        ),
        (
            {"FAL_KEY_SECRET": "secret"},
            (
                "FAL_KEY_SECRET is set, but FAL_KEY_ID is not, so there is no key to take; "
                "nothing was changed"
            ),
        ),
        ({"FAL_KEY_ID": "pair", "FAL_KEY_SECRET": "sec;ret"}, REFUSED["a:b;"].replace("4", "9")),
    ],
)
def test_case_57_from_env_refuses_a_key_that_is_not_the_users(
    home: Home, variables: dict[str, str], said: str
) -> None:
    home.profiles("me", "comfy", default="me")
    before = home.store.read_bytes()
    done = home.fal("key", "--from-env", **variables)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"falenv: {said}\n")
    assert home.store.read_bytes() == before
