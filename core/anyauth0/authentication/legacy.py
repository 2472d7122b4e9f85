"""Calls that Auth0 keeps for old applications: each names what to use instead."""

from collections.abc import Mapping
from types import NoneType
from typing import Any

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint
from ..errors import InvalidArgumentError
from ._id_tokens import token_call
from .models import TokenSet

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Legacy(Resource[Mode]):
    """Deprecated: for tenants that still have these endpoints."""

    @endpoint("POST", "/oauth/ro", client_authentication="id")
    def resource_owner(
        self,
        *,
        username: str,
        password: str,
        connection: str,
        scope: str | None = None,
        id_token: str | None = None,
        device: str | None = None,
        grant_type: str = "password",
    ) -> Call[TokenSet]:
        """Log a user in by name and password. Deprecated: use `oauth.password_grant`.

        POST /oauth/ro.
        """
        require("legacy.resource_owner", username=username, password=password, connection=connection)
        fields = {
            "username": username,
            "password": password,
            "connection": connection,
            "scope": scope,
            "id_token": id_token,
            "device": device,
        }
        return token_call(grant_type, fields, as_json=True)

    @endpoint("POST", "/oauth/access_token", client_authentication="id")
    def social_access_token(
        self, *, access_token: str, connection: str, scope: str | None = None
    ) -> Call[TokenSet]:
        """Log a user in by an access token of Facebook, Google, Twitter or Weibo.

        Deprecated: use `token_exchange.native_social`.

        POST /oauth/access_token.
        """
        require("legacy.social_access_token", access_token=access_token, connection=connection)
        return Call(TokenSet, json={"access_token": access_token, "connection": connection, "scope": scope})

    @endpoint("POST", "/tokeninfo")
    def token_info(self, *, id_token: str) -> Call[dict[str, Any]]:
        """Get the profile in an ID token. Deprecated: use `user_info.get`.

        POST /tokeninfo.
        """
        require("legacy.token_info", id_token=id_token)
        return Call(dict[str, Any], json={"id_token": id_token})

    @endpoint("POST", "/delegation", client_authentication="id")
    def delegation(
        self,
        *,
        id_token: str | None = None,
        refresh_token: str | None = None,
        target: str | None = None,
        scope: str = "openid",
        api_type: str | None = None,
    ) -> Call[dict[str, Any]]:
        """Exchange a token for one of another client or API. Deprecated: use `token_exchange`.

        What is answered is not verified.

        POST /delegation.
        """
        if (id_token is None) is (refresh_token is None):
            raise InvalidArgumentError(
                "id_token", 'legacy.delegation needs one of "id_token" and "refresh_token", and not both'
            )
        fields = {
            "grant_type": _JWT_BEARER,
            "id_token": id_token,
            "refresh_token": refresh_token,
            "target": target,
            "scope": scope,
            "api_type": api_type,
        }
        return Call(dict[str, Any], json=fields)

    @endpoint("POST", "/passwordless/verify", client_authentication="id")
    def passwordless_verify(
        self,
        *,
        connection: str,
        username: str,
        code: str,
        scope: str | None = None,
        redirect_uri: str | None = None,
    ) -> Call[TokenSet]:
        """Exchange a code for tokens. Deprecated: use `passwordless.login_with_email` and `login_with_sms`.

        POST /passwordless/verify.
        """
        require("legacy.passwordless_verify", connection=connection, username=username, code=code)
        fields = {
            "connection": connection,
            "username": username,
            "password": code,
            "scope": scope,
            "redirect_uri": redirect_uri,
        }
        return token_call("password", fields, as_json=True)

    @endpoint("POST", "/users/{user_id}/impersonate", client_authentication="id")
    def impersonate(
        self,
        user_id: str,
        /,
        *,
        access_token: str,
        impersonator_id: str,
        protocol: str = "oauth2",
        additional_parameters: Mapping[str, Any] | None = None,
    ) -> Call[str]:
        """Get an address that logs in as another user. Deprecated, without a successor.

        POST /users/{user_id}/impersonate.
        """
        require("legacy.impersonate", access_token=access_token, impersonator_id=impersonator_id)
        fields = {
            "protocol": protocol,
            "impersonator_id": impersonator_id,
            "additionalParameters": None if additional_parameters is None else dict(additional_parameters),
        }
        headers = {"authorization": f"Bearer {access_token}"}
        return Call(str, path=(user_id,), json=fields, headers=headers)

    @endpoint("POST", "/login/unlink")
    def unlink(self, *, access_token: str, user_id: str) -> Call[None]:
        """Unlink an account from the user of an access token. Deprecated: use `management.users.unlink`.

        POST /login/unlink.
        """
        require("legacy.unlink", access_token=access_token, user_id=user_id)
        return Call(NoneType, json={"access_token": access_token, "user_id": user_id})
