"""The live session: a switch reaches the shell in front of the user, and every other one."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS
from driver import UNSET

from falenv import dialects

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]

HOSTS = ("FAL_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST")
HAND = "11111111-0000-4000-8000-000000000000:byhand"


def talk(shown: str) -> list[str]:
    """Return the lines of falenv's in what a terminal showed."""
    return [line for line in shown.splitlines() if "falenv: " in line and "echo >" not in line]


def current(shell: Shell) -> dict[str, object]:
    found: dict[str, object] = json.loads(shell.stdout("fal profile current --json"))
    return found


def test_case_05_a_switch_takes_effect_on_the_same_line(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.stdout("fal profile set b > said; printf %s $FAL_KEY") == KEYS["b"]
    assert (home.path / "said").read_text() == "Default profile set to b.\n"
    # The official CLI's other word for it, and the other two commands that switch.
    assert shell.stdout("fal profiles set a > said; printf %s $FAL_KEY") == KEYS["a"]
    shell.run("fal profile unset")
    assert shell.get("FAL_KEY") == UNSET
    shell.run("fal profile create new")
    assert shell.get("FALENV_PROFILE") == "new"


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish"])
def test_case_05_in_a_script_that_began_with_the_eval(home: Home, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    result = home.script(
        kind,
        'eval "$(fal profile env)"; fal profile set b; printf "%s\\n" $FAL_KEY;'
        ' fal profile use a; printf "%s\\n" $FAL_KEY $FAL_PROFILE',
    )
    assert result.stdout.splitlines() == ["Default profile set to b.", KEYS["b"], KEYS["a"], "a"]
    assert (result.stderr, result.returncode) == ("", 0)


def test_case_06_another_shell_follows_at_its_next_prompt(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    one, other = start(kind), start(kind)
    one.run("fal profile set b")
    assert talk(other.run("")) == []  # its next prompt
    assert other.get("FAL_KEY") == KEYS["b"]
    assert other.exported()["FALENV_PROFILE"] == "b"
    assert "FAL_PROFILE" not in other.exported()
    assert other.get("FAL_PROFILE") == UNSET


def test_case_07_a_pinned_shell_stays(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", "c", default="a")
    shell = start(kind)
    shell.run("fal profile use c")
    home.fal("set", "b")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert shell.exported()["FAL_PROFILE"] == "c"
    # Its own `set` says that it stays.
    (line,) = talk(shell.run("fal profile set a") + shell.run(""))
    assert "stays on 'c'" in line
    assert shell.get("FAL_KEY") == KEYS["c"]
    home.fal("set", "b")
    shell.run("fal profile use --default")
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.get("FAL_PROFILE") == UNSET
    home.fal("set", "a")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_case_08_use_goes_back_and_forth(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", "c", default="c")
    shell, other = start(kind), start(kind)
    (line,) = talk(shell.run("fal profile use -") + shell.run(""))
    assert "no other profile" in line
    assert shell.get("FAL_KEY") == KEYS["c"]
    for words, expected in (("a", "a"), ("b", "b"), ("-", "a"), ("-", "b")):
        shell.run(f"fal profile use {words}")
        assert shell.get("FAL_KEY") == KEYS[expected]
        assert shell.get("FAL_PROFILE") == expected
    assert other.get("FAL_KEY") == KEYS["c"]
    # Before its first `use` a shell followed the default, so that is where `-` leads.
    other.run("fal profile use a")
    other.run("fal profile use -")
    assert (other.get("FAL_KEY"), other.get("FAL_PROFILE")) == (KEYS["c"], UNSET)


def test_use_that_fails_leaves_the_shell_as_it_was(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    shell.run("fal profile use b")
    for words, code in (
        ("nope", "1"),
        ("''", "2"),
        ("", "2"),
        ("a b", "2"),
        ("--defalt", "2"),
        ("-- ''", "2"),
    ):
        status = "$status" if kind == "fish" else "$?"
        shown = shell.run(f"fal profile use {words}; echo code={status}") + shell.run("")
        assert len(talk(shown)) == 1, words
        assert f"\ncode={code}" in shown.replace("\r", ""), words
        assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["b"], "b"), words


def test_case_09_a_change_by_the_official_cli_is_followed(
    home: Home, start: Start, kind: Kind, official: Path
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    done = home.run(str(official / "fal"), "profile", "set", "b")
    assert done.returncode == 0, done.stderr
    assert talk(shell.prompts()) == []
    assert shell.get("FAL_KEY") == KEYS["b"]


def test_case_09_a_change_by_an_editor_is_followed(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    home.profiles("a", "b", default="b")  # in place
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]
    before = home.store.with_name("before")
    shutil.copy2(home.store, before)
    os.utime(before, (1_500_000_000, 1_500_000_000))
    text = before.read_text().replace(KEYS["b"], KEYS["c"])
    before.write_text(text)
    os.utime(before, (1_500_000_000, 1_500_000_000))
    before.replace(home.store)  # another file, and an old one, as a restored backup is
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["c"]
    # A comment before it moves the key to another line.
    home.store.write_text("# one\n# two\n" + text)
    shell.run("fal profile use a")
    assert shell.get("FAL_KEY") == KEYS["a"]


@pytest.mark.parametrize("who", ["ours", "official"])
def test_case_10_the_active_profile_is_deleted_elsewhere(
    home: Home, start: Start, kind: Kind, who: str, official: Path
) -> None:
    home.profiles("a", "b", default="a")
    follower, pinned = start(kind), start(kind)
    pinned.run("fal profile use b")
    fal = official / "fal" if who == "official" else SCRIPTS / "fal"
    for name in ("b", "a"):
        done = home.run(str(fal), "profile", "delete", name)
        assert done.returncode == 0, done.stderr
    for shell, name in ((follower, "a"), (pinned, "b")):
        (line,) = talk(shell.prompts(3))
        assert f"'{name}'" in line
        assert shell.get("FAL_KEY") == UNSET
        assert "FAL_KEY" not in shell.exported()
        assert talk(shell.prompts(2)) == []


def test_case_10_the_active_profile_is_renamed_elsewhere(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    editor, ours = start(kind), start(kind)
    text = home.store.read_text()
    home.write(text.replace("[a]", "[new]").replace('"a"', '"new"'))
    # The first refresh brings the index up to date: the other shell hears of it by builtins.
    for shell in (editor, ours):
        (line,) = talk(shell.prompts(2))
        assert "'a' is gone" in line
        assert "'new'" in line
        assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS["a"], "new")


def test_case_11_a_broken_store_leaves_the_last_good_environment(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    good = home.store.read_bytes()
    half = good[: len(good) // 2]
    for broken in (half, b"= =\n", b"\xff\xfe", b"[a]\nkey = 123\n"):
        home.write(broken)
        (line,) = talk(shell.prompts(3))
        assert str(home.store) in line
        assert shell.exported()["FAL_KEY"] == KEYS["a"]
        assert talk(shell.prompts(2)) == []
    # What cannot be followed is said, and nothing is half done.
    (line,) = talk(shell.run("fal profile use b") + shell.run(""))
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["a"], UNSET)
    home.store.unlink()
    home.store.mkdir()
    (line,) = talk(shell.prompts(3))
    assert "folder" in line
    assert shell.get("FAL_KEY") == KEYS["a"]
    home.store.rmdir()
    home.profiles("a", "b", default="b")
    assert talk(shell.prompts(2)) == []
    assert shell.get("FAL_KEY") == KEYS["b"]


@pytest.mark.parametrize("is_exported", [True, False], ids=["exported", "not-exported"])
def test_case_12_off_gives_back_what_was_there(
    home: Home,
    start: Start,
    kind: Kind,
    is_exported: bool,  # noqa: FBT001
) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "api.fal.ai"\n'
        f'[b]\nkey = "{KEYS["b"]}"\n'
    )
    before = {"FAL_KEY": HAND, "FAL_HOST": "", "FAL_PROFILE": "b", "FALENV_PROFILE": "it's $HOME"}
    assign = {
        ("fish", True): "set -gx {} {}",
        ("fish", False): "set -g {} {}",
    }.get((kind, is_exported), "export {}={}" if is_exported else "{}={}")
    lines = [
        assign.format(name, '"it\'s \\$HOME"' if "$" in value else f"'{value}'")
        for name, value in before.items()
    ]
    shell = start(kind, "\n".join([*lines, 'eval "$(fal profile env)"']))
    for line in ("use a", "use b", "set b", "set a", "use --default"):
        shell.run(f"fal profile {line}")
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.get("FAL_HOST") == "api.fal.ai"
    shell.run("fal profile off")
    for name, value in before.items():
        assert shell.get(name) == value, name
        assert shell.exported().get(name) == (value if is_exported else None), name
    assert shell.get("FAL_RUN_HOST") == UNSET


def test_case_12_off_after_a_profile_was_given_to_env(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, 'eval "$(fal profile env b)"')
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["b"], "b")
    shell.run("fal profile off")
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (UNSET, UNSET)
    # A pin that the user sets while we are there is his.
    shell.run('eval "$(fal profile env)"')
    shell.export("FAL_PROFILE", "b")
    assert shell.get("FAL_KEY") == KEYS["b"]
    shell.run("fal profile use a")
    shell.run("fal profile off")
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (UNSET, "b")


def test_case_12_off_leaves_a_key_set_by_hand(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", default="a")
    shell = start(kind)
    shell.export("FAL_KEY", HAND)
    shell.run("fal profile off")
    assert shell.exported()["FAL_KEY"] == HAND
    assert shell.get("FALENV_PROFILE") == UNSET


def test_case_12_a_universal_variable_of_fish_is_untouched(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    universal = {"FAL_KEY": HAND, "FAL_HOST": "api.example.fal.ai"}
    lines = [f"set -Ux {name} {value}" for name, value in universal.items()]
    shell = start("fish", "\n".join([*lines, 'eval "$(fal profile env)"']))

    def check(key: str) -> None:
        assert shell.exported()["FAL_KEY"] == key
        # A key never goes out with a host that is not its profile's.
        assert shell.exported()["FAL_HOST"] == ""
        for name, value in universal.items():
            assert f"{name} {value}\n" in shell.stdout("set -U")

    check(KEYS["a"])
    shell.run("fal profile use b")
    check(KEYS["b"])
    shell.run("fal profile set a; fal profile use --default")
    check(KEYS["a"])
    shell.run("fal profile off")
    for name, value in universal.items():
        assert shell.exported()[name] == value
        assert shell.stdout(f"set -qg {name}; or echo none") == "none\n"


def test_case_13_a_key_set_by_hand_is_left_alone(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    shell.export("FAL_KEY", HAND)
    home.fal("set", "b")
    assert talk(shell.prompts(2)) == []
    assert shell.exported()["FAL_KEY"] == HAND
    shown = shell.run("fal profile current") + shell.run("")
    (line,) = talk(shown)
    assert "11111111-0000-4000-8000-000000000000:********" in line
    assert "set by hand" in line
    assert "byhand" not in shown.replace("set by hand", "")
    assert current(shell)["shell"] == {
        "key": "11111111-0000-4000-8000-000000000000:********",
        "is_active": False,
    }
    # What only looks leaves it too; a switch takes over.
    shell.run("fal profile list")
    assert shell.get("FAL_KEY") == HAND
    shell.run("fal profile set b")
    assert shell.get("FAL_KEY") == KEYS["b"]
    shell.export("FAL_KEY", HAND)
    shell.run("fal profile use a")
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_case_13_a_key_unset_by_hand_stays_unset(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    shell.unset("FAL_KEY")
    home.fal("set", "b")
    assert talk(shell.prompts(2)) == []
    assert shell.get("FAL_KEY") == UNSET
    (line,) = talk(shell.run("fal profile current") + shell.run(""))
    assert "not set" in line
    shell.run("fal profile use --default")
    assert shell.get("FAL_KEY") == KEYS["b"]
    # Our own key, put back by hand, is followed again.
    shell.unset("FAL_KEY")
    shell.export("FAL_KEY", KEYS["b"])
    home.fal("set", "a")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_case_14_the_hosts_come_and_go_together(home: Home, start: Start, kind: Kind) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\n'
        f'[b]\nkey = "{KEYS["b"]}"\nhost = "api.alpha.fal.ai"\n'
    )
    shell = start(kind)

    def hosts() -> tuple[str, ...]:
        exported = shell.exported()
        return tuple(exported.get(name, UNSET) for name in ("FAL_KEY", *HOSTS))

    without = (KEYS["a"], UNSET, UNSET, UNSET)
    with_host = (KEYS["b"], "api.alpha.fal.ai", "fal.run", "queue.fal.run")
    assert hosts() == without
    for switch, expected in (
        ("use b", with_host),
        ("use a", without),
        ("use -", with_host),
        ("use --default", without),
        ("set b", with_host),
        ("set a", without),
    ):
        shell.run(f"fal profile {switch}")
        assert hosts() == expected, switch
    for name, expected in (("b", with_host), ("a", without)):
        home.fal("set", name)
        shell.prompts()
        assert hosts() == expected


@pytest.mark.parametrize("how", ["pipe", "background", "substitution"])
def test_case_15_no_false_claim_from_a_subshell(
    home: Home, start: Start, kind: Kind, how: str
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    line = {
        "pipe": "fal profile set b 2>said | cat; {}",
        "background": "fal profile set b 2>said & wait; {}",
        "substitution": 'echo "$(fal profile set b 2>said)"; {}',
    }[how].format("printf %s $FAL_KEY > key")
    if kind == "fish" and how == "background":
        line = line.replace("& wait", "")  # fish has functions in the foreground only
    shell.run(line)
    said = (home.path / "said").read_text()
    key = (home.path / "key").read_text()
    if kind == "fish":  # it has no subshells: the switch was real
        assert (said, key) == ("", KEYS["b"])
    else:
        assert said == "falenv: this shell follows at its next prompt\n"
        assert key == KEYS["a"]
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_case_15_no_false_claim_over_a_key_set_by_hand(home: Home, start: Start, name: str) -> None:
    home.profiles("a", "b", default="a")
    shell = start(name)
    shell.export("FAL_KEY", HAND)
    shell.run("fal profile set b 2>said | cat")
    said = (home.path / "said").read_text()
    assert "still has another FAL_KEY" in said
    assert "next prompt" not in said
    shell.prompts()
    assert shell.get("FAL_KEY") == HAND


def test_case_16_not_integrated(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, "", FAL_KEY=KEYS["a"])
    shown = shell.run("fal profile set b") + shell.run("")
    (line,) = talk(shown)
    assert "still has another FAL_KEY" in line
    assert 'eval "$(fal profile env)"' in line
    assert KEYS["a"] not in shown
    assert shell.get("FAL_KEY") == KEYS["a"]
    shell.run('eval "$(fal profile env)"')  # the line that cures it
    assert shell.get("FAL_KEY") == KEYS["b"]
    # Nothing to cure, nothing said.
    shell.run("fal profile off")
    shell.export("FAL_KEY", KEYS["a"])
    assert talk(shell.run("fal profile set a") + shell.run("")) == []


def test_a_pin_set_by_hand_is_followed(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    assert talk(shell.export("FAL_PROFILE", "b") + shell.prompts()) == []
    assert shell.get("FAL_KEY") == KEYS["b"]
    # A slip fails closed, and is said once.
    (line,) = talk(shell.export("FAL_PROFILE", "typo") + shell.prompts(3))
    assert "'typo'" in line
    assert shell.get("FAL_KEY") == UNSET
    assert "FAL_KEY" not in shell.exported()
    shell.unset("FAL_PROFILE")
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_another_store_is_followed(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    other = home.path / "other $(touch pwned).toml"
    other.write_text(f'[__internal__]\nprofile = "c"\n[c]\nkey = "{KEYS["c"]}"\n')
    shell.export("FAL_CONFIG_PATH", str(other))
    assert shell.get("FAL_KEY") == KEYS["c"]
    shown = shell.run("fal profile use a") + shell.run("")  # a profile of the first store only
    assert len(talk(shown)) == 1
    assert shell.get("FAL_KEY") == KEYS["c"]
    shell.unset("FAL_CONFIG_PATH")
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert not (home.path / "pwned").exists()


def test_a_store_that_comes_later_and_goes_again(home: Home, start: Start, kind: Kind) -> None:
    shell = start(kind)
    assert shell.get("FAL_KEY") == UNSET
    home.profiles("a", "b", default="a")
    assert talk(shell.prompts()) == []
    assert shell.get("FAL_KEY") == KEYS["a"]
    home.store.unlink()
    assert len(talk(shell.prompts(3))) == 1
    assert shell.get("FAL_KEY") == UNSET
    home.fal("set", "new")
    home.fal("key", "--stdin", stdin=KEYS["c"])
    shell.prompts()
    assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS["c"], "new")


def test_direnv_or_the_like_puts_back_what_it_had_seen(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    home.fal("set", "b")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]
    set_ = "set -gx {} {}" if kind == "fish" else "export {}={}"
    old = {"FAL_KEY": KEYS["a"], "FALENV_PROFILE": "a"}
    shell.run("; ".join(set_.format(name, f"'{value}'") for name, value in old.items()))
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.get("FALENV_PROFILE") == "b"


def test_names_that_differ_in_case_only(home: Home, start: Start) -> None:
    home.write(
        f'[__internal__]\nprofile = "Me"\n[Me]\nkey = "{KEYS["a"]}"\n[me]\nkey = "{KEYS["b"]}"\n'
    )
    shell = start("bash", 'shopt -s nocasematch\neval "$(fal profile env)"')
    assert shell.get("FAL_KEY") == KEYS["a"]
    shell.run("fal profile use me")
    assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS["b"], "me")
    shell.export("FAL_PROFILE", "Me")
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_to_fish_a_name_is_no_pattern(home: Home) -> None:
    home.profiles("a", "b", default="a")
    for name in ("\\E(", "\\E.*\\Q", ".", "a|b", "[ab]", "\\Ea", "a\\E"):
        word = dialects.find("fish").quote(name)
        done = home.script("fish", f'eval "$(fal profile env)"; fal profile use {word}')
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("falenv: ")
        assert done.stderr.count("\n") == 1


def test_fish_reads_each_part_once_and_again_with_the_rest(home: Home) -> None:
    home.profiles("a", "b", default="a")
    line = 'eval "$(fal profile env)"'
    text = f"""
        {line}
        functions -an | string match '__falenv_code_*'
        fal profile use b
        function __falenv_use; echo old; end
        fal profile use a
        functions -an | string match '__falenv_code_*'
        {line}
        fal profile use b
        falenv_prompt
        functions -an | string match '__falenv_code_*'
    """
    done = home.script("fish", text)
    both = ["__falenv_code_command", "__falenv_code_prompt"]
    assert done.stdout.splitlines() == [*both, "old", both[1], "(fal:b*) "]
    assert done.stderr == ""


def shadows(name: str) -> list[str]:
    """Return words of ours that a user of this shell may have given another meaning."""
    # fish itself runs `source` as it starts, and allows no function named command.
    return ["cd", "printf"] if name == "fish" else ["source", "cd", "printf", "command"]


def test_case_25_functions_of_the_users_that_bear_our_words(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    form = "function {0} {{ echo MINE-{0}; }}"
    if kind == "fish":  # whose own functions use these words at each prompt
        form = (
            "function {0}; if status stack-trace | string match -q '*falenv*'; echo MINE-{0};"
            " else; builtin {0} $argv; end; end"
        )
    rc = "\n".join(form.format(name) for name in shadows(kind))
    rc += (
        "\nfunction fal; echo MINE-fal; end" if kind == "fish" else "\n" + form.format("fal")
    )
    shell = start(kind, f'{rc}\neval "$({SCRIPTS}/fal profile env)"')
    check_shadowed(home, shell)
    assert shell.stdout("fal") == "MINE-fal\n"
    if kind != "fish":
        assert shell.stdout("printf x") == "MINE-printf\n"


@pytest.mark.parametrize("is_global", [False, True], ids=["alias", "global-alias"])
def test_case_25_aliases_of_the_users_that_bear_our_words(
    home: Home,
    start: Start,
    kind: Kind,
    is_global: bool,  # noqa: FBT001
) -> None:
    if is_global and kind != "zsh":
        pytest.skip("zsh alone has global aliases")
    home.profiles("a", "b", default="a")
    # fish's aliases are functions.
    names = ["fal"] if is_global or kind == "fish" else [*shadows(kind), "fal"]
    form = "alias -g {0}='echo MINE-{0}'" if is_global else "alias {0}='echo MINE-{0}'"
    rc = "\n".join(form.format(name) for name in names)
    shell = start(kind, f'{rc}\neval "$({SCRIPTS}/falenv profile env)"')
    check_shadowed(home, shell)
    assert shell.stdout("fal").strip() == "MINE-fal"


def check_shadowed(home: Home, shell: Shell) -> None:
    """Check that all works in a shell where `shadows` mean something else; end with off."""
    assert "MINE" not in shell.output
    assert talk(shell.output) == []
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    shown = shell.run("fal profile set b") + shell.prompts()
    assert "MINE" not in shown
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    shown = shell.run("fal profile use a") + shell.prompts()
    home.profiles("a", "b", default="a")
    shown += shell.run("fal profile use --default") + shell.prompts()
    assert "MINE" not in shown
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    assert "MINE" not in shell.run("fal profile off") + shell.prompts()
    assert shell.exported().get("FAL_KEY") is None


#: What prints all that a shell holds, and the lines of it that change by themselves.
SNAPSHOT = {
    "bash": (
        "{ declare -p; declare -f; alias; complete -p; trap; shopt; set -o; }",
        (
            "_=",
            " _falenv",
            "BASH",
            "EPOCH",
            "LINENO",
            "RANDOM",
            "SECONDS",
            "SRANDOM",
            "PIPESTATUS",
            "HISTCMD",
            "PPID",
            "COMP_",
        ),
    ),
    "zsh": (
        (
            "{ : $functions $aliases $parameters; typeset -p; functions; alias -L; trap; setopt;"
            " bindkey -L; print -rl -- ${(kv)_comps}; }"
        ),
        (
            "_=",
            "EPOCH",
            "LINENO",
            "RANDOM",
            "SECONDS",
            "HISTCMD",
            "TTYIDLE",
            "status=",
            "'?'",
            "pipestatus",
            "HISTNO",
            " ?=",
            "ERRNO",
        ),
    ),
    "fish": (
        (
            "begin; set -g; set -U; functions -a -n; functions --no-details fal;"
            " functions --no-details fish_prompt; complete; bind; end"
        ),
        (
            "history",
            "CMD_DURATION",
            "pipestatus",
            "status ",
            "status_",
            "__fish_last_bind",
            "fish_killring",
            "fish_kill_signal",
            "SHLVL",
        ),
    ),
}

_KSH_MOVING = ("_=", "EPOCH", "LINENO", "RANDOM", "SECONDS", "HISTCMD", "PPID", "PIPESTATUS")
SNAPSHOT["ksh"] = SNAPSHOT["mksh"] = (
    "{ typeset -p; typeset -f; alias; trap; set -o; }",
    (*_KSH_MOVING, "BASHPID", ".sh."),
)
#: dash does not show its functions.
SNAPSHOT["dash"] = (
    "{ set; export -p; alias; trap; set -o; type fal falenv_prompt | grep function; }",
    ("_=",),
)


def snapshot(shell: Shell) -> list[str]:
    command, moving = SNAPSHOT[shell.name]
    lines = shell.stdout(command).splitlines()
    return sorted(line for line in lines if not any(word in line for word in moving))


#: What a user may have had: a prompt hook, a completion, and so on.
HAD = {
    "bash": "PROMPT_COMMAND='had=1'; complete -W 'x y' fal; trap 'true' INT; PS1='mine> '",
    "zsh": "had() { : }; precmd_functions=(had); psvar=(one); autoload compinit; compinit -D -u",
    "fish": "function had --on-event fish_prompt; end; complete -c fal -a mine",
}
HAD |= dict.fromkeys(("dash", "ksh", "mksh"), "alias x=y; trap 'true' INT; PS1='$PWD mine> '")


@pytest.mark.parametrize("had", [False, True], ids=["bare", "with-hooks"])
def test_case_29_off_leaves_nothing_of_ours(
    home: Home,
    start: Start,
    kind: Kind,
    had: bool,  # noqa: FBT001
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, HAD[kind] if had else "")
    if kind == "fish":
        shell.run("functions -q fal fish_prompt; complete >/dev/null")
    shell.run(SNAPSHOT[kind][0] + " >/dev/null")  # loads what it needs
    before = snapshot(shell)
    shell.run('eval "$(fal profile env)"')
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    for line in ("use b", "set b", "use -", "list", "use --default"):
        shell.run(f"fal profile {line}")
    shell.prompts(2)
    shell.run("fal profile off")
    shell.prompts()
    after = snapshot(shell)
    assert [line for line in after if line not in before] == []
    assert [line for line in before if line not in after] == []
    assert before == after
    # And once more, since nothing is left that could be in the way.
    shell.run('eval "$(fal profile on)"')
    assert shell.get("FAL_KEY") == KEYS["b"]
    shell.run("fal profile off")
    assert snapshot(shell) == before


def test_case_30_moved_away_under_a_live_shell(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    folder = home.path / "bin"
    folder.mkdir()
    for name in ("fal", "falenv"):
        (folder / name).symlink_to(SCRIPTS / name)
    shell = start(kind, PATH=f"{folder}:/usr/bin:/bin")
    assert shell.get("FAL_KEY") == KEYS["a"]
    shutil.rmtree(folder)
    (line,) = talk(shell.prompts(3))
    assert "gone" in line
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    home.profiles("a", "b", default="b")
    assert talk(shell.prompts(2)) == []
    assert shell.get("FAL_KEY") == KEYS["a"]
    left = snapshot(shell)
    assert [line for line in left if "__falenv" in line] == []
