"""Tokens: the grants of OAuth 2.0, pushed authorization requests, revocation."""

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Literal, Unpack

from ..arguments import require, require_address
from ..encoding import json_text
from ..endpoint import Call, Mode, Resource, endpoint
from ..errors import InvalidArgumentError
from ..id_token import IdTokenChecks
from ._headers import for_user
from ._id_tokens import token_call
from .models import ClientCredentials, PushedAuthorizationResponse, TokenSet

AUTHORIZATION_CODE = "authorization_code"
CLIENT_CREDENTIALS = "client_credentials"
PASSWORD = "password"
PASSWORD_REALM = "http://auth0.com/oauth/grant-type/password-realm"
REFRESH_TOKEN = "refresh_token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_FOR_CONNECTION = "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token"
FEDERATED_ACCESS_TOKEN = "http://auth0.com/oauth/token-type/federated-connection-access-token"
REFRESH_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:refresh_token"
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"


class OAuth(Resource[Mode]):
    """Get, refresh and revoke tokens. Every ID token that comes back is verified first."""

    @endpoint("POST", "/oauth/token", client_authentication="required")
    def authorization_code_grant(
        self,
        *,
        code: str,
        redirect_uri: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange the code of an authorization response for tokens.

        `redirect_uri` must be that of the authorization request, where it had one. `id_token` says what the
        ID token is checked against (nonce, max_age, organization). Public clients must use PKCE.

        POST /oauth/token (RFC 6749, section 4.1.3). Raises `Forbidden` for a code that is not good,
        `IdTokenError` for an ID token that is not.
        """
        require("oauth.authorization_code_grant", code=code)
        form = {"code": code, "redirect_uri": redirect_uri, **credentials}
        return token_call(AUTHORIZATION_CODE, form, id_token, refuse_unexpected_nonce=True)

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def authorization_code_grant_with_pkce(
        self,
        *,
        code: str,
        code_verifier: str,
        redirect_uri: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange the code of an authorization response for tokens, with proof of having asked for it.

        `code_verifier` is the secret whose challenge went into the authorization request. For the rest see
        `authorization_code_grant`; public clients are welcome here.

        POST /oauth/token (RFC 7636, section 4.5).
        """
        require("oauth.authorization_code_grant_with_pkce", code=code, code_verifier=code_verifier)
        form = {"code": code, "code_verifier": code_verifier, "redirect_uri": redirect_uri, **credentials}
        return token_call(AUTHORIZATION_CODE, form, id_token, refuse_unexpected_nonce=True)

    @endpoint("POST", "/oauth/token", client_authentication="required", idempotent=True)
    def client_credentials_grant(
        self,
        *,
        audience: str | None = None,
        organization: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Get an access token for the client itself.

        `audience` is the API to call; without it the tenant's default audience.

        POST /oauth/token (RFC 6749, section 4.4). Raises `Unauthorized` for wrong credentials, `Forbidden`
        for an audience that the client may not call.
        """
        return token_call(
            CLIENT_CREDENTIALS, {"audience": audience, "organization": organization, **credentials}
        )

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def password_grant(
        self,
        *,
        username: str,
        password: str,
        audience: str | None = None,
        scope: str | None = None,
        realm: str | None = None,
        forwarded_for: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Log a user in by name and password.

        `realm` names the connection to look in. `forwarded_for` is the address of the end user, so that the
        protection against attacks does not take this server for the attacker.

        POST /oauth/token (RFC 6749, section 4.3). Raises `Forbidden` for a wrong password, and an error with
        `code == "mfa_required"` and an `mfa_token` where a second factor is due.
        """
        require("oauth.password_grant", username=username, password=password)
        form = {"username": username, "password": password, "audience": audience, "scope": scope}
        return token_call(
            PASSWORD_REALM if realm else PASSWORD,
            {**form, "realm": realm or None, **credentials},
            id_token,
            headers=for_user(forwarded_for),
        )

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def refresh_token_grant(
        self,
        *,
        refresh_token: str,
        scope: str | None = None,
        audience: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange a refresh token for new tokens.

        A new `refresh_token` is in the answer where the tenant rotates them: keep that one, the old one is
        void. `scope` may ask for less. `audience` asks for another API (multi-resource refresh tokens).

        POST /oauth/token (RFC 6749, section 6). Raises `Forbidden` for a token that is not good.
        """
        require("oauth.refresh_token_grant", refresh_token=refresh_token)
        form = {"refresh_token": refresh_token, "scope": scope, "audience": audience, **credentials}
        return token_call(REFRESH_TOKEN, form, id_token)

    @endpoint("POST", "/oauth/token", client_authentication="required")
    def jwt_bearer_grant(
        self,
        *,
        assertion: str,
        scope: str | None = None,
        resource: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange an identity assertion of a trusted issuer (ID-JAG) for an access token.

        `resource` is the API to call, where the assertion does not say it. Cross-App Access.

        POST /oauth/token (RFC 7523, section 2.1).
        """
        require("oauth.jwt_bearer_grant", assertion=assertion)
        return token_call(
            JWT_BEARER, {"assertion": assertion, "scope": scope, "resource": resource, **credentials}
        )

    @endpoint("POST", "/oauth/global-token-revocation/connection/{connection_name}")
    def global_token_revocation(
        self, connection_name: str, /, *, token: str, issuer: str, subject: str
    ) -> Call[None]:
        """Revoke the sessions and refresh tokens of a user, as the identity provider of a connection.

        `token` is a JWT that the identity provider signed, `issuer` and `subject` name the user there. Access
        tokens stay good.

        POST /oauth/global-token-revocation/connection/{connection_name}.
        """
        require("oauth.global_token_revocation", token=token, issuer=issuer, subject=subject)
        return Call(
            NoneType,
            path=(connection_name,),
            json={"subject": {"format": "iss_sub", "iss": issuer, "sub": subject}},
            headers={"authorization": f"Bearer {token}"},
        )

    @endpoint("POST", "/oauth/revoke", client_authentication="optional")
    def revoke_refresh_token(self, *, token: str, **credentials: Unpack[ClientCredentials]) -> Call[None]:
        """Revoke a refresh token, and with it those it came from or led to.

        Depending on the tenant's settings the whole grant is revoked. Access tokens cannot be revoked.

        POST /oauth/revoke (RFC 7009).
        """
        require("oauth.revoke_refresh_token", token=token)
        return Call(NoneType, form={"token": token, **credentials})

    @endpoint("POST", "/oauth/par", client_authentication="required")
    def pushed_authorization(
        self,
        *,
        redirect_uri: str,
        response_type: str = "code",
        scope: str | None = None,
        state: str | None = None,
        nonce: str | None = None,
        audience: str | None = None,
        resource: str | None = None,
        organization: str | None = None,
        invitation: str | None = None,
        connection: str | None = None,
        prompt: str | None = None,
        max_age: int | None = None,
        response_mode: str | None = None,
        login_hint: str | None = None,
        screen_hint: str | None = None,
        acr_values: str | None = None,
        ui_locales: str | None = None,
        code_challenge: str | None = None,
        code_challenge_method: Literal["S256"] | None = None,
        authorization_details: str | Sequence[Mapping[str, Any]] | None = None,
        dpop_jkt: str | None = None,
        request: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[PushedAuthorizationResponse]:
        """Push the parameters of an authorization request; return a `request_uri` for `/authorize`.

        `authorization_details` is a list of objects (RFC 9396), or its JSON. `request` is a signed request
        object (RFC 9101). A parameter that is not named here goes through `with_options(extra_body=...)`.

        POST /oauth/par (RFC 9126).
        """
        require_address("oauth.pushed_authorization", "redirect_uri", redirect_uri)
        require("oauth.pushed_authorization", response_type=response_type)
        return Call(
            PushedAuthorizationResponse,
            form={
                "response_type": response_type,
                "redirect_uri": redirect_uri,
                "scope": scope,
                "state": state,
                "nonce": nonce,
                "audience": audience,
                "resource": resource,
                "organization": organization,
                "invitation": invitation,
                "connection": connection,
                "prompt": prompt,
                "max_age": max_age,
                "response_mode": response_mode,
                "login_hint": login_hint,
                "screen_hint": screen_hint,
                "acr_values": acr_values,
                "ui_locales": ui_locales,
                "code_challenge": code_challenge,
                "code_challenge_method": code_challenge_method or ("S256" if code_challenge else None),
                "authorization_details": json_text(authorization_details),
                "dpop_jkt": dpop_jkt,
                "request": request,
                **credentials,
            },
        )

    @endpoint("POST", "/oauth/token", client_authentication="required")
    def token_for_connection(
        self,
        *,
        connection: str,
        subject_token: str,
        subject_token_type: str = REFRESH_TOKEN_TYPE,
        login_hint: str | None = None,
        scope: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Get the access token of an identity provider out of the Token Vault.

        `subject_token` is a refresh token of the user, or with `subject_token_type=ACCESS_TOKEN_TYPE` an
        access token. `login_hint` picks one of several accounts.

        POST /oauth/token, the federated-connection token exchange (RFC 8693). Raises `Unauthorized` where the
        user has no such identity.
        """
        require("oauth.token_for_connection", connection=connection, subject_token=subject_token)
        if subject_token.strip() != subject_token or subject_token.lower().startswith("bearer "):
            raise InvalidArgumentError(
                "subject_token", 'oauth.token_for_connection: "subject_token" must be the bare token'
            )
        form = {
            "connection": connection,
            "subject_token": subject_token,
            "subject_token_type": subject_token_type,
            "requested_token_type": FEDERATED_ACCESS_TOKEN,
            "login_hint": login_hint,
            "scope": scope,
        }
        return token_call(TOKEN_FOR_CONNECTION, {**form, **credentials})
