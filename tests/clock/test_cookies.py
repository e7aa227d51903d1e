"""Cookies expire in virtual time, to the millisecond, however they were set and in whatever frame or partition."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from support.site_of_pages import Site

from harness.clock.targets import Targets
from harness.stage import Conditions, Stage
from harness.stage.host import Host
from harness.stage.session import HarnessSession

MINUTE = 60_000
PROGRAM = """([write, asked]) => {
  const path = '/cookies';
  globalThis.sent = {};
  globalThis.setUp = async () => {
    const origin = at();
    await eval(write);
    const ask = async ms => {
      const read = document.cookie;
      const answer = await fetch(path, { cache: 'no-store' });
      sent[ms] = [await answer.text(), read];
    };
    for (const ms of asked) setTimeout(() => ask(ms), ms - (at() - origin));
  };
  setTimeout(setUp, 60_000);
}"""
"""A script that sets a cookie after a minute. It collects in `sent` which cookies a request sends and a script reads.

`asked` lists the delays after the cookie was set, in milliseconds."""


def sent(stage: Stage, write: str, asked: list[int], *, advance: str = "24h") -> dict[int, str]:
    """Return the Cookie header ("a=1"; "" without a cookie) that is sent each of `asked` milliseconds after `write`."""
    stage.page.evaluate(PROGRAM, [write, asked])
    stage.clock.advance(advance)
    return {int(ms): header for ms, (header, _) in _sent(stage).items()}


def _sent(stage: Stage) -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = stage.page.evaluate("sent")
    return found


def names(stage: Stage) -> set[str]:
    return {cookie["name"] for cookie in stage.cookies()}


def http_date(instant: datetime) -> str:
    return format_datetime(instant, usegmt=True)


def fetches(*lines: str) -> str:
    """Return a JavaScript expression that requests an answer with these `Set-Cookie` lines."""
    return f"fetch('{Site(0).sets(*lines)}')"


IN_HALF_AN_HOUR = "new Date(Date.now() + 1800_000)"
WRITES = {
    "Max-Age": fetches("a=1; Max-Age=1800"),
    "HttpOnly": fetches("a=1; Max-Age=1800; HttpOnly; SameSite=Strict; Path=/"),
    "Max-Age and Expires": fetches("a=1; Max-Age=1800; Expires=Fri, 01 Jan 2100 00:00:00 GMT"),
    "Max-Age with quotes, spaces and capitals": fetches('a="1" ;  MAX-AGE = 1800 ;Priority=High'),
    "the last of two Max-Age": fetches("a=1; Max-Age=20; Max-Age=1800"),
    "max-age in a script": "document.cookie = 'a=1; max-age=1800'",
    "expires in a script": f"document.cookie = 'a=1; expires=' + {IN_HALF_AN_HOUR}.toUTCString()",
    "the cookie store": f"cookieStore.set({{ name: 'a', value: '1', expires: +{IN_HALF_AN_HOUR} }})",
    "in a worker": """new Promise(done => { workerOf(`fetch('${location.origin}/cookies?set=' + encodeURIComponent('a=1; Max-Age=1800'))
        .then(answer => answer.text()).then(postMessage)`).onmessage = done; })""",
    "on a redirect": f"fetch('{Site(0).sets('a=1; Max-Age=1800', to='/cookies')}')",
    "in a frame": f"""new Promise(done => {{ const frame = document.createElement('iframe'); frame.onload = done;
        frame.src = '{Site(0).sets("a=1; Max-Age=1800")}'; document.body.append(frame); }})""",
    "in a synchronous request": f"""(() => {{ const request = new XMLHttpRequest();
        request.open('GET', '{Site(0).sets("a=1; Max-Age=1800")}', false); request.send(); }})()""",
}


@pytest.mark.parametrize("write", WRITES)
def test_cookie_expires_after_half_an_hour_however_it_was_set(pbi_stage: Stage, pages: Site, write: str) -> None:
    pbi_stage.open(pages.empty)

    seen = sent(pbi_stage, WRITES[write], [100, 1_799_000, 1_801_000, 7_200_000])

    assert {ms: header.replace('"', "") for ms, header in seen.items()} == {
        100: "a=1",
        1_799_000: "a=1",
        1_801_000: "",
        7_200_000: "",
    }
    (ended,) = pbi_stage.journal.of("cookie.expired")
    assert (ended["name"], ended["domain"], ended["path"]) == ("a", "127.0.0.1", "/")
    assert not pbi_stage.journal.of("clock")


def test_script_sees_a_cookie_expire_at_the_millisecond(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)

    sent(pbi_stage, "document.cookie = 'a=1; max-age=60'", [0, 59_998, 60_000])

    assert {ms: read for ms, (_, read) in _sent(pbi_stage).items()} == {"0": "a=1", "59998": "a=1", "60000": ""}


@pytest.mark.parametrize(
    "write", ["document.cookie = 'a=1; max-age=1'", WRITES["the cookie store"].replace("1800_000", "1000")]
)
def test_clock_does_not_pass_a_cookie_that_a_script_has_just_set(pbi_stage: Stage, pages: Site, write: str) -> None:
    """No other work is pending: only the time hold of the script pauses the clock until it knows of the cookie."""
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ setTimeout(async () => {{ await ({write});
        setTimeout(() => seen.push(document.cookie), 900); setTimeout(() => seen.push(document.cookie), 1001); }}, 3600_000); }}"""
    )

    pbi_stage.clock.advance("24h")

    assert pbi_stage.page.evaluate("seen") == ["a=1", ""]


def test_expires_counts_from_the_servers_date_header(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    in_two_hours = http_date(pbi_stage.clock.now + timedelta(hours=2))

    seen = sent(pbi_stage, fetches(f"a=1; Expires={in_two_hours}"), [119 * MINUTE - 61_000, 120 * MINUTE - 58_000])

    assert list(seen.values()) == ["a=1", ""]


def test_expires_in_the_past_removes_a_cookie_at_once(pbi_stage: Stage, pages: Site) -> None:
    """The instant is past in virtual time and not in real time, by which the browser judges it."""
    pbi_stage.open(pages.empty)
    pbi_stage.clock.advance("5h")
    gone = http_date(pbi_stage.clock.now - timedelta(hours=1))
    remove = f"""(async () => {{ document.cookie = 'b=1'; document.cookie = 'c=1'; document.cookie = 'd=1';
      await fetch('{Site(0).sets("a=1; Max-Age=600")}'); await fetch('{Site(0).sets(f"a=2; Expires={gone}")}');
      document.cookie = 'b=2; expires={gone}'; globalThis.left = document.cookie;
      await cookieStore.set({{ name: 'c', value: '2', expires: Date.now() - 3600_000 }}); }})()"""

    assert sent(pbi_stage, remove, [100]) == {100: "d=1"}
    assert "b" not in pbi_stage.page.evaluate("left")


def test_cookie_of_an_answer_by_a_route_handler_expires(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    headers = {"Set-Cookie": "a=1; Max-Age=1800; HttpOnly", "Content-Type": "text/plain"}
    pbi_stage.page.route("**/signed-in", lambda route: route.fulfill(body="", headers=headers))

    seen = sent(pbi_stage, "fetch('/signed-in')", [100, 1_798_000, 1_801_000])

    assert list(seen.values()) == ["a=1", "a=1", ""]


def test_sliding_session_cookie_lasts_as_long_as_it_is_renewed(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    slides = fetches("sid=1; Max-Age=1200; HttpOnly")
    pbi_stage.page.evaluate(
        f"""() => {{ globalThis.asked = [];
        const renewing = setInterval(async () => {{ asked.push(await (await {slides}).text()); }}, {19 * MINUTE});
        setTimeout(() => clearInterval(renewing), {23 * 60 * MINUTE}); }}"""
    )

    pbi_stage.clock.advance("23h 30min")

    assert pbi_stage.page.evaluate("asked") == [""] + ["sid=1"] * 71
    (ended,) = pbi_stage.journal.of("cookie.expired")
    assert names(pbi_stage) == set()
    (*_, last) = [entry.at for entry in pbi_stage.journal.of("request") if entry["url"].endswith("HttpOnly")]
    assert timedelta(0) <= ended.at - last - timedelta(minutes=20) <= timedelta(milliseconds=100)


def test_last_written_lifetime_of_a_cookie_counts(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    write = f"""(async () => {{
      await fetch('{Site(0).sets("shorter=1; Max-Age=7200", "longer=1; Max-Age=60", "session=1; Max-Age=60", "gone=1; Max-Age=60")}');
      await fetch('{Site(0).sets("shorter=2; Max-Age=60", "session=2")}');
      document.cookie = 'longer=2; max-age=7200'; document.cookie = 'gone=; max-age=0'; }})()"""

    seen = sent(pbi_stage, write, [58_000, 61_000, 7_201_000])

    assert [set(header.split("; ")) for header in seen.values()] == [
        {"shorter=2", "longer=2", "session=2"},
        {"longer=2", "session=2"},
        {"session=2"},
    ]
    assert [entry["name"] for entry in pbi_stage.journal.of("cookie.expired")] == ["shorter", "longer"]


def test_cookie_that_the_browser_refuses_changes_no_lifetime(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    write = f"""(async () => {{ await fetch('{Site(0).sets("a=1; Max-Age=600; HttpOnly")}');
      document.cookie = 'a=2; max-age=7200'; await fetch('{Site(0).sets("a=3; Max-Age=7200; Domain=example.com")}'); }})()"""

    assert sent(pbi_stage, write, [599_000, 600_000]) == {599_000: "a=1", 600_000: ""}


def test_cookies_of_each_path_and_domain_expire_separately(pbi_stage: Stage, pages: Site) -> None:
    origin = pages.other.replace("localhost", "api.app.localhost")
    pbi_stage.open(f"{origin}/empty")
    lines = ["a=1; Max-Age=60", "a=2; Max-Age=120; Path=/cookies", "a=3; Max-Age=180; Domain=app.localhost"]

    seen = sent(pbi_stage, fetches(*lines), [50_000, 61_000, 121_000, 181_000])

    assert [set(header.split("; ")) for header in seen.values()] == [
        {"a=1", "a=2", "a=3"},
        {"a=2", "a=3"},
        {"a=3"},
        {""},
    ]
    assert [(entry["domain"], entry["path"]) for entry in pbi_stage.journal.of("cookie.expired")] == [
        ("api.app.localhost", "/"),
        ("api.app.localhost", "/cookies"),
        (".app.localhost", "/"),
    ]


def test_partitioned_cookies_of_a_frame_of_another_site_expire(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    partitioned = "Secure; SameSite=None; Partitioned"
    pbi_stage.page.evaluate(
        """src => { const frame = document.createElement('iframe'); frame.src = src; document.body.append(frame); }""",
        pages.other + pages.sets(f"h=1; Max-Age=60; HttpOnly; {partitioned}"),
    )
    pbi_stage.clock.advance("1s")
    (frame,) = pbi_stage.page.main_frame.child_frames
    frame.evaluate(
        f"""() => {{ globalThis.sent = []; document.cookie = 's=1; max-age=120; {partitioned}';
        for (const ms of [50_000, 61_000, 121_000])
          setTimeout(async () => sent.push(await (await fetch('/cookies')).text()), ms); }}"""
    )

    pbi_stage.clock.advance("24h")

    assert frame.evaluate("sent") == ["h=1; s=1", "s=1", ""]
    ended = [(entry["name"], entry["domain"], entry["partition"]) for entry in pbi_stage.journal.of("cookie.expired")]
    assert ended == [("h", "localhost", "http://127.0.0.1"), ("s", "localhost", "http://127.0.0.1")]


@pytest.mark.parametrize("late", [0, 0.3])
def test_popup_shares_the_cookies_of_its_opener(
    pbi_stage: Stage, pages: Site, monkeypatch: pytest.MonkeyPatch, late: float
) -> None:
    """`late` is the real time in seconds by which the clock learns of the popup too late."""
    attach = Targets._attach

    async def attach_late(*args: Any, **more: Any) -> None:
        await asyncio.sleep(late)
        await attach(*args, **more)

    monkeypatch.setattr(Targets, "_attach", attach_late)
    pbi_stage.open(pages.empty)
    write = f"""new Promise(done => {{ addEventListener('message', done);
      const popup = open('{Site(0).sets("h=1; Max-Age=120; HttpOnly")}');
      setTimeout(() => popup.eval("document.cookie = 's=1; max-age=60'; opener.postMessage(1)"), 1000); }})"""

    seen = sent(pbi_stage, write, [50_000, 62_000, 122_000])

    assert [set(header.split("; ")) for header in seen.values()] == [{"h=1", "s=1"}, {"h=1"}, {""}]


def test_added_and_restored_cookies_expire(pbi_stage: Stage, pages: Site) -> None:
    now = pbi_stage.clock.now.timestamp()
    host = urlsplit(pages.empty).hostname
    of_state = {"value": "1", "domain": host, "path": "/", "httpOnly": True, "secure": False, "sameSite": "Lax"}
    pbi_stage.restore(
        {"cookies": [{"name": "r", "expires": now + 3600.25, **of_state}, {"name": "s", "expires": -1, **of_state}]}
    )
    pbi_stage.add_cookies([{"name": "a", "value": "1", "url": pages.empty, "expires": now + 1800}])
    pbi_stage.open(pages.empty)

    pbi_stage.clock.advance_to(datetime.fromtimestamp(now + 1799, UTC))
    before = names(pbi_stage)
    pbi_stage.clock.advance("1s")
    between = names(pbi_stage)
    pbi_stage.clock.advance("30min 1s")

    assert (before, between, names(pbi_stage)) == ({"r", "s", "a"}, {"r", "s"}, {"s"})


def test_added_cookie_that_has_expired_is_not_set(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.clock.advance("5h")

    pbi_stage.add_cookies(
        [{"name": "a", "value": "1", "url": pages.empty, "expires": pbi_stage.clock.now.timestamp() - 3600}]
    )

    assert pbi_stage.cookies() == []


def test_listed_cookies_expire_in_page_time(pbi_stage: Stage, pages: Site) -> None:
    """A storage state that is taken after hours of virtual time holds cookies that are still valid."""
    pbi_stage.open(pages.empty)
    pbi_stage.clock.advance("5h")
    pbi_stage.page.evaluate("() => { document.cookie = 'a=1; max-age=600'; document.cookie = 'b=1'; }")

    listed = {cookie["name"]: cookie["expires"] for cookie in pbi_stage.storage_state()["cookies"]}

    assert listed == {"a": pbi_stage.clock.now.timestamp() + 600, "b": -1}


def test_cookie_lasts_its_max_age_although_the_clients_clock_is_fast(pbi_session: HarnessSession, pages: Site) -> None:
    with pbi_session.stage(Conditions(client_ahead=timedelta(minutes=10))) as stage:
        stage.open(pages.empty)

        seen = sent(stage, "document.cookie = 'a=1; max-age=600'", [599_000, 601_000])

        assert list(seen.values()) == ["a=1", ""]


def test_cookies_expire_in_a_hidden_and_in_a_frozen_tab(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    set_cookies = "a=1; Max-Age=3600", "b=1; Max-Age=10800"
    pbi_stage.page.evaluate(f"() => {{ {fetches(*set_cookies)}; }}")
    pbi_stage.clock.advance("1s")

    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("2h")
        after_hidden = names(pbi_stage)
    with pbi_stage.tab.frozen():
        pbi_stage.clock.advance("2h")

    assert (after_hidden, names(pbi_stage)) == ({"b"}, set())
    times = [entry.at for entry in pbi_stage.journal.of("cookie.expired")]
    assert times[1] - times[0] == timedelta(hours=2)


def test_cookies_expire_beside_an_endless_request(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("() => { new EventSource('/never'); }")

    of_header = sent(pbi_stage, WRITES["HttpOnly"], [1_799_000, 1_801_000], advance="1h")
    of_script = sent(pbi_stage, WRITES["max-age in a script"], [1_799_000, 1_801_000], advance="1h")

    assert list(of_header.values()) == list(of_script.values()) == ["a=1", ""]


def test_cookie_store_reports_an_expired_cookie(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        """() => { globalThis.changes = []; cookieStore.onchange = event =>
        changes.push(event.changed.map(({name}) => name), event.deleted.map(({name}) => name)); }"""
    )
    pbi_stage.clock.advance("1s")
    pbi_stage.page.evaluate("() => { document.cookie = 'a=1; max-age=60'; }")

    pbi_stage.clock.advance("2min")

    assert pbi_stage.page.evaluate("changes") == [["a"], [], [], ["a"]]


def test_cookie_does_not_expire_in_real_time(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("() => { document.cookie = 'a=1; max-age=1'; }")
    pbi_stage.page.wait_for_timeout(1500)  # real time, which does not pass in the page

    assert pbi_stage.page.evaluate("document.cookie") == "a=1"
    pbi_stage.clock.advance("998ms")
    assert pbi_stage.page.evaluate("document.cookie") == "a=1"
    pbi_stage.clock.advance("2ms")
    assert pbi_stage.page.evaluate("document.cookie") == ""


def test_lifetime_of_a_cookie_is_at_most_400_days(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { document.cookie = 'a=1; max-age=99999999999'; document.cookie = 'b=1; max-age=1e3'; }"
    )
    pbi_stage.clock.advance("1s")

    listed = {cookie["name"]: cookie["expires"] for cookie in pbi_stage.cookies()}

    assert listed == {"a": pbi_stage.clock.now.timestamp() - 1 + 400 * 86_400, "b": -1}


def test_app_signs_in_again_each_time_its_session_cookie_expires(pbi_stage: Stage, pbi_host: Host) -> None:
    report = pbi_stage.open(pbi_host.url("session_cookie")).item()

    pbi_stage.clock.advance("24h")

    refused = pbi_stage.journal.of("response", status=401)
    begun = [entry for entry in pbi_stage.journal.of("request") if "/session/begin" in entry["url"]]
    ended = [entry.at for entry in pbi_stage.journal.of("cookie.expired", name="session")]
    assert len(refused) == len(begun) == 1 + len(ended) >= 12
    assert ended[0] - begun[0].at == timedelta(minutes=40)
    assert report.refresh()["state"] == "live"
    assert not pbi_stage.journal.of("token.expired")
