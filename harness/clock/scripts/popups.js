// The browser process makes a new window, and asks for its document at once. Time stands still until the clock watches the window
// and the window shows its document, or for a few steps where it never will: an answer without one, a download.
((hold, wrap, heard) => {
  const { apply } = Reflect;
  const { get: hrefOf } = Object.getOwnPropertyDescriptor(URL.prototype, "href");
  const PATIENCE = { steps: 400 };
  const STAYS_BLANK = /^\s*($|about:blank|javascript:)/i;
  const known = new WeakSet([window.top]);
  const opening = new Set();

  const textOf = (url) => (typeof url === "string" ? url : url instanceof URL ? apply(hrefOf, url, []) : "");
  const isBlank = (popup) => {
    try {
      return popup.location.href === "about:blank";
    } catch {
      return false; // another origin's document
    }
  };
  wrap(window, "open", {
    apply(target, self, args) {
      const popup = apply(target, self, args);
      if (popup && (popup.top !== popup || known.has(popup))) return popup;
      if (popup) known.add(popup);
      opening.add({ popup, navigates: !STAYS_BLANK.test(textOf(args[0])), end: hold("window.open", PATIENCE) });
      return popup;
    },
  });
  /** The clock watches a popup, or one `hasArrived` at a document. (Of one without an opener this is all there is to see here.) */
  heard.opened = (hasArrived) => {
    for (const each of opening) {
      const { popup, navigates, end } = each;
      if (navigates && (popup ? isBlank(popup) : !hasArrived)) continue;
      opening.delete(each);
      end();
    }
  };
})
