"""What an edit of the store has done, as lines or as JSON, and what it means for the shell."""

from __future__ import annotations

from falenv import edits, fast, notices, paths, store
from falenv.active import choice
from falenv.console import echo, say
from falenv.masking import as_json as as_json_text
from falenv.masking import masked, printable
from falenv.program import runnable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from falenv.store import Store

NO_KEY = "No key set for profile. Use fal profile key to set a key."


def set_known(name: str) -> bool:
    """Make a profile the default if that takes no question; return True if so.

    Errors: StoreError.
    """
    found = store.read(paths.store())
    if name not in found.profiles or found.is_protected(name):
        return False
    set_default("set", name, fast.mark_of_shell())
    return True


def set_piped_key(name: str) -> bool:
    """Give a profile the key from standard input if that takes no question; return True if so.

    Errors: StoreError, and FalenvError without a key.
    """
    profile = store.read(paths.store()).profiles.get(name)
    if profile is None or profile.is_protected or profile.is_in_keyring:
        return False
    from falenv.pasted import piped_key

    mark = fast.mark_of_shell()
    before, after = edits.set_key(name, piped_key())
    now = after.profiles.get(name)
    done = f"Key set for profile {printable(masked(name))}."
    fields = {"profile": masked(name), "key_id": now.id if now else None}
    report("key", before, after, mark, [done], fields, as_json=False)
    tell_of_rest(after, name, mark)
    return True


def set_default(
    command: str, name: str, mark: str, first: str = "", *, as_json: bool = False
) -> None:
    """Make a profile the default, and report that. The line `first` comes before the others.

    `mark` is what `fast.mark_of_shell` has returned. Errors: StoreError.
    """
    before, after = edits.set_default(name)
    lines = [first] if first else []
    lines.append(f"Default profile set to {printable(masked(name))}.")
    profile = after.profiles.get(name)  # None if another program has just made it unusable
    if profile and not profile.key and not profile.has_source:
        lines.append(NO_KEY)
    done = {"profile": masked(name), "created": name not in before.names}
    report(command, before, after, mark, lines, done, as_json=as_json)
    if profile and profile.has_source and mark == "live" and choice(after)[0] == name:
        what = f"its key comes from {profile.source_words}"
        say(f"{what}; to get it in this shell: fal profile use --default")


def report(  # noqa: PLR0913, PLR0917 - what an edit has done, in both forms
    command: str,
    before: Store,
    after: Store,
    mark: str,
    lines: list[str],
    fields: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    """Print what an edit has done, as lines or as JSON, and what it means for the calling shell."""
    notices.tell_of_mode(before)
    keep_trust(before, after)
    if as_json:
        print_json(command, after, fields)
    else:
        for line in lines:
            echo(runnable(line))
    notices.tell_shell(after, mark)


def print_json(command: str, after: Store | None, fields: Mapping[str, object]) -> None:
    """Print what a command has done: its name, `fields`, and the default of a store.

    Names in `fields` are masked already.
    """
    what = {"command": command, **fields}
    if after:
        what |= {"default": masked(after.default) or None, "store": after.path}
    echo(as_json_text(what))


def keep_trust(before: Store, after: Store) -> None:
    """Let the key commands of a store count after an edit, if they did before."""
    if any(profile.has_source for profile in after.profiles.values()):
        from falenv import sources

        sources.keep_trust(before, after)


def tell_of_rest(after: Store, name: str, mark: str) -> None:
    """Say why a profile is still unusable after an edit."""
    problem = after.unusable.get(name)
    # A shell that follows this profile says so itself.
    if problem and not (mark and choice(after)[0] == name):
        say(str(problem))
