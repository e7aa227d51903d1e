"""The scenarios: kinds of visits to a page that the rules observe.

A scenario runs when the first rule asks for it, and every rule that asks later gets the same observations.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from harness.base.journal import Entry
from harness.contract import discovery
from harness.contract.local_time import next_change, next_midnight
from harness.contract.observation import Observation, TabReturn, cut_short
from harness.contract.page import PageUnderTest, TokenUrl
from harness.contract.renewal_moment import Absence, NoRenewalMoment, RenewalMoments, items_with_renewals
from harness.contract.visits import BRIEF_WATCH, REQUEST_LIMIT, PageVisit, Visits
from harness.stage.session import HarnessSession
from harness.stage.stage import Conditions

HOUR = timedelta(minutes=60)
LIFETIMES = (HOUR, timedelta(minutes=90), timedelta(minutes=35))
"""The lifetimes of tokens with which healthy visits are made."""
OBSERVED_LIFETIMES = 3.2
"""The length of a healthy visit, in lifetimes: long enough for three renewals."""
BRIEF_LIFETIMES = 2.2
"""The length of the visit in which an item is removed, in lifetimes: long enough for two renewals."""
FRESH_ABSENCES = (1 / 180, 1 / 20, 2 / 15)
"""The absences while the token is fresh, as parts of a lifetime: 20 s, 3 min and 8 min of 60 min."""
BRIEF_OUTAGE, LONG_OUTAGE = timedelta(minutes=2), timedelta(minutes=10)
GENEROUS_REQUEST_LIMIT = 1500
"""The request limit of visits in which many token requests are no fault.

These visits are the ones with brief outages or provider outages, and the visit that searches for the renewal moment.
FAIL-5 judges the number of requests in an outage.
"""
HOT_LOOP_REQUESTS = 120
"""The requests in a long outage, per item, beyond which the page is in a hot loop: one in 5 s."""
REQUESTS_OUTSIDE_OUTAGE = 4
"""The further token requests, per item, of a visit with a long outage: as many as LIFE-3 allows in a lifetime."""
RETURNS = 3
"""The returns to the tab after an item was removed. The returns outnumber the one further request that DROP-1
allows."""

Fault = dict[str, Any]
GARBAGE: dict[str, Fault] = {
    "HTML": {"garbage": "html"},
    "cut JSON": {"garbage": "json"},
    "JSON without a token": {"garbage": "no token"},
}
"""The faults with an unusable answer, by the name that messages give them."""
BEFORE_THE_SERVICE_ASKS = timedelta(minutes=12)
"""The time before the expiry at which a provider's outage begins: 2 min before the service asks the provider."""
PROVIDER_OUTAGES: tuple[Fault, ...] = ({"status": 500}, {"drop": True}, *GARBAGE.values())
FAR_ZONE = "Asia/Kolkata"
"""A time zone that is far from UTC, and not by whole hours."""
CHANGING_ZONES = (("America/Los_Angeles", "ends"), ("America/Los_Angeles", "begins"))
"""Time zones with summer time, and whether the visit sees its beginning or its end."""
MORE_CHANGING_ZONES = (("Europe/London", "begins"), ("Australia/Lord_Howe", "ends"))
"""Time zones that only a thorough run adds. Lord Howe's clocks change by half an hour."""


class Scenarios:
    """The scenarios of one page, and the observations of their visits."""

    def __init__(
        self,
        harness: HarnessSession,
        page: PageUnderTest,
        *,
        seed: int = 1,
        thorough: bool = False,
        on_visit: Callable[[str], None] = lambda _: None,
        on_notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Prepare the scenarios of a page; no visit is made yet.

        Args:
            harness: The harness session.
            page: The page under test.
            seed: The seed of the random interactions.
            thorough: True if scenarios are to be repeated with every lifetime, more outages and several seeds.
            on_visit: A function that is called with the title of each visit as it begins.
            on_notice: A function that is called with a remark about the page, such as its token addresses.
        """
        self.page, self.seed, self.thorough, self._on_notice = page, seed, thorough, on_notice
        self.visits = Visits(harness, page, on_visit)
        self.outages: list[Observation] = []
        """The visits in which the token endpoint fails."""
        self.returns_at_renewal_moment: list[TabReturn] = []
        """The returns that WAKE-4 judges, each with an item whose refresh margin began. Only the last may be late."""
        self.why_no_renewal_moment = ""
        """The reason why the page, or one of its items, has no renewal moment; empty if each has one."""

    @property
    def observed(self) -> list[Observation]:
        """The observations of all visits so far, oldest first."""
        return self.visits.observed

    @cached_property
    def token_urls(self) -> tuple[TokenUrl, ...]:
        """The page's token addresses: the given ones, or those that a visit of their own finds."""
        if self.page.known_token_urls:
            return self.page.known_token_urls
        with self.visits.open("finding the token requests", self.lifetime, (), self._conditions()) as visit:
            if visit.loaded():
                visit.use_for(1.5 * self.lifetime)
            visit.driver.look_back_for_tokens()
        urls = discovery.token_urls(self.observed[-1].journal)
        if urls:
            self._on_notice(f"token requests found: {', '.join(url.glob for url in urls)}")
        return urls

    def endless_call(self, evidence: Sequence[Entry]) -> str:
        """Return the browser call that the clock stopped waiting for before some evidence was written, as text.

        Without evidence, a finding says that something did not happen; then an endless call of any visit counts. The
        result is empty if there was no such call.
        """
        for observed in self.observed:
            seen = [entry.at for entry in evidence if entry in observed] if evidence else [observed.ended]
            for endless in observed.journal.of("clock", what="work without an end"):
                if seen and endless.at <= max(seen):
                    return f"{endless['call']} at {observed.when(endless)} ({observed.title})"
        return ""

    @property
    def lifetime(self) -> timedelta:
        """The lifetime of the tokens in scenarios that need one lifetime only."""
        return self.page.lifetime or HOUR

    @property
    def _lifetimes(self) -> Sequence[timedelta]:
        return [self.page.lifetime] if self.page.lifetime else LIFETIMES

    def _conditions(self, **more: Any) -> Conditions:
        return Conditions(ignore_https_errors=self.page.ignore_https_errors, watch_tokens=True, **more)

    def _visit(
        self,
        title: str,
        lifetime: timedelta | None = None,
        *,
        request_limit: int = REQUEST_LIMIT,
        seed: object = "",
        **conditions: Any,
    ) -> AbstractContextManager[PageVisit]:
        return self.visits.open(
            title,
            lifetime or self.lifetime,
            self.token_urls,
            self._conditions(**conditions),
            request_limit=request_limit,
            seed=f"{self.seed} {seed}",
        )

    @cached_property
    def first(self) -> Observation:
        """The first healthy visit, which shows what the page embeds and how it renews."""
        return self._healthy(self._lifetimes[0], 0)

    @cached_property
    def real_clock(self) -> str:
        """The sign that the page's backend uses real time; empty if the healthy visits show none."""
        return discovery.real_clock(self.healthy) if self.page.has_own_backend else ""

    @cached_property
    def healthy(self) -> list[Observation]:
        """The visits without faults: over 3 lifetimes of 60, 90 and 35 min each, shown, with interactions.

        If a visit ends early or the page embeds nothing, no further healthy visit is made.
        """
        visits: list[Observation] = []
        for seed in range(3 if self.thorough else 1):
            for lifetime in self._lifetimes:
                visits.append(self._healthy(lifetime, seed) if visits else self.first)
                if cut_short(visits[-1]):
                    return visits
        return visits

    def _healthy(self, lifetime: timedelta, seed: int) -> Observation:
        title = f"healthy, lifetime {lifetime.total_seconds() / 60:.0f} min" + (f", seed {seed + 1}" if seed else "")
        with self._visit(title, lifetime, seed=seed or "") as visit:
            if visit.loaded():
                visit.use_for(OBSERVED_LIFETIMES * lifetime)
        return visit.observed

    @cached_property
    def own_policy(self) -> Observation | None:
        """The visit with the page's own Content-Security-Policy in force; None if the page has none.

        The harness bypasses the policy in all other visits.
        """
        if not self.first.has_policy:
            return None
        with self._visit("with its Content-Security-Policy in force", bypass_csp=False) as visit:
            visit.loaded()
        return visit.observed

    @cached_property
    def frozen_past_expiry(self) -> list[Observation]:
        """The visits whose tab is hidden and frozen until half an hour past expiry, then shown and watched for 5 s."""
        return [self._away_past_expiry("frozen", lifetime, timedelta(seconds=5)) for lifetime in self._one_or_all]

    @cached_property
    def asleep_past_expiry(self) -> list[Observation]:
        """The visits on a machine that sleeps until half an hour past expiry, then watched for a minute."""
        return [self._away_past_expiry("asleep", lifetime, timedelta(seconds=60)) for lifetime in self._one_or_all]

    @property
    def _one_or_all(self) -> Sequence[timedelta]:
        return self._lifetimes if self.thorough else [self.lifetime]

    def _away_past_expiry(self, how: str, lifetime: timedelta, watched: timedelta) -> Observation:
        with self._visit(f"{how} past expiry", lifetime) as visit:
            if visit.loaded():
                stage = visit.stage
                stage.clock.advance("5min")
                with stage.tab.frozen() if how == "frozen" else stage.tab.asleep():
                    stage.clock.advance(lifetime + timedelta(minutes=25))
                visit.watch_return(watched)
        return visit.observed

    @cached_property
    def hidden(self) -> list[Observation]:
        """The visits whose tab is hidden four times: three times while the token is fresh, then for two lifetimes.

        The user interacts 5 s after the last return.
        """
        return [self._hidden(lifetime) for lifetime in self._one_or_all]

    def _hidden(self, lifetime: timedelta) -> Observation:
        with self._visit("hidden for a while, then for two lifetimes", lifetime) as visit:
            if visit.loaded():
                stage = visit.stage
                for lifetimes_away in (*FRESH_ABSENCES, 2):
                    stage.clock.advance(lifetime / 15)
                    with stage.tab.hidden():
                        stage.clock.advance(lifetimes_away * lifetime)
                    visit.watch_return(BRIEF_WATCH)
                visit.interact()
        return visit.observed

    @cached_property
    def hidden_at_renewal_moment(self) -> Observation:
        """The visit whose tab is hidden from 5 s before to 5 s after the renewal moment, then watched for a minute.

        That happens for one item after the other, until a renewal is late. An item that was renewed on the return for
        another item needs no absence of its own. Renewals with various lifetimes of the tokens find the moment. If an
        item has none, `why_no_renewal_moment` says why.
        """
        with self._visit("away while the margin is crossed", request_limit=GENEROUS_REQUEST_LIMIT) as visit:
            if visit.loaded():
                observed, returns = visit.observed, self.returns_at_renewal_moment
                try:
                    for item in items_with_renewals(visit):
                        if any(observed.in_time(item, back) for back in returns):
                            continue
                        returns.append(self._return_at_renewal_moment(visit, item))
                        if not observed.in_time(item, returns[-1]):
                            break
                except NoRenewalMoment as why:
                    self.why_no_renewal_moment = str(why)
        return visit.observed

    def _return_at_renewal_moment(self, visit: PageVisit, item: str | None) -> TabReturn:
        """Hide the tab at an item's renewal moment, and return the instants of that absence.

        If the renewal is late, a longer absence follows. If the renewal is late again, the first absence counts.

        Raises `NoRenewalMoment` if the moment cannot be known, or differs from renewal to renewal.
        """
        moments, observed = RenewalMoments(visit, item), visit.observed
        first = self._hide_during(visit, item, moments.absence_at_margin())
        if observed.in_time(item, first):
            return first
        longer = moments.absence_until_check()
        if longer and observed.in_time(item, second := self._hide_during(visit, item, longer)):
            return second
        moments.expect_constant_waits()
        return first

    def _hide_during(self, visit: PageVisit, item: str | None, absence: Absence) -> TabReturn:
        """Hide and show the tab at the instants of an absence, and watch the page for a minute.

        Raises `NoRenewalMoment` if the absence should have begun already, or the item is gone by the end.
        """
        stage = visit.stage
        if absence.hide < stage.clock.now:
            raise NoRenewalMoment(
                "The page sends token requests that renew nothing, so its next renewal cannot be known in advance."
            )
        stage.clock.advance_to(absence.hide)
        with stage.tab.hidden():
            hidden = stage.clock.now
            stage.clock.advance_to(absence.show)
        shown = stage.tab.shown_at
        stage.clock.advance("60s")
        if item and visit.observed.gone(item):
            raise NoRenewalMoment(f"Item {item} went away before a renewal of its token on the return could be seen.")
        return TabReturn(item, hidden, shown)

    @cached_property
    def provider_outages(self) -> Observation:
        """The visit whose token endpoint fails at each renewal in another way, and recovers 5 min before the expiry.

        An outage begins 2 min before the service asks the provider. If the page also renews by itself, before the
        service asks, an outage begins after the first third of the token's lifetime.
        """
        title = "the token endpoint fails at each renewal"
        with self._visit(title, request_limit=GENEROUS_REQUEST_LIMIT) as visit:
            self.outages.append(visit.observed)
            if visit.loaded():
                stage = visit.stage
                renews_by_itself = set(self.first.manual) & set(self.first.providers)
                before = self.lifetime * 2 / 3 if renews_by_itself else BEFORE_THE_SERVICE_ASKS
                for kind in PROVIDER_OUTAGES:
                    earliest, latest = self._expiries(visit, visit.observed.providers)
                    # If the last token expires soon, count from now, so that the outage does not end before it begins.
                    latest = max(latest, stage.clock.now + BEFORE_THE_SERVICE_ASKS)
                    stage.clock.advance_to(max(stage.clock.now, earliest - before))
                    fault = stage.faults.add(*visit.observed.token_urls, **kind)
                    stage.clock.advance_to(latest - timedelta(minutes=5, seconds=-1))
                    stage.faults.end(fault)
                    stage.clock.advance_to(latest - timedelta(minutes=2))
                    visit.interact()
                    stage.clock.advance_to(latest + timedelta(minutes=1))
                    visit.interact()
        return visit.observed

    def _expiries(self, visit: PageVisit, wanted: Sequence[str] = ()) -> tuple[datetime, datetime]:
        """Return the first and the last expiry of the current tokens of the items on the page.

        Only the wanted items count, if any of them is on the page. If no item has a valid token, both expiries are
        those of a token that is issued now.
        """
        items, now = visit.items(), visit.stage.clock.now
        tokens = [item.token for item in [item for item in items if item.name in wanted] or items]
        expiries = [token.expires for token in tokens if token and token.expires and token.outlives(now)]
        return min(expiries, default=now + self.lifetime), max(expiries, default=now + self.lifetime)

    @cached_property
    def errors(self) -> list[Observation]:
        """The visits with an outage of 2 min, status 500, from the first token request of a renewal on."""
        return self._outages("answers 500 for 2 min", {"status": 500})

    @cached_property
    def drops(self) -> list[Observation]:
        """The visits with an outage of 2 min, dropped connections, from the first token request of a renewal on."""
        return self._outages("drops connections for 2 min", {"drop": True})

    @cached_property
    def garbage(self) -> list[Observation]:
        """The visits with an outage of 2 min at each of three renewals, each with another kind of unusable answer."""
        return self._outages(f"answers {', '.join(GARBAGE)} for 2 min", *GARBAGE.values())

    @cached_property
    def slow_answers(self) -> list[Observation]:
        """The visits in which the token endpoint takes 45 s for each answer, from a renewal on."""
        return self._outages("answers after 45 s", {"slow": "45s"}, length=None)

    @cached_property
    def long_errors(self) -> list[Observation]:
        """The visits with an outage of 10 min, status 500. The visits end early if the page is in a hot loop."""
        return self._outages(
            "answers 500 for 10 min",
            {"status": 500},
            length=LONG_OUTAGE,
            request_limit=HOT_LOOP_REQUESTS + REQUESTS_OUTSIDE_OUTAGE,
        )

    @cached_property
    def expired_answers(self) -> list[Observation]:
        """The visits whose token endpoint hands out expired tokens for 10 min."""
        return self._outages(
            "hands out expired tokens for 10 min",
            {"expired_tokens": True},
            length=LONG_OUTAGE,
            request_limit=HOT_LOOP_REQUESTS + REQUESTS_OUTSIDE_OUTAGE,
        )

    def _outages(
        self,
        title: str,
        *faults: Fault,
        length: timedelta | None = BRIEF_OUTAGE,
        request_limit: int = GENEROUS_REQUEST_LIMIT,
    ) -> list[Observation]:
        """Make a visit with an outage, or, in a thorough run, one for each lifetime and each of two renewals."""
        cases = [(self.lifetime, 1)]
        if self.thorough:
            cases = [(lifetime, number) for lifetime in self._lifetimes for number in (1, 2)]
        return [self._outage(f"the token endpoint {title}", faults, length, request_limit, *case) for case in cases]

    def _outage(
        self,
        title: str,
        faults: Sequence[Fault],
        length: timedelta | None,
        request_limit: int,
        lifetime: timedelta,
        number: int,
    ) -> Observation:
        """Make a visit with one outage per fault, each at a renewal of its own, the first at renewal `number`.

        An outage begins with the first token request that it meets, and lasts for `length`, or, without one, until a
        minute after the expiry of the current token.
        """
        if self.thorough:
            title = f"{title}, renewal {number}, lifetime {lifetime.total_seconds() / 60:.0f} min"
        with self._visit(title, lifetime, request_limit=request_limit) as visit:
            self.outages.append(visit.observed)
            if visit.loaded():
                stage, globs = visit.stage, visit.observed.token_urls
                if number > 1:
                    stage.clock.advance_to(self._expiries(visit)[1] + timedelta(minutes=1))
                else:
                    # A page may embed further items after a while. The request for such an item is no renewal.
                    stage.clock.advance(lifetime / 3)
                for kind in faults:
                    _, expires = self._expiries(visit)
                    fault = stage.faults.add(*globs, for_=length, from_first_request=True, **kind)
                    stage.clock.advance_to(expires - timedelta(seconds=1))
                    visit.interact()
                    stage.clock.advance_to(expires + (length or timedelta(0)) + timedelta(minutes=1))
                    visit.interact()
                    # The first request of the outage may be one that the interaction after the expiry caused.
                    if fault.ends and fault.ends > stage.clock.now:
                        stage.clock.advance_to(fault.ends + timedelta(minutes=1))
                    stage.faults.end(fault)
        return visit.observed

    @cached_property
    def skewed(self) -> list[Observation]:
        """The visits whose page time is 10 min behind service time, then 10 min ahead of it."""
        ways = {"slow": -timedelta(minutes=10), "fast": timedelta(minutes=10)}
        return [self._brief(f"the client's clock is 10 min {way}", client_ahead=ahead) for way, ahead in ways.items()]

    @cached_property
    def zones(self) -> list[Observation]:
        """The visits in other time zones.

        In one of them the day ends half an hour after the opening. In the others summer time begins or ends an hour
        after the opening.
        """
        start = next_midnight(FAR_ZONE, self.first.ended) - timedelta(minutes=30)
        visits = [self._brief(f"in {FAR_ZONE}, across midnight", time_zone=FAR_ZONE, start=start)]
        for zone, way in (*CHANGING_ZONES, *(MORE_CHANGING_ZONES if self.thorough else ())):
            change = next_change(zone, self.first.ended, begins=way == "begins")
            if change:  # None if the zone has abolished summer time
                start = change - timedelta(hours=1)
                visits.append(self._brief(f"in {zone}, as summer time {way}", time_zone=zone, start=start))
        return visits

    def _brief(self, title: str, **conditions: Any) -> Observation:
        """Make a visit of two lifetimes, with interactions just before, at and after each expiry, and some between."""
        with self._visit(title, **conditions) as visit:
            if visit.loaded():
                for lifetimes in (0.35, 0.7, 0.97, 1.03, 1.35, 1.7, 1.97, 2.03):
                    visit.use_at_expiry(before=lifetimes * self.lifetime)
                    visit.advance_to(lifetimes * self.lifetime)
                    visit.interact()
        return visit.observed

    @cached_property
    def removal(self) -> Observation | None:
        """The visit in which the user removes an item; None if there is no known way to remove one.

        The removal comes a few minutes after loading. The visit then lasts for two lifetimes and three returns to the
        tab.
        """
        if not self.page.can_remove:
            return None
        with self._visit("an item is removed") as visit:
            if items := visit.loaded():
                stage = visit.stage
                stage.clock.advance("5min")
                visit.interact()
                visit.remove(items[0])
                visit.observed.removed = stage.clock.now
                stage.clock.advance(BRIEF_LIFETIMES * self.lifetime)
                for _ in range(RETURNS):
                    with stage.tab.hidden():
                        stage.clock.advance("1min")
                    visit.watch_return(BRIEF_WATCH)
        return visit.observed
