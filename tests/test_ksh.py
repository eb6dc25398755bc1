"""ksh93 and mksh: what bash, zsh and fish have to do at the prompt, since these too have a hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conftest import KEYS
from driver import KINDS, Kind, needs

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
    SlowProgram,
    test_case_17_the_status_of_the_last_command_survives,
    test_case_19_a_start_up_file_that_is_read_three_times,
    test_case_21_no_process_whatever_the_state,
    test_case_21_prompts_start_no_process,
    test_case_24_no_phantom_job_message,
    test_case_27_a_current_folder_that_was_deleted,
    test_case_27_no_home,
)
from test_live import (  # noqa: F401
    test_a_pin_set_by_hand_is_followed,
    test_a_store_that_comes_later_and_goes_again,
    test_another_store_is_followed,
    test_case_06_another_shell_follows_at_its_next_prompt,
    test_case_07_a_pinned_shell_stays,
    test_case_09_a_change_by_an_editor_is_followed,
    test_case_10_the_active_profile_is_deleted_elsewhere,
    test_case_10_the_active_profile_is_renamed_elsewhere,
    test_case_11_a_broken_store_leaves_the_last_good_environment,
    test_case_13_a_key_set_by_hand_is_left_alone,
    test_case_15_no_false_claim_from_a_subshell,
    test_case_25_functions_of_the_users_that_bear_our_words,
    test_case_30_moved_away_under_a_live_shell,
    test_direnv_or_the_like_puts_back_what_it_had_seen,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]


@pytest.fixture(params=["ksh", "mksh"])
def kind(request: pytest.FixtureRequest) -> Kind:
    needs(request.param)
    return KINDS[request.param]


def test_a_prompt_set_later_gets_the_segment_at_the_next_command(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", default="a")
    shell = start(kind)
    shell.prompt, shell.segments = "> ", ".*"  # the end of both prompts
    assert shell.talk("PS1='new> '; fal profile use a") == ""
    assert shell.segment == "(fal:a*) new"
    assert shell.talk("fal profile off") == ""
    assert shell.segment == "new"


def test_the_first_prompt_in_a_linked_folder_is_whole(
    home: Home, start: Start, kind: Kind, request: pytest.FixtureRequest
) -> None:
    if kind.name == "ksh":
        # It depends on where ksh's memory lies, so not in each run.
        reason = "ksh: at the first prompt in a linked folder the editor draws ESC ESC ESC instead"
        request.applymarker(pytest.mark.xfail(strict=False, reason=reason))
    home.profiles("a", "b", default="a")
    (home.path / ".fal-profile").write_text("b\n")
    assert home.fal("allow").returncode == 0
    shell = start(kind, seconds=5)
    assert (shell.greeting, shell.segment) == ("", "(fal:b/) ")


def test_case_24_ctrl_c_in_a_refresh(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    program = SlowProgram(home)
    shell = start(kind)
    program.serve(shell)
    assert shell.talk("set -u") == ""
    program.arm()
    home.profiles("a", "b", default="b")
    row, _ = shell.cursor
    shell.type("\r")
    shell.wait(program.started.exists, "the refresh to start")
    shell.type("\x03")
    # What was interrupted is the prompt itself. mksh then shows one of its own, once.
    shell.read(0.5)
    shell.press("\r")
    shown = {line.strip() for line in shell.screen().split("\n")[row + 1 :]}
    assert shown <= {"", "#", "$", "ready>", "(fal:a) ready>", "(fal:b) ready>"}
    assert shell.prompts(2) == ""
    assert shell.exported()["FAL_KEY"] == KEYS["b"]
    assert "u" in shell.stdout("echo $-")
    held = [line for line in shell.snapshot() if "fake" in line]
    assert [line for line in held if "FAL_KEY=" not in line] == []


@pytest.mark.parametrize("child", ["dash", "ksh", "mksh", "bash", "zsh"])
def test_a_child_shell_may_inherit_the_prompt(
    home: Home, start: Start, kind: Kind, child: str
) -> None:
    home.profiles("a", default="a")
    ps1 = start(kind).get("PS1")
    options = "setopt prompt_subst; " if child == "zsh" else ""
    shell = start(child, f"{options}PS1={kind.quote(ps1)}")
    assert shell.greeting + shell.prompts(2) == ""
    assert shell.segment == ""


def test_the_prompt_shows_any_name_as_it_is(home: Home, start: Start, kind: Kind) -> None:
    names = ["$(touch pwned)", "`touch pwned`", "bang!", "!!", "\\u", "${|touch pwned;}"]
    tables = "\n".join(f"['{name}']\nkey = \"id:x\"" for name in names)
    home.write(f'[__internal__]\nprofile = "none"\n{tables}\n')
    shell = start(kind)
    for name in names:
        assert shell.talk(f"fal profile use '{name}'") == ""
        assert shell.prompts() == ""
        assert shell.segment == f"(fal:{name}*) "
    assert not (home.path / "pwned").exists()


def test_ksh93_keeps_its_own_first_prompt(home: Home, start: Start) -> None:
    needs("ksh")
    home.profiles("a", default="a")
    plain = start("ksh", "unset PS1", prompt=" ")
    shell = start("ksh", f"unset PS1\n{KINDS['ksh'].eval_line()}", prompt=" ")
    assert plain.segment in {"#", "$"}
    assert shell.segment == f"(fal:a) {plain.segment}"


def test_mksh_keeps_its_mark_of_escape_sequences(home: Home, start: Start) -> None:
    """The first character, before a return: what stands between two of it takes no room."""
    needs("mksh")
    home.profiles("a", default="a")
    ps1 = "$'\\001\\r\\001\\e[1m\\001ready> '"
    shell = start("mksh", f"PS1={ps1}; was=$PS1\n{KINDS['mksh'].eval_line()}")
    assert shell.segment == "(fal:a) "
    assert shell.talk("fal profile off") == ""
    assert shell.get("PS1") == shell.get("was")
