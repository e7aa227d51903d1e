"""login.microsoftonline.com: discovery, signing keys and the token endpoint of Entra ID v2.0."""

from urllib.parse import urlsplit

from aiohttp import web

from fake_pbi import errors, signing
from fake_pbi.grants import Grants
from fake_pbi.hosts import LOGIN
from fake_pbi.tenant import Tenant
from fake_pbi.tokens import TokenBook
from harness.base.journal import Now

CONFIGURATION = "/{tenant}/v2.0/.well-known/openid-configuration"
KEYS = "/{tenant}/discovery/v2.0/keys"
TOKEN = "/{tenant}/oauth2/v2.0/token"
AUTHORIZE = "/{tenant}/oauth2/v2.0/authorize"
LOGOUT = "/{tenant}/oauth2/v2.0/logout"
DEVICE_CODE = "/{tenant}/oauth2/v2.0/devicecode"
INSTANCE = "/common/discovery/instance"

SHARED = frozenset({"common", "organizations"})
"""Names in the place of a tenant id that mean the tenant of the user or the app, whichever it is."""

ENTRA_HOSTS = (LOGIN, "login.windows.net", "login.microsoft.com", "sts.windows.net")
"""The host names that instance discovery knows as Entra ID's."""


class Entra:
    """Entra ID for one tenant.

    Source: Entra's OpenID documentation; the source of MSAL Python 1.39 for the fields that clients read.
    """

    def __init__(self, now: Now, tenant: Tenant, tokens: TokenBook) -> None:
        self._tenant = tenant
        self._grants = Grants(now, tenant, tokens)

    def application(self) -> web.Application:
        """Return the web application of login.microsoftonline.com."""
        application = web.Application()
        application.add_routes(
            [
                web.get(INSTANCE, self.instance),
                web.get(CONFIGURATION, self.configuration),
                web.get(KEYS, self.keys),
                web.post(TOKEN, self.token),
            ]
        )
        return application

    async def instance(self, request: web.Request) -> web.Response:
        """Answer whether a host is one of Entra ID's. Raise `UnknownInstance` if it is not.

        MSAL requests this after every error of the token endpoint. If this request fails, MSAL hides that error.
        """
        endpoint = urlsplit(request.query.get("authorization_endpoint", ""))
        if endpoint.hostname not in ENTRA_HOSTS:
            raise errors.UnknownInstance
        tenant = endpoint.path.strip("/").split("/")[0] or "common"
        return web.json_response(
            {
                "tenant_discovery_endpoint": _address(CONFIGURATION, tenant),
                "api-version": "1.1",
                "metadata": [
                    {"preferred_network": LOGIN, "preferred_cache": "login.windows.net", "aliases": list(ENTRA_HOSTS)}
                ],
            }
        )

    async def configuration(self, request: web.Request) -> web.Response:
        """Answer with the addresses and abilities of a tenant. Raise `UnknownTenant` for another tenant."""
        tenant = self._requested_tenant(request)
        return web.json_response(
            {
                "issuer": self._issuer(tenant),
                "authorization_endpoint": _address(AUTHORIZE, tenant),
                "token_endpoint": _address(TOKEN, tenant),
                "device_authorization_endpoint": _address(DEVICE_CODE, tenant),
                "end_session_endpoint": _address(LOGOUT, tenant),
                "jwks_uri": _address(KEYS, tenant),
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "response_modes_supported": ["query", "fragment", "form_post"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": [signing.ALGORITHM],
                "token_endpoint_auth_methods_supported": ["client_secret_post"],
                "tenant_region_scope": None,
                "cloud_instance_name": "microsoftonline.com",
            }
        )

    async def keys(self, request: web.Request) -> web.Response:
        """Answer with the public keys that verify tokens. Raise `UnknownTenant` for another tenant."""
        return web.json_response(signing.jwks(self._issuer(self._requested_tenant(request))))

    async def token(self, request: web.Request) -> web.Response:
        """Answer with a token for the form of the request. Raise an `EntraError` for every reason to refuse it."""
        self._requested_tenant(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        return web.json_response(self._grants.answer(form), headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    def _requested_tenant(self, request: web.Request) -> str:
        """Return the tenant in the path of a request. Raise `UnknownTenant` if it is another one than ours."""
        tenant = request.match_info["tenant"]
        if tenant not in SHARED and tenant.lower() != self._tenant.tenant_id.lower():
            raise errors.UnknownTenant(tenant)
        return tenant

    def _issuer(self, tenant: str) -> str:
        return f"https://{LOGIN}/{'{tenantid}' if tenant in SHARED else tenant}/v2.0"


def _address(path: str, tenant: str) -> str:
    return f"https://{LOGIN}{path.format(tenant=tenant)}"
