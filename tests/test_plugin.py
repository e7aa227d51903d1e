"""The pytest plugin in inner runs of pytest, alone and together with other plugins."""

import json
import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.inner_runs import Runs, sections

BROWSER_FOR_PLAYWRIGHT = """
import os
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {"executable_path": os.environ["PBI_BROWSER"], "args": ["--no-sandbox"]}
"""


def test_plugin_without_use_imports_nothing_heavy_and_leaves_time_and_files_alone(runs: Runs) -> None:
    runs.tests("""
        import os, sys, time

        def test_plain(tmp_path):
            assert "harness.plugin" in sys.modules
            heavy = {"harness.stage.session", "harness.stage.stage", "harness.browser.launch", "harness.browser.engine", "fake_pbi.cloud"}
            assert not (heavy | {"aiohttp", "cryptography", "freezegun", "msal", "trustme"}) & set(sys.modules)
            (tmp_path / "now").touch()
            assert abs((tmp_path / "now").stat().st_mtime - time.time()) < 60
    """)
    runs.run().assert_outcomes(passed=1)
    assert runs.files() == []


def test_every_option_and_fixture_has_the_prefix_pbi_and_an_explanation(runs: Runs) -> None:
    help_text = runs.run("--help").stdout.str()
    group = re.search(r"^Power BI embed harness:\n(.*?)\n\n", help_text, re.DOTALL | re.MULTILINE)
    assert group
    options = re.findall(r"^  (-\S+)(.*(?:\n {10,}.*)*)", group[1], re.MULTILINE)
    assert options
    for name, explanation in options:
        assert name.startswith("--pbi-")
        assert len(explanation.split()) > 5, name

    fixtures = runs.run("--fixtures", "-q").stdout.str()
    section = re.search(
        r"^-+ fixtures defined from harness\.plugin -+\n(.*?)\n\n(?:-|=|\n)", fixtures, re.DOTALL | re.M
    )
    assert section
    explained = re.findall(r"^(\w+).* -- .*\n    (.+)", section[1], re.MULTILINE)
    assert {name for name, _ in explained} >= {"pbi_session", "pbi_stage", "pbi_host"}
    assert not [name for name, _ in explained if not name.startswith("pbi_")]
    assert not [name for name, text in explained if "no docstring" in text]


WITH_PYTEST_PLAYWRIGHT = """
    import pytest
    from playwright.sync_api import expect

    def use(page):
        page.goto("data:text/html,<button onclick=\\"this.textContent='clicked'\\">go</button>")
        page.get_by_role("button").click()
        expect(page.get_by_role("button")).to_have_text("clicked")

    def embed(stage, host):
        stage.open(host.url("article_manual")).item().expect_loaded()

    def test_page(page):
        use(page)

    def test_stage(pbi_stage, pbi_host):
        embed(pbi_stage, pbi_host)

    def test_both(page, pbi_stage, pbi_host):
        embed(pbi_stage, pbi_host)
        use(page)
        pbi_stage.clock.advance("10min")

    def test_page_again(page):
        use(page)
"""


def test_files_have_the_names_that_pytest_playwright_gives_its_own(runs: Runs) -> None:
    runs.conftest(BROWSER_FOR_PLAYWRIGHT)
    runs.tests(WITH_PYTEST_PLAYWRIGHT)
    no_error = "-Wdefault::pytest.PytestRemovedIn10Warning"  # pytest-playwright's fixture base_url causes it
    runs.run("--screenshot=on", "--tracing=on", "--output=art", no_error).assert_outcomes(passed=4)
    assert runs.files("art") == [
        "test-it-py-test-both-chromium/test-finished-1.png",
        "test-it-py-test-both-chromium/test-finished-pbi-1.png",
        "test-it-py-test-both-chromium/trace-pbi.zip",
        "test-it-py-test-both-chromium/trace.zip",
        "test-it-py-test-page-again-chromium/test-finished-1.png",
        "test-it-py-test-page-again-chromium/trace.zip",
        "test-it-py-test-page-chromium/test-finished-1.png",
        "test-it-py-test-page-chromium/trace.zip",
        "test-it-py-test-stage/test-finished-1.png",
        "test-it-py-test-stage/trace.zip",
    ]
    for trace in Path(runs.folder, "art").rglob("trace*.zip"):
        assert "trace.trace" in zipfile.ZipFile(trace).namelist()


FAILING = """
    import json
    from pathlib import Path
    import pytest

    @pytest.fixture
    def broken(pbi_stage, pbi_host):
        pbi_stage.open(pbi_host.url("article_manual")).item().change_page("No such page")

    def test_passes(pbi_stage, pbi_host):
        pbi_stage.open(pbi_host.url("article_manual")).item().expect_loaded()

    def test_fails(pbi_stage, pbi_host):
        pbi_stage.open(pbi_host.url("article_manual")).item().expect_loaded()
        pbi_stage.clock.advance("3h")
        Path("kinds.json").write_text(json.dumps([entry.kind for entry in pbi_stage.journal]))
        assert "hidden" == pbi_stage.tab.state

    def test_fails_in_a_hidden_tab(pbi_stage, pbi_host):
        pbi_stage.open(pbi_host.url("article_manual")).item().expect_loaded()
        with pbi_stage.tab.hidden():
            pbi_stage.clock.advance("10min")
            raise RuntimeError("in a hidden tab")

    def test_fails_in_its_fixture(broken):
        pass

    def test_is_skipped(pbi_stage):
        pytest.skip("not today")
"""


def test_failed_test_leaves_its_journal_screenshot_and_trace(runs: Runs) -> None:
    runs.tests(FAILING)
    result = runs.run("--screenshot=only-on-failure", "--tracing=retain-on-failure")

    result.assert_outcomes(passed=1, failed=2, errors=1, skipped=1)
    assert result.ret == 1
    assert runs.files() == [
        f"test-it-py-{name}/{file}"
        for name in ("test-fails-in-a-hidden-tab", "test-fails-in-its-fixture", "test-fails")
        for file in ("journal.jsonl", "test-failed-1.png", "trace.zip")
    ]
    journal = [
        json.loads(line)
        for line in Path(runs.folder, "test-results/test-it-py-test-fails/journal.jsonl").read_text().splitlines()
    ]
    assert [entry["kind"] for entry in journal] == json.loads((runs.folder / "kinds.json").read_text())
    assert [entry["at"] for entry in journal] == sorted(entry["at"] for entry in journal)
    output = result.stdout.str()
    assert output.count("pbi journal, last entries") == 3
    assert "Traceback" not in output
    [line] = sections(output)["ERROR at setup of test_fails_in_its_fixture"]
    assert re.fullmatch(
        r"test_it\.py:7: Item 1 cannot change the page with .*: no data was asked for\. It shows .*\.", line
    )


def test_failed_test_without_options_leaves_only_its_journal(runs: Runs) -> None:
    runs.tests("""
        from harness.clock import real_time

        def test_slow_motion(pbi_stage):
            began = real_time.seconds()
            for _ in range(5):
                pbi_stage.page.mouse.move(1, 1)
            assert real_time.seconds() - began >= 0.5
            assert pbi_stage.page.evaluate("document.visibilityState") == "hidden", "this test has to fail"
    """)
    result = runs.run("--slowmo=100")
    result.assert_outcomes(failed=1)
    assert "this test has to fail" in result.stdout.str()
    assert runs.files() == ["test-it-py-test-slow-motion/journal.jsonl"]


@pytest.mark.parametrize("headed", [True, False])
def test_option_headed_starts_the_browser_with_a_window(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, headed: bool
) -> None:
    log = runs.folder / "log"
    runs.script("browser", f"#!/bin/sh\nfor flag; do echo \"$flag\" >> '{log}'; done\n")
    monkeypatch.setenv("DISPLAY", ":no-display")
    runs.tests("def test_it(pbi_stage): pass")
    options = ["--headed"] if headed else []
    runs.run("--pbi-browser=./browser", *options).assert_outcomes(errors=1)
    flags = log.read_text().splitlines()
    assert "about:blank" in flags
    assert ("--headless=new" in flags) is not headed


TIME = """
    import json, time, urllib.request
    from datetime import UTC, datetime

    def real_time(folder):
        (folder / "now").touch()
        return (folder / "now").stat().st_mtime

    def expect_real_time(folder):
        assert abs(real_time(folder) - time.time()) < 60
        assert abs(real_time(folder) - datetime.now(UTC).timestamp()) < 60

    def test_before(tmp_path):
        expect_real_time(tmp_path)

    def test_within(pbi_stage, pbi_host, tmp_path):
        def expect_virtual_time():
            assert datetime.now(UTC) == pbi_stage.clock.now
            assert time.time() == pbi_stage.clock.now.timestamp()

        def entra_tokens():
            with urllib.request.urlopen(pbi_host.url("reference").replace("reference", "token/embed/report")) as answer:
                assert datetime.fromisoformat(json.load(answer)["expiration"]) > pbi_stage.clock.now
            return len(pbi_stage.journal.of("token.issued", type="entra"))

        expect_virtual_time()
        assert [entra_tokens(), entra_tokens()] == [1, 1]
        pbi_stage.open(pbi_host.url("article_manual"))
        pbi_stage.clock.advance("24h")
        expect_virtual_time()
        assert time.time() - real_time(tmp_path) > 23 * 3600
        before = entra_tokens()
        pbi_stage.clock.advance_to(datetime.fromtimestamp(time.time() + 5400, UTC))
        expect_virtual_time()
        assert entra_tokens() > before

    def test_after(tmp_path):
        expect_real_time(tmp_path)
"""


def test_python_and_msal_use_virtual_time_and_pytest_uses_real_time(runs: Runs) -> None:
    runs.tests(TIME)
    result = runs.run("--durations=0", "-vv", "--junit-xml=junit.xml")
    result.assert_outcomes(passed=3)
    slowest = re.findall(r"^(\d+\.\d+)s (?:setup|call|teardown)", result.stdout.str(), re.MULTILINE)
    assert slowest
    assert max(map(float, slowest)) < 60
    cases = ElementTree.parse(runs.folder / "junit.xml").findall(".//testcase")
    assert len(cases) == 3
    assert max(float(case.attrib["time"]) for case in cases) < 60


RUN_EACH_TEST_TWICE = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            item.ihook.pytest_runtest_logreport(report=report)
    return True
"""
ISOLATED = """
    from datetime import timedelta
    import pytest

    URL = "http://app.test/"
    LEFT = "[document.cookie, localStorage.left, 'left' in sessionStorage]"

    @pytest.mark.parametrize("n", range(2))
    def test_finds_nothing_of_others(pbi_stage, n):
        pbi_stage.page.route(URL, lambda route: route.fulfill(content_type="text/html", body="<title>app</title>"))
        pbi_stage.open(URL)
        assert pbi_stage.page.evaluate(LEFT) == ["", None, False]
        assert (pbi_stage.cookies(), pbi_stage.storage_state()) == ([], {"cookies": [], "origins": []})
        pbi_stage.page.evaluate("document.cookie = 'left=1; max-age=86400'; localStorage.left = sessionStorage.left = '2'")
        assert pbi_stage.page.evaluate(LEFT) == ["left=1", "2", True]
        pbi_stage.add_cookies([{"name": "added", "value": "3", "url": URL}])
        assert {cookie["name"] for cookie in pbi_stage.cookies()} == {"left", "added"}
        assert len(pbi_stage.journal.of("page.opened")) == 1
        assert pbi_stage.tenant.lifetime.total_seconds() == 3600
        pbi_stage.tenant.lifetime *= 2
        pbi_stage.faults.add("*", status=500)

    def test_two_stages(pbi_session, pbi_stage, pbi_host):
        pbi_stage.open(pbi_host.url("article_manual")).item().expect_loaded()
        with pbi_session.stage() as other, pbi_session.host(other) as host:
            before, seen = pbi_stage.clock.now, len(pbi_stage.journal)
            other.open(host.url("article_provider"), lifetime="35min").item().expect_loaded()
            other.clock.advance("100min")
            assert (other.tenant.lifetime, pbi_stage.tenant.lifetime) == (timedelta(minutes=35), timedelta(minutes=60))
            assert len(other.journal.of("hook.called")) >= 3
            assert (pbi_stage.clock.now, len(pbi_stage.journal)) == (before, seen)
            pbi_stage.clock.advance("10min")
            pbi_stage.item().refresh()
        pbi_stage.clock.advance("1h")
        assert pbi_stage.item().renewals
"""


def test_stages_are_isolated_in_any_order_and_in_any_process(runs: Runs) -> None:
    runs.conftest(RUN_EACH_TEST_TWICE)
    runs.tests(ISOLATED)
    runs.run("-p", "randomly", "-n", "2").assert_outcomes(passed=6)


# The command `pbi-harness verify`, which runs pytest


VERIFY = """
import sys
import harness.contract.findings
from harness import cli
from harness.commands import verify
from harness.contract import RULES, Rule, Verdict
from harness.contract.findings import Expectation

def interrupt(scenarios):
    raise KeyboardInterrupt

def stub(id, judge):
    return Rule(id, "must", "basis", judge)

def expect(page):
    harness.contract.findings.expected_findings = lambda: page

verify.BUILT_IN = ("reference",)
rules = {
    "real": [RULES["EMB-1"]],
    "surprise": [stub("EMB-1", lambda _: Verdict("failed", "It was.")), stub("TYPE-1", lambda _: Verdict("passed", "Well."))],
    "interrupted": [stub("EMB-1", lambda _: Verdict("passed", "Well.")), stub("TYPE-1", interrupt)],
    "expected": [stub("EMB-1", lambda _: Verdict("failed", "It was."))],
}[sys.argv[1]]
RULES.clear()
RULES.update({rule.id: rule for rule in rules})
expect({"reference": {"EMB-1": Expectation("failed", "For now.")}} if sys.argv[1] == "expected" else {})
sys.exit(cli.main(["verify", *sys.argv[2:]]))
"""


@pytest.mark.parametrize(
    ("case", "code", "as_expected", "printed"),
    [
        ("real", 0, {"EMB-1": True}, "Every verdict is as expected."),
        ("surprise", 1, {"EMB-1": False, "TYPE-1": True}, "Not as expected: reference EMB-1."),
        ("expected", 0, {"EMB-1": True}, "Every verdict is as expected."),
        ("interrupted", 2, {"EMB-1": True}, "The run ended early"),
    ],
)
def test_verify_reports_verdicts_against_expectations_and_sets_the_exit_code(
    runs: Runs, monkeypatch: pytest.MonkeyPatch, case: str, code: int, as_expected: object, printed: str
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    ended = runs.python(VERIFY, case, "--json=report.json")
    assert (ended.returncode, ended.stderr) == (code, "")
    assert printed in ended.stdout
    assert "Traceback" not in ended.stdout
    report = json.loads((runs.folder / "report.json").read_text())
    assert report["exit_code"] == code
    assert [page["page"] for page in report["pages"]] == ["reference"]
    assert {rule["id"]: rule["as_expected"] for rule in report["pages"][0]["rules"]} == as_expected
    assert report["summary"]["unexpected"] == len(ended.stdout.split("Not as expected: ")) - 1
