"""The commands for a shell, a prompt or one program: env, use, off, on, current, exec, prompt."""

from __future__ import annotations

import os

import click

from falenv import (
    assets,
    detect,
    dialects,
    envtext,
    fast,
    notices,
    paths,
    picker,
    store,
    timed,
)
from falenv import current as current_profile
from falenv.active import choice, resolve
from falenv.active import shown as shown_profile
from falenv.console import emit, say
from falenv.errors import FalenvError, UsageError
from falenv.masking import label

TYPE_CHECKING = False


#: The shells that have a completion script of their own.
COMPLETED = sorted(dialect.name for dialect in dialects.DIALECTS.values() if dialect.completion)


@click.command("env")
@click.argument("name", required=False)
@click.option("--shell", metavar=f"[{'|'.join(dialects.NAMES)}]", help="Print code for this shell.")
@click.option("--exports-only", is_flag=True, help="Print only the exports.")
@click.option(
    "--format",
    metavar=f"[{'|'.join(envtext.FORMATS)}]",
    help="Print the variables for another program.",
)
@click.option("--unset", is_flag=True, help="Print code that unsets the variables.")
@click.option("--no-prompt", is_flag=True, help="Do not show the profile in the prompt.")
def env(**options: str | bool | None) -> None:
    """Print the code that loads falenv into a shell.

    With NAME, the code also pins the shell to that profile. Without --shell, falenv detects your
    shell. In an .envrc, the code contains only exports.

    --format prints FAL_KEY and the hosts: json, dotenv for an .env file, docker for `docker run
    --env-file`, systemd for EnvironmentFile=. github hides the key in the log of a GitHub Actions
    job, and sets the variables for its later steps.

    \b
        eval "$(fal profile env)"
        eval "$(fal profile env comfy)"
        fal profile env comfy --format json | jq .FAL_KEY
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
@click.option("--use", is_flag=True)
@click.option("--yes", is_flag=True)
@click.option("--duration", metavar="TIME")
def refresh(**options: str | bool | None) -> None:
    """Print the state for a shell that has the integration and was on profile NAME."""
    fast.refresh(**options)  # type: ignore[arg-type]  # as declared above


@click.command("dotenv", hidden=True)
@click.argument("env_files", nargs=-1, metavar="PATH...")
def dotenv(env_files: tuple[str, ...]) -> None:
    """Say once for each version of an .env file whose key it has, if not the one of this shell."""
    fast.dotenv(list(map(os.path.abspath, env_files)))


NAME_OR_OPTION = "give one of NAME, -, --default or --none; see: fal profile use --help"


@click.command("pick", hidden=True)
def pick() -> None:
    """Let the user pick a profile, and print its name for a shell's `use`."""
    fast.mark_of_shell()
    found = store.read(paths.store())
    active = next((name for name in found.names if label(name) == shown_profile()), "")
    emit(picker.pick(found, active or choice(found)[0], NAME_OR_OPTION) + "\n")


@click.command("use")
@click.argument("name", nargs=-1, metavar="[NAME|-]")
@click.option("--default", "default", is_flag=True, help="Follow the default again.")
@click.option("--none", "none", is_flag=True, help="Have no fal credentials in this shell.")
@click.option("--for", "duration", metavar="TIME", help="Go back after 90s, 30m or 8h.")
@click.option("--yes", is_flag=True, help="Use a protected profile without asking.")
def use(
    *,
    name: tuple[str, ...],
    default: bool,
    none: bool,
    duration: str | None,
    yes: bool,  # noqa: ARG001 - the shell passes it on to `refresh`
) -> None:
    """Pin this shell to a profile.

    The shell then stays on this profile, whatever the default is. Without NAME, pick one from a
    list, with fzf if you have it. `-` goes back to what the shell used before. With --none, the
    shell and all programs that it starts have no fal credentials, not even the login of the
    official CLI.

    With --for, the shell goes back to what it used before at the first prompt after that time.

    \b
        fal profile use comfy
        fal profile use comfy --for 30m
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
        raise UsageError(NAME_OR_OPTION)
    if duration is not None:
        timed.end(duration)
        if not name or name == ("-",):
            raise UsageError("--for needs the NAME of a profile; see: fal profile use --help")
    if name and name != ("-",):
        resolve(store.read(paths.store()), name[0])
    if not mark:
        raise FalenvError(
            f"only the shell function fal can switch this shell; {notices.loading('to load it')}"
        )
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
@click.option(
    "--explain", "in_full", is_flag=True, help="Show each step, and what each client uses."
)
def current(*, as_json: bool, only_name: bool, in_full: bool) -> None:
    """Show which profile is active here, and why.

    Show the profile that programs use in this shell. If another profile is active since the last
    prompt, name it. Say if a variable in this shell makes programs use another account.

    With --explain, show each step by which falenv chooses a profile (pin, folder, default) with
    file and line. Then show which credential the official CLI, fal_client and the JS client use
    here, and why.

    \b
        fal profile current
        fal profile current --name
        fal profile current --explain
    """
    if only_name:
        fast.current_name()
    else:
        current_profile.show(as_json=as_json, in_full=in_full)


@click.command("exec", context_settings={"allow_interspersed_args": False})
@click.option("--none", "none", is_flag=True, help="Run it without any fal credentials.")
@click.option("--yes", is_flag=True, help="Use a protected profile without asking.")
@click.option("-e", "--exit", "stops", is_flag=True, help="Stop at the first failure.")
@click.argument("name", required=False)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[--] [COMMAND]...")
def exec_(
    *, none: bool, yes: bool, stops: bool, name: str | None, command: tuple[str, ...]
) -> None:
    """Run one command with a profile.

    The shell itself does not change. Without a command, start your own shell with that profile.
    With --none instead of NAME, the command has no fal credentials.

    NAME can be a pattern of *, ? and [...]. The command then runs once for each profile, with a
    heading and a summary on stderr. -e stops at the first failure.

    \b
        fal profile exec comfy -- python job.py
        fal profile exec comfy
        fal profile exec -e 'client-*' -- fal app list
        fal profile exec --none -- python job.py
    """
    if none:
        words = command if name is None else (name, *command)
        fast.run_without(list(words[words[:1] == ("--",) :]))
    if name is None:
        raise UsageError("give NAME or --none; see: fal profile exec --help")
    while command[:1] in {("-e",), ("--exit",), ("--yes",)}:  # behind the name
        stops, yes = stops or command[0] != "--yes", yes or command[0] == "--yes"
        command = command[1:]
    fast.run(name, list(command[command[:1] == ("--",) :]), stops=stops, yes=yes)


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
@click.argument("shell", metavar="SHELL", type=click.Choice(COMPLETED))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    SHELL is bash, fish or zsh. A shell that loads falenv has the completions already.

    \b
        fal profile completion zsh > ~/.zfunc/_fal
    """
    emit(assets.read("completions", dialects.find(shell).completion))


COMMANDS = (env, start, refresh, dotenv, pick, use, off, on, current, exec_, prompt, completion)
