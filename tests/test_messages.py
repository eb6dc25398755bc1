"""Messages name what the user typed, and a fix that works where they are read."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import ANOTHER, KEYS, POSIX_SHELLS, SCRIPTS, SHELLS, Home, give_away, reaches_us
from driver import needs, notice
from test_direnv import project

from falenv.masking import MASK, shown, shown_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driver import Kind, Shell

# --- Names and addresses that someone typed -------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http://x.y", "http://x.y"),
        ("https://fal.ai/a/b", "https://fal.ai/…"),
        ("https://fal.ai?key=fakesecret", "https://fal.ai/…"),
        ("https://fal.ai#fakesecret", "https://fal.ai/…"),
        ("https://me:fakesecret@fal.ai", f"https://{MASK}"),
        ("https://fakesecret@fal.ai/x", f"https://{MASK}"),
        ("https://id:fakesecret", f"https://id:{MASK}"),
        ("https://fal.ai:443/x", "https://fal.ai:443/…"),
        (f"https://{'f' * 40}", "https://ffffffff…"),
        ("op://vault/fakesecret", "op://vault/…"),
        ("notascheme://fakesecret", f"notascheme:{MASK}"),
        ("localhost:8000", "localhost:8000"),
        ("id:123456", f"id:{MASK}"),
        ("id:fakesecret", f"id:{MASK}"),
    ],
)
def test_what_someone_typed_is_readable_as_far_as_it_is_no_secret(text: str, said: str) -> None:
    assert shown(text) == repr(said)
    assert shown_words(f"no such command '{text}'. Choose from:\n\ta,\n\tb") == (
        f"no such command '{said}'. Choose from: a, b"
    )


def test_messages_about_hosts_and_addresses(home: Home) -> None:
    home.profiles("a", default="a")
    for words, said in (
        ("host http:api.fal.ai", "a host has no scheme and no path; give only its name"),
        ("host HTTPS:api.fal.ai", "a host has no scheme and no path; give only its name"),
        ("host http://api.fal.ai", "a host has no scheme and no path; give only its name"),
        ("host api.fal.ai:99999", "'api.fal.ai:99999' is not a host name"),
        ("set http://x.y", "'http://x.y' cannot be a profile's name: it contains ':'"),
        ("use https://fal.ai/x", "profile 'https://fal.ai/…' does not exist"),
        ("https://fal.ai/x", "no such command 'https://fal.ai/…'"),
        ("env --shell http://x", "the shell 'http://x' is not supported"),
        ("completion", "missing argument 'SHELL'. Choose from: bash, fish, zsh; see: "),
    ):
        done = home.fal(*words.split())
        assert done.stdout == ""
        assert done.stderr.startswith(f"falenv: {said}")


# --- Profiles that do not exist -------------------------------------------------------------------


@pytest.mark.parametrize("name", [*SHELLS, *POSIX_SHELLS])
def test_case_61_at_a_prompt_too(home: Home, start: Callable[..., Shell], name: str) -> None:
    needs(name)
    home.profiles("a", "b", default="a")
    shell = start(name)
    for pin in ("", "b"):
        if pin:
            shell.talk("fal profile use b")
        assert shell.talk("fal profile use nosuch") == (
            "falenv: profile 'nosuch' does not exist (profiles: a, b); "
            "to create it as the default: fal profile create nosuch"
        )
        assert shell.status() != 0
        assert shell.get("FAL_KEY") == KEYS[pin or "a"]


def test_no_message_suggests_to_create_what_cannot_be_created(home: Home) -> None:
    home.profiles("a", default="a")
    for words in (
        ["use", "__internal__"],
        ["delete", "nosuch"],
        ["exec", "__internal__", "--", "x"],
    ):
        done = home.fal(*words)
        assert done.stderr.endswith(" (profiles: a); to see all profiles: fal profile list\n")
    done = home.fal("use", "$(x)")
    assert done.stderr.endswith("to create it as the default: fal profile create NAME\n")


def test_a_folder_does_not_stay_on_a_profile_that_is_gone(home: Home) -> None:
    home.profiles("a", "b", default="b")
    assert home.fal("link", "a").returncode == 0
    gone = (
        "falenv: this folder's .fal-profile still names 'a', but no such profile exists; "
        "to choose another: fal profile link NAME\n"
    )
    assert home.fal("delete", "a").stderr == gone
    assert home.fal("set", "b").stderr == gone
    home.profiles("a", "b", default="b")
    stays = "falenv: this folder stays on 'a', because its .fal-profile names it\n"
    assert home.fal("set", "b").stderr == stays


# --- direnv ---------------------------------------------------------------------------------------


def test_current_names_the_envrc_that_pins(
    home: Home, start: Callable[..., Shell], kind: Kind
) -> None:
    home.profiles("a", "b", default="b")
    folder = project(home, 'eval "$(fal profile env a)"\n')
    hook = "direnv hook fish | source" if kind.name == "fish" else f'eval "$(direnv hook {kind})"'
    shell = start(kind, f"{kind.eval_line()}\n{hook}", DIRENV_LOG_FORMAT="")
    shell.talk(f"cd {folder}")
    first = shell.talk("fal profile current").splitlines()[0]
    assert first == f"a (pinned by FAL_PROFILE in {folder}/.envrc)"
    said = notice(shell.talk("fal profile use b"), "direnv sets this folder's profile")
    assert said.endswith(f"; to change it for good, edit {folder}/.envrc")
    # This pin is the user's own.
    assert shell.talk("fal profile current").splitlines()[0] == "b (pinned by FAL_PROFILE)"


def test_current_names_the_envrc_that_sets_the_key(
    home: Home, start: Callable[..., Shell], kind: Kind
) -> None:
    home.profiles("a", "b", default="b")
    folder = project(home, f"export FAL_KEY={KEYS['a']}\n")
    hook = "direnv hook fish | source" if kind.name == "fish" else f'eval "$(direnv hook {kind})"'
    shell = start(kind, f"{kind.eval_line()}\n{hook}", DIRENV_LOG_FORMAT="")
    shell.talk(f"cd {folder}")
    assert shell.talk("fal profile current").splitlines()[-1] == (
        "falenv: FAL_KEY in this shell is not the profile's key: "
        f"{KEYS['a'].partition(':')[0]}:{MASK}; "
        f"to replace it: edit {folder}/.envrc, which sets FAL_KEY"
    )


# --- Files of another user ------------------------------------------------------------------------


@pytest.fixture
def shared() -> Iterator[Home]:
    """Return a home that every user can enter."""
    if os.geteuid() != 0:
        pytest.skip("only root can be two users")
    folder = Path(tempfile.mkdtemp(prefix="falenv-"))
    folder.chmod(0o755)
    yield Home(folder)
    shutil.rmtree(folder)


def as_another(home: Home, *words: str) -> str:
    """Run `fal profile …` as another user, who owns the home; return what is said."""
    prefix = (needs("setpriv"), "--reuid", str(ANOTHER), "--regid", str(ANOTHER), "--clear-groups")
    reaches_us(prefix)
    done = home.run(*prefix, str(SCRIPTS / "fal"), "profile", *words)
    assert done.returncode == 1
    return done.stderr


def owned(home: Home, *paths: Path) -> None:
    """Give the home and these files to the other user."""
    for path in (home.path, *paths):
        give_away(path)


def test_case_76_root_is_told_to_run_it_as_the_owner(shared: Home) -> None:
    home = shared
    home.profiles("a", "b", default="a")
    (home.path / ".bashrc").write_text("x=1\n")
    assert home.fal("link", "a").returncode == 0
    state = home.path / ".local" / "state" / "falenv"
    for path, words in (
        (home.store, ["set", "b"]),
        (home.store, ["list"]),
        (home.store, ["key", "--stdin"]),
        (home.store.parent, ["set", "b"]),
        (state, ["allow"]),
        (state, ["deny"]),
        (home.path, ["install", "bash", "--yes"]),
        (home.path, ["uninstall", "bash"]),
    ):
        give_away(path)
        before = {file: file.stat().st_uid for file in home.path.rglob("*")}
        done = home.fal(*words, stdin=KEYS["b"])
        assert done.returncode == 1, words
        assert done.stderr.endswith("run this command as that user\n"), done.stderr
        assert "chown" not in done.stderr
        after = {file: file.stat().st_uid for file in home.path.rglob("*")}
        assert after.items() <= before.items() | {(file, 0) for file in after}
        give_away(path, 0, 0)


def test_case_76_a_user_can_take_back_what_root_left(shared: Home) -> None:
    home = shared
    home.profiles("a", "b", default="a")
    assert home.fal("set", "b").returncode == 0  # makes the lock
    lock = home.store.with_name(".config.toml.lock")
    rc = home.path / ".bashrc"
    rc.write_text("x=1\n")
    rc.chmod(0o600)
    owned(home, home.store.parent, home.store, lock, rc)
    for path, words in (
        (lock, ["set", "a"]),
        (home.store, ["list"]),
        (rc, ["install", "bash", "--yes"]),
    ):
        give_away(path, 0, 0)
        said = as_another(home, *words)
        cure = f"it belongs to root; take it back: sudo chown {ANOTHER} {path}"
        assert said.endswith(f"; {cure}\n"), said
        done = home.run("sh", "-c", cure.partition("sudo ")[2])
        assert (done.returncode, done.stderr) == (0, "")
    done = home.run(
        needs("setpriv"), "--reuid", str(ANOTHER), "--regid", str(ANOTHER), "--clear-groups",
        str(SCRIPTS / "fal"), "profile", "set", "a",
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "Default profile set to a.\n"), done.stderr
