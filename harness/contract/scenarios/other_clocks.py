"""The scenarios whose client has another clock, or stands in another time zone."""

from datetime import timedelta
from typing import Any

from harness.contract.local_time import next_change, next_midnight
from harness.contract.scenario import Setting, scenario
from harness.contract.visit import PageVisit, Plan

FAR_ZONE = "Asia/Kolkata"
"""A time zone that is far from UTC, and not by whole hours."""
CHANGING_ZONES = (("America/Los_Angeles", "ends"), ("America/Los_Angeles", "begins"))
"""Time zones with summer time, and whether the visit sees its beginning or its end."""
MORE_CHANGING_ZONES = (("Europe/London", "begins"), ("Australia/Lord_Howe", "ends"))
"""Time zones that only a thorough run adds. Lord Howe's clocks change by half an hour."""


@scenario(
    "The page's `Date` is 10 min slow, then 10 min fast. Each visit lasts two lifetimes, with interactions just before, "
    "at and after each expiry.",
)
def wrong_clocks(_: Setting) -> list[Plan]:
    """Plan the visits whose page time is 10 min behind service time, then 10 min ahead of it."""
    ways = {"slow": -timedelta(minutes=10), "fast": timedelta(minutes=10)}
    return [_brief(f"the client's clock is 10 min {way}", client_ahead=ahead) for way, ahead in ways.items()]


@scenario(
    "Asia/Kolkata across midnight; America/Los_Angeles across the next end and the next beginning of summer time. Each "
    "visit lasts two lifetimes, with interactions just before, at and after each expiry.",
)
def time_zones(setting: Setting) -> list[Plan]:
    """Plan the visits in other time zones.

    In one of them the day ends half an hour after the opening. In the others summer time begins or ends an hour after
    the opening.
    """
    now = setting.first.ended
    start = next_midnight(FAR_ZONE, now) - timedelta(minutes=30)
    plans = [_brief(f"in {FAR_ZONE}, across midnight", time_zone=FAR_ZONE, start=start)]
    for zone, way in (*CHANGING_ZONES, *(MORE_CHANGING_ZONES if setting.thorough else ())):
        change = next_change(zone, now, begins=way == "begins")
        if change:  # None if the zone has abolished summer time
            plans.append(_brief(f"in {zone}, as summer time {way}", time_zone=zone, start=change - timedelta(hours=1)))
    return plans


def _brief(title: str, **conditions: Any) -> Plan:
    """Return the plan of a visit of two lifetimes, with interactions around each expiry, and some between."""

    def use(visit: PageVisit) -> None:
        for lifetimes in (0.35, 0.7, 0.97, 1.03, 1.35, 1.7, 1.97, 2.03):
            since_open = lifetimes * visit.observed.lifetime
            visit.use_at_expiry(before=since_open)
            visit.advance_to(since_open)
            visit.interact()

    return Plan(title, use, conditions=conditions)
