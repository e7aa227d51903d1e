"""The data behind every item: one table of sales, shown on three report pages by region, by product and by month."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

Row = tuple[str, str, str, int]
JsonObject = dict[str, Any]

REGIONS = ("North", "South", "West")
PRODUCTS = ("Bikes", "Helmets")
MONTHS = ("January", "February")

COLUMNS = ("Region", "Product", "Month", "Amount")
ROWS: tuple[Row, ...] = tuple(
    (region, item, month, 100 + 37 * number)
    for number, (region, item, month) in enumerate(product(REGIONS, PRODUCTS, MONTHS))
)


@dataclass(frozen=True)
class Page:
    """A page of a report, with a table of all rows and a chart that sums the amounts by the column `by`."""

    name: str
    display_name: str
    by: str

    def described(self) -> JsonObject:
        """Return the report page's names and visuals, without data, as a JSON object."""
        return {
            "name": self.name,
            "displayName": self.display_name,
            "visuals": [
                {"name": "VisualContainer1", "type": "tableEx", "title": "Sales"},
                {"name": "VisualContainer2", "type": "clusteredColumnChart", "title": self._chart_title},
            ],
        }

    def data(self, filters: Sequence[JsonObject]) -> JsonObject:
        """Return the report page's data under some filters, as a JSON object.

        `filters` have the forms of powerbi-models. A basic filter ("In", "NotIn", "All") on one of the columns selects
        rows. All other filters have no effect, because no rule of the contract looks at the data itself.
        """
        rows = [row for row in ROWS if all(_passes(one, row) for one in filters)]
        key = COLUMNS.index(self.by)
        sums: dict[Any, int] = {}
        for row in rows:
            sums[row[key]] = sums.get(row[key], 0) + row[-1]
        return {
            "page": self.name,
            "table": {"title": "Sales", "columns": COLUMNS, "rows": rows},
            "chart": {
                "title": self._chart_title,
                "points": [{"label": label, "value": value} for label, value in sums.items()],
            },
        }

    @property
    def _chart_title(self) -> str:
        return f"Sales by {self.by.lower()}"


PAGES = (
    Page("ReportSection1", "Page 1", "Region"),
    Page("ReportSection2", "Page 2", "Product"),
    Page("ReportSection3", "Page 3", "Month"),
)


def page_named(name: str | None) -> Page | None:
    """Return the report page of this internal name, the first one for None, or None if there is no such page."""
    if name is None:
        return PAGES[0]
    return next((page for page in PAGES if page.name == name), None)


def _passes(basic_filter: JsonObject, row: Row) -> bool:
    """Return whether a row passes a filter.

    Source: powerbi-models' IBasicFilter, `{target: {table, column}, operator, values}`.
    """
    column = (basic_filter.get("target") or {}).get("column")
    values = basic_filter.get("values")
    if column not in COLUMNS or not isinstance(values, list):
        return True
    value = row[COLUMNS.index(column)]
    if basic_filter.get("operator") == "In":
        return value in values
    if basic_filter.get("operator") == "NotIn":
        return value not in values
    return True
