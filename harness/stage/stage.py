"""What a test holds: one isolated tab with its own cookies, fake Power BI, gateway and journal, on one virtual clock."""

import asyncio
import contextlib
import json
import math
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Response

from fake_pbi.certificate import Certificate
from fake_pbi.cloud import Cloud
from fake_pbi.errors import ServiceError
from fake_pbi.faults import Faults
from fake_pbi.hosts import APP, PLUMBING
from fake_pbi.tenant import Tenant
from harness.base.durations import Duration, duration, spoken
from harness.base.errors import UsageError
from harness.base.journal import Entry, Journal
from harness.browser.devtools import PATIENCE, Event
from harness.browser.engine import Engine
from harness.browser.errors import BrowserGone, PageGone
from harness.browser.launch import Browser
from harness.clock.clock import Clock
from harness.clock.cookies import Cookies
from harness.clock.errors import ClockStuck
from harness.clock.network import Network, Watcher
from harness.clock.service_clock import ServiceClock
from harness.clock.targets import Targets
from harness.clock.virtual_time import VirtualTime
from harness.stage.errors import NothingEmbedded, PageUnreachable
from harness.stage.frames import ItemFrames
from harness.stage.interception import Answer, Interception
from harness.stage.item import Item
from harness.stage.leak_watch import LeakWatch
from harness.stage.tab import Tab

T = TypeVar("T")
START_UP = 500.0
"""Virtual milliseconds that a new document gets for its first scripts and timers; loads take none of them."""
EMBED_PATIENCE = 30_000.0
"""Virtual milliseconds in which a page has to embed something."""
FLOW = 20.0
"""Milliseconds of both times that pass at a step while time flows."""
CATCHING_UP = 20
"""Calls after which Playwright knows of a navigation, at the latest."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
REFUSED = 'pbi-harness; details="'
"""How the header begins by which the gateway says why it did not pass a request on."""


def next_minute() -> datetime:
    """The earliest instant at which virtual time may begin: certificates are judged by real time, and a cookie that has ended by it
    is not taken, so never before it; a whole minute, because it reads better."""
    return datetime.fromtimestamp(math.ceil(datetime.now(UTC).timestamp() / 60) * 60, UTC)


def _host_of(url: str) -> str:
    """The host of a page's address. Raises `UsageError` if it is none."""
    with contextlib.suppress(ValueError):  # brackets that do not match, or a port that is none
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts.hostname
    raise UsageError(f"{url!r} is not the address of a page; give one such as http://localhost:3000/report.")


@dataclass(frozen=True)
class Conditions:
    """Under which conditions a tab lives.

    `start`: service time at its opening, an aware datetime that is not before the real now (default: the next whole minute).
    `client_ahead`: by how much the page's own clock is fast, or, negative, slow. `time_zone`: an IANA name, such as
    "Asia/Kolkata" (default: the machine's). `ignore_https_errors` as Playwright has it. `watch_tokens`: journal where the page
    gets its tokens, and every place in which it puts one. `bypass_csp`: the page's Content-Security-Policy is not in force; it
    would keep the harness out of workers.
    """

    start: datetime | None = None
    client_ahead: timedelta = timedelta(0)
    time_zone: str | None = None
    ignore_https_errors: bool = False
    watch_tokens: bool = False
    bypass_csp: bool = True


class Stage:
    """A tab, its clock and its fake Power BI. Close it, or use it in a `with` block."""

    def __init__(
        self, browser: Browser, engine: Engine, certificate: Certificate, *, npm: Path, conditions: Conditions
    ) -> None:
        self._browser, self._engine, self._conditions = browser, engine, conditions
        self._ending = contextlib.ExitStack()
        try:
            self._set_up(certificate, npm)
        except BaseException:
            self._ending.close()
            raise

    def _set_up(self, certificate: Certificate, npm: Path) -> None:
        conditions = self._conditions
        service = ServiceClock(max(conditions.start or next_minute(), next_minute()), conditions.client_ahead)
        self.cloud = Cloud(service.now, npm=npm, certificate=certificate)
        self._engine.run(self.cloud.start())
        self._ending.callback(lambda: self._engine.run(self.cloud.stop()))
        self._isolated = self._browser.isolated_page(proxy=self.cloud.gateway.url)
        self._ending.callback(lambda: self._browser.dispose(self._isolated))
        self.page = self._isolated.page
        """Playwright's page: locators, `route`, `expect`, screenshots. For navigation use the stage's own `goto`."""
        self._document: Response | None = None
        self._unattended = False
        self._moving = asyncio.Lock()  # nobody moves the clock while another does
        session = self._isolated.session

        async def begin() -> None:
            session.on("Runtime.exceptionThrown", lambda event: self._page_error(service, event))
            session.on("Page.javascriptDialogOpening", self._dialog)
            if conditions.time_zone:
                await session.call("Emulation.setTimezoneOverride", timezoneId=conditions.time_zone)
            if conditions.ignore_https_errors:
                await session.call("Security.setIgnoreCertificateErrors", ignore=True)
            await self._targets.attach()
            await self._time.start(service.now() + conditions.client_ahead)

        self._network = Network(service, self.journal, unlisted=PLUMBING, sources={APP: "embed"})
        self._cookies = Cookies(self._isolated, service, self.journal, self._network.stirred)
        self._interception = Interception(
            service, self._network, self._cookies, self.faults, self.cloud.answers.expired
        )
        self._interception.answer(f"https://{APP}{PLUMBING}*", self._answer_of_service)
        self._tokens = LeakWatch(self.journal, self.cloud.tokens) if conditions.watch_tokens else None
        watchers: list[Watcher] = [self._cookies, self._interception]
        if self._tokens:
            watchers.append(self._tokens)
        self._targets = Targets(self._isolated, self._network, watchers, bypass_csp=conditions.bypass_csp)
        self._time = VirtualTime(session, self._targets, self._network, self._cookies, service)
        self._engine.run(begin())
        self._ending.callback(lambda: self._engine.run(self._stop_watching()))
        self.clock = Clock(self._time, service, self._run)
        self.tab = Tab(
            self._isolated.target_id, self._isolated.context_id, session, self._time, service, self.journal, self._run
        )
        self._frames = ItemFrames(session, self._time, self.cloud, self._run)
        self._ending.enter_context(service.followed_by_python())

    async def _stop_watching(self) -> None:
        self._time.close()
        await self._targets.close()
        await self._interception.close()
        await self._cookies.close()
        if self._tokens:
            await self._tokens.close()

    @property
    def journal(self) -> Journal:
        """Everything that happened, in order."""
        return self.cloud.journal

    @property
    def tenant(self) -> Tenant:
        """What exists in the fake Power BI, and how its service behaves."""
        return self.cloud.tenant

    @property
    def faults(self) -> Faults:
        """What endpoints do wrong: `stage.faults.add("*/token/*", status=500, for_="2min")`."""
        return self.cloud.faults

    def open(self, url: str, *, lifetime: Duration = "60min") -> "Stage":
        """Open a page whose access tokens live for `lifetime`. Returns the stage, so that `.item()` can follow.

        Raises `PageUnreachable` if nothing answers there.
        """
        self.tenant.lifetime = duration(lifetime)
        self.journal.write("page.opened", url=url, lifetime=self.tenant.lifetime.total_seconds())
        self.goto(url)
        return self

    def goto(self, url: str) -> None:
        """Navigate. Half a second of virtual time passes, for its first scripts and timers."""
        if (host := _host_of(url)) not in LOOPBACK:
            self.allow_host(host)
        try:
            self._document = self.page.goto(url, wait_until="commit")  # 'load' would wait for time that stands still
        except PlaywrightError as error:
            seen = error.message.splitlines()[0].removeprefix("Page.goto: ")
            self._raise_if_gone(seen)
            raise PageUnreachable(url, seen.removesuffix(f" at {url}")) from None
        if self._document and (said := self._document.headers.get("proxy-status", "")).startswith(REFUSED):
            raise PageUnreachable(url, said.removeprefix(REFUSED).rstrip('"'))
        self._run(self._time.advance(START_UP))

    def reload(self) -> None:
        """Reload the page, as its user would."""
        self._navigate("Page.reload")

    def back(self) -> None:
        """Go back in the tab's history. Raises `UsageError` where there is nothing to go back to."""
        history = self._run(self._isolated.session.call("Page.getNavigationHistory"))
        if history["currentIndex"] == 0:
            raise UsageError("There is nothing to go back to: this is the first page of the tab.")
        entry = history["entries"][history["currentIndex"] - 1]
        self._navigate("Page.navigateToHistoryEntry", entryId=entry["id"])

    def _navigate(self, method: str, **params: Any) -> None:
        arrived: list[Event] = []
        self._isolated.session.on("Page.frameNavigated", arrived.append)

        async def work() -> None:
            await self._isolated.session.call(method, **params)
            await self._time.until(lambda: any("parentId" not in event["frame"] for event in arrived), EMBED_PATIENCE)
            await self._time.advance(START_UP)

        self._run(work())

    def allow_host(self, glob: str) -> None:
        """Let requests through to the real hosts that match ("cdn.example.com", "*.example.com"); all else is refused.

        Power BI and Entra hosts are never let through.
        """
        self.cloud.gateway.allowed.append(glob)

    def limit_requests(self, glob: str, at_most: int, since: datetime | None = None) -> None:
        """End the session with `RequestStorm` at the first request to URLs like `glob` beyond so many from now on, or from an
        instant on: until then the limit counts that is there already."""
        self._network.limit(glob, at_most, since)

    def delay_answers(self, glob: str, by: Duration) -> None:
        """From now on an answer from `glob` takes so much virtual time."""
        self._interception.delay(glob, duration(by))

    def answer(self, glob: str, make: Callable[[], Answer]) -> None:
        """Answer requests to `glob` in place of their server."""
        self._interception.answer(glob, lambda _: make())

    def _answer_of_service(self, told: Event) -> Answer | None:
        """What the fake's own frames tell it need not go by way of the network, which is most of what it would cost. What is refused
        does, and so does a beacon, of which it is not shown here what it tells."""
        if told["method"] != "POST":
            return None
        try:
            status, text = self.cloud.embed.tell(urlsplit(told["url"]).path, json.loads(told["postData"]))
        except (KeyError, ValueError, ServiceError):
            return None
        return Answer(status, "application/json", text)

    def look_back_for_tokens(self) -> None:
        """Journal the answers in which tokens stood that nobody knew then: tokens of another service."""
        if self._tokens:
            self._tokens.look_back()

    @property
    def document_status(self) -> int | None:
        """What the server answered to the page's address; None after the page has gone elsewhere by itself."""
        return self._document.status if self._document and self._document.url == self.page.url else None

    @property
    def content_type(self) -> str:
        """What the server says the document is."""
        return self._document.headers.get("content-type", "") if self._document else ""

    @property
    def has_policy(self) -> bool:
        """Whether the document has a Content-Security-Policy, as a header or as a meta element."""
        if self._document and "content-security-policy" in self._document.headers:
            return True
        meta = "!!document.querySelector('meta[http-equiv=\"content-security-policy\" i]')"
        return bool(self._run(self._isolated.session.js(meta)))

    def number_of_item_in(self, selector: str) -> str | None:
        """The number of the item whose iframe an element that matches is or holds; None if there is none."""
        return self._run(self._frames.number_in(selector))

    def restore(self, state: dict[str, Any]) -> None:
        """Begin with the cookies and local storage of a Playwright `storage_state()`. Call it before `open`."""
        if cookies := state.get("cookies"):
            self.add_cookies(cookies)
        for origin in state.get("origins", []):
            items = {entry["name"]: entry["value"] for entry in origin.get("localStorage", [])}
            source = (
                f"if (location.origin === {json.dumps(origin['origin'])} && !sessionStorage.pbiRestored) "
                f"{{ sessionStorage.pbiRestored = 1; Object.assign(localStorage, {json.dumps(items)}); }}"
            )
            self._run(self._isolated.session.call("Page.addScriptToEvaluateOnNewDocument", source=source))

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        """Within the block time passes at the pace of the real one, as Playwright's own waiting (for a navigation, for an
        element that a timer brings) expects it to."""

        async def flow() -> None:
            while True:
                async with self._moving:
                    await self._time.advance(FLOW)
                await asyncio.sleep(FLOW / 1000)

        flowing = self._engine.start(flow())
        try:
            yield
        finally:
            flowing.cancel()
            self._run(self._time.advance(0))

    def end_by(self, real_seconds: float) -> None:
        """Let time go on until `real_time.seconds()` is this; then whatever moves the clock raises `TookTooLong`."""
        self._time.deadline = real_seconds

    def items(self) -> list[Item]:
        """The items that are on the page now, in the order in which their iframes were served."""
        return [self._item(name) for name in self._run(self._frames.living())]

    def item(self, index: int = 0) -> Item:
        """The item at this place, as soon as it is on the page.

        Raises `NothingEmbedded` if it is not there within 30 s of virtual time.
        """

        async def wait() -> list[str]:
            waited = 0.0
            while len(found := await self._frames.living()) <= index and waited < EMBED_PATIENCE:
                step = 10.0 if waited < 1000 else 100.0
                await self._time.advance(step)
                waited += step
            return found

        found = self._run(wait())
        if len(found) <= index:
            errors = [entry["text"].splitlines()[0] for entry in self.journal.of("page.error")]
            refused = sorted({entry["host"] for entry in self.journal.of("host.refused")})
            raise NothingEmbedded(self.page.url, len(found), errors, refused, self.document_status)
        return self._item(found[index])

    def _item(self, name: str) -> Item:
        return Item(name, self._frames, self.journal, self.clock, self.tab)

    def cookies(self) -> list[dict[str, Any]]:
        """The cookies of this tab's context, as the browser lists them; `expires` is an instant of the page's clock, in seconds
        since 1970. (`page.context.cookies()` sees another context's.)"""
        return self._run(self._cookies.all())

    def add_cookies(self, cookies: Sequence[dict[str, Any]]) -> None:
        """Set cookies (dicts as Playwright's `add_cookies` takes them: name, value, and url or domain and path; `expires` is an
        instant of the page's clock, in seconds since 1970)."""
        self._run(self._cookies.add(cookies))

    def storage_state(self) -> dict[str, Any]:
        """Cookies, and the local storage of the page's origin, in the shape of Playwright's `storage_state()`."""
        entries = self._run(self._isolated.session.js("Object.entries(localStorage)"))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.page.url))
        stored = [{"name": name, "value": value} for name, value in entries]
        return {"cookies": self.cookies(), "origins": [{"origin": origin, "localStorage": stored}] if stored else []}

    def since_open(self, entry: Entry) -> str:
        """When an entry happened, counted from the opening of the page: "50:20"."""
        opened = [opened for opened in self.journal.of("page.opened") if opened.at <= entry.at]
        return spoken(entry.at - (opened[-1].at if opened else entry.at))

    def _page_error(self, service: ServiceClock, event: Event) -> None:
        service.see(event["timestamp"])
        details = event["exceptionDetails"]
        exception = details.get("exception", {})
        text = exception.get("description") or str(exception.get("value", details["text"]))
        rejection = "in promise" in details["text"]
        self.journal.write("page.error", text=text, rejection=rejection, url=details.get("url", ""))

    def _dialog(self, event: Event) -> None:
        self.journal.write("page.dialog", type=event["type"], text=event["message"])

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it on the engine's loop while this thread waits; then Playwright, which hears of it all later, catches up."""

        async def alone() -> T:
            async with self._moving:
                return await work

        try:
            result = self._engine.run(alone(), None if self._unattended else self._browser.let_handlers_run)
        except TimeoutError:  # the page does not answer the browser any more
            raise ClockStuck([], PATIENCE) from None
        if not self._unattended:
            self._catch_up()
        return result

    def leave_unattended(self, unattended: bool) -> None:
        """Whether nobody uses `page` for a while: then Playwright need not be kept up to date, which saves a third of the time."""
        self._unattended = unattended
        if not unattended:
            self._catch_up()

    def _catch_up(self) -> None:
        for _ in range(CATCHING_UP):
            try:
                self.page.evaluate("0")
            except PlaywrightError:  # it still believes in a document that has gone; or the page itself has
                continue
            break

    def _raise_if_gone(self, seen: str) -> None:
        if not self._browser.alive:
            raise BrowserGone()
        if self.page.is_closed() or "crashed" in seen:
            raise PageGone()

    def close(self) -> None:
        """Close the tab, end its fake Power BI, give Python its time back."""
        self._ending.close()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
