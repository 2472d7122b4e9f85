"""The rules for access tokens and for what binds them, one after another, and what breaks each of them."""

import hashlib
import hmac
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import joserfc.jwk
import joserfc.jwt
import jwt
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import Auth0Error, ConfigurationError, Request, Response, TransportError
from anyauth0.jose import (
    SigningKey,
    base64url_encode,
    generate_key,
    public_jwk,
    thumbprint,
)
from anyauth0.verification import (
    AccessTokenVerifier,
    AsyncAccessTokenVerifier,
    AsyncIdTokenVerifier,
    IdTokenVerifier,
    IssuerContext,
    TokenError,
    VerifierOptions,
)

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json

ISSUER, AUDIENCE = f"https://{DOMAIN}/", "https://api.example.com/"
URL = "https://api.example.com/notes"
KEY, FOREIGN_KEY, EC_KEY = generate_key("RS256"), generate_key("RS256"), generate_key("ES256")
PROOF_KEY, OTHER_PROOF_KEY = generate_key("ES256"), generate_key("ES256")
KEYS = [public_jwk(KEY, kid="rsa"), public_jwk(EC_KEY, kid="ec")]
CERTIFICATE = b"0\x82 what would be a certificate, as DER"
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "sub": "auth0|1", "aud": [AUDIENCE, "other"], "azp": "client", "scope": "read:a write:b",
    "permissions": ["read:a"], "org_id": "org_1", "org_name": "acme", "iat": START - 10, "exp": START + 3600,
}  # fmt: skip
MISSING = msgspec.UNSET


def without_missing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not MISSING}


def token_of(
    key: SigningKey = KEY, algorithm: str = "RS256", *, header: Mapping[str, Any] = {}, **changes: Any
) -> str:
    headers = {"kid": "ec" if algorithm == "ES256" else "rsa", "typ": "at+jwt", **header}
    claims = without_missing({**CLAIMS, **changes})
    if MISSING not in headers.values():
        return key.sign(claims, algorithm=algorithm, headers=headers)
    return handmade(
        {"alg": algorithm, **without_missing(headers)}, claims, lambda data: key.sign_bytes(data, algorithm)
    )


def handmade(header: object, claims: object, signature: Callable[[bytes], bytes]) -> str:
    """Return a token of whatever is given, signed by a function."""
    signed = ".".join(base64url_encode(msgspec.json.encode(part)) for part in (header, claims))
    return f"{signed}.{base64url_encode(signature(signed.encode()))}"


def proof_of(
    token: str, key: SigningKey = PROOF_KEY, *, header: Mapping[str, Any] = {}, **changes: Any
) -> str:
    ath = base64url_encode(hashlib.sha256(token.encode()).digest())
    claims = {"htm": "GET", "htu": URL, "iat": START, "jti": "one", "ath": ath, **changes}
    jwk = public_jwk(key, use=None) if key.kind != "secret" else {}
    headers = {"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk, **header}
    return handmade(
        without_missing(headers), without_missing(claims), lambda data: key.sign_bytes(data, "ES256")
    )


def bound_token(key: SigningKey = PROOF_KEY, **members: Any) -> str:
    return token_of(cnf={"jkt": thumbprint(key), **members})


def fingerprint(certificate: bytes = CERTIFICATE) -> str:
    return base64url_encode(hashlib.sha256(certificate).digest())


def dpop_headers(token: str, *proofs: str) -> list[tuple[str, str]]:
    return [("Authorization", f"DPoP {token}"), *(("DPoP", proof) for proof in proofs)]


class Api:
    """A verifier of either kind over a transport that serves the keys, and a clock that stands still."""

    def __init__(self, kind: Kind = KINDS[0], answer: Any = None, **options: Any) -> None:
        self.kind = kind
        self.clock = Clock()
        self.transport = kind.transport(otherwise=json({"keys": KEYS}) if answer is None else answer)
        kinds = (AccessTokenVerifier, AsyncAccessTokenVerifier)
        if "domains" not in options:
            options = {"domain": DOMAIN, **options}
        given = {"audience": AUDIENCE, "algorithms": ("RS256", "PS256", "ES256"), **options}
        made: Any = kinds[kind.asynchronous](transport=self.transport, clock=self.clock, retry=False, **given)
        self.verifier = made

    def verify(self, token: Any, **demands: Any) -> Any:
        return self.kind.do(lambda: self.verifier.verify(token, **demands))

    def request(self, headers: Any, *, method: str = "GET", url: str = URL, **demands: Any) -> Any:
        return self.kind.do(lambda: self.verifier.verify_request(method, url, headers, **demands))

    def refused(self, token: Any, **demands: Any) -> TokenError:
        with pytest.raises(TokenError) as caught:
            self.verify(token, **demands)
        return sound(caught.value, token)

    def refused_request(self, headers: Any, **demands: Any) -> TokenError:
        with pytest.raises(TokenError) as caught:
            self.request(headers, **demands)
        return sound(caught.value, *(value for _, value in dict(headers).items()))


def sound(error: TokenError, *secrets: Any) -> TokenError:
    """Return an error that may be shown and answered, whatever it is about."""
    assert error.status in (400, 401, 403)
    assert len(str(error)) <= 300
    assert error.www_authenticate.isascii()
    assert error.www_authenticate.isprintable()
    shown = f"{error!r} {error.args} {vars(error)} {error.headers}"
    for secret in secrets:
        assert len(str(secret)) < 100 or str(secret)[-80:] not in shown
    copied = pickle.loads(pickle.dumps(error))
    assert vars(copied) == vars(error)
    cause = error.__cause__
    assert cause is None or cause.__traceback__ is None
    return error


# What a good token says


@pytest.mark.parametrize("typ", ["at+jwt", "JWT", "jwt", "application/at+jwt", "AT+JWT"])
def test_a_good_token_gives_its_claims(kind: Kind, typ: str) -> None:
    api = Api(kind)
    claims = api.verify(
        token_of(header={"typ": typ}), scopes=("read:a", "write:b"), claims={"org_id": "org_1"}
    )
    assert (claims.issuer, claims.subject, claims.audience) == (ISSUER, "auth0|1", (AUDIENCE, "other"))
    assert (claims.scopes, claims.permissions) == ({"read:a", "write:b"}, {"read:a"})
    assert (claims.client_id, claims.organization_id, claims.organization_name) == ("client", "org_1", "acme")
    assert (claims.issued_at, claims.expires_at) == (START - 10, START + 3600)
    assert (claims.actors, claims.current_actor) == ((), None)
    assert claims.raw == CLAIMS
    assert "auth0|1" not in repr(claims)
    assert api.transport.urls == [f"https://{DOMAIN}/.well-known/jwks.json"]


@pytest.mark.parametrize(("key", "algorithm"), [(KEY, "RS256"), (KEY, "PS256"), (EC_KEY, "ES256")])
def test_each_algorithm_that_is_allowed_is_taken_and_no_other(
    kind: Kind, key: SigningKey, algorithm: str
) -> None:
    token = token_of(key, algorithm)
    assert Api(kind, algorithms=[algorithm]).verify(token).subject == "auth0|1"
    others = {"RS256", "PS256", "ES256"} - {algorithm}
    assert Api(kind, algorithms=sorted(others)).refused(token).rule == "alg"


def test_what_a_token_need_not_say_is_left_out() -> None:
    names = ("sub", "azp", "scope", "permissions", "org_id", "org_name")
    claims = Api().verify(token_of(client_id="me", aud=AUDIENCE, **dict.fromkeys(names, MISSING)))
    assert (claims.subject, claims.organization_id, claims.client_id) == (None, None, "me")
    assert (claims.scopes, claims.audience) == (frozenset(), (AUDIENCE,))


def test_one_of_several_audiences_is_enough() -> None:
    api = Api(audience=["first", "second"])
    assert api.verify(token_of(aud="second")).audience == ("second",)
    assert api.refused(token_of(aud="third")).rule == "aud"


# The rules: what breaks a token, and what is said

BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("kid", {"header": {"kid": MISSING}}),
    ("kid", {"header": {"kid": ""}}),
    ("kid", {"header": {"kid": ["rsa"]}}),
    ("key", {"header": {"kid": "unknown"}}),
    ("key", {"header": {"kid": "ec"}}),
    ("crit", {"header": {"crit": ["exp"]}}),
    ("typ", {"header": {"typ": MISSING}}),
    ("typ", {"header": {"typ": "logout+jwt"}}),
    ("typ", {"header": {"typ": "dpop+jwt"}}),
    ("typ", {"header": {"typ": 5}}),
    ("signature", {"key": FOREIGN_KEY}),
    ("iss", {"iss": MISSING}),
    ("iss", {"iss": None}),
    ("iss", {"iss": [ISSUER]}),
    ("iss", {"iss": ISSUER[:-1]}),
    ("iss", {"iss": f"{ISSUER}/"}),
    ("iss", {"iss": ISSUER.upper()}),
    ("iss", {"iss": ISSUER.replace("https", "http")}),
    ("iss", {"iss": "https://tenant.eu.auth0.com.evil.example/"}),
    ("aud", {"aud": MISSING}),
    ("aud", {"aud": []}),
    ("aud", {"aud": "other"}),
    ("aud", {"aud": AUDIENCE[:-1]}),
    ("aud", {"aud": [AUDIENCE, 5]}),
    ("aud", {"aud": {AUDIENCE: AUDIENCE}}),
    ("exp", {"exp": MISSING}),
    ("exp", {"exp": None}),
    ("exp", {"exp": str(START + 60)}),
    ("exp", {"exp": True}),
    ("exp", {"exp": 10**30}),
    ("exp", {"exp": START - 60}),
    ("iat", {"iat": MISSING}),
    ("iat", {"iat": "now"}),
    ("iat", {"iat": True}),
    ("iat", {"iat": START + 61}),
    ("nbf", {"nbf": START + 61}),
    ("nbf", {"nbf": None}),
    ("sub", {"sub": 5}),
    ("azp", {"azp": ["client"]}),
    ("org_id", {"org_id": {}}),
    ("cnf", {"cnf": {"jkt": "a thumbprint"}}),
    ("x5t#S256", {"cnf": {"x5t#S256": "a fingerprint"}}),
    ("cnf", {"cnf": {"kid": "a key"}}),
    ("cnf", {"cnf": None}),
    ("act", {"act": "me"}),
    ("act", {"act": None}),
    ("sub", {"act": {"sub": ["me"]}}),
]


@pytest.mark.parametrize(
    ("rule", "changes"), BROKEN, ids=[f"{rule} {change}"[:40] for rule, change in BROKEN]
)
def test_a_token_that_breaks_a_rule_is_refused(kind: Kind, rule: str, changes: dict[str, Any]) -> None:
    error = Api(kind).refused(token_of(**changes))
    assert (error.rule, error.error, error.status) == (rule, "invalid_token", 401)
    assert error.www_authenticate.startswith('Bearer realm="api", error="invalid_token", error_description="')


@pytest.mark.parametrize(
    "token",
    [None, 5, b"a.b.c", "", ".", "..", "a.b", "a.b.c.d.e", pytest.param("x" * 70_000, id="long"), "é.è.ê"],
)
def test_what_is_no_token_is_refused(kind: Kind, token: Any) -> None:
    assert Api(kind).refused(token).rule == "format"


@pytest.mark.parametrize(
    ("claim", "seconds", "good"),
    [
        ("exp", 1, True), ("exp", 0, True), ("exp", -59, True), ("exp", -60, False), ("exp", -61, False),
        ("iat", -1_000_000, True), ("iat", 60, True), ("iat", 61, False),
        ("nbf", 60, True), ("nbf", 61, False), ("nbf", -5, True),
    ],
)  # fmt: skip
def test_clocks_may_differ_by_the_tolerance(claim: str, seconds: float, good: bool) -> None:
    token = token_of(**{claim: START + seconds})
    if good:
        Api().verify(token)
    else:
        assert Api().refused(token).rule == claim
    strict = Api(clock_tolerance=0)
    fine = seconds > 0 if claim == "exp" else seconds <= 0
    if fine:
        strict.verify(token)
    else:
        assert strict.refused(token).rule == claim


# Algorithms


def test_a_public_key_is_never_a_secret(kind: Kind) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    public = KEY._key.public_key()  # type: ignore[union-attr]
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secrets = [pem, pem.strip(), msgspec.json.encode(KEYS[0]), KEYS[0]["n"].encode(), b""]
    for secret in secrets:
        for alg in ("HS256", "RS256"):
            token = handmade(
                {"alg": alg, "kid": "rsa", "typ": "at+jwt"},
                CLAIMS,
                lambda data, secret=secret: hmac.digest(secret, data, "sha256"),
            )
            assert Api(kind).refused(token).rule == ("alg" if alg == "HS256" else "signature")


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", None, 5, ["RS256"], "HS256", "RS1", "ES256K"]
)
def test_an_unsigned_or_foreign_algorithm_is_refused(kind: Kind, alg: Any) -> None:
    header = {"alg": alg, "kid": "rsa", "typ": "at+jwt"}
    for signature in (b"", b"x", KEY.sign_bytes(b"", "RS256")):
        api = Api(kind)
        assert api.refused(handmade(header, CLAIMS, lambda _, it=signature: it)).rule == "alg"
        assert not api.transport.requests


@pytest.mark.parametrize("algorithms", [(), ("none",), ("HS256",), ("RS256", "HS256"), ("rs256",), (None,)])
def test_no_verifier_takes_a_shared_secret_or_no_signature(algorithms: Any) -> None:
    with pytest.raises(ConfigurationError, match="algorithms"):
        Api(algorithms=algorithms)


def test_the_key_that_a_token_brings_is_not_used() -> None:
    own = {
        "kid": "rsa",
        "jwk": public_jwk(FOREIGN_KEY),
        "jku": "https://evil.example/keys",
        "x5u": "https://evil.example/",
    }
    api = Api()
    assert api.refused(token_of(FOREIGN_KEY, header=own)).rule == "signature"
    assert api.transport.urls == [f"https://{DOMAIN}/.well-known/jwks.json"]


# Keys


def test_a_key_that_was_rotated_in_is_found(kind: Kind) -> None:
    api = Api(kind)
    api.verify(token_of())
    new = generate_key("RS256")
    api.transport.otherwise = json({"keys": [*KEYS, public_jwk(new, kid="new")]})
    token = token_of(new, header={"kid": "new"})
    assert api.refused(token).rule == "key"
    api.clock.now += 30
    assert api.verify(token).subject == "auth0|1"


def test_keys_that_cannot_be_fetched_are_no_fault_of_the_token(kind: Kind) -> None:
    api = Api(kind, answer=TransportError("no answer", request_sent=False))
    with pytest.raises(TransportError):
        api.verify(token_of())
    api.transport.otherwise = json({}, status=503)
    with pytest.raises(Auth0Error) as caught:
        api.verify(token_of())
    assert not isinstance(caught.value, TokenError)


def test_a_closed_verifier_fetches_nothing(kind: Kind) -> None:
    api = Api(kind)
    kind.do(api.verifier.close)
    with pytest.raises(Auth0Error, match="closed"):
        api.verify(token_of())
    assert not api.transport.requests


def test_a_view_shares_the_keys_of_its_verifier(kind: Kind) -> None:
    api = Api(kind)
    api.verify(token_of())
    view = api.verifier.with_options(timeout=1)
    assert kind.do(lambda: view.verify(token_of())).subject == "auth0|1"
    assert len(api.transport.requests) == 1


# Issuers


def test_each_of_several_domains_has_keys_of_its_own(kind: Kind) -> None:
    other = "login.example.com"

    def keys(request: Request) -> Response:
        return json({"keys": [public_jwk(FOREIGN_KEY, kid="rsa")] if other in request.url else KEYS})

    api = Api(kind, keys, domains=[DOMAIN, other.upper()])
    theirs = {"key": FOREIGN_KEY, "iss": f"https://{other}/"}
    assert api.verify(token_of()).issuer == ISSUER
    assert api.verify(token_of(**theirs)).issuer == f"https://{other}/"
    assert api.refused(token_of(iss=f"https://{other}/")).rule == "signature"
    assert api.refused(token_of(iss="https://third.example/")).rule == "iss"
    assert len(api.transport.requests) == 2


def test_a_function_names_the_domains_by_the_request(kind: Kind) -> None:
    seen: list[IssuerContext] = []

    def domains(context: IssuerContext) -> list[str]:
        seen.append(context)
        return [DOMAIN] if context.headers.get("host") == "api.example.com" else []

    async def asynchronous(context: IssuerContext) -> list[str]:
        return domains(context)

    for function in (domains, *([asynchronous] if kind.asynchronous else [])):
        api = Api(kind, domains=function)
        headers = {"Authorization": f"Bearer {token_of()}", "Host": "api.example.com"}
        assert api.request(headers).subject == "auth0|1"
        assert (seen[-1].url, seen[-1].issuer) == (URL, ISSUER)
        assert token_of()[-80:] not in repr(seen[-1])
        assert api.refused(token_of()).rule == "iss"
        assert (seen[-1].url, seen[-1].headers) == (None, {})


def test_a_function_that_names_no_list_of_domains_is_an_error_of_the_api(kind: Kind) -> None:
    for answer in (DOMAIN, None, [5], ["https://tenant.example/"]):
        with pytest.raises(ConfigurationError, match="domains"):
            Api(kind, domains=lambda _, answer=answer: answer).verify(token_of())

    async def asynchronous(_: IssuerContext) -> list[str]:
        return [DOMAIN]

    if not kind.asynchronous:
        with pytest.raises(ConfigurationError, match="async function"):
            Api(kind, domains=asynchronous)


# Demands of the caller


@pytest.mark.parametrize("scopes", ["read:a", "read:a write:b", ("write:b",), [], {"read:a"}])
def test_scopes_that_are_there_are_enough(scopes: Any) -> None:
    Api().verify(token_of(), scopes=scopes)


def test_a_scope_that_is_not_there_is_forbidden(kind: Kind) -> None:
    missing = [MISSING, ["delete:a"], "read:a delete:abc"]
    for token in (token_of(permissions=["delete:a"]), *(token_of(scope=scope) for scope in missing)):
        error = Api(kind).refused(token, scopes=("read:a", "delete:a"))
        assert (error.rule, error.error, error.status) == ("scope", "insufficient_scope", 403)
        assert error.scopes == ("read:a", "delete:a")
        assert 'error="insufficient_scope"' in error.www_authenticate
        assert 'scope="read:a delete:a"' in error.www_authenticate


@pytest.mark.parametrize(
    ("wanted", "good"),
    [
        ({"org_id": "org_1"}, True), ({"org_id": ...}, True), ({"n": 1}, True), ({"list": [1, 2]}, True),
        ({"null": None}, True), ({"org_id": "org_2"}, False), ({"absent": ...}, False),
        ({"null": ...}, False), ({"absent": None}, False), ({"n": True}, False), ({"list": [1]}, False),
        ({"n": 1, "org_id": 5}, False),
    ],
)  # fmt: skip
def test_claims_must_have_the_value_that_is_wanted(wanted: dict[str, Any], good: bool) -> None:
    token = token_of(n=1, list=[1, 2], null=None)
    if good:
        Api().verify(token, claims=wanted)
    else:
        error = Api().refused(token, claims=wanted)
        assert error.rule in wanted
        assert error.status == 401


# Who acts


def test_the_chain_of_actors_is_told_from_the_current_one_back() -> None:
    act = {"sub": "now", "iss": ISSUER, "client_id": "c", "act": {"sub": "before", "act": {"sub": "first"}}}
    claims = Api().verify(token_of(act=act))
    assert [actor.subject for actor in claims.actors] == ["now", "before", "first"]
    current = claims.current_actor
    assert (current.subject, current.issuer, current.client_id) == ("now", ISSUER, "c")
    assert current.claims == act
    assert repr(current) == "<Actor>"


def test_a_chain_of_actors_has_an_end() -> None:
    def chain(length: int) -> dict[str, Any]:
        act: dict[str, Any] = {"sub": "first"}
        for _ in range(length - 1):
            act = {"sub": "next", "act": act}
        return act

    assert len(Api().verify(token_of(act=chain(10))).actors) == 10
    for length in (11, 400):
        assert Api().refused(token_of(act=chain(length))).rule == "act"


# Options


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"domain": None}, "domain"), ({"domain": "https://tenant.example"}, "domain"),
        ({"domains": []}, "domains"), ({"domains": [DOMAIN], "domain": DOMAIN}, "domains"),
        ({"domains": DOMAIN}, "domains"),
        ({"domains": ["a b"]}, "domains"), ({"audience": ()}, "audience"), ({"audience": [" "]}, "audience"),
        ({"audience": [5]}, "audience"), ({"dpop": "always"}, "dpop"),
        ({"dpop_algorithms": ["RS256"]}, "dpop_algorithms"),
        ({"realm": ""}, "realm"), ({"client_id": "me"}, "client_id"), ({"audiense": "a"}, "audience"),
        ({"clock_tolerance": -1}, "clock_tolerance"), ({"token": "t"}, "token"),
    ],
)  # fmt: skip
def test_a_wrong_option_is_named(kind: Kind, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=f'"{named}"'):
        Api(kind, **options)


def test_every_shared_option_is_one_of_a_client() -> None:
    from anyauth0 import Options

    assert VerifierOptions.__annotations__.keys() < Options.__annotations__.keys()


def test_the_environment_names_domain_and_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (
        ("DOMAIN", DOMAIN),
        ("AUDIENCE", AUDIENCE),
        ("CLIENT_ID", "me"),
        ("CLIENT_SECRET", "s" * 9),
    ):
        monkeypatch.setenv(f"AUTH0_{name}", value)
    assert repr(AccessTokenVerifier.from_env()) == f"<AccessTokenVerifier of {DOMAIN}>"
    assert repr(IdTokenVerifier.from_env()) == f"<IdTokenVerifier of {DOMAIN}>"


# ID tokens


def test_an_id_token_is_verified_by_the_rules_of_the_clients(kind: Kind) -> None:
    from anyauth0 import IdTokenChecks, IdTokenError

    transport = kind.transport(otherwise=json({"keys": KEYS}))
    made: type[Any] = (IdTokenVerifier, AsyncIdTokenVerifier)[kind.asynchronous]
    options: dict[str, Any] = {
        "client_id": "client",
        "transport": transport,
        "clock": Clock(),
        "retry": False,
    }
    claims, checks = {"aud": "client", "nonce": "n"}, IdTokenChecks(nonce="n")
    for where in ({"domain": DOMAIN}, {"domains": lambda _: ["other.example", DOMAIN]}):
        verifier = made(**where, **options)
        assert kind.do(lambda v=verifier: v.verify(token_of(**claims)))["sub"] == "auth0|1"
        assert kind.do(lambda v=verifier: v.verify(token_of(**claims), checks=checks))["nonce"] == "n"
        for rule, changes in (
            ("nonce", {"nonce": "m"}), ("iss", {"iss": "https://third.example/"}), ("iss", {"iss": None}),
            ("aud", {"aud": "x"}), ("signature", {"key": FOREIGN_KEY}),
            ("alg", {"key": EC_KEY, "algorithm": "ES256"}),
            ("exp", {"exp": START - 60}),
        ):  # fmt: skip
            with pytest.raises(IdTokenError) as caught:
                kind.do(lambda v=verifier, c=changes: v.verify(token_of(**{**claims, **c}), checks=checks))
            assert caught.value.rule == rule
        with pytest.raises(IdTokenError):
            kind.do(lambda v=verifier: v.verify("no token"))
    assert all(url == f"https://{DOMAIN}/.well-known/jwks.json" for url in transport.urls)
    hs = {"id_token_signing_alg": "HS256", "domain": DOMAIN, **options}
    with pytest.raises(ConfigurationError, match="client_secret"):
        made(**hs)
    from anyauth0.jose import secret_key

    verifier = made(client_secret="a secret of the application", **hs)
    token = token_of(secret_key("a secret of the application"), "HS256", **claims)
    assert kind.do(lambda: verifier.verify(token))["sub"] == "auth0|1"


# Peers


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_tokens_of_other_libraries_are_verified(kind: Kind, algorithm: str) -> None:
    curve = algorithm == "ES256"
    theirs: Any = joserfc.jwk.ECKey.generate_key("P-256") if curve else joserfc.jwk.RSAKey.generate_key(2048)
    jwk = {**theirs.as_dict(private=False), "kid": "theirs"}
    header = {"alg": algorithm, "kid": "theirs", "typ": "at+jwt"}
    algorithms = [algorithm]
    tokens = [
        joserfc.jwt.encode(header, CLAIMS, theirs, algorithms=algorithms),
        jwt.encode(CLAIMS, theirs.as_pem(private=True), algorithm=algorithm, headers=header),
    ]
    for token in tokens:
        assert Api(kind, json({"keys": [jwk]})).verify(token).subject == "auth0|1"


def test_our_key_set_and_tokens_are_read_by_other_libraries() -> None:
    keys = joserfc.jwk.KeySet.import_key_set({"keys": KEYS})  # type: ignore[arg-type, typeddict-item, list-item]
    for key, algorithm in ((KEY, "RS256"), (KEY, "PS256"), (EC_KEY, "ES256")):
        token = token_of(key, algorithm)
        assert joserfc.jwt.decode(token, keys, algorithms=[algorithm]).claims == CLAIMS
        kid = jwt.get_unverified_header(token)["kid"]
        found = jwt.PyJWKSet.from_dict({"keys": KEYS})[kid]
        options: Any = {"verify_exp": False, "verify_iat": False}
        read = jwt.decode(token, found.key, algorithms=[algorithm], audience=AUDIENCE, options=options)
        assert read == CLAIMS


# Whatever comes

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from([*CLAIMS, "nbf", "cnf", "act", "client_id", "jti"])
TEXTS = st.text(max_size=40) | st.sampled_from(["Bearer ", "DPoP ", "Bearer a.b.c", "a.b.c", token_of()])
FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def only_a_token_error(call: Callable[[], Any]) -> None:
    try:
        call()
    except TokenError as error:
        sound(error)


@FUZZ
@given(
    st.lists(
        st.tuples(st.sampled_from(["authorization", "DPoP", "x"]) | st.text(max_size=9), TEXTS), max_size=4
    ),
    TEXTS,
    TEXTS,
)
def test_whatever_a_request_says_is_verified_or_refused(
    headers: list[tuple[str, str]], method: str, url: str
) -> None:
    only_a_token_error(lambda: Api().request(headers, method=method, url=url))


@FUZZ
@given(st.dictionaries(NAMES, ANY_JSON, max_size=4))
def test_whatever_a_signed_token_claims_is_verified_or_refused(changes: dict[str, Any]) -> None:
    only_a_token_error(lambda: Api().verify(token_of(**changes)))


@FUZZ
@given(
    st.dictionaries(st.sampled_from(["typ", "jwk", "kid", "crit", "alg"]), ANY_JSON, max_size=2),
    st.dictionaries(
        st.sampled_from(["htm", "htu", "iat", "ath", "jti", "nonce"]), ANY_JSON | TEXTS, max_size=3
    ),
    TEXTS,
)
def test_whatever_a_signed_proof_claims_is_verified_or_refused(
    header: dict[str, Any], changes: dict[str, Any], url: str
) -> None:
    token = bound_token()
    proof = proof_of(token, header=header, **changes)
    only_a_token_error(lambda: Api().request(dpop_headers(token, proof), url=url, nonces=("n",)))


@FUZZ
@given(st.integers(0, len(token_of()) - 1), st.sampled_from(["", "A", "_", ".", "=", "é", "\n", "AA"]))
def test_a_token_with_any_letter_changed_is_refused(position: int, letter: str) -> None:
    token = token_of()
    changed = token[:position] + letter + token[position + 1 :]
    if changed != token:
        Api().refused(changed)


@pytest.mark.parametrize("unit", [" ", ".", ",", "=", "Bearer ", "a", "%", "/../", "\\", '"'])
def test_no_length_is_too_long_for_a_refusal(unit: str) -> None:
    long = unit * (2_000_000 // len(unit))
    api = Api()
    api.refused(long)
    for value in (long, f"Bearer {long}", f"Bearer a{long}b", f"DPoP a{long}"):
        api.refused_request([("Authorization", value), ("DPoP", long)])
    token = bound_token()
    proof = proof_of(token, htu=f"https://api.example.com/{'/../' * 8000}/other")
    assert (
        api.refused_request(dpop_headers(token, proof), url=f"https://api.example.com/{long}").rule == "htu"
    )
