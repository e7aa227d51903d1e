"""Durations as people write them: a `timedelta`, or a string with a unit such as "90min", "24h" or "60min 15s"."""

from datetime import timedelta

import pytimeparse2

Duration = timedelta | str


class DurationError(ValueError):
    """Something that is no duration was given as one; the text says what to write instead."""


def duration(value: Duration) -> timedelta:
    """The `timedelta` that `value` means.

    `value` is a `timedelta`, or a string with units ("90min", "24h", "1h 30min", "0.5s"). A bare number is refused,
    because the reader of a test cannot see its unit.

    Raises `DurationError` with a sentence that says what to write instead.
    """
    remedy = 'write a timedelta or a string with a unit, such as "90min" or "24h"'
    if isinstance(value, timedelta):
        seconds: float | None = value.total_seconds()
    elif not isinstance(value, str) or not any(character.isalpha() for character in value):
        raise DurationError(f"{value!r} is not a duration: it has no unit; {remedy}.")
    else:
        # Not as_timedelta=True: where dateutil is installed, that means its relativedelta, which is another type.
        seconds = pytimeparse2.parse(value)
    if seconds is None:
        raise DurationError(f"{value!r} is not a duration; {remedy}.")
    if seconds < 0:
        raise DurationError(f"{value!r} is not a duration: time does not run backwards; {remedy}.")
    return timedelta(seconds=seconds)


def spoken(length: timedelta) -> str:
    """`length` as a clock shows it since the page opened: "50:00", "24:00:00", with milliseconds only where there are some."""
    milliseconds = round(length / timedelta(milliseconds=1))
    seconds, rest = divmod(abs(milliseconds), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"
    return ("-" if milliseconds < 0 else "") + clock + (f".{rest:03}" if rest else "")
