"""Whether the contract finds what is wrong with a page, all of it and nothing else: pages broken as real teams break them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.contract import RULES, PageUnderTest, Scenarios, Verdict, judge
from harness.contract.findings import Expectation
from harness.session import HarnessSession

FOLDER = Path(__file__).resolve().parent.parent / "fixtures/broken"
GOOD = {
    "article_manual": {"CLEAN-1": "warned"},  # its updateToken has no catch, which an outage shows
    "article_provider": {},
    "reference": {},
}


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


def verdicts(session: HarnessSession, page: str) -> dict[str, Verdict]:
    """What every rule says of a page, in the contract's order."""
    scenarios = Scenarios(session, PageUnderTest(page))
    return {id: judge(rule, scenarios) for id, rule in RULES.items()}


def findings(verdicts: dict[str, Verdict]) -> dict[str, str]:
    return {id: verdict.outcome for id, verdict in verdicts.items() if verdict.outcome in ("failed", "warned")}


def difference(expected: dict[str, Expectation], verdicts: dict[str, Verdict]) -> str:
    """Rule by rule: what was wanted and why, what came and why. All findings are listed; a ! stands where they differ."""
    lines = []
    for id, verdict in verdicts.items():
        wanted = expected[id].outcome if id in expected else "no finding"
        reason = f" ({expected[id].reason})" if id in expected else ""
        came = verdict.outcome if verdict.outcome in ("failed", "warned") else "no finding"
        if wanted == came == "no finding":
            continue
        mark = " " if wanted == came else "!"
        lines.append(f"{mark} {id}: expected {wanted}{reason}")
        lines.append(f"  {' ' * len(id)}  came {verdict.outcome}: {verdict.message}")
    return "\n".join(lines)


def _first_of_each_rule_now_the_others_in_the_matrix() -> list[object]:
    """The first page of each rule in every run; `make matrix` runs them all."""
    seen: set[str] = set()
    cases = []
    for page, expected in EXPECTED.items():
        cases.append(pytest.param(page, marks=[pytest.mark.matrix] if expected.root in seen else []))
        seen.add(expected.root)
    return cases


@pytest.mark.parametrize("page", _first_of_each_rule_now_the_others_in_the_matrix())
def test_broken_page_gets_exactly_its_findings(pbi_session: HarnessSession, page: str) -> None:
    expected = EXPECTED[page].findings
    found = verdicts(pbi_session, page)
    if findings(found) != {id: wanted.outcome for id, wanted in expected.items()}:
        pytest.fail(f"{page}:\n{difference(expected, found)}", pytrace=False)


@pytest.mark.parametrize("page", GOOD)
def test_good_page_gets_no_false_alarm(pbi_session: HarnessSession, page: str) -> None:
    found = verdicts(pbi_session, page)
    assert findings(found) == GOOD[page], difference({}, found)


@pytest.mark.parametrize("rule", RULES)
def test_rule_has_a_page_that_breaks_it(rule: str) -> None:
    assert rule in {page.root for page in EXPECTED.values()}


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
