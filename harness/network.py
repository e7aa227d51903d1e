"""The requests of a page, its frames and its workers: stamped, journalled, and answered by a fault where one is in force."""

import asyncio
import base64
import contextlib
from collections import Counter
from collections.abc import Coroutine
from fnmatch import fnmatch
from urllib.parse import urlsplit

from fake_pbi.faults import Fault, Faults
from fake_pbi.hosts import APP
from fake_pbi.journal import Journal
from harness.devtools import Event, Session
from harness.errors import DevToolsError, PageGone
from harness.service_clock import ServiceClock
from harness.waits import HOLD_URL

# The browser process stamps these with real time: documents and frames it asks for itself, preflights on a page's behalf.
STAMPED_WITH_REAL_TIME = {"Document", "Preflight", "Other"}
ENDLESS = {"EventSource", "WebSocket"}
FAKE_PLUMBING = "/_fake/"


class Network:
    """Watches sessions. `stirred` is set whenever a request begins or ends that a page uses to hold time."""

    def __init__(self, clock: ServiceClock, journal: Journal, faults: Faults) -> None:
        self._clock, self._journal, self._faults = clock, journal, faults
        self.stirred = asyncio.Event()
        self.in_flight: dict[str, str] = {}
        """The URL of each request that is being answered; the fake's own plumbing among them."""
        self.holds: set[str] = set()
        self.activity = 0
        """Grows with everything that is asked or answered."""
        self.overrun: tuple[str, int] | None = None
        """The limit that was passed, if one was: a glob, and how many requests it allows."""
        self._limits: dict[str, int] = {}
        self._counts: Counter[str] = Counter()
        self._stamped: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def limit(self, glob: str, at_most: int) -> None:
        """Stop the clock at the first request to `glob` beyond so many."""
        self._limits[glob] = at_most

    def attach(self, session: Session, source: str) -> list[asyncio.Future[Event]]:
        """Watch a session; `source` is "page" or "worker". The answers come once the session runs."""
        session.on("Network.requestWillBeSent", lambda event: self._sent(event, source))
        session.on("Network.responseReceived", self._received)
        session.on("Network.loadingFinished", lambda event: self._ended(event["requestId"]))
        session.on("Network.loadingFailed", self._failed)
        session.on("Fetch.requestPaused", lambda event: self._start(self._paused(session, event)))
        return [session.send("Network.enable"), session.send("Fetch.enable", patterns=[{"urlPattern": "*"}])]

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _sent(self, event: Event, source: str) -> None:
        id, url, kind = event["requestId"], event["request"]["url"], event.get("type", "Other")
        self._stamped.setdefault(id, asyncio.Event()).set()
        if url.startswith(HOLD_URL):
            self.holds.add(id)
            self.stirred.set()
            return
        if not url.startswith(("http:", "https:")):
            return
        if kind not in STAMPED_WITH_REAL_TIME:
            self._clock.see(event["wallTime"] * 1000)
        self.activity += 1
        if kind not in ENDLESS:
            self.in_flight[id] = url
        if FAKE_PLUMBING not in url:
            if urlsplit(event["documentURL"]).hostname == APP:
                source = "embed"
            method = event["request"]["method"]
            self._journal.write("request", request=id, url=url, method=method, type=kind, source=source)
            self._count(url)

    def _count(self, url: str) -> None:
        for glob, at_most in self._limits.items():
            if fnmatch(url, glob):
                self._counts[glob] += 1
                if self._counts[glob] > at_most:
                    self.overrun = (glob, at_most)
                    self.stirred.set()

    def _received(self, event: Event) -> None:
        self._write_end(event["requestId"], status=event["response"]["status"], error=None)

    def _failed(self, event: Event) -> None:
        self._write_end(event["requestId"], status=None, error=event["errorText"])
        self._ended(event["requestId"])

    def _write_end(self, id: str, *, status: int | None, error: str | None) -> None:
        if FAKE_PLUMBING not in self.in_flight.get(id, FAKE_PLUMBING):
            self._journal.write("response", request=id, status=status, error=error)

    def _ended(self, id: str) -> None:
        self._stamped.pop(id, None)
        self.in_flight.pop(id, None)
        self.activity += 1
        if id in self.holds:
            self.holds.remove(id)
            self.stirred.set()

    async def _paused(self, session: Session, event: Event) -> None:
        """Let a request go on to its server once service time is that of the request."""
        url, id = event["request"]["url"], event.get("networkId")
        if url.startswith(HOLD_URL):
            return
        if id:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stamped.setdefault(id, asyncio.Event()).wait(), 2)
        fault = self._faults.for_request(url, event["request"]["method"])
        with contextlib.suppress(DevToolsError, PageGone):  # the page may have given it up, or be gone
            if fault:
                await self._answer(session, event["requestId"], fault)
            else:
                await session.call("Fetch.continueRequest", requestId=event["requestId"])

    async def _answer(self, session: Session, request_id: str, fault: Fault) -> None:
        if fault.kind == "drop":
            await session.call("Fetch.failRequest", requestId=request_id, errorReason="ConnectionReset")
            return
        headers = {"Content-Type": fault.content_type, "Access-Control-Allow-Origin": "*"}
        await session.call(
            "Fetch.fulfillRequest",
            requestId=request_id,
            responseCode=int(fault.status),
            responseHeaders=[{"name": name, "value": value} for name, value in headers.items()],
            body=base64.b64encode(fault.body.encode()).decode(),
        )
