"""Servers that take seconds of real time: in virtual time their answers arrive at once, and no request times out."""

import pytest
from support.site_of_pages import Site

from harness.stage import Stage

ANSWER_LIMIT_MS = 200
"""Virtual milliseconds within which an answer has to arrive."""
SCRIPT = "&type=text/javascript&text=/**/"
LANDING = "&text=<script>const took = Date.now() - sessionStorage.began</script>"
POPUP = "&text=<script>opener.postMessage(1)</script>"

WORK = {
    "a navigation with a late answer": f"sessionStorage.began = Date.now(); location = '/slow?answer=3{LANDING}'",
    "a navigation with a slow body": f"sessionStorage.began = Date.now(); location = '/slow?body=5{LANDING}'",
    "a frame": "const frame = document.createElement('iframe'); frame.onload = done; frame.src = '/slow?body=5'; "
    "document.body.append(frame)",
    "a popup": f"addEventListener('message', done); open('/slow?answer=3{POPUP}')",
    "a script": "const script = document.createElement('script'); script.onload = done; "
    f"script.src = '/slow?body=5{SCRIPT}'; document.body.append(script)",
    "an image": "const image = new Image(); image.src = '/slow?answer=3'; image.decode().catch(done)",
    "a worker's request": "workerOf(`fetch('${location.origin}/slow?answer=1.5').then(() => postMessage(0))`).onmessage = done",
    "a worker's script": "new Worker('/slow?answer=3&body=3&type=text/javascript&text=postMessage(1)').onmessage = done",
    "two requests for a cache": "caches.open('c').then((cache) => cache.addAll(['/slow?answer=1.5', '/slow?answer=1.4'])).then(done)",
}


def timed(work: str) -> str:
    """Return JavaScript that sets `took` to the virtual milliseconds from the start of the work to its call of `done`."""
    return f"const began = Date.now(), done = () => {{ globalThis.took = Date.now() - began; }}; {work}"


@pytest.mark.parametrize("work", WORK)
def test_slow_answer_takes_no_virtual_time(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(f"() => {{ setTimeout(() => {{ {timed(WORK[work])} }}, 1000); }}")

    pbi_stage.clock.advance("5min")

    assert 0 <= pbi_stage.page.evaluate("took") <= ANSWER_LIMIT_MS
    assert not pbi_stage.journal.of("clock")


WORK_BESIDE_A_STREAM = {
    "a late answer": "fetch('/slow?answer=1.5').then(done)",
    "a slow body": "fetch('/slow?body=1.5').then((answer) => answer.text()).then(done)",
    "a script": WORK["a script"].replace("body=5", "body=3"),
}


@pytest.mark.parametrize("work", WORK_BESIDE_A_STREAM)
def test_slow_answer_beside_a_stream_takes_little_virtual_time(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"() => {{ new EventSource('/never'); setTimeout(() => {{ {timed(WORK_BESIDE_A_STREAM[work])} }}, 120_000); }}"
    )

    pbi_stage.clock.advance("5min")

    assert 0 <= pbi_stage.page.evaluate("took") <= ANSWER_LIMIT_MS
    (stream,) = pbi_stage.journal.of("clock")
    assert stream["url"] == f"{pages.origin}/never"


@pytest.mark.parametrize("who", ["a page", "a worker"])
@pytest.mark.parametrize("beside", ["", "new EventSource('/never');"])
def test_unread_answers_do_not_hold_the_clock(pbi_stage: Stage, pages: Site, who: str, beside: str) -> None:
    source = f"setInterval(() => fetch('{pages.origin}/slow?body=0.01').then(({{ok}}) => postMessage(ok)), 60_000)"
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"source => {{ {beside} const onAnswer = () => seen.push(1); "
        + ("onmessage = onAnswer; eval(source); }" if who == "a page" else "workerOf(source).onmessage = onAnswer; }"),
        source,
    )

    pbi_stage.clock.advance("20min 1s")

    assert len(pbi_stage.page.evaluate("seen")) == 20
    assert {entry["url"] for entry in pbi_stage.journal.of("clock")} == ({f"{pages.origin}/never"} if beside else set())


def test_unread_answers_are_not_taken_for_streams(pbi_stage: Stage, pages: Site) -> None:
    """The browser keeps an unread answer pending if it must not store it. The clock still waits for other requests."""
    script = WORK["a script"].replace("body=5", "body=3")
    pbi_stage.delay_answers("*/home", "1s")
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{
            setInterval(() => fetch('/slow?cache=no-store').catch(() => {{}}), 60_000);
            setTimeout(() => {{ {timed(script)} }}, 10.5 * 60_000);
            setTimeout(() => fetch('/home').then(() => seen.push(at())), 15.5 * 60_000);
        }}"""
    )

    pbi_stage.clock.advance("20min")

    (answered,) = pbi_stage.page.evaluate("seen")
    assert 931_000 <= answered <= 931_500 + ANSWER_LIMIT_MS
    assert not pbi_stage.journal.of("clock")
