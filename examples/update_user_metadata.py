"""Update the user_metadata of a user."""

from anyauth0 import ManagementClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """Change one key; the others stay."""
    with setting.account() as account, ManagementClient(**setting.options) as management:
        management.users.update(account.user_id, user_metadata={"language": "nl"})
        user = management.users.update(account.user_id, user_metadata={"foo": "bar"}).data
        print(f"The user_metadata of {user.email} is {user.user_metadata}.")


if __name__ == "__main__":
    run(main)
