"""The commands, declared for click: parse, ask, call, print. One file per topic."""

from __future__ import annotations

import sys

import click

import falenv
from falenv import program
from falenv.commands import folder, install, manage, session, settings
from falenv.errors import FalenvError, UsageError
from falenv.masking import shown_words


class _Formatter(click.HelpFormatter):
    """Spells the commands in the help as they work for its reader."""

    def getvalue(self) -> str:
        return program.runnable(super().getvalue())


click.Context.formatter_class = _Formatter
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group("falenv", context_settings=CONTEXT)
@click.version_option(falenv.__version__, prog_name="falenv")
def root() -> None:
    """Switch fal.ai accounts in your shell.

    The scripts `falenv` and `fal` are the same program. `fal profile` belongs to falenv. falenv
    passes every other command to the official CLI, with the active profile's key.
    """


@root.group("profile")
def profile() -> None:
    """Keep a profile per fal.ai account and switch between them.

    Load falenv into this shell, then into every new shell:

    \b
        eval "$(fal profile env)"
        fal profile install
    """


for command in (
    *settings.COMMANDS,
    *session.COMMANDS,
    *manage.COMMANDS,
    *folder.COMMANDS,
    *install.COMMANDS,
):
    profile.add_command(command)


def run(arguments: list[str]) -> int:
    """Run a command line (without the program's name) and return the exit code."""
    if arguments[:1] == ["profiles"]:
        arguments = ["profile", *arguments[1:]]
    if arguments in ([], ["profile"]):
        arguments = [*arguments, "--help"]
    prog = program.command() if arguments[:1] == ["profile"] else "falenv"
    for stream in (sys.stdout, sys.stderr):  # escapes a name that the locale cannot encode
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        # root.main() would handle Ctrl-C and a closed stdout in its own way.
        with root.make_context(prog, arguments) as context:
            root.invoke(context)
            return 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else prog
        message = shown_words(error.format_message()).rstrip(".")
        message = message[:1].lower() + message[1:]
        raise UsageError(f"{message}; see: {where} --help") from None
    except click.Abort:
        raise FalenvError("cancelled; nothing was changed") from None
