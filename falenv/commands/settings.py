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
from falenv.masking import key_id, masked, printable, shown
from falenv.profile import check_host, clean_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store

NO_KEY = "No key set for profile. Use fal profile key to set a key."


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, in the official CLI's shape.")
@click.option(
    "--output",
    type=click.Choice(["pretty", "json"]),
    default="pretty",
    hidden=True,
    help="The official CLI's way of asking for JSON.",
)
@click.option("--names", is_flag=True, hidden=True)
def list_(*, as_json: bool, output: str, names: bool) -> None:
    """List all profiles."""
    if names:
        fast.list_names()
        return
    found = store.read(paths.store())
    active, why = choice(found)
    if as_json or output == "json":
        import json

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
        click.echo(json.dumps({"profiles": profiles}))
        return
    if not found.profiles:
        say("there are no profiles yet; make one: fal profile set NAME")
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
    if not console.is_terminal:  # nothing is cut or folded that another program reads
        console = Console(highlight=False, width=10_000)
    with console.capture() as drawn:  # rich has its own way with a reader that went away
        console.print(table)
    click.echo(drawn.get(), nl=False)


@click.command("set")
@click.argument("name")
def set_(name: str) -> None:
    """Set the default profile, creating it if there is none of that name."""
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if not name or name not in found.profiles:  # to the official CLI an empty default is none
        edits.check_new(found, name)
        _confirm_new(found, name)
    _set_default(name, mark)


@click.command("create")
@click.argument("name")
def create(name: str) -> None:
    """Create a profile, and set it as the default."""
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name in found.profiles:
        raise FalenvError(f"Profile {shown(name)} already exists; set it: fal profile set NAME")
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
        click.echo(line)
    notices.tell_shell(after, mark)


@click.command("unset")
def unset() -> None:
    """Unset the default profile."""
    mark = fast.mark_of_shell()
    _report(*edits.unset_default(), mark, "Default profile unset.")


@click.command("key")
@click.argument("name", nargs=-1)
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the key from standard input.")
@click.option("--from-env", is_flag=True, help="Take the key that FAL_KEY holds.")
def key(*, name: tuple[str, ...], from_stdin: bool, from_env: bool) -> None:
    """Set the key of a profile: NAME, or the active one.

    The key is typed unseen. It is never an argument: those stay in the shell's history.
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    _refuse_key(name, found)
    if len(name) > 1 or (from_stdin and from_env):
        raise UsageError("one profile and one source at the most; see: fal profile key --help")
    profile = target(found, name[0] if name else None)
    if from_env:
        text = os.environ.get("FAL_KEY")
        if not text:
            raise FalenvError("FAL_KEY is not set here; nothing was changed")
        value = clean_key(text)
    elif sys.stdin.isatty():  # with --stdin too, so that the key is not echoed
        value = _typed_key()
    elif from_stdin:
        value = _piped_key()
    else:
        raise UsageError("standard input is not a terminal; to read the key from it: --stdin")
    done = f"Key set for profile {printable(masked(profile))}."
    _report(*edits.set_key(profile, value), mark, done)


def _refuse_key(words: tuple[str, ...], found: Store) -> None:
    """Raise FalenvError for a key on the command line, which `ps` and the history show."""
    for word in words:
        if ":" in word and word not in found.profiles:
            raise FalenvError(
                "a key is never an argument, since the shell's history would keep it (delete it "
                "there); type it when asked, or use --stdin"
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
        raise FalenvError("standard input must be one line, the key; nothing was changed")
    return clean_key(lines[0])


@click.command("host")
@click.argument("host", required=False)
@click.option("--profile", "name", metavar="NAME", help="Of this profile, not of the active one.")
@click.option("--unset", "drop", is_flag=True, help="Take the host away: fal's own again.")
@click.option("--force", is_flag=True, help="Accept a host outside fal's own domains.")
def host(*, host: str | None, name: str | None, drop: bool, force: bool) -> None:
    """Set the fal host of a profile."""
    mark = fast.mark_of_shell()
    if drop == (host is not None):
        raise UsageError("give a host, or --unset; see: fal profile host --help")
    value = None if host is None else check_host(host, allow_foreign=force)
    profile = target(store.read(paths.store()), name)
    done = "Fal host unset." if value is None else f"Fal host set to {value}."
    _report(*edits.set_host(profile, value), mark, done)


@click.command("delete")
@click.argument("name")
def delete(name: str) -> None:
    """Delete a profile, and its key with it."""
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name not in found.profiles:
        raise ProfileNotFoundError(name, "argument", list(found.profiles))
    before, after = edits.delete(name)
    notices.tell_of_mode(before)
    click.echo(f"Profile {printable(masked(name))} deleted.")
    if found.default == name:
        say("it was the default; choose another: fal profile set NAME")
    notices.tell_shell(after, mark)


COMMANDS = (list_, set_, unset, key, host, create, delete)
