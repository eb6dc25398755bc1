"""The profiles, as the table or the JSON of `fal profile list`."""

from __future__ import annotations

from falenv import fast, notices, paths, store, table, verify
from falenv.active import choice
from falenv.console import echo, is_utf8, say, terminal_width
from falenv.masking import as_json as as_json_text
from falenv.masking import masked, message, printable, shown
from falenv.profile import EXEC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from falenv.profile import Profile
    from falenv.store import Store


def show(*, as_json: bool) -> None:
    """Print all profiles of the store. Errors: StoreError."""
    found = store.read(paths.store())
    fast.tell_hookless()
    active, why = choice(found)
    if as_json:
        profiles = [_as_json(found, name, is_active=name == active) for name in found.names]
        echo(as_json_text({"profiles": profiles}))
    elif found.names:
        _table(found, active, why)
        if why == "pin":
            say(f"FAL_PROFILE pins this shell to {shown(active)}")
    else:
        say(notices.first_contact(found))
    if found.default_error:
        say(str(found.default_error))


def _as_json(found: Store, name: str, *, is_active: bool) -> dict[str, Any]:
    """Return what `list --json` says about a profile: first the official CLI's fields."""
    profile, problem = found.profiles.get(name), found.unusable.get(name)
    return {
        "profile": masked(name),
        "is_set": is_active,
        "settings": list(map(masked, found.data[name])),
        "is_default": name == found.default,
        "is_protected": found.is_protected(name),
        "env": EXEC if profile and profile.is_exec_only else None,
        "key_source": profile.source if profile else None,
        "key_id": profile.id or None if profile else None,
        "host": masked(profile.host) if profile and profile.host else None,
        "account": _account(found, profile) or None,
        "problem": message(str(problem)) if problem else None,
        "note": _note(found, profile) or None,
    }


def _account(found: Store, profile: Profile | None) -> str:
    """Return the account that `verify` found for a profile's key, or an empty string."""
    return verify.noted(found.data[profile.name], profile.key)[0] if profile else ""


def _note(found: Store, profile: Profile | None) -> str:
    """Return what to know about a profile that can be used all the same, or an empty string."""
    if profile is None:
        return ""
    notes = ["protected"] if profile.is_protected else []
    if profile.has_source:
        notes.append(f"key from {profile.source_words}: in the official CLI only through falenv")
    if profile.is_exec_only:
        notes.append("only for exec and for fal")
    if profile.flaw:
        line = found.line_of(profile.name, "key")
        notes.append(f"the key {profile.flaw}" + (f", line {line}" if line else ""))
    return "; ".join(notes)


def _table(found: Store, active: str, why: str) -> None:
    """Print all profiles. On a terminal, an id is cut first: its beginning tells two apart."""
    accounts = {name: _account(found, profile) for name, profile in found.profiles.items()}
    headings = ["Default", "Profile", "Key ID", "Account", "Active here", "Settings"]
    rows = []
    for name in found.names:
        profile = found.profiles.get(name)
        settings = ", ".join(one for one in found.data[name] if one in {"key", "host"})
        if profile is None:
            settings = f"unusable: {found.unusable[name].reason}"
        elif _note(found, profile):
            settings = f"{settings} ({_note(found, profile)})".lstrip()
        rows.append(
            [
                "*" if name == found.default else "",
                printable(masked(name)),
                printable(profile.id) if profile else "",
                accounts.get(name, ""),
                why if name == active else "",
                printable(settings),
            ]
        )
    if not any(accounts.values()):
        for row in (headings, *rows):
            del row[3]
    drawn = table.draw(headings, rows, terminal_width(), cut="Key ID", plain=not is_utf8())
    echo(drawn, end="")
