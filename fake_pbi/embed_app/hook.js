import { stopwatch } from "./elapsed.js";

/** `resume` and `visibilitychange` of one return to the tab come together: one of them asks. */
const ONE_RETURN_MS = 1000;

/**
 * Asks the page's accessTokenProvider for a new token. That there is such a request, its address and its answers are
 * the SDK's (report.ts, service.ts invokeSDKHook); when the service asks is published nowhere, so all times are assumed.
 */
export class ProviderHook {
  #lead;
  #retry;
  #token;
  #protocol;
  #journal;
  #accept;

  #uid = null;
  #timer;
  #calls = 0;
  #attempt = 0;
  #accepted = 0;
  #outstanding = null;
  #sinceCall = () => Infinity;

  /**
   * @param {object} options
   * @param {number} options.lead milliseconds before the token's end at which it asks
   * @param {number} options.retry milliseconds until it asks again, while nothing newer came
   * @param {import("./token.js").HeldToken} options.token
   * @param {import("./protocol.js").Protocol} options.protocol
   * @param {import("./journal.js").Journal} options.journal
   * @param {(text: string) => Promise<void>} options.accept takes a newer token
   */
  constructor({ lead, retry, token, protocol, journal, accept }) {
    this.#lead = lead;
    this.#retry = retry;
    this.#token = token;
    this.#protocol = protocol;
    this.#journal = journal;
    this.#accept = accept;
  }

  /** @param {?string} uid whom to ask; null: the page has no provider */
  address(uid) {
    this.#uid = uid;
    this.#schedule();
  }

  /** The item has taken another token, from wherever it came. */
  tokenTaken() {
    this.#attempt = 0;
    this.#schedule();
  }

  /** The user is back in the tab: timers may have been throttled or stood still meanwhile. */
  returned() {
    const alreadyAsked = this.#sinceCall() < (this.#outstanding ? this.#retry : ONE_RETURN_MS);
    if (this.#uid !== null && this.#untilDue() === 0 && !alreadyAsked) this.#ask();
  }

  #untilDue() {
    return Math.max(0, (this.#token.remaining() ?? 0) - this.#lead);
  }

  /** Two calls are never closer than the retry time: a provider whose tokens live shorter than the lead is not stormed. */
  #schedule() {
    clearTimeout(this.#timer);
    if (this.#uid === null) return;
    const wait = Math.max(this.#untilDue(), this.#retry - this.#sinceCall());
    this.#timer = setTimeout(() => this.#ask(), Math.max(0, wait));
  }

  async #ask() {
    const uid = this.#uid;
    const call = ++this.#calls;
    this.#outstanding = call;
    this.#sinceCall = stopwatch();
    this.#journal.record("hook.called", { call, uid, attempt: ++this.#attempt });
    this.#schedule();
    await this.#journal.told();
    const answer = await this.#protocol.post(`/reports/${uid}/eventHooks/newAccessToken`, uid, {});
    if (this.#outstanding === call) this.#outstanding = null;
    const sort = sortOf(answer);
    this.#journal.record("hook.answered", { call, status: answer.statusCode ?? null, ...sort });
    await this.#judge(call, sort);
  }

  /** The same text is nothing newer, and an answer that another call has overtaken comes too late. */
  async #judge(call, { answer, text }) {
    if (answer !== "token" || text === this.#token.text || call < this.#accepted) return;
    this.#accepted = call;
    await this.#accept(text);
  }
}

/**
 * What an answer is. A page that forgets `return` answers undefined, one that follows the article null, and a structured
 * clone keeps the two apart. Source of the statuses: service.ts invokeSDKHook.
 */
function sortOf({ statusCode = 200, body }) {
  if (body === undefined) return { answer: "undefined" };
  if (body === null) return { answer: "null" };
  const fine = statusCode >= 200 && statusCode < 300;
  if (fine && typeof body === "string" && body !== "") return { answer: "token", text: body };
  return { answer: "other", text: described(body) };
}

/** What such an answer is, without what stands in it: that may be a token. */
function described(body) {
  if (Array.isArray(body)) return "an array";
  if (typeof body === "object") return `an object with ${Object.keys(body).join(", ") || "nothing in it"}`;
  return body === "" ? "an empty string" : `the ${typeof body} ${String(body).slice(0, 80)}`;
}
