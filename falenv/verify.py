"""Ask fal whose key it is: one HTTPS request to the REST host that belongs to a profile.

No variable and no setting but the profile's own host decides where the key goes, and none turns off
TLS or adds a certificate authority. A proxy from the environment gets a CONNECT request, so that it
sees the name of the host and no key. falenv follows no redirect.
"""

from __future__ import annotations

import os
import time
from collections import deque

from falenv import __version__
from falenv.masking import MASK, key_id, masked, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

REST_HOST = "rest.fal.ai"  # of a profile without a host
#: How long one answer may take as a whole, from the look-up of the name to the last byte.
SECONDS = 15.0
LARGEST = 64 * 1024  # bytes; fal's answer has less than one KiB
_AT_ONCE = 4
_LONGEST_TEXT = 80
_SHORTEST_SECRET = 8  # a shorter one would be found in every text

#: With these variables OpenSSL trusts other authorities, loads other code, or writes the secrets of
#: a connection to a file (ssl.create_default_context, and OpenSSL's config(5)).
_UNTRUSTED = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SSLKEYLOGFILE",
    "OPENSSL_CONF",
    "OPENSSL_CONF_INCLUDE",
    "OPENSSL_MODULES",
    "OPENSSL_ENGINES",
)
#: What an HTTP status means, or its first digit.
_FAILURES = {
    401: ("wrong", ""),
    429: ("rate_limited", "{host} asks to wait ({status}); try again later"),
    3: ("unexpected", "{host} redirects ({status}), and falenv does not follow"),
    5: ("server_error", "{host} has a fault ({status}); try again later"),
}
_NOT_FALS = ("unexpected", "the answer of {host} is not fal's ({status})")
#: Where systems keep their authorities, for a Python whose OpenSSL was built for another system.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


class Answer:
    """What fal, or the way to it, said about one key.

    `status` is one of:

    - `valid`; `narrow`: valid, but with too few rights to say whose it is; `locked`: valid, but
      the account is locked
    - `wrong`: fal does not know the key
    - `rate_limited`, `server_error`, `offline`, `timeout`, `untrusted` (the certificate is not the
      host's), `unexpected` (the answer is not fal's): nobody can say

    `account` is a name that fits a terminal, and `account_id` fal's id of the account. They are
    empty if fal did not say. `is_personal` and `is_paying` are then None. `reason` says why.
    """

    __slots__ = ("account", "account_id", "is_paying", "is_personal", "name", "reason", "status")

    def __init__(self, status: str, reason: str = "") -> None:
        self.status = status
        self.reason = reason
        self.name = ""
        self.account = ""
        self.account_id = ""
        self.is_personal: bool | None = None
        self.is_paying: bool | None = None

    @property
    def is_accepted(self) -> bool:
        """Whether fal accepts the key, also with narrow rights or for a locked account."""
        return self.status in {"valid", "narrow", "locked"}

    @property
    def is_good(self) -> bool:
        """Whether the key works."""
        return self.status in {"valid", "narrow"}

    @property
    def text(self) -> str:
        """The answer in words, for the user."""
        whose = f"{self.name}, {self._kind()}" if self.name else ""
        match self.status:
            case "valid":
                return f"valid: {whose}"
            case "narrow":
                return "valid, but its rights are too narrow to say whose it is"
            case "locked":
                because = f": {self.reason}" if self.reason else ""
                return f"valid, but the account is locked{because}{whose and f' ({whose})'}"
            case "wrong":
                return "wrong: fal does not know this key (401)"
            case _:
                return f"unknown: {self.reason}"

    def _kind(self) -> str:
        kind = {True: "personal account", False: "team account", None: "account"}
        pays = {True: ", paying", False: ", not paying", None: ""}
        return kind[self.is_personal] + pays[self.is_paying]


def rest_host(host: str | None) -> str:
    """Return the REST host of a profile with this host, derived as in the official CLI."""
    return host.replace("api", "rest", 1) if host else REST_HOST  # fal/flags.py


def noted(table: dict[str, Any], key: str | None) -> tuple[str, str, str]:
    """Return account, account id and date that an earlier `verify` has noted in a profile's table.

    Return empty strings if the note is about another key than the one that the profile has now.
    """
    now = key_id(key) or table.get("key_id")
    if not now or table.get("verified_id") != now:
        return "", "", ""
    account, account_id, date = (table.get(name) for name in ("account", "account_id", "verified"))
    return _fit(account, key or ""), _fit(account_id, key or ""), _fit(date, key or "")


def notes_on(answer: Answer, table: dict[str, Any], key: str, date: str) -> dict[str, str | None]:
    """Return what a profile's table should say after an answer; None removes a setting.

    The table names the key by its id, since the official CLI can replace the key and leave the
    rest. A wrong key keeps its old account in the table, so that a later change is noticed.
    """
    if answer.status == "wrong":
        return {"verified": None, "verified_id": None}
    if not answer.is_accepted:
        return {}
    found: dict[str, str | None] = {"verified": date, "verified_id": key_id(key)}
    if answer.account_id:
        return {"account": answer.account, "account_id": answer.account_id} | found
    if noted(table, key) == ("", "", ""):
        return {"account": None, "account_id": None} | found
    return found


def ask(questions: Iterable[tuple[str, str]]) -> Iterator[Answer]:
    """Yield fal's answer about each pair of REST host and key, in their order.

    A few questions are under way at the same time. Each ends after SECONDS, whatever the other side
    does: a thread that still waits then, perhaps for a name server, ends with this process.
    """
    context = _context()
    running: deque[Callable[[], Answer]] = deque()
    for host, key in questions:
        running.append(_begin(host, key, context))
        if len(running) == _AT_ONCE:
            yield running.popleft()()
    while running:
        yield running.popleft()()


def _begin(host: str, key: str, context: ssl.SSLContext) -> Callable[[], Answer]:
    """Start to ask; return the function that waits for the answer and returns it."""
    found: list[Answer] = []
    import threading

    end = time.monotonic() + SECONDS
    thread = threading.Thread(target=lambda: found.append(_answer(host, key, context)), daemon=True)
    thread.start()

    def wait() -> Answer:
        thread.join(max(end - time.monotonic(), 0))
        return found[0] if found else _late(host)

    return wait


def _context() -> ssl.SSLContext:
    """Return the context of a connection that only the system's own authorities vouch for.

    Take the variables that would change this out of this process's environment.
    """
    for name in _UNTRUSTED:
        os.environ.pop(name, None)
    import ssl

    context = ssl.create_default_context()
    places = ssl.get_default_verify_paths()
    if not (places.cafile or places.capath):
        for bundle in filter(os.path.isfile, _BUNDLES):
            context.load_verify_locations(bundle)
    return context


def _answer(host: str, key: str, context: ssl.SSLContext) -> Answer:
    """Ask, and return what came of it. Never raise, and never show the text of an error.

    The text of an error of http.client may contain the request, and so the key.
    """
    import http.client
    import urllib.error

    try:
        status, content = _get(host, key, context)
        return _read(host, key, status, content)
    except (OSError, http.client.HTTPException) as failure:
        error = failure.reason if isinstance(failure, urllib.error.URLError) else failure
        return _failure(host, key, error)
    except Exception as error:  # noqa: BLE001 - a fault in one question must not end the others
        return Answer("unexpected", f"could not ask {host} ({type(error).__name__})")


def _failure(host: str, key: str, error: object) -> Answer:
    """Return the answer for an error of the connection."""
    import ssl

    if isinstance(error, ssl.SSLCertVerificationError):
        what = f"the certificate of {host} is not valid ({error.verify_message})"
        return Answer("untrusted", f"{what}, so falenv sent no key")
    if isinstance(error, TimeoutError):
        return _late(host)
    if not isinstance(error, OSError):
        return Answer("unexpected", f"{host} does not speak HTTP as fal does")
    why = (error.strerror or "").rstrip(".")
    if isinstance(error, ssl.SSLError):
        why = "it does not speak TLS"
    elif not why or isinstance(error, ConnectionResetError):
        why = "the connection broke"
    return Answer("offline", f"could not reach {host}{_way(host)}: {_fit(why, key)}")


def _late(host: str) -> Answer:
    return Answer("timeout", f"{host} gave no whole answer within {SECONDS:g} seconds")


def _way(host: str) -> str:
    """Return words for the proxy on the way to a host; nothing without one."""
    from urllib.request import getproxies, proxy_bypass

    is_used = "https" in getproxies() and not proxy_bypass(host)
    return " through the proxy that HTTPS_PROXY names" if is_used else ""


def _get(host: str, key: str, context: ssl.SSLContext) -> tuple[int, bytes]:
    """Return the status and the content of fal's answer. Errors: those of urllib."""
    from urllib.request import HTTPSHandler, OpenerDirector, ProxyHandler, Request

    # Not build_opener, which adds the handlers for redirects, for http: and for file:.
    opener = OpenerDirector()
    opener.addheaders = []
    opener.add_handler(ProxyHandler())
    opener.add_handler(HTTPSHandler(context=context))
    headers = {
        # http.client encodes as Latin-1, and a key may have other characters.
        "Authorization": f"Key {key}".encode().decode("latin-1"),
        "Accept": "application/json",
        "User-Agent": f"falenv/{__version__}",
    }
    request = Request(f"https://{host}/users/current", headers=headers)
    with opener.open(request, timeout=SECONDS) as response:
        return response.status, response.read(LARGEST + 1)


def _read(host: str, key: str, status: int, content: bytes) -> Answer:
    """Return what an HTTP answer says about a key."""
    import json

    try:
        data = json.loads(content) if len(content) <= LARGEST else None
    except (ValueError, RecursionError):
        data = None
    said = data if isinstance(data, dict) else {}
    detail = _fit(said.get("detail"), key)
    if status == 200 and isinstance(said.get("user_id"), str) and said["user_id"]:  # noqa: PLR2004
        return _account(said, key)
    if status == 403 and "locked" in detail.lower():  # noqa: PLR2004 - HTTP's codes
        is_plain = detail.lower().rstrip(".") == "user is locked"
        return Answer("locked", "" if is_plain else detail)
    if status == 403 and "permission" in detail.lower():  # noqa: PLR2004
        return Answer("narrow", detail)
    what, reason = _FAILURES.get(status) or _FAILURES.get(status // 100) or _NOT_FALS
    if len(content) > LARGEST and what == "unexpected":
        reason = "the answer of {host} is too large to be fal's"
    return Answer(what, reason.format(host=host, status=status))


def _account(said: dict[str, Any], key: str) -> Answer:
    """Return the answer for an account, as fal describes it."""
    found = Answer("locked" if said.get("is_locked") is True else "valid")
    found.reason = _fit(said.get("lock_reason"), key)
    found.account_id = _fit(said["user_id"], key)
    short, full = _fit(said.get("nickname"), key), _fit(said.get("full_name"), key)
    found.account = short or full or found.account_id
    found.name = f"{full} ({short})" if short and full and short != full else found.account
    for field in ("is_personal", "is_paying"):
        if isinstance(said.get(field), bool):
            setattr(found, field, said[field])
    return found


def _fit(text: object, key: str) -> str:
    """Return a text from a server as one short line that fits a terminal, without the key."""
    if not isinstance(text, str):
        return ""
    secret = key.partition(":")[2]
    for part in (key, secret if len(secret) >= _SHORTEST_SECRET else key):
        text = text.replace(part, MASK) if part else text
    words = printable(" ".join(masked(word) for word in text.split()))
    return words if len(words) <= _LONGEST_TEXT else f"{words[: _LONGEST_TEXT - 1]}…"
