"""The sessions that the rules observe. Each starts from a clean, isolated page; rules share what one observation can serve."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from fake_pbi.durations import spoken
from harness.contract.observation import START_UP, Observation, cut_short
from harness.errors import RequestStorm
from harness.item import Item
from harness.session import HarnessSession
from harness.stage import Stage

LIFETIMES = (timedelta(minutes=60), timedelta(minutes=90), timedelta(minutes=35))
HOUR = LIFETIMES[0]
OBSERVED_LIFETIMES = 3.2
STORM = 60
"""Token requests after which a session is ended: no page that renews well sends nearly as many."""
OUTAGES: tuple[dict[str, Any], ...] = (
    {"status": 500},
    {"drop": True},
    {"garbage": "html"},
    {"garbage": "json"},
    {"garbage": "no token"},
)
FINE = timedelta(seconds=1)


@dataclass(frozen=True)
class PageUnderTest:
    """A page that the contract judges: a host page of ours by its name, and which of its requests fetch a token."""

    name: str
    token_urls: tuple[str, ...] = ("*/token/embed/*", "*/token/aad*")


@dataclass(frozen=True)
class Dark:
    """The moment at which a page renews, and the ticks around it: what WAKE-4 needs."""

    lifetime: timedelta
    hide: timedelta
    show: timedelta
    next_tick: timedelta | None


class Scenarios:
    """The sessions of one page, run when a rule first asks for them. `say` hears which one is running."""

    def __init__(
        self,
        harness: HarnessSession,
        page: PageUnderTest,
        *,
        seed: int = 1,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._harness, self.page, self.seed, self._say = harness, page, seed, say
        self.observed: list[Observation] = []
        self.outage: Observation | None = None
        self.no_moment = ""

    @contextmanager
    def _session(self, title: str, lifetime: timedelta) -> Iterator[tuple[Stage, Observation]]:
        self._say(title)
        with self._harness.stage() as stage, self._harness.host(stage) as host:
            for glob in self.page.token_urls:
                stage.limit_requests(glob, STORM)
            opened = stage.clock.now
            observed = Observation(title, stage.journal, lifetime, self.page.token_urls, opened, opened)
            self.observed.append(observed)
            try:
                stage.open(host.url(self.page.name), lifetime=lifetime)
                yield stage, observed
            except RequestStorm as storm:
                observed.stopped = str(storm)
            finally:
                observed.ended = stage.clock.now

    def _items(self, stage: Stage) -> list[Item]:
        """What the page embedded, once it has loaded; nothing, where it embeds nothing: EMB-1 says so."""
        try:
            stage.clock.advance_until(lambda: stage.journal.of("item.event", event="loaded"), START_UP, every="0.1s")
        except AssertionError:
            return []
        stage.clock.advance("5s")
        return stage.items()

    def _look(self, stage: Stage, observed: Observation) -> list[Item]:
        """The items that are on the page; what is not there any more is noted."""
        items = stage.items()
        loaded = {entry["item"] for entry in stage.journal.of("item.event", event="loaded")}
        for name in loaded - {item.name for item in items}:
            observed.missed.setdefault(name, stage.clock.now)
        return items

    def _interact(self, stage: Stage, observed: Observation, chance: random.Random) -> None:
        for item in self._look(stage, observed):
            if not item.events("loaded"):
                continue
            choice = chance.choice(["page", "filter", "refresh"]) if item.state()["type"] == "report" else "refresh"
            if choice == "page":
                item.change_page(chance.choice(item.state()["pages"]))
            elif choice == "filter":
                item.filter("Region", chance.choice(["North", "South", "West"]))
            else:
                item.refresh()

    @cached_property
    def healthy(self) -> list[Observation]:
        """Over 3 lifetimes each of 60, 90 and 35 min, visible, with an interaction every 2 to 7 min.

        A page that storms, or embeds nothing, is not watched any further.
        """
        sessions: list[Observation] = []
        for lifetime in LIFETIMES:
            sessions.append(self._healthy(lifetime))
            if cut_short(sessions[-1]):
                break
        return sessions

    def _healthy(self, lifetime: timedelta) -> Observation:
        chance = random.Random(f"{self.seed} {lifetime}")
        with self._session(f"healthy, lifetime {lifetime.total_seconds() / 60:.0f} min", lifetime) as (stage, observed):
            if self._items(stage):
                end = stage.clock.now + OBSERVED_LIFETIMES * lifetime
                while stage.clock.now < end:
                    stage.clock.advance(timedelta(minutes=chance.uniform(2, 7)))
                    self._interact(stage, observed, chance)
        return observed

    @cached_property
    def frozen_past_expiry(self) -> Observation:
        """The tab is hidden and frozen until half an hour past expiry, then shown again and watched for 5 s."""
        with self._session("frozen past expiry", HOUR) as (stage, observed):
            if self._items(stage):
                stage.clock.advance("5min")
                with stage.tab.frozen():
                    stage.clock.advance("85min")
                observed.returns.append(stage.tab.shown_at)
                stage.clock.advance_to(stage.tab.shown_at + timedelta(seconds=5))
                self._look(stage, observed)
        return observed

    @cached_property
    def throttled(self) -> Observation:
        """The tab is hidden for two lifetimes, shown again, and used 5 s later."""
        with self._session("hidden for two lifetimes", HOUR) as (stage, observed):
            if self._items(stage):
                stage.clock.advance("5min")
                with stage.tab.hidden():
                    stage.clock.advance(2 * HOUR)
                observed.returns.append(stage.tab.shown_at)
                stage.clock.advance_to(stage.tab.shown_at + timedelta(seconds=5))
                self._interact(stage, observed, random.Random(self.seed))
        return observed

    @cached_property
    def fresh_return(self) -> Observation:
        """The user looks at another tab for a while, three times, while the token is fresh."""
        with self._session("away while the token is fresh", HOUR) as (stage, observed):
            if self._items(stage):
                for away in ("20s", "3min", "8min"):
                    stage.clock.advance("4min")
                    with stage.tab.hidden():
                        stage.clock.advance(away)
                    observed.returns.append(stage.tab.shown_at)
                    stage.clock.advance("10s")
        return observed

    @cached_property
    def margin_in_the_dark(self) -> Observation | None:
        """Hidden 5 s before the moment at which this page renews, shown 5 s after it, and watched until past its next tick.

        None where there is no such moment; `no_moment` then says why.
        """
        dark = self._find_dark()
        if dark is None:
            return None
        with self._session("away while the margin is crossed", dark.lifetime) as (stage, observed):
            stage.clock.advance_to(observed.opened + dark.hide)
            with stage.tab.hidden():
                stage.clock.advance_to(observed.opened + dark.show)
            observed.returns.append(stage.tab.shown_at)
            self._look(stage, observed)
            stage.clock.advance("60s")
        return observed

    def _first_renewal(self, lifetime: timedelta) -> timedelta | None:
        """When a page that is left alone first asks for a new token, counted from its opening."""
        with self._session(f"looking for the moment of renewal, lifetime {spoken(lifetime)}", lifetime) as (
            stage,
            observed,
        ):
            if self._items(stage):
                while (
                    not observed.token_requests(until=stage.clock.now) and stage.clock.now < observed.opened + lifetime
                ):
                    stage.clock.advance(min(timedelta(minutes=5), observed.opened + lifetime - stage.clock.now + FINE))
        requests = observed.token_requests()
        return requests[0].at - observed.opened if requests else None

    def _find_dark(self) -> Dark | None:
        """Lengthen the lifetime until the page renews at its next tick: so much was left to its margin at the tick before."""
        first = self._first_renewal(HOUR)
        if first is None:
            self.no_moment = (
                "The page asked for no token before the first one expired, so there is no moment at which it renews."
            )
            return None
        same, later, moment = timedelta(0), timedelta(seconds=7.3), first
        while True:
            found = self._first_renewal(HOUR + later)
            if found is None:
                self.no_moment = "The page did not renew at every lifetime, so its moment could not be found."
                return None
            if found - first > FINE:
                moment = found
                break
            if later > timedelta(minutes=12):
                return self._at_a_fixed_time(first)
            same, later = later, 2 * later
        if abs(moment - first - later) <= FINE:
            return self._at_any_moment(first)
        while later - same > FINE:
            middle = (same + later) / 2
            found = self._first_renewal(HOUR + middle)
            if found is None:
                self.no_moment = "The page did not renew at every lifetime, so its moment could not be found."
                return None
            if found - first > FINE:
                later, moment = middle, found
            else:
                same = middle
        tick = moment - first
        if tick < timedelta(seconds=10):
            self.no_moment = (
                f"The page looks at its token every {tick.total_seconds():.1f} s, so no tick can be waited out."
            )
            return None
        crossed = first + tick / 2
        margin = timedelta(seconds=5)
        return Dark(HOUR + later + tick / 2 - FINE / 2, crossed - margin, crossed + margin, moment)

    def _at_a_fixed_time(self, first: timedelta) -> Dark | None:
        self.no_moment = (
            f"The page asks for a token {spoken(first)} after it was opened, whatever the token's lifetime."
        )
        return None

    def _at_any_moment(self, first: timedelta) -> Dark:
        """A timer that is set to the very moment: it has no next tick."""
        return Dark(HOUR, first - timedelta(seconds=5), first + timedelta(seconds=5), None)

    @cached_property
    def token_outage(self) -> Observation:
        """At every renewal the token endpoint fails in another way, and heals 5 min before the token expires."""
        with self._session("the token endpoint fails at each renewal", HOUR) as (stage, observed):
            self.outage = observed
            if items := self._items(stage):
                for kind in OUTAGES:
                    expires = self._expiry(items[0], stage)
                    stage.clock.advance_to(max(stage.clock.now, expires - timedelta(minutes=12)))
                    faults = [stage.faults.add(glob, **kind) for glob in self.page.token_urls]
                    stage.clock.advance_to(expires - timedelta(minutes=5, seconds=-1))
                    for fault in faults:
                        stage.faults.end(fault)
                    stage.clock.advance_to(expires - timedelta(minutes=2))
                    self._interact(stage, observed, random.Random(self.seed))
                    stage.clock.advance_to(expires + timedelta(minutes=1))
                    self._interact(stage, observed, random.Random(self.seed))
        return observed

    def _expiry(self, item: Item, stage: Stage) -> datetime:
        """When the item's token expires; where it has none that lives, as if it had just got one."""
        token = item.token
        if token and token.expires and token.expires > stage.clock.now:
            return token.expires
        return stage.clock.now + HOUR
