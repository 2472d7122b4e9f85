"""Everything a client can be configured with, checked once, when the client is built."""

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict, cast

import msgspec

from .arguments import closest
from .dpop import DPoPKey
from .errors import ConfigurationError
from .messages import Request, Response
from .redaction import Model, Secret
from .transport import TLS, AsyncTransport, Transport

__all__ = ["ClientOptions", "Options", "RetryPolicy", "ViewOptions", "from_environment"]

PrivateKey = str | bytes | Mapping[str, Any]
TransportOption = (
    str
    | Transport
    | AsyncTransport
    | Callable[[Request], Response]
    | Callable[[Request], Awaitable[Response]]
)
Priority = Literal["interactive", "batch"]
TokenOption = str | Callable[[], str] | Callable[[], Awaitable[str]]


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When and how often a call is tried again.

    - `retries`: how often at most, after the first attempt
    - `first_delay`, `max_delay`: seconds; the n-th delay is drawn between 0 and `first_delay * 2**n`, at most
      `max_delay`, unless the server names one

    429, 502, 503, 504 and failures before the request was sent are tried again for every method; 500, 408 and
    failures after sending only for idempotent ones; 409 never.
    """

    retries: int = 3
    first_delay: float = 0.25
    max_delay: float = 10.0


class ViewOptions(TypedDict, total=False):
    """The options that `with_options` may change for a view of a client."""

    headers: Mapping[str, str]
    """Added to every request."""
    timeout: float | None
    """Seconds for one attempt; 10 by default, `None` for no limit."""
    deadline: float | None
    """Seconds for a whole call with its retries; no limit by default."""
    retry: "RetryPolicy | bool"
    """`False` for none, or a `RetryPolicy`."""
    telemetry: bool
    """Whether to name this library in the `Auth0-Client` header; on by default."""
    custom_domain: str | None
    """The custom domain for links in e-mails and tickets (`Auth0-Custom-Domain`), where the API takes it."""
    extra_body: Mapping[str, Any]
    """Fields added to the body of every call that has one: for what is newer than this release."""
    strict: bool
    """Whether an answer that does not fit its model is an error; off by default."""
    read_ahead: bool
    """Asyncio: whether an iterator asks for the next page while you use this one; off by default."""
    priority: Priority
    """`"batch"` for calls that a rate limiter lets wait for `"interactive"` ones, which is the default."""
    dpop: DPoPKey
    """The key that tokens are bound to (RFC 9449): `DPoPKey.generate()`; keep it with the refresh tokens."""
    correlation_id: "str | Callable[[], str] | None"
    """Sent as `X-Correlation-ID`, to find a call in the logs; a function gives one for each call."""


class Options(ViewOptions, total=False):
    """The keyword arguments of a client."""

    domain: str
    """The tenant's domain or custom domain: `tenant.eu.auth0.com`."""
    client_id: str
    """The id of the application."""
    client_secret: str
    """Its secret; sent in the body, or by HTTP Basic with `plugins=["client_secret_basic"]`."""
    client_assertion_signing_key: PrivateKey
    """Its private key, as PEM or JWK, for `private_key_jwt`."""
    client_assertion_signing_key_id: str
    """The `kid` of that key."""
    client_assertion_signing_key_password: str
    """The password of an encrypted PEM key."""
    client_assertion_signing_alg: str
    """RS256 by default; RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA."""
    use_mtls: bool
    """Whether the application authenticates by its TLS certificate (RFC 8705), given in `tls`."""
    mtls_endpoint_aliases: Mapping[str, str]
    """The member of that name of the tenant's discovery document, where it is not `mtls.{domain}`."""
    id_token_signing_alg: str
    """The algorithm of ID tokens: RS256 by default."""
    clock_tolerance: float
    """Seconds that the clocks may differ when a token is checked; 60 by default."""
    token: TokenOption
    """Management API: the access token, or a function that returns it."""
    audience: str
    """Management API: the audience of the token; `https://{domain}/api/v2/` by default."""
    token_store: Any
    """Where access tokens of the client itself are kept; in memory by default."""
    tls: TLS | None
    """Certificate authorities and client certificate of a built-in transport."""
    proxy: str | bool | None
    """URL of a proxy, `False` for none; by default what the environment says."""
    max_response_bytes: int | None
    """The longest body that a built-in transport accepts, decompressed; 64 MiB by default."""
    transport: TransportOption
    """A name, a transport, or a function `Request -> Response`."""
    plugins: Sequence[object]
    """Names, modules and objects."""
    clock: Callable[[], float]
    """Returns epoch seconds; for tests."""
    random: Callable[[], float]
    """Returns a number from 0 to 1; for tests."""


def _random() -> float:
    from random import random

    return random()  # noqa: S311 - it spreads attempts over time


class ClientOptions(Model, frozen=True, kw_only=True, gc=True):
    """The options of one client, checked. Plugins read them; `asynchronous` tells the kind of the client."""

    domain: str
    asynchronous: bool
    client_id: str | None = None
    client_secret: str | None = None
    client_assertion_signing_key: PrivateKey | None = None
    client_assertion_signing_key_id: str | None = None
    client_assertion_signing_key_password: str | None = None
    client_assertion_signing_alg: str = "RS256"
    use_mtls: bool = False
    mtls_endpoint_aliases: Mapping[str, str] = {}
    id_token_signing_alg: str = "RS256"
    dpop: DPoPKey | None = None
    clock_tolerance: float = 60.0
    token: TokenOption | None = None
    audience: str | None = None
    token_store: Any = None
    tls: TLS | None = None
    proxy: str | bool | None = None
    max_response_bytes: int | None = 64 * 1024 * 1024
    transport: TransportOption | None = None
    plugins: tuple[object, ...] = ()
    headers: Mapping[str, str] = {}
    timeout: float | None = 10.0
    deadline: float | None = None
    retry: RetryPolicy | bool = RetryPolicy()
    telemetry: bool = True
    custom_domain: str | None = None
    extra_body: Mapping[str, Any] = {}
    strict: bool = False
    read_ahead: bool = False
    priority: Priority = "interactive"
    correlation_id: str | Callable[[], str] | None = None
    clock: Callable[[], float] = time.time
    """Epoch seconds; for tests."""
    random: Callable[[], float] = _random
    """A number from 0 to 1; for tests."""

    def __repr__(self) -> str:
        return f"<ClientOptions of {self.domain}>"


def check(given: Mapping[str, object], *, asynchronous: bool, owner: str) -> ClientOptions:
    """Return `given` as `ClientOptions`.

    Raises `ConfigurationError` naming the option that is unknown, missing or of a wrong kind. `owner` is the
    name of the client's class.
    """
    fields = frozenset(ClientOptions.__struct_fields__) - {"asynchronous"}
    for name, value in given.items():
        if name not in fields:
            near = closest(name, fields)
            mend = f'did you mean "{near}"?' if near else "anyauth0.Options lists them all"
            raise ConfigurationError(name, f'{owner} has no option "{name}": {mend}')
        allowed, mend = _KINDS.get(name, (None, ""))
        if allowed is not None and not allowed(value):
            raise ConfigurationError(name, f'option "{name}" of {owner} must be {mend}')
    if given.get("domain") is None:
        raise ConfigurationError(
            "domain",
            f'{owner} needs option "domain", for example "tenant.eu.auth0.com"; from_env reads AUTH0_DOMAIN',
        )
    values: dict[str, Any] = {
        name: value for name, value in given.items() if value is not None or name in _NONE
    }
    values["domain"] = check_domain("domain", cast("str", given["domain"]))
    if values.get("custom_domain"):
        values["custom_domain"] = check_domain("custom_domain", values["custom_domain"])
    if isinstance(values.get("retry"), bool):
        values["retry"] = RetryPolicy() if values["retry"] else False
    if values.get("dpop") and values.get("use_mtls"):
        raise ConfigurationError(
            "dpop", 'options "dpop" and "use_mtls" exclude each other: a token has one bond'
        )
    values["plugins"] = tuple(values.get("plugins", ()))
    for name in _HIDDEN:
        if isinstance(values.get(name), str):
            values[name] = Secret(values[name])
    return ClientOptions(asynchronous=asynchronous, **values)


def check_view(options: ClientOptions, changes: Mapping[str, object], *, owner: str) -> ClientOptions:
    """Return `options` with `changes`, headers and `extra_body` merged.

    Raises `ConfigurationError` for an option that belongs to the whole client.
    """
    allowed = frozenset(ViewOptions.__annotations__)
    for name in changes:
        if name not in allowed:
            near = closest(name, allowed)
            mend = f'did you mean "{near}"?' if near else f"it may change {', '.join(sorted(allowed))}"
            raise ConfigurationError(name, f'with_options of {owner} cannot change "{name}": {mend}')
    values = msgspec.structs.asdict(options)
    asynchronous = values.pop("asynchronous")
    merged = {
        name: {**values[name], **cast("Mapping[str, Any]", changes[name])}
        for name in ("headers", "extra_body")
        if isinstance(changes.get(name), Mapping)
    }
    return check({**values, **changes, **merged}, asynchronous=asynchronous, owner=owner)


_IN_A_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


def check_domain(option: str, domain: str) -> str:
    """Return the domain in lower case.

    Raises `ConfigurationError` when it is anything but a bare host name, with a port if need be.
    """
    bare = domain.lower()
    # Some letters beyond ASCII become ASCII when they are lowered.
    if not domain.isascii() or not _is_host(bare):
        found = [
            word
            for word, seen in (
                ("a scheme", "://" in bare),
                ("a path", "/" in bare.partition("://")[2] or ("/" in bare and "://" not in bare)),
                ("blanks", any(character.isspace() for character in bare)),
            )
            if seen
        ]
        has = f"; leave out {' and '.join(found)}" if found else ""
        raise ConfigurationError(
            option, f'option "{option}" must be a bare host name such as "tenant.eu.auth0.com"{has}'
        )
    return bare


def _is_host(text: str) -> bool:
    host, colon, port = text.partition(":")
    labels = host.split(".")
    return (
        len(host) <= 253
        and all(0 < len(each) <= 63 and each.strip("-") == each for each in labels)
        and _IN_A_LABEL.issuperset("".join(labels))
        and (not colon or (port.isdecimal() and len(port) <= 5 and int(port) <= 65535))
    )


def from_environment(given: Mapping[str, object]) -> dict[str, object]:
    """Return `given` completed by the `AUTH0_...` variables of the environment."""
    found: dict[str, object] = {}
    for name in _ENVIRONMENT:
        value = os.environ.get(f"AUTH0_{name.upper()}")
        if value:
            found[name] = value
    return {**found, **given}


_ENVIRONMENT = (
    "domain", "client_id", "client_secret", "client_assertion_signing_key", "client_assertion_signing_alg",
    "token", "audience", "custom_domain",
)  # fmt: skip

_NONE = frozenset({"timeout", "deadline", "max_response_bytes"})
"""The options for which `None` is a value of its own."""

_HIDDEN = (
    "client_secret", "client_assertion_signing_key", "client_assertion_signing_key_password", "token",
)  # fmt: skip

Kind = tuple[Callable[[Any], bool], str]


def _is(*kinds: type, blank: bool = False) -> Callable[[Any], bool]:
    def allowed(value: Any) -> bool:
        if isinstance(value, str | bytes) and not blank and not value.strip():
            return False
        return value is None or isinstance(value, kinds)

    return allowed


def _number(least: float, *, above: bool = False) -> Callable[[Any], bool]:
    def allowed(value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return value is None
        return least < value < 1e9 if above else least <= value < 1e9

    return allowed


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _names_and_texts(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    pairs = cast("Mapping[object, object]", value).items()
    return all(isinstance(name, str) and name and isinstance(text, str) for name, text in pairs)


def _retry(value: Any) -> bool:
    if not isinstance(value, RetryPolicy):
        return value is None or isinstance(value, bool)
    # A struct takes whatever it is given.
    numbers: tuple[Any, ...] = (value.retries, value.first_delay, value.max_delay)
    return isinstance(numbers[0], int) and None not in numbers and all(map(_number(0), numbers))


def _token(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip()) and not value.lower().startswith("bearer ")
    return value is None or callable(value)


def _store(value: Any) -> bool:
    return value is None or all(callable(getattr(value, name, None)) for name in ("load", "save", "remove"))


_TEXT: Kind = (_is(str), "a string that is not blank")
_FLAG: Kind = (lambda value: isinstance(value, bool), "True or False")
_KINDS: dict[str, Kind] = {
    "domain": _TEXT,
    "client_id": _TEXT,
    "client_secret": _TEXT,
    "client_assertion_signing_key": (_is(str, bytes, Mapping), "a private key as PEM or JWK"),
    "client_assertion_signing_key_id": _TEXT,
    "dpop": (_is(DPoPKey), "a DPoPKey: DPoPKey.generate(), or DPoPKey.from_pem(...)"),
    "client_assertion_signing_key_password": _TEXT,
    "client_assertion_signing_alg": _TEXT,
    "id_token_signing_alg": _TEXT,
    "use_mtls": _FLAG,
    "mtls_endpoint_aliases": (_names_and_texts, "a mapping of endpoint names to URLs"),
    "clock_tolerance": (_number(0), "a number of seconds from 0 up"),
    "token": (_token, 'a token without "Bearer" before it, or a function'),
    "token_store": (_store, "a store that loads, saves and removes tokens, such as FileTokenStore(...)"),
    "audience": _TEXT,
    "tls": (_is(TLS), "a TLS(...) value"),
    "proxy": (_is(str, bool), "a URL, or False for none"),
    "max_response_bytes": (lambda value: value is None or _whole(value), "a whole number above 0"),
    "transport": (
        lambda value: (
            not isinstance(value, type)
            and (value is None or callable(value) or hasattr(value, "send") or _is(str)(value))
        ),
        "a name, an object (no class) with send and close, or a function Request -> Response",
    ),
    "plugins": (
        lambda value: isinstance(value, Sequence) and not isinstance(value, str | bytes),
        "a list of names, modules or objects",
    ),
    "headers": (_names_and_texts, "a mapping of names to strings"),
    "timeout": (_number(0, above=True), "a number of seconds above 0, or None"),
    "deadline": (_number(0, above=True), "a number of seconds above 0, or None"),
    "retry": (_retry, "True, False or a RetryPolicy(...) of numbers from 0 up"),
    "telemetry": _FLAG,
    "custom_domain": _TEXT,
    "extra_body": (_is(Mapping), "a mapping of field names to values"),
    "strict": _FLAG,
    "read_ahead": _FLAG,
    "priority": (lambda value: value in ("interactive", "batch"), '"interactive" or "batch"'),
    "correlation_id": (lambda value: callable(value) or _is(str)(value), "a string, or a function"),
}  # fmt: skip
