// A new document of the page holds time until the clock has seen it, for the browser lets it begin anew what is left of the
// time that was granted to the one before.
((hold, heard, { newDocument }) => {
  if (window === window.top) heard.seen = hold("a new document", { mark: newDocument });
})
