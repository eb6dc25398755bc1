"""Profiles that come from elsewhere: from an `.env` file, another store or the environment.

Whoever wrote the file may mean harm. So only a key, a host and a colour come in, each checked, and
never a setting that runs a command or changes how falenv treats the profile.
"""

from __future__ import annotations

import re

from falenv import envfiles, store
from falenv.errors import FalenvError, InvalidHostError, InvalidKeyError, UsageError
from falenv.masking import masked, printable, shown
from falenv.pasted import clean_key
from falenv.profile import check_host, check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store

#: The settings that an import takes.
TAKEN = ("key", "host", "color")
#: A loader of an `.env` file may put the value of another variable here.
_EXPANDS = re.compile(r"\$[A-Za-z_{(]")
_ESCAPES = {'"': re.compile(r"\\([\\'\"abfnrtv])"), "'": re.compile(r"\\([\\'])")}
_CONTROLS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Incoming:
    """A profile to import: its checked settings, and the names of those that stay out."""

    __slots__ = ("left_out", "name", "settings")

    def __init__(self, name: str, settings: dict[str, str], left_out: list[str]) -> None:
        self.name = name
        self.settings = settings
        self.left_out = left_out

    @property
    def is_foreign(self) -> bool:
        """Whether the host is outside fal's own domains."""
        try:
            check_host(self.settings.get("host", "api.fal.ai"))
        except InvalidHostError:
            return True
        return False


def from_text(path: str, text: str, name: str | None) -> list[Incoming]:
    """Return the profiles in the text of a file, a store or an `.env` file.

    `name` chooses one profile of a store. If the file has only one, `name` is its new name. Errors:
    FalenvError, which names the file, and UsageError if nothing says how to name a profile.
    """
    found = _as_store(path, text)
    if found is None:
        variables = read_dotenv(text)
        return [from_variables(path, variables, name or variables.get("FAL_PROFILE"))]
    names = found.names
    if not names:
        raise FalenvError(f"{path} has no profiles")
    if name is not None and name not in names and len(names) > 1:
        listed = ", ".join(map(masked, names))
        raise FalenvError(f"{path} has no profile {shown(name)} (profiles: {listed})")
    chosen = names if name is None or name not in names else [name]
    return [_from_table(found, one, name or one) for one in chosen]


def _as_store(path: str, text: str) -> Store | None:
    """Return the text as a store, or None if it is an `.env` file.

    A text with a table is a store. An `.env` file has none, though it may be valid TOML.
    """
    if not any(line.lstrip().startswith("[") for line in text.split("\n")):
        return None
    return store.Store(path, text, None)


def _from_table(found: Store, name: str, new_name: str) -> Incoming:
    if name in found.unusable:
        raise found.unusable[name]
    profile, table = found.profiles[name], found.data[name]
    line = found.line_of(name, "key")
    where = f"{found.path}, line {line}" if line else found.path
    values = {"key": profile.key, "host": profile.host, "color": table.get("color")}
    left_out = [setting for setting in table if setting not in TAKEN]
    return _checked(where, new_name, values, left_out)


def from_variables(where: str, variables: dict[str, str], name: str | None) -> Incoming:
    """Return the profile that a file's variables describe. As in fal_client, FAL_KEY comes first.

    Errors: FalenvError, and UsageError without a name.
    """
    key = variables.get("FAL_KEY", "")
    pair = [variables.get(one, "") for one in ("FAL_KEY_ID", "FAL_KEY_SECRET")]
    if not key and all(pair):
        key = ":".join(pair)
    if not key:
        raise FalenvError(f"{where} has neither FAL_KEY nor FAL_KEY_ID with FAL_KEY_SECRET")
    if not name:
        raise UsageError(
            f"{where} does not say how to name the profile; add a NAME; "
            "see: fal profile import --help"
        )
    values = {"key": key, "host": variables.get("FAL_HOST")}
    for variable, value in zip(("key", "FAL_HOST"), values.values(), strict=True):
        if value and _EXPANDS.search(value):
            what = "the key" if variable == "key" else variable
            raise FalenvError(f"{where}: {what} refers to another variable; write its value there")
    return _checked(where, name, values, [])


def _checked(where: str, name: str, values: dict[str, str | None], left_out: list[str]) -> Incoming:
    """Return a profile of which every setting is checked. Errors: FalenvError."""
    check_name(name)
    settings = {}
    if values["key"]:
        try:
            settings["key"] = clean_key(values["key"])
        except InvalidKeyError as error:
            raise FalenvError(f"{where}: the key of profile {shown(name)}: {error}") from None
    if values["host"]:
        settings["host"] = check_host(values["host"], allow_foreign=True)
    color = values.get("color")
    if isinstance(color, str) and color == printable(masked(color)):
        settings["color"] = color
    return Incoming(name, settings, left_out)


def read_dotenv(text: str) -> dict[str, str]:
    """Return the variables that an `.env` file sets, as python-dotenv reads it.

    One difference: a reference to another variable stays as it is.
    """
    return {name: _unescaped(value, quote) for name, value, quote in envfiles.assignments(text)}


def _unescaped(value: str, quote: str) -> str:
    if not quote:
        return value
    return _ESCAPES[quote].sub(lambda found: _CONTROLS.get(found[1], found[1]), value)
