"""The requests of a page, its frames, its popups and its workers, as the DevTools sessions report them."""

import asyncio
from collections.abc import Callable, Mapping

from harness.base.journal import Entry, Journal
from harness.browser.devtools import DevToolsSession, Event
from harness.clock import real_time
from harness.clock.awaited_requests import AwaitedRequests
from harness.clock.clock_signal import ClockSignal
from harness.clock.delayed_requests import DelayedRequests
from harness.clock.navigation_loops import NavigationLoops
from harness.clock.pending_request import PendingRequest, Requester
from harness.clock.pending_requests import PendingRequests
from harness.clock.relayed_requests import RelayedRequests
from harness.clock.request_limits import RequestLimits
from harness.clock.request_log import RequestLog
from harness.clock.scripts import HOLD_URL
from harness.clock.service_clock import ServiceClock
from harness.clock.time_holds import TimeHolds
from harness.clock.watcher import Source

STAMPED_WITH_REAL_TIME = {"Document", "Preflight", "Other"}
"""The DevTools resource types whose events bear real time. The browser process sends these requests itself: documents,
frames, and preflights on behalf of a page."""
UNREAD_AFTER_MS = 1000.0
"""Virtual milliseconds after which an answer that has begun counts as unread: the browser's own time would have waited
for it."""


class Network:
    """A watcher that passes the requests of each DevTools session to the objects that need them."""

    def __init__(
        self, clock: ServiceClock, journal: Journal, *, unlisted: str = "", sources: Mapping[str, str] | None = None
    ) -> None:
        """Set `clock` by the requests, and write them to `journal`.

        `unlisted` is a part of the URLs of requests that are neither journalled nor counted as activity; empty for
        none. `sources` maps the host of a document to the source that the journal shows for its requests.
        """
        self._clock = clock
        self.signal = ClockSignal()
        self.log = RequestLog(clock, journal, unlisted=unlisted, sources=sources or {})
        self.limits = RequestLimits(clock.now, self.signal)
        self.delayed = DelayedRequests(self.signal)
        self.pending = PendingRequests(self.log, self.delayed)
        self.awaited = AwaitedRequests(self.pending, self.delayed)
        self.time_holds = TimeHolds(clock, self.signal)
        self.navigation_loops = NavigationLoops(self.log)
        self._relayed = RelayedRequests()
        self._reported: dict[str, asyncio.Event] = {}
        self.ended_requests = 0
        """The number of requests that have ended so far. Chromium may let up to 10 virtual milliseconds pass at
        each."""

    def attach(self, session: DevToolsSession, source: Source) -> list[asyncio.Future[Event]]:
        """Begin to watch a session, and return the future of the command that was sent to it."""
        session.on("Network.requestWillBeSent", lambda event: self._sent(event, session.id, source))
        session.on("Network.responseReceived", self._answered)
        session.on("Network.loadingFinished", lambda event: self._ended(event["requestId"], is_answered=True))
        session.on("Network.loadingFailed", self._failed)
        session.on("Page.frameNavigated", lambda event: self._navigated(event["frame"]))
        session.on("Page.frameDetached", lambda event: self._frame_detached(event["frameId"], event["reason"]))
        return [session.send("Network.enable")]

    def forget(self, session: str) -> None:
        """End the requests of a popup or worker that has gone."""
        self._end_all(lambda requester: requester.session == session)

    # Commands and questions about requests ------------------------------------------------------------------------------

    def always_wait_for(self, glob: str) -> None:
        """Wait for each answer from URLs that match the glob, however long it takes."""
        self.pending.timeouts.always_wait_for(glob)

    async def wait_until_reported(self, id: str) -> None:
        """Wait until the browser reports a request as sent, so that service time is that of the request."""
        await self._reported.setdefault(id, asyncio.Event()).wait()

    def sent_ms(self, id: str | None) -> float:
        """Return the virtual time at which a request was sent, in milliseconds since 1970; now if it is unknown."""
        request = self.pending.get(self._relayed.page_id(id or ""))
        return request.sent_ms if request else self._clock.virtual_milliseconds

    async def delay(self, id: str, due_ms: float) -> None:
        """Wait until virtual time is `due_ms` (milliseconds since 1970), or the page has cancelled the request."""
        await self.delayed.delay(self._relayed.page_id(id), due_ms)

    def pass_on_delayed(self, now_ms: float) -> None:
        """Pass on the delayed requests that are due at this virtual time (milliseconds since 1970)."""
        for id in self.delayed.pass_on(now_ms):
            if request := self.pending.get(id):
                request.restart()

    def hand_over(self, id: str | None) -> None:
        """Note that the harness gives the browser the whole answer to a request at once."""
        if request := self.pending.get(self._relayed.page_id(id or "")):
            request.hand_over()

    # Events -----------------------------------------------------------------------------------------------------------

    def _sent(self, event: Event, session: str | None, source: Source) -> None:
        id, url = event["requestId"], event["request"]["url"]
        self._reported.setdefault(id, asyncio.Event()).set()
        requester = Requester(session, event.get("frameId", ""), event["loaderId"])
        if url.startswith(HOLD_URL):
            self.time_holds.begin(id, requester, url, event["wallTime"] * 1000)
        elif not url.startswith(("http:", "https:")):
            if self.pending.has_endless_or_delayed:  # a frame may be keeping itself busy because of this request
                self.signal.send()
        elif source != "service worker" or not self._relayed.relay(id, self.pending.unanswered(url)):
            self._sent_to_server(event, requester, source)

    def _sent_to_server(self, event: Event, requester: Requester, source: Source) -> None:
        id, url, kind = event["requestId"], event["request"]["url"], event.get("type", "Other")
        sent_ms = event["wallTime"] * 1000
        if kind not in STAMPED_WITH_REAL_TIME and sent_ms <= self.time_holds.latest_ms:
            self._clock.see(sent_ms)
        self.log.count_activity(url)
        earlier_entry = self._take_over(url, id) if source != "service worker" else None
        if not (self.pending.has_endless_or_delayed or self.navigation_loops):
            self.pending.drop_unread(self._clock.virtual_milliseconds - UNREAD_AFTER_MS)
        if kind != "WebSocket":  # a socket does not stop virtual time
            self._await_answer(id, url, kind, requester, source)
        if earlier_entry:
            self.log.correct_source(earlier_entry, event, source)
        elif entry := self.log.request(event, source):
            if source == "service worker":
                self._relayed.note_unmatched(id, entry)
            self.limits.count(url)

    def _await_answer(self, id: str, url: str, kind: str, requester: Requester, source: Source) -> None:
        request = PendingRequest(url, kind, real_time.seconds(), self._clock.virtual_milliseconds, requester)
        self.pending.add(id, request)
        if kind == "EventSource" and source != "page":  # virtual time does not wait for a worker's EventSource
            self.pending.mark_endless(request)
        if self.pending.has_endless_or_delayed:  # then virtual time would not wait for this request
            self.signal.send()

    def _take_over(self, url: str, id: str) -> Entry | None:
        """Replace a service worker's request that was reported first by the page's request.

        Return the journal entry of the service worker's request, or None if there is no such request.
        """
        found = self._relayed.take_over(url, id)
        if found is None:
            return None
        worker_id, entry = found
        self.pending.drop(worker_id)
        self.delayed.rename(worker_id, id)
        return entry

    def _answered(self, event: Event) -> None:
        if request := self.pending.get(event["requestId"]):
            request.begin_answer()
        self._log_response(event["requestId"], status=event["response"]["status"], error=None)

    def _failed(self, event: Event) -> None:
        self._log_response(event["requestId"], status=None, error=event["errorText"])
        self._ended(event["requestId"], is_answered=False)

    def _log_response(self, id: str, *, status: int | None, error: str | None) -> None:
        if request := self.pending.get(id):
            self.log.response(self._relayed.journalled_id(id), request.url, status=status, error=error)

    def _ended(self, id: str, *, is_answered: bool) -> None:
        self.ended_requests += 1
        self._reported.pop(id, None)
        self._relayed.forget(id)
        if request := self.pending.end(id, is_answered=is_answered):
            self.log.count_activity(request.url)
        self.delayed.end(id)
        self.time_holds.end(id)

    def _navigated(self, frame: Event) -> None:
        id, loader = frame["id"], frame["loaderId"]
        self.navigation_loops.count(id, frame["url"])
        self._end_all(lambda requester: requester.frame == id and requester.loader != loader)

    def _frame_detached(self, frame: str, reason: str) -> None:
        if reason == "remove":
            self.navigation_loops.forget(frame)
            self._end_all(lambda requester: requester.frame == frame)

    def _end_all(self, has_gone: Callable[[Requester], bool]) -> None:
        """End the requests of documents and workers that have gone."""
        for id in self.time_holds.ids_of(has_gone):
            self._ended(id, is_answered=False)
        for id in self.pending.ids_of(has_gone):
            self._ended(id, is_answered=False)
