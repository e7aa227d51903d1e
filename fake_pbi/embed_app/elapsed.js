/**
 * Starts a stopwatch.
 *
 * `performance.now` is not moved by a change of the wall clock but may stand still while the machine sleeps; the wall
 * clock does not stand still. The longer of the two is how long it really was, however wrong the wall clock is.
 *
 * @returns {() => number} milliseconds since
 */
export function stopwatch() {
  const steady = performance.now();
  const wall = Date.now();
  return () => Math.max(performance.now() - steady, Date.now() - wall);
}
