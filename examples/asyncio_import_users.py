"""Import users with asyncio, out of rows that are made on the way."""

from anyauth0 import AsyncManagementClient
from setting import Setting, run


async def main(setting: Setting) -> None:
    """Import some rows, poll the job, and tell what came of it."""
    rows = ({"email": f"user-{number}@example.com", "email_verified": True} for number in range(20))
    async with AsyncManagementClient(**setting.options) as management:
        [connection] = (await management.connections.get_all(name=setting.connection)).data
        job = (await management.jobs.import_users(users=rows, connection_id=connection.id, upsert=True)).data
        done = await management.jobs.wait(job.id)
        assert done.summary
        print(f"The import is {done.status}: {done.summary.inserted} users are new.")


if __name__ == "__main__":
    run(main)
