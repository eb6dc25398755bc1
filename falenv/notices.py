"""What falenv says to the user about the state of the store, the folder and the shell."""

from __future__ import annotations

import os

from falenv import links
from falenv.active import choice
from falenv.console import say
from falenv.masking import key_id, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.profile import Profile
    from falenv.store import Store

EVAL = 'eval "$(fal profile env)"'

#: The shells print these, unchanged. %s is the path of the program; LOST also names the file.
GONE = "falenv: %s is gone. This shell keeps its FAL_KEY and no longer follows changes"
LOST = (
    "falenv: %s is missing or cannot run, so new shells follow no profile. "
    "Install falenv again, then run: falenv profile install. "
    "Or delete falenv's lines from %s"
)
READONLY_HOOK = (
    "falenv: PROMPT_COMMAND is read-only, so this shell only follows changes that you make in it"
)
KEPT_FAL = (
    "falenv: this shell cannot copy a function, so your function fal stays; "
    "to use falenv here: falenv profile list"
)
READONLY_KEY = "falenv: FAL_KEY is read-only, so this shell cannot switch; open a new shell"


def tell_of_mode(before: Store) -> None:
    """Say that the store is private now, if other users could access it before an edit."""
    if before.is_open_to_others:
        say(f"other users could access {before.path}; it is private now")


def tell_of_folder() -> None:
    """Say which `.fal-profile` files falenv ignores here, once for each text of each file."""
    for link in filter(links.is_news, links.chain()):
        say(
            link.problem
            or f"{link.path} names profile {shown(link.name)}, but you have not allowed it; "
            "to use it: fal profile allow (or: fal profile deny)"
        )


def tell_of_loss(was: str, name: str, *, is_known: bool) -> None:
    """Say that a shell's profile `was` is no longer active, or if not `is_known`, that it is gone.

    `name` is the profile that is active now, or an empty string.
    """
    now = f"this shell now uses {shown(name)}" if name else "this shell has no FAL_KEY now"
    what = "is no longer active" if is_known else "no longer exists"
    say(f"profile {shown(was)} {what}; {now}")


def tell_shell(now: Store, mark: str) -> None:
    """Say why the calling shell does not follow a change of the store, if it does not.

    `mark` is what the shell says about itself (`fast.mark_of_shell`).
    """
    name, why = choice(now)
    profile = now.profiles.get(name)
    if why == "pin" and name != now.default:
        stays = f"this shell stays on {shown(name)}, because FAL_PROFILE pins it"
        gone = f"FAL_PROFILE still names {shown(name)}, but no such profile exists"
        cure = "fal profile use --default" if mark else "unset FAL_PROFILE"
        say(f"{stays if profile else gone}; to follow the default: {cure}")
    if why == "folder" and name != now.default:
        stays = f"this folder stays on {shown(name)}, because its .fal-profile names it"
        gone = (
            f"this folder's .fal-profile still names {shown(name)}, but no such profile exists; "
            "to choose another: fal profile link NAME"
        )
        say(stays if profile else gone)
    tell_of_key(profile, mark)


def tell_of_key(profile: Profile | None, mark: str) -> None:
    """Say if the FAL_KEY of the calling shell is not the active profile's key."""
    if mark == "live":
        return
    key = os.environ.get("FAL_KEY")
    if not key or (profile and key == profile.key):
        return
    if mark == "later":
        say("this shell follows at its next prompt")
    else:
        say(
            f"this shell still has another FAL_KEY (id {key_id(key)}), which overrides the "
            f"profile; to switch this shell: {EVAL}"
        )
