"""Mistakes in a user's test, and a browser or page that ends during it: a short message names the problem and the remedy."""

import json
import re
from pathlib import Path

from support.inner_runs import Runs, sections

# Mistakes in a user's test

UNIT = 'write a timedelta or a string with a unit, such as "90min" or "24h".'
ADDRESS = "is not the address of a page; give one such as http://localhost:3000/report."
NOT_EMBEDDED = (
    "The page http://127.0.0.1:PORT/{} did not embed the Power BI item that was asked for in 30 s of virtual time: "
    "{}no iframe of app.powerbi.com was seen{}. Check what it passes to powerbi.embed()."
)
GONE = "while it was in use. The journal holds everything that happened until then. Open a new stage."
CLOSED = f"The page crashed or was closed {GONE}"

MISTAKES = {
    "stage.clock.advance(90)": f"90 is not a duration: it has no unit; {UNIT}",
    'stage.clock.advance("90")': f"'90' is not a duration: it has no unit; {UNIT}",
    'stage.clock.advance("abc")': f"'abc' is not a duration; {UNIT}",
    'stage.clock.advance("-5min")': f"'-5min' is not a duration: it is negative; {UNIT}",
    "stage.clock.advance(-timedelta(1))": (f"datetime.timedelta(days=-1) is not a duration: it is negative; {UNIT}"),
    "stage.clock.advance_until(lambda: True, within=5)": f"5 is not a duration: it has no unit; {UNIT}",
    'stage.open(host.url("reference"), lifetime=60)': f"60 is not a duration: it has no unit; {UNIT}",
    "stage.clock.advance_to(datetime(2100, 1, 1))": (
        "RE: .*2100.* has no time zone, so it names no instant; give an aware one, such as "
        r"clock\.now \+ timedelta\(minutes=5\) or datetime\(\.\.\., tzinfo=timezone\.utc\)\."
    ),
    "stage.clock.advance_to(datetime(2020, 1, 1, tzinfo=UTC))": (
        "RE: 2020-01-01 .* has gone by: it is 20.*, and time does not run backwards."
    ),
    'stage.open(host.url("article_manul"))': (
        r"RE: There is no host page 'article_manul'; did you mean 'article_manual'\? There are: .*, reference.*\."
    ),
    'stage.open("localhost:3000/report")': f"'localhost:3000/report' {ADDRESS}",
    'stage.open("")': f"'' {ADDRESS}",
    'stage.open("http://[::1/")': f"'http://[::1/' {ADDRESS}",
    'stage.open("http://localhost:99999/")': f"'http://localhost:99999/' {ADDRESS}",
    'stage.goto("chrome://crash")': f"'chrome://crash' {ADDRESS}",
    "stage.open(NOT_LISTENING)": (
        r"RE: http://127\.0\.0\.1:\d+/ could not be opened \(net::ERR_CONNECTION_REFUSED\); "
        r"start the app, or correct the address\."
    ),
    'stage.open("http://no-such-host.invalid/")': (
        r"RE: http://no-such-host\.invalid/ could not be opened \(no-such-host\.invalid:80 cannot be reached: .*\); "
        r"start the app, or correct the address\."
    ),
    'stage.open("https://no-such-host.invalid/")': (
        "https://no-such-host.invalid/ could not be opened (net::ERR_TUNNEL_CONNECTION_FAILED); "
        "start the app, or correct the address."
    ),
    'stage.open(page("<title>empty</title>")).item()': NOT_EMBEDDED.format("reference", "", ""),
    'stage.open(page("<script>embed()</script>")).item()': NOT_EMBEDDED.format(
        "reference", "", "; the page threw 'ReferenceError: embed is not defined'"
    ),
    'stage.open(page("<script src=https://cdn.example/sdk.js></script>")).item()': NOT_EMBEDDED.format(
        "reference", "", "; the gateway refused cdn.example (stage.allow_host opens a host)"
    ),
    'stage.open(host.url("reference") + "s").item()': NOT_EMBEDDED.format(
        "references", "its server answered 404; ", ""
    ),
    'loaded(); stage.goto(host.url("reference")); item.refresh()': (
        "RE: Item 1 is not on the page any more; there are .*\\. A frame that is loaded anew is a new item: "
        r"ask the stage for it again with stage\.item\(\)\."
    ),
    'loaded(); stage.page.evaluate("location.href = \'/host.css\'"); stage.clock.advance("5s"); item.refresh()': (
        "Item 1 is not on the page any more; there are none. A frame that is loaded anew is a new item: "
        "ask the stage for it again with stage.item()."
    ),
    "loaded(); stage.tab.hide(); item.refresh()": (
        "Nobody can refresh in a tab that is hidden; bring it back first with tab.show()."
    ),
    "stage.back()": "There is nothing to go back to: this is the first page of the tab.",
    'Host(session._engine, stage.cloud, Path("ca.pem"), port=int(host.url("reference").split(":")[2].split("/")[0]))': (
        r"RE: Port \d+ of this machine cannot be used \(Address already in use\); free it, or choose another one \(0: any\)\."
    ),
    'Host(session._engine, stage.cloud, Path("ca.pem"), port=70000)': (
        "RE: Port 70000 of this machine cannot be used .*; free it, or choose another one .0: any.\\."
    ),
    'loaded(); stage.page.close(); stage.clock.advance("5s")': CLOSED,
    'loaded(); stage.page.close(); stage.goto(host.url("reference"))': CLOSED,
    "loaded(); stage.page.close(); item.refresh()": CLOSED,
    "loaded(); stage.page.close(); stage.tab.hide()": CLOSED,
    "loaded(); stage.page.close(); stage.reload()": CLOSED,
}
"""The source of a mistake -> the message that the test fails with. A message after "RE: " is a regular expression."""

MISTAKE_FIXTURE = """
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
import pytest
from harness import Host

@pytest.fixture
def mistake(pbi_session, pbi_stage, pbi_host):
    bound = socket.socket()  # it has a port, but does not listen
    bound.bind(("127.0.0.1", 0))

    def page(html):
        pbi_stage.page.route("**/reference", lambda route: route.fulfill(content_type="text/html", body=html))
        return pbi_host.url("reference")

    def loaded():
        names["item"] = pbi_stage.open(pbi_host.url("article_manual")).item()
        names["item"].expect_loaded()

    def make(mistake):
        exec(mistake, names)

    names = globals() | {"session": pbi_session, "stage": pbi_stage, "host": pbi_host, "page": page, "loaded": loaded}
    names["NOT_LISTENING"] = f"http://127.0.0.1:{bound.getsockname()[1]}/"
    with bound:
        yield make
"""


def test_mistake_in_a_test_is_explained_at_the_line_of_the_test(runs: Runs) -> None:
    runs.conftest(MISTAKE_FIXTURE)
    source = "\n".join(f"def test_{n:02}(mistake):\n    mistake({code!r})\n" for n, code in enumerate(MISTAKES))
    runs.tests(source)

    result = runs.run("-n", "2")

    failures = sections(result.stdout.str())
    wrong = {}
    for n, (code, message) in enumerate(MISTAKES.items()):
        lines = [line for line in failures.get(f"test_{n:02}", []) if not line.startswith("[gw")]
        wanted = re.escape(message).replace("PORT", r"\d+")
        if message.startswith("RE: "):
            wanted = message.removeprefix("RE: ")
        if not re.fullmatch(rf"test_it\.py:{3 * n + 2}: {wanted}", "\n".join(lines)):
            wrong[code] = lines
    assert not wrong
    assert runs.files() == [f"test-it-py-test-{n:02}/journal.jsonl" for n in range(len(MISTAKES))]


# A browser or page that ends during a test

LOSSES = '''
import os, signal
import pytest
import harness.browser.devtools, harness.browser.errors, harness.clock.time_limits, harness.report.artifacts

harness.report.artifacts.SCREENSHOT_TIMEOUT_REAL_MS = 1000

def kill_the_browser(stage):
    os.kill(stage._browser._process.pid, signal.SIGKILL)

def crash_the_page(stage):
    stage._engine.run(send(stage, "Page.crash"))

def close_the_page(stage):
    stage._engine.run(send(stage, "Page.close"))

async def send(stage, method):
    stage.virtual.devtools.send(method)

def loaded(stage, host):
    item = stage.open(host.url("article_manual")).item()
    item.expect_loaded()
    return item

def during_advance(stage, host, what):
    """Advance a day, and call `what` after half an hour, while a request of the page is pending."""
    stage.page.route("**/now", lambda route: what(stage))
    loaded(stage, host)
    stage.page.evaluate("void setTimeout(() => fetch('/now'), 1_800_000)")
    stage.clock.advance("24h")

def test_browser_killed_during_advance(pbi_stage, pbi_host):
    during_advance(pbi_stage, pbi_host, kill_the_browser)

def test_after_a_killed_browser_another_starts(pbi_stage, pbi_host):
    loaded(pbi_stage, pbi_host).refresh()

def test_page_crashes_during_advance(pbi_stage, pbi_host):
    during_advance(pbi_stage, pbi_host, crash_the_page)

def test_page_closed_during_advance(pbi_stage, pbi_host):
    during_advance(pbi_stage, pbi_host, close_the_page)

def test_crashed_page_is_used(pbi_stage, pbi_host):
    item = loaded(pbi_stage, pbi_host)
    crash_the_page(pbi_stage)
    item.refresh()

def test_crashed_page_is_navigated(pbi_stage, pbi_host):
    loaded(pbi_stage, pbi_host)
    with pytest.raises(harness.browser.errors.PageGone):
        during_advance(pbi_stage, pbi_host, crash_the_page)
    pbi_stage.goto(pbi_host.url("reference"))

def test_endless_script(pbi_stage, pbi_host, monkeypatch):
    loaded(pbi_stage, pbi_host)
    monkeypatch.setattr(harness.browser.devtools, "CALL_TIMEOUT_S", 2.0)
    monkeypatch.setattr(harness.clock.time_limits, "STUCK_AFTER_S", 2.0)
    pbi_stage.page.evaluate("void setTimeout(() => { for (;;); }, 60_000)")
    pbi_stage.clock.advance("10min")

def test_request_without_an_answer(pbi_stage, pbi_host, monkeypatch):
    loaded(pbi_stage, pbi_host)
    monkeypatch.setattr(harness.clock.time_limits, "STUCK_AFTER_S", 2.0)
    pbi_stage.page.route("**/never", lambda route: None)
    pbi_stage.page.evaluate(
        "void setTimeout(() => document.head.append(Object.assign(document.createElement('script'), {src: '/never'})), 60_000)"
    )
    pbi_stage.clock.advance("10min")

def test_browser_killed_between_two_calls(pbi_stage, pbi_host):
    item = loaded(pbi_stage, pbi_host)
    kill_the_browser(pbi_stage)
    item.refresh()

def test_browser_killed_and_a_second_stage(pbi_session, pbi_stage, pbi_host):
    loaded(pbi_stage, pbi_host)
    kill_the_browser(pbi_stage)
    with pbi_session.stage() as other, pbi_session.host(other) as host:
        loaded(other, host).refresh()

def test_playwright_connection_is_closed(pbi_stage, pbi_host):
    loaded(pbi_stage, pbi_host)
    pbi_stage.page.context.browser.close()

def test_page_closed_at_the_end(pbi_stage, pbi_host):
    loaded(pbi_stage, pbi_host)
    pbi_stage.page.close()

def test_after_all_losses_another_browser_works(pbi_stage, pbi_host):
    loaded(pbi_stage, pbi_host).refresh()
'''
STUCK = "The clock could not advance for 2 s of real time."
LOSS_MESSAGES = {
    "test_browser_killed_during_advance": f"The browser ended {GONE}",
    "test_page_crashes_during_advance": CLOSED,
    "test_page_closed_during_advance": CLOSED,
    "test_crashed_page_is_used": CLOSED,
    "test_crashed_page_is_navigated": CLOSED,
    "test_endless_script": f"{STUCK} A script of the page does not end. Look for an endless loop in the script.",
    "test_request_without_an_answer": f"{STUCK} No answer came from http://127.0.0.1:PORT/never. "
    "Answer the request, for example by page.route().",
    "test_browser_killed_between_two_calls": f"The browser ended {GONE}",
}


def test_lost_browser_or_page_is_explained_and_the_next_test_passes(runs: Runs) -> None:
    runs.tests(LOSSES)

    result = runs.run("--screenshot=only-on-failure", "--tracing=retain-on-failure")

    result.assert_outcomes(failed=len(LOSS_MESSAGES), passed=5)
    messages = {
        title: re.sub(r"^test_it\.py:\d+: ", "", re.sub(r"1:\d+/", "1:PORT/", "\n".join(lines)))
        for title, lines in sections(result.stdout.str()).items()
    }
    assert messages == LOSS_MESSAGES
    assert {Path(file).parent.name for file in runs.files() if file.endswith("/journal.jsonl")} == {
        f"test-it-py-{name.replace('_', '-')}" for name in LOSS_MESSAGES
    }
    killed = runs.folder / "test-results/test-it-py-test-browser-killed-during-advance/journal.jsonl"
    kinds = [json.loads(line)["kind"] for line in killed.read_text().splitlines()]
    assert "token.applied" in kinds
