"""The matrix: the outcome of each rule on each page.

`fixtures/matrix.txt` has the expected outcomes, in the format in which `make matrix` prints the real ones.
`python tests/matrix.py` puts its rows in order, and adds the column of a new rule.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness.contract import RULES

Outcomes = Mapping[str, str]
"""Rule id -> outcome."""

FILE = Path(__file__).resolve().parent.parent / "fixtures/matrix.txt"
SIGNS = {"passed": "·", "failed": "F", "warned": "w", "skipped": "-"}


def lines(pages: Mapping[str, Outcomes]) -> Iterator[str]:
    """Yield the lines of a matrix: the rule ids, written from top to bottom, and a row for each page."""
    wide = max(map(len, pages))
    for letters in zip(*(rule.ljust(max(map(len, RULES))) for rule in RULES), strict=True):
        yield f"{'':{wide}}  {' '.join(letters)}".rstrip()
    for page, outcomes in sorted(pages.items()):
        yield f"{page:{wide}}  {' '.join(SIGNS[outcomes[rule]] for rule in RULES)}"


def expected(rules: Sequence[str] = tuple(RULES)) -> dict[str, Outcomes]:
    """Return page -> rule id -> expected outcome, read from `fixtures/matrix.txt`, whose columns are these rules."""
    outcomes = {sign: outcome for outcome, sign in SIGNS.items()}
    rows = [line.split() for line in FILE.read_text("utf-8").splitlines() if not line.startswith(" ")]
    return {page: {rule: outcomes[sign] for rule, sign in zip(rules, signs, strict=True)} for page, *signs in rows}


def write(pages: Mapping[str, Outcomes]) -> None:
    """Write `fixtures/matrix.txt` with its rows in order."""
    FILE.write_text("\n".join(lines(pages)) + "\n", "utf-8")


def main() -> None:
    """Put the rows of `fixtures/matrix.txt` in order; with the id of a new rule, first add a column of "passed" for it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--new-rule", metavar="RULE", choices=RULES, help="the rule that the file has no column for yet"
    )
    new = parser.parse_args().new_rule
    added = {new: "passed"} if new else {}
    pages = expected([rule for rule in RULES if rule != new])
    write({page: {**outcomes, **added} for page, outcomes in pages.items()})


if __name__ == "__main__":
    main()
