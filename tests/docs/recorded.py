"""A tenant that remembers who asked it what, and a browser; in the words of the pages."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from anyauth0 import Request, Response
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.incoming import Incoming

from .pages import Answered, Asked, Message

_SHOWN = {
    name.lower(): name for name in ("Authorization", "Auth0-Forwarded-For", "DPoP", "X-Request-Language")
}
_VALUED = ("grant_type", "error")


class RecordedTenant(LocalTenant):
    """The embedded tenant; `seen` has its requests and answers, sent by `sender` at the time."""

    def __init__(self) -> None:
        super().__init__()
        self.sender = "App"
        self.seen: list[Message] = []

    def handle(self, incoming: Incoming) -> Response:
        if self.sender == "Browser":
            # What it sees of the login page is between the user and the tenant (see `Browser.visit`).
            return super().handle(incoming)
        receiver = "mTLS" if incoming.host == self.mtls_host else "Auth0"
        self.seen.append(asked(self.sender, receiver, incoming))
        response = super().handle(incoming)
        self.seen.append(answered(receiver, self.sender, response))
        return response

    @contextmanager
    def asked_by(self, sender: str) -> Iterator[None]:
        """Let requests come from somebody else."""
        before, self.sender = self.sender, sender
        yield
        self.sender = before


def asked(sender: str, receiver: str, incoming: Incoming) -> Asked:
    """Return a request in the words of the pages."""
    if incoming.is_json:
        body = list(msgspec.json.decode(incoming.body).items())
    else:
        body = parse_qsl(incoming.body.decode(), keep_blank_values=True)
    query = [(name, value) for name, values in incoming.query.items() for value in values]
    headers = [shown for name, shown in _SHOWN.items() if name in incoming.headers]
    if "Authorization" in headers:
        scheme = incoming.headers["authorization"].partition(" ")[0]
        headers[headers.index("Authorization")] = f"Authorization: {scheme}"
    return Asked(sender, receiver, incoming.method, incoming.path, _said([*query, *body]), sorted(headers))


def answered(sender: str, receiver: str, response: Response) -> Answered:
    """Return an answer in the words of the pages: its JSON, where it redirects to, or what kind it is of."""
    kind = response.headers.get("content-type", "").partition(";")[0]
    if "location" in response.headers:
        fields = _said(parse_qsl(urlsplit(response.headers["location"]).query))
    elif response.body and kind == "application/json":
        content = msgspec.json.decode(response.body)
        fields = _said(content.items()) if isinstance(content, dict) else _listed(content)
    else:
        fields = [kind] if response.body else []
    return Answered(sender, receiver, response.status, fields)


def _said(pairs: Any) -> list[str]:
    return sorted(f"{name}={value}" if name in _VALUED and value else name for name, value in pairs)


def _listed(content: list[dict[str, Any]]) -> list[str]:
    """Return the names that are in any of the objects of a list."""
    return sorted(dict.fromkeys(f"each {name}" for each in content for name in each))


class Browser:
    """The browser of a user: keeps cookies, fills in the login form, and stops where it leaves the tenant."""

    def __init__(self, tenant: RecordedTenant, email: str, password: str) -> None:
        self.tenant, self.login = tenant, {"email": email, "password": password}
        self.cookies: dict[str, str] = {}

    def visit(self, url: str) -> str | None:
        """Go to `url`, log in where asked, and return where the user is sent in the end."""
        self.tenant.seen.append(asked("Browser", "Auth0", Incoming.from_url("GET", url)))
        response = self._send("GET", url)
        if response.status == 200 and (state := re.search(rb'name="state" value="([^"]+)"', response.body)):
            form = urlencode({"state": unescape(state[1].decode()), **self.login}).encode()
            response = self._send("POST", f"https://{self.tenant.domain}/u/login", form)
        self.tenant.seen.append(answered("Auth0", "Browser", response))
        return response.headers.get("location")

    def _send(self, method: str, url: str, body: bytes | None = None) -> Response:
        headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with self.tenant.asked_by("Browser"):
            response = self.tenant.transport().send(
                Request(method=method, url=url, headers=headers, body=body)
            )
        name, equals, value = response.headers.get("set-cookie", "").partition(";")[0].partition("=")
        if equals:
            self.cookies[name] = value
        return response
