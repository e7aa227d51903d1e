"""How WAKE-4 finds its moment: when a page will renew, and when its timer looks next.

A page that looks at its token every 30 s renews at the first look after its margin is crossed. So the time from one renewal
to the next grows in steps of 30 s with the token's lifetime; where it jumps, the margin is crossed just after a look. A page
that sets a timer to the moment of its renewal, at the token's end or after a part of its life, waits as much longer as that.
Each item has a moment of its own, since its token may be younger than the others', or be renewed by another margin.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.base.durations import format_duration
from harness.contract.visits import PageVisit

FINE = timedelta(seconds=1)
FIRST_STEP = timedelta(seconds=7.3)
LONGEST_TICK = timedelta(minutes=12)
SHORTEST_TICK = timedelta(seconds=13)
"""Between shorter ones the tab cannot be hidden for so long, and shown more than a second before the next."""
EVEN = timedelta(seconds=2.5)
"""A wait that grows by so little at a time grows with the lifetime, or in whole seconds: a timer is set to the very moment."""
AWAY = timedelta(seconds=5)
"""How long before and after the crossing the tab is hidden."""
JUST_BEFORE = timedelta(seconds=2)
CONFIRMED = 3
"""How often a wait is measured again before the moment that follows from it is believed."""
REPEATS = 12
"""How often it is measured again before a page is blamed."""
SAME_RENEWAL = timedelta(seconds=5)
"""Token requests that follow each other so closely belong to one renewal."""


@dataclass(frozen=True)
class Dark:
    """From when to when the tab has to be hidden so that the margin is crossed meanwhile, and no timer looks."""

    hide: datetime
    show: datetime


class NoMoment(Exception):
    """There is no such moment; the text says why."""


class RenewsNoMore(NoMoment):
    """The page did not renew again, though there was time to."""


def renewing(session: PageVisit) -> Sequence[str | None]:
    """The items that stay and that the page renews by itself, once some time has passed to see it. None alone where no item
    does, as where reports take turns: there each token request is a renewal."""
    observed = session.observed
    session.stage.clock.advance(observed.lifetime)
    early = observed.there(session.stage.clock.now)
    session.stage.clock.advance(observed.lifetime)
    stay = [item for item in observed.there(session.stage.clock.now) if item in early]
    return [item for item in stay if observed.renewed_by_the_page(item)] or [None]


class Probe:
    """Lets a page renew an item with tokens of chosen lifetimes, one after the other."""

    def __init__(self, session: PageVisit, item: str | None) -> None:
        self._session, self._stage, self._item = session, session.stage, item
        self._lifetime = session.stage.tenant.lifetime
        self._last = session.stage.clock.now

    def renewal(self, lifetime: timedelta) -> datetime:
        """The next renewal; the token that it brings lives for `lifetime`."""
        stage, observed = self._stage, self._session.observed
        look = observed.lifetime / 6
        stage.tenant.lifetime = lifetime
        give_up = stage.clock.now + self._lifetime + 2 * LONGEST_TICK
        while stage.clock.now < give_up:
            stage.clock.advance(look)
            asked = observed.renewals_asked(self._item, until=stage.clock.now)
            if later := [at for at in asked if at > self._last + SAME_RENEWAL]:
                self._last, self._lifetime = later[0], lifetime
                return later[0]
        whose = f"item {self._item}" if self._item else "anything"
        raise RenewsNoMore(f"The page did not renew {whose} again, so there is no moment at which it does.")

    def wait(self, lifetime: timedelta) -> timedelta:
        """How long the page waits for its next renewal with a token of this lifetime."""
        began = self.renewal(lifetime)
        return self.renewal(self._session.observed.lifetime) - began


class Moments:
    """Finds the moments at which a page renews one item (None: anything) in a session that has loaded."""

    def __init__(self, session: PageVisit, item: str | None) -> None:
        self._probe, self._lifetime = Probe(session, item), session.observed.lifetime
        self._chosen: tuple[timedelta, timedelta, timedelta] | None = None
        """A token's lifetime; how long after its renewal the margin is crossed, and how long the next look is away."""

    def margin(self) -> Dark:
        """When the margin is crossed between two looks, with the token that the item has now.

        Raises `NoMoment` where there is no such moment.
        """
        probe, lifetime = self._probe, self._lifetime
        shortest = probe.wait(lifetime)
        same, later = timedelta(0), FIRST_STEP
        while (jumped := probe.wait(lifetime + later)) - shortest <= FINE:
            if later > LONGEST_TICK:
                return self._at_intervals(shortest)
            same, later = later, 2 * later
        while later - same > FINE:
            middle = (same + later) / 2
            found = probe.wait(lifetime + middle)
            if found - shortest > FINE:
                later, jumped = middle, found
            else:
                same = middle
        tick = jumped - shortest
        if tick <= EVEN:
            return self._after(shortest)
        if tick < SHORTEST_TICK:
            raise NoMoment(
                f"The page looks at its token every {tick.total_seconds():.1f} s, so no tick can be waited out."
            )
        chosen = lifetime + later + tick / 2 - FINE / 2
        crossing = shortest + tick / 2
        self._chosen = (chosen, crossing, jumped)
        self._expect_wait(jumped, chosen, CONFIRMED, FINE)
        crossed = probe.renewal(chosen) + crossing
        return Dark(crossed - AWAY, crossed + AWAY)

    def _after(self, wait: timedelta) -> Dark:
        """Around the moment so long after the next renewal."""
        self._expect_wait(wait, self._lifetime, CONFIRMED, EVEN)
        renewed = self._probe.renewal(self._lifetime)
        return Dark(renewed + wait - AWAY, renewed + wait + AWAY)

    def _at_intervals(self, interval: timedelta) -> Dark:
        """For a page that does not mind its token's end."""
        if interval < self._lifetime / 4:
            raise NoMoment(
                f"The page asks again {format_duration(interval)} after a renewal, however much longer its tokens live: it has no moment "
                "that depends on the token's end."
            )
        return self._after(interval)

    def before_the_look(self) -> Dark | None:
        """All the time from before the margin is crossed to just before the look at which it would renew, for a page whose
        margin is crossed later than it seemed (it counts in minutes, say); None for a page that looks at no other moment, or
        renews no more."""
        if self._chosen is None:
            return None
        lifetime, crossing, wait = self._chosen
        with contextlib.suppress(NoMoment):
            self._back_in_step()
            renewed = self._probe.renewal(lifetime)
            return Dark(renewed + crossing - AWAY, renewed + wait - JUST_BEFORE)
        return None

    def _back_in_step(self) -> None:
        """After a return: the renewal that followed it may have come between two ticks, from where every wait is another."""
        self._probe.renewal(self._lifetime)

    def expect_steady(self) -> None:
        """Raises `NoMoment` where a renewal that came late proves nothing: the page's moments are not the same each time."""
        lifetime = self._chosen[0] if self._chosen else self._lifetime
        with contextlib.suppress(RenewsNoMore):
            self._back_in_step()
            self._expect_wait(self._probe.wait(lifetime), lifetime, REPEATS, FINE)

    def _expect_wait(self, wait: timedelta, lifetime: timedelta, times: int, within: timedelta) -> None:
        """Raises `NoMoment` where the page does not wait so long each time, as with a margin that is drawn by lot.

        Like all that is measured, these waits begin with every second renewal: a page may have another wait after the one in between.
        """
        for _ in range(times):
            again = self._probe.wait(lifetime)
            if abs(again - wait) > within:
                raise NoMoment(
                    f"With tokens of {format_duration(lifetime)} the page renews now after {format_duration(wait)}, now after "
                    f"{format_duration(again)}: it has no moment that could be known before."
                )
