"""The pending requests that the clock waits for: neither endless nor delayed."""

import math
from collections.abc import Iterator

from harness.clock import real_time
from harness.clock.delayed_requests import DelayedRequests
from harness.clock.pending_request import PendingRequest
from harness.clock.pending_requests import PendingRequests


class AwaitedRequests:
    """The pending requests that the clock waits for, and their waiting times."""

    def __init__(self, pending: PendingRequests, delayed: DelayedRequests) -> None:
        self._pending, self._delayed = pending, delayed

    def _awaited(self) -> list[PendingRequest]:
        return [request for id, request in self._pending.items() if request.is_awaited and id not in self._delayed]

    def _limited(self) -> Iterator[PendingRequest]:
        for id, request in self._pending.items():
            if id not in self._delayed and self._pending.timeouts.apply_to(request):
                yield request

    @property
    def urls(self) -> list[str]:
        """The URLs of the requests for whose answers the clock waits."""
        return [request.url for request in self._awaited()]

    @property
    def are_all_delayed(self) -> bool:
        """True if delayed requests are pending, and no answer is awaited."""
        return bool(self._delayed) and not self.urls

    @property
    def longest_wait_s(self) -> float:
        """The real seconds for which the oldest awaited request has been pending; 0 if no request is awaited."""
        since = [request.waiting_since_s for request in self._awaited()]
        return real_time.seconds() - min(since) if since else 0.0

    @property
    def next_timeout_s(self) -> float:
        """The real seconds until the next request times out; infinite if no request will time out."""
        ends = (self._pending.timeouts.end_s(request) for request in self._limited())
        return min(ends, default=math.inf) - real_time.seconds()

    def mark_timed_out(self) -> bool:
        """Stop waiting for the requests that have timed out; return whether there are any."""
        now = real_time.seconds()
        timed_out = [request for request in self._limited() if self._pending.timeouts.end_s(request) <= now]
        for request in timed_out:
            self._pending.mark_endless(request)
        return bool(timed_out)

    def take_unread(self) -> bool:
        """Return whether answers have begun to come since the last call, and no other answer is awaited."""
        awaited = self._awaited()
        if any(request.answered_s is None for request in awaited):
            return False
        unread = [request for request in awaited if request.take_unread()]
        return bool(unread)
