"""The scenario in which the user removes an item."""

from harness.contract.measures import BRIEF_LIFETIMES, RETURNS
from harness.contract.scenario import Setting, scenario
from harness.contract.visit import BRIEF_WATCH, PageVisit, Plan


@scenario(
    "The item is removed after 5 min. The page is watched for 2.2 lifetimes and for three absences of a minute. There is "
    "no such visit if the harness does not know how to remove an item.",
)
def removal(setting: Setting) -> list[Plan]:
    """Plan the visit in which the user removes an item a few minutes after loading."""
    return [Plan("an item is removed", _remove_one)] if setting.under_test.can_remove else []


def _remove_one(visit: PageVisit) -> None:
    stage, (first, *_) = visit.stage, visit.items()
    stage.clock.advance("5min")
    visit.interact()
    visit.remove(first)
    visit.observed.removed = stage.clock.now
    stage.clock.advance(BRIEF_LIFETIMES * visit.observed.lifetime)
    for _ in range(RETURNS):
        with stage.tab.hidden():
            stage.clock.advance("1min")
        visit.watch_return(BRIEF_WATCH)
