"""Tests of the package as a whole, and of its parts that need no server."""

import ast
import base64
import hashlib
import socket
import ssl
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.manual_clock import Clock

import fake_pbi
from fake_pbi.certificate import Certificate
from fake_pbi.cloud import Cloud
from fake_pbi.hosts import CLOUD_HOSTS, is_microsoft
from fake_pbi.tokens import TokenBook
from harness.base.journal import Journal


def test_package_imports_no_test_runner_no_browser_and_of_the_harness_only_its_base() -> None:
    [folder] = fake_pbi.__path__
    modules = [path.stem for path in Path(folder).glob("*.py")]
    imports = "\n".join(f"import fake_pbi.{name}" for name in modules if name != "__init__")
    check = f"import sys\n{imports}\nprint(sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", check], cwd=Path(folder).parent, capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(run.stdout))
    assert not loaded & {"pytest", "playwright"}
    assert {name.split(".")[1] for name in loaded if name.startswith("harness.")} == {"base"}


def test_token_is_expired_from_the_instant_of_its_expiry(clock: Clock) -> None:
    book = TokenBook(clock.now, Journal(clock.now))
    entra = book.issue_entra(timedelta(minutes=60), tenant_id="t", client_id="c")
    embed = book.issue_embed(entra)
    assert [book.state(text) for text in (entra.text, embed.text, "?")] == ["live", "live", "unknown"]
    clock.advance(minutes=59, seconds=59.999)
    assert book.state(embed.text) == "live"
    clock.advance(seconds=0.001)
    assert [book.state(text) for text in (entra.text, embed.text, "?")] == ["expired", "expired", "unknown"]


def test_tokens_are_named_by_type_and_numbered_in_order_of_issue(clock: Clock) -> None:
    book = TokenBook(clock.now, Journal(clock.now))
    entra = book.issue_entra(timedelta(minutes=60), tenant_id="t", client_id="c")
    embeds = [book.issue_embed(entra) for _ in range(2)]
    assert [entra.name, *(embed.name for embed in embeds)] == ["entra-1", "embed-1", "embed-2"]
    assert embeds[0].text != embeds[1].text
    assert book.find(embeds[1].text) == embeds[1]


def test_spki_hash_is_that_of_the_certificate_of_every_host(cloud: Cloud, certificate: Certificate) -> None:
    context = ssl.create_default_context(cadata=certificate.ca_pem.decode())
    for host in CLOUD_HOSTS:
        with (
            socket.create_connection(("127.0.0.1", cloud.tls_port), timeout=5) as bare,
            context.wrap_socket(bare, server_hostname=host) as secure,
        ):
            shown = x509.load_der_x509_certificate(secure.getpeercert(binary_form=True) or b"")
    key = shown.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert certificate.spki_hash == base64.b64encode(hashlib.sha256(key).digest()).decode()


def test_hosts_of_the_cloud_count_as_hosts_of_microsoft() -> None:
    assert all(is_microsoft(host) for host in CLOUD_HOSTS)
    assert not is_microsoft("notpowerbi.com")
