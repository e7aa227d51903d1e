"""FAIL-1 to FAIL-6, on small journals."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from journals import HOUR, TOKENS, Visit, after, verdict

from harness.contract import PageFacts
from harness.contract.observation import Observation

TITLES = {
    "status_500": "the token endpoint answers 500 for 2 min",
    "dropped_connections": "the token endpoint drops connections for 2 min",
    "slow_answers": "the token endpoint answers after 45 s",
    "unusable_answers": "the token endpoint answers HTML, cut JSON, JSON without a token for 2 min",
    "long_status_500": "the token endpoint answers 500 for 10 min",
    "expired_tokens": "the token endpoint hands out expired tokens for 10 min",
}
"""Scenario -> the title of its visit."""
SCENARIOS = {
    "FAIL-1": "status_500",
    "FAIL-2": "dropped_connections",
    "FAIL-3": "slow_answers",
    "FAIL-4": "unusable_answers",
    "FAIL-5": "long_status_500",
    "FAIL-6": "expired_tokens",
}
"""Rule -> the scenario that it requires."""
BRIEF = ("FAIL-1", "FAIL-2", "FAIL-4")
"""The rules that demand a renewal despite an outage of 2 min."""
LONG = ("FAIL-5", "FAIL-6")
"""The rules that count the token requests of an outage of 10 min."""
NOT_AGAIN = (
    "The page does not try again in time after a failed renewal, or the failure ends the timer that would have tried "
    "again. Catch the error and let the next check renew."
)
REMOVED = (
    "The page removes the item after a failed renewal, and then nothing tries again. Keep the item: its token is still "
    "valid, and the next check can renew it."
)


def in_outage(scenario: str, *, lifetime: timedelta = HOUR, items: Sequence[str] = "1") -> Visit:
    """Return the visit with the outage of a scenario, in which some items were embedded, each with its own token."""
    visit = Visit(scenario, lifetime, {"title": TITLES[scenario], "is_outage": True})
    for item in items:
        visit.embed(item=item, token=f"embed-{item}")
    return visit


def renewing(last: str = "3:12:00") -> Observation:
    """Return a healthy visit whose item is renewed 10 min before each expiry."""
    visit = Visit()
    visit.embed()
    visit.renew("50:00", "embed-2")
    visit.renew("1:40:00", "embed-3")
    visit.renew("2:30:00", "embed-4")
    return visit.end(last)


def times(begin: str, end: str, every_s: float) -> list[str]:
    """Return the times from one to another, both included, in steps of some seconds, in seconds since the opening."""
    first, last = after(begin).total_seconds(), after(end).total_seconds()
    return [str(first + number * every_s) for number in range(int((last - first) / every_s) + 1)]


def survived(scenario: str) -> Observation:
    """Return a visit whose page tries again every 30 s in an outage of 2 min, and then renews."""
    visit = in_outage(scenario)
    visit.outage("50:00", "52:00", *times("50:00", "51:30", 30))
    visit.renew("52:00", "embed-2")
    return visit.end("1:03:00")


@pytest.mark.parametrize("rule", SCENARIOS)
def test_fail_rules_are_skipped_when_only_a_provider_renews(rule: str) -> None:
    visit = Visit()
    visit.embed(provider=True)
    visit.call("50:00")

    found = verdict(rule, visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page renews only by an accessTokenProvider; PROV-3 to PROV-5 judge its outages.",
    )


def test_fail_rules_judge_a_page_with_a_provider_that_also_sets_tokens() -> None:
    visit = Visit()
    visit.embed(provider=True)
    visit.renew("50:00", "embed-2")

    assert verdict("FAIL-1", visit.end("1:45:00"), survived("status_500")).outcome == "passed"


@pytest.mark.parametrize("rule", SCENARIOS)
def test_fail_rules_are_skipped_when_no_request_fetches_a_token(rule: str) -> None:
    visit = Visit(facts={"token_urls": []})
    visit.embed()

    found = verdict(rule, visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "No request of the page fetches a token: the token is in the page's HTML, or comes over a WebSocket. So the "
        "harness cannot make a token request fail.",
    )


@pytest.mark.parametrize("rule", SCENARIOS)
def test_fail_rules_are_skipped_when_the_healthy_visit_ended_early(rule: str) -> None:
    visit = Visit()
    visit.embed()

    found = verdict(rule, visit.end("10:00", stopped="The page crashed."))

    assert (found.outcome, found.message) == ("skipped", "The page crashed.")


@pytest.mark.parametrize("rule", SCENARIOS)
def test_fail_rules_are_skipped_when_nothing_is_renewed_without_an_outage(rule: str) -> None:
    visit = Visit()
    visit.embed()
    visit.expire("embed-1")

    found = verdict(rule, visit.end("3:12:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page renewed no token even without an outage (LIFE-1, LIFE-2).",
    )


@pytest.mark.parametrize(("stopped", "message"), [("", "Nothing was embedded (EMB-1)."), ("Too long.", "Too long.")])
@pytest.mark.parametrize("rule", SCENARIOS)
def test_fail_rules_are_skipped_when_nothing_is_embedded(rule: str, stopped: str, message: str) -> None:
    found = verdict(rule, Visit().end("0:30", stopped=stopped))

    assert (found.outcome, found.message) == ("skipped", message)


@pytest.mark.parametrize("rule", SCENARIOS)
def test_fail_rules_are_skipped_when_the_backend_uses_real_time(rule: str) -> None:
    visit = Visit()
    visit.embed()
    visit.request("50:00", token="embed-1")

    found = verdict(rule, visit.end("3:12:00"), page=PageFacts("page", "http://localhost:3000", has_own_backend=True))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page's backend uses real time, so its renewals cannot be judged: it answered embed-1 at 00:00.200 and "
        "again at 50:00.200.",
    )


@pytest.mark.parametrize("rule", ["FAIL-1", "FAIL-2", "FAIL-3", "FAIL-4"])
def test_fail_rules_are_skipped_when_every_token_expires_in_use_without_an_outage(rule: str) -> None:
    visit = Visit()
    visit.embed()
    visit.expire("embed-1")
    visit.renew("1:01:00", "embed-2")

    found = verdict(rule, visit.end("1:30:00"), survived(SCENARIOS[rule]))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page's tokens expire in use even without an outage (LIFE-1, LIFE-2).",
    )


def test_fail_1_is_skipped_when_the_items_that_are_renewed_only_stay_while_the_page_starts() -> None:
    visit = Visit()
    visit.embed()
    visit.write("10", "embed.gone", item="1")
    visit.embed("12", item="2", token="embed-2")
    visit.expire("embed-2", item="2")
    visit.renew("1:02:00", "embed-3", item="2")

    found = verdict("FAIL-1", visit.end("1:30:00"), survived("status_500"))

    assert found.message == "The page's tokens expire in use even without an outage (LIFE-1, LIFE-2)."


@pytest.mark.parametrize("rule", BRIEF)
def test_fail_rules_pass_when_the_page_renews_right_after_a_brief_outage(rule: str) -> None:
    found = verdict(rule, renewing(), survived(SCENARIOS[rule]))

    assert (found.outcome, found.message) == (
        "passed",
        "4 token requests failed in 1 outage; every token was renewed in time.",
    )


def test_fail_4_counts_the_outages_and_failed_requests_of_all_visits() -> None:
    first = in_outage("unusable_answers")
    first.outage("50:00", "52:00", "50:00", fault="fault-1")
    first.renew("52:00", "embed-2")
    first.outage("1:42:00", "1:44:00", "1:42:00", "1:43:00", fault="fault-2")
    first.renew("1:44:00", "embed-3")
    second = in_outage("unusable_answers")
    second.outage("50:00", "52:00", "50:00")
    second.renew("52:00", "embed-2")

    found = verdict("FAIL-4", renewing(), first.end("1:53:00", planned=2), second.end("1:03:00", number=2, planned=2))

    assert found.message == "4 token requests failed in 3 outages; every token was renewed in time."


@pytest.mark.parametrize("rule", BRIEF)
def test_fail_rules_fail_when_no_token_comes_after_a_brief_outage(rule: str) -> None:
    visit = in_outage(SCENARIOS[rule])
    visit.outage("50:00", "52:00", "50:00")
    visit.expire("embed-1")

    found = verdict(rule, renewing(), visit.end("1:03:00"))

    title = TITLES[SCENARIOS[rule]].replace("the", "The", 1)
    assert (found.outcome, found.message, found.likely_cause) == (
        "failed",
        f"{title} at 50:00; embed-1 expired at 1:00:00, and no other token came.",
        NOT_AGAIN,
    )
    assert [(entry.kind, entry["token"]) for entry in found.evidence] == [
        ("fault.hit", None),
        ("token.expired", "embed-1"),
    ]


def test_fail_1_fails_when_the_next_token_comes_after_the_expiry() -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")
    visit.expire("embed-1")
    visit.renew("1:00:30", "embed-2")

    found = verdict("FAIL-1", renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message) == (
        "failed",
        "The token endpoint answers 500 for 2 min at 50:00; embed-1 expired at 1:00:00, and the next token came at "
        "1:00:30.",
    )


@pytest.mark.parametrize(("renewed", "outcome"), [("59:59", "passed"), ("1:00:00", "failed")])
def test_fail_1_demands_a_renewal_before_the_expiry(renewed: str, outcome: str) -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")
    visit.renew(renewed, "embed-2")

    assert verdict("FAIL-1", renewing(), visit.end("1:03:00")).outcome == outcome


@pytest.mark.parametrize(("last", "outcome"), [("59:59", "passed"), ("1:00:00", "failed")])
def test_fail_1_judges_a_token_that_expires_by_the_end_of_the_visit(last: str, outcome: str) -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")

    assert verdict("FAIL-1", renewing(), visit.end(last)).outcome == outcome


def test_fail_1_names_the_outage_of_the_token_that_expired() -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00", fault="fault-1")
    visit.renew("52:00", "embed-2")
    visit.outage("1:42:00", "1:44:00", "1:42:00", fault="fault-2")
    visit.expire("embed-2")

    found = verdict("FAIL-1", renewing(), visit.end("1:55:00"))

    assert found.message == (
        "The token endpoint answers 500 for 2 min at 1:42:00; embed-2 expired at 1:52:00, and no other token came."
    )


def test_fail_1_names_the_first_outage_when_none_came_in_the_lifetime_of_the_token_that_expired() -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")
    visit.renew("52:00", "embed-2")
    visit.expire("embed-2")
    visit.outage("1:53:00", "1:55:00", "1:53:00", fault="fault-2")

    found = verdict("FAIL-1", renewing(), visit.end("1:55:00"))

    assert found.message == (
        "The token endpoint answers 500 for 2 min at 50:00; embed-2 expired at 1:52:00, and no other token came."
    )


@pytest.mark.parametrize(("margin", "is_too_small"), [("58:00", True), ("57:59", False)])
def test_fail_1_names_a_refresh_margin_that_is_no_longer_than_the_outage(margin: str, is_too_small: bool) -> None:
    visit = in_outage("status_500")
    visit.outage(margin, "1:00:00", margin)
    visit.expire("embed-1")

    found = verdict("FAIL-1", renewing(), visit.end("1:03:00"))

    small = (
        "The refresh margin is so small that the token expires within an outage of 2 min. Begin earlier: the article "
        "renews 10 min before the expiry."
    )
    assert (found.outcome, found.likely_cause) == ("failed", small if is_too_small else NOT_AGAIN)


@pytest.mark.parametrize(("aborted", "is_named"), [(2, True), (1, False)])
def test_fail_3_names_a_page_that_aborts_its_requests_too_soon(aborted: int, is_named: bool) -> None:
    visit = in_outage("slow_answers")
    visit.write("20:00", "fault.began", fault="fault-1", url=TOKENS)
    for at in ("50:00", "50:30", "51:00")[:aborted]:
        visit.request(at, answered="10", status=None, error="net::ERR_ABORTED")
        visit.write(at, "fault.hit", fault="fault-1", url=TOKENS, method="GET")
    visit.request("55:00", answered=None)
    visit.expire("embed-1")

    found = verdict("FAIL-3", renewing(), visit.end("1:03:00"))

    aborts = (
        "The page aborts its token requests before they are answered and sends each again. Use a longer timeout: a slow "
        "endpoint never gets to answer."
    )
    assert (found.outcome, found.likely_cause) == ("warned", aborts if is_named else NOT_AGAIN)


@pytest.mark.parametrize(("gone", "said"), [("50:00", "50:00"), ("50:00.2", "50:00.200")])
def test_fail_1_names_the_removal_of_the_item_after_a_failed_renewal(gone: str, said: str) -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")
    visit.write(gone, "embed.gone", item="1")

    found = verdict("FAIL-1", renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "failed",
        "The token endpoint answers 500 for 2 min at 50:00; embed-1 expired at 1:00:00, and no other token came. The "
        f"item was removed at {said}.",
        REMOVED,
    )


def test_fail_1_passes_when_the_page_embeds_another_item_after_a_failed_renewal() -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")
    visit.write("52:00", "embed.gone", item="1")
    visit.embed("52:00", item="2", token="embed-2")

    assert verdict("FAIL-1", renewing(), visit.end("1:03:00")).outcome == "passed"


def test_fail_1_judges_only_items_that_are_renewed_without_an_outage() -> None:
    """Nobody renews item 2, not even in the healthy visit."""
    healthy = Visit()
    healthy.embed(item="1", token="embed-1")
    healthy.embed(item="2", token="embed-2")
    healthy.renew("50:00", "embed-3", item="1")
    healthy.expire("embed-2", item="2")
    visit = in_outage("status_500", items="12")
    visit.outage("50:00", "52:00", "50:00")
    visit.renew("52:00", "embed-3", item="1")
    visit.expire("embed-2", item="2")

    assert verdict("FAIL-1", healthy.end("1:05:00"), visit.end("1:03:00")).outcome == "passed"


def test_fail_1_judges_no_item_that_goes_while_the_page_starts() -> None:
    visit = Visit("status_500", facts={"title": TITLES["status_500"], "is_outage": True})
    visit.embed(item="1", token="embed-1")
    visit.embed("5", item="2", token="embed-2")
    visit.write("10", "embed.gone", item="1")
    visit.outage("50:05", "52:05", "50:05")
    visit.renew("52:05", "embed-3", item="2")

    assert verdict("FAIL-1", renewing(), visit.end("1:03:05")).outcome == "passed"


@pytest.mark.parametrize("rule", BRIEF)
def test_fail_rules_judge_no_item_that_left_the_page_before_the_outage(rule: str) -> None:
    healthy, visit = Visit(), in_outage(SCENARIOS[rule], items="12")
    healthy.embed(item="1", token="embed-1")
    healthy.embed(item="2", token="embed-2")
    for either in (healthy, visit):
        either.write("20:00", "embed.gone", item="2")
    healthy.renew("50:00", "embed-3", item="1")
    visit.outage("50:00", "52:00", "50:00")
    visit.renew("52:00", "embed-3", item="1")

    assert verdict(rule, healthy.end("1:45:00"), visit.end("1:03:00")).outcome == "passed"


def test_fail_1_judges_no_text_that_is_no_token() -> None:
    """A text without an expiry cannot expire."""
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")
    visit.apply("50:00.2", "unknown")
    visit.renew("52:00", "embed-2")

    assert verdict("FAIL-1", renewing(), visit.end("1:03:00")).outcome == "passed"


@pytest.mark.parametrize("rule", BRIEF)
def test_fail_rules_are_skipped_when_no_token_request_meets_the_outage(rule: str) -> None:
    visit = in_outage(SCENARIOS[rule])
    visit.expire("embed-1")

    found = verdict(rule, renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message) == ("skipped", "The page sent no token request during the outage.")


@pytest.mark.parametrize("rule", BRIEF)
def test_fail_rules_are_skipped_when_the_visit_with_the_outage_ended_early(rule: str) -> None:
    visit = in_outage(SCENARIOS[rule])
    visit.outage("50:00", "52:00", "50:00")

    found = verdict(rule, renewing(), visit.end("50:30", stopped="The page crashed."))

    assert (found.outcome, found.message) == ("skipped", "The page crashed.")


@pytest.mark.parametrize("rule", BRIEF)
def test_fail_rules_leave_a_request_storm_to_fail_5(rule: str) -> None:
    visit = in_outage(SCENARIOS[rule])
    visit.outage("50:00", "52:00", *times("50:00", "50:10", 1))

    found = verdict(rule, renewing(), visit.end("50:10", stopped="The page sent more than 10 requests.", storm=True))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page sent more than 10 requests. FAIL-5 judges this.",
    )


@pytest.mark.parametrize("rule", BRIEF)
def test_fail_rules_are_skipped_when_nothing_is_embedded_in_the_visit_with_the_outage(rule: str) -> None:
    scenario = SCENARIOS[rule]
    found = verdict(rule, renewing(), Visit(scenario, facts={"title": TITLES[scenario]}).end("0:30"))

    assert (found.outcome, found.message) == (
        "skipped",
        f"Nothing was embedded in one visit ({TITLES[scenario]}).",
    )


def test_fail_1_is_skipped_when_the_clock_could_not_wait_for_a_call_before_the_finding() -> None:
    visit = in_outage("status_500")
    visit.outage("50:00", "52:00", "50:00")
    visit.write(
        "55:00", "clock", what="work without an end", url=TOKENS, since=visit.expiries["embed-1"], call="fetch()"
    )
    visit.expire("embed-1")

    found = verdict("FAIL-1", renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The clock could not wait for fetch() at 55:00 (the token endpoint answers 500 for 2 min), so this finding may "
        "be wrong: The token endpoint answers 500 for 2 min at 50:00; embed-1 expired at 1:00:00, and no other token "
        "came.",
    )


def slow(*requests: str, items: Sequence[str] = "1", url: str = TOKENS) -> Visit:
    """Return a visit in which the token endpoint answers each of some requests after 45 s."""
    visit = in_outage("slow_answers", items=items)
    visit.write("20:00", "fault.began", fault="fault-1", url=TOKENS)
    for at in requests:
        visit.request(at, answered="45", url=url)
        visit.write(at, "fault.hit", fault="fault-1", url=url, method="GET")
    return visit


def test_fail_3_passes_when_the_page_waits_for_slow_answers() -> None:
    visit = slow("50:00")
    visit.issue("50:45", "embed-2")
    visit.apply("50:45", "embed-2")

    found = verdict("FAIL-3", renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message) == (
        "passed",
        "No two token requests were in flight together; every token was renewed in time.",
    )


@pytest.mark.parametrize(
    ("second", "outcome"), [("50:30", "warned"), ("50:44.9", "warned"), ("50:45", "passed"), ("51:00", "passed")]
)
def test_fail_3_warns_when_a_request_begins_before_the_answer_to_another(second: str, outcome: str) -> None:
    visit = slow("50:00", second)
    visit.issue("51:30", "embed-2")
    visit.apply("51:30", "embed-2")

    assert verdict("FAIL-3", renewing(), visit.end("1:03:00")).outcome == outcome


def test_fail_3_names_the_request_that_was_in_flight() -> None:
    visit = slow("50:00", "50:30")
    visit.issue("51:15", "embed-2")
    visit.apply("51:15", "embed-2")

    found = verdict("FAIL-3", renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "warned",
        "The token endpoint answers after 45 s: at 50:30 the page sent a token request while the one of 50:00 was in "
        "flight.",
        "The interval, or the return to the tab, starts a token request although another one is in flight. Remember "
        "the request in flight, and let later checks wait for its answer.",
    )
    assert [entry["request"] for entry in found.evidence] == ["request-2", "request-3"]


def test_fail_3_warns_when_a_request_begins_while_another_never_gets_an_answer() -> None:
    visit = slow()
    visit.request("50:00", answered=None)
    visit.request("55:00", answered=None)

    assert "at 55:00 the page sent a token request while the one of 50:00" in (
        verdict("FAIL-3", renewing(), visit.end("1:03:00")).message
    )


def test_fail_3_counts_a_request_that_fails_at_once_while_another_is_in_flight() -> None:
    visit = slow("50:00")
    visit.request("50:30", answered="0", status=None, error="net::ERR_FAILED")

    assert "at 50:30 the page sent a token request while the one of 50:00" in (
        verdict("FAIL-3", renewing(), visit.end("1:03:00")).message
    )


@pytest.mark.parametrize(("requests", "outcome"), [(2, "passed"), (3, "warned")])
def test_fail_3_allows_one_request_in_flight_for_each_item_with_a_token_of_its_own(requests: int, outcome: str) -> None:
    visit = slow(*["50:00", "50:00.1", "50:00.2"][:requests], items="12")
    for item in "12":
        visit.issue("50:46", f"embed-{item}-2")
        visit.apply("50:46", f"embed-{item}-2", item=item)

    assert verdict("FAIL-3", renewing(), visit.end("1:03:00")).outcome == outcome


def test_fail_3_warns_when_a_token_that_two_items_share_is_requested_twice_at_a_time() -> None:
    visit = Visit("slow_answers", facts={"title": TITLES["slow_answers"], "is_outage": True})
    visit.embed(item="1", token="embed-1")
    visit.embed(item="2", token="embed-1")
    visit.write("20:00", "fault.began", fault="fault-1", url=TOKENS)
    visit.request("50:00", answered="45")
    visit.request("50:00", answered="45")

    assert verdict("FAIL-3", renewing(), visit.end("1:03:00")).outcome == "warned"


@pytest.mark.parametrize(("second", "outcome"), [("1", "warned"), ("2", "passed")])
def test_fail_3_tells_the_items_of_one_address_apart_by_the_query(second: str, outcome: str) -> None:
    visit = Visit("slow_answers", facts={"title": TITLES["slow_answers"], "is_outage": True})
    for item in "12":
        visit.request("0", token=visit.issue("0", f"embed-{item}"), url=f"{TOKENS}?of={item}")
        visit.embed(item=item, token=f"embed-{item}")
    visit.write("20:00", "fault.began", fault="fault-1", url=TOKENS)
    for item in ("1", second):
        visit.request("50:00", answered="45", url=f"{TOKENS}?of={item}")
        visit.write("50:00", "fault.hit", fault="fault-1", url=f"{TOKENS}?of={item}", method="GET")
    for item in "12":
        visit.issue("50:45", f"embed-{item}-2")
        visit.apply("50:45", f"embed-{item}-2", item=item)

    assert verdict("FAIL-3", renewing(), visit.end("1:03:00")).outcome == outcome


def test_fail_3_lets_requests_at_two_addresses_be_in_flight_together() -> None:
    visit = in_outage("slow_answers")
    visit.write("20:00", "fault.began", fault="fault-1", url=TOKENS)
    visit.request("50:00", answered="45", url=f"{TOKENS}/aad")
    visit.request("50:00", answered="45", url=f"{TOKENS}/embed")
    visit.write("50:00", "fault.hit", fault="fault-1", url=f"{TOKENS}/embed", method="GET")
    visit.issue("50:45", "embed-2")
    visit.apply("50:45", "embed-2")

    assert verdict("FAIL-3", renewing(), visit.end("1:03:00")).outcome == "passed"


def test_fail_3_judges_the_requests_of_a_visit_that_ended_early() -> None:
    found = verdict("FAIL-3", renewing(), slow("50:00", "50:30").end("50:40", stopped="The page crashed."))

    assert found.outcome == "warned"


def test_fail_3_is_skipped_when_the_visit_ended_early_without_a_finding() -> None:
    found = verdict("FAIL-3", renewing(), slow("50:00").end("50:40", stopped="The page crashed."))

    assert (found.outcome, found.message) == ("skipped", "The page crashed.")


def test_fail_3_is_skipped_when_no_token_request_meets_the_slow_answers() -> None:
    found = verdict("FAIL-3", renewing(), slow().end("1:03:00"))

    assert (found.outcome, found.message) == (
        "skipped",
        "The page sent no token request while the answers were slow.",
    )


def test_fail_3_warns_when_a_token_expires_although_no_requests_were_in_flight_together() -> None:
    visit = slow("50:00")
    visit.expire("embed-1")

    found = verdict("FAIL-3", renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "warned",
        "The token endpoint answers after 45 s at 50:00; embed-1 expired at 1:00:00, and no other token came.",
        NOT_AGAIN,
    )


def test_fail_4_fails_when_the_page_gives_the_item_a_text_that_is_no_token() -> None:
    visit = in_outage("unusable_answers")
    visit.outage("50:00", "52:00", "50:00", "51:00", "51:30")
    visit.apply("50:00.2", "unknown")
    visit.renew("52:00", "embed-2")

    found = verdict("FAIL-4", renewing(), visit.end("1:03:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "failed",
        "The token endpoint answers HTML, cut JSON, JSON without a token for 2 min: at 50:00.200 the page gave the item "
        "a text that is no token.",
        "The page applies an answer without a check. Apply it only if it has a token and an expiration: the service "
        "refuses anything else.",
    )
    assert [entry.kind for entry in found.evidence] == ["fault.hit", "fault.hit", "token.applied"]


def test_fail_4_fails_for_an_unusable_token_even_if_every_token_expires_in_use_without_an_outage() -> None:
    healthy = Visit()
    healthy.embed()
    healthy.expire("embed-1")
    healthy.renew("1:01:00", "embed-2")
    visit = in_outage("unusable_answers")
    visit.apply("1:01:00.2", "unknown")

    assert verdict("FAIL-4", healthy.end("1:30:00"), visit.end("1:03:00")).outcome == "failed"


def test_fail_4_looks_at_the_chosen_item_only() -> None:
    visit = in_outage("unusable_answers", items="12")
    visit.outage("50:00", "52:00", "50:00")
    visit.apply("50:00.2", "unknown", item="2")
    visit.renew("52:00", "embed-3", item="1")

    assert verdict("FAIL-4", renewing(), visit.end("1:03:00", chosen="1")).outcome == "passed"


def long_outage(rule: str, *hits: str, items: Sequence[str] = "1") -> Visit:
    """Return a visit with an outage of 10 min from 50:00 on that some requests meet, and a renewal after it."""
    visit = in_outage(SCENARIOS[rule], items=items)
    visit.outage("50:00", "1:00:00", *hits)
    for item in items:
        visit.renew("1:00:00", f"embed-{item}-2", item=item)
    return visit


@pytest.mark.parametrize("rule", LONG)
def test_fail_rules_pass_when_the_page_tries_again_every_30_s_in_a_long_outage(rule: str) -> None:
    found = verdict(rule, renewing(), long_outage(rule, *times("50:00", "59:30", 30)).end("1:11:00"))

    assert (found.outcome, found.message) == ("passed", "At most 20 token requests in 10 min, one in 30 s.")


@pytest.mark.parametrize("rule", LONG)
def test_fail_rules_name_the_requests_of_the_busiest_address(rule: str) -> None:
    visit = in_outage(SCENARIOS[rule])
    visit.outage("50:00", "1:00:00", *times("50:00", "59:00", 60), url=f"{TOKENS}/a")
    visit.outage("50:00", "1:00:00", *times("50:00", "59:30", 30), url=f"{TOKENS}/b", fault="fault-2")
    visit.renew("1:00:00", "embed-2")

    found = verdict(rule, renewing(), visit.end("1:11:00"))

    assert found.message == "At most 20 token requests in 10 min, one in 30 s."


@pytest.mark.parametrize("rule", LONG)
def test_fail_rules_name_the_requests_for_each_of_two_items(rule: str) -> None:
    visit = long_outage(rule, *times("50:00", "59:30", 30), *times("50:10", "59:40", 30), items="12")

    found = verdict(rule, renewing(), visit.end("1:11:00"))

    assert (found.outcome, found.message) == (
        "passed",
        "At most 40 token requests in 10 min, one in 30 s for each of 2 items.",
    )


@pytest.mark.parametrize("rule", LONG)
@pytest.mark.parametrize(("requests", "outcome"), [(120, "passed"), (121, "warned")])
def test_fail_rules_allow_120_requests_in_a_long_outage(rule: str, requests: int, outcome: str) -> None:
    hits = times("50:00", "1:00:00", 4.9)[:requests]

    found = verdict(rule, renewing(), long_outage(rule, *hits).end("1:11:00"))

    assert found.outcome == outcome


@pytest.mark.parametrize("rule", LONG)
@pytest.mark.parametrize(("requests", "outcome"), [(240, "passed"), (241, "warned")])
def test_fail_rules_allow_120_requests_for_each_item(rule: str, requests: int, outcome: str) -> None:
    visit = long_outage(rule, *times("50:00", "1:00:00", 2.4)[:requests], items="12")

    found = verdict(rule, renewing(), visit.end("1:11:00"))

    assert found.outcome == outcome
    assert "for each of 2 items" in found.message


@pytest.mark.parametrize("rule", LONG)
@pytest.mark.parametrize(
    ("every_s", "said", "cause"),
    [
        (
            0.2,
            "121 token requests in 24 s from 50:00 on; at most one in 5 s is fair.",
            "The page tries again at once after a failure, or computes a delay of nothing. Wait before each retry, and "
            "longer after each failure.",
        ),
        (
            0,
            "121 token requests in 1 s from 50:00 on; at most one in 5 s is fair.",
            "The page tries again at once after a failure, or computes a delay of nothing. Wait before each retry, and "
            "longer after each failure.",
        ),
        (
            3,
            "121 token requests in 360 s from 50:00 on; at most one in 5 s is fair.",
            "The page tries again every 3 s after a failure, and the delay does not grow. Wait longer after each "
            "failure.",
        ),
    ],
)
def test_fail_rules_warn_of_a_hot_loop(rule: str, every_s: float, said: str, cause: str) -> None:
    first = after("50:00").total_seconds()
    hits = [str(first + every_s * number) for number in range(130)]
    visit = in_outage(SCENARIOS[rule])
    visit.outage("50:00", "1:00:00", *hits)

    found = verdict(rule, renewing(), visit.end("57:00", stopped="The page sent more than 124 requests.", storm=True))

    title = TITLES[SCENARIOS[rule]].replace("the", "The", 1)
    assert (found.outcome, found.message, found.likely_cause) == ("warned", f"{title}: {said}", cause)
    assert len(found.evidence) == 5


@pytest.mark.parametrize("rule", LONG)
@pytest.mark.parametrize(
    ("every_s", "requests", "outcome"),
    [(4, 30, "warned"), (5, 30, "skipped"), (1, 21, "warned"), (1, 20, "skipped"), (5.1, 60, "skipped")],
)
def test_fail_rules_judge_the_rate_in_a_visit_that_a_request_storm_ended(
    rule: str, every_s: float, requests: int, outcome: str
) -> None:
    """The limit of requests is for one item, and so may end the visit of a page with two before 120 requests."""
    visit = in_outage(SCENARIOS[rule])
    visit.outage("50:00", "1:00:00", *times("50:00", "1:00:00", every_s)[:requests])

    found = verdict(rule, renewing(), visit.end("1:00:00", stopped="The page sent too many requests.", storm=True))

    assert found.outcome == outcome, found.message


@pytest.mark.parametrize("rule", LONG)
def test_fail_rules_are_skipped_when_the_visit_with_a_long_outage_ended_early(rule: str) -> None:
    visit = in_outage(SCENARIOS[rule])
    visit.outage("50:00", "1:00:00", *times("50:00", "51:30", 1))

    found = verdict(rule, renewing(), visit.end("51:30", stopped="The page crashed."))

    assert (found.outcome, found.message) == ("skipped", "The page crashed.")


@pytest.mark.parametrize("rule", LONG)
def test_fail_rules_are_skipped_when_no_token_request_meets_the_long_outage(rule: str) -> None:
    found = verdict(rule, renewing(), in_outage(SCENARIOS[rule]).end("1:11:00"))

    assert (found.outcome, found.message) == ("skipped", "The page sent no token request during the outage.")


def handed_out_expired_tokens(*, items: Sequence[str] = "1") -> Visit:
    """Return a visit whose page gives its items the expired tokens that the endpoint hands out for 10 min."""
    visit = in_outage("expired_tokens", items=items)
    visit.outage("50:00", "1:00:00", *times("50:00", "59:30", 30))
    visit.issue("50:00.2", "embed-9", lifetime=timedelta(minutes=-10))
    for item in items:
        visit.apply("50:00.2", "embed-9", item=item)
        visit.expire(f"embed-{item}", item=item)
    return visit


def test_fail_6_passes_when_the_page_recovers_from_expired_tokens() -> None:
    visit = handed_out_expired_tokens()
    visit.renew("1:00:30", "embed-10")

    assert verdict("FAIL-6", renewing(), visit.end("1:11:00")).outcome == "passed"


def test_fail_6_warns_when_the_item_has_an_expired_token_at_the_end() -> None:
    found = verdict("FAIL-6", renewing(), handed_out_expired_tokens().end("1:11:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "warned",
        "The token endpoint hands out expired tokens for 10 min and recovered at 1:00:00; at 1:11:00 item 1 still had "
        "no valid token.",
        "The page takes the expired token for a new one, or stops trying. Compare the answer's expiration with the "
        "current time, and try again at the next check.",
    )
    assert [entry.kind for entry in found.evidence] == ["fault.ended", "token.applied", "token.applied"]


def test_fail_6_warns_when_the_token_has_expired_by_the_end_of_the_visit() -> None:
    visit = handed_out_expired_tokens()
    visit.issue("1:00:30", "embed-10", lifetime=timedelta(minutes=10, seconds=30))
    visit.apply("1:00:30", "embed-10")

    assert verdict("FAIL-6", renewing(), visit.end("1:10:59")).outcome == "passed"
    assert verdict("FAIL-6", renewing(), visit.end("1:11:00")).outcome == "warned"


def test_fail_6_warns_of_the_item_that_did_not_recover_when_another_one_did() -> None:
    visit = handed_out_expired_tokens(items="12")
    visit.renew("1:00:30", "embed-10", item="1")

    found = verdict("FAIL-6", renewing(), visit.end("1:11:00"))

    assert (found.outcome, found.message) == (
        "warned",
        "The token endpoint hands out expired tokens for 10 min and recovered at 1:00:00; at 1:11:00 item 2 still had "
        "no valid token.",
    )


def test_fail_6_judges_no_item_that_is_not_renewed_without_an_outage() -> None:
    healthy = Visit()
    healthy.embed(item="1", token="embed-1")
    healthy.embed(item="2", token="embed-2")
    healthy.renew("50:00", "embed-3", item="1")
    healthy.expire("embed-2", item="2")
    visit = handed_out_expired_tokens(items="12")
    visit.renew("1:00:30", "embed-10", item="1")

    assert verdict("FAIL-6", healthy.end("1:05:00"), visit.end("1:11:00")).outcome == "passed"


def test_fail_6_judges_no_item_that_has_gone_while_another_one_stays() -> None:
    visit = handed_out_expired_tokens(items="12")
    visit.renew("1:00:30", "embed-10", item="1")
    visit.write("1:01:00", "embed.gone", item="2")

    assert verdict("FAIL-6", renewing(), visit.end("1:11:00")).outcome == "passed"


def test_fail_6_warns_when_the_page_removes_its_item_and_embeds_no_other() -> None:
    visit = in_outage("expired_tokens")
    visit.outage("50:00", "1:00:00", "50:00")
    visit.write("50:00.4", "embed.gone", item="1")

    found = verdict("FAIL-6", renewing(), visit.end("1:11:00"))

    assert (found.outcome, found.message, found.likely_cause) == (
        "warned",
        "The token endpoint hands out expired tokens for 10 min and recovered at 1:00:00; the item was removed at "
        "50:00.400, and the page embedded no other.",
        REMOVED,
    )
    assert [entry.kind for entry in found.evidence] == ["fault.ended", "embed.gone"]


def test_fail_6_passes_when_the_page_removes_its_item_without_an_outage_as_well() -> None:
    healthy = Visit()
    healthy.embed()
    healthy.renew("50:00", "embed-2")
    healthy.write("1:10:00", "embed.gone", item="1")
    visit = in_outage("expired_tokens")
    visit.outage("50:00", "1:00:00", "50:00")
    visit.renew("1:00:30", "embed-2")
    visit.write("1:10:00", "embed.gone", item="1")

    assert verdict("FAIL-6", healthy.end("3:12:00"), visit.end("1:11:00")).outcome == "passed"
