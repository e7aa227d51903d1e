"""Verdicts on pages that look broken and are not, and on pages that look right and are broken.

Each test writes a small page, judges it by one rule, and compares the outcome and the message. The slow tests have the
marker `matrix`.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page
from support.site_of_apps import site_of_apps

from harness.base.journal import Entry, Journal
from harness.contract import RULES, Adapter, PageUnderTest, TokenUrl, Verdict, Watch, judge
from harness.contract.observation import Observation
from harness.stage.session import HarnessSession

KINDS = ["report", "dashboard", "tile"]
ONE_ADDRESS = """globalThis.fetched = ((one) => () => one("report"))(fetched);"""
"""A redefinition of `fetched`: from then on all tokens come from one address."""
AT_ONE_ADDRESS = f"""{ONE_ADDRESS}
    const items = []; for (const kind of kinds) items.push(await embedded(kind));"""
"""One item of each kind, with a token of its own; all tokens come from one address."""
TRIED = """const tried = (item) => renew(item).catch(() => {}).finally(() => { item.busy = false; });"""
"""A function that renews an item and ignores a failure."""
ASKED = """const asked = async () => (await (await fetch("/token/aad", { cache: "no-store" })).json()).access_token;"""
"""A function that requests an Entra token, for pages with a provider."""
PAGE = """<!doctype html>
<link rel="stylesheet" href="host.css">
<script src="/npm/powerbi-client/dist/powerbi.min.js"></script>
<button id="remove">Remove</button>
{divs}
<script>
const kinds = {kinds}, {{ models }} = window["powerbi-client"], MARGIN = 10 * 60_000;
const element = (kind) => document.getElementById(kind);
const reportId = (n) => `${{n}}`.repeat(8) + "-1111-1111-1111-111111111111";
const config = async (kind) => (await fetch(`/item/${{kind}}`)).json();
const due = (item) => !item.busy && Date.now() >= item.expires - MARGIN;
async function fetched(kind) {{
  const {{ token, expiration }} = await (await fetch(`/token/embed/${{kind}}`, {{ cache: "no-store" }})).json();
  return {{ token, expires: Date.parse(expiration) }};
}}
async function embedded(kind) {{
  const {{ token, expires }} = await fetched(kind);
  const embed = powerbi.embed(element(kind), {{ ...(await config(kind)), accessToken: token, tokenType: models.TokenType.Embed }});
  return {{ kind, embed, token, expires }};
}}
async function renew(item) {{
  item.busy = true;
  const {{ token, expires }} = await fetched(item.kind);
  item.busy = false;
  Object.assign(item, {{ token, expires }});
  if (!item.isGone) await item.embed.setAccessToken(token);
}}
function keepAlive(item) {{
  const check = () => due(item) && renew(item);
  const timer = setInterval(check, 30_000);
  document.addEventListener("visibilitychange", () => document.hidden || check());
  return () => clearInterval(timer);
}}
(async () => {{ {script} }})();
</script>"""
"""A page with functions to embed and renew items, a place for each item, and a script of the test."""


def verdict(session: HarnessSession, folder: Path, rule: str, script: str, **more: Any) -> Verdict:
    """Return the verdict of a rule on a page with this script; `more` goes to `scenarios`."""
    return judge(RULES[rule], scenarios(session, folder, script, **more))


def scenarios(session: HarnessSession, folder: Path, script: str, *, items: int = 1, **more: Any) -> Watch:
    """Return the scenarios of a page with `items` items whose script follows the functions of `PAGE`.

    `more` goes to `PageUnderTest`.
    """
    kinds = KINDS[:items]
    divs = "".join(f'<div id="{kind}" class="item"></div>' for kind in kinds)
    (folder / "page.html").write_text(PAGE.format(kinds=kinds, divs=divs, script=script), "utf-8")
    page = PageUnderTest("page", folder=folder, remove="#remove", lifetime=timedelta(hours=1), **more)
    return Watch(session, page)


@pytest.mark.matrix
@pytest.mark.parametrize("items", [2, 3])
@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (
            """const items = [];
            for (const kind of kinds) items.push(await embedded(kind));
            const ends = items.map(keepAlive);
            remove.onclick = () => { powerbi.reset(element(kinds[0])); items[0].isGone = true; ends[0](); };""",
            "passed",
        ),
        (
            """const items = [];
            for (const kind of kinds) items.push(await embedded(kind));
            items.forEach(keepAlive);
            remove.onclick = () => { powerbi.reset(element(kinds[0])); items[0].isGone = true; };""",
            "failed",
        ),
    ],
    ids=["timer ends with its item", "timer outlives its item"],
)
def test_drop_1_judges_the_timer_of_one_removed_item_among_others(
    pbi_session: HarnessSession, tmp_path: Path, items: int, script: str, outcome: str
) -> None:
    found = verdict(pbi_session, tmp_path, "DROP-1", script, items=items)

    assert found.outcome == outcome, found.message


SHARED = """let current = await fetched("report"); const reports = {};
    for (const kind of kinds) reports[kind] = powerbi.embed(element(kind),
      { ...(await config(kind)), accessToken: current.token, tokenType: models.TokenType.Embed });
    const renewAll = async () => {
      current = await fetched("report");
      for (const report of Object.values(reports)) await report.setAccessToken(current.token);
    };
    remove.onclick = () => { powerbi.reset(element(kinds[0])); delete reports[kinds[0]]; };"""
"""Items that share one token; `renewAll` renews all of them, and a click removes the first one."""


@pytest.mark.matrix
def test_drop_1_passes_when_a_shared_token_is_renewed_as_often_after_the_removal_of_one_item(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = SHARED + "setInterval(renewAll, 30 * 60_000);"

    found = verdict(pbi_session, tmp_path, "DROP-1", script, items=2)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
def test_fail_3_warns_when_a_token_shared_by_two_items_is_requested_twice_at_a_time(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = SHARED + "setInterval(() => Date.now() >= current.expires - MARGIN && renewAll(), 30_000);"

    found = verdict(pbi_session, tmp_path, "FAIL-3", script, items=2)

    assert found.outcome == "warned", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2", "PROV-5"])
def test_provider_rules_pass_when_the_page_replaces_its_item_in_the_first_seconds(
    pbi_session: HarnessSession, tmp_path: Path, rule: str
) -> None:
    script = (
        ASKED
        + """
    const accessTokenProvider = () => asked().catch(() => null);
    const show = async (kind) => powerbi.embed(element("report"), { ...(await config(kind)),
      accessToken: await asked(), tokenType: models.TokenType.Aad, eventHooks: { accessTokenProvider } });
    await show("report");
    setTimeout(() => { powerbi.reset(element("report")); show("report"); }, 8000);"""
    )

    found = verdict(pbi_session, tmp_path, rule, script)

    assert found.outcome == "passed", found.message


@pytest.mark.parametrize(
    ("rule", "script"),
    [
        (
            "LIFE-5",
            """const item = await embedded(kinds[0]);
            setTimeout(async () => powerbi.embed(element(kinds[0]),
              { ...(await config(kinds[0])), accessToken: item.token, tokenType: models.TokenType.Embed, settings: {} }), 1000);
            keepAlive(item);""",
        ),
        (
            "LIFE-4",
            """const item = await embedded(kinds[0]);
            item.embed.on("loaded", () => item.embed.setAccessToken(item.token));
            keepAlive(item);""",
        ),
    ],
    ids=["item is embedded twice", "item is given its token twice"],
)
def test_a_second_embed_or_token_while_the_page_starts_is_no_renewal(
    pbi_session: HarnessSession, tmp_path: Path, rule: str, script: str
) -> None:
    found = verdict(pbi_session, tmp_path, rule, script)

    assert found.outcome == "passed", found.message


def test_type_1_is_skipped_for_a_prepared_iframe_that_waits_for_a_token(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = """powerbi.bootstrap(element(kinds[0]), { type: "report", ...(await config(kinds[0])) });
    const response = await fetch("/token/unknown");
    if (response.ok) powerbi.embed(element(kinds[0]), await response.json());"""

    assert verdict(pbi_session, tmp_path, "TYPE-1", script).outcome == "skipped"
    embeds = verdict(pbi_session, tmp_path, "EMB-1", script)

    assert embeds.outcome == "failed"
    assert "/token/unknown answered 404" in embeds.message
    assert "had no token to embed with" in embeds.likely_cause


@pytest.mark.matrix
def test_wake_4_finds_the_renewal_moment_on_a_page_with_three_items(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    """The search takes about twenty renewals of each item."""
    script = AT_ONE_ADDRESS + "setInterval(() => items.filter(due).forEach(renew), 20_000);"

    found = verdict(pbi_session, tmp_path, "WAKE-4", script, items=3)

    assert found.outcome == "warned", found.message


TWO_ITEMS = "const items = [await embedded(kinds[0]), await embedded(kinds[1])];"
SECOND_ITEM_LATER = """const items = [await embedded(kinds[0])];
    setTimeout(async () => items.push(await embedded(kinds[1])), 210_000);"""
CHECKS = """const check = (some) => some.filter(due).forEach(renew);
    setInterval(() => check(items), 60_000);"""
ALL_ON_RETURN = 'document.addEventListener("visibilitychange", () => document.hidden || check(items));'
FIRST_ON_RETURN = 'document.addEventListener("visibilitychange", () => document.hidden || check([items[0]]));'


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("script", "outcome", "said"),
    [
        (SECOND_ITEM_LATER + CHECKS + ALL_ON_RETURN, "passed", "renewed within 1 s"),
        (TWO_ITEMS + CHECKS + FIRST_ON_RETURN, "warned", "the refresh margin of item 2"),
        (SECOND_ITEM_LATER + CHECKS + FIRST_ON_RETURN, "warned", "the refresh margin of item 2"),
        (TWO_ITEMS + "keepAlive(items[0]);", "passed", "renewed within 1 s"),
    ],
    ids=[
        "both are checked, one token is younger",
        "only the first is checked",
        "only the first is checked, the second token is younger",
        "one is never renewed",
    ],
)
def test_wake_4_judges_each_of_two_items_on_return(
    pbi_session: HarnessSession, tmp_path: Path, script: str, outcome: str, said: str
) -> None:
    found = verdict(pbi_session, tmp_path, "WAKE-4", script, items=2)

    assert found.outcome == outcome, found.message
    assert said in f"{found.message} {found.likely_cause}"


@pytest.mark.matrix
def test_wake_4_warns_when_a_shared_token_goes_only_to_the_first_item_on_return(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = (
        SHARED
        + """const isDue = () => Date.now() >= current.expires - MARGIN;
    setInterval(() => isDue() && renewAll(), 30_000);
    document.addEventListener("visibilitychange", async () => {
      if (document.hidden || !isDue()) return;
      current = await fetched("report");
      await reports.report.setAccessToken(current.token);
    });"""
    )

    found = verdict(pbi_session, tmp_path, "WAKE-4", script, items=2)

    assert found.outcome == "warned", found.message
    assert "the refresh margin of item 2 began in between: the renewal came" in found.message


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("on_return", "outcome"), [(ALL_ON_RETURN, "passed"), ("", "warned")], ids=["checks on return", "has no listener"]
)
def test_wake_4_judges_a_page_that_renews_by_embedding_anew(
    pbi_session: HarnessSession, tmp_path: Path, on_return: str, outcome: str
) -> None:
    script = f"""const items = [await embedded("report")];
    const anew = async (item) => {{ powerbi.reset(element(item.kind)); Object.assign(item, await embedded(item.kind)); }};
    const check = (some) => some.filter(due).forEach(anew);
    setInterval(() => check(items), 30_000); {on_return}"""

    found = verdict(pbi_session, tmp_path, "WAKE-4", script)

    assert found.outcome == outcome, found.message


def test_wake_4_warns_when_the_check_follows_the_return_by_45_s(pbi_session: HarnessSession, tmp_path: Path) -> None:
    """The late check is out of step with the page's interval, so the wait after it is another one than usual."""
    script = """const item = await embedded(kinds[0]); let soon;
    const check = () => { clearTimeout(soon); soon = setTimeout(() => due(item) && renew(item), 45_000); };
    setInterval(check, 120_000);
    document.addEventListener("visibilitychange", () => document.hidden || check());"""

    found = verdict(pbi_session, tmp_path, "WAKE-4", script)

    assert found.outcome == "warned", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["LIFE-3", "FAIL-3"])
def test_the_requests_of_other_items_at_the_same_address_do_not_count_against_the_chosen_item(
    pbi_session: HarnessSession, tmp_path: Path, rule: str
) -> None:
    """All three items renew in the same check, each with a request of its own."""
    script = AT_ONE_ADDRESS + "setInterval(() => items.filter(due).forEach(renew), 30_000);"

    found = verdict(pbi_session, tmp_path, rule, script, items=3, item="1")

    assert found.outcome == "passed", found.message


def test_wake_2_fails_when_the_page_removes_its_item_after_a_long_absence(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = """keepAlive(await embedded(kinds[0])); let left;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) left = Date.now();
      else if (Date.now() - left > 90 * 60_000) powerbi.reset(element(kinds[0]));
    });"""

    found = verdict(pbi_session, tmp_path, "WAKE-2", script)

    assert found.outcome == "failed"
    assert "the page had no item" in found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2", "LIFE-4"])
@pytest.mark.parametrize(
    "answer",
    [
        "await report.setAccessToken(token); return token;",
        "setTimeout(() => report.setAccessToken(token)); return token;",
    ],
    ids=["set before the answer", "set after the answer"],
)
def test_a_provider_may_also_set_the_token_that_it_answers(
    pbi_session: HarnessSession, tmp_path: Path, answer: str, rule: str
) -> None:
    """powerbi-client-react 1.x makes pages do this (microsoft/powerbi-client-react#98)."""
    script = f"""{ASKED}
    const accessTokenProvider = async () => {{ const token = await asked(); {answer} }};
    const report = powerbi.embed(element("report"), {{ ...(await config("report")),
      accessToken: await asked(), tokenType: models.TokenType.Aad, eventHooks: {{ accessTokenProvider }} }});"""

    found = verdict(pbi_session, tmp_path, rule, script)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["FAIL-5", "FAIL-6"])
@pytest.mark.parametrize(
    ("items", "seconds", "outcome"), [(1, 5, "passed"), (1, 4, "warned"), (2, 5, "passed"), (2, 4, "warned")]
)
def test_one_retry_per_item_in_5_s_is_fair_and_one_in_4_s_is_not(
    pbi_session: HarnessSession, tmp_path: Path, items: int, seconds: int, outcome: str, rule: str
) -> None:
    script = f"""{AT_ONE_ADDRESS}
    {TRIED}
    setInterval(() => items.filter(due).forEach(tried), {seconds}_000);"""

    found = verdict(pbi_session, tmp_path, rule, script, items=items)

    assert found.outcome == outcome, found.message


def test_visits_in_other_zones_cross_midnight_and_the_next_changes_of_summer_time_in_any_year(
    pbi_session: HarnessSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.clock.conditions.next_minute", lambda: datetime(2031, 7, 1, 9, tzinfo=UTC))
    zone = ZoneInfo("America/Los_Angeles")

    watch = scenarios(pbi_session, tmp_path, "keepAlive(await embedded(kinds[0]));")
    far, ends, begins = watch.visits("time_zones")

    midnight = far.opened.astimezone(ZoneInfo("Asia/Kolkata")) + timedelta(minutes=30)
    assert (midnight.hour, midnight.minute) == (0, 0)
    for visit, offsets in ((ends, (-7, -8)), (begins, (-8, -7))):
        within = (visit.opened, visit.opened + timedelta(hours=1))
        assert [moment.astimezone(zone).utcoffset() for moment in within] == [timedelta(hours=n) for n in offsets]


@pytest.mark.matrix
@pytest.mark.parametrize("page", ["/signed-in-today", "/sent-away-tomorrow"])
def test_zone_1_is_skipped_when_the_sign_in_has_ended_at_the_later_date(pbi_session: HarnessSession, page: str) -> None:
    with site_of_apps() as apps:
        tokens = (TokenUrl("*/api/token", "embed"),)
        under_test = PageUnderTest(page, url=f"{apps}{page}", token_urls=tokens, answer_tokens=True)
        found = judge(RULES["ZONE-1"], Watch(pbi_session, under_test))

    assert found.outcome == "skipped", found.message
    assert "a sign-in may have ended" in found.message


@pytest.mark.parametrize(
    ("rule", "outcome", "said"),
    [
        ("PROV-1", "skipped", "gone 30 s after opening"),
        ("TYPE-1", "passed", "registers its accessTokenProvider for a report"),
    ],
)
def test_a_provider_whose_item_goes_in_the_first_seconds_is_judged_by_type_1_alone(
    pbi_session: HarnessSession, tmp_path: Path, rule: str, outcome: str, said: str
) -> None:
    script = f"""{ASKED}
    powerbi.embed(element(kinds[0]), {{ ...(await config(kinds[0])), accessToken: await asked(),
      tokenType: models.TokenType.Aad, eventHooks: {{ accessTokenProvider: asked }} }});
    setTimeout(async () => {{ powerbi.reset(element(kinds[0])); keepAlive(await embedded(kinds[0])); }}, 8000);"""

    found = verdict(pbi_session, tmp_path, rule, script)

    assert found.outcome == outcome
    assert said in f"{found.message} {found.likely_cause}"


KIOSK = """const place = element(kinds[0]), [one, other] = [1, 2].map(reportId);
    let nowAt = place, current = await fetched("report"), turn = 0;
    const show = async (id, place) => powerbi.embed(place, { ...(await config("report")), id, accessToken: current.token,
      embedUrl: `https://app.powerbi.com/reportEmbed?reportId=${id}`, tokenType: models.TokenType.Embed });
    let shown = await show(one, place);
    setInterval(async () => { const id = [one, other][++turn % 2]; SHOW }, 15 * 60_000);
    setInterval(async () => {
      if (!due(current)) return;
      current = await fetched("report");
      RENEW
    }, 30_000);"""
"""Two reports that take turns every 15 min; a test replaces SHOW and RENEW."""
IN_TURN = {
    "embedded anew": "powerbi.reset(place); shown = await show(id, place);",
    "loaded into the same iframe": "shown = await show(id, place);",
    "embedded before the other goes": """const next = document.createElement("div"), last = nowAt;
      document.body.append(next); nowAt = next; shown = await show(id, next); setTimeout(() => powerbi.reset(last), 3000);""",
}
"""Ways to show the next report."""


@pytest.mark.matrix
@pytest.mark.parametrize("turn", IN_TURN)
def test_life_5_passes_when_reports_take_turns(pbi_session: HarnessSession, tmp_path: Path, turn: str) -> None:
    script = KIOSK.replace("SHOW", IN_TURN[turn]).replace("RENEW", "await shown.setAccessToken(current.token);")

    found = verdict(pbi_session, tmp_path, "LIFE-5", script)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("end", ["powerbi.reset(element(item.kind));", ""], ids=["embedded anew", "loaded again"])
def test_life_5_fails_when_items_get_their_tokens_by_a_reload(
    pbi_session: HarnessSession, tmp_path: Path, items: int, end: str
) -> None:
    script = f"""const items = []; for (const kind of kinds) items.push(await embedded(kind));
    setInterval(async () => {{
      for (const item of items.filter(due)) {{ {end} Object.assign(item, await embedded(item.kind)); }}
    }}, 30_000);"""

    found = verdict(pbi_session, tmp_path, "LIFE-5", script, items=items)

    assert found.outcome == "failed", found.message


@pytest.mark.matrix
def test_life_5_fails_when_reports_take_turns_and_are_embedded_anew_for_each_token(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    again = "const id = [one, other][turn % 2]; powerbi.reset(place); shown = await show(id, place);"
    script = KIOSK.replace("SHOW", IN_TURN["embedded anew"]).replace("RENEW", again)

    found = verdict(pbi_session, tmp_path, "LIFE-5", script)

    assert found.outcome == "failed", found.message


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ("/foreign-kept", "local storage"),
        ("/foreign-logged", "console, in base64"),
        ("/foreign", ""),
        ("/foreign-unsigned", ""),
        ("/foreign-unsigned-kept", "local storage"),
        ("/foreign-hardly-signed", ""),
    ],
)
def test_leak_1_finds_leaked_tokens_of_another_service(pbi_session: HarnessSession, page: str, place: str) -> None:
    with site_of_apps() as apps:
        under_test = PageUnderTest(page, url=f"{apps}{page}", lifetime=timedelta(minutes=40))
        found = judge(RULES["LEAK-1"], Watch(pbi_session, under_test))

    assert found.outcome == ("failed" if place else "passed"), found.message
    assert f"foreign-1 was in the {place}" in found.message or not place


WITH_PROVIDER = f"""{ASKED}
    const place = element("report"), ids = [1, 2].map(reportId); let turn = 0;
    const accessTokenProvider = () => asked().catch(() => null);
    const show = async (id) => powerbi.embed(place, {{ ...(await config("report")), id, accessToken: await asked(),
      embedUrl: `https://app.powerbi.com/reportEmbed?reportId=${{id}}`, tokenType: models.TokenType.Aad,
      eventHooks: {{ accessTokenProvider }} }});
    await show(ids[0]);"""


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2", "PROV-5"])
@pytest.mark.parametrize(
    "later",
    [
        "setInterval(() => { powerbi.reset(place); show(ids[++turn % 2]); }, 10 * 60_000);",
        "setInterval(() => show(ids[++turn % 2]), 10 * 60_000);",
        "setTimeout(() => powerbi.reset(place), 5 * 60_000);",
    ],
    ids=["embedded in turn", "loaded in turn", "removed for good"],
)
def test_provider_rules_are_skipped_when_no_token_of_the_provider_is_ever_due(
    pbi_session: HarnessSession, tmp_path: Path, later: str, rule: str
) -> None:
    found = verdict(pbi_session, tmp_path, rule, WITH_PROVIDER + later)

    assert found.outcome == "skipped", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2", "PROV-5"])
def test_provider_rules_fail_when_the_provider_brings_nothing_to_the_item_that_stays(
    pbi_session: HarnessSession, tmp_path: Path, rule: str
) -> None:
    script = WITH_PROVIDER.replace("asked().catch", "turn ? null : asked().catch") + (
        "setTimeout(async () => { powerbi.reset(place); await show(ids[1]); turn = 1; }, 5 * 60_000);"
    )

    found = verdict(pbi_session, tmp_path, rule, script)

    assert found.outcome == "failed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["LIFE-3", "FAIL-3"])
def test_items_that_share_only_their_first_token_may_send_one_request_each(
    pbi_session: HarnessSession, tmp_path: Path, rule: str
) -> None:
    """After the first token each item renews its own, in the same check."""
    script = (
        f"""const first = await fetched("report"), items = []; {ONE_ADDRESS}"""
        + """
    for (const kind of kinds) items.push({ ...first, kind, embed: powerbi.embed(element(kind),
      { ...(await config(kind)), accessToken: first.token, tokenType: models.TokenType.Embed }) });
    setInterval(() => items.filter(due).forEach(renew), 30_000);"""
    )

    found = verdict(pbi_session, tmp_path, rule, script, items=3)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
def test_life_4_passes_when_reports_take_turns_with_tokens_of_their_own(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = """const place = element(kinds[0]), tokens = [await fetched("report"), await fetched("report")];
    const show = async (n) => powerbi.embed(place, { ...(await config("report")), id: reportId(n + 1),
      accessToken: tokens[n].token, tokenType: models.TokenType.Embed });
    let turn = 0, shown = await show(0);
    setInterval(async () => { turn = 1 - turn; shown = await show(turn); }, 10 * 60_000);
    setInterval(async () => {
      if (!tokens.some(due)) return;
      tokens[1] = await fetched("report"); tokens[0] = await fetched("report");
      await shown.setAccessToken(tokens[turn].token);
    }, 30_000);"""

    found = verdict(pbi_session, tmp_path, "LIFE-4", script)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("turn", ["powerbi.reset(place); show();", "show();"], ids=["embedded anew", "loaded"])
@pytest.mark.parametrize(
    ("more", "outcome"),
    [("", "passed"), ("setInterval(() => fetched('report'), 5 * 60_000);", "failed")],
    ids=["one request per turn", "requests between the turns"],
)
def test_life_3_allows_one_request_for_each_report_that_takes_its_turn_and_no_more(
    pbi_session: HarnessSession, tmp_path: Path, turn: str, more: str, outcome: str
) -> None:
    script = f"""const place = element(kinds[0]); let turn = 0;
    const show = async () => powerbi.embed(place, {{ ...(await config("report")), accessToken: (await fetched("report")).token,
      id: reportId(++turn % 2), tokenType: models.TokenType.Embed }});
    await show(); setInterval(() => {{ {turn} }}, 10 * 60_000); {more}"""

    found = verdict(pbi_session, tmp_path, "LIFE-3", script)

    assert found.outcome == outcome, found.message


def test_observation_reads_the_journal_as_often_for_100_frames_as_for_10() -> None:
    """A kiosk has hundreds of frames; one reading of the journal per frame would take an hour."""

    class Counted(Journal):
        reads = 0

        def of(self, *kinds: str, **data: Any) -> list[Entry]:
            self.reads += 1
            return super().of(*kinds, **data)

    def seen(frames: int) -> tuple[int, int, list[str]]:
        journal, opened = Counted(lambda: datetime(2026, 1, 1, tzinfo=UTC)), datetime(2026, 1, 1, tzinfo=UTC)
        for n in range(frames):
            at = opened + timedelta(minutes=n)
            journal.write("embed.frame", at=at, item=f"{n}")
            journal.write("token.applied", at=at, item=f"{n}", token="embed-1", how="load")
            journal.write("embed.gone", at=at + timedelta(minutes=1), item=f"{n}")
        observed = Observation(
            scenario="healthy",
            number=1,
            planned=1,
            title="a kiosk",
            journal=journal,
            lifetime=timedelta(hours=1),
            token_urls=["*"],
            opened=opened,
            ended=opened + timedelta(days=1),
        )
        share, there = observed.tokens_needed("/token"), observed.items_at(opened + timedelta(minutes=4, seconds=30))
        return journal.reads, share, there

    assert seen(100) == seen(10)
    assert seen(10)[1:] == (1, ["4"])


SLIDES = """const place = element("report"); let current = await fetched("report"), turn = 0, shown;
    const show = async (more) => {
      shown = powerbi.embed(place, { ...(await config("report")), accessToken: current.token, tokenType: models.TokenType.Embed, ...more });
    };
    setInterval(async () => {
      if (!due(current)) return;
      current = await fetched("report");
      await shown?.setAccessToken(current.token);
    }, 30_000);"""


@pytest.mark.matrix
@pytest.mark.parametrize(
    "turn",
    [
        """const rotate = async () => {
          if (turn++ % 2) { powerbi.reset(place); shown = null; setTimeout(rotate, 5 * 60_000); }
          else { await show(); setTimeout(rotate, 20 * 60_000); }
        }; rotate();""",
        "const rotate = () => show({ pageName: ['a', 'b', 'c'][turn++ % 3] }); rotate(); setInterval(rotate, 15 * 60_000);",
        """const rotate = () => { powerbi.reset(place); show({ pageName: ['a', 'b', 'c'][turn++ % 3] }); };
        rotate(); setInterval(rotate, 15 * 60_000);""",
        """const rotate = () => show({ type: "visual", pageName: "a", visualName: ['x', 'y'][turn++ % 2] });
        rotate(); setInterval(rotate, 15 * 60_000);""",
        """const other = reportId(2), embedUrl = `https://app.powerbi.com/reportEmbed?reportId=${other}`;
        show({ id: other, embedUrl }); setTimeout(() => powerbi.reset(place), 3 * 60_000);
        setTimeout(() => { show(); setTimeout(() => { powerbi.reset(place); show(); }, 2000); }, 8 * 60_000);""",
    ],
    ids=[
        "report and another slide",
        "pages of a report",
        "pages that are embedded anew",
        "visuals",
        "report that is mounted twice",
    ],
)
def test_life_5_passes_when_a_view_returns_in_its_turn(pbi_session: HarnessSession, tmp_path: Path, turn: str) -> None:
    found = verdict(pbi_session, tmp_path, "LIFE-5", SLIDES + turn)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["FAIL-5", "FAIL-6"])
@pytest.mark.parametrize(("seconds", "outcome"), [(1, "warned"), (5, "skipped")])
def test_two_items_of_which_one_came_later_may_each_retry_every_5_s(
    pbi_session: HarnessSession, tmp_path: Path, seconds: int, outcome: str, rule: str
) -> None:
    """The limit of requests that ends the visit is for one item, because only one had loaded when it was set."""
    script = f"""{ONE_ADDRESS}
    const items = [await embedded("report")], next = {{ kind: "dashboard", ...(await fetched()) }};
    setTimeout(async () => {{
      next.embed = powerbi.embed(element(next.kind),
        {{ ...(await config(next.kind)), accessToken: next.token, tokenType: models.TokenType.Embed }});
      items.push(next);
    }}, 60_000);
    {TRIED}
    setInterval(() => items.filter(due).forEach(tried), {seconds}_000);"""

    found = verdict(pbi_session, tmp_path, rule, script, items=2)

    assert found.outcome == outcome, found.message


class SlowSignIn(Adapter):
    """A user who takes a minute to sign in, and then clicks the button that embeds."""

    def open(self, page: Page) -> None:
        self.stage.clock.advance("60s")
        page.locator("#remove").click()


@pytest.mark.parametrize("rule", ["LIFE-4", "LIFE-5"])
def test_a_second_embed_or_token_right_after_a_slow_sign_in_is_no_renewal(
    pbi_session: HarnessSession, tmp_path: Path, rule: str
) -> None:
    script = """remove.onclick = async () => {
      const item = await embedded("report"), again = { accessToken: item.token, tokenType: models.TokenType.Embed, settings: {} };
      item.embed.on("loaded", () => item.embed.setAccessToken(item.token));
      setTimeout(async () => powerbi.embed(element("report"), { ...(await config("report")), ...again }), 1000);
      keepAlive(item);
    };"""

    found = verdict(pbi_session, tmp_path, rule, script, adapter=SlowSignIn())

    assert found.outcome == "passed", found.message


def test_drop_1_fails_when_the_visibilitychange_listener_outlives_its_item(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    """The timer ends with the item; the listener still requests a token when the user returns to the tab."""
    script = """const item = await embedded(kinds[0]), end = keepAlive(item);
    remove.onclick = () => { powerbi.reset(element(kinds[0])); item.isGone = true; end(); };"""

    found = verdict(pbi_session, tmp_path, "DROP-1", script)

    assert found.outcome == "failed", found.message
    assert "2.2 lifetimes and 3 returns to the tab after that the page sent 1 token request," in found.message


@pytest.mark.matrix
def test_life_4_passes_when_two_tokens_that_were_requested_together_expire_together(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = """const item = await embedded(kinds[0]), again = { ...item };
    setInterval(() => [item, again].filter(due).forEach(renew), 30_000);"""

    found = verdict(pbi_session, tmp_path, "LIFE-4", script)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
def test_life_3_names_the_fixed_interval_of_a_page_that_ignores_the_lifetime(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = "const item = await embedded(kinds[0]); setInterval(() => renew(item), 11 * 60_000);"

    found = verdict(pbi_session, tmp_path, "LIFE-3", script)

    assert found.outcome == "failed", found.message
    assert found.likely_cause == (
        "The page renews every 11 min, whatever the lifetime of its tokens. Renew when the token is about to expire: "
        "the expiration comes with the token."
    )


@pytest.mark.matrix
def test_an_item_that_is_embedded_late_with_an_expired_token_is_named_as_the_cause(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = """const first = await fetched(kinds[0]);
    keepAlive(await embedded(kinds[0]));
    setTimeout(async () => powerbi.embed(element(kinds[1]), { ...(await config(kinds[1])), accessToken: first.token,
      tokenType: models.TokenType.Embed }), 70 * 60_000);"""
    of_page = scenarios(pbi_session, tmp_path, script, items=2)

    expired, several = (judge(RULES[rule], of_page) for rule in ("LIFE-1", "MULTI-1"))

    assert "the item raised TokenExpired 1 time, the first at 1:10:00" in expired.message
    assert expired.likely_cause == (
        "The item was embedded with a token that had expired by then. Fetch a new token before the page embeds an item "
        "late."
    )
    assert several.message == (
        "The page never shows two items at once for long: the items take turns, or one comes late."
    )


@pytest.mark.matrix
def test_fail_3_names_the_page_that_aborts_its_requests_too_soon(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = """const fetch = window.fetch;
    const item = await embedded(kinds[0]);
    window.fetch = (url, options) => fetch(url, { ...options, signal: AbortSignal.timeout(10_000) });
    setInterval(() => due(item) && renew(item).catch(() => { item.busy = false; }), 30_000);"""

    found = verdict(pbi_session, tmp_path, "FAIL-3", script)

    assert found.outcome == "warned", found.message
    assert found.likely_cause == (
        "The page aborts its token requests before they are answered and sends each again. Use a longer timeout: "
        "a slow endpoint never gets to answer."
    )


def test_prov_1_fails_when_the_provider_answers_the_object_around_its_token(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = f"""{ASKED}
    const accessTokenProvider = async () => ({{ accessToken: await asked(), tokenType: 0 }});
    powerbi.embed(element("report"), {{ ...(await config("report")),
      accessToken: await asked(), tokenType: models.TokenType.Aad, eventHooks: {{ accessTokenProvider }} }});"""

    found = verdict(pbi_session, tmp_path, "PROV-1", script)

    assert found.outcome == "failed", found.message
    assert "the first answer was an object with accessToken, tokenType with status 200" in found.message
    assert "Answer the token itself: the SDK needs a string." in found.likely_cause
    assert not any("ey" in str(answer["text"]) for answer in found.evidence)


RENEWED = """const item = await embedded("report"); setInterval(() => due(item) && renew(item), 30_000);"""
"""A report that only a timer renews."""
SHOWN_WITH_PROVIDER = f"""{ASKED}
    const show = async (accessTokenProvider) => powerbi.embed(element("report"), {{ ...(await config("report")),
      accessToken: await asked(), tokenType: models.TokenType.Aad, eventHooks: {{ accessTokenProvider }} }});"""
BY_HAND_AND_WITH_PROVIDER = f"""{SHOWN_WITH_PROVIDER}
    const tile = await embedded("dashboard");
    setInterval(() => tile.expires - Date.now() < 15 * 60_000 && !tile.busy && renew(tile).catch(() => {{ tile.busy = false; }}), 30_000);"""
REMOVED_ON_FAILURE = """const dropped = (error) => { powerbi.reset(element("report")); throw error; };"""
ITEM_IN_THE_QUERY = """const get = window.fetch;
    window.fetch = (url, options) => get(url.replace("/embed/", "/embed/report?of="), options);"""
SECOND_ITEM_HAS_A_GUARD = """const items = [await embedded("report"), await embedded("dashboard")];
    setInterval(() => Date.now() >= items[0].expires - MARGIN && renew(items[0]), 30_000);
    setInterval(() => !items[1].busy && Date.now() >= items[1].expires - 1.5 * MARGIN && renew(items[1]), 30_000);"""

PAGINATED = """const paginated = async (place) => {
      const { token } = await fetched("report"), { id } = await config("report");
      powerbi.embed(place, { type: "report", id, accessToken: token, tokenType: models.TokenType.Embed,
        embedUrl: `https://app.powerbi.com/rdlEmbed?reportId=${id}` });
    };"""
RENEWED_TOO_LATE = """await embedded("report");
    setTimeout(async () => {
      powerbi.reset(element("report"));
      const item = await embedded("report");
      setInterval(() => !item.busy && Date.now() > item.expires + 60_000 && renew(item), 30_000);
    }, 5000);"""
MISJUDGED_ONCE: dict[str, tuple[str, str, str, int, str]] = {
    "checks that queue up while the tab is hidden": (
        "LIFE-3",
        "failed",
        "Hidden for a while, then for two lifetimes: The page sent more than 60 requests",
        1,
        """const item = await embedded("report");
        setInterval(() => requestAnimationFrame(() => Date.now() >= item.expires - MARGIN && renew(item)), 30_000);""",
    ),
    "tokens fetched ahead while the page starts": (
        "LIFE-3",
        "passed",
        "At most 2 token requests in any lifetime",
        1,
        f"""{RENEWED} for (let n = 0; n < 100; n++) await fetched("report");""",
    ),
    "timer for all items that ends with the first item": (
        "DROP-1",
        "failed",
        "item 2 remained and was not renewed after that",
        2,
        """const items = []; for (const kind of kinds) items.push(await embedded(kind));
        const timer = setInterval(() => items.filter(due).forEach(renew), 30_000);
        remove.onclick = () => { powerbi.reset(element("report")); clearInterval(timer); };""",
    ),
    "token that is given back": (
        "DROP-1",
        "passed",
        "after that 0 token requests",
        1,
        """const item = await embedded("report");
        const timer = setInterval(() => due(item) && renew(item), 30_000);
        remove.onclick = () => {
          powerbi.reset(element("report")); clearInterval(timer); fetch("/token/embed/report", { method: "DELETE" });
        };""",
    ),
    "report that the page removes after a failed renewal by setAccessToken": (
        "FAIL-6",
        "warned",
        "the item was removed at 50:00.400, and the page embedded no other",
        1,
        f"""{REMOVED_ON_FAILURE} {RENEWED.replace("renew(item)", "once(item)")}
        async function once(item) {{
          item.busy = true;
          const {{ token, expires }} = await fetched("report").catch(dropped);
          if (!(expires > Date.now())) return powerbi.reset(element("report"));
          Object.assign(item, {{ token, expires, busy: false }});
          await item.embed.setAccessToken(token);
        }}""",
    ),
    "report that the provider removes after a failure": (
        "PROV-5",
        "failed",
        "the item was removed at 50:00.200, and the page embedded no other",
        1,
        f"""{SHOWN_WITH_PROVIDER} {REMOVED_ON_FAILURE} await show(() => asked().catch(dropped));""",
    ),
    "report that the provider removes before it answers": (
        "PROV-3",
        "skipped",
        "The item was removed at 50:00.200, before its provider had answered",
        1,
        f"""{SHOWN_WITH_PROVIDER} {REMOVED_ON_FAILURE} await show(() => asked().catch(dropped));""",
    ),
    "provider whose lock a failure never releases": (
        "PROV-4",
        "failed",
        "was called at 51:00 and had not answered when the token expired at 1:00:00",
        1,
        f"""{SHOWN_WITH_PROVIDER} let before = Promise.resolve();
        await show(async () => {{
          const mine = before; let release; before = new Promise((resolve) => {{ release = resolve; }});
          await mine;
          try {{ const token = await asked(); release(); return token; }} catch {{ return null; }}
        }});""",
    ),
    "provider that answers Bearer and its token": (
        "PROV-1",
        "failed",
        "brought no valid token before the old one expired at 1:00:00: the first answer was the token unknown",
        1,
        f"""{SHOWN_WITH_PROVIDER} await show(async () => `Bearer ${{await asked()}}`);""",
    ),
    "provider that answers an embed token": (
        "PROV-1",
        "failed",
        "brought no valid token before the old one expired at 1:00:00: the first answer was the token embed-1",
        1,
        f"""{SHOWN_WITH_PROVIDER} await show(async () => (await fetched("report")).token);""",
    ),
    "renewal by Bearer and the token": (
        "LIFE-2",
        "warned",
        "expired at 1:00:00 without a renewal",
        1,
        """const item = await embedded("report"), set = item.embed.setAccessToken;
        item.embed.setAccessToken = (token) => set.call(item.embed, `Bearer ${token}`);
        setInterval(() => due(item) && renew(item), 30_000);""",
    ),
    "renewal by a token of the other type": (
        "LIFE-4",
        "failed",
        "it is entra-2, and the item needs an embed token",
        1,
        f"""{ASKED} {RENEWED} fetched = async () => ({{ token: await asked(), expires: Date.now() + 60 * 60_000 }});""",
    ),
    "answer that is applied twice": (
        "LIFE-4",
        "failed",
        "is no renewal: the item already had embed-",
        1,
        """const item = await embedded("report"), bus = new EventTarget();
        setInterval(async () => {
          if (!due(item)) return;
          bus.addEventListener("renewed", ({ detail }) => item.embed.setAccessToken(detail));
          Object.assign(item, await fetched("report"));
          bus.dispatchEvent(new CustomEvent("renewed", { detail: item.token }));
        }, 30_000);""",
    ),
    "hot loop that begins when the token has expired": (
        "FAIL-5",
        "warned",
        "121 token requests in 24 s",
        1,
        """const item = await embedded("report"), again = () => renew(item).catch(again);
        item.embed.on("error", ({ detail }) => detail.message === "TokenExpired" && !item.busy && again());""",
    ),
    "two items at one address, one without a guard": (
        "FAIL-3",
        "warned",
        "the page sent a token request while the one of",
        2,
        f"""{ITEM_IN_THE_QUERY} {SECOND_ITEM_HAS_A_GUARD}""",
    ),
    "two items at one address, both with a guard": (
        "FAIL-3",
        "passed",
        "No two token requests were in flight together",
        2,
        f"""{ITEM_IN_THE_QUERY} {SECOND_ITEM_HAS_A_GUARD.replace("setInterval(() => Date", "setInterval(() => !items[0].busy && Date")}""",
    ),
    "page that resets its report after each renewal": (
        "LIFE-5",
        "failed",
        "renewals the page itself changed the active page or the filters",
        1,
        """const item = await embedded("report");
        setInterval(async () => {
          if (!due(item)) return;
          await renew(item);
          await (await item.embed.getPages())[0].setActive();
          await item.embed.removeFilters();
        }, 30_000);""",
    ),
    "page that shows the pages of its report in turn": (
        "LIFE-5",
        "passed",
        "the active page and the filters were kept",
        1,
        f"""{RENEWED} let turn = 0;
        setInterval(async () => {{ const pages = await item.embed.getPages(); await pages[++turn % pages.length].setActive(); }}, 60_000);""",
    ),
    "page that stops its timer when the report has the focus": (
        "LIFE-1",
        "failed",
        "carried an expired token",
        1,
        """const item = await embedded("report"); let timer;
        const begin = () => { clearInterval(timer); timer = setInterval(() => due(item) && renew(item), 30_000); };
        begin(); window.onfocus = begin; window.onblur = () => clearInterval(timer);""",
    ),
    "first item that goes and comes again": (
        "FAIL-1",
        "passed",
        "1 outage",
        2,
        f"""{TRIED} const items = new Set([await embedded("report")]);
        setTimeout(() => {{ powerbi.reset(element("report")); items.clear(); }}, 12 * 60_000);
        setTimeout(async () => items.add(await embedded("report")), 14 * 60_000);
        setTimeout(async () => items.add(await embedded("dashboard")), 18 * 60_000);
        setInterval(() => [...items].filter(due).forEach(tried), 30_000);""",
    ),
    "provider on a page with an item that is renewed earlier": (
        "PROV-4",
        "failed",
        "answered undefined",
        2,
        f"""{BY_HAND_AND_WITH_PROVIDER} await show(async () => {{
          const answer = await fetch("/token/aad", {{ cache: "no-store" }}).catch(() => null);
          return answer?.ok ? (await answer.json().catch(() => ({{ access_token: null }}))).access_token : null;
        }});""",
    ),
    "provider that comes later than an item that is renewed by hand": (
        "PROV-3",
        "passed",
        "none threw",
        2,
        f"""{BY_HAND_AND_WITH_PROVIDER} setTimeout(() => show(() => asked().catch(() => null)), 15 * 60_000);""",
    ),
    "slow clock on a page with one item that is renewed and one that is not": (
        "SKEW-1",
        "warned",
        "a data request carried an expired token",
        2,
        f"""{RENEWED} await embedded("dashboard");""",
    ),
    "refused configuration without a provider": (
        "TYPE-1",
        "skipped",
        "nobody can see whether the SDK refused a provider",
        1,
        """const { token } = await fetched("report");
        try { powerbi.embed(element("report"), { ...(await config("report")), accessToken: token,
          tokenType: models.TokenType.Embed, settings: { background: "transparent" } }); } catch {}""",
    ),
    "paginated report": (
        "EMB-1",
        "skipped",
        "The fake Power BI does not emulate rdlEmbed",
        1,
        f"{PAGINATED} paginated(element('report'));",
    ),
    "paginated report and a report on one page": (
        "MULTI-1",
        "skipped",
        "one item on the page can be judged: the fake Power BI does not emulate rdlEmbed",
        2,
        f"{PAGINATED} keepAlive(await embedded('report')); paginated(element('dashboard'));",
    ),
    "missing script": (
        "EMB-1",
        "failed",
        "The page could not load one of its scripts",
        1,
        """const script = document.createElement("script"); script.src = "/bundle.js"; document.head.append(script);""",
    ),
    "outage on a page that renews too late and removed its first item while it started": (
        "FAIL-1",
        "skipped",
        "tokens expire in use even without an outage",
        1,
        RENEWED_TOO_LATE,
    ),
    "wrong clock on a page that renews too late and removed its first item while it started": (
        "SKEW-1",
        "skipped",
        "even with the right clock",
        1,
        RENEWED_TOO_LATE,
    ),
    "refresh margin that is shorter than the outage": (
        "FAIL-1",
        "failed",
        "so small that the token expires within an outage of 2 min",
        1,
        f"""{TRIED} const item = await embedded("report");
        setInterval(() => !item.busy && Date.now() >= item.expires - 90_000 && tried(item), 10_000);""",
    ),
    "item that the page removes after a failed renewal": (
        "FAIL-1",
        "failed",
        "The item was removed at 50:",
        1,
        """const item = await embedded("report");
        const timer = setInterval(() => due(item) && renew(item).catch(() => {
          clearInterval(timer); powerbi.reset(element("report"));
        }), 30_000);""",
    ),
    "cache that answers the same token again": (
        "LIFE-1",
        "failed",
        "answers with a cached token",
        1,
        """const item = await embedded("report");
        setInterval(() => item.embed.setAccessToken(item.token), 50 * 60_000);""",
    ),
    "computed delay of NaN": (
        "LIFE-3",
        "failed",
        "as if a computed delay were NaN or 0",
        1,
        """const item = await embedded("report");
        const next = async () => { await renew(item); setTimeout(next, parseInt("soon")); };
        setTimeout(next, 10 * 60_000);""",
    ),
    "tokens that no item is given": (
        "LIFE-3",
        "failed",
        "gives none of them to its item",
        1,
        """const item = await embedded("report");
        setInterval(() => Date.now() >= item.expires - MARGIN && fetched("report"), 30_000);""",
    ),
    "item that is never renewed": (
        "WAKE-5",
        "failed",
        "does not renew this item while it is visible, either",
        1,
        """await embedded("report");""",
    ),
    "random refresh margin": (
        "WAKE-4",
        "skipped",
        "its renewal moment cannot be known in advance",
        1,
        """const item = await embedded("report");
        let seed = 7;
        const random = () => 300_000 * (seed = (16807 * seed) % 2147483647) / 2147483647;
        let extra = random();
        const check = async () => { if (Date.now() >= item.expires - MARGIN - extra) { await renew(item); extra = random(); } };
        setInterval(check, 20_000);
        document.addEventListener("visibilitychange", () => document.hidden || check());""",
    ),
    "renewals at a fixed interval": (
        "WAKE-4",
        "passed",
        "renewed within 1 s",
        1,
        """const item = await embedded("report"); setInterval(() => renew(item), 40 * 60_000);""",
    ),
}
"""Pages that were misjudged once: the rule, the right outcome, words of the right message or cause, items, script."""


@pytest.mark.matrix
@pytest.mark.parametrize("page", MISJUDGED_ONCE)
def test_page_that_was_misjudged_once_gets_its_outcome_and_message(
    pbi_session: HarnessSession, tmp_path: Path, page: str
) -> None:
    rule, outcome, said, items, script = MISJUDGED_ONCE[page]

    found = verdict(pbi_session, tmp_path, rule, script, items=items)

    assert found.outcome == outcome, found.message
    assert said in f"{found.message} {found.likely_cause}"
