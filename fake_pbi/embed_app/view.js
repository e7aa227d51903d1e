import { element, refill } from "./dom.js";
import { selectedValues } from "./filters.js";
import { visualElement } from "./visuals.js";

const MINUTE_MS = 60_000;

/** Draws the item, and passes the user's clicks on to it. */
export class View {
  #item;
  #token;
  #act;
  #options = new Map();

  #title = element("header.title");
  #canvas = element("main.canvas");
  #filters = element("aside.filters", { "aria-label": "Filters" });
  #tabs = element("nav.tabs", { role: "tablist", "aria-label": "Pages" });
  #status = element("footer.status", { role: "status" });
  #dialog = element("div.dialog", { role: "alertdialog", "aria-labelledby": "failure" });

  /**
   * @param {import("./item.js").Item} item
   * @param {import("./token.js").CurrentToken} token
   * @param {(action: object) => Promise<void>} act performs an action of the user
   */
  constructor(item, token, act) {
    this.#item = item;
    this.#token = token;
    this.#act = act;
    document.body.classList.add(item.type);
    document.body.append(this.#title, this.#canvas, this.#filters, this.#tabs, this.#status, this.#dialog);
  }

  /** Draws everything again. */
  draw() {
    const { loaded, config, type } = this.#item;
    const { navContentPaneEnabled, filterPaneEnabled, panes } = config.settings ?? {};
    const isReport = type === "report" && loaded && config.type !== "visual";
    this.#filters.hidden = !(isReport && (panes?.filters?.visible ?? filterPaneEnabled ?? true));
    this.#tabs.hidden = !(isReport && (panes?.pageNavigation?.visible ?? navContentPaneEnabled ?? true));
    this.#rememberOptions();
    this.#drawTitle();
    this.#drawCanvas();
    this.#drawFilters();
    this.#drawTabs();
    this.#drawDialog();
    this.drawStatus();
  }

  /** Draws the token's status again. The remaining time does not count down by itself. */
  drawStatus() {
    const token = this.#token.described();
    this.#status.dataset.state = token?.state ?? "none";
    refill(this.#status, element("span", {}, describeToken(token)), element("span.fake", {}, "Fake Power BI service"));
  }

  #drawTitle() {
    const { title, loaded, type } = this.#item;
    refill(
      this.#title,
      element("h1", {}, title || (type === "report" ? "Report" : "")),
      element(
        "button",
        {
          type: "button",
          disabled: loaded ? false : "",
          "data-key": "refresh",
          onclick: () => this.#act({ kind: "refresh" }),
        },
        "Refresh",
      ),
    );
  }

  #drawCanvas() {
    const { type, loaded, error, visuals, data } = this.#item;
    if (loaded) refill(this.#canvas, ...visuals.map((visual) => visualElement(visual, data)));
    else refill(this.#canvas, error ? null : element("p.waiting", {}, `Loading the ${type}…`));
  }

  #drawTabs() {
    const { pages, page } = this.#item;
    const tabs = pages.map(({ name, displayName }) =>
      element(
        "button",
        {
          type: "button",
          role: "tab",
          "aria-selected": String(name === page.name),
          "data-key": name,
          onclick: () => this.#act({ kind: "page", name }),
        },
        displayName,
      ),
    );
    refill(this.#tabs, ...tabs);
  }

  /** Keeps the values of every column for the filter pane, because filtered data contains only some of them. */
  #rememberOptions() {
    const { columns = [], rows = [] } = this.#item.data?.table ?? {};
    columns.slice(0, -1).forEach((column, index) => {
      const seen = this.#options.get(column) ?? new Set();
      rows.forEach((row) => seen.add(row[index]));
      this.#options.set(column, seen);
    });
  }

  #drawFilters() {
    const cards = [...this.#options].map(([column, values]) => this.#filterCard(column, [...values]));
    refill(this.#filters, element("h2", {}, "Filters"), ...cards);
  }

  #filterCard(column, values) {
    const selected = selectedValues(this.#item.reportFilters, column);
    const select = (value, on) =>
      this.#act({
        kind: "filter",
        column,
        values: on ? [...selected, value] : selected.filter((other) => other !== value),
      });
    const boxes = values.map((value) =>
      element(
        "label",
        {},
        element("input", {
          type: "checkbox",
          checked: selected.includes(value) ? "" : false,
          "data-key": `${column} ${value}`,
          onchange: (event) => select(value, event.target.checked),
        }),
        value,
      ),
    );
    const summary = selected.length > 0 ? `is ${selected.join(" or ")}` : "is (All)";
    return element("fieldset", {}, element("legend", {}, column), element("p", {}, summary), ...boxes);
  }

  /**
   * Draws the dialog of a failed load. `settings.hideErrors` hides it. Source: the article "Override error messages".
   */
  #drawDialog() {
    const { error, config, type } = this.#item;
    this.#dialog.hidden = !error || config.settings?.hideErrors === true;
    if (!error) return;
    refill(
      this.#dialog,
      element("h2", { id: "failure" }, `This ${type} could not be loaded`),
      element("p", {}, error.detailedMessage),
      element("p.code", {}, `${error.message} · status ${error.errorCode}`),
    );
  }
}

function describeToken(token) {
  if (!token) return "No token yet";
  const name = `Token ${token.name}`;
  if (!token.expires) return `${name} · the service does not know it`;
  const at = `${token.expires.slice(11, 19)} UTC`;
  if (token.state === "expired") return `${name} · expired ${at}`;
  return `${name} · expires ${at} · ${describeTime(token.remainingMs)} left`;
}

function describeTime(milliseconds) {
  if (milliseconds < MINUTE_MS) return `${Math.ceil(milliseconds / 1000)} s`;
  const minutes = Math.round(milliseconds / MINUTE_MS);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
