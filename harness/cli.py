"""The command `pbi-harness`.

The command starts quickly, because packages such as pytest and Playwright are imported only when a subcommand needs
them.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, NoReturn

from harness.base.errors import HarnessError, UsageError
from harness.commands.explain import add_explain
from harness.commands.judge import add_judge
from harness.commands.setup import add_setup
from harness.commands.verify import add_verify

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["_Parser"]

_EPILOG = """\
start here:
  pbi-harness setup      once: find or install a browser, and install Microsoft's npm packages
  pbi-harness verify     judge the built-in pages by the refresh contract
  pbi-harness explain    list the rules, or explain one of them

look at a verdict again:
  pbi-harness verify URL --record DIR
  pbi-harness judge DIR

use a browser of your own:
  pbi-harness setup --pbi-browser "/opt/google/chrome/chrome"
  PBI_BROWSER=/usr/bin/chromium pbi-harness setup

exit codes: 0 all is well, 1 a check failed, 2 interrupted, 3 the harness could not go on, 4 wrong usage
"""


class _Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError` for wrong usage.

    argparse would end the process with exit code 2, which means "interrupted" here as in pytest.
    """

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with argparse's message."""
        raise UsageError(f"{message}. Try '{self.prog} --help'.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (default: that of this process) and return the exit code.

    An error is printed to stderr, in one or two sentences. `--help` and `--version` raise argparse's `SystemExit(0)`.
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
        sys.stderr.write("pbi-harness: This is a defect of pbi-harness. Please report it with the lines above.\n")
        return HarnessError.exit_code


def _parser() -> _Parser:
    parser = _Parser(
        prog="pbi-harness",
        description="Test how a web app renews the access token of its embedded Power BI.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {version('pbi-harness')}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for add_to in _COMMANDS:
        add_to(commands)
    return parser


# Each function adds a subcommand whose arguments have `run`, a function from the parsed arguments to the exit code.
_COMMANDS: tuple[Callable[["Commands"], None], ...] = (add_setup, add_verify, add_judge, add_explain)


if __name__ == "__main__":
    sys.exit(main())
