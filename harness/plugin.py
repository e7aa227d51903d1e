"""The pytest plugin: options and fixtures, thin. Inert until a fixture of ours is used."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from harness import contract, report, stage
from harness.base.durations import DurationError
from harness.base.errors import HarnessError, UsageError
from harness.contract.options import CONTRACT_RUN, add_options

STAGE = pytest.StashKey["stage.Stage"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("pbi", "Power BI embed harness")
    group.addoption(
        "--pbi-browser",
        metavar="PATH",
        type=Path,
        default=None,
        help="The browser: a full Chromium, Chrome or Edge (default: $PBI_BROWSER, else the first one found).",
    )
    group.addoption(
        "--pbi-url",
        metavar="URL",
        action="append",
        default=[],
        help="Judge the page at this address by the refresh contract, beside the tests that were asked for; repeatable.",
    )
    add_options(group.addoption, "--pbi-")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "xdist_group(name): the tests of one page belong to one process (pytest-xdist)")
    if config.option.pbi_url:
        _contract_run(config)
        config.args = [*(config.args if _asked_for_tests(config) else []), contract.RULES_FILE]


def _asked_for_tests(config: pytest.Config) -> bool:
    return config.args_source is pytest.Config.ArgsSource.ARGS


def _contract_run(config: pytest.Config) -> "contract.ContractRun":
    """The run of the contract that this pytest run is, or holds; made when it is first needed."""
    run = config.pluginmanager.get_plugin(CONTRACT_RUN)
    if run is None:
        try:
            run = contract.ContractRun(contract.Settings.of(config.option.pbi_url, config.option))
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None
        config.pluginmanager.register(run, CONTRACT_RUN)
    assert isinstance(run, contract.ContractRun)
    return run


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `pbi_page` and `pbi_rule` is one for each rule."""
    if {"pbi_page", "pbi_rule"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("pbi_page", "pbi_rule"), _contract_run(metafunc.config).cases(metafunc.cls))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the JSON report of a contract run, also of one that ended early."""
    run = session.config.pluginmanager.get_plugin(CONTRACT_RUN)
    if run and run.settings.json and run.pages and not hasattr(session.config, "workerinput"):
        settings, pages = run.settings, list(run.pages.values())
        report.write_json(settings.json, pages, int(exitstatus), seed=settings.seed, single=settings.single)


@pytest.fixture(scope="session")
def pbi_adapter() -> "contract.Adapter | None":
    """Override it in your conftest.py with one that returns a harness.contract.Adapter, for pytest --pbi-url. DevToolsSession scope."""
    return None


@pytest.fixture
def pbi_contract(
    request: pytest.FixtureRequest, pbi_session: "stage.HarnessSession", pbi_adapter: "contract.Adapter | None"
) -> "contract.Judge":
    """Judges a page by a rule of the contract. Function scope; the sessions that it needs are shared by the whole run."""
    return contract.Judge(_contract_run(request.config), pbi_session, request.node, pbi_adapter)


@pytest.fixture(scope="session")
def pbi_session(request: pytest.FixtureRequest) -> "Iterator[stage.HarnessSession]":
    """The browser, the engine thread and the certificate that all tests of this process share. DevToolsSession scope."""
    options = request.config.option
    if not hasattr(options, "headed"):
        raise UsageError(
            "pytest-playwright is not loaded; leave '-p no:playwright' out, or load it with "
            "'-p pytest_playwright.pytest_playwright'."
        )
    with stage.HarnessSession(
        request.getfixturevalue("playwright"),
        browser_path=options.pbi_browser,
        headed=options.headed,
        slow_mo=options.slowmo,
    ) as session:
        yield session


@pytest.fixture
def pbi_stage(request: pytest.FixtureRequest, pbi_session: "stage.HarnessSession") -> "Iterator[stage.Stage]":
    """A tab of its own, with its clock, its fake Power BI and its journal. Function scope; about 0.2 s.

    While it lives, Python's own time (`datetime.now()`, `time.time()`) is the virtual one. pytest-playwright's --headed,
    --slowmo, --tracing, --screenshot and --output work for it; a test that failed leaves `journal.jsonl`.
    """
    with pbi_session.stage() as opened, report.Artifacts.of(request).kept(opened, opened.page.context):
        request.node.stash[STAGE] = opened
        yield opened


@pytest.fixture
def pbi_host(pbi_session: "stage.HarnessSession", pbi_stage: "stage.Stage") -> "Iterator[stage.Host]":
    """The local host page server, with a token backend (MSAL) against this test's fake Power BI. Function scope."""
    with pbi_session.host(pbi_stage) as host:
        yield host


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What the user can mend is one sentence, not a traceback of ours; a failure shows the end of its journal."""
    outcome = yield
    if outcome.failed and call.excinfo:
        if isinstance(call.excinfo.value, HarnessError | DurationError):
            outcome.longrepr = f"{_users_line(item, call.excinfo)}{call.excinfo.value}"
        if (opened := item.stash.get(STAGE, None)) and len(opened.journal):
            outcome.sections.append(("pbi journal, last entries", report.last_entries(opened)))
    if call.when == "teardown" and STAGE in item.stash:
        del item.stash[STAGE]  # not kept until the session's end, nor for a second run of the same test
    return outcome


def _users_line(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> str:
    """Where in the user's own test it happened: "test_report.py:12: "."""
    own = [entry for entry in error.traceback if Path(entry.path) == item.path]
    return f"{item.path.name}:{own[-1].lineno + 1}: " if own else ""
