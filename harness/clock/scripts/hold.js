// Stops time at once, and lets it go on when nothing is held any more.
//
// `hold(call)` returns the function that ends it; `call` names it to whoever is told that time did not wait for its end.
// With `steps`, nothing tells that it has ended, and it ends after so many steps of the clock. `mark` tells the clock why time
// is held. A worker has no means to stop time: the clock looks there before it moves.
//
// What is `brief` as a rule, the frame waits for by keeping itself busy (for `turns` at least): time does not go on while there is
// something to do. For all else, and for what has not ended then, it makes a request that nobody answers, which the browser's own
// virtual time waits for. One for all that is held, or they would use up the connections to a host.
//
// Beside a request that never ends, that one is no use: time goes on by hand there, and does not wait for requests. So the frame
// keeps itself busy until the clock has seen what was begun.
((heard, { holdUrl }) => {
  const { apply } = Reflect;
  const { fetch, AbortController, MessageChannel } = globalThis;
  const isDocument = "document" in globalThis;
  const { abort } = AbortController.prototype;
  const { postMessage } = MessagePort.prototype;
  const { set: onmessage } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
  const { then } = Promise.prototype;
  const { now } = heard;
  const BRIEF = 500; // turns at one moment; most of such work has ended after 10 to 100
  const LONG = 2; // times that it was asked for, at ever longer intervals: some 0.4 s
  const TURNS = 300_000;
  const held = new Set();
  let isBesideEndless = false;
  let turns = 0;
  let begun = 0;
  let seen = 0;
  let request = null;
  let moment = null;
  let left = BRIEF;
  let lastMoment = null;
  let lastLeft = null;
  let lasted = 0;
  let suspects = [];

  /** Returns what makes the frame busy for as long as `goesOn()`, which is asked once a turn. */
  const busy = (goesOn) => {
    let isRunning = false;
    let port = null;
    const next = () => apply(postMessage, port, [null]);
    const turn = () => {
      isRunning = goesOn();
      if (isRunning) next();
    };
    const open = () => {
      const { port1, port2 } = new MessageChannel();
      apply(onmessage, port2, [turn]);
      return port1;
    };
    return () => {
      port ??= open();
      if (!isRunning) next();
      isRunning = true;
    };
  };
  const stayBusy = busy(() => turns > 0 && --turns > 0);
  const keepBusy = () => {
    if (!isBesideEndless) return;
    turns = TURNS;
    begun++;
    stayBusy();
  };

  const ask = (mark = "") => {
    request = new AbortController();
    apply(then, fetch(holdUrl + mark, { signal: request.signal, mode: "no-cors" }), [null, () => {}]);
  };
  const look = () => {
    if (moment !== now()) [moment, left] = [now(), BRIEF];
  };
  const waitBriefly = busy(() => {
    if (request || held.size === 0) return false;
    look();
    if (left-- > 0) return true;
    keepBusy();
    ask();
    return false;
  });
  const hold = (call, { steps = Infinity, mark, brief = false, turns = 0 } = {}) => {
    const work = { call, steps, since: now() };
    held.add(work);
    // Beside a request of ours time goes on by single milliseconds anyway.
    if (isDocument && !request) {
      keepBusy();
      if (brief && !isBesideEndless) {
        look();
        left = Math.max(left, turns);
        waitBriefly();
      } else ask(mark);
    }
    return () => end(work);
  };
  const end = (work) => {
    if (!held.delete(work) || held.size > 0 || !request) return;
    apply(abort, request, []);
    request = null;
  };
  /** What was promised, a tick later; time is held until then, and until `seen` has seen the value. What rejects stays unhandled
   * unless the page handles it. */
  const settled = (call, promise, seen = () => {}) => {
    const end = hold(call, { brief: true });
    const done = (value) => {
      seen(value);
      end();
      return value;
    };
    const failed = (error) => {
      end();
      throw error;
    };
    return apply(then, promise, [done, failed]);
  };
  Object.assign(heard, {
    held: () => held.size,
    /** Asked for now and then: where what was to be brief has not got on since, time stands still for something else. What goes
     * on for `LONG` at one moment is not brief, or the machine is busy. */
    getOn: () => {
      lasted = moment === lastMoment ? lasted + 1 : 0;
      const isStuck = lasted > 0 && left === lastLeft;
      if ((isStuck || lasted >= LONG) && held.size > 0 && !request) ask();
      [lastMoment, lastLeft] = [moment, left];
    },
    /** Before time goes on beside a request that never ends: all that has been begun is known. */
    known: () => {
      seen = begun;
      isBesideEndless = true;
    },
    /** Time goes on, in steps that fit what was known. What has been begun since then keeps it from doing so. */
    goOn: () => {
      if (seen === begun) turns = 0;
    },
    /** There is no such request any more: time waits for the others again. */
    rest: () => {
      isBesideEndless = false;
      turns = 0;
    },
    step: () => [...held].forEach((work) => --work.steps > 0 || end(work)),
    /** Asked for now and then: ends what was held the last time already, and returns what it ends. */
    giveUp: () => {
      const lost = suspects.filter((work) => held.has(work));
      lost.forEach(end);
      suspects = [...held].filter(({ steps }) => steps === Infinity); // the others end by themselves
      return lost.map(({ call, since }) => ({ call, since, url: location.href }));
    },
  });
  return { hold, keepBusy, settled };
})
