"""verify: whose key it is, asked of a loopback server that takes the place of fal's."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pexpect
import pytest
import tomli
from conftest import SCRIPTS, Home
from driver import needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Variables = dict[str, str | None]

SECRET = "fakesecret00000000000000000000"
NAMES = "DNS:rest.fal.ai,DNS:rest.work.fal.ai,DNS:rest.bad.fal.ai"
#: Runs `falenv` with a resolver that knows only the test's server, and on a system that trusts the
#: test's authority. The program itself is as it is.
LAUNCHER = """
import os, socket, ssl, sys
port, authority, seconds = int(sys.argv.pop(1)), sys.argv.pop(1), float(sys.argv.pop(1))
real, load = socket.getaddrinfo, ssl.SSLContext.load_default_certs
def resolve(host, *rest, **more):
    if host == "127.0.0.1":
        return real(host, *rest, **more)
    if not host.startswith("rest."):
        raise socket.gaierror(-2, "Name or service not known")
    return real("127.0.0.1", port, *rest[1:], **more)
def trust(self, *rest):
    load(self, *rest)
    if authority:
        self.load_verify_locations(authority)
socket.getaddrinfo, ssl.SSLContext.load_default_certs = resolve, trust
from falenv import verify
verify.SECONDS = seconds
from falenv.__main__ import main
sys.exit(main())
"""


def account(**changes: Any) -> bytes:
    about = {
        "full_name": "Ada Lovelace", "nickname": "ada", "user_id": "user-1", "is_personal": True,
        "is_locked": False, "lock_reason": None, "is_paying": True,
    }  # fmt: skip
    return http(200, json.dumps(about | changes))


def http(status: int, body: str | bytes, *headers: str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    head = [f"HTTP/1.1 {status} x", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(head).encode() + content


#: The id of a key → what the server answers to it.
ANSWERS: dict[str, bytes] = {
    "me": account(),
    "team": account(nickname="acme", full_name="", user_id="user-2", is_personal=False,
                    is_paying=False),
    "frozen": account(user_id="user-3", is_locked=True, lock_reason="Exhausted balance."),
    "odd": account(user_id="user-4", nickname="\x1b[31mno\u202e",
                   full_name=f"Key {SECRET} odd:{SECRET}"),
    "narrow": http(403, '{"detail": "Insufficient permissions"}'),
    "locked": http(403, '{"detail": "User is locked. Reason: Exhausted balance."}'),
    "shut": http(403, '{"detail": "User is locked"}'),
    "wrong": http(401, '{"detail": "Cannot access application"}'),
    "many": http(429, "slow down"),
    "fault": http(503, "<html>maintenance</html>"),
    "moved": http(302, "", "Location: https://rest.work.fal.ai/stolen"),
    "portal": http(200, "<html>Log in to the hotel's network</html>"),
    "list": http(200, "[]"),
    "deep": http(200, "[" * 60_000),
    "nobody": http(200, '{"full_name": "x", "user_id": 5}'),
    "missing": http(404, "{}"),
    "huge": http(200, b'{"user_id": "' + b"x" * 10_000_000 + b'"}'),
    "garbage": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "nothing": b"",
}  # fmt: skip


class Server:
    """In fal's place: answers by the id of the key, and remembers what it was asked."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.requests: list[tuple[str, str, str]] = []
        self.raw = b""
        self.answers = dict(ANSWERS)
        self.meanwhile: Callable[[], object] = lambda: None
        #: As a proxy: the port of the server behind it.
        self.behind = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with contextlib.suppress(OSError), plain:  # the client may go away
            if self._context is None:
                self._tunnel(plain)
                return
            with self._context.wrap_socket(plain, server_side=True) as connection:
                self._answer(connection)

    def _answer(self, connection: ssl.SSLSocket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            content = connection.recv(65536)
            if not content:
                return
            head += content
        first, *headers = head.decode().split("\r\n")
        fields = dict(line.split(": ", 1) for line in headers if ": " in line)
        key = fields.get("Authorization", "").removeprefix("Key ")
        self.requests.append((first, fields["Host"], key))
        name = key.partition(":")[0]
        self.meanwhile()
        if name == "hang":
            time.sleep(30)
        elif name == "drip":
            for char in "HTTP/1.1 200 OK\r\nX: " + "x" * 200:
                connection.sendall(char.encode())
                time.sleep(0.1)
        elif name == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.socket(fileno=connection.detach()).close()
        else:
            connection.sendall(self.answers[name])

    def _tunnel(self, plain: socket.socket) -> None:
        """Serve one client as a proxy that notes all it sees."""
        while b"\r\n\r\n" not in self.raw:
            content = plain.recv(65536)
            self.raw += content
            if not content:
                return
        with socket.create_connection(("127.0.0.1", self.behind)) as other:
            plain.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            threading.Thread(target=self._copy, args=(other, plain), daemon=True).start()
            self._copy(plain, other)

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while content := source.recv(65536):
                self.raw += content
                sink.sendall(content)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an authority (ca.pem), and a certificate of it for fal's names."""
    folder = tmp_path_factory.mktemp("authority")
    (folder / "ext").write_text(f"subjectAltName={NAMES}\n")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    for words in (
        ["req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test",
         "-days", "2"],
        ["req", *new, "-keyout", "key.pem", "-out", "request", "-subj", "/CN=rest"],
        ["x509", "-req", "-in", "request", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
         "-extfile", "ext", "-out", "cert.pem", "-days", "2"],
    ):  # fmt: skip
        subprocess.run([needs("openssl"), *words], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def server(authority: Path) -> Iterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "cert.pem", authority / "key.pem")
    server = Server(context)
    yield server
    server.close()


class Client:
    """Runs `fal profile verify` against the server."""

    def __init__(self, home: Home, server: Server, authority: Path, tmp_path: Path) -> None:
        self.home, self.server = home, server
        self.authority = authority / "ca.pem"
        self._launcher = tmp_path / "falenv"
        self._launcher.write_text(LAUNCHER)

    def command(self, *words: str, trusts: bool = True, seconds: float = 10) -> list[str]:
        trusted = str(self.authority) if trusts else ""
        start = [str(SCRIPTS / "python"), str(self._launcher), str(self.server.port), trusted]
        return [*start, str(seconds), "profile", "verify", *words]

    def __call__(
        self,
        *words: str,
        trusts: bool = True,
        seconds: float = 10,
        variables: Variables | None = None,
    ) -> subprocess.CompletedProcess[str]:
        command = self.command(*words, trusts=trusts, seconds=seconds)
        done = self.home.run(*command, stdin="", **(variables or {}))
        assert SECRET not in done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture
def verify(home: Home, server: Server, authority: Path, tmp_path: Path) -> Client:
    return Client(home, server, authority, tmp_path)


def profiles(home: Home, *names: str, more: str = "") -> None:
    """Write a store of profiles whose keys' ids are their names."""
    tables = [f'[{name}]\nkey = "{name}:{SECRET}"\n' for name in names]
    home.write("\n".join(['[__internal__]\nprofile = "me"\n', *tables, more]))


def test_all_that_fal_can_answer(home: Home, verify: Client) -> None:
    profiles(home, *ANSWERS, "hang", "drip", "reset", more="[empty]\n[bad]\nkey = 5\n")
    begun = time.monotonic()
    done = verify("--all", "--json", seconds=3)
    assert time.monotonic() - begun < 15
    assert (done.returncode, done.stderr) == (1, "")
    said = json.loads(done.stdout)
    reasons = {row["profile"]: (row["status"], row["reason"]) for row in said["profiles"]}
    rest = "rest.fal.ai"
    not_fals = ("unexpected", f"the answer of {rest} is not fal's (200)")
    assert reasons == {
        "me": ("valid", None),
        "team": ("valid", None),
        "frozen": ("locked", "Exhausted balance."),
        "odd": ("valid", None),
        "narrow": ("narrow", "Insufficient permissions"),
        "locked": ("locked", "User is locked. Reason: Exhausted balance."),
        "shut": ("locked", None),
        "wrong": ("wrong", None),
        "many": ("rate_limited", f"{rest} asks to wait (429); try again later"),
        "fault": ("server_error", f"{rest} has a fault (503); try again later"),
        "moved": ("unexpected", f"{rest} redirects (302), and falenv does not follow"),
        "portal": not_fals,
        "list": not_fals,
        "deep": not_fals,
        "nobody": not_fals,
        "missing": ("unexpected", f"the answer of {rest} is not fal's (404)"),
        "huge": ("unexpected", f"the answer of {rest} is too large to be fal's"),
        "garbage": ("unexpected", f"{rest} does not speak HTTP as fal does"),
        "nothing": ("offline", f"could not reach {rest}: the connection broke"),
        "hang": ("timeout", f"{rest} gave no whole answer within 3 seconds"),
        "drip": ("timeout", f"{rest} gave no whole answer within 3 seconds"),
        "reset": ("offline", f"could not reach {rest}: the connection broke"),
        "empty": ("no_key",
                  "not asked: no key in the store; to set one: fal profile key empty"),
        "bad": ("unusable", "not asked: the key is not text, line 72"),
    }  # fmt: skip
    me = said["profiles"][0]
    assert me == {
        "profile": "me", "status": "valid", "reason": None, "host": rest, "account": "ada",
        "account_name": "Ada Lovelace (ada)", "account_id": "user-1", "is_personal": True,
        "is_paying": True, "is_locked": False,
    }  # fmt: skip
    # No request but the one question, and nothing where the redirect leads.
    assert {first for first, _, _ in verify.server.requests} == {"GET /users/current HTTP/1.1"}
    assert {host for _, host, _ in verify.server.requests} == {rest}
    assert len(verify.server.requests) == len(ANSWERS) + 3


def test_the_lines_and_what_list_says_later(home: Home, verify: Client) -> None:
    names = ("me", "team", "frozen", "odd", "narrow", "shut", "wrong", "many")
    profiles(home, *names)
    ada = "Ada Lovelace (ada), personal account, paying"
    done = verify("--all")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [
        f"me      valid: {ada}",
        "team    valid: acme, team account, not paying",
        f"frozen  valid, but the account is locked: Exhausted balance. ({ada})",
        r"odd     valid: Key ******** ******** (\x1b[31mno\u202e), personal account, paying",
        "narrow  valid, but its rights are too narrow to say whose it is",
        "shut    valid, but the account is locked",
        "wrong   wrong: fal does not know this key (401)",
        "many    unknown: rest.fal.ai asks to wait (429); try again later",
    ]
    tables = tomli.loads(home.store.read_text())
    date = time.strftime("%Y-%m-%d")
    assert tables["me"] == {
        "key": f"me:{SECRET}", "account": "ada", "account_id": "user-1", "verified": date,
        "verified_id": "me",
    }  # fmt: skip
    assert tables["narrow"] == {
        "key": f"narrow:{SECRET}",
        "verified": date,
        "verified_id": "narrow",
    }
    assert list(tables["wrong"]) == list(tables["many"]) == ["key"]
    listed = {
        row["profile"]: row for row in json.loads(home.fal("list", "--json").stdout)["profiles"]
    }
    assert {name: row["account"] for name, row in listed.items()} == {
        "me": "ada", "team": "acme", "frozen": "ada", "odd": r"\x1b[31mno\u202e", "narrow": None,
        "shut": None, "wrong": None, "many": None,
    }  # fmt: skip
    rows = [row.replace("┃", "│") for row in home.fal("list").stdout.splitlines()]
    cells = [[cell.strip() for cell in row.split("│")[1:-1]] for row in rows if "│" in row]
    assert cells[0] == ["Default", "Profile", "Key ID", "Account", "Active here", "Settings"]
    assert cells[1] == ["*", "me", "me", "ada", "default", "key"]
    # The official CLI, or an editor, replaces a key: the account was another key's.
    home.write(home.store.read_text().replace(f"me:{SECRET}", f"team2:{SECRET}"))
    listed = {
        row["profile"]: row for row in json.loads(home.fal("list", "--json").stdout)["profiles"]
    }
    assert listed["me"]["account"] is None


def test_one_write_for_all_and_none_where_nothing_is_new(home: Home, verify: Client) -> None:
    profiles(home, "me", "team", "narrow")
    inode = home.store.stat().st_ino
    assert verify("--all").returncode == 0
    written = home.store.stat()
    assert written.st_ino != inode
    assert written.st_mode & 0o777 == 0o600
    assert verify("--all").returncode == 0
    assert home.store.stat().st_ino == written.st_ino
    # A key that another program replaces meanwhile gets no note about the old one.
    verify.server.answers["me"] = ANSWERS["team"]
    verify.server.meanwhile = lambda: profiles(home, "team", more=f'[me]\nkey = "new:{SECRET}"\n')
    assert verify("me").returncode == 0
    assert tomli.loads(home.store.read_text())["me"] == {"key": f"new:{SECRET}"}


def test_what_has_changed_and_what_is_shared(home: Home, verify: Client) -> None:
    same = f'[twin]\nkey = "me:{SECRET}"\n'
    profiles(home, "me", "team", more=same)
    done = verify("me", "team")
    assert done.returncode == 0
    assert done.stderr == "falenv: these profiles have the same key: 'me', 'twin'\n"
    # The same key, another account; and two keys of one account.
    verify.server.answers["me"] = account(user_id="user-2", nickname="acme")
    first, second = verify("--all").stderr.splitlines()[:2]
    notice(first, "the key of profile 'me' belongs to another account now: it was ada, it is acme")
    assert "same key" in second
    profiles(home, "me", "team")
    done = verify("--all", "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout)["notes"] == [
        "these profiles belong to the same account, acme: 'me', 'team'"
    ]
    # Another key in the same profile.
    home.write(home.store.read_text().replace(f"team:{SECRET}", f"frozen:{SECRET}"))
    done = verify("team")
    assert done.stderr == (
        "falenv: the key of profile 'team' was replaced: it was acme, it is ada\n"
    )
    # A wrong key is not forgotten: its successor is told apart.
    verify.server.answers["me"] = ANSWERS["wrong"]
    verify("me")
    verify.server.answers["me"] = account()
    notice(verify("me").stderr.rstrip("\n"), "'me' was replaced: it was acme, it is ada")


def test_names_and_the_profile_in_the_prompt(home: Home, verify: Client) -> None:
    profiles(home, "me", "team", more=f'[far]\nkey = "me:{SECRET}"\nhost = "api.work.fal.ai"\n')
    assert verify().stdout == "me  valid: Ada Lovelace (ada), personal account, paying\n"
    assert verify("far", "team", "far").returncode == 0
    assert sorted(host for _, host, _ in verify.server.requests) == [
        "rest.fal.ai", "rest.fal.ai", "rest.work.fal.ai",
    ]  # fmt: skip
    asked = len(verify.server.requests)
    for words, said, code in (
        (["nope"], "profile 'nope' does not exist (profiles: me, team, far); ", 1),
        ([f"me:{SECRET}"], "profile 'me:********' does not exist", 1),
        (["me", "--all"], "give either NAME or --all", 2),
    ):
        done = verify(*words)
        assert (done.returncode, done.stdout) == (code, "")
        notice(done.stderr.rstrip("\n"), said)
    # The prompt shows another profile than the active one.
    done = verify(variables={"FALENV_PROFILE": "team"})
    assert (done.returncode, done.stdout) == (1, "")
    notice(done.stderr.rstrip("\n"), "uses 'team'", "to change that one: ", "profile verify me")
    assert len(verify.server.requests) == asked
    home.write("")
    done = verify("--all")
    assert (done.returncode, done.stdout) == (1, "")
    notice(done.stderr.rstrip("\n"), "there are no profiles yet")


def test_no_variable_sends_the_key_elsewhere_or_turns_tls_off(
    home: Home, verify: Client, tmp_path: Path
) -> None:
    profiles(home, "me")
    bad = f"127.0.0.1:{verify.server.port}"
    keylog, ca = tmp_path / "keylog", str(verify.authority)
    (tmp_path / "openssl.cnf").write_text("openssl_conf = x\n[x]\nproviders = y\n[y]\nz = w\n")
    variables: Variables = {
        "FAL_HOST": bad, "FAL_REST_HOST": bad, "FAL_GRPC_HOST": bad, "FAL_RUN_HOST": bad,
        "ISOLATE_TEST_MODE": "1", "ISOLATE_AUTH_DISABLED": "1", "PYTHONHTTPSVERIFY": "0",
        "SSLKEYLOGFILE": str(keylog), "OPENSSL_CONF": str(tmp_path / "openssl.cnf"),
        "REQUESTS_CA_BUNDLE": ca, "CURL_CA_BUNDLE": ca, "FALENV_HOST": bad,
        "HTTP_PROXY": f"http://{bad}", "http_proxy": f"http://{bad}", "ALL_PROXY": f"http://{bad}",
    }  # fmt: skip
    assert verify("me", variables=variables).stdout.startswith("me  valid: ")
    assert not keylog.exists()
    assert [host for _, host, _ in verify.server.requests] == ["rest.fal.ai"]
    # An authority that a variable names is not the system's.
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "ca.pem").write_bytes(verify.authority.read_bytes())
    subprocess.run([needs("openssl"), "rehash", str(folder)], check=True, capture_output=True)
    trusting: Variables = {"SSL_CERT_FILE": ca, "SSL_CERT_DIR": str(folder)}
    done = verify("me", trusts=False, variables=variables | trusting)
    assert done.returncode == 1
    assert done.stdout.startswith("me  unknown: the certificate of rest.fal.ai is not valid (")
    assert done.stdout.endswith("so falenv sent no key\n")
    # Another host's certificate.
    home.write(f'[far]\nkey = "me:{SECRET}"\nhost = "api.other.fal.ai"\n')
    done = verify("far", variables=variables)
    assert "the certificate of rest.other.fal.ai is not valid (Hostname mismatch" in done.stdout
    assert len(verify.server.requests) == 1


def test_a_proxy_sees_the_host_and_no_key(home: Home, verify: Client) -> None:
    profiles(home, "me")
    proxy = Server(None)
    proxy.behind = verify.server.port
    address = f"127.0.0.1:{proxy.port}"
    done = verify("me", variables={"HTTPS_PROXY": f"http://user:fakeproxypass@{address}"})
    assert done.stdout.startswith("me  valid: ")
    assert proxy.raw.startswith(b"CONNECT rest.fal.ai:443 HTTP/1.")
    assert base64.b64encode(b"user:fakeproxypass") in proxy.raw
    assert SECRET.encode() not in proxy.raw
    assert b"Authorization: Key" not in proxy.raw
    proxy.close()
    done = verify("me", variables={"https_proxy": f"http://user:fakeproxypass@{address}"})
    assert done.stdout == (
        "me  unknown: could not reach rest.fal.ai through the proxy that HTTPS_PROXY names: "
        "Connection refused\n"
    )
    assert "fakeproxypass" not in done.stderr
    assert (
        verify(
            "me", variables={"HTTPS_PROXY": f"http://{address}", "NO_PROXY": "fal.ai"}
        ).returncode
        == 0
    )


def test_offline(home: Home, verify: Client) -> None:
    profiles(home, "me")
    verify.server.port = 1  # nobody listens there
    done = verify()
    assert (done.returncode, done.stdout) == (
        1, "me  unknown: could not reach rest.fal.ai: Connection refused\n",
    )  # fmt: skip


def test_on_a_terminal_a_line_says_what_goes_on(home: Home, verify: Client) -> None:
    profiles(home, "me", "wrong", more="[empty]\n")
    child = pexpect.spawn(
        sys.executable, verify.command("--all")[1:], env=home.variables, cwd=str(home.path),
        timeout=20, encoding="utf-8", dimensions=(40, 200),
    )  # fmt: skip
    child.expect(pexpect.EOF)
    child.close()
    assert child.before.splitlines() == [
        "falenv: asking rest.fal.ai about 'me' (1 of 3)",
        "me     valid: Ada Lovelace (ada), personal account, paying",
        "falenv: asking rest.fal.ai about 'wrong' (2 of 3)",
        "wrong  wrong: fal does not know this key (401)",
        "empty  not asked: no key in the store; to set one: fal profile key empty",
    ]
    assert child.exitstatus == 1
