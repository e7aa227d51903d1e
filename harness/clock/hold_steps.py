"""Steps of one virtual millisecond, by which the clock moves while documents or workers hold time."""

from collections.abc import Sequence
from typing import Any

from harness.browser.devtools import DevToolsSession, or_gone
from harness.clock import scripts
from harness.clock.budget import ADVANCE, Budget
from harness.clock.network import Network
from harness.clock.targets import Targets
from harness.clock.time_limits import RealTimeLimits
from harness.clock.time_reading import TimeReading
from harness.clock.worker import Worker

STEP_MS = 1.0
"""Virtual milliseconds that pass in a step."""
NAVIGATION_STEP_MS = 3_600_000.0
"""Virtual milliseconds that pass in a step, at most, while documents navigate to each other without an end."""
REQUEST_END_MS = 10.0
"""Virtual milliseconds that the browser may let pass when a request ends."""
PROMPT_STEPS = 3
"""Steps within which most pending calls have ended. Only after these steps, documents and workers are notified of each
step, and virtual time is read after each step."""
SLOW_STEPS = 32
"""Steps after which each further step is preceded by a pause: the machine is busy, or the pending calls take long."""
TIMEOUT_STEPS = 200
"""Steps after which documents and workers are asked for their pending calls. A call that was also pending at the
previous question is timed out. (On a busy machine a step takes longer, and so does the call.)"""


class HoldSteps:
    """The steps that the clock takes while documents or workers wait for calls on other threads.

    Most of these calls cannot end while virtual time is paused. A call that does not end within some hundred steps
    times out.
    """

    def __init__(
        self,
        page: DevToolsSession,
        network: Network,
        targets: Targets,
        limits: RealTimeLimits,
        reading: TimeReading,
        budget: Budget,
    ) -> None:
        self._page, self._network, self._limits = page, network, limits
        self._documents, self._workers = targets.documents, targets.workers
        self._reading, self._budget = reading, budget
        self._steps = 0
        """Consecutive steps so far."""

    def reset(self) -> None:
        """Begin to count steps anew, because nothing holds time."""
        self._steps = 0

    async def take(self, now_ms: float, until_ms: float) -> None:
        """Take one step at virtual time `now_ms`, to at most `until_ms` (both in milliseconds since 1970)."""
        network, working = self._network, self._workers.with_pending_calls
        if self._steps >= SLOW_STEPS or (working and network.awaited.urls):
            await self._limits.pause()
        is_new_document = network.time_holds.take_new_document()
        if network.navigation_loops:
            # Each new document may begin the budget anew, hence half of what is left.
            await self._budget.give(max(STEP_MS, min(NAVIGATION_STEP_MS, (until_ms - now_ms) / 2)), ADVANCE)
        else:
            await self._take_millisecond(now_ms, are_workers_working=bool(working))
        self._steps += 1
        await self._tell_news_of_workers()
        if is_new_document:
            await or_gone(self._page.js(scripts.NEW_DOCUMENT_IS_SEEN))
        if self._steps > PROMPT_STEPS:
            await self._evaluate(working, scripts.COUNT_STEP)
        if self._steps % TIMEOUT_STEPS == 0:
            for timed_out in await self._evaluate(working, scripts.TIME_OUT_CALLS):
                for call in timed_out or ():
                    network.log.endless_work(call["call"], url=call["url"], since_ms=call["since"])

    async def _take_millisecond(self, now_ms: float, *, are_workers_working: bool) -> None:
        network = self._network
        ended_before = network.ended_requests
        await self._budget.give(STEP_MS, ADVANCE)
        if self._budget.is_spent and not are_workers_working and self._steps < PROMPT_STEPS:
            ended = network.ended_requests - ended_before + bool(network.time_holds or network.pending.may_stop_time)
            self._reading.set_latest(now_ms + STEP_MS + ended * REQUEST_END_MS)

    async def _tell_news_of_workers(self) -> None:
        """Notify documents and workers of the messages that workers have handled.

        Call this only after a budget has ended: else virtual time would pass before the workers' new timers are known.
        """
        for news in self._workers.take_news():
            await self._documents.evaluate_in_all(news)
            await self._workers.evaluate_in_all(news)

    async def _evaluate(self, workers: Sequence[Worker], expression: str) -> list[Any]:
        """Evaluate an expression in all documents and in these workers, and return their answers."""
        return await self._documents.evaluate_in_all(expression) + await self._workers.evaluate_in(workers, expression)
