"""The contract finds everything that is wrong with a page, and nothing else.

The broken pages of fixtures/broken have the mistakes of real teams. fixtures/matrix.txt has the outcome of every rule
on every page; fixtures/broken/expected.toml has the reason for each finding.
"""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import matrix
import pytest

from harness.contract import RULES, PageUnderTest, Verdict, Watch, judge, prepare_folder
from harness.contract.findings import Expectation, expected_findings
from harness.contract.observations import EVERY_VISIT
from harness.contract.recording import Recorder
from harness.stage.session import HarnessSession

FOLDER = Path(__file__).resolve().parents[2] / "fixtures/broken"
HOSTS = FOLDER.parent / "hosts"
BEGINNING_OF_EMBED_TOKENS = b"H4sI"
"""The base64 of the first three bytes of gzip data."""
Record = Callable[[str, object], None]
PAGES = sorted(path.stem for folder in (FOLDER, HOSTS) for path in folder.glob("*.html"))
MATRIX = matrix.expected()


@dataclass(frozen=True)
class Expected:
    """The findings that a broken page has to get. `root` is the rule that the page's mistake breaks first."""

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
"""Page -> rule id -> the finding that a built-in page has to get. Only the first page of the article has any."""
FINDINGS = BUILT_IN | {page: expected.findings for page, expected in EXPECTED.items()}
"""Page -> rule id -> the finding that any page has to get."""


def verdicts(
    session: HarnessSession, page: str, rules: Iterable[str] = RULES, lifetime: timedelta | None = None
) -> dict[str, Verdict]:
    """Return the verdicts of these rules on a page, in the order of the contract."""
    watch = watch_over(session, page, lifetime)
    return {id: judge(RULES[id], watch) for id in rules}


def watch_over(session: HarnessSession, page: str, lifetime: timedelta | None = None) -> Watch:
    """Return the watch over a page."""
    return Watch(session, PageUnderTest(page, remove="#remove" if is_removable(page) else None, lifetime=lifetime))


def is_removable(page: str) -> bool:
    """Return whether a page has a button that removes an item."""
    files = [folder / f"{page}.html" for folder in (FOLDER, HOSTS)]
    return any(re.search(r'id(=|: )"remove"', file.read_text("utf-8")) for file in files if file.exists())


def outcomes(verdicts: dict[str, Verdict]) -> matrix.Outcomes:
    """Return the outcome of each verdict."""
    return {id: verdict.outcome for id, verdict in verdicts.items()}


def difference(page: str, verdicts: dict[str, Verdict]) -> str:
    """Return a text that compares the verdicts on a page with its row of the matrix.

    The text lists all findings and all differences, each with the reason; a ! marks a difference.
    """
    reasons = {id: f" ({found.reason})" for id, found in FINDINGS.get(page, {}).items()}
    lines = []
    for id, verdict in verdicts.items():
        expected = MATRIX.get(page, {}).get(id, "nothing: fixtures/matrix.txt has no row for the page")
        if verdict.is_finding or expected != verdict.outcome:
            mark = " " if expected == verdict.outcome else "!"
            lines.append(f"{mark} {id}: expected {expected}{reasons.get(id, '')}")
            lines.append(f"  {' ' * len(id)}  got {verdict.outcome}: {verdict.message}")
    return "\n".join(lines)


ONE_LIFETIME = timedelta(minutes=60)
"""The lifetime for tests that judge one rule; the matrix takes all lifetimes."""


def _one_page_per_scenario() -> list[str]:
    """Return a page for each scenario whose visits show a page's mistake to the rule that the mistake breaks."""
    last = {page: RULES[expected.root].requires[-1] for page, expected in EXPECTED.items()}
    return sorted({scenario: page for page, scenario in last.items() if scenario != EVERY_VISIT}.values())


@pytest.mark.parametrize("page", _one_page_per_scenario())
def test_visits_show_a_rule_the_mistake_of_a_page_that_breaks_it(pbi_session: HarnessSession, page: str) -> None:
    root = EXPECTED[page].root
    (verdict,) = verdicts(pbi_session, page, [root], ONE_LIFETIME).values()
    assert verdict.outcome == EXPECTED[page].findings[root].outcome, verdict.message
    assert verdict.message


@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=[] if page == "reference" else [pytest.mark.matrix]) for page in PAGES]
)
def test_outcomes_of_a_page_are_its_row_of_the_matrix(
    pbi_session: HarnessSession, record_property: Record, page: str
) -> None:
    watch, folder = watch_over(pbi_session, page), matrix.RECORDINGS / page
    prepare_folder(folder)
    watch.on_observed = Recorder(folder, watch.page, seed=watch.seed, thorough=watch.thorough).write
    found = {id: judge(rule, watch) for id, rule in RULES.items()}
    record_property("outcomes", {"page": page, "outcomes": outcomes(found)})
    if outcomes(found) != MATRIX.get(page):
        pytest.fail(f"{page}:\n{difference(page, found)}", pytrace=False)
    if page not in EXPECTED:
        assert not [verdict.message for verdict in found.values() if "could not wait" in verdict.message]
    assert matrix.judged_again(page) == found
    assert not [path for path in folder.rglob("*.jsonl") if BEGINNING_OF_EMBED_TOKENS in path.read_bytes()]


@pytest.mark.rejudge
@pytest.mark.parametrize("page", PAGES)
def test_outcomes_of_a_recorded_page_are_its_row_of_the_matrix(record_property: Record, page: str) -> None:
    if not (matrix.RECORDINGS / page).exists():
        pytest.fail(f"There is no recording of {page}. Run make matrix.", pytrace=False)
    found = matrix.judged_again(page)
    record_property("outcomes", {"page": page, "outcomes": outcomes(found)})
    if outcomes(found) != MATRIX.get(page):
        pytest.fail(f"{page}:\n{difference(page, found)}", pytrace=False)


def test_matrix_file_has_the_format_that_the_tests_print() -> None:
    assert matrix.FILE.read_text("utf-8").splitlines() == list(matrix.lines(MATRIX))


def test_matrix_file_has_a_row_for_every_page() -> None:
    assert list(MATRIX) == PAGES


@pytest.mark.parametrize("page", MATRIX)
def test_every_finding_in_the_matrix_has_a_reason(page: str) -> None:
    explained = {id: found.outcome for id, found in FINDINGS.get(page, {}).items()}
    assert {id: outcome for id, outcome in MATRIX[page].items() if outcome in ("failed", "warned")} == explained


@pytest.mark.parametrize("rule", RULES)
def test_at_least_two_broken_pages_break_each_rule(rule: str) -> None:
    assert [page.root for page in EXPECTED.values()].count(rule) >= 2


def test_every_broken_page_has_an_expectation_and_every_expectation_a_page() -> None:
    assert {path.stem for path in FOLDER.glob("*.html")} == set(EXPECTED)


@pytest.mark.parametrize("page", EXPECTED)
def test_the_first_finding_of_a_broken_page_is_its_root(page: str) -> None:
    expected = EXPECTED[page]
    assert next(iter(expected.findings)) == expected.root
    assert expected.findings.keys() <= RULES.keys()


@pytest.mark.parametrize("page", EXPECTED)
def test_broken_page_begins_with_a_comment_about_its_mistake(page: str) -> None:
    assert (FOLDER / f"{page}.html").read_text("utf-8").startswith("<!--\n")


def test_a_finding_is_skipped_when_the_clock_could_not_wait_for_a_browser_call(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    """The skip also covers a finding without evidence: something may have happened if the clock had waited."""
    text = (FOLDER / "never_renews.html").read_text("utf-8")
    endless = "caches.open('c').then((cache) => cache.put('/x', new Response(new ReadableStream({}))));"
    (tmp_path / "page.html").write_text(text.replace("<script>", f"<script>{endless}", 1), "utf-8")

    page = PageUnderTest("page", folder=tmp_path, lifetime=timedelta(minutes=60))
    scenarios = Watch(pbi_session, page)
    verdict = judge(RULES["LIFE-1"], scenarios)

    assert verdict.outcome == "skipped"
    assert verdict.message.startswith("The clock could not wait for Cache.put at 00:0")
