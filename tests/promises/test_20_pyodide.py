"""Promise 20: it runs in Pyodide, under Node and in Chromium, over the `fetch` of docs/odd-places.md."""

import json
import re
import textwrap
from typing import Any

import pytest

from anyauth0 import AuthenticationClient
from anyauth0_transports.local import LocalTenant, serve

from ..transports.servers import unused_port
from .pyodide_hosts import HOSTS, ROOT, job

PAGE = (ROOT / "docs" / "odd-places.md").read_text().partition("## Pyodide\n")[2]
BLOCK = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)[0]

# Each goes on where the one before it ended, and leaves what is to be known of it in `result`.
PIECES = {
    "place": """
        import js, sys, threading, warnings
        from importlib.util import find_spec
        warnings.simplefilter("error")
        result = [hasattr(js, "document"), sys.platform, find_spec("urllib3"), find_spec("aiohttp")]
        try:
            threading.Thread(target=print).start()
        except RuntimeError as error:
            result.append(str(error))
    """,
    "page": f"{BLOCK}\nresult = user.email",
    "many": """
        from anyauth0 import *
        who = dict(domain=domain, client_id=client_id, client_secret=client_secret, transport=fetch)
        rows = [{"connection": "email", "email": f"{name}@example.com"} for name in ("eve", "kim")]
        async with AsyncManagementClient(**who) as management:
            made = [each.result().status async for each in management.map(management.users.create, rows)]
            found = [user.email async for user in management.users.get_all.iter(per_page=2)]
        result = [made, sorted(found)]
    """,
    "token": """
        async with AsyncAuthenticationClient(**who) as auth:
            granted = (await auth.oauth.client_credentials_grant(audience=f"https://{domain}/api/v2/")).data
        result = granted.token_type
    """,
    "blocking": """
        given = dict(domain=domain, token=lambda: granted.access_token, transport=fetch)
        async with AsyncManagementClient(**given) as management:
            result = (await management.users.get(user_id)).data.email
    """,
    "secret": """
        async def refusal(call):
            try:
                await call()
            except Auth0Error as error:
                return [[each.__name__ for each in type(error).__mro__], str(error)]

        async with AsyncAuthenticationClient(**who | {"client_secret": "not-it"}) as auth:
            result = await refusal(lambda: auth.oauth.client_credentials_grant(audience="https://api.example"))
    """,
    "nobody": """
        async def got(user_id, **changes):
            options = dict(domain=domain, token=token, transport=fetch, retry=False) | changes
            async with AsyncManagementClient(**options) as management:
                return await refusal(lambda: management.users.get(user_id))

        result = await got(user_id, domain=nobody)
    """,
    "slow": "result = await got('slow', timeout=0.2)",
    "moved": "result = await got('moved')",
}


@pytest.fixture(scope="module", params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def results(host: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run all pieces in one Pyodide, which takes seconds to start, and return what came of each."""
    folder = tmp_path_factory.mktemp("pyodide")
    with LocalTenant() as tenant, serve(tenant) as server:
        user_id = tenant.add_user(email="ada@example.com")["user_id"]
        tenant.faults.delay(30, path="/api/v2/users/slow")
        tenant.faults.add(302, path="/api/v2/users/moved", headers={"location": "/api/v2/users"})
        who = {"domain": server.domain, "client_id": tenant.client_id, "client_secret": tenant.client_secret}
        with AuthenticationClient(transport="local", **who) as auth:
            token = auth.oauth.client_credentials_grant(audience=tenant.management_audience).data.access_token
        names = {**who, "user_id": user_id, "token": token, "nobody": f"localhost:{unused_port()}"}
        given = "import json\n" + "".join(f"{name} = {value!r}\n" for name, value in names.items())
        pieces = {
            name: textwrap.dedent(code) + "\njson.dumps(result)"
            for name, code in {"given": f"{given}result = None", **PIECES}.items()
        }
        (folder / "ca.pem").write_bytes(server.ca_pem)
        told = HOSTS[host](job(folder, pieces), server.url, folder / "ca.pem")
    return {name: text if text.startswith("failed: ") else json.loads(text) for name, text in told.items()}


def test_the_place_is_what_it_is_called(host: str, results: dict[str, Any]) -> None:
    in_a_page = host == "Chromium"
    assert results["place"] == [in_a_page, "emscripten", None, None, "can't start new thread"]


def test_the_code_of_the_page_makes_a_management_call(results: dict[str, Any]) -> None:
    assert results["page"] == "ada@example.com"


def test_a_token_call_gets_a_token_that_is_good(results: dict[str, Any]) -> None:
    assert results["token"] == "Bearer"
    # By a function that blocks: what blocks runs in a thread elsewhere.
    assert results["blocking"] == "ada@example.com"


def test_many_calls_and_pages_work(results: dict[str, Any]) -> None:
    assert results["many"] == [[201, 201], ["ada@example.com", "eve@example.com", "kim@example.com"]]


def test_a_wrong_secret_is_the_error_of_the_api(results: dict[str, Any]) -> None:
    classes, message = results["secret"]
    assert classes[:2] == ["Unauthorized", "AuthenticationApiError"]
    assert message.startswith("POST /oauth/token answered 401 access_denied")


def test_what_fetch_cannot_reach_is_a_transport_error(results: dict[str, Any]) -> None:
    assert results["nobody"][0][0] == "TransportError"


def test_what_takes_too_long_is_a_timeout(results: dict[str, Any]) -> None:
    assert results["slow"][0][0] == "TransportTimeout"


def test_no_redirect_is_followed(host: str, results: dict[str, Any]) -> None:
    classes, message = results["moved"]
    assert classes[0] == "ManagementApiError"
    # A browser does not tell a page which redirect it was.
    assert f"answered {0 if host == 'Chromium' else 302}" in message
