"""Errors of a stage: the page embeds nothing."""

from collections.abc import Sequence

from harness.base.errors import HarnessError


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
