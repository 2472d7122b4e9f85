"""Decides which proxy a request goes through: by the option, else by the environment."""

import os
import re
from binascii import b2a_base64
from collections.abc import Callable

import msgspec

from anyauth0 import ConfigurationError

__all__ = ["Proxy", "proxy_finder"]

_HOST = re.compile(r"[A-Za-z0-9._:%-]+")


class Proxy(msgspec.Struct, frozen=True):
    """A proxy: its URL without credentials, and the value of `Proxy-Authorization`, which proves them."""

    url: str
    authorization: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The headers for the proxy itself."""
        return {} if self.authorization is None else {"proxy-authorization": self.authorization}

    def __repr__(self) -> str:
        return f"<Proxy {self.url}>"


def proxy_finder(option: str | bool | None) -> Callable[[str], Proxy | None]:
    """Return the function that tells the proxy for a URL.

    `option` is a URL for all requests, `False` for no proxy, or `None` for what `HTTPS_PROXY`, `HTTP_PROXY`,
    `ALL_PROXY` and `NO_PROXY` say now. The proxy is spoken to by HTTP, and asked for a tunnel (CONNECT) to an
    `https` host. Raises `ConfigurationError` for a URL that is none.
    """
    if option is False:
        return lambda url: None
    if isinstance(option, str):
        fixed = _parse(option, 'option "proxy"')
        return lambda url: fixed
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return lambda url: None
    # It takes as long to import as all of this package.
    from urllib.parse import urlsplit
    from urllib.request import getproxies_environment, proxy_bypass

    found = getproxies_environment()
    chosen: dict[str, Proxy] = {}
    for scheme in ("http", "https"):
        if address := found.get(scheme) or found.get("all"):
            # It is for all programs, and others take a bare `host:port`.
            address = address if "://" in address else f"http://{address}"
            chosen[scheme] = _parse(address, f'the environment variable "{scheme}_proxy"')

    def find(url: str) -> Proxy | None:
        parts = urlsplit(url)
        if proxy_bypass(parts.netloc.rpartition("@")[2]):
            return None
        return chosen.get(parts.scheme)

    return find


def _parse(address: str, source: str) -> Proxy:
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    fine = _HOST.fullmatch(host) and parts.scheme == "http" and parts.path in ("", "/")
    if not fine or not address.isprintable():
        raise ConfigurationError("proxy", f'{source} must be a URL such as "http://proxy.example.com:3128"')
    at = f"[{host}]" if ":" in host else host
    url = f"http://{at}:{port or 80}"
    if parts.username is None:
        return Proxy(url)
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return Proxy(url, f"Basic {b2a_base64(pair.encode(), newline=False).decode()}")
