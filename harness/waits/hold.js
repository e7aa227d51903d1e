// Stops time at once, and lets it go on when nothing is held any more: a request that nobody answers, which the browser's own
// virtual time waits for. One for all that is held, or they would use up the connections to a host.
//
// `hold(call)` returns the function that ends it; `call` names it to whoever is told that time did not wait for its end.
// With `steps`, nothing tells that it has ended, and it ends after so many steps of the clock. `mark` tells the clock why the
// request is made. A worker makes no such request: the clock looks there before it moves.
//
// Beside a request that never ends, that one is no use: time goes on by hand there, and does not wait for requests. But it does
// not go on either while there is something to do; so the frame keeps itself busy until the clock has seen what was begun.
((heard, { holdUrl }) => {
  const { apply } = Reflect;
  const { fetch, AbortController, MessageChannel } = globalThis;
  const isDocument = "document" in globalThis;
  const { abort } = AbortController.prototype;
  const { then } = Promise.prototype;
  const TURNS = 300_000;
  const held = new Set();
  let ports = null;
  let turns = 0;
  let begun = 0;
  let seen = 0;
  let request = null;
  let suspects = [];

  const end = (work) => {
    if (held.delete(work) && held.size === 0 && request) apply(abort, request, []);
  };
  const keepBusy = () => {
    if (ports === null) return;
    if (turns === 0) ports.port2.postMessage(null);
    turns = TURNS;
    begun++;
  };
  const turn = () => {
    if (turns > 0 && --turns > 0) ports.port2.postMessage(null);
  };
  const hold = (call, { steps = Infinity, mark = "" } = {}) => {
    const work = { call, steps };
    held.add(work);
    keepBusy();
    if (held.size === 1 && isDocument) {
      request = new AbortController();
      apply(then, fetch(holdUrl + mark, { signal: request.signal, mode: "no-cors" }), [null, () => {}]);
    }
    return () => end(work);
  };
  /** What was promised, a tick later; time is held until then, and until `seen` has seen the value. What rejects stays unhandled
   * unless the page handles it. */
  const settled = (call, promise, seen = () => {}) => {
    const end = hold(call);
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
    /** Before time goes on beside a request that never ends: all that has been begun is known. */
    known: () => {
      seen = begun;
      if (ports !== null) return;
      ports = new MessageChannel();
      ports.port1.onmessage = turn;
    },
    /** Time goes on, in steps that fit what was known. What has been begun since then keeps it from doing so. */
    goOn: () => {
      if (seen === begun) turns = 0;
    },
    step: () => [...held].forEach((work) => --work.steps > 0 || end(work)),
    /** Asked for now and then: ends what was held the last time already, and returns the calls that it ends. */
    giveUp: () => {
      const lost = suspects.filter((work) => held.has(work));
      lost.forEach(end);
      suspects = [...held].filter(({ steps }) => steps === Infinity); // the others end by themselves
      return lost.map(({ call }) => call);
    },
  });
  return { hold, keepBusy, settled };
})
