"""TYPE-1: the page registers a provider only where the SDK supports one."""

from harness.contract.observation import UNSUPPORTED
from harness.contract.observations import FIRST_VISIT, Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.wording import first_line

MESSAGE_NOT_POSTED = "Uncaught (in promise)"
"""The text of the SDK's rejection, without a message, when the SDK cannot post to the iframe."""


@rule(
    "TYPE-1",
    "must",
    requires=(FIRST_VISIT,),
    needs_items=False,
    needs_renewals=False,
    source=f'powerbi-client: "{UNSUPPORTED} in report SaaS embed".',
    why="`powerbi.embed()` throws an exception, and the user sees no report.",
    wrong="""
        async function embed() {
          const first = await fetchToken();
          report = powerbi.embed(element, {
            ...config,
            accessToken: first.token,
            tokenType: models.TokenType.Embed,
            eventHooks: { accessTokenProvider: async () => (await fetchToken()).token },
          });
          expires = first.expires;
        }
    """,
    right="""
        async function embed() {
          const first = await fetchToken();
          report = powerbi.embed(element, {
            ...config,
            accessToken: first.token,
            tokenType: models.TokenType.Embed,
          });
          expires = first.expires; // so that check() can renew by setAccessToken
        }
    """,
)
def provider_only_where_supported(seen: Observations) -> Verdict:
    """Require that `accessTokenProvider` is registered only where the SDK supports it.

    The SDK supports it for report, create and quickCreate with the token type Aad.
    """
    observed = seen.first
    thrown = [entry for entry in observed.journal.of("page.error") if UNSUPPORTED in entry["text"]]
    if thrown:
        return failed(
            f"The SDK threw at {observed.when(thrown[0])}: {first_line(thrown[0]['text'])}.",
            thrown,
            "The page registers an accessTokenProvider for an embed token, or for an item that is no report. Renew "
            "such an item with setAccessToken: the SDK supports providers only for reports with an Entra token.",
        )
    frames, applied = observed.journal.of("embed.frame"), observed.journal.of("token.applied")
    if not frames:
        return skipped("Nothing was embedded (EMB-1).")
    own_errors = [
        entry for entry in observed.journal.of("page.error") if first_line(entry["text"]) != MESSAGE_NOT_POSTED
    ]
    if not applied and not observed.had_a_token:
        return skipped("The page made an iframe and never received a token to embed with (EMB-1).")
    if not applied and not own_errors:
        return skipped(
            "The page made an iframe and sent no load request. The page also hides the SDK's exception, so nobody can "
            "see whether the SDK refused a provider (EMB-1)."
        )
    if not observed.registered:
        return passed("The page registers no accessTokenProvider.")
    return passed("The page registers its accessTokenProvider for a report with an Entra token.")
