"""What every client has: options in, a pipeline inside, views of itself, many calls at a time."""

from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, Unpack, cast

from .arguments import checked
from .client import Core
from .endpoint import Async, Mode, Resource, Sync
from .errors import ConfigurationError
from .options import ClientOptions, Options, ViewOptions, check, check_view, from_environment

if TYPE_CHECKING:
    from .fan_out import AsyncOutcomes, MapProgress, Outcomes

R = TypeVar("R")
Row = TypeVar("Row")

__all__ = ["AsyncioClient", "BlockingClient", "Client"]


class Client(Resource[Mode]):
    """What every client has: options in, a pipeline inside, views of itself; it may have operations too."""

    __slots__ = ()

    _asynchronous: bool
    _not_its_own: ClassVar[Mapping[str, str]] = {}

    def __init__(self, **options: Unpack[Options]) -> None:
        """Build a client.

        Raises `ConfigurationError` naming the option that is unknown, missing or wrong.
        """
        refusal = self._configure(options)
        if refusal is not None:
            # A traceback may be shown with its locals, and these may be secrets.
            del options
            raise refusal

    def _configure(self, options: Options) -> ConfigurationError | None:
        """Build the pipeline, or return why that cannot be, without the frames that hold the options."""
        owner = type(self).__name__
        try:
            for name, mend in self._not_its_own.items():
                if name in options:
                    raise ConfigurationError(name, f'{owner} has no option "{name}": {mend}')
            self._core = self._build(check(options, asynchronous=self._asynchronous, owner=owner))
        except ConfigurationError as error:
            return error.with_traceback(None)
        return None

    def _build(self, options: ClientOptions) -> Core:
        raise NotImplementedError

    @classmethod
    def from_env(cls, **options: Unpack[Options]) -> Self:
        """Build a client from the environment; what is given here wins.

        Reads `AUTH0_DOMAIN`, `AUTH0_CLIENT_ID`, `AUTH0_CLIENT_SECRET`, `AUTH0_CLIENT_ASSERTION_SIGNING_KEY`,
        `AUTH0_CLIENT_ASSERTION_SIGNING_ALG`, and for the Management API `AUTH0_TOKEN`, `AUTH0_AUDIENCE` and
        `AUTH0_CUSTOM_DOMAIN`.
        """
        client = cls.__new__(cls)
        found = {k: v for k, v in from_environment(options).items() if k not in cls._not_its_own}
        refusal = client._configure(cast("Options", found))
        if refusal is not None:
            del options, found
            raise refusal
        return client

    def with_options(self, **changes: Unpack[ViewOptions]) -> Self:
        """Return a view of this client with other options, over the same transport, tokens and locks.

        `headers` and `extra_body` are added to those of the client, everything else replaces its own.

        Raises `ConfigurationError` naming an option that is unknown, wrong, or belongs to the whole client.
        """
        view = type(self).__new__(type(self))
        try:
            view._core = self._core.view(check_view(self._core.options, changes, owner=type(self).__name__))
        except ConfigurationError as error:
            refusal = error.with_traceback(None)
        else:
            return view
        del changes
        raise refusal

    def __reduce__(self) -> tuple[object, ...]:
        mend = "give its options to the other process and make one there"
        raise TypeError(f"{self!r} cannot be pickled: {mend}")

    def __repr__(self) -> str:
        # One that could not be built has no pipeline, and is shown by whatever reports that.
        core = getattr(self, "_core", None)
        return f"<{type(self).__name__} of {core.options.domain if core else 'nothing yet'}>"


class BlockingClient(Client[Sync]):
    """A client whose calls return when they are done. Safe to share between threads."""

    __slots__ = ()
    _asynchronous = False

    @checked
    def map(
        self,
        method: Callable[..., R],
        rows: Iterable[Row],
        *,
        concurrency: int = 8,
        progress: "Callable[[MapProgress], object] | None" = None,
    ) -> "Outcomes[Row, R]":
        """Call `method` for each row, `concurrency` calls at a time, and iterate over the outcomes in order.

            rows = [{"id": user_id, "blocked": True} for user_id in found]
            for outcome in management.map(management.users.update, rows):
                print(outcome.index, outcome.error or outcome.response)

        A row is a mapping of arguments, those without a name included; a tuple of arguments; or the only
        argument. A call that fails is an outcome with an error, and the others go on. The iterator has
        `stop()`. The calls have the priority `"batch"`. `progress` is called after each, by one thread at a
        time; there are no threads where `concurrency` is 1.

        Raises `InvalidArgumentError` for a method or rows that are none.
        """
        from .fan_out import Outcomes, Work

        return Outcomes(Work[Row, R](method, rows, concurrency, progress))

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

    @checked
    def map(
        self,
        method: Callable[..., Coroutine[Any, Any, R]],
        rows: Iterable[Row] | AsyncIterable[Row],
        *,
        concurrency: int = 8,
        progress: "Callable[[MapProgress], object] | None" = None,
    ) -> "AsyncOutcomes[Row, R]":
        """Call `method` for each row, `concurrency` calls at a time, and iterate over the outcomes in order.

            async for outcome in management.map(management.users.update, rows):
                print(outcome.index, outcome.error or outcome.response)

        See `BlockingClient.map`. `rows` may be an async iterable too.
        """
        from .fan_out import AsyncOutcomes, Work

        return AsyncOutcomes(Work[Row, R](method, rows, concurrency, progress))

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
