"""The search for the renewal moment of a page, around which WAKE-4 hides the tab.

A page that checks its token every 30 s renews at the first check after the refresh margin has begun. If the lifetime of
its tokens grows, the time from one renewal to the next therefore grows in steps of 30 s. At a lifetime where that time
takes a step, the margin begins just after a check, and no other check follows for almost 30 s.

Other pages set a timer for the renewal moment: at the expiry, or after a part of the lifetime. On these pages the time
from one renewal to the next grows as smoothly as the lifetime.

Each item has its own renewal moment, because its token may be younger than the token of another item, or its refresh
margin may be different.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from harness.base.durations import format_duration
from harness.contract.visit import PageVisit

PRECISION = timedelta(seconds=1)
"""The largest difference between two waits that count as equal."""
FIRST_EXTENSION = timedelta(seconds=7.3)
"""The first extension of the lifetime. Each further one doubles it, until the page waits longer for its renewal."""
LONGEST_INTERVAL = timedelta(minutes=12)
"""The longest interval between two checks that the search recognises."""
SHORTEST_INTERVAL = timedelta(seconds=13)
"""The shortest interval between two checks in which the tab can be hidden, and shown over a second before the check."""
LARGEST_TIMER_STEP = timedelta(seconds=2.5)
"""The largest step in which the wait of a page with a timer grows. A timer may count in whole seconds."""
HALF_ABSENCE = timedelta(seconds=5)
"""The time for which the tab is hidden before the renewal moment, and again after it."""
BEFORE_CHECK = timedelta(seconds=2)
"""The time between the return from a long absence and the check at which the page would renew."""
CONFIRMATIONS = 3
"""Measurements of a wait that have to agree before the renewal moment is taken as known."""
CONFIRMATIONS_OF_A_FINDING = 12
"""Measurements of a wait that have to agree before a late renewal becomes a finding."""
SAME_RENEWAL = timedelta(seconds=5)
"""The longest time between two token requests of one renewal."""


@dataclass(frozen=True)
class Absence:
    """An absence of the tab's user, during which the refresh margin begins and the page makes no check.

    Attributes:
        hide: The instant at which the tab has to be hidden.
        show: The instant at which the tab has to be shown.
    """

    hide: datetime
    show: datetime


class NoRenewalMoment(Exception):
    """The error of a page without a renewal moment that can be known in advance. The text says why."""


class RenewalsStopped(NoRenewalMoment):
    """The error of a page that did not renew again, although there was enough time."""


def items_with_renewals(visit: PageVisit) -> Sequence[str | None]:
    """Watch the page for two lifetimes, and return the items that stay and that the page renews by itself.

    The result is `[None]` if there is no such item, as on a page whose reports take turns. Then each token request
    counts as a renewal.
    """
    observed, clock = visit.observed, visit.stage.clock
    clock.advance(observed.lifetime)
    earlier = observed.items_at(clock.now)
    clock.advance(observed.lifetime)
    lasting = [item for item in observed.items_at(clock.now) if item in earlier]
    return [item for item in lasting if observed.renewed_by_the_page(item)] or [None]


class Probe:
    """A series of renewals of one item (None: of any token), each with a token of a chosen lifetime."""

    def __init__(self, visit: PageVisit, item: str | None) -> None:
        self._visit, self._stage, self._item = visit, visit.stage, item
        self._lifetime = visit.stage.tenant.lifetime
        self._last_renewal = visit.stage.clock.now

    def renewal(self, lifetime: timedelta) -> datetime:
        """Advance to the next renewal and return the instant of its token request.

        The token of that renewal gets the given lifetime. Raises `RenewalsStopped` if no renewal comes.
        """
        stage, observed = self._stage, self._visit.observed
        stage.tenant.lifetime = lifetime
        timeout = stage.clock.now + self._lifetime + 2 * LONGEST_INTERVAL
        while stage.clock.now < timeout:
            stage.clock.advance(observed.lifetime / 6)
            asked = observed.renewals_asked(self._item, until=stage.clock.now)
            if later := [at for at in asked if at > self._last_renewal + SAME_RENEWAL]:
                self._last_renewal, self._lifetime = later[0], lifetime
                return later[0]
        subject = f"item {self._item}" if self._item else "anything"
        raise RenewalsStopped(f"The page did not renew {subject} again, so it has no renewal moment.")

    def wait(self, lifetime: timedelta) -> timedelta:
        """Return the time from a renewal with a token of this lifetime to the next renewal.

        Two renewals pass. Raises `RenewalsStopped` if one does not come.
        """
        began = self.renewal(lifetime)
        return self.renewal(self._visit.observed.lifetime) - began


@dataclass(frozen=True)
class MarginBetweenChecks:
    """A lifetime with which the refresh margin begins in the middle between two checks.

    Attributes:
        lifetime: The lifetime of the token.
        until_margin: The time from the renewal that brings the token to the beginning of the refresh margin.
        until_check: The time from that renewal to the check at which the page renews next.
    """

    lifetime: timedelta
    until_margin: timedelta
    until_check: timedelta


class RenewalMoments:
    """The renewal moments of one item (None: of any token) during a visit whose page has loaded."""

    def __init__(self, visit: PageVisit, item: str | None) -> None:
        self._probe, self._lifetime = Probe(visit, item), visit.observed.lifetime
        self._between_checks: MarginBetweenChecks | None = None
        """The result of the search; None for a page without an interval between checks."""

    def absence_at_margin(self) -> Absence:
        """Return the absence from 5 s before to 5 s after the refresh margin begins, between two checks of the page.

        Raises `NoRenewalMoment` if the page has no renewal moment that can be known in advance.
        """
        probe, lifetime = self._probe, self._lifetime
        shortest = probe.wait(lifetime)
        # The page renews at one check with an extension up to `same`, and at the next check from `later` on.
        same, later = timedelta(0), FIRST_EXTENSION
        while (longer := probe.wait(lifetime + later)) - shortest <= PRECISION:
            if later > LONGEST_INTERVAL:
                return self._absence_at_fixed_interval(shortest)
            same, later = later, 2 * later
        while later - same > PRECISION:
            middle = (same + later) / 2
            wait = probe.wait(lifetime + middle)
            if wait - shortest > PRECISION:
                later, longer = middle, wait
            else:
                same = middle
        interval = longer - shortest
        if interval <= LARGEST_TIMER_STEP:
            return self._absence_after(shortest)
        if interval < SHORTEST_INTERVAL:
            raise NoRenewalMoment(
                f"The page checks its token every {interval.total_seconds():.1f} s. "
                "That is too often for hiding and showing the tab between two checks."
            )
        found = MarginBetweenChecks(
            lifetime + later + interval / 2 - PRECISION / 2,
            until_margin=shortest + interval / 2,
            until_check=longer,
        )
        self._between_checks = found
        self._expect_wait(found.until_check, found.lifetime, CONFIRMATIONS, PRECISION)
        margin_begins = probe.renewal(found.lifetime) + found.until_margin
        return Absence(margin_begins - HALF_ABSENCE, margin_begins + HALF_ABSENCE)

    def _absence_after(self, wait: timedelta) -> Absence:
        """Return the absence around the moment that comes one wait after the next renewal."""
        self._expect_wait(wait, self._lifetime, CONFIRMATIONS, LARGEST_TIMER_STEP)
        moment = self._probe.renewal(self._lifetime) + wait
        return Absence(moment - HALF_ABSENCE, moment + HALF_ABSENCE)

    def _absence_at_fixed_interval(self, interval: timedelta) -> Absence:
        """Return the absence around the next renewal of a page that renews regardless of the expiry.

        Raises `NoRenewalMoment` if the page renews more than four times in a lifetime.
        """
        if interval < self._lifetime / 4:
            raise NoRenewalMoment(
                f"The page requests a token {format_duration(interval)} after a renewal, whatever the lifetime of its "
                "tokens. So its renewal moment does not depend on the expiry."
            )
        return self._absence_after(interval)

    def absence_until_check(self) -> Absence | None:
        """Return an absence from before the refresh margin begins until 2 s before the check at which the page renews.

        That absence suits a page whose margin begins later than it seemed, such as one that counts in minutes. The
        result is None if the page has no interval between checks, or does not renew any more.
        """
        found = self._between_checks
        if found is None:
            return None
        with contextlib.suppress(NoRenewalMoment):
            self._back_in_step()
            renewed = self._probe.renewal(found.lifetime)
            return Absence(renewed + found.until_margin - HALF_ABSENCE, renewed + found.until_check - BEFORE_CHECK)
        return None

    def _back_in_step(self) -> None:
        """Let a renewal pass after a return to the tab.

        The renewal on the return may have come between two checks, and the wait after it differs from all others.
        """
        self._probe.renewal(self._lifetime)

    def expect_constant_waits(self) -> None:
        """Raise `NoRenewalMoment` if the page's waits differ, because then a late renewal proves nothing.

        A page that does not renew any more passes.
        """
        lifetime = self._between_checks.lifetime if self._between_checks else self._lifetime
        with contextlib.suppress(RenewalsStopped):
            self._back_in_step()
            self._expect_wait(self._probe.wait(lifetime), lifetime, CONFIRMATIONS_OF_A_FINDING, PRECISION)

    def _expect_wait(self, wait: timedelta, lifetime: timedelta, times: int, tolerance: timedelta) -> None:
        """Measure a wait several times, and raise `NoRenewalMoment` if one differs by more than the tolerance.

        The waits of a page with a random refresh margin differ. As in the search, every measurement begins with every
        second renewal, because a page may wait differently after the renewal in between.
        """
        for _ in range(times):
            again = self._probe.wait(lifetime)
            if abs(again - wait) > tolerance:
                raise NoRenewalMoment(
                    f"With tokens of {format_duration(lifetime)} the page renewed once after {format_duration(wait)} "
                    f"and once after {format_duration(again)}. So its renewal moment cannot be known in advance."
                )
