"""Tests of the tab: it is really hidden, throttled, frozen and asleep."""

from datetime import UTC, datetime, timedelta

import pytest
from support.site_of_pages import Site

from harness.base.errors import HarnessError
from harness.clock import real_time
from harness.stage import Stage
from harness.stage.host import Host

HIDDEN = ["visibilitychange", "hidden", True]
VISIBLE = ["visibilitychange", "visible", True]


def seen(stage: Stage, where: str) -> list[list[object]]:
    """Return the events of the page or of its cross-origin frame: name, visibility, whether it was trusted."""
    return [heard[1:] for heard in stage.page.evaluate("seen") if heard[0] == where]


def ticks(stage: Stage) -> int:
    return int(stage.page.evaluate("ticks.length"))


@pytest.mark.parametrize("where", ["page", "frame"])
def test_hiding_and_showing_raise_trusted_events_in_page_and_frame(pbi_stage: Stage, pages: Site, where: str) -> None:
    pbi_stage.open(pages.url)

    with pbi_stage.tab.hidden():
        assert pbi_stage.page.evaluate("document.hidden") is True
        pbi_stage.clock.advance("1s")

    assert pbi_stage.page.evaluate("document.hidden") is False
    assert seen(pbi_stage, where) == [HIDDEN, VISIBLE]


def test_timers_fire_once_a_minute_in_a_tab_that_is_hidden_for_long(pbi_stage: Stage, pages: Site) -> None:
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


def test_interval_is_silent_while_frozen_and_fires_once_on_return(pbi_stage: Stage, pages: Site) -> None:
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


def test_cross_origin_frame_is_frozen_with_its_page(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    frame = pbi_stage.page.frames[1]
    pbi_stage.clock.advance("1h")
    before = frame.evaluate("ticks.length")

    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("2h")

    assert before == 120
    assert frame.evaluate("ticks.length") <= before + 1


def test_timers_of_a_worker_do_not_fire_while_its_page_is_frozen(pbi_stage: Stage, pages: Site) -> None:
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


def test_worker_of_a_hidden_tab_is_not_throttled(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { workerOf('setInterval(() => postMessage(1), 30000)').onmessage = () => seen.push(at()); }"
    )

    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("2h")

    assert 239 <= pbi_stage.page.evaluate("seen.length") <= 240


def test_each_change_of_the_tab_is_journalled_and_the_return_settles(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)

    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("1h")

    changes = pbi_stage.journal.of("tab")
    assert [change["state"] for change in changes] == ["hidden", "frozen", "resumed", "shown"]
    assert pbi_stage.tab.shown_at == changes[-1].at
    assert timedelta(0) < pbi_stage.tab.settled <= timedelta(seconds=1)
    assert pbi_stage.clock.now - pbi_stage.tab.shown_at == pbi_stage.tab.settled


def test_hide_freeze_resume_and_show_change_state_and_visibility(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)

    states = []
    for change in (pbi_stage.tab.hide, pbi_stage.tab.freeze, pbi_stage.tab.resume, pbi_stage.tab.show):
        change()
        states.append((pbi_stage.tab.state, pbi_stage.page.evaluate("document.visibilityState")))

    assert states == [("hidden", "hidden"), ("frozen", "hidden"), ("hidden", "hidden"), ("shown", "visible")]


def test_four_hours_hidden_and_frozen_take_less_than_30_real_seconds(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    began = real_time.seconds()
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("2h")
    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("2h")
    assert real_time.seconds() - began < 30  # four hours of virtual time


@pytest.mark.parametrize("state", ["hidden", "frozen"])
def test_interaction_in_a_tab_that_is_not_shown_is_refused(pbi_stage: Stage, pbi_host: Host, state: str) -> None:
    item = pbi_stage.open(pbi_host.url("article_manual")).item()
    item.expect_loaded()
    absence = pbi_stage.tab.hidden() if state == "hidden" else pbi_stage.tab.frozen()

    with absence, pytest.raises(HarnessError) as refused:
        item.change_page("Page 2")

    assert (
        str(refused.value)
        == f"Nobody can change the page in a tab that is {state}; bring it back first with tab.show()."
    )


@pytest.mark.parametrize(
    ("open_", "an_hour"),
    [
        ("ready(new WebSocket(`ws://${location.host}/echo`))", 60),
        ("navigator.locks.request('l', () => new Promise(ready))", 60),
        ("indexedDB.open('d', 1).onsuccess = ({target}) => ready(target.result)", 60),
        (
            """(async () => { const [a, b] = [new RTCPeerConnection(), new RTCPeerConnection()];
            a.createDataChannel('c'); a.onicecandidate = e => b.addIceCandidate(e.candidate); b.onicecandidate = e => a.addIceCandidate(e.candidate);
            await a.setLocalDescription(await a.createOffer()); await b.setRemoteDescription(a.localDescription);
            await b.setLocalDescription(await b.createAnswer()); await a.setRemoteDescription(b.localDescription); ready([a, b]); })()""",
            3600,
        ),
    ],
    ids=["WebSocket", "lock", "database", "WebRTC"],
)
def test_only_webrtc_exempts_a_hidden_page_from_long_throttling(
    pbi_stage: Stage, pages: Site, open_: str, an_hour: int
) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ globalThis.kept = null; globalThis.ticks = []; setInterval(() => ticks.push(1), 200);
        const ready = (opened) => {{ kept = opened; }}; {open_}; }}"""
    )
    while pbi_stage.page.evaluate("kept === null"):  # the clock does not wait for WebRTC's negotiation
        pbi_stage.clock.advance("1s")

    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("10min")
        before = ticks(pbi_stage)
        pbi_stage.clock.advance("1h")
        assert ticks(pbi_stage) - before == pytest.approx(an_hour, abs=1)
    with pbi_stage.tab.frozen():
        before = ticks(pbi_stage)
        pbi_stage.clock.advance("1h")
        assert ticks(pbi_stage) == before


def record_clocks(stage: Stage, pages: Site) -> None:
    """Record the clocks of page, cross-origin frame and worker every 30 s: `Date`, `Temporal` and `performance.now()`."""
    stage.open(pages.empty)
    tells = """const tell = () => heard([Date.now(), +new Date(), Date.parse(Date()), Temporal.Now.instant().epochMilliseconds,
        Date.parse(Temporal.Now.plainDateTimeISO('UTC').toString() + 'Z'), performance.now()]);
        setInterval(tell, 30_000);"""
    stage.page.evaluate(
        """([tells, other]) => {
        globalThis.heard_ = { page: [], worker: [], frame: [] };
        new Function('heard', tells)(told => heard_.page.push(told));
        workerOf('const heard = told => postMessage(told); ' + tells).onmessage = ({data}) => heard_.worker.push(data);
        const frame = document.createElement('iframe');
        frame.src = other + '/empty'; document.body.append(frame);
        addEventListener('message', ({data}) => heard_.frame.push(data)); }""",
        [tells, pages.other],
    )
    stage.clock.advance("1s")
    (frame,) = stage.page.main_frame.child_frames
    frame.evaluate("tells => new Function('heard', tells)(told => parent.postMessage(told, '*'))", tells)


@pytest.mark.parametrize("where", ["page", "frame", "worker"])
def test_sleeping_machine_advances_its_wall_clock_but_not_its_timers(pbi_stage: Stage, pages: Site, where: str) -> None:
    record_clocks(pbi_stage, pages)
    pbi_stage.clock.advance("5min")
    before = pbi_stage.page.evaluate(f"heard_.{where}")

    with pbi_stage.tab.asleep():
        began = pbi_stage.clock.now
        pbi_stage.clock.advance("2h")
        assert pbi_stage.clock.now - began == timedelta(hours=2)
        assert datetime.now(UTC) == pbi_stage.clock.now
    pbi_stage.clock.advance("31s")

    after = pbi_stage.page.evaluate(f"heard_.{where}")[len(before) :]
    assert 1 <= len(after) <= 2
    last, first = before[-1], after[0]
    assert first[0] - last[0] == pytest.approx(
        30_000 + 2 * 3_600_000, abs=1100
    )  # hidden, timers are aligned to seconds
    assert first[-1] - last[-1] == pytest.approx(30_000, abs=1100)
    for now, date, text, instant, plain, _ in (last, first):
        assert date == now
        assert instant == plain == now
        assert text == now // 1000 * 1000


def test_document_loaded_after_sleep_reads_the_wall_clock(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    with pbi_stage.tab.asleep():
        pbi_stage.clock.advance("2h")

    pbi_stage.reload()
    started = pbi_stage.page.evaluate("started")
    assert started == pytest.approx(pbi_stage.clock.now.timestamp() * 1000, abs=1000)
    pbi_stage.page.evaluate(
        "() => { workerOf('postMessage(Date.now())').onmessage = e => seen.push(e.data - Date.now()); }"
    )
    pbi_stage.clock.advance("1s")
    (difference,) = pbi_stage.page.evaluate("seen")
    assert abs(difference) <= 100


def test_formats_without_a_date_read_the_wall_clock_after_sleep(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    with pbi_stage.tab.asleep():
        pbi_stage.clock.advance("2h")

    same = """() => { const format = new Intl.DateTimeFormat('en', {timeStyle: 'medium', timeZone: 'UTC'}), now = new Date();
      return [format.format() === format.format(now), format.format === format.format,
        JSON.stringify(format.formatToParts()) === JSON.stringify(format.formatToParts(now)),
        Temporal.Now.plainDateISO('UTC').toString() === now.toISOString().slice(0, 10),
        Temporal.Now.plainTimeISO('UTC').toString().slice(0, 8) === now.toISOString().slice(11, 19),
        Temporal.Now.zonedDateTimeISO('Asia/Kolkata').epochMilliseconds === now.getTime(),
        Temporal.Now.zonedDateTimeISO('Asia/Kolkata').timeZoneId]; }"""
    assert pbi_stage.page.evaluate(same) == [True, True, True, True, True, True, "Asia/Kolkata"]


def test_cookie_expires_while_the_machine_sleeps(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("document.cookie = 'a=1; max-age=3600'")

    with pbi_stage.tab.asleep():
        pbi_stage.clock.advance("2h")

    assert pbi_stage.page.evaluate("document.cookie") == ""


def test_asleep_ends_with_waking_or_showing(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    tab = pbi_stage.tab

    tab.sleep()
    assert tab.state == "asleep"
    tab.wake()
    assert tab.state == "hidden"
    tab.show()

    assert [entry["state"] for entry in pbi_stage.journal.of("tab")] == ["hidden", "asleep", "awake", "shown"]
    assert seen(pbi_stage, "page") == [HIDDEN, VISIBLE]
