"""Send every request by a function of your own."""

from anyauth0 import ManagementClient, Options, Request, Response
from setting import Setting, run


def main(setting: Setting) -> None:
    """Wrap a transport in a function that tells what passes."""
    transport = setting.transport()

    def fetch(request: Request) -> Response:
        print(f"before {request.endpoint}")
        response = transport.send(request)
        print(f"after  {request.endpoint}: {response.status}")
        return response

    options: Options = {**setting.options, "transport": fetch}
    try:
        with setting.account() as account, ManagementClient(**options) as management:
            user = management.users.get(account.user_id).data
            print(f"Got {user.email} through a function of my own.")
    finally:
        transport.close()


if __name__ == "__main__":
    run(main)
