"""The fragments that the rules show: the wrong one breaks its rule, and the right one keeps it.

fixtures/fragments.html is the rest of their page.
"""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from harness.contract import RULES, PageUnderTest, Verdict, Watch, judge
from harness.contract.fragments import NAMES
from harness.stage.session import HarnessSession

PAGE = (Path(__file__).resolve().parents[2] / "fixtures/fragments.html").read_text("utf-8")
PLACE = "<script></script>"
"""The place of a fragment in the page."""


def verdict(session: HarnessSession, folder: Path, rule: str, fragment: str) -> Verdict:
    """Return the verdict of a rule on the page with a fragment in it. The page has no error in its names or syntax."""
    (folder / "page.html").write_text(PAGE.replace(PLACE, f"<script>{fragment}</script>"), "utf-8")
    page = PageUnderTest("page", folder=folder, remove="#removeButton", lifetime=timedelta(hours=1))
    watch = Watch(session, page)
    found = judge(RULES[rule], watch)
    errors = [entry["text"] for entry in watch.first.journal.of("page.error")]
    assert not [error for error in errors if re.search("ReferenceError|SyntaxError", error)]
    return found


@pytest.mark.matrix
@pytest.mark.parametrize("rule", RULES)
def test_wrong_fragment_breaks_its_rule(pbi_session: HarnessSession, tmp_path: Path, rule: str) -> None:
    found = verdict(pbi_session, tmp_path, rule, RULES[rule].wrong)

    assert found.is_finding, found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", RULES)
def test_right_fragment_keeps_its_rule(pbi_session: HarnessSession, tmp_path: Path, rule: str) -> None:
    found = verdict(pbi_session, tmp_path, rule, RULES[rule].right)

    assert found.outcome == "passed", found.message


def test_page_of_the_fragments_has_one_place_for_a_fragment() -> None:
    assert PAGE.count(PLACE) == 1


@pytest.mark.parametrize("name", NAMES)
def test_page_of_the_fragments_defines_a_name_that_is_explained(name: str) -> None:
    declared = rf"(let|const|function) [^;=(]*\b{name.removesuffix('()')}\b"

    assert re.search(declared, PAGE) or name == "accessTokenProvider()"  # Only the fragments define a provider.


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("which", ["wrong", "right"])
def test_fragment_has_3_to_12_short_lines(rule: str, which: str) -> None:
    lines = getattr(RULES[rule], which).splitlines()

    assert 3 <= len(lines) <= 12
    assert max(map(len, lines)) <= 100
