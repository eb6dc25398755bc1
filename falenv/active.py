"""Which profile is active here and now, and why."""

from __future__ import annotations

import os

from falenv import links, paths, segment
from falenv.errors import LinkChangedError, NoProfileError, NotShownError, ProfileNotFoundError
from falenv.masking import key_id, label
from falenv.profile import INTERNAL

TYPE_CHECKING = False  # typing costs 8 ms at import; checkers know this name
if TYPE_CHECKING:
    from typing import Literal

    from falenv.index import Indexed
    from falenv.profile import Profile
    from falenv.store import Store

    Why = Literal[
        "argument", "pin", "folder", "changed", "default", "none", "nobody", "failed", "shell"
    ]


#: The commands after which another profile may be active. The shell that runs one follows at once.
SWITCHES = ("set", "unset", "create", "link", "unlink", "allow", "deny", "rename", "edit")
#: The commands that may change the key or host that the shell has of its profile.
EDITS = ("key", "host", "import", "protect")


#: A FAL_PROFILE that no store can hold as a profile, so the official CLI finds no key and no host.
NOBODY = INTERNAL
#: In this variable an integrated shell tells the commands typed in it which store it follows.
STORE_SHOWN = "__falenv_store_shown"


class Active:
    """The profile in effect, or None, and the reason."""

    __slots__ = ("profile", "why")

    def __init__(self, profile: Profile | None, why: Why) -> None:
        self.profile = profile
        self.why = why

    @property
    def name(self) -> str:
        """The profile's name, or an empty string."""
        return self.profile.name if self.profile else ""

    @property
    def key(self) -> str | None:
        """The profile's key, or None."""
        return self.profile.key if self.profile else None


def pin() -> str:
    """Return the profile that this environment is pinned to, or an empty string.

    A shell exports FAL_PROFILE also for a linked profile without a key, since the official CLI
    would otherwise use the default's key. FALENV_MARK tells that from a pin.
    """
    named = os.environ.get("FAL_PROFILE", "")
    is_folder = os.environ.get("FALENV_MARK", "").startswith(segment.MARKS["folder"])
    return "" if is_folder and label(named) == shown() else named


def has_none() -> bool:
    """Return True if this environment is to have no fal credentials (`use --none`)."""
    return bool(os.environ.get("FALENV_NONE")) or os.environ.get("FAL_PROFILE") == NOBODY


def shown() -> str:
    """Return the label of the profile in the prompt: the one that this environment is for."""
    return os.environ.get("FALENV_PROFILE", "")


def is_asked_for() -> bool:
    """Return True if FAL_PROFILE asks for another profile than this environment is for.

    falenv keeps the two equal, so someone has set FAL_PROFILE for this command.
    """
    return bool(pin() and shown()) and label(pin()) != shown()


def choice(store: Store | Indexed, argument: str | None = None) -> tuple[str, Why]:
    """Return the name of the wanted profile, which may not exist, and why it is wanted.

    `changed`: the folder's `.fal-profile` is not the one that the user has allowed, so no profile
    is wanted before the user has said what to do. `nobody`: after `use --none`.
    """
    if argument is not None:
        return argument, "argument"
    if has_none():
        return "", "nobody"
    if pin():
        return pin(), "pin"
    link = links.deciding()
    if link:
        return (link.name, "folder") if link.verdict == "allowed" else ("", "changed")
    if store.default or store.default_error:
        return store.default, "default"
    return "", "none"


def resolve(store: Store | Indexed, argument: str | None = None) -> Active:
    """Return the active profile.

    Errors: ProfileNotFoundError, StoreError for a profile or a default that cannot be used, and
    LinkChangedError for a `.fal-profile` to allow again.
    """
    name, why = choice(store, argument)
    if why == "changed":
        raise LinkChangedError(links.chain()[-1].path)
    if why in {"none", "nobody"}:
        return Active(None, why)
    if why == "default" and store.default_error:
        raise store.default_error
    if name in store.unusable:
        raise store.unusable[name]
    profile = store.profiles.get(name)
    if profile is None:
        raise ProfileNotFoundError(name, why, store.names, new_name(store, name))
    return Active(profile, why)


def new_name(store: Store | Indexed, name: str) -> str:
    """Return the name that a profile has now which `fal profile rename` has renamed, if it exists.

    Return an empty string for a profile that was not renamed.
    """
    found = "" if name in store.names else links.new_name(paths.store(), name)
    return found if found in store.names else ""


def for_program(store: Store | Indexed) -> Active:
    """Return the profile for a program that has no FAL_KEY: the one in the prompt, if there is one.

    Errors: as `resolve`. A profile in the prompt that is gone raises ProfileNotFoundError.
    """
    if not shown() or is_asked_for():
        return resolve(store)
    for profile in store.profiles.values():
        if label(profile.name) == shown():
            return Active(profile, "argument")
    for name, error in store.unusable.items():
        if label(name) == shown():
            raise error
    gone = shown()
    raise ProfileNotFoundError(gone, "shell", store.names, new_name(store, gone))


def target(store: Store, name: str | None, words: str) -> str:
    """Return the profile that a command changes: `name`, or without a name the one in the prompt.

    `words` are the command with NAME in place of the name, for the message. Errors:
    ProfileNotFoundError, NoProfileError, and NotShownError if the prompt shows another profile than
    the active one, or one of another store. An unusable profile is a target too, since the command
    may repair it.
    """
    wanted = name
    if name is None and not shown():
        wanted = choice(store)[0] or None
    if wanted in store.unusable:
        return wanted
    found = resolve(store, name).profile
    if found is None:
        raise NoProfileError
    if name is None:
        check_shown(store, found.name, words)
    return found.name


def check_shown(store: Store, name: str, words: str) -> None:
    """Raise NotShownError if a command without a name would change a profile that nobody sees.

    `name` is the profile that it would change. The prompt has to show the active profile of this
    store. A FAL_PROFILE in front of the command counts as a name.
    """
    # A shell tells its store only to what is typed in it. A script below a shell without a profile
    # means the active one.
    if is_asked_for() or not (shown() or os.environ.get(STORE_SHOWN)):
        return
    active = resolve(store)
    # A script below the shell does not know the shell's store, but the id of its key.
    its_store = os.environ.get(STORE_SHOWN)
    its_key = os.environ.get("FALENV_KEY_ID", "")
    is_same = its_store == store.path if its_store else its_key in shell_key_ids(active.profile)
    if label(active.name) != shown() or not is_same:
        raise NotShownError(shown(), name, f"active in {store.path} now", words)
    if name and label(name) != shown():  # a pin or a folder has another than the default
        raise NotShownError(shown(), name, "the default", words)


def shell_key_ids(profile: Profile | None) -> tuple[str, ...]:
    """Return the ids of the key that a shell on a profile can have; an empty one for no key."""
    if profile and profile.suffix == segment.LOCKED:
        return "", profile.known_id
    return (key_id(profile.shell_key) if profile else "",)
