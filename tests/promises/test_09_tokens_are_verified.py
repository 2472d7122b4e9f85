"""Promise 9: tokens are verified and keys are robust, in the client and in each verifier, of both kinds."""

import asyncio
import hmac
import itertools
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from anyauth0 import (
    ApiError,
    DecodingError,
    IdTokenChecks,
    IdTokenError,
    Request,
    Response,
    ServerError,
    TransportError,
    TransportTimeout,
)
from anyauth0.authentication.authorization import AuthorizationRequest
from anyauth0.jose import base64url_encode, generate_key, public_jwk
from anyauth0.verification import (
    AccessTokenVerifier,
    AsyncAccessTokenVerifier,
    AsyncIdTokenVerifier,
    AsyncLogoutTokenVerifier,
    IdTokenVerifier,
    LogoutTokenVerifier,
    TokenError,
)

from ..core.fakes import DOMAIN, START, Clock, Kind, json

JUDGES = ("client", "id token", "access token", "logout token")
ME, BACK, ISSUER = "client", "https://app.example.com/back", f"https://{DOMAIN}/"
KEYS_URL, TOKEN_URL = f"{ISSUER}.well-known/jwks.json", f"{ISSUER}oauth/token"
KEY, EC_KEY, OTHER_KEY = (generate_key(name) for name in ("RS256", "ES256", "RS256"))
KEYS = [public_jwk(KEY, kid="rsa"), public_jwk(EC_KEY, kid="ec")]
EVENT = "http://schemas.openid.net/event/backchannel-logout"
COOLDOWN, DAY = 30, 86_400

number = itertools.count()


def claims_of(**changes: Any) -> dict[str, Any]:
    """Return claims that are good for an ID token, an access token and a logout token, once each."""
    good = {
        "iss": ISSUER, "sub": "auth0|1", "aud": ME, "iat": START - 10, "exp": START + 30 * DAY,
        "jti": f"{next(number)}", "sid": "session", "events": {EVENT: {}},
    }  # fmt: skip
    return {**good, **changes}


def token_of(
    header: Mapping[str, Any] | bytes = {},
    claims: Mapping[str, Any] | bytes | None = None,
    sign: Callable[[bytes], bytes] = lambda data: KEY.sign_bytes(data, "RS256"),
) -> str:
    """Return a token of whatever is given, even of what no signer would write."""
    if not isinstance(header, bytes):
        header = msgspec.json.encode({"alg": "RS256", "typ": "JWT", "kid": "rsa", **header})
    if not isinstance(claims, bytes):
        claims = msgspec.json.encode(claims_of() if claims is None else claims)
    signed = f"{base64url_encode(header)}.{base64url_encode(claims)}"
    return f"{signed}.{base64url_encode(sign(signed.encode()))}"


GOOD = token_of()


class World:
    """An issuer whose key set may be down, a clock that stands still, and who judges tokens there."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.clock = Clock()
        self.keys: Response | Exception = json({"keys": KEYS})
        self.transport = kind.transport(otherwise=self.answer)
        self._unknown = unknown_tokens()

    def unknown(self, count: int) -> list[str]:
        """Return tokens by keys that nobody knows, none of them twice."""
        return list(itertools.islice(self._unknown, count))

    def answer(self, request: Request) -> Response:
        if request.url == TOKEN_URL:
            # The code is the ID token, so that each exchange has the one that its test wants.
            code = dict(parse_qsl((request.body or b"").decode()))["code"]
            return json({"access_token": "a", "token_type": "Bearer", "id_token": code})
        if isinstance(self.keys, Exception):
            raise self.keys
        return self.keys

    @property
    def fetches(self) -> int:
        urls = self.transport.urls
        assert set(urls) <= {KEYS_URL, TOKEN_URL}
        return urls.count(KEYS_URL)

    def judge(
        self, name: str, *, algorithm: str = "RS256", checks: Mapping[str, Any] = {}, **options: Any
    ) -> Callable[[str], Any]:
        """Return the function that has a token judged, over the transport and the clock of the world."""
        given = {"domain": DOMAIN, "transport": self.transport, "clock": self.clock, "retry": False}
        given |= options
        asynchronous = self.kind.asynchronous
        if name == "client":
            client = self.kind.authentication(client_id=ME, id_token_signing_alg=algorithm, **given)
            kept = {"url": ISSUER, "state": "s", "code_verifier": "v" * 43, "redirect_uri": BACK, **checks}
            request = AuthorizationRequest(**kept)
            return lambda token: client.complete(request, {"code": token, "state": "s"})
        makers: dict[str, tuple[Any, Any]] = {
            "id token": (IdTokenVerifier, AsyncIdTokenVerifier),
            "access token": (AccessTokenVerifier, AsyncAccessTokenVerifier),
            "logout token": (LogoutTokenVerifier, AsyncLogoutTokenVerifier),
        }
        make = makers[name][asynchronous]
        if name == "id token":
            verifier = make(client_id=ME, id_token_signing_alg=algorithm, **given)
            return lambda token: verifier.verify(token, checks=IdTokenChecks(**checks))
        own = {"audience" if name == "access token" else "client_id": ME}
        verifier = make(**own, algorithms=(algorithm,), **given)
        return lambda token: verifier.verify(token)

    def outcomes(self, judge: Callable[[str], Any], tokens: Iterable[str], *, workers: int = 1) -> list[Any]:
        """Have all tokens judged, by so many at the same time; return what was raised, or `None`."""
        left, guard, found = iter(tokens), threading.Lock(), []
        if self.kind.asynchronous:

            async def work() -> None:
                for token in left:
                    try:
                        found.append((await judge(token)) and None)
                    except Exception as error:
                        found.append(error)

            async def main() -> None:
                await asyncio.gather(*(work() for _ in range(workers)))

            asyncio.run(main())
            return found
        if workers == 1:
            for token in left:
                try:
                    found.append(judge(token) and None)
                except Exception as error:
                    found.append(error)
            return found
        together = threading.Barrier(workers)

        def work_in_a_thread(_: int) -> None:
            together.wait(30)
            while True:
                with guard:
                    token = next(left, None)
                if token is None:
                    return
                try:
                    found.append(judge(token) and None)
                except Exception as error:
                    found.append(error)

        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work_in_a_thread, range(workers)))
        return found

    def outcome(self, judge: Callable[[str], Any], token: str) -> Any:
        return self.outcomes(judge, [token])[0]


@pytest.fixture
def world(kind: Kind) -> World:
    return World(kind)


@pytest.fixture(params=JUDGES)
def who(request: pytest.FixtureRequest) -> str:
    found: str = request.param
    return found


def refusal(who: str, outcome: object) -> str:
    """Return the rule by which a token was refused, by the right class of error."""
    assert isinstance(outcome, IdTokenError if who in ("client", "id token") else TokenError), outcome
    return outcome.rule


_unknown: list[str] = []


def unknown_tokens() -> Iterator[str]:
    """Go through tokens by keys that nobody knows; all worlds have the same ones."""
    _, claims, signature = GOOD.split(".")
    for turn in itertools.count():
        if turn == len(_unknown):
            header = msgspec.json.encode({"alg": "RS256", "typ": "JWT", "kid": f"unknown-{turn}"})
            _unknown.append(f"{base64url_encode(header)}.{claims}.{signature}")
        yield _unknown[turn]


@cache
def token_at(seconds: float, turn: int = 0) -> str:
    """Return a good token of so many seconds after the start: each world judges it once."""
    return token_of(claims=claims_of(iat=START + seconds))


# Keys: how seldom they are fetched


def test_ten_thousand_unknown_keys_cost_one_fetch_a_cooldown(world: World, who: str) -> None:
    judge = world.judge(who)
    # All of them judge by the same cache.
    ten_thousand = {"id token": False, "access token": True}
    many = 10_000 if ten_thousand.get(who) is world.kind.asynchronous else 1_000
    for fetches, count in ((1, many), (2, 100), (3, 100)):
        assert {refusal(who, each) for each in world.outcomes(judge, world.unknown(count))} == {"key"}
        assert world.fetches == fetches
        assert world.outcome(judge, token_of()) is None
        world.clock.now += COOLDOWN - 1
        world.outcomes(judge, world.unknown(10))
        assert world.fetches == fetches, "not before the cooldown is over"
        world.clock.now += 1


def test_unknown_keys_from_everywhere_at_once_cost_one_fetch_a_cooldown(world: World, who: str) -> None:
    judge, workers = world.judge(who), 200 if world.kind.asynchronous else 50
    for fetches in (1, 2):
        found = world.outcomes(judge, world.unknown(400), workers=workers)
        assert [refusal(who, each) for each in found] == ["key"] * 400
        assert world.fetches == fetches
        world.clock.now += COOLDOWN


def test_good_tokens_from_everywhere_at_once_cost_one_fetch(world: World, who: str) -> None:
    judge, workers = world.judge(who), 200 if world.kind.asynchronous else 50
    tokens = [token_at(0, turn) for turn in range(workers)]
    assert world.outcomes(judge, tokens, workers=workers) == [None] * workers
    assert world.fetches == 1


# Keys: while their server is down

DOWN: dict[str, tuple[Response | Exception, type[Exception]]] = {
    "no connection": (TransportError("refused", request_sent=False), TransportError),
    "no answer": (TransportTimeout("too slow", request_sent=True), TransportTimeout),
    "500": (json({}, 500), ServerError),
    "404": (json({}, 404), ApiError),
    "a redirect": (Response(status=302, headers={"location": "https://evil.example/"}), ApiError),
    "HTML": (Response(status=200, body=b"<html>"), DecodingError),
    "no keys": (json({"keys": []}), DecodingError),
}
"""What is answered, and the error where no key is left: it is no fault of the token."""
down = pytest.mark.parametrize(("answer", "error"), DOWN.values(), ids=DOWN)


@down
def test_known_keys_stay_good_for_a_day(world: World, who: str, answer: Any, error: Any) -> None:
    judge = world.judge(who)
    assert world.outcome(judge, token_of()) is None
    world.keys = answer
    for hour in range(1, 24):
        world.clock.now = START + hour * 3600
        tokens = [token_at(hour * 3600, turn) for turn in range(3)]
        assert world.outcomes(judge, tokens) == [None] * 3
        assert world.fetches == 1 + hour, "once for all three"
    world.clock.now = START + DAY
    assert isinstance(world.outcome(judge, token_at(DAY)), error)
    world.keys = json({"keys": KEYS})
    world.clock.now += 1
    assert world.outcome(judge, token_at(DAY + 1)) is None


@down
def test_before_the_first_key_a_thousand_tokens_cost_one_fetch_a_second(
    world: World, who: str, answer: Any, error: Any
) -> None:
    judge, good, world.keys = world.judge(who), world.keys, answer
    # What is answered instead of the keys makes no difference to how often they are asked for.
    half = 500 if error is TransportError else 50
    raised = [*world.outcomes(judge, world.unknown(half))]
    raised += world.outcomes(judge, world.unknown(half), workers=50)
    assert world.fetches == 1
    for each in raised:
        assert isinstance(each, error)
        assert str(each).endswith("the keys of the issuer are fetched again in 1 s")
    assert len({id(each) for each in raised}) == 2 * half, "each has a traceback of its own"
    world.keys = good
    world.clock.now += 1
    assert world.outcome(judge, token_of()) is None
    assert world.fetches == 2


def test_a_key_that_was_rotated_in_is_found_and_one_that_was_withdrawn_is_gone(
    world: World, who: str
) -> None:
    judge = world.judge(who)

    def outcome_of(key: Any, kid: str) -> Any:
        token = token_of(
            {"kid": kid}, claims_of(iat=world.clock.now), lambda data: key.sign_bytes(data, "RS256")
        )
        return world.outcome(judge, token)

    assert outcome_of(KEY, "rsa") is None
    world.keys = json({"keys": [*KEYS, public_jwk(OTHER_KEY, kid="new")]})
    assert refusal(who, outcome_of(OTHER_KEY, "new")) == "key"
    world.clock.now += COOLDOWN
    assert outcome_of(OTHER_KEY, "new") is None
    assert outcome_of(KEY, "rsa") is None
    world.keys = json({"keys": [public_jwk(OTHER_KEY, kid="new")]})
    world.clock.now += 600
    assert refusal(who, outcome_of(KEY, "rsa")) == "key"
    assert outcome_of(OTHER_KEY, "new") is None
    # Another key under an id that is known does not verify what the old one signed, nor the other way round.
    world.keys = json({"keys": [public_jwk(KEY, kid="new")]})
    world.clock.now += 600
    assert refusal(who, outcome_of(OTHER_KEY, "new")) == "signature"
    assert outcome_of(KEY, "new") is None


# Confusion: the token has no say in how it is verified


def public_half(key: Any, encoding: Encoding) -> bytes:
    written: bytes = key._key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    return written


PEM, DER = (public_half(KEY, encoding) for encoding in (Encoding.PEM, Encoding.DER))
EVIL, EVIL_DER = public_jwk(OTHER_KEY), public_half(OTHER_KEY, Encoding.DER)
EVIL_URL = "https://evil.example/keys"


def by_secret(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda data: hmac.digest(secret, data, "sha256")


def by(key: Any, algorithm: str) -> Callable[[bytes], bytes]:
    return lambda data: key.sign_bytes(data, algorithm)


def swapped(**header: Any) -> dict[str, Any]:
    return {"header": header, "sign": by(OTHER_KEY, "RS256")}


def of_claims(twice: bytes) -> bytes:
    return msgspec.json.encode(claims_of())[:-1] + b"," + twice + b"}"


def unencoded() -> str:
    signed = f"{token_of({'b64': False}).partition('.')[0]}.$payload"
    return f"{signed}.{base64url_encode(KEY.sign_bytes(signed.encode(), 'RS256'))}"


KID = {"access token": "kid", "logout token": "kid", None: "key"}
"""RFC 9068 and Auth0's logout tokens name their key always, an ID token only where there are several."""
CONFUSED: dict[str, tuple[str, str | dict[str | None, str], dict[str, Any] | str]] = {
    # name: (the algorithm that is configured, the rule, the parts of the token or all of it)
    **{
        f"alg {alg}, {name}": ("RS256", "alg", {"header": {"alg": alg}, "sign": lambda _, it=it: it})
        for alg in ("none", "None", "NONE", "nOnE", "", None, 5, ["RS256"], {"RS256": 1}, "rs256", "RS256 ")
        for name, it in (("unsigned", b""), ("with some signature", b"x" * 256))
    },
    "no alg": ("RS256", "alg", {"header": b'{"kid":"rsa","typ":"JWT"}'}),
    **{
        f"{alg} by the public key as {name}": (
            "RS256", "alg" if alg == "HS256" else "signature",
            {"header": {"alg": alg}, "sign": by_secret(secret)},
        )
        for alg in ("HS256", "RS256")
        for name, secret in (
            ("PEM", PEM), ("PEM without its last line break", PEM.strip()), ("DER", DER), ("nothing", b""),
            ("n", KEYS[0]["n"].encode()), ("JWK", msgspec.json.encode(KEYS[0])),
        )
    },
    "RS256 where PS256 is configured": ("PS256", "alg", {}),
    "PS256 where RS256 is configured": (
        "RS256", "alg", {"header": {"alg": "PS256"}, "sign": by(KEY, "PS256")},
    ),
    "PS256 that says RS256": ("RS256", "signature", {"sign": by(KEY, "PS256")}),
    "RS256 that says PS256": ("PS256", "signature", {"header": {"alg": "PS256"}}),
    "RS512 that says RS256": ("RS256", "signature", {"sign": by(KEY, "RS512")}),
    "ES256 where RS256 is configured": (
        "RS256", "alg", {"header": {"alg": "ES256", "kid": "ec"}, "sign": by(EC_KEY, "ES256")},
    ),
    "ES256 by the id of the RSA key": (
        "ES256", "key", {"header": {"alg": "ES256"}, "sign": by(EC_KEY, "ES256")},
    ),
    "RS256 by the id of the EC key": ("RS256", "key", {"header": {"kid": "ec"}}),
    "ES256 with two zeros": (
        "ES256", "signature", {"header": {"alg": "ES256", "kid": "ec"}, "sign": lambda _: bytes(64)},
    ),
    "its own jwk": ("RS256", "signature", swapped(jwk={**EVIL, "kid": "rsa"})),
    "its own jwk, and its id": ("RS256", "key", swapped(jwk={**EVIL, "kid": "evil"}, kid="evil")),
    "its own jku": ("RS256", "signature", swapped(jku=EVIL_URL)),
    "its own jku, and its id": ("RS256", "key", swapped(jku=EVIL_URL, kid="evil")),
    "its own x5u": ("RS256", "signature", swapped(x5u=EVIL_URL, x5t="AAAA")),
    "its own x5c": ("RS256", "signature", swapped(x5c=[b64encode(EVIL_DER).decode()])),
    "an issuer of its own": (
        "RS256", {"client": "signature", None: "iss"},
        {**swapped(jku=EVIL_URL), "claims": claims_of(iss="https://evil.example/")},
    ),
    "crit": ("RS256", "crit", {"header": {"crit": ["exp"], "exp": 1}}),
    "crit of nothing": ("RS256", "crit", {"header": {"crit": []}}),
    "b64 that is critical": ("RS256", "crit", {"header": {"b64": False, "crit": ["b64"]}}),
    "b64 that is not": ("RS256", "format", unencoded()),
    **{
        f"kid {kid!r:.20}": ("RS256", "key", {"header": {"kid": kid}})
        for kid in (
            "../../../dev/null", "/dev/null", "rsa\0", "rsa' OR '1'='1", "RSA", " rsa", "x" * 30_000,
            "https://evil.example/keys#rsa",
        )
    },
    **{
        f"kid {kid!r:.20}": ("RS256", KID, {"header": {"kid": kid}})
        for kid in (["rsa"], {"rsa": 1}, 5, True, "")
    },
    "kid beyond any length": ("RS256", "format", {"header": {"kid": "x" * 70_000}}),
    "no kid, by another key": (
        "RS256", {**KID, None: "signature"},
        {"header": b'{"alg":"RS256","typ":"JWT"}', "sign": by(OTHER_KEY, "RS256")},
    ),
    # RFC 7515, section 4: of members with one name the last counts, and none is verified by another.
    "alg twice, the last none": (
        "RS256", "alg", {"header": b'{"alg":"RS256","kid":"rsa","typ":"JWT","alg":"none"}'},
    ),
    "alg twice, the first none": (
        "RS256", "signature",
        {"header": b'{"alg":"none","kid":"rsa","typ":"JWT","alg":"RS256"}', "sign": lambda _: b""},
    ),
    "kid twice": ("RS256", "key", {"header": b'{"alg":"RS256","kid":"rsa","typ":"JWT","kid":"evil"}'}),
    "iss twice": ("RS256", "iss", {"claims": of_claims(b'"iss":"https://evil.example/"')}),
    "aud twice": ("RS256", "aud", {"claims": of_claims(b'"aud":"other"')}),
    "a header that is no object": ("RS256", "format", {"header": b'["RS256"]'}),
    "claims that are no object": ("RS256", "format", {"claims": b'"claims"'}),
    "JWE": ("RS256", "format", "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d"),
    "JWS as JSON": ("RS256", "format", '{"payload":"e30","signatures":[]}'),
    "two parts": ("RS256", "format", GOOD.rpartition(".")[0]),
    "no signature": ("RS256", "signature", GOOD.rpartition(".")[0] + "."),
    "padding": ("RS256", "format", GOOD + "=="),
    "a blank before it": ("RS256", "format", " " + GOOD),
    "a line break after it": ("RS256", "format", GOOD + "\n"),
}  # fmt: skip


@cache
def confused(name: str) -> str:
    parts = CONFUSED[name][2]
    return parts if isinstance(parts, str) else token_of(**parts)


@pytest.mark.parametrize("configured", ["RS256", "PS256", "ES256"])
def test_a_confusing_token_is_refused_by_a_rule_and_nobody_it_names_is_asked(
    world: World, who: str, configured: str
) -> None:
    judge = world.judge(who, algorithm=configured)
    expected = {
        name: rules if isinstance(rules, str) else rules.get(who, rules[None])
        for name, (algorithm, rules, _) in CONFUSED.items()
        if algorithm == configured
    }
    found = {name: world.outcome(judge, confused(name)) for name in expected}
    assert {name: refusal(who, outcome) for name, outcome in found.items()} == expected
    assert world.fetches <= 1, "and it asserts that there was no other request"


def test_there_are_82_confusing_tokens() -> None:
    assert len(CONFUSED) == 82


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
def test_the_same_tokens_are_good_where_nothing_is_confused(world: World, who: str, algorithm: str) -> None:
    key, kid = (EC_KEY, "ec") if algorithm == "ES256" else (KEY, "rsa")
    token = token_of({"alg": algorithm, "kid": kid}, sign=by(key, algorithm))
    assert world.outcome(world.judge(who, algorithm=algorithm), token) is None


# Clocks

SKEWS = [
    # claim, seconds from now, and whether it is good with a tolerance of 0, 60 and 300 seconds
    ("exp", 61, "yyy"), ("exp", 1, "yyy"), ("exp", 0, "nyy"), ("exp", -59, "nyy"), ("exp", -60, "nny"),
    ("exp", -61, "nny"), ("exp", -299, "nny"), ("exp", -300, "nnn"), ("exp", -301, "nnn"),
    ("iat", -61, "yyy"), ("iat", 0, "yyy"), ("iat", 1, "nyy"), ("iat", 59, "nyy"), ("iat", 60, "nyy"),
    ("iat", 61, "nny"), ("iat", 300, "nny"), ("iat", 301, "nnn"),
    ("nbf", -61, "yyy"), ("nbf", 0, "yyy"), ("nbf", 1, "nyy"), ("nbf", 59, "nyy"), ("nbf", 60, "nyy"),
    ("nbf", 61, "nny"), ("nbf", 300, "nny"), ("nbf", 301, "nnn"),
]  # fmt: skip
LOGINS = [
    # the same for a login that may be 100 seconds old
    ("auth_time", 0, "yyy"), ("auth_time", 1, "nyy"), ("auth_time", 59, "nyy"), ("auth_time", 60, "nyy"),
    ("auth_time", 61, "nny"), ("auth_time", 301, "nnn"), ("auth_time", -100, "yyy"),
    ("auth_time", -101, "nyy"), ("auth_time", -159, "nyy"), ("auth_time", -160, "nyy"),
    ("auth_time", -161, "nny"), ("auth_time", -400, "nny"), ("auth_time", -401, "nnn"),
]  # fmt: skip


@cache
def skewed(claim: str, skew: int) -> str:
    return token_of(claims=claims_of(**{claim: START + skew}))


@pytest.mark.parametrize(("place", "tolerance"), [(0, 0), (1, 60), (2, 300)])
def test_the_clocks_may_differ_by_the_tolerance(world: World, who: str, place: int, tolerance: int) -> None:
    tables = [(SKEWS, {})] + ([(LOGINS, {"max_age": 100})] if who in ("client", "id token") else [])
    for table, checks in tables:
        judge = world.judge(who, checks=checks, clock_tolerance=tolerance)
        if checks:
            # A login has to be said where its age is asked for.
            assert refusal(who, world.outcome(judge, GOOD)) == "auth_time"
        outcomes = {(claim, skew): world.outcome(judge, skewed(claim, skew)) for claim, skew, _ in table}
        found = {key: each and refusal(who, each) for key, each in outcomes.items()}
        expected = {(claim, skew): None if good[place] == "y" else claim for claim, skew, good in table}
        assert found == expected


# Organizations

ORGANIZATIONS: list[tuple[str, dict[str, Any], str | None]] = [
    ("org_1", {"org_id": "org_1"}, None),
    ("org_1", {"org_id": "org_1", "org_name": "other"}, None),
    ("org_1", {}, "org_id"),
    ("org_1", {"org_name": "org_1"}, "org_id"),
    *(("org_1", {"org_id": other}, "org_id") for other in (
        "org_2", "org_12", "org_", "ORG_1", "Org_1", " org_1", "org_1 ", "org_1\u200b", "org_\uff11",
        "\u043erg_1", "", None, ["org_1"], {"org_1": 1}, 1, True,
    )),
    ("acme", {"org_name": "acme"}, None),
    ("Acme", {"org_name": "acme"}, None),
    ("acme", {"org_name": "ACME"}, None),
    ("acme", {"org_name": "acme", "org_id": "org_2"}, None),
    ("caf\u00e9", {"org_name": "CAFE\u0301"}, None),
    ("acme", {}, "org_name"),
    ("acme", {"org_id": "acme"}, "org_name"),
    ("ORG_1", {"org_id": "org_1"}, "org_name"),
    *(("acme", {"org_name": other}, "org_name") for other in (
        "acme2", "acm", " acme", "acme ", "acme\0", "acme\u200b", "\u0430cme", "acm\u0435", "a\u0301cme",
        "\uff41\uff43\uff4d\uff45", "", None, ["acme"], {"acme": 1}, 5, True,
    )),
    ("kiss", {"org_name": "ki\u017f\u017f"}, "org_name"),
    ("strasse", {"org_name": "stra\u00dfe"}, "org_name"),
    ("istanbul", {"org_name": "\u0130stanbul"}, "org_name"),
    ("istanbul", {"org_name": "\u0131stanbul"}, "org_name"),
    ("office", {"org_name": "o\ufb03ce"}, "org_name"),
]  # fmt: skip


@pytest.mark.parametrize("who", ["client", "id token"])
@pytest.mark.parametrize("asked", dict.fromkeys(asked for asked, _, _ in ORGANIZATIONS))
def test_the_organization_is_compared_by_value(world: World, who: str, asked: str) -> None:
    judge = world.judge(who, checks={"organization": asked})
    rows = [(claims, rule) for each, claims, rule in ORGANIZATIONS if each == asked]
    outcomes = [world.outcome(judge, token_of(claims=claims_of(**claims))) for claims, _ in rows]
    found = [(claims, each and refusal(who, each)) for (claims, _), each in zip(rows, outcomes, strict=True)]
    assert found == rows


@pytest.mark.parametrize("claims", [{}, {"org_id": "org_1", "org_name": "acme"}], ids=["none", "some"])
def test_without_a_question_any_organization_or_none_will_do(
    world: World, who: str, claims: dict[str, Any]
) -> None:
    assert world.outcome(world.judge(who), token_of(claims=claims_of(**claims))) is None
