"""The key in a text that was typed, pasted or piped, or the reason why it has none.

People paste whole lines: `export FAL_KEY=…`, a line of YAML or JSON, a header. A text that is not
a key must not become one, since the official CLI keeps whatever it is given. No message repeats
more of the text than one character that no key contains.
"""

from __future__ import annotations

import re
import sys

from falenv.errors import FalenvError, InvalidKeyError
from falenv.profile import QUOTES, described

CREATE = "https://fal.ai/dashboard/keys"  # fal/cli/profile.py of the official CLI

#: What no key contains, beside quotes. It comes from the line around the key.
_FOREIGN = ";=,<>{}"
_LONGEST = 1024  # characters; keys have 69
_NAME = r"[A-Za-z_][\w.-]*"
_COMMANDS = "(?:export|declare|typeset|readonly|local|env|set|const|let|var)"
_OPTIONS = r"(?:--?[A-Za-z][\w-]*\s+)"
#: What may stand in front of a key. Each is removed as often as one of them matches.
_FRONTS = tuple(
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        # The prompt, the bullet of a list, or the mark of a comment
        r"[$%>#\u276f\u279c-]\s+",
        # export NAME=, set -x NAME=, ENV NAME=, $env:NAME =, NAME=, and the same with quotes
        rf"(?:{_COMMANDS}\s+)?{_OPTIONS}*(?:\$env:)?(['\"]?){_NAME}\1\s*=\s*",
        rf"{_NAME}\[(['\"]){_NAME}\1\]\s*=\s*",
        # setenv NAME, set -gx NAME
        rf"(?:set|setenv|setx|env)\s+{_OPTIONS}*{_NAME}\s+(?=\S*:)",
        # NAME: and "NAME": before something that still has a colon or is a header's value
        rf"(?:(['\"]){_NAME}\1\s*:\s*|{_NAME}\s*:\s+)(?=.*:)",
        # -H, --header
        rf"{_OPTIONS}",
        # Authorization: Key …
        r"(?:key|bearer)\s+(?=\S*:)",
    )
)
_PLACEHOLDER = re.compile(
    r"""
    <[^<>]*> | \{[^{}]*\} | \[[^][]*\]       # <id>:<secret>
    | \$\{?[a-z_] | %[a-z_]+%                 # a variable that no shell has expanded
    | (?:your|(?:^|:)my)[-_ ]?(?:fal|api|key|id|secret|token)
    | ^(?:fal|api|key|id|[-_ ])+:(?:fal|api|key|secret|value|[-_ ])+$
    | ^(?:x{3,}[x-]*|0{3,}[0-]*):(?:x{3,}|0{3,})[x0-]*$
    """,
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.ASCII | re.IGNORECASE)
_HIDDEN = ("*", "\u2022", "\u25cf", "\u2026", "...")


def clean_key(text: str) -> str:
    """Return the key in a line of text; raise InvalidKeyError with the reason.

    Remove what stands in front of the key (`_FRONTS`), quotes, white space and a byte order mark.
    The rest must be `id:secret`: one colon, text on both sides, only characters that a key and an
    HTTP header can contain. Source: official-fal.md. Keys need not be UUIDs.
    """
    if len(text) > _LONGEST:
        raise InvalidKeyError(f"The text has more than {_LONGEST} characters.", keeps_form=True)
    if "\n" in text.strip():
        raise InvalidKeyError("The text has more than one line.", keeps_form=True)
    start, end = _bounds(text)
    key = text[start:end]
    _refuse_examples(key)
    head, _, tail = key.partition(":")
    if not head or not tail:
        raise InvalidKeyError
    for place, char in [(end, key[-1]), *enumerate(key, start + 1)]:  # `;` behind quotes first
        if not "!" <= char <= "~" or char in QUOTES or char in _FOREIGN:
            raise InvalidKeyError(f"Character {place} is {described(char)}, which no key contains.")
    if ":" in tail:
        place = start + len(head) + tail.index(":") + 2
        raise InvalidKeyError(f"Character {place} is a second colon.", keeps_form=True)
    return key


def _refuse_examples(key: str) -> None:
    """Raise InvalidKeyError for a text that only stands for a key."""
    address = _ADDRESS.search(key)
    if address and address[1].lower() == "op":
        raise InvalidKeyError(
            "This is a reference to a key in 1Password. To read the key from there, run: "
            "op read REFERENCE | fal profile key NAME --stdin"
        )
    if address:
        raise InvalidKeyError(f"This is an address. Create a key at {CREATE}")
    if any(sign in key for sign in _HIDDEN):
        raise InvalidKeyError(
            f"The secret is hidden. fal shows a key only once; create another at {CREATE}"
        )
    if _PLACEHOLDER.search(key):
        raise InvalidKeyError(f"This is a placeholder from an example. Create a key at {CREATE}")


def _bounds(text: str) -> tuple[int, int]:
    """Return where the key in a text begins and ends."""
    start, end = len(text) - len(text.lstrip("\ufeff")), len(text)
    before = (-1, -1)
    while before != (start, end):
        before = start, end
        inner = text[start:end]
        start += len(inner) - len(inner.lstrip())
        end = start + len(inner.strip())
        front = next(filter(None, (one.match(text, start, end) for one in _FRONTS)), None)
        if front:
            start = front.end()
        elif end - start > 1 and text[start] in QUOTES and text[end - 1] in QUOTES:
            start, end = start + 1, end - 1
        elif text[end - 1 : end] == "," and text[end - 2 : end - 1] in QUOTES:
            end -= 1  # of JSON
        elif text[end - 1 : end] == "\\" and text[end - 2 : end - 1].isspace():
            end -= 1  # of a shell's line that goes on
    return start, end


def piped_key() -> str:
    """Return the key from standard input, which must be one line. Errors: FalenvError."""
    try:
        text = sys.stdin.buffer.read(64 * 1024).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidKeyError("The text is not UTF-8.", keeps_form=True) from None
    # Not splitlines(), which also ends a line at characters that clean_key reports.
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    if len(lines) != 1:
        raise FalenvError("standard input must have one line, the key; nothing was changed")
    return clean_key(lines[0])
