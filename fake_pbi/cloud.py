"""The fake Power BI cloud: one TLS server that answers for all of its hosts."""

from email.utils import format_datetime
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from fake_pbi.certificate import Certificate
from fake_pbi.cors import allow_any_origin, is_preflight
from fake_pbi.embed import Embed
from fake_pbi.entra import Entra
from fake_pbi.errors import ServiceError
from fake_pbi.faults import Fault, Faults
from fake_pbi.gateway import Gateway
from fake_pbi.hosts import API, APP, LOGIN
from fake_pbi.rest import Rest
from fake_pbi.tenant import Tenant
from fake_pbi.token_answers import TokenAnswers
from fake_pbi.tokens import TokenBook
from harness.base.journal import Journal, Now
from harness.base.server import Server

SHUTDOWN_TIMEOUT_S = 0.01
"""Real seconds that `stop` waits for pending requests."""


class Cloud:
    """Entra ID, the REST API and app.powerbi.com for one tenant, with the gateway that leads a browser to them.

    `now` returns service time. `npm` is a node_modules folder with Microsoft's packages; without them the constructor
    raises `FileNotFoundError`. Call `start` and `stop` on the same asyncio loop.

    `journal` records everything that happens here. `faults` makes endpoints fail. `tenant` may be changed at any time.
    """

    def __init__(self, now: Now, *, npm: Path, certificate: Certificate, tenant: Tenant | None = None) -> None:
        self.tenant = tenant or Tenant()
        self.journal = Journal(now)
        self.tokens = TokenBook(now, self.journal)
        self.answers = TokenAnswers(now, self.tenant, self.tokens)
        self.faults = Faults(now, self.journal)
        self.gateway = Gateway(self.journal)
        self.embed = Embed(now, self.journal, self.tenant, self.tokens, npm=npm)
        self._now = now
        self._certificate = certificate
        self._server = Server(self._application(), shutdown_timeout_s=SHUTDOWN_TIMEOUT_S)

    async def start(self) -> None:
        """Listen on loopback. TLS is on `tls_port`, the proxy at `gateway.url`."""
        await self._server.start(ssl_context=self._certificate.ssl_context())
        await self.gateway.start(self.tls_port)

    @property
    def tls_port(self) -> int:
        """The port on loopback that answers for all hosts of the cloud."""
        return self._server.port

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self.gateway.stop()
        await self._server.stop()

    def _application(self) -> web.Application:
        entra = Entra(self._now, self.tenant, self.tokens).application()
        rest = Rest(self.tenant, self.tokens).application()
        allow_any_origin(entra)
        allow_any_origin(rest)
        application = web.Application(middlewares=[self._answer_faults, self._answer_errors])
        application.on_response_prepare.append(self._set_date)
        application.add_domain(LOGIN, entra)
        application.add_domain(API, rest)
        application.add_domain(APP, self.embed.application())
        return application

    async def _set_date(self, request: web.Request, response: web.StreamResponse) -> None:
        """Set the Date header to service time: clients compare it with their own clock."""
        response.headers["Date"] = format_datetime(self._now(), usegmt=True)

    @web.middleware
    async def _answer_faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = None if is_preflight(request) else self.faults.for_request(str(request.url), request.method)
        return _faulty_answer(request, fault) if fault else await handler(request)

    @web.middleware
    async def _answer_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except ServiceError as error:
            return web.json_response(error.body(self._now()), status=error.status)


def _faulty_answer(request: web.Request, fault: Fault) -> web.Response:
    """Return the fault's answer. For a "drop", close the connection first, so that no answer arrives."""
    if fault.kind == "drop" and request.transport:
        request.transport.abort()
    return web.Response(status=fault.status, content_type=fault.content_type, text=fault.body)
