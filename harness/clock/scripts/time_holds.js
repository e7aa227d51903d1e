// Time holds pause the clock while a browser call is in flight that virtual time does not wait for: a pending call.
//
// A document can pause virtual time in two ways:
// - It keeps its frame busy: virtual time does not pass while a task is queued. This is for calls that are brief as a rule.
// - It makes a request that nobody answers, and virtual time waits for requests. This is for all other calls, and for brief calls
//   that take longer than expected. All pending calls share one request, because the connections to a host are few.
//
// While an endless request is pending, the clock advances time without waiting for other requests. Then a document keeps its frame
// busy until the clock has acknowledged the calls that have begun.
//
// A worker cannot pause virtual time. The clock asks each worker for its pending calls before time advances.
import { handleMessages } from "./clock_messages.js";
import { settings } from "./settings.js";
import { virtualTime } from "./sleep.js";

/**
 * @typedef {object} HoldOptions
 * @property {number} [maxSteps] steps of the clock after which the hold ends; for calls whose end cannot be seen
 * @property {string} [mark] text that is appended to the address of the request, to tell the clock why time is held
 * @property {boolean} [isBrief] true if the call is brief as a rule
 * @property {number} [minTasks] tasks that the frame runs at least before a brief call counts as long
 *
 * @typedef {{ call: string, stepsLeft: number, since: number }} PendingCall
 */

const { apply } = Reflect;
const { fetch, AbortController, MessageChannel } = globalThis;
const { abort } = AbortController.prototype;
const { postMessage } = MessagePort.prototype;
const { set: setOnMessage } = descriptorOf(MessagePort.prototype, "onmessage");
const { then } = Promise.prototype;
const isDocument = "document" in globalThis;

/** Tasks that a frame runs at one moment of virtual time for brief calls. Most brief calls end within 10 to 100 tasks. */
const BRIEF_TASKS = 500;
/** Checks in a row, at growing intervals, in which virtual time does not pass before a call counts as long: some 0.4 s. */
const BRIEF_CHECKS = 2;
/** Tasks that a frame runs while an endless request is pending before it stops waiting for the clock. */
const MAX_BUSY_TASKS = 300_000;

/** @type {Set<PendingCall>} */
const pendingCalls = new Set();
/** @type {PendingCall[]} */
let pendingAtLastCheck = [];
/** @type {AbortController|null} */
let holdRequest = null;

/** @type {number|null} */
let briefMoment = null;
let briefTasksLeft = BRIEF_TASKS;
/** @type {number|null} */
let checkedMoment = null;
/** @type {number|null} */
let checkedTasksLeft = null;
let checksAtMoment = 0;

let isBesideEndlessRequest = false;
let busyTasksLeft = 0;
let begunCalls = 0;
let acknowledgedCalls = 0;

/**
 * @param {object} object
 * @param {string} name
 */
function descriptorOf(object, name) {
  return /** @type {{ set: Function }} */ (Object.getOwnPropertyDescriptor(object, name));
}

/**
 * Returns a function that makes the frame run tasks for as long as `isNeeded` returns true; each task calls it once.
 *
 * @param {() => boolean} isNeeded
 */
function taskLoop(isNeeded) {
  let isRunning = false;
  /** @type {MessagePort|null} */
  let port = null;
  const queueTask = () => apply(postMessage, port, [null]);
  const task = () => {
    isRunning = isNeeded();
    if (isRunning) queueTask();
  };
  const openPort = () => {
    const { port1, port2 } = new MessageChannel();
    apply(setOnMessage, port2, [task]);
    return port1;
  };
  return () => {
    port ??= openPort();
    if (!isRunning) queueTask();
    isRunning = true;
  };
}

const runBusyTasks = taskLoop(() => busyTasksLeft > 0 && --busyTasksLeft > 0);

const runBriefTasks = taskLoop(() => {
  if (holdRequest || pendingCalls.size === 0) return false;
  countBriefTasksOfThisMoment();
  if (briefTasksLeft-- > 0) return true;
  keepBusyBesideEndlessRequest();
  makeHoldRequest();
  return false;
});

function countBriefTasksOfThisMoment() {
  if (briefMoment !== virtualTime()) [briefMoment, briefTasksLeft] = [virtualTime(), BRIEF_TASKS];
}

/** While an endless request is pending, keeps the frame busy until the clock has acknowledged the call that begins now. */
export function keepBusyBesideEndlessRequest() {
  if (!isBesideEndlessRequest) return;
  busyTasksLeft = MAX_BUSY_TASKS;
  begunCalls++;
  runBusyTasks();
}

function makeHoldRequest(mark = "") {
  holdRequest = new AbortController();
  const answer = fetch(settings.holdUrl + mark, { signal: holdRequest.signal, mode: "no-cors" });
  apply(then, answer, [null, () => {}]);
}

/**
 * Holds time for a call, and returns the function that ends the hold.
 *
 * @param {string} call the name of the call in the journal, if the call never ends
 * @param {HoldOptions} options
 */
export function holdTime(call, { maxSteps = Infinity, mark, isBrief = false, minTasks = 0 } = {}) {
  const pending = { call, stepsLeft: maxSteps, since: virtualTime() };
  pendingCalls.add(pending);
  // A request that is pending already holds time for this call, too.
  if (isDocument && !holdRequest) {
    keepBusyBesideEndlessRequest();
    if (isBrief && !isBesideEndlessRequest) {
      countBriefTasksOfThisMoment();
      briefTasksLeft = Math.max(briefTasksLeft, minTasks);
      runBriefTasks();
    } else makeHoldRequest(mark);
  }
  return () => endHold(pending);
}

/** @param {PendingCall} pending */
function endHold(pending) {
  if (!pendingCalls.delete(pending) || pendingCalls.size > 0 || !holdRequest) return;
  apply(abort, holdRequest, []);
  holdRequest = null;
}

/**
 * Holds time until a promise is settled, and until `onValue` has handled its value.
 *
 * Returns a promise with the same outcome, settled one microtask later. A rejection stays unhandled unless the page handles it.
 *
 * @param {string} call
 * @param {Promise<any>} promise
 * @param {(value: any) => void} onValue
 */
export function holdTimeUntilSettled(call, promise, onValue = () => {}) {
  const end = holdTime(call, { isBrief: true });
  /** @param {any} value */
  const fulfilled = (value) => {
    onValue(value);
    end();
    return value;
  };
  /** @param {any} error */
  const rejected = (error) => {
    end();
    throw error;
  };
  return apply(then, promise, [fulfilled, rejected]);
}

export const pendingCallCount = () => pendingCalls.size;

handleMessages({
  /** While an endless request is pending, before time advances: the clock knows all calls that have begun until now. */
  acknowledgeCalls: () => {
    acknowledgedCalls = begunCalls;
    isBesideEndlessRequest = true;
  },
  /** Time advances in steps that fit the acknowledged calls. A call that has begun since then keeps the frame busy. */
  resume: () => {
    if (acknowledgedCalls === begunCalls) busyTasksLeft = 0;
  },
  /** The last endless request has ended: virtual time waits for the other requests again. */
  stopKeepingBusy: () => {
    isBesideEndlessRequest = false;
    busyTasksLeft = 0;
  },
  /**
   * Holds time by a request where brief calls take longer than expected: because no task ran since the last check, so that time
   * is paused for another reason, or because virtual time has not passed for `BRIEF_CHECKS`.
   */
  checkBriefHolds: () => {
    checksAtMoment = briefMoment === checkedMoment ? checksAtMoment + 1 : 0;
    const isStuck = checksAtMoment > 0 && briefTasksLeft === checkedTasksLeft;
    if ((isStuck || checksAtMoment >= BRIEF_CHECKS) && pendingCalls.size > 0 && !holdRequest) makeHoldRequest();
    [checkedMoment, checkedTasksLeft] = [briefMoment, briefTasksLeft];
  },
  /** A step of the clock is over: ends the holds that have lasted as many steps as they may. */
  countStep: () => [...pendingCalls].forEach((pending) => --pending.stepsLeft > 0 || endHold(pending)),
  /** Ends the holds of calls that were pending at the last check, too, and returns these calls. */
  timeOutCalls: () => {
    const timedOut = pendingAtLastCheck.filter((pending) => pendingCalls.has(pending));
    timedOut.forEach(endHold);
    // The holds that last a number of steps end by themselves.
    pendingAtLastCheck = [...pendingCalls].filter(({ stepsLeft }) => stepsLeft === Infinity);
    return timedOut.map(({ call, since }) => ({ call, since, url: location.href }));
  },
});
