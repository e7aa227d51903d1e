"""The scenarios in which the user is away: the tab is hidden or frozen, or the machine is asleep."""

from datetime import timedelta
from typing import Literal

from harness.contract.observation import TabReturn
from harness.contract.renewal_moment import Absence, NoRenewalMoment, RenewalMoments, items_with_renewals
from harness.contract.scenario import Setting, scenario
from harness.contract.visit import BRIEF_WATCH, GENEROUS_REQUEST_LIMIT, PageVisit, Plan

FRESH_ABSENCES = (1 / 180, 1 / 20, 2 / 15)
"""The absences while the token is fresh, as parts of a lifetime: 20 s, 3 min and 8 min of 60 min."""
PAST_EXPIRY = timedelta(minutes=25)
"""The time by which an absence from the fifth minute on is longer than a lifetime."""


@scenario("The tab is visible for 5 min, hidden and frozen for 85 min, then shown and watched for 5 s.")
def frozen_past_expiry(setting: Setting) -> list[Plan]:
    """Plan the visits whose tab is frozen until half an hour past expiry."""
    return _away_past_expiry(setting, "frozen", watched=timedelta(seconds=5))


@scenario(
    "The tab is visible for 5 min. The machine then sleeps for 85 min: the wall clock advances, timers do not. The tab "
    "is shown and watched for 60 s.",
)
def asleep_past_expiry(setting: Setting) -> list[Plan]:
    """Plan the visits on a machine that sleeps until half an hour past expiry."""
    return _away_past_expiry(setting, "asleep", watched=timedelta(seconds=60))


def _away_past_expiry(setting: Setting, how: Literal["frozen", "asleep"], *, watched: timedelta) -> list[Plan]:
    """Plan visits whose tab is frozen, or whose machine is asleep, and which are then watched for some time."""

    def leave(visit: PageVisit) -> None:
        stage = visit.stage
        stage.clock.advance("5min")
        with stage.tab.frozen() if how == "frozen" else stage.tab.asleep():
            stage.clock.advance(visit.observed.lifetime + PAST_EXPIRY)
        visit.watch_return(watched)

    return [Plan(f"{how} past expiry", leave, lifetime=lifetime) for lifetime in setting.one_or_all_lifetimes]


@scenario(
    "The tab is hidden three times early in the token's lifetime, for 20 s, 3 min and 8 min, and then for 2 h, with "
    "Chromium's throttling. An interaction follows 5 s after the last return.",
)
def hidden(setting: Setting) -> list[Plan]:
    """Plan the visits whose tab is hidden four times: three times while the token is fresh, then for two lifetimes."""

    def hide(visit: PageVisit) -> None:
        stage, lifetime = visit.stage, visit.observed.lifetime
        for lifetimes_away in (*FRESH_ABSENCES, 2):
            stage.clock.advance(lifetime / 15)
            with stage.tab.hidden():
                stage.clock.advance(lifetimes_away * lifetime)
            visit.watch_return(BRIEF_WATCH)
        visit.interact()

    title = "hidden for a while, then for two lifetimes"
    return [Plan(title, hide, lifetime=lifetime) for lifetime in setting.one_or_all_lifetimes]


@scenario(
    "The tab is hidden 5 s before the renewal moment of an item, and shown 5 s after it. Renewals with various lifetimes "
    "of the tokens find the moment.",
)
def renewal_moment(_: Setting) -> list[Plan]:
    """Plan the visit whose tab is hidden at the renewal moments of the items."""
    return [
        Plan("away while the margin is crossed", _hide_at_renewal_moments, request_limit=GENEROUS_REQUEST_LIMIT),
    ]


def _hide_at_renewal_moments(visit: PageVisit) -> None:
    """Hide the tab at the renewal moment of one item after the other, until a renewal is late.

    An item that was renewed on the return for another item needs no absence of its own. The observation keeps the
    returns, and why an item has no renewal moment.
    """
    observed = visit.observed
    try:
        for item in items_with_renewals(visit):
            if any(observed.in_time(item, back) for back in observed.margin_returns):
                continue
            observed.margin_returns.append(_return_at_renewal_moment(visit, item))
            if not observed.in_time(item, observed.margin_returns[-1]):
                break
    except NoRenewalMoment as why:
        observed.why_no_renewal_moment = str(why)


def _return_at_renewal_moment(visit: PageVisit, item: str | None) -> TabReturn:
    """Hide the tab at an item's renewal moment, and return the instants of that absence.

    If the renewal is late, a longer absence follows. If the renewal is late again, the first absence counts.

    Raises `NoRenewalMoment` if the moment cannot be known, or differs from renewal to renewal.
    """
    moments, observed = RenewalMoments(visit, item), visit.observed
    first = _hide_during(visit, item, moments.absence_at_margin())
    if observed.in_time(item, first):
        return first
    longer = moments.absence_until_check()
    if longer and observed.in_time(item, second := _hide_during(visit, item, longer)):
        return second
    moments.expect_constant_waits()
    return first


def _hide_during(visit: PageVisit, item: str | None, absence: Absence) -> TabReturn:
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
