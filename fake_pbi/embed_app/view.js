import { element, refill } from "./dom.js";
import { chosen } from "./filters.js";
import { visualElement } from "./visuals.js";

const MINUTE = 60_000;

/** Draws the item, and hands the user's clicks to it. */
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
   * @param {import("./token.js").HeldToken} token
   * @param {(action: object) => Promise<void>} act
   */
  constructor(item, token, act) {
    this.#item = item;
    this.#token = token;
    this.#act = act;
    document.body.classList.add(item.type);
    document.body.append(this.#title, this.#canvas, this.#filters, this.#tabs, this.#status, this.#dialog);
  }

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

  /** To be drawn anew where the time that is left may have become less; it does not tick. */
  drawStatus() {
    const token = this.#token.described();
    this.#status.dataset.state = token?.state ?? "none";
    refill(this.#status, element("span", {}, statusInWords(token)), element("span.fake", {}, "Fake Power BI service"));
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

  /** The values to choose from are those that were seen before a filter took some away. */
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
    const now = chosen(this.#item.reportFilters, column);
    const choose = (value, on) =>
      this.#act({ kind: "filter", column, values: on ? [...now, value] : now.filter((other) => other !== value) });
    const boxes = values.map((value) =>
      element(
        "label",
        {},
        element("input", {
          type: "checkbox",
          checked: now.includes(value) ? "" : false,
          "data-key": `${column} ${value}`,
          onchange: (event) => choose(value, event.target.checked),
        }),
        value,
      ),
    );
    const summary = now.length > 0 ? `is ${now.join(" or ")}` : "is (All)";
    return element("fieldset", {}, element("legend", {}, column), element("p", {}, summary), ...boxes);
  }

  /** Source: `settings.hideErrors` hides dialogs, while the events are raised (the article "Override error messages"). */
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

function statusInWords(token) {
  if (!token) return "No token yet";
  const name = `Token ${token.name}`;
  if (!token.expires) return `${name} · the service does not know it`;
  const at = `${token.expires.slice(11, 19)} UTC`;
  if (token.state === "expired") return `${name} · expired ${at}`;
  return `${name} · expires ${at} · ${left(token.remainingMs)} left`;
}

function left(milliseconds) {
  if (milliseconds < MINUTE) return `${Math.ceil(milliseconds / 1000)} s`;
  const minutes = Math.round(milliseconds / MINUTE);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
