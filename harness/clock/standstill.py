"""Standstills: virtual time does not pass although no request is known to be pending."""

import asyncio
from dataclasses import dataclass, replace

from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import DevToolsError
from harness.clock import real_time, scripts
from harness.clock.network import Network
from harness.clock.time_limits import PAGE_ANSWERS_WITHIN_S

IDLE_COMPUTES_AT_MOST_S = 0.02
"""Real seconds for which an idle page computes, at most, between two checks: the checks themselves take 1 ms."""
NEVER_IDLE_AFTER_COMPUTING_S = 5.0
"""Real seconds that a page computes at one moment of virtual time before it counts as never idle."""
NEVER_IDLE_AFTER_S = 40.0
"""Real seconds at one moment of virtual time after which a page counts as never idle, even if a busy machine let it
compute less."""


@dataclass(frozen=True)
class StandstillCheck:
    """The state of a page at a check, and at the first check at the same virtual time."""

    virtual_ms: float
    """Virtual time, in milliseconds since 1970."""
    computed_s: float
    """Real seconds for which the page's thread has computed so far."""
    first_seen_s: float
    """Reading of `real_time.seconds()` at the first check."""
    first_computed_s: float
    """Real seconds for which the page's thread had computed at the first check."""


class Standstill:
    """The checks that find why virtual time does not pass, and whether the clock waits for the reason."""

    def __init__(self, page: DevToolsSession, network: Network) -> None:
        self._page, self._network = page, network
        self._last: StandstillCheck | None = None
        self.is_never_idle = False
        """True if the page always has something to do, so that the browser would not let virtual time pass."""

    def watch(self) -> None:
        """Begin to listen for new documents of the page, to which earlier standstills do not apply."""
        self._page.on("Page.frameNavigated", self._navigated)

    def _navigated(self, event: Event) -> None:
        if "parentId" not in event["frame"]:
            self._network.pending.forget_unknown()
            self.is_never_idle = False

    def begin_budget(self) -> None:
        """Forget the last check, because virtual time passes from now on."""
        self._last = None

    @property
    def virtual_ms(self) -> float | None:
        """The virtual time of the last check in this budget, in milliseconds since 1970; None before the first one."""
        return self._last.virtual_ms if self._last else None

    async def check(self) -> bool:
        """Return whether the clock does not wait for the reason why virtual time has not passed since the last check.

        There are two such reasons. The page computes nothing, and no request is known to be pending: the reason is
        unknown. Or the page has computed for too long: it is never idle. The journal gets an entry for either. A page
        that does not answer may be in a synchronous request; this is no such reason.
        """
        before = self._last
        try:
            async with asyncio.timeout(PAGE_ANSWERS_WITHIN_S):
                virtual_ms = await self._page.js(scripts.VIRTUAL_TIME)
                computed_s = await self._seconds_computed()
        except (TimeoutError, DevToolsError):
            return False
        if before is None or before.virtual_ms != virtual_ms or before.computed_s > computed_s:
            self._last = StandstillCheck(virtual_ms, computed_s, real_time.seconds(), computed_s)
            return False
        self._last = replace(before, computed_s=computed_s)
        if computed_s - before.computed_s <= IDLE_COMPUTES_AT_MOST_S:
            self._note_unknown()
            return True
        if (
            computed_s - before.first_computed_s >= NEVER_IDLE_AFTER_COMPUTING_S
            or real_time.seconds() - before.first_seen_s >= NEVER_IDLE_AFTER_S
        ):
            self._note_never_idle()
            return True
        return False

    async def _seconds_computed(self) -> float:
        """Return the real seconds for which the page's thread has computed since the first call of this method."""
        await self._page.call("Performance.enable", timeDomain="threadTicks")
        metrics = (await self._page.call("Performance.getMetrics"))["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    def _note_unknown(self) -> None:
        self._network.log.unknown_work()
        self._network.pending.assume_unknown()

    def _note_never_idle(self) -> None:
        if not self.is_never_idle:
            self._network.log.endless_work("scripts that are never idle")
        self.is_never_idle = True
