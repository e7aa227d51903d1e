import { loadError, queryError } from "./errors.js";
import { basicFilter, describeFilters, filtersOfLoad, updated } from "./filters.js";

const EVENT_PATHS = { report: "reports", dashboard: "dashboards", tile: "tile" };
const PAGE_SIZE = { type: 0, width: 1280, height: 720 };

/** The visuals that a dashboard shows in addition to those of the first report page. */
const CARDS = [
  { name: "CardAmount", type: "card", title: "Total amount" },
  { name: "CardRows", type: "card", title: "Orders" },
];
/** The type of the only visual that a tile shows. */
const CHART = "clusteredColumnChart";

/**
 * The report, dashboard or tile in the frame: its content, and the actions of its user and its page.
 *
 * Every action of the user makes a data request with the current token. No event is raised when the token expires; the
 * next data request fails. Source: reports of users. One data request serves all visuals, which is a simplification of
 * this fake.
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
   * @param {object} parts the objects that the item works with
   * @param {"report"|"dashboard"|"tile"} parts.type
   * @param {import("./service.js").Service} parts.service
   * @param {import("./token.js").CurrentToken} parts.token
   * @param {import("./hook.js").ProviderHook} parts.hook
   * @param {import("./protocol.js").Protocol} parts.protocol
   * @param {import("./journal.js").Journal} parts.journal
   * @param {() => void} parts.changed called whenever the view has to be drawn again
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
   * Loads the item from the beginning, with the token, the report page and the filters of the load request. Source:
   * reload() in the SDK's embed.ts.
   *
   * @param {object} config the load request's body
   * @param {object} options
   * @param {string} options.uid the load request's uid, to which events are posted
   * @param {?string} options.hookUid the uid whose provider is called; null without a provider
   * @param {boolean} options.render false in the first phase of a phased load
   */
  load(config, { uid, hookUid, render }) {
    const load = ++this.#loads;
    this.#queries++;
    this.#hook.setUid(null);
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
    await this.#token.applyFromLoad(this.config.accessToken, this.config.tokenType);
    if (load !== this.#loads) return;
    this.#hook.tokenChanged();
    this.#hook.setUid(hookUid);
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
    this.page = this.#pageNamed(this.config.pageName) ?? this.pages[0];
    this.pageFilters = { [this.page.name]: pageFilters };
    this.loaded = true;
    this.#showVisuals();
    this.#changed();
    this.#raise("loaded", { initiator: "sdk" });
    if (render) await this.#query("render", null, this.type === "tile" ? "tileLoaded" : "rendered");
  }

  /**
   * Runs the second phase of a phased load. Source: render() in the SDK's report.ts.
   *
   * @param {object|undefined} config the settings that differ from those of the first phase
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
    this.page = this.#pageNamed(config?.pageName) ?? this.page;
    this.#showVisuals();
    await this.#query("render", null, "rendered");
  }

  /**
   * Makes a token the current one.
   *
   * @param {string} text
   * @param {"setAccessToken"|"hook"} how the way in which the token reached the item
   */
  async applyToken(text, how) {
    await this.#token.apply(text, how);
    this.#hook.tokenChanged();
    this.#changed();
  }

  /**
   * Shows a report page and requests its data, even if the page is shown already.
   *
   * @param {string} name the page's internal name, or the name on its tab
   * @param {"sdk"|"user"} initiator
   * @returns {?Promise<void>} null if there is no such page
   */
  changePage(name, initiator) {
    const page = this.#pageNamed(name);
    if (!page) return null;
    this.page = page;
    this.data = null;
    this.#showVisuals();
    this.#raise("pageChanged", { initiator, newPage: this.#described(page) });
    return this.#query("pageChange", page.displayName, "rendered");
  }

  /**
   * Sets the filter of a column as the user does in the filter pane.
   *
   * @param {string} column
   * @param {string[]} values the values to show; an empty list shows all
   */
  selectValues(column, values) {
    const others = this.reportFilters.filter((one) => one.target?.column !== column);
    this.reportFilters = values.length > 0 ? [...others, basicFilter(column, values)] : others;
    return this.#applyFilters([basicFilter(column, values)], "user");
  }

  /**
   * Changes the filters of all report pages.
   *
   * @param {object} update powerbi-models' IUpdateFiltersRequest
   */
  updateReportFilters(update) {
    this.reportFilters = updated(this.reportFilters, update);
    return this.#applyFilters(this.reportFilters, "sdk");
  }

  /** Changes the filters of one report page. Only those of the page that is shown affect its data. */
  updatePageFilters(page, update) {
    this.pageFilters[page] = updated(this.pageFilters[page] ?? [], update);
    return this.#applyFilters(this.pageFilters[page], "sdk");
  }

  /** Changes the filters of one visual. The SDK can read them back, but the fake does not apply them to the data. */
  updateVisualFilters(visual, update) {
    this.visualFilters[visual] = updated(this.visualFilters[visual] ?? [], update);
    return this.#applyFilters(this.visualFilters[visual], "sdk");
  }

  #applyFilters(filters, initiator) {
    this.#raise("filtersApplied", { initiator, filters });
    return this.#query("filter", describeFilters(filters), "rendered");
  }

  /** Requests the data of the report page again. */
  refresh() {
    return this.#query("refresh", null, this.type === "tile" ? "tileLoaded" : "rendered");
  }

  /** Returns the report pages as powerbi-models' IPage. */
  describedPages() {
    return this.pages.map((page) => this.#described(page));
  }

  /** Returns the visuals of a report page as powerbi-models' IVisual. */
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

  #pageNamed(name) {
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
