"""`pbi-harness setup`: install what pip does not bring."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.install import ensure_browser, ensure_npm_packages

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]


def add_setup(subparsers: "Commands") -> None:
    parser = subparsers.add_parser(
        "setup",
        help="install the npm packages and find or install a browser",
        description="Install the npm packages, and find a browser or install Chromium. Safe to repeat.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--pbi-browser",
        type=Path,
        metavar="PATH",
        help="the browser to use: Chrome, Edge or Chromium (default: PBI_BROWSER, Playwright's Chromium, "
        "one found on the system, or else one is installed)",
    )
    parser.set_defaults(run=_setup)


def _setup(arguments: argparse.Namespace) -> int:
    ensure_browser(arguments.pbi_browser, _say)
    ensure_npm_packages(_say)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
