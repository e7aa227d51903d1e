"""What the cloud's endpoints have in common in reading a request."""

from typing import Any

from aiohttp import web

from fake_pbi.errors import InvalidRequest


async def json_body(request: web.Request) -> Any:
    """The body read as JSON, whatever its content type says (a beacon's says text). Raises `InvalidRequest`."""
    try:
        return await request.json()
    except ValueError as error:
        raise InvalidRequest("The request body is not valid JSON.") from error


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body read as a JSON object; an empty body is an empty object. Raises `InvalidRequest`."""
    if not await request.read():
        return {}
    body = await json_body(request)
    if not isinstance(body, dict):
        raise InvalidRequest("The request body is not a JSON object.")
    return body
