"""Playwright's connection to the browser, which passes through here because of what Playwright should not hear of.

It asks to be attached to every target, and lets each run that it has no use for. A shared or service worker runs as soon as
anybody lets it: before the clock has given it its timers. And a test that listens for requests wants to hear of the page's own,
not of those that hold its time.
"""

import asyncio
import json

import aiohttp
from aiohttp import web

from harness.waits import HOLD_URL

HIDDEN = [{"type": kind, "exclude": True} for kind in ("browser", "tab", "shared_worker", "service_worker")]
"""The first two are hidden by default; whoever names any target has to name them, too."""


class PlaywrightLink:
    """A websocket server on loopback. Lives on the engine's loop."""

    def __init__(self) -> None:
        self._endpoint = ""
        application = web.Application()
        application.router.add_get("/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)

    async def start(self, endpoint: str) -> str:
        """The address for Playwright's `connect_over_cdp` to the browser that listens at `endpoint`."""
        self._endpoint = endpoint
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"ws://127.0.0.1:{self._runner.addresses[0][1]}/{self._endpoint.rpartition('/')[2]}"

    async def close(self) -> None:
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if not self._endpoint.endswith(request.path):  # the browser's secret is this server's, too
            raise web.HTTPNotFound
        playwright = web.WebSocketResponse(max_msg_size=0, compress=False)
        await playwright.prepare(request)
        async with aiohttp.ClientSession() as client, client.ws_connect(self._endpoint, max_msg_size=0) as browser:

            async def upstream() -> None:
                async for message in playwright:
                    await browser.send_str(_without_hidden(message.data))

            async def downstream() -> None:
                async for message in browser:
                    if not _is_of_a_hold(message.data):
                        await playwright.send_str(message.data)

            ways = [asyncio.ensure_future(upstream()), asyncio.ensure_future(downstream())]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        await playwright.close()
        return playwright


def _without_hidden(message: str) -> str:
    if '"Target.setAutoAttach"' not in message:
        return message
    call = json.loads(message)
    call["params"].setdefault("filter", [*HIDDEN, {}])
    return json.dumps(call)


def _is_of_a_hold(message: str) -> bool:
    """Whether it tells of such a request. (To what comes of a request that it has not heard of, Playwright pays no heed.)"""
    if not (HOLD_URL in message and '"Network.requestWillBeSent"' in message):
        return False
    return bool(json.loads(message)["params"]["request"]["url"].startswith(HOLD_URL))
