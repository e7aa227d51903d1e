"""A rule's verdict on a page, and the part of the JSON report that describes it.

The report is made of plain dicts, so that it can be sent from one test process to another.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from harness.base.journal import Entry
from harness.contract.observation import Observation
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
    virtual: timedelta
    real_seconds: float
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

    def report(self, observed: Sequence[Observation]) -> dict[str, Any]:
        """Return the rule's part of the JSON report, as docs/verdicts.schema.json describes it.

        `observed` are the page's visits. The visits give each entry of the evidence its visit and its time since the
        opening.
        """
        rule, verdict = self.rule, self.verdict
        return {
            "id": rule.id,
            "severity": rule.severity,
            "outcome": verdict.outcome,
            "message": verdict.message,
            "likely_cause": verdict.likely_cause,
            "basis": rule.source,
            "expected": self.expected.reason if self.has_expectation and self.expected and self.as_expected else None,
            "as_expected": self.as_expected if self.has_expectation else None,
            "surprise": self.surprise,
            "fails": self.fails,
            "evidence": [_entry(observed, entry) for entry in verdict.evidence],
            "virtual_seconds": self.virtual.total_seconds(),
            "real_seconds": round(self.real_seconds, 3),
        }


def page_report(
    page: str, url: str | None, token_urls: Sequence[str], observed: Sequence[Observation]
) -> dict[str, Any]:
    """Return the page's part of the JSON report, without its rules.

    Args:
        page: The name of the page.
        url: The address of the page; None for a host page.
        token_urls: The globs of its token addresses.
        observed: The visits so far.
    """
    versions = [entry["sdk"] for visit in observed for entry in visit.journal.of("protocol") if entry["sdk"]]
    first = next((visit for visit in observed if visit.items), None)
    return {
        "page": page,
        "url": url,
        "sdk": versions[0] if versions else "",
        "mode": mode(observed),
        "token_urls": list(token_urls),
        "items": [] if first is None else [_item(first, item) for item in first.items],
        "refused_hosts": sorted({e["host"] for visit in observed for e in visit.journal.of("host.refused")}),
        "virtual_seconds": virtual_time(observed).total_seconds(),
    }


def mode(observed: Sequence[Observation], item: str | None = None) -> str:
    """Return how a page, or one of its items, renews its tokens: "manual", "provider", "both" or "none".

    The messages between the SDK and the items show it.
    """
    providers = any(item in (None, name) for visit in observed for name in visit.providers)
    manual = any(item in (None, name) for visit in observed for name in visit.manual)
    return "both" if providers and manual else "provider" if providers else "manual" if manual else "none"


def virtual_time(observed: Sequence[Observation]) -> timedelta:
    """Return the total virtual time of some visits."""
    return sum((visit.ended - visit.opened for visit in observed), timedelta(0))


def _item(visit: Observation, item: str) -> dict[str, Any]:
    frame = visit.journal.of("embed.frame", item=item)[0]
    types = {"/reportEmbed": "report", "/dashboardEmbed": "dashboard", "/embed": "tile", "/tileEmbed": "tile"}
    return {"item": item, "type": types[frame["path"]], "mode": mode([visit], item)}


def _entry(observed: Sequence[Observation], entry: Entry) -> dict[str, Any]:
    visit = next((visit for visit in observed if entry in visit), None)
    where = {"session": visit.title, "since_open": visit.when(entry)} if visit else {}
    data = {name: _as_json(value) for name, value in entry.data.items()}
    return {"at": entry.at.isoformat(), "kind": entry.kind, **where, **data}


def _as_json(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def cause_of(rule: str, broken: set[str]) -> str | None:
    """Return the broken rule that explains a breach of `rule`; None if no broken rule does.

    `broken` are the ids of all rules that the page broke.
    """
    return next((cause for cause in CAUSES.get(rule, ()) if cause in broken), None)
