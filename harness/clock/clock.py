"""The clock that a test uses. Page, frames, service, tokens and Python's own clock read the same instant from it."""

from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from harness.base.durations import Duration, duration
from harness.base.errors import UsageError
from harness.clock.service_clock import ServiceClock
from harness.clock.virtual_time import VirtualTime

Run = Callable[[Coroutine[Any, Any, Any]], Any]
"""A function that runs a coroutine on the engine's loop and returns its result."""
MILLISECOND = timedelta(milliseconds=1)


class Clock:
    """The clock of one page. The clock advances virtual time during calls, and pauses while a request is pending."""

    def __init__(self, time: VirtualTime, service: ServiceClock, run: Run) -> None:
        self._time, self._service, self._run = time, service, run

    @property
    def now(self) -> datetime:
        """Service time: an aware UTC datetime."""
        return self._service.now()

    def advance(self, length: Duration) -> None:
        """Advance by a `timedelta`, or by a string with a unit ("90min", "24h").

        Raises `DurationError` for anything else, `ClockStuck` when no answer comes for a minute of real time.
        """
        self._run(self._time.advance(duration(length) / MILLISECOND))

    def advance_to(self, instant: datetime) -> None:
        """Advance until service time is `instant`, an aware datetime that is not in the past.

        Raises `UsageError` for a naive datetime or an instant in the past.
        """
        if not isinstance(instant, datetime):
            raise UsageError(
                f"{instant!r} is not an instant; give an aware datetime, such as clock.now + timedelta(minutes=5)."
            )
        if instant.tzinfo is None:
            raise UsageError(
                f"{instant} has no time zone, so it names no instant; give an aware one, such as "
                "clock.now + timedelta(minutes=5) or datetime(..., tzinfo=timezone.utc)."
            )
        if instant < self.now:
            raise UsageError(f"{instant} has gone by: it is {self.now}, and time does not run backwards.")
        self.advance(instant - self.now)

    def advance_until(self, happened: Callable[[], object], within: Duration, every: Duration = "1s") -> timedelta:
        """Advance until `happened()` returns a true value.

        `happened` is called now, and after each `every` of virtual time.

        Returns the virtual time that this took. Raises `AssertionError` if `happened()` returned no true value `within`
        that time.
        """
        step, limit, passed = duration(every), duration(within), timedelta(0)
        while not happened():
            if passed >= limit:
                raise AssertionError(
                    f"The condition did not become true within {limit} of virtual time (it is {self.now:%H:%M:%S} UTC)."
                )
            self.advance(min(step, limit - passed))
            passed += step
        return passed
