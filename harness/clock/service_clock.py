"""Service time: the instant that the service, the journal and Python's own clock share."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import freezegun

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant from which virtual time is counted."""
MILLISECOND = timedelta(milliseconds=1)

REAL_TIME_MODULES = ["_pytest.timing", "playwright.", "asyncio.", "concurrent.futures.", "harness.clock.real_time"]
"""The modules that read real time while Python's own clock follows service time: pytest's durations and all timeouts
are real."""


class ServiceClock:
    """Service time, which never goes back. The browser's reports of virtual time advance service time."""

    def __init__(self, start: datetime, page_ahead: timedelta = timedelta(0)) -> None:
        """Start at `start`. `page_ahead` is the time by which the page's own clock is fast (negative: slow)."""
        self._service_ms = (start - EPOCH) / MILLISECOND
        self._page_ahead_ms = page_ahead / MILLISECOND
        self.slept_ms = 0.0
        """Milliseconds for which the machine has slept. The wall clock advanced by these, virtual time did not."""
        self._move_python: Callable[[datetime], None] | None = None

    def now(self) -> datetime:
        """Return service time as an aware UTC datetime, to the millisecond."""
        return EPOCH + timedelta(milliseconds=self._service_ms)

    def service_time(self, virtual_milliseconds: float) -> datetime:
        """Return the service time at which virtual time is `virtual_milliseconds` since 1970."""
        return EPOCH + timedelta(milliseconds=self._service_ms_at(virtual_milliseconds))

    def see(self, virtual_milliseconds: float) -> None:
        """Advance to a virtual time that was read, in milliseconds since 1970. An earlier one changes nothing."""
        self._advance_to(self._service_ms_at(virtual_milliseconds))

    def _service_ms_at(self, virtual_milliseconds: float) -> float:
        return virtual_milliseconds + self.slept_ms - self._page_ahead_ms

    def sleep(self, milliseconds: float) -> None:
        """Advance by the sleep of the machine: its wall clock advances, virtual time does not."""
        self.slept_ms += milliseconds
        self._advance_to(self._service_ms + milliseconds)

    def _advance_to(self, service_ms: float) -> None:
        if service_ms > self._service_ms:
            self._service_ms = float(int(service_ms))
            if self._move_python:
                self._move_python(self.now().replace(tzinfo=None))

    @property
    def virtual_milliseconds(self) -> float:
        """The latest virtual time that was read, in milliseconds since 1970."""
        return self.wall_milliseconds - self.slept_ms

    @property
    def wall_milliseconds(self) -> float:
        """The latest page time that was read, as the page's `Date` says it, in milliseconds since 1970."""
        return self._service_ms + self._page_ahead_ms

    @contextlib.contextmanager
    def followed_by_python(self) -> Iterator[None]:
        """Let `datetime.now()`, `time.time()` and the like return service time within the block.

        This holds for all modules of this process except `REAL_TIME_MODULES`.
        """
        freezer = freezegun.freeze_time(self.now().replace(tzinfo=None), real_asyncio=True, ignore=REAL_TIME_MODULES)
        self._move_python = freezer.start().move_to
        try:
            yield
        finally:
            self._move_python = None
            freezer.stop()
