/** Turns of the event loop for which a batch waits for more entries. The page answers an event within as many turns. */
const BATCH_TURNS = 4;
/** Requests in which an entry may be sent before it is dropped. */
const MAX_TRIES = 2;

/**
 * Reports what happens in the frame to the service's journal: in order, in batches, one request at a time. Another
 * request to the service takes the waiting entries with it.
 */
export class Journal {
  #address;
  #queue = [];
  #deliveryIsDue = false;
  #sent = Promise.resolve();

  /** @param {string} item the item's number */
  constructor(item) {
    this.#address = `/_fake/items/${item}/journal`;
    window.addEventListener("pagehide", () => this.#reportLeaving());
  }

  /**
   * Adds an entry.
   *
   * @param {"protocol"|"hook.called"|"hook.answered"|"item.event"|"embed.gone"} kind
   * @param {object} data
   */
  record(kind, data) {
    this.#queue.push({ at: Date.now(), kind, data, tries: 0 });
    if (!this.#deliveryIsDue) this.#deliverSoon();
  }

  /**
   * Removes and returns the waiting entries, for another request to take with it. So the journal has what led to the
   * request before the request itself.
   *
   * @returns {Promise<object[]>}
   */
  async take() {
    await this.#sent;
    return toSend(this.#queue.splice(0));
  }

  /** Resolves when the service has every entry so far, so that the journal has them before what the page does next. */
  delivered() {
    return this.#deliver();
  }

  async #deliverSoon() {
    this.#deliveryIsDue = true;
    for (let turn = 0; turn < BATCH_TURNS; turn++) await nextTurn();
    this.#deliveryIsDue = false;
    await this.#deliver();
  }

  /** Sends the waiting entries. Entries that could not be delivered are sent once more, with the next batch. */
  #deliver() {
    this.#sent = this.#sent.then(async () => {
      const batch = this.#queue.splice(0);
      if (batch.length === 0 || (await this.#post(batch))) return;
      this.#queue.unshift(...batch.filter((entry) => ++entry.tries < MAX_TRIES));
    });
    return this.#sent;
  }

  async #post(batch) {
    try {
      const response = await fetch(this.#address, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(toSend(batch)),
      });
      return response.ok;
    } catch {
      return false;
    }
  }

  /** Sends the last entries by a beacon, which is sent even though the document is going away. */
  #reportLeaving() {
    const batch = [...this.#queue.splice(0), { at: Date.now(), kind: "embed.gone", data: {} }];
    navigator.sendBeacon(this.#address, new Blob([JSON.stringify(toSend(batch))], { type: "application/json" }));
  }
}

/** Returns entries in the form of the service, which gets their age because the page's clock may be wrong. */
function toSend(batch) {
  const now = Date.now();
  return batch.map(({ at, kind, data }) => ({ ageMs: Math.max(0, now - at), kind, data }));
}

/** Waits for the next turn of the event loop. The browser throttles timers in a hidden tab, but not messages. */
function nextTurn() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
