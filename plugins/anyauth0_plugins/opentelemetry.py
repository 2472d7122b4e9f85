"""Spans and metrics by OpenTelemetry: a span a call, a span an attempt, and no secret in any of them.

The span of an attempt and its duration follow the stable HTTP semantic conventions for clients. No query,
value of a path, header, body or message of an error is in a span or a metric; of an exception, its type is.
"""

import re
from time import monotonic
from types import TracebackType
from typing import TypeAlias, cast

from opentelemetry import context as contexts
from opentelemetry.metrics import Meter, MeterProvider, get_meter
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    TracerProvider,
    get_tracer,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from anyauth0 import (
    ClientOptions,
    ConfigurationError,
    Flow,
    Handler,
    Middleware,
    RateLimit,
    Request,
    Response,
    __version__,
    hookimpl,
)

__all__ = ["OpenTelemetry", "default"]

_Attributes: TypeAlias = dict[str, str | int]

_ATTEMPTS = contexts.create_key("anyauth0-attempts")
"""The key of the `_Attempts` of the call that goes on."""

# Of a path only this beginning is no part of the template of the endpoint.
_URL = re.compile(r"(https?)://(?:[^/?#]*@)?(\[[^/?#]*\]|[^/?#:]*)(?::([0-9]{1,5}))?(?:(/api/v2)/)?")
_PORTS = {"http": 80, "https": 443}
_W3C = TraceContextTextMapPropagator()

# Those that the conventions advise.
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class OpenTelemetry:
    """The plugin `opentelemetry`, with providers of your own in place of the global ones.

    With `propagate=True` each request carries `traceparent` and `tracestate`. That is off by default: Auth0
    is a third party, which need not learn the ids of your traces. Baggage is never sent.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        propagate: bool = False,
    ) -> None:
        for name, given, kind in (
            ("tracer_provider", tracer_provider, TracerProvider),
            ("meter_provider", meter_provider, MeterProvider),
        ):
            if given is not None and not isinstance(cast("object", given), kind):
                raise ConfigurationError(name, f'"{name}" of OpenTelemetry must be a {kind.__name__}')
        self._tracer_provider = tracer_provider
        self._meter_provider = meter_provider
        self._propagate = propagate

    # First wherever it is listed: around all of a call, and within all that waits before an attempt.
    @hookimpl(tryfirst=True)
    def anyauth0_middleware(self, options: ClientOptions) -> list[Middleware]:
        """Put a span around each call."""
        kind = "asyncio" if options.asynchronous else "blocking"
        return [_Call(get_tracer("anyauth0", __version__, self._tracer_provider), kind)]

    @hookimpl(tryfirst=True)
    def anyauth0_attempt_middleware(self, options: ClientOptions) -> list[Middleware]:
        """Put a span around each attempt, and measure it."""
        tracer = get_tracer("anyauth0", __version__, self._tracer_provider)
        meter = get_meter("anyauth0", __version__, self._meter_provider)
        return [_Attempt(tracer, meter, propagate=self._propagate)]


default = OpenTelemetry()
"""The plugin `opentelemetry`."""


class _Attempts:
    """How many attempts a call has made."""

    made = 0


class _Current:
    """A span that is the current one until it ends, as it does whatever happens."""

    def __init__(self, span: Span, context: contexts.Context | None = None) -> None:
        self.span = span
        self.error: str | None = None
        self._before = contexts.get_current()
        self._inside = set_span_in_context(span, context)

    def __enter__(self) -> "_Current":
        # The span before is restored by attaching it again, so the token is of no use.
        contexts.attach(self._inside)
        return self

    def answered(self, status: int) -> None:
        """Take note of the status, which from 400 on is an error of a client."""
        if status >= 400:
            self.error = str(status)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.error = "cancelled" if issubclass(kind, GeneratorExit) else kind.__qualname__
        # A flow that was left behind is closed in any context: there, what is current is not ours to change,
        # and `detach` would complain.
        if contexts.get_current() is self._inside:
            contexts.attach(self._before)
        if self.error is not None:
            self.span.set_attribute("error.type", self.error)
            self.span.set_status(StatusCode.ERROR)
        self.span.end()


class _Call:
    def __init__(self, tracer: Tracer, kind: str) -> None:
        self._tracer = tracer
        self._kind = kind

    def __call__(self, request: Request, inner: Handler) -> Flow[Response]:
        name = request.endpoint.partition("?")[0] or request.method
        attributes = {"anyauth0.endpoint": name, "anyauth0.client.kind": self._kind}
        span = self._tracer.start_span(name, attributes=attributes)
        with _Current(span, contexts.set_value(_ATTEMPTS, _Attempts())) as current:
            response = yield from inner(request)
            current.answered(response.status)
        return response


class _Attempt:
    def __init__(self, tracer: Tracer, meter: Meter, *, propagate: bool) -> None:
        self._tracer = tracer
        self._propagate = propagate
        self._duration = meter.create_histogram(
            "http.client.request.duration", "s", "Duration of an attempt.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )  # fmt: skip
        self._retries = meter.create_counter(
            "anyauth0.client.retries", "{retry}", "Attempts of a call after its first one."
        )
        self._remaining = meter.create_gauge(
            "anyauth0.client.rate_limit.remaining", "{request}", "What the last answer said is left."
        )

    def __call__(self, request: Request, inner: Handler) -> Flow[Response]:
        target, url = _target(request)
        attributes, outcome = {**target, "url.full": url}, target.copy()
        resent = _resent()
        if resent:
            attributes["http.request.resend_count"] = resent
            self._retries.add(1, target)
        name = f"{request.method} {target.get('url.template', '')}".rstrip()
        span = self._tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)
        current, start = _Current(span), monotonic()
        try:
            with current:
                response = yield from inner(_traced(request) if self._propagate else request)
                span.set_attribute("http.response.status_code", response.status)
                outcome["http.response.status_code"] = response.status
                current.answered(response.status)
        finally:
            if current.error is not None:
                outcome["error.type"] = current.error
            self._duration.record(monotonic() - start, outcome)
        remaining = RateLimit.from_headers(response.headers).remaining
        if remaining is not None:
            self._remaining.set(remaining, target)
        return response


def _target(request: Request) -> tuple[_Attributes, str]:
    """Return what tells the target of a request, and its URL without anything that the caller said."""
    attributes: _Attributes = {"http.request.method": request.method}
    template = request.endpoint.partition(" ")[2].partition("?")[0]
    found = _URL.match(request.url)
    if found is None:
        return attributes, ""
    scheme, host, port, prefix = found.groups("")
    attributes["server.address"] = host.strip("[]")
    attributes["server.port"] = int(port or _PORTS[scheme])
    if template.startswith("/"):
        attributes["url.template"] = template = prefix + template
    else:
        template = ""
    return attributes, f"{scheme}://{host}{port and ':'}{port}{template}"


def _resent() -> int:
    """Count this attempt, and return how many there were before it in its call."""
    attempts = contexts.get_value(_ATTEMPTS)
    if not isinstance(attempts, _Attempts):
        # A request that is no call: the download of a file.
        return 0
    attempts.made += 1
    return attempts.made - 1


def _traced(request: Request) -> Request:
    headers: dict[str, str] = {}
    _W3C.inject(headers)
    return request.with_headers({**headers, **request.headers})
