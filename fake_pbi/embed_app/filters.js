const { FiltersOperations } = window["powerbi-models"];

const BASIC_SCHEMA = "http://powerbi.com/product/schema#basic";
const BASIC = 1;

/**
 * Returns the filters of a load request, for all report pages and for the first one shown. Source: powerbi-models'
 * ReportLevelFilters[] and IOnLoadFilters.
 *
 * @returns {{report: object[], page: object[]}}
 */
export function filtersOfLoad(filters) {
  if (Array.isArray(filters)) return { report: filters, page: [] };
  return { report: filters?.allPages?.filters ?? [], page: filters?.currentPage?.filters ?? [] };
}

/**
 * Returns a list of filters as an update request changes it. Source: powerbi-models' FiltersOperations.
 *
 * @param {object[]} current
 * @param {{filtersOperation: number, filters?: object[]}} update
 */
export function updated(current, { filtersOperation, filters = [] }) {
  switch (filtersOperation) {
    case FiltersOperations.RemoveAll:
      return [];
    case FiltersOperations.ReplaceAll:
      return filters;
    case FiltersOperations.Add:
      return [...current, ...filters];
    default:
      return [...current.filter((one) => !filters.some((other) => sameTarget(one, other))), ...filters];
  }
}

/** Returns a basic filter that passes only these values of a column. An empty list of values passes all of them. */
export function basicFilter(column, values) {
  return {
    $schema: BASIC_SCHEMA,
    filterType: BASIC,
    target: { table: "Sales", column },
    operator: values.length > 0 ? "In" : "All",
    values,
  };
}

/** Returns the values of a column that a list of filters passes. An empty list means all values. */
export function selectedValues(filters, column) {
  const filter = filters.find((one) => one.target?.column === column && one.operator === "In");
  return filter?.values ?? [];
}

/** Returns a description of filters in one line: "Region is North or South". */
export function describeFilters(filters) {
  const parts = filters.map(({ target, operator, values = [] }) => {
    const column = target?.column ?? target?.measure ?? "something";
    if (operator === "In") return `${column} is ${values.join(" or ")}`;
    return operator === "All" ? `${column} is (All)` : `${column} is filtered`;
  });
  return parts.join(", ") || "no filter";
}

function sameTarget(one, other) {
  return JSON.stringify(one.target) === JSON.stringify(other.target);
}
