"""What verifying an ID token needs, what its errors say, and that nothing odd is let through."""

import math
import pickle
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0.blocking import BlockingDriver
from anyauth0.errors import ConfigurationError, IdTokenError, InvalidArgumentError, TransportError
from anyauth0.flow import Flow, send
from anyauth0.id_token import IdTokenChecks, verify_id_token
from anyauth0.jose import JoseError, SigningKey, generate_key, public_jwk, secret_key, sign
from anyauth0.jwks import JwksCache
from anyauth0.messages import Request, Response

NOW = 1_700_000_000.0
ISSUER = "https://tenant.eu.auth0.com/"
CLIENT = "client"
SECRET = "a client secret that is long enough"
KEY, FOREIGN_KEY, EC_KEY = generate_key("RS256"), generate_key("RS256"), generate_key("ES256")
CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": "auth0|1", "aud": CLIENT, "iat": NOW - 10, "exp": NOW + 3600}


class Server:
    """Serves the key set."""

    def __init__(self) -> None:
        self.keys = [public_jwk(KEY, kid="rsa", alg="RS256"), public_jwk(EC_KEY, kid="ec", alg="ES256")]
        self.fetches = 0

    def send(self, request: Request, /) -> Response:
        self.fetches += 1
        if not self.keys:
            raise TransportError("no answer", request_sent=False)
        return Response(status=200, body=msgspec.json.encode({"keys": self.keys}))

    def close(self) -> None: ...


def fetch() -> Flow[Response]:
    return (yield from send(Request(method="GET", url="https://tenant.eu.auth0.com/.well-known/jwks.json")))


def check(token: Any, server: Server | None = None, **options: Any) -> Mapping[str, Any]:
    jwks = JwksCache("https://tenant.eu.auth0.com/.well-known/jwks.json", fetch, clock=lambda: NOW)
    given = {"issuer": ISSUER, "client_id": CLIENT, "jwks": jwks, "now": NOW, **options}
    return BlockingDriver(server or SERVER).run(verify_id_token(token, **given))


SERVER = Server()


def token_of(
    *, key: SigningKey = KEY, algorithm: str = "RS256", kid: str | None = "rsa", **changes: Any
) -> str:
    return sign({**CLAIMS, **changes}, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def broken_rule(token: Any, **options: Any) -> str:
    with pytest.raises(IdTokenError) as caught:
        check(token, **options)
    message = str(caught.value)
    assert len(message) < 300
    assert message.count("\n") == 0
    assert not token or str(token) not in message
    assert pickle.loads(pickle.dumps(caught.value)).rule == caught.value.rule
    return caught.value.rule


# Signature and algorithm


def test_a_good_token_gives_its_claims() -> None:
    assert check(token_of(email="jane@example.com")) == {**CLAIMS, "email": "jane@example.com"}
    assert check(token_of(key=EC_KEY, algorithm="ES256", kid="ec"), algorithm="ES256") == CLAIMS
    assert check(token_of(kid=None)) == CLAIMS


def test_hs256_uses_the_client_secret_and_no_key_set() -> None:
    token = token_of(key=secret_key(SECRET), algorithm="HS256", kid=None)
    server = Server()
    for jwks in ({}, {"jwks": None}):
        assert check(token, server, algorithm="HS256", client_secret=SECRET, **jwks) == CLAIMS
    assert server.fetches == 0
    assert broken_rule(token, algorithm="HS256", client_secret="another") == "signature"
    assert broken_rule(token, algorithm="HS512", client_secret=SECRET) == "alg"
    assert broken_rule(token, client_secret=SECRET) == "alg"


@pytest.mark.parametrize("secret", [None, "", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
def test_hs256_needs_a_client_secret_that_is_one(secret: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(token_of(key=secret_key("x"), algorithm="HS256"), algorithm="HS256", client_secret=secret)
    assert caught.value.option == "client_secret"


@pytest.mark.parametrize("algorithm", ["none", "", "RS1", "rs256"])
def test_an_unknown_algorithm_is_an_error_of_configuration(algorithm: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(token_of(), algorithm=algorithm)
    assert caught.value.option == "id_token_signing_alg"


def test_rs256_needs_a_key_set() -> None:
    with pytest.raises(ConfigurationError, match='"jwks"'):
        check(token_of(), jwks=None)


@pytest.mark.parametrize("token", ["", "a.b.c", "a.b.c.d.e", None, 5, {}, b"a.b.c"])
def test_what_is_no_token_breaks_the_format(token: Any) -> None:
    assert broken_rule(token) == "format"


def test_the_cause_is_kept_and_a_server_that_is_down_is_no_broken_rule() -> None:
    with pytest.raises(IdTokenError) as caught:
        check(token_of(key=FOREIGN_KEY))
    assert isinstance(caught.value.__cause__, JoseError)
    server = Server()
    server.keys = []
    with pytest.raises(TransportError):
        check(token_of(), server)


# Claims; the table of their rules is in tests/authentication/test_id_token_rules.py


@given(st.floats(-100, 100), st.floats(0, 90))
def test_no_expired_token_is_ever_accepted(skew: float, tolerance: float) -> None:
    token = token_of(exp=NOW + skew)
    expires: float = msgspec.json.decode(msgspec.json.encode(NOW + skew))
    if expires + tolerance > NOW:
        assert check(token, clock_tolerance=tolerance)
    else:
        assert broken_rule(token, clock_tolerance=tolerance) == "exp"


def test_the_right_nonce_is_accepted_and_no_error_shows_one() -> None:
    for nonce in ("nonce-1", "nönce"):
        checks = IdTokenChecks(nonce=nonce)
        assert check(token_of(nonce=nonce), checks=checks, refuse_unexpected_nonce=True)["nonce"] == nonce
    with pytest.raises(IdTokenError) as caught:
        check(token_of(nonce="found-nonce"), checks=IdTokenChecks(nonce="sent-nonce"))
    assert "found-nonce" not in f"{caught.value} {vars(caught.value)}"
    assert "sent-nonce" not in f"{caught.value} {vars(caught.value)}"


# The checks themselves


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_age", -1), ("max_age", -0.1), ("max_age", True), ("max_age", False), ("max_age", math.nan),
        ("max_age", math.inf), ("max_age", "300"), ("max_age", 1e300), ("nonce", ""), ("nonce", "  "),
        ("nonce", 5), ("nonce", b"n"), ("organization", ""), ("organization", "\t"),
        ("organization", ["org_1"]),
    ],
)  # fmt: skip
def test_a_check_that_cannot_be_meant_is_refused_when_it_is_made(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f'"{name}"') as caught:
        IdTokenChecks(**{name: value})
    assert caught.value.argument == name


def test_the_repr_of_the_checks_shows_names_and_no_values() -> None:
    checks = IdTokenChecks(nonce="very-secret", max_age=0, organization="org_1")
    assert repr(checks) == "<IdTokenChecks of nonce, max_age, organization>"
    assert repr(IdTokenChecks()) == "<IdTokenChecks of nothing more>"
    assert IdTokenChecks() == IdTokenChecks()
    assert IdTokenChecks(max_age=0) != IdTokenChecks()


def test_an_error_says_what_was_expected_and_what_was_found() -> None:
    with pytest.raises(IdTokenError) as caught:
        check(token_of(iss="https://evil.example/" + "x" * 500))
    assert caught.value.expected == ISSUER
    assert len(str(caught.value.found)) < 80
    assert '"domain"' in str(caught.value)


@given(
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "azp", "exp", "iat", "nbf", "auth_time", "nonce", "org_id"]),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(-(2**64), 2**64), st.text(max_size=5)),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=4,
        ),
    )
)
def test_any_claims_that_are_not_all_that_was_asked_for_are_an_id_token_error(
    changes: dict[str, Any],
) -> None:
    checks = IdTokenChecks(nonce="n", max_age=5, organization="org_1")
    assert broken_rule(token_of(**changes), checks=checks)
