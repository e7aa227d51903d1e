"""The end of a server on loopback: no connection and no socket stays open."""

import gc
import socket
import warnings

import pytest
from aiohttp import web
from support.connections import TURNS, connected, is_open
from support.own_loop import result_of

from harness.base.server import Server


@TURNS
def test_server_closes_connections_that_arrive_just_before_it_stops(turns: int) -> None:
    async def run() -> list[socket.socket]:
        server = Server(web.Application())
        await server.start()
        connections = await connected(server.port, turns)
        await server.stop()
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
