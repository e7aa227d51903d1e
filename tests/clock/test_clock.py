"""The clock's promises about timers, answers, workers and navigations, each tested through the public API."""

import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from playwright.sync_api import Route
from support.site_of_pages import Site

from harness.base.durations import DurationError
from harness.base.errors import UsageError
from harness.stage import Stage

HOUR_MS = 3_600_000
MILLISECOND = timedelta(milliseconds=1)
WINDOW_DELAY_MS = 500
"""Virtual milliseconds that may pass before a new window's document starts: a little more than the clock's steps."""


def test_first_script_of_a_page_reads_exactly_the_clocks_time(pbi_stage: Stage, pages: Site) -> None:
    began = pbi_stage.clock.now

    pbi_stage.open(pages.empty)

    assert pbi_stage.page.evaluate("started") == began.timestamp() * 1000
    assert pbi_stage.clock.now - began == timedelta(milliseconds=500)  # for its first scripts


def test_virtual_time_does_not_pass_between_calls_of_the_clock(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    before = pbi_stage.clock.now

    pbi_stage.page.get_by_role("button").click()
    pbi_stage.page.wait_for_timeout(50)
    pbi_stage.page.screenshot()

    assert pbi_stage.page.get_by_role("button").text_content() == "clicked"
    assert pbi_stage.page.evaluate("Date.now()") == before.timestamp() * 1000
    assert pbi_stage.clock.now == before


def test_day_of_a_30_s_interval_has_2880_ticks_each_at_its_millisecond(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.url)
    before = pbi_stage.clock.now

    pbi_stage.clock.advance("24h")

    assert pbi_stage.page.evaluate("ticks") == [30_000 * tick for tick in range(1, 2881)]
    assert pbi_stage.clock.now - before == timedelta(hours=24)


def test_hour_of_many_timers_is_not_taken_for_work_without_an_end(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("() => { globalThis.many_timers = 0; setInterval(() => many_timers++, 4); }")

    pbi_stage.clock.advance("1h")  # takes more real time than the timeout of a request

    assert pbi_stage.page.evaluate("many_timers") == HOUR_MS / 4
    assert not pbi_stage.journal.of("clock")


@pytest.mark.parametrize("length", ["1s", "999min", "24h", timedelta(milliseconds=1), timedelta(hours=7, seconds=0.25)])
def test_advance_takes_exactly_its_length(pbi_stage: Stage, pages: Site, length: str | timedelta) -> None:
    pbi_stage.open(pages.url)
    before = pbi_stage.page.evaluate("Date.now()")

    for _ in range(3):
        pbi_stage.clock.advance(length)

    whole = {"1s": 1, "999min": 59_940, "24h": 86_400}
    seconds = length.total_seconds() if isinstance(length, timedelta) else whole[length]
    assert pbi_stage.page.evaluate("Date.now()") - before == 3000 * seconds


@pytest.mark.parametrize("work", ["0", "new Blob(['x']).text()", "cookieStore.get('x')"])
def test_advance_beside_brief_work_takes_exactly_its_length(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.made(f"<script>setInterval(() => {work}, 1000)</script>"))
    before = pbi_stage.clock.now

    ends = []
    for _ in range(150):
        pbi_stage.clock.advance("1400ms")  # ends between two ticks
        ends.append(pbi_stage.clock.now - before)

    assert ends == [timedelta(milliseconds=1400 * (n + 1)) for n in range(150)]


def test_performance_now_and_abort_signals_follow_the_clock(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { AbortSignal.timeout(5000).onabort = () => seen.push(at()); globalThis.began = performance.now(); }"
    )
    since = pbi_stage.page.evaluate("at()")

    pbi_stage.clock.advance("1h")

    assert pbi_stage.page.evaluate("performance.now() - began") == pytest.approx(HOUR_MS, abs=1)
    assert pbi_stage.page.evaluate("seen") == [since + 5000]


def test_slow_answer_takes_no_virtual_time(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "void setTimeout(async () => { const began = at(); await fetch('/slow'); seen.push(at() - began); }, 60_000)"
    )

    pbi_stage.clock.advance("1h")

    assert pbi_stage.page.evaluate("seen")[0] <= 20


def test_slow_frame_of_another_site_takes_no_virtual_time(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"""void setTimeout(() => {{ const began = at(), frame = document.createElement('iframe');
        frame.src = '{pages.other}/slow'; frame.onload = () => seen.push(at() - began); document.body.append(frame); }}, 60_000)"""
    )

    pbi_stage.clock.advance("1h")

    assert pbi_stage.page.evaluate("seen")[0] <= 100


def test_journal_stamps_requests_with_the_virtual_time_at_which_they_were_sent(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("void setInterval(() => fetch('/favicon.ico?' + at()), 1_000_003)")

    pbi_stage.clock.advance("24h")

    sent = [entry for entry in pbi_stage.journal.of("request") if "favicon.ico?" in entry["url"]]
    opened = pbi_stage.journal.of("page.opened")[0].at
    assert len(sent) == 86
    for entry in sent:
        assert entry.at - opened == int(entry["url"].split("?")[1]) * MILLISECOND


def test_clock_waits_for_a_users_route_handler(pbi_stage: Stage, pages: Site) -> None:
    answered: list[datetime] = []

    def answer(route: Route) -> None:
        answered.append(pbi_stage.clock.now)
        route.fulfill(json={})

    pbi_stage.page.route("**/token", answer)
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("void setInterval(async () => { await fetch('/token'); seen.push(at()); }, 3600_000)")
    before = pbi_stage.clock.now

    pbi_stage.clock.advance("24h")

    assert len(answered) == 24 == len(pbi_stage.page.evaluate("seen"))
    first = pbi_stage.page.evaluate("seen[0]")
    assert answered[0] - before <= timedelta(hours=1)
    assert abs(first - HOUR_MS - 500) < 550


def test_exception_of_a_route_handler_ends_the_advance(pbi_stage: Stage, pages: Site) -> None:
    def fail(route: Route) -> None:
        raise ZeroDivisionError(route.request.url)

    pbi_stage.open(pages.empty)
    pbi_stage.page.route("**/token", fail)
    pbi_stage.page.evaluate("void setInterval(() => fetch('/token'), 60_000)")

    with pytest.raises(ZeroDivisionError, match=r"/token$"):
        pbi_stage.clock.advance("24h")

    assert pbi_stage.journal.of("clock") == []


def test_clock_keeps_working_after_playwright_refuses_a_handlers_second_answer(pbi_stage: Stage, pages: Site) -> None:
    def answer(route: Route) -> None:
        route.fulfill(body="x")
        if route.request.url.endswith("/first"):
            route.fulfill(body="x")  # Playwright refuses a second answer

    pbi_stage.open(pages.empty)
    pbi_stage.page.route("**/answers/*", answer)
    pbi_stage.page.evaluate(
        """async () => { setTimeout(async () => seen.push(await (await fetch('/answers/second')).text()), 1000);
        await fetch('/answers/first'); }"""
    )

    pbi_stage.clock.advance("1min")

    assert pbi_stage.page.evaluate("seen") == ["x"]
    assert pbi_stage.journal.of("clock") == []


class TestWorkers:
    def test_workers_interval_ticks_at_its_millisecond_and_its_message_arrives_at_once(
        self, pbi_stage: Stage, pages: Site
    ) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            "() => { workerOf('setInterval(() => postMessage(Date.now()), 30000)').onmessage = e => seen.push([e.data, Date.now()]); }"
        )
        before = pbi_stage.clock.now

        pbi_stage.clock.advance("1h")

        ticks = pbi_stage.page.evaluate("seen")
        assert len(ticks) in (119, 120)
        assert all(sent == received for sent, received in ticks)
        assert {later[0] - earlier[0] for earlier, later in pairwise(ticks)} == {30_000}
        assert pbi_stage.clock.now - before == timedelta(hours=1)

    def test_workers_timer_that_a_message_sets_fires_in_time(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            """() => { const worker = workerOf('onmessage = e => setTimeout(() => postMessage([e.data, Date.now()]), 1000)');
            worker.onmessage = e => seen.push(e.data[1] - e.data[0]);
            setInterval(() => worker.postMessage(Date.now()), 600_000); }"""
        )

        pbi_stage.clock.advance("1h 1min")

        assert len(pbi_stage.page.evaluate("seen")) == 6
        assert all(1000 <= took <= 1050 for took in pbi_stage.page.evaluate("seen"))

    def test_worker_created_during_an_advance_starts_at_once(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            """void setTimeout(() => { const made = Date.now();
            new Worker('/worker.js').onmessage = e => seen.push(e.data - made); }, 600_000)"""
        )

        pbi_stage.clock.advance("1h")

        first = pbi_stage.page.evaluate("seen[0]")
        assert 30_000 <= first <= 30_100

    def test_worker_that_throws_at_start_or_is_terminated_does_not_delay_the_clock(
        self, pbi_stage: Stage, pages: Site
    ) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            """() => { workerOf('throw new Error()').onerror = e => { e.preventDefault(); seen.push('error'); };
            const idle = workerOf('setInterval(() => postMessage(1), 1000)'); idle.onmessage = () => seen.push('alive');
            idle.terminate(); idle.postMessage('late'); }"""
        )
        before = pbi_stage.clock.now

        pbi_stage.clock.advance("1h")

        assert pbi_stage.page.evaluate("seen") == ["error"]
        assert pbi_stage.clock.now - before == timedelta(hours=1)

    def test_page_sees_no_difference_in_its_worker_constructor(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)

        assert pbi_stage.page.evaluate(
            """() => { const worker = workerOf(''); return [worker instanceof Worker, worker.constructor === Worker,
            Worker.name, Worker.length, String(Worker).includes('[native code]'), Object.keys(globalThis).some(k => k.includes('pbi'))]; }"""
        ) == [True, True, "Worker", 1, True, False]


class TestNavigation:
    def test_redirect_over_another_site_and_back_takes_no_virtual_time(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        began = pbi_stage.page.evaluate("Date.now()")
        pbi_stage.page.evaluate(f"void setTimeout(() => location.href = '{pages.origin}/sign-in', 1000)")

        pbi_stage.clock.advance("1h")

        assert pbi_stage.page.url == f"{pages.empty}?signed-in"
        assert 1000 <= pbi_stage.page.evaluate("started") - began <= 1100
        assert pbi_stage.page.evaluate("Date.now()") - began == HOUR_MS

    @pytest.mark.parametrize(
        ("destination", "arrives"),
        [
            ("/empty?elsewhere", "?elsewhere"),
            ("about:blank", "about:blank"),
            ("${URL.createObjectURL(new Blob(['elsewhere'], {type: 'text/html'}))}", "blob:"),
            ("data:text/html,elsewhere", "/empty"),  # the browser refuses to navigate there
        ],
    )
    def test_day_in_which_the_page_navigates_takes_exactly_a_day(
        self, pbi_stage: Stage, pages: Site, destination: str, arrives: str
    ) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            f"""void setTimeout(() => {{ const link = document.createElement('a'); link.href = `{destination}`; link.click(); }},
            3_600_000)"""
        )
        before = pbi_stage.clock.now

        pbi_stage.clock.advance("24h")

        assert arrives in pbi_stage.page.url
        assert pbi_stage.clock.now - before == timedelta(hours=24)
        assert pbi_stage.page.evaluate("Date.now()") == pbi_stage.clock.now.timestamp() * 1000

    def test_goto_another_site_keeps_virtual_time(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.clock.advance("1h")
        before = pbi_stage.clock.now

        pbi_stage.goto(f"{pages.other}/empty")

        assert pbi_stage.page.evaluate("started") - before.timestamp() * 1000 <= 20
        assert pbi_stage.clock.now - before == timedelta(milliseconds=500)

    def test_reload_and_back_keep_virtual_time(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.goto(pages.url)
        before = pbi_stage.clock.now

        pbi_stage.reload()
        assert pbi_stage.page.title() == "home"
        assert pbi_stage.page.evaluate("started") >= before.timestamp() * 1000
        pbi_stage.back()

        assert pbi_stage.page.title() == "empty"
        assert pbi_stage.clock.now - before < timedelta(seconds=2)

    @pytest.mark.parametrize("call", ["history.back()", "history.go(-1)", "navigation.back()"])
    def test_page_that_goes_back_by_itself_keeps_virtual_time(self, pbi_stage: Stage, pages: Site, call: str) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.goto(pages.url)
        before = pbi_stage.clock.now
        pbi_stage.page.evaluate(f"void setTimeout(() => {call}, 1000)")

        pbi_stage.clock.advance("1h")

        assert pbi_stage.page.title() == "empty"
        assert 1000 <= pbi_stage.page.evaluate("started") - before.timestamp() * 1000 <= 1100
        assert pbi_stage.clock.now - before == timedelta(hours=1)
        assert not pbi_stage.journal.of("clock")

    @pytest.mark.parametrize("call", ["history.forward()", "history.go(1)", "navigation.forward()"])
    def test_page_that_goes_forward_by_itself_keeps_virtual_time(
        self, pbi_stage: Stage, pages: Site, call: str
    ) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.goto(pages.url)
        pbi_stage.back()
        before = pbi_stage.clock.now
        pbi_stage.page.evaluate(f"void setTimeout(() => {call}, 1000)")

        pbi_stage.clock.advance("1h")

        assert pbi_stage.page.title() == "home"
        assert 1000 <= pbi_stage.page.evaluate("started") - before.timestamp() * 1000 <= 1100
        assert pbi_stage.clock.now - before == timedelta(hours=1)
        assert not pbi_stage.journal.of("clock")

    def test_back_from_the_first_page_of_the_tab_is_refused(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.back()  # to about:blank, the tab's first document

        with pytest.raises(UsageError, match=r"There is nothing to go back to: this is the first page of the tab\."):
            pbi_stage.back()

    def test_popup_runs_on_the_clock_of_its_opener(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            """void setTimeout(() => { const began = at(), popup = open('/popup'), timer = setInterval(() => {
            if (popup.closed) { seen.push(at() - began); clearInterval(timer); } }, 50); }, 1000)"""
        )

        pbi_stage.clock.advance("1h")

        # The popup hides its opener, whose timers then run once a second.
        assert 5000 <= pbi_stage.page.evaluate("seen[0]") <= 6000 + WINDOW_DELAY_MS

    def test_window_without_an_opener_runs_on_the_same_clock(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        program = """const channel = new BroadcastChannel('c'), tell = () => channel.postMessage(Date.now());
        tell(); setTimeout(tell, 3600_000);"""
        pbi_stage.page.evaluate(
            """url => { globalThis.channel = new BroadcastChannel('c');
            channel.onmessage = ({data}) => seen.push(data - began);
            setTimeout(() => { globalThis.began = Date.now(); open(url, '', 'noopener'); }, 1000); }""",
            pages.made(f"<script>{program}</script>"),
        )

        pbi_stage.clock.advance("59min")

        (took,) = pbi_stage.page.evaluate("seen")
        assert took <= WINDOW_DELAY_MS
        pbi_stage.clock.advance("2min")
        assert pbi_stage.page.evaluate("seen") == [took, took + HOUR_MS]


class TestPythonsTime:
    def test_python_reads_the_same_instant_as_the_page(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)

        pbi_stage.clock.advance("24h")

        assert datetime.now(UTC) == pbi_stage.clock.now
        assert time.time() == pbi_stage.clock.now.timestamp()
        assert pbi_stage.page.evaluate("Date.now()") == time.time() * 1000


class TestAdvanceUntil:
    def test_advance_until_stops_when_the_condition_holds(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.url)

        took = pbi_stage.clock.advance_until(
            lambda: pbi_stage.page.evaluate("ticks.length") == 2, within="5min", every="5s"
        )

        assert took == timedelta(seconds=60)

    def test_advance_until_fails_when_the_condition_never_holds(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.url)

        with pytest.raises(AssertionError, match=r"The condition did not become true within 0:00:10 of virtual time"):
            pbi_stage.clock.advance_until(lambda: False, within="10s")

    def test_advance_to_stops_at_the_given_instant(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.url)
        instant = pbi_stage.clock.now + timedelta(hours=3, seconds=0.25)

        pbi_stage.clock.advance_to(instant)

        assert pbi_stage.clock.now == instant


class TestBadInput:
    @pytest.mark.parametrize("length", [90, 1.5, "90", "soon", "-5min", ""])
    def test_length_that_is_no_duration_with_a_unit_is_refused(self, pbi_stage: Stage, length: object) -> None:
        with pytest.raises(DurationError, match='write a timedelta or a string with a unit, such as "90min" or "24h"'):
            pbi_stage.clock.advance(length)  # type: ignore[arg-type]

    def test_instant_without_a_time_zone_is_refused(self, pbi_stage: Stage) -> None:
        with pytest.raises(UsageError, match="has no time zone, so it names no instant"):
            pbi_stage.clock.advance_to(datetime(2040, 1, 1))

    def test_advance_to_an_instant_in_the_past_is_refused(self, pbi_stage: Stage) -> None:
        with pytest.raises(UsageError, match="time does not run backwards"):
            pbi_stage.clock.advance_to(datetime(2020, 1, 1, tzinfo=UTC))
