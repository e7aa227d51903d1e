/**
 * Makes an element.
 *
 * @param {string} tag "div.card.wide" is a div with two classes
 * @param {Record<string, any>} attributes `on…` is a listener; false and null leave the attribute out
 * @param {...(Node|string|null)} children
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
 * Replaces those of an element's children that have become others, because drawing is most of what an action costs. One of
 * which only the attributes are others stays, with its listeners, and so does who was in one with the keyboard.
 */
export function refill(parent, ...children) {
  const focused = parent.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const wanted = children.filter((child) => child !== null);
  wanted.forEach((child, index) => {
    const there = parent.childNodes[index];
    if (!there) parent.append(child);
    else if (there.isEqualNode(child)) return;
    else if (there.tagName === child.tagName && there.innerHTML === child.innerHTML) takeAttributes(there, child);
    else there.replaceWith(child);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild.remove();
  if (focused) parent.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

function takeAttributes(to, from) {
  for (const name of to.getAttributeNames()) if (!from.hasAttribute(name)) to.removeAttribute(name);
  for (const { name, value } of from.attributes) to.setAttribute(name, value);
}
