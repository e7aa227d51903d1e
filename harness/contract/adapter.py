"""The base class of a user's adapter, which signs in to the page under test, opens, uses and removes its items."""

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from harness.stage.item import Item
    from harness.stage.stage import Stage

REGIONS = ("North", "South", "West")
"""Values of the filter that the default interaction sets. The values are regions of the fake report's sales table."""


class Adapter:
    """The actions of a user on a page under test. Derive a class and override the methods that your page needs.

    `sign_in` and `open` do nothing by default; `interact` uses an item at random; `remove` is not implemented.

    While `sign_in`, `open` and `remove` run, virtual time passes at the pace of real time, so that Playwright's own
    waiting works. `stage` is the tab of the current visit, with its clock. An exception in a method ends the run with
    the exception's message.
    """

    stage: "Stage"
    """The stage of the current visit. The contract sets `stage` before it calls a method."""
    chance: random.Random
    """Random choices for a method. The generator is seeded with `--seed`, so that a run can be repeated."""

    def sign_in(self, page: "Page") -> None:
        """Sign in. The page has been opened and may show a sign-in form; bring it to where the user works."""

    def open(self, page: "Page") -> None:
        """Make the page embed its items: click a tab, choose a report. The user has signed in before."""

    def interact(self, item: "Item") -> None:
        """Use an item so that it makes a data request.

        By default the interaction is random: a page change, a filter or a refresh in a report, a refresh in any other
        item. An item that has not loaded is left alone.
        """
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
        """Remove an item from the page, as its user would.

        DROP-1 is skipped if the adapter has no such method and the command line has no `--remove SELECTOR`.
        """
        raise NotImplementedError
