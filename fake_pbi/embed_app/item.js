import { loadError, queryError } from "./errors.js";
import { filtersOfLoad, inWords, updated, valuesOf } from "./filters.js";

const EVENT_PATHS = { report: "reports", dashboard: "dashboards", tile: "tile" };
const PAGE_SIZE = { type: 0, width: 1280, height: 720 };

/** What a dashboard and a tile show of the page that their data comes from; a report shows all of it. */
const CARDS = [
  { name: "CardAmount", type: "card", title: "Total amount" },
  { name: "CardRows", type: "card", title: "Orders" },
];
const CHART = "clusteredColumnChart";

/**
 * The report, dashboard or tile that the frame shows: what it has loaded, and what its user and its page do to it.
 *
 * Every action of a user makes a request for data with the token held at that moment. That nothing is raised before
 * such a request is what users report; that a single request feeds all visuals is this fake's simplification.
 */
export class Item {
  #service;
  #token;
  #hook;
  #protocol;
  #journal;
  #changed;
  #loads = 0;
  #queries = 0;
  #loading = Promise.resolve();

  correlationId = crypto.randomUUID();
  uid = null;
  config = {};
  loaded = false;
  error = null;
  title = "";
  pages = [];
  page = null;
  reportFilters = [];
  pageFilters = {};
  visualFilters = {};
  visuals = [];
  data = null;

  /**
   * @param {object} parts
   * @param {"report"|"dashboard"|"tile"} parts.type
   * @param {import("./service.js").Service} parts.service
   * @param {import("./token.js").HeldToken} parts.token
   * @param {import("./hook.js").ProviderHook} parts.hook
   * @param {import("./protocol.js").Protocol} parts.protocol
   * @param {import("./journal.js").Journal} parts.journal
   * @param {() => void} parts.changed called when there is something else to see
   */
  constructor({ type, service, token, hook, protocol, journal, changed }) {
    this.type = type;
    this.#service = service;
    this.#token = token;
    this.#hook = hook;
    this.#protocol = protocol;
    this.#journal = journal;
    this.#changed = changed;
  }

  /**
   * Starts anew: first page, the config's filters, its token. Source: embed.ts reload().
   *
   * @param {object} config the load request's body
   * @param {object} options
   * @param {string} options.uid of the load request: events are posted to it
   * @param {?string} options.hookUid whom to ask for tokens; null without a provider
   * @param {boolean} options.render false in the first phase of a phased load
   */
  load(config, { uid, hookUid, render }) {
    const load = ++this.#loads;
    this.#queries++;
    this.#hook.address(null);
    const { report, page } = filtersOfLoad(config.filters);
    Object.assign(this, {
      uid,
      config,
      loaded: false,
      error: null,
      pages: [],
      page: null,
      reportFilters: report,
      pageFilters: {},
      visualFilters: {},
      visuals: [],
      data: null,
    });
    this.#changed();
    this.#loading = this.#load(load, hookUid, page, render);
    return this.#loading;
  }

  async #load(load, hookUid, pageFilters, render) {
    await this.#token.takeFromLoad(this.config.accessToken, this.config.tokenType);
    if (load !== this.#loads) return;
    this.#hook.tokenTaken();
    this.#hook.address(hookUid);
    this.#changed();
    const id = this.config.id ?? this.config.datasetId;
    const answer = await this.#service.exploration(await this.#token.authorization(), this.type, id);
    if (load !== this.#loads) return;
    if (answer.status !== 200) {
      this.error = loadError(answer);
      this.#changed();
      this.#raise("error", this.error);
      return;
    }
    this.title = answer.body.name;
    this.pages = answer.body.pages;
    this.page = this.#pageCalled(this.config.pageName) ?? this.pages[0];
    this.pageFilters = { [this.page.name]: pageFilters };
    this.loaded = true;
    this.#showVisuals();
    this.#changed();
    this.#raise("loaded", { initiator: "sdk" });
    if (render) await this.#query("render", null, this.type === "tile" ? "tileLoaded" : "rendered");
  }

  /**
   * The second phase of a phased load. Source: report.ts render().
   *
   * @param {object|undefined} config what differs from the first phase's
   */
  async render(config) {
    await this.#loading;
    if (!this.loaded) return;
    Object.assign(this.config, config);
    if (config?.filters) {
      const { report, page } = filtersOfLoad(config.filters);
      this.reportFilters = report;
      this.pageFilters = { [this.page.name]: page };
    }
    this.page = this.#pageCalled(config?.pageName) ?? this.page;
    this.#showVisuals();
    await this.#query("render", null, "rendered");
  }

  /**
   * @param {string} text
   * @param {"setAccessToken"|"hook"} how
   */
  async takeToken(text, how) {
    await this.#token.take(text, how);
    this.#hook.tokenTaken();
    this.#changed();
  }

  /**
   * A page is named by what it is called inside or by what its tab says. The page that is shown is read anew.
   *
   * @param {string} name
   * @param {"sdk"|"user"} initiator
   * @returns {?Promise<void>} null: there is no such page
   */
  changePage(name, initiator) {
    const page = this.#pageCalled(name);
    if (!page) return null;
    this.page = page;
    this.data = null;
    this.#showVisuals();
    this.#raise("pageChanged", { initiator, newPage: this.#described(page) });
    return this.#query("pageChange", page.displayName, "rendered");
  }

  /**
   * What a user chooses in the filter pane.
   *
   * @param {string} column
   * @param {string[]} values none: all of them
   */
  chooseValues(column, values) {
    const others = this.reportFilters.filter((one) => one.target?.column !== column);
    this.reportFilters = values.length > 0 ? [...others, valuesOf(column, values)] : others;
    return this.#filtered([valuesOf(column, values)], "user");
  }

  /** @param {object} update powerbi-models' IUpdateFiltersRequest */
  updateReportFilters(update) {
    this.reportFilters = updated(this.reportFilters, update);
    return this.#filtered(this.reportFilters, "sdk");
  }

  /** As `updateReportFilters`; only the filters of the page that is shown make a difference to be seen. */
  updatePageFilters(page, update) {
    this.pageFilters[page] = updated(this.pageFilters[page] ?? [], update);
    return this.#filtered(this.pageFilters[page], "sdk");
  }

  /** As `updatePageFilters`. Kept for the page to read back; the fake's data knows no filters of one visual. */
  updateVisualFilters(visual, update) {
    this.visualFilters[visual] = updated(this.visualFilters[visual] ?? [], update);
    return this.#filtered(this.visualFilters[visual], "sdk");
  }

  #filtered(filters, initiator) {
    this.#raise("filtersApplied", { initiator, filters });
    return this.#query("filter", inWords(filters), "rendered");
  }

  refresh() {
    return this.#query("refresh", null, this.type === "tile" ? "tileLoaded" : "rendered");
  }

  /** The pages as powerbi-models' IPage. */
  describedPages() {
    return this.pages.map((page) => this.#described(page));
  }

  /** The visuals of a page as powerbi-models' IVisual. */
  describedVisuals(page) {
    return page.visuals.map(({ name, type, title }, index) => ({
      name,
      type,
      title,
      layout: { x: 640 * index, y: 0, z: index, width: 640, height: 720, displayState: { mode: 0 } },
    }));
  }

  #described({ name, displayName }) {
    return {
      name,
      displayName,
      isActive: name === this.page.name,
      visibility: 0,
      defaultSize: PAGE_SIZE,
      defaultDisplayOption: 0,
    };
  }

  #pageCalled(name) {
    return this.pages.find((page) => page.name === name || page.displayName === name);
  }

  #showVisuals() {
    this.visuals = this.#visualsToShow().map((visual) => ({ ...visual, state: "loading", error: null }));
  }

  #visualsToShow() {
    if (this.type === "dashboard") return [...CARDS, ...this.page.visuals];
    if (this.type === "tile") return this.page.visuals.filter(({ type }) => type === CHART);
    const only = this.config.type === "visual" ? this.config.visualName : undefined;
    return this.page.visuals.filter(({ name }) => only === undefined || name === only);
  }

  async #query(action, detail, done) {
    const query = ++this.#queries;
    const filters = [...this.reportFilters, ...(this.pageFilters[this.page.name] ?? [])];
    this.#markVisuals("loading");
    this.#changed();
    const authorization = await this.#token.authorization();
    const answer = await this.#service.query(authorization, { action, detail, page: this.page.name, filters });
    if (query !== this.#queries) return;
    if (answer.status === 200) {
      this.data = answer.body;
      this.#markVisuals("shown");
      this.#changed();
      this.#raise(done, {});
      return;
    }
    for (const visual of this.visuals) {
      visual.state = "failed";
      visual.error = queryError(answer, visual.title);
    }
    this.#changed();
    for (const visual of this.visuals) this.#raise("error", visual.error);
  }

  #markVisuals(state) {
    for (const visual of this.visuals) Object.assign(visual, { state, error: null });
  }

  #raise(event, detail) {
    this.#journal.record("item.event", { event, detail });
    this.#protocol.post(`/${EVENT_PATHS[this.type]}/${this.uid}/events/${event}`, this.uid, detail);
  }
}
