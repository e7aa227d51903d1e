"""Requests that a service worker sends to answer a request of its page.

The browser reports both. For the clock and the journal they are one request: the page's. Their events come from two
processes, so that either event may come first.
"""

from collections.abc import Iterable

from harness.base.journal import Entry


class RelayedRequests:
    """The page's request for each request of a service worker."""

    def __init__(self) -> None:
        self._page_ids: dict[str, str] = {}
        self._unmatched: dict[str, Entry] = {}
        self._journalled_ids: dict[str, str] = {}

    def page_id(self, id: str) -> str:
        """Return the id of the page's request for which a service worker sent the request `id`; else `id` itself."""
        return self._page_ids.get(id, id)

    def journalled_id(self, id: str) -> str:
        """Return the id under which the journal has a page's request.

        This is the id of the service worker's request if the browser reported that request first.
        """
        return self._journalled_ids.get(id, id)

    def relay(self, id: str, candidates: Iterable[str]) -> bool:
        """Match a service worker's request with the first of a page's requests that is not matched yet.

        `candidates` are the ids of the pending requests to the same URL that have no answer. (The page may never read
        the rest of an answer that has begun.) Return False if no candidate is left.
        """
        matched = self._page_ids.values()
        page_id = next((candidate for candidate in candidates if candidate not in matched), None)
        if page_id is None:
            return False
        self._page_ids[id] = page_id
        return True

    def note_unmatched(self, id: str, entry: Entry) -> None:
        """Note the journal entry of a service worker's request that matches no request of a page that is known yet."""
        self._unmatched[id] = entry

    def take_over(self, url: str, page_id: str) -> tuple[str, Entry] | None:
        """Match a page's request with a service worker's request to the same URL whose event came first.

        Return the id and the journal entry of the service worker's request, or None if there is none.
        """
        id = next((id for id, entry in self._unmatched.items() if entry["url"] == url), None)
        if id is None:
            return None
        self._page_ids[id], self._journalled_ids[page_id] = page_id, id
        return id, self._unmatched.pop(id)

    def forget(self, id: str) -> None:
        """Forget a request that has ended."""
        self._page_ids.pop(id, None)
        self._unmatched.pop(id, None)
        self._journalled_ids.pop(id, None)
