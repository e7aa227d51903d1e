"""The command `pbi-harness`: thin, and quick to start, as nothing heavy is imported before it is needed."""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from harness.errors import HarnessError, UsageError
from harness.install import ensure_browser, ensure_npm_packages
from harness.verify import add_verify

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["_Parser"]

_EPILOG = """\
start here:
  pbi-harness setup      once: npm packages and a browser; a second time it only looks
  pbi-harness verify     test the built-in host pages against the refresh contract

a browser of your own:
  pbi-harness setup --pbi-browser "/opt/google/chrome/chrome"
  PBI_BROWSER=/usr/bin/chromium pbi-harness setup

exit codes: 0 all is well, 1 a check failed, 2 interrupted, 3 the harness could not go on, 4 wrong usage
"""


class _Parser(argparse.ArgumentParser):
    """A parser that raises where argparse would print its usage and end the process with pytest's "interrupted"."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. Try '{self.prog} --help'.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: the process's own) and return the exit code.

    What goes wrong is one sentence on stderr. `--help` ends with argparse's `SystemExit(0)`.
    """
    try:
        arguments = _parser().parse_args(argv)
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except HarnessError as error:
        sys.stderr.write(f"pbi-harness: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        sys.stderr.write("pbi-harness: interrupted\n")
        return 2
    except Exception:
        traceback.print_exc()
        sys.stderr.write("pbi-harness: this is a defect of the harness; please report it with the lines above\n")
        return HarnessError.exit_code


def _parser() -> _Parser:
    parser = _Parser(
        prog="pbi-harness",
        description="Test how a web app renews the access token of its embedded Power BI.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add_to in _COMMANDS:
        add_to(commands)
    return parser


def _add_setup(commands: "Commands") -> None:
    parser = commands.add_parser(
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


# Each adds its parser, with `run` as a default: a function from the parsed arguments to the exit code.
_COMMANDS: tuple[Callable[["Commands"], None], ...] = (_add_setup, add_verify)


if __name__ == "__main__":
    sys.exit(main())
