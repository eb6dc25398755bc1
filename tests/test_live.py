"""The live session: a switch reaches the shell in front of the user, and every other one."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS, copied_programs
from driver import KINDS, UNSET, Kind, Shell, notice, one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home

    Start = Callable[..., Shell]

HOSTS = ("FAL_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST")
HAND = "11111111-0000-4000-8000-000000000000:byhand"
HAND_MASKED = "11111111-0000-4000-8000-000000000000:********"


def current(shell: Shell) -> dict[str, object]:
    """Return what `current` says in a shell."""
    found: dict[str, object] = json.loads(shell.stdout("fal profile current --json"))
    return found


def test_case_05_a_switch_takes_effect_on_the_same_line(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    assert shell.get("FAL_KEY") == KEYS["a"]
    show = kind.show("FAL_KEY")
    assert shell.stdout(f"fal profile set b > said; {show}") == f"<{KEYS['b']}>"
    assert (home.path / "said").read_text() == "Default profile set to b.\n"
    # The official CLI's other word for it, and the other two commands that switch.
    assert shell.stdout(f"fal profiles set a > said; {show}") == f"<{KEYS['a']}>"
    one_line(shell.talk("fal profile unset"), "unset")
    assert shell.get("FAL_KEY") == UNSET
    assert "falenv: " not in shell.talk("fal profile create new")
    assert shell.get("FALENV_PROFILE") == "new"


def test_case_05_in_a_script_that_began_with_the_eval(home: Home, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    show = kind.show("FAL_KEY", "FAL_PROFILE")
    result = home.script(
        kind, f"{kind.eval_line()}; fal profile set b; {show}; fal profile use a; {show}"
    )
    shown = f"<{KEYS['b']}><><{KEYS['a']}><a>"
    assert result.stdout == f"Default profile set to b.\n{shown}"
    assert (result.stderr, result.returncode) == ("", 0)


def test_case_06_another_shell_follows_at_its_next_prompt(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    one, other = start(kind), start(kind)
    assert one.talk("fal profile set b") == "Default profile set to b."
    assert other.prompts() == ""  # its next prompt
    assert other.get("FAL_KEY") == KEYS["b"]
    assert other.exported()["FALENV_PROFILE"] == "b"
    assert "FAL_PROFILE" not in other.exported()
    assert other.get("FAL_PROFILE") == UNSET


def test_case_07_a_pinned_shell_stays(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", "c", default="a")
    shell = start(kind)
    assert shell.talk("fal profile use c") == ""
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert shell.exported()["FAL_PROFILE"] == "c"
    # Its own `set` says that it stays.
    said, line = shell.talk("fal profile set a").split("\n")
    assert said == "Default profile set to a."
    notice(line, "stays on 'c'")
    assert shell.get("FAL_KEY") == KEYS["c"]
    home.fal("set", "b")
    assert shell.talk("fal profile use --default") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.get("FAL_PROFILE") == UNSET
    home.fal("set", "a")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_case_08_use_goes_back_and_forth(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", "c", default="c")
    shell, other = start(kind), start(kind)
    notice(shell.talk("fal profile use -"), "no earlier profile")
    assert shell.get("FAL_KEY") == KEYS["c"]
    for words, expected in (("a", "a"), ("b", "b"), ("-", "a"), ("-", "b")):
        assert shell.talk(f"fal profile use {words}") == ""
        assert shell.get("FAL_KEY") == KEYS[expected]
        assert shell.get("FAL_PROFILE") == expected
    assert other.get("FAL_KEY") == KEYS["c"]
    # Before its first `use` a shell followed the default, so that is where `-` leads.
    assert other.talk("fal profile use a") == ""
    assert other.talk("fal profile use -") == ""
    assert (other.get("FAL_KEY"), other.get("FAL_PROFILE")) == (KEYS["c"], UNSET)


def test_use_that_fails_leaves_the_shell_as_it_was(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    assert shell.talk("fal profile use b") == ""
    for words, code in (
        ("nope", 1),
        ("''", 2),
        ("a b", 2),
        ("--defalt", 2),
        ("-- ''", 2),
    ):
        notice(shell.talk(f"fal profile use {words}".rstrip()))
        assert shell.status() == code, words
        assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["b"], "b"), words


def test_case_09_a_change_by_the_official_cli_is_followed(
    home: Home, start: Start, kind: Kind, official: Path
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    done = home.run(str(official / "fal"), "profile", "set", "b")
    assert done.returncode == 0, done.stderr
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]


def test_case_09_a_change_by_an_editor_is_followed(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    home.profiles("a", "b", default="b")  # in place
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    before = home.store.with_name("before")
    shutil.copy2(home.store, before)
    os.utime(before, (1_500_000_000, 1_500_000_000))
    text = before.read_text().replace(KEYS["b"], KEYS["c"])
    before.write_text(text)
    os.utime(before, (1_500_000_000, 1_500_000_000))
    before.replace(home.store)  # another file, and an old one, as a restored backup is
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["c"]
    # A comment before it moves the key to another line.
    home.store.write_text("# one\n# two\n" + text)
    assert shell.talk("fal profile use a") == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


@pytest.mark.parametrize("who", ["ours", "official"])
def test_case_10_the_active_profile_is_deleted_elsewhere(
    home: Home, start: Start, kind: Kind, who: str, official: Path
) -> None:
    home.profiles("a", "b", default="a")
    follower, pinned = start(kind), start(kind)
    assert pinned.talk("fal profile use b") == ""
    fal = official / "fal" if who == "official" else SCRIPTS / "fal"
    for name in ("b", "a"):
        done = home.run(str(fal), "profile", "delete", name)
        assert done.returncode == 0, done.stderr
    for shell, name in ((follower, "a"), (pinned, "b")):
        notice(shell.prompts(3), f"'{name}'")
        assert shell.get("FAL_KEY") == UNSET
        assert "FAL_KEY" not in shell.exported()
        assert shell.prompts(2) == ""


def test_case_10_the_active_profile_is_renamed_elsewhere(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    editor, ours = start(kind), start(kind)
    text = home.store.read_text()
    home.write(text.replace("[a]", "[new]").replace('"a"', '"new"'))
    # The first refresh brings the index up to date: the other shell hears of it by builtins.
    for shell in (editor, ours):
        notice(shell.prompts(2), "'a' no longer exists", "'new'")
        assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS["a"], "new")


def test_case_11_a_broken_store_leaves_the_last_good_environment(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    good = home.store.read_bytes()
    half = good[: len(good) // 2]
    for broken in (half, b"= =\n", b"\xff\xfe"):
        home.write(broken)
        notice(shell.prompts(3), str(home.store))
        assert shell.exported()["FAL_KEY"] == KEYS["a"]
        assert shell.prompts(2) == ""
    # What cannot be followed is said, and nothing is half done.
    notice(shell.talk("fal profile use b"))
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["a"], UNSET)
    home.store.unlink()
    home.store.mkdir()
    notice(shell.prompts(3), "folder")
    assert shell.get("FAL_KEY") == KEYS["a"]
    home.store.rmdir()
    home.profiles("a", "b", default="b")
    assert shell.prompts(2) == ""
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
    before = {"FAL_KEY": HAND, "FAL_HOST": "", "FAL_PROFILE": "b", "FAL_KEY_ID": "it's $HOME"}
    assign = kind.export if is_exported else kind.assign
    lines = [assign(name, value) for name, value in before.items()]
    shell = start(kind, "\n".join([*lines, kind.eval_line()]))
    for line in ("use a", "use b", "set b", "set a", "use --default"):
        shell.talk(f"fal profile {line}")
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.get("FAL_KEY_ID") == UNSET
    assert shell.get("FAL_HOST") == "api.fal.ai"
    assert shell.talk("fal profile off") == ""
    for name, value in before.items():
        assert shell.get(name) == value, name
        assert shell.exported().get(name) == (value if is_exported else None), name
    assert shell.get("FAL_RUN_HOST") == UNSET


def test_case_12_off_after_a_profile_was_given_to_env(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, kind.eval_line("b"))
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["b"], "b")
    assert shell.talk("fal profile off") == ""
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (UNSET, UNSET)
    # A pin that the user sets while we are there is his.
    assert shell.talk(kind.eval_line()) == ""
    assert shell.export("FAL_PROFILE", "b") == ""
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile use a") == ""
    assert shell.talk("fal profile off") == ""
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (UNSET, "b")


def test_case_12_off_leaves_a_key_set_by_hand(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", default="a")
    shell = start(kind)
    shell.export("FAL_KEY", HAND)
    assert shell.talk("fal profile off") == ""
    assert shell.exported()["FAL_KEY"] == HAND
    assert shell.get("FALENV_PROFILE") == UNSET


def test_case_12_a_universal_variable_of_fish_is_untouched(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    universal = {"FAL_KEY": HAND, "FAL_HOST": "api.example.fal.ai"}
    lines = [f"set -Ux {name} {value}" for name, value in universal.items()]
    shell = start("fish", "\n".join([*lines, KINDS["fish"].eval_line()]))

    def check(key: str) -> None:
        assert shell.exported()["FAL_KEY"] == key
        # A key never goes out with a host that is not its profile's.
        assert shell.exported()["FAL_HOST"] == ""
        for name, value in universal.items():
            assert f"{name} {value}\n" in shell.stdout("set -U")

    check(KEYS["a"])
    assert shell.talk("fal profile use b") == ""
    check(KEYS["b"])
    assert shell.talk("fal profile set a") != ""
    assert shell.talk("fal profile use --default") == ""
    check(KEYS["a"])
    assert shell.talk("fal profile off") == ""
    for name, value in universal.items():
        assert shell.exported()[name] == value
        assert shell.stdout(f"set -qg {name}; or echo none") == "none\n"


def test_case_13_a_key_set_by_hand_is_left_alone(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    shell.export("FAL_KEY", HAND)
    home.fal("set", "b")
    assert shell.prompts(2) == ""
    assert shell.exported()["FAL_KEY"] == HAND
    shown = shell.talk("fal profile current").splitlines()
    notice(shown[-1], HAND_MASKED, "not the profile's key")
    assert "byhand" not in "".join(shown)
    assert current(shell)["shell"] == {"key": HAND_MASKED, "is_active": False, "rivals": []}
    # What only looks leaves it too; a switch takes over.
    shell.talk("fal profile list")
    assert shell.get("FAL_KEY") == HAND
    shell.talk("fal profile set b")
    assert shell.get("FAL_KEY") == KEYS["b"]
    shell.export("FAL_KEY", HAND)
    assert shell.talk("fal profile use a") == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_case_13_a_key_unset_by_hand_stays_unset(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    shell.unset("FAL_KEY")
    home.fal("set", "b")
    assert shell.prompts(2) == ""
    assert shell.get("FAL_KEY") == UNSET
    notice(shell.talk("fal profile current").splitlines()[-1], "not set")
    assert shell.talk("fal profile use --default") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    # Our own key, put back by hand, is followed again.
    shell.unset("FAL_KEY")
    shell.export("FAL_KEY", KEYS["b"])
    home.fal("set", "a")
    assert shell.prompts() == ""
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
        shell.talk(f"fal profile {switch}")
        assert hosts() == expected, switch
    for name, expected in (("b", with_host), ("a", without)):
        home.fal("set", name)
        assert shell.prompts() == ""
        assert hosts() == expected


@pytest.mark.parametrize(
    "form",
    ["fal profile set b 2>said | cat", "fal profile set b 2>said &", 'echo "$({})"'],
    ids=["pipe", "background", "substitution"],
)
def test_case_15_no_false_claim_from_a_subshell(
    home: Home, start: Start, kind: Kind, form: str
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    if not kind.has_subshells:  # such a shell has functions in the foreground only
        form = form.replace("&", "")
    line = form.format("fal profile set b 2>said")
    separator = " " if line.endswith("&") else "; "
    shell.talk(f"{line}{separator}wait; {kind.show('FAL_KEY')} > key")
    said = (home.path / "said").read_text()
    key = (home.path / "key").read_text()
    if kind.has_subshells:
        notice(said.rstrip("\n"), "next prompt")
        assert key == f"<{KEYS['a']}>"
    else:  # the switch was real
        assert (said, key) == ("", f"<{KEYS['b']}>")
    shell.prompts()
    assert shell.get("FAL_KEY") == KEYS["b"]


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_case_15_no_false_claim_over_a_key_set_by_hand(home: Home, start: Start, name: str) -> None:
    home.profiles("a", "b", default="a")
    shell = start(name)
    shell.export("FAL_KEY", HAND)
    shell.talk("fal profile set b 2>said | cat")
    said = (home.path / "said").read_text()
    notice(said.rstrip("\n"), "still has another FAL_KEY")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == HAND


def test_case_16_not_integrated(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, "", FAL_KEY=KEYS["a"])
    said, line = shell.talk("fal profile set b").split("\n")
    assert said == "Default profile set to b."
    notice(line, "still has another FAL_KEY", 'eval "$(fal profile env)"')
    assert KEYS["a"] not in line
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.talk('eval "$(fal profile env)"') == ""  # the line that cures it
    assert shell.get("FAL_KEY") == KEYS["b"]
    # Nothing to cure, nothing said.
    assert shell.talk("fal profile off") == ""
    shell.export("FAL_KEY", KEYS["a"])
    assert shell.talk("fal profile set a") == "Default profile set to a."


def test_a_pin_set_by_hand_is_followed(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    assert shell.export("FAL_PROFILE", "b") + shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    # A slip fails closed, and is said once.
    notice(shell.export("FAL_PROFILE", "typo") + shell.prompts(3), "'typo'")
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
    notice(shell.talk("fal profile use a"))  # a profile of the first store only
    assert shell.get("FAL_KEY") == KEYS["c"]
    shell.unset("FAL_CONFIG_PATH")
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert not (home.path / "pwned").exists()


def test_a_store_that_comes_later_and_goes_again(home: Home, start: Start, kind: Kind) -> None:
    shell = start(kind)
    assert shell.get("FAL_KEY") == UNSET
    home.profiles("a", "b", default="a")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    home.store.unlink()
    notice(shell.prompts(3))
    assert shell.get("FAL_KEY") == UNSET
    home.fal("set", "new")
    home.fal("key", "--stdin", stdin=KEYS["c"])
    assert shell.prompts() == ""
    assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS["c"], "new")


def test_direnv_or_the_like_puts_back_what_it_had_seen(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    old = {"FAL_KEY": KEYS["a"], "FALENV_PROFILE": "a"}
    assert shell.talk("; ".join(kind.export(name, value) for name, value in old.items())) == ""
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.get("FALENV_PROFILE") == "b"


def test_names_that_differ_in_case_only(home: Home, start: Start) -> None:
    home.write(
        f'[__internal__]\nprofile = "Me"\n[Me]\nkey = "{KEYS["a"]}"\n[me]\nkey = "{KEYS["b"]}"\n'
    )
    shell = start("bash", "shopt -s nocasematch\n" + KINDS["bash"].eval_line())
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.talk("fal profile use me") == ""
    assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS["b"], "me")
    shell.export("FAL_PROFILE", "Me")
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_to_fish_a_name_is_no_pattern(home: Home) -> None:
    home.profiles("a", "b", default="a")
    fish = KINDS["fish"]
    for name in ("\\E(", "\\E.*\\Q", ".", "a|b", "[ab]", "\\Ea", "a\\E"):
        done = home.script(fish, f"{fish.eval_line()}; fal profile use {fish.quote(name)}")
        assert (done.returncode, done.stdout) == (1, "")
        notice(done.stderr.rstrip("\n"))


def test_fish_reads_each_part_once_and_again_with_the_rest(home: Home) -> None:
    """A part that is read when it is first needed is no longer read once it was."""
    home.profiles("a", "b", default="a")
    count = "functions -an | string match '__falenv_*' | count"
    eval_line = KINDS["fish"].eval_line()
    lines = [eval_line, count, "fal profile use b", count, "fal profile use a", count]
    lines += [eval_line, "fal profile use b", "falenv_prompt; echo"]
    done = home.script("fish", "\n".join(lines))
    *counts, prompt = done.stdout.splitlines()
    begun, used, again = map(int, counts)
    assert begun < used == again
    assert (prompt, done.stderr) == ("(fal:b*) ", "")


def test_case_25_functions_of_the_users_that_bear_our_words(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    rc = "\n".join(kind.function(word, kind.shadow.format(word)) for word in kind.words)
    rc += "\n" + kind.function("fal", "echo MINE-fal")
    shell = start(kind, f"{rc}\n{kind.eval_line(program=kind.quote(f'{SCRIPTS}/fal'))}")
    check_shadowed(home, shell)
    assert shell.stdout("fal") == "MINE-fal\n"
    if kind.has_aliases:
        assert shell.stdout("printf x") == "MINE-printf\n"


@pytest.mark.parametrize("is_global", [False, True], ids=["alias", "global-alias"])
def test_case_25_aliases_of_the_users_that_bear_our_words(
    home: Home,
    start: Start,
    kind: Kind,
    is_global: bool,  # noqa: FBT001
) -> None:
    if is_global and not kind.has_global_aliases:
        pytest.skip("zsh alone has global aliases")
    home.profiles("a", "b", default="a")
    names = ["fal"] if is_global or not kind.has_aliases else [*kind.words, "fal"]
    form = "alias -g {0}='echo MINE-{0}'" if is_global else "alias {0}='echo MINE-{0}'"
    rc = "\n".join(form.format(name) for name in names)
    shell = start(kind, f"{rc}\n{kind.eval_line(program=kind.quote(f'{SCRIPTS}/falenv'))}")
    check_shadowed(home, shell)
    assert shell.stdout("fal").strip() == "MINE-fal"


def check_shadowed(home: Home, shell: Shell) -> None:
    """Check that all works in a shell where words of ours mean something else; end with off."""
    assert shell.greeting == ""
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    assert shell.talk("fal profile set b") == "Default profile set to b."
    assert shell.prompts() == ""
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    assert shell.talk("fal profile use a") == ""
    assert shell.prompts() == ""
    home.profiles("a", "b", default="a")
    assert shell.talk("fal profile use --default") == ""
    assert shell.prompts() == ""
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    assert shell.talk("fal profile off") == ""
    assert shell.prompts() == ""
    assert shell.exported().get("FAL_KEY") is None


#: What a user may have had: a prompt hook, a completion, and so on.
HAD = {
    "bash": "PROMPT_COMMAND='had=1'; complete -W 'x y' fal; trap 'true' INT; PS1='mine ready> '",
    "zsh": "had() { : }; precmd_functions=(had); psvar=(one); autoload compinit; compinit -D -u",
    "fish": "function had --on-event fish_prompt; end; complete -c fal -a mine",
}
HAD |= dict.fromkeys(("dash", "ksh", "mksh"), "alias x=y; trap 'true' INT; PS1='$PWD ready> '")


@pytest.mark.parametrize("had", [False, True], ids=["bare", "with-hooks"])
def test_case_29_off_leaves_nothing_of_ours(
    home: Home,
    start: Start,
    kind: Kind,
    had: bool,  # noqa: FBT001
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, HAD[kind.name] if had else "")
    shell.segments = ".*"
    # Once before, since some of it is loaded when it is first asked for.
    shell.snapshot()
    before, prompt = shell.snapshot(), shell.segment
    assert shell.talk(kind.eval_line()) == ""
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    for line in ("use b", "set b", "use -", "list", "use --default"):
        shell.talk(f"fal profile {line}")
    assert shell.prompts(2) == ""
    assert shell.talk("fal profile off") == ""
    assert shell.prompts() == ""
    after = shell.snapshot()
    assert [line for line in after if line not in before] == []
    assert [line for line in before if line not in after] == []
    assert (after, shell.segment) == (before, prompt)
    # And once more, since nothing is left that could be in the way.
    assert shell.talk('eval "$(fal profile on)"') == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile off") == ""
    assert shell.snapshot() == before


def test_case_30_moved_away_under_a_live_shell(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    folder = copied_programs(home).parent
    plain = start(kind, "")
    hooks = plain.stdout(kind.hooks)
    shell = start(kind, PATH=f"{folder}:/usr/bin:/bin")
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.stdout(kind.hooks) != hooks
    shutil.rmtree(folder)
    notice(shell.prompts(3), "gone")
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    home.profiles("a", "b", default="b")
    assert shell.prompts(2) == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["a"], "")
    if kind.takes_hook_out:
        assert shell.stdout(kind.hooks) == hooks
    assert [line for line in shell.snapshot() if "falenv_" in line and "PS1=" not in line] == []
