"""Whether the contract finds what is wrong with a page, all of it and nothing else: pages broken as real teams break them."""

import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from harness.contract import RULES, PageUnderTest, Scenarios, Verdict, judge
from harness.contract.findings import Expectation
from harness.session import HarnessSession

FOLDER = Path(__file__).resolve().parent.parent / "fixtures/broken"
HOSTS = FOLDER.parent / "hosts"
Record = Callable[[str, object], None]
GOOD = {
    # No catch, no guard, no look at the answer, and a margin that a slow client clock uses up: the article leaves these open.
    "article_manual": {"FAIL-3": "warned", "FAIL-4": "failed", "SKEW-1": "warned", "CLEAN-1": "warned"},
}
"""What good pages get all the same."""


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


def findings(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {id: verdict.outcome for id, verdict in verdicts.items() if verdict.is_finding}


def outcomes(page: str, verdicts: dict[str, Verdict]) -> dict[str, object]:
    """A row of the matrix that conftest.py prints."""
    return {"page": page, "outcomes": {id: verdict.outcome for id, verdict in verdicts.items()}}


def difference(expected: dict[str, Expectation], verdicts: dict[str, Verdict]) -> str:
    """Rule by rule: what was wanted and why, what came and why. All findings are listed; a ! stands where they differ."""
    lines = []
    for id, verdict in verdicts.items():
        wanted = expected[id].outcome if id in expected else "no finding"
        reason = f" ({expected[id].reason})" if id in expected else ""
        came = verdict.outcome if verdict.is_finding else "no finding"
        if wanted == came == "no finding":
            continue
        mark = " " if wanted == came else "!"
        lines.append(f"{mark} {id}: expected {wanted}{reason}")
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


@pytest.mark.matrix
@pytest.mark.parametrize("page", EXPECTED)
def test_broken_page_gets_exactly_its_findings(pbi_session: HarnessSession, record_property: Record, page: str) -> None:
    expected = EXPECTED[page].findings
    found = verdicts(pbi_session, page)
    record_property("outcomes", outcomes(page, found))
    if findings(found) != {id: wanted.outcome for id, wanted in expected.items()}:
        pytest.fail(f"{page}:\n{difference(expected, found)}", pytrace=False)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if page == "reference" else [pytest.mark.matrix])
        for page in sorted(path.stem for path in HOSTS.glob("*.html"))
    ],
)
def test_good_page_gets_no_false_alarm(pbi_session: HarnessSession, record_property: Record, page: str) -> None:
    found = verdicts(pbi_session, page)
    record_property("outcomes", outcomes(page, found))
    assert findings(found) == GOOD.get(page, {}), difference({}, found)
    assert not [verdict.message for verdict in found.values() if "could not wait" in verdict.message]


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
