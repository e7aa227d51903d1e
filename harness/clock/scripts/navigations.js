// Time is held from a navigation to the document to which it leads: the browser process fetches the document, and virtual time does
// not wait for that process. The holds of a document end with the document.
import { holdTime } from "./time_holds.js";
import { wrap } from "./wrap.js";

const { apply } = Reflect;
const { navigation } = globalThis;

export function holdTimeDuringNavigations() {
  const { entries } = navigation;
  let end = () => {};

  const begin = () => {
    end();
    end = holdTime("a navigation");
  };
  navigation.addEventListener("navigate", ({ destination, downloadRequest, signal }) => {
    if (destination.sameDocument || downloadRequest !== null) return;
    begin();
    signal.addEventListener("abort", end);
  });
  for (const event of ["navigatesuccess", "navigateerror"]) navigation.addEventListener(event, () => end());

  // These methods begin in the browser process, too. `history.back()` does as well, but pauses virtual time by itself.
  const leadsElsewhere = {
    back: () => navigation.canGoBack,
    forward: () => navigation.canGoForward,
    /** @param {string} key */
    traverseTo: (key) => {
      if (key === navigation.currentEntry?.key) return false;
      return apply(entries, navigation, []).some((entry) => entry.key === key);
    },
  };
  for (const [method, doesLeadElsewhere] of Object.entries(leadsElsewhere)) {
    wrap(Object.getPrototypeOf(navigation), method, {
      apply(target, self, args) {
        if (doesLeadElsewhere(args[0])) begin();
        return apply(target, self, args);
      },
    });
  }
}
