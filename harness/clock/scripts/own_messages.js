// Messages of the clock's own between a page and its workers, which no listener of theirs hears.
(({ key }) => {
  const { apply } = Reflect;
  const { stopImmediatePropagation } = Event.prototype;
  /** Takes what stands in it; undefined if it is none of them. */
  return (event) => {
    const { data } = event;
    if (!data || typeof data !== "object" || !(key in data)) return undefined;
    apply(stopImmediatePropagation, event, []);
    return data[key];
  };
})
