// Another document may have a lock for hours, so time is not held until a lock is given. Instead, time is held until the lock manager
// answers a query. The manager answers in order, so a free lock has been given by then. A lock that was given back may belong to
// another requester by then, who has yet to be notified.
import { holdTime } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { then } = Promise.prototype;
const { LockManager } = globalThis;
const query = LockManager?.prototype.query;

const NOTIFICATION_STEPS = 6;
const CALL = "LockManager.request";

export function holdTimeForLocks() {
  wrap(LockManager?.prototype, "request", {
    apply(target, self, args) {
      const result = apply(target, self, args);
      holdTimeUntilAnswer(self);
      /** @param {any} value */
      const returned = (value) => {
        holdTimeUntilAnswer(self, args[0]);
        return value;
      };
      /** @param {any} error */
      const failed = (error) => {
        holdTimeUntilAnswer(self, args[0]);
        throw error;
      };
      return apply(then, result, [returned, failed]);
    },
  });
}

/**
 * @param {LockManager} manager
 * @param {string} [givenBack] the name of a lock that was given back
 */
function holdTimeUntilAnswer(manager, givenBack) {
  const end = holdTime(CALL);
  /** @param {LockManagerSnapshot} [snapshot] */
  const answered = ({ held = [] } = {}) => {
    if (held.some(({ name }) => name === givenBack)) holdTime(CALL, { maxSteps: NOTIFICATION_STEPS });
    end();
  };
  apply(then, apply(query, manager, []), [answered, end]);
}
