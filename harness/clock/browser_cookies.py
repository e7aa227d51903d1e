"""The browser's own list of a browser context's cookies.

The browser applies all of its checks before it puts a cookie into this list: domain, path, partition, SameSite, third
parties.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from harness.browser.launch import IsolatedPage

Cookie = dict[str, Any]
"""A cookie as DevTools describes it. `expires` is real time, in seconds since 1970."""


class CookieKey(NamedTuple):
    """The properties that distinguish the cookies of a browser context."""

    name: str
    domain: str
    path: str
    partition_site: str
    """The top-level site of the cookie's partition; empty for a cookie without a partition."""
    has_cross_site_ancestor: bool


def key_of(cookie: Cookie) -> CookieKey:
    """Return the properties that distinguish a cookie from the others of its browser context."""
    partition = cookie.get("partitionKey", {"topLevelSite": "", "hasCrossSiteAncestor": False})
    return CookieKey(
        cookie["name"],
        cookie["domain"],
        cookie["path"],
        partition["topLevelSite"],
        partition["hasCrossSiteAncestor"],
    )


class BrowserCookies:
    """The browser's list of the cookies of one browser context, to read and to change."""

    def __init__(self, page: IsolatedPage) -> None:
        self._page, self._context_id = page.session, page.context_id

    async def read(self) -> list[Cookie]:
        """Return the cookies that the browser has."""
        browser = self._page.devtools.browser
        return list((await browser.call("Storage.getCookies", browserContextId=self._context_id))["cookies"])

    async def set(self, cookies: Sequence[Cookie]) -> None:
        """Set cookies."""
        browser = self._page.devtools.browser
        await browser.call("Storage.setCookies", browserContextId=self._context_id, cookies=[*cookies])

    async def delete(self, cookie: Cookie) -> None:
        """Delete a cookie; the cookieStore of the page raises its `change` event."""
        key = key_of(cookie)
        partition = {"partitionKey": cookie["partitionKey"]} if key.partition_site else {}
        await self._page.call("Network.deleteCookies", name=key.name, domain=key.domain, path=key.path, **partition)
