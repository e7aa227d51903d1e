// An animation follows the timeline of its document, and the timeline moves with the frames: it may be at zero, follow real time, or be
// hours late. So an animation of `Element.animate()` begins at the moment of the call, and a timer finishes it when its time is over.
import { holdTimeUntilNextFrame, onShown, timeline } from "./next_frame.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { clearTimeout, document, performance, setTimeout } = globalThis;
const { finish } = Animation.prototype;

const FRAME_MS = 1000 / 60;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** @type {Set<Animation>} */
const running = new Set();
/** @type {ReturnType<typeof setTimeout>|undefined} */
let timer;

export function moveAnimationsInVirtualTime() {
  onShown(finishAnimations);
  wrap(Element.prototype, "animate", {
    apply(target, self, args) {
      const animation = apply(target, self, args);
      begin(animation);
      return animation;
    },
  });
  wrap(Animation.prototype, "play", {
    apply(target, self, args) {
      apply(target, self, args);
      begin(self);
    },
  });
  wrap(Animation.prototype, "pause", {
    apply(target, self, args) {
      const wasRunning = running.delete(self) && self.playState === "running";
      const reached = wasRunning ? (performance.now() - self.startTime) * self.playbackRate : null;
      apply(target, self, args);
      if (wasRunning) self.currentTime = reached;
    },
  });
}

/** @param {any} animation */
function begin(animation) {
  if (animation.timeline !== timeline() || !animation.pending || animation.playbackRate <= 0) return;
  animation.startTime = performance.now() - animation.currentTime / animation.playbackRate;
  running.add(animation);
  finishAnimations();
}

/** Finishes the animations whose time is over, and starts a timer for the next one. Nothing ends in a hidden tab before it is shown. */
function finishAnimations() {
  if (document.hidden) return;
  clearTimeout(timer);
  let next = Infinity;
  for (const animation of running) {
    const left = millisecondsLeft(animation);
    if (left > 0 && left < Infinity) {
      next = Math.min(next, left);
      continue;
    }
    running.delete(animation);
    if (left <= 0) {
      apply(finish, animation, []);
      holdTimeUntilNextFrame(); // The browser reports the end with the frame.
    }
  }
  if (next < Infinity) timer = setTimeout(finishAnimations, Math.min(Math.ceil(next), LONGEST_TIMER_MS));
}

/** @param {any} animation */
function millisecondsLeft({ effect, startTime, playbackRate, playState }) {
  if (playState === "finished") return 0; // The browser may not have reported the end.
  if (playState !== "running" || playbackRate <= 0) return Infinity;
  return startTime + Math.max(FRAME_MS, effect.getComputedTiming().endTime / playbackRate) - performance.now();
}
