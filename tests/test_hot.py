"""The hot path imports what it needs, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import SCRIPTS, Home

#: Each costs more at import than all of our own code.
HEAVY = {
    "argparse", "asyncio", "click", "copy", "dataclasses", "difflib", "filelock", "inspect",
    "json", "logging", "pathlib", "platformdirs", "rich", "shutil", "socket", "subprocess",
    "tempfile", "tomlkit", "tomllib", "traceback", "typing", "unittest", "urllib",
}  # fmt: skip


def imported(home: Home, *arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(SCRIPTS / "falenv"), *arguments],
        env=home.variables, cwd=home.path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip() for line in lines[1:]}


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
        ["profile", "env", "--shell", "fish", "--refresh", "--was", "a"],
        ["profile", "env", "--shell", "zsh", "--cache", "cached"],
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


def test_what_only_a_start_up_file_asks_for_is_imported_for_that_alone(home: Home) -> None:
    home.profiles("a", default="a")
    plain = imported(home, "profile", "env", "--shell", "bash")
    assert plain & {"falenv.cached", "falenv.startup"} == set()
    caching = imported(home, "profile", "env", "--shell", "bash", "--cache", "cached")
    assert caching - plain == {"falenv.cached"}


def test_the_budget_would_notice(home: Home) -> None:
    home.profiles("a", default="a")
    assert {"click", "rich"} <= imported(home, "profile", "list")
