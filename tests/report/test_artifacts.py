"""The artifacts of a test: its journal, screenshots and traces, next to those of pytest-playwright."""

import json
import re
import zipfile
from datetime import datetime
from pathlib import Path

from support.inner_runs import Runs, sections

BROWSER_FOR_PLAYWRIGHT = """
import os
import pytest

@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {"executable_path": os.environ["PBI_BROWSER"], "args": ["--no-sandbox"]}
"""

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
    instants = [datetime.fromisoformat(entry["at"]) for entry in journal]
    assert instants == sorted(instants)
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
