"""LEAK-1: no token is in a place where other people or scripts can read it."""

from harness.base.journal import Entry
from harness.contract.observations import EVERY_VISIT, Observations
from harness.contract.rule import Verdict, failed, passed, rule
from harness.contract.wording import counted


@rule(
    "LEAK-1",
    "must",
    requires=(EVERY_VISIT,),
    needs_renewals=False,
    timeless=True,
    source="OAuth 2.0 Security (RFC 9700): tokens do not belong in URLs or logs. Whoever has the article's token has "
    "the report, so the token belongs only in the Authorization header and in the embed configuration.",
    why="Whoever has the token can read the report: another script of the page, a browser extension, or a person "
    "who reads the server's log.",
    wrong="""
        async function renew() {
          const next = await fetchToken();
          localStorage.setItem("token", next.token);
          await report.setAccessToken(next.token);
          expires = next.expires;
        }
    """,
    right="""
        async function renew() {
          const next = await fetchToken();
          await report.setAccessToken(next.token);
          expires = next.expires;
        }
    """,
)
def no_token_leaks(seen: Observations) -> Verdict:
    """Require that no token is where other people or scripts can read it.

    The places are a URL, a Referer header, a storage, IndexedDB, Cache Storage, a cookie and the console. A token in
    MSAL's own cache is a warning.
    """
    tolerated = None
    for observed in seen.every_visit:
        leaks = observed.journal.of("token.leaked")
        own = [entry for entry in leaks if not _kept_by_msal(entry)]
        if own:
            first = own[0]
            places = sorted({f"{entry['where']} ({entry['detail']})" for entry in own})
            return failed(
                f"At {observed.when(first)} ({observed.title}) {first['token']} was in the {first['where']}"
                f"{'' if first['form'] == 'as it is' else ', ' + first['form']}. Places: {'; '.join(places[:4])}.",
                own[:5],
                "A log line, a cache or a link contains the token. Remove the token from it: a script or a person "
                "that can read the place can open the report.",
            )
        if leaks and tolerated is None:
            tolerated = (observed, leaks)
    if tolerated:
        observed, leaks = tolerated
        return Verdict(
            "warned",
            f"MSAL keeps tokens in the {leaks[0]['where']} ({leaks[0]['detail']}), where every script of the page can "
            "read them.",
            leaks[:3],
            'MSAL\'s cacheLocation is "localStorage" or "sessionStorage". Set it to "memoryStorage": then no other '
            "script can read the tokens.",
        )
    return passed(f"No leaked token in {counted(len(seen.every_visit), 'visit')}.")


def _kept_by_msal(entry: Entry) -> bool:
    """Return whether a leak is an entry of MSAL's own cache in the browser's storage.

    MSAL's keys begin with `msal.`; older versions name the account, the environment and "accesstoken" in the key.
    """
    key = str(entry["detail"]).lower()
    in_storage = entry["where"] in ("local storage", "session storage")
    return in_storage and (key.startswith("msal.") or "-accesstoken-" in key or "|accesstoken|" in key)
