"""The browser's virtual time: it passes at the speed of the machine, and is paused while a request is pending.

All numbers and orders here were measured in Chromium; docs/clock.md describes the behaviours behind them.
"""

import math
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from harness.browser.devtools import DevToolsSession
from harness.clock import scripts
from harness.clock.budget import ADVANCE, DELIVERY_MS, WAIT_FOR_LOADS, Budget
from harness.clock.busy_frames import BusyFrames
from harness.clock.cookies import Cookies
from harness.clock.hold_steps import HoldSteps
from harness.clock.network import Network
from harness.clock.page_loss import PageLoss
from harness.clock.request_steps import RequestSteps
from harness.clock.service_clock import EPOCH, ServiceClock
from harness.clock.standstill import Standstill
from harness.clock.targets import Targets
from harness.clock.time_limits import RealTimeLimits
from harness.clock.time_reading import TimeReading

T = TypeVar("T")

HEAD_START = timedelta(hours=6)
"""The virtual time that a tab spends on a blank page before it opens the first one. The browser stamps animation frames
by the machine's monotonic clock, and a page draws no frames of its future. Without the head start clicks and
screenshots would hang."""
EXACT_WITHIN_MS = 60_000.0
"""Virtual milliseconds: if more than these are left to advance, virtual time need not be known to the millisecond."""
SETTLE_STEP_MS = 20.0
"""Virtual milliseconds without any request or answer after which the page has settled."""


class VirtualTime:
    """The time of one page with its frames, popups and workers. Use it on the engine's loop."""

    def __init__(
        self, page: DevToolsSession, targets: Targets, network: Network, cookies: Cookies, clock: ServiceClock
    ) -> None:
        self._network, self._cookies, self._clock = network, cookies, clock
        self.documents, self._workers = targets.documents, targets.workers
        self._limits = RealTimeLimits(network)
        self._page_loss = PageLoss(page, network.signal)
        self._reading = TimeReading(page, clock, self._limits, self._page_loss)
        self._standstill = Standstill(page, network)
        self._busy_frames = BusyFrames(self.documents, network.pending)
        self._budget = Budget(
            page,
            clock,
            network,
            cookies,
            self._limits,
            self._page_loss,
            self._reading,
            self._standstill,
            self._busy_frames,
        )
        self._hold_steps = HoldSteps(page, network, targets, self._limits, self._reading, self._budget)
        self._request_steps = RequestSteps(network, self._limits, self._budget)
        self.is_asleep = False
        """True while the machine sleeps."""

    async def start(self, at: datetime) -> None:
        """Pause virtual time at `at`. The first script of the first page will read exactly this instant."""
        self._page_loss.watch()
        self._standstill.watch()
        await self._budget.start((at - HEAD_START - EPOCH).total_seconds())
        await self._budget.give(HEAD_START / timedelta(milliseconds=1))

    def close(self) -> None:
        """Stop listening to the browser, which outlives the page."""
        self._page_loss.close()

    def end_by(self, deadline_s: float) -> None:
        """Set the reading of `real_time.seconds()` beyond which the clock raises `TookTooLong`."""
        self._limits.end_by(deadline_s)

    async def answer_of_page(self, answer: Awaitable[T]) -> T:
        """Return an answer of the page.

        Raises `TookTooLong` beyond the deadline, `TimeoutError` where a script of the page never ends.
        """
        return await self._limits.answer_of_page(answer)

    # The state of the tab and of its machine --------------------------------------------------------------------------

    @property
    def is_frozen(self) -> bool:
        """True while the page is frozen, and its dedicated workers with it."""
        return self._workers.are_frozen

    def freeze(self) -> None:
        """Note that the page is frozen, and its dedicated workers with it."""
        self._workers.freeze()

    def thaw(self) -> None:
        """Note that the page is not frozen any more."""
        self._workers.thaw()

    def fall_asleep(self) -> None:
        """Let the machine sleep: `advance` moves its wall clock alone, and virtual time does not pass."""
        self.is_asleep = True

    async def wake(self) -> None:
        """Wake the machine: all documents and workers get the wall clock of now."""
        self.is_asleep = False
        await self.documents.sleep(self._clock.slept_ms)
        await self._workers.sleep(self._clock.slept_ms)
        await self._cookies.remove_ended()

    # Advancing --------------------------------------------------------------------------------------------------------

    async def advance(self, milliseconds: float) -> float:
        """Advance by `milliseconds` of virtual time; return virtual time (milliseconds since 1970) at the end.

        While the machine sleeps, advance its wall clock by `milliseconds` instead.
        """
        if self.is_asleep:
            self._clock.sleep(math.ceil(milliseconds))
            return await self._reading.read()
        now_ms = await self._move(milliseconds)
        await self._deliver()
        return now_ms

    async def settle(self, within_ms: float = 1000) -> float:
        """Advance until messages are delivered and requests are answered; return how many milliseconds that took.

        Stop after `within_ms` virtual milliseconds.
        """
        began_ms = now_ms = await self._reading.read()
        while now_ms - began_ms < within_ms:
            activity_before = self._network.log.activity
            now_ms = await self._move(SETTLE_STEP_MS)
            is_active = self._network.log.activity != activity_before
            if not (is_active or self._network.awaited.urls or self._network.delayed):
                break
        await self._deliver()
        return now_ms - began_ms

    async def until(self, happened: Callable[[], bool], within_ms: float) -> bool:
        """Advance in small steps until `happened()`; return False if it did not happen in `within_ms`."""
        began_ms = now_ms = await self._reading.read()
        while not happened():
            if now_ms - began_ms >= within_ms:
                return False
            now_ms = await self.advance(1 if now_ms - began_ms < 100 else 50)
        return True

    async def _deliver(self) -> None:
        """Deliver the messages that were posted at the very end."""
        await self._busy_frames.acknowledge_calls()
        is_idle = not (self._network.pending.has_endless_or_delayed or self._network.time_holds)
        await self._budget.give(DELIVERY_MS, policy=WAIT_FOR_LOADS if is_idle else ADVANCE)

    async def _move(self, milliseconds: float) -> float:
        """Advance as `advance` does, but do not deliver the messages that were posted at the very end.

        Stop wherever a worker's timer is due. A navigation begins the current budget anew; so a new document holds time
        (new_document.js) until a small budget has replaced the current one.
        """
        now_ms = await self._busy_frames.acknowledge_calls_during(self._reading.read())
        end_ms = now_ms + math.ceil(milliseconds)  # the page's clock shows whole milliseconds
        while now_ms < end_ms:
            self._limits.check_deadline()
            await self._cookies.remove_ended()
            pending = self._network.pending
            self._workers.let_page_fire(not pending.has_endless_or_delayed and await self._is_shown())
            await self._workers.update_states(anew=pending.has_endless or bool(self._network.time_holds))
            self._network.pass_on_delayed(now_ms)
            until_ms = min([end_ms, *self._workers.dues_ms])
            if self._must_step():
                await self._hold_steps.take(now_ms, until_ms)
                self._workers.forget_states()
            else:
                self._hold_steps.reset()
                if until_ms > now_ms:
                    await self._request_steps.take(now_ms, until_ms - now_ms)
            now_ms = await self._busy_frames.acknowledge_calls_during(self._read_at(until_ms))
        return now_ms

    def _must_step(self) -> bool:
        """Return whether documents or workers hold time, or documents navigate to each other without an end."""
        network = self._network
        are_workers_working = self._workers.with_pending_calls and not network.awaited.are_all_delayed
        return bool(network.time_holds or network.navigation_loops or are_workers_working)

    async def _is_shown(self) -> bool:
        """Return whether no document's timers are throttled.

        Return True without asking if the page has no worker, because then the answer does not matter.
        """
        return not self._workers.include_page_workers or False not in await self.documents.evaluate_in_all(
            scripts.IS_SHOWN
        )

    async def _read_at(self, until_ms: float) -> float:
        """Fire the timers of workers that are due at `until_ms`; return virtual time.

        Far from `until_ms` return the latest virtual time possible instead, if nobody has read virtual time.
        """
        if (fired_ms := await self._workers.fire(until_ms)) is not None:
            return self._reading.see(fired_ms)
        latest_ms = self._reading.latest_ms
        if latest_ms is not None and until_ms - latest_ms > EXACT_WITHIN_MS and not self._network.delayed:
            return latest_ms
        return await self._reading.read()
