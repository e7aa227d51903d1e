"""The pytest plugin: options and fixtures, thin. Inert until a fixture of ours is used."""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fake_pbi.durations import DurationError
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.host import Host
    from harness.session import HarnessSession
    from harness.stage import Stage

STAGE = pytest.StashKey["Stage"]()


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
    """The browser, the engine thread and the certificate that all tests of this process share. Session scope."""
    from harness.errors import UsageError
    from harness.session import HarnessSession

    options = request.config.option
    if not hasattr(options, "headed"):
        raise UsageError(
            "pytest-playwright is not loaded; leave '-p no:playwright' out, or load it with "
            "'-p pytest_playwright.pytest_playwright'."
        )
    with HarnessSession(
        request.getfixturevalue("playwright"),
        browser_path=options.pbi_browser,
        headed=options.headed,
        slow_mo=options.slowmo,
    ) as session:
        yield session


@pytest.fixture
def pbi_stage(request: pytest.FixtureRequest, pbi_session: "HarnessSession") -> "Iterator[Stage]":
    """A tab of its own, with its clock, its fake Power BI and its journal. Function scope; about 0.2 s.

    While it lives, Python's own time (`datetime.now()`, `time.time()`) is the virtual one. pytest-playwright's --headed,
    --slowmo, --tracing, --screenshot and --output work for it; a test that failed leaves `journal.jsonl`.
    """
    from harness.artifacts import Artifacts

    with pbi_session.stage() as stage, Artifacts.of(request).kept(stage, stage.page.context):
        request.node.stash[STAGE] = stage
        yield stage


@pytest.fixture
def pbi_host(pbi_session: "HarnessSession", pbi_stage: "Stage") -> "Iterator[Host]":
    """The local host page server, with a token backend (MSAL) against this test's fake Power BI. Function scope."""
    with pbi_session.host(pbi_stage) as host:
        yield host


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the user can mend is one sentence, not a traceback of ours; a failure shows the end of its journal."""
    report = yield
    if report.failed and call.excinfo:
        if isinstance(call.excinfo.value, HarnessError | DurationError):
            report.longrepr = f"{_users_line(item, call.excinfo)}{call.excinfo.value}"
        if (stage := item.stash.get(STAGE, None)) and len(stage.journal):
            from harness.artifacts import last_entries

            report.sections.append(("pbi journal, last entries", last_entries(stage)))
    if call.when == "teardown" and STAGE in item.stash:
        del item.stash[STAGE]  # not kept until the session's end, nor for a second run of the same test
    return report


def _users_line(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> str:
    """Where in the user's own test it happened: "test_report.py:12: "."""
    own = [entry for entry in error.traceback if Path(entry.path) == item.path]
    return f"{item.path.name}:{own[-1].lineno + 1}: " if own else ""
