"""One line for each call and each attempt, to the standard `logging`, without secrets.

A line names host, method and path template, the outcome, the time taken, and Auth0's id of the request.
Headers, bodies, queries and the values in a path are in none, unless `Details` is asked for them.
"""

import re
import sys
from collections.abc import Container, Iterator
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, cast

import msgspec

from anyauth0 import (
    ClientOptions,
    ConfigurationError,
    Flow,
    Handler,
    Middleware,
    Request,
    Response,
    hookimpl,
)
from anyauth0.redaction import is_secret, redacted, without

if TYPE_CHECKING:
    from logging import Logger

__all__ = ["Details", "anyauth0_attempt_middleware", "anyauth0_middleware"]

# Those of `logging`.
_DEBUG, _INFO = 10, 20
_MASK = "***"
_MOST = 256 * 1024
"""A longer body is not read for the sake of its head."""
_DEEPEST = 30


@hookimpl
def anyauth0_middleware(options: ClientOptions) -> list[Middleware]:
    """Log each call at INFO."""
    return [_lines(_INFO, "call")]


@hookimpl
def anyauth0_attempt_middleware(options: ClientOptions) -> list[Middleware]:
    """Log each attempt at DEBUG."""
    return [_lines(_DEBUG, "attempt")]


def _lines(level: int, what: str) -> Middleware:
    def log(request: Request, inner: Handler) -> Flow[Response]:
        logger = _listener("anyauth0", level)
        return inner(request) if logger is None else _log(logger, level, what, request, inner)

    return log


def _log(logger: "Logger", level: int, what: str, request: Request, inner: Handler) -> Flow[Response]:
    start = monotonic()
    try:
        response = yield from inner(request)
    except Exception as error:
        # The kind only: the message of an error that is not ours may hold anything.
        kind = type(error).__name__
        logger.log(level, "%s %s: %s after %.3f s", what, _target(request), kind, monotonic() - start)
        raise
    taken, id_ = monotonic() - start, _line(response.headers.get("x-auth0-requestid", "-"), 100)
    logger.log(level, "%s %s: %d in %.3f s, id %s", what, _target(request), response.status, taken, id_)
    return response


def _listener(name: str, level: int) -> "Logger | None":
    """Return the logger of that name when somebody listens. Who never imported `logging` does not."""
    if "logging" not in sys.modules:
        return None
    logger = _logger(name)
    return logger if logger.isEnabledFor(level) else None


@cache
def _logger(name: str) -> "Logger":
    # It takes as long to import as half of this library.
    from logging import getLogger

    return getLogger(name)


def _target(request: Request) -> str:
    host = request.url.partition("://")[2].partition("/")[0]
    return f"{host} {request.endpoint or request.method}"


def _line(text: str, longest: int) -> str:
    """Return the beginning of a text as part of one line: what does not print is escaped."""
    head = text[:longest]
    if not head.isprintable():
        head = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode() for each in head
        )
    return head if len(text) <= longest else f"{head}..."


class Details:
    """Log what each attempt sends and gets, at DEBUG to the logger `anyauth0.wire`, without secrets.

    Secret is what its name says or what looks like a token or a key. E-mail addresses and phone numbers are
    shortened unless `personal=True`. A body that is neither JSON nor a form, or is above 256 KiB, is told by
    size and kind. Of a URL, the headers and a body the first `longest` characters are shown.

    Raises `ConfigurationError` when `longest` is not a whole number above 0.
    """

    def __init__(
        self, *, bodies: bool = True, headers: bool = True, longest: int = 2000, personal: bool = False
    ) -> None:
        if type(longest) is not int or longest < 1:
            raise ConfigurationError("longest", '"longest" must be a whole number above 0')
        self._bodies, self._headers, self._longest, self._personal = bodies, headers, longest, personal

    @hookimpl
    def anyauth0_attempt_middleware(self, options: ClientOptions) -> list[Middleware]:
        """Log what each attempt sends and gets."""
        return [self._log]

    def _log(self, request: Request, inner: Handler) -> Flow[Response]:
        wire = _listener("anyauth0.wire", _DEBUG)
        if wire is None:
            return (yield from inner(request))
        wire.debug("%s", self._sent(request))
        start = monotonic()
        try:
            response = yield from inner(request)
        except Exception as error:
            wire.debug("< %s after %.3f s", type(error).__name__, monotonic() - start)
            raise
        taken = monotonic() - start
        wire.debug("< %d in %.3f s%s", response.status, taken, self._got(request, response))
        return response

    def _sent(self, request: Request) -> str:
        url = _line(_Redaction(self._personal, sent=True).url(request.url), self._longest)
        return f"> {request.method} {url}{self._rest(request, request.body, b'')}"

    def _got(self, request: Request, response: Response) -> str:
        return self._rest(response, response.body, request.body or b"")

    def _rest(self, message: Request | Response, body: bytes | None, sent: bytes) -> str:
        redaction = _Redaction(self._personal, sent=isinstance(message, Request))
        parts = list[str]()
        if self._headers and message.headers:
            fields = cast("dict[object, object]", dict(message.headers))
            parts.append(" headers " + _line(self._head(redaction.json(fields)), self._longest))
        if self._bodies and body:
            shown = self._head(redaction.body(body, message.headers.get("content-type", "")))
            # Servers quote what they refuse, under names of their own.
            shown = without(shown, sent) if len(sent) <= _MOST else shown
            parts.append(" body " + _line(shown, self._longest))
        return "".join(parts)

    def _head(self, pieces: Iterator[str]) -> str:
        """Return the pieces until they are longer than what is shown: none of them is cut here."""
        taken, length = list[str](), 0
        for piece in pieces:
            taken.append(piece)
            length += len(piece)
            if length > self._longest:
                break
        return "".join(taken)


# Names that are secret on the way to the server only; in an answer a code is that of an error.
_CODES = frozenset({"code", "usercode", "bindingcode", "verificationcode", "dpop"})
_IDS = ("id", "ids", "client", "clients", "aud", "audience", "azp", "sub")
_PHONES = ("phone", "phonenumber", "mobile")
_SIGNATURES = frozenset({"sig", "signature", "xamzsignature", "xgoogsignature"})
_APART = r"[^a-z0-9]+"
_EMAIL = r"(?<![\w.+%'-])([\w.+%'-])[\w.+%'-]*@(?=[\w-]+\.)"
_PHONE = r"(?<![\w+])\+[0-9]{5,13}([0-9]{2})(?![0-9])"
_TICKET = r"(?<=ticket/)[^/]+"


class _Redaction:
    def __init__(self, personal: bool, *, sent: bool) -> None:
        self._personal = personal
        self._secret = _CODES if sent else frozenset[str]()

    def url(self, url: str) -> str:
        """Return a URL without the secrets of its path and its query."""
        from urllib.parse import unquote

        address, mark, query = url.partition("?")
        scheme, slashes, path = address.partition("://")
        # A name and a password may stand before the host.
        host, slash, path = path.partition("/")
        parts = [self._quoted(unquote(part), part, "id") for part in re.sub(_TICKET, _MASK, path).split("/")]
        shown = f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{'/'.join(parts)}"
        return f"{shown}?{''.join(self.form(query, signed=True))}" if mark else shown

    def form(self, form: str, *, signed: bool = False) -> Iterator[str]:
        """Return the fields of a form or a query; of a signed URL nothing but the names."""
        from urllib.parse import unquote_plus

        pairs = [pair.partition("=") for pair in form.split("&")]
        every = signed and not _SIGNATURES.isdisjoint(_plain(name) for name, _, _ in pairs)
        for place, (name, between, value) in enumerate(pairs):
            yield f"{'&' if place else ''}{self._quoted(unquote_plus(name), name, '')}{between}"
            yield _MASK if every else self._quoted(unquote_plus(value), value, unquote_plus(name))

    def body(self, body: bytes, kind: str) -> Iterator[str]:
        """Return a body that is JSON or a form, or size and kind of it."""
        kind = kind.partition(";")[0].strip().lower()
        if len(body) <= _MOST and kind == "application/x-www-form-urlencoded" and body.isascii():
            return self.form(body.decode())
        value = _parse(body) if len(body) <= _MOST else None
        if isinstance(value, dict | list):
            return self.json(cast("dict[object, object] | list[object]", value))
        return iter([f"({len(body)} bytes of {redacted(kind[:100]) or 'no type'})"])

    def json(
        self, value: object, name: str = "", beside: Container[object] = (), depth: int = 0
    ) -> Iterator[str]:
        """Return JSON in pieces, as the head may be all that is wanted."""
        if value is None or isinstance(value, bool):
            yield "null" if value is None else str(value).lower()
        elif self._is_secret(name, beside) or depth > _DEEPEST:
            yield f'"{_MASK}"'
        elif isinstance(value, dict):
            fields = cast("dict[object, object]", value)
            for place, (key, each) in enumerate(fields.items()):
                yield f"{', ' if place else '{'}{_json(self._text(str(key), ''))}: "
                yield from self.json(each, str(key), fields, depth + 1)
            yield "}" if fields else "{}"
        elif isinstance(value, list):
            for place, each in enumerate(cast("list[object]", value)):
                yield ", " if place else "["
                yield from self.json(each, name, (), depth + 1)
            yield "]" if value else "[]"
        else:
            yield _json(self._text(value, name)) if isinstance(value, str) else str(value)

    def _is_secret(self, name: str, beside: Container[object] = ()) -> bool:
        return is_secret(name, beside) or _plain(name) in self._secret

    def _quoted(self, value: str, raw: str, name: str) -> str:
        shown = _MASK if value and self._is_secret(name) else self._text(value, name)
        return raw if shown == value else shown

    def _text(self, text: str, name: str) -> str:
        inner = _parse(text.encode("utf-8", "replace")) if text[:1] in ("{", "[") else None
        if inner is not None:
            # Of JSON within JSON or a form the names say what is secret, too.
            return "".join(self.json(inner, name))
        plain = _plain(name)
        text = redacted(text, 48 if plain.endswith(_IDS) else 32)
        if self._personal:
            return text
        if plain.endswith(_PHONES):
            return f"{_MASK}{text[-2:]}"
        return re.sub(_PHONE, rf"+{_MASK}\1", re.sub(_EMAIL, rf"\1{_MASK}@", text))


def _parse(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _plain(name: str) -> str:
    return re.sub(_APART, "", name.lower())


def _json(text: str) -> str:
    return msgspec.json.encode(text.encode("utf-8", "backslashreplace").decode()).decode()
