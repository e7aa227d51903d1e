"""The lifetime of a cookie, as stated by the header or script that set the cookie."""

import contextlib
import math
import re
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from typing import NamedTuple

LONGEST_S = 400 * 86_400.0
"""The longest lifetime of a cookie in seconds: Chromium's limit, from RFC 6265bis."""


class StatedLifetime(NamedTuple):
    """The lifetime that a header or a script states for a cookie.

    The cookie ends after `seconds`, or at `until_s`, an instant in seconds since 1970. With neither, the
    cookie ends with the browser session.
    """

    name: str
    seconds: float | None = None
    until_s: float | None = None


def stated_in(line: str, *, date: str = "") -> StatedLifetime:
    """Return the lifetime that a `Set-Cookie` line or a value of `document.cookie` states, read as RFC 6265 demands.

    `date` is the `Date` header of the answer. If it is given, `Expires` becomes a number of seconds: the browser takes
    `Expires` for an instant on the clock that wrote the `Date` header.
    """
    pair, *attributes = line.split(";")
    name, equals, _ = pair.partition("=")
    stated = {key.strip().lower(): value.strip() for key, _, value in (part.partition("=") for part in attributes)}
    name = name.strip() if equals else ""
    if re.fullmatch(r"-?\d+", stated.get("max-age", "")):
        return StatedLifetime(name, seconds=float(stated["max-age"]))
    until_s, written_s = _instant(stated.get("expires", "")), _instant(date)
    if until_s is not None and written_s is not None:
        return StatedLifetime(name, seconds=until_s - written_s)
    return StatedLifetime(name, until_s=until_s)


def _instant(date: str) -> float | None:
    """Return the seconds since 1970 of a date in any of HTTP's formats, or None if the text is no date."""
    parts = parsedate_tz(date)
    with contextlib.suppress(ValueError, OverflowError):
        return None if parts is None else float(mktime_tz((*parts[:9], parts[9] or 0)))
    return None


@dataclass(frozen=True)
class CookieWrite:
    """The setting of one cookie: its stated lifetime, and the time of the setting."""

    stated: StatedLifetime
    set_at_ms: float
    """Page time, in milliseconds since 1970."""
    real_s: float
    """Real time, in seconds since 1970."""

    @property
    def listed_end_s(self) -> float:
        """The approximate real time at which the cookie ends by the browser's list, in seconds since 1970."""
        if self.stated.seconds is None:
            return self.stated.until_s or math.inf
        return self.real_s + min(self.stated.seconds, LONGEST_S)

    @property
    def end_ms(self) -> float:
        """The page time at which the cookie ends, in milliseconds since 1970."""
        if self.stated.seconds is None:
            return self.listed_end_s * 1000
        return self.set_at_ms + min(self.stated.seconds, LONGEST_S) * 1000
