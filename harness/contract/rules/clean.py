"""CLEAN-1: the page leaves no error uncaught."""

from harness.contract.fragments import GUARDED_CHECK
from harness.contract.observation import cut_short
from harness.contract.observations import EVERY_VISIT, Observations
from harness.contract.rule import Verdict, failed, passed, rule
from harness.contract.wording import counted, first_line


@rule(
    "CLEAN-1",
    "must",
    requires=("healthy", "status_500", EVERY_VISIT),
    needs_renewals=False,
    source="The HTML standard: an uncaught error is reported to the user's console. It also ends the function that "
    "should have renewed the token.",
    why="An uncaught error ends the function that should have renewed the token. Nobody notices, because the user "
    "does not read the console.",
    wrong="""
        let renewing = false;
        async function check() {
          if (renewing || !isDue()) return;
          renewing = true;
          try {
            await renew();
          } finally {
            renewing = false;
          }
        }
    """,
    right=GUARDED_CHECK,
)
def nothing_is_uncaught(seen: Observations) -> Verdict:
    """Require that no visit has an uncaught exception or an unhandled rejection.

    An uncaught error during an outage is a warning. The rule ignores "ResizeObserver loop" and the SDK's exception that
    TYPE-1 judges.
    """
    if not cut_short(*seen.healthy):
        _ = seen.of("status_500")  # Run one outage even if CLEAN-1 is the only rule that is judged.
    warning: Verdict | None = None
    for observed in seen.every_visit:
        errors = observed.errors
        if not errors:
            continue
        first = errors[0]
        kind = "unhandled rejection" if first["rejection"] else "uncaught exception"
        message = (
            f"{counted(len(errors), 'uncaught error')} ({observed.title}), the first at {observed.when(first)}: {kind} "
            f"{first_line(first['text'])!r}."
        )
        if not observed.is_outage:
            return failed(message, errors[:5])
        warning = warning or Verdict(
            "warned",
            message,
            errors[:5],
            "The renewal does not catch its errors. Add a catch that lets the next check try again; the updateToken "
            "of the article has none, either.",
        )
    return warning or passed(f"No uncaught error in {counted(len(seen.every_visit), 'visit')}.")
