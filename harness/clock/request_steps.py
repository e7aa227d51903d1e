"""Steps by which the clock moves while no document or worker holds time."""

from harness.clock.budget import ADVANCE, DELIVERY_MS, WAIT_FOR_LOADS, Budget
from harness.clock.network import Network
from harness.clock.time_limits import RealTimeLimits

DELAYED_STEP_MS = 250.0
"""Virtual milliseconds that pass in a step, at most, while a delayed request is pending."""
ENDLESS_STEP_MS = 60_000.0
"""Virtual milliseconds that pass in a step, at most, while an endless request is pending."""
ANSWER_STEP_MS = 2.0
"""Virtual milliseconds that pass in a step while an answer is awaited and an endless or delayed request is
pending."""
UNREAD_STEP_MS = 60.0
"""Virtual milliseconds after which the browser has taken in an answer that its page does not read. The
browser begins after 50."""
NAVIGATION_PAUSE_MS = 1000.0
"""Virtual milliseconds that pass at once only if no frame is navigating from document to document."""


class RequestSteps:
    """The steps whose length depends on the pending requests."""

    def __init__(self, network: Network, limits: RealTimeLimits, budget: Budget) -> None:
        self._network, self._limits, self._budget = network, limits, budget

    async def take(self, now_ms: float, left_ms: float) -> None:
        """Take one step of at most `left_ms` at virtual time `now_ms` (milliseconds since 1970).

        While an endless or delayed request is pending, the browser's own waiting for loads would never end. Then the
        clock advances without this waiting, in steps that are small while another answer is awaited.
        """
        network = self._network
        step_ms = left_ms = max(left_ms, DELIVERY_MS)  # the browser may ignore a smaller budget
        policy = ADVANCE
        if not network.pending.has_endless_or_delayed:
            policy = WAIT_FOR_LOADS
        elif network.awaited.urls:
            await self._limits.pause()
            step_ms = min(left_ms, UNREAD_STEP_MS if network.awaited.take_unread() else ANSWER_STEP_MS)
        else:
            left_until_due_ms = [due_ms - now_ms for due_ms in network.delayed.dues_ms]
            longest_ms = DELAYED_STEP_MS if left_until_due_ms else ENDLESS_STEP_MS
            step_ms = min([left_ms, longest_ms, *left_until_due_ms])
        await self._budget.give(step_ms, policy)
        if self._budget.is_spent and step_ms >= NAVIGATION_PAUSE_MS:
            network.navigation_loops.count_anew()
