"""What a command line cannot say about a page: how its user signs in, opens the report, uses it and removes it."""

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from harness.stage.item import Item
    from harness.stage.stage import Stage

REGIONS = ("North", "South", "West")


class Adapter:
    """Derive from it what your page needs; each method does nothing out of the ordinary by itself.

    While `sign_in`, `open` and `remove` run, time passes as in real life, so that Playwright's own waiting works. `stage` is
    the tab of the session under way, with its clock. Whatever a method raises ends the run with its message.
    """

    stage: "Stage"
    chance: random.Random
    """Where a method may do this or that; seeded, so that a run can be repeated."""

    def sign_in(self, page: "Page") -> None:
        """The page has been opened, perhaps on a sign-in; bring it to where the user works."""

    def open(self, page: "Page") -> None:
        """The user is there; do what it takes until the page embeds (click a tab, choose a report)."""

    def interact(self, item: "Item") -> None:
        """Use an item so that it asks for data: by default a change of page, a filter or a refresh."""
        state = item.state()
        if not state["loaded"]:
            return
        choice = self.chance.choice(["page", "filter", "refresh"]) if state["type"] == "report" else "refresh"
        if choice == "page":
            item.change_page(self.chance.choice(state["pages"]))
        elif choice == "filter":
            item.filter("Region", self.chance.choice(REGIONS))
        else:
            item.refresh()

    def remove(self, item: "Item") -> None:
        """Remove an item from the page, as its user would. DROP-1 is skipped where neither this nor a selector is given."""
        raise NotImplementedError
