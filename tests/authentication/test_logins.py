"""Logins in the browser: what is asked, what the way back is checked by, and what is told of an error."""

import hashlib
import sys
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import (
    Auth0Error,
    AuthorizationError,
    BadRequest,
    ConfigurationError,
    IdTokenError,
    InvalidArgumentError,
)
from anyauth0.authentication.authorization import AuthorizationRequest
from anyauth0.keys import generate_key
from anyauth0.keys.jwk import public_jwk
from anyauth0.pkce import code_challenge, code_verifier

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json

BACK = "https://app.example.com/callback"
ISSUER = f"https://{DOMAIN}/"
CLIENT = {"client_id": "cid", "client_secret": "shh"}


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def signer() -> Any:
    return generate_key("RS256")


def auth_of(kind: Kind, transport: Any, **options: Any) -> Any:
    options = {**CLIENT, "clock": Clock(), "retry": False, **options}
    return kind.authentication(domain=DOMAIN, transport=transport, **options)


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def asked(kind: Kind, **parameters: Any) -> AuthorizationRequest:
    auth = auth_of(kind, kind.transport())
    found: AuthorizationRequest = kind.do(lambda: auth.authorize(redirect_uri=BACK, **parameters))
    return found


def test_state_nonce_and_pkce_are_made_and_everything_else_is_said(kind: Kind) -> None:
    given_ = {
        "scope": "openid email", "audience": "api", "organization": "org_1", "invitation": "inv",
        "connection": "db", "prompt": "login", "max_age": 0, "login_hint": "a@b.c", "screen_hint": "signup",
        "acr_values": "mfa", "ui_locales": "nl", "response_mode": "form_post", "resource": "r", "ext-x": "y",
    }  # fmt: skip
    request = asked(kind, **given_, authorization_details=[{"type": "pay", "amount": 1}])
    assert request.url.startswith(f"https://{DOMAIN}/authorize?")
    query = query_of(request.url)
    challenge = (
        urlsafe_b64encode(hashlib.sha256(request.code_verifier.encode()).digest()).rstrip(b"=").decode()
    )
    assert query == {
        **{name: str(value) for name, value in given_.items()},
        "authorization_details": '[{"type":"pay","amount":1}]',
        "response_type": "code", "client_id": "cid", "redirect_uri": BACK, "state": request.state,
        "nonce": request.nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    assert (request.max_age, request.organization, request.redirect_uri) == (0, "org_1", BACK)
    other = asked(kind)
    assert {request.state, request.nonce, request.code_verifier}.isdisjoint(
        {other.state, other.nonce, other.code_verifier}
    )
    assert min(map(len, (other.state, other.nonce or "", other.code_verifier))) >= 32


def test_what_is_not_given_is_not_said_and_without_openid_there_is_no_nonce(kind: Kind) -> None:
    request = asked(kind, scope="read:things")
    names = {
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "code_challenge",
        "code_challenge_method",
    }
    assert query_of(request.url).keys() == names
    assert request.nonce is None


def test_a_state_and_a_nonce_of_ones_own_are_kept(kind: Kind) -> None:
    request = asked(kind, state="mine", nonce="too")
    assert (request.state, request.nonce) == ("mine", "too")


def test_it_survives_a_session_store_and_shows_no_secret(kind: Kind) -> None:
    request = asked(kind, max_age=5)
    assert AuthorizationRequest.from_bytes(request.to_bytes()) == request
    assert AuthorizationRequest.from_bytes(request.to_bytes().decode()) == request
    for secret in (request.state, request.nonce, request.code_verifier):
        assert str(secret) not in repr(request)


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[]", b'{"url": 1}', "nonsense"])
def test_what_was_not_written_by_it_is_refused(data: bytes | str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        AuthorizationRequest.from_bytes(data)
    assert caught.value.argument == "data"


def test_a_pushed_request_has_a_reference_only_in_its_address(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"request_uri": "urn:p:1", "expires_in": 90}, 201))
    auth = auth_of(kind, transport)
    request = kind.do(lambda: auth.authorize(redirect_uri=BACK, audience="api", pushed=True))
    assert query_of(request.url) == {"client_id": "cid", "request_uri": "urn:p:1"}
    body = parse_qs(transport.requests[0].body.decode())
    assert (transport.urls, body["audience"], body["state"]) == (
        [f"https://{DOMAIN}/oauth/par"],
        ["api"],
        [request.state],
    )
    assert body["client_secret"] == ["shh"]


def test_a_public_client_cannot_push_but_can_ask(kind: Kind) -> None:
    auth = auth_of(kind, kind.transport(), client_secret=None)
    assert kind.do(lambda: auth.authorize(redirect_uri=BACK)).url
    with pytest.raises(ConfigurationError):
        kind.do(lambda: auth.authorize(redirect_uri=BACK, pushed=True))


def test_a_client_without_an_id_cannot_ask(kind: Kind) -> None:
    auth = kind.authentication(domain=DOMAIN, transport=kind.transport())
    with pytest.raises(ConfigurationError, match="client_id"):
        kind.do(lambda: auth.authorize(redirect_uri=BACK))


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("scoep", "scope"), ("audiance", "audience"), ("organisation", "organization"), ("maxage", "max_age"),
        ("loginHint", "login_hint"), ("noncee", "nonce"),
    ],
)  # fmt: skip
def test_a_parameter_that_is_nearly_a_known_one_is_refused(kind: Kind, name: str, meant: str) -> None:
    with pytest.raises(
        InvalidArgumentError, match=f'no parameter "{name}": did you mean "{meant}"'
    ) as caught:
        asked(kind, **{name: "x"})
    assert caught.value.argument == name


def test_any_other_parameter_is_said(kind: Kind) -> None:
    others = {
        "connection_scope": "repo", "display": "page", "id_token_hint": "t", "session_transfer_token": "t",
        "ext-scope": "x", "ext-audience": "x", "access_type": "offline", "login_ticket": "t",
        "claims": "{}", "organization_name": "acme", "registration": "r",
    }  # fmt: skip
    assert others.items() <= query_of(asked(kind, **others).url).items()


@pytest.mark.parametrize("ask", ["authorize", "link_user", "unlink_user", "push"])
@pytest.mark.parametrize("address", ["not a url", "app.example.com/callback", "localhost:3000/callback", ""])
def test_a_callback_that_is_no_address_is_refused_before_anything_is_made(
    kind: Kind, ask: str, address: str
) -> None:
    transport = kind.transport()
    auth = auth_of(kind, transport)
    more = {} if ask in ("authorize", "push") else {"connection": "github", "id_token": "idt"}
    method = auth.oauth.pushed_authorization if ask == "push" else getattr(auth, ask)
    with pytest.raises(InvalidArgumentError, match='"redirect_uri"') as caught:
        kind.do(lambda: method(redirect_uri=address, **more))
    assert caught.value.argument == "redirect_uri"
    assert transport.requests == []


def test_accounts_are_linked_and_unlinked_by_requests_of_their_own(kind: Kind) -> None:
    auth = auth_of(kind, kind.transport())
    fields = {"redirect_uri": BACK, "connection": "github", "id_token": "idt"}
    linked = query_of(kind.do(lambda: auth.link_user(**fields, connection_scope="repo")).url)
    assert linked["scope"] == "openid link_account offline_access"
    assert (linked["requested_connection"], linked["requested_connection_scope"]) == ("github", "repo")
    unlinked = query_of(kind.do(lambda: auth.unlink_user(**fields)).url)
    assert (unlinked["scope"], unlinked["id_token_hint"]) == ("openid unlink_account", "idt")


def server(signer: Any, **claims: Any) -> Any:
    """Return the answers of a token endpoint and a key set, for the request that is in `pending`."""

    def answer(request: Any) -> Any:
        if request.url.endswith("jwks.json"):
            return json({"keys": [public_jwk(signer, kid="k", alg="RS256")]})
        found = {
            "iss": ISSUER,
            "sub": "auth0|1",
            "aud": "cid",
            "iat": int(START),
            "exp": int(START) + 60,
            **claims,
        }
        token = signer.sign(
            {name: each for name, each in found.items() if each is not None}, headers={"kid": "k"}
        )
        return json({"access_token": "at", "token_type": "Bearer", "id_token": token, "expires_in": 60})

    return answer


def finish(kind: Kind, signer: Any, request: AuthorizationRequest, callback: Any, **claims: Any) -> Any:
    transport = kind.transport(otherwise=server(signer, **claims))
    auth = auth_of(kind, transport)
    return kind.do(lambda: auth.complete(request, callback)), transport


def back(request: AuthorizationRequest, **more: str) -> str:
    return f"{BACK}?code=the-code&state={request.state}" + "".join(f"&{k}={v}" for k, v in more.items())


@pytest.mark.parametrize("way", ["address", "query", "question mark", "form", "fragment"])
def test_the_code_is_exchanged_with_what_was_kept(kind: Kind, signer: Any, way: str) -> None:
    request = asked(kind, organization="org_1", max_age=60)
    address = back(request, iss=ISSUER)
    query = address.partition("?")[2]
    callback: Any = {
        "address": address, "query": query, "question mark": f"?{query}", "fragment": f"{BACK}#{query}",
        "form": {"code": "the-code", "state": request.state},
    }[way]  # fmt: skip
    claims = {"nonce": request.nonce, "org_id": "org_1", "auth_time": int(START)}
    response, transport = finish(kind, signer, request, callback, **claims)
    assert response.data.claims["sub"] == "auth0|1"
    body = {name: values[0] for name, values in parse_qs(transport.requests[0].body.decode()).items()}
    assert body == {
        "grant_type": "authorization_code", "code": "the-code", "code_verifier": request.code_verifier,
        "redirect_uri": BACK, "client_id": "cid", "client_secret": "shh",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("claims", "rule"),
    [({"nonce": "other"}, "nonce"), ({"nonce": None}, "nonce"), ({"org_id": "org_2"}, "organization"),
     ({"auth_time": int(START) - 1000}, "max_age"), ({"aud": "other"}, "aud")],
)  # fmt: skip
def test_an_id_token_that_is_not_the_answer_is_refused(
    kind: Kind, signer: Any, claims: Any, rule: str
) -> None:
    request = asked(kind, organization="org_1", max_age=60)
    good = {"nonce": request.nonce, "org_id": "org_1", "auth_time": int(START)}
    with pytest.raises(IdTokenError) as caught:
        finish(kind, signer, request, back(request), **{**good, **claims})
    assert rule in (caught.value.rule, str(caught.value)) or rule in str(caught.value)


def test_an_answer_without_an_id_token_is_refused_where_one_was_asked_for(kind: Kind) -> None:
    request = asked(kind)
    auth = auth_of(kind, kind.transport(otherwise=json({"access_token": "at", "token_type": "Bearer"})))
    with pytest.raises(IdTokenError, match="no ID token"):
        kind.do(lambda: auth.complete(request, back(request)))


REFUSED = [
    ("?code=c&state=other", AuthorizationError, "state_mismatch"),
    ("?code=c", AuthorizationError, "state_mismatch"),
    ("?error=access_denied&state=other", AuthorizationError, "state_mismatch"),
    ("?code=c&state=STATE&iss=https://evil.example.com/", AuthorizationError, "issuer_mismatch"),
    ("?error=access_denied&error_description=no+way&state=STATE", AuthorizationError, "access_denied"),
    ("?error=login_required&state=STATE", AuthorizationError, "login_required"),
    ("?state=STATE", AuthorizationError, "no_code"),
    ("?code=&state=STATE", AuthorizationError, "no_code"),
    ("?code=c&code=d&state=STATE", InvalidArgumentError, "callback"),
    ("?code=c&state=STATE&state=STATE", InvalidArgumentError, "callback"),
    ("", AuthorizationError, "state_mismatch"),
]


@pytest.mark.parametrize(("callback", "error", "word"), REFUSED)
def test_a_callback_that_is_not_the_answer_sends_nothing(
    kind: Kind, callback: str, error: type, word: str
) -> None:
    request = asked(kind)
    transport = kind.transport()
    auth = auth_of(kind, transport)
    with pytest.raises(error) as caught:
        kind.do(lambda: auth.complete(request, BACK + callback.replace("STATE", request.state)))
    assert word in (getattr(caught.value, "error", None), getattr(caught.value, "argument", None))
    assert transport.requests == []
    if "no+way" in callback:
        assert caught.value.description == "no way"


@pytest.mark.parametrize(
    ("scope", "algorithm", "sent"),
    [("openid", "RS256", False), ("openid", "HS256", True), ("read:orders", "RS256", True)],
)
def test_the_code_is_not_spent_where_the_id_token_could_not_be_verified(
    kind: Kind, monkeypatch: pytest.MonkeyPatch, scope: str, algorithm: str, sent: bool
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    request = asked(kind, scope=scope)
    transport = kind.transport(otherwise=lambda request: json({"error": "x"}, status=400))
    auth = auth_of(kind, transport, id_token_signing_alg=algorithm)
    expected = BadRequest if sent else ConfigurationError
    with pytest.raises(expected, match="x" if sent else r"pip install 'anyauth0\[crypto\]'"):
        kind.do(lambda: auth.complete(request, back(request)))
    assert bool(transport.requests) is sent


@given(st.text() | st.dictionaries(st.text(), st.text()) | st.none() | st.integers() | st.binary())
def test_whatever_comes_back_is_a_refusal_of_ours(callback: Any) -> None:
    kind = KINDS[0]
    request = AuthorizationRequest(
        url="https://x/y", state="s" * 32, code_verifier="v" * 43, redirect_uri=BACK
    )
    auth = auth_of(kind, kind.transport())
    with pytest.raises(Auth0Error):
        auth.complete(request, callback)


def test_the_challenge_is_that_of_the_rfc() -> None:
    # RFC 7636, appendix B.
    assert (
        code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    )
    assert len({code_verifier() for _ in range(100)}) == 100
    assert all(code_challenge(code_verifier()) for _ in range(100))


@pytest.mark.parametrize("verifier", ["", "short", "x" * 129, "x" * 42 + "!", "ü" * 43])
def test_what_is_no_verifier_is_refused(verifier: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        code_challenge(verifier)
    assert caught.value.argument == "verifier"


def test_addresses_are_made_without_a_request(kind: Kind) -> None:
    transport = kind.transport()
    urls = auth_of(kind, transport).urls
    assert urls.logout(return_to="https://a/b?c=d") == (
        f"https://{DOMAIN}/v2/logout?returnTo=https%3A%2F%2Fa%2Fb%3Fc%3Dd&client_id=cid"
    )
    assert urls.logout(client_id="", federated=True) == f"https://{DOMAIN}/v2/logout?federated="
    assert query_of(urls.oidc_logout(id_token_hint="i", post_logout_redirect_uri=BACK, state="s")) == {
        "id_token_hint": "i", "post_logout_redirect_uri": BACK, "client_id": "cid", "state": "s",
    }  # fmt: skip
    assert urls.saml_login(connection="c", organization="o") == (
        f"https://{DOMAIN}/samlp/cid?connection=c&organization=o"
    )
    assert urls.wsfed_login(whr="c") == f"https://{DOMAIN}/wsfed/cid?whr=c&wa=wsignin1.0"
    assert urls.wsfed_login(wtrealm="urn:x") == f"https://{DOMAIN}/wsfed?wtrealm=urn%3Ax&wa=wsignin1.0"
    assert urls.saml_login(client_id="a/b") == f"https://{DOMAIN}/samlp/a%2Fb"
    assert transport.requests == []


@pytest.mark.parametrize(
    ("name", "arguments", "argument"),
    [
        ("logout", {"return_too": BACK}, "return_too"),
        ("logout", {"return_to": "app.example.com"}, "return_to"),
        ("oidc_logout", {"id_token_hint": "canary", "staet": "s"}, "staet"),
        ("oidc_logout", {"post_logout_redirect_uri": "not a url"}, "post_logout_redirect_uri"),
        ("saml_login", {"conection": "c"}, "conection"),
        ("wsfed_login", {"wtream": "r"}, "wtream"),
        ("invitation", {"url": BACK}, "url"),
    ],
)
def test_an_address_of_wrong_arguments_is_refused_by_name(
    kind: Kind, name: str, arguments: dict[str, str], argument: str
) -> None:
    urls = auth_of(kind, kind.transport()).urls
    with pytest.raises(InvalidArgumentError, match=rf'urls\.{name}.*"{argument}"') as caught:
        getattr(urls, name)(**arguments)
    assert caught.value.argument == argument
    trace = caught.value.__traceback__
    while trace is not None:
        assert trace.tb_frame.f_code.co_name != "call" or "canary" not in str(trace.tb_frame.f_locals)
        trace = trace.tb_next


def test_an_invitation_is_read_from_the_address_of_the_login_page(kind: Kind) -> None:
    urls = auth_of(kind, kind.transport()).urls
    found = urls.invitation(f"{BACK}?invitation=i&organization=org_1&organization_name=acme")
    assert (found.invitation, found.organization, found.organization_name) == ("i", "org_1", "acme")
    assert urls.invitation(BACK) is None
    for odd in (f"{BACK}?invitation=i", f"{BACK}?invitation=i&invitation=j&organization=o", 5, None):
        with pytest.raises(InvalidArgumentError):
            urls.invitation(odd)
