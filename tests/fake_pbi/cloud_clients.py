"""What the tests of the cloud hold: its clock, and a client behind its gateway."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from fake_pbi.cloud import Cloud

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


class Clock:
    """Service time; Python's own follows where `follow` is set."""

    def __init__(self) -> None:
        self.time = START
        self.follow: Callable[[datetime], object] = lambda _: None

    def now(self) -> datetime:
        return self.time

    def advance(self, **length: float) -> None:
        self.time += timedelta(**length)
        self.follow(self.time)


class Client(requests.Session):
    """A client of the cloud, in the genuine host names, through the gateway."""

    def __init__(self, cloud: Cloud, ca: Path) -> None:
        super().__init__()
        self.trust_env = False
        self.proxies = {"http": cloud.gateway.url, "https": cloud.gateway.url}
        self.verify = str(ca)
