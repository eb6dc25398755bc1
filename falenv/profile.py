"""Profile, and the rules for its name, key and host."""

from __future__ import annotations

from falenv import segment
from falenv.errors import InvalidHostError, InvalidNameError, SettingError
from falenv.masking import as_word, key_id, mask, shown

DEFAULT_HOST = "api.alpha.fal.ai"  # fal/flags.py of the official CLI
OWN_DOMAINS = ("fal.ai", "fal.run")
EXEC = "exec"  # the value of `env` that keeps a key out of shells
INTERNAL = "__internal__"  # the official CLI's own table (SETTINGS_SECTION in fal/config.py)

_NAME_PUNCTUATION = "._-@+/"
_NAME_LENGTH = 64
_LAST_PORT = 65535
#: Plain quotes, those of Markdown and of word processors, and primes, which look like them.
QUOTES = "'\"`\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u2032\u2033"
#: Letters and symbols that a terminal shows as nothing.
_HIDDEN_LETTERS = "\u115f\u1160\u2800\u3164\uffa0"
_CHARACTERS = {" ": "a blank", "\t": "a tab", "\n": "a line break", "\r": "a carriage return"}


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Profile:
    """One named table of the store.

    `key` and `host` are None if the table has none. `key` is clean: `flaw` says what the store has
    around it, or is empty. A key that is not in the store has a source: the words of `command`, or
    the keyring if `is_in_keyring`. Then `key` is None until someone fetches it, and `known_id` is
    the id that it had last. With `is_exec_only`, the key never enters a shell. If `is_protected`,
    commands ask before they use or change the profile. `settings` are the names in the table. `sgr`
    is the colour in the prompt (see `segment.sgr`). Errors: SettingError for a setting that cannot
    be used.
    """

    __slots__ = (
        "command",
        "flaw",
        "host",
        "is_exec_only",
        "is_in_keyring",
        "is_protected",
        "key",
        "known_id",
        "name",
        "settings",
        "sgr",
    )

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        self.name = name
        self.key: str | None = None
        self.host: str | None = None
        self.flaw = ""
        if "key" in settings:
            self.key, self.flaw = _stored_key(settings["key"], name)
        if "host" in settings:
            self.host = _stored_host(settings["host"], name)
        self.command = _command(settings.get("key_command"))
        self.is_in_keyring = _is_true("keyring", settings.get("keyring", False))
        self.known_id = str(settings.get("key_id", "")) if self.has_source else ""
        if bool(self.key) + bool(self.command) + self.is_in_keyring > 1:
            setting = "key_command" if self.command else "keyring"
            raise SettingError(setting, "is not the only source of the key", "keep one of them")
        self.is_exec_only = _is_exec_only(settings.get("env"))
        self.is_protected = _is_true("protected", settings.get("protected", False))
        color = str(settings.get("color", ""))
        self.sgr = segment.RED if self.is_protected and not color else segment.sgr(color)
        self.settings = list(settings)

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of the REST API, the runner and its queue; empty if the profile has no host.

        The official CLI derives the latter two from the first (fal/flags.py).
        """
        if not self.host:
            return ()
        return hosts(self.host)

    @property
    def has_source(self) -> bool:
        """Whether the key is not in the store, but comes from a command or the keyring."""
        return bool(self.command) or self.is_in_keyring

    @property
    def source(self) -> str | None:
        """Where the key comes from: `inline`, `command`, `keyring`; None without a key."""
        if self.has_source:
            return "keyring" if self.is_in_keyring else "command"
        return "inline" if self.key else None

    @property
    def source_words(self) -> str:
        """Where a key comes from that is not in the store, for a sentence."""
        return "the keyring" if self.is_in_keyring else "a command"

    @property
    def id(self) -> str:
        """The id of the key, also of one that nobody has fetched yet; empty if unknown."""
        return key_id(self.key) or self.known_id

    @property
    def shell_key(self) -> str | None:
        """The key that a shell gets, or None."""
        return None if self.is_exec_only else self.key

    @property
    def suffix(self) -> str:
        """What the segment of a shell says behind the mark: why the shell has no key."""
        if self.is_exec_only:
            return segment.EXEC_ONLY
        return segment.LOCKED if self.has_source and not self.key else ""

    def __repr__(self) -> str:
        return f"Profile({self.name!r}, key={mask(self.key)}, host={self.host!r})"


def hosts(host: str) -> tuple[str, str, str]:
    """Return the hosts of the REST API, the runner and its queue, as fal/flags.py derives them."""
    run = host.replace("api.", "", 1).replace("alpha.", "", 1).replace(".ai", ".run", 1)
    return host, run, f"queue.{run}"


def _stored_key(value: object, name: str) -> tuple[str, str]:
    """Return the key that the store has, and what is around it that does not belong to it.

    The official CLI stores a key as it was pasted. Leave out a byte order mark, white space and one
    pair of quotes around the key. A key with white space, an invisible character or half a pair of
    quotes in it raises SettingError, because nobody can tell which key was meant. `name` is the
    profile's.
    """
    if isinstance(value, str) and (not value or _is_plain(value)):
        return value, ""
    command = f"fal profile key {as_word(name)}"
    if not isinstance(value, str):
        cure = f'write it as key = "ID:SECRET", or run: {command}'
        raise SettingError("key", "is not text", cure)
    cure = f"remove it, or set the key again: {command}"
    stripped = value.removeprefix("\ufeff").strip()
    is_quoted = len(stripped) > 1 and stripped[0] in QUOTES and stripped[-1] in QUOTES
    key = stripped[1:-1].strip() if is_quoted else stripped
    if not key:
        what = "has nothing but white space and quotes in it"
        raise SettingError("key", what, f"set the key again: {command}")
    start = value.index(key)
    for at, char in enumerate(key):
        is_at_end = at in {0, len(key) - 1}
        if _is_hidden(char) or (is_at_end and char in QUOTES):
            what = f"has {described(char)} in it, as character {start + at + 1}"
            raise SettingError("key", what, cure)
    around = ["quotes"] if is_quoted else []
    if len(key) < len(value) - 2 * is_quoted:
        around.insert(0, "white space")
    return key, f"has {' and '.join(around)} around it" if around else ""


def _command(value: object) -> list[str]:
    """Return the words of a key command, or none; raise SettingError for anything else."""
    if value is None:
        return []
    words = value if isinstance(value, list) else []
    if not words or words[0] == "" or any(not isinstance(w, str) or "\0" in w for w in words):
        cure = 'write it as key_command = ["PROGRAM", "ARGUMENT"]'
        raise SettingError("key_command", "is not a list of words", cure)
    return words


def _is_exec_only(value: object) -> bool:
    """Return True for `env = "exec"`; raise SettingError for anything else but nothing."""
    if value not in (None, EXEC):  # a list has no hash
        cure = f'write it as env = "{EXEC}", or remove it'
        raise SettingError("env", "is not one that falenv knows", cure)
    return value == EXEC


def _is_true(setting: str, value: object) -> bool:
    """Return a setting that is true or false; raise SettingError for anything else."""
    if not isinstance(value, bool):
        cure = f"write it as {setting} = true, or remove it"
        raise SettingError(setting, "is neither true nor false", cure)
    return value


def _is_plain(key: str) -> bool:
    """Return True for a key that has nothing odd in it, which nearly all keys are."""
    is_graphic = key.isascii() and key.isprintable() and " " not in key
    return is_graphic and key[0] not in QUOTES and key[-1] not in QUOTES


def _is_hidden(char: str) -> bool:
    """Return True for white space and for characters that take no place on a screen."""
    if char.isascii():
        return char.isspace() or not char.isprintable()
    import unicodedata

    is_mark = unicodedata.category(char) in {"Mn", "Me"}
    return char.isspace() or not char.isprintable() or is_mark or char in _HIDDEN_LETTERS


def described(char: str) -> str:
    """Return words for a character that no key contains."""
    if char in _CHARACTERS:
        return _CHARACTERS[char]
    if "\udc80" <= char <= "\udcff":
        return "a byte that is not UTF-8"
    import unicodedata

    name = unicodedata.name(char, "a control character")
    return f"{char} ({name})" if "!" <= char <= "~" else f"U+{ord(char):04X} ({name})"


def _stored_host(value: object, name: str) -> str:
    """Return the host that the store has for profile `name`; raise SettingError."""
    command = f"fal profile host HOST --profile {as_word(name)}"
    if not isinstance(value, str):
        cure = f'write it as host = "{DEFAULT_HOST}", or run: {command}'
        raise SettingError("host", "is not text", cure)
    if not value:
        return value
    try:
        return check_host(value, allow_foreign=True)
    except InvalidHostError as error:
        cure = f"to change it: {command}"
        raise SettingError("host", f"cannot be used: {error}", cure) from None


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
