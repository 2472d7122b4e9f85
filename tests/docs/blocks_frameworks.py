"""Stands in for the web frameworks of the pages that are not installed: as much of each as a page uses."""

import inspect
import json
import sys
import typing
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

Handler = Callable[..., Awaitable[Any]]


class Depends:
    """What `fastapi.Depends` is: a function whose result a handler is given."""

    def __init__(self, dependency: Handler) -> None:
        self.dependency = dependency


class FastAPI(Starlette):
    """What the page uses of `fastapi.FastAPI`: handlers by a decorator, each with one dependency."""

    def get(self, path: str) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            async def answer(request: Request) -> JSONResponse:
                given = {}
                for name in inspect.signature(handler).parameters:
                    annotation = inspect.get_annotations(handler)[name]
                    _, depends = typing.get_args(annotation)
                    given[name] = await depends.dependency(request)
                return JSONResponse(await handler(**given))

            self.add_route(path, answer)
            return handler

        return register


class DjangoJsonResponse:
    """What the page uses of `django.http.JsonResponse`."""

    def __init__(self, data: object, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.content = json.dumps(data).encode()
        self.status_code = status
        self.headers = headers or {}


def frameworks(patch: pytest.MonkeyPatch) -> None:
    """Let FastAPI and Django be imported: the real ones where they are installed."""
    if find_spec("fastapi") is None:
        _offer(patch, "fastapi", FastAPI=FastAPI, Depends=Depends, Request=Request)
    if find_spec("django") is None:
        _offer(patch, "django")
        _offer(patch, "django.http", JsonResponse=DjangoJsonResponse)
    else:
        from django.conf import settings

        if not settings.configured:
            settings.configure()


def _offer(patch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    module = ModuleType(name)
    vars(module).update(members)
    patch.setitem(sys.modules, name, module)
