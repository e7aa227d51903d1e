import { ProviderHook } from "./hook.js";
import { Item } from "./item.js";
import { Journal } from "./journal.js";
import { Protocol } from "./protocol.js";
import { addRoutes } from "./routes.js";
import { Service } from "./service.js";
import { CurrentToken } from "./token.js";
import { View } from "./view.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const frameUid = new URLSearchParams(location.search).get("uid");

const journal = new Journal(settings.item);
const protocol = new Protocol(journal);
const service = new Service(settings.item, journal);
const token = new CurrentToken(service, settings.lateToken);
const hook = new ProviderHook({
  leadMs: settings.hookLeadMs,
  retryMs: settings.hookRetryMs,
  token,
  protocol,
  journal,
  accept: (text) => item.applyToken(text, "hook"),
});
const item = new Item({
  type: settings.type,
  service,
  token,
  hook,
  protocol,
  journal,
  changed: () => view.draw(),
});
const view = new View(item, token, act);

/**
 * Performs an action of the user. An action that the item does not offer now has no effect.
 *
 * @param {{kind: "page", name: string}|{kind: "filter", column: string, values: string[]}|{kind: "refresh"}} action
 */
async function act(action) {
  if (!item.loaded) return;
  if (action.kind === "refresh") await item.refresh();
  if (item.type !== "report") return;
  if (action.kind === "page") await item.changePage(action.name, "user");
  if (action.kind === "filter") await item.selectValues(action.column, action.values);
}

/** Returns what the item shows. The harness reads it through DevTools. */
function state() {
  return {
    type: item.type,
    loaded: item.loaded,
    page: item.page?.displayName ?? null,
    pages: item.pages.map(({ displayName }) => displayName),
    filters: [...item.reportFilters, ...(item.pageFilters[item.page?.name] ?? [])],
    token: token.described(),
    visuals: item.visuals.map(({ title, state: shows, error }) => ({ title, state: shows, error })),
    error: item.error,
  };
}

globalThis.embeddedItem = { item: settings.item, state, act };

addRoutes(protocol, item, { frameUid, hookAddress: settings.hookAddress });
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "visible") return;
  hook.userReturned();
  view.drawStatus();
});
document.addEventListener("resume", () => hook.userReturned());
view.draw();
protocol.post(`/ready/${frameUid}`, frameUid, {});
