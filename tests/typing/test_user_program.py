"""The user program runs on the embedded tenant, and reaches at least thirty resources on the way."""

import asyncio
import runpy
from collections.abc import Iterator
from inspect import getmembers
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import ManagementClient, Options, Resource
from anyauth0.management._tree import Tree
from anyauth0_transports.local import LocalTenant

PROGRAM: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("user_program.py")))


@pytest.fixture
def tenant() -> Iterator[LocalTenant]:
    tenant = LocalTenant()
    yield tenant
    tenant.close()


@pytest.fixture
def options(tenant: LocalTenant) -> Options:
    return {
        "domain": tenant.domain,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "transport": "local",
        # An answer that does not fit its model must not pass for one that does.
        "strict": True,
    }


def resource_of_each_endpoint(options: Options) -> dict[str, str]:
    """Return the name of the resource by the `repr` of what its class has: `<endpoint GET /users>`."""
    found: dict[str, str] = {}
    with ManagementClient(**options) as management:
        for name in [name for name in vars(Tree) if not name.startswith("_")]:
            resource: Resource[Any] = getattr(management, name)
            members: list[tuple[str, object]] = getmembers(type(resource))
            found |= {repr(each): name for _, each in members}
    return found


def test_the_program_sets_up_a_tenant_and_reaches_thirty_resources(options: Options) -> None:
    resources = resource_of_each_endpoint(options)
    answered = {f"<endpoint {call}>" for call, status in PROGRAM["main"](options).calls if status < 300}
    reached = {resources[call] for call in answered & resources.keys()}
    assert len(reached) >= 30


def test_the_asyncio_half_of_the_program_reaches_every_user(tenant: LocalTenant, options: Options) -> None:
    for name in ("a", "b", "c"):
        tenant.add_user(email=f"{name}@acme.example")
    assert asyncio.run(PROGRAM["main_async"](options)) == 3
