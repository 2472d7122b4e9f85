"""The hooks that Authlib leaves to its users: where codes, tokens, devices and assertions are kept."""

import secrets
from typing import Any

import flask
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from authlib.oidc.core import OpenIDCode, OpenIDToken, UserInfo
from joserfc.jwk import KeySet

from .records import Client, Code, Store, Token, User

METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", "none"]
PACE = 5.0
"""Seconds that must lie between two questions of a device, whatever it was told."""


def new_refresh_token(**_: Any) -> str:
    return secrets.token_urlsafe(24)


def by_certificate(query_client: Any, request: Any) -> Client | None:
    """Authenticate a client by its certificate (RFC 8705), which Authlib leaves to its users."""
    client = query_client(request.form.get("client_id"))
    shown = flask.request.environ.get("SSL_CLIENT_CERT")
    same = client and client.certificate and shown and shown.split() == client.certificate.split()
    return client if same else None


class Assertions(JWTBearerClientAssertion):
    """Checks client assertions (RFC 7523): signature, issuer, subject, audience, expiry, id."""

    CLIENT_AUTH_METHOD = "private_key_jwt"

    def __init__(self, peer: Any) -> None:
        super().__init__()
        self._peer = peer

    def get_audiences(self) -> list[str]:
        return [self._peer.issuer]

    def validate_jti(self, claims: Any, jti: str) -> bool:
        known = jti in self._peer.store.assertions
        self._peer.store.assertions.add(jti)
        return not known

    def resolve_client_public_key(self, client: Client) -> KeySet:
        return client.keys or KeySet([])


class LaterIdTokens(OpenIDToken):
    """Makes the ID tokens of refreshed and of device logins."""

    def __init__(self, peer: Any) -> None:
        self._peer = peer

    def resolve_client_private_key(self, client: Client) -> KeySet:
        keys: KeySet = self._peer.keys
        return keys

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": self._peer.issuer, "aud": [client.client_id]}

    def generate_user_info(self, user: User, scope: str) -> UserInfo:
        return UserInfo(sub=user.sub, name=user.name).filter(scope)


class IdTokens(LaterIdTokens, OpenIDCode):
    """Makes the ID tokens of authorization codes."""

    def __init__(self, peer: Any) -> None:
        LaterIdTokens.__init__(self, peer)
        OpenIDCode.__init__(self, require_nonce=True)

    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return any(code.nonce == nonce for code in self._peer.store.codes.values())


class Stored:
    """A grant or endpoint of a server that has a store."""

    server: Any
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    @property
    def store(self) -> Store:
        store: Store = self.server.peer.store
        return store


class ApplicationGrant(Stored, grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS[:-1]


class CodeGrant(Stored, grants.AuthorizationCodeGrant):
    def save_authorization_code(self, code: str, request: Any) -> None:
        form = request.payload.data
        self.store.codes[code] = Code(code, request.client, request.user, request.scope, form)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = self.store.codes.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        del self.store.codes[authorization_code.code]

    def authenticate_user(self, authorization_code: Code) -> User:
        return authorization_code.user


class RefreshGrant(Stored, grants.RefreshTokenGrant):
    """Rotates: the old token is void once there is a new one."""

    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found = self.store.token(refresh_token)
        return found if found and found.refresh_token == refresh_token and not found.revoked else None

    def authenticate_user(self, refresh_token: Token) -> User | None:
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.revoked = True


class DeviceGrant(Stored, DeviceCodeGrant):
    def query_device_credential(self, device_code: str) -> DeviceCredentialDict | None:
        return self.store.devices.get(device_code)

    def query_user_grant(self, user_code: str) -> tuple[User, bool] | None:
        return self.store.decisions.get(user_code)

    def should_slow_down(self, credential: DeviceCredentialDict) -> bool:
        code, now = credential["device_code"], self.store.clock()
        last, self.store.asked_at[code] = self.store.asked_at[code], now
        return now - last < PACE


class Revocation(Stored, RevocationEndpoint):
    CLIENT_AUTH_METHODS = METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        return self.store.token(token_string)

    def revoke_token(self, token: Token, request: Any) -> None:
        token.revoked = True


class Devices(Stored, DeviceAuthorizationEndpoint):
    """Says that a device may ask every two seconds, which is too often: see `PACE`."""

    CLIENT_AUTH_METHODS = METHODS
    INTERVAL = 2

    def get_verification_uri(self) -> str:
        return f"{self.server.peer.issuer}activate"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        now = self.store.clock()
        expires_at = now + data["expires_in"]
        kept = DeviceCredentialDict(client_id=client_id, scope=scope, expires_at=expires_at, **data)
        self.store.devices[data["device_code"]] = kept
        self.store.asked_at[data["device_code"]] = now
