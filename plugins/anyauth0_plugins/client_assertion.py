"""Client authentication by a signed assertion, `private_key_jwt` (OpenID Connect Core, section 9)."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from inspect import iscoroutine, iscoroutinefunction
from typing import Any, TypeAlias

import msgspec

from anyauth0 import Authenticated, ClientAuthentication, ClientOptions, ConfigurationError, Flow, hookimpl
from anyauth0.flow import perform

__all__ = ["ASSERTION_TYPE", "AssertionKey", "AssertionKeys", "ClientAssertion", "private_key", "remote_key"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME = 60

Sign: TypeAlias = Callable[[bytes], bytes] | Callable[[bytes], Awaitable[bytes]]
"""Returns the signature of what it is given, at once or as a coroutine."""


class AssertionKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs assertions, here or elsewhere. Made by `private_key` or `remote_key`."""

    key_id: str | None
    algorithm: str
    sign: Sign
    remote: bool

    @property
    def asynchronous(self) -> bool:
        """Whether `sign` is an async function."""
        return iscoroutinefunction(self.sign) or iscoroutinefunction(getattr(self.sign, "__call__", None))  # noqa: B004

    def __reduce__(self) -> Any:
        if self.remote:
            return super().__reduce__()
        # A private key does not slip into a pickle.
        raise TypeError(
            "an AssertionKey that holds its key cannot be pickled: give away the PEM, as the option "
            '"client_assertion_signing_key" or for private_key(...)'
        )

    def __repr__(self) -> str:
        return f"<AssertionKey {self.key_id} for {self.algorithm}>"


def private_key(
    source: str | bytes | Mapping[str, Any],
    *,
    key_id: str | None = None,
    algorithm: str = "RS256",
    password: str | bytes | None = None,
) -> AssertionKey:
    """Return a key that is held in this process: PEM (encrypted with `password`, if need be) or JWK.

    Raises `ConfigurationError` when it cannot be read or does not fit `algorithm`.
    """
    from anyauth0.jose import load_private_key

    key = load_private_key(source, password=password, algorithm=algorithm)
    sign = partial(key.sign_bytes, algorithm=algorithm)
    return AssertionKey(key_id=key_id, algorithm=algorithm, sign=sign, remote=False)


def remote_key(sign: Sign, *, key_id: str, algorithm: str) -> AssertionKey:
    """Return a key that is held elsewhere, in a KMS or an HSM.

    `sign` is given the bytes to sign, not their hash, and returns the signature; it may be an async function
    for an asyncio client. An ECDSA signature may be in DER too. What `sign` raises comes out of the call.
    Raises `ConfigurationError` for an algorithm that does not exist.
    """
    from anyauth0.jose import ALGORITHMS

    names = [name for name in ALGORITHMS if not name.startswith("HS")]
    if algorithm not in names:
        raise ConfigurationError("algorithm", f'"algorithm" must be one of {", ".join(names)}')
    return AssertionKey(key_id=key_id, algorithm=algorithm, sign=sign, remote=True)


class AssertionKeys:
    """A plugin for several keys, of which one signs at a time: `plugins=[AssertionKeys([...])]`.

    To replace a key, give the new one beside the old, register it at the tenant, then `activate` it.
    """

    __slots__ = ("__weakref__", "_active", "_keys")

    def __init__(self, keys: Iterable[AssertionKey], *, active: str | None = None) -> None:
        """Take keys with different ids; the first signs unless `active` names another.

        Raises `ConfigurationError`.
        """
        given = tuple(keys)
        self._keys = {key.key_id: key for key in given if key.key_id}
        if not given or len(self._keys) < len(given):
            raise ConfigurationError(
                "keys", '"keys" must hold at least one key, each with a "key_id" of its own'
            )
        self._active = given[0]
        if active is not None:
            self.activate(active)

    @property
    def active(self) -> AssertionKey:
        """The key that signs."""
        return self._active

    def activate(self, key_id: str) -> None:
        """Sign by this key from now on, in all clients that have this plugin. Raises `ConfigurationError`."""
        if key_id not in self._keys:
            names = ", ".join(map(str, self._keys))
            raise ConfigurationError("active", f'"active" must be the "key_id" of one of the keys: {names}')
        self._active = self._keys[key_id]

    def __repr__(self) -> str:
        return f"<AssertionKeys {', '.join(map(str, self._keys))}; {self._active.key_id} signs>"

    @hookimpl
    def anyauth0_client_authentication(self, options: ClientOptions) -> ClientAuthentication:
        """Offer `private_key_jwt` with the key that is active when a request is sent.

        Raises `ConfigurationError` where the options name another proof, or the client cannot await a key.
        """
        for name in ("client_assertion_signing_key", "use_mtls"):
            if getattr(options, name):
                message = f'option "{name}" and the plugin AssertionKeys exclude each other; leave one out'
                raise ConfigurationError(name, message)
        if not options.asynchronous and any(key.asynchronous for key in self._keys.values()):
            raise ConfigurationError(
                "sign", 'the "sign" of a key is an async function, which a blocking client cannot await'
            )
        return _assertion(options, lambda: self._active)


class ClientAssertion:
    """Signs a new assertion for every request: each is good for one minute, and for one use."""

    def __init__(self, key: Callable[[], AssertionKey], *, audience: str, clock: Callable[[], float]) -> None:
        self._key = key
        self._audience = audience
        self._clock = clock

    def apply(self, form: Mapping[str, object]) -> Authenticated | Flow[Authenticated]:
        """Return `form` with a new assertion; as a flow, where the key is elsewhere."""
        key = self._key()
        to_sign = self._to_sign(key, form["client_id"])
        given = Authenticated(form=form)
        if key.remote:
            return _signed_elsewhere(key, to_sign, given)
        return _with_signature(key, to_sign, key.sign(to_sign), given)

    def address(self, url: str) -> str:
        """Return `url` itself."""
        return url

    def _to_sign(self, key: AssertionKey, client_id: object) -> bytes:
        from anyauth0.jose import base64url_encode

        now = int(self._clock())
        header = {"alg": key.algorithm, "typ": "JWT", "kid": key.key_id}
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": self._audience,
            "iat": now,
            "exp": now + _LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        if not key.key_id:
            del header["kid"]
        return ".".join(base64url_encode(msgspec.json.encode(part)) for part in (header, claims)).encode()


def _signed_elsewhere(key: AssertionKey, to_sign: bytes, given: Authenticated) -> Flow[Authenticated]:
    sign: Any = partial(key.sign, to_sign)
    signature: object = yield from perform(None, sign) if key.asynchronous else perform(sign)
    if iscoroutine(signature):
        signature.close()
    return _with_signature(key, to_sign, signature, given)


def _with_signature(
    key: AssertionKey, to_sign: bytes, signature: object, given: Authenticated
) -> Authenticated:
    from anyauth0.jose import base64url_encode

    if not isinstance(signature, bytes) or not signature:
        kind = type(signature).__name__
        raise ConfigurationError(
            "sign", f'the "sign" of a key must return the signature as bytes, not {kind}'
        )
    assertion = f"{to_sign.decode()}.{base64url_encode(_plain(key.algorithm, signature))}"
    form = {**given.form, "client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    return msgspec.structs.replace(given, form=form)


def _plain(algorithm: str, signature: bytes) -> bytes:
    """Return an ECDSA signature as its two numbers (RFC 7518, section 3.4); most KMS write it in DER."""
    size = {"ES256": 32, "ES384": 48}.get(algorithm)
    if size is None or len(signature) == 2 * size:
        return signature
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    try:
        return b"".join(number.to_bytes(size, "big") for number in decode_dss_signature(signature))
    except (ValueError, OverflowError):
        # The error would show the signature among its locals, and says no more than this.
        pass
    raise ConfigurationError("sign", f'the "sign" of a key returned no signature of {algorithm}')


def _assertion(options: ClientOptions, key: Callable[[], AssertionKey]) -> ClientAssertion:
    # The tenant itself, also where the request goes to its mTLS host.
    return ClientAssertion(key, audience=f"https://{options.domain}/", clock=options.clock)


@hookimpl
def anyauth0_client_authentication(options: ClientOptions) -> ClientAuthentication | None:
    """Offer `private_key_jwt` to a client that has a signing key.

    Raises `ConfigurationError` when the key cannot be read or does not fit the algorithm.
    """
    if not options.client_assertion_signing_key:
        return None
    # Every client loads this module; only one that has a key needs what signs.
    key = private_key(
        options.client_assertion_signing_key,
        key_id=options.client_assertion_signing_key_id,
        algorithm=options.client_assertion_signing_alg,
        password=options.client_assertion_signing_key_password,
    )
    return _assertion(options, lambda: key)
