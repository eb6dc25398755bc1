"""The profile that is active here, and why, for `fal profile current`."""

from __future__ import annotations

import os

from falenv import detect, envfiles, fast, links, notices, paths, segment, store, timed
from falenv.active import Active, for_program, is_asked_for, resolve
from falenv.active import shown as shown_profile
from falenv.console import echo, say
from falenv.environment import adopt, rivals
from falenv.errors import FalenvError
from falenv.masking import as_json as as_json_text
from falenv.masking import as_word, key_id, label, mask, masked, message, printable, shown
from falenv.program import runnable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.profile import Profile
    from falenv.store import Store


def show(*, as_json: bool = False, in_full: bool = False) -> None:
    """Print the active profile of this shell, and what keeps programs from using it.

    With `in_full`, add the steps that lead to it, and the credential of each client. Errors: as
    `resolve`.
    """
    mark = fast.mark_of_shell()
    found = store.read(paths.store())
    try:
        active, coming = in_this_shell(found)
    except FalenvError:
        if in_full:  # the steps show what is wrong
            _explain(found, mark, as_json=as_json)
        raise
    notices.tell_of_flaw(found, active.profile)
    if as_json:
        about = _current_as_json(found, active, coming)
        if in_full:
            _explain(found, mark, as_json=True, about=about)
        else:
            echo(as_json_text(about))
        return
    _print_current(found.path, active)
    if in_full:
        _explain(found, mark)
    if active is not coming:
        now = f"{shown(coming.name)} is active" if coming.name else "no profile is active"
        say(f"{now} now; this shell follows at its next prompt, or with: fal profile use --default")
    _tell_of_folder(found)
    hint = notices.first_contact(found)
    if hint and active.why == "none":
        say(hint)
        return
    again = as_word(active.name) if active.why == "pin" else "--default"
    _tell_of_key(active, f"fal profile use {again}" if mark else "")


def _explain(
    found: Store, mark: str, *, as_json: bool = False, about: dict[str, object] | None = None
) -> None:
    """Print the steps that choose a profile, and the credential of each client.

    `about` is what the JSON says besides.
    """
    from falenv import explain

    is_integrated = fast.is_integrated(mark)
    if as_json:
        steps = explain.as_json(found, is_integrated=is_integrated)
        echo(as_json_text((about or {}) | steps))
        return
    for line in explain.lines(found, is_integrated=is_integrated):
        echo(message(runnable(line)))


def _tell_of_folder(found: Store) -> None:
    """Say which `.fal-profile` files are passed over here, and which `.env` has another key."""
    for other in links.chain():
        if other.verdict != "allowed":
            reason = "you denied it" if other.verdict == "denied" else "you have not allowed it"
            say(
                other.problem
                or f"{other.path} is ignored, because {reason}; to use it: fal profile allow"
            )
    for file, owner in envfiles.other_keys(links.here(), key_id(os.environ.get("FAL_KEY"))):
        notices.tell_of_env_file(file, owner, found.names_by_id.get(owner, ""))


def _current_as_json(found: Store, active: Active, coming: Active) -> dict[str, object]:
    profile = active.profile
    given = os.environ.get("FAL_KEY")
    names = found.names_by_id
    return {
        "profile": masked(active.name) or None,
        "why": active.why,
        "until": timed.until() or None,
        "next": masked(coming.name) or None,
        "store": found.path,
        "folder": links.chain()[-1].path if active.why == "folder" else None,
        "default": masked(found.default) or None,
        "key": _masked_key(profile) if profile and (profile.key or profile.known_id) else None,
        "key_source": profile.source if profile else None,
        "host": masked(profile.host) if profile and profile.host else None,
        "shell": {
            "key": mask(given) if given else None,
            "is_active": given == (profile.shell_key if profile else None) and not rivals(),
            "rivals": rivals(),
        },
        "dotenv": [
            {
                "file": file,
                "key": mask(f"{owner}:"),
                "profile": masked(names.get(owner, "")) or None,
            }
            for file, owner in envfiles.other_keys(links.here(), key_id(given))
        ],
    }


def _print_current(path: str, active: Active) -> None:
    profile = active.profile
    if active.why == "nobody":
        _show_none(os.environ.get("FAL_KEY"))
    elif profile is None:
        echo(printable(f"No profile is active: {path} sets no default."))
    else:
        file = detect.set_by_direnv("FAL_PROFILE", unchanged=True)
        source = {
            "default": f"the default in {path}",
            "folder": f"named by {links.chain()[-1].path if active.why == 'folder' else ''}",
            "pin": f"pinned by FAL_PROFILE{f' in {file}' if file else ''}{timed.words()}",
            "shell": "since the last prompt of this shell",
        }
        echo(printable(f"{masked(profile.name)} ({source[active.why]})"))
        echo(printable(f"key   {_masked_key(profile)}{_about_key(profile)}"))
        if profile.host:
            echo(printable(f"host  {masked(profile.host)}"))


def _masked_key(profile: Profile) -> str:
    """Return the key for a terminal: its id, also that of a key that nobody has fetched yet."""
    if profile.suffix == segment.LOCKED:
        return mask(f"{profile.known_id}:") if profile.known_id else "unknown"
    return mask(profile.key)


def _about_key(profile: Profile) -> str:
    """Return what `current` says behind the key of a profile."""
    about = []
    if profile.has_source:
        what = f"from {profile.source_words}"
        about.append(f"{what}, so the official CLI has it only through falenv")
    if profile.is_exec_only:
        about.append("only for exec and for fal, not in this shell")
    elif profile.suffix:
        about.append(f"not in this shell; to get it: fal profile use {as_word(profile.name)}")
    return f" ({'; '.join(about)})" if about else ""


def _show_none(given: str | None) -> None:
    """Print what `use --none` means here. `given` is a FAL_KEY that was set after it."""
    since = [f"FAL_KEY ({mask(given)})"] if given else []
    since += rivals()
    if not since:
        echo("This shell has no fal credentials (fal profile use --none).")
        return
    echo("This shell had no fal credentials (fal profile use --none).")
    say(f"set since then: {', '.join(since)}; to remove that: fal profile use --none")


def in_this_shell(found: Store) -> tuple[Active, Active]:
    """Return the profile that programs use in this shell, and the one of its next prompt.

    The two differ if someone has switched since the last prompt. Errors: as `resolve`.
    """
    coming = resolve(found)
    if coming.why == "nobody" or is_asked_for() or shown_profile() in {"", label(coming.name)}:
        _adopt(coming)
        return coming, coming
    here = Active(for_program(found).profile, "shell")
    _adopt(here)
    return here, coming


def _adopt(active: Active) -> None:
    if active.profile:
        adopt(active.profile)


def _tell_of_key(active: Active, cure: str) -> None:
    """Say if a variable makes programs use another account than the active profile's.

    `cure` is the command for it. It is empty in a shell that has to load falenv first.
    """

    def to(aim: str) -> str:
        return f"{aim}: {cure}" if cure else notices.loading(aim)

    given = os.environ.get("FAL_KEY")
    if active.profile and rivals():
        say(
            f"these variables choose another account or server: {', '.join(rivals())}; "
            f"{to('to set them aside')}"
        )
    expected = active.profile.shell_key if active.profile else None
    if active.profile and not (given or expected):
        login = notices.of_login(active.profile)
        if login:
            say(login)
    if given == expected or active.why == "nobody":
        return
    file = detect.set_by_direnv("FAL_KEY", unchanged=True)
    if file:
        cure = f"edit {file}, which sets FAL_KEY"
    if given is None:
        say(f"FAL_KEY is not set in this shell; {to('to set it')}")
    elif active.profile is None:
        say(f"programs use the FAL_KEY of this shell: {mask(given)}")
    elif expected is None:
        own = f"FAL_KEY in this shell is not an active profile's key: {mask(given)}"
        say(f"{own}; {file} sets it" if file else own)
    else:
        say(f"FAL_KEY in this shell is not the profile's key: {mask(given)}; {to('to replace it')}")
