"""What a wrapped function does is what it did: called with what is right and what is wrong, as a function, a method and a
constructor, in the page's own world and in one in which nothing is wrapped."""

import json

from site_of_pages import Site
from untouched_world import in_both_worlds

from harness.stage import Stage

OBJECTS = {
    "SubtleCrypto": "crypto.subtle",
    "CacheStorage": "caches",
    "Cache": "await caches.open('c')",
    "Blob": "new Blob(['x'])",
    "Clipboard": "navigator.clipboard",
    "CookieStore": "cookieStore",
    "CredentialsContainer": "navigator.credentials",
    "FileSystemDirectoryHandle": "await (await navigator.storage.getDirectory()).getDirectoryHandle(world, {create: true})",
    "FileSystemFileHandle": "await (await navigator.storage.getDirectory()).getFileHandle(Math.random(), {create: true})",
    "FileSystemWritableFileStream": "await (await (await navigator.storage.getDirectory()).getFileHandle(Math.random(), {create: true})).createWritable()",
    "FontFace": "new FontFace('f', 'url(/not-there)')",
    "FontFaceSet": "document.fonts",
    "HTMLImageElement": "new Image()",
    "IDBFactory": "indexedDB",
    "IDBDatabase": "await new Promise((done) => { const asked = indexedDB.open(world); asked.onupgradeneeded = () => asked.result.createObjectStore('s'); asked.onsuccess = () => done(asked.result); })",
    "LockManager": "navigator.locks",
    "MediaDevices": "navigator.mediaDevices",
    "OfflineAudioContext": "new OfflineAudioContext(1, 1, 8000)",
    "Performance": "performance",
    "PerformanceObserver": "new PerformanceObserver(() => {})",
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
    "Window": "window",
}
METHODS = {
    "SubtleCrypto": ["decrypt", "deriveBits", "deriveKey", "digest", "encrypt", "exportKey", "generateKey", "importKey", "sign", "unwrapKey", "verify", "wrapKey"],
    "CacheStorage": ["delete", "has", "keys", "match", "open"],
    "Cache": ["add", "addAll", "delete", "keys", "match", "matchAll", "put"],
    "Blob": ["arrayBuffer", "bytes", "text"],
    "Clipboard": ["read", "readText", "write", "writeText"],
    "CookieStore": ["delete", "get", "getAll", "set"],
    "CredentialsContainer": ["create", "get"],
    "FileSystemDirectoryHandle": ["getDirectoryHandle", "getFileHandle", "isSameEntry", "queryPermission", "resolve"],
    "FileSystemFileHandle": ["createWritable", "getFile"],
    "FileSystemWritableFileStream": ["close", "seek", "truncate", "write"],
    "FontFace": ["load"],
    "FontFaceSet": ["load"],
    "HTMLImageElement": ["decode"],
    "IDBFactory": ["databases", "deleteDatabase", "open"],
    "IDBDatabase": ["transaction"],
    "LockManager": ["query", "request"],
    "MediaDevices": ["enumerateDevices"],
    "OfflineAudioContext": ["decodeAudioData", "startRendering"],
    "Performance": ["getEntries", "getEntriesByName", "getEntriesByType"],
    "PerformanceObserver": ["takeRecords"],
    "Permissions": ["query"],
    "StorageManager": ["estimate", "getDirectory", "persist", "persisted"],
    "Document": ["startViewTransition"],
    "Animation": ["pause", "play"],
    "Element": ["animate"],
    "IntersectionObserver": ["observe"],
    "ResizeObserver": ["observe"],
    "FileReader": ["readAsArrayBuffer", "readAsBinaryString", "readAsDataURL", "readAsText"],
    "BroadcastChannel": ["postMessage"],
    "WebSocket": ["send"],
    "WebAssembly": ["compile", "instantiate"],
    "Worker": ["postMessage", "terminate"],
    "XMLHttpRequest": ["send"],
    "Window": ["cancelAnimationFrame", "cancelIdleCallback", "createImageBitmap", "fetch", "requestAnimationFrame", "requestIdleCallback"],
}  # fmt: skip


# What each call came to: thrown at once, returned, or promised and then kept or broken; of what kind, and with what words.
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
  const targets = { Worker: URL.createObjectURL(new Blob([''])), WebSocket: `ws://${location.host}/echo` };
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
    """Run it in both worlds. Time goes by in small steps, for where nothing is wrapped it would not wait for the answers."""
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


def test_methods(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    objects = ", ".join(f"{name}: async () => {made}" for name, made in OBJECTS.items())
    expect_the_same(pbi_stage, METHOD_CALLS.replace("OBJECTS", objects).replace("METHODS", json.dumps(METHODS)))


def test_constructors(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    expect_the_same(pbi_stage, CONSTRUCTOR_CALLS)


def test_opened_windows(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    expect_the_same(pbi_stage, WINDOWS)


def test_the_order_of_events(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    expect_the_same(pbi_stage, ORDER)


BROKEN = [
    "crypto.subtle.importKey('raw', new Uint8Array(3), 'AES-GCM', false, ['encrypt'])",
    "caches.open('c').then((cache) => cache.add('/not-there'))",
    "fetch('http://[')",
    "new Image().decode()",
    "navigator.permissions.query({ name: 'x' })",
    "navigator.locks.request('l', () => { throw new RangeError('own'); })",
    "createImageBitmap(new Blob(['x']))",
]


def test_a_broken_promise_that_nobody_minds_is_told_once(pbi_stage: Stage, pages: Site) -> None:
    pbi_stage.open(pages.empty)
    pbi_stage.page.evaluate(
        "() => { addEventListener('unhandledrejection', ({reason}) => seen.push(String(reason))); }"
    )
    for work in BROKEN:
        pbi_stage.page.evaluate(f"() => {{ {work}; }}")
        pbi_stage.page.evaluate(f"() => {{ {work}.catch(() => {{}}); }}")

    pbi_stage.clock.advance("1min")

    told = pbi_stage.page.evaluate("seen")
    assert len(set(told)) == len(told) == len(BROKEN)
    assert len(pbi_stage.journal.of("page.error")) == len(BROKEN)
