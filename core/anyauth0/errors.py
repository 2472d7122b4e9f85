"""Every exception that this library raises.

    Auth0Error
      ConfigurationError          an option of the client is wrong or missing
      InvalidArgumentError        an argument of a call is wrong; nothing was sent
      TransportError              no answer came: connection, TLS, name resolution
        TransportTimeout          no answer came in time
      ApiError                    the server answered with an error
        AuthenticationApiError    ... of the Authentication API
        ManagementApiError        ... of the Management API
        BadRequest, Unauthorized, Forbidden, NotFound, Conflict, RateLimited, ServerError
                                  ... by status, beside one of the two above
      DecodingError               an answer is no JSON, or with strict=True does not fit its model
      AuthorizationError          a login did not succeed: the callback is not good, or the user said no
      IdTokenError                an ID token breaks a rule
      JoseError                   a signature or a key cannot be used (in `anyauth0.jose`)
      EventStreamError            the server ended a stream of events
      PageLimitReached            the server serves no page beyond this one

Each message is one sentence of at most 300 characters, with a hint what to do. None holds a secret or a body.
Each can be pickled.
"""

import re
from collections.abc import Mapping
from typing import Any

from ._json import as_array, as_object, as_text, read
from .messages import Response
from .rate_limits import RateLimit, retry_after
from .redaction import redacted, without

_LONGEST = 300
_MOST = 2000


def _shorten(text: str) -> str:
    # What a server says may hold anything, escape sequences of terminals included.
    text = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _rebuild(kind: type["Auth0Error"], args: tuple[Any, ...], state: dict[str, Any]) -> "Auth0Error":
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class Auth0Error(Exception):
    """The base of every exception of this library."""

    def __init__(self, message: str) -> None:
        super().__init__(_shorten(message))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__.copy())


class ConfigurationError(Auth0Error):
    """An option of a client is wrong or missing.

    `option` names it.
    """

    def __init__(self, option: str, message: str) -> None:
        super().__init__(message)
        self.option = option


class InvalidArgumentError(Auth0Error):
    """An argument of a call was refused before anything was sent.

    `argument` names it.
    """

    def __init__(self, argument: str, message: str) -> None:
        super().__init__(message)
        self.argument = argument


class TransportError(Auth0Error):
    """No answer came.

    `request_sent` is true when the server may have received the request, and so may have acted on it.
    """

    def __init__(self, message: str, *, request_sent: bool) -> None:
        super().__init__(message)
        self.request_sent = request_sent


class TransportTimeout(TransportError):
    """No answer came in time."""


class DecodingError(Auth0Error):
    """An answer is of no use: no token in it, or no keys; with `strict=True` any that does not fit."""


class IdTokenError(Auth0Error):
    """An ID token breaks a rule of OpenID Connect Core, section 3.1.3.7.

    `rule` names it (`"nonce"`, `"exp"`, `"signature"`, ...), `expected` and `found` say how.
    """

    def __init__(self, rule: str, message: str, *, expected: object = None, found: object = None) -> None:
        super().__init__(message)
        self.rule = rule
        self.expected = expected
        self.found = found


class AuthorizationError(Auth0Error):
    """A login did not succeed, before any token was asked for, or because the user said no.

    `error` is the server's word for it (RFC 6749, section 4.1.2.1: `access_denied`, `login_required`, ...),
    or ours: `state_mismatch`, `issuer_mismatch`, `no_code`, `expired_token`. `description` is the server's
    sentence.
    """

    def __init__(self, error: str, message: str, *, description: str | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.description = description


class EventStreamError(Auth0Error):
    """The server ended a stream of events and said why.

    `code` is its word for it (`"cursor_expired"`, `"payload_too_large"`, ...), `offset` where to go on, where
    it said so.
    """

    def __init__(self, message: str, *, code: str, offset: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.offset = offset


class PageLimitReached(Auth0Error):
    """The server serves no page beyond this one.

    `received` items came, `total` there are (where the server said so).
    """

    def __init__(self, message: str, *, received: int, total: int | None) -> None:
        super().__init__(message)
        self.received = received
        self.total = total


class ApiError(Auth0Error):
    """The server answered with an error.

    - `status`: the HTTP status
    - `code`: the server's word for it (`error`, `code` or `errorCode` of the body), or `None`
    - `description`: the server's sentence, or `None`
    - `headers`: the response headers, names in lower case; without cookies and queries of addresses
    - `request_id`: Auth0's id of the request, for support (`x-auth0-requestid`)
    - `rate_limit`: the `RateLimit` read from the headers
    - `body()`: the body as plain data (or text); it is not pickled
    """

    _not_pickled: tuple[str, ...] = ("_body",)

    def __init__(self, response: Response, *, call: str, sent: bytes | None = None) -> None:
        fields = as_object(_data(response.body))
        self.status = response.status
        self.headers: Mapping[str, str] = {
            name: redacted(value) for name, value in response.headers.items() if name != "set-cookie"
        }
        self.code, self.description = self._explain(fields)
        if self.description and sent:
            self.description = without(self.description, sent)
        self._body = response.body
        super().__init__(self._sentence(f"{call} answered {self.status}"))

    def _explain(self, fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Return the server's code and sentence out of an error body."""
        codes = (as_text(fields.get(name)) for name in ("errorCode", "error", "code"))
        sentences = (
            _readable(fields.get(name)) for name in ("error_description", "description", "message", "error")
        )
        code, sentence = (next(filter(None, said), None) for said in (codes, sentences))
        return code and redacted(code[:_MOST]), sentence and redacted(sentence[:_MOST])

    def _sentence(self, start: str) -> str:
        code = f" {self.code}" if self.code else ""
        said = f": {self.description}" if self.description and self.description != self.code else ""
        mend = f"; {self._hint()}" if self._hint() else ""
        # The hint must survive, so a long description gives way.
        room = _LONGEST - len(mend)
        text = f"{start}{code}{said}".rstrip(".")
        return f"{text if len(text) <= room else text[: room - 1] + '…'}{mend}"

    def _hint(self) -> str:
        from ._error_hints import hint

        return hint(self.status, self.code, self.description)

    @property
    def request_id(self) -> str | None:
        """Auth0's id of the request."""
        return self.headers.get("x-auth0-requestid") or self.headers.get("x-request-id")

    @property
    def rate_limit(self) -> RateLimit:
        """The request budget as the server described it."""
        return RateLimit.from_headers(self.headers)

    def body(self) -> Any:
        """Return the body as plain data, as text where it is not JSON; `None` when empty or unpickled."""
        if not self._body:
            return None
        data = _data(self._body)
        return self._body.decode("utf-8", "replace") if data is None else data

    def __reduce__(self) -> tuple[Any, ...]:
        state = self.__dict__.copy()
        for name in self._not_pickled:
            state[name] = None
        family, status_class = _parts(type(self))
        return _rebuild_api_error, (family, status_class, self.args, state)


class AuthenticationApiError(ApiError):
    """The Authentication API answered with an error.

    - `error`, `error_description`: as in RFC 6749, section 5.2; database errors give their `code` and
      `description` here, an object of password rules as readable reasons
    - `mfa_token`, `mfa_requirements`: with `error == "mfa_required"`, what the MFA calls need
    """

    _not_pickled = ("_body", "mfa_token")

    def __init__(self, response: Response, *, call: str, sent: bytes | None = None) -> None:
        fields = as_object(_data(response.body))
        self.mfa_token: str | None = as_text(fields.get("mfa_token"))
        self.mfa_requirements: Mapping[str, Any] | None = as_object(fields.get("mfa_requirements")) or None
        super().__init__(response, call=call, sent=sent)

    @property
    def error(self) -> str | None:
        """The error code; the same as `code`."""
        return self.code

    @property
    def error_description(self) -> str | None:
        """The server's sentence; the same as `description`."""
        return self.description

    def _hint(self) -> str:
        if self.code == "mfa_required":
            return "go on with the MFA calls, mfa_token is on this error"
        return super()._hint()


class ManagementApiError(ApiError):
    """The Management API answered with an error.

    - `error_code`: the `errorCode` of the body, or its `error`
    - `missing_scopes`: with `insufficient_scope`, the scopes any one of which would do
    """

    @property
    def error_code(self) -> str | None:
        """The error code; the same as `code`."""
        return self.code

    @property
    def missing_scopes(self) -> tuple[str, ...]:
        """The scopes any one of which the token lacks; empty for any other error."""
        _, found, scopes = (self.description or "").partition("expected any of:")
        return tuple(scope.strip(" .") for scope in scopes.split(",")) if found else ()

    def _hint(self) -> str:
        if self.missing_scopes:
            return "grant the scope to the client under APIs > Auth0 Management API"
        return super()._hint()


class BadRequest(ApiError):
    """400: the server refused the request as it is."""


class Unauthorized(ApiError):
    """401: the credentials or the token were not accepted."""


class Forbidden(ApiError):
    """403: the credentials are good, but not for this."""


class NotFound(ApiError):
    """404: there is no such thing."""


class Conflict(ApiError):
    """409: it is there already, or has changed meanwhile."""


class RateLimited(ApiError):
    """429: too many requests.

    `retry_after` is the number of seconds to wait as the server said it, or `None`.
    """

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait, from the `Retry-After` header: a number, or a date less that of the answer."""
        return retry_after(self.headers)


class ServerError(ApiError):
    """500 to 599: the server failed."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequest, 401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 429: RateLimited,
}  # fmt: skip


def api_error(
    family: type[ApiError], response: Response, *, call: str, sent: bytes | None = None
) -> ApiError:
    """Return the exception for `response`: of `family`, and of the class of its status where there is one.

    `call` is method and path template, for the message; `sent` the body of the request, of which the message
    must repeat no secret.
    """
    status_class = _BY_STATUS.get(response.status)
    if status_class is None and response.status >= 500:
        status_class = ServerError
    return _class_of(family, status_class)(response, call=call, sent=sent)


_classes: dict[tuple[type[ApiError], type[ApiError]], type[ApiError]] = {}


def _class_of(family: type[ApiError], status_class: type[ApiError] | None) -> type[ApiError]:
    if status_class is None:
        return family
    made = _classes.get((family, status_class))
    if made is None:
        namespace = {"__module__": __name__, "__doc__": status_class.__doc__}
        made = _classes.setdefault(
            (family, status_class), type(status_class.__name__, (family, status_class), namespace)
        )
    return made


def _parts(kind: type[ApiError]) -> tuple[type[ApiError], type[ApiError] | None]:
    """Return the family and the status class that `_class_of` put together."""
    if len(kind.__bases__) == 2:
        return kind.__bases__[0], kind.__bases__[1]
    return kind, None


def _rebuild_api_error(
    family: type[ApiError], status_class: type[ApiError] | None, args: tuple[Any, ...], state: dict[str, Any]
) -> Auth0Error:
    return _rebuild(_class_of(family, status_class), args, state)


def _data(body: bytes) -> Any:
    """Return `body` as plain data, or `None` when it is not JSON."""
    try:
        return read(body)
    except ValueError:
        return None


def _readable(value: object) -> str | None:
    """Return a sentence out of a description: text as it is, password rules as the reasons that failed."""
    rules = [as_object(rule) for rule in as_array(as_object(value).get("rules"))]
    reasons = [_reason(rule) for rule in rules if not rule.get("verified")]
    return ", ".join(reason for reason in reasons if reason) or as_text(value)


def _reason(rule: dict[str, Any]) -> str:
    message = (as_text(rule.get("message")) or "")[:_MOST]
    values = iter(as_array(rule.get("format")))
    return re.sub("%[sd]", lambda place: str(next(values, place[0])), message).rstrip(":. ")
