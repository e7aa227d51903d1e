"""The host names of the cloud: those that the fake plays, and those that must never be reached for real."""

from fnmatch import fnmatchcase

APP = "app.powerbi.com"
API = "api.powerbi.com"
LOGIN = "login.microsoftonline.com"
CLUSTER = "wabi-emulated-redirect.analysis.windows.net"

PLUMBING = "/_fake/"
"""Part of the paths of requests by which the fake's own frames talk to it; the real service has no such path."""

CLOUD_HOSTS = (APP, API, LOGIN, CLUSTER)

# A test that reached one of these would spend real tokens, or pass because of the real service.
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


def is_microsoft(host: str) -> bool:
    """Whether `host` is one of Power BI's or Entra ID's, of any sovereign cloud. Source: the samples' CloudConfigs."""
    return any(fnmatchcase(host.lower(), glob) for glob in _MICROSOFT)
