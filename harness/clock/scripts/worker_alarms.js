// A timer of the page fires the timers of the page's workers, because the clock would have to stop for each of them. While the page is
// hidden and its timers are throttled, the clock fires the timers of workers (worker_timers.js has the worker's side).
import { handleMessages } from "./clock_messages.js";
import { internalMessage, takeInternalMessage } from "./internal_messages.js";
import { endHoldForMessage, hasEnded, hasMadeWorkers, holdTimeForMessage } from "./pending_messages.js";
import { takeOverPorts } from "./ports.js";
import { virtualTime } from "./sleep.js";
import { holdTime } from "./time_holds.js";

const { apply } = Reflect;
const { clearTimeout, document, setTimeout } = globalThis;
const { addEventListener } = EventTarget.prototype;

/** Firing takes up to a second. A request would hold time as well, but 10 ms of virtual time pass after each request. */
const FIRING = { isBrief: true, minTasks: 100_000 };
const CALL = "a worker's timer";

/** Lets the clock ask whether the document is shown, and holds time for a step when this changes, so that the clock asks at once. */
export function reportVisibility() {
  const { get: getVisibility } = /** @type {{ get: () => string }} */ (
    Object.getOwnPropertyDescriptor(Document.prototype, "visibilityState")
  );
  const isShown = () => apply(getVisibility, document, []) === "visible";
  const changed = () => void (hasMadeWorkers() && !isShown() && holdTime("a hidden page", { maxSteps: 1 }));
  apply(addEventListener, document, ["visibilitychange", changed]);
  handleMessages({ isShown });
}

/**
 * Returns the listener of a worker's messages that sets the timer of the page: the worker reports when its next timer is due.
 *
 * @param {Worker} worker
 * @param {import("./pending_messages.js").Post} post the browser's own `Worker.prototype.postMessage`
 */
export function workerAlarm(worker, post) {
  /** @type {ReturnType<typeof setTimeout>|undefined} */
  let timer;
  /** @type {import("./pending_messages.js").PendingMessage|null} */
  let firing = null;
  const fire = () => {
    if (firing || hasEnded(worker)) return;
    firing = holdTimeForMessage(worker, null, CALL, FIRING);
    apply(post, worker, [internalMessage(null)]);
  };
  /** @param {MessageEvent} event */
  return (event) => {
    const report = takeInternalMessage(event);
    if (!report) return takeOverPorts(event);
    const { due, pendingCalls } = report;
    // Only the report after the timers have fired says how many calls are pending.
    if (pendingCalls !== undefined && firing) {
      if (pendingCalls > 0) holdTime(CALL, { maxSteps: 2 });
      endHoldForMessage(firing);
      firing = null;
    }
    clearTimeout(timer);
    timer = due === null ? undefined : setTimeout(fire, due - virtualTime());
  };
}
