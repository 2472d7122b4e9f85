"""Sign a user up with e-mail and password."""

from anyauth0 import AuthenticationClient
from setting import PASSWORD, Setting, run


def main(setting: Setting) -> None:
    """Sign a user up."""
    with AuthenticationClient(**setting.options) as auth:
        user = auth.database.sign_up(
            email=setting.new_email(),
            password=PASSWORD,
            connection=setting.connection,
        ).data
    print(f"Signed up {user.email}, who has the id {user.id}.")


if __name__ == "__main__":
    run(main)
