// A message through a MessagePort may reach a worker, if the other end of the port was transferred to a worker or came from one. Time is
// held for each message through such a port. The other end receives messages only once it has been started, which may never
// happen, so the hold ends after some steps of the clock.
import { takeInternalMessage } from "./internal_messages.js";
import { holdTimeUntilHandled, messageIsHandled, receiverHasEnded } from "./pending_messages.js";
import { wrap } from "./wrap.js";

const { apply, construct, getOwnPropertyDescriptor } = Reflect;
const { addEventListener } = EventTarget.prototype;
const { MessageChannel, MessagePort } = globalThis;
const getPort1 = getterOf("port1");
const getPort2 = getterOf("port2");
const { postMessage } = MessagePort.prototype;

export const PORT_STEPS = 64;

/** @type {WeakMap<MessagePort, MessagePort>} */
const otherEnds = new WeakMap();
/** @type {WeakSet<object>} ports whose other end may be in a worker */
const portsToWorkers = new WeakSet();
let postedMessages = 0;

/** @param {"port1"|"port2"} name */
function getterOf(name) {
  return /** @type {{ get: () => MessagePort }} */ (getOwnPropertyDescriptor(MessageChannel.prototype, name)).get;
}

/** @param {MessageEvent} event */
function receiveInDocument(event) {
  const marker = takeInternalMessage(event);
  if (marker !== undefined) messageIsHandled(marker);
  else if (portsToWorkers.has(/** @type {object} */ (event.currentTarget))) takeOverPorts(event);
}

/** @type {(event: MessageEvent) => void} */
let receive = receiveInDocument;

/** @param {(event: MessageEvent) => void} [receiveInWorker] the listener that takes markers out of the messages to this worker */
export function holdTimeForPorts(receiveInWorker) {
  if (receiveInWorker) receive = receiveInWorker;
  wrap(globalThis, "MessageChannel", {
    construct(target, args, newTarget) {
      const channel = construct(target, args, newTarget);
      // The page may have given the channel another prototype.
      const port1 = apply(getPort1, channel, []);
      const port2 = apply(getPort2, channel, []);
      otherEnds.set(port1, port2).set(port2, port1);
      listenFirst(port1);
      listenFirst(port2);
      return channel;
    },
  });
  wrap(MessagePort.prototype, "postMessage", {
    apply(target, port, args) {
      apply(target, port, args);
      postedMessages++;
      if (!portsToWorkers.has(port)) return;
      transferToWorker(args[1]);
      holdTimeUntilHandled(port, postMessage, "MessagePort.postMessage", { maxSteps: PORT_STEPS });
    },
  });
  // The documents of a page receive the messages of each other at once, but the ports in them may lead to workers.
  if (!receiveInWorker) apply(addEventListener, globalThis, ["message", listenToReceivedPorts]);
}

/** @param {MessageEvent} event */
function listenToReceivedPorts({ ports }) {
  ports?.forEach(listenFirst);
}

/**
 * Takes internal messages out of the messages of a port. To be called before the page has the port, so that the page's listeners
 * come later: a port may come back to the sender of a marker.
 *
 * @param {MessagePort} port
 */
export function listenFirst(port) {
  apply(addEventListener, port, ["message", receive]);
}

/** @param {MessagePort} port */
export function leadsToWorker(port) {
  portsToWorkers.add(port);
}

/** @param {any} transferred the second argument of a `postMessage` to a worker: the ports, or options with the ports */
export function transferToWorker(transferred) {
  const list = Array.isArray(transferred) ? transferred : transferred?.transfer;
  if (!Array.isArray(list)) return;
  for (const port of list) {
    const otherEnd = otherEnds.get(port);
    if (otherEnd) leadsToWorker(otherEnd);
  }
}

/**
 * Takes over the ports that a worker has sent: their other ends may be in a worker.
 *
 * @param {MessageEvent} event
 */
export function takeOverPorts({ ports }) {
  for (const port of ports ?? []) {
    leadsToWorker(port);
    listenFirst(port);
    apply(addEventListener, port, ["close", () => receiverHasEnded(port)]);
  }
}

/** Returns how many messages this document or worker has posted to ports. */
export function messagesPostedToPorts() {
  return postedMessages;
}
