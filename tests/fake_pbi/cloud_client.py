"""A client of the fake cloud that connects through its gateway."""

from pathlib import Path

import requests

from fake_pbi.cloud import Cloud


class Client(requests.Session):
    """An HTTP client that uses the real host names of Power BI and connects through the gateway."""

    def __init__(self, cloud: Cloud, ca: Path) -> None:
        super().__init__()
        self.trust_env = False
        self.proxies = {"http": cloud.gateway.url, "https": cloud.gateway.url}
        self.verify = str(ca)
