"""What can go wrong, as exceptions whose text is one sentence for the person at the terminal.

    HarnessError             exit 3   the harness itself could not go on
    ├── SetupError           exit 3   something that it needs could not be installed or found
    ├── UsageError           exit 4   an option, argument or variable is wrong
    ├── PageUnreachable      exit 3   nothing answers at the page's address
    ├── AdapterFailed        exit 3   the user's adapter raised
    ├── NotAPage             exit 3   what answers there is no page
    ├── NothingEmbedded      exit 3   a page has no Power BI item
    ├── RequestStorm         exit 3   a page sent more requests than a scenario allows
    ├── ClockStuck           exit 3   time waits for an answer that does not come
    ├── TookTooLong          exit 3   a session used up its real time
    ├── DevToolsError        exit 3   the browser refused a command
    └── PageGone             exit 3   the page crashed or was closed
        └── BrowserGone      exit 3   the browser ended

Exit codes are pytest's: 1 a check failed, 2 interrupted, 3 an error of our own, 4 wrong usage. An error says what
happened, what was seen, and what to do.
"""

from collections.abc import Sequence
from typing import ClassVar


class HarnessError(Exception):
    """The harness could not go on; `exit_code` is what the command line ends with."""

    exit_code: ClassVar[int] = 3


class SetupError(HarnessError):
    """Something that the harness needs could not be installed or found."""


class UsageError(HarnessError):
    """The user's own words cannot be followed: an option, an argument or a variable of the environment."""

    exit_code: ClassVar[int] = 4


class PageUnreachable(HarnessError):
    """Nothing answers at the address of a page."""

    def __init__(self, url: str, seen: str) -> None:
        remedy = "start the app, or correct the address"
        if "ERR_CERT" in seen:
            remedy = "accept the server's certificate with --ignore-https-errors (with pytest --pbi-ignore-https-errors), or renew it"
        super().__init__(f"{url} could not be opened ({seen}); {remedy}.")


class AdapterFailed(HarnessError):
    """A method of the user's adapter raised."""

    def __init__(self, method: str, error: Exception) -> None:
        said = str(error).strip().splitlines() or [""]
        super().__init__(
            f"{method}() of the adapter ended with {type(error).__name__}: {said[0]}; correct the adapter."
        )


class NotAPage(HarnessError):
    """What answers at an address is no HTML page, or says that there is none."""

    def __init__(self, url: str, seen: str) -> None:
        super().__init__(
            f"{url} is no page that could be judged: {seen}; give the address of the page that embeds the item."
        )


class NothingEmbedded(HarnessError):
    """A page has no Power BI item, or not as many as were asked for."""

    def __init__(
        self, url: str, found: int, errors: Sequence[str], refused: Sequence[str], status: int | None = None
    ) -> None:
        seen = [f"it has {found} of them" if found else "no iframe of app.powerbi.com was seen"]
        if status and status >= 400:
            seen.insert(0, f"its server answered {status}")
        if errors:
            seen.append(f"the page threw {errors[0]!r}")
        if refused:
            seen.append(f"it was refused {', '.join(refused)} (stage.allow_host opens a host)")
        super().__init__(
            f"The page {url} did not embed the Power BI item that was asked for in 30 s of virtual time: "
            f"{'; '.join(seen)}. Check what it passes to powerbi.embed()."
        )


class RequestStorm(HarnessError):
    """A page sent more requests than a scenario allows."""

    def __init__(self, glob: str, at_most: int) -> None:
        super().__init__(f"The page sent more than {at_most} requests to {glob}; the session was ended there.")


class ClockStuck(HarnessError):
    """Time waits for an answer that does not come."""

    def __init__(self, waiting: Sequence[str], seconds: float) -> None:
        for_what, remedy = "a script of the page that does not end", "look for an endless loop in it"
        if waiting:
            for_what, remedy = f"an answer from {', '.join(waiting[:3])}", "let it be answered, e.g. by page.route()"
        super().__init__(f"Time has stood still for {seconds:.0f} s, waiting for {for_what}; {remedy}.")


class TookTooLong(HarnessError):
    """A session used up the real time that it was given."""

    def __init__(self, waiting: Sequence[str]) -> None:
        what = f"it waits for {', '.join(waiting[:3])}" if waiting else "its scripts keep the browser busy"
        super().__init__(f"The session was ended, because it took too long in real time: {what}.")


class DevToolsError(HarnessError):
    """The browser refused a command."""

    def __init__(self, method: str, message: str) -> None:
        super().__init__(f"The browser refused {method}: {message}")


class PageGone(HarnessError):
    """The page crashed or was closed in the middle of the work."""

    def __init__(self, what: str = "The page crashed or was closed") -> None:
        super().__init__(
            f"{what} in the middle of the work; the journal has all that happened until then. Open a new stage."
        )


class BrowserGone(PageGone):
    """The browser ended: it crashed, or somebody killed it."""

    def __init__(self) -> None:
        super().__init__("The browser ended")
