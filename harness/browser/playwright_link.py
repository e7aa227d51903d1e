"""A relay for Playwright's connection to the browser.

The relay hides some workers and requests from Playwright, and answers one call itself.

Playwright asks to be attached to every target, and lets each target run that it does not use. A shared or service
worker would then run before the clock has replaced its timers. So this relay hides those workers from Playwright.

A test that listens for requests expects the requests of the page. The clock sends requests of its own, to pause virtual
time. So this relay hides those requests from Playwright.

The call `PbiHarness.wait` returns when some work of the harness is done. No browser has such a call, so this relay
answers it.
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

TARGET_FILTER = [
    *({"type": kind, "exclude": True} for kind in ("browser", "tab", "shared_worker", "service_worker")),
    {},
]
"""The targets that Playwright is attached to.

A filter replaces the browser's default, which excludes `browser` and `tab`.
"""

WAIT_METHOD = "PbiHarness.wait"
"""The method of the call that waits. The call's parameter `until` is a name that `PlaywrightLink.named` has given."""
WAIT_CALL_LIMIT_S = 0.25
"""Real seconds after which the call that waits returns in any case.

An error that a test's handler raises is seen only then.
"""


class PlaywrightLink:
    """A relay between Playwright and the browser: a websocket server on loopback, on the engine's loop."""

    def __init__(self, hidden_requests: str) -> None:
        """Hide from Playwright the requests whose URL starts with `hidden_requests`. An empty string hides none."""
        self._hidden_requests = hidden_requests
        self._endpoint = ""
        self._names = count()
        self._named: dict[int, Future[Any]] = {}
        application = web.Application()
        application.router.add_get("/{path:.*}", self._relay)
        self._server = Server(application)

    async def start(self, endpoint: str) -> str:
        """Start the relay to the browser whose websocket has the URL `endpoint`.

        Returns the URL of the relay, for Playwright's `connect_over_cdp`.
        """
        self._endpoint = endpoint
        await self._server.start()
        return f"ws://127.0.0.1:{self._server.port}/{self._endpoint.rpartition('/')[2]}"

    async def close(self) -> None:
        """Close every connection and stop the server."""
        await self._server.stop()

    @contextlib.contextmanager
    def named(self, work: Future[Any]) -> Iterator[int]:
        """Give `work` a name, by which calls can wait for it within the block. Not for the engine's thread."""
        name = next(self._names)
        self._named[name] = work
        try:
            yield name
        finally:
            del self._named[name]

    async def _answer_wait(self, call: dict[str, Any], playwright: web.WebSocketResponse) -> None:
        """Answer the call that waits, once its work is done or `WAIT_CALL_LIMIT_S` have passed."""
        if work := self._named.get(call["params"]["until"]):
            loop, done = asyncio.get_running_loop(), asyncio.Event()
            work.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WAIT_CALL_LIMIT_S):
                    await done.wait()
        await playwright.send_str(json.dumps({"id": call["id"], "sessionId": call["sessionId"], "result": {}}))

    async def _relay(self, request: web.Request) -> web.StreamResponse:
        if not self._endpoint.endswith(request.path):  # the browser's address is secret, so the relay's is the same
            raise web.HTTPNotFound
        async with aiohttp.ClientSession() as client:
            # Connect to the browser before Playwright gets its answer. Playwright can take a connection that ends right
            # after it was made for one that is slow.
            try:
                browser = await client.ws_connect(self._endpoint, max_msg_size=0)
            except aiohttp.ClientError as error:
                raise web.HTTPBadGateway(text=str(error)) from None
            playwright = web.WebSocketResponse(max_msg_size=0, compress=False)
            await playwright.prepare(request)

            async def to_browser() -> None:
                async for message in playwright:
                    if f'"method":"{WAIT_METHOD}"' in message.data:
                        waiting = asyncio.ensure_future(self._answer_wait(json.loads(message.data), playwright))
                        tasks.add(waiting)
                        waiting.add_done_callback(tasks.discard)
                    else:
                        await browser.send_str(_with_target_filter(message.data))

            async def to_playwright() -> None:
                async for message in browser:
                    if not self._is_hidden(message.data):
                        await playwright.send_str(message.data)

            directions = [asyncio.ensure_future(to_browser()), asyncio.ensure_future(to_playwright())]
            tasks = set(directions)
            await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await browser.close()
        await playwright.close()
        return playwright

    def _is_hidden(self, message: str) -> bool:
        """Return whether a message announces a hidden request.

        Playwright ignores later events of a request it does not know.
        """
        prefix = self._hidden_requests
        if not (prefix and prefix in message and '"Network.requestWillBeSent"' in message):
            return False
        return bool(json.loads(message)["params"]["request"]["url"].startswith(prefix))


def _with_target_filter(message: str) -> str:
    """Return a message of Playwright's, with `TARGET_FILTER` if it asks the browser to attach to targets."""
    if '"Target.setAutoAttach"' not in message:
        return message
    call = json.loads(message)
    call["params"].setdefault("filter", TARGET_FILTER)
    return json.dumps(call)
