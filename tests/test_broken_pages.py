"""Whether the contract finds what is wrong with a page, all of it and nothing else: pages broken as real teams break them."""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import matrix
import pytest

from harness.contract import RULES, PageUnderTest, Scenarios, Verdict, judge
from harness.contract.findings import Expectation, expected_findings
from harness.stage.session import HarnessSession

FOLDER = Path(__file__).resolve().parent.parent / "fixtures/broken"
HOSTS = FOLDER.parent / "hosts"
Record = Callable[[str, object], None]
PAGES = sorted(path.stem for folder in (FOLDER, HOSTS) for path in folder.glob("*.html"))
MATRIX = matrix.wanted()


@dataclass(frozen=True)
class Expected:
    root: str
    findings: dict[str, Expectation]


def _expected() -> dict[str, Expected]:
    pages = tomllib.loads((FOLDER / "expected.toml").read_text("utf-8"))
    return {
        name: Expected(page.pop("root"), {id: Expectation(**found) for id, found in page.items()})
        for name, page in pages.items()
    }


EXPECTED = _expected()
BUILT_IN = {
    page: {id: found for id, found in expected.items() if found.outcome != "skipped"}
    for page, expected in expected_findings().items()
}
"""Good pages, of which the article's first leaves some things open."""
FINDINGS = BUILT_IN | {page: expected.findings for page, expected in EXPECTED.items()}


def verdicts(
    session: HarnessSession, page: str, rules: Iterable[str] = RULES, lifetime: timedelta | None = None
) -> dict[str, Verdict]:
    """What these rules say of a page, in the contract's order."""
    remove = "#remove" if is_removable(page) else None
    scenarios = Scenarios(session, PageUnderTest(page, remove=remove, lifetime=lifetime))
    return {id: judge(RULES[id], scenarios) for id in rules}


def is_removable(page: str) -> bool:
    """Whether a page of ours has a button that removes an item."""
    files = [folder / f"{page}.html" for folder in (FOLDER, HOSTS)]
    return any(re.search(r'id(=|: )"remove"', file.read_text("utf-8")) for file in files if file.exists())


def outcomes(verdicts: dict[str, Verdict]) -> matrix.Outcomes:
    return {id: verdict.outcome for id, verdict in verdicts.items()}


def difference(page: str, verdicts: dict[str, Verdict]) -> str:
    """Rule by rule: what was wanted and why, what came and why. All findings are listed; a ! stands where they differ."""
    reasons = {id: f" ({found.reason})" for id, found in FINDINGS.get(page, {}).items()}
    lines = []
    for id, verdict in verdicts.items():
        wanted = MATRIX.get(page, {}).get(id, "nothing, for want of a row in fixtures/matrix.txt")
        if verdict.is_finding or wanted != verdict.outcome:
            mark = " " if wanted == verdict.outcome else "!"
            lines.append(f"{mark} {id}: expected {wanted}{reasons.get(id, '')}")
            lines.append(f"  {' ' * len(id)}  came {verdict.outcome}: {verdict.message}")
    return "\n".join(lines)


ONE_LIFETIME = timedelta(minutes=60)
"""The matrix takes them all."""


def _one_of_each_rule() -> list[str]:
    pages: dict[str, str] = {}
    for page, expected in EXPECTED.items():
        pages.setdefault(expected.root, page)
    return sorted(pages.values())


@pytest.mark.parametrize("page", _one_of_each_rule())
def test_rule_finds_what_it_is_about(pbi_session: HarnessSession, page: str) -> None:
    root = EXPECTED[page].root
    (verdict,) = verdicts(pbi_session, page, [root], ONE_LIFETIME).values()
    assert verdict.outcome == EXPECTED[page].findings[root].outcome, verdict.message
    assert verdict.message


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[] if page == "reference" else [pytest.mark.matrix]) for page in PAGES]
)
def test_page_gets_its_row_of_the_matrix(pbi_session: HarnessSession, record_property: Record, page: str) -> None:
    found = verdicts(pbi_session, page)
    record_property("outcomes", {"page": page, "outcomes": outcomes(found)})
    if outcomes(found) != MATRIX.get(page):
        pytest.fail(f"{page}:\n{difference(page, found)}", pytrace=False)
    if page not in EXPECTED:
        assert not [verdict.message for verdict in found.values() if "could not wait" in verdict.message]


def test_matrix_is_as_it_is_printed() -> None:
    assert matrix.FILE.read_text("utf-8").splitlines() == list(matrix.lines(MATRIX))


def test_matrix_has_every_page() -> None:
    assert list(MATRIX) == PAGES


@pytest.mark.parametrize("page", MATRIX)
def test_findings_of_the_matrix_have_their_reasons(page: str) -> None:
    explained = {id: found.outcome for id, found in FINDINGS.get(page, {}).items()}
    assert {id: outcome for id, outcome in MATRIX[page].items() if outcome in ("failed", "warned")} == explained


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_two_pages_that_break_it(rule: str) -> None:
    assert [page.root for page in EXPECTED.values()].count(rule) >= 2


def test_every_page_is_expected_and_every_expectation_has_its_page() -> None:
    assert {path.stem for path in FOLDER.glob("*.html")} == set(EXPECTED)


@pytest.mark.parametrize("page", EXPECTED)
def test_expectation_begins_with_its_root(page: str) -> None:
    expected = EXPECTED[page]
    assert next(iter(expected.findings)) == expected.root
    assert expected.findings.keys() <= RULES.keys()


@pytest.mark.parametrize("page", EXPECTED)
def test_page_says_what_is_wrong_with_it(page: str) -> None:
    assert (FOLDER / f"{page}.html").read_text("utf-8").startswith("<!--\n")


def test_nothing_is_judged_where_the_clock_could_not_wait(pbi_session: HarnessSession, tmp_path: Path) -> None:
    """Neither what was seen after that, nor that something was not seen."""
    text = (FOLDER / "never_renews.html").read_text("utf-8")
    endless = "caches.open('c').then((cache) => cache.put('/x', new Response(new ReadableStream({}))));"
    (tmp_path / "page.html").write_text(text.replace("<script>", f"<script>{endless}", 1), "utf-8")

    page = PageUnderTest("page", folder=tmp_path, lifetime=timedelta(minutes=60))
    scenarios = Scenarios(pbi_session, page)
    verdict = judge(RULES["LIFE-1"], scenarios)

    assert verdict.outcome == "skipped"
    assert verdict.message.startswith("The clock could not wait for Cache.put at 00:0")
    assert scenarios.lost_to_the_clock([]).startswith("Cache.put")
