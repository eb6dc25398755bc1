"""Housekeeping for profiles: rename, edit, import, export."""

from __future__ import annotations

import os
import sys

import click

from falenv import (
    editing,
    edits,
    envtext,
    fast,
    files,
    incoming,
    notices,
    outcome,
    outgoing,
    paths,
    questions,
    store,
)
from falenv.active import Active, choice, pin
from falenv.commands import results, settings
from falenv.console import can_ask, emit, say
from falenv.environment import is_ours
from falenv.errors import (
    CancelledError,
    FalenvError,
    NameTakenError,
    ProfileNotFoundError,
    StoreChangedError,
    UsageError,
)
from falenv.masking import given, key_id, masked, printable, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.incoming import Incoming
    from falenv.store import Store


SPELLED = {"unchanged": "is unchanged"}


@click.command("rename")
@click.argument("name")
@click.argument("new_name")
@settings.yes_option
@results.option
def rename(*, name: str, new_name: str, yes: bool, as_json: bool) -> None:
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
    if found.is_protected(name):
        questions.allow_protected(name, f"Rename it to {printable(new_name)}?", yes=yes)
    before, after, changed = edits.rename(name, new_name)
    outcome.keep_trust(before, after)
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


@click.command("import")
@click.argument("words", nargs=-1, metavar="[FILE] [NAME]")
@click.option("--from-env", is_flag=True, help="Take your own key from the environment.")
@click.option("--replace", is_flag=True, help="Replace the key and host of existing profiles.")
@click.option("--allow-host", is_flag=True, help="Accept a host that fal does not own.")
@settings.yes_option
@results.option
def import_(  # noqa: PLR0913 - the options above
    *,
    words: tuple[str, ...],
    from_env: bool,
    replace: bool,
    allow_host: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Import profiles from an .env file or another store.

    Take the key, the host and the colour of each profile, and nothing else. FILE can be - for
    standard input. NAME is the profile's name, or chooses one profile of a store. The default
    stays as it is. --from-env takes FAL_KEY, or FAL_KEY_ID and FAL_KEY_SECRET.

    \b
        fal profile import .env work
        fal profile import team.toml
        fal profile import --from-env work
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    settings.refuse_key([word for word in words if not os.path.exists(word)], found, "import")
    profiles = _incoming(found, words, from_env=from_env)
    for one in profiles:
        if one.name not in found.names:
            edits.check_new(found, one.name)
    news = [one for one in profiles if edits.is_news(found, one)]
    for one in news:
        _confirm(found, one, replace=replace, allow_host=allow_host, yes=yes)
    before, after = edits.add(news, replace=replace) if news else (found, found)
    for one in news:
        settings.forget(before, after, one.name)
    outcome.keep_trust(before, after)
    notices.tell_of_mode(before)
    done = {one.name: _outcome(found, one, news) for one in profiles}
    if as_json:
        results.emit(after, profiles=[_imported(one, done[one.name]) for one in profiles])
    else:
        click.echo(
            "\n".join(
                f"Profile {name} {SPELLED.get(result, result)}." for name, result in done.items()
            )
        )
    for one in profiles:
        _tell_of_import(after, one)
    notices.tell_of_key(after.profiles.get(choice(after)[0]), mark)


def _incoming(found: Store, words: tuple[str, ...], *, from_env: bool) -> list[Incoming]:
    """Return the profiles to import: from the environment, or from the file in the first word."""
    if len(words) > 2 - from_env or not (words or from_env):
        raise UsageError("give FILE and a NAME, or --from-env; see: fal profile import --help")
    if from_env:
        return [_from_environment(found, words[0] if words else None)]
    text = _text_of(words[0])
    path = "standard input" if words[0] == "-" else words[0]
    return incoming.from_text(path, text, words[1] if words[1:] else None)


def _tell_of_import(after: Store, one: Incoming) -> None:
    """Say what stayed out, and if the profile has no key now."""
    if one.left_out:
        names = ", ".join(printable(masked(name)) for name in one.left_out)
        say(f"not imported with {shown(one.name)}: {names}")
    profile = after.profiles.get(one.name)
    if profile and not profile.source:
        say(f"profile {shown(one.name)} has no key; to set one: fal profile key {one.name}")


def _imported(one: Incoming, result: str) -> dict[str, object]:
    """Return what `import --json` says about a profile."""
    return {
        "profile": one.name,
        "result": result,
        "key_id": key_id(one.settings.get("key")) or None,
        "host": one.settings.get("host"),
        "left_out": list(map(masked, one.left_out)),
    }


def _outcome(found: Store, one: Incoming, news: list[Incoming]) -> str:
    if one not in news:
        return "unchanged"
    return "replaced" if one.name in found.names else "imported"


def _text_of(path: str) -> str:
    """Return the text of a file to import, or of standard input for `-`. Errors: FalenvError."""
    try:
        if path == "-":
            content = _piped()
        else:
            with files.open_file(path, follow=True)[0] as file:
                content = file.read()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FalenvError(f"{path} is not UTF-8 text") from None
    except OSError as error:
        raise FalenvError(f"{shown(path)} could not be read: {error.strerror}") from None


def _piped() -> bytes:
    """Return the content of standard input. A terminal would show the key. Errors: FalenvError."""
    if questions.has_terminal():
        raise UsageError("standard input is a terminal; give a FILE, or use: fal profile key NAME")
    content = sys.stdin.buffer.read(files.LARGEST + 1)
    if len(content) > files.LARGEST:
        raise FalenvError(f"standard input is larger than {files.LARGEST // 1024**2} MiB")
    return content


def _from_environment(found: Store, name: str | None) -> Incoming:
    """Return the profile that the user's own variables describe."""
    variables = {"FAL_KEY": settings.key_from_environment(found)}
    if not is_ours():  # the host of falenv's environment is a profile's
        variables["FAL_HOST"] = os.environ.get("FAL_HOST", "")
    return incoming.from_variables("the environment", variables, name or pin())


def _confirm(found: Store, one: Incoming, *, replace: bool, allow_host: bool, yes: bool) -> None:
    """Ask before an import that sends a key to a stranger, or changes a protected profile.

    Errors: FalenvError.
    """
    if one.is_foreign and not allow_host:
        _confirm_host(one)
    if replace and found.is_protected(one.name):
        questions.allow_protected(one.name, "Replace its settings?", yes=yes)


def _confirm_host(one: Incoming) -> None:
    """Ask before a profile is imported that sends its key to a stranger. Errors: FalenvError."""
    host = one.settings["host"]
    if not can_ask():
        raise FalenvError(
            f"nothing was changed: profile {shown(one.name)} sends its key to {shown(host)}, which "
            "fal does not own; to allow that, add --allow-host"
        )
    question = f"Profile {one.name} sends its key to {host}, which fal does not own. Import it?"
    click.confirm(printable(question), abort=True, err=True)


@click.command("export")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--no-keys", is_flag=True, help="Leave out the keys, for a team.")
@click.option(
    "--output",
    metavar="FILE",
    help="Write a private file.",
    callback=lambda _, __, file: None if file == "-" else file,  # as for import
)
@click.option(
    "--format",
    "form",
    type=click.Choice(envtext.FORMATS),
    help="Print the variables for another program.",
)
@click.option("--replace", is_flag=True, help="Replace FILE if it exists.")
@results.option
def export(  # noqa: PLR0913 - the options above
    *,
    names: tuple[str, ...],
    no_keys: bool,
    output: str | None,
    form: str | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Write profiles to a file that import reads.

    Without NAME, write all profiles. A key from a command or the keyring is fetched. Print them if
    there is no --output, but never to a terminal. A file with keys may be in a git tree only if git
    ignores it. With --no-keys, the file is a template, which you can commit. --format writes one
    profile's variables, as env does.

    \b
        fal profile export --output ~/backup.toml
        fal profile export --no-keys --output team.toml
        fal profile export comfy --format dotenv --output .env
    """
    found = store.read(paths.store())
    for name in names:
        if name not in found.names:
            raise ProfileNotFoundError(name, "delete", found.names)
    if form is not None:
        if no_keys or len(names) > 1 or (form == "github" and output is not None):
            raise UsageError(
                "--format takes one NAME and no --no-keys, and github takes no --output; "
                "see: fal profile export --help"
            )
        if output is None:
            _refuse_json(as_json=as_json)
            fast.print_format(names[0] if names else None, form)
            return
        name, variables = fast.variables_for_programs(found, names[0] if names else None)
        chosen, text = [name], envtext.render(form, variables)
    else:
        chosen = list(names) or found.names
        if not chosen:
            raise FalenvError(notices.first_contact(found))
        if output is None:
            _refuse_json(as_json=as_json)
            _refuse_screen(has_keys=not no_keys)
        _fetch(found, [] if no_keys else chosen)
        text = outgoing.as_store(found, chosen, keys=not no_keys)
    if output is None:
        emit(text)
        return
    path = outgoing.write(output, text, is_secret=not no_keys, replace=replace)
    if as_json:
        what = {"profiles": list(map(masked, chosen)), "has_keys": not no_keys}
        results.emit(found, **what, file=masked(path))
    else:
        listed = ", ".join(map(masked, chosen))
        click.echo(printable(f"Wrote {listed} to {given(output)}."))


def _fetch(found: Store, names: list[str]) -> None:
    """Fetch the keys of profiles that have a source. Errors: KeySourceError."""
    for profile in found.profiles.values():
        if profile.name in names:
            fast.unlock(found, Active(profile, "argument"))


def _refuse_screen(*, has_keys: bool) -> None:
    if has_keys and sys.stdout.isatty():
        raise FalenvError(
            "the output contains your keys, so it is not printed to a terminal; to write a "
            "file: fal profile export --output FILE"
        )


def _refuse_json(*, as_json: bool) -> None:
    if as_json:
        raise UsageError("--json reports on a file, so it needs --output; see also: --format json")


@click.command("edit")
@settings.yes_option
@results.option
def edit(*, yes: bool, as_json: bool) -> None:
    """Edit the store in your editor, and check it before saving.

    VISUAL or EDITOR names the editor. It gets a private copy, so other programs can write the store
    meanwhile. If the result has a mistake, or if the store has changed, you can edit again.

    \b
        fal profile edit
        EDITOR="code --wait" fal profile edit
    """
    mark = fast.mark_of_shell()
    words, path = editing.editor(), paths.store()
    base, status = store.load(path)
    text = base
    before = store.lenient(path, base, status)
    try:
        with editing.private_folder() as folder:
            while True:
                new = editing.edited(folder, text, words)
                found = editing.problems(path, before, new)
                if new == base and found and not can_ask():
                    raise FalenvError(found[0])
                if found:
                    for problem in found:
                        say(problem)
                    _confirm_again("Edit again?")
                    text = new
                    continue
                for name in editing.changed_protected(before, new) if new != base else ():
                    questions.allow_protected(name, "Save the change to it?", yes=yes)
                try:
                    before, after = edits.save(base, new)
                    break
                except StoreChangedError:
                    text, status = store.load(path)
                    changes = "; ".join(editing.differences(base, text))
                    mine = f"; your text is in {editing.keep(folder, new)}" if can_ask() else ""
                    say(f"not saved: {path} has changed since ({changes}){mine}")
                    _confirm_again("Edit again, from the new text?")
                    base, before = text, store.lenient(path, text, status)
    except OSError as error:
        raise FalenvError(f"{error.filename or path}: {error.strerror}") from None
    outcome.keep_trust(before, after)
    is_changed = base != new
    notices.tell_of_mode(before)
    if as_json:
        results.emit(after, changed=is_changed, profiles=list(map(masked, after.names)))
    else:
        click.echo(printable(f"Saved {path}.") if is_changed else "Nothing was changed.")
    if before.default != after.default:
        notices.tell_shell(after, mark)
    else:
        notices.tell_of_key(after.profiles.get(choice(after)[0]), mark)


def _confirm_again(question: str) -> None:
    """Ask if the user edits again; raise FalenvError if not, or if nobody can answer."""
    if not can_ask():
        raise FalenvError("nothing was changed")
    if not click.confirm(question, default=True, err=True):
        raise CancelledError


COMMANDS = (rename, edit, import_, export)
