"""The instant that the service, the journal and Python's own time share: the latest that was seen in the page."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import freezegun

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

# pytest's durations and Playwright's and the loop's time-outs are real ones.
REAL_TIME_MODULES = ["_pytest.timing", "playwright.", "asyncio.", "concurrent.futures.", "harness.clock.real_time"]


class ServiceClock:
    """Service time. It only ever goes forward, by what the browser reports; nobody else sets it.

    `page_ahead` is by how much the page's own clock is fast (or, negative, slow).
    """

    def __init__(self, start: datetime, page_ahead: timedelta = timedelta(0)) -> None:
        self._milliseconds = (start - EPOCH) / MILLISECOND
        self._page_ahead = page_ahead / MILLISECOND
        self.slept = 0.0
        """For how many milliseconds the machine has slept: its wall clock went on meanwhile, virtual time did not."""
        self._move_python: Callable[[datetime], None] | None = None

    def now(self) -> datetime:
        """Service time as an aware UTC datetime, to the millisecond."""
        return EPOCH + timedelta(milliseconds=self._milliseconds)

    def service_time(self, page_milliseconds: float) -> datetime:
        """When it was by service time that page time was so many milliseconds since 1970."""
        return EPOCH + timedelta(milliseconds=self._of_service(page_milliseconds))

    def see(self, page_milliseconds: float) -> None:
        """Page time was seen to be this many milliseconds since 1970."""
        self._go_on_to(self._of_service(page_milliseconds))

    def _of_service(self, page_milliseconds: float) -> float:
        return page_milliseconds + self.slept - self._page_ahead

    def sleep(self, milliseconds: float) -> None:
        """The machine sleeps for so long."""
        self.slept += milliseconds
        self._go_on_to(self._milliseconds + milliseconds)

    def _go_on_to(self, milliseconds: float) -> None:
        if milliseconds > self._milliseconds:
            self._milliseconds = float(int(milliseconds))
            if self._move_python:
                self._move_python(self.now().replace(tzinfo=None))

    @property
    def page_milliseconds(self) -> float:
        """The latest page time that was seen, in milliseconds since 1970: virtual time."""
        return self.wall_milliseconds - self.slept

    @property
    def wall_milliseconds(self) -> float:
        """What the page's `Date` says then."""
        return self._milliseconds + self._page_ahead

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
