"""The profile of the user whom an access token stands for."""

from functools import partial

from ..arguments import require
from ..client import Core
from ..endpoint import Call, Mode, Resource, endpoint
from ..errors import IdTokenError
from ..flow import Flow
from ..messages import ApiResponse
from .models import UserInfoResponse


class UserInfo(Resource[Mode]):
    """The profile of the user whom an access token stands for."""

    @endpoint("GET", "/userinfo")
    def get(self, access_token: str, /, *, expected_subject: str | None = None) -> Call[UserInfoResponse]:
        """Get the profile.

        The token must have the scope `openid`, and be meant for the audience `https://{domain}/userinfo`.
        With `expected_subject`, the `sub` of the ID token, a profile of somebody else is refused, as the
        specification demands (OpenID Connect Core, section 5.3.4).

        GET /userinfo (OpenID Connect Core, section 5.3). Raises `Unauthorized` for a token that is not good,
        `IdTokenError` for another user than expected.
        """
        require("user_info.get", access_token=access_token)
        return Call(
            UserInfoResponse,
            headers={"authorization": f"Bearer {access_token}"},
            check=None if expected_subject is None else partial(_check_subject, expected_subject),
        )


def _check_subject(expected: str, _: Core, answer: ApiResponse[UserInfoResponse]) -> Flow[None]:
    found = answer.data.sub
    if found != expected:
        raise IdTokenError(
            "sub",
            "the profile is of another user than expected; use the access token of the same login",
            expected=expected,
            found=found,
        )
    return
    yield
