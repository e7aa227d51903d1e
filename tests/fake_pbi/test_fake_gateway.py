"""Tests of the gateway: which hosts it opens and refuses, and that it leaves no connection behind."""

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cloud_client import Client
from support.connections import TURNS, connected, is_open
from support.manual_clock import Clock
from support.own_loop import result_of

from fake_pbi.cloud import Cloud
from fake_pbi.gateway import Gateway
from fake_pbi.hosts import CLOUD_HOSTS
from harness.base.journal import Journal


class EchoHandler(http.server.BaseHTTPRequestHandler):
    """A handler that answers with the path and the connection headers of the request."""

    def do_GET(self) -> None:
        body = f"{self.path} {self.headers.get('Proxy-Connection')} {self.headers['Connection']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def other_server() -> Iterator[str]:
    """Yield the host and port of a plain HTTP server that is not part of the cloud. Module scope."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), EchoHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def connection(cloud: Cloud) -> Iterator[socket.socket]:
    """Yield a TCP connection to the gateway on which nothing has been sent."""
    with socket.create_connection(("127.0.0.1", urlsplit(cloud.gateway.url).port or 0), timeout=5) as connection:
        yield connection


def exchange(connection: socket.socket, text: str) -> str:
    """Send a text and return everything that comes back until the other side closes."""
    connection.sendall(text.encode())
    return read_all(connection)


def read_all(connection: socket.socket) -> str:
    """Return everything that comes until the other side closes."""
    return "".join(iter(lambda: connection.recv(4096).decode(), ""))


def refused_hosts(cloud: Cloud) -> list[str]:
    return [entry["host"] for entry in cloud.journal.of("host.refused")]


@pytest.mark.parametrize("host", CLOUD_HOSTS)
def test_hosts_of_the_cloud_are_open_on_every_port(cloud: Cloud, client: Client, host: str) -> None:
    assert client.get(f"https://{host}/nothing").status_code == 404
    assert client.get(f"https://{host}:8443/nothing").status_code == 404
    assert refused_hosts(cloud) == []


def test_host_that_is_not_allowed_is_refused_and_journalled(cloud: Cloud, client: Client) -> None:
    with pytest.raises(requests.exceptions.ProxyError):
        client.get("https://cdn.example/powerbi.js")
    answer = client.get("http://CDN.example/powerbi.js")
    assert (answer.status_code, answer.text) == (403, "cdn.example is not open to this test.\n")
    assert refused_hosts(cloud) == ["cdn.example", "cdn.example"]


def test_name_under_invalid_is_refused_but_not_journalled(cloud: Cloud, client: Client) -> None:
    assert client.get("http://hold.invalid/").status_code == 403
    assert refused_hosts(cloud) == []


@pytest.mark.parametrize("host", ["wabi-west-europe.analysis.windows.net", "login.microsoftonline.us", "powerbi.com"])
def test_host_of_microsoft_is_refused_even_if_all_hosts_are_allowed(cloud: Cloud, client: Client, host: str) -> None:
    cloud.gateway.allowed.append("*")
    with pytest.raises(requests.exceptions.ProxyError):
        client.get(f"https://{host}/")
    assert client.get(f"http://{host}/").status_code == 403
    assert client.get("http://app.powerbi.com/").status_code == 403
    assert refused_hosts(cloud) == [host, host, "app.powerbi.com"]


def test_allowed_host_is_reached_by_plain_http(cloud: Cloud, client: Client, other_server: str) -> None:
    assert client.get(f"http://{other_server}/").status_code == 403
    cloud.gateway.allowed.append("127.0.*")
    answer = client.get(f"http://{other_server}/a?b=c", headers={"Proxy-Connection": "keep-alive"})
    assert answer.text == "/a?b=c None close"


def test_allowed_host_is_reached_through_a_tunnel(cloud: Cloud, connection: socket.socket, other_server: str) -> None:
    cloud.gateway.allowed.append("127.0.0.1")
    connection.sendall(f"CONNECT {other_server} HTTP/1.1\r\n\r\n".encode())
    assert connection.recv(100) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert exchange(connection, "GET /tunnelled HTTP/1.0\r\n\r\n").endswith("/tunnelled None None")


def test_tunnel_still_answers_after_the_client_has_closed_its_sending_side(
    cloud: Cloud, connection: socket.socket, other_server: str
) -> None:
    cloud.gateway.allowed.append("127.0.0.1")
    connection.sendall(f"CONNECT {other_server} HTTP/1.1\r\n\r\n".encode())
    connection.recv(100)
    connection.sendall(b"GET /half HTTP/1.0\r\n\r\n")
    connection.shutdown(socket.SHUT_WR)
    assert read_all(connection).endswith("/half None None")


def test_allowed_host_that_does_not_listen_is_answered_with_502(cloud: Cloud, connection: socket.socket) -> None:
    cloud.gateway.allowed.append("127.0.0.1")
    assert exchange(connection, "CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 502 ")


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "nonsense", "CONNECT a:port HTTP/1.1", "CONNECT : HTTP/1.1"])
def test_request_that_is_no_proxy_request_is_answered_with_400(connection: socket.socket, line: str) -> None:
    assert exchange(connection, f"{line}\r\n\r\n").startswith("HTTP/1.1 400 ")


def test_client_that_closes_in_the_middle_of_a_request_does_no_harm(
    cloud: Cloud, client: Client, connection: socket.socket
) -> None:
    connection.sendall(b"CONN")
    connection.close()
    assert client.get("https://api.powerbi.com/nothing").status_code == 404


def test_cloud_stops_while_connections_are_open(cloud: Cloud, ca: Path, connection: socket.socket) -> None:
    """The `cloud` fixture fails the test if a connection leaves a task behind."""
    for _ in range(3):
        client = Client(cloud, ca)
        assert client.get("https://api.powerbi.com/nothing", stream=True).status_code == 404
    connection.sendall(b"CONNECT api.powerbi.com:443 HTTP/1.1\r\n\r\n")
    assert connection.recv(100).startswith(b"HTTP/1.1 200 ")


@TURNS
def test_gateway_closes_connections_that_arrive_just_before_it_stops(turns: int, clock: Clock) -> None:
    async def run() -> list[socket.socket]:
        gateway = Gateway(Journal(clock.now))
        await gateway.start(tls_port=0)
        connections = await connected(int(gateway.url.rpartition(":")[2]), turns)
        await gateway.stop()
        return connections

    assert not any(map(is_open, result_of(run())))
