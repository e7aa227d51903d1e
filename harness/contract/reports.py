"""The reports of a contract run: what the terminal shows and the JSON report contains of each page and each rule."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

from fake_pbi.hosts import FRAME_TYPES
from harness.base.journal import Entry
from harness.contract.findings import Finding
from harness.contract.observation import Observation
from harness.contract.page import PageFacts
from harness.contract.rule import Outcome, Severity

Mode = Literal["manual", "provider", "both", "none"]
"""The way in which a page, or one of its items, renews its tokens."""


@dataclass(frozen=True)
class RuleReport:
    """The report on one rule. docs/verdicts.schema.json describes the fields."""

    id: str
    severity: Severity
    outcome: Outcome
    message: str
    likely_cause: str
    basis: str
    expected: str | None
    as_expected: bool | None
    surprise: str
    fails: bool
    evidence: Sequence[dict[str, Any]]
    virtual_seconds: float
    real_seconds: float

    @property
    def is_finding(self) -> bool:
        """True if the page breaks the rule."""
        return self.outcome in ("failed", "warned")


@dataclass(frozen=True)
class ItemReport:
    """The report on one item of a page."""

    item: str
    type: str
    mode: Mode


@dataclass
class PageReport:
    """The report on one page. docs/verdicts.schema.json describes the fields."""

    page: str
    url: str | None
    sdk: str = ""
    mode: Mode = "none"
    token_urls: Sequence[str] = ()
    items: Sequence[ItemReport] = ()
    refused_hosts: Sequence[str] = ()
    virtual_seconds: float = 0.0
    rules: list[RuleReport] = field(default_factory=list)
    error: str | None = None

    def update(self, later: "PageReport") -> None:
        """Take over what a later report says of the page, but for its rules and its error.

        Processes that judge rules of one page make visits of their own, so the virtual time is the largest.
        """
        longest = max(self.virtual_seconds, later.virtual_seconds)
        vars(self).update(vars(later) | {"rules": self.rules, "error": self.error, "virtual_seconds": longest})


def rule_report(finding: Finding, visits: Sequence[Observation]) -> RuleReport:
    """Return the report on the rule of a finding.

    `visits` are the page's visits. They give each entry of the evidence its visit and its time since the opening.
    """
    rule, verdict, expected = finding.rule, finding.verdict, finding.expected
    return RuleReport(
        id=rule.id,
        severity=rule.severity,
        outcome=verdict.outcome,
        message=verdict.message,
        likely_cause=verdict.likely_cause,
        basis=rule.source,
        expected=expected.reason if finding.has_expectation and expected and finding.as_expected else None,
        as_expected=finding.as_expected if finding.has_expectation else None,
        surprise=finding.surprise,
        fails=finding.fails,
        evidence=[_entry(visits, entry) for entry in verdict.evidence],
        virtual_seconds=finding.virtual.total_seconds(),
        real_seconds=round(finding.real_seconds, 3),
    )


def page_report(page: PageFacts, token_urls: Sequence[str], visits: Sequence[Observation]) -> PageReport:
    """Return the report on a page after some visits, without its rules."""
    versions = [entry["sdk"] for visit in visits for entry in visit.journal.of("protocol") if entry["sdk"]]
    first = next((visit for visit in visits if visit.items), None)
    return PageReport(
        page=page.name,
        url=page.url,
        sdk=versions[0] if versions else "",
        mode=mode(visits),
        token_urls=list(token_urls),
        items=[] if first is None else [_item(first, item) for item in first.items],
        refused_hosts=sorted({e["host"] for visit in visits for e in visit.journal.of("host.refused")}),
        virtual_seconds=virtual_time(visits).total_seconds(),
    )


def mode(visits: Sequence[Observation], item: str | None = None) -> Mode:
    """Return how a page, or one of its items, renews its tokens. The messages between the SDK and the items show it."""
    providers = any(item in (None, name) for visit in visits for name in visit.providers)
    manual = any(item in (None, name) for visit in visits for name in visit.manual)
    return "both" if providers and manual else "provider" if providers else "manual" if manual else "none"


def virtual_time(visits: Sequence[Observation]) -> timedelta:
    """Return the total virtual time of some visits."""
    return sum((visit.ended - visit.opened for visit in visits), timedelta(0))


def _item(visit: Observation, item: str) -> ItemReport:
    frame = visit.journal.of("embed.frame", item=item)[0]
    return ItemReport(item, FRAME_TYPES[frame["path"]], mode([visit], item))


def _entry(visits: Sequence[Observation], entry: Entry) -> dict[str, Any]:
    visit = next((visit for visit in visits if entry in visit), None)
    where = {"session": visit.title, "since_open": visit.when(entry)} if visit else {}
    return {"at": entry.at, "kind": entry.kind, **where, **entry.data}
