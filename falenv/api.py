"""For notebooks and scripts: `falenv.use("comfy")`, `falenv.key("comfy")`, `falenv.profiles()`.

A kernel does not see the shell, so a switch there changes nothing here, and the other way round.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from falenv import paths, store
from falenv.active import resolve
from falenv.environment import apply, environment, with_credentials_again
from falenv.errors import FalenvError, NoKeyError, NoProfileError
from falenv.masking import masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.active import Active
    from falenv.store import Store

__all__ = ["FalenvError", "ProfileInfo", "key", "profiles", "use"]


class ProfileInfo(NamedTuple):
    """What may be shown of a profile."""

    name: str
    #: The part of the key before the colon; empty without a key, or if it is not known yet.
    key_id: str
    #: The host, or None for fal's own.
    host: str | None
    is_default: bool


def use(name: str | None = None) -> str:
    """Use a profile in this process and in the programs that it starts; return its name.

    Set FAL_KEY, FAL_PROFILE and the hosts in `os.environ`, and remove what would choose another
    account. A client that was created before may keep its key. Without a name, use the profile that
    is active in the current folder. A key from a command or the keyring is fetched. Errors:
    FalenvError; then nothing is changed.
    """
    found, active = _resolved(name)
    variables = apply(with_credentials_again() | environment(active, found))
    for variable in set(os.environ) - set(variables):
        del os.environ[variable]
    os.environ.update(variables)
    return active.name


def key(name: str | None = None) -> str:
    """Return the key of a profile, by default of the active one. Errors: FalenvError."""
    return _resolved(name)[1].key or ""


def profiles() -> list[ProfileInfo]:
    """Return all profiles that can be used, in the order of the store. Errors: FalenvError."""
    found = store.read(paths.store())
    return [
        ProfileInfo(masked(one.name), one.id, one.host, one.name == found.default)
        for one in found.profiles.values()
    ]


def _resolved(name: str | None) -> tuple[Store, Active]:
    found = store.read(paths.store())
    active = resolve(found, name)
    if active.profile is None:
        raise NoProfileError
    if active.profile.has_source:
        from falenv import sources

        found = sources.unlock(found, active.profile)
    if not active.key:
        raise NoKeyError(active.name)
    return found, active
