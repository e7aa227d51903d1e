"""The stage: one isolated tab with its own cookies, fake Power BI, gateway and journal, on one virtual clock."""

import contextlib
import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fake_pbi.certificate import Certificate
from fake_pbi.cloud import Cloud
from fake_pbi.errors import ServiceError
from fake_pbi.faults import Faults
from fake_pbi.hosts import APP, FAKE_PATH
from fake_pbi.tenant import Tenant
from harness import clock
from harness.base.durations import Duration, duration, format_duration
from harness.base.journal import Entry, Journal
from harness.browser.devtools import Event
from harness.browser.engine import Engine
from harness.browser.launch import Browser
from harness.clock.cookies import Cookies
from harness.clock.errors import PageUnreachable
from harness.clock.network import Network
from harness.clock.virtual_page import ClosingWatcher, host_of
from harness.stage.errors import NothingEmbedded
from harness.stage.frames import ItemFrames
from harness.stage.interception import Answer, Interception
from harness.stage.item import Item
from harness.stage.leak_watch import LeakWatch
from harness.stage.tab import Tab

T = TypeVar("T")
EMBED_TIMEOUT_MS = 30_000.0
"""Virtual milliseconds within which a page has to embed an item."""
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
REFUSED = 'pbi-harness; details="'
"""The beginning of the header by which the gateway says why it did not pass a request on."""


@dataclass(frozen=True, kw_only=True)
class Conditions(clock.Conditions):
    """The conditions of a tab: those of `harness.clock.Conditions`, and one more.

    Attributes:
        watch_tokens: Journal each answer that brings the page a token, and each place where the page puts one.
    """

    watch_tokens: bool = False


class Stage:
    """A tab, its clock and its fake Power BI. Close it, or use it in a `with` block.

    Attributes:
        page: Playwright's page: locators, `route`, `expect`, screenshots. Navigate with the stage's own `goto`.
        clock: The clock that advances the tab.
        tab: The tab: hide it, freeze it, let its machine sleep.
        cloud: The fake cloud of this stage.
        virtual: The page in virtual time that the stage is built on.
        frames: The frames of the page's items.
        leak_watch: The watcher of the page's tokens; None unless the conditions ask for one.
    """

    def __init__(
        self, browser: Browser, engine: Engine, certificate: Certificate, *, npm: Path, conditions: Conditions
    ) -> None:
        """Open a blank tab. `HarnessSession.stage` makes stages.

        Args:
            browser: The browser to open the tab in.
            engine: The thread that runs the fake cloud and owns the browser's DevTools connection.
            certificate: The certificate of the fake cloud.
            npm: A node_modules folder with Microsoft's packages.
            conditions: The conditions of the tab.
        """
        self._browser, self._engine, self._conditions = browser, engine, conditions
        self._ending = contextlib.ExitStack()
        try:
            self._set_up(certificate, npm)
        except BaseException:
            self._ending.close()
            raise

    def _set_up(self, certificate: Certificate, npm: Path) -> None:
        conditions = self._conditions
        service = conditions.service_clock()
        self.cloud = Cloud(service.now, npm=npm, certificate=certificate)
        self._engine.run(self.cloud.start())
        self._ending.callback(lambda: self._engine.run(self.cloud.stop()))
        self.leak_watch = LeakWatch(self.journal, self.cloud.tokens) if conditions.watch_tokens else None

        def watchers(network: Network, cookies: Cookies) -> list[ClosingWatcher]:
            self._interception = Interception(service, network, cookies, self.faults, self.cloud.answers.expired)
            self._interception.answer(f"https://{APP}{FAKE_PATH}*", self._answer_of_frame)
            return [self._interception, *([self.leak_watch] if self.leak_watch else [])]

        self.virtual = self._ending.enter_context(
            clock.VirtualPage(
                self._browser,
                self._engine,
                service,
                self.journal,
                conditions=conditions,
                proxy=self.cloud.gateway.url,
                unlisted=FAKE_PATH,
                sources={APP: "embed"},
                watchers=watchers,
            )
        )
        self.page = self.virtual.page
        self.clock = self.virtual.clock
        self.tab = Tab(self.virtual, service)
        self.frames = ItemFrames(self.virtual.devtools, self.virtual.time, self.cloud, self._run)
        self._ending.enter_context(service.followed_by_python())

    @property
    def journal(self) -> Journal:
        """Everything that happened, in order."""
        return self.cloud.journal

    @property
    def tenant(self) -> Tenant:
        """The settings of the fake Power BI: the items that exist, and how the service behaves."""
        return self.cloud.tenant

    @property
    def faults(self) -> Faults:
        """The faults of endpoints: `stage.faults.add("*/token/*", status=500, for_="2min")`."""
        return self.cloud.faults

    def open(self, url: str, *, lifetime: Duration = "60min") -> "Stage":
        """Open a page and return the stage, so that `.item()` can follow.

        Args:
            url: The address of the page, of http or https.
            lifetime: The lifetime of its tokens, as a `timedelta` or a string with a unit.

        Raises:
            UsageError: `url` is not the address of a page.
            PageUnreachable: Nothing answers there.
        """
        self.tenant.lifetime = duration(lifetime)
        self.journal.write("page.opened", url=url, lifetime=self.tenant.lifetime.total_seconds())
        self.goto(url)
        return self

    def goto(self, url: str) -> None:
        """Navigate. Half a second of virtual time passes for the first scripts and timers of the page.

        Raises `UsageError` if `url` is not the address of a page, and `PageUnreachable` if nothing answers there.
        """
        if (host := host_of(url)) not in LOOPBACK:
            self.allow_host(host)
        self.virtual.commit(url)
        document = self.virtual.document
        if document and (said := document.headers.get("proxy-status", "")).startswith(REFUSED):
            raise PageUnreachable(url, said.removeprefix(REFUSED).rstrip('"'))
        self.virtual.run_first_scripts()

    def reload(self) -> None:
        """Reload the page, as its user would."""
        self.virtual.reload()

    def back(self) -> None:
        """Go back in the tab's history. Raises `UsageError` if this is the first page of the tab."""
        self.virtual.back()

    def allow_host(self, glob: str) -> None:
        """Let requests pass to the real hosts that match a pattern: "cdn.example.com", "*.example.com".

        The gateway refuses all other hosts, and the hosts of Power BI and Entra ID whatever the pattern is.
        """
        self.cloud.gateway.allowed.append(glob)

    def limit_requests(self, glob: str, at_most: int, since: datetime | None = None) -> None:
        """Limit the requests to URLs that match `glob`. The request after the last allowed one raises `RequestStorm`.

        Args:
            glob: A pattern for URLs.
            at_most: The number of requests that are allowed.
            since: The instant of service time from which this limit counts, instead of an earlier limit; None for now.
        """
        self.virtual.network.limits.add(glob, at_most, since)

    def delay_answers(self, glob: str, by: Duration) -> None:
        """Let each later answer to a URL that matches `glob` take this much virtual time."""
        self._interception.delay(glob, duration(by))

    def answer(self, glob: str, make: Callable[[], Answer]) -> None:
        """Answer requests to URLs that match `glob` in place of their server. `make` is called for each request."""
        self._interception.answer(glob, lambda _: make())

    def _answer_of_frame(self, request: Event) -> Answer | None:
        """Return the fake cloud's answer to a frame's own request, without the network; None to let the request pass.

        The way through the network would take most of the time that such a request costs. Two kinds of
        requests go through the network nevertheless: those that the fake cloud refuses, and beacons, whose body the
        browser does not show here.
        """
        if request["method"] != "POST":
            return None
        try:
            status, text = self.cloud.embed.receive(urlsplit(request["url"]).path, json.loads(request["postData"]))
        except (KeyError, ValueError, ServiceError):
            return None
        return Answer(status, "application/json", text)

    def restore(self, state: dict[str, Any]) -> None:
        """Start with the cookies and the local storage of a Playwright `storage_state()`. Call it before `open`."""
        self.virtual.restore(state)

    def items(self) -> list[Item]:
        """Return the items that are on the page now, in the order in which their frames were served."""
        return [self._item(name) for name in self._run(self.frames.on_page())]

    def item(self, index: int = 0) -> Item:
        """Advance the clock until an item is on the page, and return the item.

        `index` 0 is the first item. Raises `NothingEmbedded` if the item is not there within 30 s of virtual time.
        """

        async def wait() -> list[str]:
            waited = 0.0
            while len(found := await self.frames.on_page()) <= index and waited < EMBED_TIMEOUT_MS:
                step = 10.0 if waited < 1000 else 100.0
                await self.virtual.time.advance(step)
                waited += step
            return found

        found = self._run(wait())
        if len(found) <= index:
            errors = [entry["text"].splitlines()[0] for entry in self.journal.of("page.error")]
            refused = sorted({entry["host"] for entry in self.journal.of("host.refused")})
            raise NothingEmbedded(self.page.url, len(found), errors, refused, self.virtual.document_status)
        return self._item(found[index])

    def _item(self, name: str) -> Item:
        return Item(name, self.frames, self.journal, self.clock, self.tab)

    def cookies(self) -> list[dict[str, Any]]:
        """Return the cookies of this tab's context, as the browser lists them.

        `expires` is an instant of page time, in seconds since 1970. (`page.context.cookies()` reads another context.)
        """
        return self.virtual.cookies()

    def add_cookies(self, cookies: Sequence[dict[str, Any]]) -> None:
        """Set cookies.

        Args:
            cookies: Dicts as Playwright's `add_cookies` takes them: name, value, and url or domain and path; `expires`
                is an instant of page time, in seconds since 1970.
        """
        self.virtual.add_cookies(cookies)

    def storage_state(self) -> dict[str, Any]:
        """Return the cookies and the origin's local storage, in the shape of Playwright's `storage_state()`."""
        return self.virtual.storage_state()

    def since_open(self, entry: Entry) -> str:
        """Return the time of an entry, counted from the opening of the page: "50:20"."""
        opened = [opened for opened in self.journal.of("page.opened") if opened.at <= entry.at]
        return format_duration(entry.at - (opened[-1].at if opened else entry.at))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.virtual.run(work)

    def close(self) -> None:
        """Close the tab, stop its fake cloud, and let Python read real time again."""
        self._ending.close()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
