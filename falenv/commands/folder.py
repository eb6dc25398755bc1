"""The folder's own profile: link, unlink, allow, deny."""

from __future__ import annotations

import os

import click

from falenv import fast, index, links, notices, paths, store
from falenv.active import choice, resolve
from falenv.commands import results
from falenv.errors import FalenvError, FolderError
from falenv.masking import masked, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store


@click.command("link")
@click.argument("name")
@results.option
def link(*, name: str, as_json: bool) -> None:
    """Use a profile in this folder and below.

    Write NAME to the file .fal-profile, and allow that file. You can commit the file: falenv
    ignores it for other people until they run `fal profile allow`.

    \b
        fal profile link comfy
    """
    mark = fast.mark_of_shell()
    now = store.read(paths.store())
    resolve(now, name)
    path = os.path.join(links.here(), links.FILE)
    links.write(path, name)
    links.allow(path, links.read(path))
    done = f"Profile {masked(name)} linked to {os.path.dirname(path)}."
    _finish(now, mark, done, as_json=as_json, file=path, profile=masked(name))


@click.command("unlink")
@results.option
def unlink(*, as_json: bool) -> None:
    """Remove the .fal-profile of this folder.

    \b
        fal profile unlink
    """
    mark = fast.mark_of_shell()
    now, path = store.read(paths.store()), _nearest()
    if os.path.dirname(path) != links.here():
        raise FalenvError(
            f"this folder has no {links.FILE}; the nearest is {path}, so run this command there"
        )
    if not os.path.islink(path):
        links.read(path)
    try:
        os.unlink(path)
    except OSError as error:
        what = f"could not be removed: {error.strerror}"
        raise FolderError(path, what, links.UNCHANGED) from None
    links.forget(path)
    done = f"Profile unlinked from {os.path.dirname(path)}."
    _finish(now, mark, done, as_json=as_json, file=path)


@click.command("allow")
@results.option
def allow(*, as_json: bool) -> None:
    """Follow the nearest .fal-profile.

    falenv follows the file until its text changes. Then you have to allow it again.

    \b
        fal profile allow
    """
    mark = fast.mark_of_shell()
    now, path = store.read(paths.store()), _nearest()
    name = links.read(path)
    links.allow(path, name)
    done = f"Allowed {path}, which names profile {masked(name)}."
    _finish(now, mark, done, as_json=as_json, file=path, profile=masked(name))


@click.command("deny")
@results.option
def deny(*, as_json: bool) -> None:
    """Ignore the nearest .fal-profile.

    Stop warning about the file, even if its text changes.

    \b
        fal profile deny
    """
    mark = fast.mark_of_shell()
    now, path = store.read(paths.store()), _nearest()
    links.deny(path)
    _finish(now, mark, f"Denied {path}.", as_json=as_json, file=path)


def _finish(now: Store, mark: str, done: str, *, as_json: bool, **fields: str) -> None:
    """Update the index, print what was done, and say if this shell still has another key."""
    index.update(now)
    if as_json:
        results.emit(now, **fields)
    else:
        click.echo(printable(done))
    notices.tell_of_key(now.profiles.get(choice(now)[0]), mark)


def _nearest() -> str:
    path = next(links.above(links.here()), None)
    if path is None:
        raise FalenvError(
            f"no {links.FILE} in this folder or above it; to create one: fal profile link NAME"
        )
    return path


COMMANDS = (link, unlink, allow, deny)
