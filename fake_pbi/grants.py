"""The grants of Entra's token endpoint, a method each: the form of a request in, the body of the answer out."""

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
REFRESH_TOKEN_LIFE = timedelta(days=90)


class Grants:
    """What the token endpoint gives, and to whom. Source: Entra's v2-oauth2-*.md and MSAL Python 1.39."""

    def __init__(self, now: Now, tenant: Tenant, tokens: TokenBook) -> None:
        self._now = now
        self._tenant = tenant
        self._tokens = tokens
        self._refresh_tokens: dict[str, datetime] = {}
        self._began = now()
        self._of = {"client_credentials": self.client_credentials, "refresh_token": self.refresh_token}

    def answer(self, form: Form) -> dict[str, Any]:
        """The success body for a form. Raises an `EntraError` for every reason not to give a token."""
        grant = _required(form, "grant_type")
        if grant not in self._of:
            raise errors.UnsupportedGrant(grant)
        client_id = _required(form, "client_id")
        if client_id != self._tenant.client_id:
            raise errors.UnknownClient(client_id, self._tenant.tenant_id)
        if form.get("client_secret", self._tenant.client_secret) != self._tenant.client_secret:
            raise errors.WrongSecret(client_id)
        return self._of[grant](form)

    def client_credentials(self, form: Form) -> dict[str, Any]:
        """A token for the app itself; never a refresh token."""
        if "client_secret" not in form:
            raise errors.MissingSecret
        scope = self._power_bi_scope(form)
        if scope != f"{POWER_BI}/.default":
            raise errors.NotDefaultScope(scope)
        principal = str(uuid.uuid5(uuid.NAMESPACE_URL, self._tenant.client_id))
        return self._access({"idtyp": "app", "oid": principal, "sub": principal})

    def refresh_token(self, form: Form) -> dict[str, Any]:
        """A token for the user, and a new refresh token; the old one stays valid.

        An app without a secret is one that runs in a browser, and is served too.
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
        token = self._tokens.mint_entra(
            self._tenant.lifetime,
            tenant_id=self._tenant.tenant_id,
            client_id=self._tenant.client_id,
            claims=claims,
        )
        left = self._seconds_left(token)
        return {"token_type": "Bearer", "expires_in": left, "ext_expires_in": left, "access_token": token.text}

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
        issued = self._began if text == self._tenant.refresh_token else self._refresh_tokens.get(text)
        if issued is None:
            raise errors.InvalidGrant
        if self._now() >= issued + REFRESH_TOKEN_LIFE:
            raise errors.GrantInactive(issued)

    def _power_bi_scope(self, form: Form) -> str:
        """What is asked of Power BI, the one resource here: the form's scope without those of OpenID."""
        asked = [part for part in _required(form, "scope").split() if part not in OPENID_SCOPES]
        for part in asked:
            if not part.startswith(f"{POWER_BI}/"):
                raise errors.UnknownResource(part, self._tenant.tenant_id)
        return " ".join(asked)


def _required(form: Form, name: str) -> str:
    if name not in form:
        raise errors.MissingParameter(name)
    return form[name]
