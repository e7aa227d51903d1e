"""CLEAN-1: does the page throw anything that nobody catches?"""

from harness.contract.observation import cut_short
from harness.contract.rule import Verdict, counted, failed, first_line, passed, rule
from harness.contract.scenarios import Scenarios


@rule(
    "CLEAN-1",
    "must",
    basis="HTML: what nobody catches is reported to the user's console, and ends the function that should have renewed.",
)
def nothing_uncaught(scenarios: Scenarios) -> Verdict:
    """No uncaught exception and no unhandled rejection in a healthy scenario; during an outage a warning."""
    if not cut_short(*scenarios.healthy):
        _ = scenarios.errors  # an outage, which nothing else may have asked for
    warning: Verdict | None = None
    for observed in scenarios.observed:
        errors = observed.errors
        if not errors:
            continue
        first = errors[0]
        kind = "unhandled rejection" if first["rejection"] else "uncaught exception"
        message = (
            f"{counted(len(errors), 'error')} that nobody caught ({observed.title}), the first at {observed.when(first)}: {kind} "
            f"{first_line(first['text'])!r}."
        )
        if observed not in scenarios.outages:
            return failed(message, errors[:5])
        warning = warning or Verdict(
            "warned", message, errors[:5], "A renewal has no catch (nor has the updateToken of the article)."
        )
    return warning or passed(f"{len(scenarios.observed)} sessions, nothing uncaught.")
