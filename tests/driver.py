"""Drive any shell as a user does: type a line, see all of the answer.

`Kind` says what differs between the shells: their syntax and what they can do. `Shell` is one
interactive shell on a terminal. tests/bench uses both.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import termios
import time
import unicodedata
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pexpect
import pyte
from wcwidth import wcwidth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

UNSET = "<unset>"
PROMPT = "ready> "
#: falenv's own part of a prompt, as its default format shows it.
SEGMENT = r"(\(fal:.*\) )?"
#: The rows that the programs believe in. Our screen has more, so that no answer scrolls away.
ROWS, KEPT_ROWS = 40, 3000
#: Wide enough that no message wraps, so that a test can compare whole lines.
COLUMNS = 500


# --- The kinds of shells -------------------------------------------------------------------------


@dataclass(frozen=True)
class Syntax:
    """How a family of shells writes what the tests need, as templates for str.format."""

    export: str
    assign: str
    unset: str
    function: str
    #: `eval` of a command's output, which integrates a shell.
    evaluate: str
    #: A word that yields a variable, also where the variable is unset.
    word: str
    #: Print a variable's value, or UNSET.
    show: str
    block: str
    loop: str
    status: str


POSIX = Syntax(
    export="export {name}={value}",
    assign="{name}={value}",
    unset="unset {name}",
    function="{name}() {{ {body}\n}}",
    evaluate='eval "$({command})"',
    word='"${{{name}-}}"',
    show='printf %s "${{{name}-{unset}}}"',
    block="{{ {code}; }}",
    loop="n=0; while [ $n -lt {count} ]; do {body}\nn=$((n+1)); done",
    status="$?",
)
#: bash and zsh count by themselves.
COUNTING = replace(POSIX, loop="for ((n = 0; n < {count}; n++)); do {body}\ndone")
FISH = Syntax(
    export="set -gx {name} {value}",
    assign="set -g {name} {value}",
    unset="set -e -g {name}",
    function="function {name}; {body}\nend",
    evaluate="{command} | source",
    word='"${name}"',
    show="if set -q {name}; printf %s ${name}; else; printf %s '{unset}'; end",
    block="begin; {code}; end",
    loop="for n in (seq {count}); {body}\nend",
    status="$status",
)


@dataclass(frozen=True)
class Kind:
    """A kind of shell: how to say something in it, and what it can do."""

    name: str
    syntax: Syntax = POSIX
    #: Start it without any start-up file.
    flags: tuple[str, ...] = ()
    #: Runs code before each prompt, so that falenv can follow there. dash cannot.
    has_hook: bool = True
    #: Runs `( … )`, `… &` and `$(…)` in a copy of itself, which cannot change it.
    has_subshells: bool = True
    #: Can print the text of a function, so that falenv can give it back.
    has_readable_functions: bool = True
    #: Has a line editor. dash leaves that to the terminal.
    edits_lines: bool = True
    has_aliases: bool = True
    has_global_aliases: bool = False
    #: Starts without HOME.
    starts_without_home: bool = True
    #: Draws a prompt that is wider than the terminal.
    has_wide_prompts: bool = True
    #: The columns that a right prompt leaves free at the edge.
    right_margin: int = 0
    #: What `set` switches on to see each command, one trace an entry.
    traces: tuple[str, ...] = ("set -x", "set -v")
    #: What a user's options look like in `$-`; not in fish.
    has_flags: bool = True
    #: Lines that set the user's prompt, `{prompt}` being its text.
    prompt: str = "PS1='{prompt}'"
    #: As `prompt`, where the text runs code (`$(…)`) when it is shown.
    live_prompt: str = "PS1='{prompt}'"
    #: Run `{body}` before each prompt.
    hook: str = ""
    #: A trap of the user's for SIGINT, which does nothing.
    on_interrupt: str = "trap ': interrupted' INT"
    #: Print what the shell runs before each prompt.
    hooks: str = 'printf "%s\\n" "$PS1"'
    #: Run in a script what the shell runs before each prompt.
    run_hooks: str = ""
    #: What lists all that the shell holds, one command an entry.
    everything: tuple[str, ...] = ()
    #: What prints all that the shell holds for a comparison, and words of lines that change by
    #: themselves.
    snapshot: str = ""
    moving: tuple[str, ...] = ()
    #: Load what the completions need; nothing where the shell itself does.
    load_completions: str = ""
    #: Stands behind an option that takes a value, once it is completed.
    before_value: str = " "
    #: Completes by functions, which can ask another function; fish has lists.
    completes_by_functions: bool = True
    #: Says in the specification of an option what its values are.
    describes_options: bool = False
    #: Words of falenv's own code that a user may define as functions or aliases.
    words: tuple[str, ...] = ("cd", "printf")
    #: What such a function does, `{0}` being the word.
    shadow: str = "echo MINE-{0}"
    #: Can take the hook out of the prompt while the hook runs. In ksh and mksh the hook is in PS1,
    #: which is being expanded then.
    takes_hook_out: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def status(self) -> str:
        return self.syntax.status

    def quote(self, text: str) -> str:
        """Return a word that this shell reads as `text`."""
        if self.syntax is FISH:
            return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
        return shlex.quote(text)

    def eval_line(self, words: str = "", *, program: str = "fal") -> str:
        """Return the line that integrates a shell of this kind."""
        command = f"{program} profile env {words}".rstrip()
        return self.syntax.evaluate.format(command=command)

    def export(self, name: str, value: str) -> str:
        return self.syntax.export.format(name=name, value=self.quote(value))

    def assign(self, name: str, value: str) -> str:
        return self.syntax.assign.format(name=name, value=self.quote(value))

    def unset(self, name: str) -> str:
        return self.syntax.unset.format(name=name)

    def function(self, name: str, body: str) -> str:
        return self.syntax.function.format(name=name, body=body)

    def block(self, code: str) -> str:
        """Return lines of code as one command, which can be redirected."""
        return self.syntax.block.format(code=code)

    def loop(self, count: int, body: str) -> str:
        return self.syntax.loop.format(count=count, body=body)

    def words_of(self, *names: str) -> str:
        """Return one word for each variable."""
        return " ".join(self.syntax.word.format(name=name) for name in names)

    def show(self, *names: str) -> str:
        """Return a command that prints variables as `<…><…>`."""
        return f"printf '<%s>' {self.words_of(*names)}"

    def own(self, name: str) -> str:
        """Return the name of a variable that falenv keeps in the shell.

        What no test can see in another way: `exe` (the program), `python` (what runs it in the
        hook) and `index` (the file that says where each key stands).
        """
        return f"__falenv_{name}"

    def prompt_line(self, text: str = PROMPT) -> str:
        return self.prompt.format(prompt=text)

    def live_prompt_line(self, text: str) -> str:
        return self.live_prompt.format(prompt=text)

    def hook_line(self, body: str) -> str:
        """Return a line by which the user has `body` run before each prompt."""
        return self.hook.format(body=body)

    def script(self, text: str) -> list[str]:
        """Return the command line that runs a text without any start-up file."""
        return [needs(self.name), *self.flags, "-c", text]


_KSH_MOVING = ("_=", "EPOCH", "LINENO", "RANDOM", "SECONDS", "HISTCMD", "PPID", "PIPESTATUS")
_KSH = {
    "everything": ("set", "typeset -p", "typeset -f", "fc -l 1", "export -p", "trap", "alias"),
    "snapshot": "{ typeset -p; typeset -f; alias; trap; set -o; }",
    "moving": (*_KSH_MOVING, "BASHPID", ".sh."),
    "takes_hook_out": False,
}

KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "bash",
            syntax=COUNTING,
            flags=("--norc",),
            hook="PROMPT_COMMAND='{body}'",
            hooks="declare -p PROMPT_COMMAND 2>/dev/null",
            run_hooks='for hook in "${PROMPT_COMMAND[@]}"; do eval "$hook"; done',
            everything=(
                "set", "typeset -p", "declare -f", "history", "export -p", "trap", "alias", "jobs",
            ),
            snapshot="{ declare -p; declare -f; alias; complete -p; trap; shopt; set -o; }",
            moving=(
                "_=", "BASH", "EPOCH", "LINENO", "RANDOM", "SECONDS", "SRANDOM",
                "PIPESTATUS", "HISTCMD", "PPID", "COMP_",
            ),
            words=("source", "cd", "printf", "command"),
        ),
        Kind(
            "zsh",
            syntax=COUNTING,
            flags=("-f",),
            has_global_aliases=True,
            right_margin=1,
            prompt="PROMPT='{prompt}'",
            live_prompt="setopt prompt_subst; PROMPT='{prompt}'",
            hook="users_hook() {{ {body} }}; precmd_functions+=(users_hook)",
            hooks="print -rl -- $precmd_functions",
            run_hooks="for hook in $precmd_functions; do $hook; done",
            everything=(
                "set", "typeset -p", "functions", "fc -l 1", "export -p", "trap", "alias", "jobs",
            ),
            snapshot=(
                "{ : $functions $aliases $parameters; typeset -p; functions; alias -L; trap;"
                " setopt; bindkey -L; print -rl -- ${(kv)_comps}; }"
            ),
            moving=(
                "_=", "EPOCH", "LINENO", "RANDOM", "SECONDS", "HISTCMD", "TTY", "status=",
                "'?'", "pipestatus", "HISTNO", " ?=", "ERRNO",
            ),
            load_completions="autoload -Uz compinit; compinit -D",
            before_value="=",
            describes_options=True,
            words=("source", "cd", "printf", "command"),
        ),
        Kind(
            "fish",
            syntax=FISH,
            flags=("--no-config",),
            has_subshells=False,
            completes_by_functions=False,
            has_aliases=False,  # its aliases are functions
            starts_without_home=False,
            has_wide_prompts=False,  # it cuts them
            has_flags=False,
            traces=("set -g fish_trace 1",),
            prompt="function fish_prompt; echo -n '{prompt}'; end",
            live_prompt='function fish_prompt; echo -n "{prompt}"; end',
            on_interrupt="function interrupted --on-signal INT; end",
            hook="function users_hook --on-event fish_prompt; {body}; end",
            hooks="functions --handlers | string match '*falenv*'",
            run_hooks="emit fish_prompt",
            everything=(
                "set --long", "functions (functions -a -n)", "history", "complete", "jobs",
                "complete -C 'fal profile use '", "complete -C 'fal profile '",
            ),
            snapshot=(
                "begin; set -g; set -U; functions -a -n; functions --no-details fal;"
                " functions --no-details fish_prompt fish_mode_prompt;"
                " functions --handlers; complete; bind; end"
            ),
            moving=(
                "history", "CMD_DURATION", "pipestatus", "status ", "status_", "__fish_last_bind",
                "fish_killring", "fish_kill_signal", "fish_pid", "SHLVL",
            ),
            # fish's own functions use these words at each prompt.
            shadow=(
                "if status stack-trace | string match -q '*falenv*'; echo MINE-{0};"
                " else; builtin {0} $argv; end"
            ),
        ),
        Kind(
            "dash",
            has_hook=False,
            edits_lines=False,
            has_readable_functions=False,
            everything=("set", "export -p", "trap", "alias"),
            snapshot=(
                "{ set; export -p; alias; trap; set -o; type fal falenv_prompt | grep function; }"
            ),
            moving=("_=",),
        ),
        Kind(
            "ksh",
            hook="users_hook() {{ {body}; }}; PS1='${{ users_hook;}}" + PROMPT + "'",
            **_KSH,  # type: ignore[arg-type]
        ),
        Kind(
            "mksh",
            hook="users_hook() {{ {body}; }}; PS1='${{|users_hook;}}" + PROMPT + "'",
            **_KSH,  # type: ignore[arg-type]
        ),
    )
}  # fmt: skip


def needs(program: str) -> str:
    """Return a program's path. Without it a test is skipped on a laptop, and fails in CI."""
    found = shutil.which(program)
    if found is None:
        import pytest

        if os.environ.get("CI"):
            pytest.fail(f"{program} is missing")
        pytest.skip(f"{program} is missing")
    return found


def default_signals() -> None:
    """Give a child the signals that a terminal would give it, whatever this process ignores.

    A shell that begins with SIGINT ignored, as in `tests/run &` of a script or under nohup, can
    never take the signal back.
    """
    for name in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(name, signal.SIG_DFL)


def _prepare_terminal() -> None:
    """Make a child's start like that of a user's shell, on a terminal that shows no `^C`."""
    default_signals()
    attributes = termios.tcgetattr(0)
    attributes[3] &= ~termios.ECHOCTL
    termios.tcsetattr(0, termios.TCSANOW, attributes)


# --- A shell on a terminal -----------------------------------------------------------------------


class _Screen(pyte.Screen):
    """A tall terminal, whose empty rows cost nothing."""

    def erase_in_display(self, how: int = 0, *rest: Any, **options: Any) -> None:
        if how == 1:
            super().erase_in_display(how, *rest, **options)
            return
        for row in [row for row in self.buffer if how or row > self.cursor.y]:
            del self.buffer[row]
        if not how:
            self.erase_in_line(0)


class Shell:
    """An interactive shell on a real terminal.

    `talk` types a line and returns the answer from the screen. What a shell holds (`get`,
    `exported`, `stdout`) is read through files that the shell writes.
    """

    def __init__(  # noqa: PLR0913 - each is one thing that a test may want otherwise
        self,
        kind: Kind | str,
        folder: Path,
        environment: Mapping[str, str],
        rc: str,
        *,
        columns: int = COLUMNS,
        prefix: tuple[str, ...] = (),
        prompt: str = PROMPT,
        seconds: float = 30,
    ) -> None:
        self.kind = kind = KINDS[kind] if isinstance(kind, str) else kind
        self.folder = folder
        #: The end of each prompt, behind falenv's segment.
        self.prompt = prompt
        #: What may stand before that, as a pattern; anything else is part of an answer.
        self.segments = SEGMENT
        #: Whether the shell traces its commands, so that the terminal shows more than answers.
        self.is_traced = False
        #: All that the shell wrote to the terminal, escape sequences included.
        self.output = ""
        #: A folder of this shell's own, with its start-up file.
        self.files = folder / f".shell-{time.monotonic_ns()}"
        self.files.mkdir()
        self._count = 0
        self._screen = _Screen(columns, KEPT_ROWS)
        self._stream = pyte.Stream(self._screen)
        words, variables = self._start_up(rc)
        words = [*prefix, needs(kind.name), *words]
        self.child: Any = pexpect.spawn(
            words[0],
            words[1:],
            env={**environment, **variables},
            cwd=str(folder),
            dimensions=(ROWS, columns),
            encoding="utf-8",
            codec_errors="replace",
            timeout=30,
            preexec_fn=_prepare_terminal,
        )
        # pexpect's own delays would be most of the time that the tests take.
        self.child.delaybeforesend = None
        self.child.delayafterclose = self.child.ptyproc.delayafterclose = 0.02
        self.child.delayafterterminate = self.child.ptyproc.delayafterterminate = 0.02
        #: All that the terminal showed before the first prompt.
        self.greeting = self._answer(-1, seconds)

    def _start_up(self, rc: str) -> tuple[list[str], dict[str, str]]:
        """Write the start-up file; return the arguments and the variables that lead there."""
        text = f"{self.kind.prompt_line()}\n{rc}\n"
        if self.kind.name == "bash":
            (self.files / "rc").write_text(text)
            return ["--noprofile", "--rcfile", str(self.files / "rc"), "-i"], {}
        if self.kind.name == "zsh":
            (self.files / ".zshrc").write_text(text)
            return ["-d", "-i"], {"ZDOTDIR": str(self.files)}
        if self.kind.name == "fish":
            (self.files / "fish").mkdir()
            # Without it the first shell goes through all manual pages in the background.
            generated = self.folder / ".local" / "share" / "fish" / "generated_completions"
            generated.mkdir(parents=True, exist_ok=True)
            quiet = "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n"
            (self.files / "fish" / "config.fish").write_text(quiet + text)
            # pyte does not know what fish 4 tells and asks a terminal.
            features = "no-keyboard-protocols,no-query-term"
            return ["-i"], {"XDG_CONFIG_HOME": str(self.files), "fish_features": features}
        (self.files / "rc").write_text(text)
        # All but mksh expand ENV, though not the value of a variable that it names.
        path = str(self.files / "rc")
        return ["-i"], {"ENV": path if self.kind.name == "mksh" else "$RC", "RC": path}

    # What a user does.

    def talk(self, line: str, seconds: float = 30) -> str:
        """Type a line; return all that the terminal shows between it and the next prompt."""
        self._wait_for_prompt(-1, seconds)
        self._make_room()
        row, column = self.cursor
        self.type(line)
        typed = unicodedata.normalize("NFC", line.replace(" ", ""))
        self.wait(lambda: self._text_since(row, column) == typed, f"the echo of {line!r}", seconds)
        return self.press("\r", seconds, what=line)

    def press(self, keys: str, seconds: float = 30, *, what: str = "") -> str:
        """Press keys that end in another prompt; return all that is shown before that."""
        self._make_room()
        row, _ = self.cursor
        self.type(keys)
        return self._answer(row, seconds, what)

    def interrupt(self, line: str, condition: Callable[[], bool]) -> str:
        """Type a line, press Ctrl-C once a condition holds; return what is shown."""
        row, _ = self.cursor
        self.type(f"{line}\r")
        self.wait(condition, f"the moment for Ctrl-C in {line!r}")
        self.type("\x03")
        return self._answer(row, what=line)

    def type(self, text: str) -> None:
        """Type, without return, and wait for nothing."""
        self.child.send(text)

    def prompts(self, count: int = 1) -> str:
        """Press return so many times; return all that is shown beside the prompts."""
        return "\n".join(filter(None, (self.talk("") for _ in range(count))))

    def clear(self) -> None:
        """Leave nothing but a prompt on the screen."""
        self.type("\x0c")
        self.wait(lambda: self.cursor[0] == 0 and self._is_at_prompt(), "a clear screen", 10)

    def define(self, name: str, value: str) -> str:
        """Assign a variable by hand, without exporting it; return what was shown."""
        return self.talk(self.kind.assign(name, value))

    def export(self, name: str, value: str) -> str:
        """Assign and export a variable by hand; return what was shown."""
        return self.talk(self.kind.export(name, value))

    def unset(self, name: str) -> str:
        """Unset a variable by hand; return what was shown."""
        return self.talk(self.kind.unset(name))

    # What a user sees.

    def status(self) -> int:
        """Return the exit code of the last line, as the user finds it after the prompt."""
        return int(self.talk(f"echo {self.kind.status}"))

    @property
    def segment(self) -> str:
        """Return what stands before the prompt's own text."""
        self._wait_for_prompt(-1)
        row, column = self.cursor
        return self._row(row, column).removesuffix(self.prompt)

    def screen(self) -> str:
        """Return what stands on the screen, without the blanks at line ends."""
        self.read()
        rows = range(max(self._screen.buffer, default=-1) + 1)
        return "\n".join(self._row(row).rstrip() for row in rows).rstrip()

    def cell(self, row: int, column: int) -> Any:
        """Return a character of the screen, with `data`, `fg` (the colour), `bold` and so on."""
        self.read()
        return self._screen.buffer[row][column]

    @property
    def cursor(self) -> tuple[int, int]:
        """The cursor's row and column on the screen, from 0."""
        self.read()
        return self._screen.cursor.y, self._screen.cursor.x

    # What the shell holds.

    def stdout(self, command: str) -> str:
        """Run a command and return what it writes to stdout; nothing else may be shown."""
        self._count += 1
        file = self.files / f"out-{self._count}"
        said = self.talk(f" {command} > {self.kind.quote(str(file))}")
        assert said == "" or self.is_traced, said
        return file.read_text(errors="surrogateescape")

    def get(self, name: str) -> str:
        """Return what a variable of the shell holds, exported or not; UNSET where it is unset."""
        # In a block, so that fish redirects all of it.
        code = self.kind.syntax.show.format(name=name, unset=UNSET)
        if self.kind.name == "mksh":  # whose printf is a program
            code = code.replace("printf %s", "print -rn --")
        return self.stdout(code if code.startswith("p") else f"begin; {code}; end")

    def own(self, name: str) -> str:
        """Return what a variable of falenv's holds: `exe` or `index`."""
        return self.get(self.kind.own(name))

    def exported(self) -> dict[str, str]:
        """Return the environment that a program started by this shell gets."""
        text = self.stdout("env -0")
        return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)

    def snapshot(self) -> list[str]:
        """Return all that the shell holds, but for what changes by itself."""
        lines = self.stdout(self.kind.snapshot).splitlines()
        moving = (*self.kind.moving, self.files.name)
        return sorted(
            line for line in lines if line != "_" and not any(word in line for word in moving)
        )

    # How it is done.

    def read(self, seconds: float = 0.0) -> None:
        """Take in what the terminal shows by now."""
        while self.read_some(seconds):
            pass

    def read_some(self, seconds: float) -> bool:
        """Wait for the terminal to show more, and take that in; return False if nothing came."""
        try:
            text = self.child.read_nonblocking(65536, seconds)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return False
        self.output += text
        self._stream.feed(text)
        return True

    def wait(self, condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            self.read(0.02)
            ended = time.monotonic() > end or not self.child.isalive()
            if ended and not condition():
                raise AssertionError(f"waited in vain for {what}; shown:\n{self.output[-3000:]}")

    def _answer(self, row: int, seconds: float = 30, what: str = "") -> str:
        """Wait for a prompt below a row; return what stands between them."""
        self._wait_for_prompt(row, seconds, what)
        end, column = self.cursor
        rows = [self._row(number).rstrip() for number in range(row + 1, end)]
        before = self._row(end, column).removesuffix(self.prompt)
        if not re.fullmatch(self.segments, before):
            rows.append(before)
        return "\n".join(rows)

    def _wait_for_prompt(self, row: int, seconds: float = 30, what: str = "") -> None:
        self.wait(
            lambda: self.cursor[0] > row and self._is_at_prompt(),
            f"the prompt after {what!r}",
            seconds,
        )

    def _is_at_prompt(self) -> bool:
        # Some shells print the prompt first and take over the terminal's echo then.
        is_cooked = termios.tcgetattr(self.child.child_fd)[3] & termios.ICANON
        if is_cooked and self.kind.edits_lines:
            return False
        row, column = self._screen.cursor.y, self._screen.cursor.x
        text = self._row(row, column)
        # A prompt may be wider than the terminal, and begin on a row that is full.
        if max(self._screen.buffer[row - 1], default=-1) == self._screen.columns - 1:
            text = self._row(row - 1) + text
        return text.endswith(self.prompt)

    def _row(self, number: int, end: int | None = None) -> str:
        """Return the text of a row, up to a column."""
        row = self._screen.buffer[number]
        stop = max(row, default=-1) + 1 if end is None else end
        # The cell behind a wide character is empty.
        return "".join(
            row[column].data
            for column in range(stop)
            if not (column and row[column - 1].data and wcwidth(row[column - 1].data[0]) == 2)
        )

    def _text_since(self, row: int, column: int) -> str:
        """Return what stands between a place and the cursor, without blanks."""
        end, stop = self._screen.cursor.y, self._screen.cursor.x
        ends = {end: stop}
        rows = [self._row(number, ends.get(number)) for number in range(row, end + 1)]
        text = "".join(rows).removeprefix(self._row(row, column)).replace(" ", "")
        return unicodedata.normalize("NFC", text)

    def _make_room(self) -> None:
        """Drop the upper rows, as a terminal scrolls, before an answer could reach the end."""
        surplus = self._screen.cursor.y - KEPT_ROWS // 3
        if surplus > 0:
            rows = {row - surplus: cells for row, cells in self._screen.buffer.items()}
            self._screen.buffer.clear()
            self._screen.buffer.update({row: cells for row, cells in rows.items() if row >= 0})
            self._screen.cursor.y -= surplus

    def close(self) -> None:
        try:
            self.child.close(force=True)
        except pexpect.ExceptionPexpect:  # killed, and on a busy machine not gone yet
            self.child.ptyproc.wait()


def one_line(answer: str, *words: str) -> str:
    """Return an answer, which must be one line that contains these words."""
    assert answer, words
    assert "\n" not in answer, answer
    for word in words:
        assert word in answer, (word, answer)
    return answer


def notice(answer: str, *words: str) -> str:
    """Return an answer, which must be one line of falenv's that contains these words."""
    assert answer.startswith("falenv: "), answer
    return one_line(answer, *words)


class Trace:
    """The processes that a shell under strace starts, from a moment on."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._start = 0
        self.prefix = (
            needs("strace"), "-f", "--seccomp-bpf", "-e",
            "trace=fork,vfork,clone,clone3,execve", "-e", "signal=none", "-o", str(file),
        )  # fmt: skip

    def begin(self) -> None:
        self._start = len(self._file.read_text())

    def processes(self) -> list[str]:
        """Return the calls since `begin` that made a process. A thread is none."""
        lines = self._file.read_text()[self._start :].splitlines()
        return [
            line
            for line in lines
            if re.search(r"\b(v?fork|clone3?|execve)\(", line) and "CLONE_THREAD" not in line
        ]
