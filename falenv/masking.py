"""What may be shown of a key, a name, a host and a message: the only place for that policy.

1. Show only the id of a key, which is the part before the colon. Show nothing of a key without a
   colon: `key_id`, `mask`.
2. Show a name or host from the store unchanged. If 16 or more characters follow a colon, the text
   may be a key, so apply rule 1: `masked`. The official CLI accepts any text as a name.
3. A name, host or program that someone typed may be a mistyped key, or the secret half of one. Show
   nothing behind a colon except a port, and only the first 8 of 32 or more characters: `given`,
   `shown`. Of an address such as https://fal.ai/x show the scheme and the host. click's messages
   repeat what was typed, so apply the rule to each of their words: `shown_words`. A command in a
   message repeats a name only if the rule changes nothing: `as_word`.
4. Apply rule 2 to each word of every message on stderr: `message`. Show a word that begins as a
   path or goes on as a URL. tomli repeats the names of tables, which may contain anything, so leave
   them out: `without_names`.
5. Escape each character that a terminal acts on or cannot show: `printable`. Also escape those that
   begin a command in the log of a CI service, or a format of tmux. JSON has to keep the text, so it
   uses its own escapes: `as_json`.
"""

from __future__ import annotations

MASK = "********"

_SECRET_TAIL = 16  # behind a colon
_PORT_LENGTH = 5  # digits
_SCHEME_LENGTH = 8
_SECRET_LENGTH = 32  # of a key's second half; names are rarely as long
_SHOWN_LENGTH = 8
_QUOTES = "'\"()"
_TMUX_FORMATS = ("#{", "#[", "#(", "#vso[")  # and those of CI services, which end in the same


def printable(text: str) -> str:
    r"""Return `text` as one line, with escapes for what acts on the one who reads it.

    Profile names come from a file that other programs write. An ESC in a name must not reach the
    screen. GitHub and Azure run a command for a line that begins with `::`, or that contains `##[`
    or `##vso[`. tmux expands `#{`, `#[` and `#(` in what a program prints for the status line.
    """
    if not (text.isascii() and text.isprintable()):
        import unicodedata

        text = "".join(
            char
            if char.isprintable() and unicodedata.category(char) != "Cf"
            else char.encode("unicode_escape").decode("ascii")
            for char in text
        )
    if "#" in text:
        for start in _TMUX_FORMATS:
            text = text.replace(start, f"\\x23{start[1:]}")
    if text.lstrip().startswith("::"):
        text = text.replace(":", "\\x3a", 1)
    return text


def as_json(value: object) -> str:
    """Return JSON on one line. No `#` is in it, with which a CI service may begin a command."""
    import json

    return json.dumps(value).replace("#", "\\u0023")


def key_id(key: str | None) -> str:
    """Return the id of a key, the part before the colon, which is not secret.

    Return `-` for a key without a colon, since all of it may be secret. Return an empty string
    for no key.
    """
    if not key:
        return ""
    head, colon, _ = key.partition(":")
    return head if colon else "-"


def short_id(key: str) -> str:
    """Return the id of a key for a question: ` id`, and its first 8 characters; else nothing."""
    head, colon, _ = key.partition(":")
    cut = head if len(head) <= _SHOWN_LENGTH else f"{head[:_SHOWN_LENGTH]}…"
    return f" id {printable(cut)}" if colon else ""


def mask(key: str | None) -> str:
    """Return `id:********` for a key, only the mask for one without a colon, `none` for no key."""
    if not key:
        return "none"
    head, colon, _ = key.partition(":")
    return f"{head}:{MASK}" if colon else MASK


def masked(name: str) -> str:
    """Return a name or host from the store by rule 2: as it is, unless it looks like a key."""
    head, colon, tail = name.partition(":")
    return f"{head}:{MASK}" if colon and len(tail) >= _SECRET_TAIL else name


def label(name: str) -> str:
    """Return a profile's name fit for a terminal: FALENV_PROFILE, and what messages show."""
    return printable(masked(name))


def given(text: str) -> str:
    """Return a text that someone gave as a name, host or program, by rule 3."""
    head, colon, tail = text.partition(":")
    if tail.startswith("//") and head.isalpha() and len(head) <= _SCHEME_LENGTH:
        return f"{head}://{_shown_address(tail[2:])}"
    if tail.isdigit() and len(tail) <= _PORT_LENGTH:
        return f"{_cut(head)}:{tail}"
    return f"{head}:{MASK}" if colon else _cut(text)


def shown(text: str) -> str:
    """Return a text that someone gave as a name, host or program, by rule 3, quoted."""
    return repr(given(text))


def as_word(name: str) -> str:
    """Return a name for a command in a message: as it is if any shell can read it, else NAME."""
    is_plain = all(char.isalnum() or char in "._-@+/" for char in name)
    return name if name and is_plain and name[0] != "-" and name == _cut(name) else "NAME"


def as_path(path: str) -> str:
    """Return a path for a command in a message, quoted if a shell would change it."""
    is_plain = all(char.isalnum() or char in "._-@+/" for char in path)
    return path if is_plain else "'" + path.replace("'", "'\\''") + "'"


def shown_words(text: str) -> str:
    """Return the text of a click error as one line, each word by rule 3.

    Cut the part before a colon too, since it need not be an id here. click puts each choice of
    an argument on a line of its own, so join the lines.
    """
    return " ".join(map(_shown_word, text.split()))


def message(text: str) -> str:
    """Return a message for stderr as one line, each word by rule 2."""
    return " ".join(map(_masked_word, printable(text).split(" ")))


def without_names(text: str) -> str:
    """Return a message of tomli's without the names of tables and keys."""
    import re

    return re.sub(r"""\(['"].*['"],?\)|(?<=key )['"].*['"]""", "a name", text)


def _masked_word(word: str) -> str:
    is_path = word.lstrip(_QUOTES + "$").startswith(("/", "~", "./", "../"))
    return word if is_path or "://" in word else masked(word)


def _shown_word(word: str) -> str:
    inner = word.rstrip(_QUOTES + ".,;")
    head, _, tail = inner.partition(":")
    start = len(inner) - len(inner.lstrip(_QUOTES))
    text = given(inner[start:])
    if tail and ("://" in text or MASK not in text):  # an address, or a host with a port
        return f"{inner[:start]}{text}{word[len(inner) :]}"
    if tail:
        return f"{_cut(head)}:{MASK}{word[len(inner) :]}"
    if len(word.lstrip(_QUOTES).rstrip("'\")")) >= _SECRET_LENGTH:
        return f"{word.lstrip(_QUOTES)[:_SHOWN_LENGTH]}…{word[len(inner) :]}"
    return word


def _shown_address(text: str) -> str:
    """Return the host of an address, given without its scheme. A password may be before an @."""
    host = text
    for end in "/?#":
        host = host.partition(end)[0]
    if "@" in host:
        return MASK
    return given(host) + ("/…" if len(host) < len(text) else "")


def _cut(text: str) -> str:
    is_path = text.startswith(("/", "~", "./", "../"))
    return text if is_path or len(text) < _SECRET_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
