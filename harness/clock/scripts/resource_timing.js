// The requests that hold time do not appear among the resources that a page has loaded. Otherwise a page that makes a call for each
// resource, such as a page that stores resources in a database, would make calls without end.
import { settings } from "./settings.js";
import { wrap } from "./wrap.js";

const { apply, construct } = Reflect;
const { filter } = Array.prototype;
const { startsWith } = String.prototype;

/** @param {PerformanceEntryList} entries */
function withoutHoldRequests(entries) {
  return apply(filter, entries, [
    /** @param {PerformanceEntry} entry */
    ({ name }) => !apply(startsWith, name, [settings.holdUrl]),
  ]);
}

export function hideHoldRequests() {
  const { Performance, PerformanceObserver, PerformanceObserverEntryList } = window;
  const { getEntries } = PerformanceObserverEntryList.prototype;

  /** @type {ProxyHandler<any>} */
  const filtered = { apply: (target, self, args) => withoutHoldRequests(apply(target, self, args)) };
  for (const { prototype } of [Performance, PerformanceObserverEntryList]) {
    for (const name of ["getEntries", "getEntriesByName", "getEntriesByType"]) wrap(prototype, name, filtered);
  }
  wrap(PerformanceObserver.prototype, "takeRecords", filtered);
  wrap(window, "PerformanceObserver", {
    construct(target, args, newTarget) {
      const [callback, ...rest] = args;
      if (typeof callback !== "function") return construct(target, args, newTarget);
      /**
       * @this {PerformanceObserver}
       * @param {PerformanceObserverEntryList} entries
       * @param {any[]} more
       */
      const observed = function (entries, ...more) {
        if (withoutHoldRequests(apply(getEntries, entries, [])).length > 0) apply(callback, this, [entries, ...more]);
      };
      return construct(target, [observed, ...rest], newTarget);
    },
  });
}
