"""When the clocks of a time zone change, and when its days begin."""

from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
HOURS_OF_A_YEAR = 366 * 24


def next_midnight(zone: str, since: datetime) -> datetime:
    """The first midnight after `since` in a zone."""
    local = since.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo)


def next_change(zone: str, since: datetime, *, begins: bool) -> datetime | None:
    """The first whole hour after `since`, within a year, at which summer time has begun in a zone, or ended."""
    first = since.replace(minute=0, second=0, microsecond=0)
    for before, after in pairwise(first + hour * HOUR for hour in range(HOURS_OF_A_YEAR)):
        if _is_summer(after, zone) == begins != _is_summer(before, zone):
            return after
    return None


def _is_summer(instant: datetime, zone: str) -> bool:
    return bool(instant.astimezone(ZoneInfo(zone)).dst())
