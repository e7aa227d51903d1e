"""Errors that prevent a page from being judged."""

from harness.base.errors import HarnessError, UsageError


class AdapterFailed(HarnessError):
    """The error of an adapter whose method raised an exception."""

    def __init__(self, method: str, error: Exception) -> None:
        """Name the method ("OurApp.sign_in") and the first line of its exception."""
        lines = str(error).strip().splitlines()
        seen = type(error).__name__ + (f": {lines[0]}" if lines else "")
        super().__init__(f"The adapter's method {method}() raised {seen.rstrip('.')}. Correct the adapter.")


class NotAPage(HarnessError):
    """The error of an address that does not answer with an HTML page."""

    def __init__(self, url: str, seen: str) -> None:
        """Name the address, and the server's answer: "its server answered 404"."""
        super().__init__(f"No page to judge at {url}: {seen}. Give the address of the page that embeds the item.")


class RecordingError(UsageError):
    """The error of a recording that cannot be read. A terminal can show its message, whatever the recording contains."""

    def __init__(self, message: str) -> None:
        """Take a message, whose control characters are replaced."""
        super().__init__("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in message))


class NotRecorded(HarnessError):
    """The error of a rule that looks at a visit which was not recorded."""
