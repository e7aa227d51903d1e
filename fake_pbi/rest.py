"""api.powerbi.com: workspaces, items with their embed URLs, and GenerateToken."""

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from fake_pbi import generate_token
from fake_pbi.bodies import json_object
from fake_pbi.errors import NotAuthorized, TokenExpired
from fake_pbi.hosts import APP, CLUSTER
from fake_pbi.tenant import Tenant
from fake_pbi.tokens import Token, TokenBook, utc_text

ROOT = "/v1.0/myorg"
GROUP = f"{ROOT}/groups/{{group}}"
OWNERS = (ROOT, GROUP)
"""The paths under which items are found: "My workspace", and a named workspace."""

METADATA = f"http://{CLUSTER}/v1.0/myorg/$metadata"
TOKEN_CONTEXT = f"{METADATA}#Microsoft.PowerBI.ServiceContracts.Api.V1.GenerateTokenResponse"

CLUSTER_CONFIG = base64.b64encode(
    json.dumps({"clusterUrl": f"https://{CLUSTER}", "embedFeatures": {"modernEmbed": True}}).encode()
).decode()

JsonObject = dict[str, Any]


class Rest:
    """The part of Power BI's REST API that embedding needs.

    Every item id exists. A request is refused with 401 if its bearer token is missing or unusable, with 403 if the
    token has expired.

    Source: the swagger file of PowerBI-CSharp.
    """

    def __init__(self, tenant: Tenant, tokens: TokenBook) -> None:
        self._tenant = tenant
        self._tokens = tokens

    def application(self) -> web.Application:
        """Return the web application of api.powerbi.com."""
        application = web.Application()
        application.on_response_prepare.append(_add_request_id)
        routes = [
            web.get(f"{ROOT}/groups", self.groups),
            web.post(f"{ROOT}/RefreshUserPermissions", self.refresh_user_permissions),
            web.post(f"{ROOT}/GenerateToken", self._generate(generate_token.check_v2)),
            web.post(f"{GROUP}/reports/GenerateToken", self._generate(generate_token.check_create)),
        ]
        for item in (
            "/reports/{report}",
            "/datasets/{dataset}",
            "/dashboards/{dashboard}",
            "/dashboards/{dashboard}/tiles/{tile}",
        ):
            routes.append(web.post(f"{GROUP}{item}/GenerateToken", self._generate(generate_token.check_v1)))
        for owner in OWNERS:
            routes += [
                web.get(f"{owner}/reports", self.reports),
                web.get(f"{owner}/reports/{{report}}", self.report),
                web.get(f"{owner}/dashboards", self.dashboards),
                web.get(f"{owner}/dashboards/{{dashboard}}", self.dashboard),
                web.get(f"{owner}/dashboards/{{dashboard}}/tiles", self.tiles),
                web.get(f"{owner}/dashboards/{{dashboard}}/tiles/{{tile}}", self.tile),
            ]
        application.add_routes(routes)
        return application

    async def groups(self, request: web.Request) -> web.Response:
        """Answer with the tenant's workspace."""
        self._caller(request)
        workspace = {"id": self._tenant.workspace_id, "name": "Contoso", "isReadOnly": False}
        return _list("groups", workspace | {"isOnDedicatedCapacity": True})

    async def refresh_user_permissions(self, request: web.Request) -> web.Response:
        """Answer with status 200 and no body: the fake has no permissions."""
        self._caller(request)
        return web.Response()

    async def reports(self, request: web.Request) -> web.Response:
        """Answer with a list of the tenant's report."""
        self._caller(request)
        return _list("reports", self._report(self._tenant.report_id, request))

    async def report(self, request: web.Request) -> web.Response:
        """Answer with the report of the id in the path."""
        self._caller(request)
        return _one("reports", self._report(request.match_info["report"], request))

    async def dashboards(self, request: web.Request) -> web.Response:
        """Answer with a list of the tenant's dashboard."""
        self._caller(request)
        return _list("dashboards", self._dashboard(self._tenant.dashboard_id, request))

    async def dashboard(self, request: web.Request) -> web.Response:
        """Answer with the dashboard of the id in the path."""
        self._caller(request)
        return _one("dashboards", self._dashboard(request.match_info["dashboard"], request))

    async def tiles(self, request: web.Request) -> web.Response:
        """Answer with a list of the tenant's tile."""
        self._caller(request)
        return _list("tiles", self._tile(self._tenant.tile_id, request))

    async def tile(self, request: web.Request) -> web.Response:
        """Answer with the tile of the id in the path."""
        self._caller(request)
        return _one("tiles", self._tile(request.match_info["tile"], request))

    def _generate(self, check: Callable[[JsonObject], None]) -> Callable[[web.Request], Any]:
        """Return a handler that answers with a new embed token, if `check` accepts the body of the request."""

        async def generate(request: web.Request) -> web.Response:
            caller = self._caller(request)
            body = await json_object(request)
            check(body)
            token = self._tokens.issue_embed(caller, generate_token.max_lifetime(body))
            return web.json_response(
                {
                    "@odata.context": TOKEN_CONTEXT,
                    "token": token.text,
                    "tokenId": str(uuid.uuid4()),
                    "expiration": utc_text(token.expires),
                }
            )

        return generate

    def _caller(self, request: web.Request) -> Token:
        """Return the valid Entra token of a request.

        Raises `TokenExpired` if it has expired, `NotAuthorized` if there is none.
        """
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        token = self._tokens.find(text.strip())
        if scheme.lower() != "bearer" or token is None or token.type != "entra":
            raise NotAuthorized
        if self._tokens.state(token.text) == "expired":
            raise TokenExpired
        return token

    def _report(self, report: str, request: web.Request) -> JsonObject:
        return {
            "id": report,
            "reportType": "PowerBIReport",
            "name": "Sales",
            "webUrl": f"https://{APP}/groups/{request.match_info.get('group', 'me')}/reports/{report}",
            "embedUrl": _embed_url("reportEmbed", request, reportId=report),
            "isOwnedByMe": True,
            "datasetId": self._tenant.dataset_id,
            "users": [],
            "subscriptions": [],
        }

    def _dashboard(self, dashboard: str, request: web.Request) -> JsonObject:
        return {
            "id": dashboard,
            "displayName": "Sales overview",
            "isReadOnly": False,
            "webUrl": f"https://{APP}/groups/{request.match_info.get('group', 'me')}/dashboards/{dashboard}",
            "embedUrl": _embed_url("dashboardEmbed", request, dashboardId=dashboard),
            "users": [],
            "subscriptions": [],
        }

    def _tile(self, tile: str, request: web.Request) -> JsonObject:
        dashboard = request.match_info["dashboard"]
        return {
            "id": tile,
            "title": "Sales by region",
            "embedUrl": _embed_url("embed", request, dashboardId=dashboard, tileId=tile),
            "rowSpan": 0,
            "colSpan": 0,
            "reportId": self._tenant.report_id,
            "datasetId": self._tenant.dataset_id,
        }


def _embed_url(path: str, request: web.Request, **ids: str) -> str:
    """Return the embed URL of an item as the real service writes it.

    Source: the samples of learn.microsoft.com; its questions/161465 for `w` and `config`.
    """
    if "group" in request.match_info:
        ids["groupId"] = request.match_info["group"]
    return f"https://{APP}/{path}?{urlencode(ids | {'w': '2', 'config': CLUSTER_CONFIG})}"


def _one(kind: str, item: JsonObject) -> web.Response:
    return web.json_response({"@odata.context": f"{METADATA}#{kind}/$entity", **item})


def _list(kind: str, *items: JsonObject) -> web.Response:
    return web.json_response({"@odata.context": f"{METADATA}#{kind}", "value": items})


async def _add_request_id(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["RequestId"] = str(uuid.uuid4())
