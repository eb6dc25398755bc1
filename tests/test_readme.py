"""The lines of the README and the guide, typed as they stand into a real shell of an empty home."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import tomli
from conftest import KEYS, REPOSITORY, SCRIPTS, Home
from driver import PROMPT, Kind, needs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Shell

README = (REPOSITORY / "README.md").read_text()
GUIDE = (REPOSITORY / ".github" / "GUIDE.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
ROWS = dict(
    re.findall(r"^\| (bash|zsh|fish|direnv)[^|]*\|[^|]*\| `((?:[^`])*)` \|$", GUIDE, re.MULTILINE)
)

#: What draws the prompt → its line, in the table of four columns.
RECIPES = dict(
    re.findall(r"^\| (\w[\w-]*)[^|]*\| [^|]* \| `([^`]*)` \| [^|]* \|$", GUIDE, re.MULTILINE)
)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An empty home beside a clone, where the first command was typed into a real bash."""
    folder = tmp_path_factory.mktemp("fresh")
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=REPOSITORY, check=True, capture_output=True, text=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, files):
        if (REPOSITORY / name).is_file():
            (folder / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / "clone" / name)
    home = Home(folder / "home")
    home.path.mkdir()
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin:/bin")
    if python is None or subprocess.run([python, "-c", "import ensurepip"], check=False).returncode:
        (folder / "bin").mkdir()  # the system has none that makes environments: take the tests'
        (folder / "bin" / "python3").symlink_to((SCRIPTS / "python").resolve())
    home.variables["PATH"] = f"{folder / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    home.variables["FIRST"] = str(folder / "clone")
    shell = home.shell("bash", 'cd "$FIRST"')
    shell.talk(BLOCKS[0], 300)
    # and then the live switch that the README shows
    shell.talk("fal profile set example")
    shell.type("fal profile key\r")
    shell.wait(lambda: "Enter the key for example:" in shell.screen(), "the question")
    # One after the other: getpass drops what was typed ahead.
    shell.type(f"{KEYS['example']}\r")
    shell.wait(lambda: "Key set for profile example." in shell.screen(), "the key to be set")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["example"]
    shell.talk("fal profile set comfy")
    assert shell.exported().get("FAL_KEY") is None
    shell.talk("fal profile set example")
    assert shell.exported()["FAL_KEY"] == KEYS["example"]
    assert shell.segment == "(fal:example) "
    assert KEYS["example"] not in shell.output
    shell.close()
    return home


def test_the_set_up_is_two_commands() -> None:
    assert len(BLOCKS) == 2
    assert BLOCKS[1] == "tests/run"
    assert set(ROWS) == {"bash", "zsh", "fish", "direnv"}


def test_the_line_for_each_shell_makes_it_follow(fresh: Home, kind: Kind) -> None:
    shell = fresh.shell(kind, ROWS[kind.name].replace("\\|", "|"))
    assert shell.greeting == ""
    assert shell.exported()["FAL_KEY"] == KEYS["example"]
    assert shell.segment == "(fal:example) "
    shell.close()


def test_the_line_for_direnv_gives_a_folder_its_profile(fresh: Home, tmp_path: Path) -> None:
    (tmp_path / ".envrc").write_text(ROWS["direnv"].replace("NAME", "example"))
    fresh.run(needs("direnv"), "allow", str(tmp_path))
    done = fresh.run(needs("direnv"), "exec", str(tmp_path), "env", DIRENV_LOG_FORMAT="")
    assert done.stderr == ""
    assert f"FAL_KEY={KEYS['example']}" in done.stdout.splitlines()


def test_the_two_lines_for_someone_who_has_a_key(
    home: Home, start: Callable[..., Shell], kind: Kind
) -> None:
    _, _, section = README.partition("### You already have a FAL_KEY\n")
    lines = re.findall(r"^\u276f (.*)$", section.partition("\n#")[0], re.MULTILINE)
    assert len(lines) == 2
    own = "22222222-0000-4000-8000-000000000000:fromthestart"
    rc = f"{kind.export('FAL_KEY', own)}\n{kind.eval_line()}"
    shell = start(kind, rc)
    assert shell.get("FAL_KEY") == own
    for line in lines:
        shell.talk(line)
    assert (shell.segment, shell.get("FAL_KEY")) == ("(fal:me) ", own)
    # As the README says, the old line may stay, and `off` brings its key back.
    home.profiles("a", default="a")
    shell = start(kind, rc)
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.talk("fal profile off") == ""
    assert shell.get("FAL_KEY") == own


def test_the_answers_of_the_readme(home: Home, start: Callable[..., Shell], kind: Kind) -> None:
    folder = home.path / "other"
    folder.mkdir()
    for name in ("jupyter", "fal"):
        (folder / name).write_text('#!/bin/sh\necho "$FAL_KEY $*"\n')
        (folder / name).chmod(0o755)
    home.variables["PATH"] += f":{folder}"
    # CI: a key and no store.
    done = home.run(str(SCRIPTS / "fal"), "deploy", FAL_KEY="ci:key")
    assert (done.stdout, done.stderr) == ("ci:key deploy\n", "")
    home.profiles("a", "b", default="a")
    line, use = "fal profile exec NAME -- jupyter lab", "fal profile use --default"
    assert f"`{line}`" in README
    assert f"`{use}`" in README
    outer = start(kind)
    assert outer.talk(line.replace("NAME", "b")) == f"{KEYS['b']} lab"
    outer.talk("fal profile use b")
    # tmux and editors: what they start has the pin.
    inner = start(kind, **outer.exported())
    assert inner.segment == "(fal:b*) "
    assert inner.talk(use) == ""
    assert (inner.segment, inner.get("FAL_KEY")) == ("(fal:a) ", KEYS["a"])
    # The official CLI's login unsets the default.
    home.write(home.store.read_text().replace('profile = "a"\n', ""))
    inner.prompts()
    assert inner.segment == ""
    assert inner.talk("fal profile set b") == "Default profile set to b."
    assert inner.segment == "(fal:b) "


def test_the_recipe_for_each_shells_own_prompt(
    home: Home, start: Callable[..., Shell], kind: Kind
) -> None:
    home.profiles("a", "b", default="a")
    rc = f"{RECIPES[kind.name]}\n{ROWS[kind.name]}"
    rc = rc.replace("~/.local/share/falenv/bin/", "").replace("\\|", "|")
    # The recipe for bash is a whole prompt.
    mark = "# " if os.geteuid() == 0 else "$ "
    shell = start(kind, rc, columns=60, prompt=mark if kind.name == "bash" else PROMPT)
    shell.segments = ".*"
    shell.talk("fal profile use b")
    shell.clear()
    line = {
        "bash": f"(fal:b*) ~{mark}".rstrip(),
        "zsh": "ready>".ljust(50) + "(fal:b*)",
        "fish": "ready>".ljust(51) + "(fal:b*)",
    }[kind.name]
    shell.wait(lambda: shell.screen() == line, f"{line!r}", 5)


def test_the_recipes_that_need_another_program(home: Home) -> None:
    # tests/test_prompt.py has tmux, and starship where there is one.
    (starship,) = re.findall(r"```toml\n(.*?)\n```", GUIDE, re.DOTALL)
    modules = tomli.loads(starship)["env_var"]
    # starship shows them in this order.
    assert list(modules) == ["FALENV_MARK", "FALENV_PROFILE"]
    assert all("format" in module for module in modules.values())
    assert set(RECIPES) == {
        "bash", "zsh", "fish", "tmux", "Pure", "powerlevel10k", "spaceship", "tide",
        "oh-my-posh",
    }  # fmt: skip
    assert json.loads(RECIPES["oh-my-posh"])["type"] == "text"
    calls = {
        "powerlevel10k": (
            "p10k() { print -rl -- $@ }",
            "prompt_falenv",
            "segment -f 3 -t fal:50%%!",
        ),
        "spaceship": (
            "spaceship::section() { print -rl -- $@ }",
            "spaceship_falenv",
            "--color yellow fal:50%%!",
        ),
        "Pure": ("", "prompt_pure_precustom; print -r -- $psvar[22]", "fal:50%!"),
    }
    calls["tide"] = (
        "function _tide_print_item; printf '%s\\n' $argv; end",
        "_tide_item_falenv",
        "falenv fal:50%!",
    )
    for program, (before, call, wanted) in calls.items():
        shell = "fish" if program == "tide" else "zsh"
        text = f"{before}\n{RECIPES[program]}\n{call}"
        variables = {"FALENV_PROFILE": "50%", "FALENV_MARK": "!"}
        assert home.script(shell, text, **variables).stdout.split() == wanted.split()
        unmarked = home.script(shell, text, FALENV_PROFILE="50%").stdout.split()
        assert unmarked == wanted.replace("!", "").split()
        assert home.script(shell, text).stdout.split() == []


def test_every_command_that_the_readme_names_exists(home: Home) -> None:
    tables = [
        re.findall(r"^\| `fal profile (\S+?)[`\s].*\|$", text, re.MULTILINE)
        for text in (README, GUIDE)
    ]
    assert all("list" in table for table in tables)
    for command in {command for table in tables for command in table}:
        done = home.fal(command, "--help")
        assert done.returncode == 0, done.stderr


def test_the_readme_is_short_and_leads_to_the_rest() -> None:
    words = [word for word in README.split() if re.search(r"\w", word)]
    assert len(words) <= 1300
    for text, folder in ((README, REPOSITORY), (GUIDE, REPOSITORY / ".github")):
        for link in re.findall(r"\]\(([^)#:$]+)(?:#[^)]*)?\)", text):
            assert (folder / link).is_file(), link
    headings = re.findall(r"^#+ (.*)$", GUIDE, re.MULTILINE)
    anchors = {heading.lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"GUIDE\.md#([^)]+)\)", README)) <= anchors
