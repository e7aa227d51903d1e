"""Budgets: the virtual milliseconds that the clock lets the browser spend at a time."""

import asyncio
import math
from typing import Literal

from harness.browser.devtools import DevToolsSession, Event
from harness.clock import real_time
from harness.clock.busy_frames import BusyFrames
from harness.clock.cookies import Cookies
from harness.clock.errors import RequestStorm
from harness.clock.network import Network
from harness.clock.page_loss import PageLoss
from harness.clock.request_timeouts import ENDLESS_AFTER_S
from harness.clock.service_clock import ServiceClock
from harness.clock.standstill import Standstill
from harness.clock.time_limits import RealTimeLimits
from harness.clock.time_reading import TimeReading

DELIVERY_MS = 0.0011
"""Virtual milliseconds that suffice to deliver the messages that a page posted while time was paused. The browser
counts in microseconds and rounds down, hence one microsecond and a little more."""
BRIEF_S = 0.1
"""Real seconds within which brief calls (time_holds.js) have ended, unless time is paused for another reason."""
TASKS = 10_000_000
"""Tasks of the page after which the browser lets virtual time pass although more tasks are waiting."""
TASKS_IF_NEVER_IDLE = 100
"""Tasks after which the browser lets virtual time pass if the page is never idle."""

Policy = Literal["advance", "pauseIfNetworkFetchesPending"]
ADVANCE: Policy = "advance"
"""The policy by which virtual time passes without waiting for requests."""
WAIT_FOR_LOADS: Policy = "pauseIfNetworkFetchesPending"
"""The policy by which the browser pauses virtual time while a request of the page is pending."""


class Budget:
    """The budgets of one page. The browser gets each by `Emulation.setVirtualTimePolicy`."""

    def __init__(
        self,
        page: DevToolsSession,
        clock: ServiceClock,
        network: Network,
        cookies: Cookies,
        limits: RealTimeLimits,
        page_loss: PageLoss,
        reading: TimeReading,
        standstill: Standstill,
        busy_frames: BusyFrames,
    ) -> None:
        self._page, self._clock, self._network, self._cookies = page, clock, network, cookies
        self._limits, self._page_loss, self._reading = limits, page_loss, reading
        self._standstill, self._busy_frames = standstill, busy_frames
        self._policy_answer: asyncio.Future[Event] | None = None
        self.is_spent = False
        """True if the last budget was spent; False if something interrupted it."""

    async def start(self, at_s: float) -> None:
        """Pause virtual time at an instant, in seconds since 1970, before the first budget."""
        self._page.on("Emulation.virtualTimeBudgetExpired", lambda _: self._expired())
        await self._page.call("Inspector.enable")
        await self._set_policy("pause", initialVirtualTime=at_s)

    def _expired(self) -> None:
        if self._policy_answer and not self._policy_answer.done():
            return  # an earlier budget that was to end at the same time as the current one
        self.is_spent = True
        self._reading.pause()
        self._cookies.expect_until(-math.inf)
        self._network.signal.send()

    async def _set_policy(self, policy: str, **more: float) -> None:
        self._policy_answer = self._page.send("Emulation.setVirtualTimePolicy", policy=policy, **more)
        await self._limits.in_time(self._policy_answer)

    async def give(self, milliseconds: float, policy: Policy = WAIT_FOR_LOADS) -> None:
        """Let `milliseconds` of virtual time pass, or less if something happens that the clock has to handle first.

        Raises `ClockStuck` when no answer comes for a minute of real time, `TookTooLong` beyond the deadline,
        `RequestStorm` when the page exceeds a limit of requests, `PageGone` and `BrowserGone` when the page or the
        browser is lost.
        """
        now_ms = self._reading.latest_ms or self._clock.virtual_milliseconds
        self._network.signal.clear()
        self.is_spent = False
        self._reading.resume()
        self._standstill.begin_budget()
        milliseconds = max(min(milliseconds, self._cookies.next_end_ms - self._clock.slept_ms - now_ms), DELIVERY_MS)
        self._network.time_holds.expect_until(
            now_ms + milliseconds + 1, interrupt_budget=self._is_interruptible(policy)
        )
        self._cookies.expect_until(now_ms + milliseconds + self._clock.slept_ms)
        tasks = TASKS_IF_NEVER_IDLE if self._standstill.is_never_idle else TASKS
        given = self._set_policy(policy, budget=milliseconds, maxVirtualTimeTaskStarvationCount=tasks)
        if self._network.pending.has_endless:
            await asyncio.gather(given, self._busy_frames.resume())
        else:
            await given
        await self._wait_for_signal()
        if not self.is_spent and not self._page_loss.is_lost:
            await self._interrupt(policy)
        self._page_loss.raise_if_lost()
        if exceeded := self._network.limits.exceeded:
            await self._set_policy("pause")
            raise RequestStorm(*exceeded)

    def _is_interruptible(self, policy: Policy) -> bool:
        """Return whether the beginning or the end of a time hold ends a budget.

        A step is not interrupted, unless frames keep time from passing. Documents that navigate to each other without
        an end would interrupt each step.
        """
        is_step = (
            policy == ADVANCE and not self._network.pending.has_endless_or_delayed and not self._busy_frames.are_busy
        )
        return not (is_step or self._network.navigation_loops)

    async def _interrupt(self, policy: Policy) -> None:
        """Pause virtual time, because the signal was sent before the budget was spent.

        If the reason for the signal ended by itself, virtual time would pass while the clock reads its value.
        """
        await self._limits.answer_of_page(self._set_policy("pause"))
        if policy == WAIT_FOR_LOADS and self._network.time_holds:
            self._reading.set_known(self._network.time_holds.begin_ms)  # no time has passed since the hold began

    async def _wait_for_signal(self) -> None:
        """Return when the signal is sent, a request has timed out, or the clock does not wait for a standstill."""
        waiting_since_s = real_time.seconds()
        while not await self._is_signalled():
            if self._network.awaited.mark_timed_out():
                return
            virtual_ms_before = self._standstill.virtual_ms
            if not self._network.awaited.urls and await self._standstill.check():
                return
            if self._standstill.virtual_ms is not None and self._standstill.virtual_ms != virtual_ms_before:
                waiting_since_s = real_time.seconds()
            self._limits.check_deadline()
            self._limits.check_progress(real_time.seconds() - waiting_since_s)
        self._page_loss.raise_if_browser_gone()

    async def _is_signalled(self) -> bool:
        """Return whether the signal is sent before a request times out, or within `ENDLESS_AFTER_S`.

        A brief call that begins while the browser pauses time for an endless request makes no progress, and the answer
        to the request may depend on this call. So documents get the command to hold time by a request instead. The
        command is repeated, because on a busy machine a brief call may begin late.
        """
        waited_s, pause_s = 0.0, BRIEF_S
        while waited_s < ENDLESS_AFTER_S:
            if await self._network.signal.wait(max(0, min(pause_s, self._network.awaited.next_timeout_s))):
                return True
            if self._network.awaited.next_timeout_s <= 0:
                return False
            self._busy_frames.check_brief_holds()
            waited_s += pause_s
            pause_s = max(BRIEF_S, min(waited_s, ENDLESS_AFTER_S - waited_s))
        return False
