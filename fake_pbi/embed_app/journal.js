/** Tells the service what happens in the frame: in order, in batches, one request at a time. */
export class Journal {
  #address;
  #queue = [];
  #sending = false;
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
    if (!this.#sending) this.#sent = this.#send();
  }

  /**
   * Resolves when the service knows everything so far. To be awaited before other requests, so that what led to them
   * stands before them in the service's journal.
   */
  told() {
    return this.#sent;
  }

  async #send() {
    this.#sending = true;
    await null; // what happens in the same task goes into the same batch
    let delivered = true;
    while (delivered && this.#queue.length > 0) {
      const batch = this.#queue.splice(0);
      delivered = await this.#post(batch);
      if (!delivered) this.#queue.unshift(...batch.filter((entry) => ++entry.tries < 2));
    }
    this.#sending = false;
  }

  async #post(batch) {
    try {
      const response = await fetch(this.#address, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: written(batch),
      });
      return response.ok;
    } catch {
      return false;
    }
  }

  #leave() {
    const batch = [...this.#queue.splice(0), { at: Date.now(), kind: "embed.gone", data: {} }];
    navigator.sendBeacon(this.#address, new Blob([written(batch)], { type: "application/json" }));
  }
}

function written(batch) {
  const now = Date.now();
  return JSON.stringify(batch.map(({ at, kind, data }) => ({ ago: Math.max(0, now - at), kind, data })));
}
