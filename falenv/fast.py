"""What a shell runs while its user waits: `env`, `exec`, `prompt`, `current --name`, hand-over.

Nothing here imports click, rich, tomlkit or typing; a test holds the list. `commands/` declares
the same commands for click, for their help and for whatever is mistyped.
"""

from __future__ import annotations

import os
import sys

from falenv import detect, dialects, index, links, paths, store
from falenv.active import Active, choice, pin, resolve
from falenv.console import emit, say
from falenv.environment import NOTHING, VARIABLES, apply, environment
from falenv.errors import (
    FalenvError,
    ProfileNotFoundError,
    StoreError,
    UsageError,
)
from falenv.masking import masked, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from falenv.dialects import Dialect
    from falenv.index import Indexed
    from falenv.store import Store


def find(name: str | None = None) -> Store | Indexed:
    """Return the store, for `resolve` with that argument: what its index says, where that will do.

    Errors: StoreError.
    """
    path = paths.store()
    text, status = store.load(path)
    found = index.from_index(path, text, status)
    if found:
        wanted, why = choice(found, name)
        if wanted in found.profiles or why == "none":
            return found
    return store.Store(path, text, status)


def env(  # noqa: PLR0913 - the command's own options
    *,
    name: str | None = None,
    shell: str | None = None,
    exports_only: bool = False,
    unset: bool = False,
    no_prompt: bool = False,
    refresh: bool = False,
    was: str | None = None,
    cache: str | None = None,
) -> None:
    """Print the code that brings the active profile into a shell.

    `refresh` is the integration's own: the state alone, for a shell that was on profile `was`.
    `cache` is the start-up files': the path of the file that spares the next shell this process.
    A name that does not exist fails closed: the code removes FAL_KEY, and the error follows. On
    any other error nothing is printed, so a shell keeps what it has.
    """
    dialect = dialects.find(detect.shell() if shell is None else shell)
    if unset:
        emit(dialect.render(dict.fromkeys([*VARIABLES, "FAL_PROFILE"])))
        return
    if sys.stdout.isatty():
        _refuse_screen(dialect, name)
    exports_only = exports_only or detect.in_envrc()
    path = paths.store()
    found = _read(dialect, path) if refresh else find(name)
    failure = None
    try:
        active = resolve(found, name)
        variables = environment(active)
    except FalenvError as error:
        failure, active, variables = error, Active(None, "none"), NOTHING
    if name is None and not pin():
        _speak_of_folder()
    if exports_only:
        emit(dialect.render(variables) + _watch(dialect, path))
    else:
        from falenv.integration import integration, state

        index_path = index.update(found)
        code = state(dialect, active, variables, path, index_path)
        emit(code if refresh else integration(dialect, code, show_segment=not no_prompt))
        if cache:
            from falenv import cached

            cached.write(cache, dialect, path, index_path)
    if failure:
        raise failure
    known = set(map(masked, found.profiles))
    if was and (was not in known or not active.name):
        now = f"this shell is on {shown(active.name)} now" if active.name else "FAL_KEY was removed"
        what = "is active no more" if was in known else "is gone"
        say(f"profile {shown(was)} {what}; {now}")


def _read(dialect: Dialect, path: str) -> Store:
    """Read the store for a shell to which its index did not suffice.

    Also one that cannot follow the store learns what it has seen.
    """
    try:
        return store.read(path)
    except StoreError:
        from falenv.integration import seen_state

        emit(seen_state(dialect, path, index.update_broken(path)))
        raise


def _watch(dialect: Dialect, path: str) -> str:
    """Return the lines by which direnv reads an `.envrc` again, where it is that which asks.

    When the store changes, the nearest `.fal-profile` or what the user said of it, and when one
    comes to be here.
    """
    if not detect.in_envrc():
        return ""
    watched = [path]
    folder = links.here()
    if folder:
        link = links.find(folder)
        watched += [link, paths.folder_note(link)] if link else []
        watched.append(os.path.join(folder, links.FILE))
    return "".join(f"watch_file {dialect.quote(file)}\n" for file in dict.fromkeys(watched))


def _speak_of_folder() -> None:
    """Say, once per file and version, that there is a `.fal-profile` which is not followed."""
    link = links.nearest()
    if link and links.is_news(link):
        say(
            link.problem
            or f"{link.path} names profile {shown(link.name)}, and was not allowed yet; "
            "to follow it: fal profile allow (or: fal profile deny)"
        )


def prompt() -> None:
    """Print the segment as plain text, for a prompt that starts a process."""
    from falenv import segment

    form = os.environ.get("FALENV_PROMPT") or segment.FORMAT
    active = resolve(find())
    if active.name and form != segment.OFF:
        emit(segment.render(form, active.name, active.why))


def _refuse_screen(dialect: Dialect, name: str | None) -> NoReturn:
    """Raise the error that says how to use `env`, instead of showing a key."""
    words = "fal profile env"
    if name is not None:
        resolve(find(name), name)  # what is no profile may be a misplaced key
        words += f" {name if name.isalnum() else dialect.quote(name)}"
    line = f"{words} | source" if dialect.name == "fish" else f'eval "$({words})"'
    raise FalenvError(
        f"this prints code with your key in it, for a shell, not for a screen; use: {line}"
    )


def current_name() -> None:
    """Print the active profile's name, or nothing where none is."""
    name = resolve(find()).name
    if name:
        emit(masked(name) + "\n")


def list_names() -> None:
    """Print the names that a line can hold, one a line, for completion: never an error."""
    try:
        names = store.read(paths.store()).profiles
    except FalenvError:
        return
    emit("".join(f"{name}\n" for name in names if name.isprintable() and name == masked(name)))


def run(name: str, command: list[str]) -> NoReturn:
    """Become `command`, with the environment of a profile and nothing of another's."""
    mark_of_shell()  # off our environment: the command is not the shell
    if not command:
        raise UsageError("no command to run; an example: fal profile exec NAME -- fal app list")
    active = resolve(find(name), name)
    variables = environment(active)
    if variables["FAL_KEY"] is None:
        raise FalenvError(f"profile {shown(name)} has no key; set it: fal profile key NAME")
    from falenv.official import become

    become(command, apply(variables))


def pass_on(arguments: list[str]) -> NoReturn:
    """Become the official CLI, with the active profile's environment where a profile is active."""
    from falenv.official import hand_over

    found = find()
    name, why = choice(found)
    if why == "none":
        hand_over(arguments, {})
    if name not in found.profiles:
        raise ProfileNotFoundError(name, why, list(found.profiles))
    hand_over(arguments, environment(resolve(found)))


#: The commands that need no click, each with the options it takes without and with a value.
ENV_FLAGS = frozenset({"--exports-only", "--unset", "--no-prompt", "--refresh"})
ENV_VALUES = frozenset({"--shell", "--was", "--cache"})


def dispatch(arguments: list[str]) -> bool:
    """Run a `fal profile …` command line if it is one of ours; tell whether it was.

    Only what is spelled in full and without mistake: all else is click's, which explains it.
    """
    match arguments:
        case ["env", *rest]:
            options = _options(rest)
            if options is None:
                return False
            env(**options)  # type: ignore[arg-type]  # checked by _options
        case ["refresh", *rest]:
            env(refresh=True, **_options(rest))
        case ["start", *rest]:
            env(**_options(rest))
        case ["exec", name, "--", *command] if not name.startswith("-"):
            run(name, command)
        case ["current", "--name"]:
            current_name()
        case ["prompt"]:
            prompt()
        case ["list", "--names"]:
            list_names()
        case _:
            return False
    return True


def _options(arguments: list[str]) -> dict[str, str | bool] | None:
    """Return the keyword arguments for `env`, or None where click should look at the line."""
    found: dict[str, str | bool] = {}
    words = iter(arguments)
    for word in words:
        option, equals, value = word.partition("=")
        parameter = option.removeprefix("--").replace("-", "_")
        if word in ENV_FLAGS:
            found[parameter] = True
        elif option in ENV_VALUES:
            given = value if equals else next(words, None)
            if given is None:
                return None
            found[parameter] = given
        elif word.startswith("-") or "name" in found:
            return None
        else:
            found["name"] = word
    return found


def mark_of_shell() -> str:
    """Return what an integrated shell says of itself, and take the mark off our environment.

    `live`: a switch takes effect in it at once; `later`: at its next prompt; empty: not at all.
    `done`: it has switched by itself, and only asks what there is to say of that.
    A shell that cannot tell whether it is a subshell, whose variables nobody will see, says
    `live:PID:` and what holds where PID, the shell itself, did not start us.
    """
    mark, _, rest = os.environ.pop("__falenv_shell", "").partition(":")
    parent, _, otherwise = rest.partition(":")
    return otherwise if parent and parent != str(os.getppid()) else mark
