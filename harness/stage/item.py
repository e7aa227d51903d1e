"""An embedded report, dashboard or tile as its user sees it."""

from typing import Any

from harness.base.durations import Duration
from harness.base.journal import Entry, Journal
from harness.clock.clock import Clock
from harness.stage.frames import ItemFrames
from harness.stage.tab import Tab
from harness.stage.token_history import AppliedToken, Renewal, current_token, renewals


class Item:
    """One embedded item, named by the order in which the iframes were served ("1" is the first)."""

    def __init__(self, name: str, frames: ItemFrames, journal: Journal, clock: Clock, tab: Tab) -> None:
        self.name = name
        self._frames, self._journal, self._clock, self._tab = frames, journal, clock, tab

    def __repr__(self) -> str:
        return f"Item({self.name!r})"

    def expect_loaded(self, within: Duration = "30s") -> None:
        """Let time pass until the item has raised `loaded`. Raises `AssertionError` with what it raised instead."""
        try:
            self._clock.advance_until(lambda: self.events("loaded"), within, every="0.1s")
        except AssertionError:
            errors = [entry["detail"] for entry in self.events("error")]
            raise AssertionError(
                f"Item {self.name} did not raise 'loaded' within {within}: it raised {errors or 'nothing'}."
            ) from None

    def change_page(self, name: str) -> Entry:
        """Click a page tab ("Page 2"). Returns the data request that it made."""
        return self._act("change the page", {"kind": "page", "name": name})

    def filter(self, column: str, *values: str) -> Entry:
        """Filter the report to these values of a column; none means all. Returns the data request that it made."""
        return self._act("filter", {"kind": "filter", "column": column, "values": list(values)})

    def refresh(self) -> Entry:
        """Click refresh. Returns the data request that it made."""
        return self._act("refresh", {"kind": "refresh"})

    def _act(self, what: str, action: dict[str, Any]) -> Entry:
        self._tab.refuse_unless_shown(what)
        return self._frames.act(self.name, what, action)

    def state(self) -> dict[str, Any]:
        """What the item shows now: page, filters, token, error."""
        return dict(self._frames.ask(self.name, "embeddedItem.state()"))

    def events(self, name: str) -> list[Entry]:
        """The events of that name that the item raised ("loaded", "rendered", "error", …), oldest first."""
        return self._journal.of("item.event", item=self.name, event=name)

    @property
    def renewals(self) -> list[Renewal]:
        """The tokens that it accepted before the old one expired, oldest first."""
        return renewals(self._journal, self.name)

    @property
    def hook_calls(self) -> list[Entry]:
        """The calls of the page's `accessTokenProvider`, oldest first."""
        return self._journal.of("hook.called", item=self.name)

    @property
    def hook_answers(self) -> list[Entry]:
        """What came back, oldest first: status, and answer: token, null, undefined or other."""
        return self._journal.of("hook.answered", item=self.name)

    @property
    def token(self) -> AppliedToken | None:
        """The token that it holds now."""
        return current_token(self._journal, self.name, self._clock.now)
