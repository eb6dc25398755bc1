"""One row a shell: how it quotes, exports, unsets and assigns. The registry is the list of shells.

Values are quoted here and nowhere else, as the last step before they are printed.
"""

from __future__ import annotations

from falenv.errors import UsageError
from falenv.masking import shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from falenv.environment import Environment


class Dialect:
    """How one shell writes what we have to say.

    `quote` turns any text without NUL into one word; the three templates take `name` and the
    quoted `value`. `render` of an environment and `assign` give whole lines. Where the shell
    `completes_late`, it reads its `completion` at the first TAB, and has no part of it before.
    A shell gets its `scripts` at the start; it finds its `parts` shelved, and reads them later.
    """

    __slots__ = (
        "_assign",
        "_export",
        "_unset",
        "completes_late",
        "completion",
        "name",
        "parts",
        "quote",
        "scripts",
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

    def assign(self, name: str, value: str) -> str:
        """Return a line that sets an unexported variable of this shell."""
        return self._assign.format(name=name, value=self.quote(value)) + "\n"

    @staticmethod
    def shelve(name: str, text: str) -> str:
        """Return a function that does nothing and has a text in it, as comments that begin with #|.

        For fish, which passes over a comment in a tenth of the time that it takes a text in.
        """
        lines = "".join(f"#|{line}\n" for line in text.splitlines())
        return f"function {name}\n{lines}end\n"

    def render(self, environment: Environment) -> str:
        """Return one line a variable, which exports or unsets it."""
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
    """Quote as POSIX 2.2.2 has it: in single quotes nothing is special, and none can stand."""
    return "'" + value.replace("'", "'\\''") + "'"


def quote_fish(value: str) -> str:
    """Quote for fish, in single quotes, so that every locale reads the same bytes.

    In GBK, Big5, GB18030 and Shift_JIS the second byte of a character can be a backslash. In
    Shift_JIS and JOHAB a backslash alone is a currency sign. So no character may depend on the
    escapes `\\\\` and `\\'`. A single quote stands in double quotes. A backslash stands as it is
    before a plain character. Otherwise fish cuts it out of `'\\a'`. The quotes themselves are safe:
    in no character set of glibc they are a part of another character.
    """
    return "'" + "'\"'\"'".join(map(_fish_backslashes, value.split("'"))) + "'"


def _fish_backslashes(text: str) -> str:
    """Return a text without single quotes as it has to stand between two of them."""
    first, *rest = text.split("\\")
    lone = "'(builtin string sub -l 1 '\\a')'"
    return first + "".join("\\" + part if part else lone for part in rest)


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            "bash",
            quote_posix,
            "export {name}={value}",
            "unset {name}",
            "{name}={value}",
            ("core.sh", "falenv.bash"),
            "fal.bash",
            completes_late=True,
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
        ),
        Dialect(
            # Under a universal variable of the same name only an empty global keeps children
            # from inheriting that. `if` returns 0 where `set -e` of an unset name returns 4.
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
    )
}


#: What the POSIX shells have in common; there are no completions for them.
POSIX = Dialect(
    "sh",
    quote_posix,
    "export {name}={value}",
    "unset {name}",
    "{name}={value}",
    ("falenv.sh",),
    "",
)
#: The names that they go by. What one has besides POSIX, the integration itself finds out.
POSIX_NAMES = (
    *("sh", "dash", "ash", "busybox", "ksh", "ksh93", "mksh"),
    *("lksh", "loksh", "oksh", "posh", "rksh", "yash"),
)
#: What can be asked for; other POSIX shells' names are understood.
NAMES = sorted([*DIALECTS, "dash", "ksh", "mksh", "sh"])


def find(name: str) -> Dialect:
    """Return the dialect of a shell; raise UsageError where we have none."""
    if name in POSIX_NAMES:
        return POSIX
    try:
        return DIALECTS[name]
    except KeyError:
        known = ", ".join(NAMES)
        raise UsageError(
            f"there is no integration for the shell {shown(name)}; there are: {known}"
        ) from None
