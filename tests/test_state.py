"""Whose word counts: the state folder, its notes and its index, where others had their hands in.

The long form has each shell read hundreds of lying indexes, from a seed of their own, which is
printed with the figures; `FALENV_SEED` repeats one.
"""

from __future__ import annotations

import os
import random
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest
import tomli
from conftest import KEYS, LONG, SHELLS, Home, give_away, seed
from driver import KINDS, Kind, needs, notice, one_line

from falenv import paths

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driver import Shell

    Start = Callable[..., Shell]

SEED = seed(4063500347)


def spread(name: str, whats: list[str]) -> pytest.MarkDecorator:
    """Try each of these in each shell; in short, in one each, in turn."""
    pairs = [(shell, what) for shell in SHELLS for what in whats]
    if not LONG:
        pairs = [(SHELLS[at % len(SHELLS)], what) for at, what in enumerate(whats)]
    return pytest.mark.parametrize(("kind", name), [(KINDS[shell], what) for shell, what in pairs])


def state(home: Home) -> Path:
    return home.path / ".local" / "state" / "falenv"


def indexes(home: Home) -> Path:
    return state(home) / f"{paths.PROTOCOL}{str(home.store).replace('%', '%%').replace('/', '%-')}"


def note(home: Home, folder: Path) -> Path:
    name = str(folder / ".fal-profile").replace("%", "%%").replace("/", "%-")
    return state(home) / "folders" / name


@pytest.fixture
def folder(home: Home) -> Path:
    """Return a folder whose `.fal-profile` names c, in a home whose default is b."""
    home.profiles("a", "b", "c", default="b")
    path = home.path / "project"
    path.mkdir()
    (path / ".fal-profile").write_text("c\n")
    return path


# --- The notes that say which folder is followed -------------------------------------------------


def plant(home: Home, folder: Path, how: str) -> None:
    """Make a note that allows the folder, as another user would, who got into the state folder."""
    path = note(home, folder)
    path.parent.mkdir(parents=True, mode=0o700)
    path.write_text(f"allowed\nc\n{folder / '.fal-profile'}\n")
    path.chmod(0o666)
    if how == "link":  # to a file that came with the folder, say
        path.rename(folder / "innocent")
        path.symlink_to(folder / "innocent")
        give_away(path)
    elif how == "fifo":
        path.unlink()
        os.mkfifo(path)
    else:
        paths = {"note": [path], "notes": [path.parent], "state": [path.parent, state(home)]}
        for given in paths[how]:
            give_away(given)


@pytest.mark.fire
@spread("how", ["note", "notes", "state", "link", "fifo"])
def test_a_note_that_was_planted_allows_nothing(
    home: Home, folder: Path, start: Start, kind: Kind, how: str
) -> None:
    plant(home, folder, how)
    shell = start(kind)
    notice(shell.talk("cd project"))
    assert shell.prompts(2) == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    named = home.run("sh", "-c", "cd project && exec fal profile current --name")
    assert named.stdout == "b\n"
    # Where a word cannot be kept safely, it is not taken.
    allowed = shell.talk("fal profile allow")
    if how in {"notes", "state"}:
        notice(allowed, "belongs to another user")
        assert shell.get("FAL_KEY") == KEYS["b"]
    else:
        one_line(allowed)
        assert "falenv: " not in allowed
        assert shell.get("FAL_KEY") == KEYS["c"]
    # Following is another matter, for which there is another place.
    shell.talk("cd")
    home.fal("set", "a")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


def test_a_note_is_no_longer_read_once_the_folder_is_anothers(
    home: Home, folder: Path, start: Start, kind: Kind
) -> None:
    shell = start(kind)
    shell.talk("cd project")
    shell.talk("fal profile allow")
    assert shell.get("FAL_KEY") == KEYS["c"]
    shell.talk("cd")
    assert shell.get("FAL_KEY") == KEYS["b"]
    give_away(note(home, folder).parent)
    shell.talk("cd project")
    assert shell.get("FAL_KEY") == KEYS["b"]


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o755])
def test_a_state_folder_that_others_could_write_is_closed(
    home: Home, folder: Path, mode: int
) -> None:
    assert home.fal("env", "--shell", "bash").returncode == 0
    plant(home, folder, "fifo")
    note(home, folder).unlink()
    for path in (state(home), indexes(home), note(home, folder).parent):
        path.chmod(mode)
    assert home.fal("env", "--shell", "bash").returncode == 0
    writable = 0o022 & mode
    assert state(home).stat().st_mode & 0o777 == (0o700 if writable else mode)
    assert indexes(home).stat().st_mode & 0o777 == (0o700 if writable else mode)
    (folder / ".fal-profile").write_text("a\n")
    assert home.run("sh", "-c", "cd project && exec fal profile allow").returncode == 0
    assert note(home, folder).parent.stat().st_mode & 0o777 == (0o700 if writable else mode)


def test_the_state_folder_is_private_whatever_the_umask(home: Home, folder: Path) -> None:
    script = "umask 0; fal profile env --shell bash >/dev/null; cd project; fal profile allow"
    assert home.run("sh", "-c", script).returncode == 0
    for path in (state(home), indexes(home), note(home, folder).parent):
        assert path.stat().st_mode & 0o777 == 0o700, path
    for path in [*indexes(home).iterdir(), note(home, folder)]:
        assert path.stat().st_mode & 0o777 == 0o600, path


def test_a_state_folder_is_not_looked_for_in_the_current_folder(home: Home, folder: Path) -> None:
    inside = folder / "s" / "falenv" / "folders"
    inside.mkdir(parents=True)
    link = folder / ".fal-profile"
    (inside / note(home, folder).name).write_text(f"allowed\nc\n{link}\n")
    here = "cd project && exec fal profile current --name"
    assert home.run("sh", "-c", here, XDG_STATE_HOME="s").stdout == "b\n"
    # The note itself would do.
    where = str(folder / "s")
    assert home.run("sh", "-c", here, XDG_STATE_HOME=where).stdout == "c\n"


def test_a_state_folder_that_is_the_users_own_link_is_used(
    home: Home, folder: Path, start: Start, kind: Kind
) -> None:
    elsewhere = home.path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    state(home).parent.mkdir(parents=True)
    state(home).symlink_to(elsewhere)
    shell = start(kind)
    shell.talk("cd project")
    shell.talk("fal profile allow")
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert {path.name for path in elsewhere.iterdir()} == {
        "folders",
        "noticed",
        indexes(home).name,
    }
    assert folder.exists()


@pytest.mark.parametrize("where", ["state", "index"])
def test_anothers_link_does_not_lead_us_to_the_users_files(
    home: Home, folder: Path, where: str
) -> None:
    documents = home.path / "documents"
    documents.mkdir(mode=0o755)
    (documents / "letter").write_text("dear\n")
    (documents / "none-1").write_text("dear\n")
    link = state(home) if where == "state" else indexes(home)
    link.parent.mkdir(parents=True)
    link.symlink_to(documents)
    if where == "index":  # even where the link is the user's, only what is ours is taken away
        assert home.fal("env", "--shell", "bash").returncode == 0
        assert (documents / "letter").exists()
        (documents / "none-1").write_text("dear\n")
    give_away(link)
    before = {path: path.read_text() for path in documents.iterdir()}
    for words in (["env", "--shell", "bash"], ["set", "a"], ["env", "--shell", "bash"]):
        assert home.fal(*words).returncode == 0
    assert {path: path.read_text() for path in documents.iterdir()} == before
    assert documents.stat().st_mode & 0o777 == 0o755
    assert folder.exists()


# --- The index that says where a key stands ------------------------------------------------------


def lie(home: Home, text: str | bytes) -> Path:
    """Replace the index by one that says something else of the same version of the store."""
    (index,) = indexes(home).iterdir()
    times = index.stat()
    index.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(index, ns=(times.st_atime_ns, times.st_mtime_ns))
    return index


def lines_of_keys(home: Home) -> dict[str, int]:
    lines = home.store.read_text().split("\n")
    return {name: 1 + lines.index(f'key = "{KEYS[name]}"') for name in "abc"}


def test_a_key_is_taken_from_its_own_profile_only(
    home: Home, folder: Path, start: Start, kind: Kind
) -> None:
    shell = start(kind)
    at = lines_of_keys(home)
    (index,) = indexes(home).iterdir()
    honest = index.read_text()
    assert f"{at['a']} a\n" in honest
    lie(home, f"b\n{at['b']} a\n{at['c']} b\n{at['a']} c\n")
    for name in ("a", "c", "b"):
        assert shell.talk(f"fal profile use {name}") == ""
        assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS[name], name)
    assert index.read_text() == honest
    assert folder.exists()


def test_a_store_that_changed_within_its_time_gives_no_others_key(
    home: Home, start: Start, kind: Kind
) -> None:
    """`rsync -t`, `cp -p`, `touch -r`: the shells cannot see that it is not the same file."""
    home.profiles("a", "b", "c", default="b")
    shell = start(kind)
    times = home.store.stat()
    home.profiles("a", "c", "b", default="b")
    os.utime(home.store, ns=(times.st_atime_ns, times.st_mtime_ns))
    for name in ("c", "b", "a"):
        assert shell.talk(f"fal profile use {name}") == ""
        assert (shell.get("FAL_KEY"), shell.get("FALENV_PROFILE")) == (KEYS[name], name)


@pytest.mark.fire
@spread(
    "number",
    [
        "1+x[$({touch,pwned})]",
        "1,FAL_KEY[0$({touch,pwned})]",
        "5;2m\x1b]0;pwned\x07",
        "5;2m\x1b]0;pwned\x07\x1b[2",
        "5;$({touch,pwned})",
        "5;%20(V.pwned.)",
    ],
)
def test_a_line_number_is_a_number(
    home: Home, folder: Path, start: Start, kind: Kind, number: str
) -> None:
    shell = start(kind)
    lie(home, f"b\n{number} a\n{number} b\n")
    assert shell.talk("fal profile use a") == ""
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert "pwned" not in shell.output
    assert list(home.path.rglob("pwned")) == []
    assert folder.exists()


@pytest.mark.fire
@spread("whose", ["index", "folder", "link"])
def test_an_index_that_another_user_wrote_is_not_read(
    home: Home, folder: Path, start: Start, kind: Kind, whose: str
) -> None:
    shell = start(kind)
    at = lines_of_keys(home)
    index = lie(home, f"c\n{at['a']} a\n{at['c']} c\n")
    if whose == "link":
        index.rename(home.path / "mine")
        index.symlink_to(home.path / "mine")
    give_away(index.parent if whose == "folder" else index)
    assert shell.talk("fal profile use --default") == ""
    assert shell.get("FALENV_PROFILE") == "b"
    assert shell.talk("fal profile use a") == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    # What took its place is followed.
    assert shell.talk("fal profile use --default") == ""
    home.fal("set", "c")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["c"]
    assert folder.exists()


# --- Many lies -----------------------------------------------------------------------------------

SCRIPT = """\
{eval}
{each}
"""
EACH = {
    "bash": 'n=0\nwhile [ "$n" -lt {tries} ]; do\n'
    'for index in "${index}"; do cp "lies/$n" "$index"; touch -r "$1" "$index"; done\n'
    'read -r name < "names/$n"\nfal profile use "$name" 2>> said\n'
    'printf "%s\\n" "$name $FALENV_PROFILE $FAL_KEY $FAL_HOST"\nn=$((n+1))\ndone > out',
    "fish": "set n 0\nwhile test $n -lt {tries}\n"
    "cp lies/$n ${index}; touch -r $argv[1] ${index}\n"
    "read name < names/$n\nfal profile use $name 2>> said\n"
    'printf "%s\\n" "$name $FALENV_PROFILE $FAL_KEY $FAL_HOST"\nset n (math $n + 1)\nend > out',
}
EACH["zsh"] = EACH["bash"]


def lies(random: random.Random, lines: int) -> bytes:
    """Return an index: mostly well-formed, and mostly wrong."""
    if random.random() < 0.05:
        return random.randbytes(random.randrange(200))
    names = ["a", "b", "c", "none", "", "a b", "*", "$(touch pwned)"]
    numbers = [str(number) for number in range(-1, lines + 3)] * 3 + [
        "-", "", "!", "9" * 30, "0x5", "010", "5;2", "5;", "1e1", "5.0", "5 ", "\u0665", "\xb2",
        "b[$({touch,pwned})]", "1+b[$({touch,pwned})]", "1;$({touch,pwned})", "7\t", "7\r", "7\0",
        "5@", "5@api.fal.ai@evil@evil", "5@$({touch,pwned})@b@c", "0@api.fal.ai@evil@evil", "00",
    ]  # fmt: skip
    numbers += [f"{number};2@@evil@evil" for number in range(lines)]
    entries = [f"{random.choice(numbers)} {random.choice(names)}" for _ in range(9)]
    return "\n".join([random.choice(names), *entries, ""][: random.randrange(1, 12)]).encode()


@pytest.mark.fire
def test_no_lie_of_the_index_yields_another_profiles_key(
    home: Home, kind: Kind, figure: Callable[[str], None]
) -> None:
    tries = 700 if LONG else 30
    chance = random.Random(SEED)
    home.profiles("a", "b", "c", default="b")
    lines = home.store.read_text().count("\n")
    for name in ("lies", "names"):
        (home.path / name).mkdir()
    for number in range(tries):
        (home.path / "lies" / str(number)).write_bytes(lies(chance, lines))
        (home.path / "names" / str(number)).write_text(chance.choice("abc") + "\n")
    script = home.path / "script"
    script.write_text(
        SCRIPT.format(
            eval=kind.eval_line(), each=EACH[kind.name].format(tries=tries, index=kind.own("index"))
        )
    )
    command = f"exec {needs(kind.name)} script {shlex.quote(str(home.store))}"
    # Home.run has a time limit, which a long form may well need more than.
    done = os.spawnvpe(
        os.P_WAIT, "sh", ["sh", "-c", f"cd {shlex.quote(str(home.path))} && {command}"],
        home.variables,
    )  # fmt: skip
    assert done == 0
    found = [line.split(" ") for line in (home.path / "out").read_text().splitlines()]
    assert len(found) == tries
    # An index may hide a key.
    wrong = [line for line in found if line[1] != line[0] or line[2] not in {KEYS[line[0]], ""}]
    assert wrong == []
    assert sum(line[2] == "" for line in found) < tries / 10
    assert {line[3] for line in found} == {""}
    assert list(home.path.rglob("pwned")) == []
    said = home.path / "said"
    assert said.read_text() == ""
    figure(
        f"lies: {kind}: {tries} lying indexes, no other profile's key, nothing run (seed {SEED})"
    )
    shutil.rmtree(home.path / "lies")


# --- Stores that people write by hand ------------------------------------------------------------

#: Take store and index number n, and print what the shell finds there without the program.
CUT = {
    "bash": 'n=0\nwhile [ "$n" -lt {tries} ]; do\n'
    'cp "stores/$n" "$1"; cp "indexes/$n" "${index}"; touch -r stamp "$1" "${index}"\n'
    'while read -r name; do\nif fal profile use "$name" 2>> said; then\n'
    'printf "%s\\n" "$n|$name|$FAL_KEY|${{FAL_HOST-}}"\nelse\nprintf "%s\\n" "$n|$name|asked|"\n'
    "fi\ndone < names\nn=$((n+1))\ndone > out",
    "fish": "set n 0\nwhile test $n -lt {tries}\n"
    "cp stores/$n $argv[1]; cp indexes/$n ${index}; touch -r stamp $argv[1] ${index}\n"
    "while read name\nif fal profile use $name 2>> said\n"
    'printf "%s\\n" "$n|$name|$FAL_KEY|$FAL_HOST"\nelse\nprintf "%s\\n" "$n|$name|asked|"\n'
    "end\nend < names\nset n (math $n + 1)\nend > out",
}
NAMES = ["me", "C-3_x", "a b", "a.b", "x]y", "[x", 'q"r', "it's", "h#i", "back\\slash"]


class Hand:
    """Writes stores in which each profile, its key and its host are spelled in some way."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def blanks(self) -> str:
        return self.chance.choice(["", "", "", " ", "  ", "\t", " \t "])

    def end(self) -> str:
        comment = ["", "", "", "# x", '# "]" [me] key = "no:no"', "# it's", "#'"]
        line_break = self.chance.choice(["\n", "\n", "\n", "\r\n"])
        return self.blanks() + self.chance.choice(comment) + line_break

    def quoted(self, text: str, *, is_name: bool = False) -> str:
        plain = [f"'{text}'"] if "'" not in text else []
        plain += [f'"{text}"'] if not set(text) & {'"', "\\"} else []
        basic = text.replace("\\", "\\\\").replace('"', '\\"')
        odd = [f'"{basic}"', f'"{basic[:-1]}\\u{ord(text[-1]):04x}"', f'"""{basic}"""']
        return self.chance.choice(
            plain if plain and self.chance.random() < 0.8 else odd[: 2 if is_name else 3]
        )

    def header(self, name: str, before: str = "", behind: str = "") -> str:
        is_bare = name.replace("-", "").replace("_", "").isalnum() and self.chance.random() < 0.6
        word = name if is_bare else self.quoted(name, is_name=True)
        inside = f"{before}{self.blanks()}{word}{self.blanks()}{behind}"
        return f"{self.blanks()}[{inside}]{self.end()}"

    def setting(self, name: str, value: str) -> str:
        return f"{self.blanks()}{name}{self.blanks()}={self.blanks()}{value}{self.end()}"

    def noise(self, number: int) -> str:
        """Return a setting, which has this number in its name, or a comment."""
        other = self.header(self.chance.choice(NAMES)).replace("\\", "")  # no escape
        return self.chance.choice([
            self.setting(f"keyed{number}", '"no:no"'),
            self.setting(f"hosts{number}", "'api.no'"),
            self.setting(f'"key{number}"', '"no:no"'),
            self.setting(f"'host {number}'", "'api.no'"),
            f'# {other}# key = "no:no"\n',
            f"keys{number} = [\n['no:no'], # ]\n[ \"key\" ]\n]\n",
            f'text{number} = """\n{other}key = \'no:no\'\nhost = "api.no"\n"""\n',
            f"text{number} = '''\n{other}key = \"no:no\"\n''' # '''\n",
            f"inline{number} = {{ key = 'no:no', host = \"api.no\" }}\n",
        ])  # fmt: skip

    def profile(self, name: str, at: int) -> str:
        inside = "".join(self.chance.choices("ab#]['\"=\\{}|$*-", k=self.chance.randint(0, 4)))
        lines = [self.setting("key", self.quoted(f"id{at}:s{inside}t"))]
        if self.chance.random() < 0.3:
            host = self.chance.choice(["api.fal.ai", "api.x"])
            lines.append(self.setting("host", self.quoted(host)))
        lines += [self.noise(number) for number in range(2, 2 + self.chance.randrange(3))]
        self.chance.shuffle(lines)
        text = self.header(name) + "".join(lines)
        if self.chance.random() < 0.3:
            dotted = self.chance.choice([".sub", '. "sub"', ".'sub'"])
            more = [self.header(name, behind=dotted), self.header(f"array{at}", "[", "]")]
            text += self.chance.choice(more) + 'key = "no:no"\n'
        return text

    def store(self) -> str:
        text = "".join(self.noise(number) for number in range(self.chance.randrange(2)))
        text += '[__internal__]\nprofile = "z"\n[z]\nkey = "z:z"\n'
        names = self.chance.sample(NAMES, self.chance.randint(1, 5))
        text += "".join(self.profile(name, at) for at, name in enumerate(names))
        return text.rstrip("\r\n") if self.chance.random() < 0.5 else text


@pytest.mark.fire
@pytest.mark.parametrize("shell", KINDS)
def test_case_78_each_shell_cuts_a_store_as_the_program_does(
    home: Home, shell: str, figure: Callable[[str], None]
) -> None:
    tries = 1500 if LONG else 60
    needs(shell)
    kind = KINDS[shell]
    hand = Hand(random.Random(SEED))
    for folder in ("stores", "indexes"):
        (home.path / folder).mkdir()
    (home.path / "stamp").touch()
    os.utime(home.path / "stamp", (10**9, 10**9))
    (home.path / "names").write_text("".join(f"{name}\n" for name in NAMES))
    expected = []
    asked = 0
    for number in range(tries):
        text = hand.store()
        home.write(text)
        os.utime(home.store, (number, number))
        code, _, stderr = home.here("profile", "env", "--shell", "bash")
        assert (code, stderr) == (0, ""), text
        (index,) = indexes(home).iterdir()
        shutil.copy(home.store, home.path / "stores" / str(number))
        shutil.copy(index, home.path / "indexes" / str(number))
        lines = dict(line.split(" ", 1)[::-1] for line in index.read_text().splitlines()[1:])
        document = tomli.loads(text)
        for name in NAMES:
            answer = "asked|"
            if not lines.get(name, "-").startswith("-"):
                answer = f"{document[name]['key']}|{document[name].get('host', '')}"
            asked += name in document and answer == "asked|"
            expected.append(f"{number}|{name}|{answer}")
    program = home.path / "program"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    script = kind.assign(kind.own("python"), str(program))
    each = CUT.get(kind.name, CUT["bash"]).format(tries=tries, index=kind.own("index"))
    (home.path / "script").write_text(f"{kind.eval_line()}\n{script}\n{each}\n")
    command = f"exec {needs(kind.name)} script {shlex.quote(str(home.store))}"
    done = os.spawnvpe(
        os.P_WAIT, "sh", ["sh", "-c", f"cd {shlex.quote(str(home.path))} && {command}"],
        home.variables,
    )  # fmt: skip
    assert done == 0
    found = (home.path / "out").read_text().split("\n")[:-1]
    wrong = [pair for pair in zip(found, expected, strict=True) if pair[0] != pair[1]]
    assert wrong == []
    figure(
        f"by hand: {kind}: {tries} stores, {len(expected)} times read as the program reads them, "
        f"{asked} profiles left to it (seed {SEED})"
    )
