"""The command `pbi-harness verify`: judge pages by the contract, and print the verdicts."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import commands, contract
from harness.commands.files import expect_writable
from harness.contract.options import add_options

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]

BUILT_IN = ("article_manual", "article_provider", "reference")
"""The host pages that are judged if no URL is given: the article's two pages, and the reference page."""

_EPILOG = """\
examples:
  pbi-harness verify
      judge the built-in pages, to see what a run looks like
  pbi-harness verify http://localhost:3000/report
      judge your app with its own backend; the harness finds the token requests
  pbi-harness verify http://localhost:3000/report --token-url '*/api/embed-token*=embed' --answer-tokens
      judge a front end alone; the fake Power BI answers the token requests as GenerateToken does
  pbi-harness verify URL --only LIFE,WAKE-4 --json verdicts.json
      judge by some rules only, and write the verdicts as JSON

exit codes: 0 all is well, 1 a rule that must hold failed (with --strict also a warning), 2 interrupted,
3 a page could not be judged, 4 wrong usage
"""


def add_verify(subparsers: "Commands") -> None:
    """Add the subcommand `verify` to the parser of `pbi-harness`."""
    parser = subparsers.add_parser(
        "verify",
        help="judge pages by the refresh contract",
        description="Open each page in a real browser with a fake Power BI, and judge it by the refresh contract "
        "(docs/contract.md).\nWithout a URL, the built-in pages are judged, and each verdict has to be as expected.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("urls", nargs="*", metavar="URL", help="the address of a page; its app has to be running")
    add_options(parser.add_argument, "--")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts as JUnit XML")
    parser.add_argument("--headed", action="store_true", help="show the browser")
    parser.add_argument(
        "--pbi-browser",
        type=Path,
        metavar="PATH",
        help="the browser to judge in (default: see 'pbi-harness setup --help')",
    )
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    for option, path in (("--json", arguments.pbi_json), ("--junit", arguments.junit)):
        expect_writable(option, path)
    settings = contract.Settings.of(arguments.urls, arguments)
    if settings.record:
        contract.prepare_folder(settings.record)
    if not arguments.urls:
        built_in = [contract.PageUnderTest(name) for name in BUILT_IN]
        settings = replace(settings, pages=built_in, expected=contract.expected_findings())
    options = ["--headed"] if arguments.headed else []
    if arguments.pbi_browser:
        options.append(f"--pbi-browser={arguments.pbi_browser}")
    if arguments.junit:
        options += [f"--junitxml={arguments.junit.absolute()}", "-o", "junit_family=xunit1"]
    return commands.run_contract(settings, options)
