"""Tests of Entra ID with its real clients: unmodified MSAL, and plain requests, through the gateway."""

from typing import Any

import jwt
import msal
import pytest
from cloud_client import Client
from support.manual_clock import START, Clock

from fake_pbi.cloud import Cloud
from fake_pbi.tokens import POWER_BI

SCOPES = [f"{POWER_BI}/.default"]
LOGIN = "https://login.microsoftonline.com"


def application(cloud: Cloud, client: Client, **wrong: str) -> msal.ConfidentialClientApplication:
    tenant = cloud.tenant
    return msal.ConfidentialClientApplication(
        wrong.get("client_id", tenant.client_id),
        client_credential=wrong.get("client_secret", tenant.client_secret),
        authority=f"{LOGIN}/{wrong.get('tenant_id', tenant.tenant_id)}",
        http_client=client,
    )


def request_token(cloud: Cloud, client: Client, tenant: str | None = None, **form: str) -> dict[str, Any]:
    answer = client.post(f"{LOGIN}/{tenant or cloud.tenant.tenant_id}/oauth2/v2.0/token", data=form)
    return {"status": answer.status_code, **answer.json()}


def valid_form(cloud: Cloud, **changes: str) -> dict[str, str]:
    tenant = cloud.tenant
    form = {"grant_type": "client_credentials", "client_id": tenant.client_id, "client_secret": tenant.client_secret}
    return form | {"scope": SCOPES[0]} | changes


@pytest.mark.usefixtures("python_time")
def test_msal_gets_a_token_for_the_app_and_caches_it_until_5_minutes_before_its_expiry(
    cloud: Cloud, client: Client, clock: Clock
) -> None:
    app = application(cloud, client)
    first = app.acquire_token_for_client(SCOPES)
    assert first["token_type"] == "Bearer"
    assert first["expires_in"] == 3600
    assert "refresh_token" not in first
    clock.advance(minutes=54, seconds=59)
    assert app.acquire_token_for_client(SCOPES)["access_token"] == first["access_token"]
    clock.advance(seconds=2)
    assert app.acquire_token_for_client(SCOPES)["access_token"] != first["access_token"]
    assert [entry["token"] for entry in cloud.journal.of("token.issued")] == ["entra-1", "entra-2"]


def test_access_token_is_a_signed_v1_token_for_power_bi(cloud: Cloud, client: Client, entra_token: str) -> None:
    tenant = cloud.tenant.tenant_id
    keys = client.get(f"{LOGIN}/{tenant}/discovery/v2.0/keys").json()["keys"]
    assert [(key["kid"], key["use"]) for key in keys] == [(keys[0]["x5t"], "sig")]
    claims = jwt.decode(
        entra_token,
        jwt.PyJWK(keys[0], algorithm="RS256"),
        algorithms=["RS256"],
        audience=POWER_BI,
        issuer=f"https://sts.windows.net/{tenant}/",
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert (claims["tid"], claims["appid"]) == (tenant, cloud.tenant.client_id)
    assert (claims["iat"], claims["exp"]) == (START.timestamp(), START.timestamp() + 3600)


@pytest.mark.usefixtures("python_time")
def test_msal_gets_tokens_for_old_and_new_refresh_tokens(cloud: Cloud, client: Client) -> None:
    app = application(cloud, client)
    result = app.acquire_token_by_refresh_token(cloud.tenant.refresh_token, SCOPES)
    assert result["id_token_claims"]["preferred_username"] == cloud.tenant.user_name
    assert result["scope"] == SCOPES[0]
    [account] = app.get_accounts()
    assert account["home_account_id"] == f"{cloud.tenant.user_id}.{cloud.tenant.tenant_id}"
    assert app.acquire_token_silent(SCOPES, account)["access_token"] == result["access_token"]
    again = app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert again["access_token"] != result["access_token"]
    assert "error" not in app.acquire_token_by_refresh_token(cloud.tenant.refresh_token, SCOPES)


@pytest.mark.usefixtures("python_time")
def test_msal_reports_an_aadsts_error(cloud: Cloud, client: Client) -> None:
    result = application(cloud, client, client_secret="old").acquire_token_for_client(SCOPES)
    assert result["error"] == "invalid_client"
    assert result["error_codes"] == [7000215]
    description = result["error_description"].split("\r\n")
    assert description[0].startswith("AADSTS7000215: Invalid client secret provided.")
    assert [line.split(": ")[0] for line in description[1:]] == ["Trace ID", "Correlation ID", "Timestamp"]
    assert description[3] == "Timestamp: 2027-03-01 09:00:00Z"
    refused = application(cloud, client).acquire_token_by_refresh_token("no such token", SCOPES)
    assert (refused["error"], refused["error_codes"]) == ("invalid_grant", [9002313])


def test_msal_refuses_an_unknown_tenant(cloud: Cloud, client: Client) -> None:
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        application(cloud, client, tenant_id="nobody").acquire_token_for_client(SCOPES)


@pytest.mark.parametrize(
    ("changes", "status", "error", "number"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"client_id": "another"}, 400, "unauthorized_client", 700016),
        ({"scope": f"{POWER_BI}/Report.Read.All"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, "invalid_resource", 500011),
    ],
)
def test_token_request_with_a_wrong_value_is_refused(
    cloud: Cloud, client: Client, changes: dict[str, str], status: int, error: str, number: int
) -> None:
    answer = request_token(cloud, client, **valid_form(cloud, **changes))
    assert (answer["status"], answer["error"], answer["error_codes"]) == (status, error, [number])


@pytest.mark.parametrize(
    ("missing", "status", "number"),
    [("grant_type", 400, 900144), ("client_id", 400, 900144), ("scope", 400, 900144), ("client_secret", 401, 7000218)],
)
def test_token_request_without_a_field_is_refused_with_the_name_of_the_field(
    cloud: Cloud, client: Client, missing: str, status: int, number: int
) -> None:
    form = valid_form(cloud)
    del form[missing]
    answer = request_token(cloud, client, **form)
    assert (answer["status"], answer["error_codes"]) == (status, [number])
    assert missing in answer["error_description"]


def test_page_gets_a_token_for_its_refresh_token_without_a_secret(cloud: Cloud, client: Client) -> None:
    form = {"grant_type": "refresh_token", "client_id": cloud.tenant.client_id}
    scope = f"{POWER_BI}/Report.Read.All"
    answer = request_token(cloud, client, refresh_token=cloud.tenant.refresh_token, scope=scope, **form)
    assert answer.keys() == {
        "status",
        "token_type",
        "scope",
        "expires_in",
        "ext_expires_in",
        "access_token",
        "refresh_token",
    }
    assert answer["scope"] == scope


def test_refresh_token_expires_90_days_after_its_issue(cloud: Cloud, client: Client, clock: Clock) -> None:
    form = {"grant_type": "refresh_token", "client_id": cloud.tenant.client_id, "scope": SCOPES[0]}
    clock.advance(days=89)
    newer = request_token(cloud, client, refresh_token=cloud.tenant.refresh_token, **form)["refresh_token"]
    clock.advance(days=1)
    old = request_token(cloud, client, refresh_token=cloud.tenant.refresh_token, **form)
    assert (old["error"], old["error_codes"]) == ("invalid_grant", [700082])
    assert request_token(cloud, client, refresh_token=newer, **form)["status"] == 200


def test_expires_in_is_never_longer_than_the_remaining_lifetime(cloud: Cloud, client: Client, clock: Clock) -> None:
    clock.advance(seconds=0.25)
    assert request_token(cloud, client, **valid_form(cloud))["expires_in"] == 3599
    [issued] = cloud.journal.of("token.issued")
    assert issued["expires"].isoformat() == "2027-03-01T10:00:00+00:00"


def test_two_tokens_of_the_same_instant_have_different_texts(cloud: Cloud, client: Client) -> None:
    texts = [request_token(cloud, client, **valid_form(cloud))["access_token"] for _ in range(2)]
    assert texts[0] != texts[1]


def test_openid_configuration_names_the_issuer_and_the_endpoints(cloud: Cloud, client: Client) -> None:
    tenant = cloud.tenant.tenant_id
    own = client.get(f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration").json()
    assert own["issuer"] == f"{LOGIN}/{tenant}/v2.0"
    assert own["token_endpoint"] == f"{LOGIN}/{tenant}/oauth2/v2.0/token"
    assert client.get(own["jwks_uri"]).status_code == 200
    common = client.get(f"{LOGIN}/common/v2.0/.well-known/openid-configuration").json()
    assert common["issuer"] == f"{LOGIN}/{{tenantid}}/v2.0"


def test_instance_discovery_knows_the_hosts_of_entra_and_no_others(cloud: Cloud, client: Client) -> None:
    def discover(host: str) -> Any:
        query = {"api-version": "1.1", "authorization_endpoint": f"https://{host}/common/oauth2/v2.0/authorize"}
        return client.get(f"{LOGIN}/common/discovery/instance", params=query).json()

    assert "login.microsoftonline.com" in discover("login.windows.net")["metadata"][0]["aliases"]
    unknown = discover("login.example.com")
    assert (unknown["error"], unknown["error_codes"]) == ("invalid_instance", [50049])


def test_pages_of_every_origin_may_request_tokens_and_read_errors(cloud: Cloud, client: Client) -> None:
    url = f"{LOGIN}/common/oauth2/v2.0/token"
    preflight = client.options(
        url, headers={"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-client-sku"}
    )
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Headers"] == "x-client-sku"
    refused = client.post(url)
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (400, "*")
    assert refused.headers["Date"] == "Mon, 01 Mar 2027 09:00:00 GMT"


def test_unknown_path_is_404_and_wrong_method_is_405(client: Client) -> None:
    assert client.get(f"{LOGIN}/common/oauth2/v2.0/nothing").status_code == 404
    assert client.get(f"{LOGIN}/common/oauth2/v2.0/token").status_code == 405
