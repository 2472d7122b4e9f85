"""An authorization server that others wrote, Authlib's, at the paths of Auth0: over TLS, on loopback.

Here is only what Authlib leaves to its users; who may do what is decided by Authlib.
"""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import UserInfo, UserInfoEndpoint
from authlib.oidc.discovery import OpenIDProviderMetadata
from joserfc.jwk import ECKey, KeySet, RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

from . import grants
from .records import Store, Token

__all__ = ["AUDIENCE", "Peer", "serve"]

AUDIENCE = "https://api.example.com/"


class Peer:
    """What a test sees of the server: where it is, what it keeps, what it answered."""

    def __init__(self, port: int) -> None:
        self.domain = f"localhost:{port}"
        self.issuer = f"https://{self.domain}/"
        self.store = Store()
        self.keys = KeySet(
            [RSAKey.generate_key(2048, auto_kid=True), ECKey.generate_key("P-256", auto_kid=True)]
        )
        self.answers: list[tuple[str, int, str | None]] = []
        """Path, status and error of each answer."""
        self.forms: list[dict[str, str]] = []
        """The form of each request that had one."""
        self.context: ssl.SSLContext | None = None

    def visit(self, url: str, user: str | None = "jane") -> str:
        """Open `url` as the browser of a user who agrees, or of nobody, and return where it is sent."""
        parts = urlsplit(url)
        connection = http.client.HTTPSConnection(parts.netloc, context=self.context)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}", headers={"cookie": f"user={user or ''}"})
            answer = connection.getresponse()
            location = answer.headers["location"]
            assert location, answer.read()
            return str(location)
        finally:
            connection.close()


class AccessTokens(JWTBearerTokenGenerator):
    """Makes access tokens that are JWTs (RFC 9068)."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(peer.issuer, refresh_token_generator=grants.new_refresh_token)
        self._peer = peer

    def get_jwks(self) -> KeySet:
        return self._peer.keys

    def get_audiences(self, client: Any, user: Any, scope: Any) -> str:
        return AUDIENCE


class Issuer(IssuerParameter):
    """Names the server in authorization responses (RFC 9207)."""

    def get_issuer(self) -> str:
        return flask.request.host_url


class AccessTokenValidator(BearerTokenValidator):
    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def authenticate_token(self, token_string: str) -> Token | None:
        return self._store.token(token_string)


class Profiles(UserInfoEndpoint):
    def generate_user_info(self, user: Any, scope: str) -> UserInfo:
        return UserInfo(sub=user.sub, name=user.name).filter(scope)


def authorization_server(app: flask.Flask, peer: Peer) -> AuthorizationServer:
    """Return Authlib's server with everything that the tests use."""
    store = peer.store

    def save_token(token: dict[str, Any], request: Any) -> None:
        store.tokens.append(Token(request.client, request.user, token))

    server = AuthorizationServer(app, query_client=store.clients.get, save_token=save_token)
    server.register_token_generator("default", AccessTokens(peer))
    server.register_extension(Issuer())
    server.register_client_auth_method("private_key_jwt", grants.Assertions(peer))
    server.register_client_auth_method("tls_client_auth", grants.by_certificate)
    protector = ResourceProtector()
    protector.register_token_validator(AccessTokenValidator(store))
    server.register_endpoint(Profiles(resource_protector=protector))
    server.peer = peer
    code = [CodeChallenge(required=True), grants.IdTokens(peer)]
    server.register_grant(grants.CodeGrant, code)
    server.register_grant(grants.ApplicationGrant)
    server.register_grant(grants.RefreshGrant, [grants.LaterIdTokens(peer)])
    server.register_grant(grants.DeviceGrant, [grants.LaterIdTokens(peer)])
    server.register_endpoint(grants.Revocation)
    server.register_endpoint(grants.Devices)
    return server


def application(peer: Peer) -> flask.Flask:
    """Return the application: Auth0's paths, each answered by Authlib."""
    app = flask.Flask("peer")
    server = authorization_server(app, peer)

    @app.get("/authorize")
    def authorize() -> Any:
        user = peer.store.users.get(flask.request.cookies.get("user", ""))
        # A user who is known agrees at once; whoever is not says no.
        try:
            grant = server.get_consent_grant(end_user=user)
        except OAuth2Error as error:
            return server.handle_error_response(flask.request, error)
        return server.create_authorization_response(grant_user=user, grant=grant)

    @app.post("/oauth/token")
    def token() -> Any:
        return server.create_token_response()

    @app.post("/oauth/revoke")
    def revoke() -> Any:
        return server.create_endpoint_response("revocation")

    @app.post("/oauth/device/code")
    def device_code() -> Any:
        return server.create_endpoint_response("device_authorization")

    @app.get("/userinfo")
    def userinfo() -> Any:
        return server.create_endpoint_response("userinfo")

    @app.get("/.well-known/jwks.json")
    def jwks() -> Any:
        return peer.keys.as_dict(private=False)

    @app.get("/.well-known/openid-configuration")
    def configuration() -> Any:
        at = peer.issuer
        document = OpenIDProviderMetadata(
            issuer=at,
            authorization_endpoint=f"{at}authorize",
            token_endpoint=f"{at}oauth/token",
            jwks_uri=f"{at}.well-known/jwks.json",
            response_types_supported=["code"],
            subject_types_supported=["public"],
            id_token_signing_alg_values_supported=["RS256", "ES256"],
        )
        document.validate()
        return document

    @app.after_request
    def note(response: flask.Response) -> flask.Response:
        said = response.get_json(silent=True)
        error = said.get("error") if isinstance(said, dict) else None
        peer.answers.append((flask.request.path, response.status_code, error))
        if flask.request.form:
            peer.forms.append(flask.request.form.to_dict())
        return response

    return app


class Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Leave the log of the tests alone."""


@contextmanager
def serve(context: ssl.SSLContext) -> Iterator[Peer]:
    """Serve on a free port until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = Peer(listener.getsockname()[1])
        server = make_server(
            "127.0.0.1",
            0,
            application(peer),
            threaded=True,
            request_handler=Silent,
            ssl_context=context,
            fd=listener.fileno(),
        )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
