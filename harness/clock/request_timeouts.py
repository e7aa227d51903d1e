"""The real time after which a pending request counts as endless."""

from collections import Counter
from fnmatch import fnmatch

from harness.clock.pending_request import PendingRequest

NEEDED_BY_PAGE = {"Script", "Stylesheet"}
"""The DevTools resource types without which a page does not work: they have no timeout until their answer begins to
come."""
ENDLESS_AFTER_S = 2.0
"""Real seconds after which a request counts as endless if a script reads its answer: a long poll, a stream."""
ENDLESS_IN_A_ROW = 2
"""Consecutive endless requests to one address from which on the timeout of the next ones is shorter."""
KNOWN_ENDLESS_AFTER_S = 0.1
"""Real seconds after which a request counts as endless after `ENDLESS_IN_A_ROW` endless requests to its address. Each
further endless request halves the timeout."""
SHORTEST_TIMEOUT_S = 0.02
"""Real seconds below which the timeout at an address with endless requests is not halved."""
STREAM_AFTER_S = 0.1
"""Real seconds from the head of an EventSource's answer until the request counts as endless, as all event streams
are."""
READ_BY_BROWSER_AFTER_S = 15.0
"""Real seconds after which a request counts as endless if the browser itself reads its answer (a frame's document, an
image), counted from the head of the answer if that came."""


class RequestTimeouts:
    """The timeouts of pending requests, which become shorter at addresses whose requests never end."""

    def __init__(self) -> None:
        self._always_awaited: list[str] = []
        self._endless_in_a_row: Counter[str] = Counter()

    def always_wait_for(self, glob: str) -> None:
        """Wait for each answer from URLs that match the glob, however long it takes."""
        self._always_awaited.append(glob)

    def apply_to(self, request: PendingRequest) -> bool:
        """Return whether the request can time out."""
        is_limited = request.kind not in NEEDED_BY_PAGE or request.answered_s is not None
        return (
            is_limited
            and not request.is_endless
            and not any(fnmatch(request.url, glob) for glob in self._always_awaited)
        )

    def end_s(self, request: PendingRequest) -> float:
        """Return the reading of `real_time.seconds()` at which the request times out."""
        halvings = self._endless_in_a_row[request.address] - ENDLESS_IN_A_ROW
        if not request.is_read_by_scripts:
            begin = request.answered_s or request.waiting_since_s
            return begin + max(KNOWN_ENDLESS_AFTER_S, READ_BY_BROWSER_AFTER_S * 0.5 ** max(0, halvings))
        if request.kind == "EventSource" and request.answered_s is not None:
            return request.answered_s + STREAM_AFTER_S
        if halvings < 0:
            return request.waiting_since_s + ENDLESS_AFTER_S
        return request.waiting_since_s + max(SHORTEST_TIMEOUT_S, KNOWN_ENDLESS_AFTER_S * 0.5**halvings)

    def count_endless(self, request: PendingRequest) -> None:
        """Count one more endless request to the address of `request`."""
        self._endless_in_a_row[request.address] += 1

    def reset(self, request: PendingRequest) -> None:
        """Begin to count the endless requests to the address of `request` anew, because one there ended."""
        del self._endless_in_a_row[request.address]
