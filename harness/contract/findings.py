"""What came out: a rule's verdict on a page, held against what was expected of that page."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from harness.contract.observation import Observation
from harness.contract.rule import Outcome, Rule, Verdict

EXPECTED = Path(__file__).with_name("expected_findings.toml")


@dataclass(frozen=True)
class Expectation:
    """An outcome other than "passed" that a page of ours has to get, and why."""

    outcome: Outcome
    reason: str


def expected_findings(path: Path = EXPECTED) -> Mapping[str, Mapping[str, Expectation]]:
    """Page -> rule id -> what is expected instead of "passed"."""
    pages = tomllib.loads(path.read_text("utf-8"))
    return {page: {id: Expectation(**found) for id, found in rules.items()} for page, rules in pages.items()}


@dataclass(frozen=True)
class Finding:
    """The verdict of a rule on a page. `expected` is None where nothing but "passed" was."""

    page: str
    rule: Rule
    verdict: Verdict
    expected: Expectation | None
    real_seconds: float

    @property
    def as_expected(self) -> bool:
        return self.verdict.outcome == (self.expected.outcome if self.expected else "passed")

    @property
    def surprise(self) -> str:
        """What to tell somebody who expected something else."""
        wanted = f"{self.expected.outcome} ({self.expected.reason})" if self.expected else "passed"
        return f"expected: {wanted}"


@dataclass
class PageReport:
    """All that was found on a page, and in which sessions."""

    page: str
    findings: list[Finding] = field(default_factory=list)
    observed: list[Observation] = field(default_factory=list)
    real_seconds: float = 0.0

    @property
    def virtual_time(self) -> timedelta:
        return sum((session.ended - session.opened for session in self.observed), timedelta(0))

    @property
    def mode(self) -> str:
        """How the page renews, recognised from the protocol: manual, provider, both or none."""
        providers = any(session.providers for session in self.observed)
        manual = any(session.manual for session in self.observed)
        return "both" if providers and manual else "provider" if providers else "manual" if manual else "none"

    @property
    def sdk(self) -> str:
        """The version of powerbi-client that the page loaded, as it says itself on the wire; empty if it said nothing."""
        versions = [e["sdk"] for session in self.observed for e in session.journal.of("protocol") if e["sdk"]]
        return str(versions[0]) if versions else ""
