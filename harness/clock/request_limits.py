"""Limits on the number of requests that a page may send."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatch

from harness.clock.clock_signal import ClockSignal


@dataclass
class RequestLimit:
    """The number of requests that are allowed from an instant of service time on, and the number counted so far."""

    at_most: int
    since: datetime
    count: int = 0


class RequestLimits:
    """The limits on the number of requests, per glob of URLs."""

    def __init__(self, now: Callable[[], datetime], signal: ClockSignal) -> None:
        self._now, self._signal = now, signal
        self._limits: dict[str, list[RequestLimit]] = {}
        self.exceeded: tuple[str, int] | None = None
        """The glob and the allowed number of the limit that the page exceeded last; None if it exceeded none."""

    def add(self, glob: str, at_most: int, since: datetime | None = None) -> None:
        """Allow at most `at_most` requests to URLs that match the glob.

        `since` is the instant of service time from which the new limit replaces an earlier one of the same glob. The
        default is now.
        """
        self._limits.setdefault(glob, []).append(RequestLimit(at_most, since or self._now()))

    def count(self, url: str) -> None:
        """Count a request. If it exceeds a limit, note the limit and end the clock's wait."""
        for glob, limits in self._limits.items():
            if fnmatch(url, glob):
                limit = [each for each in limits if each.since <= self._now()][-1]
                limit.count += 1
                if limit.count > limit.at_most:
                    self.exceeded = (glob, limit.at_most)
                    self._signal.send()
