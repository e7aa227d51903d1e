// Time waits from `new Worker` until its script has run, and from each message to it until that has been handled: only then
// does the clock know the worker's timers. Telling the clock would be too slow by thousands of virtual seconds, so the page
// itself stops time at once, by a request that nobody answers, and the clock ends it.
(({ key, hold, release }) => {
  const { fetch, Worker, AbortController } = window;
  const post = Worker.prototype.postMessage;
  const waiting = new Map();
  const frame = Math.random().toString(36);
  let last = 0;
  let holding;

  const waitFor = (worker) => {
    if (waiting.size === 0) {
      holding = new AbortController();
      fetch(hold, { signal: holding.signal, mode: "no-cors" }).catch(() => {});
    }
    const note = `${frame} ${++last}`;
    waiting.set(note, worker);
    post.call(worker, { [key]: note });
  };
  const handled = (note) => {
    if (waiting.delete(note) && waiting.size === 0) holding.abort();
  };

  window.Worker = new Proxy(Worker, {
    construct(target, args, newTarget) {
      const worker = Reflect.construct(target, args, newTarget);
      worker.addEventListener("error", () => forget(worker));
      waitFor(worker);
      return worker;
    },
  });
  const forget = (worker) => {
    for (const [note, awaited] of waiting) if (awaited === worker) handled(note);
  };
  Worker.prototype.constructor = window.Worker;
  Worker.prototype.postMessage = new Proxy(post, {
    apply(target, worker, args) {
      Reflect.apply(target, worker, args);
      waitFor(worker);
    },
  });
  Worker.prototype.terminate = new Proxy(Worker.prototype.terminate, {
    apply(target, worker, args) {
      Reflect.apply(target, worker, args);
      forget(worker);
    },
  });
  Object.defineProperty(window, release, { value: handled });
})
