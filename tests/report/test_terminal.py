"""The verdicts in a terminal and in a CI log."""

import io
import re

import pytest

from harness.contract import RULES, Finding, Verdict
from harness.contract.reports import PageReport, rule_report
from harness.report.terminal import TerminalReport

CLEAR = "\r\x1b[2K"
TITLE = "the token endpoint answers HTML, cut JSON, JSON without a token for 2 min"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def printed(out: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, columns: int = 80) -> list[str]:
    """Return the lines that are printed for one visit and one finding."""
    monkeypatch.setenv("COLUMNS", str(columns))
    rule = RULES["FAIL-4"]
    finding = Finding("page", rule, Verdict("failed", "No other came."))
    report = TerminalReport(out)
    report.scenario("page", rule.id, TITLE)
    report.found(PageReport("page", None), rule_report(finding, []))
    return out.getvalue().split("\n")


@pytest.fixture(autouse=True)
def in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_terminal_shows_the_visit_in_progress_in_one_line(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    *_, line = [line for line in printed(Terminal(), monkeypatch, columns=columns) if "…" in line]
    _, in_progress, verdict = line.split(CLEAR)

    plain = re.sub(r"\x1b\[\d+m", "", in_progress)
    assert plain.startswith("  … FAIL-4: the token endpoint answers HTML")
    assert plain.endswith(TITLE) == (columns == 200)
    assert len(plain) < columns
    assert verdict.startswith("  \x1b[31mfailed  \x1b[0m FAIL-4   No other came.")


def test_log_has_no_colour_and_no_visit_in_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(printed(io.StringIO(), monkeypatch))

    assert "  failed   FAIL-4   No other came.\n" in text
    assert "\x1b" not in text
    assert TITLE not in text


def test_variable_no_color_turns_colours_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b[31m" not in "\n".join(printed(Terminal(), monkeypatch))
