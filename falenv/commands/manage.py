"""Housekeeping for profiles: rename, edit, import, export."""

from __future__ import annotations

import os

import click

from falenv import edits, fast, notices, paths, store
from falenv.commands import results
from falenv.console import say
from falenv.errors import NameTakenError, ProfileNotFoundError
from falenv.masking import masked, printable, shown


@click.command("rename")
@click.argument("name")
@click.argument("new_name")
@results.option
def rename(*, name: str, new_name: str, as_json: bool) -> None:
    """Give a profile another name.

    The default, pinned shells and the .fal-profile files that you have allowed get the new name.
    Scripts that set FAL_PROFILE do not: they fail with the new name in the message.

    \b
        fal profile rename comfy work
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name not in found.names:
        raise ProfileNotFoundError(name, "delete", found.names)
    if new_name in found.names:
        raise NameTakenError(new_name)
    edits.check_new(found, new_name)
    before, after, changed = edits.rename(name, new_name)
    notices.tell_of_mode(before)
    written = [link.path for link in changed if not link.problem]
    if as_json:
        results.emit(after, profile=new_name, was=masked(name), links=written)
    else:
        click.echo(f"Profile {printable(masked(name))} renamed to {new_name}.")
    for link in changed:
        say(link.problem or f"{link.path} names {shown(new_name)} now")
    if not mark and os.environ.get("FAL_PROFILE") == name:
        say(f"FAL_PROFILE still names {shown(name)}; set it to the new name")


COMMANDS = (rename,)
