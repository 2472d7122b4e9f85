"""Hostile tokens, key sets and key files end in an error of ours; nothing is fetched from where they say."""

from collections.abc import Callable
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from anyauth0 import Auth0Error, ConfigurationError, DecodingError, IdTokenError, Request, Response
from anyauth0.jose import (
    JoseError,
    SigningKey,
    VerifyingKey,
    base64url_encode,
    generate_key,
    load_private_key,
    load_public_jwk,
    parse_token,
    public_jwk,
    verify,
)
from anyauth0.verification import (
    AccessTokenVerifier,
    AsyncAccessTokenVerifier,
    IdTokenVerifier,
    LogoutTokenVerifier,
    TokenError,
)

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json

OTHER = "login.example.com"
KEYS_OF = {f"https://{each}/.well-known/jwks.json" for each in (DOMAIN, OTHER)}
KEY, STRANGERS, EC_KEY = (generate_key(each) for each in ("RS256", "RS256", "ES256"))
KEY_SET = json({"keys": [public_jwk(KEY, kid="k"), public_jwk(EC_KEY, kid="e")]})
CLAIMS: dict[str, Any] = {
    "iss": f"https://{DOMAIN}/", "sub": "auth0|1", "aud": "api", "iat": START, "exp": START + 60, "jti": "j",
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
}  # fmt: skip
PLACES = ("jku", "x5u", "jwk", "x5c", "url")
ELSEWHERE = "https://evil.example/jwks.json"
ISSUERS = (
    "https://evil.example/", "http://169.254.169.254/", "file:///etc/passwd", "https://evil.example", "", "/",
    f"https://{DOMAIN}", f"http://{DOMAIN}/", f"https://{DOMAIN}@evil.example/", f"https://{DOMAIN}/../x/",
    f"https://{DOMAIN}//", f"https://{DOMAIN}/#", f"https://{DOMAIN}/?x=https://evil.example/", f"https://{DOMAIN}./",
    f"https://{DOMAIN.upper()}/", f"https://evil.example/https://{DOMAIN}/", f"https://{DOMAIN}.evil.example/",
    f"https://evil{DOMAIN}/", f"https://{DOMAIN}:443/", f" https://{DOMAIN}/", f"https://{DOMAIN}/\n",
    f"https://{DOMAIN}\\@evil.example/", f"https://evil.example\\.{DOMAIN}/", "https://several-domains/",
    f"https://{DOMAIN}/\x00", "https://ten\u0430nt.eu.auth0.com/", "https://[::1]/",
    "https://" + "a" * 40_000 + "/", None, 0, True, 1e308, [], {}, [f"https://{DOMAIN}/"], {"": f"https://{DOMAIN}/"},
)  # fmt: skip


def signed(header: object, claims: object, key: SigningKey = KEY, algorithm: str = "RS256") -> str:
    """Return a token of whatever is given, as JSON or as the bytes it is."""
    parts = [part if isinstance(part, bytes) else msgspec.json.encode(part) for part in (header, claims)]
    text = ".".join(map(base64url_encode, parts))
    return f"{text}.{base64url_encode(key.sign_bytes(text.encode(), algorithm))}"


def token(**claims: Any) -> str:
    return signed({"alg": "RS256", "kid": "k", "typ": "at+jwt"}, {**CLAIMS, **claims})


def verifier(kind: Kind, transport: Any, domains: Any) -> Any:
    made: Any = (AccessTokenVerifier, AsyncAccessTokenVerifier)[kind.asynchronous]
    return made(domains=domains, audience="api", transport=transport, clock=Clock(), retry=False)


@pytest.mark.parametrize("kind", KINDS, ids=repr)
@pytest.mark.parametrize("function", [False, True], ids=["list", "function"])
def test_no_issuer_of_a_token_leads_to_a_host_that_is_not_allowed(kind: Kind, function: bool) -> None:
    transport = kind.transport(otherwise=KEY_SET)
    allowed = [DOMAIN, OTHER]
    tried = verifier(kind, transport, (lambda _: allowed) if function else allowed)
    for issuer in ISSUERS:
        with pytest.raises(TokenError) as caught:
            kind.do(lambda issuer=issuer: tried.verify(token(iss=issuer)))
        assert caught.value.rule == "iss"
        assert transport.requests == []
    assert kind.do(lambda: tried.verify(token())).subject == "auth0|1"
    assert set(transport.urls) < KEYS_OF


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_a_function_that_repeats_the_issuer_sends_no_request_but_to_a_bare_host(kind: Kind) -> None:
    def repeats(context: Any) -> list[str]:
        # What nobody should write: whoever does trusts the token, yet no path or user name slips in.
        return [context.issuer.removeprefix("https://").removesuffix("/")]

    transport = kind.transport(otherwise=KEY_SET)
    tried = verifier(kind, transport, repeats)
    for issuer in ISSUERS:
        with pytest.raises(Auth0Error):
            kind.do(lambda issuer=issuer: tried.verify(token(iss=issuer, aud="other")))
    for url in transport.urls:
        host = url.removeprefix("https://").removesuffix("/.well-known/jwks.json")
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.:")


@pytest.mark.parametrize("kind", KINDS, ids=repr)
@pytest.mark.parametrize("member", PLACES)
def test_an_address_in_a_token_is_never_fetched(kind: Kind, member: str) -> None:
    transport = kind.transport(otherwise=KEY_SET)
    tried = verifier(kind, transport, [DOMAIN])
    header = {"alg": "RS256", "kid": "k", "typ": "at+jwt", member: ELSEWHERE}
    assert kind.do(lambda: tried.verify(signed(header, {**CLAIMS, member: ELSEWHERE}))).subject == "auth0|1"
    strangers = signed({**header, "kid": ELSEWHERE}, {**CLAIMS, member: ELSEWHERE}, STRANGERS)
    with pytest.raises(TokenError):
        kind.do(lambda: tried.verify(strangers))
    assert set(transport.urls) <= KEYS_OF
    assert not any("evil" in url for url in transport.urls)


# Mutations


def mutations(good: bytes) -> st.SearchStrategy[bytes]:
    """Return changed copies: bytes flipped, cut out, doubled or put in."""
    place = st.integers(0, len(good))

    def changed(steps: list[tuple[int, int, bytes]]) -> bytes:
        data = good
        for start, length, new in steps:
            data = data[:start] + new + data[start + length :]
        return data

    step = st.tuples(place, st.sampled_from([0, 1, 2, 20, len(good)]), st.binary(max_size=3) | cut(good))
    return st.lists(step, min_size=1, max_size=4).map(changed)


def cut(good: bytes) -> st.SearchStrategy[bytes]:
    return st.tuples(*[st.integers(0, len(good))] * 2).map(lambda ends: good[ends[0] : ends[1]])


DEEP = b'{"a":' * 20_000 + b"1" + b"}" * 20_000
ODD_JSON = (
    b"", b"null", b"[]", b"{}", b"NaN", b'{"exp": NaN}', b'{"exp": Infinity}', b'{"exp": 1e999}', b"\xff",
    DEEP, b'{"exp": ' + b"9" * 40_000 + b"}", b'{"exp": -1e-999}', b'{"iss": "\\ud800"}', b"[" * 40_000,
    b'{"aud": "api", "aud": 1}', b'{"alg": "RS256", "alg": "none"}', b'{"crit": []}', b"\xef\xbb\xbf{}",
    b'{"kid": "' + b"k" * 40_000 + b'"}',
)  # fmt: skip
TOKENS = (
    mutations(token().encode()).map(lambda data: data.decode("latin-1"))
    | st.permutations(token().split(".") * 2).flatmap(
        lambda parts: st.integers(1, 6).map(lambda count: ".".join(parts[:count]))
    )
    | st.sampled_from([signed(odd, CLAIMS) for odd in ODD_JSON])
    | st.sampled_from([signed({"alg": "RS256", "kid": "k", "typ": "JWT"}, odd) for odd in ODD_JSON])
)


@cache
def verifiers() -> tuple[Any, ...]:
    """Return one verifier of each kind of token, with no clock that moves."""
    given: dict[str, Any] = {
        "domain": DOMAIN,
        "transport": lambda _: KEY_SET,
        "clock": Clock(),
        "retry": False,
    }
    return (
        AccessTokenVerifier(audience="api", **given),
        IdTokenVerifier(client_id="api", **given),
        LogoutTokenVerifier(client_id="api", **given),
    )


@settings(max_examples=100)
@for_all(TOKENS)
def test_a_changed_token_is_verified_by_its_letter_or_refused_by_every_verifier(text: str) -> None:
    for tried, kind in zip(verifiers(), (TokenError, IdTokenError, TokenError), strict=True):
        try:
            tried.verify(text)
        except kind:
            continue
        assert text == token()
    for call in (
        lambda: parse_token(text, ["RS256"]),
        lambda: verify(text, KEY.verifying_key, algorithms=["RS256"]),
    ):
        only(JoseError, call)


def only(kinds: type[Exception] | tuple[type[Exception], ...], call: Callable[[], Any]) -> Any:
    """Make a call that may raise one of these, and nothing else; `None` where it did."""
    try:
        return call()
    except kinds:
        return None


@settings(max_examples=100)
@for_all(mutations(KEY_SET.body) | st.sampled_from(ODD_JSON) | st.binary(max_size=50))
def test_a_changed_key_set_verifies_the_token_or_ends_in_an_error_of_ours(body: bytes) -> None:
    def answer(_: Request) -> Response:
        return Response(status=200, headers={"cache-control": "max-age=" + "9" * 5_000}, body=body)

    tried = verifier(KINDS[0], answer, [DOMAIN])
    only((TokenError, DecodingError), lambda: tried.verify(token()))


members = st.sampled_from(["kty", "crv", "n", "e", "x", "y", "alg", "use", "key_ops", "kid", "d", "k", "oth"])
odd = (
    st.none() | st.booleans() | st.integers() | st.just(10**5000) | st.floats() | st.text() | st.just({})
    | st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "AA", "A" * 4097, "_" * 4096, "none"])
    | st.just([[]])
)  # fmt: skip


@settings(max_examples=100)
@for_all(
    st.sampled_from([public_jwk(KEY, kid="k"), public_jwk(EC_KEY)]), st.dictionaries(members, odd, max_size=3)
)
def test_a_changed_key_is_a_key_or_refused(jwk: dict[str, Any], changes: dict[str, Any]) -> None:
    key = only(JoseError, lambda: load_public_jwk({**jwk, **changes}))
    assert key is None or isinstance(key, VerifyingKey)
    private = only(ConfigurationError, lambda: load_private_key({**jwk, "d": "AQAB", **changes}))
    assert private is None or isinstance(private, SigningKey)


PEM = EC_KEY.to_pem()
LOCKED = EC_KEY.to_pem(password="password")


@settings(max_examples=100)
@for_all(
    st.tuples(mutations(PEM) | st.binary(max_size=40), st.sampled_from([None, "", "password", "é\0"]))
    # With a password, a changed count of rounds would take as long as it says: a key file is the owner's.
    | st.tuples(mutations(LOCKED), st.sampled_from([None, ""]))
)
def test_a_changed_key_file_is_a_key_or_refused_without_a_word_of_it(given: tuple[bytes, str | None]) -> None:
    data, password = given
    for source in (data, data.decode("latin-1")):
        try:
            assert isinstance(load_private_key(source, password=password), SigningKey)
        except ConfigurationError as error:
            told = f"{error} {error.args}"
            assert not any(line in told for line in PEM.decode().splitlines()[1:-1])
