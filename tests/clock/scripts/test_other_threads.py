"""The clock waits for work on the browser's other threads and in its other processes.

The tests run in a page, in a frame of another site and in a worker.
"""

from datetime import timedelta

import pending_calls
import pytest
from playwright.sync_api import Frame, Page, Route
from support.site_of_pages import Site

from harness.stage import Stage

CLOSE_MS = 200
"""Virtual milliseconds within which a call has to end."""
LONGER_MS = {"an RSA key": 3000}
"""Virtual milliseconds within which a call has to end that takes the machine longer, and so takes as long in virtual time."""

WORKS = {
    "IndexedDB": """new Promise((done, failed) => {
        const asked = indexedDB.open('db' + Math.random(), 1);
        asked.onerror = failed;
        asked.onupgradeneeded = () => asked.result.createObjectStore('s');
        asked.onsuccess = () => {
          const writing = asked.result.transaction('s', 'readwrite');
          writing.objectStore('s').put(1, 1);
          writing.oncomplete = () => {
            const reading = asked.result.transaction('s').objectStore('s').get(1);
            reading.onsuccess = () => done(reading.result);
          };
        };
      })""",
    "IndexedDB deletes": """new Promise((done, failed) => {
        const asked = indexedDB.deleteDatabase('db' + Math.random()); asked.onsuccess = done; asked.onerror = failed; })""",
    "a list of databases": "indexedDB.databases()",
    "an RSA key": """crypto.subtle.generateKey({name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256'}, false, ['sign', 'verify'])""",
    "a signature": """crypto.subtle.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, false, ['sign', 'verify']).then(
        ({privateKey}) => crypto.subtle.sign({name: 'ECDSA', hash: 'SHA-256'}, privateKey, new Uint8Array(100)))""",
    "a digest": "crypto.subtle.digest('SHA-256', new Uint8Array(100_000))",
    "the Cache API": """caches.open('c').then(async cache => {
        await cache.put('http://x.test/', new Response('x')); return (await cache.match('http://x.test/')).text(); })""",
    "a Web Lock": "navigator.locks.request('l' + Math.random(), async () => 1)",
    "a lock that is given back": """(async () => {
        const name = 'l' + Math.random(); let giveBack;
        navigator.locks.request(name, () => new Promise(done => { giveBack = done; }));
        const second = navigator.locks.request(name, () => 2);
        while (!giveBack) await new Promise(done => setTimeout(done, 5));
        giveBack();
        return second;
      })()""",
    "BroadcastChannel": """new Promise(done => {
        const name = 'b' + Math.random(), [a, b] = [new BroadcastChannel(name), new BroadcastChannel(name)];
        b.onmessage = done; a.postMessage(1); })""",
    "a permission": "navigator.permissions.query({name: 'geolocation'})",
    "a storage estimate": "navigator.storage.estimate()",
    "a file of its own": """(async () => {
        const folder = await navigator.storage.getDirectory();
        const handle = await folder.getFileHandle('f' + Math.random(), {create: true});
        const stream = await handle.createWritable();
        await stream.write('x'); await stream.close(); return (await handle.getFile()).text(); })()""",
    "WebAssembly": "WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]))",
    "a blob": "new Blob(['x'.repeat(100_000)]).text()",
    "a stream of a blob": "new Response(new Blob(['x'.repeat(100_000)]).stream()).text()",
    "a bitmap": "createImageBitmap(new ImageData(200, 200))",
    "a WebSocket": """new Promise((done, failed) => {
        const socket = new WebSocket(`ws://${location.host || '%(host)s'}/echo`);
        socket.onopen = () => socket.send('x'); socket.onmessage = done; socket.onerror = failed; })""",
    "MessageChannel": """new Promise(done => {
        const {port1, port2} = new MessageChannel(); port1.onmessage = done; port2.postMessage(1); })""",
}
IN_DOCUMENTS = {
    "a FileReader": """new Promise((done, failed) => {
        const reader = new FileReader(); reader.onload = done; reader.onerror = failed; reader.readAsText(new Blob(['x'])); })""",
    "sound": "new OfflineAudioContext(1, 8000, 8000).startRendering()",
    "the media devices": "navigator.mediaDevices.enumerateDevices()",
    "a cookie of the cookie store": "cookieStore.get('c')",
    "a picture": """(() => { const image = new Image();
        image.src = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'; return image.decode(); })()""",
    "a new worker": """new Promise(done => {
        new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = done; })""",
    "a worker that answers": """new Promise(done => {
        const worker = new Worker(URL.createObjectURL(new Blob(['onmessage = () => postMessage(1)'])));
        worker.onmessage = done; worker.postMessage(1); })""",
    "an animation frame": "new Promise(done => requestAnimationFrame(done))",
}
IN_WORKERS = {
    "a worker's own request": "fetch('%(origin)s/slow').then(answer => answer.text())",
    "a worker's XMLHttpRequest": """new Promise((done, failed) => {
        const request = new XMLHttpRequest(); request.open('GET', '%(origin)s/slow');
        request.onload = done; request.onerror = failed; request.send(); })""",
    "work behind many promises": """(async () => {
        for (let n = 0; n < 100; n++) await null; return crypto.subtle.digest('SHA-256', new Uint8Array(9)); })()""",
    "messages that it posts itself": """new Promise(done => {
        const {port1, port2} = new MessageChannel(); let turns = 0;
        port1.onmessage = () => ++turns < 50 ? port2.postMessage(1) : done(); port2.postMessage(1); })""",
}


def timed(work: str) -> str:
    """Return a program that does the work after a minute, and calls `took` with the milliseconds that it took, or with the error."""
    return f"""setInterval(() => {{}}, 30_000);
      setTimeout(async () => {{
        const asked = Date.now();
        try {{ await {work}; took(Date.now() - asked); }} catch (error) {{ took(String(error)); }}
      }}, 60_000);"""


def timed_calls(calls: dict[str, str], origin: str) -> str:
    """Return a program that makes a call each minute, and calls `took` with the milliseconds and the error of each call."""
    functions = ", ".join(f"'{name}': () => {call}" for name, call in calls.items())
    helpers = pending_calls.HELPERS.replace("ORIGIN", repr(origin))
    return f"""{helpers}
      setInterval(() => {{}}, 30_000);
      (async () => {{
        const all = {{}};
        for (const [call, make] of Object.entries({{ {functions} }})) {{
          await new Promise((done) => setTimeout(done, 60_000));
          const asked = Date.now();
          const error = await (async () => make())().then(() => null, String);
          all[call] = [Date.now() - asked, error];
        }}
        took(all);
      }})();"""


def took_in(where: Page | Frame) -> object:
    return where.evaluate("globalThis.tookMs")


def frame_of_another_site(stage: Stage, pages: Site) -> Frame:
    stage.page.evaluate(
        f"() => {{ const frame = document.createElement('iframe'); frame.src = '{pages.other}/empty'; document.body.append(frame); }}"
    )
    stage.clock.advance("1s")
    (frame,) = stage.page.main_frame.child_frames
    return frame


def start(where: Page | Frame, program: str) -> None:
    where.evaluate(f"() => {{ const took = ms => {{ globalThis.tookMs = ms; }}; {program} }}")


def start_in_worker(page: Page, program: str) -> None:
    page.evaluate(
        """program => { workerOf('const took = ms => postMessage(ms); ' + program).onmessage =
            event => { globalThis.tookMs = event.data; }; }""",
        program,
    )


@pytest.mark.parametrize("work", [*WORKS, *IN_DOCUMENTS])
def test_work_in_a_page_takes_little_virtual_time(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.empty)
    start(pbi_stage.page, timed((WORKS | IN_DOCUMENTS)[work]))

    pbi_stage.clock.advance("2h")

    assert isinstance(took := took_in(pbi_stage.page), int), took
    assert took <= LONGER_MS.get(work, CLOSE_MS)
    assert not pbi_stage.journal.of("clock")


@pytest.mark.parametrize("work", [*WORKS, *IN_DOCUMENTS])
def test_work_in_a_frame_of_another_site_takes_little_virtual_time(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.empty)
    frame = frame_of_another_site(pbi_stage, pages)
    start(frame, timed((WORKS | IN_DOCUMENTS)[work]))

    pbi_stage.clock.advance("2h")

    assert isinstance(took := took_in(frame), int), took
    assert took <= LONGER_MS.get(work, CLOSE_MS)


@pytest.mark.parametrize("work", [*WORKS, *IN_WORKERS])
def test_work_in_a_worker_takes_little_virtual_time(pbi_stage: Stage, pages: Site, work: str) -> None:
    pbi_stage.open(pages.empty)
    here = {"origin": pages.origin, "host": pages.origin.partition("//")[2]}
    start_in_worker(pbi_stage.page, timed((WORKS | IN_WORKERS)[work] % here))

    pbi_stage.clock.advance("2h")

    assert isinstance(took := took_in(pbi_stage.page), int), took
    assert took <= LONGER_MS.get(work, CLOSE_MS)


@pytest.mark.parametrize("place", ["page", "frame of another site", "worker"])
def test_each_listed_call_takes_little_virtual_time(pbi_stage: Stage, pages: Site, place: str) -> None:
    calls = pending_calls.calls_in("workers" if place == "worker" else "documents")
    pbi_stage.open(pages.empty)
    where: Page | Frame = pbi_stage.page
    if place == "worker":
        start_in_worker(pbi_stage.page, timed_calls(calls, pages.origin))
    else:
        origin = pages.origin
        if place != "page":
            where, origin = frame_of_another_site(pbi_stage, pages), pages.other
        start(where, timed_calls(calls, origin))

    pbi_stage.clock.advance("3h")

    took = took_in(where)
    rejected = pending_calls.REJECTED
    if place == "frame of another site":
        rejected = pending_calls.REJECTED_IN_A_FRAME_OF_ANOTHER_SITE
    assert isinstance(took, dict), took
    assert took.keys() == calls.keys()
    assert {name: ms for name, (ms, _) in took.items() if ms > CLOSE_MS} == {}
    failed = {name: error for name, (_, error) in took.items() if error and name not in rejected}
    assert failed == {}
    assert not pbi_stage.journal.of("clock")


def test_work_that_a_click_begins_takes_little_virtual_time(pbi_stage: Stage, pages: Site) -> None:
    """After a click the browser delays a page's own messages, and with them the tasks that keep a frame busy."""
    work = WORKS["IndexedDB"]
    button = f'<button onclick="const at = Date.now(); {work.replace(chr(10), " ")}.then(() => took.push(Date.now() - at))">go</button>'
    pbi_stage.open(pages.made(f"<script>const took = []; setInterval(() => {{}}, 1000);</script>{button}"))

    for _ in range(10):
        pbi_stage.page.click("button")
        pbi_stage.clock.advance("1h")

    took = pbi_stage.page.evaluate("took")
    assert len(took) == 10
    assert max(took) <= CLOSE_MS


def test_request_whose_answer_depends_on_other_work_takes_little_virtual_time(pbi_stage: Stage, pages: Site) -> None:
    waiting: list[Route] = []

    def answer_both(route: Route) -> None:
        for each in (*waiting, route):
            each.fulfill(body="")

    pbi_stage.page.route("**/first", lambda route: waiting.append(route))
    pbi_stage.page.route("**/second", answer_both)
    pbi_stage.open(pages.empty)
    work = f"Promise.all([fetch('/first'), {WORKS['IndexedDB']}.then(() => fetch('/second'))])"
    start(pbi_stage.page, timed(work))

    pbi_stage.clock.advance("2h")

    assert isinstance(took := took_in(pbi_stage.page), int), took
    assert took <= CLOSE_MS
    assert not pbi_stage.journal.of("clock")


def test_page_that_draws_gets_sixty_frames_per_virtual_second(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { globalThis.frames = 0; const draw = () => { frames++; requestAnimationFrame(draw); }; requestAnimationFrame(draw); }"
    )

    pbi_stage.clock.advance("5min")
    drawn = pbi_stage.page.evaluate("frames")
    with pbi_stage.tab.hidden():
        pbi_stage.clock.advance("5min")
        drawn_while_hidden = pbi_stage.page.evaluate("frames") - drawn

    assert 300 * 55 <= drawn <= 300 * 70
    assert drawn_while_hidden <= 60  # drawn in real time while the tabs changed places


def test_callbacks_of_one_animation_frame_are_called_separately(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        """() => { const draw = () => {
            const frame = [];
            seen.push(frame);
            requestAnimationFrame((now) => { Promise.resolve().then(() => frame.push('microtask')); frame.now = now; throw new Error('own'); });
            requestAnimationFrame((now) => { frame.push(now === frame.now); requestAnimationFrame(() => frame.push('next')); cancelAnimationFrame(last); });
            const last = requestAnimationFrame(() => frame.push('cancelled'));
          };
          setInterval(draw, 1000); }"""
    )

    pbi_stage.clock.advance("20s")

    assert pbi_stage.page.evaluate("seen.slice(0, 19)") == [["microtask", True, "next"]] * 19
    assert len(pbi_stage.journal.of("page.error")) in (19, 20)


def test_lock_that_is_never_given_does_not_stop_time(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    before = pbi_stage.clock.now
    pbi_stage.page.evaluate(
        """() => { navigator.locks.request('l', () => new Promise(() => {}));
        navigator.locks.request('l', () => { globalThis.given = true; }); }"""
    )

    pbi_stage.clock.advance("24h")

    assert pbi_stage.clock.now - before == timedelta(hours=24)
    assert not pbi_stage.page.evaluate("globalThis.given")
    assert not pbi_stage.journal.of("clock")


def test_database_that_another_connection_blocks_does_not_stop_time(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    before = pbi_stage.clock.now
    pbi_stage.page.evaluate(
        """() => { indexedDB.open('d', 1).onsuccess = event => { globalThis.open = event.target.result;
        indexedDB.open('d', 2).onblocked = () => { globalThis.blocked = true; }; }; }"""
    )

    pbi_stage.clock.advance("24h")

    assert pbi_stage.clock.now - before == timedelta(hours=24)
    assert pbi_stage.page.evaluate("globalThis.blocked")


@pytest.mark.parametrize("where", ["frame", "worker"])
def test_call_that_never_ends_is_named_in_the_journal_and_does_not_stop_time(
    pbi_stage: Stage, pages: Site, where: str
) -> None:
    pbi_stage.open(pages.empty)
    before = pbi_stage.clock.now
    pbi_stage.page.evaluate(
        f"""() => {{ const work = `const endless = new Response(new ReadableStream({{}}));
          setTimeout(() => caches.open('c').then((cache) => cache.put('{pages.origin}/x', endless)), 60_000);`;
        if ('{where}' === 'worker') workerOf(work);
        else {{ const frame = document.createElement('iframe'); frame.src = '/popup'; document.body.append(frame);
          frame.onload = () => frame.contentWindow.eval(work); }} }}"""
    )

    pbi_stage.clock.advance("24h")

    assert pbi_stage.clock.now - before == timedelta(hours=24)
    (lost,) = pbi_stage.journal.of("clock")
    assert (lost["what"], lost["call"]) == ("work without an end", "Cache.put")
    assert lost["url"].startswith({"frame": f"{pages.origin}/popup", "worker": "blob:"}[where])
    assert abs(lost["since"] - before - timedelta(minutes=1)) <= timedelta(milliseconds=CLOSE_MS)
    assert lost["since"] < lost.at < lost["since"] + timedelta(seconds=1)


def test_frame_that_is_removed_during_its_work_does_not_stop_time(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    before = pbi_stage.clock.now
    pbi_stage.page.evaluate(
        """() => { setTimeout(() => { const frame = document.createElement('iframe'); document.body.append(frame);
        frame.contentWindow.indexedDB.open('d', 1); frame.remove(); }, 60_000); }"""
    )

    pbi_stage.clock.advance("24h")

    assert pbi_stage.clock.now - before == timedelta(hours=24)
    assert not pbi_stage.journal.of("clock")


def test_ten_thousand_calls_at_once_end_within_ten_virtual_seconds(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        """() => { const began = Date.now();
        Promise.all(Array.from({length: 10_000}, () => navigator.permissions.query({name: 'geolocation'})))
          .then(() => { globalThis.tookMs = Date.now() - began; }); }"""
    )

    pbi_stage.clock.advance("2h")

    took = took_in(pbi_stage.page)
    assert isinstance(took, int)
    assert took <= 10_000
