"""The errors of the browser: a refused command, a page that is gone, a browser that is gone."""

from harness.base.errors import HarnessError


class DevToolsError(HarnessError):
    """A command that the browser refused."""

    def __init__(self, method: str, message: str) -> None:
        super().__init__(f"The browser refused {method}: {message}")


class PageGone(HarnessError):
    """A page that crashed or was closed while the harness used it."""

    def __init__(self, what: str = "The page crashed or was closed") -> None:
        super().__init__(
            f"{what} while it was in use. The journal holds everything that happened until then. Open a new stage."
        )


class BrowserGone(PageGone):
    """A browser that ended while the harness used it: it crashed, or it was killed."""

    def __init__(self) -> None:
        super().__init__("The browser ended")
