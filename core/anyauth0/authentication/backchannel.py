"""Logins that the user confirms on another device, started by the client (OpenID Connect CIBA Core 1.0)."""

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

from ..arguments import require, require_a
from ..encoding import json_text
from ..endpoint import Call, Mode, Resource, endpoint, operation
from ..errors import InvalidArgumentError
from ..flow import Flow
from ..id_token import IdTokenChecks
from ..messages import ApiResponse
from ..redaction import Model
from ._id_tokens import token_call
from .models import ClientCredentials, TokenSet
from .polling import poll

CIBA = "urn:openid:params:grant-type:ciba"
_LONGEST = 300


class BackchannelAuthorization(Model, frozen=True, kw_only=True):
    """A login that waits for the user's confirmation (CIBA Core, section 7.3). Times are in seconds."""

    auth_req_id: str = ""
    expires_in: int | None = None
    interval: int | None = None

    def __repr__(self) -> str:
        return f"<BackchannelAuthorization for {self.expires_in} s>"


class Backchannel(Resource[Mode]):
    """Ask a user for a confirmation on another device."""

    @endpoint("POST", "/bc-authorize", client_authentication="required")
    def authorize(
        self,
        *,
        user_id: str,
        binding_message: str,
        scope: str = "openid",
        audience: str | None = None,
        requested_expiry: int | None = None,
        authorization_details: str | Sequence[Mapping[str, Any]] | None = None,
        subject_issuer_context: str | None = None,
        resource: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[BackchannelAuthorization]:
        """Ask the user of that id to confirm; return what to poll with.

        `binding_message` is shown on both devices. `scope` must have `openid` in it. `requested_expiry` is in
        seconds, 1 to 300 (the default). `authorization_details` is a list of objects (RFC 9396), or its JSON.

        POST /bc-authorize (CIBA Core, section 7.1).
        """
        require("backchannel.authorize", user_id=user_id, binding_message=binding_message, scope=scope)
        if requested_expiry is not None and not 1 <= requested_expiry <= _LONGEST:
            raise InvalidArgumentError(
                "requested_expiry", f'backchannel.authorize: "requested_expiry" is 1 to {_LONGEST} seconds'
            )
        issuer = f"https://{self._core.options.domain}/"
        hint = {"format": "iss_sub", "iss": issuer, "sub": user_id}
        form = {
            "login_hint": json_text(hint),
            "binding_message": binding_message,
            "scope": scope,
            "audience": audience,
            "requested_expiry": requested_expiry,
            "authorization_details": json_text(authorization_details),
            "subjectIssuerContext": subject_issuer_context,
            "resource": resource,
        }
        return Call(BackchannelAuthorization, form={**form, **credentials})

    @endpoint("POST", "/oauth/token", client_authentication="required")
    def backchannel_grant(
        self,
        *,
        auth_req_id: str,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Ask once whether the user has decided; `poll` asks until it is so.

        POST /oauth/token (CIBA Core, section 10.1). Raises an error with `code`
        `"authorization_pending"` while the user has not decided, `"slow_down"` for asking too often,
        `"expired_token"`, `"access_denied"`.
        """
        require("backchannel.backchannel_grant", auth_req_id=auth_req_id)
        return token_call(CIBA, {"auth_req_id": auth_req_id, **credentials}, id_token)

    @operation
    def poll(
        self, authorization: BackchannelAuthorization, /, *, id_token: IdTokenChecks | None = None
    ) -> Flow[ApiResponse[TokenSet]]:
        """Ask until the user has decided, at the server's pace, and return the tokens.

        On asyncio it can be cancelled; a blocking client stops at its `deadline`.

        POST /oauth/token (CIBA Core, section 11). Raises `AuthorizationError` when the user said no
        (`error == "access_denied"`) or nothing in time (`"expired_token"`), `TransportTimeout` at the
        deadline.
        """
        require_a(BackchannelAuthorization, "backchannel.poll", "authorization", authorization)
        return poll(
            self._core,
            lambda core: Backchannel.backchannel_grant.flow(
                Backchannel(core), auth_req_id=authorization.auth_req_id, id_token=id_token
            ),
            title="backchannel.poll",
            interval=authorization.interval,
            expires_in=authorization.expires_in,
        )
