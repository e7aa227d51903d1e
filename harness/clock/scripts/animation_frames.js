// A page that draws gets its frames by real time, 60 a second, which may be hours of virtual time apart. So a frame also comes
// when a 60th of a second of virtual time has passed, if the tab is in front.
((wrap) => {
  const { apply } = Reflect;
  const { cancelAnimationFrame, clearTimeout, document, performance, setTimeout, MessageChannel } = window;
  const { addEventListener } = EventTarget.prototype;
  const { postMessage } = MessagePort.prototype;
  const FRAME = 1000 / 60;
  const waiting = new Map();
  let timer = null;
  let channel = null;

  // The callbacks are called as listeners of one event: with all microtasks between them, and each with its own errors.
  const draw = () => {
    timer = null;
    if (document.hidden) return;
    const now = performance.now();
    if (!channel) (channel = new MessageChannel()).port2.start();
    for (const [id, callback] of waiting) {
      cancelAnimationFrame(id);
      apply(addEventListener, channel.port2, ["message", () => waiting.delete(id) && callback(now), { __proto__: null, once: true }]);
    }
    apply(postMessage, channel.port1, [null]);
  };
  const arm = () => {
    if (timer === null && !document.hidden) timer = setTimeout(draw, FRAME);
  };

  wrap(window, "requestAnimationFrame", {
    apply(target, self, args) {
      const [callback] = args;
      if (typeof callback !== "function") return apply(target, self, args);
      const id = apply(target, self, [(now) => waiting.delete(id) && callback(now)]);
      waiting.set(id, callback);
      arm();
      return id;
    },
  });
  wrap(window, "cancelAnimationFrame", {
    apply(target, self, args) {
      waiting.delete(args[0]);
      return apply(target, self, args);
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (waiting.size > 0) arm();
    else if (timer !== null) timer = clearTimeout(timer) ?? null;
  });
})
