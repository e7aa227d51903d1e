"""The clock's knowledge of virtual time, in milliseconds since 1970."""

import asyncio

from harness.browser.devtools import DevToolsSession
from harness.browser.errors import DevToolsError, PageGone
from harness.clock import scripts, time_limits
from harness.clock.errors import ClockStuck
from harness.clock.page_loss import PageLoss
from harness.clock.service_clock import ServiceClock
from harness.clock.time_limits import RealTimeLimits

GONE_CONTEXT = (
    "Cannot find context",
    "Execution context was destroyed",
    "Inspected target navigated",
    "uniqueContextId",
)
"""Parts of the browser's error messages for a document that a navigation has replaced."""
READ_ATTEMPTS = 100
"""Attempts to read virtual time while navigations replace the document."""


class TimeReading:
    """A reader of virtual time, which remembers the reading while virtual time does not pass."""

    def __init__(self, page: DevToolsSession, clock: ServiceClock, limits: RealTimeLimits, page_loss: PageLoss) -> None:
        self._page, self._clock, self._limits, self._page_loss = page, clock, limits, page_loss
        self._is_paused = False
        self._known_ms: float | None = None
        self.latest_ms: float | None = None
        """The latest virtual time possible after a step, if nobody has read virtual time since; else None."""

    def resume(self) -> None:
        """Note that virtual time passes from now on."""
        self._is_paused, self._known_ms, self.latest_ms = False, None, None

    def pause(self) -> None:
        """Note that virtual time does not pass until the next budget."""
        self._is_paused = True

    def set_known(self, now_ms: float | None) -> None:
        """Set virtual time, which does not pass; None if it has to be read from the page."""
        self._known_ms = now_ms

    def set_latest(self, latest_ms: float) -> None:
        """Set the latest virtual time possible, where it need not be read."""
        self.latest_ms = latest_ms

    def see(self, now_ms: float) -> float:
        """Note a virtual time that was read, and return it. Service time follows."""
        self._clock.see(now_ms)
        self._known_ms = now_ms if self._is_paused else None
        return now_ms

    async def read(self) -> float:
        """Return virtual time. Service time follows.

        Raises `ClockStuck` where a script of the page never ends, `PageGone` if the page is lost.
        """
        if self._known_ms is not None:
            return self._known_ms
        for _ in range(READ_ATTEMPTS):
            try:
                now_ms = float(await self._limits.answer_of_page(self._page.js(scripts.VIRTUAL_TIME)))
            except TimeoutError:
                raise ClockStuck([], time_limits.STUCK_AFTER_S) from None
            except DevToolsError as error:
                if self._page_loss.is_lost:
                    raise PageGone() from None
                if not any(text in str(error) for text in GONE_CONTEXT):
                    raise
                await asyncio.sleep(0)  # a navigation is replacing the document
            else:
                return self.see(now_ms)
        raise PageGone()
