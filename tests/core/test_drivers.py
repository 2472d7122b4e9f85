"""The two drivers: they perform the same flows in the same way, one thing at a time where it is asked for."""

import asyncio
import gc
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from anyauth0 import Request, Response, TransportError
from anyauth0.aio import AsyncDriver
from anyauth0.blocking import BlockingDriver
from anyauth0.flow import Flow, exclusive, perform, send, sleep

from .fakes import Asynchronous, Kind, json

MANY = 200
REQUEST = Request(method="GET", url="https://t/")


def driver(kind: Kind, *script: Any) -> Any:
    return (AsyncDriver if kind.asynchronous else BlockingDriver)(kind.transport(script))  # type: ignore[arg-type]


def run(kind: Kind, flow: Flow[Any], *script: Any) -> Any:
    made = driver(kind, *script)
    return kind.do(lambda: made.run(flow))


def run_many(kind: Kind, made: Any, flows: list[Flow[Any]]) -> list[Any]:
    """Run the flows all at the same time: in threads or in tasks."""
    if kind.asynchronous:

        async def main() -> list[Any]:
            return await asyncio.gather(*(made.run(flow) for flow in flows))

        return asyncio.run(main())
    together = threading.Barrier(len(flows))

    def start(flow: Flow[Any]) -> Any:
        together.wait(30)
        return made.run(flow)

    with ThreadPoolExecutor(len(flows)) as pool:
        return list(pool.map(start, flows))


def test_every_effect_is_performed_and_its_result_sent_back(kind: Kind) -> None:
    def flow() -> Flow[list[Any]]:
        return [
            (yield from send(REQUEST)).status,
            (yield from sleep(0)),
            (yield from perform(lambda: "own")),
            (yield from exclusive("key", send(REQUEST))).status,
        ]

    assert run(kind, flow(), json({}, 201), json({}, 202)) == [201, None, "own", 202]


def test_an_error_of_the_transport_is_raised_in_the_flow_at_the_place_of_the_effect(kind: Kind) -> None:
    def flow() -> Flow[Any]:
        try:
            yield from send(REQUEST)
        except TransportError as error:
            response = yield from send(REQUEST)
            return error.request_sent, response.status

    failure = TransportError("down; try again", request_sent=True)
    assert run(kind, flow(), failure, json({}, 200)) == (True, 200)


def test_an_error_that_the_flow_does_not_catch_comes_out_as_it_is(kind: Kind) -> None:
    failure = TransportError("down; try again", request_sent=False)
    with pytest.raises(TransportError) as caught:
        run(kind, exclusive("key", send(REQUEST)), failure)
    assert caught.value is failure


def test_an_error_out_of_an_exclusive_section_is_raised_around_it_and_frees_the_lock(kind: Kind) -> None:
    def bad() -> Flow[Any]:
        yield from sleep(0)
        raise LookupError("bad")

    def flow() -> Flow[Any]:
        try:
            yield from exclusive("key", bad())
        except LookupError:
            return (yield from exclusive("key", perform(lambda: "free")))

    assert run(kind, flow()) == "free"


def test_of_two_hundred_one_at_a_time_holds_the_lock_of_a_key(kind: Kind) -> None:
    inside: list[int] = []
    most: list[int] = []

    def section(number: int) -> Flow[int]:
        inside.append(number)
        most.append(len(inside))
        yield from sleep(0)
        most.append(len(inside))
        inside.remove(number)
        return number

    flows = [exclusive("key", section(number)) for number in range(MANY)]
    assert run_many(kind, driver(kind), flows) == list(range(MANY))
    assert len(most) == 2 * MANY
    assert max(most) == 1


def test_locks_of_different_keys_are_held_at_the_same_time(kind: Kind) -> None:
    if kind.asynchronous:
        both: Any = asyncio.Barrier(2)

        def meet() -> Flow[Any]:
            return perform(asynchronous=lambda: asyncio.wait_for(both.wait(), 30))
    else:
        both = threading.Barrier(2)

        def meet() -> Flow[Any]:
            return perform(lambda: both.wait(30))

    # If they excluded each other, neither would ever find the other at the barrier.
    found = run_many(kind, driver(kind), [exclusive(key, meet()) for key in ("one", "two")])
    assert sorted(found) == [0, 1]


def test_an_exclusive_section_may_hold_another_of_another_key(kind: Kind) -> None:
    assert run(kind, exclusive("one", exclusive("two", perform(lambda: 7)))) == 7


def test_a_flow_may_be_over_before_its_first_effect(kind: Kind) -> None:
    def flow() -> Flow[str]:
        return "over"
        yield

    assert run(kind, flow()) == "over"
    assert run(kind, exclusive("key", flow())) == "over"


@pytest.mark.parametrize("place", ["request", "perform", "exclusive"])
def test_an_interrupt_closes_the_flow_frees_the_lock_and_comes_out(kind: Kind, place: str) -> None:
    closed: list[str] = []
    made = driver(kind)

    def interrupt(*_: object) -> Any:
        raise KeyboardInterrupt

    def flow() -> Flow[None]:
        try:
            if place == "request":
                made.transport.script.append(interrupt)
                yield from send(REQUEST)
            else:
                yield from perform(asynchronous=as_async(interrupt), blocking=interrupt)
        except Exception:
            closed.append("an interrupt is no Exception")
        finally:
            closed.append("closed")

    whole = exclusive("key", flow()) if place == "exclusive" else flow()
    with pytest.raises(KeyboardInterrupt):
        kind.do(lambda: made.run(whole))
    assert closed == ["closed"]
    assert kind.do(lambda: made.run(exclusive("key", perform(lambda: "free")))) == "free"


def as_async(function: Callable[[], Any]) -> Callable[[], Any]:
    async def call() -> Any:
        return function()

    return call


def test_a_flow_that_is_never_begun_leaves_no_warning(kind: Kind) -> None:
    made = driver(kind)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flow = made.run(send(REQUEST)) if kind.asynchronous else send(REQUEST)
        flow.close()
        del flow
        gc.collect()
    assert made.transport.requests == []


def test_perform_runs_the_function_of_the_kind_of_the_driver(kind: Kind) -> None:
    async def asynchronous() -> str:
        return "asynchronous"

    both = perform(lambda: "blocking", asynchronous)
    assert run(kind, both) == ("asynchronous" if kind.asynchronous else "blocking")


def test_a_blocking_function_does_not_stop_the_event_loop(kind: Kind) -> None:
    where: list[threading.Thread] = []
    run(kind, perform(lambda: where.append(threading.current_thread())))
    assert (where[0] is threading.main_thread()) is not kind.asynchronous


def test_what_the_driver_cannot_perform_is_an_error_in_the_flow(kind: Kind) -> None:
    async def asynchronous() -> None:
        return None

    def flow() -> Flow[str]:
        try:
            yield from perform(asynchronous=None if kind.asynchronous else asynchronous)
        except TypeError as error:
            return str(error)
        return "performed"

    assert "function" in run(kind, flow())


def test_a_cancelled_task_closes_its_flow_and_frees_the_lock() -> None:
    made = AsyncDriver(Asynchronous())
    closed: list[str] = []

    async def main() -> str:
        started = asyncio.Event()

        async def forever() -> None:
            started.set()
            await asyncio.Event().wait()

        def flow() -> Flow[None]:
            try:
                yield from perform(asynchronous=forever)
            except Exception:
                closed.append("a cancellation is no Exception")
            finally:
                closed.append("closed")

        task = asyncio.create_task(made.run(exclusive("key", flow())))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        free: str = await made.run(exclusive("key", perform(lambda: "free")))
        return free

    assert asyncio.run(main()) == "free"
    assert closed == ["closed"]


def test_a_task_cancelled_while_it_waits_for_the_lock_leaves_it_to_the_next() -> None:
    made = AsyncDriver(Asynchronous())

    async def main() -> list[str]:
        done: list[str] = []
        holding, go = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            holding.set()
            await go.wait()

        first = asyncio.create_task(made.run(exclusive("key", perform(asynchronous=hold))))
        await holding.wait()
        second = asyncio.create_task(made.run(exclusive("key", perform(lambda: done.append("second")))))
        third = asyncio.create_task(made.run(exclusive("key", perform(lambda: done.append("third")))))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, third)
        with pytest.raises(asyncio.CancelledError):
            await second
        return done

    assert asyncio.run(main()) == ["third"]


def test_one_driver_serves_several_event_loops_and_lets_go_of_those_that_are_closed(kind: Kind) -> None:
    made = driver(kind)

    def section(number: int) -> Flow[int]:
        yield from sleep(0)
        return number

    for _ in range(3):
        assert run_many(kind, made, [exclusive("key", section(n)) for n in range(10)]) == list(range(10))
    if kind.asynchronous:
        assert len(made._locks) == 1, "a loop that is closed is let go when the next one comes"


def test_one_driver_serves_two_event_loops_at_the_same_time(kind: Kind) -> None:
    made = driver(kind)
    with ThreadPoolExecutor(2) as pool:
        flows = [[exclusive("key", send(REQUEST)) for _ in range(20)] for _ in range(2)]
        found = list(pool.map(lambda some: run_many(kind, made, some), flows))
    assert [len(some) for some in found] == [20, 20]
    assert all(isinstance(response, Response) for some in found for response in some)


def test_a_sleep_lasts_as_long_as_it_says(kind: Kind) -> None:
    start = time.monotonic()
    run(kind, sleep(0.05))
    assert 0.045 <= time.monotonic() - start < 5
