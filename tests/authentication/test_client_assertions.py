"""Assertions that prove the client: by several keys, by keys elsewhere; two libraries of others agree."""

import asyncio
import threading
import traceback
from typing import Any
from urllib.parse import parse_qsl

import joserfc.jwk
import joserfc.jwt
import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, padding

from anyauth0 import TLS, AsyncAuthenticationClient, ConfigurationError
from anyauth0.jose import SigningKey, generate_key
from anyauth0_plugins.client_assertion import ASSERTION_TYPE, AssertionKeys, private_key, remote_key

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json

# joserfc says so of RFC 8037; Auth0 has no other name for it.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
TOKEN = json({"access_token": "t", "expires_in": 3600})


@pytest.fixture(scope="module")
def keys() -> dict[str, SigningKey]:
    """A key for each algorithm."""
    rsa = generate_key("RS256")
    return {name: rsa if name[:2] in ("RS", "PS") else generate_key(name) for name in ALGORITHMS}


def pem(key: SigningKey, password: bytes | None = None) -> str:
    raw: Any = key._key
    protection = s.BestAvailableEncryption(password) if password else s.NoEncryption()
    return str(raw.private_bytes(s.Encoding.PEM, s.PrivateFormat.PKCS8, protection).decode())


def public_pem(key: SigningKey) -> str:
    raw: Any = key._key
    return str(raw.public_key().public_bytes(s.Encoding.PEM, s.PublicFormat.SubjectPublicKeyInfo).decode())


class World:
    """Clients with a plugin, and what they sent."""

    def __init__(self, kind: Kind, plugin: AssertionKeys, **options: Any) -> None:
        self.kind = kind
        self.transport = kind.transport(otherwise=TOKEN)
        self.client = kind.authentication(
            domain=DOMAIN,
            client_id="app",
            transport=self.transport,
            plugins=[plugin],
            clock=Clock(),
            **options,
        )

    def assertion(self) -> str:
        """Make a token request and return the assertion in it."""
        self.kind.do(lambda: self.client.oauth.client_credentials_grant(audience="api"))
        return self.form["client_assertion"]

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl((self.transport.requests[-1].body or b"").decode()))


def checked(assertion: str, key: SigningKey, algorithm: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims as PyJWT and joserfc read them, who must agree that the signature is good."""
    options: Any = {"verify_exp": False, "verify_iat": False}
    complete = jwt.decode_complete(
        assertion, public_pem(key), algorithms=[algorithm], audience=f"https://{DOMAIN}/", options=options
    )
    kind = {"ES": "EC", "Ed": "OKP"}.get(algorithm[:2], "RSA")
    their_key: Any = joserfc.jwk.import_key(public_pem(key), kind)  # type: ignore[arg-type]
    theirs = joserfc.jwt.decode(assertion, their_key, algorithms=[algorithm])
    assert (theirs.header, theirs.claims) == (complete["header"], complete["payload"])
    return complete["header"], complete["payload"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_others_accept_what_a_key_of_this_process_signs(
    kind: Kind, keys: dict[str, SigningKey], algorithm: str
) -> None:
    source = pem(keys[algorithm], b"password")
    key = private_key(source, key_id="key-1", algorithm=algorithm, password="password")
    world = World(kind, AssertionKeys([key]))
    header, claims = checked(world.assertion(), keys[algorithm], algorithm)
    assert header == {"alg": algorithm, "typ": "JWT", "kid": "key-1"}
    jti = claims.pop("jti")
    assert claims == {
        "iss": "app",
        "sub": "app",
        "aud": f"https://{DOMAIN}/",
        "iat": START,
        "exp": START + 60,
    }
    assert world.form["client_assertion_type"] == ASSERTION_TYPE
    assert checked(world.assertion(), keys[algorithm], algorithm)[1]["jti"] != jti, "good for one use"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_others_accept_what_a_key_elsewhere_signs(
    kind: Kind, keys: dict[str, SigningKey], algorithm: str
) -> None:
    def sign(data: bytes) -> bytes:
        return keys[algorithm].sign_bytes(data, algorithm)

    world = World(kind, AssertionKeys([remote_key(sign, key_id="kms", algorithm=algorithm)]))
    header, claims = checked(world.assertion(), keys[algorithm], algorithm)
    assert header == {"alg": algorithm, "typ": "JWT", "kid": "kms"}
    assert claims["iss"] == claims["sub"] == "app"


@pytest.mark.parametrize("algorithm", ["ES256", "ES384"])
def test_a_signature_in_der_is_turned_into_that_of_a_token(
    kind: Kind, keys: dict[str, SigningKey], algorithm: str
) -> None:
    raw: Any = keys[algorithm]._key
    hashed = hashes.SHA256() if algorithm == "ES256" else hashes.SHA384()
    plugin = AssertionKeys(
        [remote_key(lambda data: raw.sign(data, ec.ECDSA(hashed)), key_id="kms", algorithm=algorithm)]
    )
    world = World(kind, plugin)
    for _ in range(20):
        # Their lengths differ.
        checked(world.assertion(), keys[algorithm], algorithm)


def test_an_async_function_signs_for_an_asyncio_client(keys: dict[str, SigningKey]) -> None:
    class Kms:
        async def __call__(self, data: bytes) -> bytes:
            await asyncio.sleep(0)
            return keys["RS256"].sign_bytes(data, "RS256")

    async def sign(data: bytes) -> bytes:
        return await Kms()(data)

    for function in (sign, Kms()):
        world = World(KINDS[1], AssertionKeys([remote_key(function, key_id="kms", algorithm="RS256")]))
        checked(world.assertion(), keys["RS256"], "RS256")


def test_a_blocking_function_does_not_stop_the_event_loop(keys: dict[str, SigningKey]) -> None:
    entered, leave = threading.Event(), threading.Event()

    def sign(data: bytes) -> bytes:
        entered.set()
        assert leave.wait(30)
        return keys["RS256"].sign_bytes(data, "RS256")

    async def main() -> str:
        plugin = AssertionKeys([remote_key(sign, key_id="kms", algorithm="RS256")])
        client = AsyncAuthenticationClient(
            domain=DOMAIN, client_id="app", transport=KINDS[1].transport(otherwise=TOKEN), plugins=[plugin]
        )
        call = asyncio.create_task(client.tokens.get(audience="api"))
        await asyncio.to_thread(entered.wait, 30)
        leave.set()
        return await call

    assert asyncio.run(main()) == "t"


def test_an_async_function_is_refused_when_a_blocking_client_is_built() -> None:
    async def sign(data: bytes) -> bytes:
        return data

    with pytest.raises(ConfigurationError, match="cannot await") as caught:
        World(KINDS[0], AssertionKeys([remote_key(sign, key_id="kms", algorithm="RS256")]))
    assert caught.value.option == "sign"


def test_each_attempt_has_a_signature_of_its_own(kind: Kind, keys: dict[str, SigningKey]) -> None:
    signed: list[bytes] = []

    def sign(data: bytes) -> bytes:
        signed.append(data)
        return keys["RS256"].sign_bytes(data, "RS256")

    plugin = AssertionKeys([remote_key(sign, key_id="kms", algorithm="RS256")])
    world = World(kind, plugin, random=lambda: 0.0)
    world.transport.script = [json({}, 503), json({}, 503)]
    world.assertion()
    assert len(set(signed)) == len(world.transport.requests) == 3


# Several keys.


def three_keys(keys: dict[str, SigningKey], **options: Any) -> AssertionKeys:
    return AssertionKeys(
        [
            private_key(pem(keys["RS256"]), key_id="old"),
            private_key(pem(keys["ES256"]), key_id="new", algorithm="ES256"),
            remote_key(lambda data: keys["PS512"].sign_bytes(data, "PS512"), key_id="kms", algorithm="PS512"),
        ],
        **options,
    )


def test_the_active_key_signs_and_another_takes_over_while_the_client_lives(
    kind: Kind, keys: dict[str, SigningKey]
) -> None:
    plugin = three_keys(keys)
    world = World(kind, plugin)
    for key_id, algorithm in (("old", "RS256"), ("new", "ES256"), ("kms", "PS512"), ("old", "RS256")):
        plugin.activate(key_id)
        assert plugin.active.key_id == key_id
        assert checked(world.assertion(), keys[algorithm], algorithm)[0]["kid"] == key_id


def test_the_first_key_signs_unless_another_is_named(kind: Kind, keys: dict[str, SigningKey]) -> None:
    for options, expected in (({}, "old"), ({"active": "new"}, "new")):
        plugin = three_keys(keys, **options)
        assert jwt.get_unverified_header(World(kind, plugin).assertion())["kid"] == expected


def test_a_name_of_no_key_is_refused_and_nothing_changes(keys: dict[str, SigningKey]) -> None:
    plugin = three_keys(keys)
    for call in (lambda: plugin.activate("other"), lambda: three_keys(keys, active="other")):
        with pytest.raises(ConfigurationError, match="old, new, kms") as caught:
            call()
        assert caught.value.option == "active"
    assert plugin.active.key_id == "old"


def test_keys_without_names_of_their_own_are_refused(keys: dict[str, SigningKey]) -> None:
    source = pem(keys["RS256"])
    for given in (
        [],
        [private_key(source)],
        [private_key(source, key_id="a"), private_key(source, key_id="a")],
    ):
        with pytest.raises(ConfigurationError) as caught:
            AssertionKeys(given)
        assert caught.value.option == "keys"


def test_a_key_wins_over_a_secret(kind: Kind, keys: dict[str, SigningKey]) -> None:
    world = World(kind, three_keys(keys), client_secret="secret")
    world.assertion()
    assert "client_secret" not in world.form


@pytest.mark.parametrize("option", ["client_assertion_signing_key", "use_mtls"])
def test_another_proof_beside_the_keys_is_refused(
    kind: Kind, keys: dict[str, SigningKey], option: str
) -> None:
    value: dict[str, Any] = {
        "client_assertion_signing_key": {"client_assertion_signing_key": pem(keys["RS256"])},
        "use_mtls": {"use_mtls": True, "tls": TLS(cert="c", key="k")},
    }
    with pytest.raises(ConfigurationError, match="AssertionKeys") as caught:
        World(kind, three_keys(keys), **value[option])
    assert caught.value.option == option


# What goes wrong.


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS255", ""])
def test_an_algorithm_that_does_not_exist_is_refused(algorithm: str) -> None:
    with pytest.raises(ConfigurationError, match='"algorithm" must be one of RS256, ') as caught:
        remote_key(lambda data: data, key_id="kms", algorithm=algorithm)
    assert caught.value.option == "algorithm"


def test_a_key_that_does_not_fit_its_algorithm_is_refused(keys: dict[str, SigningKey]) -> None:
    with pytest.raises(ConfigurationError, match="ES256"):
        private_key(pem(keys["RS256"]), key_id="a", algorithm="ES256")


@pytest.mark.parametrize("answer", [b"", None, "text", b"short"], ids=repr)
def test_what_is_no_signature_is_refused_and_nothing_is_sent(kind: Kind, answer: Any) -> None:
    world = World(kind, AssertionKeys([remote_key(lambda data: answer, key_id="kms", algorithm="ES256")]))
    with pytest.raises(ConfigurationError, match='"sign"') as caught:
        world.assertion()
    assert caught.value.option == "sign"
    assert not world.transport.requests


def test_a_plain_function_that_returns_a_coroutine_is_refused_and_leaves_no_warning(kind: Kind) -> None:
    async def sign(data: bytes) -> bytes:
        return data

    world = World(kind, AssertionKeys([remote_key(lambda data: sign(data), key_id="kms", algorithm="RS256")]))
    with pytest.raises(ConfigurationError, match="not coroutine"):
        world.assertion()


def test_what_the_function_raises_comes_out_and_shows_no_part_of_the_request(kind: Kind) -> None:
    def sign(data: bytes) -> bytes:
        raise RuntimeError("the KMS is down")

    world = World(kind, AssertionKeys([remote_key(sign, key_id="kms", algorithm="RS256")]))
    with pytest.raises(RuntimeError, match="the KMS is down") as caught:
        kind.do(lambda: world.client.oauth.refresh_token_grant(refresh_token="can" + "ary"))
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frames = [f"{frame.name} {frame.locals}" for frame in shown.stack if "tests/" not in frame.filename]
    assert [frame for frame in frames if frame.startswith("_signed_elsewhere")]
    assert not [frame for frame in frames if "canary" in frame]


def test_nothing_shows_a_key(keys: dict[str, SigningKey]) -> None:
    plugin = three_keys(keys)
    secret = pem(keys["RS256"]).splitlines()[1]
    assert f"{plugin!r} {plugin.active!r}" == (
        "<AssertionKeys old, new, kms; old signs> <AssertionKey old for RS256>"
    )
    assert secret not in repr(World(KINDS[0], plugin).client._core.session.client_authentication)


def test_a_padding_of_a_kms_is_the_kms_s_business(kind: Kind, keys: dict[str, SigningKey]) -> None:
    # RSA signatures go through as they are: those of AWS, Google and Azure are in the form of a token.
    raw: Any = keys["PS256"]._key
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
    key = remote_key(lambda data: raw.sign(data, pss, hashes.SHA256()), key_id="kms", algorithm="PS256")
    checked(World(kind, AssertionKeys([key])).assertion(), keys["PS256"], "PS256")
