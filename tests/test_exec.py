"""`exec`: the command runs in our place, with one profile's environment and no other's."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pexpect
import pytest
from conftest import KEYS, SCRIPTS
from driver import Kind, needs

if TYPE_CHECKING:
    from conftest import Home

FAL = str(SCRIPTS / "fal")


def start(home: Home, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [FAL, "profile", "exec", "a", "--", *command],
        env=home.variables,
        cwd=home.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(autouse=True)
def profiles(home: Home) -> None:
    home.profiles("a", "b", default="b")


def test_exec_replaces_itself(home: Home) -> None:
    with start(home, needs("bash"), "-c", "echo $$; cat") as process:
        stdout, stderr = process.communicate("standard input\n")
    assert (stdout, stderr) == (f"{process.pid}\nstandard input\n", "")


def test_exec_gives_arguments_as_they_are(home: Home) -> None:
    odd = ["--", "-x", "--help", "", " ", "$(touch X)", "it's", "--json", "a\nb"]
    for words in (["--"], []):
        ended = home.fal("exec", "a", *words, "printf", "<%s>", *odd)
        assert (ended.stdout, ended.stderr) == ("".join(f"<{word}>" for word in odd), "")


@pytest.mark.parametrize("code", [0, 1, 2, 42, 255])
def test_exec_ends_with_the_commands_exit_code(home: Home, code: int) -> None:
    ended = home.fal("exec", "a", "--", needs("bash"), "-c", f"echo out; echo err >&2; exit {code}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "out\n", "err\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGHUP])
def test_exec_ends_by_the_signal_that_ends_the_command(home: Home, number: signal.Signals) -> None:
    with start(home, needs("bash"), "-c", "echo ready; exec sleep 60") as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
    assert process.returncode == -number


def test_exec_leaves_signals_as_a_shell_does(home: Home) -> None:
    # Python ignores SIGPIPE, and what is ignored would stay so in the command.
    ended = home.fal("exec", "a", "--", needs("bash"), "-c", "yes | head -n 1; trap -p; ulimit -f")
    assert (ended.stdout, ended.stderr) == ("y\nunlimited\n", "")


def test_exec_on_a_terminal(home: Home) -> None:
    child = pexpect.spawn(
        FAL,
        ["profile", "exec", "a", "--", needs("bash"), "-c", "test -t 1 && tty; exec sleep 60"],
        env=home.variables,
        encoding="utf-8",
        timeout=20,
    )
    child.expect("/dev/pts/[0-9]+\r\n")
    while child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=child.sendintr() or 1):
        pass  # the first came before the program was there
    child.close()
    assert child.signalstatus == signal.SIGINT


def test_exec_gives_exactly_the_profiles_environment(home: Home) -> None:
    home.write(
        f'[__internal__]\nprofile = "b"\n[a]\nkey = "{KEYS["a"]}"\n'
        f'[b]\nkey = "{KEYS["b"]}"\nhost = "api.alpha.fal.ai"\n[keyless]\nhost = "api.fal.ai"\n'
    )
    given = {
        "FAL_KEY": KEYS["b"],
        "FAL_HOST": "api.alpha.fal.ai",
        "FAL_RUN_HOST": "fal.run",
        "FAL_QUEUE_RUN_HOST": "queue.fal.run",
        "FALENV_PROFILE": "b",
        "FAL_PROFILE": "b",
        "__falenv_shell": "live",
        "MINE": "it's\nmine",
    }

    def environment(name: str) -> dict[str, str]:
        ended = home.run(FAL, "profile", "exec", name, "--", needs("env"), "-0", **given)
        assert (ended.returncode, ended.stderr) == (0, "")
        return dict(entry.split("=", 1) for entry in ended.stdout.split("\0")[:-1])

    rest = home.variables | {"MINE": "it's\nmine"}
    assert environment("a") == rest | {
        "FAL_KEY": KEYS["a"],
        "FALENV_PROFILE": "a",
        "FALENV_KEY_ID": KEYS["a"].partition(":")[0],
        "FALENV_MARK": "*",
        "FAL_PROFILE": "a",
        # Else the official CLI would take the default's host from the store.
        "FAL_HOST": "api.alpha.fal.ai",
        "FAL_RUN_HOST": "fal.run",
        "FAL_QUEUE_RUN_HOST": "queue.fal.run",
    }
    assert environment("b") == rest | {
        "FAL_KEY": KEYS["b"],
        "FALENV_PROFILE": "b",
        "FALENV_KEY_ID": KEYS["b"].partition(":")[0],
        "FALENV_MARK": "*",
        "FAL_PROFILE": "b",
        "FAL_HOST": "api.alpha.fal.ai",
        "FAL_RUN_HOST": "fal.run",
        "FAL_QUEUE_RUN_HOST": "queue.fal.run",
    }
    keyless = home.run(FAL, "profile", "exec", "keyless", "--", "env", **given)
    assert (keyless.returncode, keyless.stdout) == (1, "")
    assert (
        keyless.stderr
        == "falenv: profile 'keyless' has no key; to set one: fal profile key keyless\n"
    )
    unknown = home.run(FAL, "profile", "exec", "typo", "--", "env", **given)
    assert (unknown.returncode, unknown.stdout) == (1, "")


def test_exec_changes_nothing_in_the_shell(home: Home, kind: Kind) -> None:
    lines = [
        kind.eval_line(),
        "fal profile exec a -- printenv FAL_KEY",
        "printenv FAL_KEY FAL_PROFILE",
    ]
    ran = home.script(kind, "\n".join(lines))
    assert (ran.stdout, ran.stderr) == (f"{KEYS['a']}\n{KEYS['b']}\n", "")


def test_a_program_that_cannot_be_run_is_126_or_127(home: Home) -> None:
    (home.path / "plain").write_text("not a program")
    (home.path / "text").write_text("echo no line that says by what to run it")
    (home.path / "text").chmod(0o755)
    for program, code, reason in (
        ("no-such-program", 127, "No such file or directory"),
        ("./none", 127, "No such file or directory"),
        ("./plain/x", 127, "Not a directory"),
        ("./plain", 126, "Permission denied"),
        ("./text", 126, "Exec format error"),
        (".", 126, "Permission denied"),
    ):
        ended = home.fal("exec", "a", "--", program, "argument")
        assert (ended.returncode, ended.stdout) == (code, "")
        assert ended.stderr == f"falenv: could not run '{program}': {reason}\n"
    # A file on PATH where a folder should be is no reason for 126.
    ended = home.fal("exec", "a", "--", "none", PATH=f"{home.variables['PATH']}:{home.path}/plain")
    assert ended.returncode == 127


# --- A shell, and several profiles ---------------------------------------------------------------


def test_exec_without_a_command_is_the_users_own_shell(home: Home, kind: Kind) -> None:
    (home.path / ".bashrc").write_text(f"{kind.prompt_line()}\n{kind.eval_line()}\n")
    shell = home.shell(kind, kind.eval_line())
    # It reads the same start-up file, and stays on the profile.
    flags = {"ZDOTDIR": shell.files, "XDG_CONFIG_HOME": shell.files}
    shell.export("SHELL", needs(kind.name))
    for name, value in flags.items():
        shell.export(name, str(value))
    shell.talk("fal profile exec a")
    assert shell.segment == "(fal:a*) "
    assert shell.talk("printenv FAL_KEY FAL_PROFILE") == f"{KEYS['a']}\na"
    shell.type("exit 3\r")
    shell.wait(lambda: shell.screen().endswith("(fal:b) ready>"), "the outer shell")
    assert shell.status() == 3
    assert shell.get("FAL_KEY") == KEYS["b"]
    shell.close()
    done = home.fal("exec", "a")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", (
        "falenv: no command given, and no terminal for a shell; for example: "
        "fal profile exec a -- fal app list\n"
    ))  # fmt: skip


def test_exec_with_a_pattern_runs_once_per_profile(home: Home) -> None:
    home.write(
        '[__internal__]\nprofile = "c-2"\n[c-1]\nkey = "i:1"\nhost = "api.fal.ai"\n[c-2]\n'
        'key = "i:2"\n[c-3]\n[other]\nkey = "i:4"\n["c*"]\nkey = "i:star"\n'
    )
    script = 'echo "$FAL_KEY ${FAL_HOST-} ${FAL_KEY_ID-}"; read -r line; echo "$line"; '
    ends = "[ $FAL_PROFILE = c-1 ] || kill $$"
    done = home.fal("exec", "c-*", "--", "sh", "-c", script + ends, stdin="1\n2\n", FAL_KEY_ID="x")
    assert (done.returncode, done.stdout) == (1, "i:1 api.fal.ai \n1\ni:2  \n2\n")
    assert done.stderr.splitlines() == [
        "== c-1", "== c-2", "== c-3",
        "falenv: profile 'c-3' has no key; to set one: fal profile key c-3",
        "falenv: 1 of 3 succeeded; failed: 'c-2' (SIGTERM), 'c-3' (exit code 1)",
    ]  # fmt: skip
    # A name that looks like a pattern is a name.
    assert home.fal("exec", "c*", "--", "printenv", "FAL_KEY").stdout == "i:star\n"
    for words in (["-e", "c-[12]"], ["c-[12]", "-e"]):
        done = home.fal("exec", *words, "--", "sh", "-c", "echo $FAL_PROFILE; exit 4")
        assert (done.returncode, done.stdout) == (1, "c-1\n")
        assert done.stderr.splitlines() == [
            "== c-1", "falenv: 0 of 2 succeeded, 1 not started; failed: 'c-1' (exit code 4)"
        ]  # fmt: skip
    done = home.fal("exec", "c-[12]", "--", "true")
    assert (done.returncode, done.stderr) == (0, "== c-1\n== c-2\nfalenv: 2 of 2 succeeded\n")
    need = "matches several profiles, so a command is needed; for example"
    for words, code, said in (
        (["x*", "--", "true"], 1, "no profile matches 'x*' (profiles: c-1, c-2, c-3, other, c*)"),
        (["c-*"], 2, f"'c-*' {need}: fal profile exec 'client-*' -- fal app list"),
    ):
        done = home.fal("exec", *words)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", f"falenv: {said}\n")


def test_ctrl_c_ends_all_of_a_pattern(home: Home) -> None:
    child = pexpect.spawn(
        FAL, ["profile", "exec", "[ab]", "--", "sh", "-c", "echo up; exec sleep 60"],
        env=home.variables, encoding="utf-8", timeout=20,
    )  # fmt: skip
    child.expect("up\r\n")
    while child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=child.sendintr() or 1):
        pass
    child.close()
    assert child.exitstatus == 130
    assert "1 not started" in child.before
    assert "== b" not in child.before


def test_exec_gives_byte_for_byte_the_right_environment(home: Home) -> None:
    """Against `env -i`: what there was, without the rivals, and the profile's variables."""
    home.write('[__internal__]\nprofile = "b"\n[a]\nkey = "i:\'$x\\"é"\n[b]\nkey = "i:2"\n')
    given = {"PATH": "/usr/bin:/bin", "HOME": str(home.path), "X": "a\nb\t\\", "FAL_KEY": "own:key",
             "FAL_KEY_SECRET": "s", "FAL_REST_HOST": "r", "__falenv_shell": "live"}  # fmt: skip
    words = ["env", "-i", *(f"{name}={value}" for name, value in given.items())]
    done = home.run(*words, FAL, "profile", "exec", "a", "--", "env", "-0")
    found = dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)
    assert found == {
        "PATH": given["PATH"], "HOME": given["HOME"], "X": given["X"], "FAL_KEY": "i:'$x\"é",
        "FAL_PROFILE": "a", "FALENV_PROFILE": "a", "FALENV_KEY_ID": "i", "FALENV_MARK": "*",
    } | ({"LC_CTYPE": "C.UTF-8"} if "LC_CTYPE" in found else {})  # fmt: skip
