"""Visits of a page under test: each in a clean, isolated tab with its own cloud, opened, used and put on record."""

import contextlib
import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from playwright.sync_api import Error as PlaywrightError

from fake_pbi.hosts import APP
from fake_pbi.token_answers import Shape
from harness.base.errors import HarnessError, UsageError
from harness.browser.errors import PageGone
from harness.clock.errors import ClockStuck, RequestStorm, TookTooLong
from harness.contract.adapter import Adapter
from harness.contract.errors import AdapterFailed, NotAPage
from harness.contract.observation import START_UP, Observation
from harness.contract.page import PageUnderTest, TokenUrl
from harness.stage.interception import Answer
from harness.stage.item import Item
from harness.stage.session import HarnessSession
from harness.stage.stage import Conditions, Stage

LATENCY = timedelta(milliseconds=200)
"""How long a healthy token endpoint takes: "at once" for a user, and long enough for a page without a guard to ask again."""
STORM = 60
"""Token requests to one address after which a session is ended, for each item. No page that renews well sends nearly as many."""
START_UP_STORM = 150
"""The same for the first 30 s, in which a page may fetch tokens for what it will embed later."""
SETTLED = timedelta(seconds=5)


class Visits:
    """Opens sessions of one page. `say` hears which one is running; `end_by` is when, in real seconds, it has to end."""

    def __init__(self, harness: HarnessSession, page: PageUnderTest, say: Callable[[str], None]) -> None:
        self._harness, self.page, self._say = harness, page, say
        self.observed: list[Observation] = []
        self.end_by = float("inf")

    @contextlib.contextmanager
    def open(
        self,
        title: str,
        lifetime: timedelta,
        token_urls: tuple[TokenUrl, ...],
        conditions: Conditions,
        *,
        storm: int = STORM,
        seed: object = 1,
    ) -> Iterator["PageVisit"]:
        """A session in its tab, in which `loaded` opens the page. What ends it early (real time, a crash, more than `storm` token
        requests for each item) is noted, not raised."""
        self._say(title)
        with self._harness.stage(conditions) as stage, contextlib.ExitStack() as serving:
            url = self.page.url
            if url is None:
                url = serving.enter_context(self._harness.host(stage, folder=self.page.folder)).url(self.page.name)
            globs = [token.glob for token in token_urls]
            opened = stage.clock.now
            observed = Observation(title, stage.journal, lifetime, globs, opened, opened)
            self.observed.append(observed)
            session = PageVisit(self.page, url, stage, observed, random.Random(f"{seed} {lifetime}"), storm)
            session.prepare(token_urls)
            stage.end_by(self.end_by)
            try:
                yield session
            except (RequestStorm, TookTooLong, ClockStuck, PageGone) as early:
                observed.stopped, observed.storm = str(early), isinstance(early, RequestStorm)
            finally:
                observed.ended = stage.clock.now


class PageVisit:
    """One session under way: the stage, what is put on record of it, and its user."""

    def __init__(
        self,
        page: PageUnderTest,
        url: str,
        stage: Stage,
        observed: Observation,
        chance: random.Random,
        storm: int,
    ) -> None:
        self.page, self._url, self.stage, self.observed, self._chance = page, url, stage, observed, chance
        self._storm = storm

    def prepare(self, token_urls: tuple[TokenUrl, ...]) -> None:
        """What has to be there before the page is."""
        page, stage = self.page, self.stage
        self._limit_requests(START_UP_STORM)
        for token in token_urls:
            stage.delay_answers(token.glob, LATENCY)
            if page.answer_tokens:
                stage.answer(token.glob, self._answering(token.shape or "embed"))
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

    def _answering(self, shape: Shape) -> Callable[[], Answer]:
        answers, template = self.stage.cloud.answers, self.page.template
        return lambda: Answer(
            200,
            "application/json",
            answers.text(shape, template),
            ended=lambda: answers.text(shape, template, expired=True),
        )

    def _begin(self) -> None:
        """Open the page and let its user come to where it embeds."""
        url = self._url
        adapter, stage = self.page.adapter, self.stage
        adapter.stage, adapter.chance = stage, self._chance
        stage.leave_unattended(type(adapter) is Adapter)
        stage.open(url, lifetime=self.observed.lifetime)
        self._expect_page(url)
        self.observed.url, self.observed.landed = url, stage.page.url
        self.observed.has_policy = stage.has_policy
        for name in ("sign_in", "open"):
            if getattr(type(adapter), name) is not getattr(Adapter, name):
                with adapted(adapter, name), stage.flowing():
                    getattr(adapter, name)(stage.page)
        self.observed.arrived = stage.clock.now

    def _expect_page(self, url: str) -> None:
        """Raises `NotAPage` for what is none: then no rule has anything to say."""
        status, kind = self.stage.document_status, self.stage.content_type
        if status is not None and status >= 400:
            raise NotAPage(url, f"its server answered {status}")
        if kind and "html" not in kind:
            raise NotAPage(url, f"its server says that it is {kind.partition(';')[0]}")

    def loaded(self) -> list[Item]:
        """Open the page: what it embedded, once that has loaded; nothing, where it embeds nothing: EMB-1 says so.

        Raises `PageUnreachable` and `NotAPage`.
        """
        stage = self.stage
        self._begin()
        try:
            stage.clock.advance_until(lambda: stage.journal.of("item.event", event="loaded"), START_UP, every="0.1s")
        except AssertionError:
            stage.leave_unattended(False)
            self.observed.landed = stage.page.url
            return []
        stage.clock.advance(SETTLED)
        self.observed.chosen = self._choose()
        items = self.items()
        self._limit_requests(self._storm * max(1, len(items)), self.observed.settled)
        return items

    def _choose(self) -> str | None:
        """The number of the one item that is to be judged, if only one is."""
        wanted = self.page.item
        if wanted is None or wanted.isdigit():
            return wanted
        number = self.stage.number_of_item_in(wanted)
        if number is None:
            raise UsageError(f"--item {wanted!r} matches no element with an iframe of {APP}; correct the selector.")
        return number

    def items(self) -> list[Item]:
        """The items that are on the page."""
        return self.stage.items()

    def interact(self) -> None:
        """The user does something with each item that has loaded."""
        for item in self.items():
            if item.events("loaded"):
                with contextlib.suppress(UsageError), adapted(self.page.adapter, "interact"):
                    self.page.adapter.interact(item)  # a UsageError: just now it shows nothing that could be used

    def use_for(self, length: timedelta) -> None:
        """Let so much time pass, with an interaction every 2 to 7 min."""
        end = self.stage.clock.now + length
        while self.stage.clock.now < end:
            self.stage.clock.advance(timedelta(minutes=self._chance.uniform(2, 7)))
            self.interact()

    def advance_to(self, since_open: timedelta) -> None:
        self.stage.clock.advance_to(max(self.stage.clock.now, self.observed.opened + since_open))

    def watch_return(self, length: timedelta) -> None:
        """The tab has just been shown again: put that on record, and let so much time pass from then."""
        self.observed.returns.append(self.stage.tab.shown_at)
        self.stage.clock.advance_to(self.stage.tab.shown_at + length)

    def use_at_expiry(self, *, before: timedelta) -> None:
        """Where an item's token would end before then, the user is there at that very moment."""
        until = self.observed.opened + before
        ends = [token.expires for item in self.items() if (token := item.token) and token.expires]
        coming = [end for end in ends if self.stage.clock.now < end < until]
        if coming:
            self.stage.clock.advance_to(min(coming) - timedelta(seconds=1))
            still = [token.expires for item in self.items() if (token := item.token) and token.expires]
            if min(coming) in still:
                self.stage.clock.advance_to(min(coming))
                self.interact()

    def remove(self, item: Item) -> None:
        """Remove an item as its user would. Raises `UsageError` if there is nothing to click."""
        self.stage.leave_unattended(False)
        if self.page.remove:
            try:
                self.stage.page.locator(self.page.remove).first.dispatch_event("click", timeout=2000)
            except PlaywrightError as error:
                raise UsageError(
                    f"--remove {self.page.remove!r} could not be clicked ({error.message.splitlines()[0]}); correct the selector."
                ) from None
        else:
            with adapted(self.page.adapter, "remove"), self.stage.flowing():
                self.page.adapter.remove(item)


@contextlib.contextmanager
def adapted(adapter: Adapter, method: str) -> Iterator[None]:
    """Whatever goes wrong in a user's own adapter is one sentence: an `AdapterFailed`."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        raise AdapterFailed(f"{type(adapter).__name__}.{method}", error) from error
