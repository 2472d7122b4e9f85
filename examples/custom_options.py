"""Give options to all calls of a client, and others to one."""

from anyauth0 import ManagementClient, Options, RetryPolicy
from setting import Setting, run


def main(setting: Setting) -> None:
    """Set headers and limits of time for all requests, then for one."""
    options: Options = {
        **setting.options,
        "headers": {"foo": "applied to all requests"},
        "timeout": 5,
        "retry": RetryPolicy(retries=2),
    }
    with setting.account() as account, ManagementClient(**options) as management:
        once = management.with_options(headers={"bar": "applied to this request"}, timeout=20, deadline=60)
        response = once.users.get(account.user_id)
        limit = response.rate_limit
        print(f"Got {response.data.email}; {limit.remaining} of {limit.limit} requests are left.")


if __name__ == "__main__":
    run(main)
