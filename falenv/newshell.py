"""Start a new shell as a terminal would, and ask it whether falenv is loaded there."""

from __future__ import annotations

import os
import signal
import subprocess

from falenv import assets, paths
from falenv.environment import apply, given_back

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.environment import Environment

#: A start-up file that waits for something is not waited for.
SECONDS = 10.0
_SAYS = "falenv-says "
_PROBES = {"bash": "probe.sh", "zsh": "probe.sh", "fish": "probe.fish"}
#: The oldest versions that falenv works with.
OLDEST = {"bash": (3, 2), "zsh": (5, 0), "fish": (3, 4)}


class NewShell:
    """What a new interactive shell said about itself.

    `answered` is False if its start-up files ended the shell, replaced it, or took too long. `key`
    and `own` are the ids of its FAL_KEY and of the key that falenv set. `hooks` is what runs before
    a prompt, in its order; empty in fish. `completes` says if TAB after `fal` completes.
    """

    __slots__ = ("answered", "completes", "hooks", "key", "loaded", "name", "own", "version")

    def __init__(self, name: str, said: dict[str, str]) -> None:
        self.name = name
        self.answered = "version" in said
        self.loaded = "loaded" in said
        self.version = said.get("version", "")
        self.key = said.get("key", "")
        self.own = said.get("own", "")
        self.hooks = said.get("hooks", "")
        self.completes = "completes" in said or name == "fish"

    @property
    def is_too_old(self) -> bool:
        """Whether falenv does not work with this version of the shell."""
        numbers = self.version.split("(")[0].split(".")[:2]
        if not all(number.isdigit() for number in numbers) or len(numbers) < 2:  # noqa: PLR2004
            return False
        return tuple(map(int, numbers)) < OLDEST[self.name]


def ask(name: str) -> NewShell | None:
    """Start a shell with its start-up files and return what it says; None without such a shell.

    It gets this environment without what falenv has put there, no terminal and no input.
    """
    program = next(paths.which(name), "")
    if not program or name not in _PROBES:
        return None
    home = os.path.expanduser("~")
    process = subprocess.Popen(
        [program, "-ic", assets.read("shell", _PROBES[name])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        cwd=home if os.path.isdir(home) else "/",
        start_new_session=True,
    )
    with process:
        try:
            output, _ = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired as late:
            output = late.stdout or b""
            # Its session is its own, so this ends the shell and what its start-up files run.
            os.killpg(process.pid, signal.SIGKILL)
    lines = output.decode("utf-8", "replace").split("\n")
    facts = [line[len(_SAYS) :].partition(" ") for line in lines if line.startswith(_SAYS)]
    return NewShell(name, {fact: value.strip() for fact, _, value in facts})


def _environment() -> dict[str, str]:
    """Return the environment of a shell that no integrated shell has started."""
    ours: Environment = {name: None for name in os.environ if name[:7] == "FALENV_"}
    variables = apply(given_back() | ours)
    return {name: variables[name] for name in variables if name[:9] != "__falenv_"}
