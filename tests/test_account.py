"""The account you see is the account that pays: rules 1 to 7 of the design, in every shell."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, POSIX_SHELLS, SCRIPTS, SHELLS
from driver import KINDS, UNSET, Kind, Shell, needs, notice

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home

    Start = Callable[..., Shell]

HOSTS = ("FAL_HOST", "FAL_RUN_HOST", "FAL_QUEUE_RUN_HOST")
RIVALS = (
    "FAL_KEY_ID",
    "FAL_KEY_SECRET",
    "FAL_FORCE_AUTH_BY_USER",
    "FAL_GRPC_HOST",
    "FAL_REST_HOST",
    "FAL_WS_RUN_HOST",
    "ISOLATE_AUTH_DISABLED",
    "ISOLATE_TEST_MODE",
)
OURS = ("FALENV_PROFILE", "FALENV_KEY_ID", "FALENV_MARK", "FALENV_KEPT_ID", "FALENV_NONE")
HAND = "11111111-0000-4000-8000-000000000000:byhand"
OWN = "22222222-0000-4000-8000-000000000000:fromthestart"
HOST = "api.work.fal.ai"

#: Asks the official CLI's own code and fal_client's, in their own environment, who would pay. The
#: token of `fal auth login` counts if they would read it.
WHO = """
import json
from fal import auth, flags
from fal.auth import local
from fal_client import auth as client
found = auth.key_credentials()
key = client._resolve_env_or_colab_auth(client.os.environ.get("FAL_FORCE_AUTH_BY_USER") == "1")
print(json.dumps({
    "official": found[0] if found else "login" if local.load_token()[0] else None,
    "host": flags.GRPC_HOST,
    "client": key.token.partition(":")[0] if key else
              "login" if client._read_auth_tokens()[0] else None,
    "run": client.FAL_RUN_HOST,
}))
"""


def key_id(key: str) -> str:
    return key.partition(":")[0]


@pytest.fixture(params=(*SHELLS, *POSIX_SHELLS))
def any_kind(request: pytest.FixtureRequest) -> Kind:
    """Return every shell, in turn."""
    needs(request.param)
    return KINDS[request.param]


@pytest.fixture(params=(*SHELLS, "ksh", "mksh"))
def hooked(request: pytest.FixtureRequest) -> Kind:
    """Return every shell with a hook, in turn."""
    needs(request.param)
    return KINDS[request.param]


@pytest.fixture
def fake(home: Home) -> Path:
    """Put a program on PATH that hand-over finds. It prints its environment's account."""
    folder = home.path / "other"
    folder.mkdir()
    program = folder / "fal"
    program.write_text(
        '#!/bin/sh\nprintf "<%s>" "${FAL_KEY-unset}" "${FAL_HOST-}" "${FAL_PROFILE-}"\necho\n'
    )
    program.chmod(0o755)
    home.variables["PATH"] = f"{home.variables['PATH']}:{folder}"
    return program


@pytest.fixture
def who(home: Home, official: Path) -> Callable[..., dict[str, str | None]]:
    """Return a function that runs code in a shell and returns what the clients said at its end."""
    (home.path / "who.py").write_text(WHO)
    home.variables["OFFICIAL"] = str(official / "python")
    home.variables["WHO"] = str(home.path / "who.py")

    def ask(kind: Kind | str, code: str, **variables: str | None) -> dict[str, str | None]:
        done = home.script(kind, code, **variables)
        assert done.returncode == 0, done.stderr
        found: dict[str, str | None] = json.loads(done.stdout.splitlines()[-1])
        return found

    return ask


ASK = '"$OFFICIAL" "$WHO"'


def ask_of(kind: Kind) -> str:
    """Return the command by which a shell asks the clients."""
    return "$OFFICIAL $WHO" if kind.name == "fish" else ASK


# --- Rule 1: one line, one account ---------------------------------------------------------------


@pytest.mark.usefixtures("fake")
def test_case_50_a_waiting_line_stays_on_the_profile_it_shows(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("me", "comfy", default="me")
    shell = start(hooked)
    assert shell.get("FAL_KEY") == KEYS["me"]
    home.fal("set", "comfy")
    line = "fal app list; fal profile list > listed; printenv FAL_KEY; fal app list"
    said = shell.talk(line).splitlines()
    assert said == [f"<{KEYS['me']}><><me>", KEYS["me"], f"<{KEYS['me']}><><me>"]
    assert shell.get("FAL_KEY") == KEYS["comfy"]


@pytest.mark.usefixtures("fake")
def test_a_shell_without_a_hook_stays_and_says_how_to_follow(home: Home, start: Start) -> None:
    home.profiles("me", "comfy", default="me")
    shell = start("dash")
    home.fal("set", "comfy")
    warning, account = shell.talk("fal app list").splitlines()
    notice(warning, "stays on profile 'me'", "'comfy' is active", "fal profile use --default")
    assert account == f"<{KEYS['me']}><><me>"
    assert shell.talk("fal profile use --default") == ""
    assert shell.talk("fal app list") == f"<{KEYS['comfy']}><><comfy>"


@pytest.mark.usefixtures("fake")
def test_case_52_a_script_keeps_its_account(home: Home, any_kind: Kind) -> None:
    home.profiles("me", "comfy", default="me")
    switch = f"env PYTHONDONTWRITEBYTECODE=1 {any_kind.quote(str(SCRIPTS / 'falenv'))}"
    lines = [
        any_kind.eval_line(),
        "fal app list",
        f"{switch} profile set comfy 2> said",
        "fal profile list > listed",
        "fal profile current --name",
        "fal app list",
    ]
    done = home.script(any_kind, "\n".join(lines))
    account = f"<{KEYS['me']}><><me>"
    assert done.stdout.splitlines() == [account, "Default profile set to comfy.", "me", account]
    assert done.stderr == ""


@pytest.mark.usefixtures("fake")
def test_case_95_a_cd_on_a_line_changes_nothing(home: Home, start: Start, hooked: Kind) -> None:
    home.profiles("me", "comfy", default="me")
    client = home.path / "client"
    client.mkdir()
    shell = start(hooked)
    assert shell.talk("cd client") == ""
    shell.talk("fal profile link comfy")
    assert shell.talk("cd ..") == ""
    assert shell.get("FAL_KEY") == KEYS["me"]
    said = shell.talk("fal app list; cd client; fal app list; printenv FAL_KEY")
    assert said.splitlines() == [f"<{KEYS['me']}><><me>"] * 2 + [KEYS["me"]]
    assert shell.get("FAL_KEY") == KEYS["comfy"]


def test_a_new_key_of_the_shells_own_profile_counts_at_once(home: Home, any_kind: Kind) -> None:
    home.profiles("a", default="a")
    show = any_kind.show("FAL_KEY")
    (home.path / "key").write_text(HAND)
    done = home.script(
        any_kind, f"{any_kind.eval_line()}; fal profile key --stdin < key > said; {show}"
    )
    assert (done.stdout, done.stderr) == (f"<{HAND}>", "")


# --- Rule 2: the environment decides for programs ------------------------------------------------


@pytest.mark.usefixtures("fake")
def test_case_53_a_key_in_front_or_by_hand_is_the_one_that_counts(
    home: Home, any_kind: Kind
) -> None:
    (home.path / "missing").mkdir()
    for text in (
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "{HOST}"\n',
        '[__internal__]\nprofile = "gone"\n',
        '[__internal__]\nprofile = "a"\n[a]\n',
        "",
    ):
        home.write(text)
        lines = [
            f"{any_kind.eval_line()} 2> said",
            f"env FAL_KEY={HAND} fal app list",
            any_kind.export("FAL_KEY", HAND),
            "fal app list",
            "fal profile off",
            "fal app list",
        ]
        done = home.script(any_kind, "\n".join(lines))
        accounts = [line.split(">")[0] for line in done.stdout.splitlines()]
        assert accounts == [f"<{HAND}"] * 3, text
        # The key never goes to the profile's host.
        assert HOST not in done.stdout


def test_a_switch_that_works_returns_0(home: Home, any_kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    switches = (
        *("use b", "use -", "use --none", "use --none", "use b", "use --for 5m a", "use --default"),
        *("set b", "unset", "set a", "link b", "unlink", "off"),
    )
    lines = [f"fal profile {switch} >/dev/null\necho {any_kind.status}" for switch in switches]
    done = home.script(any_kind, "\n".join([any_kind.eval_line(), *lines]))
    found = list(zip(switches, done.stdout.split(), strict=True))
    assert [row for row in found if row[1] != "0"] == []


def test_a_key_by_hand_stays_in_the_shells_below(home: Home, any_kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    by_hand = any_kind.export("FAL_KEY", HAND)
    found = {"FAL_KEY": HAND, "FALENV_PROFILE": "a", "FALENV_KEY_ID": key_id(KEYS["a"])}
    # Each of these shells is a child of the one before.
    for lines in ("", "", f"fal profile use b\n{by_hand}\n", ""):
        done = home.script(any_kind, f"{any_kind.eval_line()}\n{lines}env", **found)
        assert done.stderr == ""
        entries = (line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
        found = {name: value for name, value in entries if name.startswith("FAL")}
        assert found["FAL_KEY"] == HAND, lines
    assert (found["FALENV_PROFILE"], found["FALENV_MARK"]) == ("b", "!")


@pytest.mark.usefixtures("fake")
def test_hand_over_needs_no_store_where_there_is_a_key(home: Home) -> None:
    home.write("this is not TOML")
    done = home.run(str(SCRIPTS / "fal"), "app", "list", FAL_KEY=HAND)
    assert (done.stdout, done.stderr) == (f"<{HAND}><><>\n", "")
    done = home.run(str(SCRIPTS / "fal"), "app", "list")
    assert (done.stdout, done.returncode) == ("", 1)


@pytest.mark.usefixtures("fake")
def test_case_54_a_profile_asked_for_on_the_line(home: Home, any_kind: Kind) -> None:
    home.profiles("me", "comfy", default="me")
    lines = [
        any_kind.eval_line(),
        "env FAL_PROFILE=comfy fal app list",
        "env FAL_PROFILE=typo fal app list; echo code " + any_kind.status,
        "env FAL_PROFILE=me fal app list",
    ]
    done = home.script(any_kind, "\n".join(lines))
    assert done.stdout.splitlines() == [
        f"<{KEYS['comfy']}><><comfy>", "code 1", f"<{KEYS['me']}><><me>",
    ]  # fmt: skip
    notice(done.stderr.rstrip("\n"), "FAL_PROFILE names 'typo'")


@pytest.mark.usefixtures("fake")
def test_hand_over_without_a_key_uses_the_profile_in_the_prompt(home: Home, any_kind: Kind) -> None:
    home.profiles("me", "comfy", default="me")
    lines = [
        any_kind.eval_line(),
        any_kind.unset("FAL_KEY"),
        f"{any_kind.quote(str(SCRIPTS / 'falenv'))} profile set comfy > said",
        "fal app list",
    ]
    done = home.script(any_kind, "\n".join(lines))
    assert (done.stdout, done.stderr) == (f"<{KEYS['me']}><><me>\n", "")
    home.profiles("comfy", default="comfy")
    done = home.run(str(SCRIPTS / "fal"), "app", "list", FALENV_PROFILE="me")
    assert (done.stdout, done.returncode) == ("", 1)
    notice(done.stderr.rstrip("\n"), "this shell uses profile 'me'", "no such profile")


# --- Rule 3: never write to a profile that the user did not see ----------------------------------


def test_case_51_a_command_without_a_name_refuses_another_profile(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("me", "comfy", default="me")
    (home.path / "key").write_text(HAND)
    shell = start(hooked)
    for words, line in (
        ("key --stdin < key", "fal profile key comfy --stdin"),
        (f"host {HOST}", f"fal profile host {HOST} --profile comfy"),
        ("host --unset", "fal profile host --unset --profile comfy"),
        ("unset", "fal profile unset comfy"),
    ):
        home.fal("set", "me")
        assert shell.prompts() == ""
        home.fal("set", "comfy")
        before = home.store.read_bytes()
        notice(shell.talk(f"fal profile {words}"), "uses 'me'", "'comfy' is active", line)
        assert home.store.read_bytes() == before
        home.fal("set", "me")
        assert shell.prompts() == ""
        home.fal("set", "comfy")
        # The line of the message does it.
        named = f"{line} < key" if "--stdin" in line else line
        assert "nothing was changed" not in shell.talk(named)
        assert home.store.read_bytes() != before or "--unset" in words


def test_case_51_where_the_prompt_shows_no_profile(
    home: Home, start: Start, any_kind: Kind
) -> None:
    home.profiles("me", "comfy")
    (home.path / "key").write_text(HAND)
    for words, line in (
        ("key --stdin < key", "fal profile key comfy --stdin"),
        ("unset", "fal profile unset comfy"),
    ):
        home.fal("unset")
        shell = start(any_kind)
        home.fal("set", "comfy")
        before = home.store.read_bytes()
        notice(shell.talk(f"fal profile {words}"), "uses no profile", "'comfy' is active", line)
        assert home.store.read_bytes() == before


def test_case_51_unset_where_a_pin_hides_the_default(
    home: Home, start: Start, any_kind: Kind
) -> None:
    home.profiles("me", "comfy", default="me")
    shell = start(any_kind)
    shell.talk("fal profile use comfy")
    before = home.store.read_bytes()
    said = shell.talk("fal profile unset")
    notice(said, "uses 'comfy'", "'me' is the default", "fal profile unset me")
    assert home.store.read_bytes() == before
    assert shell.talk("fal profile unset me").split("\n")[0] == "Default profile unset."


def test_an_edit_hides_no_switch(home: Home, start: Start, hooked: Kind) -> None:
    home.profiles("me", "comfy", default="me")
    (home.path / "key").write_text(HAND)
    shell = start(hooked)
    home.fal("set", "comfy")
    said = shell.talk("fal profile key me --stdin < key; printenv FAL_KEY")
    assert said.splitlines() == ["Key set for profile me.", HAND]
    assert (shell.segment, shell.get("FAL_KEY")) == ("(fal:comfy) ", KEYS["comfy"])


def test_case_51_in_a_script_below_the_shell(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("me", "comfy", default="me")
    shell = start(kind)
    home.fal("set", "comfy")
    (home.path / "job").write_text("fal profile unset\n")
    before = home.store.read_bytes()
    notice(shell.talk("sh job"), "uses 'me'", "fal profile unset comfy")
    assert home.store.read_bytes() == before


def test_case_51_with_another_store(home: Home, start: Start, hooked: Kind) -> None:
    home.profiles("me", default="me")
    other = home.path / "other.toml"
    other.write_text(home.store.read_text().replace("fakeme", "other0"))
    other.chmod(0o600)
    (home.path / "key").write_text(HAND)
    shell = start(hooked)
    before = other.read_bytes()
    line = f"env FAL_CONFIG_PATH=other.toml {hooked.quote(str(SCRIPTS / 'fal'))} profile"
    other.write_bytes(before.replace(b"00000000-", b"99999999-"))
    before = other.read_bytes()
    notice(shell.talk(f"{line} key --stdin < key"), "other.toml", "nothing was changed")
    assert other.read_bytes() == before
    # A FAL_PROFILE in front counts as a name.
    home.profiles("me", "comfy", default="me")
    assert shell.prompts() == ""
    said = shell.talk(
        f"env FAL_PROFILE=comfy {hooked.quote(str(SCRIPTS / 'fal'))} profile host {HOST}"
    )
    assert said.splitlines()[0] == f"Fal host set to {HOST}."
    assert home.store.read_text().count(HOST) == 1


# --- Rule 4: the prompt tells the truth ----------------------------------------------------------


def test_case_55_what_changed_meanwhile_is_followed_later(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("me", "comfy", "a", default="me")
    linked = home.path / "linked"
    linked.mkdir()
    (linked / ".fal-profile").write_text("comfy\n")
    assert home.run("sh", "-c", "cd linked && fal profile allow").returncode == 0
    shell = start(hooked)
    for name, value, back in (
        ("FAL_KEY_ID", "1", ""),
        ("FAL_KEY", HAND, hooked.export("FAL_KEY", KEYS["me"])),
    ):
        shell.export(name, value)
        assert shell.talk("cd linked") == ""
        assert shell.segment == "(fal:me!) "
        assert shell.talk(back or hooked.unset(name)) == ""
        assert (shell.get("FAL_KEY"), shell.segment) == (KEYS["comfy"], "(fal:comfy/) ")
        assert shell.talk("cd ..") == ""
        assert shell.segment == "(fal:me) "


def test_case_55_what_is_set_by_hand_is_marked(home: Home, start: Start, hooked: Kind) -> None:
    home.profiles("me", "comfy", default="me")
    shell = start(hooked)
    assert shell.segment == "(fal:me) "
    for name, value in (
        ("FAL_KEY", HAND),
        ("FAL_KEY", "nocolon"),
        *((name, "1") for name in RIVALS),
    ):
        if name == "FAL_KEY_SECRET" and hooked.name == "fish":
            continue  # without FAL_KEY_ID it does nothing
        shell.export(name, value)
        assert shell.segment == "(fal:me!) ", name
        assert shell.exported()["FALENV_MARK"] == "!"
        said = shell.talk("fal profile current")
        assert said.splitlines()[0].startswith("me (")
        assert ("FAL_KEY in this shell" if name == "FAL_KEY" else name) in said
        assert value not in said or name != "FAL_KEY"
        # A switch elsewhere leaves it alone, a switch typed here takes over.
        home.fal("set", "comfy")
        assert shell.prompts() == ""
        assert shell.segment == "(fal:me!) "
        home.fal("set", "me")
        said = shell.talk("fal profile use --default")
        if name == "FAL_KEY":
            assert said == ""
        elif said:
            notice(said, "set aside", name)
        assert shell.segment == "(fal:me) "
        assert "FALENV_MARK" not in shell.exported()
        assert shell.get("FAL_KEY") == KEYS["me"]
        assert name == "FAL_KEY" or shell.get(name) == UNSET


def test_a_key_id_is_no_pattern(home: Home, start: Start, hooked: Kind) -> None:
    for key, other in (("a*:s", "abc:s"), ("[x]:s", "x:s"), ("a.:s", "ab:s"), ("a?:s", "ab:s")):
        home.write(f'[__internal__]\nprofile = "me"\n[me]\nkey = "{key}"\n')
        shell = start(hooked)
        assert (shell.segment, shell.get("FAL_KEY")) == ("(fal:me) ", key)
        shell.export("FAL_KEY", other)
        assert shell.segment == "(fal:me!) "


def test_the_mark_shows_in_any_format(home: Home, start: Start, hooked: Kind) -> None:
    home.profiles("me", default="me")
    for form, shown in (("<{name}> ", "<me!> "), ("x ", "!x "), ("{mark}{name} ", "!me ")):
        shell = start(hooked, FALENV_PROMPT=form)
        shell.segments = ".*"
        assert "!" not in shell.segment
        shell.export("FAL_KEY", HAND)
        assert shell.segment == shown
        if hooked.name != "fish":  # a host too
            shell.talk("fal profile use --default")
            shell.export("FAL_HOST", HOST)
            assert shell.segment == shown


def test_current_names_the_account_of_a_waiting_prompt(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("me", "comfy", default="me")
    shell = start(hooked)
    home.fal("set", "comfy")
    said = shell.talk("fal profile current").splitlines()
    assert said[0].startswith("me (")
    assert said[1] == f"key   {key_id(KEYS['me'])}:********"
    notice(said[2], "'comfy' is active", "next prompt")
    assert len(said) == 3
    home.fal("set", "me")
    assert shell.prompts() == ""
    home.fal("set", "comfy")
    assert shell.talk("fal profile current --name") == "me"
    home.fal("set", "me")
    assert shell.prompts() == ""
    home.fal("set", "comfy")
    found = json.loads(shell.stdout("fal profile current --json"))
    assert (found["profile"], found["next"], found["shell"]["is_active"]) == ("me", "comfy", True)


# --- Rule 5: no rival survives -------------------------------------------------------------------


def test_case_56_rivals_are_set_aside_and_given_back(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("a", "b", default="a")
    theirs = dict.fromkeys(RIVALS, "1") | {"FAL_GRPC_HOST": "api.evil.example"}
    shell = start(hooked, **theirs)
    notice(shell.greeting, "set aside", *RIVALS)
    exported = shell.exported()
    assert not set(RIVALS) & set(exported)
    assert shell.talk("fal profile use b") == ""
    assert shell.prompts(3) == ""
    assert shell.output.count("set aside") == 1
    assert shell.talk("fal profile off") == ""
    exported = shell.exported()
    assert {name: exported.get(name) for name in RIVALS} == theirs


def test_case_56_asked_of_the_real_clients(
    home: Home, any_kind: Kind, who: Callable[..., dict[str, str | None]]
) -> None:
    home.profiles("a", "b", default="a")
    (home.path / ".fal" / "auth0_token").write_text("refresh\naccess\n")
    theirs = {
        "FAL_KEY_ID": "evil", "FAL_KEY_SECRET": "evil", "FAL_FORCE_AUTH_BY_USER": "1",
        "FAL_GRPC_HOST": "api.evil.example", "FAL_REST_HOST": "rest.evil.example",
    }  # fmt: skip
    expected = {"client": key_id(KEYS["b"]), "official": key_id(KEYS["b"])}
    expected |= {"host": "api.alpha.fal.ai", "run": "fal.run"}
    ask = ask_of(any_kind)
    for code in (
        f"{any_kind.eval_line('b')}; {ask}",
        f"{any_kind.eval_line()}; fal profile use b; {ask}",
        f"fal profile exec b -- {ask}",
        f"{any_kind.eval_line('--exports-only b')}; {ask}",
    ):
        assert who(any_kind, code, **theirs) == expected, code


def test_case_93_a_key_never_meets_the_defaults_host_or_key(
    home: Home, any_kind: Kind, who: Callable[..., dict[str, str | None]]
) -> None:
    folder = home.path / "client"
    folder.mkdir()
    ask = ask_of(any_kind)
    default = f'[__internal__]\nprofile = "b"\n[b]\nkey = "{KEYS["b"]}"\nhost = "{HOST}"\n'
    for own in (f'[a]\nkey = "{KEYS["a"]}"\n', "[a]\n"):
        home.write(default + own)
        home.run(str(SCRIPTS / "fal"), "profile", "deny", stdin="")
        assert home.script("bash", "cd client && fal profile link a").returncode == 0
        expected = key_id(KEYS["a"]) if "key" in own else None
        for words in ("", "--exports-only"):
            found = who(any_kind, f"cd client; {any_kind.eval_line(words)}; {ask}")
            assert (found["official"], found["client"]) == (expected, expected), own
            assert (found["host"], found["run"]) == ("api.alpha.fal.ai", "fal.run"), own
        if expected:
            found = who(any_kind, f"fal profile exec a -- {ask}")
            assert (found["official"], found["host"]) == (expected, "api.alpha.fal.ai")
    # By hand-over the official CLI itself starts with the profile's name.
    fake = home.path / "fake"
    fake.mkdir()
    (fake / "fal").write_text(f"#!/bin/sh\nexec {ASK}\n")
    (fake / "fal").chmod(0o755)
    home.variables["PATH"] += f":{fake}"
    for own in (f'[a]\nkey = "{KEYS["a"]}"\n', "[a]\n"):
        home.write(default + own)
        expected = key_id(KEYS["a"]) if "key" in own else None
        for code in (
            f"cd client; {any_kind.eval_line()}; fal app list",
            "cd client; fal app list",
            "env FAL_PROFILE=a fal app list",
        ):
            found = who(any_kind, code)
            assert (found["official"], found["host"]) == (expected, "api.alpha.fal.ai"), code


def test_a_linked_profile_without_a_key_is_no_pin(home: Home, start: Start, hooked: Kind) -> None:
    home.profiles("b", default="b")
    home.store.write_text(home.store.read_text() + "\n[a]\n")
    (home.path / "client").mkdir()
    shell = start(hooked)
    shell.talk("cd client")
    shell.talk("fal profile link a")
    assert shell.segment == "(fal:a/) "
    assert shell.get("FAL_KEY") == UNSET
    shell.talk("cd ..")
    assert shell.segment == "(fal:b) "
    assert (shell.get("FAL_KEY"), shell.get("FAL_PROFILE")) == (KEYS["b"], UNSET)
    shell.talk("cd client")
    shell.talk("fal profile use b")
    assert shell.segment == "(fal:b*) "
    shell.talk("fal profile use -")
    assert shell.segment == "(fal:a/) "
    # A shell below, in another folder, is not pinned either.
    show = f"{hooked.show('FAL_KEY', 'FAL_PROFILE')}; echo"
    line = hooked.quote(f"cd ..; {hooked.eval_line()}; {show}")
    flags = " ".join(hooked.flags)
    assert shell.talk(f"{hooked.name} {flags} -c {line}") == f"<{KEYS['b']}><>"
    shell.talk("fal profile off")
    assert shell.get("FAL_PROFILE") == UNSET


def test_a_universal_rival_of_fish_is_covered(home: Home, start: Start) -> None:
    home.profiles("a", "b", default="a")
    shell = start("fish", f"set -Ux FAL_KEY_ID theirs\n{KINDS['fish'].eval_line()}")
    notice(shell.greeting, "set aside", "FAL_KEY_ID")
    assert shell.segment == "(fal:a) "
    assert shell.exported()["FAL_KEY_ID"] == ""
    assert shell.talk("fal profile use b") == ""
    assert shell.segment == "(fal:b*) "
    assert shell.talk("fal profile off") == ""
    assert shell.exported()["FAL_KEY_ID"] == "theirs"


# --- Rule 6: with no active profile, the shell belongs to the user -------------------------------


def test_case_57_first_contact_keeps_the_key(home: Home, any_kind: Kind) -> None:
    show = any_kind.show("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET", "FALENV_PROFILE")
    for own in (
        {"FAL_KEY": OWN},
        dict(zip(("FAL_KEY_ID", "FAL_KEY_SECRET"), OWN.split(":"), strict=True)),
    ):
        if home.store.exists():
            home.store.unlink()
        done = home.script(any_kind, f"{any_kind.eval_line()}; {show}", **own)
        names = ("FAL_KEY", "FAL_KEY_ID", "FAL_KEY_SECRET")
        expected = "".join(f"<{own.get(name, '')}>" for name in names) + "<>"
        assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)
        lines = [
            any_kind.eval_line(),
            "fal profile set me > said",
            any_kind.show("FAL_KEY", "FALENV_PROFILE"),
            "fal profile key --from-env >> said",
            any_kind.show("FAL_KEY", "FALENV_PROFILE"),
        ]
        done = home.script(any_kind, "\n".join(lines), **own)
        assert done.stdout == f"<><me><{OWN}><me>", done.stderr
        assert f'key = "{OWN}"' in home.store.read_text()


def test_a_dangling_default_at_first_contact_keeps_the_key(home: Home, any_kind: Kind) -> None:
    home.write('[__internal__]\nprofile = "gone"\n[a]\nkey = "x:y"\n')
    show = any_kind.show("FAL_KEY", "FALENV_PROFILE")
    for words in ("", "--exports-only"):
        done = home.script(any_kind, f"{any_kind.eval_line(words)}; {show}", FAL_KEY=OWN)
        assert done.stdout == f"<{OWN}><>", words
        notice(done.stderr.rstrip("\n"), "the default is 'gone'")
    # A wrong name given otherwise fails closed.
    done = home.script(any_kind, f"{any_kind.eval_line()}; {show}", FAL_KEY=OWN, FAL_PROFILE="no")
    assert done.stdout == "<><>"


def test_case_10_an_unset_default_gives_the_users_key_back(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("a", default="a")
    shell = start(hooked, FAL_KEY=OWN)
    assert shell.get("FAL_KEY") == KEYS["a"]
    home.fal("unset")
    said = notice(shell.prompts(), "'a' is no longer active", "its own FAL_KEY", key_id(OWN))
    assert "fromthestart" not in said
    assert shell.exported()["FAL_KEY"] == OWN
    # What the user sets now is the user's, and is given back too.
    shell.export("FAL_KEY", HAND)
    home.fal("set", "a")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    first, said = shell.talk("fal profile unset").split("\n")
    assert first == "Default profile unset."
    notice(said, "its own FAL_KEY", key_id(HAND))
    assert shell.exported()["FAL_KEY"] == HAND
    assert not set(OURS[:3]) & set(shell.exported())
    # A default that disappears fails closed.
    home.fal("set", "a")
    assert shell.prompts() == ""
    home.write(home.store.read_text().replace("[a]", "[z]"))
    notice(shell.prompts(), "the default is 'a'")
    assert shell.get("FAL_KEY") == UNSET
    home.write(home.store.read_text().replace("[z]", "[a]"))
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert shell.talk("fal profile off") == ""
    assert shell.exported()["FAL_KEY"] == HAND


def test_the_first_eval_that_a_person_types_says_what_to_do(
    home: Home, start: Start, kind: Kind
) -> None:
    shell = start(kind, "", FAL_KEY=OWN)
    said = notice(shell.talk(kind.eval_line()), key_id(OWN), "fal profile key --from-env")
    assert "fromthestart" not in said
    assert start(kind, FAL_KEY=OWN).greeting == ""  # in a start-up file
    home.profiles("a", default="a")
    assert start(kind, "", FAL_KEY=OWN).talk(kind.eval_line()) == ""


# --- Rule 7: what falenv exported does not belong to the user ------------------------------------


def test_case_58_a_shell_below_owns_nothing_of_its_parent(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.write(
        f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\n'
        f'[b]\nkey = "{KEYS["b"]}"\nhost = "{HOST}"\n'
    )
    shell = start(hooked)
    assert shell.talk("fal profile use b") == ""
    flags = " ".join(hooked.flags)
    names = ("FAL_KEY", "FAL_PROFILE", *OURS, *HOSTS)
    show = f"{hooked.show(*names)}; echo"
    program = f"{hooked.eval_line()}; fal profile use --default; {hooked.show('FAL_KEY')}; "
    line = hooked.quote(f"{program}fal profile off; {show}")
    assert shell.talk(f"{hooked.name} {flags} -c {line}") == f"<{KEYS['a']}>" + "<>" * len(names)
    line = hooked.quote(f"{hooked.eval_line()}; fal profile off; {show}")
    assert shell.talk(f"{hooked.name} {flags} -c {line}") == "<>" * len(names)


def test_case_96_a_key_in_front_of_a_shell_stays(home: Home, start: Start, hooked: Kind) -> None:
    home.write(f'[__internal__]\nprofile = "a"\n[a]\nkey = "{KEYS["a"]}"\nhost = "{HOST}"\n')
    outer = start(hooked)
    inner = start(hooked, **outer.exported() | {"FAL_KEY": HAND})
    assert inner.segment == "(fal:a!) "
    assert inner.get("FAL_KEY") == HAND
    assert [inner.get(name) for name in HOSTS] == [UNSET] * 3
    assert inner.talk("fal profile off") == ""
    exported = inner.exported()
    assert exported["FAL_KEY"] == HAND
    assert not {*OURS, *HOSTS, "FAL_PROFILE"} & set(exported)
    again = start(hooked, **outer.exported() | {"FAL_KEY": HAND})
    assert again.talk("fal profile use a") == ""
    assert again.get("FAL_KEY") == KEYS["a"]


def test_a_key_that_a_start_up_file_sets_is_set_aside_in_every_shell(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("a", default="a")
    rc = f"{hooked.export('FAL_KEY', OWN)}\n{hooked.eval_line()}"
    outer = start(hooked, rc)
    assert outer.get("FAL_KEY") == KEYS["a"]
    inner = start(hooked, rc, **outer.exported())
    assert (inner.segment, inner.get("FAL_KEY")) == ("(fal:a) ", KEYS["a"])
    assert inner.talk("fal profile off") == ""
    assert inner.get("FAL_KEY") == OWN


# --- No credentials ------------------------------------------------------------------------------


def test_case_94_no_credentials_at_all(
    home: Home, any_kind: Kind, who: Callable[..., dict[str, str | None]]
) -> None:
    home.write(f'[__internal__]\nprofile = "b"\n[b]\nkey = "{KEYS["b"]}"\nhost = "{HOST}"\n')
    (home.path / ".fal" / "auth0_token").write_text("refresh\naccess\n")
    ask = ask_of(any_kind)
    nobody = {"official": None, "client": None, "host": "api.alpha.fal.ai", "run": "fal.run"}
    theirs = {"FAL_KEY": OWN, "FAL_KEY_ID": "i", "FAL_KEY_SECRET": "s"}
    assert who(any_kind, ask, FAL_FORCE_AUTH_BY_USER="1")["official"] == "login"
    for code in (
        f"{any_kind.eval_line()}; fal profile use --none; {ask}",
        f"fal profile exec --none -- {ask}",
        f"{any_kind.eval_line()}; fal profile exec --none -- {ask}",
    ):
        assert who(any_kind, code, **theirs) == nobody, code
    # A shell below, whose start-up file sets a key above falenv's line.
    inner = any_kind.quote(f"{any_kind.export('FAL_KEY', OWN)}; {any_kind.eval_line()}; {ask}")
    flags = " ".join(any_kind.flags)
    code = f"fal profile exec --none -- {any_kind.name} {flags} -c {inner}"
    assert who(any_kind, code, **theirs) == nobody
    # env gives no key there; exec does, and ends it for its command.
    code = f"{any_kind.eval_line()}; fal profile use --none; "
    found = who(any_kind, f"{code}fal profile exec b -- {ask}", **theirs)
    assert (found["official"], found["host"]) == (key_id(KEYS["b"]), HOST)
    assert who(any_kind, f"{code}{any_kind.eval_line('b')} 2> said; {ask}") == nobody


@pytest.mark.usefixtures("fake")
def test_case_94_set_does_not_end_it_and_use_does(home: Home, start: Start, hooked: Kind) -> None:
    home.profiles("a", "b", default="a")
    shell = start(hooked, FAL_HOME_DIR="/elsewhere")
    assert shell.talk("fal profile use --none") == ""
    assert shell.segment == ""
    home.fal("set", "b")
    assert shell.prompts(2) == ""
    shell.talk("fal profile set a")
    assert shell.get("FAL_KEY") == UNSET
    assert shell.talk("fal app list") == "<unset><><__internal__>"
    assert shell.talk("fal profile current") == (
        "This shell has no fal credentials (fal profile use --none)."
    )
    notice(shell.talk("fal profile use nope"), "'nope' does not exist")
    assert shell.get("FALENV_NONE") == "1"
    assert shell.talk("fal profile use b") == ""
    assert (shell.get("FAL_KEY"), shell.get("FALENV_NONE")) == (KEYS["b"], UNSET)
    assert shell.get("FAL_HOME_DIR") == "/elsewhere"
    assert shell.talk("fal profile use -") == ""
    assert shell.get("FALENV_NONE") == "1"
    assert shell.talk("fal profile use -") == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile use --none") == ""
    assert shell.talk("fal profile off") == ""
    exported = shell.exported()
    assert exported["FAL_HOME_DIR"] == "/elsewhere"
    assert not {"FAL_KEY", "FAL_PROFILE", *OURS} & set(exported)


def test_current_names_what_is_set_by_hand_without_credentials(
    home: Home, start: Start, hooked: Kind
) -> None:
    home.profiles("a", default="a")
    shell = start(hooked)
    assert shell.talk("fal profile use --none") == ""
    for name, value, words in (
        ("FAL_KEY", HAND, f"FAL_KEY ({key_id(HAND)}:********)"),
        ("FAL_KEY_ID", "1", "FAL_KEY_ID"),
    ):
        shell.export(name, value)
        said = shell.talk("fal profile current").splitlines()
        assert said[0] == "This shell had no fal credentials (fal profile use --none)."
        notice(said[1], words, "fal profile use --none")
        assert len(said) == 2
        shell.talk("fal profile use --none")
        assert shell.get(name) == UNSET


def test_a_folder_that_gives_no_login(home: Home) -> None:
    done = home.fal(
        "exec", "--none", "--", "sh", "-c", 'ls -ldA "$FAL_HOME_DIR"; ls -A "$FAL_HOME_DIR"'
    )
    assert done.stdout.startswith("dr-x------")
    assert len(done.stdout.splitlines()) == 1
