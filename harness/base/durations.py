"""Durations as people write them: a `timedelta`, or a string with units such as "90min", "24h" or "60min 15s"."""

from datetime import timedelta

import pytimeparse2

Duration = timedelta | str
"""A length of time: a `timedelta`, or a string with units that `duration` can read."""


class DurationError(ValueError):
    """A value that cannot be read as a duration. The message names the value and says what to write instead."""


def duration(value: Duration) -> timedelta:
    """Return a duration as a `timedelta`.

    `value` is a `timedelta`, or a string with units ("90min", "24h", "1h 30min", "0.5s"). A bare number is refused,
    because the reader of a test cannot see its unit.

    Raises `DurationError` for a value without a unit, for text that cannot be read, and for a negative duration.
    """
    remedy = 'write a timedelta or a string with a unit, such as "90min" or "24h"'
    if isinstance(value, timedelta):
        seconds: float | None = value.total_seconds()
    elif not isinstance(value, str) or not any(character.isalpha() for character in value):
        raise DurationError(f"{value!r} is not a duration: it has no unit; {remedy}.")
    else:
        # as_timedelta=True would return dateutil's relativedelta, another type, where dateutil is installed.
        seconds = pytimeparse2.parse(value)
    if seconds is None:
        raise DurationError(f"{value!r} is not a duration; {remedy}.")
    if seconds < 0:
        raise DurationError(f"{value!r} is not a duration: it is negative; {remedy}.")
    return timedelta(seconds=seconds)


def format_duration(length: timedelta) -> str:
    """Return a duration as a stopwatch shows it: "50:00" is 50 minutes, "24:00:00" is 24 hours.

    Milliseconds appear only where they are not zero: "50:00.200". A negative duration begins with "-".
    """
    milliseconds = round(length / timedelta(milliseconds=1))
    seconds, rest = divmod(abs(milliseconds), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
    return ("-" if milliseconds < 0 else "") + clock + (f".{rest:03}" if rest else "")
