"""Fixtures of the project's own tests, the marker `browser`, and the summaries that pytest prints after the tests."""

from collections.abc import Iterator
from pathlib import Path

import matrix
import pytest
from support.inner_runs import Runs, runs_of
from support.machine import Machine, machine_in
from support.site_of_pages import Site, site

from fake_pbi import frame_document

BROWSER_FIXTURES = {"playwright", "pbi_session", "runs"}
"""The fixtures that start a browser. `runs` starts pytest or a command, and most of these runs start a browser."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test that uses one of `BROWSER_FIXTURES` the marker `browser`, before `-m` selects by markers."""
    for item in items:
        if isinstance(item, pytest.Function) and not BROWSER_FIXTURES.isdisjoint(item.fixturenames):
            item.add_marker("browser")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the matrix of pages and rules, and the share of caught mutants, if tests recorded any."""
    recorded = [
        recorded
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
        for recorded in report.user_properties
    ]
    if rows := {row["page"]: row["outcomes"] for name, row in recorded if name == "outcomes"}:
        terminalreporter.section("pages and rules (F failed, w warned, - skipped)")
        for line in matrix.lines(rows):
            terminalreporter.line(line)
    if caught := [caught for name, caught in recorded if name == "mutant"]:
        terminalreporter.section("mutants")
        share = sum(caught) / len(caught)
        terminalreporter.line(f"{sum(caught)} of {len(caught)} caught under the right rule: {share:.0%}")


@pytest.fixture(scope="session")
def pages() -> Iterator[Site]:
    """Serve a web site of plain pages. Session scope."""
    with site() as served:
        yield served


@pytest.fixture
def runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Runs]:
    """Return an object that runs pytest inside a test. Function scope."""
    with runs_of(pytester, monkeypatch, request.config.option.pbi_browser) as started:
        yield started


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine that has only the programs that the test adds. Function scope."""
    return machine_in(tmp_path, monkeypatch)


@pytest.fixture(scope="session")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a node_modules folder in which each of Microsoft's packages only sets a variable. Session scope."""
    folder = tmp_path_factory.mktemp("node_modules")
    for script in frame_document.PACKAGES:
        (folder / script).parent.mkdir(parents=True)
        (folder / script).write_text(f"var {Path(script).name.partition('.')[0]} = {{}}")
    return folder
