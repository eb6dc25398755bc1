"""A table on the terminal. rich can draw one too, but loads for longer than Python itself."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NARROWEST = 8
#: The lines above the headings, below them and at the end, what separates headings and cells, and
#: what stands for the rest of a text.
_FRAME = ("┏━┳┓", "┡━╇┩", "└─┴┘", "┃", "│", "…")
_PLAIN_FRAME = ("+-++", "+-++", "+-++", "|", "|", ".")


def draw(
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    width: int | None = None,
    *,
    cut: str = "",
    plain: bool = False,
) -> str:
    """Return a table as lines of at most `width` columns; of any length with None.

    Where there is no room, cut the cells of column `cut`, and then fold the widest columns.
    `plain` draws the frame in ASCII.
    """
    above, below, end, heading, cell, rest = _PLAIN_FRAME if plain else _FRAME
    widths = [max(map(_width, column)) for column in zip(headings, *rows, strict=True)]
    if width is not None:
        _narrow(widths, width - 3 * len(widths) - 1, headings.index(cut) if cut else None)
    lines = [_rule(above, widths)]
    for number, row in enumerate([headings, *rows]):
        cells = list(row)
        if cut:
            at = headings.index(cut)
            cells[at] = _shortened(cells[at], widths[at], rest)
        lines += _row(cells, widths, cell if number else heading)
        if not number:
            lines.append(_rule(below, widths))
    return "\n".join([*lines, _rule(end, widths), ""])


def _row(cells: list[str], widths: list[int], frame: str) -> Iterator[str]:
    """Yield the lines of a row."""
    columns = [list(_fold(*cell)) for cell in zip(cells, widths, strict=True)]
    for number in range(max(map(len, columns))):
        parts = [column[number] if number < len(column) else "" for column in columns]
        padded = (
            f" {part}{' ' * (width - _width(part))} "
            for part, width in zip(parts, widths, strict=True)
        )
        yield frame + frame.join(padded) + frame


def _rule(line: str, widths: list[int]) -> str:
    return line[0] + line[2].join(line[1] * (width + 2) for width in widths) + line[3]


def _narrow(widths: list[int], room: int, cut: int | None) -> None:
    """Make columns narrower until all fit into `room`, or none can be."""
    if cut is not None:
        least = min(_NARROWEST + 1, widths[cut])
        widths[cut] = max(least, widths[cut] - max(0, sum(widths) - room))
    while sum(widths) > room:
        widest = max((at for at in range(len(widths)) if at != cut), key=lambda at: widths[at])
        if widths[widest] <= _NARROWEST:
            return
        widths[widest] -= 1


def _shortened(text: str, width: int, rest: str) -> str:
    return text if _width(text) <= width else f"{text[: width - 1]}{rest}"


def _fold(text: str, width: int) -> Iterator[str]:
    """Yield the lines of a cell: break between words, and within a word that is too long."""
    line = ""
    for word in text.split(" "):
        rest = word
        if line and _width(line) + 1 + _width(rest) > width:
            yield line
            line = ""
        line = f"{line} {rest}" if line else rest
        while _width(line) > width:
            end = next(end for end in range(len(line), 0, -1) if _width(line[:end]) <= width)
            yield line[:end]
            line = line[end:]
    yield line


def _width(text: str) -> int:
    """Return how many columns a text takes on the terminal."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(char) else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )
