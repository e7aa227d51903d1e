"""Pages that do what no page should: time goes on after a bounded wait, the journal names what was not waited for, and the
tab is as usable as before."""

from datetime import timedelta

import pytest
from site_of_pages import Site

from harness.clock import network, real_time, virtual_time
from harness.stage import Conditions, Stage
from harness.stage.session import HarnessSession

BOUND = 60.0
"""Real seconds, at most, for an advance beside work that never ends; without a bound it would be for ever."""
CLOSE = 200
"""Virtual milliseconds within which a wait has to end."""


def open_bounded(stage: Stage, url: str) -> None:
    stage.end_by(real_time.seconds() + BOUND)
    stage.open(url)


def not_waited_for(stage: Stage) -> set[object]:
    return {entry["call"] for entry in stage.journal.of("clock", what="work without an end")}


def expect_an_hour_to_go_by(stage: Stage, *, or_more: timedelta = timedelta(0)) -> None:
    before = stage.clock.now
    stage.clock.advance("1h")
    assert timedelta(0) <= stage.clock.now - before - timedelta(hours=1) <= or_more
    assert stage.page.evaluate("Date.now()") == stage.clock.now.timestamp() * 1000


NEVER_DONE = {
    "a lock that another frame keeps": (
        """frame.contentWindow.navigator.locks.request('l', () => new Promise(() => {}));
        setTimeout(() => navigator.locks.request('l', () => seen.push('given')), 1000);""",
        set(),
    ),
    "a database that another frame keeps open": (
        """frame.contentWindow.indexedDB.open('d', 1).onsuccess = () => setTimeout(() => {
          indexedDB.open('d', 2).onsuccess = () => seen.push('opened'); }, 1000);""",
        set(),
    ),
    "a database behind one that is never deleted": (
        """indexedDB.open('d', 1).onsuccess = ({target}) => {
          globalThis.kept = target.result; indexedDB.deleteDatabase('d');
          setTimeout(() => { indexedDB.open('d', 3).onsuccess = () => seen.push('opened'); }, 1000); };""",
        {"IDBFactory.open"},
    ),
    "a transaction that is kept alive": (
        """const asked = indexedDB.open('d', 1);
        asked.onupgradeneeded = () => asked.result.createObjectStore('s');
        asked.onsuccess = () => { const store = asked.result.transaction('s').objectStore('s');
          const again = () => { store.get(1).onsuccess = again; }; again(); };""",
        {"IDBDatabase.transaction"},
    ),
    "a stream without an end that is put into a cache": (
        "caches.open('c').then((cache) => cache.put('/x', new Response(new ReadableStream({}))));",
        {"Cache.put"},
    ),
    "a stream without an end that is read": ("new Response(new ReadableStream({})).text();", {"unknown"}),
    "a worker in a loop without an end": ("workerOf('for (;;);');", {"a worker's script", "Worker"}),
    "a worker that asks and gets no answer": ("workerOf(`fetch('${location.origin}/never')`);", {"fetch"}),
}


@pytest.mark.parametrize("work", NEVER_DONE)
def test_work_that_never_ends(pbi_stage: Stage, pages: Site, work: str) -> None:
    program, calls = NEVER_DONE[work]
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ const frame = document.createElement('iframe'); frame.src = '/empty';
        frame.onload = () => {{ {program} }}; document.body.append(frame); }}"""
    )

    expect_an_hour_to_go_by(pbi_stage)

    assert not_waited_for(pbi_stage) == calls
    assert pbi_stage.page.evaluate("seen") == []


NEVER_THERE = {
    "a frame": "const frame = document.createElement('iframe'); frame.src = '/never'; document.body.append(frame);",
    "an image without an end": "const image = new Image(); image.src = '/slow?body=3600&type=image/png'; document.body.append(image);",
}


@pytest.mark.parametrize("what", NEVER_THERE)
def test_what_never_comes(pbi_stage: Stage, pages: Site, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "LONG", 3.0)
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(f"() => {{ setTimeout(() => {{ {NEVER_THERE[what]} }}, 1000); }}")

    expect_an_hour_to_go_by(pbi_stage)

    (endless,) = pbi_stage.journal.of("clock")
    assert endless["what"] == "request without an end"


OVER_AND_OVER = {
    "a channel": """const [one, other] = [1, 2].map(() => new BroadcastChannel('c'));
        other.onmessage = () => seen.push(1); setInterval(() => one.postMessage(1), 60_000);""",
    "an idle moment": """setInterval(() => { document.body.append('x'); requestIdleCallback(() => seen.push(1)); }, 60_000);""",
    "a worker that answers": """const worker = workerOf('onmessage = ({data}) => postMessage(data)');
        worker.onmessage = ({data}) => data < 3 ? worker.postMessage(data + 1) : seen.push(1);
        setInterval(() => worker.postMessage(1), 60_000);""",
}


@pytest.mark.parametrize("work", OVER_AND_OVER)
def test_beside_a_request_that_does_not_end_work_within_work_gets_on(pbi_stage: Stage, pages: Site, work: str) -> None:
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(f"() => {{ new EventSource('/never'); {OVER_AND_OVER[work]} }}")

    pbi_stage.clock.advance("20min 1s")

    assert len(pbi_stage.page.evaluate("seen")) == 20
    assert not_waited_for(pbi_stage) == set()


def test_time_that_goes_on_slowly_is_not_stuck(pbi_stage: Stage, pages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual_time, "CALL_TIMEOUT_S", 1.0)
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { setInterval(() => { for (let n = 0; n < 1e6; n++) globalThis.sum = n % 7; seen.push(1); }, 1000); }"
    )

    pbi_stage.clock.advance("5min")

    assert len(pbi_stage.page.evaluate("seen")) in (299, 300)


COMPUTING = "for (let n = 0; n < 3e6; n++) globalThis.sum = n % 7;"


def test_time_that_stands_still_while_a_page_computes_is_not_stuck(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ const {{port1, port2}} = new MessageChannel(); const began = performance.now(); let left = 500;
        port1.onmessage = () => {{ {COMPUTING} left-- > 0 ? port2.postMessage(0) : seen.push(Math.round(performance.now() - began)); }};
        setTimeout(() => port2.postMessage(0), 1000); }}"""
    )

    pbi_stage.clock.advance("1h")

    assert pbi_stage.page.evaluate("seen") == [1000]
    assert not pbi_stage.journal.of("clock")


def test_scripts_that_are_never_idle(pbi_stage: Stage, pages: Site) -> None:
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        """() => { const {port1, port2} = new MessageChannel(); port1.onmessage = () => port2.postMessage(0);
        setTimeout(() => port2.postMessage(0), 1000); }"""
    )

    expect_an_hour_to_go_by(pbi_stage)
    assert not_waited_for(pbi_stage) == {"scripts that are never idle"}

    pbi_stage.goto(pages.url)
    expect_an_hour_to_go_by(pbi_stage)
    assert len(pbi_stage.page.evaluate("ticks")) == 120


def test_after_a_request_that_did_not_end_brief_work_is_brief_again(pbi_stage: Stage, pages: Site) -> None:
    """Else each of these would keep its frame busy for some seconds."""
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        """() => { fetch('/never', {signal: AbortSignal.timeout(10_000)}).catch(() => seen.push('given up'));
        setInterval(async () => { const asked = Date.now(), cache = await caches.open('c');
          await cache.put('/x', new Response('x')); seen.push(Date.now() - asked); }, 60_000); }"""
    )

    pbi_stage.clock.advance("3h 1s")

    given_up, *took = pbi_stage.page.evaluate("seen")
    assert given_up == "given up"
    assert len(took) == 180
    assert max(took) <= CLOSE
    (endless,) = pbi_stage.journal.of("clock")
    assert endless["url"].endswith("/never")


def test_beside_a_call_that_never_ends_others_are_still_waited_for(pbi_stage: Stage, pages: Site) -> None:
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        """() => { indexedDB.open('d', 1).onsuccess = ({target}) => {
          globalThis.kept = target.result; indexedDB.deleteDatabase('d'); indexedDB.open('d', 3); };
        setTimeout(() => { const asked = at(); indexedDB.open('other').onsuccess = () => seen.push(at() - asked); }, 1800_000); }"""
    )

    expect_an_hour_to_go_by(pbi_stage)

    (took,) = pbi_stage.page.evaluate("seen")
    assert took <= CLOSE


NEVER_STARTED = {
    "throws": "workerOf('setTimeout(() => postMessage(1), 1000); throw new Error()')",
    "is no script": "workerOf('}')",
    "is not found": "new Worker('/not-there')",
    "is redirected for ever": "new Worker('/redirect')",
    "needs a module that is not found": """new Worker(URL.createObjectURL(new Blob(['import "/not-there"'],
        {type: 'text/javascript'})), {type: 'module'})""",
}


@pytest.mark.parametrize("script", NEVER_STARTED)
def test_a_worker_that_does_not_start(pbi_stage: Stage, pages: Site, script: str) -> None:
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ const worker = {NEVER_STARTED[script]};
        worker.onerror = (event) => {{ event.preventDefault(); seen.push('error'); }};
        worker.onmessage = () => seen.push('alive'); worker.postMessage(1); }}"""
    )

    expect_an_hour_to_go_by(pbi_stage)

    assert pbi_stage.page.evaluate("seen") == (["error", "alive"] if script == "throws" else ["error"])


# What a page may put in the place of the browser's own functions, and the clock must not rest on.
DEFACED = {
    "fetch": "fetch = () => new Promise(() => {});",
    "Worker": "Worker = class { postMessage() {} };",
    "timers": "setTimeout = setInterval = requestAnimationFrame = () => 1;",
    "then": "Promise.prototype.then = Promise.prototype.catch = function () { return this; };",
    "then that throws": "Promise.prototype.then = Promise.prototype.catch = () => { throw new Error(); };",
    "Promise": "Promise = class {};",
    "the clock": "Date.now = () => 1; performance.now = () => 1; Date = null;",
    "signals, messages, events": """AbortController.prototype.abort = MessagePort.prototype.postMessage = () => {};
        EventTarget.prototype.addEventListener = () => {}; ErrorEvent = null;""",
    "all is frozen": """for (const made of [Object, Function, Promise, Array, Map, WeakMap, Set, Date, EventTarget, Reflect])
        { Object.freeze(made); Object.freeze(made.prototype); }""",
}


@pytest.mark.parametrize("what", DEFACED)
def test_a_page_that_redefines_what_the_browser_has(pbi_stage: Stage, pages: Site, what: str) -> None:
    program = f"""<script>
      const {{ setTimeout: later, setInterval: often }} = window, now = Date.now.bind(Date), ticks = [];
      globalThis.took = () => [ticks.length, ms];
      let ms = null;
      {DEFACED[what]}
      often(() => ticks.push(1), 60_000);
      later(() => {{ const asked = now(); indexedDB.open('d').onsuccess = () => {{ ms = now() - asked; }}; }}, 90_000);
      </script>"""
    open_bounded(pbi_stage, pages.made(program))
    before = pbi_stage.clock.now

    pbi_stage.clock.advance("1h")

    assert pbi_stage.clock.now - before == timedelta(hours=1)
    ticks, took = pbi_stage.page.evaluate("took()")
    assert ticks == 60
    assert took <= CLOSE
    assert not pbi_stage.journal.of("clock", "page.error")


@pytest.mark.parametrize("in_force", [False, True])
@pytest.mark.parametrize(
    "policy",
    [
        "require-trusted-types-for 'script'; trusted-types 'none'",
        "default-src 'none'; script-src 'unsafe-inline'; require-trusted-types-for 'script'; trusted-types 'none'",
        "sandbox allow-scripts",
    ],
)
def test_a_strict_policy(pbi_session: HarnessSession, pages: Site, policy: str, in_force: bool) -> None:
    program = """<script>const ticks = [], keys = [];
      setInterval(async () => { const asked = Date.now(); ticks.push(asked);
        await new Blob(['x']).text(); keys.push(Date.now() - asked); }, 600_000);
      try { new Worker(URL.createObjectURL(new Blob(['']))); } catch {}
      </script>"""
    with pbi_session.stage(Conditions(bypass_csp=not in_force)) as stage:
        open_bounded(stage, pages.made(program, policy))

        expect_an_hour_to_go_by(stage)

        ticks, took = stage.page.evaluate("[ticks.length, keys]")
        assert ticks == 6
        if not (in_force and "default-src 'none'" in policy):  # which refuses the request that holds time
            assert max(took) <= CLOSE


def test_a_sandboxed_frame(pbi_stage: Stage, pages: Site) -> None:
    program = """<script>
      const tell = (...what) => parent.postMessage(what, '*');
      setInterval(() => tell('tick', origin), 600_000);
      setTimeout(async () => {
        const asked = Date.now(); await new Blob(['x']).text(); tell('blob', Date.now() - asked);
        new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = () => tell('worker', Date.now() - asked);
        try { indexedDB.open('d'); } catch (error) { tell('database', error.name); }
      }, 60_000);
      </script>""".replace('"', "&quot;")
    open_bounded(
        pbi_stage,
        pages.made(
            f"""<script>const heard = []; onmessage = ({{data}}) => heard.push(data);</script>
            <iframe sandbox="allow-scripts" srcdoc="{program}"></iframe>"""
        ),
    )

    expect_an_hour_to_go_by(pbi_stage)

    heard = pbi_stage.page.evaluate("heard")
    assert heard.count(["tick", "null"]) == 6
    assert ["database", "SecurityError"] in heard
    took = {what: ms for what, ms in heard if what in ("blob", "worker")}
    assert took.keys() == {"blob", "worker"}
    assert max(took.values()) <= CLOSE


def test_a_redirect_without_an_end(pbi_stage: Stage, pages: Site) -> None:
    open_bounded(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        "() => { setTimeout(() => { const asked = at(); fetch('/redirect').catch(() => seen.push(at() - asked)); }, 60_000); }"
    )

    expect_an_hour_to_go_by(pbi_stage)
    (took,) = pbi_stage.page.evaluate("seen")
    assert took <= CLOSE

    pbi_stage.page.evaluate("() => { setTimeout(() => { location.href = '/redirect'; }, 60_000); }")
    # The error page has a process of its own, whose time is at a fraction of a millisecond.
    expect_an_hour_to_go_by(pbi_stage, or_more=timedelta(milliseconds=1))
    assert not pbi_stage.journal.of("clock")


RESTLESS = {
    "reloads at once": "<script>location.reload()</script>",
    "reloads a moment later": "<script>setTimeout(() => location.reload())</script>",
    "refreshes": "<meta http-equiv=refresh content=0>",
    "sends to another, which sends back": """<script>
        const to = (new URLSearchParams(location.search).get('to') ?? 0) ^ 1;
        location.replace(location.href.replace(/&to=.|$/, `&to=${to}`));</script>""",
    "has a frame that reloads": """<body><script>const frame = document.createElement('iframe');
        frame.srcdoc = `<script>location.reload()</${'script'}>`; document.body.append(frame);</script>""",
}


@pytest.mark.parametrize("how", RESTLESS)
def test_documents_that_send_each_other_on_for_ever(pbi_stage: Stage, pages: Site, how: str) -> None:
    open_bounded(pbi_stage, pages.made(RESTLESS[how]))
    before = pbi_stage.clock.now

    pbi_stage.clock.advance("1h")

    assert timedelta(hours=1) <= pbi_stage.clock.now - before <= timedelta(hours=1, minutes=10)
    (call,) = not_waited_for(pbi_stage)
    assert str(call).startswith("a navigation to ")
