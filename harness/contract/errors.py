"""Errors that keep a page from being judged."""

from harness.base.errors import HarnessError


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
