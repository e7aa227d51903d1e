// Reports markers to the clock. When a marker arrives, the worker has handled the message before it; when the first marker arrives, the
// worker's script has run. Then the list of the worker's timers is complete, and time may advance.
import { takeInternalMessage } from "./internal_messages.js";
import { settings } from "./settings.js";
import { fireTimersForPage } from "./worker_timers.js";

const { apply } = Reflect;
const { addEventListener } = EventTarget.prototype;

/** @type {(marker: string) => void} */
let reportToClock;

/** Takes the function that reports to the clock, before a script of the worker can, and listens for markers. */
export function reportMarkers() {
  const global = /** @type {Record<string, any>} */ (globalThis);
  reportToClock = global[settings.handledBinding];
  delete global[settings.handledBinding];
  self.addEventListener("message", receiveInWorker);
  if (typeof SharedWorkerGlobalScope === "function") reportConnections();
}

/** @param {MessageEvent} event a message to the worker, or to a port that it has received */
export function receiveInWorker(event) {
  for (const port of event.ports ?? []) apply(addEventListener, port, ["message", receiveInWorker]);
  const content = takeInternalMessage(event);
  if (content === null) fireTimersForPage();
  else if (content !== undefined) reportToClock(String(content));
}

/** Reports the address of the script as the marker of a connection, in a task after the listeners of the connection. */
function reportConnections() {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => reportToClock(` ${location}`);
  self.addEventListener("connect", (event) => {
    receiveInWorker(/** @type {MessageEvent} */ (event));
    port2.postMessage(null);
  });
}
