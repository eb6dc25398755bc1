"""What a command has done: the option `--json`, and the object or the lines that it prints."""

from __future__ import annotations

import click

from falenv import outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from falenv.store import Store

option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def command() -> str:
    """Return the name of the current command."""
    return click.get_current_context().info_name or ""


def emit(after: Store | None, **fields: object) -> None:
    """Print what the current command has done, as `outcome.print_json`."""
    outcome.print_json(command(), after, fields)


def report(  # noqa: PLR0913 - as outcome.report
    before: Store,
    after: Store,
    mark: str,
    lines: list[str],
    fields: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    """Print what an edit by the current command has done, as `outcome.report`."""
    outcome.report(command(), before, after, mark, lines, fields, as_json=as_json)
