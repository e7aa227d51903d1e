/**
 * @typedef {{status: number, body: any}} Answer an answer of the service; `status` is 0 if no answer came
 * @typedef {{token: string, state: "live"|"expired"|"unknown", type: string, expires: string?, remainingMs: number?}}
 *   TokenStatus
 */

/** @type {TokenStatus} */
const UNKNOWN = { token: "unknown", state: "unknown", type: "unknown", expires: null, remainingMs: null };
const COLLECTIONS = { report: "reports", dashboard: "dashboards", tile: "tiles" };
const EMBED_TOKEN = 1;

/** The requests of the frame to the fake service. */
export class Service {
  #item;
  #journal;

  /**
   * @param {string} item the item's number
   * @param {import("./journal.js").Journal} journal
   */
  constructor(item, journal) {
    this.#item = item;
    this.#journal = journal;
  }

  /**
   * Gives the item a token, and returns the token's status by service time. The frame does not decode tokens itself,
   * because its own clock may be wrong.
   *
   * @param {string} authorization the header with which data requests will carry the token
   * @param {"load"|"setAccessToken"|"hook"} how the way in which the token reached the item
   * @returns {Promise<TokenStatus>}
   */
  async applyToken(authorization, how) {
    const answer = await this.#post(`/_fake/items/${this.#item}/token`, {}, { authorization, how });
    return answer.status === 200 ? answer.body : UNKNOWN;
  }

  /**
   * Requests an item's name and report pages.
   *
   * @param {string} authorization
   * @param {"report"|"dashboard"|"tile"} type
   * @param {string} id
   * @returns {Promise<Answer>}
   */
  async exploration(authorization, type, id) {
    const address = `/explore/${COLLECTIONS[type]}/${encodeURIComponent(id)}/modelsAndExploration`;
    return answerOf(fetch(address, { headers: this.#headers(authorization), cache: "no-store" }));
  }

  /**
   * Makes a data request for a report page's table and chart.
   *
   * @param {string} authorization
   * @param {{action: "render"|"pageChange"|"filter"|"refresh", detail: ?string, page: ?string, filters: object[]}}
   *   query
   * @returns {Promise<Answer>}
   */
  query(authorization, query) {
    return this.#post("/explore/querydata", this.#headers(authorization), { item: this.#item, ...query });
  }

  /** Every request takes the waiting journal entries with it, so that the journal has them before the request. */
  async #post(address, headers, body) {
    const entries = await this.#journal.take();
    return answerOf(
      fetch(address, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify({ ...body, entries }),
      }),
    );
  }

  #headers(authorization) {
    return { Authorization: authorization, "X-Item": this.#item };
  }
}

/**
 * Returns the Authorization header for a token. A load request without a token type means Aad. Source: powerbi-models'
 * TokenType; Embedded troubleshooting.
 *
 * @param {string} token
 * @param {0|1|undefined} tokenType
 */
export function authorizationOf(token, tokenType) {
  return `${tokenType === EMBED_TOKEN ? "EmbedToken" : "Bearer"} ${token}`;
}

async function answerOf(request) {
  try {
    const response = await request;
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0, body: null };
  }
}
