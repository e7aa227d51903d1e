/**
 * Returns a new element.
 *
 * @param {string} tag name and classes: "div.card.wide" is a div with two classes
 * @param {Record<string, any>} attributes a name that begins with "on" adds a listener; an attribute whose value is
 *   false or null is left out
 * @param {...(Node|string|null)} children null is left out
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const made = document.createElement(name);
  made.classList.add(...classes);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/**
 * Makes `children` the children of an element, replacing only those that differ, because drawing takes most of the
 * time of an action. A child that differs in its attributes only is kept, together with its listeners. The element
 * with the same `data-key` as the one that had the keyboard focus gets the focus back.
 */
export function refill(parent, ...children) {
  const active = /** @type {HTMLElement} */ (document.activeElement);
  const focused = parent.contains(active) ? active.dataset.key : undefined;
  const wanted = children.filter((child) => child !== null);
  wanted.forEach((child, index) => {
    const old = parent.childNodes[index];
    if (!old) parent.append(child);
    else if (old.isEqualNode(child)) return;
    else if (old.tagName === child.tagName && old.innerHTML === child.innerHTML) copyAttributes(old, child);
    else old.replaceWith(child);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
  if (focused) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function copyAttributes(to, from) {
  for (const name of to.getAttributeNames()) if (!from.hasAttribute(name)) to.removeAttribute(name);
  for (const { name, value } of from.attributes) to.setAttribute(name, value);
}
