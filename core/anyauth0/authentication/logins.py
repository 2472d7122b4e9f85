"""Logins in the browser, from the authorization request to the tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import structs

from ..arguments import misspelt, require_a
from ..client import Core
from ..clients import Client
from ..dpop import DPoPKey
from ..encoding import encode_query
from ..endpoint import Call, Mode, operation
from ..errors import ConfigurationError, InvalidArgumentError
from ..flow import Flow
from ..id_token import IdTokenChecks
from ..messages import ApiResponse
from ..options import check_view
from .authorization import DEFAULT_SCOPE, AuthorizationRequest, authorization_request, code_of
from .models import PushedAuthorizationResponse, TokenSet

__all__ = ["Auth"]

_OTHERS = {
    "anon_transfer_token", "connection_scope", "display", "dpop_jkt", "id_token_hint", "nonce",
    "organization_name", "request", "requested_connection", "requested_connection_scope",
    "session_transfer_token", "state",
}  # fmt: skip
"""Parameters of `/authorize` without a name of their own in `Auth.authorize`."""


class Auth(Client[Mode]):
    """Send a user to log in, and take the answer: `auth.authorize(...)`, `auth.complete(...)`."""

    __slots__ = ()

    @operation
    def authorize(
        self,
        /,
        *,
        redirect_uri: str,
        scope: str = DEFAULT_SCOPE,
        audience: str | None = None,
        organization: str | None = None,
        invitation: str | None = None,
        connection: str | None = None,
        prompt: str | None = None,
        max_age: float | None = None,
        login_hint: str | None = None,
        screen_hint: str | None = None,
        acr_values: str | None = None,
        ui_locales: str | None = None,
        response_mode: str | None = None,
        resource: str | None = None,
        authorization_details: str | Sequence[Mapping[str, Any]] | None = None,
        pushed: bool = False,
        dpop: DPoPKey | None = None,
        **parameters: object,
    ) -> Flow[AuthorizationRequest]:
        """Make an authorization request: send the user to its `url`, and keep it for `complete`.

        State, nonce and PKCE are made for you. `max_age` is in seconds. `authorization_details` is a list of
        objects (RFC 9396), or its JSON. Any other parameter of `/authorize` is a keyword too, unless its name
        is nearly that of a known one: add such a one to `url` yourself. With `pushed=True` the parameters go
        to the server first, and the address has a reference only (RFC 9126): that takes a client that can
        authenticate. `dpop` is a key of this login alone, in place of that of the client: the code is good
        for it only, so give it to `complete` too, and afterwards to `with_options`.

        GET /authorize (RFC 6749, section 4.1.1; OpenID Connect Core, section 3.1.2.1), POST /oauth/par.
        Raises `InvalidArgumentError`, and with `pushed` what the call raises.
        """
        fields = {
            "redirect_uri": redirect_uri,
            "scope": scope,
            "audience": audience,
            "organization": organization,
            "invitation": invitation,
            "connection": connection,
            "prompt": prompt,
            "max_age": max_age,
            "login_hint": login_hint,
            "screen_hint": screen_hint,
            "acr_values": acr_values,
            "ui_locales": ui_locales,
            "response_mode": response_mode,
            "resource": resource,
            "authorization_details": authorization_details,
        }
        return self._authorize(fields, parameters, pushed=pushed, dpop=dpop)

    @operation
    def link_user(
        self,
        /,
        *,
        redirect_uri: str,
        connection: str,
        id_token: str,
        connection_scope: str | None = None,
        scope: str = "openid link_account offline_access",
        **parameters: object,
    ) -> Flow[AuthorizationRequest]:
        """Make the request by which a user who is logged in links another account: as `authorize`.

        `connection` is that of the other account, `id_token` that of the user's session.

        GET /authorize.
        """
        fields = {
            "redirect_uri": redirect_uri,
            "scope": scope,
            "requested_connection": connection,
            "requested_connection_scope": connection_scope,
            "id_token_hint": id_token,
        }
        return self._authorize(fields, parameters)

    @operation
    def unlink_user(
        self,
        /,
        *,
        redirect_uri: str,
        connection: str,
        id_token: str,
        scope: str = "openid unlink_account",
        **parameters: object,
    ) -> Flow[AuthorizationRequest]:
        """Make the request by which a user who is logged in unlinks another account: as `authorize`.

        GET /authorize.
        """
        fields = {
            "redirect_uri": redirect_uri,
            "scope": scope,
            "requested_connection": connection,
            "id_token_hint": id_token,
        }
        return self._authorize(fields, parameters)

    def _authorize(
        self,
        fields: Mapping[str, object],
        more: Mapping[str, object],
        *,
        pushed: bool = False,
        dpop: DPoPKey | None = None,
    ) -> Flow[AuthorizationRequest]:
        core = _bound(self._core, "authorize", dpop)
        client_id = core.options.client_id
        if not client_id:
            raise ConfigurationError("client_id", 'authorize needs option "client_id" of the client')
        if core.options.dpop is not None:
            # The code is good for this key only (RFC 9449, section 10).
            more = {"dpop_jkt": core.options.dpop.thumbprint, **more}
        _refuse_misspelt(more)
        request, parameters = authorization_request(core.base_url, client_id, fields, more)
        if pushed:
            from .oauth import OAuth

            call = Call(PushedAuthorizationResponse, form=parameters)
            answer = yield from core.perform(OAuth.pushed_authorization, call)
            query = encode_query({"client_id": client_id, "request_uri": answer.data.request_uri})
            request = structs.replace(request, url=f"{core.base_url}/authorize?{query}")
        return request

    @operation
    def complete(
        self,
        request: AuthorizationRequest,
        callback: str | Mapping[str, str],
        /,
        *,
        dpop: DPoPKey | None = None,
    ) -> Flow[ApiResponse[TokenSet]]:
        """Exchange what the user came back with for tokens.

        `request` is what `authorize` returned for this user, `callback` the address that the user came back
        to, or with `response_mode="form_post"` the fields of the form. State, issuer (RFC 9207) and error are
        checked, the ID token is verified with nonce, `max_age` and organization. `dpop` is the key that
        `authorize` was given.

        POST /oauth/token (RFC 6749, section 4.1.3; RFC 7636, section 4.5). Raises `AuthorizationError` for a
        callback that is not the answer to `request`, or tells of an error; `IdTokenError`; and what the call
        raises.
        """
        from ..keys.algorithms import need_cryptography
        from .oauth import OAuth

        require_a(AuthorizationRequest, "auth.complete", "request", request)
        code = code_of(request, callback, f"https://{self._core.options.domain}/")
        if request.nonce is not None and not self._core.options.id_token_signing_alg.startswith("HS"):
            # An ID token will come, and the code is good only once.
            need_cryptography()
        checks = IdTokenChecks(
            nonce=request.nonce, max_age=request.max_age, organization=request.organization
        )
        return (
            yield from OAuth.authorization_code_grant_with_pkce.flow(
                OAuth(_bound(self._core, "complete", dpop)),
                code=code,
                code_verifier=request.code_verifier,
                redirect_uri=request.redirect_uri,
                id_token=checks,
            )
        )


def _refuse_misspelt(parameters: Mapping[str, object]) -> None:
    known = _OTHERS.union(Auth.authorize.function.__kwdefaults__ or ())
    # Those of a tenant's own begin with `ext-`.
    found = misspelt(sorted(filter(str.isidentifier, parameters)), known)
    if found is not None:
        name, near = found
        mend = f'did you mean "{near}"? (what is really called so, add to the "url" yourself)'
        raise InvalidArgumentError(name, f'authorize has no parameter "{name}": {mend}')


def _bound(core: Core, title: str, dpop: DPoPKey | None) -> Core:
    """Return the pipeline of `core` with another key, where there is one."""
    if dpop is None:
        return core
    if not isinstance(cast("object", dpop), DPoPKey):
        raise InvalidArgumentError("dpop", f'{title}: "dpop" must be a DPoPKey, such as DPoPKey.generate()')
    return core.view(check_view(core.options, {"dpop": dpop}, owner="AuthenticationClient"))
