// A worker reads the virtual Date.now(), but its timers wait for a thread that virtual time never wakes. So its timers become
// a list that is fired when page time has come there: by a timer of the page (`beat`), which is told when that is to be, or by the
// clock (`fire`), which asks.
((wrap, heard, { key, ofWorker }) => {
  const { now } = heard;
  const { apply } = Reflect;
  const { Promise } = globalThis;
  const { postMessage } = MessagePort.prototype;
  const { port1: back, port2: forth } = new MessageChannel();
  const TURNS = 1000;
  const timers = new Map();
  const isHeardByPage = typeof DedicatedWorkerGlobalScope === "function" && !ofWorker;
  const { postMessage: tellPage } = self;
  let announced = Infinity;
  let last = 0;
  const announce = (due, more) => {
    announced = due ?? Infinity;
    if (isHeardByPage) apply(tellPage, self, [{ [key]: { due, ...more } }]);
  };
  const add = (callback, delay, args, period) => {
    const due = now() + delay;
    timers.set(++last, { callback, args, period, due });
    if (due < announced) announce(due);
    return last;
  };
  const wait = (delay) => Math.max(1, delay | 0);
  const clear = { apply: (target, self, [id]) => void timers.delete(id) };
  wrap(self, "setTimeout", { apply: (target, self, [callback, delay, ...args]) => add(callback, wait(delay), args, null) });
  wrap(self, "setInterval", {
    apply: (target, self, [callback, delay, ...args]) => add(callback, wait(delay), args, wait(delay)),
  });
  wrap(self, "clearTimeout", clear);
  wrap(self, "clearInterval", clear);

  // What else comes after a while.
  const FRAME = 1000 / 60;
  const { AbortController, DOMException, performance } = globalThis;
  const { abort } = AbortController.prototype;
  const { addEventListener } = EventTarget.prototype;
  const after = (delay, work) => add(work, Math.max(1, Math.ceil(delay)), [], null); // the clock tells whole milliseconds
  wrap(self, "requestAnimationFrame", {
    apply(target, self, args) {
      const [callback] = args;
      if (typeof callback !== "function") return apply(target, self, args);
      return after(FRAME, () => callback(performance.now()));
    },
  });
  wrap(self, "cancelAnimationFrame", clear);
  wrap(AbortSignal, "timeout", {
    apply(target, self, args) {
      apply(target, self, args); // throws where the delay is none
      const controller = new AbortController();
      after(Number(args[0]), () => apply(abort, controller, [new DOMException("signal timed out", "TimeoutError")]));
      return controller.signal;
    },
  });
  wrap(globalThis.Scheduler?.prototype, "postTask", {
    apply(target, self, args) {
      const [work, options] = args;
      const { delay, signal } = options ?? {};
      if (typeof work !== "function" || !(delay > 0) || signal?.aborted) return apply(target, self, args);
      const post = () => apply(target, self, [work, { ...options, delay: 0 }]);
      return new Promise((done) => {
        const timer = after(Number(delay), () => done(post()));
        const aborted = () => timers.delete(timer) && done(post());
        if (signal) apply(addEventListener, signal, ["abort", aborted, { __proto__: null, once: true }]);
      });
    },
  });

  const next = () => (timers.size ? Math.min(...[...timers.values()].map((timer) => timer.due)) : null);
  // Several may wait at once: the clock asks for the state while timers are fired.
  const waiting = [];
  back.onmessage = () => waiting.shift()();
  /** By then all promises that were kept have been heard of. */
  const nextTask = () =>
    new Promise((done) => {
      waiting.push(done);
      apply(postMessage, forth, [null]);
    });
  const fire = async () => {
    const time = now();
    const due = [...timers].filter(([, timer]) => timer.due <= time).sort(([, a], [, b]) => a.due - b.due);
    for (const [id, timer] of due) {
      if (!timers.has(id)) continue;
      if (timer.period) timer.due = time + timer.period;
      else timers.delete(id);
      try {
        typeof timer.callback === "function" ? timer.callback(...timer.args) : (0, eval)(timer.callback);
      } catch (error) {
        reportError(error);
      }
    }
    if (due.length > 0) await nextTask();
    return state();
  };
  let handled = 0;
  /** Let it handle what it has posted to itself, and what it posts meanwhile. */
  const handleOwn = async () => {
    for (let turn = 0; turn < TURNS && handled !== heard.posted(); turn++) {
      handled = heard.posted();
      await nextTask();
    }
  };
  /** When the next timer is due (never: null), how much work is waited for, and page time. */
  const state = async () => {
    await handleOwn();
    return { due: next(), held: heard.held(), now: now() };
  };
  /** Fire what is due because the page says that it is. */
  const beat = async () => {
    announced = -Infinity; // what is set meanwhile is told in the end
    await fire();
    announce(next(), { held: heard.held() });
  };
  Object.assign(heard, { fire, state, beat });
})
