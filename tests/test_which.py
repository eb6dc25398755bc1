"""Two names for one program: which `fal` runs, the function `falenv`, and where falenv may be."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

import pytest
from conftest import KEYS, POSIX_SHELLS, SCRIPTS, SHELLS, copied_programs
from driver import KINDS, UNSET, Kind, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]

#: What a program in the place of the official CLI prints.
OFFICIAL = '#!/bin/sh\necho "official <$*> ${FAL_KEY%%:*} ${MINE-}"\n'
HELP = "Usage: falenv [OPTIONS] COMMAND [ARGS]..."
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/conf.d/falenv.fish"}


@pytest.fixture(params=[*SHELLS, *POSIX_SHELLS])
def any_kind(request: pytest.FixtureRequest) -> Kind:
    needs(request.param)
    return KINDS[request.param]


@pytest.fixture(autouse=True)
def _quiet_fish(home: Home, tmp_path: Path) -> None:
    home.variables["XDG_DATA_HOME"] = str(tmp_path / "data")
    (tmp_path / "data" / "fish" / "generated_completions").mkdir(parents=True)


@pytest.fixture(autouse=True)
def profiles(home: Home) -> None:
    home.profiles("a", "b", default="a")


@pytest.fixture
def behind(home: Home) -> Home:
    """Return a home with an official CLI on PATH, behind our programs."""
    put_official(home, "official")
    return home


def put_official(home: Home, name: str, *, first: bool = False) -> Path:
    folder = home.path / name
    folder.mkdir()
    (folder / "fal").write_text(OFFICIAL)
    (folder / "fal").chmod(0o755)
    path = home.variables["PATH"]
    home.variables["PATH"] = f"{folder}:{path}" if first else f"{path}:{folder}"
    return folder


def ran(arguments: str, key: str = "a", mine: str = "") -> str:
    return f"official <{arguments}> {KEYS[key].partition(':')[0]} {mine}\n"


# --- fal and falenv in an integrated shell --------------------------------------------------------


def test_case_62_fal_is_the_official_clis_and_falenv_is_ours(behind: Home, any_kind: Kind) -> None:
    words = ("", "--help", "-h", "--version", "app list", "-- x", "-- --help")
    lines = [any_kind.eval_line(f"--shell {any_kind}"), *(f"fal {word}" for word in words)]
    done = behind.script(any_kind, "\n".join(lines))
    assert (done.stdout, done.stderr) == ("".join(map(ran, words)), "")
    for word in ("", "--help", "-h"):
        done = behind.script(any_kind, f"{lines[0]}\nfalenv {word}")
        assert (done.stdout.partition("\n")[0], done.stderr, done.returncode) == (HELP, "", 0)
    done = behind.script(any_kind, f"{lines[0]}\nfalenv --version\nfalenv app list")
    assert done.stdout.splitlines()[0].startswith("falenv, version ")
    assert done.stdout.splitlines(keepends=True)[1:] == [ran("app list")]


@pytest.mark.parametrize("word", ["", "--help", "-h", "--version"])
def test_case_62_without_an_official_cli_the_help_and_how_to_get_one(home: Home, word: str) -> None:
    words = word.split()
    for command in (
        [str(SCRIPTS / "fal"), *words],
        ["bash", "-c", f'eval "$(fal profile env)"; fal {word}'],
    ):
        done = home.run(*command)
        assert (done.returncode, done.stdout.partition("\n")[0]) == (127, HELP)
        notice(done.stderr.rstrip("\n"), "install it: pip install fal")


def test_python_m_falenv_has_falenvs_help(behind: Home) -> None:
    done = behind.run(sys.executable, "-m", "falenv", "--help")
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, HELP)


def test_falenv_profile_acts_on_this_shell(home: Home, start: Start, any_kind: Kind) -> None:
    home.write(home.store.read_text() + f'[failed]\nkey = "{KEYS["c"]}"\n')
    shell = start(any_kind, any_kind.eval_line(f"--shell {any_kind}"))
    assert shell.talk("falenv profile use failed") == ""
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert shell.talk("falenv profile use b") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("falenv profiles use --default") == ""
    assert shell.talk("falenv profile set b") == "Default profile set to b."
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert "see: fal profile --help" in shell.talk("falenv profile nonsense")
    assert shell.talk("falenv profile off") == ""
    for name in ("fal", "falenv"):
        assert str(SCRIPTS / name) in shell.stdout(f"command -v {name}")
    assert "only the shell function" in shell.talk("falenv profile off").replace("\n", " ")
    home.profiles("a", default="a")


def test_without_the_other_functions_falenv_is_the_plain_command(home: Home, kind: Kind) -> None:
    remove = {
        "bash": "unset -f $(compgen -A function __falenv_)",
        "zsh": "unfunction ${(Mk)functions:#__falenv_*}",
        "fish": "functions -e (functions -an | string match '__falenv_*')",
    }[kind.name]
    done = home.script(kind, f"{kind.eval_line()}\n{remove}\nfalenv profile current --name")
    assert (done.stdout, done.stderr) == ("a\n", "")


def test_case_63_an_activated_environments_fal_runs(behind: Home, any_kind: Kind) -> None:
    put_official(behind, "project", first=True)
    (behind.path / "project" / "fal").write_text("#!/bin/sh\necho project\n")
    line = any_kind.eval_line(f"--shell {any_kind}", program="falenv")
    done = behind.script(any_kind, f"{line}\nfal app list; falenv app list")
    assert (done.stdout, done.stderr) == ("project\nproject\n", "")


# --- The user's own fal ---------------------------------------------------------------------------

FUNCTION = {
    "posix": 'fal() { MINE=function command fal --f "$@"; }\nfalenv() { echo my falenv "$@"; }',
    "fish": (
        "function fal -d mine; MINE=function command fal --f $argv; end\n"
        "function falenv; echo my falenv $argv; end"
    ),
}
ALIAS = "alias fal='MINE=alias fal --a'\nalias falenv='echo my falenv'"
#: What runs for `fal x`: the arguments, and what the environment says.
OWN = {
    "function": ("--f x", "function"),
    "alias": ("--a x", "alias"),
    "both": ("--f --a x", "function"),
}


def own(kind: Kind, what: str) -> str:
    function = FUNCTION.get(kind.name, FUNCTION["posix"])
    # In ksh a variable in front of a function does not reach the programs in it.
    alias = ALIAS.replace("MINE=alias ", "") if kind.name == "ksh" else ALIAS
    return {"function": function, "alias": alias, "both": f"{function}\n{alias}"}[what]


def snapshot(shell: Shell) -> str:
    """Return what the shell says about the user's own fal and falenv."""
    ask = {
        "bash": "declare -F; declare -f fal falenv; alias; complete -p",
        "zsh": "functions fal falenv; alias -L; print -rl -- ${(kv)_comps}",
        "fish": "functions --no-details fal falenv; complete -c fal; complete -c falenv",
        "dash": "type fal falenv; alias",
    }.get(shell.kind.name, "typeset -f fal; typeset -f falenv; alias")
    return shell.stdout(f"{shell.kind.block(ask)} 2>&1")


@pytest.mark.parametrize("what", OWN)
@pytest.mark.usefixtures("behind")
def test_case_64_the_users_own_fal(start: Start, any_kind: Kind, what: str) -> None:
    if what != "function" and not any_kind.has_aliases:
        pytest.skip("aliases are functions")
    words, mine = OWN[what]
    if any_kind.name == "ksh" and what == "alias":
        mine = ""
    rc = own(any_kind, what)
    if any_kind.name == "bash":
        rc += "\ncomplete -W one fal; complete -W two falenv"
    if any_kind.name == "fish":
        rc += "\ncomplete -c fal -a one\ncomplete -c falenv -a two"
    shell = start(any_kind, rc)
    before = snapshot(shell)
    program = str(SCRIPTS / "falenv")
    line = any_kind.eval_line(f"--shell {any_kind}", program=shlex.quote(program))
    keeps = what != "alias" and not any_kind.has_readable_functions
    said = shell.talk(line)
    if keeps:
        notice(said, "your function fal stays", "falenv profile list")
    else:
        assert said == ""
    assert shell.stdout("fal x") == ran(words, mine=mine)
    name = "falenv" if keeps else "fal"
    assert shell.talk(f"{name} profile use b") == ""
    assert shell.stdout("fal x") == ran(words, "b", mine)
    notice(shell.talk(f"{name} profile nonsense"), f"see: {name} profile --help")
    assert shell.stdout("falenv --version").startswith("falenv, version ")
    assert shell.talk(line) == ""  # a second time
    assert shell.stdout("fal x") == ran(words, "b", mine)
    assert shell.talk(f"{name} profile off") == ""
    assert shell.stdout("fal x").startswith(f"official <{words}>")
    assert not keeps or shell.stdout("command -v falenv") != "falenv"
    if any_kind.has_readable_functions:
        assert snapshot(shell) == before
        assert shell.stdout("falenv x") == "my falenv x\n"
    else:
        assert shell.stdout("fal x") == ran(words, mine=mine)


def test_case_64_zsh_a_function_that_is_not_loaded_yet(behind: Home, start: Start) -> None:
    functions = behind.path / "functions"
    functions.mkdir()
    (functions / "fal").write_text('command fal --autoloaded "$@"\n')
    shell = start("zsh", "fpath=(~/functions $fpath); autoload -Uz fal")
    before = snapshot(shell)
    assert shell.talk(f'eval "$({SCRIPTS}/falenv profile env --shell zsh)"') == ""
    assert shell.stdout("fal x") == ran("--autoloaded x")
    assert shell.talk("fal profile off") == ""
    assert snapshot(shell) == before
    assert shell.stdout("fal x").startswith("official <--autoloaded x>")


def test_case_64_bash_an_exported_function_is_exported_again(start: Start) -> None:
    shell = start("bash", f"{FUNCTION['posix']}\nexport -f fal")
    before = snapshot(shell)
    assert "declare -fx fal\n" in before
    assert shell.talk(f'eval "$({SCRIPTS}/falenv profile env --shell bash)"') == ""
    assert shell.talk("fal profile off") == ""
    assert snapshot(shell) == before


# --- Words that work where they are read ----------------------------------------------------------


def test_messages_name_a_command_that_works(behind: Home) -> None:
    falenv = SCRIPTS / "falenv"
    alone = behind.path / "alone"
    alone.mkdir()
    (alone / "falenv").symlink_to(falenv)
    theirs = str(behind.path / "official")
    for path, command, expected in (
        (f"{SCRIPTS}:/usr/bin", [str(falenv)], "fal"),
        (f"{theirs}:{SCRIPTS}:/usr/bin", [str(falenv)], "falenv"),
        (f"{alone}:{theirs}:/usr/bin", [str(falenv)], "falenv"),
        (f"{theirs}:/usr/bin", [str(falenv)], str(falenv)),
        ("/usr/bin", [sys.executable, "-m", "falenv"], str(falenv)),
    ):
        done = behind.run(*command, "profile", "set", PATH=path)
        assert done.stderr == (
            f"falenv: missing argument 'NAME'; see: {expected} profile set --help\n"
        )
        done = behind.run(*command, "profile", "set", "--help", PATH=path)
        usage = " ".join(done.stdout.split("\n\n")[0].split())  # click wraps a long path
        assert usage == f"Usage: {expected} profile set [OPTIONS] [NAME]"
        assert f"\n      {expected} profile set comfy\n" in done.stdout
        behind.profiles("a", default="a")
        done = behind.run(*command, "profile", "delete", "nope", PATH=path)
        assert done.stderr.endswith(f"to see all profiles: {expected} profile list\n")
        done = behind.run(*command, "profile", "set", "fresh", PATH=path)
        assert done.stdout.endswith(f"Use {expected} profile key to set a key.\n")


# --- A program that will not stay -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "variable", "words"),
    [
        (".cache/uv/archive-v0/x/bin", "", "uv tool install falenv"),
        ("xdg/uv/builds-v0/x/bin", "XDG_CACHE_HOME=xdg", "uv tool install falenv"),
        ("mine/environments-v2/x/bin", "", "uv tool install falenv"),
        ("mine/x/bin", "UV_CACHE_DIR=mine", "uv tool install falenv"),
        (".cache/pipx/x/bin", "", "pipx install falenv"),
        (".local/pipx/.cache/x/bin", "", "pipx install falenv"),
        (".local/share/pipx/.cache/x/bin", "XDG_DATA_HOME=", "pipx install falenv"),
        ("px/.cache/x/bin", "PIPX_HOME=px", "pipx install falenv"),
        ("scratch/venv/bin", "TMPDIR=scratch", "uv tool install falenv (or: pipx install falenv)"),
    ],
)
def test_case_65_install_refuses_a_program_that_will_vanish(
    home: Home, folder: str, variable: str, words: str
) -> None:
    exe = copied_programs(home)
    home.path.joinpath(folder).mkdir(parents=True)
    moved = exe.rename(home.path / folder / "falenv")
    name, _, value = variable.partition("=")
    variables: dict[str, Any] = {name: f"{home.path}/{value}" if value else None} if name else {}
    for arguments in (["--yes"], ["--dry-run"], []):
        done = home.run(str(moved), "profile", "install", "zsh", *arguments, **variables)
        assert (done.returncode, done.stdout) == (1, "")
        line = notice(done.stderr.rstrip("\n"), str(moved))
        assert line.endswith(f"install it first: {words}; then: falenv profile install")
    assert not (home.path / ".zshrc").exists()
    # One shell may use it.
    done = home.script("bash", f'eval "$({shlex.quote(str(moved))} profile env)"; echo $FAL_KEY')
    assert (done.stdout, done.stderr) == (f"{KEYS['a']}\n", "")


def test_case_65_a_link_into_such_a_folder_is_refused_too(home: Home) -> None:
    exe = copied_programs(home)
    (home.path / ".cache/uv/x").mkdir(parents=True)
    moved = exe.rename(home.path / ".cache/uv/x/falenv")
    exe.symlink_to(moved)
    done = home.run(str(exe), "profile", "install", "zsh", "--yes")
    assert "in uv's cache" in done.stderr


# --- The link on PATH -----------------------------------------------------------------------------


@pytest.fixture
def linked(home: Home) -> Path:
    """Return a program that is not on PATH, in a home with ~/.local/bin on PATH."""
    exe = copied_programs(home)
    home.variables["PATH"] = f"{home.path}/.local/bin:/usr/bin:/bin"
    return exe


def test_install_makes_a_link_and_uninstall_removes_it(home: Home, linked: Path) -> None:
    link = home.path / ".local" / "bin" / "falenv"
    line = f"{link} -> {linked}\n"
    done = home.run(str(linked), "profile", "install", "bash", "zsh", "--dry-run")
    assert f"\n+{line}" in done.stdout
    assert not os.path.lexists(link)
    done = home.run(str(linked), "profile", "install", "bash", "zsh")  # no terminal to ask on
    assert (done.returncode, os.path.lexists(link)) == (1, False)
    done = home.run(str(linked), "profile", "install", "bash", "zsh", "--yes")
    assert done.stdout.endswith(f"Linked {link} to {linked}.\n")
    assert link.readlink() == linked
    # The start-up files name the program, not the link, whichever runs.
    before = (home.path / ".zshrc").read_text()
    done = home.run("falenv", "profile", "install", "bash", "zsh", "--yes")
    assert done.stdout.count("Already installed") == 3
    assert (home.path / ".zshrc").read_text() == before
    # It stays as long as a shell is set up, also if its block is damaged.
    home.run("falenv", "profile", "uninstall", "bash", "--yes")
    assert link.is_symlink()
    (home.path / ".zshrc").write_text(before.replace("# <<<", "#"))
    done = home.run("falenv", "profile", "uninstall", "bash", "fish", "--yes")
    assert (done.stdout, done.stderr) == ("Not installed in any start-up file.\n", "")
    assert link.is_symlink()
    (home.path / ".zshrc").write_text(before)
    done = home.run("falenv", "profile", "uninstall", "--dry-run")
    assert done.stdout.endswith(f"\n-{line}")
    done = home.run("falenv", "profile", "uninstall", "--yes")
    assert done.stdout.endswith(f"Removed {link}.\n")
    assert not os.path.lexists(link)


def test_the_link_replaces_nothing(home: Home, linked: Path) -> None:
    link = home.path / ".local" / "bin" / "falenv"
    install = (str(linked), "profile", "install", "zsh", "--yes")
    uninstall = (str(linked), "profile", "uninstall", "--yes")
    link.parent.mkdir(parents=True)
    for make in (
        lambda: link.write_text("mine"),
        lambda: link.symlink_to("/nowhere"),
        lambda: link.symlink_to(linked),  # the user's own, or that of pipx
        link.mkdir,
    ):
        make()
        state = os.lstat(link)
        assert "Linked" not in home.run(*install).stdout
        assert f"Removed {link}" not in home.run(*uninstall).stdout
        assert os.lstat(link).st_ino == state.st_ino
        link.rmdir() if link.is_dir() and not link.is_symlink() else link.unlink()
    # What the user put in the place of our link stays.
    assert "Linked" in home.run(*install).stdout
    link.unlink()
    link.symlink_to("/nowhere")
    assert f"Removed {link}" not in home.run(*uninstall).stdout
    assert str(link.readlink()) == "/nowhere"


def test_no_link_if_falenv_is_on_path_or_the_folder_is_not(home: Home, linked: Path) -> None:
    install = (str(linked), "profile", "install", "zsh", "--yes")
    for path in ("/usr/bin:/bin", f"{home.path}/.local/bin:{SCRIPTS}:/usr/bin"):
        assert "Linked" not in home.run(*install, PATH=path).stdout
        assert not (home.path / ".local" / "bin").exists()


def test_a_link_of_ours_to_a_program_that_has_moved_is_made_anew(home: Home, linked: Path) -> None:
    link = home.path / ".local" / "bin" / "falenv"
    home.run(str(linked), "profile", "install", "zsh", "--yes")
    moved = linked.rename(home.path / "falenv")
    done = home.run(str(moved), "profile", "install", "zsh", "--yes")
    assert done.stdout.endswith(f"Linked {link} to {moved}.\n")
    assert link.readlink() == moved


# --- A program that is gone when a shell starts ---------------------------------------------------


def missing(home: Home, kind: Kind, exe: Path) -> str:
    """Install falenv, and return the line that reads the start-up file."""
    done = home.run(str(exe), "profile", "install", kind.name, "--yes")
    assert done.returncode == 0, done.stderr
    return f"source ~/{RC[kind.name]}"


def test_case_65_a_missing_program_is_reported_once(home: Home, start: Start, kind: Kind) -> None:
    exe = copied_programs(home)
    rc = missing(home, kind, exe)
    away = exe.with_name("away")
    for _ in range(2):  # and again, if it was back in between
        exe.rename(away)
        # Scripts, and shells without a user, neither report it nor count.
        for words in ([*kind.flags, "-c"], [*kind.flags, "-ic"]):
            done = home.run(needs(kind.name), *words, rc)
            assert "falenv" not in done.stdout + done.stderr
        shell = start(kind, f"{rc}\n{rc}")
        line = notice(shell.greeting + shell.prompts(2), str(exe), "falenv profile install")
        assert line.endswith(f"Or delete falenv's lines from {home.path}/{RC[kind.name]}")
        assert shell.get("__falenv_lost") == shell.get("__falenv_note") == UNSET
        shell = start(kind, rc)
        assert shell.greeting + shell.prompts(2) == ""
        away.rename(exe)
        shell = start(kind, rc)
        assert shell.greeting + shell.prompts(2) == ""
        assert shell.get("FAL_KEY") == KEYS["a"]
        shell.close()


def test_case_65_a_missing_python_is_reported(home: Home, start: Start, kind: Kind) -> None:
    exe = copied_programs(home)
    rc = missing(home, kind, exe)
    # fish's start-up file names Python. The other shells' copies do.
    (copy,) = (home.path / ".cache" / "falenv").glob(f"*.{kind.name}")
    path = home.path / RC[kind.name] if kind.name == "fish" else copy
    text, time_ns = path.read_text(), path.stat().st_mtime_ns
    own = kind.own("python")
    line = next(line for line in text.splitlines() if own in line and sys.executable in line)
    path.write_text(text.replace(line, line.replace(sys.executable, "/nowhere/python"), 1))
    os.utime(path, ns=(time_ns, time_ns))
    shell = start(kind, rc)
    notice(shell.greeting + shell.prompts(2), "cannot run")
    shell = start(kind, rc)
    assert shell.greeting + shell.prompts(2) == ""


def test_case_65_the_status_stays_when_a_missing_program_is_reported(
    home: Home, start: Start
) -> None:
    exe = copied_programs(home)
    rc = missing(home, KINDS["zsh"], exe)
    exe.unlink()
    shell = start("zsh", f"{rc}\n__p9k_instant_prompt_active=1")
    # powerlevel10k's instant prompt takes any output for a fault.
    assert shell.greeting + shell.prompts(2) == ""
    assert shell.talk("unset __p9k_instant_prompt_active; (exit 3)").startswith("falenv: ")
    shell = start("zsh", f"{rc}\n(exit 3)")
    assert shell.talk("echo $?") == "3"


def test_case_65_where_no_note_can_be_written_nothing_is_said(
    home: Home, start: Start, kind: Kind
) -> None:
    exe = copied_programs(home)
    rc = missing(home, kind, exe)
    exe.unlink()
    state = home.path / ".local" / "state"
    (state / "falenv").rename(home.path / "kept")
    state.rmdir()
    state.write_text("a file in the place of the folder")
    shell = start(kind, rc)
    assert shell.greeting + shell.prompts(2) == ""
    # If only the folder is missing, the shell makes it, for the user alone.
    state.unlink()
    shell = start(kind, f"umask 0\n{rc}")
    notice(shell.greeting + shell.prompts(1), str(exe))
    assert (state / "falenv").stat().st_mode & 0o777 == 0o700
