"""A tenant on loopback, over TLS, that answers well but for the faults that a test gives to its paths."""

import os
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from urllib.parse import parse_qs

import msgspec

from anyauth0 import jose

from ..transports.servers import Peer, Received, Server, answer, serve

__all__ = ["API", "KEYS", "TOKEN", "USER_INFO", "Fault", "Tenant", "connections", "json", "running"]

API = "/api/v2/clients"
KEYS = "/.well-known/jwks.json"
TOKEN = "/oauth/token"
USER_INFO = "/userinfo"
NOW = 1_700_000_000.0
"""When a tenant begins; `Tenant.now` is its time, and that of its clients."""
APPLICATION = "app"

Fault = bytes | Callable[[Peer], None]
"""An answer, after which the connection stays, or what is done to the connection before it is closed."""


class Tenant:
    """The handler of a server (see `serve`), and what a test says to it and sees of it."""

    def __init__(self, good: ssl.SSLContext) -> None:
        self.good = good
        self.now = NOW
        self.server: Server
        self.greetings: deque[ssl.SSLContext | None] = deque()
        """The context of each connection to come; `None` hangs up. Afterwards all are good."""
        self.closing: set[str] = set()
        """The paths whose answers are the last ones of their connection."""
        self._faults: dict[str, deque[Fault]] = {}
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.sni_callback = self._greet

    @property
    def domain(self) -> str:
        return f"localhost:{self.server.port}"

    def fails(self, path: str, fault: Fault, times: int) -> None:
        """Let the next requests of `path` meet `fault`."""
        self._faults[path] = deque([fault] * times)

    def recovers(self) -> None:
        """Be good from now on, and forget what was asked."""
        self._faults.clear()
        self.greetings.clear()
        self.server.requests.clear()

    def answers(self, path: str) -> bytes:
        """Return a good answer of `path`."""
        body = b"scope=openid" if path == TOKEN else b""
        return self._good(Received("POST", path, {}, body))

    def asked(self, path: str) -> list[Received]:
        """Return the requests of `path`, those below it too."""
        return [one for one in self.server.requests if _path(one).startswith(path)]

    def __call__(self, peer: Peer) -> None:
        while (received := peer.read()) is not None:
            path = _path(received)
            faults = next(
                (queue for at, queue in self._faults.items() if path.startswith(at) and queue), None
            )
            act = faults.popleft() if faults else self._good(received)
            if not isinstance(act, bytes):
                act(peer)
                return
            if path in self.closing:
                # It says so: who finds out for himself may have sent the next request already.
                peer.send(act.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                return
            peer.send(act)

    def _good(self, received: Received) -> bytes:
        path = _path(received)
        if path == TOKEN:
            form = {name: values[0] for name, values in parse_qs(received.body.decode()).items()}
            return json(_tokens(self.domain, form, self.now))
        if path == KEYS:
            return json({"keys": [jose.public_jwk(_key(), kid="k", alg="ES256")]})
        if path == USER_INFO:
            return json({"sub": "auth0|1"})
        return json({"client_id": "c1", "name": "one"}, status=201 if received.method == "POST" else 200)

    def _greet(self, sock: ssl.SSLSocket, name: str | None, context: ssl.SSLContext) -> int | None:
        greeting = self.greetings.popleft() if self.greetings else self.good
        if greeting is None:
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
            return ssl.ALERT_DESCRIPTION_INTERNAL_ERROR
        sock.context = greeting
        # An answer would else wait until the client has acknowledged the tickets of TLS.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return None


@contextmanager
def running(good: ssl.SSLContext) -> Iterator[Tenant]:
    """Run a tenant whose certificate is that of `good`."""
    tenant = Tenant(good)
    with serve(tenant, tenant.context) as tenant.server:
        yield tenant


def json(data: object, *headers: tuple[str, str], status: int = 200) -> bytes:
    """Return an answer with `data` as its body."""
    return answer(status, msgspec.json.encode(data), ("Content-Type", "application/json"), *headers)


def connections(port: int) -> int:
    """Return how many sockets of this process are connected to `port` and still open."""
    found = 0
    # /proc/net/tcp has them all, but takes long where there are many that were closed just now.
    for number in os.listdir("/proc/self/fd"):
        # Another thread may close it meanwhile; most are no sockets, or not connected.
        with suppress(OSError):
            if os.readlink(f"/proc/self/fd/{number}").startswith("socket:"):
                with socket.socket(fileno=os.dup(int(number))) as copy:
                    found += copy.getpeername()[1:2] == (port,)
    return found


def _path(received: Received) -> str:
    return received.target.partition("?")[0]


@cache
def _key() -> jose.SigningKey:
    return jose.generate_key("ES256")


def _tokens(domain: str, form: dict[str, str], now: float) -> dict[str, object]:
    tokens: dict[str, object] = {
        "access_token": "canary-access-token", "token_type": "Bearer", "expires_in": 86400,
    }  # fmt: skip
    if "openid" in form.get("scope", ""):
        claims = {
            "iss": f"https://{domain}/", "sub": "auth0|1", "aud": APPLICATION, "iat": now, "exp": now + 36000,
        }  # fmt: skip
        tokens["id_token"] = jose.sign(claims, _key(), algorithm="ES256", headers={"kid": "k"})
    return tokens
