"""ksh93 and mksh: what bash, zsh and fish have to do at the prompt, since these too have a hook."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS
from driver import needs

# Collected here too, with the shells of this file's `kind`.
from test_folder import (  # noqa: F401
    folder,
    test_a_linked_name_that_is_no_profile_fails_closed,
    test_a_pin_beats_the_folder,
    test_case_32_a_folder_that_was_not_allowed_is_spoken_of_once_and_not_followed,
    test_case_32_allowed_it_is_followed_in_subfolders_and_left_again,
    test_nothing_is_started_in_a_linked_folder_while_nothing_changes,
    test_the_links_file_is_noticed_when_it_comes_and_goes,
)
from test_hook import (  # noqa: F401
    EVAL,
    test_case_21_a_thousand_prompts_start_no_process,
    test_case_21_no_process_whatever_the_state,
    test_case_24_no_phantom_job_message,
    test_case_27_a_current_folder_that_was_deleted,
    test_case_27_no_home,
)
from test_live import (  # noqa: F401
    snapshot,
    talk,
    test_a_pin_set_by_hand_is_followed,
    test_a_store_that_comes_later_and_goes_again,
    test_another_store_is_followed,
    test_case_06_another_shell_follows_at_its_next_prompt,
    test_case_07_a_pinned_shell_stays,
    test_case_09_a_change_by_an_editor_is_followed,
    test_case_10_the_active_profile_is_renamed_elsewhere,
    test_case_11_a_broken_store_leaves_the_last_good_environment,
    test_case_13_a_key_set_by_hand_is_left_alone,
    test_case_15_no_false_claim_from_a_subshell,
    test_case_25_functions_of_the_users_that_bear_our_words,
    test_direnv_or_the_like_puts_back_what_it_had_seen,
)

from falenv.dialects import quote_posix

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]


@pytest.fixture(params=["ksh", "mksh"])
def kind(request: pytest.FixtureRequest) -> str:
    needs(request.param)
    return str(request.param)


def test_case_10_the_active_profile_is_deleted(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    home.fal("delete", "a")
    line = notice(shell.prompts(3))
    assert "'a'" in line
    assert "FAL_KEY" not in shell.exported()


def test_case_17_the_status_of_the_last_command_survives(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind, f"PS1='=$?= ready> '\n{EVAL}")
    for _ in range(2):
        shell.type("sh -c 'exit 7'\r")
        assert shell.stdout("echo $?") == "7\n"
        assert "=7= ready>" in shell.output
        shell.output = ""
        home.profiles("a", "b", default="b")  # the same with a refresh
    assert shell.get("FAL_KEY") == KEYS["b"]


def test_case_19_a_start_up_file_that_is_read_three_times(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    (home.path / "rc").write_text(f"{EVAL}\n")
    shell = start(kind, ". ./rc; . ./rc; . ./rc")
    shell.talk("fal profile set b")
    shell.talk(". ./rc")
    assert shell.get("PS1").count("__falenv_hook") == 1
    assert shell.screen().endswith("\n(fal:b) ready>")
    # A prompt of the user's that comes later has it from the next command of ours on.
    shell.talk("PS1='new> '; fal profile use a")
    assert shell.prompts() == ""
    assert shell.screen().endswith("\n(fal:a*) new>")
    assert shell.talk("fal profile off") == ""
    assert shell.prompts() == ""
    assert shell.screen().endswith("\nnew>")


def test_case_24_ctrl_c_in_a_refresh(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    started = home.path / "started"
    slow = home.path / "slow exe"  # slow once
    slow.write_text(
        f'#!/bin/sh\n[ -e started ] && exec {SCRIPTS}/falenv "$@"\necho > started\nsleep 20\n'
    )
    slow.chmod(0o755)
    shell.talk('set -u; __falenv_exe="$PWD/slow exe"')
    started.unlink(missing_ok=True)
    shell.talk("printenv FAL_KEY > noted")
    home.profiles("a", "b", default="b")
    shell.type("\r")
    shell.wait(started.exists, "the refresh to start")
    shell.type("\x03")
    assert shell.prompts(2) == ""
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    assert "u" in shell.stdout("echo $-")
    assert "fake" not in "".join(shell.get(f"__falenv_{name}") for name in ("out", "key", "text"))


def test_case_30_moved_away_under_a_live_shell(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    scripts = home.path / "bin"
    scripts.mkdir()
    for name in ("fal", "falenv"):
        (scripts / name).symlink_to(SCRIPTS / name)
    shell = start(kind, PATH=f"{scripts}:/usr/bin:/bin")
    shutil.rmtree(scripts)
    line = notice(shell.prompts(3))
    assert "gone" in line
    assert shell.exported()["FAL_KEY"] == KEYS["a"]
    left = [line for line in snapshot(shell) if "__falenv" in line and "PS1=" not in line]
    assert left == []
    # What stays in PS1, which is being expanded then, shows and does nothing.
    assert shell.screen().endswith("\nready>")


@pytest.mark.parametrize("child", ["dash", "ksh", "mksh", "bash", "zsh"])
def test_a_child_shell_may_inherit_the_prompt(
    home: Home, start: Start, kind: Kind, child: str
) -> None:
    home.profiles("a", default="a")
    ps1 = start(kind).get("PS1")
    options = "setopt prompt_subst; " if child == "zsh" else ""
    shell = start(child, f"{options}PS1={quote_posix(ps1)}")
    shown = shell.prompts(2)
    assert re.findall("(?i)bad|not found|error|syntax|falenv", shown) == []
    assert shell.screen().endswith("\nready>")


def test_the_prompt_shows_any_name_as_it_is(home: Home, start: Start, kind: Kind) -> None:
    names = ["$(touch pwned)", "`touch pwned`", "bang!", "!!", "\\u", "${|touch pwned;}"]
    tables = "\n".join(f"['{name}']\nkey = \"id:x\"" for name in names)
    home.write(f'[__internal__]\nprofile = "none"\n{tables}\n')
    shell = start(kind)
    for name in names:
        assert shell.talk(f"fal profile use '{name}'") == ""
        assert shell.prompts() == ""
        assert shell.screen().endswith(f"\n(fal:{name}*) ready>")
    assert not (home.path / "pwned").exists()


def test_ksh93_keeps_its_own_first_prompt(home: Home, start: Start) -> None:
    needs("ksh")
    home.profiles("a", default="a")
    shell = start("ksh", f"unset PS1\n{EVAL}")
    assert re.search(r"\n\(fal:a\) [#$]$", shell.screen())


def test_mksh_keeps_its_mark_of_escape_sequences(home: Home, start: Start) -> None:
    """The first character, before a return: what stands between two of it takes no room."""
    needs("mksh")
    home.profiles("a", default="a")
    ps1 = "$'\\001\\r\\001\\e[1m\\001mine> '"
    shell = start("mksh", f"PS1={ps1}; was=$PS1\n{EVAL}")
    assert shell.screen().endswith("\n(fal:a) mine>")
    assert shell.talk("fal profile off") == ""
    assert shell.get("PS1") == shell.get("was")
