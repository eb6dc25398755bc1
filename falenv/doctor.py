"""Find what is wrong or surprising here: one list of findings, each with its fix.

Nothing here changes anything, except `repair`, and nothing uses the network. What the checks of
start-up files need to know they ask a new shell (newshell.py).
"""

from __future__ import annotations

import functools
import os
import re
import stat
import sys

from falenv import (
    __version__,
    detect,
    dialects,
    envfiles,
    files,
    links,
    newshell,
    notices,
    official,
    origins,
    paths,
    program,
    rcfiles,
    store,
    verify,
)
from falenv.active import choice, pin, resolve
from falenv.active import shown as shown_profile
from falenv.environment import HOSTS, adopt, is_ours, owns_key, rivals
from falenv.errors import FalenvError, StartupFileError, UsageError
from falenv.masking import as_path, as_word, key_id, printable, shown
from falenv.profile import INTERNAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from falenv.active import Active
    from falenv.newshell import NewShell
    from falenv.store import Store

    Check = Callable[["Here"], Iterator["Finding"]]
    Repair = Callable[[], None]

OK, NOTE, WARNING, ERROR = LEVELS = ("ok", "note", "warning", "error")

#: Hooks of tools that change variables before a prompt. falenv's has to look after them.
_BEFORE = ("_direnv_hook", "_mise_hook")
_AFTER = "__falenv_after"  # a word in front of the last command; see __falenv_hook_after
_OUR_HOOKS = ("__falenv_run", _AFTER, "__falenv_hook")
#: A line that loads falenv without `install`.
_EVAL = re.compile(rb"^(?![ \t]*#).*\b(?:fal|falenv)['\"]? profiles? env\b", re.MULTILINE)
_BLOCK = re.compile(rb"^# >>> falenv\b", re.MULTILINE)
#: A command that ends a start-up file, or replaces the shell.
_ENDS = re.compile(
    rb"^(?![ \t]*#)(?:.*[;&|{(]|.*\b(?:then|else|do|and|or))?[ \t]*(exec|return|exit)\b",
    re.MULTILINE,
)


class Finding:
    """One finding: its level, the check that found it, one line of text, and the fix.

    `fix` is a command for the user's shell, or what to do; it is empty if there is nothing to do.
    With `repair`, `doctor --fix` can do it: change a mode, or falenv's own block.
    """

    __slots__ = ("check", "fix", "level", "repair", "text")

    def __init__(
        self, level: str, check: str, text: str, fix: str = "", repair: Repair | None = None
    ) -> None:
        self.level = level
        self.check = check
        self.text = text
        self.fix = fix
        self.repair = repair


class Here:
    """What the checks look at: the store, the profile that is active, and the calling shell.

    `found` is None if the store cannot be read. `failure` says why, or why no profile can be used.
    `is_integrated` says that the calling shell has loaded falenv, and `shell` is its name, or
    empty. `new_shells` are the new shells that load falenv. `rc_files` has the start-up files of
    each target, for which zsh has to be asked.
    """

    __slots__ = (
        "active",
        "failure",
        "found",
        "is_integrated",
        "new_shells",
        "rc_files",
        "shell",
        "why",
    )

    def __init__(self, *, is_integrated: bool) -> None:
        self.is_integrated = is_integrated
        self.found: Store | None = None
        self.active: Active | None = None
        self.failure: FalenvError | None = None
        self.why = ""
        self.new_shells: list[NewShell] = []
        self.rc_files = {target: paths.rc_files(target) for target in rcfiles.TARGETS}
        try:
            self.shell = detect.shell()
        except UsageError:
            self.shell = ""
        try:
            self.found = store.read(paths.store())
            self.why = choice(self.found)[1]
            self.active = resolve(self.found)
            if self.active.profile:
                adopt(self.active.profile)
        except FalenvError as error:
            self.failure = error

    def unset(self, *names: str) -> str:
        """Return the command that unsets variables in the calling shell."""
        dialect = dialects.find(self.shell or "sh")
        if dialect.name == "fish":
            return f"set -e {' '.join(names)}"
        return f"unset {' '.join(names)}"

    @property
    def unpin(self) -> str:
        """The command that takes the pin off the calling shell."""
        return "fal profile use --default" if self.is_integrated else self.unset("FAL_PROFILE")

    @property
    def again(self) -> str:
        """The command that gives the calling shell the active profile's environment."""
        if not self.is_integrated:
            lines = {"fish": "fal profile env | source", "nu": notices.INSTALL_NU}
            return lines.get(self.shell, notices.EVAL)
        return f"fal profile use {as_word(pin())}" if pin() else "fal profile use --default"


def look(*, is_integrated: bool, asks_fal: bool = False) -> list[Finding]:
    """Return the findings of all checks. None changes anything; one asks fal, if `asks_fal`."""
    here = Here(is_integrated=is_integrated)
    found = []
    for check in (*_CHECKS, *([_account] if asks_fal else [])):
        try:
            found += list(check(here))
        except FalenvError as error:
            found.append(_of_error(ERROR, check.__name__.strip("_"), error))
        except OSError as error:
            what = f"could not look at {error.filename or 'a file'}: {error.strerror}"
            found.append(Finding(WARNING, check.__name__.strip("_"), what))
    return found


def repair(findings: list[Finding]) -> list[str]:
    """Make the repairs that change only modes and falenv's own block; return what was repaired.

    Errors: OSError and FalenvError; what came before them is done.
    """
    done = []
    for finding in findings:
        if finding.repair:
            finding.repair()
            done.append(finding.text)
    return done


def _of_error(level: str, check: str, error: FalenvError) -> Finding:
    """Return an error as a finding. Behind the first semicolon it says how to fix it."""
    text, _, fix = str(error).partition("; ")
    return Finding(level, check, text, fix)


# --- The program ---------------------------------------------------------------------------------


def _versions(_: Here) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    command = official.find()
    theirs = "no official CLI"
    if command:
        theirs = f"official CLI {official.version(command) or 'of unknown version'}"
    yield Finding(OK, "versions", f"falenv {__version__}, Python {python}, {theirs}")
    if command is None:
        what = "the official CLI was not found, so only `fal profile` works"
        yield Finding(NOTE, "official", what, _how_to_install("fal"))


def _how_to_install(package: str, *, again: bool = False) -> str:
    """Return the command that installs a package in the way in which falenv is installed."""
    prefix = os.path.realpath(sys.prefix)
    for tool, part in (("uv", "/uv/tools/"), ("pipx", "/pipx/")):
        if part in f"{prefix}/":
            verb = {"uv": "tool install --force", "pipx": "reinstall" if again else "install"}
            return f"{tool} {verb[tool]} {package}"
    python = as_path(sys.executable)
    options = "--force-reinstall --no-deps " if again else ""
    return f"{python} -m pip install {options}{package}"


def _scripts(here: Here) -> Iterator[Finding]:
    """Say who owns the command `fal`, and whether `falenv` can be typed."""
    script = next(paths.which("fal"), "")
    if not script:
        what = (
            "no `fal` is on PATH; the packages fal and falenv both have that script, and "
            "uninstalling one of them removes it"
        )
        package = "fal" if official.find() else "falenv"
        yield Finding(WARNING, "fal", what, _how_to_install(package, again=True))
    elif program.is_ours(script):
        what = f"`fal` is falenv's ({script}); it runs the official CLI for all but `profile`"
        yield Finding(OK, "fal", what)
    elif b"fal.cli" in program.beginning(script):
        what = f"`fal` is the official CLI's ({script})"
        if here.is_integrated:
            yield Finding(OK, "fal", f"{what}; in this shell, `fal profile` is falenv's")
        else:
            what += "; without falenv in this shell, `fal profile` is the official CLI's too"
            yield Finding(NOTE, "fal", what, here.again)
    else:
        what = f"`fal` is neither falenv's nor the official CLI's: {script}"
        yield Finding(NOTE, "fal", what, "type falenv in place of fal")
    ours = paths.program()
    on_path = next(paths.which("falenv"), "")
    if not on_path:
        can_link = bool(program.link_wanted())
        fix = "fal profile install --yes" if can_link else f"add {os.path.dirname(ours)} to PATH"
        yield Finding(NOTE, "falenv", "`falenv` is not on PATH", fix)
    elif os.path.realpath(on_path) != os.path.realpath(ours):
        what = f"two falenv are installed: {on_path} is the one on PATH, and this is {ours}"
        yield Finding(NOTE, "falenv", what, "uninstall one of them")


# --- This shell ----------------------------------------------------------------------------------


def _this_shell(here: Here) -> Iterator[Finding]:
    if here.is_integrated:
        yield Finding(OK, "shell", f"this {here.shell or 'shell'} has loaded falenv")
    elif here.shell:
        what = f"this {here.shell} has not loaded falenv, so its FAL_KEY does not follow"
        yield Finding(NOTE, "shell", what, here.again)


def _choice(here: Here) -> Iterator[Finding]:
    """Say if no profile can be used, or none is wanted."""
    found = here.found
    if found is None:
        return
    name = choice(found)[0]
    if here.failure is not None and name not in found.unusable:  # _profiles tells of those
        finding = _of_error(ERROR, "active", here.failure)
        folder = as_path(os.path.dirname(links.chain()[-1].path)) if here.why == "folder" else ""
        finding.fix = {
            "pin": here.unpin,
            "default": f"fal profile unset {as_word(name)}",
            "folder": f"cd {folder} && fal profile unlink",
            "changed": "fal profile allow",
        }.get(here.why, finding.fix)
        yield finding
    elif here.active is not None and here.active.profile is None:
        hint = notices.first_contact(found)
        if here.why == "none" and not hint:
            yield Finding(NOTE, "active", "no profile is active", "fal profile set NAME")
        elif hint:
            yield Finding(NOTE, "active", "there are no profiles yet", "fal profile set NAME")
    elif here.active is not None and here.active.profile and not here.active.profile.source:
        what = f"the active profile {shown(name)} has no key"
        yield Finding(WARNING, "active", what, f"fal profile key {as_word(name)}")
    for link in links.chain():
        if link.verdict in {"unknown", "unfit"}:
            what = link.problem or f"{link.path} is ignored, because you have not allowed it"
            yield Finding(NOTE, "folder", what, "fal profile allow" if not link.problem else "")


def _key(here: Here) -> Iterator[Finding]:
    """Say if programs in this shell would use another key than the active profile's."""
    given = os.environ.get("FAL_KEY")
    active, found = here.active, here.found
    if found is None or active is None or active.profile is None or active.why == "nobody":
        return
    profile, whose = active.profile, f"the key of profile {shown(active.name)}"
    login = "" if given or profile.shell_key else notices.of_login(profile)
    if login:
        text, _, fix = login.partition("; ")
        yield Finding(WARNING, "login", text, fix)
    if given == profile.shell_key:
        if given:
            yield Finding(OK, "key", f"FAL_KEY is {whose}")
        elif profile.is_exec_only:
            yield Finding(OK, "key", f"{whose} stays out of shells: only exec and fal get it")
        elif profile.has_source:
            what = f"{whose} comes from {profile.source_words}, and this shell has not fetched it"
            yield Finding(NOTE, "key", what, f"fal profile use {as_word(active.name)}")
        return
    if given is None:
        if here.is_integrated:
            what = f"this shell has no FAL_KEY, though profile {shown(active.name)} is active"
            yield Finding(WARNING, "key", what, here.again)
        return
    name = found.names_by_id.get(key_id(given), "")
    if is_ours() and owns_key():
        whose = f"is the key of {shown(shown_profile())} from before a change"
        what = f"FAL_KEY in this shell is stale: it {whose}; {shown(active.name)} is active now"
        yield Finding(WARNING, "stale", what, here.again)
        return
    whose = f"the key of profile {shown(name)}" if name else "a key that no profile has"
    place = origins.of_value("FAL_KEY", key_id(given))
    by = f", set by {place}" if place else ""
    what = (
        f"FAL_KEY in this shell is {whose} (id {key_id(given)}){by}; {shown(active.name)} is active"
    )
    file = detect.set_by_direnv("FAL_KEY", unchanged=True)
    yield Finding(WARNING, "key", what, f"edit {file}" if file else here.again)


def _variables(here: Here) -> Iterator[Finding]:
    """Tell of variables that choose another account or server than the profile's."""
    if rivals() and not (here.active and here.active.why == "nobody"):
        what = f"these variables choose another account or server: {', '.join(rivals())}"
        yield Finding(WARNING, "rivals", what, here.unset(*rivals()))
    host = os.environ.get("FAL_HOST")
    if host and not host.startswith("api") and "FAL_GRPC_HOST" not in os.environ:
        what = f"FAL_HOST is {shown(host)}, with which every command of the official CLI crashes"
        yield Finding(ERROR, "host", what, here.unset(*HOSTS))
    for path, owner in envfiles.other_keys(links.here(), key_id(os.environ.get("FAL_KEY"))):
        names = here.found.names_by_id if here.found else {}
        whose = f"of profile {shown(names[owner])}" if owner in names else "of no profile"
        what = f"{path} has a FAL_KEY (id {owner} {whose}) for the programs that load it"
        fix = f"fal profile link {as_word(names[owner])}" if owner in names else ""
        yield Finding(NOTE, "dotenv", what, fix)


# --- The store -----------------------------------------------------------------------------------


def _store(here: Here) -> Iterator[Finding]:
    found = here.found
    if found is None:
        if here.failure is not None:
            yield _of_error(ERROR, "store", here.failure)
        return
    if found.default_error:
        yield _of_error(ERROR, "store", found.default_error)
    if found.mtime_ns is None:
        yield Finding(OK, "store", f"{found.path} does not exist yet")
    elif not found.is_open_to_others:
        count = f"{len(found.names)} profile{'s' * (len(found.names) != 1)}"
        yield Finding(OK, "store", f"{found.path} is private and has {count}")
    name = found.default
    if name and name not in found.names and here.why != "default":
        what = f"the default is {shown(name)}, but no such profile exists"
        yield Finding(ERROR, "default", what, f"fal profile unset {as_word(name)}")
    internal = found.data.get(INTERNAL)
    team = internal.get("team") if isinstance(internal, dict) else None
    key = os.environ.get("FAL_KEY") or (here.active and here.active.key)
    if team and key:
        line = found.line_of(INTERNAL, "team")
        where = f"{found.path}, line {line}" if line else found.path
        what = (
            f"{where} sets a team, about which the official CLI asks fal before each command that "
            "has a key; offline, or with a revoked key, all of them fail"
        )
        yield Finding(WARNING, "team", what, "delete that line; a key has its own team")


def _profiles(here: Here) -> Iterator[Finding]:
    """Tell of profiles that cannot be used, keys that are not clean, and keys that are shared."""
    found = here.found
    if found is None:
        return
    wanted = {choice(found)[0], found.default}
    for name, error in found.unusable.items():
        finding = _of_error(ERROR if name in wanted else WARNING, "profile", error)
        word = as_word(name)
        finding.fix = {
            "host": f"fal profile host --unset --profile {word}",
            "protected": f"fal profile protect {word} --off",
            "env": f"fal profile protect {word} --exec-only --off",
        }.get(error.setting, f"fal profile key {word}")
        yield finding
    owners: dict[str, list[str]] = {}
    for name, profile in found.profiles.items():
        if profile.key:
            owners.setdefault(profile.key, []).append(name)
        if profile.flaw:
            line = found.line_of(name, "key")
            where = f"{found.path}, line {line}" if line else found.path
            what = f"{where}: the key of profile {shown(name)} {profile.flaw}"
            yield Finding(WARNING, "flaw", what, f"fal profile key {as_word(name)}")
    for names in owners.values():
        if len(names) > 1:
            what = f"these profiles have the same key: {', '.join(map(shown, names))}"
            yield Finding(WARNING, "shared", what, f"fal profile delete {as_word(names[-1])}")


# --- Files ---------------------------------------------------------------------------------------


def _modes(here: Here) -> Iterator[Finding]:
    """Tell of files and folders that other users can read or write, or own."""
    target = os.path.realpath(paths.store())
    folder = os.path.dirname(target)
    secret = [target, paths.login_token()]
    ours = [folder, paths.state(), paths.cache(), paths.verdicts(), paths.notices()]
    startup = [path for names in here.rc_files.values() for path in names]
    is_fine = True
    for path, bits in (
        *((path, 0o077) for path in secret),
        *((path, 0o022) for path in (*ours, *startup)),
    ):
        for finding in _mode(path, bits):
            is_fine = False
            yield finding
    if is_fine:
        yield Finding(OK, "modes", "files and folders are yours, and no other user can write them")


def _mode(path: str, bits: int) -> Iterator[Finding]:
    try:
        status = os.stat(path)
    except OSError:
        return
    is_secret = bits == 0o077  # noqa: PLR2004
    # root's start-up files and folders are fine: some package managers keep them read-only.
    if status.st_uid != os.geteuid() and (is_secret or status.st_uid):
        what = f"{path} belongs to another user (uid {status.st_uid})"
        yield Finding(ERROR, "owner", what, f"sudo chown {os.geteuid()} {as_path(path)}")
        return
    mode = stat.S_IMODE(status.st_mode)
    # Of what others may write, the store tells itself: its content may be someone else's.
    is_writable = bool(mode & 0o022) and bool(files.strangers(path, status))
    if not mode & bits or not (is_secret or is_writable):
        return
    wanted = mode & ~bits
    verb = "written" if is_writable else "read"
    what = f"{path} can be {verb} by other users"
    may_repair = not (is_secret and is_writable)
    yield Finding(
        WARNING,
        "mode",
        what,
        f"chmod {wanted:o} {as_path(path)}" if may_repair else "see the error about the store",
        functools.partial(os.chmod, path, wanted) if may_repair else None,
    )


def _state(_: Here) -> Iterator[Finding]:
    """Say if shells have no place for the index, so that each change costs them a process."""
    candidates = paths.index_candidates(paths.store())
    if candidates and not any(map(_can_hold, candidates)):
        what = f"falenv cannot write to {paths.state()}, so each change costs a shell a process"
        yield Finding(WARNING, "state", what, f"chmod u+rwx {as_path(_nearest(paths.state()))}")


def _nearest(folder: str) -> str:
    """Return a folder, or the nearest one above it that exists."""
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
    return folder


def _can_hold(folder: str) -> bool:
    place = _nearest(folder)
    return os.access(place, os.W_OK | os.X_OK) and files.is_ours(place)


# --- Start-up files ------------------------------------------------------------------------------


def _startup(here: Here) -> Iterator[Finding]:
    """Tell of falenv's lines in start-up files: missing, old, changed, or not reached."""
    exe = paths.program()
    for target in rcfiles.TARGETS:
        loaded_by = [path for path in here.rc_files[target] if _loads(path)]
        if not loaded_by:
            if target == here.shell:
                what = f"no start-up file loads falenv in a new {target}"
                yield Finding(NOTE, "startup", what, f"fal profile install {target} --yes")
            continue
        yield from _blocks(target, exe)
        if target == "direnv":
            continue
        shell = newshell.ask(target)
        if shell:
            if shell.loaded:
                here.new_shells.append(shell)
            yield from _new_shell(shell, loaded_by[0])


def _loads(path: str) -> bool:
    content = rcfiles.read(path) or b""
    return bool(_BLOCK.search(content) or _EVAL.search(content))


def _blocks(target: str, exe: str) -> Iterator[Finding]:
    """Tell of blocks that `install` would write differently."""
    try:
        edits = rcfiles.install(target, exe)
    except StartupFileError as error:
        yield _of_error(WARNING, "block", error)
        return
    fix = f"fal profile install {target} --yes"
    for edit in edits:
        if edit.after == edit.before:
            continue
        if edit.before and _BLOCK.search(edit.before):
            what = f"{edit.path} has the lines of another falenv, or of another version"
            how = None if program.fate(exe) else functools.partial(rcfiles.write, edit)
            yield Finding(WARNING, "block", what, fix, how)
        elif not (edit.before and _EVAL.search(edit.before)) and target == "bash":
            what = f"{edit.path} has no line for falenv, so a login bash may not load it"
            yield Finding(NOTE, "startup", what, fix)


def _new_shell(shell: NewShell, path: str) -> Iterator[Finding]:
    """Tell what a new shell says about itself."""
    content = rcfiles.read(path) or b""
    ours = (_BLOCK.search(content), _EVAL.search(content))
    start = min(found.start() for found in ours if found)
    if not shell.loaded:
        ends = [found for found in _ENDS.finditer(content) if found.start() < start]
        line = content.count(b"\n", 0, ends[-1].start(1)) + 1 if ends else 0
        why = (
            f"line {line} ends the file, or the shell, before them"
            if line
            else "something stops them"
        )
        fix = (
            f"move falenv's lines above line {line}" if line else f"look for what ends {path} early"
        )
        what = f"{path}: a new {shell.name} does not reach falenv's lines: {why}"
        yield Finding(WARNING, "reached", what, fix)
        return
    yield Finding(OK, "startup", f"a new {shell.name} ({shell.version}) loads falenv")
    if shell.is_too_old:
        oldest = ".".join(map(str, newshell.OLDEST[shell.name]))
        what = f"{shell.name} {shell.version} is too old for falenv"
        yield Finding(WARNING, "versions", what, f"install {shell.name} {oldest} or later")
    if not shell.completes and shell.name == "zsh":
        what = "zsh completes no commands, because no start-up file runs compinit"
        fix = f"add this line to {path}: autoload -Uz compinit && compinit"
        yield Finding(NOTE, "completions", what, fix)
    elif not shell.completes:
        what = f"a new {shell.name} has no completions for fal, because something removes them"
        yield Finding(NOTE, "completions", what, f"look for `complete -r` in {path}")
    last = max(_end_of(shell.hooks, hook) for hook in _OUR_HOOKS)
    for hook in _BEFORE:
        at = shell.hooks.rfind(hook)
        if at > last >= 0:
            tool = hook.strip("_").partition("_")[0]
            what = (
                f"{tool}'s hook runs after falenv's in a new {shell.name}, so falenv follows late"
            )
            yield Finding(WARNING, "hooks", what, f"move falenv's lines below {tool}'s in {path}")


def _end_of(hooks: str, hook: str) -> int:
    """Return where in a shell's hooks this one has run, or -1 if it is not there."""
    at = hooks.find(hook)
    if hook == _AFTER and at >= 0:
        at = hooks.find(";", at) % (len(hooks) + 1)
    return at


def _exports(here: Here) -> Iterator[Finding]:
    """Tell of lines that set a FAL_KEY. falenv sets it aside if its own lines come later."""
    replaced = {shell.name for shell in here.new_shells if shell.own and shell.key != shell.own}
    names = here.found.names_by_id if here.found else {}
    for origin in origins.find("FAL_KEY"):
        whose = ""
        if origin.value:
            owner = f" of profile {shown(names[origin.value])}" if origin.value in names else ""
            whose = f" (id {printable(origin.value)}{owner})"
        path = origin.path
        is_late = any(
            path in here.rc_files[name] or f".{name}" in path or f"/{name}/" in path
            for name in replaced
        )
        result = "which replaces falenv's" if is_late else "which falenv sets aside"
        if not here.new_shells:
            result = "which overrides every profile"
        what = f"{origin.text} sets a FAL_KEY{whose}, {result}"
        yield Finding(WARNING if is_late else NOTE, "exported", what, "delete that line")


def _account(here: Here) -> Iterator[Finding]:
    """Say what fal says about the active profile's key."""
    profile = here.active.profile if here.active else None
    if profile and profile.has_source and not profile.key:
        what = f"the active key comes from {profile.source_words}, so fal was not asked"
        yield Finding(NOTE, "account", what, f"fal profile verify {as_word(profile.name)}")
        return
    if profile is None or not profile.key:
        yield Finding(NOTE, "account", "no key is active, so fal was not asked")
        return
    (answer,) = verify.ask([(verify.rest_host(profile.host), profile.key)])
    what = f"the key of profile {shown(profile.name)} is {answer.text}"
    if answer.is_good:
        yield Finding(OK, "account", what)
    elif answer.is_accepted:
        yield Finding(ERROR, "account", what, "see your account at https://fal.ai/dashboard")
    elif answer.status == "wrong":
        yield Finding(ERROR, "account", what, f"fal profile key {as_word(profile.name)}")
    else:
        what, _, fix = what.partition("; ")
        yield Finding(WARNING, "account", what, fix)


_CHECKS: tuple[Check, ...] = (
    _versions,
    _scripts,
    _this_shell,
    _store,
    _choice,
    _profiles,
    _key,
    _variables,
    _modes,
    _state,
    _startup,
    _exports,
)
