"""The websocket to the browser, with one that says nothing at its other end."""

import asyncio

import pytest
from aiohttp import web
from own_loop import result_of
from serving import serving

from harness.browser.devtools import DevTools, DevToolsSession, or_gone
from harness.browser.errors import DevToolsError


async def silent(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


def test_what_a_worker_was_asked_ends_with_it() -> None:
    """The browser does not say so."""
    application = web.Application()
    application.router.add_get("/", silent)

    async def run() -> tuple[object, bool]:
        devtools = await DevTools.connect(f"http://127.0.0.1:{port}/")
        try:
            worker, other = DevToolsSession(devtools, "worker"), DevToolsSession(devtools, "other")
            asked, asked_other = worker.evaluate("0"), other.evaluate("0")
            devtools.forget("worker")
            with pytest.raises(DevToolsError):
                await asyncio.wait_for(asked, 5)
            return await or_gone(asked), asked_other.done()
        finally:
            await devtools.close()

    with serving(application) as port:
        assert result_of(run()) == (None, False)
