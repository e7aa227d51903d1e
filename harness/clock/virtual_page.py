"""A web page in virtual time: an isolated tab, the clock that advances it, and the journal of what happened in it."""

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Response

from harness.base.errors import UsageError
from harness.base.journal import Journal
from harness.browser.devtools import CALL_TIMEOUT_S, Event
from harness.browser.engine import Engine
from harness.browser.errors import BrowserGone, PageGone
from harness.browser.launch import Browser
from harness.clock.clock import Clock
from harness.clock.conditions import Conditions
from harness.clock.cookies import Cookies
from harness.clock.errors import ClockStuck, PageUnreachable
from harness.clock.network import Network
from harness.clock.service_clock import ServiceClock
from harness.clock.targets import Targets
from harness.clock.virtual_time import VirtualTime
from harness.clock.watcher import Watcher

T = TypeVar("T")
FIRST_SCRIPTS_MS = 500.0
"""Virtual milliseconds that a new document gets for its first scripts and timers. Loading it takes none of them."""
NAVIGATION_TIMEOUT_MS = 30_000.0
"""Virtual milliseconds within which a navigation has to arrive at its document."""
FLOW_MS = 20.0
"""Milliseconds of virtual and of real time that pass in each step while time flows."""
CATCH_UP_CALLS = 20
"""Calls after which Playwright is aware of a navigation, at the latest."""

ORDINARY = Conditions()


class ClosingWatcher(Watcher, Protocol):
    """A watcher with work of its own that ends with the page."""

    async def close(self) -> None:
        """Cancel the work that is still running."""
        ...


WatchersOf = Callable[[Network, Cookies], Sequence[ClosingWatcher]]
"""A function that makes further watchers of a page out of its network and its cookies."""


def host_of(url: str) -> str:
    """Return the host of a page's address. Raises `UsageError` if the address is not one of http or https."""
    with contextlib.suppress(ValueError):  # brackets that do not match, or a port out of range
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts.hostname
    raise UsageError(f"{url!r} is not the address of a page; give one such as http://localhost:3000/report.")


class VirtualPage:
    """A page on a virtual clock. Close it, or use it in a `with` block.

    Attributes:
        page: Playwright's page, for locators, `route`, `expect` and screenshots. Navigate with this class's methods.
        clock: The clock that advances the page.
        journal: Requests, uncaught errors, dialogs and expired cookies of the page, in service time.
        devtools: The DevTools session of the page.
        isolated: The page's tab and browser context.
        network: The requests of the page.
        cookies_of_context: The cookies of the page's browser context.
        time: Virtual time, on the engine's loop.
    """

    def __init__(
        self,
        browser: Browser,
        engine: Engine,
        service: ServiceClock,
        journal: Journal,
        *,
        conditions: Conditions = ORDINARY,
        proxy: str = "",
        unlisted: str = "",
        sources: Mapping[str, str] | None = None,
        watchers: WatchersOf = lambda *_: (),
    ) -> None:
        """Open a blank page and stop its time at the start of `service`.

        Args:
            browser: The browser to open it in.
            engine: The thread that owns the browser's DevTools connection.
            service: Service time; it follows the page.
            journal: The journal to write to.
            conditions: The conditions of the page.
            proxy: The address of a proxy for all requests to other machines; empty for none.
            unlisted: A part of the URLs of requests that the journal does not list; empty for none.
            sources: The host of a document -> the source that the journal gives for its requests.
            watchers: A function that makes further watchers, for instance one that intercepts requests.
        """
        self._browser, self._engine = browser, engine
        self.journal = journal
        self._ending = contextlib.ExitStack()
        self._document: Response | None = None
        self._unattended = False
        self._moving = asyncio.Lock()  # only one caller advances the clock at a time
        self.isolated = browser.isolated_page(proxy)
        self._ending.callback(lambda: browser.dispose(self.isolated))
        self.page, self.devtools = self.isolated.page, self.isolated.session
        try:
            self.network = Network(service, journal, unlisted=unlisted, sources=sources)
            self.cookies_of_context = Cookies(self.isolated, service, journal, self.network.signal)
            self._watchers = [*watchers(self.network, self.cookies_of_context)]
            self._targets = Targets(
                self.isolated,
                self.network,
                [self.cookies_of_context, *self._watchers],
                bypass_csp=conditions.bypass_csp,
            )
            self.time = VirtualTime(self.devtools, self._targets, self.network, self.cookies_of_context, service)
            engine.run(self._begin(service, conditions))
            self._ending.callback(lambda: engine.run(self._stop_watching()))
        except BaseException:
            self._ending.close()
            raise
        self.clock = Clock(self.time, service, self.run)

    async def _begin(self, service: ServiceClock, conditions: Conditions) -> None:
        self.devtools.on("Runtime.exceptionThrown", lambda event: self._page_error(service, event))
        self.devtools.on("Page.javascriptDialogOpening", self._dialog)
        if conditions.time_zone:
            await self.devtools.call("Emulation.setTimezoneOverride", timezoneId=conditions.time_zone)
        if conditions.ignore_https_errors:
            await self.devtools.call("Security.setIgnoreCertificateErrors", ignore=True)
        await self._targets.attach()
        await self.time.start(service.now() + conditions.client_ahead)

    async def _stop_watching(self) -> None:
        self.time.close()
        await self._targets.close()
        for watcher in (*self._watchers, self.cookies_of_context):
            await watcher.close()

    def goto(self, url: str) -> None:
        """Navigate to an address of http or https.

        Half a second of virtual time passes for the first scripts and timers.

        Raises `UsageError` if `url` is not the address of a page, and `PageUnreachable` if nothing answers there.
        """
        host_of(url)
        self.commit(url)
        self.run_first_scripts()

    def commit(self, url: str) -> None:
        """Navigate to an address, only until its document begins to load. No virtual time passes.

        Raises `PageUnreachable` if nothing answers there.
        """
        try:
            self._document = self.page.goto(url, wait_until="commit")  # 'load' would wait for a clock that is paused
        except PlaywrightError as error:
            seen = error.message.splitlines()[0].removeprefix("Page.goto: ")
            self._raise_if_gone(seen)
            raise PageUnreachable(url, seen.removesuffix(f" at {url}")) from None

    def run_first_scripts(self) -> None:
        """Let half a second of virtual time pass, for the first scripts and timers of a new document."""
        self.run(self.time.advance(FIRST_SCRIPTS_MS))

    def reload(self) -> None:
        """Reload the page, as its user would."""
        self._navigate("Page.reload")

    def back(self) -> None:
        """Go back in the tab's history. Raises `UsageError` if this is the first page of the tab."""
        history = self.run(self.devtools.call("Page.getNavigationHistory"))
        if history["currentIndex"] == 0:
            raise UsageError("There is nothing to go back to: this is the first page of the tab.")
        entry = history["entries"][history["currentIndex"] - 1]
        self._navigate("Page.navigateToHistoryEntry", entryId=entry["id"])

    def _navigate(self, method: str, **params: Any) -> None:
        arrived: list[Event] = []
        self.devtools.on("Page.frameNavigated", arrived.append)

        async def work() -> None:
            await self.devtools.call(method, **params)
            await self.time.until(
                lambda: any("parentId" not in event["frame"] for event in arrived), NAVIGATION_TIMEOUT_MS
            )
            await self.time.advance(FIRST_SCRIPTS_MS)

        self.run(work())

    @property
    def document(self) -> Response | None:
        """The answer that brought the page's document; None before the first navigation."""
        return self._document

    @property
    def document_status(self) -> int | None:
        """The HTTP status of the document's answer; None after the page itself has navigated to another address."""
        return self._document.status if self._document and self._document.url == self.page.url else None

    @property
    def content_type(self) -> str:
        """The content type of the document, as its server gives it; empty if it gives none."""
        return self._document.headers.get("content-type", "") if self._document else ""

    @property
    def has_policy(self) -> bool:
        """True if the document has a Content-Security-Policy, as a header or as a meta element."""
        if self._document and "content-security-policy" in self._document.headers:
            return True
        meta = "!!document.querySelector('meta[http-equiv=\"content-security-policy\" i]')"
        return bool(self.run(self.devtools.js(meta)))

    def cookies(self) -> list[dict[str, Any]]:
        """Return the cookies of this page's context, as the browser lists them.

        `expires` is an instant of page time, in seconds since 1970. (`page.context.cookies()` reads another context.)
        """
        return self.run(self.cookies_of_context.all())

    def add_cookies(self, cookies: Sequence[dict[str, Any]]) -> None:
        """Set cookies.

        Args:
            cookies: Dicts as Playwright's `add_cookies` takes them: name, value, and url or domain and path; `expires`
                is an instant of page time, in seconds since 1970.
        """
        self.run(self.cookies_of_context.add(cookies))

    def storage_state(self) -> dict[str, Any]:
        """Return the cookies and the origin's local storage, in the shape of Playwright's `storage_state()`."""
        entries = self.run(self.devtools.js("Object.entries(localStorage)"))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.page.url))
        stored = [{"name": name, "value": value} for name, value in entries]
        return {"cookies": self.cookies(), "origins": [{"origin": origin, "localStorage": stored}] if stored else []}

    def restore(self, state: dict[str, Any]) -> None:
        """Start with the cookies and the local storage of a Playwright `storage_state()`. Call it before navigating."""
        if cookies := state.get("cookies"):
            self.add_cookies(cookies)
        for origin in state.get("origins", []):
            items = {entry["name"]: entry["value"] for entry in origin.get("localStorage", [])}
            source = (
                f"if (location.origin === {json.dumps(origin['origin'])} && !sessionStorage.pbiRestored) "
                f"{{ sessionStorage.pbiRestored = 1; Object.assign(localStorage, {json.dumps(items)}); }}"
            )
            self.run(self.devtools.call("Page.addScriptToEvaluateOnNewDocument", source=source))

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        """Let virtual time pass at the pace of real time within the block.

        Playwright's own waiting, for a navigation or for an element that a timer shows, needs this.
        """

        async def flow() -> None:
            while True:
                async with self._moving:
                    await self.time.advance(FLOW_MS)
                await asyncio.sleep(FLOW_MS / 1000)

        flowing = self._engine.start(flow())
        try:
            yield
        finally:
            flowing.cancel()
            self.run(self.time.advance(0))

    def end_by(self, real_seconds: float) -> None:
        """Let the clock advance only until `real_time.seconds()` is `real_seconds`; then it raises `TookTooLong`."""
        self.time.end_by(real_seconds)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the engine's loop and return its result; then let Playwright catch up with its events.

        The calling thread blocks. Meanwhile the test's own Playwright handlers run.
        Raises `ClockStuck` if the page no longer answers the browser.
        """

        async def alone() -> T:
            async with self._moving:
                return await work

        try:
            result = self._engine.run(alone(), None if self._unattended else self._browser.let_handlers_run)
        except TimeoutError:  # the page does not answer the browser any more
            raise ClockStuck([], CALL_TIMEOUT_S) from None
        if not self._unattended:
            self._catch_up()
        return result

    def leave_unattended(self, unattended: bool) -> None:
        """Stop, or resume, keeping Playwright's `page` up to date.

        Without these updates the clock takes a third less real time.
        """
        self._unattended = unattended
        if not unattended:
            self._catch_up()

    def _catch_up(self) -> None:
        for _ in range(CATCH_UP_CALLS):
            try:
                self.page.evaluate("0")
            except PlaywrightError:  # Playwright still knows an earlier document, or the page is gone
                continue
            break

    def _page_error(self, service: ServiceClock, event: Event) -> None:
        service.see(event["timestamp"])
        details = event["exceptionDetails"]
        exception = details.get("exception", {})
        text = exception.get("description") or str(exception.get("value", details["text"]))
        rejection = "in promise" in details["text"]
        self.journal.write("page.error", text=text, rejection=rejection, url=details.get("url", ""))

    def _dialog(self, event: Event) -> None:
        self.journal.write("page.dialog", type=event["type"], text=event["message"])

    def _raise_if_gone(self, seen: str) -> None:
        if not self._browser.alive:
            raise BrowserGone()
        if self.page.is_closed() or "crashed" in seen:
            raise PageGone()

    def close(self) -> None:
        """Close the tab and forget its cookies and storage."""
        self._ending.close()

    def __enter__(self) -> "VirtualPage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
