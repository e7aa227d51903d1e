"""What must come of a program, and when: a plain model of discrete events, by which a journal is judged.

An event has a cause: the beginning of the page, a timer, the end of a wait. So the model walks through the program from cause
to effect, takes from the journal when each happened, and says what it complains of.
"""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from programs import Interval, Program, Step, Steps, Timer
from site_of_programs import IN_ORDER

CLOSE = 200
"""Virtual milliseconds within which a wait has to end."""
LOAD = 20
"""Virtual milliseconds by which a timer may be late that is due during a load, or as much after it: Chromium lets a load take
10 ms at least, and time jumps over them."""
START = 50
"""Virtual milliseconds from its first script in which a document may still be loading."""


@dataclass(frozen=True)
class Event:
    """That something happened, at which place of the program ("" is its beginning), when (milliseconds); or that a wait began,
    and for what."""

    key: str
    at: int
    begins: str | None = None


@dataclass(frozen=True)
class Run:
    """What was seen of a program: the page's journal, in its order, and until when (milliseconds) it was watched."""

    events: list[Event]
    ended: int


def complaints(program: Program, run: Run) -> list[str]:
    """What is wrong with the run: nothing, if all happened when it had to, in order, and nothing else."""
    judge = _Judge(run)
    judge.follow(Event("", run.events[0].at), program.steps)
    return judge.found


class _Judge:
    def __init__(self, run: Run) -> None:
        self._run, self._began = run, run.events[0].at
        self._begun = {event.key: event.at for event in run.events if event.begins}
        self._left = {event.key: event.at for event in run.events[1:] if not event.begins}
        self._loads = [(self._began, self._began + START)]
        self._loads += [(at, self._left.get(key, run.ended)) for key, at in self._begun.items()]
        self._found = [
            f"{later.key} comes after {earlier.key}" for earlier, later in pairwise(run.events) if later.at < earlier.at
        ]
        often = Counter((event.key, event.begins) for event in run.events)
        self._found += [f"{key} happened {times} times" for (key, _), times in often.items() if times > 1]
        for kinds in IN_ORDER:
            begun = [event.key for event in run.events if event.begins in kinds and event.key in self._left]
            ended = [event.key for event in run.events if event.key in begun and not event.begins]
            if begun != ended:
                self._found.append(f"{kinds} began in the order {begun} and ended in the order {ended}")

    @property
    def found(self) -> list[str]:
        """All complaints, of what is left in the journal too."""
        return self._found + [f"{key} happened at {self._since(at)} for no reason" for key, at in self._left.items()]

    def follow(self, cause: Event, steps: Steps) -> None:
        """What the steps had to lead to, once their cause had happened."""
        for place, step in enumerate(steps):
            self._follow(f"{cause.key}/{place}", cause.at, step)

    def _follow(self, key: str, cause: int, step: Step) -> None:
        if isinstance(step, Timer):
            self._timer(key, cause + step.after, step.then)
        elif isinstance(step, Interval):
            due = cause
            for tick in range(1, step.times + 1):
                due += step.every
                if not self._timer(f"{key}#{tick}", due, step.then):
                    break
        else:
            if self._begun.get(key) != cause:
                self._found.append(f"{key} began at {self._begun.get(key)}, not at {cause}")
            self._expect(key, cause, cause + CLOSE, step.then)

    def _timer(self, key: str, due: int, then: Steps) -> bool:
        loading = any(began <= due <= ended + LOAD for began, ended in self._loads)
        return self._expect(key, due, due + LOAD if loading else due, then)

    def _expect(self, key: str, earliest: int, latest: int, then: Steps) -> bool:
        """Whether an event happened that has to in this time; then also what follows."""
        at = self._left.pop(key, None)
        if at is None:
            if latest < self._run.ended:
                self._found.append(f"{key} did not happen at {self._when(earliest, latest)}")
            return False
        if not earliest <= at <= latest:
            self._found.append(f"{key} happened at {self._since(at)}, not at {self._when(earliest, latest)}")
        self.follow(Event(key, at), then)
        return True

    def _since(self, at: int) -> int:
        return at - self._began

    def _when(self, earliest: int, latest: int) -> str:
        return f"{self._since(earliest)}" + (f" to {self._since(latest)}" if latest > earliest else "")
