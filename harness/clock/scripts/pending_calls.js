// Time is held for calls whose work the browser does on its other threads and in its other processes: its virtual time does not wait
// there. The tables say which calls these are and how the end of such a call is seen.
import { holdTime, holdTimeUntilSettled, keepBusyBesideEndlessRequest } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { addEventListener } = EventTarget.prototype;

/** @type {Record<string, string[]>} interface -> methods whose promise shows the end */
const PROMISED = {
  BaseAudioContext: ["decodeAudioData"],
  SubtleCrypto: ["decrypt", "deriveBits", "deriveKey", "encrypt", "exportKey", "generateKey", "importKey", "sign", "unwrapKey", "verify", "wrapKey"],
  CacheStorage: ["delete", "has", "keys", "match", "open"],
  Cache: ["add", "addAll", "delete", "keys", "match", "matchAll", "put"],
  Blob: ["arrayBuffer", "bytes", "text"],
  Clients: ["claim", "get", "matchAll"],
  Clipboard: ["read", "readText", "write", "writeText"],
  CookieStore: ["delete", "get", "getAll"], // cookies.js has `set`
  CredentialsContainer: ["create", "get"],
  FileSystemDirectoryHandle: ["getDirectoryHandle", "getFileHandle", "removeEntry", "resolve"],
  FileSystemFileHandle: ["createSyncAccessHandle", "createWritable", "getFile"],
  FileSystemHandle: ["isSameEntry", "queryPermission"],
  FileSystemWritableFileStream: ["seek", "truncate", "write"],
  FontFace: ["load"],
  FontFaceSet: ["load"],
  HTMLImageElement: ["decode"],
  IDBFactory: ["databases"],
  LockManager: ["query"],
  MediaDevices: ["enumerateDevices"],
  OfflineAudioContext: ["startRendering"],
  Permissions: ["query"],
  ServiceWorkerContainer: ["getRegistration", "getRegistrations"],
  ServiceWorkerRegistration: ["unregister", "update"],
  StorageManager: ["estimate", "getDirectory", "persist", "persisted"],
};
/** @type {Record<string, [string[], string[]]>} interface -> methods whose result shows the end by one of these events */
const ANNOUNCED = {
  IDBFactory: [["deleteDatabase", "open"], ["success", "error", "blocked"]],
  IDBDatabase: [["transaction"], ["complete", "abort"]],
};
/** @type {Record<string, [string[], string[]]>} interface -> methods after which the object shows the end by one of these events */
const OWN_EVENTS = {
  FileReader: [["readAsArrayBuffer", "readAsBinaryString", "readAsDataURL", "readAsText"], ["loadend"]],
};

export function holdTimeForPendingCalls() {
  // The requests of a worker are no requests of the page, for which virtual time waits; nor does it wait for what comes back to the
  // thread of the worker.
  if (typeof WorkerGlobalScope === "function") {
    PROMISED.SubtleCrypto.push("digest");
    Object.assign(PROMISED, {
      Response: ["arrayBuffer", "blob", "bytes", "formData", "json", "text"],
      Request: ["arrayBuffer", "blob", "bytes", "formData", "json", "text"],
    });
    OWN_EVENTS.XMLHttpRequest = [["send"], ["loadend"]];
    wrap(globalThis, "fetch", { apply: (target, self, args) => holdTimeUntilSettled("fetch", apply(target, self, args)) });
  } else {
    /** @type {ProxyHandler<any>} */
    const keepsBusy = { apply: (target, self, args) => (keepBusyBesideEndlessRequest(), apply(target, self, args)) };
    wrap(globalThis, "fetch", keepsBusy);
    wrap(XMLHttpRequest.prototype, "send", keepsBusy);
  }
  for (const [interfaceName, methods] of Object.entries(PROMISED)) {
    for (const method of methods) holdUntilPromiseIsSettled(interfaceName, method);
  }
  for (const [interfaceName, [methods, events]] of Object.entries(ANNOUNCED)) {
    for (const method of methods) holdUntilEventOfResult(interfaceName, method, events);
  }
  for (const [interfaceName, [methods, events]] of Object.entries(OWN_EVENTS)) {
    for (const method of methods) holdUntilOwnEvent(interfaceName, method, events);
  }
  const { WebAssembly } = globalThis;
  for (const method of ["compile", "compileStreaming", "instantiate", "instantiateStreaming"]) {
    wrap(WebAssembly, method, { apply: (target, self, args) => holdTimeUntilSettled(method, apply(target, self, args)) });
  }
  const method = "createImageBitmap";
  wrap(globalThis, method, { apply: (target, self, args) => holdTimeUntilSettled(method, apply(target, self, args)) });
  holdUntilFileIsClosed();
}

/** @param {string} interfaceName */
const prototypeOf = (interfaceName) => /** @type {any} */ (globalThis)[interfaceName]?.prototype;

/**
 * @param {string} interfaceName
 * @param {string} method
 */
function holdUntilPromiseIsSettled(interfaceName, method) {
  wrap(prototypeOf(interfaceName), method, {
    apply: (target, self, args) => holdTimeUntilSettled(`${interfaceName}.${method}`, apply(target, self, args)),
  });
}

/**
 * @param {string} interfaceName
 * @param {string} method
 * @param {string[]} events
 */
function holdUntilEventOfResult(interfaceName, method, events) {
  wrap(prototypeOf(interfaceName), method, {
    apply(target, self, args) {
      const result = apply(target, self, args);
      onFirst(events, result, holdTime(`${interfaceName}.${method}`, { isBrief: true }));
      return result;
    },
  });
}

/**
 * @param {string} interfaceName
 * @param {string} method
 * @param {string[]} events
 */
function holdUntilOwnEvent(interfaceName, method, events) {
  wrap(prototypeOf(interfaceName), method, {
    apply(target, self, args) {
      const end = holdTime(`${interfaceName}.${method}`, { isBrief: true });
      onFirst(events, self, end); // Before the call, because a synchronous request ends within its call.
      try {
        return apply(target, self, args);
      } catch (error) {
        end();
        throw error;
      }
    },
  });
}

/** A stream of another kind ends only when its reader has read it. */
function holdUntilFileIsClosed() {
  const { WritableStream, FileSystemWritableFileStream } = globalThis;
  wrap(WritableStream.prototype, "close", {
    apply(target, self, args) {
      const closed = apply(target, self, args);
      const isFile = FileSystemWritableFileStream && self instanceof FileSystemWritableFileStream;
      return isFile ? holdTimeUntilSettled("FileSystemWritableFileStream.close", closed) : closed;
    },
  });
}

/**
 * @param {string[]} events
 * @param {EventTarget} target
 * @param {() => void} listener
 */
function onFirst(events, target, listener) {
  for (const event of events) apply(addEventListener, target, [event, listener, { __proto__: null, once: true }]);
}
