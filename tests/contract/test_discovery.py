"""The search for a page's token addresses, and for signs that its backend uses real time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from support.site_of_apps import site_of_apps

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
    """A writer of the journal entries that a backend causes. `now` is the service time of the next entry."""

    def __init__(self) -> None:
        self.now = OPENED
        self.journal = Journal(lambda: self.now)

    def issue(self, minute: int, token: str) -> None:
        """Record that the fake cloud issued a token with a lifetime of an hour."""
        self.now = OPENED + minute * MINUTE
        self.journal.write("token.issued", token=token, type="embed", expires=self.now + 60 * MINUTE)

    def answer(self, minute: int, token: str) -> None:
        """Record that the backend answered the page with a token."""
        self.now = OPENED + minute * MINUTE
        self.journal.write("token.fetched", token=token, url=URL, by="Fetch")

    @property
    def sign_of_real_time(self) -> str:
        return real_clock([observation(self.journal, [URL], self.now)])


def observation(journal: Journal, token_urls: Sequence[str], ended: datetime) -> Observation:
    """Return the observation of a healthy visit with a journal."""
    return Observation(
        scenario="healthy",
        number=1,
        planned=1,
        title="healthy",
        journal=journal,
        lifetime=60 * MINUTE,
        token_urls=token_urls,
        opened=OPENED,
        ended=ended,
    )


@pytest.fixture
def backend() -> Backend:
    return Backend()


def test_backend_that_answers_with_a_new_token_each_time_shows_no_sign_of_real_time(backend: Backend) -> None:
    for minute, token in ((0, "embed-1"), (50, "embed-2"), (100, "embed-3")):
        backend.issue(minute, token)
        backend.answer(minute, token)

    assert backend.sign_of_real_time == ""


def test_repeated_token_is_a_sign_of_real_time(backend: Backend) -> None:
    backend.issue(0, "embed-1")
    backend.answer(0, "embed-1")
    backend.answer(50, "embed-1")

    assert backend.sign_of_real_time == "it answered embed-1 at 00:00 and again at 50:00."


def test_answer_seen_in_service_worker_and_page_is_not_a_repeated_token(backend: Backend) -> None:
    for minute, token in ((0, "embed-1"), (50, "embed-2")):
        backend.issue(minute, token)
        backend.answer(minute, token)
        backend.answer(minute, token)

    assert backend.sign_of_real_time == ""


def test_token_address_behind_a_service_worker_is_found(pbi_session: HarnessSession) -> None:
    with site_of_apps() as origin, pbi_session.stage(Conditions(watch_tokens=True)) as stage:
        stage.answer("*/api/token", lambda: Answer(200, "application/json", stage.cloud.answers.text("embed")))
        stage.open(f"{origin}/relayed").item()

        assert f"{origin}/api/token" in [found.glob for found in token_urls(stage.journal)]


def test_expired_token_is_a_sign_of_real_time(backend: Backend) -> None:
    backend.issue(0, "embed-1")
    backend.issue(0, "embed-2")
    backend.answer(1, "embed-1")
    backend.answer(61, "embed-2")

    assert backend.sign_of_real_time == "at 1:01:00 it answered embed-2, which had expired."


def test_repeated_token_after_a_newly_issued_one_is_no_sign_of_real_time(backend: Backend) -> None:
    backend.issue(0, "embed-1")
    backend.answer(0, "embed-1")
    backend.issue(40, "embed-2")
    backend.answer(50, "embed-1")

    assert backend.sign_of_real_time == ""


def test_token_of_another_service_is_a_sign_of_real_time(backend: Backend) -> None:
    backend.now = OPENED + 50 * MINUTE
    backend.journal.write("token.applied", item="1", token="foreign-1", type="embed", expires=None, how="load")

    assert backend.sign_of_real_time == "foreign-1 of 50:00 was issued by another service."


@pytest.mark.parametrize("origin", ["http://localhost:3000", "http://[::1]:3000"])
def test_token_requests_are_those_to_the_found_address_with_or_without_query(backend: Backend, origin: str) -> None:
    journal, address = backend.journal, f"{origin}/api/report"
    other_urls = [f"{origin}/api/reports", f"{origin}/api/report/pages", f"{origin}/api/report-list?of=token"]
    journal.write("token.fetched", token="embed-1", url=address, by="Fetch")
    journal.write("token.applied", item="1", token="embed-1", type="embed", expires=None, how="load")
    backend.now += MINUTE
    for url in (address, f"{address}?", f"{address}?again=1", *other_urls):
        journal.write("request", request=url, url=url, type="Fetch", source="page")

    globs = [found.glob for found in token_urls(journal)]
    observed = observation(journal, globs, backend.now)

    asked = [request["url"] for request in observed.token_requests()]
    assert asked == [address, f"{address}?", f"{address}?again=1"]
