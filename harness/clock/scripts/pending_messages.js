// The messages that this document or worker has sent to workers, and that the workers have not handled yet. Time is held for each of
// them.
//
// A marker follows each message: an internal message with a name of its own. A worker that receives the marker has handled the message
// before it, and reports the marker to the clock (worker_markers.js). The clock reports it to all documents and workers.
import { handleMessages } from "./clock_messages.js";
import { internalMessage } from "./internal_messages.js";
import { holdTime } from "./time_holds.js";

/**
 * @typedef {{ marker: string|null, receiver: object, end: () => void }} PendingMessage
 * @typedef {(this: any, message: unknown) => void} Post
 */

const { apply } = Reflect;

/** A prefix that keeps the markers of this document or worker apart from all others. */
const sender = Math.random().toString(36);
let markers = 0;
let names = 0;
/** @type {Set<PendingMessage>} */
const pendingMessages = new Set();
/** @type {WeakMap<object, string>} */
const nameOf = new WeakMap();
/** @type {WeakSet<object>} */
const ended = new WeakSet();

/**
 * Holds time for a message.
 *
 * @param {object} receiver a worker, or the port of a worker
 * @param {string|null} marker
 * @param {string} call
 * @param {import("./time_holds.js").HoldOptions} [options]
 * @returns {PendingMessage}
 */
export function holdTimeForMessage(receiver, marker, call, options) {
  const pending = { marker, receiver, end: holdTime(call, options) };
  pendingMessages.add(pending);
  return pending;
}

/**
 * Holds time until the receiver has handled what was posted to it, and posts the marker.
 *
 * @param {object} receiver a worker, or the port of a worker
 * @param {Post} post the browser's own `postMessage` of the receiver
 * @param {string} call
 * @param {import("./time_holds.js").HoldOptions} [options]
 */
export function holdTimeUntilHandled(receiver, post, call, options) {
  if (hasEnded(receiver)) return;
  const marker = `${nameOf.get(receiver) ?? ""} ${sender}${++markers}`;
  holdTimeForMessage(receiver, marker, call, options);
  apply(post, receiver, [internalMessage(marker)]);
}

/** @param {PendingMessage} pending */
export function endHoldForMessage(pending) {
  pending.end();
  pendingMessages.delete(pending);
}

/** @param {unknown} marker */
export function messageIsHandled(marker) {
  for (const pending of pendingMessages) if (pending.marker === marker) return endHoldForMessage(pending);
}

/** @param {object} receiver a worker, or the port of a worker, that will handle no message any more */
export function receiverHasEnded(receiver) {
  ended.add(receiver);
  for (const pending of pendingMessages) if (pending.receiver === receiver) endHoldForMessage(pending);
}

/** @param {object} receiver */
export function hasEnded(receiver) {
  return ended.has(receiver);
}

/** @param {object} worker is given the name by which the clock reports its end */
export function nameWorker(worker) {
  nameOf.set(worker, `${sender}${++names}`);
}

/** Returns whether this document or worker has made a worker. */
export function hasMadeWorkers() {
  return names > 0;
}

handleMessages({
  messageIsHandled,
  /** @param {string} name */
  workerHasEnded: (name) => {
    for (const { receiver } of pendingMessages) if (nameOf.get(receiver) === name) receiverHasEnded(receiver);
  },
});
