"""The profile of the user whom an access token stands for."""

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint
from .models import UserInfoResponse


class UserInfo(Resource[Mode]):
    """The profile of the user whom an access token stands for."""

    @endpoint("GET", "/userinfo")
    def get(self, access_token: str, /) -> Call[UserInfoResponse]:
        """Get the profile.

        The token must have the scope `openid`, and be meant for the audience `https://{domain}/userinfo`.

        GET /userinfo (OpenID Connect Core, section 5.3). Raises `Unauthorized` for a token that is not good.
        """
        require("user_info.get", access_token=access_token)
        return Call(UserInfoResponse, headers={"authorization": f"Bearer {access_token}"})
