"""The formats for other programs, read back by these programs themselves."""

from __future__ import annotations

import ctypes
import http.server
import io
import json
import os
import re
import shutil
import socketserver
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import dotenv
import pytest
from conftest import KEYS, SCRIPTS, Home
from hypothesis import given, settings
from hypothesis import strategies as st

from falenv import envtext, incoming
from falenv.errors import FalenvError

if TYPE_CHECKING:
    from collections.abc import Callable

    Variables = dict[str, str]

HOSTILE = (
    "id:secret", "", " ", "a b", " lead", "trail ", "it's", 'say "hi"', "both ' and \"", "#no",
    "a #b", "a#b", "$HOME", "${HOME}", "$(x)", "a$", "$1", "`x`", "back\\", "a\\nb", "a\\\\b",
    "\\'", "!x", "%s%%", "=a=b", "a;b", "é日本", "\ta\t", "{}", "a\x1bb", "\x85", "\u2028",
)  # fmt: skip
#: No line holds these.
BROKEN = ("a\nb", "a\n", "a\rb", "a\r", "a\0b", "a\udcff")


# --- The readers ---------------------------------------------------------------------------------


def by_dotenv(text: str, _: Path) -> Variables:
    found = dotenv.dotenv_values(stream=io.StringIO(text))
    assert None not in found.values()
    return {name: value or "" for name, value in found.items()}


def by_json(text: str, _: Path) -> Variables:
    found: Variables = json.loads(text)
    return found


class Daemon(http.server.BaseHTTPRequestHandler):
    """As much of docker's daemon as `docker create` asks."""

    said: list[str] = []  # noqa: RUF012 - the test reads and empties it

    def do_HEAD(self) -> None:
        self.answer({})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.said.extend(asked["Env"])
        self.answer({"Id": "0" * 64, "Warnings": []}, 201)

    def answer(self, content: object, code: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Api-Version", "1.47")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        return ""

    def log_message(self, *_: object) -> None:
        pass


def by_docker(text: str, folder: Path) -> Variables:
    """Return what `docker create --env-file` asks its daemon to set."""
    (folder / "env").write_text(text, encoding="utf-8", newline="")
    docker = shutil.which("docker")
    if docker is None:  # docker/cli, opts/file.go and opts/env.go
        lines = [line.lstrip() for line in text.split("\n")]
        kept = [line.partition("=") for line in lines if line and line[0] != "#"]
        return {name: value for name, _, value in kept}
    path = folder / "d.sock"
    path.unlink(missing_ok=True)
    with socketserver.ThreadingUnixStreamServer(str(path), Daemon) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        done = subprocess.run(
            [docker, "--host", f"unix://{path}", "create", "--env-file", "env", "image"],
            cwd=folder, env={"HOME": str(folder), "PATH": os.environ["PATH"]},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        server.shutdown()
    assert done.returncode == 0, done.stderr
    found = dict(entry.split("=", 1) for entry in Daemon.said)
    Daemon.said.clear()
    return found


def by_systemd(text: str, folder: Path) -> Variables:
    """Return what systemd's own reader of EnvironmentFile= finds."""
    libraries = [*Path("/usr/lib").glob("*/systemd/libsystemd-shared-*.so"),
                 *Path("/usr/lib/systemd").glob("libsystemd-shared-*.so")]  # fmt: skip
    if not libraries:
        if os.environ.get("CI"):
            pytest.fail("systemd is missing")
        pytest.skip("systemd is missing")
    (folder / "env").write_text(text, encoding="utf-8", newline="")
    read = ctypes.CDLL(str(libraries[0])).load_env_file
    entries = ctypes.POINTER(ctypes.c_char_p)()
    assert read(None, os.fsencode(folder / "env"), ctypes.byref(entries)) == 0
    found: list[bytes] = []
    while entry := entries[len(found)]:
        found.append(entry)
    parts = [entry.decode().partition("=") for entry in found]
    return {name: value for name, _, value in parts}


def by_github(text: str, _: Path) -> Variables:
    """Return what the runner of GitHub Actions finds.

    After actions/runner, src/Runner.Worker/FileCommandManager.cs (EnvFileKeyValuePairs).
    """
    found, lines = {}, re.split("\r\n|\n", text)
    while lines:
        line = lines.pop(0)
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        assert equals < 0 or -1 < heredoc < equals
        assert heredoc > 0
        name, end = line[:heredoc], line[heredoc + 2 :]
        assert name
        assert end
        at = lines.index(end)
        found[name] = "\n".join(lines[:at])
        del lines[: at + 1]
    return found


READERS: dict[str, Callable[[str, Path], Variables]] = {
    "docker": by_docker,
    "dotenv": by_dotenv,
    "github": by_github,
    "json": by_json,
    "systemd": by_systemd,
}


def rendered(form: str, variables: Variables) -> str:
    return envtext.github(variables) if form == "github" else envtext.render(form, variables)


def held(form: str, values: tuple[str, ...]) -> Variables:
    """Return the values that a format does not refuse, each under a name of its own."""
    found = {}
    for number, value in enumerate(values):
        try:
            rendered(form, {"X": value})
        except FalenvError:
            continue
        found[f"V{number}"] = value
    return found


# --- The formats ---------------------------------------------------------------------------------


def test_the_table_has_every_format() -> None:
    assert set(READERS) == set(envtext.FORMATS)


@pytest.mark.parametrize("form", envtext.FORMATS)
def test_case_49_the_real_reader_reads_the_same_or_the_value_is_refused(
    tmp_path: Path, form: str
) -> None:
    variables = held(form, HOSTILE)
    assert READERS[form](rendered(form, variables), tmp_path) == variables
    refused = set(HOSTILE) - set(variables.values())
    assert refused == (
        {"${HOME}", "$HOME", "$(x)", "$1", "a\\\\b", "back\\", "\\'", "both ' and \""}
        if form == "dotenv"
        else set()
    )
    assert set(held(form, BROKEN).values()) == (set(BROKEN[:4]) if form == "json" else set())


def test_a_refusal_says_which_format_and_why() -> None:
    with pytest.raises(FalenvError) as refused:
        envtext.render("docker", {"FAL_KEY": "a\nb"})
    assert str(refused.value) == (
        "the format docker cannot hold the value of FAL_KEY, which has a line break"
    )


def test_case_49_docker_reads_no_longer_line(tmp_path: Path) -> None:
    longest = "x" * (64 * 1024 - 3)
    assert held("docker", (longest, longest + "x")) == {"V0": longest}
    assert by_docker(rendered("docker", {"A": longest}), tmp_path) == {"A": longest}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("ab'\"\\$`#={}( \téx:")) | st.text(), max_size=3))
def test_case_49_any_value(values: list[str]) -> None:
    folder = Path("/nowhere")
    for form in ("dotenv", "json", "github"):
        variables = held(form, tuple(values))
        assert READERS[form](rendered(form, variables), folder) == variables


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(st.sampled_from("FAL_KEY=ab'\"\\ #\n\t$x:=exportnr"), max_size=30)))
def test_what_import_reads_is_what_python_dotenv_reads(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        expected = dotenv.dotenv_values(stream=io.StringIO(text), interpolate=False)
    except ValueError:
        return
    found = incoming.read_dotenv(text)
    for name in ("FAL_KEY", "F"):
        theirs = expected.get(name)
        # Where the line is not understood, python-dotenv has nothing, and we have its text.
        assert found.get(name) == theirs or theirs is None, (text, name)


# --- The commands --------------------------------------------------------------------------------


@pytest.mark.parametrize("form", envtext.FORMATS)
def test_env_and_export_print_key_and_hosts(home: Home, form: str) -> None:
    home.write(f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "api.fal.ai"\n'
               f'[b]\nkey = "k\'$x:y"\n[c]\n')  # fmt: skip
    hosts = {"FAL_HOST": "api.fal.ai", "FAL_RUN_HOST": "fal.run", "FAL_QUEUE_RUN_HOST":
             "queue.fal.run"}  # fmt: skip
    sink = home.path / "github"
    for words in (["env"], ["env", "a"], ["export", "a"], ["export"]):
        done = home.fal(*words, "--format", form, GITHUB_ENV=str(sink))
        assert (done.returncode, done.stderr) == (0, "")
        text = done.stdout
        if form == "github":
            secret = KEYS["a"].partition(":")[2]
            assert text == f"::add-mask::{KEYS['a']}\n::add-mask::{secret}\n"
            text = sink.read_text()
        assert READERS[form](text, home.path) == {"FAL_KEY": KEYS["a"], **hosts}
    code, out, err = home.here("profile", "env", "c", "--format", form)
    said = "falenv: profile 'c' has no key; to set one: fal profile key c\n"
    assert (code, out, err) == (1, "", said)
    done = home.fal("env", "b", "--format", form, GITHUB_ENV=str(sink))
    assert (done.returncode, done.stdout == "") == ((1, True) if form == "dotenv" else (0, False))


def test_github_hides_before_it_writes_and_writes_only_to_its_file(home: Home) -> None:
    home.profiles("a", default="a")
    words = ("env", "--format", "github")
    done = home.fal(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "GITHUB_ENV is not set" in done.stderr
    sink = home.path / "github"
    sink.write_text("A=b\n")
    # The mask in that file would be an error of the job, and would hide nothing.
    done = home.run("sh", "-c", f'fal profile {" ".join(words)} >> "$GITHUB_ENV"',
                    GITHUB_ENV=str(sink))  # fmt: skip
    assert (done.returncode, sink.read_text()) == (2, "A=b\n")
    done = home.fal(*words, GITHUB_ENV=str(home.path / "no" / "file"))
    assert done.returncode == 1
    assert home.fal(*words, GITHUB_ENV=str(sink)).returncode == 0
    first, *_ = sink.read_text().splitlines()[1:]
    home.fal(*words, GITHUB_ENV=str(sink))
    delimiters = re.findall("<<(.*)", sink.read_text())
    assert len(set(delimiters)) == len(delimiters) == 2
    assert first == f"FAL_KEY<<{delimiters[0]}"


def test_a_format_goes_with_no_option_for_a_shell(home: Home) -> None:
    home.profiles("a", default="a")
    for words in (["--shell", "bash"], ["--unset"], ["--exports-only"], ["--no-prompt"]):
        assert home.here("profile", "env", "--format", "json", *words) == (
            2, "", "falenv: --format is for programs, so it takes no option for a shell\n"
        )  # fmt: skip
    code, out, err = home.here("profile", "env", "--format", "yaml")
    assert (code, out, err) == (2, "", (
        "falenv: the format 'yaml' is not supported; "
        "supported formats: docker, dotenv, github, json, systemd\n"
    ))  # fmt: skip
    home.variables["FALENV_NONE"] = "1"
    code, out, err = home.here("profile", "env", "a", "--format", "json")
    assert (code, out) == (1, "")
    assert err == "falenv: this shell has no credentials; to use a profile: fal profile use NAME\n"


def test_no_format_is_printed_to_a_terminal(home: Home) -> None:
    home.profiles("a", default="a")
    script = shutil.which("script") or pytest.skip("script is missing")
    fal = str(SCRIPTS / "fal")
    for words in ("env --format json", "env a --format github", "export a --format docker",
                  "export", "key --print", "key a --print"):  # fmt: skip
        done = home.run(script, "-qec", f"{fal} profile {words}", "/dev/null", GITHUB_ENV="/x")
        assert done.returncode == 1, done.stdout
        assert "is not printed to a terminal" in done.stdout
        assert KEYS["a"].partition(":")[2] not in done.stdout
