"""Small programs for a page, as data: what it does, and what its user and its tab do meanwhile.

`site_of_programs.py` has the page that does it, `model_of_programs.py` knows what has to come of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

DELAYS = [4, 50, 333, 1000, 4999, 30_000, 61_000, 600_000]
PERIODS = [16, 250, 1000, 7001, 30_000]
LENGTHS = [10, 1000, 4321, 30_000, 240_000, 1_800_000]


@dataclass(frozen=True)
class Timer:
    """After so many milliseconds, do the rest."""

    after: int
    then: Steps = ()


@dataclass(frozen=True)
class Interval:
    """Every so many milliseconds, so many times, do the rest."""

    every: int
    times: int
    then: Steps = ()


@dataclass(frozen=True)
class Wait:
    """Begin to wait for something (`site_of_programs.WAITS`), and do the rest at its end."""

    what: str
    then: Steps = ()


Step = Timer | Interval | Wait
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Leave:
    """After so many milliseconds, "reload", go "elsewhere" (to another address of the page), go there by a "redirect" over another
    site, or go "back"."""

    after: int
    how: str


@dataclass(frozen=True)
class Document:
    """What a document does, and how it ends if it does so by itself."""

    steps: Steps
    leave: Leave | None = None


@dataclass(frozen=True)
class Act:
    """So many milliseconds in which the tab is "shown", "hidden" or "frozen"."""

    tab: str
    length: int


@dataclass(frozen=True)
class Go:
    """The user shows the tab and goes: "reload", "goto" (another address of the page) or "back"."""

    how: str


@dataclass(frozen=True)
class Program:
    """What documents do, one after the other, and what happens to their tab."""

    documents: tuple[Document, ...]
    acts: tuple[Act | Go, ...]


def as_json(program: Program) -> list[dict[str, Any]]:
    """What the page's interpreter reads."""
    return [
        {"steps": _as_json(document.steps), "leave": document.leave and vars(document.leave)}
        for document in program.documents
    ]


def _as_json(steps: Steps) -> list[dict[str, Any]]:
    return [vars(step) | {"kind": type(step).__name__, "then": _as_json(step.then)} for step in steps]


def programs(waits: list[str]) -> st.SearchStrategy[Program]:
    """Programs that wait for some of these. (Of samples only: what hypothesis makes of them depends on nothing but its seed.)

    Either the page or its user navigates, lest they do so at the same time. A document that leaves has no worker: Chromium holds
    time for good after one that has not started when its document goes.
    """
    acts = st.builds(Act, st.sampled_from(["shown", "hidden", "frozen"]), st.sampled_from(LENGTHS))
    goes = st.builds(Go, st.sampled_from(["reload", "goto", "back"]))
    leaves = st.builds(Leave, st.sampled_from(DELAYS), st.sampled_from(["reload", "elsewhere", "redirect", "back"]))
    last = st.builds(Document, _steps(waits, 2))
    leaving = st.builds(Document, _steps([wait for wait in waits if "worker" not in wait], 2), leaves)
    restless = st.builds(Program, st.tuples(leaving, leaving, last), _tuples(acts, 4))
    steady = st.builds(Program, _tuples(last, 3), _tuples(acts | acts | goes, 5))
    return restless | steady


def _steps(waits: list[str], depth: int) -> st.SearchStrategy[Steps]:
    then = _steps(waits, depth - 1) if depth else st.just(())
    timers = st.builds(Timer, st.sampled_from(DELAYS), then)
    working = st.builds(Interval, st.sampled_from(PERIODS), st.sampled_from([1, 4]), then)
    ticking = st.builds(Interval, st.sampled_from(PERIODS), st.just(60))
    waiting = st.builds(Wait, st.sampled_from(waits), then)
    return _tuples(timers | working | ticking | waiting | waiting, 3)


def _tuples(of: st.SearchStrategy[Any], at_most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=1, max_size=at_most).map(tuple)
