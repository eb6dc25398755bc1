"""What can go wrong, worded once.

Every message is one line: what is wrong, where, and how to fix it. No message contains a key.
`__main__` prints the message and returns the exit code.
"""

from __future__ import annotations

from falenv.masking import as_word, given, masked, shown

_MOST_NAMES = 8
_ISSUES = "https://github.com/falenv/falenv/issues"


class FalenvError(Exception):
    """The base of all errors that the user sees. `str()` is the message, one line."""

    exit_code = 1


class UsageError(FalenvError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class StoreError(FalenvError):
    """The store cannot be read, understood or written. It was not changed."""

    def __init__(self, path: str, what: str, cure: str, line: int | None = None) -> None:
        where = f"{path}, line {line}" if line else path
        super().__init__(f"{where}: {what}; {cure}")


class StoreNotWrittenError(StoreError):
    """The system refused to write the store, or `other`, a file or folder needed for that."""

    def __init__(self, path: str, error: OSError, other: str = "") -> None:
        what = f"could not write the store: {error.strerror}" + (f" ({other})" if other else "")
        super().__init__(path, what, "nothing was changed; fix this and try again")


class StartupFileError(StoreError):
    """A shell's start-up file cannot be read, understood or written. It was not changed."""


class ProgramWillVanishError(FalenvError):
    """The program is in a folder that will be cleaned, so no start-up file may rely on it.

    `kind` says what cleans it: `uv`, `pipx` or `temporary`.
    """

    def __init__(self, exe: str, kind: str) -> None:
        where, cure = {
            "uv": ("uv's cache", "uv tool install falenv"),
            "pipx": ("pipx's cache", "pipx install falenv"),
        }.get(kind, ("a temporary folder", "uv tool install falenv (or: pipx install falenv)"))
        super().__init__(
            f"{exe} is in {where}, where it will be deleted; install it first: {cure}; "
            "then: falenv profile install"
        )


class StoreBusyError(FalenvError):
    """Another process holds the store's lock."""

    def __init__(self, path: str, holder: str, seconds: float) -> None:
        super().__init__(
            f"{path}: {holder} has locked the store for more than {seconds:g} seconds; "
            "wait until that process ends, then try again"
        )


class ProfileNotFoundError(FalenvError):
    """No profile of the store has this name.

    `why` says where the name is from: `argument`, `pin`, `folder`, `default`, or `delete` for the
    argument of `fal profile delete`.
    """

    def __init__(self, name: str, why: str, known: list[str]) -> None:
        listed = ", ".join(map(masked, known[:_MOST_NAMES]))
        listed += ", …" if len(known) > _MOST_NAMES else ""
        there = f"profiles: {listed}" if known else "there are no profiles yet"
        missing = "but no such profile exists"
        what, cure = {
            "pin": (
                f"FAL_PROFILE names {shown(name)}, {missing}",
                "unset it, or use another profile: fal profile use NAME",
            ),
            "default": (
                f"the default is {shown(name)}, {missing}",
                "choose another: fal profile set NAME",
            ),
            "folder": (
                f"this folder's .fal-profile names {shown(name)}, {missing}",
                "choose another: fal profile link NAME",
            ),
            "delete": (
                f"profile {shown(name)} does not exist",
                "to see all profiles: fal profile list",
            ),
        }.get(
            why,
            (
                f"profile {shown(name)} does not exist",
                f"to create it as the default: fal profile create {as_word(name)}",
            ),
        )
        super().__init__(f"{what} ({there}); {cure}")


class FolderError(FalenvError):
    """A `.fal-profile` is not one that falenv follows, or could not be written."""

    def __init__(self, path: str, what: str, cure: str = "falenv ignores it") -> None:
        super().__init__(f"{path} {what}; {cure}")


class LinkChangedError(FalenvError):
    """The `.fal-profile` that decides here has changed since the user allowed it."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} has changed since you allowed it, so no profile is active here; "
            "to use it: fal profile allow (or: fal profile deny)"
        )


class NoProfileError(FalenvError):
    """A command needs the active profile, but there is none."""

    def __init__(self) -> None:
        super().__init__("no profile is active; choose one: fal profile set NAME")


class InvalidNameError(FalenvError):
    """A name that a new profile cannot have."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"{shown(name)} cannot be a profile's name: {what}; "
            "use letters, digits and any of . _ - @ + /"
        )


class InvalidKeyError(FalenvError):
    """A text is not a key. The message never repeats the text, which may be a mistyped key."""

    def __init__(self) -> None:
        # The seed's words.
        super().__init__("Invalid key. The key must be in the format key:value.")


class InvalidHostError(FalenvError):
    """A host that must not receive the key, or only with --force."""


class KeyNotCarriedError(FalenvError):
    """No environment variable can hold a value of the profile."""

    def __init__(self, variable: str, what: str) -> None:
        super().__init__(f"{variable} cannot hold a value with {what}; change it in the store")


class NoOfficialError(FalenvError):
    """The command belongs to the official CLI, which is not installed."""

    exit_code = 127

    def __init__(self, command: str) -> None:
        given_line = " ".join(map(given, command.split(" ")))
        super().__init__(
            f"{given_line!r} belongs to the official fal CLI, which was not found; "
            "install it: pip install fal"
        )


class CannotRunError(FalenvError):
    """A program could not be started. The exit codes are the shells' (POSIX, 2.8.2)."""

    def __init__(self, program: str, error: OSError) -> None:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        self.exit_code = 127 if absent else 126
        super().__init__(f"could not run {shown(program)}: {error.strerror}")


class InternalError(FalenvError):
    """A fault in falenv. Do not show the error's message or any value, which may be a key."""

    def __init__(self, error: BaseException) -> None:
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}" if trace else "?"
        super().__init__(f"internal error: {type(error).__name__} in {where}; report it: {_ISSUES}")


class SystemFailedError(FalenvError):
    """The system refused something else, such as writing the output."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"{error.filename or 'could not continue'}: {error.strerror}")
