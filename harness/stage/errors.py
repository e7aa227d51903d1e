"""Errors of a stage: the page embeds nothing."""

from collections.abc import Sequence

from harness.base.errors import HarnessError


class NothingEmbedded(HarnessError):
    """The error of a page that has no Power BI item, or fewer items than the test asked for."""

    def __init__(
        self, url: str, found: int, errors: Sequence[str], refused: Sequence[str], status: int | None = None
    ) -> None:
        """Make the message.

        Args:
            url: The address of the page.
            found: The number of items that the page did embed.
            errors: The first lines of the page's uncaught errors.
            refused: The hosts that the gateway refused.
            status: The HTTP status of the page's document, if it is known.
        """
        seen = [f"it embedded {found}" if found else "no iframe of app.powerbi.com was seen"]
        if status and status >= 400:
            seen.insert(0, f"its server answered {status}")
        if errors:
            seen.append(f"the page threw {errors[0]!r}")
        if refused:
            seen.append(f"the gateway refused {', '.join(refused)} (stage.allow_host opens a host)")
        super().__init__(
            f"The page {url} did not embed the Power BI item that was asked for in 30 s of virtual time: "
            f"{'; '.join(seen)}. Check what it passes to powerbi.embed()."
        )
