// Tells the clock what scripts write into cookies, for only they say how long one lives. Time waits until the clock knows when a
// cookie ends. The browser would keep one that has ended by the page's clock, but not by its own: such a one is removed.
((hold, wrap, heard, { cookies }) => {
  const tell = globalThis[cookies];
  delete globalThis[cookies];
  if (!tell) return;
  const { apply } = Reflect;
  const { now, parse } = Date;
  const { then } = Promise.prototype;
  const { stringify } = JSON;
  const { Document } = globalThis; // a service worker has none
  const { get } = Object.getOwnPropertyDescriptor(Document?.prototype ?? {}, "cookie") ?? {};
  let unknown = [];

  const written = (call, about, waits) => {
    if (waits) unknown.push(hold(call));
    tell(stringify({ ...about, at: now(), waits }));
  };
  heard.cookiesAreKnown = () => {
    unknown.forEach((end) => end());
    unknown = [];
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
      const end = hold("CookieStore.set");
      const at = now();
      const promise = apply(target, self, args);
      const done = (value) => {
        const { name = args[0], expires = null, maxAge = null } = Object(args[0]);
        const until = maxAge === null ? expires : at + maxAge * 1000;
        written("CookieStore.set", { name: `${name}`, until: until && Number(until) }, until !== null);
        end();
        return value;
      };
      const failed = (error) => {
        end();
        throw error;
      };
      return apply(then, promise, [done, failed]);
    },
  });
})
