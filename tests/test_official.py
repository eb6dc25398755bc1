"""The hand-over: the real official CLI gets what is not ours, with the active profile's key."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import venv
from typing import TYPE_CHECKING

import pexpect
import pytest
from conftest import KEYS, REPOSITORY, SCRIPTS
from driver import Kind, needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from conftest import Home

FAL = str(SCRIPTS / "fal")
KEY_ID, SECRET = KEYS["a"].split(":")


class Server:
    """What the official CLI takes for fal's: it answers its greeting, then listens."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.received = b""
        self.asked = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            connection.sendall(b"\0\0\0\4\0\0\0\0\0")  # HTTP/2: an empty SETTINGS frame
            while content := connection.recv(65536):
                self.received += content
                if b"auth-key-id" in self.received:
                    self.asked.set()

    def variables(self) -> dict[str, str | None]:
        """Return what leads the official CLI here, without encryption."""
        return {"FAL_GRPC_HOST": self.address, "ISOLATE_TEST_MODE": "1"}

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


another_server = server


@pytest.fixture(autouse=True)
def profiles(home: Home) -> None:
    home.profiles("a", "b", default="a")


@pytest.fixture
def behind(home: Home, official: Path) -> Home:
    """A home with the official CLI on PATH, behind us."""
    home.variables["PATH"] = f"{SCRIPTS}:{official}:/usr/bin:/bin"
    return home


@pytest.fixture(scope="session")
def shared(official: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bin folder of a venv with our wheel and the official CLI in it."""
    folder = tmp_path_factory.mktemp("shared")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, REPOSITORY],
        check=True,
    )
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv" / "bin" / "python"
    (wheel,) = folder.glob("falenv-*.whl")
    subprocess.run(
        [*pip, "--python", python, "install", "-q", "--no-deps", "--no-index", wheel], check=True
    )
    # The official CLI is not downloaded again, but looked up where it is.
    lib = "lib/python{}.{}/site-packages".format(*sys.version_info)
    (folder / "venv" / lib / "elsewhere.pth").write_text(
        f"{official.parent / lib}\n{sysconfig.get_path('purelib')}\n"
    )
    bin_folder = folder / "venv" / "bin"
    shutil.copy(bin_folder / "fal", bin_folder / "fal.ours")
    body = (official / "fal").read_text().split("\n", 1)[1]
    (bin_folder / "fal.theirs").write_text(f"#!{python}\n{body}")
    (bin_folder / "fal.theirs").chmod(0o755)
    return bin_folder


@pytest.fixture(params=["ours", "theirs"])
def beside(request: pytest.FixtureRequest, home: Home, shared: Path) -> Home:
    """A home where both are in one venv; the script `fal` is whose was installed last."""
    os.replace(shutil.copy(shared / f"fal.{request.param}", shared / "fal.new"), shared / "fal")
    home.variables["PATH"] = f"{shared}:/usr/bin:/bin"
    return home


def doctor(home: Home, program: str = "fal", **variables: Any) -> dict[str, str]:
    ended = home.run(needs("env"), program, "doctor", "--json", **variables)
    assert (ended.returncode, ended.stderr) == (0, "")
    told: dict[str, str] = json.loads(ended.stdout)
    return told


# --- On PATH behind us ---------------------------------------------------------------------------


def test_case_47_doctor_shows_the_active_profiles_key(behind: Home) -> None:
    told = doctor(behind)
    assert told["fal"] == "1.83.0"
    assert told["FAL_KEY"] == KEY_ID
    # A key in the environment is what any program would use, so it stays.
    assert doctor(behind, FAL_KEY=KEYS["b"])["FAL_KEY"] == KEYS["b"].partition(":")[0]
    assert doctor(behind, FAL_PROFILE="b")["FAL_KEY"] == KEYS["b"].partition(":")[0]
    assert doctor(behind, "falenv")["FAL_KEY"] == KEY_ID


def test_case_47_without_a_profile_the_environment_stays(behind: Home) -> None:
    behind.write("")
    assert doctor(behind, FAL_KEY=KEYS["c"])["FAL_KEY"] == KEYS["c"].partition(":")[0]


def test_case_47_the_profiles_host_goes_with_its_key(behind: Home) -> None:
    behind.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "api.fal.ai"\n'
        f'[b]\nkey = "{KEYS["b"]}"\n'
    )
    assert doctor(behind)["FAL_HOST"] == "api.fal.ai"
    assert doctor(behind, FAL_PROFILE="b", FAL_HOST="api.fal.ai")["FAL_HOST"] == "api.alpha.fal.ai"


def test_case_47_app_list_arrives_at_the_server_with_the_key(
    behind: Home, server: Server, official: Path
) -> None:
    # These variables are rivals, so the official CLI gets them behind falenv's back.
    folder = behind.path / "wrapped"
    folder.mkdir()
    settings = " ".join(f"{name}={value}" for name, value in server.variables().items())
    (folder / "fal").write_text(f'#!/bin/sh\n{settings} exec {official}/fal "$@"\n')
    (folder / "fal").chmod(0o755)
    process = subprocess.Popen(
        [FAL, "app", "list"],
        env=behind.with_variables({"PATH": f"{SCRIPTS}:{folder}:/usr/bin:/bin"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.asked.wait(30)
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == -signal.SIGTERM
    assert b"IsolateController/ListAliases" in server.received
    assert KEY_ID.encode() in server.received
    assert SECRET.encode() in server.received


def test_case_47_ctrl_c_on_a_terminal_is_the_official_clis(
    behind: Home, server: Server, another_server: Server, official: Path
) -> None:
    ends = []
    for program, here in ((FAL, server), (str(official / "fal"), another_server)):
        variables = behind.with_variables(here.variables() | {"FAL_KEY": KEYS["a"]})
        child = pexpect.spawn(program, ["app", "list"], env=variables, timeout=20, encoding="utf-8")
        assert here.asked.wait(30)
        child.sendintr()
        child.expect(pexpect.EOF)
        child.close()
        ends.append((child.exitstatus, child.signalstatus, "falenv: " in child.before))
    assert ends[0] == ends[1]


def test_case_47_exit_codes_and_output_are_the_official_clis(behind: Home, official: Path) -> None:
    for arguments in (["--version"], ["nonsense"], ["deploy", "--help"]):
        ours, theirs = (behind.run(program, *arguments) for program in (FAL, str(official / "fal")))
        assert (ours.returncode, ours.stdout, ours.stderr) == (
            theirs.returncode,
            theirs.stdout,
            theirs.stderr,
        )


def test_case_47_on_a_terminal_and_in_a_pipe(behind: Home) -> None:
    child = pexpect.spawn(FAL, ["doctor"], env=behind.variables, timeout=20, encoding="utf-8")
    child.expect_exact(KEY_ID)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    piped = behind.run(needs("bash"), "-c", "set -o pipefail; fal --help | head -n 1")
    assert piped.stdout.startswith("Usage: fal ")
    assert "Traceback" not in piped.stderr


def test_case_47_arguments_streams_and_process_are_handed_over_as_they_are(home: Home) -> None:
    # In the place of the official CLI a program that shows what it was given.
    folder = home.path / "bin"
    folder.mkdir()
    (folder / "fal").write_text('#!/bin/sh\necho $$ "$FAL_KEY"; printf "<%s>" "$@"; cat; exit 42\n')
    (folder / "fal").chmod(0o755)
    variables = {**home.variables, "PATH": f"{SCRIPTS}:{folder}:/usr/bin:/bin"}
    odd = ["run", "--", "-x", "--help", "", "it's", "$(touch X)", "a\nb", "--json"]
    process = subprocess.Popen(
        [FAL, *odd], env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    stdout, _ = process.communicate("input")
    assert process.returncode == 42
    assert stdout == f"{process.pid} {KEYS['a']}\n{''.join(f'<{word}>' for word in odd)}input"


# --- Beside us -----------------------------------------------------------------------------------


def test_case_47_beside_us_installed_before_or_after(beside: Home, server: Server) -> None:
    assert doctor(beside, "falenv")["FAL_KEY"] == KEY_ID
    usage = beside.run("env", "falenv", "deploy", "--help")
    assert usage.stdout.startswith("Usage: fal deploy ")
    wrong = beside.run("env", "falenv", "nonsense")
    assert wrong.returncode == 2
    # In an integrated shell it makes no difference whose script `fal` is.
    ran = beside.script(
        "bash",
        'eval "$(falenv profile env --shell bash)"\nfal profile set b && fal doctor --json',
    )
    said, told = ran.stdout.split("\n")[:2]
    assert said == "Default profile set to b."
    assert json.loads(told)["FAL_KEY"] == KEYS["b"].partition(":")[0]

    process = subprocess.Popen(
        ["env", "falenv", "app", "list"],
        env=beside.with_variables({**server.variables(), "FAL_KEY": KEYS["b"]}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert server.asked.wait(30)
    process.terminate()
    process.communicate()
    assert KEYS["b"].partition(":")[2].encode() in server.received


def test_case_47_a_folder_named_fal_here_is_never_run(beside: Home) -> None:
    for name in ("fal", "runpy", "tomli"):
        trap = beside.path / name
        trap.mkdir()
        for file in ("__init__.py", "__main__.py"):
            (trap / file).write_text("raise SystemExit('trapped')\n")
    assert doctor(beside, "falenv")["FAL_KEY"] == KEY_ID
    # What PYTHONPATH names may hide any other module, as everywhere.
    shutil.rmtree(beside.path / "runpy")
    shutil.rmtree(beside.path / "tomli")
    for pythonpath in (".", f"/none:{beside.path}"):
        assert doctor(beside, "falenv", PYTHONPATH=pythonpath)["FAL_KEY"] == KEY_ID


# --- Absent, or a circle -------------------------------------------------------------------------

ABSENT = (
    "falenv: 'fal app' belongs to the official fal CLI, which was not found; "
    "install it: pip install fal\n"
)


def test_case_48_without_the_official_cli(home: Home) -> None:
    for program in ("fal", "falenv"):
        ended = home.run("env", program, "app", "list", "--secret", KEYS["b"])
        assert (ended.returncode, ended.stdout, ended.stderr) == (127, "", ABSENT)
    assert home.run(FAL, "--version").returncode == 127


def test_case_48_from_an_integrated_shell(home: Home, kind: Kind) -> None:
    ended = home.script(kind, f"{kind.eval_line()}\nfal app list\necho {kind.status}")
    assert (ended.stdout, ended.stderr) == ("127\n", ABSENT)


def test_case_48_a_folder_named_fal_is_not_the_official_cli(home: Home) -> None:
    package = home.path / "fal"
    package.mkdir()
    for file in ("__init__.py", "__main__.py"):
        (package / file).write_text("raise SystemExit('trapped')\n")
    (home.path / "elsewhere" / "fal").mkdir(parents=True)  # a namespace, to Python
    for variables in (
        {},
        {"PYTHONPATH": ""},
        {"PYTHONPATH": "."},
        {"PYTHONPATH": f"{home.path}/elsewhere"},
        {"PATH": f"{home.variables['PATH']}:.:{home.path}"},
    ):
        ended = home.run(FAL, "app", "list", **variables)
        assert (ended.returncode, ended.stdout, ended.stderr) == (127, "", ABSENT)
    module = home.run(sys.executable, "-m", "falenv", "app", "list")
    assert (module.returncode, module.stdout, module.stderr) == (127, "", ABSENT)
    (package / "__init__.py").rename(home.path / "fal.txt")
    shutil.rmtree(package)
    (home.path / "fal").write_text("#!/bin/sh\necho trapped\n")
    (home.path / "fal").chmod(0o755)
    for entry in ("", ".", "./"):
        ended = home.run(FAL, "app", "list", PATH=f"{entry}:{home.variables['PATH']}:{entry}")
        assert (ended.returncode, ended.stdout, ended.stderr) == (127, "", ABSENT)


@pytest.mark.parametrize("word", ["exec ", ""])
def test_case_48_a_circle_on_path_ends(home: Home, word: str) -> None:
    folder = home.path / "bin"
    folder.mkdir()
    (folder / "fal").write_text(f'#!/bin/sh\n{word}"{FAL}" "$@"\n')
    (folder / "fal").chmod(0o755)
    ended = home.run(FAL, "app", "list", PATH=f"{folder}:{home.variables['PATH']}")
    assert (ended.returncode, ended.stdout, ended.stderr) == (127, "", ABSENT)
