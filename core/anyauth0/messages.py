"""The values that travel: what is sent, what came back, and what a call returns.

`Request` and `Response` are all that a transport ever sees. `ApiResponse` is what every call of a client
returns. Nothing here performs I/O.
"""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from ._json import read
from .rate_limits import RateLimit
from .redaction import Model

T = TypeVar("T")

__all__ = ["Anomaly", "ApiResponse", "Event", "Request", "Response"]


class Request(Model, frozen=True, kw_only=True):
    """One HTTP request, ready to be sent.

    `url` is absolute and already encoded. `headers` has lower-case names. `timeout` is in seconds, for this
    one attempt, connecting and reading included; `None` waits for ever. A transport sends it as it is:
    no redirect is followed, nothing is retried, nothing is added but what HTTP itself needs.

    `endpoint` is method and path template (`GET /users/{id}`), for logs and errors: it holds no value of the
    caller's. `idempotent` says whether the request may be sent again after the server may have acted.

    To change one, make another: `msgspec.structs.replace(request, timeout=5)` or `request.with_headers(...)`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    timeout: float | None = None
    endpoint: str = ""
    idempotent: bool = False

    def with_headers(self, headers: Mapping[str, str]) -> "Request":
        """Return a copy with these headers added; names are lower-cased, one already there is replaced."""
        merged = dict(self.headers)
        for name, value in headers.items():
            merged[name.lower()] = value
        return msgspec.structs.replace(self, headers=merged)

    def __repr__(self) -> str:
        size = 0 if self.body is None else len(self.body)
        return f"<Request {self.method} {self.url.partition('?')[0]} ({size} bytes)>"


class Response(Model, frozen=True, kw_only=True):
    """One HTTP answer, read to its end and decompressed.

    `headers` has lower-case names; a header that came more than once is joined by `", "`.
    """

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""

    def __repr__(self) -> str:
        return f"<Response {self.status} ({len(self.body)} bytes)>"


class Anomaly(msgspec.Struct, frozen=True, kw_only=True):
    """One place of an answer that did not fit its model and was kept as it came.

    `endpoint` is method and path template, `path` the JSON path of the value (`$.users[3].created_at`),
    `expected` the type of the model, `found` the kind of JSON value. The value itself is never in here.
    """

    endpoint: str
    path: str
    expected: str
    found: str


Decode = Callable[[Response], tuple[T, tuple[Anomaly, ...]]]


class ApiResponse(Generic[T]):
    """What a call returns: the model in `data`, and everything else that the server said.

    - `data`: the model, decoded when first asked for
    - `status`: the HTTP status, always 2xx
    - `headers`: the response headers, names in lower case
    - `rate_limit`: the `RateLimit` read from the headers
    - `json()`: the body as it came, unknown fields included
    - `anomalies`: the places where the body did not fit the model
    """

    __slots__ = ("_decode", "_decoded", "response")

    def __init__(self, response: Response, decode: Decode[T]) -> None:
        self.response = response
        self._decode = decode
        self._decoded: tuple[T, tuple[Anomaly, ...]] | None = None

    def _result(self) -> tuple[T, tuple[Anomaly, ...]]:
        if self._decoded is None:
            self._decoded = self._decode(self.response)
        return self._decoded

    @property
    def data(self) -> T:
        """The decoded model."""
        return self._result()[0]

    @property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """The places where the body did not fit the model; empty for nearly every answer."""
        return self._result()[1]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The response headers, names in lower case."""
        return self.response.headers

    @property
    def rate_limit(self) -> RateLimit:
        """The request budget as the server described it."""
        return RateLimit.from_headers(self.response.headers)

    def json(self) -> Any:
        """Return the body as plain data, exactly as it came; `None` for an empty body.

        Raises `ValueError` when the body is not JSON.
        """
        return read(self.response.body) if self.response.body else None

    def __repr__(self) -> str:
        return f"<ApiResponse {self.status} ({len(self.response.body)} bytes)>"


class Event(Model, frozen=True, kw_only=True):
    """Something that happened in the tenant.

    - `type`: `"user.created"`, `"organization.member.added"`, ...
    - `offset`: where to go on after this event: `subscribe(from_=event.offset)`
    - `event`: the event as it came (CloudEvents 1.0): `id`, `time`, `source` and, as `data`, what it is about
    """

    type: str = ""
    offset: str | None = None
    event: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
