"""Housekeeping: rename, import, export, the output formats, edit, `key --print`."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import tomli
from conftest import KEYS, SCRIPTS, Home
from driver import Kind, Shell, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Shell]


@pytest.fixture(autouse=True)
def _in_home(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home.path)


def fal(
    home: Home, *words: str, stdin: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `fal profile …` in this process."""
    with mock.patch.dict(home.variables, variables):
        return subprocess.CompletedProcess(words, *home.here("profile", *words, stdin=stdin))


# --- rename --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bash", "zsh", "fish", "ksh"])
def test_rename_reaches_the_default_the_pins_and_the_links_of_open_shells(
    home: Home, start: Start, name: str
) -> None:
    needs(name)
    home.profiles("a", "b", default="a")
    (home.path / "p").mkdir()
    one, pinned = start(name), start(name)
    assert pinned.talk("fal profile use a") == ""
    one.talk("cd p; fal profile link a")
    assert one.talk("fal profile rename a work") == (
        f"Profile a renamed to work.\nfalenv: {home.path}/p/.fal-profile names 'work' now"
    )
    # Of what a file can hold, a renamed one differs in the name only.
    assert (home.path / "p" / ".fal-profile").read_text() == "work\n"
    assert (one.segment, one.get("FAL_KEY")) == ("(fal:work/) ", KEYS["a"])
    assert pinned.prompts() == "falenv: profile 'a' is named 'work' now"
    assert (pinned.segment, pinned.get("FAL_PROFILE")) == ("(fal:work*) ", "work")
    assert pinned.prompts() == ""
    # In the shell that is pinned, and followed by one that follows the default.
    one.talk("cd ..")
    assert one.segment == "(fal:work) "
    assert pinned.talk("fal profile rename work w2").splitlines()[0] == (
        "Profile work renamed to w2."
    )
    assert (pinned.segment, pinned.exported()["FAL_PROFILE"]) == ("(fal:w2*) ", "w2")
    assert one.prompts() == "falenv: profile 'work' is named 'w2' now"
    assert (one.segment, one.get("FAL_KEY")) == ("(fal:w2) ", KEYS["a"])
    assert one.talk("cd p") == ""
    assert one.segment == "(fal:w2/) "


def test_rename_never_leads_a_pin_to_another_account(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="b")
    shell = start("bash")
    shell.talk("fal profile use a")
    assert fal(home, "rename", "a", "c").returncode == 0
    assert fal(home, "key", "c", "--stdin", stdin=KEYS["example"]).returncode == 0
    said = notice(shell.prompts(), "FAL_PROFILE names 'a', but no such profile exists")
    assert said.endswith(": it is named 'c' now; use that name")
    assert shell.get("FAL_KEY") == "<unset>"


def test_what_still_has_the_old_name_is_told_the_new_one(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    shell = start("bash")
    shell.talk("fal profile use a; fal profile use b; fal profile rename a c")
    said = "falenv: profile 'a' does not exist: it is named 'c' now; use that name"
    assert shell.talk("fal profile use -") == said
    assert shell.get("FAL_KEY") == KEYS["b"]
    home.profiles("a", "b", default="a")
    assert home.here("profile", "rename", "a", "c")[0] == 0
    now = "does not exist: it is named 'c' now; use that name\n"
    for words in (["exec", "a", "--", "true"], ["env", "a", "--shell", "bash"], ["use", "a"]):
        done = home.fal(*words)
        assert (done.returncode, done.stderr) == (1, f"falenv: profile 'a' {now}"), words
    # Only as long as that is so.
    fal(home, "rename", "c", "d")
    assert "it is named 'd' now" in fal(home, "use", "a").stderr
    fal(home, "rename", "d", "a")
    assert fal(home, "key", "a", "--print").stdout == f"{KEYS['a']}\n"
    fal(home, "delete", "a")
    assert "named" not in fal(home, "use", "a").stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('# top\n[ "a" ]  # mine\nkey = "k:1"\n# end\n\n# b\'s\n[b]\n[a.deep.er]\nx=1', None),
        ('a.key = "k:1"\na.host = ""\n[b]\n', None),
        ("[[a]]\nx=1\n[b]\n", None),
        ("[a]\r\nkey='k:1'\r\n[a.s]\r\ny=2", None),
        ("a = {key = 'k:1'}\n", "\"n@w\"= {key = 'k:1'}\n"),
    ],
)
def test_rename_changes_headers_only(home: Home, before: str, after: str | None) -> None:
    home.write(before)
    code, _, said = home.here("profile", "rename", "a", "n@w")
    if before.startswith("[["):
        assert (code, home.store.read_text()) == (1, before), said
        return
    assert (code, said) == (0, "")
    expected = after or before.replace('[ "a" ]', '["n@w"]').replace("[a", '["n@w"').replace(
        "a.", '"n@w".'
    )
    assert home.store.read_bytes().decode() == expected


def test_rename_refuses_and_then_changes_nothing(home: Home) -> None:
    home.profiles("a", "b", default="a")
    home.store.write_text(f"check = 1\n{home.store.read_text()}")
    before = home.store.read_bytes()
    form = "use letters, digits and any of . _ - @ + /"
    taken = "the store has a global setting of that name"
    cure = "to see all profiles: fal profile list"
    for words, said in (
        (["a", "b"], "profile 'b' already exists; choose another name"),
        (["a", "a"], "profile 'a' already exists; choose another name"),
        (["a", "x y"], f"'x y' cannot be a profile's name: it contains ' '; {form}"),
        (["a", "check"], f"'check' cannot be a profile's name: {taken}; {form}"),
        (["no", "c"], f"profile 'no' does not exist (profiles: a, b); {cure}"),
    ):
        assert home.here("profile", "rename", *words) == (1, "", f"falenv: {said}\n")
    assert home.store.read_bytes() == before


def test_rename_in_folders_that_say_something_else_or_cannot_be_written(home: Home) -> None:
    home.profiles("a", "b", default="b")
    paths = {}
    for name in ("other", "gone", "linked", "denied", "mine"):
        (home.path / name).mkdir()
        paths[name] = home.path / name / ".fal-profile"
        home.run("sh", "-c", f"cd {name} && fal profile link a")
    paths["other"].write_text("b\n")
    paths["gone"].unlink()
    paths["linked"].rename(home.path / "moved")
    paths["linked"].symlink_to(home.path / "moved")
    home.run("sh", "-c", "cd denied && fal profile deny")
    done = fal(home, "rename", "a", "c", "--json")
    assert json.loads(done.stdout) == {
        "command": "rename", "profile": "c", "was": "a", "links": [str(paths["mine"])],
        "default": "b", "store": str(home.store),
    }  # fmt: skip
    assert done.stderr == f"falenv: {paths['mine']} names 'c' now\n"
    texts = {name: path.read_text() for name, path in paths.items() if name != "gone"}
    assert texts == {"other": "b\n", "linked": "a\n", "denied": "a\n", "mine": "c\n"}
    # Outside of an integrated shell nothing changes FAL_PROFILE.
    done = fal(home, "rename", "c", "d", FAL_PROFILE="c")
    assert done.stderr.splitlines()[-1] == (
        "falenv: FAL_PROFILE still names 'c'; set it to the new name"
    )


# --- import --------------------------------------------------------------------------------------

EVIL = """\
[__internal__]
profile = "x"
[x]
key = "kx:fromteam"
env = "exec"
protected = true
account = "someone"
color = "red"
region = "eu"
[y]
host = "api.alpha.fal.ai"
key_command = ["touch", "ran"]
[z]
keyring = true
key_id = "kz"
"""


def test_import_takes_key_host_and_colour_and_nothing_else(home: Home) -> None:
    home.profiles("a", default="a")
    (home.path / "t.toml").write_text(EVIL)
    done = fal(home, "import", "t.toml")
    assert (done.returncode, done.stdout) == (
        0,
        "".join(f"Profile {name} imported.\n" for name in "xyz"),
    )
    assert done.stderr == (
        "falenv: not imported with 'x': env, protected, account, region\n"
        "falenv: not imported with 'y': key_command\n"
        "falenv: profile 'y' has no key; to set one: fal profile key y\n"
        "falenv: not imported with 'z': keyring, key_id\n"
        "falenv: profile 'z' has no key; to set one: fal profile key z\n"
    )
    data = tomli.loads(home.store.read_text())
    assert data == {
        "__internal__": {"profile": "a"},
        "a": {"key": KEYS["a"]},
        "x": {"key": "kx:fromteam", "color": "red"},
        "y": {"host": "api.alpha.fal.ai"},
        "z": {},
    }
    before = home.store.read_bytes()
    unchanged = "".join(f"Profile {name} is unchanged.\n" for name in "xyz")
    assert fal(home, "import", "t.toml").stdout == unchanged
    assert home.store.read_bytes() == before


def test_import_replaces_only_if_asked_and_then_all_that_belongs_to_a_key(home: Home) -> None:
    store = (
        '[a]  # mine\nkey = "k:old"\nhost = "api.fal.ai"\naccount = "me"\nkey_id = "k"\n'
        'protected = true\nregion = "eu"\n'
    )
    home.write(store)
    (home.path / ".env").write_text("export FAL_KEY='k:new' # c\n")
    refused = fal(home, "import", ".env", "a")
    assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", (
        "falenv: nothing was changed: profile 'a' already exists; "
        "to replace the key and host there, add --replace\n"
    ))  # fmt: skip
    assert home.store.read_text() == store
    done = fal(home, "import", ".env", "a", "--replace", "--yes", "--json")
    assert json.loads(done.stdout)["profiles"] == [
        {"profile": "a", "result": "replaced", "key_id": "k", "host": None, "left_out": []}
    ]
    assert home.store.read_text() == (
        '[a]  # mine\nkey = "k:new"\nprotected = true\nregion = "eu"\n'
    )
    # A template has no key, so the one that is there stays.
    (home.path / "t.toml").write_text('[a]\nhost = "api.alpha.fal.ai"\n')
    assert fal(home, "import", "t.toml", "--replace", "--yes").returncode == 0
    assert home.store.read_text() == (
        '[a]  # mine\nkey = "k:new"\nprotected = true\nregion = "eu"\nhost = "api.alpha.fal.ai"\n'
    )


KEY = "FAL_KEY=a:b\n"
IMPORT_HELP = "see: fal profile import --help"
GIVE = f"give FILE and a NAME, or --from-env; {IMPORT_HELP}"
CURE = 'write it as key = "ID:SECRET", or run: fal profile key n'
CRASH = "would crash the official CLI, which needs a host that starts with 'api', such as"
FOREIGN = "sends its key to 'api.evil.com', which fal does not own; to allow that, add --allow-host"
BAD_TOML = "Expected ']' at the end of a table declaration (at line 1, column 3); fix that line"
WANTS = "The key must be in the format key:value."
LETTERS = "use letters, digits and any of . _ - @ + /"


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("FAL_KEY=$X\n", "f n", "f: the key refers to another variable; write its value there"),
        (KEY, "f", f"f does not say how to name the profile; add a NAME; {IMPORT_HELP}"),
        ("X=1\n", "f n", "f has neither FAL_KEY nor FAL_KEY_ID with FAL_KEY_SECRET"),
        ("FAL_KEY=no\n", "f n", f"f: the key of profile 'n': Invalid key. {WANTS}"),
        (KEY, "f x!", f"'x!' cannot be a profile's name: it contains '!'; {LETTERS}"),
        (f"{KEY}FAL_HOST=r.x", "f n", f"host 'r.x' {CRASH} api.alpha.fal.ai"),
        (f"{KEY}FAL_HOST=api.evil.com", "f n", f"nothing was changed: profile 'n' {FOREIGN}"),
        ("[n]\nkey = 1\n", "f", f"f, line 2: the key of profile 'n' is not text; {CURE}"),
        ("[x]\n[y]\n", "f z", "f has no profile 'z' (profiles: x, y)"),
        ("[__internal__]\n", "f", "f has no profiles"),
        ("[x\n", "f", f"f: the store is not valid TOML: {BAD_TOML}"),
        ("", "nofile", "'nofile' could not be read: No such file or directory"),
        ("", ".", "'.' could not be read: is a folder"),
        ("", "", GIVE),
        ("", "--from-env a b", GIVE),
    ],
)
def test_import_refuses_and_then_changes_nothing(
    home: Home, text: str, words: str, said: str
) -> None:
    home.profiles("a", default="a")
    before = home.store.read_bytes()
    (home.path / "f").write_text(text)
    code, out, err = home.here("profile", "import", *words.split())
    assert (out, err) == ("", f"falenv: {said}\n")
    assert code == (2 if "--help" in said else 1)
    assert home.store.read_bytes() == before


def test_import_from_the_pair_from_standard_input_and_from_the_environment(home: Home) -> None:
    home.profiles("a", default="a")
    done = fal(home, "import", "-", "one", stdin="\ufeffFAL_KEY_ID=i\nFAL_KEY_SECRET='s'\n")
    assert (done.stdout, done.stderr) == ("Profile one imported.\n", "")
    # Which name a file says itself.
    done = fal(home, "import", "-", stdin='FAL_KEY="i:2"\nFAL_PROFILE=two\n')
    assert (done.stdout, done.stderr) == ("Profile two imported.\n", "")
    done = fal(home, "import", "--from-env", "three", FAL_KEY_ID="i", FAL_KEY_SECRET="3",
                    FAL_HOST="api.fal.ai")  # fmt: skip
    assert (done.stdout, done.stderr) == ("Profile three imported.\n", "")
    done = fal(home, "import", "-", "none", stdin="X=1\n")
    assert done.stderr.startswith("falenv: standard input has neither FAL_KEY nor FAL_KEY_ID")
    done = fal(home, "import", "-", "none", stdin=f"#{'-' * 2**21}\n{KEY}")
    assert (done.stdout, done.stderr) == ("", "falenv: standard input is larger than 2 MiB\n")
    done = fal(home, "import", "--from-env", FAL_KEY="i:4", FAL_PROFILE="four")
    assert done.stdout == "Profile four imported.\n"
    found = tomli.loads(home.store.read_text())
    assert [found[name] for name in ("one", "two", "three", "four")] == [
        {"key": "i:s"}, {"key": "i:2"}, {"key": "i:3", "host": "api.fal.ai"}, {"key": "i:4"}
    ]  # fmt: skip


def test_import_in_shells_and_a_foreign_host_on_a_terminal(
    home: Home, start: Start, kind: Kind
) -> None:
    """The key that falenv set aside is the user's own; a host of theirs is asked about."""
    home.profiles("a", default="a")
    shell = start(kind, f"{kind.export('FAL_KEY', 'own:key')}\n{kind.eval_line()}")
    assert shell.talk("fal profile import --from-env mine") == "Profile mine imported."
    assert shell.talk("fal profile key mine --print | cat") == "own:key"
    notice(shell.talk("fal profile import - b"), "standard input is a terminal; give a FILE")
    (home.path / "f.env").write_text("FAL_KEY=k:new\nFAL_HOST=api.evil.com\n")
    question = "Profile b sends its key to api.evil.com, which fal does not own. Import it? [y/N]: "
    for answer, said in (
        ("n", "falenv: cancelled; nothing was changed"),
        ("y", "Profile b imported."),
    ):
        shell.type("fal profile import f.env b\r")
        shell.wait(lambda: shell.screen().endswith(question.rstrip()), "the question")
        assert shell.press(f"{answer}\r") == said
    # The shell's own profile gets its new key at once, and no other.
    (home.path / "f.env").write_text("FAL_KEY=k:newer\n")
    assert shell.talk("fal profile import f.env a --replace") == "Profile a replaced."
    assert (shell.segment, shell.get("FAL_KEY")) == ("(fal:a) ", "k:newer")


# --- export --------------------------------------------------------------------------------------


def test_export_and_import_are_inverse_and_a_template_has_no_keys(home: Home) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "api.fal.ai"\n'
        f'color = "red"\naccount = "me"\nkey_id = "x"\nkye = "{KEYS["c"]}"\n[b]\nkey = " q:r "\n'
        'n = nan\n["odd n"]\n'
    )
    done = fal(home, "export", "a", "b", "--output", "out.toml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Wrote a, b to out.toml.\n", "")
    out = home.path / "out.toml"
    assert out.stat().st_mode & 0o777 == 0o600
    assert fal(home, "export", "a", "b").stdout == out.read_text()
    other = str(home.path / "other" / "store")
    done = fal(home, "import", "out.toml", FAL_CONFIG_PATH=other)
    assert done.stdout == "Profile a imported.\nProfile b imported.\n"
    assert tomli.loads((home.path / "other" / "store").read_text()) == {
        "a": {"key": KEYS["a"], "host": "api.fal.ai", "color": "red"}, "b": {"key": "q:r"},
    }  # fmt: skip
    done = fal(home, "export", "--no-keys", "a", "odd n")
    assert tomli.loads(done.stdout) == {"a": {"host": "api.fal.ai", "color": "red"}, "odd n": {}}
    assert done.stdout.startswith("# Profiles without keys.")
    done = fal(home, "export", "a", "--format", "dotenv", "--output", ".env", "--json")
    assert json.loads(done.stdout) == {
        "command": "export", "profiles": ["a"], "has_keys": True, "file": f"{home.path}/.env",
        "default": "a", "store": str(home.store),
    }  # fmt: skip
    assert fal(home, "import", ".env", "again").stdout == "Profile again imported.\n"


def test_export_keeps_keys_out_of_git(home: Home) -> None:
    git = needs("git")
    home.profiles("a", default="a")
    tree = home.path / "t"
    (tree / "sub").mkdir(parents=True)
    home.run(git, "init", "-q", "t")
    (tree / ".gitignore").write_text("*.toml\n")
    (tree / "tracked.toml").write_text("")
    home.run(git, "-C", "t", "add", "-f", "tracked.toml")
    home.run(git, "-C", "t", "config", "core.fsmonitor", "touch ran; :")
    (home.path / "way").symlink_to(tree / "sub")
    for file in ("t/x", "t/sub/x", "way/x", "t/tracked.toml"):
        for words in ([], ["--format", "json"]):
            done = fal(home, "export", "a", "--output", file, "--replace", *words, GIT_DIR="/none")
            assert (done.returncode, done.stdout) == (1, ""), file
            assert done.stderr == (
                f"falenv: nothing was written: '{file}' would be in the git tree {tree}, where the "
                "key could be committed; add the file to .gitignore, or write it elsewhere\n"
            )
    assert fal(home, "export", "--output", "t/sub/x.toml").returncode == 0
    assert fal(home, "export", "--no-keys", "--output", "t/template").returncode == 0
    assert not list(home.path.rglob("ran"))
    # Nobody can tell without git.
    done = fal(home, "export", "--output", "t/y.toml", PATH=str(SCRIPTS))
    assert done.returncode == 1


def test_export_refuses(home: Home) -> None:
    home.profiles("a", "b", default="a")
    before = home.store.read_text()
    (home.path / "f").write_text("mine")
    os.mkfifo(home.path / "fifo")
    (home.path / "way").symlink_to(home.store)
    special = "'fifo' is not a regular file; name another file"
    is_store = "'way' is the store itself; name another file"
    for words, code, said in (
        (["a", "--output", "f"], 1, "'f' exists already; to replace it, add --replace"),
        (["a", "--output", "."], 1, "'.' is a folder; name a file"),
        (["a", "--output", "fifo", "--replace"], 1, special), (["--output", "fifo"], 1, special),
        (["a", "--output", "way", "--replace"], 1, is_store),
        (["a", "--output", "no/f"], 1, "'no/f' could not be written: No such file or directory"),
        (["no"], 1, ""),
        (["a", "b", "--format", "json"], 2, ""), (["a", "--no-keys", "--format", "json"], 2, ""),
        (["a", "--format", "github", "--output", "x"], 2, ""), (["--json"], 2, ""),
        (["a", "--format", "json", "--json"], 2, ""), (["a", "--output", "-", "--json"], 2, ""),
    ):  # fmt: skip
        done = fal(home, "export", *words)
        assert (done.returncode, done.stdout) == (code, ""), words
        assert not said or done.stderr == f"falenv: {said}\n"
    assert ((home.path / "f").read_text(), home.store.read_text()) == ("mine", before)
    assert (home.path / "fifo").is_fifo()
    # As for import, - is a standard stream.
    assert fal(home, "export", "a", "--output", "-").stdout == fal(home, "export", "a").stdout
    assert fal(home, "export", "--output", "f", "--replace").returncode == 0
    assert (home.path / "f").stat().st_mode & 0o777 == 0o600


# --- key --print ---------------------------------------------------------------------------------


def test_key_print_is_for_the_profile_in_the_prompt(home: Home) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\n[b]\nkey = " q:r "\n[c]\n'
    )
    assert home.here("profile", "key", "--print") == (0, f"{KEYS['a']}\n", "")
    assert home.here("profile", "key", "b", "--print") == (0, "q:r\n", "")
    said = "falenv: profile 'c' has no key; to set one: fal profile key c\n"
    assert home.here("profile", "key", "c", "--print") == (1, "", said)
    assert home.here("profile", "key", "--print", "--stdin")[0] == 2
    # A shell on b, while the default is a.
    done = fal(home, "key", "--print", FALENV_PROFILE="b", FALENV_KEY_ID="q", FAL_KEY="q:r")
    assert (done.stdout, done.stderr) == ("q:r\n", "")
    fal(home, "unset")
    said = "falenv: no profile is active; choose one: fal profile set NAME\n"
    assert home.here("profile", "key", "--print") == (1, "", said)


# --- edit ----------------------------------------------------------------------------------------


def test_edit_saves_what_is_whole_and_nothing_else(home: Home) -> None:
    home.profiles("a", "b", default="a")
    before = home.store.read_text()

    def edited(*scripts: str) -> tuple[int, str, str]:
        text = " ".join(f"-e '{script}'" for script in scripts)
        done = fal(home, "edit", EDITOR=f"sed -i {text}", VISUAL="")
        return done.returncode, done.stdout, done.stderr.removeprefix("falenv: ")

    nothing = "falenv: nothing was changed\n"
    for script, said in (
        ("s/^.a.$/[a/", "the store is not valid TOML: Expected ']' at the end of a table decl"),
        ("s/^.a.$/[x y]/", None),
        ('/^key/s/"/1#/', "line 5: the key of profile 'a' is not text"),
        ('s/= .a.$/= "zz"/', "the default is 'zz', but no such profile exists"),
        ("4,5d", "the default 'a' is gone; choose another there"),
        ("s/= .a.$/= 1/", "line 2: the default profile is not text"),
        ('s/^.b.$/["x y"]/', "'x y' cannot be a profile's name: it contains ' '"),
    ):  # fmt: skip
        code, out, err = edited(script)
        assert (code, out) == (1, ""), script
        assert err.endswith(nothing), (script, err)
        assert said is None or said in err.partition("\n")[0], (script, err)
        assert KEYS["a"].partition(":")[2] not in err
        assert home.store.read_text() == before
    assert edited("s/x/x/") == (0, "Nothing was changed.\n", "")
    assert edited("1s/^/# mine\\n/", "s/^.b.$/[c]/") == (0, f"Saved {home.store}.\n", "")
    assert home.store.read_text() == "# mine\n" + before.replace("[b]", "[c]")
    # What is broken already can be repaired, also a store that nothing else can read.
    home.write("[a\n")
    code, out, err = edited("s/x/x/")
    assert (code, out, home.store.read_text()) == (1, "", "[a\n")
    assert err.startswith(f"{home.store}: the store is not valid TOML: Expected ']' at the end")
    assert err.count("\n") == 1
    assert edited("s/a/a]/") == (0, f"Saved {home.store}.\n", "")
    home.write("[__internal__]\nprofile = 1\n")
    code, out, err = edited("s/x/x/")
    assert (code, out) == (1, "")
    assert err.startswith(f"{home.store}, line 2: the default profile is not text; ")
    home.write("[a]\nkey = 1\n[b]\n")
    assert edited("s/b/c/") == (0, f"Saved {home.store}.\n", "")
    for editor, said in (
        ("false", "the editor '/usr/bin/false' failed, so nothing was changed"),
        ("no-such-editor", "the editor 'no-such-editor' was not found; set EDITOR"),
        ("'", "VISUAL or EDITOR is not a command; set EDITOR, for example to nano"),
    ):
        done = fal(home, "edit", EDITOR=editor)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"falenv: {said}\n")
    # Neither of these is left.
    assert list((home.path / ".local/state/falenv/edit").iterdir()) == []


def test_edit_without_a_terminal_and_an_editor_starts_none(home: Home) -> None:
    home.profiles("a", default="a")
    done = home.fal("edit", EDITOR=None, VISUAL=None)
    assert (done.returncode, done.stdout) == (1, "")
    notice(done.stderr.rstrip("\n"), "needs a terminal", "EDITOR")


def test_edit_on_a_terminal(home: Home, start: Start, kind: Kind) -> None:
    """Nothing but the user has the copy, others can write meanwhile, and mistakes go back."""
    home.profiles("a", "b", default="a")
    (home.path / "lock").symlink_to(home.store.with_name(".config.toml.lock"))
    # First a mistake, then a repair while the store changes, then an edit of the new text.
    editor = home.path / "editor"
    editor.write_text(
        """#!/bin/sh
        echo >> turns
        stat -c %a "$1" "${1%/*}" >> rights
        case $(wc -l < turns) in
            1) echo '[broken' >> "$1" ;;
            2) flock -n lock true && fal profile create new > said
               sed -i '/broken/d' "$1"; echo '[c]' >> "$1" ;;
            3) grep -c '^.new.$' "$1" > seen; grep -c '^.c.$' "${1%/*}/yours.toml" >> seen
               sed -i 's/= "new"/= "b"/' "$1" ;;
        esac
        """
    )
    editor.chmod(0o755)
    shell = start(kind, EDITOR="./editor", VISUAL=None)
    shell.talk("fal profile host --unset")  # makes the lock
    shell.type("fal profile edit\r")
    shell.wait(lambda: shell.screen().endswith("Edit again? [Y/n]:"), "the first question")
    again = "Edit again, from the new text? [Y/n]:"
    shell.type("\r")
    shell.wait(lambda: shell.screen().endswith(again), "the second question")
    changed = "(the default changed; 'new' added)"
    assert f"falenv: not saved: {home.store} has changed since {changed}; your text is in" in (
        shell.screen()
    )
    assert shell.press("\r") == f"Saved {home.store}."
    assert (home.path / "rights").read_text() == "600\n700\n" * 3
    assert (home.path / "seen").read_text() == "1\n1\n"
    assert tomli.loads(home.store.read_text()) == {
        "__internal__": {"profile": "b"}, "a": {"key": KEYS["a"]}, "b": {"key": KEYS["b"]},
        "new": {},
    }  # fmt: skip
    # It was typed here, so this shell follows at once.
    assert (shell.segment, shell.get("FAL_KEY")) == ("(fal:b) ", KEYS["b"])
    assert list((home.path / ".local/state/falenv/edit").iterdir()) == []
