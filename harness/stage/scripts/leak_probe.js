// Reports what a page writes to places for which DevTools has no events: cookies, IndexedDB and Cache Storage.
((text, { binding }) => {
  const tell = self[binding];
  delete self[binding];
  if (!tell) return;
  const say = (where, detail, value) => {
    try {
      tell(JSON.stringify({ where, detail: String(detail), text: text(value) ?? "" }));
    } catch {
      // A failing report must not break the page.
    }
  };
  const before = (prototype, name, look) => {
    const method = prototype?.[name];
    if (!method) return;
    prototype[name] = new Proxy(method, {
      apply(target, self, args) {
        look(self, args);
        return Reflect.apply(target, self, args);
      },
    });
  };
  const stored = (store, value) => {
    say("IndexedDB", store, value);
    for (const part of [value, ...Object.values(Object(value))]) {
      if (part instanceof Blob) part.text().then((body) => say("IndexedDB", store, body), () => {});
    }
  };
  for (const name of ["put", "add"]) {
    before(self.IDBObjectStore?.prototype, name, (store, [value]) => stored(store.name, value));
  }
  before(self.IDBCursor?.prototype, "update", ({ source }, [value]) => stored(source.name, value));
  before(self.Cache?.prototype, "put", (_, [request, response]) => {
    say("Cache Storage", "the address of an entry", request?.url ?? String(request));
    response?.clone?.().text().then((body) => say("Cache Storage", request?.url ?? request, body), () => {});
  });
  before(self.CookieStore?.prototype, "set", (_, [name, value]) => {
    say("cookie", name?.name ?? name, value ?? name?.value);
  });
  const cookie = self.Document && Object.getOwnPropertyDescriptor(Document.prototype, "cookie");
  if (cookie) {
    const set = new Proxy(cookie.set, {
      apply(target, self, args) {
        say("cookie", String(args[0]).split("=")[0].trim(), String(args[0]));
        return Reflect.apply(target, self, args);
      },
    });
    Object.defineProperty(Document.prototype, "cookie", { ...cookie, set });
  }
})
