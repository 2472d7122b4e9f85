"""Send every request by an async function of your own."""

from anyauth0 import AsyncManagementClient, Options, Request, Response
from setting import Setting, run


async def main(setting: Setting) -> None:
    """Wrap a transport in a function that tells what passes."""
    transport = setting.async_transport()

    async def fetch(request: Request) -> Response:
        print(f"before {request.endpoint}")
        response = await transport.send(request)
        print(f"after  {request.endpoint}: {response.status}")
        return response

    options: Options = {**setting.options, "transport": fetch}
    try:
        with setting.account() as account:
            async with AsyncManagementClient(**options) as management:
                user = (await management.users.get(account.user_id)).data
                print(f"Got {user.email} through a function of my own.")
    finally:
        await transport.close()


if __name__ == "__main__":
    run(main)
