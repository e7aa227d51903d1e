/** Turns of the event loop that a batch waits for more: the page answers an event within so many. */
const TURNS = 4;

/**
 * Tells the service what happens in the frame: in order, in batches, one request at a time. What happens before another
 * request to the service travels with that one.
 */
export class Journal {
  #address;
  #queue = [];
  #due = false;
  #sent = Promise.resolve();

  /** @param {string} item */
  constructor(item) {
    this.#address = `/_fake/items/${item}/journal`;
    window.addEventListener("pagehide", () => this.#leave());
  }

  /**
   * @param {"protocol"|"hook.called"|"hook.answered"|"item.event"|"embed.gone"} kind
   * @param {object} data
   */
  record(kind, data) {
    this.#queue.push({ at: Date.now(), kind, data, tries: 0 });
    if (!this.#due) this.#deliverSoon();
  }

  /**
   * What the service has not been told yet, for a request that tells it, so that what led to the request stands before it in
   * the service's journal.
   *
   * @returns {Promise<object[]>}
   */
  async take() {
    await this.#sent;
    return written(this.#queue.splice(0));
  }

  /** Resolves when the service knows everything so far: for what must stand before whatever the page does next. */
  told() {
    return this.#deliver();
  }

  async #deliverSoon() {
    this.#due = true;
    for (let turn = 0; turn < TURNS; turn++) await nextTurn();
    this.#due = false;
    await this.#deliver();
  }

  /** What could not be delivered travels once more, with the next batch. */
  #deliver() {
    this.#sent = this.#sent.then(async () => {
      const batch = this.#queue.splice(0);
      if (batch.length > 0 && !(await this.#post(batch))) this.#queue.unshift(...batch.filter((entry) => ++entry.tries < 2));
    });
    return this.#sent;
  }

  async #post(batch) {
    try {
      const response = await fetch(this.#address, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(written(batch)),
      });
      return response.ok;
    } catch {
      return false;
    }
  }

  #leave() {
    const batch = [...this.#queue.splice(0), { at: Date.now(), kind: "embed.gone", data: {} }];
    navigator.sendBeacon(this.#address, new Blob([JSON.stringify(written(batch))], { type: "application/json" }));
  }
}

function written(batch) {
  const now = Date.now();
  return batch.map(({ at, kind, data }) => ({ ago: Math.max(0, now - at), kind, data }));
}

/** The next turn of the event loop; unlike a timer's it is not throttled in a hidden tab. */
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
