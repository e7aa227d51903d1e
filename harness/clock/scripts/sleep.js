// While a machine sleeps, the wall clock goes on and timers stand still. The browser's virtual time is one for both, so what was
// slept is added wherever a page reads the wall clock. `settings.slept` and `heard.slept()` give it in milliseconds.
((wrap, heard, settings) => {
  const { apply, construct } = Reflect;
  const { Date, Temporal } = globalThis;
  const { toString } = Date.prototype;
  const { now } = heard;
  let { slept } = settings;
  heard.slept = (milliseconds) => void (slept = milliseconds);
  const wall = () => now() + slept;

  wrap(Date, "now", { apply: wall });
  wrap(globalThis, "Date", {
    apply: () => apply(toString, construct(Date, [wall()]), []),
    construct: (target, args, newTarget) => construct(target, args.length > 0 ? args : [wall()], newTarget),
  });

  const orNow = { apply: (target, self, [date]) => apply(target, self, [date === undefined ? wall() : date]) };
  const formats = new WeakMap();
  wrap(Intl.DateTimeFormat.prototype, "formatToParts", orNow);
  wrap.getter(Intl.DateTimeFormat.prototype, "format", {
    apply(target, self, args) {
      const format = apply(target, self, args);
      if (!formats.has(format)) formats.set(format, wrap.proxy(format, orNow));
      return formats.get(format);
    },
  });

  if (!Temporal) return;
  const { Now, Instant, ZonedDateTime } = Temporal;
  const { zonedDateTimeISO } = Now;
  const { add: later } = Instant.prototype;
  const { add: zonedLater, toPlainDateTime, toPlainDate, toPlainTime } = ZonedDateTime.prototype;
  const zoned = (args) => apply(zonedLater, apply(zonedDateTimeISO, Now, args), [{ milliseconds: slept }]);
  wrap(Now, "instant", { apply: (target, self, args) => apply(later, apply(target, self, args), [{ milliseconds: slept }]) });
  wrap(Now, "zonedDateTimeISO", { apply: (target, self, args) => zoned(args) });
  wrap(Now, "plainDateTimeISO", { apply: (target, self, args) => apply(toPlainDateTime, zoned(args), []) });
  wrap(Now, "plainDateISO", { apply: (target, self, args) => apply(toPlainDate, zoned(args), []) });
  wrap(Now, "plainTimeISO", { apply: (target, self, args) => apply(toPlainTime, zoned(args), []) });
})
