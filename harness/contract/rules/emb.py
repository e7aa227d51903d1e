"""EMB-1: does the page embed anything?"""

from urllib.parse import urlsplit

from fake_pbi.hosts import APP
from harness.contract.observation import Observation
from harness.contract.rule import Verdict, counted, failed, first_line, passed, rule, skipped, worthless
from harness.contract.scenarios import Scenarios


@rule(
    "EMB-1",
    "must",
    basis='The article: "Embedding and interacting with Power BI content requires an access token."',
)
def embeds(scenarios: Scenarios) -> Verdict:
    """It embeds an item with the real SDK: the iframe gets its load request with an unexpired token, and raises
    `loaded`."""
    observed = scenarios.first
    journal = observed.journal
    if loaded := observed.loaded:
        refused = scenarios.own_policy
        if refused and not refused.loaded:
            return failed(
                "The page's own Content-Security-Policy keeps the item out: with it in force nothing was loaded.",
                refused.journal.of("page.error")[:3],
                f"Its frame-src (or child-src, default-src) does not allow https://{APP}.",
            )
        first = journal.of("item.event", item=loaded[0], event="loaded")[0]
        return passed(
            f"{counted(len(loaded), 'item')} loaded; the first raised `loaded` at {observed.when(first)}.", [first]
        )
    frames = journal.of("embed.frame")
    applied = journal.of("token.applied")
    if not frames and observed.not_emulated:
        return skipped(
            f"The fake Power BI has no {observed.not_emulated}, so what this page embeds cannot be judged (docs/emulated.md)."
        )
    if not frames:
        return failed(
            f"Nothing was embedded in 30 s: no iframe of {APP} was made, and {_seen_instead(observed)}.",
            [*journal.of("page.error")[:3], *journal.of("host.refused")[:3]],
            _why_nothing(observed),
        )
    if observed.chosen and not observed.items:
        return failed(
            f"Item {observed.chosen} was to be judged, and the page embedded {counted(len(frames), 'item')}.",
            frames,
            "Correct --item: 1 is the first that the page embeds.",
        )
    if not applied:
        return failed(
            f"An iframe was made, no load request came; {_seen_instead(observed)}.",
            frames,
            "The SDK refused the configuration (a provider where it supports none, or a value that it does not know), and the page "
            "swallowed its exception: log it."
            if observed.had_a_token
            else "The page made an iframe to be ready (powerbi.bootstrap), and had no token then, or waits for its user.",
        )
    unusable = [entry for entry in applied if entry["state"] != "live"]
    if unusable:
        first = unusable[0]
        if first["state"] == "unknown" and first["token"] != "unknown":
            cause = "tokenType says another kind of token than the page has; without one it is Aad."
        elif first["state"] == "unknown" and journal.of("response", status=200) and scenarios.page.has_own_backend:
            cause = (
                "The page's backend does not get its tokens from the fake Power BI; have the fake answer the token requests "
                "(--token-url GLOB=embed --answer-tokens), or the page embeds with something that is no token."
            )
        else:
            cause = (
                "The page embeds with a token that it kept from an earlier visit, or with something that is no token."
            )
        return failed(
            f"The item was loaded at {observed.when(first)} with a token that was {worthless(first)}.", unusable, cause
        )
    raised = journal.of("item.event", event="error")
    return failed(f"The item never raised `loaded`; it raised {[entry['detail'] for entry in raised]}.", raised)


def _seen_instead(observed: Observation) -> str:
    """What there is to say of a page that embeds nothing."""
    errors = observed.journal.of("page.error")
    failures = observed.failures
    seen = [f"the page threw {first_line(errors[0]['text'])!r}" if errors else "the page threw nothing"]
    if failures:
        url, end = failures[0]
        seen.append(f"{url} answered {end['status'] or end['error']}")
    if refused := sorted({entry["host"] for entry in observed.journal.of("host.refused")}):
        seen.append(f"it was refused {', '.join(refused)}")
    if observed.moved:
        seen.append(f"it went to {observed.landed}")
    if observed.stopped:
        seen.append(observed.stopped.rstrip("."))
    return "; ".join(seen)


def _why_nothing(observed: Observation) -> str:
    if observed.stopped:
        return "A script of the page does not end, or its server does not answer."
    if observed.moved:
        return "That looks like a sign-in: give a signed-in session with --storage-state FILE, or an adapter with sign_in(page)."
    if observed.journal.of("host.refused"):
        return "A script or an API of another host is missing: open it with --allow-host GLOB."
    if missing := [url for url, _ in observed.failures if urlsplit(url).path.endswith((".js", ".mjs"))]:
        return f"A script of the page is missing: {missing[0]}."
    if observed.journal.of("page.error"):
        return (
            "The page's script ended before powerbi.embed() was called, or powerbi.embed() refused its configuration."
        )
    return (
        "powerbi.embed() was not called. A page that embeds only after a click needs an adapter with open(page): "
        "--adapter FILE.py."
    )
