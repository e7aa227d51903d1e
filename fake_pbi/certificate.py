"""The cloud's TLS: a certificate for its host names, from an authority that exists in this process only."""

import base64
import hashlib
import ssl
from functools import cached_property
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fake_pbi.hosts import CLOUD_HOSTS


class Certificate:
    """One authority and one certificate for all of the cloud's hosts. Slow to make: once per process, and in real time,
    by which TLS clients judge it."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._leaf = self._authority.issue_cert(*CLOUD_HOSTS)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaf.configure_cert(context)
        return context

    def ssl_context(self) -> ssl.SSLContext:
        """For the TLS servers of this process, which may share it."""
        return self._context

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate, for clients to trust."""
        return self._authority.cert_pem.bytes()

    def write_ca(self, path: Path) -> Path:
        """Write `ca_pem` to a file, as REQUESTS_CA_BUNDLE or NODE_EXTRA_CA_CERTS want it."""
        path.write_bytes(self.ca_pem)
        return path

    @cached_property
    def spki_hash(self) -> str:
        """Base64 SHA-256 of the certificate's public key, for Chromium's --ignore-certificate-errors-spki-list."""
        leaf = x509.load_pem_x509_certificate(self._leaf.cert_chain_pems[0].bytes())
        spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(spki).digest()).decode()
