"""The official seven: list, set, unset, key, host, create, delete. They maintain the store."""

from __future__ import annotations

import os
import sys

import click

from falenv import edits, fast, notices, paths, store
from falenv.active import choice, target
from falenv.console import can_ask, say
from falenv.errors import (
    FalenvError,
    InvalidKeyError,
    ProfileNotFoundError,
    UsageError,
)
from falenv.masking import as_json as as_json_text
from falenv.masking import as_word, key_id, masked, printable, shown
from falenv.profile import check_host, clean_key
from falenv.program import runnable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store

NO_KEY = "No key set for profile. Use fal profile key to set a key."


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--output",
    type=click.Choice(["pretty", "json"]),
    default="pretty",
    hidden=True,
    help="Print JSON, as in the official CLI.",
)
@click.option("--names", is_flag=True, hidden=True)
def list_(*, as_json: bool, output: str, names: bool) -> None:
    """List all profiles.

    * marks the default. JSON has the official CLI's fields and some more.

    \b
        fal profile list
    """
    if names:
        fast.list_names()
        return
    found = store.read(paths.store())
    active, why = choice(found)
    if as_json or output == "json":
        profiles = [
            {
                "profile": masked(profile.name),
                "is_set": profile.name == active,
                "settings": list(map(masked, profile.settings)),
                "is_default": profile.name == found.default,
                "key_id": key_id(profile.key) or None,
                "host": profile.host and masked(profile.host),
            }
            for profile in found.profiles.values()
        ]
        click.echo(as_json_text({"profiles": profiles}))
        return
    if not found.profiles:
        say("there are no profiles yet; to create one: fal profile set NAME")
        return
    _table(found)
    if why == "pin":
        say(f"FAL_PROFILE pins this shell to {shown(active)}")


def _table(found: Store) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for heading in ("Default", "Profile", "Settings"):
        table.add_column(heading)
    for profile in found.profiles.values():
        # Text: rich would take [/] in a name for its markup.
        table.add_row(
            "*" if profile.name == found.default else "",
            Text(printable(masked(profile.name))),
            Text(printable(", ".join(map(masked, profile.settings)))),
        )
    console = Console(highlight=False)
    if not console.is_terminal:  # another program reads this, so do not fold lines
        console = Console(highlight=False, width=10_000)
    with console.capture() as drawn:  # rich would handle a closed stdout in its own way
        console.print(table)
    click.echo(drawn.get(), nl=False)


@click.command("set")
@click.argument("name")
def set_(name: str) -> None:
    """Set the default profile.

    Every shell follows the default, unless the shell is pinned or its folder is linked. If the
    profile does not exist, create it.

    \b
        fal profile set comfy
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if not name or name not in found.profiles:  # to the official CLI an empty default is none
        edits.check_new(found, name)
        _confirm_new(found, name)
    _set_default(name, mark)


@click.command("create")
@click.argument("name")
def create(name: str) -> None:
    """Create a profile and make it the default.

    \b
        fal profile create comfy
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name in found.profiles:
        raise FalenvError(
            f"profile {shown(name)} already exists; to make it the default: "
            f"fal profile set {as_word(name)}"
        )
    edits.check_new(found, name)
    _set_default(
        name, mark, first=f"Profile {printable(name)} created. Setting it as default profile..."
    )


def _confirm_new(found: Store, name: str) -> None:
    """On a terminal, ask before creating a name that looks like a misspelling of another."""
    import difflib

    close = difflib.get_close_matches(name, found.profiles, n=1, cutoff=0.75)
    if close and can_ask():
        click.confirm(
            printable(
                f"Profile {name} does not exist, but {masked(close[0])} does. Create {name}?"
            ),
            abort=True,
            err=True,
        )


def _set_default(name: str, mark: str, first: str = "") -> None:
    before, after = edits.set_default(name)
    lines = [first] if first else []
    lines.append(f"Default profile set to {printable(masked(name))}.")
    if not after.profiles[name].key:
        lines.append(NO_KEY)
    _report(before, after, mark, *lines)


def _report(before: Store, after: Store, mark: str, *lines: str) -> None:
    """Print what an edit has done, and what that means for the calling shell."""
    notices.tell_of_mode(before)
    for line in lines:
        click.echo(runnable(line))
    notices.tell_shell(after, mark)


@click.command("unset")
def unset() -> None:
    """Unset the default profile.

    Shells that follow the default then have no FAL_KEY. No profile is deleted.

    \b
        fal profile unset
    """
    mark = fast.mark_of_shell()
    _report(*edits.unset_default(), mark, "Default profile unset.")


@click.command("key")
@click.argument("name", nargs=-1, metavar="[NAME]")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the key from standard input.")
@click.option("--from-env", is_flag=True, help="Take the key from FAL_KEY.")
def key(*, name: tuple[str, ...], from_stdin: bool, from_env: bool) -> None:
    """Set the key of a profile.

    Ask for the key, and hide what you type. A key is never an argument, because the shell's
    history would keep it. Without NAME, set the key of the active profile.

    \b
        fal profile key comfy
        fal profile key comfy --stdin < key.txt
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    _refuse_key(name, found)
    if len(name) > 1 or (from_stdin and from_env):
        raise UsageError(
            "give at most one NAME, and not both --stdin and --from-env; "
            "see: fal profile key --help"
        )
    profile = target(found, name[0] if name else None)
    if from_env:
        text = os.environ.get("FAL_KEY")
        if not text:
            raise FalenvError("FAL_KEY is not set, so there is no key to take; nothing was changed")
        value = clean_key(text)
    elif sys.stdin.isatty():  # even with --stdin, so that the terminal does not show the key
        value = _typed_key()
    elif from_stdin:
        value = _piped_key()
    else:
        raise UsageError("standard input is not a terminal; to read the key from it, add --stdin")
    done = f"Key set for profile {printable(masked(profile))}."
    _report(*edits.set_key(profile, value), mark, done)


def _refuse_key(words: tuple[str, ...], found: Store) -> None:
    """Raise FalenvError for a key on the command line, which `ps` and the history show."""
    for word in words:
        if ":" in word and word not in found.profiles:
            raise FalenvError(
                "a key is never an argument, because the shell's history keeps it; delete it from "
                "the history, then run: fal profile key"
            )


def _typed_key() -> str:
    """Ask without echo until the answer is a key; raise click.Abort at the end of input."""
    import getpass

    while True:
        try:
            return clean_key(getpass.getpass("Enter the key: "))
        except (EOFError, KeyboardInterrupt) as end:
            click.echo(err=True)  # ends the line of the question
            raise (click.Abort if isinstance(end, EOFError) else KeyboardInterrupt) from None
        except UnicodeDecodeError:
            click.echo(str(InvalidKeyError()), err=True)
        except InvalidKeyError as error:
            click.echo(str(error), err=True)


def _piped_key() -> str:
    """Return the key from standard input, which must be one line."""
    content = sys.stdin.buffer.read(64 * 1024)
    try:
        lines = [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        raise InvalidKeyError from None
    if len(lines) != 1:
        raise FalenvError("standard input must have one line, the key; nothing was changed")
    return clean_key(lines[0])


@click.command("host")
@click.argument("host", required=False)
@click.option("--profile", "name", metavar="NAME", help="Change this profile.")
@click.option("--unset", "drop", is_flag=True, help="Remove the host from the profile.")
@click.option("--force", is_flag=True, help="Accept a host that fal does not own.")
def host(*, host: str | None, name: str | None, drop: bool, force: bool) -> None:
    """Set the fal host of a profile.

    The host receives the profile's key. Without --profile, change the active profile.

    \b
        fal profile host api.alpha.fal.ai
        fal profile host --unset --profile comfy
    """
    mark = fast.mark_of_shell()
    if drop == (host is not None):
        raise UsageError("give either HOST or --unset; see: fal profile host --help")
    value = None if host is None else check_host(host, allow_foreign=force)
    profile = target(store.read(paths.store()), name)
    done = "Fal host unset." if value is None else f"Fal host set to {value}."
    _report(*edits.set_host(profile, value), mark, done)


@click.command("delete")
@click.argument("name")
def delete(name: str) -> None:
    """Delete a profile and its key.

    You cannot get the key back: fal shows each key only once.

    \b
        fal profile delete comfy
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name not in found.profiles:
        raise ProfileNotFoundError(name, "delete", list(found.profiles))
    before, after = edits.delete(name)
    notices.tell_of_mode(before)
    click.echo(f"Profile {printable(masked(name))} deleted.")
    if found.default == name:
        say(f"{shown(name)} was the default; choose another: fal profile set NAME")
    notices.tell_shell(after, mark)


COMMANDS = (list_, set_, unset, key, host, create, delete)
