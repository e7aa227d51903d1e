/**
 * @typedef {{status: number, body: any}} Answer `status` 0: there was none
 * @typedef {{token: string, state: "live"|"expired"|"unknown", type: string, expires: string?, remainingMs: number?}} Worth
 */

const UNKNOWN = { token: "unknown", state: "unknown", type: "unknown", expires: null, remainingMs: null };
const COLLECTIONS = { report: "reports", dashboard: "dashboards", tile: "tiles" };
const EMBED_TOKEN = 1;

/** The requests that the frame makes of its service. */
export class Service {
  #item;
  #journal;

  /**
   * @param {string} item
   * @param {import("./journal.js").Journal} journal
   */
  constructor(item, journal) {
    this.#item = item;
    this.#journal = journal;
  }

  /**
   * What a token is worth by the service's clock: the frame never decodes one, and its own clock may be wrong.
   *
   * @param {string} authorization how queries will carry it
   * @param {"load"|"setAccessToken"|"hook"} how
   * @returns {Promise<Worth>}
   */
  async judge(authorization, how) {
    const answer = await this.#post(`/_fake/items/${this.#item}/token`, {}, { authorization, how });
    return answer.status === 200 ? answer.body : UNKNOWN;
  }

  /**
   * @param {string} authorization
   * @param {"report"|"dashboard"|"tile"} type
   * @param {string} id
   * @returns {Promise<Answer>} name and pages
   */
  async exploration(authorization, type, id) {
    const address = `/explore/${COLLECTIONS[type]}/${encodeURIComponent(id)}/modelsAndExploration`;
    return answered(fetch(address, { headers: this.#headers(authorization), cache: "no-store" }));
  }

  /**
   * @param {string} authorization
   * @param {{action: "render"|"pageChange"|"filter"|"refresh", detail: ?string, page: ?string, filters: object[]}} query
   * @returns {Promise<Answer>} table and chart
   */
  query(authorization, query) {
    return this.#post("/explore/querydata", this.#headers(authorization), { item: this.#item, ...query });
  }

  async #post(address, headers, body) {
    const told = await this.#journal.take();
    return answered(
      fetch(address, {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body: JSON.stringify({ ...body, told }),
      }),
    );
  }

  #headers(authorization) {
    return { Authorization: authorization, "X-Item": this.#item };
  }
}

/**
 * A token type that the load request leaves out is Aad. Source: powerbi-models' TokenType, Embedded troubleshooting.
 *
 * @param {string} token
 * @param {0|1|undefined} tokenType
 */
export function authorizationOf(token, tokenType) {
  return `${tokenType === EMBED_TOKEN ? "EmbedToken" : "Bearer"} ${token}`;
}

async function answered(request) {
  try {
    const response = await request;
    return { status: response.status, body: await response.json() };
  } catch {
    return { status: 0, body: null };
  }
}
