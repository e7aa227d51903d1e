// A page that asks for frames or idle moments all the time would make virtual time as slow as real time. So time is held for
// the first `AT_ONCE` requests of a page, and more and more rarely for the later ones.
const { performance } = globalThis;

const AT_ONCE = 20;
const SHORTEST_INTERVAL_MS = 15_000;
const LONGEST_INTERVAL_MS = 120_000;

/**
 * Returns a function that asks for one more use. The function returns 0 and counts the use if the use is allowed now, otherwise the
 * milliseconds after which a use will be allowed. `AT_ONCE` uses are allowed at once, then one after each interval. The interval
 * doubles up to the longest, and is the shortest again after a pause.
 */
export function rateLimit() {
  let allowed = AT_ONCE;
  let interval = SHORTEST_INTERVAL_MS;
  let counted = 0;
  return () => {
    const now = performance.now();
    allowed = Math.min(AT_ONCE, allowed + (now - counted) / interval);
    counted = now;
    if (allowed === AT_ONCE) interval = SHORTEST_INTERVAL_MS;
    if (allowed < 1) return Math.ceil((1 - allowed) * interval);
    if (--allowed < 1) interval = Math.min(2 * interval, LONGEST_INTERVAL_MS);
    return 0;
  };
}
