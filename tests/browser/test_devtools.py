"""The DevTools connection, to a server that takes the place of a browser and never answers."""

import asyncio

import pytest
from aiohttp import web
from support.own_loop import result_of
from support.serving import serving

from harness.browser.devtools import DevTools, DevToolsSession, or_gone
from harness.browser.errors import DevToolsError


async def silent(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


def test_pending_call_to_a_worker_fails_when_the_worker_ends() -> None:
    """The browser does not answer the calls that are pending when a worker ends."""
    application = web.Application()
    application.router.add_get("/", silent)

    async def run() -> tuple[object, bool]:
        devtools = await DevTools.connect(f"http://127.0.0.1:{port}/")
        try:
            worker, other = DevToolsSession(devtools, "worker"), DevToolsSession(devtools, "other")
            pending, pending_other = worker.evaluate("0"), other.evaluate("0")
            devtools.forget("worker")
            with pytest.raises(DevToolsError):
                await asyncio.wait_for(pending, 5)
            return await or_gone(pending), pending_other.done()
        finally:
            await devtools.close()

    with serving(application) as port:
        assert result_of(run()) == (None, False)
