"""The pipeline of a client: a `Call` becomes a request, passes the middleware, comes back as an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from .client_authentication import ClientAuthentication, own_proof, prover
from .decoding import Shape, decode
from .encoding import FORM, encode_form, encode_json, encode_path, encode_query, is_header_value
from .endpoint import Call, EndpointFacts, bare
from .errors import ApiError, Auth0Error, ConfigurationError, InvalidArgumentError, api_error
from .flow import Flow, Handler, Middleware, compose, perform
from .hooks import Plugins
from .messages import ApiResponse, Request, Response
from .options import ClientOptions

if TYPE_CHECKING:
    from .jwks import JwksCache
    from .tokens import TokenStore

R = TypeVar("R")


class Session:
    """What a client and its views have in common: transport, locks, tokens and keys."""

    __slots__ = (
        "client_authentication", "closed", "dpop_nonces", "driver", "jwks", "opened", "plugins",
        "token_store",
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
        # One that is empty may be false.
        given_store: TokenStore | None = options.token_store
        self.token_store = self.plugins.token_store(options) if given_store is None else given_store
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
        "_inner",
        "_outer",
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
        proof: list[Middleware] = []
        if options.dpop is not None:
            from .dpop import bound

            proof = [bound(options.dpop, session.dpop_nonces, options.clock)]
        self._outer = session.plugins.middleware(options)
        self._inner = [*authorization, *self._attempts, *proof]
        self.layers = [*self._outer, *self._inner]
        self.handler: Handler = compose(self.layers)
        self.run: Callable[[Flow[Any]], Any] = session.driver.run

    def view(self, options: ClientOptions) -> Core:
        """Return a pipeline with other options over the same session.

        Raises `ConfigurationError` for a key that its access token is not bound to.
        """
        if options.dpop is not self.options.dpop and self.authorize is not None:
            raise ConfigurationError(
                "dpop",
                'option "dpop" belongs to the access token of a management client; make another client',
            )
        return Core(
            options, self.session, base_url=self.base_url, family=self.family, authorize=self.authorize
        )

    def perform(self, endpoint: EndpointFacts[..., R], call: Call[R]) -> Flow[ApiResponse[R]]:
        """Send `call` and return its answer.

        Raises `ApiError` for an answer that is not 2xx, and whatever the middleware and the transport raise.
        """
        files = call.multipart
        # No local of its own: a traceback may show those, and a file of users holds their passwords.
        request, prove = self.request(
            endpoint, call, None if files is None else (yield from bare(_multipart(files)))
        )
        check = call.check
        if check is None:
            handler = self.handler if prove is None else compose(self.layers, prove)
            return self._answer(endpoint, call, request, (yield from handler(request)))
        answers: list[ApiResponse[R]] = []

        def checked(request: Request, inner: Handler) -> Flow[Response]:
            response = yield from inner(request)
            if _good(response):
                answers.append(self._answer(endpoint, call, request, response))
                yield from bare(check(self, answers[0]))
            return response

        # Within the layers of the call: its deadline is for what the check fetches too.
        layers = [*self._outer, checked, *self._inner]
        response = yield from compose(layers, *([] if prove is None else [prove]))(request)
        return answers[0] if answers else self._answer(endpoint, call, request, response)

    def _answer(
        self, endpoint: EndpointFacts[..., R], call: Call[R], request: Request, response: Response
    ) -> ApiResponse[R]:
        if not _good(response):
            raise api_error(self.family, response, call=request.endpoint, sent=request.body)
        answer = ApiResponse(
            response, partial(decode, call.model, shape=_shape(endpoint, self.options.strict))
        )
        if self.options.strict:
            answer.anomalies  # noqa: B018 - decoded now, so that the error comes from the call
        return answer

    def get(self, url: str) -> Flow[Any]:
        """GET a public document of the tenant (its keys, its metadata) through the same pipeline."""
        path = url.partition("://")[2].partition("/")[2]
        request = Request(method="GET", url=url, endpoint=f"GET /{path}", idempotent=True)
        response = yield from self.handler(request)
        if not _good(response):
            raise api_error(self.family, response, call=request.endpoint)
        return response

    def fetch(self, request: Request) -> Flow[Response]:
        """Send a request to somebody else: it has the retries and time limits, no token and no headers."""
        self._refuse_when_closed()
        return (yield from compose(self._attempts)(request))

    def _refuse_when_closed(self) -> None:
        if self.session.closed:
            raise Auth0Error("the client is closed; make another one, or close it later")

    def request(
        self, endpoint: EndpointFacts[..., Any], call: Call[Any], part: tuple[bytes, str] | None = None
    ) -> tuple[Request, Handler | None]:
        """Return the request of a call, and where a proof of the client is due, the handler that adds it.

        `part` is the body of a call that has files, with its content type.

        Raises `Auth0Error` when the client is closed.
        """
        self._refuse_when_closed()
        try:
            return self._request(endpoint, call, part)
        except Auth0Error as error:
            refusal = error.with_traceback(None)
        raise refusal

    def _request(
        self, endpoint: EndpointFacts[..., Any], call: Call[Any], part: tuple[bytes, str] | None
    ) -> tuple[Request, Handler | None]:
        url = self.base_url + encode_path(endpoint.path, call.path)
        headers = {"accept": "application/json", **call.headers}
        for name, value in call.headers.items():
            if not is_header_value(value):
                # The value may be a token.
                raise InvalidArgumentError(
                    name,
                    f'{endpoint.title}: the header "{name}" would hold a line break or another '
                    "character that no header may have; look at the argument that it comes from",
                )
        strategy = self.session.client_authentication
        if strategy is not None:
            url = strategy.address(url)
        content: object = call.json if call.form is None else call.form
        prove: Handler | None = None
        if content is not msgspec.UNSET and isinstance(content, Mapping):
            fields = {**cast("Mapping[str, object]", content), **self.options.extra_body}
            if endpoint.client_authentication != "none":
                fields, prove = self._identify(endpoint, fields)
            content = fields
        body: bytes | None = None
        if part is not None:
            body, headers["content-type"] = part
        elif call.form is not None:
            body = encode_form(cast("Mapping[str, object]", content))
            headers["content-type"] = FORM
        elif content is not msgspec.UNSET:
            body = encode_json(content)
            headers["content-type"] = "application/json"
        if call.query and (query := encode_query(call.query)):
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


@cache
def _shape(endpoint: EndpointFacts[..., Any], strict: bool) -> Shape:
    offset, checkpoint = getattr(endpoint, "offset", None), getattr(endpoint, "checkpoint", None)
    return Shape(
        endpoint=f"{endpoint.method} {endpoint.path}",
        items=getattr(endpoint, "items", None),
        total=offset.total if offset else "total",
        next=(checkpoint.next if checkpoint else None) or "next",
        strict=strict,
        lenient=endpoint.method != "GET" and endpoint.client_authentication == "none",
    )


def _good(response: Response) -> bool:
    return 200 <= response.status < 300


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
