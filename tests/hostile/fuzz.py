"""Fuzz targets: any bytes given to `jose` or `decoding` end in a result or in an error of ours.

    python tests/hostile/fuzz.py --runs 20000 [--target jose] [--seed 1]

Each input is a changed copy of something valid; a failure prints the input and the seed. With `atheris`
installed its coverage leads the way, and whatever else is on the command line goes to it (`-max_len=4096`).
"""

import argparse
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import msgspec

from anyauth0 import DecodingError, InvalidArgumentError, Page, RateLimit, Response
from anyauth0.authentication.authorization import AuthorizationRequest
from anyauth0.authentication.models import TokenSet
from anyauth0.decoding import Shape, decode
from anyauth0.errors import AuthenticationApiError, ConfigurationError, ManagementApiError, api_error
from anyauth0.jose import (
    ALGORITHMS,
    JoseError,
    base64url_decode,
    base64url_encode,
    generate_key,
    load_private_key,
    load_public_jwk,
    parse_token,
    public_jwk,
    thumbprint,
    verify,
)
from anyauth0.management.users import User
from anyauth0.redaction import redacted, shown
from anyauth0.sse import Parser
from anyauth0.timestamps import parse_timestamp

KEYS = [generate_key(name) for name in ("ES256", "EdDSA", "HS256")]
MODELS: tuple[Any, ...] = (User, Page[User], list[User], TokenSet, dict[str, Any], str)
CODES = (400, 403, 404, 429, 500)


def jose(data: bytes) -> None:
    """Read `data` as a token, as base64url, as a key set's key and as a key file."""
    text = data.decode("latin-1")
    with suppress(JoseError):
        assert base64url_encode(base64url_decode(data)).encode() == data
    for key in KEYS:
        with suppress(JoseError):
            assert isinstance(verify(text, key.verifying_key, algorithms=key.algorithms), dict)
    with suppress(JoseError):
        assert repr(parse_token(text, ALGORITHMS).claims())
    with suppress(ConfigurationError):
        assert load_private_key(data).algorithms
    value = read(data)
    if isinstance(value, dict):
        with suppress(JoseError):
            assert load_public_jwk(value).algorithms
        with suppress(JoseError):
            assert len(thumbprint(value)) == 43
        with suppress(ConfigurationError):
            assert load_private_key(value).algorithms


def decoding(data: bytes) -> None:
    """Read `data` as the body and the headers of an answer, as events, as a time and as stored state."""
    text = data.decode("latin-1")
    named = {"content-type": text[:20], "retry-after": text[:30], "x-ratelimit-limit": text[:30]}
    named["auth0-client-quota-limit"] = text
    for model in MODELS:
        for lenient in (True, False):
            shape = Shape(endpoint="GET /x", items="users", lenient=lenient)
            try:
                value, anomalies = decode(model, Response(status=200, body=data), shape)
            except DecodingError:
                assert not lenient
            else:
                assert repr(value) + repr(anomalies)
    for family in (ManagementApiError, AuthenticationApiError):
        for status in CODES:
            error = api_error(family, Response(status=status, headers=named, body=data), call="GET /x")
            assert len(str(error)) <= 300
            assert repr(error.body()) + repr(error.rate_limit) + repr(getattr(error, "retry_after", None))
    assert RateLimit.from_headers(named).limit is None or named["x-ratelimit-limit"].strip().isdigit()
    assert Parser().feed(data + b"\n\n") == events(data + b"\n\n")
    with suppress(InvalidArgumentError):
        parse_timestamp(text)
    with suppress(InvalidArgumentError):
        AuthorizationRequest.from_bytes(data)
    assert redacted(text) is not None
    assert shown(read(data))


def events(data: bytes) -> list[Any]:
    """Return the events of `data` that comes byte by byte."""
    parser = Parser()
    return [message for place in range(len(data)) for message in parser.feed(data[place : place + 1])]


def read(data: bytes) -> object:
    """Return `data` as a careless reader of JSON has it: with halves of surrogate pairs, NaN and the like."""
    import json

    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


TARGETS: dict[str, Callable[[bytes], None]] = {"jose": jose, "decoding": decoding}
CORPUS: dict[str, list[bytes]] = {
    "jose": [
        *(key.sign({"iss": "i", "exp": 1e9}, algorithm=min(key.algorithms)).encode() for key in KEYS),
        *(key.to_pem() for key in KEYS[:2]),
        *(msgspec.json.encode(public_jwk(key, kid="k", alg=min(key.algorithms))) for key in KEYS[:2]),
        b'{"kty": "RSA", "n": "' + b"_" * 342 + b'", "e": "AQAB", "key_ops": ["verify"], "d": "AA"}',
    ],
    "decoding": [
        b'{"user_id": "auth0|1", "email_verified": true, "identities": [{"isSocial": false}]}',
        b'{"users": [{"created_at": "2026-01-02T03:04:05.678Z"}, 5], "total": 2, "start": 0, "limit": 50}',
        b'{"access_token": "at", "expires_in": 86400, "token_type": "Bearer", "authorization_details": [{}]}',
        b'{"code": "x", "description": {"rules": [{"message": "At least %d", "format": [8]}]}}',
        b'{"error": "mfa_required", "mfa_token": "t", "mfa_requirements": {"challenge": [{"type": "otp"}]}}',
        b"id: 7\nevent: e\nretry: 10\r\ndata: {}\rdata\n: x\n\n",
        b"b=per_hour;q=100;r=99;t=1,b=per_day;q=300;r=299;t=2",
        b"2026-11-24T09:30:00.000Z",
        b'Bearer a1.b ?code=x eyJ.a.b "token": "x" -----BEGIN PRIVATE KEY-----',
    ],
}  # fmt: skip
PIECES = (
    b"\\ud800", b"NaN", b"1e999", b"9" * 400, b"-", b"null", b"[" * 50, b"{}", b'"', b"\\", b"\0", b"\xff",
    b".", b"=", b"\r\n", b"\xef\xbb\xbf", b'"a":', b",", b"-----BEGIN", b"eyJ", b"true", b"0", b" " * 20,
)  # fmt: skip


VALUES = (
    b'"\\ud800"', b"NaN", b"-1", b"1e999", b"9" * 400, b"null", b"[]", b"{}", b'""', b'{"a": [null]}',
    b"true", b'"%s%d"', b"1.5", b'"\\u0000"', b'["\\udfff"]',
)  # fmt: skip
VALUE = re.compile(rb'"[^"]*"|[0-9.]+|true|false|\[\]|\{\}')


def changed(random: Random, corpus: list[bytes]) -> bytes:
    """Return a copy of something valid with a value replaced, or bytes cut out, doubled or put in."""
    data = random.choice(corpus)
    found = list(VALUE.finditer(data))
    if found and random.random() < 0.5:
        start, end = random.choice(found).span()
        return data[:start] + random.choice(VALUES) + data[end:]
    for _ in range(random.randint(1, 5)):
        start, end = sorted(random.choices(range(len(data) + 1), k=2))
        end = min(end, start + random.choice([1, 4, 4096]))
        other = random.choice(corpus)
        middle = random.choice(
            [b"", random.randbytes(1), data[start:end] * 2, random.choice(PIECES), other[start:end]]
        )
        data = (data[:start] + middle + data[end:])[:4096]
    return data


def run(target: str, *, runs: int, seed: int) -> int:
    """Give so many inputs to a target; return how many there were. What it raises says which one it was."""
    random = Random(f"{target} {seed}")
    for number in range(runs):
        data = changed(random, CORPUS[target])
        try:
            TARGETS[target](data)
        except BaseException as error:
            error.add_note(f"fuzz target {target}, seed {seed}, input {number}: {data!r}")
            raise
    return runs


def main() -> None:
    """Run one target, or both, as the command line says."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=20_000)
    options.add_argument("--target", choices=sorted(TARGETS))
    options.add_argument("--seed", type=int, default=1)
    given, rest = options.parse_known_args()
    try:
        import atheris  # type: ignore[import-not-found]
    except ImportError:
        for target in [given.target] if given.target else TARGETS:
            print(f"{target}: {run(target, runs=given.runs, seed=given.seed)} inputs, no failure")
        return
    atheris.Setup([sys.argv[0], f"-runs={given.runs}", *rest], TARGETS[given.target or "jose"])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
