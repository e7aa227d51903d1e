"""What the rules observe: each scenario is one session or a few. They are run when a rule first asks, and shared."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from harness.base.journal import Entry
from harness.contract import discovery
from harness.contract import renewal_moment as dark
from harness.contract.local_time import next_change, next_midnight
from harness.contract.observation import Observation, Return, cut_short
from harness.contract.page import PageUnderTest, TokenUrl
from harness.contract.visits import SETTLED, STORM, PageVisit, Visits
from harness.stage.session import HarnessSession
from harness.stage.stage import Conditions

HOUR = timedelta(minutes=60)
LIFETIMES = (HOUR, timedelta(minutes=90), timedelta(minutes=35))
OBSERVED_LIFETIMES = 3.2
BRIEF_LIFETIMES = 2.2
"""Enough for two renewals, where the same is seen under other conditions."""
FRESH_ABSENCES = (1 / 180, 1 / 20, 2 / 15)
"""Parts of a lifetime for which the user is away while the token is fresh: 20 s, 3 min and 8 min of 60."""
BRIEF_OUTAGE, LONG_OUTAGE = timedelta(minutes=2), timedelta(minutes=10)
BEYOND_COUNT = 1500
"""Requests that are watched where a brief outage, or a provider, is judged: what a page asks meanwhile is FAIL-5's business. (So
many renewals, too, may it take to find the moment for WAKE-4.)"""
HOT = 120
"""Requests of a long outage, for each item, beyond which the page is in a hot loop: one in 5 s."""
BESIDES = 4
"""Requests, for each item, that are none of the outage's: as many as LIFE-3 allows in a lifetime."""
RETURNS = 3
"""How often the user comes back to the tab after an item was removed: more often than a request may be one that was just going."""

Fault = dict[str, Any]
GARBAGE: dict[str, Fault] = {
    "HTML": {"garbage": "html"},
    "cut JSON": {"garbage": "json"},
    "JSON without a token": {"garbage": "no token"},
}
BEFORE_THE_SERVICE_ASKS = timedelta(minutes=12)
"""How long before a token's end: 2 min before the service asks the provider for another."""
PROVIDER_OUTAGES: tuple[Fault, ...] = ({"status": 500}, {"drop": True}, *GARBAGE.values())
FAR_ZONE = "Asia/Kolkata"
"""Far from UTC, and not by whole hours."""
CHANGING_ZONES = (("America/Los_Angeles", "ends"), ("America/Los_Angeles", "begins"))
"""Zones, and whether it is the end or the beginning of summer time that is watched there."""
MORE_CHANGING_ZONES = (("Europe/London", "begins"), ("Australia/Lord_Howe", "ends"))


class Scenarios:
    """The sessions of one page. `thorough`: every lifetime, more moments of outage, several seeds."""

    def __init__(
        self,
        harness: HarnessSession,
        page: PageUnderTest,
        *,
        seed: int = 1,
        thorough: bool = False,
        say: Callable[[str], None] = lambda _: None,
        found: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.page, self.seed, self.thorough, self._found = page, seed, thorough, found
        self.visits = Visits(harness, page, say)
        self.outages: list[Observation] = []
        """The sessions in which the token endpoint fails."""
        self.returns_in_the_dark: list[Return] = []
        """The returns on which WAKE-4 rests, each with the item whose margin was crossed: the last one may be late."""
        self.no_moment = ""
        """Why there is no moment for WAKE-4, or none for one of the items."""

    @property
    def observed(self) -> list[Observation]:
        return self.visits.observed

    @cached_property
    def token_urls(self) -> tuple[TokenUrl, ...]:
        """The page's token requests: as told, or found in a session of their own."""
        if self.page.known_token_urls:
            return self.page.known_token_urls
        with self.visits.open("finding the token requests", self.lifetime, (), self._conditions()) as session:
            if session.loaded():
                session.use_for(1.5 * self.lifetime)
            session.stage.look_back_for_tokens()
        urls = discovery.token_urls(self.observed[-1].journal)
        if urls:
            self._found(f"token requests found: {', '.join(url.glob for url in urls)}")
        return urls

    def lost_to_the_clock(self, evidence: Sequence[Entry]) -> str:
        """The call that time did not wait for before something that is given as evidence, or at all, where it is that something did
        not happen; empty if there was none."""
        for observed in self.observed:
            seen = [entry.at for entry in evidence if entry in observed] if evidence else [observed.ended]
            for lost in observed.journal.of("clock", what="work without an end"):
                if seen and lost.at <= max(seen):
                    return f"{lost['call']} at {observed.when(lost)} ({observed.title})"
        return ""

    @property
    def lifetime(self) -> timedelta:
        return self.page.lifetime or HOUR

    @property
    def _lifetimes(self) -> Sequence[timedelta]:
        return [self.page.lifetime] if self.page.lifetime else LIFETIMES

    def _conditions(self, **more: Any) -> Conditions:
        return Conditions(ignore_https_errors=self.page.ignore_https_errors, watch_tokens=True, **more)

    def _session(
        self,
        title: str,
        lifetime: timedelta | None = None,
        *,
        storm: int = STORM,
        seed: object = "",
        **conditions: Any,
    ) -> AbstractContextManager[PageVisit]:
        return self.visits.open(
            title,
            lifetime or self.lifetime,
            self.token_urls,
            self._conditions(**conditions),
            storm=storm,
            seed=f"{self.seed} {seed}",
        )

    @cached_property
    def first(self) -> Observation:
        """The healthy session by which a page is known."""
        return self._healthy(self._lifetimes[0], 0)

    @cached_property
    def real_clock(self) -> str:
        """Why it is known that the page's backend lives in real time; empty for one that does not, as far as was seen."""
        return discovery.real_clock(self.healthy) if self.page.has_own_backend else ""

    @cached_property
    def healthy(self) -> list[Observation]:
        """Over 3 lifetimes each of 60, 90 and 35 min, visible, with an interaction every 2 to 7 min.

        A page that storms, or embeds nothing, is not watched any further.
        """
        sessions: list[Observation] = []
        for seed in range(3 if self.thorough else 1):
            for lifetime in self._lifetimes:
                sessions.append(self._healthy(lifetime, seed) if sessions else self.first)
                if cut_short(sessions[-1]):
                    return sessions
        return sessions

    def _healthy(self, lifetime: timedelta, seed: int) -> Observation:
        title = f"healthy, lifetime {lifetime.total_seconds() / 60:.0f} min" + (f", seed {seed + 1}" if seed else "")
        with self._session(title, lifetime, seed=seed or "") as session:
            if session.loaded():
                session.use_for(OBSERVED_LIFETIMES * lifetime)
        return session.observed

    @cached_property
    def own_policy(self) -> Observation | None:
        """With the page's own Content-Security-Policy in force, which the other sessions do without; None if it has none."""
        if not self.first.has_policy:
            return None
        with self._session("with its Content-Security-Policy in force", bypass_csp=False) as session:
            session.loaded()
        return session.observed

    @cached_property
    def frozen_past_expiry(self) -> list[Observation]:
        """The tab is hidden and frozen until half an hour past expiry, then shown again and watched for 5 s."""
        return [self._gone("frozen", lifetime, timedelta(seconds=5)) for lifetime in self._one_or_all]

    @cached_property
    def asleep_past_expiry(self) -> list[Observation]:
        """The machine sleeps until half an hour past expiry; then the tab is shown again and watched for a minute."""
        return [self._gone("asleep", lifetime, timedelta(seconds=60)) for lifetime in self._one_or_all]

    @property
    def _one_or_all(self) -> Sequence[timedelta]:
        return self._lifetimes if self.thorough else [self.lifetime]

    def _gone(self, how: str, lifetime: timedelta, watched: timedelta) -> Observation:
        with self._session(f"{how} past expiry", lifetime) as session:
            if session.loaded():
                stage = session.stage
                stage.clock.advance("5min")
                with stage.tab.frozen() if how == "frozen" else stage.tab.asleep():
                    stage.clock.advance(lifetime + timedelta(minutes=25))
                session.watch_return(watched)
        return session.observed

    @cached_property
    def hidden(self) -> list[Observation]:
        """The user looks at another tab, three times for a while, when the token is still fresh; then for two lifetimes, and
        uses the page 5 s after the last return."""
        return [self._hidden(lifetime) for lifetime in self._one_or_all]

    def _hidden(self, lifetime: timedelta) -> Observation:
        with self._session("hidden for a while, then for two lifetimes", lifetime) as session:
            if session.loaded():
                stage = session.stage
                for away in (*FRESH_ABSENCES, 2):
                    stage.clock.advance(lifetime / 15)
                    with stage.tab.hidden():
                        stage.clock.advance(away * lifetime)
                    session.watch_return(SETTLED)
                session.interact()
        return session.observed

    @cached_property
    def margin_in_the_dark(self) -> Observation:
        """Hidden 5 s before the moment at which this page renews an item, shown 5 s after it, and watched for a minute: for one
        item after the other, until one is late. Items that were renewed on the return for another need none of their own.

        The moment is found first, by renewals of tokens of various lifetimes. Where there is none, `no_moment` says why.
        """
        with self._session("away while the margin is crossed", storm=BEYOND_COUNT) as session:
            if session.loaded():
                observed, returns = session.observed, self.returns_in_the_dark
                try:
                    for item in dark.renewing(session):
                        if any(observed.in_time(item, back) for back in returns):
                            continue
                        returns.append(self._return_for(session, item))
                        if not observed.in_time(item, returns[-1]):
                            break
                except dark.NoMoment as why:
                    self.no_moment = str(why)
        return session.observed

    def _return_for(self, session: PageVisit, item: str | None) -> Return:
        """A return by which an item was renewed; the first one, if it is late whenever its user returns. Raises `NoMoment`."""
        moments, observed = dark.Moments(session, item), session.observed
        first = self._return(session, item, moments.margin())
        if observed.in_time(item, first):
            return first
        again = moments.before_the_look()
        if again and observed.in_time(item, second := self._return(session, item, again)):
            return second
        moments.expect_steady()
        return first

    def _return(self, session: PageVisit, item: str | None, moment: dark.Dark) -> Return:
        """Raises `NoMoment` where it has gone by, or the item does not outlast it."""
        stage = session.stage
        if moment.hide < stage.clock.now:
            raise dark.NoMoment(
                "The page asks for tokens without renewing by each, so its next renewal is not known before."
            )
        stage.clock.advance_to(moment.hide)
        with stage.tab.hidden():
            hidden = stage.clock.now
            stage.clock.advance_to(moment.show)
        shown = stage.tab.shown_at
        stage.clock.advance("60s")
        if item and session.observed.gone(item):
            raise dark.NoMoment(f"Item {item} went away before it was seen whether its token is renewed on return.")
        return Return(item, hidden, shown)

    @cached_property
    def provider_outages(self) -> Observation:
        """At every renewal the token endpoint fails in another way, and heals 5 min before the token expires. Where the page renews
        by itself before the service asks, it fails from the first third of the token's life on."""
        with self._session("the token endpoint fails at each renewal", storm=BEYOND_COUNT) as session:
            self.outages.append(session.observed)
            if session.loaded():
                stage = session.stage
                first_by_hand = set(self.first.manual) & set(self.first.providers)
                before = self.lifetime * 2 / 3 if first_by_hand else BEFORE_THE_SERVICE_ASKS
                for kind in PROVIDER_OUTAGES:
                    earliest, latest = self._expiries(session, session.observed.providers)
                    latest = max(latest, stage.clock.now + BEFORE_THE_SERVICE_ASKS)  # not before the outage could begin
                    stage.clock.advance_to(max(stage.clock.now, earliest - before))
                    fault = stage.faults.add(*session.observed.token_urls, **kind)
                    stage.clock.advance_to(latest - timedelta(minutes=5, seconds=-1))
                    stage.faults.end(fault)
                    stage.clock.advance_to(latest - timedelta(minutes=2))
                    session.interact()
                    stage.clock.advance_to(latest + timedelta(minutes=1))
                    session.interact()
        return session.observed

    def _expiries(self, session: PageVisit, wanted: Sequence[str] = ()) -> tuple[datetime, datetime]:
        """When the first and the last of the tokens expire that the items on the page have (the wanted ones, if there are any); where
        none has one that lives, as if they had just got one."""
        items, now = session.items(), session.stage.clock.now
        tokens = [item.token for item in [item for item in items if item.name in wanted] or items]
        ends = [token.expires for token in tokens if token and token.expires and token.outlives(now)]
        return min(ends, default=now + self.lifetime), max(ends, default=now + self.lifetime)

    @cached_property
    def errors(self) -> list[Observation]:
        """An outage of 2 min, answers 500, from the first token request of a renewal on."""
        return self._outages("answers 500 for 2 min", {"status": 500})

    @cached_property
    def drops(self) -> list[Observation]:
        """The same with dropped connections."""
        return self._outages("drops connections for 2 min", {"drop": True})

    @cached_property
    def garbage(self) -> list[Observation]:
        """The same with answers that hold no token, at each renewal another kind."""
        return self._outages(f"answers {', '.join(GARBAGE)} for 2 min", *GARBAGE.values())

    @cached_property
    def slow_answers(self) -> list[Observation]:
        """Every answer after load takes 45 s."""
        return self._outages("answers after 45 s", {"slow": "45s"}, length=None)

    @cached_property
    def long_errors(self) -> list[Observation]:
        """An outage of 10 min, answers 500; ended when it has met more requests than are fair."""
        return self._outages("answers 500 for 10 min", {"status": 500}, length=LONG_OUTAGE, storm=HOT + BESIDES)

    @cached_property
    def expired_answers(self) -> list[Observation]:
        """For 10 min the endpoint hands out tokens that have expired."""
        return self._outages(
            "hands out expired tokens for 10 min", {"expired_tokens": True}, length=LONG_OUTAGE, storm=HOT + BESIDES
        )

    def _outages(
        self, title: str, *faults: Fault, length: timedelta | None = BRIEF_OUTAGE, storm: int = BEYOND_COUNT
    ) -> list[Observation]:
        """A session for each lifetime and each renewal at which the outage begins; one, unless thorough."""
        cases = [(self.lifetime, 1)]
        if self.thorough:
            cases = [(lifetime, number) for lifetime in self._lifetimes for number in (1, 2)]
        return [self._outage(f"the token endpoint {title}", faults, length, storm, *case) for case in cases]

    def _outage(
        self,
        title: str,
        faults: Sequence[Fault],
        length: timedelta | None,
        storm: int,
        lifetime: timedelta,
        number: int,
    ) -> Observation:
        """From renewal `number` on, an outage at each renewal: one for each of the faults."""
        if self.thorough:
            title = f"{title}, renewal {number}, lifetime {lifetime.total_seconds() / 60:.0f} min"
        with self._session(title, lifetime, storm=storm) as session:
            self.outages.append(session.observed)
            if session.loaded():
                stage, globs = session.stage, session.observed.token_urls
                if number > 1:
                    stage.clock.advance_to(self._expiries(session)[1] + timedelta(minutes=1))
                else:
                    stage.clock.advance(lifetime / 3)  # what is embedded when its turn comes is no renewal
                for kind in faults:
                    _, expires = self._expiries(session)
                    fault = stage.faults.add(*globs, for_=length, from_first_request=True, **kind)
                    stage.clock.advance_to(expires - timedelta(seconds=1))
                    session.interact()
                    stage.clock.advance_to(expires + (length or timedelta(0)) + timedelta(minutes=1))
                    session.interact()
                    # The outage may have begun with what the user met after the token's end.
                    if fault.ends and fault.ends > stage.clock.now:
                        stage.clock.advance_to(fault.ends + timedelta(minutes=1))
                    stage.faults.end(fault)
        return session.observed

    @cached_property
    def skewed(self) -> list[Observation]:
        """The client's clock is 10 min slow, then 10 min fast against the service's."""
        ways = {"slow": -timedelta(minutes=10), "fast": timedelta(minutes=10)}
        return [self._brief(f"the client's clock is 10 min {way}", client_ahead=ahead) for way, ahead in ways.items()]

    @cached_property
    def zones(self) -> list[Observation]:
        """Other time zones: one whose day ends half an hour after the page is opened, and some whose clocks change an hour after."""
        start = next_midnight(FAR_ZONE, self.first.ended) - timedelta(minutes=30)
        sessions = [self._brief(f"in {FAR_ZONE}, across midnight", time_zone=FAR_ZONE, start=start)]
        for zone, way in (*CHANGING_ZONES, *(MORE_CHANGING_ZONES if self.thorough else ())):
            change = next_change(zone, self.first.ended, begins=way == "begins")
            if change:  # there is none where summer time has been abolished
                start = change - timedelta(hours=1)
                sessions.append(self._brief(f"in {zone}, as summer time {way}", time_zone=zone, start=start))
        return sessions

    def _brief(self, title: str, **conditions: Any) -> Observation:
        """Two lifetimes, with an interaction just before and after each expiry and a few in between."""
        with self._session(title, **conditions) as session:
            if session.loaded():
                for moment in (0.35, 0.7, 0.97, 1.03, 1.35, 1.7, 1.97, 2.03):
                    session.use_at_expiry(before=moment * self.lifetime)
                    session.advance_to(moment * self.lifetime)
                    session.interact()
        return session.observed

    @cached_property
    def removal(self) -> Observation | None:
        """The user removes an item a few minutes after loading; two lifetimes are watched, and some returns to the tab. None without a
        way to remove."""
        if not self.page.can_remove:
            return None
        with self._session("an item is removed") as session:
            if items := session.loaded():
                stage = session.stage
                stage.clock.advance("5min")
                session.interact()
                session.remove(items[0])
                session.observed.removed = stage.clock.now
                stage.clock.advance(BRIEF_LIFETIMES * self.lifetime)
                for _ in range(RETURNS):
                    with stage.tab.hidden():
                        stage.clock.advance("1min")
                    session.watch_return(SETTLED)
        return session.observed
