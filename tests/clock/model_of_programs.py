"""A model of discrete events that knows what a program has to lead to, and judges a page's journal by that.

Each event has a cause: the start of a document, a timer, or the end of a wait. The model walks through the program from
cause to effect. It takes from the journal when each event happened, and complains of each that happened too early, too
late or not at all.

Instants and lengths are whole milliseconds of virtual time.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from programs import Document, Interval, Program, Step, Steps, Timer
from site_of_programs import IN_ORDER

WAIT_LIMIT_MS = 200
"""Virtual milliseconds within which a wait has to end."""
LOAD_DELAY_MS = 20
"""Virtual milliseconds by which a timer may be late that is due during a load or this soon after it.

Chromium spends at least 10 ms on a load, and virtual time jumps over them."""
SECOND_MS, MINUTE_MS = 1000, 60_000
"""The wake-up intervals of a hidden page's timers: a second, and under intensive throttling a minute."""
INTENSIVE_AFTER_MS = 5 * MINUTE_MS
"""Time hidden after which Chromium throttles a page's chained timers intensively."""
INTENSIVE_AFTER_LOAD_MS = 10 * SECOND_MS
"""Time since the load after which Chromium throttles a page intensively that was loaded in a hidden tab."""
CHAIN_LENGTH = 5
"""Number of timers, each set by the one before, from which on a timer counts as chained."""
SKIPPED_SHARE = 0.05
"""Share of an interval's period that has to remain after a late tick; else the interval skips its next tick."""
ROUNDING_MS = 3
"""Milliseconds by which rounding may shift a tick.

Tab changes, ends of loads, wake-ups of hidden pages and pauses for work happen within a millisecond, and their
fractions add up."""
FRACTION_MS = 1
"""Milliseconds by which a timer may be late once its tab was hidden.

A hidden page wakes up at a fraction of a millisecond, and so do the timers that it sets from then on. Close to a whole
millisecond a microsecond more makes the next one of it."""
LEAVES = " leaves"
"""End of the key of the event in which a document navigates."""
START_MS = 50
"""Virtual milliseconds from its first script in which a document may still be loading."""


@dataclass(frozen=True)
class Event:
    """One entry of the page's journal.

    `key` is a place in the program: "0" is the start of the first document, "0/2" its third step, "0/2#5" that
    interval's fifth tick. `begins` names the wait that began; it is None where a step happened or a wait ended.
    """

    key: str
    at_ms: int
    begins: str | None = None


@dataclass(frozen=True)
class Stretch:
    """A time in which the tab was "shown", "hidden" or "frozen", and the instant since which it had not been shown."""

    tab: str
    began_ms: int
    ended_ms: int
    away_since_ms: int


@dataclass(frozen=True)
class Run:
    """The record of one program.

    It holds the page's journal in its order, the instants at which the user navigated, and the tab's states. `hidden_before`
    is True if the tab was hidden at any time before the program.
    """

    events: list[Event]
    navigated_ms: list[int]
    stretches: list[Stretch]
    hidden_before: bool = False

    @property
    def ended_ms(self) -> int:
        """The instant at which the record ends."""
        return self.stretches[-1].ended_ms


def complaints(program: Program, run: Run) -> list[str]:
    """Return a sentence for each event that is wrong in time or order, repeated, missing, or without a cause."""
    judge = _Judge(run)
    for number in range(sum(event.key.isdigit() for event in run.events)):
        judge.judge(number, program.documents[number] if number < len(program.documents) else Document(()))
    return judge.complaints


class _Judge:
    def __init__(self, run: Run) -> None:
        self._run, self._began = run, run.events[0].at_ms
        self._wait_began = {event.key: event.at_ms for event in run.events if event.begins}
        self._unexplained = {event.key: event.at_ms for event in run.events if not event.begins}
        """The events for which no cause was found yet."""
        self._document_began = self._began
        self._navigates_at = math.inf
        """The instant at which the judged document navigates. Events that are due from then on may happen or not."""
        self._loads = [(event.at_ms, event.at_ms + START_MS) for event in run.events if event.key.isdigit()]
        self._loads += [
            (event.at_ms, event.at_ms + WAIT_LIMIT_MS) for event in run.events if event.key.endswith(LEAVES)
        ]
        self._loads += [(at, self._unexplained.get(key, run.ended_ms)) for key, at in self._wait_began.items()]
        self._wake_ups: set[int] = set()
        """The instants at which timers ran while the tab was hidden."""
        self._found = [*self._events_out_of_order(), *self._events_while_frozen()]

    def _events_out_of_order(self) -> Iterator[str]:
        events = self._run.events
        for earlier, later in pairwise(events):
            if later.at_ms < earlier.at_ms:
                yield f"{later.key} comes after {earlier.key}"
        counts = Counter((event.key, event.begins) for event in events)
        for (key, _), times in counts.items():
            if times > 1:
                yield f"{key} happened {times} times"
        for kinds in IN_ORDER:
            begun = [event.key for event in events if event.begins in kinds and event.key in self._unexplained]
            ended = [event.key for event in events if event.key in begun and not event.begins]
            if begun != ended:
                yield f"{kinds} began in the order {begun} and ended in the order {ended}"

    def _events_while_frozen(self) -> Iterator[str]:
        for stretch in self._run.stretches:
            for event in self._run.events:
                if stretch.tab == "frozen" and stretch.began_ms < event.at_ms < stretch.ended_ms:
                    yield f"{event.key} happened at {self._since(event.at_ms)} in a frozen page"

    @property
    def complaints(self) -> list[str]:
        """All complaints, including those of events without a cause."""
        too_often = [
            f"A hidden page woke up at {self._since(earlier)} and again at {self._since(later)}"
            for earlier, later in pairwise(sorted(self._wake_ups))
            if LOAD_DELAY_MS < later - earlier < SECOND_MS - LOAD_DELAY_MS
        ]
        without_a_cause = [
            f"{key} happened at {self._since(at)} without a cause" for key, at in self._unexplained.items()
        ]
        return self._found + too_often + without_a_cause

    def judge(self, number: int, document: Document) -> None:
        """Judge the events of a document, and the start of the next one if this one is left."""
        key, next_key = str(number), str(number + 1)
        began = self._document_began = self._unexplained.pop(key)
        self._navigates_at = self._run.navigated_ms[number] if number < len(self._run.navigated_ms) else math.inf
        if document.leave:
            due = began + document.leave.after_ms
            self._navigates_at = self._timer(key + LEAVES, due, due, (), 1) or math.inf
        if self._navigates_at < math.inf:
            self._expect_document(next_key)
        self.follow(key, began, document.steps, 0)

    def _expect_document(self, key: str) -> None:
        """Complain if the next document does not start within `WAIT_LIMIT_MS` of the navigation."""
        earliest, latest = int(self._navigates_at), self._latest_end(int(self._navigates_at))
        at = self._unexplained.get(key)
        if at is None and latest < self._run.ended_ms:
            self._found.append(f"{key} did not begin at {self._when(earliest, latest)}")
        if at is not None and not earliest <= at <= latest:
            self._found.append(f"{key} began at {self._since(at)}, not at {self._when(earliest, latest)}")

    def follow(self, key: str, cause: int, steps: Steps, nesting: int) -> None:
        """Judge the events of steps whose cause happened at the instant `cause`, in a chain of `nesting` timers."""
        for place, step in enumerate(steps):
            self._follow(f"{key}/{place}", cause, step, nesting)

    def _follow(self, key: str, cause: int, step: Step, nesting: int) -> None:
        if isinstance(step, Timer):
            self._timer(key, cause + step.after_ms, cause + step.after_ms, step.then, nesting + 1)
        elif isinstance(step, Interval):
            self._interval(key, cause, step, nesting)
        else:
            if self._wait_began.get(key) != cause:
                self._found.append(f"{key} began at {self._wait_began.get(key)}, not at {cause}")
            at = self._expect(key, cause, self._latest_end(cause))
            if at is not None:
                self.follow(key, at, step.then, 0)

    def _interval(self, key: str, cause: int, step: Interval, nesting: int) -> None:
        """Judge the ticks of an interval.

        A late tick stands for all that were due until then. The interval also skips the next one if that is too close.
        """
        earliest = latest = cause + step.every_ms
        for tick in range(1, step.times + 1):
            at = self._timer(f"{key}#{tick}", earliest, latest, step.then, nesting + tick)
            if at is None:
                break
            remaining = (cause - at) % step.every_ms  # rounded: up to a millisecond more or less
            too_close = SKIPPED_SHARE * step.every_ms
            on_time = at == earliest == latest
            earliest = at + remaining + (step.every_ms if on_time or remaining + 1 <= too_close else 0)
            latest = at + remaining + (step.every_ms if remaining - 1 <= too_close else 0)

    def _timer(self, key: str, earliest_due: int, latest_due: int, then: Steps, nesting: int) -> int | None:
        """Judge a timer and the steps that follow it. Return when it ran, or None if it did not."""
        at = self._expect(key, earliest_due - ROUNDING_MS, self._latest_tick(latest_due, nesting))
        if at is not None:
            hidden = (one for one in self._run.stretches if one.tab == "hidden")
            self._wake_ups.update(at for one in hidden if one.began_ms < at < one.ended_ms)
            self.follow(key, at, then, nesting)
        return at

    def _expect(self, key: str, earliest: int, latest: int) -> int | None:
        """Return when an event happened, or None if it did not.

        Complain if it did not happen from `earliest` to `latest`.
        """
        at = self._unexplained.pop(key, None)
        if at is None:
            if latest < min(self._navigates_at, self._run.ended_ms):
                self._found.append(f"{key} did not happen at {self._when(earliest, latest)}")
        elif not earliest <= at <= latest:
            self._found.append(f"{key} happened at {self._since(at)}, not at {self._when(earliest, latest)}")
        return at

    def _latest_end(self, began: int) -> int:
        """Return by when a wait has to end. Time in which the page is frozen does not count."""
        remaining = WAIT_LIMIT_MS
        for stretch in self._from(began):
            if stretch.tab != "frozen":
                passing = stretch.ended_ms - max(stretch.began_ms, began)
                if passing > remaining:
                    return max(stretch.began_ms, began) + remaining
                remaining -= passing
        return self._run.ended_ms

    def _latest_tick(self, due: int, nesting: int) -> int:
        """Return by when a timer that is due has to run.

        A hidden tab throttles its timers, and a frozen one runs none.
        """
        late = LOAD_DELAY_MS if any(began <= due <= ended + LOAD_DELAY_MS for began, ended in self._loads) else 0
        hidden = (stretch.tab == "hidden" and stretch.began_ms <= due for stretch in self._run.stretches)
        if self._run.hidden_before or any(hidden):
            late = max(late, FRACTION_MS)
        for stretch in self._from(due):
            at = due if due >= stretch.began_ms else stretch.began_ms + ROUNDING_MS
            if stretch.tab == "shown" and at < stretch.ended_ms:
                return at + late
            if stretch.tab == "hidden":
                since = stretch.away_since_ms + INTENSIVE_AFTER_MS
                if self._document_began > stretch.away_since_ms:
                    since = min(since, self._document_began + INTENSIVE_AFTER_LOAD_MS)
                intensive = nesting >= CHAIN_LENGTH and at + SECOND_MS > since
                at += (MINUTE_MS if intensive else SECOND_MS) + ROUNDING_MS
                if at < stretch.ended_ms:
                    return at + late
        return self._run.ended_ms

    def _from(self, at: int) -> list[Stretch]:
        return [stretch for stretch in self._run.stretches if stretch.ended_ms >= at]

    def _since(self, at: int) -> int:
        return at - self._began

    def _when(self, earliest: int, latest: int) -> str:
        return f"{self._since(earliest)}" + (f" to {self._since(latest)}" if latest > earliest else "")
