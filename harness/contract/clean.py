"""CLEAN-1: nothing is thrown that nobody catches."""

from harness.contract.embedding import UNSUPPORTED, first_line
from harness.contract.observation import cut_short
from harness.contract.rule import Verdict, counted, failed, passed, rule
from harness.contract.scenarios import Scenarios

HARMLESS = "ResizeObserver loop"


@rule(
    "CLEAN-1",
    "must",
    text="no uncaught exception and no unhandled rejection in a healthy scenario; during an outage a warning",
    basis="HTML: what nobody catches is reported to the user's console, and ends the function that should have renewed.",
)
def nothing_uncaught(scenarios: Scenarios) -> Verdict:
    if not cut_short(*scenarios.healthy):
        _ = scenarios.token_outage  # the one scenario that a page without a provider would not see otherwise
    warning: Verdict | None = None
    for observed in scenarios.observed:
        errors = [
            entry
            for entry in observed.journal.of("page.error")
            if UNSUPPORTED not in entry["text"] and HARMLESS not in entry["text"]
        ]
        if not errors:
            continue
        first = errors[0]
        kind = "unhandled rejection" if first["rejection"] else "uncaught exception"
        message = (
            f"{counted(len(errors), 'error')} that nobody caught ({observed.title}), the first at {observed.when(first)}: {kind} "
            f"{first_line(first['text'])!r}."
        )
        if observed is not scenarios.outage:
            return failed(message, errors[:5])
        warning = Verdict("warned", message, errors[:5], "The article leaves this open: its updateToken has no catch.")
    return warning or passed(f"{len(scenarios.observed)} sessions, nothing uncaught.")
