"""The gateway: a proxy that leads Power BI's host names to the fake cloud, and refuses hosts that are not allowed."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from fake_pbi.hosts import CLOUD_HOSTS, is_microsoft
from harness.base.journal import Journal
from harness.base.server import stop_accepting

Address = tuple[str, int]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
HEAD_END = b"\r\n\r\n"
CHUNK_BYTES = 65536
RESERVED_DOMAIN = ".invalid"
"""The top-level domain whose names never exist. Source: RFC 6761."""


class Gateway:
    """An HTTP proxy on loopback.

    - A tunnel to a host of the cloud ends at the cloud's TLS port.
    - A host that matches one of the globs in `allowed` is really reached, through a tunnel or by plain HTTP. Globs may
      be appended at any time.
    - Hosts of Power BI and Entra ID are never really reached, whatever `allowed` says.
    - Every other host is refused with status 403 and journalled as `host.refused`. Names under `.invalid` are refused
      but not journalled, because no setting could open them.

    Source: RFC 9110 (CONNECT), RFC 9112 (forms of the request target).
    """

    def __init__(self, journal: Journal, *, allowed: Iterable[str] = ()) -> None:
        self.allowed = list(allowed)
        self._journal = journal
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._cloud: Address = ("127.0.0.1", 0)
        self.url = ""

    async def start(self, tls_port: int) -> None:
        """Listen on loopback. Then `url` is the address for clients to use as their HTTP and HTTPS proxy.

        `tls_port` is the port of the cloud on loopback.
        """
        self._cloud = ("127.0.0.1", tls_port)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Stop listening and close every connection and tunnel."""
        if self._server:
            await stop_accepting(self._server.sockets)
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server:
            await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        # A task that is cancelled before its first step runs no `finally`, so the socket is closed here.
        connection.add_done_callback(lambda _: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with _closing(writer):
            head = await reader.readuntil(HEAD_END)
            try:
                method, target, _ = head.decode("latin-1").split("\r\n", 1)[0].split(" ")
                url = urlsplit(f"//{target}" if method == "CONNECT" else target)
                host, port = url.hostname, url.port
            except ValueError:
                host = None
            if not host or (method != "CONNECT" and url.scheme != "http"):
                _refuse(writer, "400 Bad Request", "This is a proxy; send CONNECT or an absolute http URL.")
            elif method == "CONNECT" and host in CLOUD_HOSTS:
                await _relay(reader, writer, self._cloud, answer=ESTABLISHED)
            elif not self._is_allowed(host):
                if not host.endswith(RESERVED_DOMAIN):
                    self._journal.write("host.refused", host=host)
                _refuse(writer, "403 Forbidden", f"{host} is not open to this test.")
            elif method == "CONNECT":
                await _relay(reader, writer, (host, port or 443), answer=ESTABLISHED)
            else:
                path = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
                await _relay(reader, writer, (host, port or 80), head=_origin_head(head, method, path))

    def _is_allowed(self, host: str) -> bool:
        return not is_microsoft(host) and any(fnmatchcase(host, glob.lower()) for glob in self.allowed)


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address, *, answer: bytes = b"", head: bytes = b""
) -> None:
    """Connect a client with the server at `to`, and copy bytes in both directions until both sides have ended.

    The client first receives `answer`, the server first receives `head`.
    """
    try:
        server_reader, server_writer = await asyncio.open_connection(*to)
    except OSError as error:
        _refuse(writer, "502 Bad Gateway", f"{to[0]}:{to[1]} cannot be reached: {error}")
        return
    async with _closing(server_writer):
        writer.write(answer)
        server_writer.write(head)
        try:
            async with asyncio.TaskGroup() as directions:
                directions.create_task(_copy((reader, writer), server_writer))
                directions.create_task(_copy((server_reader, server_writer), writer))
        except* OSError:
            writer.transport.abort()


async def _copy(source: Streams, to: asyncio.StreamWriter) -> None:
    reader, writer = source
    while chunk := await reader.read(CHUNK_BYTES):
        _acknowledge(writer)
        to.write(chunk)
        await to.drain()
    to.write_eof()


def _acknowledge(writer: asyncio.StreamWriter) -> None:
    """Acknowledge received bytes at once, where the system can do so (Linux). By default it waits for 40 ms.

    urllib3, and so MSAL Python, leaves Nagle's algorithm on for a proxy. The body of its POST would wait until the
    system has acknowledged the headers.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _origin_head(head: bytes, method: str, path: str) -> bytes:
    """Return the head of a proxy request in the form that the host itself expects.

    "Connection: close" ends the connection after this request, because the client's next one may be for another host.
    """
    fields = [line for line in head.split(b"\r\n")[1:-2] if not line.lower().startswith((b"proxy-", b"connection:"))]
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode("latin-1"), *fields, b"Connection: close"]) + HEAD_END


def _refuse(writer: asyncio.StreamWriter, status: str, reason: str) -> None:
    body = f"{reason}\n".encode()
    details = reason.encode("ascii", "replace").decode().replace('"', "'")
    # Proxy-Status names the proxy that refused the request, and its reason. Source: RFC 9209.
    fields = (
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f'Proxy-Status: pbi-harness; details="{details}"\r\nConnection: close'
    )
    writer.write(f"HTTP/1.1 {status}\r\n{fields}".encode() + HEAD_END + body)


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close a connection at the end of the block. Ignore that the other side has closed it first."""
    try:
        yield
        writer.close()
        await writer.wait_closed()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.transport.abort()
