"""`pbi-harness verify`: pytest, run on the contract's own file, with the verdicts written for people."""

import argparse
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import commands, contract
from harness.base.errors import UsageError
from harness.contract.options import add_options

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]

BUILT_IN = ("article_manual", "article_provider", "reference")
"""The article's two pages, and the best page we know how to write."""

_EPILOG = """\
examples:
  pbi-harness verify
      the article's two pages and a reference page: shows what a run looks like
  pbi-harness verify http://localhost:3000/report
      your app, with its own backend; the token requests are found by themselves
  pbi-harness verify http://localhost:3000/report --token-url '*/api/embed-token*=embed' --answer-tokens
      the front end alone: the fake answers its token requests as GenerateToken does
  pbi-harness verify URL --only LIFE,WAKE-4 --json verdicts.json

exit codes: 0 all is well, 1 a rule that must hold failed (with --strict also a warning), 2 interrupted,
3 a page could not be judged, 4 wrong usage
"""


def add_verify(subparsers: "Commands") -> None:
    parser = subparsers.add_parser(
        "verify",
        help="judge pages by the refresh contract",
        description="Open each page in a real browser against the fake Power BI, and judge it by the refresh contract "
        "(docs/contract.md). Without a URL the built-in pages are judged, and have to get exactly what is expected of them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("urls", nargs="*", metavar="URL", help="the page of an app that is running")
    add_options(parser.add_argument, "--")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the verdicts as JUnit XML")
    parser.add_argument("--headed", action="store_true", help="show the browser")
    parser.add_argument("--pbi-browser", type=Path, metavar="PATH", help="the browser to use (see setup)")
    parser.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    for option, path in (("--json", arguments.pbi_json), ("--junit", arguments.junit)):
        _expect_writable(option, path)
    settings = contract.Settings.of(arguments.urls, arguments)
    if not arguments.urls:
        built_in = [contract.PageUnderTest(name) for name in BUILT_IN]
        settings = replace(settings, pages=built_in, expected=contract.expected_findings())
    options = ["--headed"] if arguments.headed else []
    if arguments.pbi_browser:
        options.append(f"--pbi-browser={arguments.pbi_browser}")
    if arguments.junit:
        options += [f"--junitxml={arguments.junit.absolute()}", "-o", "junit_family=xunit1"]
    return commands.run_contract(settings, options)


def _expect_writable(option: str, name: "str | Path | None") -> None:
    if name is None:
        return
    path = Path(name)
    if not path.absolute().parent.is_dir():
        raise UsageError(f"{option} names {path}, whose folder does not exist: make it, or name another file.")
    if path.is_dir() or not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise UsageError(f"{option} names {path}, which cannot be written: name another file.")
