"""Conditions of a tab: another clock or time zone, slow and faulty answers, endless requests, and the leak watch."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from support.site_of_pages import Site

from harness.stage import Conditions, Stage
from harness.stage.host import Host
from harness.stage.interception import Answer
from harness.stage.session import HarnessSession

EMBED = "*/token/embed/*"


def requests_to(stage: Stage, part: str) -> list[datetime]:
    return [entry.at for entry in stage.journal.of("request") if part in entry["url"]]


@pytest.mark.parametrize("minutes", [-10, 10])
def test_page_time_is_off_by_client_ahead_and_service_time_is_not(
    pbi_session: HarnessSession, pages: Site, minutes: int
) -> None:
    ahead = timedelta(minutes=minutes)
    with pbi_session.stage(Conditions(client_ahead=ahead)) as stage:
        stage.open(pages.empty)
        for _ in range(2):
            in_page = datetime.fromtimestamp(stage.page.evaluate("Date.now()") / 1000, UTC)
            assert abs(in_page - stage.clock.now - ahead) < timedelta(milliseconds=5)
            assert abs(datetime.now(UTC) - stage.clock.now) < timedelta(milliseconds=5)
            stage.clock.advance("1h")


def test_stage_starts_at_the_given_instant_in_the_given_time_zone(pbi_session: HarnessSession, pages: Site) -> None:
    start = datetime(2040, 11, 4, 8, 30, tzinfo=UTC)
    with pbi_session.stage(Conditions(start=start, time_zone="America/Los_Angeles")) as stage:
        stage.open(pages.empty)
        assert stage.clock.now - start == timedelta(milliseconds=500)
        shown = []
        for _ in range(4):
            shown.append(stage.page.evaluate("new Date().toTimeString().slice(0, 5)"))
            stage.clock.advance("30min")
        assert shown == ["01:30", "01:00", "01:30", "02:00"]  # summer time ends in between
    with pbi_session.stage() as stage:
        stage.open(pages.empty)
        assert stage.page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone") != "America/Los_Angeles"


def test_delayed_answer_takes_the_given_virtual_time(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.delay_answers(EMBED, "200ms")
    item = pbi_stage.open(pbi_host.url("article_manual")).item()
    item.expect_loaded()
    pbi_stage.clock.advance("51min")
    requested, applied = requests_to(pbi_stage, "/token/")[-1], pbi_stage.journal.of("token.applied")[-1].at
    assert timedelta(milliseconds=200) <= applied - requested <= timedelta(milliseconds=250)


def test_slow_fault_delays_each_answer_from_the_first_request_on(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.open(pbi_host.url("article_manual")).item().expect_loaded()
    pbi_stage.faults.add(EMBED, slow="45s", from_first_request=True)
    assert not pbi_stage.journal.of("fault.began")
    pbi_stage.clock.advance("55min")
    first, second = requests_to(pbi_stage, "/token/")[1:3]
    assert second - first == timedelta(seconds=30)
    applied = [entry.at for entry in pbi_stage.journal.of("token.applied", how="setAccessToken")]
    assert [
        round((at - requested).total_seconds()) for at, requested in zip(applied, (first, second), strict=True)
    ] == [45, 45]
    assert pbi_stage.journal.of("fault.began")[0].at == first


def test_delayed_requests_do_not_time_out_in_real_time(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.faults.add("*/slow", slow="20min")
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        """() => { const ask = () => { const began = at(); fetch('/slow').then(() => seen.push(at() - began)); };
        ask(); setTimeout(ask, 600_000); }"""
    )

    pbi_stage.clock.advance("1h")  # the delays take seconds of real time

    assert [round(took / 60_000, 1) for took in pbi_stage.page.evaluate("seen")] == [20, 20]
    assert not pbi_stage.journal.of("clock")


def test_synchronous_request_is_not_delayed(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.delay_answers("*/slow", "200ms")
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "void setTimeout(() => { const x = new XMLHttpRequest(); x.open('GET', '/slow', false); x.send(); seen.push(x.responseText); }, 1000)"
    )
    pbi_stage.clock.advance("5s")
    assert pbi_stage.page.evaluate("seen") == ["slow"]


def test_synchronous_request_in_a_visibilitychange_listener_is_not_delayed(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.delay_answers("*/slow", "200ms")
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "void document.addEventListener('visibilitychange', () => { const x = new XMLHttpRequest(); x.open('GET', '/slow', false);"
        " x.send(); seen.push(`${document.visibilityState} ${x.responseText}`); })"
    )
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("5s")
    assert pbi_stage.page.evaluate("seen") == ["hidden slow", "visible slow"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_date_header_of_a_real_server_shows_service_time(pbi_stage: Stage, pages: Site, method: str) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.clock.advance("90min")
    pbi_stage.page.evaluate(
        f"fetch('/slow', {{method: '{method}'}}).then((r) => seen.push(Date.parse(r.headers.get('Date')) - Date.now(), r.status)), 0"
    )
    pbi_stage.clock.advance("1s")
    apart, status = pbi_stage.page.evaluate("seen")
    assert abs(apart) <= 2000
    assert status == 200


def test_expired_tokens_fault_is_consistent_in_every_field_of_the_answer(pbi_stage: Stage, pbi_host: Host) -> None:
    pbi_stage.open(pbi_host.url("reference")).item().expect_loaded()
    pbi_stage.faults.add("*/token/*", expired_tokens=True)
    pbi_stage.page.evaluate(
        "globalThis.got = {}; for (const path of ['embed/report', 'aad']) fetch('/token/' + path).then(r => r.json()).then(j => got[path] = j)"
    )
    pbi_stage.clock.advance("1s")
    got = json.loads(pbi_stage.page.evaluate("JSON.stringify(got)"))
    assert datetime.fromisoformat(got["embed/report"]["expiration"]) < pbi_stage.clock.now
    assert got["aad"]["expires_in"] <= -59
    for text in (got["embed/report"]["token"], got["aad"]["access_token"]):
        assert pbi_stage.cloud.tokens.state(text) == "expired"


def test_clock_advances_beside_an_endless_request(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate("void fetch('/never')")
    pbi_stage.page.evaluate("void setInterval(() => fetch('/slow').then(() => seen.push(at())), 60_000)")
    began = pbi_stage.clock.now
    pbi_stage.clock.advance("5min 5s")
    assert pbi_stage.clock.now - began < timedelta(minutes=5, seconds=6)
    assert len(pbi_stage.page.evaluate("seen")) == 5
    (entry,) = pbi_stage.journal.of("clock")
    assert entry["url"].endswith("/never")


def test_page_repeats_a_long_poll_that_it_aborts_every_30_s(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "void (async () => { for (let n = 0;; n++) { seen.push(at()); await fetch(`/never?${n}`,"
        " {signal: AbortSignal.timeout(30_000)}).catch(() => {}); } })()"
    )
    pbi_stage.clock.advance("10min 5s")
    assert [b - a for a, b in pairwise(pbi_stage.page.evaluate("seen"))] == [30_000] * 20
    assert [entry["url"] for entry in pbi_stage.journal.of("clock")] == [f"{pages.origin}/never?0"]


def test_event_stream_that_ends_is_opened_again(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "void (new EventSource('/news').onmessage = async () => { seen.push(at()); await (await fetch('/empty')).text(); })"
    )
    pbi_stage.clock.advance("10min")
    apart = [b - a for a, b in pairwise(pbi_stage.page.evaluate("seen"))]
    assert len(apart) >= 38
    assert all(15_000 <= length <= 15_200 for length in apart)
    # On a busy machine a stream may take 0.1 s of real time to end. The journal then lists it as endless, and it is still
    # opened again in time.
    assert {entry["what"] for entry in pbi_stage.journal.of("clock")} <= {"request without an end"}


def test_stage_answers_requests_to_a_backend_that_does_not_exist(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.answer("https://api.example.com/token*", lambda: Answer(200, "application/json", '{"token": 1}'))
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "fetch('https://api.example.com/token', {method: 'POST', credentials: 'include', headers: {'X-Own': '1'}})"
        ".then(async (r) => seen.push(await r.json(), Date.parse(r.headers.get('Date')) > 0), (e) => seen.push(String(e))), 0"
    )
    pbi_stage.clock.advance("1s")
    assert pbi_stage.page.evaluate("seen") == [{"token": 1}, True]


STORE = """const o = indexedDB.open('d'); o.onupgradeneeded = () => o.result.createObjectStore('s', {autoIncrement: true});
    o.onsuccess = () => { const s = o.result.transaction('s', 'readwrite').objectStore('s'); """
PLACES = {
    "URL": "fetch('/empty?t=' + encodeURIComponent(token))",
    "URL of a WebSocket": "new WebSocket(location.href.replace('http', 'ws') + '?t=' + encodeURIComponent(token))",
    "URL of a frame": "document.body.append(Object.assign(document.createElement('iframe'), {src: '/empty#' + token}))",
    "local storage": "localStorage.t = token; delete localStorage.t",
    "session storage": "sessionStorage.setItem('t', btoa('x' + token))",
    "cookie": "document.cookie = 't=' + encodeURIComponent(token) + '; max-age=0'",
    "console": "console.log('got', {answer: {token}})",
    "console, in a Map": "console.dir(new Map([['token', {token}]]))",
    "console, in headers": "console.log(new Headers({Authorization: `Bearer ${token}`}))",
    "console, in an error": "console.error(Object.assign(new Error('no'), {config: {headers: {Authorization: token}}}))",
    "IndexedDB": STORE + "s.put({deep: [token]}); }",
    "IndexedDB, by a cursor": STORE
    + "s.put(1); s.openCursor().onsuccess = ({target}) => target.result?.update({token}); }",
    "IndexedDB, in a Blob": STORE + "s.put({token: new Blob([token])}); }",
    "Cache Storage": "caches.open('c').then((c) => c.put('/x', new Response(JSON.stringify({token}))))",
    "Referer": "history.replaceState(null, '', '?t=' + token); fetch('/empty', {referrerPolicy: 'unsafe-url'})",
}
"""Place of a leak, and the way if there are several -> JavaScript that leaks the token there."""


@pytest.mark.parametrize("place", PLACES)
def test_leak_watch_finds_a_token_in_every_place(pbi_session: HarnessSession, place: str) -> None:
    where = re.split(", | of ", place)[0]
    with pbi_session.stage(Conditions(watch_tokens=True)) as stage, pbi_session.host(stage) as host:
        stage.open(host.url("reference")).item().expect_loaded()
        assert not stage.journal.of("token.leaked")
        stage.page.evaluate(
            f"void fetch('/token/embed/report').then(r => r.json()).then(({{token}}) => {{ {PLACES[place]} }})"
        )
        stage.clock.advance("1s")
        for _ in range(50):
            stage.clock.advance("20ms")
            if where in {entry["where"] for entry in stage.journal.of("token.leaked")}:
                break
        leaked = stage.journal.of("token.leaked")
        assert where in {entry["where"] for entry in leaked}
        assert {entry["token"] for entry in leaked} == {"embed-2"}
        assert [entry["by"] for entry in stage.journal.of("token.fetched")] == ["Fetch", "Fetch"]


@pytest.mark.parametrize("endless", ["new EventSource('/never')", "fetch('/never')"])
def test_other_requests_and_browser_calls_end_in_time_beside_an_endless_request(
    pbi_stage: Stage, pages: Site, endless: str
) -> None:
    pbi_stage.open(pages.empty)
    before = pbi_stage.clock.now
    pbi_stage.page.evaluate(
        f"""() => {{ {endless}; globalThis.requests = []; globalThis.keys = [];
        const timed = async (list, work) => {{ const began = Date.now(); await work(); list.push(Date.now() - began); }};
        setInterval(() => timed(requests, () => fetch('/slow')), 5_000_003);
        setInterval(() => timed(keys, () => crypto.subtle.generateKey({{name: 'AES-GCM', length: 128}}, false, ['encrypt'])),
          3_000_001); }}"""
    )

    pbi_stage.clock.advance("6h")

    assert pbi_stage.clock.now - before == timedelta(hours=6)
    requests, keys = pbi_stage.page.evaluate("[requests, keys]")
    assert (len(requests), len(keys)) == (4, 7)
    assert max(requests) <= 3000  # the server takes 150 ms, and more on a busy machine
    assert max(keys) <= 200


def test_worker_sends_its_request_at_once_although_the_clients_clock_is_slow(
    pbi_session: HarnessSession, pages: Site
) -> None:
    with pbi_session.stage(Conditions(client_ahead=timedelta(minutes=-10))) as stage:
        stage.open(pages.empty)
        before = stage.clock.now
        stage.page.evaluate(
            "() => { new Worker(URL.createObjectURL(new Blob([`fetch('${location.origin}/slow')`]))); }"
        )
        stage.page.evaluate("() => { new Worker('/worker.js'); }")

        stage.clock.advance("1s")

        assert stage.clock.now - before == timedelta(seconds=1)
        assert requests_to(stage, "/slow")[0] - before <= timedelta(milliseconds=100)
