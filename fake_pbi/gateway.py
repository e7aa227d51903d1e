"""The one door: a proxy that leads to the fake cloud, and nowhere else unless a host is allowed."""

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
CHUNK = 65536
NOWHERE = ".invalid"
"""The end of names that exist nowhere. Source: RFC 6761."""


class Gateway:
    """An HTTP proxy on loopback. Source: RFC 9110 (CONNECT), RFC 9112 (forms of the request target).

    A tunnel to a host of the cloud ends at the cloud's TLS port. Hosts that match `allowed` (globs; may be appended to
    at any time) are reached for real, over a tunnel or plainly, except Microsoft's: those never. All else is answered
    403 and journalled as `host.refused`; but for what no option could open: names that exist nowhere.
    """

    def __init__(self, journal: Journal, *, allowed: Iterable[str] = ()) -> None:
        self.allowed = list(allowed)
        self._journal = journal
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._cloud: Address = ("127.0.0.1", 0)
        self.url = ""

    async def start(self, tls_port: int) -> None:
        """Open the door; `url` is then its address, to be used as HTTP and HTTPS proxy."""
        self._cloud = ("127.0.0.1", tls_port)
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Close the door and all that goes through it."""
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
        # One that is cancelled before it has begun closes nothing.
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
                _refuse(writer, "400 Bad Request", "This is a proxy: it takes CONNECT and absolute http URLs.")
            elif method == "CONNECT" and host in CLOUD_HOSTS:
                await _pass_on(reader, writer, self._cloud, answer=ESTABLISHED)
            elif not self._is_allowed(host):
                if not host.endswith(NOWHERE):
                    self._journal.write("host.refused", host=host)
                _refuse(writer, "403 Forbidden", f"{host} is not open to this test.")
            elif method == "CONNECT":
                await _pass_on(reader, writer, (host, port or 443), answer=ESTABLISHED)
            else:
                path = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
                await _pass_on(reader, writer, (host, port or 80), head=_origin_head(head, method, path))

    def _is_allowed(self, host: str) -> bool:
        return not is_microsoft(host) and any(fnmatchcase(host, glob.lower()) for glob in self.allowed)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address, *, answer: bytes = b"", head: bytes = b""
) -> None:
    """Join a client with `to`, both ways until both have said their last; `answer` and `head` are said first."""
    try:
        there, back = await asyncio.open_connection(*to)
    except OSError as error:
        _refuse(writer, "502 Bad Gateway", f"{to[0]}:{to[1]} cannot be reached: {error}")
        return
    async with _closing(back):
        writer.write(answer)
        back.write(head)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_pump((reader, writer), back))
                both.create_task(_pump((there, back), writer))
        except* OSError:
            writer.transport.abort()


async def _pump(source: Streams, to: asyncio.StreamWriter) -> None:
    reader, writer = source
    while chunk := await reader.read(CHUNK):
        _acknowledge(writer)
        to.write(chunk)
        await to.drain()
    to.write_eof()


def _acknowledge(writer: asyncio.StreamWriter) -> None:
    """Acknowledge at once what was received, where the system can (Linux); of its own accord it waits for 40 ms.

    urllib3, hence MSAL Python, leaves Nagle's algorithm on towards a proxy: a POST's body waits for its head's
    acknowledgement.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _origin_head(head: bytes, method: str, path: str) -> bytes:
    """A proxy request's head as the host itself expects it; the next request may be for another, so only this one."""
    fields = [line for line in head.split(b"\r\n")[1:-2] if not line.lower().startswith((b"proxy-", b"connection:"))]
    return b"\r\n".join([f"{method} {path} HTTP/1.1".encode("latin-1"), *fields, b"Connection: close"]) + HEAD_END


def _refuse(writer: asyncio.StreamWriter, status: str, reason: str) -> None:
    body = f"{reason}\n".encode()
    said = reason.encode("ascii", "replace").decode().replace('"', "'")  # RFC 9209: who did not pass it on, and why
    fields = (
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f'Proxy-Status: pbi-harness; details="{said}"\r\nConnection: close'
    )
    writer.write(f"HTTP/1.1 {status}\r\n{fields}".encode() + HEAD_END + body)


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Close a connection in the end; that its other side goes away first is an ordinary end, too."""
    try:
        yield
        writer.close()
        await writer.wait_closed()
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.transport.abort()
