// Time is held for calls whose work the browser does on its other threads and in its other processes: its virtual time does not wait
// there. wrapped_functions.json says which calls these are and how the end of each call is seen.
import { settings } from "./settings.js";
import { holdTime, holdTimeUntilSettled, keepBusyBesideEndlessRequest } from "./time_holds.js";
import { wrap } from "./wrap.js";

/** @typedef {import("./settings.js").PendingCalls} PendingCalls */

const { apply } = Reflect;
const { addEventListener } = EventTarget.prototype;

export function holdTimeForPendingCalls() {
  for (const { object: path, functions, ends, events = [] } of settings.pendingCalls) {
    const object = objectAt(path);
    for (const name of functions) wrap(object, name, HANDLERS[ends](callOf(path, name), events));
  }
  holdUntilFileIsClosed();
  if ("document" in globalThis) keepBusyForRequests();
}

/** @param {string} path such as "Cache.prototype" */
function objectAt(path) {
  return path.split(".").reduce((object, name) => object?.[name], /** @type {any} */ (globalThis));
}

/**
 * Returns the name by which the journal calls a call: "Cache.put", "fetch".
 *
 * @param {string} path
 * @param {string} name
 */
function callOf(path, name) {
  return path.endsWith(".prototype") ? `${path.slice(0, -".prototype".length)}.${name}` : name;
}

/** @type {Record<PendingCalls["ends"], (call: string, events: string[]) => ProxyHandler<any>>} */
const HANDLERS = {
  promise: (call) => ({ apply: (target, self, args) => holdTimeUntilSettled(call, apply(target, self, args)) }),
  "event of the result": (call, events) => ({
    apply(target, self, args) {
      const result = apply(target, self, args);
      onFirst(events, result, holdTime(call, { isBrief: true }));
      return result;
    },
  }),
  "event of the object": (call, events) => ({
    apply(target, self, args) {
      const end = holdTime(call, { isBrief: true });
      onFirst(events, self, end); // Before the call, because a synchronous request ends within its call.
      try {
        return apply(target, self, args);
      } catch (error) {
        end();
        throw error;
      }
    },
  }),
};

/** Virtual time waits for the requests of documents. While an endless request is pending, virtual time does not
 * wait for others, so the frame keeps busy until the clock has seen the new request. */
function keepBusyForRequests() {
  /** @type {ProxyHandler<any>} */
  const keepsBusy = {
    apply(target, self, args) {
      keepBusyBesideEndlessRequest();
      return apply(target, self, args);
    },
  };
  wrap(globalThis, "fetch", keepsBusy);
  wrap(XMLHttpRequest.prototype, "send", keepsBusy);
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
