"""Log a user in on a device without a browser, with asyncio, and stop when told to."""

import asyncio

from anyauth0 import AsyncAuthenticationClient
from setting import Setting, run


async def main(setting: Setting) -> None:
    """Give up one login while it is polled for, and finish another."""
    with setting.account() as account:
        async with AsyncAuthenticationClient(**setting.options) as auth:
            given_up = (await auth.device.start(scope="openid")).data
            waiting = asyncio.create_task(auth.device.poll(given_up))
            await asyncio.sleep(0)
            # The user has closed the window.
            waiting.cancel()
            await asyncio.wait([waiting])
            print(f"Gave up {given_up.user_code}: {waiting.cancelled()}")

            device = (await auth.device.start(scope="openid profile email")).data
            print(f"Go to {device.verification_uri} and enter {device.user_code}")
            device = setting.approve_device(device, account)
            tokens = (await auth.device.poll(device)).data
    print(f"The device is logged in as {tokens.claims['email']}.")


if __name__ == "__main__":
    run(main)
