"""`pbi-harness verify URL`, `pytest --pbi-url URL` and RefreshContract, on apps that strangers wrote."""

import argparse
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from inner_runs import Runs
from serving import serving_over_tls
from site_of_apps import PAGES, REPORT, site_of_apps

from fake_pbi.certificate import Certificate
from harness.base.resources import node_modules
from harness.clock.errors import PageUnreachable
from harness.contract import RULES, Adapter, PageUnderTest, Scenarios, TokenUrl, Verdict, judge
from harness.contract.options import add_options
from harness.contract.scenarios import LIFETIMES
from harness.contract.settings import Settings
from harness.stage.item import Item
from harness.stage.session import HarnessSession

DOCS = Path(__file__).resolve().parent.parent / "docs"
SCHEMA = json.loads((DOCS / "verdicts.schema.json").read_text("utf-8"))
TOKENS = ("--token-url=*/api/token=embed", "--answer-tokens")
QUICK = "--only=EMB,TYPE,WAKE-3"


@pytest.fixture(scope="session")
def apps() -> Iterator[str]:
    """The origin of the apps. Session scope."""
    with site_of_apps() as origin:
        yield origin


class Verify:
    """Runs the command in a process of its own; `report` is what it wrote."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def __call__(self, *arguments: str) -> int:
        program = "import sys; from harness.cli import main; sys.exit(main(['verify', *sys.argv[1:]]))"
        ended = self._runs.python(program, "--json=report.json", *arguments)
        self.said, self.complained = ended.stdout, ended.stderr
        assert "Traceback" not in self.said + self.complained
        return ended.returncode

    @property
    def report(self) -> dict[str, object]:
        report: dict[str, object] = json.loads((self._runs.folder / "report.json").read_text("utf-8"))
        jsonschema.validate(report, SCHEMA, format_checker=jsonschema.FormatChecker())
        return report

    @property
    def outcomes(self) -> dict[str, str]:
        return {rule["id"]: rule["outcome"] for rule in self.report["rules"]}  # type: ignore[attr-defined]

    def message(self, rule: str) -> str:
        (found,) = (of for of in self.report["rules"] if of["id"] == rule)  # type: ignore[attr-defined]
        return f"{found['message']} {found['likely_cause']}"


@pytest.fixture
def verify(runs: Runs) -> Verify:
    """The command. Function scope."""
    return Verify(runs)


def test_a_front_end_without_its_backend(verify: Verify, apps: str) -> None:
    only = "--only=EMB-1,LIFE-1,LIFE-4,WAKE-1,FAIL-1,FAIL-6,MULTI-1,DROP-1,LEAK-1"
    assert verify(f"{apps}/app", *TOKENS, only, "--remove=#close", "--lifetime=40min", "--seed=7") == 0
    assert set(verify.outcomes.items()) - {("MULTI-1", "skipped")} == {
        (rule, "passed") for rule in only.removeprefix("--only=").split(",") if rule != "MULTI-1"
    }
    assert (verify.report["mode"], verify.report["seed"]) == ("manual", 7)
    assert "of real time, seed 7." in verify.said
    assert verify.report["items"] == [{"item": "1", "type": "report", "mode": "manual"}]
    assert verify.report["url"] == f"{apps}/app"


def test_the_same_seed_uses_a_page_at_the_same_moments(pbi_session: HarnessSession) -> None:
    """But for the 10 ms that Chromium may let pass where a request ends."""

    def moments(seed: int) -> list[float]:
        used = Scenarios(pbi_session, PageUnderTest("reference", lifetime=timedelta(minutes=35)), seed=seed).first
        return [(entry.at - used.opened).total_seconds() for entry in used.journal.of("data.request")]

    first = pytest.approx(moments(1), abs=0.2)
    assert moments(1) == first
    assert moments(2) != first


def test_a_page_that_never_renews(verify: Verify, apps: str, runs: Runs) -> None:
    assert verify(f"{apps}/never-renews", *TOKENS, "--only=LIFE", "--junit=junit.xml") == 1
    assert verify.outcomes == {
        "LIFE-1": "failed",
        "LIFE-2": "warned",
        "LIFE-3": "passed",
        "LIFE-4": "passed",
        "LIFE-5": "passed",
    }
    causes = {rule["id"]: rule["consequence_of"] for rule in verify.report["rules"]}  # type: ignore[attr-defined]
    assert causes["LIFE-2"] == "LIFE-1"
    cases = ElementTree.parse(runs.folder / "junit.xml").findall(".//testcase")
    failed = [case.attrib["name"] for case in cases if case.find("failure") is not None]
    assert failed == [f"test_rule[{apps}/never-renews-LIFE-1]"]
    properties = {p.attrib["name"]: p.attrib["value"] for p in cases[1].findall(".//property")}
    assert properties == {"pbi_rule": "LIFE-2", "pbi_outcome": "warned"}


def test_a_page_that_asks_its_user_before_it_renews(verify: Verify, apps: str) -> None:
    assert verify(f"{apps}/asks-its-user", *TOKENS, "--only=LIFE-1", "--lifetime=35min") == 1
    assert re.search(
        r"The page asked its user 'Stay signed in\?' at [\d:.]+, and nobody agreed", verify.message("LIFE-1")
    )


def test_a_warning_fails_only_a_strict_run(verify: Verify, apps: str) -> None:
    arguments = (f"{apps}/never-renews", *TOKENS, "--only=LIFE-2", "--lifetime=35min")
    assert verify(*arguments) == 0
    assert verify(*arguments, "--strict") == 1


def test_a_template(verify: Verify, apps: str, runs: Runs) -> None:
    (runs.folder / "template.json").write_text('{"data": {"accessToken": "{token}", "until": "{expiration}"}}')
    assert verify(f"{apps}/app", *TOKENS, QUICK, "--token-template=template.json") == 1
    assert verify.outcomes == {"EMB-1": "failed", "TYPE-1": "skipped", "WAKE-3": "skipped"}
    assert "the page threw 'Error: no usable token'" in verify.message("EMB-1")
    assert verify(f"{apps}/another-shape", *TOKENS, QUICK, "--token-template=template.json") == 0
    assert set(verify.outcomes.values()) == {"passed"}


def test_a_page_with_both_ways(verify: Verify, apps: str) -> None:
    tokens = (*TOKENS, "--token-url=*/api/aad=aad")
    assert verify(f"{apps}/both", *tokens, "--skip=LIFE,WAKE,FAIL,SKEW,ZONE", "--lifetime=35min") == 0
    outcomes = verify.outcomes
    assert outcomes.keys() & {"LIFE-1", "WAKE-1", "FAIL-1", "SKEW-1", "ZONE-1"} == set()
    assert {rule for rule, outcome in outcomes.items() if outcome != "passed"} == {"DROP-1"}
    assert verify.report["mode"] == "both"
    assert verify.report["items"] == [
        {"item": "1", "type": "report", "mode": "manual"},
        {"item": "2", "type": "report", "mode": "provider"},
    ]


def judged(session: HarnessSession, *arguments: str) -> Verdict:
    """What the first rule that these arguments name says of the page that they name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    add_options(parser.add_argument, "--")
    parsed = parser.parse_args([*arguments, *TOKENS, "--lifetime=35min"])
    settings = Settings.of([parsed.url], parsed)
    scenarios = Scenarios(session, settings.pages[0], seed=settings.seed, thorough=settings.thorough)
    return judge(settings.rules[0], scenarios)


def test_a_development_servers_certificate(pbi_session: HarnessSession) -> None:
    with serving_over_tls(PAGES["/app"], Certificate().ssl_context(), node_modules()) as port:
        page = f"https://127.0.0.1:{port}/app"
        with pytest.raises(PageUnreachable, match=r"ERR_CERT_AUTHORITY_INVALID\); accept .* --ignore-https-errors"):
            judged(pbi_session, page, "--only=EMB-1")
        assert judged(pbi_session, page, "--only=EMB-1", "--ignore-https-errors").outcome == "passed"


def test_a_host_that_is_allowed(pbi_session: HarnessSession, apps: str) -> None:
    refused = judged(pbi_session, f"{apps}/cdn", "--only=EMB-1")
    allowed = judged(pbi_session, f"{apps}/cdn", "--only=EMB-1", "--allow-host=*.example.com")

    assert "it was refused cdn.example.com" in refused.message
    assert "cdn.example.com/powerbi.js answered net::ERR_" in allowed.message
    assert "it was refused" not in allowed.message


def test_the_browser_is_shown(verify: Verify, apps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as a machine without a display can tell."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert verify(f"{apps}/app", *TOKENS, "--only=EMB-1", "--headed") == 3
    assert "needs a display, and there is none; leave --headed out, or try 'xvfb-run'" in verify.complained


class Own(Adapter):
    """Uses and removes the report by itself."""

    def __init__(self) -> None:
        self.used = 0

    def interact(self, item: Item) -> None:
        self.used += 1
        item.refresh()

    def remove(self, item: Item) -> None:
        self.stage.page.click("#close")


@pytest.mark.parametrize(("page", "outcome"), [("app", "passed"), ("forgets", "failed")])
def test_an_adapter_that_uses_and_removes(pbi_session: HarnessSession, apps: str, page: str, outcome: str) -> None:
    own, tokens, lifetime = Own(), (TokenUrl("*/api/token"),), timedelta(minutes=35)
    of_page = PageUnderTest(
        page, f"{apps}/{page}", token_urls=tokens, answer_tokens=True, adapter=own, lifetime=lifetime
    )
    scenarios = Scenarios(pbi_session, of_page)

    assert judge(RULES["DROP-1"], scenarios).outcome == outcome
    refreshed = [of for observed in scenarios.observed for of in observed.journal.of("data.request", action="refresh")]
    assert own.used == len(refreshed) > 0


def test_thoroughly(pbi_session: HarnessSession) -> None:
    thorough = Scenarios(pbi_session, PageUnderTest("reference"), thorough=True)

    assert judge(RULES["WAKE-1"], thorough).outcome == "passed"
    assert [observed.lifetime for observed in thorough.frozen_past_expiry] == list(LIFETIMES)


def test_token_requests_are_found_and_a_real_clock_is_recognised(verify: Verify, apps: str) -> None:
    assert verify(f"{apps}/foreign", "--only=EMB-1,LIFE-1,WAKE-3,FAIL-1", "--lifetime=40min") == 0
    assert f"token requests found: {apps}/foreign/token, {apps}/foreign/token[?]*" in verify.said
    assert verify.outcomes == {"EMB-1": "passed", "LIFE-1": "skipped", "WAKE-3": "passed", "FAIL-1": "skipped"}
    assert "The backend's clock is real: foreign-1" in verify.message("LIFE-1")


def test_requests_without_an_end_do_not_stop_time(verify: Verify, apps: str) -> None:
    assert verify(f"{apps}/long-poll", *TOKENS, "--only=EMB-1,LIFE-3", "--lifetime=35min") == 0
    assert verify.outcomes == {"EMB-1": "passed", "LIFE-3": "passed"}


def test_a_page_that_never_stops_asking(verify: Verify, apps: str) -> None:
    assert verify(f"{apps}/no-pause", *TOKENS, "--only=LIFE-1", "--rule-time=5s") == 0
    assert verify.outcomes == {"LIFE-1": "skipped"}
    assert "it took too long in real time" in verify.message("LIFE-1")


def test_one_item_by_its_element(verify: Verify, apps: str) -> None:
    arguments = (f"{apps}/app", *TOKENS, "--only=EMB-1,MULTI-1", "--lifetime=35min")
    assert verify(*arguments, "--item=#report") == 0
    assert verify.message("MULTI-1").strip() == "One item was chosen to be judged."
    assert verify(*arguments, "--item=#chart") == 4
    assert "--item '#chart' matches no element with an iframe of app.powerbi.com" in verify.complained
    assert verify(*arguments, "--item=2") == 1
    assert "Item 2 was to be judged, and the page embedded 1 item." in verify.message("EMB-1")


def test_a_signed_in_session(verify: Verify, apps: str, runs: Runs) -> None:
    local = [{"name": "user", "value": "ada"}]
    state = {
        "cookies": [{"name": "sid", "value": "1", "url": apps}],
        "origins": [{"origin": apps, "localStorage": local}],
    }
    (runs.folder / "state.json").write_text(json.dumps(state))
    page = f"{apps}/signed-in"
    assert verify(page, *TOKENS, "--only=EMB-1", "--lifetime=35min", "--storage-state=state.json") == 0
    assert verify(page, *TOKENS, "--only=EMB-1", "--lifetime=35min") == 1
    assert "/sign-in" in verify.message("EMB-1")


def test_only_what_exists_can_be_embedded(verify: Verify, apps: str, runs: Runs) -> None:
    for ids, code in ((["another"], 1), ([REPORT], 0)):
        (runs.folder / "tenant.json").write_text(json.dumps({"reports": ids}))
        assert verify(f"{apps}/app", *TOKENS, "--only=EMB-1", "--lifetime=35min", "--strict-tenant=tenant.json") == code
    (runs.folder / "tenant.json").write_text('{"reports": [1]}')
    assert verify(f"{apps}/app", "--strict-tenant=tenant.json") == 4


NOTHING_EMBEDDED = {
    "/app": ["/api/token answered 40", "The page's script ended before powerbi.embed()"],
    "/empty": ["the page threw nothing", "needs an adapter with open(page)"],
    "/throws": ["the page threw 'Error: at load'"],
    "/home": ["it went to ", "/sign-in", "--storage-state FILE, or an adapter with sign_in(page)"],
    "/cdn": ["it was refused cdn.example.com", "--allow-host GLOB"],
    "/loop": ["A script of the page does not end"],
}


@pytest.mark.parametrize("page", NOTHING_EMBEDDED)
def test_a_page_that_embeds_nothing(verify: Verify, apps: str, page: str) -> None:
    limit = ["--rule-time=5s"] if page == "/loop" else []
    assert verify(f"{apps}{page}", QUICK, *limit) == 1
    assert verify.outcomes == {"EMB-1": "failed", "TYPE-1": "skipped", "WAKE-3": "skipped"}
    assert "no iframe of app.powerbi.com was made" in verify.message("EMB-1")
    for text in NOTHING_EMBEDDED[page]:
        assert text in verify.message("EMB-1")


def test_a_policy_that_forbids_the_frame(verify: Verify, apps: str) -> None:
    assert verify(f"{apps}/policy", *TOKENS, "--only=EMB-1", "--lifetime=35min") == 1
    assert "does not allow https://app.powerbi.com" in verify.message("EMB-1")


UNJUDGED = {
    "/picture": "is no page that could be judged: its server says that it is image/png",
    "/nowhere": "is no page that could be judged: its server answered 404",
}


@pytest.mark.parametrize("page", UNJUDGED)
def test_what_is_no_page(verify: Verify, apps: str, page: str) -> None:
    assert verify(f"{apps}{page}") == 3
    assert UNJUDGED[page] in verify.complained
    assert UNJUDGED[page] in str(verify.report["error"])


def test_keep_going(verify: Verify, apps: str) -> None:
    urls = (f"{apps}/nowhere", "http://localhost:9/", f"{apps}/app")
    assert verify(*urls, *TOKENS, "--only=EMB-1", "--lifetime=35min") == 3
    assert [page["page"] for page in verify.report["pages"]] == [urls[0]]  # type: ignore[attr-defined]
    assert verify(*urls, *TOKENS, "--only=EMB-1", "--lifetime=35min", "--keep-going") == 3
    judged = {page["page"]: [rule["outcome"] for rule in page["rules"]] for page in verify.report["pages"]}  # type: ignore[attr-defined]
    assert judged == {urls[0]: [], urls[1]: [], urls[2]: ["passed"]}


WRONG = {
    "is not the address of a page": ("reports/sales",),
    "which is no rule; there are EMB-1": ("http://localhost:1/", "--only=LIFE-9"),
    "--answer-tokens needs to know which requests": ("http://localhost:1/", "--answer-tokens"),
    "what it brings is either =embed or =aad": ("http://localhost:1/", "--token-url=*/token=jwt"),
    "it needs --answer-tokens": ("http://localhost:1/", "--token-template=some.json"),
    "there is no such file": ("http://localhost:1/", "--storage-state=none.json"),
    "has neither cookies nor origins": ("http://localhost:1/", "--storage-state=some.json"),
    "has 0 classes derived from": ("http://localhost:1/", "--adapter=program.py"),
    "is not a duration": ("http://localhost:1/", "--lifetime=60"),
    "'many' is not a number": ("http://localhost:1/", "--seed=many"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_usage(verify: Verify, runs: Runs, sentence: str) -> None:
    (runs.folder / "some.json").write_text("{}")
    arguments = WRONG[sentence]
    if "program.py" in arguments[-1]:
        (runs.folder / "empty.py").write_text("")
        arguments = (arguments[0], "--adapter=empty.py")
    assert verify(*arguments) == 4
    assert sentence in verify.complained


def python_blocks() -> list[str]:
    from test_docs import fences

    return list(fences(DOCS / "verify.md", "python"))


def test_the_adapter_of_the_docs(verify: Verify, apps: str, runs: Runs) -> None:
    (runs.folder / "our_app.py").write_text(python_blocks()[0])
    assert verify(f"{apps}/home", *TOKENS, "--only=EMB-1", "--adapter=our_app.py", "--lifetime=35min") == 0
    assert verify.outcomes == {"EMB-1": "passed"}


def test_the_suite_of_the_docs(runs: Runs, apps: str) -> None:
    suite = python_blocks()[1].replace("http://localhost:3000/dashboard", f"{apps}/never-renews")
    runs.tests(suite.replace("embed-token*", "token"))
    ended = runs.run("-v", "-k", "EMB-1 or LIFE-1 or LIFE-2 or DROP-1")
    ended.assert_outcomes(passed=2, failed=1)
    ended.stdout.fnmatch_lines(
        [
            "*TestOurDashboard-EMB-1*PASSED*",
            "*TestOurDashboard-LIFE-2*WARNED*",
            "*LIFE-1 failed: With tokens of 60 min*",
        ]
    )


def test_a_page_beside_other_tests(runs: Runs, apps: str) -> None:
    runs.conftest("""
        import pytest
        from harness.contract import Adapter

        class Clicks(Adapter):
            def open(self, page):
                page.click("#show")

        @pytest.fixture(scope="session")
        def pbi_adapter():
            return Clicks()
    """)
    tests = runs.tests("def test_of_ours(): pass")
    tokens = [option.replace("--", "--pbi-", 1) for option in TOKENS]
    ended = runs.run(
        str(tests), f"--pbi-url={apps}/click", *tokens, "--pbi-only=EMB-1,LIFE-1", "--pbi-lifetime=60min",
        "-n2", "--dist=loadgroup", "--pbi-json=report.json",
    )  # fmt: skip
    ended.assert_outcomes(passed=3)
    report = json.loads((runs.folder / "report.json").read_text("utf-8"))
    jsonschema.validate(report, SCHEMA)
    assert {rule["id"]: rule["outcome"] for rule in report["rules"]} == {"EMB-1": "passed", "LIFE-1": "passed"}
