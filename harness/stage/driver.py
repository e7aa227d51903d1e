"""The driver of a stage: the controls that the contract needs, and that a test author does not."""

import contextlib

from harness.base.journal import Journal
from harness.stage.stage import Stage
from harness.stage.token_traces import concealed, without_tokens


class Driver:
    """The controls of a stage during the visit to a page that nobody has prepared for the harness."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self._virtual = stage, stage.virtual

    @property
    def document_status(self) -> int | None:
        """The HTTP status that the server answered; None after the page itself has navigated to another address."""
        return self._virtual.document_status

    @property
    def content_type(self) -> str:
        """The content type of the document, as its server gives it; empty if it gives none."""
        return self._virtual.content_type

    @property
    def has_policy(self) -> bool:
        """True if the document has a Content-Security-Policy, as a header or as a meta element."""
        return self._virtual.has_policy

    def item_in(self, selector: str) -> str | None:
        """Return the number of the item whose iframe is, or stands in, the first matching element; None without one."""
        return self._virtual.run(self._stage.frames.number_in(selector))

    def look_back_for_tokens(self) -> None:
        """Journal the earlier answers with tokens of another service, which were unknown when the answers came."""
        if self._stage.leak_watch:
            self._stage.leak_watch.look_back()

    @property
    def journal_without_tokens(self) -> Journal:
        """A copy of the journal so far, in which the names of tokens stand in place of their texts."""
        return Journal.of_the_past(concealed(self._stage.journal, self._stage.cloud.tokens.all()))

    def without_tokens(self, text: str) -> str:
        """Return a text in which the names of tokens stand in place of their texts."""
        return str(without_tokens(text, self._stage.cloud.tokens.all()))

    def flowing(self) -> contextlib.AbstractContextManager[None]:
        """Let virtual time pass at the pace of real time within the block, as Playwright's own waiting needs."""
        return self._virtual.flowing()

    def leave_unattended(self, unattended: bool) -> None:
        """Stop, or resume, keeping Playwright's `page` up to date.

        Without these updates the clock takes a third less real time.
        """
        self._virtual.leave_unattended(unattended)

    def end_by(self, real_seconds: float) -> None:
        """Let the clock advance only until `real_time.seconds()` is `real_seconds`; then it raises `TookTooLong`."""
        self._virtual.end_by(real_seconds)
