"""Edit the text of a TOML document; keep all the rest of the text.

Most edits change one value on one plain line. These edit the line. tomlkit, which takes as long as
all the rest of such a command, makes the others.
"""

from __future__ import annotations

from falenv.profile import INTERNAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any

    from tomlkit import TOMLDocument
    from tomlkit.items import AoT, Table

    #: An edit: a function that changes the parsed document.
    Change = Callable[[MutableMapping[str, Any]], None]

#: Stands for a blank in a comment that was moved. tomlkit indents the settings of a table by the
#: first blanks before its header. A TOML document never contains a NUL.
_BLANK = "\0"


def edited(text: str, change: Change) -> str | None:
    """Return the text of a document after `change`, or None if that cannot be done safely.

    Apply `change` twice: to the document with comments and layout, and to plain data. The new text
    is good only if it parses to exactly that data.
    """
    import tomli

    def meaning(text: str) -> dict[str, Any]:
        # Compare floats as they are spelled, since nan is not equal to itself.
        return tomli.loads(text, parse_float=lambda number: (number,))

    wanted = meaning(text)
    change(wanted)
    try:
        result = _plainly_edited(text, meaning(text), wanted)
        if result is not None and meaning(result) == wanted:
            return result
    except tomli.TOMLDecodeError:
        pass  # a line that looks like a header is a part of a text of many lines
    try:
        result = _rewritten(text, change)
        return result if _with_internal(meaning(result)) == _with_internal(wanted) else None
    except Exception:  # noqa: BLE001 - tomlkit raises many kinds of errors
        return None


def _plainly_edited(text: str, before: dict[str, Any], after: dict[str, Any]) -> str | None:
    """Return `text` with the change from `before` to `after`, or None if it is not a plain one.

    Plain: settings that are text are added to tables, changed and removed, and tables are added at
    the end. Each table has a plain header, and each old value stands on one plain line.
    """
    if "\r" in text or not text.endswith("\n") or list(after)[: len(before)] != list(before):
        return None
    lines = text.split("\n")[:-1]
    for name, settings in after.items():
        old = before.get(name)
        if old == settings:
            continue
        if not isinstance(settings, dict) or not isinstance(old, dict | None):
            return None
        if old is None:
            if not _is_bare(name):
                return None
            lines += [*([""] if lines and lines[-1] else []), f"[{name}]"]
        old = old or {}
        for setting in {**old, **settings}:
            was, value = old.get(setting), settings.get(setting)
            if was != value and not _edit_line(lines, _place(lines, name), setting, was, value):
                return None
    return "\n".join(lines) + "\n"


def _is_bare(name: str) -> bool:
    """Return True if TOML takes this as a name without quotes."""
    return name.isascii() and name.replace("-", "").replace("_", "").isalnum()


def _place(lines: list[str], name: str) -> range:
    """Return the lines of a table's settings, and of the comments directly below them.

    The range begins with 0 if the table has no plain header.
    """
    heads = {f"[{name}]" if _is_bare(name) else f'["{name}"]', f"['{name}']", f'["{name}"]'}
    start = next((at + 1 for at, line in enumerate(lines) if line.rstrip() in heads), 0)
    end = next((at for at in range(start, len(lines)) if lines[at].lstrip()[:1] == "["), len(lines))
    while end > start and lines[end - 1].strip()[:1] in {"", "#"}:
        end -= 1
    while end < len(lines) and lines[end][:1] == "#":
        end += 1
    return range(start, end)


def _edit_line(lines: list[str], place: range, setting: str, was: object, value: object) -> bool:
    """Change, add or remove a setting in a table's lines; return False if that is not plain."""
    at = next((at for at in place if lines[at].partition("=")[0].strip() == setting), None)
    is_plain = isinstance(value, str) and value.isprintable() and not set(value) & {'"', "\\"}
    if not place.start or not (is_plain or value is None) or (at is None) != (was is None):
        return False
    if at is None:
        lines.insert(place.stop, f'{setting} = "{value}"')
        return _is_bare(setting)
    head, equals, rest = lines[at].partition("=")
    text = rest.lstrip(" \t")
    quoted = next((quoted for quoted in (f'"{was}"', f"'{was}'") if text.startswith(quoted)), "")
    if value is None:
        del lines[at]
    else:
        blanks = rest.removesuffix(text)
        lines[at] = f'{head}{equals}{blanks}"{value}"{text.removeprefix(quoted)}'
    return bool(quoted)


def _rewritten(text: str, change: Change) -> str:
    """Return the text after `change`, made by tomlkit, which knows all of TOML."""
    import tomlkit

    line_end = "\r\n" if text.count("\n") == text.count("\r\n") > 0 else "\n"
    # tomlkit appends to a last line with a dotted key, if that line has no line end.
    added = "" if not text or text.endswith("\n") else line_end
    text += added
    document = tomlkit.parse(text)
    plain = _dumps(document)
    _move_comments(document)
    if _dumps(document) != plain:
        document = tomlkit.parse(text)
    change(document)
    result = _dumps(document)
    if plain != text:
        result = _transferred(plain, result, text)
    if line_end == "\r\n":  # tomlkit ends new lines in LF
        result = result.replace("\r\n", "\n").replace("\n", line_end)
    return result.removesuffix(added)


def rename(data: MutableMapping[str, Any], old: str, new: str) -> None:
    """Give the entry `old` of a document the name `new`, at the same place. A part of a change."""
    from tomlkit import TOMLDocument, items

    if not isinstance(data, TOMLDocument):
        data[new] = data.pop(old)
        return
    # Container._replace() would add a line break behind some tables.
    for at, (key, item) in enumerate(data.body):
        if key and key.key == old:
            spelled = items.SingleKey(new, sep=key.sep)
            spelled._dotted = key.is_dotted()  # noqa: SLF001 - nothing else says it
            data.body[at] = (spelled, item)
            for table in item.body if isinstance(item, items.AoT) else [item]:
                if isinstance(table, items.Table):
                    table.invalidate_display_name()


def _with_internal(data: dict[str, Any]) -> dict[str, Any]:
    """Return the data as the official CLI reads it, which is always with its own table."""
    return {INTERNAL: {}} | data


def _transferred(before: str, after: str, text: str) -> str:
    """Return `text` with the change from `before` to `after`, line by line.

    `before` is `text` as tomlkit writes it, which spells some headers differently.
    """
    from difflib import SequenceMatcher

    kept, old, new = (part.split("\n") for part in (text, before, after))
    if len(kept) != len(old):
        raise ValueError
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    lines = (
        kept[start:end] if same == "equal" else new[new_start:new_end]
        for same, start, end, new_start, new_end in matcher.get_opcodes()
    )
    return "\n".join(line for block in lines for line in block)


def _move_comments(document: TOMLDocument) -> None:
    """Move the comments between a blank line and a table's header into that table.

    tomlkit keeps them at the end of the table before. There a new setting would come after them,
    and they would be deleted with that table. The text of the document stays the same.
    """
    from tomlkit import items

    tail = ""
    for key, item in document.body:
        if isinstance(item, (items.Table, items.AoT)) and key and not key.is_dotted():
            first = item
            while isinstance(first, items.AoT) or first.is_super_table():  # neither has a header
                body = first.body if isinstance(first, items.AoT) else first.values()
                first = next(one for one in body if isinstance(one, (items.Table, items.AoT)))
            first.trivia.indent = tail.replace(" ", _BLANK) + first.trivia.indent
            tail = _cut_comments(item)
    if tail:
        text = tail.rstrip("\n")
        document.append(None, items.Comment(items.Trivia("", "", text, tail[len(text) :])))


def _dumps(document: TOMLDocument) -> str:
    import tomlkit

    return tomlkit.dumps(document).replace(_BLANK, " ")


def _cut_comments(table: Table | AoT) -> str:
    """Remove and return what follows the last setting of a table, from the first blank line on."""
    from tomlkit import items

    if isinstance(table, items.AoT):
        return _cut_comments(table.body[-1])
    body = table.value.body
    key, last = body[-1] if body else (None, None)
    if isinstance(last, (items.Table, items.AoT)) and key and not key.is_dotted():
        return _cut_comments(last)
    end = len(body)
    while end and isinstance(body[end - 1][1], (items.Whitespace, items.Comment)):
        end -= 1
    while end < len(body) and isinstance(body[end][1], items.Comment):
        end += 1
    tail = "".join(item.as_string() for _, item in body[end:])
    del body[end:]
    return tail
