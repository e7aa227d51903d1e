"""The pytest plugin: options and fixtures, thin. Inert until a fixture of ours is used."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fake_pbi.durations import DurationError
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.host import Host
    from harness.session import HarnessSession
    from harness.stage import Stage

JOURNAL = pytest.StashKey[Any]()
LAST_ENTRIES = 30


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pbi", "Power BI embed harness")
    group.addoption(
        "--pbi-browser",
        metavar="PATH",
        type=Path,
        default=None,
        help="The browser: a full Chromium, Chrome or Edge (default: $PBI_BROWSER, else the first one found).",
    )


@pytest.fixture(scope="session")
def pbi_session(request: pytest.FixtureRequest) -> "Iterator[HarnessSession]":
    """The browser, the engine thread and the certificate that all tests of this process share."""
    from harness.session import HarnessSession

    options = request.config.option
    with HarnessSession(
        request.getfixturevalue("playwright"),
        browser_path=options.pbi_browser,
        headed=options.headed,
        slow_mo=options.slowmo,
    ) as session:
        yield session


@pytest.fixture
def pbi_stage(request: pytest.FixtureRequest, pbi_session: "HarnessSession") -> "Iterator[Stage]":
    """A tab of its own, with its clock, its fake Power BI and its journal. Function scope; about 0.2 s."""
    with pbi_session.stage() as stage:
        request.node.stash[JOURNAL] = stage
        yield stage


@pytest.fixture
def pbi_host(pbi_session: "HarnessSession", pbi_stage: "Stage") -> "Iterator[Host]":
    """The local host page server, with a token backend (MSAL) against this test's fake Power BI. Function scope."""
    with pbi_session.host(pbi_stage) as host:
        yield host


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, HarnessError | DurationError) and report.failed:
        line = call.excinfo.traceback[-1] if call.excinfo else None
        report.longrepr = f"{type(error).__name__}: {error}" if line else str(error)
    if report.failed and (stage := item.stash.get(JOURNAL, None)):
        lines = [f"{stage.since_open(entry):>12}  {entry.kind:<15} {entry.data}" for entry in list(stage.journal)]
        report.sections.append(("pbi journal, last entries", "\n".join(lines[-LAST_ENTRIES:])))
