"""A web server on loopback that leaves no connection open when it stops."""

import asyncio
import socket
from collections.abc import Iterable
from ssl import SSLContext

from aiohttp import web


class Server:
    """A web server for one aiohttp application, on loopback. Call its methods on one event loop."""

    def __init__(self, application: web.Application, *, shutdown_timeout_s: float = 0.1) -> None:
        """Prepare a server; `start` makes it listen.

        `shutdown_timeout_s` is the longest time in real seconds that `stop` waits for pending requests.
        """
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=shutdown_timeout_s)
        self._socket: socket.socket | None = None
        self.port = 0

    async def start(self, port: int = 0, ssl_context: SSLContext | None = None) -> None:
        """Listen on a port, over TLS if a context is given; port 0 means any free port. Then `port` is the real port.

        Raises `OverflowError` for a number that is no port, `OSError` if the port cannot be used.
        """
        if not 0 <= port <= 65535:  # socket.create_server would leave its socket open (CPython 3.11)
            raise OverflowError("a port is a number from 0 to 65535")
        self._socket = socket.create_server(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket, ssl_context=ssl_context).start()

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._socket:
            await stop_accepting([self._socket])
        await self._runner.cleanup()


async def stop_accepting(listening: Iterable[socket.socket]) -> None:
    """Accept no more connections on these sockets of the running loop. Call this before the server is closed.

    asyncio accepts a connection before the server knows of it. A server that closes in between leaves that connection
    open forever. Source: asyncio (CPython 3.11).
    """
    loop = asyncio.get_running_loop()
    for listener in listening:
        loop.remove_reader(listener)
    await asyncio.sleep(0)  # in this turn of the loop an accepted connection gets its transport
    await asyncio.sleep(0)  # in this turn the server learns of the connection
