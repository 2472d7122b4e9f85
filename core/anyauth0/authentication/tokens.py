"""Access tokens that are kept: of the application itself, of its users, of their identity providers."""

import msgspec

from ..arguments import require
from ..client import Core
from ..encoding import encode_json
from ..endpoint import Call, EndpointFacts, Mode, Resource, operation
from ..flow import Flow, exclusive
from ..redaction import Secret
from ..tokens import AccessToken, MemoryTokenStore, TokenSource, TokenStore, token_key
from ._id_tokens import token_call
from ._token_families import TokenFamily, digest, sorted_scope
from .models import TokenSet
from .oauth import CLIENT_CREDENTIALS, REFRESH_TOKEN_TYPE, OAuth

__all__ = ["Tokens", "application_tokens"]

_LIFETIME = 300
"""Seconds that a token is kept whose lifetime the server did not tell (RFC 6749, section 5.1)."""


class Tokens(Resource[Mode]):
    """Access tokens out of the option `token_store`: fetched where none there is good, renewed ahead.

    However many ask at the same time, one request is made, by this client and by all that share the store. A
    token at hand goes on being used while it is good and the server cannot be asked.
    """

    @operation
    def get(self, *, audience: str, scope: str | None = None, organization: str | None = None) -> Flow[str]:
        """Get an access token of the application itself, for any API.

        `scope` asks for less than the application may have.

        POST /oauth/token (RFC 6749, section 4.4). Raises what `oauth.client_credentials_grant` raises.
        """
        require("tokens.get", audience=audience)
        store = yield from _store(self._core)
        source = application_tokens(self._core, store, audience, scope=scope, organization=organization)
        return (yield from source.get())

    @operation
    def reject(
        self, token: str, /, *, audience: str, scope: str | None = None, organization: str | None = None
    ) -> Flow[None]:
        """Forget a token that the API did not accept: `get` with the same arguments fetches another.

        A newer token is kept.
        """
        require("tokens.reject", token=token, audience=audience)
        token = Secret(token)
        store = yield from _store(self._core)
        source = application_tokens(self._core, store, audience, scope=scope, organization=organization)
        yield from source.reject(token)

    @operation
    def for_refresh_token(
        self,
        refresh_token: str,
        /,
        *,
        audience: str | None = None,
        scope: str | None = None,
        rejected: str | None = None,
    ) -> Flow[AccessToken]:
        """Get an access token of a user: one refresh token serves several APIs.

        A token at hand is used where it is for that audience and good for all of `scope`. Keep
        `refresh_token` of what is returned: where the server rotates them, it is the newest, which is used
        from then on even if an older one is given here. `rejected` is an access token that the API did not
        accept: another one is fetched.

        POST /oauth/token (RFC 6749, section 6; multi-resource refresh tokens). Raises what
        `oauth.refresh_token_grant` raises.
        """
        require("tokens.for_refresh_token", refresh_token=refresh_token)
        rejected = None if rejected is None else Secret(rejected)
        core = self._core
        store = yield from _store(core)
        family = TokenFamily(
            _application(core),
            store,
            core.options.clock,
            refresh_token=refresh_token,
            audience=audience,
            scope=scope,
        )
        # A traceback that shows locals must not show it.
        del refresh_token
        yield from family.find()

        def fetch() -> Flow[AccessToken]:
            arguments = {"refresh_token": family.refresh_token, "audience": audience, "scope": scope}
            call = OAuth.refresh_token_grant.call(OAuth(core), (), arguments)
            del arguments
            return _fetch(core, OAuth.refresh_token_grant, call)

        source = TokenSource(family.key, fetch, family, core.options.clock)
        if rejected is not None:
            yield from source.reject(rejected)
        token = yield from source.token()
        return msgspec.structs.replace(token, refresh_token=family.refresh_token)

    @operation
    def for_connection(
        self,
        connection: str,
        /,
        *,
        subject_token: str,
        subject_token_type: str = REFRESH_TOKEN_TYPE,
        login_hint: str | None = None,
        scope: str | None = None,
        rejected: str | None = None,
    ) -> Flow[str]:
        """Get the access token of an identity provider for a user, out of the Token Vault.

        The arguments are those of `oauth.token_for_connection`. `rejected` is an access token that the
        identity provider did not accept: another one is fetched.

        POST /oauth/token (RFC 8693). Raises what `oauth.token_for_connection` raises.
        """
        core = self._core
        rejected = None if rejected is None else Secret(rejected)
        arguments = {
            "connection": connection,
            "subject_token": subject_token,
            "subject_token_type": subject_token_type,
            "login_hint": login_hint,
            "scope": scope,
        }
        call = OAuth.token_for_connection.call(OAuth(core), (), arguments)
        asked = (connection, subject_token_type, login_hint, sorted_scope(scope))
        key = token_key(*_application(core), "connection", *asked, digest(subject_token))
        # A traceback that shows locals must not show it.
        del arguments, subject_token
        store = yield from _store(core)

        def fetch() -> Flow[AccessToken]:
            return _fetch(core, OAuth.token_for_connection, call)

        source = TokenSource(key, fetch, store, core.options.clock)
        if rejected is not None:
            yield from source.reject(rejected)
        return (yield from source.get())


def application_tokens(
    core: Core,
    store: TokenStore,
    audience: str,
    *,
    scope: str | None = None,
    organization: str | None = None,
) -> TokenSource:
    """Return the source of the access tokens of the application itself for one audience.

    `core` is the pipeline of the Authentication API that fetches them.
    """
    form = {"audience": audience, "scope": scope, "organization": organization}
    call = token_call(CLIENT_CREDENTIALS, form)
    key = token_key(*_application(core), "application", audience, sorted_scope(scope), organization)
    return TokenSource(
        key, lambda: _fetch(core, OAuth.client_credentials_grant, call), store, core.options.clock
    )


def _fetch(core: Core, endpoint: EndpointFacts[..., TokenSet], call: Call[TokenSet]) -> Flow[AccessToken]:
    now = core.options.clock()
    tokens = (yield from core.perform(endpoint, call)).data
    asked = (call.form or {}).get("scope")
    return AccessToken.issued(
        tokens.access_token,
        lifetime=tokens.expires_in if isinstance(tokens.expires_in, int) else _LIFETIME,
        now=now,
        # The server may leave it out where it is what was asked for (RFC 6749, section 5.1).
        scope=tokens.scope or (asked if isinstance(asked, str) else None),
        refresh_token=tokens.refresh_token,
    )


def _application(core: Core) -> tuple[str | None, ...]:
    """Return what tells the tokens of one application from those of others in the same store."""
    options = core.options
    # A token that is bound to a key or a certificate is of no use to whoever has another.
    bond = options.dpop.thumbprint if options.dpop else "mtls" if options.use_mtls else None
    # What is added to each body changes what comes back, and may be a secret.
    added = digest(encode_json(options.extra_body).decode()) if options.extra_body else None
    return options.domain, options.client_id, bond, added


def _store(core: Core) -> Flow[TokenStore]:
    store = core.session.token_store
    return store if store is not None else (yield from exclusive("token store", _default_store(core)))


def _default_store(core: Core) -> Flow[TokenStore]:
    # Two threads must not make one each.
    if core.session.token_store is None:
        core.session.token_store = MemoryTokenStore()
    return core.session.token_store
    yield
