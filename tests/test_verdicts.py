"""Verdicts on pages that are right, or wrong, in a way that is easily taken for the other. The longer ones belong to the matrix."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page
from site_of_apps import site_of_apps

from harness.base.journal import Entry, Journal
from harness.contract import RULES, Adapter, PageUnderTest, Scenarios, TokenUrl, Verdict, judge
from harness.contract.observation import Observation
from harness.stage.session import HarnessSession

KINDS = ["report", "dashboard", "tile"]
ONE_ADDRESS = """globalThis.fetched = ((one) => () => one("report"))(fetched);"""
"""From then on all tokens come from one address."""
AT_ONE_ADDRESS = f"""{ONE_ADDRESS}
    const items = []; for (const kind of kinds) items.push(await embedded(kind));"""
"""Each item has a token of its own; all of them come from one address."""
TRIED = """const tried = (item) => renew(item).catch(() => {}).finally(() => { item.busy = false; });"""
ASKED = """const asked = async () => (await (await fetch("/token/aad", { cache: "no-store" })).json()).access_token;"""
"""An Entra token, for pages with a provider."""
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


def verdict(session: HarnessSession, folder: Path, rule: str, script: str, **more: Any) -> Verdict:
    return judge(RULES[rule], scenarios(session, folder, script, **more))


def scenarios(session: HarnessSession, folder: Path, script: str, *, items: int = 1, **more: Any) -> Scenarios:
    """Of a page with so many items, whose script comes after the functions above. `more` is said of it."""
    kinds = KINDS[:items]
    divs = "".join(f'<div id="{kind}" class="item"></div>' for kind in kinds)
    (folder / "page.html").write_text(PAGE.format(kinds=kinds, divs=divs, script=script), "utf-8")
    page = PageUnderTest("page", folder=folder, remove="#remove", lifetime=timedelta(hours=1), **more)
    return Scenarios(session, page)


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
    ids=["ended", "left behind"],
)
def test_the_timer_of_one_item_among_others(
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


@pytest.mark.matrix
def test_one_token_for_two_items_is_needed_as_often_when_one_is_gone(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    script = SHARED + "setInterval(renewAll, 30 * 60_000);"

    found = verdict(pbi_session, tmp_path, "DROP-1", script, items=2)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
def test_one_token_for_two_items_is_asked_for_once(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = SHARED + "setInterval(() => Date.now() >= current.expires - MARGIN && renewAll(), 30_000);"

    found = verdict(pbi_session, tmp_path, "FAIL-3", script, items=2)

    assert found.outcome == "warned", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2", "PROV-5"])
def test_an_item_that_soon_gives_way_to_another_needs_no_provider(
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
    ids=["embedded twice", "given its token twice"],
)
def test_what_a_page_does_while_it_starts_is_no_renewal(
    pbi_session: HarnessSession, tmp_path: Path, rule: str, script: str
) -> None:
    found = verdict(pbi_session, tmp_path, rule, script)

    assert found.outcome == "passed", found.message


def test_an_iframe_that_waits_for_a_token_is_no_refused_provider(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = """powerbi.bootstrap(element(kinds[0]), { type: "report", ...(await config(kinds[0])) });
    const response = await fetch("/token/unknown");
    if (response.ok) powerbi.embed(element(kinds[0]), await response.json());"""

    assert verdict(pbi_session, tmp_path, "TYPE-1", script).outcome == "skipped"
    embeds = verdict(pbi_session, tmp_path, "EMB-1", script)

    assert embeds.outcome == "failed"
    assert "/token/unknown answered 404" in embeds.message
    assert "no token" in embeds.likely_cause


@pytest.mark.matrix
def test_the_moment_of_renewal_is_found_on_a_page_with_several_items(
    pbi_session: HarnessSession, tmp_path: Path
) -> None:
    """It takes some twenty renewals of each."""
    script = AT_ONE_ADDRESS + "setInterval(() => items.filter(due).forEach(renew), 20_000);"

    found = verdict(pbi_session, tmp_path, "WAKE-4", script, items=3)

    assert found.outcome == "warned", found.message


BOTH = "const items = [await embedded(kinds[0]), await embedded(kinds[1])];"
SECOND_LATER = """const items = [await embedded(kinds[0])];
    setTimeout(async () => items.push(await embedded(kinds[1])), 210_000);"""
LOOKS = """const look = (some) => some.filter(due).forEach(renew);
    setInterval(() => look(items), 60_000);"""
ALL_ON_RETURN = 'document.addEventListener("visibilitychange", () => document.hidden || look(items));'
FIRST_ON_RETURN = 'document.addEventListener("visibilitychange", () => document.hidden || look([items[0]]));'


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("script", "outcome", "said"),
    [
        (SECOND_LATER + LOOKS + ALL_ON_RETURN, "passed", "renewed within 1 s"),
        (BOTH + LOOKS + FIRST_ON_RETURN, "warned", "item 2's margin"),
        (SECOND_LATER + LOOKS + FIRST_ON_RETURN, "warned", "item 2's margin"),
        (BOTH + "keepAlive(items[0]);", "passed", "renewed within 1 s"),
    ],
    ids=["one is younger", "only the first is looked at", "nor is one that is younger", "one is never renewed"],
)
def test_each_of_two_items_is_renewed_on_return(
    pbi_session: HarnessSession, tmp_path: Path, script: str, outcome: str, said: str
) -> None:
    found = verdict(pbi_session, tmp_path, "WAKE-4", script, items=2)

    assert found.outcome == outcome, found.message
    assert said in f"{found.message} {found.likely_cause}"


@pytest.mark.matrix
def test_a_token_for_both_that_is_given_to_the_first_alone_on_return(
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
    assert "item 2's margin crossed in between: the renewal came" in found.message


@pytest.mark.matrix
@pytest.mark.parametrize(
    ("on_return", "outcome"), [(ALL_ON_RETURN, "passed"), ("", "warned")], ids=["looks", "does not"]
)
def test_a_page_whose_items_never_stay_looks_on_return(
    pbi_session: HarnessSession, tmp_path: Path, on_return: str, outcome: str
) -> None:
    script = f"""const items = [await embedded("report")];
    const anew = async (item) => {{ powerbi.reset(element(item.kind)); Object.assign(item, await embedded(item.kind)); }};
    const look = (some) => some.filter(due).forEach(anew);
    setInterval(() => look(items), 30_000); {on_return}"""

    found = verdict(pbi_session, tmp_path, "WAKE-4", script)

    assert found.outcome == outcome, found.message


def test_a_look_that_follows_the_return_by_45_s_is_late(pbi_session: HarnessSession, tmp_path: Path) -> None:
    """And comes off the page's own tick, from where its next wait is another."""
    script = """const item = await embedded(kinds[0]); let soon;
    const look = () => { clearTimeout(soon); soon = setTimeout(() => due(item) && renew(item), 45_000); };
    setInterval(look, 120_000);
    document.addEventListener("visibilitychange", () => document.hidden || look());"""

    found = verdict(pbi_session, tmp_path, "WAKE-4", script)

    assert found.outcome == "warned", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["LIFE-3", "FAIL-3"])
def test_one_item_of_three_that_share_an_address(pbi_session: HarnessSession, tmp_path: Path, rule: str) -> None:
    """Each renews by itself, at the same tick."""
    script = AT_ONE_ADDRESS + "setInterval(() => items.filter(due).forEach(renew), 30_000);"

    found = verdict(pbi_session, tmp_path, rule, script, items=3, item="1")

    assert found.outcome == "passed", found.message


def test_a_page_that_takes_its_item_away_is_not_usable(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = """keepAlive(await embedded(kinds[0])); let left;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) left = Date.now();
      else if (Date.now() - left > 90 * 60_000) powerbi.reset(element(kinds[0]));
    });"""

    found = verdict(pbi_session, tmp_path, "WAKE-2", script)

    assert found.outcome == "failed"
    assert "nothing was embedded any more" in found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2", "LIFE-4"])
@pytest.mark.parametrize(
    "answer",
    [
        "await report.setAccessToken(token); return token;",
        "setTimeout(() => report.setAccessToken(token)); return token;",
    ],
    ids=["before its answer", "after it"],
)
def test_a_provider_may_set_its_token_too(pbi_session: HarnessSession, tmp_path: Path, answer: str, rule: str) -> None:
    """As powerbi-client-react 1.x makes pages do (microsoft/powerbi-client-react#98)."""
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
def test_each_item_may_try_again_every_5_s(
    pbi_session: HarnessSession, tmp_path: Path, items: int, seconds: int, outcome: str, rule: str
) -> None:
    script = f"""{AT_ONE_ADDRESS}
    {TRIED}
    setInterval(() => items.filter(due).forEach(tried), {seconds}_000);"""

    found = verdict(pbi_session, tmp_path, rule, script, items=items)

    assert found.outcome == outcome, found.message


def test_clocks_change_in_any_year(
    pbi_session: HarnessSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.clock.conditions.next_minute", lambda: datetime(2031, 7, 1, 9, tzinfo=UTC))
    zone = ZoneInfo("America/Los_Angeles")

    far, ends, begins = scenarios(pbi_session, tmp_path, "keepAlive(await embedded(kinds[0]));").zones

    midnight = far.opened.astimezone(ZoneInfo("Asia/Kolkata")) + timedelta(minutes=30)
    assert (midnight.hour, midnight.minute) == (0, 0)
    for session, offsets in ((ends, (-7, -8)), (begins, (-8, -7))):
        within = (session.opened, session.opened + timedelta(hours=1))
        assert [moment.astimezone(zone).utcoffset() for moment in within] == [timedelta(hours=n) for n in offsets]


@pytest.mark.matrix
@pytest.mark.parametrize("page", ["/signed-in-today", "/sent-away-tomorrow"])
def test_who_is_signed_in_today_may_not_be_when_the_clocks_change(pbi_session: HarnessSession, page: str) -> None:
    with site_of_apps() as apps:
        tokens = (TokenUrl("*/api/token", "embed"),)
        under_test = PageUnderTest(page, url=f"{apps}{page}", token_urls=tokens, answer_tokens=True)
        found = judge(RULES["ZONE-1"], Scenarios(pbi_session, under_test))

    assert found.outcome == "skipped", found.message
    assert "a sign-in may have ended" in found.message


@pytest.mark.parametrize(
    ("rule", "outcome", "said"),
    [("PROV-1", "skipped", "gone 30 s after opening"), ("TYPE-1", "passed", "was registered for a report")],
)
def test_a_provider_that_soon_goes_is_one_all_the_same(
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
IN_TURN = {
    "embedded anew": "powerbi.reset(place); shown = await show(id, place);",
    "loaded into the same iframe": "shown = await show(id, place);",
    "embedded before the other goes": """const next = document.createElement("div"), last = nowAt;
      document.body.append(next); nowAt = next; shown = await show(id, next); setTimeout(() => powerbi.reset(last), 3000);""",
}


@pytest.mark.matrix
@pytest.mark.parametrize("turn", IN_TURN)
def test_reports_that_take_turns_are_not_reloaded(pbi_session: HarnessSession, tmp_path: Path, turn: str) -> None:
    script = KIOSK.replace("SHOW", IN_TURN[turn]).replace("RENEW", "await shown.setAccessToken(current.token);")

    found = verdict(pbi_session, tmp_path, "LIFE-5", script)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("items", [1, 3])
@pytest.mark.parametrize("end", ["powerbi.reset(element(item.kind));", ""], ids=["embedded anew", "loaded again"])
def test_items_that_get_their_tokens_by_a_reload_are(
    pbi_session: HarnessSession, tmp_path: Path, items: int, end: str
) -> None:
    script = f"""const items = []; for (const kind of kinds) items.push(await embedded(kind));
    setInterval(async () => {{
      for (const item of items.filter(due)) {{ {end} Object.assign(item, await embedded(item.kind)); }}
    }}, 30_000);"""

    found = verdict(pbi_session, tmp_path, "LIFE-5", script, items=items)

    assert found.outcome == "failed", found.message


@pytest.mark.matrix
def test_reports_that_take_turns_and_are_reloaded(pbi_session: HarnessSession, tmp_path: Path) -> None:
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
def test_a_token_of_another_service_is_known_again_where_it_was_before(
    pbi_session: HarnessSession, page: str, place: str
) -> None:
    with site_of_apps() as apps:
        under_test = PageUnderTest(page, url=f"{apps}{page}", lifetime=timedelta(minutes=40))
        found = judge(RULES["LEAK-1"], Scenarios(pbi_session, under_test))

    assert found.outcome == ("failed" if place else "passed"), found.message
    assert f"foreign-1 stood in the {place}" in found.message or not place


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
    ids=["embedded in turn", "loaded in turn", "left"],
)
def test_a_provider_that_is_never_due_is_not_judged(
    pbi_session: HarnessSession, tmp_path: Path, later: str, rule: str
) -> None:
    found = verdict(pbi_session, tmp_path, rule, WITH_PROVIDER + later)

    assert found.outcome == "skipped", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["PROV-1", "PROV-2", "PROV-5"])
def test_a_provider_that_brings_nothing_to_the_item_that_stays(
    pbi_session: HarnessSession, tmp_path: Path, rule: str
) -> None:
    script = WITH_PROVIDER.replace("asked().catch", "turn ? null : asked().catch") + (
        "setTimeout(async () => { powerbi.reset(place); await show(ids[1]); turn = 1; }, 5 * 60_000);"
    )

    found = verdict(pbi_session, tmp_path, rule, script)

    assert found.outcome == "failed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["LIFE-3", "FAIL-3"])
def test_items_that_share_their_first_token_alone(pbi_session: HarnessSession, tmp_path: Path, rule: str) -> None:
    """From then on each renews its own, at the same tick."""
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
def test_reports_that_take_turns_each_with_its_own_token(pbi_session: HarnessSession, tmp_path: Path) -> None:
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
    ("more", "outcome"), [("", "passed"), ("setInterval(() => fetched('report'), 5 * 60_000);", "failed")]
)
def test_a_kiosk_that_fetches_a_token_for_each_embedding(
    pbi_session: HarnessSession, tmp_path: Path, turn: str, more: str, outcome: str
) -> None:
    script = f"""const place = element(kinds[0]); let turn = 0;
    const show = async () => powerbi.embed(place, {{ ...(await config("report")), accessToken: (await fetched("report")).token,
      id: reportId(++turn % 2), tokenType: models.TokenType.Embed }});
    await show(); setInterval(() => {{ {turn} }}, 10 * 60_000); {more}"""

    found = verdict(pbi_session, tmp_path, "LIFE-3", script)

    assert found.outcome == outcome, found.message


def test_who_is_there_is_read_at_once_of_however_many_frames() -> None:
    """A kiosk has hundreds: were the journal read for each, an hour would not do."""

    class Counted(Journal):
        reads = 0

        def __iter__(self) -> Iterator[Entry]:
            self.reads += 1
            return super().__iter__()

    def seen(frames: int) -> tuple[int, int, list[str]]:
        journal, opened = Counted(lambda: datetime(2026, 1, 1, tzinfo=UTC)), datetime(2026, 1, 1, tzinfo=UTC)
        for n in range(frames):
            at = opened + timedelta(minutes=n)
            journal.write("embed.frame", at=at, item=f"{n}")
            journal.write("token.applied", at=at, item=f"{n}", token="embed-1", how="load")
            journal.write("embed.gone", at=at + timedelta(minutes=1), item=f"{n}")
        observed = Observation("a kiosk", journal, timedelta(hours=1), ["*"], opened, opened + timedelta(days=1))
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
    ids=["a slide of another kind", "pages", "pages embedded anew", "visuals", "mounted twice"],
)
def test_what_returns_in_its_turn_is_not_reloaded(pbi_session: HarnessSession, tmp_path: Path, turn: str) -> None:
    found = verdict(pbi_session, tmp_path, "LIFE-5", SLIDES + turn)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
@pytest.mark.parametrize("rule", ["FAIL-5", "FAIL-6"])
@pytest.mark.parametrize(("seconds", "outcome"), [(1, "warned"), (5, "skipped")])
def test_a_hot_loop_of_an_item_that_came_later(
    pbi_session: HarnessSession, tmp_path: Path, seconds: int, outcome: str, rule: str
) -> None:
    """As many requests end the session as one item may send, for there was one when it had loaded."""
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


class TakesItsTime(Adapter):
    """A minute to sign in; the page embeds after a click."""

    def open(self, page: Page) -> None:
        self.stage.clock.advance("60s")
        page.locator("#remove").click()


@pytest.mark.parametrize("rule", ["LIFE-4", "LIFE-5"])
def test_what_a_page_does_once_its_user_has_signed_in_is_no_renewal(
    pbi_session: HarnessSession, tmp_path: Path, rule: str
) -> None:
    script = """remove.onclick = async () => {
      const item = await embedded("report"), again = { accessToken: item.token, tokenType: models.TokenType.Embed, settings: {} };
      item.embed.on("loaded", () => item.embed.setAccessToken(item.token));
      setTimeout(async () => powerbi.embed(element("report"), { ...(await config("report")), ...again }), 1000);
      keepAlive(item);
    };"""

    found = verdict(pbi_session, tmp_path, rule, script, adapter=TakesItsTime())

    assert found.outcome == "passed", found.message


def test_a_listener_that_stays_when_its_item_is_removed(pbi_session: HarnessSession, tmp_path: Path) -> None:
    """Its timer has gone; it asks whenever the user comes back."""
    script = """const item = await embedded(kinds[0]), end = keepAlive(item);
    remove.onclick = () => { powerbi.reset(element(kinds[0])); item.isGone = true; end(); };"""

    found = verdict(pbi_session, tmp_path, "DROP-1", script)

    assert found.outcome == "failed", found.message
    assert "1 token request in 2.2 lifetimes and 3 returns to the tab after that" in found.message


@pytest.mark.matrix
def test_two_tokens_that_were_asked_for_at_once_end_at_once(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = """const item = await embedded(kinds[0]), again = { ...item };
    setInterval(() => [item, again].filter(due).forEach(renew), 30_000);"""

    found = verdict(pbi_session, tmp_path, "LIFE-4", script)

    assert found.outcome == "passed", found.message


@pytest.mark.matrix
def test_a_page_that_renews_by_a_schedule_of_its_own(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = "const item = await embedded(kinds[0]); setInterval(() => renew(item), 11 * 60_000);"

    found = verdict(pbi_session, tmp_path, "LIFE-3", script)

    assert found.outcome == "failed", found.message
    assert found.likely_cause == "The page renews every 11 min, however long its tokens live."


@pytest.mark.matrix
def test_a_page_that_embeds_late_with_the_token_of_its_start(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = """const first = await fetched(kinds[0]);
    keepAlive(await embedded(kinds[0]));
    setTimeout(async () => powerbi.embed(element(kinds[1]), { ...(await config(kinds[1])), accessToken: first.token,
      tokenType: models.TokenType.Embed }), 70 * 60_000);"""
    of_page = scenarios(pbi_session, tmp_path, script, items=2)

    expired, several = (judge(RULES[rule], of_page) for rule in ("LIFE-1", "MULTI-1"))

    assert "the item raised TokenExpired 1 time, the first at 1:10:00" in expired.message
    assert expired.likely_cause == "The item was embedded with a token that had ended by then."
    assert several.message == "There is never more than one item on the page for long: they take turns, or come late."


@pytest.mark.matrix
def test_a_page_that_gives_its_requests_up_too_soon(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = """const fetch = window.fetch;
    const item = await embedded(kinds[0]);
    window.fetch = (url, options) => fetch(url, { ...options, signal: AbortSignal.timeout(10_000) });
    setInterval(() => due(item) && renew(item).catch(() => { item.busy = false; }), 30_000);"""

    found = verdict(pbi_session, tmp_path, "FAIL-3", script)

    assert found.outcome == "warned", found.message
    assert found.likely_cause == "The page gives its requests up before they are answered, and each is begun anew."


def test_a_provider_that_answers_what_its_token_came_in(pbi_session: HarnessSession, tmp_path: Path) -> None:
    script = f"""{ASKED}
    const accessTokenProvider = async () => ({{ accessToken: await asked(), tokenType: 0 }});
    powerbi.embed(element("report"), {{ ...(await config("report")),
      accessToken: await asked(), tokenType: models.TokenType.Aad, eventHooks: {{ accessTokenProvider }} }});"""

    found = verdict(pbi_session, tmp_path, "PROV-1", script)

    assert found.outcome == "failed", found.message
    assert "the first answer was an object with accessToken, tokenType with status 200" in found.message
    assert "not the token: that has to be a string" in found.likely_cause
    assert not any("ey" in str(answer["text"]) for answer in found.evidence)


RENEWED = """const item = await embedded("report"); setInterval(() => due(item) && renew(item), 30_000);"""
"""A report that is renewed by a timer alone."""
PROVIDED = f"""{ASKED}
    const show = async (accessTokenProvider) => powerbi.embed(element("report"), {{ ...(await config("report")),
      accessToken: await asked(), tokenType: models.TokenType.Aad, eventHooks: {{ accessTokenProvider }} }});"""
BY_HAND_AND_PROVIDED = f"""{PROVIDED}
    const tile = await embedded("dashboard");
    setInterval(() => tile.expires - Date.now() < 15 * 60_000 && !tile.busy && renew(tile).catch(() => {{ tile.busy = false; }}), 30_000);"""
TAKEN_AWAY = """const dropped = (error) => { powerbi.reset(element("report")); throw error; };"""
WITH_ITS_QUERY = """const get = window.fetch;
    window.fetch = (url, options) => get(url.replace("/embed/", "/embed/report?of="), options);"""
SECOND_IS_GUARDED = """const items = [await embedded("report"), await embedded("dashboard")];
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
SEEN: dict[str, tuple[str, str, str, int, str]] = {
    "checks that queue up while hidden": (
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
    "one timer for all ends with the first item": (
        "DROP-1",
        "failed",
        "item 2, which remained, was not renewed any more",
        2,
        """const items = []; for (const kind of kinds) items.push(await embedded(kind));
        const timer = setInterval(() => items.filter(due).forEach(renew), 30_000);
        remove.onclick = () => { powerbi.reset(element("report")); clearInterval(timer); };""",
    ),
    "a token is given back": (
        "DROP-1",
        "passed",
        "0 token requests after that",
        1,
        """const item = await embedded("report");
        const timer = setInterval(() => due(item) && renew(item), 30_000);
        remove.onclick = () => {
          powerbi.reset(element("report")); clearInterval(timer); fetch("/token/embed/report", { method: "DELETE" });
        };""",
    ),
    "a failure takes the report's place, by hand": (
        "FAIL-6",
        "warned",
        "the item went away at 50:00.400, and none came back",
        1,
        f"""{TAKEN_AWAY} {RENEWED.replace("renew(item)", "once(item)")}
        async function once(item) {{
          item.busy = true;
          const {{ token, expires }} = await fetched("report").catch(dropped);
          if (!(expires > Date.now())) return powerbi.reset(element("report"));
          Object.assign(item, {{ token, expires, busy: false }});
          await item.embed.setAccessToken(token);
        }}""",
    ),
    "a failure takes the report's place, in the provider": (
        "PROV-5",
        "failed",
        "the item went away at 50:00.200, and none came back",
        1,
        f"""{PROVIDED} {TAKEN_AWAY} await show(() => asked().catch(dropped));""",
    ),
    "a failure takes the report's place before the provider answers": (
        "PROV-3",
        "skipped",
        "The item went away at 50:00.200, before its provider had answered",
        1,
        f"""{PROVIDED} {TAKEN_AWAY} await show(() => asked().catch(dropped));""",
    ),
    "a provider's lock that a failure leaves behind": (
        "PROV-4",
        "failed",
        "was called at 51:00, and had not answered when the token expired at 1:00:00",
        1,
        f"""{PROVIDED} let before = Promise.resolve();
        await show(async () => {{
          const mine = before; let release; before = new Promise((resolve) => {{ release = resolve; }});
          await mine;
          try {{ const token = await asked(); release(); return token; }} catch {{ return null; }}
        }});""",
    ),
    "a provider that answers a header": (
        "PROV-1",
        "failed",
        "no token that works came of it before the old one expired at 1:00:00: the first answer was the token unknown",
        1,
        f"""{PROVIDED} await show(async () => `Bearer ${{await asked()}}`);""",
    ),
    "a provider that answers an embed token": (
        "PROV-1",
        "failed",
        "no token that works came of it before the old one expired at 1:00:00: the first answer was the token embed-1",
        1,
        f"""{PROVIDED} await show(async () => (await fetched("report")).token);""",
    ),
    "a header is no renewal": (
        "LIFE-2",
        "warned",
        "expired at 1:00:00 and had not been renewed",
        1,
        """const item = await embedded("report"), set = item.embed.setAccessToken;
        item.embed.setAccessToken = (token) => set.call(item.embed, `Bearer ${token}`);
        setInterval(() => due(item) && renew(item), 30_000);""",
    ),
    "a token of the other kind is no newer one": (
        "LIFE-4",
        "failed",
        "is entra-2, where an embed token is needed",
        1,
        f"""{ASKED} {RENEWED} fetched = async () => ({{ token: await asked(), expires: Date.now() + 60 * 60_000 }});""",
    ),
    "one answer is applied twice": (
        "LIFE-4",
        "failed",
        "which the item already had",
        1,
        """const item = await embedded("report"), bus = new EventTarget();
        setInterval(async () => {
          if (!due(item)) return;
          bus.addEventListener("renewed", ({ detail }) => item.embed.setAccessToken(detail));
          Object.assign(item, await fetched("report"));
          bus.dispatchEvent(new CustomEvent("renewed", { detail: item.token }));
        }, 30_000);""",
    ),
    "a hot loop that begins once the token has ended": (
        "FAIL-5",
        "warned",
        "121 token requests in 24 s",
        1,
        """const item = await embedded("report"), again = () => renew(item).catch(again);
        item.embed.on("error", ({ detail }) => detail.message === "TokenExpired" && !item.busy && again());""",
    ),
    "of two items at one address the other has the guard": (
        "FAIL-3",
        "warned",
        "a token request was sent while the one of",
        2,
        f"""{WITH_ITS_QUERY} {SECOND_IS_GUARDED}""",
    ),
    "two items at one address, both with a guard": (
        "FAIL-3",
        "passed",
        "No two token requests were in flight together",
        2,
        f"""{WITH_ITS_QUERY} {SECOND_IS_GUARDED.replace("setInterval(() => Date", "setInterval(() => !items[0].busy && Date")}""",
    ),
    "the page goes back to its first page after each renewal": (
        "LIFE-5",
        "failed",
        "the page itself changed what its user saw after each of",
        1,
        """const item = await embedded("report");
        setInterval(async () => {
          if (!due(item)) return;
          await renew(item);
          await (await item.embed.getPages())[0].setActive();
          await item.embed.removeFilters();
        }, 30_000);""",
    ),
    "the page shows its pages in turn": (
        "LIFE-5",
        "passed",
        "every user stayed on their page",
        1,
        f"""{RENEWED} let turn = 0;
        setInterval(async () => {{ const pages = await item.embed.getPages(); await pages[++turn % pages.length].setActive(); }}, 60_000);""",
    ),
    "whoever clicks into the report leaves the page": (
        "LIFE-1",
        "failed",
        "carried an expired token",
        1,
        """const item = await embedded("report"); let timer;
        const begin = () => { clearInterval(timer); timer = setInterval(() => due(item) && renew(item), 30_000); };
        begin(); window.onfocus = begin; window.onblur = () => clearInterval(timer);""",
    ),
    "the first item goes and comes again": (
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
    "a provider beside an item that is renewed earlier": (
        "PROV-4",
        "failed",
        "answered undefined",
        2,
        f"""{BY_HAND_AND_PROVIDED} await show(async () => {{
          const answer = await fetch("/token/aad", {{ cache: "no-store" }}).catch(() => null);
          return answer?.ok ? (await answer.json().catch(() => ({{ access_token: null }}))).access_token : null;
        }});""",
    ),
    "a provider that comes later than an item that is renewed by hand": (
        "PROV-3",
        "passed",
        "none threw",
        2,
        f"""{BY_HAND_AND_PROVIDED} setTimeout(() => show(() => asked().catch(() => null)), 15 * 60_000);""",
    ),
    "a clock that is slow ends the item that lived": (
        "SKEW-1",
        "warned",
        "a data request carried an expired token",
        2,
        f"""{RENEWED} await embedded("dashboard");""",
    ),
    "a configuration without a provider that the SDK refuses": (
        "TYPE-1",
        "skipped",
        "whether it refused a provider cannot be seen",
        1,
        """const { token } = await fetched("report");
        try { powerbi.embed(element("report"), { ...(await config("report")), accessToken: token,
          tokenType: models.TokenType.Embed, settings: { background: "transparent" } }); } catch {}""",
    ),
    "a paginated report": (
        "EMB-1",
        "skipped",
        "The fake Power BI has no rdlEmbed",
        1,
        f"{PAGINATED} paginated(element('report'));",
    ),
    "a paginated report beside a report": (
        "MULTI-1",
        "skipped",
        "one item on the page that can be judged: the fake Power BI has no rdlEmbed",
        2,
        f"{PAGINATED} keepAlive(await embedded('report')); paginated(element('dashboard'));",
    ),
    "a script that is not there": (
        "EMB-1",
        "failed",
        "A script of the page is missing",
        1,
        """const script = document.createElement("script"); script.src = "/bundle.js"; document.head.append(script);""",
    ),
    "an item that was there only while the page started, and the others die": (
        "FAIL-1",
        "skipped",
        "tokens end in use even without an outage",
        1,
        RENEWED_TOO_LATE,
    ),
    "the same, with another clock": ("SKEW-1", "skipped", "even with a right clock", 1, RENEWED_TOO_LATE),
    "a margin shorter than the outage": (
        "FAIL-1",
        "failed",
        "The renewal begins so late that an outage of 2 min outlasts the token",
        1,
        f"""{TRIED} const item = await embedded("report");
        setInterval(() => !item.busy && Date.now() >= item.expires - 90_000 && tried(item), 10_000);""",
    ),
    "a failure that takes the place of the item": (
        "FAIL-1",
        "failed",
        "The item went away at 50:",
        1,
        """const item = await embedded("report");
        const timer = setInterval(() => due(item) && renew(item).catch(() => {
          clearInterval(timer); powerbi.reset(element("report"));
        }), 30_000);""",
    ),
    "a cache that hands out the same token again": (
        "LIFE-1",
        "failed",
        "hands out what it has cached",
        1,
        """const item = await embedded("report");
        setInterval(() => item.embed.setAccessToken(item.token), 50 * 60_000);""",
    ),
    "a delay that came out as nothing": (
        "LIFE-3",
        "failed",
        "a delay came out as nothing",
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
    "an item that nobody renews": (
        "WAKE-5",
        "failed",
        "does not keep this item alive when it is visible, either",
        1,
        """await embedded("report");""",
    ),
    "a margin that is drawn by lot": (
        "WAKE-4",
        "skipped",
        "it has no moment that could be known before",
        1,
        """const item = await embedded("report");
        let lot = 7;
        const draw = () => 300_000 * (lot = (16807 * lot) % 2147483647) / 2147483647;
        let drawn = draw();
        const look = async () => { if (Date.now() >= item.expires - MARGIN - drawn) { await renew(item); drawn = draw(); } };
        setInterval(look, 20_000);
        document.addEventListener("visibilitychange", () => document.hidden || look());""",
    ),
    "a metronome": (
        "WAKE-4",
        "passed",
        "renewed within 1 s",
        1,
        """const item = await embedded("report"); setInterval(() => renew(item), 40 * 60_000);""",
    ),
}
"""What pages do that were misjudged once: by this rule, with this outcome and these words, on so many items."""


@pytest.mark.matrix
@pytest.mark.parametrize("what", SEEN)
def test_it_is_seen_for_what_it_is(pbi_session: HarnessSession, tmp_path: Path, what: str) -> None:
    rule, outcome, said, items, script = SEEN[what]

    found = verdict(pbi_session, tmp_path, rule, script, items=items)

    assert found.outcome == outcome, found.message
    assert said in f"{found.message} {found.likely_cause}"
