"""What a test holds: one isolated tab with its own cookies, fake Power BI, gateway and journal, on one virtual clock."""

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


@dataclass(frozen=True)
class Conditions(clock.Conditions):
    """The conditions under which a tab lives: those of `harness.clock.Conditions`, and one more.

    Attributes:
        watch_tokens: Journal each answer that brings the page a token, and each place where the page puts one.
    """

    watch_tokens: bool = False


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
        service = conditions.service_clock()
        self.cloud = Cloud(service.now, npm=npm, certificate=certificate)
        self._engine.run(self.cloud.start())
        self._ending.callback(lambda: self._engine.run(self.cloud.stop()))
        self._tokens = LeakWatch(self.journal, self.cloud.tokens) if conditions.watch_tokens else None

        def watchers(network: Network, cookies: Cookies) -> list[ClosingWatcher]:
            self._interception = Interception(service, network, cookies, self.faults, self.cloud.answers.expired)
            self._interception.answer(f"https://{APP}{FAKE_PATH}*", self._answer_of_service)
            return [self._interception, *([self._tokens] if self._tokens else [])]

        self._virtual = self._ending.enter_context(
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
        self.page = self._virtual.page
        """Playwright's page: locators, `route`, `expect`, screenshots. Navigate with the stage's own `goto`."""
        self.clock = self._virtual.clock
        self.tab = Tab(self._virtual, service)
        self._frames = ItemFrames(self._virtual.devtools, self._virtual.time, self.cloud, self._run)
        self._ending.enter_context(service.followed_by_python())

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
        """Navigate. Half a second of virtual time passes for the first scripts and timers of the page.

        Raises `UsageError` if `url` is not the address of a page, and `PageUnreachable` if nothing answers there.
        """
        if (host := host_of(url)) not in LOOPBACK:
            self.allow_host(host)
        self._virtual.commit(url)
        document = self._virtual.document
        if document and (said := document.headers.get("proxy-status", "")).startswith(REFUSED):
            raise PageUnreachable(url, said.removeprefix(REFUSED).rstrip('"'))
        self._virtual.run_first_scripts()

    def reload(self) -> None:
        """Reload the page, as its user would."""
        self._virtual.reload()

    def back(self) -> None:
        """Go back in the tab's history. Raises `UsageError` if this is the first page of the tab."""
        self._virtual.back()

    def allow_host(self, glob: str) -> None:
        """Let requests through to the real hosts that match ("cdn.example.com", "*.example.com"); all else is refused.

        Power BI and Entra hosts are never let through.
        """
        self.cloud.gateway.allowed.append(glob)

    def limit_requests(self, glob: str, at_most: int, since: datetime | None = None) -> None:
        """End the session with `RequestStorm` at the first request to URLs like `glob` beyond so many from now on, or from an
        instant on: until then the limit counts that is there already."""
        self._virtual.network.limit(glob, at_most, since)

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
            status, text = self.cloud.embed.receive(urlsplit(told["url"]).path, json.loads(told["postData"]))
        except (KeyError, ValueError, ServiceError):
            return None
        return Answer(status, "application/json", text)

    def look_back_for_tokens(self) -> None:
        """Journal the answers in which tokens stood that nobody knew then: tokens of another service."""
        if self._tokens:
            self._tokens.look_back()

    @property
    def document_status(self) -> int | None:
        """The status that the server answered; None after the page itself has navigated to another address."""
        return self._virtual.document_status

    @property
    def content_type(self) -> str:
        """The content type of the document, as its server gives it; empty if it gives none."""
        return self._virtual.content_type

    @property
    def has_policy(self) -> bool:
        """Whether the document has a Content-Security-Policy, as a header or as a meta element."""
        return self._virtual.has_policy

    def number_of_item_in(self, selector: str) -> str | None:
        """The number of the item whose iframe an element that matches is or holds; None if there is none."""
        return self._run(self._frames.number_in(selector))

    def restore(self, state: dict[str, Any]) -> None:
        """Start with the cookies and the local storage of a Playwright `storage_state()`. Call it before `open`."""
        self._virtual.restore(state)

    def flowing(self) -> contextlib.AbstractContextManager[None]:
        """Let virtual time pass at the pace of real time within the block, as Playwright's own waiting needs."""
        return self._virtual.flowing()

    def end_by(self, real_seconds: float) -> None:
        """Let the clock advance only until `real_time.seconds()` has this value; then it raises `TookTooLong`."""
        self._virtual.end_by(real_seconds)

    def items(self) -> list[Item]:
        """The items that are on the page now, in the order in which their iframes were served."""
        return [self._item(name) for name in self._run(self._frames.living())]

    def item(self, index: int = 0) -> Item:
        """The item at this place, as soon as it is on the page.

        Raises `NothingEmbedded` if it is not there within 30 s of virtual time.
        """

        async def wait() -> list[str]:
            waited = 0.0
            while len(found := await self._frames.living()) <= index and waited < EMBED_TIMEOUT_MS:
                step = 10.0 if waited < 1000 else 100.0
                await self._virtual.time.advance(step)
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
        """Return the cookies of this tab's context, as the browser lists them.

        `expires` is an instant of page time, in seconds since 1970. (`page.context.cookies()` reads another context.)
        """
        return self._virtual.cookies()

    def add_cookies(self, cookies: Sequence[dict[str, Any]]) -> None:
        """Set cookies.

        Args:
            cookies: Dicts as Playwright's `add_cookies` takes them: name, value, and url or domain and path; `expires`
                is an instant of page time, in seconds since 1970.
        """
        self._virtual.add_cookies(cookies)

    def storage_state(self) -> dict[str, Any]:
        """Return cookies, and the local storage of the page's origin, in the shape of Playwright's `storage_state()`."""
        return self._virtual.storage_state()

    def since_open(self, entry: Entry) -> str:
        """When an entry happened, counted from the opening of the page: "50:20"."""
        opened = [opened for opened in self.journal.of("page.opened") if opened.at <= entry.at]
        return format_duration(entry.at - (opened[-1].at if opened else entry.at))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._virtual.run(work)

    def leave_unattended(self, unattended: bool) -> None:
        """Stop, or resume, keeping Playwright's `page` up to date. Without it the clock takes a third less real time."""
        self._virtual.leave_unattended(unattended)

    def close(self) -> None:
        """Close the tab, end its fake Power BI, give Python its time back."""
        self._ending.close()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
