// While a machine sleeps, its wall clock advances and its timers do not. The browser has one virtual time for both, so the
// milliseconds that the machine has slept are added wherever a page reads the wall clock.
import { handleMessages } from "./clock_messages.js";
import { settings } from "./settings.js";
import { disguised, wrap, wrapGetter } from "./wrap.js";

const { apply, construct } = Reflect;
const { Date, Temporal } = globalThis;
const { toString } = Date.prototype;

/** Returns virtual time, without the time asleep, in milliseconds since 1970. */
export const virtualTime = Date.now;

/** Returns what the page's wall clock shows, in milliseconds since 1970. */
export const wallTime = () => virtualTime() + settings.sleptMs;

/** Adds the time asleep to all functions of the browser that read the wall clock. */
export function addSleepToWallClock() {
  handleMessages({
    now: virtualTime,
    /** @param {number} sleptMs */
    setSlept: (sleptMs) => void (settings.sleptMs = sleptMs),
  });
  wrapDate();
  wrapDateTimeFormat();
  if (Temporal) wrapTemporal();
}

function wrapDate() {
  wrap(Date, "now", { apply: wallTime });
  wrap(globalThis, "Date", {
    apply: () => apply(toString, construct(Date, [wallTime()]), []),
    construct: (target, args, newTarget) => construct(target, args.length > 0 ? args : [wallTime()], newTarget),
  });
}

function wrapDateTimeFormat() {
  /** @type {ProxyHandler<any>} */
  const nowByDefault = {
    apply: (target, self, [date]) => apply(target, self, [date === undefined ? wallTime() : date]),
  };
  const wrappedFormats = new WeakMap();
  wrap(Intl.DateTimeFormat.prototype, "formatToParts", nowByDefault);
  wrapGetter(Intl.DateTimeFormat.prototype, "format", {
    apply(target, self, args) {
      const format = apply(target, self, args);
      if (!wrappedFormats.has(format)) wrappedFormats.set(format, disguised(format, nowByDefault));
      return wrappedFormats.get(format);
    },
  });
}

function wrapTemporal() {
  const { Now, Instant, ZonedDateTime } = Temporal;
  const { zonedDateTimeISO } = Now;
  const { add: addToInstant } = Instant.prototype;
  const { add: addToZoned, toPlainDateTime, toPlainDate, toPlainTime } = ZonedDateTime.prototype;
  const slept = () => ({ milliseconds: settings.sleptMs });
  /** @param {any[]} args */
  const zoned = (args) => apply(addToZoned, apply(zonedDateTimeISO, Now, args), [slept()]);
  wrap(Now, "instant", { apply: (target, self, args) => apply(addToInstant, apply(target, self, args), [slept()]) });
  wrap(Now, "zonedDateTimeISO", { apply: (target, self, args) => zoned(args) });
  wrap(Now, "plainDateTimeISO", { apply: (target, self, args) => apply(toPlainDateTime, zoned(args), []) });
  wrap(Now, "plainDateISO", { apply: (target, self, args) => apply(toPlainDate, zoned(args), []) });
  wrap(Now, "plainTimeISO", { apply: (target, self, args) => apply(toPlainTime, zoned(args), []) });
}
