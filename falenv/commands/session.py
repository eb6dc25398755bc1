"""The commands for a shell, a prompt or one program: env, use, off, on, current, exec, prompt."""

from __future__ import annotations

import os

import click

from falenv import assets, detect, dialects, envfiles, fast, links, notices, paths, store
from falenv.active import Active, for_program, is_asked_for, resolve
from falenv.active import shown as shown_profile
from falenv.console import emit, say
from falenv.environment import rivals
from falenv.errors import FalenvError, UsageError
from falenv.masking import as_json as as_json_text
from falenv.masking import as_word, key_id, label, mask, masked, printable, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store

NOT_HERE = f"only the shell function fal can switch this shell; to load it: {notices.EVAL}"


@click.command("env")
@click.argument("name", required=False)
@click.option("--shell", metavar=f"[{'|'.join(dialects.NAMES)}]", help="Print code for this shell.")
@click.option("--exports-only", is_flag=True, help="Print only the exports.")
@click.option("--unset", is_flag=True, help="Print code that unsets the variables.")
@click.option("--no-prompt", is_flag=True, help="Do not show the profile in the prompt.")
def env(**options: str | bool | None) -> None:
    """Print the code that loads falenv into a shell.

    With NAME, the code also pins the shell to that profile. Without --shell, falenv detects your
    shell. In an .envrc, the code contains only exports.

    \b
        eval "$(fal profile env)"
        eval "$(fal profile env comfy)"
    """
    fast.env(**options)  # type: ignore[arg-type]  # the options above are its parameters


@click.command("start", hidden=True)
@click.option("--shell", metavar="SHELL")
@click.option("--cache", metavar="PATH")
@click.option("--program", metavar="PATH")
def start(**options: str | None) -> None:
    """Print the integration for a start-up file, and write a copy to the cache."""
    fast.start(**options)


@click.command("refresh", hidden=True)
@click.option("--shell", metavar="SHELL")
@click.option("--protocol", metavar="NUMBER")
@click.option("--seconds", is_flag=True)
@click.option("--was", metavar="NAME")
@click.option("--seen", metavar="VERSION")
@click.option("--cache", metavar="PATH")
@click.option("--program", metavar="PATH")
def refresh(**options: str | bool | None) -> None:
    """Print the state for a shell that has the integration and was on profile NAME."""
    fast.refresh(**options)  # type: ignore[arg-type]  # as declared above


@click.command("dotenv", hidden=True)
@click.argument("env_files", nargs=-1, metavar="PATH...")
def dotenv(env_files: tuple[str, ...]) -> None:
    """Say once for each version of an .env file whose key it has, if not the one of this shell."""
    fast.dotenv(list(map(os.path.abspath, env_files)))


@click.command("use")
@click.argument("name", nargs=-1, metavar="[NAME|-]")
@click.option("--default", "default", is_flag=True, help="Follow the default again.")
@click.option("--none", "none", is_flag=True, help="Have no fal credentials in this shell.")
def use(*, name: tuple[str, ...], default: bool, none: bool) -> None:
    """Pin this shell to a profile.

    The shell then stays on this profile, whatever the default is. `-` goes back to what the
    shell used before. With --none, the shell and all programs that it starts have no fal
    credentials, not even the login of the official CLI.

    \b
        fal profile use comfy
        fal profile use -
        fal profile use --default
        fal profile use --none
    """
    # The integration does all this itself. It calls the program only to explain a failure.
    mark = fast.mark_of_shell()
    if mark == "done":
        file = detect.set_by_direnv("FAL_KEY", "FAL_PROFILE")
        if file:
            say(
                "direnv sets this folder's profile, so your choice lasts until direnv reloads or "
                f"you leave the folder; to change it for good, edit {file}"
            )
        return
    if len(name) + default + none != 1 or name == ("",):
        raise UsageError("give one of NAME, -, --default or --none; see: fal profile use --help")
    if name and name != ("-",):
        resolve(store.read(paths.store()), name[0])
    if not mark:
        raise FalenvError(NOT_HERE)
    raise FalenvError("there is no earlier profile to go back to; choose one: fal profile use NAME")


@click.command("off")
def off() -> None:
    """Remove falenv from this shell.

    The shell gets back the variables that it had before. Other shells do not change.

    \b
        fal profile off
    """
    raise FalenvError(
        "only the shell function fal can remove falenv; a shell without it has nothing to remove"
    )


@click.command("on")
def on() -> None:
    """Load falenv into this shell again, after off.

    Print the same code as env.

    \b
        eval "$(fal profile on)"
    """
    if fast.mark_of_shell():
        say("falenv is already loaded in this shell")
    else:
        fast.env()


@click.command("current")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--name", "only_name", is_flag=True, help="Print only the name.")
def current(*, as_json: bool, only_name: bool) -> None:
    """Show which profile is active here, and why.

    Show the profile that programs use in this shell. If another profile is active since the last
    prompt, name it. Say if a variable in this shell makes programs use another account.

    \b
        fal profile current
        fal profile current --name
    """
    mark = fast.mark_of_shell()
    if only_name:
        fast.current_name()
        return
    found = store.read(paths.store())
    active, coming = in_this_shell(found)
    notices.tell_of_flaw(found, active.profile)
    if as_json:
        click.echo(as_json_text(_current_as_json(found, active, coming)))
        return
    _print_current(found.path, active)
    if active is not coming:
        now = f"{shown(coming.name)} is active" if coming.name else "no profile is active"
        say(f"{now} now; this shell follows at its next prompt, or with: fal profile use --default")
    for other in links.chain():
        if other.verdict != "allowed":
            reason = "you denied it" if other.verdict == "denied" else "you have not allowed it"
            say(
                other.problem
                or f"{other.path} is ignored, because {reason}; to use it: fal profile allow"
            )
    for file, owner in envfiles.other_keys(links.here(), key_id(os.environ.get("FAL_KEY"))):
        notices.tell_of_env_file(file, owner, found.names_by_id.get(owner, ""))
    hint = notices.first_contact(found)
    if hint and active.why == "none":
        say(hint)
        return
    again = as_word(active.name) if active.why == "pin" else "--default"
    _tell_of_key(active, f"fal profile use {again}" if mark else notices.EVAL)


def _current_as_json(found: Store, active: Active, coming: Active) -> dict[str, object]:
    profile = active.profile
    given = os.environ.get("FAL_KEY")
    names = found.names_by_id
    return {
        "profile": masked(active.name) or None,
        "why": active.why,
        "next": masked(coming.name) or None,
        "store": found.path,
        "folder": links.chain()[-1].path if active.why == "folder" else None,
        "default": masked(found.default) or None,
        "key": mask(active.key) if active.key else None,
        "host": masked(profile.host) if profile and profile.host else None,
        "shell": {
            "key": mask(given) if given else None,
            "is_active": given == active.key and not rivals(),
            "rivals": rivals(),
        },
        "dotenv": [
            {
                "file": file,
                "key": mask(f"{owner}:"),
                "profile": masked(names.get(owner, "")) or None,
            }
            for file, owner in envfiles.other_keys(links.here(), key_id(given))
        ],
    }


def _print_current(path: str, active: Active) -> None:
    profile = active.profile
    if active.why == "nobody":
        _show_none(os.environ.get("FAL_KEY"))
    elif profile is None:
        click.echo(printable(f"No profile is active: {path} sets no default."))
    else:
        file = detect.set_by_direnv("FAL_PROFILE", unchanged=True)
        source = {
            "default": f"the default in {path}",
            "folder": f"named by {links.chain()[-1].path if active.why == 'folder' else ''}",
            "pin": f"pinned by FAL_PROFILE{f' in {file}' if file else ''}",
            "shell": "since the last prompt of this shell",
        }
        click.echo(printable(f"{masked(profile.name)} ({source[active.why]})"))
        click.echo(printable(f"key   {mask(profile.key)}"))
        if profile.host:
            click.echo(printable(f"host  {masked(profile.host)}"))


def _show_none(given: str | None) -> None:
    """Print what `use --none` means here. `given` is a FAL_KEY that was set after it."""
    since = [f"FAL_KEY ({mask(given)})"] if given else []
    since += rivals()
    if not since:
        click.echo("This shell has no fal credentials (fal profile use --none).")
        return
    click.echo("This shell had no fal credentials (fal profile use --none).")
    say(f"set since then: {', '.join(since)}; to remove that: fal profile use --none")


def in_this_shell(found: Store) -> tuple[Active, Active]:
    """Return the profile that programs use in this shell, and the one of its next prompt.

    The two differ if someone has switched since the last prompt. Errors: as `resolve`.
    """
    coming = resolve(found)
    if coming.why == "nobody" or is_asked_for() or shown_profile() in {"", label(coming.name)}:
        return coming, coming
    return Active(for_program(found).profile, "shell"), coming


def _tell_of_key(active: Active, cure: str) -> None:
    """Say if a variable makes programs use another account than the active profile's."""
    given = os.environ.get("FAL_KEY")
    if active.profile and rivals():
        say(
            f"these variables choose another account or server: {', '.join(rivals())}; "
            f"to set them aside: {cure}"
        )
    expected = active.key
    if given == expected or active.why == "nobody":
        return
    file = detect.set_by_direnv("FAL_KEY", unchanged=True)
    cure = f"edit {file}, which sets FAL_KEY" if file else cure
    if given is None:
        say(f"FAL_KEY is not set in this shell; to set it: {cure}")
    elif active.profile is None:
        say(f"programs use the FAL_KEY of this shell: {mask(given)}")
    elif expected is None:
        own = f"FAL_KEY in this shell is not an active profile's key: {mask(given)}"
        say(f"{own}; {file} sets it" if file else own)
    else:
        say(f"FAL_KEY in this shell is not the profile's key: {mask(given)}; to replace it: {cure}")


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("--none", "none", is_flag=True, help="Run it without any fal credentials.")
@click.argument("name", required=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="-- COMMAND...")
def exec_(*, none: bool, name: str | None, command: tuple[str, ...]) -> None:
    """Run one command with a profile.

    The shell itself does not change. With --none instead of NAME, the command has no fal
    credentials.

    \b
        fal profile exec comfy -- python job.py
        fal profile exec --none -- python job.py
    """
    if none:
        words = command if name is None else (name, *command)
        fast.run_without(list(words[words[:1] == ("--",) :]))
    if name is None:
        raise UsageError("give NAME or --none; see: fal profile exec --help")
    fast.run(name, list(command[command[:1] == ("--",) :]))


@click.command("prompt")
def prompt() -> None:
    """Print the active profile, formatted for a prompt.

    FALENV_PROMPT sets the format; the default is "(fal:{name}{mark}) ". {mark} is * if the shell
    is pinned, / if the folder chose the profile, and ! if the key or host in this shell is not the
    profile's. {why} is pin, folder or default.

    If a program such as tmux runs this in any folder, start it as `python -I -m falenv`. Then it
    takes no code from that folder.

    \b
        fal profile prompt
    """
    fast.prompt()


@click.command("completion")
@click.argument("shell", metavar="SHELL", type=click.Choice(sorted(dialects.DIALECTS)))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    SHELL is bash, fish or zsh. A shell that loads falenv has the completions already.

    \b
        fal profile completion zsh > ~/.zfunc/_fal
    """
    emit(assets.read("completions", dialects.find(shell).completion))


COMMANDS = (env, start, refresh, dotenv, use, off, on, current, exec_, prompt, completion)
