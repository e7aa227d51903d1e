"""Documents that navigate to each other without an end."""

from collections import Counter

from harness.clock.request_log import RequestLog

ENDLESS_AFTER_DOCUMENTS = 50
"""Documents that one frame loads, each without a pause after the one before, before its navigations count as
endless."""


class NavigationLoops:
    """The frames whose documents navigate to each other without an end."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self._documents_in_a_row: Counter[str] = Counter()
        self._looping: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._looping)

    def count(self, frame: str, url: str) -> None:
        """Count a new document of a frame; write to the journal when this makes the frame's navigations endless."""
        self._documents_in_a_row[frame] += 1
        if self._documents_in_a_row[frame] == ENDLESS_AFTER_DOCUMENTS and frame not in self._looping:
            self._looping.add(frame)
            self._log.endless_work(f"a navigation to {url}", url=url)

    def count_anew(self) -> None:
        """Begin to count anew, because so much virtual time has passed that each new document came after a pause."""
        self._documents_in_a_row.clear()

    def forget(self, frame: str) -> None:
        """Forget a frame that was removed from its page."""
        self._looping.discard(frame)
