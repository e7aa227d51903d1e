// The browser draws animation frames in real time, 60 a second; hours of virtual time may lie between two of them. So an animation
// frame also comes when a 60th of a second of virtual time has passed, while the tab is shown.
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { addEventListener } = EventTarget.prototype;
const { postMessage } = MessagePort.prototype;

const FRAME_MS = 1000 / 60;

export function drawFramesInVirtualTime() {
  const { cancelAnimationFrame, clearTimeout, document, performance, setTimeout, MessageChannel } = window;
  /** @type {Map<number, FrameRequestCallback>} */
  const callbacks = new Map();
  /** @type {ReturnType<typeof setTimeout>|null} */
  let timer = null;
  /** @type {MessageChannel|null} */
  let channel = null;

  // The callbacks are called as listeners of one event, so that microtasks run between them and each has its own errors.
  const draw = () => {
    timer = null;
    if (document.hidden) return;
    const now = performance.now();
    if (!channel) (channel = new MessageChannel()).port2.start();
    for (const [id, callback] of callbacks) {
      cancelAnimationFrame(id);
      const once = { __proto__: null, once: true };
      apply(addEventListener, channel.port2, ["message", () => callbacks.delete(id) && callback(now), once]);
    }
    apply(postMessage, channel.port1, [null]);
  };
  const startTimer = () => {
    if (timer === null && !document.hidden) timer = setTimeout(draw, FRAME_MS);
  };

  wrap(window, "requestAnimationFrame", {
    apply(target, self, args) {
      const [callback] = args;
      if (typeof callback !== "function") return apply(target, self, args);
      /** @type {FrameRequestCallback} */
      const calledByBrowser = (now) => callbacks.delete(id) && callback(now);
      const id = apply(target, self, [calledByBrowser]);
      callbacks.set(id, callback);
      startTimer();
      return id;
    },
  });
  wrap(window, "cancelAnimationFrame", {
    apply(target, self, args) {
      callbacks.delete(args[0]);
      return apply(target, self, args);
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (callbacks.size > 0) startTimer();
    else if (timer !== null) {
      clearTimeout(timer);
      timer = null;
    }
  });
}
