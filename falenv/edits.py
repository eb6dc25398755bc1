"""The changes to the store: create, set and unset the default, key, host, rename, delete.

Each function makes one change and brings the index up to date, so that open shells follow. It
returns the store before and after. Errors: StoreError, StoreBusyError. Only a change of the default
refuses a store whose default is odd, and only if it cannot repair that.
"""

from __future__ import annotations

from falenv import index, links, paths, store
from falenv.errors import (
    InvalidNameError,
    NameTakenError,
    NotDefaultError,
    ProfileNotFoundError,
)
from falenv.profile import INTERNAL, check_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

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
    """Give a profile a key; raise ProfileNotFoundError if the profile was deleted meanwhile."""

    def edit(data: Data) -> None:
        _table(data, name)["key"] = key

    return _change(edit)


def set_host(name: str, host: str | None) -> tuple[Store, Store]:
    """Give a profile a host, or take it away with None; raise ProfileNotFoundError as `set_key`."""

    def edit(data: Data) -> None:
        table = _table(data, name)
        if host is not None:
            table["host"] = host
        elif "host" in table:
            del table["host"]

    return _change(edit)


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
