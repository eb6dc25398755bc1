"""What can go wrong, worded once.

Every message is one line that says what is wrong, where, and the cure. None contains a key.
`__main__` prints them and turns them into the exit code.
"""

from __future__ import annotations

from falenv.masking import masked, shown

_MOST_NAMES = 8


class FalenvError(Exception):
    """The base of all errors that are shown to the user. `str()` is the message, one line."""

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
        what = f"could not be written: {error.strerror}" + (f" ({other})" if other else "")
        super().__init__(path, what, "it was left as it was; try again after mending that")


class StartupFileError(StoreError):
    """A shell's start-up file cannot be read, understood or written. It was not changed."""


class StoreBusyError(FalenvError):
    """Another process holds the store's lock."""

    def __init__(self, path: str, holder: str, seconds: float) -> None:
        super().__init__(
            f"{path} is being changed by {holder}, and still was after {seconds:g} seconds; "
            "try again when that has ended"
        )


class ProfileNotFoundError(FalenvError):
    """A name from an argument, the pin, a folder or the default is not a profile of the store."""

    def __init__(self, name: str, why: str, known: list[str]) -> None:
        listed = ", ".join(map(masked, known[:_MOST_NAMES]))
        listed += ", …" if len(known) > _MOST_NAMES else ""
        there = f"there are: {listed}" if known else "there are none yet"
        what, cure = {
            "pin": (
                f"FAL_PROFILE names {shown(name)}, which is no profile",
                "unset it, or use another: fal profile use NAME",
            ),
            "default": (
                f"the default is {shown(name)}, which is no profile",
                "choose another: fal profile set NAME",
            ),
            "folder": (
                f"this folder's .fal-profile names {shown(name)}, which is no profile",
                "link another: fal profile link NAME",
            ),
        }.get(why, (f"there is no profile {shown(name)}", "create it: fal profile create NAME"))
        super().__init__(f"{what} ({there}); {cure}")


class FolderError(FalenvError):
    """A `.fal-profile` is not followed, or could not be written."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path} {what}; it is not followed")


class LinkChangedError(FalenvError):
    """The `.fal-profile` that decides here is not as the user has allowed it."""

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} has changed since you allowed it, so no profile is active here; "
            "to use it: fal profile allow (or: fal profile deny)"
        )


class NoProfileError(FalenvError):
    """A command needs the active profile, but there is none."""

    def __init__(self) -> None:
        super().__init__("no profile is set; use: fal profile set NAME")


class InvalidNameError(FalenvError):
    """A name that a new profile cannot have."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"{shown(name)} cannot be a profile's name: {what}; "
            "take letters, digits and any of . _ - @ + /"
        )


class InvalidKeyError(FalenvError):
    """A text is not a key. The message never repeats it, since it may be a mistyped secret."""

    def __init__(self) -> None:
        # The seed's words.
        super().__init__("Invalid key. The key must be in the format key:value.")


class InvalidHostError(FalenvError):
    """A host that must not receive a key, or only with --force."""


class KeyNotCarriedError(FalenvError):
    """A value does not fit into an environment variable, or not into one of this shell."""

    def __init__(self, variable: str, what: str) -> None:
        super().__init__(f"the value for {variable} contains {what}, which this shell cannot carry")


class NoOfficialError(FalenvError):
    """The command belongs to the official CLI, which is not installed."""

    exit_code = 127

    def __init__(self, command: str) -> None:
        super().__init__(
            f"{command!r} is a command of the official fal CLI, which was not found; "
            "install it: pip install fal"
        )


class CannotRunError(FalenvError):
    """A program could not be started. The exit codes are the shells' (POSIX, 2.8.2)."""

    def __init__(self, program: str, error: OSError) -> None:
        absent = isinstance(error, (FileNotFoundError, NotADirectoryError))
        self.exit_code = 127 if absent else 126
        super().__init__(f"could not run {program!r}: {error.strerror}")


class InternalError(FalenvError):
    """A fault in falenv. Its values and its message are not shown, since one may be a key."""

    def __init__(self, error: BaseException) -> None:
        trace = error.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_filename}, line {trace.tb_lineno}" if trace else "?"
        super().__init__(f"this is a fault in falenv: {type(error).__name__} in {where}")


class SystemFailedError(FalenvError):
    """The system refused something that has no error of its own, such as writing the output."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"{error.filename or 'could not go on'}: {error.strerror}")
