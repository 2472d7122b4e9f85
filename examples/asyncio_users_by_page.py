"""Go through a list of users with asyncio, and read many of them at the same time."""

import asyncio

from anyauth0 import AsyncManagementClient
from setting import Setting, run


async def main(setting: Setting) -> None:
    """List the users, then get each of them."""
    with setting.account(), setting.account():
        async with AsyncManagementClient(**setting.options) as management:
            ids = [user.user_id async for user in management.users.get_all.iter(per_page=1)]
            print(f"Got {len(ids)} users.")

            responses = await asyncio.gather(*(management.users.get(user_id) for user_id in ids))
            for response in responses:
                print(f"  {response.data.email}")


if __name__ == "__main__":
    run(main)
