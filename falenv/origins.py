"""Where a variable of a shell may come from: the lines of start-up files that set it.

Only the id of a key leaves this module.
"""

from __future__ import annotations

import os
import re

from falenv import envfiles, files, paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST = 1024 * 1024  # bytes
#: An assignment in a POSIX shell, in `environment.d`, or by `set` in fish.
_POSIX = r"^[ \t]*(?:(?:export|declare|typeset)[ \t]+(?:-\w+[ \t]+)*)?(?:\w+=\S*[ \t]+)*%s=(.*)$"
_FISH = r"^[ \t]*set[ \t]+(?:-[-\w]+[ \t]+)*%s[ \t]+(.*)$"
#: fish's own file of universal variables; it escapes all but letters and digits (`\\x3a`).
_UNIVERSAL = r"^SETUVAR[ \t]+(?:--\w+[ \t]+)*%s:(.*)$"
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


class Origin:
    """A line of a file that sets a variable.

    `value` is what it sets, if that is plain text. For FAL_KEY it is the id of the key.
    """

    __slots__ = ("line", "path", "value")

    def __init__(self, path: str, line: int, value: str) -> None:
        self.path = path
        self.line = line
        self.value = value

    @property
    def text(self) -> str:
        """The place in words: path and line."""
        return f"{self.path}, line {self.line}"


def find(variable: str) -> Iterator[Origin]:
    """Yield the lines that set a variable in the files that shells read, but falenv's own lines."""
    for path in paths.variable_files():
        yield from lines_of(path, variable)


def lines_of(path: str, variable: str) -> Iterator[Origin]:
    """Yield the lines of one file that set a variable; nothing if the file cannot be read."""
    try:
        file, _ = files.open_file(path, follow=True, largest=_LARGEST)
        with file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return
    patterns = [re.compile(pattern % variable) for pattern in (_POSIX, _FISH, _UNIVERSAL)]
    for number, line in enumerate(text.split("\n"), 1):
        if variable not in line:
            continue
        for pattern in patterns:
            found = pattern.match(line)
            if found:
                yield Origin(path, number, _value(variable, found[1]))
                break


def _value(variable: str, text: str) -> str:
    """Return the value that a line sets, or for FAL_KEY the id in it; empty if it is not plain."""
    text = _ESCAPE.sub(lambda code: chr(int(code[1], 16)), text)
    if variable == "FAL_KEY":
        return envfiles.key_id_in(f"FAL_KEY={text.rstrip(';')}")
    word = text.split()[0].rstrip(";") if text.split() else ""
    quoted = len(word) > 1 and word[0] == word[-1] and word[0] in "'\""
    word = word[1:-1] if quoted else word
    return word if re.fullmatch(r"[\w.@+/-]*", word) else ""


def of_value(variable: str, value: str) -> str:
    """Return the place that has set a variable to this value here, as far as files tell, or "".

    direnv says which file it is. For FAL_KEY, `value` is the id of the key.
    """
    from falenv import detect

    file = detect.set_by_direnv(variable, unchanged=True)
    if file:
        lines = list(lines_of(file, variable))
        return lines[-1].text if lines else file
    places = [one.text for one in find(variable) if value and one.value == value]
    return places[0] if places else ""


def has_login() -> bool:
    """Return True if `fal auth login` has left a token that the official clients would use."""
    try:
        return os.path.getsize(paths.login_token()) > 0
    except OSError:
        return False
