"""Serves on loopback, and stops so that no connection is left open."""

import asyncio
import socket
from collections.abc import Iterable
from ssl import SSLContext

from aiohttp import web


class Server:
    """An application that is served on loopback. Lives on the loop on which it is started."""

    def __init__(self, application: web.Application, *, patience: float = 0.1) -> None:
        """`patience`: how long requests under way may take to end once it stops, in real seconds."""
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=patience)
        self._socket: socket.socket | None = None
        self.port = 0

    async def start(self, port: int = 0, ssl_context: SSLContext | None = None) -> None:
        """Listen on this port (0: any that is free); `port` then says which. Raises `OSError` or `OverflowError` where it cannot."""
        if not 0 <= port <= 65535:  # create_server would leave its socket open (CPython 3.11)
            raise OverflowError("a port is a number from 0 to 65535")
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, ssl_context=ssl_context).start()

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        if self._socket:
            await accept_no_more([self._socket])
        await self._runner.cleanup()


async def accept_no_more(listening: Iterable[socket.socket]) -> None:
    """What comes before a server's end: a connection that was accepted, but of which its server has not heard when it closes, stays
    open for ever. Source: asyncio (CPython 3.11)."""
    loop = asyncio.get_running_loop()
    for listener in listening:
        loop.remove_reader(listener)
    await asyncio.sleep(0)  # it gets its transport,
    await asyncio.sleep(0)  # and its server hears of it
