// An IntersectionObserver and a ResizeObserver look at their elements when the browser draws. So time is held until the next frame when
// an observer begins to observe, and whenever the document changes after that: any change may concern an observer.
import { holdTimeUntilNextFrame, onShown } from "./next_frame.js";
import { rateLimit } from "./rate_limit.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { document, setTimeout, MutationObserver } = globalThis;
const { observe } = MutationObserver.prototype;

const EVERY_CHANGE = { attributes: true, characterData: true, childList: true, subtree: true };
const millisecondsUntilAllowed = rateLimit();
/** @type {ReturnType<typeof setTimeout>|null} */
let timer = null;
/** @type {MutationObserver|null} */
let changes = null;

export function holdTimeForObservers() {
  onShown(() => {
    if (changes) holdTimeUntilNextFrame();
  });
  for (const observer of [window.IntersectionObserver, window.ResizeObserver]) {
    wrap(observer?.prototype, "observe", {
      apply(target, self, args) {
        apply(target, self, args);
        if (!changes) apply(observe, (changes = new MutationObserver(documentChanged)), [document, EVERY_CHANGE]);
        holdTimeUntilNextFrame();
      },
    });
  }
}

function documentChanged() {
  if (timer !== null) return;
  const wait = millisecondsUntilAllowed();
  if (wait > 0) timer = setTimeout(timerFired, wait);
  else holdTimeUntilNextFrame();
}

function timerFired() {
  timer = null;
  documentChanged();
}
