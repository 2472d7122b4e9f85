"""What else a tenant answers: visitors, clients that register, providers that revoke, metadata."""

import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import Response
from anyauth0.jose import base64url_decode, generate_key, parse_token, public_jwk, sign
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.authentication import AUTHENTICATION
from anyauth0_transports.local.authentication.token import GRANT_TYPES

PASSWORD = "correct-Horse-7"
API = "https://api.example"
DATABASE = "Username-Password-Authentication"
Json = Callable[[Response], Any]


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


# --- visitors


@pytest.fixture
def shop(tenant: LocalTenant) -> str:
    tenant.add_api(API, ["read:x"])
    return tenant.add_client(public=True)["client_id"]


def test_a_visitor_has_a_session_and_tokens_within_it(
    tenant: LocalTenant, wire: Any, body: Json, shop: str
) -> None:
    first = wire.json("/anonymous/token", client_id=shop, metadata={"basket": 7})
    begun = body(first)
    assert (begun["session_expires_in"], begun["expires_in"]) == (30 * 86400, 86400)
    subject = claims(begun["access_token"])["sub"]
    assert subject.startswith("anon|")
    more = {"audience": API, "scope": "read:x read:none"}
    later = body(wire.json("/anonymous/token", client_id=shop, session_token=begun["session_token"], **more))
    assert "session_token" not in later
    given = claims(later["access_token"])
    assert (given["sub"], given["aud"], given["scope"]) == (subject, API, "read:x")
    moved = wire.json(
        "/anonymous/token",
        client_id=shop,
        session_token=begun["session_token"],
        audience="urn:auth0:anon_transfer",
    )
    assert body(moved).keys() == {"anon_transfer_token", "expires_in"}
    assert wire.get("/userinfo", authorization=f"Bearer {begun['access_token']}").status == 401


def test_the_session_of_a_visitor_ends(tenant: LocalTenant, wire: Any, body: Json, shop: str) -> None:
    def begin() -> str:
        return body(wire.json("/anonymous/token", client_id=shop))["session_token"]

    def go_on(token: object, client_id: str = shop) -> Response:
        return wire.json("/anonymous/token", client_id=client_id, session_token=token)

    other = tenant.add_client(public=True)["client_id"]
    for wrong in ("made-up", "", 7):
        refused(go_on(wrong), 400, "invalid_session_token")
    token = begin()
    refused(go_on(token, other), 400, "invalid_session_token")
    assert wire.json("/anonymous/logout", client_id=other, session_token=token).status == 204
    assert go_on(token).status == 200
    assert wire.json("/anonymous/logout", client_id=shop, session_token=token).status == 204
    refused(go_on(token), 400, "invalid_session_token")
    cookie = f"auth0_anonymous={begin()}"
    headers = {"content-type": "application/json", "cookie": cookie}
    content = json.dumps({"client_id": shop}).encode()
    assert wire.send("POST", "/anonymous/logout", content, headers).status == 204
    refused(go_on(cookie.partition("=")[2]), 400, "invalid_session_token")
    token = begin()
    tenant.advance(30 * 86400)
    refused(go_on(token), 400, "session_expired")
    refused(wire.json("/anonymous/logout"), 400, "invalid_request")


@pytest.mark.parametrize("metadata", [[], "text", {"k": "x" * 1025}])
def test_metadata_of_a_visitor_is_a_small_object(
    tenant: LocalTenant, wire: Any, shop: str, metadata: object
) -> None:
    refused(wire.json("/anonymous/token", client_id=shop, metadata=metadata), 400, "invalid_request")
    assert tenant.store.count("anonymous_sessions") == 0


def test_an_application_with_a_secret_proves_itself_for_visitors_too(tenant: LocalTenant, wire: Any) -> None:
    refused(wire.json("/anonymous/token", client_id=tenant.client_id), 401, "access_denied")
    proof = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    assert wire.json("/anonymous/token", **proof).status == 200
    refused(wire.json("/anonymous/token", audience="https://none", **proof), 403, "access_denied")


# --- clients that register


def test_nobody_registers_until_the_tenant_lets_them(tenant: LocalTenant, wire: Any) -> None:
    before = tenant.store.count("clients")
    response = wire.json("/oidc/register", redirect_uris=["https://app.example/cb"])
    refused(response, 403, "access_denied")
    assert tenant.store.count("clients") == before


def test_a_client_that_registers_can_log_users_in_and_no_more(
    tenant: LocalTenant, wire: Any, body: Json, ada: dict[str, Any]
) -> None:
    tenant.store.put("tenants/settings", "", {"friendly_name": "Acme", "flags": {"other": True}})
    tenant.allow_registration()
    assert tenant.store.get("tenants/settings", "") == {
        "friendly_name": "Acme",
        "flags": {"other": True, "enable_dynamic_client_registration": True},
    }
    back = "https://app.example/cb"
    response = wire.json("/oidc/register", redirect_uris=[back], client_name="Newcomer")
    found = body(response)
    assert (response.status, found["client_name"], found["redirect_uris"]) == (201, "Newcomer", [back])
    assert found["client_secret_expires_at"] == 0
    who = {"client_id": found["client_id"], "client_secret": found["client_secret"]}
    url = tenant.authorize(user=ada, client_id=found["client_id"], redirect_uri=back, scope="openid")
    code = url.partition("code=")[2]
    login = wire.token(grant_type="authorization_code", code=code, redirect_uri=back, **who)
    assert claims(body(login)["id_token"])["aud"] == found["client_id"]
    machine = wire.token(grant_type="client_credentials", audience=tenant.management_audience, **who)
    refused(machine, 403, "unauthorized_client")
    public = body(
        wire.json(
            "/oidc/register",
            redirect_uris=["app:/cb"],
            token_endpoint_auth_method="none",
            grant_types=["client_credentials"],
        )
    )
    assert "client_secret" not in public
    assert public["grant_types"] == ["client_credentials"]


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example"}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["no address"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://["]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["https://app.example/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["a:/b"], "client_name": 7}, "invalid_client_metadata"),
        ({"redirect_uris": ["a:/b"], "grant_types": "password"}, "invalid_client_metadata"),
        ({"redirect_uris": ["a:/b"], "token_endpoint_auth_method": "magic"}, "invalid_client_metadata"),
    ],
)
def test_a_bad_registration_makes_no_client(
    tenant: LocalTenant, wire: Any, fields: dict[str, Any], error: str
) -> None:
    tenant.allow_registration()
    before = tenant.store.count("clients")
    refused(wire.json("/oidc/register", **fields), 400, error)
    assert tenant.store.count("clients") == before


# --- providers that revoke


def test_a_trusted_provider_ends_what_a_user_has(tenant: LocalTenant, wire: Any, body: Json) -> None:
    issuer, name, key, stranger = (
        "https://idp.example",
        "corp & co",
        generate_key("ES256"),
        generate_key("ES256"),
    )
    tenant.add_connection(name, strategy="okta")
    tenant.add_connection("another", strategy="okta")
    tenant.trust_issuer(issuer, public_jwk(key), connection=name)
    bea = tenant.add_user(connection=name, user_id="00u1", email="bea@corp.example")
    back = "https://app.example/cb"

    def log_in() -> str:
        url = tenant.authorize(user=bea, redirect_uri=back, scope="openid offline_access")
        code = url.partition("code=")[2]
        found = body(wire.token(grant_type="authorization_code", code=code, redirect_uri=back))
        return found["refresh_token"]

    def renew(token: str) -> int:
        return wire.token(grant_type="refresh_token", refresh_token=token).status

    def revoke(connection: str = name, *, signer: Any = key, subject: Any = None, **changes: Any) -> Response:
        path = f"/oauth/global-token-revocation/connection/{quote(connection, safe='')}"
        now = int(tenant.clock())
        made = {
            "iss": issuer, "sub": issuer, "aud": f"{tenant.issuer}{path[1:]}", "iat": now,
            "exp": now + 60, "jti": secrets.token_hex(8), **changes,
        }  # fmt: skip
        typ = {"typ": "global-token-revocation+jwt"}
        token = sign(made, signer, algorithm="ES256", headers=typ)
        whom = subject or {"format": "iss_sub", "iss": issuer, "sub": "00u1"}
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        return wire.send("POST", path, json.dumps({"subject": whom}).encode(), headers)

    kept = log_in()
    refused(revoke(signer=stranger), 401, "invalid_token")
    refused(revoke("another"), 401, "invalid_token")
    refused(revoke(aud=tenant.issuer), 401, "invalid_token")
    refused(revoke(exp=1), 401, "invalid_token")
    refused(revoke(subject={"format": "email", "email": "bea@corp.example"}), 400, "invalid_request")
    elsewhere = {"format": "iss_sub", "iss": "https://other.example", "sub": "00u1"}
    refused(revoke(subject=elsewhere), 400, "invalid_request")
    refused(revoke(subject={"format": "iss_sub", "iss": issuer, "sub": "00u2"}), 400, "invalid_request")
    bare = wire.json("/oauth/global-token-revocation/connection/another")
    refused(bare, 401, "invalid_token")
    assert renew(kept) == 200
    session = {"id": "s1", "user_id": bea["user_id"]}
    tenant.store.add("sessions", "s1", session)
    tenant.store.add("sessions", "s2", {"id": "s2", "user_id": "auth0|other"})
    assert revoke().status == 200
    assert renew(kept) == 403
    assert [item["id"] for item in tenant.store.list("sessions")] == ["s2"]
    assert renew(log_in()) == 200


# --- what the tenant tells about itself


def test_webfinger_knows_the_domains_of_enterprise_connections(
    tenant: LocalTenant, wire: Any, body: Json
) -> None:
    options = {"domain_aliases": ["Corp.example"], "tenant_domain": "main.corp.example"}
    tenant.add_connection("corporate", strategy="waad", options=options)
    tenant.add_connection("no domain", strategy="okta")
    tenant.add_connection("database", options={"domain_aliases": ["db.example"]})

    def ask(domain: str, rel: str = "http://openid.net/specs/connect/1.0/issuer") -> Response:
        return wire.get(f"/.well-known/webfinger?resource={quote(domain)}&rel={quote(rel)}")

    for domain in ("corp.example", "CORP.example", "main.corp.example"):
        found = body(ask(f"urn:auth0:discovery:domain:{domain}"))
        assert found["links"][0]["href"] == tenant.issuer
    for domain in (
        "urn:auth0:discovery:domain:other.example",
        "urn:auth0:discovery:domain:db.example",
        "urn:auth0:discovery:domain:none",
        "corp.example",
    ):
        refused(ask(domain), 404, "not_found")
    refused(ask("urn:auth0:discovery:domain:corp.example", "avatar"), 404, "not_found")
    refused(wire.get("/.well-known/webfinger"), 400, "invalid_request")


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/samlp/metadata/{client_id}", "samlp/{client_id}"),
        ("/wsfed/FederationMetadata/2007-06/FederationMetadata.xml", "wsfed"),
    ],
)
def test_metadata_is_xml_with_the_key_and_the_address(
    tenant: LocalTenant, wire: Any, body: Json, path: str, address: str
) -> None:
    response = wire.get(path.format(client_id=tenant.client_id))
    assert response.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(response.body)
    assert root.get("entityID") == f"urn:{tenant.domain}"
    wanted = f"{tenant.issuer}{address.format(client_id=tenant.client_id)}"
    assert wanted in {item.get("Location") or item.text for item in root.iter()}
    modulus = root.find(".//{http://www.w3.org/2000/09/xmldsig#}Modulus")
    assert modulus is not None
    key = body(wire.get("/.well-known/jwks.json"))["keys"][0]
    standard = str(modulus.text).rstrip("=").translate(str.maketrans("+/", "-_"))
    assert base64url_decode(standard) == base64url_decode(key["n"])


def test_there_is_no_metadata_for_nobody(wire: Any) -> None:
    refused(wire.get("/samlp/metadata/nobody"), 404, "not_found")
    refused(wire.get("/samlp/metadata/%3Cx%3E"), 404, "not_found")


def test_discovery_names_endpoints_that_answer(tenant: LocalTenant, wire: Any, body: Json) -> None:
    found = body(wire.get("/.well-known/openid-configuration"))
    named = {name: url for name, url in found.items() if name.endswith("_endpoint")}
    assert len(named) == 9
    for url in [*named.values(), found["jwks_uri"]]:
        path = url.removeprefix(f"https://{tenant.domain}")
        answers = [wire.send(method, path).status for method in ("GET", "POST")]
        assert min(answers) != 404, (url, answers)
    assert found["dpop_signing_alg_values_supported"] == ["ES256"]
    assert "urn:openid:params:grant-type:ciba" in found["grant_types_supported"]


# --- nonsense

FIELDS = [
    "actor_token", "actor_token_type", "assertion", "audience", "auth_req_id", "auth_session",
    "authenticator_types", "authn_response", "binding_code", "binding_message", "challenge_type",
    "connection", "device_code", "email", "login_hint", "metadata", "mfa_token", "oob_channels", "oob_code",
    "organization", "otp", "phone_number", "realm", "recovery_code", "redirect_uris", "requested_expiry",
    "scope", "session_token", "state", "subject", "subject_token", "subject_token_type", "user_metadata",
    "user_profile", "username",
]  # fmt: skip
PATHS = [path for method, path in AUTHENTICATION if method == "POST"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from([DATABASE, "{}", "[]", "oob", "sms", "https://a.example", "openid"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["email", "sub", "id"]), inner)
    ),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from(PATHS),
    grant=st.sampled_from(GRANT_TYPES),
    fields=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8),
)
def test_nonsense_never_breaks_the_tenant(
    wire: Any, ada: dict[str, Any], path: str, grant: str, fields: dict[str, Any]
) -> None:
    tenant = wire.tenant
    proof = {"client_id": tenant.client_id, "client_secret": tenant.client_secret, "grant_type": grant}
    token = tenant.tokens.access_token(
        proof, subject=ada["user_id"], audience=[f"{tenant.issuer}mfa/"], scope="enroll", gty=None, lifetime=9
    )
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    if path in ("/oauth/token", "/oauth/par", "/bc-authorize", "/oauth/device/code", "/oauth/revoke"):
        del headers["authorization"]
    content = json.dumps({**fields, **proof}).encode()
    assert wire.send("POST", path, content, headers).status < 500
