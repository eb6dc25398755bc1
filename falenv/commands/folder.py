"""The folder's own profile: link, unlink, allow, deny."""

from __future__ import annotations

import os

import click

from falenv import fast, index, links, notices, paths, questions, store
from falenv.active import choice, resolve
from falenv.commands import results
from falenv.errors import CancelledError, FalenvError, FolderError
from falenv.masking import masked, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store


@click.command("link")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask about a protected profile.")
@results.option
def link(*, name: str, yes: bool, as_json: bool) -> None:
    """Use a profile in this folder and below.

    Write NAME to the file .fal-profile, and allow that file. You can commit the file: falenv
    ignores it for other people until they run `fal profile allow`.

    \b
        fal profile link comfy
    """
    mark = fast.mark_of_shell()
    now = store.read(paths.store())
    resolve(now, name)
    if now.is_protected(name):
        questions.allow_protected(name, "Use it in this folder and below?", yes=yes)
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
@click.option("--store", "for_store", is_flag=True, help="Run the key commands of this store.")
@click.option("--yes", is_flag=True, help="Allow them without asking.")
@results.option
def allow(*, for_store: bool, yes: bool, as_json: bool) -> None:
    """Follow the nearest .fal-profile.

    falenv follows the file until its text changes. Then you have to allow it again.

    --store allows the key commands and the keyring keys of the store that FAL_CONFIG_PATH names,
    until they or their hosts change. Your own ~/.fal/config.toml needs no such permission.

    \b
        fal profile allow
        fal profile allow --store
    """
    mark = fast.mark_of_shell()
    now = store.read(paths.store())
    if for_store:
        _allow_store(now, yes=yes, as_json=as_json)
        return
    path = _nearest()
    name = links.read(path)
    links.allow(path, name)
    done = f"Allowed {path}, which names profile {masked(name)}."
    _finish(now, mark, done, as_json=as_json, file=path, profile=masked(name))


def _allow_store(now: Store, *, yes: bool, as_json: bool) -> None:
    """Show the sources of keys in a store, and let them count. On a terminal, ask before."""
    from falenv import sources

    found = sources.listed(now)
    if not found:
        raise FalenvError(f"{now.path} has no key commands and no keys in the keyring")
    for line in found:
        click.echo(line, err=as_json)
    if questions.has_terminal() and not yes:
        with questions.hidden() as ask:
            if not questions.agrees(ask, f"Let {printable(now.path)} run these commands?"):
                raise CancelledError
    sources.trust(now)
    _report(now, f"Allowed the key sources of {now.path}.", as_json=as_json)


@click.command("deny")
@click.option("--store", "for_store", is_flag=True, help="Run no key command of this store.")
@results.option
def deny(*, for_store: bool, as_json: bool) -> None:
    """Ignore the nearest .fal-profile.

    Stop warning about the file, even if its text changes. --store takes back what `allow --store`
    has allowed.

    \b
        fal profile deny
    """
    mark = fast.mark_of_shell()
    now = store.read(paths.store())
    if for_store:
        from falenv import sources

        sources.distrust(now)
        _report(now, f"The key sources of {now.path} are not allowed.", as_json=as_json)
        return
    path = _nearest()
    links.deny(path)
    _finish(now, mark, f"Denied {path}.", as_json=as_json, file=path)


def _finish(now: Store, mark: str, done: str, *, as_json: bool, **fields: str) -> None:
    """Update the index, print what was done, and say if this shell still has another key."""
    index.update(now)
    _report(now, done, as_json=as_json, **fields)
    notices.tell_of_key(now.profiles.get(choice(now)[0]), mark)


def _report(now: Store, done: str, *, as_json: bool, **fields: str) -> None:
    """Print what was done, as a line or as JSON."""
    if as_json:
        results.emit(now, **fields)
    else:
        click.echo(printable(done))


def _nearest() -> str:
    path = next(links.above(links.here()), None)
    if path is None:
        raise FalenvError(
            f"no {links.FILE} in this folder or above it; to create one: fal profile link NAME"
        )
    return path


COMMANDS = (link, unlink, allow, deny)
