"""The OAuth grants of Entra ID's token endpoint: a method for each, from the request's form to the answer."""

import base64
import json
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fake_pbi import errors, signing
from fake_pbi.hosts import LOGIN
from fake_pbi.tenant import Tenant
from fake_pbi.tokens import POWER_BI, Token, TokenBook
from harness.base.journal import Now

Form = Mapping[str, str]

OPENID_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
REFRESH_TOKEN_LIFETIME = timedelta(days=90)
"""The time after which a refresh token expires. Source: Entra's refresh-tokens."""


class Grants:
    """The token endpoint's decisions: who gets a token by which OAuth grant.

    Source: Entra's v2-oauth2-*.md and the source of MSAL Python 1.39.
    """

    def __init__(self, now: Now, tenant: Tenant, tokens: TokenBook) -> None:
        self._now = now
        self._tenant = tenant
        self._tokens = tokens
        self._refresh_tokens: dict[str, datetime] = {}
        self._began = now()
        self._by_name = {"client_credentials": self.client_credentials, "refresh_token": self.refresh_token}

    def answer(self, form: Form) -> dict[str, Any]:
        """Return the JSON object with a token for a form. Raise an `EntraError` for every reason to refuse one."""
        grant = _required(form, "grant_type")
        if grant not in self._by_name:
            raise errors.UnsupportedGrant(grant)
        client_id = _required(form, "client_id")
        if client_id != self._tenant.client_id:
            raise errors.UnknownClient(client_id, self._tenant.tenant_id)
        if form.get("client_secret", self._tenant.client_secret) != self._tenant.client_secret:
            raise errors.WrongSecret(client_id)
        return self._by_name[grant](form)

    def client_credentials(self, form: Form) -> dict[str, Any]:
        """Return a token for the app itself, without a refresh token."""
        if "client_secret" not in form:
            raise errors.MissingSecret
        scope = self._power_bi_scope(form)
        if scope != f"{POWER_BI}/.default":
            raise errors.NotDefaultScope(scope)
        principal = str(uuid.uuid5(uuid.NAMESPACE_URL, self._tenant.client_id))
        return self._access({"idtyp": "app", "oid": principal, "sub": principal})

    def refresh_token(self, form: Form) -> dict[str, Any]:
        """Return a token for the user and a new refresh token. The old refresh token stays valid.

        A form without a secret is accepted, because an app that runs in a browser has none.
        """
        self._check_refresh_token(_required(form, "refresh_token"))
        scope = self._power_bi_scope(form)
        permissions = " ".join(part.removeprefix(f"{POWER_BI}/") for part in scope.split())
        user = {"oid": self._tenant.user_id, "sub": self._tenant.user_id, "name": self._tenant.user_name}
        body = self._access(user | {"upn": self._tenant.user_name, "scp": permissions})
        refresh_token = secrets.token_urlsafe(96)
        self._refresh_tokens[refresh_token] = self._now()
        body |= {"scope": scope, "refresh_token": refresh_token}
        if "openid" in form["scope"].split():
            body["id_token"] = self._id_token(user)
        if form.get("client_info") == "1":
            info = {"uid": self._tenant.user_id, "utid": self._tenant.tenant_id}
            body["client_info"] = base64.urlsafe_b64encode(json.dumps(info).encode()).decode().rstrip("=")
        return body

    def _access(self, claims: Mapping[str, str]) -> dict[str, Any]:
        """Return the part of an answer that every grant has: a new access token and its remaining seconds."""
        token = self._tokens.issue_entra(
            self._tenant.lifetime,
            tenant_id=self._tenant.tenant_id,
            client_id=self._tenant.client_id,
            claims=claims,
        )
        left_s = self._seconds_left(token)
        return {"token_type": "Bearer", "expires_in": left_s, "ext_expires_in": left_s, "access_token": token.text}

    def _seconds_left(self, token: Token) -> int:
        return (token.expires - self._now()) // timedelta(seconds=1)

    def _id_token(self, user: Mapping[str, str]) -> str:
        issued = int(self._now().timestamp())
        return signing.sign(
            {
                "aud": self._tenant.client_id,
                "iss": f"https://{LOGIN}/{self._tenant.tenant_id}/v2.0",
                "iat": issued,
                "nbf": issued,
                "exp": issued + 3600,
                "tid": self._tenant.tenant_id,
                "preferred_username": self._tenant.user_name,
                "ver": "2.0",
                **user,
            }
        )

    def _check_refresh_token(self, text: str) -> None:
        """Raise `InvalidGrant` for an unknown refresh token, `GrantInactive` for an expired one."""
        issued = self._began if text == self._tenant.refresh_token else self._refresh_tokens.get(text)
        if issued is None:
            raise errors.InvalidGrant
        if self._now() >= issued + REFRESH_TOKEN_LIFETIME:
            raise errors.GrantInactive(issued)

    def _power_bi_scope(self, form: Form) -> str:
        """Return the form's scopes of Power BI, without OpenID's. Raise `UnknownResource` for any other scope."""
        scopes = [part for part in _required(form, "scope").split() if part not in OPENID_SCOPES]
        for part in scopes:
            if not part.startswith(f"{POWER_BI}/"):
                raise errors.UnknownResource(part, self._tenant.tenant_id)
        return " ".join(scopes)


def _required(form: Form, name: str) -> str:
    """Return a field of the form. Raise `MissingParameter` if the form lacks it."""
    if name not in form:
        raise errors.MissingParameter(name)
    return form[name]
