"""Users of a database connection: sign up, change password. These endpoints are public."""

from typing import Any

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint
from ..errors import InvalidArgumentError
from .models import SignUpUser


class Database(Resource[Mode]):
    """Users of a database connection."""

    @endpoint("POST", "/dbconnections/signup", client_authentication="id")
    def sign_up(
        self,
        *,
        password: str,
        connection: str,
        email: str | None = None,
        username: str | None = None,
        phone_number: str | None = None,
        given_name: str | None = None,
        family_name: str | None = None,
        name: str | None = None,
        nickname: str | None = None,
        picture: str | None = None,
        user_metadata: dict[str, Any] | None = None,
        client_id: str | None = None,
    ) -> Call[SignUpUser]:
        """Sign a user up with a password.

        One of `email`, `username` and `phone_number` must be given, as the connection has it. `user_metadata`
        takes at most 10 strings of at most 500 characters.

        POST /dbconnections/signup. Raises `BadRequest` with the failed rules for a weak password, `Conflict`
        or `BadRequest` for a user who exists.
        """
        title = "database.sign_up"
        require(title, password=password, connection=connection)
        if not (email or username or phone_number):
            raise InvalidArgumentError(
                "email", f'{title} needs one of "email", "username" and "phone_number"'
            )
        return Call(
            SignUpUser,
            json={
                "client_id": client_id,
                "email": email,
                "password": password,
                "connection": connection,
                "username": username,
                "phone_number": phone_number,
                "given_name": given_name,
                "family_name": family_name,
                "name": name,
                "nickname": nickname,
                "picture": picture,
                "user_metadata": user_metadata,
            },
        )

    @endpoint("POST", "/dbconnections/change_password", client_authentication="id")
    def change_password(
        self,
        *,
        connection: str,
        email: str | None = None,
        username: str | None = None,
        organization: str | None = None,
        client_id: str | None = None,
    ) -> Call[str]:
        """Send a user the e-mail with which to change the password; return the server's sentence.

        The answer is the same whether the user exists or not. `organization` is an id.

        POST /dbconnections/change_password.
        """
        title = "database.change_password"
        require(title, connection=connection)
        if not (email or username):
            raise InvalidArgumentError("email", f'{title} needs one of "email" and "username"')
        return Call(
            str,
            json={
                "client_id": client_id,
                "email": email,
                "username": username,
                "connection": connection,
                "organization": organization,
            },
        )
