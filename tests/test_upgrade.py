"""The program is upgraded, or replaced by an older one, under shells that stay open."""

from __future__ import annotations

import re
import shutil
import site
import venv
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, POSIX_SHELLS, REPOSITORY, SCRIPTS, SHELLS
from driver import KINDS, UNSET, Kind, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]

HAND = "11111111-0000-4000-8000-000000000000:byhand"
OWN = "22222222-0000-4000-8000-000000000000:fromthestart"


class Tool:
    """An environment of its own with a copy of falenv, as `uv tool` or pipx makes one."""

    def __init__(self, folder: Path, home: Home) -> None:
        venv.create(folder, with_pip=False)
        (self._packages,) = folder.glob("lib/python*/site-packages")
        shutil.copytree(REPOSITORY / "falenv", self._packages / "falenv")
        for name in ("shell", "completions"):
            shutil.copytree(REPOSITORY / name, self._packages / "falenv" / "_data" / name)
        (self._packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
        for name in ("fal", "falenv"):
            text = (SCRIPTS / name).read_text().replace(str(SCRIPTS), str(folder / "bin"))
            (folder / "bin" / name).write_text(f"#!{folder / 'bin' / 'python'}\n{text}")
            (folder / "bin" / name).chmod(0o755)
        path = home.variables["PATH"].removeprefix(f"{SCRIPTS}:")
        home.variables["PATH"] = f"{folder / 'bin'}:{path}"
        self._home = home
        self._program = folder / "bin" / "falenv"

    def install(self, protocol: int) -> None:
        """Put a version with this protocol number in the place of the one that is there."""
        file = self._packages / "falenv" / "paths.py"
        new = re.sub(r"(?m)^PROTOCOL = .*$", f"PROTOCOL = {protocol}", file.read_text())
        file.write_text(new)

    def fal(self, *words: str) -> None:
        """Run `fal profile …` elsewhere."""
        done = self._home.run(str(self._program), "profile", *words)
        assert done.returncode == 0, done.stderr


@pytest.fixture
def tool(home: Home, tmp_path: Path) -> Tool:
    return Tool(tmp_path / "tool", home)


@pytest.fixture(params=(*SHELLS, *POSIX_SHELLS))
def any_kind(request: pytest.FixtureRequest) -> Kind:
    """Return every shell, in turn."""
    needs(request.param)
    return KINDS[request.param]


def look(shell: Shell) -> str:
    """Let a shell follow a change that was made elsewhere; return what is shown."""
    return shell.prompts() if shell.kind.has_hook else shell.talk("fal profile use --default")


@pytest.mark.parametrize("versions", [(1, 2), (2, 1)])
def test_case_97_an_open_shell_follows_another_version(
    home: Home, start: Start, tool: Tool, any_kind: Kind, versions: tuple[int, int]
) -> None:
    before, after = versions
    tool.install(before)
    home.profiles("a", "b", default="a")
    shell = start(any_kind, FAL_KEY=OWN)
    assert shell.own("protocol") == str(before)
    tool.install(after)
    assert shell.prompts(2) == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    for name in ("b", "a", "b"):
        tool.fal("set", name)
        assert look(shell) == ""
        assert (shell.get("FAL_KEY"), shell.segment) == (KEYS[name], f"(fal:{name}) ")
    assert shell.own("protocol") == str(after)
    # And back again, by a switch that is typed.
    tool.install(before)
    assert shell.talk("fal profile set a") == "Default profile set to a."
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["a"], "(fal:a) ")
    assert shell.prompts(2) == ""
    assert shell.talk("fal profile off") == ""
    assert shell.exported()["FAL_KEY"] == OWN
    assert "FALENV_PROFILE" not in shell.exported()


def test_case_97_use_means_what_it_says(
    home: Home, start: Start, tool: Tool, any_kind: Kind
) -> None:
    home.profiles("a", "b", "c", default="a")
    for words, key, segment in (
        ("use b", KEYS["b"], "(fal:b*) "),
        ("use --default", KEYS["c"], "(fal:c) "),
        ("use --none", UNSET, ""),
        ("use nosuch", KEYS["a"], "(fal:a*) "),
    ):
        tool.install(1)
        tool.fal("set", "a")
        shell = start(any_kind)
        assert shell.talk("fal profile use a") == ""
        tool.install(2)
        tool.fal("set", "c")
        said = shell.talk(f"fal profile {words}")
        if words == "use nosuch":
            notice(said, "'nosuch' does not exist")
        else:
            assert said == ""
        for _ in range(2):
            assert (shell.get("FAL_KEY"), shell.segment) == (key, segment), words
        assert (shell.get("FALENV_NONE") == "1") == ("--none" in words)
        if "nosuch" not in words:
            assert shell.talk("fal profile use -") == ""
            assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["a"], "(fal:a*) ")
        assert shell.talk("fal profile use b") == ""
        assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "(fal:b*) ")


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_case_97_a_version_that_did_not_have_a_variable(
    home: Home, start: Start, tool: Tool, name: str
) -> None:
    needs(name)
    tool.install(1)
    home.profiles("a", "b", default="a")
    shell = start(name)
    assert shell.talk("set -u") == ""
    tool.install(2)
    tool.fal("set", "b")
    # Nothing that a hook compares is left, but what says that falenv is here.
    gone = "around payer rivals_a rivals_b styled seen moved dotenv missed shows literal how drawn"
    gone += " probe slot psvars compdef mark guard aside told_aside stay"
    lost = " ".join(f"__falenv_{word}" for word in gone.split())
    assert shell.talk(f'unset {lost}; eval "$(fal profile env)"') == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "(fal:b) ")
    assert shell.talk("fal profile use a") == ""
    assert shell.segment == "(fal:a*) "
    assert shell.talk("fal profile off") == ""
    assert (shell.segment, shell.get("__falenv_missed")) == ("", UNSET)


def test_case_97_what_the_user_has_set_stays(
    home: Home, start: Start, tool: Tool, any_kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    by_hand, none = start(any_kind), start(any_kind)
    bare = start(any_kind, any_kind.eval_line("--no-prompt"))
    by_hand.export("FAL_KEY", HAND)
    assert none.talk("fal profile use --none") == ""
    tool.install(2)
    tool.fal("set", "b")
    assert look(bare) == ""
    assert (bare.get("FAL_KEY"), bare.segment) == (KEYS["b"], "")
    for shell, key in ((by_hand, HAND), (none, UNSET)):
        assert shell.prompts(3) == ""
        assert shell.get("FAL_KEY") == key
        assert shell.talk("fal profile use b") == ""
        assert shell.get("FAL_KEY") == KEYS["b"]


def test_case_97_a_profile_that_is_gone_leaves_no_key(
    home: Home, start: Start, tool: Tool, any_kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(any_kind, FAL_KEY=OWN)
    tool.install(2)
    home.write(home.store.read_text().replace("[a]", "[z]"))
    notice(look(shell), "the default is 'a'")
    assert shell.prompts(2) == ""
    # dash was asked for a switch, which is refused.
    expected = (UNSET, "") if any_kind.has_hook else (KEYS["a"], "(fal:a) ")
    assert (shell.get("FAL_KEY"), shell.segment) == expected


def test_case_97_a_broken_store_is_reported_once(
    home: Home, start: Start, tool: Tool, any_kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    shell = start(any_kind)
    tool.install(2)
    home.write("[a\n")
    assert "config.toml" in look(shell)
    assert shell.prompts(2) == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["a"], "(fal:a) ")
    home.profiles("a", "b", default="b")
    assert look(shell) == ""
    assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["b"], "(fal:b) ")
