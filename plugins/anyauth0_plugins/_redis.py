"""Commands to a Redis, as flows: over a client of the user's, or over one that is made from a URL."""

from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeAlias

from anyauth0 import ConfigurationError, Flow
from anyauth0.flow import perform

if TYPE_CHECKING:
    from redis import Redis as RedisPackageClient
    from redis.asyncio import Redis as AsyncRedisPackageClient

    Client: TypeAlias = "RedisPackageClient | AsyncRedisPackageClient | str"

__all__ = ["Redis"]

_NO_CLIENT = '"client" must be a URL such as "redis://host:6379/0", or a client'
_PATIENCE = 2.0
"""Seconds for Redis to connect or to answer, where the client is made here."""


class Redis:
    """What plugins need of a Redis. An asyncio client of the user's serves asyncio clients only."""

    __slots__ = ("_asynchronous", "_client", "_given", "_owner", "failures")

    def __init__(self, client: "Client", owner: str) -> None:
        """Connect when first used. `failures` are what its commands raise where it fails.

        Raises `ConfigurationError` in the name of `owner`, where the package `redis` is missing or `client`
        is neither a URL of its own nor a client.
        """
        self._given = client
        self._owner = owner
        self._client: Any = _opened(client, owner) if isinstance(client, str) else client
        if not hasattr(self._client, "execute_command"):
            raise ConfigurationError("client", _NO_CLIENT)
        self._asynchronous = iscoroutinefunction(self._client.execute_command)
        from redis.exceptions import RedisError

        self.failures: tuple[type[Exception], ...] = (RedisError, OSError)

    def command(self, *words: object, **options: bool) -> Flow[Any]:
        """Send a command and return what Redis answers."""
        call = partial(self._client.execute_command, *words, **options)
        return perform(None, call) if self._asynchronous else perform(call)

    def close(self) -> None:
        """Let go of the connections, unless the client was given."""
        if isinstance(self._given, str):
            self._client.connection_pool.disconnect()

    def url(self) -> str:
        """Return the URL, by which another process makes a client of its own.

        Raises `TypeError` in the name of the owner, where a client was given.
        """
        if isinstance(self._given, str):
            return self._given
        raise TypeError(
            f'{self._owner} over a client of yours cannot be pickled: give it a URL, such as "redis://host"'
        )

    def __repr__(self) -> str:
        return f"<{self._owner} in Redis>"


def _opened(url: str, owner: str) -> Any:
    try:
        import redis
    except ImportError as error:
        message = f"{owner} needs the package \"redis\"; pip install 'anyauth0[redis]'"
        raise ConfigurationError("redis", message) from error
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_timeout": _PATIENCE,
        "socket_connect_timeout": _PATIENCE,
        # Once, for a connection that lay idle until the server closed it.
        "retry": Retry(NoBackoff(), 1),
    }
    pool: Any = redis.ConnectionPool
    try:
        return redis.Redis(connection_pool=pool.from_url(url, **options))
    except ValueError:
        # The error may show the URL, which may hold a password.
        pass
    raise ConfigurationError("client", _NO_CLIENT)
