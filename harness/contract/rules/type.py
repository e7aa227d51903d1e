"""TYPE-1: does the page use the automatic way only where the SDK has it?"""

from harness.contract.observation import UNSUPPORTED
from harness.contract.rule import Verdict, failed, first_line, passed, rule, skipped
from harness.contract.scenarios import Scenarios

UNSAID = "Uncaught (in promise)"
"""An error without a word: so the SDK rejects when it cannot post its message to the iframe."""


@rule(
    "TYPE-1",
    "must",
    basis=f'powerbi-client: "{UNSUPPORTED} in report SaaS embed".',
)
def provider_only_where_supported(scenarios: Scenarios) -> Verdict:
    """It uses `accessTokenProvider` only where the SDK supports it: report, create, quickCreate; token type Aad."""
    observed = scenarios.first
    thrown = [entry for entry in observed.journal.of("page.error") if UNSUPPORTED in entry["text"]]
    if thrown:
        return failed(
            f"The SDK threw at {observed.when(thrown[0])}: {first_line(thrown[0]['text'])}.",
            thrown,
            "A provider was registered for an embed token, or for something other than a report.",
        )
    frames, applied = observed.journal.of("embed.frame"), observed.journal.of("token.applied")
    if not frames:
        return skipped("Nothing was embedded (EMB-1).")
    own_errors = [entry for entry in observed.journal.of("page.error") if first_line(entry["text"]) != UNSAID]
    if not applied and not observed.had_a_token:
        return skipped("An iframe was made, and no token was seen with which the page could have embedded (EMB-1).")
    if not applied and not own_errors:
        return skipped(
            "An iframe was made, no load request came, and the page swallowed what the SDK may have said: whether it refused a "
            "provider cannot be seen (EMB-1)."
        )
    if not observed.registered:
        return passed("No accessTokenProvider was registered.")
    return passed("The accessTokenProvider was registered for a report with an Entra token.")
