"""SKEW-1, on small journals. The judgement is the one of ZONE-1, so these tests cover what both have in common."""

import pytest
from journals import Visit, verdict

from harness.contract import PageFacts
from harness.contract.observation import Observation

SLOW, FAST = "the client's clock is 10 min slow", "the client's clock is 10 min fast"
CAUSE = (
    "The page compares the token's expiration with the client's clock. Use the server's time instead: the response's "
    "`Date` header, or `expires_in`."
)


def renewing(number: int = 1, planned: int = 1) -> Observation:
    """Return a healthy visit whose item is renewed 10 min before each expiry."""
    visit = Visit(facts={"number": number, "planned": planned})
    visit.embed()
    visit.renew("50:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    visit.renew("2:30:00", "embed-4")
    return visit.end("3:12:00")


def on_clock(title: str) -> Visit:
    """Return a visit with a wrong clock, in which an item was embedded."""
    visit = Visit("wrong_clocks", facts={"title": title, "number": 1 + (title == FAST), "planned": 2})
    visit.embed()
    return visit


def in_time(title: str) -> Observation:
    """Return a visit with a wrong clock, in which every token is renewed in time."""
    visit = on_clock(title)
    visit.renew("50:00", "embed-2")
    visit.use("1:00:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    visit.use("2:00:00", "embed-3")
    return visit.end("2:02:00")


def test_skew_1_passes_when_every_token_is_renewed_in_time_with_both_clocks() -> None:
    found = verdict("SKEW-1", renewing(), in_time(SLOW), in_time(FAST))

    assert (found.outcome, found.message) == (
        "passed",
        f"No token expired in use in 2 visits ({SLOW}; {FAST}).",
    )


def test_skew_1_warns_of_a_data_request_with_an_expired_token() -> None:
    visit = on_clock(SLOW)
    visit.expire("embed-1")
    first = visit.use("1:00:00", "embed-1")
    visit.raise_error("1:00:00")
    visit.renew("1:00:10", "embed-2")

    found = verdict("SKEW-1", renewing(), visit.end("2:02:00"), in_time(FAST))

    assert (found.outcome, found.message, found.likely_cause) == (
        "warned",
        "The client's clock is 10 min slow: at 1:00:00 a data request carried an expired token.",
        CAUSE,
    )
    assert found.evidence == [first]


def test_skew_1_warns_when_the_item_raises_token_expired() -> None:
    """The service may refuse a request that the journal does not have, such as the report's own refresh."""
    visit = on_clock(FAST)
    raised = visit.raise_error("1:00:00")

    found = verdict("SKEW-1", renewing(), in_time(SLOW), visit.end("2:02:00"))

    assert (found.outcome, found.message, found.evidence) == (
        "warned",
        "The client's clock is 10 min fast: at 1:00:00 a data request carried an expired token.",
        [raised],
    )


def test_skew_1_passes_when_the_item_raises_another_error() -> None:
    visit = on_clock(FAST)
    visit.raise_error("5:00", "VisualError")
    visit.renew("50:00", "embed-2")

    assert verdict("SKEW-1", renewing(), in_time(SLOW), visit.end("1:45:00")).outcome == "passed"


def test_skew_1_is_skipped_when_a_healthy_visit_ended_early() -> None:
    visit = Visit(facts={"number": 2, "planned": 2})
    visit.embed()
    second = visit.end("10:00", stopped="The page crashed.")

    found = verdict("SKEW-1", renewing(planned=2), second, in_time(SLOW), in_time(FAST))

    assert (found.outcome, found.message) == ("skipped", "The page crashed.")


def test_skew_1_is_skipped_when_nothing_is_embedded_in_a_healthy_visit() -> None:
    second = Visit(facts={"number": 2, "planned": 2, "title": "healthy, lifetime 90 min"}).end("0:30")

    found = verdict("SKEW-1", renewing(planned=2), second, in_time(SLOW), in_time(FAST))

    assert (found.outcome, found.message) == (
        "skipped",
        "Nothing was embedded in one visit (healthy, lifetime 90 min).",
    )


def test_skew_1_is_skipped_when_nothing_is_embedded() -> None:
    found = verdict("SKEW-1", Visit().end("0:30"))

    assert (found.outcome, found.message) == ("skipped", "Nothing was embedded (EMB-1).")


def test_skew_1_is_skipped_when_the_backend_uses_real_time() -> None:
    visit = Visit()
    visit.embed()
    visit.request("1:01:00", token="embed-1")

    found = verdict("SKEW-1", visit.end("3:12:00"), page=PageFacts("page", "http://localhost", has_own_backend=True))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page's backend uses real time, so its renewals cannot be judged: it answered embed-1 at 00:00.200 and "
        "again at 1:01:00.200.",
    )


EXPIRES_ANYWAY = "The page's tokens expire in use even with the right clock (LIFE-1, LIFE-2)."


def test_skew_1_is_skipped_when_the_healthy_visit_has_a_data_request_with_an_expired_token() -> None:
    visit = Visit()
    visit.embed()
    visit.expire("embed-1")
    visit.use("1:00:00", "embed-1")

    found = verdict("SKEW-1", visit.end("3:12:00"), in_time(SLOW), in_time(FAST))

    assert (found.outcome, found.message) == ("skipped", EXPIRES_ANYWAY)


def test_skew_1_is_skipped_when_every_renewal_of_the_healthy_visit_is_too_late() -> None:
    visit = Visit()
    visit.embed()
    visit.expire("embed-1")
    visit.renew("1:00:00", "embed-2")

    found = verdict("SKEW-1", visit.end("1:30:00"), in_time(SLOW), in_time(FAST))

    assert (found.outcome, found.message) == ("skipped", EXPIRES_ANYWAY)


def test_skew_1_judges_a_page_whose_last_token_expires_unused_in_the_healthy_visit() -> None:
    visit = Visit()
    visit.embed()
    visit.renew("50:00", "embed-2")
    visit.expire("embed-2")

    assert verdict("SKEW-1", visit.end("1:55:00"), in_time(SLOW), in_time(FAST)).outcome == "passed"


@pytest.mark.parametrize(("item", "outcome"), [("1", "warned"), ("2", "passed")])
def test_skew_1_judges_only_items_whose_tokens_do_not_expire_with_the_right_clock(item: str, outcome: str) -> None:
    """Nobody renews item 2, not even with the right clock."""
    healthy = Visit()
    healthy.embed(item="1", token="embed-1")
    healthy.embed(item="2", token="embed-2")
    healthy.renew("50:00", "embed-3", item="1")
    healthy.expire("embed-2", item="2")
    healthy.use("1:01:00", "embed-2", item="2")
    visit = Visit("wrong_clocks", facts={"title": SLOW, "planned": 2})
    visit.embed(item="1", token="embed-1")
    visit.embed(item="2", token="embed-2")
    visit.expire(f"embed-{item}", item=item)
    visit.use("1:01:00", f"embed-{item}", item=item)

    assert verdict("SKEW-1", healthy.end("1:05:00"), visit.end("1:05:00"), in_time(FAST)).outcome == outcome


def often(visit: Visit) -> Visit:
    """Let the page send a request each minute from 20:00 on, of which it applies none."""
    for minute in range(20, 25):
        visit.request(f"{minute}:00")
    return visit


def test_skew_1_warns_of_more_token_requests_than_life_3_allows() -> None:
    found = verdict("SKEW-1", renewing(), in_time(SLOW), often(on_clock(FAST)).end("30:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "warned",
        "The client's clock is 10 min fast: With tokens of 60 min, the page sent 5 token requests within one lifetime "
        "from 20:00 on.",
        CAUSE,
    )
    assert [entry["request"] for entry in found.evidence] == [f"request-{n}" for n in range(2, 7)]


def test_skew_1_warns_of_a_request_storm() -> None:
    visit = often(on_clock(SLOW))
    storm = visit.end("24:00", stopped="The page sent more than 4 token requests.", storm=True)

    found = verdict("SKEW-1", renewing(), storm, in_time(FAST))

    assert (found.outcome, found.message) == (
        "warned",
        "The client's clock is 10 min slow: With tokens of 60 min, the page sent more than 4 token requests.",
    )


def test_skew_1_passes_when_the_page_sends_as_many_requests_with_the_right_clock() -> None:
    healthy = Visit()
    healthy.embed()

    found = verdict("SKEW-1", often(healthy).end("55:00"), often(on_clock(SLOW)).end("55:00"), in_time(FAST))

    assert found.outcome == "passed"


def test_skew_1_warns_when_the_page_embeds_nothing_with_a_wrong_clock() -> None:
    visit = Visit("wrong_clocks", facts={"title": SLOW, "planned": 2})
    thrown = [visit.throw(at, "Error: the token has expired") for at in ("1", "2", "3", "4")]

    found = verdict("SKEW-1", renewing(), visit.end("0:30"), in_time(FAST))

    assert (found.outcome, found.message, found.likely_cause, found.evidence) == (
        "warned",
        "The client's clock is 10 min slow: nothing was embedded.",
        CAUSE,
        thrown[:3],
    )


@pytest.mark.parametrize("visit", [on_clock(SLOW), Visit("wrong_clocks")], ids=["after embedding", "before embedding"])
def test_skew_1_is_skipped_when_a_visit_with_a_wrong_clock_ended_early(visit: Visit) -> None:
    ended_early = visit.end("20:00", number=1, planned=2, stopped="The page crashed.")

    found = verdict("SKEW-1", renewing(), ended_early, in_time(FAST))

    assert (found.outcome, found.message) == ("skipped", "The page crashed.")


def test_skew_1_is_skipped_when_the_clock_could_not_wait_for_a_call_before_the_finding() -> None:
    visit = on_clock(SLOW)
    visit.write(
        "55:00", "clock", what="work without an end", url="", since=visit.expiries["embed-1"], call="caches.open()"
    )
    visit.expire("embed-1")
    visit.use("1:00:00", "embed-1")

    found = verdict("SKEW-1", renewing(), visit.end("2:02:00"), in_time(FAST))

    assert found.outcome == "skipped"
    assert found.message.startswith(
        f"The clock could not wait for caches.open() at 55:00 ({SLOW}), so this finding may"
    )
