// From a navigation to the document that it leads to, time stands still: the browser process, which fetches it, is not waited
// for. What a document holds ends with it.
((hold) => {
  const { navigation } = window;
  let end = () => {};

  navigation.addEventListener("navigate", ({ destination, downloadRequest, signal }) => {
    if (destination.sameDocument || downloadRequest !== null) return;
    end();
    end = hold("a navigation");
    signal.addEventListener("abort", end);
  });
  for (const ending of ["navigatesuccess", "navigateerror"]) navigation.addEventListener(ending, () => end());
})
