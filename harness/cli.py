"""The command `pbi-harness`: thin, and quick to start, as nothing heavy is imported before it is needed."""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from harness.base.errors import HarnessError, UsageError
from harness.commands.setup import add_setup
from harness.commands.verify import add_verify

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


# Each adds its parser, with `run` as a default: a function from the parsed arguments to the exit code.
_COMMANDS: tuple[Callable[["Commands"], None], ...] = (add_setup, add_verify)


if __name__ == "__main__":
    sys.exit(main())
