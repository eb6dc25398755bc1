"""Variables as text for other programs: JSON, .env files, docker, GitHub Actions, systemd.

Each format takes only values that its reader reads back unchanged, and refuses all others.
"""

from __future__ import annotations

import os

from falenv.errors import FalenvError, UsageError
from falenv.masking import as_json, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    Variables = dict[str, str]

#: The formats of `env --format` and `export --format`.
FORMATS = ("docker", "dotenv", "github", "json", "systemd")
#: bufio.MaxScanTokenSize, which limits a line that docker reads (docker/cli, opts/file.go).
_DOCKER_LINE = 64 * 1024
#: What a backslash precedes in double quotes (systemd's SHELL_NEED_ESCAPE, src/basic/escape.h).
_SYSTEMD_ESCAPES = str.maketrans({char: f"\\{char}" for char in '"\\`$'})


def check_format(form: str) -> None:
    """Raise UsageError if there is no such format."""
    if form not in FORMATS:
        known = ", ".join(FORMATS)
        raise UsageError(f"the format {shown(form)} is not supported; supported formats: {known}")


def render(form: str, variables: Variables) -> str:
    """Return variables as text in a format; raise FalenvError for a value that it cannot hold."""
    if form == "json":
        _check(form, variables, "\0")
        return as_json(variables) + "\n"
    line = {"dotenv": _dotenv, "docker": _docker, "systemd": _systemd}[form]
    # Some readers end a line also at a carriage return, or drop it.
    _check(form, variables, "\0\n\r")
    return "".join(f"{line(name, value)}\n" for name, value in variables.items())


def _check(form: str, variables: Variables, unfit: str) -> None:
    for name, value in variables.items():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _refused(form, name, "a byte that is not UTF-8") from None
        if any(char in value for char in unfit):
            raise _refused(form, name, "a line break" if "\0" not in value else "a NUL character")


def _refused(form: str, name: str, what: str) -> FalenvError:
    return FalenvError(f"the format {form} cannot hold the value of {name}, which has {what}")


def _dotenv(name: str, value: str) -> str:
    """Return a line of an `.env` file that all loaders read alike.

    python-dotenv takes escapes in single quotes for characters, and expands `${…}` in any value.
    The loaders for Node.js know no escape there, and some expand `$NAME`.
    """
    rest = value.partition("$")[2]
    while rest:
        if rest[0] in "{(" or rest[0] == "_" or rest[0].isalnum():
            raise _refused("dotenv", name, "a $ that some loaders expand")
        rest = rest.partition("$")[2]
    if "\\\\" in value or value.endswith("\\"):
        raise _refused("dotenv", name, "a backslash that loaders read differently")
    if "'" not in value:
        return f"{name}='{value}'"
    if '"' in value or "\\" in value or "`" in value or "$" in value:
        raise _refused("dotenv", name, "quotes that loaders read differently")
    return f'{name}="{value}"'


def _docker(name: str, value: str) -> str:
    """Return a line for `docker run --env-file`, which takes all behind the `=` as it is."""
    line = f"{name}={value}"
    if len(line.encode()) >= _DOCKER_LINE:
        raise _refused("docker", name, f"more than {_DOCKER_LINE} bytes")
    return line


def _systemd(name: str, value: str) -> str:
    """Return a line for `EnvironmentFile=` (systemd.exec(5))."""
    return f'{name}="{value.translate(_SYSTEMD_ESCAPES)}"'


# --- GitHub Actions ------------------------------------------------------------------------------


def to_github(variables: Variables, emit: Callable[[str], None]) -> None:
    """Set variables for the later steps of a job of GitHub Actions, and hide FAL_KEY in its log.

    Print the command that hides the key, and only then append to the file that GITHUB_ENV names.
    Errors: FalenvError for a value that the format cannot hold, UsageError outside of a job.
    """
    path = os.environ.get("GITHUB_ENV", "")
    if not path:
        raise UsageError(
            "GITHUB_ENV is not set; the format github is for a step of a GitHub Actions job"
        )
    text = github(variables)
    try:
        if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(1)):
            raise UsageError(
                "falenv appends to the file that GITHUB_ENV names; do not redirect its output there"
            )
        emit(masks(variables["FAL_KEY"]))
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(descriptor, "wb") as file:
            file.write(text.encode())
    except OSError as error:
        raise FalenvError(f"{path}: could not be written: {error.strerror}") from None


def masks(secret: str) -> str:
    """Return the commands that hide a key, and its secret half alone, in the log of a job.

    A command ends at the line break, and `%` begins an escape (actions/toolkit, command.ts).
    """
    parts = dict.fromkeys([secret, secret.rpartition(":")[2]])
    return "".join(f"::add-mask::{part.replace('%', '%25')}\n" for part in parts if part)


def github(variables: Variables) -> str:
    """Return variables in the form of the file GITHUB_ENV, with a random delimiter for each.

    Source: actions/toolkit, file-command.ts.
    """
    _check("github", variables, "\0\n\r")
    lines = []
    for name, value in variables.items():
        end = f"ghadelimiter_{os.urandom(16).hex()}"
        lines.append(f"{name}<<{end}\n{value}\n{end}\n")
    return "".join(lines)
