"""From the active profile to the environment: an ordered map of variable to value.

`None` means "unset it". Never an empty string: to the JS client an empty FAL_KEY is a key.
"""

from __future__ import annotations

import os

from falenv.errors import KeyNotCarriedError
from falenv.masking import masked, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.active import Active

    Environment = dict[str, str | None]

HOSTS = ("FAL_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST")
#: The variables that falenv sets and unsets. An integrated shell keeps the user's values of them.
VARIABLES = ("FAL_KEY", *HOSTS, "FALENV_PROFILE")

_LONGEST = 64 * 1024  # bytes; Linux starts no program with a value of 128 KiB (execve(2))

#: The environment without an active profile, or with an unknown one.
NOTHING: Environment = dict.fromkeys(VARIABLES)


def environment(active: Active) -> Environment:
    """Return the environment of the active profile.

    Key and host go together. If the profile has no host, the hosts are unset, so that no key goes
    to another profile's host. A profile named by argument becomes the pin. Errors:
    InvalidHostError for a host that would stop the official CLI. KeyNotCarriedError for a value
    that no environment can hold: one with a NUL, or too long to start a program with.
    """
    profile = active.profile
    if profile is None:
        return NOTHING
    found: Environment = {"FAL_KEY": profile.key or None}
    found |= dict.fromkeys(HOSTS)
    if profile.host:
        found |= zip(HOSTS, profile.hosts, strict=True)
    found["FALENV_PROFILE"] = printable(masked(profile.name))  # for prompts
    if active.why == "argument":
        found["FAL_PROFILE"] = profile.name
    for variable, value in found.items():
        if value and "\0" in value:
            raise KeyNotCarriedError(variable, "a NUL character")
        if value and len(os.fsencode(value)) > _LONGEST:
            raise KeyNotCarriedError(variable, f"more than {_LONGEST} bytes")
    return found


def apply(changes: Environment) -> dict[str, str]:
    """Return this process's environment after `changes`, to start a program with."""
    result = dict(os.environ)
    for variable, value in changes.items():
        if value is None:
            result.pop(variable, None)
        else:
            result[variable] = value
    return result
