"""Judge pages by the contract: run pytest on the contract's own test file, and print the verdicts."""

import contextlib

import pytest

from harness.base.errors import HarnessError
from harness.browser.guarded_folder import GuardedFolder
from harness.contract.run import RULES_FILE, ContractRun
from harness.contract.settings import Settings
from harness.report.json import write_report
from harness.report.terminal import TerminalReport


def run_contract(settings: Settings, options: list[str]) -> int:
    """Judge the pages of `settings`, print the verdicts, and write the JSON report if `settings` names its file.

    `options` are added to pytest's command line. Returns pytest's exit code, or the exit code of an error that kept a
    page from being judged. Such a `HarnessError` is raised unless `settings.keep_going` is set. Any other exception is
    a defect of the harness, and is always raised.
    """
    terminal = TerminalReport()
    run = ContractRun(settings, terminal)
    with contextlib.closing(GuardedFolder()) as guarded, pytest.MonkeyPatch.context() as environment:
        folder = guarded.path
        ini = folder / "pytest.ini"
        ini.write_text("[pytest]\n")
        plugins = ["-p", "pytest_playwright.pytest_playwright", "-p", "harness.plugin", "-p", "no:cacheprovider"]
        places = [f"--config-file={ini}", f"--rootdir={folder}", f"--output={folder}/artifacts"]
        quiet = ["-p", "no:terminal", "--capture=no"]  # the terminal report prints the verdicts instead
        # Other installed plugins, and variables for other runs, must not change a verdict.
        environment.delenv("PYTEST_ADDOPTS", raising=False)
        environment.delenv("PYTEST_PLUGINS", raising=False)
        arguments = [RULES_FILE, "--disable-plugin-autoload", *plugins, *places, *quiet, *options]
        code = int(pytest.main(arguments, plugins=[run]))
    if run.error:
        code = getattr(run.error, "exit_code", HarnessError.exit_code)
    pages = list(run.pages.values())
    judged = sum(len(page.rules) for page in pages)
    terminal.ended(
        pages,
        complete=judged == len(settings.pages) * len(settings.rules),
        has_expectation=settings.expected is not None,
        seed=settings.seed,
    )
    if settings.json:
        write_report(settings.json, pages, code, seed=settings.seed, single=settings.single)
    if run.error and not (settings.keep_going and isinstance(run.error, HarnessError)):
        raise run.error
    return code
