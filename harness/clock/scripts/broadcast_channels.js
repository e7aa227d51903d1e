// The browser does not say when a message of a BroadcastChannel has arrived. A listener of our own, on a channel of the same name, is
// called at about the same time as the listeners of the page.
import { holdTime } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply, construct, getOwnPropertyDescriptor } = Reflect;
const { addEventListener } = EventTarget.prototype;
const { BroadcastChannel } = globalThis;
const close = BroadcastChannel?.prototype.close;
const getName = BroadcastChannel && getOwnPropertyDescriptor(BroadcastChannel.prototype, "name")?.get;

const DELIVERY_STEPS = 6;
const CALL = "BroadcastChannel.postMessage";

export function holdTimeForBroadcasts() {
  wrap(BroadcastChannel?.prototype, "postMessage", {
    apply(target, self, args) {
      const listener = channelOfSameName(self);
      if (listener === null) return apply(target, self, args);
      const end = holdTime(CALL);
      const arrived = () => {
        holdTime(CALL, { maxSteps: DELIVERY_STEPS });
        end();
        apply(close, listener, []);
      };
      const once = { __proto__: null, once: true };
      for (const event of ["message", "messageerror"]) apply(addEventListener, listener, [event, arrived, once]);
      try {
        apply(target, self, args);
      } catch (error) {
        arrived();
        throw error;
      }
    },
  });
}

/** @param {any} channel */
function channelOfSameName(channel) {
  try {
    return construct(BroadcastChannel, [apply(/** @type {() => string} */ (getName), channel, [])]);
  } catch {
    return null; // It is no channel.
  }
}
