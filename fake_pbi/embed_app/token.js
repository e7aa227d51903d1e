import { stopwatch } from "./elapsed.js";
import { authorizationOf } from "./service.js";

/** The current token of the item. */
export class CurrentToken {
  #service;
  #recoveryNeedsLoad;
  #tokenType;
  #sentText;
  #status = null;
  #sinceStatusMs = null;
  #needsLoad = false;
  #applying = Promise.resolve();

  /** The text of the last token. */
  text;

  /**
   * @param {import("./service.js").Service} service
   * @param {"next query"|"reload"} lateToken the event from which a token works that comes after the last one has
   *   expired. "reload" is what Microsoft says in powerbi-client-react#23; "next query" is assumed.
   */
  constructor(service, lateToken) {
    this.#service = service;
    this.#recoveryNeedsLoad = lateToken === "reload";
  }

  /**
   * Applies the token of a load request.
   *
   * @param {string} text
   * @param {0|1|undefined} tokenType the type that the load request declares
   */
  applyFromLoad(text, tokenType) {
    this.#tokenType = tokenType;
    return this.apply(text, "load");
  }

  /**
   * Makes a token the current one.
   *
   * @param {string} text
   * @param {"load"|"setAccessToken"|"hook"} how the way in which the token reached the item
   * @returns {Promise<void>} resolves when the service has answered the token's status
   */
  apply(text, how) {
    if (how === "load") this.#needsLoad = false;
    else if (this.#recoveryNeedsLoad && this.remainingMs() === 0) this.#needsLoad = true;
    const works = !this.#needsLoad;
    this.text = text;
    this.#applying = this.#applying.then(async () => {
      this.#status = await this.#service.applyToken(authorizationOf(text, this.#tokenType), how);
      this.#sinceStatusMs = stopwatch();
      if (works) this.#sentText = text;
    });
    return this.#applying;
  }

  /** Returns the Authorization header of data requests, once the tokens so far have been applied. */
  async authorization() {
    await this.#applying;
    return authorizationOf(this.#sentText, this.#tokenType);
  }

  /**
   * Returns the milliseconds until the token expires, 0 after its expiry, and null without a token that the service
   * knows.
   */
  remainingMs() {
    if (!this.#status || this.#status.remainingMs === null) return null;
    return Math.max(0, this.#status.remainingMs - this.#sinceStatusMs());
  }

  /** Returns the token's name, state, type, expiry and remaining milliseconds now, or null without a token. */
  described() {
    if (!this.#status) return null;
    const { token: name, type, expires } = this.#status;
    const remainingMs = this.remainingMs();
    const state = this.#status.state === "live" && remainingMs === 0 ? "expired" : this.#status.state;
    return { name, state, type, expires, remainingMs };
  }
}
