"""What is to be evaled gives each shell the value, byte for byte, and changes nothing else.

A shell is started once for many values. The long form tries thousands, with a seed of their own,
which is printed with the figures; `FALENV_SEED` repeats one.
"""

from __future__ import annotations

import os
import random
import re
import shlex
import unicodedata
from typing import TYPE_CHECKING

import pytest
from conftest import KEYS, LONG, SCRIPTS, SHELLS, Home, seed
from driver import KINDS, Kind, needs
from test_values import HOSTILE, toml

from falenv import dialects
from falenv.active import Active
from falenv.environment import VARIABLES, environment
from falenv.errors import KeyNotCarriedError
from falenv.masking import masked, printable
from falenv.profile import Profile
from falenv.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SEED = seed(5)

#: The shells, and the dialect that each is spoken to in: exports in bash's are POSIX.
DIALECTS = {name: name for name, dialect in dialects.DIALECTS.items() if dialect.has_eval} | {
    "dash": "bash",
    "sh": "bash",
}

#: Characters that something on the way may treat in a way of its own.
SHARP = "'\"\\$`!#%^&*(){}[]<>|;~=@?-+,.: \t\n\rabn01"
CONTROLS = "".join(map(chr, [*range(1, 32), 127]))
ODD = (
    "\u0080\u0085\u009b\u00a0\u00ad\u0300\u0301\u200b\u200d\u2028\u2029\u202e\u2066\ufeff\ufffd\ufffe"
    "\ufdd0\ufdef\ue000\uf600\uf601\uf6ff\uf700\uf8ff\U0001f511\U000e0001\U000fffff\U0010ffff"
    "\u0663\u00b2\u2018\u2019\u201c\u201d\uff07\u0430\u65e5"
)  # fmt: skip


def text(chance: random.Random, longest: int = 30, plain: str = "") -> str:
    """Return any text that an environment variable can hold; of `plain` characters, if given."""
    if not plain and chance.random() < 0.2:
        return chance.choice(HOSTILE) + chance.choice(["", "'", "\\", "\n", *HOSTILE])
    any_char = "".join(
        chr(code)
        for code in (chance.randrange(1, 0x110000) for _ in range(8))
        if not 0xD800 <= code < 0xE000
    )
    alphabet = plain or chance.choice([SHARP, SHARP, CONTROLS + SHARP, ODD + "'\\", any_char])
    length = chance.randrange(1, longest)
    if not plain and chance.random() < 0.01:
        length = chance.choice([255, 256, 4095, 4096, 8192, 15_000])
    return "".join(chance.choice(alphabet) for _ in range(length))


def usable(key: str) -> str:
    """Return a key without what makes a stored key unusable (case 79)."""
    kept = (char for char in key if char.isprintable() and not char.isspace())
    return f"k{''.join(char for char in kept if unicodedata.category(char) not in {'Mn', 'Me'})}:"


def name_of_file(chance: random.Random) -> bytes:
    """Return any name that a folder can have."""
    name = text(chance, 20).encode("utf-8", "surrogateescape").replace(b"/", b"_")[:60]
    if chance.random() < 0.3:
        at = chance.randrange(len(name) + 1)
        name = name[:at] + bytes([chance.randrange(128, 256)]) + name[at:]
    return name if name not in {b".", b".."} else b"..."


# --- The exports ---------------------------------------------------------------------------------

PRINTS = ["FAL_KEY", "FAL_HOST", "FAL_QUEUE_RUN_HOST", "FALENV_PROFILE", "FAL_PROFILE"]

#: Eval the code in each of `count` files and write what the variables hold then.
BATCH = {
    "posix": """\
n=0
while [ "$n" -lt {count} ]; do
    eval "$(cat code/$n; echo :)"
    printf '%s\\0' {words} >> out
    env -0 | tr -d '\\n' | grep -z '^FAL_KEY=' >> exported
    n=$((n+1))
done
""",
    "fish": """\
set n 0
while test $n -lt {count}
    eval "$(cat code/$n)"
    printf '%s\\0' {words} >> out
    env -0 | tr -d '\\n' | grep -z '^FAL_KEY=' >> exported
    set n (math $n + 1)
end
""",
}

#: What shows all that a shell has.
SHOW = {
    "bash": "declare -p; declare -F; set -o; shopt; trap; alias; complete; ulimit -a",
    "zsh": "typeset -p; print -l ${(ok)functions}; setopt; unsetopt; trap; alias -L; ulimit -a",
    "dash": "set; set -o; trap; alias; ulimit -a",
    "sh": "set; set -o; trap; alias; ulimit -a",
    "fish": "for v in (set -n); echo $v (set -qx $v; and echo x)"
    " (string escape --style=url -- $$v); end; functions -a -n; complete; functions --handlers;"
    " abbr; ulimit -a",
}
ALSO = "pwd; umask; jobs; ls -Glo --time-style=+ /proc/{pid}/fd; ls -lRA --time-style=+ ."

#: Write that to `$1`, for a comparison.
DUMP = {
    name: f"dump() {{ {{ {show}; {ALSO.format(pid='$$')}\n}} > ../dump 2> ../no\n"
    "mv ../dump ../$1; }"
    for name, show in SHOW.items()
}
DUMP["fish"] = (
    f"function dump; begin; {SHOW['fish']}; {ALSO.format(pid='$fish_pid')}\n"
    "end > ../dump 2>/dev/null; mv ../dump ../$argv[1]; end"
)

#: What a shell itself changes from line to line.
NOISE = re.compile(
    r"""(declare|typeset|export)?\ *(-\S+\ )*
    (_|n|v|BASH_\w+|RANDOM|SRANDOM|SECONDS|EPOCH\w+|LINENO|OPTIND|PIPESTATUS|pipestatus|TTYIDLE|name
    |PPID|status|status_generation|fish_kill_signal|argv|COLUMNS|LINES|FUNCNAME|funcstack|history
    |_comps|commands|dirstack|parameters|functions|funcfiletrace|funcsourcetrace|jobstates|functrace
    |usergroups|nameddirs|userdirs|words|ARGC|0|PROMPT_EOL_MARK|zsh_eval_context|ZSH_EVAL_CONTEXT
    |errnos|options|aliases|galiases|saliases|builtins|reswords|patchars|modules|termcap|terminfo
    |epochtime|sysparams|signals|langinfo|mapfile|widgets|keymaps|dis_\w+|functions_source
    |fish_killring|__fish_\w+|historywords|jobdirs|jobtexts
    |HOME|FAL_CONFIG_PATH|exe|names|name)\b  # the test's own
    |l.+\ (3|4)\ ->\ pipe:  # by which zsh waits until a child has begun""",
    re.VERBOSE,
)
OURS = re.compile(
    r"\W*((declare|typeset|export|complete|set)\b)?( -\S+)* ?\W?"
    r"(FAL_|FALENV_|__falenv_|falenv_prompt|fal\b|falenv\b)"
)


def differences(folder: Path, one: str, other: str, *, but_ours: bool) -> list[str]:
    """Return the lines that are not in both dumps."""
    lines = [(folder / dump).read_text(errors="replace").splitlines() for dump in (one, other)]
    assert len(lines[0]) > 20, lines[0]
    changed = [line for line in [*lines[0], *lines[1]] if (line in lines[0]) != (line in lines[1])]
    return [
        line for line in changed if not NOISE.match(line) and not (but_ours and OURS.match(line))
    ]


def run(home: Home, shell: str, script: str, folder: Path) -> None:
    """Run a script in a shell; it has to be silent."""
    (home.path / "script").write_text(script)
    flags = KINDS[shell].flags if shell in KINDS else ()
    command = shlex.join([needs(shell), *flags]) + " ../script 2> ../err"
    words = ["sh", "-c", f"cd {shlex.quote(str(folder))} && exec {command}"]
    status = os.spawnvpe(os.P_WAIT, "/bin/sh", words, home.variables)
    assert (home.path / "err").read_text(errors="replace") == ""
    assert status == 0


@pytest.mark.fire
@pytest.mark.parametrize("locale", ["C.UTF-8", "C"] if LONG else ["C.UTF-8"])
@pytest.mark.parametrize("shell", DIALECTS)
def test_exports_are_exact_and_change_nothing_else(
    home: Home, shell: str, locale: str, figure: Callable[[str], None]
) -> None:
    count = 1500 if LONG else 120
    needs(shell)
    syntax = KINDS.get(shell, KINDS["dash"])
    chance = random.Random(SEED)
    dialect = dialects.find(DIALECTS[shell])
    work = home.path / "work"
    (work / "code").mkdir(parents=True)
    expected: list[bytes] = []
    keys: list[bytes] = []
    for number in range(count):
        # FALENV_PROFILE spells an odd character as ten others, and may have 64 KiB.
        key, name = text(chance), text(chance)[:6_000]
        host = chance.choice([None, None, "api.fal.ai", "api.x-1.example.com:65535"])
        profile = Profile(name, {"host": host} if host else {})
        profile.key = key  # the dialects quote more than a store may have (case 79)
        why = chance.choice(("default", "argument"))
        store = Store("", "", None)
        variables = environment(Active(profile, why), store)  # type: ignore[arg-type]
        if why == "default":
            variables |= {"FAL_PROFILE": None}
        code = dialect.render(variables)
        (work / "code" / str(number)).write_bytes(code.encode("utf-8", "surrogateescape"))
        queue = variables["FAL_QUEUE_RUN_HOST"] or ""
        pin = name if why == "argument" else ""
        values = [key, host or "", queue, variables["FALENV_PROFILE"] or "", pin]
        expected += [value.encode() for value in values]
        keys.append(b"FAL_KEY=" + key.encode().replace(b"\n", b""))
    # The last code leaves nothing: what a dump then shows beside it is a change.
    (work / "code" / str(count)).write_text(
        dialect.render(dict.fromkeys([*VARIABLES, "FAL_PROFILE"]))
    )
    batch = BATCH.get(shell, BATCH["posix"]).format(count=count + 1, words=syntax.words_of(*PRINTS))
    quiet = batch.replace(">> out", ">> ../out").replace(">> exported", ">> ../exported")
    home.variables["LC_ALL"] = locale
    begin = syntax.assign("n", "0")
    script = f"{DUMP[shell]}\n{begin}\ndump warm\ndump before\n{quiet}dump after\n"
    run(home, shell, script, work)
    found = (home.path / "out").read_bytes().split(b"\0")[:-1]
    assert len(found) == len(expected) + len(PRINTS)
    wrong = [(want, got) for want, got in zip(expected, found, strict=False) if want != got]
    assert wrong == [], (SEED, wrong[:3])
    assert found[-len(PRINTS) :] == [b""] * len(PRINTS)
    assert (home.path / "exported").read_bytes().split(b"\0")[:-1] == keys
    assert differences(home.path, "before", "after", but_ours=False) == []
    figure(
        f"eval: {shell} in {locale}: {len(expected)} values of {count} profiles, exact "
        f"(seed {SEED})"
    )


def test_a_value_that_no_program_could_be_started_with_is_refused(home: Home, kind: Kind) -> None:
    for key, refused in (("k:" + "x" * 65_000, False), ("k:" + "é" * 40_000, True)):
        profile = Profile("a", {"key": key})
        if refused:
            with pytest.raises(KeyNotCarriedError, match="with more than 65536 bytes"):
                environment(Active(profile, "default"), Store("", "", None))
    home.write(
        f'[a]\nkey = "{KEYS["a"]}"\n'
        f'[big]\nkey = "k:{"x" * 200_000}"\n[fit]\nkey = "k:{"x" * 60_000}"\n'
    )
    done = home.script(
        kind,
        f"{kind.eval_line('a')}; fal profile use big; echo {kind.status}; /bin/echo alive;"
        "fal profile use fit; printenv FAL_KEY | wc -c",
    )
    assert done.stdout.split() == ["1", "alive", "60003"]
    assert done.stderr.count("falenv: ") == 1
    assert "xxx" not in done.stderr


# --- The integration, and the index --------------------------------------------------------------

LOOP = {
    "posix": """\
while IFS= LC_ALL=C read -r -d '' HOME; do
    IFS= LC_ALL=C read -r -d '' FAL_CONFIG_PATH
    IFS= LC_ALL=C read -r -d '' exe
    IFS= read -r -d '' names
    export HOME FAL_CONFIG_PATH
    name=
    [ -e ../before ] || dump before
    eval "$("$exe" profile env --shell {shell})"
    printf '%s\\0' "$OWN_EXE" "$FAL_KEY" >> ../out
    while IFS= read -r -d '' name; do
        fal profile use -- "$name"
        printf '%s\\0' "$FAL_KEY" "$FALENV_PROFILE" "$FAL_PROFILE" >> ../out
    done < "$names"
    fal profile use --default
    printf '%s\\0' "$FAL_KEY" >> ../out
    dump during
    fal profile off
    dump after
done < ../homes
""",
    "fish": """\
while read -z HOME
    read -z -gx FAL_CONFIG_PATH
    read -z -g exe
    read -z -g names
    set -g name
    test -e ../before; or dump before
    eval "$($exe profile env --shell fish | string collect)"
    printf '%s\\0' "$OWN_EXE" "$FAL_KEY" >> ../out
    while read -z -g name
        fal profile use -- $name
        printf '%s\\0' "$FAL_KEY" "$FALENV_PROFILE" "$FAL_PROFILE" >> ../out
    end < $names
    fal profile use --default
    printf '%s\\0' "$FAL_KEY" >> ../out
    dump during
    fal profile off
    dump after
end < ../homes
""",
}

#: What stands in a TOML string as it is: a shell reads it with builtins.
RAW = "".join(chr(code) for code in range(32, 127) if chr(code) not in '"\\') + "é日\U0001f511"


@pytest.mark.fire
@pytest.mark.parametrize("shell", SHELLS)
def test_the_integration_in_odd_places_with_odd_names(
    home: Home, shell: str, figure: Callable[[str], None]
) -> None:
    places, profiles = (16, 50) if LONG else (4, 12)
    chance = random.Random(SEED)
    work = home.path / "work"
    work.mkdir()
    rest: list[bytes] = []
    expected: list[bytes] = []
    root = os.fsencode(home.path)
    for number in range(places):
        base = root + b"/" + str(number).encode() + b" " + name_of_file(chance)
        exe = base + b"/" + name_of_file(chance)
        os.makedirs(exe)
        for script in (b"fal", b"falenv"):
            os.symlink(os.fsencode(SCRIPTS) + b"/" + script, exe + b"/" + script)
        store = base + b"/" + name_of_file(chance) + b".toml"
        pairs = {"a": KEYS["a"]}
        for _ in range(profiles):
            if chance.random() < 0.7:
                pairs[text(chance, 12, RAW)] = usable(text(chance, 40, RAW))
            else:
                pairs[text(chance)] = usable(text(chance))
        pairs["a"] = KEYS["a"]  # whatever came by that name
        tables = "\n".join(f"[{toml(name)}]\nkey = {toml(key)}" for name, key in pairs.items())
        with open(store, "w", encoding="utf-8") as file:
            file.write(f'[__internal__]\nprofile = "a"\n{tables}\n')
        os.chmod(store, 0o600)
        names = root + b"/names" + str(number).encode()
        with open(names, "wb") as file_of_names:
            file_of_names.writelines(name.encode() + b"\0" for name in pairs)
        rest += [base, store, exe + b"/fal", names]
        expected += [exe + b"/falenv", KEYS["a"].encode()]
        for name, key in pairs.items():
            expected += [key.encode(), printable(masked(name)).encode(), name.encode()]
        expected += [KEYS["a"].encode()]
    (home.path / "homes").write_bytes(b"".join(item + b"\0" for item in rest))
    loop = (
        LOOP.get(shell, LOOP["posix"])
        .replace("{shell}", shell)
        .replace("OWN_EXE", KINDS[shell].own("exe"))
    )
    run(home, shell, f"{DUMP[shell]}\ndump warm\n{loop}", work)
    found = (home.path / "out").read_bytes().split(b"\0")[:-1]
    wrong = [(want, got) for want, got in zip(expected, found, strict=False) if want != got]
    assert wrong == [], (SEED, wrong[:3])
    assert len(found) == len(expected)
    assert differences(home.path, "before", "during", but_ours=True) == []
    assert differences(home.path, "before", "after", but_ours=False) == []
    assert list(work.iterdir()) == []
    figure(
        f"eval: {shell} in {places} odd places, with {places * profiles} odd profiles, exact "
        f"(seed {SEED})"
    )
