"""Tests of the end of servers on loopback: no connection and no socket stays open."""

import asyncio
import contextlib
import gc
import socket
import warnings

import pytest
from aiohttp import web
from support.manual_clock import Clock
from support.own_loop import result_of

from fake_pbi.gateway import Gateway
from harness.base.journal import Journal
from harness.base.server import Server

TURNS = pytest.mark.parametrize("turns", range(4))
"""Turns of the event loop between a client's connection and the end of the server."""


def is_open(connection: socket.socket) -> bool:
    with connection, contextlib.suppress(ConnectionResetError):
        try:
            return connection.recv(1) != b""
        except TimeoutError:
            return True
    return False


async def connected(port: int, turns: int) -> list[socket.socket]:
    connections = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(3)]
    for _ in range(turns):
        await asyncio.sleep(0)
    return connections


@TURNS
def test_server_closes_connections_that_arrive_just_before_it_stops(turns: int) -> None:
    async def run() -> list[socket.socket]:
        server = Server(web.Application())
        await server.start()
        connections = await connected(server.port, turns)
        await server.stop()
        return connections

    assert not any(map(is_open, result_of(run())))


@TURNS
def test_gateway_closes_connections_that_arrive_just_before_it_stops(turns: int, clock: Clock) -> None:
    async def run() -> list[socket.socket]:
        gateway = Gateway(Journal(clock.now))
        await gateway.start(tls_port=0)
        connections = await connected(int(gateway.url.rpartition(":")[2]), turns)
        await gateway.stop()
        return connections

    assert not any(map(is_open, result_of(run())))


@pytest.mark.parametrize("port", [-1, 65536])
def test_number_that_is_no_port_leaves_no_socket_open(port: int) -> None:
    gc.collect()  # so that sockets of other tests are not counted here

    with warnings.catch_warnings(record=True) as unclosed:
        warnings.simplefilter("always", ResourceWarning)
        with pytest.raises(OverflowError, match="65535"):
            result_of(Server(web.Application()).start(port))
        gc.collect()

    assert not unclosed
