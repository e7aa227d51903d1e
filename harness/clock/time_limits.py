"""The limits in real time of what the clock waits for."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import TypeVar

from harness.clock import real_time
from harness.clock.errors import ClockStuck, TookTooLong
from harness.clock.network import Network

T = TypeVar("T")

STUCK_AFTER_S = 60.0
"""Real seconds without an answer, or without any progress of virtual time, after which the clock raises
`ClockStuck`."""
PAGE_ANSWERS_WITHIN_S = 3.0
"""Real seconds within which a page answers, however busy the machine is. A page in a synchronous request does not
answer."""
SHORTEST_PAUSE_S = 0.005
"""Real seconds that a pause lasts at least."""
LONGEST_PAUSE_S = 0.5
"""Real seconds that a pause lasts at most."""
PAUSE_SHARE = 0.1
"""The length of a pause as a share of the real time for which the oldest awaited request has been pending."""


class RealTimeLimits:
    """The limits of the real time that the clock spends on a page, and pauses for a busy machine."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._deadline_s = math.inf

    def end_by(self, deadline_s: float) -> None:
        """Set the reading of `real_time.seconds()` beyond which the clock raises `TookTooLong`."""
        self._deadline_s = deadline_s

    def check_deadline(self) -> None:
        """Raise `TookTooLong` beyond the deadline."""
        if real_time.seconds() > self._deadline_s:
            raise TookTooLong(self._network.awaited.urls)

    def check_progress(self, waited_s: float) -> None:
        """Raise `ClockStuck` if the clock has waited for `STUCK_AFTER_S`."""
        if waited_s >= STUCK_AFTER_S:
            raise ClockStuck(self._network.awaited.urls, STUCK_AFTER_S)

    async def in_time(self, answer: Awaitable[T]) -> T:
        """Return an answer of the browser.

        Raises `TookTooLong` beyond the deadline, `TimeoutError` where a script of the page never ends.
        """
        left_s = max(PAGE_ANSWERS_WITHIN_S, self._deadline_s - real_time.seconds())
        try:
            async with asyncio.timeout(min(STUCK_AFTER_S, left_s)):
                return await answer
        except TimeoutError:
            self.check_deadline()
            raise

    async def answer_of_page(self, answer: Awaitable[T]) -> T:
        """Return an answer of the page, as `in_time` does.

        A page in a synchronous request answers nothing until this request is answered. So if no answer comes within
        `PAGE_ANSWERS_WITHIN_S`, all delayed requests are passed on.
        """
        stop = _repeat_every(PAGE_ANSWERS_WITHIN_S, lambda: self._network.pass_on_delayed(math.inf))
        try:
            return await self.in_time(answer)
        finally:
            stop()

    async def pause(self) -> None:
        """Sleep for at most `LONGEST_PAUSE_S`, so that a busy machine, or a server that has to answer, proceeds.

        Raises `ClockStuck` if the oldest awaited request has been pending for too long.
        """
        self._network.awaited.mark_timed_out()
        waited_s = self._network.awaited.longest_wait_s
        self.check_progress(waited_s)
        await asyncio.sleep(max(SHORTEST_PAUSE_S, min(PAUSE_SHARE * waited_s, LONGEST_PAUSE_S)))


def _repeat_every(seconds: float, work: Callable[[], None]) -> Callable[[], None]:
    """Call `work` every `seconds` of real time, until the returned function is called."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle

    def repeat() -> None:
        nonlocal timer
        work()
        timer = loop.call_later(seconds, repeat)

    timer = loop.call_later(seconds, repeat)
    return lambda: timer.cancel()
