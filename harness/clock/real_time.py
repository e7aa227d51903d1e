"""Real seconds, while Python's own time follows the virtual clock (service_clock.py leaves this module alone)."""

import time


def seconds() -> float:
    """A reading in real seconds; only differences between two of them mean anything."""
    return time.perf_counter()


def now() -> float:
    """Real time in seconds since 1970: what other processes call now."""
    return time.time()
