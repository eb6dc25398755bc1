"""The segment, as it stands on a real terminal, and the prompts that it stays out of."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pexpect
import pyte
import pytest
from conftest import SCRIPTS
from driver import KINDS, Kind, Shell, needs

from falenv.masking import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Trace

    Start = Callable[..., Shell]


def named(home: Home, colors: dict[str, str | int]) -> None:
    """Write a store with profiles of any name, each with its colour; the first is the default."""
    tables = [
        f'[{json.dumps(name, ensure_ascii=False)}]\nkey = "id-{number}:secret"\n'
        f"color = {json.dumps(color)}\n"
        for number, (name, color) in enumerate(colors.items())
    ]
    first = json.dumps(next(iter(colors)), ensure_ascii=False)
    home.write("\n".join([f"[__internal__]\nprofile = {first}\n", *tables]))


def use(shell: Shell, name: str) -> None:
    assert shell.talk(f"fal profile use -- {shell.kind.quote(name)}") == ""


# --- The cursor ----------------------------------------------------------------------------------

#: On terminals of so many columns: names of 1 to 40 cells.
#:
#: fish, without us too, cuts a prompt that is wider than the terminal down. A wide character that
#: the end of the line would cut in two is drawn as a half by pyte, where a terminal begins a new
#: line; so such names begin at an odd column.
NAMES = {
    40: ["a", "x" * 24, "日本", "日" * 10 + "abc", "🔑", "k🔑y", "e\u0301te\u0301", "Ωμέγα"],
    80: ["x" * 40, "日本" * 10, "Ελλάδα-" * 5, "🔑" * 20],
}
WIDER = ["x" * 40, "a" + "日" * 19 + "b", "Ελλάδα-" * 5]
COLORS = {"red": "red", "bright-blue": "brightblue", "#ff8800": "ff8800", "208": "ff8700"}
TYPED = "echo one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def drawn(columns: int, text: str) -> tuple[str, tuple[int, int]]:
    """Return what stands on an empty terminal that is sent this text, and where the cursor is."""
    screen = pyte.Screen(columns, 40)
    pyte.Stream(screen).feed(text)
    row, column = screen.cursor.y, screen.cursor.x
    at = (row, column) if column < columns else (row + 1, 0)
    return "\n".join(line.rstrip() for line in screen.display).rstrip(), at


@pytest.mark.parametrize("columns", NAMES)
def test_case_33_a_long_line_edits_without_ghosts(
    home: Home, start: Start, kind: Kind, columns: int
) -> None:
    names = [*NAMES[columns], *(WIDER if columns == 40 and kind.has_wide_prompts else [])]
    colors = [*COLORS, "nonsense"]
    named(home, {name: colors[number % 5] for number, name in enumerate(names)})
    shell = start(kind, columns=columns)
    for number, name in enumerate(names):
        # Not typed, since the shells show a combining character in a way of their own.
        (home.path / "use").write_text(f"fal profile use -- {kind.quote(name)}\n")
        shell.talk(". ./use")
        shell.type("\x0c")
        prompt = f"(fal:{name}*) ready> "

        def stands(text: str, at: int, what: str, prompt: str = prompt) -> None:
            wanted = drawn(columns, prompt + text)[0], drawn(columns, prompt + text[:at])[1]
            try:
                shell.wait(lambda: (shell.screen(), shell.cursor) == wanted, what, 5)
            except AssertionError:
                # The assertion that shows both.
                assert (shell.screen(), shell.cursor) == wanted, f"{what}, {prompt!r}"

        stands("", 0, "the prompt")
        shell.type(TYPED)
        text = TYPED
        stands(text, len(text), "typing")
        shell.type("\x01X")  # Home
        text = "X" + text
        stands(text, 1, "inserting at the start")
        shell.type("\x05")  # End
        stands(text, len(text), "going to the end")
        shell.type("\x1b[D" * 30)
        stands(text, len(text) - 30, "going left")
        shell.type("middle")
        text = text[:-30] + "middle" + text[-30:]
        stands(text, len(text) - 30, "inserting in the middle")
        shell.type("\x7f" * 12)
        text = text[:-42] + text[-30:]
        stands(text, len(text) - 30, "deleting")
        shell.type("\x01\x0b")
        stands("", 0, "deleting all")
        # The name is coloured, and nothing after it is.
        start_cell, after = shell.cell(0, 1), shell.cell(*drawn(columns, f"(fal:{name}*) ")[1])
        assert start_cell.fg == COLORS.get(colors[number % 5], "default")
        assert (after.data, after.fg, after.bold) == ("r", "default", False)
        if colors[number % 5] == "nonsense":
            assert "\x1b[2m" in shell.output


def test_a_colour_changed_in_the_store_shows_at_the_next_prompt(
    home: Home, start: Start, kind: Kind
) -> None:
    named(home, {"a": "red"})
    shell = start(kind)
    for color, wanted in (("green", "green"), (208, "ff8700"), ("", "default")):
        named(home, {"a": color})
        assert shell.prompts() == ""
        row, _ = shell.cursor
        assert (shell.cell(row, 1).data, shell.cell(row, 1).fg) == ("f", wanted)
    named(home, {"a": "blue"})
    assert shell.export("NO_COLOR", "1") + shell.prompts() == ""
    row, _ = shell.cursor
    assert (shell.cell(row, 1).data, shell.cell(row, 1).fg) == ("f", "default")
    assert shell.unset("NO_COLOR") + shell.prompts() == ""
    row, _ = shell.cursor
    assert (shell.cell(row, 1).data, shell.cell(row, 1).fg) == ("f", "blue")


# --- The text ------------------------------------------------------------------------------------


def test_case_33_marks_and_formats(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", "c", default="a")
    shell = start(kind)
    shell.segments = ".*"
    assert shell.segment == "(fal:a) "
    shell.talk("fal profile link c")
    assert shell.segment == "(fal:c/) "
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "(fal:b*) "
    # Live, at the very next prompt.
    for form, wanted in (
        ("[{why}:{name}{mark}{mark}] ", "[pin:b**] "),
        ("{name}{name}", "bb"),
        (
            "%n {name} \\u $(touch pwned) `touch pwned` & ! {",
            "%n b \\u $(touch pwned) `touch pwned` & ! {",
        ),
        ("off", ""),
        ("", "(fal:b*) "),
        ("{{name}}", "{b}"),
    ):
        assert shell.export("FALENV_PROMPT", form) == ""
        assert shell.segment == wanted
        # The same from the process that other prompts start.
        assert shell.stdout("fal profile prompt") == wanted
    assert shell.export("FALENV_PROMPT", "{why} ") == ""
    assert shell.talk("fal profile use --default") == ""
    assert shell.segment == "folder "
    shell.talk("fal profile unlink")
    assert shell.segment == "default "
    assert shell.unset("FALENV_PROMPT") == ""
    assert shell.segment == "(fal:a) "
    shell.talk("fal profile unset")
    assert shell.segment == ""
    assert not (home.path / "pwned").exists()


LITERAL = [
    "{why}",
    "{name}",
    "{mark}",
    "a&b",
    "&",
    "%n%{",
    "%40v%20v",
    "\\u",
    "$(touch pwned)",
    "#[x]",
]


@pytest.mark.parametrize("own", [False, True], ids=["ours", "falenv_prompt"])
def test_case_02_a_name_is_never_filled_in_itself(
    home: Home, start: Start, kind: Kind, *, own: bool
) -> None:
    named(home, dict.fromkeys(LITERAL, ""))
    shell = start(kind, f"{OWN[kind.name]['left'] if own else ''}\n{kind.eval_line()}")
    for name in LITERAL:
        use(shell, name)
        assert shell.segment == f"(fal:{printable(name)}*) "
        assert shell.stdout("fal profile prompt") == f"(fal:{printable(name)}*) "
    assert not (home.path / "pwned").exists()


@pytest.mark.parametrize("own", [False, True], ids=["ours", "falenv_prompt"])
def test_case_28_a_terminal_without_utf_8_gets_ascii(
    home: Home, start: Start, kind: Kind, *, own: bool
) -> None:
    named(home, {"né日": "red"})
    rc = f"{OWN[kind.name]['left'] if own else ''}\n{kind.eval_line()}"
    shell = start(kind, rc, LANG="C", LC_ALL="C", FALENV_PROMPT="é{name}{why}> ")
    shell.segments = ".*"
    assert re.fullmatch(r"\?+n\?+default> ", shell.segment)
    assert shell.exported()["FALENV_PROFILE"] == "né日"


def test_case_33_no_process_for_a_prompt_with_format_and_colour(
    home: Home, start: Start, kind: Kind, trace: Trace
) -> None:
    named(home, {"日本": "#ff8800", "b": "red"})
    shell = start(kind, FALENV_PROMPT="<{name}{mark}> ", prefix=trace.prefix)
    shell.segments = ".*"
    assert shell.talk("fal profile use 日本") == ""
    assert shell.prompts(2) == ""
    trace.begin()
    assert shell.prompts(20) == ""
    shell.export("FALENV_PROMPT", "[{name}] ")
    assert shell.segment == "[日本] "
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "[b] "
    assert trace.processes() == []


# --- A place of one's own for it -----------------------------------------------------------------

OWN = {
    "bash": {
        "left": "PS1='$(falenv_prompt)ready> '",
        "formed": "PS1='$(falenv_prompt \"<{name}>\")ready> '",
    },
    "zsh": {
        "left": "setopt prompt_subst; PROMPT='$(falenv_prompt)ready> '",
        "formed": "setopt prompt_subst; PROMPT='$(falenv_prompt \"<{name}>\")ready> '",
        "right": "setopt prompt_subst; RPROMPT='$(falenv_prompt)|'",
    },
    "fish": {
        "left": "function fish_prompt; falenv_prompt; echo -n 'ready> '; end",
        "formed": "function fish_prompt; falenv_prompt '<{name}>'; echo -n 'ready> '; end",
        "right": "function fish_right_prompt; falenv_prompt; echo -n '|'; end",
    },
}


PLACES = [(shell, place) for shell, places in OWN.items() for place in places]


@pytest.mark.parametrize(("name", "place"), PLACES, ids=map(" ".join, PLACES))
def test_case_33_the_users_own_prompt_may_call_for_it(
    home: Home, start: Start, name: str, place: str
) -> None:
    needs(name)
    kind = KINDS[name]
    home.profiles("a", "b", default="a")
    shell = start(kind, f"{kind.eval_line()}\n{OWN[kind.name][place]}", columns=60)
    shell.segments = ".*"

    def shows(text: str) -> None:
        shell.type("\x0c")
        left = f"{text}ready> " if place != "right" else "ready> "
        right = f"{text}|" if place == "right" else ""
        width = 60 - kind.right_margin
        row = left + (right.rjust(width - len(left)) if right else "")
        shell.wait(lambda: shell.screen() == row.rstrip(), f"{row!r}", 5)
        shell.type("echo 123456789\x1b[D\x1b[DX")
        typed = f"{left}echo 1234567X89"
        row = typed + (right.rjust(width - len(typed)) if right else "")
        wanted = (row.rstrip(), (0, len(typed) - 2))
        shell.wait(lambda: (shell.screen(), shell.cursor) == wanted, f"{row!r}", 5)
        shell.type("\x05\x15")

    assert shell.prompts() == ""
    shows("<a>" if place == "formed" else "(fal:a) ")
    assert shell.talk("fal profile use b") == ""
    shows("<b>" if place == "formed" else "(fal:b*) ")
    assert shell.talk("fal profile use --default") == ""
    home.fal("set", "b")
    assert shell.prompts() == ""
    shows("<b>" if place == "formed" else "(fal:b) ")
    shell.export("FALENV_PROMPT", "off")  # ours, which is out of it anyway
    shows("<b>" if place == "formed" else "(fal:b) ")


def test_falenv_prompt_leaves_the_status_for_what_comes_after_it(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", default="a")
    rc = {
        "bash": "PS1='$(falenv_prompt)[$?]ready> '",
        "zsh": "setopt prompt_subst; PROMPT='$(falenv_prompt)[$?]ready> '",
        "fish": 'function fish_prompt; falenv_prompt; echo -n "[$status]ready> "; end',
    }[kind.name]
    shell = start(kind, f"{rc}\n{kind.eval_line()}")
    shell.segments = ".*"
    assert shell.talk("false") == ""
    assert shell.segment == "(fal:a) [1]"


# --- Prompts of others ---------------------------------------------------------------------------

#: The names and the ways of programs that draw the whole prompt. Each shows <NAME>, by way of the
#: variable; OURS stands for our line.
OTHERS = {
    "bash": {
        # starship init bash, 1.22
        "starship": """OURS
            starship_precmd() {
                eval "${STARSHIP_PROMPT_COMMAND-}"
                PS1="<$FALENV_PROFILE> ready> "
            }
            STARSHIP_PROMPT_COMMAND=$PROMPT_COMMAND
            PROMPT_COMMAND=starship_precmd""",
        "starship above": """
            starship_precmd() { PS1="<$FALENV_PROFILE> ready> "; }
            PROMPT_COMMAND=starship_precmd
            OURS""",
        # src/shell/scripts/omp.bash
        "oh-my-posh": """OURS
            _omp_get_primary() { echo "<$FALENV_PROFILE> ready> "; }
            _omp_hook() { PS1='$(_omp_get_primary)'; }
            PROMPT_COMMAND=(_omp_hook "${PROMPT_COMMAND[@]}")""",
        "oh-my-posh above": """
            _omp_get_primary() { echo "<$FALENV_PROFILE> ready> "; }
            _omp_hook() { PS1='$(_omp_get_primary)'; }
            PROMPT_COMMAND=(_omp_hook "${PROMPT_COMMAND[@]}")
            OURS""",
    },
    "zsh": {
        "starship": """
            setopt prompt_subst
            prompt_starship_precmd() { STARSHIP_CMD_STATUS=$? }
            precmd_functions+=(prompt_starship_precmd)
            PROMPT='$(printf "<%s> " $FALENV_PROFILE)ready> '
            OURS""",
        "oh-my-posh": """
            _omp_precmd() { PS1="<$FALENV_PROFILE> ready> " }
            OURS
            precmd_functions+=(_omp_precmd)""",
        "oh-my-posh above": """
            _omp_precmd() { PS1="<$FALENV_PROFILE> ready> " }
            precmd_functions+=(_omp_precmd)
            OURS""",
        "oh-my-posh of old above": """
            prompt_ohmyposh_precmd() { PS1="<$FALENV_PROFILE> ready> " }
            precmd_functions+=(prompt_ohmyposh_precmd)
            OURS""",
        # internal/p10k.zsh
        "powerlevel10k": """
            setopt prompt_subst
            _p9k_precmd() { PROMPT='<$FALENV_PROFILE> ready> ' }
            precmd_functions=(_p9k_precmd $precmd_functions)
            OURS""",
        # pure.zsh, 1.28: it has a psvar for each of its parts
        "pure": """
            setopt prompt_subst
            prompt_pure_precmd() { psvar[12]= psvar[20]= psvar[22]= }
            precmd_functions+=(prompt_pure_precmd)
            PROMPT='%(12V.%12v.)<$FALENV_PROFILE> %(20V.%20v.)%(21V.%21v.)%(22V.%22v.)ready> '
            OURS""",
    },
    "fish": {
        "starship": """
            function fish_prompt
                set STARSHIP_CMD_STATUS $status
                printf '<%s> ready> ' $FALENV_PROFILE
            end
            OURS""",
        # functions/fish_prompt.fish
        "tide": """
            function fish_prompt
                _tide_status=$status _tide_pipestatus=$pipestatus if not set -e _tide_repaint
                end
                printf '<%s> ready> ' $FALENV_PROFILE
            end
            OURS""",
        # src/shell/scripts/omp.fish
        "oh-my-posh": """
            function fish_prompt
                set --local omp_status_cache_temp $status
                printf '<%s> ready> ' $FALENV_PROFILE
            end
            OURS""",
    },
}
DRAWN = [(shell, program) for shell, programs in OTHERS.items() for program in programs]


@pytest.mark.parametrize(("name", "program"), DRAWN, ids=map(" ".join, DRAWN))
def test_case_34_it_stays_out_of_a_prompt_that_another_program_draws(
    home: Home, start: Start, name: str, program: str
) -> None:
    needs(name)
    kind = KINDS[name]
    home.profiles("a", "b", "c", default="a")
    shell = start(kind, OTHERS[kind.name][program].replace("OURS", f"\n{kind.eval_line()}\n"))
    shell.segments = ".*"
    assert shell.segment == "<a> "
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "<b> "
    assert shell.talk("fal profile use --default") == ""
    assert shell.segment == "<a> "
    home.fal("set", "c")
    # At the first prompt after a switch elsewhere. One that draws before we look is one late.
    assert shell.prompts(1 + ("above" in program)) == ""
    assert shell.segment == "<c> "
    assert shell.talk("fal profile off") == ""
    assert "fal:" not in shell.segment


def test_in_fish_the_users_mode_comes_before_the_segment(home: Home) -> None:
    """fish 3 and 4 may put what a builtin prints before what a program printed (issue 12018)."""
    home.profiles("a", default="a")
    text = f"""
        function fish_mode_prompt; /bin/echo -e '[mode]\\n '; end
        {KINDS["fish"].eval_line()}
        emit fish_prompt
        for i in (seq 500); fish_mode_prompt; end >shown
    """
    # In every fifth prompt, where other programs come and go.
    busy = [subprocess.Popen(["sh", "-c", "while :; do /bin/true; done"]) for _ in range(3)]
    try:
        done = home.run(needs("fish"), "--no-config", "-i", "-c", text)
    finally:
        for process in busy:
            process.kill()
            process.wait()
    assert done.returncode == 0, done.stderr
    shown = (home.path / "shown").read_text()
    prompt = "[mode] \x1b[2m(fal:a) \x1b[22;39m"
    assert (shown.count(prompt), len(shown)) == (500, 500 * len(prompt))


@pytest.mark.parametrize("first", ["ours", "starship"])
def test_case_34_the_real_starship(home: Home, start: Start, kind: Kind, first: str) -> None:
    starship = shutil.which("starship")
    if starship is None:
        pytest.skip("starship is not here; Debian has it from 13 on")
    home.profiles("a", "b", default="a")
    (home.path / "starship.toml").write_text(
        'format = "${env_var.FALENV_PROFILE}ready> "\nadd_newline = false\n'
        '[env_var.FALENV_PROFILE]\nformat = "<$env_value> "\n'
    )
    starts = kind.syntax.evaluate.format(command=f"starship init {kind}")
    lines = [kind.eval_line(), starts]
    shell = start(
        kind,
        "\n".join(lines if first == "ours" else lines[::-1]),
        PATH=f"{SCRIPTS}:{os.path.dirname(starship)}:/usr/bin:/bin",
        STARSHIP_CONFIG=str(home.path / "starship.toml"),
    )
    assert shell.segment == "<a> "
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "<b> "


# --- tmux ----------------------------------------------------------------------------------------


def test_tmux_shows_it_in_its_status_line(home: Home) -> None:
    formats = ["#(touch pwned)", "#{host}", "#[bg=red]x", "##[bg=red]x"]
    named(home, {"日本": "red", **dict.fromkeys(formats, "")})
    socket = str(home.path.parent / "tmux")
    (home.path / "tmux.conf").write_text(
        "set -g status-interval 1\nset -g status-right-length 60\n"
        f"set -g status-right \"#('{SCRIPTS}/python' -I -m falenv profile prompt)\"\n"
    )
    child: Any = pexpect.spawn(
        needs("tmux"),
        ["-S", socket, "-f", str(home.path / "tmux.conf"), "new-session", "cat"],
        env=home.variables,
        cwd=str(home.path),
        dimensions=(10, 80),
        encoding="utf-8",
    )
    screen = pyte.Screen(80, 10)
    stream = pyte.Stream(screen)
    try:
        # tmux expands its own `#` forms in what a program prints, so none is in it.
        for default in ("日本", *formats):
            assert home.fal("set", default).returncode == 0
            while not screen.display[-1].rstrip().endswith(f"(fal:{printable(default)})"):
                stream.feed(child.read_nonblocking(65536, 30))  # fails where nothing comes
    finally:
        home.run("tmux", "-S", socket, "kill-server")
        child.close(force=True)
    assert not (home.path / "pwned").exists()
