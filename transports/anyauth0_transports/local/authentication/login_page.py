"""The pages that a browser is shown: a form for e-mail and password, one for a code, and what went wrong."""

from collections.abc import Mapping
from html import escape

from anyauth0 import Response

__all__ = ["code_page", "error_page", "login_page", "redirect"]

# Nothing on these pages is fetched from elsewhere, and no other page may frame them.
_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


def login_page(state: str, *, name: str = "", error: str | None = None) -> Response:
    """Return the form for e-mail address and password."""
    fields = (
        f'<p><label>E-mail <input name="email" value="{escape(name)}" autocomplete="username"></label></p>'
        '<p><label>Password <input name="password" type="password"></label></p>'
    )
    return _form("Log in", state, fields, error)


def code_page(state: str, *, error: str | None = None) -> Response:
    """Return the form for the code of a second factor."""
    fields = '<p><label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code"></label></p>'
    return _form("Enter your code", state, fields, error)


def _form(title: str, state: str, fields: str, error: str | None) -> Response:
    problem = "" if error is None else f'<p role="alert">{escape(error)}</p>'
    body = (
        f'{problem}<form method="post" action="/u/login">'
        f'<input type="hidden" name="state" value="{escape(state)}">{fields}'
        '<p><button type="submit">Continue</button></p></form>'
    )
    return _page(title, body, 200 if error is None else 400)


def error_page(message: str) -> Response:
    """Return the page for a request that has nowhere to go back to."""
    return _page("This request cannot be answered", f'<p role="alert">{escape(message)}</p>', 400)


def _page(title: str, body: str, status: int) -> Response:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(title)}</h1>{body}<p>A local tenant, for tests only.</p></body></html>"
    )
    return Response(status=status, headers=_HEADERS, body=html.encode())


def redirect(location: str, headers: Mapping[str, str] = {}) -> Response:
    """Send the browser elsewhere."""
    return Response(status=302, headers={"location": location, "cache-control": "no-store", **headers})
