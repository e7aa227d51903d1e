"""EMB-1 and TYPE-1: does the page embed anything, and does it use the automatic way where the SDK has it?"""

from urllib.parse import urlsplit

from fake_pbi.hosts import APP
from harness.contract.observation import UNSUPPORTED, Observation
from harness.contract.rule import Verdict, counted, failed, passed, rule, skipped, worthless
from harness.contract.scenarios import Scenarios

LONGEST_LINE = 160
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
    basis='The article: "Embedding and interacting with Power BI content requires an access token."',
)
def embeds(scenarios: Scenarios) -> Verdict:
    """It embeds an item with the real SDK: the iframe gets its load request with an unexpired token, and raises
    `loaded`."""
    observed = scenarios.first
    journal = observed.journal
    if loaded := loads(observed):
        refused = scenarios.own_policy
        if refused and not loads(refused):
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
            if _had_a_token(observed)
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


def _had_a_token(observed: Observation) -> bool:
    """Whether a token was seen on its way to the page, with which it could have embedded."""
    return bool(observed.journal.of("token.fetched"))


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


def first_line(text: str) -> str:
    """The first line of an exception's text, cut where it is long: the SDK puts whole configurations into it."""
    line = text.partition("\n")[0]
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…"


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
    if not applied and not _had_a_token(observed):
        return skipped("An iframe was made, and no token was seen with which the page could have embedded (EMB-1).")
    if not applied and not own_errors:
        return skipped(
            "An iframe was made, no load request came, and the page swallowed what the SDK may have said: whether it refused a "
            "provider cannot be seen (EMB-1)."
        )
    if not observed.registered:
        return passed("No accessTokenProvider was registered.")
    return passed("The accessTokenProvider was registered for a report with an Entra token.")
