"""install and uninstall, and what a new shell then is: in real shells, by their own start-up."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, SCRIPTS, SHELLS, copied_package, unprivileged
from driver import KINDS, UNSET, Kind, needs, notice
from test_hook import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Home
    from driver import Shell

    Start = Callable[..., Shell]

#: The first line of what is put into a start-up file begins so.
MARK = "# >>> falenv"
RC = {"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/conf.d/falenv.fish"}
STARTS = [(shell, flags) for shell in SHELLS for flags in ("-ic", "-lic")]
#: What bash says where it is interactive and has no terminal, and what fish says in a new home.
NO_TERMINAL = re.compile(r"bash: (cannot set terminal process group|no job control).*\n")


@pytest.fixture(autouse=True)
def _quiet_fish(home: Home, tmp_path: Path) -> None:
    """Keep fish from reading all manual pages, as it does in a new home, in a process."""
    home.variables["XDG_DATA_HOME"] = str(tmp_path / "data")
    (tmp_path / "data" / "fish" / "generated_completions").mkdir(parents=True)


@pytest.fixture
def exe(home: Home) -> Path:
    """Return a program of this home's own, which a test may change, first on its PATH."""
    return copied_package(home)


def install(home: Home, *shells: str, **variables: str) -> str:
    done = home.run("falenv", "profile", "install", *shells, "--yes", **variables)
    assert done.returncode == 0, done.stderr
    return done.stdout


def uninstall(home: Home, *shells: str) -> str:
    done = home.run("falenv", "profile", "uninstall", *shells, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refused(home: Home, *arguments: str) -> str:
    """Run a command that is to fail with one line, and return that."""
    done = home.run("falenv", "profile", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("falenv: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def begin(home: Home, shell: str, flags: str, text: str, *prefix: str, **variables: str) -> str:
    """Let a new shell read its start-up files and run a text; return what that writes."""
    done = home.run(*prefix, needs(shell), flags, text, **variables)
    assert NO_TERMINAL.sub("", done.stderr) == ""
    assert done.returncode == 0
    return done.stdout


def cached(home: Home, shell: str) -> Path:
    (found,) = (home.path / ".cache" / "falenv").glob(f"*.{shell}")
    return found


KEY = 'printf \'<%s>\' "$FAL_KEY" "$FALENV_PROFILE"'
#: Say what `fal` is to the shell.
FUNCTION = {"bash": "type -t fal", "zsh": "whence -w fal", "fish": "type -t fal"}


def is_active(name: str) -> str:
    return f"<{KEYS[name]}><{name}>"


def added(home: Home, kind: Kind) -> tuple[str, str]:
    """Return a command that says what the integration adds, and what it says after an eval."""
    ask = f"{kind.hooks}; {FUNCTION[kind.name]}"
    plain, evaluated = (
        home.run(needs(kind.name), *kind.flags, "-ic", f"{line}; {ask}", FALENV_PROFILE=None)
        for line in (":", kind.eval_line(f"--shell {kind}"))
    )
    assert plain.stdout != evaluated.stdout
    return ask, evaluated.stdout


# --- The files -----------------------------------------------------------------------------------

FILES = {
    "missing": None,
    "empty": b"",
    "one line": b"alias ll='ls -l'\n",
    "no line break at the end": b"alias ll='ls -l'",
    "blank lines at the end": b"x=1\n\n\n",
    "a line break alone": b"\n",
    "CRLF": b"x=1\r\ny=2\r\n",
    "CRLF, open": b"x=1\r\ny=2",
    "CR alone": b"x=1\ry=2\r",
    "not UTF-8": b"# caf\xe9 \xff\xfe\n",
    "BOM": b"\xef\xbb\xbfx=1\n",
    "early return": b"case $- in *i*) ;; *) return ;; esac\n",
    "backslash at the end": b"echo a \\\n",
    "backslash, open": b"echo a \\",
    "a comment, open": b"# the end",
    "blanks at the end": b"x=1\n   \t",
    "another tool's block": b"# >>> conda initialize >>>\nx=1\n# <<< conda initialize <<<\n",
    "an eval line": b'eval "$(fal profile env)"\n',
    "a NUL-free control character": b"x='\x01\x1b\x7f'\n",
    "form feed and separators": b"a\x0cb\x0b\x1c\x1d\x85\xe2\x80\xa8c",
    "large": b"# line\n" * 20_000,
    "a heading like ours": b"# >>> mine >>>\n# falenv: <<<\n",
}


@pytest.mark.parametrize("name", FILES)
def test_uninstall_leaves_the_file_as_it_was(home: Home, name: str) -> None:
    content = FILES[name]
    for shell in SHELLS:
        path = home.path / RC[shell]
        if content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o640)
    install(home, *SHELLS)
    for shell in SHELLS:
        path = home.path / RC[shell]
        written = path.read_bytes()
        assert written.startswith(content or b"")
        assert b"falenv" in written.removeprefix(content or b"")
        assert content is None or stat.S_IMODE(path.stat().st_mode) == 0o640
    assert "Already" in install(home, *SHELLS)
    assert path.read_bytes() == written
    uninstall(home)
    for shell in SHELLS:
        path = home.path / RC[shell]
        assert (path.read_bytes() if path.exists() else None) == content
    assert not (home.path / ".bash_profile").exists()
    assert not list((home.path / ".cache" / "falenv").iterdir())
    assert "Not installed" in uninstall(home)


@pytest.mark.parametrize("content", [None, b"x=1", b"x=1\n"])
def test_what_the_user_adds_behind_the_block_stays(home: Home, content: bytes | None) -> None:
    path = home.path / ".zshrc"
    if content:
        path.write_bytes(content)
    install(home, "zsh")
    with path.open("ab") as file:
        file.write(b"y=2\n")
    uninstall(home, "zsh")
    lines = [line for line in (content, b"y=2") if line]
    assert path.read_bytes() == b"".join(line.rstrip() + b"\n" for line in lines)


def test_a_block_of_another_version_is_replaced_in_its_place(home: Home, exe: Path) -> None:
    path = home.path / ".zshrc"
    path.write_text("x=1")
    install(home, "zsh")
    with path.open("a") as file:
        file.write("y=2\n")
    other = exe.with_name("other") / "falenv"
    other.parent.mkdir()
    shutil.copy2(exe, other)
    done = home.run(str(other), "profile", "install", "zsh", "--dry-run")
    assert done.returncode == 0
    assert home.run(str(other), "profile", "install", "zsh", "--yes").returncode == 0
    for sign, program in (("-", exe), ("+", other)):
        lines = [line for line in done.stdout.splitlines() if line.startswith(sign)]
        assert any(program.parent.name + "/falenv" in line for line in lines)
    text = path.read_text()
    assert text.startswith("x=1\n# >>> falenv")
    assert text.endswith("<<<\ny=2\n")
    assert text.count("# >>>") == 1
    assert "/other/falenv" in text
    assert f"/{exe.parent.name}/falenv" not in text


def test_a_link_stays_a_link(home: Home) -> None:
    dotfiles = home.path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "zshrc").write_text("x=1")
    (dotfiles / "zshrc").chmod(0o600)
    (home.path / ".zshrc").symlink_to("dotfiles/zshrc")
    (home.path / ".bashrc").symlink_to("dotfiles/bashrc")  # nothing there yet
    install(home, "zsh", "bash")
    for name in ("zshrc", "bashrc"):
        assert (home.path / f".{name}").is_symlink()
        assert "falenv" in (dotfiles / name).read_text()
    assert stat.S_IMODE((dotfiles / "zshrc").stat().st_mode) == 0o600
    uninstall(home)
    assert (dotfiles / "zshrc").read_text() == "x=1"
    assert [file.name for file in dotfiles.iterdir()] == ["zshrc"]
    assert (home.path / ".bashrc").is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_stays_the_owner(home: Home) -> None:
    path = home.path / ".zshrc"
    path.write_text("x=1\n")
    os.chown(path, 1234, 4321)
    install(home, "zsh")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


def test_what_is_no_text_file_is_left_alone(home: Home) -> None:
    path = home.path / ".zshrc"
    path.mkdir()
    assert "is a folder" in refused(home, "install", "zsh", "--yes")
    path.rmdir()
    os.mkfifo(path)
    assert "not a regular file" in refused(home, "install", "zsh", "--yes")
    assert "not a regular file" in refused(home, "uninstall", "--yes")
    path.unlink()
    path.write_bytes("x=1\n".encode("utf-16"))
    assert "not a text file" in refused(home, "install", "zsh", "--yes")
    path.unlink()
    path.symlink_to(".zshrc")
    assert "could not read the file" in refused(home, "install", "zsh", "--yes")


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_cannot_be_written_is_left_as_it_was(home: Home, what: str) -> None:
    path = home.path / ".zshrc"
    path.write_text("x=1\n")
    prefix = unprivileged()
    (path if what == "file" else home.path).chmod(0o555)
    try:
        done = home.run(*prefix, f"{SCRIPTS}/falenv", "profile", "install", "zsh", "--yes")
    finally:
        home.path.chmod(0o755)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "could not write the file: Permission denied" in done.stderr
    assert path.read_text() == "x=1\n"
    assert [file.name for file in home.path.iterdir()] == [".zshrc"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("\\builtin eval", "echo", 1), "changed by hand"),
        (lambda text: text.replace("case ", "export MINE=1\ncase ", 1), "changed by hand"),
        (lambda text: text.replace("\n", "\r\n"), "changed by hand"),
        (lambda text: text.partition("# <<<")[0], "damaged"),
        (lambda text: text.partition("removes this block")[2], "damaged"),
        (lambda text: text + text, "damaged"),
        (lambda text: text.replace("# <<< falenv ", "# <<< falenv x"), "damaged"),
    ],
    ids=["word", "line", "crlf", "no-end", "no-beginning", "twice", "odd-end"],
)
def test_a_block_that_was_changed_is_the_users(
    home: Home, damage: Callable[[str], str], message: str
) -> None:
    path = home.path / ".zshrc"
    path.write_text("x=1\n")
    install(home, "zsh")
    path.write_bytes(damage(path.read_text()).encode())
    before = path.read_bytes()
    for command in ("install zsh", "uninstall"):
        line = refused(home, *command.split(), "--yes")
        assert message in line
        (first, last) = re.findall(r"delete lines? (\d+)(?: to (\d+))?", line)[0]
        assert path.read_bytes() == before
    # The cure cures it.
    lines = before.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: int(first) - 1] + lines[int(last or first) :]))
    install(home, "zsh")


def test_without_a_terminal_it_shows_and_refuses(home: Home) -> None:
    done = home.fal("install", "zsh", "fish")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "fal profile install zsh fish --yes" in done.stderr
    assert f"+++ {home.path}/.zshrc" in done.stdout
    assert f"\n+{MARK}" in done.stdout
    done = home.fal("install", "zsh", "fish", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"\n+{MARK}" in done.stdout
    assert list(home.path.iterdir()) == []


def test_the_difference_shows_nothing_of_the_users(home: Home) -> None:
    (home.path / ".zshrc").write_text("export TOKEN=secret")
    for command in ("install", "uninstall"):
        done = home.fal(command, "zsh", "--dry-run")
        assert MARK in done.stdout
        assert "secret" not in done.stdout
        assert home.fal(command, "zsh", "--yes").returncode == 0


def test_on_a_terminal_it_asks(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", default="a")
    shell = start(kind, "")
    # The shell under test has a folder of its own for its start-up file.
    path = {
        "bash": home.path / RC["bash"],
        "zsh": shell.files / ".zshrc",
        "fish": shell.files / "fish" / "conf.d" / "falenv.fish",
    }[kind.name]
    before = path.read_text() if path.exists() else None

    short = str(path).replace(f"{home.path}/", "~/")
    login = " and ~/.bash_profile" if kind.name == "bash" else ""
    question = f"Add falenv's block to {short}{login}? [y/N/d]"

    def answer(*texts: str) -> tuple[str, str]:
        """Return what is shown behind the last answer, and all that was sent to the terminal."""
        shell.clear()
        begin = len(shell.output)
        shell.type("fal profile install\r")
        for number, text in enumerate(texts, 1):
            asked = lambda: shell.screen().count(question) == number  # noqa: B023, E731
            shell.wait(asked, question)
            shell.type(text) if number == len(texts) else shell.type(f"{text}\r")
        return shell.press("\r"), shell.output[begin:].replace("\r\n", "\n")

    for text in ("", "n"):
        assert answer(text)[0].splitlines()[-1] == "falenv: cancelled; nothing was changed"
        assert (path.read_text() if path.exists() else None) == before
    assert MARK not in answer("x", "n")[1]
    shown, sent = answer("d", "y")
    assert f"\n+{MARK}" in sent
    assert "Installed in" in shown
    assert MARK in path.read_text()
    # The line for this shell does what it says.
    line = re.findall(r"; to load it into this one: (.*)", shown)[0]
    assert shell.talk(line) == ""
    assert shell.get("FAL_KEY") == KEYS["a"]
    again = shell.talk("fal profile install")
    assert "Already" in again
    assert "into this one" not in again


def test_a_shell_that_we_have_nothing_for(home: Home) -> None:
    done = home.fal("install", "tcsh", "--yes")
    assert done.returncode == 2
    done = home.run(needs("dash"), "-c", "fal profile install --yes; exit $?")
    assert done.returncode == 2
    assert "the start-up file of dash is unknown" in done.stderr
    assert not (home.path / ".config" / "direnv").exists()


# --- Which file ----------------------------------------------------------------------------------

SOURCES = '. "$HOME/.bashrc"\n'
LOGIN = {
    "none": ({}, ".bash_profile"),
    "profile alone": ({".profile": "x=1\n"}, ".profile"),
    "bash_profile first": ({".bash_profile": "x=1\n", ".profile": SOURCES}, ".bash_profile"),
    "bash_login before profile": ({".bash_login": "", ".profile": ""}, ".bash_login"),
    "reads bashrc": ({".bash_profile": "[ -f ~/.bashrc ] && source ~/.bashrc\n"}, None),
    "Debian's": (
        {
            ".profile": 'if [ -n "$BASH_VERSION" ]; then\n    if [ -f "$HOME/.bashrc" ]; then\n'
            '\t. "$HOME/.bashrc"\n    fi\nfi\n'
        },
        None,
    ),
    "by way of profile": (
        {".bash_profile": "if true; then . ~/.profile; fi\n", ".profile": SOURCES},
        None,
    ),
    "in a comment": ({".bash_profile": "  # . ~/.bashrc\nx=1\n"}, ".bash_profile"),
    "in a circle": (
        {".bash_profile": ". ~/.profile\n", ".profile": ". ~/.bash_profile\n"},
        ".bash_profile",
    ),
    "another file": (
        {".bash_profile": "true || . ~/.bashrc.d/x || . ~/my.profile\n"},
        ".bash_profile",
    ),
}


@pytest.mark.parametrize("name", LOGIN)
def test_a_login_bash_has_it_once(home: Home, exe: Path, name: str) -> None:  # noqa: ARG001
    home.profiles("a", default="a")
    files, expected = LOGIN[name]
    if name == "in a circle":  # which is the user's to break
        files = {**files, ".profile": 'case ${once-} in "") once=1; . ~/.bash_profile ;; esac\n'}
    for file, text in files.items():
        (home.path / file).write_text(text)
    ask, expected_hooks = added(home, KINDS["bash"])
    for _ in range(2):
        install(home, "bash")
        changed = {
            path.name
            for path in home.path.glob(".*")
            if path.is_file() and path.read_text() != files.get(path.name)
        }
        assert changed == {".bashrc", expected} - {None}
        for flags in ("-ic", "-lic"):
            found = begin(home, "bash", flags, f"{KEY}; {ask}")
            assert found == is_active("a") + expected_hooks
    uninstall(home)
    assert {path.name: path.read_text() for path in home.path.glob(".*") if path.is_file()} == files


ONE_FILE = {
    "dotfiles": {".bashrc": "dots/bash", ".bash_profile": "dots/bash"},
    "to bashrc": {".bash_profile": ".bashrc"},
    "to bash_profile": {".bashrc": ".bash_profile"},
    "two steps": {".bash_profile": ".profile", ".profile": ".bashrc"},
    "login files": {".bash_profile": "dots/bash", ".profile": "dots/bash"},
}


@pytest.mark.parametrize("content", ["alias x=y\n", "x=1; # no end", "", None])
@pytest.mark.parametrize("name", ONE_FILE)
def test_case_83_start_up_files_that_are_one_file(
    home: Home,
    exe: Path,  # noqa: ARG001
    name: str,
    content: str | None,
) -> None:
    home.profiles("a", default="a")
    links = ONE_FILE[name]
    (home.path / "dots").mkdir()
    targets = {home.path / target for target in links.values()} - {home.path / n for n in links}
    for target in targets:
        if content is not None:
            target.write_text(content)
    for link, leads_to in links.items():
        (home.path / link).symlink_to(leads_to)
    ask, expected_hooks = added(home, KINDS["bash"])
    for _ in range(2):
        install(home, "bash")
        for target in targets:
            assert target.read_text().count("# >>> falenv") == 1
        for flags in ("-ic", "-lic"):
            assert begin(home, "bash", flags, f"{KEY}; {ask}") == is_active("a") + expected_hooks
    uninstall(home)
    for target in targets:
        assert (target.read_text() if target.exists() else None) == content
    assert {link: os.readlink(home.path / link) for link in links} == links


def test_other_shells_read_profile_without_harm(home: Home) -> None:
    home.profiles("a", default="a")
    (home.path / ".profile").write_text("x=1\n")
    install(home, "bash")
    for shell in ("dash", "zsh", "ksh", "mksh"):
        if shutil.which(shell) is None and shell in {"ksh", "mksh"}:
            continue
        # Each line that the file has added to what the shell holds.
        plain = home.run(needs(shell), "-euc", "set; env").stdout.splitlines()
        done = home.run(needs(shell), "-euc", ". ~/.profile; set; env")
        assert (done.returncode, done.stderr) == (0, "")
        lines = [line for line in done.stdout.splitlines() if line not in plain]
        assert any(re.fullmatch("x='?1'?", line) for line in lines)
        assert [line for line in lines if re.match("_?_?(falenv|FAL)", line)] == []


def test_zdotdir_is_found_where_only_zsh_knows_it(home: Home) -> None:
    (home.path / "z dir").mkdir()
    (home.path / ".zshenv").write_text('echo hello; ZDOTDIR="$HOME/z dir"\n')
    install(home, "zsh")
    assert not (home.path / ".zshrc").exists()
    assert "falenv" in (home.path / "z dir" / ".zshrc").read_text()
    uninstall(home)
    assert list((home.path / "z dir").iterdir()) == []
    (home.path / "other").mkdir()
    install(home, "zsh", ZDOTDIR=str(home.path / "other"))
    assert (home.path / "other" / ".zshrc").exists()


@pytest.mark.parametrize("known", ["USER_ZDOTDIR", ".zshenv", "neither"])
def test_a_temporary_zdotdir_is_not_the_users(home: Home, known: str) -> None:
    """VS Code starts zsh with ZDOTDIR=$TMPDIR/NAME-code-zsh, and the user's in USER_ZDOTDIR."""
    editor, users = home.path / "tmp" / "root-code-zsh", home.path / "z dir"
    editor.mkdir(parents=True)
    users.mkdir()
    variables = {"TMPDIR": str(editor.parent), "ZDOTDIR": str(editor)}
    if known == "USER_ZDOTDIR":
        variables["USER_ZDOTDIR"] = str(users)
    elif known == ".zshenv":
        (home.path / ".zshenv").write_text('ZDOTDIR="$HOME/z dir"\n')
        variables["USER_ZDOTDIR"] = str(editor)
    else:
        users = home.path
    (users / ".zshrc").write_text("# the user's\n")
    install(home, "zsh", **variables)
    assert list(editor.iterdir()) == []
    assert "falenv" in (users / ".zshrc").read_text()
    assert home.fal("uninstall", "zsh", "--yes", **variables).returncode == 0
    assert (users / ".zshrc").read_text() == "# the user's\n"


def test_the_folders_that_variables_name(home: Home) -> None:
    folder = home.path / "config"
    install(home, "fish", "direnv", XDG_CONFIG_HOME=str(folder), XDG_CACHE_HOME=f"{folder}/c")
    assert (folder / "fish" / "conf.d" / "falenv.fish").exists()
    assert (folder / "direnv" / "lib" / "use_fal.sh").exists()
    assert len(list((folder / "c" / "falenv").glob("*.fish"))) == 1


# --- A new shell ---------------------------------------------------------------------------------


def programs(home: Home, shell: str, flags: str, text: str = KEY) -> tuple[str, list[str]]:
    """Start a shell; return what it writes, and the programs that were started for that."""
    log = home.path / "strace"
    written = begin(
        home, shell, flags, text,
        needs("strace"), "-f", "-qq", "-o", str(log), "-s", "500", "-e", "trace=execve",
    )  # fmt: skip
    calls = [line for line in log.read_text().splitlines() if "execve(" in line]
    assert calls  # the shell itself
    return written, [call for call in calls if re.search('execve\\("[^"]*(falenv|python)', call)]


@pytest.mark.parametrize(("shell", "flags"), STARTS)
def test_a_new_shell_has_it_once_and_starts_no_process(
    home: Home, exe: Path, shell: str, flags: str
) -> None:
    home.profiles("a", "b", default="a")
    install(home, shell)
    ask, expected = added(home, KINDS[shell])
    for default in ("a", "b"):
        home.fal("set", default)
        found, started = programs(home, shell, flags, f"{KEY}; {ask}")
        assert found == is_active(default) + expected
        assert started == []
    # Nor does a store that a person has written.
    by_hand = home.store.read_text().replace("[b]", "[ 'b' ]  # work")
    home.write(by_hand.replace(f'"{KEYS["b"]}"', f"'{KEYS['b']}'  # \"x\""))
    home.fal("env", "--shell", "bash")
    assert programs(home, shell, flags) == (is_active("b"), [])
    # An upgrade is noticed, once; the trace does see what is started.
    for seconds in (+100, -1000):
        moment = exe.stat().st_mtime + seconds
        os.utime(exe, (moment, moment))
        found, started = programs(home, shell, flags)
        assert found == is_active("b")
        assert len(started) >= 1
        found, started = programs(home, shell, flags)
        assert (found, started) == (is_active("b"), [])


@pytest.mark.usefixtures("exe")
def test_a_new_bash_does_not_even_fork(home: Home) -> None:
    home.profiles("a", default="a")
    install(home, "bash")
    log = home.path / "strace"
    trace = (needs("strace"), "-f", "-qq", "-o", str(log), "-e", "trace=fork,vfork,clone,clone3")
    for before in ("", "PROMPT_COMMAND=(true 'x=1')", "PROMPT_COMMAND='true;'"):
        text = f"{before}\nsource ~/.bashrc\n{KEY}"
        done = home.run(*trace, "bash", "--norc", "-ic", text, FAL_KEY="x:y")
        assert done.stdout == is_active("a")
        assert log.read_text() == ""
    home.run(*trace, "bash", "--norc", "-ic", "x=$(true)")
    assert log.read_text() != ""


@pytest.mark.parametrize("flags", ["-ic", "-c"])
def test_it_is_what_the_eval_line_makes(home: Home, exe: Path, kind: Kind, flags: str) -> None:
    home.profiles("a", "b", default="a")
    needs(kind.name)
    rc = home.path / RC[kind.name]
    rc.parent.mkdir(parents=True, exist_ok=True)
    dump = kind.snapshot.replace("set -g;", "set -g --long;")
    moving = (*kind.moving, kind.own("loaded"))  # the process's number
    # A former function, completion and key, to be kept; and a shell that reads the file itself.
    had = {
        "bash": "fal() { :; }; complete -W x fal; export FAL_KEY=mine:key FAL_HOST=; ",
        "zsh": "fal() { : }; export FAL_KEY=mine:key FAL_HOST=; ",
        "fish": "function fal; end; complete -c fal -a x; set -gx FAL_KEY mine:key; ",
    }[kind.name]
    text = f"{had} source {shlex.quote(str(rc))}; {dump}"
    quoted = kind.quote(str(exe))
    seen: list[list[str]] = []
    for line in (None, kind.eval_line(f"--shell {kind}", program=quoted)):
        if line is None:
            install(home, kind.name)
        else:
            uninstall(home)
            rc.write_text(line + "\n")
        for variables in ({}, {"FAL_PROFILE": "b"}):
            done = home.run(kind.name, *kind.flags, flags, text, **variables)
            assert NO_TERMINAL.sub("", done.stderr) == ""
            assert kind.own("index") in done.stdout
            lines = done.stdout.splitlines()
            seen.append([row for row in lines if not any(word in row for word in moving)])
    for ours, evals in ((seen[0], seen[2]), (seen[1], seen[3])):
        assert [row for row in ours if row not in evals] == []
        assert [row for row in evals if row not in ours] == []
        assert ours == evals
    assert any(KEYS["a"] in row for row in seen[0])
    assert any(KEYS["b"] in row for row in seen[1])


def test_the_cached_file_has_no_key_and_is_private(home: Home, exe: Path) -> None:
    home.profiles("a", "b", default="a")
    install(home, *SHELLS)
    for shell in SHELLS:
        path = cached(home, shell)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert "fake" not in path.read_text()
        assert path.stat().st_mtime_ns == exe.stat().st_mtime_ns


@pytest.mark.parametrize(("shell", "flags"), STARTS)
def test_without_the_program_nothing_happens_silently(
    home: Home, exe: Path, shell: str, flags: str
) -> None:
    home.profiles("a", default="a")
    install(home, shell)
    exe.rename(exe.with_name("moved"))
    found = begin(home, shell, flags, KINDS[shell].snapshot)
    lines = [line for line in found.splitlines() if not line.startswith(("_=", "declare -- _="))]
    assert [line for line in lines if KINDS[shell].own("") in line] == []
    assert "FAL_KEY" not in found


def test_a_cached_file_that_is_gone_is_made_again(home: Home, exe: Path, kind: Kind) -> None:
    home.profiles("a", default="a")
    install(home, kind.name)
    content = cached(home, kind.name).read_bytes()
    shutil.rmtree(home.path / ".cache")
    assert begin(home, kind.name, "-ic", KEY) == is_active("a")
    assert cached(home, kind.name).read_bytes() == content
    assert cached(home, kind.name).stat().st_mtime_ns == exe.stat().st_mtime_ns


EVIL = "echo EVIL\n"  # behind what the copy was made from


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.usefixtures("exe")
def test_a_cached_file_of_another_user_is_not_read(home: Home, kind: Kind) -> None:
    home.profiles("a", default="a")
    install(home, kind.name)
    path = cached(home, kind.name)
    content = path.read_text()
    evil = "".join(content.splitlines(keepends=True)[:3]) + EVIL
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)

    # In a folder that all can write to, another user has put his own in its place.
    path.parent.chmod(0o777)
    path.unlink()
    path.write_text(evil)
    os.chown(path, 1234, 1234)
    os.utime(path, ns=times)
    assert begin(home, kind.name, "-ic", KEY) == is_active("a")
    assert path.read_text() == evil  # falenv has added nothing

    # A file that all can write to is the user's own, but its time, which only he can set, tells.
    os.chown(path, 0, 0)
    path.write_text(evil)
    assert begin(home, kind.name, "-ic", KEY) == is_active("a")

    # A link to a file of the user's.
    path.unlink()
    (home.path / "mine").write_text(evil)
    os.utime(home.path / "mine", ns=times)
    path.symlink_to(home.path / "mine")
    assert begin(home, kind.name, "-ic", KEY) == is_active("a")

    # In a folder that is private again it is put right.
    path.unlink()
    path.parent.chmod(0o700)
    assert begin(home, kind.name, "-ic", KEY) == is_active("a")
    assert path.read_text() == content


def test_a_pin_and_another_store_are_honoured(home: Home, exe: Path, kind: Kind) -> None:  # noqa: ARG001
    home.profiles("a", "b", default="a")
    install(home, kind.name)
    assert begin(home, kind.name, "-ic", KEY, FAL_PROFILE="b") == is_active("b")
    done = home.run(kind.name, "-ic", kind.show("FAL_KEY"), FAL_PROFILE="typo", FAL_KEY="x:y")
    assert done.stdout == "<>"
    assert "typo" in done.stderr
    other = home.path / "other.toml"
    other.write_text(f'[__internal__]\nprofile = "c"\n[c]\nkey = "{KEYS["c"]}"\n')
    for named in (str(other), "other.toml"):
        found = begin(home, kind.name, "-ic", KEY, FAL_CONFIG_PATH=named)
        assert found == is_active("c")
    # A relative one holds in one folder only; another was written down for the next shell.
    home.variables["FAL_CONFIG_PATH"] = str(other)
    begin(home, kind.name, "-ic", KEY)
    assert programs(home, kind.name, "-ic") == (is_active("c"), [])
    home.variables["FAL_CONFIG_PATH"] = "config.toml"
    shutil.copy(other, home.path / "config.toml")
    begin(home, kind.name, "-ic", KEY)
    cd = f"cd .fal; {kind} -ic {shlex.quote(kind.show('FAL_KEY'))}"
    done = home.run("sh", "-c", cd)
    assert done.stdout == f"<{KEYS['a']}>"


def test_an_inherited_key_is_taken_over_and_followed(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", "b", default="a")
    install(home, kind.name)
    rc = f"source ~/{RC[kind.name]}"
    shell = start(kind, rc, FAL_KEY=KEYS["c"])
    assert shell.get("FAL_KEY") == KEYS["a"]
    home.fal("set", "b")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["b"]
    assert shell.talk("fal profile off") == ""
    assert shell.get("FAL_KEY") == KEYS["c"]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_alive_and_silent_under_any_options(
    home: Home, start: Start, exe: Path, name: str, options: str
) -> None:
    home.profiles("a", "b", default="a")
    install(home, name)
    source = f"source ~/{RC[name]}"
    # Twice: by the file, and without it.
    rc = f"{options}\n{source}\n"
    for line in ("", f"touch {shlex.quote(str(exe))}\n"):
        shell = start(name, line + rc + source, TERM="dumb")
        assert shell.greeting + shell.prompts(3) == ""
        assert shell.exported()["FAL_KEY"] == KEYS["a"]
        assert shell.talk("fal profile use b") == ""
        assert shell.exported()["FAL_KEY"] == KEYS["b"]
    # And where the program is gone, which only the first shell says.
    exe.unlink()
    shell = start(name, rc, TERM="dumb")
    notice(shell.greeting + shell.prompts(2), str(exe), "is missing or cannot run")
    assert shell.own("exe") == UNSET
    shell = start(name, rc, TERM="dumb")
    assert shell.greeting + shell.prompts(2) == ""


@pytest.mark.parametrize("options", ["", "set -eu; ", "set -euo pipefail; "])
def test_case_26_not_interactive(home: Home, kind: Kind, options: str) -> None:
    home.profiles("a", default="a")
    install(home, kind.name)
    if not kind.has_flags:
        options = ""
    text = f"{options}source ~/{RC[kind.name]}; {KEY}"
    for _ in range(2):
        done = home.script(kind, text)
        assert (done.stdout, done.stderr, done.returncode) == (is_active("a"), "", 0)
        shutil.rmtree(home.path / ".cache")  # and by a process


def test_a_broken_store_is_said_and_the_shell_starts(home: Home, start: Start, kind: Kind) -> None:
    home.profiles("a", default="a")
    install(home, kind.name)
    home.write("= =")
    shell = start(kind, f"source ~/{RC[kind.name]}")
    notice(shell.greeting)
    assert shell.prompts(2) == ""
    assert shell.get("FAL_KEY") == UNSET
    home.profiles("a", default="a")
    assert shell.prompts() == ""
    assert shell.get("FAL_KEY") == KEYS["a"]


@pytest.mark.parametrize("option", ["-x", "-v"])
@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_case_22_no_key_in_a_trace(home: Home, start: Start, name: str, option: str) -> None:
    home.profiles("a", default="a")
    install(home, name)
    shell = start(name, f"set {option}\nsource ~/{RC[name]}\nset +x; set +v")
    assert shell.get("FAL_KEY") == KEYS["a"]
    assert "source" in shell.greeting
    assert "fakea" not in shell.output
