"""The hot path imports what it needs, and nothing else."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from conftest import KEYS, POSIX_SHELLS, SCRIPTS, SHELLS, Home
from driver import needs

#: Each costs more at import than all of our own code; tomli only where the index does not suffice.
HEAVY = {
    "argparse", "asyncio", "click", "copy", "dataclasses", "difflib", "inspect",
    "json", "logging", "pathlib", "platformdirs", "shutil", "socket", "subprocess",
    "tempfile", "tomlkit", "tomllib", "traceback", "typing", "unittest", "urllib",
}  # fmt: skip
#: What reads TOML, and what that takes along.
TOML = {"contextlib", "datetime", "re", "tomli"}
#: The program as the scripts run it, but for what the launchers of older pips import.
RUN = "import sys; sys.argv[0] = {!r}; from falenv.__main__ import main; sys.exit(main())"


def imported(home: Home, *arguments: str, stdin: str = "") -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", RUN.format(str(SCRIPTS / "falenv")), *arguments],
        env=home.variables, cwd=home.path, capture_output=True, text=True, check=False,
        input=stdin,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip() for line in lines[1:]}


def followed(home: Home) -> None:
    """Give the store an index, as the first shell to follow it does."""
    home.profiles("a", "b", default="b")
    # What was written just now could still be being written, and takes more than the index.
    os.utime(home.store, (1, 1))
    assert home.fal("env", "--shell", "bash").returncode == 0


def imported_by_python_alone() -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "pass"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines()}


@pytest.mark.parametrize(
    "arguments",
    [
        ["profile", "env", "--shell", "bash"],
        ["profile", "env", "a", "--shell=zsh", "--exports-only"],
        ["profile", "refresh", "--shell", "fish", "--was", "a"],
        ["profile", "start", "--shell", "zsh", "--cache", "cached"],
        ["profile", "current", "--name"],
        ["profile", "prompt"],
        ["profile", "exec", "a", "--", "true"],
        ["profiles", "env"],
    ],
    ids=" ".join,
)
def test_the_hot_path_imports_nothing_heavy(home: Home, arguments: list[str]) -> None:
    home.profiles("a", default="a")
    if arguments == ["profiles", "env"]:
        home.variables["DIRENV_IN_ENVRC"] = "1"
    found = imported(home, *arguments) - imported_by_python_alone()
    assert "tomli" in found
    assert found & HEAVY == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["profile", "env", "a", "--shell", "bash"],
        ["profile", "env", "--exports-only", "--shell", "zsh"],
        ["profile", "start", "--shell", "fish", "--cache", "cached"],
        ["profile", "current", "--name"],
        ["profile", "prompt"],
        ["profile", "exec", "a", "--", "true"],
    ],
    ids=" ".join,
)
def test_where_there_is_an_index_nothing_reads_toml(home: Home, arguments: list[str]) -> None:
    followed(home)
    found = imported(home, *arguments) - imported_by_python_alone()
    assert found & (HEAVY | TOML) == set()


def test_what_has_no_line_in_the_index_is_read_from_the_store(home: Home) -> None:
    followed(home)
    home.store.write_text(home.store.read_text() + "[odd]\nkey = '''id:odd'''\n")
    assert "tomli" in imported(home, "profile", "env", "--shell", "bash")
    assert "tomli" not in imported(home, "profile", "env", "--shell", "bash")
    assert "tomli" in imported(home, "profile", "env", "odd", "--shell", "bash")


@pytest.mark.parametrize("name", [*SHELLS, *POSIX_SHELLS])
def test_the_shell_that_runs_us_is_known_without_a_library(home: Home, name: str) -> None:
    followed(home)
    script = home.path / "script"
    words = [sys.executable, "-X", "importtime", "-c", RUN.format("falenv"), "profile", "env"]
    # What was meant for another shell would not run in this one.
    script.write_text(
        f"{shlex.join(words)} 2>log >out; . ./out\nfal profile use a; printf '%s' $FAL_KEY\n"
    )
    done = home.run(needs(name), str(script))
    assert (done.stdout, done.stderr) == (KEYS["a"], "")
    log = (home.path / "log").read_text()
    assert "falenv" in log
    assert "shellingham" not in log


def test_a_start_imports_nothing_that_env_does_not(home: Home) -> None:
    home.profiles("a", default="a")
    plain = imported(home, "profile", "env", "--shell", "bash")
    assert plain & {"falenv.edits", "falenv.rcfiles", "falenv.tomledit"} == set()
    assert imported(home, "profile", "start", "--shell", "bash", "--cache", "cached") <= plain


@pytest.mark.parametrize(
    "arguments",
    [
        *(["list"], ["list", "--json"], ["current"], ["current", "--json"], ["set", "b"]),
        ["key", "b", "--stdin"],
    ],
    ids=" ".join,
)
def test_a_plain_line_of_an_everyday_command_needs_no_click(
    home: Home, arguments: list[str]
) -> None:
    home.profiles("a", "b", default="a")
    # A shell that is not integrated is told how to load falenv, for which its kind has to be known.
    home.variables |= {"FAL_KEY": KEYS["a"], "__falenv_shell": "live"}
    found = imported(home, "profile", *arguments, stdin=KEYS["c"]) - imported_by_python_alone()
    assert found & HEAVY == ({"json"} if "--json" in arguments else set())


def test_the_budget_would_notice(home: Home) -> None:
    home.profiles("a", default="a")
    assert {"click", "typing", "falenv.table"} <= imported(home, "profile", "list", "--help")
