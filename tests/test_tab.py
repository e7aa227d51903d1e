"""The tab is really hidden and really frozen: trusted events, Chromium's own throttling, no ticks."""

from datetime import timedelta

import pytest
from site_of_pages import Site

from harness.errors import HarnessError
from harness.host import Host
from harness.stage import Stage

HIDDEN = ["visibilitychange", "hidden", True]
VISIBLE = ["visibilitychange", "visible", True]


def seen(stage: Stage, where: str) -> list[list[object]]:
    """What the page or its cross-origin frame heard: event, visibility, whether it was trusted."""
    return [heard[1:] for heard in stage.page.evaluate("seen") if heard[0] == where]


def ticks(stage: Stage) -> int:
    return int(stage.page.evaluate("ticks.length"))


@pytest.mark.parametrize("where", ["page", "frame"])
def test_hiding_and_showing_are_trusted_events_in_page_and_frame(pbi_stage: Stage, pages: Site, where: str) -> None:
    pbi_stage.open(pages.url)

    with pbi_stage.tab.hidden():
        assert pbi_stage.page.evaluate("document.hidden") is True
        pbi_stage.clock.advance("1s")

    assert pbi_stage.page.evaluate("document.hidden") is False
    assert seen(pbi_stage, where) == [HIDDEN, VISIBLE]


def test_timers_of_a_tab_that_is_hidden_for_long_run_once_a_minute(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    pbi_stage.clock.advance("1h")
    assert ticks(pbi_stage) == 120

    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("10min")  # throttling begins 5 min after hiding
        before = ticks(pbi_stage)
        pbi_stage.clock.advance("2h")
        assert 115 <= ticks(pbi_stage) - before <= 121

    before = ticks(pbi_stage)
    pbi_stage.clock.advance("1h")
    assert 119 <= ticks(pbi_stage) - before <= 121


def test_a_frozen_page_has_no_tick_and_one_overdue_one_on_return(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    pbi_stage.clock.advance("1h")
    before = ticks(pbi_stage)

    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("2h")
        assert ticks(pbi_stage) == before

    assert ticks(pbi_stage) == before + 1
    assert [event[0] for event in seen(pbi_stage, "page")] == [
        "visibilitychange",
        "freeze",
        "resume",
        "visibilitychange",
    ]
    assert all(trusted for _, _, trusted in seen(pbi_stage, "page"))


def test_the_frame_of_another_site_is_frozen_too(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    frame = pbi_stage.page.frames[1]
    pbi_stage.clock.advance("1h")
    before = frame.evaluate("ticks.length")

    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("2h")

    assert before == 120
    assert frame.evaluate("ticks.length") <= before + 1


def test_a_workers_timers_stand_still_while_the_page_is_frozen(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { workerOf('setInterval(() => postMessage(1), 30000)').onmessage = () => seen.push(at()); }"
    )
    pbi_stage.clock.advance("10min")

    with pbi_stage.tab.frozen():
        before = pbi_stage.page.evaluate("seen.length")
        pbi_stage.clock.advance("2h")
        assert pbi_stage.page.evaluate("seen.length") == before

    pbi_stage.clock.advance("10min")
    assert before in (19, 20)
    assert 20 <= pbi_stage.page.evaluate("seen.length") - before <= 21


def test_a_worker_is_not_throttled_in_a_hidden_tab(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { workerOf('setInterval(() => postMessage(1), 30000)').onmessage = () => seen.push(at()); }"
    )

    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("2h")

    assert 239 <= pbi_stage.page.evaluate("seen.length") <= 240


def test_the_journal_has_every_change_and_the_return_says_when_and_how_long_it_settled(
    pbi_stage: Stage, pages: Site
) -> None:
    pbi_stage.open(pages.url)

    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("1h")

    changes = pbi_stage.journal.of("tab")
    assert [change["state"] for change in changes] == ["hidden", "frozen", "resumed", "shown"]
    assert pbi_stage.tab.shown_at == changes[-1].at
    assert timedelta(0) < pbi_stage.tab.settled <= timedelta(seconds=1)
    assert pbi_stage.clock.now - pbi_stage.tab.shown_at == pbi_stage.tab.settled


def test_hide_freeze_resume_and_show_one_by_one(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)

    states = []
    for change in (pbi_stage.tab.hide, pbi_stage.tab.freeze, pbi_stage.tab.resume, pbi_stage.tab.show):
        change()
        states.append((pbi_stage.tab.state, pbi_stage.page.evaluate("document.visibilityState")))

    assert states == [("hidden", "hidden"), ("frozen", "hidden"), ("hidden", "hidden"), ("shown", "visible")]


def test_two_hours_hidden_and_frozen_cost_no_time_to_speak_of(pbi_stage: Stage, pages: Site) -> None:
    from harness import real_time

    pbi_stage.open(pages.url)
    began = real_time.seconds()
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("2h")
    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("2h")
    assert real_time.seconds() - began < 30  # against 4 h


@pytest.mark.parametrize("state", ["hidden", "frozen"])
def test_nobody_can_use_an_item_in_a_tab_that_is_not_in_front(pbi_stage: Stage, pbi_host: Host, state: str) -> None:
    item = pbi_stage.open(pbi_host.url("article_manual")).item()
    item.expect_loaded()
    absence = pbi_stage.tab.hidden() if state == "hidden" else pbi_stage.tab.frozen()

    with absence, pytest.raises(HarnessError) as refused:
        item.change_page("Page 2")

    assert (
        str(refused.value)
        == f"Nobody can change the page in a tab that is {state}; bring it back first with tab.show()."
    )
