"""Errors of the clock: the page cannot be opened, or virtual time cannot advance."""

from collections.abc import Sequence

from harness.base.errors import HarnessError


class ClockStuck(HarnessError):
    """Time waits for an answer that does not come."""

    def __init__(self, waiting: Sequence[str], seconds: float) -> None:
        for_what, remedy = "a script of the page that does not end", "look for an endless loop in it"
        if waiting:
            for_what, remedy = f"an answer from {', '.join(waiting[:3])}", "let it be answered, e.g. by page.route()"
        super().__init__(f"Time has stood still for {seconds:.0f} s, waiting for {for_what}; {remedy}.")


class RequestStorm(HarnessError):
    """A page sent more requests than a scenario allows."""

    def __init__(self, glob: str, at_most: int) -> None:
        super().__init__(f"The page sent more than {at_most} requests to {glob}; the session was ended there.")


class TookTooLong(HarnessError):
    """A session used up the real time that it was given."""

    def __init__(self, waiting: Sequence[str]) -> None:
        what = f"it waits for {', '.join(waiting[:3])}" if waiting else "its scripts keep the browser busy"
        super().__init__(f"The session was ended, because it took too long in real time: {what}.")


class PageUnreachable(HarnessError):
    """Nothing answers at the address of a page."""

    def __init__(self, url: str, seen: str) -> None:
        remedy = "start the app, or correct the address"
        if "ERR_CERT" in seen:
            remedy = "accept the server's certificate with --ignore-https-errors (with pytest --pbi-ignore-https-errors), or renew it"
        super().__init__(f"{url} could not be opened ({seen}); {remedy}.")
