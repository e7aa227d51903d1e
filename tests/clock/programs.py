"""Small random programs for a page, as data: what the page's documents do, and what its user and its tab do meanwhile.

`site_of_programs.py` serves the page that runs a program. `model_of_programs.py` knows what a program has to lead to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

DELAYS_MS = [4, 50, 333, 1000, 4999, 30_000, 61_000, 600_000]
PERIODS_MS = [16, 250, 1000, 7001, 30_000]
LENGTHS_MS = [10, 1000, 4321, 30_000, 240_000, 1_800_000]


@dataclass(frozen=True)
class Timer:
    """A timeout of the page, and the steps that follow it."""

    after_ms: int
    then: Steps = ()


@dataclass(frozen=True)
class Interval:
    """An interval of the page that ticks `times` times, and the steps that follow each tick."""

    every_ms: int
    times: int
    then: Steps = ()


@dataclass(frozen=True)
class Wait:
    """A browser call (a key of `site_of_programs.WAITS`) that the page awaits, and the steps that follow its end."""

    what: str
    then: Steps = ()


Step = Timer | Interval | Wait
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Leave:
    """A navigation that a document makes by itself.

    `how` is "reload", "elsewhere" (another address of the page), "redirect" (that address by way of another site), or
    "back".
    """

    after_ms: int
    how: str


@dataclass(frozen=True)
class Document:
    """The steps of one document, and the navigation that ends it, if the document makes one."""

    steps: Steps
    leave: Leave | None = None


@dataclass(frozen=True)
class Act:
    """A stretch of virtual time in which the tab is "shown", "hidden" or "frozen"."""

    tab: str
    length_ms: int


@dataclass(frozen=True)
class Go:
    """A navigation of the user, who shows the tab first: "reload", "goto" (another address of the page) or "back"."""

    how: str


@dataclass(frozen=True)
class Program:
    """The documents of a page, in their order, and what happens to their tab."""

    documents: tuple[Document, ...]
    acts: tuple[Act | Go, ...]


def as_json(program: Program) -> list[dict[str, Any]]:
    """Return the documents in the form that the page's interpreter reads."""
    return [
        {"steps": _as_json(document.steps), "leave": document.leave and vars(document.leave)}
        for document in program.documents
    ]


def _as_json(steps: Steps) -> list[dict[str, Any]]:
    return [vars(step) | {"kind": type(step).__name__, "then": _as_json(step.then)} for step in steps]


def programs(waits: list[str]) -> st.SearchStrategy[Program]:
    """Return a strategy for programs that await calls out of `waits`.

    The strategy only draws samples, so the programs depend on the seed alone. Either the page navigates or its user
    does, so that the two never navigate at the same time. A document that navigates has no worker: Chromium pauses
    virtual time for good when a document goes before its worker has started.
    """
    acts = st.builds(Act, st.sampled_from(["shown", "hidden", "frozen"]), st.sampled_from(LENGTHS_MS))
    goes = st.builds(Go, st.sampled_from(["reload", "goto", "back"]))
    leaves = st.builds(Leave, st.sampled_from(DELAYS_MS), st.sampled_from(["reload", "elsewhere", "redirect", "back"]))
    last = st.builds(Document, _steps(waits, 2))
    leaving = st.builds(Document, _steps([wait for wait in waits if "worker" not in wait], 2), leaves)
    page_navigates = st.builds(Program, st.tuples(leaving, leaving, last), _tuples(acts, 4))
    user_navigates = st.builds(Program, _tuples(last, 3), _tuples(acts | acts | goes, 5))
    return page_navigates | user_navigates


def _steps(waits: list[str], depth: int) -> st.SearchStrategy[Steps]:
    then = _steps(waits, depth - 1) if depth else st.just(())
    timers = st.builds(Timer, st.sampled_from(DELAYS_MS), then)
    brief = st.builds(Interval, st.sampled_from(PERIODS_MS), st.sampled_from([1, 4]), then)
    long = st.builds(Interval, st.sampled_from(PERIODS_MS), st.just(60))
    waiting = st.builds(Wait, st.sampled_from(waits), then)
    return _tuples(timers | brief | long | waiting | waiting, 3)


def _tuples(of: st.SearchStrategy[Any], at_most: int) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, min_size=1, max_size=at_most).map(tuple)
