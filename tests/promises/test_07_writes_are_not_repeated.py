"""Promise 7: a write is never repeated blindly; `request_sent` tells, and the policy is for the rest."""

from typing import Any

import pytest

from anyauth0 import (
    ApiError,
    AuthenticationClient,
    Call,
    Conflict,
    ManagementClient,
    Resource,
    RetryPolicy,
    ServerError,
    TransportError,
    TransportTimeout,
    endpoint,
)
from anyauth0.endpoint import EndpointFacts, Mode

from ..core.fakes import Answer, Kind, Thing, json
from ..management.catalogue import LISTED

RETRIES = 2
REPEATED = {"GET", "PUT", "DELETE"}
METHODS = ["POST", "PATCH", *sorted(REPEATED)]
LATE = TransportTimeout("late; wait", request_sent=True)
BROKEN = TransportError("broken; look", request_sent=True)
UNSENT = TransportError("refused; look", request_sent=False)
NO_TIME = TransportTimeout("no connection in time; wait", request_sent=False)


class Writes(Resource[Mode]):
    """One call for each method."""

    @endpoint("POST", "/things")
    def post(self) -> Call[Thing]:
        return Call(Thing, json={"name": "a"})

    @endpoint("PATCH", "/things")
    def patch(self) -> Call[Thing]:
        return Call(Thing, json={"name": "a"})

    @endpoint("PUT", "/things")
    def put(self) -> Call[Thing]:
        return Call(Thing, json={"name": "a"})

    @endpoint("DELETE", "/things")
    def delete(self) -> Call[Thing]:
        return Call(Thing)

    @endpoint("GET", "/things")
    def get(self) -> Call[Thing]:
        return Call(Thing)


def outcome(kind: Kind, method: str, *script: Answer, retry: Any = None) -> tuple[Any, int]:
    """Return what a call of that method comes to, and how many requests it made."""
    transport = kind.transport(script, otherwise=json({"id": "a"}))
    policy = RetryPolicy(retries=RETRIES, first_delay=0) if retry is None else retry
    client = kind.management_client(transport, retry=policy)
    try:
        result = kind.do(getattr(Writes(client._core), method.lower()))
    except (ApiError, TransportError) as error:
        result = error
    bodies = {request.body for request in transport.requests}
    assert len(bodies) == 1, "it was sent again, and otherwise"
    return result, len(transport.requests)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (json({}, status=500), ServerError), (json({}, status=408), ApiError),
        (LATE, TransportTimeout), (BROKEN, TransportError),
    ],
    ids=["500", "408", "timeout", "broken"],
)  # fmt: skip
def test_what_the_server_may_have_done_is_done_once(
    kind: Kind, method: str, failure: Answer, expected: type[Exception]
) -> None:
    error, requests = outcome(kind, method, *[failure] * 9)
    assert isinstance(error, expected)
    assert getattr(error, "request_sent", True)
    assert requests == (1 + RETRIES if method in REPEATED else 1)
    if method in REPEATED:
        assert outcome(kind, method, failure)[0].data.id == "a"


@pytest.mark.parametrize("method", METHODS)
def test_a_conflict_is_never_tried_again(kind: Kind, method: str) -> None:
    error, requests = outcome(kind, method, *[json({}, status=409)] * 9)
    assert isinstance(error, Conflict)
    assert requests == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("failure", [UNSENT, NO_TIME], ids=["refused", "no connection in time"])
def test_what_did_not_leave_may_be_sent_again_whatever_it_is(
    kind: Kind, method: str, failure: TransportError
) -> None:
    error, requests = outcome(kind, method, *[failure] * 9)
    assert error is failure
    assert not error.request_sent
    assert requests == 1 + RETRIES
    assert outcome(kind, method, failure)[0].data.id == "a"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_the_server_did_not_do_may_be_sent_again_whatever_it_is(
    kind: Kind, method: str, status: int
) -> None:
    error, requests = outcome(kind, method, *[json({}, status=status)] * 9)
    assert error.status == status
    assert requests == 1 + RETRIES


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("failure", [json({}, status=503), LATE, UNSENT], ids=["503", "timeout", "refused"])
def test_without_a_policy_nothing_is_sent_again(kind: Kind, method: str, failure: Answer) -> None:
    assert outcome(kind, method, *[failure] * 9, retry=False)[1] == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_failure_after_an_attempt_that_did_not_leave_is_the_last_one(kind: Kind, method: str) -> None:
    error, requests = outcome(kind, method, UNSENT, json({}, status=503), LATE, json({}))
    assert error is LATE
    assert requests == 3
    error, requests = outcome(kind, method, UNSENT, LATE)
    assert error.request_sent
    assert requests == 2


def test_a_token_that_is_refused_is_no_reason_to_write_twice(kind: Kind) -> None:
    # A server that does not know the caller has done nothing; what comes of the second is final.
    token = json({"access_token": "t", "expires_in": 9})
    transport = kind.transport([token, json({}, status=401), token, json({}, status=500)])
    client = kind.management_client(transport, token=None, client_id="app", client_secret="s", retry=True)
    with pytest.raises(ServerError):
        kind.do(Writes(client._core).post)
    assert [url.rpartition("/")[2] for url in transport.urls] == ["token", "things"] * 2


# Every operation


def test_an_operation_may_be_repeated_as_its_method_says() -> None:
    with ManagementClient(domain="t.example", token="t") as client:
        for operation in LISTED:
            facts = getattr(type(getattr(client, operation["resource"])), operation["name"])
            assert isinstance(facts, EndpointFacts)
            assert facts.method == operation["method"], facts
            assert facts.idempotent is (operation["method"] in REPEATED), facts


def test_of_the_authentication_api_one_post_may_be_repeated_which_changes_nothing() -> None:
    repeated: set[str] = set()
    seen = 0
    with AuthenticationClient(domain="t.example", client_id="app") as client:
        names = [name for name in dir(type(client)) if isinstance(getattr(type(client), name), property)]
        for resource in names:
            for name, facts in vars(type(getattr(client, resource))).items():
                if isinstance(facts, EndpointFacts):
                    seen += 1
                    if facts.method not in REPEATED and facts.idempotent:
                        repeated.add(f"{resource}.{name}")
    assert seen > 30
    assert repeated == {"oauth.client_credentials_grant"}
