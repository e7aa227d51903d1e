"""The command `pbi-harness setup`: install what pip does not install, npm packages and a browser."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.commands.install import ensure_browser, ensure_npm_packages

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]


def add_setup(subparsers: "Commands") -> None:
    """Add the subcommand `setup` to the parser of `pbi-harness`."""
    parser = subparsers.add_parser(
        "setup",
        help="find or install a browser, and install Microsoft's npm packages",
        description="Find a browser or install Chromium, and install Microsoft's npm packages. "
        "Anything that is already installed is kept, so this command can be repeated.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--pbi-browser",
        type=Path,
        metavar="PATH",
        help="the browser to check: a full Chromium, Chrome or Edge; then none is installed (default: PBI_BROWSER, "
        "else Playwright's Chromium, else a browser of this system, else Chromium is installed)",
    )
    parser.set_defaults(run=_setup)


def _setup(arguments: argparse.Namespace) -> int:
    ensure_browser(arguments.pbi_browser, _say)
    ensure_npm_packages(_say)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
