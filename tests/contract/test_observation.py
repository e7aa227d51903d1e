"""The questions that rules ask of an observation, on small journals."""

from datetime import datetime, timedelta

import pytest
from journals import OPENED, TOKENS, Visit, after

from harness.contract.observation import Observation, TabReturn, by_address, cut_short

OTHER = "http://localhost:3000/api/other"
"""A second token address."""


def at(time: str) -> datetime:
    """Return the instant that a time of a message stands for."""
    return OPENED + after(time)


def embedded(*items: str) -> Visit:
    """Return a visit whose page embedded items at once, each with a token of its own: "embed-1" for item 1."""
    visit = Visit()
    for item in items or ("1",):
        visit.embed(item=item, token=f"embed-{item}")
    return visit


def served(visit: Visit, time: str, item: str) -> None:
    """Let the frame of an item be served, without a token."""
    visit.write(time, "embed.frame", item=item, path="/reportEmbed", url="https://app.powerbi.com/reportEmbed")


def gone(visit: Visit, time: str, item: str = "1") -> None:
    """Let the page remove an item."""
    visit.write(time, "embed.gone", item=item)


def urls(observed: Observation) -> list[str]:
    """Return the URLs of the page's token requests after the time of embedding."""
    return [request["url"] for request in observed.token_requests()]


def test_cut_short_names_the_first_incomplete_visit() -> None:
    refused = Visit()
    refused.embed(loaded=False)
    refused.write("1", "item.event", item="1", event="error", detail=None)
    complete, empty = embedded().end("1:00"), refused.end("30", title="frozen past expiry")

    assert cut_short() == cut_short(complete, complete) == ""
    assert cut_short(complete, empty) == "Nothing was embedded in one visit (frozen past expiry)."
    assert cut_short(complete, embedded().end("1:00", stopped="The page crashed."), empty) == "The page crashed."


def test_by_address_groups_requests_with_a_query_twice() -> None:
    visit = Visit()
    for query in ("", "?of=1", "?of=2", "?of=1"):
        visit.request("1:00", url=f"{TOKENS}{query}")

    groups = by_address(visit.end("2:00").journal.of("request"))

    assert {name: len(requests) for name, requests in groups.items()} == {
        TOKENS: 4,
        f"{TOKENS}?of=1": 2,
        f"{TOKENS}?of=2": 1,
    }


def test_heading_is_the_title_with_a_capital() -> None:
    assert Visit().end("1", title="in Asia/Kolkata, across midnight").heading == "In Asia/Kolkata, across midnight"


def test_embedding_ends_30_s_after_the_opening_or_after_the_arrival_of_the_adapter() -> None:
    assert embedded().end("1:00").embedding_ends == at("30")
    assert embedded().end("2:00", arrived="1:00").embedding_ends == at("1:30")


@pytest.mark.parametrize(
    ("landed", "moved"),
    [
        ("", False),
        ("https://app.test/reports", False),
        ("https://app.test/reports/?tab=1#top", False),
        ("https://app.test/sign-in", True),
        ("https://login.test/reports", True),
    ],
)
def test_page_has_moved_if_it_landed_at_another_host_or_path(landed: str, moved: bool) -> None:
    assert Visit().end("30", url="https://app.test/reports/", landed=landed).moved == moved


def test_entries_of_another_visit_are_not_in_an_observation_even_if_they_are_equal() -> None:
    one, other = embedded().end("1:00"), embedded().end("1:00")

    assert list(one.journal) == list(other.journal)
    assert all(entry in one and entry not in other for entry in one.journal)


def test_when_counts_from_the_opening_in_tenths_of_a_second() -> None:
    visit = Visit()
    visit.request("50:20")
    observed = visit.end("1:00:00")

    assert observed.when(observed.journal.of("request")[0]) == "50:20"
    assert observed.when(at("1:00:00.16")) == "1:00:00.200"
    assert observed.when(OPENED - timedelta(seconds=1)) == "-00:01"


def test_items_are_those_that_took_a_token_or_the_chosen_one_of_them() -> None:
    visit = embedded("2", "1")
    served(visit, "1", "3")

    assert visit.end("1:00").items == ["2", "1"]
    assert visit.end("1:00", chosen="1").items == ["1"]
    assert visit.end("1:00", chosen="3").items == []


def test_loaded_items_had_a_valid_token_from_their_load_and_raised_loaded() -> None:
    visit = embedded("1")
    visit.embed(item="2", token="embed-2", loaded=False)
    visit.write("1", "item.event", item="2", event="error", detail=None)
    served(visit, "1", "3")
    visit.apply("1", "unknown", item="3", how="load")
    visit.write("1", "item.event", item="3", event="loaded", detail=None)
    served(visit, "2", "4")
    visit.issue("2", "embed-4")
    visit.apply("2", "embed-4", item="4", how="setAccessToken")
    visit.write("2", "item.event", item="4", event="loaded", detail=None)

    assert visit.end("1:00").loaded == ["1"]


def test_page_had_a_token_if_an_answer_brought_one() -> None:
    visit = Visit()
    visit.request("1", status=500)

    assert not visit.end("1:00").had_a_token
    assert embedded().end("1:00").had_a_token


@pytest.mark.parametrize(("goes", "lasting"), [("30", ["2"]), ("30.1", ["1", "2"])])
def test_lasting_items_stay_longer_than_the_time_of_embedding(goes: str, lasting: list[str]) -> None:
    visit = embedded("1", "2")
    gone(visit, goes)

    assert visit.end("1:00").lasting == lasting


def test_last_token_of_an_item_that_stays_has_no_end() -> None:
    visit = embedded()
    visit.renew("50:00", "embed-2")
    visit.embed("55:00", item="2", token="embed-3")

    assert [token.until for token in visit.end("1:00:00").applied_tokens("1")] == [at("50:00"), None]


@pytest.mark.parametrize(
    ("next_at", "until"),
    [("54:00", "54:00"), ("56:00", "55:00"), (None, None), ("10:00", None)],
    ids=["before the item goes", "after the item has gone", "never", "only before the last token"],
)
def test_last_token_of_an_item_that_goes_ends_with_it_or_with_the_next_frame(
    next_at: str | None, until: str | None
) -> None:
    visit = embedded()
    visit.renew("50:00", "embed-2")
    gone(visit, "55:00")
    if next_at:
        served(visit, next_at, "2")

    tokens = visit.end("1:00:00").applied_tokens("1")

    assert [(token.token, token.until) for token in tokens] == [
        ("embed-1", at("50:00")),
        ("embed-2", until and at(until)),
    ]


def test_only_token_of_an_item_that_goes_does_not_end_with_the_frame_of_that_item() -> None:
    visit = embedded()
    gone(visit, "55:00")
    served(visit, "56:00", "2")

    assert [token.until for token in visit.end("1:00:00").applied_tokens("1")] == [at("55:00")]


def test_item_without_a_token_has_no_applied_tokens_although_it_goes_and_others_come() -> None:
    visit = Visit()
    served(visit, "1", "1")
    gone(visit, "2")
    served(visit, "3", "2")
    observed = visit.end("1:00")

    assert observed.applied_tokens("1") == []
    assert observed.current_token("1", at("1:00")) is None


def test_current_token_is_the_last_one_until_an_instant() -> None:
    visit = embedded()
    visit.renew("50:00", "embed-2")
    observed = visit.end("1:00:00")

    tokens = [observed.current_token("1", at(time)) for time in ("49:59", "50:00")]

    assert [token and token.token for token in tokens] == ["embed-1", "embed-2"]


def test_providers_are_the_lasting_items_that_registered_one() -> None:
    visit = embedded("1")
    visit.embed(item="2", token="entra-2", type="entra", provider=True)
    visit.embed(item="3", token="entra-3", type="entra", provider=True)
    gone(visit, "8", "3")
    observed = visit.end("1:00")

    assert (observed.registered, observed.providers) == (["2", "3"], ["2"])


def test_manual_items_are_those_that_received_a_token_by_set_access_token() -> None:
    visit = embedded("1", "2")
    visit.renew("50:00", "embed-3", item="2")
    visit.renew("50:00", "embed-4", how="hook")

    assert visit.end("1:00:00").manual == ["2"]


def test_item_is_present_until_it_goes_or_the_visit_ends() -> None:
    visit = embedded("1", "2")
    gone(visit, "5:00")
    observed = visit.end("10:00")

    assert (observed.gone("1"), observed.present_until("1")) == (at("5:00"), at("5:00"))
    assert (observed.gone("2"), observed.present_until("2")) == (None, at("10:00"))


@pytest.mark.parametrize(
    ("time", "items"), [("0", ["1"]), ("4:59", ["1"]), ("5:00", ["2"]), ("8:00", ["2", "3"]), ("9:00", ["2", "3"])]
)
def test_items_at_an_instant_were_served_and_have_not_gone(time: str, items: list[str]) -> None:
    visit = embedded()
    gone(visit, "5:00")
    visit.embed("5:00", item="2", token="embed-2")
    visit.embed("8:00", item="3", token="embed-3", loaded=False)

    assert visit.end("10:00").items_at(at(time)) == items


def test_items_are_gone_for_good_if_none_is_left_and_the_healthy_visit_ends_with_one() -> None:
    healthy, left = embedded(), embedded()
    gone(left, "5:00")
    replaced = embedded()
    gone(replaced, "5:00")
    replaced.embed("5:00", item="2", token="embed-2")

    gone_entries = left.end("10:00").gone_for_good(healthy.end("10:00"))

    assert [entry.at for entry in gone_entries] == [at("5:00")]
    assert replaced.end("10:00").gone_for_good(healthy.end("10:00")) == []
    assert left.end("10:00").gone_for_good(left.end("10:00")) == []


def test_renewed_are_the_tokens_after_the_time_of_embedding_and_those_of_the_page_leave_out_first_and_provider() -> (
    None
):
    visit = embedded()
    visit.renew("30", "embed-2")
    visit.renew("31", "embed-3")
    visit.renew("50:00", "embed-4", how="hook")
    visit.embed("55:00", item="2", token="embed-5")
    observed = visit.end("1:00:00")

    assert [token.token for token in observed.renewed("1")] == ["embed-3", "embed-4"]
    assert [token.token for token in observed.renewed("2")] == ["embed-5"]
    assert [token.token for token in observed.renewed_by_the_page("1")] == ["embed-3"]
    assert observed.renewed_by_the_page("2") == []


def test_renewal_was_asked_for_by_the_last_token_request_before_it() -> None:
    visit = embedded()
    visit.request("40:00")
    visit.renew("50:00", "embed-2")
    visit.request("55:00")
    observed = visit.end("1:00:00")

    assert observed.renewals_asked("1", until=observed.ended) == [at("50:00")]
    assert observed.renewals_asked("1", until=at("49:00")) == [at("40:00")]
    assert observed.renewals_asked(None, until=observed.ended) == [at("40:00"), at("50:00"), at("55:00")]
    assert observed.renewals_asked(None, until=at("50:00")) == [at("40:00"), at("50:00")]


def test_renewal_with_a_token_that_no_request_brought_was_not_asked_for() -> None:
    visit = embedded()
    visit.issue("40:00", "embed-2")
    visit.apply("50:00", "embed-2")
    observed = visit.end("1:00:00")

    assert observed.renewals_asked("1", until=observed.ended) == []


def test_token_requests_are_those_of_page_and_workers_to_a_token_address_with_a_method_that_brings_a_token() -> None:
    visit = Visit()
    for method in ("GET", "POST", "DELETE", "HEAD", "OPTIONS"):
        visit.request("1:00", url=f"{TOKENS}?by={method}", method=method)
    for source in ("worker", "service worker", "embed"):
        visit.request("1:00", url=f"{TOKENS}?from={source}", source=source)
    visit.request("1:00", url=OTHER)
    visit.write(
        "1:00", "request", request="p", url=f"{TOKENS}?preflight", method="POST", type="Preflight", source="page"
    )

    assert urls(visit.end("2:00")) == [
        f"{TOKENS}?{query}" for query in ("by=GET", "by=POST", "from=worker", "from=service worker")
    ]
    assert urls(visit.end("2:00", token_urls=[f"{TOKENS}[?]by=P*", OTHER])) == [f"{TOKENS}?by=POST", OTHER]


def test_token_requests_count_from_the_end_of_embedding_to_the_end_of_the_visit_unless_instants_are_given() -> None:
    visit = Visit()
    for time in ("29", "30", "1:00", "2:00", "3:00"):
        visit.request(time)
    observed = visit.end("2:00")

    assert [request.at for request in observed.token_requests()] == [at("30"), at("1:00"), at("2:00")]
    assert [request.at for request in observed.token_requests(at("29"), at("1:00"))] == [at("29"), at("30"), at("1:00")]


def test_token_requests_by_address_leave_out_the_query_in_one_group() -> None:
    visit = Visit()
    visit.request("1:00", url=f"{TOKENS}?of=1")
    visit.request("2:00", url=TOKENS)

    groups = visit.end("3:00").token_requests_by_address()

    assert {name: [request.at for request in requests] for name, requests in groups.items()} == {
        TOKENS: [at("1:00"), at("2:00")],
        f"{TOKENS}?of=1": [at("1:00")],
    }


def give(visit: Visit, time: str, token: str, *items: str, url: str = TOKENS) -> None:
    """Let the page request a token and give it to items by setAccessToken."""
    visit.issue(time, token)
    visit.request(time, token=token, answered="0", url=url)
    for item in items:
        visit.apply(time, token, item=item)


def test_items_with_tokens_of_their_own_need_one_each_at_a_time() -> None:
    assert embedded("1").end("1:00").tokens_needed(TOKENS) == 1
    assert embedded("1", "2", "3").end("1:00").tokens_needed(TOKENS) == 3


def test_items_that_share_a_token_need_one() -> None:
    visit = embedded("1")
    visit.embed(item="2", token="embed-1")

    assert visit.end("1:00").tokens_needed(TOKENS) == 1


def test_items_that_share_tokens_in_pairs_need_one_for_each_pair() -> None:
    visit = embedded("1", "2", "3")
    give(visit, "50:00", "embed-4", "1", "2")
    give(visit, "50:00", "embed-5", "3")

    assert visit.end("1:00:00").tokens_needed(TOKENS) == 2


def test_renewals_say_more_than_loads_about_the_tokens_that_items_need() -> None:
    visit = embedded("1")
    visit.embed(item="2", token="embed-1")
    give(visit, "50:00", "embed-3", "1")
    give(visit, "50:00", "embed-4", "2")

    assert visit.end("1:00:00").tokens_needed(TOKENS) == 2


def test_only_items_that_an_address_serves_need_a_token_from_it() -> None:
    visit = embedded("1", "2", "3")
    give(visit, "50:00", "embed-4", "1")
    give(visit, "50:00", "embed-5", "2")
    give(visit, "50:00", "embed-6", "3", url=f"{OTHER}?of=3")
    observed = visit.end("1:00:00")

    assert [observed.tokens_needed(address) for address in (TOKENS, OTHER, f"{OTHER}?of=3")] == [2, 1, 1]


def test_each_item_is_taken_to_need_a_token_from_an_address_whose_tokens_no_item_took() -> None:
    visit = embedded("1", "2")
    give(visit, "50:00", "embed-3", url=OTHER)

    assert visit.end("1:00:00").tokens_needed(OTHER) == 2


def test_items_that_take_turns_need_one_token_at_a_time() -> None:
    visit = Visit()
    for number, time in enumerate(("0", "5:00", "10:00"), 1):
        visit.embed(time, item=f"{number}", token=f"embed-{number}")
        gone(visit, f"{5 * number}:00", f"{number}")

    assert visit.end("20:00").tokens_needed(TOKENS) == 1


def test_frames_without_a_token_do_not_raise_the_number_of_tokens_needed() -> None:
    visit = embedded("1")
    served(visit, "1", "2")

    assert visit.end("1:00").tokens_needed(OTHER) == 1


def test_page_without_an_item_is_taken_to_need_one_token() -> None:
    assert Visit().end("1:00").tokens_needed(TOKENS) == 1


def test_request_is_answered_at_the_instant_of_its_response_or_failure() -> None:
    visit = Visit()
    visit.request("1:00", answered="0.5")
    visit.request("2:00", status=None, error="net::ERR_FAILED")
    visit.request("3:00", answered=None)
    observed = visit.end("4:00")

    answered = [observed.answered_at(request) for request in observed.journal.of("request")]

    assert answered == [at("1:00.5"), at("2:00.2"), None]
    assert [len(observed.responses(request)) for request in observed.journal.of("request")] == [1, 1, 0]


def test_failures_are_refused_and_failed_requests_but_for_the_icon() -> None:
    visit = Visit()
    for url, status, error in (
        (TOKENS, 399, None),
        (f"{TOKENS}?400", 400, None),
        (f"{TOKENS}?failed", None, "net::ERR_FAILED"),
        ("http://localhost:3000/favicon.ico", 404, None),
    ):
        visit.request("1:00", url=url, status=status, error=error)
    visit.write("1:00", "response", request="of an earlier page", status=500, error=None)

    failures = visit.end("2:00").failures

    assert [url for url, _ in failures] == [f"{TOKENS}?400", f"{TOKENS}?failed"]
    assert [response["status"] for _, response in failures] == [400, None]


@pytest.mark.parametrize(
    ("url", "status", "missing"),
    [
        ("https://app.powerbi.com/rdlEmbed?reportId=1", 404, "rdlEmbed"),
        ("https://app.powerbi.com/rdlEmbed?reportId=1", 500, ""),
        ("https://app.test/rdlEmbed", 404, ""),
    ],
)
def test_frame_that_the_fake_power_bi_lacks_is_not_emulated(url: str, status: int, missing: str) -> None:
    visit = Visit()
    visit.request("1", url=url, status=status)

    assert visit.end("30").not_emulated == missing


def test_errors_leave_out_harmless_ones_and_those_of_type_1() -> None:
    visit = Visit()
    for text in (
        "Error: accessTokenProvider is only supported for reports",
        "ResizeObserver loop completed with undelivered notifications.",
        "TypeError: token is undefined",
    ):
        visit.write("1", "page.error", text=text, rejection=False, url="https://app.test/")

    assert [error["text"] for error in visit.end("30").errors] == ["TypeError: token is undefined"]


def test_forgotten_items_had_a_token_that_expired_in_use() -> None:
    visit = embedded("1", "2", "3", "4")
    visit.renew("50:00", "embed-5", item="1")
    visit.expire("embed-2", item="2")
    visit.renew("1:00:00", "embed-6", item="3")
    gone(visit, "1:00:00", "4")
    observed = visit.end("1:10:00")

    assert observed.forgotten == {"2", "3"}
    assert [observed.expiries_in_use(item) for item in "1234"] == [[], [at("1:00:00")], [at("1:00:00")], []]


def test_unusable_token_does_not_expire_in_use() -> None:
    visit = embedded()
    visit.apply("5:00", "unknown")
    visit.renew("6:00", "embed-2")

    assert visit.end("1:00:00").expiries_in_use("1") == []


def test_renewed_since_is_the_first_renewal_or_token_request_between_two_instants() -> None:
    visit = embedded()
    visit.request("40:00")
    visit.renew("50:00", "embed-2")
    visit.renew("55:00", "embed-3")
    observed = visit.end("1:00:00")

    assert observed.renewed_since("1", at("50:00"), at("55:00")) == at("50:00")
    assert observed.renewed_since("1", at("50:01"), at("55:00")) == at("55:00")
    assert observed.renewed_since("1", at("50:01"), at("54:59")) is None
    assert observed.renewed_since(None, at("30:00"), at("55:00")) == at("40:00")
    assert observed.renewed_since(None, at("41:00"), at("49:00")) is None


@pytest.mark.parametrize(("time", "in_time"), [("49:54", False), ("49:55", True), ("50:06", True), ("50:06.1", False)])
def test_item_is_renewed_in_time_while_the_tab_is_hidden_or_within_a_second_of_the_return(
    time: str, in_time: bool
) -> None:
    visit = embedded()
    visit.renew(time, "embed-2")
    observed = visit.end("1:00:00")

    assert observed.in_time("1", TabReturn("1", at("49:55"), at("50:05"))) == in_time


def test_between_returns_the_entries_of_a_kind_with_some_data_from_one_instant_to_another() -> None:
    visit = embedded("1", "2")
    for time in ("4:59", "5:00", "6:00", "6:01"):
        visit.use(time, "embed-1")
    visit.use("5:30", "embed-2", item="2")
    observed = visit.end("10:00")

    def times(**data: str) -> list[datetime]:
        return [entry.at for entry in observed.between("data.request", at("5:00"), at("6:00"), **data)]

    assert times(item="1") == [at("5:00"), at("6:00")]
    assert times() == [at("5:00"), at("5:30"), at("6:00")]
