"""`--json` on every command that reads or writes: one object on stdout, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from conftest import KEYS

from falenv.commands import profile

if TYPE_CHECKING:
    from conftest import Home

#: Each command, and what its JSON has besides the command, the default and the store.
LINES: dict[str, tuple[str, dict[str, Any]]] = {
    "set": ("set new", {"profile": "new", "created": True, "default": "new"}),
    "create": ("create c", {"profile": "c", "created": True, "default": "c"}),
    "unset": ("unset", {"was": "a", "default": None}),
    "key": ("key b --stdin", {"profile": "b", "key_id": KEYS["c"].partition(":")[0]}),
    "host": ("host api.fal.ai", {"profile": "a", "host": "api.fal.ai"}),
    "delete": ("delete b", {"profile": "b"}),
    "protect": ("protect b", {"profile": "b", "protected": True}),
    "rename": ("rename a w", {"profile": "w", "was": "a", "links": [], "default": "w"}),
    "edit": ("edit", {"changed": False, "profiles": ["a", "b"]}),
    "link": ("link b", {"file": "{home}/.fal-profile", "profile": "b"}),
    "allow": ("allow", {"file": "{home}/.fal-profile", "profile": "b"}),
    "deny": ("deny", {"file": "{home}/.fal-profile"}),
    "unlink": ("unlink", {"file": "{home}/.fal-profile"}),
    "import": ("import - x", {"profiles": [
        {"profile": "x", "result": "imported", "key_id": "i", "host": None, "left_out": []}
    ]}),
    "export": ("export a --output f", {"profiles": ["a"], "has_keys": True, "file": "{home}/f"}),
    "install": ("install bash --dry-run", {}),
    "uninstall": ("uninstall --yes", {"files": [], "link": None, "dry_run": False}),
}  # fmt: skip
#: These print something else: code for a shell, the prompt, another program's output, or a shell
#: runs them.
OTHERS = {"env", "use", "off", "on", "exec", "prompt", "completion"}


def test_every_command_has_json() -> None:
    commands = {name: command for name, command in profile.commands.items() if not command.hidden}
    have = {name for name, command in commands.items()
            if any("--json" in parameter.opts for parameter in command.params)}  # fmt: skip
    assert have == set(commands) - OTHERS
    assert {"list", "current"} <= have
    assert set(LINES) <= have


@pytest.mark.parametrize("command", LINES)
def test_a_command_prints_one_object(
    home: Home, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(home.path)
    home.profiles("a", "b", default="a")
    home.variables |= {"EDITOR": "true", "VISUAL": ""}
    if command in {"unlink", "allow", "deny"}:
        (home.path / ".fal-profile").write_text("b\n")
    line, fields = LINES[command]
    stdin = "FAL_KEY=i:s\n" if command == "import" else KEYS["c"]
    code, out, err = home.here("profile", *line.split(), "--json", stdin=stdin)
    assert (code, out.count("\n")) == (0, 1), err
    found = json.loads(out)
    if command == "install":
        file = found.pop("files")[0]
        assert file["file"] == f"{home.path}/.bashrc"
        assert file["difference"].startswith("--- /dev/null\n")
        assert not (home.path / ".bashrc").exists()
        del found["link"], found["dry_run"]
    expected = {"command": command, "default": "a", "store": str(home.store)} | {
        name: value.format(home=home.path) if isinstance(value, str) else value
        for name, value in fields.items()
    }
    if "install" in command:
        del expected["default"], expected["store"]
    assert found == expected
    # A refusal leaves stdout empty.
    for words in (["profile", command, "--json", "a", "b", "c"], ["profile", command, "--jsn"]):
        code, out, err = home.here(*words, stdin="")
        assert (code != 0, out, err.count("\n")) == (True, "", 1), (out, err)
