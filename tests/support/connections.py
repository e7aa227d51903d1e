"""Connections to a server on loopback that is about to stop."""

import asyncio
import contextlib
import socket

import pytest

TURNS = pytest.mark.parametrize("turns", range(4))
"""Turns of the event loop between a client's connection and the end of the server."""


def is_open(connection: socket.socket) -> bool:
    """Return whether the server has not closed a connection, and close the connection."""
    with connection, contextlib.suppress(ConnectionResetError):
        try:
            return connection.recv(1) != b""
        except TimeoutError:
            return True
    return False


async def connected(port: int, turns: int) -> list[socket.socket]:
    """Open three connections to a port, and then give way to the event loop `turns` times."""
    connections = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3)]
    for _ in range(turns):
        await asyncio.sleep(0)
    return connections
