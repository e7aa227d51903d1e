"""TLS for the fake cloud: a certificate for its host names, from an authority that exists only in this process."""

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
    """A certificate authority, and one certificate of it for all hosts of the cloud.

    Make one per process, because generating the keys is slow. Make it while Python's clock shows real time: TLS clients
    compare the certificate's dates with the machine's clock.
    """

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self._leaf = self._authority.issue_cert(*CLOUD_HOSTS)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._leaf.configure_cert(context)
        return context

    def ssl_context(self) -> ssl.SSLContext:
        """Return the TLS context of a server. All servers of this process may share it."""
        return self._context

    @property
    def ca_pem(self) -> bytes:
        """The authority's certificate as PEM. A client that trusts it accepts the cloud's certificate."""
        return self._authority.cert_pem.bytes()

    def write_ca(self, path: Path) -> Path:
        """Write `ca_pem` to a file and return its path.

        The environment variables REQUESTS_CA_BUNDLE and NODE_EXTRA_CA_CERTS may name this file.
        """
        path.write_bytes(self.ca_pem)
        return path

    @cached_property
    def spki_hash(self) -> str:
        """SHA-256 of the certificate's public key in base64, for Chromium's --ignore-certificate-errors-spki-list."""
        leaf = x509.load_pem_x509_certificate(self._leaf.cert_chain_pems[0].bytes())
        spki = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(spki).digest()).decode()
