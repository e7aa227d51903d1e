"""Cross-origin access (CORS) to Entra ID and the REST API, which pages call from their own origins.

Source: the Fetch standard.
"""

from aiohttp import web
from aiohttp.typedefs import Handler


def allow_any_origin(application: web.Application) -> None:
    """Make an application answer preflights, and let pages of every origin read all answers, errors included."""
    application.middlewares.append(_preflight)
    application.on_response_prepare.append(_add_headers)


def is_preflight(request: web.Request) -> bool:
    """Return whether a request is a CORS preflight."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


@web.middleware
async def _preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
    if not is_preflight(request):
        return await handler(request)
    allowed = {
        "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
        "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", ""),
        "Access-Control-Max-Age": "0",  # a browser would count a longer age in real time
    }
    return web.Response(status=204, headers=allowed)


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "RequestId, Retry-After, Date"
