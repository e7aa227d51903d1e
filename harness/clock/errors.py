"""Errors of the clock: the page cannot be opened, or virtual time cannot advance."""

from collections.abc import Sequence

from harness.base.errors import HarnessError


class ClockStuck(HarnessError):
    """The error of a clock that waits for an answer that does not come."""

    def __init__(self, waiting: Sequence[str], seconds: float) -> None:
        """Make an error of the URLs without an answer and the real seconds of waiting.

        Without a URL a script of the page is to blame.
        """
        seen, remedy = "A script of the page does not end.", "Look for an endless loop in the script."
        if waiting:
            seen = f"No answer came from {', '.join(waiting[:3])}."
            remedy = "Answer the request, for example by page.route()."
        super().__init__(f"The clock could not advance for {seconds:.0f} s of real time. {seen} {remedy}")


class RequestStorm(HarnessError):
    """The error of a page that sent more requests than a limit allows."""

    def __init__(self, glob: str, at_most: int) -> None:
        """Make an error of the exceeded limit: the glob of its URLs, and the number of requests that it allows."""
        super().__init__(
            f"The page sent more than {at_most} requests to {glob}, so the clock was stopped. "
            "Look for requests that the page repeats without a pause."
        )


class TookTooLong(HarnessError):
    """The error of a clock that reached its deadline in real time."""

    def __init__(self, waiting: Sequence[str]) -> None:
        """Make an error of the URLs without an answer. No URLs: scripts of the page keep the browser busy."""
        seen = (
            f"no answer came from {', '.join(waiting[:3])}" if waiting else "scripts of the page keep the browser busy"
        )
        super().__init__(f"The page was stopped because it took too long in real time: {seen}. Allow more real time.")


class PageUnreachable(HarnessError):
    """The error of a page address at which nothing answers."""

    def __init__(self, url: str, seen: str) -> None:
        """Make an error of the address and the browser's error."""
        remedy = "start the app, or correct the address"
        if "ERR_CERT" in seen:
            remedy = (
                "accept the server's certificate with --ignore-https-errors (with pytest --pbi-ignore-https-errors), "
                "or renew it"
            )
        super().__init__(f"{url} could not be opened ({seen}); {remedy}.")
