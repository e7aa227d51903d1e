"""Mistakes and failures from outside: a short message names the problem and the remedy, and nothing is left behind."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.inner_runs import RUN_TIMEOUT_S, Runs, sections

# A browser or package that is missing or does not work


NO_BROWSER = "import harness.browser.find; harness.browser.find._candidates = lambda: iter(())"
NO_SDK = "import pathlib, harness.stage.session; harness.stage.session.node_modules = lambda: pathlib.Path('empty')"
SHORT_TIMEOUT = "import harness.browser.launch; harness.browser.launch.START_TIMEOUT_S = 1"
ANOTHER = "Pass another browser with --pbi-browser PATH, or run 'pbi-harness setup'."
GIVE_PATH = "Give the path of an executable Chrome, Edge or Chromium, or leave {} out: then a browser is searched for."
CLOSED_PORT = """#!/bin/sh
for flag; do case $flag in --user-data-dir=*) profile=${flag#*=};; esac; done
echo "Opening in existing session" >&2
printf '9\\n/devtools/browser/x\\n' > "$profile/DevToolsActivePort"
sleep 60
"""


@pytest.mark.parametrize(
    ("named", "script", "conftest", "message"),
    [
        (
            "",
            "",
            NO_BROWSER,
            "No browser was found; run 'pbi-harness setup', or name one with --pbi-browser PATH "
            "or the variable PBI_BROWSER.",
        ),
        (
            "no/such/browser",
            "",
            "",
            f"PBI_BROWSER names FOLDER/no/such/browser, which does not exist. {GIVE_PATH.format('PBI_BROWSER')}",
        ),
        (".", "", "", f"PBI_BROWSER names FOLDER, which is a folder. {GIVE_PATH.format('PBI_BROWSER')}"),
        (
            "browser",
            "#!/bin/sh\necho 'error while loading shared libraries: libnss3.so' >&2\nexit 127\n",
            "",
            "The browser FOLDER/browser did not start: it ended with exit code 127 and printed 'error while loading "
            f"shared libraries: libnss3.so'. {ANOTHER}",
        ),
        (
            "browser",
            "#!/bin/sh\nexit\n",
            "",
            f"The browser FOLDER/browser did not start: it ended with exit code 0 and printed nothing. {ANOTHER}",
        ),
        (
            "browser",
            "#!/bin/sh\n"
            "echo '[7:7:ERROR:dbus/bus.cc:405] Failed to connect to the bus' >&2\n"
            "echo '[7:7:FATAL:process_singleton_posix.cc:315] Disk full' >&2\n"
            "echo '[7:7:ERROR:zygote_linux.cc:662] write: Broken pipe' >&2\nexit 1\n",
            "",
            "The browser FOLDER/browser did not start: it ended with exit code 1 and printed "
            f"'[7:7:FATAL:process_singleton_posix.cc:315] Disk full'. {ANOTHER}",
        ),
        (
            "browser",
            "no program at all",
            "",
            f"The browser FOLDER/browser did not start: this system cannot execute it (Exec format error). {ANOTHER}",
        ),
        (
            "browser",
            "#!/bin/sh\nsleep 60\n",
            SHORT_TIMEOUT,
            "The browser FOLDER/browser did not start: it opened no DevTools port in 1 s and printed nothing. "
            f"{ANOTHER}",
        ),
        (
            "browser",
            CLOSED_PORT,
            "",
            "The browser FOLDER/browser did not start: Playwright could not connect to it: "
            r"BrowserType\.connect_over_cdp: [^\n]*\. "
            f"{ANOTHER}",
        ),
        ("FOUND", "", NO_SDK, "Microsoft's powerbi-client is not installed; run 'pbi-harness setup'."),
    ],
    ids=[
        "no browser",
        "no such file",
        "a folder",
        "a library is missing",
        "exits without a message",
        "prints several messages",
        "not executable by this system",
        "opens no port",
        "nothing listens at its port",
        "no SDK",
    ],
)
def test_missing_or_broken_prerequisite_fails_each_test_with_one_message(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, named: str, script: str, conftest: str, message: str
) -> None:
    if script:
        runs.script("browser", script)
    if named != "FOUND":
        monkeypatch.setenv("PBI_BROWSER", str(runs.folder / named) if named else "")
    runs.conftest(conftest)
    runs.tests("def test_one(pbi_stage): pass\ndef test_two(pbi_host): pass\n")

    result = runs.run()

    assert result.ret == 1
    output = result.stdout.str()
    wanted = message if "[^" in message else re.escape(message)
    for name in ("test_one", "test_two"):
        [line] = sections(output)[f"ERROR at setup of {name}"]
        assert re.fullmatch(wanted.replace("FOLDER", re.escape(str(runs.folder))), line), line
    assert runs.files() == []


def test_headed_browser_without_a_display_is_explained(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    runs.script("browser", "#!/bin/sh\necho 'Missing X server or $DISPLAY' >&2\nexit 1\n")
    runs.tests("def test_one(pbi_stage): pass")
    runs.conftest("import sys; sys.platform = 'linux'")
    [line] = sections(runs.run("--headed", "--pbi-browser=browser").stdout.str())["ERROR at setup of test_one"]
    assert line.endswith(
        "and printed 'Missing X server or $DISPLAY'. --headed needs a display, and there is none. "
        "Leave --headed out, or use 'xvfb-run'."
    )


def test_missing_pytest_playwright_plugin_is_explained(runs: Runs) -> None:
    runs.tests("def test_one(pbi_stage): pass")
    [line] = sections(runs.run("-p", "no:playwright").stdout.str())["ERROR at setup of test_one"]
    assert line == (
        "The plugin pytest-playwright is not loaded. Leave '-p no:playwright' out, or load the plugin with "
        "'-p pytest_playwright.pytest_playwright'."
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--json=no/such/report.json"],
            4,
            "--json names no/such/report.json, whose folder does not exist. Make the folder, or name another file.",
        ),
        (["--json=."], 4, "--json names ., which cannot be written. Name another file."),
        (
            ["--json=report.json", "--pbi-browser=nothing"],
            4,
            f"--pbi-browser names FOLDER/nothing, which does not exist. {GIVE_PATH.format('--pbi-browser')}",
        ),
        (
            ["--json=report.json", "--pbi-browser=browser"],
            3,
            f"The browser FOLDER/browser did not start: it ended with exit code 1 and printed 'Oh.'. {ANOTHER}",
        ),
    ],
    ids=["no folder for the report", "report is a folder", "no such browser", "browser does not start"],
)
def test_verify_reports_bad_input_with_its_exit_code_and_still_writes_the_report(
    runs: Runs, arguments: list[str], code: int, message: str
) -> None:
    runs.script("browser", "#!/bin/sh\necho Oh. >&2\nexit 1\n")
    ended = runs.python(
        "import sys; from harness.cli import main; sys.exit(main(['verify', *sys.argv[1:]]))", *arguments
    )
    assert ended.returncode == code
    assert ended.stderr == f"pbi-harness: {message}\n".replace("FOLDER", str(runs.folder))
    assert "Traceback" not in ended.stdout
    report = runs.folder / "report.json"
    if f"--json={report.name}" in arguments:
        assert json.loads(report.read_text())["exit_code"] == code


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


# The end of the test process

ENDLESS = """
    from pathlib import Path

    def test_endless(pbi_stage, pbi_host):
        pbi_stage.open(pbi_host.url("article_manual")).item().expect_loaded()
        Path("ready").touch()
        while True:
            pbi_stage.clock.advance("24h")

    def test_next(pbi_stage):
        pass
"""
DEFAULT_SIGINT = "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); os.execv(sys.executable, sys.argv[1:])"
"""A program that restores Ctrl-C and then runs pytest: a background shell makes its children ignore Ctrl-C."""


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 2), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)],
    ids=["Ctrl-C", "SIGTERM", "SIGKILL"],
)
def test_browser_ends_with_the_test_process_however_that_ends(runs: Runs, sent: signal.Signals, code: int) -> None:
    runs.tests(ENDLESS)
    pytest_command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider"]
    run = subprocess.Popen(
        [sys.executable, "-c", DEFAULT_SIGINT, *pytest_command],
        cwd=runs.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + RUN_TIMEOUT_S
        while not (runs.folder / "ready").exists() and run.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        assert list(runs.temporary.glob("pbi-harness-*"))
        if sent is signal.SIGINT:
            os.killpg(run.pid, sent)  # like a terminal, which signals Playwright's driver, too
        else:
            run.send_signal(sent)
        output = run.communicate(timeout=RUN_TIMEOUT_S)[0]
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()

    runs.expect_nothing_left()
    assert run.returncode == code
    assert "Traceback" not in output
    if sent is signal.SIGINT:
        assert "KeyboardInterrupt" in output
        assert runs.files() == ["test-it-py-test-endless/journal.jsonl"]


def test_browser_starts_if_the_path_of_the_temporary_folder_is_long(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser does not start if the path of its socket is longer than the system allows."""
    long = runs.temporary / ("x" * 80)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    runs.tests("def test_it(pbi_stage, pbi_host): pbi_stage.open(pbi_host.url('reference')).item()")
    runs.run().assert_outcomes(passed=1)
    assert list(long.iterdir()) == []
