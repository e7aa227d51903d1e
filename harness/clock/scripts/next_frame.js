// The browser does some work only when it draws an animation frame: it calls observers, moves animations, begins view transitions.
// The browser draws in real time, 60 times a second. So time is held until the next frame where a page has asked for such work.
import { holdTime } from "./time_holds.js";

const { apply } = Reflect;
const { postMessage } = MessagePort.prototype;
const { addEventListener } = EventTarget.prototype;
const { document, requestAnimationFrame, MessageChannel } = globalThis;
const { get: getTimeline } = /** @type {{ get: () => DocumentTimeline }} */ (
  Object.getOwnPropertyDescriptor(Document.prototype, "timeline")
);

/** Steps that the first frame of a document may take. A document that is not on the screen has no frames at all. */
const FIRST_FRAME_STEPS = 100;
/** Steps that each further frame may take; on a busy machine a frame comes late. */
export const FRAME_STEPS = 400;

let isRequested = false;
let end = () => {};
/** @type {MessageChannel|null} */
let channel = null;
/** @type {(() => void)[]} */
const drawnListeners = [];
/** @type {(() => void)[]} */
const shownListeners = [];

/** @param {() => void} listener is called after each frame for which time was held, before the hold ends */
export function onDrawn(listener) {
  drawnListeners.push(listener);
}

/** @param {() => void} listener is called when the tab is shown again */
export function onShown(listener) {
  shownListeners.push(listener);
}

/** Calls the listeners of `onShown`, and ends the hold when the tab is hidden: a hidden tab has no frames. */
export function followVisibility() {
  const changed = () => (document.hidden ? end() : shownListeners.forEach((listener) => listener()));
  apply(addEventListener, document, ["visibilitychange", changed]);
}

/** Returns the timeline of the document's animations; it moves with the frames. */
export function timeline() {
  return apply(getTimeline, document, []);
}

/** Holds time until the browser has drawn a frame and done what comes with it. Without effect in a hidden tab. */
export function holdTimeUntilNextFrame() {
  if (isRequested || document.hidden) return;
  isRequested = true;
  end = holdTime("a frame", { maxSteps: channel ? FRAME_STEPS : FIRST_FRAME_STEPS });
  void timeline().currentTime; // Reading the timeline makes the browser move animations of style sheets.
  requestAnimationFrame(waitForNextTask);
}

function waitForNextTask() {
  if (!channel) {
    channel = new MessageChannel();
    apply(addEventListener, channel.port2, ["message", drawn]);
    channel.port2.start();
  }
  apply(postMessage, channel.port1, [null]);
}

function drawn() {
  isRequested = false;
  drawnListeners.forEach((listener) => listener());
  end();
}
