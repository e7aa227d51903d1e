"""The gateway: open to the cloud, closed to everything else, and nothing left behind it."""

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cloud_clients import Client

from fake_pbi.cloud import Cloud
from fake_pbi.hosts import CLOUD_HOSTS


class Neighbour(http.server.BaseHTTPRequestHandler):
    """A real host beside the cloud: answers with the request as it came."""

    def do_GET(self) -> None:
        body = f"{self.path} {self.headers.get('Proxy-Connection')} {self.headers['Connection']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def neighbour() -> Iterator[str]:
    """The address of a plain HTTP server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Neighbour) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def door(cloud: Cloud) -> Iterator[socket.socket]:
    """A bare connection to the gateway."""
    with socket.create_connection(("127.0.0.1", urlsplit(cloud.gateway.url).port or 0), timeout=5) as door:
        yield door


def say(door: socket.socket, text: str) -> str:
    """The whole answer to `text`."""
    door.sendall(text.encode())
    return rest(door)


def rest(door: socket.socket) -> str:
    """All that comes until the other side closes."""
    return "".join(iter(lambda: door.recv(4096).decode(), ""))


def refused(cloud: Cloud) -> list[str]:
    return [entry["host"] for entry in cloud.journal.of("host.refused")]


@pytest.mark.parametrize("host", CLOUD_HOSTS)
def test_hosts_of_the_cloud_are_open_on_every_port(cloud: Cloud, client: Client, host: str) -> None:
    assert client.get(f"https://{host}/nothing").status_code == 404
    assert client.get(f"https://{host}:8443/nothing").status_code == 404
    assert refused(cloud) == []


def test_other_hosts_are_refused_and_journalled(cloud: Cloud, client: Client) -> None:
    with pytest.raises(requests.exceptions.ProxyError):
        client.get("https://cdn.example/powerbi.js")
    answer = client.get("http://CDN.example/powerbi.js")
    assert (answer.status_code, answer.text) == (403, "cdn.example is not open to this test.\n")
    assert refused(cloud) == ["cdn.example", "cdn.example"]


def test_a_name_that_exists_nowhere_is_refused_without_a_word(cloud: Cloud, client: Client) -> None:
    assert client.get("http://hold.invalid/").status_code == 403
    assert refused(cloud) == []


@pytest.mark.parametrize("host", ["wabi-west-europe.analysis.windows.net", "login.microsoftonline.us", "powerbi.com"])
def test_microsofts_hosts_are_never_passed_through(cloud: Cloud, client: Client, host: str) -> None:
    cloud.gateway.allowed.append("*")
    with pytest.raises(requests.exceptions.ProxyError):
        client.get(f"https://{host}/")
    assert client.get(f"http://{host}/").status_code == 403
    assert client.get("http://app.powerbi.com/").status_code == 403
    assert refused(cloud) == [host, host, "app.powerbi.com"]


def test_allowed_hosts_are_reached_plainly(cloud: Cloud, client: Client, neighbour: str) -> None:
    assert client.get(f"http://{neighbour}/").status_code == 403
    cloud.gateway.allowed.append("127.0.*")
    answer = client.get(f"http://{neighbour}/a?b=c", headers={"Proxy-Connection": "keep-alive"})
    assert answer.text == "/a?b=c None close"


def test_allowed_hosts_are_reached_by_a_tunnel(cloud: Cloud, door: socket.socket, neighbour: str) -> None:
    cloud.gateway.allowed.append("127.0.0.1")
    door.sendall(f"CONNECT {neighbour} HTTP/1.1\r\n\r\n".encode())
    assert door.recv(100) == b"HTTP/1.1 200 Connection established\r\n\r\n"
    assert say(door, "GET /tunnelled HTTP/1.0\r\n\r\n").endswith("/tunnelled None None")


def test_half_closed_tunnel_still_answers(cloud: Cloud, door: socket.socket, neighbour: str) -> None:
    cloud.gateway.allowed.append("127.0.0.1")
    door.sendall(f"CONNECT {neighbour} HTTP/1.1\r\n\r\n".encode())
    door.recv(100)
    door.sendall(b"GET /half HTTP/1.0\r\n\r\n")
    door.shutdown(socket.SHUT_WR)
    assert rest(door).endswith("/half None None")


def test_allowed_host_that_is_not_there(cloud: Cloud, door: socket.socket) -> None:
    cloud.gateway.allowed.append("127.0.0.1")
    assert say(door, "CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n").startswith("HTTP/1.1 502 ")


@pytest.mark.parametrize("line", ["GET / HTTP/1.1", "nonsense", "CONNECT a:port HTTP/1.1", "CONNECT : HTTP/1.1"])
def test_what_is_no_proxy_request_is_refused(door: socket.socket, line: str) -> None:
    assert say(door, f"{line}\r\n\r\n").startswith("HTTP/1.1 400 ")


def test_clients_may_come_and_go_without_a_word(cloud: Cloud, client: Client, door: socket.socket) -> None:
    door.sendall(b"CONN")
    door.close()
    assert client.get("https://api.powerbi.com/nothing").status_code == 404


def test_cloud_stops_with_connections_open(cloud: Cloud, ca: Path, door: socket.socket) -> None:
    """The `cloud` fixture checks that nothing is left of them."""
    for _ in range(3):
        client = Client(cloud, ca)
        assert client.get("https://api.powerbi.com/nothing", stream=True).status_code == 404
    door.sendall(b"CONNECT api.powerbi.com:443 HTTP/1.1\r\n\r\n")
    assert door.recv(100).startswith(b"HTTP/1.1 200 ")
