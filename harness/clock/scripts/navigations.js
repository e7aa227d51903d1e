// From a navigation to the document that it leads to, time stands still: the browser process, which fetches it, is not waited
// for. What a document holds ends with it. The Navigation API's own travels through history begin in that process, too;
// history.back() stops time by itself.
((hold, wrap) => {
  const { apply } = Reflect;
  const { navigation } = window;
  const { entries } = navigation;
  let end = () => {};

  const begin = () => {
    end();
    end = hold("a navigation");
  };
  navigation.addEventListener("navigate", ({ destination, downloadRequest, signal }) => {
    if (destination.sameDocument || downloadRequest !== null) return;
    begin();
    signal.addEventListener("abort", end);
  });
  for (const ending of ["navigatesuccess", "navigateerror"]) navigation.addEventListener(ending, () => end());

  const leads = {
    back: () => navigation.canGoBack,
    forward: () => navigation.canGoForward,
    traverseTo: (to) => to !== navigation.currentEntry?.key && apply(entries, navigation, []).some(({ key }) => key === to),
  };
  for (const [method, elsewhere] of Object.entries(leads)) {
    wrap(Object.getPrototypeOf(navigation), method, {
      apply(target, self, args) {
        if (elsewhere(args[0])) begin();
        return apply(target, self, args);
      },
    });
  }
})
