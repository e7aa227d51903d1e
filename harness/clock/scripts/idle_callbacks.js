// A page becomes idle only after the browser has drawn what has changed. So time is held until the next frame, and then for some steps
// until the page's idle callbacks have run.
import { FRAME_STEPS, holdTimeUntilNextFrame, onDrawn } from "./next_frame.js";
import { rateLimit } from "./rate_limit.js";
import { holdTime } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { document } = globalThis;

const millisecondsUntilAllowed = rateLimit();
/** @type {Set<number>} */
const requested = new Set();
let isCallingBack = false;
let end = () => {};

export function holdTimeForIdleCallbacks() {
  onDrawn(holdTimeUntilIdle);
  wrap(window, "requestIdleCallback", {
    apply(target, self, args) {
      const [callback, ...options] = args;
      const isWaitedFor =
        typeof callback === "function" && !document.hidden && !isCallingBack && millisecondsUntilAllowed() === 0;
      if (!isWaitedFor) return apply(target, self, args);
      /** @param {IdleDeadline} deadline */
      const calledByBrowser = (deadline) => {
        requested.delete(id);
        if (requested.size === 0) end();
        isCallingBack = true;
        try {
          callback(deadline);
        } finally {
          isCallingBack = false;
        }
      };
      const id = apply(target, self, [calledByBrowser, ...options]);
      requested.add(id);
      holdTimeUntilNextFrame();
      return id;
    },
  });
  wrap(window, "cancelIdleCallback", {
    apply(target, self, args) {
      requested.delete(args[0]);
      return apply(target, self, args);
    },
  });
}

function holdTimeUntilIdle() {
  end();
  if (requested.size > 0) end = holdTime("requestIdleCallback", { maxSteps: FRAME_STEPS });
}
