"""Users in and out by the file, with a bar that says how far it is."""

import gzip
import os
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anyauth0 import Auth0Error, InvalidArgumentError, ManagementClient

from . import credentials
from .accounts import Debug, Profile
from .failures import say, told
from .output import Printer, show_rows
from .rows import rows_of_file

if TYPE_CHECKING:
    from anyauth0.management.extras.bulk_import import ImportProgress, ImportResult

__all__ = ["export_users", "import_users"]

_GZIP = b"\x1f\x8b"


def import_users(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="Users as .json, .jsonl or .csv."),
    ],
    connection: Annotated[str, typer.Option(help="The name or the id of the database connection.")],
    upsert: Annotated[bool, typer.Option("--upsert", help="Change users that are there already.")] = False,
    start: Annotated[int, typer.Option(min=0, help="The row to begin with, from 0: after a break.")] = 0,
    profile: Profile = None,
    debug: Debug = False,
) -> None:
    """Import the users of a file, any number of them; tell of each row that was not taken."""
    from anyauth0.management import ImportInterrupted

    with told(debug=debug), credentials.management(profile) as client:
        rows = rows_of_file(file, start)
        connection_id = _connection_id(client, connection)
        sent = 0
        with _bar("Importing", unit="rows") as tell:

            def progress(now: "ImportProgress") -> None:
                nonlocal sent
                sent = now.sent
                tell(now.finished, None)

            try:
                result = client.jobs.import_all(
                    rows, connection_id=connection_id, upsert=upsert or None, progress=progress
                )
            except ImportInterrupted as error:
                _report(error.result, start)
                if error.result.jobs:
                    say(f"jobs: {', '.join(error.result.jobs)}; anyauth0 jobs get JOB tells how one ends")
                cause = error.__cause__
                reason = cause if isinstance(cause, Auth0Error) else type(cause).__name__
                raise Auth0Error(f"{reason}; go on by --start {start + error.next_row}") from error
            except KeyboardInterrupt:
                # Rows that were refused here were not sent: to begin a little early leaves out none.
                say(f"{sent} rows were sent; go on by --start {start + sent}")
                raise
        _report(result, start)
    if result.failed:
        raise typer.Exit(1)


def _report(result: "ImportResult", start: int) -> None:
    for each in result.errors:
        where = "a row" if each.row is None else f"row {start + each.row}"
        say(f"{where}: {', '.join(_reason(error) for error in each.errors)}")
    say(f"{result.inserted} users are new, {result.updated} changed, {result.failed} not taken")


def _reason(error: dict[str, Any]) -> str:
    # The message of the server quotes what it refuses.
    return f"{error.get('code')} {error.get('path') or ''}".strip()


def _connection_id(client: ManagementClient, connection: str) -> str:
    if connection.startswith("con_"):
        return connection
    for found in client.connections.get_all.iter(name=connection):
        if found.id:
            return found.id
    raise InvalidArgumentError("connection", f'there is no connection "{connection}"')


def export_users(
    out: Annotated[
        Path | None,
        typer.Option(help="The file; one that ends in .gz stays packed. Without: rows to stdout."),
    ] = None,
    format: Annotated[str, typer.Option(help="json (one user to a line) or csv.")] = "json",
    fields: Annotated[str | None, typer.Option(help="Fields by commas, such as user_id,email.")] = None,
    connection: Annotated[str | None, typer.Option(help="Only users of this connection: name or id.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many users.")] = None,
    job: Annotated[
        str | None, typer.Option(help="The id of an export that was begun: it is gone on with.")
    ] = None,
    profile: Profile = None,
    debug: Debug = False,
) -> None:
    """Export users to a file, and go on where it was when it is called again with its --job."""
    with told(debug=debug), credentials.management(profile) as client:
        body: dict[str, Any] = {"limit": limit}
        if fields:
            body["fields"] = [{"name": name.strip()} for name in fields.split(",")]
        if connection:
            body["connection_id"] = _connection_id(client, connection)
        body = {name: value for name, value in body.items() if value is not None}
        if job is None:
            if format not in ("json", "csv") or (out is None and format == "csv"):
                raise InvalidArgumentError("format", '"--format" is json, or with "--out FILE" csv')
            job = client.jobs.export_users(format=format, **body).data.id
            say(f"the export is {job}; if it breaks, go on by --job {job}")
        with _bar("Waiting") as tell:
            done = client.jobs.wait(job, progress=lambda each: tell(each.percentage_done or 0, 100))
        if done.status != "completed":
            raise Auth0Error(f"the export failed ({done.status_details or job}); start it again")
        if out is None:
            show_rows(client.jobs.download(done), Printer("jsonl"))
            return
        with _bar("Downloading") as tell:
            packed = out if out.suffix == ".gz" else out.with_name(f"{out.name}.download")
            client.jobs.download_to(done, packed, progress=tell)
        if packed != out:
            _unpack(packed, out)
        say(f"{out} is written")


def _unpack(packed: Path, out: Path) -> None:
    with packed.open("rb") as file:
        zipped = file.read(len(_GZIP)) == _GZIP
    if zipped:
        beside = out.with_name(f"{out.name}.part")
        with gzip.open(packed) as source, beside.open("wb") as target:
            shutil.copyfileobj(source, target)
        os.replace(beside, out)
        packed.unlink()
    else:
        os.replace(packed, out)


@contextmanager
def _bar(what: str, unit: str = "") -> Generator[Callable[[float, float | None], None]]:
    """Show a bar on a terminal, and give the function that moves it: so much is done, of so much."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(file=sys.stderr)
    if not console.is_terminal:
        yield lambda done, of: None
        return
    text = TextColumn("{task.description} {task.completed:.0f} " + unit)
    # Drawn when something has come, so that there is no thread beside.
    bar = Progress(text, BarColumn(), TimeElapsedColumn(), console=console, auto_refresh=False)
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of, refresh=True)
