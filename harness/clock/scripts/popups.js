// The browser process makes a new window and requests its document at once. Time is held until the clock watches the window and the
// window shows its document. Where the window never shows one (an answer without a document, a download), the hold ends after
// some steps of the clock.
import { handleMessages } from "./clock_messages.js";
import { holdTime } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;

const MAX_STEPS = 400;
const STAYS_BLANK = /^\s*($|about:blank|javascript:)/i;

/** @type {WeakSet<Window>} */
const knownWindows = new WeakSet();
/** @type {Set<{ popup: Window|null, navigates: boolean, end: () => void }>} */
const opening = new Set();

/** @param {Window} popup */
function isBlank(popup) {
  try {
    return popup.location.href === "about:blank";
  } catch {
    return false; // A document of another origin.
  }
}

export function holdTimeWhilePopupsOpen() {
  const { get: getHref } = /** @type {{ get: () => string }} */ (Object.getOwnPropertyDescriptor(URL.prototype, "href"));
  /** @param {unknown} url */
  const textOf = (url) => (typeof url === "string" ? url : url instanceof URL ? apply(getHref, url, []) : "");

  if (window.top) knownWindows.add(window.top);
  wrap(window, "open", {
    apply(target, self, args) {
      const popup = apply(target, self, args);
      if (popup && (popup.top !== popup || knownWindows.has(popup))) return popup;
      if (popup) knownWindows.add(popup);
      const end = holdTime("window.open", { maxSteps: MAX_STEPS });
      opening.add({ popup, navigates: !STAYS_BLANK.test(textOf(args[0])), end });
      return popup;
    },
  });
  handleMessages({
    /**
     * The clock watches a popup, or a popup has got a document. For a popup without an opener this message is all that a page can
     * know.
     *
     * @param {boolean} hasDocument
     */
    popupIsSeen: (hasDocument) => {
      for (const each of opening) {
        const { popup, navigates, end } = each;
        if (navigates && (popup ? isBlank(popup) : !hasDocument)) continue;
        opening.delete(each);
        end();
      }
    },
  });
}
