"""Which profile is active here and now, and why."""

from __future__ import annotations

import os

from falenv import links
from falenv.errors import LinkChangedError, NoProfileError, ProfileNotFoundError

TYPE_CHECKING = False  # typing costs 8 ms at import; checkers know this name
if TYPE_CHECKING:
    from typing import Literal

    from falenv.index import Indexed
    from falenv.profile import Profile
    from falenv.store import Store

    Why = Literal["argument", "pin", "folder", "changed", "default", "none"]


#: The commands after which another profile may be active. The shell that runs one follows at once.
SWITCHES = ("set", "unset", "create", "link", "unlink", "allow", "deny")


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


def pin() -> str:
    """Return the profile that this environment is pinned to, or an empty string."""
    return os.environ.get("FAL_PROFILE", "")


def choice(store: Store | Indexed, argument: str | None = None) -> tuple[str, Why]:
    """Return the name of the wanted profile, which may not exist, and why it is wanted.

    `changed`: the folder's `.fal-profile` is not the one that the user has allowed, so no profile
    is wanted before the user has said what to do.
    """
    if argument is not None:
        return argument, "argument"
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
    if why == "none":
        return Active(None, why)
    if why == "default" and store.default_error:
        raise store.default_error
    if name in store.unusable:
        raise store.unusable[name]
    profile = store.profiles.get(name)
    if profile is None:
        raise ProfileNotFoundError(name, why, store.names)
    return Active(profile, why)


def target(store: Store, name: str | None) -> str:
    """Return the profile that a command is about: `name`, or without a name the active one.

    An unusable profile is a target too, since the command may repair it. Errors:
    ProfileNotFoundError, NoProfileError.
    """
    wanted = name
    if name is None and not os.environ.get("FALENV_PROFILE"):  # the prompt shows no other profile
        wanted = choice(store)[0] or None
    if wanted in store.unusable:
        return wanted
    found = resolve(store, name).profile
    if found is None:
        raise NoProfileError
    return found.name
