"""The service's error answers: a class for each, with its HTTP status, its code and Microsoft's own sentence.

"Source" names the Microsoft article or the public bug report that shows the answer. Without one, the class says what
is assumed.
"""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from fake_pbi.tokens import utc_text


class ServiceError(Exception):
    """An error that the service answers. `sentence` is its text for people."""

    status: ClassVar[int] = 400
    code: ClassVar[str]

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def body(self, now: datetime) -> dict[str, Any]:
        """Return the JSON object of the answer. `now` is service time."""
        raise NotImplementedError


class PowerBIError(ServiceError):
    """An error of Power BI with a code and a message. Source: troubleshoot-rest-api."""

    def body(self, now: datetime) -> dict[str, Any]:
        """Return the JSON object of the answer."""
        return {"error": {"code": self.code, "message": self.sentence}}


class TokenExpired(PowerBIError):
    """A request with an expired token. Source: troubleshoot-rest-api."""

    status = 403
    code = "TokenExpired"

    def __init__(self) -> None:
        super().__init__("Access token has expired, resubmit with a new access token")


class LoadFailed(PowerBIError):
    """A request of an item with an unusable token, or with a token of another type than the page declared.

    Source: embedded-troubleshoot.
    """

    status = 403
    code = "LoadReportFailed"

    def __init__(self) -> None:
        super().__init__("Fail to initialize - Couldn't resolve cluster")


class InvalidRequest(PowerBIError):
    """A request whose body the operation does not accept. The code is assumed: no such answer is public."""

    code = "InvalidRequest"


class PowerBIException(ServiceError):
    """An error of Power BI with a code but without a message, in the `pbi.error` form of the service's exceptions."""

    def __init__(self) -> None:
        super().__init__(self.code)

    def body(self, now: datetime) -> dict[str, Any]:
        """Return the JSON object of the answer."""
        detail = {"code": self.code, "parameters": {}, "details": [], "exceptionCulprit": 1}
        return {"error": {"code": self.code, "pbi.error": detail}}


class NotAuthorized(PowerBIException):
    """A request without a bearer token, or with one that is no Entra token.

    Source: powerbi-docs#1096 for the form. That a missing token gets the same answer is assumed.
    """

    status = 401
    code = "PowerBINotAuthorizedException"


class EntityNotFound(PowerBIException):
    """A request for an item, or a part of an item, that does not exist. Source: powerbi-powershell-modules#66."""

    status = 404
    code = "PowerBIEntityNotFound"


class EntraError(ServiceError):
    """An error of Entra ID. `number` is its AADSTS number, `code` the error code of OAuth.

    Source: Entra reference-error-codes.
    """

    number: ClassVar[int]

    def body(self, now: datetime) -> dict[str, Any]:
        """Return the JSON object of the answer."""
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        timestamp = utc_text(now).replace("T", " ")
        lines = (
            f"AADSTS{self.number}: {self.sentence}",
            f"Trace ID: {trace}",
            f"Correlation ID: {correlation}",
            f"Timestamp: {timestamp}",
        )
        return {
            "error": self.code,
            "error_description": "\r\n".join(lines),
            "error_codes": [self.number],
            "timestamp": timestamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.number}",
        }


class UnknownInstance(EntraError):
    """An instance discovery for a host that is not Entra ID's. Source: MSAL Python's authority.py."""

    code, number = "invalid_instance", 50049

    def __init__(self) -> None:
        super().__init__("Unknown or invalid instance.")


class UnknownTenant(EntraError):
    """A request whose address names another tenant."""

    code, number = "invalid_request", 90002

    def __init__(self, tenant: str) -> None:
        super().__init__(
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud."
        )


class MissingParameter(EntraError):
    """A request whose form lacks a field."""

    code, number = "invalid_request", 900144

    def __init__(self, name: str) -> None:
        super().__init__(f"The request body must contain the following parameter: '{name}'.")


class UnsupportedGrant(EntraError):
    """A request for an OAuth grant that the fake does not have."""

    code, number = "unsupported_grant_type", 70003

    def __init__(self, grant: str) -> None:
        super().__init__(f"The app requested an unsupported grant type '{grant}'.")


class UnknownClient(EntraError):
    """A request of an app that the tenant does not have."""

    code, number = "unauthorized_client", 700016

    def __init__(self, client_id: str, tenant_id: str) -> None:
        super().__init__(f"Application with identifier '{client_id}' was not found in the directory '{tenant_id}'.")


class MissingSecret(EntraError):
    """A request of an app without its secret. Status 401 was seen in practice."""

    status = 401
    code, number = "invalid_client", 7000218

    def __init__(self) -> None:
        super().__init__(
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        )


class WrongSecret(EntraError):
    """A request of an app with a wrong secret. Status 401 was seen in practice."""

    status = 401
    code, number = "invalid_client", 7000215

    def __init__(self, client_id: str) -> None:
        super().__init__(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client_id}'."
        )


class NotDefaultScope(EntraError):
    """A request for a token of the app itself that names single permissions."""

    code, number = "invalid_scope", 1002012

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
            "/.default suffixed to the resource identifier (application ID URI)."
        )


class UnknownResource(EntraError):
    """A request with a scope of another resource than Power BI."""

    code, number = "invalid_resource", 500011

    def __init__(self, scope: str, tenant_id: str) -> None:
        super().__init__(f"The resource principal named {scope} was not found in the tenant named {tenant_id}.")


class InvalidGrant(EntraError):
    """A request with a text that is no refresh token of Entra ID."""

    code, number = "invalid_grant", 9002313

    def __init__(self) -> None:
        super().__init__("Invalid request. Request is malformed or invalid.")


class GrantInactive(EntraError):
    """A request with a refresh token that was not used for too long."""

    code, number = "invalid_grant", 700082

    def __init__(self, issued: datetime) -> None:
        super().__init__(
            f"The refresh token has expired due to inactivity. The token was issued on {utc_text(issued)} and was "
            "inactive for 90.00:00:00."
        )
