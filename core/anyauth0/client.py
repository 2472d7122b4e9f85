"""The pipeline of a client: a `Call` becomes a request, passes the middleware, comes back as an answer."""

from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack, cast

import msgspec

from .client_authentication import ClientAuthentication, own_proof, prover
from .decoding import Shape, decode
from .dpop import bound
from .encoding import FORM, encode_form, encode_json, encode_path, encode_query
from .endpoint import Async, Call, EndpointFacts, Mode, Resource, Sync, bare
from .errors import ApiError, Auth0Error, ConfigurationError, api_error
from .flow import Flow, Handler, Middleware, compose, perform
from .hooks import Plugins
from .messages import ApiResponse, Request, Response
from .options import ClientOptions, Options, ViewOptions, check, check_view, from_environment

if TYPE_CHECKING:
    from .jwks import JwksCache
    from .tokens import TokenSource, TokenStore

R = TypeVar("R")


class Session:
    """What a client and its views have in common: transport, locks, tokens and keys."""

    __slots__ = (
        "client_authentication", "closed", "dpop_nonces", "driver", "jwks", "opened", "plugins",
        "token_source", "token_store",
    )  # fmt: skip

    def __init__(self, options: ClientOptions) -> None:
        self.plugins = Plugins(options)
        given = options.transport
        self.opened = given is None or isinstance(given, str)
        transport: Any = given if hasattr(given, "send") else self.plugins.transport(options)
        _check_transport(transport, options)
        self.driver: Any
        if options.asynchronous:
            from .aio import AsyncDriver

            self.driver = AsyncDriver(transport)
        else:
            from .blocking import BlockingDriver

            self.driver = BlockingDriver(transport)
        self.client_authentication: ClientAuthentication | None
        self.client_authentication = self.plugins.client_authentication(options)
        self.token_store: TokenStore | None = options.token_store or self.plugins.token_store(options)
        self.token_source: TokenSource | None = None
        self.jwks: JwksCache | None = None
        self.dpop_nonces: dict[str, str] = {}
        self.closed = False


def _check_transport(transport: Any, options: ClientOptions) -> None:
    import inspect

    if transport is None:
        raise ConfigurationError(
            "transport",
            f'option "transport" names "{options.transport}", which offers no transport for this client',
        )
    if inspect.iscoroutinefunction(transport.send) is not options.asynchronous:
        given = options.transport
        kind = f'option "transport" is {f"{given!r}, which" if isinstance(given, str) else "one that"}'
        raise ConfigurationError(
            "transport",
            f"{kind} is blocking and would stop the event loop of an asyncio client; use an asyncio one"
            if options.asynchronous
            else f"{kind} is asyncio and this client is blocking; use an Async client, or another transport",
        )


class Core:
    """The pipeline of one client or view. Resources hold it; users never meet it."""

    __slots__ = (
        "_attempts",
        "authorize",
        "base_url",
        "family",
        "handler",
        "layers",
        "options",
        "run",
        "session",
    )

    def __init__(
        self,
        options: ClientOptions,
        session: Session,
        *,
        base_url: str,
        family: type[ApiError],
        authorize: Middleware | None,
    ) -> None:
        self.options = options
        self.session = session
        self.base_url = base_url
        self.family = family
        self.authorize = authorize
        authorization = [] if authorize is None else [authorize]
        self._attempts = session.plugins.attempt_middleware(options)
        proof = [] if options.dpop is None else [bound(options.dpop, session.dpop_nonces, options.clock)]
        self.layers = [*session.plugins.middleware(options), *authorization, *self._attempts, *proof]
        self.handler: Handler = compose(self.layers)
        self.run: Callable[[Flow[Any]], Any] = session.driver.run

    def view(self, options: ClientOptions) -> "Core":
        """Return a pipeline with other options over the same session."""
        return Core(
            options, self.session, base_url=self.base_url, family=self.family, authorize=self.authorize
        )

    def perform(self, endpoint: EndpointFacts[..., R], call: Call[R]) -> Flow[ApiResponse[R]]:
        """Send `call` and return its answer.

        Raises `ApiError` for an answer that is not 2xx, and whatever the middleware and the transport raise.
        """
        request, prove = yield from self.request(endpoint, call)
        handler = self.handler if prove is None else compose(self.layers, prove)
        response = yield from handler(request)
        if not 200 <= response.status < 300:
            raise api_error(self.family, response, call=request.endpoint)
        answer = ApiResponse(response, partial(decode, call.model, shape=self._shape(endpoint)))
        if self.options.strict:
            answer.anomalies  # noqa: B018 - decoded now, so that the error comes from the call
        if call.check is not None:
            yield from bare(call.check(self, answer))
        return answer

    def get(self, url: str) -> Flow[Any]:
        """GET a public document of the tenant (its keys, its metadata) through the same pipeline."""
        path = url.partition("://")[2].partition("/")[2]
        request = Request(method="GET", url=url, endpoint=f"GET /{path}", idempotent=True)
        response = yield from self.handler(request)
        if not 200 <= response.status < 300:
            raise api_error(self.family, response, call=request.endpoint)
        return response

    def fetch(self, request: Request) -> Flow[Response]:
        """Send a request to somebody else: it has the retries and time limits, no token and no headers."""
        if self.session.closed:
            raise Auth0Error("the client is closed; make another one, or close it later")
        return (yield from compose(self._attempts)(request))

    def _shape(self, endpoint: EndpointFacts[..., Any]) -> Shape:
        offset, checkpoint = getattr(endpoint, "offset", None), getattr(endpoint, "checkpoint", None)
        return Shape(
            endpoint=f"{endpoint.method} {endpoint.path}",
            items=getattr(endpoint, "items", None),
            total=offset.total if offset else "total",
            next=(checkpoint.next if checkpoint else None) or "next",
            strict=self.options.strict,
            lenient=endpoint.method != "GET" and endpoint.client_authentication == "none",
        )

    def request(
        self, endpoint: EndpointFacts[..., Any], call: Call[Any]
    ) -> Flow[tuple[Request, Handler | None]]:
        """Return the request of a call, and where a proof of the client is due, the handler that adds it.

        Raises `Auth0Error` when the client is closed.
        """
        if self.session.closed:
            raise Auth0Error("the client is closed; make another one, or close it later")
        return (yield from bare(self._request(endpoint, call)))

    def _request(
        self, endpoint: EndpointFacts[..., Any], call: Call[Any]
    ) -> Flow[tuple[Request, Handler | None]]:
        url = self.base_url + encode_path(endpoint.path, call.path)
        headers = {"accept": "application/json", **call.headers}
        strategy = self.session.client_authentication
        if strategy is not None:
            url = strategy.address(url)
        content: object = call.json if call.form is None else call.form
        prove: Handler | None = None
        if isinstance(content, Mapping):
            fields = {**cast("Mapping[str, object]", content), **self.options.extra_body}
            if endpoint.client_authentication != "none":
                fields, prove = self._identify(endpoint, fields)
            content = fields
        body: bytes | None = None
        if call.multipart is not None:
            body, headers["content-type"] = yield from _multipart(call.multipart)
        elif call.form is not None:
            body = encode_form(cast("Mapping[str, object]", content))
            headers["content-type"] = FORM
        elif content is not msgspec.UNSET:
            body = encode_json(content)
            headers["content-type"] = "application/json"
        if query := encode_query(call.query):
            url = f"{url}?{query}"
        request = Request(
            method=endpoint.method,
            url=url,
            headers=headers,
            body=body,
            endpoint=f"{endpoint.method} {endpoint.path}",
            idempotent=endpoint.idempotent,
        )
        return request, prove

    def _identify(
        self, endpoint: EndpointFacts[..., Any], fields: Mapping[str, object]
    ) -> tuple[dict[str, object], Handler | None]:
        """Return the fields of a body with the client's id in them, and the handler that proves it."""
        client_id = fields.get("client_id") or self.options.client_id
        if not client_id:
            raise ConfigurationError(
                "client_id", f'{endpoint.title} needs option "client_id" of the client, or the argument'
            )
        identified = {name: value for name, value in fields.items() if value is not None}
        identified["client_id"] = client_id
        if endpoint.client_authentication == "id":
            return identified, None
        own, rest = own_proof(identified)
        if own:
            return {**rest, **own}, None
        strategy = self.session.client_authentication
        if strategy is not None:
            return rest, prover(strategy, rest)
        if endpoint.client_authentication == "required":
            raise ConfigurationError(
                "client_secret",
                "The client_secret or client_assertion field is required, or it should be mTLS request.",
            )
        return rest, None


def _multipart(fields: Mapping[str, object]) -> Flow[tuple[bytes, str]]:
    from .multipart import File, encode, read

    texts: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for name, value in fields.items():
        if isinstance(value, bool):
            texts[name] = "true" if value else "false"
        elif isinstance(value, File):
            files[name] = yield from perform(partial(read, name, value.source))
        elif value is not None:
            texts[name] = str(value)
    return encode(texts, files)


class Client(Resource[Mode]):
    """What every client has: options in, a pipeline inside, views of itself; it may have operations too."""

    __slots__ = ()

    _asynchronous: bool
    _not_its_own: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **options: Unpack[Options]) -> None:
        """Build a client.

        Raises `ConfigurationError` naming the option that is unknown, missing or wrong.
        """
        owner = type(self).__name__
        for name, mend in self._not_its_own.items():
            if name in options:
                raise ConfigurationError(name, f'{owner} has no option "{name}": {mend}')
        self._core = self._build(check(options, asynchronous=self._asynchronous, owner=owner))

    def _build(self, options: ClientOptions) -> Core:
        raise NotImplementedError

    @classmethod
    def from_env(cls, **options: Unpack[Options]) -> Self:
        """Build a client from the environment; what is given here wins.

        Reads `AUTH0_DOMAIN`, `AUTH0_CLIENT_ID`, `AUTH0_CLIENT_SECRET`, `AUTH0_CLIENT_ASSERTION_SIGNING_KEY`,
        `AUTH0_CLIENT_ASSERTION_SIGNING_ALG`, and for the Management API `AUTH0_TOKEN`, `AUTH0_AUDIENCE` and
        `AUTH0_CUSTOM_DOMAIN`.
        """
        found = from_environment(options)
        return cls(**cast("Options", {k: v for k, v in found.items() if k not in cls._not_its_own}))

    def with_options(self, **changes: Unpack[ViewOptions]) -> Self:
        """Return a view of this client with other options, over the same transport, tokens and locks.

        `headers` and `extra_body` are added to those of the client, everything else replaces its own.

        Raises `ConfigurationError` naming an option that is unknown, wrong, or belongs to the whole client.
        """
        view = type(self).__new__(type(self))
        options = check_view(self._core.options, changes, owner=type(self).__name__)
        view._core = self._core.view(options)
        return view

    def __repr__(self) -> str:
        # One that could not be built has no pipeline, and is shown by whatever reports that.
        core = getattr(self, "_core", None)
        return f"<{type(self).__name__} of {core.options.domain if core else 'nothing yet'}>"


class BlockingClient(Client[Sync]):
    """A client whose calls return when they are done. Safe to share between threads."""

    __slots__ = ()
    _asynchronous = False

    def close(self) -> None:
        """Let go of the connections, unless the transport was given to this client. Views are closed too."""
        session = self._core.session
        if not session.closed:
            session.closed = True
            if session.opened:
                session.driver.transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncioClient(Client[Async]):
    """A client whose calls are coroutines. May be used in several event loops, one after another."""

    __slots__ = ()
    _asynchronous = True

    async def close(self) -> None:
        """Let go of the connections, unless the transport was given to this client. Views are closed too."""
        session = self._core.session
        if not session.closed:
            session.closed = True
            if session.opened:
                await session.driver.transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
