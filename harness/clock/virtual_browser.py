"""A browser whose pages run in virtual time, for any web page and without a harness session."""

from pathlib import Path

from playwright.sync_api import Playwright

from harness.base.journal import Journal
from harness.browser.engine import Engine
from harness.browser.find import require_browser
from harness.browser.launch import Browser
from harness.clock.conditions import Conditions
from harness.clock.scripts import HOLD_URL
from harness.clock.virtual_page import ORDINARY, VirtualPage


class VirtualBrowser:
    """A browser for pages in virtual time. Use it in a `with` block: the block's end closes the browser.

    The pages may reach any server. Each page has its own cookies, storage, clock and journal.
    """

    def __init__(
        self, playwright: Playwright, *, browser_path: Path | None = None, headed: bool = False, slow_mo: float = 0
    ) -> None:
        """Start a browser.

        Args:
            playwright: Playwright's own object, such as pytest-playwright's fixture `playwright`.
            browser_path: A full Chromium, Chrome or Edge; None for the first one found (docs/setup.md has the order).
            headed: Show the browser.
            slow_mo: Real milliseconds by which Playwright slows each of its actions down.

        Raises:
            SetupError: There is no browser, or it does not start.
            UsageError: `browser_path` is not a program.
        """
        path = require_browser(browser_path)
        self._engine = Engine()
        try:
            self._browser = Browser(
                self._engine,
                playwright,
                path,
                loopback_only=False,
                hidden_requests=HOLD_URL,
                headed=headed,
                slow_mo=slow_mo,
            )
        except BaseException:
            self._engine.close()
            raise

    def new_page(self, conditions: Conditions = ORDINARY) -> VirtualPage:
        """Return a blank page in a tab of its own, with its own clock. Close it before the browser."""
        service = conditions.service_clock()
        return VirtualPage(self._browser, self._engine, service, Journal(service.now), conditions=conditions)

    def open(self, url: str, conditions: Conditions = ORDINARY) -> VirtualPage:
        """Open a page in a tab of its own, with its own clock, and return it. Close it before the browser.

        Raises `UsageError` if `url` is not the address of a page, and `PageUnreachable` if nothing answers there.
        """
        page = self.new_page(conditions)
        try:
            page.goto(url)
        except BaseException:
            page.close()
            raise
        return page

    def close(self) -> None:
        """Close the browser and end its engine thread."""
        self._browser.close()
        self._engine.close()

    def __enter__(self) -> "VirtualBrowser":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
