"""fish's prompt, as other tools change, copy, wrap, save and redraw it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS
from driver import KINDS, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell, Trace

    Start = Callable[..., Shell]

FISH = KINDS["fish"]
LINE = FISH.eval_line()
LEFT, RIGHT = "\x1b[1;3D", "\x1b[1;3C"  # Alt+Left and Alt+Right, as xterm sends them
COLUMNS = 60


@pytest.fixture(autouse=True)
def _needs_fish() -> None:
    needs("fish")


def shows(shell: Shell, *rows: str) -> None:
    """Check all that stands on the screen. The cursor is behind the last row."""
    text = "\n".join(row.rstrip() for row in rows)
    wanted = (text, (len(rows) - 1, len(rows[-1])))
    try:
        shell.wait(lambda: (shell.screen(), shell.cursor) == wanted, f"{rows}", 5)
    except AssertionError:
        assert (shell.screen(), shell.cursor) == wanted


def text_of(shell: Shell, function: str) -> str:
    return shell.stdout(f"functions --no-details {function}")


# --- Redrawn without a prompt event --------------------------------------------------------------

#: Who shows the profile, and what stands in front of `ready> `.
PLACES = {
    "ours": ("", "(fal:{}) ", ""),
    "falenv_prompt": (
        "function fish_prompt; falenv_prompt; echo -n 'ready> '; end",
        "(fal:{}) ",
        "",
    ),
    "right": ("function fish_right_prompt; falenv_prompt; echo -n '|'; end", "", "(fal:{}) |"),
    # starship init fish: it erases fish_mode_prompt.
    "starship": (
        """
            functions -e fish_mode_prompt
            function fish_prompt
                set STARSHIP_CMD_STATUS $status
                printf '<%s%s> ready> ' $FALENV_PROFILE $FALENV_MARK
            end""",
        "<{}> ",
        "",
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_case_67_alt_left_and_alt_right_follow(home: Home, start: Start, place: str) -> None:
    home.profiles("a", "b", "c", default="a")
    (home.path / "linked").mkdir()
    rc, left, right = PLACES[place]
    shell = start(FISH, f"{rc}\n{LINE}", columns=COLUMNS)
    shell.segments = ".*"

    def row(mark: str, typed: str = "") -> str:
        front = f"{left.format(mark)}ready> {typed}"
        return front + (right.format(mark).rjust(COLUMNS - len(front)) if right else "")

    def stands(mark: str, typed: str = "") -> None:
        wanted = (row(mark, typed).rstrip(), (0, len(f"{left.format(mark)}ready> {typed}")))
        shell.wait(lambda: (shell.screen(), shell.cursor) == wanted, f"{wanted}", 5)

    shell.talk("cd linked")
    shell.talk("fal profile link b")
    shell.talk("cd ..")
    shell.clear()
    stands("a")
    for _ in range(3):
        shell.type(LEFT)
        stands("b/")
        shell.type("x")
        stands("b/", "x")
        shell.type("\x15")
        assert shell.exported()["FAL_KEY"] == KEYS["b"]
        shell.clear()
        shell.type(RIGHT)
        stands("a")
        assert shell.exported()["FAL_KEY"] == KEYS["a"]
        shell.clear()


def test_case_67_a_prompt_redrawn_in_its_folder_stays(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    rc = f"{LINE}\nbind \\cx 'commandline -f repaint'"
    shell = start(FISH, rc, columns=COLUMNS)
    shell.clear()
    home.fal("set", "b")
    shell.type("echo\x18 $FAL_KEY\x18\r")
    shows(
        shell,
        "(fal:a) ready> echo $FAL_KEY",
        KEYS["a"][:COLUMNS],
        KEYS["a"][COLUMNS:],
        "(fal:b) ready> ",
    )


def test_case_67_the_folder_of_a_running_line_changes_nothing(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    (home.path / "linked").mkdir()
    shell = start(FISH, columns=100)
    shell.talk("cd linked")
    shell.talk("fal profile link b")
    shell.talk("cd ..")
    shell.clear()
    # `read` draws fish_mode_prompt too.
    shell.type("cd linked; read answer; echo $FALENV_PROFILE $answer\r")
    shows(shell, "(fal:a) ready> cd linked; read answer; echo $FALENV_PROFILE $answer", "read> ")
    shell.type("yes\r")
    shows(
        shell,
        "(fal:a) ready> cd linked; read answer; echo $FALENV_PROFILE $answer",
        "read> yes",
        "a yes",
        "(fal:b/) ready> ",
    )


def test_case_67_what_there_is_to_say_waits_for_the_end_of_the_line(
    home: Home, start: Start
) -> None:
    home.profiles("a", "b", default="a")
    (home.path / "found").mkdir()
    (home.path / "found" / ".fal-profile").write_text("b\n")
    shell = start(FISH)
    shell.talk("cd found; cd ..")
    shell.clear()
    shell.type(f"{LEFT}echo done")
    shows(shell, "(fal:a) ready> echo done")
    notice(shell.press("\r").removesuffix("\ndone"), "found/.fal-profile", "fal profile allow")
    assert shell.prompts(2) == ""
    # An empty line ends the line too.
    shell.type(RIGHT)
    assert shell.get("PWD") == str(home.path)
    (home.path / "found" / ".fal-profile").write_text("c\n")
    shell.clear()
    shell.type(LEFT)
    shell.wait(lambda: "/found\x07" in shell.output[-200:], "the title of the folder", 5)
    shows(shell, "(fal:a) ready> ")
    notice(shell.press("\r"), "found/.fal-profile", "fal profile allow")
    assert shell.prompts(2) == ""


def test_case_67_no_process_for_a_linked_folder(home: Home, start: Start, trace: Trace) -> None:
    home.profiles("a", "b", default="a")
    (home.path / "linked").mkdir()
    shell = start(FISH, prefix=trace.prefix)
    shell.segments = ".*"
    shell.talk("cd linked")
    shell.talk("fal profile link b")
    shell.talk("cd ..")
    shell.clear()
    for keys, segment in ((LEFT, "(fal:b/) "), (RIGHT, "(fal:a) ")):
        trace.begin()
        shell.type(keys)
        shows(shell, f"{segment}ready> ")
        # fish's own prevd and nextd start seq.
        assert [line for line in trace.processes() if "exec" in line and '"seq"' not in line] == []


def test_case_67_direnv_changes_the_folder_of_the_prompt_first(home: Home, start: Start) -> None:
    needs("direnv")
    home.profiles("a", "b", "c", default="a")
    # Beside the home, whose awkward name direnv itself runs as code.
    project = home.path.parent / "project"
    project.mkdir()
    (project / ".envrc").write_text('eval "$(fal profile env b)"\n')
    assert home.run("direnv", "allow", str(project)).returncode == 0
    shell = start(FISH, f"{LINE}\ndirenv hook fish | source", columns=COLUMNS, DIRENV_LOG_FORMAT="")
    shell.talk("cd ../project; cd ..")
    shell.clear()
    for _ in range(2):
        shell.type(LEFT)
        shows(shell, "(fal:b*) ready> ")
        assert shell.exported()["FAL_KEY"] == KEYS["b"]
        shell.clear()
        shell.type(RIGHT)
        shows(shell, "(fal:a) ready> ")
        assert shell.exported()["FAL_KEY"] == KEYS["a"]
        shell.clear()


# --- Other tools and fish_prompt -----------------------------------------------------------------


def test_case_68_a_real_venv_and_the_config_read_again(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    # The script of Python 3.11 runs `$(here)`.
    venv = home.path.parent / "my venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    activate = f"source '{venv}/bin/activate.fish'"
    shell = start(FISH, columns=COLUMNS)
    before = text_of(shell, "fish_prompt")
    for line, front in (
        (activate, "(fal:a) (my venv) "),
        ("source $__fish_config_dir/config.fish", "(fal:a) "),
        (activate, "(fal:a) (my venv) "),
        (LINE, "(fal:a) (my venv) "),
        (LINE, "(fal:a) (my venv) "),
        ("deactivate", "(fal:a) "),
        (activate, "(fal:a) (my venv) "),
        ("fal profile use b", "(fal:b*) (my venv) "),
        ("fal profile off", "(my venv) "),
        ("deactivate", ""),
    ):
        shell.segments = ".*"
        assert (shell.talk(line), shell.segment) == ("", front), line
        shell.clear()
        shows(shell, f"{front}ready> ")
    assert text_of(shell, "fish_prompt") == before


WRAPPER = """
functions -c {0} tools_{0}
function {0}; echo -n '[tool] '; tools_{0} $argv; end
"""


@pytest.mark.parametrize("function", ["fish_prompt", "fish_mode_prompt"])
@pytest.mark.parametrize("when", ["before", "after", "live"])
def test_case_68_a_tool_wraps_a_copy(home: Home, start: Start, function: str, when: str) -> None:
    home.profiles("a", "b", default="a")
    wrapper = WRAPPER.format(function)
    (home.path / "wrapper").write_text(wrapper)
    rc = {"before": f"{wrapper}\n{LINE}", "after": f"{LINE}\n{wrapper}", "live": LINE}[when]
    shell = start(FISH, rc, columns=COLUMNS)
    shell.segments = ".*"
    if when == "live":
        assert shell.segment == "(fal:a) "
        shell.talk("source wrapper")
    drawn = "[tool] (fal:{}) " if function == "fish_mode_prompt" else "(fal:{}) [tool] "
    assert shell.segment == drawn.format("a")
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == drawn.format("b*")
    assert shell.talk(f"{LINE}; {LINE}") == ""
    assert shell.segment == drawn.format("b*")
    assert shell.talk("fal profile off") == ""
    assert shell.segment == "[tool] "
    assert shell.prompts(2) == ""
    # The tool gives back what it copied.
    shell.talk(f"functions -e {function}; functions -c tools_{function} {function}")
    assert (shell.segment, shell.prompts(2)) == ("", "")
    assert shell.talk(LINE) == ""
    assert shell.segment == "(fal:a) "


def test_case_68_an_interrupted_prompt_comes_back(home: Home, start: Start) -> None:
    home.profiles("a", default="a")
    rc = f"""
        function fish_mode_prompt
            if test -e ~/slow
                rm ~/slow
                sh -c 'touch ~/sleeping; exec sleep 30'
            end
        end
        {LINE}
    """
    shell = start(FISH, rc, columns=COLUMNS)
    shell.clear()
    shell.type("touch slow\r")
    shell.wait((home.path / "sleeping").exists, "the slow prompt")
    shell.type("\x03")
    shell.prompts()
    shell.clear()
    shows(shell, "(fal:a) ready> ")


# --- Saved and chosen ----------------------------------------------------------------------------


def test_case_69_the_users_own_prompt_is_saved(home: Home, start: Start) -> None:
    home.profiles("a", default="a")
    own = "function fish_prompt --description 'my own'\n    echo -n 'ready> '\nend\n"
    shell = start(FISH, f"{own}\n{LINE}")
    saved = shell.files / "fish" / "functions" / "fish_prompt.fish"
    shell.talk("funcsave fish_prompt")
    assert saved.read_text() == own
    saved.unlink()
    shell.type("fish_config prompt save\r")
    shell.wait(lambda: shell.screen().endswith("[y/N]"), "the question")
    shell.press("y\r")
    assert saved.read_text() == own


def test_case_69_a_saved_mode_prompt_works_without_falenv_and_with_it(
    home: Home, start: Start
) -> None:
    home.profiles("a", default="a")
    shell = start(FISH, f"function fish_mode_prompt; echo '[mine] '; end\n{LINE}")
    shell.segments = ".*"
    assert shell.segment == "[mine] (fal:a) "
    shell.talk("funcsave fish_mode_prompt")
    saved = (shell.files / "fish" / "functions" / "fish_mode_prompt.fish").read_text()
    bare = start(FISH, saved, columns=COLUMNS)
    bare.segments = ".*"
    assert (bare.greeting, bare.prompts(2)) == ("[mine] ", "")
    assert bare.segment == "[mine] "
    again = start(FISH, f"{saved}\n{LINE}")
    again.segments = ".*"
    assert again.segment == "[mine] (fal:a) "
    assert again.talk("fal profile off") == ""
    assert (again.segment, again.prompts(2)) == ("[mine] ", "")


def test_case_69_a_prompt_chosen_at_run_time_keeps_the_segment(home: Home, start: Start) -> None:
    home.profiles("a", default="a")
    shell = start(FISH, columns=COLUMNS)
    shell.segments = ".*"
    shell.type("fish_config prompt choose minimalist\r")
    shell.prompt = ") "
    shell.prompts()
    shell.clear()
    shows(shell, "(fal:a) it's $(here) ) ")
    # As fish 4.2 and later do it.
    shell.talk("functions -e fish_mode_prompt; function fish_prompt; echo -n 'new ) '; end")
    shell.clear()
    shows(shell, "(fal:a) new ) ")


def test_case_69_arguments_reach_the_users_functions(home: Home) -> None:
    home.profiles("a", default="a")
    text = f"""
        function fish_prompt; echo "<$argv>"; end
        function fish_mode_prompt; echo "[$argv] "; end
        {LINE}
        emit fish_prompt
        fish_mode_prompt --final-rendering
        fish_prompt --final-rendering
    """
    done = home.run("fish", "--no-config", "-i", "-c", text)
    assert done.stderr == ""
    assert done.stdout == "[--final-rendering] \x1b[2m(fal:a) \x1b[22;39m<--final-rendering>\n"


# --- The user's own part -------------------------------------------------------------------------

#: What a user may have made of fish_mode_prompt, and what it shows.
OWN = {
    "fish's own": ("", ""),
    "erased": ("functions -e fish_mode_prompt", ""),
    "empty": ("function fish_mode_prompt; end", ""),
    "short": ("function fish_mode_prompt; echo -n '[m] '; end", "[m] "),
    "returns": (
        """
            function fish_mode_prompt --description 'it\\'s\n$mine' --argument-names x y
                # a comment

                echo '['
                echo 'm] '
                return 3
                echo never
            end""",
        "[m] ",
    ),
    "a variable": (
        """
            function make
                set -l v value
                function fish_mode_prompt -V v; echo -n "[$v] "; end
            end
            make""",
        "[value] ",
    ),
    "an event": (
        "function fish_mode_prompt --on-event ever; echo -n '[m] '; end",
        "[m] ",
    ),
}


@pytest.mark.parametrize("own", OWN)
def test_case_29_off_gives_the_mode_prompt_back(home: Home, start: Start, own: str) -> None:
    home.profiles("a", "b", default="a")
    rc, drawn = OWN[own]
    shell = start(FISH, rc, columns=200)
    shell.segments = ".*"
    before = [text_of(shell, name) for name in ("fish_mode_prompt 2>/dev/null", "fish_prompt")]
    handlers = shell.stdout("functions --handlers")
    for _ in range(2):
        assert shell.talk(LINE) == ""
        assert shell.segment == f"{drawn}(fal:a) "
        assert text_of(shell, "fish_prompt") == before[1]
        assert shell.talk("fal profile off") == ""
        assert shell.segment == drawn
        after = [text_of(shell, name) for name in ("fish_mode_prompt 2>/dev/null", "fish_prompt")]
        assert after == before
        assert shell.stdout("functions --handlers") == handlers


def test_case_17_the_users_functions_see_the_status(home: Home, start: Start) -> None:
    home.profiles("a", default="a")
    rc = f"""
        function fish_mode_prompt; echo "[$status $pipestatus]"; end
        function fish_prompt; echo -n "<$status $pipestatus> ready> "; end
        function fish_right_prompt; echo -n "$status $pipestatus"; end
        {LINE}
    """
    shell = start(FISH, rc, columns=COLUMNS)
    shell.segments = ".*"
    shell.talk("false | true | false")
    shell.clear()
    front = "[1 1 0 1](fal:a) <1 1 0 1> ready> "
    shell.wait(lambda: shell.screen() == front + "1 1 0 1".rjust(COLUMNS - len(front)), front, 5)
    assert shell.talk("echo $status $pipestatus") == "1 1 0 1"


VI = "set -g fish_key_bindings fish_vi_key_bindings"


def test_vi_mode_shows_its_mode(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    shell = start(FISH, f"{VI}\n{LINE}", columns=COLUMNS)
    shell.segments = ".*"
    shell.clear()
    shows(shell, "[I] (fal:a) ready> ")
    shell.type("abc\x1b")
    shell.wait(lambda: shell.screen() == "[N] (fal:a) ready> abc", "normal mode", 5)
    shell.type("A")
    shows(shell, "[I] (fal:a) ready> abc")


@pytest.mark.parametrize("own", ["function fish_mode_prompt; end", "functions -e fish_mode_prompt"])
def test_vi_mode_in_the_users_own_prompt(home: Home, start: Start, own: str) -> None:
    """fish draws fish_prompt for a change of mode only if fish_mode_prompt prints nothing."""
    home.profiles("a", "b", default="a")
    rc = f"""
        {VI}
        {own}
        function fish_prompt
            echo x >>~/drawn
            echo -n "$fish_bind_mode ready> "
        end
        {LINE}
        bind -M insert -m default \\cx force-repaint
    """
    shell = start(FISH, rc, columns=COLUMNS)
    shell.segments = ".*"
    shell.clear()
    shows(shell, "(fal:a) insert ready> ")
    shell.type("abc\x1b")
    shell.wait(lambda: shell.screen() == "(fal:a) default ready> abc", "normal mode", 5)
    shell.type("A")
    shows(shell, "(fal:a) insert ready> abc")
    shell.type("\x18")
    shell.wait(lambda: shell.screen() == "(fal:a) default ready> abc", "normal mode", 5)
    # Enter leads from normal mode to insert mode.
    shell.type("0Cecho x\x1b")
    shell.wait(lambda: shell.screen() == "(fal:a) default ready> echo x", "normal mode", 5)
    shell.type("\r")
    shows(shell, "(fal:a) default ready> echo x", "x", "(fal:a) insert ready> ")
    # Pasted text does not draw the prompt again.
    shell.clear()
    shows(shell, "(fal:a) insert ready> ")
    drawn = (home.path / "drawn").read_text()
    shell.type("\x1b[200~pasted\x1b[201~")
    shows(shell, "(fal:a) insert ready> pasted")
    assert (home.path / "drawn").read_text() == drawn


def test_prompts_of_several_lines(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    rc = f"function fish_prompt; printf '%s\\n' one two; echo -n 'ready> '; end\n{LINE}"
    shell = start(FISH, rc, columns=COLUMNS)
    shell.segments = ".*"
    shell.type("\x0c")
    shows(shell, "(fal:a) one", "two", "ready> ")
    shell.talk("set -gx FALENV_PROMPT '<{name}>'\\n")
    shell.type("\x0c")
    shows(shell, "<a>", "one", "two", "ready> ")
    shell.type("echo 1")
    shows(shell, "<a>", "one", "two", "ready> echo 1")


def test_case_34_starship_at_run_time(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    (home.path / "init").write_text(PLACES["starship"][0])
    shell = start(FISH, columns=COLUMNS)
    shell.segments = ".*"
    assert shell.segment == "(fal:a) "
    shell.talk("source init")
    assert shell.segment == "<a> "
    shell.talk("fal profile use b")
    assert shell.segment == "<b*> "
    # And the user's own again, with and without a place for the segment.
    shell.talk("function fish_prompt; echo -n 'ready> '; end")
    assert shell.segment == "(fal:b*) "
    shell.talk("function fish_prompt; falenv_prompt '<{name}>'; echo -n 'ready> '; end")
    assert shell.segment == "<b>"


def test_a_fish_without_nt_gets_the_key_and_one_line(home: Home, start: Start) -> None:
    """fish has -nt from version 3.6 on. Here the test for it fails, as it does before."""
    home.profiles("a", "b", default="a")
    mine = "function fal; echo mine; end"
    load = "fal profile env | sed 's:test ! / -nt /:test 1 = 2:' | source"
    shell = start("fish", f"{load}\n{mine}")
    assert shell.greeting == (
        "falenv: fish before 3.6 cannot follow a switch, so it only has the key; upgrade fish"
    )
    assert (shell.exported()["FAL_KEY"], shell.exported()["FALENV_PROFILE"]) == (KEYS["a"], "a")
    assert shell.stdout("fal") == "mine\n"
    assert (
        shell.stdout("begin; functions -a -n; set -n; end | string match '*falenv_*'; true") == ""
    )
    home.fal("set", "b")
    assert shell.prompts(2) == ""
    assert shell.talk("functions fish_mode_prompt | string match '*falenv*'") == ""
