"""The tests themselves: they end the same, whoever starts them."""

from __future__ import annotations

import signal
import subprocess
import sys

from conftest import REPOSITORY

#: Each of these presses Ctrl-C, or sends a signal.
PROOF = (
    "tests/test_exec.py::test_exec_ends_by_the_signal_that_ends_the_command[1]",
    "tests/test_exec.py::test_exec_leaves_signals_as_a_shell_does",
    "tests/test_hook.py::test_case_24_ctrl_c_in_a_refresh[bash-plain]",
    "tests/test_hook.py::test_case_24_ctrl_c_in_a_refresh[zsh-plain]",
    "tests/test_hook.py::test_case_24_ctrl_c_in_a_refresh[fish-plain]",
    "tests/test_fault.py::test_case_38_a_fault_at_every_system_call[create-INT]",
)


def ignore_signals() -> None:
    """Begin as a command that a script starts with `&`, under nohup."""
    for name in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)


def test_case_80_the_tests_pass_in_the_background_and_without_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *PROOF],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        preexec_fn=ignore_signals,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(PROOF)} passed" in done.stdout
