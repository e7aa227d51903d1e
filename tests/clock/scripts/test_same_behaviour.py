"""A wrapped function does what the browser's own function does.

Each test runs a program in the page's own world and in a world of the same frame in which no function is wrapped, and compares the
results. The programs call the functions with right and wrong arguments, as functions, methods and constructors.
"""

import json

from support.site_of_pages import Site
from untouched_world import in_both_worlds
from wrapped_functions import constructors_of_documents, methods_of_documents

from harness.stage import Stage

OBJECTS = {
    "SubtleCrypto": "crypto.subtle",
    "CacheStorage": "caches",
    "Cache": "await caches.open('c')",
    "Blob": "new Blob(['x'])",
    "Clipboard": "navigator.clipboard",
    "CookieStore": "cookieStore",
    "CredentialsContainer": "navigator.credentials",
    "FileSystemDirectoryHandle": "await (await navigator.storage.getDirectory()).getDirectoryHandle(Math.random(), {create: true})",
    "FileSystemHandle": "await (await navigator.storage.getDirectory()).getDirectoryHandle(world, {create: true})",
    "FileSystemFileHandle": "await (await navigator.storage.getDirectory()).getFileHandle(Math.random(), {create: true})",
    "FileSystemWritableFileStream": "await (await (await navigator.storage.getDirectory()).getFileHandle(Math.random(), {create: true})).createWritable()",
    "FontFace": "new FontFace('f', 'url(/not-there)')",
    "FontFaceSet": "document.fonts",
    "HTMLImageElement": "new Image()",
    "IDBFactory": "indexedDB",
    "IDBDatabase": "await new Promise((done) => { const asked = indexedDB.open(world); asked.onupgradeneeded = () => asked.result.createObjectStore('s'); asked.onsuccess = () => done(asked.result); })",
    "LockManager": "navigator.locks",
    "MediaDevices": "navigator.mediaDevices",
    "BaseAudioContext": "new OfflineAudioContext(1, 1, 8000)",
    "OfflineAudioContext": "new OfflineAudioContext(1, 1, 8000)",
    "Performance": "performance",
    "PerformanceObserver": "new PerformanceObserver(() => {})",
    "PerformanceObserverEntryList": "await new Promise((done) => { new PerformanceObserver(done).observe({type: 'mark'}); performance.mark('m'); })",
    "Permissions": "navigator.permissions",
    "StorageManager": "navigator.storage",
    "Document": "document",
    "Animation": "document.body.animate({opacity: [0, 1]}, 1000)",
    "Element": "document.body",
    "FileReader": "new FileReader()",
    "IntersectionObserver": "new IntersectionObserver(() => {})",
    "ResizeObserver": "new ResizeObserver(() => {})",
    "BroadcastChannel": "new BroadcastChannel(world)",
    "WebSocket": "new WebSocket(`ws://${location.host}/echo`)",
    "WebAssembly": "WebAssembly",
    "Worker": "new Worker(URL.createObjectURL(new Blob([''])))",
    "XMLHttpRequest": "new XMLHttpRequest()",
    "globalThis": "window",
    "Date": "Date",
    "Temporal.Now": "Temporal.Now",
    "Intl.DateTimeFormat": "new Intl.DateTimeFormat('en')",
    "Function": "function named(one, two) {}",
    "Navigation": "navigation",
    "MessagePort": "new MessageChannel().port1",
    "ServiceWorker": "(await navigator.serviceWorker.register('/service_worker.js', {scope: `/${Math.random()}`})).installing",
    "ServiceWorkerContainer": "navigator.serviceWorker",
    "ServiceWorkerRegistration": "await navigator.serviceWorker.register('/service_worker.js', {scope: `/${Math.random()}`})",
    "WritableStream": "new WritableStream()",
}
METHODS_TESTED_ELSEWHERE = {
    "globalThis": {"open"},  # test_opened_windows_are_those_of_the_browser
}
REGISTER = "register"
"""The method of a ServiceWorkerContainer that is compared in a test of its own: a call that fails changes for a moment what
`getRegistration` returns in either world."""
MORE_METHODS = {
    "FileSystemWritableFileStream": ["close"],  # of WritableStream
    "SubtleCrypto": ["digest"],  # wrapped in workers only
}


def methods() -> dict[str, list[str]]:
    """Return the methods to compare, by the name of their object in `OBJECTS`."""
    found = {path.removesuffix(".prototype"): names for path, names in methods_of_documents().items()}
    assert found.keys() == OBJECTS.keys()
    return {
        name: [method for method in names if method not in METHODS_TESTED_ELSEWHERE.get(name, ())]
        + MORE_METHODS.get(name, [])
        for name, names in found.items()
    }


# The result of each call: whether it throws, returns or returns a promise, how the promise is settled, the kind of the value, and the
# text of the error.
PROGRAM = """(() => {
  const world = Math.random().toString(36), results = globalThis.results = {};
  const plain = (text) => String(text).replaceAll(world, 'WORLD').replace(/blob:\\S+/g, 'BLOB');
  const kind = (value) => Object.prototype.toString.call(value);
  const parent = (value) => value === null ? null : Object.getPrototypeOf(Object(value)) === globalThis[value?.constructor?.name]?.prototype;
  const error = (thrown) => [parent(thrown), thrown?.constructor?.name, thrown?.name, plain(thrown?.message ?? thrown)];
  const run = (name, work) => {
    let result;
    try { result = work(); } catch (thrown) { results[name] = ['threw', ...error(thrown)]; return; }
    if (!(result instanceof Promise)) { results[name] = ['returned', kind(result), parent(result)]; return; }
    const form = ['promised', result.constructor === Promise, Object.getPrototypeOf(result) === Promise.prototype, Reflect.ownKeys(result).length];
    results[name] = [...form, 'pending'];
    result.then((value) => { results[name] = [...form, 'kept', kind(value), parent(value)]; },
      (thrown) => { results[name] = [...form, 'broken', ...error(thrown)]; });
  };
  %s
})()"""
METHOD_CALLS = """
  const hostile = { get name() { throw new RangeError('own'); }, toString() { throw new RangeError('own'); } };
  const objects = { OBJECTS }, methods = METHODS;
  const calls = {
    'no arguments': (object, method) => object[method](),
    'numbers': (object, method) => object[method](1, 2, 3, 4, 5, 6, 7),
    'null': (object, method) => object[method](null, null, null),
    'a symbol': (object, method) => object[method](Symbol.iterator),
    'an object that throws': (object, method) => object[method](hostile, hostile),
    'a function': (object, method) => object[method]('x', async () => 1),
    'a function that throws': (object, method) => object[method]('x', () => { throw new RangeError('own'); }),
    'text': (object, method) => object[method]('x', 'y'),
    'no this': (object, method) => (0, object[method])('x'),
    'a wrong this': (object, method) => Reflect.apply(object[method], {}, ['x']),
    'this of another kind': (object, method) => Reflect.apply(object[method], document, ['x']),
    'its prototype': (object, method) => Object.getPrototypeOf(object)[method]('x'),
    'new': (object, method) => new object[method]('x'),
    'new target': (object, method) => Reflect.construct(Object, [], object[method]),
    'a subclass': (object, method) => class extends object[method] {},
    'bound': (object, method) => object[method].bind(object)('x'),
  };
  for (const [name, make] of Object.entries(objects)) {
    for (const method of methods[name]) {
      for (const [how, call] of Object.entries(calls)) {
        results[`${name}.${method}, ${how}`] = ['not yet'];
        make().then((object) => run(`${name}.${method}, ${how}`, () => call(object, method)));
      }
    }
  }
"""
CONSTRUCTOR_CALLS = """
  const script = URL.createObjectURL(new Blob(['']));
  const targets = TARGETS;
  for (const [name, url] of Object.entries(targets)) {
    const made = globalThis[name];
    class Own extends made { own() { return 1; } get url() { return 'own'; } }
    class Deep extends Own { constructor() { super(url); this.deep = true; } }
    function Old() { return Reflect.construct(made, [url], Old); }
    Old.prototype = Object.create(made.prototype, { old: { value: 1 } });
    const calls = {
      'called': () => made(url),
      'applied': () => Reflect.apply(made, undefined, [url]),
      'no arguments': () => new made(),
      'a bad address': () => new made('http://['),
      'a bad option': () => new made(url, name === 'Worker' ? { type: 'x' } : ['x', 'x']),
      'a symbol': () => new made(Symbol.iterator),
      'an object that throws': () => new made({ toString() { throw new RangeError('own'); } }),
      'made': () => new made(url),
      'is one': () => `${new made(url) instanceof made}`,
      'a subclass': () => { const it = new Own(url); return `${it instanceof Own} ${it instanceof made} ${it.own()} ${it.url} ${it.constructor === Own}`; },
      'a subclass of that': () => { const it = new Deep(); return `${it instanceof Deep} ${it.own()} ${it.deep} ${Object.keys(it)}`; },
      'as it was done of old': () => { const it = new Old(); return `${it instanceof Old} ${it instanceof made} ${it.old}`; },
      'a new target': () => Object.getPrototypeOf(Reflect.construct(made, [url], Array)) === Array.prototype,
      'a new target that is none': () => Reflect.construct(made, [url], () => {}),
      'a new target that throws': () => Reflect.construct(made, [url], new Proxy(Object, { get() { throw new RangeError('own'); } })),
      'constants': () => JSON.stringify([made.OPEN, made.CLOSED, made.name, made.length, made.prototype.constructor === made]),
      'own keys': () => JSON.stringify(Object.entries(Object.getOwnPropertyDescriptors(made)).map(([key, { value, ...flags }]) => [key, flags])),
      'a key set and deleted': () => { made.own = 1; const before = made.own; delete made.own; return `${before} ${'own' in made}`; },
      'a parent': () => Object.getPrototypeOf(made) === EventTarget,
    };
    for (const [how, call] of Object.entries(calls)) run(`${name}, ${how}`, () => { const result = call(); return typeof result === 'string' || typeof result === 'boolean' ? Promise.reject(result) : result; });
  }
"""
CONSTRUCTOR_ARGUMENTS = {
    "Date": "0",
    "MessageChannel": "undefined",
    "PerformanceObserver": "() => {}",
    "SharedWorker": "script",
    "WebSocket": "`ws://${location.host}/echo`",
    "Worker": "script",
}
WINDOWS = """
  const hostile = { toString() { throw new RangeError('own'); } };
  const calls = {
    'no arguments': () => open(),
    'an address': () => open('/empty'),
    'an address of another kind': () => open(new URL('/empty', location)),
    'a bad address': () => open('http://['),
    'a symbol': () => open(Symbol.iterator),
    'an object that throws': () => open(hostile),
    'a name that throws': () => open('', hostile),
    'without an opener': () => open('', '', 'noopener'),
    'itself': () => Promise.reject(`${open('', '_self') === window} ${open('', '_top') === top}`),
    'the same again': () => { const [one, two] = [open('', world), open('', world)]; one.close(); return Promise.reject(`${one === two}`); },
    'its opener': () => { const it = open(); it.close(); return Promise.reject(`${it.opener === window} ${it.name} ${it.location}`); },
    'a wrong this': () => Reflect.apply(open, {}, ['']),
    'new': () => new open(''),
    'its look': () => Promise.reject(`${open.name} ${open.length} ${open} ${'prototype' in open}`),
  };
  for (const [how, call] of Object.entries(calls)) run(how, () => { const it = call(); if (it !== window) it?.close?.(); return it; });
"""
ORDER = """
  const log = (name) => { results[name] = []; return (what) => () => { results[name].push(what); }; };
  const told = (name, target, ...events) => { const note = log(name); for (const event of events) target.addEventListener(event, note(event)); };
  {
    const note = log('database'), asked = indexedDB.open(world);
    for (const event of ['upgradeneeded', 'success', 'error', 'blocked']) asked.addEventListener(event, note(event));
    asked.onupgradeneeded = () => { note('on upgradeneeded')(); asked.result.createObjectStore('s'); };
    asked.onsuccess = () => {
      note('on success')();
      const writing = asked.result.transaction('s', 'readwrite');
      writing.oncomplete = note('complete'); writing.onabort = note('abort');
      for (const key of [1, 2]) writing.objectStore('s').put(key, key).onsuccess = note(`put ${key}`);
      Promise.resolve().then(note('microtask'));
      const undone = asked.result.transaction('s'); told('database, given up', undone, 'complete', 'abort', 'error'); undone.abort();
    };
  }
  {
    const reader = new FileReader();
    told('reader', reader, 'loadstart', 'load', 'loadend', 'error', 'abort');
    reader.readAsText(new Blob(['x']));
    Promise.resolve().then(() => results.reader.push('microtask'));
  }
  {
    const reader = new FileReader();
    told('reader that is stopped', reader, 'loadstart', 'load', 'loadend', 'error', 'abort');
    reader.readAsText(new Blob(['x'])); reader.abort();
  }
  {
    const request = new XMLHttpRequest(), note = log('request');
    request.onreadystatechange = () => note(`state ${request.readyState}`)();
    for (const event of ['loadstart', 'load', 'loadend', 'error', 'abort']) request.addEventListener(event, note(event));
    request.open('GET', '/slow'); request.send();
  }
  {
    const note = log('worker'), worker = new Worker(URL.createObjectURL(new Blob(["postMessage('started'); onmessage = (event) => { postMessage(event.data); if (event.data === 3) throw new Error(); }"])));
    worker.onmessage = ({ data }) => note(data)(); worker.onerror = (event) => { note('error')(); event.preventDefault(); };
    for (const n of [1, 2, 3, 4]) worker.postMessage(n);
  }
  {
    const note = log('channel'), [from, to] = [new BroadcastChannel(world), new BroadcastChannel(world)];
    to.onmessage = ({ data }) => note(data)();
    for (const n of [1, 2, 3]) from.postMessage(n);
  }
  {
    const note = log('lock');
    navigator.locks.request(world, async () => { note('first')(); }).then(note('first is back'));
    const free = log('lock, free'); // which of the two is told first is left to chance
    navigator.locks.request(world, { ifAvailable: true }, (lock) => { free(`${lock}`)(); });
    navigator.locks.request(world, () => { note('second')(); return 7; }).then((value) => note(`second is back with ${value}`)());
  }
  {
    const note = log('frames'), second = () => note('second')();
    requestAnimationFrame((now) => { note(`first ${typeof now}`)(); requestAnimationFrame(note('next')); cancelAnimationFrame(stopped); Promise.resolve().then(note('microtask')); });
    requestAnimationFrame(second);
    const stopped = requestAnimationFrame(note('stopped'));
  }
  {
    const note = log('promises'), blob = new Blob(['x']);
    const kept = blob.text();
    kept.then(note('first')); kept.then(note('second')).finally(note('finally')); kept.then(() => { throw 1; }).catch(note('caught'));
    note('at once')();
  }
  {
    const note = log('socket'), socket = new WebSocket(`ws://${location.host}/echo`);
    socket.onopen = () => { note('open')(); socket.send('1'); socket.send('2'); };
    socket.onmessage = ({ data }) => { note(data)(); if (data === '2') socket.close(); };
    socket.onclose = note('close'); socket.onerror = note('error');
  }
"""


def expect_the_same(stage: Stage, program: str) -> None:
    """Run a program in both worlds and compare the results.

    The clock advances in small steps: in the world without wrapped functions, virtual time does not wait for the results.
    """
    in_both_worlds(stage, PROGRAM % program)
    for _ in range(200):
        stage.clock.advance("20ms")
        wrapped, untouched = in_both_worlds(stage, "globalThis.results")
        if wrapped == untouched and not unsettled(untouched):
            break
    assert {
        name: (wrapped.get(name), result) for name, result in untouched.items() if wrapped.get(name) != result
    } == {}
    assert wrapped.keys() == untouched.keys()
    assert unsettled(untouched) == []


def unsettled(results: dict[str, list[object]]) -> list[str]:
    return [name for name, result in results.items() if not result or result[-1] in ("pending", "not yet")]


def expect_the_same_of_methods(stage: Stage, compared: dict[str, list[str]]) -> None:
    objects = ", ".join(f"{json.dumps(name)}: async () => {OBJECTS[name]}" for name in compared)
    expect_the_same(stage, METHOD_CALLS.replace("OBJECTS", objects).replace("METHODS", json.dumps(compared)))


def test_wrapped_methods_do_what_methods_of_the_browser_do(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    compared = methods()
    compared["ServiceWorkerContainer"].remove(REGISTER)
    expect_the_same_of_methods(pbi_stage, compared)


def test_wrapped_registration_of_a_service_worker_does_what_that_of_the_browser_does(
    pbi_stage: Stage, pages: Site
) -> None:
    pbi_stage.open(pages.empty)
    expect_the_same_of_methods(pbi_stage, {"ServiceWorkerContainer": [REGISTER]})


def test_wrapped_constructors_do_what_constructors_of_the_browser_do(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    targets = ", ".join(f"{name}: {CONSTRUCTOR_ARGUMENTS[name]}" for name in constructors_of_documents())
    expect_the_same(pbi_stage, CONSTRUCTOR_CALLS.replace("TARGETS", f"{{ {targets} }}"))


def test_opened_windows_are_those_of_the_browser(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    expect_the_same(pbi_stage, WINDOWS)


def test_events_and_promises_of_wrapped_functions_come_in_the_order_of_the_browser(
    pbi_stage: Stage, pages: Site
) -> None:
    pbi_stage.open(pages.empty)
    expect_the_same(pbi_stage, ORDER)


REJECTED = [
    "crypto.subtle.importKey('raw', new Uint8Array(3), 'AES-GCM', false, ['encrypt'])",
    "caches.open('c').then((cache) => cache.add('/not-there'))",
    "fetch('http://[')",
    "new Image().decode()",
    "navigator.permissions.query({ name: 'x' })",
    "navigator.locks.request('l', () => { throw new RangeError('own'); })",
    "createImageBitmap(new Blob(['x']))",
]


def test_unhandled_rejection_of_a_wrapped_function_is_reported_once(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { addEventListener('unhandledrejection', ({reason}) => seen.push(String(reason))); }"
    )
    for work in REJECTED:
        pbi_stage.page.evaluate(f"() => {{ {work}; }}")
        pbi_stage.page.evaluate(f"() => {{ {work}.catch(() => {{}}); }}")

    pbi_stage.clock.advance("1min")

    reported = pbi_stage.page.evaluate("seen")
    assert len(set(reported)) == len(reported) == len(REJECTED)
    assert len(pbi_stage.journal.of("page.error")) == len(REJECTED)
