"""The prompt segment: its format, its marks, and the colours that a profile may have.

The shells fill in the format with builtins. They get it in the prelude.
"""

from __future__ import annotations

from falenv.masking import label

#: What FALENV_PROMPT may replace. {name}: the profile; {mark}: see MARKS and TOUCHED; {why}: pin,
#: folder or default.
FORMAT = "(fal:{name}{mark}) "
OFF = "off"
MARKS = {"pin": "*", "argument": "*", "folder": "/"}
#: The mark of a shell whose FAL_KEY, host or rival is not what falenv set.
TOUCHED = "!"
#: Behind the mark: why a shell has no key of the profile. Words, since a symbol is as wide as the
#: terminal likes, and a letter could belong to the name.
EXEC_ONLY = " exec"
LOCKED = " locked"

#: Select Graphic Rendition, ECMA-48 8.3.117: what stands between `ESC [` and `m`.
DIM = "2"
#: The colour of a protected profile that has no `color`.
RED = "31"
_COLORS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")


def render(form: str, name: str, why: str, suffix: str = "", *, is_touched: bool = False) -> str:
    """Return the segment as plain text, without terminal escapes.

    `suffix` stands behind the mark. With `is_touched` the mark is TOUCHED, even if the format has
    no {mark}.
    """
    mark = MARKS.get(why, "") + suffix
    if is_touched:
        mark = TOUCHED
        if "{mark}" not in form:
            form = form.replace("{name}", "{name}{mark}") if "{name}" in form else "{mark}" + form
    form = form.replace("{why}", why).replace("{mark}", mark)
    # Replace the name last, so that braces in it stay.
    return form.replace("{name}", label(name))


def sgr(color: str) -> str:
    """Return the SGR parameters for a profile's `color`; those for dim text if it is unknown.

    A colour is a name (`red`, `bright-red`), one of the 256 numbers, or `#rrggbb`.
    """
    plain = color.removeprefix("bright-")
    if plain in _COLORS:
        return str(_COLORS.index(plain) + (30 if plain == color else 90))
    if color.isascii() and color.isdigit() and int(color[:4]) < 256:  # noqa: PLR2004 - as it says
        return f"38;5;{int(color[:4])}"
    digits = color.removeprefix("#")
    if len(color) == 7 and len(digits) == 6:  # noqa: PLR2004 - #rrggbb
        try:
            red, green, blue = bytes.fromhex(digits)
        except ValueError:
            return DIM
        return f"38;2;{red};{green};{blue}"
    return DIM
