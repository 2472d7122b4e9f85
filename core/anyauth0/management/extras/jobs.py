"""Jobs to their end: wait for one without asking too often."""

from collections.abc import Callable

from ...endpoint import Mode, operation
from ...errors import InvalidArgumentError, TransportTimeout
from ...flow import Flow, sleep
from ..jobs import Job
from ..jobs import Jobs as GeneratedJobs

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_GROWTH = 1.5


class Jobs(GeneratedJobs[Mode]):
    """Import and export users, send verification mails: work that goes on after the call."""

    __slots__ = ()

    @operation
    def wait(
        self, id: str, /, *, timeout: float | None = None, progress: Callable[[Job], object] | None = None
    ) -> Flow[Job]:
        """Wait until a job is done and return it: its `status` is `"completed"` or `"failed"`.

        It is asked for at once, then after half a second, then less and less often, every 10 s at last.
        `progress` is called with each answer. `timeout` is in seconds, for the whole wait; by default it
        has no end. What became of each row is in `jobs.get_errors`.

        GET /jobs/{id}. Scopes: those of `jobs.get`. Raises `TransportTimeout` when the time is up; the job
        goes on all the same.
        """
        if timeout is not None and timeout <= 0:
            raise InvalidArgumentError("timeout", 'jobs.wait: "timeout" must be a number of seconds above 0')
        clock = self._core.options.clock
        start, pause = clock(), _FIRST_PAUSE
        while True:
            job = (yield from GeneratedJobs.get.flow(self, id)).data
            if progress is not None:
                progress(job)
            if job.status in _DONE:
                return job
            if timeout is not None and clock() + pause > start + timeout:
                raise TransportTimeout(
                    f"the job is still {job.status or 'unfinished'} after nearly {timeout:g} s; "
                    "it goes on, wait for it again",
                    request_sent=True,
                )
            yield from sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)


_DONE = frozenset({"completed", "failed"})
