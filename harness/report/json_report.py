"""The same verdicts for programs. The shape is versioned by `schema`."""

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from fake_pbi.journal import Entry
from harness.contract.findings import Finding, PageReport

SCHEMA = 1


def write_json(path: Path, reports: Iterable[PageReport], exit_code: int) -> None:
    """Write the report of a run, also of one that ended early. Raises `OSError` if the file cannot be written."""
    reports = list(reports)
    findings = [finding for report in reports for finding in report.findings]
    document = {
        "schema": SCHEMA,
        "pages": [_page(report) for report in reports],
        "summary": dict(Counter(finding.verdict.outcome for finding in findings))
        | {"unexpected": sum(not finding.as_expected for finding in findings)},
        "exit_code": exit_code,
        "virtual_seconds": sum(report.virtual_time.total_seconds() for report in reports),
        "real_seconds": round(sum(report.real_seconds for report in reports), 3),
    }
    path.write_text(json.dumps(document, indent=2, default=_written) + "\n", encoding="utf-8")


def _page(report: PageReport) -> dict[str, Any]:
    return {
        "page": report.page,
        "sdk": report.sdk,
        "mode": report.mode,
        "rules": [_rule(report, finding) for finding in report.findings],
        "virtual_seconds": report.virtual_time.total_seconds(),
        "real_seconds": round(report.real_seconds, 3),
    }


def _rule(report: PageReport, finding: Finding) -> dict[str, Any]:
    rule, verdict = finding.rule, finding.verdict
    return {
        "id": rule.id,
        "severity": rule.severity,
        "outcome": verdict.outcome,
        "message": verdict.message,
        "likely_cause": verdict.likely_cause,
        "basis": rule.basis,
        "expected": finding.expected.reason if finding.expected and finding.as_expected else None,
        "as_expected": finding.as_expected,
        "evidence": [_entry(report, entry) for entry in verdict.evidence],
        "real_seconds": round(finding.real_seconds, 3),
    }


def _entry(report: PageReport, entry: Entry) -> dict[str, Any]:
    session = next((session for session in report.observed if entry in session), None)
    where = {"session": session.title, "since_open": session.when(entry)} if session else {}
    return {"at": entry.at, "kind": entry.kind, **where, **entry.data}


def _written(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
