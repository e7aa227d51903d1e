"""The verdicts as they come, for a terminal or a CI log."""

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from typing import TextIO

from fake_pbi.durations import spoken
from harness.contract.findings import Finding, PageReport
from harness.contract.rule import Outcome

COLOURS: dict[Outcome, str] = {"passed": "32", "failed": "31", "warned": "33", "skipped": "2"}
MARGIN = 20


class TerminalReport:
    """Writes a line for each verdict, and on a terminal one that says which session is running."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self._alive = out.isatty()
        self._width = max(60, min(140, shutil.get_terminal_size((120, 24)).columns))

    def scenario(self, page: str, title: str) -> None:
        if self._alive:
            self._out.write(f"\r\x1b[2K  {self._tint('2', f'… {page}: {title}')}")
            self._out.flush()

    def page_began(self, report: PageReport) -> None:
        self._line("")
        self._line(self._tint("1", report.page))

    def found(self, report: PageReport, finding: Finding) -> None:
        outcome, verdict = finding.verdict.outcome, finding.verdict
        label = f"  {self._tint(COLOURS[outcome], f'{outcome:<8}')} {finding.rule.id:<8} "
        self._line(label + self._wrapped(verdict.message))
        if outcome in ("failed", "warned"):
            if verdict.likely_cause:
                self._line(" " * MARGIN + self._wrapped(f"likely cause: {verdict.likely_cause}"))
            self._line(" " * MARGIN + self._wrapped(f"it rests on: {finding.rule.basis}"))
        if not finding.as_expected:
            self._line(" " * MARGIN + self._tint("31", self._wrapped(finding.surprise)))
        elif finding.expected and outcome != "skipped":
            self._line(" " * MARGIN + self._wrapped(f"as expected: {finding.expected.reason}"))

    def ended(self, reports: Iterable[PageReport], *, complete: bool) -> None:
        """The totals. `complete`: no verdict is missing."""
        reports = list(reports)
        findings = [finding for report in reports for finding in report.findings]
        outcomes = Counter(finding.verdict.outcome for finding in findings)
        surprises = [finding for finding in findings if not finding.as_expected]
        virtual = sum((report.virtual_time for report in reports), timedelta(0))
        real = sum(report.real_seconds for report in reports)
        counted = (
            ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in COLOURS if outcomes[outcome]) or "no verdict"
        )
        self._line(f"{len(reports)} pages, {len(findings)} verdicts: {counted}.")
        self._line(
            f"{spoken(timedelta(seconds=round(virtual.total_seconds())))} of virtual time in {real:.1f} s of real time."
        )
        if surprises:
            names = ", ".join(f"{finding.page} {finding.rule.id}" for finding in surprises)
            self._line(self._tint("31", f"Not as expected: {names}."))
        elif complete:
            self._line(self._tint("32", "Every verdict is as expected."))
        else:
            self._line(self._tint("31", "The run ended early; these are the verdicts until then."))

    def _line(self, text: str) -> None:
        self._out.write(("\r\x1b[2K" if self._alive else "") + text.rstrip() + "\n")
        self._out.flush()

    def _wrapped(self, text: str) -> str:
        return textwrap.fill(text, self._width - MARGIN, subsequent_indent=" " * MARGIN, break_long_words=False)

    def _tint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._alive else text
