// Time is held from `new Worker` until the worker's script has run, and from each message to a worker until the worker has handled the
// message: only then does the clock know the timers of the worker.
import { settings } from "./settings.js";
import { holdTimeForMessage, holdTimeUntilHandled, nameWorker, receiverHasEnded } from "./pending_messages.js";
import { PORT_STEPS, leadsToWorker, listenFirst, transferToWorker } from "./ports.js";
import { wrap } from "./wrap.js";

const { apply, construct } = Reflect;
const { addEventListener } = EventTarget.prototype;
const { Worker, SharedWorker, ServiceWorker, ErrorEvent } = globalThis;

/** Steps within which a shared worker accepts a connection. */
const CONNECTION_STEPS = 512;

/**
 * @param {(worker: Worker, post: import("./pending_messages.js").Post) => (event: MessageEvent) => void} listenerFor
 *   returns the listener that takes internal messages out of the messages of a worker
 */
export function holdTimeForWorkers(listenerFor) {
  if (Worker) wrapWorker(listenerFor);
  wrapSharedWorker();
  if (ServiceWorker) wrapPost(ServiceWorker.prototype, "ServiceWorker.postMessage");
  if (settings.isWorkerOfWorker) wrapPostOfWorkerToWorker();
}

/** @param {Parameters<typeof holdTimeForWorkers>[0]} listenerFor */
function wrapWorker(listenerFor) {
  const { postMessage } = Worker.prototype;
  wrap(globalThis, "Worker", {
    construct(target, args, newTarget) {
      const worker = construct(target, args, newTarget);
      nameWorker(worker);
      // An event that is no ErrorEvent says that the script could not be loaded: the worker will never handle a message.
      /** @param {Event} event */
      const failed = (event) => event instanceof ErrorEvent || receiverHasEnded(worker);
      apply(addEventListener, worker, ["error", failed]);
      apply(addEventListener, worker, ["message", listenerFor(worker, postMessage)]);
      holdTimeUntilHandled(worker, postMessage, "Worker");
      return worker;
    },
  });
  wrapPost(Worker.prototype, "Worker.postMessage");
  wrap(Worker.prototype, "terminate", {
    apply(target, worker, args) {
      apply(target, worker, args);
      receiverHasEnded(worker);
    },
  });
}

/**
 * @param {Worker|ServiceWorker} prototype
 * @param {string} call
 */
function wrapPost(prototype, call) {
  const { postMessage } = prototype;
  wrap(prototype, "postMessage", {
    apply(target, worker, args) {
      apply(target, worker, args);
      transferToWorker(args[1]);
      holdTimeUntilHandled(worker, postMessage, call);
    },
  });
}

/** A shared worker reports the address of its script when a page has connected to it, unless that address redirects. */
function wrapSharedWorker() {
  const { get: getPort } = Object.getOwnPropertyDescriptor(SharedWorker?.prototype ?? {}, "port") ?? {};
  wrap(globalThis, "SharedWorker", {
    construct(target, args, newTarget) {
      const worker = construct(target, args, newTarget);
      const port = apply(/** @type {() => MessagePort} */ (getPort), worker, []);
      leadsToWorker(port);
      apply(addEventListener, worker, ["error", () => receiverHasEnded(port)]);
      listenFirst(port);
      const marker = ` ${new URL(args[0], document.baseURI)}`;
      holdTimeForMessage(port, marker, "SharedWorker", { maxSteps: CONNECTION_STEPS });
      return worker;
    },
  });
}

/** A page receives the messages of its workers at once; a worker does not. */
function wrapPostOfWorkerToWorker() {
  const { postMessage } = self;
  wrap(self, "postMessage", {
    apply(target, scope, args) {
      apply(target, scope, args);
      holdTimeUntilHandled(self, postMessage, "postMessage", { maxSteps: PORT_STEPS });
    },
  });
}
