"""What a handler of the tenant is given, and the two ways in which it may answer."""

import base64
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import parse_qs, urlsplit

import msgspec

from anyauth0 import Response

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = [
    "Handler", "Incoming", "Refusal", "database_refusal", "json_response", "management_refusal",
    "oauth_refusal",
]  # fmt: skip


_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ONCE = frozenset({
    "actor_token", "actor_token_type", "audience", "client_assertion", "client_assertion_type", "client_id",
    "client_secret", "organization", "requested_token_type", "resource", "scope", "subject_token",
    "subject_token_type",
})  # fmt: skip


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One request as the tenant sees it, whichever way it came.

    `path` is still percent-encoded, `headers` has lower-case names. `client_certificate` is that of the TLS
    connection, in DER.
    """

    method: str
    url: str
    host: str
    path: str
    query: Mapping[str, tuple[str, ...]] = {}
    headers: Mapping[str, str] = {}
    body: bytes = b""
    client_certificate: bytes | None = None

    @classmethod
    def from_url(
        cls,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        body: bytes | None = None,
        client_certificate: bytes | None = None,
    ) -> "Incoming":
        """Take `url` apart. Header names may have any case."""
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True)
        return cls(
            method=method.upper(),
            url=url,
            host=parts.netloc.rpartition("@")[2].lower(),
            path=parts.path or "/",
            query={name: tuple(values) for name, values in query.items()},
            headers={name.lower(): value for name, value in headers.items()},
            body=body or b"",
            client_certificate=client_certificate,
        )

    def one(self, name: str) -> str | None:
        """Return the last value of a query parameter, or `None`."""
        values = self.query.get(name)
        return values[-1] if values else None

    @property
    def is_json(self) -> bool:
        """Whether the body is JSON, as the request says."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"

    def json(self) -> dict[str, Any]:
        """Return the body as a JSON object; anything else is refused with 400."""
        try:
            value: object = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise management_refusal(400, "invalid_body", "Invalid request payload JSON format")
        return cast("dict[str, Any]", value)

    def form(self) -> dict[str, str]:
        """Return the fields of a form, or the texts of a JSON object: the token endpoint takes both.

        A field that comes twice is refused with 400 (RFC 6749, section 3.2), save for the fields that a token
        exchange adds of its own; of them the first value is returned.
        """
        if self.is_json:
            fields = self.json()
            return {name: value for name, value in fields.items() if isinstance(value, str)}
        try:
            fields = parse_qs(self.body.decode(), keep_blank_values=True, errors="strict")
        except ValueError:
            raise oauth_refusal(400, "invalid_request", "The body is not a form in UTF-8") from None
        exchange = fields.get("grant_type") == [_EXCHANGE]
        for name, values in fields.items():
            if len(values) > 1 and not (exchange and name not in _ONCE):
                raise oauth_refusal(
                    400, "invalid_request", f"Parameter '{name[:40]}' is given more than once"
                )
        return {name: values[0] for name, values in fields.items()}

    def bearer(self) -> str | None:
        """Return the bearer token of the `Authorization` header, or `None`."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def basic(self) -> tuple[str, str] | None:
        """Return name and password of an HTTP Basic header, as they stand there; `None` without one."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            name, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            colon = ""
            name = password = ""
        if not colon:
            raise oauth_refusal(400, "invalid_request", "The Authorization header is not HTTP Basic")
        return name, password

    def __repr__(self) -> str:
        return f"<Incoming {self.method} {self.path} ({len(self.body)} bytes)>"


Handler: TypeAlias = Callable[["LocalTenant", Incoming, tuple[str, ...]], Response]
"""Answers a request; the tuple holds the decoded path parameters."""


class Refusal(Exception):
    """An answer that is an error: what a handler raises."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] = {}) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.body = body
        self.headers = headers

    def response(self) -> Response:
        """Return it as it goes out."""
        return json_response(self.body, self.status, self.headers)


def oauth_refusal(status: int, error: str, description: str) -> Refusal:
    """Return an error of an OAuth endpoint (RFC 6749, section 5.2)."""
    return Refusal(status, {"error": error, "error_description": description})


def database_refusal(status: int, code: str, description: object, **more: object) -> Refusal:
    """Return an error of `/dbconnections/*`, whose description may be an object."""
    return Refusal(status, {"name": "BadRequestError", "code": code, "description": description,
                            "statusCode": status, **more})  # fmt: skip


def management_refusal(status: int, error_code: str | None, message: str) -> Refusal:
    """Return an error of the Management API."""
    body: dict[str, Any] = {"statusCode": status, "error": HTTPStatus(status).phrase, "message": message}
    return Refusal(status, body if error_code is None else {**body, "errorCode": error_code})


def json_response(value: object, status: int = 200, headers: Mapping[str, str] = {}) -> Response:
    """Return `value` as a JSON answer."""
    content = {"content-type": "application/json; charset=utf-8"}
    return Response(status=status, headers={**content, **headers}, body=msgspec.json.encode(value))
