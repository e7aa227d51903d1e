"""DROP-1, on small journals."""

import pytest
from journals import Visit, verdict

from harness.contract import PageFacts, Verdict
from harness.contract.observation import Observation

REMOVABLE = PageFacts("page", can_remove=True)


def embedded(items: int, scenario: str) -> Visit:
    """Return a visit whose items load at once, each with a token of its own."""
    visit = Visit(scenario)
    for item in map(str, range(1, items + 1)):
        visit.embed("1", token=f"first-{item}", item=item)
    return visit


def healthy(items: int = 1, *, more_requests: int = 0) -> Observation:
    """Return a healthy visit whose items are renewed three times. `more_requests` fail before the first renewal."""
    visit = embedded(items, "healthy")
    for _ in range(more_requests):
        visit.request("49:30", status=500)
    for item in map(str, range(1, items + 1)):
        for number in range(1, 4):
            visit.renew(f"{50 * number}:00", f"next-{item}-{number}", item=item)
    return visit.end("3:12:00")


def removal(items: int = 1) -> Visit:
    """Return a visit whose user removes the first item 5 min after loading."""
    visit = embedded(items, "removal")
    visit.write("5:06", "embed.gone", item="1")
    return visit


def renew_the_others(visit: Visit, items: int) -> None:
    """Let the page renew each item but the first twice."""
    for item in map(str, range(2, items + 1)):
        for number in range(1, 3):
            visit.renew(f"{50 * number}:00", f"next-{item}-{number}", item=item)


def judged(first: Observation, visit: Visit) -> Verdict:
    """Return the verdict on a page with a healthy visit and one with a removal, which is watched to its planned end."""
    for hidden, shown in (("2:17:06", "2:18:06"), ("2:18:11", "2:19:11"), ("2:19:16", "2:20:16")):
        visit.away(hidden, shown)
    return verdict("DROP-1", first, visit.end("2:20:21", removed="5:06"), page=REMOVABLE)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (1, "An item was removed at 05:06; after that 0 token requests for 0 remaining items."),
        (2, "An item was removed at 05:06; after that 2 token requests for 1 remaining item."),
        (3, "An item was removed at 05:06; after that 4 token requests for 2 remaining items."),
    ],
)
def test_drop_1_passes_when_only_the_remaining_items_are_renewed(items: int, message: str) -> None:
    visit = removal(items)
    renew_the_others(visit, items)

    found = judged(healthy(items), visit)

    assert (found.outcome, found.message) == ("passed", message)


def test_drop_1_is_skipped_when_the_harness_cannot_remove_an_item() -> None:
    found = verdict("DROP-1", healthy())

    assert found.outcome == "skipped"
    assert found.message.startswith("The harness does not know how to remove an item.")


def test_drop_1_is_skipped_when_the_visit_ends_early() -> None:
    stopped = "The page was stopped because it took too long in real time."

    found = verdict("DROP-1", healthy(), removal().end("50:00", removed="5:06", stopped=stopped), page=REMOVABLE)

    assert (found.outcome, found.message) == ("skipped", stopped)


def test_drop_1_is_skipped_when_nothing_loads_in_the_visit_with_the_removal() -> None:
    found = verdict("DROP-1", healthy(), Visit("removal").end("30"), page=REMOVABLE)

    assert (found.outcome, found.message) == ("skipped", "Nothing was embedded in one visit (removal).")


def test_drop_1_is_skipped_when_a_request_storm_ends_the_visit_before_the_removal() -> None:
    visit = embedded(1, "removal")
    for number in range(61):
        visit.request(f"31.{number:02}", status=500)
    storm = visit.end("32", storm=True, stopped="The page sent more than 60 requests.")

    found = verdict("DROP-1", healthy(), storm, page=REMOVABLE)

    assert (found.outcome, found.message) == ("skipped", "The visit ended before the item could be removed.")


def test_drop_1_is_skipped_when_no_item_goes() -> None:
    found = judged(healthy(2), embedded(2, "removal"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The removal at 05:06 removed no item. Correct --remove, or remove(item) of the adapter.",
    )


def test_drop_1_fails_when_the_page_throws_after_the_removal() -> None:
    visit = removal()
    visit.throw("3:00", "TypeError: an earlier mistake")
    for at in ("50:00", "50:30", "51:00", "51:30"):
        visit.throw(at, "TypeError: report is null\n    at check (page.js:7:3)")

    found = judged(healthy(), visit)

    assert (found.outcome, found.message) == (
        "failed",
        "An item was removed at 05:06; at 50:00 the page threw 'TypeError: report is null'.",
    )
    assert found.likely_cause.startswith("A timer or a request outlives the item and finds nothing to renew.")
    assert [entry.kind for entry in found.evidence] == ["page.error"] * 3


@pytest.mark.parametrize(("at", "outcome"), [("5:05.999", "passed"), ("5:06", "failed")])
def test_drop_1_judges_exceptions_from_the_removal_on(at: str, outcome: str) -> None:
    visit = removal()
    visit.throw(at, "TypeError: report is null")

    assert judged(healthy(), visit).outcome == outcome


def test_drop_1_fails_when_the_last_item_is_gone_and_the_page_requests_a_token() -> None:
    visit = removal()
    visit.request("4:00", status=500)
    visit.request("2:18:06")

    found = judged(healthy(), visit)

    assert (found.outcome, found.message) == (
        "failed",
        "An item was removed at 05:06, 0 remained. In the 2.2 lifetimes and 3 returns to the tab after that the page "
        "sent 1 token request, the first at 2:18:06; 0 would be enough.",
    )
    assert found.likely_cause.startswith("The timer or listener that renews the item is still active.")
    assert [entry.kind for entry in found.evidence] == ["request"]


def test_drop_1_passes_when_the_page_gives_the_token_back_on_the_removal() -> None:
    visit = removal()
    visit.request("5:06", method="DELETE")

    found = judged(healthy(), visit)

    assert (found.outcome, found.message) == (
        "passed",
        "An item was removed at 05:06; after that 0 token requests for 0 remaining items.",
    )


def test_drop_1_fails_when_a_request_storm_follows_the_removal() -> None:
    visit = removal()
    for number in range(61):
        visit.request(f"50:{number // 2:02}", status=500)
    storm = visit.end("50:31", removed="5:06", storm=True, stopped="The page sent more than 60 requests.")

    found = verdict("DROP-1", healthy(), storm, page=REMOVABLE)

    assert found.outcome == "failed"
    assert "the page sent 61 token requests, the first at 50:00; 0 would be enough." in found.message
    assert len(found.evidence) == 5


@pytest.mark.parametrize(
    ("failed_before", "failed_after", "outcome", "message"),
    [
        (0, 1, "passed", "after that 3 token requests for 1 remaining item."),
        (0, 2, "failed", "the page sent 4 token requests, the first at 50:00; 3 would be enough."),
        (1, 2, "passed", "after that 4 token requests for 1 remaining item."),
        (1, 3, "failed", "the page sent 5 token requests, the first at 50:00; 4 would be enough."),
        (6, 3, "passed", "after that 5 token requests for 1 remaining item."),
        (6, 4, "failed", "the page sent 6 token requests, the first at 50:00; 5 would be enough."),
    ],
)
def test_drop_1_allows_the_requests_per_token_of_the_healthy_visit_and_one_more(
    failed_before: int, failed_after: int, outcome: str, message: str
) -> None:
    """The healthy visit has 6 renewals, and `failed_before` requests more; item 2 takes 2 tokens after the removal."""
    visit = removal(2)
    renew_the_others(visit, 2)
    for _ in range(failed_after):
        visit.request("1:39:30", status=500)

    found = judged(healthy(2, more_requests=failed_before), visit)

    assert found.outcome == outcome
    assert found.message.endswith(message)


def test_drop_1_counts_a_token_that_two_items_share_once() -> None:
    visit = removal(3)
    for number, at in enumerate(("50:00", "1:40:00")):
        visit.renew(at, f"shared-{number}", item="2")
        visit.apply(at, f"shared-{number}", item="3")
    for at in ("2:18:06", "2:19:11"):
        visit.request(at, status=500)

    found = judged(healthy(3), visit)

    assert found.outcome == "failed"
    assert found.message.endswith("the page sent 4 token requests, the first at 50:00; 3 would be enough.")


def test_drop_1_counts_only_tokens_that_an_item_takes_after_the_removal() -> None:
    visit = removal(2)
    visit.renew("4:00", "early", item="2")
    visit.renew("55:00", "late-1", item="2")
    visit.renew("1:45:00", "late-2", item="2")
    for at in ("2:18:06", "2:19:11"):
        visit.request(at, status=500)

    found = judged(healthy(2), visit)

    assert found.outcome == "failed"
    assert found.message.endswith("the page sent 4 token requests, the first at 55:00; 3 would be enough.")


@pytest.mark.parametrize(("requests", "outcome"), [(4, "passed"), (5, "failed")])
def test_drop_1_compares_the_requests_in_a_lifetime_when_the_healthy_visit_has_no_renewal(
    requests: int, outcome: str
) -> None:
    """Four requests in 3.2 lifetimes are 2.75 in 2.2 lifetimes: 3, and one more for the remaining item."""
    first, visit = embedded(2, "healthy"), removal(2)
    for item in "12":
        first.expire(f"first-{item}", item=item)
    visit.expire("first-2", item="2")
    for number in range(1, 5):
        first.request(f"{40 * number}:00", status=500)
    for number in range(1, requests + 1):
        visit.request(f"{20 * number}:00", status=500)

    found = judged(first.end("3:12:00"), visit)

    assert found.outcome == outcome
    assert found.message.endswith(
        "4 token requests for 1 remaining item." if outcome == "passed" else "the first at 20:00; 4 would be enough."
    )


def test_drop_1_fails_when_the_remaining_items_are_not_renewed_any_more() -> None:
    visit = removal(5)
    for item in "2345":
        visit.expire(f"first-{item}", item=item)

    found = judged(healthy(5), visit)

    assert (found.outcome, found.message) == (
        "failed",
        "An item was removed at 05:06; item 2 remained and was not renewed after that.",
    )
    assert found.likely_cause.startswith("The removal of one item ends the timer that renews all items.")
    assert [(entry.kind, entry["item"]) for entry in found.evidence] == [("token.expired", item) for item in "234"]


def test_drop_1_passes_when_a_remaining_item_is_not_renewed_in_the_healthy_visit_either() -> None:
    first, visit = embedded(2, "healthy"), removal(2)
    for number in range(1, 4):
        first.renew(f"{50 * number}:00", f"next-{number}")
    first.expire("first-2", item="2")
    visit.expire("first-2", item="2")

    found = judged(first.end("3:12:00"), visit)

    assert (found.outcome, found.message) == (
        "passed",
        "An item was removed at 05:06; after that 0 token requests for 1 remaining item.",
    )
