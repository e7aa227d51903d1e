const models = window["powerbi-models"];

/**
 * Requests that the fake accepts without any effect: method, URL, status, body. Source: the SDK's mockEmbed.ts.
 *
 * @type {["get"|"post"|"put"|"patch"|"delete", string, number, any][]}
 */
const WITHOUT_EFFECT = [
  ["patch", "/report/settings", 202, {}],
  ["get", "/report/theme", 200, {}],
  ["put", "/report/theme", 202, {}],
  ["get", "/report/zoom", 200, 1],
  ["get", "/report/bookmarks", 200, []],
  ["get", "/report/hasUnsavedChanges", 200, false],
  ["get", "/report/isUserStateApplied", 200, false],
  ["post", "/report/userState", 202, {}],
  ["delete", "/report/userState", 202, {}],
  ["post", "/report/switchMode/:mode", 202, {}],
  ["post", "/report/print", 202, {}],
  ["post", "/report/closeAllOverlays", 202, {}],
  ["post", "/report/clearSelectedVisuals/:all", 202, {}],
  ["get", "/report/pages/:page/layoutTypes/:layout", 200, false],
];

/**
 * Adds a route for each request of the SDK that the fake knows. Source: the `hpm` calls in the SDK's source.
 *
 * @param {import("./protocol.js").Protocol} protocol
 * @param {import("./item.js").Item} item
 * @param {object} options
 * @param {string} options.frameUid the `uid` in the frame's address
 * @param {"first"|"last"} options.hookAddress the uid whose provider is called: "first" is `frameUid`, "last" the last
 *   load's
 */
export function addRoutes(protocol, item, { frameUid, hookAddress }) {
  const load = (validate, render) => (request) => {
    const config = request.body;
    const errors = validate(config ?? {});
    if (errors) return { status: 400, body: errors };
    const uid = request.headers.uid ?? config.uniqueId ?? frameUid;
    const hookUid = hookAddress === "first" ? frameUid : uid;
    const provided = request.headers.tokenProviderSupplied === true;
    item.load(config, { uid, hookUid: provided ? hookUid : null, render });
    return { status: 202 };
  };
  const setAccessToken = async ({ body }) => {
    await item.applyToken(String(body), "setAccessToken");
    return { status: 202 };
  };

  protocol.route("post", "/frontload/config", () => ({ status: 202 }));
  protocol.route("post", "/report/load", load(models.validateReportLoad, true));
  protocol.route("post", "/report/prepare", load(models.validateReportLoad, false));
  protocol.route("post", "/report/create", load(models.validateCreateReport, true));
  protocol.route("post", "/quickcreate", load(models.validateQuickCreate, true));
  protocol.route("post", "/dashboard/load", load(models.validateDashboardLoad, true));
  protocol.route("post", "/tile/load", load(models.validateTileLoad, true));
  protocol.route("post", "/report/token", setAccessToken);
  protocol.route("post", "/dashboard/token", setAccessToken);
  protocol.route("post", "/tile/token", setAccessToken);
  protocol.route("post", "/report/render", ({ body }) => {
    item.render(body);
    return { status: 202 };
  });
  protocol.route("get", "/getCorrelationId", () => ({ status: 200, body: item.correlationId }));
  addReportRoutes(protocol, item);
  for (const [method, url, status, body] of WITHOUT_EFFECT) protocol.route(method, url, () => ({ status, body }));
  protocol.refuseOthers();
}

function addReportRoutes(protocol, item) {
  const whenLoaded = (handle) => (request) =>
    item.loaded ? handle(request) : { status: 400, body: { message: "The report is not loaded" } };
  const onPage = (handle) =>
    whenLoaded((request) => {
      const page = item.pages.find(({ name }) => name === request.params.page);
      return page ? handle(request, page) : pageNotFound(request.params.page);
    });
  const route = (method, url, handle) => protocol.route(method, url, whenLoaded(handle));

  route("get", "/report/pages", () => ({ status: 200, body: item.describedPages() }));
  route("put", "/report/pages/active", ({ body }) => {
    const errors = models.validatePage(body);
    if (errors) return { status: 400, body: errors };
    return item.changePage(body.name, "sdk") ? { status: 202 } : pageNotFound(body.name);
  });
  route("post", "/report/refresh", () => {
    item.refresh();
    return { status: 202 };
  });
  protocol.route(
    "get",
    "/report/pages/:page/visuals",
    onPage((_, page) => ({ status: 200, body: item.describedVisuals(page) })),
  );

  const addFilters = (url, guard, read, update) => {
    protocol.route("get", url, guard((request) => ({ status: 200, body: read(request) ?? [] })));
    protocol.route("post", url, guard((request) => updateFilters(request.body, (change) => update(request, change))));
    protocol.route("put", url, guard((request) => setFilters(request.body, (change) => update(request, change))));
  };
  addFilters(
    "/report/filters",
    whenLoaded,
    () => item.reportFilters,
    (_, change) => item.updateReportFilters(change),
  );
  addFilters(
    "/report/pages/:page/filters",
    onPage,
    ({ params }) => item.pageFilters[params.page],
    ({ params }, change) => item.updatePageFilters(params.page, change),
  );
  addFilters(
    "/report/pages/:page/visuals/:visual/filters",
    onPage,
    ({ params }) => item.visualFilters[params.visual],
    ({ params }, change) => item.updateVisualFilters(params.visual, change),
  );
}

function updateFilters(change, apply) {
  const errors = models.validateUpdateFiltersRequest(change ?? {});
  if (errors) return { status: 400, body: errors };
  apply(change);
  return { status: 202 };
}

function setFilters(filters, apply) {
  const replaceAll = { filtersOperation: models.FiltersOperations.ReplaceAll, filters };
  const errors = Array.isArray(filters)
    ? filters.flatMap((one) => models.validateFilter(one) ?? [])
    : [{ message: "filters must be an array" }];
  if (errors.length > 0) return { status: 400, body: errors };
  apply(replaceAll);
  return { status: 202 };
}

function pageNotFound(name) {
  return { status: 400, body: [{ message: "pageNotFound", detailedMessage: `There is no page named ${name}` }] };
}
