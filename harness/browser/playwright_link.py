"""Playwright's connection to the browser, which passes through here because of what Playwright should not hear of.

It asks to be attached to every target, and lets each run that it has no use for. A shared or service worker runs as soon as
anybody lets it: before the clock has given it its timers. And a test that listens for requests wants to hear of the page's own,
not of those that hold its time.

And for a call that no browser has: one that lasts until some work of the harness's is done.
"""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from concurrent.futures import Future
from itertools import count
from typing import Any

import aiohttp
from aiohttp import web

from harness.base.server import Server

HIDDEN = [{"type": kind, "exclude": True} for kind in ("browser", "tab", "shared_worker", "service_worker")]
"""The first two are hidden by default; whoever names any target has to name them, too."""

WAIT = "PbiHarness.wait"
"""The method of that call. Parameter: `until`, what the link has named."""
LONGEST_WAIT = 0.25
"""Real seconds that it lasts at most: what a test's handler raises comes out of the call after that."""


class PlaywrightLink:
    """A websocket server on loopback. Lives on the engine's loop."""

    def __init__(self, hidden_requests: str) -> None:
        """`hidden_requests`: the prefix of the URLs of requests that Playwright is not notified of; empty for none."""
        self._hidden_requests = hidden_requests
        self._endpoint = ""
        self._names = count()
        self._named: dict[int, Future[Any]] = {}
        application = web.Application()
        application.router.add_get("/{path:.*}", self._pass_on)
        self._server = Server(application)

    async def start(self, endpoint: str) -> str:
        """The address for Playwright's `connect_over_cdp` to the browser that listens at `endpoint`."""
        self._endpoint = endpoint
        await self._server.start()
        return f"ws://127.0.0.1:{self._server.port}/{self._endpoint.rpartition('/')[2]}"

    async def close(self) -> None:
        await self._server.stop()

    @contextlib.contextmanager
    def named(self, work: Future[Any]) -> Iterator[int]:
        """Within the block calls can wait for this work, by the name that it is given. (Not on the engine's thread.)"""
        name = next(self._names)
        self._named[name] = work
        try:
            yield name
        finally:
            del self._named[name]

    async def _answer(self, call: dict[str, Any], playwright: web.WebSocketResponse) -> None:
        """Answer a call that waits, when it has waited long enough."""
        if work := self._named.get(call["params"]["until"]):
            loop, done = asyncio.get_running_loop(), asyncio.Event()
            work.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_WAIT):
                    await done.wait()
        await playwright.send_str(json.dumps({"id": call["id"], "sessionId": call["sessionId"], "result": {}}))

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        if not self._endpoint.endswith(request.path):  # the browser's secret is this server's, too
            raise web.HTTPNotFound
        async with aiohttp.ClientSession() as client:
            try:  # before Playwright is answered: a connection that ends as soon as it was made it may take for one that is slow
                browser = await client.ws_connect(self._endpoint, max_msg_size=0)
            except aiohttp.ClientError as error:
                raise web.HTTPBadGateway(text=str(error)) from None
            playwright = web.WebSocketResponse(max_msg_size=0, compress=False)
            await playwright.prepare(request)

            async def upstream() -> None:
                async for message in playwright:
                    if f'"method":"{WAIT}"' in message.data:
                        waiting = asyncio.ensure_future(self._answer(json.loads(message.data), playwright))
                        ways.add(waiting)
                        waiting.add_done_callback(ways.discard)
                    else:
                        await browser.send_str(_without_hidden(message.data))

            async def downstream() -> None:
                async for message in browser:
                    if not self._is_hidden(message.data):
                        await playwright.send_str(message.data)

            ends = [asyncio.ensure_future(upstream()), asyncio.ensure_future(downstream())]
            ways = set(ends)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            await browser.close()
        await playwright.close()
        return playwright

    def _is_hidden(self, message: str) -> bool:
        """Return whether a message announces a hidden request. (Playwright ignores later events of a request it does not know.)"""
        prefix = self._hidden_requests
        if not (prefix and prefix in message and '"Network.requestWillBeSent"' in message):
            return False
        return bool(json.loads(message)["params"]["request"]["url"].startswith(prefix))


def _without_hidden(message: str) -> str:
    if '"Target.setAutoAttach"' not in message:
        return message
    call = json.loads(message)
    call["params"].setdefault("filter", [*HIDDEN, {}])
    return json.dumps(call)
