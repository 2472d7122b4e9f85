"""Flows by themselves: composing and translating them, without a driver or with the smallest there is."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from anyauth0 import Request, Response
from anyauth0.flow import (
    Effect,
    Exclusive,
    Flow,
    Handler,
    Perform,
    Sleep,
    compose,
    exclusive,
    perform,
    send,
    sleep,
    translate,
)


def request(url: str = "https://t/") -> Request:
    return Request(method="GET", url=url)


def run(flow: Flow[Any], answer: Callable[[Effect], Any]) -> Any:
    """Perform a flow, every effect by `answer`, and the flow of an `Exclusive` in the same way."""
    try:
        effect = next(flow)
        while True:
            if isinstance(effect, Exclusive):
                effect = flow.send(run(effect.flow, answer))
                continue
            try:
                result = answer(effect)
            except Exception as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(result)
    except StopIteration as stop:
        return stop.value


def test_each_helper_yields_its_effect_and_returns_what_it_is_sent() -> None:
    def flow() -> Flow[tuple[Any, ...]]:
        answer = yield from send(request())
        pause = yield from sleep(3)
        mine = yield from perform(lambda: "never called")
        inner = yield from exclusive("key", perform(lambda: "never called"))
        return answer, pause, mine, inner

    seen: list[type] = []

    def answer(effect: Effect) -> Any:
        seen.append(type(effect))
        return None if isinstance(effect, Sleep) else len(seen)

    assert run(flow(), answer) == (1, None, 3, 4)
    assert seen == [Request, Sleep, Perform, Perform]


def test_an_effect_does_not_show_what_its_function_was_made_of() -> None:
    assert repr(Perform(partial(print, "canary"))) == "<Perform>"


def test_the_first_middleware_is_the_outermost() -> None:
    order: list[str] = []

    def layer(name: str) -> Callable[[Request, Handler], Flow[Response]]:
        def middleware(request: Request, inner: Handler) -> Flow[Response]:
            order.append(f"{name} in")
            response = yield from inner(request.with_headers({name: str(len(request.headers))}))
            order.append(f"{name} out")
            return response

        return middleware

    sent: list[Request] = []

    def answer(effect: Any) -> Response:
        sent.append(effect)
        return Response(status=200)

    response = run(compose([layer("a"), layer("b")])(request()), answer)
    assert response.status == 200
    assert order == ["a in", "b in", "b out", "a out"]
    assert sent[0].headers == {"a": "0", "b": "1"}


def test_without_middleware_the_handler_is_what_was_given() -> None:
    assert compose([]) is send
    assert compose([], send) is send


def test_middleware_may_send_twice_or_not_at_all() -> None:
    def twice(request: Request, inner: Handler) -> Flow[Response]:
        yield from inner(request)
        return (yield from inner(request))

    def never(request: Request, inner: Handler) -> Flow[Response]:
        return Response(status=299)
        yield

    count = iter(range(100))
    assert run(compose([twice, twice])(request()), lambda _: Response(status=next(count))).status == 3
    assert run(compose([never])(request()), lambda _: pytest.fail("nothing is sent")).status == 299


def away(effect: Effect) -> Effect:
    return request("https://elsewhere/") if isinstance(effect, Request) else effect


def test_translate_changes_every_effect_also_within_exclusive_sections_of_exclusive_sections() -> None:
    seen: list[Any] = []

    def answer(effect: Effect) -> str:
        seen.append(effect)
        return "answer"

    def inner() -> Flow[Any]:
        yield from sleep(1)
        return (yield from send(request()))

    flow = exclusive("outer", exclusive("inner", inner()))
    assert run(translate(flow, away), answer) == "answer"
    assert seen == [Sleep(1), request("https://elsewhere/")]


def test_what_translate_refuses_is_raised_at_the_place_of_the_effect_and_can_be_caught_there() -> None:
    def refuse(effect: Effect) -> Effect:
        if isinstance(effect, Sleep):
            raise LookupError("no sleep")
        return effect

    def flow() -> Flow[Any]:
        try:
            yield from sleep(1)
        except LookupError as error:
            return str(error), (yield from send(request()))

    assert run(translate(flow(), refuse), lambda _: "sent") == ("no sleep", "sent")
    with pytest.raises(LookupError, match="no sleep"):
        run(translate(exclusive("key", sleep(1)), refuse), lambda _: None)


def test_an_error_of_the_driver_reaches_the_translated_flow_at_the_place_of_the_effect() -> None:
    def flow() -> Flow[Any]:
        try:
            yield from send(request())
        except OSError as error:
            return f"caught {error}"

    def fail(effect: Effect) -> Any:
        raise OSError("down")

    assert run(translate(flow(), away), fail) == "caught down"


def test_closing_a_translated_flow_closes_the_flow_in_it() -> None:
    closed: list[str] = []

    def flow() -> Flow[None]:
        try:
            yield from sleep(1)
        finally:
            closed.append("closed")

    translated = translate(flow(), away)
    next(translated)
    translated.close()
    assert closed == ["closed"]


def test_a_flow_that_returns_without_any_effect_is_translated_to_its_result() -> None:
    def flow() -> Flow[str]:
        return "at once"
        yield

    assert run(translate(flow(), away), lambda _: None) == "at once"
