"""A call of each wrapped function whose end a promise or an event shows.

The functions are those of wrapped_functions.json. Each call is JavaScript that returns a promise.
"""

from wrapped_functions import listed

HELPERS = """
const here = ORIGIN, data = new Uint8Array(16), name = () => Math.random().toString(36);
const event = (target, ...names) => new Promise((done) => names.forEach((each) => target.addEventListener(each, done)));
const database = async () => {
  const request = indexedDB.open(name());
  request.onupgradeneeded = () => request.result.createObjectStore('s');
  await event(request, 'success');
  return request.result;
};
const cached = async (use) => { const cache = await caches.open('c'); await cache.put('http://x.test/', new Response('x')); return use(cache); };
const aes = { name: 'AES-GCM', iv: data, length: 128 }, hmac = { name: 'HMAC', hash: 'SHA-256' };
const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: data, info: data };
const key = (use) => crypto.subtle.generateKey(aes, true, ['encrypt', 'decrypt']).then(use);
const wrapping = (use) => crypto.subtle.generateKey({ name: 'AES-KW', length: 128 }, true, ['wrapKey', 'unwrapKey']).then(use);
const signing = (use) => crypto.subtle.generateKey(hmac, true, ['sign', 'verify']).then(use);
const deriving = (use) => crypto.subtle.importKey('raw', data, 'HKDF', false, ['deriveBits', 'deriveKey']).then(use);
const folder = (use) => navigator.storage.getDirectory().then(use);
const file = (use) => folder((all) => all.getFileHandle(name(), { create: true })).then(use);
const stream = (use) => file((handle) => handle.createWritable()).then(use);
const read = (method) => { const reader = new FileReader(); reader[method](new Blob(['x'])); return event(reader, 'loadend'); };
const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
const compiled = () => new Response(wasm, { headers: { 'Content-Type': 'application/wasm' } });
const sound = () => {
  const wave = new DataView(new ArrayBuffer(1644));
  [[0, 'RIFF'], [8, 'WAVEfmt '], [36, 'data']].forEach(([at, text]) => [...text].forEach((c, n) => wave.setUint8(at + n, c.charCodeAt())));
  [[4, 1636], [16, 16], [24, 8000], [28, 16000], [40, 1600]].forEach(([at, value]) => wave.setUint32(at, value, true));
  [[20, 1], [22, 1], [32, 2], [34, 16]].forEach(([at, value]) => wave.setUint16(at, value, true));
  return wave.buffer;
};
const picture = () => {
  const image = new Image();
  image.src = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
  return image;
};
const form = { headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
const json = { method: 'POST', body: '{"x": 1}' };
const request = (more) => new Request(here, { ...json, ...more });
const registration = (use) => navigator.serviceWorker.register('/service_worker.js', { scope: `/${name()}` }).then(use);
"""
"""Functions for the calls. A test puts the origin of its site in the place of ORIGIN."""

CALLS = {
    "IDBFactory.prototype.databases": "indexedDB.databases()",
    "IDBFactory.prototype.deleteDatabase": "event(indexedDB.deleteDatabase(name()), 'success')",
    "IDBFactory.prototype.open": "event(indexedDB.open(name()), 'success')",
    "IDBDatabase.prototype.transaction": """database().then((found) => {
        const writing = found.transaction('s', 'readwrite'); writing.objectStore('s').put(1, 1); return event(writing, 'complete'); })""",
    "CacheStorage.prototype.delete": "caches.delete(name())",
    "CacheStorage.prototype.has": "caches.has('c')",
    "CacheStorage.prototype.keys": "caches.keys()",
    "CacheStorage.prototype.match": "caches.match('http://x.test/')",
    "CacheStorage.prototype.open": "caches.open(name())",
    "Cache.prototype.add": "cached((cache) => cache.add(`${here}/cookies`))",
    "Cache.prototype.addAll": "cached((cache) => cache.addAll([`${here}/cookies`]))",
    "Cache.prototype.delete": "cached((cache) => cache.delete('http://x.test/'))",
    "Cache.prototype.keys": "cached((cache) => cache.keys())",
    "Cache.prototype.match": "cached((cache) => cache.match('http://x.test/'))",
    "Cache.prototype.matchAll": "cached((cache) => cache.matchAll())",
    "Cache.prototype.put": "cached((cache) => cache.put('http://y.test/', new Response('y')))",
    "SubtleCrypto.prototype.decrypt": """key(async (made) =>
        crypto.subtle.decrypt(aes, made, await crypto.subtle.encrypt(aes, made, data)))""",
    "SubtleCrypto.prototype.deriveBits": "deriving((made) => crypto.subtle.deriveBits(hkdf, made, 128))",
    "SubtleCrypto.prototype.deriveKey": "deriving((made) => crypto.subtle.deriveKey(hkdf, made, aes, true, ['encrypt']))",
    "SubtleCrypto.prototype.digest": "crypto.subtle.digest('SHA-256', data)",
    "SubtleCrypto.prototype.encrypt": "key((made) => crypto.subtle.encrypt(aes, made, data))",
    "SubtleCrypto.prototype.exportKey": "key((made) => crypto.subtle.exportKey('raw', made))",
    "SubtleCrypto.prototype.generateKey": "crypto.subtle.generateKey(hmac, true, ['sign'])",
    "SubtleCrypto.prototype.importKey": "crypto.subtle.importKey('raw', data, 'AES-GCM', false, ['encrypt'])",
    "SubtleCrypto.prototype.sign": "signing((made) => crypto.subtle.sign('HMAC', made, data))",
    "SubtleCrypto.prototype.unwrapKey": """wrapping((outer) => key(async (inner) => crypto.subtle.unwrapKey(
        'raw', await crypto.subtle.wrapKey('raw', inner, outer, 'AES-KW'), outer, 'AES-KW', 'AES-GCM', true, ['encrypt'])))""",
    "SubtleCrypto.prototype.verify": "signing((made) => crypto.subtle.verify('HMAC', made, data, data))",
    "SubtleCrypto.prototype.wrapKey": """wrapping((outer) => key((inner) =>
        crypto.subtle.wrapKey('raw', inner, outer, 'AES-KW')))""",
    "Blob.prototype.arrayBuffer": "new Blob(['x']).arrayBuffer()",
    "Blob.prototype.bytes": "new Blob(['x']).bytes()",
    "Blob.prototype.text": "new Blob(['x']).text()",
    "FileReader.prototype.readAsArrayBuffer": "read('readAsArrayBuffer')",
    "FileReader.prototype.readAsBinaryString": "read('readAsBinaryString')",
    "FileReader.prototype.readAsDataURL": "read('readAsDataURL')",
    "FileReader.prototype.readAsText": "read('readAsText')",
    "StorageManager.prototype.getDirectory": "navigator.storage.getDirectory()",
    "StorageManager.prototype.estimate": "navigator.storage.estimate()",
    "StorageManager.prototype.persist": "navigator.storage.persist()",
    "StorageManager.prototype.persisted": "navigator.storage.persisted()",
    "FileSystemDirectoryHandle.prototype.getDirectoryHandle": "folder((all) => all.getDirectoryHandle(name(), { create: true }))",
    "FileSystemDirectoryHandle.prototype.getFileHandle": "folder((all) => all.getFileHandle(name(), { create: true }))",
    "FileSystemDirectoryHandle.prototype.removeEntry": """folder(async (all) => {
        const { name: made } = await all.getFileHandle(name(), { create: true }); return all.removeEntry(made); })""",
    "FileSystemDirectoryHandle.prototype.resolve": "file((found) => folder((all) => all.resolve(found)))",
    "FileSystemFileHandle.prototype.createSyncAccessHandle": "file((found) => found.createSyncAccessHandle())",
    "FileSystemFileHandle.prototype.createWritable": "file((found) => found.createWritable())",
    "FileSystemFileHandle.prototype.getFile": "file((found) => found.getFile())",
    "FileSystemHandle.prototype.isSameEntry": "file((found) => found.isSameEntry(found))",
    "FileSystemHandle.prototype.queryPermission": "file((found) => found.queryPermission())",
    "FileSystemWritableFileStream.prototype.seek": "stream((made) => made.seek(0))",
    "FileSystemWritableFileStream.prototype.truncate": "stream((made) => made.truncate(0))",
    "FileSystemWritableFileStream.prototype.write": "stream((made) => made.write('x'))",
    "HTMLImageElement.prototype.decode": "picture().decode()",
    "globalThis.createImageBitmap": "createImageBitmap(new ImageData(9, 9))",
    "FontFace.prototype.load": "new FontFace('f', `url(${here}/cookies)`).load()",
    "FontFaceSet.prototype.load": "(globalThis.document ?? globalThis).fonts.load('9px f')",
    "WebAssembly.compile": "WebAssembly.compile(wasm)",
    "WebAssembly.compileStreaming": "WebAssembly.compileStreaming(compiled())",
    "WebAssembly.instantiate": "WebAssembly.instantiate(wasm)",
    "WebAssembly.instantiateStreaming": "WebAssembly.instantiateStreaming(compiled())",
    "BaseAudioContext.prototype.decodeAudioData": "new OfflineAudioContext(1, 1, 8000).decodeAudioData(sound())",
    "OfflineAudioContext.prototype.startRendering": "new OfflineAudioContext(1, 8000, 8000).startRendering()",
    "MediaDevices.prototype.enumerateDevices": "navigator.mediaDevices.enumerateDevices()",
    "CookieStore.prototype.delete": "cookieStore.delete('c')",
    "CookieStore.prototype.get": "cookieStore.get('c')",
    "CookieStore.prototype.getAll": "cookieStore.getAll()",
    "Permissions.prototype.query": "navigator.permissions.query({ name: 'geolocation' })",
    "Clipboard.prototype.read": "navigator.clipboard.read()",
    "Clipboard.prototype.readText": "navigator.clipboard.readText()",
    "Clipboard.prototype.write": "navigator.clipboard.write([new ClipboardItem({ 'text/plain': 'x' })])",
    "Clipboard.prototype.writeText": "navigator.clipboard.writeText('x')",
    "CredentialsContainer.prototype.create": "navigator.credentials.create({ password: { id: 'x', password: 'x' } })",
    "CredentialsContainer.prototype.get": "navigator.credentials.get({ password: true })",
    "LockManager.prototype.query": "navigator.locks.query()",
    "ServiceWorkerContainer.prototype.getRegistration": "navigator.serviceWorker.getRegistration()",
    "ServiceWorkerContainer.prototype.getRegistrations": "navigator.serviceWorker.getRegistrations()",
    "ServiceWorkerRegistration.prototype.unregister": "registration((made) => made.unregister())",
    "ServiceWorkerRegistration.prototype.update": "registration((made) => made.update())",
    "globalThis.fetch": "fetch(`${here}/slow`).then((answer) => answer.text())",
    "XMLHttpRequest.prototype.send": """(() => {
        const asking = new XMLHttpRequest(); asking.open('GET', `${here}/slow`); asking.send(); return event(asking, 'loadend'); })()""",
    "Response.prototype.arrayBuffer": "new Response('x').arrayBuffer()",
    "Response.prototype.blob": "new Response('x').blob()",
    "Response.prototype.bytes": "new Response('x').bytes()",
    "Response.prototype.formData": "new Response('x=1', form).formData()",
    "Response.prototype.json": "new Response('{}').json()",
    "Response.prototype.text": "new Response('x').text()",
    "Request.prototype.arrayBuffer": "request().arrayBuffer()",
    "Request.prototype.blob": "request().blob()",
    "Request.prototype.bytes": "request().bytes()",
    "Request.prototype.formData": "request({ ...form, body: 'x=1' }).formData()",
    "Request.prototype.json": "request().json()",
    "Request.prototype.text": "request().text()",
}

REJECTED = {
    "Clipboard.prototype.read",
    "Clipboard.prototype.readText",
    "Clipboard.prototype.write",
    "Clipboard.prototype.writeText",
    "CredentialsContainer.prototype.create",
    "CredentialsContainer.prototype.get",
    "FontFace.prototype.load",
}
"""The calls whose promise may be rejected: the browser refuses them without a user, or the answer is not a font."""
REJECTED_IN_A_FRAME_OF_ANOTHER_SITE = REJECTED | {"CookieStore.prototype.delete"}
"""The calls that may be rejected in a frame of another site: such a frame has only partitioned cookies."""
WITHOUT_A_WORKER_TO_CALL_THEM = {
    "ServiceWorkerRegistration.prototype.unregister",
    "ServiceWorkerRegistration.prototype.update",
}
"""Functions that a dedicated worker has and cannot call, because no function there returns such an object."""


def calls_in(place: str) -> dict[str, str]:
    """Return the calls of functions that are wrapped in `documents` or in `workers`."""
    listed_here = {str(function) for function in listed() if function.where == place and function.script is None}
    if place == "workers":
        listed_here -= WITHOUT_A_WORKER_TO_CALL_THEM
    return {name: CALLS[name] for name in sorted(listed_here)}
