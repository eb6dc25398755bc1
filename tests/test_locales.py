r"""No value runs as code in any locale, whatever a byte of it means there.

In GBK, Big5, GB18030 and Shift_JIS the second byte of a character can be a backslash, and the first
byte can be the last byte of a UTF-8 character. In Shift_JIS and JOHAB a backslash is another
character altogether.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import LONG, Home
from driver import Kind, Shell, needs

from falenv import dialects

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The locales in which a character can have a second byte that is ASCII.
DOUBLE = (
    ("zh_CN", "GBK"), ("zh_CN", "GB18030"), ("zh_TW", "BIG5"), ("zh_HK", "BIG5-HKSCS"),
    ("ja_JP", "SHIFT_JIS"), ("ja_JP", "SHIFT_JISX0213"), ("ja_JP", "WINDOWS-31J"),
    ("ko_KR", "JOHAB"), ("ko_KR", "CP949"),
)  # fmt: skip
#: All legacy locales that glibc lists, one for each character set.
SUPPORTED = Path("/usr/share/i18n/SUPPORTED")
#: ksh93 and fish work with wide characters. These sets have some characters twice, or lack the
#: backslash, so that the shell itself prints other bytes than it has read.
MANGLED = {
    *(("ksh", charset) for charset in ("SHIFT_JIS", "SHIFT_JISX0213", "WINDOWS-31J")),
    *(("fish", charset) for charset in ("WINDOWS-31J", "JOHAB")),
}
SHELLS = ("bash", "zsh", "fish", "dash", "ksh", "mksh")


def legacy() -> Iterator[tuple[str, str]]:
    """Yield a language and a character set for each locale to try."""
    yield from DOUBLE
    seen = {charset for _, charset in DOUBLE} | {"UTF-8"}
    if LONG and SUPPORTED.exists():
        for line in SUPPORTED.read_text().splitlines():
            name, charset = line.split()
            if charset not in seen:
                seen.add(charset)
                language, dot, rest = name.partition(".")
                modifier = rest.partition("@")[1:] if dot else ()
                yield language + "".join(modifier), charset


@pytest.fixture(scope="module")
def locale(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], dict[str, str]]:
    """Return the variables of a locale, which is made in a folder of the test's own."""
    needs("localedef")
    folder = tmp_path_factory.mktemp("locales")

    def make(language: str, charset: str) -> dict[str, str]:
        name = f"{language.replace('@', '_')}.{charset}"
        if not (folder / name).exists():
            command = ["localedef", "-c", "-i", language, "-f", charset, str(folder / name)]
            subprocess.run(command, capture_output=True, check=False)
        if not (folder / name).exists():
            if os.environ.get("CI"):
                pytest.fail(f"there is no locale {name}; is the package `locales` installed?")
            pytest.skip(f"there is no locale {name}; it is in the package `locales`")
        return {"LOCPATH": str(folder), "LC_ALL": name}

    return make


def values() -> list[bytes]:
    """Return values that run `touch PWN` if a byte before a quote or a backslash swallows it."""
    leads = [b"", *map(str.encode, "表éソ能"), *(bytes([code]) for code in range(0x80, 0x100))]
    tails = (
        rb"'; touch PWN #", rb"\'; touch PWN #", rb"\\'; touch PWN #", rb"';touch PWN;'",
        b"\\", b"'\\", rb"\;touch PWN", rb"\n\x41\$HOME", rb"`touch PWN`", rb"|touch PWN",
        rb"$(touch PWN)", rb"'|touch PWN #",
    )  # fmt: skip
    return [lead + tail for lead in leads for tail in tails]


def show(shell: str, code: Path, variables: dict[str, str], home: Home) -> bytes:
    """Eval a file in a shell; return the values of V0, V1 and so on in its environment."""
    flags = {"bash": "--norc", "zsh": "-f", "fish": "--no-config"}.get(shell, "")
    line = f"{needs(shell)} {flags} -c 'eval \"$(cat {code.name})\"; env -0'"
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=code.parent, env={**home.variables, **variables}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.stderr == b"", (shell, variables, done.stderr[-500:])
    found = dict(entry.split(b"=", 1) for entry in done.stdout.split(b"\0") if b"=" in entry)
    names = sorted((name for name in found if name[1:].isdigit()), key=lambda name: int(name[1:]))
    return b"".join(found[name] + b"\n" for name in names)


@pytest.mark.fire
@pytest.mark.parametrize("shell", SHELLS)
def test_case_91_no_value_runs_in_a_legacy_locale(
    home: Home, shell: str, locale: Callable[[str, str], dict[str, str]],
    figure: Callable[[str], None],
) -> None:  # fmt: skip
    work = home.path / "work"
    work.mkdir()
    tried = values()
    expected = b"".join(value + b"\n" for value in tried)
    dialect = dialects.find(shell)
    lines = [
        dialect.render({f"V{number}": value.decode("utf-8", "surrogateescape")})
        for number, value in enumerate(tried)
    ]
    (work / "code").write_bytes("".join(lines).encode("utf-8", "surrogateescape"))
    count = exact = 0
    for language, charset in legacy():
        variables = locale(language, charset)
        found = show(shell, work / "code", variables, home)
        assert not (work / "PWN").exists(), (shell, charset)
        if (shell, charset) not in MANGLED:
            assert found == expected, (shell, charset)
            exact += 1
        count += 1
    figure(f"locales: {shell}: {len(tried)} values in {count} locales, exact in {exact}")


NAMES = (
    "表'; touch PWN #",
    "表;touch PWN",
    "表\\;touch PWN",
    "表$(touch PWN)",
    "表`touch PWN`",
    "表`touch表|touch PWN表|表`",
    "it's; touch PWN #",
)


@pytest.mark.parametrize("charset", ["GBK", "BIG5", "GB18030", "SHIFT_JIS", "JOHAB"])
@pytest.mark.parametrize("shell", SHELLS)
def test_case_91_no_name_runs_in_a_legacy_locale(
    home: Home, shell: str, charset: str, locale: Callable[[str, str], dict[str, str]]
) -> None:
    variables = locale(*next(pair for pair in DOUBLE if pair[1] == charset))
    work = home.path / "表'; touch PWN #"  # also in the paths of the store and the program
    work.mkdir()
    store = work / "表'; touch PWN #.toml"
    variables["FAL_CONFIG_PATH"] = str(store)
    for number, name in enumerate(NAMES):
        table = name.replace("\\", "\\\\")
        store.write_text(f'[__internal__]\nprofile = "{table}"\n["{table}"]\nkey = "id:{number}"\n')
        store.chmod(0o600)
        for words in ("profile env", f"profile env --exports-only --shell {shell}"):
            done = home.script(
                shell, f'eval "$(fal {words})"; printf "<%s>" "$FAL_KEY"', **variables
            )
            assert not list(home.path.rglob("PWN")), (name, words)
            # fish cannot parse its own syntax where a backslash is another character.
            if shell != "fish" or charset not in {"SHIFT_JIS", "JOHAB"} or "only" in words:
                assert done.stdout == f"<id:{number}>", (name, words, done.stderr)


@pytest.mark.fire
@pytest.mark.parametrize("charset", ["GBK", "BIG5", "UTF-8"] if LONG else ["BIG5"])
def test_case_91_no_name_runs_by_tab_and_enter(
    home: Home, start: Callable[..., Shell], kind: Kind, charset: str,
    locale: Callable[[str, str], dict[str, str]],
) -> None:  # fmt: skip
    variables = {"LC_ALL": "C.UTF-8"}
    if charset != "UTF-8":
        variables = locale(*next(pair for pair in DOUBLE if pair[1] == charset))
    home.profiles("a", default="a")
    shell = start(kind, f"{kind.load_completions}\n{kind.eval_line()}", **variables)
    for number, name in enumerate(NAMES):
        table = name.replace("\\", "\\\\")
        # With a default and without one: the index has it in its first line.
        default = f'[__internal__]\nprofile = "{table}"\n' if number % 2 else ""
        home.write(f'{default}["{table}"]\nkey = "id:{number}"\n')
        shell.prompts()
        typed = ["\t", "'\t", '"\t']
        if kind.name == "zsh" and charset != "UTF-8":  # where it offers only ASCII
            typed = ["\t"]
        elif kind.name == "fish":  # offers `-` too, in a list. The third TAB chooses the name
            typed = [f"{name[0]}\t" if charset == "UTF-8" else "\t\t\t"]
        for before in typed if LONG else [typed[number % len(typed)]]:
            shell.type(f"fal profile use {before}")
            shell.read(0.6)
            shell.type("\r")  # where a list is open, this only chooses
            shell.read(0.3)
            shell.press("\r")
            assert not list(home.path.rglob("PWN")), (name, before)
            assert "quote>" not in shell.screen(), (name, before)
            if charset == "UTF-8":
                assert shell.get("FAL_KEY") == f"id:{number}", (name, before)
            shell.talk("fal profile use --default")


def test_the_locales_do_what_the_tests_think(
    home: Home, locale: Callable[[str, str], dict[str, str]]
) -> None:
    """With fish's own escapes, the attack works."""
    if not shutil.which("fish"):
        pytest.skip("fish is missing")
    code = "set -gx FAL_KEY '表\\'; touch PWN #'\n"
    home.script("fish", 'eval "$argv"', LC_ALL="C.UTF-8")
    (home.path / "code").write_text(code)
    for charset, runs in (("GBK", True), ("BIG5", True), ("GB18030", True), ("CP949", False)):
        variables = locale(*next(pair for pair in DOUBLE if pair[1] == charset))
        home.script("fish", 'eval "$(cat code)"', **variables)
        assert (home.path / "PWN").exists() == runs, charset
        (home.path / "PWN").unlink(missing_ok=True)
