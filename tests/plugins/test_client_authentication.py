"""How a client proves to be itself: secret, Basic, assertion, certificate; one of them, never two."""

import uuid
from base64 import b64decode
from typing import Any
from urllib.parse import unquote_plus

import pytest

from anyauth0 import TLS, Authenticated, ConfigurationError
from anyauth0.jose import generate_key, parse_token, verify
from anyauth0_plugins.client_assertion import ASSERTION_TYPE

PROOFS = {"client_secret", "client_assertion", "client_assertion_type"}
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    """A key for each kind of algorithm."""
    rsa = generate_key("RS256")
    return {name: rsa if name[1] == "S" and name[0] in "RP" else generate_key(name) for name in ALGORITHMS}


def pem(key: Any, password: bytes | None = None) -> str:
    from cryptography.hazmat.primitives import serialization as s

    protection = s.BestAvailableEncryption(password) if password else s.NoEncryption()
    return str(key._key.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, protection).decode())


def grant(client: Any, **arguments: Any) -> Any:
    return client.oauth.client_credentials_grant(audience="api", **arguments)


def proofs(form: dict[str, str]) -> set[str]:
    return PROOFS & set(form)


def test_a_secret_goes_into_the_body(world: Any) -> None:
    grant(world.client())
    assert proofs(world.form) == {"client_secret"}
    assert world.form["client_secret"] == "canary-secret"
    assert world.form["client_id"] == "app"
    assert "authorization" not in world.requests[-1].headers


def test_a_secret_goes_into_the_header_with_the_plugin_for_it(world: Any) -> None:
    secret, client_id = "a:b c%/ü&=", "my app:1"
    grant(world.client(client_id=client_id, client_secret=secret, plugins=["client_secret_basic"]))
    assert proofs(world.form) == set()
    assert world.form["client_id"] == client_id
    scheme, _, encoded = world.requests[-1].headers["authorization"].partition(" ")
    assert scheme == "Basic"
    name, _, password = b64decode(encoded).decode("ascii").partition(":")
    assert (unquote_plus(name), unquote_plus(password)) == (client_id, secret)


def test_the_plugin_for_basic_needs_a_secret(world: Any) -> None:
    with pytest.raises(ConfigurationError, match="client_secret_basic") as caught:
        world.client(client_secret="-", plugins=["client_secret_basic"])
    assert caught.value.option == "client_secret"


def test_the_id_of_the_call_is_the_one_that_is_proven(world: Any, keys: dict[str, Any]) -> None:
    client = world.client(
        client_assertion_signing_key=pem(keys["ES256"]), client_assertion_signing_alg="ES256"
    )
    grant(client, client_id="other")
    claims = verify(world.form["client_assertion"], keys["ES256"].verifying_key, algorithms=["ES256"])
    assert claims["iss"] == claims["sub"] == world.form["client_id"] == "other"


def test_an_assertion_says_what_the_server_wants_to_hear(world: Any, keys: dict[str, Any]) -> None:
    client = world.client(
        client_assertion_signing_key=pem(keys["RS256"]), client_assertion_signing_key_id="key-1"
    )
    grant(client)
    form = world.form
    assert proofs(form) == {"client_assertion", "client_assertion_type"}
    assert form["client_assertion_type"] == ASSERTION_TYPE
    assert parse_token(form["client_assertion"], ["RS256"]).header == {
        "alg": "RS256", "typ": "JWT", "kid": "key-1",
    }  # fmt: skip
    claims = verify(form["client_assertion"], keys["RS256"].verifying_key, algorithms=["RS256"])
    assert uuid.UUID(claims.pop("jti")).version == 4
    assert claims == {
        "iss": "app",
        "sub": "app",
        "aud": "https://tenant.eu.auth0.com/",
        "iat": int(world.now),
        "exp": int(world.now) + 60,
    }


def test_an_assertion_without_a_key_id_has_none(world: Any, keys: dict[str, Any]) -> None:
    grant(world.client(client_assertion_signing_key=pem(keys["RS256"])))
    assert parse_token(world.form["client_assertion"], ["RS256"]).header == {"alg": "RS256", "typ": "JWT"}


def test_no_assertion_is_used_for_two_calls(world: Any, keys: dict[str, Any]) -> None:
    client = world.client(
        client_assertion_signing_key=pem(keys["ES256"]), client_assertion_signing_alg="ES256"
    )
    seen = set()
    for _ in range(20):
        grant(client)
        key = keys["ES256"].verifying_key
        seen.add(verify(world.form["client_assertion"], key, algorithms=["ES256"])["jti"])
    assert len(seen) == 20


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_signs_with_the_key_that_fits_it(
    world: Any, keys: dict[str, Any], algorithm: str
) -> None:
    key = keys[algorithm]
    grant(
        world.client(
            client_assertion_signing_key=pem(key, b"open sesame"),
            client_assertion_signing_key_password="open sesame",
            client_assertion_signing_alg=algorithm,
        )
    )
    claims = verify(world.form["client_assertion"], key.verifying_key, algorithms=[algorithm])
    assert claims["iss"] == "app"


@pytest.mark.parametrize(
    ("algorithm", "other"), [("RS256", "ES256"), ("ES256", "ES384"), ("HS256", "RS256"), ("none", "RS256")]
)
def test_a_key_that_does_not_fit_is_refused_when_the_client_is_built(
    world: Any, keys: dict[str, Any], algorithm: str, other: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        world.client(client_assertion_signing_key=pem(keys[other]), client_assertion_signing_alg=algorithm)
    assert "PRIVATE KEY" not in str(caught.value)


def test_a_key_that_is_none_is_refused_when_the_client_is_built(world: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        world.client(client_assertion_signing_key="canary: no key")
    assert caught.value.option == "client_assertion_signing_key"
    assert "canary" not in str(caught.value)


CERTIFICATE = TLS(cert=b"a certificate")


def test_exactly_one_proof_is_sent_and_the_strongest_wins(world: Any, keys: dict[str, Any]) -> None:
    key = pem(keys["ES256"])
    both = {"client_assertion_signing_key": key, "client_assertion_signing_alg": "ES256"}
    grant(world.client(**both, use_mtls=True))
    assert proofs(world.form) == set()
    grant(world.client(**both))
    assert proofs(world.form) == {"client_assertion", "client_assertion_type"}
    grant(world.client(**both), client_secret="mine")
    assert proofs(world.form) == {"client_secret"}
    grant(world.client(), client_assertion="mine")
    assert proofs(world.form) == {"client_assertion", "client_assertion_type"}


def test_a_plugin_of_the_users_is_asked_before_all_others(world: Any, keys: dict[str, Any]) -> None:
    grant(
        world.client(
            client_assertion_signing_key=pem(keys["ES256"]),
            client_assertion_signing_alg="ES256",
            plugins=["client_secret"],
        )
    )
    assert proofs(world.form) == {"client_secret"}


ALIASES = {
    "/oauth/token": lambda client: client.oauth.client_credentials_grant(audience="api"),
    "/oauth/revoke": lambda client: client.oauth.revoke_refresh_token(token="canary"),
    "/oauth/par": lambda client: client.oauth.pushed_authorization(redirect_uri="https://app/cb"),
    "/userinfo": lambda client: client.user_info.get("canary"),
}


@pytest.mark.parametrize("path", ALIASES)
def test_with_mutual_tls_the_aliased_endpoints_are_elsewhere(world: Any, path: str) -> None:
    ALIASES[path](world.client(client_secret="-", use_mtls=True))
    request = world.requests[-1]
    assert request.url == f"https://mtls.tenant.eu.auth0.com{path}"
    if path != "/userinfo":
        assert world.form["client_id"] == "app"
        assert proofs(world.form) == set()


def test_with_mutual_tls_all_else_stays_where_it_is(world: Any) -> None:
    client = world.client(client_secret="-", use_mtls=True)
    client.database.sign_up(email="a@b.c", password="canary", connection="db")
    assert world.requests[-1].url == "https://tenant.eu.auth0.com/dbconnections/signup"


def test_every_endpoint_that_a_tenant_aliases_is_known() -> None:
    from anyauth0_plugins.mutual_tls import MutualTls

    strategy = MutualTls("t.auth0.com", {})
    for path in ("/bc-authorize", "/oauth/device/code", *ALIASES):
        assert strategy.address(f"https://t.auth0.com{path}") == f"https://mtls.t.auth0.com{path}"
    for url in (
        "https://t.auth0.com/oauth/token/",
        "https://t.auth0.com/mfa/challenge",
        "https://x/oauth/token",
    ):
        assert strategy.address(url) == url
    form = {"client_id": "app"}
    assert strategy.apply(form) == Authenticated(form=form)


def test_the_aliases_of_the_discovery_document_win_over_the_prefix(world: Any) -> None:
    aliases = {"token_endpoint": "https://certs.example.com/oauth/token"}
    client = world.client(client_secret="-", use_mtls=True, mtls_endpoint_aliases=aliases)
    ALIASES["/oauth/token"](client)
    ALIASES["/oauth/revoke"](client)
    assert [request.url for request in world.requests] == [
        "https://certs.example.com/oauth/token", "https://mtls.tenant.eu.auth0.com/oauth/revoke",
    ]  # fmt: skip


def test_an_alias_without_tls_is_refused(world: Any) -> None:
    with pytest.raises(ConfigurationError, match='"token_endpoint" in "mtls_endpoint_aliases"') as caught:
        world.client(use_mtls=True, mtls_endpoint_aliases={"token_endpoint": "http://certs.example.com/"})
    assert caught.value.option == "mtls_endpoint_aliases"


def test_a_transport_that_is_not_the_users_own_needs_the_certificate(world: Any) -> None:
    from anyauth0_plugins.mutual_tls import anyauth0_client_authentication as offer

    for transport in (None, "urllib3"):
        for tls in (None, TLS(), TLS(ca=b"an authority")):
            with pytest.raises(ConfigurationError, match=r'"use_mtls" needs .* tls=TLS\(') as caught:
                offer(options_of(world, transport=transport, tls=tls))
            assert caught.value.option == "tls"
        assert offer(options_of(world, transport=transport, tls=CERTIFICATE)) is not None
    assert offer(options_of(world, transport=world, tls=None)) is not None
    assert offer(options_of(world, transport="local", tls=None)) is not None


def options_of(world: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(world.client()._core.options, use_mtls=True, **changes)


def test_no_strategy_shows_its_secret(world: Any, keys: dict[str, Any]) -> None:
    from anyauth0_plugins.client_secret import ClientSecretBasic, ClientSecretPost

    for strategy in (ClientSecretPost("canary"), ClientSecretBasic("canary")):
        form = {"client_id": "app", "password": "canary"}
        shown = [repr(strategy), str(strategy), repr(strategy.apply(form))]
        assert "canary" not in " ".join(shown)
        assert form == {"client_id": "app", "password": "canary"}
        assert strategy.address("https://x/oauth/token") == "https://x/oauth/token"
