"""A browser for the embedded tenant: it follows redirects, keeps cookies, and fills in the form of a page."""

from collections.abc import Mapping
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin

from anyauth0 import Request, Transport

_FORM = {"content-type": "application/x-www-form-urlencoded"}


class Browser:
    """A person's browser. Cookies stay from one visit to the next."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}

    def visit(self, transport: Transport, url: str, *, home: str, fields: Mapping[str, str]) -> str:
        """Open `url`, submit the first form with `fields`, and return the first address below `home`.

        Exits with the page where it gets no further.
        """
        method, body, left = "GET", None, dict(fields)
        while not url.startswith(home):
            cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            headers = {"cookie": cookies, **(_FORM if body else {})}
            response = transport.send(Request(method=method, url=url, headers=headers, body=body))
            for name, morsel in SimpleCookie(response.headers.get("set-cookie", "")).items():
                self._cookies[name] = morsel.value
            form = _Form(response.body.decode())
            if location := response.headers.get("location"):
                method, url, body = "GET", urljoin(url, location), None
            elif form.action and left:
                method, url = "POST", urljoin(url, form.action)
                body, left = urlencode({**form.fields, **left}).encode(), {}
            else:
                raise SystemExit(f"The browser is at a page of status {response.status}: {form.text}")
        return url


class _Form(HTMLParser):
    """The form of a page, and the text around it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = self.text = ""
        self.fields: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = found.get("action", "")
        elif tag == "input" and "name" in found:
            self.fields[found["name"]] = found.get("value", "")

    def handle_data(self, data: str) -> None:
        self.text = f"{self.text} {data}".strip()
