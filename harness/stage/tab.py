"""The tab as its user handles it: hidden behind another tab, frozen, asleep, shown again. Only sleep is emulated."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from harness.base.errors import HarnessError
from harness.clock.service_clock import ServiceClock
from harness.clock.virtual_page import VirtualPage

SWITCH_TIMEOUT_S = 10.0
"""Real seconds within which the browser has to bring another tab to the front."""


class Tab:
    """One tab. A second tab of the same browser context comes to the front to hide it.

    So `visibilitychange` is trusted in the page and in its cross-origin frames, and the throttling is Chromium's own:
    timers fire once a second, and after 5 minutes hidden once a minute. A return to the tab settles: up to 1 s of
    virtual time passes, until messages are delivered and requests are answered.

    Attributes:
        state: One of "shown", "hidden", "frozen" and "asleep".
        shown_at: Service time at which the tab was last brought to the front.
        settled: Virtual time that the last return took to settle.
    """

    def __init__(self, virtual: VirtualPage, clock: ServiceClock) -> None:
        self._target_id, self._context_id = virtual.isolated.target_id, virtual.isolated.context_id
        self._page, self._time, self._run = virtual.devtools, virtual.time, virtual.run
        self._clock, self._journal = clock, virtual.journal
        self._cover: str | None = None
        self.state: str = "shown"
        self.shown_at: datetime = clock.now()
        self.settled = timedelta(0)

    def hide(self) -> None:
        """Put another tab in front of this one."""
        self._run(self._hide())

    def show(self) -> None:
        """Bring the tab to the front again, and settle.

        A frozen page is resumed first, and a sleeping machine is woken.
        """
        self._run(self._show())

    def freeze(self) -> None:
        """Freeze the page, as a browser does to save energy: no timer runs. A shown tab is hidden first."""
        self._run(self._freeze())

    def resume(self) -> None:
        """Resume a frozen page, and settle. The tab stays hidden."""
        self._run(self._resume())

    def sleep(self) -> None:
        """Put the machine to sleep, as closing the lid does. A shown tab is hidden first.

        While the machine sleeps, the clock moves only the wall clock: the page's `Date`, service time and Python's own
        time. Timers and `performance.now()` do not advance. Connections stay open, which is not so on every machine.
        """
        self._run(self._sleep())

    def wake(self) -> None:
        """Wake the machine, and settle. The tab stays hidden."""
        self._run(self._wake_up())

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Hide the tab within the block; show it and settle afterwards."""
        self.hide()
        yield
        self.show()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Hide and freeze the tab within the block; resume it, show it and settle afterwards."""
        self.freeze()
        yield
        self.show()

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """Let the machine sleep within the block, with the tab hidden; wake it, show the tab and settle afterwards."""
        self.sleep()
        yield
        self.show()

    def refuse_unless_shown(self, action: str) -> None:
        """Raise `HarnessError` if the tab is not shown, so that no user could do this."""
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
        if self._time.is_frozen:
            await self._thaw()
        if self._time.is_asleep:
            await self._wake()
        await self._bring_to_front(self._target_id, visibility="visible")
        self._note("shown")
        self.shown_at = self._clock.now()
        await self._settle()

    async def _freeze(self) -> None:
        if self.state == "shown":
            await self._hide()
        await self._time.settle()  # an answer that reaches a frozen page would wait in it
        await self._page.call("Page.setWebLifecycleState", state="frozen")
        self._time.freeze()
        self._note("frozen")

    async def _resume(self) -> None:
        await self._thaw()
        await self._settle()

    async def _thaw(self) -> None:
        await self._time.answer_of_page(self._page.call("Page.setWebLifecycleState", state="active"))
        self._time.thaw()
        self._note("resumed")

    async def _sleep(self) -> None:
        if self.state == "shown":
            await self._hide()
        await self._time.settle()  # a sleeping machine receives no answer
        self._time.fall_asleep()
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
            async with asyncio.timeout(SWITCH_TIMEOUT_S):
                while await self._visibility() != visibility:  # noqa: ASYNC110 (the browser sends no event for it)
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise HarnessError(
                f"The tab did not become {visibility} in {SWITCH_TIMEOUT_S:.0f} s: this browser has no real tabs (an old "
                "headless shell?). Name a full Chromium, Chrome or Edge with --pbi-browser PATH."
            ) from None

    async def _visibility(self) -> str:
        state: str = await self._time.answer_of_page(self._page.js("document.visibilityState"))
        return state

    def _note(self, state: str) -> None:
        self.state = "hidden" if state in ("resumed", "awake") else state
        self._journal.write("tab", state=state)
