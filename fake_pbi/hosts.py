"""The host names that the fake cloud answers for, and the real hosts of Microsoft that must never be reached."""

from fnmatch import fnmatchcase

APP = "app.powerbi.com"
API = "api.powerbi.com"
LOGIN = "login.microsoftonline.com"
CLUSTER = "wabi-emulated-redirect.analysis.windows.net"

FAKE_PATH = "/_fake/"
"""The beginning of the paths to which the fake's own frames report. The real service has no such paths."""

CLOUD_HOSTS = (APP, API, LOGIN, CLUSTER)

# A test that really reached one of these hosts could spend real tokens, or pass because of the real service.
_MICROSOFT = (
    "powerbi.com",
    "*.powerbi.com",
    "*.powerbi.cn",
    "*.powerbigov.us",
    "*.fabric.microsoft.com",
    "analysis.windows.net",
    "*.analysis.windows.net",
    "*.analysis.usgovcloudapi.net",
    "*.analysis.chinacloudapi.cn",
    "*.pbidedicated.windows.net",
    "login.microsoftonline.com",
    "*.login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.microsoft.com",
    "login.windows.net",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
    "sts.windows.net",
)

FRAME_TYPES = {"/reportEmbed": "report", "/dashboardEmbed": "dashboard", "/embed": "tile", "/tileEmbed": "tile"}
"""Path of a frame -> type of its item. The REST API's embed URL of a tile has the path /embed. The SDK uses
/tileEmbed where the page passes no embed URL."""


def is_microsoft(host: str) -> bool:
    """Return whether a host belongs to Power BI or Entra ID, in any national cloud.

    Source: the CloudConfigs of Microsoft's samples.
    """
    return any(fnmatchcase(host.lower(), glob) for glob in _MICROSOFT)
