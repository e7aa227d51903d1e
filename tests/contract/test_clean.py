"""CLEAN-1, on small journals."""

import pytest
from journals import Visit, verdict

from harness.contract import PageFacts
from harness.contract.observation import Observation
from harness.contract.recording import NotRecorded

OUTAGE = "the token endpoint answers 500 for 2 min"
CAUSE = (
    "The renewal does not catch its errors. Add a catch that lets the next check try again; the updateToken of the "
    "article has none, either."
)


def healthy() -> Visit:
    """Return a healthy visit in which an item was embedded."""
    visit = Visit(facts={"title": "healthy, lifetime 60 min"})
    visit.embed()
    return visit


def outage(scenario: str = "status_500", title: str = OUTAGE) -> Visit:
    """Return a visit in which the token endpoint fails from 50:00 to 52:00."""
    visit = Visit(scenario, facts={"title": title, "is_outage": True})
    visit.embed()
    visit.outage("50:00", "52:00", "50:00")
    return visit


def without_errors() -> list[Observation]:
    """Return a healthy visit and one with an outage, in which no error is uncaught."""
    return [healthy().end("55:00"), outage().end("55:00")]


def test_clean_1_passes_when_no_visit_has_an_uncaught_error() -> None:
    hidden = Visit("hidden")
    hidden.embed()

    found = verdict("CLEAN-1", *without_errors(), hidden.end("10:00"))

    assert (found.outcome, found.message) == ("passed", "No uncaught error in 3 visits.")


@pytest.mark.parametrize(
    ("is_rejection", "kind"), [(False, "uncaught exception"), (True, "unhandled rejection")], ids=["thrown", "rejected"]
)
def test_clean_1_fails_when_a_visit_without_an_outage_has_an_uncaught_error(is_rejection: bool, kind: str) -> None:
    visit = healthy()
    thrown = [
        visit.throw(f"{minute}:00", f"Error: number {minute}\n    at check (page.js:7)", rejection=is_rejection)
        for minute in range(10, 17)
    ]

    found = verdict("CLEAN-1", visit.end("55:00"), outage().end("55:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "failed",
        f"7 uncaught errors (healthy, lifetime 60 min), the first at 10:00: {kind} 'Error: number 10'.",
        "",
    )
    assert found.evidence == thrown[:5]


def test_clean_1_warns_when_a_visit_with_an_outage_has_an_uncaught_error() -> None:
    visit = outage()
    thrown = visit.throw("50:00.2", "TypeError: no token", rejection=True)

    found = verdict("CLEAN-1", healthy().end("55:00"), visit.end("55:00"))

    assert (found.outcome, found.message, found.likely_cause, found.evidence) == (
        "warned",
        f"1 uncaught error ({OUTAGE}), the first at 50:00.200: unhandled rejection 'TypeError: no token'.",
        CAUSE,
        [thrown],
    )


def test_clean_1_warns_of_the_first_of_two_outages_with_an_uncaught_error() -> None:
    first, second = outage(), outage("dropped_connections", "the token endpoint drops connections for 2 min")
    first.throw("50:01", "Error: first")
    second.throw("50:01", "Error: second")

    found = verdict("CLEAN-1", healthy().end("55:00"), first.end("55:00"), second.end("55:00"))

    assert (found.outcome, "'Error: first'" in found.message) == ("warned", True)


def test_clean_1_fails_when_a_visit_without_an_outage_follows_a_warning() -> None:
    first, second = outage(), Visit("hidden")
    first.throw("50:01", "Error: in the outage")
    second.embed()
    second.throw("5:00", "Error: while hidden")

    found = verdict("CLEAN-1", healthy().end("55:00"), first.end("55:00"), second.end("55:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "1 uncaught error (hidden), the first at 05:00: uncaught exception 'Error: while hidden'.",
    )


@pytest.mark.parametrize(
    "text",
    [
        "ResizeObserver loop completed with undelivered notifications.",
        "Error: accessTokenProvider is only supported with the token type Aad",
    ],
)
def test_clean_1_passes_when_an_error_is_harmless_or_that_of_type_1(text: str) -> None:
    visit = healthy()
    visit.throw("10:00", text)

    assert verdict("CLEAN-1", visit.end("55:00"), outage().end("55:00")).outcome == "passed"


def test_clean_1_shortens_the_text_of_the_error() -> None:
    visit = healthy()
    visit.throw("10:00", "x" * 161)

    found = verdict("CLEAN-1", visit.end("55:00"), outage().end("55:00"))

    assert found.message.endswith(f"uncaught exception '{'x' * 159}…'.")


def test_clean_1_names_the_first_of_two_visits_without_an_outage() -> None:
    first, second = healthy(), Visit("hidden")
    first.throw("10:00", "Error: first")
    second.embed()
    second.throw("5:00", "Error: second")

    found = verdict("CLEAN-1", first.end("55:00"), second.end("10:00"), outage().end("55:00"))

    assert (found.outcome, "'Error: first'" in found.message) == ("failed", True)


def test_clean_1_looks_at_an_outage_even_if_no_other_rule_does() -> None:
    with pytest.raises(NotRecorded, match="'status_500'"):
        verdict("CLEAN-1", healthy().end("55:00"))


def test_clean_1_needs_no_outage_when_the_healthy_visit_ended_early() -> None:
    found = verdict("CLEAN-1", healthy().end("10:00", stopped="The page crashed."))

    assert (found.outcome, found.message) == ("passed", "No uncaught error in 1 visit.")


def test_clean_1_judges_a_page_whose_backend_uses_real_time() -> None:
    visit = healthy()
    visit.request("50:00", token="embed-1")
    visit.throw("50:01", "Error: the token is old")
    page = PageFacts("page", "http://localhost:3000", has_own_backend=True)

    assert verdict("CLEAN-1", visit.end("55:00"), outage().end("55:00"), page=page).outcome == "failed"


@pytest.mark.parametrize(("stopped", "message"), [("", "Nothing was embedded (EMB-1)."), ("Too long.", "Too long.")])
def test_clean_1_is_skipped_when_nothing_is_embedded(stopped: str, message: str) -> None:
    visit = Visit()
    visit.throw("1", "Error: no token")

    found = verdict("CLEAN-1", visit.end("0:30", stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", message)


def test_clean_1_is_skipped_when_the_clock_could_not_wait_for_a_call_before_the_error() -> None:
    visit = healthy()
    visit.write("9:00", "clock", what="work without an end", url="", since=visit.expiries["embed-1"], call="fetch()")
    visit.throw("10:00", "TimeoutError: no answer")

    found = verdict("CLEAN-1", visit.end("55:00"), outage().end("55:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The clock could not wait for fetch() at 09:00 (healthy, lifetime 60 min), so this finding may be wrong: 1 "
        "uncaught error (healthy, lifetime 60 min), the first at 10:00: uncaught exception 'TimeoutError: no answer'.",
    )
