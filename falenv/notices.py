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

#: The shells print these themselves, as they are. %s is the path of the program.
GONE = "falenv: %s is gone; this shell keeps its FAL_KEY, and follows no more"
READONLY_HOOK = (
    "falenv: PROMPT_COMMAND is read-only, so this shell follows only what is switched in it"
)
READONLY_KEY = "falenv: FAL_KEY is read-only, so this shell cannot switch; open a new one"


def tell_of_mode(before: Store) -> None:
    """Say that the store is private now, if others could read it before an edit."""
    if before.is_open_to_others:
        say(f"{before.path} could be read by others on this machine; it is private now")


def tell_of_folder() -> None:
    """Say which `.fal-profile` files here are passed over, once for each text of each file."""
    for link in filter(links.is_news, links.chain()):
        say(
            link.problem
            or f"{link.path} names profile {shown(link.name)}, and was not allowed yet; "
            "to follow it: fal profile allow (or: fal profile deny)"
        )


def tell_of_loss(was: str, name: str, *, is_known: bool) -> None:
    """Say that the profile `was`, which a shell was on, is gone, or not active if it `is_known`.

    `name` is the profile that is active now, or an empty string.
    """
    now = f"this shell is on {shown(name)} now" if name else "FAL_KEY was removed"
    what = "is active no more" if is_known else "is gone"
    say(f"profile {shown(was)} {what}; {now}")


def tell_shell(now: Store, mark: str) -> None:
    """Say what a change of the store means for the calling shell, where that is a surprise.

    `mark` is what the shell says about itself (`fast.mark_of_shell`).
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
    """Say if the calling shell still has another key than that of the active profile."""
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
