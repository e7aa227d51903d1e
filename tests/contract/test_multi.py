"""MULTI-1, on small journals."""

from typing import Any

import pytest
from journals import Visit, verdict

from harness.contract.observation import Observation


def several(*neglected: str, items: int = 2, **facts: Any) -> Observation:
    """Return a visit whose items load at once, and are renewed 10 min before each expiry, but for the neglected ones.

    `neglected` are numbers of items that are never renewed.
    """
    visit = Visit()
    for item in map(str, range(1, items + 1)):
        visit.embed("1", token=f"first-{item}", item=item)
        if item in neglected:
            visit.expire(f"first-{item}", item=item)
            continue
        for number in range(1, 4):
            visit.renew(f"{50 * number}:00", f"next-{item}-{number}", item=item)
    return visit.end("3:12:00", **facts)


@pytest.mark.parametrize("items", [2, 3])
def test_multi_1_passes_when_every_item_is_renewed(items: int) -> None:
    found = verdict("MULTI-1", several(items=items))

    assert (found.outcome, found.message) == ("passed", f"All {items} items were renewed over 3.2 lifetimes.")


@pytest.mark.parametrize(
    ("items", "neglected", "message"),
    [
        (2, "2", "1 of 2 items was renewed; the token of item 2 expired at 1:00:01 without a renewal."),
        (3, "1", "2 of 3 items were renewed; the token of item 1 expired at 1:00:01 without a renewal."),
        (
            3,
            "23",
            "1 of 3 items was renewed; the token of item 2 expired at 1:00:01 without a renewal; "
            "the token of item 3 expired at 1:00:01 without a renewal.",
        ),
    ],
)
def test_multi_1_fails_when_some_items_are_renewed_and_others_are_not(items: int, neglected: str, message: str) -> None:
    found = verdict("MULTI-1", several(*neglected, items=items))

    assert (found.outcome, found.message) == ("failed", message)
    assert found.likely_cause.startswith("The page finds one embedded item, keeps one in a variable")
    assert [(entry.kind, entry["item"]) for entry in found.evidence] == [("token.expired", item) for item in neglected]


def test_multi_1_names_the_first_expiry_of_an_item_that_is_renewed_too_late() -> None:
    visit = Visit()
    visit.embed("1", token="embed-0")
    visit.embed("1", token="late-0", item="2")
    for number in range(1, 4):
        visit.renew(f"{50 * number}:00", f"embed-{number}")
        visit.expire(f"late-{number - 1}", item="2")
        visit.renew(f"{61 * number}:00", f"late-{number}", item="2")

    found = verdict("MULTI-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "1 of 2 items was renewed; the token of item 2 expired at 1:00:01 without a renewal.",
    )
    assert [entry["token"] for entry in found.evidence] == ["late-0", "late-1", "late-2"]


def test_multi_1_shows_five_expiries_of_six_neglected_items() -> None:
    found = verdict("MULTI-1", several(*"234567", items=7))

    assert [entry["item"] for entry in found.evidence] == ["2", "3", "4", "5", "6"]


def test_multi_1_is_skipped_when_no_item_is_renewed_in_time() -> None:
    found = verdict("MULTI-1", several("1", "2"))

    assert (found.outcome, found.message) == (
        "skipped",
        "No item was renewed in time, so no item was neglected in favour of another (LIFE-1, LIFE-2).",
    )


def test_multi_1_is_skipped_when_the_visit_ends_early_and_every_item_was_renewed_until_then() -> None:
    stopped = "The page was stopped because it took too long in real time."

    found = verdict("MULTI-1", several(stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", stopped)


def test_multi_1_fails_when_an_item_is_neglected_before_the_visit_ends_early() -> None:
    found = verdict("MULTI-1", several("2", stopped="The page was stopped because it took too long in real time."))

    assert found.outcome == "failed"
    assert "the token of item 2 expired at 1:00:01" in found.message


def test_multi_1_is_skipped_when_one_item_is_chosen() -> None:
    found = verdict("MULTI-1", several("2", chosen="1"))

    assert (found.outcome, found.message) == ("skipped", "--item selects one item to judge.")


def test_multi_1_is_skipped_for_a_page_with_one_item() -> None:
    found = verdict("MULTI-1", several(items=1))

    assert (found.outcome, found.message) == ("skipped", "The page has one item.")


def test_multi_1_is_skipped_when_the_fake_power_bi_does_not_emulate_the_other_item() -> None:
    visit = Visit()
    visit.embed("1")
    visit.request("1", url="https://app.powerbi.com/rdlEmbed?reportId=2", status=404)
    for number in range(1, 4):
        visit.renew(f"{50 * number}:00", f"next-{number}")

    found = verdict("MULTI-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "Only one item on the page can be judged: the fake Power BI does not emulate rdlEmbed.",
    )


TAKE_TURNS = "The page never shows two items at once for long: the items take turns, or one comes late."


@pytest.mark.parametrize(("comes", "outcome"), [("30:00", "failed"), ("30:01", "skipped")])
def test_multi_1_judges_an_item_that_comes_within_half_a_lifetime(comes: str, outcome: str) -> None:
    visit = Visit()
    visit.embed("1", token="embed-1")
    visit.embed(comes, token="late", item="2")
    visit.expire("late", item="2")
    for number in range(1, 4):
        visit.renew(f"{50 * number}:00", f"next-{number}")

    found = verdict("MULTI-1", visit.end("3:12:00"))

    assert found.outcome == outcome
    assert (found.message == TAKE_TURNS) == (outcome == "skipped")


def test_multi_1_is_skipped_when_items_take_turns() -> None:
    visit = Visit()
    for turn in range(13):
        visit.embed(f"{15 * turn}:01", token=f"embed-{turn}", item=str(turn))
        visit.write(f"{15 * turn + 15}:00", "embed.gone", item=str(turn))

    found = verdict("MULTI-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == ("skipped", TAKE_TURNS)


def test_multi_1_passes_when_an_item_goes_before_its_token_expires() -> None:
    visit = Visit()
    visit.embed("1", token="embed-1")
    visit.embed("1", token="brief", item="2")
    visit.write("1:00:00", "embed.gone", item="2")
    visit.expire("brief", item="2")
    for number in range(1, 4):
        visit.renew(f"{50 * number}:00", f"next-{number}")

    found = verdict("MULTI-1", visit.end("3:12:00"))

    assert (found.outcome, found.message) == ("passed", "All 2 items were renewed over 3.2 lifetimes.")
