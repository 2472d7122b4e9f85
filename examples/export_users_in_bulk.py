"""Export users: go through the rows as they come, and keep the file."""

import tempfile
from pathlib import Path

from anyauth0 import ManagementClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """Go through the rows of an export, then save the file of another."""
    with ManagementClient(**setting.options) as management, setting.account(), setting.account():
        rows = management.jobs.export_all(fields=["user_id", "email"])
        print(f"Exported {sum(1 for _ in rows)} users.")

        job = management.jobs.export_users(format="csv", fields=[{"name": "email"}]).data
        done = management.jobs.wait(job.id)
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "users.csv.gz"
            # What breaks off goes on where it was, in the next run of the program too.
            size = management.jobs.download_to(done, path)
            print(f"Saved {size} bytes as {path.name}.")


if __name__ == "__main__":
    run(main)
