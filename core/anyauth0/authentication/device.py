"""Logins on devices without a browser: the user goes on elsewhere, the device asks (RFC 8628)."""

from typing import Unpack

from ..arguments import require, require_a
from ..endpoint import Call, Mode, Resource, endpoint, operation
from ..flow import Flow
from ..id_token import IdTokenChecks
from ..messages import ApiResponse
from ..redaction import Model
from ._id_tokens import token_call
from .models import ClientCredentials, TokenSet
from .polling import poll

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


class DeviceAuthorization(Model, frozen=True, kw_only=True):
    """A device login that is under way (RFC 8628, section 3.2).

    Show the user `user_code` and `verification_uri`, or a picture of `verification_uri_complete`. Times are
    in seconds.
    """

    device_code: str = ""
    user_code: str = ""
    verification_uri: str = ""
    verification_uri_complete: str | None = None
    expires_in: int | None = None
    interval: int | None = None

    def __repr__(self) -> str:
        return f"<DeviceAuthorization {self.user_code} at {self.verification_uri}>"


class Device(Resource[Mode]):
    """Log users in on devices without a browser."""

    @endpoint("POST", "/oauth/device/code", client_authentication="optional")
    def start(
        self,
        *,
        scope: str | None = None,
        audience: str | None = None,
        resource: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[DeviceAuthorization]:
        """Start a device login; return the code to show and the secret to poll with.

        POST /oauth/device/code (RFC 8628, section 3.1).
        """
        form = {"scope": scope, "audience": audience, "resource": resource, **credentials}
        return Call(DeviceAuthorization, form=form)

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def device_code_grant(
        self,
        *,
        device_code: str,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Ask once whether the user has decided; `poll` asks until it is so.

        POST /oauth/token (RFC 8628, section 3.4). Raises an error with `code`
        `"authorization_pending"` while the user has not decided, `"slow_down"` for asking too often,
        `"expired_token"`, `"access_denied"`.
        """
        require("device.device_code_grant", device_code=device_code)
        return token_call(DEVICE_CODE, {"device_code": device_code, **credentials}, id_token)

    @operation
    def poll(
        self, authorization: DeviceAuthorization, /, *, id_token: IdTokenChecks | None = None
    ) -> Flow[ApiResponse[TokenSet]]:
        """Ask until the user has decided, at the server's pace, and return the tokens.

        On asyncio it can be cancelled; a blocking client stops at its `deadline`.

        POST /oauth/token (RFC 8628, section 3.5). Raises `AuthorizationError` when the user said no
        (`error == "access_denied"`) or nothing in time (`"expired_token"`), `TransportTimeout` at the
        deadline.
        """
        require_a(DeviceAuthorization, "device.poll", "authorization", authorization)
        return poll(
            self._core,
            lambda core: Device.device_code_grant.flow(
                Device(core), device_code=authorization.device_code, id_token=id_token
            ),
            title="device.poll",
            interval=authorization.interval,
            expires_in=authorization.expires_in,
        )
