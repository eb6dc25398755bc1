"""What acts on the shell or on one command, and the prompt: env, use, off, on, current, exec."""

from __future__ import annotations

import os

import click

from falenv import assets, detect, dialects, fast, links, notices, paths, store
from falenv.active import resolve
from falenv.console import emit, say
from falenv.errors import FalenvError, UsageError
from falenv.masking import mask, masked, printable

NOT_HERE = f"falenv is not in this shell; first: {notices.EVAL}"


@click.command("env")
@click.argument("name", required=False)
@click.option("--shell", metavar="SHELL", help=f"One of {', '.join(dialects.NAMES)}.")
@click.option("--exports-only", is_flag=True, help="The exports without function, hook and so on.")
@click.option("--unset", is_flag=True, help="The code that takes the variables away.")
@click.option("--no-prompt", is_flag=True, help="Without the segment in the prompt.")
def env(**options: str | bool | None) -> None:
    """Print the code that makes a shell follow, for eval.

    With NAME the shell is pinned to that profile. In an .envrc the exports alone are printed.

    \b
        eval "$(fal profile env)"
    """
    fast.env(**options)  # type: ignore[arg-type]  # the options above are its parameters


@click.command("start", hidden=True)
@click.option("--shell", metavar="SHELL")
@click.option("--cache", metavar="PATH")
@click.option("--program", metavar="PATH")
def start(**options: str | None) -> None:
    """Print the integration for a start-up file, and write its copy to the cache."""
    fast.start(**options)


@click.command("refresh", hidden=True)
@click.option("--shell", metavar="SHELL")
@click.option("--was", metavar="NAME")
@click.option("--cache", metavar="PATH")
@click.option("--program", metavar="PATH")
def refresh(**options: str | None) -> None:
    """Print the state for a shell that has the integration; NAME is what it was on."""
    fast.refresh(**options)


@click.command("use")
@click.argument("name", nargs=-1)
@click.option("--default", "default", is_flag=True, help="Follow the default again.")
def use(*, name: tuple[str, ...], default: bool) -> None:
    """Pin this shell to a profile; `-` goes back to the one before.

    The integration does this itself. Only what it cannot do gets here.
    """
    mark = fast.mark_of_shell()
    if mark == "done":
        if detect.set_by_direnv("FAL_KEY", "FAL_PROFILE"):
            say(
                "direnv has set this folder's profile; the new one holds until you leave the "
                "folder, or direnv reloads it; for good: edit its .envrc"
            )
        return
    if len(name) + default != 1 or name == ("",):
        raise UsageError("give a profile, - or --default; see: fal profile use --help")
    if name != ("-",) and not default:
        resolve(store.read(paths.store()), name[0])
    if not mark:
        raise FalenvError(NOT_HERE)
    raise FalenvError("this shell was on no other profile yet, to go back to")


@click.command("off")
def off() -> None:
    """Take falenv out of this shell, and give back the variables it found."""
    raise FalenvError(NOT_HERE)


@click.command("on")
def on() -> None:
    """Put falenv back into this shell: the same as env.

    After `off` nothing of ours is left in the shell that could do it, so here too it takes

    \b
        eval "$(fal profile on)"
    """
    if fast.mark_of_shell():
        say("falenv is on in this shell")
    else:
        fast.env()


@click.command("current")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--name", "only_name", is_flag=True, help="Print the name alone.")
def current(*, as_json: bool, only_name: bool) -> None:
    """Show which profile is active here, and why."""
    mark = fast.mark_of_shell()
    if only_name:
        fast.current_name()
        return
    path = paths.store()
    found = store.read(path)
    active = resolve(found)
    profile = active.profile
    chain = links.chain()
    link = chain[-1] if chain and active.why == "folder" else None
    given = os.environ.get("FAL_KEY")
    expected = profile.key if profile else None
    if as_json:
        import json

        click.echo(
            json.dumps(
                {
                    "profile": masked(active.name) or None,
                    "why": active.why,
                    "store": path,
                    "folder": link.path if link else None,
                    "default": masked(found.default) or None,
                    "key": mask(expected) if expected else None,
                    "host": masked(profile.host) if profile and profile.host else None,
                    "shell": {
                        "key": mask(given) if given else None,
                        "is_active": given == expected,
                    },
                }
            )
        )
        return
    if profile is None:
        click.echo(f"No profile is active: {path} sets no default.")
    else:
        reason = {
            "default": f"the default in {path}",
            "folder": f"the folder's, by {link.path if link else ''}",
            "pin": "FAL_PROFILE pins this shell to it",
        }
        click.echo(printable(f"{masked(profile.name)} ({reason[active.why]})"))
        click.echo(printable(f"key   {mask(profile.key)}"))
        if profile.host:
            click.echo(printable(f"host  {masked(profile.host)}"))
    for other in chain:
        if other.verdict != "allowed":
            state = {"unknown": "not allowed yet", "denied": "denied"}.get(other.verdict)
            say(other.problem or f"{other.path} is not followed: {state}")
    if given == expected:
        return
    again = masked(active.name) if active.why == "pin" else "--default"
    cure = f"fal profile use {again}" if mark else notices.EVAL
    if given is None:
        say(f"FAL_KEY is not set in this shell; to set it: {cure}")
    elif expected is None:
        say(f"FAL_KEY in this shell was set by hand: {mask(given)}")
    else:
        say(
            f"FAL_KEY in this shell is another, set by hand or before falenv: {mask(given)}; "
            f"to replace it: {cure}"
        )


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def exec_(*, name: str, command: tuple[str, ...]) -> None:
    """Run one command with a profile; nothing in the shell changes.

    \b
        fal profile exec NAME -- COMMAND [ARGUMENT…]
    """
    fast.mark_of_shell()
    fast.run(name, list(command[command[:1] == ("--",) :]))


@click.command("prompt")
def prompt() -> None:
    """Print the prompt segment, for prompts that start a process.

    Such as that of tmux. FALENV_PROMPT may hold another format than "(fal:{name}{mark}) ": {name},
    {mark} (* pinned, / by the folder), {why} (pin, folder or default).
    """
    fast.prompt()


@click.command("completion")
@click.argument("shell", type=click.Choice(sorted(dialects.DIALECTS)))
def completion(shell: str) -> None:
    """Print the completion script alone; the integration brings it along."""
    emit(assets.read("completions", dialects.find(shell).completion))


COMMANDS = (env, start, refresh, use, off, on, current, exec_, prompt, completion)
