"""Errors that are answers of the service: one class each, with its status, its code and the service's own sentence."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from fake_pbi.tokens import utc_text


class ServiceError(Exception):
    """An error that the service answers; `body` is its JSON."""

    status: ClassVar[int] = 400
    code: ClassVar[str]

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def body(self, now: datetime) -> dict[str, Any]:
        raise NotImplementedError


class PowerBIError(ServiceError):
    """An error with a message. Source: troubleshoot-rest-api."""

    def body(self, now: datetime) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.sentence}}


class TokenExpired(PowerBIError):
    """The token was good once. Source: troubleshoot-rest-api."""

    status = 403
    code = "TokenExpired"

    def __init__(self) -> None:
        super().__init__("Access token has expired, resubmit with a new access token")


class LoadFailed(PowerBIError):
    """The item was given something that is no token of the type it was announced as. Source: embedded-troubleshoot."""

    status = 403
    code = "LoadReportFailed"

    def __init__(self) -> None:
        super().__init__("Fail to initialize - Couldn't resolve cluster")


class InvalidRequest(PowerBIError):
    """The body is not what the operation takes. Assumed: the code; no capture of such an answer is public."""

    code = "InvalidRequest"


class PowerBIException(ServiceError):
    """An error without a message, as the service's own exceptions are shown."""

    def __init__(self) -> None:
        super().__init__(self.code)

    def body(self, now: datetime) -> dict[str, Any]:
        detail = {"code": self.code, "parameters": {}, "details": [], "exceptionCulprit": 1}
        return {"error": {"code": self.code, "pbi.error": detail}}


class NotAuthorized(PowerBIException):
    """No bearer token, or none of Entra's. Source: powerbi-docs#1096 for the shape; assumed for a missing token."""

    status = 401
    code = "PowerBINotAuthorizedException"


class EntityNotFound(PowerBIException):
    """The item has no such part. Source: powerbi-powershell-modules#66."""

    status = 404
    code = "PowerBIEntityNotFound"


class EntraError(ServiceError):
    """An AADSTS error; `number` is its own, `code` the OAuth one. Source: Entra reference-error-codes."""

    number: ClassVar[int]

    def body(self, now: datetime) -> dict[str, Any]:
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
    """Instance discovery for a host that is not Entra's. Source: MSAL Python's authority.py."""

    code, number = "invalid_instance", 50049

    def __init__(self) -> None:
        super().__init__("Unknown or invalid instance.")


class UnknownTenant(EntraError):
    """The address names another tenant."""

    code, number = "invalid_request", 90002

    def __init__(self, tenant: str) -> None:
        super().__init__(
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the "
            "correct cloud."
        )


class MissingParameter(EntraError):
    """The form lacks a field."""

    code, number = "invalid_request", 900144

    def __init__(self, name: str) -> None:
        super().__init__(f"The request body must contain the following parameter: '{name}'.")


class UnsupportedGrant(EntraError):
    """A grant type that the fake does not play."""

    code, number = "unsupported_grant_type", 70003

    def __init__(self, grant: str) -> None:
        super().__init__(f"The app requested an unsupported grant type '{grant}'.")


class UnknownClient(EntraError):
    """The app is not one of the tenant's."""

    code, number = "unauthorized_client", 700016

    def __init__(self, client_id: str, tenant_id: str) -> None:
        super().__init__(f"Application with identifier '{client_id}' was not found in the directory '{tenant_id}'.")


class MissingSecret(EntraError):
    """The app did not say who it is. Status seen in practice: 401."""

    status = 401
    code, number = "invalid_client", 7000218

    def __init__(self) -> None:
        super().__init__(
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
        )


class WrongSecret(EntraError):
    """The app's secret is another one. Status seen in practice: 401."""

    status = 401
    code, number = "invalid_client", 7000215

    def __init__(self, client_id: str) -> None:
        super().__init__(
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client_id}'."
        )


class NotDefaultScope(EntraError):
    """An app asked for single permissions on its own behalf."""

    code, number = "invalid_scope", 1002012

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"The provided value for scope {scope} is not valid. Client credential flows must have a scope value with "
            "/.default suffixed to the resource identifier (application ID URI)."
        )


class UnknownResource(EntraError):
    """A scope of something other than Power BI."""

    code, number = "invalid_resource", 500011

    def __init__(self, scope: str, tenant_id: str) -> None:
        super().__init__(f"The resource principal named {scope} was not found in the tenant named {tenant_id}.")


class InvalidGrant(EntraError):
    """No refresh token of Entra's."""

    code, number = "invalid_grant", 9002313

    def __init__(self) -> None:
        super().__init__("Invalid request. Request is malformed or invalid.")


class GrantInactive(EntraError):
    """A refresh token that was left unused for too long."""

    code, number = "invalid_grant", 700082

    def __init__(self, issued: datetime) -> None:
        super().__init__(
            f"The refresh token has expired due to inactivity. The token was issued on {utc_text(issued)} and was "
            "inactive for 90.00:00:00."
        )
