"""The log: a line for each call and each attempt, and no secret in any of them."""

import logging
import re
from typing import Any

import pytest

from anyauth0 import (
    ApiError,
    ConfigurationError,
    ManagementClient,
    Request,
    Response,
    TransportError,
    hookimpl,
)
from anyauth0.flow import compose, send
from anyauth0_plugins import logging as plugin


def read(client: Any) -> Any:
    return client.user_info.get("canary-token")


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return level and message of each record, without the time."""
    shown = [f"{record.levelname} {record.getMessage()}" for record in caplog.records]
    return [re.sub(r"\d+\.\d{3} s", "_ s", line) for line in shown]


def test_a_call_and_each_of_its_attempts_have_a_line(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "anyauth0")
    world.answers(
        Response(status=429, headers={"x-auth0-requestid": "1"}),
        TransportError("refused", request_sent=False),
        Response(status=200, headers={"x-auth0-requestid": "3"}, body=b"{}"),
    )
    read(world.client())
    target = "tenant.eu.auth0.com GET /userinfo"
    assert lines(caplog) == [
        f"DEBUG attempt {target}: 429 in _ s, id 1",
        f"DEBUG attempt {target}: TransportError after _ s",
        f"DEBUG attempt {target}: 200 in _ s, id 3",
        f"INFO call {target}: 200 in _ s, id 3",
    ]


def test_at_info_there_is_one_line_for_a_call(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "anyauth0")
    world.answers(503, 400)
    with pytest.raises(ApiError):
        read(world.client())
    assert lines(caplog) == ["INFO call tenant.eu.auth0.com GET /userinfo: 400 in _ s, id -"]


def test_the_id_of_a_request_is_short_and_forges_no_line(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "anyauth0")
    forged = "1\nINFO call forged\x1b[2J\u2028" + "9" * 10_000
    world.answers(Response(status=200, headers={"x-auth0-requestid": forged}, body=b"{}"))
    read(world.client())
    for line in lines(caplog):
        assert line.isprintable()
        assert "id 1\\nINFO" in line
        assert len(line) < 250


def test_the_user_is_not_bothered_unless_he_asks(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert logging.getLogger("anyauth0").level == logging.NOTSET
    world.answers(503)
    read(world.client())
    assert caplog.records == []


def test_the_time_taken_is_measured_by_a_clock_that_never_jumps(
    world: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plugin, "monotonic", world.clock)
    caplog.set_level(logging.DEBUG, "anyauth0")
    world.answers(world.takes(1.5, Response(status=503, headers={"retry-after": "2"})), world.takes(0.25))
    read(world.client())
    assert re.findall(r"in ([\d.]+) s", caplog.text) == ["1.500", "0.250", "3.750"]


@pytest.mark.parametrize("error", [ValueError("canary"), ConfigurationError("token", "canary")])
def test_an_error_of_any_kind_has_a_line_with_its_kind_only(
    world: Any, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    caplog.set_level(logging.INFO, "anyauth0")
    world.answers(error)
    with pytest.raises(type(error)):
        read(world.client())
    assert lines(caplog) == [f"INFO call tenant.eu.auth0.com GET /userinfo: {type(error).__name__} after _ s"]


def test_a_call_that_is_given_up_has_no_line_and_does_not_complain(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "anyauth0")
    options = world.client()._core.options
    flow = compose(
        [*plugin.anyauth0_middleware(options), *plugin.anyauth0_attempt_middleware(options)], send
    )(Request(method="GET", url="https://t.auth0.com/"))
    next(flow)
    flow.close()
    assert caplog.records == []


def test_messages_are_put_together_only_when_they_are_wanted(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "anyauth0")
    read(world.client())
    (record,) = caplog.records
    assert "%" in record.msg
    assert record.args


def test_no_secret_is_logged(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    class Mine:
        @hookimpl
        def anyauth0_middleware(self, options: object) -> list[Any]:
            return [lambda request, inner: inner(request.with_headers({"x-canary": "canary-layer"}))]

    answer = Response(
        status=503,
        headers={"set-cookie": "canary-cookie", "retry-after": "0"},
        body=b'{"error": "canary-error"}',
    )
    client = world.client(
        headers={"authorization": "canary-mine", "cookie": "canary-cookie", "x-canary-name": "canary"},
        extra_body={"canary": "canary"},
        plugins=[Mine()],
    )
    calls = [
        lambda: read(client),
        lambda: client.oauth.refresh_token_grant(refresh_token="canary-refresh"),
        lambda: client.database.sign_up(email="canary@b.c", password="canary-password", connection="db"),
    ]
    for call in calls:
        world.answers(answer, TransportError("canary-url", request_sent=False), answer)
        call()
    assert len(caplog.records) >= 3 * 5
    assert "canary" not in caplog.text
    assert not [record for record in caplog.records if "canary" in str(record.args)]


def test_a_line_names_the_template_and_not_what_the_caller_put_into_it(
    world: Any, caplog: pytest.LogCaptureFixture
) -> None:
    from anyauth0 import Call, Resource, Sync, endpoint

    class Things(Resource[Sync]):
        @endpoint("GET", "/things/{id}")
        def get(self, id: str, /, *, q: str) -> Call[Any]:
            return Call(Any, path=(id,), query={"q": q})

    caplog.set_level(logging.INFO, "anyauth0")
    management = ManagementClient(domain="tenant.eu.auth0.com", token="canary-token", transport=world)
    Things(management._core).get("canary-id", q="canary-query")
    assert lines(caplog) == ["INFO call tenant.eu.auth0.com GET /things/{id}: 200 in _ s, id -"]
