"""Whose word counts: stores and indexes that another user may have written."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from conftest import ANOTHER, KEYS, SCRIPTS, give_away, reaches_us
from driver import KINDS, UNSET, Kind, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]


def index_files(home: Home) -> list[Path]:
    return [path for path in home.path.rglob("*-*-*") if re.fullmatch(r"[\d-]+", path.name)]


# --- The store -----------------------------------------------------------------------------------


def distrusted(home: Home, said: str) -> None:
    for arguments in (("env", "--shell", "bash"), ("set", "b"), ("exec", "a", "--", "true")):
        done = home.fal(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"falenv: {home.store}: {said}")
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("mode", [0o666, 0o606, 0o602])
def test_a_store_that_anyone_may_write_is_not_used(home: Home, mode: int) -> None:
    home.profiles("a", "b", default="a")
    home.store.chmod(mode)
    distrusted(home, "the store can be written by other users, so falenv does not use its keys; ")
    assert home.store.stat().st_mode & 0o777 == mode
    assert index_files(home) == []
    # Who has opened the file before keeps only the old one.
    with home.store.open("a") as opened:
        cure = home.fal("list").stderr.rpartition("run: ")[2].strip()
        done = home.run("sh", "-c", cure)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        opened.write("= =")
    assert home.fal("set", "b").returncode == 0


def test_another_users_store_is_not_used(home: Home) -> None:
    home.profiles("a", "b", default="a")
    give_away(home.store)
    distrusted(
        home,
        f"the store belongs to another user (uid {ANOTHER}), so falenv does not use its keys; "
        "run this command as that user",
    )


def test_a_folder_that_others_may_write_is_not_trusted(home: Home) -> None:
    home.profiles("a", "b", default="a")
    folder = home.store.parent
    folder.chmod(0o777)
    distrusted(home, f"the folder {folder} can be written by other users, so falenv")
    give_away(folder)
    folder.chmod(0o755)
    distrusted(home, f"the folder {folder} belongs to another user (uid {ANOTHER}), so falenv")
    give_away(folder, 0)
    folder.chmod(0o770)
    distrusted(home, f"the folder {folder} can be written by other users, so falenv")


def test_nothing_is_written_into_such_a_folder(home: Home) -> None:
    home.store.parent.mkdir()
    home.store.parent.chmod(0o777)
    distrusted_new = home.fal("set", "a")
    assert distrusted_new.returncode == 1
    assert list(home.store.parent.iterdir()) == []


def test_the_folder_behind_a_link_counts_too(home: Home) -> None:
    home.profiles("a", "b", default="a")
    shared = home.path / "shared"
    shared.mkdir()
    home.store.rename(shared / "fal.toml")
    shared.chmod(0o777)
    home.store.symlink_to("../shared/fal.toml")
    assert home.fal("set", "b").returncode == 1
    assert [path.name for path in shared.iterdir()] == ["fal.toml"]


def test_a_sticky_folder_will_do(home: Home) -> None:
    home.profiles("a", "b", default="a")
    home.store.parent.chmod(0o1777)
    done = home.fal("set", "b")
    assert (done.returncode, done.stderr) == (0, "")


def test_case_40_a_group_of_ones_own_may_write(home: Home) -> None:
    # With a umask of 002, the rule where each user has a group, the official CLI makes it so.
    home.profiles("a", "b", default="a")
    give_away(home.store, os.getuid(), os.getgid())
    home.store.chmod(0o664)
    home.store.parent.chmod(0o775)
    done = home.fal("set", "b")
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)
    assert "it is private now" in done.stderr
    assert home.store.stat().st_mode & 0o777 == 0o600
    give_away(home.store, os.getuid())
    home.store.chmod(0o664)
    distrusted(home, "the store can be written by other users")


def test_roots_store_is_anyones(home: Home) -> None:
    # No process of another user is started, since that user may not reach this clone.
    home.profiles("a", default="a")
    give_away(home.store, 0, 0)
    for user, said in ((ANOTHER, ""), (0, "")):
        with mock.patch.multiple(os, geteuid=lambda u=user: u, getuid=lambda u=user: u):
            assert home.here("profile", "list")[::2] == (0, said)
    give_away(home.store, ANOTHER + 1)
    with mock.patch.multiple(os, geteuid=lambda: ANOTHER, getuid=lambda: ANOTHER):
        code, _, said = home.here("profile", "list")
    assert code == 1
    notice(said.rstrip("\n"), "belongs to another user", "; move it away, or set FAL_CONFIG_PATH")


def test_a_running_shell_keeps_its_key_and_says_why_once(
    home: Home, start: Start, kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(kind)
    assert shell.get("FAL_KEY") == KEYS["a"]
    home.profiles("a", "b", default="b")
    give_away(home.store)
    notice(shell.prompts(3), "belongs to another user")
    assert shell.get("FAL_KEY") == KEYS["a"]


# --- The index -----------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["another's", "another's index"])
def test_no_index_where_others_may_write(home: Home, whose: str) -> None:
    home.profiles("a", "b", default="a")
    state = home.path / ".local" / "state" / "falenv"
    assert home.fal("env", "--shell", "bash").returncode == 0
    (index,) = index_files(home)
    assert index.is_relative_to(state)
    if whose == "another's":
        give_away(state)
    else:
        give_away(index)
    bash = KINDS["bash"]
    used = home.script(bash, f"{bash.eval_line()}; printf %s ${bash.own('index')}").stdout
    if whose == "another's index":
        assert index.stat().st_uid == os.getuid()
    else:
        assert used
        assert str(state) not in used
        (beside,) = (path for path in index_files(home) if path != index)
        assert beside.is_relative_to(home.store.parent)


@pytest.mark.parametrize(
    "lie",
    [
        "swapped",
        "shifted",
        "the other's line for all",
        "beyond",
    ],
)
@pytest.mark.parametrize("switch", ["use", "default"])
def test_an_index_that_lies_gives_no_other_profiles_key(
    home: Home, start: Start, kind: Kind, lie: str, switch: str
) -> None:
    home.profiles("a", "b", "c", default="c")
    shell = start(kind)
    assert shell.get("FAL_KEY") == KEYS["c"]
    if switch == "default":
        home.profiles("a", "b", "c", default="a")
        home.fal("current")  # does not follow, for the shell to do it
        home.fal("env", "--shell", "bash")
    (index,) = index_files(home)
    status, text = index.stat(), index.read_text()
    lines = dict(re.findall(r"^(\d+) (\w)$", text, re.MULTILINE))
    places = {name: int(line) for line, name in lines.items()}
    assert set(places) == {"a", "b", "c"}
    told = {
        "swapped": {"a": places["b"], "b": places["a"], "c": places["a"]},
        "shifted": {name: line + 3 for name, line in places.items()},
        "beyond": dict.fromkeys(places, 99),
        "the other's line for all": dict.fromkeys(places, places["b"]),
    }[lie]
    for name, line in told.items():
        text = re.sub(rf"^\d+ {name}$", f"{line} {name}", text, flags=re.MULTILINE)
    index.write_text(text)
    os.utime(index, ns=(status.st_atime_ns, status.st_mtime_ns))
    if switch == "use":
        assert shell.talk("fal profile use a") == ""
    else:
        assert shell.prompts(2) == ""
    # The right key, or none, or still the one from before: never one under another's name.
    assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) in {
        *((KEYS[name], name) for name in "abc"), (UNSET, UNSET)
    }  # fmt: skip


# --- Where there is no home ----------------------------------------------------------------------


def homeless(home: Home, *arguments: str, store: str | None = None) -> tuple[int, str, str]:
    unshare = [needs("unshare"), "--user", f"--map-user={ANOTHER}"]
    reaches_us(unshare)
    fal = str(SCRIPTS / "fal")
    done = home.run(*unshare, fal, "profile", *arguments, HOME=None, FAL_CONFIG_PATH=store)
    return done.returncode, done.stdout, done.stderr


def test_without_a_home_nothing_is_called_tilde(home: Home) -> None:
    said = (
        "falenv: ~/.fal/config.toml: your home folder is unknown; "
        "set HOME, or set FAL_CONFIG_PATH to an absolute path\n"
    )
    for arguments in (("set", "a"), ("env", "--shell", "bash"), ("list",), ("current",)):
        assert homeless(home, *arguments) == (1, "", said)
    assert homeless(home, "set", "a", store="~nobody-here/x")[0] == 1
    given = str(home.path / "fal.toml")
    assert homeless(home, "set", "a", store=given)[0] == 0
    assert homeless(home, "env", "--shell", "bash", store=given)[0] == 0
    assert not [path for path in home.path.rglob("*") if path.name.startswith("~")]


def test_a_relative_state_folder_does_not_count(home: Home) -> None:
    home.profiles("a", default="a")
    assert home.fal("env", "--shell", "bash", XDG_STATE_HOME="state").returncode == 0
    assert not (home.path / "state").exists()
    (index,) = index_files(home)
    assert index.is_relative_to(home.path / ".local" / "state" / "falenv")
