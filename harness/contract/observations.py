"""The observations of a page that a rule looks at."""

from collections.abc import Collection, Sequence
from typing import Protocol

from harness.base.journal import Entry
from harness.contract.observation import Observation
from harness.contract.page import PageFacts

FIRST_VISIT = "the first healthy visit"
"""The requirement of a rule that needs no more of the healthy visits than the first."""
EVERY_VISIT = "every visit"
"""The requirement of a rule that looks at each visit that was made, whatever its scenario. Such rules judge last."""


class Visited(Protocol):
    """A page and its visits: a page that is watched now, or the recordings of one that was."""

    @property
    def page(self) -> PageFacts:
        """The facts of the page that rules use."""

    @property
    def made(self) -> Sequence[Observation]:
        """The observations of all visits so far, oldest first."""

    def visits(self, scenario: str, *, only_first: bool = False) -> Sequence[Observation]:
        """Return the observations of a scenario's visits, or of the first of them. Visits not made yet are made now."""


class Observations:
    """The view that one rule has: the facts of the page, and the visits of the scenarios that the rule requires."""

    def __init__(self, visited: Visited, requires: Collection[str]) -> None:
        self._visited, self._requires = visited, requires
        self.looked_at: list[Observation] = []
        """The observations that the rule has asked for, in the order in which it asked."""

    @property
    def page(self) -> PageFacts:
        """The facts of the page that rules use."""
        return self._visited.page

    def of(self, scenario: str) -> Sequence[Observation]:
        """Return the observations of the visits of a scenario. The list is empty if the scenario suits no such page.

        Raises `LookupError` if the rule does not require the scenario.
        """
        return self._noted(self._visited.visits(self._allowed(scenario)))

    @property
    def first(self) -> Observation:
        """The first healthy visit, which shows what the page embeds and how it renews."""
        return self._noted(self._visited.visits("healthy", only_first=True))[0]

    @property
    def healthy(self) -> Sequence[Observation]:
        """The visits without faults. If one ended early or embedded nothing, it is the last."""
        return self.of("healthy")

    @property
    def every_visit(self) -> Sequence[Observation]:
        """All visits so far, oldest first."""
        self._allowed(EVERY_VISIT)
        return self._noted(self._visited.made)

    def endless_call(self, evidence: Sequence[Entry]) -> str:
        """Return the browser call that the clock stopped waiting for before some evidence was written, as text.

        Without evidence, a finding says that something did not happen; then an endless call of any visit that the rule
        looked at counts. The result is empty if there was no such call.
        """
        for observed in self.looked_at:
            seen = [entry.at for entry in evidence if entry in observed] if evidence else [observed.ended]
            for endless in observed.journal.of("clock", what="work without an end"):
                if seen and endless.at <= max(seen):
                    return f"{endless['call']} at {observed.when(endless)} ({observed.title})"
        return ""

    def _allowed(self, requirement: str) -> str:
        if requirement not in self._requires:
            raise LookupError(f"The rule looks at {requirement!r}, and requires only {', '.join(self._requires)}.")
        return requirement

    def _noted(self, visits: Sequence[Observation]) -> Sequence[Observation]:
        self.looked_at += [visit for visit in visits if not any(visit is seen for seen in self.looked_at)]
        return visits
