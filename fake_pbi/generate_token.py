"""Checks of the bodies that GenerateToken accepts, in its two versions. Source: the swagger file of PowerBI-CSharp.

The real service's answer to a wrong body is not public. Here each refusal is an `InvalidRequest` that names the field.
"""

from datetime import timedelta
from typing import Any

from fake_pbi.errors import InvalidRequest

MAX_ITEMS = 50
"""Entries that each list of a body may have."""
ACCESS_LEVELS = ("View", "Edit", "Create")
XMLA_PERMISSIONS = ("Off", "ReadOnly")

Body = dict[str, Any]


def check_v1(body: Body) -> None:
    """Check the body for one report, dataset, dashboard or tile. Raise `InvalidRequest` if it is wrong."""
    _one_of(body, "accessLevel", ACCESS_LEVELS)
    _list(body, "identities")


def check_create(body: Body) -> None:
    """Check the body for a report that does not exist yet. Raise `InvalidRequest` if it is wrong."""
    check_v1(body)
    if "datasetId" not in body:
        raise InvalidRequest("datasetId is required to create a report.")


def check_v2(body: Body) -> None:
    """Check the body for several items at once. Raise `InvalidRequest` if it is wrong."""
    for name in ("reports", "datasets", "targetWorkspaces"):
        for item in _list(body, name):
            if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                raise InvalidRequest(f"Each of {name} must be an object with an id.")
    for dataset in body.get("datasets") or []:
        _one_of(dataset, "xmlaPermissions", XMLA_PERMISSIONS)
    for name in ("identities", "datasourceIdentities"):
        _list(body, name)
    if not body.get("reports") and not body.get("datasets"):
        raise InvalidRequest("At least one of reports and datasets is required.")


def max_lifetime(body: Body) -> timedelta | None:
    """Return the longest lifetime that `lifetimeInMinutes` allows, or None for no limit.

    An absent field, null and 0 all mean no limit. Raises `InvalidRequest` for a value that is no number of minutes.
    """
    minutes = body.get("lifetimeInMinutes") or 0
    if not isinstance(minutes, int) or minutes < 0:
        raise InvalidRequest("lifetimeInMinutes must be a positive integer.")
    return timedelta(minutes=minutes) if minutes else None


def _list(body: Body, name: str) -> list[Any]:
    """Return the list in a field, or an empty one without the field. Raise `InvalidRequest` for any other value."""
    items = [] if body.get(name) is None else body[name]
    if not isinstance(items, list):
        raise InvalidRequest(f"{name} must be a list.")
    if len(items) > MAX_ITEMS:
        raise InvalidRequest(f"{name} may have at most {MAX_ITEMS} items.")
    return items


def _one_of(body: Body, name: str, values: tuple[str, ...]) -> None:
    """Raise `InvalidRequest` if a field has another value than these. The field may be absent."""
    if body.get(name) is not None and body[name] not in values:
        raise InvalidRequest(f"{name} must be one of {', '.join(values)}.")
