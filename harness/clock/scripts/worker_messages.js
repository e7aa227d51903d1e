// Time waits from `new Worker` until its script has run, and from each message to a worker until that has been handled: only
// then does the clock know the worker's timers. A note sent behind each message says when time may go on.
((hold, wrap, heard, take, { key, noted, ofWorker }) => {
  const { apply, construct } = Reflect;
  const { Worker, SharedWorker, ServiceWorker, MessagePort, ErrorEvent } = globalThis;
  const { setTimeout, clearTimeout } = globalThis;
  const { now } = heard;
  const { addEventListener } = EventTarget.prototype;
  const { get: portOf } = Object.getOwnPropertyDescriptor(SharedWorker?.prototype ?? {}, "port") ?? {};
  const { postMessage: tellPort } = MessagePort.prototype;
  const sender = Math.random().toString(36);
  const waiting = new Set();
  const names = new WeakMap();
  const gone = new WeakSet();
  let workers = 0;
  let notes = 0;
  let posted = 0;

  const wait = (note, worker, call, bounds) => {
    const awaited = { note, worker, end: hold(call, bounds) };
    waiting.add(awaited);
    return awaited;
  };
  const waitFor = (worker, post, call, bounds) => {
    if (gone.has(worker)) return;
    const note = `${names.get(worker) ?? ""} ${sender}${++notes}`;
    wait(note, worker, call, bounds);
    apply(post, worker, [{ [key]: note }]);
  };
  const end = (awaited) => {
    awaited.end();
    waiting.delete(awaited);
  };
  const handled = (note) => {
    for (const awaited of waiting) if (awaited.note === note) return end(awaited);
  };
  const forget = (worker) => {
    gone.add(worker);
    for (const awaited of waiting) if (awaited.worker === worker) end(awaited);
  };
  const ended = (name) => {
    for (const { worker } of waiting) if (names.get(worker) === name) forget(worker);
  };

  // Whoever gets a port may be in a worker; it hears of a message once it has started the port, which can be never.
  const OPEN = { steps: 64 };
  const others = new WeakMap();
  const abroad = new WeakSet();
  const send = (transferred) => {
    const list = Array.isArray(transferred) ? transferred : transferred?.transfer;
    if (Array.isArray(list)) for (const port of list) if (others.has(port)) abroad.add(others.get(port));
  };
  /** What a worker passes on: who hears what is sent through it may be a worker, too. */
  const welcome = ({ ports }) => {
    for (const port of ports ?? []) {
      abroad.add(port);
      listen(port);
      apply(addEventListener, port, ["close", () => forget(port)]);
    }
  };
  const hear = (event) => {
    const note = take(event);
    if (note !== undefined) handled(note);
    else if (abroad.has(event.currentTarget)) welcome(event);
  };
  // Before anybody else does: a port may come back to whom it came from, and our notes are for nobody but us.
  const listen = (port) => apply(addEventListener, port, ["message", noted ?? hear]);
  wrap(globalThis, "MessageChannel", {
    construct(target, args, newTarget) {
      const channel = construct(target, args, newTarget);
      const { port1, port2 } = channel;
      others.set(port1, port2).set(port2, port1);
      listen(port1);
      listen(port2);
      return channel;
    },
  });
  wrap(MessagePort.prototype, "postMessage", {
    apply(target, port, args) {
      apply(target, port, args);
      posted++;
      if (!abroad.has(port)) return;
      send(args[1]);
      waitFor(port, tellPort, "MessagePort.postMessage", OPEN);
    },
  });

  // Frames of one page hear each other at once.
  if (!noted) apply(addEventListener, globalThis, ["message", ({ ports }) => ports?.forEach(listen)]);

  // A timer of the page fires those of its workers: the clock would have to stop for each. It does so while the page is hidden and
  // its timers throttled, and has to know of it at once.
  if (globalThis.document) {
    const { get: visibility } = Object.getOwnPropertyDescriptor(Document.prototype, "visibilityState");
    const { document } = globalThis;
    const shown = () => apply(visibility, document, []) === "visible";
    const stop = () => void (workers > 0 && !shown() && hold("a hidden page", { steps: 1 }));
    apply(addEventListener, document, ["visibilitychange", stop]);
    heard.shown = shown;
  }
  const BEAT = { brief: true, turns: 100_000 }; // up to a second: after a request time goes on 10 ms later
  const beat = (worker, post) => {
    let timer = null;
    let beating = null;
    const tick = () => {
      if (beating || gone.has(worker)) return;
      beating = wait(null, worker, "a worker's timer", BEAT);
      apply(post, worker, [{ [key]: null }]);
    };
    return (event) => {
      const told = take(event);
      if (!told) return welcome(event);
      const { due, held } = told;
      if (held !== undefined && beating) {
        if (held > 0) hold("a worker's timer", { steps: 2 });
        end(beating);
        beating = null;
      }
      clearTimeout(timer);
      timer = due === null ? null : setTimeout(tick, due - now());
    };
  };

  if (Worker) {
    const { postMessage } = Worker.prototype;
    wrap(globalThis, "Worker", {
      construct(target, args, newTarget) {
        const worker = construct(target, args, newTarget);
        names.set(worker, `${sender}${++workers}`);
        // Not an Event of its own class: the script could not be loaded, so nothing will ever be handled.
        apply(addEventListener, worker, ["error", (event) => event instanceof ErrorEvent || forget(worker)]);
        apply(addEventListener, worker, ["message", noted ?? beat(worker, postMessage)]);
        waitFor(worker, postMessage, "Worker");
        return worker;
      },
    });
    wrap(Worker.prototype, "postMessage", {
      apply(target, worker, args) {
        apply(target, worker, args);
        send(args[1]);
        waitFor(worker, postMessage, "Worker.postMessage");
      },
    });
    wrap(Worker.prototype, "terminate", {
      apply(target, worker, args) {
        apply(target, worker, args);
        forget(worker);
      },
    });
  }

  // A shared worker says which script it runs when a page has connected to it. (It does not, where that was redirected.)
  const CONNECT = { steps: 512 };
  wrap(globalThis, "SharedWorker", {
    construct(target, args, newTarget) {
      const worker = construct(target, args, newTarget);
      const port = apply(portOf, worker, []);
      abroad.add(port);
      apply(addEventListener, worker, ["error", () => forget(port)]);
      listen(port);
      wait(` ${new URL(args[0], document.baseURI)}`, port, "SharedWorker", CONNECT);
      return worker;
    },
  });

  // The page hears its workers at once, a worker does not.
  if (ofWorker) {
    const { postMessage } = self;
    wrap(self, "postMessage", {
      apply(target, scope, args) {
        apply(target, scope, args);
        waitFor(self, postMessage, "postMessage", OPEN);
      },
    });
  }

  if (ServiceWorker) {
    const { postMessage } = ServiceWorker.prototype;
    wrap(ServiceWorker.prototype, "postMessage", {
      apply(target, worker, args) {
        apply(target, worker, args);
        send(args[1]);
        waitFor(worker, postMessage, "ServiceWorker.postMessage");
      },
    });
  }
  /** How many messages it has posted to ports. */
  heard.posted = () => posted;
  Object.assign(heard, { handled, ended });
})
