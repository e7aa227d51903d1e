"""The matrix: the outcome of each rule on each page.

`fixtures/matrix.txt` has the expected outcomes, in the format in which `make matrix` prints the real ones.
`python tests/matrix.py` takes over the outcomes of the recordings that `make matrix` has left.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.contract import RULES, Verdict, judge_recorded, read_pages

Outcomes = Mapping[str, str]
"""Rule id -> outcome."""

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "fixtures/matrix.txt"
RECORDINGS = ROOT / ".recordings"
"""The folder with the recordings of each page that `make matrix` has judged."""
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
    written = FILE.read_text("utf-8").splitlines()
    heads = [line for line in written if line.startswith(" ")]
    *_, first_row = (line for line in written if not line.startswith(" "))
    places = range(len(first_row) - 2 * len(first_row.split()[1:]) + 1, len(first_row), 2)
    rules = ["".join(head[place : place + 1] for head in heads).strip() for place in places]
    outcomes = {sign: outcome for outcome, sign in SIGNS.items()}
    rows = [line.split() for line in written if not line.startswith(" ")]
    return {page: {rule: outcomes[sign] for rule, sign in zip(rules, signs, strict=True)} for page, *signs in rows}


def judged_again(page: str) -> dict[str, Verdict]:
    """Return the verdicts of all rules on the recordings of a page. Raises `RecordingError` if there are none."""
    (recorded,) = read_pages(RECORDINGS / page)
    return {id: judge_recorded(rule, recorded) for id, rule in RULES.items()}


def main() -> None:
    """Write the outcomes of all recorded pages to the file, and print each change."""
    pages = expected()
    for page in sorted(path.name for path in RECORDINGS.glob("*")):
        before = pages.get(page, {})
        verdicts = judged_again(page)
        for rule, verdict in verdicts.items():
            if before.get(rule) != verdict.outcome:
                was = before.get(rule, "not in the file")
                sys.stdout.write(f"{page} {rule}: {verdict.outcome} (was: {was}). {verdict.message}\n")
        pages[page] = {rule: verdict.outcome for rule, verdict in verdicts.items()}
    if incomplete := [page for page, outcomes in pages.items() if not outcomes.keys() >= RULES.keys()]:
        sys.exit(f"There are no recordings of {', '.join(incomplete)}. Run make matrix, then try again.")
    FILE.write_text("\n".join(lines(pages)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
