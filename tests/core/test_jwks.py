"""The key set of an issuer: which key is taken, and how seldom it is fetched."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from anyauth0.aio import AsyncDriver
from anyauth0.blocking import BlockingDriver
from anyauth0.errors import (
    ApiError,
    AuthenticationApiError,
    ConfigurationError,
    DecodingError,
    NotFound,
    TransportError,
    TransportTimeout,
    api_error,
)
from anyauth0.flow import Flow, send
from anyauth0.jose import JoseError, SigningKey, VerifyingKey, generate_key, public_jwk
from anyauth0.jwks import JwksCache
from anyauth0.messages import Request, Response

URL = "https://tenant.example/.well-known/jwks.json"
RSA, OTHER_RSA, EC = generate_key("RS256"), generate_key("RS256"), generate_key("ES256")


def key_set(*keys: object, cache_control: str | None = None) -> Response:
    headers = {} if cache_control is None else {"cache-control": cache_control}
    return Response(status=200, headers=headers, body=msgspec.json.encode({"keys": keys}))


def jwk(key: SigningKey, kid: str | None = None, **members: Any) -> dict[str, Any]:
    return {**public_jwk(key, kid=kid), **members}


class Server:
    """Answers `answer`, or raises it, counts the requests, and has a clock that stands still by itself."""

    def __init__(self, *keys: object, cache_control: str | None = None) -> None:
        self.answer: Response | Exception = key_set(*keys, cache_control=cache_control)
        self.now = 1_000_000.0
        self.fetches = 0
        self.meanwhile: Callable[[], object] = lambda: None
        self.driver = BlockingDriver(self)
        self.cache = JwksCache(URL, self.fetch, clock=lambda: self.now)

    def fetch(self) -> Flow[Response]:
        return (yield from send(Request(method="GET", url=URL)))

    def send(self, request: Request, /) -> Response:
        assert request.url == URL
        self.fetches += 1
        self.meanwhile()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self) -> None: ...

    def find(self, kid: object = None, alg: object = "RS256") -> VerifyingKey:
        header = {"alg": alg} if kid is None else {"alg": alg, "kid": kid}
        return self.driver.run(self.cache.find(header))


def test_a_key_is_found_by_its_id_and_fetched_once() -> None:
    server = Server(jwk(RSA, "one"), jwk(OTHER_RSA, "two"), jwk(EC, "three"))
    assert server.fetches == 0
    for kid, alg, key in (("one", "RS256", RSA), ("two", "RS512", OTHER_RSA), ("three", "ES256", EC)):
        found = server.find(kid, alg)
        assert found.kid == kid
        assert found.numbers() == key.verifying_key.numbers()
    assert server.fetches == 1


def test_an_id_is_no_help_to_a_key_of_another_kind() -> None:
    server = Server(jwk(RSA, "one", alg="RS256"), jwk(EC, "two"))
    for kid, alg in (("two", "RS256"), ("one", "ES256"), ("one", "PS256"), ("one", "HS256"), ("one", "none")):
        with pytest.raises(JoseError) as caught:
            server.find(kid, alg)
        assert caught.value.rule == "key"


def test_of_two_keys_with_one_id_the_one_that_fits_is_taken() -> None:
    server = Server(jwk(EC, "same"), jwk(RSA, "same"), jwk(OTHER_RSA, "same"))
    assert server.find("same").numbers() == RSA.verifying_key.numbers()
    assert server.find("same", "ES256").kind == "EC P-256"


def test_without_an_id_only_the_single_key_that_fits_is_taken() -> None:
    server = Server(jwk(RSA, "one"), jwk(EC, "two"))
    assert server.find().kid == "one"
    assert server.find(alg="ES256").kid == "two"
    server = Server(jwk(RSA, "one"), jwk(OTHER_RSA))
    for kid in (None, "two"):
        with pytest.raises(JoseError) as caught:
            server.find(kid)
        assert caught.value.rule == "key"
    assert server.find("one").kid == "one"


@pytest.mark.parametrize("kid", [5, ["one"], {}, True, ""])
def test_an_id_that_is_no_text_finds_nothing(kid: object) -> None:
    server = Server(jwk(RSA, "one"))
    with pytest.raises(JoseError) as caught:
        server.find(kid)
    assert caught.value.rule == "key"


def test_an_id_that_is_no_text_is_refused_without_a_request() -> None:
    server = Server(jwk(RSA, "one"))
    for kid, alg in ((["one"], "RS256"), ("one", None), ("one", ["RS256"])):
        with pytest.raises(JoseError):
            server.find(kid, alg)
    assert server.fetches == 0


def test_a_bad_key_among_good_ones_is_passed_over() -> None:
    bad: list[Any] = [
        None, 5, [], {}, {"kty": "oct", "k": "AAAA", "kid": "one"}, {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        jwk(RSA, "one", use="enc"), jwk(RSA, "one", alg="RSA-OAEP"), {"kty": "EC", "crv": "P-521"},
    ]  # fmt: skip
    server = Server(*bad, jwk(OTHER_RSA, "one"))
    assert server.find("one").numbers() == OTHER_RSA.verifying_key.numbers()
    assert server.find().kid == "one"


def test_of_a_key_set_without_end_a_hundred_keys_are_read() -> None:
    server = Server(*[jwk(EC, "many")] * 99, jwk(RSA, "one"), jwk(OTHER_RSA, "two"))
    assert server.find("one").kid == "one"
    with pytest.raises(JoseError):
        server.find("two")


@pytest.mark.parametrize(
    ("cache_control", "seconds"),
    [
        (None, 600), ("", 600), ("public", 600), ("x-max-age=90", 600), ("max-age=abc", 600),
        ("max-age=-1", 600), ("public, max-age=900", 900), ("Max-Age=120,private", 120),
        ('max-age="300"', 300), ("s-maxage=90", 600),
        ("public, max-age=15, stale-while-revalidate=15, stale-if-error=86400", 60), ("max-age=0", 60),
        ("max-age=31536000", 3600), ("max-age=9999999999999999", 3600),
    ],
)  # fmt: skip
def test_keys_are_kept_as_long_as_the_server_says_within_reason(
    cache_control: str | None, seconds: float
) -> None:
    server = Server(jwk(RSA, "one"), cache_control=cache_control)
    server.find("one")
    server.now += seconds - 0.01
    server.find("one")
    assert server.fetches == 1
    server.now += 0.02
    server.find("one")
    assert server.fetches == 2


def test_ten_thousand_unknown_ids_cost_one_fetch_per_half_minute() -> None:
    server = Server(jwk(RSA, "one"))
    server.find("one")
    start = server.now
    for number in range(10_000):
        server.now = start + 30 + number * 0.006
        with pytest.raises(JoseError) as caught:
            server.find(f"unknown {number}")
        assert caught.value.rule == "key"
    assert server.now - start < 90
    assert server.fetches == 3
    assert server.find("one").kid == "one"


def test_a_key_that_came_with_a_rotation_is_fetched_after_half_a_minute_at_the_latest() -> None:
    server = Server(jwk(RSA, "old"))
    server.find("old")
    server.answer = key_set(jwk(RSA, "old"), jwk(OTHER_RSA, "new"))
    server.now += 29.9
    with pytest.raises(JoseError):
        server.find("new")
    server.now += 0.2
    assert server.find("new").kid == "new"
    assert server.fetches == 2


def test_a_key_that_was_withdrawn_is_gone_with_the_next_fetch() -> None:
    server = Server(jwk(RSA, "old"))
    server.find("old")
    server.answer = key_set(jwk(OTHER_RSA, "new"))
    server.now += 601
    with pytest.raises(JoseError):
        server.find("old")


def not_found() -> ApiError:
    return api_error(AuthenticationApiError, Response(status=404), call="GET /.well-known/jwks.json")


FAILURES = [
    TransportError("no answer", request_sent=False),
    TransportTimeout("no answer in time", request_sent=True),
    not_found(),
    Response(status=200, body=b"<html>"),
    Response(status=200, body=b'{"keys": {}}'),
    Response(status=200, body=b"[]"),
    key_set(),
    key_set({"kty": "oct", "k": "AAAA"}),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_while_the_server_is_down_known_keys_stay_good_for_a_day(failure: Response | Exception) -> None:
    server = Server(jwk(RSA, "one"))
    server.find("one")
    start = server.now
    server.answer = failure
    for hour in range(1, 24):
        server.now = start + hour * 3600
        assert server.find("one").kid == "one"
        assert server.find("one").kid == "one"
        assert server.fetches == 1 + hour
    server.now = start + 86_399
    assert server.find("one").kid == "one"
    server.now = start + 86_401
    expected = type(failure) if isinstance(failure, Exception) else DecodingError
    with pytest.raises(expected):
        server.find("one")
    server.answer = key_set(jwk(RSA, "one"))
    server.now += 1
    assert server.find("one").kid == "one"


def test_a_failed_fetch_is_not_repeated_for_half_a_minute_while_there_are_keys() -> None:
    server = Server(jwk(RSA, "one"))
    server.find("one")
    server.answer = TransportError("no answer", request_sent=False)
    server.now += 700
    for _ in range(100):
        server.find("one")
    assert server.fetches == 2
    # An unknown id may be that of a new key, so the failure is the answer, not "no such key".
    for _ in range(100):
        with pytest.raises(TransportError):
            server.find("two")
    assert server.fetches == 2
    server.now += 31
    server.find("one")
    assert server.fetches == 3


def test_time_that_a_failing_fetch_takes_does_not_use_up_the_half_minute() -> None:
    server = Server(jwk(RSA, "one"))
    server.find("one")
    server.answer = TransportTimeout("no answer in time", request_sent=True)
    server.now += 700

    def take_long() -> None:
        server.now += 40

    server.meanwhile = take_long
    server.find("one")
    server.find("one")
    assert server.fetches == 2


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
def test_without_any_key_a_failed_fetch_is_the_answer_for_a_second(failure: Response | Exception) -> None:
    server = Server(jwk(RSA, "one"))
    good, server.answer = server.answer, failure
    raised = []
    for count in (1, 2):
        for _ in range(1000):
            with pytest.raises(type(failure) if isinstance(failure, Exception) else DecodingError) as caught:
                server.find("one")
            raised.append(caught.value)
        assert server.fetches == count
        server.now += 1
    server.answer = good
    assert server.find("one").kid == "one"
    assert len({id(error) for error in raised}) == 2000
    assert all("again in 1 s" in str(error) and error.__cause__ is not None for error in raised)


@pytest.mark.parametrize("keys", [0, 1])
def test_a_failure_says_when_the_next_fetch_is_due_and_stays_one_sentence(keys: int) -> None:
    server = Server(*[jwk(RSA, "one")] * keys)
    if keys:
        server.find("one")
        server.now += 30
    server.answer = TransportError("no answer " * 100, request_sent=False)
    for elapsed, seconds in ((0, 30), (0.5, 30), (5.5, 24)) if keys else ((0, 1), (0.5, 1)):
        server.now += elapsed
        with pytest.raises(TransportError, match=f"again in {seconds} s$") as caught:
            server.find("two")
        assert len(str(caught.value)) <= 300
        assert str(caught.value.__cause__).startswith("no answer no answer")
        assert "again in" not in str(caught.value.__cause__)


def test_who_waited_for_a_failed_fetch_shares_it_however_late_the_turn_comes() -> None:
    server = Server()
    server.answer = TransportError("no answer", request_sent=False)
    flows = [server.cache.find({"alg": "RS256", "kid": "one"}) for _ in range(2)]
    waiting = [next(flow).flow for flow in flows]
    for inner in waiting:
        server.driver.run(inner)
        server.now += 10
    for flow in flows:
        with pytest.raises(TransportError, match="no answer"):
            flow.send(None)
    assert server.fetches == 1


def test_time_that_a_failing_fetch_takes_does_not_use_up_the_second() -> None:
    server = Server()
    server.answer = TransportTimeout("no answer in time", request_sent=True)

    def take_long() -> None:
        server.now += 40

    server.meanwhile = take_long
    for _ in range(2):
        with pytest.raises(TransportTimeout):
            server.find("one")
    assert server.fetches == 1


def test_a_clock_that_was_set_back_does_not_make_a_failure_last() -> None:
    server = Server(jwk(RSA, "one"))
    good, server.answer = server.answer, TransportError("no answer", request_sent=False)
    with pytest.raises(TransportError):
        server.find("one")
    server.answer = good
    server.now -= 10_000
    assert server.find("one").kid == "one"


def test_a_failure_is_forgotten_with_the_next_good_answer() -> None:
    server = Server(jwk(RSA, "one"))
    good, server.answer = server.answer, TransportError("no answer", request_sent=False)
    with pytest.raises(TransportError):
        server.find("one")
    server.answer = good
    server.now += 1
    server.find("one")
    with pytest.raises(JoseError):
        server.find("two")


def test_the_error_of_an_answer_keeps_its_status() -> None:
    server = Server()
    server.answer = not_found()
    with pytest.raises(NotFound) as caught:
        server.find("one")
    assert caught.value.status == 404


def test_an_unknown_exception_is_not_swallowed_and_does_not_block_the_next_fetch() -> None:
    server = Server(jwk(RSA, "one"))
    good, server.answer = server.answer, ConfigurationError("tls", "no such file")
    with pytest.raises(ConfigurationError):
        server.find("one")
    server.answer = good
    assert server.find("one").kid == "one"


def test_a_fetch_that_was_cancelled_is_no_attempt() -> None:
    server = Server(jwk(RSA, "one"))
    server.find("one")
    server.now += 31
    flow = server.cache.find({"alg": "RS256", "kid": "two"})
    inner = next(flow).flow
    next(inner)
    inner.close()
    flow.close()
    server.answer = key_set(jwk(OTHER_RSA, "two"))
    assert server.find("two").kid == "two"


def test_a_clock_that_was_set_back_does_not_stop_fetching() -> None:
    server = Server(jwk(RSA, "one"))
    server.find("one")
    server.now -= 10_000
    server.answer = key_set(jwk(OTHER_RSA, "two"))
    assert server.find("two").kid == "two"
    assert server.fetches == 2


def in_threads(count: int, work: Callable[[], object]) -> list[object]:
    results: list[object] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(results) == count
    return results


class Counted(JwksCache):
    """Says when a flow has found no key and is about to ask for the lock."""

    arrived: Callable[[], object]

    def _refresh(self, attempts: int) -> Flow[None]:
        self.arrived()
        return super()._refresh(attempts)


def hold_until_all_ask(server: Server, count: int) -> None:
    """Let the first fetch go on only when `count` flows have asked for a key."""
    arrived = threading.Semaphore(0)
    server.cache = cache = Counted(URL, server.fetch, clock=lambda: server.now)
    cache.arrived = arrived.release

    def wait() -> None:
        for _ in range(count):
            assert arrived.acquire(timeout=10)

    server.meanwhile = wait


def test_many_threads_that_need_the_keys_make_one_request() -> None:
    server = Server(jwk(RSA, "one"))
    hold_until_all_ask(server, 40)
    found = in_threads(40, lambda: server.find("one").kid)
    assert found == ["one"] * 40
    assert server.fetches == 1


def test_many_threads_share_one_failure() -> None:
    server = Server()
    server.answer = TransportError("no answer", request_sent=False)
    hold_until_all_ask(server, 40)
    errors = in_threads(40, lambda: server.find("one"))
    assert {type(error) for error in errors} == {TransportError}
    assert len({id(error) for error in errors}) == 40
    assert server.fetches == 1


def test_many_tasks_that_need_the_keys_make_one_request() -> None:
    fetches: list[Request] = []

    class Transport:
        async def send(self, request: Request, /) -> Response:
            fetches.append(request)
            await asyncio.sleep(0)
            return key_set(jwk(RSA, "one"))

        async def close(self) -> None: ...

    async def main() -> list[VerifyingKey]:
        driver = AsyncDriver(Transport())
        cache = JwksCache(URL, Server().fetch, clock=lambda: 0.0)
        header = {"alg": "RS256", "kid": "one"}
        return await asyncio.gather(*(driver.run(cache.find(header)) for _ in range(100)))

    assert {key.kid for key in asyncio.run(main())} == {"one"}
    assert len(fetches) == 1


def test_nobody_waits_for_a_fetch_while_the_old_keys_will_do() -> None:
    server = Server(jwk(RSA, "one"))
    server.find("one")
    server.now += 700
    seen: list[object] = []

    def meanwhile() -> None:
        seen.extend(in_threads(1, lambda: server.find("one").kid))

    server.meanwhile = meanwhile
    assert server.find("one").kid == "one"
    assert seen == ["one"]
    assert server.fetches == 2


def test_its_repr_shows_the_url_and_no_key() -> None:
    assert repr(Server(jwk(RSA, "one")).cache) == f"<JwksCache of {URL}>"


def test_a_key_is_held_as_long_as_it_is_fresh_and_needs_no_flow() -> None:
    server = Server(jwk(RSA, "one"), jwk(EC))
    header = {"alg": "RS256", "kid": "one"}
    assert server.cache.held(header) is None
    key = server.find("one")
    assert server.cache.held(header) is key
    assert server.cache.held({"alg": "ES256"}) is server.find(None, "ES256")
    for odd in (
        {"kid": "one", "alg": "ES256"},
        {"kid": ["one"], "alg": "RS256"},
        {"kid": "two", "alg": "RS256"},
    ):
        assert server.cache.held(odd) is None
    server.now += 599
    assert server.cache.held(header) is key
    server.now += 1
    assert server.cache.held(header) is None
    server.now -= 601
    assert server.cache.held(header) is None, "a clock that was set back makes no key last"
    assert server.fetches == 1
