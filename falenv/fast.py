"""What a shell runs while its user waits: env, start, refresh, exec, prompt, hand-over and names.

Nothing here imports click, tomlkit or typing; a test holds the list. `commands/` declares
the same commands for click, for their help and for mistyped lines.
"""

from __future__ import annotations

import os
import sys
import time

from falenv import detect, dialects, files, index, links, notices, paths, store, timed
from falenv.active import (
    NOBODY,
    STORE_SHOWN,
    Active,
    choice,
    for_program,
    has_none,
    is_asked_for,
    new_name,
    pin,
    resolve,
    shell_key_ids,
)
from falenv.active import shown as shown_profile
from falenv.console import emit, say
from falenv.environment import (
    ABOUT,
    HOSTS,
    NOTHING,
    UNTIMED,
    adopt,
    apply,
    environment,
    given_back,
    is_ours,
    owns_key,
    suffix,
    with_credentials_again,
    without_credentials,
)
from falenv.errors import (
    FalenvError,
    NoKeyError,
    NoProfileError,
    ProfileNotFoundError,
    StoreError,
    UsageError,
)
from falenv.masking import as_word, key_id, label, masked, shown

#: In this variable a shell without a hook says so.
HOOKLESS = "__falenv_hookless"
#: The command lines that ask about the program itself.
ABOUT_ITSELF: tuple[list[str], ...] = ([], ["-h"], ["--help"], ["--version"])

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from falenv.dialects import Dialect
    from falenv.environment import Environment
    from falenv.index import Indexed
    from falenv.store import Store


def find(name: str | None = None) -> Store | Indexed:
    """Return the store to resolve `name` in: what its index says, or else the store itself.

    The index serves if it has this profile, and the one that this environment is for. It leaves
    out the names that no line can hold, so without a profile it says nothing.
    Errors: StoreError.
    """
    path = paths.store()
    text, status = store.load(path)
    found = index.from_index(path, text, status)
    if found and found.profiles:
        wanted, why = choice(found, name)
        is_found = wanted in found.profiles or why in {"changed", "none", "nobody"}
        if is_found and (not shown_profile() or shown_profile() in found.profiles):
            return found
    return store.Store(path, text, status)


def env(  # noqa: PLR0913 - its options
    *,
    name: str | None = None,
    shell: str | None = None,
    exports_only: bool = False,
    unset: bool = False,
    no_prompt: bool = False,
    format: str | None = None,  # noqa: A002 - the option's name
) -> None:
    """Print the code that brings the active profile into a shell, or its variables in a format.

    A profile that cannot be used fails closed: the code unsets FAL_KEY, and the error follows. Only
    with such a default the user's FAL_KEY stays. On any other error print nothing, so the shell
    keeps what it has.
    """
    if format is not None:
        if shell is not None or exports_only or unset or no_prompt:
            raise UsageError("--format is for programs, so it takes no option for a shell")
        print_format(name, format)
        return
    dialect = _dialect(shell)
    if unset:
        names = ["FAL_KEY", *HOSTS, *ABOUT, "FAL_PROFILE", *with_credentials_again()]
        emit(dialect.render(dict.fromkeys(names)))
    elif exports_only or detect.in_envrc():
        _print_exports(dialect, name)
    else:
        _print_integration(dialect, name, show_segment=not no_prompt)


def start(
    *, shell: str | None = None, cache: str | None = None, program: str | None = None
) -> None:
    """Print the integration for a start-up file, and write its copy for later shells to `cache`.

    nushell's start-up file holds the integration itself. Write that again for later shells.
    """
    if not _dialect(shell).has_eval:
        from falenv import rcfiles

        rcfiles.renew(str(shell), program or paths.program())
        return
    _print_integration(_dialect(shell), cache=cache, program=program)


def refresh(  # noqa: PLR0913 - what a shell tells
    *,
    shell: str | None = None,
    was: str | None = None,
    cache: str | None = None,
    program: str | None = None,
    protocol: str | None = None,
    seen: str | None = None,
    seconds: bool = False,
    use: bool = False,
    yes: bool = False,
    duration: str | None = None,
) -> None:
    """Print the state for a shell that has the integration but cannot follow with builtins.

    Say so if the profile `was`, which the shell was on, is gone. Write the copy of the integration
    for later shells to `cache`. With `use`, the user has typed `fal profile use`, and the pin is
    the name. Then ask about a protected profile, unless the user has typed `yes` too. With
    `duration`, such as `30m`, the pin ends then, so export the time. To a shell with the
    integration of another version of falenv, whose `protocol` differs, print the whole integration.
    Errors: as for `env`, unless the shell has followed this version of the store (`seen`) before,
    so that the error is not news. With `seconds`, the shell compares whole seconds.
    """
    dialect = _dialect(shell)
    _refuse_screen(dialect)
    if not dialect.has_eval and protocol != str(paths.PROTOCOL):
        start(shell=dialect.name, program=program)
        raise FalenvError("falenv was upgraded; to follow changes again, open a new shell")
    path = paths.store()
    known = index.recall(path, seen)
    is_upgrade = protocol != str(paths.PROTOCOL)
    is_use = use or (is_upgrade and was is None and not cache)  # as shells of protocol 1 said it
    if is_use:
        os.environ.pop(timed.UNTIL, None)
    if duration is not None:
        os.environ[timed.UNTIL] = str(timed.end(duration))

    def may(active: Active, found: Store) -> Store | Indexed:
        _ask(active, "Use it in this shell?", yes=yes)
        is_wanted = active.profile and not active.profile.is_exec_only
        return unlock(found, active) if is_wanted else found

    try:
        _refresh(
            dialect,
            path,
            was=was,
            cache=cache,
            program=program or paths.program(),
            is_upgrade=is_upgrade,
            for_seconds=seconds,
            may=may if is_use else None,
        )
    except FalenvError:
        if not known or index.recall(path, seen) != known:
            raise


def _refresh(  # noqa: PLR0913 - as above
    dialect: Dialect,
    path: str,
    *,
    was: str | None,
    cache: str | None,
    program: str,
    is_upgrade: bool,
    for_seconds: bool,
    may: Callable[[Active, Store], Store | Indexed] | None,
) -> None:
    from falenv.integration import integration, start_state, state, write_cached

    read = _read(dialect, path, program if is_upgrade else "", for_seconds=for_seconds)
    pinned = "" if may else _renamed_pin(read)
    found: Store | Indexed = read

    def ask(active: Active) -> None:
        nonlocal found
        found = may(active, read) if may else read

    active, variables, failure = _decide(read, pinned or None, is_running=bool(was), may=ask)
    if isinstance(failure, ProfileNotFoundError) and pin() and may:
        renamed = new_name(read, pin())
        failure = ProfileNotFoundError(pin(), "argument", found.names, renamed)
    index_path = index.update(found, for_seconds=for_seconds)
    if is_upgrade and failure and may:
        raise failure
    if is_upgrade:
        code = start_state(
            dialect,
            path,
            index_path,
            pin() if may else pinned or None,
            failure=active.why if failure else "",
        )
        code = integration(dialect, code, show_segment=None, program=program)
    else:
        code = state(dialect, active, variables, path, index_path)
    if may and timed.UNTIL in os.environ:
        code = dialect.state.render({timed.UNTIL: os.environ[timed.UNTIL]}) + code
    emit(code)
    if cache:
        write_cached(cache, dialect, program, path, index_path)
    if failure:
        raise failure
    if was:
        _tell_of_change(read, was, active.name)


def _tell_of_change(found: Store, was: str, now: str) -> None:
    """Say if the profile `was`, which the shell was on, has another name or is gone."""
    is_known = was in set(map(masked, found.names))
    if new_name(found, was) == now != "":
        say(f"profile {shown(was)} is named {shown(now)} now")
    elif not is_known or not now:
        own = os.environ.get(notices.OWN_KEY_ID, "")
        notices.tell_of_loss(was, now, is_known=is_known, own=own)


def _renamed_pin(found: Store) -> str:
    """Return the new name of the profile that this shell is pinned to, if it was renamed.

    It has to be the account that the shell has: another profile may have got that name since.
    """
    name = new_name(found, pin()) if pin() and label(pin()) == shown_profile() else ""
    profile = found.profiles.get(name)
    is_same = profile and os.environ.get("FALENV_KEY_ID", "") in shell_key_ids(profile)
    return name if is_same else ""


def _print_exports(dialect: Dialect, name: str | None) -> None:
    _refuse_screen(dialect, name)
    active, variables, failure = _decide(find(name), name)
    if active.why == "none":
        variables = given_back()
    if active.profile and active.why == "folder" and not active.profile.shell_key:
        # Else the official CLI would take the default's key from the store.
        variables = variables | {"FAL_PROFILE": active.name}
    emit(dialect.render(variables) + _watch(dialect, paths.store()))
    if failure:
        raise failure


def _print_integration(
    dialect: Dialect,
    name: str | None = None,
    *,
    show_segment: bool = True,
    cache: str | None = None,
    program: str | None = None,
) -> None:
    from falenv.integration import integration, start_state, write_cached

    _refuse_screen(dialect, name)
    path, found = paths.store(), find(name)
    active, _, failure = _decide(found, name)
    index_path = index.update(found)
    code = start_state(
        dialect,
        path,
        index_path,
        name if active.name else None,
        hint="" if cache is not None else notices.first_contact(found),
        failure=active.why if failure else "",
    )
    program = program or paths.program()
    emit(integration(dialect, code, show_segment=show_segment, program=program, cached=cache or ""))
    if cache:
        write_cached(cache, dialect, program or paths.program(), path, index_path)
    if failure:
        raise failure


def print_format(name: str | None, form: str) -> None:
    """Print the variables of a profile in a format, or give them to a job of GitHub Actions.

    Errors: FalenvError if there is no key, if stdout is a terminal, or if the format cannot hold a
    value. Then print nothing.
    """
    from falenv import envtext

    envtext.check_format(form)
    _, variables = variables_for_programs(find(name), name)
    if sys.stdout.isatty():
        words = f"fal profile export {as_word(name or 'NAME')} --format {form} --output FILE"
        raise FalenvError(
            "the output contains your key, so it is not printed to a terminal; redirect it, or "
            f"use: {words}"
        )
    if form == "github":
        envtext.to_github(variables, emit)
    else:
        emit(envtext.render(form, variables))


def variables_for_programs(found: Store | Indexed, name: str | None) -> tuple[str, dict[str, str]]:
    """Return a profile's name, and its key and hosts as variables for a program elsewhere.

    Fetch a key that has a source. Errors: as `resolve` and `environment`, KeySourceError, and
    FalenvError if there is no key.
    """
    if has_none():
        raise FalenvError("this shell has no credentials; to use a profile: fal profile use NAME")
    active = resolve(found, name)
    if active.profile is None:
        raise NoProfileError
    unlock(found, active)
    variables = environment(active, found)
    if variables["FAL_KEY"] is None:
        raise NoKeyError(active.name)
    carried = {variable: variables[variable] for variable in ("FAL_KEY", *HOSTS)}
    return active.name, {name: value for name, value in carried.items() if value is not None}


def _dialect(shell: str | None) -> Dialect:
    """Return the dialect of a shell, by default of the shell that runs this process."""
    return dialects.find(detect.shell() if shell is None else shell)


def _decide(
    found: Store | Indexed,
    name: str | None = None,
    *,
    is_running: bool = False,
    may: Callable[[Active], None] = lambda _: None,
) -> tuple[Active, Environment, FalenvError | None]:
    """Return the active profile and its shell's environment; on an error no profile, and the error.

    If the default cannot be used, no profile is active, unless a running shell was on one. Say if
    this folder has a `.fal-profile` that is not followed. `may` is asked about the profile, and
    raises FalenvError if it cannot be used. Without it, nothing fetches a key.
    """
    failure = None
    if has_none():
        if name is not None:
            say(f"this shell has no credentials; to use a profile: fal profile use {as_word(name)}")
        _make_empty_home()
        return Active(None, "nobody"), without_credentials(), None
    try:
        active = resolve(found, name)
        may(active)
        if active.profile:
            adopt(active.profile)
        variables = environment(active, found, in_shell=True)
    except FalenvError as error:
        failure, active, variables = error, Active(None, "failed"), NOTHING
        if choice(found, name)[1] == "default" and not is_running:
            active, variables = Active(None, "none"), {}
    if name is None and not pin():
        notices.tell_of_folder()
    return active, variables, failure


def _make_empty_home() -> None:
    """Create the folder in which a program finds no login token."""
    folder = paths.empty_home()
    files.make_folder(folder)
    os.chmod(folder, 0o500)


def _read(dialect: Dialect, path: str, program: str, *, for_seconds: bool) -> Store:
    """Read the store. If that fails, print a state which says that the shell has seen it.

    For a shell with the integration of another version, `program` is the one of the new
    integration, which the state then follows. Errors: StoreError.
    """
    seen_ns = time.time_ns()
    try:
        return store.read(path)
    except StoreError:
        from falenv.integration import integration, seen_state

        index_path = index.update_broken(path, seen_ns, for_seconds=for_seconds)
        code = seen_state(dialect, path, index_path)
        if program:
            code = integration(dialect, code, show_segment=None, program=program)
        emit(code)
        raise


def _watch(dialect: Dialect, path: str) -> str:
    """Return the lines that make direnv run an `.envrc` again; empty outside of direnv.

    direnv watches the store, the `.fal-profile` files that may decide, the verdicts on them, and
    the path where a `.fal-profile` of this folder would be.
    """
    if not detect.in_envrc():
        return ""
    watched = [path]
    folder = links.here()
    if folder:
        for link in links.chain():
            watched += [link.path, paths.verdict(link.path)]
        watched.append(os.path.join(folder, links.FILE))
    return "".join(f"watch_file {dialect.quote(file)}\n" for file in dict.fromkeys(watched))


def _refuse_screen(dialect: Dialect, name: str | None = None) -> None:
    """Raise FalenvError if stdout is a terminal, which would show the key."""
    if not sys.stdout.isatty():
        return
    words = "fal profile env"
    if name is not None:
        resolve(find(name), name)  # an unknown name may be a misplaced key
        words += f" {name if name.isalnum() else dialect.quote(name)}"
    line = f"{words} | source" if dialect.name == "fish" else f'eval "$({words})"'
    if not dialect.has_eval:
        line = notices.INSTALL_NU
    raise FalenvError(
        f"the output contains your key, so it is not printed to a terminal; use: {line}"
    )


def prompt() -> None:
    """Print the segment as plain text, for a prompt that starts a process."""
    from falenv import segment

    form = os.environ.get("FALENV_PROMPT") or segment.FORMAT
    active = resolve(find())
    if active.profile:
        adopt(active.profile)
    is_touched = (
        os.environ.get("FALENV_MARK") == segment.TOUCHED and label(active.name) == shown_profile()
    )
    if active.name and form != segment.OFF:
        emit(segment.render(form, active.name, active.why, suffix(active), is_touched=is_touched))


def current_name() -> None:
    """Print the name of the profile that this environment is for, else of the active one."""
    name = shown_profile()
    if not name or is_asked_for():
        name = label(resolve(find()).name)
    if name:
        emit(name + "\n")


def list_names() -> None:
    """Print one line for each name that a line can hold, for completion. Never fail."""
    try:
        names = store.read(paths.store()).names
    except FalenvError:
        return
    emit("".join(f"{name}\n" for name in names if name.isprintable() and name == masked(name)))


def run(name: str, command: list[str], *, stops: bool = False, yes: bool = False) -> None:
    """Run `command` in this process's place, with a profile's environment.

    Without a command, run the user's shell. If `name` is a pattern, run the command once for each
    profile that matches, and end at the first failure if `stops`. Ask about a protected profile,
    unless `yes` is the answer already.
    """
    mark_of_shell()  # removes the variable, since the command is not the shell
    found = find(name)
    if name not in found.names and set(name) & set("*?["):
        _run_each(name, command, stops=stops, yes=yes)
    active = resolve(found, name)
    if not command and active.profile and active.profile.is_exec_only:
        raise UsageError(
            f"profile {shown(name)} gives its key to commands, not to a shell; "
            f"give one: fal profile exec {as_word(name)} -- fal app list"
        )
    command = command or _shell(f"fal profile exec {as_word(name)} -- fal app list")
    _ask(active, "Run this command with it?", yes=yes)
    unlock(found, active)
    variables = environment(active, found)
    if variables["FAL_KEY"] is None:
        raise NoKeyError(name)
    from falenv.official import become

    notices.tell_of_rivals()
    become(command, apply(with_credentials_again() | variables))


def _ask(active: Active, question: str, *, yes: bool) -> None:
    """Ask about the active profile if it is protected; errors as `questions.allow_protected`."""
    if active.profile and active.profile.is_protected:
        from falenv import questions

        questions.allow_protected(active.name, question, yes=yes)


def unlock(found: Store | Indexed, active: Active) -> Store | Indexed:
    """Fetch the key of the active profile if it has a source; return the store as it is then.

    Errors: KeySourceError.
    """
    profile = active.profile
    if profile is None or not profile.has_source or isinstance(found, index.Indexed):
        return found
    from falenv import sources

    return sources.unlock(found, profile)


def _run_each(pattern: str, command: list[str], *, stops: bool, yes: bool) -> NoReturn:
    """Run a command once for each profile that matches a pattern, and exit."""
    from falenv import foreach

    everything = store.read(paths.store())
    names = foreach.matching(everything, pattern)
    if not names:
        listed = ", ".join(map(masked, everything.names))
        raise FalenvError(f"no profile matches {shown(pattern)} (profiles: {listed})")
    if not command:
        raise UsageError(
            f"{shown(pattern)} matches several profiles, so a command is needed; for example: "
            "fal profile exec 'client-*' -- fal app list"
        )
    sys.exit(foreach.run(everything, names, command, stops=stops, yes=yes))


def _shell(example: str) -> list[str]:
    """Return the user's own shell, if there is a terminal; else raise UsageError."""
    if not sys.stdin.isatty():
        raise UsageError(f"no command given, and no terminal for a shell; for example: {example}")
    shell = os.environ.get("SHELL", "")
    if not os.access(shell, os.X_OK):
        import pwd

        shell = pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
    return [shell]


def run_without(command: list[str]) -> NoReturn:
    """Run `command` in this process's place, without any fal credentials."""
    mark_of_shell()
    command = command or _shell("fal profile exec --none -- python job.py")
    from falenv.official import become

    _make_empty_home()
    become(command, apply(UNTIMED | without_credentials()))


def pass_on(arguments: list[str]) -> NoReturn:
    """Run the official CLI in this process's place.

    An environment with a FAL_KEY stays as it is, so the official CLI uses the key that any program
    would use here. Without one, supply the profile of this environment, or else the active one.
    """
    from falenv.official import hand_over

    tell_hookless()
    # A TAB fetches no key, nor does a question about the program itself.
    is_asking = "_ARGCOMPLETE" in os.environ or arguments in ABOUT_ITSELF
    changes = for_official(fetches=not is_asking)
    if "FAL_KEY" in changes:
        notices.tell_of_rivals()
    hand_over(arguments, changes)


def for_official(*, fetches: bool) -> Environment:
    """Return how the environment of the official CLI differs from this process's.

    With a FAL_KEY in the changes, falenv supplies the key. It is None if its source has it, and
    nothing `fetches` it. Errors: as `resolve`, KeySourceError.
    """
    if is_asked_for() or not (os.environ.get("FAL_KEY") or has_none()):
        found = find()
        active = for_program(found)
        if fetches:
            unlock(found, active)
        if active.profile:
            # The name keeps the official CLI from the key and the host of the default.
            return environment(active, found) | {"FAL_PROFILE": active.profile.name}
    elif is_ours() and owns_key():
        return {"FAL_PROFILE": os.environ.get("FAL_PROFILE") or shown_profile()}
    elif is_ours() and os.environ.get("FAL_KEY"):
        return _without_profile_hosts() | {"FAL_PROFILE": NOBODY}
    return {}


def tell_hookless() -> None:
    """Say which profile is active, if the calling shell cannot follow by itself and has another."""
    if not os.environ.get(HOOKLESS):
        return
    try:
        name = resolve(find()).name
    except FalenvError:
        return  # the official CLI needs no store
    if label(name) != shown_profile():
        here = f"profile {shown(shown_profile())}" if shown_profile() else "no profile"
        now = f"{shown(name)} is active" if name else "no profile is active"
        say(f"this shell stays on {here}, but {now} now; to follow: fal profile use --default")


def _without_profile_hosts() -> Environment:
    """Return what keeps a key of the user's from the hosts of the profile in the prompt."""
    here = tuple(os.environ.get(host) for host in HOSTS)
    try:
        found = find()
        theirs = environment(for_program(found), found)
    except FalenvError:
        return dict.fromkeys(HOSTS)  # nothing tells whose hosts these are
    is_theirs = here == tuple(theirs[host] for host in HOSTS)
    return dict.fromkeys(HOSTS) if is_theirs else {}


#: The options of the commands that need no click: those without a value, then those with one.
OPTIONS = {
    "env": ({"--exports-only", "--unset", "--no-prompt"}, {"--shell", "--format"}),
    "start": (set(), {"--shell", "--cache", "--program"}),
    "refresh": (
        {"--use", "--yes", "--seconds"},
        {"--duration", "--shell", "--was", "--seen", "--cache", "--program", "--protocol"},
    ),
}


def dispatch(arguments: list[str]) -> bool:
    """Run a `fal profile …` command line if this module has the command; return True if so.

    Leave abbreviated and mistyped lines to click, which explains them.
    """
    match arguments:
        case ["env" | "start" | "refresh" as command, *rest]:
            options = _options(command, rest)
            if options is None:
                return False
            function = {"env": env, "start": start, "refresh": refresh}[command]
            function(**options)  # type: ignore[operator]  # checked by _options
        case ["dotenv", *env_files] if all(map(os.path.isabs, env_files)):
            dotenv(env_files)
        case ["exec", "--none", "--", *command]:
            run_without(command)
        case ["exec", name, "--", *command] if not name.startswith("-"):
            run(name, command)
        case ["exec", "--yes", name, "--", *command] | ["exec", name, "--yes", "--", *command] if (
            not name.startswith("-")
        ):
            run(name, command, yes=True)
        case ["current", "--name"]:
            current_name()
        case ["prompt"]:
            prompt()
        case ["list", "--names"]:
            list_names()
        case _:
            return False
    return True


def _options(command: str, arguments: list[str]) -> dict[str, str | bool] | None:
    """Return the keyword arguments for a command's function, or None if click has to parse them."""
    flags, values = OPTIONS[command]
    found: dict[str, str | bool] = {}
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        parameter = option.removeprefix("--").replace("-", "_")
        if word in flags:
            found[parameter] = True
        elif option in values:
            given = value if equals else next(words, None)
            if given is None:
                return None
            found[parameter] = given
        elif word.startswith("-") or "name" in found or command != "env":
            return None
        else:
            found["name"] = word
    return found


def dotenv(env_files: list[str]) -> None:
    """Say once for each version of an `.env` file whose key it has, if not the one of this shell.

    The hook asks for this in a folder with a file that it has no note on.
    """
    from falenv import envfiles

    names = {}
    own = key_id(os.environ.get("FAL_KEY"))
    asked = [path for path in env_files if os.path.basename(path) in envfiles.NAMES]
    found = [(path, envfiles.is_news(path, own)) for path in asked]
    if any(owner for _, owner in found):
        names = _names_by_id()
    for path, owner in found:
        if owner:
            notices.tell_of_env_file(path, owner, names.get(owner, ""))


def _names_by_id() -> dict[str, str]:
    """Return key id → profile. Where no store can be read, the shell has said so already."""
    try:
        return store.read(paths.store()).names_by_id
    except StoreError:
        return {}


def is_integrated(mark: str) -> bool:
    """Return True if an integrated shell runs this command, in the main shell or in a subshell.

    `mark` is what `mark_of_shell` has returned. A subshell with a key of the user's says nothing.
    """
    return bool(mark or os.environ.get(STORE_SHOWN))


def mark_of_shell() -> str:
    """Return what an integrated shell says about itself, and unset the variable that says it.

    `live`: a switch takes effect in the shell at once. `later`: at its next prompt. `done`: the
    shell has switched by itself, and wants only the notices. Empty: not integrated.

    A shell that cannot tell whether it is a subshell says `live:PID:OTHERWISE`, with the process
    id of the main shell. If another process started us, OTHERWISE is the mark.
    """
    mark, _, rest = os.environ.pop("__falenv_shell", "").partition(":")
    parent, _, otherwise = rest.partition(":")
    return otherwise if parent and parent != str(os.getppid()) else mark
