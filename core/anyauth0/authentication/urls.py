"""Addresses to send a user to, made without a request: logout, SAML and WS-Federation logins, invitations."""

from typing import Any
from urllib.parse import parse_qs

from ..arguments import checked, require, require_address
from ..encoding import encode_path, encode_query
from ..endpoint import Mode, Resource
from ..errors import ConfigurationError, InvalidArgumentError
from ..redaction import Model
from .authorization import split_address

__all__ = ["Invitation", "Urls"]


class Invitation(Model, frozen=True, kw_only=True):
    """An invitation that a user came with; it goes into `authorize(invitation=..., organization=...)`."""

    invitation: str
    organization: str
    organization_name: str | None = None


class Urls(Resource[Mode]):
    """Make addresses to send a user to. Nothing is sent here."""

    @checked
    def logout(
        self, *, return_to: str | None = None, federated: bool = False, client_id: str | None = None
    ) -> str:
        """Return the address that ends the user's session at the tenant, and then goes to `return_to`.

        `return_to` must be among the allowed logout addresses of the client, or, with `client_id=""`, of the
        tenant. `federated` ends the session at the identity provider too.

        GET /v2/logout.
        """
        if return_to is not None:
            require_address("urls.logout", "return_to", return_to)
        own = self._core.options.client_id if client_id is None else client_id
        return self._url(
            "/v2/logout", returnTo=return_to, client_id=own or None, federated="" if federated else None
        )

    @checked
    def oidc_logout(
        self,
        *,
        id_token_hint: str | None = None,
        logout_hint: str | None = None,
        post_logout_redirect_uri: str | None = None,
        state: str | None = None,
        ui_locales: str | None = None,
        federated: bool = False,
        client_id: str | None = None,
    ) -> str:
        """Return the address that ends the user's session (OpenID Connect RP-Initiated Logout 1.0).

        With `id_token_hint`, the ID token of the session, the user is not asked.

        GET /oidc/logout.
        """
        if post_logout_redirect_uri is not None:
            require_address("urls.oidc_logout", "post_logout_redirect_uri", post_logout_redirect_uri)
        return self._url(
            "/oidc/logout",
            id_token_hint=id_token_hint,
            logout_hint=logout_hint,
            post_logout_redirect_uri=post_logout_redirect_uri,
            client_id=client_id or self._core.options.client_id,
            state=state,
            ui_locales=ui_locales,
            federated="" if federated else None,
        )

    @checked
    def saml_login(
        self,
        *,
        connection: str | None = None,
        organization: str | None = None,
        relay_state: str | None = None,
        client_id: str | None = None,
    ) -> str:
        """Return the address of a login that answers by SAML.

        GET /samlp/{client_id}.
        """
        path = encode_path("/samlp/{client_id}", (self._client(client_id, "urls.saml_login"),))
        return self._url(path, connection=connection, organization=organization, RelayState=relay_state)

    @checked
    def wsfed_login(
        self,
        *,
        wtrealm: str | None = None,
        whr: str | None = None,
        wctx: str | None = None,
        wreply: str | None = None,
        client_id: str | None = None,
    ) -> str:
        """Return the address of a login that answers by WS-Federation.

        `wtrealm` stands for the client where its id is not given; `whr` is the connection, `wctx` comes back,
        `wreply` is where to.

        GET /wsfed/{client_id}.
        """
        path = "/wsfed"
        if wtrealm is None:
            path = encode_path("/wsfed/{client_id}", (self._client(client_id, "urls.wsfed_login"),))
        return self._url(path, wtrealm=wtrealm, whr=whr, wctx=wctx, wreply=wreply, wa="wsignin1.0")

    @checked
    def invitation(self, url: str, /) -> Invitation | None:
        """Return the invitation in the address of your login page that a user came to, if there is one.

        Raises `InvalidArgumentError` for what is no address, or half an invitation.
        """
        found = parse_qs(split_address("url", url).query)
        if "invitation" not in found:
            return None
        values = {
            name: found[name] for name in ("invitation", "organization", "organization_name") if name in found
        }
        if "organization" not in values or any(len(each) > 1 for each in values.values()):
            raise InvalidArgumentError(
                "url", 'urls.invitation: the "url" has an invitation without its organization, or two of them'
            )
        fields: dict[str, Any] = {name: each[0] for name, each in values.items()}
        return Invitation(**fields)

    def _client(self, client_id: str | None, title: str) -> str:
        found = client_id or self._core.options.client_id
        if not found:
            raise ConfigurationError(
                "client_id", f'{title} needs option "client_id" of the client, or the argument'
            )
        require(title, client_id=found)
        return found

    def _url(self, path: str, **query: str | None) -> str:
        encoded = encode_query(query)
        return f"https://{self._core.options.domain}{path}{f'?{encoded}' if encoded else ''}"
