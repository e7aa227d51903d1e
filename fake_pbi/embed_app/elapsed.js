/**
 * Starts a stopwatch, and returns a function that gives the milliseconds since the start.
 *
 * The result is the larger of two measurements. `performance.now` can stop while the machine sleeps. `Date` then
 * advances, but somebody can set the clock back.
 *
 * @returns {() => number}
 */
export function stopwatch() {
  const steady = performance.now();
  const wall = Date.now();
  return () => Math.max(performance.now() - steady, Date.now() - wall);
}
