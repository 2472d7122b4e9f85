"""The rules for ID tokens as one table: what is changed, and the rule that it breaks, or none at its edge.

OpenID Connect Core, section 3.1.3.7, and Auth0's organizations; each row by a login and by a verifier.
"""

from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest

from anyauth0 import IdTokenChecks, IdTokenError, Request, Response
from anyauth0.authentication.authorization import AuthorizationRequest
from anyauth0.jose import SigningKey, base64url_encode, generate_key, public_jwk, secret_key
from anyauth0.verification import AsyncIdTokenVerifier, IdTokenVerifier

from ..core.fakes import DOMAIN, START, Clock, Kind, json

ISSUER, CLIENT, BACK = f"https://{DOMAIN}/", "client", "https://app.example.com/back"
SECRET = "a client secret that is long enough"
KEY, FOREIGN_KEY, EC_KEY = generate_key("RS256"), generate_key("RS256"), generate_key("ES256")
KEYS = [public_jwk(KEY, kid="rsa"), public_jwk(EC_KEY, kid="ec")]
NONCE = "nonce-1"
GOOD: dict[str, Any] = {
    "iss": ISSUER, "sub": "auth0|1", "aud": CLIENT, "iat": START - 10, "exp": START + 3600,
    "auth_time": START - 20, "nonce": NONCE, "org_id": "org_1", "org_name": "acme",
}  # fmt: skip
MISSING = msgspec.UNSET
NAN, INFINITY, TOO_LARGE = (msgspec.Raw(text) for text in (b"NaN", b"Infinity", b"1e999"))

Row = tuple[str, str | None, dict[str, Any], dict[str, Any]]
"""What it is, the rule that it breaks, the claims that are changed, what is checked beside the nonce."""


def row(what: str, rule: str | None, checks: dict[str, Any] | None = None, /, **claims: Any) -> Row:
    return what, rule, claims, checks or {}


def each(claim: str, rule: str | None, *values: Any, checks: dict[str, Any] | None = None) -> list[Row]:
    """Return a row for each value of a claim."""
    asked = "".join(f", {name} {value}" for name, value in (checks or {}).items())
    # The `repr` of a raw piece of JSON is its address, which differs between the processes of a test run.
    shown = [bytes(value).decode() if isinstance(value, msgspec.Raw) else value for value in values]
    return [
        row(f"{claim} {text!a:.40}{asked}", rule, checks, **{claim: value})
        for text, value in zip(shown, values, strict=True)
    ]


NO_TIMES = (None, True, False, str(int(START)), [], {}, 1e300, -1e300, 2**60, 2.0**53 + 2)
"""What is no number of seconds; what JSON has no number for is no claim at all."""

RULES: list[Row] = [
    # 2: the issuer is this one, to the letter
    *each("iss", "iss", MISSING, None, "", ISSUER.rstrip("/"), f"{ISSUER}/", ISSUER.upper(), [ISSUER], 5),
    *each("iss", "iss", "http" + ISSUER[5:], f"https://{DOMAIN}.evil.example/", f"https://evil.example/{DOMAIN}/"),
    *each("sub", "sub", MISSING, None, "", 5, ["auth0|1"]),
    *each("sub", None, "x", "auth0|" + "x" * 300),
    # 3: the audience is this client
    *each("aud", "aud", MISSING, None, "", "other", [], ["other"], CLIENT.upper(), f"{CLIENT} other", True),
    *each("aud", "aud", {CLIENT: 1}, [[CLIENT]], [CLIENT, 5], [None, CLIENT]),
    *each("aud", None, CLIENT, [CLIENT]),
    # 4 and 5: of several audiences it says which one asked
    *(
        row(f"two audiences, azp {azp!a}", "azp", aud=["https://api.example.com/", CLIENT], azp=azp)
        for azp in (MISSING, None, "", "other", [CLIENT], CLIENT.upper())
    ),
    row("two audiences and this client", None, aud=["https://api.example.com/", CLIENT], azp=CLIENT),
    row("one audience and another azp", None, aud=[CLIENT], azp="other"),
    # 9: it has not expired, give or take a minute
    *each("exp", "exp", START - 60, START - 61, START - 1e9, 0, -1, MISSING, *NO_TIMES),
    *each("exp", "format", NAN, INFINITY, TOO_LARGE),
    *each("exp", None, START - 59, START - 59.9, START, START + 1, 2**53),
    # 10: it was issued, and not in the future
    *each("iat", "iat", START + 61, START + 60.5, START + 3600, MISSING, *NO_TIMES),
    *each("iat", None, START + 60, START + 59, START, START - 1e6, 0),
    # RFC 7519, section 4.1.5
    *each("nbf", "nbf", START + 61, *NO_TIMES),
    *each("nbf", None, START + 60, START - 1e6, MISSING),
    # 11: the nonce is the one that was sent
    *each("nonce", "nonce", MISSING, None, "", "nonce-2", "NONCE-1", "nonce-1 ", "n\u00f6nce", 5, [NONCE]),
    row("a nonce that is not ASCII", None, {"nonce": "n\u00f6nce"}, nonce="n\u00f6nce"),
    # 13: the login is not older than was asked for
    *(
        row(f"a login {age} s ago where {most} may be", rule, {"max_age": most}, auth_time=START - age)
        for age, most, rule in (
            (0, 0, None), (60, 0, None), (61, 0, "auth_time"), (360, 300, None), (361, 300, "auth_time"),
            (361, 301.5, None), (-60, 300, None), (-61, 300, "auth_time"), (10**6, None, None),
        )
    ),
    *each("auth_time", "auth_time", MISSING, *NO_TIMES, checks={"max_age": 60}),
    *each("auth_time", None, MISSING, None, "yesterday", START + 10**6),
    # Auth0: the organization is the one that was asked for, an id to the letter, a name in any case
    *each("org_id", "org_id", MISSING, "org_2", "ORG_1", ["org_1"], checks={"organization": "org_1"}),
    *each("org_id", None, "org_1", checks={"organization": "org_1"}),
    *each("org_name", "org_name", MISSING, None, "acme2", " acme", ["acme"], checks={"organization": "acme"}),
    *each("org_name", None, "acme", "Acme", "ACME", checks={"organization": "aCme"}),
    row("a name for an id", "org_id", {"organization": "org_1"}, org_id=MISSING, org_name="org_1"),
    row("an id for a name", "org_name", {"organization": "acme"}, org_id="acme", org_name=MISSING),
    row("an id in capitals is a name", "org_name", {"organization": "ORG_1"}),
    row("an accent written otherwise", None, {"organization": "Caf\u00e9"}, org_name="cafe\u0301"),
    row("a sharp s is no double s", "org_name", {"organization": "strasse"}, org_name="stra\u00dfe"),
    *each("org_id", None, MISSING, "org_2", 5),
    *each("org_name", None, MISSING, "other", 5),
]  # fmt: skip


def token_of(
    *, key: SigningKey = KEY, algorithm: str = "RS256", kid: str | None = "rsa", **changes: Any
) -> str:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not MISSING}
    header = {"alg": algorithm} | ({} if kid is None else {"kid": kid})
    signed = ".".join(base64url_encode(msgspec.json.encode(part)) for part in (header, claims))
    return f"{signed}.{base64url_encode(key.sign_bytes(signed.encode(), algorithm))}"


class Login:
    """A login of either kind, whose code is the ID token that the server answers with."""

    def __init__(self, kind: Kind, **options: Any) -> None:
        self.kind = kind
        transport = kind.transport(otherwise=self.answer)
        given = {"domain": DOMAIN, "client_id": CLIENT, "transport": transport, "clock": Clock(), **options}
        self.client = kind.authentication(retry=False, **given)

    def answer(self, request: Request) -> Response:
        if request.url.endswith("jwks.json"):
            return json({"keys": KEYS})
        form = dict(parse_qsl((request.body or b"").decode()))
        return json({"access_token": "a", "token_type": "Bearer", "id_token": form["code"]})

    def verify(self, token: str, checks: dict[str, Any]) -> Any:
        request = AuthorizationRequest(
            **{"url": ISSUER, "state": "s", "code_verifier": "v" * 43, "redirect_uri": BACK, **checks}
        )
        return self.kind.do(lambda: self.client.complete(request, f"{BACK}?code={token}&state=s")).data.claims


class Grant(Login):
    """The same by the grant alone."""

    def verify(self, token: str, checks: dict[str, Any]) -> Any:
        grant = self.client.oauth.authorization_code_grant_with_pkce
        given = {"code": token, "code_verifier": "v" * 43, "redirect_uri": BACK}
        return self.kind.do(lambda: grant(**given, id_token=IdTokenChecks(**checks))).data.claims


class Verifier:
    """A verifier of either kind."""

    def __init__(self, kind: Kind, **options: Any) -> None:
        self.kind = kind
        transport = kind.transport(otherwise=json({"keys": KEYS}))
        given = {"domain": DOMAIN, "client_id": CLIENT, "transport": transport, "clock": Clock(), **options}
        make: Any = AsyncIdTokenVerifier if kind.asynchronous else IdTokenVerifier
        self.verifier = make(retry=False, **given)

    def verify(self, token: str, checks: dict[str, Any]) -> Any:
        return self.kind.do(lambda: self.verifier.verify(token, checks=IdTokenChecks(**checks)))


@pytest.fixture(params=[Login, Grant, Verifier], ids=lambda made: made.__name__.lower())
def judge(request: pytest.FixtureRequest, kind: Kind) -> Callable[..., str | None]:
    """Return the function that has a token judged and returns the rule that it breaks."""

    @cache
    def made(**options: Any) -> Any:
        return request.param(kind, **options)

    def broken_rule(token: str, checks: dict[str, Any] | None = None, **options: Any) -> str | None:
        refused: IdTokenError | None = None
        try:
            made(**options).verify(token, {"nonce": NONCE, **(checks or {})})
        except IdTokenError as error:
            refused = error
        if refused is None:
            return None
        assert len(str(refused)) < 300
        assert token not in str(refused)
        return refused.rule

    return broken_rule


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    """Sign the token of each row once for all who judge it."""
    return {what: token_of(**claims) for what, _, claims, _ in RULES}


def test_a_rule_is_kept_to_its_edge_and_not_beyond(judge: Any, tokens: dict[str, str]) -> None:
    found = {what: judge(tokens[what], checks) for what, _, _, checks in RULES}
    wrong = {
        what: (found[what], "where this is due", rule) for what, rule, _, _ in RULES if found[what] != rule
    }
    assert wrong == {}


def test_the_table_breaks_every_rule_and_passes_each_at_its_edge() -> None:
    names = "iss sub aud azp exp iat nbf nonce auth_time org_id org_name"
    broken = {rule for _, rule, _, _ in RULES if rule}
    assert broken == {*names.split(), "format"}
    edges = {name for _, rule, claims, _ in RULES if rule is None for name in claims}
    assert edges >= broken - {"iss", "format"}
    assert len({what for what, *_ in RULES}) == len(RULES)


# 6 to 8: the algorithm is the one that is configured, and the key the issuer's

EC: dict[str, Any] = {"key": EC_KEY, "algorithm": "ES256", "kid": "ec"}
HS: dict[str, Any] = {"key": secret_key(SECRET), "algorithm": "HS256"}
SIGNED: list[tuple[str, str, str | None, dict[str, Any]]] = [
    # what it is, the algorithm that is configured, the rule that is broken, how the token is made
    ("RS256", "RS256", None, {}),
    ("RS256 without a kid", "RS256", None, {"kid": None}),
    ("ES256", "ES256", None, EC),
    ("HS256", "HS256", None, HS),
    ("HS256 by another secret", "HS256", "signature", {**HS, "key": secret_key("x" * 32)}),
    ("HS512 where HS256 is due", "HS256", "alg", {**HS, "algorithm": "HS512"}),
    ("HS256 where RS256 is due", "RS256", "alg", HS),
    ("RS256 where HS256 is due", "HS256", "alg", {}),
    ("RS512 where RS256 is due", "RS256", "alg", {"algorithm": "RS512"}),
    ("RS256 where ES256 is due", "ES256", "alg", {}),
    ("ES256 where RS256 is due", "RS256", "alg", EC),
    ("another's key", "RS256", "signature", {"key": FOREIGN_KEY}),
    ("another's key, and claims", "RS256", "signature", {"key": FOREIGN_KEY, "exp": 0, "sub": 5}),
    ("another's key and id", "RS256", "key", {"key": FOREIGN_KEY, "kid": "foreign"}),
    ("an id in capitals", "RS256", "key", {"kid": "RSA"}),
]


@pytest.mark.parametrize(("due", "rule", "made"), [each[1:] for each in SIGNED], ids=[s[0] for s in SIGNED])
def test_the_signature_is_by_the_algorithm_and_the_key_that_are_due(
    judge: Any, due: str, rule: str | None, made: dict[str, Any]
) -> None:
    assert judge(token_of(**made), client_secret=SECRET, id_token_signing_alg=due) == rule


@pytest.mark.parametrize("tolerance", [0, 300])
def test_the_tolerance_is_the_callers(judge: Any, tolerance: int) -> None:
    checks = {"max_age": 100}
    for claim, edge in (
        ("exp", START - tolerance + 1), ("iat", START + tolerance), ("nbf", START + tolerance),
        ("auth_time", START + tolerance), ("auth_time", START - 100 - tolerance),
    ):  # fmt: skip
        beyond = edge + (1 if edge >= START and claim != "exp" else -1)
        assert judge(token_of(**{claim: edge}), checks, clock_tolerance=tolerance) is None
        assert judge(token_of(**{claim: beyond}), checks, clock_tolerance=tolerance) == claim


# Nonces that nobody expected: OpenID Connect Core, section 12.2, allows them in a refreshed token


def test_a_nonce_that_nobody_expected_is_refused_by_a_login_alone(kind: Kind) -> None:
    token, none = token_of(), {"nonce": None}
    for made in (Login, Grant):
        with pytest.raises(IdTokenError) as caught:
            made(kind).verify(token, none)
        assert caught.value.rule == "nonce"
        for nonce in (MISSING, None):
            assert made(kind).verify(token_of(nonce=nonce), none)["sub"] == "auth0|1"
    assert Verifier(kind).verify(token, none)["nonce"] == NONCE
    refreshed = json({"access_token": "a", "token_type": "Bearer", "id_token": token})
    transport = kind.transport([refreshed], json({"keys": KEYS}))
    client = kind.authentication(domain=DOMAIN, client_id=CLIENT, transport=transport, clock=Clock())
    found = kind.do(lambda: client.oauth.refresh_token_grant(refresh_token="r"))
    assert found.data.claims["nonce"] == NONCE
