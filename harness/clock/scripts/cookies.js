// Tells the clock what scripts write into cookies, for only they say how long one lives. Time waits until the clock knows when a
// cookie ends. The browser would keep one that has ended by the page's clock, but not by its own: such a one is removed.
((hold, settled, wrap, heard, { cookies }) => {
  const tell = globalThis[cookies];
  delete globalThis[cookies];
  if (!tell) return;
  const { apply } = Reflect;
  const { now, parse } = Date;
  const { stringify } = JSON;
  const { Document } = globalThis; // a service worker has none
  const { get } = Object.getOwnPropertyDescriptor(Document?.prototype ?? {}, "cookie") ?? {};
  const unknown = new Map();
  let notes = 0;

  const written = (call, about, waits) => {
    const note = ++notes;
    if (waits) unknown.set(note, hold(call));
    tell(stringify({ ...about, at: now(), note: waits ? note : null }));
  };
  heard.cookieIsKnown = (note) => {
    unknown.get(note)?.();
    unknown.delete(note);
  };

  wrap.setter(Document?.prototype, "cookie", {
    apply(target, self, args) {
      let line = `${args[0]}`;
      const waits = /;\s*(max-age|expires)\s*=/i.test(line);
      if (waits) {
        const [, date] = /^(?!.*;\s*max-age\s*=).*;\s*expires\s*=([^;]*)/i.exec(line) ?? [];
        if (parse(date) <= now()) line += "; max-age=0";
      }
      const result = apply(target, self, [line]);
      if (waits) apply(get, self, []); // only then it is surely written
      written("document.cookie", { line }, waits);
      return result;
    },
  });

  wrap(globalThis.CookieStore?.prototype, "set", {
    apply(target, self, args) {
      const at = now();
      const done = () => {
        const { name = args[0], expires = null, maxAge = null } = Object(args[0]);
        const until = maxAge === null ? expires : at + maxAge * 1000;
        written("CookieStore.set", { name: `${name}`, until: until && Number(until) }, until !== null);
      };
      return settled("CookieStore.set", apply(target, self, args), done);
    },
  });
})
