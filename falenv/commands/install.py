"""The commands that edit start-up files: install, uninstall."""

from __future__ import annotations

import os
import re

import click

from falenv import (
    detect,
    dialects,
    fast,
    files,
    index,
    notices,
    paths,
    program,
    rcfiles,
    store,
)
from falenv.commands import results
from falenv.console import can_ask, emit, say
from falenv.errors import FalenvError, NotIntegratedError, ProgramWillVanishError, UsageError
from falenv.integration import write_cached
from falenv.masking import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from falenv.rcfiles import Edit

PLAIN = re.compile(r"[\w./-]+")


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options and arguments of both commands."""
    for add in (
        click.option("--dry-run", is_flag=True, help="Show the change, but do not make it."),
        click.option("--yes", is_flag=True, help="Make the change without asking."),
        results.option,
        click.argument(
            "shells", metavar="[SHELL]...", nargs=-1, type=click.Choice(rcfiles.TARGETS)
        ),
    ):
        command = add(command)
    return command


@click.command("install")
@_options
def install(*, shells: tuple[str, ...], yes: bool, dry_run: bool, as_json: bool) -> None:
    """Load falenv into every new shell.

    Add a few lines to the shell's start-up file, after asking. Answer d to see them first. SHELL
    is bash, fish, nu, zsh or direnv, by default your own shell. direnv gets the command
    `use fal NAME`, for an .envrc. If `falenv` is not on your PATH but ~/.local/bin is, also add a
    link there.

    \b
        fal profile install
        fal profile install bash zsh direnv
    """
    is_here = bool(fast.mark_of_shell())
    _check_json(as_json=as_json, answered=yes or dry_run)
    exe = paths.program()
    if not os.access(exe, os.X_OK):
        raise FalenvError(f"{exe} is not an executable program; install falenv as its README says")
    kind = program.fate(exe)
    if kind:
        raise ProgramWillVanishError(exe, kind)
    targets = dict.fromkeys(shells or (_asking(),))
    edits = [edit for target in targets for edit in rcfiles.install(target, exe)]
    link = program.link_wanted()
    changed = [edit for edit in edits if edit.after != edit.before]
    renewed = list(filter(rcfiles.has_block, changed))
    does = [
        _names("add falenv's block to", [edit for edit in changed if edit not in renewed]),
        _names("renew falenv's block in", renewed),
    ]
    does += [f"link {_short(link)} to {_short(exe)}"] if link else []
    line = f"+{link} -> {exe}" if link else ""
    words = ("install", *shells)
    _change(changed, does, line, words, yes=yes, dry_run=dry_run, as_json=as_json)
    if as_json:
        results.emit(None, **_as_json(edits, link, dry_run=dry_run))
    if dry_run:
        return
    for edit in edits if not as_json else ():
        done = "Installed in" if edit in changed else "Already installed in"
        click.echo(printable(f"{done} {edit.path}."))
    if link:
        _make_link(link, exe)
        if not as_json:
            click.echo(printable(f"Linked {link} to {exe}."))
    _make_folder_of_note(exe)
    _keep_code(
        [
            target
            for target in targets
            if target in dialects.DIALECTS and dialects.find(target).has_eval
        ],
        exe,
    )
    if "direnv" in targets:
        say("to choose a profile in an .envrc, write: use fal NAME")
    line = _line_for(targets, exe)
    if changed and line and not is_here:
        say(f"every new shell loads falenv; to load it into this one: {line}")


@click.command("uninstall")
@_options
def uninstall(*, shells: tuple[str, ...], yes: bool, dry_run: bool, as_json: bool) -> None:
    """Remove what install has added.

    Leave the rest of each start-up file unchanged. Without SHELL, clean up for all shells.

    \b
        fal profile uninstall
    """
    is_here = bool(fast.mark_of_shell())
    _check_json(as_json=as_json, answered=yes or dry_run)
    targets = dict.fromkeys(shells or rcfiles.TARGETS)
    edits = rcfiles.uninstall(targets)
    others = [target for target in rcfiles.TARGETS if target not in targets]
    link = paths.link_made()
    if link and any(map(_is_installed, others)):
        link = ""
    if as_json:
        results.emit(None, **_as_json(edits, link, dry_run=dry_run))
    elif not edits and not link:
        click.echo("Not installed in any start-up file.")
    if not edits and not link:
        return
    does = [
        _names("remove falenv's block from", [edit for edit in edits if edit.after is not None]),
        _names("delete", [edit for edit in edits if edit.after is None]),
    ]
    does += [f"delete the link {_short(link)}"] if link else []
    line = f"-{link} -> {os.readlink(link)}" if link else ""
    words = ("uninstall", *shells)
    _change(edits, does, line, words, yes=yes, dry_run=dry_run, as_json=as_json)
    if dry_run:
        return
    removed = [
        f"Removed from {edit.path}." if edit.after is not None else f"Removed {edit.path}."
        for edit in edits
    ]
    if link:
        os.unlink(link)
        files.remove(paths.link_note())
        removed.append(f"Removed {link}.")
    for line in removed if not as_json else ():
        click.echo(printable(line))
    files.remove(paths.missing_note(paths.program()))
    for target in targets:
        files.remove(paths.cached(paths.program(), target))
        files.remove(paths.cached(paths.program(), target) + paths.NEWEST)
    if is_here:
        say("this shell keeps falenv until you close it; to remove it now: fal profile off")


def _is_installed(target: str) -> bool:
    """Return True if a start-up file has falenv's block, or may have it."""
    try:
        return bool(rcfiles.uninstall([target]))
    except FalenvError:
        return True


def _asking() -> str:
    try:
        shell = detect.shell()
    except UsageError:
        raise UsageError("could not detect your shell; name it: fal profile install bash") from None
    if shell in dialects.OTHERS:
        raise NotIntegratedError(shell)
    if shell not in rcfiles.TARGETS:
        raise UsageError(
            f"the start-up file of {shell} is unknown; add this line to it yourself: {notices.EVAL}"
        )
    return shell


def _check_json(*, as_json: bool, answered: bool) -> None:
    if as_json and not answered:
        raise UsageError("--json asks no question; add --yes, or --dry-run to see the change")


def _as_json(edits: list[Edit], link: str, *, dry_run: bool) -> dict[str, Any]:
    """Return what JSON says about the start-up files: which change, and how."""
    found = [{"file": edit.path, "difference": _difference(edit)} for edit in edits]
    return {"files": found, "link": link or None, "dry_run": dry_run}


def _change(  # noqa: PLR0913 - what to change, and how to ask
    edits: list[Edit],
    does: list[str],
    link: str,
    words: tuple[str, ...],
    *,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write edits if the user agrees, or show them in a dry run.

    `does` says what they do, in parts that may be empty. `link` is a line about the link on PATH,
    which the caller changes. `words` are the command and its arguments, for the message.
    """
    if not edits and not link:
        return
    difference = "".join(map(_difference, edits)) + (f"{printable(link)}\n" if link else "")
    asks = not yes and not dry_run
    if not as_json and (dry_run or (asks and not can_ask())):
        emit(difference)
    if dry_run:
        return
    if asks and not can_ask():
        raise FalenvError(
            "nothing was changed, because there is no terminal to ask on; to make this "
            f"change: fal profile {' '.join(words)} --yes"
        )
    if asks:
        _ask(", and ".join(filter(None, does)), difference)
    for edit in edits:
        rcfiles.write(edit)


def _ask(what: str, difference: str) -> None:
    """Ask whether to do that, and show the difference on request; raise Abort after a no."""
    question = printable(f"{what[0].upper()}{what[1:]}? [y/N/d]")
    while True:
        answer = click.prompt(
            question, default="n", show_default=False, prompt_suffix=" ", err=True
        )
        if answer.lower() in {"y", "yes"}:
            return
        if answer.lower() in {"n", "no"}:
            raise click.Abort
        if answer.lower() == "d":
            emit(difference)
        else:
            say("answer y (yes), n (no) or d (show the difference)")


def _names(verb: str, edits: list[Edit]) -> str:
    """Return a verb and the files of edits, such as `delete a, b and c`, or an empty string."""
    *most, last = [_short(edit.path) for edit in edits] or [""]
    return f"{verb} {', '.join(most)}{' and ' if most else ''}{last}" if last else ""


def _short(path: str) -> str:
    """Return a path with `~` for the home folder."""
    home = os.path.expanduser("~")
    return f"~{path[len(home) :]}" if path.startswith(f"{home}/") else path


def _difference(edit: Edit) -> str:
    """Return an edit as a unified diff without context, since other lines may hold secrets."""
    import difflib

    before, after = (
        (content or b"").decode("utf-8", "backslashreplace").splitlines()
        for content in (edit.before, edit.after)
    )
    was, becomes = (
        edit.path if content is not None else os.devnull for content in (edit.before, edit.after)
    )
    lines = difflib.unified_diff(before, after, was, becomes, n=0, lineterm="")
    return "".join(f"{printable(line)}\n" for line in lines)


def _make_link(path: str, exe: str) -> None:
    """Put a link to the program on PATH, and note that it is ours. Never replace another file."""
    files.make_folders(os.path.dirname(path))
    if path == paths.link_made():
        os.unlink(path)
    files.make_folders(os.path.dirname(paths.link_note()))
    files.replace(paths.link_note(), os.fsencode(exe))
    os.symlink(exe, path)


def _make_folder_of_note(exe: str) -> None:
    """Forget that the program was missing, and make the folder in which a shell notes that."""
    note = paths.missing_note(exe)
    files.remove(note)
    try:
        files.make_folders(os.path.dirname(note))
    except OSError:
        return  # the shell tries again


def _keep_code(shells: list[str], exe: str) -> None:
    """Write the cached integrations, so that even the first new shell starts no process."""
    path = paths.store()
    try:
        index_path = index.update(store.read(path))
    except FalenvError:
        return  # the first new shell reports what is wrong with the store
    for shell in shells:
        write_cached(paths.cached(exe, shell), dialects.find(shell), exe, path, index_path)


def _line_for(targets: Collection[str], exe: str) -> str:
    """Return the line that loads falenv into the calling shell, if that is one of `targets`."""
    try:
        name = detect.shell()
    except UsageError:
        name = ""
    if name not in targets:
        return ""
    quote = dialects.find(name).quote
    if name == "nu":
        return f"source {quote(paths.rc_files(name)[0])}"
    command = f"{exe if PLAIN.fullmatch(exe) else quote(exe)} profile env"
    return f"{command} | source" if name == "fish" else f'eval "$({command})"'


COMMANDS = (install, uninstall)
