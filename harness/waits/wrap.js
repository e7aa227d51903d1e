// Puts a function in the place of another so that a page cannot tell: its name, length, properties, prototype and text are
// those of the original. Returns `wrap(object, name, handler)`; the handler is that of a Proxy. What is not there stays so.
(() => {
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const originals = new WeakMap();
  const get = originals.get.bind(originals);

  const wrap = (object, name, handler) => {
    while (object && !getOwnPropertyDescriptor(object, name)) object = getPrototypeOf(object);
    const property = object && getOwnPropertyDescriptor(object, name);
    if (typeof property?.value !== "function" || !property.configurable) return;
    const wrapped = new Proxy(property.value, handler);
    originals.set(wrapped, property.value);
    defineProperty(object, name, { ...property, value: wrapped });
    const { prototype } = property.value;
    if (handler.construct && prototype) {
      defineProperty(prototype, "constructor", { ...getOwnPropertyDescriptor(prototype, "constructor"), value: wrapped });
    }
  };
  wrap(Function.prototype, "toString", { apply: (target, self, args) => apply(target, get(self) ?? self, args) });
  return wrap;
})
