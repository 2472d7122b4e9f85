"""A caller of the tenant's Management API that knows nothing of the SDK."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from anyauth0 import Request, Response
from anyauth0_transports.local import LocalTenant


class Api:
    """Sends bare requests to the Management API, with every scope there is unless told otherwise."""

    def __init__(self, tenant: LocalTenant, scope: str | None = None) -> None:
        self.tenant = tenant
        self.token = tenant.tokens.access_token(
            {"client_id": tenant.client_id},
            subject="test", audience=[tenant.management_audience], gty="client-credentials", lifetime=3600,
            scope=" ".join(tenant.management_scopes()) if scope is None else scope,
        )  # fmt: skip

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Response:
        url = f"https://{self.tenant.domain}/api/v2{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        request = Request(method=method, url=url, headers=headers, body=content)
        return self.tenant.transport().send(request)

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        response = self.send(method, path, body, **query)
        return response.status, json.loads(response.body or b"null")


@pytest.fixture
def api(tenant: LocalTenant) -> Api:
    return Api(tenant)


@pytest.fixture
def api_with(tenant: LocalTenant) -> Callable[[str], Api]:
    """Return a function that makes a caller of these scopes only."""
    return lambda scope: Api(tenant, scope)


@pytest.fixture
def at() -> Callable[[Any], str]:
    """Return a function that gives the path of a user."""
    return lambda user: f"/users/{quote(user['user_id'], safe='')}"
