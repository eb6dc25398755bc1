"""From the active profile to the environment: an ordered map of variable to value.

`None` means "unset it". Never an empty string: to the JS client an empty FAL_KEY is a key.
"""

from __future__ import annotations

import os

from falenv.errors import KeyNotCarriedError
from falenv.masking import masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.active import Active

    Environment = dict[str, str | None]

HOSTS = ("FAL_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST")
#: What we set and unset; an integrated shell keeps what the user had in them before.
VARIABLES = ("FAL_KEY", *HOSTS, "FALENV_PROFILE")

_LONGEST = 64 * 1024  # bytes; with 128 KiB Linux starts no program any more (execve(2))

#: Where no profile is active, or an unknown one was asked for.
NOTHING: Environment = dict.fromkeys(VARIABLES)


def environment(active: Active) -> Environment:
    """Return the environment of the active profile.

    A key and a host always go together: the hosts are unset where the profile has none, so that
    no key is sent to another profile's host. A profile named by argument becomes the pin.
    Errors: InvalidHostError for a host that would stop the official CLI, KeyNotCarriedError for
    what no environment can hold: a NUL, or so much that no program could be started with it.
    """
    profile = active.profile
    if profile is None:
        return NOTHING
    found: Environment = {"FAL_KEY": profile.key or None}
    found |= dict.fromkeys(HOSTS)
    if profile.host:
        found |= zip(HOSTS, profile.hosts, strict=True)
    found["FALENV_PROFILE"] = masked(profile.name)  # for prompts
    if active.why == "argument":
        found["FAL_PROFILE"] = profile.name
    for variable, value in found.items():
        if value and "\0" in value:
            raise KeyNotCarriedError(variable, "a NUL")
        if value and len(os.fsencode(value)) > _LONGEST:
            raise KeyNotCarriedError(variable, f"more than {_LONGEST} bytes")
    return found


def apply(changes: Environment) -> dict[str, str]:
    """Return this process's environment with `changes` made, for a program to be started."""
    result = dict(os.environ)
    for variable, value in changes.items():
        if value is None:
            result.pop(variable, None)
        else:
            result[variable] = value
    return result
