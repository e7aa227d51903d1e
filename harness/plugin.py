"""The pytest plugin: its options and fixtures. A run that uses neither does not notice the plugin."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from harness import contract, report, stage
from harness.base.durations import DurationError
from harness.base.errors import HarnessError, UsageError
from harness.contract.options import CONTRACT_RUN, add_options

STAGE = pytest.StashKey["stage.Stage"]()
"""The stage of a test, for the report of its failure."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options `--pbi-…` to pytest."""
    group = parser.getgroup("pbi", "Power BI embed harness")
    group.addoption(
        "--pbi-browser",
        metavar="PATH",
        type=Path,
        default=None,
        help="the browser: a full Chromium, Chrome or Edge (default: $PBI_BROWSER, else the first browser found)",
    )
    group.addoption(
        "--pbi-url",
        metavar="URL",
        action="append",
        default=[],
        help="judge the page at this address by the refresh contract, in addition to the tests on the command line; "
        "repeatable",
    )
    add_options(group.addoption, "--pbi-")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker `xdist_group`, and with `--pbi-url` add the tests of the contract to the run.

    Raises `pytest.UsageError` if an option is wrong.
    """
    config.addinivalue_line(
        "markers", "xdist_group(name): run all tests of this group in the same process (pytest-xdist)"
    )
    if config.option.pbi_record and not hasattr(config, "workerinput"):
        try:
            contract.prepare_folder(Path(config.option.pbi_record))
        except HarnessError as error:
            raise pytest.UsageError(str(error)) from None
    if config.option.pbi_url:
        _contract_run(config)
        config.args = [*(config.args if _names_tests(config) else []), contract.RULES_FILE]


def _names_tests(config: pytest.Config) -> bool:
    """Return whether the command line names tests."""
    return config.args_source is pytest.Config.ArgsSource.ARGS


def _contract_run(config: pytest.Config) -> "contract.ContractRun":
    """Return the contract run of this pytest run, and make it at the first call.

    Raises `pytest.UsageError` if an option is wrong.
    """
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
    """Run a test that takes `pbi_page` and `pbi_rule` once for each page and rule."""
    if {"pbi_page", "pbi_rule"} <= set(metafunc.fixturenames):
        metafunc.parametrize(("pbi_page", "pbi_rule"), _contract_run(metafunc.config).cases(metafunc.cls))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the JSON report of a contract run, even if the run ended early."""
    run = session.config.pluginmanager.get_plugin(CONTRACT_RUN)
    if run and run.settings.json and run.pages and not hasattr(session.config, "workerinput"):
        settings, pages = run.settings, list(run.pages.values())
        report.write_report(settings.json, pages, int(exitstatus), seed=settings.seed, single=settings.single)


@pytest.fixture(scope="session")
def pbi_adapter() -> "contract.Adapter | None":
    """Return the adapter for pytest --pbi-url: None. Override this fixture to return an Adapter. Session scope."""
    return None


@pytest.fixture
def pbi_contract(
    request: pytest.FixtureRequest, pbi_session: "stage.HarnessSession", pbi_adapter: "contract.Adapter | None"
) -> "contract.Judge":
    """Return a function that judges a page by a rule of the contract. Function scope.

    The visits to the page that a rule needs are shared by all rules of the run.
    """
    return contract.Judge(_contract_run(request.config), pbi_session, request.node, pbi_adapter)


@pytest.fixture(scope="session")
def pbi_session(request: pytest.FixtureRequest) -> "Iterator[stage.HarnessSession]":
    """Return the harness session, which all tests of this process share: a browser, an engine thread, a certificate.

    Session scope.
    """
    options = request.config.option
    if not hasattr(options, "headed"):
        raise UsageError(
            "The plugin pytest-playwright is not loaded. Leave '-p no:playwright' out, or load the plugin with "
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
    """Return a new isolated tab with its clock, its fake Power BI and its journal. Function scope.

    A stage takes about 0.2 s. Until the stage is closed, Python's own clock (`datetime.now()`, `time.time()`) shows
    virtual time. pytest-playwright's options --headed, --slowmo, --tracing, --screenshot and --output apply to the tab.
    A failed test leaves its journal in the file `journal.jsonl`.
    """
    with pbi_session.stage() as opened, report.Artifacts.of(request).kept(opened, opened.page.context):
        request.node.stash[STAGE] = opened
        yield opened


@pytest.fixture
def pbi_host(pbi_session: "stage.HarnessSession", pbi_stage: "stage.Stage") -> "Iterator[stage.Host]":
    """Return a local server with the host pages.

    The server's token backend uses the fake Power BI of `pbi_stage`. Function scope.
    """
    with pbi_session.host(pbi_stage) as host:
        yield host


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report an error that the user can correct as its message, without a traceback, and add the end of the journal."""
    outcome = yield
    if outcome.failed and call.excinfo:
        if isinstance(call.excinfo.value, HarnessError | DurationError):
            outcome.longrepr = f"{_users_line(item, call.excinfo)}{call.excinfo.value}"
        if (opened := item.stash.get(STAGE, None)) and len(opened.journal):
            outcome.sections.append(("pbi journal, last entries", report.last_entries(opened)))
    if call.when == "teardown" and STAGE in item.stash:
        del item.stash[
            STAGE
        ]  # a stage must not be kept until the end of the run, nor for a second run of the same test
    return outcome


def _users_line(item: pytest.Item, error: pytest.ExceptionInfo[BaseException]) -> str:
    """Return the line of the user's test that raised an error, such as "test_report.py:12: ", or an empty string."""
    own = [entry for entry in error.traceback if Path(entry.path) == item.path]
    return f"{item.path.name}:{own[-1].lineno + 1}: " if own else ""
