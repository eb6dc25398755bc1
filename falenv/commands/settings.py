"""The official seven: list, set, unset, key, host, create, delete. They maintain the store."""

from __future__ import annotations

import os
import sys

import click

from falenv import edits, fast, listing, notices, outcome, paths, picker, questions, store
from falenv.active import check_shown, choice, for_program, resolve, target
from falenv.commands import results
from falenv.console import can_ask, emit, say
from falenv.errors import (
    CancelledError,
    FalenvError,
    InvalidKeyError,
    NoKeyError,
    NoProfileError,
    NotDefaultError,
    ProfileNotFoundError,
    UsageError,
)
from falenv.masking import as_word, key_id, masked, printable, short_id, shown
from falenv.pasted import clean_key, piped_key
from falenv.profile import EXEC, check_host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from falenv.questions import Ask
    from falenv.store import Store

_SECRET = 16  # characters behind the colon, by which a word of a command looks like a key


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

    * marks the default. If a profile is active here, the table says by what: pin, folder or
    default. JSON has the official CLI's fields and some more.

    \b
        fal profile list
    """
    if names:
        fast.list_names()
        return
    listing.show(as_json=as_json or output == "json")


#: The option that answers the question about a protected profile.
yes_option = click.option("--yes", is_flag=True, help="Do not ask about a protected profile.")


@click.command("set")
@click.argument("name", required=False)
@yes_option
@results.option
def set_(*, name: str | None, yes: bool, as_json: bool) -> None:
    """Set the default profile.

    Every shell follows the default, unless the shell is pinned or its folder is linked. If the
    profile does not exist, create it. Without NAME, pick one from a list.

    \b
        fal profile set comfy
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name is None:
        usage = "missing argument 'NAME'; see: fal profile set --help"
        name = picker.pick(found, choice(found)[0], usage)
    if name in found.unusable:
        raise found.unusable[name]
    if not name or name not in found.profiles:  # to the official CLI an empty default is none
        edits.check_new(found, name)
        _confirm_new(found, name)
    if found.is_protected(name):
        questions.allow_protected(name, "Make it the default?", yes=yes)
    outcome.set_default(results.command(), name, mark, as_json=as_json)


@click.command("create")
@click.argument("name")
@results.option
def create(*, name: str, as_json: bool) -> None:
    """Create a profile and make it the default.

    \b
        fal profile create comfy
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name in found.names:
        raise FalenvError(
            f"profile {shown(name)} already exists; to make it the default: "
            f"fal profile set {as_word(name)}"
        )
    edits.check_new(found, name)
    first = f"Profile {printable(name)} created. Setting it as default profile..."
    outcome.set_default(results.command(), name, mark, first, as_json=as_json)


def _confirm_new(found: Store, name: str) -> None:
    """On a terminal, ask before creating a name that looks like a misspelling of another."""
    import difflib

    close = difflib.get_close_matches(name, found.names, n=1, cutoff=0.75)
    if close and can_ask():
        click.confirm(
            printable(
                f"Profile {name} does not exist, but {masked(close[0])} does. Create {name}?"
            ),
            abort=True,
            err=True,
        )


@click.command("unset")
@click.argument("name", required=False)
@yes_option
@results.option
def unset(*, name: str | None, yes: bool, as_json: bool) -> None:
    """Unset the default profile.

    Shells that follow the default then have the FAL_KEY from before falenv, or none. No profile is
    deleted. With NAME, do this only if NAME is the default.

    \b
        fal profile unset
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name is None:
        check_shown(found, found.default, "fal profile unset NAME")
    elif name != found.default:
        raise NotDefaultError(name, found.default)
    if found.is_protected(found.default):
        question = "Leave all shells that follow the default without it?"
        questions.allow_protected(found.default, question, yes=yes)
    before, after = edits.unset_default(found.default)
    done = {"was": masked(before.default) or None}
    results.report(before, after, mark, ["Default profile unset."], done, as_json=as_json)


class _KeyCommand(click.Command):
    """Takes all words behind --command as they are: they are another program's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--command" in args:
            at = args.index("--command")
            ctx.meta[_WORDS] = args[at + 2 :] if args[at + 1 :][:1] == ["--"] else args[at + 1 :]
            args = args[: at + 1]
        return super().parse_args(ctx, args)


#: Where the words behind --command are, for the function below.
_WORDS = "falenv.key_command"


@click.command("key", cls=_KeyCommand)
@click.argument("name", nargs=-1, metavar="[NAME]")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the key from standard input.")
@click.option("--from-env", is_flag=True, help="Take your own key from the environment.")
@click.option(
    "--command", "from_command", is_flag=True, help="Get the key from the command that follows."
)
@click.option("--keyring", is_flag=True, help="Move the key into the keyring of the system.")
@click.option("--inline", is_flag=True, help="Move the key into the store.")
@click.option("--print", "print_", is_flag=True, help="Print the key, but never to a terminal.")
@click.option("--yes", is_flag=True, help="Set the key without asking.")
@results.option
def key(  # noqa: PLR0913 - the options above
    *,
    name: tuple[str, ...],
    from_stdin: bool,
    from_env: bool,
    from_command: bool,
    keyring: bool,
    inline: bool,
    print_: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Set the key of a profile.

    Ask for the key, and hide what you type. A key is never an argument, because the shell's
    history would keep it. Without NAME, set the key of the active profile. The prompt has to show
    that profile.

    You can paste a whole line, such as `export FAL_KEY=...`. --from-env reads FAL_KEY, or else
    FAL_KEY_ID and FAL_KEY_SECRET. On a terminal, confirm before a key is replaced.

    --print writes the key of the profile to a pipe or a file, for a script.

    With --command, the store has a command that prints the key. `use`, `exec`, `fal` commands,
    `export`, `verify NAME` and --print run it, and nothing else does. falenv runs it once before it
    removes the old key.

    With --keyring, the system's keyring has the key, and the store only its id. That needs
    `falenv[keyring]`.

    \b
        fal profile key comfy
        fal profile key comfy --stdin < key.txt
        fal profile key comfy --command op read op://Private/fal/key
        fal profile key comfy --keyring
        fal profile key comfy --inline
        fal profile key comfy --print | pbcopy
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    words: list[str] = click.get_current_context().meta.get(_WORDS, [])
    refuse_key(name, found, "key")
    refuse_key(words, found, "key", is_name=False)
    modes = {
        "--stdin": from_stdin,
        "--from-env": from_env,
        "--command": from_command,
        "--inline": inline,
        "--print": print_,
    }
    given = [mode for mode in modes if modes[mode]]
    mode = given[0] if given else ""
    is_moved = mode in {"--command", "--inline", "--print"}
    if len(name) > 1 or len(given) > 1 or (keyring and is_moved) or (print_ and as_json):
        raise UsageError(
            "give at most one NAME, and one of the options that say where the key is, or --print "
            "without --json; see: fal profile key --help"
        )
    if from_command and not words:
        raise UsageError(
            "no command follows --command; for example: "
            "fal profile key NAME --command pass show fal"
        )
    if print_:
        _print_key(found, name[0] if name else None, yes=yes)
        return
    profile = target(found, name[0] if name else None, f"fal profile key NAME {mode}".rstrip())
    # On a terminal the question about the old key is enough.
    if found.is_protected(profile) and not (questions.has_terminal() and _key_of(profile)):
        questions.allow_protected(profile, "Set its key?", yes=yes)
    if from_command:
        before, after, done = _to_command(profile, words, yes=yes)
    elif inline:
        before, after, done = _inline(found, profile)
    else:
        before, after, done = _set_key(found, profile, mode, keyring=keyring, yes=yes)
    now = after.profiles.get(profile)  # None if another program has just made it unusable
    fields = {"profile": masked(profile), "key_id": now.id if now else None}
    results.report(before, after, mark, [done], fields, as_json=as_json)
    outcome.tell_of_rest(after, profile, mark)


def _set_key(
    found: Store, name: str, mode: str, *, keyring: bool, yes: bool
) -> tuple[Store, Store, str]:
    """Give a profile the key that the user types or that `mode` names.

    The key goes into the keyring if the user wants that, or if the profile's key is there already.
    Without a mode, `keyring` moves the key that the profile has. Return the store before and after,
    and what was done.
    """
    now, old = found.profiles.get(name), _key_of(name)
    if keyring and not mode and now and (now.key or now.has_source):
        from falenv import sources

        value = now.key or sources.fetch(found, now)
    else:
        value = _value(found, name, mode, yes=yes)
    label = printable(masked(name))
    if keyring or (now and now.is_in_keyring):
        return *_keep(name, value, old), f"The key of {label} is in the keyring now."
    return *edits.set_key(name, value), f"Key set for profile {label}."


def _value(found: Store, name: str, mode: str, *, yes: bool) -> str:
    """Return the key that the user types, or that the environment or standard input has."""
    must_ask = questions.has_terminal() and not yes
    if mode == "--from-env":
        value = key_from_environment(found)
        if must_ask and _key_of(name) != value:
            with questions.hidden() as ask:
                _confirm_replacing(ask, name)
        return value
    if questions.has_terminal():  # even with --stdin, so that the terminal does not show the key
        return _typed_key(name, must_ask=must_ask)
    if mode == "--stdin":
        return piped_key()
    raise UsageError("standard input is not a terminal; to read the key from it, add --stdin")


def _print_key(found: Store, name: str | None, *, yes: bool) -> None:
    """Print the key of a profile, by default of the one in the prompt. Errors: FalenvError."""
    active = for_program(found) if name is None else resolve(found, name)
    profile = active.profile
    if profile is None:
        raise NoProfileError
    if not (profile.key or profile.has_source):
        raise NoKeyError(profile.name)
    if sys.stdout.isatty():
        raise FalenvError("a key is not printed to a terminal; send it to a program or a file")
    if profile.is_protected:
        questions.allow_protected(profile.name, "Print its key?", yes=yes)
    fast.unlock(found, active)
    emit(f"{profile.key}\n")


def _to_command(name: str, words: list[str], *, yes: bool) -> tuple[Store, Store, str]:
    """Let a command be the source of a profile's key.

    Run the command first. The edit replaces the store in one step, so no key is ever lost. Return
    the store before and after, and what was done.
    """
    from falenv import sources

    old = _key_of(name)
    value = sources.run(name, words)
    label = printable(masked(name))
    if old and old != value and not yes:
        new = f"the command gives another one{short_id(value)}"
        if not questions.has_terminal():
            raise FalenvError(
                f"profile {shown(name)} has a key, and {new}; to replace it, add --yes"
            )
        question = f"Profile {label} has a key{short_id(old)}, and {new}. Replace it?"
        with questions.hidden() as ask:
            if not questions.agrees(ask, question):
                raise CancelledError
    settings = {"key": None, "keyring": None, "key_command": words, "key_id": key_id(value)}
    before, after = edits.put(name, settings, only_key=old)
    forget(before, after, name)
    return before, after, f"The key of {label} now comes from {shown(os.path.basename(words[0]))}."


def _keep(name: str, value: str, old: str) -> tuple[Store, Store]:
    """Move a key of a profile into the keyring; return the store before and after."""
    from falenv import sources

    before, after = sources.to_keyring(name, value, old)
    forget(before, after, name)
    return before, after


def forget(before: Store, after: Store, name: str) -> None:
    """Delete from the keyring the key that a profile had there, if no profile has it now."""
    old = before.profiles.get(name)
    used = {one.known_id for one in after.profiles.values() if one.is_in_keyring}
    if old and old.is_in_keyring and old.known_id and old.known_id not in used:
        from falenv import sources

        try:
            if sources.is_trusted(before):
                sources.forget(name, old.known_id)
        except FalenvError:
            say(f"the keyring still has the key with the id {old.known_id}")


def _inline(found: Store, name: str) -> tuple[Store, Store, str]:
    """Move the key of a profile into the store; return as `_to_command`."""
    from falenv import sources

    profile = resolve(found, name).profile
    if profile is None or not profile.has_source:
        raise FalenvError(f"the key of profile {shown(name)} has no other source than the store")
    before, after = edits.set_key(name, sources.fetch(found, profile))
    forget(before, after, name)
    return before, after, f"The key of {printable(masked(name))} is in the store now."


def refuse_key(words: Iterable[str], found: Store, command: str, *, is_name: bool = True) -> None:
    """Raise FalenvError for a key on the command line, which `ps` and the history show.

    A word of another program's may have a colon in it, so not `is_name`: only a whole key is one.
    """
    for word in words:
        head, _, tail = word.partition(":")
        looks_like_key = bool(head) and len(tail) >= _SECRET and tail.isalnum()
        if (":" in word if is_name else looks_like_key) and word not in found.names:
            raise FalenvError(
                "a key is never an argument, because the shell's history keeps it; delete it from "
                f"the history, then run: fal profile {command}"
            )


def _typed_key(profile: str, *, must_ask: bool) -> str:
    """Ask without echo until the answer is a key; raise CancelledError at the end of input."""
    # The echo stays off until the command ends: the rest of a paste may come late.
    ask = click.get_current_context().with_resource(questions.hidden())
    old = _confirm_replacing(ask, profile) if must_ask else _key_of(profile)
    note = f" (replaces key{short_id(old)})" if old else ""
    while True:
        lines = ask(f"Enter the key for {printable(masked(profile))}{note}: ")
        try:
            value = clean_key("\n".join(lines))
        except InvalidKeyError as error:
            click.echo(str(error), err=True)
            continue
        if must_ask and _key_of(profile) != old:  # changed while the user typed
            _confirm_replacing(ask, profile)
        return value


def _confirm_replacing(ask: Ask, profile: str) -> str:
    """Ask before a key is replaced; return the old key. Errors: CancelledError."""
    now = store.read(paths.store())
    old = _key_of(profile)
    is_protected = "is protected. It " if now.is_protected(profile) else ""
    question = (
        f"Profile {printable(masked(profile))} {is_protected}has a key{short_id(old)}, "
        "and fal shows each key only once. Replace it?"
    )
    if old and not questions.agrees(ask, question):
        raise CancelledError
    return old


def _key_of(profile: str) -> str:
    """Return the key that the store has for the profile now, or an empty string."""
    table = store.read(paths.store()).data.get(profile)
    key = table.get("key") if isinstance(table, dict) else None
    return key if isinstance(key, str) else ""


def key_from_environment(found: Store) -> str:
    """Return the user's own key: FAL_KEY, or else FAL_KEY_ID and FAL_KEY_SECRET.

    A FAL_KEY with the id in FALENV_KEY_ID is the one that falenv exported. Errors: FalenvError.
    """
    text = os.environ.get("FAL_KEY", "")
    names = ("FAL_KEY_ID", "FAL_KEY_SECRET")
    pair = [os.environ.get(name, "") for name in names]
    exported = os.environ.get("FALENV_KEY_ID")
    is_own = not exported or key_id(text) != exported
    if text and is_own:
        return clean_key(text)
    if all(pair):
        return clean_key(":".join(part.strip(" \t\r\n'\"") for part in pair))
    if text:
        owners = [name for name, one in found.profiles.items() if one.key == text]
        whose = f"the key of profile {shown(owners[0])}" if owners else "a key"
        raise FalenvError(
            f"FAL_KEY is {whose}, which falenv has exported, so it was not taken; "
            "to type a key: fal profile key"
        )
    for name, other in (names, names[::-1]):
        if os.environ.get(name):
            raise FalenvError(
                f"{name} is set, but {other} is not, so there is no key to take; "
                "nothing was changed"
            )
    raise FalenvError("FAL_KEY is not set, so there is no key to take; nothing was changed")


@click.command("host")
@click.argument("host", required=False)
@click.option("--profile", "name", metavar="NAME", help="Change this profile.")
@click.option("--unset", "drop", is_flag=True, help="Remove the host from the profile.")
@click.option("--force", is_flag=True, help="Accept a host that fal does not own.")
@yes_option
@results.option
def host(  # noqa: PLR0913 - the options above
    *, host: str | None, name: str | None, drop: bool, force: bool, yes: bool, as_json: bool
) -> None:
    """Set the fal host of a profile.

    The host receives the profile's key. Without --profile, change the active profile. The prompt
    has to show that profile.

    \b
        fal profile host api.alpha.fal.ai
        fal profile host --unset --profile comfy
    """
    mark = fast.mark_of_shell()
    if drop == (host is not None):
        raise UsageError("give either HOST or --unset; see: fal profile host --help")
    value = None if host is None else check_host(host, allow_foreign=force)
    words = f"fal profile host {'--unset' if value is None else value} --profile NAME"
    found = store.read(paths.store())
    profile = target(found, name, words)
    if found.is_protected(profile):
        questions.allow_protected(profile, "Change its host?", yes=yes)
    done = "Fal host unset." if value is None else f"Fal host set to {value}."
    before, after = edits.put(profile, {"host": value})
    fields = {"profile": masked(profile), "host": value}
    results.report(before, after, mark, [done], fields, as_json=as_json)
    outcome.tell_of_rest(after, profile, mark)


@click.command("protect")
@click.argument("name")
@click.option("--exec-only", is_flag=True, help="Keep the key out of shells instead.")
@click.option("--off", is_flag=True, help="Undo this.")
@yes_option
@results.option
def protect(*, name: str, exec_only: bool, off: bool, yes: bool, as_json: bool) -> None:
    """Ask before a command uses or changes a profile.

    On a terminal, `use`, `set`, `link`, `exec` and all commands that change the profile then ask.
    Without a terminal they need --yes. The prompt shows the profile in red, or in its own colour.

    With --exec-only, the key never enters a shell. Only `exec NAME` and the official CLI get it, so
    a build script or an agent that reads the environment does not.

    \b
        fal profile protect client
        fal profile protect client --exec-only
        fal profile protect client --off
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    target(found, name, "fal profile protect NAME")
    if found.is_protected(name):
        questions.allow_protected(name, "Change that?", yes=yes)
    label = printable(masked(name))
    if exec_only:
        settings: dict[str, str | bool | None] = {"env": None if off else EXEC}
        done = (
            f"The key of {label} enters shells again."
            if off
            else f"The key of {label} stays out of shells."
        )
    else:
        settings = {"protected": None if off else True}
        done = f"Profile {label} is {'no longer ' if off else ''}protected."
    before, after = edits.put(name, settings)
    fields = {"profile": masked(name), **settings}
    results.report(before, after, mark, [done], fields, as_json=as_json)
    outcome.tell_of_rest(after, name, mark)


@click.command("delete")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@results.option
def delete(*, name: str, yes: bool, as_json: bool) -> None:
    """Delete a profile and its key.

    You cannot get the key back: fal shows each key only once. On a terminal, confirm if the
    profile is in use: active here, the default, or with `protected = true` in the store.

    \b
        fal profile delete comfy
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    if name not in found.names:
        raise ProfileNotFoundError(name, "delete", found.names)
    uses = _uses(found, name)
    if found.is_protected(name) and not questions.has_terminal():
        questions.allow_protected(name, "", yes=yes)
    if uses and questions.has_terminal() and not yes:
        what = " and ".join(uses)
        question = f"Profile {printable(masked(name))} is {what}. Delete it and its key?"
        with questions.hidden() as ask:
            if not questions.agrees(ask, question):
                raise CancelledError
    before, after = edits.delete(name)
    forget(before, after, name)
    outcome.keep_trust(before, after)
    notices.tell_of_mode(before)
    if as_json:
        results.emit(after, profile=masked(name))
    else:
        click.echo(f"Profile {printable(masked(name))} deleted.")
    if found.default == name:
        say(f"{shown(name)} was the default; choose another: fal profile set NAME")
    notices.tell_shell(after, mark)


def _uses(found: Store, name: str) -> list[str]:
    """Return the reasons to ask before a profile is deleted."""
    here = {choice(found)[0], os.environ.get("FALENV_PROFILE")} - {"", None}
    return [
        use
        for use, applies in (
            ("active here", bool({name, printable(masked(name))} & here)),
            ("the default", name == found.default),
            ("protected", found.is_protected(name)),
        )
        if applies
    ]


COMMANDS = (list_, set_, unset, key, host, create, delete, protect)
