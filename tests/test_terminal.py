"""The verdicts as a terminal and a CI log show them."""

import io
import re

import pytest

from harness.contract import RULES
from harness.report.terminal import TerminalReport

CLEAR = "\r\x1b[2K"
TITLE = "the token endpoint answers HTML, cut JSON, JSON without a token for 2 min"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, monkeypatch: pytest.MonkeyPatch, *, columns: int = 80) -> list[str]:
    """What is written of one rule and its session, in lines."""
    monkeypatch.setenv("COLUMNS", str(columns))
    rule = RULES["FAIL-4"]
    finding = {"id": rule.id, "outcome": "failed", "message": "No other came.", "likely_cause": "", "basis": rule.basis}
    report = TerminalReport(out)
    report.scenario("page", rule.id, TITLE)
    report.found({"page": "page"}, finding | {"surprise": "", "expected": ""})
    return out.getvalue().split("\n")


@pytest.fixture(autouse=True)
def in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_terminal_shows_what_is_under_way_in_one_line(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    *_, line = [line for line in shown(Screen(), monkeypatch, columns=columns) if "…" in line]
    _, under_way, verdict = line.split(CLEAR)

    plain = re.sub(r"\x1b\[\d+m", "", under_way)
    assert plain.startswith("  … FAIL-4: the token endpoint answers HTML")
    assert plain.endswith(TITLE) == (columns == 200)
    assert len(plain) < columns
    assert verdict.startswith("  \x1b[31mfailed  \x1b[0m FAIL-4   No other came.")


def test_a_log_has_neither_colour_nor_what_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(shown(io.StringIO(), monkeypatch))

    assert "  failed   FAIL-4   No other came.\n" in text
    assert "\x1b" not in text
    assert TITLE not in text


def test_whoever_wants_no_colour_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b[31m" not in "\n".join(shown(Screen(), monkeypatch))
