"""Environment, dialect and shell files → the code that a shell evals, and its cached copy."""

from __future__ import annotations

import os
import sys

from falenv import __version__, assets, files, index, links, notices, paths, segment
from falenv.active import EDITS, NOBODY, SWITCHES
from falenv.dialects import POSIX
from falenv.environment import HOSTS, RIVALS, VARIABLES, suffix
from falenv.masking import key_id, label, masked, message
from falenv.profile import DEFAULT_HOST
from falenv.program import beginning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.active import Active
    from falenv.dialects import Dialect
    from falenv.environment import Environment


def integration(
    dialect: Dialect, state: str, *, show_segment: bool | None, program: str = "", cached: str = ""
) -> str:
    """Return the integration of a shell: a prelude of assignments, the shell's files, `state`.

    The prelude assigns all values that vary. The files follow unchanged, except that comments are
    removed. So no value ever lands inside other code. With None for `show_segment`, a shell that
    has an integration already keeps its choice.
    """
    known = {
        "exe": program or paths.program(),
        "python": sys.executable,
        "main": paths.main(),
        "cached": cached,
        "dialect": dialect.name,
        "protocol": str(paths.PROTOCOL),
        "vars": " ".join(VARIABLES),
        "outputs": " ".join(name for name in VARIABLES if name not in RIVALS),
        "rivals": " ".join(RIVALS),
        "default_host": DEFAULT_HOST,
        "nobody": NOBODY,
        "switches": f" {' '.join(SWITCHES)} ",
        "edits": f" {' '.join(EDITS)} ",
        "verdicts": paths.verdicts(),
        "notices": paths.notices(),
        "link_max": str(links.LONGEST + 1),
        "segment_off": "" if show_segment else "yes",
        "format": segment.FORMAT,
        "mark_pin": segment.MARKS["pin"],
        "mark_folder": segment.MARKS["folder"],
        "mark_touched": segment.TOUCHED,
        "default_sgr": segment.DIM,
        "gone": notices.GONE % (program or paths.program()),
        "readonly_hook": notices.READONLY_HOOK,
        "readonly_key": notices.READONLY_KEY,
        "rivals_aside": notices.RIVALS_ASIDE,
        "replaced_hook": notices.REPLACED_HOOK,
        "restricted": notices.RESTRICTED,
        "time_over": notices.TIME_OVER,
    }
    if show_segment is None:
        del known["segment_off"]
    if dialect is POSIX:
        known["older"], known["newer"] = index.clock_probe()
        known["kept_fal"] = notices.KEPT_FAL
    if dialect.name == "fish":
        known["old_fish"] = notices.OLD_FISH
    completion = ""
    if dialect.completes_late:
        known["completions"] = assets.path("completions", dialect.completion)
    elif dialect.completion:
        completion = assets.read("completions", dialect.completion)
    prelude = "".join(dialect.assign(f"__falenv_{name}", value) for name, value in known.items())
    for part in dialect.parts:
        code = without_comments(assets.read("shell", f"{part}.{dialect.name}"))
        prelude += dialect.shelve(f"__falenv_code_{part}", code)
    scripts = "".join(assets.read("shell", script) for script in dialect.scripts)
    return prelude + without_comments(scripts + completion) + dialect.embed(state)


def without_comments(code: str) -> str:
    """Return shell code without its comment lines and empty lines.

    Without them a shell starts 5% faster. No such line in shell/ may be part of a string. A test
    compares how the shells parse the code with and without them.
    """
    lines = code.splitlines(keepends=True)
    return "".join([line for line in lines if line.lstrip()[:1] not in {"", "#"}])


def state(
    dialect: Dialect, active: Active, environment: Environment, store_path: str, index_path: str
) -> str:
    """Return the code that gives a shell an environment: exports, and facts about the profile.

    A refresh prints the same code. The key is only in the export. The facts include its id.
    Without an active profile the shell gives the user's own values back.
    """
    profile = active.profile
    dialect = dialect.state
    return (
        dialect.call("__falenv_give_back" if active.why == "none" else "__falenv_set_aside")
        + dialect.render(environment)
        + dialect.assign("__falenv_name", masked(active.name))
        + dialect.assign("__falenv_shown", label(active.name))
        + dialect.assign("__falenv_why", "pin" if active.why == "argument" else active.why)
        + dialect.assign("__falenv_sgr", profile.sgr if profile else segment.DIM)
        + dialect.assign("__falenv_suffix", suffix(active))
        + dialect.assign("__falenv_id", key_id(environment.get("FAL_KEY")))
        + dialect.assign("__falenv_ours", _payer(environment))
        + seen_state(dialect, store_path, index_path)
    )


def _payer(environment: Environment) -> str:
    """Return what a shell compares to see that key and hosts are as falenv has set them."""
    return ":".join(environment.get(name) or "" for name in ("FALENV_KEY_ID", *HOSTS))


def start_state(  # noqa: PLR0913 - what a new shell has to know
    dialect: Dialect,
    store_path: str,
    index_path: str,
    pin: str | None = None,
    *,
    hint: str = "",
    failure: str = "",
) -> str:
    """Return the code that a new shell gets instead of a state.

    With `pin`, it pins the shell to that profile. If `pin` is empty, it takes the pin away.

    The shell prints `hint` if it can tell that a person has typed the eval. If no profile can be
    resolved, `failure` says whether the shell has no key (`failed`) or the user's own (`none`).

    The code contains no key and no active profile. The shell takes both from the store, as it does
    after a change. So the code can be cached, and a trace of the eval shows no key.
    """
    # The folder, not the file, whose name changes with each version of the store. Only after a
    # failure the shell waits for the next version.
    indexes = index_path if failure else index_path[: index_path.rfind("/") + 1]
    dialect = dialect.state
    pinned = ""
    if pin is not None:
        pinned = dialect.render({"FAL_PROFILE": pin or None}) + dialect.assign("__falenv_pin", pin)
    return (
        pinned
        + dialect.assign("__falenv_store", store_path)
        + dialect.assign("__falenv_index", indexes)
        + dialect.assign("__falenv_where", paths.where())
        + dialect.assign("__falenv_hint", message(f"falenv: {hint}") if hint else "")
        + dialect.assign("__falenv_failure", failure)
        + dialect.call("__falenv_start")
    )


def seen_state(dialect: Dialect, store_path: str, index_path: str) -> str:
    """Return the part of the state that says which version of the store was read."""
    dialect = dialect.state
    return (
        dialect.assign("__falenv_store", store_path)
        + dialect.assign("__falenv_index", index_path)
        + dialect.call("__falenv_note_state")
    )


def write_cached(
    path: str, dialect: Dialect, program: str, store_path: str, index_path: str
) -> None:
    """Write the integration to a file, so that a new shell can read it without a process.

    The file contains no key. Its first lines say from which script, package and version it was
    made. Its mtime is the mtime of the program. For a checkout, a file beside it has the mtime of
    the newest file. If a shell finds anything else, the program was replaced or someone else wrote
    the file. The shell then runs the program, and does the same if the file could not be written.
    """
    state = start_state(dialect, store_path, index_path)
    code = integration(dialect, state, show_segment=True, program=program, cached=path)
    made_from = _made_from(program)
    content = (made_from + _check(dialect) + code).encode("utf-8", "surrogateescape")
    folder = os.path.dirname(path)
    if made_from.count("\n") != 3:  # noqa: PLR2004 - a path with a line break would become code
        return
    try:
        copies = {path: (content, os.stat(program).st_mtime_ns)}
        if assets.edited():
            newest_ns = max(os.stat(file).st_mtime_ns for file in assets.edited())
            copies[path + paths.NEWEST] = (b"", newest_ns)
        for name, (text, mtime_ns) in copies.items():
            if not files.contains(name, text, mtime_ns):
                files.make_folders(folder)
                files.check_folder(folder)
                files.replace(name, text, mtime_ns=mtime_ns)
    except OSError:
        return


def _check(dialect: Dialect) -> str:
    """Return what a copy begins with if it says itself whether it is current.

    In fish the start-up file says so, since that file is falenv's own.
    """
    if not dialect.check:
        return ""
    return (
        dialect.assign("__falenv_python", sys.executable)
        + dialect.assign("__falenv_main", paths.main())
        + without_comments(assets.read("shell", dialect.check))
    )


def _made_from(program: str) -> str:
    """Return three comment lines: how the program begins, its package, its version."""
    first = beginning(program).partition(b"\n")[0]
    line = os.fsdecode(first) if first.startswith(b"#!") and b"\0" not in first else ""
    package = os.path.join(paths.package(), "falenv")
    return f'#{line}\n#{package}\n#__version__ = "{__version__}"\n'
