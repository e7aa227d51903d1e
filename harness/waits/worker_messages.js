// Time waits from `new Worker` until its script has run, and from each message to it until that has been handled: only then
// does the clock know the worker's timers. A note sent behind each message says when time may go on.
((hold, wrap, heard, { key }) => {
  const { apply, construct } = Reflect;
  const { postMessage } = Worker.prototype;
  const names = new WeakMap();
  const gone = new WeakSet();
  const waiting = new Map();
  const frame = Math.random().toString(36);
  let workers = 0;
  let notes = 0;

  const waitFor = (worker) => {
    if (gone.has(worker)) return;
    const note = `${names.get(worker)} ${++notes}`;
    waiting.set(note, { worker, end: hold("Worker.postMessage") });
    apply(postMessage, worker, [{ [key]: note }]);
  };
  const handled = (note) => {
    waiting.get(note)?.end();
    waiting.delete(note);
  };
  const forget = (worker) => {
    gone.add(worker);
    for (const [note, awaited] of waiting) if (awaited.worker === worker) handled(note);
  };
  const ended = (name) => {
    for (const { worker } of waiting.values()) if (names.get(worker) === name) forget(worker);
  };

  wrap(window, "Worker", {
    construct(target, args, newTarget) {
      const worker = construct(target, args, newTarget);
      names.set(worker, `${frame} ${++workers}`);
      // Not an Event of its own class: the script could not be loaded, so nothing will ever be handled.
      worker.addEventListener("error", (event) => event instanceof ErrorEvent || forget(worker));
      waitFor(worker);
      return worker;
    },
  });
  wrap(Worker.prototype, "postMessage", {
    apply(target, worker, args) {
      apply(target, worker, args);
      waitFor(worker);
    },
  });
  wrap(Worker.prototype, "terminate", {
    apply(target, worker, args) {
      apply(target, worker, args);
      forget(worker);
    },
  });
  Object.assign(heard, { handled, ended });
})
