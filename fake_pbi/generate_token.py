"""What GenerateToken accepts: the bodies of its two versions. Source: the swagger file of PowerBI-CSharp.

What the service answers to a wrong body is not public; each refusal is an `InvalidRequest` that names the field.
"""

from datetime import timedelta
from typing import Any

from fake_pbi.errors import InvalidRequest

MOST_ITEMS = 50
ACCESS_LEVELS = ("View", "Edit", "Create")
XMLA_PERMISSIONS = ("Off", "ReadOnly")

Body = dict[str, Any]


def check_v1(body: Body) -> None:
    """The body for one report, dataset, dashboard or tile."""
    _one_of(body, "accessLevel", ACCESS_LEVELS)
    _list(body, "identities")


def check_create(body: Body) -> None:
    """The body for a report that is to be made."""
    check_v1(body)
    if "datasetId" not in body:
        raise InvalidRequest("datasetId is required to create a report.")


def check_v2(body: Body) -> None:
    """The body for many items at once."""
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


def max_life(body: Body) -> timedelta | None:
    """The longest life that `lifetimeInMinutes` allows; absent, null and 0 all mean no limit."""
    minutes = body.get("lifetimeInMinutes") or 0
    if not isinstance(minutes, int) or minutes < 0:
        raise InvalidRequest("lifetimeInMinutes must be a positive integer.")
    return timedelta(minutes=minutes) if minutes else None


def _list(body: Body, name: str) -> list[Any]:
    items = [] if body.get(name) is None else body[name]
    if not isinstance(items, list):
        raise InvalidRequest(f"{name} must be a list.")
    if len(items) > MOST_ITEMS:
        raise InvalidRequest(f"{name} may have at most {MOST_ITEMS} items.")
    return items


def _one_of(body: Body, name: str, values: tuple[str, ...]) -> None:
    if body.get(name) is not None and body[name] not in values:
        raise InvalidRequest(f"{name} must be one of {', '.join(values)}.")
