"""LEAK-1: does a token get to a place where it does not belong?"""

from harness.base.journal import Entry
from harness.contract.rule import Verdict, failed, passed, rule
from harness.contract.scenarios import Scenarios


@rule(
    "LEAK-1",
    "must",
    basis="The article's token gives whoever has it the report: it belongs into the Authorization header and the embed "
    "configuration. OAuth 2.0 Security (RFC 9700): not into URLs or logs.",
)
def nothing_leaks(scenarios: Scenarios) -> Verdict:
    """No token in a URL, a Referer header, a storage, IndexedDB, Cache Storage, a cookie or the console."""
    tolerated = None
    for observed in scenarios.observed:
        leaks = observed.journal.of("token.leaked")
        worse = [entry for entry in leaks if not _kept_by_msal(entry)]
        if worse:
            first = worse[0]
            places = sorted({f"{entry['where']} ({entry['detail']})" for entry in worse})
            return failed(
                f"At {observed.when(first)} ({observed.title}) {first['token']} stood in the {first['where']}"
                f"{'' if first['form'] == 'as it is' else ', ' + first['form']}; places: {'; '.join(places[:4])}.",
                worse[:5],
                "A log line, a cache or a link that was handy while the page was written.",
            )
        if leaks and tolerated is None:
            tolerated = (observed, leaks)
    if tolerated:
        observed, leaks = tolerated
        return Verdict(
            "warned",
            f"MSAL keeps tokens in the {leaks[0]['where']} ({leaks[0]['detail']}), where every script of the page can read them.",
            leaks[:3],
            'Its cacheLocation is "localStorage" or "sessionStorage"; "memoryStorage" keeps them out of there.',
        )
    return passed(f"{len(scenarios.observed)} sessions, no token where it does not belong.")


def _kept_by_msal(entry: Entry) -> bool:
    """MSAL's own cache entries: `msal.…` keys, and older ones that name account, environment and "accesstoken"."""
    key = str(entry["detail"]).lower()
    in_storage = entry["where"] in ("local storage", "session storage")
    return in_storage and (key.startswith("msal.") or "-accesstoken-" in key or "|accesstoken|" in key)
