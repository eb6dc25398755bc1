"""zsh: the segment in any prompt, under any option, and the folder while a line is edited."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS
from driver import KINDS, PROMPT, Shell, needs
from test_prompt import LITERAL, named, use

from falenv.masking import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Trace

    Start = Callable[..., Shell]

ZSH = KINDS["zsh"]
EVAL = ZSH.eval_line()
#: How the prompts of zsh's own themes end.
END = "# " if os.geteuid() == 0 else "% "


@pytest.fixture(autouse=True)
def _zsh(home: Home) -> None:
    needs("zsh")
    home.profiles("a", "b", "c", default="a")


def begin(start: Start, rc: str, **variables: str) -> Shell:
    """Start zsh with these lines, OURS being falenv's. Any segment is then part of no answer."""
    shell = start("zsh", rc.replace("OURS", EVAL), **variables)
    shell.segments = ".*"
    return shell


# --- psvar and options ---------------------------------------------------------------------------

#: Who assigns psvar, and whether that comes after falenv's hook at the first prompt.
ASSIGNERS = {
    "precmd": ("precmd() { psvar=(x) }\nOURS", False),
    "above": ("users() { psvar=(x) }\nprecmd_functions+=(users)\nOURS", False),
    "behind": ("OURS\nusers() { psvar=(x) }\nprecmd_functions+=(users)", True),
    "empty": ("OURS\nusers() { psvar=() }\nprecmd_functions+=(users)", True),
    "PSVAR": ("precmd() { PSVAR=x:y:z }\nOURS", False),
}


@pytest.mark.parametrize("subst", ["prompt_subst", "no_prompt_subst"])
@pytest.mark.parametrize("who", ASSIGNERS)
def test_case_70_the_segment_stays_whoever_assigns_psvar(
    start: Start, who: str, subst: str
) -> None:
    rc, is_late = ASSIGNERS[who]
    shell = begin(start, f"setopt {subst}\n{rc}")
    if is_late and subst == "no_prompt_subst":
        # zsh has noted at the first prompt which functions run there.
        assert shell.segment == ""
        assert shell.prompts() == ""
    assert shell.segment == "(fal:a) "
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "(fal:b*) "
    assert shell.prompts(2) == ""
    assert shell.segment == "(fal:b*) "
    assert "%40v" not in shell.output


@pytest.mark.parametrize(
    ("subst", "segment"), [("prompt_subst", "(fal:a) "), ("no_prompt_subst", "")]
)
@pytest.mark.parametrize("test", ["%(1v.[%1v].)", "%1(v.[%1v].)"])
def test_case_70_a_prompt_that_counts_psvar_counts_only_the_users(
    start: Start, subst: str, segment: str, test: str
) -> None:
    shell = begin(
        start, f"setopt {subst}\nprecmd() {{ psvar=($text) }}\nPROMPT='{test}ready> '\nOURS"
    )
    assert shell.segment == segment
    shell.define("text", "branch")
    assert shell.segment == f"{segment}[branch]"
    assert shell.get("psvar") == "branch"
    # A `%1v` alone counts nothing.
    shell.define("PROMPT", f"%1v{PROMPT}")
    assert shell.segment == "(fal:a) branch"


@pytest.mark.parametrize(
    ("subst", "segment"), [("prompt_subst", "(fal:b*) "), ("no_prompt_subst", "")]
)
@pytest.mark.parametrize("first", ["prompt", "OURS"])
def test_case_70_the_real_prompt_clint(start: Start, first: str, subst: str, segment: str) -> None:
    lines = ["autoload -Uz promptinit; promptinit; prompt clint", "OURS"]
    rc = "\n".join([f"setopt {subst}", *(lines if first == "prompt" else lines[::-1])])
    shell = start("zsh", rc.replace("OURS", EVAL), prompt=END)
    shell.segments = ".*"
    shell.talk("fal profile use b")
    shell.talk("")
    rows = shell.screen().splitlines()[-3:]
    assert rows[0].startswith(f"{segment}[")
    assert rows[0].count("fal:") == bool(segment)
    assert "40v" not in shell.output
    assert "__falenv" not in shell.screen()


#: Options, and the segment of profile `%n!$(touch pwned)` under them.
NAME = "%n!|40|`x`$(touch pwned)\\"
OPTIONS = {
    "": f"(fal:{NAME}!) ",
    "prompt_subst": f"(fal:{NAME}!) ",
    "prompt_bang": f"(fal:{NAME}!) ",
    "prompt_subst prompt_bang": f"(fal:{NAME}!) ",
    "prompt_subst no_prompt_percent": f"(fal:{NAME}!) ",
    "prompt_subst prompt_bang no_prompt_percent": f"(fal:{NAME}!) ",
    "no_prompt_percent": "",
    "no_prompt_percent prompt_bang": "",
}


@pytest.mark.parametrize("own", [False, True], ids=["ours", "falenv_prompt"])
def test_case_70_the_segment_is_literal_under_any_prompt_option(
    home: Home, start: Start, *, own: bool
) -> None:
    named(home, {NAME: "red"})
    shell = begin(start, "PROMPT='$(falenv_prompt)ready> '\nOURS" if own else "OURS")
    shell.export("FAL_KEY", "x:y")  # which marks the segment with !
    for options, wanted in [*OPTIONS.items(), *OPTIONS.items()]:
        text = f"setopt prompt_percent no_prompt_subst no_prompt_bang {options}"
        assert shell.talk(text) == ""
        is_bare = own and "subst" not in options
        segment = "$(falenv_prompt)" if is_bare else wanted
        assert shell.segment == segment
        assert shell.prompts() == ""
        assert shell.segment == segment
    assert "40v" not in shell.output
    assert not (home.path / "pwned").exists()


def test_case_02_no_name_runs_if_a_widget_changes_the_options(home: Home, start: Start) -> None:
    names = [*LITERAL, NAME.replace("!", "")]
    named(home, dict.fromkeys(names, ""))
    flip = "flip() { setopt $flip; zle reset-prompt }; zle -N flip; bindkey ^T flip"
    shell = begin(start, f"OURS\n{flip}")
    for before, after in (
        ("", "prompt_subst"),
        ("prompt_subst", "no_prompt_subst"),
        ("", "prompt_bang"),
        ("prompt_subst", "prompt_bang"),
    ):
        for name in names:
            shell.talk(f"setopt no_prompt_subst no_prompt_bang {before}; flip={after}")
            use(shell, name)
            shell.clear()
            shell.type("\x14")
            # Without prompt_subst the user's own prompt would be as bare.
            segment = f"(fal:{printable(name)}*) "
            if after == "no_prompt_subst":
                segment = "${__falenv_segment-}"
            shell.wait(lambda: shell.segment == segment, segment, 5)  # noqa: B023 - called at once
    assert not (home.path / "pwned").exists()


def test_the_options_of_a_prompt_start_no_process(start: Start, trace: Trace) -> None:
    rc = "OURS\ndraw() { PROMPT='ready> ' }\nprecmd_functions+=(draw)"
    shell = start("zsh", rc.replace("OURS", EVAL), prefix=trace.prefix)
    shell.segments = ".*"
    for options in OPTIONS:
        shell.talk(f"setopt prompt_percent no_prompt_subst no_prompt_bang {options}")
        shell.prompts(2)
        trace.begin()
        assert shell.prompts(5) == ""
        assert shell.segment == ("" if options.startswith("no_p") else "(fal:a) ")
        assert trace.processes() == []


# --- Read-only -----------------------------------------------------------------------------------


@pytest.mark.parametrize("subst", ["prompt_subst", "no_prompt_subst"])
@pytest.mark.parametrize("name", ["PROMPT", "PS1", "prompt"])
def test_case_74_a_read_only_prompt_stays_as_it_is(start: Start, name: str, subst: str) -> None:
    shell = begin(start, f"setopt {subst}\nreadonly {name}\nOURS")
    assert shell.greeting == ""
    assert shell.prompts(2) == ""
    assert shell.segment == ""
    assert shell.talk("fal profile use b") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile off") == ""
    assert shell.prompts() == ""
    assert shell.stdout("print -r -- ${(k)parameters[(I)__falenv_*]}$+functions[fal]") == "0\n"


@pytest.mark.parametrize("subst", ["prompt_subst", "no_prompt_subst"])
def test_case_74_a_prompt_made_read_only_later_tells_the_truth(start: Start, subst: str) -> None:
    shell = begin(start, f"setopt {subst}\nOURS")
    assert shell.segment == "(fal:a) "
    assert shell.talk("readonly PROMPT") == ""
    for name in ("b", "c"):
        assert shell.talk(f"fal profile use {name}") == ""
        assert shell.segment == f"(fal:{printable(name)}*) "
    assert shell.export("FAL_KEY", "x:y") == ""
    assert shell.segment == "(fal:c!) "
    assert shell.talk("fal profile off") == ""
    assert shell.segment == ""
    assert shell.prompts() == ""


def test_a_read_only_psvar_leaves_the_segment_out(start: Start) -> None:
    shell = begin(start, "psvar=(x)\nreadonly psvar\nOURS")
    assert shell.greeting == ""
    assert shell.segment == ""
    assert shell.talk("setopt prompt_subst") == ""
    assert shell.segment == "(fal:a) "
    assert shell.talk("unsetopt prompt_subst") == ""
    assert shell.segment == ""
    assert shell.talk("fal profile off") == ""
    assert shell.prompts() == ""


# --- Prompts that others assign ------------------------------------------------------------------


@pytest.mark.parametrize("subst", ["prompt_subst", "no_prompt_subst"])
def test_case_84_a_saved_prompt_never_shows_another_account(start: Start, subst: str) -> None:
    # Behind falenv's hooks.
    restore = "restore() { PROMPT=$saved; zle reset-prompt }; zle -N restore; bindkey ^T restore"
    shell = begin(start, f"setopt {subst}\n{restore}\nOURS")
    shell.talk("saved=$PROMPT")
    shell.talk("fal profile use b")
    shell.type("\x14")
    shell.wait(lambda: shell.segment == "(fal:b*) ", "the segment", 5)
    assert shell.prompts(2) == ""
    assert shell.segment == "(fal:b*) "
    shell.talk("fal profile off")
    shell.talk("PROMPT=$saved")
    assert shell.segment == ""


def test_case_70_an_exported_psvar_brings_nothing_into_a_new_shell(start: Start) -> None:
    shell = begin(start, "OURS")
    shell.talk("setopt all_export; psvar=(x '' y)")
    assert shell.talk("exec zsh -d -i") == ""
    assert shell.segment == "(fal:a) "
    assert shell.talk("fal profile off") == ""
    assert shell.stdout("print -rl -- ${(q)psvar}") == "x\n''\ny\n"


#: spaceship 4.22 (lib/prompts.zsh, lib/core.zsh) assigns PROMPT again when a section is ready.
SPACESHIP = """
    setopt prompt_subst
    spaceship::prompt() { print -rn -- "${(j::)sections}ready> " }
    spaceship::populate() { PROMPT='$(spaceship::prompt)' }
    spaceship::core::render() { spaceship::populate; zle && zle .reset-prompt && zle -R }
    prompt_spaceship_precmd() {
        sections=(${FALENV_PROFILE:+"<$FALENV_PROFILE$FALENV_MARK> "}); spaceship::populate
        exec {ready}< <(print)
        zle -F $ready render
    }
    render() { zle -F $1; exec {1}<&-; spaceship::core::render }
    add-zsh-hook precmd prompt_spaceship_precmd
"""


@pytest.mark.parametrize("order", ["ours first", "ours last"])
def test_case_84_spaceship_is_left_alone(start: Start, order: str) -> None:
    lines = ["OURS", SPACESHIP]
    rc = "autoload -Uz add-zsh-hook\n" + "\n".join(lines if order == "ours first" else lines[::-1])
    shell = begin(start, rc)
    assert shell.segment == "<a> "
    shell.talk("fal profile use b")
    assert shell.segment == "<b*> "
    assert "fal:" not in shell.screen().replace("fal profile", "")


def test_case_84_a_theme_chosen_after_pure(start: Start) -> None:
    """The functions of pure stay defined, as its own do."""
    pure = """
        prompt_pure_precmd() { PROMPT='pure ready> ' }
        prompt_pure_setup() { setopt prompt_subst; add-zsh-hook precmd prompt_pure_precmd }
        autoload -Uz promptinit; promptinit
        prompt_themes+=(pure)
    """
    shell = begin(start, f"{pure}\nOURS\nprompt pure")
    assert shell.segment == "pure "
    # adam1 is zsh's own.
    shell.type("prompt adam1\r")
    shell.prompt = END
    shell.prompts()
    assert shell.segment.startswith("(fal:a) ")
    shell.talk("fal profile use b")
    assert shell.segment.startswith("(fal:b*) ")
    shell.type("prompt pure\r")
    shell.prompt = PROMPT
    shell.prompts()
    assert shell.segment == "pure "


#: liquidprompt 2.2: prompt_on saves PS1 and adds a function, prompt_off takes both back.
LIQUIDPROMPT = """
    autoload -Uz add-zsh-hook
    __lp_set_prompt() { PS1="lp ready> " }
    prompt_on() { : ${LP_OLD_PS1:=$PS1}; setopt promptpercent; add-zsh-hook precmd __lp_set_prompt }
    prompt_off() { add-zsh-hook -d precmd __lp_set_prompt; PS1=$LP_OLD_PS1 }
    prompt_on
"""


@pytest.mark.parametrize("order", ["ours first", "ours last"])
@pytest.mark.parametrize("subst", ["prompt_subst", "no_prompt_subst"])
def test_case_84_liquidprompt_on_and_off(start: Start, order: str, subst: str) -> None:
    lines = ["OURS", LIQUIDPROMPT]
    rc = "\n".join([f"setopt {subst}", *(lines if order == "ours first" else lines[::-1])])
    shell = begin(start, rc)
    shell.prompts()
    assert shell.segment == "(fal:a) lp "
    shell.talk("prompt_off")
    assert shell.segment == "(fal:a) "
    shell.talk("fal profile use b")
    assert shell.segment == "(fal:b*) "
    shell.talk("prompt_on")
    shell.prompts()
    assert shell.segment == "(fal:b*) lp "
    shell.talk("prompt_off")
    assert shell.segment == "(fal:b*) "
    assert shell.talk("fal profile off") == ""
    assert shell.segment == ""
    shell.talk("prompt_on")
    assert shell.segment == "lp "


# --- off -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("subst", ["prompt_subst", "no_prompt_subst"])
@pytest.mark.parametrize("psvar", ["", "x", "x '' y", "x ''", "'' '' ''", "{1..39}", "{1..50}"])
def test_case_29_off_gives_psvar_and_prompt_back(start: Start, psvar: str, subst: str) -> None:
    shell = begin(start, f"setopt {subst}\npsvar=({psvar})\nPROMPT='%m%% %(?..x)ready> '\nOURS")
    show = "print -r -- ${(qq)PROMPT} ${#psvar} ${(qq)psvar} $precmd_functions $chpwd_functions"
    plain = begin(start, f"psvar=({psvar})\nPROMPT='%m%% %(?..x)ready> '")
    shell.talk("fal profile use b")
    shell.talk("fal profile off")
    assert shell.stdout(show) == plain.stdout(show)


# --- The folder, while a line is edited ----------------------------------------------------------

WIDGETS = """
OURS
into() { BUFFER='echo typed'; CURSOR=99; cd linked; zle reset-prompt }
into_only() { cd linked }
quietly() { cd -q linked }
back() { cd "$HOME" }
asks() { reply=$(cd linked; print -r -- "$FAL_KEY") }
for name in into into_only quietly back asks; do zle -N $name; done
bindkey ^Ta into ^Tb into_only ^Tc quietly ^Td back ^Te asks
"""


def linked(home: Home, name: str = "b") -> None:
    (home.path / "linked").mkdir(exist_ok=True)
    (home.path / "linked" / ".fal-profile").write_text(f"{name}\n")
    assert home.run("sh", "-c", "cd linked && fal profile allow").returncode == 0


@pytest.mark.parametrize("subst", ["prompt_subst", "no_prompt_subst"])
def test_case_67_a_widget_changes_the_folder(home: Home, start: Start, subst: str) -> None:
    linked(home)
    shell = begin(start, f"setopt {subst}\n{WIDGETS}")
    assert shell.prompts() == ""

    def presses(keys: str, prompt: str) -> None:
        shell.clear()
        shell.type(keys)
        shell.wait(lambda: shell.screen() == prompt.rstrip(), prompt, 5)

    presses("\x14a", "(fal:b/) ready> echo typed")
    assert shell.press("; printenv FAL_KEY; printenv FALENV_PROFILE\r") == f"typed\n{KEYS['b']}\nb"
    presses("\x14d", "(fal:a) ready>")
    # The widget draws nothing by itself.
    presses("\x14b", "(fal:b/) ready>")
    assert shell.talk("printenv FAL_KEY") == KEYS["b"]
    presses("\x14d", "(fal:a) ready>")
    # Neither the prompt nor the key: `cd -q` calls no function.
    shell.type("\x14c")
    assert shell.talk("printenv FAL_KEY; pwd") == f"{KEYS['a']}\n{home.path}/linked"
    assert shell.segment == "(fal:b/) "
    shell.talk("cd")
    shell.type("\x14e")
    assert shell.talk('print -r -- "$reply"; printenv FAL_KEY') == f"{KEYS['a']}\n{KEYS['a']}"


def test_case_71_warn_nested_var_in_a_linked_folder(home: Home, start: Start) -> None:
    linked(home)
    shell = begin(start, "OURS\nsetopt warn_nested_var warn_create_global no_unset")
    assert shell.talk("cd linked") == ""
    assert shell.prompts(2) == ""
    assert shell.segment == "(fal:b/) "


def test_case_67_a_notice_in_a_widget_stands_on_a_line_of_its_own(home: Home, start: Start) -> None:
    (home.path / "linked").mkdir()
    (home.path / "linked" / ".fal-profile").write_text("b\n")
    shell = begin(start, WIDGETS)
    shell.clear()
    shell.type("echo one\x14b")
    shell.wait(lambda: shell.screen().count("ready> ") == 2, "the prompt", 9)
    rows = shell.screen().splitlines()
    assert rows[0] == "(fal:a) ready> echo one"
    assert rows[1].startswith("falenv: ")
    assert rows[2:] == ["(fal:a) ready> echo one"]


def test_case_67_a_cd_in_a_line_waits_for_the_prompt(home: Home, start: Start) -> None:
    linked(home)
    shell = begin(start, "OURS\nf() { cd linked; printenv FAL_KEY; cd ..; }")
    assert shell.talk("cd linked; printenv FAL_KEY; cd ..") == KEYS["a"]
    assert shell.talk("f; for i in 1 2; do f; done") == "\n".join([KEYS["a"]] * 3)
    assert shell.talk("(cd linked; printenv FAL_KEY)") == KEYS["a"]
    assert shell.talk("cd linked; eval 'printenv FAL_KEY'") == KEYS["a"]
    assert shell.talk("printenv FAL_KEY") == KEYS["b"]


# --- Options and IFS -----------------------------------------------------------------------------

IFS = ["$'\\n'", "''", ":", "a", "x", "$'\\0'"]


@pytest.mark.parametrize("ifs", IFS)
def test_case_71_any_ifs_at_the_eval_and_at_each_prompt(home: Home, start: Start, ifs: str) -> None:
    linked(home, "c")
    shell = begin(start, f"setopt no_unset\nIFS={ifs}\nOURS", FAL_KEY="x:y", FAL_KEY_ID="i")
    assert shell.segment == "(fal:a) "
    assert shell.prompts(3) == ""
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "(fal:b*) "
    assert shell.talk("fal profile use -") == ""
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.segment == "(fal:b) "
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.get("FAL_KEY_ID") == "<unset>"
    assert shell.talk("cd linked") == ""
    assert shell.segment == "(fal:c/) "
    assert shell.talk("cd ..") == ""
    # `--from-env` takes the key that falenv has set aside.
    assert shell.talk("fal profile key --from-env --yes b") == "Key set for profile b."
    assert shell.get("FAL_KEY") == "x:y"
    assert shell.talk(f"x={ifs}; [[ $x == $IFS ]] && print same") == "same"
    assert shell.talk("fal profile off") == ""
    assert shell.get("FAL_KEY") == "x:y"
    assert shell.get("FAL_KEY_ID") == "i"
    assert shell.prompts() == ""


@pytest.mark.parametrize(
    "options",
    [
        "setopt warn_create_global",
        "setopt warn_create_global warn_nested_var no_unset",
        "setopt local_options warn_create_global ksh_arrays sh_word_split no_unset",
        "setopt sh_glob ksh_glob extended_glob typeset_silent all_export",
        "setopt posix_builtins posix_identifiers",
        "emulate sh",
        "emulate ksh",
    ],
)
def test_case_71_eval_in_a_function(home: Home, start: Start, options: str) -> None:
    (home.path / "folder").mkdir()
    shell = begin(start, f"{options}\nload() {{ {EVAL}\n}}\nload")
    assert shell.greeting == ""
    assert shell.segment == "(fal:a) "
    assert shell.prompts(2) == ""
    assert shell.talk("fal profile use b; printenv FAL_KEY") == KEYS["b"]
    assert shell.talk("load") == ""
    assert shell.segment == "(fal:b*) "
    assert shell.talk("cd folder") == ""
    home.fal("set", "c")
    assert shell.talk("fal profile use --default") == ""
    assert shell.segment == "(fal:c) "
    assert shell.talk("fal profile off") == ""
    assert shell.segment == ""


# --- Completion ----------------------------------------------------------------------------------


def test_case_37_tab_without_compinit_is_quiet(home: Home, start: Start) -> None:
    (home.path / "file").touch()
    shell = begin(start, "OURS")
    shell.clear()
    shell.type("fal profile use \t")
    # zsh's own completion of file names.
    shell.wait(lambda: "use f" in shell.screen(), "a file name", 5)
    assert shell.screen() == "(fal:a) ready> fal profile use file"
    shell.type("\x15")
    assert shell.talk("fal profile use b") == ""
    # What the README says to add, typed later.
    assert shell.talk("autoload -Uz compinit; compinit -D") == ""
    assert shell.prompts() == ""
    shell.clear()
    shell.type("fal profile use c\t")
    shell.wait(lambda: shell.screen().endswith("use c"), "a name", 5)
