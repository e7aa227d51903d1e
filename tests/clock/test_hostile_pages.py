"""Pages that do what no page should, such as work without an end.

The clock resumes after a bounded time, the journal names the calls that timed out, and the tab stays usable.
"""

from datetime import timedelta

import pytest
from support.site_of_pages import Site

from harness.clock import real_time, request_timeouts, time_limits
from harness.stage import Conditions, Driver, Stage
from harness.stage.session import HarnessSession

ADVANCE_TIMEOUT_S = 60.0
"""Real seconds within which the clock has to advance although some work never ends."""
WAIT_LIMIT_MS = 200
"""Virtual milliseconds within which a wait has to end."""


def open_with_timeout(stage: Stage, url: str) -> None:
    Driver(stage).end_by(real_time.seconds() + ADVANCE_TIMEOUT_S)
    stage.open(url)


def calls_that_timed_out(stage: Stage) -> set[object]:
    """Return the names of the calls for which the clock did not wait to the end."""
    return {entry["call"] for entry in stage.journal.of("clock", what="work without an end")}


def advance_an_hour(stage: Stage, *, tolerance: timedelta = timedelta(0)) -> None:
    """Advance by an hour, and assert that service time and page time advanced by that, within the tolerance."""
    before = stage.clock.now
    stage.clock.advance("1h")
    assert timedelta(0) <= stage.clock.now - before - timedelta(hours=1) <= tolerance
    assert stage.page.evaluate("Date.now()") == stage.clock.now.timestamp() * 1000


ENDLESS_WORK = {
    "a lock that another frame never releases": (
        """frame.contentWindow.navigator.locks.request('l', () => new Promise(() => {}));
        setTimeout(() => navigator.locks.request('l', () => seen.push('given')), 1000);""",
        set(),
    ),
    "an upgrade of a database that another frame keeps open": (
        """frame.contentWindow.indexedDB.open('d', 1).onsuccess = () => setTimeout(() => {
          indexedDB.open('d', 2).onsuccess = () => seen.push('opened'); }, 1000);""",
        set(),
    ),
    "an open request behind a deletion that never ends": (
        """indexedDB.open('d', 1).onsuccess = ({target}) => {
          globalThis.kept = target.result; indexedDB.deleteDatabase('d');
          setTimeout(() => { indexedDB.open('d', 3).onsuccess = () => seen.push('opened'); }, 1000); };""",
        {"IDBFactory.open"},
    ),
    "a transaction that never ends": (
        """const opening = indexedDB.open('d', 1);
        opening.onupgradeneeded = () => opening.result.createObjectStore('s');
        opening.onsuccess = () => { const store = opening.result.transaction('s').objectStore('s');
          const again = () => { store.get(1).onsuccess = again; }; again(); };""",
        {"IDBDatabase.transaction"},
    ),
    "a cached response whose stream never ends": (
        "caches.open('c').then((cache) => cache.put('/x', new Response(new ReadableStream({}))));",
        {"Cache.put"},
    ),
    "a read of a stream that never ends": ("new Response(new ReadableStream({})).text();", {"unknown"}),
    "a worker in an endless loop": ("workerOf('for (;;);');", {"a worker's script", "Worker"}),
    "a worker's request that gets no answer": ("workerOf(`fetch('${location.origin}/never')`);", {"fetch"}),
}


@pytest.mark.parametrize("work", ENDLESS_WORK)
def test_clock_resumes_after_work_that_never_ends(pbi_stage: Stage, pages: Site, work: str) -> None:
    program, calls = ENDLESS_WORK[work]
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ const frame = document.createElement('iframe'); frame.src = '/empty';
        frame.onload = () => {{ {program} }}; document.body.append(frame); }}"""
    )

    advance_an_hour(pbi_stage)

    assert calls_that_timed_out(pbi_stage) == calls
    assert pbi_stage.page.evaluate("seen") == []


ENDLESS_RESOURCES = {
    "a frame without an answer": "const frame = document.createElement('iframe'); frame.src = '/never'; document.body.append(frame);",
    "an image whose body never ends": "const image = new Image(); image.src = '/slow?body=3600&type=image/png'; document.body.append(image);",
}


@pytest.mark.parametrize("what", ENDLESS_RESOURCES)
def test_clock_resumes_after_a_resource_that_never_arrives(
    pbi_stage: Stage, pages: Site, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_timeouts, "READ_BY_BROWSER_AFTER_S", 3.0)
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(f"() => {{ setTimeout(() => {{ {ENDLESS_RESOURCES[what]} }}, 1000); }}")

    advance_an_hour(pbi_stage)

    (endless,) = pbi_stage.journal.of("clock")
    assert endless["what"] == "request without an end"


REPEATED_WORK = {
    "a message over a channel": """const [one, other] = [1, 2].map(() => new BroadcastChannel('c'));
        other.onmessage = () => seen.push(1); setInterval(() => one.postMessage(1), 60_000);""",
    "an idle callback": """setInterval(() => { document.body.append('x'); requestIdleCallback(() => seen.push(1)); }, 60_000);""",
    "a worker that answers": """const worker = workerOf('onmessage = ({data}) => postMessage(data)');
        worker.onmessage = ({data}) => data < 3 ? worker.postMessage(data + 1) : seen.push(1);
        setInterval(() => worker.postMessage(1), 60_000);""",
}


@pytest.mark.parametrize("work", REPEATED_WORK)
def test_repeated_work_proceeds_beside_an_endless_request(pbi_stage: Stage, pages: Site, work: str) -> None:
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(f"() => {{ new EventSource('/never'); {REPEATED_WORK[work]} }}")

    pbi_stage.clock.advance("20min 1s")

    assert len(pbi_stage.page.evaluate("seen")) == 20
    assert calls_that_timed_out(pbi_stage) == set()


def test_slow_virtual_time_is_no_standstill(pbi_stage: Stage, pages: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_limits, "STUCK_AFTER_S", 1.0)
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { setInterval(() => { for (let n = 0; n < 1e6; n++) globalThis.sum = n % 7; seen.push(1); }, 1000); }"
    )

    pbi_stage.clock.advance("5min")

    assert len(pbi_stage.page.evaluate("seen")) in (299, 300)


COMPUTING = "for (let n = 0; n < 3e6; n++) globalThis.sum = n % 7;"


def test_computation_of_a_page_is_no_standstill(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ const {{port1, port2}} = new MessageChannel(); const began = performance.now(); let left = 500;
        port1.onmessage = () => {{ {COMPUTING} left-- > 0 ? port2.postMessage(0) : seen.push(Math.round(performance.now() - began)); }};
        setTimeout(() => port2.postMessage(0), 1000); }}"""
    )

    pbi_stage.clock.advance("1h")

    assert pbi_stage.page.evaluate("seen") == [1000]
    assert not pbi_stage.journal.of("clock")


def test_clock_resumes_while_scripts_are_never_idle(pbi_stage: Stage, pages: Site) -> None:
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        """() => { const {port1, port2} = new MessageChannel(); port1.onmessage = () => port2.postMessage(0);
        setTimeout(() => port2.postMessage(0), 1000); }"""
    )

    advance_an_hour(pbi_stage)
    assert calls_that_timed_out(pbi_stage) == {"scripts that are never idle"}

    pbi_stage.goto(pages.url)
    advance_an_hour(pbi_stage)
    assert len(pbi_stage.page.evaluate("ticks")) == 120


def test_brief_work_stays_brief_after_an_endless_request(pbi_stage: Stage, pages: Site) -> None:
    """A clock that still treated the frame as busy would let each cache access take seconds of virtual time."""
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        """() => { fetch('/never', {signal: AbortSignal.timeout(10_000)}).catch(() => seen.push('aborted'));
        setInterval(async () => { const began = Date.now(), cache = await caches.open('c');
          await cache.put('/x', new Response('x')); seen.push(Date.now() - began); }, 60_000); }"""
    )

    pbi_stage.clock.advance("3h 1s")

    first, *took = pbi_stage.page.evaluate("seen")
    assert first == "aborted"
    assert len(took) == 180
    assert max(took) <= WAIT_LIMIT_MS
    (endless,) = pbi_stage.journal.of("clock")
    assert endless["url"].endswith("/never")


def test_clock_waits_for_other_calls_beside_one_that_never_ends(pbi_stage: Stage, pages: Site) -> None:
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        """() => { indexedDB.open('d', 1).onsuccess = ({target}) => {
          globalThis.kept = target.result; indexedDB.deleteDatabase('d'); indexedDB.open('d', 3); };
        setTimeout(() => { const began = at(); indexedDB.open('other').onsuccess = () => seen.push(at() - began); }, 1800_000); }"""
    )

    advance_an_hour(pbi_stage)

    (took,) = pbi_stage.page.evaluate("seen")
    assert took <= WAIT_LIMIT_MS


FAILING_WORKERS = {
    "script throws": "workerOf('setTimeout(() => postMessage(1), 1000); throw new Error()')",
    "script has a syntax error": "workerOf('}')",
    "script is not found": "new Worker('/not-there')",
    "script is redirected without an end": "new Worker('/redirect')",
    "imported module is not found": """new Worker(URL.createObjectURL(new Blob(['import "/not-there"'],
        {type: 'text/javascript'})), {type: 'module'})""",
}


@pytest.mark.parametrize("script", FAILING_WORKERS)
def test_clock_resumes_after_a_worker_fails_to_start(pbi_stage: Stage, pages: Site, script: str) -> None:
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        f"""() => {{ const worker = {FAILING_WORKERS[script]};
        worker.onerror = (event) => {{ event.preventDefault(); seen.push('error'); }};
        worker.onmessage = () => seen.push('alive'); worker.postMessage(1); }}"""
    )

    advance_an_hour(pbi_stage)

    assert pbi_stage.page.evaluate("seen") == (["error", "alive"] if script == "script throws" else ["error"])


# The clock must not depend on the browser's functions that a page can replace.
REDEFINITIONS = {
    "fetch": "fetch = () => new Promise(() => {});",
    "Worker": "Worker = class { postMessage() {} };",
    "timers": "setTimeout = setInterval = requestAnimationFrame = () => 1;",
    "then that does nothing": "Promise.prototype.then = Promise.prototype.catch = function () { return this; };",
    "then that throws": "Promise.prototype.then = Promise.prototype.catch = () => { throw new Error(); };",
    "Promise": "Promise = class {};",
    "Date and performance": "Date.now = () => 1; performance.now = () => 1; Date = null;",
    "signals, messages and events": """AbortController.prototype.abort = MessagePort.prototype.postMessage = () => {};
        EventTarget.prototype.addEventListener = () => {}; ErrorEvent = null;""",
    "frozen prototypes": """for (const made of [Object, Function, Promise, Array, Map, WeakMap, Set, Date, EventTarget, Reflect])
        { Object.freeze(made); Object.freeze(made.prototype); }""",
}


@pytest.mark.parametrize("what", REDEFINITIONS)
def test_clock_works_on_a_page_that_redefines_the_browsers_functions(pbi_stage: Stage, pages: Site, what: str) -> None:
    program = f"""<script>
      const {{ setTimeout: later, setInterval: often }} = window, now = Date.now.bind(Date), ticks = [];
      globalThis.took = () => [ticks.length, ms];
      let ms = null;
      {REDEFINITIONS[what]}
      often(() => ticks.push(1), 60_000);
      later(() => {{ const began = now(); indexedDB.open('d').onsuccess = () => {{ ms = now() - began; }}; }}, 90_000);
      </script>"""
    open_with_timeout(pbi_stage, pages.made(program))
    before = pbi_stage.clock.now

    pbi_stage.clock.advance("1h")

    assert pbi_stage.clock.now - before == timedelta(hours=1)
    ticks, took = pbi_stage.page.evaluate("took()")
    assert ticks == 60
    assert took <= WAIT_LIMIT_MS
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
def test_clock_works_under_a_strict_content_security_policy(
    pbi_session: HarnessSession, pages: Site, policy: str, in_force: bool
) -> None:
    program = """<script>const ticks = [], keys = [];
      setInterval(async () => { const began = Date.now(); ticks.push(began);
        await new Blob(['x']).text(); keys.push(Date.now() - began); }, 600_000);
      try { new Worker(URL.createObjectURL(new Blob(['']))); } catch {}
      </script>"""
    with pbi_session.stage(Conditions(bypass_csp=not in_force)) as stage:
        open_with_timeout(stage, pages.made(program, policy))

        advance_an_hour(stage)

        ticks, took = stage.page.evaluate("[ticks.length, keys]")
        assert ticks == 6
        if not (in_force and "default-src 'none'" in policy):  # the policy refuses the request of the time hold
            assert max(took) <= WAIT_LIMIT_MS


def test_timers_calls_and_workers_of_a_sandboxed_frame_keep_virtual_time(pbi_stage: Stage, pages: Site) -> None:
    program = """<script>
      const tell = (...what) => parent.postMessage(what, '*');
      setInterval(() => tell('tick', origin), 600_000);
      setTimeout(async () => {
        const began = Date.now(); await new Blob(['x']).text(); tell('blob', Date.now() - began);
        new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = () => tell('worker', Date.now() - began);
        try { indexedDB.open('d'); } catch (error) { tell('database', error.name); }
      }, 60_000);
      </script>""".replace('"', "&quot;")
    open_with_timeout(
        pbi_stage,
        pages.made(
            f"""<script>const received = []; onmessage = ({{data}}) => received.push(data);</script>
            <iframe sandbox="allow-scripts" srcdoc="{program}"></iframe>"""
        ),
    )

    advance_an_hour(pbi_stage)

    received = pbi_stage.page.evaluate("received")
    assert received.count(["tick", "null"]) == 6
    assert ["database", "SecurityError"] in received
    took = {what: ms for what, ms in received if what in ("blob", "worker")}
    assert took.keys() == {"blob", "worker"}
    assert max(took.values()) <= WAIT_LIMIT_MS


def test_endless_redirect_fails_at_once_and_the_clock_resumes(pbi_stage: Stage, pages: Site) -> None:
    open_with_timeout(pbi_stage, pages.empty)
    pbi_stage.page.evaluate(
        "() => { setTimeout(() => { const began = at(); fetch('/redirect').catch(() => seen.push(at() - began)); }, 60_000); }"
    )

    advance_an_hour(pbi_stage)
    (took,) = pbi_stage.page.evaluate("seen")
    assert took <= WAIT_LIMIT_MS

    pbi_stage.page.evaluate("() => { setTimeout(() => { location.href = '/redirect'; }, 60_000); }")
    # The error page runs in another process, whose virtual time differs by a fraction of a millisecond.
    advance_an_hour(pbi_stage, tolerance=timedelta(milliseconds=1))
    assert not pbi_stage.journal.of("clock")


ENDLESS_NAVIGATIONS = {
    "reloads at once": "<script>location.reload()</script>",
    "reloads a moment later": "<script>setTimeout(() => location.reload())</script>",
    "has a meta refresh": "<meta http-equiv=refresh content=0>",
    "replaces itself by another that replaces it": """<script>
        const to = (new URLSearchParams(location.search).get('to') ?? 0) ^ 1;
        location.replace(location.href.replace(/&to=.|$/, `&to=${to}`));</script>""",
    "has a frame that reloads": """<body><script>const frame = document.createElement('iframe');
        frame.srcdoc = `<script>location.reload()</${'script'}>`; document.body.append(frame);</script>""",
}


@pytest.mark.parametrize("how", ENDLESS_NAVIGATIONS)
def test_clock_advances_although_documents_navigate_without_an_end(pbi_stage: Stage, pages: Site, how: str) -> None:
    open_with_timeout(pbi_stage, pages.made(ENDLESS_NAVIGATIONS[how]))
    before = pbi_stage.clock.now

    pbi_stage.clock.advance("1h")

    assert timedelta(hours=1) <= pbi_stage.clock.now - before <= timedelta(hours=1, minutes=10)
    (call,) = calls_that_timed_out(pbi_stage)
    assert str(call).startswith("a navigation to ")
