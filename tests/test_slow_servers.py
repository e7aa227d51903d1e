"""Servers that take seconds of real time: the page has its answer at once, and nothing is given up or taken for endless."""

import pytest
from site_of_pages import Site

from harness.stage import Stage

CLOSE = 200
"""Virtual milliseconds within which an answer has to come."""
SCRIPT = "&type=text/javascript&text=/**/"
LANDING = "&text=<script>const took = Date.now() - sessionStorage.asked</script>"
POPUP = "&text=<script>opener.postMessage(1)</script>"

WORK = {
    "a navigation": f"sessionStorage.asked = Date.now(); location = '/slow?answer=3{LANDING}'",
    "a document": f"sessionStorage.asked = Date.now(); location = '/slow?body=5{LANDING}'",
    "a frame": "const frame = document.createElement('iframe'); frame.onload = done; frame.src = '/slow?body=5'; "
    "document.body.append(frame)",
    "a popup": f"addEventListener('message', done); open('/slow?answer=3{POPUP}')",
    "a script": "const script = document.createElement('script'); script.onload = done; "
    f"script.src = '/slow?body=5{SCRIPT}'; document.body.append(script)",
    "an image": "const image = new Image(); image.src = '/slow?answer=3'; image.decode().catch(done)",
    "a worker's request": "workerOf(`fetch('${location.origin}/slow?answer=1.5').then(() => postMessage(0))`).onmessage = done",
    "a worker's script": "new Worker('/slow?answer=3&body=3&type=text/javascript&text=postMessage(1)').onmessage = done",
    "some for a cache": "caches.open('c').then((cache) => cache.addAll(['/slow?answer=1.5', '/slow?answer=1.4'])).then(done)",
}


def began(work: str) -> str:
    return f"const asked = Date.now(), done = () => {{ globalThis.took = Date.now() - asked; }}; {work}"


@pytest.mark.parametrize("work", WORK)
def test_time_stands_still_meanwhile(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(f"() => {{ setTimeout(() => {{ {began(WORK[work])} }}, 1000); }}")

    pbi_stage.clock.advance("5min")

    assert 0 <= pbi_stage.page.evaluate("took") <= CLOSE
    assert not pbi_stage.journal.of("clock")


BESIDE = {
    "an answer": "fetch('/slow?answer=1.5').then(done)",
    "the body of one": "fetch('/slow?body=1.5').then((answer) => answer.text()).then(done)",
    "a script": WORK["a script"].replace("body=5", "body=3"),
}


@pytest.mark.parametrize("work", BESIDE)
def test_beside_a_stream_it_nearly_does(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"() => {{ new EventSource('/never'); setTimeout(() => {{ {began(BESIDE[work])} }}, 120_000); }}"
    )

    pbi_stage.clock.advance("5min")

    assert 0 <= pbi_stage.page.evaluate("took") <= CLOSE
    (stream,) = pbi_stage.journal.of("clock")
    assert stream["url"] == f"{pages.origin}/never"


@pytest.mark.parametrize("who", ["a page", "a worker"])
@pytest.mark.parametrize("beside", ["", "new EventSource('/never');"])
def test_an_answer_that_nobody_reads_has_an_end(pbi_stage: Stage, pages: Site, who: str, beside: str) -> None:
    asks = f"setInterval(() => fetch('{pages.origin}/slow?body=0.01').then(({{ok}}) => postMessage(ok)), 60_000)"
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"source => {{ {beside} const heard = () => seen.push(1); "
        + ("onmessage = heard; eval(source); }" if who == "a page" else "workerOf(source).onmessage = heard; }"),
        asks,
    )

    pbi_stage.clock.advance("20min 1s")

    assert len(pbi_stage.page.evaluate("seen")) == 20
    assert {entry["url"] for entry in pbi_stage.journal.of("clock")} == ({f"{pages.origin}/never"} if beside else set())


def test_answers_that_nobody_reads_are_no_streams(pbi_stage: Stage, pages: Site) -> None:
    """What may not be stored stays under way. Seconds later, something else ends by virtual time."""
    script = WORK["a script"].replace("body=5", "body=3")
    pbi_stage.delay_answers("*/home", "1s")
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{
            setInterval(() => fetch('/slow?cache=no-store').catch(() => {{}}), 60_000);
            setTimeout(() => {{ {began(script)} }}, 10.5 * 60_000);
            setTimeout(() => fetch('/home').then(() => seen.push(at())), 15.5 * 60_000);
        }}"""
    )

    pbi_stage.clock.advance("20min")

    (answered,) = pbi_stage.page.evaluate("seen")
    assert 931_000 <= answered <= 931_500 + CLOSE
    assert not pbi_stage.journal.of("clock")
