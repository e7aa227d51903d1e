const { FiltersOperations } = window["powerbi-models"];

const BASIC_SCHEMA = "http://powerbi.com/product/schema#basic";
const BASIC = 1;

/**
 * The filters of a load request. Source: powerbi-models' ReportLevelFilters[] and IOnLoadFilters.
 *
 * @returns {{report: object[], page: object[]}}
 */
export function filtersOfLoad(filters) {
  if (Array.isArray(filters)) return { report: filters, page: [] };
  return { report: filters?.allPages?.filters ?? [], page: filters?.currentPage?.filters ?? [] };
}

/**
 * Filters after an update request. Source: powerbi-models' FiltersOperations.
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

/** The basic filter that lets only these values of a column through; without values every one. */
export function valuesOf(column, values) {
  return {
    $schema: BASIC_SCHEMA,
    filterType: BASIC,
    target: { table: "Sales", column },
    operator: values.length > 0 ? "In" : "All",
    values,
  };
}

/** The values that a list of filters chooses of a column; none where all are let through. */
export function chosen(filters, column) {
  const filter = filters.find((one) => one.target?.column === column && one.operator === "In");
  return filter?.values ?? [];
}

/** One line for people: "Region is North or South". */
export function inWords(filters) {
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
