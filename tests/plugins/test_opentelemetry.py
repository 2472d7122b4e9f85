"""OpenTelemetry: a span a call and a span an attempt, each with the right parent, and no secret in any."""

import asyncio
import contextvars
import gc
import inspect
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from anyauth0 import (
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    Call,
    Flow,
    Handler,
    ManagementClient,
    Request,
    Resource,
    Response,
    TransportError,
    TransportTimeout,
    endpoint,
    hookimpl,
)
from anyauth0.endpoint import Mode
from anyauth0.flow import compose, send
from anyauth0_plugins import opentelemetry as plugin
from anyauth0_plugins.opentelemetry import OpenTelemetry

HOST = "tenant.eu.auth0.com"
TOKEN = Response(status=200, body=b'{"access_token": "canary-access", "expires_in": 3600}')
DONE = Response(status=200, body=b"{}")
AGAIN = Response(status=503, headers={"retry-after": "0"})
DOCS = Path(__file__).parents[2] / "docs" / "observability.md"

Step = Response | BaseException | Callable[[], Response]


class Things(Resource[Mode]):
    @endpoint("GET", "/things/{id}")
    def get(self, id: str, /, *, q: str | None = None) -> Call[Any]:
        return Call(Any, path=(id,), query={"q": q})

    @endpoint("POST", "/things", idempotent=True)
    def create(self, /, *, body: dict[str, Any]) -> Call[Any]:
        return Call(Any, json=body)


class Blocking:
    def __init__(self) -> None:
        self.script: list[Step] = []
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Response:
        self.requests.append(request)
        step = self.script.pop(0) if self.script else DONE
        if isinstance(step, BaseException):
            raise step
        return step if isinstance(step, Response) else step()

    def send(self, request: Request, /) -> Response:
        return self.answer(request)

    def close(self) -> None: ...


class Asyncio(Blocking):
    async def send(self, request: Request, /) -> Response:  # type: ignore[override]
        await asyncio.sleep(0)
        return self.answer(request)

    async def close(self) -> None: ...  # type: ignore[override]


class Order(SpanProcessor):
    """Notes which span began first: clocks may be too coarse to tell."""

    def __init__(self, began: list[int]) -> None:
        self.began = began

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.began.append(span.context.span_id)


class Stage:
    """A client of either kind, observed by the real SDK."""

    def __init__(self, *, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        self.transport = Asyncio() if asynchronous else Blocking()
        self.exporter = InMemorySpanExporter()
        self.reader = InMemoryMetricReader()
        self.began: list[int] = []
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(Order(self.began))
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meters = MeterProvider(metric_readers=[self.reader])

    def plugin(self, **options: Any) -> OpenTelemetry:
        return OpenTelemetry(tracer_provider=self.tracers, meter_provider=self.meters, **options)

    def answers(self, *script: Step) -> None:
        self.transport.script = list(script)

    def management(self, **options: Any) -> Any:
        options.setdefault("plugins", [self.plugin()])
        if "client_id" not in options:
            options.setdefault("token", "canary-token")
        kind: Any = AsyncManagementClient if self.asynchronous else ManagementClient
        return kind(**{**self.common(), **options})

    def things(self, **options: Any) -> Things[Any]:
        return Things(self.management(**options)._core)

    def authentication(self, **options: Any) -> Any:
        options.setdefault("plugins", [self.plugin()])
        kind: Any = AsyncAuthenticationClient if self.asynchronous else AuthenticationClient
        return kind(**{**self.common(), "client_id": "app", **options})

    def common(self) -> dict[str, Any]:
        return {"domain": HOST, "transport": self.transport, "random": lambda: 0.0}

    def do(self, call: Callable[[], Any]) -> Any:
        async def main() -> Any:
            result = call()
            return await result if inspect.isawaitable(result) else result

        return asyncio.run(main()) if self.asynchronous else call()

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, in the order in which they began."""
        ended = {span.context.span_id: span for span in self.exporter.get_finished_spans()}
        return [ended[id] for id in self.began if id in ended]

    def tree(self) -> list[tuple[str, str | None]]:
        """Return name and name of the parent of each span."""
        names = {span.context.span_id: span.name for span in self.spans}
        return [(span.name, span.parent and names[span.parent.span_id]) for span in self.spans]

    def attempts(self) -> list[dict[str, Any]]:
        return [dict(span.attributes or {}) for span in self.spans if span.kind is SpanKind.CLIENT]

    def points(self) -> dict[str, list[Any]]:
        """Return the data points of each metric that has any."""
        data: Any = self.reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics]
        return {metric.name: list(metric.data.data_points) for metric in metrics}

    def everything(self) -> str:
        """Return all that leaves the process, as text."""
        metrics: Any = self.reader.get_metrics_data()
        return "".join(span.to_json() for span in self.spans) + metrics.to_json()


@pytest.fixture(params=[False, True], ids=["blocking", "asyncio"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(asynchronous=request.param)


def test_a_call_with_retries_and_a_token_is_one_trace(stage: Stage) -> None:
    stage.answers(AGAIN, TOKEN, AGAIN, TransportError("canary", request_sent=False), DONE)
    things = stage.things(client_id="app", client_secret="canary-secret")
    stage.do(lambda: things.get("canary-id"))
    call, attempt, token = "GET /things/{id}", "GET /api/v2/things/{id}", "POST /oauth/token"
    assert stage.tree() == [
        (call, None),
        (token, call),
        (token, token),
        (token, token),
        (attempt, call),
        (attempt, call),
        (attempt, call),
    ]
    assert len({span.context.trace_id for span in stage.spans}) == 1
    resent = [attributes.get("http.request.resend_count") for attributes in stage.attempts()]
    assert resent == [None, 1, None, 1, 2]
    (first, second, *_) = [span for span in stage.spans if span.name == token]
    assert (first.kind, second.kind) == (SpanKind.INTERNAL, SpanKind.CLIENT)
    assert second.parent is not None
    assert second.parent.span_id == first.context.span_id


def test_the_attributes_are_those_of_the_conventions(stage: Stage) -> None:
    stage.do(lambda: stage.things().get("1", q="2"))
    call, attempt = stage.spans
    assert dict(call.attributes or {}) == {
        "anyauth0.endpoint": "GET /things/{id}",
        "anyauth0.client.kind": "asyncio" if stage.asynchronous else "blocking",
    }
    assert dict(attempt.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": HOST,
        "server.port": 443,
        "url.template": "/api/v2/things/{id}",
        "url.full": f"https://{HOST}/api/v2/things/{{id}}",
    }
    assert {span.status.status_code for span in stage.spans} == {StatusCode.UNSET}
    assert attempt.instrumentation_scope is not None
    assert attempt.instrumentation_scope.name == "anyauth0"


def test_a_port_and_the_authentication_api_are_named_as_they_are(stage: Stage) -> None:
    stage.do(lambda: stage.things(domain="localhost:8443").create(body={}))
    stage.do(lambda: stage.authentication().user_info.get("canary"))
    management, authentication = stage.attempts()
    assert management["server.address"] == "localhost"
    assert management["server.port"] == 8443
    assert management["url.full"] == "https://localhost:8443/api/v2/things"
    assert authentication["url.full"] == f"https://{HOST}/userinfo"


def test_a_status_from_400_on_is_an_error_of_attempt_and_call(stage: Stage) -> None:
    stage.answers(AGAIN, Response(status=404))
    things = stage.things()
    with pytest.raises(Exception, match="404"):
        stage.do(lambda: things.get("1"))
    assert [(span.attributes or {}).get("error.type") for span in stage.spans] == ["404", "503", "404"]
    assert {span.status.status_code for span in stage.spans} == {StatusCode.ERROR}


@pytest.mark.parametrize(
    "error", [TransportTimeout("canary", request_sent=True), TransportError("canary", request_sent=True)]
)
def test_of_an_exception_there_is_its_type_only(stage: Stage, error: Exception) -> None:
    stage.answers(error)
    things = stage.things(retry=False)
    with pytest.raises(type(error)):
        stage.do(lambda: things.get("1"))
    assert [(span.attributes or {})["error.type"] for span in stage.spans] == [type(error).__name__] * 2
    for span in stage.spans:
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
        assert not span.events
    assert "canary" not in stage.everything()


def test_what_stops_a_blocking_call_is_a_cancellation() -> None:
    stage = Stage(asynchronous=False)
    stage.answers(KeyboardInterrupt())
    before = context.get_current()
    with pytest.raises(KeyboardInterrupt):
        stage.things().get("1")
    assert [(span.attributes or {})["error.type"] for span in stage.spans] == ["cancelled"] * 2
    assert context.get_current() is before


@pytest.mark.parametrize("where", ["attempt", "pause", "token"])
def test_a_cancelled_task_ends_its_spans_and_leaves_the_context_as_it_was(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage(asynchronous=True)

    async def main() -> None:
        reached = asyncio.Event()

        async def stop(*_: Any) -> str:
            reached.set()
            await asyncio.Event().wait()
            raise AssertionError("it was cancelled")

        things = stage.things(**({"token": stop} if where == "token" else {}))
        if where == "attempt":
            stage.transport.send = stop  # type: ignore[method-assign,assignment]
        if where == "pause":

            def refuse() -> Response:
                reached.set()
                return Response(status=503, headers={"retry-after": "9"})

            stage.answers(refuse)

        async def mine() -> None:
            before = context.get_current()
            try:
                await things.get("1")
            finally:
                assert context.get_current() is before

        task = asyncio.create_task(mine())
        await reached.wait()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    kinds = {span.name: (span.attributes or {}).get("error.type") for span in stage.spans}
    attempt = {"attempt": "cancelled", "pause": "503"}.get(where)
    assert kinds == {
        "GET /things/{id}": "cancelled",
        **({"GET /api/v2/things/{id}": attempt} if attempt else {}),
    }
    assert caplog.records == []


@pytest.mark.parametrize("copied", [False, True], ids=["elsewhere", "in a copy of its context"])
def test_a_flow_that_is_closed_in_another_context_changes_nothing_there(
    copied: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stage = Stage(asynchronous=False)
    options = stage.management()._core.options
    layers = [
        *stage.plugin().anyauth0_middleware(options),
        *stage.plugin().anyauth0_attempt_middleware(options),
    ]
    flow = compose(layers, send)(Request(method="GET", url="https://t.auth0.com/", endpoint="GET /"))
    one, before = contextvars.copy_context(), context.get_current()
    one.run(next, flow)
    other = one.run(contextvars.copy_context) if copied else contextvars.copy_context()
    theirs = before if copied else baggage.set_baggage("user", "other")
    if not copied:
        other.run(context.attach, theirs)
    other.run(flow.close)
    assert other.run(context.get_current) is theirs
    assert context.get_current() is before
    assert [(span.attributes or {})["error.type"] for span in stage.spans] == ["cancelled"] * 2
    assert caplog.records == []


def test_a_coroutine_that_is_thrown_away_ends_its_spans_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "opentelemetry")
    stage = Stage(asynchronous=True)
    coroutine = stage.things().get("1")
    contextvars.copy_context().run(coroutine.send, None)
    del coroutine
    gc.collect()
    assert [(span.attributes or {})["error.type"] for span in stage.spans] == ["cancelled"] * 2
    assert caplog.records == []
    assert not trace.get_current_span().is_recording()


def test_a_hundred_tasks_do_not_mix_their_parents() -> None:
    stage = Stage(asynchronous=True)
    tracer = stage.tracers.get_tracer("mine")
    stage.answers(*[AGAIN, DONE] * 100)
    things = stage.things()

    async def one(number: int) -> None:
        with tracer.start_as_current_span(f"mine {number}"):
            await things.get(str(number))
            await things.create(body={})

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(one(number))

    asyncio.run(main())
    by_id = {span.context.span_id: span for span in stage.spans}

    def parent(span: ReadableSpan) -> str:
        return by_id[span.parent.span_id].name if span.parent else ""

    for trace_id in {span.context.trace_id for span in stage.spans}:
        mine, *rest = [span for span in stage.spans if span.context.trace_id == trace_id]
        assert parent(mine) == ""
        calls = [span for span in rest if span.kind is SpanKind.INTERNAL]
        assert [(span.name, parent(span)) for span in calls] == [
            ("GET /things/{id}", mine.name),
            ("POST /things", mine.name),
        ]
        for attempt in (span for span in rest if span.kind is SpanKind.CLIENT):
            assert parent(attempt) == attempt.name.replace("/api/v2", "")
    assert len(by_id) == 100 * 3 + 100 + 200
    assert sum(point.value for point in stage.points()["anyauth0.client.retries"]) == 100


def test_neither_secret_nor_query_nor_value_of_a_path_leaves(stage: Stage) -> None:
    answer = Response(
        status=503,
        headers={"set-cookie": "canary-cookie", "retry-after": "0", "x-auth0-requestid": "canary-id"},
        body=b'{"error": "canary-error", "message": "canary-message"}',
    )
    with_secrets = {
        "headers": {"authorization": "canary-mine", "x-canary": "canary"},
        "extra_body": {"canary": 1},
    }
    things, auth = stage.things(), stage.authentication(client_secret="canary-secret", **with_secrets)
    for call in (
        lambda: things.get("canary-id", q="canary-query"),
        lambda: things.create(body={"canary": "canary"}),
        lambda: auth.user_info.get("canary-token"),
        lambda: auth.oauth.refresh_token_grant(refresh_token="canary-refresh"),
        lambda: auth.database.sign_up(email="canary@b.c", password="canary", connection="db"),
    ):
        stage.answers(answer, TransportError("canary-url", request_sent=False), TOKEN)
        stage.do(call)
    assert len(stage.attempts()) == 5 * 3
    assert "canary" not in stage.everything()


@pytest.mark.parametrize(
    ("url", "endpoint", "full", "port"),
    [
        ("https://a.b/x/canary?y=canary", "", "https://a.b", 443),
        ("https://canary:canary@a.b:81/canary", "GET (file)", "https://a.b:81", 81),
        ("https://a.b/keys?p=canary", "GET /keys?p=canary", "https://a.b/keys", 443),
        ("https://a.b?canary", "GET /", "https://a.b/", 443),
        (
            "http://[::1]:8080/api/v2/users/canary",
            "GET /users/{id}",
            "http://[::1]:8080/api/v2/users/{id}",
            8080,
        ),
        ("http://[::1]/api/v2canary/canary", "GET /users/{id}", "http://[::1]/users/{id}", 80),
    ],
)
def test_a_url_is_host_and_template_and_nothing_else(url: str, endpoint: str, full: str, port: int) -> None:
    stage = Stage(asynchronous=False)
    options = stage.management()._core.options
    layers = [
        *stage.plugin().anyauth0_middleware(options),
        *stage.plugin().anyauth0_attempt_middleware(options),
    ]
    flow = compose(layers, send)(Request(method="GET", url=url, endpoint=endpoint))
    next(flow)
    with pytest.raises(StopIteration):
        flow.send(DONE)
    (attempt,) = stage.attempts()
    assert attempt["url.full"] == full
    assert attempt["server.address"] in ("a.b", "::1")
    assert attempt["server.port"] == port
    assert "canary" not in stage.everything()


def test_duration_retries_and_budget_are_measured(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(plugin, "monotonic", lambda: now[0])

    def after(seconds: float, answer: Response) -> Callable[[], Response]:
        def slow() -> Response:
            now[0] += seconds
            return answer

        return slow

    left = {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "0", "retry-after": "0"}
    stage.answers(
        after(0.25, Response(status=429, headers=left)),
        after(0.5, Response(status=200, headers={"x-ratelimit-remaining": "49"}, body=b"{}")),
        after(0.125, DONE),
    )
    things = stage.things()
    stage.do(lambda: things.get("1"))
    stage.do(lambda: things.get("2"))
    target = {
        "http.request.method": "GET",
        "server.address": HOST,
        "server.port": 443,
        "url.template": "/api/v2/things/{id}",
    }
    points = stage.points()
    good, limited = sorted(points["http.client.request.duration"], key=lambda point: -point.count)
    assert good.attributes == {**target, "http.response.status_code": 200}
    assert (good.count, good.sum) == (2, 0.625)
    assert good.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert limited.attributes == {**target, "http.response.status_code": 429, "error.type": "429"}
    assert (limited.count, limited.sum) == (1, 0.25)
    (retries,) = points["anyauth0.client.retries"]
    assert (retries.attributes, retries.value) == (target, 1)
    (remaining,) = points["anyauth0.client.rate_limit.remaining"]
    assert (remaining.attributes, remaining.value) == (target, 49)


def test_a_budget_that_is_used_up_is_told(stage: Stage) -> None:
    stage.answers(Response(status=200, headers={"x-ratelimit-remaining": "0"}, body=b"{}"))
    stage.do(lambda: stage.things().get("1"))
    (remaining,) = stage.points()["anyauth0.client.rate_limit.remaining"]
    assert remaining.value == 0


def test_an_attempt_without_an_answer_is_measured_too(stage: Stage) -> None:
    stage.answers(TransportTimeout("slow", request_sent=True))
    things = stage.things(retry=False)
    with pytest.raises(TransportTimeout):
        stage.do(lambda: things.get("1"))
    points = stage.points()
    (point,) = points["http.client.request.duration"]
    assert point.attributes["error.type"] == "TransportTimeout"
    assert "http.response.status_code" not in point.attributes
    assert "anyauth0.client.rate_limit.remaining" not in points


def test_a_request_after_401_with_another_token_counts_as_sent_again(stage: Stage) -> None:
    stage.answers(TOKEN, Response(status=401), TOKEN, DONE)
    things = stage.things(client_id="app", client_secret="s")
    stage.do(lambda: things.get("1"))
    resent = [a.get("http.request.resend_count") for a in stage.attempts() if "things" in a["url.full"]]
    assert resent == [None, 1]


def test_views_and_further_clients_measure_into_the_same_metric(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    management = stage.management()
    for client in (management, management.with_options(timeout=1), stage.management()):
        things: Any = Things(client._core)
        stage.do(lambda things=things: things.get("1"))
    (point,) = stage.points()["http.client.request.duration"]
    assert point.count == 3
    assert caplog.records == []


@pytest.mark.parametrize("first", [True, False])
def test_wherever_it_is_listed_all_is_in_a_call_and_no_wait_in_an_attempt(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    now = [100.0]
    monkeypatch.setattr(plugin, "monotonic", lambda: now[0])
    current: list[Any] = []

    class Slow:
        @hookimpl
        def anyauth0_middleware(self, options: object) -> list[Any]:
            return [self.wait]

        @hookimpl
        def anyauth0_attempt_middleware(self, options: object) -> list[Any]:
            return [self.wait]

        def wait(self, request: Request, inner: Handler) -> Flow[Response]:
            now[0] += 5
            current.append(getattr(trace.get_current_span(), "name", None))
            return inner(request)

    plugins = [stage.plugin(), Slow()] if first else [Slow(), stage.plugin()]
    stage.do(lambda: stage.things(plugins=plugins).get("1"))
    assert current == ["GET /things/{id}"] * 2
    (point,) = stage.points()["http.client.request.duration"]
    assert point.sum == 0


def test_a_trace_is_propagated_only_where_that_is_wanted_and_baggage_never(stage: Stage) -> None:
    token = context.attach(baggage.set_baggage("user", "canary"))
    try:
        stage.answers(DONE, AGAIN, DONE)
        stage.do(lambda: stage.things().get("1"))
        stage.do(lambda: stage.things(plugins=[stage.plugin(propagate=True)]).get("1"))
        with_own = stage.things(plugins=[stage.plugin(propagate=True)], headers={"traceparent": "mine"})
        stage.do(lambda: with_own.get("1"))
    finally:
        context.detach(token)
    assert not any("baggage" in request.headers for request in stage.transport.requests)
    without, *propagated, own = [request.headers.get("traceparent") for request in stage.transport.requests]
    assert without is None
    assert own == "mine"
    _, first, second, _ = [span.context for span in stage.spans if span.kind is SpanKind.CLIENT]
    assert [header.rpartition("-")[0] for header in propagated] == [
        f"00-{seen.trace_id:032x}-{seen.span_id:016x}" for seen in (first, second)
    ]


def test_without_providers_nothing_happens(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    before = context.get_current()
    stage.answers(AGAIN, DONE)
    things = stage.things(plugins=["opentelemetry"])
    assert stage.do(lambda: things.get("1")).status == 200
    assert len(stage.transport.requests) == 2
    assert context.get_current() is before
    assert (stage.spans, caplog.records) == ([], [])


def test_by_its_name_it_uses_the_global_providers_whenever_they_are_set() -> None:
    script = """
from anyauth0 import AuthenticationClient, Response
auth = AuthenticationClient(
    domain="t.auth0.com", client_id="app", plugins=["opentelemetry"],
    transport=lambda request: Response(status=200, body=b"{}"),
)
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
reader, exporter, tracers = InMemoryMetricReader(), InMemorySpanExporter(), TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(tracers)
metrics.set_meter_provider(MeterProvider(metric_readers=[reader]))
auth.user_info.get("token")
print(*(span.name for span in exporter.get_finished_spans()), sep=", ")
print("http.client.request.duration" in reader.get_metrics_data().to_json())
"""
    assert run(script) == "GET /userinfo, GET /userinfo\nTrue\n"


def run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_it_is_loaded_only_where_it_is_named() -> None:
    script = """
import sys
from anyauth0 import AuthenticationClient, ConfigurationError
AuthenticationClient(domain="t.auth0.com", client_id="app", transport=lambda request: None)
print([name for name in sys.modules if "opentelemetry" in name])
sys.modules["opentelemetry"] = None
try:
    AuthenticationClient(domain="t.auth0.com", client_id="app", plugins=["opentelemetry"])
except ConfigurationError as error:
    print("pip install 'anyauth0[opentelemetry]'" in str(error))
"""
    assert run(script) == "[]\nTrue\n"


def test_the_examples_of_the_documentation_run() -> None:
    _, *examples = DOCS.read_text().split("```python\n")
    _, spans = [run(example.partition("```")[0]) for example in examples]
    assert re.findall(r'"name": "([^"]+)"', spans) == ["GET /userinfo", "GET /userinfo"]
