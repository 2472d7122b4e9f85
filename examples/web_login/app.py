"""A web application whose users log in and out by Auth0: the pages of Starlette, and a signed cookie.

    $ pip install 'anyauth0[local]' starlette itsdangerous uvicorn
    $ python examples/web_login/app.py

It runs on an embedded tenant, which has one user, or on yours: set AUTH0_DOMAIN, AUTH0_CLIENT_ID and
AUTH0_CLIENT_SECRET, and allow its application the callback http://localhost:3000/callback and the logout URL
http://localhost:3000/. PORT is where it listens, AUTH0_HOME the address at which browsers reach it, and
APP_KEY a key of `Fernet.generate_key()`, with which sessions outlive the process.
"""

import os
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from html import escape

import uvicorn
from cryptography.fernet import Fernet, InvalidToken
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from anyauth0 import (
    AsyncAuthenticationClient,
    Auth0Error,
    AuthorizationRequest,
    Options,
    ServerError,
    TransportError,
    Unauthorized,
)
from anyauth0_transports.local import LocalTenant, serve

# How long a user may take to log in, and stays logged in; seconds.
LOGIN, SESSION = 600, 8 * 3600


def web_app(options: Options, *, home: str, key: bytes) -> Starlette:
    """Return the application at `home`; `key` signs its cookie, and seals what is secret there."""
    auth = AsyncAuthenticationClient(**options)
    # A signature keeps a cookie from being changed, not from being read.
    seal = Fernet(key)

    async def front(request: Request) -> Response:
        user = request.session.get("user")
        if user is None:
            return page("Welcome", '<p>You are not logged in.</p><p><a href="/login">Log in</a></p>')
        # Not a link: that other sites could make a browser follow.
        out = '<form method="post" action="/logout"><button>Log out</button></form>'
        name = user["name"] or user["sub"]
        return page(f"Welcome, {name}", f'<p><a href="/profile">Your profile</a></p>{out}')

    async def login(request: Request) -> Response:
        pending = await auth.authorize(redirect_uri=f"{home}callback")
        request.session["login"] = seal.encrypt(pending.to_bytes()).decode()
        return RedirectResponse(pending.url, 303)

    async def callback(request: Request) -> Response:
        try:
            # Whatever comes of it, it is used once.
            pending = seal.decrypt(request.session.pop("login", ""), ttl=LOGIN)
        except InvalidToken:
            why = "No login is under way here: it was finished before, took too long, or began elsewhere."
            return problem(why, 400)
        tokens = (await auth.complete(AuthorizationRequest.from_bytes(pending), str(request.url))).data
        request.session.clear()
        request.session["user"] = {name: tokens.claims.get(name) for name in ("sub", "name", "sid")}
        request.session["token"] = seal.encrypt(tokens.access_token.encode()).decode()
        return RedirectResponse("/", 303)

    async def profile(request: Request) -> Response:
        if "user" not in request.session:
            return RedirectResponse("/login", 303)
        token = seal.decrypt(request.session["token"]).decode()
        try:
            user = (await auth.user_info.get(token, expected_subject=request.session["user"]["sub"])).data
        except Unauthorized:
            # The token is over, or was revoked.
            request.session.clear()
            return RedirectResponse("/login", 303)
        rows = {"Name": user.name, "E-mail": user.email, "Id": user.sub}
        items = "".join(f"<dt>{name}</dt><dd>{escape(value or '')}</dd>" for name, value in rows.items())
        return page("Your profile", f'<dl>{items}</dl><p><a href="/">Back</a></p>')

    async def logout(request: Request) -> Response:
        # An ID token as the hint would fill the cookie; the id of its session serves as well.
        session_id = request.session.get("user", {}).get("sid")
        request.session.clear()
        url = auth.urls.oidc_logout(logout_hint=session_id, post_logout_redirect_uri=home)
        return RedirectResponse(url, 303)

    async def failed(request: Request, error: Exception) -> Response:
        return problem(str(error), 502 if isinstance(error, TransportError | ServerError) else 400)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None, None]:
        async with auth:
            yield

    return Starlette(
        routes=[
            Route("/", front),
            Route("/login", login),
            Route("/callback", callback),
            Route("/profile", profile),
            Route("/logout", logout, methods=["POST"]),
        ],
        middleware=[
            Middleware(
                SessionMiddleware,
                secret_key=key.decode(),
                max_age=SESSION,
                same_site="lax",
                https_only=home.startswith("https:"),
            )
        ],
        # What such an error says holds no secret: it may be shown.
        exception_handlers={Auth0Error: failed},
        lifespan=lifespan,
    )


def problem(why: str, status: int) -> Response:
    """Return the page that says why something did not work."""
    body = f'<p role="alert">{escape(why)}</p><p><a href="/login">Log in</a> or <a href="/">go back</a>.</p>'
    return page("That did not work", body, status)


def page(title: str, body: str, status: int = 200) -> Response:
    """Return a page that nobody keeps, or frames."""
    html = f'<!doctype html><html lang="en"><title>{escape(title)}</title><h1>{escape(title)}</h1>{body}'
    headers = {
        "cache-control": "no-store",
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    }
    return HTMLResponse(html, status, headers)


@contextmanager
def tenant(home: str) -> Generator[Options, None, None]:
    """Return the options that reach your tenant, or an embedded one that is served meanwhile."""
    if os.environ.get("AUTH0_DOMAIN"):
        names = ("AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET")
        if missing := [name for name in names if not os.environ.get(name)]:
            sys.exit(f"Set {' and '.join(missing)} too, or none of {', '.join(names)}.")
        domain, client_id, client_secret = (os.environ[name] for name in names)
        yield {"domain": domain, "client_id": client_id, "client_secret": client_secret}
        return
    with LocalTenant() as local, serve(local) as server:
        client = local.add_client(callbacks=[f"{home}callback"], allowed_logout_urls=[home])
        local.add_user(email="jane@example.com", password="correct-Horse-9", name="Jane Doe")
        print("Log in as jane@example.com with correct-Horse-9.")
        print("Your browser warns of the tenant's certificate, which was made just now.")
        yield {
            "domain": server.domain,
            "client_id": client["client_id"],
            "client_secret": client["client_secret"],
            "tls": server.tls,
        }


def main() -> None:
    """Serve the application until Ctrl-C."""
    port = int(os.environ.get("PORT", "3000"))
    home = os.environ.get("AUTH0_HOME", f"http://localhost:{port}/")
    key = os.environ.get("APP_KEY", "").encode() or Fernet.generate_key()
    with suppress(KeyboardInterrupt), tenant(home) as options:
        print(f"Open {home}; Ctrl-C stops it.", flush=True)
        # The address of a callback holds a code, which belongs into no log.
        uvicorn.run(web_app(options, home=home, key=key), port=port, log_level="warning", access_log=False)
    print("Stopped.")


if __name__ == "__main__":
    main()
