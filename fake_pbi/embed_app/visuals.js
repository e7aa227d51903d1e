import { element } from "./dom.js";

const DRAW = { tableEx: table, clusteredColumnChart: columns, card };

/**
 * Returns the element of a visual: its title, and its data or the reason why there is none.
 *
 * @param {{name: string, type: string, title: string, state: "loading"|"shown"|"failed", error: ?object}} visual
 * @param {?object} data the report page's data, as the service answers it
 */
export function visualElement(visual, data) {
  return element(
    `section.visual.${visual.type}`,
    { "aria-label": visual.title, "data-state": visual.state },
    element("h2", {}, visual.title),
    element("div.content", {}, ...content(visual, data)),
  );
}

function content(visual, data) {
  if (visual.state === "failed") return [failure(visual.error)];
  if (!data) return [element("p.waiting", {}, "Loading data…")];
  if (data.table.rows.length === 0) return [element("p.waiting", {}, "No data for these filters")];
  return [DRAW[visual.type](data, visual)];
}

/**
 * Returns the message of a visual without data. Source of the text: users' reports of visuals with an expired token.
 */
function failure({ message, detailedMessage }) {
  return element(
    "div.failure",
    { role: "alert", title: detailedMessage },
    element("span.cross", { "aria-hidden": "true" }, "✕"),
    element("p", {}, "Could not load data for this visual"),
    element("p.code", {}, `ClientError_${message}`),
  );
}

function table({ table: { columns: names, rows } }) {
  const amounts = names.length - 1;
  const cells = (tag, values) =>
    values.map((value, index) => element(index === amounts ? `${tag}.number` : tag, {}, shown(value)));
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, ...cells("th", names))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...cells("td", row)))),
    element("tfoot", {}, element("tr", {}, ...cells("td", ["Total", ...names.slice(2).map(() => ""), total(rows)]))),
  );
}

function columns({ chart: { points } }) {
  const highest = Math.max(...points.map(({ value }) => value));
  const bars = points.map(({ label, value }) =>
    element(
      "div.column",
      { title: `${label}: ${shown(value)}` },
      element(
        "div.plot",
        {},
        element("span.value", {}, shown(value)),
        element("div.bar", { style: `--share: ${value / highest}` }),
      ),
      element("span.label", {}, label),
    ),
  );
  return element("div.chart", { role: "img", "aria-label": describeChart(points) }, ...bars);
}

function card({ table: { rows } }, { name }) {
  return element("p.figure", {}, shown(name === "CardRows" ? rows.length : total(rows)));
}

function describeChart(points) {
  return points.map(({ label, value }) => `${label} ${shown(value)}`).join(", ");
}

function total(rows) {
  return rows.reduce((sum, row) => sum + row.at(-1), 0);
}

function shown(value) {
  return typeof value === "number" ? value.toLocaleString("en-US") : value;
}
