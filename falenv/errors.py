"""What can go wrong, worded once.

Every message is one line: what is wrong, where, and how to fix it. No message contains a key.
`__main__` prints the message and returns the exit code.
"""

from __future__ import annotations

import errno
import os

from falenv.masking import as_path, as_word, given, masked, shown

_MOST_NAMES = 8
_ISSUES = "https://github.com/falenv/falenv/issues"


class FalenvError(Exception):
    """The base of all errors that the user sees. `str()` is the message, one line."""

    exit_code = 1


class UsageError(FalenvError):
    """The command line asks for something that does not exist."""

    exit_code = 2


class NotIntegratedError(UsageError):
    """falenv has no integration for the shell that runs it. `shell` is the shell's name."""

    def __init__(self, shell: str) -> None:
        super().__init__(
            f"falenv has no integration for {shell}; these commands work there too: "
            "fal profile exec NAME -- COMMAND, fal profile env NAME --format json"
        )


class CancelledError(FalenvError):
    """The user answered a question with no, Ctrl-C or the end of input."""

    def __init__(self) -> None:
        super().__init__("cancelled; nothing was changed")


class StoreError(FalenvError):
    """The store cannot be read, understood or written. It was not changed."""

    def __init__(self, path: str, what: str, cure: str, line: int | None = None) -> None:
        where = f"{path}, line {line}" if line else path
        super().__init__(f"{where}: {what}; {cure}")


class StoreNotWrittenError(StoreError):
    """The system refused to write the store, or `other`, a file or folder needed for that."""

    def __init__(self, path: str, error: OSError, other: str = "") -> None:
        self.strerror = error.strerror
        what = f"could not write the store: {error.strerror}" + (f" ({other})" if other else "")
        cure = as_owner(error, other or path)
        if not cure and other and error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            cure = "make that folder writable, or if only the store is mounted, mount its folder"
        cure = cure or "fix this and try again"
        super().__init__(path, what, f"nothing was changed; {cure}")


def as_owner(error: OSError, path: str) -> str:
    """Return how to fix an error on a path of another user's; an empty string for other errors.

    Never advise root to change the owner: that would lock the other user out. A file of root's in
    the user's own folder is from a `sudo`, so the user may take it back.
    """
    if error.errno not in {errno.EACCES, errno.EPERM}:
        return ""
    for place in filter(None, (error.filename, path, os.path.dirname(path))):
        try:
            owner, folder = (os.stat(one).st_uid for one in (place, os.path.dirname(place)))
        except OSError:
            continue
        if owner == 0 and folder == os.geteuid() != 0:
            return f"it belongs to root; take it back: sudo chown {folder} {as_path(place)}"
        if owner != os.geteuid():
            return f"it belongs to uid {owner}, so run this command as that user"
    return ""


class UnusableProfileError(StoreError):
    """A setting in one profile's table cannot be used. All other profiles can.

    `setting` is its name. `reason` is the message in short, for a table that names the profile.
    """

    def __init__(self, path: str, name: str, error: SettingError, line: int | None) -> None:
        self.setting = error.setting
        what = f"the {error.setting} of profile {shown(name)} {error.what}"
        super().__init__(path, what, error.cure, line)
        brief = error.what.partition(":")[0]
        self.reason = f"the {error.setting} {brief}" + (f", line {line}" if line else "")


class StoreChangedError(StoreError):
    """The store is not the one any more that the user has edited."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "the store has changed since", "nothing was changed")


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
    argument of a command that creates no profile. `new_name` is the name that the profile has now,
    if it was renamed.
    """

    def __init__(self, name: str, why: str, known: list[str], new_name: str = "") -> None:
        listed = ", ".join(map(masked, known[:_MOST_NAMES]))
        listed += ", …" if len(known) > _MOST_NAMES else ""
        there = f"profiles: {listed}" if known else "there are no profiles yet"
        missing = "but no such profile exists"
        what, cure = {
            "pin": (
                f"FAL_PROFILE names {shown(name)}, {missing}",
                "unset FAL_PROFILE, or set it to another profile",
            ),
            "default": (
                f"the default is {shown(name)}, {missing}",
                "choose another: fal profile set NAME",
            ),
            "folder": (
                f"this folder's .fal-profile names {shown(name)}, {missing}",
                "choose another: fal profile link NAME",
            ),
            "shell": (
                f"this shell uses profile {shown(name)}, {missing}",
                "choose another: fal profile use NAME",
            ),
            "delete": (
                f"profile {shown(name)} does not exist",
                "to see all profiles: fal profile list",
            ),
        }.get(
            why,
            (
                f"profile {shown(name)} does not exist",
                "to see all profiles: fal profile list"
                if name.startswith("__")  # the official CLI's own table cannot be created
                else f"to create it as the default: fal profile create {as_word(name)}",
            ),
        )
        if new_name:
            super().__init__(f"{what}: it is named {shown(new_name)} now; use that name")
        else:
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


class NoKeyError(FalenvError):
    """A command needs the key of a profile that has none."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"profile {shown(name)} has no key; to set one: fal profile key {as_word(name)}"
        )


class NotShownError(FalenvError):
    """A command without a name would change another profile than the one in the prompt.

    `role` says what the other one is. `words` are the command with NAME where its name goes.
    """

    def __init__(self, shown_name: str, name: str, role: str, words: str) -> None:
        line = words.replace("NAME", as_word(name))
        uses = shown(shown_name) if shown_name else "no profile"
        super().__init__(
            f"nothing was changed: this shell uses {uses}, but {shown(name)} is "
            f"{role}; to change that one: {line}"
        )


class NotDefaultError(FalenvError):
    """The profile to unset is not the default, perhaps because another process has set one."""

    def __init__(self, name: str, now: str) -> None:
        found = f"the default is {shown(now)}" if now else "there is no default"
        instead = f", not {shown(name)}" if name and now else ""
        super().__init__(f"nothing was changed: {found}{instead}")


class InvalidNameError(FalenvError):
    """A name that a new profile cannot have."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(
            f"{shown(name)} cannot be a profile's name: {what}; "
            "use letters, digits and any of . _ - @ + /"
        )


class KeyChangedError(FalenvError):
    """Someone has set another key while this process moved the old one elsewhere."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the key of profile {shown(name)} has just changed in the store; "
            "nothing was changed; try again"
        )


class KeySourceError(FalenvError):
    """The key of a profile did not come from its command or the keyring.

    `what` never has a part of what the command printed.
    """

    def __init__(self, name: str, what: str, cure: str) -> None:
        super().__init__(f"could not get the key of profile {shown(name)}: {what}; {cure}")


class ProtectedError(FalenvError):
    """A command acts on a protected profile, and no terminal is there to ask."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"profile {shown(name)} is protected, and there is no terminal to ask on; "
            "nothing was changed; to answer yes, add --yes"
        )


class NameTakenError(FalenvError):
    """A profile cannot get a name that another profile has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"profile {shown(name)} already exists; choose another name")


class ExistsError(FalenvError):
    """Profiles to import exist already, with other settings."""

    def __init__(self, names: list[str]) -> None:
        what = "profile" if len(names) == 1 else "profiles"
        verb = "exists" if len(names) == 1 else "exist"
        super().__init__(
            f"nothing was changed: {what} {', '.join(map(shown, names))} already {verb}; "
            "to replace the key and host there, add --replace"
        )


class SettingError(FalenvError):
    """A setting of a profile has a value that cannot be used. The store knows in which line.

    `what` is wrong with `setting`, `key` or `host`; the text never has a part of a key in it.
    """

    def __init__(self, setting: str, what: str, cure: str) -> None:
        super().__init__(f"the {setting} {what}; {cure}")
        self.setting = setting
        self.what = what
        self.cure = cure


class InvalidKeyError(FalenvError):
    """A text is not a key. The message never repeats the text, which may be a mistyped key.

    `reason` is a sentence. With `keeps_form` it follows the sentence on the form of a key,
    otherwise it replaces that.
    """

    def __init__(self, reason: str = "", *, keeps_form: bool = False) -> None:
        # The seed's words.
        form = "The key must be in the format key:value." if keeps_form or not reason else ""
        super().__init__(" ".join(filter(None, ("Invalid key.", form, reason))))


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
