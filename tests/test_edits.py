"""Edits keep the file: whatever legal TOML a store is, all that no edit is about stays as it is."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest
import tomli
from conftest import KEYS, LONG, Home
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

pytestmark = pytest.mark.fire

NAMES = ["me", "comfy", "a b", "x.y", "é", "[/]", "1979-05-27"]
NEW = KEYS["c"]
#: What the official CLI makes of a store that has no such table.
NO_DEFAULT: dict[str, Any] = {"__internal__": {}}

#: A setting, on lines that each have the table's tag in them, §.
SETTINGS = [
    "odd = nan # §",
    "odd=-inf#§",
    "odd\t = 1e400   # §",
    "odd = 1979-05-27T07:32:00.5Z # §",
    "odd = 07:32:00 # §",
    "odd = 0xDEAD_beef # §",
    "odd = [ # §\n  1, # §\n\t[ 'a', \"§\" ], # §\n] # §",
    "odd = '''§\n[me] # §\nkey = \"no # §\n''' # §",
    'odd = """§\n[__internal__] # §\n\\u00e9 § \\\n   §\n""" # §',
    "odd = { a = 1, b.c = '§', \"d e\" = [ {}, { x = 2 } ] } # §",
    "odd.a.b = '§'\nodd.a.\"c d\" = 2 # §",
    '\'odd\' = "\\"\\\\ # = [§]" # §',
    '"odd one" = true # §',
    '"é" = 1 # §',
    "   odd   =   'indented §'",
]
KEYS_OLD = ['"O"', "'O'", '"""O"""', "'''O'''", '"""§\\\n   O"""', '"\\u004F"']
UNDER = ["", "[N.sub] # §\nz = 1 # §\n", "\n[[N.list]] # §\nz = 1 # §\n[[ N . list ]] # §\n"]


def spelled(draw: Any, name: str) -> str:
    """Return a name as a key in TOML."""
    forms = [json.dumps(name, ensure_ascii=False), f"'{name}'"]
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        forms += [name] * 3
    return str(draw(st.sampled_from(forms)))


@st.composite
def tables(draw: Any, key: str, number: int) -> str:
    """Return a profile's table, with what is above and below it."""
    tag = f"t{number}."
    old = draw(st.sampled_from(KEYS_OLD)).replace("O", f"{number}:old")
    odd = draw(st.sampled_from(SETTINGS))
    parts = [f"key = {old} # §", "host = 'api.fal.ai' # §", "# more §", odd, ""]
    lines = [
        draw(st.sampled_from(["", "\n", "\n# about §\n#  §\n", "\n# x\n\n\n"]))
        + draw(st.sampled_from(["[N]", "[ N ]", "  [N]", "[N]  "]))
        + " # §",
        *(part for part in parts if draw(st.booleans())),
        draw(st.sampled_from(UNDER)),
    ]
    return "\n".join(lines).replace("§", tag).replace("N", key)


@st.composite
def stores(draw: Any) -> tuple[str, list[str]]:
    """Return a store and its profiles; every line of profile number 3 has `t3.` in it."""
    names = draw(st.permutations(NAMES))[: draw(st.integers(1, 5))]
    top, parts = ["# my accounts", "check_updates = false"], []
    for number, name in enumerate(names):
        key, tag = spelled(draw, name), f"t{number}."
        form = draw(st.sampled_from(["table"] * 6 + ["inline", "dotted", "late"]))
        if form == "inline":
            value = draw(st.sampled_from(["{}", "{ z = 1 }", "{key='1:old', z = { y = 1 } }"]))
            top.append(f"{key} = {value} # {tag}")
        elif form == "dotted":
            top.append(f"{key}.z = 1 # {tag}\n{key} . 'host' = 'api.fal.ai' # {tag}")
        elif form == "late":  # its header comes after its own table's
            parts.append(f"[{key}.sub] # {tag}\nz = 1 # {tag}\n[{key}] # {tag}\n")
        else:
            parts.append(draw(tables(key, number)))
    default = json.dumps(draw(st.sampled_from(names)), ensure_ascii=False)
    form = draw(st.sampled_from(["table", "table", "table", "inline", "dotted", "none", "bare"]))
    internal = {
        "table": f"[__internal__]\nprofile\t= {default}   # here\nteam = 'acme'\n",
        "inline": f"__internal__ = {{ team = 'acme', profile = {default} }} # here",
        "dotted": f"__internal__.profile = {default} # here",
        "bare": "[__internal__]\nteam = 'acme'\n",
        "none": "",
    }[form]
    (top if form in {"inline", "dotted"} else parts).append(internal)
    parts.append(draw(st.sampled_from(["", "\n[[other]]\nx = 1\n[[ other ]]\n[other.x]\n"])))
    body = "".join(draw(st.permutations(parts)))
    text = "\n".join(top) + "\n" + body + draw(st.sampled_from(["", "\n# the end\n"]))
    if draw(st.booleans()):
        text = text.rstrip("\n")
    if draw(st.integers(0, 3)) == 0:
        text = text.replace("\n", "\r\n")
    return text, names


def meaning(text: str) -> dict[str, Any]:
    return tomli.loads(text, parse_float=lambda number: f"float {number}")


def commands(name: str, data: dict[str, Any]) -> dict[str, tuple[list[str], int]]:
    """Return the command lines about a profile, and how many old lines each may touch."""
    default = data.get("__internal__", {}).get("profile")
    found = {
        "set": (["set", name], 1),
        "create": (["create", "new"], 1),
        "key": (["key", name, "--stdin"], 2),
        "host": (["host", "api.alpha.fal.ai", "--profile", name], 1),
        "host --unset": (["host", "--unset", "--profile", name], 1),
        "unset": (["unset"], 1),
        "delete": (["delete", name], 2),
    }
    if default is None:
        del found["unset"]
    return found


def changed(command: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return the data as a command must leave it."""
    if command in {"set", "create"}:
        target = "new" if command == "create" else name
        data.setdefault(target, {})
        data.setdefault("__internal__", {})["profile"] = target
    elif command == "key":
        data[name]["key"] = NEW
    elif command == "host":
        data[name]["host"] = "api.alpha.fal.ai"
    elif command == "host --unset":
        data[name].pop("host", None)
    else:
        if command == "unset" or data.get("__internal__", {}).get("profile") == name:
            data.get("__internal__", {}).pop("profile", None)
        if command == "delete":
            del data[name]
    return data


def check_lines(old: str, new: str, command: str, touched: int, tag: str) -> None:
    """Check that the old lines stand in the new text in their order, but for what was edited."""
    ahead, after = old.splitlines(), new.splitlines()
    if command == "delete":  # the table goes, as a rule with the comments above it, and blank lines
        assert all(line.startswith("#") for line in after if tag in line)
        ahead = [line for line in ahead if tag not in line and line.strip() not in {"", "# x"}]
    gone = []
    for line in ahead:
        if line in after:
            del after[: after.index(line) + 1]
        else:
            gone.append(line)
    assert len(gone) <= touched, gone
    assert all(tag in line or "# here" in line for line in gone), gone
    if command in {"set", "create", "host"}:
        assert all(line.rpartition("#")[2] in new for line in gone), gone


OFFICIAL = """
import json, os, sys
from fal.config import Config
for line in sys.stdin:
    os.environ["FAL_CONFIG_PATH"] = line.rstrip("\\n")
    print(json.dumps(Config()._config, default=str, sort_keys=True))
"""


def test_case_41_edits_of_any_legal_toml(
    home: Home, official: Path, figure: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.path)
    results: list[tuple[Path, dict[str, Any]]] = []
    counts: dict[str, int] = {}

    @settings(
        max_examples=4000 if LONG else 120,
        deadline=None,
        derandomize=not LONG,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(stores(), st.data())
    def edit(made: tuple[str, list[str]], draw: st.DataObject) -> None:
        old, names = made
        number = draw.draw(st.integers(0, len(names) - 1))
        name = names[number]
        wanted = meaning(old)
        lines = commands(name, wanted)
        command = draw.draw(st.sampled_from(sorted(lines)))
        line, touched = lines[command]
        home.write(old)
        code, _, stderr = home.here("profile", *line, stdin=NEW)
        assert (code, "Traceback" in stderr) == (0, False), stderr
        new = home.store.read_bytes().decode()
        wanted = changed(command, name, wanted)
        assert NO_DEFAULT | meaning(new) == NO_DEFAULT | wanted
        if "\r" in old:
            assert new.count("\n") == new.count("\r\n")
        check_lines(old, new, command, touched, f"t{number}.")
        kept = home.path / f"{len(results)}.toml"
        kept.write_bytes(new.encode())
        results.append((kept, tomli.loads(new)))
        counts[command] = counts.get(command, 0) + 1

    edit()
    done = subprocess.run(
        [official / "python", "-c", OFFICIAL],
        input="".join(f"{path}\n" for path, _ in results),
        env=home.variables,
        capture_output=True,
        text=True,
        check=True,
    )
    for (path, data), line in zip(results, done.stdout.splitlines(), strict=True):
        # Once more as text, since nan is not equal to itself.
        assert str(json.loads(line)) == str(
            json.loads(json.dumps(NO_DEFAULT | data, default=str, sort_keys=True))
        ), path
    figure(f"edits of legal TOML: {len(results)} ({counts}), the rest kept byte for byte")
