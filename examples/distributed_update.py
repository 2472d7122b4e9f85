"""Update users in several processes, which share one access token and one rate: by Dask and Redis."""

import logging
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any

import distributed

from anyauth0 import (
    ClientOptions,
    Flow,
    Handler,
    ManagementClient,
    Middleware,
    Options,
    Request,
    Response,
    hookimpl,
)
from anyauth0_plugins.rate_limit import RateLimiter
from anyauth0_plugins.redis_store import RedisTokenStore
from setting import PASSWORD, Setting, run

USERS, CHUNK = 200, 25
RATE, BURST = 500, 50
"""Requests a second of all processes together. Your tenant may have fewer."""

dask: Any = distributed


class TokenRequests:
    """A plugin that counts the requests for an access token."""

    def __init__(self) -> None:
        self.count = 0

    @hookimpl
    def anyauth0_attempt_middleware(self, options: ClientOptions) -> list[Middleware]:
        """Count each attempt."""

        def counted(request: Request, inner: Handler) -> Flow[Response]:
            self.count += request.endpoint == "POST /oauth/token"
            return (yield from inner(request))

        return [counted]


class Fleet:
    """What every process needs to know. It is pickled."""

    def __init__(self, options: Options, redis: str) -> None:
        self.options = options
        self.redis = redis
        self.key = secrets.token_bytes(32)

    @contextmanager
    def client(self, *plugins: object) -> Generator[ManagementClient, None, None]:
        """Make a client of this process that shares its token and its rate with those of the others."""
        with (
            closing(RedisTokenStore(self.redis, self.key)) as store,
            closing(RateLimiter(RATE, burst=BURST, redis=self.redis)) as limiter,
        ):
            options: Options = {**self.options, "token_store": store, "plugins": [limiter, *plugins]}
            with ManagementClient(**options) as management:
                yield management


def update(users: list[str], fleet: Fleet) -> tuple[int, int, int]:
    """Update users in a worker; return its process, how many are updated, and the requests for a token."""
    requests = TokenRequests()
    rows = [{"id": user_id, "user_metadata": {"language": "nl"}} for user_id in users]
    with fleet.client(requests) as management:
        outcomes = management.map(management.users.update, rows, concurrency=4)
        return os.getpid(), sum(outcome.error is None for outcome in outcomes), requests.count


def update_all(users: list[str], fleet: Fleet) -> list[tuple[int, int, int]]:
    """Share the users out to two workers, and return what became of each chunk."""
    chunks = [users[start : start + CHUNK] for start in range(0, len(users), CHUNK)]
    with (
        dask.LocalCluster(
            n_workers=2,
            processes=True,
            threads_per_worker=1,
            dashboard_address=None,
            # A worker may complain that the others are gone when all end.
            silence_logs=logging.CRITICAL,
        ) as cluster,
        dask.Client(cluster) as workers,
    ):
        done: list[tuple[int, int, int]] = workers.gather(workers.map(update, chunks, fleet=fleet))
    return done


@contextmanager
def redis_url() -> Generator[str, None, None]:
    """Start a Redis for as long as the example runs, unless AUTH0_REDIS names one."""
    if given := os.environ.get("AUTH0_REDIS"):
        yield given
        return
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("Install redis-server, or set AUTH0_REDIS to the URL of a Redis.")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - it is ours
        try:
            for line in server.stdout or ():
                if "Ready to accept connections" in line:
                    break
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()


def main(setting: Setting) -> None:
    """Make users, update them in two other processes, and delete them."""
    requests = TokenRequests()
    with setting.served() as options, redis_url() as redis:
        fleet = Fleet(options, redis)
        with fleet.client(requests) as management:
            new = [
                {"connection": setting.connection, "email": setting.new_email(), "password": PASSWORD}
                for _ in range(USERS)
            ]
            made = [outcome.result() for outcome in management.map(management.users.create, new)]
            users = [response.data.user_id for response in made]
            try:
                done = update_all(users, fleet)
            finally:
                for outcome in management.map(management.users.delete, users):
                    outcome.result()
    processes = {process for process, _, _ in done}
    updated = sum(count for _, count, _ in done)
    tokens = requests.count + sum(count for _, _, count in done)
    print(f"{updated} users updated by {len(processes)} processes, with {tokens} token.")


if __name__ == "__main__":
    run(main)
