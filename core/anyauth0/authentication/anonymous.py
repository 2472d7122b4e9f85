"""Sessions of visitors who have not logged in."""

from collections.abc import Mapping
from types import NoneType
from typing import Any, Unpack

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint
from ..redaction import Model
from .models import ClientCredentials

TRANSFER = "urn:auth0:anon_transfer"


class AnonymousSession(Model, frozen=True, kw_only=True):
    """The session of a visitor: its token goes into the next call. Times are in seconds.

    `anon_transfer_token` is there for who asked for one; it is good for about 30 seconds.
    """

    access_token: str | None = None
    expires_in: int | None = None
    scope: str | None = None
    session_token: str | None = None
    session_expires_in: int | None = None
    anon_transfer_token: str | None = None

    def __repr__(self) -> str:
        return "<AnonymousSession>"


class Anonymous(Resource[Mode]):
    """Give visitors a session, and tokens, before they log in."""

    @endpoint("POST", "/anonymous/token", client_authentication="optional")
    def create_session(
        self,
        *,
        audience: str | None = None,
        scope: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[AnonymousSession]:
        """Create a session for a visitor. `metadata` is at most 1 KB of JSON.

        POST /anonymous/token.
        """
        fields = {
            "audience": audience,
            "scope": scope,
            "metadata": None if metadata is None else dict(metadata),
        }
        return Call(AnonymousSession, json={**fields, **credentials})

    @endpoint("POST", "/anonymous/token", client_authentication="optional")
    def get_access_token(
        self,
        *,
        session_token: str,
        audience: str | None = None,
        scope: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[AnonymousSession]:
        """Get an access token within a session.

        POST /anonymous/token. Raises an error with `code` `"session_expired"` or `"invalid_session_token"`:
        create a session then.
        """
        require("anonymous.get_access_token", session_token=session_token)
        fields = {"session_token": session_token, "audience": audience, "scope": scope}
        return Call(AnonymousSession, json={**fields, **credentials})

    @endpoint("POST", "/anonymous/token", client_authentication="optional")
    def mint_transfer_token(
        self, *, session_token: str, **credentials: Unpack[ClientCredentials]
    ) -> Call[AnonymousSession]:
        """Get the token by which a login takes the session over: `authorize(anon_transfer_token=...)`.

        POST /anonymous/token, audience `urn:auth0:anon_transfer`.
        """
        require("anonymous.mint_transfer_token", session_token=session_token)
        fields = {"session_token": session_token, "audience": TRANSFER}
        return Call(AnonymousSession, json={**fields, **credentials})

    @endpoint("POST", "/anonymous/logout", client_authentication="id")
    def logout(self) -> Call[None]:
        """End the session of the visitor.

        POST /anonymous/logout.
        """
        return Call(NoneType, json={})
