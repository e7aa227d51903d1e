"""Servers for tests: one for a small web application, one for a page with its files over TLS."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from ssl import SSLContext
from typing import Any

from aiohttp import web

from harness.base.server import Server
from harness.browser.engine import Engine


@contextmanager
def serving(app: web.Application) -> Iterator[int]:
    """Serve `app` in another thread within the block. Yields its port on 127.0.0.1."""
    engine, server = Engine(), Server(app)
    engine.run(server.start())
    try:
        yield server.port
    finally:
        engine.run(server.stop())
        engine.close()


class _Page(SimpleHTTPRequestHandler):
    """Answers with a page, or below `/npm/` with a file of a folder. Each connection is closed after its answer.

    This is not done with asyncio, which leaves TLS connections open when its loop stops (CPython 3.11).
    """

    def __init__(self, *args: Any, page: str, **options: Any) -> None:
        self._page = page.encode()
        super().__init__(*args, **options)

    def do_GET(self) -> None:
        if self.path.startswith("/npm/"):
            self.path = self.path.removeprefix("/npm")
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(self._page)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@contextmanager
def serving_over_tls(page: str, context: SSLContext, packages: Path) -> Iterator[int]:
    """Serve `page` at every path within the block, but below `/npm/` the files of `packages`.

    Yields its port on 127.0.0.1.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Page, page=page, directory=str(packages))) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
