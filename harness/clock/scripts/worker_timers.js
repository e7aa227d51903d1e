// A worker reads virtual time, but its timers wait for a thread that virtual time never wakes. So the timers of a worker become a list.
// The timers whose time has come are fired by a timer of the page (`fireTimersForPage`), to which the worker reports when the next
// one is due, or by the clock (`fireTimers`), which asks.
import { handleMessages } from "./clock_messages.js";
import { internalMessage } from "./internal_messages.js";
import { messagesPostedToPorts } from "./ports.js";
import { settings } from "./settings.js";
import { virtualTime } from "./sleep.js";
import { pendingCallCount } from "./time_holds.js";
import { wrap } from "./wrap.js";

/** @typedef {{ callback: unknown, args: unknown[], period: number|null, due: number }} Timer */

const { apply } = Reflect;
const { AbortController, DOMException, MessageChannel, Promise, performance } = globalThis;
const { abort } = AbortController.prototype;
const { addEventListener } = EventTarget.prototype;
const { postMessage } = MessagePort.prototype;
const { postMessage: postToPage } = self;

const isDedicatedWorker = typeof DedicatedWorkerGlobalScope === "function";
const FRAME_MS = 1000 / 60;
/** Tasks after which a worker that posts messages to itself all the time is not waited for. */
const MAX_OWN_TASKS = 1000;

/** @type {Map<number, Timer>} */
const timers = new Map();
let lastId = 0;
/** The time for which the timer of the page is set. */
let reportedDue = Infinity;

/**
 * @param {number|null} due
 * @param {object} [more]
 */
function reportToPage(due, more) {
  reportedDue = due ?? Infinity;
  if (isDedicatedWorker && !settings.isWorkerOfWorker) {
    apply(postToPage, self, [internalMessage({ due, ...more })]);
  }
}

/**
 * @param {unknown} callback
 * @param {number} delay
 * @param {unknown[]} args
 * @param {number|null} period
 */
function addTimer(callback, delay, args, period) {
  const due = virtualTime() + delay;
  timers.set(++lastId, { callback, args, period, due });
  if (due < reportedDue) reportToPage(due);
  return lastId;
}

/**
 * @param {number} delay
 * @param {() => void} work
 */
function after(delay, work) {
  return addTimer(work, Math.max(1, Math.ceil(delay)), [], null); // The clock counts whole milliseconds.
}

export function replaceTimers() {
  /** @param {number} delay */
  const positive = (delay) => Math.max(1, delay | 0);
  /** @type {ProxyHandler<any>} */
  const clear = { apply: (target, self, [id]) => void timers.delete(id) };
  wrap(self, "setTimeout", {
    apply: (target, self, [callback, delay, ...args]) => addTimer(callback, positive(delay), args, null),
  });
  wrap(self, "setInterval", {
    apply: (target, self, [callback, delay, ...args]) => addTimer(callback, positive(delay), args, positive(delay)),
  });
  wrap(self, "clearTimeout", clear);
  wrap(self, "clearInterval", clear);
  wrap(self, "requestAnimationFrame", {
    apply(target, self, args) {
      const [callback] = args;
      if (typeof callback !== "function") return apply(target, self, args);
      return after(FRAME_MS, () => callback(performance.now()));
    },
  });
  wrap(self, "cancelAnimationFrame", clear);
  replaceTimeoutSignal();
  replaceDelayedTasks();
}

function replaceTimeoutSignal() {
  wrap(AbortSignal, "timeout", {
    apply(target, self, args) {
      apply(target, self, args); // Throws where the argument is not a delay.
      const controller = new AbortController();
      after(Number(args[0]), () => apply(abort, controller, [new DOMException("signal timed out", "TimeoutError")]));
      return controller.signal;
    },
  });
}

function replaceDelayedTasks() {
  wrap(globalThis.Scheduler?.prototype, "postTask", {
    apply(target, self, args) {
      const [work, options] = args;
      const { delay, signal } = options ?? {};
      if (typeof work !== "function" || !(delay > 0) || signal?.aborted) return apply(target, self, args);
      const post = () => apply(target, self, [work, { ...options, delay: 0 }]);
      return new Promise((resolve) => {
        const timer = after(Number(delay), () => resolve(post()));
        const aborted = () => timers.delete(timer) && resolve(post());
        if (signal) apply(addEventListener, signal, ["abort", aborted, { __proto__: null, once: true }]);
      });
    },
  });
}

const { port1: taskPort, port2: taskSender } = new MessageChannel();
/** @type {(() => void)[]} several may wait at once: the clock asks for the state while timers are fired */
const waitingForTask = [];
taskPort.onmessage = () => waitingForTask.shift()?.();

/** Returns a promise that is settled in a later task: after all handlers of promises that are settled by now. */
function nextTask() {
  return new Promise((resolve) => {
    waitingForTask.push(() => resolve(undefined));
    apply(postMessage, taskSender, [null]);
  });
}

/** The time at which the next timer is due; null if there is no timer. */
function nextDue() {
  return timers.size ? Math.min(...[...timers.values()].map((timer) => timer.due)) : null;
}

let handledMessages = 0;

/** Lets the worker handle the messages that it has posted to its own ports, and that it posts meanwhile. */
async function handleOwnMessages() {
  for (let task = 0; task < MAX_OWN_TASKS && handledMessages !== messagesPostedToPorts(); task++) {
    handledMessages = messagesPostedToPorts();
    await nextTask();
  }
}

async function state() {
  await handleOwnMessages();
  return { due: nextDue(), held: pendingCallCount(), now: virtualTime() };
}

async function fireTimers() {
  const now = virtualTime();
  const due = [...timers].filter(([, timer]) => timer.due <= now).sort(([, a], [, b]) => a.due - b.due);
  for (const [id, timer] of due) {
    if (!timers.has(id)) continue; // An earlier timer has cleared this one.
    if (timer.period) timer.due = now + timer.period;
    else timers.delete(id);
    try {
      if (typeof timer.callback === "function") timer.callback(...timer.args);
      else (0, eval)(/** @type {string} */ (timer.callback));
    } catch (error) {
      reportError(error);
    }
  }
  if (due.length > 0) await nextTask();
  return state();
}

/** Fires the timers that are due because the page's timer says so, then reports the next one. */
export async function fireTimersForPage() {
  reportedDue = -Infinity; // A timer that is set meanwhile is reported at the end.
  await fireTimers();
  reportToPage(nextDue(), { pendingCalls: pendingCallCount() });
}

handleMessages({ fireTimers, state });
