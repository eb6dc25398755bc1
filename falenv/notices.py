"""What falenv says to the user about the state of the store, the folder and the shell."""

from __future__ import annotations

import os

from falenv import detect, dialects, links
from falenv.active import choice, pin
from falenv.console import say
from falenv.environment import rivals
from falenv.errors import NotIntegratedError, UsageError
from falenv.masking import as_word, key_id, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.index import Indexed
    from falenv.profile import Profile
    from falenv.store import Store

EVAL = 'eval "$(fal profile env)"'
#: The same for nushell, which has no eval.
INSTALL_NU = "fal profile install nu, then open a new shell"

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
REPLACED_HOOK = (
    "falenv: another program has replaced PROMPT_COMMAND, so this shell did not follow changes; "
    "falenv has added its hook again"
)
RESTRICTED = "falenv: this shell is restricted, so it keeps its account and does not follow changes"
OLD_FISH = "falenv: fish before 3.6 cannot follow a switch, so it only has the key; upgrade fish"
KEPT_FAL = (
    "falenv: this shell cannot copy a function, so your function fal stays; "
    "to use falenv here: falenv profile list"
)
TIME_OVER = "falenv: the time of use --for is over"
#: The shells put the name of another variable in the place of FAL_KEY.
READONLY_KEY = "falenv: FAL_KEY is read-only, so this shell cannot switch; open a new shell"
#: The names of the rivals follow.
RIVALS_ASIDE = "falenv: set aside while a profile is active:"
#: In this variable a shell tells the id of the FAL_KEY that it had before falenv.
OWN_KEY_ID = "__falenv_own_key_id"


def tell_of_mode(before: Store) -> None:
    """Say that the store is private now, if other users could access it before an edit."""
    if before.is_open_to_others:
        say(f"other users could access {before.path}; it is private now")


def tell_of_flaw(found: Store, profile: Profile | None) -> None:
    """Say what the store has around the key of a profile that does not belong to the key."""
    if profile and profile.flaw:
        line = found.line_of(profile.name, "key")
        where = f"{found.path}, line {line}" if line else found.path
        say(
            f"{where}: the key of profile {shown(profile.name)} {profile.flaw}; falenv leaves that "
            "out, but the official CLI does not, so remove it"
        )


def tell_of_folder() -> None:
    """Say which `.fal-profile` files falenv ignores here, once for each text of each file."""
    for link in filter(links.is_news, links.chain()):
        say(
            link.problem
            or f"{link.path} names profile {shown(link.name)}, but you have not allowed it; "
            "to use it: fal profile allow (or: fal profile deny)"
        )


def tell_of_env_file(path: str, owner: str, name: str) -> None:
    """Say that an `.env` file has another key than this shell, and how to choose one.

    `owner` is the id of the key, and `name` the profile that has the key too, or an empty string.
    """
    whose = f"the key of profile {shown(name)}" if name else "a key that no profile has"
    has = f"{path} has {whose} (id {owner})"
    if not os.environ.get("FAL_KEY"):
        say(f"{has}, and programs that load the file use it; this shell has no FAL_KEY")
        return
    word = "use" if pin() else "link"
    say(
        f"{has}, but most programs prefer this shell's FAL_KEY; to choose a profile here: "
        f"fal profile {word} {as_word(name)}; to leave the choice to the file: "
        "fal profile use --none"
    )


def first_contact(found: Store | Indexed) -> str:
    """Return what to do next where there are no profiles yet; else an empty string."""
    if found.names:
        return ""
    own = key_id(os.environ.get("FAL_KEY")) or os.environ.get("FAL_KEY_ID", "")
    if not own:
        return "there are no profiles yet; to create one: fal profile set NAME"
    return (
        f"there are no profiles yet, so this shell keeps its own {_named(own)}; to save it as a "
        "profile: fal profile set NAME, then: fal profile key --from-env"
    )


def of_login(profile: Profile) -> str:
    """Return what pays in a shell on a profile without a FAL_KEY, and the cure; else empty.

    fal_client falls back to the token of `fal auth login` (fal_client/auth.py). A `fal` command
    does so only if the profile has no key at all.
    """
    from falenv import origins

    if not origins.has_login():
        return ""
    word = as_word(profile.name)
    cure = f"to set a key: fal profile key {word}"
    if profile.is_exec_only and profile.source:
        cure = f"start it with: fal profile exec {word} -- CMD"
    elif profile.has_source:
        cure = f"to get the key: fal profile use {word}"
    return f"without FAL_KEY, fal_client uses the login of `fal auth login` in this shell; {cure}"


def tell_of_rivals() -> None:
    """Say which variables falenv sets aside, for a program that it starts with a profile's key."""
    if rivals():
        say(f"{RIVALS_ASIDE.removeprefix('falenv: ')} {', '.join(rivals())}")


def _named(own: str) -> str:
    return "FAL_KEY" if own == "-" else f"FAL_KEY (id {own})"


def tell_of_loss(was: str, name: str, *, is_known: bool, own: str) -> None:
    """Say that a shell's profile `was` is no longer active, or if not `is_known`, that it is gone.

    `name` is the profile that is active now, or an empty string. `own` is the id of the key that
    the shell had before falenv, or an empty string.
    """
    now = "this shell has no FAL_KEY now"
    if name:
        now = f"this shell now uses {shown(name)}"
    elif own and is_known:
        now = f"this shell now uses its own {_named(own)} again"
    what = "is no longer active" if is_known else "no longer exists"
    say(f"profile {shown(was)} {what}; {now}")


def tell_shell(now: Store, mark: str) -> None:
    """Say why the calling shell does not follow a change of the store, if it does not.

    `mark` is what the shell says about itself (`fast.mark_of_shell`).
    """
    name, why = choice(now)
    profile = now.profiles.get(name)
    missing = "falenv cannot use it" if name in now.unusable else "no such profile exists"
    if why == "pin" and name != now.default:
        stays = f"this shell stays on {shown(name)}, because FAL_PROFILE pins it"
        gone = f"FAL_PROFILE still names {shown(name)}, but {missing}"
        cure = "fal profile use --default" if mark else "unset FAL_PROFILE"
        say(f"{stays if profile else gone}; to follow the default: {cure}")
    if why == "folder" and name != now.default:
        stays = f"this folder stays on {shown(name)}, because its .fal-profile names it"
        gone = (
            f"this folder's .fal-profile still names {shown(name)}, but {missing}; "
            "to choose another: fal profile link NAME"
        )
        say(stays if profile else gone)
    own = os.environ.get(OWN_KEY_ID, "")
    if why == "none" and own and mark == "live":
        say(f"this shell now uses its own {_named(own)} again")
    tell_of_key(profile, mark)


def tell_of_key(profile: Profile | None, mark: str) -> None:
    """Say if the FAL_KEY of the calling shell is not the active profile's key."""
    if mark == "live":
        return
    key = os.environ.get("FAL_KEY")
    if not key or (profile and (key == profile.key or key_id(key) == profile.known_id)):
        return
    if mark == "later":
        say("this shell follows at its next prompt")
    else:
        say(
            f"this shell still has another FAL_KEY (id {key_id(key)}), which overrides the "
            f"profile; {loading('to switch this shell')}"
        )


def loading(aim: str) -> str:
    """Return `aim` and how the user reaches it by loading falenv into the shell that runs this.

    In a shell without an integration, return what works there instead.
    """
    try:
        shell = detect.shell()
    except UsageError:
        shell = ""
    if shell in dialects.OTHERS:
        return str(NotIntegratedError(shell))
    return f"{aim}: {INSTALL_NU if shell == 'nu' else EVAL}"
