"""Tells the way to a URL: whose connection, to which host, through which proxy."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from ._proxies import Proxy

__all__ = ["Route", "Router"]


class Route(msgspec.Struct, frozen=True):
    """Where a connection leads, and for which process: a forked child must not use that of its parent."""

    process: int
    scheme: str
    netloc: str
    proxy: "Proxy | None"

    def target(self, url: str) -> str:
        """Return what the first line of a request to `url` names (RFC 9112, section 3.2)."""
        target = _parts(url)[2]
        target = target if target.startswith("/") else f"/{target}"
        absolute = self.proxy is not None and self.scheme == "http"
        return f"http://{self.netloc}{target}" if absolute else target

    @property
    def proxied_headers(self) -> dict[str, str]:
        """The headers for the proxy that a request has itself; one in a tunnel has none."""
        return {} if self.proxy is None or self.scheme != "http" else self.proxy.headers


class Router:
    """Tells the way to a URL. The environment is read when the first one asks for it."""

    __slots__ = ("_find_proxy", "_proxy")

    def __init__(self, proxy: str | bool | None) -> None:
        """Raise `ConfigurationError` for the URL of a proxy that is none."""
        self._proxy = proxy
        self._find_proxy = self._finder() if isinstance(proxy, str) else None

    def _finder(self) -> "Callable[[str], Proxy | None]":
        # Nobody needs it before the first call.
        from ._proxies import proxy_finder

        return proxy_finder(self._proxy)

    def route(self, url: str) -> Route:
        """Return the way to `url`.

        Raises `ConfigurationError` for a proxy of the environment whose URL is none.
        """
        find = self._find_proxy
        if find is None:
            self._find_proxy = find = self._finder()
        scheme, netloc, _ = _parts(url)
        return Route(os.getpid(), scheme.lower(), netloc.rpartition("@")[2], find(url))


def _parts(url: str) -> tuple[str, str, str]:
    """Return scheme, authority, and the path with its query, of a URL (RFC 3986, appendix B)."""
    # `urllib.parse` takes long to import, and is made for URLs of all kinds.
    scheme, _, rest = url.partition("://")
    rest = rest.partition("#")[0]
    netloc = rest.partition("/")[0].partition("?")[0]
    return scheme, netloc, rest[len(netloc) :]
