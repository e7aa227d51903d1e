"""The search for the renewal moment (WAKE-4), on a model of a page that needs no browser.

The tab has to be hidden while the refresh margin begins, and the page must make no check during that absence.
"""

import contextlib
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.contract import renewal_moment
from harness.contract.renewal_moment import Absence, NoRenewalMoment, RenewalMoments

HOUR = timedelta(hours=1)
LATENCY = timedelta(seconds=0.2)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@dataclass
class Page:
    """A page that renews when a part of the token's lifetime is over, less a refresh margin.

    With an interval the page renews at the next check, without one at that very moment. The model takes the place of
    the `Probe`, so `renewal` and `wait` behave as the methods of that class do.
    """

    interval: timedelta | None = None
    margin: timedelta = timedelta(0)
    part: float = 1.0
    whole_seconds: bool = False
    issued: datetime = START
    lifetime: timedelta = HOUR

    def margin_begins(self) -> datetime:
        waited = self.lifetime * self.part
        if self.whole_seconds:
            waited = timedelta(seconds=math.floor(waited.total_seconds()))
        return self.issued + LATENCY + waited - self.margin

    def renewal(self, lifetime: timedelta) -> datetime:
        at = self.margin_begins()
        if self.interval:
            at = START + self.interval * math.ceil((at - START) / self.interval)
        self.issued, self.lifetime = at, lifetime
        return at

    def wait(self, lifetime: timedelta) -> timedelta:
        began = self.renewal(lifetime)
        return self.renewal(HOUR) - began

    def checks_between(self, since: datetime, until: datetime) -> bool:
        return bool(self.interval) and math.floor((since - START) / self.interval) != math.floor(
            (until - START) / self.interval
        )


class VisitWithTokensOfAnHour:
    class observed:
        lifetime = HOUR


def moments_of(page: Page, monkeypatch: pytest.MonkeyPatch) -> RenewalMoments:
    monkeypatch.setattr(renewal_moment, "Probe", lambda *_: page)
    visit: Any = VisitWithTokensOfAnHour
    return RenewalMoments(visit, "1")


def absence_for(page: Page, monkeypatch: pytest.MonkeyPatch) -> Absence:
    return moments_of(page, monkeypatch).absence_at_margin()


@pytest.mark.parametrize("slack_s", range(1, 60, 4))
@pytest.mark.parametrize("interval_s", [13, 15, 20, 25, 30, 45, 60])
def test_absence_lies_between_two_checks_while_the_margin_begins(
    monkeypatch: pytest.MonkeyPatch, interval_s: int, slack_s: int
) -> None:
    page = Page(timedelta(seconds=interval_s), timedelta(minutes=10, seconds=slack_s))

    absence = absence_for(page, monkeypatch)

    assert absence.hide < page.margin_begins() < absence.show
    assert not page.checks_between(absence.hide, absence.show)


@pytest.mark.parametrize("whole_seconds", [False, True])
@pytest.mark.parametrize(("part", "margin_min"), [(1, 10.3), (0.9, 0), (0.8, 0), (0.75, 1), (0.5, 0)])
def test_timer_of_a_page_without_an_interval_ends_during_the_absence(
    monkeypatch: pytest.MonkeyPatch, part: float, margin_min: float, whole_seconds: bool
) -> None:
    page = Page(margin=timedelta(minutes=margin_min), part=part, whole_seconds=whole_seconds)

    absence = absence_for(page, monkeypatch)

    assert absence.hide < page.margin_begins() < absence.show


@pytest.mark.parametrize("slack_s", [0, 1.5, 3.1])
@pytest.mark.parametrize("interval_s", [3, 5, 9, 11])
def test_page_that_checks_more_often_than_every_13_s_has_no_renewal_moment(
    monkeypatch: pytest.MonkeyPatch, interval_s: int, slack_s: float
) -> None:
    page = Page(timedelta(seconds=interval_s), timedelta(minutes=10, seconds=slack_s))

    with pytest.raises(NoRenewalMoment, match=rf"checks its token every {interval_s}\.0 s\. That is too often"):
        absence_for(page, monkeypatch)


@dataclass
class PageWithFixedRenewals(Page):
    """A page that renews at fixed intervals, whatever the lifetime of its tokens."""

    between_renewals: timedelta = HOUR

    def margin_begins(self) -> datetime:
        return self.issued + self.between_renewals


def test_page_that_renews_every_45_min_renews_during_the_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    page = PageWithFixedRenewals(between_renewals=timedelta(minutes=45))

    absence = absence_for(page, monkeypatch)

    assert absence.hide < page.margin_begins() < absence.show


def test_page_that_renews_every_minute_has_no_renewal_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    page = PageWithFixedRenewals(between_renewals=timedelta(minutes=1))

    with pytest.raises(
        NoRenewalMoment, match="requests a token 01:00 after a renewal, whatever the lifetime of its tokens"
    ):
        absence_for(page, monkeypatch)


@dataclass
class PageThatAlternates(Page):
    """A page that renews 17 min earlier every second time."""

    renewals: int = 0

    def margin_begins(self) -> datetime:
        return super().margin_begins() - timedelta(minutes=17) * (self.renewals % 2)

    def renewal(self, lifetime: timedelta) -> datetime:
        at = super().renewal(lifetime)
        self.renewals += 1
        return at


@pytest.mark.parametrize("interval_s", [None, 20, 30])
def test_page_whose_waits_alternate_has_its_renewal_moment(
    monkeypatch: pytest.MonkeyPatch, interval_s: int | None
) -> None:
    page = PageThatAlternates(interval_s and timedelta(seconds=interval_s), margin=timedelta(minutes=10, seconds=7))

    absence = absence_for(page, monkeypatch)

    assert absence.hide < page.margin_begins() < absence.show


@dataclass
class PageWithRandomMargin(Page):
    """A page that adds a random time, up to `spread`, to the refresh margin of each token."""

    spread: timedelta = timedelta(0)
    rng: random.Random = field(default_factory=random.Random)
    part_of_spread: float = 0

    def margin_begins(self) -> datetime:
        return super().margin_begins() - self.part_of_spread * self.spread

    def renewal(self, lifetime: timedelta) -> datetime:
        at = super().renewal(lifetime)
        self.part_of_spread = self.rng.random()
        return at


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("interval_s", [None, 20, 30])
def test_page_whose_margin_varies_by_minutes_has_no_renewal_moment(
    monkeypatch: pytest.MonkeyPatch, interval_s: int | None, seed: int
) -> None:
    page = PageWithRandomMargin(
        interval_s and timedelta(seconds=interval_s), spread=timedelta(minutes=5), rng=random.Random(seed)
    )

    with pytest.raises(NoRenewalMoment, match=r"renewed once after .* and once after"):
        absence_for(page, monkeypatch)


def test_page_whose_margin_varies_by_one_interval_is_blamed_at_most_once_in_200_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page renews at one check or the next. Twice in a row, its margin may begin by chance after the return."""
    blamed = 0
    for seed in range(400):
        page = PageWithRandomMargin(timedelta(seconds=30), spread=timedelta(seconds=30), rng=random.Random(seed))
        moments = moments_of(page, monkeypatch)
        with contextlib.suppress(NoRenewalMoment):
            first = moments.absence_at_margin()
            if page.margin_begins() > first.show:
                longer = moments.absence_until_check()
                assert longer
                if page.margin_begins() > longer.show:
                    moments.expect_constant_waits()
                    blamed += 1

    assert blamed <= 400 / 200


@pytest.mark.parametrize("seed", range(10))
def test_page_whose_margin_varies_by_seconds_has_its_renewal_moment(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    page = PageWithRandomMargin(timedelta(seconds=30), spread=timedelta(seconds=4), rng=random.Random(seed))
    moments = moments_of(page, monkeypatch)

    absence = moments.absence_at_margin()

    assert not page.checks_between(absence.hide, absence.show)
    moments.expect_constant_waits()
