"""The verdicts in a terminal or a CI log, each printed as soon as it is known."""

import sys
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TextIO

from harness.base.durations import format_duration
from harness.contract.findings import cause_of
from harness.contract.reports import PageReport, RuleReport
from harness.contract.rule import Outcome
from harness.contract.wording import counted
from harness.report.console import Console, printable

COLOURS: Mapping[Outcome, str] = {"passed": "32", "failed": "31", "warned": "33", "skipped": "2"}
"""Outcome -> the SGR code of its colour. Source: ECMA-48."""
INDENT_CHARACTERS = 20
"""Number of columns before the text of a verdict."""


class TerminalReport:
    """A report that prints each verdict, and on a terminal also one line with the rule and the visit in progress.

    A `ContractRun` calls the methods of this report, and `ended` is called after the run.
    """

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._console = Console(out)
        self._tint = self._console.tint
        self._page = ""

    def scenario(self, page: str, rule: str, title: str) -> None:
        """Show on a terminal that a visit, described by `title`, has begun for a rule."""
        self._begin(page)
        if self._console.is_terminal:
            # The text is cut to one line, because only one line is erased later.
            in_progress = f"  … {rule}: {title}"[: self._console.columns - 1]
            self._console.write(f"\r\x1b[2K{self._tint('2', in_progress)}")

    def noticed(self, page: str, what: str) -> None:
        """Print a remark about a page."""
        self._begin(page)
        self._line(f"  {printable(what)}")

    def found(self, page: PageReport, rule: RuleReport) -> None:
        """Print a verdict."""
        self._begin(page.page)
        outcome = rule.outcome
        self._line(f"  {self._tint(COLOURS[outcome], f'{outcome:<8}')} {rule.id:<8} {self._wrapped(rule.message)}")
        if rule.is_finding:
            if rule.likely_cause:
                self._note(f"likely cause: {rule.likely_cause}")
            self._note(f"source: {rule.basis}")
        if rule.surprise:
            self._note(rule.surprise, "31")
        elif rule.expected and outcome != "skipped":
            self._note(f"as expected: {rule.expected}")

    def page_failed(self, page: str, error: str) -> None:
        """Print the error that kept a page from being judged."""
        self._begin(page)
        self._line(f"  {self._tint('31', 'not judged')}: {printable(error)}")

    def ended(self, pages: Sequence[PageReport], *, complete: bool, has_expectation: bool, seed: int) -> None:
        """Print the findings of each page, causes before their consequences, and the totals.

        `complete` is True if no verdict is missing. `has_expectation` is True for the built-in pages, whose verdicts
        have to be the expected ones.
        """
        self._line("")
        for page in pages:
            self._findings(page)
        rules = [rule for page in pages for rule in page.rules]
        outcomes = Counter(rule.outcome for rule in rules)
        by_outcome = ", ".join(f"{outcomes[name]} {name}" for name in COLOURS if outcomes[name]) or "no verdict"
        self._line(f"{counted(len(pages), 'page')}, {counted(len(rules), 'verdict')}: {by_outcome}.")
        virtual = timedelta(seconds=round(sum(page.virtual_seconds for page in pages)))
        real = sum(rule.real_seconds for rule in rules)
        self._line(f"{format_duration(virtual)} of virtual time in {real:.1f} s of real time, seed {seed}.")
        if surprises := [f"{page.page} {rule.id}" for page in pages for rule in page.rules if rule.surprise]:
            self._line(self._tint("31", f"Not as expected: {', '.join(surprises)}."))
        elif not complete:
            self._line(self._tint("31", "The run ended early. Some verdicts are missing."))
        elif has_expectation:
            self._line(self._tint("32", "Every verdict is as expected."))

    def _findings(self, page: PageReport) -> None:
        found = {rule.id: rule for rule in page.rules if rule.is_finding}
        if found:
            about = [text for text in (f"powerbi-client {page.sdk}" if page.sdk else "", _items(page)) if text]
            self._line(self._tint("1", f"{page.page}{': ' if about else ''}{', '.join(about)}"))
        causes = {id: cause_of(id, set(found)) for id in found}
        for id in sorted(found, key=lambda id: causes[id] is not None):
            rule = found[id]
            cause = f" (a consequence of {causes[id]})" if causes[id] else ""
            outcome = self._tint(COLOURS[rule.outcome], f"{rule.outcome:<8}")
            text = cause.strip() if cause else rule.likely_cause or rule.message
            self._line(f"  {outcome} {id:<8} {self._wrapped(text)}")
        if page.refused_hosts:
            hosts = ", ".join(page.refused_hosts)
            self._line(
                self._wrapped(f"  Refused hosts: {hosts}. Allow the hosts that the page needs with --allow-host GLOB.")
            )

    def _begin(self, page: str) -> None:
        if page != self._page:
            self._page = page
            self._line("")
            self._line(self._tint("1", page))

    def _note(self, text: str, colour: str | None = None) -> None:
        wrapped = self._wrapped(text)
        self._line(" " * INDENT_CHARACTERS + (self._tint(colour, wrapped) if colour else wrapped))

    def _line(self, text: str) -> None:
        self._console.write(("\r\x1b[2K" if self._console.is_terminal else "") + text.rstrip() + "\n")

    def _wrapped(self, text: str) -> str:
        return textwrap.fill(
            printable(text),
            self._console.width - INDENT_CHARACTERS,
            subsequent_indent=" " * INDENT_CHARACTERS,
            break_long_words=False,
        )


def _items(page: PageReport) -> str:
    return ", ".join(f"{item.type} ({item.mode})" for item in page.items)
