"""Tests of api.powerbi.com: the requests of a backend before a page embeds, and the tokens it gets."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from cloud_client import Client
from support.manual_clock import START, Clock

from fake_pbi.cloud import Cloud

API = "https://api.powerbi.com/v1.0/myorg"
GROUP = f"{API}/groups/g"

VIEW = {"accessLevel": "View"}
GENERATE = {
    f"{API}/GenerateToken": {"reports": [{"id": "r"}], "datasets": [{"id": "d", "xmlaPermissions": "ReadOnly"}]},
    f"{GROUP}/reports/GenerateToken": {"accessLevel": "Create", "datasetId": "d"},
    f"{GROUP}/reports/r/GenerateToken": VIEW,
    f"{GROUP}/datasets/d/GenerateToken": VIEW,
    f"{GROUP}/dashboards/d/GenerateToken": VIEW,
    f"{GROUP}/dashboards/d/tiles/t/GenerateToken": VIEW,
}
REPORT_TOKEN = f"{GROUP}/reports/r/GenerateToken"


@pytest.fixture
def backend(client: Client, entra_token: str) -> Client:
    """Return a client that sends an Entra token."""
    client.headers["Authorization"] = f"Bearer {entra_token}"
    return client


def status_and_code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def expiration(answer: requests.Response) -> datetime:
    return datetime.strptime(answer.json()["expiration"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@pytest.mark.parametrize(("url", "body"), GENERATE.items())
def test_generate_token_answers_with_an_embed_token(
    cloud: Cloud, backend: Client, url: str, body: dict[str, Any]
) -> None:
    answer = backend.post(url, json=body)
    assert answer.status_code == 200
    assert answer.json().keys() == {"@odata.context", "token", "tokenId", "expiration"}
    assert answer.json()["expiration"] == "2027-03-01T10:00:00Z"
    token = cloud.tokens.find(answer.json()["token"])
    assert token is not None
    assert (token.name, token.type) == ("embed-1", "embed")
    assert answer.headers["RequestId"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_embed_token_has_the_form_of_the_real_service(backend: Client) -> None:
    sealed, readable = backend.post(REPORT_TOKEN, json=VIEW).json()["token"].split(".")
    assert sealed.startswith("H4sIAAAA")
    assert json.loads(base64.b64decode(readable)) == {
        "clusterUrl": "https://wabi-emulated-redirect.analysis.windows.net",
        "exp": int(START.timestamp()) + 3600,
        "allowAccessOverPublicInternet": True,
    }


def test_embed_token_never_outlives_the_entra_token(cloud: Cloud, backend: Client, clock: Clock) -> None:
    [entra] = cloud.journal.of("token.issued")
    for minutes in (20, 20, 19):
        clock.advance(minutes=minutes)
        assert expiration(backend.post(REPORT_TOKEN, json=VIEW)) == entra["expires"]
    assert expiration(backend.post(REPORT_TOKEN, json=VIEW | {"lifetimeInMinutes": 240})) == entra["expires"]


@pytest.mark.parametrize(("minutes", "lifetime_minutes"), [(5, 5), (0, 60), (None, 60)])
def test_lifetime_in_minutes_only_shortens_the_lifetime(
    backend: Client, minutes: int | None, lifetime_minutes: int
) -> None:
    answer = backend.post(REPORT_TOKEN, json=VIEW | {"lifetimeInMinutes": minutes})
    assert expiration(answer) == START + timedelta(minutes=lifetime_minutes)


def test_expiration_is_rounded_down_to_whole_seconds(backend: Client, clock: Clock) -> None:
    clock.advance(seconds=0.75)
    assert expiration(backend.post(REPORT_TOKEN, json={"lifetimeInMinutes": 5})) == START + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (REPORT_TOKEN, {"accessLevel": "Own"}),
        (REPORT_TOKEN, {"lifetimeInMinutes": -1}),
        (REPORT_TOKEN, {"lifetimeInMinutes": "60"}),
        (REPORT_TOKEN, {"identities": {}}),
        (REPORT_TOKEN, ["View"]),
        (f"{GROUP}/reports/GenerateToken", {"accessLevel": "Create"}),
        (f"{API}/GenerateToken", {}),
        (f"{API}/GenerateToken", {"reports": ["r"]}),
        (f"{API}/GenerateToken", {"reports": [{"id": "r"}] * 51}),
        (f"{API}/GenerateToken", {"datasets": [{"id": "d", "xmlaPermissions": "All"}]}),
    ],
)
def test_generate_token_refuses_a_wrong_body_with_400(cloud: Cloud, backend: Client, url: str, body: object) -> None:
    assert status_and_code(backend.post(url, json=body)) == (400, "InvalidRequest")
    assert cloud.journal.of("token.issued", type="embed") == []


def test_generate_token_refuses_a_body_that_is_no_json_with_400(backend: Client) -> None:
    assert status_and_code(backend.post(REPORT_TOKEN, data="{")) == (400, "InvalidRequest")


def test_expired_entra_token_is_refused_with_403(backend: Client, clock: Clock) -> None:
    clock.advance(minutes=60)
    answer = backend.post(REPORT_TOKEN, json=VIEW)
    assert answer.status_code == 403
    assert answer.json() == {
        "error": {
            "code": "TokenExpired",
            "message": "Access token has expired, resubmit with a new access token",
        }
    }
    assert answer.headers["RequestId"]


def test_missing_and_unusable_tokens_and_embed_tokens_are_refused_with_401(backend: Client) -> None:
    embed = backend.post(REPORT_TOKEN, json=VIEW).json()["token"]
    for bearer in (None, "", "Bearer", "Bearer garbage", f"Bearer {embed}", f"EmbedToken {embed}"):
        answer = backend.get(f"{API}/reports", headers={"Authorization": bearer})
        assert status_and_code(answer) == (401, "PowerBINotAuthorizedException")


@pytest.mark.parametrize(
    ("item", "path", "ids"),
    [
        ("reports/r", "/reportEmbed", {"reportId": ["r"]}),
        ("dashboards/d", "/dashboardEmbed", {"dashboardId": ["d"]}),
        ("dashboards/d/tiles/t", "/embed", {"dashboardId": ["d"], "tileId": ["t"]}),
    ],
)
def test_embed_url_of_an_item_has_the_form_of_the_real_service(
    backend: Client, item: str, path: str, ids: dict[str, list[str]]
) -> None:
    def parts(root: str) -> tuple[str, str, dict[str, list[str]]]:
        url = urlsplit(backend.get(f"{root}/{item}").json()["embedUrl"])
        query = parse_qs(url.query)
        config = json.loads(base64.b64decode(query.pop("config")[0]))
        assert config["clusterUrl"] == "https://wabi-emulated-redirect.analysis.windows.net"
        assert query.pop("w") == ["2"]
        return f"{url.scheme}://{url.netloc}", url.path, query

    assert parts(API) == ("https://app.powerbi.com", path, ids)
    assert parts(GROUP) == ("https://app.powerbi.com", path, ids | {"groupId": ["g"]})


def test_lists_contain_the_items_of_the_tenant(cloud: Cloud, backend: Client) -> None:
    tenant = cloud.tenant
    lists = {
        f"{API}/groups": tenant.workspace_id,
        f"{GROUP}/reports": tenant.report_id,
        f"{GROUP}/dashboards": tenant.dashboard_id,
        f"{GROUP}/dashboards/{tenant.dashboard_id}/tiles": tenant.tile_id,
    }
    assert {url: backend.get(url).json()["value"][0]["id"] for url in lists} == lists
    assert backend.post(f"{API}/RefreshUserPermissions").status_code == 200


def test_unknown_path_is_404_and_wrong_method_is_405(backend: Client) -> None:
    for answer, status in ((backend.get(f"{API}/gateways"), 404), (backend.get(f"{API}/GenerateToken"), 405)):
        assert answer.status_code == status
        assert answer.headers["RequestId"]
