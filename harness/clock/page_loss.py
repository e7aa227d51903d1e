"""The loss of a page: it crashed, its tab was closed, or its browser is gone."""

import asyncio
import contextlib

from harness.browser.devtools import DevToolsSession, Event
from harness.browser.errors import BrowserGone, PageGone
from harness.clock.clock_signal import ClockSignal


class PageLoss:
    """The state of a page: lost or not. The loss of the page ends the clock's wait."""

    def __init__(self, page: DevToolsSession, signal: ClockSignal) -> None:
        self._page, self._signal = page, signal
        self._ending = contextlib.ExitStack()
        self.is_lost = False
        """True once the page has crashed or its tab was closed."""

    def watch(self) -> None:
        """Begin to listen to the browser."""
        devtools = self._page.devtools
        self._page.on("Inspector.targetCrashed", lambda _: self._lose())
        self._ending.callback(devtools.browser.on("Target.detachedFromTarget", self._detached))
        devtools.gone.add_done_callback(self._browser_gone)
        self._ending.callback(lambda: devtools.gone.remove_done_callback(self._browser_gone))

    def close(self) -> None:
        """Stop listening to the browser, which outlives the page."""
        self._ending.close()

    def raise_if_lost(self) -> None:
        """Raise `PageGone` if the page is lost."""
        if self.is_lost:
            raise PageGone()

    def raise_if_browser_gone(self) -> None:
        """Raise `BrowserGone` if the connection to the browser has ended."""
        if self._page.devtools.gone.done():
            raise BrowserGone()

    def _browser_gone(self, _: asyncio.Future[None]) -> None:
        self._signal.send()

    def _detached(self, event: Event) -> None:
        if event["sessionId"] == self._page.id:
            self._lose()

    def _lose(self) -> None:
        """Note that the page is lost, and end all commands to it: it will answer none of them."""
        self.is_lost = True
        if self._page.id:
            self._page.devtools.fail_calls(self._page.id, PageGone())
        self._signal.send()
