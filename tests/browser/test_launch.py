"""The start and the end of the browser.

A browser that does not start is explained in a short message. Its processes and folders end with the test process.
"""

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support.inner_runs import RUN_TIMEOUT_S, Runs, sections

NO_BROWSER = "import harness.browser.find; harness.browser.find._candidates = lambda: iter(())"
NO_SDK = "import pathlib, harness.stage.session; harness.stage.session.node_modules = lambda: pathlib.Path('empty')"
SHORT_TIMEOUT = "import harness.browser.launch; harness.browser.launch.START_TIMEOUT_S = 1"
ANOTHER = "Pass another browser with --pbi-browser PATH, or run 'pbi-harness setup'."
GIVE_PATH = (
    "Give the path of an executable Chrome, Edge or Chromium, or leave PBI_BROWSER out: then a browser is searched for."
)
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
            f"PBI_BROWSER names FOLDER/no/such/browser, which does not exist. {GIVE_PATH}",
        ),
        (".", "", "", f"PBI_BROWSER names FOLDER, which is a folder. {GIVE_PATH}"),
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
