"""The instant that the service, the journal and Python's own time share: the latest that was seen in the page."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import freezegun

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# pytest's durations and Playwright's and the loop's time-outs are real ones.
REAL_TIME_MODULES = ["_pytest.timing", "playwright.", "asyncio.", "concurrent.futures.", "harness.real_time"]


class ServiceClock:
    """Service time. It only ever goes forward, by what the browser reports; nobody else sets it."""

    def __init__(self, start: datetime) -> None:
        self._milliseconds = (start - EPOCH) / timedelta(milliseconds=1)
        self._move_python: Callable[[datetime], None] | None = None

    def now(self) -> datetime:
        """Service time as an aware UTC datetime, to the millisecond."""
        return EPOCH + timedelta(milliseconds=self._milliseconds)

    def see(self, milliseconds: float) -> None:
        """Page time was seen to be this many milliseconds since 1970."""
        if milliseconds > self._milliseconds:
            self._milliseconds = float(int(milliseconds))
            if self._move_python:
                self._move_python(self.now().replace(tzinfo=None))

    @contextlib.contextmanager
    def followed_by_python(self) -> Iterator[None]:
        """Within the block `datetime.now()`, `time.time()` and the like read service time, everywhere in this process."""
        freezer = freezegun.freeze_time(self.now().replace(tzinfo=None), real_asyncio=True, ignore=REAL_TIME_MODULES)
        self._move_python = freezer.start().move_to
        try:
            yield
        finally:
            self._move_python = None
            freezer.stop()
