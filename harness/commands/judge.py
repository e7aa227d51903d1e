"""The command `pbi-harness judge`: judge recorded pages again, without a browser."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import contract, report
from harness.commands.files import expect_writable
from harness.contract.options import add_options
from harness.contract.settings import GivenOptions

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]

_EPILOG = """\
examples:
  pbi-harness verify http://localhost:3000/report --record recordings
      judge a page, and keep the journals of its visits
  pbi-harness judge recordings
      judge the same visits again, in milliseconds
  pbi-harness judge recordings --only LIFE-1 --json verdicts.json
      judge by one rule, and write the verdicts as JSON

exit codes: 0 all is well, 1 a rule that must hold failed (with --strict also a warning), 2 interrupted,
4 wrong usage, or a recording that cannot be read
"""


def add_judge(subparsers: "Commands") -> None:
    """Add the subcommand `judge` to the parser of `pbi-harness`."""
    parser = subparsers.add_parser(
        "judge",
        help="judge recorded pages again, without a browser",
        description="Judge the pages whose visits 'pbi-harness verify --record DIR' recorded. The recordings contain "
        "all that the rules look at,\nso the verdicts are those of the run that recorded them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("folder", metavar="DIR", type=Path, help="the folder with the recordings")
    add_options(parser.add_argument, "--", only=("only", "skip", "strict", "json"))
    parser.set_defaults(run=_judge)


def _judge(arguments: argparse.Namespace) -> int:
    expect_writable("--json", arguments.pbi_json)
    rules = GivenOptions(arguments).rules()
    pages = contract.read_pages(arguments.folder)
    terminal = report.TerminalReport(sys.stdout)
    reports = contract.judge_again(pages, rules, terminal, strict=arguments.pbi_strict)
    built_in = all(page.page.url is None for page in pages)
    terminal.ended(reports, complete=True, has_expectation=built_in, seed=pages[0].seed)
    code = int(any(rule.fails for page in reports for rule in page.rules))
    if arguments.pbi_json:
        single = len(pages) == 1 and not built_in
        report.write_report(Path(arguments.pbi_json), reports, code, seed=pages[0].seed, single=single)
    return code
