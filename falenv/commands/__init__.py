"""The commands, declared for click: parse, ask, call, print. One file per topic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

import click

import falenv
from falenv import program
from falenv.errors import FalenvError, UsageError
from falenv.masking import shown_words


class _Formatter(click.HelpFormatter):
    """Spells the commands in the help as they work for its reader."""

    def getvalue(self) -> str:
        return program.runnable(super().getvalue())


click.Context.formatter_class = _Formatter
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


#: The commands of each file, in the order of the completions.
FILES = {
    "settings": ("list", "set", "unset", "key", "host", "create", "delete", "protect"),
    "session": (
        "env", "start", "refresh", "dotenv", "pick", "use", "off", "on", "current", "exec",
        "prompt", "completion",
    ),
    "manage": ("rename", "edit", "import", "export"),
    "folder": ("link", "unlink", "allow", "deny"),
    "check": ("verify", "doctor"),
    "install": ("install", "uninstall"),
}  # fmt: skip
#: The groups of the help, each with its commands in the order of the help.
GROUPS = {
    "Everyday": (
        "use", "current", "exec", "verify", "protect", "rename", "edit", "import", "export",
    ),
    "Folders": ("link", "unlink", "allow", "deny"),
    "Setup": ("install", "uninstall", "doctor", "env", "off", "on", "prompt", "completion"),
    "As in the official CLI": ("list", "set", "unset", "key", "host", "create", "delete"),
}  # fmt: skip
#: Words that other tools use for a command of falenv.
HINTS = {
    "ls": "list",
    "show": "current",
    "status": "current",
    "whoami": "current",
    "switch": "use NAME",
    "select": "use NAME",
    "activate": "use NAME",
    "deactivate": "use --none",
    "default": "set NAME",
    "add": "create NAME",
    "new": "create NAME",
    "rm": "delete NAME",
    "remove": "delete NAME",
    "mv": "rename NAME NEW_NAME",
    "move": "rename NAME NEW_NAME",
    "login": "key NAME",
    "run": "exec NAME -- COMMAND",
    "shell": "exec NAME",
    "config": "edit",
    "init": "install",
    "setup": "install",
}


class _Commands(Mapping[str, click.Command]):
    """The commands by name. A file is imported when one of its commands is needed.

    All files take as long to import as click.
    """

    def __getitem__(self, name: str) -> click.Command:
        file = next((file for file, names in FILES.items() if name in names), None)
        if file is None:
            raise KeyError(name)
        commands: tuple[click.Command, ...] = import_module(f"falenv.commands.{file}").COMMANDS
        return next(command for command in commands if command.name == name)

    def __iter__(self) -> Iterator[str]:
        return (name for names in FILES.values() for name in names)

    def __len__(self) -> int:
        return sum(map(len, FILES.values()))


class _Profile(click.Group):
    """Shows its commands in groups, and names the nearest one for a mistyped one."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        for title, names in GROUPS.items():
            commands = [self.commands[name] for name in names]
            width = formatter.width - 6 - max(len(command.name or "") for command in commands)
            rows = [(command.name or "", command.get_short_help_str(width)) for command in commands]
            with formatter.section(title):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        hint = "" if self.get_command(ctx, args[0]) else self._hint(args[0])
        if hint:
            what = f"no such command {args[0]!r}; did you mean: fal profile {hint}"
            raise click.UsageError(what, ctx)
        return super().resolve_command(ctx, args)

    def _hint(self, word: str) -> str:
        import difflib

        known = [name for name, command in self.commands.items() if not command.hidden]
        close = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
        return HINTS.get(word) or next(iter(close), "")


@click.group("falenv", context_settings=CONTEXT)
@click.version_option(falenv.__version__, prog_name="falenv")
def root() -> None:
    """Switch fal.ai accounts in your shell.

    The scripts `falenv` and `fal` are the same program. `fal profile` belongs to falenv. falenv
    passes every other command to the official CLI, with the active profile's key.
    """


@root.group("profile", cls=_Profile, commands=_Commands())
def profile() -> None:
    """Keep a profile per fal.ai account and switch between them.

    Load falenv into this shell, then into every new shell:

    \b
        eval "$(fal profile env)"
        fal profile install
    """


def run(arguments: list[str]) -> int:
    """Run a command line (without the program's name) and return the exit code."""
    if arguments[:1] == ["profiles"]:
        arguments = ["profile", *arguments[1:]]
    if arguments in ([], ["profile"]):
        arguments = [*arguments, "--help"]
    prog = program.command() if arguments[:1] == ["profile"] else "falenv"
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
