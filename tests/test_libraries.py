"""Libraries that replace functions of the browser work on a virtual clock.

Virtual time waits for the work of a page with such a library, whether the library or the page's own script runs first.
"""

import pytest
from site_of_pages import Site
from test_other_threads import IN_DOCUMENTS, WAIT_LIMIT_MS, WORKS
from untouched_world import in_both_worlds

from harness.base.resources import node_modules
from harness.stage import Stage

ZONE = "zone.js/bundles/zone.umd.js"
CORE_JS = "core-js-bundle/minified.js"
REACT = ["react/umd/react.development.js", "react-dom/umd/react-dom.development.js"]
MONITOR = """(() => {
  const around = (target, name, before) => {
    const original = target[name];
    target[name] = function (...args) { before?.(args); calls[name] = (calls[name] ?? 0) + 1; return original.apply(this, args); };
    target[name].__original__ = original;
  };
  const guarded = (callback) => typeof callback !== 'function' ? callback
    : function (...args) { try { return callback.apply(this, args); } catch (error) { calls.caught = true; throw error; } };
  globalThis.calls = {};
  for (const name of ['setTimeout', 'setInterval', 'requestAnimationFrame']) around(window, name, (args) => { args[0] = guarded(args[0]); });
  around(window, 'fetch');
  for (const name of ['open', 'send']) around(XMLHttpRequest.prototype, name);
  around(EventTarget.prototype, 'addEventListener', (args) => { args[1] = guarded(args[1]); });
  around(history, 'pushState');
})()"""
"""JavaScript that wraps functions as an error monitor such as Sentry does, and counts the calls in `calls`."""
LIBRARIES = {"zone.js": [ZONE], "core-js": [CORE_JS], "React": REACT, "a monitor": []}

WORK = {
    **{
        name: WORKS[name]
        for name in (
            "IndexedDB",
            "a signature",
            "the Cache API",
            "a Web Lock",
            "BroadcastChannel",
            "a blob",
            "a WebSocket",
        )
    },
    **IN_DOCUMENTS,
    "a request": "fetch('/slow').then((answer) => answer.text())",
    "an XMLHttpRequest": """new Promise((done, failed) => { const request = new XMLHttpRequest(); request.open('GET', '/slow');
        request.addEventListener('load', done); request.addEventListener('error', failed); request.send(); })""",
    "a timer": "new Promise((done) => setTimeout(done, 20))",
}
MEASURE = f"""async function use(into) {{
  const works = {{ {", ".join(f"{name!r}: () => {work}" for name, work in WORK.items())} }};
  for (const [name, work] of Object.entries(works)) {{
    const asked = Date.now();
    try {{ await work(); into[name] = Date.now() - asked; }} catch (error) {{ into[name] = String(error); }}
  }}
}}
const took = {{ first: {{}}, then: {{}} }};"""
"""JavaScript that does all work, one after another, and records how many virtual milliseconds each work takes."""


def script_tags(library: str) -> str:
    """Return the HTML of the script elements that load the library."""
    tags = "".join(f'<script src="/npm/{path}"></script>' for path in LIBRARIES[library])
    return tags or f"<script>{MONITOR}</script>"


@pytest.mark.parametrize("first", ["the library", "the page"])
@pytest.mark.parametrize("library", LIBRARIES)
def test_work_of_a_page_with_a_library_takes_little_virtual_time(
    pbi_stage: Stage, pages: Site, library: str, first: str
) -> None:
    parts = [script_tags(library), f"<script>{MEASURE} use(took.first)</script>"]
    if first == "the page":
        parts.reverse()
    pbi_stage.open(pages.made(f"<body>{''.join(parts)}<script>setTimeout(() => use(took.then), 60_000)</script>"))

    pbi_stage.clock.advance("2h")

    for took in pbi_stage.page.evaluate("[took.first, took.then]"):
        assert took.keys() == WORK.keys()
        assert {name: ms for name, ms in took.items() if not isinstance(ms, int) or ms > WAIT_LIMIT_MS} == {}
    assert not pbi_stage.journal.of("clock", "page.error")


ZONES = """(() => {
  const zones = globalThis.zones = {}, here = (name) => () => { zones[name] = Zone.current.name; };
  Zone.current.fork({ name: 'app' }).run(() => setTimeout(() => {
    const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])));
    const reader = new FileReader(), request = new XMLHttpRequest(), socket = new WebSocket(`ws://${location.host}/echo`);
    const channels = [new BroadcastChannel('zones'), new BroadcastChannel('zones')];
    setTimeout(here('timeout'));
    const often = setInterval(() => { here('interval')(); clearInterval(often); });
    requestAnimationFrame(here('frame'));
    Promise.resolve().then(here('promise'));
    fetch('/slow').then(here('fetch'));
    request.open('GET', '/slow'); request.onload = here('request'); request.send();
    crypto.subtle?.generateKey({ name: 'AES-GCM', length: 128 }, false, ['encrypt']).then(here('key'));
    navigator.locks.request('zones', () => here('lock')()).then(here('lock given back'));
    navigator.permissions.query({ name: 'geolocation' }).then(here('permission'));
    indexedDB.open('zones').onsuccess = here('database');
    caches.open('zones').then(here('cache'));
    new Blob(['x']).text().then(here('blob'));
    reader.onload = here('reader'); reader.readAsText(new Blob(['x']));
    worker.onmessage = here('worker'); worker.addEventListener('message', here('worker, listener'));
    socket.onopen = here('socket');
    channels[0].onmessage = here('channel'); channels[1].postMessage(1);
    (async () => { await fetch('/slow'); here('await')(); })();
  }, 60_000));
})()"""
"""JavaScript that records, for each asynchronous function, in which zone its callback runs."""


def test_zone_js_calls_back_in_the_same_zones_whether_or_not_functions_are_wrapped(
    pbi_stage: Stage, pages: Site
) -> None:
    """Compare the zones in the page with the zones in an isolated world, where no function is wrapped."""
    zone = (node_modules() / ZONE).read_text("utf-8")
    pbi_stage.open(pages.empty)
    in_both_worlds(pbi_stage, f"{zone}\n;{ZONES}")

    pbi_stage.clock.advance("24h")

    wrapped, untouched = in_both_worlds(pbi_stage, "globalThis.zones")
    assert len(untouched) == 19
    assert wrapped == untouched


REPLACED = """(() => {
  const own = (holder) => Object.entries(Object.getOwnPropertyDescriptors(holder)).map(([name, found]) => [name, found.value ?? found.get]);
  const look = () => { const seen = new Map();
    for (const [name, value] of own(window)) {
      seen.set(name, value);
      if (typeof value !== 'function' || !value.prototype) continue;
      for (const holder of [value, value.prototype])
        for (const [key, inner] of own(holder)) seen.set(`${name}${holder === value ? '.' : '#'}${key}`, inner);
    }
    return seen; };
  const before = look();
  %s
  globalThis.replaced = [...look()].filter(([name, value]) => before.get(name) !== value).map(([name]) => name).sort();
})()"""
"""JavaScript that runs a script and records the names of the functions and values that the script replaces."""


def test_core_js_replaces_the_same_functions_whether_or_not_they_are_wrapped(pbi_stage: Stage, pages: Site) -> None:
    """The feature detection of core-js must not take a wrapped function for a broken function of an old browser."""
    core_js = (node_modules() / CORE_JS).read_text("utf-8")
    pbi_stage.open(pages.empty)
    in_both_worlds(pbi_stage, REPLACED % f"{core_js};")

    wrapped, untouched = in_both_worlds(pbi_stage, "globalThis.replaced")
    assert wrapped == untouched
    assert untouched


APP = """
const { createElement: h, useEffect, useState } = React;
function App() {
  const [shown, show] = useState([]);
  useEffect(() => {
    const timer = setInterval(async () => {
      const asked = Date.now();
      const answer = await (await fetch('/slow')).text();
      await new Promise((done) => { indexedDB.open('d').onsuccess = done; });
      show((before) => [...before, `${answer} ${Date.now() - asked <= 200}`]);
    }, 600_000);
    return () => clearInterval(timer);
  }, []);
  return h('ul', null, shown.map((text, n) => h('li', { key: n }, text)));
}
globalThis.errors = [];
console.error = (...args) => errors.push(String(args[0]));
ReactDOM.createRoot(document.querySelector('#app')).render(h(React.StrictMode, null, h(App)));
"""
"""A React app that requests data every 10 minutes and lists each answer with `true` if it came within 200 ms."""


def test_app_with_the_development_build_of_react_renders_on_time_without_errors(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.made(f"<body><div id=app></div>{script_tags('React')}<script>{APP}</script>"))

    pbi_stage.clock.advance("65min")

    assert pbi_stage.page.locator("li").all_text_contents() == ["slow true"] * 6
    assert pbi_stage.page.evaluate("errors") == []
    assert not pbi_stage.journal.of("clock", "page.error")


def test_error_monitor_sees_the_calls_of_the_page_and_none_of_the_harness(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.made(f"{script_tags('a monitor')}"))
    pbi_stage.page.evaluate(
        """() => { setTimeout(async () => { await fetch('/slow'); await new Blob(['x']).text(); new WebSocket(`ws://${location.host}/echo`);
        new Worker(URL.createObjectURL(new Blob(['']))); indexedDB.open('d'); requestAnimationFrame(() => {}); }, 1000); }"""
    )
    before = pbi_stage.page.evaluate("calls")

    pbi_stage.clock.advance("1h")

    assert before == {"setTimeout": 1}
    assert pbi_stage.page.evaluate("calls") == {"setTimeout": 1, "fetch": 1, "requestAnimationFrame": 1}
