"""Tests of app.powerbi.com, with the requests that the iframe app sends."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from cloud_client import Client
from support.manual_clock import START, Clock

from fake_pbi.cloud import Cloud
from fake_pbi.tokens import Token

APP = "https://app.powerbi.com"
EXPIRED = {
    "error": {"code": "TokenExpired", "message": "Access token has expired, resubmit with a new access token"},
}


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class Frame:
    """Sends the requests of the iframe app of one item."""

    def __init__(self, client: Client, path: str = "/reportEmbed?reportId=r&uid=u") -> None:
        self._client = client
        page = client.get(APP + path)
        assert page.headers["Cache-Control"] == "no-store"
        settings = re.search(r'id="settings">(.*?)</script>', page.text)
        assert settings
        self.settings: dict[str, Any] = json.loads(settings[1])
        self.item: str = self.settings["item"]

    def apply(self, token: str, how: str = "load", scheme: str = "EmbedToken") -> Any:
        body = {"authorization": f"{scheme} {token}", "how": how}
        return self._client.post(f"{APP}/_fake/items/{self.item}/token", json=body).json()

    def report(self, kind: str, age_ms: float = 0, **data: Any) -> int:
        # A text as the body has no JSON content type, like the body of a beacon.
        body = json.dumps([{"ageMs": age_ms, "kind": kind, "data": data}])
        return self._client.post(f"{APP}/_fake/items/{self.item}/journal", data=body).status_code

    def load(self, bearer: str, kind: str = "reports") -> tuple[int, Any]:
        answer = self._client.get(
            f"{APP}/explore/{kind}/r/modelsAndExploration", headers={"Authorization": bearer, "X-Item": self.item}
        )
        return answer.status_code, answer.json()

    def query(self, bearer: str, **body: Any) -> tuple[int, Any]:
        body = {"item": self.item, "action": "render", "detail": None, "page": "ReportSection1", "filters": []} | body
        answer = self._client.post(f"{APP}/explore/querydata", json=body, headers={"Authorization": bearer})
        return answer.status_code, answer.json()


@pytest.fixture
def frame(client: Client) -> Frame:
    return Frame(client)


def embed_token(cloud: Cloud, lifetime_minutes: float = 60) -> Token:
    entra = cloud.tokens.issue_entra(minutes(lifetime_minutes), tenant_id="t", client_id="c")
    return cloud.tokens.issue_embed(entra)


def kinds(cloud: Cloud, *ignored: str) -> list[tuple[float, str]]:
    """Return the journal as pairs of minutes since the start and kind."""
    return [((entry.at - START) / minutes(1), entry.kind) for entry in cloud.journal if entry.kind not in ignored]


@pytest.mark.parametrize(
    ("path", "type_"),
    [("/reportEmbed", "report"), ("/dashboardEmbed", "dashboard"), ("/embed", "tile"), ("/tileEmbed", "tile")],
)
def test_each_served_frame_is_a_new_item_with_its_settings(cloud: Cloud, client: Client, path: str, type_: str) -> None:
    cloud.tenant.hook_lead = minutes(2)
    cloud.tenant.hook_address = "first"
    for number in ("1", "2"):
        frame = Frame(client, f"{path}?uid=u")
        assert frame.settings == {
            "item": number,
            "type": type_,
            "hookLeadMs": 120_000,
            "hookRetryMs": 60_000,
            "lateToken": "next query",
            "hookAddress": "first",
        }
    assert [entry.data for entry in cloud.journal] == [
        {"item": number, "path": path, "url": f"{APP}{path}?uid=u"} for number in ("1", "2")
    ]


def test_document_contains_its_style_packages_and_modules(client: Client) -> None:
    text = client.get(f"{APP}/reportEmbed?uid=u").text

    assert "color: red" in text
    assert "var models = {}" in text
    script = text.partition("const modules = {};")[2]
    assert script.index('modules["other.js"] = (() => {\nclass X {}\nreturn { X };') < script.index(
        'return (() => {\nconst { X } = modules["other.js"];\nnew X();'
    )


def test_applied_token_is_answered_with_its_status_and_journalled(cloud: Cloud, frame: Frame, clock: Clock) -> None:
    token = embed_token(cloud)
    clock.advance(minutes=10)
    assert frame.apply(token.text) == {
        "token": "embed-1",
        "type": "embed",
        "state": "live",
        "expires": "2027-03-01T10:00:00Z",
        "remainingMs": 3_000_000,
    }
    [applied] = cloud.journal.of("token.applied")
    assert applied.data == {
        "item": "1",
        "token": "embed-1",
        "type": "embed",
        "expires": token.expires,
        "how": "load",
        "state": "live",
    }


def test_token_of_another_type_than_declared_is_unknown(cloud: Cloud, frame: Frame) -> None:
    status = frame.apply(embed_token(cloud).text, "hook", scheme="Bearer")
    assert status == {"token": "embed-1", "type": "embed", "state": "unknown", "expires": None, "remainingMs": None}
    [applied] = cloud.journal.of("token.applied")
    assert (applied["state"], applied["expires"]) == ("unknown", None)


def test_expiry_is_journalled_at_the_exact_instant(cloud: Cloud, frame: Frame, clock: Clock) -> None:
    frame.apply(embed_token(cloud).text)
    clock.advance(minutes=90)
    assert kinds(cloud, "token.issued", "embed.frame") == [(0, "token.applied"), (60, "token.expired")]
    [expired] = cloud.journal.of("token.expired")
    assert expired.data == {"item": "1", "token": "embed-1"}


def test_expiry_of_a_replaced_token_is_not_journalled(cloud: Cloud, frame: Frame, clock: Clock) -> None:
    frame.apply(embed_token(cloud).text)
    clock.advance(minutes=50)
    frame.apply(embed_token(cloud).text, "setAccessToken")
    clock.advance(minutes=70)
    assert kinds(cloud, "token.issued", "embed.frame") == [
        (0, "token.applied"),
        (50, "token.applied"),
        (110, "token.expired"),
    ]


def test_token_after_the_expiry_does_not_hide_the_expiry(cloud: Cloud, frame: Frame, clock: Clock) -> None:
    frame.apply(embed_token(cloud).text)
    clock.advance(minutes=61)
    frame.apply(embed_token(cloud).text, "hook")
    assert kinds(cloud, "token.issued", "embed.frame") == [
        (0, "token.applied"),
        (60, "token.expired"),
        (61, "token.applied"),
    ]


def test_expiry_of_the_token_of_a_removed_item_is_not_journalled(
    cloud: Cloud, client: Client, frame: Frame, clock: Clock
) -> None:
    other = Frame(client)
    token = embed_token(cloud).text
    frame.apply(token)
    other.apply(token)
    assert frame.report("embed.gone") == 204
    clock.advance(minutes=61)
    assert [entry["item"] for entry in cloud.journal.of("token.expired")] == ["2"]


def test_expired_and_unknown_tokens_are_applied_and_answered_with_their_state(
    cloud: Cloud, frame: Frame, clock: Clock
) -> None:
    token = embed_token(cloud)
    clock.advance(minutes=60)
    expired = frame.apply(token.text)
    assert (expired["token"], expired["state"], expired["remainingMs"]) == ("embed-1", "expired", 0)
    assert frame.apply("what is this?") == {
        "token": "unknown",
        "type": "unknown",
        "state": "unknown",
        "expires": None,
        "remainingMs": None,
    }
    assert cloud.journal.of("token.expired") == []


def test_entries_of_the_app_are_journalled_with_their_age_but_in_order(
    cloud: Cloud, frame: Frame, clock: Clock
) -> None:
    clock.advance(minutes=2)
    assert frame.report("protocol", 60_000, direction="received", method="POST", url="/report/load", uid="u") == 204
    assert frame.report("item.event", 90_000, event="loaded") == 204
    reported = cloud.journal.of("protocol", "item.event")
    assert [(entry.at, entry["item"], entry["event"]) for entry in reported] == [
        (START + minutes(1), "1", None),
        (START + minutes(1), "1", "loaded"),
    ]


@pytest.mark.parametrize("known", [True, False])
def test_token_in_a_provider_answer_is_journalled_by_name_without_its_text(
    cloud: Cloud, frame: Frame, known: bool
) -> None:
    text = embed_token(cloud).text if known else "secret"
    frame.report("hook.answered", call=1, status=200, answer="token", text=text)
    frame.report("hook.answered", call=2, status=200, answer="other", text="{}")
    token, other = cloud.journal.of("hook.answered")
    assert token.data == {
        "item": "1",
        "call": 1,
        "status": 200,
        "answer": "token",
        "token": "embed-1" if known else "unknown",
    }
    assert other["text"] == "{}"


def test_reports_of_the_app_in_a_wrong_form_are_refused(cloud: Cloud, client: Client, frame: Frame) -> None:
    before = len(cloud.journal)
    assert frame.report("token.expired", token="embed-1") == 400
    assert frame.report("protocol", age_ms=-1) == 400
    assert frame.report("protocol", at="now") == 400
    url = f"{APP}/_fake/items/{frame.item}"
    assert client.post(f"{url}/journal", json={}).status_code == 400
    assert client.post(f"{url}/token", json={"authorization": "EmbedToken t", "how": "magic"}).status_code == 400
    assert client.post(f"{APP}/_fake/items/7/journal", json=[]).status_code == 404
    assert len(cloud.journal) == before


def test_item_loads_only_with_a_valid_token_of_the_declared_type(cloud: Cloud, frame: Frame, clock: Clock) -> None:
    embed = embed_token(cloud).text
    status, report = frame.load(f"EmbedToken {embed}")
    assert (status, report["name"]) == (200, "Sales")
    assert [page["displayName"] for page in report["pages"]] == ["Page 1", "Page 2", "Page 3"]
    assert frame.load(f"EmbedToken {embed}", "tiles")[0] == 200
    for bearer in (f"Bearer {embed}", "EmbedToken garbage", "EmbedToken"):
        status, error = frame.load(bearer)
        assert (status, error["error"]["code"]) == (403, "LoadReportFailed")
    clock.advance(minutes=60)
    assert frame.load(f"EmbedToken {embed}") == (403, EXPIRED)
    assert cloud.journal.of("data.request") == []


def test_data_request_is_answered_with_the_page_and_journalled(cloud: Cloud, frame: Frame) -> None:
    entra = cloud.tokens.issue_entra(minutes(60), tenant_id="t", client_id="c")
    bearer = f"Bearer {entra.text}"
    status, data = frame.query(bearer, action="pageChange", detail="Page 2", page="ReportSection2")
    assert (status, data["chart"]["title"], len(data["table"]["rows"])) == (200, "Sales by product", 12)
    [request] = cloud.journal.of("data.request")
    assert request.data == {
        "item": "1",
        "action": "pageChange",
        "detail": "Page 2",
        "page": "ReportSection2",
        "filters": [],
        "token": "entra-1",
        "state": "live",
        "status": 200,
    }
    assert frame.query(bearer, page=None)[1]["page"] == "ReportSection1"
    assert frame.query(bearer, page="nowhere")[0] == 404
    assert frame.query(bearer, action="guess")[0] == 400


def test_basic_filters_select_rows_and_other_filters_do_not(cloud: Cloud, frame: Frame) -> None:
    def chart(**basic: Any) -> list[str]:
        one = {"target": {"table": "Sales", "column": "Region"}, **basic}
        points = frame.query(f"EmbedToken {token}", action="filter", filters=[one])[1]["chart"]["points"]
        return [point["label"] for point in points]

    token = embed_token(cloud).text
    assert chart(operator="In", values=["South"]) == ["South"]
    assert chart(operator="NotIn", values=["South"]) == ["North", "West"]
    assert chart(operator="All", values=[]) == ["North", "South", "West"]
    assert chart(logicalOperator="And", conditions=[]) == ["North", "South", "West"]


def test_data_request_with_an_expired_or_unknown_token_is_refused_with_403(
    cloud: Cloud, frame: Frame, clock: Clock
) -> None:
    token = embed_token(cloud).text
    clock.advance(minutes=60)
    assert frame.query(f"EmbedToken {token}", action="refresh") == (403, EXPIRED)
    assert frame.query("EmbedToken garbage")[0] == 403
    seen = [(entry["token"], entry["state"], entry["status"]) for entry in cloud.journal.of("data.request")]
    assert seen == [("embed-1", "expired", 403), ("unknown", "unknown", 403)]
    assert [entry["action"] for entry in cloud.journal.expired_requests()] == ["refresh"]
