// Messages between the clock's scripts in a page and in its workers. The messages travel the way of the page's own
// messages, and no listener of the page receives an internal message.
import { settings } from "./settings.js";

const { apply } = Reflect;
const { stopImmediatePropagation } = Event.prototype;

/** @param {unknown} content */
export function internalMessage(content) {
  return { [settings.internalKey]: content };
}

/**
 * Returns the content of an internal message and hides the message from the page; returns undefined for any other message.
 *
 * @param {MessageEvent} event
 */
export function takeInternalMessage(event) {
  const { data } = event;
  if (!data || typeof data !== "object" || !(settings.internalKey in data)) return undefined;
  apply(stopImmediatePropagation, event, []);
  return data[settings.internalKey];
}
