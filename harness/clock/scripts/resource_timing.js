// The requests that hold time are none of the page's: it does not find them among the resources that it has loaded. (One that
// does something with each, such as keeping it in a database, would never come to an end.)
((wrap, { holdUrl }) => {
  const { Performance, PerformanceObserver, PerformanceObserverEntryList } = window;
  const { apply, construct } = Reflect;
  const { filter } = Array.prototype;
  const { startsWith } = String.prototype;
  const { getEntries } = PerformanceObserverEntryList.prototype;

  const own = (entries) => apply(filter, entries, [({ name }) => !apply(startsWith, name, [holdUrl])]);
  const withoutHolds = { apply: (target, self, args) => own(apply(target, self, args)) };
  for (const { prototype } of [Performance, PerformanceObserverEntryList]) {
    for (const name of ["getEntries", "getEntriesByName", "getEntriesByType"]) wrap(prototype, name, withoutHolds);
  }
  wrap(PerformanceObserver.prototype, "takeRecords", withoutHolds);
  wrap(window, "PerformanceObserver", {
    construct(target, args, newTarget) {
      const [callback, ...rest] = args;
      if (typeof callback !== "function") return construct(target, args, newTarget);
      const told = function (entries, ...more) {
        if (own(apply(getEntries, entries, [])).length > 0) apply(callback, this, [entries, ...more]);
      };
      return construct(target, [told, ...rest], newTarget);
    },
  });
})
