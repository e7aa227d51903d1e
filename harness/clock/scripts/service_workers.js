// A page holds time until a service worker that it registers is installed and active. A service worker holds time for some steps of
// the clock after each message that it posts to its pages.
import { settings } from "./settings.js";
import { holdTime, holdTimeUntilSettled } from "./time_holds.js";
import { wrap, wrapSetter } from "./wrap.js";

const { apply } = Reflect;
const { addEventListener } = EventTarget.prototype;
const { stopImmediatePropagation } = Event.prototype;
const { ServiceWorkerContainer, Client, ServiceWorkerGlobalScope } = globalThis;

/** Steps within which a message arrives, and within which a worker becomes active that need not wait for other pages. */
const DELIVERY_STEPS = 32;
const FINAL_STATES = ["activated", "redundant"];

export function holdTimeForServiceWorkers() {
  wrap(ServiceWorkerContainer?.prototype, "register", {
    apply(target, self, args) {
      /** @param {ServiceWorkerRegistration} registration */
      const registered = (registration) => holdTimeUntilActive(registration.installing ?? registration.waiting);
      return holdTimeUntilSettled("ServiceWorkerContainer.register", apply(target, self, args), registered);
    },
  });
  wrap(Client?.prototype, "postMessage", {
    apply(target, self, args) {
      apply(target, self, args);
      holdTime("Client.postMessage", { maxSteps: DELIVERY_STEPS });
    },
  });
  if (ServiceWorkerGlobalScope) hideHoldRequestsFromServiceWorker();
}

/** @param {ServiceWorker|null} worker */
function holdTimeUntilActive(worker) {
  if (!worker || FINAL_STATES.includes(worker.state)) return;
  let end = () => {};
  const holdInThisState = () => {
    end();
    // An installed worker may have to wait until the pages of its predecessor are closed.
    const mayWaitLong = worker.state === "installed" || FINAL_STATES.includes(worker.state);
    end = holdTime("a service worker's installation", mayWaitLong ? { maxSteps: DELIVERY_STEPS } : {});
  };
  holdInThisState();
  apply(addEventListener, worker, ["statechange", holdInThisState]);
}

/** Before each listener of the worker comes a listener that stops the `fetch` events of the requests that hold time. */
function hideHoldRequestsFromServiceWorker() {
  /** @param {FetchEvent} event */
  const hideHoldRequest = (event) => {
    if (event.request.url.startsWith(settings.holdUrl)) apply(stopImmediatePropagation, event, []);
  };
  const listenFirst = () => apply(addEventListener, self, ["fetch", hideHoldRequest]);
  wrap(EventTarget.prototype, "addEventListener", {
    apply(target, receiver, args) {
      if (args[0] === "fetch" && (receiver ?? self) === self) listenFirst();
      return apply(target, receiver, args);
    },
  });
  wrapSetter(self, "onfetch", {
    apply(target, receiver, args) {
      listenFirst();
      return apply(target, receiver, args);
    },
  });
}
