"""From the active profile to the environment: an ordered map of variable to value.

`None` means "unset it". Never an empty string: to the JS client an empty FAL_KEY is a key.
"""

from __future__ import annotations

import os

from falenv import paths, timed
from falenv.active import NOBODY, has_none
from falenv.errors import KeyNotCarriedError
from falenv.masking import key_id, label
from falenv.profile import DEFAULT_HOST, hosts
from falenv.segment import LOCKED, MARKS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.active import Active
    from falenv.index import Indexed
    from falenv.profile import Profile
    from falenv.store import Store

    Environment = dict[str, str | None]

HOSTS = ("FAL_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST")
#: Each makes a fal client use another credential or another server than the profile's. Source: fal
#: 1.83 (fal/auth, fal/flags.py, isolate) and fal_client 1.0.
RIVALS = (
    "FAL_KEY_ID",
    "FAL_KEY_SECRET",
    "FAL_FORCE_AUTH_BY_USER",
    "FAL_GRPC_HOST",
    "FAL_REST_HOST",
    "FAL_WS_RUN_HOST",
    "ISOLATE_AUTH_DISABLED",
    "ISOLATE_TEST_MODE",
)
#: What falenv says about the environment that it made.
ABOUT = ("FALENV_PROFILE", "FALENV_KEY_ID", "FALENV_MARK")
#: The variables that falenv sets and unsets. An integrated shell keeps the user's values of them.
VARIABLES = ("FAL_KEY", *HOSTS, *RIVALS, *ABOUT)
#: What `use --none` sets besides. The user's FAL_HOME_DIR holds a login token.
NONE_VARIABLES = ("FAL_PROFILE", "FAL_HOME_DIR", "FALENV_NONE")

_LONGEST = 64 * 1024  # bytes; Linux starts no program with a value of 128 KiB (execve(2))

#: What ends `use --for` in an environment.
UNTIMED: Environment = {timed.UNTIL: None, timed.AFTER: None}
#: The environment in which a profile is wanted, but cannot be used.
NOTHING: Environment = dict.fromkeys(VARIABLES)


def environment(active: Active, store: Store | Indexed, *, in_shell: bool = False) -> Environment:
    """Return the environment of the active profile; without one it is empty.

    It is for a program, or with `in_shell` for a shell, which does not get every key.

    Key and host go together. The official CLI takes the host of the *default* from the store,
    whatever FAL_KEY is. So if the default has a host and the profile has none, the hosts are
    fal's own. A profile named by argument becomes the pin. Errors: InvalidHostError for a host
    that would stop the official CLI. KeyNotCarriedError for a value that no environment can hold:
    one with a NUL, or too long to start a program with.
    """
    profile = active.profile
    if profile is None:
        return {}
    key = profile.shell_key if in_shell else profile.key
    found: Environment = NOTHING | {"FAL_KEY": key or None}
    if profile.host:
        found |= zip(HOSTS, profile.hosts, strict=True)
    elif store.default_has_host:
        found |= zip(HOSTS, hosts(DEFAULT_HOST), strict=True)
    found["FALENV_PROFILE"] = label(profile.name)
    found["FALENV_KEY_ID"] = key_id(key) or None
    found["FALENV_MARK"] = MARKS.get(active.why, "") + (suffix(active) if in_shell else "") or None
    if active.why == "argument":
        found["FAL_PROFILE"] = profile.name
    for variable, value in found.items():
        if value and "\0" in value:
            raise KeyNotCarriedError(variable, "a NUL character")
        if value and len(os.fsencode(value)) > _LONGEST:
            raise KeyNotCarriedError(variable, f"more than {_LONGEST} bytes")
    return found


def suffix(active: Active) -> str:
    """Return what a shell's segment says behind the mark: until when, and why without a key."""
    if active.profile is None:
        return ""
    return (timed.words() if active.why == "pin" else "") + active.profile.suffix


def adopt(profile: Profile) -> None:
    """Take the FAL_KEY of this process's environment as the key of a profile that has a source.

    The id in the store says whose the key is. Without an id there, FALENV_KEY_ID has to say so.
    """
    given = os.environ.get("FAL_KEY", "")
    own = key_id(given)
    is_falenvs = owns_key() and os.environ.get("FALENV_PROFILE") == label(profile.name)
    if profile.suffix == LOCKED and own not in {"", "-"}:
        is_its_key = own == profile.known_id if profile.known_id else is_falenvs
        profile.key = given if is_its_key else None


def without_credentials() -> Environment:
    """Return the environment of `use --none`: no key, no rival, and no login token."""
    return NOTHING | {
        "FAL_PROFILE": NOBODY,
        "FAL_HOME_DIR": paths.empty_home(),
        "FALENV_NONE": "1",
    }


def with_credentials_again() -> Environment:
    """Return what ends `use --none` and `use --for` in this process's environment."""
    return UNTIMED | dict.fromkeys(NONE_VARIABLES if has_none() else ())


def given_back() -> Environment:
    """Return what removes falenv's own variables from this process's environment.

    A FAL_KEY with another id than FALENV_KEY_ID belongs to the user, and so do the rivals.
    """
    if not is_ours():
        return {}
    changes: Environment = dict.fromkeys([*HOSTS, *ABOUT])
    if owns_key():
        changes["FAL_KEY"] = None
    return changes


def is_ours() -> bool:
    """Return True if falenv made this process's environment for a profile."""
    return bool(os.environ.get("FALENV_PROFILE"))


def owns_key() -> bool:
    """Return True if falenv set this process's FAL_KEY, as far as its id tells."""
    return key_id(os.environ.get("FAL_KEY")) == os.environ.get("FALENV_KEY_ID", "")


def rivals() -> list[str]:
    """Return the rivals that are set in this process's environment."""
    return [name for name in RIVALS if name in os.environ]


def apply(changes: Environment) -> dict[str, str]:
    """Return this process's environment after `changes`, to start a program with."""
    result = dict(os.environ)
    for variable, value in changes.items():
        if value is None:
            result.pop(variable, None)
        else:
            result[variable] = value
    return result
