// Stops time at once, and lets it go on when nothing is held any more: a request that nobody answers, which the browser's own
// virtual time waits for. One for all that is held, or they would use up the connections to a host.
//
// `hold(call)` returns the function that ends it; `call` names it to whoever is told that time did not wait for its end.
// With `steps`, nothing tells that it has ended, and it ends after so many steps of the clock. `mark` tells the clock why the
// request is made. A worker has no such request (`holdUrl` null): the clock looks there before it moves.
((heard, { holdUrl }) => {
  const { fetch, AbortController } = globalThis;
  const held = new Set();
  let request = null;

  const end = (work) => {
    if (held.delete(work) && held.size === 0) request?.abort();
  };
  const hold = (call, { steps = Infinity, mark = "" } = {}) => {
    const work = { call, steps };
    held.add(work);
    if (held.size === 1 && holdUrl) {
      request = new AbortController();
      fetch(holdUrl + mark, { signal: request.signal, mode: "no-cors" }).catch(() => {});
    }
    return () => end(work);
  };
  let suspects = [];

  Object.assign(heard, {
    held: () => held.size,
    step: () => [...held].forEach((work) => --work.steps > 0 || end(work)),
    /** Asked for every second: ends what was held the last time already, and returns the calls that it ends. */
    giveUp: () => {
      const lost = suspects.filter((work) => held.has(work));
      lost.forEach(end);
      suspects = [...held];
      return lost.map(({ call }) => call);
    },
  });
  return hold;
})
