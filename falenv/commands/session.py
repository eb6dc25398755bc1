"""The commands for a shell, a prompt or one program: env, use, off, on, current, exec, prompt."""

from __future__ import annotations

import os

import click

from falenv import (
    assets,
    detect,
    dialects,
    envfiles,
    envtext,
    fast,
    links,
    notices,
    paths,
    picker,
    segment,
    store,
    timed,
)
from falenv.active import Active, choice, for_program, is_asked_for, resolve
from falenv.active import shown as shown_profile
from falenv.console import emit, say
from falenv.environment import adopt, rivals
from falenv.errors import FalenvError, UsageError
from falenv.masking import as_json as as_json_text
from falenv.masking import as_word, key_id, label, mask, masked, message, printable, shown
from falenv.program import runnable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.profile import Profile
    from falenv.store import Store


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
    mark = fast.mark_of_shell()
    if only_name:
        fast.current_name()
        return
    found = store.read(paths.store())
    try:
        active, coming = in_this_shell(found)
    except FalenvError:
        if in_full:  # the steps show what is wrong
            _explain(found, mark, as_json=as_json)
        raise
    notices.tell_of_flaw(found, active.profile)
    if as_json:
        about = _current_as_json(found, active, coming)
        if in_full:
            _explain(found, mark, as_json=True, about=about)
        else:
            click.echo(as_json_text(about))
        return
    _print_current(found.path, active)
    if in_full:
        _explain(found, mark)
    if active is not coming:
        now = f"{shown(coming.name)} is active" if coming.name else "no profile is active"
        say(f"{now} now; this shell follows at its next prompt, or with: fal profile use --default")
    _tell_of_folder(found)
    hint = notices.first_contact(found)
    if hint and active.why == "none":
        say(hint)
        return
    again = as_word(active.name) if active.why == "pin" else "--default"
    _tell_of_key(active, f"fal profile use {again}" if mark else "")


def _explain(
    found: Store, mark: str, *, as_json: bool = False, about: dict[str, object] | None = None
) -> None:
    """Print the steps that choose a profile, and the credential of each client.

    `about` is what the JSON says besides.
    """
    from falenv import explain

    is_integrated = fast.is_integrated(mark)
    if as_json:
        steps = explain.as_json(found, is_integrated=is_integrated)
        click.echo(as_json_text((about or {}) | steps))
        return
    for line in explain.lines(found, is_integrated=is_integrated):
        click.echo(message(runnable(line)))


def _tell_of_folder(found: Store) -> None:
    """Say which `.fal-profile` files are passed over here, and which `.env` has another key."""
    for other in links.chain():
        if other.verdict != "allowed":
            reason = "you denied it" if other.verdict == "denied" else "you have not allowed it"
            say(
                other.problem
                or f"{other.path} is ignored, because {reason}; to use it: fal profile allow"
            )
    for file, owner in envfiles.other_keys(links.here(), key_id(os.environ.get("FAL_KEY"))):
        notices.tell_of_env_file(file, owner, found.names_by_id.get(owner, ""))


def _current_as_json(found: Store, active: Active, coming: Active) -> dict[str, object]:
    profile = active.profile
    given = os.environ.get("FAL_KEY")
    names = found.names_by_id
    return {
        "profile": masked(active.name) or None,
        "why": active.why,
        "until": timed.until() or None,
        "next": masked(coming.name) or None,
        "store": found.path,
        "folder": links.chain()[-1].path if active.why == "folder" else None,
        "default": masked(found.default) or None,
        "key": _masked_key(profile) if profile and (profile.key or profile.known_id) else None,
        "key_source": profile.source if profile else None,
        "host": masked(profile.host) if profile and profile.host else None,
        "shell": {
            "key": mask(given) if given else None,
            "is_active": given == (profile.shell_key if profile else None) and not rivals(),
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
            "pin": f"pinned by FAL_PROFILE{f' in {file}' if file else ''}{timed.words()}",
            "shell": "since the last prompt of this shell",
        }
        click.echo(printable(f"{masked(profile.name)} ({source[active.why]})"))
        click.echo(printable(f"key   {_masked_key(profile)}{_about_key(profile)}"))
        if profile.host:
            click.echo(printable(f"host  {masked(profile.host)}"))


def _masked_key(profile: Profile) -> str:
    """Return the key for a terminal: its id, also that of a key that nobody has fetched yet."""
    if profile.suffix == segment.LOCKED:
        return mask(f"{profile.known_id}:") if profile.known_id else "unknown"
    return mask(profile.key)


def _about_key(profile: Profile) -> str:
    """Return what `current` says behind the key of a profile."""
    about = []
    if profile.has_source:
        what = f"from {profile.source_words}"
        about.append(f"{what}, so the official CLI has it only through falenv")
    if profile.is_exec_only:
        about.append("only for exec and for fal, not in this shell")
    elif profile.suffix:
        about.append(f"not in this shell; to get it: fal profile use {as_word(profile.name)}")
    return f" ({'; '.join(about)})" if about else ""


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
        _adopt(coming)
        return coming, coming
    here = Active(for_program(found).profile, "shell")
    _adopt(here)
    return here, coming


def _adopt(active: Active) -> None:
    if active.profile:
        adopt(active.profile)


def _tell_of_key(active: Active, cure: str) -> None:
    """Say if a variable makes programs use another account than the active profile's.

    `cure` is the command for it. It is empty in a shell that has to load falenv first.
    """

    def to(aim: str) -> str:
        return f"{aim}: {cure}" if cure else notices.loading(aim)

    given = os.environ.get("FAL_KEY")
    if active.profile and rivals():
        say(
            f"these variables choose another account or server: {', '.join(rivals())}; "
            f"{to('to set them aside')}"
        )
    expected = active.profile.shell_key if active.profile else None
    if active.profile and not (given or expected):
        login = notices.of_login(active.profile)
        if login:
            say(login)
    if given == expected or active.why == "nobody":
        return
    file = detect.set_by_direnv("FAL_KEY", unchanged=True)
    if file:
        cure = f"edit {file}, which sets FAL_KEY"
    if given is None:
        say(f"FAL_KEY is not set in this shell; {to('to set it')}")
    elif active.profile is None:
        say(f"programs use the FAL_KEY of this shell: {mask(given)}")
    elif expected is None:
        own = f"FAL_KEY in this shell is not an active profile's key: {mask(given)}"
        say(f"{own}; {file} sets it" if file else own)
    else:
        say(f"FAL_KEY in this shell is not the profile's key: {mask(given)}; {to('to replace it')}")


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
