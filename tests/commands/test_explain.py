"""`pbi-harness explain`: what it prints of the rules, in a terminal and in a log."""

import io
import re

import pytest

from harness import cli
from harness.contract import RULES
from harness.report import print_explanations, print_rules

BOLD, RED, GREEN = "\x1b[1m", "\x1b[31m", "\x1b[32m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def explained(capsys: pytest.CaptureFixture[str], *names: str) -> str:
    """Return what `pbi-harness explain` prints."""
    assert cli.main(["explain", *names]) == 0
    return capsys.readouterr().out


def headings(text: str) -> list[str]:
    """Return the ids of the rules that a text explains."""
    return re.findall(r"^([A-Z]+-\d)$", text, re.MULTILINE)


@pytest.fixture(autouse=True)
def in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_explain_without_a_rule_lists_every_rule_with_its_demand_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")

    lines = explained(capsys).splitlines()

    assert lines == [f"{rule.id:<8}{rule.severity:<8}{rule.demand}" for rule in RULES.values()]


@pytest.mark.parametrize("rule", RULES)
def test_explanation_has_demand_reason_source_and_both_fragments_of_a_rule(
    capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    text = explained(capsys, rule)
    words = " ".join(text.split())

    declared = RULES[rule]
    for part in (declared.demand, declared.why, declared.source, declared.wrong, declared.right):
        assert " ".join(part.split()) in words
    assert headings(text) == [rule]


def test_explanation_says_to_which_pages_a_rule_applies_and_what_happens_in_its_visits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = " ".join(explained(capsys, "FAIL-3", "EMB-1", "LIFE-1").split())

    assert "applies to pages that request their tokens over HTTP" in words
    assert "applies to every page." in words
    assert "applies to every page that embeds an item." in words
    assert "- slow answers: The endpoint takes 45 s for each answer" in words


def test_explanation_says_what_the_names_in_the_fragments_mean_and_no_other_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = explained(capsys, "LIFE-3").partition("Names in the fragments\n")[2].partition("\n\n")[0]

    assert re.findall("`(\\w+(?:\\(\\))?)`:", names) == ["report", "expires", "renew()", "fetchToken()"]


def test_explain_takes_rules_and_families_in_any_letter_case_and_explains_each_rule_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert headings(explained(capsys, "wake-4", "Skew", "WAKE-4", "prov")) == [
        "WAKE-4",
        "SKEW-1",
        *(f"PROV-{number}" for number in range(1, 6)),
    ]


def test_unknown_rule_is_one_sentence_with_the_rules_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "LIFE-1", "LIFE-9"]) == 4

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (f"pbi-harness: There is no rule and no family 'LIFE-9': the rules are {', '.join(RULES)}.\n")


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_explanation_fits_into_the_width_of_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    out = io.StringIO()
    print_explanations([RULES["PROV-5"], RULES["WAKE-4"]], out)
    code = {line.strip() for rule in ("PROV-5", "WAKE-4") for line in RULES[rule].right.splitlines()}

    prose = [line for line in out.getvalue().splitlines() if line.strip() not in code]
    assert columns - 15 < max(map(len, prose)) <= columns


def test_terminal_shows_titles_in_bold_wrong_in_red_and_right_in_green() -> None:
    out = Terminal()
    print_explanations([RULES["LIFE-1"]], out)

    text = out.getvalue()
    assert text.startswith(f"{BOLD}LIFE-1\x1b[0m\n")
    assert f"{RED}Wrong\x1b[0m\n" in text
    assert f"{GREEN}Right\x1b[0m\n" in text


@pytest.mark.parametrize("no_color", [None, "1"])
def test_log_and_variable_no_color_have_no_colours(monkeypatch: pytest.MonkeyPatch, no_color: str | None) -> None:
    out = io.StringIO()
    if no_color:
        out = Terminal()
        monkeypatch.setenv("NO_COLOR", no_color)
    print_explanations([RULES["LIFE-1"]], out)
    print_rules(out)

    assert "\x1b" not in out.getvalue()
