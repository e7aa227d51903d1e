"""One request whose answer is not complete."""

from dataclasses import dataclass

from harness.clock import real_time

READ_BY_SCRIPTS = {"XHR", "Fetch", "Preflight", "EventSource", "Media", "Other", "Ping"}
"""The DevTools resource types whose answers scripts read. The browser itself reads the answers of all others."""


@dataclass(frozen=True)
class Requester:
    """The document or worker that sent a request.

    The requests of a document or worker end when the document or worker ends. The browser does not always report this,
    so the clock ends these requests itself.
    """

    session: str | None
    """The id of the DevTools session."""
    frame: str
    """The id of the frame; empty for a worker."""
    loader: str
    """The id that distinguishes a document from the earlier documents of its frame; empty for a worker."""


@dataclass
class PendingRequest:
    """A request whose answer is not complete."""

    url: str
    kind: str
    """DevTools' resource type, such as "Fetch" or "Document"."""
    waiting_since_s: float
    """Reading of `real_time.seconds()` when the request was sent, or passed on if it was delayed."""
    sent_ms: float
    """Virtual time, in milliseconds since 1970, at which the request was sent."""
    requester: Requester
    is_endless: bool = False
    """True once the request has timed out: the clock does not wait for it any longer."""
    answered_s: float | None = None
    """Reading of `real_time.seconds()` when the head of the answer came; None until then."""
    may_be_unread: bool = False
    """True after the head of a fetch's answer came, until `take_unread` reports it: the page may never
    read the body."""
    is_handed_over: bool = False
    """True if the harness gave the browser the whole answer at once."""

    def begin_answer(self) -> None:
        """Note that the head of the answer has come."""
        self.answered_s, self.may_be_unread = real_time.seconds(), self.kind == "Fetch"

    def hand_over(self) -> None:
        """Note that the harness gives the browser the whole answer at once."""
        self.is_handed_over = True

    def restart(self) -> None:
        """Begin the timeout anew, because the request was delayed and reaches its server only now."""
        self.waiting_since_s = real_time.seconds()

    def take_unread(self) -> bool:
        """Return whether the head of a fetch's answer has come since the last call."""
        may_be_unread, self.may_be_unread = self.may_be_unread, False
        return may_be_unread

    @property
    def address(self) -> str:
        """The URL without its query, which may differ from request to request."""
        return self.url.partition("?")[0]

    @property
    def is_read_by_scripts(self) -> bool:
        """True if a script reads the answer. The script may never do so, or the answer may have no end."""
        return self.kind in READ_BY_SCRIPTS

    @property
    def is_awaited(self) -> bool:
        """True if the clock waits for the answer or for the rest of it."""
        return not (self.is_endless or (self.is_handed_over and self.answered_s is not None))
