"""What the blocks of the page on verified tokens find: requests, in each framework, and a Redis."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any, TypeAlias

import httpx
import pytest
from redis import Redis

from anyauth0 import DPoPAuth, DPoPKey
from anyauth0.verification import AccessTokenVerifier, TokenError

from ..authentication.processes import redis_server
from .blocks_stage import PageStage
from .exchanges import EVENT, Sessions

Names: TypeAlias = dict[str, Any]


def verification(stage: PageStage) -> Iterator[Names]:
    tenant, url = stage.tenant, "https://api.example.com/notes"
    audience = "https://api.example.com/"
    tenant.add_api(audience, ["read:notes"])

    def token(typ: str, aud: str, **claims: object) -> str:
        now = int(tenant.clock())
        times = {"iss": tenant.issuer, "aud": aud, "iat": now, "exp": now + 60}
        return tenant.tokens.sign({**times, "sub": "auth0|1", **claims}, typ=typ)

    good = token("at+jwt", audience, azp="app", scope="read:notes", my_claim=1, org_id="org_1")
    logout = token("logout+jwt", tenant.client_id, sid="s1", jti="j1", events={EVENT: {}})
    headers = {"Authorization": f"Bearer {good}"}
    request = SimpleNamespace(method="GET", url=url, headers=headers, form={"logout_token": logout})
    sessions = Sessions()

    def over(transport: Callable[[Any], Any]) -> Callable[[], None]:
        def check() -> None:
            answers = [asked(transport(stage.names["app"]), url, given) for given in (headers, {})]
            assert [answer.status_code for answer in answers] == [200, 401]
            assert answers[0].json() == {"user": "auth0|1"}
            assert "www-authenticate" in answers[1].headers
            # Flask has a name for it as well.
            stage.names["request"] = request

        return check

    def django() -> None:
        # Here, because it takes long to import.
        from django.conf import settings
        from django.core.handlers.wsgi import WSGIHandler
        from django.test import override_settings
        from django.urls import path

        if not settings.configured:
            settings.configure()
        # Django finds views and middleware by the names of modules.
        page = ModuleType("page_of_django")
        vars(page).update(stage.names, urlpatterns=[path("notes", stage.names["notes"])])
        stage.patch.setitem(sys.modules, page.__name__, page)
        middleware = [f"{page.__name__}.RefuseTokens"]
        with override_settings(ROOT_URLCONF=page.__name__, MIDDLEWARE=middleware, ALLOWED_HOSTS=["*"]):
            stage.names["app"] = WSGIHandler()
            over(httpx.WSGITransport)()

    def replays_are_seen() -> None:
        store = stage.names["RedisReplayStore"]()
        kind = partial(AccessTokenVerifier, domain=tenant.domain, audience=audience, replay_store=store)
        key = DPoPKey.generate()
        bound = token("at+jwt", audience, cnf={"jkt": key.thumbprint})
        proved = DPoPAuth(key, bound).headers("GET", url)
        kind().verify_request("GET", url, proved)
        with pytest.raises(TokenError, match="used before"):
            kind().verify_request("GET", url, proved)

    stage.checks = {
        "from starlette": over(httpx.ASGITransport),
        "from fastapi": over(httpx.ASGITransport),
        "from flask": over(httpx.WSGITransport),
        "from django": django,
        "class RedisReplayStore": replays_are_seen,
    }
    with redis_server() as server, Redis.from_url(server.url) as redis:
        yield {
            "request": request,
            "redis": redis,
            "sessions": sessions,
            "token": token("JWT", tenant.client_id, nonce="n1"),
            "nonce": "n1",
        }
    assert sessions.ended == ["s1"]
    assert stage.names["claims"]["nonce"] == "n1"


def asked(transport: Any, url: str, headers: dict[str, str]) -> httpx.Response:
    """Return what an application answers."""
    if isinstance(transport, httpx.WSGITransport):
        with httpx.Client(transport=transport) as client:
            return client.get(url, headers=headers)

    async def main() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get(url, headers=headers)

    return asyncio.run(main())
