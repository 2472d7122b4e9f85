"""The rules for ID tokens, one after another, and what breaks each of them."""

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
from anyauth0.jose import JoseError, SigningKey, base64url_encode, generate_key, public_jwk, secret_key, sign
from anyauth0.jwks import JwksCache
from anyauth0.messages import Request, Response

NOW = 1_700_000_000.0
ISSUER = "https://tenant.eu.auth0.com/"
CLIENT = "client"
SECRET = "a client secret that is long enough"
KEY, FOREIGN_KEY, EC_KEY = generate_key("RS256"), generate_key("RS256"), generate_key("ES256")
CLAIMS: dict[str, Any] = {"iss": ISSUER, "sub": "auth0|1", "aud": CLIENT, "iat": NOW - 10, "exp": NOW + 3600}
MISSING = object()


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
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not MISSING}
    return sign(claims, key, algorithm=algorithm, headers={"kid": kid} if kid else {})


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


def test_only_the_configured_algorithm_is_accepted() -> None:
    assert broken_rule(token_of(algorithm="RS512")) == "alg"
    assert broken_rule(token_of(key=EC_KEY, algorithm="ES256", kid="ec")) == "alg"
    assert broken_rule(token_of(), algorithm="ES256") == "alg"
    assert broken_rule("eyJhbGciOiJub25lIn0.e30.") == "alg"


def test_a_key_of_another_issuer_and_an_unknown_key_are_refused() -> None:
    assert broken_rule(token_of(key=FOREIGN_KEY)) == "signature"
    assert broken_rule(token_of(key=FOREIGN_KEY, kid="foreign")) == "key"


@pytest.mark.parametrize("token", ["", "a.b.c", "a.b.c.d.e", None, 5, {}, b"a.b.c"])
def test_what_is_no_token_breaks_the_format(token: Any) -> None:
    assert broken_rule(token) == "format"


def test_the_signature_is_judged_before_the_claims() -> None:
    assert broken_rule(token_of(key=FOREIGN_KEY, iss="https://evil.example/", exp=0)) == "signature"


def test_the_cause_is_kept_and_a_server_that_is_down_is_no_broken_rule() -> None:
    with pytest.raises(IdTokenError) as caught:
        check(token_of(key=FOREIGN_KEY))
    assert isinstance(caught.value.__cause__, JoseError)
    server = Server()
    server.keys = []
    with pytest.raises(TransportError):
        check(token_of(), server)


# Parties


@pytest.mark.parametrize(
    ("claim", "value", "rule"),
    [
        ("iss", MISSING, "iss"), ("iss", ISSUER.rstrip("/"), "iss"), ("iss", ISSUER.upper(), "iss"),
        ("iss", [ISSUER], "iss"), ("iss", "http" + ISSUER[5:], "iss"), ("iss", None, "iss"),
        ("sub", MISSING, "sub"), ("sub", "", "sub"), ("sub", 5, "sub"), ("sub", None, "sub"),
        ("aud", MISSING, "aud"), ("aud", "other", "aud"), ("aud", [], "aud"), ("aud", ["other"], "aud"),
        ("aud", {CLIENT: 1}, "aud"), ("aud", f"{CLIENT} other", "aud"), ("aud", [[CLIENT]], "aud"),
        ("aud", [CLIENT, 5], "aud"), ("aud", CLIENT.upper(), "aud"), ("aud", [CLIENT, "other"], "azp"),
        ("aud", None, "aud"), ("aud", True, "aud"),
    ],
)  # fmt: skip
def test_a_token_of_or_for_somebody_else_is_refused(claim: str, value: Any, rule: str) -> None:
    assert broken_rule(token_of(**{claim: value})) == rule


def test_several_audiences_need_this_client_as_the_authorized_party() -> None:
    audience = ["https://api.example/", CLIENT]
    assert check(token_of(aud=[CLIENT]))["aud"] == [CLIENT]
    assert check(token_of(aud=audience, azp=CLIENT))["azp"] == CLIENT
    for azp in ("other", None, [CLIENT], ""):
        assert broken_rule(token_of(aud=audience, azp=azp)) == "azp"


# Times


@pytest.mark.parametrize(
    ("claim", "skew", "good"),
    [
        ("exp", -59, True), ("exp", -59.9, True), ("exp", -60, False), ("exp", -61, False), ("exp", 1, True),
        ("iat", 59, True), ("iat", 60, True), ("iat", 60.5, False), ("iat", 3600, False), ("iat", -1e6, True),
        ("nbf", 60, True), ("nbf", 61, False), ("nbf", -1e6, True),
    ],
)  # fmt: skip
def test_the_clock_may_be_off_by_a_minute(claim: str, skew: float, good: bool) -> None:
    token = token_of(**{claim: NOW + skew})
    if good:
        assert check(token)[claim] == NOW + skew
    else:
        assert broken_rule(token) == claim


def test_the_tolerance_is_the_callers() -> None:
    assert broken_rule(token_of(exp=NOW), clock_tolerance=0) == "exp"
    assert check(token_of(exp=NOW + 1, iat=NOW), clock_tolerance=0)
    assert broken_rule(token_of(iat=NOW + 1), clock_tolerance=0) == "iat"
    assert check(token_of(exp=NOW - 299), clock_tolerance=300)


NO_TIMES = [MISSING, None, True, False, "1700000000", [], {}, 1e300, -1e300, 2**60, 10**400]


@pytest.mark.parametrize("value", NO_TIMES, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("claim", ["exp", "iat", "nbf", "auth_time"])
def test_a_time_is_a_number_of_seconds(claim: str, value: Any) -> None:
    if (claim, value) == ("nbf", MISSING):
        assert check(token_of(nbf=MISSING)) == CLAIMS
    else:
        assert broken_rule(token_of(**{claim: value}), checks=IdTokenChecks(max_age=60)) == claim


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
def test_a_time_that_json_has_no_number_for_is_refused(number: str) -> None:
    payload = msgspec.json.encode({**CLAIMS, "exp": "?"}).replace(b'"?"', number.encode())
    signed = ".".join(map(base64url_encode, (b'{"alg":"RS256","kid":"rsa"}', payload)))
    assert broken_rule(f"{signed}.{base64url_encode(KEY.sign_bytes(signed.encode(), 'RS256'))}") == "format"


@pytest.mark.parametrize(
    ("age", "max_age", "good"),
    [
        (0, 0, True), (60, 0, True), (61, 0, False), (360, 300, True), (361, 300, False), (361, 301.5, True),
        (-60, 300, True), (-61, 300, False), (10**6, None, True),
    ],
)  # fmt: skip
def test_a_login_may_be_as_old_as_max_age(age: float, max_age: float | None, good: bool) -> None:
    token, checks = token_of(auth_time=NOW - age), IdTokenChecks(max_age=max_age)
    if good:
        assert check(token, checks=checks)
    else:
        assert broken_rule(token, checks=checks) == "auth_time"


def test_auth_time_is_needed_only_for_max_age() -> None:
    assert check(token_of(auth_time=MISSING))
    assert check(token_of(auth_time="yesterday"))
    assert broken_rule(token_of(auth_time=MISSING), checks=IdTokenChecks(max_age=0)) == "auth_time"


@given(st.floats(-100, 100), st.floats(0, 90))
def test_no_expired_token_is_ever_accepted(skew: float, tolerance: float) -> None:
    token = token_of(exp=NOW + skew)
    expires: float = msgspec.json.decode(msgspec.json.encode(NOW + skew))
    if expires + tolerance > NOW:
        assert check(token, clock_tolerance=tolerance)
    else:
        assert broken_rule(token, clock_tolerance=tolerance) == "exp"


# Nonce


@pytest.mark.parametrize(
    "found", [MISSING, None, "", "nonce-2", "NONCE-1", "nonce-1 ", 5, ["nonce-1"], "nönce"]
)
def test_the_nonce_must_be_the_one_that_was_sent(found: Any) -> None:
    assert broken_rule(token_of(nonce=found), checks=IdTokenChecks(nonce="nonce-1")) == "nonce"


def test_the_right_nonce_is_accepted_and_no_error_shows_one() -> None:
    for nonce in ("nonce-1", "nönce"):
        checks = IdTokenChecks(nonce=nonce)
        assert check(token_of(nonce=nonce), checks=checks, refuse_unexpected_nonce=True)["nonce"] == nonce
    with pytest.raises(IdTokenError) as caught:
        check(token_of(nonce="found-nonce"), checks=IdTokenChecks(nonce="sent-nonce"))
    assert "found-nonce" not in f"{caught.value} {vars(caught.value)}"
    assert "sent-nonce" not in f"{caught.value} {vars(caught.value)}"


def test_a_nonce_that_nobody_expected_is_refused_only_where_asked_for() -> None:
    token = token_of(nonce="n")
    assert check(token)
    assert broken_rule(token, refuse_unexpected_nonce=True) == "nonce"
    assert check(token_of(nonce=None), refuse_unexpected_nonce=True)
    assert check(token_of(), refuse_unexpected_nonce=True)


# Organization


@pytest.mark.parametrize(
    ("expected", "claims", "rule"),
    [
        ("org_1", {"org_id": "org_1"}, None),
        ("org_1", {"org_id": "org_1", "org_name": "other"}, None),
        ("org_1", {}, "org_id"),
        ("org_1", {"org_id": "org_2"}, "org_id"),
        ("org_1", {"org_id": "ORG_1"}, "org_id"),
        ("org_1", {"org_id": ["org_1"]}, "org_id"),
        ("org_1", {"org_name": "org_1"}, "org_id"),
        ("acme", {"org_name": "acme"}, None),
        ("ACME", {"org_name": "acme"}, None),
        ("acme", {"org_name": "Acme"}, None),
        ("Caf\u00e9", {"org_name": "cafe\u0301"}, None),
        ("CAFE\u0301", {"org_name": "caf\u00e9"}, None),
        ("acme", {"org_name": "acme2"}, "org_name"),
        ("acme", {"org_name": " acme"}, "org_name"),
        ("strasse", {"org_name": "straße"}, "org_name"),
        ("acme", {"org_name": None}, "org_name"),
        ("acme", {"org_name": ["acme"]}, "org_name"),
        ("acme", {"org_id": "acme"}, "org_name"),
        ("ORG_1", {"org_id": "org_1"}, "org_name"),
    ],
)
def test_the_organization_is_compared_by_value(
    expected: str, claims: dict[str, Any], rule: str | None
) -> None:
    token, checks = token_of(**claims), IdTokenChecks(organization=expected)
    if rule is None:
        assert check(token, checks=checks)
    else:
        assert broken_rule(token, checks=checks) == rule


def test_without_a_check_any_organization_will_do() -> None:
    assert check(token_of(org_id="org_1", org_name=5))


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
