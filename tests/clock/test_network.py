"""Requests as DevTools reports them: the events of different browser processes arrive in any order."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from support.own_loop import result_of

from harness.base.journal import Journal
from harness.browser.devtools import DevToolsSession, Event
from harness.clock import real_time
from harness.clock.network import Network
from harness.clock.service_clock import ServiceClock

URL = "https://app.example/token"
START = datetime(2027, 3, 1, 9, tzinfo=UTC)


class SessionStub:
    """A stand-in for a DevTools session, whose events the test makes up."""

    def __init__(self, id: str) -> None:
        self.id = id
        self._handlers: dict[str, Callable[[Event], None]] = {}

    def on(self, event: str, handler: Callable[[Event], None]) -> None:
        self._handlers[event] = handler

    def send(self, method: str) -> None:
        assert method == "Network.enable"

    def raise_event(self, event: str, **data: Any) -> None:
        self._handlers[event]({"requestId": f"{self.id}'s", **data})

    def sends(self) -> None:
        document = {"loaderId": "", "documentURL": URL, "type": "Fetch", "wallTime": START.timestamp()}
        self.raise_event("Network.requestWillBeSent", request={"url": URL, "method": "GET"}, **document)

    def is_answered(self) -> None:
        self.raise_event("Network.responseReceived", response={"status": 200})
        self.raise_event("Network.loadingFinished")


def watched(page: SessionStub, worker: SessionStub) -> tuple[Network, Journal, ServiceClock]:
    clock = ServiceClock(START)
    journal = Journal(clock.now)
    network = Network(clock, journal)
    network.attach(cast(DevToolsSession, page), "page")
    network.attach(cast(DevToolsSession, worker), "service worker")
    return network, journal, clock


@pytest.mark.parametrize("first", ["page", "service worker"])
def test_request_that_a_service_worker_passes_on_is_journaled_once(first: str) -> None:
    page, worker = SessionStub("page"), SessionStub("worker")

    async def run() -> tuple[Journal, list[str], list[str], bool]:
        network, journal, clock = watched(page, worker)
        for session in [page, worker] if first == "page" else [worker, page]:
            session.sends()
        awaited = network.awaited.urls
        until = clock.virtual_milliseconds + 45_000
        delayed = asyncio.create_task(network.delay("worker's", until))
        await asyncio.sleep(0)
        while_delayed = network.awaited.urls
        network.pass_on_delayed(until)
        await delayed
        worker.is_answered()
        page.is_answered()
        return journal, awaited, while_delayed, network.pending.may_stop_time

    journal, awaited, while_delayed, loading = result_of(run())

    assert (awaited, while_delayed, loading) == ([URL], [], False)
    (request,), (response,) = journal.of("request"), journal.of("response")
    assert (request["url"], request["source"]) == (URL, "page")
    assert (response["request"], response["status"]) == (request["request"], 200)


def test_service_workers_request_is_not_matched_with_a_pages_unread_answer() -> None:
    page, worker, later = SessionStub("page"), SessionStub("worker"), SessionStub("later")

    async def run() -> list[str]:
        network, _, clock = watched(page, worker)
        network.attach(cast(DevToolsSession, later), "page")
        page.sends()
        page.raise_event("Network.responseReceived", response={"status": 503})
        worker.sends()
        later.sends()
        delayed = asyncio.create_task(network.delay("worker's", clock.virtual_milliseconds + 45_000))
        await asyncio.sleep(0)
        delayed.cancel()
        return [session.id for session in (page, worker, later) if f"{session.id}'s" in network.delayed]

    assert result_of(run()) == ["later"]


def test_service_workers_own_request_is_journaled() -> None:
    page, worker = SessionStub("page"), SessionStub("worker")
    _, journal, _ = watched(page, worker)

    worker.sends()
    worker.is_answered()
    page.sends()
    page.is_answered()

    requests = [(entry["request"], entry["source"]) for entry in journal.of("request")]
    assert requests == [("worker's", "service worker"), ("page's", "page")]


def timeouts_of(monkeypatch: pytest.MonkeyPatch, *answered: str) -> list[float]:
    """Return the timeouts in seconds of requests that are sent one after another to one address.

    `answered` says of each request whether it is answered "soon", "late" or "never".
    """
    page, seconds = SessionStub("page"), [0.0]
    monkeypatch.setattr(real_time, "seconds", lambda: seconds[0])

    async def run() -> list[float]:
        network, _, _ = watched(page, SessionStub("worker"))
        found = []
        for how in answered:
            page.sends()
            found.append(round(network.awaited.next_timeout_s, 6))
            assert not network.awaited.mark_timed_out()
            if how != "soon":
                seconds[0] += network.awaited.next_timeout_s
                assert network.awaited.mark_timed_out()
                assert network.pending.has_endless
            if how == "never":
                page.raise_event("Network.loadingFailed", errorText="net::ERR_ABORTED")
            else:
                page.is_answered()
        return found

    return result_of(run())


def test_requests_that_end_late_keep_their_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    assert timeouts_of(monkeypatch, *["late"] * 4) == [2, 2, 2, 2]


def test_requests_that_never_end_time_out_sooner_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = timeouts_of(monkeypatch, *["never"] * 6, "soon", "never")

    assert found == [2, 2, 0.1, 0.05, 0.025, 0.02, 0.02, 2]
