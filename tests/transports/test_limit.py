"""The time limit of an attempt over aiohttp is that of `asyncio.timeout`, whoever else cancels the task."""

import asyncio
from typing import Any

import pytest

from anyauth0_transports._limit import Limit


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()


def test_what_takes_too_long_is_ended_and_the_task_goes_on() -> None:
    async def main() -> int:
        with pytest.raises(TimeoutError), Limit(0.001):
            await _forever()
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    assert asyncio.run(main()) == 0


def test_what_is_done_in_time_is_left_alone() -> None:
    async def main() -> list[asyncio.TimerHandle]:
        with Limit(60), Limit(None):
            await asyncio.sleep(0)
        loop: Any = asyncio.get_running_loop()
        return [each for each in loop._scheduled if not each.cancelled()]

    assert asyncio.run(main()) == []


@pytest.mark.parametrize("seconds", [60, None])
def test_the_cancellation_of_somebody_else_stays_one(seconds: float | None) -> None:
    async def limited() -> None:
        with Limit(seconds):
            await _forever()

    async def main() -> bool:
        task = asyncio.create_task(limited())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_where_both_come_together_the_task_is_cancelled() -> None:
    async def limited() -> None:
        task = asyncio.current_task()
        assert task is not None
        # It is called in the turn in which the time is over, after the limit.
        asyncio.get_running_loop().call_later(0, task.cancel)
        with Limit(-1):
            await _forever()

    async def main() -> bool:
        task = asyncio.create_task(limited())
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(main())


def test_the_outer_limit_ends_what_the_inner_one_would_not() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError), Limit(0.001), Limit(60):
            await _forever()

    asyncio.run(main())


def test_without_a_task_it_says_so() -> None:
    async def main() -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def begin() -> None:
            try:
                Limit(1)
            except RuntimeError as error:
                done.set_exception(error)

        asyncio.get_running_loop().call_soon(begin)
        with pytest.raises(RuntimeError, match="needs a task"):
            await done

    asyncio.run(main())
