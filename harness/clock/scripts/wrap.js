// Replaces a function of the browser so that a page cannot notice the replacement: the name, length, properties, prototype and text of
// the new function are those of the original.
const { apply, defineProperty, getOwnPropertyDescriptor, getPrototypeOf } = Reflect;

/** @type {WeakMap<Function, Function>} */
const originals = new WeakMap();
const originalOf = originals.get.bind(originals);

/**
 * Returns a Proxy of a function that has the text of the function.
 *
 * @param {Function} original
 * @param {ProxyHandler<any>} handler
 */
export function disguised(original, handler) {
  const wrapped = new Proxy(original, handler);
  originals.set(wrapped, original);
  return wrapped;
}

/**
 * Replaces a function by a Proxy with this handler, where the function exists and can be replaced.
 *
 * @param {any} object the object or a prototype that has the function, or inherits it
 * @param {string} name
 * @param {ProxyHandler<any>} handler
 */
export function wrap(object, name, handler) {
  while (object && !getOwnPropertyDescriptor(object, name)) object = getPrototypeOf(object);
  const property = object && getOwnPropertyDescriptor(object, name);
  if (typeof property?.value !== "function" || !property.configurable) return;
  const wrapped = disguised(property.value, handler);
  defineProperty(object, name, { ...property, value: wrapped });
  const { prototype } = property.value;
  if (handler.construct && prototype) {
    defineProperty(prototype, "constructor", { ...getOwnPropertyDescriptor(prototype, "constructor"), value: wrapped });
  }
}

/** @param {"get"|"set"} part the function of a property that is to be wrapped */
const accessorWrapper = (part) => {
  /**
   * @param {any} object
   * @param {string} name
   * @param {ProxyHandler<any>} handler
   */
  return (object, name, handler) => {
    const property = object && getOwnPropertyDescriptor(object, name);
    const original = property?.[part];
    if (!original || !property.configurable) return;
    defineProperty(object, name, { ...property, [part]: disguised(original, handler) });
  };
};

/** Does for the function that gets a property what `wrap` does for a method. */
export const wrapGetter = accessorWrapper("get");

/** Does for the function that sets a property what `wrap` does for a method. */
export const wrapSetter = accessorWrapper("set");

/** Makes `Function.prototype.toString` return the text of the original for each wrapped function. */
export function hideTextOfWrappers() {
  wrap(Function.prototype, "toString", { apply: (target, self, args) => apply(target, originalOf(self) ?? self, args) });
}
