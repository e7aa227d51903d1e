"""What must come of a program, and when: a plain model of discrete events, by which a journal is judged.

An event has a cause: the beginning of the page, a timer, the end of a wait. So the model walks through the program from cause
to effect, takes from the journal when each happened, and says what it complains of.
"""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from programs import Document, Interval, Program, Step, Steps, Timer
from site_of_programs import IN_ORDER

CLOSE = 200
"""Virtual milliseconds within which a wait has to end."""
LOAD = 20
"""Virtual milliseconds by which a timer may be late that is due during a load, or as much after it: Chromium lets a load take
10 ms at least, and time jumps over them."""
SECOND, MINUTE = 1000, 60_000
"""A hidden page has its timers once a second; and those that a timer set that a timer set, and so on, once a minute ..."""
INTENSIVE_AFTER = 5 * MINUTE
"""... when it has been hidden for so long,"""
INTENSIVE_AFTER_LOAD = 10 * SECOND
"""... or, if it was loaded while it was hidden, only for so long,"""
NESTED = 5
"""... and as many timers stand one behind the other."""
TOO_CLOSE = 0.05
"""Part of its period that has to be left after a late tick of an interval, or the next one is left out."""
ROUNDING = 3
"""A tab changes, a load ends, a hidden page wakes up, and time is stopped for work, in the middle of a millisecond: so much may
come together before a tick."""
FRACTION = 1
"""A hidden page wakes up at a fraction of a millisecond, and so do the timers that its tab sets from then on: where that comes
close to a whole one, a microsecond makes one more of it."""
LEAVES = " leaves"
START = 50
"""Virtual milliseconds from its first script in which a document may still be loading."""


@dataclass(frozen=True)
class Event:
    """That something happened, at which place of the program ("0" is the beginning of its first document), when (milliseconds);
    or that a wait began, and for what."""

    key: str
    at: int
    begins: str | None = None


@dataclass(frozen=True)
class Stretch:
    """From when to when (milliseconds) the tab was "shown", "hidden" or "frozen"; and since when it had not been shown."""

    tab: str
    began: int
    ended: int
    away_since: int


@dataclass(frozen=True)
class Run:
    """What was seen of a program: the page's journal, in its order, when (milliseconds) the user went elsewhere, what the tab was
    until the end, and whether it had ever been hidden before."""

    events: list[Event]
    gone: list[int]
    stretches: list[Stretch]
    hidden_before: bool = False

    @property
    def ended(self) -> int:
        """Until when it was watched."""
        return self.stretches[-1].ended


def complaints(program: Program, run: Run) -> list[str]:
    """What is wrong with the run: nothing, if all happened when it had to, in order, and nothing else."""
    judge = _Judge(run)
    for number in range(sum(event.key.isdigit() for event in run.events)):
        judge.judge(number, program.documents[number] if number < len(program.documents) else Document(()))
    return judge.found


class _Judge:
    def __init__(self, run: Run) -> None:
        self._run, self._began = run, run.events[0].at
        self._begun = {event.key: event.at for event in run.events if event.begins}
        self._left = {event.key: event.at for event in run.events if not event.begins}
        self._document_began = self._began
        self._leaves = math.inf
        """When the document that is judged is left; what is to come then may still come, or not."""
        self._loads = [(event.at, event.at + START) for event in run.events if event.key.isdigit()]
        self._loads += [(event.at, event.at + CLOSE) for event in run.events if event.key.endswith(LEAVES)]
        self._loads += [(at, self._left.get(key, run.ended)) for key, at in self._begun.items()]
        self._woken: set[int] = set()
        """When timers ran while the tab was hidden."""
        self._found = [*self._disorder(), *self._ticks_of_the_frozen()]

    def _disorder(self) -> Iterator[str]:
        events = self._run.events
        for earlier, later in pairwise(events):
            if later.at < earlier.at:
                yield f"{later.key} comes after {earlier.key}"
        often = Counter((event.key, event.begins) for event in events)
        for (key, _), times in often.items():
            if times > 1:
                yield f"{key} happened {times} times"
        for kinds in IN_ORDER:
            begun = [event.key for event in events if event.begins in kinds and event.key in self._left]
            ended = [event.key for event in events if event.key in begun and not event.begins]
            if begun != ended:
                yield f"{kinds} began in the order {begun} and ended in the order {ended}"

    def _ticks_of_the_frozen(self) -> Iterator[str]:
        for stretch in self._run.stretches:
            for event in self._run.events:
                if stretch.tab == "frozen" and stretch.began < event.at < stretch.ended:
                    yield f"{event.key} happened at {self._since(event.at)} in a frozen page"

    @property
    def found(self) -> list[str]:
        """All complaints, of what is left in the journal too."""
        too_often = [
            f"A hidden page woke up at {self._since(earlier)} and again at {self._since(later)}"
            for earlier, later in pairwise(sorted(self._woken))
            if LOAD < later - earlier < SECOND - LOAD
        ]
        for_no_reason = [f"{key} happened at {self._since(at)} for no reason" for key, at in self._left.items()]
        return self._found + too_often + for_no_reason

    def judge(self, number: int, document: Document) -> None:
        """What a document had to do, and whether the next one followed it."""
        key, next_key = str(number), str(number + 1)
        began = self._document_began = self._left.pop(key)
        self._leaves = self._run.gone[number] if number < len(self._run.gone) else math.inf
        if document.leave:
            due = began + document.leave.after
            self._leaves = self._timer(key + LEAVES, due, due, (), 1) or math.inf
        if self._leaves < math.inf:
            self._expect_next(next_key)
        self.follow(key, began, document.steps, 0)

    def _expect_next(self, key: str) -> None:
        """A document that is left is followed by the next one at once."""
        earliest, latest = int(self._leaves), self._latest_end(int(self._leaves))
        at = self._left.get(key)
        if at is None and latest < self._run.ended:
            self._found.append(f"{key} did not begin at {self._when(earliest, latest)}")
        if at is not None and not earliest <= at <= latest:
            self._found.append(f"{key} began at {self._since(at)}, not at {self._when(earliest, latest)}")

    def follow(self, key: str, cause: int, steps: Steps, nesting: int) -> None:
        """What the steps had to lead to once their cause had happened, which is a timer behind so many others."""
        for place, step in enumerate(steps):
            self._follow(f"{key}/{place}", cause, step, nesting)

    def _follow(self, key: str, cause: int, step: Step, nesting: int) -> None:
        if isinstance(step, Timer):
            self._timer(key, cause + step.after, cause + step.after, step.then, nesting + 1)
        elif isinstance(step, Interval):
            self._interval(key, cause, step, nesting)
        else:
            if self._begun.get(key) != cause:
                self._found.append(f"{key} began at {self._begun.get(key)}, not at {cause}")
            at = self._expect(key, cause, self._latest_end(cause))
            if at is not None:
                self.follow(key, at, step.then, 0)

    def _interval(self, key: str, cause: int, step: Interval, nesting: int) -> None:
        """It keeps its rhythm: a tick that is late leaves out those that it covers, and the next one if that is too close."""
        earliest = latest = cause + step.every
        for tick in range(1, step.times + 1):
            at = self._timer(f"{key}#{tick}", earliest, latest, step.then, nesting + tick)
            if at is None:
                break
            rest = (cause - at) % step.every  # to the millisecond: it is up to one more, or one less
            close = TOO_CLOSE * step.every
            on_time = at == earliest == latest
            earliest = at + rest + (step.every if on_time or rest + 1 <= close else 0)
            latest = at + rest + (step.every if rest - 1 <= close else 0)

    def _timer(self, key: str, due: int, due_at_most: int, then: Steps, nesting: int) -> int | None:
        at = self._expect(key, due - ROUNDING, self._latest_tick(due_at_most, nesting))
        if at is not None:
            self._woken.update(at for one in self._run.stretches if one.tab == "hidden" and one.began < at < one.ended)
            self.follow(key, at, then, nesting)
        return at

    def _expect(self, key: str, earliest: int, latest: int) -> int | None:
        """When an event happened that has to in this time; None if it did not."""
        at = self._left.pop(key, None)
        if at is None:
            if latest < min(self._leaves, self._run.ended):
                self._found.append(f"{key} did not happen at {self._when(earliest, latest)}")
        elif not earliest <= at <= latest:
            self._found.append(f"{key} happened at {self._since(at)}, not at {self._when(earliest, latest)}")
        return at

    def _latest_end(self, began: int) -> int:
        """When a wait has to have ended. While a page is frozen, it gets nothing."""
        left = CLOSE
        for stretch in self._from(began):
            if stretch.tab != "frozen":
                passing = stretch.ended - max(stretch.began, began)
                if passing > left:
                    return max(stretch.began, began) + left
                left -= passing
        return self._run.ended

    def _latest_tick(self, due: int, nesting: int) -> int:
        """When a timer has to have run that was due."""
        late = LOAD if any(began <= due <= ended + LOAD for began, ended in self._loads) else 0
        hidden = (stretch.tab == "hidden" and stretch.began <= due for stretch in self._run.stretches)
        if self._run.hidden_before or any(hidden):
            late = max(late, FRACTION)
        for stretch in self._from(due):
            at = due if due >= stretch.began else stretch.began + ROUNDING
            if stretch.tab == "shown" and at < stretch.ended:
                return at + late
            if stretch.tab == "hidden":
                since = stretch.away_since + INTENSIVE_AFTER
                if self._document_began > stretch.away_since:
                    since = min(since, self._document_began + INTENSIVE_AFTER_LOAD)
                intensive = nesting >= NESTED and at + SECOND > since
                at += (MINUTE if intensive else SECOND) + ROUNDING
                if at < stretch.ended:
                    return at + late
        return self._run.ended

    def _from(self, at: int) -> list[Stretch]:
        return [stretch for stretch in self._run.stretches if stretch.ended >= at]

    def _since(self, at: int) -> int:
        return at - self._began

    def _when(self, earliest: int, latest: int) -> str:
        return f"{self._since(earliest)}" + (f" to {self._since(latest)}" if latest > earliest else "")
