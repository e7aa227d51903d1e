"""The conditions of a page: its start, its clock and its time zone."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from harness.clock.service_clock import ServiceClock


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """The conditions of a page: its start, its clock, its time zone, and the checks that the browser leaves out.

    Attributes:
        start: Service time when the tab opens: an aware datetime, not before the real now. The default is the next
            whole minute.
        client_ahead: The time by which the page's own clock is fast; negative if it is slow.
        time_zone: An IANA name such as "Asia/Kolkata". The default is the machine's time zone.
        ignore_https_errors: Accept any certificate, as Playwright's option of this name does.
        bypass_csp: Do not enforce the page's Content-Security-Policy, which would refuse the request of a time hold.
    """

    start: datetime | None = None
    client_ahead: timedelta = timedelta(0)
    time_zone: str | None = None
    ignore_https_errors: bool = False
    bypass_csp: bool = True

    def service_clock(self) -> ServiceClock:
        """Return a clock that stands at the start."""
        earliest = next_minute()
        return ServiceClock(max(self.start or earliest, earliest), self.client_ahead)


def next_minute() -> datetime:
    """Return the earliest instant at which virtual time may begin: the next whole minute of real time.

    The browser judges certificates, and the expiry of new cookies, by real time. So virtual time never begins before
    the present.
    """
    return datetime.fromtimestamp(math.ceil(datetime.now(UTC).timestamp() / 60) * 60, UTC)
