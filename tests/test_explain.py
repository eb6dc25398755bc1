"""current --explain: the steps that choose a profile, and what each client really uses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from conftest import KEYS, SCRIPTS
from driver import needs
from test_account import HAND, HOST, WHO, key_id

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Home

FAL = str(SCRIPTS / "fal")


#: Asks the clients in many environments, one in each process, for the price of one import.
MANY = f"""
import importlib, json, os, sys
import fal.flags, fal.auth.local, fal_client.auth
for environment in json.load(sys.stdin):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.environ.clear()
        os.environ.update(environment)
        for name in ("fal.flags", "fal.auth.local", "fal.auth", "fal_client.auth"):
            importlib.reload(sys.modules[name])  # they read the environment at import
        os.dup2(writer, 1)
        exec({WHO!r})
        sys.stdout.flush()
        os._exit(0)
    os.close(writer)
    print(os.fdopen(reader).read().splitlines()[-1])
    os.wait()
"""


@pytest.fixture
def asked(home: Home) -> Home:
    """Return a home with a program in the official CLI's place that prints its environment."""
    folder = home.path / "other"
    folder.mkdir()
    (folder / "fal").write_text("#!/bin/sh\nexec env -0\n")
    (folder / "fal").chmod(0o755)
    home.variables["PATH"] += f":{folder}"
    return home


PAIR: dict[str, str | None] = {"FAL_KEY_ID": "pair", "FAL_KEY_SECRET": "fakepair"}
#: The state of the environment → its variables.
ENVIRONMENTS: dict[str, dict[str, str | None]] = {
    "nothing": {},
    "a login": {"FAL_HOME_DIR": "login"},
    "a key": {"FAL_KEY": KEYS["b"], "FAL_HOME_DIR": "login"},
    "a foreign key": {"FAL_KEY": HAND, "FAL_HOST": "api.fal.ai", "FAL_RUN_HOST": "fal.run"},
    "a key without a colon": {"FAL_KEY": "nocolon"},
    "a pin": {"FAL_PROFILE": "b"},
    "a pair": PAIR,
    "an empty key and a pair": PAIR | {"FAL_KEY": ""},
    "forced": {"FAL_KEY": KEYS["b"], "FAL_FORCE_AUTH_BY_USER": "1", "FAL_HOME_DIR": "login"},
    "falenv's": {
        "FAL_KEY": KEYS["b"], "FALENV_PROFILE": "b", "FALENV_KEY_ID": key_id(KEYS["b"]),
    },
    "none": {"FALENV_NONE": "1", "FAL_PROFILE": "__internal__", "FAL_HOME_DIR": "nobody"},
}  # fmt: skip
STORES = {
    "with a host": f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "{HOST}"\n'
    f'[b]\nkey = "{KEYS["b"]}"\n',
    "without a default": f'[b]\nkey = "{KEYS["b"]}"\n',
}


def test_the_clients_use_what_it_says(asked: Home, official: Path) -> None:
    (asked.path / "login").mkdir()
    (asked.path / "login" / "auth0_token").write_text("refresh\naccess\n")
    ours, environments, path = [], [], asked.variables["PATH"]
    for store, text in STORES.items():
        asked.write(text)
        kept = asked.path / f"{store}.toml"
        kept.write_text(text)
        for state, variables in ENVIRONMENTS.items():
            here = variables | {"FAL_CONFIG_PATH": str(asked.store)}
            here["FAL_HOME_DIR"] = str(asked.path / (variables.get("FAL_HOME_DIR") or "nobody"))
            ours.append((f"{state}, {store}", said(asked, here)))
            handed = asked.run(FAL, "app", "list", stdin="", **here).stdout
            # Without falenv on the way, the official CLI decides for itself.
            here["PATH"] = f"{asked.path}/other:/usr/bin:/bin"
            ours.append((f"{state}, {store}, without falenv", said(asked, here)))
            alone = asked.with_variables(here)
            given = dict(line.split("=", 1) for line in handed.split("\0")[:-1])
            environments += [one | {"FAL_CONFIG_PATH": str(kept)} for one in (given, alone)]
    asked.variables["PATH"] = path
    done = asked.run(str(official / "python"), "-c", MANY, stdin=json.dumps(environments))
    assert done.returncode == 0, done.stderr
    truth = list(map(json.loads, done.stdout.splitlines()))
    assert len(truth) == len(ours) == 44
    for at, (where, (cli, python)) in enumerate(ours):
        assert cli == (truth[at]["official"], truth[at]["host"]), where
        # fal_client is never started by falenv: its environment is the second of each pair.
        client = truth[at | 1]["client"]
        # An `id` of a key without a colon is all of the key, which falenv never shows.
        expected = "-" if client == "nocolon" else client
        assert python == (expected, truth[at | 1]["run"]), where


def said(home: Home, variables: dict[str, str | None]) -> list[tuple[str | None, str]]:
    """Return credential and host of the official CLI and of fal_client, as falenv says."""
    with mock.patch.dict(home.variables, home.with_variables(variables), clear=True):
        code, stdout, stderr = home.here("profile", "current", "--explain", "--json")
    assert code == 0, stderr
    found = []
    for client in json.loads(stdout)["clients"][:2]:
        names = {"login": "login", "none": None}
        found.append((names.get(client["source"], client["key_id"]), client["host"]))
    return found


def test_the_javascript_client(asked: Home) -> None:
    asked.profiles("a", default="a")

    def used(**variables: str | None) -> tuple[Any, ...]:
        done = asked.fal("current", "--explain", "--json", stdin="", **variables)
        client = json.loads(done.stdout)["clients"][2]
        return client["source"], client["key_id"], client["profile"], client["because"]

    assert used(FAL_KEY=KEYS["a"]) == ("FAL_KEY", key_id(KEYS["a"]), "a", "FAL_KEY is set")
    assert used(FAL_KEY="", **PAIR) == ("FAL_KEY", None, None, "FAL_KEY is set to nothing")
    assert used(**PAIR) == ("pair", "pair", None, "FAL_KEY is not set")
    assert used() == ("none", None, None, "FAL_KEY is not set, and it reads nothing else")


def lines(home: Home, where: str = ".", **variables: str | None) -> list[str]:
    """Return the steps that `current --explain` prints in a folder, whatever its exit code."""
    home.variables["WHERE"] = where
    line = 'cd "$WHERE" && fal profile current --explain'
    done = home.run(needs("bash"), "-c", line, stdin="", **variables)
    steps = ("  argument", "  pin", "> pin", "  folder", "> folder", "  default", "> default")
    return [line for line in done.stdout.splitlines() if line.startswith(steps)]


def test_each_step_has_its_file_and_line(asked: Home) -> None:
    home = asked
    home.profiles("a", "b", "c", default="a")
    argument = "  argument  none: env, use and exec take a name"
    no_pin = "  pin       none: FAL_PROFILE is not set"
    no_folder = "  folder    none: no .fal-profile here or above"
    default = f"a; {home.store}, line 2; "
    assert lines(home) == [argument, no_pin, no_folder, f"> default   {default}this decides"]
    inner = home.path / "x" / "y"
    inner.mkdir(parents=True)
    home.run(needs("bash"), "-c", "cd x && fal profile link b")
    (inner / ".fal-profile").write_text("c\n")
    folders = [
        f"  folder    c; {inner}/.fal-profile, line 1; passed over: you have not allowed it",
        f"> folder    b; {inner.parent}/.fal-profile, line 1; this decides",
    ]
    below = f"  default   {default}not reached"
    assert lines(home, "x/y") == [argument, no_pin, *folders, below]
    # A pin that a start-up file sets, and one that names nothing.
    (home.path / ".bashrc").write_text("# mine\nexport FAL_PROFILE='c'\n")
    pin = f"> pin       c; FAL_PROFILE, set by {home.path}/.bashrc, line 2; this decides"
    folders[1] = folders[1].replace("> ", "  ").replace("this decides", "not reached")
    assert lines(home, "x/y", FAL_PROFILE="c") == [argument, pin, *folders, below]
    pin = "> pin       nope; FAL_PROFILE; this decides; no such profile exists"
    assert lines(home, FAL_PROFILE="nope") == [argument, pin, no_folder, below]
    done = home.fal("current", "--explain", FAL_PROFILE="nope")
    assert done.returncode == 1
    assert done.stderr.startswith("falenv: FAL_PROFILE names 'nope', but no such profile exists")
    official = [line for line in done.stdout.splitlines() if line.startswith("official CLI")]
    assert official[0].startswith(
        "official CLI  does not start, because falenv stops it: FAL_PROFILE names 'nope'"
    )
    # A link whose text changed since; and no credentials at all.
    (inner.parent / ".fal-profile").write_text("c\n")
    changed = f"> folder    c; {inner.parent}/.fal-profile, line 1; this decides; "
    changed += "its text has changed since you allowed it"
    assert lines(home, "x") == [argument, no_pin, changed, below]
    nobody = "> pin       FALENV_NONE; this decides; no credentials here (fal profile use --none)"
    found = lines(home, FALENV_NONE="1", FAL_PROFILE="__internal__")
    assert found == [argument, nobody, no_folder, below]


def test_the_lines_about_the_clients(asked: Home) -> None:
    asked.write(STORES["with a host"])
    done = asked.fal("current", "--explain", FAL_KEY=HAND)
    whose = f"a key that no profile has (id {key_id(HAND)}), because FAL_KEY is set"
    assert done.stdout.splitlines()[-3:] == [
        f"official CLI  {whose}; host {HOST}",
        f"fal_client    {whose}; host fal.run",
        f"JS client     {whose}",
    ]
    done = asked.fal("current", "--explain")
    unset, whose = "because FAL_KEY is not set, and it", f"'a' (id {key_id(KEYS['a'])})"
    assert done.stdout.splitlines()[-3:] == [
        f"official CLI  the key of profile {whose}, because falenv gives it the key; host {HOST}",
        f"fal_client    no credential, {unset} never reads the store, and nobody has logged in",
        f"JS client     no credential, {unset} reads nothing else",
    ]


@pytest.mark.parametrize(
    ("setting", "cure"),
    [
        (f'key = "{KEYS["a"]}"\nenv = "exec"', "start it with: fal profile exec a -- CMD"),
        ('key_command = ["get-key"]', "to get the key: fal profile use a"),
        ("", "to set a key: fal profile key a"),
    ],
)
def test_current_and_doctor_name_the_login_that_would_pay(
    home: Home, setting: str, cure: str
) -> None:
    home.write(f'[__internal__]\nprofile = "a"\n[a]\n{setting}\n')
    said = "without FAL_KEY, fal_client uses the login of `fal auth login` in this shell"
    home.variables |= {"FALENV_PROFILE": "a", "FAL_HOME_DIR": str(home.path)}
    assert said not in home.here("profile", "current")[2]
    (home.path / "auth0_token").write_text("refresh\naccess\n")
    assert home.here("profile", "current")[2] == f"falenv: {said}; {cure}\n"
    findings = json.loads(home.here("profile", "doctor", "--json")[1])["findings"]
    found = [(one["level"], one["message"], one["fix"]) for one in findings]
    assert [one for one in found if "auth login" in one[1]] == [("warning", said, cure)]
    # With a key, the login does not count.
    home.variables |= {"FAL_KEY": KEYS["b"]}
    assert said not in home.here("profile", "current")[2]
