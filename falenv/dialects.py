"""One row per shell: how it quotes, exports, unsets and assigns. The registry lists the shells.

falenv quotes values here and nowhere else, as the last step before printing them.
"""

from __future__ import annotations

from falenv.errors import NotIntegratedError, UsageError
from falenv.masking import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from falenv.environment import Environment


class Dialect:
    """The syntax of one shell, and the files that it gets.

    `quote` turns any text without a NUL into one word. The templates `export`, `unset` and
    `assign` take `name` and the quoted `value`.

    `scripts` are the shell files that the shell reads at the start. `parts` are files that it
    loads when it first needs them (see `shelve`). `completion` is the file with its completions,
    or empty. With `completes_late`, the shell loads that file at the first TAB.

    `check` is the file that a copy for start-up files begins with, or empty.

    `state` is the dialect of a state. It is another one for a shell that has no `eval`, such as
    nushell. That shell passes each line of a state, as data, to its function `__falenv_load`.
    """

    __slots__ = (
        "_assign",
        "_call",
        "_export",
        "_unset",
        "check",
        "completes_late",
        "completion",
        "name",
        "parts",
        "quote",
        "scripts",
        "state",
    )

    def __init__(  # noqa: PLR0913, PLR0917 - a row of a table
        self,
        name: str,
        quote: Callable[[str], str],
        export: str,
        unset: str,
        assign: str,
        scripts: tuple[str, ...],
        completion: str,
        *,
        completes_late: bool = False,
        parts: tuple[str, ...] = (),
        check: str = "",
        call: str = "{name}",
        state: Dialect | None = None,
    ) -> None:
        self.name = name
        self.quote = quote
        self._export = export
        self._unset = unset
        self._assign = assign
        self.scripts = scripts
        self.completion = completion
        self.completes_late = completes_late
        self.parts = parts
        self.check = check
        self._call = call
        self.state = state or self

    def assign(self, name: str, value: str) -> str:
        """Return a line that sets a variable without exporting it."""
        return self._assign.format(name=name, value=self.quote(value)) + "\n"

    @property
    def has_eval(self) -> bool:
        """Return True if the shell can run code that a program prints."""
        return self.state is self

    def call(self, name: str) -> str:
        """Return a line that calls one of the integration's functions."""
        return self._call.format(name=name) + "\n"

    def embed(self, state: str) -> str:
        """Return the code that applies a state, for the end of the integration."""
        if self.has_eval:
            return state
        return f"__falenv_load {self.quote(state)}\n"

    @staticmethod
    def shelve(name: str, text: str) -> str:
        """Return an empty fish function that carries `text` in comments, which begin with #|.

        fish skips a comment in a tenth of the time that it needs to parse the code.
        """
        lines = "".join(f"#|{line}\n" for line in text.splitlines())
        return f"function {name}\n{lines}end\n"

    def render(self, environment: Environment) -> str:
        """Return one line for each variable, which exports or unsets it."""
        return "".join(
            (
                self._unset.format(name=name)
                if value is None
                else self._export.format(name=name, value=self.quote(value))
            )
            + "\n"
            for name, value in environment.items()
        )


def quote_posix(value: str) -> str:
    """Quote for a POSIX shell: only a single quote is special in single quotes (POSIX 2.2.2)."""
    return "'" + value.replace("'", "'\\''") + "'"


def quote_fish(value: str) -> str:
    """Quote for fish, in single quotes, so that every locale reads the same bytes.

    In GBK, Big5, GB18030 and Shift_JIS the second byte of a character can be a backslash. In
    Shift_JIS and JOHAB a backslash alone is a currency sign. So do not use the escapes `\\\\` and
    `\\'`. Put a single quote into double quotes. Keep a backslash before a plain character, and let
    fish cut any other backslash out of `'\\a'`. The quotes are safe: in no character set of glibc
    are they part of another character.
    """
    return "'" + "'\"'\"'".join(map(_fish_backslashes, value.split("'"))) + "'"


def _fish_backslashes(text: str) -> str:
    """Return the form in which a text without single quotes goes between two of them."""
    first, *rest = text.split("\\")
    lone = "'(builtin string sub -l 1 '\\a')'"
    return first + "".join("\\" + part if part else lone for part in rest)


def quote_nu(value: str) -> str:
    """Quote for nushell, in double quotes, where only a backslash begins an escape.

    Source: https://www.nushell.sh/book/working_with_strings.html. `$` and `(` mean something only
    in `$"…"`. A control character would change what a terminal shows of the file, so escape it.
    """
    return '"' + "".join(map(_nu_escape, value)) + '"'


def _nu_escape(char: str) -> str:
    if char in {'"', "\\"}:
        return f"\\{char}"
    # A surrogate stands for a byte that is not UTF-8 (PEP 383), which has no escape.
    return char if char.isprintable() or "\ud800" <= char < "\ue000" else f"\\u{{{ord(char):x}}}"


def quote_json(value: str) -> str:
    """Quote for JSON (RFC 8259). The module json would import re, which the fast path avoids."""
    return '"' + "".join(map(_json_escape, value)) + '"'


def _json_escape(char: str) -> str:
    if char in {'"', "\\"}:
        return f"\\{char}"
    # JSON has no escape of one part for a character beyond U+FFFF. No control character is there.
    return f"\\u{ord(char):04x}" if char <= "\uffff" and not char.isprintable() else char


#: A state as data: a line of JSON for each of its statements.
DATA = Dialect(
    "json",
    quote_json,
    '["export", "{name}", {value}]',
    '["unset", "{name}"]',
    '["assign", "{name}", {value}]',
    (),
    "",
    call='["call", "{name}"]',
)
DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            # With the name in quotes, `set -k` does not take the assignment away from export, which
            # would then print the environment.
            "bash",
            quote_posix,
            'export "{name}"={value}',
            "unset {name}",
            "{name}={value}",
            ("core.sh", "falenv.bash"),
            "fal.bash",
            completes_late=True,
            check="check.sh",
        ),
        Dialect(
            "zsh",
            quote_posix,
            "export {name}={value}",
            "unset {name}",
            # The eval may be in a function, where a plain assignment can warn (warn_create_global).
            "\\builtin typeset -g {name}={value}",
            ("core.sh", "falenv.zsh"),
            "_fal",
            check="check.sh",
        ),
        Dialect(
            # If a universal variable has the same name, only an empty global one keeps programs
            # from inheriting it. Unlike `set -e` of an unset name, `if` returns 0.
            "fish",
            quote_fish,
            "set -gx {name} {value}",
            "set -e -g {name}; if set -qUx {name}; set -gx {name}; end",
            "set -g {name} {value}",
            ("falenv.fish",),
            "fal.fish",
            completes_late=True,
            parts=("prompt", "command"),
        ),
        Dialect(
            "nu",
            quote_nu,
            "$env.{name} = {value}",
            "hide-env --ignore-errors {name}",
            "const {name} = {value}",
            ("falenv.nu",),
            "",
            state=DATA,
        ),
    )
}


#: One dialect for all other POSIX shells. They have no completions.
POSIX = Dialect(
    "sh",
    quote_posix,
    'export "{name}"={value}',
    "unset {name}",
    "{name}={value}",
    ("falenv.sh",),
    "",
)
#: The names of these shells. The integration finds out by itself what else a shell can do.
POSIX_NAMES = (
    *("sh", "dash", "ash", "busybox", "ksh", "ksh93", "mksh"),
    *("lksh", "loksh", "oksh", "posh", "rksh", "yash"),
)
#: The names that messages and help list. `find` also knows the other POSIX_NAMES.
NAMES = sorted([*DIALECTS, "dash", "ksh", "mksh", "sh"])

#: Shells that falenv can detect, but has no integration for.
OTHERS = ("csh", "tcsh", "elvish", "xonsh", "pwsh", "powershell", "cmd")


def find(name: str) -> Dialect:
    """Return the dialect of a shell; raise UsageError if falenv does not support the shell."""
    if name in OTHERS:
        raise NotIntegratedError(name)
    if name in POSIX_NAMES:
        return POSIX
    try:
        return DIALECTS[name]
    except KeyError:
        known = ", ".join(NAMES)
        raise UsageError(
            f"the shell {shown(name)} is not supported; supported shells: {known}"
        ) from None
