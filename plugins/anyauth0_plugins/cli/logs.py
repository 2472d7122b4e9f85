"""The log of the tenant: its latest entries, or each as it comes, from a position that a file may keep."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from anyauth0 import InvalidArgumentError, ManagementClient

from . import credentials
from .accounts import Debug, Profile
from .calls import run
from .failures import told
from .lists import rows_of
from .operations import find
from .output import Printer, line, on_a_terminal, printer, show_rows

__all__ = ["entries", "logs"]

_COLUMNS = "date,type,user_name,client_name,ip,description,log_id"


def logs(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[OPERATION ...]", help="An operation, such as get-all.")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what comes, until Ctrl-C.")
    ] = False,
    from_: Annotated[
        str | None, typer.Option("--from", help="Begin after the entry of this log_id; '' is the first one.")
    ] = None,
    position: Annotated[
        Path | None, typer.Option(help="A file that keeps where it ended; the next time it begins there.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many of the latest entries.")] = 50,
    every: Annotated[float, typer.Option(min=0.0, help="Seconds from one look to the next.")] = 2.0,
    output: Annotated[str | None, typer.Option("--output", "-o", help="json, jsonl or table.")] = None,
    columns: Annotated[str, typer.Option(help="What is shown on a terminal, by commas.")] = _COLUMNS,
    profile: Profile = None,
    debug: Debug = False,
) -> None:
    """Show the latest entries of the log, all after a position, or each as it comes.

    With an operation it is a resource as any other: anyauth0 logs get-all --help.
    """
    if words:
        run("logs", words)
        return
    with told(debug=debug):
        table = output == "table" or (output is None and on_a_terminal())
        how = printer(output, columns if table else None, show_secrets=False)
        if follow and output in ("json", "table"):
            raise InvalidArgumentError("output", '"--follow" has no end, so "--output" can only be jsonl')
        if position is not None and from_ is None and position.exists():
            from_ = position.read_text().strip() or None
        with credentials.management(profile) as client:
            found = _found(client, from_, limit, (lambda: time.sleep(every)) if follow else None)
            shown = found if position is None else _kept(found, position)
            if follow:
                _show_lines(shown, how)
            else:
                show_rows(shown, how)


def _found(
    client: ManagementClient, start: str | None, limit: int, pause: Callable[[], None] | None
) -> Iterable[Mapping[str, Any]]:
    if pause is not None:
        return entries(client, start, pause)
    if start is not None:
        return _read(client, from_=start)
    latest = list(islice(_read(client, sort="date:-1", per_page=limit, page=0), limit))
    return latest[::-1]


def entries(
    client: ManagementClient, start: str | None, pause: Callable[[], None]
) -> Iterator[Mapping[str, Any]]:
    """Go through the entries after `start`, by default those that come from now on, without an end."""
    if start is None:
        latest = next(_read(client, sort="date:-1", per_page=1, page=0), None)
        start = str(latest["log_id"]) if latest else ""
    while True:
        for entry in _read(client, from_=start):
            start = str(entry["log_id"])
            yield entry
        pause()


def _read(client: ManagementClient, **query: object) -> Iterator[Mapping[str, Any]]:
    return rows_of(client.logs, find("logs", "get_all"), [], query)


def _kept(found: Iterable[Mapping[str, Any]], position: Path) -> Iterator[Mapping[str, Any]]:
    """Hand out entries, and note each once it has been shown."""
    beside = position.with_name(f"{position.name}.part")
    for entry in found:
        yield entry
        # An empty file would mean the whole log anew.
        beside.write_text(f"{entry['log_id']}\n")
        os.replace(beside, position)


def _show_lines(found: Iterable[Mapping[str, Any]], how: Printer) -> None:
    if how.format != "table":
        show_rows(found, Printer("jsonl"))
        return
    for entry in found:
        typer.echo(line(entry, how))
