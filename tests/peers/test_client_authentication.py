"""A server that others wrote lets our clients in by each proof of who they are, and nobody else."""

from typing import Any

import joserfc.jwk
import pytest

from anyauth0 import TLS, AuthenticationApiError, BadRequest, Unauthorized
from anyauth0.verification import AccessTokenVerifier

from .conftest import Authority
from .oauth_server import AUDIENCE, Peer
from .records import Client

# What HTTP Basic and form-encoding treat in a way of their own; no space, which Authlib takes for a "+".
SECRET = "s3cret:/?&=%41%+~*é€\"'\\"


def application(auth: Any) -> Any:
    return auth.oauth.client_credentials_grant(audience=AUDIENCE)


@pytest.mark.parametrize(
    ("method", "plugins"),
    [("client_secret_post", ()), ("client_secret_basic", ("client_secret_basic",))],
    ids=["in the body", "by HTTP Basic"],
)
def test_a_secret_lets_in_by_the_way_that_was_registered_and_by_no_other(
    call: Any, peer: Peer, authority: Authority, method: str, plugins: Any
) -> None:
    client = peer.store.add(Client(method, secret=SECRET))
    options = {"client_id": client.client_id, "client_secret": SECRET, "plugins": plugins}
    tokens = call(application, **options).data
    assert peer.store.token(tokens.access_token).client is client
    assert ("client_secret" in peer.forms[-1]) is (method == "client_secret_post")
    assert tokens.token_type == "Bearer"
    # The API takes it: a JWT (RFC 9068) that Authlib made.
    with AccessTokenVerifier(
        domain=peer.domain, audience=AUDIENCE, tls=TLS(ca=authority.pem), proxy=False
    ) as verifier:
        assert verifier.verify(tokens.access_token).subject == client.client_id
    other = {**options, "plugins": () if plugins else ("client_secret_basic",)}
    with pytest.raises(Unauthorized) as caught:
        call(application, **other)
    assert caught.value.code == "invalid_client"


@pytest.mark.parametrize("plugins", [(), ("client_secret_basic",)], ids=["in the body", "by HTTP Basic"])
def test_a_wrong_secret_is_unauthorized_and_shown_nowhere(call: Any, peer: Peer, plugins: Any) -> None:
    method = plugins[0] if plugins else "client_secret_post"
    client = peer.store.add(Client(method, secret=SECRET))
    with pytest.raises(Unauthorized) as caught:
        call(application, client_id=client.client_id, client_secret="canary-secret", plugins=plugins)
    assert isinstance(caught.value, AuthenticationApiError)
    assert caught.value.code == "invalid_client"
    assert "canary" not in f"{caught.value!r} {caught.value}"
    assert [status for _, status, _ in peer.answers] == [401], "it is not tried again"


def test_a_client_that_nobody_knows_is_a_bad_request_where_the_server_says_so(call: Any, peer: Peer) -> None:
    # RFC 6749, section 5.2: 400 will do for credentials in the body.
    with pytest.raises(BadRequest) as caught:
        call(application, client_id="nobody", client_secret="s")
    assert (caught.value.code, caught.value.description) == (
        "invalid_client",
        "The client does not exist on this server.",
    )


KEYS = {
    "RS256": joserfc.jwk.RSAKey.generate_key(2048, {"kid": "key-1"}),
    "ES256": joserfc.jwk.ECKey.generate_key("P-256", {"kid": "key-1"}),
}


def signing(client: Client, algorithm: str, key: Any = None, kid: str = "key-1") -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "client_assertion_signing_key": (key or KEYS[algorithm]).as_pem(private=True),
        "client_assertion_signing_key_id": kid,
        "client_assertion_signing_alg": algorithm,
    }


@pytest.mark.parametrize("algorithm", KEYS)
def test_an_assertion_lets_in_once(call: Any, peer: Peer, algorithm: str) -> None:
    client = peer.store.add(Client("private_key_jwt", keys=joserfc.jwk.KeySet([KEYS[algorithm]])))
    tokens = [call(application, **signing(client, algorithm)).data.access_token for _ in range(2)]
    assert [peer.store.token(token).client for token in tokens] == [client, client]
    used = peer.forms[-1]
    assert "client_secret" not in used
    replayed = {"client_id": client.client_id, "client_assertion": used["client_assertion"]}
    with pytest.raises(BadRequest, match="used before") as caught:
        call(lambda auth: auth.oauth.client_credentials_grant(audience=AUDIENCE, **replayed))
    assert caught.value.code == "invalid_client"


@pytest.mark.parametrize(
    "option",
    [{"key": joserfc.jwk.ECKey.generate_key("P-256")}, {"kid": "key-2"}],
    ids=["another key", "another name"],
)
def test_an_assertion_by_another_key_is_refused(call: Any, peer: Peer, option: Any) -> None:
    client = peer.store.add(Client("private_key_jwt", keys=joserfc.jwk.KeySet([KEYS["ES256"]])))
    with pytest.raises(AuthenticationApiError) as caught:
        call(application, **signing(client, "ES256", **option))
    assert caught.value.code == "invalid_client"


def test_an_assertion_that_is_over_is_refused(call: Any, peer: Peer) -> None:
    client = peer.store.add(Client("private_key_jwt", keys=joserfc.jwk.KeySet([KEYS["ES256"]])))
    with pytest.raises(AuthenticationApiError) as caught:
        # Authlib allows for a minute, and an assertion is good for one.
        call(application, clock=lambda: 1_700_000_000.0, **signing(client, "ES256"))
    assert caught.value.code == "invalid_client"


def test_a_certificate_lets_in(call: Any, peer: Peer, authority: Authority) -> None:
    certificate, key = authority.client("app")
    client = peer.store.add(Client("tls_client_auth", certificate=certificate.decode()))
    options = {
        "client_id": client.client_id,
        "use_mtls": True,
        "mtls_endpoint_aliases": {"token_endpoint": f"{peer.issuer}oauth/token"},
    }
    tokens = call(application, tls=TLS(ca=authority.pem, cert=certificate, key=key), **options).data
    assert peer.store.token(tokens.access_token).client is client
    assert not peer.forms[-1].keys() & {"client_secret", "client_assertion"}
    certificate, key = authority.client("another")
    with pytest.raises(Unauthorized) as caught:
        call(application, tls=TLS(ca=authority.pem, cert=certificate, key=key), **options)
    assert caught.value.code == "invalid_client"


def test_a_grant_that_the_client_may_not_use_is_told(call: Any, peer: Peer) -> None:
    client = peer.store.add(Client("client_secret_post", secret=SECRET, grants=("authorization_code",)))
    with pytest.raises(BadRequest) as caught:
        call(application, client_id=client.client_id, client_secret=SECRET)
    assert caught.value.code == "unauthorized_client"
    with pytest.raises(BadRequest) as caught:
        call(
            lambda auth: auth.oauth.password_grant(username="jane", password="p"),
            client_id=client.client_id,
            client_secret=SECRET,
        )
    assert caught.value.code == "unsupported_grant_type"
