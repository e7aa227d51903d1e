"""The tab as its user handles it: put behind another one, frozen by the browser, brought back. All of it is real."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from harness.base.errors import HarnessError
from harness.clock.service_clock import ServiceClock
from harness.clock.virtual_page import VirtualPage

SWITCH_PATIENCE = 10.0
"""Real seconds that the browser may take to put another tab in front."""


class Tab:
    """One tab, hidden by a second tab of the same browser context in front of it.

    So `visibilitychange` is trusted in the page and in the cross-origin frames, and the throttling is Chromium's own: timers
    once a second, after 5 minutes hidden once a minute. Coming back *settles*: up to 1 s of virtual time passes, until
    messages are delivered and requests answered; `settled` says how much of it was used.
    """

    def __init__(self, virtual: VirtualPage, clock: ServiceClock) -> None:
        self._target_id, self._context_id = virtual.isolated.target_id, virtual.isolated.context_id
        self._page, self._time, self._run = virtual.devtools, virtual.time, virtual.run
        self._clock, self._journal = clock, virtual.journal
        self._cover: str | None = None
        self.state: str = "shown"
        """One of "shown", "hidden", "frozen" and "asleep"."""
        self.shown_at: datetime = clock.now()
        """Service time at which the tab was last brought to the front."""
        self.settled = timedelta(0)
        """Virtual time that the last return took to settle."""

    def hide(self) -> None:
        """Put another tab in front of this one."""
        self._run(self._hide())

    def show(self) -> None:
        """Bring the tab to the front again (a frozen one is resumed, a sleeping machine woken first), and settle."""
        self._run(self._show())

    def freeze(self) -> None:
        """Freeze the page as a browser does with a sleeping tab: no timer runs. A tab in front is hidden first."""
        self._run(self._freeze())

    def resume(self) -> None:
        """Thaw a frozen page, still hidden, and settle."""
        self._run(self._resume())

    def sleep(self) -> None:
        """Close the lid: the tab is hidden, and its machine sleeps. The clock moves the wall clock alone: timers stand still,
        and so does `performance.now()`. The service's clock and Python's follow the wall clock. (Connections stay open, as they
        do not on every machine.)"""
        self._run(self._sleep())

    def wake(self) -> None:
        """Wake the machine; the tab is still hidden. Settles."""
        self._run(self._wake_up())

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Hidden within the block, shown and settled after it."""
        self.hide()
        yield
        self.show()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Hidden and frozen within the block; resumed, shown and settled after it."""
        self.freeze()
        yield
        self.show()

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """Hidden on a machine that sleeps within the block; woken, shown and settled after it."""
        self.sleep()
        yield
        self.show()

    def refuse_unless_shown(self, action: str) -> None:
        """Raise `HarnessError` if nobody could do this, because the tab is not in front."""
        if self.state != "shown":
            raise HarnessError(
                f"Nobody can {action} in a tab that is {self.state}; bring it back first with tab.show()."
            )

    async def _hide(self) -> None:
        if self._cover is None:
            made = await self._page.devtools.browser.call(
                "Target.createTarget", url="about:blank", browserContextId=self._context_id, background=True
            )
            self._cover = made["targetId"]
        await self._bring_to_front(self._cover, visibility="hidden")
        self._note("hidden")

    async def _show(self) -> None:
        if self._time.frozen:
            await self._thaw()
        if self._time.asleep:
            await self._wake()
        await self._bring_to_front(self._target_id, visibility="visible")
        self._note("shown")
        self.shown_at = self._clock.now()
        await self._settle()

    async def _freeze(self) -> None:
        if self.state == "shown":
            await self._hide()
        await self._time.settle()  # an answer that came into a frozen page would wait in it
        await self._page.call("Page.setWebLifecycleState", state="frozen")
        self._time.frozen = True
        self._note("frozen")

    async def _resume(self) -> None:
        await self._thaw()
        await self._settle()

    async def _thaw(self) -> None:
        await self._time.answer_of_page(self._page.call("Page.setWebLifecycleState", state="active"))
        self._time.frozen = False
        self._note("resumed")

    async def _sleep(self) -> None:
        if self.state == "shown":
            await self._hide()
        await self._time.settle()  # nobody is there to take an answer
        self._time.asleep = True
        self._note("asleep")

    async def _wake_up(self) -> None:
        await self._wake()
        await self._settle()

    async def _wake(self) -> None:
        await self._time.wake()
        self._note("awake")

    async def _settle(self) -> None:
        self.settled = timedelta(milliseconds=await self._time.settle())

    async def _bring_to_front(self, target_id: str, visibility: str) -> None:
        await self._page.devtools.browser.call("Target.activateTarget", targetId=target_id)
        try:
            async with asyncio.timeout(SWITCH_PATIENCE):
                while await self._visibility() != visibility:  # noqa: ASYNC110 (the browser tells nobody else)
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise HarnessError(
                f"The tab did not become {visibility} in {SWITCH_PATIENCE:.0f} s: this browser has no real tabs (an old "
                "headless shell?); name a full Chromium, Chrome or Edge with --pbi-browser PATH."
            ) from None

    async def _visibility(self) -> str:
        state: str = await self._time.answer_of_page(self._page.js("document.visibilityState"))
        return state

    def _note(self, state: str) -> None:
        self.state = "hidden" if state in ("resumed", "awake") else state
        self._journal.write("tab", state=state)
