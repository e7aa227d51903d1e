// Reports to the clock what scripts write into cookies: only the script says how long its cookie lives. Time is held until the
// clock knows when the cookie ends. The browser would keep a cookie that has expired by the page's clock but not by the machine's,
// so such a cookie is removed.
import { handleMessages } from "./clock_messages.js";
import { settings } from "./settings.js";
import { wallTime } from "./sleep.js";
import { holdTime, holdTimeUntilSettled } from "./time_holds.js";
import { wrap, wrapSetter } from "./wrap.js";

const { apply } = Reflect;
const { parse } = Date;
const { stringify } = JSON;
const { CookieStore, Document } = globalThis; // A service worker has no Document.

const LIFETIME = /;\s*(max-age|expires)\s*=/i;
const EXPIRES_WITHOUT_MAX_AGE = /^(?!.*;\s*max-age\s*=).*;\s*expires\s*=([^;]*)/i;

/** Takes the function that reports to the clock, before a script of the page can, and wraps what writes cookies. */
export function reportCookies() {
  const global = /** @type {Record<string, any>} */ (globalThis);
  /** @type {(report: string) => void} */
  const reportToClock = global[settings.cookiesBinding];
  delete global[settings.cookiesBinding];
  if (!reportToClock) return;

  const { get: getCookie } = Object.getOwnPropertyDescriptor(Document?.prototype ?? {}, "cookie") ?? {};
  /** @type {Map<number, () => void>} */
  const unknownToClock = new Map();
  let reports = 0;

  /**
   * @param {string} call
   * @param {object} written the cookie that the script has written
   * @param {boolean} ends true if the cookie has a lifetime of its own
   */
  const report = (call, written, ends) => {
    const note = ++reports;
    if (ends) unknownToClock.set(note, holdTime(call));
    reportToClock(stringify({ ...written, at: wallTime(), note: ends ? note : null }));
  };
  handleMessages({
    /** @param {number} note */
    cookieIsKnown: (note) => {
      unknownToClock.get(note)?.();
      unknownToClock.delete(note);
    },
  });

  wrapSetter(Document?.prototype, "cookie", {
    apply(target, self, args) {
      let line = `${args[0]}`;
      const ends = LIFETIME.test(line);
      if (ends) {
        const [, date] = EXPIRES_WITHOUT_MAX_AGE.exec(line) ?? [];
        if (date !== undefined && parse(date) <= wallTime()) line += "; max-age=0";
      }
      const result = apply(target, self, [line]);
      if (ends && getCookie) apply(getCookie, self, []); // Only after a read is the cookie certain to be written.
      report("document.cookie", { line }, ends);
      return result;
    },
  });

  wrap(CookieStore?.prototype, "set", {
    apply(target, self, args) {
      const at = wallTime();
      const written = () => {
        const { name = args[0], expires = null, maxAge = null } = Object(args[0]);
        const until = maxAge === null ? expires : at + maxAge * 1000;
        report("CookieStore.set", { name: `${name}`, until: until && Number(until) }, until !== null);
      };
      return holdTimeUntilSettled("CookieStore.set", apply(target, self, args), written);
    },
  });
}
