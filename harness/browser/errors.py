"""Errors of the browser: it refused a command, its page is gone, or the browser itself is."""

from harness.base.errors import HarnessError


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
