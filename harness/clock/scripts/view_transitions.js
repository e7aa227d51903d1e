// A view transition takes some frames. Time is held until it has finished.
import { holdTime } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { then } = Promise.prototype;

export function holdTimeForViewTransitions() {
  wrap(Document.prototype, "startViewTransition", {
    apply(target, self, args) {
      const transition = apply(target, self, args);
      const end = holdTime("startViewTransition");
      apply(then, transition.finished, [end, end]);
      return transition;
    },
  });
}
