"""`pbi-harness verify URL`, `pytest --pbi-url URL` and `RefreshContract`, on the apps of site_of_apps.py."""

import argparse
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from support.inner_runs import Runs
from support.serving import serving_over_tls
from support.site_of_apps import PAGES, REPORT, site_of_apps

from fake_pbi.certificate import Certificate
from harness.base.errors import UsageError
from harness.base.resources import node_modules
from harness.cli import main
from harness.clock import real_time
from harness.clock.errors import PageUnreachable
from harness.contract import RULES, Adapter, PageUnderTest, TokenUrl, Verdict, Watch, judge, judge_recorded, read_pages
from harness.contract.options import add_options
from harness.contract.scenario import LIFETIMES
from harness.contract.settings import Settings
from harness.stage.item import Item
from harness.stage.session import HarnessSession

DOCS = Path(__file__).resolve().parents[2] / "docs"
SCHEMA = json.loads((DOCS / "verdicts.schema.json").read_text("utf-8"))
TOKENS = ("--token-url=*/api/token=embed", "--answer-tokens")
QUICK = "--only=EMB,TYPE,WAKE-3"


@pytest.fixture(scope="session")
def apps() -> Iterator[str]:
    """Yield the origin of the apps. The scope is the session."""
    with site_of_apps() as origin:
        yield origin


class Verify:
    """The command, run in a process of its own. `report` is its JSON report, checked against the schema."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    def __call__(self, *arguments: str) -> int:
        program = "import sys; from harness.cli import main; sys.exit(main(['verify', *sys.argv[1:]]))"
        completed = self._runs.python(program, "--json=report.json", *arguments)
        self.output, self.errors = completed.stdout, completed.stderr
        assert "Traceback" not in self.output + self.errors
        return completed.returncode

    @property
    def report(self) -> dict[str, object]:
        report: dict[str, object] = json.loads((self._runs.folder / "report.json").read_text("utf-8"))
        jsonschema.validate(report, SCHEMA, format_checker=jsonschema.FormatChecker())
        return report

    @property
    def outcomes(self) -> dict[str, str]:
        return {rule["id"]: rule["outcome"] for rule in self.report["rules"]}  # type: ignore[attr-defined]

    def message(self, rule: str) -> str:
        """Return the message of a rule's verdict, with its likely cause."""
        (verdict,) = (part for part in self.report["rules"] if part["id"] == rule)  # type: ignore[attr-defined]
        return f"{verdict['message']} {verdict['likely_cause']}"


@pytest.fixture
def verify(runs: Runs) -> Verify:
    """Return the command. The scope is the test function."""
    return Verify(runs)


def test_front_end_without_its_backend_is_judged_with_tokens_from_the_fake_cloud(verify: Verify, apps: str) -> None:
    only = "--only=EMB-1,LIFE-1,LIFE-4,WAKE-1,FAIL-1,FAIL-6,MULTI-1,DROP-1,LEAK-1"
    assert verify(f"{apps}/app", *TOKENS, only, "--remove=#close", "--lifetime=40min", "--seed=7") == 0
    assert set(verify.outcomes.items()) - {("MULTI-1", "skipped")} == {
        (rule, "passed") for rule in only.removeprefix("--only=").split(",") if rule != "MULTI-1"
    }
    assert (verify.report["mode"], verify.report["seed"]) == ("manual", 7)
    assert "of real time, seed 7." in verify.output
    assert verify.report["items"] == [{"item": "1", "type": "report", "mode": "manual"}]
    assert verify.report["url"] == f"{apps}/app"


def test_runs_with_one_seed_interact_at_the_same_moments(pbi_session: HarnessSession) -> None:
    """Chromium may let 10 ms pass when a request ends, so the moments may differ by a little."""

    def moments(seed: int) -> list[float]:
        used = Watch(pbi_session, PageUnderTest("reference", lifetime=timedelta(minutes=35)), seed=seed).first
        return [(entry.at - used.opened).total_seconds() for entry in used.journal.of("data.request")]

    first = pytest.approx(moments(1), abs=0.2)
    assert moments(1) == first
    assert moments(2) != first


def test_page_that_never_renews_breaks_life_1_and_the_run_ends_with_1(verify: Verify, apps: str, runs: Runs) -> None:
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


def test_message_of_life_1_names_a_dialog_that_nobody_confirmed(pbi_session: HarnessSession, apps: str) -> None:
    found = first_verdict(pbi_session, f"{apps}/asks-its-user", "--only=LIFE-1")

    assert found.outcome == "failed"
    assert re.search(r"The page asked its user 'Stay signed in\?' at [\d:.]+, and nobody agreed", found.likely_cause)


def test_warning_fails_only_a_strict_run(verify: Verify, apps: str) -> None:
    arguments = (f"{apps}/never-renews", *TOKENS, "--only=LIFE-2", "--lifetime=35min")
    assert verify(*arguments) == 0
    assert verify(*arguments, "--strict") == 1


def test_token_template_gives_answers_their_shape(verify: Verify, apps: str, runs: Runs) -> None:
    (runs.folder / "template.json").write_text('{"data": {"accessToken": "{token}", "until": "{expiration}"}}')
    assert verify(f"{apps}/app", *TOKENS, QUICK, "--token-template=template.json") == 1
    assert verify.outcomes == {"EMB-1": "failed", "TYPE-1": "skipped", "WAKE-3": "skipped"}
    assert "the page threw 'Error: no usable token'" in verify.message("EMB-1")
    assert verify(f"{apps}/another-shape", *TOKENS, QUICK, "--token-template=template.json") == 0
    assert set(verify.outcomes.values()) == {"passed"}


def test_page_with_a_manual_item_and_a_provider_passes_every_rule_but_drop_1(verify: Verify, apps: str) -> None:
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


def first_verdict(session: HarnessSession, *arguments: str) -> Verdict:
    """Return the verdict of the first rule that command-line arguments select, on the page that they name."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    add_options(parser.add_argument, "--")
    parsed = parser.parse_args([*arguments, *TOKENS, "--lifetime=35min"])
    settings = Settings.of([parsed.url], parsed)
    scenarios = Watch(session, settings.pages[0], seed=settings.seed, thorough=settings.thorough)
    return judge(settings.rules[0], scenarios)


def test_self_signed_certificate_is_refused_without_ignore_https_errors(pbi_session: HarnessSession) -> None:
    with serving_over_tls(PAGES["/app"], Certificate().ssl_context(), node_modules()) as port:
        page = f"https://127.0.0.1:{port}/app"
        with pytest.raises(PageUnreachable, match=r"ERR_CERT_AUTHORITY_INVALID\); accept .* --ignore-https-errors"):
            first_verdict(pbi_session, page, "--only=EMB-1")
        assert first_verdict(pbi_session, page, "--only=EMB-1", "--ignore-https-errors").outcome == "passed"


def test_real_host_is_refused_without_allow_host(pbi_session: HarnessSession, apps: str) -> None:
    refused = first_verdict(pbi_session, f"{apps}/cdn", "--only=EMB-1")
    allowed = first_verdict(pbi_session, f"{apps}/cdn", "--only=EMB-1", "--allow-host=*.example.com")

    assert "the harness refused requests to cdn.example.com" in refused.message
    assert "cdn.example.com/powerbi.js answered net::ERR_" in allowed.message
    assert "the harness refused" not in allowed.message


def test_headed_run_without_a_display_ends_with_3(verify: Verify, apps: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a display shows only that the option reaches the browser."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert verify(f"{apps}/app", *TOKENS, "--only=EMB-1", "--headed") == 3
    assert "--headed needs a display, and there is none. Leave --headed out, or use 'xvfb-run'." in verify.errors


class RefreshingAdapter(Adapter):
    """An adapter that refreshes the report, counts that, and removes the report."""

    def __init__(self) -> None:
        self.refreshes = 0

    def interact(self, item: Item) -> None:
        self.refreshes += 1
        item.refresh()

    def remove(self, item: Item) -> None:
        self.stage.page.click("#close")


@pytest.mark.parametrize(("page", "outcome"), [("app", "passed"), ("forgets", "failed")])
def test_adapter_interacts_with_an_item_and_removes_it(
    pbi_session: HarnessSession, apps: str, page: str, outcome: str
) -> None:
    adapter, tokens, lifetime = RefreshingAdapter(), (TokenUrl("*/api/token"),), timedelta(minutes=35)
    under_test = PageUnderTest(
        page, f"{apps}/{page}", token_urls=tokens, answer_tokens=True, adapter=adapter, lifetime=lifetime
    )
    scenarios = Watch(pbi_session, under_test)

    assert judge(RULES["DROP-1"], scenarios).outcome == outcome
    refreshed = [
        entry for observed in scenarios.made for entry in observed.journal.of("data.request", action="refresh")
    ]
    assert adapter.refreshes == len(refreshed) > 0


def test_thorough_run_visits_with_every_lifetime(pbi_session: HarnessSession) -> None:
    thorough = Watch(pbi_session, PageUnderTest("reference"), thorough=True)

    assert judge(RULES["WAKE-1"], thorough).outcome == "passed"
    assert [observed.lifetime for observed in thorough.visits("frozen_past_expiry")] == list(LIFETIMES)


def test_token_addresses_of_a_backend_in_real_time_are_found_and_its_renewals_are_not_judged(
    verify: Verify, apps: str
) -> None:
    assert verify(f"{apps}/foreign", "--only=EMB-1,LIFE-1,WAKE-3,FAIL-1", "--lifetime=40min") == 0
    assert f"token requests found: {apps}/foreign/token, {apps}/foreign/token[?]*" in verify.output
    assert verify.outcomes == {"EMB-1": "passed", "LIFE-1": "skipped", "WAKE-3": "passed", "FAIL-1": "skipped"}
    assert "The page's backend uses real time, so its renewals cannot be judged: foreign-1" in verify.message("LIFE-1")


def test_endless_requests_do_not_stop_a_visit(verify: Verify, apps: str) -> None:
    assert verify(f"{apps}/long-poll", *TOKENS, "--only=EMB-1,LIFE-3", "--lifetime=35min") == 0
    assert verify.outcomes == {"EMB-1": "passed", "LIFE-3": "passed"}


def test_rule_is_skipped_when_a_page_uses_up_the_real_time_of_the_rule(verify: Verify, apps: str) -> None:
    assert verify(f"{apps}/no-pause", *TOKENS, "--only=LIFE-1", "--rule-time=5s") == 0
    assert verify.outcomes == {"LIFE-1": "skipped"}
    assert "it took too long in real time" in verify.message("LIFE-1")


def test_one_item_can_be_chosen_by_selector_or_number(verify: Verify, apps: str) -> None:
    arguments = (f"{apps}/app", *TOKENS, "--only=EMB-1,MULTI-1", "--lifetime=35min")
    assert verify(*arguments, "--item=#report") == 0
    assert verify.message("MULTI-1").strip() == "--item selects one item to judge."
    assert verify(*arguments, "--item=#chart") == 4
    assert "--item '#chart' matches no element with an iframe of app.powerbi.com. Correct the selector" in verify.errors
    assert verify(*arguments, "--item=2") == 1
    assert "--item asks for item 2, and the page embedded 1 item." in verify.message("EMB-1")


def test_storage_state_signs_the_user_in(pbi_session: HarnessSession, apps: str, tmp_path: Path) -> None:
    local = [{"name": "user", "value": "ada"}]
    state = {
        "cookies": [{"name": "sid", "value": "1", "url": apps}],
        "origins": [{"origin": apps, "localStorage": local}],
    }
    (tmp_path / "state.json").write_text(json.dumps(state))
    page = f"{apps}/signed-in"
    signed_in = first_verdict(pbi_session, page, "--only=EMB-1", f"--storage-state={tmp_path / 'state.json'}")
    signed_out = first_verdict(pbi_session, page, "--only=EMB-1")

    assert signed_in.outcome == "passed"
    assert signed_out.outcome == "failed"
    assert "/sign-in" in signed_out.message


def test_strict_tenant_lets_only_listed_items_load(pbi_session: HarnessSession, apps: str, tmp_path: Path) -> None:
    tenant = tmp_path / "tenant.json"
    arguments = (f"{apps}/app", "--only=EMB-1", f"--strict-tenant={tenant}")
    for ids, outcome in ((["another"], "failed"), ([REPORT], "passed")):
        tenant.write_text(json.dumps({"reports": ids}))
        assert first_verdict(pbi_session, *arguments).outcome == outcome
    tenant.write_text('{"reports": [1]}')
    with pytest.raises(UsageError, match="does not contain lists of ids"):
        first_verdict(pbi_session, *arguments)


NOTHING_EMBEDDED = {
    "/app": ["/api/token answered 40", "The page's script ended before it called powerbi.embed()"],
    "/empty": ["the page threw nothing", "needs an adapter with open(page)"],
    "/throws": ["the page threw 'Error: at load'"],
    "/home": ["the page went to ", "/sign-in", "--storage-state FILE, or an adapter with sign_in(page)"],
    "/cdn": ["the harness refused requests to cdn.example.com", "--allow-host GLOB"],
    "/loop": ["A script of the page does not end"],
}


@pytest.mark.parametrize("page", NOTHING_EMBEDDED)
def test_message_of_emb_1_says_why_a_page_embeds_nothing(pbi_session: HarnessSession, apps: str, page: str) -> None:
    watch = Watch(pbi_session, PageUnderTest(page, f"{apps}{page}"))
    if page == "/loop":
        watch.end_by(real_time.seconds() + 5)
    found = {rule: judge(RULES[rule], watch) for rule in ("EMB-1", "TYPE-1", "WAKE-3")}

    assert [verdict.outcome for verdict in found.values()] == ["failed", "skipped", "skipped"]
    message = f"{found['EMB-1'].message} {found['EMB-1'].likely_cause}"
    assert "The page made no iframe of app.powerbi.com" in message
    assert [text for text in NOTHING_EMBEDDED[page] if text not in message] == []


def test_content_security_policy_that_forbids_the_iframe_breaks_emb_1(pbi_session: HarnessSession, apps: str) -> None:
    found = first_verdict(pbi_session, f"{apps}/policy", "--only=EMB-1")

    assert found.outcome == "failed"
    assert "does not allow https://app.powerbi.com" in found.likely_cause


UNJUDGED = {
    "/picture": "/picture: its server answered with image/png. Give the address of the page",
    "/nowhere": "/nowhere: its server answered 404. Give the address of the page",
}


@pytest.mark.parametrize("page", UNJUDGED)
def test_address_that_is_no_html_page_ends_the_run_with_3(verify: Verify, apps: str, page: str) -> None:
    assert verify(f"{apps}{page}") == 3
    assert f"No page to judge at {apps}{UNJUDGED[page]}" in verify.errors
    assert f"No page to judge at {apps}{UNJUDGED[page]}" in str(verify.report["error"])


def test_keep_going_judges_the_pages_after_one_that_cannot_be_judged(verify: Verify, apps: str) -> None:
    urls = (f"{apps}/nowhere", "http://localhost:9/", f"{apps}/app")
    assert verify(*urls, *TOKENS, "--only=EMB-1", "--lifetime=35min") == 3
    assert [page["page"] for page in verify.report["pages"]] == [urls[0]]  # type: ignore[attr-defined]
    assert verify(*urls, *TOKENS, "--only=EMB-1", "--lifetime=35min", "--keep-going") == 3
    judged = {page["page"]: [rule["outcome"] for rule in page["rules"]] for page in verify.report["pages"]}  # type: ignore[attr-defined]
    assert judged == {urls[0]: [], urls[1]: [], urls[2]: ["passed"]}


WRONG = {
    "'reports/sales' is not the address of a page. Give an address such as": ("reports/sales",),
    "--only names 'LIFE-9', which is no rule and no family. The rules are EMB-1": (
        "http://localhost:1/",
        "--only=LIFE-9",
    ),
    "--answer-tokens was given without --token-url": ("http://localhost:1/", "--answer-tokens"),
    "ends with =jwt, which is no kind of token. Write =embed or =aad": (
        "http://localhost:1/",
        "--token-url=*/token=jwt",
    ),
    "--token-template was given without --answer-tokens": ("http://localhost:1/", "--token-template=some.json"),
    "--storage-state none.json: there is no such file": ("http://localhost:1/", "--storage-state=none.json"),
    "has neither cookies nor origins": ("http://localhost:1/", "--storage-state=some.json"),
    "has 0 classes derived from": ("http://localhost:1/", "--adapter=empty.py"),
    "--lifetime: '60' is not a duration": ("http://localhost:1/", "--lifetime=60"),
    "--seed 'many' is not a whole number. Give a number such as 1": ("http://localhost:1/", "--seed=many"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_option_ends_the_run_with_4_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some.json").write_text("{}")
    (tmp_path / "empty.py").write_text("")

    assert main(["verify", *WRONG[sentence]]) == 4
    assert sentence in capsys.readouterr().err


def test_recordings_of_a_run_give_the_same_verdicts_again(
    verify: Verify, apps: str, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = (f"{apps}/never-renews", *TOKENS, "--only=EMB,LIFE,WAKE-3,LEAK", "--lifetime=35min")
    assert verify(*arguments, "--record=recordings") == 1
    live = verify.report
    monkeypatch.chdir(runs.folder)
    assert main(["judge", "recordings", "--only=EMB,LIFE,WAKE-3,LEAK", "--json=report.json"]) == 1
    again = verify.report

    measured = {"real_seconds", "virtual_seconds"}
    for report in (live, again):
        for part in (report, *report["rules"]):  # type: ignore[misc]
            for name in measured:
                del part[name]
    assert again == live
    assert {path.parent.name for path in Path("recordings").rglob("*.jsonl")} == {
        "healthy-1",
        "frozen_past_expiry-1",
        "hidden-1",
        "asleep_past_expiry-1",
    }


def python_blocks() -> list[str]:
    from test_docs import fences

    return list(fences(DOCS / "verify.md", "python"))


def test_adapter_in_the_docs_opens_the_page_behind_a_sign_in(verify: Verify, apps: str, runs: Runs) -> None:
    (runs.folder / "our_app.py").write_text(python_blocks()[0])
    assert verify(f"{apps}/home", *TOKENS, "--only=EMB-1", "--adapter=our_app.py", "--lifetime=35min") == 0
    assert verify.outcomes == {"EMB-1": "passed"}


def test_refresh_contract_class_in_the_docs_judges_a_page_inside_pytest(runs: Runs, apps: str) -> None:
    suite = python_blocks()[1].replace("http://localhost:3000/dashboard", f"{apps}/never-renews")
    runs.tests(suite.replace("embed-token*", "token"))
    result = runs.run("-v", "-k", "EMB-1 or LIFE-1 or LIFE-2 or DROP-1")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*TestOurDashboard-EMB-1*PASSED*",
            "*TestOurDashboard-LIFE-2*WARNED*",
            "*LIFE-1 failed: With tokens of 60 min*",
        ]
    )


def test_pbi_url_adds_the_contract_to_the_tests_that_were_asked_for(runs: Runs, apps: str) -> None:
    runs.conftest("""
        import pytest
        from harness.contract import Adapter

        class ClickingAdapter(Adapter):
            def open(self, page):
                page.click("#show")

        @pytest.fixture(scope="session")
        def pbi_adapter():
            return ClickingAdapter()
    """)
    tests = runs.tests("def test_of_the_user(): pass")
    tokens = [option.replace("--", "--pbi-", 1) for option in TOKENS]
    result = runs.run(
        str(tests), f"--pbi-url={apps}/click", *tokens, "--pbi-only=EMB-1,LIFE-1", "--pbi-lifetime=60min",
        "-n2", "--dist=loadgroup", "--pbi-json=report.json", "--pbi-record=recordings",
    )  # fmt: skip
    result.assert_outcomes(passed=3)
    (recorded,) = read_pages(runs.folder / "recordings")
    assert judge_recorded(RULES["LIFE-1"], recorded).outcome == "passed"
    report = json.loads((runs.folder / "report.json").read_text("utf-8"))
    jsonschema.validate(report, SCHEMA)
    assert {rule["id"]: rule["outcome"] for rule in report["rules"]} == {"EMB-1": "passed", "LIFE-1": "passed"}
