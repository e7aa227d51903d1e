"""The pytest plugin in inner runs of pytest, alone and together with other plugins."""

import re
from xml.etree import ElementTree

import pytest
from support.inner_runs import Runs, sections


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


def test_missing_pytest_playwright_plugin_is_explained(runs: Runs) -> None:
    runs.tests("def test_one(pbi_stage): pass")
    [line] = sections(runs.run("-p", "no:playwright").stdout.str())["ERROR at setup of test_one"]
    assert line == (
        "The plugin pytest-playwright is not loaded. Leave '-p no:playwright' out, or load the plugin with "
        "'-p pytest_playwright.pytest_playwright'."
    )


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
