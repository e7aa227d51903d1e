import { stopwatch } from "./elapsed.js";

/**
 * Milliseconds after a call in which a return to the tab causes no further call: `resume` and `visibilitychange` come
 * together.
 */
const ONE_RETURN_MS = 1000;

/**
 * Calls the page's provider (accessTokenProvider) for a new token. Source: the SDK's report.ts, and invokeSDKHook in
 * its service.ts, for the request's address and the meaning of the answers. All times are assumed, because Microsoft
 * does not publish when the service calls.
 */
export class ProviderHook {
  #leadMs;
  #retryMs;
  #token;
  #protocol;
  #journal;
  #accept;

  #uid = null;
  #timer;
  #calls = 0;
  #attempt = 0;
  #acceptedCall = 0;
  #pendingCall = null;
  #sinceCallMs = () => Infinity;

  /**
   * @param {object} options
   * @param {number} options.leadMs time before the token's expiry at which the provider is called
   * @param {number} options.retryMs time after which the provider is called again if it gave no newer token
   * @param {import("./token.js").CurrentToken} options.token
   * @param {import("./protocol.js").Protocol} options.protocol
   * @param {import("./journal.js").Journal} options.journal
   * @param {(text: string) => Promise<void>} options.accept called with the text of a newer token
   */
  constructor({ leadMs, retryMs, token, protocol, journal, accept }) {
    this.#leadMs = leadMs;
    this.#retryMs = retryMs;
    this.#token = token;
    this.#protocol = protocol;
    this.#journal = journal;
    this.#accept = accept;
  }

  /**
   * Sets the uid whose provider is called.
   *
   * @param {?string} uid null if the page has no provider
   */
  setUid(uid) {
    this.#uid = uid;
    this.#schedule();
  }

  /** Schedules the next call anew. To be called whenever the item has another current token, wherever it came from. */
  tokenChanged() {
    this.#attempt = 0;
    this.#schedule();
  }

  /**
   * Calls at once if a call is due. To be called when the user returns to the tab: its timers may have been late or
   * stopped.
   */
  userReturned() {
    const justCalled = this.#sinceCallMs() < (this.#pendingCall ? this.#retryMs : ONE_RETURN_MS);
    if (this.#uid !== null && this.#untilDueMs() === 0 && !justCalled) this.#callProvider();
  }

  #untilDueMs() {
    return Math.max(0, (this.#token.remainingMs() ?? 0) - this.#leadMs);
  }

  /**
   * Schedules the next call. Two scheduled calls are at least the retry time apart, even if the provider's tokens have
   * a shorter lifetime than the lead.
   */
  #schedule() {
    clearTimeout(this.#timer);
    if (this.#uid === null) return;
    const waitMs = Math.max(this.#untilDueMs(), this.#retryMs - this.#sinceCallMs());
    this.#timer = setTimeout(() => this.#callProvider(), Math.max(0, waitMs));
  }

  async #callProvider() {
    const uid = this.#uid;
    const call = ++this.#calls;
    this.#pendingCall = call;
    this.#sinceCallMs = stopwatch();
    this.#journal.record("hook.called", { call, uid, attempt: ++this.#attempt });
    this.#schedule();
    await this.#journal.delivered();
    const answer = await this.#protocol.post(`/reports/${uid}/eventHooks/newAccessToken`, uid, {});
    if (this.#pendingCall === call) this.#pendingCall = null;
    const described = describeAnswer(answer);
    this.#journal.record("hook.answered", { call, status: answer.statusCode ?? null, ...described });
    await this.#acceptIfNewer(call, described);
  }

  /**
   * Ignores the text of the current token, and the answer to a call if a later call has already brought a token.
   *
   * @param {number} call
   * @param {{answer: string, text?: string}} described
   */
  async #acceptIfNewer(call, { answer, text }) {
    if (answer !== "token" || text === this.#token.text || call < this.#acceptedCall) return;
    this.#acceptedCall = call;
    await this.#accept(text);
  }
}

/**
 * Returns what the journal records about an answer of the provider. The provider of a page that forgets `return`
 * answers undefined, and the article's answers null. A structured clone keeps the two apart. Source of the statuses:
 * invokeSDKHook in the SDK's service.ts.
 *
 * @param {{statusCode?: number, body?: any}} answer
 * @returns {{answer: string, text?: string}}
 */
function describeAnswer({ statusCode = 200, body }) {
  if (body === undefined) return { answer: "undefined" };
  if (body === null) return { answer: "null" };
  const succeeded = statusCode >= 200 && statusCode < 300;
  if (succeeded && typeof body === "string" && body !== "") return { answer: "token", text: body };
  return { answer: "other", text: describeBody(body) };
}

/**
 * Returns a description of an answer that is not a token. The values of arrays and objects are left out: they may be
 * tokens.
 */
function describeBody(body) {
  if (Array.isArray(body)) return "an array";
  if (typeof body === "object") return `an object with ${Object.keys(body).join(", ") || "nothing in it"}`;
  return body === "" ? "an empty string" : `the ${typeof body} ${String(body).slice(0, 80)}`;
}
