// Time waits from `new Worker` until its script has run, and from each message to it until that has been handled: only then
// does the clock know the worker's timers. A note sent behind each message says when time may go on.
((hold, heard, { key }) => {
  const { Worker } = window;
  const { postMessage, terminate } = Worker.prototype;
  const names = new WeakMap();
  const gone = new WeakSet();
  const waiting = new Map();
  const frame = Math.random().toString(36);
  let workers = 0;
  let notes = 0;

  const waitFor = (worker) => {
    if (gone.has(worker)) return;
    const note = `${names.get(worker)} ${++notes}`;
    waiting.set(note, { worker, end: hold() });
    postMessage.call(worker, { [key]: note });
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

  window.Worker = new Proxy(Worker, {
    construct(target, args, newTarget) {
      const worker = Reflect.construct(target, args, newTarget);
      names.set(worker, `${frame} ${++workers}`);
      // Not an Event of its own class: the script could not be loaded, so nothing will ever be handled.
      worker.addEventListener("error", (event) => event instanceof ErrorEvent || forget(worker));
      waitFor(worker);
      return worker;
    },
  });
  Worker.prototype.constructor = window.Worker;
  Worker.prototype.postMessage = new Proxy(postMessage, {
    apply(target, worker, args) {
      Reflect.apply(target, worker, args);
      waitFor(worker);
    },
  });
  Worker.prototype.terminate = new Proxy(terminate, {
    apply(target, worker, args) {
      Reflect.apply(target, worker, args);
      forget(worker);
    },
  });
  Object.assign(heard, { handled, ended });
})
