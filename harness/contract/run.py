"""A run of the contract as pytest sees it: one item for each page and rule, judged on sessions that they share."""

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from harness.base.errors import HarnessError
from harness.clock import real_time
from harness.contract.adapter import Adapter
from harness.contract.findings import Expectation, Finding, about, virtual_time
from harness.contract.judging import judge
from harness.contract.options import CONTRACT_RUN
from harness.contract.page import PageUnderTest
from harness.contract.rule import Rule
from harness.contract.scenarios import Scenarios
from harness.contract.settings import Settings
from harness.stage.session import HarnessSession


class Listener(Protocol):
    """Whoever watches a run."""

    def scenario(self, page: str, rule: str, title: str) -> None: ...
    def noticed(self, page: str, what: str) -> None: ...
    def found(self, page: dict[str, Any], rule: dict[str, Any]) -> None: ...
    def page_failed(self, page: str, error: str) -> None: ...


class Silent:
    """Nobody watches: pytest's own output says enough."""

    def scenario(self, page: str, rule: str, title: str) -> None: ...
    def noticed(self, page: str, what: str) -> None: ...
    def found(self, page: dict[str, Any], rule: dict[str, Any]) -> None: ...
    def page_failed(self, page: str, error: str) -> None: ...


class ContractRun:
    """The plugin that judges pages by the contract. Its documents (`pages`) are complete even where the run ends early."""

    __name__ = CONTRACT_RUN

    def __init__(self, settings: Settings, listener: Listener | None = None) -> None:
        self.settings = settings
        self._listener: Listener = listener or Silent()
        self._scenarios: dict[str, Scenarios] = {}
        self._unjudged: dict[str, HarnessError] = {}
        self._under_way = ""
        self.pages: dict[str, dict[str, Any]] = {}
        """What came out, by page: its head, `rules`, and `error` where it could not be judged."""
        self.error: BaseException | None = None
        """What ended the run early: the harness could not go on."""

    def cases(self, cls: type | None) -> list[Any]:
        """The parameters of a test that takes `pbi_page` and `pbi_rule`: those of its class, or of the whole run."""
        pages = [cls.page()] if cls and hasattr(cls, "page") else self.settings.pages
        return [
            pytest.param(page, rule, id=f"{page.name}-{rule.id}", marks=[pytest.mark.xdist_group(page.name)])
            for page in pages
            for rule in self.settings.rules
        ]

    def judged(self, session: HarnessSession, page: PageUnderTest, rule: Rule) -> Finding:
        """The verdict of a rule on a page. Raises the `HarnessError` that keeps the page from being judged at all."""
        if page.name in self._unjudged:
            raise self._unjudged[page.name]
        scenarios = self._scenarios_of(session, page)
        self._under_way = rule.id
        began, seen = real_time.seconds(), len(scenarios.observed)
        scenarios.visits.end_by = began + self.settings.rule_time.total_seconds()
        try:
            verdict = judge(rule, scenarios)
        except HarnessError as error:
            self._unjudged[page.name] = error
            raise
        took = real_time.seconds() - began
        return Finding(
            page.name,
            rule,
            verdict,
            virtual_time(scenarios.observed[seen:]),
            took,
            has_expectation=self.settings.expected is not None,
            expected=self._expected(page).get(rule.id),
            strict=self.settings.strict,
        )

    def _expected(self, page: PageUnderTest) -> "dict[str, Expectation]":
        return dict((self.settings.expected or {}).get(page.name, {}))

    def _scenarios_of(self, session: HarnessSession, page: PageUnderTest) -> Scenarios:
        if page.name not in self._scenarios:
            self._scenarios[page.name] = Scenarios(
                session,
                page,
                seed=self.settings.seed,
                thorough=self.settings.thorough,
                say=lambda title: self._listener.scenario(page.name, self._under_way, title),
                found=lambda what: self._listener.noticed(page.name, what),
            )
        return self._scenarios[page.name]

    def documents(self, finding: Finding, page: PageUnderTest) -> dict[str, Any]:
        """A finding as it travels with pytest's own report: the page's head and the rule's part."""
        scenarios = self._scenarios[page.name]
        urls = [url.glob for url in scenarios.token_urls]
        head = about(page.name, page.url, urls, scenarios.observed)
        return {"page": head, "rule": finding.document(scenarios.observed)}

    @pytest.hookimpl
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """`warned` is an outcome of its own, between passed and failed. Where somebody listens, pytest itself is silent."""
        if not isinstance(self._listener, Silent):
            return report.outcome, "", ""
        found = getattr(report, "pbi_finding", None)
        if found and report.when == "call" and report.passed and found["rule"]["outcome"] == "warned":
            return "warned", "w", ("WARNED", {"yellow": True})
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
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
        """Collects what came out, also from other processes."""
        if found := getattr(report, "pbi_finding", None):
            head = found["page"]
            page = self.pages.setdefault(head["page"], head | {"rules": [], "error": None})
            page.update(head | {"virtual_seconds": max(head["virtual_seconds"], page["virtual_seconds"])})
            page["rules"].append(found["rule"])
            self._listener.found(page, found["rule"])
        elif failure := getattr(report, "pbi_error", None):
            page = self.pages.setdefault(
                failure["page"], about(failure["page"], failure["url"], [], []) | {"rules": []}
            )
            if page.get("error") is None:
                page["error"] = failure["error"]
                self._listener.page_failed(failure["page"], failure["error"])


RULES_FILE = str(Path(__file__).with_name("test_rules.py"))
"""The test file that pytest runs to judge pages."""
FOUND = pytest.StashKey[dict[str, Any]]()
OUTCOMES = (pytest.fail.Exception, pytest.skip.Exception)


def _parameters(item: pytest.Item) -> dict[str, Any]:
    return item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}


class Judge:
    """What a contract test holds: `pbi_contract(page, rule)` judges, and passes, fails or skips the test."""

    def __init__(self, run: ContractRun, session: HarnessSession, item: pytest.Item, adapter: Adapter | None) -> None:
        self._run, self._session, self._item, self._adapter = run, session, item, adapter

    def __call__(self, page: PageUnderTest, rule: Rule) -> Finding:
        """The finding, put on record. Raises pytest's own outcomes, or a `HarnessError` where nothing can be judged."""
        if self._adapter is not None:
            page = replace(page, adapter=self._adapter)
        finding = self._run.judged(self._session, page, rule)
        self._item.stash[FOUND] = self._run.documents(finding, page)
        verdict = finding.verdict
        self._item.user_properties += [("pbi_rule", rule.id), ("pbi_outcome", verdict.outcome)]
        if finding.fails:
            said = [
                f"{rule.id} {verdict.outcome}: {verdict.message}",
                verdict.likely_cause,
                rule.basis,
                finding.surprise,
            ]
            pytest.fail("\n".join(line for line in said if line), pytrace=False)
        if verdict.outcome == "skipped":
            pytest.skip(verdict.message)
        return finding
