"""The four ways in which the article's two pages renew their tokens, and the failure of each page without its way.

The article is Microsoft's "Refresh the access token". It names an interval check, a check on return to the tab, a provider,
and a provider that answers null while its token endpoint fails.
"""

from datetime import timedelta

import pytest

from harness.stage import Stage
from harness.stage.host import Host
from harness.stage.token_history import Renewal

SECOND = timedelta(seconds=1)


def since_open(stage: Stage, renewal: Renewal) -> timedelta:
    """Return the time from the opening of the page to a renewal, rounded to a tenth of a second."""
    opened = stage.journal.of("page.opened")[0].at
    return timedelta(seconds=round((renewal.at - opened).total_seconds(), 1))


def test_interval_check_renews_at_the_first_tick_with_at_most_ten_minutes_left(
    pbi_stage: Stage, pbi_host: Host
) -> None:
    item = pbi_stage.open(pbi_host.url("article_manual"), lifetime="60min 15s").item()
    item.expect_loaded()

    pbi_stage.clock.advance("3h")

    # The page checks every 30 s, counted from its first script. The first token expires at 60:15, so the check at 50:00
    # still finds more than 10 min left, and the check at 50:30 renews. Each later token lives 60:15 from its renewal.
    assert [since_open(pbi_stage, renewal) for renewal in item.renewals] == [
        timedelta(minutes=50, seconds=30),
        timedelta(minutes=101),
        timedelta(minutes=151, seconds=30),
    ]
    assert {renewal.how for renewal in item.renewals} == {"setAccessToken"}


def test_page_without_its_interval_check_never_renews(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.page.add_init_script("globalThis.setInterval = () => 0")
    item = pbi_stage.open(pbi_host.url("article_manual")).item()

    pbi_stage.clock.advance("61min")
    item.refresh()

    assert item.renewals == []
    assert [request["state"] for request in pbi_stage.journal.expired_requests()] == ["expired"]


def renewed_on_return(stage: Stage, host: Host) -> bool:
    """Hide the article's first page while its refresh margin begins; return whether it renews within 1 s of its return."""
    item = stage.open(host.url("article_manual"), lifetime="60min 15s").item()
    stage.clock.advance("50min 5s")  # 10 s before the refresh margin begins, between two checks of the page
    with stage.tab.hidden():
        stage.clock.advance("15s")  # the refresh margin begins while the tab is hidden
    return bool(item.renewals) and item.renewals[-1].at - stage.tab.shown_at <= SECOND


def test_page_renews_within_a_second_of_becoming_visible_again(pbi_stage: Stage, pbi_host: Host) -> None:
    assert renewed_on_return(pbi_stage, pbi_host)


def test_page_without_its_visibilitychange_listener_does_not_renew_on_return(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.page.add_init_script("document.addEventListener = () => {}")

    assert not renewed_on_return(pbi_stage, pbi_host)


def test_provider_is_called_before_the_first_second_and_third_expiry(pbi_stage: Stage, pbi_host: Host) -> None:
    item = pbi_stage.open(pbi_host.url("article_provider")).item()

    pbi_stage.clock.advance("165min")

    assert [since_open(pbi_stage, renewal) for renewal in item.renewals] == [
        timedelta(minutes=50),
        timedelta(minutes=100),
        timedelta(minutes=150),
    ]
    assert {renewal.how for renewal in item.renewals} == {"hook"}
    assert [answer["answer"] for answer in item.hook_answers] == ["token"] * 3


def test_page_that_registers_no_provider_is_never_called_for_a_token(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.page.route(
        "**/article_provider",
        lambda route: route.fulfill(
            content_type="text/html", body=route.fetch().text().replace("accessTokenProvider: accessTokenProvider,", "")
        ),
    )
    item = pbi_stage.open(pbi_host.url("article_provider")).item()

    pbi_stage.clock.advance("61min")

    assert (item.hook_calls, item.renewals) == ([], [])


OUTAGES = {
    "answers 500": {"status": 500},
    "drops the connection": {"drop": True},
    "answers HTML": {"garbage": "html"},
    "answers truncated JSON": {"garbage": "json"},
    "answers JSON without a token": {"garbage": "no token"},
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
def test_provider_answers_null_while_the_token_endpoint_fails_and_a_token_after_it(
    pbi_stage: Stage, pbi_host: Host, outage: dict[str, object]
) -> None:
    item = pbi_stage.open(pbi_host.url("article_provider")).item()
    pbi_stage.clock.advance("45min")

    pbi_stage.faults.add("*/token/aad", for_="6min 30s", **outage)  # type: ignore[arg-type]
    pbi_stage.clock.advance("10min")

    assert [(answer["status"], answer["answer"]) for answer in item.hook_answers] == [
        *[(200, "null")] * 2,  # the service calls at 50:00, and at 51:00 because no newer token came
        (200, "token"),  # the outage ended at 51:30, and the service calls at 52:00
    ]
    item.refresh()
    assert not pbi_stage.journal.expired_requests()


def test_provider_that_throws_is_reported_to_the_service_with_status_400(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.page.route(
        "**/article_provider",
        lambda route: route.fulfill(
            content_type="text/html", body=route.fetch().text().replace("return null;", "throw new Error('no token');")
        ),
    )
    item = pbi_stage.open(pbi_host.url("article_provider")).item()
    pbi_stage.clock.advance("45min")

    pbi_stage.faults.add("*/token/aad", status=500)
    pbi_stage.clock.advance("10min")

    assert {(answer["status"], answer["answer"]) for answer in item.hook_answers} == {(400, "null")}
