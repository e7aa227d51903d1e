"""Entra ID's signatures. One RSA key serves the whole process, because generating a key is slow."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALGORITHM = "RS256"


@cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _key_id() -> str:
    der = _key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha1(der).digest()).decode().rstrip("=")


def sign(claims: Mapping[str, Any]) -> str:
    """Return a JWT of these claims, signed with the key that `jwks` publishes. Times in claims are Unix seconds."""
    return jwt.encode(dict(claims), _key(), algorithm=ALGORITHM, headers={"kid": _key_id(), "x5t": _key_id()})


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JWT without checking its signature. Raise `jwt.InvalidTokenError` for any other text."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def jwks(issuer: str) -> dict[str, Any]:
    """Return the public key as Entra ID publishes it, with the same value for kid and x5t.

    Source: Entra ID's own discovery/v2.0/keys.
    """
    public = jwt.algorithms.RSAAlgorithm.to_jwk(_key().public_key(), as_dict=True)
    key = {"kty": "RSA", "use": "sig", "kid": _key_id(), "x5t": _key_id(), "n": public["n"], "e": public["e"]}
    return {"keys": [key | {"issuer": issuer}]}
