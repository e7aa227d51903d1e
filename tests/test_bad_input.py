"""What can go wrong from outside: one sentence that names the remedy, and nothing left behind."""

import json
import re

import pytest
from inner_runs import Runs, sections

# What is missing or wrong before the first test


NO_BROWSER = "import harness.browser_path; harness.browser_path._candidates = lambda: iter(())"
NO_SDK = "import pathlib, harness.session; harness.session.node_modules = lambda: pathlib.Path('empty')"
IMPATIENT = "import harness.browser; harness.browser.START_PATIENCE = 0.5"
SETUP = "or run 'pbi-harness setup'."
NAMED = "give the path of the program of Chrome, Edge or Chromium, or leave it out and one is looked for."
LISTENS_TO_NOBODY = """#!/bin/sh
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
            "No browser was found; run 'pbi-harness setup', or name one with --pbi-browser PATH.",
        ),
        ("no/such/browser", "", "", f"PBI_BROWSER names FOLDER/no/such/browser, which does not exist: {NAMED}"),
        (".", "", "", f"PBI_BROWSER names FOLDER, which is a folder: {NAMED}"),
        (
            "browser",
            "#!/bin/sh\necho 'error while loading shared libraries: libnss3.so' >&2\nexit 127\n",
            "",
            "The browser FOLDER/browser did not start: it ended with exit code 127, and it said 'error while loading "
            f"shared libraries: libnss3.so'. Name another one with --pbi-browser PATH, {SETUP}",
        ),
        (
            "browser",
            "#!/bin/sh\nexit\n",
            "",
            "The browser FOLDER/browser did not start: it ended with exit code 0, and it said nothing. "
            f"Name another one with --pbi-browser PATH, {SETUP}",
        ),
        (
            "browser",
            "#!/bin/sh\n"
            "echo '[7:7:ERROR:dbus/bus.cc:405] Failed to connect to the bus' >&2\n"
            "echo '[7:7:FATAL:process_singleton_posix.cc:315] Disk full' >&2\n"
            "echo '[7:7:ERROR:zygote_linux.cc:662] write: Broken pipe' >&2\nexit 1\n",
            "",
            "The browser FOLDER/browser did not start: it ended with exit code 1, and it said "
            "'[7:7:FATAL:process_singleton_posix.cc:315] Disk full'. "
            f"Name another one with --pbi-browser PATH, {SETUP}",
        ),
        (
            "browser",
            "no program at all",
            "",
            "The browser FOLDER/browser did not start: it is no program of this system (Exec format error). "
            f"Name another one with --pbi-browser PATH, {SETUP}",
        ),
        (
            "browser",
            "#!/bin/sh\nsleep 60\n",
            IMPATIENT,
            "The browser FOLDER/browser did not start: no port was opened in 0.5 s, and it said nothing. "
            f"Name another one with --pbi-browser PATH, {SETUP}",
        ),
        (
            "browser",
            LISTENS_TO_NOBODY,
            "",
            "The browser FOLDER/browser did not start: Playwright could not connect to it: "
            r"BrowserType\.connect_over_cdp: [^\n]*\. "
            f"Name another one with --pbi-browser PATH, {SETUP}",
        ),
        ("FOUND", "", NO_SDK, "Microsoft's powerbi-client is not installed; run 'pbi-harness setup'."),
    ],
    ids=[
        "no browser",
        "no such browser",
        "a folder",
        "lacks a library",
        "ends at once",
        "says much",
        "no program",
        "hangs",
        "listens to nobody",
        "no SDK",
    ],
)
def test_what_is_missing_before_the_first_test(
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


def test_a_display_that_is_not_there(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    runs.script("browser", "#!/bin/sh\necho 'Missing X server or $DISPLAY' >&2\nexit 1\n")
    runs.tests("def test_one(pbi_stage): pass")
    runs.conftest("import sys; sys.platform = 'linux'")
    [line] = sections(runs.run("--headed", "--pbi-browser=browser").stdout.str())["ERROR at setup of test_one"]
    assert line.endswith(
        "and it said 'Missing X server or $DISPLAY'. Showing it needs a display, and there is none; "
        "leave --headed out, or try 'xvfb-run'."
    )


def test_without_pytest_playwright(runs: Runs) -> None:
    runs.tests("def test_one(pbi_stage): pass")
    [line] = sections(runs.run("-p", "no:playwright").stdout.str())["ERROR at setup of test_one"]
    assert line == (
        "pytest-playwright is not loaded; leave '-p no:playwright' out, or load it with "
        "'-p pytest_playwright.pytest_playwright'."
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["--json=no/such/report.json"],
            4,
            "--json names no/such/report.json, whose folder does not exist: make it, or name another file.",
        ),
        (["--json=."], 4, "--json names ., which cannot be written: name another file."),
        (
            ["--json=report.json", "--pbi-browser=nothing"],
            4,
            f"--pbi-browser names FOLDER/nothing, which does not exist: {NAMED}",
        ),
        (
            ["--json=report.json", "--pbi-browser=browser"],
            3,
            "The browser FOLDER/browser did not start: it ended with exit code 1, and it said 'Oh.'. "
            f"Name another one with --pbi-browser PATH, {SETUP}",
        ),
    ],
    ids=["no folder for the report", "report is a folder", "no such browser", "browser does not start"],
)
def test_verify_ends_with_the_right_exit_code(runs: Runs, arguments: list[str], code: int, message: str) -> None:
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


# What a test of the user's says wrongly

UNIT = 'write a timedelta or a string with a unit, such as "90min" or "24h".'
ADDRESS = "is not the address of a page; give one such as http://localhost:3000/report."
NOT_EMBEDDED = (
    "The page http://127.0.0.1:PORT/{} did not embed the Power BI item that was asked for in 30 s of virtual time: "
    "{}no iframe of app.powerbi.com was seen{}. Check what it passes to powerbi.embed()."
)
GONE = "in the middle of the work; the journal has all that happened until then. Open a new stage."
CLOSED = f"The page crashed or was closed {GONE}"

MISTAKES = {
    "stage.clock.advance(90)": f"90 is not a duration: it has no unit; {UNIT}",
    'stage.clock.advance("90")': f"'90' is not a duration: it has no unit; {UNIT}",
    'stage.clock.advance("abc")': f"'abc' is not a duration; {UNIT}",
    'stage.clock.advance("-5min")': f"'-5min' is not a duration: time does not run backwards; {UNIT}",
    "stage.clock.advance(-timedelta(1))": (
        f"datetime.timedelta(days=-1) is not a duration: time does not run backwards; {UNIT}"
    ),
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
    "stage.open(NOBODY_LISTENS)": (
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
        "reference", "", "; it was refused cdn.example (stage.allow_host opens a host)"
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
    'stage.open(host.url("reference")); stage.back()': None,
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
"""What a test does -> what it is told (RE: a pattern; None: it passes)."""

PREPARED = """
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
import pytest
from harness.host import Host

@pytest.fixture
def mistake(pbi_session, pbi_stage, pbi_host):
    deaf = socket.socket()  # bound, but it does not listen
    deaf.bind(("127.0.0.1", 0))

    def page(html):
        pbi_stage.page.route("**/reference", lambda route: route.fulfill(content_type="text/html", body=html))
        return pbi_host.url("reference")

    def loaded():
        names["item"] = pbi_stage.open(pbi_host.url("article_manual")).item()
        names["item"].expect_loaded()

    def make(what):
        exec(what, names)

    nobody = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
    names = globals() | {"session": pbi_session, "stage": pbi_stage, "host": pbi_host, "page": page, "loaded": loaded}
    names["NOBODY_LISTENS"] = nobody
    with deaf:
        yield make
"""


def test_mistakes_in_a_test_are_explained_in_a_sentence(runs: Runs) -> None:
    runs.conftest(PREPARED)
    source = "\n".join(f"def test_{n:02}(mistake):\n    mistake({what!r})\n" for n, what in enumerate(MISTAKES))
    runs.tests(source)

    result = runs.run("-n", "2")

    told = sections(result.stdout.str())
    wrong = {}
    for n, (what, message) in enumerate(MISTAKES.items()):
        lines = [line for line in told.get(f"test_{n:02}", []) if not line.startswith("[gw")]
        if message is None:
            wanted = None
        elif message.startswith("RE: "):
            wanted = message.removeprefix("RE: ")
        else:
            wanted = re.escape(message).replace("PORT", r"\d+")
        said = [line.removeprefix(f"test_it.py:{3 * n + 2}: ") for line in lines]
        if (wanted is None and said) or (wanted and not (len(said) == 1 and re.fullmatch(wanted, said[0]))):
            wrong[what] = lines
    assert not wrong
    failed = [f"test-it-py-test-{n:02}/journal.jsonl" for n, message in enumerate(MISTAKES.values()) if message]
    assert runs.files() == failed
