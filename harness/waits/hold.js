// Stops time at once, and lets it go on when nothing is held any more: a request that nobody answers, which the browser's own
// virtual time waits for. One for all that is held, or they would use up the connections to a host. Returns `hold`, and each
// `hold()` returns the function that ends it. `mark` tells the clock why the request is made.
(({ holdUrl }) => {
  const { fetch, AbortController } = window;
  let held = 0;
  let request;

  return (mark = "") => {
    if (held++ === 0) {
      request = new AbortController();
      fetch(holdUrl + mark, { signal: request.signal, mode: "no-cors" }).catch(() => {});
    }
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      if (--held === 0) request.abort();
    };
  };
})
