"""What the pages on tokens and keys find, and what is true when their code has run."""

import json
import secrets
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, TypeAlias
from urllib.parse import urlencode

import trustme
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from anyauth0 import Response
from anyauth0.jose import generate_key, parse_token, public_jwk, sign
from anyauth0_transports.local.incoming import Incoming

from .recorded import Browser, answered, asked
from .stage import ADA, API, PASSWORD, Stage

Names: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Any], tuple[int, dict[str, str], dict[str, Any] | None]]
ORDERS = "https://orders.example.com"
PARTNER = "https://partner.example.com/token"
APPLE = "http://auth0.com/oauth/token-type/apple-authz-code"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
FORM = {"content-type": "application/x-www-form-urlencoded"}
PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


# Tokens for tokens


def _token_exchange(stage: Stage) -> Names:
    tenant, idp = stage.tenant, generate_key("ES256")
    tenant.add_api(ORDERS, ["read:orders"])
    tenant.add_token_exchange(PARTNER, lambda token: ADA if token == "partner" else None)
    tenant.add_token_exchange(APPLE, lambda token: ADA if token == "apple" else None)
    tenant.add_connection("github", strategy="github")
    tenant.link_identity(stage.ada["user_id"], connection="github", access_token="of github")
    tenant.add_connection("corporate", strategy="okta")
    tenant.trust_issuer("https://idp.example", public_jwk(idp), connection="corporate")
    tenant.add_user(connection="corporate", user_id="00u1", email="bea@corp.example")
    now = int(tenant.clock())
    assertion = {
        "iss": "https://idp.example", "sub": "00u1", "aud": tenant.issuer, "client_id": tenant.client_id,
        "jti": secrets.token_hex(8), "iat": now, "exp": now + 300, "resource": ORDERS, "scope": "read:orders",
    }  # fmt: skip
    tokens = stage.tokens("openid offline_access read:notes", audience=API)
    return {
        "auth": stage.auth(),
        "partner_token": "partner",
        "apple_code": "apple",
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "assertion": sign(assertion, idp, algorithm="ES256", headers={"typ": "oauth-id-jag+jwt"}),
        # Nobody is there to log in: the session goes over.
        "redirect": Browser(tenant, "", "").visit,
    }


def _all_are_exchanged(names: Names) -> None:
    for name in ("tokens", "native"):
        assert names[name].claims["sub"].startswith("auth0|")
    assert _claims(names["delegated"].access_token)["aud"] == ORDERS
    assert names["transfer"].token_type == "N_A"
    assert names["github"] == "of github"
    assert _claims(names["foreign"].access_token)["aud"] == ORDERS


# Keys


def _dpop(stage: Stage) -> Names:
    app = stage.tenant.add_client(public=True)
    return {"settings": stage.settings(app), "redirect": stage.redirect, "callback_url": ""}


def _tokens_are_bound(names: Names) -> None:
    assert names["tokens"].token_type == "DPoP"
    assert names["headers"].keys() == {"authorization", "dpop"}
    assert names["again"].token_type == "DPoP"


def _client_authentication(stage: Stage) -> Names:
    tenant = stage.tenant
    made = ec.generate_private_key(ec.SECP256R1())
    public = made.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    issued = trustme.CA().issue_cert("app@example.com")
    certificate, certificate_key = issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()
    for name in ("secret", "basic"):
        tenant.add_client(client_id=f"by-{name}", client_secret="long and random")
    for name in ("assertion", "kms"):
        tenant.add_client(client_id=f"by-{name}", public_key=public)
    tenant.add_client(client_id="by-certificate", certificate=certificate)
    settings = stage.settings()
    del settings["client_id"], settings["client_secret"]
    return {
        "settings": settings,
        "client_secret": "long and random",
        "private_key": made.private_bytes(*PEM),
        "kms": SimpleNamespace(sign=lambda data: made.sign(data, ec.ECDSA(hashes.SHA256()))),
        "certificate": certificate,
        "certificate_key": certificate_key,
    }


def _everybody_got_a_token(names: Names) -> None:
    assert len({names[f"token_by_{name}"] for name in ("secret", "basic", "key", "kms", "tls")}) == 5


# Tokens that are verified


def _api_protection(stage: Stage) -> Names:
    tenant = stage.tenant
    app = {"client_id": tenant.client_id}

    def token(scope: str) -> str:
        return tenant.tokens.access_token(
            app, subject=stage.ada["user_id"], audience=[API], scope=scope, gty=None, lifetime=60
        )

    def requests(path: str) -> list[SimpleNamespace]:
        url = f"{API}{path}"
        given = [{"Authorization": f"Bearer {token(scope)}"} for scope in ("read:notes", "read:other")]
        return [SimpleNamespace(method="GET", url=url, headers=headers) for headers in (*given, {})]

    return {"settings": _of_a_verifier(stage), "route": _route(stage, "App", "API", requests)}


def _two_are_refused(names: Names) -> None:
    statuses = [status for status, _ in names["answers"]]
    assert statuses == [200, 403, 401]
    assert all("WWW-Authenticate" in headers for _, headers in names["answers"][1:])


def _route(
    stage: Stage, sender: str, receiver: str, requests: Callable[[str], list[SimpleNamespace]]
) -> Callable[[str], Callable[[Handler], Handler]]:
    """Return what registers a handler, as a framework would; these requests come in at once."""
    tenant = stage.tenant
    stage.names["answers"] = []

    def route(path: str) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            for request in requests(path):
                body = urlencode(getattr(request, "form", {})).encode()
                incoming = Incoming.from_url(request.method, request.url, headers=request.headers, body=body)
                tenant.seen.append(asked(sender, receiver, incoming))
                with tenant.asked_by(receiver):
                    status, headers, content = handler(request)
                encoded = json.dumps(content).encode() if content else b""
                kind = {"content-type": "application/json"}
                response = Response(status=status, headers={**headers, **kind}, body=encoded)
                tenant.seen.append(answered(receiver, sender, response))
                stage.names["answers"].append((status, headers))
            return handler

        return register

    return route


def _of_a_verifier(stage: Stage) -> Names:
    settings = stage.settings()
    return {name: settings[name] for name in ("domain", "transport", "clock")}


class Sessions:
    """The sessions of an application."""

    def __init__(self) -> None:
        self.ended: list[str | None] = []

    def end(self, *, session_id: str | None, user: str | None) -> None:
        """End a session, or all of a user."""
        self.ended.append(session_id)


def _logout(stage: Stage) -> Names:
    tenant = stage.tenant
    back = "https://app.example.com/goodbye"
    app = tenant.add_client(allowed_logout_urls=[back])
    now = int(tenant.clock())
    claims = {
        "iss": tenant.issuer, "aud": app["client_id"], "sub": stage.ada["user_id"], "sid": "s1", "jti": "j1",
        "iat": now, "exp": now + 120, "events": {EVENT: {}},
    }  # fmt: skip
    form = {"logout_token": tenant.tokens.sign(claims, typ="logout+jwt")}

    def requests(path: str) -> list[SimpleNamespace]:
        url = f"https://app.example.com{path}"
        return [SimpleNamespace(method="POST", url=url, headers=FORM, form=form) for _ in range(2)]

    auth = stage.client(app, client_secret=app["client_secret"])
    tokens = auth.oauth.password_grant(username=ADA, password=PASSWORD, scope="openid").data
    return {
        "auth": stage.auth(app, client_secret=app["client_secret"]),
        "settings": _of_a_verifier(stage) | {"client_id": app["client_id"]},
        "session": {"id_token": tokens.id_token},
        "sessions": Sessions(),
        "redirect": stage.redirect,
        "route": _route(stage, "Auth0", "App", requests),
    }


def _sessions_are_ended(names: Names) -> None:
    assert names["sessions"].ended == ["s1"]
    assert [status for status, _ in names["answers"]] == [200, 400]


api_protection = (_api_protection, _two_are_refused)
client_authentication = (_client_authentication, _everybody_got_a_token)
dpop = (_dpop, _tokens_are_bound)
logout = (_logout, _sessions_are_ended)
token_exchange = (_token_exchange, _all_are_exchanged)
