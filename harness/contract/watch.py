"""The watch over a page: it makes the visits that rules ask for, and keeps their observations."""

import contextlib
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cached_property

from harness.browser.errors import PageGone
from harness.clock.errors import ClockStuck, RequestStorm, TookTooLong
from harness.contract import discovery
from harness.contract.observation import Observation, cut_short
from harness.contract.page import PageFacts, PageUnderTest, TokenUrl
from harness.contract.scenario import HOUR, LIFETIMES, Scenario
from harness.contract.scenarios import SCENARIOS
from harness.contract.visit import PageVisit, Plan
from harness.stage.session import HarnessSession
from harness.stage.stage import Conditions


class Watch:
    """The visits to one page. A visit is made when a rule first asks for it, and each later rule gets the same one."""

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
        """Prepare the visits to a page; none is made yet.

        Args:
            harness: The harness session.
            page: The page under test.
            seed: The seed of the random interactions.
            thorough: True if scenarios are to be repeated with every lifetime, more outages and several seeds.
            on_visit: A function that is called with the title of each visit as it begins.
            on_notice: A function that is called with a remark about the page, such as its token addresses.
        """
        self._harness = harness
        self.under_test, self.seed, self.thorough = page, seed, thorough
        self._on_visit, self._on_notice = on_visit, on_notice
        self.on_observed: Callable[[Observation], None] = lambda _: None
        """A function that is called with each observation as its visit ends."""
        self._plans: dict[str, Sequence[Plan]] = {}
        self._end_by_real_s = float("inf")
        self.made: list[Observation] = []
        """The observations of all visits so far, oldest first."""

    def end_by(self, real_s: float) -> None:
        """Let visits advance only until `real_time.seconds()` is `real_s`; then they end early."""
        self._end_by_real_s = real_s

    @property
    def page(self) -> PageFacts:
        """The facts of the page that rules use."""
        return self.under_test.facts

    @cached_property
    def token_urls(self) -> tuple[TokenUrl, ...]:
        """The page's token addresses: the given ones, or those that a visit of their own finds."""
        if self.under_test.known_token_urls:
            return self.under_test.known_token_urls
        (visit,) = self._visits_of(SCENARIOS["discovery"], ())
        urls = discovery.token_urls(visit.journal)
        if urls:
            self._on_notice(f"token requests found: {', '.join(url.glob for url in urls)}")
        return urls

    @property
    def first(self) -> Observation:
        """The first healthy visit, which shows what the page embeds and how it renews."""
        return self.visits("healthy", only_first=True)[0]

    @property
    def lifetime(self) -> timedelta:
        """The lifetime of the tokens in scenarios that need one lifetime only."""
        return self.under_test.lifetime or HOUR

    @property
    def lifetimes(self) -> Sequence[timedelta]:
        """The lifetimes of the tokens in scenarios that need several."""
        return [self.under_test.lifetime] if self.under_test.lifetime else LIFETIMES

    @property
    def one_or_all_lifetimes(self) -> Sequence[timedelta]:
        """One lifetime, or, in a thorough run, several."""
        return self.lifetimes if self.thorough else [self.lifetime]

    def visits(self, scenario: str, *, only_first: bool = False) -> list[Observation]:
        """Return the observations of a scenario's visits, or of the first of them, and make those not made yet.

        Raises the `HarnessError` that prevents the page from being visited, such as `PageUnreachable`.
        """
        return self._visits_of(SCENARIOS[scenario], self.token_urls, only_first=only_first)

    def _visits_of(
        self, scenario: Scenario, token_urls: tuple[TokenUrl, ...], *, only_first: bool = False
    ) -> list[Observation]:
        if scenario.name not in self._plans:
            self._plans[scenario.name] = scenario.plan(self)
        plans = self._plans[scenario.name]
        observed = [visit for visit in self.made if visit.scenario == scenario.name]
        while len(observed) < (min(1, len(plans)) if only_first else len(plans)):
            if observed and scenario.ends_early and cut_short(observed[-1]):
                break
            observed.append(self._make(scenario, plans, len(observed) + 1, token_urls))
        return observed

    def _make(
        self, scenario: Scenario, plans: Sequence[Plan], number: int, token_urls: tuple[TokenUrl, ...]
    ) -> Observation:
        """Make a visit on a stage of its own, and return its observation.

        The visit ends early if real time runs out, the page crashes, or the page sends too many token requests. The
        observation then says why; no error is raised.
        """
        plan, page = plans[number - 1], self.under_test
        lifetime = plan.lifetime or self.lifetime
        conditions = Conditions(ignore_https_errors=page.ignore_https_errors, watch_tokens=True, **plan.conditions)
        self._on_visit(plan.title)
        with self._harness.stage(conditions) as stage, contextlib.ExitStack() as serving:
            url = page.url or serving.enter_context(self._harness.host(stage, folder=page.folder)).url(page.name)
            observed = Observation(
                scenario=scenario.name,
                number=number,
                planned=len(plans),
                title=plan.title,
                conditions=plan.conditions,
                journal=stage.journal,
                lifetime=lifetime,
                token_urls=[token.glob for token in token_urls],
                opened=stage.clock.now,
                ended=stage.clock.now,
                is_outage=scenario.is_outage,
            )
            self.made.append(observed)
            rng = random.Random(f"{self.seed} {plan.seed} {lifetime}")
            visit = PageVisit(page, url, stage, observed, rng, plan.request_limit)
            visit.prepare(token_urls)
            visit.driver.end_by(self._end_by_real_s)
            try:
                if visit.loaded():
                    plan.act(visit)
                plan.at_end(visit)
            except (RequestStorm, TookTooLong, ClockStuck, PageGone) as early:
                observed.stopped, observed.storm = str(early), isinstance(early, RequestStorm)
            except BaseException as error:
                observed.stopped = f"The visit was interrupted: {str(error) or type(error).__name__}"
                raise
            finally:
                observed.ended = stage.clock.now
                observed.journal = visit.driver.journal_without_tokens
                for name in ("url", "landed", "stopped", "why_no_renewal_moment"):
                    setattr(observed, name, visit.driver.without_tokens(getattr(observed, name)))
                self.on_observed(observed)
        return observed
