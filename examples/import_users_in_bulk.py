"""Import any number of users out of an iterable, with a progress bar; errors come back with their rows."""

import secrets
from collections.abc import Iterator
from typing import Any

from rich.progress import Progress

from anyauth0 import ManagementClient
from anyauth0.management import ImportProgress
from setting import Setting, run

COUNT = 600


def rows() -> Iterator[dict[str, Any]]:
    """Yield the users: from a file, a database, wherever they are. One of these is not right."""
    mark = secrets.token_hex(4)
    for number in range(COUNT):
        email = f"bulk-{mark}-{number}@example.com" if number != 7 else "no address"
        yield {"email": email, "app_metadata": {"imported": True}}


def main(setting: Setting) -> None:
    """Import the rows, and say which the tenant did not take."""
    with ManagementClient(**setting.options) as management, Progress() as bar:
        [connection] = management.connections.get_all(name=setting.connection).data
        task = bar.add_task("Importing", total=COUNT)

        def show(progress: ImportProgress) -> None:
            bar.update(task, completed=progress.finished)

        # Files of 15 kB show more of the progress; by default they are as large as the API takes.
        result = management.jobs.import_all(
            rows(), connection_id=connection.id or "", size=15_000, progress=show
        )
    print(f"{result.inserted} users are new, {result.failed} were not taken.")
    for error in result.errors:
        print(f"  row {error.row}: {error.errors[0]['message']}")


if __name__ == "__main__":
    run(main)
