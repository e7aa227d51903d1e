"""Reading the JSON bodies of requests to the fake cloud."""

from typing import Any

from aiohttp import web

from fake_pbi.errors import InvalidRequest


async def json_body(request: web.Request) -> Any:
    """Return the request's body, read as JSON. Raise `InvalidRequest` if it is not valid JSON.

    The content type does not matter: a beacon sends its JSON as text.
    """
    try:
        return await request.json()
    except ValueError as error:
        raise InvalidRequest("The request body is not valid JSON.") from error


async def json_object(request: web.Request) -> dict[str, Any]:
    """Return the request's body, read as a JSON object. Raise `InvalidRequest` for any other JSON.

    An empty body counts as an empty object.
    """
    if not await request.read():
        return {}
    body = await json_body(request)
    if not isinstance(body, dict):
        raise InvalidRequest("The request body is not a JSON object.")
    return body
