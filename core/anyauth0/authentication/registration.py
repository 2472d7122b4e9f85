"""Clients that register themselves."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from ..endpoint import Call, Mode, Resource, endpoint
from ..errors import InvalidArgumentError
from ..redaction import Model


class ClientMetadata(TypedDict, total=False):
    """What a client says of itself (RFC 7591, section 2); other members go through `extra_body`."""

    client_name: str
    token_endpoint_auth_method: str
    grant_types: Sequence[str]
    response_types: Sequence[str]
    scope: str
    client_uri: str
    logo_uri: str
    jwks_uri: str
    jwks: dict[str, Any]


class RegisteredClient(Model, frozen=True, kw_only=True):
    """A client that has registered itself. `client_secret_expires_at` is epoch seconds, 0 is never."""

    client_id: str = ""
    client_secret: str | None = None
    client_name: str | None = None
    redirect_uris: list[str] | None = None
    client_secret_expires_at: int | None = None

    def __repr__(self) -> str:
        return f"<RegisteredClient {self.client_id}>"


class Registration(Resource[Mode]):
    """Register a client, where the tenant lets anybody do so."""

    @endpoint("POST", "/oidc/register")
    def register(
        self, *, redirect_uris: Sequence[str], **metadata: Unpack[ClientMetadata]
    ) -> Call[RegisteredClient]:
        """Register a client; its id and secret are in the answer.

        POST /oidc/register (RFC 7591, section 3.1; OpenID Connect Dynamic Client Registration 1.0).
        """
        if isinstance(redirect_uris, str) or not redirect_uris:
            raise InvalidArgumentError(
                "redirect_uris", 'registration.register: "redirect_uris" is a list of at least one address'
            )
        return Call(RegisteredClient, json={"redirect_uris": list(redirect_uris), **metadata})
