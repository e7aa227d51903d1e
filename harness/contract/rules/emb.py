"""EMB-1: the page embeds an item with a valid token."""

from urllib.parse import urlsplit

from fake_pbi.hosts import APP
from harness.contract.observation import Observation
from harness.contract.observations import FIRST_VISIT, Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped
from harness.contract.wording import counted, first_line, why_unusable


@rule(
    "EMB-1",
    "must",
    requires=(FIRST_VISIT, "own_policy"),
    needs_items=False,
    needs_renewals=False,
    source='The article: "Embedding and interacting with Power BI content requires an access token."',
    why="The user sees an empty frame or an error message in place of the report. Every other rule needs an item "
    "that works.",
    wrong="""
        async function embed() {
          const first = await fetchToken();
          report = powerbi.embed(element, {
            ...config,
            // Without tokenType, the SDK takes any token for an Entra token.
            accessToken: first.token,
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
          expires = first.expires;
        }
    """,
)
def embeds_an_item(seen: Observations) -> Verdict:
    """Require that the page embeds an item with the real SDK.

    The iframe receives a load request with a valid token and raises `loaded`.
    """
    observed = seen.first
    journal = observed.journal
    if loaded := observed.loaded:
        if observed.has_policy and not (with_policy := seen.of("own_policy")[0]).loaded:
            return failed(
                "No item loaded while the page's own Content-Security-Policy was in force.",
                with_policy.journal.of("page.error")[:3],
                f"The policy does not allow https://{APP} in its frame-src (or child-src, default-src). Add it there: "
                "the browser refuses the item's iframe.",
            )
        first = journal.of("item.event", item=loaded[0], event="loaded")[0]
        return passed(
            f"{counted(len(loaded), 'item')} loaded; the first raised `loaded` at {observed.when(first)}.", [first]
        )
    frames = journal.of("embed.frame")
    applied = journal.of("token.applied")
    if not frames and observed.not_emulated:
        return skipped(
            f"The fake Power BI does not emulate {observed.not_emulated}, so the item of this page cannot be judged "
            "(docs/emulated.md)."
        )
    if not frames:
        return failed(
            f"The page made no iframe of {APP} in 30 s; {_seen_instead(observed)}.",
            [*journal.of("page.error")[:3], *journal.of("host.refused")[:3]],
            _why_no_iframe(observed),
        )
    if observed.chosen and not observed.items:
        return failed(
            f"--item asks for item {observed.chosen}, and the page embedded {counted(len(frames), 'item')}.",
            frames,
            "Correct --item: 1 is the first item that the page embeds.",
        )
    if not applied:
        return failed(
            f"The page made an iframe and sent no load request; {_seen_instead(observed)}.",
            frames,
            "The SDK refused the configuration and the page hides the SDK's exception. Log the exception: it names "
            "the value that the SDK does not know, or the provider that the SDK does not support there."
            if observed.had_a_token
            else "The page prepared the iframe (powerbi.bootstrap) and had no token to embed with, or waits for its "
            "user. Make the token endpoint answer, or use an adapter with open(page).",
        )
    unusable = [entry for entry in applied if entry["state"] != "live"]
    if unusable:
        first = unusable[0]
        if first["state"] == "unknown" and first["token"] != "unknown":
            cause = (
                "tokenType names another kind of token than the page has. Set tokenType: without it the SDK takes Aad."
            )
        elif first["state"] == "unknown" and journal.of("response", status=200) and seen.page.has_own_backend:
            cause = (
                "The page's backend gets its tokens from another service than the fake Power BI. Let the fake answer "
                "the token requests: --token-url GLOB=embed --answer-tokens. If the backend does use the fake, the "
                "page embeds with a text that is no token."
            )
        else:
            cause = (
                "The page embeds with a token that it kept from an earlier visit, or with a text that is no token. "
                "Embed with the token that the token endpoint answers."
            )
        return failed(
            f"The item was loaded at {observed.when(first)} with an unusable token: {why_unusable(first)}.",
            unusable,
            cause,
        )
    raised = journal.of("item.event", event="error")
    return failed(f"The item never raised `loaded`; it raised {[entry['detail'] for entry in raised]}.", raised)


def _seen_instead(observed: Observation) -> str:
    """Return what a page that embeds nothing did instead, as clauses separated by semicolons."""
    errors = observed.journal.of("page.error")
    failures = observed.failures
    seen = [f"the page threw {first_line(errors[0]['text'])!r}" if errors else "the page threw nothing"]
    if failures:
        url, end = failures[0]
        seen.append(f"{url} answered {end['status'] or end['error']}")
    if refused := sorted({entry["host"] for entry in observed.journal.of("host.refused")}):
        seen.append(f"the harness refused requests to {', '.join(refused)}")
    if observed.moved:
        seen.append(f"the page went to {observed.landed}")
    if observed.stopped:
        seen.append(observed.stopped.rstrip("."))
    return "; ".join(seen)


def _why_no_iframe(observed: Observation) -> str:
    """Return the likely cause of a page that makes no iframe."""
    if observed.stopped:
        return "A script of the page does not end, or the page's server does not answer."
    if observed.moved:
        return (
            "The page probably went to a sign-in. Give a signed-in session with --storage-state FILE, or an adapter "
            "with sign_in(page)."
        )
    if observed.journal.of("host.refused"):
        return "The page needs a script or an API of another host. Open the host with --allow-host GLOB."
    if missing := [url for url, _ in observed.failures if urlsplit(url).path.endswith((".js", ".mjs"))]:
        return f"The page could not load one of its scripts: {missing[0]}. Serve the script, or correct its address."
    if observed.journal.of("page.error"):
        return (
            "The page's script ended before it called powerbi.embed(), or powerbi.embed() refused its configuration. "
            "Correct the error that the page threw."
        )
    return (
        "The page never called powerbi.embed(). A page that embeds only after a click needs an adapter with "
        "open(page): --adapter FILE.py."
    )
