"""The examples that the RFCs print: what is good there is good here, what cannot be verified here is refused.

The rest is elsewhere: RFC 7515 A.1 to A.3, 7638 and 8037 in `tests/core/test_jose.py`, RFC 7636 B in
`tests/authentication/test_logins.py`, the key of RFC 9449 in `tests/authentication/test_dpop.py`.
"""

import hashlib
from typing import Any

import joserfc.jwk
import joserfc.jws
import pytest

from anyauth0 import ConfigurationError
from anyauth0.jose import (
    JoseError,
    base64url_decode,
    base64url_encode,
    load_private_key,
    load_public_jwk,
    parse_token,
    secret_key,
    thumbprint,
    verify_signature,
)
from anyauth0.verification import TokenError
from anyauth0.verification.bindings import check_binding
from anyauth0.verification.dpop import verify_proof
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.dpop import BadProof, check_proof
from anyauth0_transports.local.incoming import Incoming

# RFC 7520, sections 3 and 4: the key of the cookbook's signatures, and the text that they are for.

RSA_7520 = {
    "kty": "RSA", "kid": "bilbo.baggins@hobbiton.example", "use": "sig", "e": "AQAB",
    "n": "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJM"
    "RBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1N"
    "NLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7"
    "jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw",
}  # fmt: skip
SECRET_7520 = "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"
TEXT_7520 = (
    "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9h"
    "ZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3"
    "ZXB0IG9mZiB0by4"
)
SIGNED_7520 = {
    "RS256": (
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi8"
        "4wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocS"
        "adnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJu"
        "shZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
    ),
    "PS384": (
        "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
        "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItl"
        "lVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0"
        "TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0"
        "uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
    ),
    "HS256": (
        "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
        "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
    ),
}


@pytest.mark.parametrize("algorithm", SIGNED_7520)
def test_the_signatures_of_rfc_7520_are_verified_and_of_no_other_text(algorithm: str) -> None:
    header, signature = SIGNED_7520[algorithm]
    by_secret = algorithm == "HS256"
    key = secret_key(base64url_decode(SECRET_7520)).verifying_key if by_secret else load_public_jwk(RSA_7520)
    token = parse_token(f"{header}.{TEXT_7520}.{signature}", [algorithm])
    verify_signature(token, key)
    assert token.payload.decode().startswith("It\u2019s a dangerous business, Frodo")
    other = parse_token(f"{header}.{base64url_encode(b'Stay at home.')}.{signature}", [algorithm])
    with pytest.raises(JoseError, match="signature"):
        verify_signature(other, key)


def test_the_hs256_signature_of_rfc_7520_is_made_again() -> None:
    header, signature = SIGNED_7520["HS256"]
    made = secret_key(base64url_decode(SECRET_7520)).sign_bytes(f"{header}.{TEXT_7520}".encode(), "HS256")
    assert base64url_encode(made) == signature


# RFC 7515, appendix A: what is not verified here is refused, though it is good.

EC_A4 = {
    "kty": "EC", "crv": "P-521",
    "x": "AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk",
    "y": "ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2",
    "d": "AY5pb7A0UFiB3RELSD64fTLOSV_jazdF7fLYyuTw8lOfRhWg6Y6rUrPAxerEzgdRhajnu0ferB0d53vM9mE15j2C",
}  # fmt: skip


ES512_A4 = (
    "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA."
    "AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgo"
    "XD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn"
)
UNSECURED_A5 = (
    "eyJhbGciOiJub25lIn0."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
)


def test_the_es512_example_of_rfc_7515_is_good_and_refused_with_its_key() -> None:
    joserfc.jws.deserialize_compact(ES512_A4, joserfc.jwk.import_key(EC_A4), algorithms=["ES512"])
    with pytest.raises(JoseError, match="ES512") as caught:
        parse_token(ES512_A4, ["ES512"])
    assert caught.value.rule == "alg"
    public = {name: value for name, value in EC_A4.items() if name != "d"}
    with pytest.raises(JoseError, match="neither RSA, EC P-256, EC P-384 nor Ed25519"):
        load_public_jwk(public)
    with pytest.raises(ConfigurationError) as refused:
        load_private_key(EC_A4)
    assert EC_A4["d"] not in f"{refused.value} {refused.value.__cause__}"


def test_the_unsecured_example_of_rfc_7515_is_refused() -> None:
    with pytest.raises(JoseError, match="none") as caught:
        parse_token(UNSECURED_A5, ["none"])
    assert caught.value.rule == "alg"


# RFC 7517, appendix A.

EC_A1 = {
    "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "enc", "kid": "1",
}  # fmt: skip
EC_A2 = {**EC_A1, "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"}
RSA_A2 = {
    "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
    "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ"
    "ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIq"
    "bw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "d": "X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv"
    "7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t"
    "8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2W"
    "Bii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q",
}  # fmt: skip


def test_the_private_keys_of_rfc_7517_are_read() -> None:
    # Whoever holds a private key knows what it is for; "use" is for those who find the public one.
    assert load_private_key(EC_A2).kind == "EC P-256"
    assert thumbprint(load_private_key(RSA_A2)) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_public_keys_of_rfc_7517_are_read_for_what_they_are_for() -> None:
    rsa = load_public_jwk({name: value for name, value in RSA_A2.items() if name != "d"})
    assert (rsa.kid, rsa.algorithms) == ("2011-04-29", {"RS256"})
    with pytest.raises(JoseError, match="not for signatures"):
        load_public_jwk(EC_A1)
    assert load_public_jwk({**EC_A1, "use": "sig"}).kind == "EC P-256"


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "alg": "A128KW", "k": "GawgguFyGrWKav7AX4VKUg"},
        {"kty": "oct", "kid": "HMAC key used in JWS spec Appendix A.1 example",
         "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"},
    ],
    ids=["A128KW", "HMAC"],
)  # fmt: skip
def test_the_symmetric_keys_of_rfc_7517_are_no_public_keys(jwk: dict[str, str]) -> None:
    with pytest.raises(JoseError, match="secret") as caught:
        load_public_jwk(jwk)
    assert jwk["k"] not in str(caught.value)


# RFC 9449: the proofs of sections 4.2, 5 and 7.1.

_HEADER_9449 = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpD"
    "a0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6"
    "IlAtMjU2In19"
)
TOKEN_PROOF = (
    f"{_HEADER_9449}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUu"
    "Y29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
    "2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
REFRESH_PROOF = (
    f"{_HEADER_9449}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUu"
    "Y29tL3Rva2VuIiwiaWF0IjoxNTYyMjY1Mjk2fQ."
    "pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA"
)
RESOURCE_PROOF = (
    f"{_HEADER_9449}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxl"
    "Lm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1"
    "OUlpS0NBcWtzbVFFbyJ9."
    "2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
RESOURCE, TOKEN_URL = "https://resource.example.org/protectedresource", "https://server.example.com/token"
MADE_AT = 1562262618
"""When the last of them was made."""


def verified(**changes: Any) -> Any:
    """Return what our verifier finds in the proof for the resource, or in a request that is changed."""
    request = {
        "headers": {"dpop": [RESOURCE_PROOF]}, "method": "GET", "url": RESOURCE, "token": ACCESS_TOKEN,
        "algorithms": ("ES256",), "nonces": (), "now": MADE_AT, **changes,
    }  # fmt: skip
    return verify_proof(**request)


def test_the_resource_proof_of_rfc_9449_is_verified() -> None:
    proof = verified()
    assert (proof.thumbprint, proof.id) == (JKT, "e1j3V_bKic8-LAEB")
    assert base64url_encode(hashlib.sha256(ACCESS_TOKEN.encode()).digest()) == ATH
    # Section 6.1: the claims of the token that is bound to it.
    bound = {"sub": "someone@example.com", "iss": "https://server.example.com", "cnf": {"jkt": JKT}}
    check_binding(bound, scheme="DPoP", proof_key=proof.thumbprint, certificate=None)
    with pytest.raises(TokenError):
        check_binding(bound, scheme="DPoP", proof_key=ATH, certificate=None)


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("htm", {"method": "POST"}),
        ("htu", {"url": "https://resource.example.org/other"}),
        ("iat", {"now": MADE_AT + 301}),
        ("iat", {"now": MADE_AT - 31}),
        ("ath", {"token": ACCESS_TOKEN[:-1]}),
        ("signature", {"headers": {"dpop": [RESOURCE_PROOF.replace(".2oW9", ".3oW9")]}}),
        ("ath", {"headers": {"dpop": [TOKEN_PROOF]}, "method": "POST", "url": TOKEN_URL}),
    ],
    ids=["method", "url", "old", "early", "token", "signature", "proof of a token request"],
)
def test_the_proofs_of_rfc_9449_are_good_for_what_they_were_made_for_alone(rule: str, changes: Any) -> None:
    with pytest.raises(TokenError) as caught:
        verified(**changes)
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("proof", "made_at"),
    [(TOKEN_PROOF, 1562262616.0), (REFRESH_PROOF, 1562265296.0)],
    ids=["section 4.2", "section 5"],
)
def test_the_token_request_proofs_of_rfc_9449_are_verified_once_by_the_embedded_tenant(
    proof: str, made_at: float
) -> None:
    now = made_at + 301
    incoming = Incoming.from_url("POST", TOKEN_URL, headers={"DPoP": proof})
    with LocalTenant(domain="server.example.com", clock=lambda: now) as tenant:
        with pytest.raises(BadProof, match="iat"):
            check_proof(tenant, incoming, nonce=False)
        now = made_at
        assert check_proof(tenant, incoming, nonce=False) == JKT
        with pytest.raises(BadProof, match="used before"):
            check_proof(tenant, incoming, nonce=False)
