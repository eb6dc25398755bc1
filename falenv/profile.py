"""Profile, and the rules for its name, key and host."""

from __future__ import annotations

from falenv import segment
from falenv.errors import InvalidHostError, InvalidNameError
from falenv.masking import as_word, mask, shown

DEFAULT_HOST = "api.alpha.fal.ai"  # fal/flags.py of the official CLI
OWN_DOMAINS = ("fal.ai", "fal.run")
INTERNAL = "__internal__"  # the official CLI's own table (SETTINGS_SECTION in fal/config.py)

_NAME_PUNCTUATION = "._-@+/"
_NAME_LENGTH = 64
_LAST_PORT = 65535


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Profile:
    """One named table of the store.

    `key` and `host` are None if the table has none. `settings` are the names in the table. `sgr`
    is the colour in the prompt (see `segment.sgr`).
    """

    __slots__ = ("host", "key", "name", "settings", "sgr")

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        self.name = name
        self.key: str | None = settings.get("key")
        self.host: str | None = settings.get("host")
        self.sgr = segment.sgr(str(settings.get("color", "")))
        self.settings = list(settings)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of the REST API, the runner and its queue; empty if the profile has no host.

        The official CLI derives the latter two from the first (fal/flags.py).
        Errors: InvalidHostError.
        """
        if not self.host:
            return ()
        try:
            host = check_host(self.host, allow_foreign=True)
        except InvalidHostError as error:
            raise InvalidHostError(
                f"the host of profile {shown(self.name)} cannot be used: {error}; "
                f"to change it: fal profile host HOST --profile {as_word(self.name)}"
            ) from None
        # fal/flags.py replaces each once, in this order.
        run = host.replace("api.", "", 1).replace("alpha.", "", 1).replace(".ai", ".run", 1)
        return host, run, f"queue.{run}"

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, key={mask(self.key)}, host={self.host!r})"


def check_name(name: str) -> str:
    """Return `name` if a new profile may have it; raise InvalidNameError with the reason.

    The rule is stricter than that of the official CLI, which takes any name. Profiles that exist
    are still listed, used and deleted, whatever their names.
    """
    if not name:
        raise InvalidNameError(name, "it is empty")
    if name == INTERNAL:
        raise InvalidNameError(name, "the official CLI keeps its own settings under it")
    if name.startswith("-"):
        raise InvalidNameError(name, "it begins with -, like an option")
    if len(name) > _NAME_LENGTH:
        raise InvalidNameError(name, f"it is longer than {_NAME_LENGTH} characters")
    for char in name:
        plain = char.isalnum() or char in _NAME_PUNCTUATION
        if not char.isprintable() or char.isspace() or (char.isascii() and not plain):
            raise InvalidNameError(name, f"it contains {char!r}")
    return name


def check_host(text: str, *, allow_foreign: bool = False) -> str:
    """Return `text` if a profile may have it as its host; raise InvalidHostError with the reason.

    The official CLI asserts at import that the host starts with `api` (fal/flags.py). Any other
    host breaks all its commands, even the one that would repair it. A host outside fal's own
    domains would receive the key, so it needs `allow_foreign`.
    """
    host = text.strip()
    name, colon, port = host.partition(":")
    labels = name.split(".")
    well_formed = all(
        label and label.isascii() and label.replace("-", "").isalnum() and label.strip("-") == label
        for label in labels
    ) and (not colon or (port.isascii() and port.isdigit() and int(port[:6]) <= _LAST_PORT))
    if "/" in host or name.lower() in {"http", "https"}:
        raise InvalidHostError(
            f"a host has no scheme and no path; give only its name, such as {DEFAULT_HOST}"
        )
    if not well_formed:
        raise InvalidHostError(f"{shown(host)} is not a host name; a valid one is {DEFAULT_HOST}")
    if not host.startswith("api"):
        raise InvalidHostError(
            f"host {shown(name)} would crash the official CLI, which needs a host that starts with "
            f"'api', such as {DEFAULT_HOST}"
        )
    own = any(name == domain or name.endswith("." + domain) for domain in OWN_DOMAINS)
    if not own and not allow_foreign:
        raise InvalidHostError(
            f"{host!r} is outside fal's own domains ({', '.join(OWN_DOMAINS)}) and would receive "
            "the profile's key; to allow that, add --force"
        )
    return host
