"""The matrix: the outcome of each rule on each page.

`fixtures/matrix.txt` has the expected outcomes, in the format in which `make matrix` prints the real ones.
"""

from collections.abc import Iterator, Mapping
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


def expected() -> dict[str, Outcomes]:
    """Return page -> rule id -> expected outcome, read from `fixtures/matrix.txt`."""
    outcomes = {sign: outcome for outcome, sign in SIGNS.items()}
    rows = [line.split() for line in FILE.read_text("utf-8").splitlines() if not line.startswith(" ")]
    return {page: {rule: outcomes[sign] for rule, sign in zip(RULES, signs, strict=True)} for page, *signs in rows}
