import { stopwatch } from "./elapsed.js";
import { authorizationOf } from "./service.js";

/** The token that the item holds. */
export class HeldToken {
  #service;
  #lateNeedsLoad;
  #tokenType;
  #carried;
  #worth = null;
  #elapsed = null;
  #needsLoad = false;
  #taking = Promise.resolve();

  /** The text of the token that came last. */
  text;

  /**
   * @param {import("./service.js").Service} service
   * @param {"next query"|"reload"} lateToken what it takes for a token to work that comes after the last one's end.
   *   "reload" is what Microsoft says in powerbi-client-react#23; that the next query will do is assumed.
   */
  constructor(service, lateToken) {
    this.#service = service;
    this.#lateNeedsLoad = lateToken === "reload";
  }

  /** @param {0|1|undefined} tokenType of the load request */
  takeFromLoad(text, tokenType) {
    this.#tokenType = tokenType;
    return this.take(text, "load");
  }

  /**
   * @param {string} text
   * @param {"load"|"setAccessToken"|"hook"} how
   * @returns {Promise<void>} resolves when the service has said what it is worth
   */
  take(text, how) {
    if (how === "load") this.#needsLoad = false;
    else if (this.#lateNeedsLoad && this.remaining() === 0) this.#needsLoad = true;
    const carry = !this.#needsLoad;
    this.text = text;
    this.#taking = this.#taking.then(async () => {
      this.#worth = await this.#service.judge(authorizationOf(text, this.#tokenType), how);
      this.#elapsed = stopwatch();
      if (carry) this.#carried = text;
    });
    return this.#taking;
  }

  /** What queries carry; waits for a token that is just being taken. */
  async authorization() {
    await this.#taking;
    return authorizationOf(this.#carried, this.#tokenType);
  }

  /** Milliseconds until its end, 0 after it; null before there is a token, and for one that nobody knows. */
  remaining() {
    if (!this.#worth || this.#worth.remainingMs === null) return null;
    return Math.max(0, this.#worth.remainingMs - this.#elapsed());
  }

  /** Name, state, type, expires and remaining milliseconds now; null before there is one. */
  described() {
    if (!this.#worth) return null;
    const { token: name, type, expires } = this.#worth;
    const remainingMs = this.remaining();
    const state = this.#worth.state === "live" && remainingMs === 0 ? "expired" : this.#worth.state;
    return { name, state, type, expires, remainingMs };
  }
}
