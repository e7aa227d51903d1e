"""The requests whose answers are not complete, and which of them the clock waits for."""

import math
from collections.abc import Callable, Iterator

from harness.clock import real_time
from harness.clock.delayed_requests import DelayedRequests
from harness.clock.pending_request import PendingRequest, Requester
from harness.clock.request_log import RequestLog
from harness.clock.request_timeouts import RequestTimeouts


class PendingRequests:
    """The pending requests, by request id."""

    def __init__(self, log: RequestLog, delayed: DelayedRequests) -> None:
        self._log, self._delayed = log, delayed
        self._requests: dict[str, PendingRequest] = {}
        self._has_unknown = False
        self.timeouts = RequestTimeouts()

    # Changes ----------------------------------------------------------------------------------------------------------

    def add(self, id: str, request: PendingRequest) -> None:
        """Begin to wait for the answer to a request."""
        self._requests[id] = request

    def answer(self, id: str) -> None:
        """Note that the head of an answer has come."""
        if request := self._requests.get(id):
            request.answered_s, request.may_be_unread = real_time.seconds(), request.kind == "Fetch"

    def hand_over(self, id: str) -> None:
        """Note that the harness gives the browser the whole answer to a request at once."""
        if request := self._requests.get(id):
            request.is_handed_over = True

    def restart(self, id: str) -> None:
        """Begin the timeout of a request anew, because it was delayed and reaches its server only now."""
        if request := self._requests.get(id):
            request.waiting_since_s = real_time.seconds()

    def end(self, id: str, *, is_answered: bool) -> PendingRequest | None:
        """Remove a request that is over, and return it; return None if it was not pending.

        If it was answered, however late, the next requests to its address get the full timeout again.
        """
        request = self._requests.pop(id, None)
        if request and (is_answered or not request.is_endless):
            self.timeouts.reset(request)
        return request

    def drop(self, id: str) -> None:
        """Remove a request without drawing conclusions for its address."""
        self._requests.pop(id, None)

    def drop_unread(self, before_ms: float) -> None:
        """Remove the partly answered requests that were sent before this page time, in milliseconds since 1970.

        Virtual time has passed since without the clock's steps, so the browser does not wait for the rest of these
        answers: the page does not read it, and it may never end.
        """
        for id, request in list(self._requests.items()):
            if request.sent_ms < before_ms and request.answered_s is not None:
                self.drop(id)

    def mark_endless(self, request: PendingRequest) -> None:
        """Stop waiting for a request, and write this to the journal."""
        request.is_endless = True
        self.timeouts.count_endless(request)
        self._log.endless_request(request)

    def mark_timed_out(self) -> bool:
        """Stop waiting for the requests that have timed out; return whether there are any."""
        now = real_time.seconds()
        timed_out = [request for request in self._limited() if self.timeouts.end_s(request) <= now]
        for request in timed_out:
            self.mark_endless(request)
        return bool(timed_out)

    def assume_unknown(self) -> None:
        """Assume an endless request that the browser does not report.

        Call this when virtual time does not pass for no known reason.
        """
        self._has_unknown = True

    def forget_unknown(self) -> None:
        """Drop this assumption, because the page has another document."""
        self._has_unknown = False

    def take_unread(self) -> bool:
        """Return whether answers have begun to come since the last call, and no other answer is awaited."""
        awaited = self._awaited()
        if any(request.answered_s is None for request in awaited):
            return False
        unread = [request for request in awaited if request.may_be_unread]
        for request in unread:
            request.may_be_unread = False
        return bool(unread)

    # Questions --------------------------------------------------------------------------------------------------------

    def get(self, id: str) -> PendingRequest | None:
        """Return the pending request with this id, or None."""
        return self._requests.get(id)

    def ids_of(self, is_asked_for: Callable[[Requester], bool]) -> list[str]:
        """Return the ids of the pending requests of the requesters for which `is_asked_for` is true."""
        return [id for id, request in self._requests.items() if is_asked_for(request.requester)]

    def unanswered(self, url: str) -> Iterator[str]:
        """Yield the ids of the pending requests to this URL whose answer has not begun."""
        return (id for id, request in self._requests.items() if request.url == url and request.answered_s is None)

    def _awaited(self) -> list[PendingRequest]:
        return [request for id, request in self._requests.items() if request.is_awaited and id not in self._delayed]

    def _limited(self) -> Iterator[PendingRequest]:
        for id, request in self._requests.items():
            if id not in self._delayed and self.timeouts.apply_to(request):
                yield request

    @property
    def awaited_urls(self) -> list[str]:
        """The URLs of the requests for whose answers the clock scripts."""
        return [request.url for request in self._awaited()]

    @property
    def longest_wait_s(self) -> float:
        """The real seconds for which the oldest awaited request has been pending; 0 if none is."""
        since = [request.waiting_since_s for request in self._awaited()]
        return real_time.seconds() - min(since) if since else 0.0

    @property
    def next_timeout_s(self) -> float:
        """The real seconds until the next request times out; infinite if none will."""
        ends = (self.timeouts.end_s(request) for request in self._limited())
        return min(ends, default=math.inf) - real_time.seconds()

    @property
    def may_stop_time(self) -> bool:
        """True if a request is pending for which the browser may stop virtual time."""
        return bool(self._requests) or self._has_unknown

    @property
    def has_endless(self) -> bool:
        """True if an endless request is pending. Chromium's virtual time would wait for it."""
        return self._has_unknown or any(request.is_endless for request in self._requests.values())

    @property
    def has_endless_or_delayed(self) -> bool:
        """True if a request is pending that never ends, or that ends only when virtual time passes."""
        return bool(self._delayed) or self.has_endless

    @property
    def has_only_delayed(self) -> bool:
        """True if delayed requests are pending, and no answer is awaited."""
        return bool(self._delayed) and not self.awaited_urls
