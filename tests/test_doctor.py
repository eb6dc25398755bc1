"""doctor: each state that it names is made, found, and gone after its fix was run."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import sys
import zlib
from typing import TYPE_CHECKING, NamedTuple
from unittest import mock

import pytest
from conftest import ANOTHER, KEYS, LONG, SCRIPTS, SHELLS, Home, give_away, unprivileged
from driver import needs
from test_account import HAND, key_id
from test_verify import authority, server, verify  # noqa: F401

from falenv import newshell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Kind, Shell
    from test_verify import Client

    Row = tuple[str, str, str, str | None]

FAL = str(SCRIPTS / "fal")
A, B = key_id(KEYS["a"]), key_id(KEYS["b"])


def rows_of(text: str) -> list[Row]:
    """Return level, check, message and fix of all findings, and show that no key is in them."""
    for key in (*KEYS.values(), HAND):
        assert key.partition(":")[2] not in text
    said = json.loads(text)["findings"]
    return [(row["level"], row["check"], row["message"], row["fix"]) for row in said]


def doctor(home: Home, *words: str, **variables: str | None) -> list[Row]:
    """Run the doctor as if bash had started it, but in this process, which is faster."""
    here = home.with_variables({"PWD": str(home.path), **variables})
    with (
        mock.patch.dict(home.variables, here, clear=True),
        mock.patch("falenv.detect.shell", return_value="bash"),
    ):
        code, stdout, stderr = home.here("profile", "doctor", "--json", *words)
    rows = rows_of(stdout)
    assert (code, stderr) == (int(any(level == "error" for level, *_ in rows)), "")
    return rows


def after(home: Home, line: str, variables: dict[str, str | None]) -> dict[str, str | None]:
    """Run a line in bash, and return the variables that it has then."""
    script = f"{line}\nenv -0 > '{home.path.parent}/then'"
    done = home.run(needs("bash"), "-c", script, stdin=KEYS["c"], **variables)
    assert done.returncode == 0, done
    then = (home.path.parent / "then").read_text()
    return {**dict.fromkeys(variables), **dict(one.split("=", 1) for one in then.split("\0")[:-1])}


def odd(rows: list[Row], fine: list[Row]) -> list[Row]:
    """Return the findings that a fine home has not, but those that are ok."""
    return [row for row in rows if row not in fine and row[0] != "ok"]


class Case(NamedTuple):
    """A state: how to make it, what the doctor then says, and how the fix is run."""

    make: Callable[[Home], object]
    level: str
    check: str
    message: str
    fix: str | None
    #: The variables of the shell.
    variables: dict[str, str | None] = {}  # noqa: RUF012 - not changed
    #: What runs in place of the fix, if it is not a command; `{fix}` is the fix.
    run: str = "{fix}"


def store(text: str) -> Callable[[Home], object]:
    return lambda home: home.write(text.format(**KEYS))


GOOD = '[__internal__]\nprofile = "a"\n[a]\nkey = "{a}"\n[b]\nkey = "{b}"\n'


def put(name: str, text: str, mode: int = 0o600) -> Callable[[Home], object]:
    def make(home: Home) -> None:
        path = home.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    return make


def linked(text: str) -> Callable[[Home], object]:
    """Link the home to b, then write another text into the link."""

    def make(home: Home) -> None:
        home.fal("link", "b")
        (home.path / ".fal-profile").write_text(text)
        if text == "gone\n":
            home.fal("allow")

    return make


OLD = f"{A}:fakeold"
CASES = {
    "the store can be read": Case(
        lambda home: home.store.chmod(0o644),
        "warning", "mode", "{store} can be read by other users",
        "chmod 600 {quoted}/.fal/config.toml'",
    ),
    "the login can be read": Case(
        put(".fal/auth0_token", "refresh", 0o644),
        "warning", "mode", "{home}/.fal/auth0_token can be read by other users",
        "chmod 600 {quoted}/.fal/auth0_token'",
    ),
    "a start-up file can be written": Case(
        put(".bashrc", "# mine\n", 0o666),
        "warning", "mode", "{home}/.bashrc can be written by other users",
        "chmod 644 {quoted}/.bashrc'",
    ),
    "a dangling default": Case(
        store('[__internal__]\nprofile = "gone"\n[a]\nkey = "{a}"\n'),
        "error", "active",
        "the default is 'gone', but no such profile exists (profiles: a)",
        "fal profile unset gone", run="{fix} && fal profile set a",
    ),
    "a dangling default under a pin": Case(
        store('[__internal__]\nprofile = "gone"\n[a]\nkey = "{a}"\n'),
        "error", "default", "the default is 'gone', but no such profile exists",
        "fal profile unset gone", {"FAL_PROFILE": "a"},
    ),
    "a pin on nothing": Case(
        store(GOOD), "error", "active",
        "FAL_PROFILE names 'nope', but no such profile exists (profiles: a, b)",
        "unset FAL_PROFILE", {"FAL_PROFILE": "nope"},
    ),
    "a folder of nothing": Case(
        linked("gone\n"), "error", "active",
        "this folder's .fal-profile names 'gone', but no such profile exists (profiles: a, b)",
        "cd {quoted}' && fal profile unlink",
    ),
    "a folder that changed": Case(
        linked("a\n"), "error", "active",
        "{home}/.fal-profile has changed since you allowed it, so no profile is active here",
        "fal profile allow",
    ),
    "a folder that is not allowed": Case(
        put(".fal-profile", "b\n"), "note", "folder",
        "{home}/.fal-profile is ignored, because you have not allowed it", "fal profile allow",
    ),
    "another key": Case(
        put(".profile", f"# mine\nexport OTHER=1 FAL_KEY='{HAND}'\n"), "warning", "key",
        f"FAL_KEY in this shell is a key that no profile has (id {key_id(HAND)}), "
        "set by {home}/.profile, line 2; 'a' is active",
        'eval "$(fal profile env)"', {"FAL_KEY": HAND}, run="{fix}; rm ~/.profile",
    ),
    "another profile's key": Case(
        store(GOOD), "warning", "key",
        f"FAL_KEY in this shell is the key of profile 'b' (id {B}); 'a' is active",
        'eval "$(fal profile env)"', {"FAL_KEY": KEYS["b"]},
    ),
    "a stale key": Case(
        store(GOOD), "warning", "stale",
        "FAL_KEY in this shell is stale: it is the key of 'a' from before a change; 'a' is active "
        "now", 'eval "$(fal profile env)"',
        {"FAL_KEY": OLD, "FALENV_PROFILE": "a", "FALENV_KEY_ID": A},
    ),
    "rivals": Case(
        store(GOOD), "warning", "rivals",
        "these variables choose another account or server: FAL_KEY_ID, FAL_KEY_SECRET, "
        "FAL_GRPC_HOST", "unset FAL_KEY_ID FAL_KEY_SECRET FAL_GRPC_HOST",
        {"FAL_KEY_ID": "x", "FAL_KEY_SECRET": "y", "FAL_GRPC_HOST": "z"},
    ),
    "a host that crashes": Case(
        store(GOOD), "error", "host",
        "FAL_HOST is 'rest.fal.ai', with which every command of the official CLI crashes",
        "unset FAL_HOST FAL_RUN_HOST FAL_QUEUE_RUN_HOST", {"FAL_HOST": "rest.fal.ai"},
    ),
    "a team": Case(
        store(GOOD.replace("[a]", 'team = "acme"\n\n[a]', 1)), "warning", "team",
        "{store}, line 3 sets a team, about which the official CLI asks fal before each command "
        "that has a key; offline, or with a revoked key, all of them fail",
        "delete that line; a key has its own team", run="sed -i 3d ~/.fal/config.toml",
    ),
    "a bad host": Case(
        store(GOOD.replace("[b]", 'host = "rest.fal.ai"\n[b]')), "error", "profile",
        "{store}, line 5: the host of profile 'a' cannot be used: host 'rest.fal.ai' would crash "
        "the official CLI, which needs a host that starts with 'api', such as api.alpha.fal.ai",
        "fal profile host --unset --profile a",
    ),
    "an odd protected": Case(
        store(GOOD.replace("[b]", '[b]\nprotected = "yes"')), "warning", "profile",
        "{store}, line 6: the protected of profile 'b' is neither true nor false",
        "fal profile protect b --off", run="{fix} --yes",
    ),
    "an odd env": Case(
        store(GOOD.replace("[b]", "[b]\nenv = 1")), "warning", "profile",
        "{store}, line 6: the env of profile 'b' is not one that falenv knows",
        "fal profile protect b --exec-only --off",
    ),
    "an odd key": Case(
        store(GOOD.replace('"{b}"', "5")), "warning", "profile",
        "{store}, line 6: the key of profile 'b' is not text", "fal profile key b",
        run="{fix} --stdin",
    ),
    "a dirty key": Case(
        store(GOOD.replace('"{b}"', '" {b}"')), "warning", "flaw",
        "{store}, line 6: the key of profile 'b' has white space around it",
        "fal profile key b", run="{fix} --stdin",
    ),
    "no key": Case(
        store(GOOD.replace('key = "{a}"\n', "")), "warning", "active",
        "the active profile 'a' has no key", "fal profile key a", run="{fix} --stdin",
    ),
    "one key twice": Case(
        store(GOOD + '[c]\nkey = "{a}"\n'), "warning", "shared",
        "these profiles have the same key: 'a', 'c'", "fal profile delete c",
    ),
    "no default": Case(
        store('[a]\nkey = "{a}"\n'), "note", "active", "no profile is active",
        "fal profile set NAME", run="fal profile set a",
    ),
    "no profiles": Case(
        store(""), "note", "active", "there are no profiles yet", "fal profile set NAME",
        run="fal profile set a && fal profile key --stdin",
    ),
    "not TOML": Case(
        store(GOOD + "= =\n"), "error", "store",
        "{store}: the store is not valid TOML: Invalid statement (at line 7, column 1)",
        "fix that line", run="sed -i 7d ~/.fal/config.toml",
    ),
    "an .env file": Case(
        put(".env", f"FAL_KEY={KEYS['b']}\n"), "note", "dotenv",
        f"{{home}}/.env has a FAL_KEY (id {B} of profile 'b') for the programs that load it",
        "fal profile link b", run='{fix}; eval "$(fal profile env --exports-only)"',
    ),
    "a key in a start-up file": Case(
        put(".zshenv", f"export FAL_KEY={KEYS['b']}\n"), "note", "exported",
        f"{{home}}/.zshenv, line 1 sets a FAL_KEY (id {B} of profile 'b'), which overrides every "
        "profile", "delete that line", run="rm ~/.zshenv",
    ),
    "a universal variable": Case(
        put(".config/fish/fish_variables",
            f"# fish\nSETUVAR --export FAL_KEY:{HAND.replace(':', chr(92) + 'x3a')}\n"),
        "note", "exported",
        "{home}/.config/fish/fish_variables, line 2 sets a FAL_KEY "
        f"(id {key_id(HAND)}), which overrides every profile", "delete that line",
        run="rm ~/.config/fish/fish_variables",
    ),
}  # fmt: skip


@pytest.fixture
def fine(home: Home, monkeypatch: pytest.MonkeyPatch) -> list[Row]:
    """Return the findings in a home of two profiles, without any start-up file."""
    monkeypatch.chdir(home.path)
    monkeypatch.setattr(newshell, "SECONDS", 60)
    home.write(GOOD.format(**KEYS))
    return doctor(home)


def filled(home: Home, text: str | None) -> str | None:
    # The awkward name of the home needs quotes; the text has the last of them.
    quoted = "'" + str(home.path).replace("'", "'\\''")
    names = {"home": home.path, "store": home.store, "quoted": quoted}
    return text and text.format(**names)


@pytest.mark.fire
@pytest.mark.parametrize("name", list(CASES) if LONG else list(CASES)[::2])
def test_a_state_is_found_and_its_fix_ends_it(home: Home, fine: list[Row], name: str) -> None:
    case = CASES[name]
    case.make(home)
    (found, *others) = odd(doctor(home, **case.variables), fine)
    assert found == (case.level, case.check, filled(home, case.message), filled(home, case.fix))
    assert [row[1] for row in others] == (["exported"] if name == "another key" else [])
    # The fix is run as it was printed, in the shell that had the state.
    line = case.run.replace("{fix}", found[3] or "")
    assert odd(doctor(home, **after(home, line, case.variables)), fine) == [], line


# --- Modes and owners -----------------------------------------------------------------------------


def test_fix_changes_modes_and_nothing_else(home: Home, fine: list[Row]) -> None:
    files = {home.store: 0o644, home.path / ".zshrc": 0o646, home.path / ".fal/auth0_token": 0o604}
    state = home.path / ".local" / "state" / "falenv"
    state.mkdir(parents=True, mode=0o700)
    for path, mode in files.items():
        path.touch()
        path.chmod(mode)
    state.chmod(0o777)
    home.write(home.store.read_text() + '[c]\nkey = " x:y"\n', 0o644)
    before = {path: path.read_bytes() for path in files}
    assert [row[1] for row in odd(doctor(home), fine)] == ["flaw", *["mode"] * 4]
    with mock.patch("falenv.detect.shell", return_value="bash"):
        code, stdout, stderr = home.here("profile", "doctor", "--fix")
    assert code == 0
    assert sorted(stderr.splitlines()) == sorted(
        f"falenv: repaired: {path} can be {what} by other users"
        for path, what in zip([*files, state], ("read", "written", "read", "written"), strict=True)
    )
    assert " can be " not in stdout
    assert [row[1] for row in odd(doctor(home), fine)] == ["flaw"]
    assert {path: path.read_bytes() for path in files} == before
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (*files, state)]
    assert modes == [0o600, 0o644, 0o600, 0o755]


def test_what_others_may_have_written_is_the_users_to_judge(home: Home, fine: list[Row]) -> None:
    home.store.chmod(0o666)
    found = odd(doctor(home, "--fix"), fine)
    assert [row[:2] for row in found] == [("error", "store"), ("warning", "mode")]
    assert stat.S_IMODE(home.store.stat().st_mode) == 0o666
    # The fix of the store's own message makes a new file.
    line = (found[0][3] or "").partition("run: ")[2]
    assert odd(doctor(home, **after(home, line, {})), fine) == []


def test_an_owner_who_is_someone_else(home: Home, fine: list[Row]) -> None:
    token = home.path / ".fal" / "auth0_token"
    token.write_text("refresh\n")
    give_away(token, ANOTHER)
    (found,) = odd(doctor(home), fine)
    what = f"{token} belongs to another user (uid {ANOTHER})"
    assert found[:3] == ("error", "owner", what)
    os.chown(token, os.geteuid(), os.getegid())
    token.chmod(0o600)
    assert odd(doctor(home), fine) == []


def test_a_state_folder_that_nothing_can_be_written_to(home: Home, fine: list[Row]) -> None:
    state = home.path / ".local" / "state" / "falenv"
    state.mkdir(parents=True)
    folders = (home.store.parent, state)
    for folder in folders:
        folder.chmod(0o500)
    prefix = unprivileged()  # root could write there

    def rows() -> list[Row]:
        return rows_of(home.run(*prefix, FAL, "profile", "doctor", "--json").stdout)

    (found,) = [row for row in rows() if row[1] == "state"]
    what = f"falenv cannot write to {state}, so each change costs a shell a process"
    fix = filled(home, "chmod u+rwx {quoted}/.local/state/falenv'")
    assert found == ("warning", "state", what, fix)
    assert home.run("sh", "-c", fix or "").returncode == 0
    assert "state" not in [row[1] for row in rows()]
    home.store.parent.chmod(0o700)
    assert odd(doctor(home), fine) == []


# --- Start-up files -------------------------------------------------------------------------------


@pytest.mark.fire
@pytest.mark.parametrize("kind", SHELLS if LONG else ["zsh"], indirect=True)
def test_start_up_files_that_load_it(home: Home, fine: list[Row], kind: Kind) -> None:
    """One home for each shell: installed, behind an end, with a key below, of another version."""
    shell = str(kind)
    path = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/conf.d/falenv.fish"}[shell]
    file = home.path / path
    assert home.fal("install", shell, "--yes").returncode == 0
    block = file.read_text()
    rows = doctor(home)
    loads = [row[2] for row in rows if row[:2] == ("ok", "startup")]
    assert [line.partition(" (")[0] for line in loads] == [f"a new {shell}"]
    compinit = "autoload -Uz compinit && compinit -D\n"
    if shell == "zsh":
        (found,) = [row for row in odd(rows, fine) if row[1] == "completions"]
        assert (found[0], found[3]) == (
            "note", f"add this line to {file}: autoload -Uz compinit && compinit",
        )  # fmt: skip
        block = compinit + block
    # Behind a line that ends the file, or replaces the shell.
    for end in ("return", "test -n x && exec true", "exec sleep 0"):
        code = end if shell != "fish" else end.replace("&&", "; and")
        file.write_text(f"# return\n{code}\n{block}")
        (found,) = [row for row in odd(doctor(home), fine) if row[1] == "reached"]
        why = "line 2 ends the file, or the shell, before them"
        what = f"{file}: a new {shell} does not reach falenv's lines: {why}"
        assert found == ("warning", "reached", what, "move falenv's lines above line 2")
    file.write_text(f"{block}return\n")
    assert [row for row in odd(doctor(home), fine) if row[1] == "reached"] == []
    # A key above is set aside, one below wins.
    export = kind.export("FAL_KEY", HAND)
    for text, level, result in (
        (f"{export}\n{block}", "note", "which falenv sets aside"),
        (f"{block}{export}\n", "warning", "which replaces falenv's"),
    ):
        file.write_text(text)
        line = text[: text.index(export)].count("\n") + 1
        (found,) = [row for row in odd(doctor(home), fine) if row[1] == "exported"]
        what = f"{file}, line {line} sets a FAL_KEY (id {key_id(HAND)}), {result}"
        assert found == (level, "exported", what, "delete that line")
    # A block of another version: --fix writes it again in its place.
    old = block.replace("__falenv_cached", "__falenv_copied")
    crc = zlib.crc32(old[old.index(" >>>\n") + 5 : old.index("# <<<")].encode())
    file.write_text(f"# mine\n{re.sub('falenv [0-9a-f]{8} <<<', f'falenv {crc:08x} <<<', old)}")
    what = f"{file} has the lines of another falenv, or of another version"
    fix = f"fal profile install {shell} --yes"
    assert ("warning", "block", what, fix) in odd(doctor(home), fine)
    assert [row for row in doctor(home, "--fix") if row[1] == "block"] == []
    assert file.read_text() == f"# mine\n{block}"
    # One that the user has changed stays.
    file.write_text(block.replace(">>>\n", ">>>\n# single\n", 1))
    found = next(row for row in doctor(home, "--fix") if row[1] == "block")
    assert found[2].endswith("falenv's block was changed by hand")
    assert "single" in file.read_text()


def test_hooks_that_run_too_late(home: Home, fine: list[Row]) -> None:
    for shell, path, line in (
        ("bash", ".bashrc", "_direnv_hook() { :; }; PROMPT_COMMAND=$PROMPT_COMMAND';_direnv_hook'"),
        ("zsh", ".zshrc", "_mise_hook() { }; precmd_functions+=(_mise_hook)"),
    ):
        assert home.fal("install", shell, "--yes").returncode == 0
        file = home.path / path
        block = file.read_text()
        tool = "direnv" if shell == "bash" else "mise"
        what = f"{tool}'s hook runs after falenv's in a new {shell}, so falenv follows late"
        fix = f"move falenv's lines below {tool}'s in {file}"
        file.write_text(f"{block}{line}\n")
        assert ("warning", "hooks", what, fix) in odd(doctor(home), fine)
        file.write_text(f"{line}\n{block}")
        assert [row for row in odd(doctor(home), fine) if row[1] == "hooks"] == []


def test_start_up_files_that_hang_and_shells_that_are_too_old(
    home: Home, fine: list[Row], tmp_path: Path
) -> None:
    assert home.fal("install", "bash", "--yes").returncode == 0
    block = (home.path / ".bashrc").read_text()
    (home.path / ".bashrc").write_text(f"sleep 60 & sleep 60\n{block}")
    with mock.patch.object(newshell, "SECONDS", 0.5):
        (found,) = [row for row in odd(doctor(home), fine) if row[1] == "reached"]
    assert found[2].endswith("falenv's lines: something stops them")
    (home.path / ".bashrc").write_text(block)
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "bash").write_text(
        "#!/bin/sh\nprintf 'falenv-says version 3.1.2(1)-release\\nfalenv-says loaded x\\n'\n"
    )
    (folder / "bash").chmod(0o755)
    rows = odd(doctor(home, PATH=f"{folder}:{home.variables['PATH']}"), fine)
    assert ("warning", "versions", "bash 3.1.2(1)-release is too old for falenv",
            "install bash 3.2 or later") in rows  # fmt: skip


def test_no_start_up_file_loads_it(home: Home, fine: list[Row]) -> None:
    what, fix = "no start-up file loads falenv in a new bash", "fal profile install bash --yes"
    assert ("note", "startup", what, fix) in fine
    rows = doctor(home, **after(home, fix, {}))
    assert what not in [row[2] for row in rows]
    # An eval line of the user's own does too.
    for name in (".bashrc", ".bash_profile"):
        (home.path / name).write_text('# mine\neval "$(falenv profile env)"\n')
    rows = doctor(home)
    assert "a new bash" in str([row[2] for row in rows if row[:2] == ("ok", "startup")])
    assert what not in [row[2] for row in rows]


# --- Programs -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fine")
def test_case_66_who_owns_fal_and_how_to_put_it_right(home: Home, tmp_path: Path) -> None:
    def owner(path: str, *, integrated: bool = False) -> Row:
        here: dict[str, str | None] = {"PATH": f"{path}:/usr/bin:/bin"}
        if integrated:
            here["__falenv_shell"] = "live"
        (found,) = [row for row in doctor(home, **here) if row[1] == "fal"]
        return found

    ours = tmp_path / "ours"
    theirs = tmp_path / "theirs"
    other = tmp_path / "other"
    tools = home.path / ".local/share/uv/tools/fal/bin"
    for folder in (ours, theirs, other, tools):
        folder.mkdir(parents=True)
    shutil.copy2(SCRIPTS / "falenv", ours / "falenv")
    for folder, text in ((theirs, "from fal.cli import main"), (other, "echo other"), (tools, "x")):
        (folder / "fal").write_text(f"#!/bin/sh\n{text}\n")
        (folder / "fal").chmod(0o755)
    own = f"`fal` is falenv's ({FAL}); it runs the official CLI for all but `profile`"
    assert owner(str(SCRIPTS)) == ("ok", "fal", own, None)
    what = f"`fal` is the official CLI's ({theirs}/fal)"
    level, _, text, fix = owner(f"{theirs}:{ours}")
    assert (level, text) == (
        "note",
        f"{what}; without falenv in this shell, `fal profile` is the official CLI's too",
    )
    assert fix == 'eval "$(falenv profile env)"'
    text = f"{what}; in this shell, `fal profile` is falenv's"
    assert owner(f"{theirs}:{ours}", integrated=True) == ("ok", "fal", text, None)
    text = f"`fal` is neither falenv's nor the official CLI's: {other}/fal"
    assert owner(f"{other}:{ours}") == ("note", "fal", text, "type falenv in place of fal")
    # Uninstalling one of the two packages has removed the script of both.
    text = (
        "no `fal` is on PATH; the packages fal and falenv both have that script, and uninstalling "
        "one of them removes it"
    )
    pip = f"{sys.executable} -m pip install --force-reinstall --no-deps"
    assert owner(str(ours)) == ("warning", "fal", text, f"{pip} fal")
    shutil.rmtree(tools)
    assert owner(str(ours)) == ("warning", "fal", text, f"{pip} falenv")
    for prefix, fix in (
        ("/h/.local/share/uv/tools/falenv", "uv tool install --force falenv"),
        ("/h/.local/pipx/venvs/falenv", "pipx reinstall falenv"),
    ):
        with mock.patch("sys.prefix", prefix):
            assert owner(str(ours)) == ("warning", "fal", text, fix)
    # Two falenv; and one that is not on PATH.
    rows = doctor(home, PATH=f"{ours}:{SCRIPTS}:/usr/bin:/bin")
    (found,) = [row for row in rows if row[1] == "falenv"]
    assert found[2] == (
        f"two falenv are installed: {ours}/falenv is the one on PATH, and this is {SCRIPTS}/falenv"
    )
    (found,) = [row for row in doctor(home, PATH="/usr/bin:/bin") if row[1] == "falenv"]
    assert found == ("note", "falenv", "`falenv` is not on PATH", f"add {SCRIPTS} to PATH")


def test_the_official_cli_and_the_versions(home: Home, fine: list[Row], official: Path) -> None:
    what = "the official CLI was not found, so only `fal profile` works"
    assert ("note", "official", what, f"{sys.executable} -m pip install fal") in fine
    rows = doctor(home, PATH=f"{SCRIPTS}:{official}:/usr/bin:/bin")
    assert "official" not in [row[1] for row in rows]
    (found,) = [row for row in rows if row[1] == "versions"]
    assert re.fullmatch(r"falenv \S+, Python [\d.]+, official CLI 1\.83\.0", found[2])


# --- The command ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("fine")
def test_text_and_json_are_one_list(home: Home, start: Callable[..., Shell]) -> None:
    home.write(home.store.read_text() + "[z]\nkey = 5\n")
    shell = start("bash")
    said = shell.stdout("fal profile doctor --json")
    rows = rows_of(said)
    assert ("ok", "shell", "this bash has loaded falenv", None) in rows
    lines = []
    for level, _, text, fix in rows:
        lines.append(f"{level:9}{text}")
        lines += [f"{'':9}fix: {fix}"] if fix else []
    assert shell.stdout("fal profile doctor").splitlines() == lines
    assert shell.talk("fal profile doctor").splitlines() == lines
    assert "\x1b[33mwarning\x1b[0m" in shell.output
    shell.output = ""
    assert shell.talk("NO_COLOR=1 fal profile doctor").splitlines() == lines
    assert "\x1b[33mwarning" not in shell.output
    # In an integrated shell the fixes are what is typed there.
    shell.talk("fal profile use b")
    shell.export("FAL_KEY", HAND)
    (found,) = [
        row for row in rows_of(shell.stdout("fal profile doctor --json")) if row[1] == "key"
    ]
    assert found[3] == "fal profile use b"
    assert shell.talk(found[3]) == ""
    found_after = rows_of(shell.stdout("fal profile doctor --json"))
    assert ("ok", "key", "FAL_KEY is the key of profile 'b'", None) in found_after


def test_the_network_is_asked_only_on_request(home: Home, verify: Client) -> None:  # noqa: F811
    home.write('[__internal__]\nprofile = "me"\n[me]\nkey = "me:fakesecret00000000000000000000"\n')

    def account(*words: str) -> tuple[int, list[Row]]:
        command = verify.command()
        command[-1:] = ["doctor", "--json", *words]
        done = home.run(*command)
        return done.returncode, [row for row in rows_of(done.stdout) if row[1] == "account"]

    before = home.store.read_bytes()
    assert account() == (0, [])
    assert verify.server.requests == []
    valid = "the key of profile 'me' is valid: Ada Lovelace (ada), personal account, paying"
    assert account("--network") == (0, [("ok", "account", valid, None)])
    for name, row in (
        ("wrong", ("error", "account",
                   "the key of profile 'me' is wrong: fal does not know this key (401)",
                   "fal profile key me")),
        ("shut", ("error", "account",
                  "the key of profile 'me' is valid, but the account is locked",
                  "see your account at https://fal.ai/dashboard")),
        ("fault", ("warning", "account",
                   "the key of profile 'me' is unknown: rest.fal.ai has a fault (503)",
                   "try again later")),
    ):  # fmt: skip
        verify.server.answers["me"] = verify.server.answers[name]
        assert account("--network") == (int(row[0] == "error"), [row])
    assert home.store.read_bytes() == before
