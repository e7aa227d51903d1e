// Time waits, in a page, until a service worker that it registers is in place; in the worker, a few steps for what it posts.
((hold, settled, wrap, { holdUrl }) => {
  const { apply } = Reflect;
  const { addEventListener } = EventTarget.prototype;
  const { ServiceWorkerContainer, Client, ServiceWorkerGlobalScope } = globalThis;
  const DELIVERY = { steps: 32 };
  const IN_PLACE = ["activated", "redundant"];

  const untilInPlace = (worker) => {
    if (!worker || IN_PLACE.includes(worker.state)) return;
    let end = () => {};
    const wait = () => {
      end();
      // One that is installed may have to wait for the pages of the one before.
      const bounded = worker.state === "installed" || IN_PLACE.includes(worker.state);
      end = hold("a service worker's installation", bounded ? DELIVERY : {});
    };
    wait();
    apply(addEventListener, worker, ["statechange", wait]);
  };
  wrap(ServiceWorkerContainer?.prototype, "register", {
    apply(target, self, args) {
      const registered = (registration) => untilInPlace(registration.installing ?? registration.waiting);
      return settled("ServiceWorkerContainer.register", apply(target, self, args), registered);
    },
  });
  wrap(Client?.prototype, "postMessage", {
    apply(target, self, args) {
      apply(target, self, args);
      hold("Client.postMessage", DELIVERY);
    },
  });

  // The request by which a page holds time is not the worker's business.
  if (!ServiceWorkerGlobalScope) return;
  const { stopImmediatePropagation } = Event.prototype;
  const notOurs = (event) => {
    if (event.request.url.startsWith(holdUrl)) apply(stopImmediatePropagation, event, []);
  };
  const before = () => apply(addEventListener, self, ["fetch", notOurs]);
  wrap(EventTarget.prototype, "addEventListener", {
    apply(target, of, args) {
      if (args[0] === "fetch" && (of ?? self) === self) before();
      return apply(target, of, args);
    },
  });
  wrap.setter(self, "onfetch", {
    apply(target, of, args) {
      before();
      return apply(target, of, args);
    },
  });
})
