"""A pin that ends: `use NAME --for 30m`. The shells look at the clock, and go back."""

from __future__ import annotations

import os
import time

from falenv.errors import UsageError
from falenv.masking import given

#: The exported time at which the pin ends, in seconds since 1970, and the pin that then holds.
UNTIL, AFTER = "FALENV_UNTIL", "FALENV_AFTER"
_UNITS = {"s": 1, "m": 60, "h": 3600}
_LONGEST = 7 * 24 * 3600
#: With less than this to go, the minute alone would not say when.
_SOON = 120
_DAY = 24 * 3600


def end(text: str) -> int:
    """Return when a time such as `90s`, `30m` or `8h` from now ends; raise UsageError."""
    number, unit = text[:-1], text[-1:]
    is_time = number.isascii() and number.isdigit() and unit in _UNITS
    seconds = int(number[:7]) * _UNITS[unit] if is_time else 0
    if not 0 < seconds <= _LONGEST:
        raise UsageError(
            f"{given(text)!r} is not a time of up to a week; write one as 90s, 30m or 8h"
        )
    return int(time.time()) + seconds


def until() -> int:
    """Return when the pin of this environment ends; 0 if it does not, or has ended."""
    text = os.environ.get(UNTIL, "")
    is_time = text.isascii() and text.isdigit() and len(text) <= len("1790000000")
    return int(text) if is_time and int(text) > time.time() else 0


def words() -> str:
    """Return when the pin of this environment ends, as ` until 15:30`; else an empty string."""
    if not until():
        return ""
    left = until() - time.time()
    form = "%H:%M:%S" if left < _SOON else "%H:%M" if left < _DAY else "%a %H:%M"
    return f" until {time.strftime(form, time.localtime(until()))}"
