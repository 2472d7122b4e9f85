"""Tokens for tokens (RFC 8693): custom exchange, on behalf of a user, session transfer, native logins."""

from collections.abc import Mapping, Sequence
from typing import Unpack

from ..arguments import require
from ..encoding import json_text
from ..endpoint import Call, Mode, Resource, endpoint
from ..errors import InvalidArgumentError
from ..id_token import IdTokenChecks
from ._headers import for_user
from ._id_tokens import token_call
from .models import ClientCredentials, TokenSet
from .oauth import ACCESS_TOKEN_TYPE, REFRESH_TOKEN_TYPE

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
APPLE_AUTHORIZATION_CODE = "http://auth0.com/oauth/token-type/apple-authz-code"
_MOST_VALUES = 20
# What has an argument of its own, or would change who asks for what.
_NO_EXTRA = frozenset({
    "actor_token", "actor_token_type", "assertion", "aud", "audience", "client_assertion",
    "client_assertion_type", "client_id", "client_secret", "connection", "grant_type", "login_hint",
    "organization", "requested_token_type", "resource", "resource_indicator", "resources", "scope",
    "subject_issuer", "subject_token", "subject_token_type",
})  # fmt: skip

Extra = Mapping[str, str | Sequence[str]]


class TokenExchange(Resource[Mode]):
    """Exchange a token for another. Every ID token that comes back is verified first."""

    @endpoint("POST", "/oauth/token", client_authentication="required")
    def exchange_token(
        self,
        *,
        subject_token: str,
        subject_token_type: str,
        audience: str | None = None,
        scope: str | None = None,
        requested_token_type: str | None = None,
        organization: str | None = None,
        actor_token: str | None = None,
        actor_token_type: str | None = None,
        extra: Extra | None = None,
        forwarded_for: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange a token of somebody else's for tokens of the tenant.

        `subject_token_type` is the URI of a token exchange profile of the tenant. `actor_token` says who acts
        for the subject, with its `actor_token_type`. `extra` are fields for the action that decides; a
        sequence repeats its name. `forwarded_for` is the address of the end user. Without checks of your own,
        an ID token is checked against `organization`.

        POST /oauth/token (RFC 8693, section 2.1). Raises `IdTokenError`.
        """
        require(
            "token_exchange.exchange_token",
            subject_token=subject_token,
            subject_token_type=subject_token_type,
        )
        if (actor_token is None) is not (actor_token_type is None):
            missing = "actor_token_type" if actor_token_type is None else "actor_token"
            raise InvalidArgumentError(
                missing, f'token_exchange.exchange_token needs "{missing}" too: they go together'
            )
        form = {
            **_checked(extra or {}),
            "subject_token": subject_token,
            "subject_token_type": subject_token_type,
            "audience": audience,
            "scope": scope,
            "requested_token_type": requested_token_type,
            "organization": organization,
            "actor_token": actor_token,
            "actor_token_type": actor_token_type,
            **credentials,
        }
        headers = for_user(forwarded_for)
        checks = id_token or (IdTokenChecks(organization=organization) if organization else None)
        return token_call(TOKEN_EXCHANGE, form, checks, headers=headers, needed=id_token is not None)

    @endpoint("POST", "/oauth/token", client_authentication="required")
    def on_behalf_of(
        self,
        *,
        access_token: str,
        audience: str,
        scope: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange the access token that an API was called with for one that calls another API for the user.

        POST /oauth/token (RFC 8693, section 2.1), the access token as the subject.
        """
        require("token_exchange.on_behalf_of", access_token=access_token, audience=audience)
        form = {
            "subject_token": access_token,
            "subject_token_type": ACCESS_TOKEN_TYPE,
            "requested_token_type": ACCESS_TOKEN_TYPE,
            "audience": audience,
            "scope": scope,
        }
        return _exchange({**form, **credentials})

    @endpoint("POST", "/oauth/token", client_authentication="required")
    def session_transfer_token(
        self,
        *,
        refresh_token: str,
        scope: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Get a token that carries the session of a native application over to the web.

        The token is in `access_token`; it is good once, for about a minute. It goes to `/authorize` as
        `session_transfer_token`, or as the cookie `auth0_session_transfer_token`.

        POST /oauth/token (RFC 8693, section 2.1), audience `urn:{domain}:session_transfer`.
        """
        require("token_exchange.session_transfer_token", refresh_token=refresh_token)
        form = {
            "subject_token": refresh_token,
            "subject_token_type": REFRESH_TOKEN_TYPE,
            "audience": f"urn:{self._core.options.domain}:session_transfer",
            "scope": scope,
        }
        return _exchange({**form, **credentials})

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def native_social(
        self,
        *,
        subject_token: str,
        subject_token_type: str = APPLE_AUTHORIZATION_CODE,
        audience: str | None = None,
        scope: str | None = None,
        user_profile: str | Mapping[str, object] | None = None,
        forwarded_for: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Log a user in by what a native SDK of Apple, Facebook, Google gave the application.

        `user_profile` is the profile that the SDK gave, a mapping or its JSON. `forwarded_for` is the address
        of the end user.

        POST /oauth/token (RFC 8693, section 2.1). Raises `IdTokenError`.
        """
        require(
            "token_exchange.native_social", subject_token=subject_token, subject_token_type=subject_token_type
        )
        form = {
            "subject_token": subject_token,
            "subject_token_type": subject_token_type,
            "audience": audience,
            "scope": scope,
            "user_profile": json_text(user_profile),
        }
        return _exchange({**form, **credentials}, id_token, forwarded_for)


def _exchange(
    form: Mapping[str, object], checks: IdTokenChecks | None = None, forwarded_for: str | None = None
) -> Call[TokenSet]:
    headers = for_user(forwarded_for)
    return token_call(TOKEN_EXCHANGE, form, checks, headers=headers)


def _checked(extra: Extra) -> Extra:
    for name, value in extra.items():
        if name.lower() in _NO_EXTRA:
            raise InvalidArgumentError(
                "extra", f'token_exchange.exchange_token: "extra" must not have "{name[:60]}" in it'
            )
        if not isinstance(value, str) and len(value) > _MOST_VALUES:
            raise InvalidArgumentError(
                "extra",
                f'token_exchange.exchange_token: "{name[:60]}" of "extra" has over {_MOST_VALUES} values',
            )
    return extra
