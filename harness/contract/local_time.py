"""Midnights and changes to and from summer time in a time zone."""

from datetime import datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
HOURS_OF_A_YEAR = 366 * 24


def next_midnight(zone: str, since: datetime) -> datetime:
    """Return the first midnight after `since` in a time zone, an IANA name such as "Asia/Kolkata"."""
    local = since.astimezone(ZoneInfo(zone))
    return datetime.combine(local.date() + timedelta(days=1), time(), local.tzinfo)


def next_change(zone: str, since: datetime, *, begins: bool) -> datetime | None:
    """Return the first whole hour after `since` at which summer time has begun in a time zone, or has ended.

    `begins` chooses between the two. The result is None if no such change comes within a year.
    """
    first = since.replace(minute=0, second=0, microsecond=0)
    for before, after in pairwise(first + hour * HOUR for hour in range(HOURS_OF_A_YEAR)):
        if _is_summer(after, zone) == begins != _is_summer(before, zone):
            return after
    return None


def _is_summer(instant: datetime, zone: str) -> bool:
    return bool(instant.astimezone(ZoneInfo(zone)).dst())
