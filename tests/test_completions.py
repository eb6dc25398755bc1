"""Completion, as it is seen on a real terminal, and the scripts against click's commands."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from conftest import REPOSITORY
from driver import Kind, needs

from falenv.commands import profile
from falenv.dialects import DIALECTS, NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell, Trace

EVAL = 'eval "$(fal profile env)"\n'
COMPINIT = "autoload -Uz compinit; compinit -D\n"
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
#: Each way in which a shell may be set up, as its start-up lines.
INTEGRATED = {
    "bash": EVAL,
    "bash with bash-completion": f". {BASH_COMPLETION}\n{EVAL}",
    "bash -u": f"set -u\n{EVAL}",
    "zsh, compinit before": COMPINIT + EVAL,
    "zsh, compinit after": EVAL + COMPINIT,
    "zsh, odd options": COMPINIT + EVAL + "setopt ksh_arrays sh_word_split glob_subst no_unset "
    "rc_quotes csh_null_glob warn_create_global no_rc_expand_param numeric_glob_sort\n",
    "fish": EVAL,
}
#: As a package would install the files, without the integration. __FILES__ has them.
PACKAGED = {
    "bash, packaged": f'XDG_DATA_DIRS="$HOME/files"\n. {BASH_COMPLETION}\n',
    "zsh, packaged": 'fpath=("$HOME/files/zsh" $fpath)\n' + COMPINIT,
    "fish, packaged": 'set -p fish_complete_path "$HOME/files/fish"\n',
}
HOSTILE = (
    "two words",
    "two  blanks",
    "it's",
    'say "hi"',
    "$(touch X)",
    "`touch X`",
    "a;touch X",
    "back\\",
    "a:b",
    "me@work",
    "k=v",
    "~root",
    "!bang",
    "star*",
    "{a,b}",
    "[x]",
    "#no",
    "<in",
    "éü",
    "日本",
    "%s %1v",
    "x|y&z",
    "'",
    "$HOME",
    "\\n",
)


def named(home: Home, *names: str) -> None:
    """Write a store with profiles of any name; the first is the default."""
    tables = [
        f'[{json.dumps(name, ensure_ascii=False)}]\nkey = "id-{number}:{number:032d}"\n'
        for number, name in enumerate(names)
    ]
    first = json.dumps(names[0], ensure_ascii=False)
    home.write("\n".join([f"[__internal__]\nprofile = {first}\n", *tables]))


def begin(
    start: Callable[..., Shell],
    setting: str,
    rc: str | None = None,
    *,
    prefix: tuple[str, ...] = (),
    **variables: str | None,
) -> Shell:
    if "bash-completion" in setting or setting == "bash, packaged":
        assert Path(BASH_COMPLETION).exists()
    lines = {**INTEGRATED, **PACKAGED}[setting] if rc is None else rc
    name = re.split("[ ,]", setting)[0]
    return start(name, lines, columns=120, prefix=prefix, **variables)


def install_files(home: Home) -> None:
    """Put the files where the PACKAGED shells look for them."""
    for folder, source, *names in (
        ("bash-completion/completions", "fal.bash", "fal", "falenv"),
        ("zsh", "_fal", "_fal"),
        ("fish", "fal.fish", "fal.fish", "falenv.fish"),
    ):
        place = home.path / "files" / folder
        place.mkdir(parents=True)
        for name in names:
            (place / name).write_text((REPOSITORY / "completions" / source).read_text())


def line(shell: Shell) -> str:
    """Return the line that is being edited, as the screen has it."""
    return shell.screen().rpartition("ready>")[2].removeprefix(" ")


def tab(shell: Shell, typed: str, wanted: str) -> None:
    """Type, press TAB, then an X, which shows where the cursor came to stand; clear the line."""
    shell.type(f"{typed}\tX")
    try:
        shell.wait(lambda: line(shell) == f"{wanted}X", f"{typed!r} to become {wanted!r}", 10)
    except AssertionError:
        raise AssertionError(f"{typed!r} became {line(shell)!r}, not {wanted + 'X'!r}") from None
    finally:
        shell.type("\x15")
    shell.wait(lambda: line(shell) == "", "the line to be empty", 10)


def screen_is_empty(shell: Shell) -> bool:
    """Tell whether nothing but one prompt is on the screen."""
    rows = shell.screen().splitlines()
    return len(rows) == 1 and rows[0].endswith(shell.prompt.rstrip())


def offers(shell: Shell, typed: str, *words: str) -> str:
    """Type, press TAB twice, and wait until the screen has all these words; return it."""
    shell.clear()
    shell.type(f"{typed}\t\t")
    shown = ""

    def complete() -> bool:
        nonlocal shown
        shown = shell.screen().partition("ready>")[2].partition("\n")[2]
        return all(re.search(rf"(^|\s){re.escape(word)}(\s|$)", shown) for word in words)

    shell.wait(complete, f"{words} after {typed!r}", 15)
    # Ctrl-C may end a completion instead of the line, and drops what is typed right behind it.
    shell.type("\x03")
    shell.read(0.2)
    shell.type("\x15")
    shell.clear()
    return shown


# --- The files and click -------------------------------------------------------------------------


def expected() -> dict[str, set[str]]:
    """Return click's visible subcommands, each with its visible long options."""
    return {
        name: {
            option
            for parameter in command.params
            if parameter.param_type_name == "option" and not getattr(parameter, "hidden", False)
            for option in parameter.opts
            if option.startswith("--")
        }
        | {"--help"}
        for name, command in profile.commands.items()
        if not command.hidden
    }


def takes_name(command: str) -> bool:
    """Tell whether a command's first argument is the name of a profile that exists."""
    arguments = [p for p in profile.commands[command].params if p.param_type_name == "argument"]
    return bool(arguments) and arguments[0].name in {"name", "names"} and command != "create"


def ask_bash(home: Home, typed: str) -> dict[str, str]:
    script = """
        set -u
        . "$FILES/fal.bash"
        COMP_LINE=$TYPED COMP_POINT=${#TYPED} COMP_WORDBREAKS=' '
        function=$(complete -p fal)
        function=${function##* -F }
        "${function%% *}" fal "${TYPED##* }" ''
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    ran = home.script("bash", script, TYPED=typed, FILES=str(REPOSITORY / "completions"))
    assert ran.stderr == ""
    return dict.fromkeys(ran.stdout.split(), "-")


def ask_zsh(home: Home, typed: str) -> dict[str, str]:
    script = """
        _describe() { print -rl -- "${(@P)@[-1]}" }
        _arguments() { for spec in ${@:#-S}
        do
            action=${spec##*:}
            # Of an action that is a function, what the function offers.
            if (($+functions[$action])); then spec="${spec%:*}:($($action))"; fi
            print -r -- ${${${spec#\\(*\\)}/=/}/\\[/:}
        done }
        _wanted() { print -rl -- $names }
        fpath=("$FILES" $fpath)
        autoload -Uz _fal
        words=("${(@s: :)TYPED}") CURRENT=$#words PREFIX=$words[-1] curcontext=::
        _fal
    """
    ran = home.script("zsh", script, TYPED=typed, FILES=str(REPOSITORY / "completions"))
    assert ran.stderr == ""
    found = dict(row.partition(":")[::2] for row in ran.stdout.splitlines())
    if found.pop("*", "").endswith(":(one)"):
        found["one"] = "-"
    if "1" in found:
        if found["1"].endswith(":(one)"):
            found["one"] = "-"
        if "(bash fish zsh)" in found["1"]:
            found |= dict.fromkeys(DIALECTS, "-")
        del found["1"]
    return {word: text for word, text in found.items() if word != "-h"}


def ask_fish(home: Home, typed: str) -> dict[str, str]:
    script = """
        source "$FILES/fal.fish"
        complete -C $TYPED
    """
    ran = home.script("fish", script, TYPED=typed, FILES=str(REPOSITORY / "completions"))
    assert ran.stderr == ""
    found = dict(row.partition("\t")[::2] for row in ran.stdout.splitlines())
    return {word: text for word, text in found.items() if word != "-h"}


ASK = {"bash": ask_bash, "zsh": ask_zsh, "fish": ask_fish}


def test_the_files_have_clicks_commands_and_options(home: Home, kind: Kind) -> None:
    ask = ASK[kind.name]
    home.write('[one]\nkey = "id:secret"\n')
    commands = ask(home, "fal profile ")
    assert set(commands) == set(expected())
    assert all(commands.values())
    for command, options in expected().items():
        offered = ask(home, f"fal profile {command} -")
        assert {word for word in offered if word.startswith("--")} == options, command
        assert all(offered.values()), (command, offered)
        assert ("-" in offered) == (command == "use")
        assert ("one" in ask(home, f"fal profile {command} ")) == takes_name(command), command
    with_files = {name for name, dialect in DIALECTS.items() if dialect.completion}
    assert with_files <= set(ask(home, "fal profile completion "))


@pytest.mark.parametrize(("name", "file"), [("zsh", "_fal"), ("fish", "fal.fish")])
def test_the_files_describe_commands_and_options_as_click_does(
    home: Home, name: str, file: str
) -> None:
    needs(name)

    def plain(text: str | None) -> str:
        """Return a description in the form that all three have in common."""
        return (text or "").partition("]")[0].partition("\n")[0].rstrip(".").lower()

    home.write('[one]\nkey = "id:secret"\n')
    described = {word: plain(text) for word, text in ASK[name](home, "fal profile ").items()}
    assert described == {word: plain(profile.commands[word].help) for word in expected()}
    for word in expected():
        command = profile.commands[word]
        options = {
            option: plain(parameter.help)
            for parameter in command.get_params(
                click.Context(command, help_option_names=["--help"])
            )
            if isinstance(parameter, click.Option) and not parameter.hidden
            for option in parameter.opts
            if option.startswith("--")
        }
        offered = ASK[name](home, f"fal profile {word} -").items()
        described = {option: plain(text) for option, text in offered if option.startswith("--")}
        assert described == options
    assert plain(profile.help) in (REPOSITORY / "completions" / file).read_text().lower()


@pytest.mark.parametrize("value", ["env --shell", "host --profile"])
def test_the_values_of_options(home: Home, value: str, kind: Kind) -> None:
    home.write('[one]\nkey = "id:secret"\n')
    wanted = {"one"} if "host" in value else set(NAMES)
    if kind.describes_options:
        command, option = value.split()
        specification = ask_zsh(home, f"fal profile {command} -")[option]
        assert set(specification.rpartition(":(")[2].removesuffix(")").split()) == wanted
    else:
        assert set(ASK[kind.name](home, f"fal profile {value} ")) == wanted


def test_the_files_are_clean_for_the_shells_own_checkers() -> None:
    for command in (
        ("shellcheck", "fal.bash"),
        ("bash", "-n", "fal.bash"),
        ("zsh", "-n", "_fal"),
        ("fish", "--no-execute", "fal.fish"),
    ):
        ran = subprocess.run(
            [needs(command[0]), *command[1:]],
            cwd=REPOSITORY / "completions",
            check=False,
            capture_output=True,
            text=True,
        )
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "fal.bash"), ("zsh", "_fal"), ("fish", "fal.fish")]
)
def test_the_script_alone(home: Home, shell: str, file: str) -> None:
    ran = home.fal("completion", shell)
    assert ran.stdout == (REPOSITORY / "completions" / file).read_text()
    assert (ran.returncode, ran.stderr) == (0, "")


def test_names_alone_are_never_an_error(home: Home) -> None:
    assert home.fal("list", "--names").stdout == ""
    named(home, "two words", "esc\x1b[31m", "me")
    ran = home.fal("list", "--names")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("two words\nme\n", "", 0)
    home.write("[broken")
    ran = home.fal("list", "--names")
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)


# --- On a terminal -------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", [*INTEGRATED, *PACKAGED])
def test_case_35_tab(home: Home, start: Callable[..., Shell], setting: str) -> None:
    named(home, "comfy", "me@work", "a:b:see", "a:b:dee", "my work")
    install_files(home)
    shell = begin(start, setting)
    for typed, wanted in (
        ("fal prof", "fal profile "),
        ("falenv prof", "falenv profile "),
        ("fal profile us", "fal profile use "),
        ("fal profiles cur", "fal profiles current "),
        ("fal profile use com", "fal profile use comfy "),
        ("falenv profile set com", "falenv profile set comfy "),
        ("fal profile link com", "fal profile link comfy "),
        ("fal profile delete me@w", "fal profile delete me@work "),
        ("fal profile key a:b:s", "fal profile key a:b:see "),
        ("fal profile use 'my w", "fal profile use 'my work' "),
        ("fal profile use --def", "fal profile use --default "),
        ("fal profile list --j", "fal profile list --json "),
        ("fal profile host --profile com", "fal profile host --profile comfy "),
        ("fal profile env --shell z", "fal profile env --shell zsh "),
        ("fal profile env --shell=z", "fal profile env --shell=zsh "),
        ("fal profile completion fi", "fal profile completion fish "),
        ("fal profile exec com", "fal profile exec comfy "),
        ("fal profile exec comfy -", "fal profile exec comfy --" + " " * ("fish" not in setting)),
        ("fal profile exec comfy -- mkfif", "fal profile exec comfy -- mkfifo "),
        ("fal profile exec comfy mkfif", "fal profile exec comfy mkfifo "),
        ("true && fal profile exec com", "true && fal profile exec comfy "),
        # Nothing fits: nothing happens.
        ("fal profile use nobod", "fal profile use nobod"),
        ("fal profile nothin", "fal profile nothin"),
        ("fal profile create com", "fal profile create com"),
        ("fal profile use comfy com", "fal profile use comfy com"),
        ("fal profile unlink com", "fal profile unlink com"),
    ):
        tab(shell, typed, wanted)
    offers(shell, "fal profile use ", "comfy", "me@work")
    shown = offers(shell, "fal profile ", "use", "exec", "delete")
    if not setting.startswith("bash"):
        assert re.search("(?i)pin this shell", shown)


@pytest.mark.parametrize("setting", ["bash with bash-completion", "zsh, compinit before", "fish"])
def test_case_35_tab_after_exec_is_the_commands_own(
    home: Home, start: Callable[..., Shell], setting: str
) -> None:
    named(home, "me@work", "comfy")
    shell = begin(start, setting)
    for words in ("me@work --", "comfy"):
        tab(
            shell,
            f"fal profile exec {words} ls --almost-a",
            f"fal profile exec {words} ls --almost-all ",
        )
    tab(
        shell,
        "fal profile exec comfy fal profile use com",
        "fal profile exec comfy fal profile use comfy ",
    )


@pytest.mark.parametrize(
    "setting",
    ["bash", "bash, packaged", "zsh, compinit before", "zsh, packaged", "fish", "fish, packaged"],
)
def test_case_35_tab_on_a_name_gives_just_that_name(
    home: Home, start: Callable[..., Shell], setting: str
) -> None:
    named(home, *(f"p{number:02d}{name}" for number, name in enumerate(HOSTILE)))
    install_files(home)
    shell = begin(start, setting)
    for number, name in enumerate(HOSTILE):
        for opening in ("", "'", '"'):
            out = home.path / "out"
            shell.type(f"fal profile use {opening}p{number:02d}\t")
            # From the start of the line, so that all its words become printf's arguments.
            shell.type("\x01printf '%s\\n' > out \r")
            shell.wait(out.exists, "the line to run", 10)
            shell.prompts()
            given = out.read_text().splitlines()
            assert given == ["fal", "profile", "use", f"p{number:02d}{name}"], opening
            out.unlink()
    assert not (home.path / "X").exists()


@pytest.mark.parametrize("setting", [*INTEGRATED, *PACKAGED])
@pytest.mark.parametrize("store", ["missing", "broken"])
def test_case_35_tab_without_a_store_is_silent(
    home: Home, start: Callable[..., Shell], setting: str, store: str
) -> None:
    install_files(home)
    named(home, "comfy")
    shell = begin(start, setting)
    if store == "broken":
        home.write("[broken")
    else:
        home.store.unlink()
    shell.prompts()
    shell.clear()
    tab(shell, "fal profile use com", "fal profile use com")
    tab(shell, "fal profile us", "fal profile use ")
    assert screen_is_empty(shell)


def test_case_35_tab_starts_no_process_among_1000_profiles(
    home: Home, start: Callable[..., Shell], kind: Kind, trace: Trace
) -> None:
    names = [f"number-{number:04d}" for number in range(1000)]
    named(home, "comfy", "other one", *names)
    setting = "zsh, compinit before" if kind.name == "zsh" else kind.name
    shell = begin(start, setting, prefix=trace.prefix)
    for typed in ("fal profile us", "fal profile use com"):  # zsh loads its functions
        tab(shell, typed, typed + ("e " if typed.endswith("us") else "fy "))
    trace.begin()
    tab(shell, "fal prof", "fal profile ")
    tab(shell, "fal profile us", "fal profile use ")
    for command in ("use", "link", "delete"):
        for number in (0, 777, 999):
            typed = f"fal profile {command} number-{number:04d}"
            tab(shell, typed, f"{typed} ")
    tab(shell, "fal profile link number-04", "fal profile link number-04")
    tab(shell, "fal profile use 'oth", "fal profile use 'other one' ")
    tab(
        shell,
        "fal profile host --pro",
        f"fal profile host --profile{kind.before_value}",
    )
    assert trace.processes() == []


# --- The official CLI's own ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting", ["bash", "bash with bash-completion", "zsh, compinit after", "fish", *PACKAGED]
)
def test_case_36_the_official_cli_completes(
    home: Home, start: Callable[..., Shell], official: Path, setting: str
) -> None:
    named(home, "comfy")
    install_files(home)
    path = home.variables["PATH"].replace(":", f":{official}:", 1)
    shell = begin(start, setting, PATH=path)
    shown = offers(shell, "fal ", "app", "deploy", "profile")
    assert "profiles" not in shown.split()
    assert not re.search("fal profile|Profile management", shown)
    offers(shell, "fal app ", "delete", "scale")
    tab(shell, "fal apps sca", "fal apps scale ")
    tab(shell, "falenv deploy --app-n", "falenv deploy --app-name ")


@pytest.mark.parametrize("setting", [*INTEGRATED, *PACKAGED])
def test_case_36_without_the_official_cli_nothing_is_said(
    home: Home, start: Callable[..., Shell], setting: str
) -> None:
    named(home, "comfy")
    install_files(home)
    # What the folder holds is not run.
    for name in ("fal", "falenv", "completion"):
        (home.path / name).write_text("#!/bin/sh\ntouch ran\n")
        (home.path / name).chmod(0o755)
    (home.path / "click").mkdir()
    for module in ("click/__init__.py", "tomli.py", "argcomplete.py"):
        (home.path / module).write_text("open('ran', 'w')\n")
    shell = begin(start, setting)
    shell.clear()
    tab(shell, "fal app li", "fal app li")
    tab(shell, "fal ap", "fal ap")
    tab(shell, "fal pro", "fal profile ")
    assert screen_is_empty(shell)
    assert not (home.path / "ran").exists()


FORMER = {
    "bash": "former() { COMPREPLY=(scale-$1); }\ncomplete -F former fal\n",
    "zsh": COMPINIT + "former() { compadd scale-$words[1] }\ncompdef former fal\n",
    "fish": "complete -c fal -f -a scale-fal\n",
}
SHOW = {
    "bash": "complete -p fal falenv 2>/dev/null; declare -F | grep '_falenv'",
    "zsh": "print -r -- $_comps[fal] $_comps[falenv]; functions | grep falenv",
    "fish": "complete -c fal; complete -c falenv; functions -a | grep _falenv",
}


@pytest.mark.parametrize("former", [True, False])
def test_off_gives_back_who_completed_before(
    home: Home, start: Callable[..., Shell], kind: Kind, *, former: bool
) -> None:
    named(home, "comfy")
    rc = FORMER[kind.name] if former else f"{kind.load_completions}\n"
    before = begin(start, kind.name, rc)
    was = before.stdout(kind.block(SHOW[kind.name]))
    shell = begin(start, kind.name, rc + EVAL)
    tab(shell, "fal profile use c", "fal profile use comfy ")
    if former and kind.completes_by_functions:
        tab(shell, "fal app s", "fal app scale-fal ")
    assert shell.talk("fal profile off") == ""
    assert shell.stdout(kind.block(SHOW[kind.name])) == was
    tab(shell, "fal s", "fal scale-fal " if former else "fal s")
    shell.talk(EVAL.strip())
    tab(shell, "fal profile use c", "fal profile use comfy ")


@pytest.mark.parametrize("setting", PACKAGED)
def test_off_leaves_the_packages_files_at_work(
    home: Home, start: Callable[..., Shell], setting: str
) -> None:
    named(home, "comfy")
    install_files(home)
    for first in ("", "fal profile use c"):  # loaded before the integration, or not
        shell = begin(start, setting)
        if first:
            tab(shell, first, "fal profile use comfy ")
        shell.talk(EVAL.strip())
        tab(shell, "fal profile use c", "fal profile use comfy ")
        assert shell.talk("fal profile off") == ""
        tab(shell, "fal profile use c", "fal profile use comfy ")


# --- compinit, and errexit -----------------------------------------------------------------------


def test_case_37_without_compinit_it_is_quietly_off(
    home: Home, start: Callable[..., Shell]
) -> None:
    named(home, "comfy")
    shell = begin(start, "zsh", EVAL)
    shell.clear()
    tab(shell, "fal profile use com", "fal profile use com")
    assert screen_is_empty(shell)
    assert shell.stdout("print -r -- $+functions[compdef] $+functions[compinit]") == "0 0\n"


def test_case_37_compinit_later_and_twice(home: Home, start: Callable[..., Shell]) -> None:
    named(home, "comfy")
    shell = begin(start, "zsh", EVAL)
    for _ in range(2):
        shell.talk(COMPINIT.strip())
        tab(shell, "fal profile use com", "fal profile use comfy ")
    counted = "compinit() { print -n x >> $HOME/count }\n"
    begin(start, "zsh", counted + EVAL).prompts()
    assert not (home.path / "count").exists()


def test_errexit_does_not_end_the_shell(home: Home, start: Callable[..., Shell]) -> None:
    named(home, "comfy")
    shell = begin(start, "bash", EVAL)
    shell.type("set -e\r")
    tab(shell, "fal profile use nobod", "fal profile use nobod")
    tab(shell, "fal profile use com", "fal profile use comfy ")
    tab(shell, "fal app li", "fal app li")
    assert shell.child.isalive()


def test_redirections_are_files(home: Home, start: Callable[..., Shell]) -> None:
    named(home, "comfy")
    (home.path / "a-file").touch()
    shell = begin(start, "bash", EVAL)
    tab(shell, "fal profile list > a-f", "fal profile list > a-file ")
    tab(shell, "fal profile 2>a-file use com", "fal profile 2>a-file use comfy ")
