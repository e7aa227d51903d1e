"""A scenario: a kind of visit to a page, declared as the plans of its visits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from harness.contract.observation import Observation
from harness.contract.page import PageUnderTest
from harness.contract.visit import Plan

HOUR = timedelta(minutes=60)
LIFETIMES = (HOUR, timedelta(minutes=90), timedelta(minutes=35))
"""The lifetimes of tokens with which healthy visits are made."""


class Setting(Protocol):
    """The view that a scenario has of the page and of the run when it plans its visits."""

    under_test: PageUnderTest
    thorough: bool

    @property
    def first(self) -> Observation:
        """The first healthy visit, which shows what the page embeds and how it renews."""

    @property
    def lifetime(self) -> timedelta:
        """The lifetime of the tokens in scenarios that need one lifetime only."""

    @property
    def lifetimes(self) -> Sequence[timedelta]:
        """The lifetimes of the tokens in scenarios that need several."""

    @property
    def one_or_all_lifetimes(self) -> Sequence[timedelta]:
        """One lifetime, or, in a thorough run, several."""


@dataclass(frozen=True)
class Scenario:
    """A kind of visit to a page.

    Attributes:
        name: The name by which rules require the scenario.
        happens: What happens in its visits, as sentences for docs/contract.md.
        plan: The function that returns the plans of its visits.
        is_outage: True if the token endpoint fails.
        ends_early: True if no further visit is made after one that ended early or embedded nothing.
    """

    name: str
    happens: str
    plan: Callable[[Setting], Sequence[Plan]]
    is_outage: bool = False
    ends_early: bool = False


SCENARIOS: dict[str, Scenario] = {}
"""Name -> scenario, in the order of their declaration."""

Planner = Callable[[Setting], Sequence[Plan]]


def scenario(happens: str, *, is_outage: bool = False, ends_early: bool = False) -> Callable[[Planner], Planner]:
    """Return a decorator that registers a function as a scenario of the function's name.

    The function returns the plans of the visits. The parameters are the attributes of `Scenario`.
    """

    def register(plan: Planner) -> Planner:
        SCENARIOS[plan.__name__] = Scenario(plan.__name__, happens, plan, is_outage, ends_early)
        return plan

    return register
