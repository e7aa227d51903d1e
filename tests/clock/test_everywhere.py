"""The clock treats timers, requests and messages alike in the page, in a frame of another site and in a worker."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Route
from support.site_of_pages import Site

from harness.stage import Stage

PLACES = ["page", "frame", "worker"]


def run_program(stage: Stage, pages: Site, place: str, program: str) -> None:
    """Run a program in the page, in a frame of another site or in a worker.

    `here` is the origin of the program. Values that the program passes to `tell` arrive in the list `heard`.
    """
    stage.open(pages.empty)
    stage.page.evaluate("() => { globalThis.heard = []; globalThis.hear = ({ data }) => { heard.push(data); }; }")
    program = f"const here = new URL(location.href).origin; {program}"
    if place == "page":
        stage.page.evaluate(f"() => {{ const tell = (what) => heard.push(what); {program} }}")
    elif place == "frame":
        stage.page.evaluate(
            f"""() => {{ addEventListener('message', hear); const frame = document.createElement('iframe');
            frame.src = '{pages.other}/empty'; document.body.append(frame); }}"""
        )
        stage.clock.advance("500ms")
        (frame,) = stage.page.main_frame.child_frames
        frame.evaluate(f"() => {{ const tell = (what) => parent.postMessage(what, '*'); {program} }}")
    else:
        stage.page.evaluate(
            "(source) => { workerOf(source).onmessage = hear; }", f"const tell = (what) => postMessage(what); {program}"
        )
        stage.clock.advance("500ms")


def received(stage: Stage) -> list[object]:
    """Return the values that have arrived in the page's list `heard`."""
    return list(stage.page.evaluate("heard"))


@pytest.mark.parametrize("place", PLACES)
def test_30_s_interval_ticks_at_its_millisecond_for_a_day(pbi_stage: Stage, pages: Site, place: str) -> None:
    run_program(
        pbi_stage, pages, place, "const began = Date.now(); setInterval(() => tell(Date.now() - began), 30_000);"
    )

    pbi_stage.clock.advance("24h")

    ticks = received(pbi_stage)
    assert ticks == [30_000 * (n + 1) for n in range(len(ticks))]
    assert len(ticks) in (2879, 2880)


@pytest.mark.parametrize("place", ["frame", "worker"])
def test_first_script_of_a_new_frame_or_worker_reads_the_time_of_its_creation(
    pbi_stage: Stage, pages: Site, place: str
) -> None:
    first = "<script>parent.postMessage(Date.now(), '*')</script>"
    make = {
        "frame": f"""const frame = document.createElement('iframe'); frame.src = {pages.made(first)!r};
            frame.src = frame.src.replace('127.0.0.1', 'localhost'); document.body.append(frame);""",
        "worker": "workerOf('postMessage(Date.now())').onmessage = hear;",
    }
    run_program(pbi_stage, pages, "page", "")
    pbi_stage.page.evaluate(
        f"() => {{ onmessage = hear; setTimeout(() => {{ heard.push(Date.now()); {make[place]} }}, 3600_000); }}"
    )

    pbi_stage.clock.advance("24h")

    made, read = pbi_stage.page.evaluate("heard")
    assert 0 <= read - made <= 100


@pytest.mark.parametrize("place", PLACES)
def test_route_handler_reads_the_time_of_the_request(pbi_stage: Stage, pages: Site, place: str) -> None:
    answered: list[float] = []

    def answer(route: Route) -> None:
        answered.append(datetime.now(UTC).timestamp() * 1000)
        route.fulfill(json={})

    pbi_stage.page.route("**/token", answer)
    run_program(
        pbi_stage,
        pages,
        place,
        "setInterval(async () => { const asked = Date.now(); await fetch(`${here}/token`); tell(asked); }, 3_600_000);",
    )

    pbi_stage.clock.advance("24h")

    asked = pbi_stage.page.evaluate("heard")
    assert len(answered) == len(asked) >= 23
    # The clock learns of a worker's request one step later.
    assert all(0 <= read - at <= (20 if place == "worker" else 0) for read, at in zip(answered, asked, strict=True))


@pytest.mark.parametrize("place", PLACES)
def test_answer_that_a_test_delays_by_15_s_arrives_after_15_s(pbi_stage: Stage, pages: Site, place: str) -> None:
    pbi_stage.delay_answers("*/slow", "15s")
    run_program(
        pbi_stage,
        pages,
        place,
        """setTimeout(async () => { const asked = Date.now(); await fetch(`${here}/slow`); tell(Date.now() - asked); }, 60_000);""",
    )

    pbi_stage.clock.advance("1h")

    (took,) = pbi_stage.page.evaluate("heard")
    assert 15_000 <= took <= 15_050


@pytest.mark.parametrize("place", ["page", "frame"])
def test_message_posted_while_the_clock_is_paused_arrives_within_the_next_millisecond(
    pbi_stage: Stage, pages: Site, place: str
) -> None:
    run_program(pbi_stage, pages, "frame", "onmessage = () => tell('heard in the frame');")
    pbi_stage.page.evaluate(
        "() => { frames[0].postMessage(1, '*'); }" if place == "frame" else "() => { postMessage('heard', '*'); }"
    )
    before = received(pbi_stage)

    pbi_stage.clock.advance("1ms")

    assert before == []
    assert received(pbi_stage) == ["heard in the frame" if place == "frame" else "heard"]


@pytest.mark.parametrize(("place", "ticks"), [("page", 121), ("frame", 121), ("worker", 240)])
def test_hidden_tab_throttles_timers_of_documents_to_one_per_minute_but_not_timers_of_workers(
    pbi_stage: Stage, pages: Site, place: str, ticks: int
) -> None:
    """The browser itself throttles the timers of hidden documents. The browser does not throttle timers of workers."""
    run_program(pbi_stage, pages, place, "setInterval(() => tell(1), 30_000);")

    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("10min")  # throttling begins 5 min after hiding
        before = len(received(pbi_stage))
        pbi_stage.clock.advance("2h")
        hidden_ticks = len(received(pbi_stage)) - before

    assert ticks - 6 <= hidden_ticks <= ticks


CONNECTIONS = {
    "WebSocket": "new WebSocket(`${here.replace('http', 'ws')}/echo`)",
    "EventSource": "new EventSource(`${here}/never`)",
    "long poll": "fetch(`${here}/never`)",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("connection", CONNECTIONS)
def test_clock_advances_exactly_during_an_open_connection_and_reports_each_except_a_websocket(
    pbi_stage: Stage, pages: Site, place: str, connection: str
) -> None:
    program = f"const open = {CONNECTIONS[connection]}; const began = Date.now(); setInterval(() => tell(Date.now() - began), 600_000);"
    run_program(pbi_stage, pages, place, program)
    before = pbi_stage.clock.now

    pbi_stage.clock.advance("1h 1min")

    assert pbi_stage.clock.now - before == timedelta(hours=1, minutes=1)
    assert received(pbi_stage) == [600_000 * (n + 1) for n in range(6)]
    assert bool(pbi_stage.journal.of("clock")) == (connection != "WebSocket")
