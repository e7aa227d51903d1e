"""The command `pbi-harness explain`: print what rules demand, and how to fix a page that breaks them."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from harness import contract, report
from harness.base.errors import UsageError

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[Any]

_EPILOG = """\
examples:
  pbi-harness explain
      list all rules
  pbi-harness explain FAIL-4
      explain a rule
  pbi-harness explain LIFE wake-4
      explain the rules of a family, and one more rule

exit codes: 0 all is well, 4 wrong usage, such as a rule that does not exist
"""


def add_explain(subparsers: "Commands") -> None:
    """Add the subcommand `explain` to the parser of `pbi-harness`."""
    parser = subparsers.add_parser(
        "explain",
        help="print what a rule demands, why, and how to fix a page that breaks it",
        description="Print what rules demand, why, how they are observed, and a wrong and a right fragment of a page.\n"
        "Without a rule, all rules are listed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "rules", nargs="*", metavar="RULE", help="the id of a rule (FAIL-4), or a family of rules (FAIL)"
    )
    parser.set_defaults(run=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    rules: dict[str, contract.Rule] = {}
    for name in arguments.rules:
        named = contract.rules_named(name)
        if not named:
            raise UsageError(f"There is no rule and no family {name!r}: the rules are {', '.join(contract.RULES)}.")
        rules |= {rule.id: rule for rule in named}
    if rules:
        report.print_explanations(list(rules.values()), sys.stdout)
    else:
        report.print_rules(sys.stdout)
    return 0
