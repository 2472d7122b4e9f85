"""Import users from a JSON file, and wait until it is done."""

from anyauth0 import ManagementClient
from setting import USERS_FILE, Setting, run


def main(setting: Setting) -> None:
    """Import the file, poll the job, and tell what came of it."""
    with ManagementClient(**setting.options) as management:
        [connection] = management.connections.get_all(name=setting.connection).data
        # `users` takes a path, bytes, an open file, or an iterable of rows.
        job = management.jobs.import_users(users=USERS_FILE, connection_id=connection.id, upsert=True).data
        done = management.jobs.wait(job.id, progress=lambda job: print(f"The import is {job.status}."))
        if done.status == "failed":
            raise SystemExit(f"The import failed: {management.jobs.get_errors(job.id).json()}")
        assert done.summary
        print(f"Imported {done.summary.inserted} users, updated {done.summary.updated}.")


if __name__ == "__main__":
    run(main)
