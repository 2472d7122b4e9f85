"""Signed tokens and keys: the vectors of the RFCs, and everything that must be refused."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils
from hypothesis import given
from hypothesis import strategies as st

from anyauth0.errors import ConfigurationError
from anyauth0.jose import (
    ALGORITHMS,
    JoseError,
    SigningKey,
    VerifyingKey,
    base64url_decode,
    base64url_encode,
    generate_key,
    load_private_key,
    load_public_jwk,
    parse_token,
    public_jwk,
    secret_key,
    sign,
    thumbprint,
    verify,
    verify_signature,
)

HS256_SECRET = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
CLAIMS = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
HS256_TOKEN = (
    f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

RSA_JWK = {
    "kty": "RSA",
    "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJ"
    "PMEzP1Pt0Bm4d4QlL-yRT"
    "-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z"
    "5rexMdbBYUsLA9e-KXBdQOS-UTo7"
    "WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF"
    "8NAco9_h9iaGNj8q2ethFkMLs91k"
    "zk2PAcDTW9gb54h4FRWyuXpoQ",
    "e": "AQAB",
    "d": "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9S"
    "E-7YwVol2NXOoAJe46sui"
    "395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_"
    "V51gfpRLI9JYanrC4D4qAdGcopV_0"
    "ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLh"
    "BOneufuBiB4cS98l2SR_RQyGWSe"
    "WjnczT0QU91p1DhOVRuOopznQ",
}  # fmt: skip
RS256_TOKEN = (
    f"eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}."
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF"
    "5YKt_O8W2Fp5jujGbds9uJdbF9CUA"
    "r7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Q"
    "e7K0GarZRmB_eSN9383LcOLn6_dO-"
    "-xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98"
    "rqVt5AXLIhWkWywlVmtVrBp0igcN_"
    "IoypGlUPQGe77Rw"
)
EC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    "d": "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
}
ES256_TOKEN = (
    f"eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
)
OKP_JWK = {
    "kty": "OKP",
    "crv": "Ed25519",
    "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
}
EDDSA_TOKEN = (
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)
THUMBPRINT_JWK = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1"
    "L6tSoc_BJECPebWKRXjBZCi"
    "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Qvzq"
    "Y368QQMicAtaSqzs8KJZgnYb9c7d"
    "0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPk"
    "sINHaQ-G_xBniIqbw0Ls1jF44-cs"
    "FCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}  # fmt: skip


def without(jwk: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in jwk.items() if name not in names}


RAW = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS = {
    "RSA": SigningKey(RAW),
    "EC P-256": generate_key("ES256"),
    "EC P-384": generate_key("ES384"),
    "Ed25519": generate_key("EdDSA"),
    "secret": generate_key("HS256"),
}
ASYMMETRIC = sorted(name for name in ALGORITHMS if not name.startswith("HS"))


def key_for(algorithm: str) -> SigningKey:
    return next(key for key in KEYS.values() if algorithm in key.algorithms)


# The vectors of the RFCs


def test_the_hs256_example_of_rfc_7515_is_verified_and_its_signature_made_again() -> None:
    key = secret_key(base64url_decode(HS256_SECRET))
    assert verify(HS256_TOKEN, key.verifying_key, algorithms=["HS256"]) == CLAIMS
    signed, _, signature = HS256_TOKEN.rpartition(".")
    assert base64url_encode(key.sign_bytes(signed.encode(), "HS256")) == signature


def test_the_rs256_example_of_rfc_7515_is_verified_and_its_signature_made_again() -> None:
    key = load_private_key(RSA_JWK)
    assert verify(RS256_TOKEN, load_public_jwk(without(RSA_JWK, "d")), algorithms=["RS256"]) == CLAIMS
    signed, _, signature = RS256_TOKEN.rpartition(".")
    assert base64url_encode(key.sign_bytes(signed.encode(), "RS256")) == signature


def test_the_es256_example_of_rfc_7515_is_verified() -> None:
    assert verify(ES256_TOKEN, load_public_jwk(without(EC_JWK, "d")), algorithms=["ES256"]) == CLAIMS
    assert verify(sign(CLAIMS, load_private_key(EC_JWK), algorithm="ES256"),
                  load_public_jwk(without(EC_JWK, "d")), algorithms=["ES256"]) == CLAIMS  # fmt: skip


def test_the_ed25519_example_of_rfc_8037_is_verified_and_its_signature_made_again() -> None:
    token = parse_token(EDDSA_TOKEN, ["EdDSA"])
    verify_signature(token, load_public_jwk(without(OKP_JWK, "d")))
    assert token.payload == b"Example of Ed25519 signing"
    assert load_private_key(OKP_JWK).sign_bytes(token.signed, "EdDSA") == token.signature


def test_the_thumbprints_of_rfc_7638_and_rfc_8037_are_right() -> None:
    assert thumbprint(THUMBPRINT_JWK) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert thumbprint(without(OKP_JWK, "d")) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    key = load_private_key(OKP_JWK)
    assert thumbprint(key) == thumbprint(key.verifying_key) == thumbprint(public_jwk(key, kid="x"))


# Signing and verifying


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_what_a_key_signs_its_public_half_verifies(algorithm: str) -> None:
    key = key_for(algorithm)
    token = sign({"sub": "me", "n": 1.5}, key, algorithm=algorithm, headers={"kid": "k", "alg": "none"})
    parsed = parse_token(token, {algorithm})
    assert dict(parsed.header) == {"alg": algorithm, "typ": "JWT", "kid": "k"}
    assert token.startswith(base64url_encode(f'{{"alg":"{algorithm}"'.encode())[:12])
    assert verify(token, key.verifying_key, algorithms=[algorithm]) == {"sub": "me", "n": 1.5}


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_signatures_are_those_of_bare_cryptography(algorithm: str) -> None:
    key, data = key_for(algorithm), b"header.payload"
    signature, public = key.sign_bytes(data, algorithm), key.verifying_key._key
    digest = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}.get(
        algorithm[2:], hashes.SHA512
    )()
    if algorithm.startswith("RS"):
        public.verify(signature, data, padding.PKCS1v15(), digest)
    elif algorithm.startswith("PS"):
        pss = padding.PSS(padding.MGF1(digest), padding.PSS.DIGEST_LENGTH)
        public.verify(signature, data, pss, digest)
    elif algorithm.startswith("ES"):
        half = len(signature) // 2
        numbers = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        public.verify(utils.encode_dss_signature(*numbers), data, ec.ECDSA(digest))
    else:
        public.verify(signature, data)


@pytest.mark.parametrize("algorithm", sorted(ALGORITHMS))
def test_one_character_altered_in_any_part_is_refused(algorithm: str) -> None:
    key = key_for(algorithm)
    token = sign({"sub": "me", "exp": 1}, key, algorithm=algorithm)
    for place, character in enumerate(token):
        other = "A" if character != "A" else "B"
        altered = token[:place] + other + token[place + 1 :]
        with pytest.raises(JoseError):
            verify(altered, key.verifying_key, algorithms=[algorithm])


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "HS256"])
def test_a_signature_that_is_cut_off_lengthened_empty_or_zero_is_refused(algorithm: str) -> None:
    key = key_for(algorithm)
    good = key.sign_bytes(b"data", algorithm)
    assert key.verifying_key.verify_bytes(b"data", good, algorithm)
    for bad in (b"", good[:-1], good + b"\0", b"\0" + good, bytes(len(good)), b"\xff" * len(good)):
        assert not key.verifying_key.verify_bytes(b"data", bad, algorithm)


def test_the_two_numbers_of_an_ecdsa_signature_have_one_length_only() -> None:
    key = KEYS["EC P-256"]
    good = key.sign_bytes(b"data", "ES256")
    assert not key.verifying_key.verify_bytes(b"data", good[:32] + b"\0" + good[32:], "ES256")


def test_a_der_signature_is_no_es256_signature() -> None:
    raw = ec.generate_private_key(ec.SECP256R1())
    der = raw.sign(b"data", ec.ECDSA(hashes.SHA256()))
    assert not VerifyingKey(raw.public_key()).verify_bytes(b"data", der, "ES256")


# What no token may do


def compact(header: object, payload: bytes = b"{}", signature: bytes = b"") -> str:
    return ".".join(base64url_encode(p) for p in (json.dumps(header).encode(), payload, signature))


def test_a_public_key_never_serves_as_an_hmac_secret() -> None:
    pem = RAW.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    forged = SigningKey(pem).sign({"sub": "admin"}, algorithm="HS256")
    public = KEYS["RSA"].verifying_key
    with pytest.raises(JoseError) as caught:
        verify(forged, public, algorithms=["RS256"])
    assert caught.value.rule == "alg"
    with pytest.raises(JoseError) as caught:
        verify(forged, public, algorithms=["HS256", "RS256"])
    assert caught.value.rule == "alg"
    with pytest.raises(ConfigurationError, match="client_secret"):
        secret_key(pem)


@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "", None, 5, ["RS256"], "rs256", "RSA1_5", "x" * 500]
)
def test_an_algorithm_that_was_not_allowed_is_refused(alg: object) -> None:
    with pytest.raises(JoseError) as caught:
        parse_token(compact({"alg": alg}), ["RS256", "none", "None", "NONE", ""])
    assert caught.value.rule == "alg"
    assert len(str(caught.value)) < 300


def test_none_is_refused_even_where_it_is_asked_for() -> None:
    with pytest.raises(JoseError):
        parse_token(compact({"alg": "none"}), ["none"])


def test_a_key_that_is_bound_to_one_algorithm_refuses_its_relatives() -> None:
    key = load_public_jwk(public_jwk(KEYS["RSA"], alg="RS256"))
    token = sign({}, KEYS["RSA"], algorithm="PS256")
    with pytest.raises(JoseError) as caught:
        verify(token, key, algorithms=["RS256", "PS256"])
    assert caught.value.rule == "alg"


def test_critical_extensions_are_refused() -> None:
    for crit in (["exp"], [], None, "b64"):
        token = sign({}, KEYS["secret"], algorithm="HS256", headers={"crit": crit, "b64": False})
        with pytest.raises(JoseError) as caught:
            verify(token, KEYS["secret"].verifying_key, algorithms=["HS256"])
        assert caught.value.rule == "crit"


@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "...", "a.b.c.d.e", "a.b.c.d.e.f.g", None, 5, b"a.b.c", [], "." * 100_000,
        "a" * 70_000,
        "e30.e30.", "W10.e30.", "bnVsbA.e30.", "{}.e30.", RS256_TOKEN + "=", RS256_TOKEN + "\n",
        " " + RS256_TOKEN,
        RS256_TOKEN.replace("_", "/"), RS256_TOKEN + ".", "." + RS256_TOKEN, "\ud800.e30.e30", "é.e30.e30",
    ],
    ids=lambda text: repr(text)[:20],
)  # fmt: skip
def test_what_is_no_token_is_refused(text: object) -> None:
    with pytest.raises(JoseError) as caught:
        parse_token(text, ["RS256"])
    assert caught.value.rule in ("format", "alg")
    assert len(str(caught.value)) < 300


def test_a_token_of_more_than_64_kib_is_refused_though_it_is_signed() -> None:
    key = KEYS["secret"]
    token = sign({"a": "x" * 60_000}, key, algorithm="HS256")
    assert len(token) > 65_536
    with pytest.raises(JoseError, match="64 KiB"):
        verify(token, key.verifying_key, algorithms=["HS256"])
    token = sign({"a": "x" * 40_000}, key, algorithm="HS256")
    assert verify(token, key.verifying_key, algorithms=["HS256"])


def test_an_encrypted_token_is_named_as_such() -> None:
    with pytest.raises(JoseError, match="encrypted"):
        parse_token("eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d", ["RS256"])


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"null", b"{", b"\xff", b'{"a":NaN}', b"[" * 9000, b'{"a":1e999}']
)
def test_claims_that_are_no_json_object_are_refused(payload: bytes) -> None:
    key = KEYS["secret"]
    signed = compact({"alg": "HS256"}, payload).rpartition(".")[0]
    token = f"{signed}.{base64url_encode(key.sign_bytes(signed.encode(), 'HS256'))}"
    with pytest.raises(JoseError) as caught:
        verify(token, key.verifying_key, algorithms=["HS256"])
    assert caught.value.rule == "format"


@given(
    st.one_of(st.text(), st.text(alphabet="eyJhbGciOiJSUzI1NiJ9.-_=", max_size=80), st.binary(), st.none())
)
def test_any_input_is_a_token_or_a_jose_error(text: object) -> None:
    with pytest.raises(JoseError):
        parse_token(text, ["RS256"]).claims()


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_header_and_payload_are_a_token_or_a_jose_error(head: bytes, payload: bytes) -> None:
    with pytest.raises(JoseError):
        parse_token(f"{base64url_encode(head)}.{base64url_encode(payload)}.", ["RS256"])


def test_the_header_of_a_token_cannot_be_altered_for_the_next_one() -> None:
    header: Any = parse_token(RS256_TOKEN, ["RS256"]).header
    with pytest.raises(TypeError):
        header["alg"] = "HS256"


# Base64url


@given(st.binary(max_size=100))
def test_base64url_comes_back_as_it_was(data: bytes) -> None:
    assert base64url_decode(base64url_encode(data)) == data


@given(st.text(alphabet=st.sampled_from('AQgwIMz019-_+/=\\" \n\té'), max_size=12))
def test_each_value_has_one_base64url_text(text: str) -> None:
    try:
        data = base64url_decode(text)
    except JoseError:
        return
    assert base64url_encode(data) == text


@pytest.mark.parametrize(
    "text", ["A", "AAAAA", "AB", "AAB", "QQ==", "QUI=", "Q Q", "QQ\n", "+_", "//8", '"A', "\\u", "é"]
)
def test_base64url_is_strict(text: str) -> None:
    with pytest.raises(JoseError) as caught:
        base64url_decode(text)
    assert caught.value.rule == "format"


# Public keys as JWK


@pytest.mark.parametrize("kind", ["RSA", "EC P-256", "EC P-384", "Ed25519"])
def test_a_public_jwk_comes_back_as_the_same_key(kind: str) -> None:
    key = KEYS[kind]
    jwk = public_jwk(key, kid="one", alg=sorted(key.algorithms)[0])
    loaded = load_public_jwk(jwk)
    assert (loaded.kid, loaded.kind, loaded.algorithms) == ("one", kind, {jwk["alg"]})
    assert loaded.numbers() == key.verifying_key.numbers()
    assert "d" not in jwk


EC_PUBLIC, OKP_PUBLIC, RSA_PUBLIC = (without(jwk, "d") for jwk in (EC_JWK, OKP_JWK, RSA_JWK))


@pytest.mark.parametrize(
    "jwk",
    [
        {}, {"kty": "oct", "k": HS256_SECRET}, {"kty": ["RSA"]}, {"kty": "RSA"}, RSA_JWK, EC_JWK, OKP_JWK,
        {**RSA_PUBLIC, "use": "enc"}, {**RSA_PUBLIC, "key_ops": ["encrypt"]}, {**RSA_PUBLIC,
        "alg": "RSA-OAEP"},
        {**RSA_PUBLIC, "alg": "ES256"}, {**RSA_PUBLIC, "alg": "HS256"}, {**RSA_PUBLIC, "alg": 5},
        {**RSA_PUBLIC, "alg": "none"}, {**RSA_PUBLIC, "n": "AQAB"}, {**RSA_PUBLIC, "n": 5},
        {**RSA_PUBLIC, "n": "=="},
        {**RSA_PUBLIC, "n": ""}, {**RSA_PUBLIC, "n": "A" * 10_000}, {**RSA_PUBLIC, "e": "AA"},
        {**RSA_PUBLIC, "e": "Ag"}, {**RSA_PUBLIC, "e": "AQ"}, {**EC_PUBLIC, "x": EC_JWK["y"]},
        {**EC_PUBLIC, "crv": "P-384"}, {**EC_PUBLIC, "crv": "secp256k1"}, {**EC_PUBLIC, "crv": 5},
        {**EC_PUBLIC, "x": "AA"}, {**EC_PUBLIC, "y": EC_JWK["y"] + "AAAA"}, {**OKP_PUBLIC, "crv": "Ed448"},
        {**OKP_PUBLIC, "crv": "X25519"}, {**OKP_PUBLIC, "x": "AAAA"},
    ],
    ids=lambda jwk: repr(jwk)[:60],
)  # fmt: skip
def test_a_jwk_that_is_no_key_for_signatures_is_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(JoseError) as caught:
        load_public_jwk(jwk)
    assert caught.value.rule in ("key", "format")
    assert len(str(caught.value)) < 300


def test_numbers_of_another_length_make_no_key_though_their_value_is_right() -> None:
    with pytest.raises(JoseError):
        load_public_jwk({**RSA_PUBLIC, "n": "A" * 5000 + RSA_JWK["n"]})
    point = base64url_decode(EC_JWK["x"]) + base64url_decode(EC_JWK["y"])
    for cut in (31, 33):
        x, y = base64url_encode(point[:cut]), base64url_encode(point[cut:])
        with pytest.raises(JoseError):
            load_public_jwk({**EC_PUBLIC, "x": x, "y": y})


@given(
    st.dictionaries(
        st.sampled_from(["kty", "crv", "n", "e", "x", "y", "alg", "use", "kid", "key_ops"]),
        st.one_of(
            st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", RSA_JWK["n"]]),
            st.text(max_size=10), st.integers(), st.none(), st.lists(st.text(max_size=5), max_size=2),
        ),
    )
)  # fmt: skip
def test_any_jwk_is_a_key_or_a_jose_error(jwk: dict[str, Any]) -> None:
    try:
        key = load_public_jwk(jwk)
    except JoseError:
        return
    assert key.algorithms


@pytest.mark.parametrize("bits", [1024, 2040])
def test_a_short_rsa_key_is_refused_everywhere(bits: int) -> None:
    raw = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    key = SigningKey(raw)
    assert not key.algorithms
    with pytest.raises(JoseError, match=f"{bits}-bit"):
        load_public_jwk(public_jwk(key))
    with pytest.raises(ConfigurationError, match=f"{bits}-bit"):
        load_private_key(pem(raw), algorithm="RS256")
    with pytest.raises(ConfigurationError, match=f"{bits}-bit"):
        sign({}, key)
    with pytest.raises(JoseError):
        key.verifying_key.verify_bytes(b"", b"", "RS256")


# Private keys


def pem(key: Any, format: str = "PKCS8", password: bytes | None = None) -> bytes:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(
        serialization.Encoding.PEM, getattr(serialization.PrivateFormat, format), encryption
    )


P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    ("source", "password", "algorithm"),
    [
        (pem(RAW), None, "RS256"),
        (pem(RAW).decode(), None, "PS512"),
        (b"\n  " + pem(RAW, "TraditionalOpenSSL"), None, "RS384"),
        (pem(RAW, password=b"secret"), b"secret", "RS256"),
        (pem(RAW, "TraditionalOpenSSL", password=b"secret"), "secret", "RS256"),
        (pem(P256), None, "ES256"),
        (pem(P256, "TraditionalOpenSSL"), None, "ES256"),
        (pem(P384, password="pässword".encode()), "pässword", "ES384"),
        (pem(ED), None, "EdDSA"),
        (RSA_JWK, None, "RS256"),
        (json.dumps(EC_JWK), None, "ES256"),
        (json.dumps(OKP_JWK).encode(), None, "EdDSA"),
    ],
    # The keys are new in each process of a test run.
    ids=map(str, range(12)),
)
def test_a_private_key_is_read_in_each_of_its_forms(source: Any, password: Any, algorithm: str) -> None:
    key = load_private_key(source, password=password, algorithm=algorithm)
    assert verify(sign(CLAIMS, key, algorithm=algorithm), key.verifying_key, algorithms=[algorithm]) == CLAIMS


PUBLIC_PEM = RAW.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
OTHER = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(32, "big")


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("/etc/keys/private.pem", {}, "content of the key file"),
        ("", {}, "content of the key file"),
        ("\ud800", {}, "content of the key file"),
        (PUBLIC_PEM, {}, "public key"),
        (pem(RAW).decode().replace("\n", "\\n"), {}, "line breaks"),
        (pem(RAW)[:600], {}, "cannot be read"),
        (pem(RAW)[:300] + pem(RAW)[400:], {}, "cannot be read"),
        (pem(RAW, password=b"secret"), {}, "is encrypted"),
        (pem(RAW, password=b"secret"), {"password": "wrong"}, "client_assertion_signing_key_password"),
        (pem(RAW), {"password": "needless"}, "not encrypted"),
        (pem(RAW), {"algorithm": "ES256"}, "ES256 needs an EC P-256 key"),
        (pem(RAW), {"algorithm": "HS256"}, "HS256 needs a secret key"),
        (pem(P256), {"algorithm": "RS256"}, "set the algorithm to one of ES256"),
        (pem(ec.generate_private_key(ec.SECP521R1())), {}, "EC secp521r1"),
        (pem(ec.generate_private_key(ec.SECP256K1())), {}, "EC secp256k1"),
        (pem(ed448.Ed448PrivateKey.generate()), {}, "unsupported"),
        (pem(dsa.generate_private_key(1024)), {}, "unsupported"),
        ("{", {}, "without a private half"),
        ({}, {}, "without a private half"),
        (RSA_PUBLIC, {}, "without a private half"),
        ({"kty": "oct", "k": "AAAA", "d": "AAAA"}, {}, "incomplete or wrong"),
        ({**RSA_JWK, "d": "AQAB"}, {}, "incomplete or wrong"),
        ({**RSA_JWK, "d": "!!!"}, {}, "incomplete or wrong"),
        ({**RSA_JWK, "n": THUMBPRINT_JWK["n"]}, {}, "incomplete or wrong"),
        ({**EC_JWK, "d": base64url_encode(OTHER)}, {}, "incomplete or wrong"),
        ({**OKP_JWK, "d": base64url_encode(OTHER)}, {}, "incomplete or wrong"),
        ({**OKP_JWK, "d": None}, {}, "incomplete or wrong"),
    ],
    ids=lambda value: repr(value)[:30] if isinstance(value, str | dict) else "",
)
def test_a_private_key_that_does_not_do_is_refused_with_the_mend(
    source: Any, options: Any, said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_private_key(source, **options)
    message = str(caught.value)
    assert caught.value.option == "client_assertion_signing_key"
    assert '"client_assertion_signing_key"' in message
    assert said in message
    assert len(message) < 300
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    secret = source.get("d") if isinstance(source, dict) else source
    text = secret.decode() if isinstance(secret, bytes) else secret
    for line in (text or "").splitlines():
        assert len(line) < 20 or line.startswith("-----") or line not in shown


def test_a_private_key_tells_its_kind_where_no_algorithm_is_asked_for() -> None:
    assert load_private_key(pem(P256)).kind == "EC P-256"


def test_an_unknown_algorithm_is_refused_by_its_option() -> None:
    for call in (lambda: sign({}, KEYS["RSA"], algorithm="RS1"), lambda: generate_key("none"),
                 lambda: load_private_key(pem(RAW), algorithm="RS999")):  # fmt: skip
        with pytest.raises(ConfigurationError) as caught:
            call()
        assert caught.value.option == "client_assertion_signing_alg"


@pytest.mark.parametrize(
    "use",
    [
        lambda: load_private_key(RSA_JWK),
        lambda: load_public_jwk(RSA_PUBLIC),
        lambda: generate_key("RS256"),
    ],
)
def test_without_cryptography_the_extra_is_named(
    use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigurationError, match=r"anyauth0\[crypto\]"):
        use()


def test_hmac_does_without_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    key = generate_key("HS512")
    assert verify(sign({"a": 1}, key, algorithm="HS512"), key.verifying_key, algorithms=["HS512"]) == {"a": 1}


def test_no_repr_shows_a_key_or_a_claim() -> None:
    key = secret_key("very-secret-value")
    token = parse_token(sign({"sub": "jane"}, key, algorithm="HS256"), ["HS256"])
    shown = f"{key!r} {key.verifying_key!r} {token!r} {load_private_key(OKP_JWK)!r}"
    assert shown == "<SigningKey secret> <VerifyingKey secret> <Token HS256> <SigningKey Ed25519>"


@pytest.mark.parametrize(
    "secret", ["", b"", "-----BEGIN PUBLIC KEY-----\nx", b"  -----BEGIN RSA PRIVATE KEY-----"]
)
def test_an_empty_secret_or_a_key_file_is_no_secret(secret: str | bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        secret_key(secret)
    assert caught.value.option == "client_secret"
