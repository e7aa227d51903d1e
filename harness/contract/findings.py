"""A rule's verdict on a page, compared with what is expected of the page, and the cause of a finding."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from harness.contract.rule import Outcome, Rule, Verdict

EXPECTED = Path(__file__).with_name("expected_findings.toml")
"""The file with the expectations for the built-in pages."""

CAUSES: Mapping[str, Sequence[str]] = {
    "EMB-1": ["TYPE-1"],
    "LIFE-1": ["PROV-1", "PROV-2", "MULTI-1", "LIFE-4"],
    "LIFE-2": ["PROV-1", "PROV-2", "MULTI-1", "LIFE-1", "LIFE-4"],
    "LIFE-3": ["PROV-1", "LIFE-4"],
    "WAKE-1": ["PROV-1", "LIFE-1", "LIFE-4"],
    "WAKE-2": ["PROV-1", "PROV-2", "LIFE-1", "LIFE-4"],
    "WAKE-4": ["WAKE-1", "WAKE-2"],
    "WAKE-5": ["PROV-1", "LIFE-1", "LIFE-4", "WAKE-1"],
    "PROV-2": ["PROV-1"],
    "PROV-4": ["PROV-3", "PROV-1"],
    "PROV-5": ["PROV-1", "PROV-2"],
    "FAIL-1": ["LIFE-4"],
    "FAIL-2": ["FAIL-1"],
    "FAIL-4": ["FAIL-1", "LIFE-4"],
    "FAIL-6": ["FAIL-5"],
}
"""For each rule, the rules whose breach explains a breach of this rule, the likeliest explanation first."""


@dataclass(frozen=True)
class Expectation:
    """An outcome other than "passed" that a built-in page has to get, and the reason."""

    outcome: Outcome
    reason: str


def expected_findings(path: Path = EXPECTED) -> Mapping[str, Mapping[str, Expectation]]:
    """Return the expectations by page and rule id. A rule without one is expected to pass."""
    pages = tomllib.loads(path.read_text("utf-8"))
    return {page: {id: Expectation(**expected) for id, expected in rules.items()} for page, rules in pages.items()}


@dataclass(frozen=True)
class Finding:
    """The verdict of a rule on a page.

    Attributes:
        page: The name of the page.
        rule: The rule.
        verdict: The verdict of the rule.
        virtual: The virtual time of the visits that were made for this rule; visits made for an earlier rule add none.
        real_seconds: The real time that the judgement took, in seconds.
        has_expectation: True for the built-in pages, whose outcomes are known.
        expected: The expectation for this rule; None if the page is expected to pass.
        strict: True if a warning fails the run.
    """

    page: str
    rule: Rule
    verdict: Verdict
    virtual: timedelta = timedelta(0)
    real_seconds: float = 0.0
    has_expectation: bool = False
    expected: Expectation | None = None
    strict: bool = False

    @property
    def as_expected(self) -> bool:
        """True if the outcome is the expected one."""
        return self.verdict.outcome == (self.expected.outcome if self.expected else "passed")

    @property
    def fails(self) -> bool:
        """True if this finding fails the run."""
        if self.has_expectation:
            return not self.as_expected
        return self.verdict.outcome == "failed" or (self.strict and self.verdict.outcome == "warned")

    @property
    def surprise(self) -> str:
        """The expectation that the outcome contradicts, as text; empty if there is no contradiction."""
        if not self.has_expectation or self.as_expected:
            return ""
        return "expected: " + (f"{self.expected.outcome} ({self.expected.reason})" if self.expected else "passed")


def cause_of(rule: str, broken: set[str]) -> str | None:
    """Return the broken rule that explains a breach of `rule`; None if no broken rule does.

    `broken` are the ids of all rules that the page broke.
    """
    return next((cause for cause in CAUSES.get(rule, ()) if cause in broken), None)
