"""What the authorization server of others keeps: clients, codes, tokens and devices, in memory."""

import secrets
import time
from collections.abc import Callable, Collection
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE, DeviceCredentialDict
from authlib.oidc.core import AuthorizationCodeMixin
from joserfc.jwk import KeySet

__all__ = ["GRANTS", "Client", "Code", "Store", "Token", "User"]

SCOPES = "openid profile offline_access"
GRANTS = ("client_credentials", "authorization_code", "refresh_token", DEVICE_CODE_GRANT_TYPE)


class User:
    """Somebody who can log in."""

    def __init__(self, sub: str, name: str) -> None:
        self.sub = sub
        self.name = name

    def get_user_id(self) -> str:
        return self.sub


class Client(ClientMixin):
    """A registered client, which proves itself by `method` and no other."""

    def __init__(
        self,
        method: str,
        *,
        secret: str | None = None,
        keys: KeySet | None = None,
        certificate: str | None = None,
        redirect_uri: str = "https://app.example.com/callback",
        grants: Collection[str] = GRANTS,
    ) -> None:
        self.client_id = secrets.token_hex(8)
        self.method = method
        self.secret = secret
        self.keys = keys
        self.certificate = certificate
        self.redirect_uri = redirect_uri
        self.grants = grants
        self.client_metadata: dict[str, Any] = {}
        self.id_token_signed_response_alg: str | None = None

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_allowed_scope(self, scope: str | None) -> str:
        return " ".join(name for name in (scope or "").split() if name in SCOPES.split())

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.redirect_uri

    def check_client_secret(self, client_secret: str) -> bool:
        return self.secret is not None and self.secret == client_secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self.method

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grants


class Code(AuthorizationCodeMixin):
    """An authorization code."""

    def __init__(self, code: str, client: Client, user: User, scope: str, form: Any) -> None:
        self.code = code
        self.client_id = client.client_id
        self.user = user
        self.scope = scope
        self.redirect_uri = form.get("redirect_uri")
        self.nonce = form.get("nonce")
        self.code_challenge = form.get("code_challenge")
        self.code_challenge_method = form.get("code_challenge_method")
        self.auth_time = int(time.time())

    def get_redirect_uri(self) -> str | None:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time


class Token(TokenMixin):
    """An access token with its refresh token, if it has one."""

    def __init__(self, client: Client, user: User | None, issued: dict[str, Any]) -> None:
        self.client = client
        self.user = user
        self.scope: str = issued.get("scope", "")
        self.access_token: str = issued["access_token"]
        self.refresh_token: str | None = issued.get("refresh_token")
        self.revoked = False

    def check_client(self, client: Client) -> bool:
        return client is self.client

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return False

    def is_revoked(self) -> bool:
        return self.revoked

    def get_user(self) -> User | None:
        return self.user

    def get_client(self) -> Client:
        return self.client


class Store:
    """Everything that the server remembers."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.codes: dict[str, Code] = {}
        self.tokens: list[Token] = []
        self.devices: dict[str, DeviceCredentialDict] = {}
        self.decisions: dict[str, tuple[User, bool]] = {}
        """What users said of a device, by its `user_code`."""
        self.assertions: set[str] = set()
        """The ids of the client assertions that were used."""
        self.asked_at: dict[str, float] = {}
        """When a device asked last."""
        self.clock: Callable[[], float] = time.time
        self.users = {"jane": User("auth0|jane", "Jane"), "joe": User("auth0|joe", "Joe")}

    def add(self, client: Client) -> Client:
        self.clients[client.client_id] = client
        return client

    def token(self, text: str) -> Token | None:
        """Return the tokens of which `text` is one."""
        found = (token for token in self.tokens if text in (token.access_token, token.refresh_token))
        return next(found, None)
