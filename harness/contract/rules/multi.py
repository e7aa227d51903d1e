"""MULTI-1: a page with several items renews each of them."""

from harness.contract.measures import OBSERVED_LIFETIMES
from harness.contract.observation import Observation, cut_short
from harness.contract.observations import FIRST_VISIT, Observations
from harness.contract.rule import Verdict, failed, passed, rule, skipped


@rule(
    "MULTI-1",
    "must",
    requires=(FIRST_VISIT,),
    source="The article: reports, dashboards and tiles all need an access token; powerbi.get(element) returns one of "
    "them.",
    applies_to="pages that show at least two items half a lifetime after opening",
    why="One report on the page works all day, and the one next to it answers with errors after an hour.",
    wrong="""
        async function embed() {
          const first = await fetchToken();
          const settings = { ...config, accessToken: first.token, tokenType: models.TokenType.Embed };
          for (const element of elements) report = powerbi.embed(element, settings);
          expires = first.expires;
        }

        async function renew() {
          const next = await fetchToken();
          await report.setAccessToken(next.token); // `report` is the last of several.
          expires = next.expires;
        }
    """,
    right="""
        async function embed() {
          const first = await fetchToken();
          const settings = { ...config, accessToken: first.token, tokenType: models.TokenType.Embed };
          for (const element of elements) powerbi.embed(element, settings);
          expires = first.expires;
        }

        async function renew() {
          const next = await fetchToken();
          for (const element of elements) await powerbi.get(element).setAccessToken(next.token);
          expires = next.expires;
        }
    """,
)
def every_item_is_renewed(seen: Observations) -> Verdict:
    """Require that the page renews every embedded item, not only the first one."""
    first = seen.first
    known = first.loaded
    if len(first.items_at(first.opened + first.lifetime / 2)) < 2:
        return skipped(_why_only_one(first))
    renewed: set[str] = set()
    expired: dict[str, str] = {}
    for item in known:
        if ends := first.expiries_in_use(item):
            expired[item] = f"the token of item {item} expired at {first.when(ends[0])} without a renewal"
        else:
            renewed.add(item)
    if expired and renewed:
        return failed(
            f"{len(renewed)} of {len(known)} items {'was' if len(renewed) == 1 else 'were'} renewed; "
            f"{'; '.join(expired.values())}.",
            [entry for item in expired for entry in first.journal.of("token.expired", item=item)][:5],
            "The page finds one embedded item, keeps one in a variable, or gives the token to one. Renew every item "
            "that the page has embedded.",
        )
    if expired:
        return skipped("No item was renewed in time, so no item was neglected in favour of another (LIFE-1, LIFE-2).")
    if cut := cut_short(first):
        return skipped(cut)
    return passed(f"All {len(known)} items were renewed over {OBSERVED_LIFETIMES} lifetimes.")


def _why_only_one(first: Observation) -> str:
    """Return why fewer than two items can be judged."""
    if first.chosen is not None:
        return "--item selects one item to judge."
    if first.not_emulated:
        return f"Only one item on the page can be judged: the fake Power BI does not emulate {first.not_emulated}."
    if len(first.items) > 1:
        return "The page never shows two items at once for long: the items take turns, or one comes late."
    return "The page has one item."
