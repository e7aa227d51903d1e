"""What came out: a rule's verdict on a page, as a document that travels between processes and into the report."""

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
"""Rule -> the rules of which it is a consequence where they are broken as well, the likeliest first."""


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
    """The verdict of a rule on a page. `expected` is None where nothing but "passed" was; it is not asked for (`held` False)
    of pages that are not our own."""

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
        return self.verdict.outcome == (self.expected.outcome if self.expected else "passed")

    @property
    def fails(self) -> bool:
        """Whether the run has to end red because of it."""
        if self.has_expectation:
            return not self.as_expected
        return self.verdict.outcome == "failed" or (self.strict and self.verdict.outcome == "warned")

    @property
    def surprise(self) -> str:
        """What to tell somebody who expected something else; empty if nobody did."""
        if not self.has_expectation or self.as_expected:
            return ""
        return "expected: " + (f"{self.expected.outcome} ({self.expected.reason})" if self.expected else "passed")

    def document(self, observed: Sequence[Observation]) -> dict[str, Any]:
        """The rule's part of the report (docs/verdicts.schema.json)."""
        rule, verdict = self.rule, self.verdict
        return {
            "id": rule.id,
            "severity": rule.severity,
            "outcome": verdict.outcome,
            "message": verdict.message,
            "likely_cause": verdict.likely_cause,
            "basis": rule.basis,
            "expected": self.expected.reason if self.has_expectation and self.expected and self.as_expected else None,
            "as_expected": self.as_expected if self.has_expectation else None,
            "surprise": self.surprise,
            "fails": self.fails,
            "evidence": [_entry(observed, entry) for entry in verdict.evidence],
            "virtual_seconds": self.virtual.total_seconds(),
            "real_seconds": round(self.real_seconds, 3),
        }


def about(page: str, url: str | None, token_urls: Sequence[str], observed: Sequence[Observation]) -> dict[str, Any]:
    """What is known of a page as a whole: the report's head."""
    versions = [e["sdk"] for session in observed for e in session.journal.of("protocol") if e["sdk"]]
    first = next((session for session in observed if session.items), None)
    return {
        "page": page,
        "url": url,
        "sdk": versions[0] if versions else "",
        "mode": mode(observed),
        "token_urls": list(token_urls),
        "items": [] if first is None else [_item(first, item) for item in first.items],
        "refused_hosts": sorted({e["host"] for session in observed for e in session.journal.of("host.refused")}),
        "virtual_seconds": virtual_time(observed).total_seconds(),
    }


def mode(observed: Sequence[Observation], item: str | None = None) -> str:
    """How the page, or one of its items, renews, as the protocol shows: manual, provider, both or none."""
    providers = any(item in (None, name) for session in observed for name in session.providers)
    manual = any(item in (None, name) for session in observed for name in session.manual)
    return "both" if providers and manual else "provider" if providers else "manual" if manual else "none"


def virtual_time(observed: Sequence[Observation]) -> timedelta:
    return sum((session.ended - session.opened for session in observed), timedelta(0))


def _item(session: Observation, item: str) -> dict[str, Any]:
    frame = session.journal.of("embed.frame", item=item)[0]
    types = {"/reportEmbed": "report", "/dashboardEmbed": "dashboard", "/embed": "tile", "/tileEmbed": "tile"}
    return {"item": item, "type": types[frame["path"]], "mode": mode([session], item)}


def _entry(observed: Sequence[Observation], entry: Entry) -> dict[str, Any]:
    session = next((session for session in observed if entry in session), None)
    where = {"session": session.title, "since_open": session.when(entry)} if session else {}
    data = {name: _written(value) for name, value in entry.data.items()}
    return {"at": entry.at.isoformat(), "kind": entry.kind, **where, **data}


def _written(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def cause_of(rule: str, broken: set[str]) -> str | None:
    """The broken rule of which this one is a consequence, if there is one."""
    return next((cause for cause in CAUSES.get(rule, ()) if cause in broken), None)
