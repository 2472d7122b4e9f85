"""Promise 19: custom domains are clear: for each call its host, audience, issuer and header.

One client talks to one domain, whichever of the tenant's it is; only a management client knows two.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from anyauth0 import AuthorizationError, DPoPKey, IdTokenError, Request, Response
from anyauth0.authentication.authorization import AuthorizationRequest
from anyauth0.jose import base64url_decode, generate_key, public_jwk
from anyauth0.tokens import MemoryTokenStore
from anyauth0.verification import (
    AccessTokenVerifier,
    AsyncAccessTokenVerifier,
    AsyncIdTokenVerifier,
    AsyncLogoutTokenVerifier,
    IdTokenVerifier,
    LogoutTokenVerifier,
    TokenError,
)

from ..core.fakes import START, Clock, Kind, json
from ..management.catalogue import OPERATIONS

CANONICAL, CUSTOM, SECOND = "tenant.eu.auth0.com", "id.example.com", "login.example.org"
DOMAINS = (CANONICAL, CUSTOM, SECOND)
MANAGEMENT = f"https://{CANONICAL}/api/v2/"
"""The audience of the Management API: a custom domain changes where it is reached, never this."""
API, BACK = "https://api.example.com", "https://app.example.com/back"
HEADER = "auth0-custom-domain"
KEYS = {domain: generate_key("RS256") for domain in DOMAINS}
ASSERTION_KEY = generate_key("ES256")


def answer(request: Request) -> Response:
    """Answer as each domain of the tenant does: tokens, keys of its own, and for all else little."""
    parts = urlsplit(request.url)
    if parts.path == "/.well-known/jwks.json":
        return json({"keys": [public_jwk(KEYS[parts.netloc], kid="k")]})
    bound = "DPoP" if "dpop" in request.headers else "Bearer"
    return json({"access_token": "t", "token_type": bound, "expires_in": 60, "request_uri": "urn:x"})


def form_of(request: Request) -> dict[str, str]:
    return dict(parse_qsl((request.body or b"").decode()))


class World:
    """Clients of one kind, and what they sent."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.transport = kind.transport(otherwise=answer)
        self.clock = Clock()

    def client(self, make: Any, **options: Any) -> Any:
        given = {"client_id": "app", "client_secret": "s", "retry": False, **options}
        return make(transport=self.transport, clock=self.clock, **given)

    def auth(self, domain: str, **options: Any) -> Any:
        return self.client(self.kind.authentication, domain=domain, **options)

    def management(self, **options: Any) -> Any:
        return self.client(self.kind.management, **options)

    def sent(self, call: Callable[[Any], Any], client: Any) -> list[Request]:
        """Make a call and return the requests that it took."""
        before = len(self.transport.requests)
        self.kind.do(lambda: call(client))
        requests: list[Request] = self.transport.requests[before:]
        return requests


@pytest.fixture
def world(kind: Kind) -> World:
    return World(kind)


# The Authentication API: all is at the domain of the client, and nothing has the header

Calls = dict[str, tuple[str, Callable[[Any], Any]]]
TOKEN = "POST /oauth/token"
AUTHENTICATION: Calls = {
    "client credentials": (TOKEN, lambda auth: auth.oauth.client_credentials_grant(audience=API)),
    "tokens.get": (TOKEN, lambda auth: auth.tokens.get(audience=API)),
    "code": (TOKEN, lambda auth: auth.oauth.authorization_code_grant(code="c", redirect_uri=BACK)),
    "password": (TOKEN, lambda auth: auth.oauth.password_grant(username="u", password="p", audience=API)),
    "refresh": (TOKEN, lambda auth: auth.oauth.refresh_token_grant(refresh_token="r")),
    "device code": (TOKEN, lambda auth: auth.device.device_code_grant(device_code="d")),
    "passkey login": (TOKEN, lambda auth: auth.passkeys.login(auth_session="a", authn_response={"id": "i"})),
    "passwordless login": (TOKEN, lambda auth: auth.passwordless.login_with_email(email="a@b.c", code="1")),
    "second factor": (TOKEN, lambda auth: auth.mfa.verify_otp("m", otp="1")),
    "CIBA": (TOKEN, lambda auth: auth.backchannel.backchannel_grant(auth_req_id="a")),
    "Token Vault": (TOKEN, lambda auth: auth.tokens.for_connection("google", subject_token="r")),
    "revoke": ("POST /oauth/revoke", lambda auth: auth.oauth.revoke_refresh_token(token="r")),
    "PAR": ("POST /oauth/par", lambda auth: auth.oauth.pushed_authorization(redirect_uri=BACK)),
    "authorize, pushed": ("POST /oauth/par", lambda auth: auth.authorize(redirect_uri=BACK, pushed=True)),
    "device": ("POST /oauth/device/code", lambda auth: auth.device.start(scope="openid", audience=API)),
    "CIBA start": (
        "POST /bc-authorize", lambda auth: auth.backchannel.authorize(user_id="u", binding_message="m"),
    ),
    "passwordless start": (
        "POST /passwordless/start", lambda auth: auth.passwordless.send_email(email="a@b.c"),
    ),
    "factors": ("GET /mfa/authenticators", lambda auth: auth.mfa.get_authenticators("m")),
    "enroll": ("POST /mfa/associate", lambda auth: auth.mfa.associate("m", authenticator_types=["otp"])),
    "challenge": ("POST /mfa/challenge", lambda auth: auth.mfa.challenge("m")),
    "passkey sign-up": (
        "POST /passkey/register", lambda auth: auth.passkeys.register(user_profile={"email": "a@b.c"}),
    ),
    "passkey challenge": ("POST /passkey/challenge", lambda auth: auth.passkeys.challenge()),
    "sign-up": (
        "POST /dbconnections/signup",
        lambda auth: auth.database.sign_up(email="a@b.c", password="p", connection="db"),
    ),
    "change password": (
        "POST /dbconnections/change_password",
        lambda auth: auth.database.change_password(email="a@b.c", connection="db"),
    ),
    "anonymous session": ("POST /anonymous/token", lambda auth: auth.anonymous.create_session()),
    "registration": ("POST /oidc/register", lambda auth: auth.registration.register(redirect_uris=[BACK])),
    "userinfo": ("GET /userinfo", lambda auth: auth.user_info.get("a")),
    "jwks": ("GET /.well-known/jwks.json", lambda auth: auth.discovery.jwks()),
    "discovery": (
        "GET /.well-known/openid-configuration", lambda auth: auth.discovery.openid_configuration(),
    ),
    "SAML metadata": ("GET /samlp/metadata/app", lambda auth: auth.discovery.saml_metadata("app")),
}  # fmt: skip
WITH_AUDIENCE = {"client credentials", "tokens.get", "password", "device"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_call_goes_to_the_domain_of_its_client(world: World, domain: str) -> None:
    auth = world.auth(domain)
    others = [other.encode() for other in DOMAINS if other != domain]
    found, expected = {}, {}
    for name, (endpoint, call) in AUTHENTICATION.items():
        requests = world.sent(call, auth)
        found[name] = [(f"{each.method} {each.url}", form_of(each).get("audience")) for each in requests]
        audience = API if name in WITH_AUDIENCE else None
        expected[name] = [(endpoint.replace(" ", f" https://{domain}"), audience)]
        assert not any(HEADER in each.headers for each in requests), name
        assert not any(other in (each.body or b"") for other in others for each in requests), name
    assert found == expected


URLS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "authorize": ("/authorize", lambda auth: auth.authorize(redirect_uri=BACK, audience=API)),
    "authorize, pushed": ("/authorize", lambda auth: auth.authorize(redirect_uri=BACK, pushed=True)),
    "link": ("/authorize", lambda auth: auth.link_user(redirect_uri=BACK, connection="g", id_token="i")),
    "logout": ("/v2/logout", lambda auth: auth.urls.logout(return_to=BACK)),
    "OIDC logout": ("/oidc/logout", lambda auth: auth.urls.oidc_logout(id_token_hint="i")),
    "SAML": ("/samlp/app", lambda auth: auth.urls.saml_login(connection="c")),
    "WS-Federation": ("/wsfed/app", lambda auth: auth.urls.wsfed_login()),
}


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_address_is_at_the_domain_of_its_client(world: World, domain: str) -> None:
    auth = world.auth(domain)
    found, expected = {}, {}
    for name, (path, make) in URLS.items():
        made = world.kind.do(lambda make=make: make(auth))
        parts = urlsplit(made if isinstance(made, str) else made.url)
        found[name] = (
            f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query)).get("audience"),
        )  # fmt: skip
        expected[name] = (f"https://{domain}{path}", API if name == "authorize" else None)
    assert found == expected


# Who signed, and for whom: assertions, proofs, mutual TLS


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = msgspec.json.decode(base64url_decode(token.split(".")[1]))
    return claims


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", ["client credentials", "PAR", "revoke", "CIBA start", "device code"])
def test_an_assertion_is_for_the_domain_of_its_client(world: World, name: str, domain: str) -> None:
    key = {"client_assertion_signing_key": ASSERTION_KEY.to_pem(), "client_assertion_signing_alg": "ES256"}
    (request,) = world.sent(AUTHENTICATION[name][1], world.auth(domain, client_secret=None, **key))
    assert claims_of(form_of(request)["client_assertion"])["aud"] == f"https://{domain}/"


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", ["client credentials", "refresh", "PAR", "userinfo"])
def test_a_proof_is_for_the_address_that_is_asked(world: World, name: str, domain: str) -> None:
    endpoint, call = AUTHENTICATION[name]
    (request,) = world.sent(call, world.auth(domain, dpop=DPoPKey.generate()))
    claims = claims_of(request.headers["dpop"])
    assert f"{claims['htm']} {claims['htu']}" == endpoint.replace(" ", f" https://{domain}")


CERTS = "https://certs.example.com/oauth/token"


WITH_MTLS: list[tuple[Mapping[str, str], dict[str, str]]] = [
    # the aliases of the discovery document, and where calls go, by the domain of the client
    ({}, {
        "client credentials": "mtls.{}", "PAR": "mtls.{}", "revoke": "mtls.{}", "CIBA start": "mtls.{}",
        "device": "mtls.{}", "userinfo": "mtls.{}", "jwks": "{}", "sign-up": "{}", "challenge": "{}",
        "passwordless start": "{}",
    }),
    ({"token_endpoint": CERTS}, {"client credentials": "certs.example.com", "PAR": "mtls.{}"}),
]  # fmt: skip


@pytest.mark.parametrize(("aliases", "hosts"), WITH_MTLS, ids=["no aliases", "an alias"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_with_mutual_tls_an_alias_is_that_of_the_domain(
    world: World, aliases: Mapping[str, str], hosts: Mapping[str, str], domain: str
) -> None:
    auth = world.auth(domain, client_secret=None, use_mtls=True, mtls_endpoint_aliases=aliases)
    found, expected = {}, {}
    for name, host in hosts.items():
        endpoint, call = AUTHENTICATION[name]
        found[name] = [request.url for request in world.sent(call, auth)]
        expected[name] = [f"https://{host.format(domain)}{endpoint.partition(' ')[2]}"]
    assert found == expected


# The Management API: where it is, the audience of its token, and the header

MANAGED: dict[str, tuple[bool, str, Callable[[Any], Any]]] = {
    # name: whether it takes the header, what is sent, the call
    "users.create": (True, "POST /users", lambda m: m.users.create(connection="db", email="a@b.c")),
    "users.update": (True, "PATCH /users/u", lambda m: m.users.update("u", name="n")),
    "tickets.verify_email": (
        True, "POST /tickets/email-verification", lambda m: m.tickets.verify_email(user_id="u"),
    ),
    "tickets.change_password": (
        True, "POST /tickets/password-change", lambda m: m.tickets.change_password(user_id="u"),
    ),
    "jobs.verify_email": (
        True, "POST /jobs/verification-email", lambda m: m.jobs.verify_email(user_id="u"),
    ),
    "organizations.create_invitation": (
        True, "POST /organizations/o/invitations",
        lambda m: m.organizations.create_invitation(
            "o", inviter={"name": "n"}, invitee={"email": "a@b.c"}, client_id="c"
        ),
    ),
    "guardian.create_enrollment_ticket": (
        True, "POST /guardian/enrollments/ticket", lambda m: m.guardian.create_enrollment_ticket(user_id="u"),
    ),
    "self_service_profiles.create_sso_ticket": (
        True, "POST /self-service-profiles/p/sso-ticket",
        lambda m: m.self_service_profiles.create_sso_ticket("p", connection_id="c"),
    ),
    "branding.test_phone_template": (
        True, "POST /branding/phone/templates/t/try", lambda m: m.branding.test_phone_template("t", to="1"),
    ),
    "clients.create": (False, "POST /clients", lambda m: m.clients.create(name="n")),
    "users.get_roles": (False, "GET /users/u/roles", lambda m: m.users.get_roles("u", per_page=1)),
    "users.create_authentication_method": (
        False, "POST /users/u/authentication-methods",
        lambda m: m.users.create_authentication_method("u", type="phone"),
    ),
    "organizations.get": (False, "GET /organizations/o", lambda m: m.organizations.get("o")),
    "custom_domains.get": (False, "GET /custom-domains/d", lambda m: m.custom_domains.get("d")),
    "custom_domains.get_default": (
        False, "GET /custom-domains/default", lambda m: m.custom_domains.get_default(),
    ),
    "tenants.get_settings": (False, "GET /tenants/settings", lambda m: m.tenants.get_settings()),
}  # fmt: skip

SET_UPS: dict[str, tuple[str, str | None, dict[str, Any]]] = {
    # name: host, header, options
    "canonical alone": (CANONICAL, None, {"domain": CANONICAL}),
    "canonical, links at a custom one": (
        CANONICAL, CUSTOM, {"domain": CANONICAL, "custom_domain": CUSTOM},
    ),
    "canonical, links at another": (CANONICAL, SECOND, {"domain": CANONICAL, "custom_domain": SECOND}),
    "custom": (CUSTOM, None, {"domain": CUSTOM, "audience": MANAGEMENT}),
    "custom, links at another": (
        CUSTOM, SECOND, {"domain": CUSTOM, "audience": MANAGEMENT, "custom_domain": SECOND},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("host", "header", "options"), SET_UPS.values(), ids=SET_UPS)
def test_a_management_call_has_the_header_where_it_is_taken(
    world: World, host: str, header: str | None, options: dict[str, Any]
) -> None:
    management = world.management(**options)
    found, expected = {}, {}
    for name, (takes, endpoint, call) in MANAGED.items():
        *before, request = world.sent(call, management)
        found[name] = (f"{request.method} {request.url.partition('?')[0]}", request.headers.get(HEADER))
        expected[name] = (endpoint.replace(" ", f" https://{host}/api/v2"), header if takes else None)
        assert len(before) == (len(found) == 1), "one token for all"
        for token in before:
            assert (token.method, token.url) == ("POST", f"https://{host}/oauth/token")
            assert form_of(token)["audience"] == MANAGEMENT
            assert HEADER not in token.headers
    assert found == expected


def test_the_table_names_every_call_that_takes_the_header() -> None:
    listed = {title for title, each in OPERATIONS.items() if each.get("headers")}
    assert {name for name, (takes, *_) in MANAGED.items() if takes} == listed


def test_each_call_may_have_a_domain_of_its_own_for_links_over_one_token(world: World) -> None:
    management = world.management(domain=CANONICAL)
    create = MANAGED["users.create"][2]
    views = {domain: management.with_options(custom_domain=domain) for domain in (CUSTOM, SECOND)}
    found = [world.sent(create, client)[-1] for client in (*views.values(), management)]
    assert [request.headers.get(HEADER) for request in found] == [CUSTOM, SECOND, None]
    assert {urlsplit(request.url).netloc for request in found} == {CANONICAL}
    assert len(world.transport.requests) == 4, "one token for all"


def test_with_mutual_tls_the_alias_brings_a_management_client_to_the_custom_domain(world: World) -> None:
    aliases = {"token_endpoint": f"https://mtls.{CUSTOM}/oauth/token"}
    management = world.management(
        domain=CANONICAL, client_secret=None, use_mtls=True, mtls_endpoint_aliases=aliases
    )
    token, request = world.sent(MANAGED["users.create"][2], management)
    assert (token.url, form_of(token)["audience"]) == (aliases["token_endpoint"], MANAGEMENT)
    assert request.url == f"{MANAGEMENT}users"


@pytest.mark.parametrize(("host", "options"), [(each[0], each[2]) for each in SET_UPS.values()], ids=SET_UPS)
def test_proofs_and_assertions_of_a_management_client_are_for_its_host(
    world: World, host: str, options: dict[str, Any]
) -> None:
    key = {"client_assertion_signing_key": ASSERTION_KEY.to_pem(), "client_assertion_signing_alg": "ES256"}
    management = world.management(client_secret=None, dpop=DPoPKey.generate(), **key, **options)
    requests = world.sent(MANAGED["users.create"][2], management)
    assert claims_of(form_of(requests[0])["client_assertion"])["aud"] == f"https://{host}/"
    assert [claims_of(request.headers["dpop"])["htu"] for request in requests] == [
        f"https://{host}/oauth/token", f"https://{host}/api/v2/users",
    ]  # fmt: skip


def test_domains_share_a_store_and_no_token(world: World) -> None:
    store, get = MemoryTokenStore(), AUTHENTICATION["tokens.get"][1]
    clients = [world.auth(domain, token_store=store) for domain in DOMAINS]
    assert [len(world.sent(get, client)) for client in clients * 2] == [1, 1, 1, 0, 0, 0]


# Issuers: whose tokens are accepted


def token_of(issuer: str, *, signer: str | None = None, **claims: Any) -> str:
    good = {
        "iss": f"https://{issuer}/", "sub": "auth0|1", "aud": "app", "iat": START, "exp": START + 60,
        "jti": f"{issuer} {signer}", "sid": "s", **claims,
    }  # fmt: skip
    return KEYS[signer or issuer].sign(good, headers={"kid": "k"})


@pytest.mark.parametrize("issuer", DOMAINS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_login_ends_at_the_domain_where_it_began(world: World, domain: str, issuer: str) -> None:
    request = AuthorizationRequest(
        url=f"https://{domain}/", state="s", code_verifier="v" * 43, redirect_uri=BACK
    )

    def complete(callback: str, **made: Any) -> list[str]:
        tokens = {"access_token": "t", "token_type": "Bearer", "id_token": token_of(issuer, **made)}
        world.transport.script = [json(tokens)]
        sent = world.sent(lambda auth: auth.complete(request, callback), world.auth(domain))
        return [each.url for each in sent]

    good = f"{BACK}?code=c&state=s"
    if issuer == domain:
        asked = [f"https://{domain}/oauth/token", f"https://{domain}/.well-known/jwks.json"]
        assert complete(good) == asked
        assert complete(f"{good}&iss=https://{issuer}/") == asked
        return
    # All domains of a tenant have the same keys, as a rule; then only the issuer tells them apart.
    for signer, rule in ((domain, "iss"), (issuer, "signature")):
        with pytest.raises(IdTokenError) as caught:
            complete(good, signer=signer)
        assert caught.value.rule == rule
    before = list(world.transport.urls)
    with pytest.raises(AuthorizationError) as refused:
        complete(f"{good}&iss=https://{issuer}/")
    assert refused.value.error == "issuer_mismatch"
    assert world.transport.urls == before, "nothing was sent"


EVENTS = {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}
VERIFIERS: dict[str, tuple[Any, Any, dict[str, Any], dict[str, Any]]] = {
    # what they verify: blocking, asyncio, their option, the claims that only they need
    "access token": (AccessTokenVerifier, AsyncAccessTokenVerifier, {"audience": "app"}, {}),
    "ID token": (IdTokenVerifier, AsyncIdTokenVerifier, {"client_id": "app"}, {}),
    "logout token": (LogoutTokenVerifier, AsyncLogoutTokenVerifier, {"client_id": "app"}, EVENTS),
}
ACCEPTED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "the canonical one": ({"domain": CANONICAL}, (CANONICAL,)),
    "a custom one": ({"domain": CUSTOM}, (CUSTOM,)),
    "both": ({"domains": [CANONICAL, CUSTOM]}, (CANONICAL, CUSTOM)),
    "custom ones": ({"domains": [CUSTOM, SECOND]}, (CUSTOM, SECOND)),
    "by a function": ({"domains": lambda context: [SECOND, CANONICAL]}, (SECOND, CANONICAL)),
}


@pytest.mark.parametrize(("where", "accepted"), ACCEPTED.values(), ids=ACCEPTED)
@pytest.mark.parametrize("what", VERIFIERS)
def test_a_verifier_takes_the_tokens_of_its_domains_by_the_keys_of_each(
    world: World, what: str, where: dict[str, Any], accepted: tuple[str, ...]
) -> None:
    *makers, own, claims = VERIFIERS[what]
    verifier = makers[world.kind.asynchronous](
        transport=world.transport, clock=world.clock, retry=False, **own, **where
    )

    def rule_of(issuer: str, signer: str | None = None) -> str | None:
        token = token_of(issuer, signer=signer, **claims)
        try:
            world.kind.do(lambda: verifier.verify(token))
        except (IdTokenError, TokenError) as error:
            return error.rule
        return None

    for issuer in DOMAINS:
        before = len(world.transport.urls)
        if issuer in accepted:
            assert rule_of(issuer) is None
            # One domain does not speak for another.
            other = next(domain for domain in DOMAINS if domain != issuer)
            assert rule_of(issuer, signer=other) == "signature"
            assert world.transport.urls[before:] == [f"https://{issuer}/.well-known/jwks.json"]
        else:
            assert rule_of(issuer) == "iss"
            assert world.transport.urls[before:] == []
