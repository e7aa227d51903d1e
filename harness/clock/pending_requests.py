"""The requests whose answers are not complete."""

from collections.abc import Callable, ItemsView, Iterator

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

    def add(self, id: str, request: PendingRequest) -> None:
        """Begin to wait for the answer to a request."""
        self._requests[id] = request

    def get(self, id: str) -> PendingRequest | None:
        """Return the pending request with this id, or None."""
        return self._requests.get(id)

    def items(self) -> ItemsView[str, PendingRequest]:
        """Return the ids and the pending requests, oldest first."""
        return self._requests.items()

    def ids_of(self, is_asked_for: Callable[[Requester], bool]) -> list[str]:
        """Return the ids of the pending requests of the requesters for which `is_asked_for` is true."""
        return [id for id, request in self._requests.items() if is_asked_for(request.requester)]

    def unanswered(self, url: str) -> Iterator[str]:
        """Yield the ids of the pending requests to this URL whose answer has not begun."""
        return (id for id, request in self._requests.items() if request.url == url and request.answered_s is None)

    def end(self, id: str, *, is_answered: bool) -> PendingRequest | None:
        """Remove a request that is over, and return it; return None if it was not pending.

        If it was answered, however late, the next requests to its address get the full timeout again.
        """
        request = self._requests.pop(id, None)
        if request and (is_answered or not request.is_endless):
            self.timeouts.reset(request)
        return request

    def drop(self, id: str) -> None:
        """Remove a request, and leave the timeout of its address as it is."""
        self._requests.pop(id, None)

    def drop_unread(self, before_ms: float) -> None:
        """Remove the partly answered requests that were sent before this virtual time, in milliseconds since 1970.

        Virtual time has passed since without the clock's steps, so the browser does not wait for the rest of these
        answers: the page does not read the rest, which may never end.
        """
        for id, request in list(self._requests.items()):
            if request.sent_ms < before_ms and request.answered_s is not None:
                self.drop(id)

    def mark_endless(self, request: PendingRequest) -> None:
        """Stop waiting for a request, and write this to the journal."""
        request.is_endless = True
        self.timeouts.count_endless(request)
        self._log.endless_request(request)

    def assume_unknown(self) -> None:
        """Assume an endless request that the browser does not report.

        Call this when virtual time does not pass for no known reason.
        """
        self._has_unknown = True

    def forget_unknown(self) -> None:
        """Drop the assumption of `assume_unknown`, because the page has another document."""
        self._has_unknown = False

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
