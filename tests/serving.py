"""Serves a small web application for as long as tests need it."""

from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLContext

from aiohttp import web

from fake_pbi.server import Server
from harness.engine import Engine


@contextmanager
def serving(app: web.Application, ssl_context: SSLContext | None = None) -> Iterator[int]:
    """The port of 127.0.0.1 at which it is served, by a thread of its own."""
    engine, server = Engine(), Server(app)
    engine.run(server.start(ssl_context=ssl_context))
    try:
        yield server.port
    finally:
        engine.run(server.stop())
        engine.close()
