"""Which requests bring a page's tokens, and what shows that its backend lives in real time, when the page itself lives in
virtual time."""

from datetime import UTC, datetime, timedelta

import pytest
from site_of_apps import site_of_apps

from harness.base.journal import Journal
from harness.contract.discovery import real_clock, token_urls
from harness.contract.observation import Observation
from harness.stage import Conditions
from harness.stage.interception import Answer
from harness.stage.session import HarnessSession

OPENED = datetime(2030, 1, 1, tzinfo=UTC)
URL = "http://localhost:3000/api/token"
MINUTE = timedelta(minutes=1)


class Backend:
    """Writes what a journal has of a backend: `cloud` issues a token that lives for an hour, `answer` hands one out."""

    def __init__(self) -> None:
        self.now = OPENED
        self.journal = Journal(lambda: self.now)

    def cloud(self, minute: int, token: str) -> None:
        self.now = OPENED + minute * MINUTE
        self.journal.write("token.issued", token=token, type="embed", expires=self.now + 60 * MINUTE)

    def answer(self, minute: int, token: str) -> None:
        self.now = OPENED + minute * MINUTE
        self.journal.write("token.fetched", token=token, url=URL, by="Fetch")

    @property
    def verdict(self) -> str:
        return real_clock([Observation("healthy", self.journal, 60 * MINUTE, [URL], OPENED, self.now)])


@pytest.fixture
def backend() -> Backend:
    return Backend()


def test_a_backend_that_gets_each_token_anew_lives_in_virtual_time(backend: Backend) -> None:
    for minute, token in ((0, "embed-1"), (50, "embed-2"), (100, "embed-3")):
        backend.cloud(minute, token)
        backend.answer(minute, token)

    assert backend.verdict == ""


def test_a_backend_that_repeats_a_token_caches_it_by_another_clock(backend: Backend) -> None:
    backend.cloud(0, "embed-1")
    backend.answer(0, "embed-1")
    backend.answer(50, "embed-1")

    assert backend.verdict == "it answered embed-1 at 00:00 and again at 50:00."


def test_an_answer_that_a_service_worker_passes_on_is_no_second_one(backend: Backend) -> None:
    for minute, token in ((0, "embed-1"), (50, "embed-2")):
        backend.cloud(minute, token)
        backend.answer(minute, token)
        backend.answer(minute, token)

    assert backend.verdict == ""


def test_a_token_that_a_service_worker_passes_on_is_seen(pbi_session: HarnessSession) -> None:
    with site_of_apps() as origin, pbi_session.stage(Conditions(watch_tokens=True)) as stage:
        stage.answer("*/api/token", lambda: Answer(200, "application/json", stage.cloud.answers.text("embed")))
        stage.open(f"{origin}/relayed").item()

        assert f"{origin}/api/token" in [found.glob for found in token_urls(stage.journal)]


def test_a_backend_that_serves_a_dead_token_caches_it_by_another_clock(backend: Backend) -> None:
    backend.cloud(0, "embed-1")
    backend.cloud(0, "embed-2")
    backend.answer(1, "embed-1")
    backend.answer(61, "embed-2")

    assert backend.verdict == "at 1:01:00 it answered embed-2, which had expired."


def test_a_repeated_token_says_nothing_where_the_cloud_issued_one_in_between(backend: Backend) -> None:
    backend.cloud(0, "embed-1")
    backend.answer(0, "embed-1")
    backend.cloud(40, "embed-2")
    backend.answer(50, "embed-1")

    assert backend.verdict == ""


def test_tokens_of_another_service_are_of_another_clock(backend: Backend) -> None:
    backend.now = OPENED + 50 * MINUTE
    backend.journal.write("token.applied", item="1", token="foreign-1", type="embed", expires=None, how="load")

    assert backend.verdict == "foreign-1 of 50:00 was issued by another service."


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://[::1]:3000"])
def test_the_token_requests_are_those_to_the_very_address(backend: Backend, origin: str) -> None:
    journal, address = backend.journal, f"{origin}/api/report"
    others = [f"{origin}/api/reports", f"{origin}/api/report/pages", f"{origin}/api/report-list?of=token"]
    journal.write("token.fetched", token="embed-1", url=address, by="Fetch")
    journal.write("token.applied", item="1", token="embed-1", type="embed", expires=None, how="load")
    backend.now += MINUTE
    for url in (address, f"{address}?", f"{address}?again=1", *others):
        journal.write("request", request=url, url=url, type="Fetch", source="page")

    globs = [found.glob for found in token_urls(journal)]
    observed = Observation("healthy", journal, 60 * MINUTE, globs, OPENED, backend.now)

    asked = [request["url"] for request in observed.token_requests()]
    assert asked == [address, f"{address}?", f"{address}?again=1"]
