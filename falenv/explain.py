"""Why a profile is active here, step by step, and which credential each fal client would use."""

from __future__ import annotations

import os

from falenv import environment, fast, links, official, origins, paths, program
from falenv.active import NOBODY, choice, has_none, pin
from falenv.errors import FalenvError
from falenv.masking import key_id, label, masked, printable, shown
from falenv.profile import DEFAULT_HOST, INTERNAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from falenv.profile import Profile
    from falenv.store import Store


_PASSED = "passed over"


def lines(found: Store, *, is_integrated: bool) -> Iterator[str]:
    """Yield a line for each step, `>` marking the one that decides, and one for each client."""
    for step in ladder(found):
        yield f"{'>' if step.decides else ' '} {step.kind:8}  {step.text}"
    for client in clients(found, is_integrated=is_integrated):
        yield f"{client.name:12}  {client.text}"


def as_json(found: Store, *, is_integrated: bool) -> dict[str, object]:
    """Return the same as `lines`, for JSON."""
    return {
        "steps": [
            {
                "step": step.kind,
                "profile": masked(step.name) or None,
                "file": step.path or None,
                "line": step.line or None,
                "decides": step.decides,
                "note": step.note or None,
            }
            for step in ladder(found)
        ],
        "clients": [
            {
                "client": client.name,
                "source": client.source,
                "key_id": client.key_id or None,
                "profile": client.profile or None,
                "host": client.host or None,
                "because": client.because,
            }
            for client in clients(found, is_integrated=is_integrated)
        ],
    }


class Step:
    """One step of the ladder: what it names, where, and what becomes of it.

    `kind` is `argument`, `pin`, `folder` or `default`. `name` is empty if the step names nothing.
    `line` is 0 if no file and line is known.
    """

    __slots__ = ("decides", "kind", "line", "name", "note", "path")

    def __init__(self, kind: str, name: str = "", path: str = "", line: int = 0) -> None:
        self.kind = kind
        self.name = name
        self.path = path
        self.line = line
        self.note = ""
        self.decides = False

    @property
    def text(self) -> str:
        """The step in words."""
        where = f"{self.path}, line {self.line}" if self.line else self.path
        parts = [label(self.name) if self.name else "", where, self.note]
        return "; ".join(filter(None, parts)) or "nothing"


class Client:
    """Which credential a client would use here, and why.

    `source` is `FAL_KEY`, `store`, `pair` (FAL_KEY_ID and FAL_KEY_SECRET), `login`, `none`, or
    `refused` if falenv would not start the client. It is `command` or `keyring` if falenv fetches
    the key from there when it starts the client. `key_id` and `profile` say whose it is.
    """

    __slots__ = ("because", "host", "key_id", "name", "profile", "source")

    def __init__(self, name: str, source: str, because: str, host: str = "") -> None:
        self.name = name
        self.source = source
        self.because = because
        self.host = host
        self.key_id = ""
        self.profile = ""

    @property
    def text(self) -> str:
        """The credential in words."""
        what = {
            "pair": "FAL_KEY_ID and FAL_KEY_SECRET",
            "login": "the login of `fal auth login`",
            "none": "no credential",
            "refused": "does not start",
        }.get(self.source, "a key that no profile has")
        if self.profile:
            what = f"the key of profile {shown(self.profile)}"
        elif self.source == "FAL_KEY" and not self.key_id:
            what = "an empty key"
        whose = f" (id {self.key_id})" if self.key_id else ""
        sent = f"; host {self.host}" if self.host and self.source not in {"none", "refused"} else ""
        return f"{what}{whose}, because {self.because}{sent}"


# --- The ladder ----------------------------------------------------------------------------------


def ladder(found: Store) -> list[Step]:
    """Return the steps that choose a profile in this environment, in their order.

    There is a step for each `.fal-profile` in this folder and above, up to the one that counts.
    """
    why = choice(found)[1]
    kind = {"nobody": "pin", "changed": "folder"}.get(why, why)
    argument = Step("argument")
    argument.note = "none: env, use and exec take a name"
    steps = [argument, _pin(), *_folders(), _default(found)]
    is_decided = False
    for step in steps:
        step.decides = step.kind == kind and not step.note.startswith(_PASSED)
        notes = [step.note]
        if step.decides:
            notes.insert(0, "this decides")
        elif step.name and is_decided and not step.note:
            notes = ["not reached"]
        if step.name and step.name not in found.names:
            notes.append("no such profile exists")
        step.note = "; ".join(filter(None, notes))
        is_decided = is_decided or step.decides
    return steps


def _pin() -> Step:
    if has_none():
        step = Step("pin", path="FALENV_NONE")
        step.note = "no credentials here (fal profile use --none)"
        return step
    name = pin()
    if not name:
        step = Step("pin")
        step.note = "none: FAL_PROFILE is not set"
        return step
    place = origins.of_value("FAL_PROFILE", name)
    return Step("pin", name, f"FAL_PROFILE, set by {place}" if place else "FAL_PROFILE")


def _folders() -> Iterator[Step]:
    """Yield a step for each `.fal-profile` in the current folder and above, or one for none."""
    chain = links.chain()
    if not chain:
        step = Step("folder")
        step.note = f"none: no {links.FILE} here or above"
        yield step
    for link in chain:
        step = Step("folder", link.name, link.path, 1)
        step.note = {
            "allowed": "",
            "changed": "its text has changed since you allowed it",
            "denied": f"{_PASSED}: you denied it",
            "unknown": f"{_PASSED}: you have not allowed it",
            "unfit": f"{_PASSED}: it is not a file with a name",
        }[link.verdict]
        yield step


def _default(found: Store) -> Step:
    line = found.line_of(INTERNAL, "profile") or 0
    if found.default_error:
        step = Step("default", path=found.path, line=line)
        step.note = "it cannot be used"
        return step
    if not found.default:
        step = Step("default")
        step.note = f"none: {found.path} sets no default"
        return step
    return Step("default", found.default, found.path, line)


# --- The clients ---------------------------------------------------------------------------------


def clients(found: Store, *, is_integrated: bool) -> list[Client]:
    """Return what each client would use if it started here, the official CLI as `fal` runs it."""
    everything = dict(os.environ)
    return [
        _named(found, _official(found, is_integrated=is_integrated), everything),
        _named(found, _python(everything), everything),
        _named(found, _javascript(everything), everything),
    ]


def _named(found: Store, client: Client, variables: dict[str, str]) -> Client:
    """Fill in whose key a client uses."""
    if client.source == "pair":
        client.key_id = variables.get("FAL_KEY_ID", "")
    if client.key_id not in {"", "-"}:
        client.profile = client.profile or found.names_by_id.get(client.key_id, "")
    client.key_id, client.profile = printable(masked(client.key_id)), masked(client.profile)
    return client


def _official(found: Store, *, is_integrated: bool) -> Client:
    """Return what the official CLI would use (fal/auth, fal/config.py and fal/flags.py)."""
    name = "official CLI"
    if official.find() is None:
        return Client(name, "refused", "it is not installed")
    goes_through_us = is_integrated or program.is_ours(next(paths.which("fal"), ""))
    changes: environment.Environment = {}
    if goes_through_us:
        try:
            changes = fast.for_official(fetches=False)
        except FalenvError as error:
            return Client(name, "refused", f"falenv stops it: {error}")
    supplied = found.profiles.get(changes["FAL_PROFILE"] or "") if "FAL_KEY" in changes else None
    return _of_official(found, environment.apply(changes), supplied)


def _of_official(found: Store, variables: dict[str, str], supplied: Profile | None) -> Client:
    """Return what the official CLI would use in this environment.

    falenv supplies the key of the profile `supplied`, if there is one.
    """
    selected = variables.get("FAL_PROFILE") or found.default
    table = found.data.get(selected) if selected != INTERNAL else None
    table = table if isinstance(table, dict) else {}
    host = variables.get("FAL_GRPC_HOST") or variables.get("FAL_HOST") or table.get("host")
    client = Client("official CLI", "none", "", str(host or DEFAULT_HOST))
    if variables.get("FAL_FORCE_AUTH_BY_USER") == "1":
        return _or_login(client, "FAL_FORCE_AUTH_BY_USER is 1")
    if variables.get("FAL_KEY"):
        why = "falenv gives it the key" if supplied else "FAL_KEY is set"
        return _with_key(client, "FAL_KEY", variables["FAL_KEY"], why)
    if supplied and supplied.source and supplied.has_source:
        client.source, client.because = (
            supplied.source,
            f"falenv fetches it from {supplied.source_words}",
        )
        client.key_id, client.profile = supplied.known_id, supplied.name
        return client
    if table.get("key"):
        by = "FAL_PROFILE names that profile" if "FAL_PROFILE" in variables else "it is the default"
        return _with_key(client, "store", table["key"], f"FAL_KEY is not set, and {by}")
    if "FAL_KEY_ID" in variables and "FAL_KEY_SECRET" in variables:
        client.source, client.because = "pair", "neither FAL_KEY nor a profile gives a key"
        return client
    is_elsewhere = table.get("key_command") or table.get("keyring")
    why = "the key of that profile is not in the store" if is_elsewhere else "there is no key"
    why = "falenv keeps it without one" if selected == NOBODY else why
    return _or_login(client, why)


def _with_key(client: Client, source: str, key: object, because: str) -> Client:
    """Return the official CLI with a key, which it does not use if the key has no colon."""
    if not isinstance(key, str) or ":" not in key:
        return _or_login(client, f"the key in {source} is not in the form ID:SECRET")
    client.source, client.key_id, client.because = source, key_id(key), because
    return client


def _python(variables: dict[str, str]) -> Client:
    """Return what fal_client would use (fal_client/auth.py). It never reads the store."""
    client = Client("fal_client", "none", "", variables.get("FAL_RUN_HOST", "fal.run"))
    if variables.get("FAL_FORCE_AUTH_BY_USER") == "1":
        return _or_login(client, "FAL_FORCE_AUTH_BY_USER is 1")
    if variables.get("FAL_KEY"):
        client.source, client.because = "FAL_KEY", "FAL_KEY is set"
        client.key_id = key_id(variables["FAL_KEY"])
        return client
    if variables.get("FAL_KEY_ID") and variables.get("FAL_KEY_SECRET"):
        client.source, client.because = "pair", "FAL_KEY is not set"
        return client
    return _or_login(client, "FAL_KEY is not set, and it never reads the store")


def _javascript(variables: dict[str, str]) -> Client:
    """Return what @fal-ai/client would use. It takes an empty FAL_KEY, and knows no login."""
    client = Client("JS client", "none", "FAL_KEY is not set, and it reads nothing else")
    if "FAL_KEY" in variables:
        client.source, client.key_id = "FAL_KEY", key_id(variables["FAL_KEY"])
        client.because = "FAL_KEY is set" if client.key_id else "FAL_KEY is set to nothing"
    elif "FAL_KEY_ID" in variables and "FAL_KEY_SECRET" in variables:
        client.source, client.because = "pair", "FAL_KEY is not set"
    return client


def _or_login(client: Client, because: str) -> Client:
    """Return a client that falls back to the login, or has nothing if there is none."""
    has_login = origins.has_login()
    client.source = "login" if has_login else "none"
    client.because = because if has_login else f"{because}, and nobody has logged in"
    return client
