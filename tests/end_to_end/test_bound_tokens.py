"""Tokens that are bound to a key or a certificate, and clients whose keys change; blocking and asyncio."""

import base64
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anyauth0 import (
    TLS,
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationApiError,
    AuthenticationClient,
    BadRequest,
    DPoPAuth,
    DPoPKey,
    ManagementClient,
    Unauthorized,
)
from anyauth0.jose import generate_key, public_jwk
from anyauth0.verification import (
    AccessTokenVerifier,
    AsyncAccessTokenVerifier,
    MemoryReplayStore,
    TokenError,
)
from anyauth0_plugins.client_assertion import AssertionKeys, private_key, remote_key
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.clients import key_credential
from anyauth0_transports.local.server import Server

from .conftest import API, PASSWORD

BACK = "https://app.example.com/callback"
PARTNER = "https://partner.example/token"
THINGS = f"{API}/things"
KEY, OTHER_KEY = DPoPKey.generate(), DPoPKey.generate()


def claims(token: str) -> Any:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.fixture
def options(where: Any, tenant: LocalTenant) -> dict[str, Any]:
    credentials = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    return {**where, **credentials, "clock": tenant.clock}


@pytest.fixture
def auth(run: Any, options: Any) -> Callable[..., Any]:
    """Return a function that does one call with a new client of the kind at hand, which has the key."""
    kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient

    def call(do: Any, **more: Any) -> Any:
        return run(kind(**{**options, "dpop": KEY, **more}), do)

    return call


@pytest.fixture
def verify(run: Any, where: Any, tenant: LocalTenant) -> Callable[..., Any]:
    """Return a function that verifies the request that an API is sent."""
    kind = AsyncAccessTokenVerifier if run.asynchronous else AccessTokenVerifier
    common = {**where, "audience": API, "clock": tenant.clock, "replay_store": MemoryReplayStore()}

    def call(headers: Any, **more: Any) -> Any:
        return run(kind(**common), lambda api: api.verify_request("GET", THINGS, headers, **more))

    return call


def log_in(auth: Any, user: Any, **options: Any) -> Any:
    login = {"username": user["email"], "password": PASSWORD, "audience": API}
    scope = "openid offline_access read:things"
    return auth(lambda auth: auth.oauth.password_grant(**login, scope=scope), **options).data


# --- by a key (DPoP): every grant


def by_code(auth: Any, tenant: LocalTenant, user: Any, *, pushed: bool = False) -> Any:
    request = auth(lambda auth: auth.authorize(redirect_uri=BACK, pushed=pushed))
    query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
    assert (query.get("dpop_jkt") == KEY.thumbprint) is not pushed
    callback = tenant.authorize(user=user, **query)
    return auth(lambda auth: auth.complete(request, callback))


def by_pushed_code(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    return by_code(auth, tenant, user, pushed=True)


def by_client_credentials(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    return auth(lambda auth: auth.oauth.client_credentials_grant(audience=API))


def by_refresh(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    token = log_in(auth, user).refresh_token
    return auth(lambda auth: auth.oauth.refresh_token_grant(refresh_token=token))


def by_device(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    started = auth(lambda auth: auth.device.start(scope="openid")).data
    tenant.approve_device(started.user_code, user)
    return auth(lambda auth: auth.device.device_code_grant(device_code=started.device_code))


def by_email(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    email = f"{secrets.token_hex(5)}@example.com"
    auth(lambda auth: auth.passwordless.send_email(email=email, send="code"))
    code = str(tenant.outbox[-1].code)
    return auth(lambda auth: auth.passwordless.login_with_email(email=email, code=code, scope="openid"))


def by_second_factor(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    tenant.require_mfa(user)
    code = tenant.add_factor(user)["recovery_codes"][0]
    with pytest.raises(AuthenticationApiError) as caught:
        log_in(auth, user)
    return auth(lambda auth: auth.mfa.verify_recovery_code(caught.value, recovery_code=code))


def by_exchange(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    tenant.add_token_exchange(PARTNER, lambda token: user)
    asked = {"subject_token": "x", "subject_token_type": PARTNER, "scope": "openid"}
    return auth(lambda auth: auth.token_exchange.exchange_token(**asked))


def by_passkey(auth: Any, tenant: LocalTenant, user: Any) -> Any:
    email = f"{secrets.token_hex(5)}@example.com"
    started = auth(lambda auth: auth.passkeys.register(user_profile={"email": email})).data
    data = {"type": "webauthn.create", "challenge": started.authn_params_public_key["challenge"]}
    encoded = base64.urlsafe_b64encode(json.dumps({**data, "origin": "https://a.example"}).encode())
    response = {"clientDataJSON": encoded.rstrip(b"=").decode(), "attestationObject": "AAAA"}
    answer = {"id": email, "rawId": email, "type": "public-key", "response": response}
    session = {"auth_session": started.auth_session, "authn_response": answer, "scope": "openid"}
    return auth(lambda auth: auth.passkeys.login(**session))


GRANTS = [
    by_code, by_pushed_code, by_client_credentials, by_refresh, by_device, by_email, by_second_factor,
    by_exchange, by_passkey,
]  # fmt: skip


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.__name__)
def test_every_grant_gives_a_token_that_is_bound_to_the_key(
    auth: Any, tenant: LocalTenant, user: Any, grant: Any
) -> None:
    tokens = grant(auth, tenant, user).data
    assert tokens.token_type == "DPoP"
    assert claims(tokens.access_token)["cnf"] == {"jkt": KEY.thumbprint}


@pytest.mark.parametrize("pushed", [False, True], ids=["in the address", "pushed"])
def test_a_code_is_bound_to_the_key_that_asked_for_it(
    auth: Any, tenant: LocalTenant, user: Any, pushed: bool
) -> None:
    for thief in (OTHER_KEY, None):
        request = auth(lambda auth: auth.authorize(redirect_uri=BACK, pushed=pushed))
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        callback = tenant.authorize(user=user, **query)
        with pytest.raises(BadRequest) as caught:
            auth(lambda auth, r=request, c=callback: auth.complete(r, c), dpop=thief)
        assert caught.value.code == "invalid_dpop_proof"


def test_a_refresh_token_is_good_with_its_key_only_which_survives_a_file(
    auth: Any, tenant: LocalTenant, user: Any
) -> None:
    kept = {"refresh_token": log_in(auth, user).refresh_token}
    for thief in (OTHER_KEY, None):
        with pytest.raises(BadRequest) as caught:
            auth(lambda auth: auth.oauth.refresh_token_grant(**kept), dpop=thief)
        assert caught.value.code == "invalid_dpop_proof"
    read = DPoPKey.from_pem(KEY.to_pem(password="p"), password="p")
    tokens = auth(lambda auth: auth.oauth.refresh_token_grant(**kept), dpop=read).data
    assert claims(tokens.access_token)["cnf"] == {"jkt": KEY.thumbprint}


@pytest.mark.parametrize("who", ["a public client", "everybody"])
def test_a_nonce_that_is_demanded_costs_one_more_request(
    auth: Any, tenant: LocalTenant, user: Any, who: str, monkeypatch: Any
) -> None:
    more = {}
    if who == "everybody":
        monkeypatch.setattr(tenant, "demand_dpop_nonce", True)
    else:
        more = {"client_id": tenant.add_client(public=True)["client_id"], "client_secret": None}
    tenant.requests.clear()
    tokens = log_in(auth, user, **more)
    assert tokens.token_type == "DPoP"
    asked = [asked for asked in tenant.requests if asked.path == "/oauth/token"]
    assert ["nonce" in claims(each.headers["dpop"]) for each in asked] == [False, True]
    kept = {"refresh_token": tokens.refresh_token}
    assert auth(lambda auth: auth.oauth.refresh_token_grant(**kept), **more).data.access_token


@pytest.fixture
def profile_token(auth: Any, user: Any) -> str:
    login = {"username": user["email"], "password": PASSWORD, "scope": "openid email"}
    return str(auth(lambda auth: auth.oauth.password_grant(**login)).data.access_token)


def test_user_info_is_for_who_has_the_key(
    auth: Any, tenant: LocalTenant, user: Any, profile_token: str, monkeypatch: Any
) -> None:
    for demanded in (False, True):
        monkeypatch.setattr(tenant, "demand_dpop_nonce", demanded)
        assert auth(lambda auth: auth.user_info.get(profile_token)).data.email == user["email"]
    for thief in (OTHER_KEY, None):
        with pytest.raises(Unauthorized) as caught:
            auth(lambda auth: auth.user_info.get(profile_token), dpop=thief)
        assert caught.value.code == "invalid_token"


def test_the_management_api_is_called_with_a_bound_token(run: Any, options: Any, tenant: LocalTenant) -> None:
    kind = AsyncManagementClient if run.asynchronous else ManagementClient
    tenant.requests.clear()
    assert run(kind(**options, dpop=KEY), lambda m: m.users.get_all(per_page=1)).status == 200
    [asked] = [asked for asked in tenant.requests if asked.path == "/api/v2/users"]
    assert asked.headers["authorization"].startswith("DPoP ")
    assert asked.headers["dpop"]


# --- by a key: an API of one's own


def test_an_api_takes_a_proof_by_the_key_of_the_token_and_each_once(
    auth: Any, verify: Any, tenant: LocalTenant, user: Any
) -> None:
    token = log_in(auth, user).access_token
    headers = DPoPAuth(KEY, token, clock=tenant.clock).headers("GET", THINGS)
    verified = verify(headers, scopes=("read:things",))
    assert verified.subject == user["user_id"]
    with pytest.raises(TokenError) as caught:
        verify(headers)
    assert (caught.value.rule, caught.value.error) == ("jti", "invalid_dpop_proof")
    stolen = DPoPAuth(OTHER_KEY, token, clock=tenant.clock).headers("GET", THINGS)
    elsewhere = DPoPAuth(KEY, token, clock=tenant.clock).headers("GET", f"{THINGS}/1")
    for wrong in (
        stolen,
        elsewhere,
        {"authorization": f"Bearer {token}"},
        {"authorization": f"DPoP {token}"},
    ):
        with pytest.raises(TokenError) as caught:
            verify(wrong)
        assert caught.value.status in (400, 401)
        assert "DPoP" in caught.value.www_authenticate


# --- by a certificate (mutual TLS)


@pytest.fixture
def mutual(run: Any, where: Any, tenant: LocalTenant, server: Server) -> Callable[..., Callable[..., Any]]:
    """Return a function that makes one that does a call with a client that shows a certificate."""
    kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient

    def make(cert: bytes, key: bytes, client_id: str, **more: Any) -> Callable[..., Any]:
        ca = where["tls"].ca if "tls" in where else None
        given = {**where, "tls": TLS(ca=ca, cert=cert, key=key), "clock": tenant.clock, **more}
        return lambda do: run(kind(client_id=client_id, use_mtls=True, **given), do)

    return make


def test_a_token_is_bound_to_the_certificate_and_the_aliases_come_from_discovery(
    auth: Any, mutual: Any, verify: Any, tenant: LocalTenant, server: Server, user: Any
) -> None:
    cert, key = server.client_certificate("service")
    other = server.client_certificate("other")
    client_id = tenant.add_client(certificate=cert, require_proof_of_possession=True)["client_id"]
    document = auth(lambda auth: auth.discovery.openid_configuration()).data
    aliases = document["mtls_endpoint_aliases"]
    assert aliases == server.mtls_endpoint_aliases
    bound = mutual(cert, key, client_id, mtls_endpoint_aliases=aliases)
    login = {"username": user["email"], "password": PASSWORD, "scope": "openid offline_access read:things"}
    tokens = bound(lambda auth: auth.oauth.password_grant(**login, audience=API)).data
    assert tokens.token_type == "Bearer"
    assert claims(tokens.access_token)["cnf"].keys() == {"x5t#S256"}
    headers = {"authorization": f"Bearer {tokens.access_token}"}
    assert verify(headers, client_certificate=cert).subject == user["user_id"]
    for wrong in (other[0], None):
        with pytest.raises(TokenError) as caught:
            verify(headers, client_certificate=wrong)
        assert caught.value.rule == "x5t#S256"
    assert bound(lambda auth: auth.user_info.get(tokens.access_token)).data.sub == user["user_id"]
    with pytest.raises(Unauthorized):
        auth(lambda auth: auth.user_info.get(tokens.access_token), dpop=None)
    grant = {"refresh_token": tokens.refresh_token}
    renewed = bound(lambda auth: auth.oauth.refresh_token_grant(**grant)).data
    assert claims(renewed.access_token)["cnf"] == claims(tokens.access_token)["cnf"]
    thief = mutual(*other, client_id, mtls_endpoint_aliases=aliases)
    with pytest.raises(Unauthorized):
        thief(lambda auth: auth.oauth.refresh_token_grant(**grant))


def test_every_endpoint_with_an_alias_is_called_there(
    mutual: Any, tenant: LocalTenant, server: Server, user: Any
) -> None:
    cert, key = server.client_certificate("service")
    client_id = tenant.add_client(certificate=cert)["client_id"]
    call = mutual(cert, key, client_id, mtls_endpoint_aliases=server.mtls_endpoint_aliases)
    login = {"username": user["email"], "password": PASSWORD, "scope": "openid offline_access"}
    tenant.requests.clear()
    tokens = call(lambda auth: auth.oauth.password_grant(**login)).data
    call(lambda auth: auth.user_info.get(tokens.access_token))
    request = call(lambda auth: auth.authorize(redirect_uri=BACK, pushed=True))
    assert urlsplit(request.url).netloc == tenant.domain
    call(lambda auth: auth.device.start(scope="openid"))
    call(lambda auth: auth.backchannel.authorize(user_id=user["user_id"], binding_message="m"))
    call(lambda auth: auth.oauth.revoke_refresh_token(token=tokens.refresh_token))
    hosts = {asked.path: asked.host for asked in tenant.requests}
    assert hosts.pop("/.well-known/jwks.json") == tenant.domain
    wanted = {urlsplit(url).path: urlsplit(url).netloc for url in server.mtls_endpoint_aliases.values()}
    assert hosts == wanted


def test_without_aliases_the_prefix_leads_to_the_endpoints(run: Any, server: Server) -> None:
    cert, key = server.client_certificate("service")
    with LocalTenant(domain="prefix.example") as tenant:
        tenant.add_api(API)
        client_id = tenant.add_client(certificate=cert)["client_id"]
        kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient
        options = {"domain": tenant.domain, "transport": "local", "tls": TLS(cert=cert, key=key)}
        client = kind(**options, client_id=client_id, use_mtls=True)
        assert run(client, lambda auth: auth.oauth.client_credentials_grant(audience=API)).data.access_token
        assert tenant.requests[-1].host == "mtls.prefix.example"


# --- keys of the client itself that change, or are elsewhere


def test_a_new_key_takes_over_from_the_old_one(run: Any, where: Any, tenant: LocalTenant) -> None:
    old, new = generate_key("ES256"), generate_key("RS256")
    client = tenant.add_client(public_key=public_jwk(old, kid="old"))
    keys = AssertionKeys(
        [
            private_key(old.to_pem(), key_id="old", algorithm="ES256"),
            private_key(new.to_pem(), key_id="new", algorithm="RS256"),
        ]
    )
    kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient

    def get() -> Any:
        auth = kind(**where, client_id=client["client_id"], plugins=[keys], clock=tenant.clock)
        return run(auth, lambda auth: auth.oauth.client_credentials_grant(audience=API)).data

    def register(*credentials: Any) -> None:
        methods = {"private_key_jwt": {"credentials": list(credentials)}}
        found = {**client, "client_authentication_methods": methods}
        tenant.store.put("clients", client["client_id"], found)

    assert get().access_token
    first, second = (key_credential(public_jwk(key, kid=kid)) for key, kid in ((old, "old"), (new, "new")))
    keys.activate("new")
    with pytest.raises(Unauthorized):
        get()
    register(first, second)
    assert get().access_token
    register(second)
    assert get().access_token
    keys.activate("old")
    with pytest.raises(Unauthorized):
        get()


def test_a_key_elsewhere_signs_for_the_client(run: Any, where: Any, tenant: LocalTenant) -> None:
    key, signed = generate_key("PS256"), []
    client_id = tenant.add_client(public_key=public_jwk(key))["client_id"]

    def sign(data: bytes) -> bytes:
        signed.append(data)
        return key.sign_bytes(data, "PS256")

    async def sign_later(data: bytes) -> bytes:
        return sign(data)

    for function in (sign, sign_later) if run.asynchronous else (sign,):
        keys = AssertionKeys([remote_key(function, key_id="kms", algorithm="PS256")])
        kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient
        auth = kind(**where, client_id=client_id, plugins=[keys], clock=tenant.clock)
        assert run(auth, lambda auth: auth.oauth.client_credentials_grant(audience=API)).data.access_token
    assert len(signed) == (2 if run.asynchronous else 1)
