// The clock sends messages by evaluating expressions in a document or worker. __init__.py lists the messages; each
// message calls the function with the message's name.
import { settings } from "./settings.js";

/** @type {Record<string, Function>} */
const handlers = {};

/** @param {Record<string, Function>} more the functions that handle messages, by name of the message */
export function handleMessages(more) {
  Object.assign(handlers, more);
}

/** Lets the clock call the handlers. The property is not enumerable, and its name is random. */
export function publishMessageHandlers() {
  Object.defineProperty(globalThis, settings.messagesProperty, { value: handlers });
}
