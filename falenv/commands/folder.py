"""The folder's own profile: link, unlink, allow, deny."""

from __future__ import annotations

import os

import click

from falenv import fast, index, links, notices, paths, store
from falenv.active import choice, resolve
from falenv.errors import FalenvError, FolderError
from falenv.masking import masked, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store


@click.command("link")
@click.argument("name")
def link(name: str) -> None:
    """Make a profile that of the current folder.

    And of those below it. Its name is written to .fal-profile, and allowed; whoever else gets
    that file is asked first.
    """
    mark = fast.mark_of_shell()
    now = store.read(paths.store())
    resolve(now, name)
    path = os.path.join(links.here(), links.FILE)
    links.write(path, name)
    links.allow(path, links.read(path))
    _finish(now, mark, f"Profile {masked(name)} linked to {os.path.dirname(path)}.")


@click.command("unlink")
def unlink() -> None:
    """Take the .fal-profile of the current folder away."""
    mark = fast.mark_of_shell()
    now, path = store.read(paths.store()), _nearest()
    if os.path.dirname(path) != links.here():
        raise FalenvError(f"no {links.FILE} here; the nearest is {path}")
    if not os.path.islink(path):
        links.read(path)
    try:
        os.unlink(path)
    except OSError as error:
        raise FolderError(path, f"could not be removed: {error.strerror}") from None
    links.forget(path)
    _finish(now, mark, f"Profile unlinked from {os.path.dirname(path)}.")


@click.command("allow")
def allow() -> None:
    """Follow the nearest .fal-profile.

    As long as it stays as it is: with another text it is asked for again.
    """
    mark = fast.mark_of_shell()
    now, path = store.read(paths.store()), _nearest()
    name = links.read(path)
    links.allow(path, name)
    _finish(now, mark, f"{path} allowed: profile {masked(name)}.")


@click.command("deny")
def deny() -> None:
    """Never follow the nearest .fal-profile.

    And say no more of it, whatever comes to be in it.
    """
    mark = fast.mark_of_shell()
    now, path = store.read(paths.store()), _nearest()
    links.deny(path)
    _finish(now, mark, f"{path} denied.")


def _finish(now: Store, mark: str, done: str) -> None:
    """Update the index, print what was done, and say if this shell still has another key."""
    index.update(now)
    click.echo(printable(done))
    notices.tell_of_key(now.profiles.get(choice(now)[0]), mark)


def _nearest() -> str:
    path = next(links.above(links.here()), None)
    if path is None:
        raise FalenvError(
            f"no {links.FILE} in this folder or above it; make one: fal profile link NAME"
        )
    return path


COMMANDS = (link, unlink, allow, deny)
