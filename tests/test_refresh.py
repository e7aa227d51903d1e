"""The four things that the product is named for, on the article's own pages; and the same pages without them fail."""

from datetime import timedelta

import pytest

from harness.stage import Stage
from harness.stage.host import Host
from harness.stage.token_history import Renewal

SECOND = timedelta(seconds=1)


def since_open(stage: Stage, renewal: Renewal) -> timedelta:
    opened = stage.journal.of("page.opened")[0].at
    return timedelta(seconds=round((renewal.at - opened).total_seconds(), 1))


def test_the_interval_check_renews_at_the_tick_that_finds_ten_minutes_left(pbi_stage: Stage, pbi_host: Host) -> None:
    item = pbi_stage.open(pbi_host.url("article_manual"), lifetime="60min 15s").item()
    item.expect_loaded()

    pbi_stage.clock.advance("3h")

    # Ticks come every 30 s from the page's first script on. The first token ends at 60:15, so the tick of 50:00 leaves it
    # and that of 50:30 renews it; each later token is 60:15 old at its end again, counted from its own renewal.
    assert [since_open(pbi_stage, renewal) for renewal in item.renewals] == [
        timedelta(minutes=50, seconds=30),
        timedelta(minutes=101),
        timedelta(minutes=151, seconds=30),
    ]
    assert {renewal.how for renewal in item.renewals} == {"setAccessToken"}


def test_a_page_without_the_interval_check_never_renews(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.page.add_init_script("globalThis.setInterval = () => 0")
    item = pbi_stage.open(pbi_host.url("article_manual")).item()

    pbi_stage.clock.advance("61min")
    item.refresh()

    assert item.renewals == []
    assert [request["state"] for request in pbi_stage.journal.expired_requests()] == ["expired"]


def renewed_on_return(stage: Stage, host: Host) -> bool:
    item = stage.open(host.url("article_manual"), lifetime="60min 15s").item()
    stage.clock.advance("50min 5s")  # 10 s before the page's margin, between two of its ticks
    with stage.tab.hidden():
        stage.clock.advance("15s")  # the margin is crossed in the dark
    return bool(item.renewals) and item.renewals[-1].at - stage.tab.shown_at <= SECOND


def test_the_page_renews_when_it_becomes_visible(pbi_stage: Stage, pbi_host: Host) -> None:
    assert renewed_on_return(pbi_stage, pbi_host)


def test_the_same_page_without_its_listener_does_not(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.page.add_init_script("document.addEventListener = () => {}")

    assert not renewed_on_return(pbi_stage, pbi_host)


def test_the_provider_is_called_before_the_first_second_and_third_expiry(pbi_stage: Stage, pbi_host: Host) -> None:
    item = pbi_stage.open(pbi_host.url("article_provider")).item()

    pbi_stage.clock.advance("165min")

    assert [since_open(pbi_stage, renewal) for renewal in item.renewals] == [
        timedelta(minutes=50),
        timedelta(minutes=100),
        timedelta(minutes=150),
    ]
    assert {renewal.how for renewal in item.renewals} == {"hook"}
    assert [answer["answer"] for answer in item.hook_answers] == ["token"] * 3


def test_a_page_that_registers_no_provider_is_not_asked(pbi_stage: Stage, pbi_host: Host) -> None:
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
    "answers half a JSON": {"garbage": "json"},
    "answers no token": {"garbage": "no token"},
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES.keys())
def test_the_provider_answers_null_while_the_token_endpoint_fails(
    pbi_stage: Stage, pbi_host: Host, outage: dict[str, object]
) -> None:
    item = pbi_stage.open(pbi_host.url("article_provider")).item()
    pbi_stage.clock.advance("45min")

    pbi_stage.faults.add("*/token/aad", for_="6min 30s", **outage)  # type: ignore[arg-type]
    pbi_stage.clock.advance("10min")

    assert [(answer["status"], answer["answer"]) for answer in item.hook_answers] == [
        *[(200, "null")] * 2,  # asked at 50:00 and, as nothing newer came, at 51:00
        (200, "token"),  # at 52:00 the endpoint has healed half a minute ago
    ]
    item.refresh()
    assert not pbi_stage.journal.expired_requests()


def test_a_provider_without_its_catch_is_seen_to_throw(pbi_stage: Stage, pbi_host: Host) -> None:
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
