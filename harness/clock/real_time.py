"""Real time, for use while Python's own clock follows service time. service_clock.py exempts this module."""

import time


def seconds() -> float:
    """Return a reading in real seconds. Only the difference between two readings has a meaning."""
    return time.perf_counter()


def now() -> float:
    """Return real time in seconds since 1970, as other processes read it."""
    return time.time()
