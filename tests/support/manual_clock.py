"""A clock for the fake cloud and the journal, which only the test moves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)


class Clock:
    """Service time, which moves only when the test says so. `follow` is called with each new time."""

    def __init__(self) -> None:
        self.time = START
        self.follow: Callable[[datetime], object] = lambda _: None

    def now(self) -> datetime:
        """Return service time."""
        return self.time

    def advance(self, **length: float) -> None:
        """Move service time forward. `length` has the arguments of `timedelta`."""
        self.time += timedelta(**length)
        self.follow(self.time)
