// Puts a function in the place of another so that a page cannot tell: its name, length, properties, prototype and text are
// those of the original. Returns `wrap(object, name, handler)`; the handler is that of a Proxy. What is not there stays so.
// `wrap.getter` and `wrap.setter` do so with what gets or sets a property, `wrap.proxy` with a function that stands nowhere yet.
(() => {
  const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;
  const originals = new WeakMap();
  const get = originals.get.bind(originals);

  const proxy = (original, handler) => {
    const wrapped = new Proxy(original, handler);
    originals.set(wrapped, original);
    return wrapped;
  };
  const wrap = (object, name, handler) => {
    while (object && !getOwnPropertyDescriptor(object, name)) object = getPrototypeOf(object);
    const property = object && getOwnPropertyDescriptor(object, name);
    if (typeof property?.value !== "function" || !property.configurable) return;
    const wrapped = proxy(property.value, handler);
    defineProperty(object, name, { ...property, value: wrapped });
    const { prototype } = property.value;
    if (handler.construct && prototype) {
      defineProperty(prototype, "constructor", { ...getOwnPropertyDescriptor(prototype, "constructor"), value: wrapped });
    }
  };
  const accessor = (part) => (object, name, handler) => {
    const property = object && getOwnPropertyDescriptor(object, name);
    if (!property?.[part] || !property.configurable) return;
    defineProperty(object, name, { ...property, [part]: proxy(property[part], handler) });
  };
  wrap.getter = accessor("get");
  wrap.setter = accessor("set");
  wrap.proxy = proxy;
  wrap(Function.prototype, "toString", { apply: (target, self, args) => apply(target, get(self) ?? self, args) });
  return wrap;
})
