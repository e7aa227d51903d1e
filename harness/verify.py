"""`pbi-harness verify`: pytest, run on the contract's own file, with the verdicts written for people."""

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, UsageError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]

BUILT_IN = ("article_manual", "article_provider", "reference")
"""The article's two pages, and the best page we know how to write."""


def add_verify(commands: "Commands") -> None:
    parser = commands.add_parser(
        "verify",
        help="judge the built-in host pages by the refresh contract",
        description="Serve the article's two pages and a reference page, open each in a real browser against the fake "
        "Power BI, and judge them by the refresh contract. Ends with 0 if every verdict is as expected.",
        allow_abbrev=False,
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdicts for programs, too")
    parser.add_argument("--headed", action="store_true", help="show the browser")
    parser.add_argument("--pbi-browser", type=Path, metavar="PATH", help="the browser to use (see setup)")
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    report = arguments.json
    if report and not report.absolute().parent.is_dir():
        raise UsageError(f"--json names {report}, whose folder does not exist: make it, or name another file.")
    if report and (report.is_dir() or not os.access(report if report.exists() else report.absolute().parent, os.W_OK)):
        raise UsageError(f"--json names {report}, which cannot be written: name another file.")
    options = ["--headed"] if arguments.headed else []
    if arguments.pbi_browser:
        options.append(f"--pbi-browser={arguments.pbi_browser}")
    return run_contract(BUILT_IN, options, report)


def run_contract(pages: Sequence[str], options: Sequence[str], report: Path | None) -> int:
    """Judge host pages by all rules; returns pytest's exit code. `report` gets the JSON, however the run ends.

    Raises what kept the harness from going on (`HarnessError`, unless it is a defect of ours).
    """
    import pytest

    from harness.browser import GuardedFolder
    from harness.contract import PageUnderTest, test_rules
    from harness.contract.findings import expected_findings
    from harness.contract.run import ContractRun
    from harness.report.json_report import write_json
    from harness.report.terminal import TerminalReport

    terminal = TerminalReport()
    run = ContractRun([PageUnderTest(page) for page in pages], expected_findings(), terminal)
    with contextlib.closing(GuardedFolder()) as guarded, pytest.MonkeyPatch.context() as environment:
        folder = guarded.path
        ini = folder / "pytest.ini"
        ini.write_text("[pytest]\n")
        plugins = ["-p", "pytest_playwright.pytest_playwright", "-p", "harness.plugin", "-p", "no:cacheprovider"]
        places = [f"--config-file={ini}", f"--rootdir={folder}", f"--output={folder}/artifacts"]
        quiet = ["-qq", "--capture=no", "--no-header", "--no-summary"]
        # Whatever else is installed beside us, or set for other runs, has no say in a verdict.
        environment.delenv("PYTEST_ADDOPTS", raising=False)
        environment.delenv("PYTEST_PLUGINS", raising=False)
        arguments = [test_rules.__file__, "--disable-plugin-autoload", *plugins, *places, *quiet, *options]
        code = int(pytest.main(arguments, plugins=[run]))
    if run.error:
        code = getattr(run.error, "exit_code", HarnessError.exit_code)
    terminal.ended(run.reports.values(), complete=run.complete)
    if report:
        write_json(report, run.reports.values(), code)
    if run.error:
        raise run.error
    return code
