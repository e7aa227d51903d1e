"""One visit to the page under test: its plan, and the actions of its user."""

import contextlib
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import Error as PlaywrightError

from fake_pbi.hosts import APP
from fake_pbi.token_answers import Shape
from harness.base.errors import HarnessError, UsageError
from harness.contract.adapter import Adapter
from harness.contract.errors import AdapterFailed, NotAPage
from harness.contract.observation import EMBEDDING_TIME, Observation
from harness.contract.page import PageUnderTest, TokenUrl
from harness.stage.driver import Driver
from harness.stage.interception import Answer
from harness.stage.item import Item
from harness.stage.stage import Stage

LATENCY = timedelta(milliseconds=200)
"""The virtual time that a healthy token endpoint takes to answer.

A user does not notice 200 ms, and a page without a guard sends another request within them.
"""
REQUEST_LIMIT = 60
"""The token requests to one address, per item, after which a visit ends. A page that renews well sends far fewer."""
GENEROUS_REQUEST_LIMIT = 1500
"""The request limit of visits in which many token requests are no fault.

These visits are the ones with brief outages or provider outages, and the visit that searches for the renewal moment.
FAIL-5 judges the number of requests in an outage.
"""
REQUEST_LIMIT_WHILE_EMBEDDING = 150
"""The token requests to one address in the first 30 s after which a visit ends. A page may fetch tokens in advance."""
BRIEF_WATCH = timedelta(seconds=5)
"""The time for which a page is watched after its items have loaded, and after a return to its tab."""
CLICK_TIMEOUT_REAL_MS = 2000
"""Real milliseconds that Playwright looks for the element of `--remove`."""


def only_load(_: "PageVisit") -> None:
    """Do nothing more, once the page's items have loaded."""


@dataclass(frozen=True)
class Plan:
    """The plan of one visit.

    Attributes:
        title: The conditions of the visit, as messages name them: "frozen past expiry".
        act: What happens after the page's items have loaded. It is not called if nothing loads.
        at_end: What happens last, even if nothing has loaded.
        lifetime: The lifetime of the tokens; None for that of most visits.
        request_limit: The token requests to one address, per item, after which the visit ends.
        seed: An addition to the seed of the random interactions.
        conditions: More conditions of the stage, by their names in `Conditions`.
    """

    title: str
    act: "Callable[[PageVisit], None]" = only_load
    at_end: "Callable[[PageVisit], None]" = only_load
    lifetime: timedelta | None = None
    request_limit: int = REQUEST_LIMIT
    seed: object = ""
    conditions: Mapping[str, Any] = field(default_factory=dict)


class PageVisit:
    """One visit while it lasts: its stage, its observation, and the actions of its user."""

    def __init__(
        self,
        page: PageUnderTest,
        url: str,
        stage: Stage,
        observed: Observation,
        rng: random.Random,
        request_limit: int,
    ) -> None:
        self.page, self._url, self.stage, self.observed, self._rng = page, url, stage, observed, rng
        self.driver = Driver(stage)
        self._request_limit = request_limit

    def prepare(self, token_urls: tuple[TokenUrl, ...]) -> None:
        """Set up the stage for the page: limits, latencies, answers, hosts, existing items and the signed-in state."""
        page, stage = self.page, self.stage
        self._limit_requests(REQUEST_LIMIT_WHILE_EMBEDDING)
        for token in token_urls:
            stage.delay_answers(token.glob, LATENCY)
            if page.answer_tokens:
                stage.answer(token.glob, self._make_answers(token.shape or "embed"))
        for glob in page.allow_hosts:
            stage.allow_host(glob)
        if page.url:
            stage.cloud.tokens.accepts_foreign = True
        stage.tenant.only_items = page.only_items
        if page.storage_state:
            stage.restore(page.storage_state)

    def _limit_requests(self, at_most: int, since: datetime | None = None) -> None:
        for glob in self.observed.token_urls:
            self.stage.limit_requests(glob, at_most, since)

    def _make_answers(self, shape: Shape) -> Callable[[], Answer]:
        answers, template = self.stage.cloud.answers, self.page.template
        return lambda: Answer(
            200,
            "application/json",
            answers.text(shape, template),
            ended=lambda: answers.text(shape, template, expired=True),
        )

    def _open_page(self) -> None:
        """Open the page, sign in, and bring it to where it embeds.

        Raises `PageUnreachable`, `NotAPage` and `AdapterFailed`.
        """
        url = self._url
        adapter, stage = self.page.adapter, self.stage
        adapter.stage, adapter.chance = stage, self._rng
        self.driver.leave_unattended(type(adapter) is Adapter)
        stage.open(url, lifetime=self.observed.lifetime)
        self._expect_page(url)
        self.observed.url, self.observed.landed = url, stage.page.url
        self.observed.has_policy = self.driver.has_policy
        for name in ("sign_in", "open"):
            if getattr(type(adapter), name) is not getattr(Adapter, name):
                with wrap_adapter_errors(adapter, name), self.driver.flowing():
                    getattr(adapter, name)(stage.page)
        self.observed.arrived = stage.clock.now

    def _expect_page(self, url: str) -> None:
        """Raise `NotAPage` if the server answered with an error status or with something other than HTML."""
        status, kind = self.driver.document_status, self.driver.content_type
        if status is not None and status >= 400:
            raise NotAPage(url, f"its server answered {status}")
        if kind and "html" not in kind:
            raise NotAPage(url, f"its server answered with {kind.partition(';')[0]}")

    def loaded(self) -> list[Item]:
        """Open the page and return its items once the first has loaded; none if nothing loads within 30 s.

        A page that loads nothing is judged by EMB-1. Raises `PageUnreachable`, `NotAPage` and `AdapterFailed`, and
        `UsageError` if the selector of `--item` matches no item.
        """
        stage = self.stage
        self._open_page()
        try:
            stage.clock.advance_until(
                lambda: stage.journal.of("item.event", event="loaded"), EMBEDDING_TIME, every="0.1s"
            )
        except AssertionError:
            self.driver.leave_unattended(False)  # else Playwright may not know yet that the page went elsewhere
            self.observed.landed = stage.page.url
            return []
        stage.clock.advance(BRIEF_WATCH)
        self.observed.chosen = self._number_of_chosen_item()
        items = self.items()
        self._limit_requests(self._request_limit * max(1, len(items)), self.observed.embedding_ends)
        return items

    def _number_of_chosen_item(self) -> str | None:
        """Return the number of the one item that is judged; None if every item is."""
        wanted = self.page.item
        if wanted is None or wanted.isdigit():
            return wanted
        number = self.driver.item_in(wanted)
        if number is None:
            raise UsageError(f"--item {wanted!r} matches no element with an iframe of {APP}. Correct the selector.")
        return number

    def items(self) -> list[Item]:
        """Return the items that are on the page now."""
        return self.stage.items()

    def interact(self) -> None:
        """Let the user interact with each item that has loaded.

        An item that shows nothing to use at the time, and so raises a `UsageError`, is skipped.
        """
        for item in self.items():
            if item.events("loaded"):
                with contextlib.suppress(UsageError), wrap_adapter_errors(self.page.adapter, "interact"):
                    self.page.adapter.interact(item)

    def use_for(self, length: timedelta) -> None:
        """Advance by `length`, with an interaction every 2 to 7 min at random."""
        end = self.stage.clock.now + length
        while self.stage.clock.now < end:
            self.stage.clock.advance(timedelta(minutes=self._rng.uniform(2, 7)))
            self.interact()

    def advance_to(self, since_open: timedelta) -> None:
        """Advance to an instant that is given as the time since the opening. A past instant changes nothing."""
        self.stage.clock.advance_to(max(self.stage.clock.now, self.observed.opened + since_open))

    def watch_return(self, length: timedelta) -> None:
        """Record that the tab has just been shown again, and advance to `length` after that."""
        self.observed.returns.append(self.stage.tab.shown_at)
        self.stage.clock.advance_to(self.stage.tab.shown_at + length)

    def use_at_expiry(self, *, before: timedelta) -> None:
        """Let the user interact at the very expiry of the next token that is not renewed before it.

        `before` is a time since the opening; nothing happens if no current token expires before then.
        """
        until = self.observed.opened + before
        coming = [expiry for expiry in self._expiries() if self.stage.clock.now < expiry < until]
        if coming:
            self.stage.clock.advance_to(min(coming) - timedelta(seconds=1))
            if min(coming) in self._expiries():
                self.stage.clock.advance_to(min(coming))
                self.interact()

    def _expiries(self) -> list[datetime]:
        """Return the expiries of the items' current tokens."""
        return [token.expires for item in self.items() if (token := item.token) and token.expires]

    def remove(self, item: Item) -> None:
        """Remove an item as its user would.

        Raises `UsageError` if the selector of `--remove` cannot be clicked, and `AdapterFailed`.
        """
        self.driver.leave_unattended(False)
        if self.page.remove:
            try:
                self.stage.page.locator(self.page.remove).first.dispatch_event("click", timeout=CLICK_TIMEOUT_REAL_MS)
            except PlaywrightError as error:
                raise UsageError(
                    f"--remove {self.page.remove!r} could not be clicked: {error.message.splitlines()[0].rstrip('.')}. "
                    "Correct the selector."
                ) from None
        else:
            with wrap_adapter_errors(self.page.adapter, "remove"), self.driver.flowing():
                self.page.adapter.remove(item)


@contextlib.contextmanager
def wrap_adapter_errors(adapter: Adapter, method: str) -> Iterator[None]:
    """Raise an `AdapterFailed` in place of an exception of the user's adapter.

    `method` is the name of the adapter's method that runs in the block. A `HarnessError` passes unchanged.
    """
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        raise AdapterFailed(f"{type(adapter).__name__}.{method}", error) from error
