"""Requests with tokens: where the token is, what its sender must hold, and what two frameworks answer."""

import asyncio
import hashlib
import re
import ssl
from pathlib import Path
from typing import Any

import httpx
import joserfc.jwk
import joserfc.jwt
import pytest
import trustme

from anyauth0 import InvalidArgumentError, Perform
from anyauth0.blocking import BlockingDriver
from anyauth0.dpop import DPoPAuth, DPoPKey
from anyauth0.jose import base64url_encode
from anyauth0.verification import (
    MemoryReplayStore,
    protected_resource_metadata,
    protected_resource_metadata_path,
)

from ..core.fakes import KINDS, START, Blocking, Kind
from .test_access_tokens import (
    AUDIENCE,
    CERTIFICATE,
    KEY,
    MISSING,
    OTHER_PROOF_KEY,
    PROOF_KEY,
    URL,
    Api,
    bound_token,
    dpop_headers,
    fingerprint,
    proof_of,
    public_jwk,
    token_of,
)

DOCS = (Path(__file__).parents[2] / "docs" / "verification.md").read_text()


# Requests


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {}"}, {"authorization": "bearer {}"}, {"AUTHORIZATION": "BEARER   {} "},
        [("authorization", "Bearer {}"), ("cookie", "a"), ("cookie", "b")],
        [(b"authorization", b"Bearer {}")],
    ],
)  # fmt: skip
def test_a_bearer_token_is_found_in_its_header(kind: Kind, headers: Any) -> None:
    def filled(part: Any) -> Any:
        return (
            part.replace(b"{}", token_of().encode()) if isinstance(part, bytes) else part.format(token_of())
        )

    pairs = [
        (name, filled(value)) for name, value in (headers.items() if isinstance(headers, dict) else headers)
    ]
    assert Api(kind).request(dict(pairs) if isinstance(headers, dict) else pairs).subject == "auth0|1"


@pytest.mark.parametrize(
    "headers",
    [{}, [], {"Authorization": ""}, {"Authorization": "Basic dTpw"}, {"X-Authorization": "Bearer a"}],
)
def test_a_request_without_a_token_is_told_how_to_send_one_and_no_error(kind: Kind, headers: Any) -> None:
    error = Api(kind).refused_request(headers)
    assert (error.rule, error.error, error.status) == ("authorization", None, 401)
    assert error.www_authenticate == 'Bearer realm="api", DPoP realm="api", algs="ES256"'
    assert error.headers == {"WWW-Authenticate": error.www_authenticate}


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b", "Bearer é", "Bearer\ta", "DPoP"]
)
def test_a_header_that_is_not_one_token_is_a_bad_request(kind: Kind, value: str) -> None:
    error = Api(kind).refused_request({"Authorization": value})
    expected = ("authorization", None, 401) if "\t" in value else ("authorization", "invalid_request", 400)
    assert (error.rule, error.error, error.status) == expected


def test_two_authorization_headers_are_a_bad_request(kind: Kind) -> None:
    pair = ("Authorization", f"Bearer {token_of()}")
    assert Api(kind).refused_request([pair, pair]).status == 400


def test_headers_of_another_kind_are_a_mistake_of_the_api() -> None:
    with pytest.raises(InvalidArgumentError, match="headers"):
        Api().request({"Authorization": ["Bearer a"]})


# Proofs of possession


def test_a_proof_by_the_key_of_the_token_is_good(kind: Kind) -> None:
    token = bound_token()
    assert Api(kind).request(dpop_headers(token, proof_of(token))).subject == "auth0|1"
    assert Api(kind, dpop="required").request(dpop_headers(token, proof_of(token))).subject == "auth0|1"


PROOFS: list[tuple[str, dict[str, Any]]] = [
    ("typ", {"header": {"typ": "JWT"}}),
    ("typ", {"header": {"typ": MISSING}}),
    ("alg", {"header": {"alg": "none"}}),
    ("alg", {"header": {"alg": "HS256"}}),
    ("alg", {"header": {"alg": "RS256"}}),
    ("alg", {"header": {"alg": "ES384"}}),
    ("crit", {"header": {"crit": []}}),
    ("jwk", {"header": {"jwk": MISSING}}),
    ("jwk", {"header": {"jwk": "a key"}}),
    ("jwk", {"header": {"jwk": {**public_jwk(PROOF_KEY), "d": "AA"}}}),
    ("jwk", {"header": {"jwk": {**public_jwk(PROOF_KEY), "k": "AA"}}}),
    ("jwk", {"header": {"jwk": {**public_jwk(PROOF_KEY), "oth": []}}}),
    ("key", {"header": {"jwk": {}}}),
    ("key", {"header": {"jwk": {**public_jwk(PROOF_KEY), "use": "enc"}}}),
    ("key", {"header": {"jwk": {**public_jwk(PROOF_KEY), "x": "AA"}}}),
    ("alg", {"header": {"jwk": public_jwk(KEY)}}),
    ("signature", {"header": {"jwk": public_jwk(OTHER_PROOF_KEY)}}),
    ("htm", {"htm": "POST"}),
    ("htm", {"htm": MISSING}),
    ("htm", {"htm": 5}),
    ("htu", {"htu": "https://api.example.com/other"}),
    ("htu", {"htu": "http://api.example.com/notes"}),
    ("htu", {"htu": "https://api.example.com:8443/notes"}),
    ("htu", {"htu": "https://api.example.com.evil.example/notes"}),
    ("htu", {"htu": "https://api.example.com@evil.example/notes"}),
    ("htu", {"htu": "/notes"}),
    ("htu", {"htu": f"{URL}\n"}),
    ("htu", {"htu": "https://[api/notes"}),
    ("htu", {"htu": MISSING}),
    ("htu", {"htu": [URL]}),
    ("iat", {"iat": START - 301}),
    ("iat", {"iat": START + 31}),
    ("iat", {"iat": MISSING}),
    ("iat", {"iat": str(START)}),
    ("iat", {"iat": True}),
    ("ath", {"ath": MISSING}),
    ("ath", {"ath": base64url_encode(hashlib.sha256(b"another token").digest())}),
    ("ath", {"ath": 5}),
    ("jti", {"jti": MISSING}),
    ("jti", {"jti": ""}),
    ("jti", {"jti": 5}),
]


@pytest.mark.parametrize(
    ("rule", "changes"), PROOFS, ids=[f"{rule} {change}"[:40] for rule, change in PROOFS]
)
def test_a_proof_that_breaks_a_rule_is_refused(kind: Kind, rule: str, changes: dict[str, Any]) -> None:
    token = bound_token()
    error = Api(kind).refused_request(dpop_headers(token, proof_of(token, **changes)))
    assert (error.rule, error.error, error.status) == (rule, "invalid_dpop_proof", 401)
    assert error.www_authenticate.startswith(
        'Bearer realm="api", DPoP realm="api", algs="ES256", error="invalid_dpop'
    )


def test_a_request_has_exactly_one_proof(kind: Kind) -> None:
    token = bound_token()
    for proofs in ((), (proof_of(token), proof_of(token, jti="two"))):
        error = Api(kind).refused_request(dpop_headers(token, *proofs))
        assert (error.rule, error.found) == ("dpop", len(proofs))
    joined = f"{proof_of(token)}, {proof_of(token, jti='two')}"
    assert Api(kind).refused_request(dpop_headers(token, joined)).rule == "format"


@pytest.mark.parametrize("seconds", [-300, 0, 30])
def test_a_proof_may_be_a_little_old_or_early(seconds: float) -> None:
    token = bound_token()
    Api().request(dpop_headers(token, proof_of(token, iat=START + seconds)))


@pytest.mark.parametrize(
    ("url", "htu"),
    [
        ("https://api.example.com/notes?a=1#b", "https://api.example.com/notes"),
        ("https://api.example.com/notes", "https://api.example.com/notes?a=1#b"),
        ("HTTPS://API.example.com:443/notes", "https://api.example.com/notes"),
        ("http://api.example.com:80/", "http://api.example.com"),
        ("https://api.example.com/%7eme/%2fa%C3%a9", "https://api.example.com/~me/%2Fa%c3%A9"),
        ("https://api.example.com/a/./b/../c", "https://api.example.com/a/c"),
        ("https://api.example.com/../..", "https://api.example.com/"),
        ("https://api.example.com/a/b/..", "https://api.example.com/a/"),
        ("https://api.example.com/a/.", "https://api.example.com/a/"),
        ("https://[::1]:8443/a", "https://[::1]:8443/a"),
    ],
)
def test_urls_that_mean_the_same_are_the_same(url: str, htu: str) -> None:
    token = bound_token()
    Api().request(dpop_headers(token, proof_of(token, htu=htu)), url=url)


@pytest.mark.parametrize(
    ("url", "htu"),
    [
        ("https://api.example.com/a/", "https://api.example.com/a"), ("https://a.example/A", "https://a.example/a"),
        ("https://a.example/a%2Fb", "https://a.example/a/b"), ("https://a.example//a", "https://a.example/a"),
        ("https://a.example/", "https://a.example:444/"), ("not a url", "not a url"), ("", ""),
        ("https://user@a.example/", "https://user@a.example/"), ("https://a:x/", "https://a:x/"),
    ],
)  # fmt: skip
def test_urls_that_mean_something_else_are_not_the_same(url: str, htu: str) -> None:
    token = bound_token()
    assert Api().refused_request(dpop_headers(token, proof_of(token, htu=htu)), url=url).rule == "htu"


def test_a_method_is_the_same_in_either_case() -> None:
    token = bound_token()
    Api().request(dpop_headers(token, proof_of(token, htm="post")), method="POST")


def test_a_proof_is_good_once_for_as_long_as_it_is_good_at_all(kind: Kind) -> None:
    api, token = Api(kind), bound_token()
    proof = proof_of(token)
    api.request(dpop_headers(token, proof))
    for later in (0, 1, 300):
        api.clock.now = START + later
        assert api.refused_request(dpop_headers(token, proof)).rule == "jti"
    api.clock.now = START + 301
    assert api.refused_request(dpop_headers(token, proof)).rule == "iat"
    api.clock.now = START
    api.request(dpop_headers(token, proof_of(token, jti="two")))


def test_the_same_id_by_another_key_is_another_proof() -> None:
    api = Api()
    for key in (PROOF_KEY, OTHER_PROOF_KEY):
        token = bound_token(key)
        api.request(dpop_headers(token, proof_of(token, key)))


def test_a_proof_that_was_refused_is_not_used_up() -> None:
    api, token = Api(), bound_token()
    foreign = bound_token(OTHER_PROOF_KEY)
    assert api.refused_request(dpop_headers(foreign, proof_of(foreign))).rule == "jkt"
    api.request(dpop_headers(token, proof_of(token)))


def test_the_memory_of_proofs_has_a_bound() -> None:
    store = MemoryReplayStore(capacity=3)
    api, token = Api(replay_store=store), bound_token()
    for number in range(5):
        api.request(dpop_headers(token, proof_of(token, jti=f"{number}")))
    assert repr(store) == "<MemoryReplayStore of 3 ids>"
    assert api.refused_request(dpop_headers(token, proof_of(token, jti="4"))).rule == "jti"
    api.clock.now += 600
    api.request(dpop_headers(token, proof_of(token, jti="5", iat=api.clock.now)))
    assert repr(store) == "<MemoryReplayStore of 1 ids>"


def test_the_oldest_are_forgotten_first_and_one_that_came_again_is_new() -> None:
    store, driver = MemoryReplayStore(capacity=4), BlockingDriver(Blocking())

    def new(key: str, now: float, until: float) -> bool:
        return driver.run(store.remember(key, now=now, until=until))

    assert [new("a", 0, 100), new("b", 0, 10), new("c", 0, 100), new("b", 20, 100)] == [True] * 4
    assert [new("d", 20, 100), new("b", 20, 100), new("d", 20, 100)] == [True, False, False]
    assert [new("e", 20, 100), new("f", 20, 100)] == [True, True]
    assert [new("b", 20, 100), new("c", 20, 100)] == [False, True]


def test_a_store_of_your_own_remembers_the_proofs(kind: Kind) -> None:
    class Store:
        """Says that everything is old, and keeps what it was asked."""

        def __init__(self) -> None:
            self.asked: list[tuple[str, float, float]] = []

        def remember(self, key: str, *, now: float, until: float) -> Any:
            return not (yield Perform(lambda: self.asked.append((key, now, until)) or True))

    store, token = Store(), bound_token()
    api = Api(kind, replay_store=store)
    assert api.refused_request(dpop_headers(token, proof_of(token, jti="x" * 10_000))).rule == "jti"
    [(key, now, until)] = store.asked
    assert (len(key), now, until) == (len("dpop:") + 43, START, START + 301)


def test_a_nonce_of_the_server_must_be_in_the_proof(kind: Kind) -> None:
    api, token = Api(kind), bound_token()
    for nonce in (MISSING, "stale", 5):
        error = api.refused_request(dpop_headers(token, proof_of(token, nonce=nonce)), nonces=("new", "old"))
        assert (error.rule, error.error, error.status) == ("nonce", "use_dpop_nonce", 401)
        assert error.headers["DPoP-Nonce"] == "new"
        assert 'error="use_dpop_nonce"' in error.headers["WWW-Authenticate"]
    for nonce in ("new", "old"):
        api.request(dpop_headers(token, proof_of(token, nonce=nonce, jti=nonce)), nonces=("new", "old"))


# What a token is bound to


def test_a_token_that_is_bound_to_a_key_is_no_bearer_token(kind: Kind) -> None:
    token = bound_token()
    for dpop in ("allowed", "disabled"):
        api = Api(kind, dpop=dpop)
        for extra in ([], [("DPoP", proof_of(token))]):
            error = api.refused_request([("Authorization", f"Bearer {token}"), *extra])
            assert (error.rule, error.error) == ("cnf", "invalid_token")


def test_a_token_that_is_bound_to_no_key_or_another_is_no_dpop_token(kind: Kind) -> None:
    for token, rule in (
        (token_of(), "cnf"),
        (bound_token(OTHER_PROOF_KEY), "jkt"),
        (token_of(cnf={"jkt": 5}), "jkt"),
        (token_of(cnf={"x5t#S256": fingerprint()}), "jkt"),
        (token_of(cnf={"kid": "a"}), "cnf"),
        (token_of(cnf=[]), "cnf"),
    ):
        headers = dpop_headers(token, proof_of(token))
        assert Api(kind).refused_request(headers, client_certificate=CERTIFICATE).rule == rule


@pytest.mark.parametrize(
    ("dpop", "scheme", "challenge"),
    [
        ("required", "Bearer", 'DPoP realm="api", algs="ES256"'), ("disabled", "DPoP", 'Bearer realm="api"'),
    ],
)  # fmt: skip
def test_a_scheme_that_is_not_taken_is_as_no_token(
    kind: Kind, dpop: str, scheme: str, challenge: str
) -> None:
    token = bound_token()
    headers = [("Authorization", f"{scheme} {token}"), ("DPoP", proof_of(token))]
    error = Api(kind, dpop=dpop).refused_request(headers)
    assert (error.status, error.error, error.www_authenticate) == (401, None, challenge)


def test_a_token_that_is_bound_to_a_certificate_needs_it(kind: Kind) -> None:
    headers = {"Authorization": f"Bearer {token_of(cnf={'x5t#S256': fingerprint()})}"}
    for certificate in (None, b"0 another", b""):
        assert Api(kind).refused_request(headers, client_certificate=certificate).rule == "x5t#S256"
    assert Api(kind).request(headers, client_certificate=CERTIFICATE).subject == "auth0|1"
    with pytest.raises(InvalidArgumentError, match="client_certificate"):
        Api(kind).request(headers, client_certificate="no PEM")


def test_a_certificate_may_be_pem_as_tls_has_it() -> None:
    pem = trustme.CA().issue_cert("client.example").cert_chain_pems[0].bytes()
    token = token_of(cnf={"x5t#S256": fingerprint(ssl.PEM_cert_to_DER_cert(pem.decode()))})
    for certificate in (
        pem,
        pem.decode(),
        pem.replace(b"\n", b"\r\n"),
        ssl.PEM_cert_to_DER_cert(pem.decode()),
    ):
        Api().request({"Authorization": f"Bearer {token}"}, client_certificate=certificate)


def test_a_token_may_be_bound_to_both() -> None:
    token = bound_token(**{"x5t#S256": fingerprint()})
    headers = dpop_headers(token, proof_of(token))
    assert Api().refused_request(headers).rule == "x5t#S256"
    Api().request(headers, client_certificate=CERTIFICATE)


# Challenges


def test_what_is_said_of_the_api_cannot_break_the_header() -> None:
    evil = 'a"b\\c\r\nSet-Cookie: x=é'
    api = Api(
        realm=evil,
        resource_metadata="https://api.example.com/.well-known/oauth-protected-resource",
        dpop="disabled",
    )
    error = api.refused_request({})
    assert error.www_authenticate == (
        'Bearer realm="a\\"b\\\\c??Set-Cookie: x=?", '
        'resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"'
    )
    refused = Api(dpop="disabled").refused(token_of(iss=evil))
    assert refused.www_authenticate.replace('\\"', "").count('"') == 6
    assert "Set-Cookie" in refused.www_authenticate


# Peers


def test_proofs_of_another_library_are_verified(kind: Kind) -> None:
    theirs = joserfc.jwk.ECKey.generate_key("P-256")
    token = token_of(cnf={"jkt": theirs.thumbprint()})
    ath = base64url_encode(hashlib.sha256(token.encode()).digest())
    header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": theirs.as_dict(private=False)}
    claims = {"jti": "1", "htm": "GET", "htu": URL, "iat": int(START), "ath": ath}
    proof = joserfc.jwt.encode(header, claims, theirs, algorithms=["ES256"])
    assert Api(kind).request(dpop_headers(token, proof)).subject == "auth0|1"
    private = {**header, "jwk": theirs.as_dict(private=True)}
    proof = joserfc.jwt.encode(private, claims, theirs, algorithms=["ES256"])
    assert Api(kind).refused_request(dpop_headers(token, proof)).rule == "jwk"


def test_proofs_of_our_own_client_are_verified(kind: Kind) -> None:
    key = DPoPKey.generate()
    auth = DPoPAuth(key, token_of(cnf={"jkt": key.thumbprint}), clock=lambda: START)
    api = Api(kind)
    assert api.request(auth.headers("GET", f"{URL}?page=2"), url=f"{URL}?page=2").subject == "auth0|1"
    refused = api.refused_request(auth.headers("GET", URL), nonces=("fresh",))
    assert auth.note(URL, refused.headers)
    assert api.request(auth.headers("GET", URL), nonces=("fresh",)).subject == "auth0|1"


# Metadata


def test_an_api_says_who_issues_its_tokens() -> None:
    document = protected_resource_metadata(
        resource=AUDIENCE,
        authorization_servers=["https://tenant.eu.auth0.com/"],
        scopes=("read:a", "write:b"),
        dpop_algorithms=("ES256",),
        dpop_required=False,
        extra={"policy": "p"},
    )
    assert document == {
        "resource": AUDIENCE,
        "authorization_servers": ["https://tenant.eu.auth0.com/"],
        "scopes_supported": ["read:a", "write:b"],
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": ["ES256"],
        "dpop_bound_access_tokens_required": False,
        "policy": "p",
    }


@pytest.mark.parametrize(
    ("resource", "rest"),
    [
        ("https://api.example.com", ""), ("https://api.example.com/", ""),
        ("https://api.example.com/a/b", "/a/b"), ("https://api.example.com/a/", "/a/"),
        ("https://api.example.com?k=v", "?k=v"),
        ("https://api.example.com/a?k=v", "/a?k=v"),
    ],
)  # fmt: skip
def test_the_document_is_at_a_well_known_path(resource: str, rest: str) -> None:
    path = protected_resource_metadata_path(resource)
    assert path == f"/.well-known/oauth-protected-resource{rest}"


@pytest.mark.parametrize(
    "url",
    ["", "api", "http://api.example.com", "https:///a", "https://a.example/#b", "https://a.example/#",
     "https://[a", 5, "https://a.example/a b", "https://a.example/\n"],
)  # fmt: skip
def test_what_is_no_identifier_is_refused(url: Any) -> None:
    with pytest.raises(InvalidArgumentError, match='"resource"'):
        protected_resource_metadata_path(url)
    with pytest.raises(InvalidArgumentError, match='"authorization_servers"'):
        protected_resource_metadata(resource=AUDIENCE, authorization_servers=[url])
    with pytest.raises(InvalidArgumentError, match='"authorization_servers"'):
        protected_resource_metadata(resource=AUDIENCE, authorization_servers=["https://a.example/?b"])


# Frameworks: the examples of the docs, run


def example(framework: str, verifier: Any) -> Any:
    """Return the application of the docs, over the verifier of a test."""
    found = re.search(rf"### {framework}\n.*?```python\n(.*?)```", DOCS, re.DOTALL)
    assert found
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(found[1], f"the {framework} example", "exec"), namespace)
    namespace["verifier"] = verifier
    return namespace["app"]


class Served:
    """The example of a framework, and a verifier that keeps its state between requests."""

    def __init__(self, framework: str) -> None:
        self.asynchronous = framework == "Starlette"
        api = Api(KINDS[self.asynchronous])
        self.app = example(framework, api.verifier)

    def get(self, headers: Any, url: str = URL) -> httpx.Response:
        if not self.asynchronous:
            with httpx.Client(transport=httpx.WSGITransport(self.app)) as client:
                return client.get(url, headers=headers)

        async def main() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as client:
                return await client.get(url, headers=headers)

        return asyncio.run(main())


@pytest.fixture(params=["Starlette", "Flask"])
def served(request: pytest.FixtureRequest) -> Served:
    return Served(request.param)


def test_a_framework_lets_a_good_token_in(served: Served) -> None:
    answer = served.get({"Authorization": f"Bearer {token_of(scope='read:notes')}"})
    assert (answer.status_code, answer.json()) == (200, {"user": "auth0|1"})


def test_a_framework_tells_why_it_refuses(served: Served) -> None:
    for headers, status, error, challenge in (
        ({}, 401, None, 'Bearer realm="api", DPoP realm="api", algs="ES256"'),
        (
            {"Authorization": "Bearer a b"},
            400,
            "invalid_request",
            'Bearer realm="api", error="invalid_request"',
        ),
        (
            {"Authorization": "Bearer a.b.c"},
            401,
            "invalid_token",
            'Bearer realm="api", error="invalid_token"',
        ),
        (
            {"Authorization": f"Bearer {token_of(exp=1)}"},
            401,
            "invalid_token",
            'Bearer realm="api", error="invalid',
        ),
        (
            {"Authorization": f"Bearer {token_of()}"},
            403,
            "insufficient_scope",
            'Bearer realm="api", error="insuff',
        ),
        (
            {"Authorization": f"DPoP {bound_token()}"},
            401,
            "invalid_dpop_proof",
            'Bearer realm="api", DPoP realm=',
        ),
    ):
        answer = served.get(headers)
        assert (answer.status_code, answer.json()) == (status, {"error": error})
        assert answer.headers["WWW-Authenticate"].startswith(challenge)


def test_a_framework_takes_the_proofs_of_our_client(served: Served) -> None:
    key = DPoPKey.generate()
    token = token_of(scope="read:notes", cnf={"jkt": key.thumbprint})
    headers = DPoPAuth(key, token, clock=lambda: START).headers("GET", f"{URL}?page=2")
    assert served.get(headers, url=f"{URL}?page=2").status_code == 200
    again = served.get(headers, url=f"{URL}?page=2")
    assert (again.status_code, again.json()["error"]) == (401, "invalid_dpop_proof")
    two = [*headers.items(), ("dpop", headers["dpop"])]
    assert served.get(two, url=f"{URL}?page=2").status_code == 401
    assert served.get({"Authorization": f"Bearer {token}"}).status_code == 401
