"""The clock of the fake cloud under test, and a client that connects through its gateway."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from fake_pbi.cloud import Cloud

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


class Clock:
    """Service time, which moves only when the test says so. `follow` is called with each new time."""

    def __init__(self) -> None:
        self.time = START
        self.follow: Callable[[datetime], object] = lambda _: None

    def now(self) -> datetime:
        """Return service time."""
        return self.time

    def advance(self, **length: float) -> None:
        """Move service time forward. `length` has the arguments of `timedelta`."""
        self.time += timedelta(**length)
        self.follow(self.time)


class Client(requests.Session):
    """An HTTP client that uses the real host names of Power BI and connects through the gateway."""

    def __init__(self, cloud: Cloud, ca: Path) -> None:
        super().__init__()
        self.trust_env = False
        self.proxies = {"http": cloud.gateway.url, "https": cloud.gateway.url}
        self.verify = str(ca)
