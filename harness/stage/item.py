"""An embedded report, dashboard or tile, as its user sees it."""

from typing import Any

from harness.base.durations import Duration
from harness.base.journal import Entry, Journal
from harness.clock.clock import Clock
from harness.stage.frames import ItemFrames
from harness.stage.tab import Tab
from harness.stage.token_history import AppliedToken, Renewal, current_token, renewals


class Item:
    """An embedded item.

    Attributes:
        name: The item's number, in the order in which the frames were served ("1" is the first).
    """

    def __init__(self, name: str, frames: ItemFrames, journal: Journal, clock: Clock, tab: Tab) -> None:
        self.name = name
        self._frames, self._journal, self._clock, self._tab = frames, journal, clock, tab

    def __repr__(self) -> str:
        return f"Item({self.name!r})"

    def expect_loaded(self, within: Duration = "30s") -> None:
        """Advance the clock until the item has raised `loaded`.

        Args:
            within: Virtual time to wait, as a `timedelta` or a string with a unit.

        Raises:
            AssertionError: The item did not raise `loaded` in that time. The message says what it raised instead.
        """
        try:
            self._clock.advance_until(lambda: self.events("loaded"), within, every="0.1s")
        except AssertionError:
            errors = [entry["detail"] for entry in self.events("error")]
            raise AssertionError(
                f"Item {self.name} did not raise 'loaded' within {within}: it raised {errors or 'nothing'}."
            ) from None

    def change_page(self, name: str) -> Entry:
        """Click a page tab ("Page 2") and return the data request that this caused.

        Raises `HarnessError` if the tab is not shown, and `UsageError` if the report has no such page.
        """
        return self._act("change the page", {"kind": "page", "name": name})

    def filter(self, column: str, *values: str) -> Entry:
        """Filter the report to these values of a column and return the data request that this caused.

        Without values the filter is removed. Raises as `change_page` does.
        """
        return self._act("filter", {"kind": "filter", "column": column, "values": list(values)})

    def refresh(self) -> Entry:
        """Click refresh and return the data request that this caused. Raises as `change_page` does."""
        return self._act("refresh", {"kind": "refresh"})

    def _act(self, what: str, action: dict[str, Any]) -> Entry:
        self._tab.refuse_unless_shown(what)
        return self._frames.act(self.name, what, action)

    def state(self) -> dict[str, Any]:
        """Return what the item shows now: type, loaded, page, pages, filters, token, visuals, error."""
        return dict(self._frames.ask(self.name, "embeddedItem.state()"))

    def events(self, name: str) -> list[Entry]:
        """Return the events of a name ("loaded", "rendered", "error", ...) that the item raised, oldest first."""
        return self._journal.of("item.event", item=self.name, event=name)

    @property
    def renewals(self) -> list[Renewal]:
        """The renewals of the item, oldest first."""
        return renewals(self._journal, self.name)

    @property
    def hook_calls(self) -> list[Entry]:
        """The calls of the page's `accessTokenProvider`, oldest first."""
        return self._journal.of("hook.called", item=self.name)

    @property
    def hook_answers(self) -> list[Entry]:
        """The provider's answers, oldest first: `status`, and `answer`, which is token, null, undefined or other."""
        return self._journal.of("hook.answered", item=self.name)

    @property
    def token(self) -> AppliedToken | None:
        """The item's current token; None before the first token."""
        return current_token(self._journal, self.name, self._clock.now)
