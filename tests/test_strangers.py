"""What another user of the machine can do: he opens, writes and puts in the way what he can."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from conftest import ANOTHER, KEYS, LONG, SCRIPTS, Home, give_away
from driver import needs

from falenv import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")

SECRET = "export TOKEN=fakesecret\n"


@pytest.fixture
def home() -> Iterator[Home]:
    """Return a home that every user can enter, as on most machines."""
    folder = Path(tempfile.mkdtemp(prefix="it's $(here)-"))
    folder.chmod(0o755)
    yield Home(folder)
    shutil.rmtree(folder)


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def as_another(*command: str) -> list[str]:
    user = ["--reuid", str(ANOTHER), "--regid", str(ANOTHER), "--clear-groups"]
    return [needs("setpriv"), *user, *command]


# --- A race --------------------------------------------------------------------------------------

#: Open every file below a folder that can be opened, and keep it open. At the end read them all for
#: the secret, and write into those that can be written.
ATTACK = """
import os, resource, sys, threading

limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
root, secret = sys.argv[1], sys.argv[2].encode()
threading.Thread(target=lambda: (sys.stdin.read(), done.append(1)), daemon=True).start()
done, opened, seen, folders = [], [], set(), [root]
looked = 0
print("ready", flush=True)
while not done:
    looked += 1
    for folder in folders:
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.path not in folders:
                    folders.append(entry.path)
                if os.access(entry.path, os.W_OK):
                    opened.append((entry.path, "folder", None))
                continue
            for flags, how in ((os.O_WRONLY, "write"), (os.O_RDONLY, "read")):
                try:
                    key = (entry.path, entry.inode(), how)
                    if key not in seen:
                        opened.append((entry.path, how, os.open(entry.path, flags)))
                        seen.add(key)
                except OSError:
                    pass
print("looked", looked)
for path, how, descriptor in opened:
    if how == "folder":
        print("folder", path)
    elif how == "write":
        print("wrote", path, os.write(descriptor, b"PWNED"))
    elif secret in os.pread(descriptor, 1 << 20, 0):
        print("read", path)
"""


@contextlib.contextmanager
def attack(home: Home, secret: str) -> Iterator[list[str]]:
    """Attack a home for some time; the list holds afterwards what the attacker could do."""
    found: list[str] = []
    command = as_another(sys.executable, "-I", "-c", ATTACK, str(home.path), secret)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield found
        said, _ = process.communicate("")
        looked, *rest = said.splitlines()
        assert int(looked.removeprefix("looked ")) > 10
        found += rest


def rounds(home: Home, umask: Callable[[int], int], count: int) -> None:
    """Install and uninstall, switch and allow, under each umask and with each mode."""
    rc = home.path / ".bashrc"
    modes = [(mask, mode) for mask in (0o022, 0o002, 0o000) for mode in (0o600, 0o644, 0o640)]
    for number in range(count):
        mask, mode = modes[number % len(modes)]
        umask(mask)
        rc.unlink(missing_ok=True)
        rc.touch(0o600)
        text = "x=1\n" if mode & 0o004 else SECRET  # what he may read is no secret
        rc.write_text(text)
        rc.chmod(mode)
        for words in (["install", "bash", "zsh", "fish", "--yes"], ["uninstall", "--yes"]):
            assert home.here("profile", *words)[0] == 0
            assert stat.S_IMODE(rc.stat().st_mode) == mode
        assert rc.read_text() == text
        if number % 10 == 0:
            for path in (".fal", ".local", ".cache", ".config", ".fal-profile"):
                if (home.path / path).is_dir():
                    shutil.rmtree(home.path / path)
                (home.path / path).unlink(missing_ok=True)
            for words in (["create", "a"], ["key", "a", "--stdin"], ["link", "a"]):
                assert home.here("profile", *words, stdin="id:fakesecret")[0] == 0
            home.here("profile", "env", "--shell", "sh")


@pytest.mark.fire
def test_case_88_another_user_reads_and_writes_nothing(
    home: Home, umask: Callable[[int], int], monkeypatch: pytest.MonkeyPatch,
    figure: Callable[[str], None],
) -> None:  # fmt: skip
    monkeypatch.chdir(home.path)
    count = 1000 if LONG else 40
    with attack(home, "fakesecret") as found:
        rounds(home, umask, count)
    assert found == []
    figure(f"strangers: {count} rounds of install and uninstall, nothing read or written")


def test_the_attack_works_on_a_careless_writer(
    home: Home, umask: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As falenv wrote before: with the umask's mode, which is made right in the end."""
    monkeypatch.chdir(home.path)

    def careless(path: str, content: bytes, *, like: str = "", **_: object) -> None:
        with open(f"{path}.new", "wb") as file:
            file.write(content)
        time.sleep(0.02)
        os.chmod(f"{path}.new", os.stat(like).st_mode if like else 0o600)
        os.replace(f"{path}.new", path)

    (home.path / ".bashrc").touch(0o600)
    for mask, can in ((0o022, "read"), (0o000, "wrote")):
        umask(mask)
        (home.path / ".bashrc").write_text(SECRET)
        with attack(home, "fakesecret") as found, mock.patch("falenv.files.replace", careless):
            for _ in range(5):
                for command in ("install", "uninstall"):
                    assert home.here("profile", command, "bash", "--yes")[0] == 0
        assert any(line.startswith(can) for line in found), found


def test_with_a_umask_of_000_all_that_is_new_is_ours_alone(
    home: Home, umask: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.path)
    umask(0o000)
    home.here("profile", "create", "a")
    home.here("profile", "key", "a", "--stdin", stdin=KEYS["a"])
    home.here("profile", "install", "bash", "zsh", "fish", "direnv", "--yes")
    home.here("profile", "link", "a")
    home.here("profile", "env", "--shell", "sh")
    made = sorted(home.path.rglob("*"))
    assert len(made) > 20
    for path in made:
        mode = stat.S_IMODE(path.lstat().st_mode)
        if path.is_dir():
            assert mode == 0o700, path
        else:
            assert not mode & 0o022, path
            starts = (".bashrc", ".zshrc", ".bash_profile", ".fal-profile", "use_fal.sh")
            plain = path.name in starts or path.parent.name == "conf.d"
            assert mode == (0o644 if plain else 0o600), path


# --- Groups and access control lists -------------------------------------------------------------


def group_of(monkeypatch: pytest.MonkeyPatch, members: list[str], others: list[int]) -> None:
    """Make group 4242 this user's own by name, with more members, and users whose primary it is."""
    import grp
    import pwd

    me = pwd.getpwuid(os.geteuid())
    users = [me, *((*me[:2], uid, 4242, *me[4:]) for uid in others)]
    group = grp.struct_group((me.pw_name, "x", 4242, members))
    monkeypatch.setattr(grp, "getgrgid", lambda _: group)
    monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.struct_passwd(user) for user in users])


@pytest.mark.parametrize(
    ("members", "others", "reason"),
    [
        ([], [], ""),
        (["root"], [0], ""),
        (["else"], [], "can be written by other users"),
        ([], [ANOTHER], "can be written by other users"),
    ],
)
def test_a_group_that_is_anyones_primary_group_is_not_ones_own(
    home: Home, monkeypatch: pytest.MonkeyPatch,
    members: list[str], others: list[int], reason: str,
) -> None:  # fmt: skip
    group_of(monkeypatch, members, others)
    path = home.write("")
    give_away(path, 0, 4242)
    path.chmod(0o660)
    assert files.strangers(str(path)) == reason


def test_a_real_user_with_this_users_group_is_a_stranger(home: Home) -> None:
    """With the machine's own list of users, in a namespace of its own."""
    unshare = [needs("unshare"), "--mount", "sh", "-c"]
    added = "falother:x:4243:0::/:/bin/false"
    mount = f"(cat /etc/passwd; echo {added}) >passwd && mount --bind passwd /etc/passwd"
    if home.run(*unshare, mount).returncode:
        pytest.skip("no mount namespaces here")
    home.profiles("a", default="a")
    home.store.chmod(0o660)  # the group is root's: its own, but for the user that is added
    assert home.fal("list").returncode == 0
    done = home.run(*unshare, f"{mount} && {SCRIPTS}/fal profile list")
    assert done.returncode == 1
    assert "can be written by other users" in done.stderr


@pytest.mark.parametrize(
    ("entry", "is_refused"),
    [
        (f"u:{ANOTHER}:rw", True),
        (f"g:{ANOTHER}:rw", True),
        (f"u:{ANOTHER}:r", False),
        ("u:0:rw", False),  # root's own
        (f"u:{ANOTHER}:rw,m::r", False),
    ],
)
@pytest.mark.parametrize("place", ["store", "folder"])
def test_an_access_control_list_that_lets_another_write_is_seen(
    home: Home, entry: str, place: str, *, is_refused: bool
) -> None:
    home.profiles("a", default="a")
    path = home.store if place == "store" else home.store.parent
    home.store.parent.chmod(0o755)
    if place == "folder":
        entry = entry.replace(":rw", ":rwx").replace(":r", ":rx").replace("rxwx", "rwx")
    done = home.run(needs("setfacl"), "-m", entry, str(path))
    assert done.returncode == 0, done.stderr
    write = f"echo >>{home.store.name}" if place == "store" else "touch new && rm new"
    attacked = home.run(*as_another("sh", "-c", f'cd "$1" && {write}', "sh", str(path.parent
                        if place == "store" else path)))  # fmt: skip
    assert (attacked.returncode == 0) == is_refused, "the list does what the test thinks"
    done = home.fal("env", "--shell", "bash")
    assert done.returncode == int(is_refused)
    assert ("can be written by other users" in done.stderr) == is_refused
    assert ("FAL_KEY" in done.stdout) != is_refused


def test_a_group_that_the_list_lets_only_read_is_no_stranger(home: Home) -> None:
    # The mode shows the mask, rw; the group itself may only read.
    home.profiles("a", default="a")
    give_away(home.store, 0)
    home.run(needs("setfacl"), "-m", "g::r,m::rw", str(home.store))
    assert stat.S_IMODE(home.store.stat().st_mode) == 0o660
    assert home.fal("list").returncode == 0


def test_a_replaced_file_keeps_its_own_list_and_inherits_none(home: Home) -> None:
    needs("setfacl")
    home.run("setfacl", "-d", "-m", f"u:{ANOTHER}:rwx", str(home.path))
    rc, listed = home.path / ".zshrc", home.path / ".bashrc"
    for path in (rc, listed):
        path.write_text(SECRET)
        home.run("setfacl", "-b", str(path))
        path.chmod(0o640)
    home.run("setfacl", "-m", "u:4242:r", str(listed))
    before = home.run("getfacl", "-n", ".bashrc", ".zshrc").stdout
    assert home.fal("install", "bash", "zsh", "--yes").returncode == 0
    assert home.run("getfacl", "-n", ".bashrc", ".zshrc").stdout == before
    assert "falenv" in rc.read_text()
    done = home.run(*as_another("sh", "-c", 'cat "$1"', "sh", str(rc)))
    assert (done.returncode, done.stdout) == (1, "")
    # What is new and private stays so, too.
    home.profiles("a", default="a")
    home.fal("set", "b")
    assert f"user:{ANOTHER}" not in home.run("getfacl", "-n", str(home.store)).stdout


# --- Where others got there first ----------------------------------------------------------------


def planted(home: Home, *commands: str) -> None:
    """Run commands as another user, in a folder that all users can write to."""
    done = home.run(*as_another("sh", "-ec", "\n".join(commands)), PYTHONPATH=None)
    assert done.returncode == 0, done.stderr


def test_the_clock_probe_follows_no_link(home: Home) -> None:
    """Another user's link to a file of the victim's, in a state folder that he could write to."""
    home.profiles("a", default="a")
    state = home.path / ".local" / "state" / "falenv"
    state.mkdir(parents=True)
    state.chmod(0o777)
    mine = home.path / "mine"
    mine.write_text("mine")
    os.utime(mine, (1, 1))
    planted(
        home,
        f'cd "{state}"'.replace("$", "\\$"),
        "ln -s ../../../mine .older",
        "ln -s ../../../made .newer",
    )
    assert home.fal("env", "--shell", "sh").returncode == 0
    assert not (home.path / "made").exists()
    assert mine.stat().st_mtime == 1
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    for name in (".older", ".newer"):
        assert not (state / name).is_symlink()
        assert (state / name).stat().st_uid == 0


def test_no_clock_probe_in_another_users_folder(home: Home) -> None:
    home.profiles("a", default="a")
    state = home.path / ".local" / "state" / "falenv"
    state.mkdir(parents=True)
    give_away(state)
    done = home.fal("env", "--shell", "sh")
    assert "__falenv_older=''\n" in done.stdout
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("whose", ["another's", "parent is another's", "open", "parent is open"])
def test_no_cached_copy_where_others_may_write(home: Home, whose: str) -> None:
    home.profiles("a", default="a")
    cache = home.path / ".cache" / "falenv"
    cache.mkdir(parents=True)
    folder = cache.parent if whose.startswith("parent") else cache
    if whose.endswith("open"):
        folder.chmod(0o777)
    else:
        give_away(folder)
    assert home.fal("install", "bash", "--yes").returncode == 0
    assert list(cache.iterdir()) == []


def test_a_cached_copy_is_written_where_nobody_else_may_write(home: Home) -> None:
    home.profiles("a", default="a")
    assert home.fal("install", "bash", "--yes").returncode == 0
    # A checkout also has a file with the time of its newest file.
    found = {path.suffix for path in (home.path / ".cache" / "falenv").iterdir()}
    assert found == {".bash", ".newest"}


@pytest.mark.parametrize("name", [".config.toml.lock", ".config.toml.falenv"])
@pytest.mark.parametrize("what", ["file", "link", "dangling link", "folder", "fifo"])
def test_a_lock_or_temporary_file_that_was_made_beforehand_does_no_harm(
    home: Home, name: str, what: str
) -> None:
    """In a folder with the sticky bit, where others may make files, as in /tmp."""
    home.profiles("a", default="a")
    home.store.parent.chmod(0o1777)
    mine = home.path / "mine"
    mine.write_text("mine")
    make = {
        "file": f"echo planted >{name}; chmod 666 {name}",
        "link": f"ln -s ../mine {name}",
        "dangling link": f"ln -s ../made {name}",
        "folder": f"mkdir {name}",
        "fifo": f"mkfifo {name}; chmod 666 {name}",
    }[what]
    done = home.run(*as_another("sh", "-ec", f'cd "$1"; {make}', "sh", str(home.store.parent)))
    assert done.returncode == 0, done.stderr
    before = home.store.read_bytes()
    done = home.run("timeout", "20", f"{SCRIPTS}/fal", "profile", "set", "b")
    assert done.returncode in {0, 1}, "it does not wait for ever"
    assert mine.read_text() == "mine"
    assert not (home.path / "made").exists()
    if done.returncode:
        assert home.store.read_bytes() == before
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("falenv: ")
    else:
        assert home.store.stat().st_uid == 0
        assert stat.S_IMODE(home.store.stat().st_mode) == 0o600


def test_a_new_name_that_was_made_beforehand_is_not_written_to(home: Home) -> None:
    mine = home.path / "mine"
    mine.write_text("mine")
    link = home.path / "temporary"
    link.symlink_to(mine)
    with pytest.raises(FileExistsError):
        files.replace(str(home.path / "x"), b"secret", temporary=str(link))
    assert mine.read_text() == "mine"
    assert not (home.path / "x").exists()


# --- Root in another user's home -----------------------------------------------------------------


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_root_does_not_write_into_another_users_home(home: Home, command: str) -> None:
    (home.path / ".bashrc").write_text("x=1\n")
    if command == "uninstall":
        assert home.fal("install", "bash", "--yes").returncode == 0
    before = (home.path / ".bashrc").read_text()
    give_away(home.path)
    done = home.fal(command, "bash", "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"{home.path} belongs to another user (uid {ANOTHER})" in done.stderr
    assert "run this command as that user" in done.stderr
    assert (home.path / ".bashrc").read_text() == before
    found = {path.name for path in home.path.iterdir()}
    assert found <= {".bashrc", ".bash_profile", ".cache", ".local"}
