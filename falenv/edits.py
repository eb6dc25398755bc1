"""The changes to the store: create, the default, settings, accounts, import, rename, delete.

Each function makes one change and brings the index up to date, so that open shells follow. It
returns the store before and after. Errors: StoreError, StoreBusyError. Only a change of the default
refuses a store whose default is odd, and only if it cannot repair that.
"""

from __future__ import annotations

from falenv import index, links, paths, store
from falenv.errors import (
    ExistsError,
    InvalidNameError,
    KeyChangedError,
    NameTakenError,
    NotDefaultError,
    ProfileNotFoundError,
)
from falenv.profile import INTERNAL, check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Any

    from falenv.incoming import Incoming
    from falenv.links import Link
    from falenv.store import Store
    from falenv.tomledit import Change

    Data = MutableMapping[str, Any]


def check_new(found: Store, name: str) -> None:
    """Raise InvalidNameError if a new profile of a store cannot have this name."""
    check_name(name)
    if name in found.data:
        raise InvalidNameError(name, "the store has a global setting of that name")


def set_default(name: str) -> tuple[Store, Store]:
    """Make a profile the default; create it if it does not exist."""

    def edit(data: Data) -> None:
        for table in (name, INTERNAL):
            if table not in data:
                data[table] = {}
        _internal(data)["profile"] = name

    return _change(edit)


def unset_default(name: str) -> tuple[Store, Store]:
    """Leave the store without a default; raise NotDefaultError if the default is not `name` now."""

    def edit(data: Data) -> None:
        internal = data.get(INTERNAL)
        now = internal.get("profile") if isinstance(internal, dict) else None
        if isinstance(now, str) and now != name:
            raise NotDefaultError(name, now)
        _drop_default(data)

    return _change(edit)


def set_key(name: str, key: str) -> tuple[Store, Store]:
    """Give a profile a key, in place of any other source of keys.

    Errors: ProfileNotFoundError if the profile was deleted meanwhile.
    """
    return put(name, {"key": key, "key_command": None, "keyring": None, "key_id": None})


def put(name: str, settings: dict[str, Any], *, only_key: str | None = None) -> tuple[Store, Store]:
    """Give a profile settings, and take those away that are None.

    Errors: ProfileNotFoundError as `set_key`, and KeyChangedError if the profile has another key in
    the store than `only_key` by now, which the edit would lose.
    """

    def edit(data: Data) -> None:
        table = _table(data, name)
        if only_key is not None and table.get("key", only_key) != only_key:
            raise KeyChangedError(name)
        for setting, value in settings.items():
            if value is not None:
                table[setting] = value
            elif setting in table:
                del table[setting]

    return _change(edit)


def note_accounts(
    notes: Mapping[str, Mapping[str, str | None]], keys: Mapping[str, object]
) -> tuple[Store, Store]:
    """Note in the tables of profiles whose their keys are; None removes a setting.

    `keys` has the keys that the notes are about, as the store has them. Leave out a profile that
    was deleted or got another key meanwhile.
    """

    def edit(data: Data) -> None:
        for name, settings in notes.items():
            table = data.get(name)
            if not isinstance(table, dict) or table.get("key") != keys[name]:
                continue
            for setting, value in settings.items():
                if value is not None:
                    table[setting] = value
                elif setting in table:
                    del table[setting]

    return _change(edit)


#: What belongs to a key, and goes with it when another one takes its place.
_OF_A_KEY = ("key_command", "keyring", "key_id", "account", "account_id", "verified", "verified_id")


def is_news(found: Store, one: Incoming) -> bool:
    """Return True if an imported profile would change the store."""
    table = found.data.get(one.name)
    return not isinstance(table, dict) or _changes(table, one) != {}


def add(incoming: list[Incoming], *, replace: bool) -> tuple[Store, Store]:
    """Add imported profiles to the store. With `replace`, give their settings to existing ones.

    Only a new key takes away what belongs to the old one, and its host. The default stays. Errors
    besides: ExistsError without `replace`.
    """

    def edit(data: Data) -> None:
        taken = [one.name for one in incoming if one.name in data and _changes(data[one.name], one)]
        if taken and not replace:
            raise ExistsError(taken)
        for one in incoming:
            if one.name not in data:
                data[one.name] = {}
            table = _table(data, one.name)
            for setting, value in _changes(table, one).items():
                if value is None:
                    del table[setting]
                else:
                    table[setting] = value

    return _change(edit)


def _changes(table: Data, one: Incoming) -> dict[str, str | None]:
    """Return the settings that an imported profile changes in a table; None for those to delete."""
    wanted: dict[str, str | None] = {**one.settings}
    if "key" in one.settings:
        wanted = dict.fromkeys(["key", "host", *_OF_A_KEY]) | wanted
    return {
        setting: value
        for setting, value in wanted.items()
        if (value is None and setting in table)
        or (value is not None and table.get(setting) != value)
    }


def rename(old: str, new: str) -> tuple[Store, Store, list[Link]]:
    """Give a profile a new name, also as the default and in the folders that are linked to it.

    Return the store before and after, and the `.fal-profile` files (see `links.rename`). Errors
    besides: ProfileNotFoundError, and NameTakenError if a profile has the new name.
    """
    from falenv import tomledit

    def edit(data: Data) -> None:
        _table(data, old)
        if new in data:
            raise NameTakenError(new)
        tomledit.rename(data, old, new)
        internal = data.get(INTERNAL)
        if isinstance(internal, dict) and internal.get("profile") == old:
            internal["profile"] = new

    before, after = store.edit(paths.store(), edit)
    links.note_new_name(after.path, old, new)
    changed = links.rename(old, new)
    index.update(after)
    return before, after, changed


def save(base: str, text: str) -> tuple[Store, Store]:
    """Replace the whole text of the store; raise StoreChangedError if it is not `base` now."""
    before, after = store.write(paths.store(), base, text)
    index.update(after)
    return before, after


def delete(name: str) -> tuple[Store, Store]:
    """Delete a profile. If it is the default, leave the store without one."""

    def edit(data: Data) -> None:
        internal = data.get(INTERNAL)
        if isinstance(internal, dict) and internal.get("profile") == name:
            _drop_default(data)
        if name in data:
            del data[name]

    return _change(edit)


def _change(edit: Change) -> tuple[Store, Store]:
    before, after = store.edit(paths.store(), edit)
    index.update(after)
    return before, after


def _drop_default(data: Data) -> None:
    if INTERNAL in data and "profile" in _internal(data):
        del data[INTERNAL]["profile"]


def _internal(data: Data) -> Data:
    """Return the table that has the default; raise StoreError if it is not a table."""
    found: Data = data[INTERNAL]
    error = None if isinstance(found, dict) else store.read(paths.store()).default_error
    if error:
        raise error
    return found


def _table(data: Data, name: str) -> Data:
    if not isinstance(data.get(name), dict):
        raise ProfileNotFoundError(name, "argument", list(data))
    found: Data = data[name]
    return found
