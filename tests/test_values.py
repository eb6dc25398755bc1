"""Values and names from hell reach the shell as they are, and nothing in them runs."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS, SHELLS, Home
from driver import KINDS, PROMPT, UNSET, Kind, needs, notice
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from falenv import dialects
from falenv.masking import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Shell

    Start = Callable[..., Shell]

#: Each would leave a file `pwned`, end a quote or be changed somewhere on the way, if it could.
HOSTILE = [
    "it's",
    '"',
    "''",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "tail\\",
    "\\'",
    "\\\\",
    "a\\nb",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "$HOME",
    "$((1+1))",
    "!!",
    "!x",
    "a!b!",
    "#no",
    "a b",
    " leading",
    "trailing ",
    "\ttab\t",
    "new\nline",
    "\nleading line",
    "tail\n",
    "\r",
    "*",
    "?",
    "[a-z]",
    "~",
    "~root",
    "{a,b}",
    "(touch pwned)",
    "<(touch pwned)",
    ">pwned",
    "| touch pwned",
    "&",
    "; touch pwned;",
    "%n%{%F{red}",
    "%20v",
    "\\u\\h\\$(touch pwned)",
    "\x1b[31mred",
    "\x07",
    "\x7f",
    "-n",
    "-e",
    "--help",
    "=ls",
    "a=b",
    "é",
    "\u202egnp.exe",
    "日本",
    "\U0001f511",
    "\x80\x9b",
    "^a^b",
    "$'x'",
    "a'$(touch pwned)'b",
    "\\",
    "'",
    "(touch pwned)'",
    "' (touch pwned) '",
    "@",
    ":",
]
#: What a key may have in it. A key with any of the others is unusable (case 79).
IN_KEYS = [text for text in HOSTILE if text.isprintable() and " " not in text]

#: What reads names from a file and leaves what each switch led to in another, NUL between them.
LOOP = {
    "bash": "while IFS= read -r -d '' name; do fal profile use -- \"$name\";"
    ' printf \'%s\\0\' "$FAL_KEY" "$FALENV_PROFILE" "$FAL_PROFILE"; done',
    "fish": "while read -z name; fal profile use -- $name;"
    " printf '%s\\0' $FAL_KEY $FALENV_PROFILE $FAL_PROFILE; end",
}
LOOP["zsh"] = LOOP["bash"]


def toml(text: str) -> str:
    """Write text as a TOML basic string, whose escapes are JSON's but for DEL and surrogates."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def hostile_pairs() -> list[tuple[str, str]]:
    """Return each hostile name, with a key that is different each time, and as hostile."""
    keys = (f"id:{IN_KEYS[-at % len(IN_KEYS)]}{at}" for at in range(1, len(HOSTILE) + 1))
    return list(zip(HOSTILE, keys, strict=True))


def write(home: Home, pairs: list[tuple[str, str]]) -> None:
    tables = "\n".join(f"[{toml(name)}]\nkey = {toml(key)}" for name, key in pairs)
    home.write(f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\n{tables}\n')


def nothing_ran(home: Home) -> None:
    assert list(home.path.rglob("pwned")) == []


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_case_01_keys_and_names_through_eval_in_a_live_shell(
    home: Home, start: Start, kind: Kind, locale: str
) -> None:
    # A key that TOML can hold as it is goes by builtins, any other through a process and eval.
    pairs = hostile_pairs()
    if locale == "C":
        pairs = pairs[::6]
    write(home, pairs)
    names = home.path / "names"
    names.write_bytes(b"".join(name.encode() + b"\0" for name, _ in pairs))
    (home.path / "loop").write_text(f"{LOOP[kind.name]} < names > out\n")
    shell = start(kind, LANG=locale, LC_ALL=locale)
    assert shell.talk(". ./loop", 90) == ""
    found = (home.path / "out").read_bytes().split(b"\0")[:-1]
    expected = [text.encode() for name, key in pairs for text in (key, printable(name), name)]
    assert found == expected
    nothing_ran(home)


def test_case_02_and_the_prompt_shows_them_as_they_are(
    home: Home, start: Start, kind: Kind
) -> None:
    names = [
        "$(touch pwned)",
        "`touch pwned`",
        "%n%{",
        "\\u",
        "(touch pwned)",
        "a\x1b]0;pwned\x07b",
    ]
    write(home, [(name, "i:s") for name in names])
    shell = start(kind, f"{kind.live_prompt_line(PROMPT)}\n{kind.eval_line()}", NO_COLOR="1")
    for name in names:
        quoted = kind.quote(name)
        if "\x1b" in name:  # cannot be typed
            home.write(home.store.read_text().replace('"a"', toml(name), 1))
            assert shell.talk("fal profile use --default") == ""
        else:
            assert shell.talk(f"fal profile use {quoted}") == ""
        assert shell.prompts() == ""
        mark = "" if "\x1b" in name else "*"
        literal = name.replace("\x1b", r"\x1b").replace("\x07", r"\x07")
        assert shell.segment == f"(fal:{literal}{mark}) "
        assert "\x1b]0;pwned" not in shell.output
    nothing_ran(home)


#: Any text that an environment variable and a UTF-8 file can hold.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
SHARP = st.text(st.sampled_from("'\"\\$`!#%^&*(){}[]<>|;~=@ \t\n\r-an\x1b"), min_size=1)


@pytest.mark.parametrize("shell", SHELLS)
def test_case_01_any_text_through_each_dialect(
    tmp_path_factory: pytest.TempPathFactory, shell: str
) -> None:
    needs(shell)

    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.lists(TEXT | SHARP, min_size=40, max_size=80))
    def check(values: list[str]) -> None:
        home = Home(tmp_path_factory.mktemp(shell))
        dialect = dialects.find(shell)
        values = [*HOSTILE, *values, "", *map("".join, zip(HOSTILE, values, strict=False))]
        variables: dict[str, str | None] = {f"V{n}": value for n, value in enumerate(values)}
        code = dialect.render(variables)
        code += "".join(dialect.assign(f"w{n}", value) for n, value in enumerate(values))
        (home.path / "code").write_bytes(code.encode())
        read = 'eval "$(cat code)"'  # as a user has it: all of it in one string
        words = [f"{letter}{n}" for letter in "Vw" for n in range(len(values))]
        prints = "\n".join(f"printf '%s\\0' {KINDS[shell].words_of(word)}" for word in words)
        (home.path / "script").write_text(f"{read}\n{prints}\n")
        result = home.run("sh", "-c", f"{needs(shell)} script > out")
        assert result.stderr == ""
        found = (home.path / "out").read_bytes().split(b"\0")[:-1]
        wrong = [(a, b) for a, b in zip(found, values * 2, strict=True) if a != b.encode()]
        assert wrong == []
        files = {file.name for file in home.path.iterdir() if not file.name.startswith(".")}
        assert files == {"code", "script", "out"}

    check()


def test_case_01_a_nul_is_refused(home: Home, kind: Kind) -> None:
    home.write('[__internal__]\nprofile = "a"\n[a]\nkey = "id:\\u0000x"\n')
    result = home.fal("env", "--exports-only", "--shell", kind.name)
    assert ("id:" in result.stdout, result.returncode) == (False, 1)
    assert (
        "the key of profile 'a' has U+0000 (a control character) in it, as character 4; "
        in result.stderr
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_case_03_paths_with_a_space_a_quote_and_a_substitution(
    home: Home, start: Start, shell: str
) -> None:
    folder = home.path / "a \"b\" 'c' $(touch pwned) `touch pwned` \\"
    folder.mkdir()
    for name in ("fal", "falenv"):
        (folder / name).symlink_to(SCRIPTS / name)
    variables = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "FAL_CONFIG_PATH": str(folder / "it's a %store$(touch pwned).toml"),
        "XDG_STATE_HOME": str(folder / "st'ate"),
    }
    store = folder / "it's a %store$(touch pwned).toml"
    store.write_text(f'[a]\nkey = "{KEYS["a"]}"\n[b]\nkey = "{KEYS["b"]}"\n')
    store.chmod(0o600)
    session = start(shell, **variables)
    assert session.greeting == ""
    assert session.talk("fal profile set a") == "Default profile set to a."
    assert session.get("FAL_KEY") == KEYS["a"]
    assert session.own("exe") == str(folder / "falenv")
    assert session.talk("fal profile use b") == ""
    assert session.get("FAL_KEY") == KEYS["b"]
    store.write_text(store.read_text().replace(KEYS["b"], KEYS["c"]))
    assert session.prompts() == ""
    assert session.get("FAL_KEY") == KEYS["c"]
    nothing_ran(home)


def test_case_04_nothing_is_half_applied_when_env_fails(
    home: Home, start: Start, kind: Kind
) -> None:
    home.write("[a\n")
    result = home.fal("env", "--shell", kind.name)
    assert (result.stdout, result.returncode) == ("", 1)
    assert result.stderr.count("\n") == 1
    for wrong in (["--shell", "nosuch"], ["--shell"], ["--nosuch"]):
        result = home.fal("env", *wrong)
        assert (result.stdout, result.returncode) == ("", 2), wrong
    shell = start(kind, FAL_KEY="x:y")
    notice(shell.greeting)
    assert shell.get("FAL_KEY") == "x:y"
    assert shell.own("exe") == UNSET
    assert shell.snapshot() == start(kind, "", FAL_KEY="x:y").snapshot()
    # It fails closed where a profile is asked for that does not exist: never another's key.
    home.profiles("a", default="a")
    notice(shell.talk(kind.eval_line("nope")), "profile 'nope' does not exist")
    assert shell.get("FAL_KEY") == UNSET
    assert "FAL_KEY" not in shell.exported()


def test_case_04_a_full_pipe_or_a_closed_one(home: Home, tmp_path: Path) -> None:
    home.profiles("a", default="a")
    script = shlex.quote(str(SCRIPTS / "fal"))
    result = home.run("sh", "-c", f"{script} profile env --shell bash >/dev/full")
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert tmp_path.exists()
