"""EMB-1 and TYPE-1: does the page embed anything, and does it use the automatic way where the SDK has it?"""

from harness.contract.observation import Observation
from harness.contract.rule import Verdict, counted, failed, passed, rule
from harness.contract.scenarios import Scenarios

UNSUPPORTED = "accessTokenProvider is only supported"
"""The SDK's own exception. Source: powerbi-client, src/embed.ts, validateEventHooks."""
UNSAID = "Uncaught (in promise)"
"""An error without a word: so the SDK rejects when it cannot post its message to the iframe."""


def loads(observed: Observation) -> list[str]:
    """The items that were loaded with a token that lived, and said so."""
    return [
        item
        for item in observed.items
        if observed.journal.of("token.applied", item=item, how="load", state="live")
        and observed.journal.of("item.event", item=item, event="loaded")
    ]


@rule(
    "EMB-1",
    "must",
    text="it embeds an item with the real SDK: the iframe gets its load request with an unexpired token, and raises `loaded`",
    basis='The article: "Embedding and interacting with Power BI content requires an access token."',
)
def embeds(scenarios: Scenarios) -> Verdict:
    observed = scenarios.healthy[0]
    journal = observed.journal
    if loaded := loads(observed):
        first = journal.of("item.event", item=loaded[0], event="loaded")[0]
        return passed(
            f"{counted(len(loaded), 'item')} loaded; the first raised `loaded` at {observed.when(first)}.", [first]
        )
    frames = journal.of("embed.frame")
    errors = journal.of("page.error")
    applied = journal.of("token.applied")
    if not frames:
        seen = (
            f"no iframe of app.powerbi.com was made; the page threw {first_line(errors[0]['text'])!r}"
            if errors
            else ("no iframe of app.powerbi.com was made, and the page threw nothing")
        )
        return failed(
            f"Nothing was embedded in 30 s: {seen}.",
            errors,
            "powerbi.embed() was not called, or refused its configuration.",
        )
    if not applied:
        return failed(
            "An iframe was made, no load request came.",
            frames,
            "The SDK refused the configuration after it had made the iframe.",
        )
    unusable = [entry for entry in applied if entry["state"] != "live"]
    if unusable:
        first = unusable[0]
        return failed(
            f"The item was loaded at {observed.when(first)} with a token that was {first['state']}.",
            unusable,
            "The page embeds with a token that it kept from an earlier visit, or with something that is no token.",
        )
    raised = journal.of("item.event", event="error")
    return failed(f"The item never raised `loaded`; it raised {[entry['detail'] for entry in raised]}.", raised)


def first_line(text: str) -> str:
    return text.splitlines()[0] if text else text


@rule(
    "TYPE-1",
    "must",
    text="it uses `accessTokenProvider` only where the SDK supports it: report, create, quickCreate; token type Aad",
    basis=f'powerbi-client: "{UNSUPPORTED} in report SaaS embed".',
)
def provider_only_where_supported(scenarios: Scenarios) -> Verdict:
    observed = scenarios.healthy[0]
    thrown = [entry for entry in observed.journal.of("page.error") if UNSUPPORTED in entry["text"]]
    if thrown:
        return failed(
            f"The SDK threw at {observed.when(thrown[0])}: {first_line(thrown[0]['text'])}.",
            thrown,
            "A provider was registered for an embed token, or for something other than a report.",
        )
    frames, applied = observed.journal.of("embed.frame"), observed.journal.of("token.applied")
    own_errors = [entry for entry in observed.journal.of("page.error") if first_line(entry["text"]) != UNSAID]
    if frames and not applied and not own_errors:
        return failed(
            "An iframe was made, no load request came.",
            frames,
            "The SDK refused the provider, and the page swallowed its exception.",
        )
    if not observed.providers:
        return passed("No accessTokenProvider was registered.")
    return passed("The accessTokenProvider was registered for a report with an Entra token.")
