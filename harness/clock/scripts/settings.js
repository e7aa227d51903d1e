/**
 * Functions of one object that begin a pending call, and how the end of the call is seen: by the promise that the function returns,
 * or by the first of some events of the object that it returns or of its own object.
 *
 * @typedef {object} PendingCalls
 * @property {string} object such as "Cache.prototype"
 * @property {string[]} functions
 * @property {"promise"|"event of the result"|"event of the object"} ends
 * @property {string[]} [events]
 *
 * @typedef {object} Settings
 * @property {string} holdUrl the address of the requests that hold time
 * @property {string} newDocumentMark the text that a new document of the page appends to that address
 * @property {string} messagesProperty the name of the one global property: the functions that the clock calls
 * @property {string} internalKey the key by which internal messages between a page and its workers differ from the page's own
 * @property {string} handledBinding the name of the function by which a worker reports markers to the clock
 * @property {string} cookiesBinding the name of the function by which a document reports cookies to the clock
 * @property {PendingCalls[]} pendingCalls from wrapped_functions.json
 * @property {number} sleptMs milliseconds that the machine has slept
 * @property {boolean} [isWorkerOfWorker] true if another worker made this worker
 */

/** The settings that __init__.py passes to the entry module. */
export const settings = /** @type {Settings} */ ({});

/** @param {Settings} received */
export function receiveSettings(received) {
  Object.assign(settings, received);
}
