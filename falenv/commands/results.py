"""What a command has done, as JSON: the option `--json`, and the object that it prints."""

from __future__ import annotations

import click

from falenv.masking import as_json, masked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from falenv.store import Store

option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def emit(after: Store | None, **fields: object) -> None:
    """Print what the current command has done: its name, `fields`, and the default of a store.

    Names in `fields` are masked already.
    """
    what = {"command": click.get_current_context().info_name, **fields}
    if after:
        what |= {"default": masked(after.default) or None, "store": after.path}
    click.echo(as_json(what))
