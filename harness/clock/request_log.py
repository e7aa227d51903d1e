"""The journal's entries for requests, responses, and work that the clock does not wait for."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from harness.base.journal import Entry, Journal
from harness.browser.devtools import Event
from harness.clock.pending_request import PendingRequest
from harness.clock.service_clock import ServiceClock
from harness.clock.watcher import Source


class RequestLog:
    """The writer of the journal's requests, responses and `clock` entries."""

    def __init__(self, clock: ServiceClock, journal: Journal, *, unlisted: str, sources: Mapping[str, str]) -> None:
        """Write to `journal`.

        `unlisted` is a part of the URLs of requests that are neither journalled nor counted as activity; empty for
        none. `sources` maps the host of a document to the source that the journal shows for its requests.
        """
        self._clock, self._journal = clock, journal
        self._unlisted, self._sources = unlisted, sources
        self._named_addresses: set[str] = set()
        self.activity = 0
        """The number of listed requests and answers so far."""

    def count_activity(self, url: str) -> None:
        """Count a request or an answer, unless its URL is not listed."""
        if self._is_listed(url):
            self.activity += 1

    def _is_listed(self, url: str) -> bool:
        return not self._unlisted or self._unlisted not in url

    def request(self, event: Event, source: Source) -> Entry | None:
        """Write the request of a `Network.requestWillBeSent` event.

        Return the entry, or None if the URL is not listed.
        """
        request = event["request"]
        if not self._is_listed(request["url"]):
            return None
        return self._journal.write(
            "request",
            request=event["requestId"],
            url=request["url"],
            method=request["method"],
            type=event.get("type", "Other"),
            source=self._source_of(event, source),
        )

    def correct_source(self, entry: Entry, event: Event, source: Source) -> None:
        """Correct the source of a service worker's request, now that the event of the page's own request has come."""
        entry.data["source"] = self._source_of(event, source)

    def _source_of(self, event: Event, source: Source) -> str:
        return self._sources.get(urlsplit(event["documentURL"]).hostname or "", source)

    def response(self, id: str, url: str, *, status: int | None, error: str | None) -> None:
        """Write the answer to a request: its HTTP status, or the browser's text for why there is none."""
        if self._is_listed(url):
            self._journal.write("response", request=id, status=status, error=error)

    def endless_request(self, request: PendingRequest) -> None:
        """Write that the clock does not wait for a request any longer, once per address."""
        if request.address not in self._named_addresses:
            self._named_addresses.add(request.address)
            since = self._clock.service_time(request.sent_ms)
            self._journal.write("clock", what="request without an end", url=request.url, since=since)

    def endless_work(self, call: str, *, url: str = "", since_ms: float | None = None) -> None:
        """Write that the clock does not wait for a pending call any longer.

        `url` is the address of the frame or worker that made the call; `since_ms` is the virtual time of the call in
        milliseconds since 1970. The default is now.
        """
        since = self._clock.service_time(self._clock.virtual_milliseconds if since_ms is None else since_ms)
        self._journal.write("clock", what="work without an end", call=call, url=url, since=since)

    def unknown_work(self) -> None:
        """Write that the clock does not wait for something unknown.

        Write nothing if the journal already names a call, which may be the reason.
        """
        if not self._journal.of("clock", what="work without an end"):
            self.endless_work("unknown")
