"""The commands that look and tell: verify, doctor."""

from __future__ import annotations

import os
import sys
import time

import click

from falenv import edits, fast, notices, paths, store, verify
from falenv.active import Active, target
from falenv.console import say
from falenv.environment import adopt
from falenv.errors import FalenvError, ProfileNotFoundError, UsageError
from falenv.masking import as_json as as_json_text
from falenv.masking import as_word, label, masked, message, printable, shown
from falenv.program import runnable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from falenv.doctor import Finding
    from falenv.store import Store
    from falenv.verify import Answer


#: The width of a level and the space behind it.
_WIDTH = 9
_COLORS = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "red"}


@click.command("verify")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "every", is_flag=True, help="Verify all profiles.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify_(*, names: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Ask fal whose key it is.

    Show the account of each profile's key: personal or team, paying or not, or locked and why. Note
    the account in the store, for `list`. Say if the account has changed since the last time, and if
    two profiles share a key or an account. Without NAME, verify the active profile.

    A key from a command or the keyring is fetched only for a profile that you name.

    The exit code is 0 if all the keys work.

    \b
        fal profile verify comfy
        fal profile verify --all
    """
    fast.mark_of_shell()
    found = store.read(paths.store())
    if every and names:
        raise UsageError("give either NAME or --all; see: fal profile verify --help")
    wanted = list(_wanted(found, names, every=every))
    for profile in found.profiles.values():
        adopt(profile)
        if profile.name in names:
            fast.unlock(found, Active(profile, "argument"))
    answers = _ask(found, wanted, as_json=as_json)
    lines = [*_changes(found, answers), *_shared(found, answers)]
    if as_json:
        profiles = [_as_json(found, name, answers.get(name)) for name in wanted]
        notes = [printable(line) for line in lines]
        click.echo(as_json_text({"profiles": profiles, "notes": notes}))
    else:
        for line in lines:
            say(line)
    _keep(found, answers)
    if len(answers) < len(wanted) or not all(answer.is_good for answer in answers.values()):
        raise click.exceptions.Exit(1)


def _wanted(found: Store, names: tuple[str, ...], *, every: bool) -> Iterator[str]:
    """Yield the names of the profiles to verify. Errors: as `target`, ProfileNotFoundError."""
    if every:
        if not found.names:
            raise FalenvError(notices.first_contact(found))
        yield from found.names
    elif not names:
        yield target(found, None, "fal profile verify NAME")
    for name in dict.fromkeys(names):
        if name not in found.names:
            raise ProfileNotFoundError(name, "delete", found.names)
        yield name


def _ask(found: Store, names: list[str], *, as_json: bool) -> dict[str, Answer]:
    """Ask fal about the profiles that have a key, print a line for each, return the answers."""
    keys = {name: one.key for name, one in found.profiles.items() if name in names and one.key}
    hosts = {name: verify.rest_host(found.profiles[name].host) for name in keys}
    answers = verify.ask((hosts[name], keys[name]) for name in names if name in keys)
    width = max(len(label(name)) for name in names)
    said: dict[str, Answer] = {}
    for number, name in enumerate(names, 1):
        if name in keys:
            if sys.stderr.isatty():
                say(f"asking {hosts[name]} about {shown(name)} ({number} of {len(names)})")
            said[name] = next(answers)
        if not as_json:
            text = said[name].text if name in said else _unasked(found, name)
            click.echo(printable(f"{label(name):{width}}  {text}"))
    return said


def _unasked(found: Store, name: str) -> str:
    """Return why fal was not asked about a profile."""
    if name in found.unusable:
        return f"not asked: {found.unusable[name].reason}"
    profile, word = found.profiles[name], as_word(name)
    if profile.has_source:
        what = f"not asked: its key comes from {profile.source_words}"
        return f"{what}; to fetch it and ask: fal profile verify {word}"
    return f"not asked: no key in the store; to set one: fal profile key {word}"


def _as_json(found: Store, name: str, answer: Answer | None) -> dict[str, Any]:
    if answer is None:
        has_source = name in found.profiles and found.profiles[name].has_source
        status = "unusable" if name in found.unusable else "not_fetched" if has_source else "no_key"
        return {"profile": masked(name), "status": status, "reason": _unasked(found, name)}
    return {
        "profile": masked(name),
        "status": answer.status,
        "reason": answer.reason or None,
        "host": verify.rest_host(found.profiles[name].host),
        "account": answer.account or None,
        "account_name": answer.name or None,
        "account_id": answer.account_id or None,
        "is_personal": answer.is_personal,
        "is_paying": answer.is_paying,
        "is_locked": answer.status == "locked" if answer.is_accepted else None,
    }


def _changes(found: Store, answers: dict[str, Answer]) -> Iterator[str]:
    """Yield a line for each profile whose key belongs to another account than last time."""
    for name, answer in answers.items():
        table = found.data[name]
        before = table.get("account_id")
        if not (isinstance(before, str) and answer.account_id) or before == answer.account_id:
            continue
        was = printable(masked(str(table.get("account") or before)))
        is_same_key = bool(verify.noted(table, found.profiles[name].key)[1])
        what = "belongs to another account now" if is_same_key else "was replaced"
        yield f"the key of profile {shown(name)} {what}: it was {was}, it is {answer.account}"


def _shared(found: Store, answers: dict[str, Answer]) -> Iterator[str]:
    """Yield a line for each key and each account that a verified profile shares with another."""
    accounts: dict[str, str] = {}
    groups: dict[tuple[str, str], list[str]] = {}
    for name, profile in found.profiles.items():
        account, account_id, _ = verify.noted(found.data[name], profile.key)
        if name in answers and answers[name].account_id:
            account, account_id = answers[name].account, answers[name].account_id
        accounts[account_id] = account
        for group in (("key", profile.key or ""), ("account", account_id)):
            groups.setdefault(group, []).append(name)
    same_key = [set(names) for (kind, what), names in groups.items() if kind == "key" and what]
    for (kind, what), names in groups.items():
        if not what or len(names) == 1 or not set(names) & set(answers):
            continue
        listed = ", ".join(map(shown, names))
        if kind == "key":
            yield f"these profiles have the same key: {listed}"
        elif not any(set(names) <= keys for keys in same_key):
            yield f"these profiles belong to the same account, {accounts[what]}: {listed}"


def _keep(found: Store, answers: dict[str, Answer]) -> None:
    """Note the accounts in the store, in one write. Write nothing if nothing is new."""
    date = time.strftime("%Y-%m-%d")
    notes = {
        name: verify.notes_on(answer, found.data[name], found.profiles[name].key or "", date)
        for name, answer in answers.items()
    }
    if any(
        found.data[name].get(setting) != value
        for name, settings in notes.items()
        for setting, value in settings.items()
    ):
        keys = {name: found.data[name].get("key") for name in notes}
        before, _ = edits.note_accounts(notes, keys)
        notices.tell_of_mode(before)


@click.command("doctor")
@click.option("--fix", "repairs", is_flag=True, help="Repair modes and falenv's own lines.")
@click.option("--network", "asks_fal", is_flag=True, help="Also ask fal about the active key.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor_(*, repairs: bool, asks_fal: bool, as_json: bool) -> None:
    """Find what is wrong here, and how to fix it.

    Look at this shell, the start-up files, the store and the installed programs. Start a new shell
    of each kind that loads falenv, to see whether that works. Each finding has a level: ok, note,
    warning or error. The exit code is 1 if there is an error.

    --fix changes the modes of files, and the lines that `fal profile install` has written. It
    changes nothing else.

    \b
        fal profile doctor
        fal profile doctor --fix
    """
    from falenv import doctor  # with subprocess, which no other command needs

    is_integrated = fast.is_integrated(fast.mark_of_shell())
    findings = doctor.look(is_integrated=is_integrated, asks_fal=asks_fal and not repairs)
    fixed: list[str] = []
    if repairs:
        fixed = doctor.repair(findings)
        findings = doctor.look(is_integrated=is_integrated, asks_fal=asks_fal)
    if as_json:
        rows = [
            {
                "level": one.level,
                "check": one.check,
                "message": message(runnable(one.text)),
                "fix": message(_as_typed(one.fix)) or None,
            }
            for one in findings
        ]
        click.echo(as_json_text({"findings": rows, "fixed": list(map(message, fixed))}))
    else:
        for text in fixed:
            say(f"repaired: {text}")
        for one in findings:
            _print(one)
    if any(one.level == doctor.ERROR for one in findings):
        raise click.exceptions.Exit(1)


def _print(finding: Finding) -> None:
    """Print a finding, and its fix on a line of its own."""
    color = None if os.environ.get("NO_COLOR") else _COLORS[finding.level]
    # click removes the colour unless stdout is a terminal.
    level = click.style(finding.level, fg=color) if color else finding.level
    space = " " * (_WIDTH - len(finding.level))
    click.echo(f"{level}{space}{message(runnable(finding.text))}")
    if finding.fix:
        click.echo(f"{' ' * _WIDTH}fix: {message(_as_typed(finding.fix))}")


def _as_typed(fix: str) -> str:
    """Return a fix with its commands spelled as they work for the reader."""
    return runnable(f" {fix}")[1:]


COMMANDS = (verify_, doctor_)
