"""The pytest plugin of a contract run: one test per page and rule. The tests of a page share its visits."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.base.errors import HarnessError
from harness.clock import real_time
from harness.contract.adapter import Adapter
from harness.contract.findings import Expectation, Finding
from harness.contract.judging import judge
from harness.contract.listener import Listener
from harness.contract.options import CONTRACT_RUN
from harness.contract.page import PageUnderTest
from harness.contract.recording import Recorder
from harness.contract.reports import PageReport, RuleReport, page_report, rule_report, virtual_time
from harness.contract.rule import Rule
from harness.contract.settings import Settings
from harness.contract.watch import Watch
from harness.stage.session import HarnessSession


class Silent:
    """A listener that does nothing, for runs in which pytest reports the outcomes."""

    def scenario(self, page: str, rule: str, title: str) -> None:
        """Ignore a visit that begins."""

    def noticed(self, page: str, what: str) -> None:
        """Ignore a notice."""

    def found(self, page: PageReport, rule: RuleReport) -> None:
        """Ignore a verdict."""

    def page_failed(self, page: str, error: str) -> None:
        """Ignore an error."""


@dataclass(frozen=True)
class Found:
    """A verdict as one process of a test run sends it to another: the report on the page so far, and on the rule."""

    page: PageReport
    rule: RuleReport


class ContractRun:
    """The pytest plugin that judges pages by the contract and collects their reports.

    `pages` has every verdict so far, also after a run that ended early.
    """

    __name__ = CONTRACT_RUN

    def __init__(self, settings: Settings, listener: Listener | None = None) -> None:
        self.settings = settings
        self._listener: Listener = listener or Silent()
        self._watches: dict[str, Watch] = {}
        self._unjudged: dict[str, HarnessError] = {}
        """The error of each page that could not be judged."""
        self._current_rule = ""
        self.pages: dict[str, PageReport] = {}
        """The report on each page, by name."""
        self.error: BaseException | None = None
        """The error after which the harness could not go on; None if there was none."""

    def cases(self, cls: type | None) -> list[Any]:
        """Return the parameters of a test that takes `pbi_page` and `pbi_rule`, one set per page and rule.

        The page is that of the test's class, a `RefreshContract`. Otherwise the pages are those of the run.
        """
        pages = [cls.page()] if cls and hasattr(cls, "page") else self.settings.pages
        return [
            pytest.param(page, rule, id=f"{page.name}-{rule.id}", marks=[pytest.mark.xdist_group(page.name)])
            for page in pages
            for rule in self.settings.rules
        ]

    def judge_page(self, session: HarnessSession, page: PageUnderTest, rule: Rule) -> Finding:
        """Judge a page by a rule, and return the finding.

        Raises the `HarnessError` that prevents the page from being judged, for this rule and for every later one.
        """
        if page.name in self._unjudged:
            raise self._unjudged[page.name]
        watch = self._watch_over(session, page)
        self._current_rule = rule.id
        began_real_s, earlier_visits = real_time.seconds(), len(watch.made)
        watch.end_by(began_real_s + self.settings.rule_time.total_seconds())
        try:
            verdict = judge(rule, watch)
        except HarnessError as error:
            self._unjudged[page.name] = error
            raise
        return Finding(
            page.name,
            rule,
            verdict,
            virtual_time(watch.made[earlier_visits:]),
            real_time.seconds() - began_real_s,
            has_expectation=self.settings.expected is not None,
            expected=self._expected(page).get(rule.id),
            strict=self.settings.strict,
        )

    def _expected(self, page: PageUnderTest) -> "dict[str, Expectation]":
        return dict((self.settings.expected or {}).get(page.name, {}))

    def _watch_over(self, session: HarnessSession, page: PageUnderTest) -> Watch:
        if page.name not in self._watches:
            watch = self._watches[page.name] = Watch(
                session,
                page,
                seed=self.settings.seed,
                thorough=self.settings.thorough,
                on_visit=lambda title: self._listener.scenario(page.name, self._current_rule, title),
                on_notice=lambda what: self._listener.noticed(page.name, what),
            )
            if self.settings.record:
                seed, thorough = self.settings.seed, self.settings.thorough
                watch.on_observed = Recorder(self.settings.record, page.facts, seed=seed, thorough=thorough).write
        return self._watches[page.name]

    def reports(self, finding: Finding, page: PageUnderTest) -> dict[str, Any]:
        """Return the reports on a rule and its page as plain values, to be sent along with pytest's own report."""
        watch = self._watches[page.name]
        urls = [url.glob for url in watch.token_urls]
        found = Found(page_report(watch.page, urls, watch.made), rule_report(finding, watch.made))
        return dict(msgspec.to_builtins(found, enc_hook=str))

    @pytest.hookimpl
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """Return the words for a test's status: `warned` is an outcome of its own, between passed and failed.

        If the run has a listener, pytest prints nothing itself.
        """
        if not isinstance(self._listener, Silent):
            return report.outcome, "", ""
        found = getattr(report, "pbi_finding", None)
        if found and report.when == "call" and report.passed and found["rule"]["outcome"] == "warned":
            return "warned", "w", ("WARNED", {"yellow": True})
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Attach the finding, or the error of the page, to pytest's report, and stop the run after an error.

        With `--keep-going` a `HarnessError` does not stop the run.
        """
        report = yield
        if call.when == "call" and FOUND in item.stash:
            report.pbi_finding = item.stash[FOUND]
        elif call.excinfo and isinstance(call.excinfo.value, HarnessError) and "pbi_rule" in _parameters(item):
            page: PageUnderTest = _parameters(item)["pbi_page"]
            report.pbi_error = {"page": page.name, "url": page.url, "error": str(call.excinfo.value)}
            self.error = call.excinfo.value
            if not self.settings.keep_going:
                item.session.shouldstop = "the harness could not go on"
        elif call.excinfo and "pbi_rule" in _parameters(item) and not isinstance(call.excinfo.value, OUTCOMES):
            self.error = call.excinfo.value
            item.session.shouldstop = "the harness could not go on"
        return report

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the findings and errors that come with pytest's reports, also from other processes."""
        if sent := getattr(report, "pbi_finding", None):
            found = msgspec.convert(sent, Found)
            page = self.pages.setdefault(found.page.page, found.page)
            page.update(found.page)
            page.rules.append(found.rule)
            self._listener.found(page, found.rule)
        elif failure := getattr(report, "pbi_error", None):
            page = self.pages.setdefault(failure["page"], PageReport(failure["page"], failure["url"]))
            if page.error is None:
                page.error = failure["error"]
                self._listener.page_failed(failure["page"], failure["error"])


RULES_FILE = str(Path(__file__).with_name("test_rules.py"))
"""The test file that pytest runs to judge pages."""
FOUND = pytest.StashKey[dict[str, Any]]()
"""The place of a finding's report in the stash of its test."""
OUTCOMES = (pytest.fail.Exception, pytest.skip.Exception)
"""The exceptions by which a test fails or is skipped as intended."""


def _parameters(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


class Judge:
    """The value of the fixture `pbi_contract`.

    `pbi_contract(page, rule)` judges the page, and passes, fails or skips the test.
    """

    def __init__(self, run: ContractRun, session: HarnessSession, item: pytest.Item, adapter: Adapter | None) -> None:
        self._run, self._session, self._item, self._adapter = run, session, item, adapter

    def __call__(self, page: PageUnderTest, rule: Rule) -> Finding:
        """Judge a page by a rule, record the finding and return it.

        Raises pytest's exceptions for a failed or skipped test, and a `HarnessError` if the page cannot be judged.
        """
        if self._adapter is not None:
            page = replace(page, adapter=self._adapter)
        finding = self._run.judge_page(self._session, page, rule)
        self._item.stash[FOUND] = self._run.reports(finding, page)
        verdict = finding.verdict
        self._item.user_properties += [("pbi_rule", rule.id), ("pbi_outcome", verdict.outcome)]
        if finding.fails:
            lines = [
                f"{rule.id} {verdict.outcome}: {verdict.message}",
                verdict.likely_cause,
                rule.source,
                finding.surprise,
            ]
            pytest.fail("\n".join(line for line in lines if line), pytrace=False)
        if verdict.outcome == "skipped":
            pytest.skip(verdict.message)
        return finding
