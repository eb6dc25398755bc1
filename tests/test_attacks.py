"""Nobody else's hand: folders, other users and variables that try to decide something here."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

import pytest
from conftest import ANOTHER, KEYS, SCRIPTS, give_away
from driver import KINDS, UNSET, Kind, Shell, needs, notice, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home

    Start = Callable[..., Shell]

ALL = ("bash", "zsh", "fish", "dash", "ksh", "mksh")
HOOKED = ("bash", "zsh", "fish", "ksh", "mksh")
#: Modules that Python or falenv imports, by the names that a hostile folder would give its files.
MODULES = (
    "sitecustomize", "usercustomize", "falenv", "tomli", "shellingham", "os", "json", "zlib",
    "click", "platformdirs", "fal",
)  # fmt: skip


def kinds(names: tuple[str, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)


@pytest.fixture
def trap(home: Home) -> Path:
    """Return a folder in which every file says so when it runs."""
    folder = home.path / "trap"
    folder.mkdir()
    for module in MODULES:
        (folder / f"{module}.py").write_text(
            f"open({str(home.path / 'ran')!r}, 'a').write({module!r})\n"
        )
    for program in ("fal", "falenv", "python", "python3", "zsh", "bash", "fish"):
        (folder / program).write_text(
            f"#!/bin/sh\necho {program} >> {shlex.quote(str(home.path / 'ran'))}\n"
        )
        (folder / program).chmod(0o755)
    (folder / "lib" / "python").mkdir(parents=True)
    return folder


#: Variables by which Python takes code from the current folder.
PYTHON_VARIABLES: list[dict[str, str]] = [
    {"PYTHONPATH": ":/opt/lib"},
    {"PYTHONPATH": "."},
    {"PYTHONPATH": "/opt/lib:"},
    {"PYTHONUSERBASE": "."},
    {"PYTHONPYCACHEPREFIX": "."},
]


# --- Code from the current folder, or from Python's variables ------------------------------------


@kinds(HOOKED)
@pytest.mark.parametrize("number", range(5))
@pytest.mark.usefixtures("trap")
def test_case_87_entering_a_folder_runs_nothing_of_it(
    home: Home, start: Start, name: str, number: int
) -> None:
    home.profiles("a", "b", default="a")
    needs(name)
    shell = start(name, **PYTHON_VARIABLES[number])
    (home.path / "ran").unlink(missing_ok=True)  # what the user types may use PYTHONPATH
    shell.talk("cd trap")
    assert shell.get("FAL_KEY") == KEYS["a"]
    # The store was changed by another program: the hook starts a process, in this folder.
    home.write(
        f"[a]\nkey = {KEYS['a']!r}\n[b]\nkey = {KEYS['b']!r}\n[__internal__]\nprofile = 'b'\n"
    )
    assert shell.talk("") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert not (home.path / "ran").exists()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
@pytest.mark.usefixtures("trap")
def test_case_87_a_new_shell_in_a_folder_runs_nothing_of_it(home: Home, name: str) -> None:
    home.profiles("a", default="a")
    needs(name)
    home.fal("install", name, "--yes")
    command = [needs(name), "-ic", "printenv FAL_KEY"]
    for variables in PYTHON_VARIABLES:
        for gone in (False, True):
            for copy in (home.path / ".cache").rglob("*.*sh") if gone else ():
                copy.unlink()
            done = home.run(
                "sh", "-c", 'cd trap && exec "$@"', "sh", *command, **variables,
                PATH=f".:{home.variables['PATH']}",
            )  # fmt: skip
            assert done.stdout == KEYS["a"] + "\n"
            assert not (home.path / "ran").exists()


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("line", ["fal profile use ", "fal app ", "falenv profile exec "])
@pytest.mark.usefixtures("trap")
def test_case_87_tab_in_a_folder_runs_nothing_of_it(
    home: Home, start: Start, official: Path, name: str, line: str
) -> None:
    home.profiles("a", "b", default="a")
    kind = KINDS[name]
    needs(name)
    path = f"{home.variables['PATH']}:{official}"
    rc = f"{kind.load_completions}\n{kind.eval_line()}"
    for variables in PYTHON_VARIABLES:
        shell = start(name, rc, PATH=path, **variables)
        (home.path / "ran").unlink(missing_ok=True)
        shell.talk("cd trap")
        shell.type(f"{line}\t\t")
        shell.type("\x15")
        shell.talk("")
        assert not (home.path / "ran").exists(), (line, variables)


def test_case_87_the_users_pythonpath_reaches_exec_and_hand_over(home: Home) -> None:
    home.profiles("a", default="a")
    folder = home.path / "programs"
    folder.mkdir()
    (folder / "fal").write_text('#!/bin/sh\nprintf %s "$PYTHONPATH"\n')
    (folder / "fal").chmod(0o755)
    for value in (":/opt/lib", "/a:/b"):
        done = home.fal("exec", "a", "--", "printenv", "PYTHONPATH", PYTHONPATH=value)
        assert done.stdout == f"{value}\n"
        path = f"{SCRIPTS}:{folder}:/usr/bin:/bin"
        done = home.run(str(SCRIPTS / "fal"), "app", "list", PYTHONPATH=value, PATH=path)
        assert done.stdout == value


@pytest.mark.usefixtures("trap")
def test_uninstall_does_not_run_a_zsh_from_the_current_folder(home: Home) -> None:
    for path in (".", "", "../trap"):
        done = home.run(
            "sh", "-c", 'cd trap && "$@"', "sh", str(SCRIPTS / "falenv"), "profile", "uninstall",
            PATH=f"{path}:/usr/bin:/bin",
        )  # fmt: skip
        assert done.stdout == "Not installed in any start-up file.\n", done.stderr
        assert not (home.path / "ran").exists()


# --- A .fal-profile that does not count ----------------------------------------------------------


def odd_file(path: Path, sort: str) -> None:
    """Put something odd where a .fal-profile would be."""
    if sort == "folder":
        path.mkdir()
    elif sort == "fifo":
        os.mkfifo(path)
    elif sort == "link":
        path.symlink_to("other")
        (path.parent / "other").write_text("b\n")
    elif sort == "device":
        path.symlink_to("/dev/zero")
    elif sort == "foreign":
        path.write_text("b\n")
        give_away(path)
    elif sort == "large":
        path.write_text("b" * 1_000_000)
    elif sort == "lines":
        path.write_text("b\nc\n")
    else:
        path.write_text("b\n")


SORTS = ("unknown", "folder", "fifo", "link", "device", "foreign", "large", "lines")


@kinds(HOOKED)
@pytest.mark.parametrize("sort", SORTS)
def test_case_89_what_is_not_allowed_does_not_hide_an_allowed_folder(
    home: Home, start: Start, name: str, sort: str
) -> None:
    home.profiles("a", "b", "c", default="c")
    needs(name)
    inner = home.path / "client" / "repository"
    (inner / "sub").mkdir(parents=True)
    odd_file(inner / ".fal-profile", sort)
    shell = start(name)
    shell.talk("cd client")
    one_line(shell.talk("fal profile link a"))
    assert shell.get("FAL_KEY") == KEYS["a"]
    notice(shell.talk("cd repository/sub"), str(inner / ".fal-profile"))
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.prompts(3) == ""
    assert shell.talk("cd ../..") + shell.talk("cd repository") == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert home.fal("current", "--name", PWD=None).stdout == "c\n"
    assert shell.stdout("fal profile current --name") == "a\n"
    # Nor does it keep a shell from switching, or a new one from starting here.
    assert shell.talk("fal profile use b") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]


@kinds(HOOKED)
@pytest.mark.parametrize("sort", ["folder", "fifo", "link", "lines", "foreign", "gone link"])
def test_case_89_an_allowed_file_that_has_changed_leaves_no_key(
    home: Home, start: Start, name: str, sort: str
) -> None:
    home.profiles("a", "b", "c", default="c")
    needs(name)
    folder = home.path / "client"
    folder.mkdir()
    shell = start(name)
    shell.talk("cd client")
    one_line(shell.talk("fal profile link a"))
    file = folder / ".fal-profile"
    file.unlink()
    if sort == "gone link":
        file.symlink_to("nowhere")
    else:
        odd_file(file, sort)
    notice(shell.talk(""), str(file), "has changed since you allowed it")
    assert shell.get("FAL_KEY") == UNSET
    assert shell.prompts(3) == ""
    one_line(shell.talk("fal profile deny"))
    assert shell.get("FAL_KEY") == KEYS["c"]


def test_a_verdict_counts_only_for_the_path_that_it_is_about(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="b")
    for folder in ("x/%y", "x%/y", "z"):
        (home.path / folder).mkdir(parents=True)
        (home.path / folder / ".fal-profile").write_text("a\n")
    shell = start(kind)
    notice(shell.talk("cd 'x/%y'"), "you have not allowed it")
    one_line(shell.talk("fal profile allow"))
    assert shell.get("FAL_KEY") == KEYS["a"]
    notice(shell.talk("cd '../../x%/y'"), "you have not allowed it")
    assert shell.get("FAL_KEY") == KEYS["b"]
    # A verdict that someone has renamed is none for the other folder.
    notes = home.path / ".local" / "state" / "falenv" / "folders"
    (allowed,) = notes.iterdir()
    allowed.rename(notes / allowed.name.replace("x%-%%y", "z"))
    notice(shell.talk("cd ../../z"), "you have not allowed it")
    assert shell.get("FAL_KEY") == KEYS["b"]


# --- Files that another user owns ----------------------------------------------------------------


@kinds(ALL)
def test_case_90_a_store_of_another_user_with_the_same_time_gives_no_key(
    home: Home, start: Start, name: str
) -> None:
    home.profiles("a", "b", default="a")
    needs(name)
    shell = start(name)
    assert shell.get("FAL_KEY") == KEYS["a"]
    give_away(home.store, ANOTHER, os.getegid())
    notice(shell.talk("fal profile use b"), "belongs to another user")
    assert shell.get("FAL_KEY") == KEYS["a"]
    fresh = start(name)
    notice(fresh.greeting, "belongs to another user")
    assert fresh.get("FAL_KEY") == UNSET


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_a_cached_copy_in_a_folder_of_another_user_is_not_read(home: Home, name: str) -> None:
    home.profiles("a", default="a")
    needs(name)
    home.fal("install", name, "--yes")
    (copy,) = (home.path / ".cache" / "falenv").glob(f"*.{name}")
    kept = copy.stat().st_mtime_ns
    made_from = "".join(copy.read_text().splitlines(keepends=True)[:3])
    copy.write_text(f"{made_from}echo > {KINDS[name].quote(str(home.path / 'ran'))}\n")
    os.utime(copy, ns=(kept, kept))
    done = home.run(needs(name), "-ic", "printenv FAL_KEY")
    assert (home.path / "ran").exists()  # so it is read where all is the user's
    (home.path / "ran").unlink()
    give_away(copy.parent)
    done = home.run(needs(name), "-ic", "printenv FAL_KEY")
    assert done.stdout == KEYS["a"] + "\n"
    assert not (home.path / "ran").exists()


# --- The environment, and traces -----------------------------------------------------------------


@kinds(ALL)
def test_no_state_is_believed_from_the_environment(home: Home, start: Start, name: str) -> None:
    home.profiles("a", "b", default="a")
    needs(name)
    other = home.path / "other.toml"
    other.write_text(f"[a]\nkey = '{KEYS['c']}'\n")
    ran = f"echo > {shlex.quote(str(home.path / 'ran'))}"
    lies = {
        "loaded": "yes", "index": "/tmp/none", "store": str(other), "pwd": str(home.path),
        "seen": "x", "before": "b", "name": "b", "id": "x", "pin": "b", "cached": "/tmp/none",
        "was_FAL_KEY": "set", "old_FAL_KEY": "evil:key", "fal": ran,
        "function": ran, "alias": ran,
        "completion": ran, "python": "/bin/false", "main": "/none",
        "exe": "/bin/false", "verdicts": "/tmp", "notices": "/tmp", "vars": "HOME",
    }  # fmt: skip
    shell = start(name, **{f"__falenv_{key}": value for key, value in lies.items()})
    assert shell.greeting == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert "no earlier profile" in shell.talk("fal profile use -")
    assert shell.talk("fal profile off") == ""
    assert shell.get("FAL_KEY") == UNSET
    assert not (home.path / "ran").exists()


TRACES = {
    "bash": ("set -x", "set -v", "set -T; trap 'echo \"[$BASH_COMMAND]\"' DEBUG"),
    "zsh": ("setopt xtrace", "setopt verbose", "trap 'print -r -- \"[$ZSH_DEBUG_CMD]\"' DEBUG"),
    "fish": ("set -g fish_trace 1", "set -gx fish_trace 1"),
    "dash": ("set -x", "set -v"),
    "ksh": ("set -x", "set -v", "trap 'print -r -- \"[${.sh.command}]\"' DEBUG"),
    "mksh": ("set -x", "set -v"),
}


@pytest.mark.parametrize(("name", "trace"), [(n, t) for n, all_ in TRACES.items() for t in all_])
def test_case_92_no_trace_at_a_first_start_shows_a_key(home: Home, name: str, trace: str) -> None:
    home.profiles("a", "b", default="a")
    home.write(home.store.read_text() + f"[odd]\nkey = '''{KEYS['c']}'''\n")
    kind = KINDS[name]
    lines = [
        trace, kind.eval_line(), "fal profile use b", "fal profile use odd",
        "fal profile set a", kind.run_hooks, "fal profile off", kind.eval_line("odd"),
    ]  # fmt: skip
    done = home.script(kind, "\n".join(filter(None, lines)))
    assert "falenv" in done.stdout + done.stderr  # it was traced
    assert "fake" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_case_92_no_trace_of_an_installed_start_shows_a_key(home: Home, name: str) -> None:
    home.profiles("a", "b", default="a")
    needs(name)
    home.fal("install", name, "--yes")
    flags = {"bash": ["-x"], "zsh": ["-x"], "fish": []}[name]
    for _ in range(2):  # without the copy, and with it
        done = home.run(needs(name), *flags, "-ic", "echo", fish_trace="1")
        assert "falenv" in done.stderr
        assert "fake" not in done.stdout + done.stderr
        for copy in (home.path / ".cache" / "falenv").iterdir():
            copy.unlink()


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_a_read_only_key_is_never_called_another_profiles(
    home: Home, start: Start, name: str
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(name)
    assert shell.talk("readonly FAL_KEY") == ""
    for _ in range(2):
        notice(shell.talk("fal profile use b"), "FAL_KEY is read-only")
        assert shell.status() == 1
        assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["a"], "(fal:a) ")
    home.fal("set", "b")
    assert shell.prompts(3) == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["a"], "(fal:a) ")
    # Read-only from the start: the key is the user's.
    shell = start(name, f"readonly FAL_KEY=my:own\n{KINDS[name].eval_line()}")
    notice(shell.greeting, "FAL_KEY is read-only")
    assert (shell.get("FAL_KEY"), shell.segment) == ("my:own", "")
