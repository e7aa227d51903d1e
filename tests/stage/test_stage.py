"""Tests of the stage: its items and tokens, its isolation, and the hosts that it refuses."""

import gc
import weakref
from datetime import timedelta

import pytest
from playwright.sync_api import Response
from support.site_of_pages import Site

from harness.base.errors import UsageError
from harness.stage import Stage
from harness.stage.host import Host
from harness.stage.session import HarnessSession


class TestItems:
    def test_item_loads_and_lists_its_pages(self, pbi_stage: Stage, pbi_host: Host) -> None:
        item = pbi_stage.open(pbi_host.url("reference")).item()
        item.expect_loaded()

        state = item.state()
        assert (state["type"], state["page"], state["pages"]) == ("report", "Page 1", ["Page 1", "Page 2", "Page 3"])
        assert item.token is not None
        assert item.token.token == state["token"]["name"] == "embed-1"

    def test_each_interaction_causes_a_data_request_with_the_current_token(
        self, pbi_stage: Stage, pbi_host: Host
    ) -> None:
        item = pbi_stage.open(pbi_host.url("reference")).item()
        item.expect_loaded()

        made = [item.change_page("Page 2"), item.filter("Region", "North"), item.refresh()]

        assert [(entry["action"], entry["page"], entry["status"]) for entry in made] == [
            ("pageChange", "ReportSection2", 200),
            ("filter", "ReportSection2", 200),
            ("refresh", "ReportSection2", 200),
        ]
        assert item.state()["page"] == "Page 2"

    def test_changing_to_a_page_that_the_report_lacks_is_refused(self, pbi_stage: Stage, pbi_host: Host) -> None:
        item = pbi_stage.open(pbi_host.url("reference")).item()
        item.expect_loaded()

        with pytest.raises(UsageError, match="Item 1 cannot change the page with"):
            item.change_page("Page 9")

    def test_expired_token_raises_token_expired_at_the_next_data_request(
        self, pbi_stage: Stage, pbi_host: Host
    ) -> None:
        item = _with_a_token_that_is_never_renewed(pbi_stage, pbi_host)

        pbi_stage.clock.advance("61min")
        assert item.events("error") == []
        refused = item.refresh()

        assert (refused["state"], refused["status"]) == ("expired", 403)
        error = item.events("error")[0]["detail"]
        assert error["message"] == "TokenExpired"
        assert error["detailedMessage"].startswith("Access token has expired, resubmit with a new access token")
        assert {visual["state"] for visual in item.state()["visuals"]} == {"failed"}

    def test_reports_of_a_frame_bypass_the_network_and_wrong_ones_reach_the_server(
        self, pbi_stage: Stage, pbi_host: Host
    ) -> None:
        came_from: dict[str, bool] = {}

        def note(response: Response) -> None:
            came_from[f"{response.request.post_data} {response.status}"] = response.server_addr() is not None

        item = pbi_stage.open(pbi_host.url("reference")).item()
        item.expect_loaded()
        pbi_stage.page.on("response", note)
        report = "address => ['[]', 'no JSON'].forEach(body => fetch(address, { method: 'POST', body }))"
        for address in ("/_fake/items/1/journal", "/_fake/items/99/journal", "/_fake/nothing"):
            pbi_stage.page.frames[1].evaluate(report, address)
            pbi_stage.clock.advance("1s")

        assert came_from == {
            "[] 204": False,
            "no JSON 400": True,
            "[] 404": True,
            "no JSON 404": True,
        }


def _with_a_token_that_is_never_renewed(stage: Stage, host: Host):  # type: ignore[no-untyped-def]
    stage.page.add_init_script("globalThis.setInterval = () => 0")
    item = stage.open(host.url("article_manual")).item()
    item.expect_loaded()
    return item


class TestTokens:
    def test_every_renewal_brings_a_token_with_its_whole_lifetime(self, pbi_stage: Stage, pbi_host: Host) -> None:
        item = pbi_stage.open(pbi_host.url("article_manual"), lifetime="35min").item()

        pbi_stage.clock.advance("24h")

        lives = {round((renewal.expires - renewal.at).total_seconds() / 60) for renewal in item.renewals}
        assert len(item.renewals) >= 50
        assert lives == {35}

    def test_recovery_makes_the_next_data_request_succeed(self, pbi_stage: Stage, pbi_host: Host) -> None:
        item = pbi_stage.open(pbi_host.url("reference")).item()
        with pbi_stage.tab.frozen():
            pbi_stage.clock.advance("2h")

        assert item.renewals == []  # the new token came after the expiry: a recovery
        assert item.refresh()["status"] == 200

    def test_recovery_needs_a_reload_if_the_tenant_is_strict(self, pbi_stage: Stage, pbi_host: Host) -> None:
        pbi_stage.tenant.late_token = "reload"
        item = pbi_stage.open(pbi_host.url("article_manual")).item()
        item.expect_loaded()
        with pbi_stage.tab.frozen():
            pbi_stage.clock.advance("2h")

        assert item.refresh()["status"] == 403
        pbi_stage.page.evaluate("void powerbi.get(document.getElementById('embedContainer')).reload()")
        pbi_stage.clock.advance("1s")
        assert item.refresh()["status"] == 200

    def test_tenant_decides_when_and_how_often_the_provider_is_called(self, pbi_stage: Stage, pbi_host: Host) -> None:
        pbi_stage.tenant.hook_lead = timedelta(minutes=20)
        pbi_stage.tenant.hook_retry = timedelta(minutes=5)
        item = pbi_stage.open(pbi_host.url("article_provider")).item()
        item.expect_loaded()
        pbi_stage.faults.add("*/token/aad", status=503)

        pbi_stage.clock.advance("56min")

        opened = pbi_stage.journal.of("page.opened")[0].at
        assert [round((call.at - opened).total_seconds() / 60) for call in item.hook_calls] == [40, 45, 50, 55]


class TestIsolation:
    def test_two_stages_share_neither_cookies_nor_storage_nor_clock_nor_tenant(
        self, pbi_session: HarnessSession, pages: Site
    ) -> None:
        with pbi_session.stage() as first, pbi_session.stage() as second:
            for stage in (first, second):
                stage.open(pages.empty)
            first.page.evaluate("() => { document.cookie = 'a=1'; localStorage.setItem('a', '1'); }")
            first.tenant.hook_lead = first.tenant.hook_retry
            first.clock.advance("1h")

            assert second.page.evaluate("[document.cookie, localStorage.length]") == ["", 0]
            assert second.tenant.hook_lead != first.tenant.hook_lead
            assert len(second.journal.of("page.opened")) == 1
            assert first.clock.now > second.clock.now

    def test_closed_stages_are_garbage_collected(self, pbi_session: HarnessSession, pages: Site) -> None:
        journals = []
        for _ in range(3):
            with pbi_session.stage() as stage:
                stage.open(pages.empty)
                stage.page.evaluate("() => void workerOf('setInterval(() => {}, 1000)')")
                stage.clock.advance("1min")
            journals.append(weakref.ref(stage.journal))

        del stage
        gc.collect()

        assert [journal() for journal in journals[:-1]] == [None, None]

    def test_cookies_and_storage_state_belong_to_this_tab(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.add_cookies([{"name": "session", "value": "s1", "url": pages.empty}])
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate("localStorage.setItem('theme', 'dark')")

        assert pbi_stage.page.evaluate("document.cookie") == "session=s1"
        assert [(cookie["name"], cookie["value"]) for cookie in pbi_stage.cookies()] == [("session", "s1")]
        state = pbi_stage.storage_state()
        assert state["origins"] == [{"origin": pages.origin, "localStorage": [{"name": "theme", "value": "dark"}]}]
        assert [cookie["name"] for cookie in state["cookies"]] == ["session"]


class TestHosts:
    @pytest.mark.parametrize(
        "url",
        ["https://example.com/", "https://wabi-us-north.analysis.windows.net/", "https://graph.microsoft.com/v1.0/me"],
    )
    def test_host_that_is_not_allowed_is_refused_and_journalled(self, pbi_stage: Stage, pages: Site, url: str) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(f"void fetch('{url}', {{mode: 'no-cors'}}).catch(e => seen.push(e.name))")

        pbi_stage.clock.advance("1s")

        assert pbi_stage.page.evaluate("seen") == ["TypeError"]
        assert [entry["host"] for entry in pbi_stage.journal.of("host.refused")] == [url.split("/")[2]]

    def test_real_power_bi_host_is_refused_even_if_every_host_is_allowed(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.allow_host("*")
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            "void fetch('https://content.powerapps.powerbi.com/', {mode: 'no-cors'}).catch(() => {})"
        )

        pbi_stage.clock.advance("1s")

        assert [entry["host"] for entry in pbi_stage.journal.of("host.refused")] == ["content.powerapps.powerbi.com"]

    def test_page_reaches_the_fake_cloud_under_its_real_host_names(self, pbi_stage: Stage, pages: Site) -> None:
        pbi_stage.open(pages.empty)
        pbi_stage.page.evaluate(
            "void fetch('https://login.microsoftonline.com/common/discovery/instance?api-version=1.1"
            "&authorization_endpoint=https://login.microsoftonline.com/common/oauth2/v2.0/authorize')"
            ".then(r => r.json()).then(j => seen.push(j['api-version']))"
        )

        pbi_stage.clock.advance("1s")

        assert pbi_stage.page.evaluate("seen") == ["1.1"]


def test_reload_makes_a_new_item(pbi_stage: Stage, pbi_host: Host) -> None:
    first = pbi_stage.open(pbi_host.url("reference")).item()
    first.expect_loaded()

    pbi_stage.reload()
    second = pbi_stage.item()
    second.expect_loaded()

    assert (first.name, second.name) == ("1", "2")
    assert [item.name for item in pbi_stage.items()] == ["2"]
    assert pbi_stage.journal.of("embed.gone", item="1")
    with pytest.raises(UsageError, match=r"Item 1 is not on the page any more; there are \['2'\]"):
        first.refresh()


def test_uncaught_exceptions_and_rejections_are_journalled(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { setTimeout(() => { throw new Error('one') }, 1000); setTimeout(() => Promise.reject(new Error('two')), 2000); }"
    )

    pbi_stage.clock.advance("1h")

    errors = pbi_stage.journal.of("page.error")
    assert [round(error.at.timestamp() * 1000 - pbi_stage.page.evaluate("started")) for error in errors] == [1500, 2500]
    assert [(error["text"].splitlines()[0], error["rejection"]) for error in errors] == [
        ("Error: one", False),
        ("Error: two", True),
    ]


def test_dialogs_are_journalled_and_dismissed(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("void setTimeout(() => seen.push(confirm('Stay signed in?')), 60_000)")
    pbi_stage.clock.advance("2min")
    assert pbi_stage.page.evaluate("seen") == [False]
    (dialog,) = pbi_stage.journal.of("page.dialog")
    assert (dialog["type"], dialog["text"]) == ("confirm", "Stay signed in?")


def test_request_events_of_playwright_contain_only_the_pages_own_requests(pbi_stage: Stage, pages: Site) -> None:
    requested: list[str] = []
    pbi_stage.page.on("request", lambda request: requested.append(request.url))
    pbi_stage.page.on("requestfailed", lambda request: requested.append(f"failed: {request.url}"))
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        """() => { setTimeout(async () => {
            new BroadcastChannel('b').postMessage(1); // a message on a channel always makes a time hold
            await fetch('/slow');
            seen.push(at());
        }, 1000); }"""
    )

    pbi_stage.clock.advance("1h")

    assert len(pbi_stage.page.evaluate("seen")) == 1
    assert requested == [pages.empty, f"{pages.origin}/slow"]
