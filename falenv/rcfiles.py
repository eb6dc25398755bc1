"""Start-up files: insert and remove falenv's block.

The bytes around the block are never changed. The block's first line notes what was done to make
room for it. The last line has a checksum of the lines in between, which tells a block that someone
has edited from the block of an older version.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import zlib

from falenv import __version__, assets, dialects, files, notices, paths
from falenv.errors import StartupFileError, as_owner
from falenv.integration import integration, start_state, without_comments
from falenv.masking import as_path, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: What `install` accepts. direnv is not a shell, but reads files at each start too.
TARGETS = ("bash", "direnv", "fish", "nu", "zsh")

_LARGEST = 16 * 1024 * 1024  # bytes

#: The notes in a block's first line.
_CREATED = b", and the file if nothing else is in it"
_ENDED = b", and the line break before it"
_MARK = re.compile(rb"^# (?:>>>|<<<) falenv\b", re.MULTILINE)
_BLOCK = re.compile(
    rb"^# >>> falenv: `fal profile uninstall` removes this block(?P<note>[^>\r\n]*) >>>\r?\n"
    rb"(?P<body>(?:.*\n)*?)# <<< falenv (?P<sum>[0-9a-f]{8}) <<<\r?$",
    re.MULTILINE,
)
#: A command in one of bash's start-up files that reads another. A wrong guess does no harm, since
#: a block that is read twice takes effect once.
_READS = re.compile(
    rb"^(?![ \t]*#)(?:.*[\s;&|({])?(?:\.|source)[ \t][^;&|#\n]*"
    rb"(\.bashrc|\.bash_profile|\.bash_login|\.profile)(?![\w./-])",
    re.MULTILINE,
)


class Edit:
    """The content of a file before and after; None means no file."""

    __slots__ = ("after", "before", "path")

    def __init__(self, path: str, before: bytes | None, after: bytes | None) -> None:
        self.path = path
        self.before = before
        self.after = after


def install(target: str, exe: str) -> list[Edit]:
    """Return the edits that make a shell, or direnv, read falenv's code at each start.

    For a file that has the code already, the edit changes nothing. Error: StartupFileError.
    """
    path, *others = paths.rc_files(target)
    _refuse_root(path)
    edits = [_put(path, _body(target, exe, path))]
    if target == "bash":
        edits += _install_login(path, others, exe)
    return edits


def uninstall(targets: Iterable[str]) -> list[Edit]:
    """Return the edits that remove falenv's block from every file. Error: StartupFileError.

    A file that has several names, through links, is edited once.
    """
    names: dict[str, str] = {}
    for target in targets:
        files_of_target = paths.rc_files(target)
        _refuse_root(files_of_target[0])
        for path in files_of_target:
            names.setdefault(os.path.realpath(path), path)
    contents = {path: read(path) for path in names.values()}
    return [
        Edit(path, content, _without(path, content))
        for path, content in contents.items()
        if content is not None and _find(path, content)
    ]


def _refuse_root(path: str) -> None:
    """Raise StartupFileError if root would write a start-up file into another user's folder.

    `sudo -E` keeps HOME. The user could then be unable to change the file, or could have put a link
    in its place.
    """
    folder = os.path.dirname(path)
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    owner = os.stat(folder).st_uid
    if os.geteuid() == 0 and owner != 0:
        what = f"the folder {folder} belongs to another user (uid {owner}), and you are root"
        raise StartupFileError(path, what, "run this command as that user")


def _install_login(bashrc: str, names: list[str], exe: str) -> list[Edit]:
    """Return the edit of the file that a login bash reads, unless that file is or reads .bashrc.

    A login bash reads the first file of `names` that exists. If none exists, create the first
    one, which reads .bashrc. Never create one before an existing file, which it would hide.
    """
    contents = {path: read(path) for path in names}
    login = assets.read("shell", "login.sh")
    for path, content in contents.items():
        if os.path.realpath(path) == os.path.realpath(bashrc):
            return []
        if content is None:
            continue
        block = _find(path, content)
        if block:
            return [_put(path, login if block["note"] == _CREATED else _body("bash", exe, path))]
        return [] if _reads_bashrc(path, contents) else [_put(path, _body("bash", exe, path))]
    return [_put(names[0], login)]


def _reads_bashrc(path: str, contents: dict[str, bytes | None]) -> bool:
    """Return True if a file, or one that it reads, has a command that reads .bashrc."""
    others = {name: content for name, content in contents.items() if name != path}
    folder = os.path.dirname(path)
    for name in _READS.findall(contents.get(path) or b""):
        read_too = os.path.join(folder, name.decode())
        if name == b".bashrc" or (read_too in others and _reads_bashrc(read_too, others)):
            return True
    return False


def _body(target: str, exe: str, path: str) -> str:
    """Return the code between the first and last line of the block in the file at `path`."""
    # Any POSIX shell may read the start-up files of bash and zsh.
    dialect = dialects.find("fish" if target == "fish" else "sh")
    body = dialect.assign("__falenv_exe", exe)
    if target == "direnv":
        return body + assets.read("shell", "use_fal.sh")
    if target == "nu":
        return _nu_body(exe, path)
    body += dialect.assign("__falenv_cached", paths.cached(exe, target))
    body += dialect.assign("__falenv_lost", printable(notices.LOST % (exe, path)))
    body += dialect.assign("__falenv_note", paths.missing_note(exe))
    if target != "fish":
        return body + without_comments(assets.read("shell", "startup.sh"))
    body += dialect.assign("__falenv_python", sys.executable)
    body += dialect.assign("__falenv_main", paths.main())
    return body + assets.read("shell", "startup.fish")


def _nu_body(exe: str, path: str) -> str:
    """Return the whole integration of nushell, which cannot read another file if it has to.

    nushell parses a file before it runs any of it.
    """
    dialect = dialects.find("nu")
    known = {
        "file": path,
        "note": paths.missing_note(exe),
        "lost": printable(notices.LOST % (exe, path)),
        "init": os.path.join(paths.package(), "falenv", "__init__.py"),
        "version": f'__version__ = "{__version__}"',
    }
    prelude = "".join(dialect.assign(f"__falenv_{name}", value) for name, value in known.items())
    start = start_state(dialect, paths.store(), "")
    code = integration(dialect, start, show_segment=True, program=exe)
    return prelude + code + without_comments(assets.read("shell", "startup.nu"))


def renew(target: str, exe: str) -> None:
    """Write falenv's block in a start-up file anew, if there is one. Error: StartupFileError."""
    for edit in install(target, exe):
        if edit.before and edit.before != edit.after and _find(edit.path, edit.before):
            write(edit)


def _block(note: bytes, body: bytes) -> bytes:
    """Return a block without the line break at its end."""
    return (
        b"# >>> falenv: `fal profile uninstall` removes this block%s >>>\n%s# <<< falenv %08x <<<"
        % (
            note,
            body,
            zlib.crc32(body),
        )
    )


def _find(path: str, content: bytes) -> re.Match[bytes] | None:
    """Return the match of falenv's block, or None; raise StartupFileError if it was changed."""
    marks = list(_MARK.finditer(content))
    if not marks:
        return None
    found = _BLOCK.search(content)
    first, last = (content.count(b"\n", 0, marks[at].start()) + 1 for at in (0, -1))
    lines = (
        f"lines {first} to {last} unless they are" if first < last else f"line {first} unless it is"
    )
    cure = f"delete {lines} yours, then try again"
    if not found or len(marks) != 2:  # noqa: PLR2004 - a block has two ends
        raise StartupFileError(path, "falenv's block is damaged", cure, first)
    if zlib.crc32(found["body"]) != int(found["sum"], 16):
        raise StartupFileError(path, "falenv's block was changed by hand", cure, first)
    return found


def has_block(edit: Edit) -> bool:
    """Return True if the file had falenv's block before the edit; raise StartupFileError."""
    return edit.before is not None and _find(edit.path, edit.before) is not None


def _put(path: str, body: str) -> Edit:
    """Return the edit that inserts falenv's block, in its old place or at the end."""
    before = read(path)
    content = before or b""
    old = _find(path, content)
    code = body.encode("utf-8", "surrogateescape")
    if old:
        start, end = old.span()
        return Edit(path, before, content[:start] + _block(old["note"], code) + content[end:])
    has_open_end = bool(content) and not content.endswith(b"\n")
    note = _CREATED if before is None else _ENDED if has_open_end else b""
    return Edit(path, before, content + b"\n" * has_open_end + _block(note, code) + b"\n")


def _without(path: str, content: bytes) -> bytes | None:
    """Return the content of a file without falenv's block.

    Return None if `install` created the file and nothing else is in it.
    """
    block = _find(path, content)
    if block is None:
        return content
    head, tail = content[: block.start()], content[block.end() :].removeprefix(b"\n")
    if block["note"] == _ENDED and not tail:
        head = head.removesuffix(b"\n")
    return (head + tail) or (None if block["note"] == _CREATED else b"")


def read(path: str) -> bytes | None:
    """Return the content of a start-up file, or None if there is none; raise StartupFileError."""
    elsewhere = "move it away, then try again"
    try:
        file, _ = files.open_file(path, follow=True, largest=_LARGEST)
        with file:
            content = file.read()
    except FileNotFoundError:
        return None
    except files.UnfitError as error:
        raise StartupFileError(path, f"the file {error.strerror}", elsewhere) from None
    except OSError as error:
        what = f"could not read the file: {error.strerror}"
        cure = as_owner(error, path) or f"check its owner and mode: ls -l {as_path(path)}"
        raise StartupFileError(path, what, cure) from None
    if b"\0" in content:
        raise StartupFileError(path, "this is not a text file", elsewhere)
    return content


def write(edit: Edit) -> None:
    """Write an edit; raise StartupFileError, with the file as it was."""
    if read(edit.path) != edit.before:
        raise StartupFileError(edit.path, "the file changed in the meantime", "try again")
    target = os.path.realpath(edit.path)  # keeps a link into a folder of dotfiles
    try:
        if edit.after is None:
            os.unlink(target)
        else:
            files.make_folders(os.path.dirname(edit.path))
            _replace(target, edit.after)
    except OSError as error:
        what = f"could not write the file: {error.strerror}"
        cure = f"nothing was changed; {as_owner(error, target) or 'fix this and try again'}"
        raise StartupFileError(edit.path, what, cure) from None


def _replace(target: str, content: bytes) -> None:
    """Replace a start-up file in one step; keep its owner and mode."""
    if not os.path.exists(target):
        files.replace(target, content, mode=files.usual_mode(), durable=True)
    elif os.access(target, os.W_OK):
        files.replace(target, content, like=target, durable=True)
    else:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
