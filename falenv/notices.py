"""What several commands have to say, and to ask."""

from __future__ import annotations

import os

from falenv import index, paths, store
from falenv.active import choice
from falenv.console import say
from falenv.errors import FalenvError, ProfileNotFoundError
from falenv.masking import key_id, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

    from falenv.profile import Profile
    from falenv.store import Store
    from falenv.tomledit import Change

EVAL = 'eval "$(fal profile env)"'


def change(edit: Change) -> Store:
    """Edit the store, let the shells know, and return it as it is now."""
    before, after = store.edit(paths.store(), edit)
    index.update(after)
    if before.is_open_to_others:
        say(f"{after.path} could be read by others on this machine; it is private now")
    return after


def tell_shell(now: Store, mark: str) -> None:
    """Say what the change means for the shell that we were called from, where that is a surprise.

    `mark` is the shell's own word (`fast.mark_of_shell`).
    """
    name, why = choice(now)
    profile = now.profiles.get(name)
    if why == "pin" and name != now.default:
        stays = f"this shell stays on {shown(name)}, since FAL_PROFILE pins it"
        gone = f"FAL_PROFILE still names {shown(name)}, which is no profile"
        say(
            f"{stays if profile else gone}; to follow the default: fal profile use --default"
            + ("" if mark else " (or: unset FAL_PROFILE)")
        )
    if why == "folder" and name != now.default:
        say(f"this folder stays on {shown(name)}, by its .fal-profile")
    tell_of_key(profile, mark)


def tell_of_key(profile: Profile | None, mark: str) -> None:
    """Say where the shell still has the key of another than the profile that is active now."""
    if mark == "live":
        return
    key = os.environ.get("FAL_KEY")
    if not key or (profile and key == profile.key):
        return
    if mark == "later":
        say("this shell follows at its next prompt")
    else:
        say(
            f"this shell still has another FAL_KEY (id {key_id(key)}), which beats the profile; "
            f"to switch it: {EVAL}"
        )


def table(data: MutableMapping[str, Any], name: str) -> MutableMapping[str, Any]:
    """Return a profile's table in an edit; ProfileNotFoundError where it was deleted meanwhile."""
    if not isinstance(data.get(name), dict):
        raise ProfileNotFoundError(name, "argument", list(data))
    found: MutableMapping[str, Any] = data[name]
    return found


def target(now: Store, name: str | None) -> str:
    """Return the profile that a command is about: the one named, else the active one.

    Errors: ProfileNotFoundError, NoProfileError.
    """
    from falenv.active import resolve
    from falenv.errors import NoProfileError

    found = resolve(now, name).profile
    if found is None:
        raise NoProfileError
    return found.name


def refuse_key(words: tuple[str, ...], now: Store) -> None:
    """Refuse a key on the command line, where `ps` and the history see it; do not repeat it."""
    for word in words:
        if ":" in word and word not in now.profiles:
            raise FalenvError(
                "a key is never an argument, since the shell's history would keep it (delete it "
                "there); type it when asked, or use --stdin"
            )
