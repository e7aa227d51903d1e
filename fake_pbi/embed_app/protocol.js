const { HttpPostMessage } = window["http-post-message"];
const { WindowPostMessageProxy } = window["window-post-message-proxy"];
const { Router } = window["powerbi-router"];

/**
 * @typedef {{method: string, url: string, headers: object, body: any, params: object}} Request
 * @typedef {{status: number, body?: any}} Answer
 */

/**
 * The frame's end of the protocol between SDK and iframe: Microsoft's own packages, combined as the SDK's factories.ts
 * does at the page's end. Every message is journalled.
 */
export class Protocol {
  #journal;
  #proxy;
  #sender;
  #router;

  /** @param {import("./journal.js").Journal} journal */
  constructor(journal) {
    this.#journal = journal;
    this.#proxy = new WindowPostMessageProxy({
      processTrackingProperties: {
        addTrackingProperties: HttpPostMessage.addTrackingProperties,
        getTrackingProperties: HttpPostMessage.getTrackingProperties,
      },
      isErrorMessage: HttpPostMessage.isErrorMessage,
      suppressWarnings: true,
    });
    this.#sender = new HttpPostMessage(this.#proxy, {}, window.parent);
    this.#router = new Router(this.#proxy);
  }

  /**
   * Adds a route for requests of the SDK.
   *
   * @param {"get"|"post"|"put"|"patch"|"delete"} method
   * @param {string} url may contain :parameters
   * @param {(request: Request) => Answer|Promise<Answer>} handle
   */
  route(method, url, handle) {
    this.#router[method](url, async (request, response) => {
      this.#received(request);
      const { status, body = {} } = await answerOf(handle, request);
      this.#answered(request, status);
      response.send(status, body);
    });
  }

  /**
   * Answers requests without a route with 404, as the SDK's mockEmbed.ts does. Without an answer they would stay
   * pending forever, because the SDK has no timeouts. To be called after all routes were added: the proxy tries its
   * handlers in order.
   */
  refuseOthers() {
    this.#proxy.addHandler({
      test: (message) => typeof message.method === "string" && typeof message.url === "string",
      handle: (message) => {
        this.#received(message);
        this.#answered(message, 404);
        return { statusCode: 404, headers: {}, body: { message: `${message.method} ${message.url} is not known` } };
      },
    });
  }

  /**
   * Posts a request to the SDK and returns its answer. An error is an answer too, so the promise never rejects. It
   * stays pending if no answer comes.
   *
   * @returns {Promise<{statusCode?: number, body?: any}>}
   */
  async post(url, uid, body) {
    this.#write("sent", { method: "POST", url, uid }, null);
    const answer = await this.#sender.post(url, body).catch((refusal) => refusal);
    this.#write("acknowledged", { method: "POST", url, uid }, answer.statusCode);
    return answer;
  }

  #received(request) {
    const { uid, sdkVersion: sdk, tokenProviderSupplied: provider } = request.headers ?? {};
    const { id = null, pageName: page = null, visualName: visual = null } = request.body ?? {};
    const ofLoad = sdk ? { sdk, provider: provider === true, id, page, visual } : {};
    this.#write("received", { ...request, uid }, null, ofLoad);
  }

  #answered(request, status) {
    this.#write("answered", { ...request, uid: request.headers?.uid }, status);
  }

  #write(direction, { method, url, uid }, status, more = {}) {
    this.#journal.record("protocol", { direction, method, url, uid: uid ?? null, status: status ?? null, ...more });
  }
}

async function answerOf(handle, request) {
  try {
    return await handle(request);
  } catch (error) {
    console.error(error);
    return { status: 500, body: { message: String(error) } };
  }
}
