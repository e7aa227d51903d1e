"""The moment for WAKE-4, on a model of a page that needs no browser: the margin is crossed in the dark, and no timer looks then."""

import contextlib
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from harness.contract import renewal_moment as dark

HOUR = timedelta(hours=1)
LATENCY = timedelta(seconds=0.2)
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


@dataclass
class Page:
    """Renews when a part of the token's life is over, less a margin: at its next tick, or, without one, at that very moment."""

    tick: timedelta | None = None
    margin: timedelta = timedelta(0)
    part: float = 1.0
    whole_seconds: bool = False
    issued: datetime = START
    life: timedelta = HOUR

    def crossing(self) -> datetime:
        life = self.life * self.part
        if self.whole_seconds:
            life = timedelta(seconds=math.floor(life.total_seconds()))
        return self.issued + LATENCY + life - self.margin

    def renewal(self, lifetime: timedelta) -> datetime:
        at = self.crossing()
        if self.tick:
            at = START + self.tick * math.ceil((at - START) / self.tick)
        self.issued, self.life = at, lifetime
        return at

    def wait(self, lifetime: timedelta) -> timedelta:
        began = self.renewal(lifetime)
        return self.renewal(HOUR) - began

    def looks_between(self, since: datetime, until: datetime) -> bool:
        return bool(self.tick) and math.floor((since - START) / self.tick) != math.floor((until - START) / self.tick)


class SessionOfAnHour:
    class observed:
        lifetime = HOUR


def moments(page: Page, monkeypatch: pytest.MonkeyPatch) -> dark.Moments:
    monkeypatch.setattr(dark, "Probe", lambda *_: page)
    session: Any = SessionOfAnHour
    return dark.Moments(session, "1")


def moment(page: Page, monkeypatch: pytest.MonkeyPatch) -> dark.Dark:
    return moments(page, monkeypatch).margin()


@pytest.mark.parametrize("slack", range(1, 60, 4))
@pytest.mark.parametrize("tick", [13, 15, 20, 25, 30, 45, 60])
def test_no_tick_falls_into_the_dark(monkeypatch: pytest.MonkeyPatch, tick: int, slack: int) -> None:
    page = Page(timedelta(seconds=tick), timedelta(minutes=10, seconds=slack))

    found = moment(page, monkeypatch)

    assert found.hide < page.crossing() < found.show
    assert not page.looks_between(found.hide, found.show)


@pytest.mark.parametrize("whole_seconds", [False, True])
@pytest.mark.parametrize(("part", "margin"), [(1, 10.3), (0.9, 0), (0.8, 0), (0.75, 1), (0.5, 0)])
def test_a_timer_goes_off_in_the_dark(
    monkeypatch: pytest.MonkeyPatch, part: float, margin: float, whole_seconds: bool
) -> None:
    page = Page(margin=timedelta(minutes=margin), part=part, whole_seconds=whole_seconds)

    found = moment(page, monkeypatch)

    assert found.hide < page.crossing() < found.show


@pytest.mark.parametrize("slack", [0, 1.5, 3.1])
@pytest.mark.parametrize("tick", [3, 5, 9, 11])
def test_what_looks_all_the_time_has_no_moment(monkeypatch: pytest.MonkeyPatch, tick: int, slack: float) -> None:
    with pytest.raises(dark.NoMoment, match=rf"looks at its token every {tick}\.0 s"):
        moment(Page(timedelta(seconds=tick), timedelta(minutes=10, seconds=slack)), monkeypatch)


@dataclass
class Metronome(Page):
    """Renews at intervals, however long its tokens live."""

    interval: timedelta = HOUR

    def crossing(self) -> datetime:
        return self.issued + self.interval


def test_what_does_not_mind_the_lifetime_renews_in_the_dark(monkeypatch: pytest.MonkeyPatch) -> None:
    page = Metronome(interval=timedelta(minutes=45))

    found = moment(page, monkeypatch)

    assert found.hide < page.crossing() < found.show


def test_what_asks_again_soon_after_each_renewal_has_no_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(dark.NoMoment, match="asks again 01:00 after a renewal, however much longer its tokens live"):
        moment(Metronome(interval=timedelta(minutes=1)), monkeypatch)


@dataclass
class Alternating(Page):
    """Renews earlier every second time."""

    renewals: int = 0

    def crossing(self) -> datetime:
        return super().crossing() - timedelta(minutes=17) * (self.renewals % 2)

    def renewal(self, lifetime: timedelta) -> datetime:
        at = super().renewal(lifetime)
        self.renewals += 1
        return at


@pytest.mark.parametrize("tick", [None, 20, 30])
def test_each_second_wait_may_be_another(monkeypatch: pytest.MonkeyPatch, tick: int | None) -> None:
    page = Alternating(tick and timedelta(seconds=tick), margin=timedelta(minutes=10, seconds=7))

    found = moment(page, monkeypatch)

    assert found.hide < page.crossing() < found.show


@dataclass
class Lottery(Page):
    """Draws a part of each token's margin by lot."""

    spread: timedelta = timedelta(0)
    chance: random.Random = field(default_factory=random.Random)
    drawn: float = 0

    def crossing(self) -> datetime:
        return super().crossing() - self.drawn * self.spread

    def renewal(self, lifetime: timedelta) -> datetime:
        at = super().renewal(lifetime)
        self.drawn = self.chance.random()
        return at


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("tick", [None, 20, 30])
def test_what_draws_its_margin_by_lot_has_no_moment(
    monkeypatch: pytest.MonkeyPatch, tick: int | None, seed: int
) -> None:
    page = Lottery(tick and timedelta(seconds=tick), spread=timedelta(minutes=5), chance=random.Random(seed))

    with pytest.raises(dark.NoMoment, match=r"renews now after .*, now after"):
        moment(page, monkeypatch)


def test_what_may_take_this_tick_or_the_next_is_hardly_ever_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its margin is not yet crossed on the return, twice: that can be by lot."""
    blamed = 0
    for seed in range(400):
        page = Lottery(timedelta(seconds=30), spread=timedelta(seconds=30), chance=random.Random(seed))
        found = moments(page, monkeypatch)
        with contextlib.suppress(dark.NoMoment):
            first = found.margin()
            if page.crossing() > first.show:
                again = found.before_the_look()
                assert again
                if page.crossing() > again.show:
                    found.expect_steady()
                    blamed += 1

    assert blamed <= 400 / 200


@pytest.mark.parametrize("seed", range(10))
def test_what_draws_a_few_seconds_has_its_moment(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    page = Lottery(timedelta(seconds=30), spread=timedelta(seconds=4), chance=random.Random(seed))
    found = moments(page, monkeypatch)

    dark_time = found.margin()

    assert not page.looks_between(dark_time.hide, dark_time.show)
    found.expect_steady()
