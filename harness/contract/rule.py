"""A rule of the refresh contract, and the verdict that it gives on a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from harness.base.journal import Entry

if TYPE_CHECKING:
    from harness.contract.scenarios import Scenarios

Severity = Literal["must", "should"]
Outcome = Literal["passed", "failed", "warned", "skipped"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of one rule on one page.

    `message` says in one or two sentences what was seen; its times count from the opening of the page. `evidence` are
    the journal entries that show it. `likely_cause` says what in the page to change, and why; it may be empty.
    """

    outcome: Outcome
    message: str
    evidence: Sequence[Entry] = ()
    likely_cause: str = ""

    @property
    def is_finding(self) -> bool:
        """True if the page breaks the rule: the outcome is `failed` or `warned`."""
        return self.outcome in ("failed", "warned")


@dataclass(frozen=True)
class Rule:
    """One demand of the refresh contract. The id is public and stable.

    `source` is the sentence of an article, a standard or the SDK from which the rule follows.
    """

    id: str
    severity: Severity
    source: str
    judge: "Callable[[Scenarios], Verdict]" = field(repr=False)

    def graded(self, verdict: Verdict) -> Verdict:
        """Return the verdict with the rule's severity applied: a broken `should` is a warning."""
        if verdict.outcome == "failed" and self.severity == "should":
            return replace(verdict, outcome="warned")
        return verdict


REGISTERED: dict[str, list[Rule]] = {}
"""Module name -> the rules that the module declares, in the order of its source."""


def rule(
    id: str, severity: Severity, *, source: str
) -> "Callable[[Callable[[Scenarios], Verdict]], Callable[[Scenarios], Verdict]]":
    """Return a decorator that registers a function as the judge of a rule.

    The function gets the scenarios of a page and returns its verdict. `source` is the sentence of an article, a
    standard or the SDK from which the rule follows.
    """

    def register(judge: "Callable[[Scenarios], Verdict]") -> "Callable[[Scenarios], Verdict]":
        REGISTERED.setdefault(judge.__module__, []).append(Rule(id, severity, source, judge))
        return judge

    return register


def passed(message: str, evidence: Sequence[Entry] = ()) -> Verdict:
    """Return the verdict that the page keeps the rule."""
    return Verdict("passed", message, evidence)


def failed(message: str, evidence: Sequence[Entry] = (), likely_cause: str = "") -> Verdict:
    """Return the verdict that the page breaks the rule."""
    return Verdict("failed", message, evidence, likely_cause)


def skipped(message: str) -> Verdict:
    """Return the verdict that the rule cannot be judged; the message says why."""
    return Verdict("skipped", message)
