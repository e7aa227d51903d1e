"""A run of the contract as pytest sees it: one item for each page and rule, judged on sessions that they share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from harness import real_time
from harness.contract import RULES, PageUnderTest, Rule, Scenarios, judge
from harness.contract.findings import Expectation, Finding, PageReport
from harness.session import HarnessSession


class Listener(Protocol):
    """Whoever watches a run."""

    def scenario(self, page: str, title: str) -> None: ...
    def page_began(self, report: PageReport) -> None: ...
    def found(self, report: PageReport, finding: Finding) -> None: ...


@dataclass
class ContractRun:
    """The plugin that judges `pages` by `rules`, and keeps what was found even where the run ends early."""

    pages: Sequence[PageUnderTest]
    expected: Mapping[str, Mapping[str, Expectation]]
    listener: Listener
    rules: Sequence[Rule] = field(default_factory=lambda: list(RULES.values()))
    reports: dict[str, PageReport] = field(default_factory=dict)
    error: BaseException | None = None
    """What ended the run early: the harness could not go on."""
    _scenarios: dict[str, Scenarios] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every page has been judged by every rule."""
        return sum(len(report.findings) for report in self.reports.values()) == len(self.pages) * len(self.rules)

    @pytest.hookimpl
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if {"pbi_page", "pbi_rule"} <= set(metafunc.fixturenames):
            cases = [
                pytest.param(page, rule, id=f"{page.name}-{rule.id}") for page in self.pages for rule in self.rules
            ]
            metafunc.parametrize(("pbi_page", "pbi_rule"), cases)

    @pytest.hookimpl
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str]:
        """The verdicts are written by whoever listens; pytest's dots would only stand between them."""
        return report.outcome, "", ""

    @pytest.hookimpl
    def pytest_exception_interact(self, node: pytest.Item, call: pytest.CallInfo[None]) -> None:
        if call.excinfo and not isinstance(call.excinfo.value, pytest.fail.Exception):
            self.error = call.excinfo.value
            node.session.shouldstop = "the harness could not go on"

    @pytest.fixture
    def pbi_contract(self, pbi_session: HarnessSession) -> "Judge":
        """Judges a page by a rule. Function scope; the sessions that it needs are shared by the whole run."""
        return Judge(self, pbi_session)

    def judged(self, session: HarnessSession, page: PageUnderTest, rule: Rule) -> Finding:
        if page.name not in self.reports:
            self._open(session, page)
        report, scenarios = self.reports[page.name], self._scenarios[page.name]
        began = real_time.seconds()
        try:
            verdict = judge(rule, scenarios)
        finally:
            took = real_time.seconds() - began
            report.real_seconds += took
        finding = Finding(page.name, rule, verdict, self.expected.get(page.name, {}).get(rule.id), took)
        report.findings.append(finding)
        self.listener.found(report, finding)
        return finding

    def _open(self, session: HarnessSession, page: PageUnderTest) -> None:
        scenarios = Scenarios(session, page, say=lambda title: self.listener.scenario(page.name, title))
        self._scenarios[page.name] = scenarios
        self.reports[page.name] = PageReport(page.name, observed=scenarios.observed)
        self.listener.page_began(self.reports[page.name])


@dataclass(frozen=True)
class Judge:
    """What a contract test holds."""

    run: ContractRun
    session: HarnessSession

    def __call__(self, page: PageUnderTest, rule: Rule) -> Finding:
        return self.run.judged(self.session, page, rule)
