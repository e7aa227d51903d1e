"""The lengths and limits of visits that scenarios and rules share."""

from datetime import timedelta

OBSERVED_LIFETIMES = 3.2
"""The length of a healthy visit, in lifetimes: long enough for three renewals."""
BRIEF_LIFETIMES = 2.2
"""The length of the visit in which an item is removed, in lifetimes: long enough for two renewals."""
RETURNS = 3
"""The returns to the tab after an item was removed. The returns outnumber the one further request that DROP-1
allows."""
BRIEF_OUTAGE, LONG_OUTAGE = timedelta(minutes=2), timedelta(minutes=10)
HOT_LOOP_REQUESTS = 120
"""The requests in a long outage, per item, beyond which the page is in a hot loop: one in 5 s."""
